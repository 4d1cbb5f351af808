"""Processes that do the work: one thread each, and none that dies takes another's work with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch_cases import crash_on_three, crash_once, double, environment, threads

from mlpa_caller.batch.executor import DaskCrew, LocalCrew, crew, outcomes
from mlpa_caller.errors import MissingExtraError, UsageError


def told(task, error):
    return f"{task}: {type(error).__name__}"


def test_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for value in range(40):
            taken.append(value)
            yield value

    with crew(1) as people:
        found = outcomes(people, double, tasks(), told)
        first = next(found)
        assert len(taken) <= people.window + 1  # few wait, so that memory does not grow with their number
        assert sorted([first, *found]) == [2 * value for value in range(40)]
        assert list(outcomes(people, double, [], told)) == []


def test_libraries_have_one_thread_in_every_process(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with crew(1) as people:
        assert list(outcomes(people, threads, [0], told)) == [["1", "2", "1"]]  # what the user set stays
    assert "MKL_NUM_THREADS" not in os.environ


def test_a_process_that_dies_twice_fails_its_task_only():
    with crew(2) as people:
        found = list(outcomes(people, crash_on_three, range(12), told))
    assert sorted(map(str, found)) == sorted(
        [
            "3: BrokenProcessPool",
            "5: ValueError",
            *(str(2 * value) for value in range(12) if value not in (3, 5)),
        ]
    )


def test_a_process_that_dies_once_is_forgiven(tmp_path):
    tasks = [str(tmp_path / name) for name in ("good1", "bad1", "good2", "bad2", "good3")]
    with crew(2) as people:
        found = list(outcomes(people, crash_once, tasks, told))
    assert sorted(found) == ["bad1", "bad2", "good1", "good2", "good3"]


def test_numbers_of_workers():
    assert LocalCrew(3).workers == 3
    assert LocalCrew().workers == len(os.sched_getaffinity(0))
    with pytest.raises(UsageError, match="-1 workers cannot work; give at least 1"):
        LocalCrew(-1)


def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from concurrent.futures import wait\n"
        "from batch_cases import double\n"
        "from mlpa_caller.batch.executor import LocalCrew\n"
        "if __name__ == '__main__':\n"
        "    people = LocalCrew(2)\n"
        "    pool = people.open()\n"
        "    wait([pool.submit(double, i) for i in range(4)])\n"
        "    Path(sys.argv[1]).write_text(' '.join(map(str, pool._processes)))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    script, found = tmp_path / "script.py", tmp_path / "workers"
    script.write_text(code)
    path = os.pathsep.join([environment()["PYTHONPATH"], str(Path(__file__).parent)])
    subprocess.run(
        [sys.executable, str(script), str(found)], env={**environment(), "PYTHONPATH": path}, check=False
    )
    workers = [int(word) for word in found.read_text().split()]
    assert workers
    deadline = time.monotonic() + 20
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = [worker for worker in workers if alive(worker)]
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert not left


def alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stream:
            return stream.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_scheduler_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        MissingExtraError, match=r"dask, which is not installed; install the extra: .*mlpa-caller\[dask\]"
    ):
        DaskCrew("tcp://127.0.0.1:1")
