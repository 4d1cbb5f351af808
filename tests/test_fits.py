"""The robust fits: they find what was put in, and altered probes or failed references do not move them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller.fits import (
    efficiency,
    fit_level,
    median_of_others,
    nanmedian,
    position,
)
from mlpa_caller.noise import NoiseModel, SampleScale, fit_noise, kept_variance, likeness, sample_scale

NOISE = NoiseModel(0.0267**2 + 0.026**2, 4.98)


def test_position() -> None:
    assert position(np.array([100.0, 300.0, 450.0])).tolist() == [-2.0, 0.0, 1.5]


def test_noise_model() -> None:
    # CV^2 at 500 units with the measured figures: 0.0267^2 + 4.98 / 500 = 0.0107, 0.103 without the
    # between-DNA part (method: 0.10 at 500)
    within = NoiseModel(0.0267**2, 4.98)
    assert np.sqrt(within.variance(np.array([500.0, 2000.0, 10000.0]))) == pytest.approx(
        [0.103, 0.0566, 0.0348], rel=0.01
    )
    assert np.isnan(within.variance(np.array([np.nan]))[0])


@given(st.integers(0, 10_000), st.integers(0, 1))
@settings(max_examples=50, deadline=None)
def test_nanmedian_is_numpys(seed: int, axis: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=tuple(rng.integers(1, 7, 2)))
    values[rng.random(values.shape) < 0.3] = np.nan
    some = (~np.isnan(values)).any(axis=axis)
    found = nanmedian(values, axis=axis)
    want = np.array(
        [
            np.median(line[~np.isnan(line)])
            for line in (values if axis else values.T)
            if not np.isnan(line).all()
        ]
    )
    assert found[some] == pytest.approx(want, abs=1e-15)
    assert np.isnan(found[~some]).all()


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_median_of_others_leaves_each_row_out_in_turn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, tuple(rng.integers([2, 1], [9, 5]))).astype(float)  # many ties
    values[rng.random(values.shape) < rng.choice([0.0, 0.3, 0.8])] = np.nan
    found = median_of_others(values)
    for row in range(len(values)):
        want = nanmedian(np.delete(values, row, axis=0), axis=0)
        assert np.array_equal(found[row], want, equal_nan=True)


def plain_level(
    value: list[float], variance: list[float], x: list[float], prior: list[float], start: tuple[float, ...],
    *, slope_sd: float, span: float, rounds: int,
) -> tuple[float, float, float, list[float], float]:  # fmt: skip
    """The level of one sample by expectation and maximisation, number by number, from one start."""
    amount, slope, centre = start
    probes = [p for p in range(len(value)) if value[p] == value[p]]
    weight = [0.0] * len(value)

    def odds(p: int) -> float:
        """The ln odds of "altered"."""
        residual = value[p] - amount - slope * (x[p] - centre)
        normal = np.log(prior[p]) - 0.5 * np.log(2 * np.pi * variance[p]) - residual**2 / (2 * variance[p])
        return float(np.log((1 - prior[p]) / span) - normal)

    for _ in range(rounds):
        for p in probes:
            weight[p] = 1 / (1 + np.exp(min(odds(p), 500.0)))
        w = [weight[p] / variance[p] if p in probes else 0.0 for p in range(len(value))]
        total = sum(w)
        centre = sum(w[p] * x[p] for p in probes) / total
        amount = sum(w[p] * value[p] for p in probes) / total
        squares = sum(w[p] * (x[p] - centre) ** 2 for p in probes) + slope_sd**-2
        slope = sum(w[p] * (x[p] - centre) * value[p] for p in probes) / squares
    objective = sum(np.log((1 - prior[p]) / span) + np.log1p(np.exp(-odds(p))) for p in probes)
    return amount, slope, centre, weight, objective - 0.5 * (slope / slope_sd) ** 2


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_level_is_that_of_the_plain_version(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, 4)), int(rng.integers(3, 25))
    x = rng.uniform(-2.0, 2.0, p)
    variance = rng.uniform(0.03, 0.3, (n, p)) ** 2
    value = rng.choice([0.0, 8.0]) + 0.1 * x + np.sqrt(variance) * rng.standard_normal((n, p))
    value[rng.random((n, p)) < 0.2] -= 0.5
    value[:, 1:][rng.random((n, p - 1)) < 0.1] = np.nan
    prior = rng.uniform(0.5, 0.98, p)
    starts = np.stack([nanmedian(value, axis=1), nanmedian(value, axis=1) - 0.3, np.zeros(n)])
    found = fit_level(value, variance, x, prior, starts=starts, slope_sd=0.2, span=1.5)
    for row in range(n):
        plain = [
            plain_level(value[row].tolist(), variance[row].tolist(), x.tolist(), prior.tolist(), (start, 0.0, 0.0),
                        slope_sd=0.2, span=1.5, rounds=10)
            for start in starts[:, row]
        ]  # fmt: skip
        amount, slope, centre, weight, objective = max(plain, key=lambda fit: fit[4])
        assert found.objective[row] == pytest.approx(objective, abs=1e-7)
        if sorted(fit[4] for fit in plain)[-2] > objective - 1e-6:
            continue  # two starts reach the same height by different numbers of steps: either may be taken
        line = amount + slope * (x - centre)
        np.testing.assert_allclose(found.at(x)[row], line, atol=1e-9)
        np.testing.assert_allclose(found.weight[row], weight, atol=1e-8)
    # from where it stands, further rounds go on as those of the plain version do
    again = fit_level(value, variance, x, prior, starts=np.zeros((0, n)), slope_sd=0.2, span=1.5, rounds=2,
                      previous=found)  # fmt: skip
    for row in range(n):
        here = (found.amount[row], found.slope[row], found.centre[row])
        amount, slope, centre, _, _ = plain_level(
            value[row].tolist(), variance[row].tolist(), x.tolist(), prior.tolist(), here,
            slope_sd=0.2, span=1.5, rounds=2,
        )  # fmt: skip
        np.testing.assert_allclose(again.at(x)[row], amount + slope * (x - centre), atol=1e-9)


def test_level_needs_a_start() -> None:
    value, variance, x, _, _ = level_case()
    with pytest.raises(ValueError, match="at least one start"):
        fit_level(value, variance, x, np.full(40, 0.95), starts=np.zeros((0, 5)), slope_sd=0.2, span=1.5)


def level_case(seed: int = 1, n: int = 5, p: int = 40, sd: float = 0.05) -> tuple:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-2.0, 2.0, p))
    amount, slope = rng.normal(0.0, 0.3, n), rng.normal(0.0, 0.1, n)
    value = amount[:, None] + slope[:, None] * x + sd * rng.standard_normal((n, p))
    return value, np.full((n, p), sd**2), x, amount, slope


def level(
    value: np.ndarray, variance: np.ndarray, x: np.ndarray, prior: float = 0.95, **options: float
) -> object:
    middle = nanmedian(value, axis=1)
    return fit_level(value, variance, x, np.full(value.shape, prior), starts=np.stack([middle, middle - 0.1]),
                     slope_sd=options.get("slope_sd", 0.2), span=1.5)  # fmt: skip


def test_level_is_the_weighted_least_squares_line_where_nothing_is_altered() -> None:
    # with hardly any prior on slope and membership the fit is ordinary least squares: numpy's polyfit
    value, variance, x, _, _ = level_case()
    fit = fit_level(value, variance, x, np.full(value.shape, 1 - 1e-12), starts=value.mean(axis=1)[None, :],
                    slope_sd=1e6, span=1.5, rounds=20)  # fmt: skip
    for row in range(len(value)):
        slope, cut = np.polyfit(x, value[row], 1)
        assert fit.slope[row] == pytest.approx(slope, abs=1e-6)
        assert fit.at(x)[row] == pytest.approx(cut + slope * x, abs=1e-6)
    # variances of mean and slope: s^2 / n and s^2 / sum (x - mean x)^2
    assert fit.amount_variance == pytest.approx(0.05**2 / 40, rel=1e-6)
    assert fit.slope_variance == pytest.approx(0.05**2 / ((x - x.mean()) ** 2).sum(), rel=1e-5)
    assert fit.centre == pytest.approx(x.mean())


@pytest.mark.parametrize("change", [0.45, -0.6, -2.0])
def test_a_third_of_altered_probes_does_not_move_the_level(change: float) -> None:
    value, variance, x, amount, slope = level_case()
    clean = level(value, variance, x)
    altered = value.copy()
    altered[:, ::3] += change
    fit = level(altered, variance, x)
    assert np.abs(fit.at(x) - clean.at(x)).max() < 0.03  # half the noise of one probe
    assert (fit.weight[:, ::3] < 0.1).all()
    assert (np.delete(fit.weight, np.s_[::3], axis=1) > 0.5).mean() > 0.97
    assert np.abs(fit.slope - slope).max() < 0.05
    assert np.abs(fit.amount - (amount + slope * fit.centre)).max() < 0.05


def test_missing_probes_weigh_nothing_and_an_empty_sample_stays_unknown() -> None:
    value, variance, x, _, _ = level_case()
    value[1, :30] = np.nan
    value[2] = np.nan
    with np.errstate(invalid="ignore"):
        fit = fit_level(value, np.where(np.isnan(value), 1.0, variance), x, np.full(value.shape, 0.95),
                        starts=np.nan_to_num(nanmedian(value, axis=1))[None, :], slope_sd=0.2, span=1.5)  # fmt: skip
    assert (fit.weight[np.isnan(value)] == 0).all()
    assert np.isnan([fit.amount_variance[2], fit.slope_variance[2]]).tolist()[0]
    assert fit.amount_variance[1] > 2 * fit.amount_variance[0]
    other = level(value[[0, 1, 3]], variance[:3], x)
    assert other.amount == pytest.approx(fit.amount[[0, 1, 3]], abs=1e-12)


def test_fit_of_a_sample_does_not_depend_on_the_others() -> None:
    value, variance, x, _, _ = level_case(n=6)
    together = level(value, variance, x)
    for row in range(6):
        alone = level(value[row : row + 1], variance[row : row + 1], x)
        assert alone.amount[0] == pytest.approx(together.amount[row], abs=1e-12)
        assert alone.weight[0] == pytest.approx(together.weight[row], abs=1e-12)


def test_steeper_prior_holds_the_slope() -> None:
    value, variance, x, _, _ = level_case(n=1)
    value = value - np.polyval(np.polyfit(x, value[0], 1), x) + 0.15 * x
    wide, tight = level(value, variance, x, slope_sd=10.0), level(value, variance, x, slope_sd=0.001)
    assert wide.slope[0] == pytest.approx(0.15, abs=0.01)
    # precision of the data: 40 * 1.2^2 / 0.05^2 = 23,000; of the prior 10^6: 0.15 * 23,000 / 1,023,000
    assert abs(tight.slope[0]) < 0.01


def test_efficiency_is_found_up_to_a_common_level() -> None:
    rng = np.random.default_rng(3)
    n, p = 6, 30
    x = rng.uniform(-2, 2, p)
    true = rng.normal(8.0, 0.3, p)
    amount, slope = rng.normal(0, 0.3, n), rng.normal(0, 0.05, n)
    y = amount[:, None] + true + slope[:, None] * x
    noise = np.sqrt(NOISE.variance(np.exp(y))) * rng.standard_normal(y.shape)
    found = efficiency(y + noise, x, NOISE, slope_sd=0.1)
    # level and mean slope of the references are not identified: taken out before comparing
    off = found.ln_height - true
    off -= np.polyval(np.polyfit(x, off, 1), x)
    assert off.std() == pytest.approx(np.sqrt(NOISE.variance(np.exp(8.0)) / n), rel=0.35)
    assert np.sqrt(found.variance) == pytest.approx(np.sqrt(NOISE.variance(np.exp(true)) / n), rel=0.35)


def test_an_altered_probe_in_one_reference_hardly_moves_the_efficiency() -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(-2, 2, 30)
    y = 8.0 + rng.normal(0, 0.2, 30) + 0.05 * rng.standard_normal((5, 30))
    clean = efficiency(y, x, NOISE, slope_sd=0.1)
    bent = y.copy()
    bent[2, 7] -= 0.6
    found = efficiency(bent, x, NOISE, slope_sd=0.1)
    shift = found.ln_height[7] - clean.ln_height[7]
    assert abs(shift) < 0.04  # the plain mean would move by 0.12
    assert np.abs(np.delete(found.ln_height - clean.ln_height, 7)).max() < 0.01
    assert found.residual[2, 7] == pytest.approx(-0.6, abs=0.15)
    assert found.variance[7] > 1.1 * clean.variance[7]


def test_a_probe_without_references_has_no_efficiency() -> None:
    y = np.full((4, 6), 8.0) + 0.01 * np.arange(24).reshape(4, 6)
    y[:, 2] = np.nan
    y[:3, 4] = np.nan
    found = efficiency(y, np.linspace(-1, 1, 6), NOISE, slope_sd=0.1)
    assert np.isnan(found.ln_height[2])
    assert np.isnan(found.variance[2])
    assert np.isnan(found.residual[:, 2]).all()
    known = np.delete(np.arange(6), 2)
    assert np.isfinite(found.ln_height[known]).all()
    assert found.variance[4] > 2.5 * found.variance[3]


def test_copied_reference_rows_count_as_one() -> None:
    rng = np.random.default_rng(6)
    x = rng.uniform(-2, 2, 30)
    y = 8.0 + rng.normal(0, 0.2, 30) + 0.05 * rng.standard_normal((3, 30))
    want = efficiency(y, x, NOISE, slope_sd=0.1)
    found = efficiency(y[[0, 0, 1, 2, 0]], x, NOISE, slope_sd=0.1)
    difference = found.ln_height - want.ln_height
    # weights 3 : 1 : 1 instead of 1 : 1 : 1 would scatter by 0.05 sqrt(0.27^2 + 2 * 0.13^2) = 0.016, over 0.06
    # from end to end
    assert np.ptp(difference - np.polyval(np.polyfit(x, difference, 1), x)) < 0.02
    assert found.variance == pytest.approx(want.variance, rel=0.1)  # 0.6 times as large if they counted


def test_kept_variance_by_simulation() -> None:
    # E[w z^2] / E[w] over a million draws of t noise with unit variance
    rng = np.random.default_rng(0)
    z = rng.standard_t(15, 1_000_000) * np.sqrt(13 / 15)
    for variance, prior in ((0.05**2, 0.95), (0.1**2, 0.9), (0.2**2, 0.5)):
        normal = prior * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi * variance)
        weight = normal / (normal + (1 - prior) / 1.5)
        want = (weight * z**2).sum() / weight.sum()
        found = kept_variance(np.array([[variance]]), np.array([[prior]]), span=1.5, degrees_of_freedom=15.0)
        assert found[0, 0] == pytest.approx(want, abs=0.01)
        assert found[0, 0] < 1


def scales(own: list[float], dof: float = 40.0, **more: float) -> SampleScale:
    """Reactions whose residuals show exactly the noise `own`."""
    squared = np.repeat(np.square(own)[:, None], int(dof) + 2, axis=1) * dof / (dof + 2)
    chosen = {"prior_dof": 20.0, "prior_samples": 10.0, "degrees_of_freedom": 15.0} | more
    return sample_scale(squared, np.ones(squared.shape), np.ones(len(own)), spent=2.0, **chosen)


def test_sample_scale_is_drawn_to_the_run() -> None:
    # five reactions that are more alike than chance allows: the spread expected of 20 degrees of freedom,
    # e = 2/20 + 2/400 = 0.105, weighs 10 against 5 that show none: e = 0.07, d = (1 + sqrt(1.14)) / 0.07 = 29.5
    found = scales([1.0, 1.0, 1.0, 1.0, 0.8])
    assert found.run == pytest.approx(1.0)
    assert found.own.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.8])
    assert found.scale[4] ** 2 == pytest.approx((40 * 0.64 + 29.54) / 69.54, rel=1e-3)
    assert found.scale[0] == pytest.approx(1.0)


def test_sample_scale_is_relative_to_the_median_reaction() -> None:
    one, two = scales([0.9, 1.0, 1.1]), scales([1.8, 2.0, 2.2])
    assert two.run == pytest.approx(2.0 * one.run)
    assert two.scale == pytest.approx(one.scale)


def test_a_bad_reaction_is_not_drawn_to_the_good_ones() -> None:
    found = scales([0.95, 1.0, 1.05] * 8 + [2.0])
    # weighed with its own 40 degrees of freedom against 3: (160 + 3) / 43
    assert found.scale[-1] ** 2 == pytest.approx(163 / 43, rel=0.01)
    assert np.all(np.abs(found.scale[:-1] - 1) < 0.05)


def test_reactions_of_unlike_noise_keep_their_own() -> None:
    alike, unlike = scales([0.98, 1.0, 1.02] * 8), scales([0.5, 1.0, 2.0] * 8)
    assert abs(np.log(alike.scale[0] / 0.98)) > 0.005
    assert unlike.scale[:3] == pytest.approx([0.5, 1.0, 2.0], rel=0.1)


def test_likeness_finds_the_spread_of_the_reactions() -> None:
    # 4000 reactions whose variances follow Smyth's model with 12 degrees of freedom, seen through 40 each of t(15)
    rng = np.random.default_rng(5)
    true = 12.0 / rng.chisquare(12, 4000)
    squares = true[:, None] * rng.standard_t(15, (4000, 40)) ** 2 * 13 / 15
    dof, spread = likeness(
        np.sqrt(squares.mean(axis=1)),
        np.full(4000, 40.0),
        prior_dof=20,
        prior_samples=10,
        degrees_of_freedom=15,
    )
    assert dof == pytest.approx(12, rel=0.15)
    assert spread == pytest.approx(2 / 12 + 2 / 144, rel=0.15)


def test_a_reaction_with_hardly_a_probe_has_the_noise_of_the_run() -> None:
    squared, weight = np.ones((5, 40)), np.ones((5, 40))
    weight[0, 3:] = 0.0
    squared[0] = 100.0
    weight[1] = 0.0
    found = sample_scale(
        squared, weight, np.ones(5), spent=2.0, prior_dof=20.0, prior_samples=10.0, degrees_of_freedom=15.0
    )
    assert np.isnan(found.own[1])
    assert found.scale[1] == 1.0
    assert found.run**2 == pytest.approx(40 / 38)


def test_a_noisy_reference_weighs_less() -> None:
    rng = np.random.default_rng(6)
    x = np.linspace(-1.5, 1.5, 40)
    rows = 8.0 + rng.normal(0, 0.05, (5, 40))
    rows[4] += rng.normal(0, 0.3, 40)
    scale = np.array([1.0, 1.0, 1.0, 1.0, 6.0])
    plain = efficiency(rows, x, NOISE, slope_sd=0.1).ln_height
    weighed = efficiency(rows, x, NOISE, slope_sd=0.1, scale=scale).ln_height
    good = efficiency(rows[:4], x, NOISE, slope_sd=0.1).ln_height
    assert np.std(weighed - good) < 0.5 * np.std(plain - good)


def test_noise_fit_finds_both_terms() -> None:
    rng = np.random.default_rng(1)
    height = np.exp(rng.uniform(np.log(150), np.log(20000), (200, 50)))
    true = NoiseModel(0.05**2, 12.0)
    squared = true.variance(height) * rng.standard_normal(height.shape) ** 2
    found = fit_noise(squared, height, np.ones(height.shape), NOISE, prior_weight=40.0)
    assert found.constant == pytest.approx(true.constant, rel=0.06)
    assert found.per_height == pytest.approx(true.per_height, rel=0.06)


def test_noise_fit_of_few_residuals_keeps_the_measured_shape() -> None:
    # ten residuals against a prior of 40: the ratio of the two terms stays near the measured one
    rng = np.random.default_rng(2)
    height = np.full((1, 10), 3000.0)
    squared = 2.0 * NOISE.variance(height) * rng.chisquare(1, height.shape)
    found = fit_noise(squared, height, np.ones(height.shape), NOISE, prior_weight=40.0)
    ratio = (found.per_height / found.constant) / (NOISE.per_height / NOISE.constant)
    assert 0.7 < ratio < 1.4


def test_noise_fit_leaves_out_what_has_no_weight() -> None:
    rng = np.random.default_rng(2)
    height = rng.uniform(500, 5000, (6, 20))
    squared = NOISE.variance(height) * rng.chisquare(1, height.shape)
    weight = np.ones(height.shape)
    want = fit_noise(squared[:5], height[:5], weight[:5], NOISE, prior_weight=40.0)
    squared[5], weight[5] = 1e6, 0.0
    found = fit_noise(squared, height, weight, NOISE, prior_weight=40.0)
    assert (found.constant, found.per_height) == pytest.approx((want.constant, want.per_height))


def test_noise_fit_of_identical_heights_stays_a_noise() -> None:
    # a table of copied rows has no residuals; the noise of a reaction does not vanish with them
    height = np.full((5, 20), 3000.0)
    found = fit_noise(np.zeros(height.shape), height, np.ones(height.shape), NOISE, prior_weight=40.0)
    assert np.isfinite([found.constant, found.per_height]).all()
    sd = np.sqrt(found.variance(np.array([3000.0])))[0]
    assert sd > 0.2 * np.sqrt(NOISE.variance(np.array([3000.0])))[0]


def test_noise_fit_without_residuals_is_the_measured_noise() -> None:
    height = np.full((2, 3), 1000.0)
    found = fit_noise(np.ones((2, 3)), height, np.zeros((2, 3)), NOISE, prior_weight=40.0)
    assert (found.constant, found.per_height) == pytest.approx((NOISE.constant, NOISE.per_height))
