"""Consequence, evidence and names for a table of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.consequence.events import CallRow, call_rows, footprints
from mlpa_caller.consequence.panel_view import panel_view
from mlpa_caller.consequence.possible_germline import FLAG, germline_sentence, possible_germline
from mlpa_caller.consequence.sentences import ADDED, EMPTY, Annotation, Annotator
from mlpa_caller.datatypes import Table, text_array

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["ADDITIONS", "CALLS_TSV_ADDITIONS", "annotate_calls"]

CONTRACT = (
    "sample", "gene", "status", "exons", "copies_lost", "probability", "ratio", "clone_fraction",
    "clone_fraction_low", "clone_fraction_high", "n_probes", "limit_of_detection", "consequence", "evidence",
    "hgvs", "iscn", "flags",
)  # fmt: skip
FILLED = ("consequence", "evidence", "hgvs", "iscn")
ADDITIONS = ADDED
"""Columns that `annotate_calls` adds behind ``flags``."""
CALLS_TSV_ADDITIONS = (
    "allele_consequence",
    "hgvs_p",
    "hgvs_g38",
    "consequence_sentence",
    "consequence_source",
)
"""The additions a person needs in ``calls.tsv``; the others serve ``result.json`` and programs."""


def annotate_calls(
    calls: Table,
    panel: Panel | None = None,
    *,
    exon_scheme: str = "",
    blast_fraction: Mapping[str, float] | None = None,
) -> Table:
    """Return the calls with consequence, evidence and names filled in.

    Parameters
    ----------
    calls
        The columns of ``calls.tsv``; at least ``sample, gene, status, exons``. Numbers may be
        numbers or text. Rows of one sample and gene are read together: overlapping losses are two alleles.
    panel
        The probes behind the calls. Without it every exon of a gene with an exon model counts as tested.
    exon_scheme
        Name of the way the table counts the exons of genes with an exon model, when it is not today's
        (``mullighan-2008``); ``exons`` is then rewritten in today's numbers.
    blast_fraction
        Blasts among nucleated cells by sample, for the flag ``possible_germline``.

    Returns
    -------
    Table
        The columns of ``calls.tsv`` in their order, then `ADDITIONS`, then whatever else `calls` holds.
        Rows that are normal or not evaluable stay empty.

    Raises
    ------
    InputError
        If a needed column is absent.
    UsageError
        If the exon scheme is not known.
    """
    if not calls.columns:
        return calls  # a run without patients
    rows = call_rows(calls, exon_scheme)
    views = panel_view(panel)
    events = footprints(rows, views)
    annotator = Annotator(views)
    patients: dict[tuple[str, str, str], list[CallRow]] = {}
    for row in rows:
        if row.altered:
            patients.setdefault((row.run, row.sample, row.gene), []).append(row)
    found = [
        annotator.annotation(row, patients[row.run, row.sample, row.gene], events[i])
        if row.altered
        else EMPTY
        for i, row in enumerate(rows)
    ]
    columns: dict[str, NDArray[Any]] = dict(calls.columns)
    if exon_scheme:
        columns["exons"] = text_array(row.exons for row in rows)
    columns.update(_columns(found))
    if "flags" not in columns:
        columns["flags"] = text_array([""] * len(rows))
    if blast_fraction is not None:
        flagged = possible_germline(Table(columns), blast_fraction)
        columns["flags"] = _with_flag(columns["flags"].tolist(), flagged.tolist())
        sentences = columns["consequence_sentence"].tolist()
        columns["consequence_sentence"] = text_array(
            f"{text} {germline_sentence(row.gene, row.exons)}".strip() if flag else text
            for text, flag, row in zip(sentences, flagged.tolist(), rows)
        )
    order = dict.fromkeys((*CONTRACT, *ADDITIONS, *columns))
    return Table(
        {name: columns[name] for name in order if name in columns},
        {**calls.decimals, "coding_nt_lost": 0},
    )


def _columns(found: Sequence[Annotation]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {
        name: text_array(getattr(item, name) for item in found) for name in (*FILLED, *ADDED)
        if name != "coding_nt_lost"
    }  # fmt: skip
    columns["coding_nt_lost"] = np.array([item.coding_nt_lost for item in found], dtype=np.float64)
    return columns


def _with_flag(flags: Iterable[str], flagged: Iterable[bool]) -> NDArray[Any]:
    return text_array(
        ";".join(filter(None, (text, FLAG))) if flag and FLAG not in text.split(";") else text
        for text, flag in zip(flags, flagged)
    )
