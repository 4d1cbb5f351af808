"""Electropherograms of a run of raw traces: what is drawn is what was sized and called."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest

from mlpa_caller import electropherogram, pipeline
from mlpa_caller.outputs.report.chart_data import chart_data
from mlpa_caller.outputs.report.view_run import report_view
from mlpa_caller.panel import load_panel
from mlpa_caller.refdata import reference_path
from mlpa_caller.simulate import SimulationSettings, simulate_signals, write_run
from mlpa_caller.traces.profile import STEP_NT, sized_profile


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of raw traces, one of them cut off."""
    out = tmp_path_factory.mktemp("traces") / "run"
    run = simulate_signals(load_panel("demo-synthetic"), SimulationSettings(n_patients=5), seed=7)
    write_run(run, out, seed=7, traces=True)
    cut = out / "traces" / "P04.fsa"
    cut.write_bytes(cut.read_bytes()[:4000])
    return out


def called(folder, what="traces"):
    result = pipeline.call_run(
        [folder / what], panel=folder / "panel.csv", samples=folder / "samples.csv", workers=1
    )
    return result.to_dict()


@pytest.fixture(scope="module")
def given(folder):
    return called(folder)


def test_patients_that_were_sized_have_one_and_the_schema_knows_it(given):
    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(given)
    drawn = [sample["sample"] for sample in given["samples"] if "trace" in sample]
    assert drawn == [
        "P01",
        "P02",
        "P03",
        "P05",
    ]  # no reference, no control, and not the trace that was cut off


def test_peaks_are_those_of_the_ratios_and_lie_on_the_curve(given):
    probes = [probe["probe"] for probe in given["panel"]["probes"]]
    for sample in given["samples"]:
        for channel in sample.get("trace", ()):
            heights = dict(zip(probes, sample["ratios"]["height"]))
            assert {peak["probe"]: peak["height"] for peak in channel["peaks"]} == {
                name: height for name, height in heights.items() if height is not None
            }
            signal = np.array(channel["signal"], dtype=float)
            for peak in channel["peaks"]:
                at = round((peak["size_nt"] - channel["first_nt"]) / channel["step_nt"])
                top = np.nanmax(signal[at - 2 : at + 3])
                # the apex lies between two scans; half a scan from it a Gaussian of SD 1.5 scans has fallen by 5 %
                assert 0.93 * peak["height"] <= top <= 1.01 * peak["height"]


def test_the_median_is_in_units_of_the_reference_probes(given):
    (median,) = given["run"]["trace_median"]
    values = np.array(median["signal"], dtype=float)
    sizes = median["first_nt"] + median["step_nt"] * np.arange(len(values))
    used = [s for s in given["samples"] if s["sample"] in given["run"]["reference_samples"]]
    assert len(used) >= 3
    peaks = [peak for s in given["samples"] for c in s.get("trace", ()) for peak in c["peaks"]]
    for i, probe in enumerate(given["panel"]["probes"]):
        if probe["role"] == "reference":
            place = np.median([peak["size_nt"] for peak in peaks if peak["probe"] == probe["probe"]])
            height = np.median(
                [s["ratios"]["height"][i] / s["quality"]["figures"]["median_height"] for s in used]
            )
            top = values[np.abs(sizes - place) < 1.0].max()
            # peaks of one probe lie 0.1 nt apart and are 0.3 nt wide (SD): where one is highest, others have fallen
            assert 0.85 * height < top < 1.05 * height


def test_a_signal_is_moved_by_the_shift_of_its_sizes():
    signal = np.zeros(50)
    signal[20] = 1.0
    assert np.nanargmax(electropherogram._moved(signal, 0.6)) == 17  # three places of 0.2 nt to smaller sizes
    moved = electropherogram._moved(signal, -0.6)
    assert moved[23] == pytest.approx(1.0)
    assert np.isnan(moved[:3]).all()


def test_the_report_draws_them(given):
    data = chart_data(given, report_view(given, "0" * 64))
    assert list(data["traces"]["samples"]) == ["0", "1", "2", "4"]
    assert len(data["traces"]["median"]) == 1


def test_a_run_of_tables_or_of_very_many_traces_has_none(folder, monkeypatch):
    plain = called(folder, "peaks.txt")
    assert not any("trace" in sample for sample in plain["samples"])
    assert "trace_median" not in plain["run"]
    monkeypatch.setattr(electropherogram, "MOST_DRAWN", 3)
    many = called(folder)
    assert not any("trace" in sample for sample in many["samples"])


def test_a_profile_keeps_the_height_of_a_peak():
    size = 100.0 + 0.07 * np.arange(200)
    signal = np.zeros((1, 200))
    signal[0, 91] = 500.0  # one scan wide, at 106.37 nt, between two places of the grid
    profile = sized_profile(signal, size, ("A",))
    assert profile.first == 500
    assert profile.signal.shape == (1, 71)  # 100.0 to 113.93 nt
    assert profile.signal.max() == 500.0
    assert (profile.first + profile.signal[0].argmax()) * STEP_NT == pytest.approx(106.4)


def test_a_profile_has_no_values_where_no_size_is_known():
    size = np.linspace(100.0, 120.0, 201)
    size[:10] = np.nan
    size[100:150] = np.nan  # from 110 to 115 nt
    profile = sized_profile(np.ones((2, 201)), size, ("A", "B"))
    sizes = (profile.first + np.arange(profile.signal.shape[1])) * STEP_NT
    assert sizes[0] == pytest.approx(101.0)
    assert np.isnan(profile.signal[:, (sizes > 110.0) & (sizes < 115.0)]).all()
    assert not np.isnan(profile.signal[:, (sizes < 109.9) | (sizes > 115.1)]).any()
    assert sized_profile(np.ones((1, 5)), np.full(5, np.nan), ("A",)) is None


def test_scans_farther_apart_than_the_grid_are_joined():
    profile = sized_profile(np.array([[0.0, 10.0, 0.0]]), np.array([50.0, 51.0, 52.0]), ("A",))
    assert profile.signal[0].tolist() == pytest.approx([0, 2, 4, 6, 8, 10, 8, 6, 4, 2, 0])
