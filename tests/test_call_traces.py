"""The whole line: raw capillary traces in, calls out, compared with the peak table they were made of."""

import csv
from pathlib import Path

import numpy as np
import pytest

from mlpa_caller.cli import main
from mlpa_caller.errors import InputError, SampleSheetError, TraceError
from mlpa_caller.panel import load_panel
from mlpa_caller.pipeline import call_run
from mlpa_caller.simulate import SimulationSettings, simulate_signals, write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("traces") / "run"
    settings = SimulationSettings(n_patients=10, other_gene_rate=0.2)
    run = simulate_signals(load_panel("demo-synthetic"), settings, seed=41)
    files = write_run(run, out, seed=41, traces=True)
    assert sum(name.endswith(".fsa") for name in files) == 16
    return out


def called(folder: Path, what: str, **options):
    return call_run(
        [folder / what], panel=folder / "panel.csv", samples=folder / "samples.csv", workers=1, **options
    )


def events(result) -> dict[tuple[str, str], list[tuple[str, str]]]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    columns = result.tables["calls"].columns
    for sample, gene, status, exons in zip(*(columns[n] for n in ("sample", "gene", "status", "exons"))):
        found.setdefault((sample, gene), []).append((status, exons))
    return found


def test_traces_give_the_calls_of_their_peak_table(folder):
    seen = []
    raw, table = called(folder, "traces", progress=lambda *n: seen.append(n)), called(folder, "peaks.txt")
    one, two = events(raw), events(table)
    assert one.keys() == two.keys()
    assert sum(one[key] == two[key] for key in one) >= 0.99 * len(one)
    both = ~np.isnan(raw.signals.height) & ~np.isnan(table.signals.height)
    assert both.sum() > 800
    ratio = np.log(raw.signals.height[both] / table.signals.height[both])
    assert np.std(ratio) < 0.01  # the apex lies between scans; the highest scan alone would scatter by 0.014
    assert seen[-1] == (16, 16)
    assert (raw.quality["rungs_matched"] >= 6).all()


def test_a_refused_trace_fails_its_sample_and_no_other(folder, tmp_path):
    for path in sorted((folder / "traces").iterdir()):
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data[: len(data) // 2] if path.stem == "P03" else data)
    sheet, panel = folder / "samples.csv", folder / "panel.csv"
    result = call_run([tmp_path], panel=panel, samples=sheet, workers=1)
    quality = result.quality.set_index("sample")
    assert quality.loc["P03", "verdict"] == "fail"
    assert quality.loc["P03", "reasons"].startswith("sizing: ") or "sizing: " in quality.loc["P03", "reasons"]
    assert (quality.drop(index="P03").query("role == 'patient'")["verdict"] != "fail").all()
    calls = result.calls.query("sample == 'P03'")
    assert set(calls["status"]) == {"not_evaluable"}
    assert calls["probability"].isna().all()


def test_no_trace_that_can_be_sized_is_an_error(folder, tmp_path):
    (tmp_path / "P01.fsa").write_text("a text, renamed", encoding="utf-8")
    with pytest.raises(TraceError, match="none of 1 traces could be sized"):
        call_run([tmp_path], panel=folder / "panel.csv", samples=folder / "samples.csv")


def test_traces_and_tables_are_not_mixed(folder):
    with pytest.raises(InputError, match="raw traces and tables are mixed"):
        call_run(
            [folder / "traces", folder / "peaks.txt"],
            panel=folder / "panel.csv",
            samples=folder / "samples.csv",
        )


def test_a_trace_that_is_not_in_the_sheet_is_named(folder, tmp_path):
    for path in (folder / "traces").iterdir():
        (tmp_path / path.name.replace("P02", "Q02")).write_bytes(path.read_bytes())
    lines = (folder / "samples.csv").read_text(encoding="utf-8").replace("P02,", "P99,")
    (tmp_path / "sheet.csv").write_text(lines, encoding="utf-8")
    with pytest.raises(SampleSheetError, match="P99"):
        call_run([tmp_path], panel=folder / "panel.csv", samples=tmp_path / "sheet.csv")


def test_simulate_and_call_on_the_command_line(tmp_path, capsys):
    run, out = tmp_path / "run", tmp_path / "out"
    for words in (
        ["simulate", "--out", str(run), "--traces", "--patients", "3", "--quiet"],
        ["call", str(run / "traces"), "--panel", str(run / "panel.csv"), "--samples", str(run / "samples.csv"),
         "--out", str(out), "--quiet"],
    ):  # fmt: skip
        with pytest.raises(SystemExit) as done:
            main(words)
        assert done.value.code == 0, capsys.readouterr().err
    with open(out / "quality.tsv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {row["ladder_residual_max"] != "" for row in rows} == {True}
