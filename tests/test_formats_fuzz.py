"""Arbitrary and damaged files: a result, or one of the package's errors in one line."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlpa_caller import formats
from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.errors import MlpaError
from mlpa_caller.panel import load_panel
from mlpa_caller.samplesheet import load_samples

SEEDS = (
    b'Dye/Sample Peak\tSample File Name\tSize\tHeight\tArea\tData Point\t\n"B,1"\ta.fsa\t1.5\t2\t3\t4\t\n',
    b"Sample Name,Dye,Size 1,Size 2,Height 1,Height 2\nA,B,1,2,3,4\n",
    b"sample,dye,size,height\nA,B,130.5,200\n",
    b"sample,probe,height\nA,p,1\nA,q,2\n",
    b"sample;run;p;q\nA;r;1,5;2\nB;r;3;4\n",
    b"probe,length_nt,gene,exon,role\np,100,G,1,target\n",
    b"sample,role,sex,blast_fraction\nA,patient,F,0.5\n",
)
PIECES = (
    b"\t", b",", b";", b'"', b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"sample", b"Size 1",
    b"NaN", b"inf", b"1,234", b"-", b"1e999", b"9" * 30, b"\xe9", b"PAR1", b"ABIF", b" ", b"sep=;", b"_",
    b"Dye Color", b"probe",
)  # fmt: skip
bounded = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def damaged(draw, seeds=SEEDS):
    """A valid file with pieces cut out, put in or written over."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        upto = min(len(data), at + draw(st.integers(0, 12)))
        data[at:upto] = draw(st.sampled_from(PIECES)) if draw(st.booleans()) else b""
    return bytes(data)


def stands(read, path):
    refused = None
    try:
        return read(path)
    except MlpaError as error:
        refused = error
    assert "\n" not in str(refused)
    assert refused.exit_code == 3
    return None


@bounded
@given(st.one_of(st.binary(max_size=200), damaged()))
@example(b"")
@example(b"\x00")
@example(b"PAR1")
@example(b"sample,a\n" + b'"')
@example(b"sample\n1\n")
def test_any_bytes_are_read_or_refused(tmp_path, data):
    path = tmp_path / "any"
    path.write_bytes(data)
    stands(formats.recognise, path)
    found = stands(formats.read, path)
    if isinstance(found, Signals):
        assert ((found.missing == 0) == np.isfinite(found.height)).all()
    elif found is not None:
        assert isinstance(found, PeakTable)
        assert not np.isinf(found.height).any()
    stands(load_panel, path)
    stands(load_samples, path)


@bounded
@given(damage=st.data())
def test_damaged_parquet_is_read_or_refused(tmp_path, damage):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pa.table({"sample": ["A", "B"], "p": [1.5, 2.5]}), buffer)
    data = bytearray(buffer.getvalue())
    for _ in range(damage.draw(st.integers(1, 4))):
        data[damage.draw(st.integers(4, len(data) - 1))] = damage.draw(st.integers(0, 255))
    path = tmp_path / "x.parquet"
    path.write_bytes(bytes(data))
    stands(formats.read, path)
