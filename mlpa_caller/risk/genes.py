"""Gene states: deleted, not deleted or unknown, and why it is unknown.

A gene is deleted when a loss was seen by two probes or more in the event, or another method confirmed it. It
is unknown when it could not be evaluated, is not on the panel, shows a loss by one probe only, or is negative
although the limit of detection lies above the stated blast fraction. Untested is never negative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Table, TextArray, text_array
from mlpa_caller.errors import InputError, shown
from mlpa_caller.refdata import reference_path
from mlpa_caller.risk.clinical import ClinicalTable
from mlpa_caller.risk.rules import load_data

__all__ = ["DELETED", "NOT_DELETED", "REASONS", "CallRows", "gene_groups", "gene_state", "read_rows"]

DELETED, NOT_DELETED = 0, 1
REASONS = (
    "",
    "",
    "not on the panel",
    "not evaluable",
    "loss not seen by two probes",
    "limit of detection above the blast fraction",
    "no calls for this sample",
    "calls and clinical file disagree",
)
"""Why a state is unknown; the index is the state's code, 0 is deleted and 1 not deleted."""
ABSENT, NOT_EVALUABLE, ONE_PROBE, BELOW_LIMIT, NO_CALLS, CONFLICT = 2, 3, 4, 5, 6, 7

_STATUSES = ("normal", "loss", "gain", "not_evaluable")
_REQUIRED = ("sample", "gene", "status", "exons")
_RANGE = re.compile(r"0*([0-9]{1,9})(?:-0*([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True, eq=False)
class CallRows:
    """The rows of the calls, with what the rules need of them; every array has one entry a row.

    Attributes
    ----------
    n_samples
        Number of patients; `sample` counts into them.
    has_calls
        ``(n_samples,)`` whether there is any row for the patient.
    rows_of
        Row numbers by gene.
    confirmed, unconfirmed
        A loss that counts, and one that a single probe saw.
    negative, not_evaluable, below_limit
        No loss; could not be evaluated; no loss, but the blast fraction lies below the limit of detection.
    copies
        Copies lost; NaN where not known.
    blasts_unstated
        ``(n_samples,)`` whether the blast fraction is not stated, so that a negative holds down to its limit of
        detection only.
    exons
        Exon range as written, ``4-7`` or ``2``; empty where there is none that can be read.
    stated
        Genes that another method confirmed as deleted, by gene: ``(n_samples,)``.
    """

    n_samples: int
    has_calls: BoolArray
    sample: IntArray
    rows_of: Mapping[str, IntArray]
    confirmed: BoolArray
    unconfirmed: BoolArray
    negative: BoolArray
    not_evaluable: BoolArray
    below_limit: BoolArray
    copies: FloatArray
    blasts_unstated: BoolArray
    exons: TextArray
    stated: Mapping[str, BoolArray]


@lru_cache(maxsize=1)
def gene_groups() -> Mapping[str, Any]:
    """Return the gene groups of the rules and the fusions that confirm a loss."""
    return load_data(reference_path("risk/gene_groups.toml"))


def _text(calls: Table, name: str) -> TextArray:
    column = calls.columns.get(name)
    if column is not None:
        texts: TextArray = column
        return texts
    if name in _REQUIRED:
        raise InputError(f"the calls have no column {name}", remedy="give calls.tsv as it was written")
    return text_array([""] * len(calls))


def _numbers(calls: Table, name: str) -> FloatArray:
    column = calls.columns.get(name)
    if column is None:
        return np.full(len(calls), np.nan)
    try:
        if column.dtype.kind in "fiu":
            return np.asarray(column, np.float64)
        return np.array([float(cell) if cell else np.nan for cell in column], np.float64)
    except ValueError as error:
        raise InputError(f"the column {name} of the calls holds no numbers: {error}",
                         remedy="write the calls again") from None  # fmt: skip


def read_rows(calls: Table, samples: Sequence[str], clinical: ClinicalTable, row_of: IntArray) -> CallRows:
    """Return what the rules need of the calls.

    Parameters
    ----------
    calls
        The columns of ``calls.tsv``.
    samples
        The patients, in output order; rows of other samples are left out.
    clinical, row_of
        The clinical table, and for each patient its row there (-1: none).

    Raises
    ------
    InputError
        If a column is missing or a status is unknown.
    """
    place = {sample: i for i, sample in enumerate(samples)}
    sample = np.array([place.get(name, -1) for name in _text(calls, "sample")], np.int64)
    status, exons, flags = (_text(calls, name) for name in ("status", "exons", "flags"))
    for word in sorted(set(status.tolist()) - set(_STATUSES)):
        raise InputError(f"the calls hold the status {shown(word)}", remedy=f"use {', '.join(_STATUSES)}")
    _refuse_runs(calls)
    probes = _numbers(calls, "n_probes")
    unstated = np.isnan(probes)
    if unstated.any():  # two exons cannot be seen by one probe
        span = {text: 2.0 if "-" in exon_range(text) else np.nan for text in set(exons.tolist())}
        probes = np.where(unstated, [span[text] for text in exons], probes)
    loss = status == "loss"
    counts = loss & (probes >= 2) & ~_flagged(flags, "confirm_single_probe")
    negative = (status == "normal") | (status == "gain")
    blasts = _blast_fraction(clinical, row_of)
    row_blasts = blasts[sample] if len(blasts) else np.full(len(sample), np.nan)
    above = _numbers(calls, "limit_of_detection") > row_blasts
    has_calls = np.zeros(len(samples), np.bool_)
    has_calls[sample[sample >= 0]] = True
    return CallRows(
        n_samples=len(samples),
        has_calls=has_calls,
        sample=sample,
        rows_of=_rows_by_gene(_text(calls, "gene"), sample >= 0),
        confirmed=counts,
        unconfirmed=loss & ~counts,
        negative=negative,
        not_evaluable=status == "not_evaluable",
        below_limit=negative & (above | _flagged(flags, "below_limit_of_detection")),
        copies=np.where(_flagged(flags, "zygosity_ambiguous"), np.nan, _numbers(calls, "copies_lost")),
        blasts_unstated=np.isnan(blasts),
        exons=exons,
        stated=_stated(clinical, row_of),
    )


def _refuse_runs(calls: Table) -> None:
    """Refuse a sample name that stands in several runs: whose calls they are is not known."""
    runs = calls.columns.get("run")
    if runs is None:
        return
    run_of: dict[str, str] = {}
    for name, run in zip(calls.columns["sample"].tolist(), runs.tolist()):
        if run_of.setdefault(name, run) != run:
            raise InputError(
                f"sample {shown(name)} stands in the runs {shown(run_of[name])} and {shown(run)}",
                remedy="classify each run on its own",
            )


def _flagged(flags: TextArray, name: str) -> BoolArray:
    known = {text: name in text.split(";") for text in set(flags.tolist())}
    return np.array([known[text] for text in flags], np.bool_)


def _rows_by_gene(gene: TextArray, known: BoolArray) -> dict[str, IntArray]:
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(gene.tolist()):
        rows.setdefault(name, []).append(row)
    out = {}
    for name, places in rows.items():
        index = np.array(places, np.int64)
        out[name] = index[known[index]]
    return out


def _blast_fraction(clinical: ClinicalTable, row_of: IntArray) -> FloatArray:
    """Return the smallest blast fraction that the clinical file allows; NaN where it states none."""
    numbers = clinical.numbers.get("blast_fraction")
    if numbers is None or not len(clinical):
        return np.full(len(row_of), np.nan)
    return np.where(row_of >= 0, numbers.low[row_of], np.nan)


def _stated(clinical: ClinicalTable, row_of: IntArray) -> dict[str, BoolArray]:
    words = clinical.words.get("confirmed_deletions")
    if words is None or not len(clinical):
        return {}
    genes = sorted({gene for text in words for gene in text.split(";") if gene})
    return {
        gene: np.where(row_of >= 0, np.array([gene in text.split(";") for text in words])[row_of], False)
        for gene in genes
    }


def _any(rows: CallRows, gene: str, which: BoolArray) -> BoolArray:
    out = np.zeros(rows.n_samples, np.bool_)
    index = rows.rows_of.get(gene)
    if index is not None:
        out[rows.sample[index[which[index]]]] = True
    return out


def gene_state(rows: CallRows, gene: str, confirmed: BoolArray | None = None) -> IntArray:
    """Return the state of one gene in every patient, as an index into `REASONS`.

    Parameters
    ----------
    rows
        The calls.
    gene
        The gene.
    confirmed
        ``(n_samples,)`` patients in whom a loss seen by one probe is confirmed by another finding.
    """
    one_probe = _any(rows, gene, rows.unconfirmed)
    deleted = _any(rows, gene, rows.confirmed)
    if gene in rows.stated:
        deleted |= rows.stated[gene]
    if confirmed is not None:
        deleted |= one_probe & confirmed
    state = np.where(rows.has_calls, ABSENT, NO_CALLS)
    state[_any(rows, gene, rows.negative)] = NOT_DELETED
    state[_any(rows, gene, rows.below_limit)] = BELOW_LIMIT
    state[_any(rows, gene, rows.not_evaluable)] = NOT_EVALUABLE
    state[one_probe] = ONE_PROBE
    state[deleted] = DELETED
    return state


def copies_of(rows: CallRows, gene: str) -> IntArray:
    """Return how many copies of a deleted gene are lost in every patient: 1, 2, or 0 where it is not known.

    Two events on one gene may lie on two alleles or on one: not known.
    """
    out = np.zeros(rows.n_samples, np.int64)
    index = rows.rows_of.get(gene, np.zeros(0, np.int64))
    index = index[rows.confirmed[index]]
    copies = rows.copies[index]
    events = np.bincount(rows.sample[index], minlength=rows.n_samples)
    out[rows.sample[index[copies == 1]]] = 1
    out[events > 1] = 0
    out[rows.sample[index[copies == 2]]] = 2
    return out


def exon_range(text: str) -> str:
    """Return an exon range as ``4-7`` or ``2``; empty where `text` is none."""
    match = _RANGE.fullmatch(text.strip())
    if not match:
        return ""
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        return ""
    return str(first) if first == last else f"{first}-{last}"
