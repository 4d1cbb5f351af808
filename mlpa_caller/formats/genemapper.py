"""GeneMapper: the peak table (a row a peak) and the genotype table (a row a marker, numbered peaks)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.errors import FormatError
from mlpa_caller.formats.format import Format
from mlpa_caller.formats.peaks import (
    PeakColumns,
    build_peaks,
    columns_needed,
    find_column,
    plain_name,
    read_peaks,
)
from mlpa_caller.formats.peakscanner import CLOUD_ONLY, LEGACY_ONLY
from mlpa_caller.formats.text import TextTable, is_absent

__all__ = ["GENOTYPES", "PEAKS"]

NAMES = frozenset(("sample file name", "sample file", "sample name"))
COLUMNS = PeakColumns(
    sample=("sample name",),
    file=("sample file name", "sample file"),
    dye=("dye",),
    dye_peak=("dye sample peak",),
    size=("size",),
    height=("height",),
    area=("area", "peak area"),
    data_point=("data point",),
)
_NUMBERED = re.compile(r"(allele|size|height|peak area|area|data point) ([1-9][0-9]{0,4})")
_FIELDS = {
    "size": "size",
    "height": "height",
    "peak area": "area",
    "area": "area",
    "data point": "data_point",
}


def _fits_peaks(names: frozenset[str]) -> bool:
    return (
        {"dye sample peak", "size", "height"} <= names
        and bool(names & NAMES)
        and not names & (LEGACY_ONLY | CLOUD_ONLY)
    )


def _read_peaks(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    return {"": read_peaks(table, COLUMNS, PEAKS.name)}


PEAKS = Format(
    name="genemapper-peaks",
    description="GeneMapper peak table, a row a peak, with or without Marker and Allele",
    looks_for="Dye/Sample Peak, Sample File Name or Sample Name, Size, Height",
    verified=True,
    fits=_fits_peaks,
    read=_read_peaks,
    needed=columns_needed(COLUMNS),
)


def _fits_genotypes(names: frozenset[str]) -> bool:
    numbered = {match[1] for match in map(_NUMBERED.fullmatch, names) if match}
    return {"size", "height"} <= numbered and bool(names & NAMES) and "dye sample peak" not in names


def _needed_genotypes(header: Sequence[str]) -> int:
    numbered = (i for i, name in enumerate(header) if _NUMBERED.fullmatch(plain_name(name)))
    return max(columns_needed(COLUMNS)(header), 1 + max(numbered, default=-1))


def _read_genotypes(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    """Return every numbered peak of every row; a peak whose fields are all empty is none."""
    where: dict[int, dict[str, int]] = {}
    for index, header in enumerate(table.header):
        match = _NUMBERED.fullmatch(plain_name(header))
        if match and match[1] in _FIELDS:
            fields = where.setdefault(int(match[2]), {})
            if fields.setdefault(_FIELDS[match[1]], index) != index:
                raise FormatError(
                    f"peak {match[2]} has two columns for its {match[1]}",
                    remedy="leave only one of them",
                    file=table.source,
                    line=table.header_line,
                )
    blocks = [where[number] for number in sorted(where)]
    used = [field for field in ("size", "height", "area", "data_point") if any(field in b for b in blocks)]
    labels = [find_column(table, names) for names in (COLUMNS.sample, COLUMNS.file, COLUMNS.dye)]
    texts: list[list[str]] = [[], [], []]
    cells: dict[str, list[str]] = {field: [] for field in used}
    lines: list[int] = []
    for line, row in zip(table.lines, table.rows):
        for block in blocks:
            values = {field: row[index] for field, index in block.items()}
            if all(is_absent(value) for value in values.values()):
                continue
            lines.append(line)
            for field in used:
                cells[field].append(values.get(field, ""))
            for text, label in zip(texts, labels):
                text.append("" if label is None else row[label])
    peaks = build_peaks(
        table.source,
        texts[0],
        texts[1],
        [dye.strip() for dye in texts[2]],
        {field: (field.replace("_", " ").title() + " 1, 2, ...", values) for field, values in cells.items()},
        lines,
        ladder_dye="",
        format_name=GENOTYPES.name,
    )
    return {"": peaks}


GENOTYPES = Format(
    name="genemapper-genotypes",
    description="GeneMapper genotype table, a row a marker, peaks in columns numbered from 1",
    looks_for="Sample File or Sample Name, Size 1, Size 2, ..., Height 1, Height 2, ...",
    verified=True,
    fits=_fits_genotypes,
    read=_read_genotypes,
    needed=_needed_genotypes,
)
