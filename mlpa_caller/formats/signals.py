"""Signal tables: heights by sample and probe, long (a row a height) or wide (a row a sample)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import BoolArray, FloatArray, Missing, PeakTable, Signals, text_array
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.format import Format
from mlpa_caller.formats.numbers import NumberStyle, parse_cell, parse_numbers, text_style
from mlpa_caller.formats.peaks import find_column
from mlpa_caller.formats.text import TextTable, has_control, is_absent

__all__ = ["LONG", "WIDE", "align", "signals_by_run"]

RESERVED = frozenset(("role", "sex", "blast_fraction", "file", "replicate", "replica"))
"""Columns of a sample sheet, which are no probes."""
_TOO_LARGE = 50_000_000


def _fits_long(names: frozenset[str]) -> bool:
    return {"sample", "probe", "height"} <= names and not names & {"dye sample peak", "dye color"}


def _fits_wide(names: frozenset[str]) -> bool:
    return (
        "sample" in names
        and len(names) > 1
        and not names & {"probe", "dye", "size", "height", "dye sample peak", "dye color"}
    )


def signals_by_run(
    samples: Sequence[str],
    runs: Sequence[str],
    probes: Sequence[str],
    height: FloatArray,
    absent: BoolArray,
    lines: Sequence[int],
    source: str,
) -> dict[str, Signals]:
    """Return checked signals by run, in the order of first appearance.

    Parameters
    ----------
    samples, runs, lines
        ``(samples,)`` names, runs (empty text when there are none) and lines.
    probes
        ``(probes,)`` names in the file's order.
    height, absent
        ``(samples, probes)`` numbers as read, and where there was no value.

    Raises
    ------
    FormatError
        When a sample has no name, or stands twice in a run.
    """
    first: dict[tuple[str, str], int] = {}
    for run, sample, line in zip(runs, samples, lines):
        if not sample.strip() or has_control(sample):
            raise FormatError(
                f"{shown(sample)} is no sample name", remedy="name every sample", file=source, line=line
            )
        before = first.setdefault((run, sample), line)
        if before != line:
            raise FormatError(
                f"sample {shown(sample)} stands also in line {before}",
                remedy="give repeated reactions their own names; several runs need a column run",
                file=source,
                line=line,
            )
    missing = _reasons(height, absent)
    clean = np.where(missing == Missing.PRESENT, height, np.nan)
    rows: dict[str, list[int]] = {}
    for i, run in enumerate(runs):
        rows.setdefault(run, []).append(i)
    return {
        run: _signals([samples[i] for i in index], probes, clean[index], missing[index], source)
        for run, index in rows.items()
    }


def _reasons(height: FloatArray, absent: BoolArray) -> NDArray[np.uint8]:
    """Return why each height cannot be used: ``(samples, probes)`` codes of `Missing`."""
    missing = np.zeros(height.shape, dtype=np.uint8)
    missing[~np.isfinite(height)] = Missing.NOT_FINITE
    missing[height == 0] = Missing.ZERO
    missing[(height < 0) & np.isfinite(height)] = Missing.NEGATIVE
    missing[absent] = Missing.NO_VALUE
    return missing


def _signals(
    samples: Sequence[str],
    probes: Sequence[str],
    height: FloatArray,
    missing: NDArray[np.uint8],
    source: str,
    size: FloatArray | None = None,
) -> Signals:
    n = len(samples)
    return Signals(
        samples=tuple(samples),
        probes=tuple(probes),
        height=height,
        missing=missing,
        size=np.full(height.shape, np.nan) if size is None else size,
        off_scale=np.zeros(height.shape, dtype=np.bool_),
        noise=np.full(n, np.nan),
        unassigned=np.zeros(n, dtype=np.int64),
        source=text_array([source] * n),
    )


def check_probes(probes: Sequence[str], source: str, line: int | None) -> None:
    """Refuse columns of a wide table that cannot be probes.

    Raises
    ------
    FormatError
        When a column belongs in a sample sheet, or its name holds a control character.
    """
    if not probes:
        raise FormatError(
            "has no column for a probe", remedy="give one column a probe", file=source, line=line
        )
    for probe in probes:
        if probe.strip().lower() in RESERVED:
            raise FormatError(
                f"column {shown(probe)} is no probe",
                remedy="move it to the sample sheet (and give repeated reactions their own sample names); is "
                "this the sample sheet itself?",
                file=source,
                line=line,
            )
        if has_control(probe):
            raise FormatError(
                f"column {shown(probe)} holds a control character", remedy="rename it", file=source, line=line
            )


def _read_wide(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    sample = find_column(table, ("sample",))
    run = next((i for i, name in enumerate(table.header) if name.strip().lower() == "run"), None)
    where = [i for i in range(len(table.header)) if i not in (sample, run)]
    probes = [table.header[i] for i in where]
    check_probes(probes, table.source, table.header_line)
    samples = table.column(0 if sample is None else sample)
    runs = [""] * len(samples) if run is None else table.column(run)
    height, absent = _matrix(table, where, samples)
    return signals_by_run(samples, runs, probes, height, absent, table.lines, table.source)


def _matrix(table: TextTable, where: list[int], samples: Sequence[str]) -> tuple[FloatArray, BoolArray]:
    """Return the heights in the columns `where`, and where there is none: both ``(rows, columns)``."""
    height = np.full((len(table.rows), len(where)), np.nan)
    absent = np.zeros(height.shape, dtype=np.bool_)
    adjacent = where == list(range(where[0], where[0] + len(where)))
    style: NumberStyle | None = None
    dotted = undotted = False
    for i, row in enumerate(table.rows):
        cells = row[where[0] : where[0] + len(where)] if adjacent else [row[k] for k in where]
        joined = "".join(cells)
        points = joined.count(".")
        dotted |= points > 0
        undotted |= points < len(cells)
        if joined.isascii() and "_" not in joined:  # else float() would read more than plain numbers
            try:
                height[i] = list(map(float, cells))
                continue
            except ValueError:
                pass
        style = style or _style(table, where)
        for j, cell in enumerate(cells):
            value = parse_cell(cell, style)
            if value is not None:
                height[i, j] = value
            elif is_absent(cell):
                absent[i, j] = True
            else:
                raise FormatError(
                    f"sample {shown(samples[i])} has {shown(cell)} for probe {shown(table.header[where[j]])} "
                    "where a height belongs",
                    remedy="correct the cell or leave it empty",
                    file=table.source,
                    line=table.lines[i],
                )
    if style is None and dotted and undotted:
        _style(table, where)  # refuses 12.345 beside 845, which is 12345 to some software
    return height, absent


def _style(table: TextTable, where: list[int]) -> NumberStyle:
    """Return how the heights of a wide table are written; all its columns are one kind of number."""
    cells = [row[k] for row in table.rows for k in where]
    lines = [line for line in table.lines for _ in where]
    return text_style({"height": cells}, lines, table.source)


def _read_long(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    named = {name: find_column(table, (name,)) for name in ("sample", "probe", "height", "size", "run")}
    text = {name: table.column(index) for name, index in named.items() if index is not None}
    numeric = {name: cells for name, cells in text.items() if name in ("height", "size")}
    style = text_style(numeric, table.lines, table.source)
    height, absent = parse_numbers(text["height"], table.lines, "height", style, table.source)
    size = np.full(len(table.rows), np.nan)
    if "size" in text:
        size, _ = parse_numbers(text["size"], table.lines, "size", style, table.source)
    return long_signals(
        text["sample"],
        text.get("run", [""] * len(table.rows)),
        text["probe"],
        height,
        absent,
        size,
        table.lines,
        table.source,
    )


def long_signals(
    samples: Sequence[str],
    runs: Sequence[str],
    probes: Sequence[str],
    height: FloatArray,
    absent: BoolArray,
    size: FloatArray,
    lines: Sequence[int],
    source: str,
) -> dict[str, Signals]:
    """Return the signals of a long table by run; every argument has one entry a row.

    Raises
    ------
    FormatError
        When a name is missing, a height stands twice, or the table would be too large.
    """
    cell_of: dict[tuple[str, str, str], int] = {}
    sample_index: dict[str, dict[str, int]] = {}
    probe_index: dict[str, int] = {}
    for i, key in enumerate(zip(runs, samples, probes)):
        before = cell_of.setdefault(key, i)
        if before != i:
            raise FormatError(
                f"sample {shown(key[1])}, probe {shown(key[2])} stands also in line {lines[before]}",
                remedy="give repeated reactions their own sample names",
                file=source,
                line=lines[i],
            )
        own = sample_index.setdefault(key[0], {})
        for what, name, index in (("sample", key[1], own), ("probe", key[2], probe_index)):
            if name not in index:
                if not name.strip() or has_control(name):
                    raise FormatError(
                        f"{shown(name)} is no {what} name",
                        remedy=f"name the {what}",
                        file=source,
                        line=lines[i],
                    )
                index[name] = len(index)
    if sum(map(len, sample_index.values())) * len(probe_index) > _TOO_LARGE:
        raise FormatError(
            f"names {len(probe_index)} probes in {len(cell_of)} rows",
            remedy="check that sample and probe are not exchanged",
            file=source,
        )
    reasons = _reasons(height[None, :], absent[None, :])[0]
    members: dict[str, list[int]] = {run: [] for run in sample_index}
    for i, run in enumerate(runs):
        members[run].append(i)
    found: dict[str, Signals] = {}
    for run, own in sample_index.items():
        rows = members[run]
        at = (np.array([own[samples[i]] for i in rows]), np.array([probe_index[probes[i]] for i in rows]))
        shape = (len(own), len(probe_index))
        table, sizes = np.full(shape, np.nan), np.full(shape, np.nan)
        codes = np.full(shape, Missing.NOT_IN_FILE, dtype=np.uint8)
        present = reasons[rows] == Missing.PRESENT
        codes[at] = reasons[rows]
        table[at] = np.where(present, height[rows], np.nan)
        sizes[at] = np.where(present & np.isfinite(size[rows]), size[rows], np.nan)
        found[run] = _signals(list(own), list(probe_index), table, codes, source, sizes)
    return found


def align(signals: Signals, probes: Sequence[str]) -> Signals:
    """Return the signals with their probes in the panel's order.

    Parameters
    ----------
    signals
        As read from a table, probes in the file's order.
    probes
        Names of the panel's probes. Those the file does not have are missing as ``NOT_IN_FILE``.

    Raises
    ------
    FormatError
        When the file has probes that the panel has not.
    """
    where = {probe: i for i, probe in enumerate(signals.probes)}
    known = set(probes)
    unknown = [probe for probe in signals.probes if probe not in known]
    if unknown:
        source = str(signals.source[0]) if len(signals.source) else None
        listed = ", ".join(shown(probe) for probe in unknown[:10])
        listed += f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        if len(unknown) == len(signals.probes):
            problem = f"none of its {len(unknown)} probes is on the panel (for instance {shown(unknown[0])})"
            remedy = "check that the panel is that of this run and that its probes have the table's names"
        else:
            problem = f"{len(unknown)} columns or probes are not on the panel: {listed}"
            remedy = "name them in the probe sheet as the table does, or take them out of the table"
        raise FormatError(problem, remedy=remedy, file=source)
    at = np.array([where.get(probe, -1) for probe in probes], dtype=np.int64)
    lacking = at < 0

    def take(values: NDArray[Any], fill: object) -> NDArray[Any]:
        out: NDArray[Any] = values[:, at]
        out[:, lacking] = fill
        return out

    return Signals(
        samples=signals.samples,
        probes=tuple(probes),
        height=take(signals.height, np.nan),
        missing=take(signals.missing, Missing.NOT_IN_FILE),
        size=take(signals.size, np.nan),
        off_scale=take(signals.off_scale, False),
        noise=signals.noise,
        unassigned=signals.unassigned,
        source=signals.source,
    )


LONG = Format(
    name="signals-long",
    description="Signal table, a row a sample and probe",
    looks_for="sample, probe, height and optionally size, run",
    verified=True,
    fits=_fits_long,
    read=_read_long,
)
WIDE = Format(
    name="signals-wide",
    description="Signal table, a row a sample and a column a probe",
    looks_for="sample, one column a probe and optionally run",
    verified=True,
    fits=_fits_wide,
    read=_read_wide,
)
