"""All writers of a result together, and what is left when one fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_result import result

from mlpa_caller.errors import MlpaError
from mlpa_caller.outputs import fill_folder, write_result
from mlpa_caller.outputs.result_json import write_json
from mlpa_caller.outputs.tsv import write_tables
from mlpa_caller.result import Result


def test_files_are_those_of_the_writers_one_by_one(tmp_path):
    given = result([f"P{i}" for i in range(300)])
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    for write in (write_tables, write_json):
        write(given, alone)
    fill_folder(given, together, writers=(write_tables, write_json))
    names = sorted(path.name for path in alone.iterdir())
    assert names == ["calls.tsv", "exons.tsv", "quality.tsv", "ratios.tsv", "result.json"]
    assert sorted(path.name for path in together.iterdir()) == sorted([*names, "provenance.json"])
    for name in names:
        assert (alone / name).read_bytes() == (together / name).read_bytes()
    listed = json.loads((together / "provenance.json").read_text(encoding="utf-8"))["outputs"]
    assert [entry["name"] for entry in listed] == names  # the provenance is written when all others are done


def test_the_error_of_a_writer_is_told_and_nothing_is_left(tmp_path):
    def half(_result: Result, folder: Path) -> None:
        (folder / "half.txt").write_text("half", encoding="utf-8")
        raise MlpaError("the first")

    with pytest.raises(MlpaError, match="the first"):
        write_result(result(), tmp_path / "out", writers=(write_tables, half, write_json))
    assert list(tmp_path.iterdir()) == []


def test_a_writer_may_read_what_an_earlier_one_wrote(tmp_path):
    def reader(_result: Result, folder: Path) -> None:
        (folder / "copy.json").write_bytes((folder / "result.json").read_bytes())

    write_result(result(), tmp_path / "out", writers=(write_tables, write_json, reader))
    assert (tmp_path / "out" / "copy.json").read_bytes() == (tmp_path / "out" / "result.json").read_bytes()


def test_no_writer_leaves_the_provenance_alone(tmp_path):
    write_result(result(), tmp_path / "out", writers=())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["provenance.json"]
