"""Heights that are no heights, at every probe in turn: no ratio, no call from it, and the reason beside it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from mlpa_caller.errors import FormatError
from mlpa_caller.formats import align
from mlpa_caller.formats.registry import runs_from_bytes
from mlpa_caller.panel import Panel, load_panel
from mlpa_caller.pipeline import analyse
from mlpa_caller.result import Result
from mlpa_caller.samplesheet import samples_from_columns
from mlpa_caller.simulate import SimulationSettings, simulate_signals

BAD = {
    "": "no_value", "NA": "no_value", "NaN": "not_finite", "inf": "not_finite", "-inf": "not_finite",
    "1e999": "not_finite", "0": "zero_height", "-0.0": "zero_height", "-5": "negative_height",
}  # fmt: skip
N_REFERENCES = 5


@lru_cache(maxsize=1)
def panel() -> Panel:
    return load_panel("demo-synthetic")


@lru_cache(maxsize=1)
def cells() -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Names, roles and heights as text of a run with one patient for every probe of the panel."""
    settings = SimulationSettings(n_patients=len(panel().probes), n_references=N_REFERENCES, n_no_dna=0)
    run = simulate_signals(panel(), settings, seed=5)
    rows = tuple(
        tuple(f"{value:.1f}" if math.isfinite(value) else "900.5" for value in row)
        for row in run.signals.height
    )
    return run.sheet().samples, tuple(run.sheet().role), rows


def read_and_analyse(rows: list[list[str]]) -> Result:
    names, roles, _ = cells()
    text = "\n".join("\t".join(row) for row in [["sample", *panel().probes], *rows])
    signals = align(runs_from_bytes(text.encode(), "run.tsv")[""], panel().probes)
    return analyse(panel(), samples_from_columns({"sample": list(names), "role": list(roles)}), signals)


def records(result: Result, table: str) -> list[dict[str, Any]]:
    columns = result.tables[table].columns
    return [dict(zip(columns, values)) for values in zip(*(column.tolist() for column in columns.values()))]


def nan(value: float) -> bool:
    return value != value


@pytest.mark.parametrize("word", BAD)
def test_every_probe_in_turn(word):
    """Patient k has no usable height at probe k; what is said of that probe is nothing but the reason."""
    names, roles, heights = cells()
    patients = [i for i, role in enumerate(roles) if role == "patient"]
    rows = [[name, *row] for name, row in zip(names, heights)]
    for probe, i in enumerate(patients):
        rows[i][probe + 1] = word
    result = read_and_analyse(rows)
    ratios = {(row["sample"], row["probe"]): row for row in records(result, "ratios")}
    exons = {(row["sample"], row["gene"], row["exon"]): row for row in records(result, "exons")}
    calls = records(result, "calls")
    whole = panel()
    for probe, i in enumerate(patients):
        name, gene, exon = names[i], whole.gene[probe], whole.exon[probe]
        row = ratios[name, whole.probes[probe]]
        assert all(nan(row[key]) for key in ("height", "ratio", "ratio_low", "ratio_high"))
        assert BAD[word] in row["flags"].split(";")
        if whole.role[probe] != "target":
            continue
        unit = (whole.gene == gene) & (whole.exon == exon)
        said = exons[name, gene, exon]
        if unit.sum() == 1:
            assert all(nan(value) for key, value in said.items() if key.startswith("ratio"))
        own = [call for call in calls if call["sample"] == name and call["gene"] == gene]
        assert own
        if (whole.gene == gene).sum() == 1:
            assert {call["status"] for call in own} == {"not_evaluable"}
            numbers = ("probability", "ratio", "clone_fraction", "copies_lost", "limit_of_detection")
            assert all(nan(call[key]) for call in own for key in numbers)
    assert [call for call in calls if call["status"] not in ("not_evaluable", "normal", "loss", "gain")] == []


@pytest.mark.parametrize("word", ["", "inf", "0", "-5"])
def test_a_bad_height_moves_no_other_sample(word):
    names, roles, heights = cells()
    first = roles.index("patient")
    rows = [[name, *row] for name, row in zip(names, heights)]
    before = read_and_analyse(rows)
    rows[first][1 + int(np.flatnonzero(panel().gene == "IKZF1")[3])] = word
    after = read_and_analyse(rows)
    pairs = list(zip(records(before, "calls"), records(after, "calls"), strict=True))
    for one, two in pairs:
        if (
            one["sample"] != names[first]
        ):  # the noise of the run is shared; calls and ratios are the sample's own
            keys = ("sample", "gene", "status", "exons", "copies_lost", "n_probes", "flags")
            assert repr([one[key] for key in keys]) == repr([two[key] for key in keys])
            assert (nan(one["ratio"]) and nan(two["ratio"])) or one["ratio"] == pytest.approx(
                two["ratio"], abs=0.002
            )


@pytest.mark.parametrize("word", BAD)
def test_a_probe_without_a_height_in_any_reference_sample_is_not_compared(word):
    names, roles, heights = cells()
    rows = [[name, *row] for name, row in zip(names, heights)]
    single = next(
        i for i in np.flatnonzero(panel().is_role("target")) if (panel().gene == panel().gene[i]).sum() == 1
    )
    for i, role in enumerate(roles):
        if role == "reference":
            rows[i][single + 1] = word
    result = read_and_analyse(rows)
    for row in records(result, "ratios"):
        if row["probe"] == panel().probes[single]:
            assert all(nan(row[key]) for key in ("ratio", "ratio_low", "ratio_high"))
    own = [row for row in records(result, "calls") if row["gene"] == panel().gene[single]]
    assert {row["status"] for row in own} == {"not_evaluable"}
    assert all(nan(row["ratio"]) and nan(row["probability"]) for row in own)


@pytest.mark.parametrize("word", ["", "NaN", "0", "-5"])
def test_a_sample_without_any_height_is_not_evaluable(word):
    names, roles, heights = cells()
    first = roles.index("patient")
    rows = [[name, *row] for name, row in zip(names, heights)]
    rows[first][1:] = [word] * len(panel().probes)
    result = read_and_analyse(rows)
    own = [row for row in records(result, "calls") if row["sample"] == names[first]]
    assert len(own) == len(panel().genes)
    for row in own:
        assert row["status"] == "not_evaluable"
        assert all(nan(row[key]) for key in ("probability", "ratio", "clone_fraction", "limit_of_detection"))
    quality = next(row for row in records(result, "quality") if row["sample"] == names[first])
    assert quality["verdict"] == "fail"
    assert quality["reasons"]


def test_every_height_given_twice_is_refused():
    """Two heights of one probe: neither is taken, whatever they are."""
    names, _, heights = cells()
    probes = panel().probes
    plain = [f"{names[0]}\t{probe}\t{height}" for probe, height in zip(probes, heights[0])]
    for k, probe in enumerate(probes):
        for again in (heights[0][k], "", "-1"):
            text = "\n".join(["sample\tprobe\theight", *plain, f"{names[0]}\t{probe}\t{again}"])
            with pytest.raises(FormatError, match=f"stands also in line {k + 2}; give repeated reactions"):
                runs_from_bytes(text.encode(), "run.tsv")


def test_every_probe_given_twice_as_a_column_is_refused():
    for probe in panel().probes:
        text = (
            "\t".join(["sample", *panel().probes, probe])
            + "\n"
            + "\t".join(["A"] + ["5"] * (len(panel().probes) + 1))
        )
        with pytest.raises(FormatError, match="stands twice in the header"):
            runs_from_bytes(text.encode(), "run.tsv")


def test_every_probe_absent_from_the_file_is_told_as_absent():
    names, _, heights = cells()
    for k in range(len(panel().probes)):
        kept = [i for i in range(len(panel().probes)) if i != k]
        text = "\n".join(
            [
                "\t".join(["sample", *(panel().probes[i] for i in kept)]),
                "\t".join([names[0], *(heights[0][i] for i in kept)]),
            ]
        )
        signals = align(runs_from_bytes(text.encode(), "run.tsv")[""], panel().probes)
        assert nan(float(signals.height[0, k]))
        assert signals.missing[0, k] == 7  # NOT_IN_FILE
        assert (signals.missing[0, kept] == 0).all()
