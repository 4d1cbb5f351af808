"""Every quality finding by its message, its verdict, and its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from slow_caller import plain_heights, plain_signals

from mlpa_caller.datatypes import Missing, Signals, text_array
from mlpa_caller.normalize import normalize
from mlpa_caller.panel import Panel
from mlpa_caller.quality import Quality, assess
from mlpa_caller.settings import default_settings
from mlpa_caller.simulate import synthetic_panel

PANEL: Panel = synthetic_panel(genes=("IKZF1", "PAX5"), n_exons=6)
N = 10
NAMES = [f"R{i}" for i in range(4)] + [f"P{i}" for i in range(6)]
ROLES = ["reference"] * 4 + ["patient"] * 6
PATIENT = 5  # the sample that is spoiled


def heights(seed: int = 1) -> np.ndarray:
    """A good run: controls as they should be (Q at a tenth, D and X as high as the benchmark, no Y)."""
    out = plain_heights(PANEL, np.full((N, len(PANEL)), 2.0), seed=seed, noise_sd=0.05)
    for role, value in (("benchmark", 3000), ("denaturation", 2900), ("quantity", 300), ("sex_x", 3000)):
        out[:, PANEL.is_role(role)] = value + np.arange(N)[:, None]
    out[:, PANEL.is_role("sex_y")] = np.nan
    return out


def judged(
    height: np.ndarray,
    *,
    roles: Sequence[str] = ROLES,
    sex: Sequence[str] = ("",) * N,
    names: Sequence[str] = NAMES,
    limits: dict[str, float] | None = None,
    contradicted: dict[str, str] | None = None,
    **changes: Any,
) -> Quality:
    settings = default_settings()
    settings = replace(settings, quality={**settings.quality, **(limits or {})})
    signals: Signals = replace(plain_signals(PANEL, names, height), **changes)
    ratios = normalize(signals, PANEL, np.array([role == "reference" for role in roles]), settings)
    return assess(
        signals, ratios, PANEL, text_array(roles), text_array(sex), settings, contradicted=contradicted
    )


def of(quality: Quality, row: int = PATIENT) -> tuple[str, str]:
    return quality.table.columns["verdict"][row], quality.table.columns["reasons"][row]


def at(*roles: str) -> np.ndarray:
    return np.flatnonzero(PANEL.is_role(*roles))


def test_a_good_run_passes_without_a_word() -> None:
    quality = judged(heights())
    assert set(quality.table.columns["verdict"]) == {"pass"}
    assert set(quality.table.columns["reasons"]) == {""}
    assert quality.run == {"verdict": "pass", "reasons": []}
    assert not quality.failed.any()
    assert not quality.doubtful.any()
    columns = quality.table.columns
    assert columns["sample"].tolist() == NAMES
    assert columns["role"].tolist() == ROLES
    # (300 + i) / (3000 + i)
    assert columns["quantity_ratio"][0] == pytest.approx(0.1)
    assert columns["denaturation_ratio"][0] == pytest.approx(2900 / 3000)
    assert columns["sex_y_ratio"][0] == 0
    assert (columns["missing_probes"] == 0).all()


def spoiled(change: str) -> np.ndarray:
    height = heights()
    rng = np.random.default_rng(3)
    reference, measured = at("reference"), at("reference", "target")
    x = (PANEL.length - 300) / 100
    if change == "noisy":
        height[PATIENT, measured] *= np.exp(0.13 * rng.standard_normal(len(measured)))
    elif change == "very noisy":
        height[PATIENT, measured] *= np.exp(0.45 * rng.standard_normal(len(measured)))
    elif change == "slope":
        height[PATIENT] *= np.exp(-0.2 * x)
    elif change == "steep":
        height[PATIENT] *= np.exp(0.6 * x)
    elif change == "few":
        height[PATIENT, reference[4:]] = np.nan
    elif change == "some missing":
        height[PATIENT, reference[:4]] = np.nan
    elif change == "odd":
        height[PATIENT, reference[:5]] *= [1.4, 1.45, 1.38, 1.42, 1.4]
    elif change == "low":
        height[PATIENT, measured] *= 200 / np.median(height[PATIENT, reference])
    elif change == "too low":
        height[PATIENT, measured] *= 60 / np.median(height[PATIENT, reference])
    elif change == "quantity":
        height[PATIENT, at("quantity")] = 1500
    elif change == "denaturation":
        height[PATIENT, at("denaturation")] = 900
    elif change == "one D low":
        height[PATIENT, at("denaturation")[0]] = 600
    elif change == "D absent":
        height[PATIENT, at("denaturation")] = np.nan
    return height


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ("noisy", "warn", "x that of good reactions"),
        ("very noisy", "fail", "SD"),
        ("slope", "warn", "slope -0."),
        ("steep", "fail", "slope +0.5"),
        ("few", "fail", "only 4 reference probes have a peak"),
        ("some missing", "warn", "4 reference probes have no peak"),
        ("odd", "warn", "5 reference probes look altered: ploidy, or a failed reaction"),
        ("low", "warn", "median height of the reference probes 200 is low"),
        ("too low", "fail", "median height of the reference probes 60: too low to call"),
        ("quantity", "warn", "too little DNA: Q fragments 0.50 of the 92-nt benchmark"),
        ("denaturation", "warn", "poor denaturation: D fragments 0.30 of the 92-nt benchmark"),
        ("one D low", "warn", "poor denaturation: D fragments"),
        ("D absent", "warn", "poor denaturation: D fragments 0.00 of the 92-nt benchmark"),
    ],
)
def test_finding(change: str, verdict: str, reason: str) -> None:
    quality = judged(spoiled(change))
    found = of(quality)
    assert reason in found[1]
    assert found[0] == verdict
    assert quality.failed[PATIENT] == (verdict == "fail")
    assert quality.doubtful[PATIENT] == (verdict == "warn")
    for row in range(N):
        if row != PATIENT:
            assert of(quality, row) == ("pass", ""), row


def test_fewer_than_five_unaltered_reference_probes_give_no_answer() -> None:
    # quality.csv: min_reference_probes are "unaltered reference probes needed for an answer"
    height = heights()
    height[PATIENT, at("reference")[:9]] *= [2.0, 0.4, 2.1, 0.5, 1.9, 0.45, 2.2, 0.35, 1.8]
    assert of(judged(height))[0] == "fail"


def test_off_scale_probes_are_counted() -> None:
    off = np.zeros((N, len(PANEL)), dtype=np.bool_)
    off[PATIENT, at("target")[:3]] = True  # 3 of 25: above 5 %
    off[PATIENT + 1, at("target")[:1]] = True
    quality = judged(heights(), off_scale=off)
    assert of(quality) == ("warn", "3 probes off scale")
    assert of(quality, PATIENT + 1) == ("pass", "")


def test_lowest_reference_probe_against_the_noise() -> None:
    height = heights()
    lowest = np.nanmin(height[PATIENT, at("reference")])
    noise = np.full(N, np.nan)
    noise[PATIENT] = lowest / 1.1
    assert "hardly above the noise" in of(judged(height, noise=noise))[1]
    noise[PATIENT] = lowest / 1.3
    assert of(judged(height, noise=noise)) == ("pass", "")


@pytest.mark.parametrize(
    ("sex", "y", "reason"),
    [
        ("M", 0.0, "sheet says M, Y fragment is absent"),
        ("F", 1500.0, "sheet says F, Y fragment is present"),
        ("M", 1500.0, ""),
        ("F", 0.0, ""),
        ("", 1500.0, ""),
    ],
)
def test_sex_against_the_y_fragment(sex: str, y: float, reason: str) -> None:
    height = heights()
    if y:
        height[PATIENT, at("sex_y")] = y
    sexes = [""] * N
    sexes[PATIENT] = sex
    assert of(judged(height, sex=sexes)) == ("warn" if reason else "pass", reason)


def test_fragments_that_the_file_does_not_have_are_unknown_not_absent() -> None:
    # a table without the control fragments says nothing of sex, DNA quantity and denaturation
    height = heights()
    controls = at("sex_x", "sex_y", "quantity", "denaturation")
    height[:, controls] = np.nan
    missing = np.where(np.isnan(height), Missing.NOT_IN_FILE, Missing.PRESENT).astype(np.uint8)
    quality = judged(height, sex=["M"] * N, missing=missing)
    assert set(quality.table.columns["reasons"]) == {""}
    for name in ("sex_y_ratio", "quantity_ratio", "denaturation_ratio"):
        assert np.isnan(quality.table.columns[name]).all(), name


def test_identical_samples_are_named() -> None:
    height = heights()
    height[8] = height[PATIENT]
    quality = judged(height)
    assert of(quality) == ("warn", "heights identical to those of P4")
    assert of(quality, 8) == ("warn", "heights identical to those of P1")
    assert of(quality, 7) == ("pass", "")


@pytest.mark.parametrize("name", ["{0}", "{P.x}", "a; b", "%s", "=1"])
def test_any_name_may_stand_in_a_reason(name: str) -> None:
    height = heights()
    height[8] = height[PATIENT]
    names = [*NAMES]
    names[8] = name
    verdict, reason = of(judged(height, names=names))
    assert verdict == "warn"
    assert reason == f"heights identical to those of {name.replace(';', ',')}"


def test_a_reference_left_out_fails_and_is_named() -> None:
    height = heights()
    height[1] *= np.exp(-0.4 * (PANEL.length - 300) / 100)
    quality = judged(height)
    assert of(quality, 1)[0] == "fail"
    assert "unfit as a reference: " in of(quality, 1)[1]
    assert quality.run["verdict"] == "warn"
    assert any(reason.startswith("reference R1 left out: ") for reason in quality.run["reasons"])


def test_a_reference_that_looks_altered_is_told() -> None:
    quality = judged(heights(), contradicted={"R2": "{IKZF1} looks altered (probability 0.999)"})
    assert of(quality, 2) == ("warn", "not used as a reference: {IKZF1} looks altered (probability 0.999)")
    assert quality.run["verdict"] == "warn"
    assert "reference R2 left out: {IKZF1} looks altered (probability 0.999)" in quality.run["reasons"]


def test_no_usable_reference_fails_the_run() -> None:
    height = heights()
    height[:4] = np.nan
    quality = judged(height)
    assert quality.run["verdict"] == "fail"
    assert quality.run["reasons"][0] == "no usable reference sample"
    assert of(quality) == ("fail", "no usable reference sample in the run")
    assert quality.failed.all()


@pytest.mark.parametrize(
    ("peaks", "verdict"), [("none", "pass"), ("noise", "pass"), ("contaminated", "fail")]
)
def test_no_dna_control(peaks: str, verdict: str) -> None:
    height = heights()
    roles = [*ROLES]
    roles[9] = "no_dna"
    height[9, at("quantity")] = 4000  # Q fragments amplify best without DNA: no finding
    measured = at("reference", "target", "benchmark", "denaturation", "sex_x")
    if peaks == "none":
        height[9, measured] = np.nan
    elif peaks == "noise":
        height[9, measured] = 70.0 + np.arange(len(measured))
    else:
        height[9, measured] *= 0.3
    quality = judged(height, roles=roles)
    assert of(quality, 9)[0] == verdict
    if verdict == "fail":
        assert "the no-DNA control has probe peaks (median height " in of(quality, 9)[1]
        assert "a no-DNA control has probe peaks" in quality.run["reasons"]
    else:
        assert of(quality, 9)[1] == ""
        assert quality.run["verdict"] == "pass"


@pytest.mark.parametrize(("minimum", "advised"), [(5.0, 7), (10.0, 5), (20.0, None)])
def test_references_wanted_grow_with_the_samples(minimum: float, advised: int | None) -> None:
    # 10 samples, one more reference for each 3 above the minimum: 3 + ceil(5 / 3) = 5 and so on
    limits = {"samples_with_minimum": minimum, "samples_per_reference": 3.0, "min_reference_samples": 5.0}
    wanted = 5 + -(-max(0, N - int(minimum)) // 3)
    quality = judged(heights(), limits=limits)
    assert (advised or 5) == wanted
    assert quality.run["verdict"] == "warn"
    assert quality.run["reasons"] == [f"4 usable reference samples for 10 samples; {wanted} are advised"]


def test_verdict_is_the_worst_of_several_and_every_reason_is_kept() -> None:
    height = spoiled("few")
    height[PATIENT, at("quantity")] = 1500
    verdict, reasons = of(judged(height))
    assert verdict == "fail"
    assert "only 4 reference probes have a peak" in reasons.split("; ")
    assert "too little DNA: Q fragments 0.50 of the 92-nt benchmark" in reasons.split("; ")
    assert "9 reference probes have no peak" in reasons.split("; ")


def test_limits_come_from_the_settings() -> None:
    height = heights()
    assert of(judged(height, limits={"median_height_low": 1e6}))[0] == "warn"
    assert of(judged(height, limits={"quantity_share": 0.05}))[0] == "warn"
    assert of(judged(height, limits={"reference_sd_fail": 0.001}))[0] == "fail"


def test_further_figures_are_shown() -> None:
    signals = plain_signals(PANEL, NAMES, heights())
    settings = default_settings()
    ratios = normalize(signals, PANEL, np.arange(N) < 4, settings)
    extra = {"size_residual": np.linspace(0, 1, N)}
    quality = assess(signals, ratios, PANEL, text_array(ROLES), text_array([""] * N), settings, extra=extra)
    assert quality.table.columns["size_residual"].tolist() == extra["size_residual"].tolist()
