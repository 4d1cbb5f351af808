"""Infant and first-line classifiers through the tables: golden cases, populations, limits."""

from __future__ import annotations

import csv

import pytest
from risk_cases import SHARED, call_table, one, people, profile

from mlpa_caller.risk import classify

B = {"lineage": "B"}


def result(classifier: str, deleted=(), clinical=None, unknown=(), **ranges) -> str:
    return one(profile("P", deleted, unknown, **ranges), clinical or {}, classifier)["class"]


@pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason="the published table lies outside the project")
def test_lee_2011_high_risk_is_exactly_1_4_5_6_7_8_9() -> None:
    with open(SHARED / "facts/publications/lee2011_table1_patients.csv", encoding="utf-8") as stream:
        infants = list(csv.DictReader(stream))
    kmt2a = {"rearranged": "rearranged", "duplication": "duplicated", "none": "germline"}
    clinical = people(
        [
            {
                "age_years": repr(int(item["age_months"]) / 12),
                "wbc_e9_per_l": repr(int(item["wbc_per_ul"]) / 1000),
                "kmt2a": kmt2a[item["mll_class"]],
            }
            for item in infants
        ],
        [item["patient"] for item in infants],
    )
    table = classify(call_table([]), clinical, classifiers=["lee-2011-infant"])
    classes = dict(zip(table.columns["sample"], table.columns["class"]))
    assert [name for name, found in classes.items() if found == "high"] == ["1", "4", "5", "6", "7", "8", "9"]
    assert [name for name, found in classes.items() if found == "not_high"] == ["2", "3"]
    # patients 1 and 2 are exactly 6 months old: not below, and on the limit
    boundary = dict(zip(table.columns["sample"], table.columns["boundary"]))
    assert [name for name, found in boundary.items() if found] == ["1", "2"]


INFANT = {"age_years": "0.4", "wbc_e9_per_l": "20", "kmt2a": "germline"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "high"),
        ({"age_years": "0.5"}, "not_high"),
        ({"age_years": "0.5", "wbc_e9_per_l": "50"}, "high"),
        ({"age_years": "0.5", "wbc_e9_per_l": "49.9"}, "not_high"),
        ({"age_years": "0.5", "kmt2a": "rearranged"}, "high"),
        ({"age_years": "0.5", "kmt2a": "duplicated"}, "not_high"),
        ({"age_years": "1"}, "not_applicable"),
        ({"age_years": ""}, "indeterminate"),
    ],
)
def test_lee_2011(change, expected) -> None:
    assert one([], {**INFANT, **change}, "lee-2011-infant")["class"] == expected


@pytest.mark.parametrize(
    ("clinical", "expected"),
    [
        ({"kmt2a": "germline", "age_years": "0.2"}, "LR"),
        ({"kmt2a": "rearranged", "age_years": "0.5"}, "MR"),
        ({"kmt2a": "rearranged", "age_years": "0.49", "wbc_e9_per_l": "300"}, "HR"),
        ({"kmt2a": "rearranged", "age_years": "0.49", "wbc_e9_per_l": "299", "prednisone_response": "good"}, "MR"),
        ({"kmt2a": "rearranged", "age_years": "0.49", "wbc_e9_per_l": "30", "prednisone_response": "poor"}, "HR"),
        ({"kmt2a": "rearranged", "age_years": "0.49", "wbc_e9_per_l": "30"}, "indeterminate"),
        ({"kmt2a": "germline", "age_years": "1"}, "not_applicable"),
    ],
)  # fmt: skip
def test_interfant_06_with_its_misprints_resolved(clinical, expected) -> None:
    assert one([], clinical, "interfant-06")["class"] == expected


@pytest.mark.parametrize("name", ["interfant-06", "mll-10"])
def test_a_duplication_of_kmt2a_where_the_print_does_not_say(name) -> None:
    found = one(
        [], {"kmt2a": "duplicated", "age_years": "0.3", "wbc_e9_per_l": "400", "cns": "positive"}, name
    )
    assert (found["class"], found["possible_classes"]) == ("indeterminate", "LR;HR")
    assert found["deciding_inputs"] == "kmt2a"
    assert "duplicated: the source does not say how it counts: kmt2a" in found["note"]
    assert "kmt2a" not in found["missing_inputs"]


@pytest.mark.parametrize(
    ("days", "cns", "expected"),
    [(179, "negative", "HR"), (180, "negative", "IR"), (180, "positive", "HR"), (300, "negative", "IR")],
)
def test_mll_10_at_180_days_by_either_length_of_the_year(days, cns, expected) -> None:
    for year in (365, 365.25):
        clinical = {"kmt2a": "rearranged", "age_years": f"{days / year:.4f}", "cns": cns}
        found = one([], clinical, "mll-10")
        assert found["class"] == expected
        assert found["boundary"] == ("age_years" if days == 180 else "")


@pytest.mark.parametrize(
    ("age", "wbc", "expected"),
    [
        ("1", "49.9", "SR"),
        ("9.99", "0", "SR"),
        ("10", "5", "HR"),
        ("5", "50", "HR"),
        ("0.99", "5", "not_applicable"),
        ("5", "", "indeterminate"),
        ("", "60", "indeterminate"),
        ("12", "", "HR"),
        ("0.5", "", "not_applicable"),
    ],
)
def test_nci_rome(age, wbc, expected) -> None:
    assert one([], {"age_years": age, "wbc_e9_per_l": wbc}, "nci-rome")["class"] == expected


def test_a_population_that_is_not_known_is_never_silently_right() -> None:
    found = one([], {"wbc_e9_per_l": "60"}, "nci-rome")
    assert found["possible_classes"] == "HR;not_applicable"
    assert found["deciding_inputs"] == "age_years"
    found = one(profile("P"), {}, "ikzf1plus-2018")
    assert (found["possible_classes"], found["deciding_inputs"]) == ("not_deleted;not_applicable", "lineage")


@pytest.mark.parametrize(
    ("risk", "deleted", "expected"),
    [("LR", [], "LR"), ("LR", ["IKZF1"], "IR"), ("IR", ["IKZF1"], "HR"), ("HR", ["IKZF1"], "HR"), ("HR", [], "HR")],
)  # fmt: skip
def test_ms_2010_one_level_up(risk, deleted, expected) -> None:
    assert result("ms-2010", deleted, {"protocol_risk": risk, **B}) == expected


def test_ms_2010_with_ikzf1_unknown() -> None:
    clinical = {"protocol_risk": "HR", **B}
    assert result("ms-2010", (), clinical, ["IKZF1"]) == "HR"  # it cannot rise further
    assert result("ms-2010", (), {**clinical, "protocol_risk": "IR"}, ["IKZF1"]) == "indeterminate"
    assert result("ms-2010", (), {"protocol_risk": "IR", "lineage": "T"}, ["IKZF1"]) == "indeterminate"


TPOG = {"bcr_abl1": "no", "mrd_day15": "0.01"}
NOTED = (  # the rule's text does not name the lineage as a condition: its cohort is noted, nobody is excluded
    ("ukall-cna-2014", ["RB1"], {}, "poor"),
    ("ukall-cna-two-tier", ["RB1"], {}, "poor"),
    ("ms-2010", ["IKZF1"], {"protocol_risk": "IR"}, "HR"),
    ("tpog-2013", ["IKZF1", "PAX5"], TPOG, "selected"),
)
REQUIRED = (  # the rule's text names it: another lineage is not applicable
    ("ikzf1plus-2018", ["IKZF1", "PAX5"], {}, "IKZF1plus"),
    ("ikzf1plus-2018-cdkn2b-homozygous", ["IKZF1", "PAX5"], {}, "IKZF1plus"),
    ("boer-2016", ["IKZF1"], {"age_years": "4", "bcr_abl1": "no", "kmt2a": "germline"}, "other"),
    (
        "sutton-2018",
        [],
        {"protocol_risk": "IR", "age_years": "12", "mrd_day33": "1e-3", "p2ry8_crlf2": "no"},
        "2+",
    ),
)


@pytest.mark.parametrize(("name", "deleted", "clinical", "expected"), NOTED)
def test_another_lineage_is_noted_where_the_rule_does_not_name_it(name, deleted, clinical, expected) -> None:
    rows = profile("P", deleted)
    known, other, unknown = (one(rows, {**clinical, "lineage": text}, name) for text in ("B", "T", ""))
    assert known["class"] == other["class"] == unknown["class"] == expected
    assert "outside the cited cohort (B-cell precursor leukaemia; the rule as read" in other["note"]
    assert "): lineage" in other["note"]
    for found in (known, unknown):
        assert "cohort" not in found["note"]
    assert "lineage" not in unknown["missing_inputs"]


@pytest.mark.parametrize(("name", "deleted", "clinical", "expected"), REQUIRED)
def test_another_lineage_is_not_applicable_where_the_rule_names_it(name, deleted, clinical, expected) -> None:
    rows = profile("P", deleted)
    known, other, unknown = (one(rows, {**clinical, "lineage": text}, name) for text in ("B", "T", ""))
    assert (known["class"], other["class"], unknown["class"]) == (expected, "not_applicable", "indeterminate")
    assert set(unknown["possible_classes"].split(";")) == {expected, "not_applicable"}
    assert unknown["deciding_inputs"] == "lineage"


def test_dcog_all11() -> None:
    assert result("dcog-all11", ["IKZF1"], {"protocol_risk": "IR"}) == "selected"
    assert result("dcog-all11", ["IKZF1"], {"protocol_risk": "HR"}) == "not_selected"
    assert result("dcog-all11", [], {"protocol_risk": "IR"}) == "not_selected"
    assert result("dcog-all11", [], {}) == "not_selected"
    assert result("dcog-all11", ["IKZF1"], {}) == "indeterminate"


@pytest.mark.parametrize(
    ("mrd", "ph", "expected"),
    [
        ("0.1", "no", "selected"),
        ("0.0999", "no", "not_selected"),
        ("0.1", "yes", "not_applicable"),
        ("0.1", "", "indeterminate"),
        ("", "no", "indeterminate"),
    ],
)
def test_volejnikova(mrd, ph, expected) -> None:
    assert result("volejnikova-2013", ["IKZF1"], {"mrd_day15": mrd, "bcr_abl1": ph}) == expected


def test_tpog_2013() -> None:
    clinical = {**B, "bcr_abl1": "no", "mrd_day15": "1e-4"}
    assert result("tpog-2013", ["IKZF1", "PAX5"], clinical) == "selected"
    assert result("tpog-2013", ["IKZF1", "PAX5", "ERG"], clinical) == "not_selected"
    assert result("tpog-2013", ["IKZF1"], clinical) == "not_selected"
    assert result("tpog-2013", ["IKZF1", "PAX5"], {**clinical, "mrd_day15": "<0.0001"}) == "not_selected"
    assert result("tpog-2013", ["IKZF1", "PAX5"], {**clinical, "bcr_abl1": "yes"}) == "not_applicable"
    assert result("tpog-2013", ["IKZF1", "PAX5"], clinical, ["ERG"]) == "indeterminate"


SUTTON = {
    **B, "protocol_risk": "IR", "age_years": "4", "wbc_e9_per_l": "10", "mrd_day33": "0", "p2ry8_crlf2": "no",
}  # fmt: skip


@pytest.mark.parametrize(
    ("deleted", "change", "ranges", "expected"),
    [
        ([], {}, {}, "0"),
        (["IKZF1"], {}, {"IKZF1": "4-7"}, "1"),
        (["IKZF1"], {}, {"IKZF1": "1-8"}, "0"),
        (["IKZF1"], {"p2ry8_crlf2": "yes"}, {"IKZF1": "4-7"}, "1"),
        ([], {"p2ry8_crlf2": "yes"}, {}, "1"),
        ([], {"mrd_day33": "5e-5"}, {}, "0"),
        ([], {"mrd_day33": "6e-5"}, {}, "1"),
        ([], {"mrd_day33": "6e-5", "age_years": "10"}, {}, "2+"),
        (["IKZF1"], {"mrd_day33": "6e-5", "age_years": "10"}, {"IKZF1": "2-3"}, "2+"),
        (["IKZF1"], {"mrd_day33": "6e-5", "wbc_e9_per_l": ""}, {"IKZF1": "2-3"}, "2+"),
        ([], {"mrd_day33": "<0.0001"}, {}, "indeterminate"),
        ([], {"protocol_risk": "HR"}, {}, "not_applicable"),
        ([], {"lineage": "T"}, {}, "not_applicable"),
    ],
)
def test_sutton_2018(deleted, change, ranges, expected) -> None:
    found = one(profile("P", deleted, **ranges), {**SUTTON, **change}, "sutton-2018")
    assert found["class"] == expected
    assert found["evidence"] == "unverified"


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ([], "not_deleted"),
        (["PAX5", "CDKN2A", "ERG"], "not_deleted"),
        (["IKZF1"], "IKZF1del"),
        (["IKZF1", "ETV6", "RB1"], "IKZF1del"),
        (["IKZF1", "CDKN2A"], "IKZF1plus"),
        (["IKZF1", "CDKN2B"], "IKZF1plus"),
        (["IKZF1", "PAX5"], "IKZF1plus"),
        (["IKZF1", "CSF2RA"], "IKZF1plus"),
        (["IKZF1", "CDKN2A", "ERG"], "IKZF1del"),
    ],
)
def test_ikzf1plus(deleted, expected) -> None:
    assert result("ikzf1plus-2018", deleted, B) == expected


def test_a_panel_without_erg_is_indeterminate_when_all_else_holds() -> None:
    found = one(profile("P", ["IKZF1", "PAX5"], ["ERG"]), B, "ikzf1plus-2018")
    assert found["class"] == "indeterminate"
    assert found["possible_classes"] == "IKZF1del;IKZF1plus"
    assert found["deciding_inputs"] == found["missing_inputs"] == "ERG"
    # where ERG cannot matter it is missing and does not decide
    found = one(profile("P", ["IKZF1"], ["ERG"]), B, "ikzf1plus-2018")
    assert (found["class"], found["missing_inputs"], found["deciding_inputs"]) == ("IKZF1del", "ERG", "")


def test_the_two_forms_of_ikzf1plus_report_their_difference() -> None:
    rows = profile("P", ["IKZF1", "CDKN2B"])
    clinical = {**B, "blast_fraction": "0.9"}
    wide = one(rows, clinical, "ikzf1plus-2018")
    strict = one(rows, clinical, "ikzf1plus-2018-cdkn2b-homozygous")
    assert (wide["class"], strict["class"]) == ("IKZF1plus", "IKZF1del")
    assert wide["note"] == (
        "ikzf1plus-2018-cdkn2b-homozygous (CDKN2B counted only when both copies are lost) gives IKZF1del"
    )
    assert "ikzf1plus-2018 (CDKN2B counted when one copy or both are lost) gives IKZF1plus" in strict["note"]
    same = one(profile("P", ["IKZF1", "PAX5"]), clinical, "ikzf1plus-2018")
    assert same["note"] == ""


def test_cclg_says_where_the_printed_rule_differs() -> None:
    clinical = {"mrd_day15": "0.05", "mrd_day33": "0.00005", "mrd_preconsolidation": "0"}
    mine, printed = (one([], clinical, name) for name in ("cclg-2008-mrd", "cclg-2008-mrd-as-printed"))
    assert (mine["class"], printed["class"]) == ("IR", "HR")
    assert "cclg-2008-mrd-as-printed (the printed rule, a misprint) gives HR" in mine["note"]
    assert "cclg-2008-mrd (the reconciled rule) gives IR" in printed["note"]
    agree = one([], {**clinical, "mrd_day15": "0.2"}, "cclg-2008-mrd")
    assert (agree["class"], "gives" in agree["note"]) == ("HR", False)
    # one value may be enough; with the others missing the printed rule is certain and the reconciled is not
    alone = one([], {"mrd_day15": "0.05"}, "cclg-2008-mrd")
    assert alone["possible_classes"] == "IR;HR"
    assert one([], {"mrd_day15": "0.1"}, "cclg-2008-mrd")["class"] == "HR"
    assert one([], {"mrd_day15": "0"}, "cclg-2008-mrd")["possible_classes"] == "SR;IR;HR"


def test_boer_population() -> None:
    clinical = {**B, "age_years": "4", "bcr_abl1": "no", "kmt2a": "germline"}
    for change in ({"age_years": "0.9"}, {"bcr_abl1": "yes"}, {"kmt2a": "rearranged"}, {"lineage": "T"}):
        assert result("boer-2016", ["IKZF1"], {**clinical, **change}, IKZF1="4-7") == "not_applicable"
    assert result("boer-2016", ["IKZF1"], {**clinical, "kmt2a": "duplicated"}, IKZF1="4-7") == "major"
