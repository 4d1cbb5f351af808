"""report.html without a browser: numbers, tables, names as text, policy, size, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from decimal import Decimal

import pytest
from report_cases import call, document, hostile_names, loss_4_7, risk_row, with_calls
from report_page import DIGEST, Page, page_of

from mlpa_caller.outputs.report.chart_data import chart_data, probe_order
from mlpa_caller.outputs.report.view_run import report_view
from mlpa_caller.outputs.report.words import figures
from mlpa_caller.panel import load_panel
from mlpa_caller.pipeline import call_run
from mlpa_caller.simulate import SimulationSettings, simulate_signals


@pytest.fixture(scope="module")
def run():
    """A run of 48 samples with everything in it, as its document."""
    mix = load_panel("demo-synthetic")
    settings = SimulationSettings(n_patients=41, n_references=6, nested_rate=0.3, homozygous_rate=0.2,
                                  gain_rate=0.05, other_gene_rate=0.2, failed_fraction=0.05, blast_given=0.5,
                                  reference_probe_rate=0.1)  # fmt: skip
    simulated = simulate_signals(mix, settings, seed=5)
    result = call_run(simulated.frame(), panel=mix, samples=simulated.sheet(), workers=1)
    return result.to_dict()


@pytest.fixture(scope="module")
def page(run):
    return page_of(run)


@pytest.fixture(scope="module")
def parsed(page):
    return Page(page)


def numbers_in(value) -> set[Decimal]:
    if isinstance(value, dict):
        return set().union(*map(numbers_in, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(numbers_in, value)) if value else set()
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return {Decimal(repr(value))} if known else set()


def test_every_number_of_a_sentence_is_one_of_the_result_rounded(run, parsed):
    known = numbers_in(run)
    assert len(parsed.numbers) > 300
    for value, text in parsed.numbers:
        exact = Decimal(value)
        assert exact in known, value
        shown = text.removeprefix("> ").removeprefix("< ")
        places = len(shown.partition(".")[2])
        scaled = exact if places else exact * 100
        if text.startswith(">"):
            assert exact >= Decimal("0.9995")
        elif text.startswith("<"):
            assert exact < Decimal("0.0005") or (not places and exact < Decimal("0.005"))
        else:
            assert abs(Decimal(shown) - scaled) <= Decimal(5).scaleb(-places - 1)


def number(text: str) -> float | None:
    return float(text) if text else None


def test_probe_and_exon_tables_equal_the_result(run, parsed):
    probes = run["panel"]["probes"]
    seen = 0
    for i, sample in enumerate(run["samples"]):
        rows = parsed.tables.get(f"s{i} Probes", [None])[1:]
        if not rows:
            continue
        seen += 1
        assert [row[0] for row in rows] == [probe["probe"] for probe in probes]
        for column, key in ((4, "height"), (5, "ratio"), (6, "ratio_low"), (7, "ratio_high")):
            assert [number(row[column]) for row in rows] == sample["ratios"][key]
        exons = parsed.tables[f"s{i} Exon by exon"][1:]
        for column, key in ((3, "ratio"), (4, "ratio_low"), (6, "probability_loss"), (7, "probability_gain")):
            assert [number(row[column]) for row in exons] == [row[key] for row in sample["exons"]]
    assert seen == 41


def test_gene_table_equals_the_result(run, parsed):
    for i, sample in enumerate(run["samples"]):
        rows = parsed.tables.get(
            f"s{i} Every gene: what was called, how sure, and the limit of detection", []
        )
        columns = ((4, "probability"), (5, "ratio"), (6, "clone_fraction"), (8, "limit_of_detection"))
        for row, called in zip(rows[1:], sample["calls"]):
            assert row[0] == called["gene"]
            assert [number(row[column]) for column, _ in columns] == [called[key] for _, key in columns]
            low, high = called["clone_fraction_low"], called["clone_fraction_high"]
            assert row[7] == ("" if low is None else f"{low:.3f}-{high:.3f}")
            assert number(row[3]) == (None if called["copies_lost"] is None else -called["copies_lost"])


def test_tables_of_the_run_equal_the_result(run, parsed):
    rows = parsed.tables["All quality figures"]
    labels = [about.short for about in figures().values()]
    for row, sample in zip(rows[1:], run["samples"]):
        values = sample["quality"]["figures"]
        named = dict(zip(rows[0][1:], row[1:]))
        for name, about in figures().items():
            if name in values:
                assert number(named[about.short]) == values[name], name
    assert set(rows[0][1:]) <= set(labels)  # every figure of a run is known by a name of its own
    ratios = parsed.tables["Ratio of each probe in each sample; empty where there is none"]
    for row, sample in zip(ratios[1:], run["samples"]):
        assert [number(cell) for cell in row[1:]] == sample["ratios"]["ratio"]


def test_chart_data_equal_the_result(run, parsed):
    data = json.loads(parsed.scripts[0])
    assert [sample["ratio"] for sample in data["samples"]] == [s["ratios"]["ratio"] for s in run["samples"]]
    assert [sample["high"] for sample in data["samples"]] == [
        s["ratios"]["ratio_high"] for s in run["samples"]
    ]
    names = [data["probes"][i] for i in data["order"]]
    assert [name[1] for name in names if name[3] == "target"] == sorted(
        (probe["gene"] for probe in run["panel"]["probes"] if probe["role"] == "target"),
        key=run["panel"]["genes"].index,
    )
    used = [s for s in run["samples"] if s["sample"] in run["run"]["reference_samples"]]
    first = [s["ratios"]["ratio"][0] for s in used]
    assert data["band"][0] == [min(first), max(first)]
    loss = [call for s in run["samples"] for call in s["calls"] if call["status"] == "loss"]
    assert loss
    assert any(event["status"] == "loss" for patient in data["patients"] for event in patient["events"])


def test_an_event_lies_over_its_probes():
    given = with_calls([loss_4_7(), call("PAX5")])
    data = chart_data(given, report_view(given, DIGEST))
    (event,) = data["patients"][0]["events"]
    covered = [data["probes"][i][0] for i in data["order"][event["first"] : event["last"] + 1]]
    assert covered == ["IKZF1-4", "IKZF1-5", "IKZF1-6", "IKZF1-7"]
    assert data["patients"][0]["exons"]["lost"] == [0, 0, 0, 1, 1, 1, 1, 0]
    assert [item[0] for item in data["patients"][0]["exons"]["domains"]][:2] == ["ZF1", "ZF2"]
    assert [given["panel"]["probes"][i]["role"] for i in probe_order(given)][-1] == "reference"


def test_nothing_is_loaded_and_only_our_scripts_run(page, parsed):
    for tag, attributes in parsed.tags:
        assert not {"src", "style", "onclick", "onload", "srcset"} & set(attributes), tag
        assert tag not in ("link", "iframe", "object", "embed", "img", "base", "svg")
        if "href" in attributes:
            assert re.fullmatch(r"#[a-z0-9]+", attributes["href"])
    policy = next(a["content"] for _, a in parsed.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert len(parsed.scripts) == 3
    for text in (*parsed.scripts[1:], *parsed.styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_size_and_bytes(run, page):
    assert len(page.encode()) <= 3_000_000
    assert page == page_of(json.loads(json.dumps(run)))


def test_identifiers_are_unique_and_references_hold(parsed):
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in parsed.tags:
        for key in ("aria-labelledby", "for"):
            assert attributes.get(key) is None or attributes[key] in ids
        if attributes.get("href"):
            assert attributes["href"][1:] in ids


def test_hostile_names_are_text():
    names = hostile_names(200)
    given = document(names)
    given["panel"]["name"] = names[0]
    given["panel"]["probes"][0]["probe"] = names[1]
    given["run"]["left_out"] = {names[2]: names[3]}
    given["run"]["reasons"] = [names[0]]
    given["samples"][0]["clinical"] = {names[0]: names[4]}
    given["samples"][1]["quality"]["reasons"] = [names[1]]
    given["samples"][2]["risk"] = [risk_row(names[0], names[1], source=names[2])]
    given["samples"][3]["calls"][0].update(consequence_sentence=names[0], flags=[names[1]], hgvs=names[3])
    plain, hostile = Page(page_of(document([f"P{i}" for i in range(200)]))), Page(page_of(given))
    allowed = {tag for tag, _ in plain.tags} | {"ul", "li", "dl", "dt", "dd", "div", "p", "table"}
    assert {tag for tag, _ in hostile.tags} <= allowed
    assert len(hostile.scripts) == len(plain.scripts) == 3
    assert names[0] in hostile.text
    assert "\u202e" not in hostile.text
    assert json.loads(hostile.scripts[0])["samples"][0]["name"] == names[0]
