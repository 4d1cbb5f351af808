"""Patients for the risk tests: a call table and a clinical table from a few words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.risk import ClinicalTable, classify, clinical_from_columns
from mlpa_caller.risk.genes import gene_groups
from mlpa_caller.risk.rules import Rule, RuleInput

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
GENES = (
    "IKZF1", "CDKN2A", "CDKN2B", "PAX5", "ETV6", "BTG1", "RB1", "EBF1", "CRLF2", "CSF2RA", "IL3RA", "ERG",
)  # fmt: skip
COLUMNS = (
    "sample",
    "gene",
    "status",
    "exons",
    "copies_lost",
    "n_probes",
    "limit_of_detection",
    "flags",
)


def row(sample, gene, status="normal", exons="", copies=None, probes=4, limit=0.22, flags=""):
    """Return one row of calls.tsv (the columns the rules read)."""
    copies = copies if copies is not None else 1.0 if status == "loss" else np.nan
    return (sample, gene, status, exons or ("1-2" if status == "loss" else ""), copies, probes, limit, flags)


def call_table(rows: Iterable[Sequence[object]]) -> Table:
    """Return calls as the reader of calls.tsv does: numbers as float64, the rest as text."""
    rows = list(rows)
    columns = {}
    for i, name in enumerate(COLUMNS):
        values = [item[i] for item in rows]
        numeric = name in ("copies_lost", "n_probes", "limit_of_detection")
        columns[name] = np.array(values, float) if numeric else text_array(values)
    return Table(columns)


def profile(sample: str, deleted: Iterable[str] = (), unknown: Iterable[str] = (), **ranges: str):
    """Return rows of all genes: deleted ones, unknown ones (left out: not on the panel), the rest normal."""
    deleted, unknown = set(deleted), set(unknown)
    return [
        row(sample, gene, "loss" if gene in deleted else "normal", ranges.get(gene, ""))
        for gene in GENES
        if gene not in unknown
    ]


def one(rows, clinical: Mapping[str, str], classifier: str, **options) -> dict[str, str]:
    """Return the result of one patient ``P`` under one classifier."""
    table = classify(call_table(rows), people([clinical], ["P"]), classifiers=[classifier], **options)
    assert len(table) == 1
    return {name: column[0] for name, column in table.columns.items()}


def people(clinical: Sequence[Mapping[str, str]], names: Sequence[str]) -> ClinicalTable:
    """Return a clinical table of patients given as dictionaries."""
    columns = {name for item in clinical for name in item}
    return clinical_from_columns(names, {name: [item.get(name, "") for item in clinical] for name in columns})


def completions(rule: Rule):
    """Return every completion of a rule's inputs, as indices into the domains."""
    return list(itertools.product(*(range(len(item.domain)) for item in rule.inputs)))


RANGES = {"major": "4-7", "rare": "2-3", "other": "1-6", "whole_gene": "1-8", "intragenic": "4-7"}


def realise(item: RuleInput, value: object, sample: str) -> tuple[list[tuple], dict[str, str]]:
    """Return call rows and clinical words that state `value` of one input."""
    if item.kind == "number":
        return [], {item.source: repr(float(value))}
    if item.kind in ("choice", "germline"):
        return [], {item.source: "" if value == "not_assessed" else str(value)}
    if item.kind == "exon_ranges":
        if not value:
            return [row(sample, item.source)], {}
        return [row(sample, item.source, "loss", RANGES[name]) for name in sorted(value)], {}
    members = gene_groups()["groups"].get(item.source, [item.source])
    if value == "not_deleted":
        return [row(sample, gene) for gene in members], {}
    copies = 2.0 if value == "homozygous" else 1.0
    lost = [row(sample, members[0], "loss", copies=copies)]
    return lost + [row(sample, gene) for gene in members[1:]], {}
