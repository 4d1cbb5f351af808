"""A folder that cannot be read is told; what lies in it is never left out in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlpa_caller.errors import OutputError, TraceError
from mlpa_caller.outputs import atomic_folder
from mlpa_caller.outputs.publish import files_below
from mlpa_caller.traces.batch import trace_paths, traces_below


@pytest.fixture
def closed(tmp_path, monkeypatch) -> Path:
    """A folder with a file and a closed folder below it that holds another (also for the superuser)."""
    home = tmp_path / "run"
    shut = home / "plate2"
    shut.mkdir(parents=True)
    (home / "a.fsa").write_bytes(b"ABIF")
    (shut / "b.fsa").write_bytes(b"ABIF")
    real = os.scandir

    def scandir(path="."):
        if isinstance(path, str | os.PathLike) and Path(path) == shut:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return home


def test_traces_of_a_closed_folder_are_not_left_out(closed):
    for find in (lambda: traces_below(str(closed)), lambda: trace_paths([closed])):
        with pytest.raises(TraceError, match=r"plate2: cannot be read: Permission denied; check the folder"):
            find()


def test_open_folders_are_read(tmp_path):
    for name in ("b.FSA", "a.hid", "x.txt", ".hidden.fsa"):
        (tmp_path / name).touch()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.fsa").touch()
    assert traces_below(f"{tmp_path}/") == [
        str(tmp_path / name) for name in ("a.hid", "b.FSA", "below/c.fsa")
    ]


def test_files_of_a_closed_folder_are_not_taken_for_none(closed):
    with pytest.raises(PermissionError):
        files_below(closed)


def test_result_is_not_published_without_the_files_of_a_closed_folder(tmp_path, monkeypatch):
    real = os.scandir
    out = tmp_path / "out"

    def scandir(path="."):
        if isinstance(path, str | os.PathLike) and Path(path).name == "charts":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    def publish():
        with atomic_folder(out) as folder:
            (folder / "charts").mkdir()
            (folder / "charts" / "one.svg").write_text("x")
            monkeypatch.setattr(os, "scandir", scandir)

    with pytest.raises(OutputError, match="cannot be written: Permission denied"):
        publish()
    assert not out.exists()
