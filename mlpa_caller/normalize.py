"""From heights to dosage ratios with standard errors.

The model of a height is ``ln height = amount + efficiency + slope (length - 300) / 100 + g ln(c / 2) + noise``:
amount and slope belong to the sample, the efficiency to the probe. Efficiencies are learned from the run's own
reference samples; amount and slope of every sample from the probes that are not altered. Both fits are robust, since
reference probes may be gained (hyperdiploidy) and reference samples may have failed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from mlpa_caller._normalize_rounds import (
    NormalizeState,
    Work,
    correct_block,
    fit_block,
    in_blocks,
    residual_block,
)
from mlpa_caller._ratio_figures import FIGURES, sample_figures
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Ratios, Signals
from mlpa_caller.fits import Efficiency, copies, efficiency, fit_level, median_of_others, nanmedian, position
from mlpa_caller.noise import SMALLEST, NoiseModel, fit_noise, scale_of_sums
from mlpa_caller.panel import Panel
from mlpa_caller.settings import Settings

__all__ = ["NormalizeState", "normalize"]

ROUNDS = 6
"""Times the noise scales and the fits are repeated at most."""
SCATTERED = 1.5
"""Noise against the run's from which on a reaction is taken for a bad one in the first round."""
SETTLED = 0.01
"""Change of the ln noise below which they are not repeated."""


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
        state.ln_height[~measured] = np.nan
    state = _leave_out(state, signals.samples, settings)
    prior = np.where(
        state.is_reference_probe, settings.noise["unaltered_reference"], settings.noise["unaltered_target"]
    )
    if unaltered is not None:
        state = replace(state, count=np.ones(int(used.sum())), blind=False)
        prior = np.clip(np.minimum(prior, unaltered[:, used]), 0.02, 0.98)
    work = Work.of(state, np.where(np.isnan(state.ln_height), 1.0, signals.height[:, used]), prior, settings)
    learned = _fit(work) if state.references.any() else None
    return _assemble(work, learned, signals, used)


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
        count=_counts(panel)[used],
        group=_groups(panel)[used],
        blind=True,
    )


def _counts(panel: Panel) -> FloatArray:
    """Return how many independent probes each counts as while nothing is known of the sample's genes.

    One event takes many probes of a gene: n of them count as n to the power of 3/4, so that a large gene that is
    lost does not outvote the reference probes.
    """
    count = np.ones(len(panel.probes))
    for region in panel.regions:
        count[region.probes] = len(region.probes) ** -0.25
    return count


def _groups(panel: Panel) -> FloatArray:
    """Return ``(probes, groups)`` 1 for the probes of each region, and for the reference probes."""
    group = np.zeros((len(panel.probes), len(panel.regions) + 1))
    for number, region in enumerate(panel.regions):
        group[region.probes, number] = 1.0
    group[panel.is_role("reference"), -1] = 1.0
    return group


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
        noisy = scale > limits["reference_scale_noisy"]
        usual = 4.0 * 1.4826 * float(np.median(np.abs(slope)))  # slopes are told from their median
        slope_limit = np.where(noisy, limits["slope_warn"], max(limits["reference_slope"], usual))
        excess = np.maximum.reduce(
            [
                np.where(scale > limits["reference_scale"], scale / limits["reference_scale"], 0.0)
                * (sd > limits["reference_sd_warn"]),
                sd / limits["reference_sd_limit"] * noisy,
                np.abs(slope) / np.maximum(slope_limit, 3.0 * slope_error),
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
    difference = centred - median_of_others(centred)
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
    return sd, slope, np.sqrt(fit.slope_variance), scale / max(float(np.median(scale)), SMALLEST)


def _fit(work: Work) -> Efficiency:
    """Fit efficiencies, levels and noise in turn; return the efficiencies of the last round."""
    state, refs, noise = work.state, work.state.references, work.settings.noise
    y, shape = state.ln_height[refs], work.height.shape
    work.copied[refs] = copies(y) > 1  # copied rows agree with each other and show no noise
    for left in reversed(range(ROUNDS)):
        first = left == ROUNDS - 1
        learned = efficiency(y, state.x, work.noise, slope_sd=state.slope_sd[0], scale=work.scale[refs])
        in_blocks(partial(fit_block, work, learned, first=first), shape)
        found = scale_of_sums(
            work.total, work.weights - 2.0, work.scale, prior_dof=noise["scale_prior_dof"],
            prior_samples=noise["scale_prior_samples"], degrees_of_freedom=noise["degrees_of_freedom"],
        )  # fmt: skip
        work.own = np.where(np.isnan(found.own), 1.0, found.own)
        if not left:
            break
        run = _run_noise(work, found.run)
        moved = max(
            abs(np.log(run.constant / work.noise.constant)),
            float(np.abs(np.log(found.scale / work.scale)).max()),
        )
        if moved < SETTLED:
            break
        work.noise, work.scale = run, found.scale
        if state.blind:
            work.scale = _bounded(found.scale, work.scatter / found.run, first=first)
    return learned


def _bounded(scale: FloatArray, scatter: FloatArray, *, first: bool) -> FloatArray:
    """Return noise scales that agree with the scatter within genes, as long as nothing is known of the genes.

    A good reaction with many lost probes looks like a bad one around a level in between, and a bad one seen with the
    noise of the others like a good one with many altered probes; the scatter within genes tells them apart.
    """
    bounded = np.minimum(scale, np.maximum(SCATTERED * scatter, 1.0))
    return np.where(scatter > SCATTERED, np.maximum(scale, scatter), bounded) if first else bounded


def _run_noise(work: Work, run: float) -> NoiseModel:
    """Return the run's noise: its dependence on height as fitted to all residuals, its level the median reaction's."""
    in_blocks(partial(correct_block, work), work.height.shape)
    weight = work.level.weight
    if work.copied.any():
        weight = np.where(work.copied[:, None], 0.0, weight)
    own = work.state.noise
    shape = fit_noise(
        work.squared, work.height, weight, own, prior_weight=work.settings.noise["noise_prior_weight"]
    )
    total = float(weight.sum())
    if not total > 0:
        return shape
    growth = np.zeros(len(weight))

    def grow(rows: slice) -> None:
        height = work.height[rows]
        ratio = np.log(shape.variance(height) / work.noise.variance(height))
        growth[rows] = np.einsum("sp,sp->s", weight[rows], ratio)

    in_blocks(grow, weight.shape)
    factor = run**2 / np.exp(float(growth.sum()) / total)
    factor = max(factor, SMALLEST**2 * own.constant / shape.constant)
    return NoiseModel(shape.constant * factor, shape.per_height * factor)


def _assemble(work: Work, learned: Efficiency | None, signals: Signals, used: BoolArray) -> Ratios:
    """Put the ratios together."""
    state, level = work.state, work.level
    shape = signals.height.shape
    ln_ratio, error, expected = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    aberrant = np.zeros(shape, dtype=np.bool_)
    figures = {name: np.full(shape[0], np.nan) for name in (FIGURES if learned is not None else ())}

    def fill(learned: Efficiency, rows: slice) -> None:
        difference, _, variance = residual_block(work, learned, rows)
        line = level.rows(rows).at(state.x)
        residual = difference - line
        missing = np.isnan(residual)
        out = state.is_reference_probe & (level.weight[rows] < 0.5) & ~missing
        found = sample_figures(work, learned, rows, residual, out)
        ln_ratio[rows, used] = residual
        expected[rows, used] = learned.ln_height + line
        aberrant[rows, used] = out
        error[rows, used] = np.where(missing, np.nan, np.sqrt(variance))
        for name, values in found.items():
            figures[name][rows] = values

    if learned is not None:
        in_blocks(partial(fill, learned), work.height.shape)
    return Ratios(
        samples=signals.samples,
        probes=signals.probes,
        ln_ratio=ln_ratio,
        error=error,
        expected=expected,
        level_error=np.sqrt(level.amount_variance),
        slope_error=np.sqrt(level.slope_variance),
        centre=300.0 + 100.0 * level.centre,
        degrees_of_freedom=work.settings.noise["degrees_of_freedom"],
        figures=figures,
        reference_samples=state.references,
        left_out=state.left_out,
        aberrant=aberrant,
    )
