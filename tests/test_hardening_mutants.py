"""Results of five made-up runs, kept to six digits: any change of normalisation or calling shows.

The runs are plain arithmetic (no random numbers), so the same on every machine. What they gave stands in
``data/hardening_frozen.json``. After an intended change of the method write it anew, and look at what it prints:

    python tests/test_hardening_mutants.py
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlpa_caller.datatypes import FloatArray, Missing, Signals, text_array
from mlpa_caller.fits import copies, median_of_others, nanmedian
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.pipeline import analyse
from mlpa_caller.result import Result
from mlpa_caller.samplesheet import samples_from_columns

FROZEN = Path(__file__).resolve().parent / "data" / "hardening_frozen.json"
DIGITS = 6
RELATIVE, ABSOLUTE = 2e-5, 2e-6
"""Differences that other versions of NumPy and other processors may make."""
GENES = {
    "IKZF1": ("chr7", 50_300_000, "1 2 3 4 5 6 7 8"), "CDKN2A": ("chr9", 21_960_000, "2 4"),
    "CDKN2B": ("chr9", 22_000_000, "1"), "PAX5": ("chr9", 36_850_000, "1 5 8"),
    "ETV6": ("chr12", 11_650_000, "1 3 5 8"), "ERG": ("chr21", 38_400_000, "1"),
    "CRLF2": ("chrX", 1_190_000, "4"), "CSF2RA": ("chrX", 1_290_000, "10"),
    "IL3RA": ("chrX", 1_340_000, "1"),
}  # fmt: skip
N_REFERENCE_PROBES = 11


def wave(*numbers: float) -> float:
    """A number from -3 to 3 that looks like noise, the same everywhere (sum of six fractions)."""
    total = 0.0
    for k in range(6):
        phase = sum((i + 1.37) * 12.9898 * number for i, number in enumerate(numbers, start=k))
        value = math.sin(phase + 0.731 * k) * 9_137.531
        total += value - math.floor(value)
    return total - 3.0


def panel() -> Panel:
    rows = [(f"{gene}-{exon}", gene, exon, "target", chrom, start + 4_000 * i)
            for gene, (chrom, start, exons) in GENES.items() for i, exon in enumerate(exons.split())]  # fmt: skip
    rows += [(f"C{i}", "", "", "reference", f"chr{i + 1}", 30_000_000 + i) for i in range(N_REFERENCE_PROBES)]
    rows += [("X", "", "", "sex_x", "chrX", 70_000_000), ("Y", "", "", "sex_y", "chrY", 7_000_000)]
    order = sorted(
        range(len(rows)), key=lambda i: (i * 17) % 37
    )  # genes and references mixed over the lengths
    length = {i: 130 + 7 * place for place, i in enumerate(order)}
    columns = {
        name: [str(row[k]) for row in rows]
        for k, name in enumerate(("probe", "gene", "exon", "role", "chrom", "start"))
    }
    columns["end"] = [str(row[5] + 60) for row in rows]
    columns["length_nt"] = [str(length[i]) for i in range(len(rows))]
    return panel_from_columns(columns, name="frozen", source="frozen.csv")


MIX = panel()
Change = tuple[str, str, str, float]


def at(gene: str, exons: str) -> np.ndarray:
    if gene == "C":
        return np.array([probe == f"C{exons}" for probe in MIX.probes])
    wanted = exons.split()
    return np.array([g == gene and (not wanted or e in wanted) for g, e in zip(MIX.gene, MIX.exon)])


def run(
    roles: dict[str, str],
    changes: list[Change],
    *,
    noise: float = 0.03,
    level: float = 8.0,
    slopes: dict[str, float] | None = None,
    noisy: dict[str, float] | None = None,
    spoil: Callable[[dict[str, int], FloatArray], None] | None = None,
    blasts: dict[str, float] | None = None,
    salt: int = 0,
) -> Result:
    """Analyse a run of known copies, slopes and noise."""
    names = list(roles)
    row = {name: i for i, name in enumerate(names)}
    male = [i % 2 for i in range(len(names))]
    copies_ = np.full((len(names), len(MIX.probes)), 2.0)
    copies_[:, [MIX.probes.index("X")]] = [[1.0] if m else [2.0] for m in male]
    for name, gene, exons, value in changes:
        copies_[row[name], at(gene, exons)] = value
    height = np.zeros(copies_.shape)
    for name, i in row.items():
        own = noise * (noisy or {}).get(name, 1.0)
        slope = -0.4 + 0.05 * wave(i + salt, 3.1) + (slopes or {}).get(name, 0.0)
        for j, probe in enumerate(MIX.probes):
            lost = max(float(copies_[i, j]), 0.004) / 2.0
            efficiency = 0.35 * wave(j, 7.7)
            value = level + 0.3 * wave(i + salt, 1.9) + efficiency + slope * (MIX.length[j] - 300.0) / 100.0
            value += 0.9 * math.log(lost) + 1.4 * own * wave(i + salt, j + 0.5, 0.21)
            height[i, j] = round(math.exp(value), 1)
            if probe == "Y" and not male[i]:
                height[i, j] = np.nan
        if roles[name] == "no_dna":
            height[i] = np.where(np.arange(height.shape[1]) % 5 == 0, 40.0 + i, np.nan)
    if spoil is not None:
        spoil(row, height)
    missing = np.where(np.isnan(height), Missing.NO_PEAK, Missing.PRESENT).astype(np.uint8)
    n = len(names)
    signals = Signals(
        tuple(names),
        MIX.probes,
        height,
        missing,
        np.full(height.shape, np.nan),
        np.zeros(height.shape, dtype=np.bool_),
        np.full(n, 60.0),
        np.zeros(n, dtype=np.int64),
        text_array(["x"] * n),
    )
    sheet = samples_from_columns(
        {
            "sample": names,
            "role": [roles[name] for name in names],
            "sex": ["M" if m else "F" for m in male],
            "blast_fraction": [str((blasts or {}).get(name, "")) for name in names],
        }
    )
    return analyse(MIX, sheet, signals)


def roles(references: int, patients: int, **others: str) -> dict[str, str]:
    return {
        **{f"R{i}": "reference" for i in range(references)},
        **{f"P{i}": "patient" for i in range(patients)},
        **others,
    }


def mixed() -> Result:
    def spoil(row: dict[str, int], height: FloatArray) -> None:
        height[row["P4"], at("PAX5", "5")] = np.nan
        height[row["P4"], at("ERG", "")] = np.nan
        height[row["R1"], at("ETV6", "3")] = np.nan
        height[row["P5"], at("C", "4")] = np.nan

    return run(
        roles(4, 9),
        [
            ("P0", "IKZF1", "4 5 6 7", 1.1),
            ("P1", "IKZF1", "", 1.2),
            ("P1", "CDKN2A", "", 0.4),
            ("P1", "CDKN2B", "", 0.4),
            ("P2", "ETV6", "", 2.9),
            ("P3", "IKZF1", "2 3", 1.65),
            ("P3", "PAX5", "", 1.65),
            ("P4", "CSF2RA", "", 1.0),
            ("P4", "IL3RA", "", 1.0),
            ("P5", "IKZF1", "", 1.0),
            ("P5", "IKZF1", "4 5 6 7", 0.1),
            ("P6", "ERG", "", 1.0),
            ("P7", "CDKN2A", "", 0.05),
        ],
        spoil=spoil,
        blasts={"P0": 0.95, "P3": 0.4, "P6": 0.9, "P8": 0.3},
    )


def noisy() -> Result:
    def spoil(row: dict[str, int], height: FloatArray) -> None:
        height[row["R3"]] = height[row["R1"]]
        height[row["P1"], at("C", "2")] *= 1.5
        height[row["P2"], at("C", "7")] *= 0.5
        height[row["P3"]] *= 0.06

    return run(
        roles(6, 7),
        [
            ("R2", "PAX5", "", 1.0),
            ("P0", "IKZF1", "", 1.0),
            ("P4", "IKZF1", "4 5 6 7", 1.5),
            ("P5", "ETV6", "1", 1.0),
        ],
        noise=0.05,
        level=7.0,
        noisy={"P0": 2.5, "R4": 3.0, "P6": 1.8},
        slopes={"P5": -0.15},
        spoil=spoil,
        salt=40,
    )


def few() -> Result:
    everywhere = [(f"P{i}", "CDKN2A", "", 1.05) for i in range(5)] + [
        (f"P{i}", "CDKN2B", "", 1.05) for i in range(4)
    ]
    return run(
        roles(3, 6, K="positive", W="no_dna"),
        [*everywhere, ("K", "IKZF1", "4 5 6 7", 1.0), ("P2", "PAX5", "5 8", 1.4)],
        level=7.4,
        blasts={"P0": 0.8, "P1": 1.0},
        salt=80,
    )


def steep() -> Result:
    return run(
        roles(5, 6),
        [
            ("P0", "IKZF1", "1 2 3", 1.3),
            ("P1", "IKZF1", "8", 1.0),
            ("P2", "PAX5", "", 2.6),
            ("P2", "ETV6", "5 8", 1.2),
            ("P3", "C", "1", 3.0),
            ("P3", "C", "5", 3.0),
            ("P3", "C", "8", 3.0),
            ("P4", "CRLF2", "", 3.0),
            ("P4", "CSF2RA", "", 3.0),
            ("P4", "IL3RA", "", 3.0),
        ],
        slopes={"P0": -0.3, "P1": 0.25, "P4": -0.1},
        noise=0.025,
        level=9.0,
        salt=120,
    )


def thin() -> Result:
    def spoil(row: dict[str, int], height: FloatArray) -> None:
        height[row["P0"], ::2] = np.nan
        height[row["P1"], at("IKZF1", "4 5")] = np.nan
        height[row["P2"]] *= 0.004
        for name in ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C9"):
            height[row["P3"], MIX.probes.index(name)] = np.nan
        height[:, at("ETV6", "8")] = np.nan
        height[row["R0"] : row["R3"] + 1, at("PAX5", "8")] = np.nan

    return run(
        roles(4, 5),
        [("P1", "IKZF1", "6 7", 1.0), ("P4", "IKZF1", "3 4 5", 0.02)],
        spoil=spoil,
        noise=0.04,
        level=6.6,
        salt=160,
    )


RUNS: dict[str, Callable[[], Result]] = {
    "mixed": mixed,
    "noisy": noisy,
    "few": few,
    "steep": steep,
    "thin": thin,
}


def rounded(values: Any) -> list[float | None]:
    return [
        None if value != value else float(f"{value:.{DIGITS}g}")
        for value in np.asarray(values, dtype=float).ravel().tolist()
    ]


def frozen(result: Result) -> dict[str, Any]:
    """What is kept of a run: every number of every table, a checksum of every text column, and facts of the run."""
    kept: dict[str, Any] = {}
    for name in ("calls", "exons", "ratios", "quality"):
        for column, values in result.tables[name].columns.items():
            if name == "ratios" and column in ("height", "length_nt"):
                continue
            if values.dtype.kind in "fi":
                kept[f"{name}.{column}"] = rounded(values)
            elif column in ("status", "exons", "flags", "verdict", "reasons"):
                kept[f"{name}.{column}"] = hashlib.sha256(json.dumps(values.tolist()).encode()).hexdigest()[
                    :16
                ]
    kept["run"] = json.loads(
        json.dumps({key: value for key, value in result.run.items() if key != "compression"}, default=float)
    )
    return kept


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FROZEN.read_text(encoding="utf-8"))
    return found


def differences(old: Any, new: Any) -> list[str]:
    """Return where two sets of kept values differ by more than machines do."""
    found = []
    for key in sorted({*old, *new}):
        one, two = old.get(key), new.get(key)
        if (
            isinstance(one, list)
            and isinstance(two, list)
            and all(not isinstance(v, str) for v in (*one, *two))
        ):
            a, b = (
                np.array([np.nan if v is None else v for v in values], dtype=float) for values in (one, two)
            )
            if a.shape != b.shape or not np.allclose(a, b, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True):
                worst = "shape" if a.shape != b.shape else f"{np.nanmax(np.abs(a - b), initial=0.0):.3g}"
                found.append(f"{key}: {worst}")
        elif isinstance(one, dict) and isinstance(two, dict):
            found += [f"{key}.{line}" for line in differences(one, two)]
        elif isinstance(one, float) and isinstance(two, float):
            if not math.isclose(one, two, rel_tol=RELATIVE, abs_tol=ABSOLUTE) and not (
                one != one and two != two
            ):
                found.append(f"{key}: {one} {two}")
        elif one != two:
            found.append(f"{key}: {one!r} {two!r}"[:200])
    return found


@pytest.mark.parametrize("name", RUNS)
def test_results_are_as_kept(name, known):
    assert differences(known[name], frozen(RUNS[name]())) == []


def test_the_runs_hold_what_they_are_meant_to(known):
    """Losses, gains, whole genes, single exons, failed samples: else the kept numbers protect little."""
    results = {name: make() for name, make in RUNS.items()}
    status = {
        value for result in results.values() for value in result.tables["calls"].columns["status"].tolist()
    }
    assert status == {"normal", "loss", "gain", "not_evaluable"}
    verdicts = {
        value for result in results.values() for value in result.tables["quality"].columns["verdict"].tolist()
    }
    assert verdicts == {"pass", "warn", "fail"}
    events = [
        (row[0], row[1], row[2])
        for row in zip(
            *(results["mixed"].tables["calls"].columns[name].tolist() for name in ("sample", "gene", "exons"))
        )
        if row[2]
    ]
    assert {("P0", "IKZF1", "4-7"), ("P1", "IKZF1", "1-8"), ("P2", "ETV6", "1-8")} <= set(events)
    assert any(result.run["left_out"] for result in results.values())


# --- small functions, against the plain way ---------------------------------------------------------------------


def test_medians_against_numpy():
    table = np.array([[wave(i, j) if (i * 5 + j * 3) % 7 else np.nan for j in range(9)] for i in range(8)])
    table[:, 4] = np.nan
    table[1:, 5] = np.nan
    for axis in (0, 1):
        with pytest.MonkeyPatch.context(), np.errstate(all="ignore"):
            plain = [
                np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan
                for row in (table.T if axis == 0 else table)
            ]
        assert nanmedian(table, axis).tolist() == pytest.approx(plain, nan_ok=True)
    others = median_of_others(table)
    for i in range(8):
        rest = np.delete(table, i, axis=0)
        plain = [np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else np.nan for c in rest.T]
        assert others[i].tolist() == pytest.approx(plain, nan_ok=True)


def test_copies():
    rows = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, np.nan], [1.0, 2.5], [1.0, np.nan]])
    assert copies(rows).tolist() == [2.0, 2.0, 2.0, 1.0, 2.0]


if __name__ == "__main__":
    new = {name: frozen(make()) for name, make in RUNS.items()}
    old = json.loads(FROZEN.read_text(encoding="utf-8")) if FROZEN.is_file() else {}
    for run_name in RUNS:
        for line in differences(old.get(run_name, {}), new[run_name]):
            sys.stdout.write(f"{run_name} {line[:160]}\n")
    FROZEN.parent.mkdir(exist_ok=True)
    lines = ",\n".join(
        f"{json.dumps(run_name)}: {{\n"
        + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in kept.items())
        + "\n}"
        for run_name, kept in new.items()
    )
    FROZEN.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
