"""Percentages, contingency tests and medians of the publications, recomputed from their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from benchmarks.reproduce_figures import EXPLAINED, MATCH, ROUNDING, Figure, agrees, explain, settle
from mlpa_caller.cohort.contingency import Comparison, compare_counts
from mlpa_caller.refdata import reference_rows

PERCENT_TABLES = {
    "zheng2019_table1_subtype": ("Table 1", ("subtype",), "n_deleted", "n_total"),
    "zheng2019_table2_features": ("Table 2", ("feature", "level", "group"), "n", "group_n"),
    "zheng2019_deletion_spectrum": ("spectrum", ("deletion",), "n", "n_deleted_total"),
    "ludaopei2021_characteristics": ("Table 1", ("variable", "level"), "n", "n_total"),
    "vavilova2023_table1_characteristics": ("Table 1", ("variable", "level"), "n", "n_total"),
    "vavilova2023_table2_strata": ("Table 2", ("stratum", "protocol"), "n", "n_total"),
    "vavilova2023_table3_outcomes": ("Table 3", ("outcome", "group"), "n", "group_n"),
    "vavilova2023_table4_blasts5": ("Table 4", ("outcome", "bm_blasts_before_blina"), "n", "group_n"),
    "vavilova2023_table5_blasts15": ("Table 5", ("outcome", "bm_blasts_day15_before_blina"), "n", "group_n"),
}
TEST_TABLES = {
    "zheng2019_table2_features": ("Table 2", "feature", "level", "group"),
    "vavilova2023_table2_strata": ("Table 2", "stratum", "", "protocol"),
    "vavilova2023_table4_blasts5": ("Table 4", "outcome", "", "bm_blasts_before_blina"),
    "vavilova2023_table5_blasts15": ("Table 5", "outcome", "", "bm_blasts_day15_before_blina"),
}
KNOWN = {
    ("Table 4", "non-responder"): "vavilova2023-2",
    ("Table 4", "CR"): "vavilova2023-2",
    ("Table 5", "relapse"): "vavilova2023-3",
}
"""Inconsistencies that concern the tests of a table."""
ROUNDED = {
    ("zheng2019", "spectrum"): "zheng2019-6",
    ("zheng2019", "events"): "zheng2019-6",
    ("ludaopei2021", "Table 1"): "ludaopei2021-4",
    ("vavilova2023", "Table 3"): "vavilova2023-5",
}
"""Inconsistencies that concern the rounding in a table."""


def percentages() -> Iterator[Figure]:
    """Give every percentage that is printed with its count."""
    for name, (table, labels, count, total) in PERCENT_TABLES.items():
        for row in reference_rows(f"publications/{name}.csv"):
            what = ", ".join(row[label] for label in labels)
            yield _percentage(row, table, what, int(row[count]), int(row[total]), "")
    for row in reference_rows("publications/zheng2019_events.csv"):
        for event in ("relapse", "treatment_death"):
            printed = {**row, "percent_printed": row[f"{event}_pct_printed"]}
            yield _percentage(
                printed, "events", f"{event}, {row['group']}", int(row[event]), int(row["n"]), ""
            )
    for row in reference_rows("publications/ludaopei2021_deaths.csv"):
        yield _percentage(row, "deaths", row["cause"], int(row["n"]), 13, "")
    for row in reference_rows("publications/text_percentages.csv"):
        yield _percentage(
            row, "text", row["quantity"], int(row["n"]), int(row["n_total"]), row["inconsistency"]
        )


def _percentage(row: dict[str, str], table: str, what: str, n: int, total: int, known: str) -> Figure:
    value = 100 * n / total
    verdict, why = settle(agrees(value, row["percent_printed"]), known)
    if verdict == ROUNDING:
        rounding = known or ROUNDED.get((row["publication"], table), "")
        why = explain(rounding) if rounding else "rounded down or up by one unit of the last digit"
    return Figure(
        row["publication"],
        row["location"],
        f"{table}, percentages",
        f"{what}: {n}/{total}",
        f"{row['percent_printed']} %",
        f"{value:.2f} %",
        verdict,
        why,
    )


def tables() -> Iterator[tuple[str, str, str, list[list[int]], dict[str, str]]]:
    """Give every contingency table: publication, table, comparison, counts (groups in rows), its first row."""
    for name, (table, feature, level, group) in TEST_TABLES.items():
        rows = reference_rows(f"publications/{name}.csv")
        for what in dict.fromkeys(row[feature] for row in rows):
            own = [row for row in rows if row[feature] == what]
            total = "n_total" if "n_total" in own[0] else "group_n"
            groups = dict.fromkeys(row[group] for row in own)
            if level:
                counts = [[int(row["n"]) for row in own if row[group] == one] for one in groups]
            else:
                counts = [[int(row["n"]), int(row[total]) - int(row["n"])] for row in own]
            if any(sum(column) == 0 for column in zip(*counts)):
                continue  # nobody had it: printed without a test
            yield own[0]["publication"], table, what, counts, own[0]


def tests() -> Iterator[Figure]:
    """Give every printed test, with the variant that reproduces it."""
    for publication, table, what, counts, row in tables():
        found = compare_counts(counts)
        statistic, p = row.get("statistic_printed", ""), row["p_printed"]
        variants = reproducing(found, statistic, p)
        verdict, why = (MATCH, "") if "Pearson" in variants else settle("", KNOWN.get((table, what), ""))
        notes = [why, *found.warnings]
        if verdict == EXPLAINED and found.df == 1:
            notes.append(f"Yates p {found.yates_p:.3g}, Fisher p {found.fisher_p:.3g}")
        printed = f"chi2 {statistic}, p {p}" if statistic else f"p {p}"
        yield Figure(
            publication,
            row["location"],
            f"{table}, tests",
            f"{what}: {counts}",
            printed,
            f"Pearson {found.pearson:.3f}, p {found.pearson_p:.3g}",
            verdict,
            "; ".join(note for note in notes if note),
        )


def reproducing(found: Comparison, statistic: str, p: str) -> list[str]:
    """Return which variants of the test give the printed figures."""
    variants = {
        "Pearson": (found.pearson, found.pearson_p),
        "Yates": (found.yates, found.yates_p),
        "Fisher": (np.nan, found.fisher_p),
        "G": (found.g, found.g_p),
    }
    return [
        name
        for name, (chi2, value) in variants.items()
        if not np.isnan(value)
        and agrees(value, p) == MATCH
        and (not statistic or np.isnan(chi2) or agrees(chi2, statistic) == MATCH)
    ]


def cross_checks(quick: bool) -> Iterator[Figure]:
    """Give the sums that have to agree between tables, and do not."""
    subtype = {row["subtype"]: row for row in reference_rows("publications/zheng2019_table1_subtype.csv")}
    parts = [row for row in subtype.values() if row["part_of"] == "B-ALL"]
    sums = [sum(int(row[key]) for row in parts) for key in ("n_total", "n_deleted")]
    whole = [int(subtype["B-ALL"][key]) for key in ("n_total", "n_deleted")]
    yield Figure(
        "zheng2019",
        "Table 1",
        "cross-checks",
        "B-lineage subtypes add up to all B-ALL",
        f"{whole[0]} patients, {whole[1]} deleted",
        f"{sums[0]} patients, {sums[1]} deleted",
        MATCH if sums == whole else EXPLAINED,
        "" if sums == whole else explain("zheng2019-2"),
    )
    third = reference_rows("publications/vavilova2023_table3_outcomes.csv")
    tables = (
        (
            "Table 4",
            "vavilova2023_table4_blasts5",
            ("ALL-REZ 2014 S3/4", "ALL-REZ 2014 S2", "second relapses"),
        ),
        ("Table 5", "vavilova2023_table5_blasts15", ("ALL-REZ 2016",)),
    )
    for table, name, groups in tables:
        rows = reference_rows(f"publications/{name}.csv")
        for outcome in dict.fromkeys(row["outcome"] for row in rows):
            there = sum(int(row["n"]) for row in rows if row["outcome"] == outcome)
            here = sum(int(row["n"]) for row in third if row["outcome"] == outcome and row["group"] in groups)
            known = "vavilova2023-1" if table == "Table 4" else "vavilova2023-4"
            verdict, why = settle(MATCH if there == here else "", known)
            yield Figure(
                "vavilova2023",
                f"{table} against Table 3",
                "cross-checks",
                f"{outcome}, {' + '.join(groups)}",
                f"{there} ({table})",
                f"{here} (Table 3)",
                verdict,
                why,
            )
    if not quick:
        possible = _reachable(36, 21, "0.1299")
        yield Figure(
            "vavilova2023",
            "Table 5",
            "cross-checks",
            "relapse p = 0.1299 with groups of 36 and 21",
            "0.1299",
            f"{possible} of {37 * 22} possible tables give it",
            EXPLAINED if not possible else MATCH,
            explain("vavilova2023-3"),
        )


def _reachable(first: int, second: int, printed: str) -> int:
    """Return how many 2 x 2 tables with these group sizes give the printed p under Pearson's test."""
    tables = [[[a, first - a], [b, second - b]] for a in range(first + 1) for b in range(second + 1)]
    found = (compare_counts(table) for table in tables)
    return sum(agrees(one.pearson_p, printed) == MATCH for one in found if not np.isnan(one.pearson_p))


def medians() -> Iterator[Figure]:
    """Give the medians of the nine infants, recomputed patient by patient."""
    first = {row["patient"]: row for row in reference_rows("publications/lee2011_table1_patients.csv")}
    second = reference_rows("publications/lee2011_table2_hsct.csv")
    values = {
        name: [float(row[name]) for row in second]
        for name in ("age_at_hsct_months", "anc1000_day", "plt20000_day")
    }
    values["months_diagnosis_to_hsct"] = [
        float(row["age_at_hsct_months"]) - float(first[row["patient"]]["age_months"]) for row in second
    ]
    values["age_months"] = [float(row["age_months"]) for row in first.values()]
    for row in reference_rows("publications/lee2011_medians.csv"):
        own = values[row["variable"]]
        median = float(np.median(own))
        verdict, why = settle(agrees(median, row["median_printed"]), row["inconsistency"])
        if verdict == EXPLAINED and (min(own) + max(own)) / 2 == float(row["median_printed"]):
            why += "; the print is the midrange of Table 2"
        yield Figure(
            "lee2011",
            row["location"],
            "Table 2 in words",
            row["quantity"],
            row["median_printed"],
            f"{median:g}",
            verdict,
            why,
        )
    kinds = Counter(
        {"S": "sibling", "U": "unrelated"}[row["donor_source"][0]]
        if "CB" not in row["donor_source"]
        else "cord"
        for row in second
    )
    text = ", ".join(f"{kinds[kind]} {kind}" for kind in ("sibling", "unrelated", "cord"))
    printed = next(
        row for row in reference_rows("publications/inconsistencies.csv") if row["id"] == "lee2011-4"
    )["printed"]
    yield Figure(
        "lee2011",
        "line 107",
        "Table 2 in words",
        "donors of the transplanted infants",
        printed,
        f"{text} = {sum(kinds.values())}",
        EXPLAINED,
        explain("lee2011-4"),
    )
