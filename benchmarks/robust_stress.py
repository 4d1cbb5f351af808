"""Large inputs made to be slow or greedy: long cells, many columns, many rows, deep nesting, packed bombs.

Fuzzing makes small inputs, which hide work that grows with the square of a length. Each input here is some hundred
kB to two MB; each is read under the same limits (`robust_readers.Judge`).
"""

from __future__ import annotations

import gzip
import io
import json
import struct
from collections.abc import Callable, Iterator

__all__ = ["special_inputs", "stress_inputs"]

LENGTHS = (3_000, 100_000)
"""Signs of a long cell; the csv module refuses fields longer than 131,072."""
FILL = (
    " ",
    "0",
    "9",
    ",",
    ".",
    "-",
    "a",
    "_",
    "é",
    "\u2028",
    "\u00a0",
    "(",
    "%",
    '"',
    "1,",
    "1.",
    "e",
    "\t",
    "<",
    "=",
    ";",
)
TEXT_READERS = ("peaks", "signals", "panel", "samples", "clinical", "patients", "calls", "vcf", "ladder")


def stress_inputs(reader: str, valid: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give names and inputs for one reader, made from its valid ones; nothing for readers of binary files."""
    texts = [data.decode("utf-8") for data in valid if _is_text(data)]
    if reader in TEXT_READERS:
        yield from _cells(texts)
        yield from _many(texts)


def special_inputs(reader: str) -> Iterator[tuple[str, bytes]]:
    """Give names and inputs that fit one reader only; making them takes memory itself."""
    special = _SPECIAL.get(reader)
    if special is not None:
        yield from special()


def _is_text(data: bytes) -> bool:
    return b"\0" not in data and data[:2] != b"\x1f\x8b" and _decodes(data)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cells(texts: list[str]) -> Iterator[tuple[str, bytes]]:
    """Every seed with one cell of the header or of the first row made long."""
    for number, text in enumerate(texts[:4]):
        lines = text.split("\n")
        row = next((i for i, line in enumerate(lines) if line and not line.startswith(("#", "sep="))), 0)
        for at in (0, min(row + 1, len(lines) - 1), row):
            mark = max("\t,;", key=lines[at].count)
            cells = lines[at].split(mark)
            for place in sorted({0, len(cells) // 2, len(cells) - 1}):
                for fill in FILL:
                    for length in LENGTHS:
                        long = (fill * length)[:length]
                        for quoted in (False, True):
                            cell = f'"{long.replace(chr(34), "")},1"' if quoted else long
                            changed = [*cells[:place], cell, *cells[place + 1 :]]
                            whole = "\n".join([*lines[:at], mark.join(changed), *lines[at + 1 :]])
                            yield f"seed {number} line {at} cell {place} {fill!r} x {length}", whole.encode()


def _many(texts: list[str]) -> Iterator[tuple[str, bytes]]:
    """Every seed with its last row, or its header, repeated to a megabyte."""
    for number, text in enumerate(texts[:4]):
        lines = [line for line in text.split("\n") if line]
        last = lines[-1]
        mark = max("\t,;", key=last.count)
        times = max(2, 1_000_000 // (len(last) + 8))
        cells = last.split(mark)
        rows = [mark.join([f"{cells[0]}{i}", *cells[1:]]) for i in range(times)]
        yield f"seed {number} {times} rows", "\n".join([*lines[:-1], *rows, ""]).encode()
        yield f"seed {number} the row {times} times", "\n".join([*lines[:-1], *[last] * times, ""]).encode()
        wide = 4_900
        head = mark.join([lines[0], *[f"c{i}" for i in range(wide)]])
        body = [mark.join([line, *["1"] * wide]) for line in lines[1:20]]
        yield f"seed {number} {wide} more columns", "\n".join([head, *body, ""]).encode()
        yield f"seed {number} a million columns", (lines[0] + mark * 1_000_000 + "\n" + last + "\n").encode()
        yield f"seed {number} blank lines", ("\n" * 1_000_000 + text).encode()
        yield f"seed {number} quotes", (text + '"' + "\n" * 100_000).encode()


def _json() -> Iterator[tuple[str, bytes]]:
    yield "nested lists", b"[" * 500_000
    yield "nested objects", b'{"a":' * 200_000
    yield "a long number", b'{"schema_version": ' + b"9" * 500_000 + b"}"
    yield "a long text", b'{"schema_version": "' + b"\\u0000" * 200_000 + b'"}'
    top = {
        key: {}
        for key in ("tool", "reference_version", "research_use", "run", "parameters", "panel", "samples")
    }
    yield (
        "many keys",
        json.dumps({"schema_version": "2.0", **top, **{str(i): i for i in range(50_000)}}).encode(),
    )


def _packed_vcf() -> Iterator[tuple[str, bytes]]:
    head = b"##fileformat=VCFv4.2\n##contig=<ID=chr7,length=159345973>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    yield (
        "packed: a header without end",
        gzip.compress(b"##fileformat=VCFv4.2\n##" + b"a" * (300 << 20), 9, mtime=0),
    )
    yield (
        "packed: a record without end",
        gzip.compress(head + b"chr7\t50382593\t.\t" + b"A" * (300 << 20), 9, mtime=0),
    )
    yield "packed: header lines", gzip.compress(b"##fileformat=VCFv4.2\n" + b"##x\n" * (50 << 20), 9, mtime=0)
    yield "packed: blank lines", gzip.compress(head + b"\n" * (100 << 20), 9, mtime=0)
    yield (
        "packed: records elsewhere",
        gzip.compress(head + b"chr1\t1\t.\tA\tC\t.\t.\t.\n" * 2_000_000, 9, mtime=0),
    )
    yield "many records there", head + b"chr7\t50382593\t.\tA\tG\t.\t.\t.\n" * 100_000
    yield "packed twice", gzip.compress(gzip.compress(head * 1000, mtime=0), mtime=0)
    yield "a long REF", head + b"chr7\t50382593\t.\t" + b"A" * 1_000_000 + b"\tG\t.\t.\t.\n"
    yield "many ALT", head + b"chr7\t50382593\t.\tA\t" + b"G," * 300_000 + b"G\t.\t.\t.\n"
    samples = b"\t".join(b"S%d" % i for i in range(50_000))
    yield (
        "many samples",
        head[:-1]
        + b"\tFORMAT\t"
        + samples
        + b"\nchr7\t50382593\t.\tA\tG\t.\t.\t.\tGT\t"
        + b"\t".join([b"0/1"] * 50_000)
        + b"\n",
    )


def _packed_parquet() -> Iterator[tuple[str, bytes]]:
    import pyarrow as pa
    from pyarrow import parquet as pq

    def packed(columns: dict[str, pa.Array], **options: object) -> bytes:
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer, compression="zstd", **options)  # type: ignore[arg-type]
        return buffer.getvalue()

    def one(value: str | float, n: int) -> pa.Array:
        return pa.repeat(pa.scalar(value), n)

    yield "packed: rows of one sample", packed({"sample": one("a", 20_000_000), "p": one(1.0, 20_000_000)})
    yield (
        "packed: long",
        packed({"sample": one("a", 5_000_000), "probe": one("p", 5_000_000), "height": one(1.0, 5_000_000)}),
    )
    yield (
        "packed: wide",
        packed({"sample": one("a", 20_000), **{f"p{i}": one(1.0, 20_000) for i in range(500)}}),
    )
    yield "packed: a long name", packed({"sample": one("a" * 1_000_000, 200), "p": one(1.0, 200)})
    yield (
        "many columns",
        packed({"sample": pa.array(["a"]), **{f"p{i}": pa.array([1.0]) for i in range(4_900)}}),
    )
    yield (
        "too many columns",
        packed({"sample": pa.array(["a"]), **{f"p{i}": pa.array([1.0]) for i in range(6_000)}}),
    )


def _crafted_traces() -> Iterator[tuple[str, bytes]]:
    import numpy as np

    from benchmarks.robust_seeds import seeds
    from benchmarks.trace_damage import crafted_directory
    from mlpa_caller.simulate_traces import fsa_bytes

    whole = seeds("trace")[0]
    for number, data in enumerate(crafted_directory(whole)):
        yield f"crafted directory {number}", data
    names = ("A", "B", "C", "D", "E", "ROX")
    scans = np.arange(150_000)
    comb = np.where(scans % 12 == 6, 8_000, 0)
    square = np.where(scans % 40 < 20, 30_000, 0)
    for what, row in (("a comb of peaks", comb), ("a square wave", square), ("flat", np.zeros_like(scans)),
                      ("full scale", np.full_like(scans, 32_767)), ("saw", scans % 3_000)):  # fmt: skip
        yield f"150,000 scans: {what}", fsa_bytes(np.tile(row, (6, 1)), names, sample="x")
        yield f"8,000 scans: {what}", fsa_bytes(np.tile(row[:8_000], (6, 1)), names, sample="x")
    rng = np.random.default_rng(1)
    yield "150,000 scans: noise", fsa_bytes(rng.integers(-30_000, 30_000, (6, 150_000)), names, sample="x")
    copy = bytearray(whole)
    struct.pack_into(">I", copy, 18, 20_000)
    yield "a directory of 20,000 entries", bytes(copy) + bytes(28 * 20_000)


_SPECIAL: dict[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
    "result": _json,
    "vcf": _packed_vcf,
    "parquet": _packed_parquet,
    "trace": _crafted_traces,
}
