"""Who is at risk and who has an event, at every time something happens: what all survival statistics start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["RiskTable", "risk_table"]


@dataclass(frozen=True, slots=True, eq=False)
class RiskTable:
    """Counts at the distinct times at which anybody has an event.

    Attributes
    ----------
    time
        ``(times,)`` increasing.
    at_risk
        ``(times, groups)`` patients whose time is this one or later.
    events
        ``(causes, times, groups)`` events of each cause.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray


def risk_table(time: FloatArray, cause: IntArray, group: IntArray, n_groups: int, n_causes: int) -> RiskTable:
    """Count patients at risk and events at the distinct event times.

    A patient censored at a time is still at risk at it.

    Parameters
    ----------
    time
        ``(patients,)``, not negative.
    cause
        ``(patients,)`` 0 for censored, else the cause from 1.
    group
        ``(patients,)`` from 0.
    n_groups, n_causes
        How many there are.
    """
    happened: BoolArray = cause > 0
    times, place = np.unique(time[happened], return_inverse=True)
    events = np.zeros((n_causes, len(times), n_groups))
    np.add.at(events, (cause[happened] - 1, place.reshape(-1), group[happened]), 1.0)
    at_risk = np.empty((len(times), n_groups))
    for g in range(n_groups):
        own = np.sort(time[group == g])
        at_risk[:, g] = len(own) - np.searchsorted(own, times, side="left")
    return RiskTable(times, at_risk, events)
