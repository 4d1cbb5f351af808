"""How the tool stands up to damage: ``python -m benchmarks.robustness [fuzz|stress|kill|mutate ...] [options]``.

fuzz     coverage-guided fuzzing of every reader (atheris), ``--seconds`` each; ``--save`` renews the saved corpus
stress   large inputs made to be slow or greedy
kill     ``kill -9`` at ``--n`` random instants of ``call`` and of ``batch``; full disk; every system call failing
mutate   small changes of normalisation and calling that the tests must notice (``--n`` of them)

Ends with 1 when a goal is missed. ``--quick`` runs a small part of each and stores nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS, describe

READERS = ("peaks", "signals", "parquet", "panel", "samples", "clinical", "patients", "calls", "vcf", "trace", "ladder",
           "result")  # fmt: skip
NOTICED_GOAL = 0.9


def fuzz(words: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    """Fuzz each reader in a process of its own; nothing but success or the package's own error."""
    from benchmarks.robust_fuzz import fuzz as run

    seconds = 10 if words.quick else words.seconds
    good, rows = True, {}
    work = Path(words.work or tempfile.mkdtemp(prefix="mlpa-fuzz-"))
    print(
        f"{'reader':10s} {'executions':>11s} {'edges':>6s} {'lines':>7s} {'slowest s':>10s} {'memory MB':>10s} "
        f"{'died':>5s} findings"
    )
    for reader in words.reader or READERS:
        found = run(reader, seconds, work, seed=words.seed)
        kept = _in_child(_keep, reader, work / reader / "corpus", words.save)
        rows[reader] = {"seconds": seconds, **found, **kept}
        bad = bool(found["findings"]) or found["died"]
        good = good and not bad
        print(
            f"{reader:10s} {found['executions']:11d} {found['edges']:6d} {100 * kept['share']:6.1f}% "
            f"{found['slowest_s']:10.3f} {found['memory_mb']:10.1f} {found['died']:5d} {len(found['findings'])}",
            flush=True,
        )
        for finding in found["findings"]:
            print(
                f"    {finding['kind']} {finding['where']}: {finding['what'][:120]} "
                f"({finding['count']} times; {finding['file']})"
            )
    print(f"goal: no finding; inputs of findings are in {work}")
    return good, {"fuzz": rows}


def _keep(reader: str, grown: Path, save: bool) -> dict[str, Any]:
    from benchmarks.robust_corpus import keep

    return keep(reader, grown, save=save)


def stress(words: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    """Read large inputs made to be slow or greedy."""
    good, rows = True, {}
    print(f"{'reader':10s} {'inputs':>7s} {'slowest s':>10s} {'memory MB':>10s} findings")
    for reader in words.reader or READERS:
        with tempfile.TemporaryDirectory(prefix="mlpa-stress-") as folder:
            _in_child(_special, reader, folder)
            row = rows[reader] = _in_child(_stress, reader, words.quick, folder)
        good = good and not row["findings"]
        print(
            f"{reader:10s} {row['inputs']:7d} {row['slowest_s']:10.2f} {row['memory_mb']:10.1f} {len(row['findings'])}",
            flush=True,
        )
        for text in row["findings"][:10]:
            print(f"    {text}")
    print("goal: no finding (a second and 64 MB beyond a small multiple of the input)")
    return good, {"stress": rows}


def _stress(reader: str, quick: bool, folder: str) -> dict[str, Any]:
    import resource

    from benchmarks.robust_readers import Finding, Judge
    from benchmarks.robust_seeds import seeds
    from benchmarks.robust_stress import stress_inputs

    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    valid = seeds(reader)
    judge = Judge(reader)
    judge.warm(valid)
    judge.warm(valid)
    count, findings = 0, []
    special = ((path.name, path.read_bytes()) for path in sorted(Path(folder).iterdir()))
    for what, data in itertools.chain(stress_inputs(reader, valid[:1] if quick else valid), special):
        outcome = judge(data)
        count += 1
        if isinstance(outcome, Finding):
            findings.append(f"{what}: {outcome.kind} {outcome.where} {outcome.what}"[:300])
    return {"inputs": count, "slowest_s": judge.slowest, "memory_mb": judge.most_memory, "findings": findings}


def _special(reader: str, folder: str) -> dict[str, Any]:
    """Write the special inputs of a reader, in a process of its own: making them takes memory."""
    from benchmarks.robust_stress import special_inputs

    for number, (what, data) in enumerate(special_inputs(reader)):
        (Path(folder) / f"{number:02d} {what}").write_bytes(data)
    return {}


def _in_child(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run something in a process of its own, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def kill(words: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    """Kill ``call`` and ``batch``; fill the disk; let every system call fail in turn."""
    from benchmarks.robust_faults import failing_calls, file_size_limit, full_disk, small_disk
    from benchmarks.robust_kill import CallCase, kill_batch, kill_call
    from benchmarks.robust_seeds import small_result

    n = 8 if words.quick else words.n or 200
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="mlpa-kill-") as folder:
        work = Path(folder)
        for name, run in (("call", kill_call), ("batch", kill_batch)):
            start = time.monotonic()
            rows[name] = run(work / name, n)
            print(f"{name}: {json.dumps(rows[name])} ({time.monotonic() - start:.0f} s)", flush=True)
        case = CallCase(work / "full")
        size = small_disk(case)
        limits = {str(limit): file_size_limit(case, limit) for limit in (0, 1_000, 30_000, 300_000)}
        disks = {str(size + more): full_disk(case, size + more) for more in (0, 20, 100, size // 2)}
        rows["file_size_limit"], rows["full_disk"] = _told(limits), _told(disks)
        result = small_result()
        rows["failing_calls"] = failing_calls([result, _other_result()], work / "calls")
    wrong = [text for name in ("call", "batch", "failing_calls") for text in rows[name]["wrong"]]
    for name in ("file_size_limit", "full_disk"):
        print(f"{name}: {json.dumps(rows[name])}")
        wrong += [
            f"{name} {key}: {row}"
            for key, row in rows[name].items()
            if row and row["state"] not in ("old", "new")
        ]
    print(f"failing calls: {json.dumps(rows['failing_calls'])}")
    print(f"wrong: {len(wrong)} (goal: none)")
    for text in wrong:
        print(f"    {text[:200]}")
    return not wrong, {"kill": rows}


def _other_result() -> Any:
    """Return a result of the same samples whose heights differ."""
    from dataclasses import replace

    from benchmarks.robust_seeds import small_result
    from mlpa_caller.pipeline import analyse

    result = small_result()
    return analyse(result.panel, result.samples, replace(result.signals, height=result.signals.height * 1.1))


def _told(rows: Mapping[str, tuple[int, str, str] | None]) -> dict[str, Any]:
    return {
        key: None
        if row is None
        else {"code": row[0], "message": row[1].strip().rpartition(": ")[2], "state": row[2]}
        for key, row in rows.items()
    }


def mutate(words: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
    """Change normalisation and calling a little, and see whether the tests notice."""
    from benchmarks.robust_mutate import mutate as run

    found = run(10 if words.quick else words.n or 300, seed=words.seed, workers=words.workers,
                work=Path(words.work) if words.work else None)  # fmt: skip
    rows = [*found["rooms"].items(), ("all", found)]
    for name, row in rows:
        low, high = row["interval_95"]
        share = "" if row["share"] is None else f"{100 * row['share']:.1f} %"
        print(
            f"{name:10s} {row['noticed']} of {row['mutants']} noticed "
            f"({share}; 95 % interval {100 * low:.1f}-{100 * high:.1f} %)"
        )
    print(f"drawn of {found['possible']} possible mutants; survivors:")
    for row in found["survivors"]:
        print(f"    {row['file']}:{row['line']} {row['change']}: {row['source']}")
    return bool(found["share"] and found["share"] >= NOTICED_GOAL), {"mutate": found}


PARTS: Mapping[str, Callable[[argparse.Namespace], tuple[bool, dict[str, Any]]]] = {
    "fuzz": fuzz,
    "stress": stress,
    "kill": kill,
    "mutate": mutate,
}


def store(figures: Mapping[str, Any], readers: bool) -> None:
    """Put the figures of a full run into ``results/robustness.json``, beside those of other parts and readers."""
    path = RESULTS / "robustness.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for part, rows in figures.items():
        known[part] = {**known.get(part, {}), **rows} if readers else rows
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps({**known, "machine": describe()}, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Run the parts asked for; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[], help="what to run (all)")
    parser.add_argument(
        "--reader", action="append", choices=READERS, help="this reader only (fuzz, stress; may be repeated)"
    )
    parser.add_argument("--seconds", type=int, default=180, help="seconds a reader (fuzz)")
    parser.add_argument("--n", type=int, help="number of kills (200) or mutants (300)")
    parser.add_argument("--seed", type=int, default=1, help="of mutations and of the sample of mutants")
    parser.add_argument("--workers", type=int, default=2, help="processes beside each other (mutate)")
    parser.add_argument("--work", help="folder to keep: corpus and findings (fuzz), progress (mutate)")
    parser.add_argument("--save", action="store_true", help="renew the saved corpus in tests/fuzz (fuzz)")
    parser.add_argument("--quick", action="store_true", help="a small run; nothing is stored")
    words = parser.parse_args()
    missed = 0
    for name in words.parts or PARTS:
        print(f"\n== {name}", flush=True)
        good, figures = PARTS[name](words)
        missed += not good
        if not words.quick:
            store(figures, readers=bool(words.reader))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
