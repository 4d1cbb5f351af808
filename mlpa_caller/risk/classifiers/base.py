"""What a classifier is: a pure function of known inputs, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["INDETERMINATE", "NOT_APPLICABLE", "Classifier", "Open", "Outcome", "Settings", "Values"]

NOT_APPLICABLE = "not_applicable"
INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True)
class Open:
    """The source does not decide this case, although every input is known.

    Attributes
    ----------
    classes
        The classes that the source's definitions leave, lowest risk first.
    why
        What is not defined, in one clause.
    """

    classes: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """The figures of a rule file that its classifier works with.

    Attributes
    ----------
    cut
        Cut points: input name, then name of the cut point.
    parameters
        Everything else: gene sets, tables of groups.
    """

    cut: Mapping[str, Mapping[str, float]]
    parameters: Mapping[str, Any]


Values = Mapping[str, Any]
"""One value for every input of the rule: a number, a word, a gene state, or a set of categories."""

Outcome = str | Open

Classifier = Callable[[Values, Settings], Outcome]
