"""The ABIF reader: real files, files of our own making, and every way a file can be refused."""

import csv
import struct
from pathlib import Path

import numpy as np
import pytest

from mlpa_caller.errors import TraceError
from mlpa_caller.formats.abif import MAX_BYTES, parse_trace, read_trace, sniff
from mlpa_caller.simulate_traces import DYES, fsa_bytes, trace_from_peaks, write_fsa

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
TRACES = SHARED / "traces"
real = pytest.mark.skipif(
    not TRACES.is_dir(), reason="the real traces lie beside the project, and are absent"
)


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A small trace of our own making."""
    rng = np.random.default_rng(1)
    trace = trace_from_peaks([120.0, 180.0, 260.0], [900.0, 40_000.0, 300.0], [0, 0, 1], rng=rng)
    return fsa_bytes(trace.channels, sample="007", size_standard="GS500", off_scale=trace.off_scale)


def entries(data: bytes) -> dict[tuple[bytes, int], int]:
    """Offset of each directory entry."""
    count, _, offset = struct.unpack_from(">III", data, 18)
    return {struct.unpack_from(">4sI", data, offset + 28 * k): offset + 28 * k for k in range(count)}


def changed(data: bytes, tag: tuple[bytes, int], place: int, form: str, *values: int) -> bytes:
    """Set fields of one directory entry."""
    copy = bytearray(data)
    struct.pack_into(form, copy, entries(data)[tag] + place, *values)
    return bytes(copy)


def test_what_is_written_is_read(plain: bytes) -> None:
    trace = parse_trace(plain, "folder/x.fsa")
    assert trace.file == "x.fsa"
    assert trace.sample == "007"
    assert trace.dyes == DYES
    assert (trace.ladder_dye, trace.ladder_dye_from) == (4, "marked")
    assert trace.size_standard == "GS500"
    assert trace.version == 101
    assert not trace.processed
    assert trace.signal is trace.raw
    assert trace.raw.shape[0] == 5
    assert trace.raw.max() == 32767
    assert len(trace.off_scale)
    assert trace.raw[0][trace.off_scale].max() == 32767
    assert trace.peaks is None
    assert trace.run_date == "2000-01-01"


def test_other_parsers_read_it_too(plain: bytes) -> None:
    abi = pytest.importorskip("Bio.SeqIO.AbiIO", reason="Biopython is not installed")
    import io

    record = next(abi.AbiIterator(io.BytesIO(plain)))
    raw = record.annotations["abif_raw"]
    assert raw["DyeN5"] == b"LIZ"
    assert raw["SpNm1"] == b"007"
    assert list(raw["DATA1"]) == parse_trace(plain, "x").raw[0].astype(int).tolist()


def test_sniff(plain: bytes) -> None:
    assert sniff(plain[:16])
    assert not sniff(b"sample\tsize")
    assert not sniff(b"ABI")


def test_bytes_depend_on_nothing_else(plain: bytes) -> None:
    rng = np.random.default_rng(1)
    trace = trace_from_peaks([120.0, 180.0, 260.0], [900.0, 40_000.0, 300.0], [0, 0, 1], rng=rng)
    again = fsa_bytes(trace.channels, sample="007", size_standard="GS500", off_scale=trace.off_scale)
    assert again == plain


# -- what real files hold ---------------------------------------------------------------------------------------


@real
def test_names_and_dyes_of_real_files() -> None:
    trace = read_trace(TRACES / "multiplex.fsa")  # the file writes " VIC", " NED" ...
    assert trace.dyes == ("6-FAM", "VIC", "NED", "PET", "LIZ")
    assert (trace.sample, trace.well, trace.instrument, trace.polymer) == ("94", "A06", "3500", "POP7")
    assert trace.run_date == "2023-05-15"
    assert trace.size_standard == "GS600LIZ(60-600)+Normalization"
    assert trace.size_standard_rungs[0] == 60.0
    assert len(trace.size_standard_rungs) == 34
    assert trace.sizing_method == "LocalSouthern"
    assert trace.verdict == "SQ=1.0,SQLevel=1"
    old = read_trace(TRACES / "blank.fsa")
    assert old.dyes == ("6FAM", "VIC", "NED", "PAT", "Bn Joda")
    assert (old.ladder_dye, old.ladder_dye_from) == (4, "marked")
    assert old.size_standard == ""
    assert old.size_standard_rungs == (75, 100, 139, 150, 160, 200, 300, 340, 350, 400, 450, 490, 500)


@real
def test_ladder_dye_by_settings_and_by_position() -> None:
    assert (read_trace(TRACES / "A7840.fsa").ladder_dye, read_trace(TRACES / "A7840.fsa").dyes[3]) == (
        3,
        "PET",
    )
    assert read_trace(TRACES / "A7840.fsa").ladder_dye_from == "analysis settings"
    assert read_trace(TRACES / "20230413_A07.fsa").ladder_dye_from == "last dye"


@real
def test_overflows_are_restored() -> None:
    trace = read_trace(TRACES / "error.fsa")
    # OvrI 9 / OvrV 9 of the file: scans 1010-1017, values 47769, 94596 (six times), 57675
    assert trace.signal[0, 1010:1018].tolist() == [47769, *[94596] * 6, 57675]
    assert trace.restored.sum() == 13
    assert trace.off_scale.tolist() == [1011, 1012, 1013, 1014, 1015, 1016]


@real
def test_instrument_peaks_equal_those_decoded_independently() -> None:
    with open(TRACES / "instrument_peaks.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in sorted({row["source_file"] for row in rows}):
        peaks = read_trace(TRACES / name).peaks
        mine = [row for row in rows if row["source_file"] == name]
        assert peaks is not None
        assert len(peaks) == len(mine)
        assert (peaks.dye + 1).tolist() == [int(row["dye"]) for row in mine]
        assert peaks.data_point.tolist() == [int(row["data_point"]) for row in mine]
        assert peaks.height.tolist() == [float(row["height"]) for row in mine]
        assert peaks.area.tolist() == [float(row["area"]) for row in mine]
        size = np.array([float(row["size_bp"]) for row in mine])
        assert np.allclose(peaks.size, np.where(size > 0, size, np.nan), atol=6e-4, equal_nan=True)
        if mine[0]["size_matched"]:
            assert peaks.on_ladder.tolist() == [row["size_matched"] == "1" for row in mine]


@real
def test_older_software_marks_its_rungs() -> None:
    peaks = read_trace(TRACES / "blank.fsa").peaks
    assert peaks is not None
    assert peaks.size[peaks.on_ladder].tolist() == [
        75,
        100,
        139,
        150,
        160,
        200,
        300,
        340,
        350,
        400,
        450,
        490,
        500,
    ]


# -- refusals ---------------------------------------------------------------------------------------------------


@real
def test_encrypted_hid_is_refused_with_advice() -> None:
    with pytest.raises(TraceError, match=r"is an encrypted \.hid file; export \.fsa files or a peak table"):
        read_trace(TRACES / "encrypted.hid")


def test_text_renamed(tmp_path: Path) -> None:
    path = tmp_path / "text.fsa"
    path.write_text("Dye/Sample Peak,Sample File Name\n", encoding="utf-8")
    with pytest.raises(TraceError, match=r"text\.fsa: is no ABIF trace file; give the \.fsa file"):
        read_trace(path)


def test_unreadable_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.fsa").write_bytes(b"")
    with pytest.raises(TraceError, match="is empty"):
        read_trace(tmp_path / "empty.fsa")
    with pytest.raises(TraceError, match=r"cannot be read \(No such file or directory\)"):
        read_trace(tmp_path / "absent.fsa")
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace("a\0b.fsa")
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path)


def test_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.fsa"
    with open(path, "wb") as stream:
        stream.write(b"ABIF")
        stream.truncate(MAX_BYTES + 1)  # a hole, no bytes on the disk
    with pytest.raises(TraceError, match="is larger than 64 MiB, so it is no trace of one capillary"):
        read_trace(path)


def test_every_truncation_is_refused(plain: bytes) -> None:
    """The directory stands at the end: any cut is seen."""
    for length in [*range(0, 200), *range(200, len(plain), 997), len(plain) - 1]:
        with pytest.raises(TraceError, match=r"damaged|no ABIF"):
            parse_trace(plain[:length], "cut.fsa")


@pytest.mark.parametrize(
    ("tag", "place", "form", "values", "message"),
    [
        (
            (b"DATA", 1),
            10,
            ">HII",
            (0, 2**31 - 1, 0),
            "tag DATA 1 claims 2147483647 elements of 0 bytes in 0 bytes",
        ),
        ((b"DATA", 1), 12, ">I", (2**31 - 1,), "tag DATA 1 claims 2147483647 elements of 2 bytes"),
        ((b"DATA", 1), 16, ">I", (2**31 - 1,), "tag 'DATA' 1 lies outside the file, which may be cut off"),
        ((b"DATA", 1), 20, ">I", (2**31 - 1,), "lies outside the file"),
        ((b"DATA", 1), 16, ">i", (-1,), "lies outside the file"),
        ((b"DATA", 2), 20, ">I", (129,), "a signal overlaps another value"),
        ((b"DATA", 1), 8, ">H", (18,), "tag DATA 1 has element type 18 where numbers are expected"),
        ((b"DATA", 1), 8, ">HH", (3, 2), "DATA 1 is no signal"),
        ((b"DATA", 3), 12, ">I", (1000,), "DATA 3 has 1000 scans where the first dye has"),
        ((b"DATA", 105), 0, ">4s", (b"XXXX",), r"the signal of dye 5 \(DATA 105\) is missing"),
        ((b"Dye#", 1), 20, ">H", (9,), "it claims 9 dyes where 1 to 8 are plausible"),
        ((b"Dye#", 1), 20, ">H", (0,), "it claims 0 dyes"),
    ],
)
def test_damaged_directory(
    plain: bytes, tag: tuple[bytes, int], place: int, form: str, values: tuple[int, ...], message: str
) -> None:
    with pytest.raises(TraceError, match=f"is a damaged ABIF file: .*{message}.*; copy or export the file"):
        parse_trace(changed(plain, tag, place, form, *values), "x.fsa")


@pytest.mark.parametrize(
    ("place", "form", "value", "message"),
    [
        (4, ">H", 500, "format version 500 is not known"),
        (6, ">4s", b"dirt", "the header does not point to a directory"),
        (14, ">H", 1022, "the header does not point to a directory"),
        (16, ">H", 0, "the header does not point to a directory"),
        (18, ">I", 0, "the directory claims 0 entries"),
        (18, ">I", 2**31 - 1, "the directory claims 2147483647 entries"),
        (22, ">I", 0, "the directory lies outside the file"),
        (26, ">I", 2**31 - 1, "the directory lies outside the file"),
        (26, ">i", -28, "the directory lies outside the file"),
    ],
)
def test_damaged_header(plain: bytes, place: int, form: str, value: int | bytes, message: str) -> None:
    copy = bytearray(plain)
    struct.pack_into(form, copy, place, value)
    with pytest.raises(TraceError, match=message):
        parse_trace(bytes(copy), "x.fsa")


def test_no_signal_at_all(plain: bytes) -> None:
    for tag in [(b"DATA", 1), (b"DATA", 2), (b"DATA", 3), (b"DATA", 4), (b"DATA", 105)]:
        plain = changed(plain, tag, 0, ">4s", b"GONE")
    with pytest.raises(TraceError, match="holds no signal of a fragment analysis"):
        parse_trace(plain, "x.fsa")


def test_too_short_and_too_long() -> None:
    short = fsa_bytes(np.zeros((2, 100), dtype=int), ("A", "B"), sample="s")
    with pytest.raises(TraceError, match="it holds 100 scans where 500 to 150000 are plausible"):
        parse_trace(short, "x.fsa")
    long = fsa_bytes(np.zeros((2, 150_001), dtype=int), ("A", "B"), sample="s")
    with pytest.raises(TraceError, match="DATA 1 claims 150001 scans"):
        parse_trace(long, "x.fsa")


def test_names_survive_and_absent_names_are_made_up(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    trace = trace_from_peaks([150.0], [500.0], [0], rng=rng)
    for name in ("007", "1e5", "NA", "=x", "Müller 12", "-"):
        write_fsa(tmp_path / "a.fsa", trace, sample=name)
        assert read_trace(tmp_path / "a.fsa").sample == name
    write_fsa(tmp_path / "no name.fsa", trace, ("B", "B", "", "Y\n", "LIZ"), sample="")
    read = read_trace(tmp_path / "no name.fsa")
    assert read.sample == "no name"
    assert read.dyes == ("B", "dye 2", "dye 3", "Y", "LIZ")
