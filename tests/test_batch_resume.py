"""What is finished is not done again, and what changed is."""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile

import pytest
from batch_cases import (
    PANEL,
    checksums,
    combined,
    rows,
    simulated,
    write_table,
)

pytest_plugins = ["batch_fixtures"]
pytestmark = pytest.mark.usefixtures("inline", "remembered")


def test_resume_does_only_what_changed(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive, out=out)
    before = checksums(out)
    again = combined(archive, out=out, resume=True)
    assert (again.done, again.skipped) == (0, 3)
    assert checksums(out) == before
    (archive / "r2" / "heights.csv").touch()  # the time does not count, the content does
    assert combined(archive, out=out, resume=True).skipped == 3
    text = (archive / "r2" / "samples.csv").read_text(encoding="utf-8")
    (archive / "r2" / "samples.csv").write_text(text.replace("L2", "L9"), encoding="utf-8")
    changed = combined(archive, out=out, resume=True)
    assert (changed.done, changed.skipped) == (1, 2)
    assert "L9" in {row["lot"] for row in rows(out, "quality")}
    simulated(7).frame().round(0).to_csv(archive / "r2" / "heights.csv", index=False)
    assert combined(archive, out=out, resume=True).done == 1


def test_resume_takes_another_panel_or_parameter_for_another_content(archive, tmp_path):
    from mlpa_caller.refdata import reference_path
    from mlpa_caller.settings import default_settings

    out = tmp_path / "out"
    combined(archive, out=out)
    changed = dataclasses.replace(default_settings(), noise={**default_settings().noise, "compression": 0.95})
    assert combined(archive, out=out, resume=True, settings=changed).done == 3
    assert combined(archive, out=out, resume=True).done == 3
    other = tmp_path / "panel.csv"
    other.write_bytes(reference_path(f"panels/{PANEL}.csv").read_bytes() + b"\n")
    assert combined(archive, out=out, resume=True, panel=other).done == 3


def test_rows_of_other_runs_in_the_sheet_or_table_do_not_count(tmp_path):
    table = write_table(tmp_path / "t.parquet", {"a": 1, "b": 2})
    out = tmp_path / "out"
    combined(table, out=out, samples=table.with_suffix(".csv"))
    more = write_table(tmp_path / "t.parquet", {"a": 1, "b": 3, "c": 4})
    summary = combined(more, out=out, samples=more.with_suffix(".csv"), resume=True)
    assert (summary.done, summary.skipped) == (2, 1)
    assert {row["run"] for row in rows(out, "calls")} == {"a", "b", "c"}


def test_a_run_that_is_no_longer_named_leaves_the_combined_tables(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive, out=out)
    summary = combined(archive / "r2", out=out, resume=True)
    assert (summary.done, summary.skipped) == (0, 1)
    assert {row["run"] for row in rows(out, "calls")} == {"r2"}
    back = combined(archive, out=out, resume=True)
    assert (back.done, back.skipped) == (0, 3)


def test_a_failed_run_is_taken_up_again_and_its_earlier_result_is_not_shown(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive, out=out)
    kept = (archive / "r2" / "heights.csv").read_bytes()
    (archive / "r2" / "heights.csv").write_bytes(b"\x00\x01 nothing")
    summary = combined(archive, out=out, resume=True)
    assert [run for run, _, _ in summary.failures] == ["r2"]
    assert {row["run"] for row in rows(out, "calls")} == {"2024/r1", "r10"}
    (archive / "r2" / "heights.csv").write_bytes(kept)
    assert combined(archive, out=out, resume=True).failures == ()


def test_a_damaged_part_is_done_again(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive, out=out)
    before = checksums(out)
    part = out / "parts" / "r2.zip"
    part.write_bytes(part.read_bytes()[:-30])
    summary = combined(archive, out=out, resume=True)
    assert (summary.done, summary.skipped) == (1, 2)
    assert checksums(out) == before


def test_result_files_that_are_gone_are_made_again(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive / "r2", out=out, files=False)
    assert combined(archive / "r2", out=out, resume=True, files=True).done == 1
    assert (out / "runs" / "r2" / "calls.tsv").is_file()
    assert combined(archive / "r2", out=out, resume=True, files=True).skipped == 1
    shutil.rmtree(out / "runs" / "r2")
    assert combined(archive / "r2", out=out, resume=True, files=True).done == 1


def test_force_does_everything_again(archive, tmp_path):
    out = tmp_path / "out"
    combined(archive, out=out)
    before = checksums(out)
    assert combined(archive, out=out, force=True).done == 3
    assert checksums(out) == before


def test_parts_are_the_same_bytes(archive, tmp_path):
    for name in ("a", "b"):
        combined(archive, out=tmp_path / name)
    for part in (tmp_path / "a" / "parts").iterdir():
        assert part.read_bytes() == (tmp_path / "b" / "parts" / part.name).read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "parts" / "r2.zip") as archive_:
        assert json.loads(archive_.read("part.json"))["run"] == "r2"
