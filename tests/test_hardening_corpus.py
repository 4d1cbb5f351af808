"""Every reader on the saved corpus of the fuzzing runs, on damaged copies of valid inputs, and on greedy ones.

Success or the package's own error, in one line, is all that may happen; nothing takes a second or 64 MB beyond a small
multiple of the input. ``python -m benchmarks.robustness fuzz --save`` grows and renews the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

pytest.importorskip("resource", reason="memory is measured on POSIX systems")

from benchmarks.robust_fuzz import CORPUS, saved  # noqa: E402
from benchmarks.robust_readers import PARTS, READERS, Judge  # noqa: E402
from benchmarks.robust_seeds import SEEDS, TOKENS, seeds  # noqa: E402
from benchmarks.robust_stress import stress_inputs  # noqa: E402

bounded = settings(max_examples=60, deadline=None, derandomize=True, database=None,
                   suppress_health_check=list(HealthCheck))  # fmt: skip
DAMAGED = tuple(name for name in READERS if name not in ("result", "trace"))
"""Readers of small inputs; traces are damaged in test_traces_damage.py, results only by what was found before."""
GREEDY = ("peaks", "signals", "panel", "samples", "clinical", "patients", "ladder")
_judges: dict[str, Judge] = {}


def judge(reader: str) -> Judge:
    if reader not in _judges:
        _judges[reader] = Judge(reader)
        _judges[reader].warm([*seeds(reader), *seeds(reader)])
    return _judges[reader]


def test_every_reader_has_all_its_parts():
    assert READERS.keys() == SEEDS.keys() == TOKENS.keys() == PARTS.keys()
    for parts in PARTS.values():
        assert all((ROOT / "mlpa_caller" / part).exists() for part in parts)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 300_000


@pytest.mark.parametrize("reader", READERS)
def test_valid_inputs_are_read(reader):
    assert "read" in [judge(reader)(data) for data in seeds(reader)]


@pytest.mark.parametrize("reader", READERS)
def test_saved_corpus(reader):
    inputs = saved(reader)
    assert inputs
    outcomes = [judge(reader)(data) for data in inputs]
    assert [found for found in outcomes if not isinstance(found, str)] == []
    assert set(outcomes) == {"read", "refused"}


@st.composite
def damaged(draw, reader):
    """A valid input with pieces cut out, doubled, put in or written over."""
    data = bytearray(draw(st.sampled_from(seeds(reader))))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        upto = min(len(data), at + draw(st.integers(0, 20)))
        piece = draw(
            st.one_of(
                st.sampled_from(TOKENS[reader]), st.binary(max_size=4), st.just(bytes(data[at:upto]) * 2)
            )
        )
        data[at:upto] = piece if draw(st.booleans()) else b""
    return bytes(data)


@pytest.mark.parametrize("reader", DAMAGED)
def test_damaged_copies(reader):
    run = judge(reader)

    @bounded
    @given(damaged(reader))
    def check(data):
        assert isinstance(run(data), str)

    check()


@pytest.mark.parametrize("reader", DAMAGED)
@bounded
@given(data=st.binary(max_size=300))
def test_any_bytes(reader, data):
    assert isinstance(judge(reader)(data), str)


@pytest.mark.parametrize("reader", GREEDY)
def test_long_cells(reader):
    """Cells of thousands of one sign: once 3,000 blanks took seven seconds, and 100,000 digits minutes."""
    run = judge(reader)
    inputs = [item for item in stress_inputs(reader, seeds(reader)[:1]) if "cell" in item[0]]
    chosen = [item for item in inputs if "x 3000" in item[0] or ("x 100000" in item[0] and "'9'" in item[0])]
    assert len(chosen) > 50
    assert [(what, found) for what, data in chosen if not isinstance(found := run(data), str)] == []


def test_a_parquet_file_that_claims_to_be_huge_is_refused_unread():
    import io

    import pyarrow as pa
    from pyarrow import parquet as pq

    from mlpa_caller.errors import FormatError
    from mlpa_caller.formats.registry import runs_from_bytes

    def packed(columns):
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer, compression="zstd")
        return buffer.getvalue()

    n = 5_000_000
    many = packed({"sample": pa.repeat(pa.scalar("a"), n), "p": pa.repeat(pa.scalar(1.0), n)})
    assert len(many) < 100_000
    with pytest.raises(FormatError, match="unpacks to more than 100 times its"):
        runs_from_bytes(many, "x")
    with pytest.raises(FormatError, match=r"holds texts too long for names|unpacks to more than 100 times"):
        runs_from_bytes(packed({"sample": ["a" * 900_000] * 200, "p": [1.0] * 200}), "x")


def test_a_parquet_file_with_indices_outside_its_dictionary_is_refused():
    """Arrow itself reads such a file and fails, or worse, when its names are asked for."""
    import io

    import pyarrow as pa
    from pyarrow import parquet as pq

    from mlpa_caller.errors import FormatError
    from mlpa_caller.formats.registry import runs_from_bytes

    buffer = io.BytesIO()
    names = pa.array(["a", "b", "c"]).dictionary_encode()
    pq.write_table(pa.table({"sample": names, "p": [1.0, 2.0, 3.0]}), buffer, compression="none")
    whole = buffer.getvalue()
    assert runs_from_bytes(whole, "x")[""].samples == ("a", "b", "c")
    refused = 0
    for at in range(4, 120):
        for value in (0x39, 0x7F, 0xFF):
            damaged_copy = whole[:at] + bytes([value]) + whole[at + 1 :]
            try:
                runs_from_bytes(damaged_copy, "x")
            except FormatError:
                refused += 1
    assert refused > 100
