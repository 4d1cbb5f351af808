"""Genes of one sample share their clone: what that changes, and what it must leave alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from slow_caller import plain_heights, plain_panel, plain_signals

from mlpa_caller.calling import shared as module
from mlpa_caller.calling.caller import RegionCalls, call_regions, detection_limits
from mlpa_caller.calling.model import COARSE
from mlpa_caller.calling.shared import share_clones, stated_fraction
from mlpa_caller.datatypes import Ratios
from mlpa_caller.settings import Settings, default_settings

PANEL = plain_panel(
    {"IKZF1": [str(i) for i in range(1, 9)], "PAX5": ["1", "2", "5"], "ONE": ["1"], "TWO": ["1"]}
)
G = 0.9
UNKNOWN = np.full(1, np.nan)


def profile(**copies: float) -> np.ndarray:
    out = np.full((1, len(PANEL)), 2.0)
    for gene, value in copies.items():
        out[0, PANEL.gene == gene] = value
    return out


def called(
    copies: np.ndarray, error: float = 0.07, settings: Settings | None = None
) -> tuple[RegionCalls, ...]:
    n = len(copies)
    signals = plain_signals(PANEL, [f"S{i}" for i in range(n)], plain_heights(PANEL, copies))
    flat = np.zeros(n)
    ratios = Ratios(
        signals.samples, PANEL.probes, G * np.log(copies / 2), np.full(copies.shape, error), np.log(signals.height),
        flat + 0.01, flat + 0.005, flat + 300.0, 15.0, {}, flat == 1, {}, np.zeros(copies.shape, bool),
    )  # fmt: skip
    given = (ratios, signals, PANEL, np.arange(n), settings or default_settings())
    limits = detection_limits(*given, compression=G, threshold=flat + 0.5)
    return call_regions(*given, compression=G, limits=limits)


def region(regions: tuple[RegionCalls, ...], gene: str) -> RegionCalls:
    return next(found for found in regions if gene in found.region.genes)


def mean_fraction(found: RegionCalls) -> float:
    weight = np.exp(found.posterior.fraction_evidence[0] + found.data.log_fraction[0])
    return float((weight * COARSE).sum() / weight.sum())


def test_stated_fraction_is_a_normal_around_the_statement() -> None:
    found = stated_fraction(np.array([0.5, np.nan, 0.0, 1.0]), 0.1)
    assert found.sum(axis=1) == pytest.approx(np.ones(4))
    want = np.array([math.exp(-0.5 * ((f - 0.5) / 0.1) ** 2) for f in COARSE])
    assert found[0] == pytest.approx(want / want.sum())
    assert found[1] == pytest.approx(np.full(len(COARSE), 1 / len(COARSE)))
    assert np.argmax(found[2]) == 0
    assert np.argmax(found[3]) == len(COARSE) - 1


def test_normal_sample_without_blasts_is_not_touched() -> None:
    before = called(profile())
    after = share_clones(before, UNKNOWN, default_settings())
    for one, two in zip(before, after):
        assert two.posterior.normal[0] == one.posterior.normal[0]
        assert two.data.log_fraction == pytest.approx(one.data.log_fraction)


@pytest.mark.parametrize("blast", [0.6, math.nan])
def test_prior_of_a_gene_is_what_the_other_genes_say(blast: float) -> None:
    # by hand, from the evidence of each region: ln (normal + altered(f)), the altered part mixed with its mean
    settings = default_settings()
    shared, sd, leak = (settings.noise[name] for name in ("shared_clone", "blast_sd", "blast_leak"))
    before = called(profile(IKZF1=1.3, PAX5=1.35, ONE=1.6))
    after = share_clones(before, np.array([blast]), settings)
    told = []
    for found in before:
        altered = [math.exp(value) for value in found.posterior.fraction_evidence[0]]
        mean = sum(altered) / len(altered)
        normal = math.exp(found.model.space.log_prior_normal)
        told.append([math.log(normal + shared * value + (1 - shared) * mean) for value in altered])
    # a lesion outside the clone is one of a subclone, in any smaller fraction; or the statement is wrong
    below = [math.exp(-0.5 * (max(0.0, f - blast) / sd) ** 2) if blast == blast else 1.0 for f in COARSE]
    subclone = [(1 - leak) * value / sum(below) + leak / len(COARSE) for value in below]
    for k, found in enumerate(after):
        belief = []
        for i, f in enumerate(COARSE):
            ln = -0.5 * ((f - blast) / sd) ** 2 if blast == blast else 0.0
            ln += sum(told[j][i] for j in range(len(told)) if j != k)
            belief.append(ln)
        top = max(belief)
        weight = [math.exp(value - top) for value in belief]
        want = [shared * value / sum(weight) + (1 - shared) * other for value, other in zip(weight, subclone)]
        assert np.exp(found.data.log_fraction[0]) == pytest.approx(want, abs=1e-9)


def test_priors_stay_normalised() -> None:
    for found in share_clones(called(profile(IKZF1=1.2, ONE=3.0)), np.array([0.8]), default_settings()):
        assert np.exp(found.data.log_fraction).sum() == pytest.approx(1.0)
        total = found.posterior.normal + found.posterior.loss + found.posterior.gain
        assert total == pytest.approx(np.ones(1))


def test_a_second_lesion_in_the_same_clone_gains_and_one_elsewhere_loses() -> None:
    clear = {"IKZF1": 1.4}  # 60 % of the cells
    alone = region(called(profile(ONE=1.4)), "ONE").posterior.loss[0]
    same = region(share_clones(called(profile(**clear, ONE=1.4)), UNKNOWN, default_settings()), "ONE")
    assert same.posterior.loss[0] > alone
    small = region(called(profile(ONE=1.72)), "ONE").posterior.loss[0]
    other = region(share_clones(called(profile(**clear, ONE=1.72)), UNKNOWN, default_settings()), "ONE")
    assert other.posterior.loss[0] < small


def test_a_subclone_is_still_found() -> None:
    found = region(
        share_clones(called(profile(IKZF1=1.1, PAX5=1.6), error=0.05), UNKNOWN, default_settings()), "PAX5"
    )
    assert found.posterior.loss[0] > 0.95
    assert mean_fraction(found) == pytest.approx(0.4, abs=0.06)


def test_stated_blasts_tell_one_copy_in_all_cells_from_two_in_half() -> None:
    # 0.5 of the signal: 100 % heterozygous or 50 % homozygous
    before = called(profile(IKZF1=1.0), error=0.04)
    copies = {}
    for blast in (1.0, 0.5):
        found = region(share_clones(before, np.array([blast]), default_settings()), "IKZF1")
        copies[blast] = int(found.model.space.lost[found.posterior.hypothesis[0]].max())
    assert copies == {1.0: 1, 0.5: 2}


def test_clone_fractions_left_aside_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    copies = np.full((60, len(PANEL)), 2.0)
    for row, gene in zip(range(40), rng.choice(["IKZF1", "PAX5", "ONE", "TWO"], 40)):
        copies[row, PANEL.gene == gene] = 2.0 - rng.uniform(0.1, 1.9)
    copies[:20, PANEL.gene == "PAX5"] = 1.4
    before = called(copies * np.exp(rng.normal(0.0, 0.07, copies.shape)))
    blast = np.where(rng.random(60) < 0.3, rng.random(60), np.nan)
    some = share_clones(before, blast, default_settings())
    monkeypatch.setattr(module, "NEGLIGIBLE", 0.0)
    for one, two, three in zip(some, share_clones(before, blast, default_settings()), before):
        for name in ("normal", "unit_loss", "unit_gain", "by_footprint"):
            left, every = getattr(one.posterior, name), getattr(two.posterior, name)
            assert np.abs(left - every).max() < len(COARSE) * 1e-5
        assert (one.posterior.hypothesis == two.posterior.hypothesis).all()
        assert (one.posterior.fraction_evidence == three.posterior.fraction_evidence).all()


def test_limits_and_other_samples_stay() -> None:
    copies = np.concatenate([profile(), profile(IKZF1=1.3, PAX5=1.3), profile()])
    before = called(copies)
    after = share_clones(before, np.full(3, np.nan), default_settings())
    for one, two in zip(before, after):
        assert two.limits is one.limits or all((two.limits[k] == one.limits[k]).all() for k in one.limits)
        assert two.posterior.normal[[0, 2]] == pytest.approx(one.posterior.normal[[0, 2]], abs=1e-12)
    alone = share_clones(called(copies[1:2]), UNKNOWN, default_settings())
    for one, two in zip(alone, after):
        assert two.posterior.normal[1] == pytest.approx(one.posterior.normal[0], abs=1e-12)


def test_without_sharing_only_an_even_prior_is_left() -> None:
    settings = default_settings()
    settings = replace(settings, noise={**settings.noise, "shared_clone": 0.0})
    before = called(profile(IKZF1=1.3, ONE=1.5), settings=settings)
    for one, two in zip(before, share_clones(before, UNKNOWN, settings)):
        assert two.posterior.normal[0] == pytest.approx(one.posterior.normal[0], abs=1e-12)


def test_no_samples_and_no_regions() -> None:
    assert share_clones((), np.zeros(0), default_settings()) == ()
