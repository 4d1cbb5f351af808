"""A signal table of many runs, taken apart; and result tables as Arrow tables."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from batch_cases import write_table
from pyarrow import parquet as pq

from mlpa_caller.batch.columns import arrow_table, rounded
from mlpa_caller.batch.tables import open_table
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import FormatError, OutputError
from mlpa_caller.formats.registry import read_runs
from mlpa_caller.outputs.tsv import write_table as write_text


def same(one, other):
    assert one.samples == other.samples
    assert one.probes == other.probes
    np.testing.assert_array_equal(one.height, other.height)
    np.testing.assert_array_equal(one.missing, other.missing)


@pytest.mark.parametrize("row_group", [None, 3])
def test_pieces_hold_what_the_whole_table_holds(tmp_path, row_group):
    path = write_table(tmp_path / "t.parquet", {"b": 1, "a": 2, "c d": 3}, row_group=row_group)
    names, pieces = open_table(str(path))
    whole = read_runs(path)
    assert names == list(whole) == ["b", "a", "c d"]
    found = {piece.run: piece.signals() for piece in pieces}
    assert list(found) == names
    for run, signals in found.items():
        same(signals, whole[run])


def test_runs_that_do_not_stand_together(tmp_path):
    path = write_table(tmp_path / "t.parquet", {"b": 1, "a": 2})
    table = pq.read_table(path)
    order = np.argsort(np.arange(len(table)) % 3, kind="stable")  # every third row, then the next, ...
    pq.write_table(table.take(pa.array(order)), path)
    _, pieces = open_table(str(path))
    whole = read_runs(path)
    for piece in pieces:
        same(piece.signals(), whole[piece.run])


@pytest.mark.parametrize("form", [pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.large_string()])
def test_run_names_of_any_text_or_whole_number(tmp_path, form):
    path = write_table(tmp_path / "t.parquet", {"7": 1, "8": 2})
    table = pq.read_table(path)
    texts = table.column("run")
    column = texts.dictionary_encode() if pa.types.is_dictionary(form) else texts.cast(form)
    pq.write_table(table.set_column(0, "run", column), path)
    names, pieces = open_table(str(path))
    assert names == ["7", "8"]
    assert [piece.run for piece in pieces] == names
    assert len(list(open_table(str(path))[1])[1].signals().samples) == 8


def test_text_tables(tmp_path):
    path = write_table(tmp_path / "t.parquet", {"b": 1, "a": 2})
    text = tmp_path / "t.csv"
    pq.read_table(path).to_pandas().to_csv(text, index=False)
    names, pieces = open_table(str(text))
    assert names == ["b", "a"]
    for piece, expected in zip(pieces, read_runs(path).values()):
        same(piece.signals(), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.set_column(0, "run", pa.array([1.5] * len(t))),
            "column run is of type double, and names are text",
        ),
        (lambda t: t.set_column(0, "run", pa.array(["a"] * (len(t) - 1) + [None])), "a row names no run"),
        (lambda t: t.slice(0, 0), "has no rows"),
    ],
)
def test_refused_tables(tmp_path, change, message):
    path = write_table(tmp_path / "t.parquet", {"a": 1})
    pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(FormatError, match=message):
        open_table(str(path))


def test_damaged_tables(tmp_path):
    path = write_table(tmp_path / "t.parquet", {"a": 1})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError, match="is a damaged Parquet file"):
        open_table(str(path))


def test_numbers_are_those_of_the_text_file():
    values = np.array([0.12345, 1 / 3, -0.00001, 1e15 / 7, 2.5, np.nan, np.inf, 7e14])
    for decimals in (0, 1, 4):
        text = io.StringIO()
        write_text(Table({"sample": text_array(["s"] * len(values)), "x": values}, {"x": decimals}), text)
        cells = [line.split("\t")[1] for line in text.getvalue().splitlines()[1:]]
        kept = rounded(values, decimals)
        assert kept.tolist() == pytest.approx(
            [float(cell or "nan") for cell in cells], rel=0, abs=0, nan_ok=True
        )
    assert np.signbit(rounded(np.array([-0.00001]), 4)).tolist() == [False]


def test_arrow_table_has_null_for_missing():
    table = Table(
        {"sample": text_array(["NA", "", "=x"]), "x": np.array([0.123456, np.nan, 1.0]), "n": np.array([1, 2, 3]),
         "hidden": np.zeros(3)},
        {"x": 2}, frozenset(["hidden"]),
    )  # fmt: skip
    assert arrow_table(table).to_pydict() == {
        "sample": ["NA", None, "=x"],
        "x": [0.12, None, 1.0],
        "n": [1, 2, 3],
    }
    with pytest.raises(OutputError, match="is no Unicode text"):
        arrow_table(Table({"sample": text_array(["\ud800"])}))
