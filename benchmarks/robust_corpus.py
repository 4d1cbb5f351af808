"""What of a reader's code the inputs reach, and the smallest corpus that reaches as much."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from benchmarks.robust_fuzz import CORPUS
from benchmarks.robust_readers import PARTS, Judge
from benchmarks.robust_seeds import seeds

__all__ = ["coverage", "keep", "reached"]

PACKAGE = Path(__file__).resolve().parents[1] / "mlpa_caller"
BUDGET = {"trace": 60_000, "result": 30_000}
"""Bytes of the saved corpus of a reader; `_BUDGET` for the others."""
_BUDGET = 16_000
_LONGEST, _MOST = 30_000, 6_000
Arc = tuple[str, int, int]


def reached(judge: Judge, data: bytes) -> tuple[Any, set[Arc]]:
    """Return what became of an input, and the steps from line to line that it took in the package."""
    arcs: set[Arc] = set()
    root = str(PACKAGE)

    def start(frame: FrameType, _event: str, _argument: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(root):
            return None
        last = [0]

        def step(inner: FrameType, what: str, _: object) -> Any:
            if what == "line":
                arcs.add((name, last[0], inner.f_lineno))
                last[0] = inner.f_lineno
            return step

        return step

    before = sys.gettrace()
    sys.settrace(start)
    try:
        outcome = judge(data)
    finally:
        sys.settrace(before)
    return outcome, arcs


def coverage(reader: str, arcs: set[Arc]) -> dict[str, Any]:
    """Return the share of the lines inside the functions of a reader's files that were run."""
    lines = {(name, line) for name, _, line in arcs}
    possible = {
        (str(path), line)
        for part in PARTS[reader]
        for path in ([PACKAGE / part] if part.endswith(".py") else sorted((PACKAGE / part).rglob("*.py")))
        for line in _lines_of(path)
    }
    return {
        "lines": len(possible),
        "reached": len(possible & lines),
        "share": round(len(possible & lines) / len(possible), 3),
    }


def _lines_of(path: Path) -> set[int]:
    """Return the lines inside functions of a file that can be run."""
    found: set[int] = set()

    def walk(code: CodeType, inside: bool) -> None:
        if inside:
            found.update(line for _, _, line in code.co_lines() if line and line != code.co_firstlineno)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                walk(constant, inside or constant.co_flags & 0x2 != 0)  # a function, not a class body

    walk(compile(path.read_text(encoding="utf-8"), str(path), "exec"), False)
    return found


def keep(reader: str, grown: Path, *, save: bool) -> dict[str, Any]:
    """Return coverage of the grown corpus, and with `save` put the smallest part that reaches as much in its place.

    Inputs that are findings are never saved: they belong in a test of their own, once mended.
    """
    judge = Judge(reader)
    judge.warm(seeds(reader))
    inputs = {path.read_bytes() for path in [*grown.glob("*"), *(CORPUS / reader).glob("*")]}
    ordered = sorted(
        (data for data in inputs if 0 < len(data) <= _LONGEST), key=lambda data: (len(data), data)
    )
    ordered = [*seeds(reader), *ordered[:_MOST]]
    seen: set[Arc] = set()
    useful: list[tuple[bytes, set[Arc]]] = []
    for data in ordered:
        outcome, arcs = reached(judge, data)
        if isinstance(outcome, str) and arcs - seen:
            useful.append((data, arcs))
        seen |= arcs
    chosen = _smallest(useful, BUDGET.get(reader, _BUDGET))
    if save:
        folder = CORPUS / reader
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for data in chosen:
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return {
        "corpus": len(inputs),
        "saved": len(chosen),
        "saved_bytes": sum(map(len, chosen)),
        **coverage(reader, seen),
    }


def _smallest(useful: Sequence[tuple[bytes, set[Arc]]], budget: int) -> list[bytes]:
    """Return inputs that reach everything or fill the budget, those that add most for their size first."""
    left, chosen, size = list(useful), [], 0
    seen: set[Arc] = set()
    while left:
        gain, best = max(((len(arcs - seen) / (200 + len(data)), i) for i, (data, arcs) in enumerate(left)))
        if gain <= 0:
            break
        data, arcs = left.pop(best)
        if size + len(data) <= budget:
            chosen.append(data)
            size += len(data)
            seen |= arcs
        left = [item for item in left if item[1] - seen]
    return chosen
