"""Control limits and Westgard rules: against their plain wording, and on sequences worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlpa_caller.errors import MlpaError
from mlpa_caller.refdata import reference_rows
from mlpa_caller.trend import rules as room
from mlpa_caller.trend.rules import Rule, broken, limits, parameter, rules

BY_NAME = {rule.name: rule for rule in rules()}


def plainly(z: list[float], rule: Rule) -> list[bool]:
    """The rules as they are told, a point at a time."""
    out = []
    for i in range(len(z)):
        last = z[max(0, i - rule.points + 1) : i + 1]
        if len(last) < rule.points:
            out.append(False)
        elif rule.opposite:
            out.append(min(last) < -rule.limit and max(last) > rule.limit)
        else:
            out.append(
                all(value > rule.limit for value in last) or all(value < -rule.limit for value in last)
            )
    return out


def test_the_rules_are_the_six():
    assert list(BY_NAME) == ["1-2s", "1-3s", "2-2s", "R-4s", "4-1s", "10-x"]
    assert [name for name, rule in BY_NAME.items() if rule.severity == "warning"] == ["1-2s"]


@given(
    hnp.arrays(
        np.float64,
        st.integers(0, 40),
        elements=st.one_of(
            st.sampled_from([-3.1, -2.1, -1.1, -0.1, 0.0, 0.1, 1.1, 2.1, 3.1, np.nan]), st.floats(-4, 4)
        ),
    )
)
def test_every_rule_is_as_it_is_worded(z):
    for rule in rules():
        assert broken(z, rule).tolist() == plainly(z.tolist(), rule)


@pytest.mark.parametrize(
    ("name", "z", "where"),
    [
        ("1-2s", [0, 2.0, 2.01, -2.5, 1], [2, 3]),
        ("1-3s", [3.0, 3.2, -3.2, 2.9], [1, 2]),
        ("2-2s", [2.1, -2.1, -2.2, -2.3, 2.1, 2.2], [2, 3, 5]),
        ("R-4s", [2.1, -2.1, 0, 2.1, 0, -2.1], [1]),
        ("4-1s", [1.1, 1.2, 1.3, 1.1, 1.1, 0.9, 1.1], [3, 4]),
        ("4-1s", [1.1, 1.2, -1.3, 1.1, 1.1, 1.9], []),
        ("10-x", [0.1] * 11, [9, 10]),
        ("10-x", [0.1] * 5 + [0.0] + [0.1] * 9, []),
    ],
)
def test_sequences_worked_out_by_hand(name, z, where):
    assert np.flatnonzero(broken(np.array(z, dtype=float), BY_NAME[name])).tolist() == where


def test_limits_are_mean_and_sd_of_the_first_runs():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 100.0])
    found = limits(values, 5)
    assert (found.mean, found.runs) == (3.0, 5)
    assert found.sd == pytest.approx(np.sqrt(2.5))  # (4 + 1 + 0 + 1 + 4) / 4
    assert limits(values, 20).runs == 6
    for few in (values[:4], np.ones(9)):
        assert np.isnan(limits(few, 20).mean)
        assert not any(
            broken((few - limits(few, 20).mean) / limits(few, 20).sd, rule).any() for rule in rules()
        )


def test_reference_data_have_source_and_confidence(monkeypatch):
    for name in ("westgard", "parameters", "figures", "columns"):
        for row in reference_rows(f"trend/{name}.csv"):
            assert row["source"]
            assert row["confidence"] in ("measured", "read", "derived", "assumed", "unverified")
    assert (parameter("baseline_runs"), parameter("minimum_runs")) == (20, 5)
    rows = [{**row, "shape": "round"} for row in reference_rows("trend/westgard.csv")]
    monkeypatch.setattr(room, "reference_rows", lambda _: rows)
    with pytest.raises(MlpaError, match=r"trend/westgard\.csv has no beyond or opposite in column shape"):
        room.rules.__wrapped__()
    monkeypatch.setattr(room, "reference_rows", lambda _: [{**rows[0], "shape": "beyond", "points": "x"}])
    with pytest.raises(MlpaError, match=r"trend/westgard\.csv has no number in column points"):
        room.rules.__wrapped__()
