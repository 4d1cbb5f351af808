"""The fast tables and posteriors against the plain caller, and Laplace's formula against integration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from slow_caller import (
    PlainNoise,
    PlainSample,
    ln_likelihood,
    ln_likelihood_integrated,
    plain_fraction_posterior,
    plain_posterior,
    plain_space,
    probe_terms,
    student_t,
    t_scale,
)

from mlpa_caller.calling import posterior as module
from mlpa_caller.calling.events import EventPrior, event_space
from mlpa_caller.calling.likelihood import Baseline, NoiseShape, altered, baseline, expected_ln_ratio
from mlpa_caller.calling.posterior import Evidence, Model, fraction_posterior, log_odds, posterior

PRIOR = {
    "loss": 0.25, "gain": 0.05, "homozygous": 0.15, "two_events": 0.1, "double_gain": 0.2, "whole": 0.4,
    "whole_gain": 0.5,
}  # fmt: skip
COMPRESSION = 0.9
NOISE = PlainNoise(dof=15.0, artefact=2e-4, span=1.5, floor=0.03, dropout=0.001)
SHAPE = NoiseShape(15.0, 2e-4, 1.5, 0.03, 0.001)
UNITS = {
    1: [0],
    2: [0, 1, 1],
    3: [0, 0, 1, 2, 2],
    5: [0, 1, 2, 3, 4],
    8: [0, 1, 2, 3, 3, 4, 5, 6, 7],
}


def random_case(units: int, seed: int, n: int = 6) -> tuple[Evidence, Model, np.ndarray]:
    """Random profiles: quiet, with a loss, a gain, missing values, absent peaks, and nothing at all."""
    rng = np.random.default_rng(seed)
    unit = np.array(UNITS[units])
    fractions = (
        np.array([0.1, 0.35, 0.6, 0.85, 1.0]) if units == 8 else np.round(np.arange(0.1, 1.001, 0.1), 3)
    )
    error = rng.uniform(0.03, 0.12, (n, len(unit)))
    value = rng.standard_t(15, (n, len(unit))) * error
    start = rng.integers(0, units, n)
    for row, size in ((1, -0.35), (2, 0.25), (3, -1.5)):
        value[row, unit >= start[row]] += size
    absent = np.full(value.shape, np.nan)
    value[4, rng.random(len(unit)) < 0.4] = np.nan
    error[4, rng.random(len(unit)) < 0.2] = np.nan
    gone = rng.random(len(unit)) < 0.6
    value[3, gone] = np.nan
    absent[3, gone] = rng.uniform(-4.5, -2.0, int(gone.sum()))
    absent[0, 0] = -3.0  # a bound where there is a ratio must change nothing
    value[5] = np.nan
    level = rng.uniform(0.0, 2e-3, n)
    level[0] = 0.0
    log_fraction = np.log(rng.dirichlet(np.full(len(fractions), 5.0), n))
    known = ((0, units - 1, 0.3), (units // 2, units - 1, 0.2)) if units > 2 else ()
    space = event_space(units, EventPrior(**PRIOR, spectrum=known))
    model = Model(space, unit, fractions, COMPRESSION, SHAPE)
    return Evidence(value, error, absent, level, log_fraction), model, absent


def plain_sample(data: Evidence, row: int, model: Model) -> PlainSample:
    return PlainSample(
        data.ln_ratio[row].tolist(),
        data.error[row].tolist(),
        data.absent_below[row].tolist(),
        model.unit.tolist(),
        float(data.level_variance[row]),
    )


def unit_tables(base: Baseline, model: Model, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """Gain and score, (samples, fractions, units), of units at `copies` copies lost."""
    n, n_fractions = len(base.value), len(model.fractions)
    sample, fraction = np.indices((n, n_fractions)).reshape(2, -1)
    expected = expected_ln_ratio(copies, model.fractions, COMPRESSION, SHAPE.floor)[fraction]
    member = (np.arange(model.space.n_units)[:, None] == model.unit).astype(float)
    return tuple(
        (member @ table[:, 0]).T.reshape(n, n_fractions, -1)
        for table in altered(base, sample, expected[None, None], SHAPE)
    )


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("copies", [1, 2, -1, -2])
def test_table_equals_the_plain_sum_over_probes(units: int, copies: int) -> None:
    data, model, _ = random_case(units, seed=units)
    base = baseline(data.ln_ratio, data.error, SHAPE, data.absent_below)
    gain, score = unit_tables(base, model, copies)
    for row in range(len(data)):
        sample = plain_sample(data, row, model)
        quiet = probe_terms(sample, (0,) * units, 0.0, COMPRESSION, NOISE)
        for i, fraction in enumerate(model.fractions):
            for u in range(units):
                lost = tuple(copies if other == u else 0 for other in range(units))
                terms = probe_terms(sample, lost, float(fraction), COMPRESSION, NOISE)
                of_unit = [k for k, owner in enumerate(model.unit) if owner == u]
                want = sum(terms[k][0] - quiet[k][0] for k in of_unit)
                rise = sum(terms[k][1] - quiet[k][1] for k in of_unit)
                assert gain[row, i, u] == pytest.approx(want, rel=1e-9, abs=1e-9)
                assert score[row, i, u] == pytest.approx(rise, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize(("units", "seed"), [(1, 1), (2, 2), (2, 12), (3, 3), (3, 13), (5, 5), (8, 8)])
def test_posterior_equals_the_plain_posterior(units: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEGLIGIBLE", 0.0)  # look at every hypothesis in every sample
    data, model, _ = random_case(units, seed)
    found = posterior(data, model)
    known = ((0, units - 1, 0.3), (units // 2, units - 1, 0.2)) if units > 2 else ()
    plain = plain_space(units, **PRIOR, spectrum=known)
    for row in range(len(data)):
        want = plain_posterior(
            plain_sample(data, row, model), plain, model.fractions, data.log_fraction[row], COMPRESSION, NOISE
        )
        assert found.normal[row] == pytest.approx(want.normal, abs=1e-9)
        _compare_summary(found, row, model, want)
        assert found.fraction_evidence[row] == pytest.approx(want.by_fraction, abs=1e-8)


def _compare_summary(found: module.Posterior, row: int, model: Model, want: object) -> None:
    space = model.space
    by_footprint = want.by_footprint()
    for index, (mark, sign) in enumerate(zip(space.footprints.tolist(), space.footprint_sign)):
        assert found.by_footprint[row, index] == pytest.approx(by_footprint[int(sign), tuple(mark)], abs=1e-9)
    loss = sum(value for (sign, _), value in by_footprint.items() if sign > 0)
    gain = sum(value for (sign, _), value in by_footprint.items() if sign < 0)
    assert found.loss[row] == pytest.approx(loss, abs=1e-9)
    assert found.gain[row] == pytest.approx(gain, abs=1e-9)
    assert found.normal[row] + loss + gain == pytest.approx(1.0, abs=1e-9)
    for u in range(space.n_units):
        lost = sum(value for (sign, mark), value in by_footprint.items() if sign > 0 and mark[u])
        won = sum(value for (sign, mark), value in by_footprint.items() if sign < 0 and mark[u])
        assert found.unit_loss[row, u] == pytest.approx(lost, abs=1e-9)
        assert found.unit_gain[row, u] == pytest.approx(won, abs=1e-9)
    direction = 1 if loss >= gain else -1
    best = max((value, key) for key, value in by_footprint.items() if key[0] == direction)
    assert found.footprint_probability[row] == pytest.approx(best[0], abs=1e-9)
    key = (
        int(space.footprint_sign[found.footprint[row]]),
        tuple(space.footprints[found.footprint[row]].tolist()),
    )
    assert by_footprint[key] == pytest.approx(best[0], abs=1e-9)
    inside = sorted(
        (value for pattern, value in want.mass.items()
         if tuple(c != 0 for c in pattern) == key[1] and any(pattern) and (min(pattern) < 0) == (key[0] < 0)),
        reverse=True,
    )  # fmt: skip
    assert found.hypothesis_probability[row] == pytest.approx(inside[0], abs=1e-9)
    chosen = tuple(space.lost[found.hypothesis[row]].tolist())
    assert want.mass[chosen] == pytest.approx(inside[0], abs=1e-9)
    if len(inside) > 1:
        assert found.rival_probability[row] == pytest.approx(inside[1], abs=1e-9)
    else:
        assert found.rival[row] == -1


@pytest.mark.parametrize("units", [2, 5, 8])
def test_clone_fractions_without_prior_are_left_out(units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEGLIGIBLE", 0.0)
    data, model, _ = random_case(units, seed=60 + units)
    rng = np.random.default_rng(units)
    weight = np.exp(data.log_fraction) * (rng.random(data.log_fraction.shape) < 0.6)
    weight[:, 1] += 0.1  # at least one is left
    weight /= weight.sum(axis=1, keepdims=True)
    log_fraction = np.log(np.where(weight > 0, weight, 1.0))
    log_fraction[weight == 0] = -np.inf
    found = posterior(replace(data, log_fraction=log_fraction), model)
    known = ((0, units - 1, 0.3), (units // 2, units - 1, 0.2)) if units > 2 else ()
    plain = plain_space(units, **PRIOR, spectrum=known)
    for row in range(len(data)):
        sample = plain_sample(data, row, model)
        want = plain_posterior(sample, plain, model.fractions, log_fraction[row], COMPRESSION, NOISE)
        assert found.normal[row] == pytest.approx(want.normal, abs=1e-9)
        _compare_summary(found, row, model, want)


@pytest.mark.parametrize("units", [1, 3, 8])
def test_log_odds_are_those_of_the_posterior_without_two_ranges(units: int) -> None:
    data, model, _ = random_case(units, seed=80 + units)
    space = event_space(units, EventPrior(**{**PRIOR, "two_events": 0.0}))
    model = replace(model, space=space)
    chance = posterior(data, model)
    losing, gaining = log_odds(data, model)
    np.testing.assert_allclose(np.exp(losing), chance.loss / chance.normal, rtol=1e-9)
    np.testing.assert_allclose(np.exp(gaining), chance.gain / chance.normal, rtol=1e-9)


def test_overwhelming_evidence_overflows_nothing() -> None:
    # 20 probes 75 SD away: each is (1 + 75^2 15 / 13 / 15)^8 = e^48 times as likely lost, all e^970, beyond a float
    n, units = 3, 20
    space = event_space(units, EventPrior(**PRIOR))
    fractions = np.round(np.arange(0.1, 1.001, 0.1), 3)
    model = Model(space, np.arange(units), fractions, COMPRESSION, replace(SHAPE, artefact=0.0))
    value = np.full((n, units), COMPRESSION * math.log(1.4 / 2))
    data = Evidence(value, np.full_like(value, 0.0043), np.full_like(value, np.nan), np.zeros(n),
                    np.full((n, len(fractions)), -math.log(len(fractions))))  # fmt: skip
    found = posterior(data, model)
    assert (found.normal == 0).all()
    assert found.loss == pytest.approx(np.ones(n))
    assert fractions[np.argmax(found.fraction_evidence, axis=1)] == pytest.approx(np.full(n, 0.6))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_not_looked_at_is_negligible(seed: int) -> None:
    # Hypotheses with two ranges are skipped in clone fractions in which those with one have odds below NEGLIGIBLE:
    # two ranges are a tenth of the losses here, so that each fraction leaves out less than a tenth of that.
    rng = np.random.default_rng(seed)
    n, units = 300, 5
    space = event_space(units, EventPrior(**PRIOR))
    fractions = np.round(np.arange(0.1, 1.001, 0.1), 3)
    model = Model(space, np.arange(units), fractions, COMPRESSION, SHAPE)
    error = np.broadcast_to(rng.choice([0.004, 0.01, 0.05], (n, 1)), (n, units)).copy()
    value = rng.standard_t(15, (n, units)) * error
    value[:60, 1] -= rng.uniform(0.0, 0.5, 60)
    value[60:90, 3] += rng.uniform(0.0, 0.3, 30)
    value[90:120] += COMPRESSION * np.log(
        1 - np.array([1, 2, 2, 1, 1]) * rng.uniform(0.05, 0.95, (30, 1)) / 2
    )
    value[120:150] += COMPRESSION * np.log(
        1 - np.array([1, 0, 0, 1, 1]) * rng.uniform(0.1, 0.95, (30, 1)) / 2
    )
    data = Evidence(value, error, np.full(value.shape, np.nan), np.full(n, 1e-4),
                    np.full((n, len(fractions)), -np.log(len(fractions))))  # fmt: skip
    quick = posterior(data, model)
    keep = module.NEGLIGIBLE
    try:
        module.NEGLIGIBLE = 0.0
        full = posterior(data, model)
    finally:
        module.NEGLIGIBLE = keep
    assert np.abs(quick.normal - full.normal).max() < 0.1 * keep * len(fractions)
    assert np.abs(quick.by_footprint - full.by_footprint).max() < 0.1 * keep * len(fractions)
    assert np.abs(quick.normal - full.normal).max() < 2e-5
    assert (np.abs(quick.normal - full.normal) > 0).any()  # the short cut was taken


@pytest.mark.parametrize("units", [1, 3, 8])
def test_fraction_posterior_equals_the_plain_one(units: int) -> None:
    data, model, _ = random_case(units, seed=40 + units)
    rng = np.random.default_rng(units)
    lost = rng.integers(0, 3, (len(data), units)) * rng.choice([1, -1], (len(data), 1))
    found = fraction_posterior(data, lost, model)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(data)))
    for row in range(len(data)):
        want = plain_fraction_posterior(
            plain_sample(data, row, model), tuple(lost[row].tolist()), model.fractions, data.log_fraction[row],
            COMPRESSION, NOISE,
        )  # fmt: skip
        assert found[row] == pytest.approx(want, abs=1e-9)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    data, model, _ = random_case(5, seed=3)
    whole = posterior(data, model)
    monkeypatch.setattr(module, "CHUNK", 1)
    pieces = posterior(data, model)
    for name in type(whole).__dataclass_fields__:
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=0, atol=1e-12)


def test_student_t_of_the_plain_caller_is_a_density_with_the_stated_sd() -> None:
    # guards the yardstick itself: area 1 and second moment error^2
    scale = t_scale(0.08, 15.0)
    grid = np.linspace(-4.0, 4.0, 80_001)
    density = np.array([student_t(x / scale, 15.0) / scale for x in grid])
    step = grid[1] - grid[0]
    assert density.sum() * step == pytest.approx(1.0, abs=1e-9)
    assert (density * grid**2).sum() * step == pytest.approx(0.08**2, rel=1e-6)


@pytest.mark.parametrize(("dof", "tolerance"), [(1e7, 1e-3), (15.0, 0.1)])
def test_laplace_formula_against_integration(dof: float, tolerance: float) -> None:
    # Exact for normal noise (10^7 degrees of freedom stand for it). For t with 15 it is off by less than 0.1
    # in ln likelihood under the hypothesis that fits, with residuals of at most 1.5 SD.
    noise = PlainNoise(dof=dof, artefact=0.0)
    rng = np.random.default_rng(5)
    for level_sd in (0.01, 0.02):
        error = rng.uniform(0.04, 0.08, 8)
        value = rng.normal(0.0, level_sd) + rng.standard_normal(8).clip(-1.5, 1.5) * error
        value[3:7] += COMPRESSION * math.log(1 - 0.5 / 2)
        sample = PlainSample(value.tolist(), error.tolist(), [math.nan] * 8, range(8), level_sd**2)
        event = (0, 0, 0, 1, 1, 1, 1, 0)
        quick = ln_likelihood(sample, event, 0.5, COMPRESSION, noise)
        assert quick == pytest.approx(
            ln_likelihood_integrated(sample, event, 0.5, COMPRESSION, noise), abs=tolerance
        )
        if dof > 1e6:
            quiet = ln_likelihood(sample, (0,) * 8, 0.0, COMPRESSION, noise)
            assert quiet == pytest.approx(
                ln_likelihood_integrated(sample, (0,) * 8, 0.0, COMPRESSION, noise), abs=tolerance
            )


def test_laplace_formula_leans_little_towards_the_event() -> None:
    # Far from the data the curvature of t falls below its expected value, and the formula underrates "no
    # change". Measured over 40 draws of a loss of 4 of 8 units in a quarter of the cells, level SD 0.01 (that
    # of a run of 50 probes): the ln Bayes factor is too high by 0.1 on average. More than 0.25 were a change.
    noise = PlainNoise(dof=15.0, artefact=0.0)
    rng = np.random.default_rng(5)
    excess = []
    for _ in range(12):
        error = rng.uniform(0.04, 0.08, 8)
        value = rng.normal(0.0, 0.01) + rng.standard_t(15, 8) * np.sqrt(13 / 15) * error
        value[3:7] += COMPRESSION * math.log(1 - 0.25 / 2)
        sample = PlainSample(value.tolist(), error.tolist(), [math.nan] * 8, range(8), 0.01**2)
        factors = [
            method(sample, (0, 0, 0, 1, 1, 1, 1, 0), 0.25, COMPRESSION, noise)
            - method(sample, (0,) * 8, 0.0, COMPRESSION, noise)
            for method in (ln_likelihood, ln_likelihood_integrated)
        ]
        excess.append(factors[0] - factors[1])
    assert -0.05 < np.mean(excess) < 0.25


def test_floor_counts_below_the_expected_value_only() -> None:
    # a variant under a probe takes signal away: a lone low probe is forgiven, a lone high one is not
    shape = NoiseShape(15.0, 1e-3, 1.5, 0.03, 0.001)
    without = NoiseShape(15.0, 0.0, 1.5, 0.03, 0.001)
    low, high = np.array([[-0.6]]), np.array([[0.6]])
    error = np.array([[0.05]])
    assert baseline(low, error, shape).log_density > baseline(low, error, without).log_density + 10
    assert baseline(high, error, shape).log_density == pytest.approx(
        baseline(high, error, without).log_density
    )
