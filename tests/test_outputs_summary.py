"""The text a person reads: whole, honest about certainty, and safe on a terminal."""

from __future__ import annotations

import dataclasses
import unicodedata

import numpy as np
import pytest
from fake_result import panel, result
from hypothesis import given
from hypothesis import strategies as st

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.outputs.summary import aligned, failed, safe, summary_document, summary_text, truth_text
from mlpa_caller.result import Result


def changed(base: Result, kind: str, **columns: object) -> Result:
    table = base.tables[kind]
    new = {name: np.asarray(column) for name, column in columns.items()}
    return dataclasses.replace(
        base, tables={**base.tables, kind: Table({**table.columns, **new}, table.decimals)}
    )


def test_whole_text():
    assert summary_text(result()).split("\n") == [
        "Run: warn (panel two genes; 4 patients)",
        "  2 reference samples, 3 wanted",
        "  reference P4 left out: disagrees with the others",
        "",
        "Loss or gain: in 1 of 4 samples (p: probability; cells: share of all cells, with its 95 % interval)",
        "sample  quality  finding",
        "P1      pass     loss IKZF1 1-2: p > 0.999, 62 % of cells (55-70) [zygosity_ambiguous, low_quality]",
        "",
        "No loss or gain: in 2 samples (P3, P4)",
        "  limit of detection, % of all cells: IKZF1 18-19, PAX5 19",
        "",
        "Not evaluable: in 1 sample",
        "sample  genes  quality reasons",
        "P2      all    reference SD 0.140 above 0.100; low signal",
        "",
        "Quality: 3 pass, 0 warn, 1 fail",
    ]


def test_two_findings_stand_on_one_line():
    calls = result().tables["calls"].columns
    status, exons, copies = (calls[name].copy() for name in ("status", "exons", "copies_lost"))
    status[1], exons[1], copies[1] = "loss", "1", 2.0
    probability, fraction = calls["probability"].copy(), calls["clone_fraction"].copy()
    probability[:2] = [0.9994, 0.0001]
    fraction[1] = np.nan
    text = summary_text(
        changed(result(), "calls", status=status, exons=exons, copies_lost=copies,
                probability=probability, clone_fraction=fraction)
    )  # fmt: skip
    assert (
        "P1      pass     loss IKZF1 1-2: p 0.999, 62 % of cells (55-70) [zygosity_ambiguous, low_quality] | "
        "loss of both copies PAX5 1: p < 0.001, ? % of cells (?-?)\n"
    ) in text


def test_one_event_over_two_genes_is_told_once():
    """Only where the genes are called together: equal figures of genes far apart are two events."""
    for neighbours in (True, False):
        base = result(probes=panel(neighbours=neighbours))
        calls = base.tables["calls"].columns
        two = {
            name: np.concatenate([calls[name][:1], calls[name][:1], calls[name][2:]])
            for name in calls
            if name not in ("sample", "gene", "probability")
        }
        two["probability"] = np.concatenate([[0.9, 0.8], calls["probability"][2:]])
        text = summary_text(changed(base, "calls", **two))
        flags = "[zygosity_ambiguous, low_quality]"
        together = f"loss IKZF1 1-2, PAX5 1-2: p 0.800, 62 % of cells (55-70) {flags}\n"
        apart = (
            f"loss IKZF1 1-2: p 0.900, 62 % of cells (55-70) {flags} | "
            f"loss PAX5 1-2: p 0.800, 62 % of cells (55-70) {flags}\n"
        )
        assert (together in text, apart in text) == (neighbours, not neighbours)


def test_roles_are_counted():
    text = summary_text(result(roles=["patient", "positive", "reference", "no_dna"]))
    assert text.startswith(
        "Run: warn (panel two genes; 1 patient, 1 positive control, 1 no-DNA control, 1 reference (1 used))\n"
    )


def test_no_finding_and_samples_that_only_warn():
    base = result(["A", "B", "C"])
    n = len(base.tables["calls"])
    base = changed(base, "calls", status=text_array(["normal"] * n))
    base = changed(
        base, "quality", verdict=text_array(["pass", "warn", "fail"]), reasons=text_array(["", "b", "c"])
    )
    text = summary_text(base)
    assert "Loss or gain: in none of 3 samples\n" in text
    assert text.endswith("Quality: 1 pass, 1 warn, 1 fail\nC  patient  fail  c\nB  patient  warn  b")
    assert failed(base) == "1 of 3 samples (C)"


def test_many_samples_are_cut():
    names = [f"P{i}" for i in range(300)]
    base = result(names)
    base = changed(base, "calls", status=text_array(["loss"] * 600))
    text = summary_text(base)
    assert len(text.split("\n")) < 60
    assert "... and 262 more in calls.tsv" in text  # 300 findings and a header, 39 lines shown
    verdicts = changed(base, "quality", verdict=text_array(["fail"] * 300))
    assert failed(verdicts) == "300 of 300 samples (P0, P1, P2, P3, P4, P5, P6, P7 and 292 more)"


def test_failed():
    base = result()
    assert failed(base) == "1 of 4 samples (P2)"
    bad_run = dataclasses.replace(base, run={**base.run, "verdict": "fail"})
    assert failed(bad_run) == "the run and 1 of 4 samples (P2)"
    good = changed(base, "quality", verdict=text_array(["pass"] * 4))
    assert failed(good) == ""


def test_document_is_part_of_the_result():
    whole = result().to_dict()
    short = summary_document(result())
    assert short["samples"][0]["calls"] == whole["samples"][0]["calls"]
    assert short["samples"][1]["quality"] == whole["samples"][1]["quality"]
    assert set(short["samples"][0]).isdisjoint({"ratios", "exons"})
    assert short["run"] == whole["run"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two words", "two words"),
        ("Ågren 日本", "Ågren 日本"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\u202egnp", "a\\u202egnp"),
        ("a\u2066b\u200b\ufeff", "a\\u2066b\\u200b\\ufeff"),
        ("a\nb\r\t\u2028\u00a0", "a\\nb\\r\\t\\u2028\\xa0"),
        ("\udcff", "\\udcff"),
    ],
)
def test_safe(text, shown):
    assert safe(text) == shown


@given(st.text())
def test_safe_never_changes_the_line(text):
    shown = safe(text, 1000)
    assert all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in shown)


def test_safe_is_cut():
    assert safe("x" * 61) == "x" * 57 + "..."
    assert safe("x" * 60) == "x" * 60


def test_hostile_names_in_the_text():
    base = result()
    names = text_array(["\x1b[2J\u202e", "P2\nRun: pass", "P3", "P4"])
    calls = changed(base, "calls", sample=np.repeat(names, 2))
    text = summary_text(changed(calls, "quality", sample=names))
    assert "\x1b" not in text
    assert "\\x1b[2J\\u202e  pass     loss IKZF1" in text
    assert "\nP2\\nRun: pass  all" in text


def test_wide_and_combining_characters_stay_aligned():
    assert aligned([("日本", "x"), ("e\u0301", "y"), ("abcde", "z")]) == [
        "日本   x", "e\u0301      y", "abcde  z",
    ]  # fmt: skip


def truth(**changes: object) -> Table:
    columns: dict[str, object] = {
        "sample": text_array(["P1", "P1", "P2", "P3"]),
        "gene": text_array(["IKZF1", "PAX5", "IKZF1", "PAX5"]),
        "first_exon": text_array(["1", "2", "1", "2"]),
        "last_exon": text_array(["2", "2", "2", "2"]),
        "copies_lost": np.array([1, 1, 1, -1]),
        "kind": text_array(["loss", "loss", "loss", "gain"]),
        **changes,
    }
    return Table(columns)


def test_comparison_with_the_truth():
    """P1: IKZF1 found, PAX5 missed; P2: not evaluable; a gain is neither a loss nor unaltered."""
    calls = result().tables["calls"]
    assert truth_text(calls, truth()).split("\n") == [
        "Compared with the simulated truth",
        "IKZF1  1 of 2 losses found  1 with the true exons  1 not evaluable  0 missed  "
        "0 of 2 unaltered called lost",
        "PAX5   0 of 1 loss found    0 with the true exons  0 not evaluable  1 missed  "
        "0 of 2 unaltered called lost",
    ]
    longer = truth(first_exon=text_array(["2", "2", "1", "2"]))
    assert "1 of 2 losses found  0 with the true exons" in truth_text(calls, longer)
    elsewhere = truth(sample=text_array(["P4", "P4", "P2", "P3"]), gene=text_array(["PAX5"] * 4))
    assert (
        "IKZF1  0 of 0 losses found  0 with the true exons  0 not evaluable  0 missed  1 of 4"
        in truth_text(calls, elsewhere)
    )
    reference = truth(sample=text_array(["R1"] * 4))
    assert "0 of 0 losses found" in truth_text(calls, reference)
