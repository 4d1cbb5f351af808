"""provenance.json: every key is required, checksums are true, nobody is named."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
import pytest
from fake_result import result

from mlpa_caller.outputs import Invocation, write_result
from mlpa_caller.outputs.provenance import provenance_document
from mlpa_caller.refdata import reference_path, reference_version
from mlpa_caller.version import version

SCHEMA = json.loads(reference_path("schema/provenance.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
INVOCATION = Invocation(
    (
        "call",
        "/home/anna/run 7/peaks.txt",
        "--out=/data/anna/out",
        "--panel",
        "mixes/a.csv",
        "C:\\anna\\b.csv",
    ),
    datetime(2026, 5, 4, 12, 0, 1, tzinfo=timezone(timedelta(hours=2))),
    datetime(2026, 5, 4, 10, 0, 3, 999, tzinfo=UTC),
)


@pytest.fixture
def document(tmp_path):
    write_result(result(), tmp_path / "out", provenance=INVOCATION)
    return json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))


def test_schema_holds(document):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(document)
    VALIDATOR.validate({**document, "command": None, "started": None, "ended": None})


def paths_of(value: object, path: tuple = ()) -> Iterator[tuple]:
    if isinstance(value, dict):
        for key, item in value.items():
            if path not in {("parameters",), ("libraries",)}:
                yield (*path, key)
                yield from paths_of(item, (*path, key))
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from paths_of(item, (*path, i))


def test_deleting_any_key_breaks_it(document):
    paths = list(paths_of(document))
    assert ("inputs", 1, "sha256") in paths
    for path in paths:
        broken = copy.deepcopy(document)
        holder = broken
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
        assert not VALIDATOR.is_valid(broken), path
        holder[path[-1]] = object()
        assert not VALIDATOR.is_valid(broken) or path == ("parameters",), path


def test_content(document):
    assert document["tool"] == {"name": "mlpa-caller", "version": version()}
    assert document["reference"] == {"version": reference_version()}
    assert document["started"] == "2026-05-04T10:00:01Z"
    assert document["ended"] == "2026-05-04T10:00:03Z"
    assert document["parameters"] == {"alpha": 0.001, "prior": "cohort"}
    assert document["inputs"][0] == {
        "name": "run.txt", "role": "signals", "sha256": "a" * 64, "size": 10, "format": "genemapper_peaks",
    }  # fmt: skip
    assert {"numpy", "scipy", "click"} <= set(document["libraries"])
    assert "pytest" not in document["libraries"]


def test_nobody_is_named(document):
    assert document["command"] == [
        "mlpa-caller", "call", "peaks.txt", "--out=out", "--panel", "mixes/a.csv", "b.csv",
    ]  # fmt: skip
    assert "anna" not in json.dumps(document)


def test_outputs_are_listed_with_true_checksums(document, tmp_path):
    listed = {entry["name"]: entry for entry in document["outputs"]}
    assert set(listed) == {
        "calls.tsv",
        "calls.vcf.gz",
        "calls.vcf.gz.tbi",
        "exons.tsv",
        "mlpa_caller_mqc.json",
        "ratios.tsv",
        "report.html",
        "report.xlsx",
        "quality.tsv",
        "result.json",
    }
    for name, entry in listed.items():
        data = (tmp_path / "out" / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["size"] == len(data)


def test_call_from_python_has_no_command(tmp_path):
    document = provenance_document(result(), tmp_path)
    VALIDATOR.validate(document)
    assert (document["command"], document["started"], document["outputs"]) == (None, None, [])


@pytest.mark.parametrize("word", ["~/x/peaks.txt", "\\\\server\\anna\\peaks.txt", "/peaks.txt"])
def test_absolute_paths_are_cut(tmp_path, word):
    given = Invocation((word, "-"), INVOCATION.started, INVOCATION.ended)
    assert provenance_document(result(), tmp_path, given)["command"] == ["mlpa-caller", "peaks.txt", "-"]
