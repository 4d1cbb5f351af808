"""A failing run stops no other and is told of; what stops a batch before it begins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from batch_cases import (
    combined,
    rows,
    simulated,
    write_folder,
    write_table,
)
from pyarrow import parquet as pq

from mlpa_caller import pipeline
from mlpa_caller.batch import drive, work
from mlpa_caller.errors import (
    InputError,
    OutputError,
    PanelError,
    ResultExistsError,
    SampleSheetError,
    UsageError,
)

pytest_plugins = ["batch_fixtures"]
pytestmark = pytest.mark.usefixtures("inline", "remembered")


def damage(folder: Path) -> None:
    (folder / "heights.csv").write_bytes(b"\x00\x01\x02 nothing")


@pytest.mark.parametrize(
    ("break_it", "error", "message"),
    [
        (damage, "FormatError", "heights.csv"),
        (lambda f: (f / "heights.csv").unlink(), "InputError", "the run has no input that is recognised"),
        (lambda f: (f / "samples.csv").write_text("sample\nP1\n"), "SampleSheetError", "has no column role"),
        (lambda f: (f / "panel.csv").write_text("probe\n"), "PanelError", "panel.csv"),
        (lambda f: (f / "samples.tsv").write_text("x"), "InputError", "holds 'samples.csv' and 'samples.tsv'"),
        (lambda f: shutil.rmtree(f) or f.mkdir() or (f / "heights.csv").write_text("sample,x\nP1,2\n"),
         "SampleSheetError", "the run has no sample sheet"),
        (lambda f: (f / "notes.docx").write_bytes(b"PK\x03\x04") and (f / "heights.csv").unlink(),
         "FormatError", "is a zip archive or a spreadsheet"),
    ],
)  # fmt: skip
def test_a_failing_run_stops_no_other(archive, tmp_path, monkeypatch, break_it, error, message):
    monkeypatch.chdir(tmp_path)
    break_it(archive / "r10")
    summary = combined("archive", out=tmp_path / "out")
    assert [row["run"] for row in summary.runs] == ["2024/r1", "r2"]
    ((run, kind, told),) = summary.failures
    assert (run, kind) == ("r10", error)
    assert message in told
    assert told.startswith("archive/r10")  # as the user named it, whatever process it happened in
    assert "\n" not in told
    assert rows(tmp_path / "out", "failures") == [{"run": run, "error": kind, "message": told}]
    assert set(pd.read_parquet(tmp_path / "out" / "calls.parquet")["run"]) == {"2024/r1", "r2"}


def test_an_internal_error_of_one_run_is_told_and_stops_no_other(archive, tmp_path, monkeypatch):
    true = work.prepare

    def prepare(task):
        if task.run == "r10":
            raise ValueError("a\nbug")
        return true(task)

    monkeypatch.setattr(work, "prepare", prepare)
    summary = combined(archive, out=tmp_path / "out")
    assert summary.failures == (("r10", "ValueError", "internal error: a bug"),)
    assert len(summary.runs) == 2


def test_files_that_no_reader_knows_are_left_out_and_told(archive, tmp_path):
    (archive / "r2" / "notes.txt").write_text("the reader was serviced today\n", encoding="utf-8")
    (archive / "r2" / ".DS_Store").write_bytes(b"\x00")
    combined(archive, out=tmp_path / "out")
    found = {row["run"]: row["files_not_recognised"] for row in rows(tmp_path / "out", "runs")}
    assert found == {"2024/r1": "", "r10": "", "r2": "notes.txt"}
    # a sample that is in no file: the file that was not read is named
    text = (archive / "r2" / "samples.csv").read_text(encoding="utf-8")
    (archive / "r2" / "samples.csv").write_text(text + "LOST,patient,L2,2025-01-02\n", encoding="utf-8")
    summary = combined(archive, out=tmp_path / "out", resume=True)
    ((run, _, message),) = summary.failures
    assert run == "r2"
    assert "LOST" in message
    assert "files not recognised: 'notes.txt'" in message


def test_sources_that_are_no_runs(archive, tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no more")
    summary = combined(archive, tmp_path / "none", tmp_path / "broken.parquet", out=tmp_path / "out")
    assert [(run, kind) for run, kind, _ in summary.failures] == [
        ("broken", "SampleSheetError"),
        ("none", "InputError"),
    ]
    assert len(summary.runs) == 3


def test_a_batch_in_which_every_run_fails(tmp_path):
    summary = combined(tmp_path / "none", out=tmp_path / "out")
    assert [run for run, _, _ in summary.failures] == ["none"]
    assert rows(tmp_path / "out", "calls") == []
    assert pq.read_schema(tmp_path / "out" / "calls.parquet").names == ["run", "sample"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"panel": "nothing"}, PanelError, "no such probe sheet"),
        ({"samples": "nothing.csv"}, SampleSheetError, "nothing.csv"),
        ({"resume": True, "force": True}, UsageError, "exclude each other"),
    ],
)
def test_what_stops_a_batch_before_it_begins(archive, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        combined(archive, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_two_runs_of_one_name_are_refused(archive, tmp_path):
    write_folder(tmp_path / "more" / "r2", 5)
    with pytest.raises(UsageError, match="two runs are named 'r2'"):
        combined(archive, tmp_path / "more" / "r2", out=tmp_path / "out")
    table = write_table(tmp_path / "t.parquet", {"r2": 1})
    with pytest.raises(UsageError, match="run 'r2' stands in more than one input"):
        combined(archive, table, out=tmp_path / "out", samples=table.with_suffix(".csv"))
    with pytest.raises(UsageError, match="no run is given"):
        combined(out=tmp_path / "out")


def test_where_a_batch_may_write(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive / "r2", out=out)
    with pytest.raises(ResultExistsError, match="the folder holds a batch; add --resume to continue it"):
        combined(archive / "r2", out=out)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    for options in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(ResultExistsError, match="files that belong to no batch"):
            combined(archive / "r2", out=other, **options)
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    with pytest.raises(OutputError, match="is not a folder"):
        combined(archive / "r2", out=other / "mine.txt")


def test_two_batches_do_not_write_to_one_folder(archive, tmp_path):
    from mlpa_caller.batch.store import claimed

    out = tmp_path / "out"
    combined(archive / "r2", out=out)
    with (
        claimed(out, resume=True, force=False),
        pytest.raises(OutputError, match="another batch is writing there"),
    ):
        combined(archive / "r2", out=out, resume=True)


def test_foreign_files_beside_the_results_are_left_alone(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive / "r2", out=out)
    (out / "notes.txt").write_text("mine")
    combined(archive, out=out, resume=True)
    assert (out / "notes.txt").read_text() == "mine"


def test_inputs_that_change_while_they_are_read(archive, tmp_path, monkeypatch):
    true = pipeline.call_run

    def call_run(inputs, **options):
        simulated(9).frame().round(0).to_csv(inputs[0], index=False)
        return true(inputs, **options)

    monkeypatch.setattr(pipeline, "call_run", call_run)
    summary = combined(archive / "r2", out=tmp_path / "out")
    ((_, kind, message),) = summary.failures
    assert kind == "InputError"
    assert "changed while it was read" in message


def test_a_part_that_another_program_changed_is_not_combined(archive, tmp_path, monkeypatch):
    true = drive.combine

    def combine(out, *words, **options):
        (out / "parts" / "r2.zip").write_bytes((out / "parts" / "r10.zip").read_bytes())
        return true(out, *words, **options)

    monkeypatch.setattr(drive, "combine", combine)
    with pytest.raises(InputError, match="the finished run r2 was changed by another program"):
        combined(archive, out=tmp_path / "out")
    assert not (tmp_path / "out" / "calls.parquet").exists()


def test_a_table_that_ends_early(tmp_path, monkeypatch):
    table = write_table(tmp_path / "t.parquet", {"a": 1, "b": 2, "c": 3})
    true = drive.open_table

    def open_table(path):
        names, pieces = true(path)

        def some():
            yield next(pieces)
            raise InputError("is a damaged Parquet file", file=path)

        return names, some()

    monkeypatch.setattr(drive, "open_table", open_table)
    summary = combined(table, out=tmp_path / "out", samples=table.with_suffix(".csv"))
    assert [row["run"] for row in summary.runs] == ["a"]
    assert [run for run, _, _ in summary.failures] == ["b", "c"]


def test_workers_of_another_version_are_told_of(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(drive, "version", lambda: "9.9")
    summary = combined(archive / "r2", out=tmp_path / "out")
    ((_, kind, message),) = summary.failures
    assert kind == "MlpaError"
    assert "the batch was started with 9.9; install the same version on every worker" in message


def test_a_part_that_shows_itself_late(archive, tmp_path, monkeypatch):
    from mlpa_caller.batch import combine

    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            (tmp_path / "late.zip").rename(tmp_path / "out" / "parts" / "r2.zip")

    true = drive.combine

    def late(out, *words, **options):
        (out / "parts" / "r2.zip").rename(tmp_path / "late.zip")
        return true(out, *words, **options)

    monkeypatch.setattr(drive, "combine", late)
    monkeypatch.setattr(combine.time, "sleep", sleep)
    assert len(combined(archive, out=tmp_path / "out").runs) == 3
    assert waited == [1.0, 1.0]
