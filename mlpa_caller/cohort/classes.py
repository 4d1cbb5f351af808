"""The report of ``cohort classifiers``: outcome by the classes of every rule, with the published figures beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlpa_caller.cohort.events import Outcome
from mlpa_caller.cohort.grouping import make_grouping
from mlpa_caller.cohort.outcomes import endpoint_name
from mlpa_caller.cohort.published import COLUMNS as PUBLISHED
from mlpa_caller.cohort.published import NOTE, published_rows
from mlpa_caller.cohort.report import Report, Section, table_of
from mlpa_caller.cohort.sources import Sources
from mlpa_caller.cohort.survival import Analysis, analyse, make_part
from mlpa_caller.errors import UsageError
from mlpa_caller.risk import load_rules

__all__ = ["classifier_report"]


def classifier_report(
    sources: Sources,
    outcome: Outcome,
    *,
    classifiers: Sequence[str] = (),
    endpoint: str = "",
    horizon: float = 3.0,
) -> Report:
    """Apply the classifiers to a cohort: outcome by class, with the published figures beside.

    Parameters
    ----------
    sources
        Patients' table, and calls where there are.
    outcome
        First events.
    classifiers
        Identifiers; all that need no more than the given files when empty.
    endpoint
        Name of survival without event.
    horizon
        Years at which rates are given.

    Raises
    ------
    UsageError
        If a classifier is unknown, or needs the calls.
    """
    rules = load_rules()
    chosen = list(classifiers) or [name for name, rule in rules.items() if rule.status != "on_request"]
    name = endpoint or endpoint_name(outcome)
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    published: list[dict[str, Any]] = []
    not_shown = []
    for rule in chosen:
        try:
            by = make_grouping(sources, f"classifier:{rule}", "--classifier")
        except UsageError:
            if classifiers:
                raise
            not_shown.append(rule)
            continue
        part = make_part(outcome, by, name)
        if not len(part.time):
            not_shown.append(rule)
            continue
        found = analyse([part], horizons=(horizon,))
        rows += _rates(rule, found, sum(by.excluded().values()))
        test = found.tests[0]
        tests.append(
            {"classifier": rule, **{key: test[key] for key in ("test", "statistic", "df", "p", "reason")}}
        )
        published += [{"classifier": rule, **row} for row in published_rows(rule)]
    columns = ("classifier", "class", "patients", "events", "years", "percent", "percent_low", "percent_high",
               "standard_error", "at_risk", "left_out", "reason", "published")  # fmt: skip
    sections = [
        Section("outcomes", f"{name} by class", table_of(rows, columns),
                ("Kaplan-Meier, Greenwood, log(-log); left_out: class not known or not applicable.",)),
        Section("tests", "Classes compared", table_of(tests, ("classifier", "test", "statistic", "df", "p", "reason"))),
        Section("published", "Published figures", table_of(published, ("classifier", *PUBLISHED)),
                (NOTE,)),
    ]  # fmt: skip
    notes: tuple[str, ...] = (
        (f"Not shown, no patient can be classified: {', '.join(not_shown)}.",) if not_shown else ()
    )
    facts = {"patients": len(sources.patients), "endpoint": name, "unit": outcome.unit,
             "excluded_outcome": dict(outcome.excluded), "not_shown": not_shown}  # fmt: skip
    if not outcome.unit_stated:
        notes += (
            f"The unit of {outcome.time_column} is not stated and was taken as years; --unit says otherwise.",
        )
    return Report("classifiers", f"{name} of {len(sources.patients)} patients under {len(chosen)} classifiers", facts,
                  tuple(sections), notes)  # fmt: skip


def _rates(rule: str, found: Analysis, left_out: int) -> Iterator[dict[str, Any]]:
    """Give the rate of each class, with its published figure beside."""
    for row, follow in zip(found.rates, [row for row in found.follow_up if row["patients"]]):
        rate = {key: value for key, value in row.items() if key != "group"}
        yield {"classifier": rule, "class": row["group"], **rate, "patients": follow["patients"],
               "events": follow["events"], "left_out": left_out,
               "published": _beside(rule, row["group"])}  # fmt: skip


def _beside(rule: str, name: str) -> str:
    """Return the first published rate of a class, in words."""
    for row in published_rows(rule):
        if row["class"] == name and row["percent"] is not None:
            error = f" +- {row['standard_error']:g}" if row["standard_error"] is not None else ""
            n = f", n = {row['n']}" if row["n"] is not None else ""
            return f"{row['percent']:g}{error} % ({row['endpoint']}, {row['time']}{n})"
    return ""
