"""A batch on a real Dask scheduler and two worker processes, one of which is killed in mid-run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from batch_cases import PANEL, checksums, command, environment, finish, write_table

pytest.importorskip("distributed", reason="the extra [dask] is not installed")


@pytest.fixture
def cluster(tmp_path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Address of a scheduler on loopback, and its two workers of one thread each."""
    contact = tmp_path / "scheduler.json"
    quiet = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": tmp_path,
        "env": environment(),
    }
    base = [sys.executable, "-m", "distributed.cli"]
    scheduler = subprocess.Popen(
        [*base[:-1], "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(contact)], **quiet
    )  # fmt: skip
    while not contact.is_file():
        assert scheduler.poll() is None
        time.sleep(0.05)
    time.sleep(0.2)
    import json

    address = json.loads(contact.read_text())["address"]
    workers = [
        subprocess.Popen(
            [*base[:-1], "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny",
             "--host", "127.0.0.1", "--local-directory", str(tmp_path / f"worker{i}")], **quiet
        )
        for i in range(2)
    ]  # fmt: skip
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_one_worker_is_killed_in_mid_run(cluster, tmp_path):
    address, workers = cluster
    table = write_table(tmp_path / "t.parquet", {f"run{seed:02d}": seed for seed in range(1, 13)})
    words = [table, "--samples", table.with_suffix(".csv"), "--panel", PANEL, "--quiet"]
    finish(*words, "--workers", 2, "--out", tmp_path / "here")
    out = tmp_path / "there"
    batch = subprocess.Popen(
        command(*words, "--scheduler", address, "--out", out),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    parts = out / "parts"
    while batch.poll() is None and (not parts.is_dir() or len(list(parts.glob("*.zip"))) < 2):
        time.sleep(0.01)
    assert batch.poll() is None, batch.communicate()
    workers[0].kill()
    _, told = batch.communicate(timeout=120)
    assert batch.returncode == 0, told
    assert checksums(out) == checksums(tmp_path / "here")
    for part in (tmp_path / "here" / "parts").iterdir():
        assert (parts / part.name).read_bytes() == part.read_bytes()


def test_no_scheduler_answers(tmp_path):
    from mlpa_caller.batch import executor
    from mlpa_caller.errors import UsageError

    os.environ.setdefault("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    executor._ANSWER, before = "1s", executor._ANSWER
    try:
        with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
            executor.DaskCrew("tcp://127.0.0.1:9")
    finally:
        executor._ANSWER = before
