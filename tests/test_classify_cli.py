"""``classify``: files, explanation, JSON and FHIR."""

from __future__ import annotations

import csv
import json
import re

import pytest
from click.testing import CliRunner
from risk_cases import call_table, people, profile

from mlpa_caller.cli.classify import command
from mlpa_caller.errors import FormatError, InputError, ResultExistsError, SampleSheetError, UsageError
from mlpa_caller.outputs.tsv import table_lines
from mlpa_caller.risk import (
    as_records,
    classify,
    explain,
    explanation_text,
    fhir_bundle,
    load_rules,
    risk_document,
)
from mlpa_caller.risk.table import COLUMNS

CLINICAL = """sample,age_years,wbc_e9_per_l,lineage,bcr_abl1,erg_deleted,mrd_day15,mrd_day33,mrd_preconsolidation
007,5.5,50,B,no,,0.1,<0.0001,
1e5,3,10,B,no,no,0.001,0,0
"""


@pytest.fixture
def files(tmp_path):
    rows = [*profile("007", ["IKZF1", "PAX5"], ["ERG"], IKZF1="4-7"), *profile("1e5")]
    calls = tmp_path / "calls.tsv"
    calls.write_text("".join(table_lines(call_table(rows))), encoding="utf-8")
    clinical = tmp_path / "clinical.csv"
    clinical.write_text(CLINICAL, encoding="utf-8")
    return str(calls), str(clinical), tmp_path


def run(*words):
    """Return what the command prints; errors come out as they are raised."""
    outcome = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    if outcome.exception is not None:
        raise outcome.exception
    return outcome


def read(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_the_table_is_written(files) -> None:
    calls, clinical, folder = files
    out = folder / "risk.tsv"
    outcome = run(calls, "--clinical", clinical, "--out", out)
    assert outcome.stdout == ""
    rows = read(out)
    assert tuple(rows[0]) == COLUMNS
    assert [row["sample"] for row in rows] == ["007"] * 25 + ["1e5"] * 25
    found = {(row["sample"], row["classifier"]): row for row in rows}
    assert found["007", "cclg-2008-mrd"]["class"] == "HR"
    assert found["007", "cclg-2008-mrd"]["boundary"] == "mrd_day15"
    assert found["007", "nci-rome"]["class"] == "HR"
    assert found["007", "ikzf1plus-2018"]["possible_classes"] == "IKZF1del;IKZF1plus"
    assert found["1e5", "ukall-cna-2014"]["class"] == "good"
    assert found["1e5", "cclg-2008-mrd"]["class"] == "SR"


def test_standard_output_and_the_same_bytes_every_time(files) -> None:
    calls, clinical, folder = files
    run(calls, "--clinical", clinical, "--out", folder / "risk.tsv")
    one, two = run(calls, "--clinical", clinical), run(calls, "--clinical", clinical, "--out", "-")
    assert one.stdout_bytes == two.stdout_bytes == (folder / "risk.tsv").read_bytes()


def test_a_classifier_alone(files) -> None:
    calls, clinical, _ = files
    lines = run(calls, "--clinical", clinical, "--classifier", "nci-rome", "--classifier", "boer-2016").stdout
    assert [line.split("\t")[1] for line in lines.splitlines()[1:]] == ["boer-2016", "nci-rome"] * 2
    with pytest.raises(UsageError, match="there is no classifier 'aieop-bfm-2017'"):
        run(calls, "--classifier", "aieop-bfm-2017")


def test_without_a_clinical_file_everything_in_it_is_unknown(files) -> None:
    calls, _, _ = files
    rows = list(csv.DictReader(run(calls).stdout.splitlines(), delimiter="\t"))
    found = {(row["sample"], row["classifier"]): row["class"] for row in rows}
    assert found["1e5", "ikzf1plus-2018"] == "indeterminate"
    assert found["1e5", "ms-2010"] == "indeterminate"
    assert found["1e5", "ukall-cna-2014"] == "good"  # it reads the calls alone
    assert found["007", "zheng-2019-ikzf1"] == "HR_regimen"


def test_an_existing_file_stays_without_force(files) -> None:
    calls, clinical, folder = files
    out = folder / "risk.tsv"
    out.write_text("mine")
    with pytest.raises(ResultExistsError):
        run(calls, "--clinical", clinical, "--out", out)
    assert out.read_text() == "mine"
    run(calls, "--clinical", clinical, "--out", out, "--force")
    assert out.read_text().startswith("sample\t")


def test_errors_leave_nothing_half_written(files) -> None:
    calls, clinical, folder = files
    (folder / "bad.csv").write_text("sample,wbc_e9_per_l\n007,50000\n")
    with pytest.raises(SampleSheetError, match=r"bad\.csv:2: wbc_e9_per_l is 50000, above 1000") as caught:
        run(calls, "--clinical", folder / "bad.csv", "--out", folder / "risk.tsv")
    assert caught.value.exit_code == 3
    assert not (folder / "risk.tsv").exists()
    (folder / "names.csv").write_text("sample,lineage\n7,B\n")
    with pytest.raises(InputError, match=r"names\.csv: calls and clinical file have no sample in common"):
        run(calls, "--clinical", folder / "names.csv", "--out", folder / "risk.tsv")
    with pytest.raises(FormatError):
        run(clinical, "--clinical", clinical)


def test_patients_in_one_file_only_are_told(files) -> None:
    calls, clinical, folder = files
    with open(clinical, "a", encoding="utf-8") as stream:
        stream.write("x,5,10,B,no,no,0.001,0,0\n")
    assert run(calls, "--clinical", clinical, "--out", folder / "a.tsv").stderr == (
        "not in the calls: 'x'; what it would state is unknown\n"
    )
    (folder / "one.csv").write_text("sample,lineage\n007,B\n")
    assert "not in the clinical file: '1e5'" in run(calls, "--clinical", folder / "one.csv").stderr
    assert run(calls, "--clinical", folder / "one.csv", "--quiet").stderr == ""


# ---- explanation --------------------------------------------------------------------------------------------


def test_explain_quotes_the_rule_and_says_what_would_change_the_class(files) -> None:
    calls, clinical, _ = files
    text = run(calls, "--clinical", clinical, "--explain", "007", "--classifier", "cclg-2008-mrd").stdout
    assert text.startswith("007  cclg-2008-mrd 1.0: CCLG-ALL 2008 class by minimal residual disease")
    assert "Class: HR (high risk)" in text
    assert "Used: mrd_day15=0.1, mrd_day33=<0.0001" in text
    assert "Missing: mrd_preconsolidation" in text
    assert "On a cut point: mrd_day15" in text
    assert "mrd_day15 >= 0.01 and < 0.1: IR or HR" in text
    assert "mrd_day15 < 0.01: SR or IR or HR" in text
    assert "“MRD-高危（MRD-HR）：" in text
    assert "(zheng2019, lines 138-142)" in text
    assert "Figures of the cited cohort, not of this patient:" in text
    assert "HR: share of the cohort: n = 56 of 278" in text
    assert text.rstrip().endswith("For research use only.")


def test_explain_names_what_would_decide(files) -> None:
    calls, clinical, _ = files
    text = run(calls, "--clinical", clinical, "--explain", "007", "--classifier", "ikzf1plus-2018").stdout
    assert "Class: indeterminate: IKZF1del or IKZF1plus" in text
    assert "Would decide: ERG" in text
    assert "ERG is deleted: IKZF1del" in text
    assert "ERG is not deleted: IKZF1plus" in text
    assert "lineage is T: not_applicable" in text
    assert (
        "IKZF1plus: event-free survival at 5 years: 53 % (standard error 6) [Stanulla 2018, abstract" in text
    )


def test_explain_every_classifier_and_as_json(files) -> None:
    calls, clinical, folder = files
    text = run(calls, "--clinical", clinical, "--explain", "1e5", "--out", folder / "risk.tsv").stdout
    assert text.count("Source: ") == 25
    assert len(read(folder / "risk.tsv")) == 50
    items = json.loads(run(calls, "--clinical", clinical, "--explain", "1e5", "--json").stdout)
    assert [item["classifier"] for item in items] == list(load_rules())[:25]
    assert items[0]["possible_classes"] == ["SR"]
    assert items[0]["would_change"][0] == {
        "input": "mrd_day15", "value": ">= 0.01 and < 0.1", "possible_classes": ["IR"],
    }  # fmt: skip
    with pytest.raises(InputError, match="there is no sample '5e1' in the calls or the clinical file"):
        run(calls, "--clinical", clinical, "--explain", "5e1")


def test_explain_leaves_treatment_out() -> None:
    """No text of an explanation names a drug, a dose or what should be done."""
    clinical = people([{"lineage": "B", "kmt2a": "duplicated", "age_years": "0.4"}], ["P"])
    text = explanation_text(explain("P", call_table(profile("P", ["IKZF1"])), clinical))
    assert not re.search(
        r"\bmg\b|mg/|should (be|receive)|recommend|dasatinib|imatinib|vincristine", text, re.I
    )


# ---- JSON and FHIR ------------------------------------------------------------------------------------------


def table():
    rows = [*profile("007", ["IKZF1", "PAX5"], ["ERG"]), *profile("b")]
    return classify(
        call_table(rows), people([{"lineage": "B", "mrd_day15": "0.1"}, {"lineage": "T"}], ["007", "b"])
    )


def test_json_of_the_results(files) -> None:
    calls, clinical, _ = files
    document = json.loads(run(calls, "--clinical", clinical, "--json", "--classifier", "nci-rome").stdout)
    assert document["notice"] == "for research use only"
    assert [item["class"] for item in document["results"]] == ["HR", "SR"]
    assert document["results"][0]["used_inputs"] == ["age_years=5.5", "wbc_e9_per_l=50"]
    rule = document["rules"]["nci-rome"]
    assert rule["sha256"] == document["results"][0]["rule_sha256"]
    assert rule["classes"]["SR"].startswith("standard risk")


def test_the_document_holds_every_row_and_rule() -> None:
    document = risk_document(table())
    assert len(document["results"]) == 50
    assert list(document["rules"]) == list(load_rules())[:25]
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert as_records(table())[0]["missing_inputs"] == ["mrd_day33", "mrd_preconsolidation"]


@pytest.mark.parametrize("release", ["R4B", "R5"])
def test_fhir_resources_are_valid(release) -> None:
    pytest.importorskip("fhir.resources")
    if release == "R4B":
        from fhir.resources.R4B.bundle import Bundle
    else:
        from fhir.resources.bundle import Bundle
    bundle = fhir_bundle(table())
    read_back = Bundle.model_validate(bundle)
    assert len(read_back.entry) == 50


def test_fhir_says_what_is_not_known(files) -> None:
    calls, clinical, folder = files
    run(calls, "--clinical", clinical, "--fhir", folder / "risk.json", "--out", folder / "risk.tsv")
    bundle = json.loads((folder / "risk.json").read_text(encoding="utf-8"))
    found = {
        (item["resource"]["subject"]["display"], item["resource"]["method"]["coding"][0]["code"]): item[
            "resource"
        ]
        for item in bundle["entry"]
    }
    plus = found["007", "ikzf1plus-2018"]
    assert plus["status"] == "preliminary"
    assert [item["qualitativeRisk"]["text"] for item in plus["prediction"]] == ["IKZF1del", "IKZF1plus"]
    assert "Would decide: ERG." in plus["prediction"][0]["rationale"]
    assert found["007", "lee-2011-infant"]["status"] == "final"
    assert "prediction" not in found["007", "lee-2011-infant"]  # not applicable
    for resource in found.values():
        assert "For research use only." in resource["note"][0]["text"]
        assert "mitigation" not in resource  # no advice on treatment
        for prediction in resource.get("prediction", []):
            assert "probabilityDecimal" not in prediction  # the figures are the cohort's
