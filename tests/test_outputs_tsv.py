"""Tab-separated tables: exact bytes, and texts that come back as they were."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.outputs import tsv
from mlpa_caller.outputs.cells import coded_numbers, coded_texts, column_cells, data_of
from mlpa_caller.outputs.tsv import write_table

HOSTILE = [
    "007", "1e5", "NA", "=cmd|' /C calc'!A0", "-1", "+x", "@x", "two words", " both ends ", "", "a\tb",
    "a\nb", "a\r\nb", 'say "yes"', '"', "a;b,c", "Ågren", "\u202egnp.exe", "日本", "\u2028", "\x0b", "null",
    "%s %d",
]  # fmt: skip


def written(table: Table) -> str:
    stream = io.StringIO(newline="")
    write_table(table, stream)
    return stream.getvalue()


def number_cells(values: np.ndarray, decimals: int, missing: str) -> list[str]:
    """The cells of a column of numbers."""
    table = Table({"x": values}, {"x": decimals})
    cells = column_cells(table, "x", show=str, missing=missing)
    found: list[str] = cells.of(slice(None)).to_pylist()
    return found


def test_exact_bytes():
    table = Table(
        {
            "sample": text_array(["007", 'a\t"b"', "=x"]),
            "n": np.array([1, -2, 10**12]),
            "ratio": np.array([1.0, np.nan, -0.00001]),
            "share": np.array([0.5, 1e-9, 1e22]),
        },
        {"share": 2},
    )
    assert written(table) == (
        "sample\tn\tratio\tshare\n"
        "007\t1\t1.0000\t0.50\n"
        '"a\t""b"""\t-2\t\t0.00\n'
        "=x\t1000000000000\t0.0000\t10000000000000000000000.00\n"
    )


def test_table_without_rows_keeps_its_header():
    assert written(Table({"sample": text_array([]), "ratio": np.array([])})) == "sample\tratio\n"


def test_number_that_is_not_finite_is_empty():
    values = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert number_cells(values, 1, "") == ["", "", "", "1.0"]
    assert number_cells(values, 1, "null") == ["null", "null", "null", "1.0"]


@pytest.mark.parametrize("decimals", [0, 1, 4, 6])
def test_no_negative_zero(decimals):
    edge = 0.5 * 10.0**-decimals
    values = np.array(
        [-0.0, -edge * 0.999, -edge * 1.001, -(10.0**-decimals), -1.5]
    )  # a tie may go either way
    cells = number_cells(values, decimals, "")
    plain = [f"{value:.{decimals}f}" for value in values]
    assert cells == [text.removeprefix("-") if float(text) == 0 else text for text in plain]
    assert not any(text.startswith("-0") and float(text) == 0 for text in cells)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20),
    st.integers(min_value=0, max_value=8),
)
def test_numbers_stand_within_half_a_unit_of_the_last_place(numbers, decimals):
    for number, cell in zip(numbers, number_cells(np.array(numbers, dtype=float), decimals, "")):
        if not math.isfinite(number):
            assert cell == ""
            continue
        assert "e" not in cell
        assert len(cell.partition(".")[2]) == decimals
        assert abs(float(cell) - number) <= 0.5 * 10.0**-decimals * (1 + 1e-9) + abs(number) * 1e-15


def read_back(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))


def test_hostile_texts_come_back_unchanged():
    rows = read_back(written(Table({"sample": text_array(HOSTILE), "other": text_array(HOSTILE[::-1])})))
    assert rows[1:] == [list(pair) for pair in zip(HOSTILE, HOSTILE[::-1])]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8))
def test_any_text_comes_back_unchanged(texts):
    """Also a column that stands alone, and a header that needs quotes."""
    assert read_back(written(Table({'a\t"': text_array(texts)}))) == [['a\t"'], *[[text] for text in texts]]


def test_blocks_do_not_show(monkeypatch):
    table = Table({"sample": text_array([f"s{i % 3}" for i in range(10)]), "x": np.arange(10) / 7})
    whole = written(table)
    monkeypatch.setattr(tsv, "_ROWS_AT_ONCE", 3)
    assert written(table) == whole
    assert whole.count("\n") == 11


@given(
    st.lists(st.one_of(st.integers(-30, 30), st.integers(-(2**62), 2**62)), max_size=30),
    st.lists(st.integers(0, 29), max_size=30),
)
def test_whole_numbers_are_the_same_near_and_far_apart(numbers, repeats):
    """Few places between the smallest and the largest are looked up in a list, many are sorted."""
    values = np.array(numbers + [numbers[i] for i in repeats if i < len(numbers)], dtype=np.int64)
    texts, codes = coded_numbers(values, 4)
    assert [texts[code] for code in codes] == [str(value) for value in values.tolist()]
    assert len(set(texts)) == len(texts)
    assert number_cells(values, 4, "") == [str(value) for value in values.tolist()]


@given(st.lists(st.sampled_from(HOSTILE), max_size=40))
def test_texts_are_coded_in_the_order_in_which_they_appear(texts):
    known, codes = coded_texts(text_array(texts))
    assert known == list(dict.fromkeys(texts))
    assert [known[code] for code in codes] == texts


def test_bytes_of_a_part_of_an_array_are_those_of_the_part():
    pa = pytest.importorskip("pyarrow")
    whole = pa.array(["ab", "", "é", "cd"])
    assert bytes(data_of(whole)) == "abécd".encode()
    assert bytes(data_of(whole.slice(1, 2))) == "é".encode()
    assert bytes(data_of(whole.slice(4))) == b""
    assert bytes(data_of(pa.array([], pa.string()))) == b""


def test_a_lone_surrogate_is_refused_as_no_unicode():
    with pytest.raises(UnicodeEncodeError):
        written(Table({"sample": text_array(["P1", "\ud800"])}))
