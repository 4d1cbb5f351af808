"""Figures over runs: from a batch of simulated runs, and from combined tables with a drift that is known."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from batch_cases import PANEL, finish, rng, write_table

from mlpa_caller import cli
from mlpa_caller.errors import InputError, MissingExtraError
from mlpa_caller.trend import find_trend, write_trend
from mlpa_caller.trend.figures import Labels, labels_of, read_series

REFERENCES = 4
PROBES = {"R1": 100, "R2": 200, "R3": 300, "R4": 400, "R5": 350}


def combined(folder: Path, n_runs: int = 40, shift_from: int | None = None, **changes: object) -> Path:
    """Combined tables by hand: two instruments in turn; from run `shift_from` on, a lot in which R3 gives 20 % more."""
    folder.mkdir(parents=True)
    generator = rng(5)
    quality, ratios = [], []
    for i in range(n_runs):
        run, lot = f"run{i}", "L2" if shift_from is not None and i >= shift_from else "L1"
        date = f"2025-{1 + i // 28:02d}-{1 + i % 28:02d}"
        head = {"run": run, "instrument": "AB"[i % 2], "lot": lot, "date": date, **changes}
        for name, role in (*((f"N{k}", "reference") for k in range(REFERENCES)), ("P1", "patient")):
            sd, height = (
                0.05 + 0.002 * generator.standard_normal(),
                4000 * np.exp(0.1 * generator.standard_normal()),
            )
            quality.append(
                {**head, "sample": name, "role": role, "reference_sd": sd, "median_height": height}
            )
            for probe, length in PROBES.items():
                ln = 9 - 0.4 * (length - 300) / 100 + 0.01 * generator.standard_normal()
                ln += 0.2 if probe == "R3" and lot == "L2" else 0.0
                ratios.append((run, name, probe, "reference", float(length), np.exp(ln)))
            ratios.append((run, name, "T", "target", 150.0, 1.0))
    order = generator.permutation(len(quality))
    pd.DataFrame(quality).iloc[order].to_parquet(folder / "quality.parquet", index=False)
    columns = ["run", "sample", "probe", "probe_role", "length_nt", "height"]
    pd.DataFrame(ratios, columns=columns).to_parquet(
        folder / "ratios.parquet", index=False, row_group_size=500
    )
    return folder


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["trend", *map(str, words)])
    return int(caught.value.code)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "trend", "Quality over runs.")


def test_values_are_the_medians_of_the_reactions(tmp_path):
    folder = combined(tmp_path / "all")
    series, labels = read_series(str(folder))
    assert labels == Labels("instrument", "lot", "date")
    by_name = {each.figure.name: each.table for each in series}
    assert list(by_name) == [
        "reference_sd",
        "median_height",
        "raw_slope",
        *(f"probe:{probe}" for probe in PROBES),
    ]
    quality = pd.read_parquet(folder / "quality.parquet")
    references = quality[quality["role"] == "reference"]
    table = by_name["reference_sd"]
    assert table["run"].tolist() == [f"run{i}" for i in range(40)]  # by date, not by name
    assert table["value"].tolist() == pytest.approx(
        [references[references["run"] == name]["reference_sd"].median() for name in table["run"]]
    )
    assert set(table["n"]) == {REFERENCES}
    both = by_name["median_height"]
    assert set(both["n"]) == {REFERENCES + 1}
    first = quality[quality["run"] == "run0"]["median_height"]
    assert both["value"][0] == pytest.approx(np.log(first.median()), abs=1e-3)
    # every probe has ln height 9 - 0.4 (length - 300) / 100 with an SD of 0.01
    assert by_name["raw_slope"]["value"].mean() == pytest.approx(-0.4, abs=0.005)
    assert by_name["probe:R1"]["value"].mean() == pytest.approx(0.4 * 1.7, abs=0.01)  # mean length: 270 nt


def test_a_lot_that_differs_is_seen(tmp_path):
    folder = combined(tmp_path / "all", n_runs=80, shift_from=60)
    trend = find_trend(folder)
    violations = trend.tables["violations"].columns
    shifted = {
        (figure, run)
        for figure, run, severity in zip(violations["figure"], violations["run"], violations["severity"])
        if severity == "reject" and figure == "probe:R3"
    }
    assert {run for _, run in shifted} >= {f"run{i}" for i in range(60, 80)}  # from its first run on
    assert not {run for _, run in shifted} & {f"run{i}" for i in range(2, 60)}
    groups = trend.tables["groups"].columns
    difference = {
        (figure, instrument, lot): value
        for figure, instrument, lot, value in zip(
            groups["figure"], groups["instrument"], groups["lot"], groups["difference_sd"]
        )
    }
    assert difference["probe:R3", "A", "L2"] > 10
    assert abs(difference["probe:R3", "A", "L1"]) < 1
    assert abs(difference["reference_sd", "B", "L2"]) < 1
    limits = trend.tables["limits"].columns
    assert set(limits["baseline_runs"]) == {20}
    assert set(limits["points"]) == {40}


def test_each_instrument_has_its_own_limits(tmp_path):
    folder = combined(tmp_path / "all")
    quality = pd.read_parquet(folder / "quality.parquet")
    quality.loc[quality["instrument"] == "B", "reference_sd"] += 0.05
    quality.to_parquet(folder / "quality.parquet", index=False)
    trend = find_trend(folder, wanted=["reference_sd"])
    means = dict(zip(trend.tables["limits"].columns["instrument"], trend.tables["limits"].columns["mean"]))
    assert means == pytest.approx({"A": 0.05, "B": 0.10}, abs=0.002)
    together = find_trend(folder, wanted=["reference_sd"], labels=Labels("", "lot", "date"), baseline=40)
    assert together.tables["limits"].columns["mean"].tolist() == pytest.approx([0.075], abs=0.002)


def test_a_run_with_two_lots_gives_two_points(tmp_path):
    folder = combined(tmp_path / "all", n_runs=6)
    quality = pd.read_parquet(folder / "quality.parquet")
    quality.loc[(quality["run"] == "run3") & quality["sample"].isin(["N0", "N1"]), "lot"] = "L9"
    quality.to_parquet(folder / "quality.parquet", index=False)
    (series,), _ = read_series(str(folder), wanted=["reference_sd"])
    table = series.table
    assert table[table["run"] == "run3"][["lot", "n"]].values.tolist() == [["L1", 2], ["L9", 2]]


def test_order_without_dates_is_that_of_the_names(tmp_path):
    folder = combined(tmp_path / "all", n_runs=12)
    quality = pd.read_parquet(folder / "quality.parquet").drop(columns=["date", "lot", "instrument"])
    quality.to_parquet(folder / "quality.parquet", index=False)
    series, labels = read_series(str(folder))
    assert labels == Labels("", "", "")
    assert series[0].table["run"].tolist() == [f"run{i}" for i in range(12)]


def test_usual_names_of_columns():
    assert labels_of(["run", "Lot", "analyser", "RUN_DATE"]) == Labels("analyser", "Lot", "RUN_DATE")
    assert labels_of(["panel_lot", "lot"]) == Labels("", "lot", "")


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (None, ["--date", "when"], "has no column 'when'"),
        (None, ["--figure", "beauty"], "unknown figure 'beauty'; use one of reference_sd"),
        ({"date": "31.3.2025"}, [], "date '31.3.2025' in column 'date' is not written YYYY-MM-DD"),
        ("quality", [], "is no combined table"),
        ("ratios", [], "is damaged"),
        ("nothing", ["--figure", "size_sd"], "holds none of the figures"),
    ],
)
def test_what_cannot_be_used(tmp_path, capsys, change, words, message):
    folder = combined(tmp_path / "all", n_runs=6, **(change if isinstance(change, dict) else {}))
    if change in ("quality", "ratios"):
        path = folder / f"{change}.parquet"
        path.write_bytes(path.read_bytes()[:-100])
    assert run(folder, "--out", tmp_path / "out", "--no-charts", *words) == 3
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_other_tables_are_refused(tmp_path):
    pd.DataFrame({"sample": ["a"]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"has no column role, run; name a quality\.parquet"):
        find_trend(tmp_path / "t.parquet")


def test_the_command_writes_tables_and_charts(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="the extra [trend] is not installed")
    folder, out = combined(tmp_path / "all", n_runs=60, shift_from=50), tmp_path / "out"
    assert run(folder / "quality.parquet", "--out", out) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "16 charts over 60 runs: " in printed.out
    furthest = printed.out.splitlines()[1]
    assert re.fullmatch(
        r"  probe:R3  (1-3s|2-2s|4-1s)  run run5\d \([AB], L2, 2025-0\d-\d\d\)  \+\d\d\.\d SD", furthest
    )
    names = sorted(path.name for path in out.iterdir())
    assert {"points.tsv", "violations.tsv", "limits.tsv", "groups.tsv", "provenance.json"} < set(names)
    assert {"chart_probe_R3.svg", "chart_probe_R3.png", "chart_reference_sd.svg"} < set(names)
    points = rows(out, "points")
    assert len(points) == 8 * 60
    broken = [(row["figure"], row["run"], rule) for row in points for rule in row["rules"].split(";") if rule]
    assert broken == [(row["figure"], row["run"], row["rule"]) for row in rows(out, "violations")]
    document = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert document["parameters"] == {
        "baseline_runs": 20,
        "instrument": "instrument",
        "lot": "lot",
        "date": "date",
    }
    assert [entry["name"] for entry in document["inputs"]] == ["quality.parquet", "ratios.parquet"]
    assert run(folder, "--out", out) == 2
    assert "holds a result; add --force" in capsys.readouterr().err
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "provenance.json"}
    assert run(folder, "--out", out, "--force", "--json") == 0
    assert {
        path.name: path.read_bytes() for path in out.iterdir() if path.name != "provenance.json"
    } == before
    document = json.loads(capsys.readouterr().out)
    assert len(document["violations"]) == len(broken)
    assert run(folder, "--out", out, "--force", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_charts_without_the_extra(tmp_path, monkeypatch):
    trend = find_trend(combined(tmp_path / "all", n_runs=6))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        MissingExtraError, match=r"matplotlib, which is not installed; .*mlpa-caller\[trend\]"
    ):
        write_trend(trend, tmp_path / "out")
    assert "points.tsv" in write_trend(trend, tmp_path / "out", charts=False)


def test_chart_files_of_probes_with_like_names(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra [trend] is not installed")
    from mlpa_caller.trend.charts import draw

    folder = combined(tmp_path / "all", n_runs=6)
    ratios = pd.read_parquet(folder / "ratios.parquet").replace(
        {"probe": {"R1": "../x", "R2": "r3", "R4": "a$b^"}}
    )
    ratios.to_parquet(folder / "ratios.parquet", index=False)
    names = list(draw(find_trend(folder, wanted=["probe"]).charts))
    assert len({name.lower() for name in names}) == len(names) == 2 * len(PROBES)
    assert all(Path(name).name == name and not name.startswith(".") for name in names)


def test_a_batch_of_simulated_runs(tmp_path):
    table = write_table(tmp_path / "t.parquet", {f"run{seed}": seed for seed in range(1, 7)})
    finish(
        table,
        "--samples",
        table.with_suffix(".csv"),
        "--panel",
        PANEL,
        "--workers",
        2,
        "--out",
        tmp_path / "all",
    )
    trend = find_trend(tmp_path / "all")
    figures = {chart.series.figure.name for chart in trend.charts}
    assert {"reference_sd", "probe_sd", "slope", "raw_slope", "median_height", "quantity_ratio"} <= figures
    assert sum(name.startswith("probe:") for name in figures) >= 10
    for chart in trend.charts:
        assert chart.series.table["run"].tolist() == [f"run{seed}" for seed in range(1, 7)]
        assert np.isfinite(chart.limits.sd)
