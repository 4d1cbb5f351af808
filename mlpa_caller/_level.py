"""Amount and slope of every sample, from the probes that are not altered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray

__all__ = ["Level", "fit_level"]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Amount and slope of every sample.

    Attributes
    ----------
    amount
        ``(samples,)`` fitted ln amount at `centre`.
    slope
        ``(samples,)`` per 100 nucleotides, relative to the reference samples.
    centre
        ``(samples,)`` in units of ``(length - 300) / 100``: there the two errors are independent.
    amount_variance, slope_variance
        ``(samples,)``.
    weight
        ``(samples, probes)`` probability that the probe is unaltered in this sample; 0 where it is missing.
    objective
        ``(samples,)`` log-likelihood of the fit.
    """

    amount: FloatArray
    slope: FloatArray
    centre: FloatArray
    amount_variance: FloatArray
    slope_variance: FloatArray
    weight: FloatArray
    objective: FloatArray

    def rows(self, index: slice) -> Level:
        """Return the levels of some samples."""
        return Level(**{name: getattr(self, name)[index] for name in Level.__dataclass_fields__})

    def at(self, x: FloatArray) -> FloatArray:
        """Return ``(samples, probes)`` expected ln height above efficiency at positions `x`."""
        return np.asarray(
            self.amount[:, None] + self.slope[:, None] * (x - self.centre[:, None]), dtype=np.float64
        )


def fit_level(
    difference: FloatArray,
    variance: FloatArray,
    x: FloatArray,
    prior: FloatArray,
    *,
    starts: FloatArray,
    slope_sd: float,
    span: float,
    rounds: int = 10,
    previous: Level | None = None,
    count: FloatArray | None = None,
) -> Level:
    """Fit amount and slope of every sample to the probes that are not altered.

    Each probe is either unaltered (normal noise around the line) or anywhere within `span`; the fit is the
    maximum over line and membership (expectation-maximisation), from several starting levels.

    Parameters
    ----------
    difference
        ``(samples, probes)`` ln height minus efficiency; NaN where missing.
    variance
        ``(samples, probes)`` of `difference` around the line.
    x
        ``(probes,)`` ``(length - 300) / 100``.
    prior
        ``(samples, probes)`` or ``(probes,)`` probability that the probe is unaltered.
    starts
        ``(starts, samples)`` amounts to start from, with slope 0.
    previous
        An earlier fit to start from as well.
    slope_sd
        Prior standard deviation of the slope relative to the references.
    span
        Width in ln ratio over which an altered probe may lie.
    count
        ``(probes,)`` how many independent probes each counts as; 1 without it.

    Returns
    -------
    Level
        The best fit of each sample.
    """
    if not len(starts) and previous is None:
        raise ValueError("fit_level needs at least one start")
    counted = np.ones(len(x)) if count is None else count
    problem = _Problem.of(difference, variance, x, prior, counted, slope_sd=slope_sd, span=span)
    begin = [problem.start(amount) for amount in starts]
    if previous is not None:
        begin.append(problem.start(np.nan_to_num(previous.amount), previous.slope, previous.centre))
    best: Level | None = None
    for line in begin:
        fit = problem.climb(line, max(rounds, 1))
        best = fit if best is None else _better(best, fit)
    return best  # type: ignore[return-value]


def _better(one: Level, two: Level) -> Level:
    """Return, for each sample, the fit with the larger objective (the first where they are equal)."""
    take = two.objective > one.objective + 1e-9
    if not take.any():
        return one
    chosen = {}
    for name in Level.__dataclass_fields__:
        a, b = getattr(one, name), getattr(two, name)
        chosen[name] = np.where(take if a.ndim == 1 else take[:, None], b, a)
    return Level(**chosen)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The numbers that stay the same in every round, prepared for few passes over the cells.

    Attributes
    ----------
    value
        ``(samples, probes)`` difference less `origin`; 0 where missing.
    origin
        ``(samples,)`` a level near that of the sample, which keeps the sums exact.
    precision
        ``(samples, probes)``; 0 where missing.
    log_odds
        ``(samples, probes)`` ln odds of "altered" against "on the line" for a probe on the line.
    missing
        ``(samples, probes)``.
    other
        ``(samples,)`` sum of the ln densities of "altered" over the probes present.
    count
        ``(probes,)`` how many independent probes each counts as.
    design
        ``(probes, 3)``: 1, x and x squared.
    slope_precision
        Of the slope's prior.
    """

    value: FloatArray
    origin: FloatArray
    precision: FloatArray
    log_odds: FloatArray
    missing: BoolArray
    other: FloatArray
    count: FloatArray
    design: FloatArray
    slope_precision: float

    @classmethod
    def of(
        cls,
        difference: FloatArray,
        variance: FloatArray,
        x: FloatArray,
        prior: FloatArray,
        count: FloatArray,
        *,
        slope_sd: float,
        span: float,
    ) -> _Problem:
        missing = np.isnan(difference)
        known = ~missing
        present = np.maximum(known.sum(axis=1), 1)
        origin = np.where(missing, 0.0, difference).sum(axis=1) / present
        precision = 1.0 / variance
        precision[missing] = 0.0
        altered = np.log1p(-prior) - np.log(span)
        log_odds = np.log(np.where(missing, 2.0 * np.pi, precision) / (2.0 * np.pi))
        log_odds *= -0.5
        log_odds += altered - np.log(prior)
        return cls(
            value=np.where(missing, 0.0, difference - origin[:, None]),
            origin=origin,
            precision=precision,
            log_odds=log_odds,
            missing=missing,
            other=known @ (altered * count) if altered.ndim == 1 else (known * altered) @ count,
            count=count,
            design=np.stack([np.ones(len(x)), x, x**2], axis=1),
            slope_precision=slope_sd**-2,
        )

    def start(
        self, amount: FloatArray, slope: FloatArray | None = None, centre: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return a line to start from, with the amount counted from `origin`."""
        flat = np.zeros(len(amount))
        return amount - self.origin, flat if slope is None else slope, flat if centre is None else centre

    def climb(self, line: tuple[FloatArray, FloatArray, FloatArray], rounds: int) -> Level:
        """Return the fit after some rounds of expectation and maximisation from `line`."""
        amount, slope, centre = line
        half = 0.5 * self.precision
        counted = self.design * self.count[:, None]
        odds = np.empty_like(self.value)
        weight = np.empty_like(self.value)
        for _ in range(rounds):
            self._odds(amount, slope, centre, half, odds)
            np.minimum(odds, 500.0, out=odds)
            np.exp(odds, out=odds)
            odds += 1.0
            np.divide(self.precision, odds, out=weight)
            total, first, second = (weight @ counted).T
            weight *= self.value
            value, moment = (weight @ counted[:, :2]).T
            some = total > 0  # where no probe is left that could be unaltered: stay where we are
            safe = np.where(some, total, np.nan)
            middle = first / safe
            squares = np.maximum(second - first * middle, 0.0) + self.slope_precision
            steep = (moment - middle * value) / squares
            amount = np.where(some, value / safe, amount)
            slope, centre = np.where(some, steep, slope), np.where(some, middle, centre)
        weight = np.where(self.missing, 0.0, 1.0 / odds)
        self._odds(amount, slope, centre, half, odds)
        np.negative(odds, out=odds)
        gain = np.log1p(np.exp(odds, out=odds), out=odds)
        gain[self.missing] = 0.0
        objective = self.other + gain @ self.count - 0.5 * self.slope_precision * slope**2
        return Level(
            amount=amount + self.origin,
            slope=slope,
            centre=centre,
            amount_variance=1.0 / safe,
            slope_variance=1.0 / squares,
            weight=weight,
            objective=objective,
        )

    def _odds(
        self, amount: FloatArray, slope: FloatArray, centre: FloatArray, half: FloatArray, out: FloatArray
    ) -> None:
        """Put the ln odds of "altered" at each probe's distance from the line into `out`."""
        line = np.stack([amount - slope * centre, slope], axis=1)
        np.matmul(line, self.design[:, :2].T, out=out)
        np.subtract(self.value, out, out=out)
        np.multiply(out, out, out=out)
        out *= half
        out += self.log_odds
