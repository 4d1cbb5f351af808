"""Levey-Jennings charts: every run's value between its control limits, in order of time."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.errors import MissingExtraError

if TYPE_CHECKING:
    from mlpa_caller.trend.report import Chart

__all__ = ["draw", "file_name"]

_SETTINGS = {
    "text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "mlpa-caller", "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"], "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
_LINE, _WARNED, _REJECTED = "#0072B2", "#E69F00", "#D55E00"
_MOST_PANELS = 12
_TICKS = 12
_MOST_LOTS = 40
_LONGEST = 30


def draw(charts: Sequence[Chart]) -> dict[str, bytes]:
    """Draw one chart a figure, the instruments below one another.

    Returns
    -------
    dict
        Bytes by file name; the same bytes for the same data.

    Raises
    ------
    MissingExtraError
        If the plotting library is not installed.
    """
    try:
        matplotlib = importlib.import_module("matplotlib")
        figures = importlib.import_module("matplotlib.figure")
    except ModuleNotFoundError:
        raise MissingExtraError(
            "charts need matplotlib, which is not installed",
            remedy="install the extra: pip install 'mlpa-caller[trend]', or add --no-charts",
        ) from None
    by_figure: dict[str, list[Chart]] = {}
    for chart in charts:
        by_figure.setdefault(chart.series.figure.name, []).append(chart)
    names = _file_names(list(by_figure))
    out = {}
    with matplotlib.rc_context(_SETTINGS):
        for figure, panels in by_figure.items():
            shown = panels[:_MOST_PANELS]
            canvas = figures.Figure(figsize=(8.0, 0.6 + 2.2 * len(shown)))
            for axes, chart in zip(canvas.subplots(len(shown), 1, squeeze=False)[:, 0], shown):
                _panel(axes, chart)
            canvas.suptitle(_clean(f"{panels[0].series.figure.label} ({_unit(panels[0])})"), fontsize=10)
            canvas.tight_layout()
            out[f"{names[figure]}.svg"] = _render(canvas, "svg")
            out[f"{names[figure]}.png"] = _render(canvas, "png")
    return out


def file_name(figure: str) -> str:
    """Return a figure's name as that of a file."""
    return "chart_" + (re.sub(r"[^A-Za-z0-9_-]+", "_", figure).strip("_") or "figure")


def _file_names(figures: Sequence[str]) -> dict[str, str]:
    """Return file names that no system confuses."""
    taken: set[str] = set()
    names = {}
    for figure in figures:
        name, count = file_name(figure), 1
        while name.lower() in taken:
            count += 1
            name = f"{file_name(figure)}_{count}"
        taken.add(name.lower())
        names[figure] = name
    return names


def _unit(chart: Chart) -> str:
    figure = chart.series.figure
    return f"ln {figure.unit}" if figure.log else figure.unit


def _panel(axes: Any, chart: Chart) -> None:
    table, found = chart.series.table, chart.limits
    x, values = np.arange(len(table)), table["value"].to_numpy()
    if np.isfinite(found.sd):
        for k, style in ((0, "-"), (1, ":"), (2, "--"), (3, "-")):
            for side in {k, -k}:
                colour = "#555555" if k == 0 else _WARNED if k == 2 else _REJECTED if k == 3 else "#999999"
                axes.axhline(found.mean + side * found.sd, color=colour, linestyle=style, linewidth=0.7)
        axes.axvspan(-0.5, min(found.runs, len(x)) - 0.5, color="#000000", alpha=0.05, linewidth=0)
    axes.plot(x, values, color=_LINE, marker="o", markersize=2.5, linewidth=0.7)
    warned = np.array([names == ("1-2s",) for names in chart.broken], dtype=np.bool_)
    rejected = np.array([bool(set(names) - {"1-2s"}) for names in chart.broken], dtype=np.bool_)
    axes.plot(x[warned], values[warned], color=_WARNED, marker="o", markersize=4, linestyle="none")
    axes.plot(x[rejected], values[rejected], color=_REJECTED, marker="D", markersize=4, linestyle="none")
    _mark_lots(axes, table["lot"].tolist())
    place = np.unique(np.linspace(0, len(x) - 1, min(_TICKS, len(x))).astype(int))
    texts = [str(table["date"][i] or table["run"][i]) for i in place]
    axes.set_xticks(place, [_clean(text)[:_LONGEST] for text in texts], rotation=30, ha="right", fontsize=7)
    axes.set_xlim(-0.5, len(x) - 0.5)
    if chart.instrument:
        axes.set_ylabel(_clean(chart.instrument), fontsize=8)


def _mark_lots(axes: Any, lots: Sequence[str]) -> None:
    """Draw a line where the lot changes, with the new lot's name where there is room."""
    changes = [i for i in range(1, len(lots)) if lots[i] != lots[i - 1]]
    for i in changes if len(changes) <= _MOST_LOTS else ():
        axes.axvline(i - 0.5, color="#009E73", linewidth=0.6, alpha=0.7)
    if len(changes) < _TICKS and any(lots):
        for i in (0, *changes):
            axes.annotate(
                _clean(lots[i]),
                (i - 0.4, 1.0),
                xycoords=("data", "axes fraction"),
                fontsize=6,
                color="#009E73",
                va="bottom",
            )


def _clean(text: str) -> str:
    word = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return word if len(word) <= 80 else word[:79] + "…"


def _render(canvas: Any, form: str) -> bytes:
    stream = BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.savefig(stream, format=form, dpi=120, metadata=metadata)
    return stream.getvalue()
