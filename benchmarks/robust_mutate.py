"""Mutation testing of normalisation and calling: small changes of the code that the tests must notice.

``python -m benchmarks.robustness mutate --n 300`` works on copies of the tree, never on the checkout: a sample of the
mutants with a fixed seed, one process a mutant, the tests of the file's room until the first that fails. A mutant
that runs for ever or ends the process counts as noticed. The processes are copies of one that has pytest and the
numerical libraries loaded, and none of the package.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.robust_mutants import Mutant, mutants, mutated

__all__ = ["ROOMS", "mutate", "wilson"]

ROOT = Path(__file__).resolve().parents[1]
ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "normalize": (
        ("normalize.py", "_normalize_rounds.py", "_level.py", "fits.py", "noise.py"),
        ("test_hardening_mutants.py", "test_fits.py", "test_noise.py", "test_reference_choice.py", "test_normalize.py",
         "test_pipeline.py", "test_quality.py",
         "test_calling_golden.py", "test_calling_shared.py", "test_hardening_heights.py", "test_calling_simulated.py"),
    ),
    "calling": (
        ("calling/*.py",),
        ("test_hardening_mutants.py", "test_calling_events.py", "test_calling_shared.py", "test_calling_golden.py",
         "test_calling_detection.py", "test_pipeline.py", "test_calling_likelihood.py", "test_quality.py",
         "test_hardening_heights.py", "test_calling_simulated.py"),
    ),
}  # fmt: skip
"""By room, its files below ``mlpa_caller`` and the tests that cover them, the quickest first."""
_NICE = 15
_SLACK = 4.0
_WAIT = 0.02


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share seen `hits` times in `n` (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    z, share = 1.959964, hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def sample(n: int, seed: int, root: Path = ROOT) -> tuple[list[tuple[str, Mutant]], int]:
    """Return `n` mutants of a tree with their rooms, each as likely as any other, and how many there are."""
    every = [
        (room, mutant)
        for room, (patterns, _) in ROOMS.items()
        for path in sorted({path for pattern in patterns for path in (root / "mlpa_caller").glob(pattern)})
        for mutant in mutants(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    ]
    chosen = np.random.default_rng(seed).permutation(len(every))[: min(n, len(every))]
    return [every[i] for i in sorted(chosen.tolist())], len(every)


def mutate(n: int, *, seed: int = 1, workers: int = 2, work: Path | None = None) -> dict[str, Any]:
    """Run the tests on `n` mutants and return how many were noticed, and the survivors.

    Parameters
    ----------
    n
        Mutants; all of them where there are fewer.
    seed
        Of the sample.
    workers
        Processes beside each other, each with a copy of the tree.
    work
        A folder to keep: with the tree as it was at the start and a line a mutant, so that a run that was cut off
        goes on. A folder that is removed at the end when not given.
    """
    home = work or Path(tempfile.mkdtemp(prefix="mlpa-mutants-"))
    try:
        whole = home / "whole" / "main"
        if not (whole / "pyproject.toml").is_file():
            shutil.rmtree(home / "whole", ignore_errors=True)
            _copy(home / "whole")  # others may change the checkout meanwhile
        for i in range(workers):
            shutil.rmtree(home / f"tree{i}", ignore_errors=True)
        trees = [_copy(home / f"tree{i}", whole) for i in range(workers)]
        jobs, possible = sample(n, seed, whole)
        limits = {}
        for room, (_, tests) in ROOMS.items():
            status, took = _wait(_child(trees[0], tests), 3600.0)
            if status != 0:
                raise RuntimeError(f"the tests of {room} fail without a mutant (status {status})")
            limits[room] = _SLACK * took + 60.0
        rows = _run_all(jobs, whole, trees, limits, home / "log.tsv")
        return _summary(rows, possible, whole)
    finally:
        if work is None:
            shutil.rmtree(home, ignore_errors=True)


def _done(log: Path) -> dict[tuple[str, int, int], str]:
    """Return what became of the mutants of an earlier run that was cut off."""
    if not log.is_file():
        return {}
    lines = (line.split("\t") for line in log.read_text(encoding="utf-8").splitlines())
    return {(file, int(place), int(choice)): outcome for outcome, file, place, choice, *_ in lines}


def _copy(tree: Path, root: Path = ROOT) -> Path:
    """Copy what the tests need; the data beside the project are linked beside the copy."""
    home = tree / "main"
    ignore = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis", "results")
    for name in ("mlpa_caller", "reference", "tests", "benchmarks"):
        shutil.copytree(root / name, home / name, ignore=ignore)
    shutil.copy2(root / "pyproject.toml", home)
    if (ROOT.parent / "shared").is_dir():
        (tree / "shared").symlink_to((ROOT.parent / "shared").resolve())
    return home


def _run_all(
    jobs: Sequence[tuple[str, Mutant]],
    whole: Path,
    trees: Sequence[Path],
    limits: dict[str, float],
    log: Path,
) -> list[tuple[str, Mutant, str]]:
    done = _done(log)
    rows = [
        (room, m, done[m.file, m.place, m.choice]) for room, m in jobs if (m.file, m.place, m.choice) in done
    ]
    waiting = [(room, m) for room, m in jobs if (m.file, m.place, m.choice) not in done]
    free = list(trees)
    running: dict[int, tuple[str, Mutant, Path, float]] = {}
    while waiting or running:
        while waiting and free:
            room, mutant = waiting.pop(0)
            tree = free.pop()
            source = mutated((whole / mutant.file).read_text(encoding="utf-8"), mutant)
            (tree / mutant.file).write_text(source, encoding="utf-8")
            running[_child(tree, ROOMS[room][1])] = (room, mutant, tree, time.monotonic() + limits[room])
        time.sleep(_WAIT)
        for pid, (room, mutant, tree, end) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            late = not ended and time.monotonic() > end
            if late:
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
            if ended or late:
                del running[pid]
                shutil.copy2(whole / mutant.file, tree / mutant.file)
                free.append(tree)
                outcome = "survived" if status == 0 else "ran for ever" if late else "noticed"
                rows.append((room, mutant, outcome))
                place = f"{mutant.file}\t{mutant.place}\t{mutant.choice}\t{mutant.line}\t{mutant.what}"
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(f"{outcome}\t{place}\n")
    return rows


def _child(tree: Path, tests: Sequence[str]) -> int:
    """Start the tests in a copy of this process and return its number."""
    import pandas  # noqa: F401 - loaded once for all
    import pytest
    import scipy.special
    import scipy.stats  # noqa: F401

    if any(name.partition(".")[0] == "mlpa_caller" for name in sys.modules):
        raise RuntimeError("the package is loaded already, so mutants would not be")
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        os.nice(_NICE)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.dont_write_bytecode = True
        sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".").resolve() != ROOT)]
        for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
            del sys.modules[name]
        there = [f"tests/{name}" for name in tests if (tree / "tests" / name).is_file()]
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", *there]))
    finally:
        os._exit(code)


def _wait(pid: int, seconds: float) -> tuple[int, float]:
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status, time.monotonic() - start
        time.sleep(_WAIT)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -1, seconds


def _summary(rows: Sequence[tuple[str, Mutant, str]], every: int, whole: Path) -> dict[str, Any]:
    rooms: dict[str, Any] = {}
    for room in ROOMS:
        outcomes = Counter(outcome for where, _, outcome in rows if where == room)
        n = sum(outcomes.values())
        noticed = n - outcomes["survived"]
        low, high = wilson(noticed, n)
        rooms[room] = {"mutants": n, "noticed": noticed, "share": noticed / n if n else None,
                       "interval_95": [round(low, 3), round(high, 3)]}  # fmt: skip
    n = len(rows)
    noticed = sum(outcome != "survived" for _, _, outcome in rows)
    low, high = wilson(noticed, n)
    survivors = [
        {"file": mutant.file, "line": mutant.line, "change": mutant.what, "source": _line(mutant, whole)}
        for _, mutant, outcome in rows
        if outcome == "survived"
    ]
    return {"possible": every, "mutants": n, "noticed": noticed, "share": noticed / n if n else None,
            "interval_95": [round(low, 3), round(high, 3)], "rooms": rooms, "survivors": survivors}  # fmt: skip


def _line(mutant: Mutant, whole: Path) -> str:
    return (whole / mutant.file).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()


if __name__ == "__main__":
    print(json.dumps(mutate(int(sys.argv[1])), indent=1))
