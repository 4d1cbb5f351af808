"""Tables and plots of ``docs/speed.md`` from the stored result of ``benchmarks.speed``; nothing is measured here."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.plots import BLUE, DOCS, GREY, ORANGE, RED, _figure, save
from benchmarks.tables import _table, load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LABEL", "report", "show"]

LABEL = {
    "help": "`mlpa-caller --help`",
    "run36": "`call`: peak export of 36 samples, every output with reports",
    "run48": "`call`: peak export of 48 samples, every output with reports",
    "parquet10000": "`call`: 10,000 samples x 62 probes in one run, Parquet to every output",
    "batch100": "`batch`: 100,000 samples x 62 probes in 1,000 runs, Parquet to combined Parquet",
    "batch30": "`batch`: 100,000 samples x 62 probes in 3,334 runs, Parquet to combined Parquet",
    "two_workers": "`batch`: 200 runs of 100 samples, two workers",
    "many_runs": "`batch`: 200 runs of 100 samples, one worker",
    "normalise": "normalisation alone, a million samples, one thread",
}
LIMITS = {
    "memcpy_gb_per_s": ("copying of memory", "GB/s"),
    "sort_rows_of_16_million_values_per_s": ("`np.sort`, rows of 16 values", "million values/s"),
    "exp_million_values_per_s": ("`np.exp`", "million values/s"),
    "matmul_gflop_per_s": ("matrix product", "GFLOP/s"),
}
STAGES = ("normalise", "call", "quality", "tables", "consequences", "other", "write")
COLOURS = (BLUE, ORANGE, GREY, "#009E73", "#CC79A7", "#56B4E9", RED)
PEERS = Path(__file__).with_name("peers_speed.csv")
BYTES_A_HEIGHT = 8


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def goals(found: dict[str, Any]) -> str:
    """Return the goals, with what was measured."""
    rows = [
        [row["what"], f"{_number(row['value'])} {row['unit']}", f"at most {_number(row['most'])}",
         "met" if row["met"] else "**missed**"]
        for row in found["goals"]
    ]  # fmt: skip
    return _table(["", "measured", "goal", ""], rows)


def commands(found: dict[str, Any]) -> str:
    """Return wall time and memory of the commands."""
    rows = [
        [LABEL[key], _number(row["seconds"]), _number(row["median_seconds"]), _number(row["memory_mb"])]
        for key, row in found["commands"].items()
        if "seconds" in row
    ]
    return _table(["command", "fastest, s", "median, s", "memory with workers, MB"], rows)


def stages(found: dict[str, Any], which: str = "everything") -> str:
    """Return microseconds of each stage a sample, on one thread."""
    rows = []
    for row in found["growth"][which]:
        n = row["samples"]
        cells = [_number(1e6 * row["stages"][name] / n) if name in row["stages"] else "" for name in STAGES]
        rows.append(
            [f"{n:,}", str(row["probes"]), *cells, _number(1e6 * row["cpu_s"] / n), _number(row["memory_mb"])]
        )
    return _table(["samples", "probes", *STAGES, "all", "memory, MB"], rows)


def normalisation(found: dict[str, Any]) -> str:
    """Return the rate of normalisation alone, plain normalisation, and what the machine does."""
    own = [
        [
            f"this package, {row['samples']:,} samples",
            _number(row["samples"] / row["cpu_s"]),
            _number(row["memory_mb"]),
        ]
        for row in found["growth"]["normalise"]
    ]
    plain = [[f"plain: {name}", _number(value), ""] for name, value in found["plain"].items()]
    bound = found["limits"]["memcpy_gb_per_s"] * 1e9 / (62 * BYTES_A_HEIGHT)
    copied = [["62 heights copied in memory, nothing else", _number(bound), ""]]
    return _table(["62 probes (plain: 64), one thread", "samples/s", "memory, MB"], own + plain + copied)


def machine(found: dict[str, Any]) -> str:
    """Return the machine's own limits."""
    rows = [[label, f"{_number(found['limits'][key])} {unit}"] for key, (label, unit) in LIMITS.items()]
    about = found["machine"]
    versions = ", ".join(f"{name} {about[name]}" for name in ("python", "numpy", "scipy", "pandas"))
    head = f"{about['processor']}, {about['processors']} processors, {about['system']}; {versions}. One thread:\n\n"
    return head + _table(["", ""], rows)


def peers() -> str:
    """Return the figures of other ways that were measured elsewhere."""
    with PEERS.open(encoding="utf-8", newline="") as stream:
        rows = [
            [row["what"], f"{row['figure']} {row['unit']}", row["source"]] for row in csv.DictReader(stream)
        ]
    return _table(["", "", "source"], rows)


def show(found: dict[str, Any]) -> str:
    """Return everything as text."""
    parts = [
        machine(found),
        normalisation(found),
        stages(found),
        stages(found, "probes"),
        commands(found),
        goals(found),
    ]
    return "\n\n".join(parts)


def samples_figure(found: dict[str, Any]) -> Figure:
    """Processor time and memory against the number of samples in a run."""
    figure, (axis, memory) = _figure(6.4, 6.4, nrows=2, sharex=True)
    rows = found["growth"]["everything"]
    n = [row["samples"] for row in rows]
    for name, colour in zip(STAGES, COLOURS):
        here = [row for row in rows if name in row["stages"]]
        axis.plot([row["samples"] for row in here], [1e6 * row["stages"][name] / row["samples"] for row in here], "o-",
                  color=colour, markersize=3, linewidth=1, label=name)  # fmt: skip
    axis.plot(
        n,
        [1e6 * row["cpu_s"] / row["samples"] for row in rows],
        "o-",
        color="black",
        markersize=4,
        label="all",
    )
    alone = found["growth"]["normalise"]
    axis.plot([row["samples"] for row in alone], [1e6 * row["cpu_s"] / row["samples"] for row in alone], "--",
              color=BLUE, linewidth=1, label="normalise once, alone")  # fmt: skip
    fastest = max(found["plain"].values())
    axis.axhline(
        1e6 / fastest, color=GREY, linestyle=":", linewidth=1, label="plain normalisation, fastest way"
    )
    axis.set(xscale="log", yscale="log", ylabel="microseconds a sample, one thread")
    axis.set_title("One run of 62 probes", fontsize=10, loc="left")
    axis.legend(frameon=False, fontsize=7, ncols=2)
    memory.plot(n, [row["memory_mb"] for row in rows], "o-", color="black", markersize=4, label="everything")
    memory.plot([row["samples"] for row in alone], [row["memory_mb"] for row in alone], "o--", color=BLUE, markersize=3,
                linewidth=1, label="normalisation alone")  # fmt: skip
    memory.set(xscale="log", yscale="log", xlabel="samples in the run", ylabel="memory, MB")
    memory.legend(frameon=False, fontsize=8)
    return figure


def probes_figure(found: dict[str, Any]) -> Figure:
    """Processor time of each stage against the number of probes."""
    figure, axis = _figure(6.4, 3.6)
    rows = found["growth"]["probes"]
    for name, colour in zip(STAGES, COLOURS):
        axis.plot([row["probes"] for row in rows], [1e6 * row["stages"][name] / row["samples"] for row in rows], "o-",
                  color=colour, markersize=3, linewidth=1, label=name)  # fmt: skip
    axis.plot([row["probes"] for row in rows], [1e6 * row["cpu_s"] / row["samples"] for row in rows], "o-",
              color="black", markersize=4, label="all")  # fmt: skip
    axis.set(xscale="log", yscale="log", xlabel="probes", ylabel="microseconds a sample, one thread")
    axis.set_title(f"One run of {rows[0]['samples']:,} samples", fontsize=10, loc="left")
    axis.legend(frameon=False, fontsize=7, ncols=2)
    return figure


FIGURES = {"speed-samples.png": samples_figure, "speed-probes.png": probes_figure}


def update(document: Path, found: dict[str, Any]) -> None:
    """Put every table between its marks in the document."""
    text = document.read_text(encoding="utf-8")
    bodies = {
        "goals": goals(found), "commands": commands(found), "stages": stages(found),
        "probes": stages(found, "probes"), "normalisation": normalisation(found), "machine": machine(found),
        "peers": peers(),
    }  # fmt: skip
    for name, body in bodies.items():
        mark = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end of table -->)", re.DOTALL)
        text = mark.sub(lambda match, body=body: f"{match[1]}{body}\n{match[2]}", text)  # type: ignore[misc]
    document.write_text(text, encoding="utf-8")


def report(docs: Path = DOCS) -> int:
    """Write table and plots of the documentation from the stored result."""
    found = load("speed")
    if found is None:
        print("nothing is stored: run python -m benchmarks.speed in full", file=sys.stderr)
        return 1
    for name, draw in FIGURES.items():
        save(draw(found), docs / "images" / name)
    update(docs / "speed.md", found)
    return 0
