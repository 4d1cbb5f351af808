"""Recompute every figure of the five publications that their print allows, and explain what does not agree.

``python -m benchmarks.reproduce [--quick] [--all]`` prints printed / recomputed / verdict. Needs the extra [cohort].
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import asdict

from benchmarks import reproduce_counts as counts
from benchmarks import reproduce_survival as survival
from benchmarks import reproduce_transplant as transplant
from benchmarks.machine import describe, store
from benchmarks.reproduce_figures import (
    CONSISTENT,
    EXPLAINED,
    MATCH,
    ROUNDING,
    UNKNOWN,
    WRONG,
    Figure,
    inconsistencies,
    tally,
)

GOALS: dict[tuple[str, str], dict[str, int]] = {
    ("zheng2019", "Table 2, tests"): {MATCH: 8},
    ("vavilova2023", "Table 2, tests"): {MATCH: 5},
    ("vavilova2023", "Table 4, tests"): {MATCH: 3, EXPLAINED: 2},
    ("vavilova2023", "Table 5, tests"): {MATCH: 4, EXPLAINED: 1},
    ("lee2011", "survival"): {MATCH: 4, EXPLAINED: 1, CONSISTENT: 1},
    ("zheng2019", "risk sets"): {MATCH: 2, CONSISTENT: 3},
    ("ludaopei2021", "risk sets"): {MATCH: 5, EXPLAINED: 1, CONSISTENT: 1},
    ("ludaopei2021", "identities"): {EXPLAINED: 6, CONSISTENT: 2},
    ("vavilova2023", "survival"): {MATCH: 2},
}
"""Verdicts that must fall, by publication and table; besides, nothing may differ without a known reason."""


def figures(quick: bool) -> list[Figure]:
    """Return every figure with its verdict."""
    return [
        *counts.percentages(),
        *counts.tests(),
        *counts.medians(),
        *counts.cross_checks(quick),
        *survival.infant_figures(),
        *survival.searched_figures(quick),
        *transplant.transplant_figures(),
        *survival.relapse_figures(),
        *survival.other_figures(),
    ]


def missed(found: list[Figure], quick: bool) -> list[str]:
    """Return the goals that are not met, in words."""
    wrong = [f"{figure.publication}, {figure.what}: {figure.printed} against {figure.recomputed}"
             for figure in found if figure.verdict == WRONG]  # fmt: skip
    have = tally(found)
    for key, wanted in GOALS.items():
        got = have.get(key, Counter())
        skipped = got[UNKNOWN] if quick else 0
        if any(got[verdict] + skipped < number for verdict, number in wanted.items()):
            wrong.append(f"{', '.join(key)}: {dict(got)} where {wanted} is the goal")
    return wrong


def show(figure: Figure) -> str:
    """Return a figure as text."""
    head = f"{figure.publication:13s} {figure.verdict:16s} {figure.what} [{figure.location}]"
    body = f"{'':31s}printed {figure.printed}   recomputed {figure.recomputed or '-'}"
    return "\n".join([head, body, *([f"{'':31s}{figure.explanation}"] if figure.explanation else [])])


def main() -> int:
    """Recompute, print, store, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="leave out the longest searches; nothing is stored"
    )
    parser.add_argument("--all", action="store_true", help="also list what cannot be recomputed, one by one")
    asked = parser.parse_args()
    started = time.perf_counter()
    found = figures(asked.quick)
    for figure in found:
        if asked.all or figure.verdict != UNKNOWN:
            print(show(figure))
    order = (MATCH, ROUNDING, CONSISTENT, EXPLAINED, UNKNOWN, WRONG)
    print(f"\n{'publication':13s} {'table':26s} " + " ".join(f"{verdict:>16s}" for verdict in order))
    for (publication, table), got in tally(found).items():
        print(f"{publication:13s} {table:26s} " + " ".join(f"{got[verdict] or '':>16}" for verdict in order))
    total = Counter(figure.verdict for figure in found)
    print(f"{'all':40s} " + " ".join(f"{total[verdict]:>16d}" for verdict in order))
    print("mhlw_ikaros   a guideline without patients' figures: nothing to recompute")
    used = " ".join(figure.explanation for figure in found)
    print("\nInconsistencies of wording, limits or unit, which no count can test:")
    for name, row in inconsistencies().items():
        if f"[{name}]" not in used:
            print(f"  [{name}] {row['location']}: {row['printed']} -> {row['reading']}")
    wrong = missed(found, asked.quick)
    for line in wrong:
        print(f"GOAL MISSED: {line}")
    seconds = time.perf_counter() - started
    print(f"\n{len(found)} figures in {seconds:.1f} s; goals {'missed' if wrong else 'met'}; {describe()}")
    if not asked.quick:
        store("reproduce", {"seconds": round(seconds, 1), "verdicts": dict(total), "goals_met": not wrong,
                            "figures": [asdict(figure) for figure in found]})  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
