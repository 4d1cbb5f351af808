"""The plain model: heights forward from copy numbers, posteriors backward from ratios.

Slow and obviously right: Python loops over samples, hypotheses, clone fractions and probes, one number at a time.
The tests compare the fast caller with it, and build runs of known truth from it. Nothing here is shared with the
package but its data types.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import FloatArray, Missing, Signals, text_array
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.samplesheet import SampleSheet, samples_from_columns

ABSENT_WIDTH = 0.15  # of the passage from a seen to an unseen peak, in ln height
Pattern = tuple[int, ...]


# --- the hypotheses ---------------------------------------------------------------------------------------------


def plain_ranges(n_units: int) -> list[tuple[int, int]]:
    """Every contiguous range of units."""
    return [(first, last) for first in range(n_units) for last in range(first, n_units)]


def plain_range_prior(n_units: int, known: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Prior of each range: what is known, and the rest of 1 in equal parts for all others."""
    ranges = plain_ranges(n_units)
    others = [item for item in ranges if item not in known]
    left = max(0.0, 1.0 - sum(known.values()))
    share = {item: known.get(item, left / max(1, len(others))) for item in ranges}
    total = sum(share.values())
    return {item: value / total for item, value in share.items()}


def _pattern(n_units: int, parts: Iterable[tuple[tuple[int, int], int]]) -> Pattern:
    lost = [0] * n_units
    for (first, last), copies in parts:
        for unit in range(first, last + 1):
            lost[unit] += copies
    return tuple(lost)


def plain_space(
    n_units: int,
    *,
    loss: float,
    gain: float,
    homozygous: float,
    two_events: float,
    double_gain: float,
    whole: float,
    whole_gain: float,
    spectrum: Sequence[tuple[int, int, float]] = (),
    all_pairs_up_to: int = 12,
) -> dict[Pattern, float]:
    """Prior of every pattern of copies lost by the units; the pattern of zeros is "no change".

    A loss takes one range from one allele, the same range from both, or two different ranges from the two
    alleles (all pairs; in a gene of many units only the whole gene with a range inside). A gain adds one copy
    or two to a range. Patterns that agree are one hypothesis.
    """
    ranges = plain_ranges(n_units)
    entire = (0, n_units - 1)
    known = {(a, b): p for a, b, p in spectrum} or {entire: whole if n_units > 1 else 1.0}
    of_range = plain_range_prior(n_units, known)
    of_gain = plain_range_prior(n_units, {entire: whole_gain if n_units > 1 else 1.0})
    pairs = [
        (one, two)
        for i, one in enumerate(ranges)
        for two in ranges[i + 1 :]
        if n_units <= all_pairs_up_to or entire in (one, two)
    ]
    pair_total = sum(of_range[one] * of_range[two] for one, two in pairs)
    two = two_events if pairs else 0.0
    prior: dict[Pattern, float] = {(0,) * n_units: 1.0 - loss - gain}

    def add(pattern: Pattern, probability: float) -> None:
        if probability > 0:
            prior[pattern] = prior.get(pattern, 0.0) + probability

    for item in ranges:
        add(_pattern(n_units, [(item, 1)]), loss * (1 - homozygous - two) * of_range[item])
        add(_pattern(n_units, [(item, 2)]), loss * homozygous * of_range[item])
        add(_pattern(n_units, [(item, -1)]), gain * (1 - double_gain) * of_gain[item])
        add(_pattern(n_units, [(item, -2)]), gain * double_gain * of_gain[item])
    for one, other in pairs:
        share = of_range[one] * of_range[other] / pair_total
        add(_pattern(n_units, [(one, 1), (other, 1)]), loss * two * share)
    return prior


# --- one probe --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlainNoise:
    """Noise of a probe: Student t, a floor for a variant under the probe, and what a lost peak leaves."""

    dof: float = 15.0
    artefact: float = 0.0
    span: float = 1.5
    floor: float = 0.03
    dropout: float = 0.001


def student_t(z: float, dof: float) -> float:
    """Density of Student's t."""
    constant = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - 0.5 * math.log(dof * math.pi)
    return math.exp(constant - (dof + 1) / 2 * math.log(1 + z * z / dof))


def t_scale(error: float, dof: float) -> float:
    """Scale of the t whose standard deviation is `error`."""
    return error * math.sqrt((dof - 2) / dof)


def probe_density(residual: float, error: float, noise: PlainNoise) -> tuple[float, float]:
    """Density of a probe's ln ratio, and the derivative of its logarithm when the expected value rises.

    The floor of a variant (only below the expected value) is `artefact` spread over `span`. The package
    measures it against a peak of the density of 1 / sqrt(2 pi), that of a normal; the peak of t with 15
    degrees of freedom is 0.983 times that, and the floor is scaled likewise.
    """
    scale = t_scale(error, noise.dof)
    z = residual / scale
    informed = student_t(z, noise.dof) / scale
    against_normal = student_t(0.0, noise.dof) * math.sqrt(2 * math.pi)
    density = informed + (noise.artefact / noise.span * against_normal if residual < 0 else 0.0)
    rise = informed * (noise.dof + 1) * z / (noise.dof + z * z) / scale
    return density, rise / density


def probability_absent(bound: float, expected: float, noise: PlainNoise) -> float:
    """Probability that no peak is seen, where `bound` is the ln ratio below which none would be."""
    hidden = 1 / (1 + math.exp(min(500.0, max(-500.0, -(bound - expected) / ABSENT_WIDTH))))
    return noise.dropout + (1 - noise.dropout) * hidden


def expected_ln_ratio(lost: float, fraction: float, compression: float, floor: float) -> float:
    """``g ln(c / 2)`` with ``c = 2 - k f``, not below `floor` copies."""
    return compression * math.log(max(2 - lost * fraction, floor) / 2)


# --- one sample -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlainSample:
    """A gene's probes in one sample: ln ratio (NaN: missing), error, where a peak is absent its bound."""

    ln_ratio: Sequence[float]
    error: Sequence[float]
    absent_below: Sequence[float]
    unit: Sequence[int]
    level_variance: float


def probe_terms(
    sample: PlainSample, lost: Pattern, fraction: float, compression: float, noise: PlainNoise
) -> list[tuple[float, float]]:
    """ln likelihood of each probe under a hypothesis, and its derivative along a shift of all probes."""
    terms = []
    for value, error, bound, unit in zip(sample.ln_ratio, sample.error, sample.absent_below, sample.unit):
        expected = expected_ln_ratio(lost[unit], fraction, compression, noise.floor)
        if not (math.isnan(value) or math.isnan(error)):
            density, rise = probe_density(value - expected, error, noise)
            terms.append((math.log(density), rise))
        elif not math.isnan(bound):
            terms.append((math.log(probability_absent(bound, expected, noise)), 0.0))
        else:
            terms.append((0.0, 0.0))
    return terms


def information(sample: PlainSample, noise: PlainNoise) -> float:
    """Expected curvature of the ln likelihood along the shared shift (Fisher information of t)."""
    return sum(
        (noise.dof + 1) / (noise.dof + 3) / t_scale(error, noise.dof) ** 2
        for value, error in zip(sample.ln_ratio, sample.error)
        if not (math.isnan(value) or math.isnan(error))
    )


def ln_likelihood(
    sample: PlainSample, lost: Pattern, fraction: float, compression: float, noise: PlainNoise
) -> float:
    """ln likelihood with the shared shift, normal with variance v, integrated out by Laplace's formula.

    ``integral of exp(l + G d - H d^2 / 2) N(d; 0, v) = exp(l + v G^2 / (2 (1 + v H))) / sqrt(1 + v H)``
    """
    terms = probe_terms(sample, lost, fraction, compression, noise)
    v, curvature = sample.level_variance, information(sample, noise)
    gradient = sum(rise for _, rise in terms)
    return (
        sum(value for value, _ in terms)
        + v * gradient**2 / (2 * (1 + v * curvature))
        - 0.5 * math.log(1 + v * curvature)
    )


def ln_likelihood_integrated(
    sample: PlainSample, lost: Pattern, fraction: float, compression: float, noise: PlainNoise
) -> float:
    """The same integral by the trapezium rule over the shift, +-8 SD in 2001 steps."""
    sd = math.sqrt(sample.level_variance)
    steps = [sd * (i - 1000) / 125 for i in range(2001)]
    logs = []
    for shift in steps:
        moved = PlainSample(
            [value - shift for value in sample.ln_ratio], sample.error, sample.absent_below, sample.unit, 0.0
        )
        terms = probe_terms(moved, lost, fraction, compression, noise)
        logs.append(
            sum(value for value, _ in terms) - 0.5 * (shift / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))
        )
    top = max(logs)
    return top + math.log(sum(math.exp(value - top) for value in logs) * (steps[1] - steps[0]))


@dataclass(frozen=True)
class PlainPosterior:
    """Posterior of one sample; `mass` by hypothesis, "no change" included."""

    mass: dict[Pattern, float]
    by_fraction: list[float]
    normal: float

    def by_footprint(self) -> dict[tuple[int, tuple[bool, ...]], float]:
        """Probability of each set of altered units, by sign of the change."""
        out: dict[tuple[int, tuple[bool, ...]], float] = {}
        for pattern, value in self.mass.items():
            if any(pattern):
                key = (-1 if min(pattern) < 0 else 1, tuple(copies != 0 for copies in pattern))
                out[key] = out.get(key, 0.0) + value
        return out


def plain_posterior(
    sample: PlainSample,
    space: Mapping[Pattern, float],
    fractions: Sequence[float],
    log_fraction: Sequence[float],
    compression: float,
    noise: PlainNoise,
) -> PlainPosterior:
    """Posterior of every hypothesis: prior times likelihood, summed over the clone fractions.

    `by_fraction` is the ln likelihood of each fraction, summed over the altered hypotheses with their priors,
    against the likelihood of "no change".
    """
    normal = (0,) * len(next(iter(space)))
    quiet = ln_likelihood(sample, normal, 0.0, compression, noise)
    weight = {normal: space[normal]}
    evidence = [0.0] * len(fractions)
    for pattern, prior in space.items():
        if pattern == normal:
            continue
        weight[pattern] = 0.0
        for i, fraction in enumerate(fractions):
            odds = prior * math.exp(ln_likelihood(sample, pattern, fraction, compression, noise) - quiet)
            weight[pattern] += odds * math.exp(log_fraction[i])
            evidence[i] += odds
    total = sum(weight.values())
    mass = {pattern: value / total for pattern, value in weight.items()}
    return PlainPosterior(mass, [math.log(value) for value in evidence], mass[normal])


def plain_fraction_posterior(
    sample: PlainSample,
    lost: Pattern,
    fractions: Sequence[float],
    log_fraction: Sequence[float],
    compression: float,
    noise: PlainNoise,
) -> list[float]:
    """Posterior of the clone fraction under one hypothesis."""
    logs = [
        ln_likelihood(sample, lost, fraction, compression, noise) + prior
        for fraction, prior in zip(fractions, log_fraction)
    ]
    top = max(logs)
    weight = [math.exp(value - top) for value in logs]
    return [value / sum(weight) for value in weight]


# --- runs of known truth ----------------------------------------------------------------------------------------

GENES: dict[str, tuple[str, ...]] = {"IKZF1": ("1", "2", "3", "4", "5", "6", "7", "8")}


def plain_panel(
    genes: Mapping[str, Sequence[str]] | None = None,
    n_reference: int = 13,
    region: Mapping[str, str] | None = None,
) -> Panel:
    """A panel of exon probes and reference probes; lengths alternate between them, 100 to 480 nt."""
    rows = [
        (f"{gene}-{exon}" + "b" * exons[:i].count(exon), gene, exon, "target", (region or {}).get(gene, ""))
        for gene, exons in (genes or GENES).items()
        for i, exon in enumerate(exons)
    ]
    rows += [(f"ref-{i + 1}", "", "", "reference", "") for i in range(n_reference)]
    order = np.random.default_rng(11).permutation(len(rows))
    length = 110 + np.round(np.linspace(0, 370, len(rows)), 1)[order]
    probe, gene_of, exon_of, role, region_of = zip(*rows)
    return panel_from_columns(
        {
            "probe": probe,
            "length_nt": [f"{value:g}" for value in length],
            "gene": gene_of,
            "exon": exon_of,
            "role": role,
            "region": region_of,
        },
        "plain",
    )


def plain_heights(
    panel: Panel,
    copies: FloatArray,
    *,
    seed: int = 0,
    noise_sd: float = 0.0,
    median: float = 3000.0,
    compression: float = 0.9,
    slope_sd: float = 0.03,
) -> FloatArray:
    """``ln height = amount + efficiency + slope (L - 300) / 100 + g ln(c / 2) + noise``, a probe at a time."""
    rng = np.random.default_rng(seed)
    efficiency = rng.normal(0.0, 0.2, len(panel))
    height = np.empty(copies.shape)
    for s in range(len(copies)):
        amount, slope = rng.normal(0.0, 0.12), -0.45 + rng.normal(0.0, slope_sd)
        for p in range(len(panel)):
            ln = math.log(median) + amount + efficiency[p] + slope * (panel.length[p] - 300) / 100
            ln += noise_sd * rng.standard_normal()
            c = copies[s, p]
            height[s, p] = math.exp(ln) * (c / 2) ** compression if c > 0 else math.nan
    return height


def plain_signals(
    panel: Panel, samples: Sequence[str], height: FloatArray, noise: float = math.nan
) -> Signals:
    """Heights as the reader of a table gives them; a NaN is a probe without a peak."""
    n = len(samples)
    height = np.asarray(height, dtype=np.float64)
    return Signals(
        samples=tuple(samples),
        probes=panel.probes,
        height=height,
        missing=np.where(np.isnan(height), Missing.NO_PEAK, Missing.PRESENT).astype(np.uint8),
        size=np.full(height.shape, np.nan),
        off_scale=np.zeros(height.shape, dtype=np.bool_),
        noise=np.full(n, noise),
        unassigned=np.zeros(n, dtype=np.int64),
        source=text_array(["plain"] * n),
    )


def plain_sheet(samples: Sequence[str], roles: Sequence[str], **columns: Sequence[str]) -> SampleSheet:
    """The sample sheet of the run."""
    return samples_from_columns({"sample": samples, "role": roles, **columns})
