"""What a result says beside its class: why inputs are unknown, where sources disagree, who was studied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.datatypes import BoolArray, IntArray, TextArray, text_array
from mlpa_caller.refdata import reference_rows
from mlpa_caller.risk.classifiers.base import INDETERMINATE, NOT_APPLICABLE
from mlpa_caller.risk.evidence import Patients
from mlpa_caller.risk.genes import NO_CALLS, REASONS
from mlpa_caller.risk.rules import Rule

if TYPE_CHECKING:
    from mlpa_caller.risk.table import Classified

__all__ = ["cohort_flags", "comparison_notes", "evidence_level", "limit_notes", "pattern_note"]

LEVELS = ("read", "unverified")
"""Levels of evidence, the best first."""


def evidence_level(rule: Rule, possible: Sequence[str]) -> str:
    """Return the evidence level of a result: the worst among its possible classes."""
    levels = [rule.evidence_by_class.get(name, rule.evidence) for name in possible]
    return max(levels, key=LEVELS.index)


def cohort_flags(rule: Rule, patients: Patients) -> tuple[IntArray, list[tuple[str, ...]]]:
    """Return for each patient an index into the sets of clinical columns that lie outside the cited cohort.

    Only values that are known count.
    """
    watched = [name for name in rule.cohort if name != "text"]
    flags = np.zeros(len(patients.samples), np.int64)
    for i, name in enumerate(watched):
        limits = rule.cohort[name]
        numbers = patients.numbers(name)
        if numbers is not None:
            outside = (numbers.high < limits[0]) | (numbers.low > limits[1])
        else:
            words = patients.words(name)
            outside = ~np.isin(words, ["", *limits])
        flags |= outside.astype(np.int64) << i
    sets = [
        tuple(name for i, name in enumerate(watched) if bits >> i & 1) for bits in range(2 ** len(watched))
    ]
    return flags, sets


def pattern_note(rule: Rule, result: Classified, pattern: int) -> str:
    """Return what is to be said of one pattern of inputs; empty where nothing is."""
    decision = result.decisions[pattern]
    parts = []
    if decision.result == INDETERMINATE and decision.why:
        parts.append(decision.why)
    named: dict[str, list[str]] = {}
    for item, evidence, code in zip(rule.inputs, result.evidence, result.codes[pattern]):
        named.setdefault(evidence.reasons[code], []).append(item.name)
    for reason, names in named.items():
        if reason and reason != REASONS[NO_CALLS]:
            parts.append(f"{reason}: {', '.join(names)}")
    if result.cohort[pattern] and decision.result != NOT_APPLICABLE:
        parts.append(f"outside the cited cohort ({rule.cohort['text']}): {', '.join(result.cohort[pattern])}")
    remark = _remarks(rule).get(decision.result)
    if remark:
        parts.append(remark)
    return "; ".join(parts)


@lru_cache(maxsize=64)
def _remarks(rule: Rule) -> dict[str, str]:
    """Return what is said with a class, by class: of the rule file, and of the table of phenotypes it names."""
    found = dict(rule.data.get("remarks", {}))
    if "remarks_from" in rule.data:
        for row in reference_rows(rule.data["remarks_from"]):
            found[row["disease_class"]] = (
                f"phenotype to expect: {row['phenotype']}; inheritance {row['inheritance']}; "
                f"penetrance {row['penetrance']}"
            )
    return found


def limit_notes(rule: Rule, result: Classified, unstated: BoolArray) -> TextArray:
    """Return a note for each patient whose class rests on a negative call while the blast fraction is unknown."""
    genes = [i for i, item in enumerate(rule.inputs) if item.kind in ("gene", "zygosity", "exon_ranges")]
    rests = [
        decision.possible != (NOT_APPLICABLE,) and any(result.evidence[i].masks[codes[i]] == 1 for i in genes)
        for codes, decision in zip(result.codes, result.decisions)
    ]
    text = "blast fraction not stated: a negative holds only above its limit of detection"
    return text_array(np.where(np.array(rests, np.bool_)[result.pattern] & unstated, text, ""))


def comparison_notes(result: Classified, other_rule: Rule, other: Classified | None) -> TextArray:
    """Return for each patient what the rule's other form says, where the two differ."""
    n = len(result.pattern)
    if other is None:
        return text_array([""] * n)
    size = len(other.decisions)
    found, code = np.unique(result.pattern * size + other.pattern, return_inverse=True)
    texts = []
    for value in found.tolist():
        mine, theirs = result.decisions[value // size], other.decisions[value % size]
        same = mine.possible == theirs.possible
        says = (
            theirs.result if len(theirs.possible) == 1 else f"indeterminate ({' or '.join(theirs.possible)})"
        )
        texts.append("" if same else f"{other_rule.id} ({other_rule.data['form']}) gives {says}")
    notes: TextArray = text_array(texts)[code.reshape(-1)]
    return notes
