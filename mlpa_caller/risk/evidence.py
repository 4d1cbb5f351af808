"""What is known of one input in every patient: the values that remain possible.

Each patient gets a code; the codes say which values of the input's domain are possible (as bits), what to
show and why something is unknown. Few codes describe a whole cohort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Table, TextArray, text_array
from mlpa_caller.errors import InputError, shown
from mlpa_caller.risk.clinical import ClinicalTable, Numbers
from mlpa_caller.risk.genes import (
    CONFLICT,
    DELETED,
    NOT_DELETED,
    ONE_PROBE,
    REASONS,
    CallRows,
    copies_of,
    exon_range,
    gene_groups,
    gene_state,
    read_rows,
)
from mlpa_caller.risk.rules import RuleInput

__all__ = ["Evidence", "Patients", "evidence_of", "patients_of"]

_NEAR = 1e-9
_HETEROZYGOUS, _HOMOZYGOUS, _SOME_COPIES = 8, 9, 10


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One input in every patient.

    Attributes
    ----------
    code
        ``(patients,)`` index into the lists below.
    masks
        Possible values of the input's domain, as bits.
    reasons
        Why nothing, or not all, is known; empty where there is nothing to say.
    text
        ``(patients,)`` the value as used; empty where unknown.
    """

    code: IntArray
    masks: Sequence[int]
    reasons: Sequence[str]
    text: TextArray


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """All that is known of the patients, in output order.

    Attributes
    ----------
    samples
        Identifiers.
    clinical, row_of
        The clinical table, and for each patient its row there (-1: none).
    rows
        The calls.
    germline
        What is known of the germline of IKZF1, by sample: classes or effects of the variants found, nothing
        where the gene was assessed and nothing found. Samples that are absent were not assessed.
    """

    samples: tuple[str, ...]
    clinical: ClinicalTable
    row_of: IntArray
    rows: CallRows
    germline: Mapping[str, Sequence[str]]

    def words(self, name: str) -> TextArray:
        """Return a clinical word for every patient; empty where unknown."""
        words = self.clinical.words.get(name)
        if words is None or not len(words):
            return text_array([""] * len(self.samples))
        out: TextArray = words[self.row_of]
        out[self.row_of < 0] = ""
        return out

    def numbers(self, name: str) -> Numbers | None:
        """Return a clinical number for every patient; None where nobody has it."""
        numbers = self.clinical.numbers.get(name)
        if numbers is None or not len(numbers.low):
            return None
        there = self.row_of >= 0

        def pick(column: FloatArray) -> FloatArray:
            return np.where(there, column[self.row_of], np.nan)

        text: TextArray = numbers.text[self.row_of]
        text[~there] = ""
        return Numbers(
            pick(numbers.low),
            pick(numbers.high),
            there & numbers.low_open[self.row_of],
            there & numbers.high_open[self.row_of],
            text,
        )


def patients_of(
    calls: Table,
    clinical: ClinicalTable,
    samples: tuple[str, ...],
    variants: Mapping[str, Sequence[str]] | None = None,
) -> Patients:
    """Bring calls, clinical inputs and germline findings of the `samples` together.

    Germline findings come from `variants` and from the column ``ikaros_germline`` of annotated calls.
    """
    place = {sample: i for i, sample in enumerate(clinical.samples)}
    row_of = np.array([place.get(sample, -1) for sample in samples], np.int64)
    germline = {sample: list(effects) for sample, effects in (variants or {}).items()}
    told = calls.columns.get("ikaros_germline", ())
    for sample, text in zip(calls.columns["sample"].tolist() if len(told) else (), told):
        words = [word for word in text.split(";") if word and word != "not_assessed"]
        if words:
            germline.setdefault(sample, []).extend(words)
    return Patients(samples, clinical, row_of, read_rows(calls, samples, clinical, row_of), germline)


def evidence_of(item: RuleInput, patients: Patients) -> Evidence:
    """Return what is known of one input in every patient.

    Parameters
    ----------
    item
        The input, with its domain.
    patients
        Calls, clinical table and germline findings.

    Raises
    ------
    InputError
        If a germline finding is of an unknown kind.
    """
    if item.kind == "number":
        return _number(item, patients.numbers(item.source), len(patients.samples))
    if item.kind == "choice":
        return _choice(item, patients.words(item.source))
    if item.kind == "germline":
        return _germline(item, patients)
    if item.kind == "exon_ranges":
        return _exon_ranges(item, patients)
    members = gene_groups()["groups"].get(item.source)
    if members is not None:
        return _group(patients, members)
    state = _state(item.source, item.clinical, patients)
    if item.kind == "zygosity":
        copies = copies_of(patients.rows, item.source)
        state = np.where(
            state == DELETED, np.array([_SOME_COPIES, _HETEROZYGOUS, _HOMOZYGOUS])[copies], state
        )
    full = (1 << len(item.domain)) - 1
    masks, reasons = [full] * 11, [*REASONS, "", "", "one copy or both lost: not known"]
    masks[DELETED], masks[NOT_DELETED] = full - 1, 1
    masks[_HETEROZYGOUS], masks[_HOMOZYGOUS], masks[_SOME_COPIES] = 0b010, 0b100, 0b110
    names = ["deleted", "not_deleted", "", "", "", "", "", "", "heterozygous", "homozygous", "deleted"]
    return Evidence(state, masks, reasons, text_array(names)[state])


def _state(gene: str, clinical: str, patients: Patients) -> IntArray:
    """Return the state of a gene, with what the clinical file says of it."""
    rows = patients.rows
    confirmed: BoolArray | None = None
    for fusion, genes in gene_groups()["confirmed_by"].items():
        if gene in genes:
            confirmed = patients.words(fusion) == "yes"
    state = gene_state(rows, gene, confirmed)
    if not clinical:
        return state
    words = patients.words(clinical)
    yes, no = words == "yes", words == "no"
    conflict = (yes & (state == NOT_DELETED)) | (no & ((state == DELETED) | (state == ONE_PROBE)))
    out = np.where(yes, DELETED, np.where(no, NOT_DELETED, state))
    return np.where(conflict, CONFLICT, out)


def _group(patients: Patients, members: Sequence[str]) -> Evidence:
    states = np.stack([_state(gene, "", patients) for gene in members], axis=1)
    base = len(REASONS)
    key = states @ base ** np.arange(len(members))
    found, code = np.unique(key, return_inverse=True)
    masks, reasons, names = [], [], []
    for value in found.tolist():
        parts = [value // base**i % base for i in range(len(members))]
        deleted = DELETED in parts
        unknown = (
            {}
            if deleted
            else {gene: REASONS[part] for gene, part in zip(members, parts) if part != NOT_DELETED}
        )
        masks.append(0b10 if deleted else 0b11 if unknown else 0b01)
        reasons.append(_shared_reason(unknown, len(members)))
        names.append("deleted" if deleted else "" if unknown else "not_deleted")
    return Evidence(code.reshape(-1), masks, reasons, text_array(names)[code.reshape(-1)])


def _shared_reason(unknown: Mapping[str, str], members: int) -> str:
    """Return why a group is unknown; the genes are named unless all of them share one reason."""
    different = sorted(set(unknown.values()))
    if len(different) == 1 and len(unknown) == members:
        return different[0]
    return ", ".join(
        f"{reason} ({' and '.join(gene for gene, why in unknown.items() if why == reason)})"
        for reason in different
    )


def _number(item: RuleInput, numbers: Numbers | None, n: int) -> Evidence:
    size = len(item.domain)
    full = (1 << size) - 1
    masks, reasons = [full], [""]
    if numbers is None:
        return Evidence(np.zeros(n, np.int64), masks, reasons, text_array([""] * n))
    cuts = np.array(sorted(set(item.cuts.values())))
    low = _region(numbers.low, cuts, item.tolerance)
    low += numbers.low_open & (low % 2 == 1)
    high = _region(numbers.high, cuts, item.tolerance)
    high -= numbers.high_open & (high % 2 == 1)
    for first in range(size):
        masks += [sum(1 << i for i in range(first, last + 1)) or full for last in range(size)]
    code = np.where(np.isnan(numbers.low), 0, 1 + low * size + high)
    return Evidence(code, masks, [""] * len(masks), numbers.text)


def _region(values: FloatArray, cuts: FloatArray, tolerance: float) -> IntArray:
    """Return where each value lies: 2 i below cut i (or above all), 2 i + 1 on cut i."""
    out: IntArray = 2 * np.searchsorted(cuts, values).astype(np.int64)
    for i, cut in enumerate(cuts.tolist()):
        out[np.abs(values - cut) <= max(tolerance, _NEAR * abs(cut))] = 2 * i + 1
    return np.minimum(out, 2 * len(cuts))


def _choice(item: RuleInput, words: TextArray) -> Evidence:
    full = (1 << len(item.values)) - 1
    options = ["", *item.values, *item.also]
    masks = [full, *(1 << i for i in range(len(item.values)))]
    masks += [sum(1 << item.values.index(word) for word in meant) for meant in item.also.values()]
    reasons = [""] * (1 + len(item.values))
    reasons += [f"{word}: the source does not say how it counts" for word in item.also]
    place = {word: i for i, word in enumerate(options)}
    code = np.array([place[word] for word in words], np.int64)
    return Evidence(code, masks, reasons, words)


def _exon_ranges(item: RuleInput, patients: Patients) -> Evidence:
    """Return the sets of categories that a patient's deletions may be of."""
    rows, gene = patients.rows, item.source
    state = _state(gene, "", patients)
    names = [*item.categories, item.otherwise]
    of_range = {text: names.index(name) for name, ranges in item.categories.items() for text in ranges}
    n, full = len(patients.samples), (1 << len(item.domain)) - 1
    sure, maybe = np.zeros(n, np.int64), np.zeros(n, np.int64)
    unread = np.zeros(n, np.bool_)
    shown: list[list[str]] = [[] for _ in range(n)]
    index = rows.rows_of.get(gene, np.zeros(0, np.int64))
    for row in index[(rows.confirmed | rows.unconfirmed)[index]].tolist():
        place, text = int(rows.sample[row]), exon_range(rows.exons[row])
        bit = 1 << of_range.get(text, len(names) - 1)
        if not text:
            unread[place] = True
        elif rows.confirmed[row]:
            sure[place] |= bit
        else:
            maybe[place] |= bit
        shown[place].append((text or "?") + ("" if rows.confirmed[row] else "?"))
    # confirmed elsewhere, and only one probe saw it here: its range is the deletion's range
    alone = (state == DELETED) & (sure == 0) & ~unread
    sure, maybe = np.where(alone, maybe, sure), np.where(alone, 0, maybe)
    unread |= (state == DELETED) & (sure == 0)
    subsets = np.arange(len(item.domain))
    key = np.where(state == DELETED, (sure * len(item.domain) + maybe) * 2 + unread, -1 - state)
    found, code = np.unique(key, return_inverse=True)
    masks, reasons = [], []
    for value in found.tolist():
        if value < 0:
            masks.append(1 if -1 - value == NOT_DELETED else full)
            reasons.append(REASONS[-1 - value])
            continue
        must, may = value // 2 // len(item.domain), value // 2 % len(item.domain)
        may = full if value % 2 else must | may
        fits = (subsets & must == must) & (subsets & ~may == 0) & (subsets > 0)
        masks.append(sum(1 << int(i) for i in subsets[fits]))
        reasons.append("exon range not known" if value % 2 else "")
    deleted = state == DELETED
    used = text_array(
        "+".join(parts) or "deleted" if gone else "not_deleted" if code_ == NOT_DELETED else ""
        for parts, gone, code_ in zip(shown, deleted.tolist(), state.tolist())
    )
    return Evidence(code.reshape(-1), masks, reasons, used)


def _germline(item: RuleInput, patients: Patients) -> Evidence:
    """Return the disease classes of the germline variants found, from the catalogue and the clinical file."""
    words = patients.words(item.source)
    place = {word: 1 << i for i, word in enumerate(item.values)}
    table, reasons, codes = {place["not_assessed"]: 0}, [""], []
    for sample, word in zip(patients.samples, words):
        mask = place[word] if word else 0
        for effect in patients.germline.get(sample, ()):
            meant = item.also.get(effect, (effect,))
            if not set(meant) <= set(place):
                raise InputError(f"the germline variant effect {shown(effect)} is unknown",
                                 remedy=f"give one of {', '.join((*item.values, *item.also))}")  # fmt: skip
            mask |= sum(place[name] for name in meant)
        if not mask:
            mask = place["none_in_catalogue" if sample in patients.germline else "not_assessed"]
        if mask not in table:
            table[mask] = len(table)
            several = mask & (mask - 1)
            reasons.append("several findings, or one of uncertain effect" if several else "")
        codes.append(table[mask])
    masks = list(table)
    names = text_array(
        "+".join(word for word in item.values if place[word] & mask) if mask != place["not_assessed"] else ""
        for mask in masks
    )
    code = np.array(codes, np.int64)
    return Evidence(code, masks, reasons, names[code])
