"""Figures and tables of ``docs/method.md`` from stored results: ``python -m benchmarks.plots [--tables] [--update]``.

Nothing is measured here. The same results give the same bytes: fonts are those of matplotlib, and the files hold no
date and no version.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.tables import TABLES, load, markdown, update

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[1] / "docs"
BLUE, ORANGE, GREY, RED = "#0072B2", "#D55E00", "#767676", "#B00020"
FEW = 20
"""Calls below which a point of the reliability diagram is drawn hollow."""


def _figure(width: float, height: float, **words: Any) -> tuple[Figure, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(mpl.rcParamsDefault)
    mpl.rcParams.update({"font.size": 9, "font.family": "DejaVu Sans", "axes.spines.top": False,
                         "axes.spines.right": False, "svg.hashsalt": "mlpa"})  # fmt: skip
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained", **words)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG without anything that changes from run to run."""
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def reliability(found: dict[str, Any]) -> Figure:
    """Probability stated against share right, over the seven settings and in each."""
    from benchmarks.resample import exact_interval

    figure, (axis, bars) = _figure(5.2, 5.8, nrows=2, gridspec_kw={"height_ratios": [4, 1]}, sharex=True)
    axis.plot(
        [0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="probabilities that mean what they say"
    )
    for k, part in enumerate(found["reliability"]["settings"].values()):
        p, right, n = np.array(part["table"]).T
        axis.plot(p[n >= FEW], right[n >= FEW], color=GREY, linewidth=0.7, alpha=0.6,
                  label="one setting" if k == 0 else None)  # fmt: skip
    p, right, n = np.array(found["reliability"]["table"]).T
    ends = np.array([exact_interval(r * m, int(m)) for r, m in zip(right, n)])
    axis.errorbar(p, right, yerr=[right - ends[:, 0], ends[:, 1] - right], fmt="o", color=BLUE, capsize=2,
                  label="all seven settings, 95 % interval")  # fmt: skip
    axis.set(ylabel="share of these calls that are right", ylim=(-0.02, 1.02), xlim=(0, 1.02))
    error = found["reliability"]["error"]
    axis.set_title(f"Simulated runs: expected calibration error {error:.3f}", fontsize=10, loc="left")
    axis.legend(frameon=False, loc="upper left", fontsize=8)
    bars.bar(p, n, width=0.04, color=BLUE)
    bars.set_yscale("log")
    bars.set(xlabel="probability stated with the call", ylabel="calls")
    return figure


def detection(found: dict[str, Any]) -> Figure:
    """Share of deletions called against clone fraction, with the stated limit of detection on it."""
    rows = found["detection"]
    figure, axis = _figure(6.4, 4.2)
    held = found["limit"]["standard"]
    middle, low, high = (100 * v for v in (held["stated"], *held["stated_5_95"]))
    axis.axvspan(low, high, color=ORANGE, alpha=0.15, linewidth=0)
    axis.axvline(middle, color=ORANGE, linewidth=1.5,
                 label=f"stated limit, loss of exons 4-7: median {middle:.0f} % (shaded: 90 % of samples)")  # fmt: skip
    axis.axhline(95, color=GREY, linewidth=0.8, linestyle=":")
    x = np.array([100 * row["fraction"] for row in rows])
    seen = np.array(
        [[100 * row[key] for key in ("found", "found_low", "found_high", "exact")] for row in rows]
    )
    axis.errorbar(x, seen[:, 0], yerr=[seen[:, 0] - seen[:, 1], seen[:, 2] - seen[:, 0]], fmt="o-", color=BLUE,
                  capsize=2, markersize=4, label="called (95 % interval)")  # fmt: skip
    axis.plot(x, seen[:, 3], "s--", color=BLUE, markersize=3, markerfacecolor="white", linewidth=1,
              label="called with the exact exon range")  # fmt: skip
    axis.plot(middle, 100 * held["called"], "D", color=RED, markersize=7,
              label=f"losses of exons 4-7 at exactly their limit: {100 * held['called']:.1f} % called")  # fmt: skip
    axis.set(
        xlabel="clone, % of all cells", ylabel="% of IKZF1-deleted patients", ylim=(-2, 102), xlim=(0, 100)
    )
    axis.set_title("Simulated runs, deletions of every exon range", fontsize=10, loc="left")
    axis.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def slope(found: dict[str, Any]) -> Figure:
    """Ratios of every probe before and after slope correction, a panel for each reaction."""
    length = np.array(found["length_nt"])
    reference = np.array(found["reference_probe"])
    figure, axes = _figure(11, 13, nrows=5, ncols=3, sharex=True, sharey=True)
    signs = {"pass": ("pass", GREY), "warn": ("warn", ORANGE), "fail": ("fail", RED)}
    for axis, row in zip(axes.flat, found["reactions"]):
        axis.axhspan(0.75, 1.25, color="#EDEDED", linewidth=0)
        axis.axhline(1, color=GREY, linewidth=0.6)
        raw, own = np.array(row["ratio_raw"]), np.array(row["ratio"])
        for part, marker in ((~reference, "o"), (reference, "^")):
            axis.plot(length[part], raw[part], marker, color=ORANGE, markersize=4, markerfacecolor="white")
            axis.plot(length[part], own[part], marker, color=BLUE, markersize=4)
        word, colour = signs[row["verdict"]]
        copies = "copy of another row" if "identical" in row["reasons"] else ""
        called = f"called: {row['called']}" if row["called"] else "called: nothing"
        without = f"; slope left in: {row['called_raw']}" if row["called_raw"] != row["called"] else ""
        without = without if row["called_raw"] or not without else "; slope left in: nothing"
        title = f"{row['name']}   slope {row['slope']:+.3f}   {word}   {copies}\n{called}{without}"
        axis.set_title(title, fontsize=8.5, loc="left", color="black" if word == "pass" else colour)
        axis.set_ylim(0.4, 1.7)
    for axis in axes[-1]:
        axis.set_xlabel("probe length, nt")
    for axis in axes[:, 0]:
        axis.set_ylabel("dosage ratio")
    from matplotlib.lines import Line2D

    shown = [
        Line2D(
            [], [], marker="o", linestyle="", color=ORANGE, markerfacecolor="white", label="slope left in"
        ),
        Line2D([], [], marker="o", linestyle="", color=BLUE, label="slope removed"),
        Line2D([], [], marker="^", linestyle="", color=GREY, label="reference probe"),
    ]
    figure.legend(handles=shown, loc="outside upper right", ncols=3, frameon=False)
    figure.suptitle("SALSA P002 BRCA1, 15 reactions against control1, 3, 4 and 5; grey band 0.75-1.25",
                    x=0.01, ha="left", fontsize=11)  # fmt: skip
    return figure


FIGURES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "accuracy-reliability.png": ("limits", reliability),
    "accuracy-detection.png": ("limits", detection),
    "p002-slope.png": ("p002", slope),
}


def main() -> int:
    """Draw every figure whose results are stored; print or put in the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="print the tables as markdown")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/method.md")
    parser.add_argument("--out", type=Path, default=DOCS / "images", help="folder of the figures")
    words = parser.parse_args()
    if words.tables:
        print("\n\n".join(f"### {name}\n{markdown(name)}" for name in TABLES))
        return 0
    for name, (benchmark, draw) in FIGURES.items():
        found = load(benchmark)
        if found is None:
            print(f"{name}: not drawn, python -m benchmarks.{benchmark} has not been run in full")
            continue
        save(draw(found), words.out / name)
        print(f"{name}: drawn")
    if words.update:
        absent = update(DOCS / "method.md")
        print("docs/method.md: tables put in" + (f"; no place for {', '.join(absent)}" if absent else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
