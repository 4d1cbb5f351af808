"""From calls and clinical inputs to risk classes, one row for each patient and classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlpa_caller.datatypes import IntArray, Table, TextArray, text_array
from mlpa_caller.errors import InputError
from mlpa_caller.risk.clinical import ClinicalTable
from mlpa_caller.risk.clinical_sources import some
from mlpa_caller.risk.engine import Decision, decide
from mlpa_caller.risk.evidence import Evidence, Patients, evidence_of, patients_of
from mlpa_caller.risk.notes import cohort_flags, comparison_notes, evidence_level, limit_notes, pattern_note
from mlpa_caller.risk.rules import Rule, RuleInput, select_rules

__all__ = [
    "COLUMNS",
    "NOTICE",
    "Classified",
    "Gathered",
    "classify",
    "classify_blocks",
    "classify_rule",
    "patient_names",
]

NOTICE = "for research use only"

COLUMNS = (
    "sample", "classifier", "version", "class", "possible_classes", "deciding_inputs", "used_inputs",
    "missing_inputs", "boundary", "source", "evidence", "rule_sha256", "note", "notice",
)  # fmt: skip
"""Columns of ``risk.tsv``, in order."""

_ROOM = 1 << 62
_ON_CUT = frozenset(1 << i for i in range(1, 64, 2))


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """One rule in every patient, described by few patterns of inputs.

    Attributes
    ----------
    pattern
        ``(patients,)`` index into the lists below.
    codes
        For each pattern the code of each input's evidence.
    decisions
        For each pattern what the engine found.
    cohort
        For each pattern the inputs that lie outside the cited cohort.
    evidence
        For each input of the rule, what is known of it.
    """

    pattern: IntArray
    codes: Sequence[Sequence[int]]
    decisions: Sequence[Decision]
    cohort: Sequence[Sequence[str]]
    evidence: Sequence[Evidence]

    def column(self, texts: Sequence[str]) -> TextArray:
        """Return a text for every patient, given one for every pattern."""
        return text_array(texts)[self.pattern]


@dataclass(slots=True)
class Gathered:
    """Evidence of the patients, gathered once for inputs that several rules share.

    Attributes
    ----------
    patients
        Calls and clinical inputs.
    found
        Evidence by what an input asks for.
    """

    patients: Patients
    found: dict[Any, Evidence] = field(default_factory=dict)

    def get(self, item: RuleInput) -> Evidence:
        """Return what is known of an input in every patient."""
        key = (
            item.kind,
            item.source,
            item.clinical,
            tuple(sorted(set(item.cuts.values()))),
            item.tolerance,
            item.values,
            tuple(item.also.items()),
            tuple(item.categories.items()),
        )
        if key not in self.found:
            self.found[key] = evidence_of(item, self.patients)
        return self.found[key]


def patient_names(calls: Table, clinical: ClinicalTable) -> tuple[str, ...]:
    """Return the patients in output order: those of the calls, then those of the clinical file alone.

    Raises
    ------
    InputError
        If both name patients and have none in common.
    """
    called = dict.fromkeys(calls.columns["sample"].tolist())
    alone = tuple(sample for sample in clinical.samples if sample not in called)
    if called and clinical.samples and len(alone) == len(clinical.samples):
        raise InputError(
            f"calls and clinical file have no sample in common (calls: {some(tuple(called))}; clinical file: "
            f"{some(alone)})",
            remedy="write the names alike",
            file=clinical.source or None,
        )
    return (*called, *alone)


def classify(
    calls: Table,
    clinical: ClinicalTable,
    *,
    variants: Mapping[str, Sequence[str]] | None = None,
    classifiers: Sequence[str] | None = None,
    samples: Sequence[str] | None = None,
    rules: Path | None = None,
) -> Table:
    """Return the risk classes of every patient under every classifier.

    A class is given only where every completion of the missing inputs leads to it; else the result is
    ``indeterminate``. Rules are never merged into one score, and nothing here is advice on treatment.

    Parameters
    ----------
    calls
        Columns of ``calls.tsv``: ``sample``, ``gene``, ``status``, ``exons``; ``copies_lost``, ``n_probes``,
        ``limit_of_detection`` and ``flags`` where there are; further columns are left alone.
    clinical
        Clinical inputs; see `read_clinical`.
    variants
        Classes or effects of germline IKZF1 variants by sample (an empty sequence: assessed, nothing found),
        beside those in the column ``ikaros_germline`` of annotated calls. A sample in neither was not assessed.
    classifiers
        Identifiers; None for all that are not on request only.
    samples
        Patients to classify, in order; None for all of the calls and of the clinical file.
    rules
        Folder of the rule files; the package's own when None.

    Returns
    -------
    Table
        `COLUMNS`, one row for each patient and classifier, patients outermost.

    Raises
    ------
    InputError
        If a column of the calls is missing or holds an unknown word, a sample stands in two runs, or calls and
        clinical file have no sample in common.
    UsageError
        If a classifier is unknown.
    """
    known, chosen = select_rules(None if classifiers is None else tuple(classifiers), rules)
    names = patient_names(calls, clinical) if samples is None else tuple(samples)
    patients = patients_of(calls, clinical, names, variants)
    gathered = Gathered(patients)
    done: dict[str, Classified] = {}

    def result_of(name: str) -> Classified:
        if name not in done:
            done[name] = classify_rule(known[name], gathered)
        return done[name]

    n, m = len(names), len(chosen)
    out = {name: np.empty((n, m), dtype=object) for name in COLUMNS}
    lone = np.where(patients.row_of < 0, 2, np.where(patients.rows.has_calls, 0, 1))
    if not len(clinical):
        lone[:] = 0
    sample_note = text_array(["", "no calls for this sample", "sample not in the clinical file"])[lone]
    for i, name in enumerate(chosen):
        rule, result = known[name], result_of(name)
        other = result_of(rule.compare_with) if rule.compare_with else None
        notes = comparison_notes(result, known[rule.compare_with] if other else rule, other)
        for column, values in _columns(rule, result, names).items():
            out[column][:, i] = values
        limits = limit_notes(rule, result, patients.rows.blasts_unstated)
        out["note"][:, i] = _joined([out["note"][:, i], notes, limits, sample_note], "; ")
    return Table({name: column.reshape(-1) for name, column in out.items()})


def classify_blocks(
    calls: Table, clinical: ClinicalTable, *, size: int = 5_000, **options: Any
) -> Iterator[Table]:
    """Give the table of `classify` in blocks of `size` patients, so that a large cohort needs little memory.

    Raises
    ------
    InputError, UsageError
        As `classify`.
    """
    names = patient_names(calls, clinical)
    block_of = {name: i // size for i, name in enumerate(names)}
    block = np.array([block_of[name] for name in calls.columns["sample"].tolist()], np.int64)
    order = np.argsort(block, kind="stable")
    for number, start in enumerate(range(0, max(len(names), 1), size)):
        first, end = np.searchsorted(block[order], [number, number + 1])
        rows = np.sort(order[first:end])
        part = Table({name: column[rows] for name, column in calls.columns.items()})
        yield classify(part, clinical, samples=names[start : start + size], **options)


def classify_rule(rule: Rule, gathered: Gathered) -> Classified:
    """Return one rule's decisions, reached once for each distinct pattern of inputs.

    Parameters
    ----------
    rule
        The rule.
    gathered
        What is known of the patients.
    """
    evidence = [gathered.get(item) for item in rule.inputs]
    flags, outside = cohort_flags(rule, gathered.patients)
    parts = [(item.code, len(item.masks)) for item in evidence]
    key = np.zeros(len(flags), np.int64)
    room = 1
    for code, size in [*parts, (flags, len(outside))]:
        if room * size >= _ROOM:  # rare: number the patterns so far
            found, key = np.unique(key, return_inverse=True)
            room = len(found)
        key = key * size + code
        room *= size
    _, first, pattern = np.unique(key, return_index=True, return_inverse=True)
    codes = [tuple(int(item.code[i]) for item in evidence) for i in first.tolist()]
    masks = [[item.masks[code] for item, code in zip(evidence, row)] for row in codes]
    decisions = [decide(rule, tuple(row)) for row in masks]
    return Classified(pattern.reshape(-1), codes, decisions, [outside[flags[i]] for i in first], evidence)


def _columns(rule: Rule, result: Classified, names: Sequence[str]) -> dict[str, Any]:
    decisions = result.decisions
    return {
        "sample": text_array(names),
        "classifier": rule.id,
        "version": rule.version,
        "class": result.column([item.result for item in decisions]),
        "possible_classes": result.column([";".join(item.possible) for item in decisions]),
        "deciding_inputs": result.column([";".join(item.deciding) for item in decisions]),
        "used_inputs": _used(rule, result),
        "missing_inputs": result.column([_missing(rule, result, codes) for codes in result.codes]),
        "boundary": result.column([_boundary(rule, result, codes) for codes in result.codes]),
        "source": rule.source,
        "evidence": result.column([evidence_level(rule, item.possible) for item in decisions]),
        "rule_sha256": rule.sha256,
        "note": result.column([pattern_note(rule, result, i) for i in range(len(decisions))]),
        "notice": NOTICE,
    }


def _used(rule: Rule, result: Classified) -> TextArray:
    """Return the values used, as text; worked out once a pattern where the pattern tells them."""
    if all(item.kind not in ("number", "exon_ranges") for item in rule.inputs):
        _, first = np.unique(result.pattern, return_index=True)
        texts = [
            ";".join(
                f"{item.name}={evidence.text[i]}"
                for item, evidence in zip(rule.inputs, result.evidence)
                if evidence.text[i]
            )
            for i in first.tolist()
        ]
        return result.column(texts)
    pieces = []
    for item, evidence in zip(rule.inputs, result.evidence):
        shown_as = {text: f"{item.name}={text}" if text else "" for text in set(evidence.text.tolist())}
        pieces.append([shown_as[text] for text in evidence.text.tolist()])
    return text_array(";".join(filter(None, row)) for row in zip(*pieces))


def _missing(rule: Rule, result: Classified, codes: Sequence[int]) -> str:
    return ";".join(
        item.name
        for item, evidence, code in zip(rule.inputs, result.evidence, codes)
        if (
            code == 0
            if item.kind in ("number", "choice")
            else evidence.masks[code] == (1 << len(item.domain)) - 1
        )
    )


def _boundary(rule: Rule, result: Classified, codes: Sequence[int]) -> str:
    return ";".join(
        item.name
        for item, evidence, code in zip(rule.inputs, result.evidence, codes)
        if item.kind == "number" and evidence.masks[code] in _ON_CUT
    )


def _joined(columns: Sequence[TextArray], separator: str) -> TextArray:
    memory: dict[tuple[str, ...], str] = {}
    rows = list(zip(*(column.tolist() for column in columns)))
    for row in set(rows):
        memory[row] = separator.join(filter(None, row))
    return text_array(memory[row] for row in rows)
