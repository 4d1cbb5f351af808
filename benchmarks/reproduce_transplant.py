"""Second transplantations (Lu Daopei 2021): intervals of incidences, and identities the printed mortality breaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.reproduce_figures import (
    CONSISTENT,
    EXPLAINED,
    MATCH,
    WRONG,
    Figure,
    agrees,
    explain,
    settle,
    worst,
)
from mlpa_caller.cohort.competing import cumulative_incidence
from mlpa_caller.refdata import reference_rows

Z = 1.96


def transplant_figures() -> Iterator[Figure]:
    """Give intervals of cumulative incidences, and the identities that the printed mortality breaks."""
    rows = reference_rows("publications/ludaopei2021_outcomes.csv")
    for row in rows:
        n, printed = int(row["group_n"]), row["percent_printed"]
        count = round(float(printed) * n / 100)
        if row["endpoint"].startswith(("acute GVHD", "PTLD")):
            found = cumulative_incidence(
                np.r_[np.ones(count), np.full(n - count, 9.0)],
                np.r_[np.ones(count), np.zeros(n - count)].astype(np.int64),
            )
            value, error = found.at(5.0, 1), float(np.sqrt(found.variance(5.0, 1, "delta")))
            low, high = value * np.exp(-Z * error / value), value * np.exp(Z * error / value)
            verdict = worst(
                [
                    agrees(100 * value, _one(printed)),
                    agrees(100 * low, _one(row["low_printed"])),
                    agrees(100 * high, _one(row["high_printed"])),
                ]
            )
            yield Figure(
                "ludaopei2021",
                row["location"],
                "incidence",
                f"{row['endpoint']} ({count}/{n})",
                f"{printed} ({row['low_printed']}-{row['high_printed']})",
                f"{100 * value:.2f} ({100 * low:.1f}-{100 * high:.1f})",
                verdict or WRONG,
                "95 % interval on the log scale with the binomial variance",
            )
        elif row["endpoint"] == "NRM":
            yield _mortality(row, rows)
    yield from _sums(rows)


def _one(text: str) -> str:
    return text if "." in text else f"{text}.0"


def _of(rows: list[dict[str, str]], like: dict[str, str], endpoint: str) -> dict[str, str]:
    return next(
        row
        for row in rows
        if row["endpoint"] == endpoint and all(row[k] == like[k] for k in ("group", "month"))
    )


def _mortality(row: dict[str, str], rows: list[dict[str, str]]) -> Figure:
    """Compare printed non-relapse mortality with 1 - OS, its upper limit, and the two standard errors."""
    survival = _of(rows, row, "OS")
    nrm, alive = float(row["percent_printed"]), float(survival["percent_printed"])
    own = nrm / 100 * np.log(float(row["high_printed"]) / float(row["low_printed"])) / (2 * Z)
    ends = [np.log(-np.log(float(survival[key]) / 100)) for key in ("low_printed", "high_printed")]
    other = (ends[0] - ends[1]) / (2 * Z) * alive / 100 * abs(np.log(alive / 100))
    limit = 100 - alive
    text = f"1 - OS = {limit:.1f}; standard error {own:.3f} against {other:.3f} of OS"
    if nrm > limit + 0.05:
        known = "ludaopei2021-2" if "autologous" in row["group"] else "ludaopei2021-1"
        return Figure(
            "ludaopei2021",
            row["location"],
            "identities",
            f"NRM <= 1 - OS, {row['group']}, {float(row['month']):.0f} months",
            f"NRM {nrm}",
            text,
            EXPLAINED,
            f"impossible: {explain(known)}",
        )
    same = abs(nrm - limit) < 0.051
    return Figure(
        "ludaopei2021",
        row["location"],
        "identities",
        f"NRM <= 1 - OS, {row['group']}, {float(row['month']):.0f} months",
        f"NRM {nrm}",
        text,
        EXPLAINED if same else CONSISTENT,
        explain("ludaopei2021-1") if same else "",
    )


def _sums(rows: list[dict[str, str]]) -> Iterator[Figure]:
    for row in rows:
        if row["endpoint"] == "RI":
            nrm, lfs = (float(_of(rows, row, name)["percent_printed"]) for name in ("NRM", "LFS"))
            total, should = float(row["percent_printed"]) + nrm, 100 - lfs
            verdict, why = settle(MATCH if abs(total - should) < 0.15 else "", "ludaopei2021-1")
            yield Figure(
                "ludaopei2021",
                row["location"],
                "identities",
                f"RI + NRM = 1 - LFS, {float(row['month']):.0f} months",
                f"{row['percent_printed']} + {nrm} = {total:.1f}",
                f"1 - LFS = {should:.1f}",
                verdict,
                why,
            )
