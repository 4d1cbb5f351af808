"""The tables of ``docs/method.md``, written from the stored results of the benchmarks.

``python -m benchmarks.plots --tables`` prints them; ``--update`` puts each between its marks in the document, so that
no figure is copied by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS

__all__ = ["TABLES", "load", "markdown", "update"]


def load(name: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """Return a stored result, or None where the benchmark has not been run in full."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _per(value: float | None, digits: int = 1) -> str:
    """Return a share in per cent."""
    return "" if value is None else f"{100 * value:.{digits}f}"


def _span(interval: list[float], digits: int = 1) -> str:
    return f"({_per(interval[0], digits)}-{_per(interval[1], digits)})"


def _accuracy(found: dict[str, Any]) -> str:
    rows = []
    for setting, callers in found["settings"].items():
        for caller, f in callers.items():
            own = caller in ("mlpa_caller", "knows the noise")
            rows.append([
                setting, caller, _per(f["sensitivity"]), _per(f["exact"]), _per(f["false"], 2),
                f"{_per(f['balanced'], 2)} ± {_per(f['balanced_se'], 2)}",
                *([_per(f["coverage"]), f"{f['calibration']:.3f}"] if own and f["coverage"] is not None else ["", ""]),
            ])  # fmt: skip
    head = ["setting", "caller", "found %", "exact range %", "false calls %", "balanced % ± s.e.", "interval holds %",
            "calibration error"]  # fmt: skip
    return f"{found['runs']} runs of each setting.\n\n" + _table(head, rows)


def _limit(found: dict[str, Any]) -> str:
    rows = [
        [
            name,
            str(row["n"]),
            f"{_per(row['stated'])} {_span(row['stated_5_95'])}",
            f"{_per(row['called'])} {_span(row['interval'])}",
        ]
        for name, row in found["limit"].items()
    ]
    return _table(
        ["setting", "losses", "stated limit, % of cells: median (5-95 %)", "called % (95 % interval)"], rows
    )


def _detection(found: dict[str, Any]) -> str:
    rows = [
        [_per(row["fraction"], 0), str(row["n"]),
         f"{_per(row['found'])} {_span([row['found_low'], row['found_high']])}", _per(row["exact"])]
        for row in found["detection"]
    ]  # fmt: skip
    return _table(["% of cells", "patients", "called % (95 % interval)", "exact range %"], rows)


def _reliability(found: dict[str, Any]) -> str:
    own = found["reliability"]
    rows = [[_per(p), _per(right), str(n)] for p, right, n in own["table"]]
    errors = [[name, f"{part['error']:.4f}", f"{part['by_chance']:.4f}"]
              for name, part in ({"all settings": own} | own["settings"]).items()]  # fmt: skip
    return (
        _table(["mean probability stated %", "of these right %", "calls"], rows)
        + "\n\n"
        + _table(["setting", "expected calibration error", "by chance alone"], errors)
    )


def _quality(found: dict[str, Any]) -> str:
    rows = []
    for row in found["rows"]:
        if row["flagged"] is None:
            continue
        rows.append([
            row["kind"], row["where"], row["what"], str(int(row["bad"])),
            f"{_per(row['flagged'])} ± {_per(row['flagged_se'])}", _per(row["bad_failed"] / row["bad"]),
            str(int(row["bad_wrong"])), str(int(row["bad_wrong_pass"])), "" if row["goal"] else "no goal",
        ])  # fmt: skip
    head = ["bad reactions", "where", "how", "number", "flagged % ± s.e.", "failed %", "with a wrong call",
            "of these `pass`", ""]  # fmt: skip
    return f"{found['runs']} runs of each kind.\n\n" + _table(head, rows)


def _good(found: dict[str, Any]) -> str:
    rows = [
        [row["kind"], str(int(row["good"])),
         f"{_per(row['good_flagged_share'], 2)} ± {_per(row['good_flagged_share_se'], 2)}",
         _per(row["good_wrong_share"], 2)]
        for row in found["rows"] if row["flagged"] is None
    ]  # fmt: skip
    return _table(
        ["good reactions", "number", "flagged % ± s.e.", "`pass` with a wrong call in any gene %"], rows
    )


def _ingredients(found: dict[str, Any]) -> str:
    def change(cell: list[float | None], digits: int = 2) -> str:
        own, _, step, error = cell
        if own is None or step is None:
            return ""
        return f"{_per(own, digits)} ({100 * step:+.{digits}f} ± {_per(error, digits)})"

    rows = [
        [row["ingredient"], row["without"], row["setting"],
         *(change(row[key]) for key in ("balanced", "false", "calibration", "coverage")),
         change(row["neighbours_found"]) if row["ingredient"] in ("neighbours as one event", "lesions share a clone")
         else ""]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["ingredient", "without it", "setting", "balanced accuracy %", "false calls %", "calibration error %",
            "interval holds %", "losses found in 9p21 and PAR1 %"]  # fmt: skip
    text = f"{found['runs']} runs of each setting; in brackets what the ingredient changes, ± standard error.\n\n"
    return text + _table(head, rows)


def _resample(found: dict[str, Any]) -> str:
    rows = []
    for references, callers in found["references"].items():
        for caller, f in callers.items():
            rows.append([
                references, caller, f"{_per(f['sensitivity'], 2)} {_span(f['sensitivity_interval'])}",
                f"{f['found_in_every_draw']} of {f['values']}",
                f"{_per(f['false_per_gene'], 3)} {_span(f['false_per_gene_interval'], 2)}",
                f"{_per(f['false_per_reaction'], 2)} {_span(f['false_per_reaction_interval'])}",
                _per(f["not_evaluable"], 2),
            ])  # fmt: skip
    head = ["references", "caller", "deletion values found %", "found in every draw", "false calls, % of genes",
            "% of reactions with one", "not evaluable %"]  # fmt: skip
    text = f"{found['draws']} draws for each number of references; 95 % intervals.\n\n" + _table(head, rows)
    for references, callers in found["references"].items():
        own = callers["mlpa_caller"]
        often = ", ".join(f"{name} {gene} ({n})" for name, gene, n in own["false_calls_most_often"])
        text += (
            f"\n\nWith {references} references: false calls most often in (draws) {often or 'none'}; "
            f"{_per(own['flagged_normal_reactions'])} % of the normal reactions have a quality flag."
        )
    return text


def _p002(found: dict[str, Any]) -> str:
    rows = [
        [r["name"], f"{r['slope']:+.3f}", f"{r['sd_uncorrected']:.3f}", f"{r['sd']:.3f}", str(r["outside_raw"]),
         str(r["outside_corrected"]), r["called_raw"] or "none", r["called"] or "none",
         f"{r['verdict']}: {r['reasons']}" if r["reasons"] else r["verdict"]]
        for r in found["reactions"]
    ]  # fmt: skip
    head = ["reaction", "slope per 100 nt", "reference SD before", "after", "targets outside 0.75-1.25 before", "after",
            "called, slope left in", "called", "verdict"]  # fmt: skip
    return _table(head, rows)


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "accuracy": ("accuracy", _accuracy),
    "reliability": ("limits", _reliability),
    "detection": ("limits", _detection),
    "limit": ("limits", _limit),
    "resample": ("resample", _resample),
    "p002": ("p002", _p002),
    "bad-reactions": ("quality", _quality),
    "good-reactions": ("quality", _good),
    "ingredients": ("ingredients", _ingredients),
}
"""By name of the table: the benchmark whose result it shows, and what writes it."""


def markdown(name: str, folder: Path = RESULTS) -> str:
    """Return one table, headed by the command that measures it."""
    benchmark, write = TABLES[name]
    found = load(benchmark, folder)
    command = f"`python -m benchmarks.{benchmark}`"
    return f"Not measured yet: {command}." if found is None else f"{command}. {write(found)}"


def update(document: Path, folder: Path = RESULTS) -> list[str]:
    """Put every table between its marks in the document; return the names of the tables that have none."""
    text = document.read_text(encoding="utf-8")
    absent = []
    for name in TABLES:
        mark = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end of table -->)", re.DOTALL)
        if not mark.search(text):
            absent.append(name)
            continue
        body = markdown(name, folder)
        text = mark.sub(lambda match, body=body: f"{match[1]}{body}\n{match[2]}", text)  # type: ignore[misc]
    document.write_text(text, encoding="utf-8")
    return absent
