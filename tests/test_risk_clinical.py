"""The clinical file: identifiers, unknowns, limits, and slips of unit."""

from __future__ import annotations

import numpy as np
import pytest

from mlpa_caller.datatypes import text_array
from mlpa_caller.errors import SampleSheetError
from mlpa_caller.risk import (
    clinical_columns,
    clinical_from_columns,
    clinical_of_run,
    clinical_of_sheet,
    merge_clinical,
    read_clinical,
)
from mlpa_caller.samplesheet import samples_from_columns

# contracts.md, "Clinical columns"
CONTRACT = """
age_years wbc_e9_per_l lineage bcr_abl1 etv6_runx1 tcf3_pbx1 hyperdiploid erg_deleted p2ry8_crlf2 kmt2a
prednisone_response cns mrd_day15 mrd_day33 mrd_preconsolidation protocol_risk months_diagnosis_to_relapse
months_therapy_end_to_relapse relapse_site bm_blasts_before_treatment months_hsct_to_relapse
"""


def write(tmp_path, text: str):
    path = tmp_path / "clinical.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_contracts_columns_are_known() -> None:
    assert set(CONTRACT.split()) <= set(clinical_columns())


def test_identifiers_and_values_survive(tmp_path) -> None:
    text = (
        "sample,age_years,lineage,hospital\n007,5.5,B,x\n1e5,,t,y\nNA,0,,z\n=x,NA,B,\n"
        'a name,12,B,\nÅsa,3,B,\n"with, comma",1,B,\n'
    )
    table = read_clinical(write(tmp_path, text))
    assert table.samples == ("007", "1e5", "NA", "=x", "a name", "Åsa", "with, comma")
    assert list(table.words["lineage"]) == ["B", "T", "", "B", "B", "B", "B"]
    assert list(table.numbers["age_years"].text) == ["5.5", "", "0", "", "12", "3", "1"]
    assert np.isnan(table.numbers["age_years"].low[1])
    assert len(table.sha256) == 64
    assert "hospital" not in table.words


def test_tab_separated_and_byte_order_mark(tmp_path) -> None:
    path = tmp_path / "clinical.tsv"
    path.write_bytes("\ufeffsample\tmrd_day15\r\nP\t1e-2\r\n".encode())
    assert read_clinical(path).numbers["mrd_day15"].low[0] == 0.01


def test_limits_are_intervals(tmp_path) -> None:
    table = read_clinical(write(tmp_path, "sample,mrd_day33\na,<0.0001\nb,>= 1e-2\nc,≤0.1\nd,>0.5\ne,0.2\n"))
    numbers = table.numbers["mrd_day33"]
    assert numbers.low.tolist() == [-np.inf, 0.01, -np.inf, 0.5, 0.2]
    assert numbers.high.tolist() == [0.0001, np.inf, 0.1, np.inf, 0.2]
    assert numbers.high_open.tolist() == [True, False, False, False, False]
    assert numbers.low_open.tolist() == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("wbc_e9_per_l", "50000",
         r"wbc_e9_per_l is 50000, above 1000 \(10\^9 per litre\); 50,000 per microlitre is 50 x 10\^9 per litre"),
        ("wbc_e9_per_l", '"50,000"', r"wbc_e9_per_l is '50,000', which is no number in 10\^9 per litre"),
        ("wbc_e9_per_l", "-1", r"wbc_e9_per_l is -1, below 0"),
        ("mrd_day15", "10", r"mrd_day15 is 10, above 1 \(a fraction of nucleated cells\); per cent are divided by 100"),
        ("mrd_day33", "1.5", r"mrd_day33 is 1.5, above 1"),
        ("mrd_preconsolidation", "5", r"above 1"),
        ("mrd_day15", "-0.1", r"mrd_day15 is -0.1, below 0"),
        ("mrd_day15", "10%", r"mrd_day15 is '10%', which is no number"),
        ("mrd_day15", "negative", r"leave the field empty where it is unknown"),
        ("mrd_day15", ">2", r"mrd_day15 is 2, above 1"),
        ("mrd_day15", "inf", r"which is no number"),
        ("mrd_day15", "1e999", r"which is no number"),
        ("age_years", "132", r"age_years is 132, above 90 \(years\); if months were meant, divide by 12"),
        ("age_years", "-0.1", r"below 0"),
        ("blast_fraction", "80", r"blast_fraction is 80, above 1 .*80 % is 0.8"),
        ("bm_blasts_before_treatment", "15", r"above 1 .*5 % is 0.05"),
        ("months_diagnosis_to_relapse", "-3", r"a relapse cannot come before the diagnosis: check both dates"),
        ("months_therapy_end_to_relapse", "-3", r"a relapse during therapy is written 0"),
        ("months_hsct_to_relapse", "-0.5", r"a relapse after transplantation cannot come before it"),
        ("months_hsct_to_relapse", "730", r"above 600 \(months\); if days were meant, divide by 30.44"),
        ("lineage", "pre-B", r"lineage is 'pre-B'; write B, T, or leave the field empty"),
        ("bcr_abl1", "positive", r"bcr_abl1 is 'positive'; write yes, no, or leave"),
        ("bcr_abl1", "1", r"write yes, no"),
        ("erg_deleted", "y", r"write yes, no"),
        ("kmt2a", "t(4;11)", r"write germline, duplicated, rearranged"),
        ("protocol_risk", "MR", r"write LR, IR, HR"),
        ("confirmed_deletions", "IKZF1;IKZF9", r"confirmed_deletions is 'IKZF1;IKZF9'; write IKZF1, CDKN2A"),
    ],
)  # fmt: skip
def test_slips_of_unit_and_spelling_are_refused_with_line_and_remedy(
    tmp_path, column, value, message
) -> None:
    path = write(tmp_path, f"sample,{column}\nP1,\nP2,{value}\n")
    with pytest.raises(SampleSheetError, match=message) as caught:
        read_clinical(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert caught.value.exit_code == 3


def test_dates_that_run_backwards(tmp_path) -> None:
    head = "sample,months_diagnosis_to_relapse,months_therapy_end_to_relapse\n"
    path = write(tmp_path, head + "P1,30,6\nP2,6,30\n")
    message = (
        r"clinical.csv:3: months_therapy_end_to_relapse \(30\) is more than months_diagnosis_to_relapse \(6\): "
        r"therapy would have ended before the diagnosis; check the dates"
    )
    with pytest.raises(SampleSheetError, match=message):
        read_clinical(path)
    assert len(read_clinical(write(tmp_path, head + "P1,30,30\nP2,,30\nP3,6,\nP4,<7,6\n"))) == 4
    with pytest.raises(SampleSheetError, match="check the dates"):
        read_clinical(write(tmp_path, head + "P4,<7,8\n"))


def test_a_sample_that_stands_twice(tmp_path) -> None:
    path = write(tmp_path, "sample,age_years\nP1,3\nP2,4\nP1,5\n")
    with pytest.raises(SampleSheetError, match=r":4: sample 'P1' stands here and in line 2; keep one row"):
        read_clinical(path)
    with pytest.raises(SampleSheetError, match="stands here and in an earlier row"):
        clinical_from_columns(["a", "a"], {})


def test_a_file_without_samples(tmp_path) -> None:
    with pytest.raises(SampleSheetError, match=r":1: there is no column sample"):
        read_clinical(write(tmp_path, "patient,age_years\nP1,3\n"))
    with pytest.raises(SampleSheetError, match=r":3: the sample name ' ' is empty"):
        read_clinical(write(tmp_path, "sample,age_years\nP1,3\n ,4\n"))
    with pytest.raises(SampleSheetError, match="no such file"):
        read_clinical(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("age_months", "age_years"),
        ("WBC", "wbc_e9_per_l"),
        ("wbc_per_ul", "wbc_e9_per_l"),
        ("age", "age_years"),
    ],
)
def test_a_column_of_another_name_is_not_lost_in_silence(tmp_path, name, meant) -> None:
    path = write(tmp_path, f"sample,{name}\nP1,3\n")
    with pytest.raises(SampleSheetError, match=rf":1: the column '{name}' is not read; give {meant}, in "):
        read_clinical(path)
    assert len(read_clinical(write(tmp_path, f"sample,{name},{meant}\nP1,3,3\n"))) == 1


def test_a_sample_sheets_patients(tmp_path) -> None:
    sheet = samples_from_columns(
        {
            "sample": ["P1", "R1", "P2"],
            "role": ["patient", "reference", "patient"],
            "blast_fraction": ["0.8", "", ""],
            "lineage": ["B", "", "T"],
            "age_years": ["5", "200", ""],
        },
        "sheet.csv",
    )
    table = clinical_of_sheet(sheet)
    assert table.samples == ("P1", "P2")
    assert table.numbers["blast_fraction"].low[0] == 0.8
    assert np.isnan(table.numbers["blast_fraction"].low[1])
    assert list(table.words["lineage"]) == ["B", "T"]


def test_two_tables_together() -> None:
    first = clinical_from_columns(["a", "b"], {"age_years": ["5", ""], "lineage": ["B", ""]})
    second = clinical_from_columns(
        ["c", "b", "a"], {"age_years": ["1", "2", "5"], "mrd_day15": ["", "<0.1", ""]}
    )
    both = merge_clinical(first, second)
    assert both.samples == ("a", "b", "c")
    assert list(both.numbers["age_years"].text) == ["5", "2", "1"]
    assert list(both.numbers["mrd_day15"].text) == ["", "<0.1", ""]
    assert list(both.words["lineage"]) == ["B", "", ""]
    other = clinical_from_columns(["a"], {"age_years": ["6"]}, source="other.csv")
    with pytest.raises(
        SampleSheetError, match=r"other\.csv: age_years of sample 'a' is '5' in one file and '6'"
    ):
        merge_clinical(first, other)


def test_one_value_written_in_two_ways_is_no_contradiction() -> None:
    first = clinical_from_columns(["a"], {"age_years": ["5"], "confirmed_deletions": ["IKZF1;PAX5"]})
    second = clinical_from_columns(["a"], {"age_years": ["5.0"], "confirmed_deletions": ["PAX5;IKZF1"]})
    both = merge_clinical(first, second)
    assert list(both.numbers["age_years"].text) == ["5"]
    assert list(both.words["confirmed_deletions"]) == ["IKZF1;PAX5"]
    limit = clinical_from_columns(["a"], {"age_years": [">5"]})
    with pytest.raises(SampleSheetError, match="age_years of sample 'a' is '5' in one file and '>5' in the"):
        merge_clinical(first, limit)


@pytest.mark.parametrize("name", ["Lineage", "LINEAGE", " lineage "])
def test_letter_case_of_a_header_loses_no_value(tmp_path, name) -> None:
    table = read_clinical(write(tmp_path, f"sample,{name}\nP1,T\n"))
    assert list(table.words["lineage"]) == ["T"]
    with pytest.raises(SampleSheetError, match="the column lineage stands twice in the header; keep one"):
        clinical_from_columns(["P1"], {name: ["T"], "lineage": [""]})


def test_a_run_without_clinical_data_has_none(tmp_path) -> None:
    columns = {"sample": ["P1", "P2"], "role": ["patient", "patient"], "note": ["x", ""], "age": ["5", ""]}
    sheet = samples_from_columns(columns)
    assert clinical_of_run(sheet) is None
    stated = {**columns, "Kmt2a": ["", "germline"], "age_years": ["5", ""]}
    found = clinical_of_run(samples_from_columns(stated))
    assert found is not None
    assert found[1] == ()
    assert list(found[0].words["kmt2a"]) == ["", "germline"]
    with pytest.raises(SampleSheetError, match="the column 'age' is not read; give age_years, in years"):
        clinical_of_run(sheet, write(tmp_path, "sample,lineage\nP1,B\n"))


def test_values_in_memory_are_text() -> None:
    table = clinical_from_columns(
        ["a"], {"age_years": text_array(["5"]), "unknown_column": text_array(["x"])}
    )
    assert list(table.numbers) == ["age_years"]
