"""Electropherograms of a run's patients and the median of its reference samples, fit for ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mlpa_caller.binning.settings import canonical_dye
from mlpa_caller.datatypes import FloatArray, IntArray, TextArray
from mlpa_caller.result import Result
from mlpa_caller.traces.profile import STEP_NT, Profile

__all__ = ["MOST_DRAWN", "with_electropherograms"]

MOST_DRAWN = 400
"""A run of more traces is a cohort that nobody looks at one by one; it gets no electropherograms."""

_DRAWN_ROLES = ("patient", "positive")
_MARGIN_NT = 6.0
"""What is shown on both sides of the outermost probes."""


def with_electropherograms(result: Result, profiles: Mapping[str, Profile], dye: TextArray) -> Result:
    """Return the result with an electropherogram of every patient that was sized.

    Parameters
    ----------
    result
        A run that was called from raw traces.
    profiles
        By sample, its signal by size.
    dye
        ``(probes,)`` the dye each probe was found in; empty where it was not.

    Returns
    -------
    Result
        With `Result.traces`, and ``trace_median`` in `Result.run`: for each dye the median of the reference
        samples used, each moved onto the run's scale of sizes and divided by the median height of its reference
        probes.
    """
    dyes = dict.fromkeys(name for name in dye.tolist() if name)
    ranges = {name: _range(result, np.flatnonzero(dye == name)) for name in dyes}
    figures = result.tables["quality"].columns
    heights = dict(zip(result.samples.samples, figures["median_height"].tolist()))
    shifts = dict(zip(result.samples.samples, np.nan_to_num(figures["size_shift"]).tolist()))
    used = [name for name in result.run["reference_samples"] if name in profiles and heights[name] > 0]
    median, traces = [], {}
    for name, bounds in ranges.items():
        parts = [
            _moved(_part(profiles[sample], name, bounds), shifts[sample]) / heights[sample] for sample in used
        ]
        if parts:
            known = np.stack(parts)
            known = np.where(np.isnan(known).any(axis=0), np.nan, known)
            median += _channel(name, bounds[0], np.round(np.median(known, axis=0), 4))
    for row, (sample, role) in enumerate(zip(result.samples.samples, result.samples.role)):
        if role in _DRAWN_ROLES and sample in profiles:
            traces[sample] = [
                {**channel, "peaks": _peaks(result, row, np.flatnonzero(dye == name))}
                for name, bounds in ranges.items()
                for channel in _channel(name, bounds[0], np.rint(_part(profiles[sample], name, bounds)))
            ]
    return replace(result, run={**result.run, "trace_median": median}, traces=traces)


def _range(result: Result, probes: IntArray) -> tuple[int, int]:
    """Return first and last place on the grid of what is shown around these probes."""
    size = result.signals.size[:, probes]
    low, high = np.nanmin(size) - _MARGIN_NT, np.nanmax(size) + _MARGIN_NT
    return int(np.floor(low / STEP_NT)), int(np.ceil(high / STEP_NT))


def _part(profile: Profile, dye: str, bounds: tuple[int, int]) -> FloatArray:
    """Return the signal of one dye from place to place; NaN where the trace has none."""
    first, last = bounds
    part = np.full(last - first + 1, np.nan)
    codes = [canonical_dye(name) for name in profile.dyes]
    if canonical_dye(dye) in codes:
        row = profile.signal[codes.index(canonical_dye(dye))]
        low, high = max(first, profile.first), min(last + 1, profile.first + len(row))
        if low < high:
            part[low - first : high - first] = row[low - profile.first : high - profile.first]
    return part


def _moved(part: FloatArray, shift: float) -> FloatArray:
    """Return the signal as it were if all its sizes were `shift` nucleotides smaller."""
    place = np.arange(len(part), dtype=np.float64)
    moved: FloatArray = np.interp(place + shift / STEP_NT, place, part, left=np.nan, right=np.nan)
    return moved


def _channel(dye: str, first: int, signal: FloatArray) -> list[dict[str, Any]]:
    """Return one dye as it stands in the document, without what is unknown at both ends; none where all is."""
    known = np.flatnonzero(~np.isnan(signal))
    if not len(known):
        return []
    inner = signal[known[0] : known[-1] + 1]
    whole = bool((inner[~np.isnan(inner)] == np.rint(inner[~np.isnan(inner)])).all())
    values = [None if value != value else int(value) if whole else value for value in inner.tolist()]
    first_nt = round(float((first + known[0]) * STEP_NT), 2)
    return [{"dye": dye, "first_nt": first_nt, "step_nt": STEP_NT, "signal": values}]


def _peaks(result: Result, row: int, probes: IntArray) -> list[dict[str, Any]]:
    """Return the peaks of one sample that belong to these probes, with the digits of the ratios table."""
    signals, decimals = result.signals, result.tables["ratios"].decimals["height"]
    peaks = []
    for i in probes[~np.isnan(signals.height[row, probes])]:
        height = round(float(signals.height[row, i]), decimals)
        peaks.append(
            {
                "probe": signals.probes[i],
                "size_nt": round(float(signals.size[row, i]), 2),
                "height": height if decimals else int(height),
            }
        )
    return peaks
