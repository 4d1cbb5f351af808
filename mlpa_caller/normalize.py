"""From heights to dosage ratios with standard errors.

The model of a height is ``ln height = amount + efficiency + slope (length - 300) / 100 + g ln(c / 2) + noise``:
amount and slope belong to the sample, the efficiency to the probe. Efficiencies are learned from the run's own
reference samples; amount and slope of every sample from the probes that are not altered. Both fits are robust, since
reference probes may be gained (hyperdiploidy) and reference samples may have failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Ratios, Signals
from mlpa_caller.fits import (
    Efficiency,
    Level,
    NoiseModel,
    copies,
    efficiency,
    fit_level,
    fit_noise,
    kept_variance,
    nanmedian,
    position,
    sample_scale,
)
from mlpa_caller.panel import Panel
from mlpa_caller.settings import Settings

__all__ = ["NormalizeState", "normalize"]

SMALLEST_NOISE = 0.25
"""Smallest noise believed, against that of real reactions; copied or rounded rows show none."""
ROUNDS = 3
"""Times the noise scales and the fits are repeated."""


@dataclass(frozen=True, slots=True, eq=False)
class NormalizeState:
    """Working arrays over the probes used (targets and references); axes ``(samples, used probes)``."""

    ln_height: FloatArray
    x: FloatArray
    is_reference_probe: BoolArray
    references: BoolArray
    left_out: dict[str, str]
    noise: NoiseModel
    slope_sd: tuple[float, float]
    """Prior SD of a slope: of a reference sample, and of any sample against the references."""


def normalize(
    signals: Signals,
    panel: Panel,
    references: BoolArray,
    settings: Settings,
    *,
    unaltered: FloatArray | None = None,
    measured: BoolArray | None = None,
) -> Ratios:
    """Return dosage ratios of every target and reference probe in every sample.

    Parameters
    ----------
    signals
        Heights, ``(samples, probes)``, probes as in `panel`.
    panel
        Roles and lengths of the probes.
    references
        ``(samples,)`` True for the run's reference samples.
    settings
        Noise figures and limits.
    unaltered
        ``(samples, probes)`` probability that a probe is unaltered, from a first round of calls; without it
        the priors of `settings` are taken.
    measured
        ``(samples,)`` False for reactions without DNA: they get no ratios and no say in the noise.

    Returns
    -------
    Ratios
        NaN for control fragments, missing heights, and everywhere when no reference sample is usable.
    """
    used = panel.is_role("target", "reference")
    state = _start(signals, panel, references, settings, used)
    if measured is not None:
        state = replace(state, ln_height=np.where(measured[:, None], state.ln_height, np.nan))
    state = _leave_out(state, signals.samples, settings)
    prior = np.where(
        state.is_reference_probe, settings.noise["unaltered_reference"], settings.noise["unaltered_target"]
    )
    weight = np.broadcast_to(prior, state.ln_height.shape)
    if unaltered is not None:
        weight = np.clip(np.minimum(weight, unaltered[:, used]), 0.02, 0.98)
    return _fit(state, signals, used, weight, settings)


def _start(
    signals: Signals, panel: Panel, references: BoolArray, settings: Settings, used: BoolArray
) -> NormalizeState:
    noise = settings.noise
    return NormalizeState(
        ln_height=np.log(signals.height[:, used]),
        x=position(panel.length[used]),
        is_reference_probe=panel.is_role("reference")[used],
        references=references.copy(),
        left_out={},
        noise=NoiseModel(noise["constant_sd"] ** 2 + noise["between_dna_sd"] ** 2, noise["per_height"]),
        slope_sd=(noise["slope_sd_reference"], noise["slope_sd_sample"]),
    )


def _leave_out(state: NormalizeState, samples: tuple[str, ...], settings: Settings) -> NormalizeState:
    """Leave out reference samples that do not agree with the others, the worst first."""
    limits = settings.quality
    chosen, left_out = state.references.copy(), {}
    enough = (~np.isnan(state.ln_height[:, state.is_reference_probe])).sum(axis=1) >= limits[
        "min_reference_probes"
    ]
    for row in np.flatnonzero(chosen & ~enough):
        left_out[samples[row]] = "fewer than five reference probes have a peak"
    chosen &= enough
    while chosen.sum() >= 3:
        rows = np.flatnonzero(chosen)
        sd, slope, slope_error, scale = _reference_agreement(state, rows)
        excess = np.maximum.reduce(
            [
                np.where(scale > limits["reference_scale"], scale / limits["reference_scale"], 0.0)
                * (sd > limits["reference_sd_warn"]),
                np.where(sd > limits["reference_sd_limit"], sd / limits["reference_sd_limit"], 0.0)
                * (scale > 1.0),
                np.abs(slope) / np.maximum(limits["slope_warn"], 3.0 * slope_error),
            ]
        )
        worst = int(np.argmax(excess))
        if excess[worst] <= 1.0:
            break
        left_out[samples[rows[worst]]] = (
            f"SD of its probes against the other references {sd[worst]:.3f}, slope {slope[worst]:+.3f} "
            f"per 100 nt, noise {scale[worst]:.1f} x theirs"
        )
        chosen[rows[worst]] = False
    return replace(state, references=chosen, left_out=left_out)


def _reference_agreement(
    state: NormalizeState, rows: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return SD of the residuals, slope, its error and noise scale of each reference against the others."""
    y = state.ln_height[rows]
    count = len(rows)
    centred = y - nanmedian(y, axis=1)[:, None]
    others = np.stack([nanmedian(np.delete(centred, i, axis=0), axis=0) for i in range(count)])
    difference = centred - others
    present = ~np.isnan(difference)
    variance = np.where(present, state.noise.variance(np.exp(y)), 1.0) * count / max(count - 1, 1)
    fit = fit_level(
        difference,
        variance,
        state.x,
        np.full(difference.shape, 0.95),
        starts=nanmedian(difference, axis=1)[None, :],
        slope_sd=state.slope_sd[1],
        span=1.5,
    )
    residual = np.where(present, difference - fit.at(state.x), 0.0)
    dof = np.maximum(present.sum(axis=1) - 2, 1)
    sd = np.sqrt((residual**2).sum(axis=1) / dof * (count - 1) / count)
    scale = np.sqrt((residual**2 / variance).sum(axis=1) / dof)
    slope = fit.slope - np.median(fit.slope)
    return sd, slope, np.sqrt(fit.slope_variance), scale / max(float(np.median(scale)), SMALLEST_NOISE)


def _fit(
    state: NormalizeState, signals: Signals, used: BoolArray, prior: FloatArray, settings: Settings
) -> Ratios:
    """Fit efficiencies, levels and noise in turn, and put the ratios together."""
    y, refs = state.ln_height, state.references
    present = ~np.isnan(y)
    height = np.where(present, np.exp(y), 1.0)
    scale = np.ones(len(y))
    noise = state.noise
    own = scale
    learned: Efficiency | None = None
    level: Level | None = None
    residual = np.full(y.shape, np.nan)
    variance = np.ones(y.shape)
    copied = np.zeros(len(y), dtype=np.bool_)
    copied[refs] = copies(y[refs]) > 1  # copied rows agree with each other and show no noise
    if not refs.any():
        return _assemble(state, signals, used, residual, variance, None, None, own, settings)
    for _ in range(ROUNDS):
        learned = efficiency(y[refs], state.x, noise, slope_sd=state.slope_sd[0])
        difference = y - learned.ln_height
        by_probe = noise.variance(height)
        variance = by_probe * scale[:, None] ** 2 + learned.variance
        level = fit_level(
            difference,
            np.where(np.isnan(difference), 1.0, variance),
            state.x,
            prior,
            starts=_starts(difference, state.is_reference_probe) if level is None else np.zeros((0, len(y))),
            slope_sd=state.slope_sd[1],
            span=settings.noise["altered_span"],
            rounds=10 if level is None else 4,
            previous=level,
        )
        residual = difference - level.at(state.x)
        expected = np.where(
            refs[:, None],
            np.maximum(by_probe * scale[:, None] ** 2 - learned.variance, 0.2 * by_probe),
            variance,
        )
        weight = np.where(np.isnan(residual) | copied[:, None], 0.0, level.weight)
        kept = kept_variance(
            expected, prior, span=settings.noise["altered_span"],
            degrees_of_freedom=settings.noise["degrees_of_freedom"],
        )  # fmt: skip
        squared = np.where(weight > 0, residual**2 / (expected * kept), 0.0)
        step, own_step, _ = sample_scale(
            squared, weight, spent=2.0, prior_dof=settings.noise["scale_prior_dof"]
        )
        own = scale * own_step
        scale = scale * step
        dof = np.maximum(weight.sum(axis=1) - 2.0, 1.0)
        corrected = squared * by_probe * (weight.sum(axis=1) / dof)[:, None]
        noise = fit_noise(
            corrected, height, weight, state.noise, prior_weight=settings.noise["noise_prior_weight"]
        )
        run_scale = float(np.median(scale[present.any(axis=1)]))
        scale, own = scale / run_scale, own / run_scale
    return _assemble(state, signals, used, residual, variance, level, learned, own, settings)


def _starts(difference: FloatArray, is_reference_probe: BoolArray) -> FloatArray:
    """Return the levels to start from: median of reference probes, of all probes, and somewhat below."""
    middle = nanmedian(np.where(is_reference_probe, difference, np.nan), axis=1)
    return np.nan_to_num(np.stack([middle, nanmedian(difference, axis=1), middle - 0.1]))


def _assemble(
    state: NormalizeState,
    signals: Signals,
    used: BoolArray,
    residual: FloatArray,
    variance: FloatArray,
    level: Level | None,
    learned: Efficiency | None,
    own_scale: FloatArray,
    settings: Settings,
) -> Ratios:
    shape = signals.height.shape
    ln_ratio, error, expected = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    aberrant = np.zeros(shape, dtype=np.bool_)
    ln_ratio[:, used] = residual
    error[:, used] = np.where(np.isnan(residual), np.nan, np.sqrt(variance))
    n_samples = shape[0]
    nothing = np.full(n_samples, np.nan)
    figures: dict[str, FloatArray] = {}
    probes = state.is_reference_probe
    if level is not None and learned is not None:
        expected[:, used] = learned.ln_height + level.at(state.x)
        out = probes & (level.weight < 0.5) & ~np.isnan(residual)
        aberrant[:, used] = out
        kept = np.where(probes & ~out, residual, np.nan)
        flat = kept + (level.slope[:, None] * (state.x - level.centre[:, None]))
        unaltered = np.where(level.weight >= 0.5, residual, np.nan)
        figures = {
            "reference_sd": _ratio_sd(kept),
            "reference_sd_uncorrected": _ratio_sd(flat),
            "all_reference_sd": _ratio_sd(np.where(probes, residual, np.nan)),
            "probe_sd": _ratio_sd(unaltered),
            "slope": level.slope,
            "slope_error": np.sqrt(level.slope_variance),
            "noise_scale": own_scale,
            "absolute_scale": _absolute_scale(state, learned, level, residual),
            "amount": level.amount,
        }
    return Ratios(
        samples=signals.samples,
        probes=signals.probes,
        ln_ratio=ln_ratio,
        error=error,
        expected=expected,
        level_error=nothing if level is None else np.sqrt(level.amount_variance),
        slope_error=nothing if level is None else np.sqrt(level.slope_variance),
        centre=nothing if level is None else 300.0 + 100.0 * level.centre,
        degrees_of_freedom=settings.noise["degrees_of_freedom"],
        figures=figures,
        reference_samples=state.references,
        left_out=state.left_out,
        aberrant=aberrant,
    )


def _ratio_sd(ln_ratio: FloatArray) -> FloatArray:
    """Return each sample's SD of ``exp(ln_ratio)`` over the probes that have one; NaN for fewer than three."""
    ratio = np.exp(ln_ratio)
    count = (~np.isnan(ratio)).sum(axis=1)
    safe = np.maximum(count, 1)
    mean = np.nansum(ratio, axis=1) / safe
    total = np.nansum((ratio - mean[:, None]) ** 2, axis=1)
    return np.where(count >= 3, np.sqrt(total / np.maximum(count - 1, 1)), np.nan)


def _absolute_scale(
    state: NormalizeState, learned: Efficiency, level: Level, residual: FloatArray
) -> FloatArray:
    """Return each sample's noise against what real reactions of the same heights show (1 is ordinary)."""
    kept = (level.weight >= 0.5) & ~np.isnan(residual)
    height = np.where(kept, np.exp(state.ln_height), 1.0)
    variance = state.noise.variance(height)
    own = state.references[:, None]
    expected = np.where(
        own, np.maximum(variance - learned.variance, 0.2 * variance), variance + learned.variance
    )
    squared = np.where(kept, residual**2 / expected, 0.0).sum(axis=1)
    dof = kept.sum(axis=1) - 2
    return np.where(dof >= 3, np.sqrt(squared / np.maximum(dof, 1)), np.nan)
