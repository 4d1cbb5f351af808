"""Limits of detection against the caller itself, asked shift by shift; and what they must not depend on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mlpa_caller.calling import detection
from mlpa_caller.calling.detection import POWER_QUANTILE, Question, event_error, limits_of_detection
from mlpa_caller.calling.events import EventPrior, event_space
from mlpa_caller.calling.likelihood import NoiseShape
from mlpa_caller.calling.posterior import Evidence, Model, posterior

G = 0.9
FRACTIONS = np.round(np.arange(0.10, 1.0001, 0.05), 4)
PRIOR = EventPrior(
    loss=0.15, gain=0.02, homozygous=0.1, two_events=0.08, double_gain=0.1, whole=0.4, whole_gain=0.5
)
SHAPE = NoiseShape(15.0, 2e-5, 1.5, 0.03, 0.001)


def gene(n_units: int, prior: EventPrior = PRIOR) -> Model:
    return Model(event_space(n_units, prior), np.arange(n_units), FRACTIONS, G, SHAPE)


def quiet(error: np.ndarray, level_variance: float = 1e-4) -> Evidence:
    n = len(error)
    return Evidence(
        np.zeros(error.shape), error, np.full(error.shape, np.nan), np.full(n, level_variance),
        np.full((n, len(FRACTIONS)), -math.log(len(FRACTIONS))),
    )  # fmt: skip


def limits(
    asked: list[Question], threshold: np.ndarray, pull: float = 0.0, growing: float = 0.0
) -> np.ndarray:
    shape = (sum(len(part.inside) for part in asked), len(threshold))
    return limits_of_detection(
        asked, pull=np.full(shape, pull), growing=np.full(shape, growing), threshold=threshold
    )


def asked_one_by_one(data: Evidence, inside: np.ndarray, model: Model, threshold: float) -> float:
    """The limit of one sample by bisection on the whole posterior, noise-free shift by noise-free shift."""
    error = float(event_error(data, inside[None])[0, 0])
    low, high = 0.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        value = np.where(inside, -middle * error, 0.0)[None]
        chance = posterior(replace(data, ln_ratio=value), model)
        called = chance.normal[0] < threshold and chance.loss[0] >= chance.gain[0]
        low, high = (low, middle) if called else (middle, high)
    fraction = 2 * (1 - math.exp(-(low + POWER_QUANTILE) * error / G))
    return fraction if fraction <= 1 else math.nan


@pytest.mark.parametrize("threshold", [0.45, 0.3])
@pytest.mark.parametrize(
    ("n_units", "first", "last"), [(1, 0, 0), (2, 0, 1), (3, 0, 1), (5, 2, 2), (8, 3, 6), (8, 0, 7)]
)
@pytest.mark.parametrize("size", [0.02, 0.05, 0.09])
def test_limit_is_that_of_the_whole_posterior(
    n_units: int, first: int, last: int, size: float, threshold: float
) -> None:
    # One sample, so that it is the typical one itself. Two ranges are left aside (a few per cent of the odds, at
    # z about 3.5 a hundredth of the shift and less of the limit).
    rng = np.random.default_rng(n_units)
    data = quiet(size * rng.uniform(0.7, 1.4, (1, n_units)))
    inside = (np.arange(n_units) >= first) & (np.arange(n_units) <= last)
    model = gene(n_units)
    (found,) = limits([Question(data, model, inside[None])], np.array([threshold]))[0]
    want = asked_one_by_one(data, inside, model, threshold)
    assert found == pytest.approx(want, rel=0.008, nan_ok=True)


@pytest.mark.parametrize("level_variance", [1e-4, 4e-3])
def test_limits_of_a_run_follow_each_samples_own_noise(level_variance: float) -> None:
    # the typical sample is the third; the others have exactly the scales at which its odds are worked out
    scale = np.array([1.7, 0.6, 1.0, 1.0, 1.0])
    data = quiet(0.05 * scale[:, None] * np.array([0.8, 1.0, 1.2, 0.9, 1.1]))
    data.level_variance[:] = level_variance * scale**2
    inside, model = np.array([True, True, True, False, False]), gene(5)
    found = limits([Question(data, model, inside[None])], np.full(5, 0.45))[0]
    for row, limit in enumerate(found):
        want = asked_one_by_one(data.rows(slice(row, row + 1)), inside, model, 0.45)
        assert limit == pytest.approx(want, rel=0.008)


@pytest.mark.parametrize("level_variance", [0.0, 0.001, 0.01])
def test_what_would_be_called_a_gain_is_no_loss(level_variance: float) -> None:
    # altered by the prior alone, without any shift, and rather a gain: the limit lies where the loss prevails
    model = gene(2, replace(PRIOR, loss=0.3, gain=0.6, two_events=0.0))
    data, inside = quiet(np.full((1, 2), 0.15), level_variance), np.array([True, True])
    flat = posterior(data, model)
    assert flat.normal[0] < 0.45
    assert flat.gain[0] > flat.loss[0]
    (found,) = limits([Question(data, model, inside[None])], np.array([0.45]))[0]
    assert found == pytest.approx(asked_one_by_one(data, inside, model, 0.45), rel=0.01)


@pytest.mark.parametrize("loss", [1e-9, 1e-4, 0.5])
def test_limit_holds_for_priors_far_from_the_usual(loss: float) -> None:
    # the shift that is called then lies outside those tried first
    data, inside, model = (
        quiet(np.full((1, 4), 0.03)),
        np.ones(4, dtype=bool),
        gene(4, replace(PRIOR, loss=loss)),
    )
    (found,) = limits([Question(data, model, inside[None])], np.array([0.45]))[0]
    assert found == pytest.approx(asked_one_by_one(data, inside, model, 0.45), rel=0.01)


def test_gene_called_altered_without_any_shift_has_the_noise_alone_for_its_limit() -> None:
    data, model = quiet(np.full((1, 2), 0.3)), gene(2, replace(PRIOR, loss=0.9))
    asked = Question(data, model, np.ones((1, 2), dtype=bool))
    assert posterior(data, model).normal[0] < 0.45
    error = float(event_error(data, asked.inside)[0, 0])
    want = 2 * (1 - math.exp(-POWER_QUANTILE * error / G))
    assert limits([asked], np.array([0.45]))[0, 0] == pytest.approx(want)


def test_no_limit_where_a_loss_in_all_cells_is_not_seen_and_where_no_probe_is() -> None:
    error = np.array([[0.05, 0.05], [0.5, 0.5], [0.05, 0.05]])
    data = quiet(error)
    data.ln_ratio[2] = np.nan
    found = limits([Question(data, gene(2), np.ones((1, 2), dtype=bool))], np.full(3, 0.45))[0]
    assert 0.2 < found[0] < 0.6
    assert np.isnan(found[1:]).all()
    data.ln_ratio[:] = np.nan
    assert np.isnan(limits([Question(data, gene(2), np.ones((1, 2), dtype=bool))], np.full(3, 0.45))).all()


def test_order_of_samples_and_regions_does_not_count() -> None:
    rng = np.random.default_rng(5)
    n = 40
    parts = []
    for n_units in (3, 5):
        data = quiet(0.05 * rng.uniform(0.6, 1.8, (n, n_units)))
        inside = np.array([np.arange(n_units) < 2, np.arange(n_units) == n_units - 1])
        parts.append(Question(data, gene(n_units), inside))
    threshold = np.where(rng.random(n) < 0.3, 0.3, 0.45)
    found = limits(parts, threshold)
    order = rng.permutation(n)
    mixed = limits([Question(p.data.rows(order), p.model, p.inside) for p in parts], threshold[order])
    np.testing.assert_allclose(mixed, found[:, order], rtol=1e-12)
    swapped = limits(parts[::-1], threshold)
    np.testing.assert_allclose(swapped, found[[2, 3, 0, 1]], rtol=1e-9)


def test_noisier_samples_pull_and_growing_noise_raise_the_limit() -> None:
    data = quiet(np.outer([0.03, 0.04, 0.05, 0.06], np.ones(4)))
    asked = [Question(data, gene(4), np.ones((1, 4), dtype=bool))]
    threshold = np.full(4, 0.45)
    plain = limits(asked, threshold)[0]
    assert (np.diff(plain) > 0).all()
    assert (limits(asked, threshold, pull=0.2)[0] > plain).all()
    assert (limits(asked, threshold, growing=0.5)[0] > plain).all()
    assert (limits(asked, np.full(4, 0.3))[0] > plain).all()


def test_nothing_is_asked_of_no_sample_and_no_region() -> None:
    assert limits([], np.full(3, 0.45)).shape == (0, 3)
    data = quiet(np.zeros((0, 2)))
    assert limits([Question(data, gene(2), np.ones((1, 2), dtype=bool))], np.zeros(0)).shape == (1, 0)


@pytest.mark.parametrize("wanted", [-1.0, 0.2, 2.0, 7.9])
def test_crossing_of_a_parabola_is_exact(wanted: float) -> None:
    shift = np.array([[0.0, 1.0, 1.7, 3.0, 4.4]])
    value = 0.5 * shift**2 - 1.5
    want = math.sqrt(2 * (wanted + 1.5))
    assert detection._crossing(shift, value, wanted)[0] == pytest.approx(want, rel=2e-3)
    assert detection._crossing(shift, value, 9.0)[0] == np.inf


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (1.0, 1.0, [1.0, 1.7]),
        (0.7, 0.9, [0.6, 1.0]),
        (0.6, 1.0, [0.6, 1.0]),
        (0.9, 1.1, [0.6, 1.0, 1.7]),
        (0.5, 2.0, [0.35, 0.6, 1.0, 1.7, 3.0]),
        (0.1, 0.2, [0.35, 0.6]),
        (4.0, 9.0, [1.7, 3.0]),
        (0.1, 9.0, [0.35, 0.6, 1.0, 1.7, 3.0]),
    ],
)
def test_scales_asked_enclose_those_of_the_samples(low: float, high: float, wanted: list[float]) -> None:
    assert detection._scales_between(low, high).tolist() == wanted


def test_interpolation_is_that_of_each_cell_and_infinite_beyond_what_is_known() -> None:
    grid = np.array([0.0, 1.0, 3.0])
    value = np.array([[[1.0, 2.0, 6.0], [0.0, 4.0, np.inf]]])  # one loss, two thresholds
    x = np.array([[-1.0, 0.0, 0.25, 1.0, 2.0, 3.0, 9.0]])
    first = detection._between(x, grid, value, np.zeros(7, dtype=int))[0]
    assert first.tolist() == [1.0, 1.0, 1.25, 2.0, 4.0, 6.0, 6.0]
    second = detection._between(x, grid, value, np.ones(7, dtype=int))[0]
    assert second.tolist() == [0.0, 0.0, 1.0, 4.0, np.inf, np.inf, np.inf]
