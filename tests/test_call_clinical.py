"""``call`` with clinical data, end to end: a simulated run, a clinical file, and what comes of the two."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from mlpa_caller import call_run
from mlpa_caller.cli import main
from mlpa_caller.refdata import reference_path

# contracts.md, "Outputs in DIR": the first columns of risk.tsv, in this order
CONTRACT = (
    "sample", "classifier", "version", "class", "possible_classes", "deciding_inputs", "used_inputs",
    "missing_inputs", "boundary", "source", "evidence",
)  # fmt: skip
LISTS = ("possible_classes", "deciding_inputs", "used_inputs", "missing_inputs")
RULES = 25
NAMES = {"P01": "007", "P02": "1e5", "P03": "NA", "P04": "=x", "P05": "a name", "P06": "Åsa"}
PATIENTS = [*NAMES.values(), "P07", "P08"]

# P07 has a row without any value, P08 none; the last row is of another run's patient
CLINICAL = """sample,hospital,age_years,wbc_e9_per_l,Lineage,bcr_abl1,\
mrd_day15,mrd_day33,mrd_preconsolidation,protocol_risk
007,x,5.5,50,B,no,0.1,<0.0001,,IR
1e5,x,3,10,B,no,0.001,0,0,LR
NA,x,12,10,T,no,0,0,0,IR
=x,x,7,,B,,,,,
a name,y,7,20,B,no,0.02,0.0001,0,IR
Åsa,y,0.9,300,B,no,,,,
P07,y,,,,,,,,
elsewhere,y,7,20,B,no,0.02,0.0001,0,IR
"""


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return caught.value.code


def read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a result by name, but for the one that holds times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "provenance.json"
    }


def called(data: Path, out: Path, *words: object, samples: str = "samples.csv") -> int:
    """Run `call` on the simulated run in `data`."""
    return run("call", data / "signals.csv", "--panel", data / "panel.csv", "--samples", data / samples,
               "--out", out, *words)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A simulated run of eight patients, a positive control and references; six patients with odd names."""
    folder = tmp_path_factory.mktemp("run") / "input"
    assert run("simulate", "--out", folder, "--patients", 8, "--references", 5, "--positive", 1,
               "--format", "wide", "--seed", 3, "--quiet") == 0  # fmt: skip
    for name in ("signals.csv", "samples.csv"):
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in NAMES.items():
            assert f"{old}," in text
            text = text.replace(f"{old},", f"{new},")
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "clinical.csv").write_text(CLINICAL, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def result(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("result") / "out"
    assert called(data, out, "--clinical", data / "clinical.csv", "--quiet") == 0
    return out


@pytest.fixture(scope="module")
def rows(result) -> list[dict[str, str]]:
    return read(result / "risk.tsv")


@pytest.fixture(scope="module")
def found(rows) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["sample"], row["classifier"]): row for row in rows}


def test_a_row_for_every_patient_and_classifier_in_the_contracts_columns(rows) -> None:
    assert tuple(rows[0])[: len(CONTRACT)] == CONTRACT
    assert [row["sample"] for row in rows] == [name for name in PATIENTS for _ in range(RULES)]
    order = [row["classifier"] for row in rows[:RULES]]
    assert len(set(order)) == RULES
    assert [row["classifier"] for row in rows] == order * len(PATIENTS)


def test_calls_and_clinical_data_come_together(result, found) -> None:
    losses = {(row["sample"], row["gene"]): row["exons"] for row in read(result / "calls.tsv")
              if row["status"] == "loss"}  # fmt: skip
    assert losses["1e5", "IKZF1"] == "1-8"  # as simulated: the rest of this test rests on it
    assert ("NA", "IKZF1") not in losses
    assert found["007", "cclg-2008-mrd"]["class"] == "HR"
    assert found["007", "cclg-2008-mrd"]["boundary"] == "mrd_day15"
    assert found["1e5", "cclg-2008-mrd"]["class"] == "SR"
    assert found["1e5", "zheng-2019-ikzf1"]["class"] == "HR_regimen"
    assert found["1e5", "ms-2010"]["class"] == "IR"  # LR, and one level up
    assert found["NA", "ms-2010"]["class"] == "IR"
    assert "outside the cited cohort" in found["NA", "ms-2010"]["note"]  # the column Lineage is read
    assert found["NA", "ikzf1plus-2018"]["class"] == "not_applicable"
    assert found["Åsa", "nci-rome"]["class"] == "not_applicable"


def test_what_is_not_known_stays_open(result, found) -> None:
    """A patient without clinical values, one without a row, and genes that cannot be told."""
    for name in ("P07", "P08"):
        row = found[name, "nci-rome"]
        assert row["class"] == "indeterminate"
        assert row["possible_classes"] == "SR;HR;not_applicable"
        assert row["missing_inputs"] == row["deciding_inputs"] == "age_years;wbc_e9_per_l"
        assert found[name, "cclg-2008-mrd"]["possible_classes"] == "SR;IR;HR"
    assert found["=x", "nci-rome"]["deciding_inputs"] == "wbc_e9_per_l"
    # the panel has no ERG: never taken as "not deleted"
    assert {row["gene"] for row in read(result / "calls.tsv")} & {"ERG"} == set()
    for name in PATIENTS:
        assert "ERG" in found[name, "ikzf1plus-2018"]["missing_inputs"].split(";")
    closed = [row for row in found.values() if row["class"] not in ("indeterminate", "not_applicable")]
    assert all(row["possible_classes"] == row["class"] for row in closed)


def test_the_same_as_classify_gives_from_the_calls(data, result, tmp_path) -> None:
    everybody = tmp_path / "clinical.csv"  # P08 stands there too, without a value
    known = CLINICAL[: CLINICAL.index("elsewhere")]
    everybody.write_text(known + "P08,,,,,,,,,\n", encoding="utf-8")
    assert run("classify", result / "calls.tsv", "--clinical", everybody, "--out", tmp_path / "all.tsv") == 0
    again = [row for row in read(tmp_path / "all.tsv") if row["sample"] in PATIENTS]  # controls left out
    assert again == read(result / "risk.tsv")


def test_the_same_bytes_every_time_and_from_the_sample_sheet(data, result, tmp_path) -> None:
    assert called(data, tmp_path / "again", "--clinical", data / "clinical.csv", "--quiet") == 0
    assert contents(tmp_path / "again") == contents(result)
    lines = (data / "samples.csv").read_text(encoding="utf-8").splitlines()
    stated = {line.partition(",")[0]: line.partition(",")[2] for line in CLINICAL.splitlines()}
    stated.pop("elsewhere")
    wide = [f"{line},{stated.get(line.partition(',')[0], ',' * 8)}" for line in lines]
    (tmp_path / "wide.csv").write_text("\n".join(wide) + "\n", encoding="utf-8")
    assert called(data, tmp_path / "wide", "--quiet", samples=tmp_path / "wide.csv") == 0
    assert (tmp_path / "wide" / "risk.tsv").read_bytes() == (result / "risk.tsv").read_bytes()


def test_clinical_data_changes_nothing_else(data, result, tmp_path, capsys) -> None:
    assert called(data, tmp_path / "plain") == 0
    assert "Risk classes" not in capsys.readouterr().out
    plain, full = contents(tmp_path / "plain"), contents(result)
    assert set(full) - set(plain) == {"risk.tsv"}
    for name, text in plain.items():
        if name not in ("result.json", "report.html", "report.xlsx"):  # these hold the risk classes too
            assert full[name] == text, name
    document = json.loads(plain["result.json"])
    assert [sample["risk"] for sample in document["samples"]] == [[]] * len(document["samples"])


def test_the_document_holds_the_rows_and_follows_its_schema(result, rows) -> None:
    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    document = json.loads((result / "result.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    told = [{"sample": sample["sample"], **row} for sample in document["samples"] for row in sample["risk"]]
    expected = [
        {
            key: [item for item in text.split(";") if item] if key in LISTS else text
            for key, text in row.items()
        }
        for row in rows
    ]
    assert {row.pop("notice") for row in expected} == {"for research use only"}
    assert document["research_use"].lower().startswith("for research use only")  # once, not in every row
    assert told == expected
    for key in ("rule_sha256", "note"):  # the schema knows them: a wrong value is refused
        assert key in schema["$defs"]["risk"]["properties"]
    document["samples"][0]["risk"][0]["rule_sha256"] = "x"
    with pytest.raises(jsonschema.ValidationError, match="does not match"):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_provenance_names_the_clinical_file(data, result) -> None:
    document = json.loads((result / "provenance.json").read_text(encoding="utf-8"))
    inputs = {item["role"]: item for item in document["inputs"]}
    assert list(inputs) == ["signals", "panel", "samples", "clinical"]
    content = (data / "clinical.csv").read_bytes()
    assert inputs["clinical"]["name"] == "clinical.csv"
    assert inputs["clinical"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert inputs["clinical"]["size"] == len(content)
    assert "risk.tsv" in {item["name"] for item in document["outputs"]}


def test_what_is_told(data, tmp_path, capsys) -> None:
    assert called(data, tmp_path / "out", "--clinical", data / "clinical.csv") == 0
    printed = capsys.readouterr()
    assert printed.out.count("Risk classes") == 1
    assert "\n\nRisk classes: risk.tsv (25 classifiers)\n\nResults: " in printed.out
    assert printed.err == "not in the clinical file: 'P08'; what it would state is unknown\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7,20,B,no,0.02", "7,20000,B,no,0.02", r":6: wbc_e9_per_l is 20000, above 1000 (10^9 per litre); 50,000 per"),
        ("007,x,5.5", "007,x,132", ":2: age_years is 132, above 90 (years); if months were meant, divide by 12"),
        ("B,no,0.1,", "B,no,10,", ":2: mrd_day15 is 10, above 1 (a fraction of nucleated cells); per cent"),
        ("1e5,x", "007,x", ":3: sample '007' stands here and in line 2; keep one row a patient"),
        ("wbc_e9_per_l", "wbc", ":1: the column 'wbc' is not read; give wbc_e9_per_l, in 10^9 per litre"),
        ("hospital", "lineage", ":1: the column lineage stands twice in the header; keep one of them"),
        ("sample,", "patient,", ":1: there is no column sample"),
    ],
)  # fmt: skip
def test_slips_are_refused_and_nothing_is_written(data, tmp_path, capsys, old, new, message) -> None:
    bad = tmp_path / "bad.csv"
    assert old in CLINICAL
    bad.write_text(CLINICAL.replace(old, new, 1), encoding="utf-8")
    assert called(data, tmp_path / "out", "--clinical", bad) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{bad}{message}")
    assert printed.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_a_slip_in_the_sample_sheet_is_refused_too(data, tmp_path, capsys) -> None:
    lines = (data / "samples.csv").read_text(encoding="utf-8").splitlines()
    wide = [f"{line},{'mrd_day15' if i == 0 else 12 if i == 2 else ''}" for i, line in enumerate(lines)]
    (tmp_path / "wide.csv").write_text("\n".join(wide) + "\n", encoding="utf-8")
    assert called(data, tmp_path / "out", samples=tmp_path / "wide.csv") == 3
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'wide.csv'}:3: mrd_day15 is 12, above 1")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample,lineage\n7,B\nx,B\n", ": holds none of the run's patients (run: '007', '1e5', 'NA' and 5 more; "
         "clinical file: '7', 'x'); write the names as in the sample sheet"),
        ("sample,lineage\nREF01,B\n", ": holds none of the run's patients"),
        ("sample,age_years\n007,4\n1e5,6\n", ": age_years of sample '1e5' is '5.0' in one file and '6' in the other"),
        ("sample,blast_fraction\n007,0.5\n", ": blast_fraction of sample '007' is '0.8' in one file and '0.5' in"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_the_sample_sheet(data, tmp_path, capsys, text, message) -> None:
    lines = (data / "samples.csv").read_text(encoding="utf-8").splitlines()
    ages = {0: "age_years", 1: "4.0", 2: "5.0"}
    wide = [f"{line},{ages.get(i, '')}" for i, line in enumerate(lines)]
    wide[1] = wide[1].replace(",,", ",0.8,")
    (tmp_path / "sheet.csv").write_text("\n".join(wide) + "\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text(text, encoding="utf-8")
    options = ("--clinical", tmp_path / "other.csv")
    assert called(data, tmp_path / "out", *options, samples=tmp_path / "sheet.csv") == 3
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'other.csv'}{message}")
    assert not (tmp_path / "out").exists()


def test_an_earlier_result_survives_a_refused_file(data, tmp_path, capsys) -> None:
    assert called(data, tmp_path / "out", "--clinical", data / "clinical.csv") == 0
    before = contents(tmp_path / "out")
    (tmp_path / "bad.csv").write_text("sample,age_years\n007,132\n", encoding="utf-8")
    assert called(data, tmp_path / "out", "--force", "--clinical", tmp_path / "bad.csv") == 3
    assert contents(tmp_path / "out") == before


def test_from_python(data) -> None:
    options = {"panel": data / "panel.csv", "samples": data / "samples.csv"}
    result = call_run(data / "signals.csv", clinical=data / "clinical.csv", **options)
    risk = result.risk
    assert risk is not None
    assert list(risk.columns[: len(CONTRACT)]) == list(CONTRACT)
    assert len(risk) == RULES * len(PATIENTS)
    assert result.run["not_in_clinical_file"] == ["P08"]
    plain = call_run(data / "signals.csv", **options)
    assert plain.risk is None
    assert "risk" not in plain.tables
    assert "not_in_clinical_file" not in plain.run


def test_the_rules_are_loaded_only_when_they_are_needed(data, tmp_path) -> None:
    """A run without clinical data does not pay for the classifiers; one with them does load them."""
    code = (
        "import sys\nfrom mlpa_caller.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    code = end.code\n"
        "print(code, any(name.startswith('mlpa_caller.risk') for name in sys.modules))"
    )
    words = ["call", str(data / "signals.csv"), "--panel", str(data / "panel.csv"), "--samples",
             str(data / "samples.csv"), "--quiet", "--out"]  # fmt: skip
    for more, expected in (
        ([str(tmp_path / "a")], "0 False"),
        ([str(tmp_path / "b"), "--clinical", str(data / "clinical.csv")], "0 True"),
    ):
        done = subprocess.run([sys.executable, "-c", code, *words, *more], capture_output=True, text=True)
        assert (done.stdout.strip(), done.stderr) == (expected, "")
