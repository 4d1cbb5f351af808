"""The rule files: schema, quotations at their place, contract, and that data, not code, holds the figures."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tomllib
import unicodedata

import pytest
from risk_cases import SHARED, one, profile, row

from mlpa_caller.errors import MlpaError, UsageError
from mlpa_caller.refdata import reference_path
from mlpa_caller.risk.classifiers import CLASSIFIERS
from mlpa_caller.risk.clinical import clinical_columns
from mlpa_caller.risk.engine import truth_table
from mlpa_caller.risk.explanation import _label
from mlpa_caller.risk.genes import gene_groups
from mlpa_caller.risk.rules import default_folder, load_rules, select_rules

RULES = load_rules()
TEXTS = SHARED / "facts" / "publications" / "text"

# contracts.md, "Classifiers: identifiers and classes"
CONTRACT = {
    "cclg-2008-mrd": "SR IR HR",
    "cclg-2008-mrd-as-printed": "SR IR HR",
    "zheng-2019-ikzf1": "HR_regimen by_clinical_risk",
    "ukall-cna-2014": "good intermediate poor",
    "ukall-cna-two-tier": "good poor",
    "ikzf1plus-2018": "IKZF1plus IKZF1del not_deleted",
    "ikzf1plus-2018-cdkn2b-homozygous": "IKZF1plus IKZF1del not_deleted",
    "boer-2016": "major rare other not_deleted",
    "nci-rome": "SR HR",
    "ms-2010": "LR IR HR",
    "dcog-all11": "selected not_selected",
    "volejnikova-2013": "selected not_selected",
    "tpog-2013": "selected not_selected",
    "sutton-2018": "0 1 2+",
    "lee-2011-infant": "high not_high",
    "interfant-06": "LR MR HR",
    "mll-10": "LR IR HR",
    "bfm-relapse-time": "very_early early late",
    "vavilova-2023-time": "very_early early late",
    "bfm-relapse-group": "S1 S2 S3 S4",
    "intreall-2010": "SR HR",
    "vavilova-2023-blasts-5": "below at_or_above",
    "vavilova-2023-blasts-15": "below at_or_above",
    "post-transplant-relapse": "within_6_months after_6_months",
    "ikaros-germline": "loss_of_function dominant_negative_n159 gain_of_function none_in_catalogue not_assessed",
}


def test_the_contracts_classifiers_in_a_fixed_order() -> None:
    _, chosen = select_rules(None)
    assert list(chosen) == list(CONTRACT)
    for name, classes in CONTRACT.items():
        assert set(RULES[name].classes) == set(classes.split())


def test_every_rule_file_has_a_classifier_and_every_classifier_a_rule_file() -> None:
    files = {path.stem for path in default_folder().glob("*.toml")}
    assert files - {"index", "gene_groups", "clinical_columns"} == set(RULES) == set(CLASSIFIERS)


@pytest.mark.parametrize("name", RULES)
def test_rule_files_follow_the_schema(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(reference_path("schema/risk_rule.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(dict(RULES[name].data))


@pytest.mark.parametrize("name", RULES)
def test_rule_files_are_consistent(name: str) -> None:
    rule = RULES[name]
    assert set(rule.data["class_meaning"]) == set(rule.classes)
    assert set(rule.evidence_by_class) <= set(rule.classes)
    assert set(rule.cohort) - {"text"} <= set(clinical_columns())
    for item in rule.inputs:
        if item.kind in ("number", "choice", "germline"):
            assert item.source in clinical_columns(), item.source
        if item.kind == "choice":
            assert set(item.values) | set(item.also) == set(clinical_columns()[item.source]["values"])
    if rule.compare_with:
        assert RULES[rule.compare_with].compare_with == name


@pytest.mark.parametrize("name", RULES)
def test_every_class_can_be_reached_and_no_other_appears(name: str) -> None:
    rule = RULES[name]
    bits = set(truth_table(rule).classes.ravel().tolist())
    reached = {rule.outcomes[i] for value in bits for i in range(len(rule.outcomes)) if value >> i & 1}
    missing = set(rule.classes) - reached
    assert missing == set()
    assert ("not_applicable" in reached) == (bool(rule.population) or name == "vavilova-2023-site")


def plain(text: str) -> str:
    """Leave out what the page adds: white space, hyphens at line ends, TeX and Markdown marks; compose letters."""
    text = unicodedata.normalize("NFC", text)
    text = text.replace(r"$\mu$", "μ").replace(r"$\mu\text{L}$", "μL")
    return re.sub(r"[\s\-*]+", "", text)


@pytest.mark.skipif(not TEXTS.is_dir(), reason="the publications' texts lie outside the project")
@pytest.mark.parametrize("name", RULES)
def test_quotations_stand_where_they_are_said_to(name: str) -> None:
    for quotation in RULES[name].data["quotations"]:
        if not quotation.get("verbatim", True):
            continue
        # form feeds are part of lines in the publications' texts: lines end with \n alone
        lines = (TEXTS / f"{quotation['publication']}.txt").read_text(encoding="utf-8").split("\n")
        first, last = map(int, quotation["lines"].split("-"))
        assert plain(quotation["text"]) in plain("\n".join(lines[first - 1 : last])), quotation


@pytest.mark.skipif(not TEXTS.is_dir(), reason="the publications' texts lie outside the project")
def test_a_changed_quotation_would_be_noticed() -> None:
    quotation = RULES["cclg-2008-mrd"].data["quotations"][0]
    lines = (TEXTS / "zheng2019.txt").read_text(encoding="utf-8").split("\n")
    assert plain(quotation["text"].replace("<10-2", "<10-3")) not in plain("\n".join(lines[129:134]))


@pytest.mark.skipif(not (SHARED / "facts/risk").is_dir(), reason="the facts lie outside the project")
def test_every_printed_inconsistency_is_told() -> None:
    with open(SHARED / "facts/risk/inconsistencies.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    told = " ".join(
        erratum["location"] + " " + erratum["printed"]
        for rule in RULES.values()
        for erratum in rule.data.get("errata", [])
    )
    assert len(rows) == 32
    for item in rows:
        assert item["publication"] in told
    page = (reference_path("risk/index.toml").parents[2] / "docs/risk.md").read_text(encoding="utf-8")
    numbered = re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)
    assert [int(number) for number in numbered] == list(range(1, 33))
    assert all(f"| `{name}` |" in page for name in RULES)


def condition_text(name: str, condition, cuts) -> str:
    """A condition of a population as docs/risk.md writes it."""
    if "any_of" in condition:
        return f"{name} {' or '.join(condition['any_of'])}"
    sign, cut = (">=", condition["at_least"]) if "at_least" in condition else ("<", condition["below"])
    return f"{name} {sign} {cuts[cut]:g}"


def test_the_page_lists_the_conditions_and_cohorts_of_the_rule_files() -> None:
    page = (reference_path("risk/index.toml").parents[2] / "docs/risk.md").read_text(encoding="utf-8")
    told = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].strip("`") in RULES:
            told[cells[0].strip("`")] = cells[3]
    assert set(told) == set(RULES)
    for rule in RULES.values():
        conditions = [
            condition_text(name, condition, rule.settings.cut.get(name, {}))
            for name, condition in rule.population.items()
        ]
        expected = ", ".join(conditions) or "no condition"
        watched = [name for name in rule.cohort if name != "text"]
        if watched:
            expected += f"; noted: {', '.join(watched)}"
        assert told[rule.id] == expected, rule.id


def test_no_dose_and_no_drug_in_any_text_of_a_rule() -> None:
    unwanted = re.compile(
        r"mg/|µg|μg|mcg|\bdose (of|is)\b|dasatinib|imatinib|vincristine|should be treated", re.I
    )
    for rule in RULES.values():
        assert not unwanted.search(json.dumps(dict(rule.data), ensure_ascii=False)), rule.id


def test_unverified_is_said() -> None:
    assert RULES["sutton-2018"].evidence == "unverified"
    result = one(profile("P"), {"lineage": "B"}, "ukall-cna-2014")
    assert (result["class"], result["evidence"]) == ("good", "read")
    result = one(profile("P", ["RB1"]), {"lineage": "B"}, "ukall-cna-2014")
    assert (result["class"], result["evidence"]) == ("poor", "unverified")


def edited(tmp_path, name: str, old: str, new: str):
    folder = tmp_path / "rules"
    shutil.copytree(default_folder(), folder)
    path = folder / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_changing_a_cut_point_in_the_data_changes_the_class_and_the_hash(tmp_path) -> None:
    clinical = {"mrd_day15": "0.12", "mrd_day33": "0", "mrd_preconsolidation": "0"}
    before = one(profile("P"), clinical, "cclg-2008-mrd")
    folder = edited(tmp_path, "cclg-2008-mrd", "cut_points = { IR = 0.01, HR = 0.1 }",
                    "cut_points = { IR = 0.01, HR = 0.2 }")  # fmt: skip
    after = one(profile("P"), clinical, "cclg-2008-mrd", rules=folder)
    assert (before["class"], after["class"]) == ("HR", "IR")
    assert before["rule_sha256"] != after["rule_sha256"]


def test_changing_sets_grids_and_populations_in_the_data_changes_the_class(tmp_path) -> None:
    folder = edited(tmp_path / "a", "ukall-cna-2014", '["BTG1"], ', "")
    assert one(profile("P", ["BTG1"]), {"lineage": "B"}, "ukall-cna-2014")["class"] == "good"
    result = one(profile("P", ["BTG1"]), {"lineage": "B"}, "ukall-cna-2014", rules=folder)
    assert result["class"] == "intermediate"
    folder = edited(tmp_path / "b", "ikzf1plus-2018", 'any_of = ["B"]', 'any_of = ["B", "T"]')
    assert one(profile("P"), {"lineage": "T"}, "ikzf1plus-2018")["class"] == "not_applicable"
    result = one(profile("P"), {"lineage": "T"}, "ikzf1plus-2018", rules=folder)
    assert result["class"] == "not_deleted"
    folder = edited(tmp_path / "c", "boer-2016", 'major = ["1-8", "4-7"]', 'major = ["1-8"]')
    clinical = {"lineage": "B", "age_years": "4", "bcr_abl1": "no", "kmt2a": "germline"}
    rows = [row("P", "IKZF1", "loss", "4-7")]
    assert one(rows, clinical, "boer-2016")["class"] == "major"
    assert one(rows, clinical, "boer-2016", rules=folder)["class"] == "other"
    folder = edited(tmp_path / "d", "ukall-cna-2014", 'lineage = ["B"]', 'lineage = ["B", "T"]')
    assert "outside the cited cohort" in one(profile("P"), {"lineage": "T"}, "ukall-cna-2014")["note"]
    result = one(profile("P"), {"lineage": "T"}, "ukall-cna-2014", rules=folder)
    assert "outside the cited cohort" not in result["note"]


def test_damaged_rule_files_are_named(tmp_path) -> None:
    folder = edited(tmp_path / "a", "nci-rome", 'id = "nci-rome"', 'id = "other"')
    with pytest.raises(MlpaError, match=r"nci-rome\.toml: is no rule of a classifier nci-rome"):
        load_rules(folder)
    folder = edited(tmp_path / "b", "nci-rome", "id = ", "id == ")
    with pytest.raises(MlpaError, match=r"nci-rome\.toml: is no TOML"):
        load_rules(folder)
    folder = edited(tmp_path / "c", "nci-rome", 'title = "NCI', 'heading = "NCI')
    with pytest.raises(MlpaError, match=r"nci-rome\.toml: lacks 'title'"):
        load_rules(folder)
    folder = edited(tmp_path / "d", "nci-rome", 'kind = "number"', 'kind = "numeral"')
    with pytest.raises(MlpaError, match="a known kind of input"):
        load_rules(folder)
    folder = edited(tmp_path / "e", "ikzf1plus-2018", "lineage = { any_of", "species = { any_of")
    with pytest.raises(MlpaError, match="names species, which is no input"):
        load_rules(folder)
    (folder / "ikzf1plus-2018.toml").unlink()
    load_rules.cache_clear()
    with pytest.raises(MlpaError, match="cannot be read"):
        load_rules(folder)
    with pytest.raises(UsageError, match="there is no classifier 'nci'; choose of cclg-2008-mrd"):
        select_rules(("nci",))


def test_values_are_named_by_where_they_lie() -> None:
    item = RULES["vavilova-2023-time"].inputs[0]
    assert [value.label for value in item.domain] == ["< 18", "= 18", "> 18 and < 30", "= 30", "> 30"]
    assert _label(item, 1, 3) == ">= 18 and <= 30"
    assert _label(item, 0, 1) == "<= 18"
    assert _label(item, 2, 4) == "> 18"
    assert _label(item, 3, 4) == ">= 30"
    assert _label(item, 0, 4) == "is any number"


def test_groups_and_columns_are_data() -> None:
    groups = tomllib.loads(reference_path("risk/gene_groups.toml").read_text(encoding="utf-8"))
    assert groups == gene_groups()
    assert groups["groups"] == {"CDKN2AB": ["CDKN2A", "CDKN2B"], "PAR1": ["CRLF2", "CSF2RA", "IL3RA"]}
