"""What stands on a page: what is missing, risk, names, flags, electropherograms, the vendored library."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from report_cases import call, document, loss_4_7, risk_row, trace, with_calls
from report_page import DIGEST, Page, page_of

from mlpa_caller.outputs.report import html
from mlpa_caller.outputs.report.chart_data import chart_data
from mlpa_caller.outputs.report.view_run import report_view
from mlpa_caller.outputs.report.words import flag
from mlpa_caller.refdata import reference_path

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "mlpa_caller" / "outputs" / "report" / "vendor"


def test_everything_optional_may_be_absent():
    given = with_calls(
        [call("OTHER", "not_evaluable", probability=None, ratio=None, limit_of_detection=None)]
    )
    given["panel"]["genes"] = []
    given["parameters"] = {}
    given["run"] = {"verdict": "fail", "reasons": [], "reference_samples": [], "left_out": {}}
    sample = given["samples"][0]
    sample["exons"] = []
    sample["quality"]["figures"] = {}
    for key in ("height", "ratio", "ratio_low", "ratio_high"):
        sample["ratios"][key] = [None] * len(given["panel"]["probes"])
    text = Page(page_of(given)).text
    assert "Nothing can be said of this sample" in text
    assert "no ratio: all probes" in text
    assert "no gene was answered" in text


def test_a_result_without_patients():
    text = Page(page_of(document(["N1", "N2"], ["reference", "reference"]))).text
    assert "Quality of the run" in text


def test_risk_names_and_flags_are_on_the_page():
    flags = ["zygosity_ambiguous", "possible_germline"]
    given = with_calls([loss_4_7(flags=flags), call("PAX5")])
    given["samples"][0]["risk"] = [
        risk_row("nci-rome", "SR"),
        risk_row("ikzf1plus-2018", "indeterminate", possible_classes=["A", "B"], deciding_inputs=["ERG"]),
    ]
    text = Page(page_of(given)).text
    for wanted in ("A or B", "decided by ERG", "Source of nci-rome", "rsa 7p12.2(IKZF1 ex4-7)x1"):
        assert wanted in text
    for name in flags:
        assert flag(name, "loss").meaning in text


def test_an_electropherogram_is_drawn_when_there_is_one():
    given = with_calls([loss_4_7()])
    assert Page(page_of(given)).text.count("Electropherogram") == 0
    given["samples"][0]["trace"] = trace([probe["probe"] for probe in given["panel"]["probes"]][:5])
    given["run"]["trace_median"] = [{"dye": "6-FAM", "first_nt": 60.0, "step_nt": 0.5, "signal": [0.1] * 400}]
    found = Page(page_of(given))
    assert "Electropherogram" in found.text
    rows = found.tables["s0 Peaks that belong to probes"][1:]
    assert [row[1] for row in rows] == ["IKZF1-1", "IKZF1-2", "IKZF1-3", "IKZF1-4", "IKZF1-5"]
    assert [float(row[2]) for row in rows] == [70.0, 80.0, 90.0, 100.0, 110.0]
    data = json.loads(found.scripts[0])
    packed = data["traces"]["samples"]["0"][0]["signal"]
    assert unpacked(packed["steps"]) == given["samples"][0]["trace"][0]["signal"]
    assert data["traces"]["median"][0]["signal"] == [0.1] * 400


def unpacked(steps: str) -> list[int]:
    """What the page's script reads, value by value."""
    values, value, step, shift = [], 0, 0, 0
    for byte in base64.b64decode(steps):
        step |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            value += -((step + 1) >> 1) if step & 1 else step >> 1
            values.append(value)
            step = shift = 0
    return values


@pytest.mark.parametrize(
    "signal",
    [[0], [5, 5, -3, 64, -65, 8191, -8192, 0], [2**29, -(2**29), 2**29, 1], list(range(-300, 300, 7))],
)
def test_packed_signals_keep_every_value(signal):
    given = with_calls([loss_4_7()])
    given["samples"][0]["trace"] = [{"dye": "X", "first_nt": 1, "step_nt": 1, "signal": signal, "peaks": []}]
    drawn = chart_data(given, report_view(given, DIGEST))
    assert unpacked(drawn["traces"]["samples"]["0"][0]["signal"]["steps"]) == signal


@pytest.mark.parametrize("signal", [[0, 2**30], [1, None], [0.5, 1], []])
def test_a_signal_that_cannot_be_packed_stays_a_list(signal):
    given = with_calls([loss_4_7()])
    given["samples"][0]["trace"] = [{"dye": "X", "first_nt": 1, "step_nt": 1, "signal": signal, "peaks": []}]
    drawn = chart_data(given, report_view(given, DIGEST))
    assert drawn["traces"]["samples"]["0"][0]["signal"] == signal


def test_what_is_missing_is_named():
    given = with_calls([loss_4_7()])
    given["samples"][0]["ratios"]["ratio"][2] = None
    given["samples"][0]["ratios"]["flags"][2] = ["no_peak"]
    given["panel"]["probes"][7]["exon"] = ""
    text = Page(page_of(given)).text
    assert "no peak: IKZF1-3" in text
    assert "Exons of IKZF1 without a probe: 8" in text


def test_left_out_references_have_their_reason():
    given = with_calls([call()])
    given["run"]["left_out"] = {"P2": "slope -0.3 per 100 nt"}
    given["samples"][0]["ratios"]["flags"][-1] = ["aberrant_reference"]
    found = Page(page_of(given))
    (row,) = found.tables["Which reference samples were used"][1:]
    assert row[:3] == ["P2", "left out", "slope -0.3 per 100 nt"]
    captions = [key for key in found.tables if key.startswith("Left out of the fit")]
    assert found.tables[captions[0]][1] == ["ref%5", "P1"]


def test_every_flag_of_the_readme_is_explained():
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M)
    names = [name for row in rows for name in re.findall(r"`([a-z_]+)`", row)]
    assert "zygosity_ambiguous" in names
    for name in names:
        assert flag(name, "loss").meaning or flag(name, "normal").meaning, name


def test_the_vendored_library_is_the_one_that_was_checked():
    for line in (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    assert f'version="{html.LIBRARY_VERSION}"' in (VENDOR / "echarts.min.js").read_text(encoding="utf-8")
    assert (VENDOR / "LICENSE").is_file()


def test_the_document_of_the_tests_follows_the_schema():
    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    given = with_calls([loss_4_7(), call("PAX5")])
    given["samples"][0]["risk"] = [risk_row("nci-rome", "SR")]
    jsonschema.Draft202012Validator(schema).validate(given)
    assert np.isfinite(given["samples"][0]["calls"][0]["probability"])
