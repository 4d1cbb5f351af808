"""Relapse and germline classifiers through the tables."""

from __future__ import annotations

import pytest
from risk_cases import call_table, one, people, profile, row

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError
from mlpa_caller.risk import classify, clinical_from_columns


def months(diagnosis="", end="", **more) -> dict[str, str]:
    return {"months_diagnosis_to_relapse": diagnosis, "months_therapy_end_to_relapse": end, **more}


@pytest.mark.parametrize(
    ("diagnosis", "end", "expected"),
    [
        ("17.9", "", "very_early"),
        ("18", "0", "early"),
        ("40", "5.9", "early"),
        ("40", "6", "late"),
        ("40", "", "indeterminate"),
        ("", "8", "indeterminate"),
        ("", "", "indeterminate"),
    ],
)
def test_bfm_relapse_time(diagnosis, end, expected) -> None:
    assert one([], months(diagnosis, end), "bfm-relapse-time")["class"] == expected


@pytest.mark.parametrize(
    ("diagnosis", "end", "expected", "possible"),
    [
        ("17.9", "0", "very_early", "very_early"),
        ("18", "0", "early", "early"),
        ("30", "6", "early", "early"),
        ("31", "6.1", "late", "late"),
        ("30.1", "6", "indeterminate", "late;early"),  # the gap
        ("30", "6.1", "indeterminate", "late;early"),  # the overlap
        ("10", "7", "indeterminate", "late;very_early"),
        ("24", "", "indeterminate", "late;early"),
        ("", "6", "indeterminate", "late;early;very_early"),
    ],
)
def test_vavilova_times_leave_a_gap_and_an_overlap(diagnosis, end, expected, possible) -> None:
    found = one([], months(diagnosis, end), "vavilova-2023-time")
    assert (found["class"], found["possible_classes"]) == (expected, possible)
    if diagnosis and end and expected == "indeterminate":
        assert "printed definition" in found["note"]
        assert found["deciding_inputs"] == ""


# The published grid: lineage, (very early, early, late), by site
S_GRID = {
    ("B", "extramedullary"): ("S2", "S2", "S1"),
    ("B", "combined"): ("S4", "S2", "S2"),
    ("B", "bone_marrow"): ("S4", "S3", "S2"),
    ("T", "extramedullary"): ("S2", "S2", "S1"),
    ("T", "combined"): ("S4", "S4", "S4"),
    ("T", "bone_marrow"): ("S4", "S4", "S4"),
}
HIGH = {
    ("B", "extramedullary"): ("HR", "SR", "SR"),
    ("B", "combined"): ("HR", "SR", "SR"),
    ("B", "bone_marrow"): ("HR", "HR", "SR"),
    ("T", "extramedullary"): ("HR", "SR", "SR"),
    ("T", "combined"): ("HR", "HR", "HR"),
    ("T", "bone_marrow"): ("HR", "HR", "HR"),
}
TIMES = (("12", "0"), ("20", "0"), ("40", "9"))


@pytest.mark.parametrize(("name", "grid"), [("bfm-relapse-group", S_GRID), ("intreall-2010", HIGH)])
def test_relapse_groups(name, grid) -> None:
    for (lineage, site), groups in grid.items():
        for (diagnosis, end), group in zip(TIMES, groups):
            found = one([], months(diagnosis, end, lineage=lineage, relapse_site=site), name)
            assert found["class"] == group, (lineage, site, diagnosis)
    # any marrow relapse of T lineage: the time is not needed
    assert one([], {"lineage": "T", "relapse_site": "combined"}, name)["class"] in ("S4", "HR")


def test_the_split_of_s3_from_s4_is_unverified() -> None:
    def level(**more):
        return one([], months("20", "0", **more), "bfm-relapse-group")["evidence"]

    assert level(lineage="B", relapse_site="combined") == "read"
    assert level(lineage="B", relapse_site="bone_marrow") == "unverified"


@pytest.mark.parametrize(
    ("name", "limit"), [("vavilova-2023-blasts-5", 0.05), ("vavilova-2023-blasts-15", 0.15)]
)
def test_marrow_blasts(name, limit) -> None:
    for value, expected in ((limit - 0.001, "below"), (limit, "at_or_above"), (limit + 0.1, "at_or_above")):
        found = one([], {"bm_blasts_before_treatment": repr(value)}, name)
        assert found["class"] == expected
    assert (
        one([], {"bm_blasts_before_treatment": repr(limit)}, name)["boundary"] == "bm_blasts_before_treatment"
    )


@pytest.mark.parametrize(
    ("value", "expected"), [("0", "within"), ("6", "within"), ("6.01", "after"), ("", "indeterminate")]
)
def test_relapse_after_transplantation_six_months_are_early(value, expected) -> None:
    found = one([], {"months_hsct_to_relapse": value}, "post-transplant-relapse")["class"]
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("blasts", "other", "expected"),
    [
        ("0.25", "no", "bone_marrow"),
        ("0.24", "no", "indeterminate"),
        ("0.05", "yes", "extramedullary"),
        ("0.051", "yes", "combined"),
        ("0.9", "yes", "combined"),
    ],
)
def test_vavilova_site_on_request(blasts, other, expected) -> None:
    clinical = {"bm_blasts_at_relapse": blasts, "extramedullary_disease": other}
    assert one([], clinical, "vavilova-2023-site")["class"] == expected
    table = classify(call_table([]), people([clinical], ["P"]))
    assert "vavilova-2023-site" not in set(table.columns["classifier"])


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        (None, "not_assessed"),
        ([], "none_in_catalogue"),
        (["LOF"], "loss_of_function"),
        (["haploinsufficient"], "loss_of_function"),
        (["DN"], "dominant_negative_n159"),
        (["GOF"], "gain_of_function"),
        (["benign"], "none_in_catalogue"),
        (["uncertain"], "indeterminate"),
        (["LOF", "GOF"], "indeterminate"),
    ],
)
def test_ikaros_germline(effects, expected) -> None:
    variants = None if effects is None else {"P": effects}
    found = one(profile("P", ["IKZF1"]), {}, "ikaros-germline", variants=variants)
    assert found["class"] == expected
    if expected in ("loss_of_function", "dominant_negative_n159", "gain_of_function"):
        assert "phenotype to expect" in found["note"]
        assert "penetrance incomplete" in found["note"]
    if expected == "not_assessed":
        assert found["note"] == "germline not assessed"


def test_ikaros_germline_of_annotated_calls() -> None:
    """`annotate --variants` writes the classes into the rows of IKZF1 (column ikaros_germline)."""
    rows = [row(name, gene) for name in "abcd" for gene in ("IKZF1", "PAX5")]
    told = {"a": "loss_of_function", "b": "none_in_catalogue", "c": "not_assessed", "d": ""}
    columns = dict(call_table(rows).columns)
    columns["ikaros_germline"] = text_array(told[r[0]] if r[1] == "IKZF1" else "" for r in rows)
    table = classify(Table(columns), clinical_from_columns([], {}), classifiers=["ikaros-germline"])
    assert list(table.columns["class"]) == [
        "loss_of_function", "none_in_catalogue", "not_assessed", "not_assessed",
    ]  # fmt: skip
    columns["ikaros_germline"][0] = "loss_of_function;dominant_negative_n159"
    table = classify(Table(columns), clinical_from_columns([], {}), classifiers=["ikaros-germline"])
    assert table.columns["possible_classes"][0] == "loss_of_function;dominant_negative_n159"


def test_ikaros_germline_from_the_clinical_file() -> None:
    found = one([], {"germline_ikzf1": "gain_of_function"}, "ikaros-germline")
    assert found["class"] == "gain_of_function"
    found = one([], {"germline_ikzf1": "gain_of_function"}, "ikaros-germline", variants={"P": ["DN"]})
    assert found["possible_classes"] == "gain_of_function;dominant_negative_n159"
    with pytest.raises(InputError, match="the germline variant effect 'odd' is unknown; give one of"):
        one([], {}, "ikaros-germline", variants={"P": ["odd"]})
