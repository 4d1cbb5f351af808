"""Noise of reactions against plain versions of the formulas, one number after the other."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from mlpa_caller._normalize_rounds import _scatter
from mlpa_caller.noise import (
    FEWEST_DOF,
    OUTLIER_SD,
    OUTLIER_SHARE,
    SMALLEST,
    kept_variance,
    likeness,
    scale_of_sums,
)

T_DOF = 15.0


def plain_ln_variance(dof: float) -> float:
    # of ln s^2: trigamma(dof / 2), with the degrees of freedom that the kurtosis 3 + 6 / (nu - 4) of t leaves
    half = dof / (2.0 + 6.0 / (T_DOF - 4.0))
    return 1.0 / half + 0.5 / half**2


def plain_likeness(
    own: list[float], dof: list[float], prior_dof: float, prior_n: float
) -> tuple[float, float]:
    expected = 2.0 / prior_dof + 2.0 / prior_dof**2
    if own:
        ln = [2.0 * math.log(value) for value in own]
        middle = statistics.median(ln)
        spread = (1.4826 * statistics.median(abs(value - middle) for value in ln)) ** 2
        extra = max(0.0, spread - statistics.median(map(plain_ln_variance, dof)))
        expected = (len(own) * extra + prior_n * expected) / (len(own) + prior_n)
    # 2 / d + 2 / d^2 = expected, solved for d
    return (1.0 + math.sqrt(1.0 + 2.0 * expected)) / expected, expected


def plain_scales(
    total: list[float], dof: list[float], scale: list[float], prior_dof: float, prior_n: float
) -> tuple[list[float], list[float], float]:
    dof = [max(value, 0.0) for value in dof]
    own = [s * math.sqrt(t / d) if d > 0 else math.nan for t, d, s in zip(total, dof, scale)]
    seen = [i for i, d in enumerate(dof) if d >= FEWEST_DOF]
    run = max(statistics.median(own[i] for i in seen) if seen else 1.0, SMALLEST)
    own = [max(value, SMALLEST) / run if value == value else math.nan for value in own]
    alike, spread = plain_likeness([own[i] for i in seen], [dof[i] for i in seen], prior_dof, prior_n)
    out = []
    for i, d in enumerate(dof):
        square = own[i] ** 2 if d > 0 else 1.0
        drawn = (d * square + alike) / (d + alike)
        alone = (d * square + FEWEST_DOF) / (d + FEWEST_DOF)
        distance = math.log(square)
        inside = plain_ln_variance(max(d, 1.0)) + spread
        outside = inside + OUTLIER_SD**2
        normal = math.exp(-0.5 * distance**2 / inside) / math.sqrt(inside) * (1.0 - OUTLIER_SHARE)
        other = math.exp(-0.5 * distance**2 / outside) / math.sqrt(outside) * OUTLIER_SHARE
        chance = other / (normal + other) if distance > 0 and i in seen else 0.0
        out.append(math.sqrt((1.0 - chance) * drawn + chance * alone))
    return out, own, run


@pytest.mark.parametrize("n", [0, 1, 2, 5, 30])
@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
def test_likeness_is_the_plain_one(n: int, spread: float) -> None:
    rng = np.random.default_rng(n)
    own, dof = np.exp(rng.normal(0.0, spread, n)), rng.uniform(3.0, 60.0, n)
    found = likeness(own, dof, prior_dof=30.0, prior_samples=6.0, degrees_of_freedom=T_DOF)
    assert found == pytest.approx(plain_likeness(own.tolist(), dof.tolist(), 30.0, 6.0), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_scales_are_the_plain_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 12
    dof = rng.uniform(3.0, 55.0, n)
    dof[:4] = -1.0, 0.5, 2.99, 3.0  # no, hardly, nearly and just enough probes
    scale = np.exp(rng.normal(0.0, 0.2, n))
    total = np.maximum(dof, 0.0) * np.exp(rng.normal(0.3 * seed, 0.5, n))
    total[5] *= 9.0  # a bad reaction
    total[6] *= 1e-4  # copied or rounded
    found = scale_of_sums(total, dof, scale, prior_dof=25.0, prior_samples=8.0, degrees_of_freedom=T_DOF)
    wanted, own, run = plain_scales(total.tolist(), dof.tolist(), scale.tolist(), 25.0, 8.0)
    assert found.run == pytest.approx(run, rel=1e-12)
    np.testing.assert_allclose(found.own, own, rtol=1e-12)
    np.testing.assert_allclose(found.scale, wanted, rtol=1e-9)


def test_scales_of_a_run_without_noise_stay_above_zero() -> None:
    found = scale_of_sums(
        np.zeros(4), np.full(4, 30.0), np.ones(4), prior_dof=25.0, prior_samples=8.0, degrees_of_freedom=T_DOF
    )
    assert found.run == SMALLEST
    np.testing.assert_allclose(found.own, 1.0)


GROUPS = np.zeros((9, 4))  # genes of 4, 2 and 1 probes, and two reference probes
GROUPS[:4, 0] = GROUPS[4:6, 1] = GROUPS[6, 2] = GROUPS[7:, 3] = 1.0


def plain_scatter(row: list[float]) -> float:
    away = []
    for group, members in enumerate(GROUPS.T):
        probes = [row[p] for p in np.flatnonzero(members) if row[p] == row[p]]
        if len(probes) < 2:
            continue
        last = group == GROUPS.shape[1] - 1
        middle = statistics.median(probes) if last else statistics.fmean(probes)
        away += [abs(value - middle) * math.sqrt(len(probes) / (len(probes) - 1)) for value in probes]
    return 1.4826 * statistics.median(away) if away else 1.0


def test_scatter_is_the_plain_one() -> None:
    rng = np.random.default_rng(5)
    deviation = rng.normal(0.0, 2.0, (40, 9))
    deviation[rng.random(deviation.shape) < 0.3] = np.nan
    deviation[0] = np.nan  # a sample without a probe
    deviation[1] = np.nan
    deviation[1, 6] = 50.0  # nothing but a probe alone in its gene
    found = _scatter(deviation, GROUPS)
    np.testing.assert_allclose(found, [plain_scatter(row) for row in deviation.tolist()], rtol=1e-12)
    assert found[0] == found[1] == 1.0


def test_a_lost_gene_and_a_probe_alone_in_its_gene_do_not_scatter() -> None:
    deviation = np.array([[0.1, -0.2, 0.3, 0.0, 0.2, -0.1, 0.0, 0.1, -0.1]])
    lost = deviation.copy()
    lost[0, :4] -= 12.0
    lost[0, 6] = -14.0
    assert _scatter(lost, GROUPS) == pytest.approx(_scatter(deviation, GROUPS))


def test_kept_variance_stays_that_of_the_ends_of_its_table() -> None:
    # ln odds of "altered" at the line: ln((1 - prior) / prior * sd * sqrt(2 pi) / span); the table ends at -12 and 6
    def kept(sd: float, prior: float) -> float:
        return float(
            kept_variance(np.array([sd**2]), np.array([prior]), span=1.5, degrees_of_freedom=T_DOF)[0]
        )

    far = 1.5 / math.sqrt(2.0 * math.pi)
    assert kept(far * math.exp(9.0), 0.5) == pytest.approx(kept(far * math.exp(6.0), 0.5))
    assert kept(far * math.exp(-20.0), 0.5) == pytest.approx(kept(far * math.exp(-12.0), 0.5))
    assert kept(far * math.exp(6.0), 0.5) < kept(far, 0.5) < kept(far * math.exp(-12.0), 0.5) < 1.0
