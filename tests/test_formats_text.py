"""Text tables: encodings, delimiters, damage, and numbers that are never guessed."""

from __future__ import annotations

import math

import pytest

from mlpa_caller.errors import FormatError, PanelError
from mlpa_caller.formats.numbers import NumberStyle, parse_cell, parse_numbers, text_style
from mlpa_caller.formats.text import (
    MAX_COLUMNS,
    decode,
    has_control,
    is_absent,
    natural_key,
    parse_number,
    parse_table,
    read_bytes,
)


def table(text: str, **options):
    return parse_table(text, "t.csv", **options)


@pytest.mark.parametrize(
    "data",
    [
        "sample,ü".encode(),
        b"\xef\xbb\xbf" + "sample,ü".encode(),
        "sample,ü".encode("utf-16"),
        "sample,ü".encode("utf-16-le").join([b"\xff\xfe", b""]),
        b"\xfe\xff" + "sample,ü".encode("utf-16-be"),
        "sample,ü".encode("latin-1"),
        "sample,ü".encode("cp1252"),
    ],
)
def test_encodings_are_read_alike(data):
    assert decode(data, "t.csv") == "sample,ü"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"sample\n\x81\x8d", "t.csv:2: is neither UTF-8 nor Western European text; save it as UTF-8"),
        ("sample\n张三丰".encode("gb18030"), "t.csv:2: is neither UTF-8 nor Western European text"),
        ("образец".encode("cp1251"), "t.csv:1: is neither UTF-8 nor Western European text"),
        (b"a,b\nc,\x00d", "t.csv:2: contains NUL bytes"),
        ("sample,probe".encode("utf-16-le"), "t.csv:1: contains NUL bytes"),
        (b"\xff\xfea", "t.csv: is damaged UTF-16 text"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data, words):
    with pytest.raises(FormatError) as caught:
        decode(data, "t.csv")
    assert words in str(caught.value)


def test_delimiters_come_from_the_header():
    for mark in "\t,;":
        assert table(f"a{mark}b\n1{mark}2\n").rows == [["1", "2"]]
    # the commas inside the quoted name do not count
    assert table('"Dye, Peak"\tSize\n"B,1"\t2\n').header == ("Dye, Peak", "Size")
    assert table("sep=;\na;b\n1;2\n").rows == [["1", "2"]]
    assert table("sep=;\na;b\n1;2\n").lines == [3]


def test_line_numbers_count_the_lines_of_the_file():
    found = table('\n\na,b\r\n1,2\r\n\r\n"x\ny",4\n,\n5,6')
    assert (found.header_line, found.lines) == (3, [4, 6, 9])
    assert found.rows == [["1", "2"], ["x\ny", "4"], ["5", "6"]]


def test_trailing_delimiters_are_no_columns():
    assert table("a,b,\n1,2,\n3,4\n").rows == [["1", "2"], ["3", "4"]]
    assert table("a,,b\n1,,2\n").header == ("a", "b")


def test_row_numbers_are_no_column():
    for first in (0, 1):
        found = table(f",a\n{first},x\n{first + 1},y\n")
        assert (found.header, found.rows) == (("a",), [["x"], ["y"]])
    for text in (",a\n1,x\n3,y\n", ",a\n2,x\n3,y\n", "a,,b\nx,1,y\n"):
        with pytest.raises(FormatError, match="has values but no name"):
            table(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "t.csv: is empty"),
        (" \n\t\n", "t.csv: is empty"),
        ("a,b\n", "t.csv:1: has a header but no rows"),
        ("a,b\n1,2\n3\n", "t.csv:3: the row has 1 fields where the header has 2"),
        ("a,b\n1,2,3\n", "t.csv:2: the row has 3 fields where the header has 2"),
        ("a,b,a\n1,2,3\n", "t.csv:1: column 'a' stands twice in the header"),
        ("a,,b\n1,5,2\n", "t.csv:2: column 2 has values but no name"),
        ('a,b\n1,"2\n3,4\n', "t.csv:2: the row cannot be parted into fields"),
        ('a,b\n1,"2"x\n', "t.csv:2: the row cannot be parted into fields"),
        ("a" + ",b" * MAX_COLUMNS + "\n1\n", f"t.csv:1: has {MAX_COLUMNS + 1} columns where at most"),
        ("a,b\n1," + "9" * 200_000 + "\n", "t.csv:2: the row cannot be parted into fields (field larger"),
    ],
)
def test_damaged_tables_are_refused_with_their_line(text, words):
    with pytest.raises(FormatError) as caught:
        table(text)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_short_rows_are_filled_up_only_behind_the_needed_fields():
    assert table("a,b,c\n1,2\n", needed=2).rows == [["1", "2", ""]]
    with pytest.raises(FormatError, match="1 fields where the header has 3"):
        table("a,b,c\n1\n", needed=2)


@pytest.mark.parametrize("name", ["no such file.csv", "null\0byte"])
def test_files_that_cannot_be_read(name, tmp_path):
    with pytest.raises(PanelError, match=r"no such file|cannot be read"):
        read_bytes(tmp_path / name, PanelError)
    with pytest.raises(PanelError, match="is not a file"):
        read_bytes(tmp_path, PanelError)
    (tmp_path / "empty").touch()
    with pytest.raises(PanelError, match="is empty"):
        read_bytes(tmp_path / "empty", PanelError)


@pytest.mark.parametrize(
    "word", ["1_000", "１２", "0x10", "1e999", "nan", "inf", "1,5", "60%", "", "1 2", "--1"]
)
def test_words_that_are_no_plain_numbers(word):
    assert parse_number(word) is None


@pytest.mark.parametrize(
    ("word", "value"), [(" 1.5 ", 1.5), ("-2", -2), (".5", 0.5), ("5.", 5), ("1e3", 1000)]
)
def test_plain_numbers(word, value):
    assert parse_number(word) == value


def test_absent_is_not_the_same_as_a_word():
    assert all(is_absent(word) for word in ("", "  ", "NA", "na", "N/A", "#N/A", "NULL"))
    assert not any(is_absent(word) for word in ("NaN", "inf", "0", "-", "NA1", "none"))


def test_control_characters():
    assert all(has_control(text) for text in ("a\nb", "a\tb", "\x00", "\x7f", "\u2028"))
    assert not any(has_control(text) for text in ("a b", "ü", "=x", "1e5", "张"))


def test_natural_order():
    labels = ["10", "2", "1B", "1A", "1", "11-2", "11-1", "x", ""]
    assert sorted(labels, key=natural_key) == ["", "1", "1A", "1B", "2", "10", "11-1", "11-2", "x"]
    assert natural_key("9" * 5000)  # longer than int() reads


def style(**columns):
    n = max(map(len, columns.values()))
    return text_style(columns, range(2, 2 + n), "t.tsv")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"height": ["1", "200", "12345"]}, NumberStyle.POINT),
        ({"size": ["12.345", "1.5"], "height": ["7", "8"]}, NumberStyle.POINT),
        ({"size": ["3,02", "100"], "height": ["7", "8"]}, NumberStyle.COMMA),
        ({"size": ["3,02"], "height": ["1.234,5"]}, NumberStyle.COMMA),
        ({"size": ["0,123"], "height": ["1"]}, NumberStyle.COMMA),
        ({"size": ["3.02"], "height": ["1,234,567"]}, NumberStyle.GROUPED),
        ({"size": ["3.02"], "height": ["1,234"]}, NumberStyle.GROUPED),  # points are decimal, so commas group
        ({"height": ["1,234", "1,234.5"]}, NumberStyle.GROUPED),
        ({"height": ["1,234", "12,5"]}, NumberStyle.COMMA),
        ({"size": ["12.345", "130"]}, NumberStyle.POINT),  # nobody groups a size
        ({"height": ["12.345", "8.100"]}, NumberStyle.POINT),  # all with three decimals: a fixed format
        ({"height": ["12.345", "4500"]}, NumberStyle.POINT),
    ],
)
def test_the_style_of_numbers_is_told_from_the_cells(columns, expected):
    assert style(**columns) is expected


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"height": ["500", "1,234"]}, "t.tsv:3: '1,234' in column 'height' may be 1.234 or 1234"),
        ({"size": ["3,02"], "height": ["1,234"]}, "t.tsv:2: '1,234' in column 'height' may be"),
        ({"height": ["845", "12.345"]}, "t.tsv:3: '12.345' in column 'height' may be 12.345 or 12345"),
        ({"size": ["3,02", "4.5"]}, "t.tsv:3: mixes decimal commas with other numbers: '3,02' in line 2"),
        ({"size": ["3,02"], "height": ["1,234,567"]}, "mixes decimal commas"),
    ],
)
def test_numbers_that_fit_two_readings_are_refused(columns, words):
    with pytest.raises(FormatError) as caught:
        style(**columns)
    assert words in str(caught.value)


def test_cells_in_each_style():
    assert parse_cell("1.234,5", NumberStyle.COMMA) == 1234.5
    assert parse_cell("3,02", NumberStyle.COMMA) == 3.02
    assert parse_cell("1,234.5", NumberStyle.GROUPED) == 1234.5
    assert parse_cell("3,02", NumberStyle.POINT) is None
    assert parse_cell("12,34", NumberStyle.GROUPED) is None
    assert math.isnan(parse_cell("NaN", NumberStyle.POINT))
    assert parse_cell("-inf", NumberStyle.POINT) == -math.inf
    assert parse_cell("1e999", NumberStyle.POINT) == math.inf
    assert parse_cell("1_0", NumberStyle.POINT) is None


def test_a_column_tells_absent_from_text():
    values, absent = parse_numbers(["1", "", "NA", "nan"], [2, 3, 4, 5], "Size", NumberStyle.POINT, "t")
    assert absent.tolist() == [False, True, True, False]
    assert values[0] == 1
    assert all(math.isnan(value) for value in values[1:])
    for word in ("OL", "1_0", "１"):
        with pytest.raises(FormatError, match=r"t:3: column 'Size' holds .* where a number belongs"):
            parse_numbers(["1", word], [2, 3], "Size", NumberStyle.POINT, "t")
