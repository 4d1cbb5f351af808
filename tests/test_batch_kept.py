"""What a batch keeps and what it does again: other files, foreign folders, damaged parts, Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from batch_cases import PANEL, write_folder
from batch_fixtures import inline  # noqa: F401

from mlpa_caller.batch import run_batch
from mlpa_caller.errors import ResultExistsError


def batch(archive: Path, out: Path, **options):
    return run_batch([archive], out, panel=PANEL, workers=1, reports=options.pop("reports", False), **options)


@pytest.fixture
def archive(tmp_path, inline) -> Path:  # noqa: F811
    write_folder(tmp_path / "archive" / "r1", 1)
    return tmp_path / "archive"


def edit_sheet(run: Path) -> None:
    path = run / "samples.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{head},note", *(f"{row},x" for row in rows)]) + "\n", encoding="utf-8")


def test_files_of_other_content_are_removed_and_written_again_when_wanted(archive, tmp_path):
    out = tmp_path / "out"
    batch(archive, out)
    note = out / "runs" / "r1" / "note.txt"
    note.write_text("mine")
    edit_sheet(archive / "r1")
    assert batch(archive, out, resume=True, files=False).done == 1
    assert [path.name for path in (out / "runs" / "r1").iterdir()] == [
        "note.txt"
    ]  # nothing of the other content
    note.unlink()
    found = batch(archive, out, resume=True)
    assert (found.done, found.skipped) == (1, 0)
    assert (out / "runs" / "r1" / "calls.tsv").is_file()
    assert found.runs[0]["files"] == "runs/r1"
    assert batch(archive, out, resume=True).skipped == 1


@pytest.mark.parametrize("spoil", ["gone", "cut"])
def test_a_run_whose_files_are_not_as_they_were_is_done_again(archive, tmp_path, spoil):
    out = tmp_path / "out"
    batch(archive, out)
    path = out / "runs" / "r1" / "calls.tsv"
    content = path.read_bytes()
    path.unlink() if spoil == "gone" else path.write_bytes(content[:-9])
    assert batch(archive, out, resume=True).done == 1
    assert path.read_bytes() == content


def test_reports_that_are_asked_for_later_are_written(archive, tmp_path):
    out = tmp_path / "out"
    batch(archive, out)
    assert batch(archive, out, resume=True, reports=True).done == 1
    assert (out / "runs" / "r1" / "report.html").is_file()
    assert batch(archive, out, resume=True, reports=True).skipped == 1


@pytest.mark.parametrize("how", [{"force": True}, {"resume": True}, {}])
def test_a_folder_that_only_looks_like_a_batch_is_left_alone(archive, tmp_path, how):
    out = tmp_path / "gear"
    (out / "parts").mkdir(parents=True)
    (out / "parts" / "list.zip").write_text("mine")
    (out / "parts" / "x.unfinished").write_text("mine")
    with pytest.raises(ResultExistsError, match="holds files that belong to no batch"):
        batch(archive, out, **how)
    assert sorted(path.name for path in out.rglob("*")) == ["list.zip", "parts", "x.unfinished"]


def test_a_batch_that_was_killed_as_it_began_is_begun_again(archive, tmp_path):
    (tmp_path / "out" / "parts").mkdir(parents=True)
    assert batch(archive, tmp_path / "out").done == 1


def damage(path: Path, how: str) -> None:
    if how == "byte":
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0x10
        path.write_bytes(content)
        return
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            if name == "part.json":
                content = {"list": b"[]", "fields": b'{"run": "r1"}', "text": b"\xff\xfe"}[how]
            archive.writestr(name, content)


@pytest.mark.parametrize("how", ["byte", "list", "fields", "text"])
def test_a_damaged_part_is_done_again(archive, tmp_path, how):
    out = tmp_path / "out"
    batch(archive, out)
    part = out / "parts" / "r1.zip"
    whole = part.read_bytes()
    damage(part, how)
    assert batch(archive, out, resume=True).done == 1
    assert part.read_bytes() == whole


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes")
def test_a_name_that_is_no_unicode_fails_its_run_alone(archive, tmp_path):
    shutil.copytree(archive / "r1", archive / os.fsdecode(b"sur\xe9"))
    (archive / "r1" / os.fsdecode(b"not\xe9.pdf")).write_bytes(b"%PDF")
    found = batch(archive, tmp_path / "out")
    assert found.done == 1
    assert [(run.encode("utf-8", "backslashreplace"), error) for run, error, _ in found.failures] == [
        (rb"sur\udce9", "InputError")
    ]
    assert "is no Unicode text; rename the folder" in found.failures[0][2]
    assert r"sur\udce9" in (tmp_path / "out" / "failures.tsv").read_text(encoding="utf-8")
    assert found.runs[0]["files_not_recognised"] == r"not\udce9.pdf"


@pytest.mark.skipif(sys.platform != "linux", reason="sends signals")
@pytest.mark.parametrize(("first", "more"), [(0.35, 0), (0.7, 0), (1.5, 0), (1.5, 2)])
def test_interrupted_at_once_in_one_line(tmp_path, first, more):
    for seed in (1, 2, 3):
        write_folder(tmp_path / "archive" / f"r{seed}", seed)
    words = [tmp_path / "archive", "--panel", PANEL, "--workers", 2, "--quiet", "--no-report"]
    command = [sys.executable, "-c", "from mlpa_caller.cli import main; main()", "batch",
               *map(str, words), "--out", str(tmp_path / "out")]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    time.sleep(first)
    for _ in range(1 + more):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)
    _, said = process.communicate(timeout=60)
    # so early that Python itself is still starting, it ends in its own words; later with one line, or it had ended
    assert process.returncode in (0, 130, -signal.SIGINT)
    if process.returncode == 130:
        assert said.split() == [b"interrupted"]
