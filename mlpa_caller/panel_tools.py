"""Probe sheets of other layouts to the contract's, and what a panel holds in a few lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.errors import PanelError, UsageError, shown
from mlpa_caller.formats.numbers import NumberStyle, parse_cell, text_style
from mlpa_caller.formats.peaks import plain_name
from mlpa_caller.formats.text import TextTable, decode, parse_table
from mlpa_caller.panel import COLUMNS, ROLES, Panel, panel_from_columns

__all__ = ["ImportedSheet", "import_sheet", "panel_summary"]

ALIASES: Mapping[str, tuple[str, ...]] = {
    "probe": ("probe", "probe name", "probe id", "name"),
    "length_nt": (
        "length nt",
        "length",
        "length bp",
        "probe length",
        "fragment length",
        "fragment length nt",
    ),
    "gene": ("gene", "gene name", "gene symbol"),
    "exon": ("exon", "exon number"),
    "role": ("role", "probe role"),
    "chrom": ("chrom", "chromosome", "chr"),
    "start": ("start", "start grch38", "start hg38"),
    "end": ("end", "end grch38", "end hg38"),
    "dye": ("dye",),
    "region": ("region",),
    "is_reference": ("is reference", "reference", "reference probe"),
}
"""Column names of other sheets that are taken without ``--map``, and said so."""
_YES = frozenset(("1", "yes", "y", "true", "t", "x", "reference"))
_NO = frozenset(("", "0", "no", "n", "false", "f", "target"))


@dataclass(frozen=True, slots=True)
class ImportedSheet:
    """A probe sheet under the contract.

    Attributes
    ----------
    text
        The sheet as CSV.
    panel
        The panel in it.
    notes
        What was taken for what, one line each.
    """

    text: str
    panel: Panel
    notes: tuple[str, ...]


def import_sheet(
    data: bytes,
    source: str,
    name: str,
    *,
    mapping: Sequence[tuple[str, str]] = (),
    reference_column: str | None = None,
    gene: str | None = None,
    pattern: str | None = None,
) -> ImportedSheet:
    """Return a probe sheet of another layout as one under the contract; nothing is guessed without a note.

    Parameters
    ----------
    data, source, name
        Bytes of the sheet (CSV, TSV or semicolons), what messages call it, and the panel's name.
    mapping
        Pairs of a column of the sheet and the contract's column it holds.
    reference_column
        Column that says which probes are reference probes (1/0, yes/no, true/false); the others are targets.
    gene
        Gene of every target probe, where the sheet has none.
    pattern
        Regular expression for the names of target probes with the groups ``gene`` and ``exon`` (or one of
        them), where the sheet has no such columns.

    Raises
    ------
    PanelError
        When a column is not found, or the sheet breaks a rule of probe sheets.
    UsageError
        When `mapping` or `pattern` is worded wrongly.
    """
    table = parse_table(decode(data, source, PanelError), source, PanelError)
    notes: list[str] = []
    taken = _assign(table, mapping, reference_column, notes)
    columns = {new: table.column(index) for new, index in taken.items()}
    columns["probe"] = _without_ticks(columns["probe"], notes)
    columns["length_nt"] = _lengths(columns["length_nt"], table, notes)
    _roles(columns, table, notes)
    _genes(columns, table, gene, pattern, notes)
    columns.pop("is_reference", None)
    ordered = {key: columns.get(key, [""] * len(table.rows)) for key in COLUMNS[:8]}
    ordered |= {key: columns[key] for key in COLUMNS[8:] if key in columns}
    for index, header in enumerate(table.header):
        if index not in taken.values() and header not in ordered:
            ordered[header] = table.column(index)
    if any(cell.strip() for cell in ordered["start"]):
        notes.append("positions are taken as GRCh38, counted from 1")
    panel = panel_from_columns(ordered, name, source, lines=table.lines)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(ordered)
    writer.writerows(zip(*ordered.values()))
    return ImportedSheet(stream.getvalue(), panel, tuple(notes))


def _assign(
    table: TextTable, mapping: Sequence[tuple[str, str]], reference_column: str | None, notes: list[str]
) -> dict[str, int]:
    """Return the index of the sheet's column for each column of the contract (and ``is_reference``)."""
    taken: dict[str, int] = {}
    wanted = [*mapping, *([(reference_column, "is_reference")] if reference_column is not None else [])]
    for old, new in wanted:
        if new not in COLUMNS and new != "is_reference":
            raise UsageError(f"there is no column {shown(new)}", remedy="map to one of " + ", ".join(COLUMNS))
        if old not in table.header:
            raise PanelError(
                f"has no column {shown(old)} (its columns: {shown(', '.join(table.header), 120)})",
                remedy="write the column as the sheet does",
                file=table.source,
                line=table.header_line,
            )
        if new in taken:
            raise UsageError(f"column {new} is mapped twice", remedy="map one column to it")
        taken[new] = table.header.index(old)
        notes.append(f"column {shown(old)} is taken as {new}")
    plain = [plain_name(header) for header in table.header]
    for new, names in ALIASES.items():
        found = [i for i, own in enumerate(plain) if own in names and i not in taken.values()]
        if new in taken or not found or (new == "is_reference" and "role" in taken):
            continue
        exact = [i for i in found if table.header[i] == new]
        if len(found) > 1 and not exact:
            both = " and ".join(shown(table.header[i]) for i in found)
            raise PanelError(
                f"columns {both} may both be {new}",
                remedy=f"say which one with --map COLUMN={new}",
                file=table.source,
                line=table.header_line,
            )
        taken[new] = (exact or found)[0]
        if table.header[taken[new]] != new or new == "is_reference":
            notes.append(f"column {shown(table.header[taken[new]])} is taken as {new}")
    for new in ("probe", "length_nt"):
        if new not in taken:
            raise PanelError(
                f"has no column for {new} (its columns: {shown(', '.join(table.header), 120)})",
                remedy=f"name it with --map COLUMN={new}",
                file=table.source,
                line=table.header_line,
            )
    return taken


def _without_ticks(names: list[str], notes: list[str]) -> list[str]:
    bare = [name[1:-1] if len(name) > 2 and name[0] == name[-1] == "`" else name for name in names]
    changed = sum(old != new for old, new in zip(names, bare))
    if changed:
        notes.append(f"back-ticks around {changed} probe names are taken off")
    return bare


def _lengths(cells: list[str], table: TextTable, notes: list[str]) -> list[str]:
    style = text_style({"length_nt": cells}, table.lines, table.source)
    if style is NumberStyle.POINT:
        return cells
    notes.append(f"lengths are read with {style.value}")
    values = [parse_cell(cell, style) for cell in cells]
    return [cell if value is None else f"{value:.12g}" for cell, value in zip(cells, values)]


def _roles(columns: dict[str, list[str]], table: TextTable, notes: list[str]) -> None:
    """Fill the column role from the column that says which probes are reference probes."""
    if "role" in columns:
        return
    if "is_reference" not in columns:
        raise PanelError(
            "has no column for the role of a probe",
            remedy="name it with --map COLUMN=role, or the one that marks reference probes with "
            "--reference-column COLUMN",
            file=table.source,
            line=table.header_line,
        )
    roles = []
    for line, cell in zip(table.lines, columns["is_reference"]):
        word = cell.strip().lower()
        if word not in _YES | _NO and word not in ROLES:
            raise PanelError(
                f"{shown(cell)} does not say whether the probe is a reference probe",
                remedy="write 1 or 0, yes or no",
                file=table.source,
                line=line,
            )
        roles.append("reference" if word in _YES else word if word in ROLES else "target")
    columns["role"] = roles
    notes.append(f"{roles.count('reference')} reference probes and {roles.count('target')} targets")


def _genes(
    columns: dict[str, list[str]], table: TextTable, gene: str | None, pattern: str | None, notes: list[str]
) -> None:
    """Fill gene and exon of target probes as told; refuse when targets are left without a gene."""
    n = len(table.rows)
    columns.setdefault("gene", [""] * n)
    columns.setdefault("exon", [""] * n)
    expression = _compiled(pattern) if pattern is not None else None
    for row, role in enumerate(columns["role"]):
        if role.strip().lower() != "target":
            continue
        if expression is not None:
            match = expression.search(columns["probe"][row])
            if match is None:
                raise PanelError(
                    f"the pattern does not fit probe {shown(columns['probe'][row])}",
                    remedy="change the pattern, or name the gene in the sheet",
                    file=table.source,
                    line=table.lines[row],
                )
            for key, value in match.groupdict(default="").items():
                columns[key][row] = value
        if gene is not None and not columns["gene"][row].strip():
            columns["gene"][row] = gene
        if not columns["gene"][row].strip():
            raise PanelError(
                f"target probe {shown(columns['probe'][row])} has no gene",
                remedy="name the column with --map COLUMN=gene, or say --gene NAME or --pattern REGEX",
                file=table.source,
                line=table.lines[row],
            )
    if expression is not None:
        notes.append(f"{' and '.join(expression.groupindex)} are taken from the probe names")
    if gene is not None:
        notes.append(f"target probes without a gene are of gene {shown(gene)}")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        expression = re.compile(pattern)
    except re.error as problem:
        raise UsageError(
            f"{shown(pattern)} is no regular expression ({problem})", remedy="correct it"
        ) from None
    if not expression.groupindex or not set(expression.groupindex) <= {"gene", "exon"}:
        raise UsageError(
            f"the pattern {shown(pattern)} has no groups gene or exon",
            remedy="write for instance (?P<gene>[A-Z0-9]+)-(?P<exon>.+)",
        )
    return expression


def panel_summary(panel: Panel) -> dict[str, object]:
    """Return what a panel holds, for people and programs.

    Returns
    -------
    dict
        ``name``, ``source``, ``sha256``, ``n_probes``, ``roles`` (number of probes by role), ``length_range``
        and ``smallest_spacing`` (nt; of two probes of one dye), ``regions`` (each with its genes, exons and
        number of probes), and ``notes``: what a laboratory should know before it uses the panel.
    """
    regions = [
        {
            "name": region.name,
            "genes": list(region.genes),
            "exons": [f"{gene} {label}" for gene, label in zip(region.unit_gene, region.unit_label)],
            "n_probes": len(region.probes),
        }
        for region in panel.regions
    ]
    spacing = float("inf")
    for dye in dict.fromkeys(panel.dye):
        lengths = np.sort(panel.length[panel.dye == dye])
        if len(lengths) > 1:
            spacing = min(spacing, float(np.diff(lengths).min()))
    return {
        "name": panel.name,
        "source": panel.source,
        "sha256": panel.sha256,
        "n_probes": len(panel),
        "roles": {role: count for role in ROLES if (count := int(panel.is_role(role).sum()))},
        "length_range": [float(panel.length.min()), float(panel.length.max())],
        "smallest_spacing": spacing if np.isfinite(spacing) else None,
        "regions": regions,
        "notes": _notes(panel),
    }


def _notes(panel: Panel) -> list[str]:
    notes = []
    target = panel.is_role("target")
    if not target.any():
        notes.append("no target probes: nothing will be called")
    single = [gene for gene in panel.genes if np.count_nonzero(target & (panel.gene == gene)) == 1]
    if single:
        notes.append(f"one probe only, so that a loss needs confirming: {', '.join(single)}")
    unplaced = [panel.probes[i] for i in np.flatnonzero(target & (panel.start == 0))]
    if unplaced:
        some = ", ".join(unplaced[:5]) + (f" and {len(unplaced) - 5} more" if len(unplaced) > 5 else "")
        notes.append(f"no position, so no VCF and no joining of neighbouring genes: {some}")
    lacking = [role for role in ("quantity", "denaturation", "benchmark") if not panel.is_role(role).any()]
    if lacking:
        notes.append(f"no control fragments ({', '.join(lacking)}): their quality checks are not made")
    return notes
