"""Survival figures of the publications: from patients where they are printed, from the risk sets where not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

from benchmarks.reproduce_figures import (
    CONSISTENT,
    EXPLAINED,
    MATCH,
    UNKNOWN,
    WRONG,
    Figure,
    agrees,
    explain,
    settle,
    worst,
)
from mlpa_caller.cohort.competing import cumulative_incidence
from mlpa_caller.cohort.curves import kaplan_meier
from mlpa_caller.cohort.hazard import log_rank
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.refdata import reference_rows
from mlpa_caller.risk import classify, clinical_from_columns

Z = 1.96
HALF, TWICE = 0.5, 0.6
"""How far, in units of the last digit, a number may lie from its print: rounded once, or from a rounded number."""
QUICK_PATTERNS = 50_000
KMT2A = {"rearranged": "rearranged", "duplication": "duplicated", "none": "germline"}
RELAPSE_MONTHS = {"before the deaths": 6.0, "between them": 17.0, "after them": 28.0}


def infants() -> tuple[dict[str, dict[str, str]], dict[str, tuple[float, bool]]]:
    """Return Table 1 of the nine infants, and months and event of each; the relapse between the deaths."""
    table = {row["patient"]: row for row in reference_rows("publications/lee2011_table1_patients.csv")}
    events = {}
    for row in reference_rows("publications/lee2011_events.csv"):
        months = float(row["months"]) if row["months"] else RELAPSE_MONTHS["between them"]
        events[row["patient"]] = (months, row["event"] != "none")
    return table, events


def high_risk(table: dict[str, dict[str, str]]) -> list[str]:
    """Return the infants that the classifier of the publication calls high risk."""
    columns = {
        "age_years": [repr(float(row["age_months"]) / 12) for row in table.values()],
        "wbc_e9_per_l": [repr(float(row["wbc_per_ul"]) / 1000) for row in table.values()],
        "kmt2a": [KMT2A[row["mll_class"]] for row in table.values()],
    }
    calls = Table({name: text_array([]) for name in ("sample", "gene", "status", "exons")})
    found = classify(calls, clinical_from_columns(list(table), columns), classifiers=("lee-2011-infant",))
    return [s for s, c in zip(found.columns["sample"], found.columns["class"]) if c == "high"]


def infant_figures() -> Iterator[Figure]:
    """Give event-free survival of the nine infants, and the test by age."""
    table, events = infants()
    groups = {
        "all infants": list(table),
        "high risk (>=1 of 3 criteria)": high_risk(table),
        "age >=6 months": [p for p, row in table.items() if float(row["age_months"]) >= 6],
        "age <6 months": [p for p, row in table.items() if float(row["age_months"]) < 6],
        "high risk with HSCT": [
            row["patient"] for row in reference_rows("publications/lee2011_table2_hsct.csv")
        ],
    }
    for row in reference_rows("publications/lee2011_efs.csv"):
        own = [events[p] for p in groups[row["group"]]]
        found = kaplan_meier(np.array([t for t, _ in own]), np.array([e for _, e in own])).at(36.0)
        value, error = 100 * found.value, 100 * found.error
        same = [agrees(value, row["percent_printed"])] + (
            [agrees(error, row["error_printed"])] if row["error_printed"] else []
        )
        verdict, why = settle(
            worst(same) if len(own) == int(row["n"]) else "", "lee2011-1" if "HSCT" in row["group"] else ""
        )
        if verdict == EXPLAINED:
            five = (
                100
                * kaplan_meier(np.array([1.0, 2, 3, 3, 3]), np.array([1, 1, 0, 0, 0], dtype=bool))
                .at(3.0)
                .error
            )
            why += f"; 3 of 5 would be 60.0 +- {five:.1f}"
        error_printed = f" +- {row['error_printed']}" if row["error_printed"] else ""
        yield Figure(
            "lee2011",
            row["location"],
            "survival",
            f"3-year EFS, {row['group']} (n = {len(own)})",
            f"{row['percent_printed']}{error_printed}",
            f"{value:.1f} +- {error:.1f}",
            verdict,
            why,
        )
    yield _age_test(table, events)


def _age_test(table: dict[str, dict[str, str]], events: dict[str, tuple[float, bool]]) -> Figure:
    young = np.array([float(row["age_months"]) < 6 for row in table.values()]).astype(np.int64)
    relapsed = next(
        row["patient"]
        for row in reference_rows("publications/lee2011_events.csv")
        if row["event"] == "relapse"
    )
    parts, fits = [], []
    for when, months in RELAPSE_MONTHS.items():
        time = np.array([months if p == relapsed else t for p, (t, _) in events.items()])
        event = np.array([e for _, e in events.values()])
        p = [log_rank(time, event, young, 2, breslow=breslow).p for breslow in (False, True)]
        parts.append(f"relapse {when}: log-rank {p[0]:.4f}, Breslow {p[1]:.4f}")
        fits += [
            f"{name}, relapse {when}"
            for name, value in zip(("log-rank", "Breslow"), p)
            if agrees(value, "0.021") == MATCH
        ]
    verdict = CONSISTENT if fits == ["Breslow, relapse between them"] else WRONG
    return Figure(
        "lee2011",
        "line 111",
        "survival",
        "EFS by age below 6 months",
        "p 0.021",
        "; ".join(parts),
        verdict,
        f"only {fits}; {explain('lee2011-9')}",
    )


def risk_set_patterns(n: int, events: int, fits: dict[str, str]) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Return the risk sets at the events, largest first, that give a printed estimate, and their estimates.

    Parameters
    ----------
    n
        Patients of the group.
    events
        Events, one at a time.
    fits
        Printed text of ``percent`` (empty: any) and of ``error``, or of ``low`` and ``high``.
    """
    count = comb(n, events)
    flat = np.fromiter(
        (x for row in combinations(range(1, n + 1), events) for x in row), np.int8, count * events
    )
    sets = flat.reshape(count, events)[:, ::-1].astype(np.float64)
    survival = np.prod(1 - 1 / sets, axis=1)
    keep = _near(100 * survival, fits["percent"], HALF) & (survival > 0)
    sets, survival = sets[keep], survival[keep]
    root = np.sqrt((1 / (sets * (sets - 1))).sum(axis=1))
    log = np.log(survival)
    half = Z * root / np.abs(log)
    good = (
        _near(100 * survival * root, fits["error"], HALF)
        & _near(100 * np.exp(log * np.exp(half)), fits["low"], TWICE)
        & _near(100 * np.exp(log * np.exp(-half)), fits["high"], TWICE)
    )
    return [tuple(int(x) for x in row) for row in sets[good]], 100 * survival[good]


def _near(values: np.ndarray, printed: str, share: float) -> np.ndarray:
    """Return which values lie within a share of the last printed digit; all where nothing is printed."""
    if not printed:
        return np.ones(len(values), dtype=bool)
    unit = 10.0 ** -len(printed.partition(".")[2])
    return np.abs(values - float(printed)) <= share * unit + 1e-9


def searched_figures(quick: bool) -> Iterator[Figure]:
    """Give the figures whose patients are not printed, with the risk sets that produce them."""
    for row in reference_rows("publications/risk_set_searches.csv"):
        n, events = int(row["n"]), [int(text) for text in row["events"].split(";")]
        fits = {
            "percent": row["percent_printed"],
            "error": row["error_printed"],
            "low": row["low_printed"],
            "high": row["high_printed"],
        }
        bounds = f" +- {fits['error']}" if fits["error"] else f" ({fits['low']}-{fits['high']})"
        head = (
            row["publication"],
            row["location"],
            "risk sets",
            f"{row['endpoint']}, {row['group']} (n = {n})",
            fits["percent"] + bounds,
        )
        words = f"{row['events'].replace(';', ' or ')} events"
        if quick and max(comb(n, d) for d in events) > QUICK_PATTERNS:
            yield Figure(*head, "", UNKNOWN, "skipped by --quick")
            continue
        found = [pattern for d in events for pattern in risk_set_patterns(n, d, fits)[0]]
        if found:
            sets = "; ".join(map(str, found[:3])) + (" ..." if len(found) > 3 else "")
            why = [f"risk sets {sets}", *([explain(row["inconsistency"])] if row["inconsistency"] else [])]
            verdict = MATCH if len(found) == 1 else CONSISTENT
            yield Figure(*head, f"{len(found)} courses of {words}", verdict, "; ".join(why))
            continue
        other = np.concatenate([risk_set_patterns(n, d, {**fits, "percent": ""})[1] for d in events])
        verdict, reason = settle("", row["inconsistency"] if len(other) else "")
        span = f", with {other.min():.1f}-{other.max():.1f} %" if len(other) else ""
        number = f"no course of {words} gives it; {len(other)} give the interval{span}"
        yield Figure(*head, number, verdict, reason)


def relapse_figures() -> Iterator[Figure]:
    """Give the high-risk groups of Vavilova 2023: cumulative incidence with events at time zero, and crude rates."""
    outcome = {
        (row["outcome"], row["group"]): int(row["n"])
        for row in reference_rows("publications/vavilova2023_table3_outcomes.csv")
    }
    group = "ALL-REZ 2014 S3/4"
    failed, relapsed, died, alive = (
        outcome[name, group] for name in ("non-responder", "relapse", "death in remission", "long-term CR")
    )
    n = failed + relapsed + died + alive
    errors, value = [], 0.0
    for places in combinations(range(relapsed + died), died):
        cause = np.ones(relapsed + died, dtype=np.int64)
        cause[list(places)] = 2
        time = np.r_[np.zeros(failed), np.arange(1.0, relapsed + died + 1), np.full(alive, 99.0)]
        found = cumulative_incidence(time, np.r_[np.full(failed, 2), cause, np.zeros(alive)].astype(np.int64))
        value = 100 * found.at(50.0, 1)
        errors.append(100 * float(np.sqrt(found.variance(50.0, 1))))
    binomial = 100 * float(np.sqrt(found.variance(50.0, 1, "delta")))
    for row in reference_rows("publications/vavilova2023_survival.csv"):
        own = f"{row['percent_printed']} +- {row['error_printed']}"
        what = f"{row['endpoint']}, {row['group']} (n = {row['n']})"
        if row["group"] == "REZ 2014 HR" and row["endpoint"] == "CIR":
            fits = [error for error in errors if agrees(error, row["error_printed"]) == MATCH]
            verdict, why = settle(
                MATCH
                if fits and agrees(value, row["percent_printed"]) == MATCH and n == int(row["n"])
                else "",
                "",
            )
            yield Figure(
                "vavilova2023",
                row["location"],
                "survival",
                what,
                own,
                f"{value:.1f} +- {min(errors):.1f} to {max(errors):.1f} over {len(errors)} orders of events",
                verdict,
                f"{why}variance of cmprsk::cuminc; binomial {binomial:.1f}; {failed} non-responders compete at time 0",
            )
        elif row["group"] == "REZ 2014 HR":
            found_km = kaplan_meier(np.arange(float(n)), np.arange(n) < n - alive).at(n - alive - 1.0)
            value_km, error_km = 100 * found_km.value, 100 * found_km.error
            whole = [
                agrees(value_km, str(int(float(row["percent_printed"])))),
                agrees(error_km, str(int(float(row["error_printed"])))),
            ]
            yield Figure(
                "vavilova2023",
                row["location"],
                "survival",
                what,
                own,
                f"{value_km:.1f} +- {error_km:.1f}",
                *settle(worst(whole), ""),
            )
        else:
            yield _crude(row, what, own)


def _crude(row: dict[str, str], what: str, printed: str) -> Figure:
    """Give the rate without regard to censoring, where the print names a count; the times are not printed."""
    n, count = int(row["n"]), row["events_printed"].split(" ")[0]
    if not count:
        return Figure(
            "vavilova2023",
            row["location"],
            "survival",
            what,
            printed,
            "",
            UNKNOWN,
            "times of events and censoring are not printed",
        )
    p = int(count) / n
    error = 100 * float(np.sqrt(p * (1 - p) / n))
    return Figure(
        "vavilova2023",
        row["location"],
        "survival",
        what,
        printed,
        f"crude {100 * p:.1f} +- {error:.1f} ({row['events_printed']})",
        UNKNOWN,
        "times of censoring are not printed",
    )


def other_figures() -> Iterator[Figure]:
    """Give the figures that nobody can recompute from the print, so that none is passed over in silence."""
    searched = {
        (row["publication"], row["group"], row["endpoint"])
        for row in reference_rows("publications/risk_set_searches.csv")
    }
    done = ("acute GVHD", "PTLD", "NRM")
    for row in reference_rows("publications/ludaopei2021_outcomes.csv"):
        if (row["publication"], row["group"], row["endpoint"]) not in searched and not row[
            "endpoint"
        ].startswith(done):
            yield Figure(
                "ludaopei2021",
                row["location"],
                "survival",
                f"{row['endpoint']}, {row['group']}, {float(row['month']):.1f} months",
                f"{row['percent_printed']} ({row['low_printed']}-{row['high_printed']})",
                "",
                UNKNOWN,
                "times of events and censoring are not printed",
            )
    for row in reference_rows("publications/ludaopei2021_table2_univariate_p.csv"):
        yield Figure(
            "ludaopei2021",
            row["location"],
            "Table 2, tests",
            f"{row['endpoint']} by {row['factor']} ({row['test']})",
            f"p {row['p_printed']}",
            "",
            UNKNOWN,
            "times by group are not printed",
        )
    for row in reference_rows("publications/zheng2019_efs.csv"):
        if ("zheng2019", row["group"], "EFS") not in searched:
            yield Figure(
                "zheng2019",
                row["location"],
                "survival",
                f"EFS, {row['group']} (n = {row['n']})",
                f"{row['percent_printed']} +- {row['error_printed']}",
                "",
                UNKNOWN,
                "times of events and censoring are not printed",
            )
        if row["p_printed"]:
            yield Figure(
                "zheng2019",
                row["location"],
                "survival",
                f"log-rank, {row['comparison']}",
                f"p {row['p_printed']}",
                "",
                UNKNOWN,
                "times by group are not printed",
            )
