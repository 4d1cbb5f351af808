"""Groups compared over time: log-rank, Breslow, and hazard ratios after Cox with Efron's ties.

Log-rank and Breslow (generalised Wilcoxon, weights = patients at risk) are those of ``lifelines``, as are Cox
models with further covariates. The Cox model of groups alone needs only the counts at the event times and is
solved here from them (Newton-Raphson, converged to 1e-12), because a general fit takes seconds for 100,000 patients.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlpa_caller.cohort.competing import TestResult
from mlpa_caller.cohort.counting import RiskTable, risk_table
from mlpa_caller.cohort.extra import library
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.errors import InputError

__all__ = ["HazardRatio", "adjusted_hazards", "hazard_ratios", "log_rank", "observed_expected"]

_Z = 1.959963984540054
_LARGEST = 25.0
"""A coefficient beyond this is running to infinity."""


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """A hazard ratio; NaN with a reason where there is none.

    Attributes
    ----------
    name
        Group or covariate.
    ratio, low, high, p
        Hazard ratio, 95 % interval and p-value (Wald).
    coefficient, error
        ln of the ratio and its standard error.
    """

    name: str
    ratio: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    coefficient: float = np.nan
    error: float = np.nan
    reason: str = ""


def _counts(time: FloatArray, event: BoolArray, group: IntArray, n_groups: int) -> RiskTable:
    return risk_table(time, event.astype(np.int64), group, n_groups, 1)


def observed_expected(
    time: FloatArray, event: BoolArray, group: IntArray, n_groups: int
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return the observed events of each group and those expected if the groups did not differ."""
    table = _counts(time, event, group, n_groups)
    every = table.events[0].sum(axis=1, keepdims=True)
    share = table.at_risk / table.at_risk.sum(axis=1, keepdims=True)
    return table.events[0].sum(axis=0), (every * share).sum(axis=0)


def log_rank(
    time: FloatArray, event: BoolArray, group: IntArray, n_groups: int, *, breslow: bool = False
) -> TestResult:  # fmt: skip
    """Compare survival between groups.

    Parameters
    ----------
    time, event, group
        ``(patients,)``.
    n_groups
        Number of groups; those without patients are left out, as are those that have nobody at risk at any
        event (they say nothing, and R's ``survdiff`` drops them too).
    breslow
        Weigh every event by the patients at risk.

    Returns
    -------
    TestResult
        With a reason and no p-value where there is nothing to compare.
    """
    if not event.any():
        return TestResult(reason="no event in any group")
    table = _counts(time, event, group, n_groups)
    useful = table.at_risk.max(axis=0) > 0
    if useful.sum() < 2:
        return TestResult(reason="fewer than two groups with patients at risk at an event")
    every = table.events[0].sum(axis=1)
    telling = every < table.at_risk.sum(axis=1)  # where everybody has the event, nobody is compared
    if not _joined(table.at_risk[telling][:, useful] > 0):
        return TestResult(reason="the groups were never at risk at the same time of an event")
    keep = useful[group]
    kind = "wilcoxon" if breslow else None
    test = library("lifelines.statistics").multivariate_logrank_test
    found = test(time[keep], group[keep], event[keep], weightings=kind)
    return TestResult(float(found.test_statistic), int(useful.sum()) - 1, float(found.p_value))


def _joined(present: BoolArray) -> bool:
    """Return whether every group is linked to every other by times at which both have patients at risk."""
    if not present.size:
        return False
    linked = (present.T.astype(np.int64) @ present.astype(np.int64)) > 0
    reached = linked[0]
    for _ in range(len(linked)):
        reached = reached | linked[reached].any(axis=0)
    return bool(reached.all())


def hazard_ratios(
    time: FloatArray, event: BoolArray, group: IntArray, names: tuple[str, ...], reference: int = 0
) -> list[HazardRatio]:
    """Return the hazard ratio of every group against one of them (Cox model, Efron's ties).

    Parameters
    ----------
    time, event, group
        ``(patients,)``.
    names
        Of the groups.
    reference
        The group that the others are compared with.
    """
    table = _counts(time, event, group, len(names))
    deaths = table.events[0].sum(axis=0)
    others = [g for g in range(len(names)) if g != reference]
    patients = np.bincount(group, minlength=len(names))
    if patients[reference] == 0 or deaths[reference] == 0:
        what = "patient" if patients[reference] == 0 else "event"
        reason = f"no {what} in the reference group {names[reference]}"
        return [HazardRatio(names[g], reason=reason) for g in others]
    solved = [g for g in others if deaths[g] > 0]
    fit = _newton(table, [reference, *solved]) if solved else None
    rows = []
    for g in others:
        if g not in solved:
            reason = "no event in this group" if patients[g] else "no patient in this group"
            rows.append(HazardRatio(names[g], reason=reason))
        elif fit is None:
            rows.append(
                HazardRatio(names[g], reason="no finite ratio: the groups are never compared at an event")
            )
        else:
            place = solved.index(g)
            rows.append(_ratio(names[g], float(fit[0][place]), float(fit[1][place])))
    return rows


def _ratio(name: str, coefficient: float, error: float) -> HazardRatio:
    from scipy.stats import norm

    if abs(coefficient) > _LARGEST or not np.isfinite(error):
        return HazardRatio(name, reason="no finite ratio: events in one group precede all of the other")
    ratio, low, high = np.exp([coefficient, coefficient - _Z * error, coefficient + _Z * error]).tolist()
    p = float(2 * norm.sf(abs(coefficient / error)))
    return HazardRatio(name, ratio, low, high, p, coefficient, error)


def _newton(table: RiskTable, columns: list[int]) -> tuple[FloatArray, FloatArray] | None:
    """Return coefficients against the first column, and their standard errors; None when there is no maximum."""
    events, at_risk = table.events[0][:, columns], table.at_risk[:, columns]
    every = events.sum(axis=1).astype(np.int64)
    row = np.repeat(np.arange(len(every)), every)
    # Efron: the l-th of d tied events meets the risk set less l/d of the tied patients.
    order = np.arange(len(row)) - np.repeat(np.cumsum(every) - every, every)
    weight = at_risk[row] - (order / every[row])[:, None] * events[row]
    observed = events.sum(axis=0)[1:]
    beta = np.zeros(len(columns) - 1)
    likelihood = -np.inf
    step = beta
    for _ in range(100):
        hazard = weight * np.exp(np.concatenate(([0.0], beta)))
        total = hazard.sum(axis=1, keepdims=True)
        now = float(observed @ beta - np.log(total).sum())
        if now < likelihood - 1e-9 * abs(likelihood):
            step = step / 2
            beta = beta - step
            continue
        likelihood = now
        share = hazard[:, 1:] / total
        information = np.diag(share.sum(axis=0)) - share.T @ share
        if np.linalg.matrix_rank(information) < len(beta):
            return None
        step = np.linalg.solve(information, observed - share.sum(axis=0))
        if np.abs(step).max() < 1e-12 * max(1.0, float(np.abs(beta).max())) or np.abs(beta).max() > _LARGEST:
            break
        beta = beta + np.clip(step, -5, 5)
    error: FloatArray = np.sqrt(np.diag(np.linalg.inv(information)))
    return beta, error


def adjusted_hazards(
    time: FloatArray, event: BoolArray, covariates: Mapping[str, FloatArray]
) -> list[HazardRatio]:  # fmt: skip
    """Return the hazard ratios of a Cox model with several covariates (``lifelines``, Efron's ties).

    Parameters
    ----------
    time, event
        ``(patients,)``.
    covariates
        ``(patients,)`` numbers by name; all known.

    Raises
    ------
    InputError
        If the model has no solution: a covariate is constant, two say the same, or one separates the events.
    """
    import pandas as pd

    names = [f"x{i}" for i in range(len(covariates))]
    frame = pd.DataFrame(dict(zip(names, covariates.values())))
    constant = [name for name, values in covariates.items() if len(values) == 0 or np.ptp(values) == 0]
    if constant or not event.any():
        why = f"{', '.join(constant)} is the same in all patients" if constant else "there is no event"
        raise InputError(f"the Cox model cannot be fitted: {why}", remedy="leave the covariate out")
    exceptions = library("lifelines.exceptions")
    frame = frame.assign(time=time, event=event.astype(np.int64))
    ties = len(np.unique(time)) < len(time) / 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fit = library("lifelines").CoxPHFitter().fit(frame, "time", "event", batch_mode=ties,
                fit_options={"precision": 1e-14, "r_precision": 1e-16})  # fmt: skip
        except (exceptions.ConvergenceError, exceptions.ConvergenceWarning, exceptions.StatisticalWarning,
                RuntimeWarning, np.linalg.LinAlgError) as error:  # fmt: skip
            raise InputError(
                "the Cox model has no finite solution (a covariate separates the events, or two say the same)",
                remedy="leave a covariate out or join small groups",
            ) from error
    values = zip(covariates, fit.params_.to_numpy(), fit.standard_errors_.to_numpy())
    return [_ratio(name, float(coefficient), float(error)) for name, coefficient, error in values]
