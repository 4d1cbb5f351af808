"""Which reference samples are left out: the rule against a plain version, on made-up figures of agreement."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from slow_caller import plain_heights, plain_panel, plain_signals

from mlpa_caller import normalize as module
from mlpa_caller.normalize import normalize
from mlpa_caller.settings import default_settings

PANEL = plain_panel()
SETTINGS = default_settings()
LIMITS = SETTINGS.quality
Figures = tuple[float, float, float, float]
"""SD against the others, slope, error of the slope, noise against theirs."""


def plain_choice(figures: list[Figures]) -> list[int]:
    """Return the references left out, the worst first, while at least three are left to compare."""
    kept, out = list(range(len(figures))), []
    while len(kept) >= 3:
        usual = 4.0 * 1.4826 * statistics.median(abs(figures[i][1]) for i in kept)
        excess = []
        for i in kept:
            sd, slope, error, noise = figures[i]
            found = [0.0]
            if noise > LIMITS["reference_scale"] and sd > LIMITS["reference_sd_warn"]:
                found.append(noise / LIMITS["reference_scale"])
            limit = max(LIMITS["reference_slope"], usual)
            if noise > LIMITS["reference_scale_noisy"]:
                found.append(sd / LIMITS["reference_sd_limit"])
                limit = LIMITS["slope_warn"]
            found.append(abs(slope) / max(limit, 3.0 * error))
            excess.append(max(found))
        worst = max(range(len(kept)), key=excess.__getitem__)
        if excess[worst] <= 1.0:
            break
        out.append(kept.pop(worst))
    return out


def chosen(figures: list[Figures], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    table = np.array(figures)

    def told(_state, rows):
        return tuple(table[rows].T)

    monkeypatch.setattr(module, "_reference_agreement", told)
    n = len(figures)
    height = plain_heights(PANEL, np.full((n, len(PANEL)), 2.0), noise_sd=0.05)
    names = [f"R{i}" for i in range(n)]
    found = normalize(plain_signals(PANEL, names, height), PANEL, np.ones(n, dtype=bool), SETTINGS)
    return [int(name[1:]) for name in found.left_out]


GOOD: Figures = (0.04, 0.0, 0.01, 1.0)


@pytest.mark.parametrize(
    ("odd", "left_out"),
    [
        (GOOD, []),
        ((0.09, 0.0, 0.01, 2.0), [4]),  # twice the noise and an SD that is noticed
        ((0.07, 0.0, 0.01, 2.0), []),  # twice the noise where there is hardly any
        ((0.09, 0.0, 0.01, 1.5), []),  # noisy, with an SD that laboratories accept
        ((0.11, 0.0, 0.01, 1.5), [4]),  # noisy, with one they do not
        ((0.11, 0.0, 0.01, 1.3), []),  # as noisy as its fellows
        ((0.04, 0.26, 0.01, 1.0), [4]),
        ((0.04, -0.26, 0.01, 1.0), [4]),
        ((0.04, 0.24, 0.01, 1.0), []),
        ((0.04, 0.26, 0.09, 1.0), []),  # the slope is not known well enough
        ((0.04, 0.16, 0.01, 1.5), [4]),  # a noisy one may have less slope
        ((0.04, 0.14, 0.01, 1.5), []),
    ],
)
def test_each_part_of_the_rule(odd: Figures, left_out: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    figures = [GOOD, GOOD, GOOD, GOOD, odd]
    assert chosen(figures, monkeypatch) == left_out == plain_choice(figures)


def test_random_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    several = 0
    for n in (2, 3, 4, 5, 8, 12) * 8:
        sd = rng.choice([0.03, 0.085, 0.12, 0.2], n) * rng.uniform(0.9, 1.1, n)
        slope = rng.choice([0.02, 0.1, 0.3, 0.7], n) * rng.uniform(-1.0, 1.0, n)
        error = rng.choice([0.01, 0.1], n)
        noise = rng.choice([0.8, 1.2, 1.6, 2.2, 4.0], n) * rng.uniform(0.9, 1.1, n)
        figures = list(zip(sd.tolist(), slope.tolist(), error.tolist(), noise.tolist()))
        wanted = plain_choice(figures)
        several += len(wanted) > 1
        assert chosen(figures, monkeypatch) == wanted, figures
    assert several > 10
