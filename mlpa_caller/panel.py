"""The probe sheet: which fragment length is which probe, and what the probe tests.

A sheet is a CSV or TSV table with one row a probe. It is refused, with the row and the reason, rather than
repaired: a probe that is read under another's name is a wrong call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller._regions import Region, Target, group_targets
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, TextArray, text_array
from mlpa_caller.errors import PanelError, shown
from mlpa_caller.formats.text import (
    MAX_COLUMNS,
    decode,
    has_control,
    natural_key,
    parse_number,
    parse_table,
    read_bytes,
    sha256,
)
from mlpa_caller.refdata import reference_path, reference_root

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS",
    "JOIN_DISTANCE",
    "LENGTH_RANGE",
    "MIN_REFERENCE_PROBES",
    "ROLES",
    "Panel",
    "Region",
    "bundled_panels",
    "load_panel",
    "natural_key",
    "panel_from_bytes",
    "panel_from_columns",
    "panel_from_frame",
]

ROLES = ("target", "reference", "quantity", "denaturation", "benchmark", "sex_x", "sex_y")
REQUIRED = ("probe", "length_nt", "gene", "exon", "role")
COLUMNS = (*REQUIRED, "chrom", "start", "end", "dye", "region")
# Terms of the probe-sheet contract.
LENGTH_RANGE = (40.0, 700.0)
"""Shortest and longest design length of a probe, in nucleotides."""
MIN_REFERENCE_PROBES = 5
JOIN_DISTANCE = 1_000_000
"""Genes with target probes no farther apart than this, in base pairs, are called together."""
MAX_POSITION = 1_000_000_000
_CHROMOSOMES = frozenset((*map(str, range(1, 23)), "X", "Y", "M"))


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The probes of a mix, in the order of the sheet; every array has one entry a probe.

    Attributes
    ----------
    name, source
        Name of the panel, and the file it came from.
    probes, length
        Names, and design lengths in nucleotides.
    gene, exon, role, dye, region
        Text; empty where the sheet gives none (`role` is never empty).
    chrom, start, end
        GRCh38, counted from 1, both ends included; ``""`` and 0 where not given. `chrom` reads ``chr7``.
    extra
        The sheet's further columns, as text.
    sha256
        Of the sheet's bytes; empty for a panel built in memory.
    regions
        The target genes, grouped as they are called.
    """

    name: str
    source: str
    probes: tuple[str, ...]
    length: FloatArray
    gene: TextArray
    exon: TextArray
    role: TextArray
    dye: TextArray
    chrom: TextArray
    start: IntArray
    end: IntArray
    region: TextArray
    extra: Mapping[str, TextArray]
    sha256: str
    regions: tuple[Region, ...]

    def __len__(self) -> int:
        return len(self.probes)

    def is_role(self, *roles: str) -> BoolArray:
        """Return, for each probe, whether its role is one of `roles`."""
        return np.array([role in roles for role in self.role], dtype=np.bool_)

    @property
    def genes(self) -> tuple[str, ...]:
        """Target genes, in order of first appearance in the sheet."""
        return tuple(dict.fromkeys(self.gene[self.is_role("target")]))


def bundled_panels() -> tuple[str, ...]:
    """Return the names of the probe sheets that come with the package."""
    return tuple(sorted(path.stem for path in (reference_root() / "panels").glob("*.csv")))


def load_panel(name_or_path: str | os.PathLike[str]) -> Panel:
    """Return a bundled panel by its name, or the panel in a probe sheet (``-`` is standard input).

    A text that is a bundled panel's name means that panel; a file of the same name is reached as ``./name``.

    Raises
    ------
    PanelError
        When there is no such panel or file, or the sheet breaks a rule; names file, line and remedy.
    """
    if isinstance(name_or_path, str) and name_or_path in bundled_panels():
        path = reference_path(f"panels/{name_or_path}.csv")
        return panel_from_bytes(read_bytes(path, PanelError), name_or_path, f"{name_or_path}.csv")
    source = os.fspath(name_or_path)
    if not os.path.exists(source) and source != "-" and os.path.basename(source) == source:  # noqa: PTH110, PTH119
        raise PanelError("no such probe sheet and no bundled panel of this name", file=source,
                         remedy=f"give a file, or one of: {', '.join(bundled_panels())}")  # fmt: skip
    name = "stdin" if source == "-" else os.path.splitext(os.path.basename(source))[0]  # noqa: PTH119, PTH122
    return panel_from_bytes(read_bytes(source, PanelError), name, source)


def panel_from_bytes(data: bytes, name: str, source: str) -> Panel:
    """Return the panel in the bytes of a probe sheet.

    Raises
    ------
    PanelError
        When the sheet breaks a rule; names `source`, line and remedy.
    """
    table = parse_table(decode(data, source, PanelError), source, PanelError)
    columns = {header: table.column(i) for i, header in enumerate(table.header)}
    return _build(columns, name, source, table.lines, table.header_line, sha256(data))


def panel_from_columns(
    columns: Mapping[str, Sequence[str]], name: str, source: str = "", *, lines: Sequence[int] | None = None
) -> Panel:
    """Return the panel in columns of text, under the rules of a probe sheet.

    Parameters
    ----------
    columns
        ``probe, length_nt, gene, exon, role`` and optionally ``chrom, start, end, dye, region`` and others.
    name, source
        Name of the panel, and what error messages call the sheet (default: `name`).
    lines
        What messages call the line of each row; by default rows are counted from 1.

    Raises
    ------
    PanelError
        When a rule is broken; names the line and the remedy.
    """
    texts = {str(key): [_as_text(value) for value in values] for key, values in columns.items()}
    counts = {len(values) for values in texts.values()}
    if len(counts) > 1:
        raise PanelError("the columns differ in length", remedy="give one value a probe", file=source or name)
    rows = range(1, (counts.pop() if counts else 0) + 1) if lines is None else lines
    return _build(texts, name, source or name, list(rows), None, "")


def panel_from_frame(frame: pd.DataFrame, name: str, source: str = "") -> Panel:
    """Return the panel in a data frame with the columns of a probe sheet (see `panel_from_columns`).

    Missing values count as empty, and a whole number in a float column as that number (``4.0`` as ``4``).

    Raises
    ------
    PanelError
        When a rule is broken; the line is the row, counted from 1.
    """
    if not frame.columns.is_unique:
        raise PanelError(
            "has two columns of one name", remedy="give every column its own name", file=source or name
        )
    return panel_from_columns({str(key): frame[key].tolist() for key in frame.columns}, name, source)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or str(value) == "<NA>" or value != value:  # NaN and NaT differ from themselves
        return ""
    return (
        str(int(value))
        if isinstance(value, (float, np.floating)) and float(value).is_integer()
        else str(value)
    )


class _Sheet:
    """Columns of text with the place of each row, for messages."""

    def __init__(self, columns: Mapping[str, list[str]], source: str, lines: list[int]) -> None:
        self.columns, self.source, self.lines = columns, source, lines
        self.size = len(lines)

    def text(self, name: str) -> list[str]:
        values = self.columns.get(name)
        return [""] * self.size if values is None else [value.strip() for value in values]

    def error(self, row: int, problem: str, remedy: str) -> PanelError:
        return PanelError(problem, remedy=remedy, file=self.source, line=self.lines[row])


def _build(
    columns: Mapping[str, list[str]],
    name: str,
    source: str,
    lines: list[int],
    header_line: int | None,
    digest: str,
) -> Panel:
    if len(columns) > MAX_COLUMNS:
        raise PanelError(f"has {len(columns)} columns where at most {MAX_COLUMNS} are read", file=source,
                         remedy="give one row a probe")  # fmt: skip
    columns = _named(columns, source, header_line)
    sheet = _Sheet(columns, source, lines)
    if not lines:
        raise PanelError("has no probes", remedy="give one row a probe", file=source)
    role = _roles(sheet)
    probes = _probe_names(sheet)
    dye = sheet.text("dye")
    length = _lengths(sheet, dye)
    gene, exon, region = sheet.text("gene"), sheet.text("exon"), sheet.text("region")
    chrom, start, end = _positions(sheet)
    for row, (what, of) in enumerate(zip(role, gene)):
        if what == "target" and not of:
            raise sheet.error(row, f"target probe {shown(probes[row])} has no gene", "name the gene it tests")
        for value in (gene[row], exon[row], region[row], dye[row]):
            if has_control(value):
                raise sheet.error(row, f"{shown(value)} holds a control character", "remove it")
    n_reference = role.count("reference")
    if n_reference < MIN_REFERENCE_PROBES:
        raise PanelError(
            f"has {n_reference} reference probes where at least {MIN_REFERENCE_PROBES} are needed",
            remedy="give the probes outside the tested genes the role reference",
            file=source,
        )
    targets = [
        Target(row, probes[row], gene[row], exon[row], region[row], chrom[row], start[row], end[row])
        for row in range(sheet.size)
        if role[row] == "target"
    ]
    _check_places(sheet, targets)
    extra = {key: text_array(values) for key, values in columns.items() if key not in COLUMNS}
    return Panel(
        name, source, tuple(probes), np.array(length), text_array(gene), text_array(exon), text_array(role),
        text_array(dye), text_array(chrom), np.array(start, dtype=np.int64), np.array(end, dtype=np.int64),
        text_array(region), extra, digest, group_targets(targets, JOIN_DISTANCE),
    )  # fmt: skip


def _named(columns: Mapping[str, list[str]], source: str, header_line: int | None) -> dict[str, list[str]]:
    """Bring the contract's column names to their own spelling; keep the others as they are."""
    named: dict[str, list[str]] = {}
    for key, values in columns.items():
        name = key.strip().lower() if key.strip().lower() in COLUMNS else key
        if name in named:
            raise PanelError(f"column {name} stands twice in the header", file=source, line=header_line,
                             remedy="give every column its own name")  # fmt: skip
        named[name] = values
    absent = [name for name in REQUIRED if name not in named]
    if absent:
        raise PanelError(f"has no column {', '.join(absent)} (its columns: {shown(', '.join(columns), 120)})",
                         remedy="name the columns " + ", ".join(REQUIRED) + "; for another layout see "
                         "mlpa-caller panel import", file=source, line=header_line)  # fmt: skip
    return named


def _roles(sheet: _Sheet) -> list[str]:
    roles = [value.lower() for value in sheet.text("role")]
    for row, role in enumerate(roles):
        if role not in ROLES:
            what = f"unknown role {shown(sheet.text('role')[row])}" if role else "the probe has no role"
            raise sheet.error(row, what, "use one of " + ", ".join(ROLES))
    return roles


def _probe_names(sheet: _Sheet) -> list[str]:
    names = list(sheet.columns["probe"])
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if not name.strip():
            raise sheet.error(row, "the probe has no name", "name it as the signal table or report names it")
        if has_control(name):
            raise sheet.error(row, f"probe {shown(name)} holds a control character", "remove it")
        if name in first:
            raise sheet.error(row, f"probe {shown(name)} stands also in line {sheet.lines[first[name]]}",
                              "give every probe its own name")  # fmt: skip
        first[name] = row
    return names


def _lengths(sheet: _Sheet, dye: list[str]) -> list[float]:
    lengths: list[float] = []
    first: dict[tuple[str, float], int] = {}
    low, high = LENGTH_RANGE
    for row, cell in enumerate(sheet.text("length_nt")):
        value = parse_number(cell)
        if value is None:
            raise sheet.error(
                row, f"length_nt is {shown(cell)}, not a number", "give the length in nucleotides"
            )
        if not low <= value <= high:
            raise sheet.error(
                row, f"length_nt {cell} is outside {low:g}-{high:g} nt", "check the unit and value"
            )
        if (dye[row], value) in first:
            other = first[dye[row], value]
            raise sheet.error(row, f"length {value:g} nt is also that of probe "
                              f"{shown(sheet.columns['probe'][other])} in line {sheet.lines[other]}",
                              "two probes of one dye need two lengths")  # fmt: skip
        first[dye[row], value] = row
        lengths.append(value)
    return lengths


def _positions(sheet: _Sheet) -> tuple[list[str], list[int], list[int]]:
    chrom: list[str] = []
    limits: list[tuple[int, int]] = []
    for row, (name, *ends) in enumerate(zip(sheet.text("chrom"), sheet.text("start"), sheet.text("end"))):
        bare = name.upper().removeprefix("CHR").replace("MT", "M")
        if name and bare not in _CHROMOSOMES:
            raise sheet.error(row, f"chrom {shown(name)} is no human chromosome", "write 1-22, X or Y")
        if (ends[0] == "") != (ends[1] == "") or (ends[0] and not name):
            raise sheet.error(
                row, "chrom, start and end are given in part", "give all three or none of the ends"
            )
        values = [_position(sheet, row, column, cell) for column, cell in zip(("start", "end"), ends)]
        if values[0] > values[1]:
            raise sheet.error(row, f"start {values[0]} lies behind end {values[1]}", "exchange them")
        chrom.append(f"chr{bare}" if name else "")
        limits.append((values[0], values[1]))
    return chrom, [start for start, _ in limits], [end for _, end in limits]


def _position(sheet: _Sheet, row: int, column: str, cell: str) -> int:
    if not cell:
        return 0
    value = parse_number(cell)
    if value is None or not value.is_integer() or not 1 <= value <= MAX_POSITION:
        raise sheet.error(
            row, f"{column} is {shown(cell)}, not a position", "give whole base pairs counted from 1"
        )
    return int(value)


def _check_places(sheet: _Sheet, targets: Sequence[Target]) -> None:
    """Refuse a gene in two regions, and a gene or region on two chromosomes: no one event spans them."""
    seen: dict[tuple[str, str, str], tuple[str, Target]] = {}
    for target in targets:
        facts = [
            ("gene", target.gene, "region", target.region),
            ("gene", target.gene, "chromosome", target.chrom),
        ]
        facts += [("region", target.region, "chromosome", target.chrom)] if target.region else []
        for kind, name, what, value in facts:
            if not value:
                continue
            before, first = seen.setdefault((kind, name, what), (value, target))
            if before != value:
                raise sheet.error(target.index, f"{kind} {shown(name)} has {what} {shown(value)}, but "
                                  f"{shown(before)} in line {sheet.lines[first.index]}",
                                  f"give all its probes one {what}")  # fmt: skip
