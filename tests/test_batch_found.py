"""Which runs a batch finds, what it refuses, and what it tells of: links, loose files, folders that may not be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from batch_cases import combined, rows, write_folder, write_table
from pyarrow import parquet as pq

from mlpa_caller import cli
from mlpa_caller.batch.discover import discover
from mlpa_caller.errors import FormatError, SampleSheetError, UsageError

pytest_plugins = ["batch_fixtures"]
pytestmark = pytest.mark.usefixtures("inline", "remembered")


@pytest.fixture
def lock(monkeypatch):
    """Folders and files that may not be read, also for an administrator, whom permissions do not stop."""
    locked: list[str] = []

    def guard(true, inside):
        def guarded(path=".", *words, **options):
            name = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
            if any(name.startswith(f"{each}/") or (inside and name == each) for each in locked):
                raise PermissionError(13, "Permission denied", name)
            return true(path, *words, **options)

        return guarded

    monkeypatch.setattr(os, "scandir", guard(os.scandir, True))
    monkeypatch.setattr(os, "stat", guard(os.stat, False))
    return locked.append


def found(*sources: object) -> tuple[list[str], list[tuple[str, str]]]:
    runs, refused = discover([str(source) for source in sources])
    return [getattr(each, "run", "table") for each in runs], [(name, str(error)) for name, error in refused]


def as_text(table: Path) -> Path:
    text = table.with_name(f"{table.stem}_text.csv")
    pq.read_table(table).to_pandas().to_csv(text, index=False)
    return text


def changed(text: Path, change) -> Path:
    lines = [line.split(",") for line in text.read_text().splitlines()]
    change(lines)
    text.write_text("\n".join(",".join(line) for line in lines) + "\n")
    return text


def test_a_folder_that_may_not_be_read_fails_alone(archive, tmp_path, lock):
    lock(str(archive / "r10"))
    summary = combined(archive, out=tmp_path / "out")
    assert [row["run"] for row in summary.runs] == ["2024/r1", "r2"]
    ((run, kind, message),) = summary.failures
    assert (run, kind) == ("r10", "InputError")
    assert message.endswith("r10: cannot be read: Permission denied; check the folder's permissions")


def test_a_source_in_a_folder_that_may_not_be_read(archive, lock):
    lock(str(archive / "2024"))
    assert found(archive / "2024" / "r1", archive / "r2") == (
        ["r2"],
        [("r1", f"{archive}/2024/r1: cannot be read: Permission denied; check the path and its permissions")],
    )


def test_an_unreadable_file_is_left_to_the_batch(tmp_path, monkeypatch):
    # the command line asks os.access whether a file may be read: here it may not
    from mlpa_caller import batch

    told = []

    def run_batch(runs, out, **options):
        told.extend(runs)
        raise UsageError("seen")

    (tmp_path / "a.csv").write_text("sample,x\n")
    monkeypatch.setattr(os, "access", lambda *_words, **_options: False)
    monkeypatch.setattr(batch, "run_batch", run_batch)
    monkeypatch.setitem(cli.COMMANDS, "batch", "Call many runs.")
    with pytest.raises(SystemExit):
        cli.main(["batch", str(tmp_path / "a.csv"), "--out", str(tmp_path / "out")])
    assert told == [str(tmp_path / "a.csv")]


def test_links_to_folders_are_followed_once(archive, tmp_path):
    write_folder(tmp_path / "elsewhere" / "far", 4)
    (archive / "a_link").symlink_to(tmp_path / "elsewhere" / "far")
    (archive / "b_link").symlink_to(tmp_path / "elsewhere")  # leads to the same folder: the first name counts
    (archive / "0_same").symlink_to(archive / "r2")  # real folders come before links
    (archive / "2024" / "loop").symlink_to(archive)
    (archive / "2024" / "self").symlink_to(archive / "2024")
    runs, refused = found(archive)
    assert runs == ["2024/r1", "a_link", "r10", "r2"]
    assert refused == []
    summary = combined(archive, out=tmp_path / "out")
    assert [row["run"] for row in summary.runs] == runs


def test_a_link_to_a_run_of_another_source_is_no_second_run(archive, tmp_path):
    write_folder(tmp_path / "later" / "new", 4)
    (tmp_path / "later" / "carried").symlink_to(archive / "r2")
    assert found(tmp_path / "later", archive) == (["new", "2024/r1", "r10", "r2"], [])


def test_a_link_to_nothing_is_told_of(archive):
    (archive / "gone").symlink_to(archive / "unmounted")
    assert found(archive)[1] == [("gone", f"{archive}/gone: is a link to what is not there; check the path")]


def test_inputs_beside_folders_of_runs_are_told_of(archive, tmp_path):
    heights = (archive / "r2" / "heights.csv").read_bytes()
    (archive / "2024" / "loose.txt").write_bytes(heights)
    (archive / "2024" / "trace.FSA").write_bytes(b"ABIF")
    write_table(archive / "2024" / "t.parquet", {"a": 1})  # and t.csv, a sample sheet: not told of
    (archive / "2024" / "README.md").write_text("# the runs of 2024\n")
    (archive / "panel.csv").write_bytes((archive / "r2" / "samples.csv").read_bytes())
    summary = combined(archive, out=tmp_path / "out")
    assert [row["run"] for row in summary.runs] == ["2024/r1", "r10", "r2"]
    assert summary.failures == (
        (
            "2024",
            "InputError",
            f"{archive}/2024: 3 inputs lie beside folders of runs, and in no run: 'loose.txt', 't.parquet', "
            "'trace.FSA'; put every run into a folder of its own",
        ),
    )
    (archive / "one.csv").write_bytes(heights)
    assert "an input lies beside folders of runs, and in no run: 'one.csv'" in found(archive)[1][0][1]


def test_a_sample_without_a_run_beside_others_is_refused(tmp_path):
    table = write_table(tmp_path / "t.parquet", {"a": 1})
    sheet = table.with_suffix(".csv")
    sheet.write_text(sheet.read_text() + "LOST,patient,,,,\n")
    with pytest.raises(SampleSheetError) as caught:
        combined(table, out=tmp_path / "out", samples=sheet)
    assert str(caught.value) == (
        f"{sheet}:10: sample 'LOST' names no run, and other samples do; fill the column run in every row"
    )
    assert not (tmp_path / "out").exists()


def test_one_run_under_two_names_is_refused(archive, tmp_path):
    (tmp_path / "link").symlink_to(archive / "r2")
    table = write_table(tmp_path / "t.parquet", {"a": 1})
    for sources, first, second in (
        ((archive, archive / "2024"), archive / "2024" / "r1", archive / "2024" / "r1"),
        ((archive, tmp_path / "link"), archive / "r2", tmp_path / "link"),
        ((table, f"{tmp_path}/archive/../t.parquet"), table, f"{tmp_path}/archive/../t.parquet"),
    ):
        with pytest.raises(UsageError) as caught:
            found(*sources)
        assert str(caught.value) == f"{first} and {second} are the same run; give every run once"
    with pytest.raises(UsageError, match=r"r2/heights.csv is part of the run .*r2; give every run once"):
        found(archive, archive / "r2" / "heights.csv")


def spoil_cell(lines):
    row = next(line for line in lines if line[0] == "bad")
    row[3] = "abc"


def repeat_sample(lines):
    lines.append(next(line for line in lines if line[0] == "bad"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil_cell, "t_text.csv:10: sample 'R1' has 'abc' for probe"),
        (repeat_sample, "t_text.csv:26: sample 'R1' stands also in line 10"),
    ],
)
def test_a_wrong_row_of_a_text_table_fails_its_run_only(tmp_path, change, message):
    table = write_table(tmp_path / "t.parquet", {"a": 1, "bad": 2, "c": 3})
    text = changed(as_text(table), change)
    sheet = table.with_suffix(".csv")
    summary = combined(text, out=tmp_path / "out", samples=sheet)
    assert [row["run"] for row in summary.runs] == ["a", "c"]
    ((run, kind, told),) = summary.failures
    assert (run, kind) == ("bad", "FormatError")
    sample = text.read_text().splitlines()[9].split(",")[1]
    assert message.replace("R1", sample) in told
    # the others have the numbers that the whole table gives them
    whole = combined(as_text(table), out=tmp_path / "whole", samples=sheet)
    assert len(whole.runs) == 3
    others = [row for row in rows(tmp_path / "whole", "ratios") if row["run"] != "bad"]
    assert rows(tmp_path / "out", "ratios") == others


def test_numbers_written_in_two_ways_refuse_the_whole_table(tmp_path):
    def change(lines):
        spoil_cell(lines)
        lines[1][3], lines[-1][3] = '"845,25"', "845.25"

    text = changed(as_text(write_table(tmp_path / "t.parquet", {"a": 1, "bad": 2})), change)
    summary = combined(text, out=tmp_path / "out")
    ((run, _, message),) = summary.failures
    assert run == "t_text"
    assert "mixes decimal commas with other numbers" in message


@pytest.mark.parametrize("form", [lambda table: table, as_text])
def test_blanks_around_the_name_of_a_run(tmp_path, form):
    table = write_table(tmp_path / "t.parquet", {" R0 ": 1, "b": 2})
    summary = combined(form(table), out=tmp_path / "out", samples=table.with_suffix(".csv"))
    assert [row["run"] for row in summary.runs] == ["R0", "b"]
    assert summary.failures == ()
    both = write_table(tmp_path / "both.parquet", {" R0 ": 1, "R0": 2})
    ((_, kind, message),) = combined(form(both), out=tmp_path / "both").failures
    assert kind == FormatError.__name__
    assert "runs ' R0 ' and 'R0' differ in blanks only; write one name for one run" in message


def test_runs_of_a_table_that_no_sample_sheet_names(tmp_path):
    table = write_table(tmp_path / "t.parquet", {"a": 1, "b": 2})
    other = write_table(tmp_path / "other.parquet", {"a": 1}).with_suffix(".csv")
    wanted = "no sample sheet has samples of run 'b'; name the run 'b' in the column run of --samples"
    assert combined(table, out=tmp_path / "o1", samples=other).failures == (
        ("b", "SampleSheetError", wanted),
    )
    assert combined(table, out=tmp_path / "o2").failures[1] == ("b", "SampleSheetError", wanted)


def test_sheets_that_a_file_or_table_lacks(archive, tmp_path):
    file = archive / "r2" / "heights.csv"
    assert (
        combined(file, out=tmp_path / "o1")
        .failures[0][2]
        .endswith("the run has no sample sheet; name the run 'heights' in the column run of --samples")
    )
    table = write_table(tmp_path / "t.parquet", {"a": 1})
    told = combined(table, out=tmp_path / "o2", samples=table.with_suffix(".csv"), panel=None).failures
    assert told == (("a", "PanelError", "there is no probe sheet for run 'a'; give --panel"),)
