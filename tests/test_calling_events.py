"""The list of hypotheses: counts, priors, and agreement with the plain enumeration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_caller import plain_space

from mlpa_caller.calling.events import MAX_PAIR_UNITS, EventPrior, event_space, ranges_of
from mlpa_caller.calling.rows import Event, events_of, exon_range, join_flags, quantiles

PRIOR = {
    "loss": 0.3, "gain": 0.03, "homozygous": 0.1, "two_events": 0.08, "double_gain": 0.1, "whole": 0.5,
    "whole_gain": 0.6,
}  # fmt: skip
SPECTRUM = ((0, 7, 0.31), (3, 6, 0.33), (1, 6, 0.08))


@pytest.mark.parametrize(("units", "count"), [(1, 1), (2, 3), (8, 36), (25, 325)])
def test_ranges_of_a_gene(units: int, count: int) -> None:
    # n (n + 1) / 2: first <= last
    first, last = ranges_of(units)
    assert len(first) == len(last) == count == units * (units + 1) // 2
    assert (first <= last).all()
    assert len(set(zip(first.tolist(), last.tolist()))) == count


@pytest.mark.parametrize("units", [1, 2, 3, 5, 8, 12, 13, 25])
@pytest.mark.parametrize("spectrum", [(), SPECTRUM])
def test_priors_sum_to_one_and_agree_with_the_plain_enumeration(units: int, spectrum: tuple) -> None:
    known = tuple(row for row in spectrum if row[1] < units)
    space = event_space(units, EventPrior(**PRIOR, spectrum=known))
    assert np.exp(space.log_prior).sum() + math.exp(space.log_prior_normal) == pytest.approx(1.0, abs=1e-12)
    plain = plain_space(units, **PRIOR, spectrum=known, all_pairs_up_to=MAX_PAIR_UNITS)
    fast = {tuple(row): value for row, value in zip(space.lost.tolist(), np.exp(space.log_prior))}
    fast[(0,) * units] = math.exp(space.log_prior_normal)
    assert fast.keys() == plain.keys()
    for pattern, value in plain.items():
        assert fast[pattern] == pytest.approx(value, rel=1e-9), pattern


def test_counts_of_eight_units() -> None:
    # one copy lost from one range, or gained: 36 each; two copies: 36 each way; two different ranges
    # (36 * 35 / 2 = 630 pairs) give patterns of ones and twos. A pattern of ones only in one run is a single
    # range again. Counted by hand for 2 units: het 3, hom 3, gains 6; pairs: (0)+(1) = 11 (again a range),
    # (0)+(01) = 21, (1)+(01) = 12: 3 + 3 + 6 + 2 = 14.
    assert len(event_space(2, EventPrior(**PRIOR)).lost) == 14
    space = event_space(8, EventPrior(**PRIOR, spectrum=SPECTRUM))
    ones = [tuple(row) for row in space.lost.tolist() if set(row) <= {0, 1}]
    runs = [sum(1 for a, b in zip((0, *row), row) if (a, b) == (0, 1)) for row in ones]
    assert runs.count(1) == 36
    # two ranges with a gap between them: first <= last < gap < first <= last, C(8 + 1, 4) = 126 ways
    assert runs.count(2) == 126
    assert sum(1 for row in space.lost.tolist() if set(row) <= {0, 2} and any(row)) == 36
    assert sum(1 for row in space.lost.tolist() if min(row) < 0) == 72
    assert space.single.sum() == 36 * 4


def test_footprints_carry_the_set_of_altered_units_and_its_sign() -> None:
    space = event_space(5, EventPrior(**PRIOR))
    for row, footprint in zip(space.lost, space.footprint):
        assert ((row != 0) == space.footprints[footprint]).all()
        assert space.footprint_sign[footprint] == (-1 if row.min() < 0 else 1)
    assert len(set(map(tuple, np.column_stack([space.footprint_sign, space.footprints]).tolist()))) == len(
        space.footprints
    )


def test_known_spectrum_stands_as_given_and_the_rest_is_even() -> None:
    # het prior of 4-7: loss * (1 - homozygous - two_events) * 0.33 = 0.3 * 0.82 * 0.33; a range outside the
    # spectrum: (1 - 0.72) / 33 each. Pairs of ranges side by side add to both (e.g. 4-5 with 6-7), hence >=.
    space = event_space(8, EventPrior(**{**PRIOR, "two_events": 0.0}, spectrum=SPECTRUM))
    prior = {tuple(row): math.exp(value) for row, value in zip(space.lost.tolist(), space.log_prior)}
    assert prior[0, 0, 0, 1, 1, 1, 1, 0] == pytest.approx(0.3 * 0.9 * 0.33)
    assert prior[0, 0, 1, 0, 0, 0, 0, 0] == pytest.approx(0.3 * 0.9 * 0.28 / 33)
    assert prior[2, 2, 2, 2, 2, 2, 2, 2] == pytest.approx(0.3 * 0.1 * 0.31)
    assert prior[(-1,) * 8] == pytest.approx(0.03 * 0.9 * 0.6)


@given(st.integers(1, 6), st.data())
@settings(max_examples=60, deadline=None)
def test_events_add_up_to_the_hypothesis(units: int, data: st.DataObject) -> None:
    sign = data.draw(st.sampled_from([1, -1]))
    lost = (
        np.array(data.draw(st.lists(st.integers(0, 2), min_size=units, max_size=units)), dtype=np.int64)
        * sign
    )
    rebuilt = np.zeros(units, dtype=np.int64)
    for event in events_of(lost):
        rebuilt[event.first : event.last + 1] += event.copies
    assert rebuilt.tolist() == lost.tolist()


@pytest.mark.parametrize(
    ("lost", "events"),
    [
        ([0, 0, 0], ()),
        ([0, 1, 1], (Event(1, 2, 1, False),)),
        ([2, 2, 0], (Event(0, 1, 2, False),)),
        ([1, 2, 2, 1], (Event(0, 3, 1, False), Event(1, 2, 1, True))),
        ([1, 0, 1], (Event(0, 0, 1, False), Event(2, 2, 1, False))),
        ([2, 1, 2], (Event(0, 2, 1, False), Event(0, 0, 1, True), Event(2, 2, 1, True))),
        ([-1, -1, 0], (Event(0, 1, -1, False),)),
        ([0, -2, -2], (Event(1, 2, -2, False),)),
    ],
)
def test_events_of_patterns(lost: list[int], events: tuple[Event, ...]) -> None:
    assert events_of(np.array(lost)) == events


@pytest.mark.parametrize(
    ("labels", "text"),
    [(["4"], "4"), (["4", "5"], "4-5"), (["7", "6", "5", "4"], "4-7"), (["9", "10", "11"], "9-11"),
     (["1A", "1B", "2"], "1A-2")],
)  # fmt: skip
def test_exon_range(labels: list[str], text: str) -> None:
    assert exon_range(labels) == text


def test_quantiles_interpolate_within_cells() -> None:
    # four cells of width 0.1 around 0.2 ... 0.5; even weights: the median is the border between the second
    # and third cell, 0.35; 0.125 is the middle of the first cell, 0.2
    grid = np.array([0.2, 0.3, 0.4, 0.5])
    weight = np.array([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    found = quantiles(weight, grid, (0.5, 0.125, 0.625))
    assert found[0] == pytest.approx([0.35, 0.20, 0.40])
    # all weight in the first (last) cell: inside that cell, never outside the grid
    assert found[1] == pytest.approx([0.20, 0.20, 0.2125])
    assert found[2] == pytest.approx([0.50, 0.4625, 0.50])


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_quantiles_are_ordered_and_inside_the_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.full(17, 0.2), size=5)
    found = quantiles(weight, np.linspace(0.2, 1.0, 17), (0.025, 0.5, 0.975))
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found >= 0.2).all()
    assert (found <= 1.0).all()


def test_flags_are_joined_in_order() -> None:
    on, off = np.array([True, False, True]), np.array([False, False, True])
    assert join_flags([("a", on), ("b", off)], 3).tolist() == ["a", "", "a;b"]
