"""Kaplan-Meier curves with Greenwood's log(-log) intervals, and follow-up by the reverse curve.

The estimates are those of ``lifelines``; intervals agree with R's ``survfit(conf.type = "log-log")``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.cohort.extra import library
from mlpa_caller.datatypes import BoolArray, FloatArray

__all__ = ["Curve", "Estimate", "kaplan_meier", "median_time", "reverse_median"]

_Z = 1.959963984540054
"""97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Survival at one time; NaN where it cannot be given, with the reason.

    Attributes
    ----------
    value, low, high, error
        Probability, 95 % interval (log(-log), Greenwood) and Greenwood's standard error.
    at_risk
        Patients whose time is this one or later.
    reason
        Why a number is missing.
    """

    value: float
    low: float
    high: float
    error: float
    at_risk: int
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A Kaplan-Meier curve.

    Attributes
    ----------
    time
        ``(times,)`` distinct times, increasing, starting with 0.
    value, low, high, error
        ``(times,)`` survival, its interval (NaN while it is 1 or once it is 0) and standard error.
    at_risk, events, censored
        ``(times,)`` counts.
    n
        Number of patients.
    """

    time: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    error: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    n: int

    @property
    def longest(self) -> float:
        """The longest time anybody was followed."""
        return float(self.time[-1])

    def at_risk_at(self, time: float) -> int:
        """Return how many patients have this time or a later one."""
        place = int(np.searchsorted(self.time, time, side="left"))
        return int(self.at_risk[place]) if place < len(self.time) else 0

    def at(self, time: float) -> Estimate:
        """Return survival at a time; nothing beyond the longest follow-up, unless everybody had an event."""
        if time > self.longest and self.value[-1] > 0:
            return Estimate(np.nan, np.nan, np.nan, np.nan, 0, "nobody was followed this long")
        place = int(np.searchsorted(self.time, time, side="right")) - 1
        value = float(self.value[place])
        reason = f"no interval at {100 * value:.0f} %" if value in (0.0, 1.0) else ""
        return Estimate(value, float(self.low[place]), float(self.high[place]), float(self.error[place]),
                        self.at_risk_at(time), reason)  # fmt: skip


def kaplan_meier(time: FloatArray, event: BoolArray) -> Curve:
    """Estimate survival of one group.

    Parameters
    ----------
    time
        ``(patients,)`` at least one, not negative.
    event
        ``(patients,)`` whether the time is that of an event.
    """
    fitted = library("lifelines").KaplanMeierFitter().fit(time, event)
    table = fitted.event_table
    at_risk = table["at_risk"].to_numpy(dtype=np.float64)
    events = table["observed"].to_numpy(dtype=np.float64)
    value = np.clip(fitted.survival_function_.iloc[:, 0].to_numpy(dtype=np.float64), 0.0, 1.0)
    value[np.cumsum(events) == 0] = 1.0
    left = at_risk - events
    value[np.maximum.accumulate(left == 0)] = 0.0
    terms = np.divide(events, at_risk * left, out=np.zeros_like(events), where=left > 0)
    root = np.sqrt(np.cumsum(terms))
    low, high = np.full((2, len(value)), np.nan)
    inner = (value > 0) & (value < 1)
    log = np.log(value[inner])
    half = _Z * root[inner] / np.abs(log)
    low[inner] = np.exp(log * np.exp(half))
    high[inner] = np.exp(log * np.exp(-half))
    censored = table["censored"].to_numpy(dtype=np.float64)
    return Curve(table.index.to_numpy(dtype=np.float64), value, low, high, value * root, at_risk, events, censored,
                 len(time))  # fmt: skip


def median_time(curve: Curve) -> float:
    """Return the time by which half had the event; NaN when it is not reached.

    Where survival is exactly one half for a while, the middle of that while, as R's ``survfit`` prints.
    """
    drop = np.flatnonzero(curve.events > 0)
    value = curve.value[drop]
    below = np.flatnonzero(value <= 0.5 + 1e-12)
    if not len(below):
        return np.nan
    first = int(below[0])
    if abs(value[first] - 0.5) < 1e-9 and first + 1 < len(drop):
        return float((curve.time[drop[first]] + curve.time[drop[first + 1]]) / 2)
    return float(curve.time[drop[first]])


def reverse_median(time: FloatArray, event: BoolArray) -> float:
    """Return the median follow-up by the reverse Kaplan-Meier curve (events and censoring exchanged).

    NaN when more than half had their event before their follow-up could end.
    """
    return median_time(kaplan_meier(time, ~event))
