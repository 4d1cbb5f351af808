"""The table of risk classes: what a missing input may do, rows, notes, blocks."""

from __future__ import annotations

import numpy as np
import pytest
from risk_cases import call_table, completions, one, people, profile, realise, row

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError, UsageError
from mlpa_caller.risk import COLUMNS, classify, classify_blocks, clinical_from_columns
from mlpa_caller.risk.classifiers.base import Open
from mlpa_caller.risk.rules import load_rules

RULES = load_rules()
B = {"lineage": "B"}


GENE_KINDS = ("gene", "zygosity", "exon_ranges")


def cohort_of(rule):
    """One patient for every completion of the rule's inputs, with all that states it."""
    rows, clinical, expected = [], [], []
    for number, choice in enumerate(completions(rule)):
        sample = f"P{number}"
        values = [item.domain[i].value for item, i in zip(rule.inputs, choice)]
        words = {"blast_fraction": "1"}
        mine = {}
        for item, value in zip(rule.inputs, values):
            mine[item.name], more = realise(item, value, sample)
            words.update(more)
        outcome = rule.evaluate({item.name: value for item, value in zip(rule.inputs, values)})
        rows.append((mine, row(sample, "SHOX")))
        clinical.append(words)
        expected.append("indeterminate" if isinstance(outcome, Open) else outcome)
    return rows, clinical, expected


def table_of(rule, rows, clinical, *, without=None, how=None):
    kept = []
    for mine, other in rows:
        kept.append(other)
        for name, item_rows in mine.items():
            if name != without:
                kept += item_rows
            elif how is not None:
                kept += [how(item) for item in item_rows]
    if without is not None:
        source = next(item for item in rule.inputs if item.name == without)
        clinical = [
            {key: "" if key in (source.source, source.clinical) else text for key, text in words.items()}
            for words in clinical
        ]
    names = [other[0] for _, other in rows]
    return classify(call_table(kept), people(clinical, names), classifiers=[rule.id])


@pytest.mark.parametrize("name", [name for name in RULES if name != "ikaros-germline"])
def test_a_missing_input_never_lowers_a_risk_nor_changes_a_class(name) -> None:
    """Every completion of every rule as a patient; then each input is taken away from all of them."""
    rule = RULES[name]
    rows, clinical, expected = cohort_of(rule)
    full = table_of(rule, rows, clinical).columns
    assert list(full["class"]) == expected
    assert set(full["missing_inputs"]) == {""}
    order = {outcome: i for i, outcome in enumerate(rule.outcomes)}
    for item in rule.inputs:
        ways = [None]
        if item.kind in GENE_KINDS:
            ways += [
                lambda r: (*r[:2], "not_evaluable", "", np.nan, *r[5:]),
                lambda r: (*r[:5], 1 if r[2] == "loss" else r[5], 1.5, r[7]),  # one probe; limit above blasts
            ]
        for how in ways:
            less = table_of(rule, rows, clinical, without=item.name, how=how).columns
            for before, possible_before, after, possible in zip(
                full["class"], full["possible_classes"], less["class"], less["possible_classes"]
            ):
                assert set(possible_before.split(";")) <= set(possible.split(";"))
                if after != "indeterminate":
                    assert after == before
                    assert order[after] >= order[before]
            decided = [names for names in less["deciding_inputs"] if names]
            assert all(item.name in names.split(";") for names in decided)


def test_columns_rows_and_order() -> None:
    rows = [*profile("b", ["IKZF1"]), *profile("a")]
    clinical = people([{"lineage": "B"}, {"lineage": "T"}, {"age_years": "3"}], ["a", "c", "b"])
    table = classify(call_table(rows), clinical)
    assert tuple(table.columns) == COLUMNS
    assert COLUMNS[:11] == (
        "sample", "classifier", "version", "class", "possible_classes", "deciding_inputs", "used_inputs",
        "missing_inputs", "boundary", "source", "evidence",
    )  # fmt: skip
    assert list(dict.fromkeys(table.columns["sample"])) == ["b", "a", "c"]
    assert len(table) == 3 * 25
    assert list(table.columns["classifier"][:25]) == list(table.columns["classifier"][25:50])
    notes = dict(zip(table.columns["sample"], table.columns["note"]))
    assert "no calls for this sample" in notes["c"]
    assert set(table.columns["notice"]) == {"for research use only"}
    assert all(len(text) == 64 for text in table.columns["rule_sha256"])


def test_a_patient_who_stands_in_the_calls_only() -> None:
    table = classify(
        call_table([*profile("a"), *profile("b")]), people([B], ["a"]), classifiers=["ikzf1plus-2018"]
    )
    assert list(table.columns["class"]) == ["not_deleted", "indeterminate"]
    assert "sample not in the clinical file" in table.columns["note"][1]
    assert "sample not in the clinical file" not in table.columns["note"][0]


def test_no_sample_in_common_is_refused() -> None:
    with pytest.raises(InputError, match=r"no sample in common \(calls: '007'; clinical file: '7', '8'\)"):
        classify(call_table(profile("007")), people([B, B], ["7", "8"]))


def test_without_any_clinical_data_nothing_is_assumed() -> None:
    table = classify(call_table(profile("P")), clinical_from_columns([], {}))
    found = dict(zip(table.columns["classifier"], table.columns["class"]))
    assert found.pop("zheng-2019-ikzf1") == "by_clinical_risk"
    assert found.pop("dcog-all11") == "not_selected"  # IKZF1 is not deleted
    assert found.pop("ikaros-germline") == "not_assessed"
    # these two read the calls alone: no clinical input and no population stands in their way
    assert found.pop("ukall-cna-2014") == found.pop("ukall-cna-two-tier") == "good"
    assert len(found) == 20
    assert set(found.values()) == {"indeterminate"}
    assert len(classify(call_table([]), clinical_from_columns([], {}))) == 0


def test_used_values_stand_as_written_and_classifiers_keep_their_order() -> None:
    clinical = people([{"mrd_day15": "1e-1", "mrd_day33": "<0.0001"}], ["P"])
    table = classify(call_table([]), clinical, classifiers=["nci-rome", "cclg-2008-mrd"])
    assert list(table.columns["classifier"]) == ["cclg-2008-mrd", "nci-rome"]
    assert table.columns["used_inputs"][0] == "mrd_day15=1e-1;mrd_day33=<0.0001"
    assert table.columns["missing_inputs"][0] == "mrd_preconsolidation"
    assert table.columns["boundary"][0] == "mrd_day15"
    with pytest.raises(UsageError, match="there is no classifier 'x'"):
        classify(call_table([]), clinical, classifiers=["x"])


def test_a_note_for_a_patient_outside_the_cited_cohort() -> None:
    clinical = {"bm_blasts_before_treatment": "0.2", "lineage": "T", "age_years": "40"}
    found = one([], clinical, "vavilova-2023-blasts-5")
    assert found["class"] == "at_or_above"
    assert "outside the cited cohort (B lineage, 1 to 18 years" in found["note"]
    assert "before blinatumomab): lineage, age_years;" in found["note"]
    found = one([], {**clinical, "lineage": "B", "age_years": "7"}, "vavilova-2023-blasts-5")
    assert found["note"] == "no calls for this sample"
    adult = one(profile("P", ["IKZF1", "PAX5"]), {**B, "age_years": "40"}, "ikzf1plus-2018")
    assert "in adults of 23 to 65 years (UKALL14) IKZF1 deletions had no effect" in adult["note"]


def test_rows_in_another_order_give_the_same_classes() -> None:
    rng = np.random.default_rng(5)
    rows = [*profile("a", ["IKZF1", "PAX5"]), *profile("b", ["ETV6"]), *profile("c", ["RB1"], ["EBF1"])]
    clinical = people([{"lineage": "B", "erg_deleted": "no"}] * 3, ["a", "b", "c"])
    straight = classify(call_table(rows), clinical, samples=["a", "b", "c"])
    mixed = classify(
        call_table([rows[i] for i in rng.permutation(len(rows))]), clinical, samples=["a", "b", "c"]
    )
    for name in COLUMNS:
        assert list(straight.columns[name]) == list(mixed.columns[name])


def test_blocks_give_the_same_table() -> None:
    rows = [item for i in range(7) for item in profile(f"P{i}", ["IKZF1"] if i % 2 else [])]
    clinical = people([B] * 7, [f"P{i}" for i in range(7)])
    whole = classify(call_table(rows), clinical)
    blocks = list(classify_blocks(call_table(rows), clinical, size=3))
    assert [len(block) for block in blocks] == [75, 75, 25]
    for name in COLUMNS:
        assert [cell for block in blocks for cell in block.columns[name]] == list(whole.columns[name])


def test_a_large_cohort_of_few_patterns_is_decided_pattern_by_pattern(monkeypatch) -> None:
    import mlpa_caller.risk.table as module

    seen = []
    real = module.decide
    monkeypatch.setattr(module, "decide", lambda rule, masks: seen.append(masks) or real(rule, masks))
    n = 3_000
    names = text_array([f"P{i}" for i in range(n)])
    calls = Table(
        {
            "sample": names,
            "gene": text_array(["IKZF1"] * n),
            "status": text_array(["loss", "normal", "not_evaluable"] * (n // 3)),
            "exons": text_array(["4-7", "", ""] * (n // 3)),
            "n_probes": np.full(n, 4.0),
        }
    )
    rng = np.random.default_rng(3)
    clinical = clinical_from_columns(list(names), {"mrd_day15": [f"{v:.5f}" for v in rng.uniform(0, 0.3, n)]})
    table = classify(calls, clinical, classifiers=["zheng-2019-ikzf1", "cclg-2008-mrd"])
    assert len(table) == 2 * n
    assert len(seen) <= 3 + 5 + 3  # three gene states; five places of day 15; three in the printed form
