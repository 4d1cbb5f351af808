"""A cohort described: deletion spectrum, frequency by subtype, clinical features compared between groups."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpa_caller.cohort.contingency import (
    Comparison,
    OddsRatio,
    compare_counts,
    odds_ratio,
    proportion_interval,
)
from mlpa_caller.cohort.grouping import Grouping, make_grouping
from mlpa_caller.cohort.report import Report, Section, p_text, percent_text, table_of
from mlpa_caller.cohort.sources import Sources
from mlpa_caller.datatypes import BoolArray, IntArray, Table
from mlpa_caller.formats.text import natural_key
from mlpa_caller.refdata import reference_path, reference_rows
from mlpa_caller.risk.genes import DELETED, exon_range, gene_state, read_rows

__all__ = ["Feature", "compare_feature", "default_features", "describe", "spectrum_counts", "spectrum_gene"]

_TESTS = ("pearson", "pearson_p", "df", "yates", "yates_p", "fisher_p", "g", "g_p", "min_expected")


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One feature compared between groups.

    Attributes
    ----------
    name
        For people.
    levels
        Values of the feature.
    groups
        Names of the groups.
    counts
        ``(groups, levels)`` patients.
    unknown
        Patients with a group whose value is not known.
    """

    name: str
    levels: tuple[str, ...]
    groups: tuple[str, ...]
    counts: IntArray
    unknown: int


def compare_feature(name: str, by: Grouping, feature: Grouping) -> Feature:
    """Count the values of a feature in every group; patients unknown in either are left out."""
    both = (by.code >= 0) & (feature.code >= 0)
    shape = (len(by.levels), len(feature.levels))
    flat = by.code[both] * shape[1] + feature.code[both]
    counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
    return Feature(name, feature.levels, by.levels, counts, int(((by.code >= 0) & (feature.code < 0)).sum()))


def default_features(sources: Sources, by: Grouping) -> list[tuple[str, str]]:
    """Return the features to compare when none is named: those whose columns the table has."""
    chosen = []
    for row in reference_rows("cohort/features.csv"):
        needs = row["needs"].split(";")
        have = [name for name in needs if name in sources.patients.columns]
        same = (
            row["spec"].removeprefix("column:") in (by.title, by.name)
            or row["spec"] == f"classifier:{by.title}"
        )
        if len(have) == len(needs) and not same:
            chosen.append((row["feature"], row["spec"]))
    return chosen


def describe(
    sources: Sources, by: Grouping, *, gene: str = "", features: Sequence[str] = ()
) -> Report:  # fmt: skip
    """Describe a cohort by groups.

    Parameters
    ----------
    sources
        Patients' table, and the calls where there are.
    by
        The groups.
    gene
        Gene of the spectrum and of the frequency by subtype; empty for none.
    features
        Features to compare, as in `make_grouping`; the package's own list when empty.

    Returns
    -------
    Report
        Sections ``groups``, ``spectrum``, ``subtypes``, ``features``, ``comparisons``, ``numbers`` and
        ``other_genes``, as far as there are data for them.
    """
    named = [(word, word) for word in features] or default_features(sources, by)
    compared = [compare_feature(name, by, make_grouping(sources, word, "--feature")) for name, word in named]
    sections = [_groups(by)]
    figures: list[Any] = []
    if gene:
        spectrum = _spectrum(sources, gene)
        sections += [spectrum, _subtypes(sources, gene)]
        figures.append(("spectrum", gene, spectrum.table))
    sections += _comparisons(compared, "features", "comparisons", "Features compared")
    figures.append(("forest", by, sections[-1].table))
    sections += _numbers(sources, by)
    others = [name for key, name in sources.genes().items() if name != by.title]
    if by.kind == "gene" and others and not features:
        pairs = [compare_feature(name, by, make_grouping(sources, f"gene:{name}")) for name in others]
        sections += _comparisons(pairs, "other_genes", "other_genes_compared", "Other genes of the panel")
    n = len(compared)
    notes = (f"{n} features compared; the p-values are not corrected for their number.",) if n > 1 else ()
    facts = {
        "patients": len(sources.patients),
        "by": by.name,
        "groups": dict(zip(by.levels, by.counts().tolist())),
        "excluded": by.excluded(),
        "gene": gene,
    }
    return Report("describe", f"{len(sources.patients)} patients by {by.name}", facts, tuple(sections), notes,
                  tuple(figures))  # fmt: skip


def _groups(by: Grouping) -> Section:
    counts = by.counts()
    total = int(counts.sum())
    rows = [{"group": level, "patients": int(n), "percent": 100 * n / total if total else None}
            for level, n in zip(by.levels, counts.tolist())]  # fmt: skip
    notes = [f"left out, {by.title} not known: {n} ({reason})" for reason, n in by.excluded().items()]
    return Section(
        "groups", f"Groups by {by.name}", table_of(rows, ("group", "patients", "percent")), tuple(notes)
    )


def spectrum_gene(sources: Sources, by: Grouping, named: str) -> str:
    """Return the gene of the deletion spectrum: the named one, that of the groups, else the package's main gene.

    Raises
    ------
    UsageError
        If the named gene is not among the calls.
    """
    genes = sources.genes()
    if named:
        return make_grouping(sources, f"gene:{named}", "--gene").title
    if by.kind == "gene":
        return by.title
    with open(reference_path("ikzf1/gene.toml"), "rb") as stream:
        return genes.get(str(tomllib.load(stream)["gene"]).lower(), "")


def spectrum_counts(sources: Sources, gene: str) -> tuple[Counter[tuple[str, str]], int]:
    """Return how many patients have each pattern of losses (exons, copies lost), and how many are deleted."""
    patients, calls = sources.patients, sources.calls
    if calls is None:
        return Counter(), 0
    rows = read_rows(calls, patients.samples, patients.clinical, np.arange(len(patients), dtype=np.int64))
    deleted = gene_state(rows, gene) == DELETED
    events: dict[int, list[tuple[str, str]]] = {}
    for row in rows.rows_of.get(gene, np.zeros(0, dtype=np.int64)).tolist():
        if rows.confirmed[row]:
            copies = rows.copies[row]
            word = "" if np.isnan(copies) else str(int(copies))
            exons = exon_range(str(rows.exons[row])) or str(rows.exons[row]).strip()
            events.setdefault(int(rows.sample[row]), []).append((exons, word))
    counts: Counter[tuple[str, str]] = Counter()
    for patient in np.flatnonzero(deleted).tolist():
        own = sorted(events.get(patient, [("not stated", "")]), key=lambda event: natural_key(event[0]))
        counts[" + ".join(event[0] for event in own), " + ".join(event[1] or "?" for event in own)] += 1
    return counts, int(deleted.sum())


def _spectrum(sources: Sources, gene: str) -> Section:
    counts, total = spectrum_counts(sources, gene)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], natural_key(item[0][0])))
    rows = [
        {"exons": exons, "copies_lost": copies, "patients": n, "percent": 100 * n / total}
        for (exons, copies), n in ordered
    ]
    notes = (f"{total} patients with a deletion; a loss seen by one probe only does not count.",)
    table = table_of(rows, ("exons", "copies_lost", "patients", "percent"))
    return Section("spectrum", f"{gene} deletions by exons", table, notes)


def _meets(sources: Sources, condition: str) -> BoolArray | None:
    """Return where every part of a condition is met; None when a column is absent. Unknown is not met."""
    met = np.ones(len(sources.patients), dtype=np.bool_)
    for part in condition.split(";"):
        name, _, word = part.partition("=")
        words = sources.patients.clinical.words.get(name)
        if words is None:
            return None
        met &= words == word
    return met


def _subtypes(sources: Sources, gene: str) -> Section:
    state = make_grouping(sources, f"gene:{gene}")
    rows = []
    everybody = [{"subtype": "all", "condition": ""}]
    for row in everybody + reference_rows("cohort/subtypes.csv"):
        met = (
            _meets(sources, row["condition"])
            if row["condition"]
            else np.ones(len(state.code), dtype=np.bool_)
        )
        if met is None or not met.any():
            continue
        normal, deleted = state.counts(met).tolist()
        low, high = proportion_interval(deleted, normal + deleted)
        percent = 100 * deleted / (normal + deleted) if normal + deleted else None
        rows.append({"subtype": row["subtype"], "deleted": deleted, "patients": normal + deleted,
                     "percent": percent, "percent_low": 100 * low, "percent_high": 100 * high,
                     "not_known": int(met.sum()) - normal - deleted})  # fmt: skip
    columns = ("subtype", "deleted", "patients", "percent", "percent_low", "percent_high", "not_known")
    notes = ("Interval: Clopper-Pearson, 95 %. A patient counts in a subtype only where all that defines it is stated; "
             f"not_known: {gene} could not be evaluated.",)  # fmt: skip
    return Section("subtypes", f"Patients with {gene} deletion by subtype", table_of(rows, columns), notes)


def _comparisons(compared: Sequence[Feature], counts_name: str, tests_name: str, title: str) -> list[Section]:
    counts, tests, shown = [], [], []
    for feature in compared:
        found = compare_counts(feature.counts if feature.counts.size else [[0]])
        ratio = odds_ratio(feature.counts[::-1, ::-1]) if feature.counts.shape == (2, 2) else None
        totals = feature.counts.sum(axis=1).tolist()
        rows: list[dict[str, Any]] = [{"value": level} for level in feature.levels] or [
            {"value": "all unknown"}
        ]
        for i, level in enumerate(feature.levels):
            for g, group in enumerate(feature.groups):
                n = int(feature.counts[g, i])
                percent = 100 * n / totals[g] if totals[g] else None
                counts.append({"feature": feature.name, "value": level, "group": group, "n": n,
                               "group_n": totals[g], "percent": percent})  # fmt: skip
                rows[i][f"{group}, n (%)"] = percent_text(n, totals[g])
        rows[0] |= {"feature": feature.name, **_shown_tests(found, ratio, feature)}
        shown += rows
        tests.append(_test_row(feature, found, ratio))
    groups = [f"{group}, n (%)" for group in compared[0].groups] if compared else []
    wide = ("feature", "value", *groups, "Pearson", "Pearson p", "Yates p", "Fisher p",
            "odds ratio (95 % interval)", "unknown", "note")  # fmt: skip
    first = Section(counts_name, title, table_of(counts, ("feature", "value", "group", "n", "group_n", "percent")),
                    _notes(compared), table_of(shown, wide))  # fmt: skip
    names = ("feature", "patients", "unknown", *_TESTS, "significance_flips", "odds_of", "odds_ratio",
             "odds_ratio_low", "odds_ratio_high", "interval", "warnings", "reason")  # fmt: skip
    return [first, Section(tests_name, f"{title}: all tests", table_of(tests, names), in_text=False)]


def _test_row(feature: Feature, found: Comparison, ratio: OddsRatio | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "feature": feature.name, "patients": int(feature.counts.sum()), "unknown": feature.unknown,
        **{name: getattr(found, name) for name in _TESTS},
        "significance_flips": "yes" if found.flips else "no", "warnings": "; ".join(found.warnings),
        "odds_ratio": np.nan, "odds_ratio_low": np.nan, "odds_ratio_high": np.nan, "reason": found.reason,
    }  # fmt: skip
    if ratio is not None:
        row |= {"odds_of": feature.levels[1], "odds_ratio": ratio.estimate, "odds_ratio_low": ratio.low,
                "odds_ratio_high": ratio.high, "interval": ratio.method,
                "reason": found.reason or ratio.reason}  # fmt: skip
    return row


def _notes(compared: Sequence[Feature]) -> tuple[str, ...]:
    if not compared:
        return ("No feature could be compared: the table has none of the clinical columns.",)
    notes = ["Patients whose value is unknown are left out of the comparison and counted under unknown."]
    if len(compared[0].groups) == 2:
        first, second = compared[0].groups
        notes.append(f"Odds ratio: of the feature's second value, in {second} against {first}; interval after "
                     "Woolf, exact where a count is zero.")  # fmt: skip
    return tuple(notes)


def _shown_tests(found: Comparison, ratio: OddsRatio | None, feature: Feature) -> dict[str, str]:
    odds = ""
    if ratio is not None and not (np.isnan(ratio.estimate) and np.isnan(ratio.low)):
        estimate = "infinite" if np.isnan(ratio.estimate) else f"{ratio.estimate:.2f}"
        high = "infinite" if np.isnan(ratio.high) else f"{ratio.high:.2f}"
        odds = f"{estimate} ({ratio.low:.2f}-{high})" if not np.isnan(ratio.low) else estimate
    return {
        "Pearson": "" if np.isnan(found.pearson) else f"{found.pearson:.3f}",
        "Pearson p": p_text(found.pearson_p),
        "Yates p": p_text(found.yates_p),
        "Fisher p": p_text(found.fisher_p),
        "odds ratio (95 % interval)": odds,
        "unknown": str(feature.unknown or ""),
        "note": "; ".join(found.warnings) or found.reason,
    }


def _numbers(sources: Sources, by: Grouping) -> list[Section]:
    """Return medians and ranges of the clinical numbers, by group."""
    rows = []
    for name, numbers in sources.patients.clinical.numbers.items():
        known = numbers.low == numbers.high
        for g, level in enumerate(by.levels):
            values = numbers.low[known & (by.code == g)]
            group_n = int((by.code == g).sum())
            row: dict[str, Any] = {
                "column": name,
                "group": level,
                "n": len(values),
                "unknown": group_n - len(values),
            }
            if len(values):
                row.update(
                    median=float(np.median(values)), smallest=float(values.min()), largest=float(values.max())
                )
            rows.append(row)
    table: Table = table_of(rows, ("column", "group", "n", "unknown", "median", "smallest", "largest"))
    if not rows:
        return []
    return [
        Section(
            "numbers",
            "Clinical numbers",
            table,
            ("A value stated as a limit (<0.0001) counts as unknown here.",),
        )
    ]
