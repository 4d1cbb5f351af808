"""Control limits and the rules that tell a drift from chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray
from mlpa_caller.errors import MlpaError
from mlpa_caller.refdata import reference_rows

__all__ = ["Limits", "Rule", "broken", "limits", "parameter", "rules"]

_SHAPES = ("beyond", "opposite")


@dataclass(frozen=True, slots=True)
class Rule:
    """A control rule.

    Attributes
    ----------
    name
        As it is written in the field: ``1-3s``, ``10-x``, ...
    points
        Number of points in a row it looks at.
    limit
        Distance from the mean, in standard deviations, that they exceed.
    opposite
        They lie on opposite sides of the mean; else on the same side.
    severity
        ``warning`` or ``reject``.
    meaning, detects
        In words.
    """

    name: str
    points: int
    limit: float
    opposite: bool
    severity: str
    meaning: str
    detects: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Mean and standard deviation of a figure, and the number of runs they are taken from."""

    mean: float
    sd: float
    runs: int


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return the rules of ``reference/trend/westgard.csv``."""
    name = "trend/westgard.csv"
    return tuple(
        Rule(
            row["rule"], int(_number(row, name, "points")), _number(row, name, "limit_sd"),
            _word(row, name, "shape", _SHAPES) == "opposite",
            _word(row, name, "severity", ("warning", "reject")), row["meaning"], row["detects"],
        )
        for row in reference_rows(name)
    )  # fmt: skip


@lru_cache(maxsize=1)
def _parameters() -> Mapping[str, float]:
    name = "trend/parameters.csv"
    return {row["parameter"]: _number(row, name, "value") for row in reference_rows(name)}


def parameter(name: str) -> int:
    """Return a whole number of ``reference/trend/parameters.csv``."""
    return int(_parameters()[name])


def _number(row: Mapping[str, str], name: str, column: str) -> float:
    try:
        return float(row[column])
    except (KeyError, ValueError):
        raise MlpaError(
            f"reference file {name} has no number in column {column} of {dict(row)}",
            remedy="install mlpa-caller again from its wheel",
        ) from None


def _word(row: Mapping[str, str], name: str, column: str, known: tuple[str, ...]) -> str:
    if row.get(column) not in known:
        raise MlpaError(
            f"reference file {name} has no {' or '.join(known)} in column {column} of {dict(row)}",
            remedy="install mlpa-caller again from its wheel",
        )
    return row[column]


def limits(values: FloatArray, baseline: int) -> Limits:
    """Return mean and standard deviation of the first `baseline` values.

    Parameters
    ----------
    values
        ``(runs,)`` in order of time, without missing ones.
    baseline
        Number of runs to take; all where there are fewer.

    Returns
    -------
    Limits
        NaN where there are fewer than ``minimum_runs`` values, or all are the same.
    """
    first = values[:baseline]
    if len(first) < parameter("minimum_runs") or np.ptp(first) == 0.0:
        return Limits(float("nan"), float("nan"), len(first))
    return Limits(float(first.mean()), float(first.std(ddof=1)), len(first))


def broken(z: FloatArray, rule: Rule) -> BoolArray:
    """Return where a rule is broken: at the point with which it is.

    Parameters
    ----------
    z
        ``(runs,)`` distances from the mean in standard deviations, in order of time; NaN breaks no rule.
    rule
        The rule.

    Returns
    -------
    ``(runs,)``

    References
    ----------
    Westgard JO, Barry PL, Hunt MR, Groth T. A multi-rule Shewhart chart for quality control in clinical
    chemistry. Clin Chem 1981;27:493-501.
    """
    above, below = z > rule.limit, z < -rule.limit
    out: BoolArray = np.zeros(len(z), dtype=np.bool_)
    if rule.opposite:
        out[1:] = (above[1:] & below[:-1]) | (below[1:] & above[:-1])
        return out
    for side in (above, below):
        out |= _in_a_row(side) >= rule.points
    return out


def _in_a_row(which: BoolArray) -> FloatArray:
    """Return, for each point, how many points in a row up to it are True."""
    count = np.cumsum(which)
    last = np.maximum.accumulate(np.where(which, 0, count))
    return np.asarray(count - last, dtype=np.float64)
