"""The statistics against R, against other libraries' figures, and at their edges."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lifelines", reason="the extra [cohort] is not installed")

from mlpa_caller.cohort.competing import cumulative_incidence, gray_test
from mlpa_caller.cohort.contingency import compare_counts, odds_ratio, proportion_interval
from mlpa_caller.cohort.curves import kaplan_meier, median_time, reverse_median
from mlpa_caller.cohort.hazard import adjusted_hazards, hazard_ratios, log_rank, observed_expected
from mlpa_caller.errors import InputError

FACTS = Path(__file__).resolve().parents[1].parent / "shared" / "facts" / "publications"
with_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the shared publications are not here")


def rows(name):
    with (FACTS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def demo():
    table = rows("golden_gray_demo.csv")
    time = np.array([float(row["ft"]) for row in table])
    cause = np.array([int(row["fs"]) for row in table])
    group = np.array([row["g"] == "B" for row in table]).astype(np.int64)
    golden = json.loads((FACTS / "golden_statistics.json").read_text(encoding="utf-8"))
    return time, cause, group, golden


@with_facts
def test_agreement_with_r_survival_and_cmprsk(demo):
    time, cause, group, golden = demo
    got = {}
    curve = kaplan_meier(time, cause > 0)
    for t in (1, 2, 4):
        at = curve.at(t)
        got |= {
            f"km_t{t}": at.value,
            f"km_se_t{t}": at.error,
            f"km_loglog_lo_t{t}": at.low,
            f"km_loglog_hi_t{t}": at.high,
        }
        for g, name in enumerate("AB"):
            own = cumulative_incidence(time[group == g], cause[group == g])
            for k in (1, 2):
                got |= {f"cif_{name}_{k}_t{t}": own.at(t, k), f"cifvar_{name}_{k}_t{t}": own.variance(t, k)}
    for k in (1, 2):
        test = gray_test(time, cause, group, 2, k)
        got |= {f"gray_stat_cause{k}": test.statistic, f"gray_p_cause{k}": test.p}
    got["logrank_chisq"] = log_rank(time, cause > 0, group, 2).statistic
    ratio = hazard_ratios(time, cause == 1, group, ("A", "B"))[0]
    got |= {"cox_cause1_B_coef_efron": ratio.coefficient, "cox_cause1_B_se": ratio.error}
    assert got.keys() == golden.keys()
    for name, value in golden.items():
        assert got[name] == pytest.approx(value, rel=1e-9, abs=0), name


@with_facts
def test_the_general_cox_model_agrees_too(demo):
    time, cause, group, golden = demo
    (ratio,) = adjusted_hazards(time, cause == 1, {"B": group.astype(float)})
    assert ratio.coefficient == pytest.approx(golden["cox_cause1_B_coef_efron"], rel=1e-9)
    assert ratio.error == pytest.approx(golden["cox_cause1_B_se"], rel=1e-9)


@with_facts
@pytest.mark.parametrize("row", rows("recomputed_contingency_tests.csv") if FACTS.is_dir() else [],
                         ids=lambda row: f"{row['publication']}-{row['table']}-{row['comparison']}")  # fmt: skip
def test_every_recomputed_contingency_table(row):
    found = compare_counts(json.loads(row["counts"]))
    for name, column in (("pearson", "pearson_chi2"), ("pearson_p", "pearson_p"), ("min_expected", "min_expected"),
                         ("yates", "yates_chi2"), ("yates_p", "yates_p"), ("fisher_p", "fisher_p"), ("g", "G"),
                         ("g_p", "G_p")):  # fmt: skip
        text = row[column]
        if text:  # printed with four decimals, or six digits
            assert getattr(found, name) == pytest.approx(
                float(text), rel=6e-6, abs=0 if name.endswith("_p") else 6e-5
            ), name
    assert found.df == int(row["df"])
    assert (found.min_expected >= 5) == (row["cochran_ok"] == "True")
    assert any("expected count" in note for note in found.warnings) == (row["cochran_ok"] == "False")
    if row["fisher_p"]:  # the table has no exact test of 2 x 3 tables
        assert found.flips == (row["significance_flips_at_0.05"] == "True")


def test_exact_test_of_two_by_three_against_its_definition():
    table = np.array([[5, 7, 12], [68, 119, 67]])
    # By definition: hypergeometric probabilities of all tables with these margins, summed up to the observed one.
    from math import comb

    columns, drawn = table.sum(axis=0), 24
    weight = {
        (a, b): comb(73, a) * comb(126, b) * comb(79, drawn - a - b) for a in range(25) for b in range(25 - a)
    }
    assert list(columns) == [73, 126, 79]
    seen = weight[5, 7]
    p = sum(w for w in weight.values() if w <= seen) / comb(278, drawn)
    found = compare_counts(table)
    assert found.fisher_p == pytest.approx(p, rel=1e-9)
    assert found.flips  # Pearson 0.047, exact 0.058
    assert compare_counts(table.T).fisher_p == pytest.approx(p, rel=1e-9)


def test_counts_that_cannot_be_compared():
    assert compare_counts([[3, 4], [0, 0]]).reason == "only one group or one value: nothing to compare"
    assert np.isnan(compare_counts([[5], [6]]).pearson_p)
    assert compare_counts([[1, 2, 0], [3, 4, 0]]).df == 1  # a value that nobody has is left out
    with pytest.raises(InputError, match="negative or not a whole number"):
        compare_counts([[1, -1], [2, 3]])
    with pytest.raises(InputError, match="not a whole number"):
        compare_counts([[0.5, 1], [2, 3]])


def test_odds_ratio_with_and_without_zeros():
    woolf = odds_ratio([[12, 12], [53, 201]])
    # ln 3.7925 +- 1.959964 * sqrt(1/12 + 1/12 + 1/53 + 1/201)
    assert (woolf.estimate, woolf.low, woolf.high) == pytest.approx(
        (201 / 53, 1.6121026, 8.9217015), rel=1e-7
    )
    none = odds_ratio([[0, 34], [7, 11]])
    assert (none.estimate, none.low) == (0, 0)
    assert none.high == pytest.approx(0.2773656018, rel=1e-6)  # fisher.test(matrix(c(0,7,34,11),2))$conf.int
    endless = odds_ratio([[34, 0], [11, 7]])
    assert np.isnan(endless.estimate)
    assert endless.reason == "the odds ratio is infinite: a count is zero"
    assert endless.low == pytest.approx(1 / 0.2773656018, rel=1e-6)
    assert odds_ratio([[0, 0], [7, 11]]).reason == "a group or a value is empty"


def test_interval_of_a_proportion():
    assert proportion_interval(0, 10) == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    assert proportion_interval(10, 10) == pytest.approx((0.025 ** (1 / 10), 1))
    assert all(np.isnan(proportion_interval(0, 0)))


# comprisk 0.8.0, gray_test(time, cause, group) on the data of `four_groups`: three seeds, rounded times with ties.
COMPRISK = {0: 5.543054763889911, 1: 1.2741132954387484, 2: 3.3070827775347764}


def four_groups(seed):
    rng = np.random.default_rng(seed)
    n = 150
    return np.round(rng.exponential(3, n), 1), rng.integers(0, 3, n), rng.integers(0, 4, n)


@pytest.mark.parametrize(("seed", "statistic"), COMPRISK.items())
def test_gray_of_four_groups_with_ties(seed, statistic):
    time, cause, group = four_groups(seed)
    found = gray_test(time, cause, group, 4)
    assert (found.statistic, found.df) == (pytest.approx(statistic, rel=1e-9), 3)
    order = np.random.default_rng(seed).permutation(len(time))
    again = gray_test(time[order], cause[order], (group[order] + 1) % 4, 4)
    assert again.statistic == pytest.approx(found.statistic, rel=1e-9)  # neither order nor names matter


def test_gray_is_close_to_the_log_rank_test_without_competing_events():
    rng = np.random.default_rng(5)
    time, event, group = rng.exponential(3, 4000), rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    one = gray_test(time, event, group, 2).statistic
    two = log_rank(time, event > 0, group, 2).statistic
    assert one == pytest.approx(two, rel=0.02)


def test_without_censoring_the_delta_variance_is_the_binomial():
    time = np.arange(20.0)
    cause = np.r_[np.ones(8), np.full(12, 2)].astype(np.int64)
    found = cumulative_incidence(time, cause)
    assert found.at(19, 1) == pytest.approx(0.4)
    assert found.variance(19, 1, "delta") == pytest.approx(0.4 * 0.6 / 20)
    assert found.variance(19, 1, "aalen") > found.variance(19, 1, "delta")


def test_events_at_time_zero_count():
    found = cumulative_incidence(np.array([0.0, 0, 1, 2]), np.array([2, 0, 1, 0]))
    assert (found.at(0, 2), found.at(0, 1), found.at(5, 1)) == pytest.approx((0.25, 0, 0.375))
    curve = kaplan_meier(np.array([0.0, 0, 1, 2]), np.array([True, False, True, False]))
    assert curve.at(0).value == pytest.approx(0.75)
    assert curve.at(1).value == pytest.approx(0.375)


@pytest.mark.parametrize("seed", range(5))
def test_incidences_and_survival_add_up(seed):
    rng = np.random.default_rng(seed)
    time, cause = np.round(rng.exponential(2, 60), 1), rng.integers(0, 3, 60)
    found = cumulative_incidence(time, cause)
    assert np.abs(found.incidence.sum(axis=0) + found.survival - 1).max() < 1e-12
    curve = kaplan_meier(time, cause > 0)
    assert np.interp(found.time, curve.time, curve.value) == pytest.approx(found.survival, abs=1e-12)


def test_curves_of_one_patient_and_of_everybody():
    alone = kaplan_meier(np.array([2.0]), np.array([False]))
    assert (alone.at(1).value, alone.at(2).value) == (1, 1)
    assert alone.at(2.1).reason == "nobody was followed this long"
    assert np.isnan(alone.at(2.1).value)
    assert np.isnan(median_time(alone))
    gone = kaplan_meier(np.array([1.0, 1, 1]), np.array([True, True, True]))
    assert (gone.at(0.5).value, gone.at(1).value, gone.at(9).value) == (
        1,
        0,
        0,
    )  # known for ever: nobody is left
    assert gone.at(1).reason == "no interval at 0 %"
    assert median_time(gone) == 1


def test_medians_as_survfit_prints_them():
    # Surv(c(1,2,3,4), c(1,1,1,1)): survival is 0.5 from 2 to 3, survfit prints 2.5
    assert median_time(kaplan_meier(np.array([1.0, 2, 3, 4]), np.ones(4, dtype=bool))) == 2.5
    assert median_time(kaplan_meier(np.array([1.0, 2, 3]), np.ones(3, dtype=bool))) == 2
    # reverse: the censored times 2 and 4 are the events; at risk 3 and 1
    assert reverse_median(np.array([1.0, 2, 3, 4]), np.array([True, False, True, False])) == 4


def test_log_rank_where_nothing_can_be_compared():
    ones = np.ones(4, dtype=bool)
    time, group = np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])
    assert log_rank(time, ~ones, group, 2).reason == "no event in any group"
    assert log_rank(time, ones, np.zeros(4, dtype=np.int64), 2).reason.startswith("fewer than two groups")
    same = np.ones(4)
    assert (
        log_rank(same, ones, group, 2).reason == "the groups were never at risk at the same time of an event"
    )
    early = np.array([5.0, 6, 1, 1])  # the second group is censored before the first event
    assert log_rank(early, np.array([True, True, False, False]), group, 2).reason.startswith("fewer than two")
    third = log_rank(np.array([3.0, 4, 5, 6, 1, 1]), np.array([1, 1, 1, 1, 0, 0], dtype=bool),
                     np.array([0, 1, 0, 1, 2, 2]), 3)  # fmt: skip
    assert third.df == 1  # as survdiff: a group that is never at risk at an event does not count


def test_observed_and_expected_events():
    observed, expected = observed_expected(
        np.array([1.0, 2, 3, 4]), np.ones(4, dtype=bool), np.array([0, 0, 1, 1]), 2
    )
    assert list(observed) == [2, 2]
    assert expected == pytest.approx([2 / 4 + 1 / 3, 2 / 4 + 2 / 3 + 1 + 1])


def test_hazard_ratios_that_do_not_exist():
    time, group = np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])
    assert (
        hazard_ratios(time, np.array([1, 1, 0, 0], dtype=bool), group, ("a", "b"))[0].reason
        == "no event in this group"
    )
    (ratio,) = hazard_ratios(time, np.array([0, 0, 1, 1], dtype=bool), group, ("a", "b"))
    assert ratio.reason == "no event in the reference group a"
    (ratio,) = hazard_ratios(time, np.ones(4, dtype=bool), group, ("a", "b"))  # all of a before all of b
    assert ratio.reason.startswith("no finite ratio")
    (ratio,) = hazard_ratios(time, np.ones(4, dtype=bool), np.zeros(4, dtype=np.int64), ("a", "b"))
    assert ratio.reason == "no patient in this group"


@pytest.mark.parametrize("seed", range(4))
def test_hazard_ratios_agree_with_the_general_model(seed):
    rng = np.random.default_rng(seed)
    time, event, group = (
        np.round(rng.exponential(3, 80), 1),
        rng.integers(0, 2, 80) > 0,
        rng.integers(0, 3, 80),
    )
    own = hazard_ratios(time, event, group, ("a", "b", "c"))
    other = adjusted_hazards(
        time, event, {name: (group == i).astype(float) for i, name in ((1, "b"), (2, "c"))}
    )
    for one, two in zip(own, other):
        assert one.name == two.name
        for field in ("coefficient", "error", "p"):
            assert getattr(one, field) == pytest.approx(getattr(two, field), abs=1e-8)


def test_a_cox_model_without_solution_is_refused():
    time, event = np.arange(1.0, 9), np.ones(8, dtype=bool)
    with pytest.raises(InputError, match="x is the same in all patients"):
        adjusted_hazards(time, event, {"x": np.ones(8)})
    with pytest.raises(InputError, match="there is no event"):
        adjusted_hazards(time, ~event, {"x": np.arange(8.0)})
    with pytest.raises(InputError, match="no finite solution"):
        adjusted_hazards(time, event, {"x": np.arange(8.0), "y": 2 * np.arange(8.0)})
