"""The engine: every completion of what is missing, checked by counting and by properties."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from risk_cases import call_table, people, row

from mlpa_caller.risk import classify
from mlpa_caller.risk.classifiers.base import Open
from mlpa_caller.risk.engine import decide
from mlpa_caller.risk.rules import load_rules

RULES = load_rules()
EIGHT = ("IKZF1", "CDKN2AB", "PAR1", "BTG1", "EBF1", "PAX5", "ETV6", "RB1")

# The seven good profiles, written out here once more, from the text
GOOD = [set(), {"ETV6"}, {"PAX5"}, {"BTG1"}, {"ETV6", "BTG1"}, {"ETV6", "PAX5"}, {"ETV6", "CDKN2AB"}]


def tier(deleted: set[str]) -> str:
    if deleted in GOOD:
        return "good"
    return "poor" if deleted & {"IKZF1", "PAR1", "EBF1", "RB1"} else "intermediate"


def test_ukall_profiles_split_7_9_240() -> None:
    rule = RULES["ukall-cna-2014"]
    counts = dict.fromkeys(("good", "intermediate", "poor"), 0)
    for states in itertools.product((1, 2), repeat=8):
        counts[decide(rule, states).result] += 1
    assert counts == {"good": 7, "intermediate": 9, "poor": 240}


def ukall_states(states) -> set[str]:
    """Every tier that the unknown genes leave open, by brute force."""
    sure = {gene for gene, state in zip(EIGHT, states) if state == "deleted"}
    open_ = [gene for gene, state in zip(EIGHT, states) if state == "unknown"]
    return {
        tier(sure | set(more))
        for size in range(len(open_) + 1)
        for more in itertools.combinations(open_, size)
    }


def test_ukall_over_all_gene_states_through_the_tables() -> None:
    """All 3^8 states as call tables: 6561 patients."""
    member = {"CDKN2AB": ("CDKN2A", "CDKN2B"), "PAR1": ("CSF2RA", "CRLF2", "IL3RA")}
    all_states = list(itertools.product(("not_deleted", "deleted", "unknown"), repeat=8))
    rows, names = [], [f"P{i}" for i in range(len(all_states))]
    for name, states in zip(names, all_states):
        for gene, state in zip(EIGHT, states):
            genes = member.get(gene, (gene,))
            status = {"not_deleted": "normal", "deleted": "loss", "unknown": "not_evaluable"}[state]
            rows.append(row(name, genes[0], status))
            rows += [row(name, other) for other in genes[1:]]
    clinical = people([{"lineage": "B"}] * len(names), names)
    table = classify(call_table(rows), clinical, classifiers=["ukall-cna-2014", "ukall-cna-two-tier"])
    results = list(zip(table.columns["class"], table.columns["possible_classes"]))
    for i, states in enumerate(all_states):
        expected = ukall_states(states)
        three, two = results[2 * i], results[2 * i + 1]
        assert set(three[1].split(";")) == expected
        assert three[0] == (expected.pop() if len(expected) == 1 else "indeterminate")
        coarse = {"good" if name == "good" else "poor" for name in ukall_states(states)}
        assert set(two[1].split(";")) == coarse


def mrd(values: tuple[float, float, float], limits) -> str:
    for name in ("HR", "IR"):
        if any(value >= limit for value, limit in zip(values, limits[name])):
            return name
    return "SR"


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("cclg-2008-mrd", {"HR": (1e-1, 1e-2, 1e-3), "IR": (1e-2, 1e-4, 1e-4)}),
        ("cclg-2008-mrd-as-printed", {"HR": (1e-2, 1e-4, 1e-3), "IR": (1e-2, 1e-4, 1e-4)}),
    ],
)
def test_mrd_over_a_grid_with_every_pattern_of_missing(name, limits) -> None:
    texts = ["", "0", "1e-5", "0.0001", "5e-4", "1e-3", "0.005", "1e-2", "0.05", "0.1", "0.3"]
    fill = [0.0, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1, 0.3, 1.0]
    grid = list(itertools.product(texts, repeat=3))
    names = [f"P{i}" for i in range(len(grid))]
    columns = ("mrd_day15", "mrd_day33", "mrd_preconsolidation")
    clinical = people([dict(zip(columns, values)) for values in grid], names)
    table = classify(call_table([]), clinical, classifiers=[name])
    for i, values in enumerate(grid):
        options = [fill if value == "" else [float(value)] for value in values]
        expected = {mrd(full, limits) for full in itertools.product(*options)}
        assert set(table.columns["possible_classes"][i].split(";")) == expected
        result = table.columns["class"][i]
        assert result == (next(iter(expected)) if len(expected) == 1 else "indeterminate")
        on_limit = [
            column
            for column, value, cuts in zip(columns, values, zip(limits["HR"], limits["IR"]))
            if value and float(value) in cuts
        ]
        assert table.columns["boundary"][i] == ";".join(on_limit)
        assert table.columns["missing_inputs"][i] == ";".join(
            column for column, value in zip(columns, values) if not value
        )


def test_adding_information_never_turns_a_class_into_another() -> None:
    """For every rule: nested knowledge leaves a class or makes it known, and never changes it."""

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def nested(data) -> None:
        for rule in RULES.values():
            full = [(1 << len(item.domain)) - 1 for item in rule.inputs]
            less = [data.draw(st.integers(1, mask)) for mask in full]
            more = []
            for mask in less:
                bits = [1 << i for i in range(mask.bit_length()) if mask >> i & 1]
                more.append(sum(data.draw(st.sets(st.sampled_from(bits), min_size=1))))
            before, after = decide(rule, tuple(less)), decide(rule, tuple(more))
            assert set(after.possible) <= set(before.possible)
            if before.result != "indeterminate":
                assert after.result == before.result
                assert before.deciding == ()

    nested()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_engine_agrees_with_brute_force(data) -> None:
    """Possible classes and deciding inputs, by evaluating the classifier on every completion."""
    rule = data.draw(st.sampled_from([rule for rule in RULES.values() if rule.id != "sutton-2018"]))
    masks = [data.draw(st.integers(1, (1 << len(item.domain)) - 1)) for item in rule.inputs]
    allowed = [[i for i in range(mask.bit_length()) if mask >> i & 1] for mask in masks]
    names = [item.name for item in rule.inputs]

    def outcome(choice) -> frozenset[str]:
        answer = rule.evaluate(
            {name: item.domain[i].value for name, item, i in zip(names, rule.inputs, choice)}
        )
        return frozenset(answer.classes) if isinstance(answer, Open) else frozenset([answer])

    found = {choice: outcome(choice) for choice in itertools.product(*allowed)}
    decision = decide(rule, tuple(masks))
    assert set(decision.possible) == frozenset().union(*found.values())
    deciding = {
        names[i]
        for choice in found
        for i, values in enumerate(allowed)
        for value in values
        if found[(*choice[:i], value, *choice[i + 1 :])] != found[choice]
    }
    expected = deciding if len(decision.possible) > 1 else set()
    assert set(decision.deciding) == expected


def test_an_input_that_cannot_change_the_class_does_not_decide() -> None:
    rule = RULES["ukall-cna-2014"]
    # ETV6 deleted, PAX5 deleted, all poor genes intact, CDKN2AB known: only BTG1 is open, and it decides
    masks = dict.fromkeys((item.name for item in rule.inputs), 1)
    masks.update(ETV6=2, PAX5=2, BTG1=3)
    decision = decide(rule, tuple(masks.values()))
    assert decision.possible == ("good", "intermediate")
    assert decision.deciding == ("BTG1",)
    # with CDKN2AB deleted the profile is intermediate whatever BTG1 is
    masks["CDKN2AB"] = 2
    assert decide(rule, tuple(masks.values())).possible == ("intermediate",)
    # without ETV6 a deletion of CDKN2AB makes the profile intermediate, whatever PAX5 is: PAX5 does not decide
    masks.update(CDKN2AB=3, ETV6=1, PAX5=3, BTG1=1)
    assert decide(rule, tuple(masks.values())).deciding == ("CDKN2AB",)
    # with ETV6 only both together leave the good profiles: both are named
    masks["ETV6"] = 2
    assert decide(rule, tuple(masks.values())).deciding == ("CDKN2AB", "PAX5")


def test_a_case_the_source_leaves_open_names_its_reason() -> None:
    rule = RULES["vavilova-2023-time"]
    gap = decide(rule, (1 << 4, 1 << 0))
    assert gap.result == "indeterminate"
    assert gap.possible == ("late", "early")
    assert gap.deciding == ()
    assert gap.why == "no printed definition holds: past the early interval, not yet late"
    overlap = decide(rule, (1 << 2, 1 << 2))
    assert overlap.why == "the printed definitions of late and early both hold"
