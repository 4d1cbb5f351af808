"""Sizing: the fast kernels against plain scalar versions, properties, and the data they rest on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller.errors import UsageError
from mlpa_caller.traces import SizingOptions, named_standard, size_standards
from mlpa_caller.traces.migration import migration
from mlpa_caller.traces.sizing import local_southern, size_errors, smooth_curve
from mlpa_caller.traces.standards import hinted_standard


def southern(three: list[tuple[float, float]], scan: float) -> float:
    """Plain form of Southern's curve, L = c / (m - m0) + L0, through three points (scan, length)."""
    (m1, l1), (m2, l2), (m3, l3) = three
    a = (l1 - l2) / (l2 - l3) * (m3 - m2) / (m2 - m1)
    if abs(1.0 - a) < 1e-3:
        raise ZeroDivisionError("the three lie on a line, which this form cannot do")
    m0 = (m3 - m1 * a) / (1.0 - a)
    c = (l1 - l2) / (1.0 / (m1 - m0) - 1.0 / (m2 - m0))
    return c / (scan - m0) + l1 - c / (m1 - m0)


def plain_local_southern(scan: float, rungs: list[tuple[float, float]]) -> float:
    """Mean of the curves through two rungs below and one above, and one below and two above."""
    above = next(k for k in range(1, len(rungs)) if rungs[k][0] > scan or k == len(rungs) - 1)
    curves = []
    if above >= 2:
        curves.append(southern(rungs[above - 2 : above + 1], scan))
    if above + 1 < len(rungs):
        curves.append(southern(rungs[above - 1 : above + 2], scan))
    return sum(curves) / len(curves)


rung_lists = st.lists(st.tuples(st.floats(20.0, 400.0), st.floats(5.0, 60.0)), min_size=4, max_size=30)


def ladder(steps: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Scans and lengths with arbitrary rising steps."""
    scan, size = np.cumsum(np.array(steps), axis=0).T
    return 500.0 + scan, 40.0 + size


@settings(deadline=None, max_examples=80)
@given(rung_lists, st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_local_southern_equals_its_plain_form(steps: list[tuple[float, float]], places: list[float]) -> None:
    at, size = ladder(steps)
    scan = np.clip(at[0] + (at[-1] - at[0]) * np.array(places), at[0], at[-1])
    fast = local_southern(scan, at, size)
    for one, value in zip(scan, fast):
        pairs = list(zip(at.tolist(), size.tolist()))
        try:
            plain = plain_local_southern(float(one), pairs)
        except ZeroDivisionError:  # three rungs on a line, which the plain form cannot do
            continue
        assert value == pytest.approx(plain, abs=1e-6)


@settings(deadline=None, max_examples=80)
@given(rung_lists)
def test_local_southern_rises_and_meets_every_rung(steps: list[tuple[float, float]]) -> None:
    at, size = ladder(steps)
    assert np.allclose(local_southern(at, at, size), size, atol=1e-9)
    grid = np.clip(np.linspace(at[0], at[-1], 500), at[0], at[-1])
    sized = local_southern(grid, at, size)
    assert np.all(np.isfinite(sized))
    inside = np.searchsorted(at, grid)
    for k in np.unique(inside):  # between two rungs it rises; it may bend at a rung
        assert np.all(np.diff(sized[inside == k]) > -1e-9)


def test_three_rungs_on_a_line_are_no_trouble() -> None:
    at, size = np.array([100.0, 200.0, 300.0, 400.0]), np.array([50.0, 60.0, 70.0, 80.0])
    assert local_southern(np.array([250.0]), at, size) == pytest.approx(65.0)


def test_nothing_is_extrapolated() -> None:
    at, size = np.array([100.0, 200.0, 310.0, 430.0, 560.0]), np.array([50.0, 75.0, 100.0, 125.0, 150.0])
    outside = np.array([99.9, 560.1, 0.0, 1e6])
    for values in (
        local_southern(outside, at, size),
        smooth_curve(outside, at, size),
        size_errors(outside, at, size, np.zeros(5), np.zeros(4, dtype=bool)),
    ):
        assert np.isnan(values).all()


@settings(deadline=None, max_examples=50)
@given(st.floats(0.5, 3.0), st.floats(-400.0, 4000.0), rung_lists)
def test_time_scale_does_not_matter(scale: float, shift: float, steps: list[tuple[float, float]]) -> None:
    """Running faster or later by any factor leaves sizes as they are."""
    at, size = ladder(steps)
    scan = np.linspace(at[0], at[-1], 37)[1:-1]
    moved = local_southern(scale * scan + shift, scale * at + shift, size)
    assert np.allclose(moved, local_southern(scan, at, size), atol=1e-6, equal_nan=True)


def test_smooth_curve_gives_back_a_smooth_course() -> None:
    size = np.arange(60.0, 520.0, 20.0)
    at = 1000.0 + 9.0 * size - 0.002 * size**2
    assert np.allclose(smooth_curve(at, at, size), size, atol=0.02)


def test_smooth_curve_that_falls_is_not_used() -> None:
    at = np.array([100.0, 101.0, 102.0, 900.0, 901.0, 902.0])
    size = np.array([50.0, 150.0, 250.0, 251.0, 252.0, 253.0])
    assert np.isnan(smooth_curve(at, at, size)).all()


def test_size_error_grows_where_less_is_known() -> None:
    at, size = np.array([100.0, 200.0, 310.0, 430.0, 560.0]), np.array([50.0, 75.0, 100.0, 125.0, 150.0])
    middle = np.array([370.0])
    quiet = size_errors(middle, at, size, np.zeros(5), np.zeros(4, dtype=bool))
    rough = size_errors(middle, at, size, np.full(5, 0.5), np.zeros(4, dtype=bool))
    lost = size_errors(middle, at, size, np.zeros(5), np.array([False, False, True, False]))
    assert 0.0 < quiet[0] < lost[0] < rough[0]


def test_leave_one_out_equals_leaving_one_out() -> None:
    rng = np.random.default_rng(3)
    size = np.sort(rng.choice(np.arange(50.0, 500.0, 10.0), 12, replace=False))
    at = 900.0 + 8.0 * size + rng.normal(0.0, 4.0, 12)
    course = migration(size, at)
    for k in range(12):
        keep = np.arange(12) != k
        fit = np.polynomial.Polynomial.fit(size[keep], at[keep], 3)
        assert course.left_out[k] * course.speed[k] == pytest.approx(at[k] - fit(size[k]), rel=1e-6, abs=1e-6)
    assert np.allclose(course.scan_of(size) + course.off * course.speed, at)


# -- reference data ---------------------------------------------------------------------------------------------


def test_size_standards_are_in_order() -> None:
    standards = size_standards()
    assert len({one.name for one in standards}) == len(standards) == 14
    for one in standards:
        assert np.all(np.diff(one.rungs) > 0)
        assert np.all(np.diff(one.apparent) > 0)
        assert np.all(one.low <= one.high)
        assert one.sizing.sum() >= 9
        assert one.min_height > 0


def test_known_misbehaviour_of_gs500() -> None:
    gs500 = named_standard("gs500")
    assert gs500.rungs[~gs500.sizing].tolist() == [35.0, 250.0, 340.0]
    at = gs500.rungs.tolist().index(250.0)
    assert gs500.low[at] < 246.3 < gs500.high[at]  # POP-6


def test_definitions_name_a_standard_and_a_part_of_it() -> None:
    part = named_standard("abi-liz less250 450")
    assert part.rungs[part.sizing].tolist() == [75, 100, 139, 150, 160, 200, 300, 350, 400, 450]
    listed = named_standard("60, 80,100,120,140,160")
    assert listed.rungs.tolist() == [60, 80, 100, 120, 140, 160]
    assert listed.sizing.all()


@pytest.mark.parametrize(
    "name", ["GS5000", "", "50,60", "50,60,60,70,80", "50,a,60,70,80", "-1,2,3,4,5", "1,2,3,4,nan"]
)
def test_unknown_standards_are_refused(name: str) -> None:
    with pytest.raises(
        UsageError, match=r"no size standard is called|is no list of at least 5 ascending sizes"
    ):
        named_standard(name)


@pytest.mark.parametrize(
    ("name", "standard"),
    [
        ("GS500LIZ(75-450)", "GS500"),
        ("GSLIZ500-250POP6.szs", "GS500"),
        ("GS500(-250)LIZ_3730", "GS500"),
        ("GS600LIZ(60-600)+Normalization", "GS600LIZ"),
        ("GeneScan 400HD ROX", "GS400HD"),
        ("GS1200LIZ", "GS1200LIZ"),
        ("CXR600", "ILS600"),
        ("WEN ILS 500", "WEN500"),
        ("GS350ROX", "GS350"),
        ("GS120LIZ", ""),
        ("", ""),
    ],
)
def test_names_found_in_files(name: str, standard: str) -> None:
    assert hinted_standard(name) == standard


def test_expected_rungs_count_more_than_the_name() -> None:
    assert hinted_standard("GS500", (60, 80, 100, 114, 120, 140, *range(160, 620, 20))) == "GS600LIZ"


def test_options_are_checked() -> None:
    with pytest.raises(
        UsageError, match="no sizing method is called 'cubic'; give one of local-southern, smooth"
    ):
        SizingOptions(method="cubic").checked()
    with pytest.raises(UsageError, match="the minimum height of the ladder is no positive number"):
        SizingOptions(min_ladder_height=float("nan")).checked()
    assert SizingOptions().checked() is None
