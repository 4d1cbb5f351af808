"""One value a run and figure, from the combined tables of a batch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.errors import InputError, shown
from mlpa_caller.formats.text import natural_key
from mlpa_caller.refdata import reference_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Figure", "Labels", "Series", "combined_columns", "labels_of", "read_series"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is followed over runs.

    Attributes
    ----------
    name, label, unit, meaning
        As in ``reference/trend/figures.csv``; for a reference probe with its name.
    log
        It is followed on a logarithmic scale.
    """

    name: str
    label: str
    unit: str
    meaning: str
    log: bool


@dataclass(frozen=True, slots=True)
class Labels:
    """Columns of the sample sheet that say where and when a run was made; empty where there is none.

    Attributes
    ----------
    instrument
        Each of its values has its own control limits.
    lot
        Its values are marked and compared; they share the limits, so that a new lot that differs is seen.
    date
        Order of the runs.
    """

    instrument: str
    lot: str
    date: str


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The values of one figure: a row a run (and lot, where a run has more than one), in order of time.

    Attributes
    ----------
    figure
        What it is.
    table
        Columns ``run``, ``instrument``, ``lot``, ``date`` (text), ``value`` (on the figure's own scale) and
        ``n`` (reactions that the median is taken over).
    """

    figure: Figure
    table: pd.DataFrame


def read_series(
    source: str, labels: Labels | None = None, *, wanted: Sequence[str] = ()
) -> tuple[list[Series], Labels]:
    """Read the figures of a batch.

    Parameters
    ----------
    source
        The folder of a batch, or its ``quality.parquet``; reference probes need ``ratios.parquet`` beside it.
    labels
        The columns to go by; by default those with the usual names that are there.
    wanted
        Names of figures; all by default. ``probe`` stands for every reference probe.

    Raises
    ------
    InputError
        If a table cannot be read or has not the columns asked for, or a date is not written YYYY-MM-DD.
    """
    quality_path = _quality_path(source)
    names = combined_columns(source)
    chosen = labels_of(names) if labels is None else labels
    for name in (chosen.instrument, chosen.lot, chosen.date):
        if name and name not in names:
            raise InputError(
                f"has no column {shown(name)} (its columns: {shown(', '.join(names), 200)})",
                remedy="name a column of the sample sheet",
                file=quality_path,
            )
    rows = reference_rows("trend/figures.csv")
    _known(wanted, [row["figure"] for row in rows])
    used = [row for row in rows if not wanted or row["figure"] in wanted]
    needed = [row["column"] for row in used if row["table"] == "quality" and row["column"] in names]
    frame = _read(quality_path, list(dict.fromkeys(
        ["run", "sample", "role", *needed, *filter(None, (chosen.instrument, chosen.lot, chosen.date))]
    )))  # fmt: skip
    samples = _labelled(frame, chosen, quality_path)
    series = [
        _series(_figure(row), samples, samples[row["column"]], row["roles"].split(";"))
        for row in used
        if row["table"] == "quality" and row["column"] in samples
    ]
    heights = [row for row in used if row["table"] == "ratios"]
    ratios_path = quality_path.with_name("ratios.parquet")
    if heights and ratios_path.is_file():
        series += _height_series(ratios_path, samples, heights)
    return [each for each in series if len(each.table)], chosen


def labels_of(names: Sequence[str]) -> Labels:
    """Return the columns with the usual names for instrument, lot and date among `names`."""
    lower = {name.lower(): name for name in reversed(names)}
    found: dict[str, str] = {}
    for row in reference_rows("trend/columns.csv"):
        if row["column"] in lower:
            found.setdefault(row["meaning"], lower[row["column"]])
    return Labels(found.get("instrument", ""), found.get("lot", ""), found.get("date", ""))


def _known(wanted: Sequence[str], names: Sequence[str]) -> None:
    for name in wanted:
        if name not in names:
            raise InputError(f"unknown figure {shown(name)}", remedy="use one of " + ", ".join(names))


def _figure(row: Mapping[str, str], probe: str = "") -> Figure:
    name, label = row["figure"], row["label"]
    if probe:
        name, label = f"{name}:{probe}", f"{label} {probe}"
    return Figure(name, label, row["unit"], row["meaning"], row["scale"] == "log")


def _quality_path(source: str) -> Path:
    path = Path(source)
    return path / "quality.parquet" if path.is_dir() else path


def combined_columns(source: str) -> list[str]:
    """Return the columns of the combined table of quality.

    Raises
    ------
    InputError
        If it cannot be read, or is none.
    """
    path = _quality_path(source)
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        names: list[str] = pq.read_schema(path).names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"is no combined table ({type(error).__name__})",
            remedy="name the folder that mlpa-caller batch wrote, or its quality.parquet",
            file=path,
        ) from None
    lacking = {"run", "sample", "role"} - set(names)
    if lacking:
        raise InputError(
            f"has no column {', '.join(sorted(lacking))}",
            remedy="name a quality.parquet of mlpa-caller batch",
            file=path,
        )
    return names


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        frame: pd.DataFrame = pq.read_table(path, columns=columns).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"is damaged ({type(error).__name__})",
            remedy="run mlpa-caller batch again with --resume",
            file=path,
        ) from None
    return frame


def _labelled(frame: pd.DataFrame, labels: Labels, path: Path) -> pd.DataFrame:
    """Return the samples with the columns ``instrument``, ``lot`` and ``date``, and the order of their runs."""
    texts = {
        meaning: frame[getattr(labels, meaning)].fillna("").astype(str) if getattr(labels, meaning) else ""
        for meaning in ("instrument", "lot", "date")
    }
    frame = frame.assign(**texts)
    dates = sorted(set(frame["date"]) - {""})
    wrong = [date for date in dates if not _DATE.fullmatch(date)]
    if wrong:
        raise InputError(
            f"date {shown(wrong[0])} in column {shown(labels.date)} is not written YYYY-MM-DD",
            remedy="write dates as 2025-03-31 in the sample sheet",
            file=path,
        )
    frame["date"] = frame.groupby("run")["date"].transform("min")
    runs = frame.drop_duplicates("run")
    order = sorted(zip(runs["date"], runs["run"]), key=lambda each: (each[0], natural_key(each[1]), each[1]))
    place = {run: i for i, (_, run) in enumerate(order)}
    return frame.assign(order=frame["run"].map(place))


def _series(figure: Figure, samples: pd.DataFrame, values: Any, roles: Sequence[str]) -> Series:
    """Return the median of each run over its reactions with one of the roles."""
    rows = samples[["run", "order", "instrument", "lot", "date"]].assign(value=values)
    rows = rows[samples["role"].isin(roles) & rows["value"].notna()]
    if figure.log:
        rows = rows[rows["value"] > 0].assign(value=lambda frame: np.log(frame["value"]))
    grouped = rows.groupby(["order", "run", "instrument", "lot", "date"], sort=True)["value"]
    table = grouped.agg(value="median", n="count").reset_index().drop(columns="order")
    return Series(figure, table)


def _height_series(path: Path, samples: pd.DataFrame, rows: Sequence[Mapping[str, str]]) -> list[Series]:
    """Return the figures that are taken from the heights of the reference probes."""
    import pandas as pd

    names = samples[["run", "sample", "order", "instrument", "lot", "date", "role"]]
    parts = list(_reference_heights(path, names, {role for row in rows for role in row["roles"].split(";")}))
    if not parts:
        return []
    heights = pd.concat(parts, ignore_index=True)
    heights["relative"] = _relative(heights)
    series = []
    for row in rows:
        part = heights[heights["role"].isin(row["roles"].split(";"))]
        if row["figure"] != _PROBE:
            slopes = _slopes(part)
            series.append(_series(_figure(row), slopes, slopes["value"], row["roles"].split(";")))
            continue
        for probe, own in part.groupby("probe", sort=False):
            series.append(_series(_figure(row, str(probe)), own, own["relative"], row["roles"].split(";")))
    return series


def _reference_heights(path: Path, names: pd.DataFrame, roles: set[str]) -> Iterator[pd.DataFrame]:
    """Give the reference probes of the samples with one of the roles, some rows at a time."""
    import pyarrow as pa
    from pyarrow import compute as pc
    from pyarrow import parquet as pq

    wanted = names[names["role"].isin(roles)]
    columns = ["run", "sample", "probe", "probe_role", "length_nt", "height"]
    try:
        file = pq.ParquetFile(path)
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group, columns=columns)
            table = table.filter(pc.field("probe_role") == "reference").drop_columns("probe_role")
            frame = table.to_pandas().merge(wanted, on=["run", "sample"])
            frame = frame[frame["height"] > 0]
            yield frame.assign(ln=np.log(frame["height"]))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"is damaged ({type(error).__name__})",
            remedy="run mlpa-caller batch again with --resume",
            file=path,
        ) from None


def _relative(heights: pd.DataFrame) -> pd.Series:
    """Return each ln height against the level of its reaction.

    The level is the median over the reaction's reference probes, each against its own usual height: a single
    probe that changes has no say in it.
    """
    reaction, ln = [heights["run"], heights["sample"]], heights["ln"]
    usual = (ln - ln.groupby(reaction).transform("mean")).groupby(heights["probe"]).transform("median")
    return ln - (ln - usual).groupby(reaction).transform("median")


def _slopes(heights: pd.DataFrame) -> pd.DataFrame:
    """Return each reaction's least-squares slope of ln height over length, per 100 nucleotides."""
    keys = ["run", "sample", "order", "instrument", "lot", "date", "role"]
    x, y = heights["length_nt"] / 100.0, heights["ln"]
    by = [heights[key] for key in keys]
    dx, dy = x - x.groupby(by).transform("mean"), y - y.groupby(by).transform("mean")
    sums = (dx * dy).groupby(by).sum() / (dx * dx).groupby(by).sum().replace(0.0, np.nan)
    return sums.rename("value").reset_index()
