"""Kills at random instants, a full disk, a read-only folder: the old files or the new ones, never a part.

The long run of the same is ``python -m benchmarks.robustness kill --n 200``.
"""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest.importorskip("resource", reason="limits of POSIX systems")

from fake_result import result

from benchmarks.robust_faults import CALLS, failing_calls, file_size_limit, read_only
from benchmarks.robust_kill import CallCase, kill_batch, visible
from mlpa_caller.errors import OutputError
from mlpa_caller.outputs import default_writers, write_result

KILLS = 10


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> CallCase:
    return CallCase(tmp_path_factory.mktemp("kill"), reports=False)


def test_call_killed_at_random_instants(case):
    import numpy as np

    rng = np.random.default_rng(3)
    found = [case.once(rng, number) for number in range(KILLS)]
    assert [states for states in found if any(state.startswith("WRONG") for state in states)] == []


def test_batch_killed_at_random_instants(tmp_path):
    found = kill_batch(tmp_path, 4, seed=5)
    assert found["wrong"] == []
    assert found["kills"] == 4


@pytest.mark.parametrize("limit", [0, 3_000, 40_000])
def test_no_room_for_a_file(case, limit):
    code, message, state = file_size_limit(case, limit)
    assert (code, state) == (3, "old")
    assert len(message.splitlines()) == 1
    assert "cannot be written: File too large" in message


def test_room_enough(case):
    assert file_size_limit(case, 10_000_000) == (0, "", "new")


def test_every_call_to_the_system_fails_in_turn(tmp_path):
    names = ("P1", "P2", "P3", "P4")
    found = failing_calls([result(names), result(names[::-1])], tmp_path)
    assert found["wrong"] == []
    seen = {state.partition(":")[0] for state in found["states"]}
    assert seen == set(CALLS)
    assert sum(count for state, count in found["states"].items() if state.endswith("old")) >= 20


@pytest.mark.parametrize("earlier", [True, False])
def test_read_only_folder(tmp_path, earlier):
    home = tmp_path / "home"
    home.mkdir()
    out = home / "out"
    if earlier:
        write_result(result(), out, writers=default_writers(report=False))
    before = visible(home)
    target = out if earlier else home
    with read_only(target), pytest.raises(OutputError, match="cannot be written: Permission denied"):
        write_result(result(), out, force=True, writers=default_writers(report=False))
    assert visible(home) == before
    assert [path.name for path in home.rglob(".mlpa-caller-*")] == []


def test_the_states_are_told_apart(case, tmp_path):
    """The judge of these tests can say no: a mixed folder, a cut file, a foreign file."""
    out = tmp_path / "out"
    for name, change, wanted in (
        (
            "mixed",
            lambda: shutil.copy(case.work / "new-result" / "calls.tsv", out / "calls.tsv"),
            "WRONG: files of both",
        ),
        (
            "cut",
            lambda: (out / "ratios.tsv").write_bytes(case.files["old"]["ratios.tsv"][:-5]),
            "WRONG: ratios.tsv neither",
        ),
        ("less", lambda: (out / "ratios.tsv").unlink(), "part of old"),
        ("same", lambda: None, "old"),
    ):
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(case.work / "old-result", out)
        change()
        assert case.state(out).startswith(wanted), name
    assert errno.ENOSPC
