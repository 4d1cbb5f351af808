"""The benchmark of speed: it measures with what is right, stores JSON, and draws the same each time."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import machine, speed, speed_report, speed_stages
from benchmarks.plain import WAYS
from mlpa_caller import pipeline

ROOT = Path(__file__).resolve().parents[1]


def cost(samples: int, probes: int = 62, write: bool = True) -> dict[str, object]:
    stages = dict.fromkeys(
        ("normalise", "call", "quality", "tables", "consequences", "other"), 1e-4 * samples
    )
    stages |= {"write": 2e-4 * samples} if write else {}
    return {
        "samples": samples, "probes": probes, "stages": stages, "cpu_s": sum(stages.values()),
        "memory_mb": 100.0 + samples / 50, "input_mb": 50.0,
    }  # fmt: skip


FOUND = {
    "limits": dict.fromkeys(speed_report.LIMITS, 10.0),
    "plain": {name: 1000.0 * (k + 1) for k, name in enumerate(WAYS)},
    "growth": {
        "normalise": [cost(10**k) for k in range(5)],
        "everything": [cost(10**k, write=k < 4) for k in range(5)],
        "probes": [cost(1000, count) for count in (20, 62, 400)],
    },
    "commands": {
        "help": {"seconds": 0.1, "median_seconds": 0.12, "memory_mb": 15.0},
        "batch30": {"seconds": 61.0, "median_seconds": 61.0, "memory_mb": 700.0},
        "normalise": {"seconds_per_million": 55.0},
    },
}


def test_plain_ways_agree_and_find_the_ratio() -> None:
    rng = np.random.default_rng(1)
    references = rng.uniform(500.0, 8000.0, (5, 20))
    amount, ratio = rng.uniform(0.3, 3.0, (300, 1)), np.ones((300, 20))
    ratio[:, 12] = 0.5
    ratio[::7, 2] = 1.5  # one gained reference probe of seven moves no median
    height = amount * ratio * references[:1]
    probes = np.arange(7)
    found = [work(height, probes, references[:1]) for work in WAYS.values()]
    for other in found:
        assert other == pytest.approx(ratio)
    many = [work(height, probes, references) for work in WAYS.values()]
    assert many[1] == pytest.approx(many[0])
    assert many[2] == pytest.approx(many[0])


@pytest.mark.parametrize("count", [20, 62, 200, 400])
def test_panels_have_the_number_of_probes_stated(count: int) -> None:
    panel = speed_stages.panel_of(count)
    assert len(panel.probes) == count
    if count != 62:
        assert panel.is_role("reference").sum() == max(5, count // 4)
        assert max(len(region.unit_label) for region in panel.regions) == min(8, count - max(5, count // 4))


def test_larger_runs_are_smaller_ones_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_stages, "SIMULATED", 20)
    panel = speed_stages.panel_of(20)
    sheet, signals = speed_stages.run_of(panel, 60)
    assert sheet.samples == signals.samples
    assert len(set(sheet.samples)) == len(signals.height) == len(sheet.role)
    assert (sheet.role == "patient").sum() == 60
    assert (sheet.role == "reference").sum() == 5
    assert len(np.unique(signals.height[:, 0])) > 60  # no row is the copy of another


def test_every_stage_is_timed_and_the_functions_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for stage in speed_stages.STAGES.values() for name in stage]
    before = [getattr(pipeline, name) for name in names]
    panel = speed_stages.panel_of(20)
    run = speed_stages.run_of(panel, 4)
    found = speed_stages.everything(panel, *run)
    assert list(found) == ["normalise", "call", "quality", "tables", "consequences", "other", "write"]
    assert all(value >= 0 for value in found.values())
    assert [getattr(pipeline, name) for name in names] == before
    monkeypatch.setattr(speed_stages, "WRITTEN_UP_TO", 1)
    assert "write" not in speed_stages.everything(panel, *run)


def test_stored_results_are_json_without_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "RESULTS", tmp_path)
    figures = {
        "a": np.float64("nan"), "b": [math.inf, np.int64(3), (1, 2)], "c": np.array([1.0, np.nan]),
        4: {"d": np.bool_(True)},
    }  # fmt: skip
    path = machine.store("some", figures)

    def refuse(text: str) -> None:
        raise AssertionError(text)

    found = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert found.pop("machine")["processors"] == machine.processors()
    assert found == {"a": None, "b": [None, 3, [1, 2]], "c": [1.0, None], "4": {"d": True}}


def test_goals_are_judged_by_what_was_measured() -> None:
    rows = speed.judged(FOUND)
    assert [(row["value"], row["met"]) for row in rows] == [
        (0.1, True),
        (61.0, False),
        (700.0, True),
        (55.0, False),
    ]


def test_document_and_plots_come_from_the_stored_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "RESULTS", tmp_path)
    machine.store("speed", {**FOUND, "goals": speed.judged(FOUND)})
    monkeypatch.setattr(
        speed_report, "load", lambda name: json.loads((tmp_path / f"{name}.json").read_text())
    )
    docs = [tmp_path / "one", tmp_path / "two"]
    for folder in docs:
        folder.mkdir()
        (folder / "speed.md").write_text(
            (ROOT / "docs" / "speed.md").read_text(encoding="utf-8"), encoding="utf-8"
        )
        assert speed_report.report(folder) == 0
    text = (docs[0] / "speed.md").read_text(encoding="utf-8")
    assert "| `mlpa-caller --help` | 0.1 s | at most 0.15 | met |" in text
    assert "| 61 s | at most 60 | **missed** |" in text
    assert "| 1,000 | 62 | 100 | 100 | 100 | 100 | 100 | 100 | 200 | 800 | 120 |" in text
    assert "| 10,000 | 62 | 100 | 100 | 100 | 100 | 100 | 100 |  | 600 | 300 |" in text
    assert text.count("<!-- table:") == text.count("<!-- end of table -->") == 7
    assert not any(
        f"<!-- table: {name} -->\n<!-- end" in text for name in ("goals", "stages", "peers", "machine")
    )
    for name in ("speed.md", *(f"images/{name}" for name in speed_report.FIGURES)):
        assert (docs[0] / name).read_bytes() == (docs[1] / name).read_bytes(), name


def test_without_a_stored_result_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(speed_report, "load", lambda _: None)
    assert speed_report.report(tmp_path) == 1
    assert "run python -m benchmarks.speed" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
