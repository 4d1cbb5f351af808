"""Bad reactions for the quality benchmark: simulated runs whose heights are altered in a known way.

The same run is simulated twice with one seed, with its noise and without; what is expected of each height and its
noise are then known, and either can be changed for some reactions alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlpa_caller.datatypes import Missing, Signals
from mlpa_caller.panel import Panel
from mlpa_caller.simulate import Simulation, SimulationSettings, simulate_signals

__all__ = ["GOOD", "KINDS", "Bad", "Case", "build"]


@dataclass(frozen=True, eq=False)
class Case:
    """A run, and which of its reactions are bad.

    Attributes
    ----------
    run
        With the altered heights; its truth still names the DNA that each tube held before a swap.
    tube
        ``(samples,)`` index of the sample whose DNA is in this tube (its own, but for swaps).
    bad
        ``(samples,)`` reactions that should be flagged.
    blamed
        ``(samples,)`` reactions that are neither bad nor good: the other half of a swap.
    """

    run: Simulation
    tube: np.ndarray
    bad: np.ndarray
    blamed: np.ndarray


@dataclass(frozen=True)
class Bad:
    """One way for reactions to be bad.

    Attributes
    ----------
    what
        Said in the table.
    make
        From the run, its expected heights, the reactions to spoil and a generator to ``(ln change, noise factor)``,
        each ``(samples, probes)`` or ``(samples, 1)``; None where `options` or `swap` do it.
    scopes
        Where it is put: ``one`` patient, ``few`` (4 of 30), ``all`` (the whole run), ``reference`` (one of five).
    options
        Settings of the simulation.
    mark
        Column of the simulation's sample table that tells the bad reactions.
    swap
        ``reference``: a reference holds the DNA of a patient with a deletion; ``hyperdiploid``: of a hyperdiploid
        one; ``patients``: two patients of different sex are swapped.
    goal
        Whether the share flagged has a goal; without one the row informs.
    without_controls
        The export has no Q, D, 92-nt, X and Y fragments.
    """

    what: str
    make: Callable[[Simulation, np.ndarray, np.random.Generator], tuple[Any, Any]] | None = None
    scopes: tuple[str, ...] = ("one", "few", "all", "reference")
    options: dict[str, Any] = field(default_factory=dict)
    mark: str = ""
    swap: str = ""
    goal: bool = True
    without_controls: bool = False


def _position(run: Simulation) -> np.ndarray:
    return (run.panel.length[None, :] - 300.0) / 100.0


def _between(rng: np.random.Generator, rows: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.asarray(np.where(rows, rng.uniform(low, high, len(rows)), 0.0)[:, None])


def _noise(factor: float) -> Callable[..., tuple[Any, Any]]:
    return lambda _run, rows, _rng: (0.0, np.where(rows, factor, 1.0)[:, None])


def _slope(low: float, high: float, *, either: bool = False) -> Callable[..., tuple[Any, Any]]:
    def make(run: Simulation, rows: np.ndarray, rng: np.random.Generator) -> tuple[Any, Any]:
        slope = _between(rng, rows, low, high)
        if either:
            slope = slope * rng.choice([-1.0, 1.0], len(rows))[:, None]
        return slope * _position(run), 1.0

    return make


def _as_p002(run: Simulation, rows: np.ndarray, rng: np.random.Generator) -> tuple[Any, Any]:
    """Slope -0.12 to -0.17 per 100 nt more and noise x 1.6 to 2, as measured in bad reactions of P002."""
    return _between(rng, rows, -0.17, -0.12) * _position(run), 1.0 + _between(rng, rows, 0.6, 1.0)


def _degraded(run: Simulation, rows: np.ndarray, rng: np.random.Generator) -> tuple[Any, Any]:
    """Long probes fall away, less signal, more noise."""
    change = _between(rng, rows, -0.60, -0.30) * _position(run) + _between(rng, rows, -0.9, -0.2)
    return change, 1.0 + _between(rng, rows, 0.3, 0.8)


def _little_dna(run: Simulation, rows: np.ndarray, rng: np.random.Generator) -> tuple[Any, Any]:
    """Signal of 6-20 %, Q fragments 0.6-2 times the benchmark; noise as its height demands."""
    change = np.broadcast_to(_between(rng, rows, np.log(0.06), np.log(0.20)), run.signals.height.shape).copy()
    share = run.signals.height[:, run.panel.is_role("quantity")]
    benchmark = run.signals.height[:, run.panel.is_role("benchmark")].mean(axis=1)
    now = np.nanmean(share, axis=1) / benchmark
    wanted = np.log(rng.uniform(0.6, 2.0, len(rows)) / np.where(now > 0, now, 0.1))
    for probe in np.flatnonzero(run.panel.is_role("quantity")):
        change[:, probe] += np.where(rows, np.nan_to_num(wanted), 0.0)
    return change, 1.0


KINDS: dict[str, Bad] = {
    "noise x 2": Bad("SD of every probe doubled", _noise(2.0)),
    "as in P002": Bad("slope -0.12 to -0.17 per 100 nt, noise x 1.6 to 2", _as_p002),
    "slope as in P002": Bad("slope -0.12 to -0.17 per 100 nt alone", _slope(-0.17, -0.12), ("few",), goal=False),
    "strong slope": Bad("slope 0.25 to 0.40 per 100 nt, either way", _slope(0.25, 0.40, either=True)),
    "degraded DNA": Bad("slope -0.3 to -0.6, signal x 0.4-0.8, noise x 1.3-1.8", _degraded),
    "too little DNA": Bad("signal x 0.06-0.2, Q fragments 0.6-2 of the benchmark", _little_dna),
    "too little DNA, no Q": Bad(
        "the same, control fragments not in the export", _little_dna, ("few",), without_controls=True
    ),
    "swapped reference": Bad(
        "a reference is a deleted patient, 30-95 % of cells", scopes=("reference",), swap="reference"
    ),
    "deleted reference": Bad(
        "a reference has a loss in all cells", scopes=("reference",),
        options={"altered_references": 1}, mark="main_gene_deleted",
    ),
    "hyperdiploid reference": Bad(
        "a reference is a hyperdiploid patient", scopes=("reference",),
        options={"hyperdiploid_fraction": 0.2}, swap="hyperdiploid",
    ),
    "swapped patients": Bad("two patients of different sex swapped", scopes=("few",), swap="patients"),
    "poor denaturation": Bad(
        "D fragments 10-33 % of the benchmark", scopes=("few",),
        options={"poor_denaturation_fraction": 0.13}, mark="poor_denaturation",
    ),
    "off scale": Bad(
        "signal x 8", scopes=("few",), options={"overloaded_fraction": 0.13}, mark="overloaded", goal=False
    ),
    "no product": Bad("no probe peaks", scopes=("few",), options={"failed_fraction": 0.13}, mark="failed"),
}  # fmt: skip

GOOD: dict[str, dict[str, Any]] = {
    "good": {},
    "good, 3 references": {"n_references": 3},
    "good, 10 references": {"n_references": 10},
    "good, lower signal (1,500)": {"median_height": 1500.0},
    "good, lesions in other genes": {"other_gene_rate": 0.3},
    "good, all IKZF1-deleted": {"fraction_deleted": 1.0},
    "good, a third hyperdiploid": {"hyperdiploid_fraction": 0.33},
}


def build(panel: Panel, kind: Bad, scope: str, seed: int) -> Case:
    """Simulate a run and spoil the reactions that `scope` names."""
    settings = SimulationSettings(**kind.options)
    run = simulate_signals(panel, settings, seed=seed)
    rng = np.random.default_rng([seed, 77])
    role = run.role
    patients, references = np.flatnonzero(role == "patient"), np.flatnonzero(role == "reference")
    tube, bad, blamed = np.arange(len(role)), np.zeros(len(role), bool), np.zeros(len(role), bool)
    if kind.mark:
        who = references if scope == "reference" else patients
        bad[who] = run.sample_truth.columns[kind.mark][who] == "yes"
    elif kind.swap:
        pairs = _pairs(run, kind.swap, patients, references, rng)
        for one, other in pairs:
            tube[[one, other]] = [other, one]
        for one, other in pairs:
            bad[one] = True
            (bad if kind.swap == "patients" else blamed)[other] = True
        run = replace(run, signals=_moved(run.signals, tube))
    else:
        chosen = {"one": patients[:1], "few": patients[rng.permutation(len(patients))[:4]],
                  "all": np.concatenate([patients, references]), "reference": references[:1]}[scope]  # fmt: skip
        bad[chosen] = True
        if kind.make is None:
            raise ValueError(f"{kind.what}: nothing says how a reaction is spoilt")
        without_noise = simulate_signals(panel, replace(settings, noise_scale=0.0), seed=seed)
        change, factor = kind.make(without_noise, bad, rng)
        run = replace(run, signals=_spoilt(run, without_noise.signals.height, change, factor))
    if kind.without_controls:
        run = replace(run, signals=_without_controls(run))
    return Case(run, tube, bad, blamed)


def _pairs(
    run: Simulation, swap: str, patients: np.ndarray, references: np.ndarray, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Return the tubes that are swapped: the one to be flagged, and the other."""
    truth = run.sample_truth.columns
    if swap == "patients":
        women = [i for i in patients if run.sex[i] == "F"]
        men = [i for i in patients if run.sex[i] == "M"]
        return [(women[0], men[0])] if women and men else []
    wanted = "main_gene_deleted" if swap == "reference" else "hyperdiploid"
    among = [i for i in patients if truth[wanted][i] == "yes" and (
        swap != "hyperdiploid" or truth["main_gene_deleted"][i] == "no")]  # fmt: skip
    return [(int(references[0]), int(among[int(rng.integers(len(among)))]))] if among else []


def _moved(signals: Signals, tube: np.ndarray) -> Signals:
    return replace(
        signals, height=signals.height[tube], missing=signals.missing[tube], off_scale=signals.off_scale[tube]
    )


def _spoilt(run: Simulation, expected: np.ndarray, change: Any, factor: Any) -> Signals:
    """Return the run's signals with changed expectation, and noise that follows it."""
    settings = run.settings
    noise = np.log(run.signals.height) - np.log(expected)
    constant = settings.cv0**2 + settings.between_dna_sd**2
    now = expected * np.exp(change)
    grown = np.sqrt((constant + settings.poisson / now) / (constant + settings.poisson / expected))
    height = np.where(
        np.isnan(noise), run.signals.height, now * np.exp(np.nan_to_num(noise * grown * factor))
    )
    off_scale = height > settings.saturation
    height = np.minimum(height, settings.saturation)
    with np.errstate(invalid="ignore"):
        seen = height >= settings.minimum_height
    missing = np.where(seen, Missing.PRESENT, Missing.NO_PEAK).astype(np.uint8)
    return replace(
        run.signals, height=np.where(seen, height, np.nan), missing=missing, off_scale=off_scale & seen
    )


def _without_controls(run: Simulation) -> Signals:
    control = ~run.panel.is_role("target", "reference")
    height, missing = run.signals.height.copy(), run.signals.missing.copy()
    height[:, control], missing[:, control] = np.nan, Missing.NOT_IN_FILE
    return replace(run.signals, height=height, missing=missing)
