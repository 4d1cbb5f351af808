"""Combined tables and files of runs: what a run is, and what becomes of its result."""

from __future__ import annotations

import csv
import shutil

import pandas as pd
import pytest
from batch_cases import (
    COMBINED,
    PANEL,
    combined,
    provenance,
    rows,
    sheet_text,
    simulated,
    write_folder,
    write_table,
)
from pyarrow import parquet as pq

from mlpa_caller import outputs
from mlpa_caller.batch import run_batch
from mlpa_caller.pipeline import call_run

pytest_plugins = ["batch_fixtures"]
pytestmark = pytest.mark.usefixtures("inline", "remembered")


def test_combined_tables_hold_what_each_run_gives_alone(archive, tmp_path):
    out = tmp_path / "out"
    summary = combined(archive, out=out)
    assert [row["run"] for row in summary.runs] == ["2024/r1", "r10", "r2"]
    assert (summary.done, summary.skipped, summary.failures) == (3, 0, ())
    for name in ("calls", "exons", "ratios", "quality"):
        together = pd.read_parquet(out / f"{name}.parquet")
        assert list(together.columns[:2]) == ["run", "sample"]
        assert list(dict.fromkeys(together["run"])) == ["2024/r1", "r10", "r2"]
        for run, seed in (("2024/r1", 1), ("r10", 3), ("r2", 2)):
            folder = archive / run
            alone = call_run(folder / "heights.csv", panel=PANEL, samples=folder / "samples.csv")
            part = together[together["run"] == run]
            shown = [key for key in alone.tables[name].columns if key not in alone.tables[name].json_only]
            for key in shown:
                expected = alone.frame(name)[key]
                if expected.dtype.kind == "f":
                    decimals = alone.tables[name].decimals.get(key, 4)
                    assert part[key].to_numpy() == pytest.approx(
                        expected.to_numpy(), abs=0.51 * 10.0**-decimals, nan_ok=True
                    )
                else:
                    assert part[key].fillna("").tolist() == expected.tolist(), (name, key)
            if name == "quality":
                assert set(part["lot"]) == {f"L{seed}"}
                assert set(part["date"]) == {f"2025-01-0{seed}"}
    assert set(pd.read_parquet(out / "ratios.parquet")["probe_role"]) >= {"target", "reference"}


def test_the_tables_of_runs(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive, out=out)
    first = rows(out, "runs")[0]
    assert (first["run"], first["samples"], first["patients"], first["references"]) == ("2024/r1", 8, 4, 4)
    assert (first["panel"], first["inputs"], first["files"]) == (PANEL, 1, "")
    assert rows(out, "failures") == []
    assert pq.read_schema(out / "failures.parquet").names == ["run", "error", "message"]
    with (out / "runs.tsv").open(encoding="utf-8", newline="") as stream:
        assert [row["run"] for row in csv.DictReader(stream, delimiter="\t")] == ["2024/r1", "r10", "r2"]
    document = provenance(out)
    assert [entry["name"] for entry in document["outputs"]] == sorted(
        [f"{name}.parquet" for name in COMBINED] + ["runs.tsv", "failures.tsv"]
    )


def test_files_of_every_run_are_those_of_call(archive, tmp_path):
    from mlpa_caller.outputs import write_result

    out = tmp_path / "out"
    combined(archive, out=out, files=None)
    folders = {row["run"]: row["files"] for row in rows(out, "runs")}
    assert folders["r2"] == "runs/r2"
    assert folders["2024/r1"].startswith("runs/2024_r1~")
    write_result(
        call_run(archive / "r2" / "heights.csv", panel=PANEL, samples=archive / "r2" / "samples.csv"),
        tmp_path / "alone",
    )
    mine = {path.name: path.read_bytes() for path in (out / "runs" / "r2").rglob("*") if path.is_file()}
    alone = {path.name: path.read_bytes() for path in (tmp_path / "alone").rglob("*") if path.is_file()}
    assert mine.keys() == alone.keys()
    assert {name for name in mine if mine[name] != alone[name]} <= {"provenance.json"}


def test_a_table_of_runs_gives_what_folders_give(archive, tmp_path):
    table = write_table(tmp_path / "t.parquet", {"2024/r1": 1, "r10": 3, "r2": 2})
    combined(archive, out=tmp_path / "folders")
    combined(table, out=tmp_path / "table", samples=table.with_suffix(".csv"), files=None)
    for name in ("calls", "exons", "ratios"):
        assert rows(tmp_path / "folders", name) == rows(tmp_path / "table", name)
    assert not (tmp_path / "table" / "runs").exists()


def test_order_of_inputs_and_of_completion_does_not_matter(archive, tmp_path):
    combined(archive, out=tmp_path / "a")
    combined(archive / "r2", archive / "2024", archive / "r10", out=tmp_path / "b")
    named = {name: rows(tmp_path / "b", name) for name in ("calls", "quality")}
    assert [row["run"] for row in rows(tmp_path / "b", "runs")] == ["r1", "r10", "r2"]
    for name, found in named.items():
        assert [
            {**row, "run": f"2024/{row['run']}" if row["run"] == "r1" else row["run"]} for row in found
        ] == rows(tmp_path / "a", name)


def test_row_groups_are_written_as_they_fill(archive, tmp_path, monkeypatch):
    from mlpa_caller.batch import combine

    combined(archive, out=tmp_path / "a")
    monkeypatch.setattr(combine, "ROWS_AT_ONCE", 600)
    combined(archive, out=tmp_path / "b")
    assert pq.ParquetFile(tmp_path / "b" / "ratios.parquet").num_row_groups == 2
    assert rows(tmp_path / "a", "ratios") == rows(tmp_path / "b", "ratios")


def test_sample_sheet_for_all_runs(archive, tmp_path):
    sheet = tmp_path / "all.csv"
    lines = [
        line
        for run, seed in (("2024/r1", 1), ("r2", 2), ("r9", 3))
        for line in sheet_text(seed, run=run).splitlines()[1:]
    ]
    sheet.write_text("sample,role,run\n" + "\n".join(lines) + "\n", encoding="utf-8")
    for run in ("2024/r1", "r2", "r10"):
        (archive / run / "samples.csv").unlink()
    summary = combined(archive, out=tmp_path / "out", samples=sheet)
    assert [row["run"] for row in summary.runs] == ["2024/r1", "r2"]
    assert [(run, kind) for run, kind, _ in summary.failures] == [("r10", "SampleSheetError")]
    assert summary.not_given == ("r9",)
    export = shutil.copy(archive / "r2" / "heights.csv", tmp_path / "r2.csv")
    one = combined(export, out=tmp_path / "one", samples=sheet)
    assert [row["run"] for row in one.runs] == ["r2"]


def test_panel_and_clinical_data_of_a_run(archive, tmp_path):
    from mlpa_caller.refdata import reference_path

    folder = archive / "r2"
    shutil.copy(reference_path(f"panels/{PANEL}.csv"), folder / "panel.csv")
    patient = simulated(2).sheet().samples[0]
    (folder / "clinical.csv").write_text(f"sample,age_years,wbc_e9_per_l\n{patient},4,12\n", encoding="utf-8")
    summary = run_batch([folder], tmp_path / "out", files=False)
    assert [row["panel"] for row in summary.runs] == ["panel"]
    risk = rows(tmp_path / "out", "risk")
    assert {row["run"] for row in risk} == {"r2"}
    assert patient in {row["sample"] for row in risk}
    (folder / "clinical.csv").write_text(
        f"sample,age_years,wbc_e9_per_l\n{patient},14,12\n", encoding="utf-8"
    )
    assert run_batch([folder], tmp_path / "out", files=False, resume=True).done == 1
    assert run_batch([folder], tmp_path / "out", files=False, resume=True).skipped == 1


def test_sheet_columns_that_have_a_figures_name(tmp_path):
    write_folder(tmp_path / "runs" / "a", 1, slope="steep", verdict="mine", sheet_slope="x")
    combined(tmp_path / "runs", out=tmp_path / "out")
    first = rows(tmp_path / "out", "quality")[0]
    assert first["verdict"] in ("pass", "warn", "fail")
    assert isinstance(first["slope"], float)
    assert (first["sheet_verdict"], first["sheet_slope"], first["sheet_sheet_slope"]) == (
        "mine",
        "x",
        "steep",
    )


def test_columns_that_one_run_has_are_null_in_the_others(archive, tmp_path):
    write_folder(archive / "r3", 4, operator="AB")
    combined(archive, out=tmp_path / "out")
    found = {row["run"]: (row["operator"], row["lot"]) for row in rows(tmp_path / "out", "quality")}
    assert found == {"2024/r1": (None, "L1"), "r10": (None, "L3"), "r2": (None, "L2"), "r3": ("AB", None)}


HOSTILE = ["..", "a/b", "Run", "run", "x y", "=x", "007", "1e5", "NA", "é", "e\u0301", "con", "../../up"]


def test_hostile_names_of_runs_survive_and_stay_inside(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    table = write_table(tmp_path / "in" / "t.parquet", dict.fromkeys(HOSTILE, 1))
    out = tmp_path / "deep" / "out"
    monkeypatch.setattr(outputs, "default_writers", lambda _: (outputs.write_tables,))
    summary = combined(table, out=out, samples=table.with_suffix(".csv"), files=True)
    assert summary.failures == ()
    assert [row["run"] for row in summary.runs] == sorted(HOSTILE)
    assert set(pq.read_table(out / "calls.parquet").column("run").to_pylist()) == set(HOSTILE)
    folders = [row["files"] for row in summary.runs]
    assert len({folder.casefold() for folder in folders}) == len(HOSTILE)
    for folder in folders:
        assert (out / folder / "calls.tsv").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"in", "deep"}
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"out"}


def test_results_below_the_folder_of_runs_are_no_runs(archive, tmp_path):
    outputs.write_result(
        call_run(archive / "r2" / "heights.csv", panel=PANEL, samples=archive / "r2" / "samples.csv"),
        archive / "earlier", writers=(outputs.write_tables,),
    )  # fmt: skip
    for options in ({}, {"resume": True}):
        summary = combined(archive, out=archive / "all", **options)
        assert [row["run"] for row in summary.runs] == ["2024/r1", "r10", "r2"]
        assert summary.failures == ()
    ((run, _, message),) = combined(archive / "all", archive / "r2", out=tmp_path / "out").failures
    assert run == "parts"  # named by its user, it is searched
    assert "the run has no sample sheet" in message


def test_raw_traces_below_a_run_are_taken_unless_it_holds_an_export(tmp_path):
    from mlpa_caller.simulate import write_run

    folder = tmp_path / "archive" / "r1"
    write_run(simulated(1), folder, seed=1, traces=True)
    assert len(list((folder / "traces").glob("*.fsa"))) == 8
    first = combined(folder, out=tmp_path / "export")
    assert [(row["inputs"], row["files_not_recognised"]) for row in first.runs] == [(1, "")]
    (folder / "peaks.txt").unlink()
    second = combined(folder, out=tmp_path / "traces")
    assert second.failures == ()
    assert [row["inputs"] for row in second.runs] == [8]
    assert {row["run"] for row in rows(tmp_path / "traces", "calls")} == {"r1"}
    (folder / "traces" / next((folder / "traces").iterdir()).name).rename(folder / "one.fsa")
    (folder / "heights.csv").write_text("sample,a\nx,1\n", encoding="utf-8")
    ((_, _, message),) = combined(folder, out=tmp_path / "mixed").failures
    assert "raw traces and tables are mixed" in message
