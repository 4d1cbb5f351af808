"""Mutants of trace files: nothing but success or the declared error. The long run is ``benchmarks.traces damage``."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from benchmarks.trace_damage import byte_mutant, crafted_directory, structure_mutant
from mlpa_caller.errors import TraceError
from mlpa_caller.formats.abif import parse_trace
from mlpa_caller.simulate_traces import fsa_bytes, trace_from_peaks
from mlpa_caller.traces import process_trace

TRACES = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "traces"


def intact() -> list[bytes]:
    """Files to damage: the real ones where they are, else one of our own making."""
    rng = np.random.default_rng(1)
    trace = trace_from_peaks([120.0, 180.0, 260.0], [900.0, 40_000.0, 300.0], [0, 0, 1], rng=rng)
    own = fsa_bytes(trace.channels, sample="s", size_standard="GS500", off_scale=trace.off_scale)
    paths = (
        sorted(path for path in TRACES.glob("*") if path.suffix in (".fsa", ".hid"))
        if TRACES.is_dir()
        else []
    )
    return [own, *(path.read_bytes() for path in paths)]


def outcome(data: bytes) -> str:
    try:
        trace = parse_trace(data, "mutant.fsa")
    except TraceError as error:
        message = str(error)
        return "refused" if message.startswith("mutant.fsa: ") and "\n" not in message else message
    table, report = process_trace(trace)
    assert report.verdict in ("pass", "warn", "fail")
    assert np.isfinite(table.height).all()
    assert np.isnan(table.size).all() or report.sized
    return report.verdict


@pytest.mark.parametrize("mutate", [byte_mutant, structure_mutant])
def test_mutants(mutate: object) -> None:
    files = intact()
    rng = np.random.default_rng(20)
    seen = set()
    for _ in range(450):
        data = mutate(files[int(rng.integers(len(files)))], rng)  # type: ignore[operator]
        start = time.perf_counter()
        seen.add(outcome(data))
        assert time.perf_counter() - start < 1.0
    assert {"refused", "fail", "pass"} <= seen <= {"refused", "fail", "pass", "warn"}


def test_traps() -> None:
    for data in intact()[:6]:
        for trap in crafted_directory(data):
            assert outcome(trap) == "refused"


def test_memory_is_bounded() -> None:
    files = intact()
    rng = np.random.default_rng(21)
    largest = max(files, key=len)
    tracemalloc.start()
    try:
        for _ in range(25):
            data = structure_mutant(largest, rng)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            outcome(data)
            assert tracemalloc.get_traced_memory()[1] - before < 64 * 2**20
    finally:
        tracemalloc.stop()
