"""mlpa_caller_mqc.json: what MultiQC makes of it, names that do harm included."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys

import pytest
from report_cases import document, hostile_names, loss_4_7, with_calls

from mlpa_caller.outputs.report.multiqc import multiqc_text
from mlpa_caller.outputs.report.view_run import report_view


def content(given):
    return json.loads(multiqc_text(given, report_view(given, "0" * 64)))


def test_content():
    found = content(with_calls([loss_4_7()]))
    row = found["data"]["P1"]
    assert row["result"] == "Loss"
    assert row["finding"] == "loss exons 4-7; p 0.997; 62 % of cells"
    assert row["reference_sd"] == 0.03
    assert set(row) <= set(found["headers"])
    assert "result" not in found["data"]["P2"]


def test_names_are_escaped_and_stay_apart():
    names = [*hostile_names(60), "x" * 4000 + "1", "x" * 4000 + "2"]
    found = content(document(names))
    assert len(found["data"]) == len(names)
    assert not any(re.search("[<>\"']", name) for name in found["data"])


@pytest.mark.skipif(
    importlib.util.find_spec("multiqc") is None, reason="MultiQC is not installed (extra [test])"
)
def test_multiqc_shows_every_sample_as_text(tmp_path):
    names = ["P1", "a/P1", "P1.out", "P1_counts", "P1Aligned", "P1ccs2", "-P1", "P1 ", "P1.", "P1| stdin"]
    names += ["<script>window.owned=1</script>", '"><img src=x onerror=alert(1)>', "=1+1", "a'b"]
    names += hostile_names()
    given = document(names)
    text = multiqc_text(given, report_view(given, "0" * 64))
    (tmp_path / "mlpa_caller_mqc.json").write_text(text, encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "multiqc",
        ".",
        "--outdir",
        "out",
        "--no-ansi",
        "--no-version-check",
        "--no-ai",
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (shown,) = (tmp_path / "out" / "multiqc_data").glob("multiqc_data.json")
    (rows,) = json.loads(shown.read_text(encoding="utf-8"))["report_saved_raw_data"].values()
    assert list(rows) == list(json.loads(text)["data"])  # no name is cut, and so no row falls on another
    assert len(rows) == len(names)
    page = (tmp_path / "out" / "multiqc_report.html").read_text(encoding="utf-8")
    assert "mlpa_caller_table" in page
    assert "window.owned=1</script>" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;window&#46;owned&#61;1&lt;&#47;script&gt;" in page
    assert "a&#47;P1" in page
