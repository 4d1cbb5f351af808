"""report.xlsx: the numbers of the result, no formula and no link, the same bytes each time."""

from __future__ import annotations

import zipfile

import pytest
from report_cases import document, hostile_names, loss_4_7, risk_row, with_calls

from mlpa_caller.outputs.report import xlsx
from mlpa_caller.outputs.report.view_run import report_view
from mlpa_caller.outputs.report.xlsx import write_xlsx

openpyxl = pytest.importorskip("openpyxl", reason="the extra [test] is not installed")
ILLEGAL = {ord(character): None for character in map(chr, range(32)) if character not in "\t\n\r"}


def book_of(given, path):
    write_xlsx(given, report_view(given, "0" * 64), path)
    return openpyxl.load_workbook(path)


def rows_of(sheet):
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row)) for row in rows]


def same(value, cell) -> bool:
    if isinstance(value, list):
        value = "; ".join(value)
    return (value if value not in ("", None) else None) == cell


def test_tables_equal_the_result(tmp_path):
    given = with_calls([loss_4_7(flags=["zygosity_ambiguous", "low_quality"])])
    given["samples"][0]["risk"] = [risk_row("nci-rome", "SR"), risk_row("x", "indeterminate")]
    book = book_of(given, tmp_path / "report.xlsx")
    assert book.sheetnames == ["summary", "calls", "exons", "ratios", "quality", "risk", "about"]
    for part in ("calls", "exons", "risk"):
        wanted = [{"sample": s["sample"], **row} for s in given["samples"] for row in s[part]]
        found = rows_of(book[part])
        assert len(found) == len(wanted)
        for row, cells in zip(wanted, found):
            assert all(same(value, cells[key]) for key, value in row.items()), (row, cells)
    for sample, cells in zip(given["samples"], rows_of(book["quality"])):
        quality = sample["quality"]
        assert (cells["verdict"], cells["role"]) == (quality["verdict"], sample["role"])
        assert all(same(value, cells[key]) for key, value in quality["figures"].items())
    ratios = rows_of(book["ratios"])
    probes = given["panel"]["probes"]
    for i, sample in enumerate(given["samples"]):
        own = ratios[i * len(probes) : (i + 1) * len(probes)]
        assert [cells["probe"] for cells in own] == [probe["probe"] for probe in probes]
        assert [cells["ratio"] for cells in own] == sample["ratios"]["ratio"]
        assert [cells["height"] for cells in own] == sample["ratios"]["height"]
        assert [cells["length_nt"] for cells in own] == [probe["length_nt"] for probe in probes]
    (summary,) = rows_of(book["summary"])
    assert summary["answer"].startswith("Heterozygous loss of IKZF1 exons 4-7, probability 0.997")


def test_a_person_finds_the_way(tmp_path):
    book = book_of(with_calls([loss_4_7()]), tmp_path / "report.xlsx")
    for sheet in book:
        assert sheet.freeze_panes == "B2"
        assert sheet.column_dimensions["A"].width > 5
    assert book["calls"].conditional_formatting
    assert book["quality"].conditional_formatting


def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path):
    names = hostile_names(200)
    given = document(names)
    given["samples"][0]["calls"][0].update(hgvs=names[6], consequence="007", gene=names[5])
    path = tmp_path / "report.xlsx"
    book = book_of(given, path)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in ("s", "n"), (sheet.title, cell.value)
                assert cell.hyperlink is None
    found = list(dict.fromkeys(cells["sample"] for cells in rows_of(book["ratios"])))
    clean = [name.replace("\r\n", "\n").translate(ILLEGAL).strip() for name in names]
    assert [
        str(name).replace("\r\n", "\n").translate(ILLEGAL).strip() for name in found if "_x" not in name
    ] == [name for name, raw in zip(clean, names) if not any(character in raw for character in "\x1b\x07\r")]
    assert rows_of(book["calls"])[0]["consequence"] == "007"
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            text = parts.read(name)
            if name.startswith("xl/worksheets/sheet"):
                assert b"<f>" not in text
                assert b"hyperlink" not in text
            assert "externalLink" not in name
            assert b'TargetMode="External"' not in text


def test_same_bytes(tmp_path, monkeypatch):
    given = with_calls([loss_4_7()])
    view = report_view(given, "0" * 64)
    write_xlsx(given, view, tmp_path / "a.xlsx")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    write_xlsx(given, view, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_more_rows_than_a_sheet_holds_go_on_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, "_MOST_ROWS", 30)
    given = with_calls([loss_4_7()])
    book = book_of(given, tmp_path / "report.xlsx")
    names = ["summary", "calls", "exons", "exons 2", "ratios", "ratios 2"]
    assert book.sheetnames[:6] == names
    n = 2 * len(given["panel"]["probes"])
    assert len(rows_of(book["ratios"])) + len(rows_of(book["ratios 2"])) == n


def test_a_text_longer_than_a_cell_is_cut(tmp_path):
    given = with_calls([loss_4_7(hgvs="x" * 40_000)])
    book = book_of(given, tmp_path / "report.xlsx")
    text = rows_of(book["calls"])[0]["hgvs"]
    assert len(text) == 32_767
    assert text.endswith("…")
