"""``kill -9`` at random instants of ``call`` and ``batch``: what is on the disk then, and after the next start.

At the instant: every visible file is byte for byte that of the old result or that of the new one, never of both, and
no table is cut off. After the next start: the whole old or the whole new result (``call``), or with ``--resume`` the
same combined tables as undisturbed, each run once (``batch``).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["BatchCase", "CallCase", "kill_batch", "kill_call"]

ROOT = Path(__file__).resolve().parents[1]
PANEL = "demo-synthetic"
HIDDEN, MARKER = ".mlpa-caller-", "provenance.json"
COMBINED = ("calls", "exons", "ratios", "quality", "risk", "runs", "failures")
MAIN = (
    "import sys; from mlpa_caller.cli.{0} import command; command(sys.argv[1:], prog_name='mlpa-caller {0}')"
)
_RUNNER = "import sys; from mlpa_caller.cli import main; main(sys.argv[1:])"


def _words(name: str, *words: object) -> list[str]:
    if name == "call":
        return [sys.executable, "-c", _RUNNER, "call", *map(str, words)]
    return [sys.executable, "-c", MAIN.format(name), *map(str, words)]


def _environment() -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def _start(words: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)  # fmt: skip


def _finish(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, env=_environment(), capture_output=True, text=True, check=False)


def write_run(folder: Path, seed: int, patients: int = 4) -> tuple[Path, Path]:
    """Write heights and sample sheet of a simulated run, and return both files."""
    from mlpa_caller.panel import load_panel
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    settings = SimulationSettings(n_patients=patients, n_references=4, n_no_dna=0)
    run = simulate_signals(load_panel(PANEL), settings, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    heights, samples = folder / "heights.csv", folder / "samples.csv"
    run.frame().round(0).to_csv(heights, index=False)
    sheet = run.sheet()
    lines = ["sample,role", *(f"{name},{role}" for name, role in zip(sheet.samples, sheet.role))]
    samples.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return heights, samples


def visible(folder: Path) -> dict[str, bytes]:
    """Return the files that a user sees in a folder, without those under hidden names."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        name = path.relative_to(folder).as_posix()
        if not any(part.startswith(HIDDEN) for part in name.split("/")):
            try:
                if path.is_file():
                    found[name] = path.read_bytes()
            except FileNotFoundError:  # a process of the same group is still being ended
                continue
    return found


class CallCase:
    """``call`` into a new folder, or over an earlier result, with files known of both results."""

    def __init__(self, work: Path, *, reports: bool = True) -> None:
        self.work = work
        self.reports = [] if reports else ["--no-report"]
        self.inputs = {word: write_run(work / word, seed) for word, seed in (("old", 11), ("new", 12))}
        self.files: dict[str, dict[str, bytes]] = {}
        for word in ("old", "new"):
            began = time.monotonic()
            done = _finish(self.command(word, work / f"{word}-result"))
            self.seconds = time.monotonic() - began
            if done.returncode:
                raise RuntimeError(done.stderr)
            self.files[word] = visible(work / f"{word}-result")

    def command(self, word: str, out: Path, *more: str) -> list[str]:
        """Return the words that call the old or the new run."""
        heights, samples = self.inputs[word]
        return _words("call", heights, "--panel", PANEL, "--samples", samples, "--out", out, "--quiet",
                      *self.reports, *more)  # fmt: skip

    def state(self, out: Path) -> str:
        """Return what a folder holds: ``nothing``, ``old``, ``new``, ``part of old``, or what is wrong."""
        found = visible(out)
        if not found:
            return "nothing"
        belongs = {name: self._belongs(name, content) for name, content in found.items()}
        wrong = sorted(name for name, words in belongs.items() if not words)
        if wrong:
            return f"WRONG: {', '.join(wrong)} neither old nor new"
        for word in ("old", "new"):
            if all(word in words for words in belongs.values()):
                whole = found.keys() == self.files[word].keys()
                return word if whole else f"part of {word}"
        return "WRONG: files of both results"

    def _belongs(self, name: str, content: bytes) -> set[str]:
        if name != MARKER:
            return {word for word, files in self.files.items() if files.get(name) == content}
        try:
            listed = {entry["name"]: entry["sha256"] for entry in json.loads(content)["outputs"]}
        except (ValueError, KeyError, TypeError):
            return set()
        known = {word: json.loads(files[MARKER])["outputs"] for word, files in self.files.items()}
        return {
            word for word, entries in known.items() if listed == {e["name"]: e["sha256"] for e in entries}
        }

    def once(self, rng: np.random.Generator, number: int) -> tuple[str, str]:
        """Kill one command at a random instant; return the state then and after the next start."""
        out = self.work / "out"
        shutil.rmtree(out, ignore_errors=True)
        replace = number % 2 == 1
        if replace:
            shutil.copytree(self.work / "old-result", out)
        process = _start(self.command("new", out, *(["--force"] if replace else [])))
        if number % 4 < 2:  # at any instant
            time.sleep(rng.uniform(0.0, 1.1 * self.seconds))
        elif number % 8 == 7:  # while files move to their places
            while process.poll() is None and not (out / f"{HIDDEN}commit").is_dir():
                pass
            time.sleep(rng.uniform(0.0, 0.003))
        else:  # while files are being written
            home = out if replace else out.parent
            while process.poll() is None and not any(path.name.startswith(HIDDEN) for path in home.iterdir()):
                time.sleep(0.001)
            time.sleep(rng.uniform(0.0, 0.5 * self.seconds))
        running = process.poll() is None
        _kill(process)
        at_once = self.state(out) + ("" if running else " (it had ended)")
        from mlpa_caller.errors import ResultExistsError
        from mlpa_caller.outputs import check_target

        with suppress(ResultExistsError):
            check_target(out)
        after = self.state(out)
        left = [
            p.name
            for home in (out, out.parent)
            if home.is_dir()
            for p in home.iterdir()
            if p.name.startswith(HIDDEN)
        ]
        if left:
            after = f"WRONG: left over {left}"
        allowed = ("old", "new") if replace else ("nothing", "new")
        return at_once, after if after.startswith("WRONG") or after in allowed else f"WRONG: {after}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and its processes at once, as a loss of power would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class BatchCase:
    """``batch`` over folders of runs, killed and resumed again and again."""

    def __init__(self, work: Path, n_runs: int = 4) -> None:
        self.work, self.out = work, work / "out"
        for seed in range(1, n_runs + 1):
            write_run(work / "archive" / f"r{seed}", seed, patients=3)
        self.runs = [f"r{seed}" for seed in range(1, n_runs + 1)]
        began = time.monotonic()
        done = _finish(self.command(work / "undisturbed"))
        self.seconds = time.monotonic() - began
        if done.returncode:
            raise RuntimeError(done.stderr)
        self.files = visible(work / "undisturbed")

    def command(self, out: Path, *more: str) -> list[str]:
        """Return the words that start the batch."""
        return _words("batch", self.work / "archive", "--panel", PANEL, "--out", out, "--quiet", "--no-report",
                      "--workers", 2, *more)  # fmt: skip

    def wrong(self) -> str:
        """Return what is wrong in the folder at this instant; empty when nothing is."""
        for name, content in visible(self.out).items():
            if name.endswith((".unfinished",)) or Path(name).name == MARKER:
                continue
            if name.endswith(".zip"):
                try:
                    with zipfile.ZipFile(self.out / name) as archive:
                        archive.testzip()
                except zipfile.BadZipFile:
                    return f"{name} is cut off"
            elif name.startswith("runs/") and self.files.get(name) != content:
                return f"{name} is not as undisturbed"
            elif (name.endswith(".parquet") and not (content[:4] == content[-4:] == b"PAR1")) or (
                name.endswith(".tsv") and not content.endswith(b"\n")
            ):
                return f"{name} is cut off"
        return ""

    def once(self, rng: np.random.Generator) -> tuple[str, str]:
        """Kill one batch at a random instant; return whether it was at work, and what is wrong."""
        if (self.out / MARKER).is_file():
            shutil.rmtree(self.out)
        process = _start(self.command(self.out, *self._resume()))
        time.sleep(rng.uniform(0.0, 1.1 * self.seconds))
        running = process.poll() is None
        _kill(process)
        return ("at work" if running else "had ended"), self.wrong()

    def _resume(self) -> list[str]:
        return ["--resume"] if (self.out / "parts").is_dir() else []

    def end(self) -> str:
        """Let it come to its end; return how the result differs from the undisturbed one, empty for not at all."""
        done = _finish(self.command(self.out, *self._resume()))
        if done.returncode:
            return f"exit code {done.returncode}: {done.stderr.strip()}"
        found = visible(self.out)
        differ = [name for name in sorted({*found, *self.files}) if not name.endswith(MARKER)
                  and found.get(name) != self.files.get(name)]  # fmt: skip
        from pyarrow import parquet

        runs = parquet.read_table(self.out / "runs.parquet").column("run").to_pylist()
        if sorted(runs) != self.runs:
            return f"the runs are {runs}"
        hidden = [path.name for path in self.out.rglob(f"{HIDDEN}*")]
        return f"differ: {differ}" if differ else f"left over: {hidden}" if hidden else ""


def kill_call(work: Path, n: int, seed: int = 1) -> dict[str, Any]:
    """Kill ``call`` `n` times and return the counts of the states, and what was wrong."""
    case, rng = CallCase(work), np.random.default_rng(seed)
    at_once, after, wrong = Counter[str](), Counter[str](), []
    for number in range(n):
        found = case.once(rng, number)
        at_once[found[0]] += 1
        after[found[1]] += 1
        wrong += [f"kill {number}: {text}" for text in found if text.startswith("WRONG")]
    return {"kills": n, "at_the_instant": dict(at_once), "after_next_start": dict(after), "wrong": wrong}


def kill_batch(work: Path, n: int, seed: int = 2) -> dict[str, Any]:
    """Kill ``batch`` `n` times, let it end now and then, and return the counts and what was wrong."""
    case, rng = BatchCase(work), np.random.default_rng(seed)
    counts, wrong, ends = Counter[str](), [], 0
    for number in range(n):
        running, problem = case.once(rng)
        counts[running] += 1
        wrong += [f"kill {number}: {problem}"] if problem else []
        if number % 5 == 4 or number == n - 1:
            problem = case.end()
            ends += 1
            wrong += [f"after kill {number}: {problem}"] if problem else []
    return {"kills": n, "states": dict(counts), "ends_compared": ends, "wrong": wrong}
