"""Other ways to call the same runs: the caller told the true noise, and the rules laboratories use.

They share the run's normalisation, so that only the calling differs; each gives a calls table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mlpa_caller.calling.caller import call_regions, detection_limits, unaltered_probes
from mlpa_caller.calling.tables import CallContext, calls_table
from mlpa_caller.datatypes import Ratios
from mlpa_caller.fits import efficiency, fit_level, nanmedian, position
from mlpa_caller.noise import NoiseModel
from mlpa_caller.result import Result
from mlpa_caller.settings import default_settings
from mlpa_caller.simulate import Simulation

LOSS, GAIN = 0.75, 1.25


def known_noise(run: Simulation, _: Result) -> Mapping[str, Any]:
    """Call with the simulator's own noise, sample by sample, and nothing told about the patients."""
    panel, signals, truth = run.panel, run.signals, run.settings
    settings = default_settings()
    used, patients = panel.is_role("target", "reference"), np.flatnonzero(run.role == "patient")
    reference = panel.is_role("reference")[used]
    y, x = np.log(signals.height[:, used]), position(panel.length[used])
    scale = np.asarray(run.sample_truth.columns["noise_scale"], dtype=float)[:, None]
    own = (truth.cv0**2 + truth.between_dna_sd**2 + truth.poisson / np.exp(y)) * scale**2
    sound = (run.role == "reference") & (scale[:, 0] <= truth.noise_scale * 1.01)
    noise = NoiseModel(truth.cv0**2 + truth.between_dna_sd**2, truth.poisson)
    learned = efficiency(y[sound], x, noise, slope_sd=settings.noise["slope_sd_reference"])
    with np.errstate(divide="ignore"):
        variance = own + 1.0 / np.nansum(1.0 / own[sound], axis=0)
    difference = y - learned.ln_height
    prior = np.broadcast_to(np.where(reference, 0.95, 0.9), y.shape)
    starts = np.nan_to_num(
        np.stack([nanmedian(np.where(reference, difference, np.nan), axis=1), nanmedian(difference, axis=1)])
    )
    known = np.where(np.isnan(difference), 1.0, variance)
    for _round in range(2):
        level = fit_level(difference, known, x, prior, starts=starts, slope_sd=0.3, span=1.5)
        full = [np.full(signals.height.shape, np.nan) for _ in range(3)]
        for target, values in zip(
            full, (difference - level.at(x), np.sqrt(variance), learned.ln_height + level.at(x))
        ):
            target[:, used] = values
        ratios = Ratios(signals.samples, signals.probes, *full, np.sqrt(level.amount_variance),
                        np.sqrt(level.slope_variance), 300 + 100 * level.centre, truth.noise_dof, {},
                        run.role == "reference", {}, np.zeros(signals.height.shape, dtype=bool))  # fmt: skip
        given = (ratios, signals, panel, patients, settings)
        limits = detection_limits(
            *given, compression=truth.compression, threshold=np.full(len(patients), 0.5)
        )
        regions = call_regions(*given, compression=truth.compression, limits=limits)
        unaltered = unaltered_probes(regions, *signals.height.shape, patients)[:, used]
        prior = np.clip(np.minimum(prior, unaltered), 0.02, 0.98)
    names = tuple(signals.samples[i] for i in patients)
    nothing = np.zeros(len(patients), dtype=bool)
    return calls_table(
        regions, panel, CallContext(names, nothing, nothing, np.full(len(patients), np.nan))
    ).columns


def border(_: Simulation, result: Result) -> Mapping[str, Any]:
    """Call an exon lost below a ratio of 0.75 and gained above 1.25."""
    return _by_exon(result, lambda ratio, _probes: (ratio < LOSS, ratio > GAIN))


def two_sd_and_border(_: Simulation, result: Result) -> Mapping[str, Any]:
    """Call a probe outside the border and outside two SD of the reference samples."""
    own = _reference_rows(result)

    def rule(ratio: np.ndarray, probes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        matrix = _matrix(result)
        mean, sd = np.mean(matrix[own], axis=0), np.std(matrix[own], axis=0, ddof=1)
        low, high = (mean - 2 * sd)[probes], (mean + 2 * sd)[probes]
        return (ratio < LOSS) & (ratio < low), (ratio > GAIN) & (ratio > high)

    return _by_exon(result, rule)


def tolerance_interval(_: Simulation, result: Result) -> Mapping[str, Any]:
    """Call a probe outside the 99 % content, 95 % confidence interval of a mixed model of the reference samples.

    ``ratio_rp = probe_p + sample_r + residual``: variance components by the method of moments, the factor of a
    two-sided normal tolerance interval by Howe (J Am Stat Assoc 1969;64:610).
    """
    from scipy.stats import chi2, norm

    own = _reference_rows(result)
    matrix = _matrix(result)[own]
    n, p = matrix.shape
    mean = np.mean(matrix, axis=0)
    centred = matrix - mean
    sample = np.mean(centred, axis=1, keepdims=True)
    within = np.sum((centred - sample) ** 2) / ((n - 1) * (p - 1))
    between = max(0.0, float(np.var(sample, ddof=1)) - within / p)
    dof = (n - 1) * (p - 1)
    factor = norm.ppf(0.995) * np.sqrt(dof * (1 + 1 / n) / chi2.ppf(0.05, dof))
    half = factor * np.sqrt(within + between)

    def rule(ratio: np.ndarray, probes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ratio < mean[probes] - half, ratio > mean[probes] + half

    return _by_exon(result, rule)


COMPARATORS: dict[str, Callable[[Simulation, Result], Mapping[str, Any]]] = {
    "knows the noise": known_noise,
    "border 0.75": border,
    "2 SD and border": two_sd_and_border,
    "tolerance interval": tolerance_interval,
}


def _matrix(result: Result) -> np.ndarray:
    """Return ``(samples, probes)`` ratios; 1 for what has none, so that these rules leave it alone."""
    ratio = np.asarray(result.tables["ratios"].columns["ratio"]).reshape(len(result.samples.samples), -1)
    return np.where(np.isnan(ratio), 1.0, ratio)


def _reference_rows(result: Result) -> np.ndarray:
    used = set(result.run["reference_samples"])
    return np.array([name in used for name in result.samples.samples])


def _by_exon(result: Result, rule: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Mapping[str, Any]:
    """Return a calls table in which every run of neighbouring altered exons is one row."""
    panel = result.panel
    matrix = _matrix(result)
    rows: list[tuple[str, str, str, str, float]] = []
    patients = [i for i, role in enumerate(result.samples.role) if role == "patient"]
    for region in panel.regions:
        for unit_gene in region.genes:
            units = [u for u, name in enumerate(region.unit_gene) if name == unit_gene]
            probes = [int(region.probes[np.flatnonzero(region.unit == u)[0]]) for u in units]
            mean = np.stack(
                [np.mean(matrix[:, region.probes[region.unit == u]], axis=1) for u in units], axis=1
            )
            low, high = rule(mean, np.array(probes))
            for i in patients:
                status = "loss" if low[i].any() else "gain" if high[i].any() else "normal"
                altered = low[i] if status == "loss" else high[i]
                name = result.samples.samples[i]
                if status == "normal":
                    rows.append((name, unit_gene, status, "", np.nan))
                for first, last in _runs(altered) if status != "normal" else []:
                    a, b = region.unit_label[units[first]], region.unit_label[units[last]]
                    rows.append((name, unit_gene, status, a if a == b else f"{a}-{b}", 1.0))
    nothing = np.full(len(rows), np.nan)
    columns: dict[str, Any] = {
        key: [row[k] for row in rows]
        for k, key in enumerate(("sample", "gene", "status", "exons", "copies_lost"))
    }
    more = (
        "probability",
        "clone_fraction",
        "clone_fraction_low",
        "clone_fraction_high",
        "limit_of_detection",
    )
    return columns | dict.fromkeys(more, nothing)


def _runs(inside: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2])]


__all__ = ["COMPARATORS"]
