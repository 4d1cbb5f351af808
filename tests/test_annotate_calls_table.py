"""``calls.tsv`` read back: identifiers, numbers, and every refusal with its line."""

from __future__ import annotations

import io

import numpy as np
import pytest

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import FormatError
from mlpa_caller.formats.calls_table import read_calls
from mlpa_caller.outputs.tsv import write_table

HEAD = (
    "sample\tgene\tstatus\texons\tcopies_lost\tprobability\tclone_fraction_low\tclone_fraction_high\tn_probes"
)


def write(folder, *lines, head=HEAD, name="calls.tsv"):
    path = folder / name
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_identifiers_survive_and_numbers_are_numbers(tmp_path):
    names = ["007", "1e5", "NA", "=x", "a b", "é"]
    path = write(tmp_path, *(f"{name}\tIKZF1\tloss\t4-7\t1\t0.98\t0.5\t0.7\t4" for name in names))
    table = read_calls(path)
    assert table.columns["sample"].tolist() == names
    assert table.columns["exons"].tolist() == ["4-7"] * 6
    assert table.columns["copies_lost"].dtype == np.float64
    assert table.decimals == {
        "copies_lost": 0, "probability": 2, "clone_fraction_low": 1, "clone_fraction_high": 1, "n_probes": 0,
    }  # fmt: skip


def test_text_is_kept_as_written_when_asked_for(tmp_path):
    path = write(tmp_path, "a\tIKZF1\tnormal\t\t\t1e-3\t\t\t08")
    assert read_calls(path, as_text=True).columns["probability"].tolist() == ["1e-3"]
    typed = read_calls(path)
    assert np.isnan(typed.columns["copies_lost"]).all()
    assert (typed.columns["probability"][0], typed.decimals["probability"]) == (0.001, 3)


def test_a_table_that_was_written_reads_back(tmp_path):
    table = Table(
        {
            "sample": text_array(["a\tb", 'q"', "x\ny"]),
            "gene": text_array(["IKZF1"] * 3),
            "status": text_array(["loss", "gain", "normal"]),
            "exons": text_array(["4-7", "1-8", ""]),
            "copies_lost": np.array([2.0, -1.0, np.nan]),
            "flags": text_array(["x;y", "", ""]),
        },
        {"copies_lost": 0},
    )
    stream = io.StringIO()
    write_table(table, stream)
    path = tmp_path / "calls.tsv"
    path.write_bytes(stream.getvalue().encode())
    again = read_calls(path)
    for name, column in table.columns.items():
        assert np.array_equal(again.columns[name], column, equal_nan=name == "copies_lost")


def test_nested_rows_with_equal_exons_are_no_repetition(tmp_path):
    # the caller gives CDKN2A two rows when one event takes CDKN2B too and a second one does not
    path = write(tmp_path, "a\tCDKN2A\tloss\t1-2\t1\t\t\t\t3", "a\tCDKN2A\tloss\t1-2\t1\t\t\t\t2")
    assert len(read_calls(path)) == 2


def test_columns_that_are_not_needed_may_be_absent(tmp_path):
    path = write(tmp_path, "a\tIKZF1\tloss\t4-7", head="sample\tgene\tstatus\texons")
    assert list(read_calls(path).columns) == ["sample", "gene", "status", "exons"]
    comma = write(tmp_path, "a,IKZF1,loss,4-7,kept", head="sample,gene,status,exons,note", name="calls.csv")
    assert read_calls(comma).columns["note"].tolist() == ["kept"]


GOOD = "a\tIKZF1\tloss\t4-7\t1\t0.9\t0.5\t0.7\t4"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("\tIKZF1\tloss\t4-7\t1\t\t\t\t", "calls.tsv:3: the row has no sample"),
        ("a\t \tloss\t4-7\t1\t\t\t\t", "calls.tsv:3: the row has no gene"),
        ("b\tIKZF1\tdeleted\t4-7\t1\t\t\t\t", "unknown status 'deleted'; use one of normal, loss, gain"),
        ("b\tIKZF1\tloss\t\t1\t\t\t\t", "a loss without exons"),
        (GOOD, "the call of sample 'a' and gene 'IKZF1' stands also in line 2"),
        ("b\tIKZF1\tloss\t4-7\tone\t\t\t\t", "copies_lost is 'one', not a whole number"),
        ("b\tIKZF1\tloss\t4-7\t1.5\t\t\t\t", "copies_lost is '1.5', not a whole number"),
        ("b\tIKZF1\tloss\t4-7\t3\t\t\t\t", "copies_lost is 3, above 2"),
        ("b\tIKZF1\tloss\t4-7\t-1\t\t\t\t", "status loss with copies_lost -1"),
        ("b\tIKZF1\tgain\t4-7\t1\t\t\t\t", "status gain with copies_lost 1"),
        ("b\tIKZF1\tnormal\t\t1\t\t\t\t", "status normal with copies_lost 1"),
        ("b\tIKZF1\tloss\t4-7\t1\t1.1\t\t\t", "probability is 1.1, above 1"),
        ("b\tIKZF1\tloss\t4-7\t1\tnan\t\t\t", "probability is 'nan', not a number"),
        ("b\tIKZF1\tloss\t4-7\t1\tinf\t\t\t", "probability is 'inf', not a number"),
        ("b\tIKZF1\tloss\t4-7\t1\t0,9\t\t\t", "probability is '0,9', not a number"),
        ("b\tIKZF1\tloss\t4-7\t1\t\t0.7\t0.5\t", "clone_fraction_low lies above clone_fraction_high"),
        ("b\tIKZF1\tloss\t4-7\t1\t\t\t\t-1", "n_probes is -1, below 0"),
        ("b\tIKZF1\tloss\t4-7", "calls.tsv:3: the row has 4 fields where the header has 9"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(tmp_path, line, message):
    with pytest.raises(FormatError, match=message) as caught:
        read_calls(write(tmp_path, GOOD, line))
    assert "calls.tsv:3:" in str(caught.value)


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(
        FormatError, match=r"calls.tsv:1: has no column gene, exons \(its columns: 'sample, status'\)"
    ):
        read_calls(write(tmp_path, "a\tloss", head="sample\tstatus"))
    with pytest.raises(FormatError, match="has a header but no rows"):
        read_calls(write(tmp_path))
    with pytest.raises(FormatError, match="no such file"):
        read_calls(tmp_path / "absent.tsv")
