"""Ratios: what must not change them, what must, and what has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_caller import plain_heights, plain_panel, plain_signals

from mlpa_caller import _normalize_rounds
from mlpa_caller.datatypes import Missing, Ratios, Signals
from mlpa_caller.normalize import normalize
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.ratio_table import ratios_table
from mlpa_caller.settings import Settings, default_settings

EXONS = [str(i) for i in range(1, 9)]
PANEL = plain_panel({"IKZF1": EXONS, "PAX5": ["1", "2", "5", "6"], "ETV6": ["1", "2", "3"]})
N_REFERENCES = 5
NAMES = [f"R{i}" for i in range(N_REFERENCES)] + [f"P{i}" for i in range(6)]
REFERENCES = np.arange(len(NAMES)) < N_REFERENCES
REFERENCE_PROBES = PANEL.is_role("reference")


def heights(
    seed: int = 1,
    noise_sd: float = 0.05,
    changes: dict[tuple[int, int], float] | None = None,
    panel: Panel = PANEL,
) -> np.ndarray:
    copies = np.full((len(NAMES), len(panel)), 2.0)
    for place, value in (changes or {}).items():
        copies[place] = value
    return plain_heights(panel, copies, seed=seed, noise_sd=noise_sd)


def ratios(
    height: np.ndarray,
    settings: Settings | None = None,
    panel: Panel = PANEL,
    unaltered: np.ndarray | None = None,
) -> Ratios:
    names = NAMES[: len(height)]
    signals = plain_signals(panel, names, height)
    references = REFERENCES[: len(height)]
    return normalize(signals, panel, references, settings or default_settings(), unaltered=unaltered)


def without_height_dependence() -> Settings:
    """Settings in which the noise does not depend on the height (almost: the term stays positive)."""
    chosen = default_settings()
    return replace(chosen, noise={**chosen.noise, "per_height": 1e-6})


def test_normal_samples_have_ratios_around_one_within_their_errors() -> None:
    z = []
    for seed in range(8):
        found = ratios(heights(seed))
        z.append((found.ln_ratio / found.error)[~REFERENCES])
    z = np.concatenate(z)
    assert np.isfinite(z).all()
    # 8 runs x 6 samples x 28 probes = 1,344 values; two of 28 degrees of freedom go to level and slope
    assert z.mean() == pytest.approx(0.0, abs=0.08)
    assert z.std() == pytest.approx(1.0, abs=0.1)


def test_a_known_change_comes_back() -> None:
    # one copy in all cells: 0.9 ln 0.5 = -0.624
    lost = {(7, int(p)): 1.0 for p in np.flatnonzero(PANEL.gene == "IKZF1")[3:7]}
    found = [ratios(heights(seed, changes=lost)).ln_ratio[7] for seed in range(6)]
    mean = np.mean(found, axis=0)
    inside = np.zeros(len(PANEL), dtype=bool)
    inside[[p for _, p in lost]] = True
    assert mean[inside].mean() == pytest.approx(0.9 * np.log(0.5), abs=0.03)
    assert np.abs(mean[~inside]).max() < 0.1
    assert mean[~inside].mean() == pytest.approx(0.0, abs=0.02)


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_order_of_samples_and_probes_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height = heights(seed, changes={(8, 3): 1.0, (9, 20): 3.0})
    height[10, 5] = np.nan
    want = ratios(height)
    rows, columns = rng.permutation(len(NAMES)), rng.permutation(len(PANEL))
    panel = panel_from_columns(
        {
            "probe": [PANEL.probes[i] for i in columns],
            "length_nt": [repr(float(PANEL.length[i])) for i in columns],
            "gene": list(PANEL.gene[columns]),
            "exon": list(PANEL.exon[columns]),
            "role": list(PANEL.role[columns]),
        },
        "shuffled",
    )
    found = normalize(
        plain_signals(panel, [NAMES[i] for i in rows], height[np.ix_(rows, columns)]),
        panel, REFERENCES[rows], default_settings(),
    )  # fmt: skip
    place = np.ix_(rows, columns)
    np.testing.assert_allclose(found.ln_ratio, want.ln_ratio[place], atol=1e-9)
    np.testing.assert_allclose(found.error, want.error[place], atol=1e-9)
    np.testing.assert_allclose(found.level_error, want.level_error[rows], atol=1e-9)
    assert (found.aberrant == want.aberrant[place]).all()
    assert found.left_out == want.left_out
    for name, figure in want.figures.items():
        np.testing.assert_allclose(found.figures[name], figure[rows], atol=1e-9, err_msg=name)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    height = heights(6, changes={(8, 3): 1.0, (9, 20): 3.0})
    height[10, 5] = np.nan
    signals = plain_signals(PANEL, NAMES, height)
    want = normalize(signals, PANEL, REFERENCES, default_settings())
    monkeypatch.setattr(_normalize_rounds, "BLOCK", 3 * len(PANEL))  # blocks of three samples
    one = normalize(signals, PANEL, REFERENCES, default_settings())
    for name in ("ln_ratio", "error", "expected", "level_error", "slope_error", "centre"):
        np.testing.assert_allclose(getattr(one, name), getattr(want, name), rtol=1e-12, atol=1e-13)
    for name, figure in want.figures.items():
        np.testing.assert_allclose(one.figures[name], figure, rtol=1e-11, err_msg=name)


@given(st.integers(0, 1000), st.floats(0.01, 100.0), st.integers(0, 10))
@settings(max_examples=15, deadline=None)
def test_scaling_a_sample_changes_nothing_where_noise_does_not_depend_on_height(
    seed: int, factor: float, row: int
) -> None:
    height = heights(seed, changes={(8, 3): 1.0})
    scaled = height.copy()
    scaled[row] *= factor
    plain = without_height_dependence()
    want, found = ratios(height, plain), ratios(scaled, plain)
    # what is left of the height dependence: 10^-6 / height against 0.0014
    np.testing.assert_allclose(found.ln_ratio, want.ln_ratio, atol=1e-5)
    np.testing.assert_allclose(found.error, want.error, atol=1e-5)
    np.testing.assert_allclose(found.figures["slope"], want.figures["slope"], atol=1e-5)


def test_scaling_a_sample_changes_its_errors_but_hardly_its_ratios() -> None:
    # With the measured noise a quarter of 3000 units has CV^2 0.0014 + 5/750 against 0.0014 + 5/3000: an error
    # 1.6 times as large. The made noise does not depend on the height, and the run's fit goes part of the way
    # towards that. The ratio moves only through the weights of the fit.
    height = heights(1)
    scaled = height.copy()
    scaled[7] /= 4
    want, found = ratios(height), ratios(scaled)
    assert np.abs(found.ln_ratio[7] - want.ln_ratio[7]).max() < 0.02
    assert 1.03 < np.median(found.error[7] / want.error[7]) < 1.6
    others = np.delete(np.arange(len(NAMES)), 7)
    assert np.abs(found.ln_ratio[others] - want.ln_ratio[others]).max() < 0.005


@pytest.mark.parametrize("slope", [-0.15, 0.1, 0.3])
def test_a_slope_is_taken_out_and_told(slope: float) -> None:
    height = heights(2)
    tilted = height.copy()
    tilted[7] *= np.exp(slope * (PANEL.length - 300) / 100)
    want, found = ratios(height), ratios(tilted)
    # what is left over: the prior of the slope (SD 0.2) draws it back by a few per cent
    assert np.abs(found.ln_ratio[7] - want.ln_ratio[7]).max() < 0.02
    assert found.figures["slope"][7] - want.figures["slope"][7] == pytest.approx(slope, abs=0.015)
    uncorrected = found.figures["reference_sd_uncorrected"]
    assert uncorrected[7] > found.figures["reference_sd"][7]


@given(st.integers(0, 200), st.integers(5, 10), st.integers(0, len(PANEL) - 1), st.floats(0.05, 0.98))
@settings(max_examples=40, deadline=None)
def test_a_lower_height_never_raises_the_ratio(seed: int, row: int, probe: int, factor: float) -> None:
    height = heights(seed % 5)
    lower = height.copy()
    lower[row, probe] *= factor
    before, after = ratios(height).ln_ratio[row, probe], ratios(lower).ln_ratio[row, probe]
    assert after < before
    assert after - before == pytest.approx(np.log(factor), abs=0.12)  # the level follows a little


def test_a_probe_without_any_height_changes_nothing() -> None:
    height = heights(1)
    panel = panel_from_columns(
        {
            "probe": [*PANEL.probes, "dead"],
            "length_nt": [*(repr(float(v)) for v in PANEL.length), "333.3"],
            "gene": [*PANEL.gene, "DEAD"],
            "exon": [*PANEL.exon, "1"],
            "role": [*PANEL.role, "target"],
        },
        "one more",
    )
    more = np.column_stack([height, np.full(len(height), np.nan)])
    want, found = ratios(height), ratios(more, panel=panel)
    np.testing.assert_allclose(found.ln_ratio[:, :-1], want.ln_ratio, atol=1e-12)
    np.testing.assert_allclose(found.error[:, :-1], want.error, atol=1e-12)
    assert np.isnan(found.ln_ratio[:, -1]).all()
    assert np.isnan(found.error[:, -1]).all()


def test_missing_and_control_fragments_have_no_number() -> None:
    height = heights(1)
    height[6, 2] = np.nan
    height[:N_REFERENCES, 4] = np.nan  # no reference sample has it: nothing to compare with
    found = ratios(height)
    assert np.isnan([found.ln_ratio[6, 2], found.error[6, 2]]).all()
    assert np.isnan(found.ln_ratio[:, 4]).all()
    assert np.isnan(found.error[:, 4]).all()
    assert np.isfinite(np.delete(found.ln_ratio[7], 4)).all()
    role = PANEL.role.copy()
    role[0] = "benchmark"
    control = replace(PANEL, role=role)
    assert np.isnan(ratios(heights(1), panel=control).ln_ratio[:, 0]).all()


@pytest.mark.parametrize(("copies", "limit"), [(3.0, 0.02), (2.5, 0.045)])
def test_a_third_of_reference_probes_gained_hardly_moves_the_level(copies: float, limit: float) -> None:
    probes = np.flatnonzero(REFERENCE_PROBES)[::3][:4]  # 4 of 13
    shift = []
    for seed in range(4):
        want = ratios(heights(seed))
        found = ratios(heights(seed, changes={(7, int(p)): copies for p in probes}))
        rest = np.setdiff1d(np.arange(len(PANEL)), probes)
        shift.append(np.mean(found.ln_ratio[7, rest] - want.ln_ratio[7, rest]))
        if copies == 3.0:  # 0.9 ln 1.5 = 0.36, seven SD; 0.9 ln 1.25 = 0.2 is at the border of being told
            assert found.aberrant[7, probes].all()
        assert not found.aberrant[7, ~REFERENCE_PROBES].any()
        np.testing.assert_allclose(found.ln_ratio[8, rest], want.ln_ratio[8, rest], atol=0.01)
    # All four told apart: less than 0.02, where the mean of all 28 probes moves by 0.36 * 4 / 28 = 0.052.
    # At half the gain (0.2, 4 SD) they cannot be told: no worse by much than the mean in which the genes' 8, 4 and 3
    # probes count as 4.8, 2.8 and 2.3: 0.2 * 4 / 22.9 = 0.035.
    assert np.abs(shift).max() < limit


@pytest.mark.parametrize(
    "spoil",
    ["noise", "slope", "loss", "empty"],
)
def test_an_aberrant_reference_is_left_out_and_named(spoil: str) -> None:
    height = heights(3)
    rng = np.random.default_rng(9)
    clean = ratios(height)
    if spoil == "noise":
        height[2] *= np.exp(0.2 * rng.standard_normal(len(PANEL)))
    elif spoil == "slope":
        height[2] *= np.exp(-0.3 * (PANEL.length - 300) / 100)
    elif spoil == "loss":
        height[2, PANEL.gene == "IKZF1"] *= 0.5**0.9
    else:
        height[2] = np.nan
    found = ratios(height)
    assert list(found.left_out) == ["R2"]
    assert not found.reference_samples[2]
    assert found.reference_samples.sum() == N_REFERENCES - 1
    assert ("peak" if spoil == "empty" else "other references") in found.left_out["R2"]
    # the patients' ratios are what they would be without that reference
    alone = normalize(
        plain_signals(PANEL, NAMES, height),
        PANEL,
        REFERENCES & (np.arange(len(NAMES)) != 2),
        default_settings(),
    )
    np.testing.assert_allclose(found.ln_ratio[5:], alone.ln_ratio[5:], atol=1e-9)
    assert np.abs(found.ln_ratio[5:] - clean.ln_ratio[5:]).max() < 0.12


def test_good_references_are_kept() -> None:
    for seed in range(10):
        found = ratios(heights(seed))
        assert found.left_out == {}
        assert (found.reference_samples == REFERENCES).all()


@pytest.mark.parametrize(("count", "left_out"), [(2, []), (3, ["R1"])])
def test_two_references_cannot_tell_which_is_wrong_and_three_can(count: int, left_out: list[str]) -> None:
    height = heights(3)
    height[1] *= np.exp(-0.6 * (PANEL.length - 300) / 100)
    names = plain_signals(PANEL, NAMES, height)
    found = normalize(names, PANEL, np.arange(len(NAMES)) < count, default_settings())
    assert list(found.left_out) == left_out


@pytest.mark.parametrize(("slope", "left_out"), [(0.43, []), (0.70, ["R4"])])
def test_slopes_of_references_are_held_against_those_usual_in_the_run(
    slope: float, left_out: list[str]
) -> None:
    # against the median of the others: -0.06, 0.03, -0.06, 0.03 and `slope`; less their median 0.03 the median size
    # is 0.09, an SD of 0.133, and four of them are 0.53
    height = plain_heights(PANEL, np.full((len(NAMES), len(PANEL)), 2.0), seed=3, noise_sd=0.02, slope_sd=0.0)
    for row, own in enumerate((-0.03, 0.03, -0.03, 0.03, slope)):
        height[row] *= np.exp(own * (PANEL.length - 300) / 100)
    assert list(ratios(height).left_out) == left_out


def test_a_run_of_one_reaction_copied_keeps_the_measured_noise() -> None:
    height = np.repeat(heights(1)[:1], N_REFERENCES, axis=0)
    found = ratios(height)
    assert np.isfinite(found.error).all()
    assert np.median(found.error) > 0.02


def test_without_a_usable_reference_there_are_no_ratios() -> None:
    height = heights(1)
    height[:N_REFERENCES] = np.nan
    found = ratios(height)
    assert np.isnan(found.ln_ratio).all()
    assert np.isnan(found.error).all()
    assert np.isnan(found.level_error).all()
    assert set(found.left_out) == set(NAMES[:N_REFERENCES])


def test_identical_references_do_not_make_the_noise_vanish() -> None:
    height = heights(1)
    height[:N_REFERENCES] = height[0]
    found = ratios(height)
    assert np.isfinite(found.ln_ratio).all()
    assert found.left_out == {}
    assert np.median(found.error[5:]) > 0.03


@pytest.mark.parametrize("what", ["noise-free", "one value"])
def test_a_table_without_noise_is_read_as_such(what: str) -> None:
    height = heights(
        1, noise_sd=0.0, changes={(8, int(p)): 1.0 for p in np.flatnonzero(PANEL.gene == "IKZF1")}
    )
    if what == "one value":
        height = np.full(height.shape, 1000.0)
    found = ratios(height)
    assert np.abs(found.ln_ratio[6]).max() < 1e-4
    assert not found.aberrant.any()
    assert (
        found.error > 0.009
    ).all()  # a quarter of the noise of real data without its height: 0.25 * 0.0372
    if what == "noise-free":
        assert found.ln_ratio[8, PANEL.gene == "IKZF1"] == pytest.approx(0.9 * np.log(0.5), abs=0.01)


def test_unaltered_probabilities_free_the_level_from_called_probes() -> None:
    # three quarters of the cells have lost a copy under 11 of 28 probes: what is called altered has no say
    lost = [int(p) for p in np.flatnonzero(np.isin(PANEL.gene, ["IKZF1", "ETV6"]))]
    height = heights(4, changes={(7, p): 1.75 for p in lost})
    told = np.ones(height.shape)
    told[7, lost] = 0.0
    signals = plain_signals(PANEL, NAMES, height)
    blind = normalize(signals, PANEL, REFERENCES, default_settings())
    knowing = normalize(signals, PANEL, REFERENCES, default_settings(), unaltered=told)
    want = 0.9 * np.log(1.75 / 2)
    assert blind.ln_ratio[7, lost].mean() > knowing.ln_ratio[7, lost].mean()
    assert knowing.ln_ratio[7, lost].mean() == pytest.approx(want, abs=0.03)


def test_figures_of_the_run() -> None:
    height = heights(5)
    rng = np.random.default_rng(1)
    height[9] *= np.exp(0.09 * rng.standard_normal(len(PANEL)))
    found = ratios(height)
    figures = found.figures
    # noise of 0.09 on top of 0.05: twice the errors, less what the sample is drawn to the run's
    assert np.median(found.error[9]) > 1.3 * np.median(found.error[8])
    # 0.05 made noise and a fifth of the references' variance; ratio SD ~ ln SD
    assert np.median(figures["reference_sd"]) == pytest.approx(0.05, abs=0.015)
    assert figures["noise_scale"][9] > 1.5
    assert np.median(figures["noise_scale"]) == pytest.approx(1.0, abs=0.2)
    assert figures["absolute_scale"][9] > 1.4
    assert set(figures) >= {"reference_sd", "reference_sd_uncorrected", "probe_sd", "slope", "noise_scale"}


def test_error_holds_what_the_references_leave_open() -> None:
    # Variance of a ratio: the sample's own, and v / n of n references. A probe that one of five has instead of
    # all five adds up to v (1 - 1/5), the same in every sample; v is the noise made, 0.05^2, as the run's fit
    # sees it at the probe's height.
    height = heights(1)
    fewer = height.copy()
    fewer[1:N_REFERENCES, 6] = np.nan
    want, found = ratios(height), ratios(fewer)
    growth = found.error[5:, 6] ** 2 - want.error[5:, 6] ** 2
    assert growth == pytest.approx(np.full(len(growth), growth.mean()), rel=0.1)
    assert 0.35 * 0.05**2 < growth.mean() < 1.0 * 0.05**2
    others = np.delete(np.arange(len(PANEL)), 6)
    np.testing.assert_allclose(found.error[5:, others], want.error[5:, others], rtol=0.05)


def test_ratio_table_gives_the_whole_error() -> None:
    height = heights(1)
    height[6, 3] = np.nan
    signals = plain_signals(PANEL, NAMES, height)
    made = normalize(signals, PANEL, REFERENCES, default_settings())
    columns = ratios_table(signals, made, PANEL).columns
    for s, name in enumerate(NAMES):
        for p, probe in enumerate(PANEL.probes):
            i = s * len(PANEL) + p
            assert (columns["sample"][i], columns["probe"][i]) == (name, probe)
            x = (PANEL.length[p] - made.centre[s]) / 100
            sd = np.sqrt(made.error[s, p] ** 2 + made.level_error[s] ** 2 + (made.slope_error[s] * x) ** 2)
            want = np.exp(made.ln_ratio[s, p] + np.array([0, -1.959964, 1.959964]) * sd)
            found = [columns[key][i] for key in ("ratio", "ratio_low", "ratio_high")]
            assert found == pytest.approx(want, rel=1e-6, nan_ok=True)
    assert columns["flags"][6 * len(PANEL) + 3] == "no_peak"
    assert set(columns["flags"]) == {"", "no_peak"}


@pytest.mark.parametrize(
    ("code", "flag"),
    [
        (Missing.NO_PEAK, "no_peak"),
        (Missing.NO_VALUE, "no_value"),
        (Missing.NOT_FINITE, "not_finite"),
        (Missing.ZERO, "zero_height"),
        (Missing.NEGATIVE, "negative_height"),
        (Missing.AMBIGUOUS, "ambiguous_peak"),
        (Missing.NOT_IN_FILE, "not_in_file"),
    ],
)
def test_ratio_table_says_why_a_height_is_missing(code: Missing, flag: str) -> None:
    height = heights(1)
    height[6, 3] = np.nan
    height[7, np.flatnonzero(REFERENCE_PROBES)[0]] *= 3
    signals = plain_signals(PANEL, NAMES, height)
    missing, off = signals.missing.copy(), signals.off_scale.copy()
    missing[6, 3] = code
    off[8, 2] = True
    signals = replace(signals, missing=missing, off_scale=off)
    flags = ratios_table(signals, normalize(signals, PANEL, REFERENCES, default_settings()), PANEL).columns[
        "flags"
    ]
    assert flags[6 * len(PANEL) + 3] == flag
    assert flags[7 * len(PANEL) + np.flatnonzero(REFERENCE_PROBES)[0]] == "aberrant_reference"
    assert flags[8 * len(PANEL) + 2] == "off_scale"
    assert sum(bool(text) for text in flags) == 3


def test_result_has_the_shapes_and_labels_of_the_signals() -> None:
    height = heights(1)
    signals: Signals = plain_signals(PANEL, NAMES, height)
    found = normalize(signals, PANEL, REFERENCES, default_settings())
    assert found.samples == signals.samples
    assert found.probes == PANEL.probes
    assert found.ln_ratio.shape == found.error.shape == found.expected.shape == height.shape
    # what is expected and what is left over add up to what was measured
    np.testing.assert_allclose(found.expected + found.ln_ratio, np.log(height), atol=1e-9)
    assert ((found.centre > 200) & (found.centre < 400)).all()


def test_a_large_gene_that_is_lost_does_not_drag_the_level() -> None:
    # ten of 23 probes lost in 60 % of the cells: 0.9 ln 0.7 = -0.32, six SD. A level in between with twice the noise
    # explains the probes one by one as well as the truth does.
    panel = plain_panel({"LARGE": [str(i) for i in range(1, 11)]})
    lost = np.flatnonzero(panel.gene == "LARGE")
    for seed in range(4):
        height = heights(seed, panel=panel, changes={(7, int(p)): 1.4 for p in lost})
        found = ratios(height, panel=panel)
        assert found.ln_ratio[7, lost].mean() == pytest.approx(0.9 * np.log(0.7), abs=0.08)
        unaltered = np.ones(height.shape)
        unaltered[7, lost] = 0.0
        again = ratios(height, panel=panel, unaltered=unaltered)
        assert again.ln_ratio[7, lost].mean() == pytest.approx(0.9 * np.log(0.7), abs=0.04)
        assert again.figures["noise_scale"][7] < 1.5


def test_a_bad_reaction_is_not_seen_as_a_good_one_with_many_altered_probes() -> None:
    rng = np.random.default_rng(4)
    height = heights(2)
    height[8] *= np.exp(0.2 * rng.standard_normal(len(PANEL)))  # four times the noise of the others
    found = ratios(height)
    assert found.figures["noise_scale"][8] > 2.5
    assert np.median(found.error[8]) > 2.0 * np.median(found.error[6])


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_the_noise_of_the_run_is_found_whatever_the_measured_one(factor: float) -> None:
    error = []
    for seed in range(6):
        found = ratios(heights(seed, noise_sd=0.05 * factor))
        error.append(np.median(found.error[5:]))
    # noise of a probe and of the mean of five references: 0.05 sqrt(1.2)
    assert np.mean(error) == pytest.approx(0.05 * factor * np.sqrt(1.2), rel=0.12)


def test_all_references_of_a_noisy_run_are_kept() -> None:
    for seed in range(5):
        assert not ratios(heights(seed, noise_sd=0.11)).left_out
