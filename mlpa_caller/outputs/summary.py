"""The short text a person reads after a run: who has what, how sure it is, what failed.

Names come from files and may hold anything; control characters, direction overrides and other characters that
could change how the rest of a line reads are shown as escapes.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlpa_caller.outputs.result_json import document_parts

if TYPE_CHECKING:
    from mlpa_caller.datatypes import Table
    from mlpa_caller.result import Result

__all__ = ["aligned", "failed", "safe", "summary_document", "summary_text", "truth_text"]

_LINES = 40
"""Lines a section may take."""
_FOUND = ("loss", "gain")
_EVENT = ("status", "copies_lost", "clone_fraction", "clone_fraction_low", "clone_fraction_high")
"""What the rows of one event have in common, besides the region whose genes are called together."""
_SHOWN = ("sample", "gene", "exons", "probability", "flags", *_EVENT)
_JUDGED = ("sample", "role", "verdict", "reasons")
_ROLES = {
    "patient": "patient",
    "positive": "positive control",
    "no_dna": "no-DNA control",
    "reference": "reference",
}


def safe(text: object, limit: int = 60) -> str:
    """Return `text` for a terminal: escaped where it is not plain, and cut to `limit` characters."""
    shown = "".join(
        character
        if character == " " or unicodedata.category(character)[0] not in "CZ"
        else _escape(character)
        for character in str(text)[: limit + 1]
    )
    return shown if len(str(text)) <= limit else shown[: limit - 3] + "..."


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines whose columns stand below one another."""
    widths = [max(map(_width, column)) for column in zip(*rows)]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    """Return the number of terminal columns `text` takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def summary_text(result: Result) -> str:
    """Return the summary of a run, several lines of text without a line break at the end."""
    calls = result.tables["calls"]
    quality = _rows(result.tables["quality"], _JUDGED)
    regions = {gene: region.name for region in result.panel.regions for gene in region.genes}
    not_evaluable = _rows(calls, ("sample", "gene"), ("not_evaluable",))
    sections = [
        _run_lines(result),
        _finding_lines(calls, {row["sample"]: row["verdict"] for row in quality}, regions),
        _normal_lines(calls),
        _open_lines(calls, not_evaluable, {row["sample"]: row["reasons"] for row in quality}),
        _quality_lines(quality, {row["sample"] for row in not_evaluable}),
        _risk_lines(result),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def summary_document(result: Result) -> dict[str, Any]:
    """Return verdict, calls and risk classes of every sample, in the words of ``result.json``."""
    document: dict[str, Any] = json.loads("".join(document_parts(result, ("quality", "calls", "risk"))))
    return {key: document[key] for key in ("schema_version", "tool", "research_use", "run", "samples")}


def failed(result: Result) -> str:
    """Return what failed quality, the run or samples by name, in one line; empty when nothing did."""
    quality = _rows(result.tables["quality"], _JUDGED)
    names = [row["sample"] for row in quality if row["verdict"] == "fail"]
    parts = ["the run"] if result.run.get("verdict") == "fail" else []
    if names:
        parts.append(f"{len(names)} of {len(quality)} samples ({_named(names)})")
    return " and ".join(parts)


def truth_text(calls: Table, truth: Table) -> str:
    """Return how the calls of a simulated run compare with its truth, a line a gene.

    Parameters
    ----------
    calls
        The calls table.
    truth
        One row a lesion and gene: ``sample, gene, first_exon, last_exon, copies_lost, kind``.
    """
    called: dict[tuple[str, str], set[str]] = {}
    open_: set[tuple[str, str]] = set()
    for row in _rows(calls, ("sample", "gene", "status", "exons")):
        place = (row["sample"], row["gene"])
        called.setdefault(place, set()).update({row["exons"]} if row["status"] == "loss" else ())
        open_.update({place} if row["status"] == "not_evaluable" else ())
    true: dict[tuple[str, str], set[str]] = {}
    touched = set()
    for row in _rows(truth):
        place = (row["sample"], row["gene"])
        touched.add(place)
        if row["copies_lost"] > 0 and row["kind"] == "loss" and place in called:
            first, last = row["first_exon"], row["last_exon"]
            true.setdefault(place, set()).add(first if first == last else f"{first}-{last}")
    rows = []
    for gene in dict.fromkeys(gene for _, gene in called):
        lost = [place for place in true if place[1] == gene]
        normal = [place for place in called if place[1] == gene and place not in touched]
        found = [place for place in lost if called[place]]
        exact = sum(called[place] == true[place] for place in found)
        unknown = sum(place in open_ and not called[place] for place in lost)
        false = sum(bool(called[place]) for place in normal)
        rows.append(
            (
                safe(gene),
                f"{len(found)} of {_count(len(lost), 'loss', 'losses')} found",
                f"{exact} with the true exons",
                f"{unknown} not evaluable",
                f"{len(lost) - len(found) - unknown} missed",
                f"{false} of {len(normal)} unaltered called lost",
            )
        )
    return "\n".join(["Compared with the simulated truth", *aligned(rows)])


def _rows(
    table: Table, columns: Sequence[str] = (), status: Sequence[str] = ()
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows as dictionaries: all or some of the columns, and all rows or those of a `status`."""
    names = [name for name in columns or table.columns if name in table.columns]
    rows: slice | list[int] = slice(None)
    if status:
        rows = [i for i, found in enumerate(_column(table, "status")) if found in status]
    return [dict(zip(names, row)) for row in zip(*(table.columns[name][rows].tolist() for name in names))]


def _column(table: Table, name: str) -> list[Any]:
    return table.columns[name].tolist() if name in table.columns else []


def _run_lines(result: Result) -> list[str]:
    run = result.run
    roles = Counter(result.samples.role.tolist())
    counts = [_count(roles[role], word) for role, word in _ROLES.items() if roles[role]]
    if roles["reference"]:
        counts[-1] += f" ({len(run.get('reference_samples', ()))} used)"
    verdict = run.get("verdict", "not judged")
    lines = [f"Run: {verdict} (panel {safe(result.panel.name)}; {', '.join(counts)})"]
    lines += [f"  {safe(reason, 200)}" for reason in run.get("reasons", ())]
    left_out = run.get("left_out", {})
    lines += [f"  reference {safe(name)} left out: {safe(reason, 200)}" for name, reason in left_out.items()]
    return _capped(lines, "result.json")


def _finding_lines(calls: Table, verdicts: dict[str, str], regions: dict[str, str]) -> list[str]:
    found: dict[str, dict[tuple[Any, ...], list[dict[str, Any]]]] = {}
    for row in _rows(calls, _SHOWN, _FOUND):
        event = (regions.get(row["gene"], row["gene"]), *(row[name] for name in _EVENT))
        found.setdefault(row["sample"], {}).setdefault(event, []).append(row)
    total = len(set(_column(calls, "sample")))
    if not found:
        return [f"Loss or gain: in none of {_count(total, 'sample')}"]
    rows = [("sample", "quality", "finding")]
    rows += [
        (safe(name), verdicts.get(name, ""), " | ".join(map(_finding, events.values())))
        for name, events in islice(found.items(), _LINES)
    ]
    head = (
        f"Loss or gain: in {len(found)} of {_count(total, 'sample')} "
        "(p: probability; cells: share of all cells, with its 95 % interval)"
    )
    return [head, *_capped(aligned(rows), "calls.tsv", 1 + len(found))]


def _finding(rows: list[dict[str, Any]]) -> str:
    """Tell of one event, from its rows: one for each gene it takes; the least probable gives its figures."""
    row = min(rows, key=lambda row: row["probability"])
    where = ", ".join(f"{safe(each['gene'])} {safe(each['exons'])}".rstrip() for each in rows)
    both = " of both copies" if row["copies_lost"] == 2 else ""
    flags = ", ".join(dict.fromkeys(flag for each in rows for flag in each["flags"].split(";") if flag))
    noted = f" [{safe(flags, 120)}]" if flags else ""
    cells = _percent(row["clone_fraction"])
    interval = f"{_percent(row['clone_fraction_low'])}-{_percent(row['clone_fraction_high'])}"
    return (
        f"{row['status']}{both} {where}: p {_probability(row['probability'])}, "
        f"{cells} % of cells ({interval}){noted}"
    )


def _normal_lines(calls: Table) -> list[str]:
    """Count the samples without finding whose genes were all evaluable, with their limits of detection."""
    samples = _column(calls, "sample")
    other = {name for name, status in zip(samples, _column(calls, "status")) if status != "normal"}
    names = [name for name in dict.fromkeys(samples) if name not in other]
    if not names:
        return []
    by_gene: dict[str, list[float]] = {}
    for name, gene, limit in zip(samples, _column(calls, "gene"), _column(calls, "limit_of_detection")):
        if name not in other and math.isfinite(limit):
            by_gene.setdefault(gene, []).append(limit)
    lines = [f"No loss or gain: in {_count(len(names), 'sample')} ({_named(names)})"]
    if by_gene:
        limits = [f"{safe(gene)} {_range(values)}" for gene, values in by_gene.items()]
        lines.append(f"  limit of detection, % of all cells: {', '.join(limits)}")
    return lines


def _open_lines(calls: Table, not_evaluable: list[dict[str, Any]], reasons: dict[str, str]) -> list[str]:
    genes: dict[str, list[str]] = {}
    for row in not_evaluable:
        genes.setdefault(row["sample"], []).append(row["gene"])
    places = set(zip(_column(calls, "sample"), _column(calls, "gene")))
    sizes = Counter(name for name, _ in places if name in genes)
    if not genes:
        return []
    rows = [("sample", "genes", "quality reasons")]
    for name, missing in genes.items():
        what = "all" if len(set(missing)) == sizes[name] else ", ".join(map(safe, dict.fromkeys(missing)))
        rows.append((safe(name), what, safe(reasons.get(name, ""), 200)))
    return [f"Not evaluable: in {_count(len(genes), 'sample')}", *_capped(aligned(rows), "calls.tsv")]


def _quality_lines(quality: list[dict[str, Any]], told: set[str]) -> list[str]:
    """Count the verdicts, and name the samples that did not pass and are not `told` of already."""
    counts = Counter(row["verdict"] for row in quality)
    head = "Quality: " + ", ".join(f"{counts.get(key, 0)} {key}" for key in ("pass", "warn", "fail"))
    rows = [
        (safe(row["sample"]), row["role"], row["verdict"], safe(row["reasons"], 200))
        for row in sorted(quality, key=lambda row: row["verdict"] != "fail")
        if row["verdict"] != "pass" and row["sample"] not in told
    ]
    return [head, *_capped(aligned(rows), "quality.tsv")]


def _risk_lines(result: Result) -> list[str]:
    if "risk" not in result.tables:
        return []
    known = len(set(result.tables["risk"].columns["classifier"].tolist()))
    return [f"Risk classes: risk.tsv ({_count(known, 'classifier')})"]


def _capped(lines: list[str], file: str, total: int = 0) -> list[str]:
    """Return the first `lines` and how many more of the `total` there are (of all that are given without it)."""
    total = total or len(lines)
    if total <= _LINES:
        return lines
    return [*lines[: _LINES - 1], f"... and {total - _LINES + 1} more in {file}"]


def _named(names: Iterable[str], most: int = 8) -> str:
    items = list(names)
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(map(safe, items[:most])) + more


def _count(number: int, word: str, plural: str = "") -> str:
    return f"{number} {word if number == 1 else plural or word + 's'}"


def _probability(value: float) -> str:
    """Return a probability that never reads as certain."""
    if not math.isfinite(value):
        return "unknown"
    return f"{value:.3f}" if 0.0005 <= value < 0.9995 else "> 0.999" if value > 0.5 else "< 0.001"


def _percent(value: float) -> str:
    return f"{100 * value:.0f}" if math.isfinite(value) else "?"


def _range(values: list[float]) -> str:
    low, high = _percent(min(values)), _percent(max(values))
    return low if low == high else f"{low}-{high}"
