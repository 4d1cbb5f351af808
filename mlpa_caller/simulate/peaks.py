"""Simulate the peaks that a run's heights come from, with all that an export lists beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mlpa_caller.datatypes import FloatArray, IntArray, PeakTable, text_array
from mlpa_caller.errors import UsageError
from mlpa_caller.simulate.settings import parameter
from mlpa_caller.simulate.signals import Simulation

__all__ = ["PeakSettings", "SimulatedPeaks", "simulate_peaks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakSettings:
    """What an export lists beside the probes' peaks.

    Attributes
    ----------
    size_offset
        Largest difference between a probe's apparent size and its design length, in nucleotides; the same
        in every sample. Sizes keep the order of the lengths.
    size_gap
        Smallest distance between the apparent sizes of two probes, in nucleotides.
    size_shift
        Largest shift of the whole run, in nucleotides.
    sample_shift_sd, sample_stretch_sd
        SD of the shift (nt) and of the stretch (nt per 100) of single injections.
    size_jitter
        SD of a single peak's size, in nucleotides.
    decimals
        Decimal places of the exported sizes.
    shoulders, bleed_through
        Whether n-1 shoulders and traces in other dyes are simulated.
    n_spurious, n_primer
        Mean number of stray peaks a sample, and number of primer peaks below 50 nt.
    minimum_height
        Lowest peak that is listed.
    probe_dye, ladder_dye, other_dyes
        Channels.
    ladder
        Rungs of the size standard, in nucleotides.
    """

    size_offset: float = field(default_factory=lambda: parameter("size_offset"))
    size_gap: float = 2.2
    size_shift: float = field(default_factory=lambda: parameter("size_shift"))
    sample_shift_sd: float = 0.1
    sample_stretch_sd: float = 0.02
    size_jitter: float = field(default_factory=lambda: parameter("size_jitter"))
    decimals: int = 2
    shoulders: bool = True
    bleed_through: bool = True
    n_spurious: float = 4.0
    n_primer: int = 3
    minimum_height: float = field(default_factory=lambda: parameter("minimum_height"))
    probe_dye: str = "B"
    ladder_dye: str = "O"
    other_dyes: tuple[str, ...] = ("G", "Y", "R")
    ladder: tuple[float, ...] = (
        35, 50, 75, 100, 139, 150, 160, 200, 250, 300, 340, 350, 400, 450, 490, 500
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPeaks:
    """Peaks with their truth.

    Attributes
    ----------
    peaks
        As an export lists them: by sample, dye and size.
    sample
        ``(peaks,)`` index into the simulation's samples.
    probe
        ``(peaks,)`` the probe whose product the peak is; -1 for everything else.
    offset
        ``(probes,)`` apparent size minus design length minus the run's shift, in nucleotides.
    run_shift
        Shift of the whole run, in nucleotides.
    sample_shift
        ``(samples,)`` further shift of each injection, in nucleotides.
    decimals
        Decimal places of the sizes.
    """

    peaks: PeakTable
    sample: IntArray
    probe: IntArray
    offset: FloatArray
    run_shift: float
    sample_shift: FloatArray
    decimals: int


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Peaks of one origin; `dye` is an index into the dyes."""

    sample: IntArray
    size: FloatArray
    height: FloatArray
    dye: IntArray
    probe: IntArray


def _apparent(
    length: FloatArray, dye: IntArray, settings: PeakSettings, rng: np.random.Generator
) -> FloatArray:
    """Apparent sizes: design length plus an offset, in the order of the lengths within each dye."""
    size = length + rng.uniform(-settings.size_offset, settings.size_offset, len(length))
    for number in np.unique(dye):
        own = np.flatnonzero(dye == number)
        own = own[np.argsort(length[own], kind="stable")]
        # no two products closer than the gap: the running maximum after taking the gaps off
        steps = settings.size_gap * np.arange(len(own))
        size[own] = np.maximum.accumulate(size[own] - steps) + steps
    return size


def simulate_peaks(
    simulation: Simulation, settings: PeakSettings | None = None, *, seed: int | np.random.Generator = 0
) -> SimulatedPeaks:
    """Simulate the peak table of a run.

    Every height that is present in ``simulation.signals`` becomes a peak; shoulders, stray peaks, primer
    peaks, bleed-through and the size standard come on top. Peaks below the listing limit are left out.

    Parameters
    ----------
    simulation
        The run.
    settings
        What the export lists; the default is an ordinary run on a five-dye instrument.
    seed
        A seed, or the generator that supplies every random number.
    """
    settings = PeakSettings() if settings is None else settings
    rng = np.random.default_rng(seed)
    panel, signals = simulation.panel, simulation.signals
    dyes = _dyes(simulation, settings)
    probe_dye = np.array([dyes.index(name or settings.probe_dye) for name in panel.dye], dtype=np.int64)
    n = len(signals.samples)
    apparent = _apparent(panel.length, probe_dye, settings, rng)
    run_shift = float(rng.uniform(-settings.size_shift, settings.size_shift))
    shift = settings.sample_shift_sd * rng.standard_normal(n)
    stretch = settings.sample_stretch_sd * rng.standard_normal(n)
    jitter = settings.size_jitter * rng.standard_normal(signals.height.shape)
    sample, probe = np.nonzero(np.isfinite(signals.height))
    true_size = apparent[probe] + run_shift + shift[sample] + stretch[sample] * (apparent[probe] - 300) / 100
    main = _Part(sample, true_size + jitter[sample, probe], signals.height[sample, probe],
                 probe_dye[probe], probe)  # fmt: skip
    parts = [main, *_artefacts(main, n, dyes, settings, rng, float(panel.length.max()))]
    return _listed(simulation, settings, parts, dyes, apparent - panel.length, run_shift, shift)


def _dyes(simulation: Simulation, settings: PeakSettings) -> list[str]:
    own = [name or settings.probe_dye for name in simulation.panel.dye]
    if settings.ladder_dye in own:
        raise UsageError(
            f"dye {settings.ladder_dye} carries probes and the size standard",
            remedy="choose another dye for the size standard",
        )
    return list(dict.fromkeys([*own, settings.probe_dye, *settings.other_dyes, settings.ladder_dye]))


def _artefacts(
    main: _Part, n: int, dyes: list[str], settings: PeakSettings, rng: np.random.Generator, longest: float
) -> list[_Part]:
    """Everything that is listed and is no probe."""
    parts: list[_Part] = []
    no_probe = np.full(len(main.sample), -1, dtype=np.int64)
    share = rng.uniform(parameter("shoulder_low"), parameter("shoulder_high"), len(main.sample))
    below = 1.0 + 0.04 * rng.standard_normal(len(main.sample))
    if settings.shoulders:
        parts.append(_Part(main.sample, main.size - below, main.height * share, main.dye, no_probe))
    for name in settings.other_dyes:
        leak = rng.uniform(0.0, parameter("bleed_through"), len(main.sample))
        other = np.full(len(main.sample), dyes.index(name), dtype=np.int64)
        if settings.bleed_through:
            kept = main.dye != other
            parts.append(
                _Part(
                    main.sample[kept],
                    main.size[kept],
                    (main.height * leak)[kept],
                    other[kept],
                    no_probe[kept],
                )
            )
    probe_dye = int(main.dye[0]) if len(main.dye) else 0
    stray = np.repeat(np.arange(n), rng.poisson(settings.n_spurious, n))
    size = rng.uniform(50.0, longest + 20.0, len(stray))
    height = settings.minimum_height * (1.0 + rng.exponential(0.6, len(stray)))
    parts.append(_same_dye(stray, size, height, probe_dye))
    primer = np.repeat(np.arange(n), settings.n_primer)
    size = rng.uniform(18.0, 48.0, len(primer))
    height = np.exp(rng.normal(np.log(6000.0), 0.8, len(primer)))
    parts.append(_same_dye(primer, size, height, probe_dye))
    rungs = np.tile(np.asarray(settings.ladder, dtype=np.float64), n)
    of = np.repeat(np.arange(n), len(settings.ladder))
    height = np.exp(rng.normal(np.log(900.0), 0.25, len(rungs)))
    parts.append(_same_dye(of, rungs, height, dyes.index(settings.ladder_dye)))
    return parts


def _same_dye(sample: IntArray, size: FloatArray, height: FloatArray, dye: int) -> _Part:
    number = np.full(len(sample), dye, dtype=np.int64)
    return _Part(sample.astype(np.int64), size, height, number, np.full(len(sample), -1, dtype=np.int64))


def _listed(
    simulation: Simulation,
    settings: PeakSettings,
    parts: list[_Part],
    dyes: list[str],
    offset: FloatArray,
    run_shift: float,
    shift: FloatArray,
) -> SimulatedPeaks:
    """The peaks in the order of an export, heights and sizes rounded as one rounds them."""
    sample = np.concatenate([part.sample for part in parts])
    size = np.round(np.concatenate([part.size for part in parts]), settings.decimals)
    height = np.round(np.concatenate([part.height for part in parts]))
    dye = np.concatenate([part.dye for part in parts])
    probe = np.concatenate([part.probe for part in parts])
    order = np.lexsort((size, dye, sample))
    order = order[(height[order] >= settings.minimum_height) & (size[order] > 0)]
    sample, size, height, dye, probe = sample[order], size[order], height[order], dye[order], probe[order]
    n = len(order)
    names = text_array(simulation.signals.samples)
    saturated = (probe >= 0) & simulation.signals.off_scale[sample, np.maximum(probe, 0)]
    table = PeakTable(
        source="simulation", sample=names[sample], file=text_array(f"{name}.fsa" for name in names[sample]),
        dye=text_array(dyes)[dye], size=size, height=height,
        area=np.round(height * parameter("peak_width") * parameter("scans_per_nt") * 1.064),
        data_point=np.round(1000.0 + parameter("scans_per_nt") * size), line=np.arange(2, n + 2),
        size_error=np.full(n, np.nan),
        flags=np.where(saturated, "off_scale", "").astype(object),
        ladder_dye=settings.ladder_dye, format="simulation",
    )  # fmt: skip
    return SimulatedPeaks(table, sample, probe, offset, run_shift, shift, settings.decimals)
