"""Ingredients of the caller, what stands in the place of each, and how it is turned off.

Some are figures of `Settings`; others are functions of the package, replaced while a run is called and only there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import numpy as np

from mlpa_caller.panel import Panel
from mlpa_caller.settings import Settings, default_settings

__all__ = ["INGREDIENTS", "SETTINGS", "Ingredient", "changed", "turned_off"]

STANDARD = "clone 0.30-0.95"

SETTINGS: dict[str, dict[str, Any]] = {
    STANDARD: {},
    "clone 0.15-0.35": {"clone_fraction": (0.15, 0.35)},
    "noise x 2, slopes x 2.4": {"noise_scale": 2.0, "slope_sd": 0.12},
    "noise x 0.6": {"noise_scale": 0.6},
    "any range": {"spectrum": "uniform"},
    "a third bad reactions": {"bad_fraction": 0.33},
    "low signal": {"median_height": 800.0},
    "3 references": {"n_references": 3},
    "a failed reference": {"failed_references": 1},
    "a deleted reference": {"altered_references": 1},
    "half hyperdiploid": {"hyperdiploid_fraction": 0.5},
    "IKZF1 and references only": {"panel": "small"},
    "several lesions, clone 0.15-0.35": {"clone_fraction": (0.15, 0.35), "other_gene_rate": 0.4},
    "blasts stated, clone 0.15-0.35": {"clone_fraction": (0.15, 0.35), "blast_given": 1.0},
    "lesions in other genes": {"other_gene_rate": 0.4},
    "variants under a probe": {"single_probe_variant_rate": 0.3},
    "heavy tails (5 d.f.)": {"noise_dof": 5.0},
}

Patch = tuple[str, str, Callable[[Any], Any]]
"""Module, name in it, and what makes the replacement from the original."""


@dataclass(frozen=True)
class Ingredient:
    """One thing that can be turned off.

    Attributes
    ----------
    without
        What stands in its place, as said in the table.
    where
        Names of the settings it is measured in.
    settings
        Values by part of `Settings` (``noise``, or a gene's ``events``) and parameter.
    patches
        Functions of the package replaced while the run is called.
    panel
        Changes the panel.
    spectrum, artefact
        False takes the cohort spectrum, or the thought of a variant under a probe, away.
    """

    without: str
    where: tuple[str, ...]
    settings: dict[str, float] = field(default_factory=dict)
    patches: tuple[Patch, ...] = ()
    panel: Callable[[Panel], Panel] | None = None
    spectrum: bool = True
    artefact: bool = True


def _no_reference_error(original: Any) -> Any:
    def efficiency(*args: Any, **words: Any) -> Any:
        learned = original(*args, **words)
        return replace(learned, variance=np.zeros_like(learned.variance))

    return efficiency


def _measured_noise(work: Any, *_: Any) -> Any:
    """Return the noise that the run starts from."""
    return work.state.noise


def _scale_of(take: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    """Return what makes the function that hands out `take` of each sample's own noise scale."""

    def make(original: Any) -> Any:
        def scale(*args: Any, **words: Any) -> Any:
            found = original(*args, **words)
            return replace(found, scale=take(found.own))

        return scale

    return make


def _no_blasts(original: Any) -> Any:
    return lambda regions, blasts, *args, **words: original(
        regions, np.full_like(blasts, np.nan), *args, **words
    )


def _apart(panel: Panel) -> Panel:
    """Return the panel with every gene a region of its own."""
    regions = []
    for region in panel.regions:
        for gene in region.genes:
            units = [u for u, name in enumerate(region.unit_gene) if name == gene]
            inside = np.isin(region.unit, units)
            regions.append(
                replace(
                    region, name=gene, genes=(gene,), probes=region.probes[inside],
                    unit=region.unit[inside] - units[0], unit_gene=(gene,) * len(units),
                    unit_label=tuple(region.unit_label[u] for u in units),
                )
            )  # fmt: skip
    return replace(panel, regions=tuple(regions))


def _flat_noise() -> dict[str, float]:
    noise = default_settings().noise
    at = noise["per_height"] / 3000.0
    return {"per_height": 1e-6, "constant_sd": float(np.sqrt(noise["constant_sd"] ** 2 + at))}


INGREDIENTS: dict[str, Ingredient] = {
    "noise learned from the run": Ingredient(
        "the measured noise, whatever the run shows", (STANDARD, "noise x 2, slopes x 2.4", "noise x 0.6"),
        patches=(("mlpa_caller.normalize", "_run_noise", lambda _: _measured_noise),),
    ),
    "noise scale of each sample": Ingredient(
        "one scale for the run", (STANDARD, "a third bad reactions"),
        patches=(("mlpa_caller.normalize", "scale_of_sums", _scale_of(lambda own: np.ones_like(own))),),
    ),
    "shrinkage of that scale": Ingredient(
        "each sample's own", (STANDARD, "IKZF1 and references only"),
        patches=(("mlpa_caller.normalize", "scale_of_sums",
                  _scale_of(lambda own: np.maximum(np.where(np.isnan(own), 1.0, own), 0.25))),),
    ),
    "large genes do not outvote": Ingredient(
        "every probe counts as one in the first fit", ("several lesions, clone 0.15-0.35", "IKZF1 and references only"),
        patches=(("mlpa_caller.normalize", "_counts", lambda _: lambda panel: np.ones(len(panel.probes))),),
    ),
    "variance by height": Ingredient(
        "the same at every height", (STANDARD, "low signal"), settings=_flat_noise()
    ),
    "error of the references": Ingredient(
        "references without error", (STANDARD, "3 references"),
        patches=(("mlpa_caller.normalize", "efficiency", _no_reference_error),),
    ),
    "slope correction": Ingredient(
        "no slope", (STANDARD, "noise x 2, slopes x 2.4"),
        settings={"slope_sd_reference": 1e-6, "slope_sd_sample": 1e-6},
    ),
    "second pass without altered probes": Ingredient(
        "one pass", (STANDARD, "IKZF1 and references only"),
        patches=(("mlpa_caller.pipeline", "unaltered_probes",
                  lambda original: lambda *args: np.ones_like(original(*args))),),
    ),
    "aberrant reference probes found": Ingredient(
        "all reference probes trusted", (STANDARD, "half hyperdiploid"), settings={"unaltered_reference": 1 - 1e-9}
    ),
    "unfit and altered references left out": Ingredient(
        "all kept", ("a failed reference", "a deleted reference"),
        patches=(("mlpa_caller.normalize", "_leave_out", lambda _: lambda state, _samples, _settings: state),
                 ("mlpa_caller.pipeline", "SURELY_ALTERED", lambda _: 2.0)),
    ),
    "lesions share a clone": Ingredient(
        "each gene alone", ("lesions in other genes", "several lesions, clone 0.15-0.35"),
        patches=(("mlpa_caller.calling.shared", "_told",
                  lambda original: lambda *args: np.zeros_like(original(*args))),),
    ),
    "stated blast fraction": Ingredient(
        "not used", ("blasts stated, clone 0.15-0.35",),
        patches=(("mlpa_caller.pipeline", "share_clones", _no_blasts),),
    ),
    "neighbours as one event": Ingredient(
        "every gene alone", ("lesions in other genes", "several lesions, clone 0.15-0.35"), panel=_apart
    ),
    "Student tails": Ingredient(
        "almost normal noise (200 d.f.)", (STANDARD, "heavy tails (5 d.f.)"),
        settings={"degrees_of_freedom": 200.0},
    ),
    "variant under a probe": Ingredient(
        "not thought of", (STANDARD, "variants under a probe"), artefact=False
    ),
    "cohort spectrum": Ingredient(
        "the whole gene half, every other range alike", (STANDARD, "any range"), spectrum=False
    ),
    "compression": Ingredient("0.50 and 1.50 expected (g = 1)", (STANDARD,), settings={"compression": 1.0}),
}  # fmt: skip


def changed(settings: Settings, item: Ingredient) -> Settings:
    """Return the settings with the ingredient turned off."""
    unknown = [name for name in item.settings if name not in settings.noise]
    if unknown:
        raise LookupError(f"the settings have no {', '.join(unknown)}")
    events = {
        gene: {
            name: 1e-12 if name == "artefact_share" and not item.artefact else value
            for name, value in own.items()
        }
        for gene, own in settings.events.items()
    }
    return replace(
        settings,
        noise={**settings.noise, **item.settings},
        events=events,
        spectrum=settings.spectrum if item.spectrum else {},
    )


@contextmanager
def turned_off(item: Ingredient) -> Iterator[None]:
    """Replace functions of the package for a while."""
    with ExitStack() as stack:
        for module, name, make in item.patches:
            home = importlib.import_module(module)
            if not hasattr(home, name):
                raise LookupError(f"{module} has no {name}")
            stack.enter_context(mock.patch.object(home, name, make(getattr(home, name))))
        yield
