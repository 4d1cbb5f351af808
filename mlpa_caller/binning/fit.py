"""Refuse a run whose sizes do not fit its panel, instead of guessing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlpa_caller.binning.assign import Assignment
from mlpa_caller.binning.learn import Learned
from mlpa_caller.binning.settings import figure
from mlpa_caller.datatypes import BoolArray
from mlpa_caller.errors import PanelError
from mlpa_caller.panel import Panel

__all__ = ["check_fit"]

HIGH = 0.3
"""A recurring peak of this share of the typical product's height calls for a probe."""
RECURRING = 0.5
FEW_SAMPLES = 2


def check_fit(panel: Panel, learned: Sequence[Learned], found: Sequence[Assignment], source: str) -> None:
    """Refuse a run whose sizes do not fit the panel, or fit it in two ways.

    Raises
    ------
    PanelError
        With the figures and the remedy.
    """
    measured = panel.is_role("target", "reference")
    expected = int(measured.sum())
    n_found = sum(
        (part.peak >= 0)[:, measured[item.probes]].sum(axis=1) for item, part in zip(learned, found)
    )
    product = np.logical_or.reduce([np.isfinite(item.level) for item in learned])
    typical = float(np.median(np.asarray(n_found)[product])) if product.any() else 0.0
    remedy = "check that the panel is the right one and that the sizes are right"
    if typical < figure("found_share") * expected:
        raise PanelError(
            f"the peak sizes do not fit panel {panel.name}: {typical:.0f} of {expected} target and reference "
            "probes found in the typical sample",
            remedy=remedy, file=source,
        )  # fmt: skip
    lost = sum(int((_without_place(item) & measured[item.probes]).sum()) for item in learned)
    inner = sum(_n_inner(item, measured[item.probes]) for item in learned)
    stray = sum(_n_stray(item) for item in learned)
    # in a run of one or two samples a weak reaction or a lost gene leaves as many traces
    few = figure("doubtful_count") if product.sum() > FEW_SAMPLES else max(3.0, 0.1 * expected)
    scattered = max(_offset_sd(item) for item in learned) > figure("scattered_offsets")
    if inner > figure("lost_share") * expected or (lost >= few and (stray >= few or scattered)):
        raise PanelError(
            f"the peak sizes do not fit panel {panel.name}: {lost} of {expected} target and reference probes "
            f"have no place of their own in the run, and {stray} high peaks of the run belong to no probe",
            remedy=remedy, file=source,
        )  # fmt: skip
    for item in learned:
        if item.match.rival > item.match.score - figure("shift_margin"):
            raise PanelError(
                f"the peak sizes fit panel {panel.name} in two ways that differ by a shift of the whole run",
                remedy="add the control fragments to the panel, or correct its lengths by the run's shift",
                file=source,
            )
        if abs(item.match.run_shift) > figure("accepted_run_shift"):
            raise PanelError(
                f"the peak sizes lie {item.match.run_shift:+.1f} nt from the lengths of panel {panel.name}",
                remedy="check the size standard and the panel, or correct its lengths by this shift",
                file=source,
            )


def _without_place(item: Learned) -> BoolArray:
    return (item.match.feature < 0) | item.match.uncertain


def _n_inner(item: Learned, measured: BoolArray) -> int:
    """Probes without a place of their own, between the shortest and the longest that have one.

    A degraded sample lacks its longest probes; the wrong panel lacks probes everywhere.
    """
    without = _without_place(item)
    own = np.flatnonzero(~without)
    if len(own) == 0:
        return int(measured.sum())
    return int((without & measured)[own[0] : own[-1]].sum())


def _offset_sd(item: Learned) -> float:
    places = item.places()
    known = np.isfinite(places)
    return float(np.std(places[known] - item.length[known])) if known.any() else 0.0


def _n_stray(item: Learned) -> int:
    """Recurring high peaks that no probe was given."""
    free = np.ones(len(item.features.size), dtype=np.bool_)
    free[item.match.feature[item.match.feature >= 0]] = False
    high = (item.features.support >= RECURRING) & (item.features.height >= HIGH)
    return int((free & high).sum())
