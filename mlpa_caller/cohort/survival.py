"""Outcome of a cohort by groups: survival, competing risks, comparisons and the identities between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpa_caller.cohort.competing import VARIANCES, Incidence, cumulative_incidence, gray_test
from mlpa_caller.cohort.curves import Curve, kaplan_meier, median_time, reverse_median
from mlpa_caller.cohort.events import PER_YEAR, Outcome
from mlpa_caller.cohort.grouping import Grouping
from mlpa_caller.cohort.hazard import hazard_ratios, log_rank, observed_expected
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.errors import UsageError

__all__ = ["DEFAULT_HORIZONS", "Analysis", "Part", "analyse", "axis_years", "check_pair"]

DEFAULT_HORIZONS = (1.0, 3.0, 5.0)
"""Years at which rates are given when none are asked for."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One endpoint in one part of the cohort.

    Attributes
    ----------
    endpoint
        For people, for instance ``EFS``.
    subset
        Which part; empty for the whole.
    groups
        Names of the groups, in order.
    curves
        Survival by group; None for a group without patients.
    incidence
        Cumulative incidences by group where there are competing events, else None.
    time, cause, group
        ``(patients,)`` of the part, all known.
    outcome
        What the times and causes are.
    """

    endpoint: str
    subset: str
    groups: tuple[str, ...]
    curves: tuple[Curve | None, ...]
    incidence: tuple[Incidence | None, ...] | None
    time: FloatArray
    cause: IntArray
    group: IntArray
    outcome: Outcome

    def present(self) -> Iterator[tuple[int, str, Curve]]:
        """Give index, name and curve of the groups that have patients."""
        for g, (name, curve) in enumerate(zip(self.groups, self.curves)):
            if curve is not None:
                yield g, name, curve

    def longest(self) -> float:
        """Return the longest follow-up of any group, in years; 0 when there is nobody."""
        return max((self.outcome.years(curve.longest) for _, _, curve in self.present()), default=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All rows of the tables of a survival analysis; see the sections of the report."""

    parts: tuple[Part, ...]
    follow_up: list[Row]
    rates: list[Row]
    incidence: list[Row]
    tests: list[Row]
    hazards: list[Row]
    identities: list[Row]
    at_risk: list[Row]


def make_part(
    outcome: Outcome, by: Grouping, endpoint: str, *, subset: str = "", within: BoolArray | None = None
) -> Part:
    """Return one endpoint of the patients whose group, time and event are known."""
    keep = outcome.known & (by.code >= 0)
    if within is not None:
        keep = keep & within
    time, cause, group = outcome.time[keep], outcome.cause()[keep], by.code[keep]
    curves: list[Curve | None] = []
    incidences: list[Incidence | None] = []
    for g in range(len(by.levels)):
        own = group == g
        curves.append(kaplan_meier(time[own], cause[own] > 0) if own.any() else None)
        incidences.append(
            cumulative_incidence(time[own], cause[own], len(outcome.causes)) if own.any() else None
        )
    competing = tuple(incidences) if len(outcome.causes) > 1 else None
    return Part(endpoint, subset, by.levels, tuple(curves), competing, time, cause, group, outcome)


def analyse(
    parts: Sequence[Part],
    *,
    horizons: Sequence[float] = DEFAULT_HORIZONS,
    variance: str = "aalen",
    reference: int = 0,
) -> Analysis:
    """Compute every table of the parts.

    Parameters
    ----------
    parts
        Endpoints and parts of the cohort.
    horizons
        Years at which rates are given.
    variance
        Estimator behind the intervals of cumulative incidences, ``aalen`` or ``delta``.
    reference
        Group that hazard ratios refer to.

    Raises
    ------
    UsageError
        If the estimator is unknown, or a horizon is not a positive number.
    """
    if variance not in VARIANCES:
        raise UsageError(
            f"there is no variance estimator {variance!r}", remedy=f"choose of {', '.join(VARIANCES)}"
        )
    for years in horizons:
        if not (np.isfinite(years) and years > 0):
            raise UsageError(f"a horizon of {years:g} years", remedy="give a positive number of years")
    found = Analysis(tuple(parts), [], [], [], [], [], [], [])
    grid = axis_years(max((part.longest() for part in parts), default=0.0))
    for part in parts:
        head = {"endpoint": part.endpoint, "subset": part.subset}
        found.follow_up.extend({**head, **row} for row in _follow_up(part))
        found.rates.extend({**head, **row} for row in _rates(part, horizons))
        found.tests.extend({**head, **row} for row in _tests(part))
        found.hazards.extend({**head, **row} for row in _hazards(part, reference))
        found.at_risk.extend({**head, **row} for row in _at_risk(part, grid))
        if part.incidence is not None:
            found.incidence.extend({**head, **row} for row in _incidences(part, horizons, variance))
            found.identities.extend({**head, **row} for row in _sum_identity(part))
    return found


def _follow_up(part: Part) -> Iterator[Row]:
    for g, name in enumerate(part.groups):
        curve = part.curves[g]
        row: Row = {"group": name, "patients": 0 if curve is None else curve.n}
        if curve is None:
            yield {**row, "events": 0, "reason": "nobody in this group"}
            continue
        own = part.group == g
        time, cause = part.time[own], part.cause[own]
        row["events"] = int((cause > 0).sum())
        if part.incidence is not None:
            row["events_by_kind"] = "; ".join(
                f"{label} {int((cause == k).sum())}" for k, label in enumerate(part.outcome.causes, 1)
            )
        years = part.outcome.years
        follow, median = years(reverse_median(time, cause > 0)), years(median_time(curve))
        reasons = []
        if np.isnan(follow):
            reasons.append("median follow-up not reached")
        if np.isnan(median):
            reasons.append("median time to the event not reached")
        row["time_zero_events"] = int(((cause > 0) & (time == 0)).sum())
        yield {**row, "median_follow_up_years": follow, "longest_years": years(curve.longest),
               "median_event_years": median, "reason": "; ".join(reasons)}  # fmt: skip


def _rates(part: Part, horizons: Sequence[float]) -> Iterator[Row]:
    scale = PER_YEAR[part.outcome.unit]
    for _, name, curve in part.present():
        for horizon in horizons:
            found = curve.at(horizon * scale)
            row: Row = {"group": name, "years": horizon, "percent": 100 * found.value, "percent_low": 100 * found.low,
                        "percent_high": 100 * found.high, "standard_error": 100 * found.error,
                        "at_risk": found.at_risk, "reason": found.reason}  # fmt: skip
            if np.isnan(found.value):
                row["reason"] = _beyond(part.outcome, curve.longest, curve.at(curve.longest).value)
            yield row


def _beyond(outcome: Outcome, longest: float, value: float) -> str:
    return f"nobody followed this long; {100 * value:.1f} % at the end, {outcome.years(longest):.2f} years"


def _incidences(part: Part, horizons: Sequence[float], variance: str) -> Iterator[Row]:
    scale = PER_YEAR[part.outcome.unit]
    for g, name, curve in part.present():
        own = part.incidence[g] if part.incidence else None
        if own is None:
            continue
        for cause, label in enumerate(part.outcome.causes, 1):
            for horizon in horizons:
                row: Row = {"group": name, "event": label, "years": horizon,
                            "at_risk": curve.at_risk_at(horizon * scale), "variance": variance}  # fmt: skip
                if horizon * scale > curve.longest and curve.value[-1] > 0:
                    row["reason"] = _beyond(part.outcome, curve.longest, own.at(curve.longest, cause))
                else:
                    row.update(_incidence_at(own, horizon * scale, cause, variance))
                yield row


def _incidence_at(own: Incidence, time: float, cause: int, variance: str) -> Row:
    value = own.at(time, cause)
    errors = {name: float(np.sqrt(max(own.variance(time, cause, name), 0.0))) for name in VARIANCES}
    low, high = log_log_interval(value, errors[variance])
    return {
        "percent": 100 * value,
        "percent_low": 100 * low,
        "percent_high": 100 * high,
        "standard_error": 100 * errors["aalen"],
        "standard_error_delta": 100 * errors["delta"],
        "reason": "" if 0 < value < 1 else f"no interval at {100 * value:.0f} %",
    }


def log_log_interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95 % interval of a probability on the scale of log(-log); NaN at 0 and 1."""
    if not 0 < value < 1:
        return np.nan, np.nan
    half = 1.959963984540054 * error / (value * abs(np.log(value)))
    return float(value ** np.exp(half)), float(value ** np.exp(-half))


def _tests(part: Part) -> Iterator[Row]:
    n = len(part.groups)
    event = part.cause > 0
    for name, breslow in (("log-rank", False), ("Breslow", True)):
        found = log_rank(part.time, event, part.group, n, breslow=breslow)
        yield {"event": "any", "test": name, "statistic": found.statistic, "df": found.df, "p": found.p,
               "reason": found.reason}  # fmt: skip
    if part.incidence is not None:
        for cause, label in enumerate(part.outcome.causes, 1):
            found = gray_test(part.time, part.cause, part.group, n, cause)
            yield {"event": label, "test": "Gray", "statistic": found.statistic, "df": found.df,
                   "p": found.p, "reason": found.reason}  # fmt: skip


def _hazards(part: Part, reference: int) -> Iterator[Row]:
    causes: list[tuple[str, BoolArray]] = [("any", part.cause > 0)]
    if part.incidence is not None:
        causes += [(label, part.cause == cause) for cause, label in enumerate(part.outcome.causes, 1)]
    for label, event in causes:
        observed, expected = observed_expected(part.time, event, part.group, len(part.groups))
        own = {name: g for g, name in enumerate(part.groups)}
        for ratio in hazard_ratios(part.time, event, part.group, part.groups, reference):
            g = own[ratio.name]
            yield {"event": label, "group": ratio.name, "against": part.groups[reference],
                   "observed": float(observed[g]), "expected": float(expected[g]), "hazard_ratio": ratio.ratio,
                   "low": ratio.low, "high": ratio.high, "p": ratio.p, "coefficient": ratio.coefficient,
                   "coefficient_error": ratio.error, "reason": ratio.reason}  # fmt: skip


def axis_years(longest: float) -> list[float]:
    """Return six to ten round times in years, from 0 to the longest follow-up."""
    step = next((s for s in (1 / 12, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0) if longest / s <= 8), 20.0)
    return [i * step for i in range(int(longest / step + 1e-9) + 1)]


def _at_risk(part: Part, grid: Sequence[float]) -> Iterator[Row]:
    scale = PER_YEAR[part.outcome.unit]
    for _, name, curve in part.present():
        for years in grid:
            yield {"group": name, "years": years, "at_risk": curve.at_risk_at(years * scale)}


def _sum_identity(part: Part) -> Iterator[Row]:
    """Check that the incidences and survival add up to 1 at every time."""
    for g, name, curve in part.present():
        own = part.incidence[g] if part.incidence else None
        if own is None:
            continue
        place = np.searchsorted(curve.time, own.time, side="right") - 1
        gap = np.abs(own.incidence.sum(axis=0) + curve.value[place] - 1)
        worst = float(gap.max()) if len(gap) else 0.0
        yield {"group": name, "identity": f"{' + '.join(part.outcome.causes)} = 1 - {part.endpoint}",
               "largest_difference_percent": 100 * worst, "holds": "yes" if worst < 1e-9 else "no"}  # fmt: skip


def check_pair(first: Part, overall: Part) -> list[Row]:
    """Check that competing mortality never exceeds 1 - OS, and OS never lies below event-free survival.

    Parameters
    ----------
    first
        First events, with competing mortality.
    overall
        Overall survival of the same patients.
    """
    rows = []
    scale = PER_YEAR[first.outcome.unit] / PER_YEAR[overall.outcome.unit]
    for g, name, curve in first.present():
        other = overall.curves[g]
        if other is None:
            continue
        times = curve.time / scale
        inside = times <= other.longest
        place = np.searchsorted(other.time, times[inside], side="right") - 1
        alive = other.value[place]
        checks: Mapping[str, FloatArray] = {
            f"{overall.endpoint} >= {first.endpoint}": curve.value[inside] - alive
        }
        own = first.incidence[g] if first.incidence else None
        if own is not None:
            spot = np.searchsorted(own.time, curve.time[inside], side="right") - 1
            competing = (
                np.where(spot >= 0, own.incidence[1, np.maximum(spot, 0)], 0.0)
                if len(own.time)
                else 0 * alive
            )
            label = f"{first.outcome.causes[1]} <= 1 - {overall.endpoint}"
            checks = {**checks, label: competing - (1 - alive)}
        for identity, excess in checks.items():
            worst = float(excess.max()) if len(excess) else 0.0
            rows.append({"endpoint": first.endpoint, "subset": first.subset, "group": name, "identity": identity,
                         "largest_difference_percent": max(100 * worst, 0.0),
                         "holds": "yes" if worst < 1e-9 else "no"})  # fmt: skip
    return rows
