"""Figures: curves with numbers at risk, cumulative incidence, odds ratios, and the spectrum of exon ranges.

Drawn without any global state of the plotting library, with text as text, and the same bytes for the same data.
"""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import Any

import numpy as np

from mlpa_caller.cohort.competing import Incidence
from mlpa_caller.cohort.events import PER_YEAR
from mlpa_caller.cohort.extra import library
from mlpa_caller.cohort.report import Report
from mlpa_caller.cohort.survival import Part, axis_years
from mlpa_caller.datatypes import FloatArray, Table

__all__ = ["FORMATS", "draw", "render"]

FORMATS = ("svg", "png")

_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)  # told apart by the colour-blind
_DASHES = ("-", "--", ":", "-.")
_KINDS = {"solid": "-", "dotted": ":", "dashed": "--"}
_SETTINGS = {
    "text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "mlpa-caller", "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"], "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
_STEPS = 2000
_LONGEST = 40
_RANGE = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,3})?")


def clean(text: str) -> str:
    """Return a name that can stand in a figure: printable, not too long."""
    word = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return word if len(word) <= _LONGEST else word[: _LONGEST - 1] + "…"


def draw(report: Report) -> dict[str, dict[str, bytes]]:
    """Draw the figures of a report.

    Returns
    -------
    dict
        By name, the bytes in every format of `FORMATS`.

    Raises
    ------
    MissingExtraError
        If the plotting library is not installed.
    """
    out: dict[str, dict[str, bytes]] = {}
    with library("matplotlib").rc_context(_SETTINGS):
        for kind, *data in report.figures:
            for name, figure in _MAKERS[kind](*data):
                out[name] = {form: render(figure, form) for form in FORMATS}
    return out


def render(figure: Any, form: str) -> bytes:
    """Return a figure's bytes, without date and program version in them."""
    stream = BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format=form, dpi=150, metadata=metadata, bbox_inches="tight")
    return stream.getvalue()


def _figure(width: float, height: float) -> Any:
    return library("matplotlib.figure").Figure(figsize=(width, height))


def _style(g: int) -> dict[str, Any]:
    return {"color": _COLOURS[g % len(_COLOURS)], "linestyle": _DASHES[g // len(_COLOURS) % len(_DASHES)]}


def _thin(time: FloatArray, *values: FloatArray) -> tuple[FloatArray, ...]:
    """Leave out steps that no eye can tell apart."""
    if len(time) <= _STEPS:
        return (time, *values)
    cell = (time / time[-1] * _STEPS).astype(np.int64)
    keep = np.append(np.diff(cell) > 0, True)
    keep[0] = True
    return (time[keep], *(value[keep] for value in values))


def _curves(part: Part) -> list[tuple[str, Any]]:
    name = re.sub(r"[^a-z0-9]+", "_", part.endpoint.lower()).strip("_") or "survival"
    figures = [(f"curves_{name}", _survival_figure(part))]
    if part.incidence is not None:
        figures.append((f"incidence_{name}", _incidence_figure(part)))
    return figures


def _survival_figure(part: Part) -> Any:
    present = list(part.present())
    figure = _figure(6.4, 3.8 + 0.2 * len(present))
    axes, below = _two_axes(figure, part, len(present))
    scale = PER_YEAR[part.outcome.unit]
    for g, _, curve in present:
        time, value, low, high = _thin(
            curve.time / scale, 100 * curve.value, 100 * curve.low, 100 * curve.high
        )
        axes.step(time, value, where="post", linewidth=1.4, **_style(g))
        if len(present) <= 3:
            axes.fill_between(time, low, high, step="post", alpha=0.12, linewidth=0, color=_style(g)["color"])
        ends = curve.censored > 0
        if ends.sum() <= 500:
            axes.plot(
                curve.time[ends] / scale, 100 * curve.value[ends], "|", markersize=5, color=_style(g)["color"]
            )
    axes.set_ylabel(f"{clean(part.endpoint)} (%)")
    _risk_rows(below, part)
    return figure


def _two_axes(figure: Any, part: Part, n: int) -> tuple[Any, Any]:
    axes, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[12, 1.2 + n], gridspec_kw={"hspace": 0.28}
    )
    longest = max(part.longest(), 1e-6)
    axes.set_xlim(0, longest * 1.02)
    axes.set_ylim(0, 102)
    axes.set_xticks(axis_years(longest))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("years")
    return axes, below


def _risk_rows(below: Any, part: Part) -> None:
    """Write the numbers at risk under the curves; the names in the curves' colours are the legend."""
    below.set_axis_off()
    present = list(part.present())
    below.set_ylim(len(present) + 0.6, -1.0)
    below.text(0, -0.6, "at risk", fontsize=8, ha="left", va="center")
    scale = PER_YEAR[part.outcome.unit]
    for row, (g, name, curve) in enumerate(present):
        colour = _style(g)["color"]
        below.annotate(clean(name), (0, row + 0.3), xycoords=("axes fraction", "data"), xytext=(-14, 0),
                       textcoords="offset points", ha="right", va="center", color=colour, fontsize=8)  # fmt: skip
        for years in axis_years(max(part.longest(), 1e-6)):
            below.text(years, row + 0.3, str(curve.at_risk_at(years * scale)), ha="center", va="center",
                       fontsize=8, color=colour)  # fmt: skip


def _incidence_figure(part: Part) -> Any:
    present = list(part.present())
    figure = _figure(6.4, 3.8 + 0.2 * len(present))
    axes, below = _two_axes(figure, part, len(present))
    scale = PER_YEAR[part.outcome.unit]
    for g, _, curve in present:
        own = part.incidence[g] if part.incidence else None
        if own is None:
            continue
        for cause, dash in zip(range(1, len(part.outcome.causes) + 1), _KINDS.values()):
            time, value = _thin(*_steps(own, cause, curve.longest, scale))
            axes.step(time, value, where="post", linewidth=1.4, color=_style(g)["color"], linestyle=dash)
    axes.set_ylabel("cumulative incidence (%)")
    labels = [f"{line}: {clean(label)}" for line, label in zip(_KINDS, part.outcome.causes)]
    axes.text(0.02, 0.97, "\n".join(labels), transform=axes.transAxes, va="top", fontsize=8)
    _risk_rows(below, part)
    return figure


def _steps(own: Incidence, cause: int, longest: float, scale: float) -> tuple[FloatArray, FloatArray]:
    value = own.incidence[cause - 1]
    last = value[-1:] if len(value) else np.zeros(1)
    time = np.concatenate(([0.0], own.time, [longest])) / scale
    return time, 100 * np.concatenate(([0.0], value, last))


def _forest(by: Any, tests: Table) -> list[tuple[str, Any]]:
    """Draw odds ratios with their intervals, one line a feature; nothing when there is none."""
    column = tests.columns
    if not len(tests) or column["odds_ratio"].dtype.kind != "f":
        return []
    low, high = (np.asarray(column[f"odds_ratio_{end}"], dtype=np.float64) for end in ("low", "high"))
    rows = [i for i in range(len(tests)) if not (np.isnan(low[i]) and np.isnan(high[i]))]
    if not rows:
        return []
    ends = np.concatenate((low[rows], high[rows], [1.0]))
    ends = ends[np.isfinite(ends) & (ends > 0)]
    left, right = float(ends.min()) / 2, float(ends.max()) * 2
    figure = _figure(6.4, 1.0 + 0.32 * len(rows))
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.axvline(1.0, color="#888888", linewidth=0.8)
    for y, i in enumerate(rows):
        a = low[i] if low[i] > 0 else left
        b = high[i] if np.isfinite(high[i]) else right
        axes.plot([a, b], [y, y], color=_COLOURS[0], linewidth=1.4)
        if column["odds_ratio"][i] > 0:
            axes.plot([column["odds_ratio"][i]], [y], "s", color=_COLOURS[0], markersize=5)
    axes.set_yticks(
        range(len(rows)), [clean(f"{column['feature'][i]}: {column['odds_of'][i]}") for i in rows]
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"odds ratio, {clean(by.levels[1])} against {clean(by.levels[0])} (95 % interval)")
    return [("odds_ratios", figure)]


def _spectrum(gene: str, table: Table) -> list[tuple[str, Any]]:
    """Draw one line a pattern of losses: its exons as a bar, with the number of patients."""
    if not len(table):
        return []
    patterns, patients = table.columns["exons"].tolist(), table.columns["patients"].tolist()
    spans = [[tuple(map(int, part.split("-"))) for part in text.split(" + ") if _RANGE.fullmatch(part)]
             for text in patterns]  # fmt: skip
    figure = _figure(6.4, 0.9 + 0.3 * len(patterns))
    axes = figure.subplots()
    if any(spans):
        last = max(span[-1] for own in spans for span in own)
        for y, own in enumerate(spans):
            for span in own:
                axes.barh(y, span[-1] - span[0] + 0.8, left=span[0] - 0.4, height=0.5, color=_COLOURS[0])
        axes.set_xlim(0.4, last + 0.6)
        axes.set_xticks(range(1, last + 1, max(1, last // 20)))
        axes.set_xlabel(f"lost exons of {clean(gene)}")
    else:  # a gene whose probes have no exon numbers
        axes.barh(range(len(patients)), patients, height=0.5, color=_COLOURS[0])
        axes.set_xlabel(f"patients with a loss of {clean(gene)}")
    percents = table.columns["percent"].tolist()
    names = [f"{clean(text)}  n = {n} ({percent:.0f} %)" for text, n, percent in
             zip(patterns, patients, percents)]  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    return [("spectrum", figure)]


_MAKERS: dict[str, Any] = {"curves": _curves, "forest": _forest, "spectrum": _spectrum}
