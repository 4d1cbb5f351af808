"""Coverage-guided fuzzing of the readers with atheris: one process a reader, many executions, findings told apart.

``python -m benchmarks.robustness fuzz --seconds N`` runs it. A process of this module is one reader's worker: the
package is imported only there, with atheris' instrumentation. Findings do not stop it: each is kept once, by kind
and place, with the first input that showed it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["CORPUS", "fuzz", "saved", "worker"]

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "fuzz"
"""The saved corpus: a folder a reader, a file an input."""
ROOT = Path(__file__).resolve().parents[1]
LONGEST = 65_536
"""Bytes of the longest input that is made."""
_ADDRESS_SPACE = 4 << 30
_NICE = 15
_KILL_AFTER = 60
"""Seconds beyond its time after which a worker is taken to hang."""


def saved(reader: str) -> list[bytes]:
    """Return the saved inputs of a reader, by name."""
    return [path.read_bytes() for path in sorted((CORPUS / reader).glob("*"))]


def fuzz(reader: str, seconds: int, work: Path, *, seed: int = 1) -> dict[str, Any]:
    """Fuzz one reader for some seconds and return what was seen.

    Parameters
    ----------
    reader
        Its name.
    seconds
        Wall-clock time.
    work
        A folder; the grown corpus is left in ``work/<reader>/corpus`` and findings in ``work/<reader>/findings``.
    seed
        Of the mutations.

    Returns
    -------
    dict
        ``executions``, ``edges`` (atheris' coverage at the end), ``slowest_s``, ``memory_mb``, ``outcomes``,
        ``findings`` (kind, where, what, number, file) and ``died`` (how often the process ended before its time).
    """
    folder = work / reader
    for name in ("corpus", "findings"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    total: dict[str, Any] = {"executions": 0, "edges": 0, "slowest_s": 0.0, "memory_mb": 0.0, "outcomes": {},
                             "findings": {}, "died": 0}  # fmt: skip
    end = time.monotonic() + seconds
    round_ = 0
    while (left := end - time.monotonic()) > 2:
        words = [
            sys.executable,
            "-m",
            "benchmarks.robust_fuzz",
            reader,
            str(int(left)),
            str(folder),
            str(seed + round_),
        ]
        with open(folder / "log.txt", "wb") as log:
            process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
            try:
                process.wait(left + _KILL_AFTER)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        ended_well = _add(total, folder)
        if not ended_well and time.monotonic() < end - 2:
            total["died"] += 1
            if total["died"] > 20:
                break
        round_ += 1
    total["findings"] = sorted(total["findings"].values(), key=lambda found: -found["count"])
    return total


def _add(total: dict[str, Any], folder: Path) -> bool:
    """Add what a worker wrote to the totals; return whether it came to its end."""
    try:
        part = json.loads((folder / "stats.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    total["executions"] += part["executions"]
    for name in ("slowest_s", "memory_mb"):
        total[name] = max(total[name], part[name])
    for name, count in part["outcomes"].items():
        total["outcomes"][name] = total["outcomes"].get(name, 0) + count
    for key, found in part["findings"].items():
        known = total["findings"].setdefault(key, {**found, "count": 0})
        known["count"] += found["count"]
    log = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    edges = [int(number) for number in re.findall(r"\bcov: (\d+)", log)]
    total["edges"] = max([total["edges"], *edges])
    return "DONE" in log


class _Notes:
    """What one worker has seen, written to its folder every second or so."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.executions, self.outcomes = folder, 0, {"read": 0, "refused": 0, "finding": 0}
        self.findings: dict[str, dict[str, Any]] = {}
        self.written = 0.0

    def note(self, outcome: Any, data: bytes) -> None:
        self.executions += 1
        if isinstance(outcome, str):
            self.outcomes[outcome] += 1
            return
        self.outcomes["finding"] += 1
        key = f"{outcome.kind}|{outcome.where}"
        if key not in self.findings:
            name = hashlib.sha256(key.encode()).hexdigest()[:12]
            (self.folder / "findings" / name).write_bytes(data)
            self.findings[key] = {"kind": outcome.kind, "where": outcome.where, "what": outcome.what, "count": 0,
                                  "file": f"findings/{name}"}  # fmt: skip
        self.findings[key]["count"] += 1

    def write(self, slowest: float, memory: float) -> None:
        document = {"executions": self.executions, "outcomes": self.outcomes, "findings": self.findings,
                    "slowest_s": slowest, "memory_mb": memory}  # fmt: skip
        (self.folder / "stats.json").write_text(json.dumps(document), encoding="utf-8")


def worker(reader: str, seconds: int, folder: Path, seed: int) -> None:
    """Fuzz in this process; does not return."""
    import resource

    import atheris

    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    from benchmarks import robust_readers
    from benchmarks.robust_seeds import TOKENS, seeds

    shared = Path("/dev/shm")
    home = Path(tempfile.mkdtemp(prefix="mlpa-fuzz-", dir=shared if shared.is_dir() else None))
    with atheris.instrument_imports(include=["mlpa_caller"]):
        judge = robust_readers.Judge(reader, home)
        start = [*seeds(reader), *saved(reader)]
        judge.warm(start)
        judge.warm(start)
    for data in start:
        (folder / "corpus" / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    (folder / "tokens.dict").write_text(_dictionary(TOKENS[reader]), encoding="ascii")
    notes = _Notes(folder)

    def one(data: bytes) -> None:
        notes.note(judge(data), data)
        now = time.monotonic()
        if now - notes.written > 1.0:
            notes.written = now
            notes.write(judge.slowest, judge.most_memory)

    words = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}", f"-dict={folder / 'tokens.dict'}",
             f"-artifact_prefix={folder / 'findings'}{os.sep}", "-rss_limit_mb=0", "-timeout=30",
             "-print_final_stats=1", "-len_control=20"]  # fmt: skip
    options: Mapping[str, Any] = {"custom_mutator": _mutate_trace} if reader == "trace" else {}
    atheris.Setup([sys.argv[0], *words, str(folder / "corpus")], one, **options)
    atheris.Fuzz()


def _mutate_trace(data: bytes, max_size: int, seed: int) -> bytes:
    """Change fields of the directory as often as bytes."""
    import atheris
    import numpy as np

    from benchmarks.trace_damage import structure_mutant

    if seed % 2 and len(data) > 200:
        try:
            return structure_mutant(data, np.random.default_rng(seed))[:max_size]
        except (ValueError, OverflowError, IndexError, MemoryError, Exception):  # noqa: BLE001 - its header is gone
            pass
    changed: bytes = atheris.Mutate(data, max_size)
    return changed


def _dictionary(tokens: Sequence[bytes]) -> str:
    lines = []
    for token in dict.fromkeys(tokens):
        if len(token) <= 60:
            lines.append('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
