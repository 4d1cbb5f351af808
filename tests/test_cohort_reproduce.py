"""The published tables, carried and recomputed."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lifelines", reason="the extra [cohort] is not installed")

from mlpa_caller.refdata import reference_root, reference_rows

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT.parent / "shared" / "facts" / "publications"
with_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the shared publications are not here")

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import reproduce, reproduce_counts, reproduce_survival  # noqa: E402
from benchmarks.reproduce_figures import EXPLAINED, MATCH, ROUNDING, WRONG, agrees  # noqa: E402


def shared(name):
    with (FACTS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_carried_row_has_place_source_and_confidence():
    names = sorted(path.name for path in (reference_root() / "publications").glob("*.csv"))
    assert len(names) == 24
    for name in names:
        for row in reference_rows(f"publications/{name}"):
            assert row["source"].strip()
            assert row["confidence"] in ("read", "derived", "high", "medium", "low")
            if name != "publications.csv":
                assert row["publication"]
                assert row["location"].strip()


@with_facts
@pytest.mark.parametrize("name", [path.name for path in sorted(FACTS.glob("*.csv"))
                                  if not path.name.startswith(("golden", "recomputed"))])  # fmt: skip
def test_carried_tables_hold_what_the_publications_print(name):
    """Every printed cell of the shared tables stands in the carried one, row by row."""
    mine, theirs = reference_rows(f"publications/{name}"), shared(name)
    assert len(mine) == len(theirs)
    own_to_us = ("pct_computed", "high_risk_computed", "high_risk_reasons")
    for own, printed in zip(mine, theirs):
        assert sorted(value for key, value in printed.items() if key not in own_to_us) == sorted(
            value for key, value in own.items() if key not in ("source", "confidence", "part_of")
        )


def test_goals_hold_and_nothing_differs_without_a_reason():
    found = reproduce.figures(quick=True)
    assert reproduce.missed(found, quick=True) == []
    assert len(found) > 300
    assert all(figure.location and figure.printed for figure in found)
    assert all(figure.explanation for figure in found if figure.verdict in (EXPLAINED, ROUNDING))


def test_a_wrong_count_is_noticed(monkeypatch):
    rows = [dict(row) for row in reference_rows("publications/zheng2019_table2_features.csv")]
    rows[0]["n"] = "17"  # printed: 16 of 24 boys

    def changed(name):
        return rows if name.endswith("zheng2019_table2_features.csv") else reference_rows(name)

    monkeypatch.setattr(reproduce_counts, "reference_rows", changed)
    verdicts = {figure.what: figure.verdict for figure in reproduce_counts.percentages()}
    assert verdicts["sex, male, IKZF1_deleted: 17/24"] == WRONG
    tests = {figure.what.split(":")[0]: figure.verdict for figure in reproduce_counts.tests()}
    assert (tests["sex"], tests["age_years"]) == (WRONG, MATCH)


@with_facts
def test_every_recomputed_survival_figure():
    """The counts of possible courses and the figures of recomputed_survival.csv."""
    text = {(row["publication"], row["quantity"]): row for row in shared("recomputed_survival.csv")}
    assert len(text) == 26
    searched = {figure.what: figure for figure in reproduce_survival.searched_figures(quick=False)}

    def courses(what):
        (figure,) = [figure for name, figure in searched.items() if name.startswith(what)]
        return figure.recomputed, figure.explanation

    for what, number in (("EFS, clinical HR & IKZF1_deleted", "3 courses"), ("EFS, clinical non-HR", "1 courses"),
                         ("EFS, IKZF1_deleted & BCR-ABL1+", "1 courses"),
                         ("EFS, IKZF1_deleted & BCR-ABL1-", "8 courses"),
                         ("EFS, IKZF1_deleted (n", "110 courses"), ("OS, CAR-T autologous", "1 courses"),
                         ("LFS, CAR-T autologous", "1 courses"), ("OS, CAR-T allogeneic", "1 courses"),
                         ("OS, relapse <=6", "1 courses"), ("LFS, relapse <=6", "1 courses"),
                         ("LFS, relapse >6", "12 courses")):  # fmt: skip
        assert courses(what)[0].startswith(number), what
    assert (
        courses("OS, relapse >6")[0]
        == "no course of 6 events gives it; 18 give the interval, with 75.4-75.6 %"
    )
    for what, sets in (("OS, CAR-T allogeneic", "(11, 10, 9, 8, 7, 3)"), ("LFS, relapse <=6", "(10, 9, 8, 7, 4, 2)"),
                       ("EFS, IKZF1_deleted & BCR-ABL1+", "(8, 5)"), ("EFS, clinical non-HR", "(11, 10)")):  # fmt: skip
        assert sets in courses(what)[1]
    infants = {figure.what: figure.recomputed for figure in reproduce_survival.infant_figures()}
    assert infants["3-year EFS, all infants (n = 9)"] == "66.7 +- 15.7"
    assert infants["3-year EFS, high risk (>=1 of 3 criteria) (n = 7)"] == "57.1 +- 18.7"
    assert infants["3-year EFS, age >=6 months (n = 7)"] == "85.7 +- 13.2"
    assert infants["3-year EFS, high risk with HSCT (n = 6)"] == "66.7 +- 19.2"
    by_age = infants["EFS by age below 6 months"]
    for p in ("0.0462", "0.0176", "0.0019", "0.0771", "0.0209", "0.0023"):
        assert p in by_age
        assert p in text["lee2011", "age <6 vs >=6 months"]["recomputed"]
    relapses = {figure.what: figure.recomputed for figure in reproduce_survival.relapse_figures()}
    assert relapses["CIR, REZ 2014 HR (n = 19)"].startswith("47.4 +- 12.1 to 12.3")
    assert relapses["EFS, REZ 2014 HR (n = 19)"] == "15.8 +- 8.4"
    assert relapses["EFS, REZ 2016 HR (n = 57)"].startswith("crude 43.9 +- 6.6")


@with_facts
def test_transplant_intervals_and_the_impossible_mortality():
    from benchmarks.reproduce_transplant import transplant_figures

    found = {figure.what: figure for figure in transplant_figures()}
    assert found["acute GVHD III-IV (2/41)"].recomputed == "4.88 (1.3-18.8)"
    assert found["acute GVHD II-IV (20/41)"].recomputed == "48.78 (35.6-66.8)"
    assert found["PTLD (3/41)"].recomputed == "7.32 (2.5-21.8)"
    year = found["NRM <= 1 - OS, all, 12 months"]
    assert year.recomputed == "1 - OS = 32.9; standard error 0.089 against 0.089 of OS"
    assert found["NRM <= 1 - OS, CAR-T autologous, 12 months"].explanation.startswith("impossible")


def test_rounding_verdicts():
    assert agrees(66.666, "66.7") == MATCH
    assert agrees(12.5, "12") == ROUNDING
    assert agrees(12.5, "13") == MATCH
    assert agrees(26.3158, "26.4") == ROUNDING
    assert agrees(26.3158, "26.5") == ""
    assert agrees(2.5e-13, "<0.001") == MATCH
    assert agrees(0.01, "<0.001") == ""


def test_command_prints_and_exits_zero():
    done = subprocess.run([sys.executable, "-W", "error", "-m", "benchmarks.reproduce", "--quick"], cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "goals met" in done.stdout
    assert "zheng2019     match            mrd_day15: [[8, 16], [43, 211]]" in done.stdout


def test_stored_result_is_of_this_version():
    stored = json.loads((ROOT / "benchmarks" / "results" / "reproduce.json").read_text(encoding="utf-8"))
    assert stored["goals_met"]
    assert stored["verdicts"].get(WRONG, 0) == 0
