"""The report of ``cohort survival``: tables, notes, and published figures beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlpa_caller.cohort.events import PER_YEAR, Outcome
from mlpa_caller.cohort.grouping import Grouping, make_grouping, numbers_of
from mlpa_caller.cohort.hazard import adjusted_hazards
from mlpa_caller.cohort.patients import Patients
from mlpa_caller.cohort.published import published_section
from mlpa_caller.cohort.report import Report, Section, table_of
from mlpa_caller.cohort.sources import Sources
from mlpa_caller.cohort.survival import (
    DEFAULT_HORIZONS,
    Analysis,
    Part,
    analyse,
    check_pair,
    make_part,
)
from mlpa_caller.datatypes import BoolArray, FloatArray, Table, text_array
from mlpa_caller.errors import InputError, UsageError, shown

__all__ = ["check_times", "endpoint_name", "everybody", "survival_report"]


def endpoint_name(outcome: Outcome) -> str:
    """Return the usual abbreviation in the names of the columns (OS, EFS, ...), else ``EFS``."""
    words = f"{outcome.time_column}_{outcome.event_column}".lower().replace("-", "_").split("_")
    for name in ("efs", "lfs", "dfs", "rfs", "pfs", "os"):
        if name in words:
            return name.upper()
    return "EFS"


def everybody(patients: Patients) -> Grouping:
    """Return one group of all patients."""
    n = len(patients)
    return Grouping("all", "all", ("all",), np.zeros(n, dtype=np.int64), text_array([""] * n), "all")


def check_times(patients: Patients, first: Outcome, overall: Outcome) -> None:
    """Refuse a patient whose first event or follow-up lies after the end of overall survival.

    Raises
    ------
    SampleSheetError
        With the line.
    """
    a, b = first.time / PER_YEAR[first.unit], overall.time / PER_YEAR[overall.unit]
    with np.errstate(invalid="ignore"):
        late = (a > b * (1 + 1e-9)) & (b >= 0)
    for row in np.flatnonzero(late).tolist():
        raise patients.error(row, f"{first.time_column} ends after {overall.time_column}",
                             "overall survival lasts at least until the first event: check the dates")  # fmt: skip


def survival_report(
    patients: Patients,
    outcome: Outcome,
    by: Grouping,
    *,
    endpoint: str = "",
    overall: Outcome | None = None,
    within: Grouping | None = None,
    horizons: Sequence[float] = DEFAULT_HORIZONS,
    variance: str = "aalen",
    reference: str = "",
    adjust: Sequence[str] = (),
) -> Report:
    """Analyse outcome by groups.

    Parameters
    ----------
    patients
        The patients' table.
    outcome
        First events, perhaps with competing events.
    by
        The groups.
    endpoint
        Name of survival without event; from the columns' names when empty.
    overall
        Overall survival, for a second curve and the identities between the two.
    within
        Repeat everything inside each of these groups too.
    horizons
        Years at which rates are given; beyond the follow-up there is no rate.
    variance
        Estimator behind the intervals of cumulative incidences.
    reference
        Group that hazard ratios refer to; the first when empty.
    adjust
        Columns of numbers or groups that a Cox model of `by` takes into account.

    Raises
    ------
    UsageError
        If the reference is no group, or a horizon or estimator cannot be.
    InputError
        If no patient has group, time and event.
    """
    names = [endpoint or endpoint_name(outcome)]
    chosen = _reference(by, reference)
    outcomes = [outcome]
    if overall is not None:
        check_times(patients, outcome, overall)
        outcomes.append(overall)
        names.append("OS")
    masks: list[tuple[str, BoolArray | None]] = [("", None)]
    if within is not None:
        masks += [(f"{within.title} {level}", within.code == i) for i, level in enumerate(within.levels)]
    parts, identities = [], []
    for subset, mask in masks:
        own = [make_part(one, by, name, subset=subset, within=mask) for one, name in zip(outcomes, names)]
        parts += own
        if len(own) == 2:
            identities += check_pair(own[0], own[1])
    if not len(parts[0].time):
        raise InputError("no patient has a known group, time and event", file=patients.source or None,
                         remedy="check the columns named by --time, --event and --by")  # fmt: skip
    found = analyse(parts, horizons=horizons, variance=variance, reference=chosen)
    found.identities.extend(identities)
    sections = _sections(found, by, variance)
    if adjust:
        sections.append(_adjusted(patients, outcome, by, chosen, adjust))
    published = published_section(by)
    if published is not None:
        sections.append(published)
    sections.append(_curve_section(parts))
    title = f"{' and '.join(names)} of {len(parts[0].time)} patients by {by.name}"
    facts, notes = _facts(patients, outcome, by, names), _notes(outcome, by, parts[0])
    figures = tuple(("curves", part) for part in parts if not part.subset)
    return Report("survival", title, facts, tuple(sections), notes, figures)


def _facts(patients: Patients, outcome: Outcome, by: Grouping, names: Sequence[str]) -> dict[str, Any]:
    return {
        "patients": len(patients),
        "by": by.name,
        "endpoints": list(names),
        "unit": outcome.unit,
        "groups": dict(zip(by.levels, by.counts().tolist())),
        "excluded": by.excluded(),
        "excluded_outcome": dict(outcome.excluded),
        "lost_to_follow_up": outcome.n_lost,
        "loss_is_event": outcome.loss_is_event,
    }


def _reference(by: Grouping, name: str) -> int:
    if not name:
        return 0
    if name not in by.levels:
        raise UsageError(f"--reference {shown(name)} is no group of {by.name}",
                         remedy=f"choose of {', '.join(by.levels)}")  # fmt: skip
    return by.levels.index(name)


def _notes(outcome: Outcome, by: Grouping, part: Part) -> tuple[str, ...]:
    notes = [f"left out, {by.title} not known: {n} ({reason})" for reason, n in by.excluded().items()]
    notes += [f"left out: {n} ({reason})" for reason, n in outcome.excluded.items()]
    if not outcome.unit_stated:
        notes.append(
            f"The unit of {outcome.time_column} is not stated and was taken as years; --unit says otherwise."
        )
    if outcome.n_lost:
        how = (
            "counted as events (--loss-is-event)"
            if outcome.loss_is_event
            else "censored (--loss-is-event counts them)"
        )
        notes.append(f"{outcome.n_lost} lost to follow-up, {how}.")
    elif outcome.loss_is_event:
        notes.append("--loss-is-event changes nothing: nobody is marked as lost to follow-up.")
    if len(outcome.kinds) > 1 and len(outcome.causes) == 1:
        kinds = ", ".join(outcome.kinds)
        notes.append(
            f"Any first event counts ({kinds}); --competing gives cumulative incidences of one kind."
        )
    if not (part.cause > 0).any():
        notes.append("Nobody had an event: survival stays at 100 % and nothing can be compared.")
    return tuple(notes)


_HEAD = ("endpoint", "subset", "group")


def _sections(found: Analysis, by: Grouping, variance: str) -> list[Section]:
    columns: tuple[str, ...]
    sections = [
        Section("follow_up", "Follow-up", table_of(found.follow_up, (*_HEAD, "patients", "events", "events_by_kind",
                "time_zero_events", "median_follow_up_years", "longest_years", "median_event_years", "reason")),
                ("Median follow-up: reverse Kaplan-Meier.",)),
        Section("rates", "Rates", table_of(found.rates, (*_HEAD, "years", "percent", "percent_low", "percent_high",
                "standard_error", "at_risk", "reason")),
                ("Kaplan-Meier; standard error after Greenwood, 95 % interval log(-log).",)),
    ]  # fmt: skip
    if found.incidence:
        named = {
            "aalen": "the counting-process estimator of R's cmprsk",
            "delta": "the delta-method estimator",
        }
        note = (
            f"Aalen-Johansen; standard_error: {named['aalen']}; standard_error_delta: {named['delta']} (Greenwood's "
            f"kind); 95 % interval log(-log) from {named[variance]}."
        )
        columns = (*_HEAD, "event", "years", "percent", "percent_low", "percent_high", "standard_error",
                   "standard_error_delta", "variance", "at_risk", "reason")  # fmt: skip
        sections.append(
            Section("incidence", "Cumulative incidence", table_of(found.incidence, columns), (note,))
        )
    if len(by.levels) > 1:
        columns = ("endpoint", "subset", "event", "test", "statistic", "df", "p", "reason")
        sections.append(Section("tests", "Groups compared", table_of(found.tests, columns)))
        columns = ("endpoint", "subset", "event", "group", "against", "observed", "expected", "hazard_ratio", "low",
                   "high", "p", "coefficient", "coefficient_error", "reason")  # fmt: skip
        notes = ("Cox model, ties after Efron, Wald interval and p; of one kind of event: cause-specific.",)
        sections.append(Section("hazards", "Hazard ratios", table_of(found.hazards, columns), notes))
    if found.identities:
        columns = (*_HEAD, "identity", "largest_difference_percent", "holds")
        sections.append(Section("identities", "Identities checked", table_of(found.identities, columns)))
    at_risk = table_of(found.at_risk, (*_HEAD, "years", "at_risk"))
    sections.append(Section("at_risk", "Numbers at risk", at_risk, shown=_wide_at_risk(found)))
    return sections


def _wide_at_risk(found: Analysis) -> Table:
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    times: dict[float, str] = {}
    for row in found.at_risk:
        times[row["years"]] = f"{row['years']:.3g} y"
        key = (row["endpoint"], row["subset"], row["group"])
        rows.setdefault(key, dict(zip(_HEAD, key)))[times[row["years"]]] = str(row["at_risk"])
    return table_of(list(rows.values()), (*_HEAD, *(times[years] for years in sorted(times))))


def _curve_section(parts: Sequence[Part]) -> Section:
    """Return every step of every curve, for the file only."""
    columns: dict[str, list[FloatArray]] = {name: [] for name in
        ("years", "percent", "percent_low", "percent_high", "at_risk", "events", "censored")}  # fmt: skip
    labels: dict[str, list[str]] = {"endpoint": [], "subset": [], "group": []}
    for part in parts:
        for _, name, curve in part.present():
            n = len(curve.time)
            for key, word in zip(labels, (part.endpoint, part.subset, name)):
                labels[key] += [word] * n
            values = (curve.time / PER_YEAR[part.outcome.unit], 100 * curve.value, 100 * curve.low,
                      100 * curve.high, curve.at_risk, curve.events, curve.censored)  # fmt: skip
            for key, value in zip(columns, values):
                columns[key].append(value)
    table: dict[str, Any] = {key: text_array(words) for key, words in labels.items()}
    for key, pieces in columns.items():
        joined = np.concatenate(pieces) if pieces else np.zeros(0)
        table[key] = joined.astype(np.int64) if key in ("at_risk", "events", "censored") else joined
    return Section("curves", "Every step of the curves", Table(table), file_only=True)


def _adjusted(
    patients: Patients, outcome: Outcome, by: Grouping, reference: int, adjust: Sequence[str]
) -> Section:
    """Return the Cox model of the groups and further covariates; patients with anything unknown are left out."""
    keep = outcome.known & (by.code >= 0)
    covariates: dict[str, FloatArray] = {}
    for g, level in enumerate(by.levels):
        if g != reference:
            covariates[f"{by.title} {level}"] = (by.code == g).astype(np.float64)
    for word in adjust:
        for name, values in _covariates(patients, word):
            keep &= ~np.isnan(values)
            covariates[name] = values
    chosen = {name: values[keep] for name, values in covariates.items()}
    rows = [
        {"covariate": ratio.name, "hazard_ratio": ratio.ratio, "low": ratio.low, "high": ratio.high, "p": ratio.p,
         "coefficient": ratio.coefficient, "coefficient_error": ratio.error, "reason": ratio.reason}
        for ratio in adjusted_hazards(outcome.time[keep], outcome.kind[keep] > 0, chosen)
    ]  # fmt: skip
    columns = ("covariate", "hazard_ratio", "low", "high", "p", "coefficient", "coefficient_error", "reason")
    notes = (f"Cox model of {int(keep.sum())} patients with all covariates known, any first event, ties after Efron; "
             f"groups against {by.levels[reference]}.",)  # fmt: skip
    return Section("adjusted", "Adjusted hazard ratios", table_of(rows, columns), notes)


def _covariates(patients: Patients, word: str) -> list[tuple[str, FloatArray]]:
    if word in patients.clinical.numbers:
        numbers = numbers_of(patients, word, "--adjust")
        return [(word, np.where(numbers.low == numbers.high, numbers.low, np.nan))]
    grouping = make_grouping(Sources(patients), word, "--adjust")
    out = []
    for level in range(1, len(grouping.levels)):
        values = np.where(grouping.code < 0, np.nan, (grouping.code == level).astype(np.float64))
        out.append((f"{grouping.title} {grouping.levels[level]}", values))
    return out
