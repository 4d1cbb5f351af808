"""Sample sheets, and which injection is which sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller.errors import SampleSheetError, UsageError
from mlpa_caller.samplesheet import load_samples, match_samples, samples_from_columns


def load(tmp_path, text: str | bytes):
    path = tmp_path / "samples.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_samples(path)


def sheet(samples, **columns):
    roles = columns.pop("role", ["patient"] * len(samples))
    return samples_from_columns({"sample": samples, "role": roles} | columns, "sheet.csv")


def test_identifiers_and_columns_survive(tmp_path):
    names = ["007", "1e5", "NA", "=x", "with  two spaces", "ü", " led by a blank", "a,b"]
    rows = "".join(f'"{name}",patient,,,note {i}\n' for i, name in enumerate(names))
    found = load(tmp_path, "sample,role,sex,blast_fraction,remark\n" + rows)
    assert found.samples == tuple(names)
    assert found.clinical["remark"].tolist() == [f"note {i}" for i in range(len(names))]
    assert list(found.clinical) == ["remark"]
    assert found.line.tolist() == list(range(2, 10))
    assert np.isnan(found.blast_fraction).all()
    assert set(found.sex) == set(found.file) == set(found.run) == {""}
    assert len(found.sha256) == 64
    assert len(found) == 8


def test_known_columns(tmp_path):
    text = "Sample\tROLE\tsex\tblast_fraction\tfile\trun\tage_years\n"
    text += "a\tPatient\tf\t0.6\t a.fsa \tr1\t3\nb\treference\tM\t\t\tr1\t\nc\tno_dna\tNA\tNA\t\tr1\t\n"
    text += "a\tpositive\t\t1\t\tr2\t\nd\tpatient\t\t0\t\tr2\tNA\n"
    for data in (
        text.encode(),
        text.encode("utf-16"),
        text.replace("\t", ";").replace("\n", "\r\n").encode(),
    ):
        found = load(tmp_path, data)
        assert found.samples == ("a", "b", "c", "a", "d")
        assert found.role.tolist() == ["patient", "reference", "no_dna", "positive", "patient"]
        assert found.sex.tolist() == ["F", "M", "", "", ""]
        np.testing.assert_array_equal(found.blast_fraction, [0.6, math.nan, math.nan, 1, 0])
        assert found.file.tolist() == ["a.fsa", "", "", "", ""]
        assert found.clinical["age_years"].tolist() == ["3", "", "", "", "NA"]
        run = found.of_run("r2")
        assert (run.samples, run.line.tolist(), run.clinical["age_years"].tolist()) == (
            ("a", "d"), [5, 6], ["", "NA"],
        )  # fmt: skip
    with pytest.raises(SampleSheetError, match=r"has no sample of run 'r3' \(its runs: 'r1', 'r2'\)"):
        found.of_run("r3")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,patient,,\n,patient,,\n", ":3: the sample has no name"),
        ("a,patient,,\na,patient,,\n", ":3: sample 'a' stands also in line 2; give every sample of a run its own"),
        ("a,control,,\n", ":2: unknown role 'control'; use one of patient, reference, positive, no_dna"),
        ("a,,,\n", ":2: the sample has no role"),
        ("a,patient,female,\n", ":2: unknown sex 'female'; use F, M or leave it empty"),
        ("a,patient,,60\n", ":2: blast_fraction '60' is not a number from 0 to 1; blast_fraction is a fraction of "
                            "nucleated cells: write 0.60 for 60 %"),
        ("a,patient,,60%\n", ":2: blast_fraction '60%' is not a number from 0 to 1; blast_fraction is a fraction "
                             "of nucleated cells: write 0.60 for 60 %"),
        ("a,patient,,0.6%\n", "write 0.01 for 0.6 %"),
        ('a,patient,,"0,6"\n', "write 0.6 with a decimal point"),
        ("a,patient,,-0.1\n", ":2: blast_fraction '-0.1' is not a number from 0 to 1; give a fraction"),
        ("a,patient,,nan\n", ":2: blast_fraction 'nan' is not"),
        ("a,patient,,inf\n", ":2: blast_fraction 'inf' is not"),
        ("a,patient,,high\n", ":2: blast_fraction 'high' is not"),
        ("a,patient,,101\n", ":2: blast_fraction '101' is not"),
        ('"a\nb",patient,,\n', ":2: sample 'a\\nb' holds a control character"),
        ("a,patient,\n", ":2: the row has 3 fields where the header has 4"),
        ("", ":1: has a header but no rows"),
    ],
)  # fmt: skip
def test_rows_that_are_refused(tmp_path, rows, words):
    with pytest.raises(SampleSheetError) as caught:
        load(tmp_path, "sample,role,sex,blast_fraction\n" + rows)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert len(str(caught.value).splitlines()) == 1


def test_sheets_that_are_refused(tmp_path):
    for header, words in (
        ("name,role", ":1: has no column sample (its columns: 'name, role')"),
        ("sample,group", ":1: has no column role"),
        ("sample,role,Role", ":1: column role stands twice"),
    ):
        with pytest.raises(SampleSheetError) as caught:
            load(tmp_path, header + "\n" + ",".join("abc"[: header.count(",") + 1]) + "\n")
        assert words in str(caught.value)
    with pytest.raises(SampleSheetError, match=":3: sample 'a' of run 'r' stands also in line 2"):
        load(tmp_path, "sample,role,run\na,patient,r\na,patient,r\n")
    with pytest.raises(SampleSheetError, match=r":3: file 'x.fsa' stands also in line 2"):
        load(tmp_path, "sample,role,file\na,patient,x.fsa\nb,patient,x.fsa\n")
    with pytest.raises(SampleSheetError, match="no such file"):
        load_samples(tmp_path / "none.csv")
    with pytest.raises(SampleSheetError, match="differ in length"):
        samples_from_columns({"sample": ["a"], "role": []})
    with pytest.raises(SampleSheetError, match="has no samples"):
        samples_from_columns({"sample": [], "role": []})


def test_matching_by_sample_or_file_name():
    samples = ["A", "A", "", "", "", "C"]
    files = ["x1.fsa", "x1.fsa", "B.fsa", "D.1", "D.2", r"C:\runs\x9.fsa"]
    found = match_samples(sheet(["C", "B", "x1", "D.1", "D.2"]), samples, files)
    assert [index.tolist() for index in found] == [[5], [2], [0, 1], [3], [4]]
    # a signal table has no files
    assert [i.tolist() for i in match_samples(sheet(["b", "a"]), ["a", "b"])] == [[1], [0]]


def test_matching_by_the_column_file():
    samples, files = ["A", "A", "B"], ["w1.fsa", "w2.fsa", "w3"]
    named = sheet(["A first", "A second", "B"], file=["w2.fsa", "w1", "dir/w3.fsa"])
    assert [index.tolist() for index in match_samples(named, samples, files)] == [[1], [0], [2]]
    with pytest.raises(
        SampleSheetError, match=r"^sheet.csv: samples do not match: 1 in the sheet and not in"
    ):
        match_samples(sheet(["A", "B"], file=["w4.fsa", "w3"]), ["A", "B"], ["w1.fsa", "w3"])
    # where the export names no files, the sample name counts
    assert [i.tolist() for i in match_samples(sheet(["A"], file=["w1.fsa"]), ["A"], [""])] == [[0]]


def test_names_that_do_not_match_are_listed():
    many = [f"s{i}" for i in range(14)]
    with pytest.raises(SampleSheetError) as caught:
        match_samples(sheet(["a", *many]), ["a", "x", "y"], source="peaks.txt")
    message = str(caught.value)
    assert "14 in the sheet and not in peaks.txt: 's0', 's1', 's2', 's3'" in message
    assert "'s9' and 4 more" in message
    assert "'s10'" not in message
    assert "2 in peaks.txt and not in the sheet: 'x', 'y'" in message
    with pytest.raises(SampleSheetError, match=r"1 in the signals and not in the sheet: 'b'; write"):
        match_samples(sheet(["a"]), ["a", "b"])
    for mine, theirs in (("Sample 1 ", "Sample 1"), ("sample 1", "Sample 1"), ("Sample_01", "Sample_1")):
        with pytest.raises(SampleSheetError, match=f"is '{mine}' meant for '{theirs}'"):
            match_samples(sheet([mine]), [theirs])


def test_one_name_for_two_injections_is_refused():
    with pytest.raises(SampleSheetError) as caught:
        match_samples(sheet(["A", "B"]), ["A", "A", "B"], ["w1.fsa", "w2.fsa", "w3.fsa"])
    assert str(caught.value).startswith(
        "sheet.csv:1: sample 'A' means 2 injections of the signals: 'w1.fsa', 'w2.fsa'; name the injection in "
        "the sheet's column file"
    )
    with pytest.raises(SampleSheetError, match="sample 'A' means 2 injections"):  # a name and another's file
        match_samples(sheet(["A"]), ["A", "B"], ["w1.fsa", "A.fsa"])
    with pytest.raises(SampleSheetError, match="file 'w' means 2 injections"):
        match_samples(sheet(["A"], file=["w"]), ["A", "B"], ["w.fsa", "w.hid"])


def test_two_names_for_one_injection_are_refused():
    with pytest.raises(SampleSheetError, match=r"samples 'A' \(line 1\) and 'w1' mean the same"):
        match_samples(sheet(["A", "w1"]), ["A"], ["w1.fsa"])


def test_an_injection_without_peaks_is_not_in_an_export():
    found = sheet(["A", "water"], role=["patient", "no_dna"])
    with pytest.raises(SampleSheetError, match="1 in the sheet and not in the signals: 'water'"):
        match_samples(found, ["A"])
    index = match_samples(found, ["A"], may_be_absent=("no_dna",))
    assert [i.tolist() for i in index] == [[0], []]


def test_every_argument_has_one_entry_an_entry():
    with pytest.raises(UsageError, match="differ in number"):
        match_samples(sheet(["A"]), ["A"], [])


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6, unique=True), st.randoms())
def test_matching_is_a_permutation(names, random):
    """Unique names match one to one in whatever order, and every entry of the export is used once."""
    names = [name for name in names if name.strip() and name.isprintable()]
    if not names:
        return
    entries = [name for name in names for _ in range(random.randint(1, 3))]
    random.shuffle(entries)
    index = match_samples(sheet(names), entries)
    assert sorted(np.concatenate(index)) == list(range(len(entries)))
    for name, own in zip(names, index):
        assert {entries[i] for i in own} == {name}
        assert (np.diff(own) > 0).all()
