"""result.json: the shipped schema, equal to the tables, the same bytes each time."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
from collections.abc import Iterator

import jsonschema
import numpy as np
import pytest
from fake_result import panel, result

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import FormatError, MlpaError
from mlpa_caller.outputs import result_json
from mlpa_caller.outputs.result_json import document_parts, plain, read_result, write_json
from mlpa_caller.outputs.tsv import write_tables
from mlpa_caller.refdata import reference_path
from mlpa_caller.result import Result

SCHEMA = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def with_risk(given: Result) -> Result:
    row = {
        "sample": "P1", "classifier": "nci-rome", "version": "1", "class": "SR", "possible_classes": "SR;HR",
        "deciding_inputs": "", "used_inputs": "age_years", "missing_inputs": "wbc_e9_per_l", "boundary": "",
        "source": "x", "evidence": "established",
    }  # fmt: skip
    risk = Table({name: text_array([value]) for name, value in row.items()})
    return dataclasses.replace(given, tables={**given.tables, "risk": risk})


def test_schema_is_a_schema_and_holds():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(result().to_dict())
    VALIDATOR.validate(with_risk(result()).to_dict())


def required_keys(schema: dict, value: object, path: tuple = ()) -> Iterator[tuple]:
    """Every key that the schema requires, as the path to it in `value`."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        for key in schema.get("required", ()):
            yield (*path, key)
            yield from required_keys(schema.get("properties", {}).get(key, {}), value[key], (*path, key))
    if isinstance(value, list) and value:
        yield from required_keys(schema.get("items", {}), value[0], (*path, 0))


def test_every_key_is_required():
    document = with_risk(result()).to_dict()
    paths = list(required_keys(SCHEMA, document))
    assert len(paths) > 60
    for path in paths:
        broken = copy.deepcopy(document)
        holder = broken
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
        assert not VALIDATOR.is_valid(broken), path


def test_unknown_key_is_refused():
    document = result().to_dict()
    for holder in (document, document["tool"], document["panel"], document["samples"][0],
                   document["samples"][0]["ratios"], document["panel"]["probes"][0]):  # fmt: skip
        holder["extra"] = 1
        assert not VALIDATOR.is_valid(document)
        del holder["extra"]
    VALIDATOR.validate(document)


def as_tsv(value: object) -> str:
    return "" if value is None else ";".join(value) if isinstance(value, list) else str(value)


def test_tables_and_document_agree(tmp_path):
    """Every field of calls, exons and ratios, read as text in both files."""
    given = result()
    write_tables(given, tmp_path)
    write_json(given, tmp_path)
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    document = json.loads(text, parse_float=str, parse_int=str)
    probes = [row["probe"] for row in document["panel"]["probes"]]
    rows: dict[str, list[dict]] = {"calls": [], "exons": [], "ratios": []}
    for sample in document["samples"]:
        for kind in ("calls", "exons"):
            rows[kind] += [{"sample": sample["sample"], **row} for row in sample[kind]]
        columns = sample["ratios"]
        rows["ratios"] += [
            {"sample": sample["sample"], "probe": probe, **{name: columns[name][i] for name in columns}}
            for i, probe in enumerate(probes)
        ]
    for kind, found in rows.items():
        with open(tmp_path / f"{kind}.tsv", encoding="utf-8", newline="") as stream:
            table = list(csv.DictReader(stream, delimiter="\t"))
        assert len(table) == len(found) > 0
        for in_table, in_document in zip(table, found):
            assert {key: as_tsv(value) for key, value in in_document.items()} == {
                key: in_table[key] for key in in_document
            }


def test_content():
    document = result().to_dict()
    first, second = document["samples"][:2]
    assert [sample["sample"] for sample in document["samples"]] == ["P1", "P2", "P3", "P4"]
    assert first["clinical"] == {"note": "=1+1"}
    assert first["blast_fraction"] == 0.85
    assert second["blast_fraction"] is None
    assert second["quality"]["verdict"] == "fail"
    assert second["quality"]["reasons"] == ["reference SD 0.140 above 0.100", "low signal"]
    assert list(second["quality"]["figures"]) == [
        "reference_sd", "slope", "missing_reference_probes", "stated_sex",
    ]  # fmt: skip
    assert first["calls"][0]["flags"] == ["zygosity_ambiguous", "low_quality"]
    assert first["calls"][1]["clone_fraction"] is None
    assert document["samples"][3]["ratios"]["ratio"][-1] is None
    assert document["samples"][3]["ratios"]["flags"][-1] == ["missing"]
    assert document["panel"]["probes"][0]["length_nt"] == 100
    assert document["panel"]["probes"][1]["length_nt"] == 104.5
    assert document["panel"]["probes"][-1]["start"] is None
    assert document["run"]["spread"] is None
    assert document["run"]["compression"] == 0.9


def test_order_of_table_rows_does_not_matter():
    given = result()
    rng = np.random.default_rng(7)
    ratios = given.tables["ratios"]
    order = rng.permutation(len(ratios))
    shuffled = Table({name: column[order] for name, column in ratios.columns.items()}, ratios.decimals)
    other = dataclasses.replace(given, tables={**given.tables, "ratios": shuffled})
    assert other.to_dict() == given.to_dict()
    given = result([f"P{i}" for i in range(500)])
    calls = given.tables["calls"]
    by_gene = np.argsort(calls.columns["gene"].astype(str), kind="stable")
    moved = Table({name: column[by_gene] for name, column in calls.columns.items()}, calls.decimals)
    found = dataclasses.replace(given, tables={**given.tables, "calls": moved}).to_dict()
    for sample in found["samples"]:
        assert [row["gene"] for row in sample["calls"]] == ["IKZF1", "PAX5"]


def test_sample_without_ratio_rows_is_null():
    given = result()
    ratios = given.tables["ratios"]
    kept = np.flatnonzero(ratios.columns["sample"] != "P2")
    cut = Table({name: column[kept] for name, column in ratios.columns.items()}, ratios.decimals)
    found = dataclasses.replace(given, tables={**given.tables, "ratios": cut}).to_dict()
    VALIDATOR.validate(found)
    width = len(given.panel.probes)
    assert found["samples"][1]["ratios"]["ratio"] == [None] * width
    assert found["samples"][1]["ratios"]["flags"] == [[]] * width
    assert found["samples"][2] == given.to_dict()["samples"][2]


def test_same_bytes_whatever_the_block(monkeypatch, tmp_path):
    text = "".join(document_parts(result()))
    assert text == "".join(document_parts(result()))
    monkeypatch.setattr(result_json, "_SAMPLES_AT_ONCE", 3)
    assert text == "".join(document_parts(result()))
    assert str(tmp_path.parent) not in text
    assert "anna" not in text
    for token in ("NaN", "Infinity"):
        assert token not in text


def test_hostile_names_come_back():
    names = ['"};', "a\\b", "\u202egnp", "%s%%", "日本 ", "\x1b[31m", "null"]
    given = result([f"P{i}" for i in range(len(names))])
    tables = {
        kind: Table(
            {**table.columns, "sample": text_array([names[int(x[1:])] for x in table.columns["sample"]])},
            table.decimals,
        )
        for kind, table in given.tables.items()
    }
    samples = dataclasses.replace(given.samples, samples=tuple(names))
    document = dataclasses.replace(given, tables=tables, samples=samples).to_dict()
    assert [sample["sample"] for sample in document["samples"]] == names
    assert all(len(sample["calls"]) == 2 for sample in document["samples"])


@pytest.mark.parametrize("kind", ["calls", "exons", "ratios", "quality"])
def test_sample_not_in_the_sheet_is_an_error(kind):
    given = result()
    table = given.tables[kind]
    names = table.columns["sample"].copy()
    names[0] = "stranger"
    wrong = {**given.tables, kind: Table({**table.columns, "sample": names})}
    with pytest.raises(MlpaError, match=f"the {kind} table names 'stranger'"):
        dataclasses.replace(given, tables=wrong).to_dict()


def test_sample_without_quality_is_an_error():
    given = result()
    table = given.tables["quality"]
    cut = Table({name: column[1:] for name, column in table.columns.items()})
    with pytest.raises(MlpaError, match="one row for each sample"):
        dataclasses.replace(given, tables={**given.tables, "quality": cut}).to_dict()


def test_plain():
    value = {1: np.array([1.5, np.nan]), "b": (True, None, np.int64(3)), "c": float("inf")}
    assert plain(value) == {"1": [1.5, None], "b": [True, None, 3], "c": None}
    with pytest.raises(MlpaError, match="a set cannot be written to JSON"):
        plain({"a": {1}})


def test_larger_panel_stays_aligned():
    given = result(["A", "B"], probes=panel(9, 7))
    sample = given.to_dict()["samples"][1]
    expected = given.tables["ratios"].columns["ratio"][len(given.panel.probes) :]
    found = np.array([np.nan if value is None else value for value in sample["ratios"]["ratio"]])
    np.testing.assert_allclose(found, expected, atol=5.1e-5)


def test_read_back(tmp_path):
    write_json(result(), tmp_path)
    assert read_result(tmp_path) == result().to_dict()
    assert read_result(tmp_path / "result.json") == result().to_dict()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "is no JSON"),
        ('{"schema_version": "1.0",\n', ":2: is no JSON"),
        ("[1]", "is no mlpa-caller result"),
        ('{"schema_version": "1.0"}', "is no mlpa-caller result"),
        ('{"schema_version": 1}', "is no mlpa-caller result"),
        ("[" * 100_000, "is no mlpa-caller result"),
        (b"\xff\xfe\x00", "is no mlpa-caller result"),
    ],
)
def test_read_refuses(tmp_path, content, message):
    path = tmp_path / "result.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FormatError) as caught:
        read_result(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_refuses_another_schema(tmp_path):
    document = {**result().to_dict(), "schema_version": "2.0"}
    (tmp_path / "result.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(FormatError, match=r"schema version '2\.0', this program reads 1\.0"):
        read_result(tmp_path)


def test_frames():
    given = result()
    assert list(given.calls.columns) == list(given.tables["calls"].columns)
    assert given.quality["sample"].tolist() == ["P1", "P2", "P3", "P4"]
    assert len(given.ratios) == 4 * len(given.panel.probes)
    assert given.exons["ratio"].dtype == np.float64
