"""From a trace to sized peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, PeakTable, text_array
from mlpa_caller.errors import TraceError, UsageError, shown
from mlpa_caller.formats.trace import Trace
from mlpa_caller.traces.baseline import baseline, noise
from mlpa_caller.traces.flags import flag_texts, is_bleed_through, is_off_scale, is_shoulder
from mlpa_caller.traces.judge import Judgement, judge
from mlpa_caller.traces.ladder import Assignment, assign_ladder
from mlpa_caller.traces.peaks import Peaks, find_peaks
from mlpa_caller.traces.profile import sized_profile
from mlpa_caller.traces.report import SizingReport
from mlpa_caller.traces.sizing import local_southern, size_errors, smooth_curve
from mlpa_caller.traces.standards import SizeStandard, hinted_standard, named_standard, size_standards

__all__ = ["METHODS", "SizingOptions", "process_trace"]

METHODS = ("local-southern", "smooth")
"""Ways to turn scans into sizes."""
# Against the width of the rungs there: a broad peak, and a spike, which is also narrower than so many scans.
_BROAD, _SPIKE, _SPIKE_SCANS = 2.2, 0.35, 2.5
# Rungs that must be found, without any missing, for a ladder in another dye than that expected.
_OTHER_DYE_RUNGS = 10
_WIDEST_GAP = 120.0
"""Where missing rungs leave a wider gap, sizes in it would be guesses."""


@dataclass(frozen=True, slots=True)
class SizingOptions:
    """What the user may fix.

    Attributes
    ----------
    ladder
        Size standard by name, or as sizes with commas between them; empty to find it.
    ladder_dye
        Dye of the size standard, by name or number from 1; empty to find it.
    method
        One of `METHODS`.
    min_ladder_height
        Height in counts that every rung must reach; None for the standard's own.
    profile
        Also give the signal on an even grid of sizes, in the report.
    """

    ladder: str = ""
    ladder_dye: str = ""
    method: str = METHODS[0]
    min_ladder_height: float | None = None
    profile: bool = False

    def checked(self) -> SizeStandard | None:
        """Return the size standard that is asked for, None where it is to be found.

        Raises
        ------
        UsageError
            If an option is wrong.
        """
        if self.method not in METHODS:
            raise UsageError(
                f"no sizing method is called {shown(self.method)}", remedy=f"give one of {', '.join(METHODS)}"
            )
        if self.min_ladder_height is not None and not 0.0 <= self.min_ladder_height < float("inf"):
            raise UsageError(
                "the minimum height of the ladder is no positive number", remedy="give it in counts"
            )
        return named_standard(self.ladder) if self.ladder else None


def process_trace(trace: Trace, options: SizingOptions | None = None) -> tuple[PeakTable, SizingReport]:
    """Return the peaks of all dyes with their sizes, and how they were sized.

    Parameters
    ----------
    trace
        One injection.
    options
        What the user fixed.

    Returns
    -------
    PeakTable
        One row a peak, dye by dye, the ladder's included. Sizes are NaN outside the ladder (flag
        ``outside_ladder``), and everywhere (flag ``not_sized``) where the trace is refused.
    SizingReport
        Verdict and figures.

    Raises
    ------
    UsageError
        If an option is wrong.
    TraceError
        If the file has no such dye.
    """
    options = options or SizingOptions()
    asked = options.checked()
    sigma = noise(trace.signal)
    signal = trace.signal - baseline(trace.signal, sigma)
    dyes = [find_peaks(row, float(level)) for row, level in zip(signal, sigma)]
    saturated = np.zeros(trace.scans, dtype=bool)
    saturated[trace.off_scale] = True
    over = [is_off_scale(peaks, saturated | lost) for peaks, lost in zip(dyes, trace.restored)]
    bleed = is_bleed_through(dyes, over, trace.scans)
    ladder, judgement = _ladder(trace, dyes, bleed, options, asked)
    report = _report(trace, ladder, judgement, sigma)
    best = None if judgement.refused else judgement.best
    if options.profile and best is not None:
        size, _ = _sizes(np.arange(trace.scans, dtype=np.float64), best, options.method)
        report = replace(report, profile=sized_profile(signal, size, trace.dyes))
    marks = [("off_scale", np.concatenate(over)), ("bleed_through", np.concatenate(bleed))]
    return _table(trace, dyes, ladder, best, marks, options.method), report


def _ladder(
    trace: Trace,
    dyes: Sequence[Peaks],
    bleed: Sequence[BoolArray],
    options: SizingOptions,
    asked: SizeStandard | None,
) -> tuple[int, Judgement]:
    """Return the ladder's dye and the verdict on it."""
    known = size_standards()
    standards = known if asked is None or asked in known else (*known, asked)
    hint = hinted_standard(trace.size_standard, trace.size_standard_rungs)

    def tried(dye: int) -> Judgement:
        likely = hint if asked is None else asked.name
        found = assign_ladder(dyes[dye], trace.scans, standards, likely=likely, bleed=bleed[dye])
        return judge(found, dyes[dye], trace.dyes[dye], asked="" if asked is None else asked.name, hint=hint,
                     said=trace.size_standard, min_height=options.min_ladder_height)  # fmt: skip

    ladder = _dye_of(trace, options.ladder_dye) if options.ladder_dye else trace.ladder_dye
    judgement = tried(ladder)
    settled = judgement.best is not None or options.ladder_dye or trace.ladder_dye_from == "marked"
    if settled:
        return ladder, judgement
    for other in range(len(dyes) - 1, -1, -1):
        if other == ladder:
            continue
        second = tried(other)
        best = second.best
        if best is None or second.refused or len(best) < _OTHER_DYE_RUNGS or best.missing or best.foreign > 1:
            continue
        remark = f"the size standard was found in dye {trace.dyes[other]}, not in {trace.dyes[ladder]}"
        return other, replace(second, warnings=(remark, *second.warnings))
    return ladder, judgement


def _dye_of(trace: Trace, wanted: str) -> int:
    names = [name.casefold() for name in trace.dyes]
    if wanted.casefold() in names:
        return names.index(wanted.casefold())
    if wanted in map(str, range(1, len(names) + 1)):
        return int(wanted) - 1
    raise TraceError(f"has no dye {shown(wanted)}", file=trace.source,
                     remedy=f"give one of {', '.join(trace.dyes)} as --ladder-dye")  # fmt: skip


def _report(trace: Trace, ladder: int, judgement: Judgement, sigma: FloatArray) -> SizingReport:
    best, refused = judgement.best, judgement.refused
    warnings = list(judgement.warnings)
    if not refused and (trace.verdict.startswith("SQ=0.0") or "Failed" in trace.verdict):
        warnings.append("the instrument's own sizing failed")
    common = (trace.source, trace.file, trace.sample)
    dye = trace.dyes[ladder]
    if best is None:
        return SizingReport(*common, "", dye, 0, 0, np.nan, np.nan, "fail", refused, noise=sigma)
    inner = np.abs(best.migration.left_out[1:-1])
    return SizingReport(
        *common,
        ladder=best.standard.name,
        ladder_dye=dye,
        rungs_expected=len(best) + best.missing + best.above,
        rungs_matched=len(best),
        residual_median=np.nan if refused else float(np.median(inner)),
        residual_max=np.nan if refused else float(inner.max()),
        verdict="fail" if refused else "warn" if warnings else "pass",
        reason=refused or "; ".join([*warnings, *judgement.notes, *_other_rungs(best, trace)]),
        size=np.empty(0) if refused else best.sizes,
        scan=np.empty(0, dtype=np.int64) if refused else best.scan,
        noise=sigma,
    )


def _other_rungs(best: Assignment, trace: Trace) -> list[str]:
    """Say where the instrument's software used rungs that are not used here, so that sizes near them differ."""
    standard = best.standard
    listed = np.isin(standard.rungs, trace.size_standard_rungs)
    inside = (standard.rungs > best.sizes[0]) & (standard.rungs < best.sizes[-1])
    if not np.isin(best.sizes, trace.size_standard_rungs).mean() > 0.8:
        return []
    other = ", ".join(f"{size:g}" for size in standard.rungs[listed & inside & ~standard.sizing])
    return [f"the instrument's software also used rung {other}, not used here"] if other else []


def _table(
    trace: Trace,
    dyes: Sequence[Peaks],
    ladder: int,
    best: Assignment | None,
    marks: list[tuple[str, BoolArray]],
    method: str,
) -> PeakTable:
    parts = [_sized(peaks, best, dyes[ladder], method) for peaks in dyes]
    counts = [len(peaks) for peaks in dyes]
    marks += [
        ("shoulder", np.concatenate([shoulder for _, _, shoulder, _, _ in parts])),
        ("broad", np.concatenate([broad for _, _, _, broad, _ in parts])),
        ("spike", np.concatenate([spike for _, _, _, _, spike in parts])),
    ]
    size = np.concatenate([size for size, _, _, _, _ in parts])
    total = len(size)
    unsized = np.isnan(size)
    if best is None:
        marks.append(("not_sized", unsized))
    else:
        at = np.concatenate([peaks.data_point for peaks in dyes])
        inside = (at >= best.scan[0]) & (at <= best.scan[-1])
        marks += [("outside_ladder", unsized & ~inside), ("ladder_gap", unsized & inside)]
    return PeakTable(
        source=trace.source,
        sample=text_array([trace.sample] * total),
        file=text_array([trace.file] * total),
        dye=text_array([name for name, count in zip(trace.dyes, counts) for _ in range(count)]),
        size=size,
        height=np.concatenate([peaks.height for peaks in dyes]),
        area=np.concatenate([peaks.area for peaks in dyes]),
        data_point=np.concatenate([peaks.data_point for peaks in dyes]).astype(np.float64),
        line=np.zeros(total, dtype=np.int64),
        size_error=np.concatenate([error for _, error, _, _, _ in parts]),
        flags=flag_texts(marks, total),
        ladder_dye=trace.dyes[ladder],
        format="ABIF trace",
    )


def _sizes(at: FloatArray, best: Assignment, method: str) -> tuple[FloatArray, BoolArray]:
    """Return the sizes of scans, NaN where they would be guesses, and the intervals that miss a rung."""
    scan, sizes = best.scan.astype(np.float64), best.sizes
    size = local_southern(at, scan, sizes) if method == METHODS[0] else smooth_curve(at, scan, sizes)
    lost = np.diff(np.searchsorted(np.flatnonzero(best.standard.sizing), best.rung)) > 1
    interval = np.clip(np.searchsorted(scan, at, side="right") - 1, 0, len(lost) - 1)
    guessed = (lost & (np.diff(sizes) > _WIDEST_GAP))[interval]
    size[guessed & (at > scan[interval]) & (at < scan[interval + 1])] = np.nan
    return size, lost


def _sized(
    peaks: Peaks, best: Assignment | None, rungs: Peaks, method: str
) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray, BoolArray]:
    """Return size, its error, and which peaks are shoulders, broad and spikes."""
    at = peaks.data_point.astype(np.float64)
    nothing = np.zeros(len(peaks), dtype=bool)
    if best is None:
        empty = np.full(len(peaks), np.nan)
        return empty, empty, nothing, nothing, nothing
    size, lost = _sizes(at, best, method)
    scan, sizes = best.scan.astype(np.float64), best.sizes
    error = size_errors(at, scan, sizes, best.migration.left_out, lost)
    error[np.isnan(size)] = np.nan
    place = np.interp(at, scan, sizes)
    outside = (at < scan[0]) | (at > scan[-1])
    place[outside] = at[outside]  # so far from each other and from the others that none is a shoulder
    expected = np.interp(at, scan, rungs.width[best.peak])
    broad = peaks.width > _BROAD * expected
    spike = (peaks.width < _SPIKE * expected) & (peaks.width < _SPIKE_SCANS)
    return size, error, is_shoulder(place, peaks.height) & ~outside, broad, spike
