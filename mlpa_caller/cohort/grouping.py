"""Groups of patients, by a column, a cut, a gene's state or a risk class; what is unknown is left out and counted.

A group is asked for by a word: ``sex`` (a column), ``age_years>=10`` (a column cut in two), ``ikzf1`` (a gene of
the calls) or ``ikzf1plus-2018`` (a classifier). ``column:``, ``gene:`` and ``classifier:`` before the word settle
what is meant where it could be two things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpa_caller.cohort.patients import Patients, is_unknown
from mlpa_caller.cohort.sources import Sources, some_names
from mlpa_caller.datatypes import BoolArray, IntArray, Table, TextArray, text_array
from mlpa_caller.errors import InputError, UsageError, shown
from mlpa_caller.formats.text import natural_key, parse_number
from mlpa_caller.risk import load_rules
from mlpa_caller.risk.clinical import Numbers, clinical_columns
from mlpa_caller.risk.evidence import patients_of
from mlpa_caller.risk.genes import DELETED, NOT_DELETED, REASONS, gene_state, read_rows
from mlpa_caller.risk.table import Gathered, classify_rule

__all__ = ["MAX_LEVELS", "Grouping", "make_grouping", "numbers_of"]

MAX_LEVELS = 20
"""More groups than this are refused: the column is a number or an identifier."""

_CUT = re.compile(r"(.+?)\s*(>=|<=|>|<|≥|≤)\s*(\S+)")
_SIGNS = {">=": ">=", "≥": ">=", "<": ">=", "<=": ">", "≤": ">", ">": ">"}
_BELOW = {">=": "<", ">": "<="}


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Patients in groups.

    Attributes
    ----------
    name
        What was asked for.
    kind
        ``column``, ``cut``, ``gene`` or ``classifier``.
    levels
        Names of the groups; the first is the one that others are compared with.
    code
        ``(patients,)`` index into `levels`; -1 where the group is not known.
    reason
        ``(patients,)`` why it is not known; empty where it is.
    title
        Column, gene or classifier, without prefix.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    code: IntArray
    reason: TextArray
    title: str

    def excluded(self, within: BoolArray | None = None) -> dict[str, int]:
        """Return how many patients have no group, by reason."""
        mask = self.code < 0 if within is None else (self.code < 0) & within
        return dict(sorted(Counter(self.reason[mask].tolist()).items()))

    def counts(self, within: BoolArray | None = None) -> IntArray:
        """Return the number of patients of each group."""
        codes = self.code if within is None else self.code[within]
        return np.bincount(codes[codes >= 0], minlength=len(self.levels)).astype(np.int64)


def make_grouping(sources: Sources, word: str, option: str = "--by") -> Grouping:
    """Return the groups that `word` asks for.

    Parameters
    ----------
    sources
        Patients' table, calls and risk classes.
    word
        A column, a cut (``age_years>=10``), a gene or a classifier, with or without its prefix.
    option
        What named the word, for messages.

    Raises
    ------
    UsageError
        If the word names nothing, or two things; if what it names needs a file that was not given.
    InputError
        If patients and calls have no sample in common; if a column has more than `MAX_LEVELS` values.
    """
    prefix, _, rest = word.partition(":")
    makers: dict[str, Callable[..., Grouping]] = {"column": _column, "gene": _gene, "classifier": _classifier}
    if prefix in makers and rest and word not in sources.patients.columns:
        return makers[prefix](sources, rest, option, word)
    cut = _CUT.fullmatch(word)
    if cut and word not in sources.patients.columns:
        return _cut(sources, cut[1], cut[2], cut[3], option, word)
    meanings = []
    if word in sources.patients.columns:
        meanings.append("column")
    if word.lower() in sources.genes():
        meanings.append("gene")
    if word in load_rules() or word in (sources.risk or {}):
        meanings.append("classifier")
    if len(meanings) > 1:
        choices = " or ".join(f"{option} {meaning}:{word}" for meaning in meanings)
        raise UsageError(
            f"{option} {shown(word)} may be a {' or a '.join(meanings)}", remedy=f"write {choices}"
        )
    if not meanings:
        where = "" if sources.calls is not None else " (genes need --calls)"
        columns = ", ".join(sources.patients.columns)[:160]
        raise UsageError(
            f"{option} {shown(word)} is no column of the patients' table, no gene of the calls and no "
            f"classifier{where}",
            remedy=f"name a column ({columns}), a cut such as age_years>=10, a gene or a classifier",
        )
    return makers[meanings[0]](sources, word, option, word)


def numbers_of(patients: Patients, name: str, option: str) -> Numbers:
    """Return a column of numbers; a clinical one may hold limits such as ``<0.0001``.

    Raises
    ------
    UsageError
        If there is no such column.
    SampleSheetError
        With its line, if a cell is no number.
    """
    if name in patients.clinical.numbers:
        return patients.clinical.numbers[name]
    cells = patients.column(name, option)
    parsed = [parse_number(cell) for cell in cells]
    strange = [row for row, number in enumerate(parsed) if number is None]
    known = ~is_unknown([cells[row] for row in strange])
    for row, is_word in zip(strange, known.tolist()):
        if is_word:
            raise patients.error(row, f"{name} is {shown(cells[row])}, which is no number",
                                 "write a number with a decimal point, or leave the cell empty")  # fmt: skip
    values = np.array([np.nan if number is None else number for number in parsed], dtype=np.float64)
    closed = np.zeros(len(cells), dtype=np.bool_)
    return Numbers(values, values, closed, closed, text_array(cells))


def _column(sources: Sources, name: str, option: str, word: str) -> Grouping:
    patients = sources.patients
    if name in patients.clinical.words:
        cells: Sequence[str] = patients.clinical.words[name].tolist()
        known = clinical_columns()[name]["values"]
        order: Sequence[str] = ("no", "yes") if set(known) == {"yes", "no"} else known
    else:
        cells = [" ".join(cell.split()) for cell in patients.column(name, option)]
        order = ()
    unknown = is_unknown(cells)
    found = {cell for cell, missing in zip(cells, unknown.tolist()) if not missing}
    levels = (
        tuple(level for level in order if level in found) if order else tuple(sorted(found, key=natural_key))
    )
    levels += tuple(sorted(found - set(levels), key=natural_key))
    if len(levels) > MAX_LEVELS:
        raise InputError(
            f"{option}: the column {shown(name)} has {len(levels)} different values, more than {MAX_LEVELS} groups",
            remedy=f"cut it in two, for instance {name}>=10",
            file=patients.source or None,
        )
    return _coded(word, "column", levels, cells, unknown, f"{name} not stated", name)


def _coded(
    word: str,
    kind: str,
    levels: tuple[str, ...],
    cells: Sequence[str],
    unknown: BoolArray,
    reason: str,
    title: str,
) -> Grouping:
    place = {level: i for i, level in enumerate(levels)}
    code = np.array([-1 if no else place[cell] for cell, no in zip(cells, unknown.tolist())], dtype=np.int64)
    return Grouping(word, kind, levels, code, text_array(np.where(unknown, reason, "").tolist()), title)


def _cut(sources: Sources, name: str, sign: str, bound: str, option: str, word: str) -> Grouping:
    cut = parse_number(bound)
    if cut is None:
        raise UsageError(f"{option} {shown(word)}: {shown(bound)} is no number",
                         remedy="write a cut as age_years>=10")  # fmt: skip
    name = name.removeprefix("column:")
    numbers = numbers_of(sources.patients, name, option)
    side = _SIGNS[sign]
    with np.errstate(invalid="ignore"):
        if side == ">=":
            above = numbers.low >= cut
            below = (numbers.high < cut) | ((numbers.high == cut) & numbers.high_open)
        else:
            above = (numbers.low > cut) | ((numbers.low == cut) & numbers.low_open)
            below = numbers.high <= cut
    code = np.where(above, 1, np.where(below, 0, -1)).astype(np.int64)
    reason = np.where(
        code >= 0,
        "",
        np.where(np.isnan(numbers.low), f"{name} not stated", f"{name} is a limit across the cut"),
    )
    levels = (f"{_BELOW[side]}{bound}", f"{side}{bound}")
    return Grouping(word, "cut", levels, code, text_array(reason.tolist()), name)


def _gene(sources: Sources, name: str, option: str, word: str) -> Grouping:
    if sources.calls is None:
        raise UsageError(f"{option} {shown(word)} is a gene", remedy="give the calls with --calls CALLS.tsv")
    genes = sources.genes()
    if name.lower() not in genes:
        raise UsageError(f"{option} {shown(word)}: the calls hold no gene {shown(name)}",
                         remedy=f"choose of {', '.join(genes.values())[:160]}")  # fmt: skip
    patients = sources.patients
    _need_common(patients, sources.calls)
    rows = read_rows(
        sources.calls, patients.samples, patients.clinical, np.arange(len(patients), dtype=np.int64)
    )
    state = gene_state(rows, genes[name.lower()])
    code = np.where(state == DELETED, 1, np.where(state == NOT_DELETED, 0, -1)).astype(np.int64)
    reason = text_array(REASONS)[state]
    return Grouping(word, "gene", ("not_deleted", "deleted"), code, reason, genes[name.lower()])


def _need_common(patients: Patients, calls: Table) -> None:
    called = set(calls.columns["sample"].tolist())
    if not called.intersection(patients.samples):
        raise InputError(
            f"patients' table and calls have no sample in common (patients: {some_names(patients.samples)}; calls: "
            f"{some_names(sorted(called))})",
            remedy="write the names alike",
            file=patients.source or None,
        )


def _classifier(sources: Sources, name: str, option: str, word: str) -> Grouping:
    rules = load_rules()
    order = rules[name].classes if name in rules else ()
    if sources.risk is not None and name in sources.risk:
        stated = sources.risk[name]
        cells = [stated.get(sample, "") for sample in sources.patients.samples]
        absent = "no row in the risk table"
    elif name in rules:
        cells = _classes(sources, name, option, word)
        absent = "not classified"
    else:
        raise UsageError(f"{option} {shown(word)}: there is no classifier {shown(name)}",
                         remedy=f"choose of {', '.join(rules)}")  # fmt: skip
    unknown = is_unknown(cells)
    found = {cell for cell, missing in zip(cells, unknown.tolist()) if not missing}
    levels = tuple(level for level in order if level in found)
    levels += tuple(sorted(found - set(levels), key=natural_key))
    grouping = _coded(word, "classifier", levels, cells, unknown, "", name)
    reason = text_array([(cell or absent) if no else "" for cell, no in zip(cells, unknown.tolist())])
    return Grouping(word, "classifier", levels, grouping.code, reason, name)


def _classes(sources: Sources, name: str, option: str, word: str) -> list[str]:
    rule = load_rules()[name]
    if sources.calls is None and any(
        item.kind in ("gene", "zygosity", "exon_ranges") for item in rule.inputs
    ):
        raise UsageError(f"{option} {shown(word)} is a classifier that needs genes",
                         remedy="give the calls with --calls CALLS.tsv")  # fmt: skip
    result = classify_rule(rule, _gathered(sources))
    return [str(cell) for cell in result.column([decision.result for decision in result.decisions]).tolist()]


def _gathered(sources: Sources) -> Gathered:
    """Return what is known of the patients, gathered once for all classifiers and kept in `sources`."""
    if not sources.memory:
        patients, calls = sources.patients, sources.calls
        if calls is None:
            empty: dict[str, Any] = {key: text_array([]) for key in ("sample", "gene", "status", "exons")}
            calls = Table(empty)
        else:
            _need_common(patients, calls)
        clinical = patients.strict_clinical(sources.used)
        sources.memory.append(Gathered(patients_of(calls, clinical, patients.samples)))
    return sources.memory[0]
