"""``mlpa-caller demo``: the whole flow on a simulated run, and what stands beside it."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path

import jsonschema
import pytest

from mlpa_caller.cli import main
from mlpa_caller.errors import PanelError
from mlpa_caller.outputs import read_result
from mlpa_caller.refdata import reference_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "out"
    assert run("demo", "--out", str(out), "--quiet") == 0
    return out


def test_files(demo):
    names = set(contents(demo))
    assert {"calls.tsv", "exons.tsv", "ratios.tsv", "quality.tsv", "result.json"} <= names
    assert {"input/peaks.txt", "input/panel.csv", "input/samples.csv", "input/truth/lesions.tsv"} <= names
    listed = json.loads((demo / "provenance.json").read_text(encoding="utf-8"))["outputs"]
    assert {entry["name"] for entry in listed} == names


def test_call_gives_the_same_bytes(demo, tmp_path, capsys):
    data = demo / "input"
    words = [
        "--panel",
        str(data / "panel.csv"),
        "--samples",
        str(data / "samples.csv"),
        "--out",
        str(tmp_path / "x"),
    ]
    assert run("call", str(data / "peaks.txt"), *words) == 0
    again = contents(tmp_path / "x")
    expected = contents(demo)
    assert again == {name: expected[name] for name in again}
    assert "result.json" in again


def test_result_follows_the_schema(demo):
    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(read_result(demo))
    schema = json.loads(reference_path("schema/provenance.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(
        json.loads((demo / "provenance.json").read_text(encoding="utf-8"))
    )


def test_again_needs_force_and_gives_the_same_bytes(demo, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("demo", "--out", str(out), "--quiet") == 0
    assert contents(out) == contents(demo)
    assert run("demo", "--out", str(out)) == 2
    assert "already holds a result" in capsys.readouterr().err
    (out / "notes.txt").write_text("mine")
    assert run("demo", "--out", str(out), "--force", "--seed", "2", "--quiet") == 0
    other = contents(out)
    assert other.pop("notes.txt") == b"mine"
    assert other.keys() == contents(demo).keys()
    assert other["input/peaks.txt"] != contents(demo)["input/peaks.txt"]


def test_says_how_calls_and_truth_compare(tmp_path, capsys):
    assert run("demo", "--out", str(tmp_path / "out")) == 0
    text = capsys.readouterr().out
    found = re.search(r"^IKZF1 +(\d+) of (\d+) losses found", text, re.MULTILINE)
    assert found is not None
    truth = (tmp_path / "out/input/truth/lesions.tsv").read_text(encoding="utf-8").splitlines()
    header = truth[0].split("\t")
    rows = [dict(zip(header, line.split("\t"))) for line in truth[1:]]
    lost = {row["sample"] for row in rows if row["gene"] == "IKZF1" and row["kind"] == "loss"}
    assert int(found[2]) == len(lost) == 15
    assert text.rstrip().split("\n")[-1].startswith("For research use only.")


def test_json(tmp_path, capsys):
    assert run("demo", "--out", str(tmp_path / "out"), "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["samples"]) == 36


def test_folder_of_the_user_is_left_alone(tmp_path, capsys):
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "peaks.txt").write_text("mine")
    for force in ([], ["--force"]):
        assert run("demo", "--out", str(tmp_path), *force) == 2
    assert contents(tmp_path) == {"input/peaks.txt": b"mine"}


def test_nothing_is_left_of_a_demo_that_failed(tmp_path, monkeypatch, capsys):
    module = types.ModuleType("mlpa_caller.pipeline")

    def call_run(*arguments, **options):
        raise PanelError("refused")

    module.call_run = call_run
    monkeypatch.setitem(sys.modules, "mlpa_caller.pipeline", module)
    assert run("demo", "--out", str(tmp_path / "out")) == 3
    assert list(tmp_path.iterdir()) == []
