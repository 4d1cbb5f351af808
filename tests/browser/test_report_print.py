"""The reports on paper: one patient a page, and the numbers of the result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report_cases import loss_4_7, with_calls
from visits import CHROMIUM, Visit, needs_chromium

from mlpa_caller.outputs.report.compare import Side, comparison_html
from mlpa_caller.outputs.report.numbers import exact
from mlpa_caller.outputs.report.pdf import print_pdf

pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed (extra [test])")
pytestmark = needs_chromium


def gene_row(called: dict) -> str:
    """The numbers of a row of the table of genes, as they follow each other in the text of a page."""
    low, high = called["clone_fraction_low"], called["clone_fraction_high"]
    cells = [
        "" if called["copies_lost"] is None else f"{-called['copies_lost']:+d}",
        *("" if called[key] is None else f"{called[key]:.{places}f}"
          for key, places in (("probability", 4), ("ratio", 3), ("clone_fraction", 3))),
        "" if low is None else f"{low:.3f}-{high:.3f}",
        "" if called["limit_of_detection"] is None else f"{called['limit_of_detection']:.3f}",
        str(called["n_probes"]),
    ]  # fmt: skip
    return " ".join(cell for cell in cells if cell)


def patients_by_page(file: Path, names: list[str]) -> list[list[str]]:
    """Return for each page of a PDF the patients whose page it is."""
    pages = []
    for page in pypdf.PdfReader(file).pages:
        text = page.extract_text()
        own = [name for name in names if re.search(rf"(?m)^{re.escape(name)}\s+patient\s+·", text)]
        assert text.count("Checked by") == len(own)
        pages.append(own)
    return pages


def test_print_gives_one_page_a_patient(visit, run, tmp_path):
    names = [sample["sample"] for sample in run["samples"] if sample["role"] == "patient"]
    visit.page.pdf(path=tmp_path / "printed.pdf", prefer_css_page_size=True)
    pages = patients_by_page(tmp_path / "printed.pdf", names)
    assert [own for own in pages if own] == [[name] for name in names]
    first = pages.index([names[0]])
    assert all(len(own) == 1 for own in pages[first : first + len(names)])
    assert visit.page.locator("#print-style").get_attribute("media") == "print"  # the screen is as it was


def test_a_comparison_fits_a_page(browser, tmp_path):
    side = Side(with_calls([loss_4_7()]), "0" * 64, 0)
    target = tmp_path / "comparison.html"
    target.write_text(comparison_html(side, side), encoding="utf-8")
    made = Visit(browser, target)
    made.page.pdf(path=tmp_path / "c.pdf", prefer_css_page_size=True)
    assert len(pypdf.PdfReader(tmp_path / "c.pdf").pages) == 1
    made.check_quiet()
    made.context.close()


def test_pdf_of_the_command(path, run, tmp_path):
    names = [sample["sample"] for sample in run["samples"] if sample["role"] == "patient"]
    for name in ("a.pdf", "b.pdf"):
        print_pdf(path, tmp_path / name, browser=CHROMIUM)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    pages = patients_by_page(tmp_path / "a.pdf", names)
    assert [own for own in pages if own] == [[name] for name in names]
    texts = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "a.pdf").pages]
    for i, name in enumerate(names):
        text = re.sub(r"\s+", " ", texts[pages.index([name])])
        for called in run["samples"][i]["calls"]:
            assert gene_row(called) in text
        for value in run["samples"][i]["quality"]["figures"].values():
            assert value is None or exact(value) in text
