"""Published outcomes of a classifier's classes, as the rules in ``reference/risk`` quote them."""

from __future__ import annotations

from typing import Any

from mlpa_caller.cohort.grouping import Grouping
from mlpa_caller.cohort.report import Section, table_of
from mlpa_caller.risk import load_rules

__all__ = ["COLUMNS", "NOTE", "published_rows", "published_section"]

COLUMNS = (
    "class",
    "endpoint",
    "time",
    "percent",
    "standard_error",
    "percent_low",
    "percent_high",
    "n",
    "source",
)
NOTE = "Other patients under other protocols: for orientation, not for comparison by a test."


def published_rows(classifier: str) -> list[dict[str, Any]]:
    """Return the published outcomes of a classifier's classes, one row each."""
    rules = load_rules()
    if classifier not in rules:
        return []
    return [
        {"class": item.get("class", ""), "endpoint": item.get("endpoint", ""), "time": item.get("time", ""),
         "percent": item.get("percent"), "standard_error": item.get("standard_error"),
         "percent_low": item.get("ci_low"), "percent_high": item.get("ci_high"), "n": item.get("n"),
         "source": item.get("source", "")}
        for item in rules[classifier].data.get("outcomes", ())
    ]  # fmt: skip


_PUBLISHED = (
    "class",
    "endpoint",
    "time",
    "percent",
    "standard_error",
    "percent_low",
    "percent_high",
    "n",
    "source",
)


def _rule_of(by: Grouping) -> str:
    """Return the classifier whose figures belong to the groups: the rule itself, or the one of the gene alone."""
    if by.kind == "classifier":
        return by.title
    if by.kind == "gene":
        for name, rule in load_rules().items():
            if [(item.kind, item.source) for item in rule.inputs] == [("gene", by.title)]:
                return name
    return ""


def published_section(by: Grouping) -> Section | None:
    """Return the published figures that belong to the groups; None when there are none."""
    rule = _rule_of(by)
    rows = published_rows(rule)
    if not rows:
        return None
    meaning = load_rules()[rule].data.get("class_meaning", {})
    classes = dict.fromkeys(row["class"] for row in rows)
    notes = [f"{name}: {meaning[name]}." for name in classes if name in meaning]
    return Section("published", f"Published figures ({rule})", table_of(rows, COLUMNS), (*notes, NOTE))
