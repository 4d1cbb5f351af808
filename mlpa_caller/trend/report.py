"""The trend of every figure: points, control limits, broken rules, lots compared; as tables and charts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError
from mlpa_caller.outputs.atomic import atomic_folder, open_text
from mlpa_caller.outputs.provenance import Invocation, write_provenance
from mlpa_caller.outputs.tsv import write_table
from mlpa_caller.trend.figures import Labels, Series, read_series
from mlpa_caller.trend.rules import Limits, broken, limits, parameter, rules

if TYPE_CHECKING:
    from mlpa_caller.result import InputFile, Result

__all__ = ["Chart", "Trend", "find_trend", "write_trend"]


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One figure on one instrument.

    Attributes
    ----------
    series
        The figure and its values on this instrument, in order of time.
    instrument
        Empty where instruments are not told apart.
    limits
        Of the first runs.
    z
        ``(points,)`` distance from the mean in standard deviations; NaN without limits.
    broken
        ``(points,)`` names of the rules that are broken with each point.
    """

    series: Series
    instrument: str
    limits: Limits
    z: Any
    broken: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """The figures of a batch over its runs.

    Attributes
    ----------
    charts
        By figure and instrument.
    labels
        The columns that were gone by.
    tables
        ``points``, ``violations``, ``limits`` and ``groups`` (every lot and instrument compared).
    baseline
        Number of first runs that limits are taken from.
    """

    charts: tuple[Chart, ...]
    labels: Labels
    tables: dict[str, Table]
    baseline: int


def find_trend(
    source: str | os.PathLike[str],
    *,
    labels: Labels | None = None,
    baseline: int = 0,
    wanted: Sequence[str] = (),
) -> Trend:
    """Follow the quality figures and reference probes of a batch over its runs.

    Parameters
    ----------
    source
        The folder of a batch, or its ``quality.parquet``.
    labels
        Columns of the sample sheet that name instrument, lot and date; by default those with the usual names.
    baseline
        Number of first runs of each instrument that mean and SD are taken from; 0 for the usual number.
    wanted
        Names of figures; all by default.

    Raises
    ------
    InputError
        If a table cannot be read, or holds none of the figures.
    """
    series, found = read_series(os.fspath(source), labels, wanted=wanted)
    if not series:
        raise InputError(
            "holds none of the figures", remedy="name the folder of a finished batch", file=source
        )
    count = baseline or parameter("baseline_runs")
    charts = tuple(chart for each in series for chart in _charts(each, count))
    tables = {
        "points": _points(charts),
        "violations": _violations(charts),
        "limits": _limits_table(charts),
        "groups": _groups(charts),
    }
    return Trend(charts, found, tables, count)


def _charts(series: Series, baseline: int) -> list[Chart]:
    out = []
    for instrument, table in series.table.groupby("instrument", sort=True):
        values = table["value"].to_numpy(dtype=np.float64)
        found = limits(values, baseline)
        z = (values - found.mean) / found.sd
        names = np.full(len(z), "", dtype=object)
        for rule in rules():
            names[broken(z, rule)] += rule.name + ";"
        rows = tuple(tuple(name.split(";")[:-1]) for name in names.tolist())
        own = Series(series.figure, table.reset_index(drop=True))
        out.append(Chart(own, str(instrument), found, z, rows))
    return out


def _table(rows: list[dict[str, Any]], columns: dict[str, str], decimals: dict[str, int]) -> Table:
    """Return rows as a table; `columns` says of each column whether it is text, float or int."""
    made: dict[str, Any] = {}
    for name, kind in columns.items():
        values = [row[name] for row in rows]
        made[name] = (
            text_array(values)
            if kind == "text"
            else np.array(values, dtype=np.float64 if kind == "float" else np.int64)
        )
    return Table(made, decimals)


_PLACE = {"figure": "text", "instrument": "text"}
_POINT = {**_PLACE, "run": "text", "lot": "text", "date": "text"}
_DECIMALS = {"value": 4, "mean": 4, "sd": 4, "z": 2, "difference_sd": 2}


def _point_rows(chart: Chart) -> list[dict[str, Any]]:
    table = chart.series.table
    place = {"figure": chart.series.figure.name, "instrument": chart.instrument}
    found = {"mean": chart.limits.mean, "sd": chart.limits.sd}
    columns = {name: table[name].tolist() for name in ("run", "lot", "date", "value", "n")}
    return [
        {**place, **dict(zip(columns, row)), **found, "z": float(z), "rules": ";".join(names)}
        for row, z, names in zip(zip(*columns.values()), chart.z, chart.broken)
    ]


def _points(charts: Sequence[Chart]) -> Table:
    columns = {
        **_POINT,
        "n": "int",
        "value": "float",
        "mean": "float",
        "sd": "float",
        "z": "float",
        "rules": "text",
    }
    return _table([row for chart in charts for row in _point_rows(chart)], columns, _DECIMALS)


def _violations(charts: Sequence[Chart]) -> Table:
    known = {rule.name: rule for rule in rules()}
    rows = [
        {**row, "rule": name, "severity": known[name].severity, "meaning": known[name].meaning,
         "detects": known[name].detects}
        for chart in charts
        for row in _point_rows(chart)
        for name in filter(None, row["rules"].split(";"))
    ]  # fmt: skip
    columns = {**_POINT, "rule": "text", "severity": "text", "value": "float", "z": "float", "meaning": "text",
               "detects": "text"}  # fmt: skip
    return _table(rows, columns, _DECIMALS)


def _limits_table(charts: Sequence[Chart]) -> Table:
    rows = [
        {"figure": chart.series.figure.name, "instrument": chart.instrument, "mean": chart.limits.mean,
         "sd": chart.limits.sd, "baseline_runs": chart.limits.runs, "points": len(chart.z),
         "warnings": _count(chart, "warning"), "rejections": _count(chart, "reject"),
         "unit": chart.series.figure.unit, "log_scale": "yes" if chart.series.figure.log else "no",
         "meaning": chart.series.figure.meaning}
        for chart in charts
    ]  # fmt: skip
    counts = dict.fromkeys(("baseline_runs", "points", "warnings", "rejections"), "int")
    columns = {
        **_PLACE,
        "mean": "float",
        "sd": "float",
        **counts,
        "unit": "text",
        "log_scale": "text",
        "meaning": "text",
    }
    return _table(rows, columns, _DECIMALS)


def _count(chart: Chart, severity: str) -> int:
    wanted = {rule.name for rule in rules() if rule.severity == severity}
    return sum(bool(wanted.intersection(names)) for names in chart.broken)


def _groups(charts: Sequence[Chart]) -> Table:
    """Return every lot on every instrument, against the limits of that instrument."""
    rows = []
    for chart in charts:
        for lot, table in chart.series.table.groupby("lot", sort=True):
            mean = float(table["value"].mean())
            place = {"figure": chart.series.figure.name, "instrument": chart.instrument, "lot": str(lot)}
            difference = (mean - chart.limits.mean) / chart.limits.sd
            rows.append({**place, "runs": len(table), "value": mean, "difference_sd": difference})
    columns = {**_PLACE, "lot": "text", "runs": "int", "value": "float", "difference_sd": "float"}
    return _table(rows, columns, _DECIMALS)


def write_trend(
    trend: Trend,
    out: str | os.PathLike[str],
    *,
    force: bool = False,
    charts: bool = True,
    inputs: tuple[InputFile, ...] = (),
    invocation: Invocation | None = None,
) -> list[str]:
    """Write the tables of a trend and, with `charts`, a Levey-Jennings chart of every figure as SVG and PNG.

    Returns
    -------
    list of str
        Names of the files.

    Raises
    ------
    ResultExistsError, OutputError
        As `mlpa_caller.outputs.atomic.atomic_folder`.
    MissingExtraError
        If charts are asked for and the plotting library is not installed.
    """
    drawn: dict[str, bytes] = {}
    if charts:
        from mlpa_caller.trend.charts import draw

        drawn = draw(trend.charts)
    with atomic_folder(out, force=force) as folder:
        for name, table in trend.tables.items():
            with open_text(folder / f"{name}.tsv") as stream:
                write_table(table, stream)
        for name, data in drawn.items():
            (folder / name).write_bytes(data)
        made = SimpleNamespace(
            inputs=inputs,
            parameters={
                "baseline_runs": trend.baseline,
                "instrument": trend.labels.instrument,
                "lot": trend.labels.lot,
                "date": trend.labels.date,
            },
        )
        write_provenance(cast("Result", made), folder, invocation)
        return sorted(path.name for path in folder.iterdir())
