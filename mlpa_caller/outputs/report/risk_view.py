"""Risk classes as a report shows them: what is decided, what is open and by which input, what does not apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.outputs.report.words import plain_word

__all__ = ["RiskRow", "RiskView", "risk_view"]

_OPEN, _FOREIGN = "indeterminate", "not_applicable"


@dataclass(frozen=True, slots=True)
class RiskRow:
    """One classifier's result.

    Attributes
    ----------
    classifier, version
        Which rule.
    result
        The class; for an open one the classes that remain possible.
    why
        The inputs used; for an open one the inputs that are missing and would decide.
    source, evidence
        Where the rule comes from, and how well it is supported.
    note
        What is to be remarked, such as an input on its cut-off.
    """

    classifier: str
    version: str
    result: str
    why: str
    source: str
    evidence: str
    note: str


@dataclass(frozen=True, slots=True)
class RiskView:
    """The risk classes of one sample, sorted by what is known."""

    decided: tuple[RiskRow, ...]
    undecided: tuple[RiskRow, ...]
    foreign: tuple[RiskRow, ...]

    def __bool__(self) -> bool:
        return bool(self.decided or self.undecided or self.foreign)


def risk_view(rows: Sequence[Mapping[str, Any]]) -> RiskView:
    """Sort the risk rows of one sample; the list may be empty."""

    def of(wanted: str) -> tuple[RiskRow, ...]:
        return tuple(_row(row) for row in rows if _state(row) == wanted)

    return RiskView(of("decided"), of(_OPEN), of(_FOREIGN))


def _state(row: Mapping[str, Any]) -> str:
    name = str(row["class"])
    return name if name in (_OPEN, _FOREIGN) else "decided"


def _row(row: Mapping[str, Any]) -> RiskRow:
    state = _state(row)
    possible = " or ".join(row["possible_classes"])
    result = {_OPEN: possible, _FOREIGN: "does not apply"}.get(state, row["class"])
    return RiskRow(
        classifier=row["classifier"],
        version=row["version"],
        result=plain_word(result),
        why=_why(row, state),
        source=row["source"],
        evidence=row["evidence"],
        note=_note(row),
    )


def _why(row: Mapping[str, Any], state: str) -> str:
    deciding, missing = _words(row["deciding_inputs"]), _words(row["missing_inputs"])
    if state == _OPEN:
        return f"decided by {deciding or missing}" if deciding or missing else ""
    used = ", ".join(plain_word(text.replace("=", " ", 1)) for text in row["used_inputs"])
    parts = [used] if used else []
    parts += [f"not stated: {missing}"] if missing else []
    return "; ".join(parts)


def _note(row: Mapping[str, Any]) -> str:
    boundary = row["boundary"]
    at_cut = ", ".join(boundary if isinstance(boundary, list) else boundary.split(";"))
    parts = [str(row.get("note", "")), f"on the cut-off: {plain_word(at_cut)}" if at_cut else ""]
    return "; ".join(part for part in parts if part)


def _words(names: Sequence[str]) -> str:
    return ", ".join(plain_word(name) for name in names)
