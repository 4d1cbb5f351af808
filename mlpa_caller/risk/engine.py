"""The unknowns: every completion of the missing inputs is tried, and nothing is assumed.

The classifier is evaluated once over the whole domain of its inputs (`truth_table`). What is known of a
patient selects a part of that table; the classes found there are the possible ones. One class: that class.
Several: indeterminate. An input would decide if two completions that
differ in it alone differ in their class.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from mlpa_caller.datatypes import IntArray
from mlpa_caller.risk.classifiers.base import INDETERMINATE, Open
from mlpa_caller.risk.rules import Rule

__all__ = ["Decision", "TruthTable", "decide", "truth_table"]


@dataclass(frozen=True, slots=True, eq=False)
class TruthTable:
    """What a rule answers to every completion.

    Attributes
    ----------
    classes
        ``(size of domain 1, size of domain 2, ...)``; bit i stands for ``rule.outcomes[i]``. More than one
        bit is set where the source leaves the case open.
    why
        Same shape; index into `reasons`, 0 where the case is not open.
    reasons
        Why cases are open; the first is empty.
    """

    classes: IntArray
    why: IntArray
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of a patient's class.

    Attributes
    ----------
    possible
        Possible classes, in the order of ``rule.outcomes``.
    deciding
        Names of the inputs that could change the class, in the rule's order; empty unless several classes
        are possible.
    why
        Why the source leaves the case open, where it does so whatever is still missing; else empty.
    """

    possible: tuple[str, ...]
    deciding: tuple[str, ...]
    why: str = ""

    @property
    def result(self) -> str:
        """The class, or `indeterminate`."""
        return self.possible[0] if len(self.possible) == 1 else INDETERMINATE


@lru_cache(maxsize=256)
def truth_table(rule: Rule) -> TruthTable:
    """Return what `rule` answers to every completion of its inputs."""
    domains = [item.domain for item in rule.inputs]
    names = [item.name for item in rule.inputs]
    outcomes = rule.outcomes
    classes, why, reasons = [], [], [""]
    for values in product(*domains):
        outcome = rule.evaluate({name: value.value for name, value in zip(names, values)})
        reason = ""
        if isinstance(outcome, Open):
            reason = outcome.why
            bits = sum(1 << outcomes.index(name) for name in outcome.classes)
        else:
            bits = 1 << outcomes.index(outcome)
        if reason not in reasons:
            reasons.append(reason)
        classes.append(bits)
        why.append(reasons.index(reason))
    shape = tuple(len(domain) for domain in domains)
    return TruthTable(
        np.array(classes, np.int64).reshape(shape), np.array(why, np.int64).reshape(shape), tuple(reasons)
    )


@lru_cache(maxsize=1 << 17)
def decide(rule: Rule, masks: tuple[int, ...]) -> Decision:
    """Return the possible classes of one patient, and which inputs would decide.

    Parameters
    ----------
    rule
        The rule.
    masks
        For each input of the rule, the values of its domain that are possible, as bits (bit i for value i).
        At least one bit each.
    """
    table = truth_table(rule)
    box = np.ix_(*[[i for i in range(mask.bit_length()) if mask >> i & 1] for mask in masks])
    classes = table.classes[box]
    bits = int(np.bitwise_or.reduce(classes, axis=None))
    possible = tuple(name for i, name in enumerate(rule.outcomes) if bits >> i & 1)
    if len(possible) == 1:
        return Decision(possible, ())
    deciding = tuple(
        item.name
        for axis, item in enumerate(rule.inputs)
        if classes.shape[axis] > 1 and bool((classes != classes.take([0], axis)).any())
    )
    why = np.unique(table.why[box])
    return Decision(possible, deciding, table.reasons[int(why[0])] if len(why) == 1 else "")
