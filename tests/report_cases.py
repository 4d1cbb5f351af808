"""Result documents made by hand for the tests of the reports."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from fake_result import panel, result

LABELS = [str(number) for number in range(1, 9)]
HOSTILE = (
    "<script>document.title='owned'</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "--></style><img src=x onerror=alert(1)>",
    "\"><img src='http://example.org/x.png'>",
    "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://example.org\")",
    "+1+1", "-2", "@SUM(A1)", "\t=1+1",
    "../../etc/passwd", "..\\..\\x", "/", ".",
    "javascript:alert(1)", "http://example.org/", "mailto:a@example.org", "file:///etc/passwd",
    "'", '"', "`", "a'b\"c", "&lt;b&gt;", "&amp;", "{{ 7 * 7 }}", "{% raw %}", "${7*7}", "%s%n", "{a|b}",
    "abc\u202etxt.exe", "\u2066\u2067x\u2069", "\u200b", "\u2028\u2029", "line\nbreak", "tab\there", "\r\n",
    "\x1b[31mred", "\x07", "007", "1e5", "NA", "nan", "TRUE", "  two  blanks ", "日本語", "עברית",
    "e\u0301\u0301\u0301",
    "x" * 4096, "<b>" * 1300, "😀" * 50, "\ufeff", "]]>", "<?php ?>", "<svg onload=alert(1)>", "#print", "s0",
)  # fmt: skip


def hostile_names(n: int = 200) -> list[str]:
    """`n` sample names that do harm where they are not taken as text."""
    return [HOSTILE[i] if i < len(HOSTILE) else f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(n)]


def document(names: list[str] | None = None, roles: list[str] | None = None) -> dict[str, Any]:
    """A small result of two genes as `read_result` gives it; names may be such as no sheet would be read with."""
    wanted = names or ["P1", "P2", "P3", "P4"]
    made = result([f"P{i + 1}" for i in range(len(wanted))], roles, probes=panel(n_exons=8)).to_dict()
    for sample, name in zip(made["samples"], wanted):
        sample["sample"] = name
    return made


def digest(document_: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document_).encode()).hexdigest()


def call(gene: str = "IKZF1", status: str = "normal", exons: str = "", **values: Any) -> dict[str, Any]:
    """A row of the calls as it stands in ``result.json``."""
    altered = status in ("loss", "gain")
    row = {
        "gene": gene,
        "status": status,
        "exons": exons,
        "copies_lost": None if not altered else 1 if status == "loss" else -1,
        "probability": None if status == "not_evaluable" else 0.9971,
        "ratio": 0.712 if status == "loss" else 1.412 if status == "gain" else 1.003,
        "clone_fraction": 0.618 if altered else None,
        "clone_fraction_low": 0.541 if altered else None,
        "clone_fraction_high": 0.702 if altered else None,
        "n_probes": 4,
        "limit_of_detection": 0.223,
        "consequence": "",
        "evidence": "",
        "hgvs": "",
        "iscn": "",
        "flags": [],
        "allele_consequence": "",
        "consequence_sentence": "",
        "consequence_source": "",
    }
    return {**row, **values}


def loss_4_7(**values: Any) -> dict[str, Any]:
    """The loss that leaves IK6."""
    told = {
        "consequence": "dominant_negative",
        "evidence": "established",
        "allele_consequence": "dominant_negative",
        "hgvs": "NM_006060.6:c.(160+1_161-1)_(850+1_851-1)del",
        "iscn": "rsa 7p12.2(IKZF1 ex4-7)x1",
        "consequence_sentence": "Loss of IKZF1 exons 4-7 on one allele: the protein left is IK6.",
        "consequence_source": "Mullighan 2008",
    }
    return call("IKZF1", "loss", "4-7", **{**told, **values})


def with_calls(calls: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """A result of one patient with these calls."""
    given = copy.deepcopy(document(["P1", "P2"], ["patient", "reference"]))
    given["samples"][0].update({"calls": calls, **values})
    given["parameters"] = {"detection": {"IKZF1": ["4", "7"]}, "quality": {"slope_warn": 0.13}}
    return given


def risk_row(classifier: str, class_: str, **values: Any) -> dict[str, Any]:
    """A row of the risk classes as it stands in ``result.json``."""
    row = {
        "classifier": classifier,
        "version": "1.0",
        "class": class_,
        "possible_classes": [class_],
        "deciding_inputs": [],
        "used_inputs": ["IKZF1=deleted"],
        "missing_inputs": [],
        "boundary": "",
        "source": f"Source of {classifier}",
        "evidence": "read",
        "note": "",
    }
    return {**row, **values}


def trace(probes: list[str]) -> list[dict[str, Any]]:
    """An electropherogram of one dye with a peak for each of some probes."""
    signal = [0] * 400
    peaks = []
    for i, probe in enumerate(probes):
        place = 20 + 20 * i
        signal[place - 1 : place + 2] = [900, 2000, 800]
        peaks.append({"probe": probe, "size_nt": 60 + 0.5 * place, "height": 2000})
    return [{"dye": "6-FAM", "first_nt": 60.0, "step_nt": 0.5, "signal": signal, "peaks": peaks}]
