"""Changed copies of real traces whose true sizes stay known."""

# ruff: noqa: ARG001, ARG005 - all changes take the same arguments

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlpa_caller.datatypes import FloatArray
from mlpa_caller.formats.trace import Trace
from mlpa_caller.traces import SizingReport

__all__ = ["CHANGES", "UNPHYSICAL", "Changed"]


@dataclass(frozen=True, slots=True, eq=False)
class Changed:
    """A changed trace and, for each of its scans, the scan of the original that shows the same fragment."""

    trace: Trace
    origin: FloatArray


Change = Callable[[Trace, SizingReport, np.random.Generator], Changed]


def _same(trace: Trace) -> Changed:
    return Changed(trace, np.arange(trace.scans, dtype=np.float64))


def _with(trace: Trace, signal: FloatArray, origin: FloatArray | None = None) -> Changed:
    scans = signal.shape[1]
    over = trace.off_scale[trace.off_scale < scans]
    moved = replace(
        trace, signal=signal, raw=signal, restored=np.zeros(signal.shape, dtype=bool), off_scale=over
    )
    return Changed(moved, np.arange(scans, dtype=np.float64) if origin is None else origin)


def _ladder(trace: Trace, change: Callable[[FloatArray], FloatArray]) -> Changed:
    signal = trace.signal.copy()
    signal[trace.ladder_dye] = change(signal[trace.ladder_dye])
    return _with(trace, signal)


def _pace(report: SizingReport) -> float:
    return float(np.median(np.diff(report.scan) / np.diff(report.size)))


def _rung_height(trace: Trace, report: SizingReport) -> float:
    row = trace.signal[trace.ladder_dye]
    return float(np.median(row[report.scan]) - np.median(row))


def _bump(scans: int, centre: float, sigma: float, height: float) -> FloatArray:
    return height * np.exp(-0.5 * ((np.arange(scans) - centre) / sigma) ** 2)


def warp(stretch: float, bend: float) -> Change:
    """Stretch and bend time by up to these parts."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        scans = int(trace.scans * (1.0 + rng.uniform(-stretch, stretch)))
        u = np.linspace(0.0, 1.0, scans)
        origin = (u + rng.uniform(-bend, bend) * u * (1.0 - u)) * (trace.scans - 1)
        old = np.arange(trace.scans)
        return _with(trace, np.array([np.interp(origin, old, row) for row in trace.signal]), origin)

    return change


def extra(count: int, low: float, high: float, sigma: float | None = None) -> Change:
    """Add foreign peaks to the ladder, between `low` and `high` times as high as rungs; narrow ones are spikes."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        height, width = _rung_height(trace, report), sigma or 0.45 * _pace(report)

        def add(row: FloatArray) -> FloatArray:
            for centre in rng.uniform(
                max(report.scan[0] - 200, 0), min(report.scan[-1] + 200, trace.scans), count
            ):
                row = row + _bump(trace.scans, centre, width, height * rng.uniform(low, high))
            return row

        return _ladder(trace, add)

    return change


def dropped(count: int, where: str = "any") -> Change:
    """Remove rungs."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        total = len(report.scan)
        chosen = {"first": np.arange(count), "last": np.arange(total - count, total)}.get(where)
        if chosen is None:
            chosen = rng.choice(total, min(count, total - 2), replace=False)
        reach = 6.0 * 0.45 * _pace(report)

        def remove(row: FloatArray) -> FloatArray:
            row = row.copy()
            for scan in report.scan[chosen].tolist():
                a, b = max(int(scan - reach), 1), min(int(scan + reach), trace.scans - 2)
                row[a:b] = np.interp(np.arange(a, b), [a - 1, b], [row[a - 1], row[b]]) + rng.normal(
                    0.0, 2.0, b - a
                )
            return row

        return _ladder(trace, remove)

    return change


def both(first: Change, second: Change) -> Change:
    """Apply two changes that leave time as it is."""
    return lambda trace, report, rng: second(first(trace, report, rng).trace, report, rng)


def moved_rung(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
    """Replace one inner rung by a foreign peak 0.8 to 3 nt away."""
    which = int(rng.integers(1, len(report.scan) - 1))
    pace = _pace(report)
    height = float(trace.signal[trace.ladder_dye][report.scan[which]])
    centre = report.scan[which] + rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 3.0) * pace
    reach = int(6.0 * 0.45 * pace)

    def move(row: FloatArray) -> FloatArray:
        row = row.copy()
        a, b = max(int(report.scan[which]) - reach, 1), min(int(report.scan[which]) + reach, trace.scans - 2)
        row[a:b] = np.interp(np.arange(a, b), [a - 1, b], [row[a - 1], row[b]])
        return row + _bump(trace.scans, centre, 0.45 * pace, height)

    return _ladder(trace, move)


def offset(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
    """Add 4,100 counts, drift and waves to all dyes."""
    course = np.arange(trace.scans) / trace.scans
    return _with(
        trace, trace.signal + 4100.0 + rng.uniform(-800.0, 800.0) * course + 200.0 * np.sin(19.0 * course)
    )


def cut(start: float, end: float) -> Change:
    """Keep a part of the run: from a part of the ladder to a part of all scans."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        first = int(report.scan[0] + (report.scan[-1] - report.scan[0]) * start) if start else 0
        last = int(trace.scans * end)
        origin = np.arange(first, last, dtype=np.float64)
        return _with(
            replace(trace, off_scale=trace.off_scale[:0]), trace.signal[:, first:last].copy(), origin
        )

    return change


def low(target: float) -> Change:
    """Lower the ladder to rungs of about so many counts, in noise of 2."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        part = min(1.0, target / _rung_height(trace, report))
        return _ladder(trace, lambda row: np.rint(row * part) + rng.normal(0.0, 2.0, len(row)))

    return change


def noisy(part: float) -> Change:
    """Add noise, as a part of the height of rungs."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        sigma = part * _rung_height(trace, report)
        return _ladder(trace, lambda row: row + rng.normal(0.0, sigma, len(row)))

    return change


def raw_only(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
    """Leave the processed signal out."""
    return _same(
        replace(trace, signal=trace.raw, processed=False, restored=np.zeros(trace.raw.shape, dtype=bool))
    )


def renamed(*names: str) -> Change:
    """Name another size standard, or none."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        return _same(replace(trace, size_standard=str(rng.choice(names)), size_standard_rungs=()))

    return change


def other_dye(known_from: str) -> Change:
    """Point to a dye that is not the ladder's."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        dye = int(rng.integers(0, len(trace.dyes) - 1))
        return _same(replace(trace, ladder_dye=dye, ladder_dye_from=known_from))

    return change


def bleed(part: float) -> Change:
    """Add a part of a sample's dye to the ladder."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        other = trace.signal[int(rng.integers(0, len(trace.dyes) - 1))]
        return _ladder(trace, lambda row: row + part * other)

    return change


def carry_over(part: float) -> Change:
    """Add a lower copy of the ladder that runs 15 to 200 scans late."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        late = int(rng.uniform(15.0, 200.0))
        return _ladder(trace, lambda row: row + part * np.roll(row, late))

    return change


def jump(nucleotides: float) -> Change:
    """Let time jump once, as no electrophoresis does: scans are lost (negative) or inserted."""

    def change(trace: Trace, report: SizingReport, rng: np.random.Generator) -> Changed:
        at, count = int(rng.uniform(report.scan[2], report.scan[-3])), int(abs(nucleotides) * _pace(report))
        scan = np.arange(trace.scans, dtype=np.float64)
        if nucleotides < 0.0:
            keep = np.r_[0:at, at + count : trace.scans]
            return _with(trace, trace.signal[:, keep], scan[keep])
        pause = np.repeat(np.median(trace.signal, axis=1)[:, None], count, axis=1)
        signal = np.concatenate([trace.signal[:, :at], pause, trace.signal[:, at:]], axis=1)
        return _with(trace, signal, np.concatenate([scan[:at], np.full(count, float(at)), scan[at:]]))

    return change


STANDARDS = ("GS500LIZ", "GS600LIZ", "GS400HD", "ILS600", "GS1200LIZ")
CHANGES: Mapping[str, Change] = {
    "unchanged": lambda trace, report, rng: _same(trace),
    "time stretched by up to 20 %": warp(0.2, 0.0),
    "time bent by up to 20 %": warp(0.0, 0.2),
    "10 spikes in the ladder": extra(10, 0.5, 3.0, 0.5),
    "1 foreign peak": extra(1, 0.4, 1.6),
    "3 foreign peaks": extra(3, 0.4, 1.6),
    "6 foreign peaks": extra(6, 0.4, 1.6),
    "10 foreign peaks": extra(10, 0.4, 1.6),
    "1 rung lost": dropped(1),
    "2 rungs lost": dropped(2),
    "4 rungs lost": dropped(4),
    "6 rungs lost": dropped(6),
    "first 3 rungs lost": dropped(3, "first"),
    "last 3 rungs lost": dropped(3, "last"),
    "2 lost, 2 foreign": both(dropped(2), extra(2, 0.4, 1.6)),
    "3 lost, 5 foreign": both(dropped(3), extra(5, 0.4, 1.6)),
    "one rung moved 0.8-3 nt": moved_rung,
    "4,100 counts offset, drift": offset,
    "run cut to 90 %": cut(0.0, 0.9),
    "run cut to 75 %": cut(0.0, 0.75),
    "run cut to 60 %": cut(0.0, 0.6),
    "run cut to 45 %": cut(0.0, 0.45),
    "begins 10 % into the ladder": cut(0.1, 1.0),
    "begins 30 % into the ladder": cut(0.3, 1.0),
    "begins halfway": cut(0.5, 1.0),
    "rungs of 100 counts": low(100.0),
    "rungs of 50 counts": low(50.0),
    "rungs of 25 counts": low(25.0),
    "rungs of 12 counts": low(12.0),
    "noise 5 % of rungs": noisy(0.05),
    "noise 10 % of rungs": noisy(0.1),
    "noise 20 % of rungs": noisy(0.2),
    "raw signal only": raw_only,
    "no size standard named": renamed(""),
    "any size standard named": renamed(*STANDARDS),
    "wrong dye marked": other_dye("marked"),
    "wrong dye assumed": other_dye("last dye"),
    "5 % bleed-through": bleed(0.05),
    "20 % bleed-through": bleed(0.2),
    "50 % bleed-through": bleed(0.5),
    "10 % carry-over": carry_over(0.1),
    "30 % carry-over": carry_over(0.3),
    "60 % carry-over": carry_over(0.6),
    "time jumps by 3 nt": jump(3.0),
    "time jumps by -3 nt": jump(-3.0),
    "time jumps by 10 nt": jump(10.0),
    "time jumps by -10 nt": jump(-10.0),
    "time jumps by 30 nt": jump(30.0),
}
"""What is done to each trace, by name."""

UNPHYSICAL = tuple(name for name in CHANGES if "jumps" in name)
"""Changes that no instrument makes; told, but without a goal."""
