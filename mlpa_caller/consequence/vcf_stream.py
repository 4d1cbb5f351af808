"""A VCF read as a stream: the header, and the few records that lie in given windows of one chromosome.

Whole files pass at the speed of decompression: blocks of bytes are searched with NumPy, and only records that
overlap a window become Python objects. Every line is checked for its number of columns on the way. An index
is not used, because one that does not belong to the file would hide records.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.consequence.vcf_source import VcfSource, open_source
from mlpa_caller.datatypes import BoolArray, IntArray
from mlpa_caller.errors import FormatError, shown

__all__ = ["FIXED_COLUMNS", "VcfHeader", "VcfRecord", "VcfStream", "open_vcf"]

FIXED_COLUMNS = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_BLOCK = 1 << 24
_LONGEST_LINE = 1 << 28
_MOST_SAMPLES = 1_000_000
_MOST_HEADER_LINES = 100_000
_MOST_BLANK = 1_000
"""Blank lines that a block of records may hold."""
_TAB, _NEWLINE, _RETURN = 9, 10, 13
_MAX_DIGITS = 10


@dataclass(frozen=True, slots=True)
class VcfHeader:
    """The header of a VCF.

    Attributes
    ----------
    source
        The file, as the user named it.
    contigs
        Length by contig name; 0 where the header gives none.
    meta
        The header's ``##`` lines, without the ``##``.
    samples
        Sample names in order; empty for a file of sites.
    n_columns
        Columns of every record.
    """

    source: str
    contigs: Mapping[str, int]
    meta: tuple[str, ...]
    samples: tuple[str, ...]
    n_columns: int


@dataclass(frozen=True, slots=True)
class VcfRecord:
    """One record, its fields as text; `line` counts from 1 in the file."""

    line: int
    chrom: str
    pos: int
    ref: str
    alts: tuple[str, ...]
    filter: str
    info: str
    format: tuple[str, ...]
    genotypes: tuple[str, ...]


@contextmanager
def open_vcf(path: str | os.PathLike[str]) -> Iterator[VcfStream]:
    """Open a VCF: plain text or (b)gzipped, recognised by content; ``-`` is standard input.

    Raises
    ------
    FormatError
        If the file is absent, unreadable or no VCF.
    """
    with open_source(path) as source:
        yield VcfStream(source)


class VcfStream:
    """The header, at once, and then the records, once."""

    def __init__(self, source: VcfSource) -> None:
        self._bytes = source
        self._source = source.name
        self._rest = b""
        self._lines_before = 0
        self.header = self._read_header()
        source.allow_samples(len(self.header.samples))
        self.n_records = 0
        """Records read so far."""
        self.n_on_chromosome = 0
        """Records read so far on the chromosome asked for."""

    def _read_header(self) -> VcfHeader:
        meta: list[str] = []
        number = 0
        for line in self._header_lines():
            number += 1
            text = self._text(line, number)
            if number == 1 and not text.startswith("##fileformat=VCF"):
                raise self._no_vcf(line)
            if text.startswith("##"):
                if number > _MOST_HEADER_LINES:
                    raise FormatError(f"has more than {_MOST_HEADER_LINES} header lines",
                                      remedy="leave out those that only list what was done", file=self._source,
                                      line=number)  # fmt: skip
                meta.append(text[2:])
                continue
            self._lines_before = number
            names = self._columns(text, number)
            samples, contigs = tuple(names[9:]), _contigs(meta)
            return VcfHeader(self._source, contigs, tuple(meta), samples, len(names))
        if number == 0:
            raise FormatError("is empty", remedy="give a VCF", file=self._source)
        raise FormatError("has no line #CHROM", remedy="the file may be cut off; write it again",
                          file=self._source, line=number)  # fmt: skip

    def _header_lines(self) -> Iterator[bytes]:
        """Give lines, without their ends, until the header is over; keep what was read beyond."""
        buffer, at, size = b"", 0, 0
        while True:
            block = self._bytes.read(_BLOCK)
            buffer = (buffer + block).removeprefix(b"\xef\xbb\xbf") if not size else buffer[at:] + block
            at, size = 0, size + len(block)
            while (end := buffer.find(b"\n", at)) >= 0:
                line, at = buffer[at:end], end + 1
                if not line.startswith(b"##"):
                    self._rest = buffer[at:]
                    yield line.removesuffix(b"\r")
                    return
                yield line.removesuffix(b"\r")
            if not block:
                if at < len(buffer):
                    yield buffer[at:].removesuffix(b"\r")
                return
            if size > _LONGEST_LINE + _BLOCK:
                raise self._too_long(0)

    def _columns(self, line: str, number: int) -> list[str]:
        names = line.removeprefix("#").split("\t")
        if (
            not line.startswith("#")
            or tuple(names[:8]) != FIXED_COLUMNS
            or (len(names) > 8 and names[8] != "FORMAT")
        ):
            raise FormatError(
                f"the header ends with {shown(line)} instead of #CHROM and its columns, separated by tabs",
                remedy="write the file again with a VCF tool", file=self._source, line=number,
            )  # fmt: skip
        samples = tuple(names[9:])
        if len(samples) > _MOST_SAMPLES:
            raise FormatError(f"has more than {_MOST_SAMPLES} samples", remedy="split the file",
                              file=self._source, line=number)  # fmt: skip
        seen: set[str] = set()
        for name in samples:
            if not name or name in seen:
                what = f"sample {shown(name)} stands twice" if name else "a sample has no name"
                raise FormatError(what, remedy="give every sample its own name", file=self._source,
                                  line=number)  # fmt: skip
            seen.add(name)
        return names

    def records(
        self, chromosome: Sequence[str], windows: Sequence[tuple[int, int]]
    ) -> Iterator[VcfRecord]:  # fmt: skip
        """Give the records on a chromosome whose REF overlaps a window, in file order.

        Parameters
        ----------
        chromosome
            Names under which the file may know the chromosome.
        windows
            First and last position of each window, both included.
        """
        names = [name.encode() for name in chromosome]
        rest = self._rest
        self._rest = b""
        while True:
            block = self._bytes.read(_BLOCK)
            if block:
                cut = block.rfind(b"\n") + 1
                if not cut:
                    rest += block
                    if len(rest) > _LONGEST_LINE:
                        raise self._too_long(self._lines_before + 1)
                    continue
                data, rest = rest + block[:cut], block[cut:]
            else:
                data = rest if rest.endswith(b"\n") or not rest else rest + b"\n"
                rest = b""
            if data:
                yield from self._block(data, names, windows)
            if not block:
                return

    def _block(
        self, data: bytes, names: Sequence[bytes], windows: Sequence[tuple[int, int]]
    ) -> Iterator[VcfRecord]:
        signs = np.frombuffer(data, dtype=np.uint8)
        newline = signs == _NEWLINE
        if np.count_nonzero(newline) > len(data) // self._shortest + _MOST_BLANK:
            self._refuse_short(data)
        ends = np.flatnonzero(newline)
        starts = np.concatenate([[0], ends[:-1] + 1])
        tabs = np.flatnonzero(signs == _TAB)
        first_tab = np.searchsorted(tabs, starts)
        counts = np.diff(np.append(first_tab, len(tabs)))
        lines_before = self._lines_before
        self._check_columns(counts, starts, ends, signs)
        self._lines_before += len(ends)
        on = np.flatnonzero(_starts_with(signs, starts, ends, names) & (counts >= 4))
        self.n_records += int((counts > 0).sum())
        self.n_on_chromosome += len(on)
        if not len(on):
            return
        at = first_tab[on]
        position = self._positions(signs, tabs[at] + 1, tabs[at + 1], lines_before + on)
        last = position + (tabs[at + 3] - tabs[at + 2] - 1) - 1
        hit: BoolArray = np.zeros(len(on), dtype=np.bool_)
        for low, high in windows:
            hit |= (position <= high) & (last >= low)
        for i in np.flatnonzero(hit).tolist():
            row = int(on[i])
            line = data[int(starts[row]) : int(ends[row])]
            yield self._record(line, lines_before + row + 1)

    @property
    def _shortest(self) -> int:
        """Bytes of the shortest record: a sign and a tab or the line's end for each column."""
        return 2 * self.header.n_columns

    def _refuse_short(self, data: bytes) -> None:
        """Refuse lines so short that many must be blank, before they are taken apart all at once."""
        n_columns, blank = self.header.n_columns, 0
        for number, line in enumerate(io.BytesIO(data), start=self._lines_before + 1):
            if line.strip():
                if line.count(b"\t") != n_columns - 1:
                    raise self._wrong_columns(line.count(b"\t") + 1, number)
            elif (blank := blank + 1) > _MOST_BLANK:
                raise FormatError(f"has more than {_MOST_BLANK} blank lines", remedy="leave them out",
                                  file=self._source, line=number)  # fmt: skip

    def _wrong_columns(self, found: int, line: int) -> FormatError:
        return FormatError(
            f"the record has {found} columns where the header has {self.header.n_columns}",
            remedy="the file may be cut off or edited; write it again",
            file=self._source,
            line=line,
        )

    def _check_columns(
        self, counts: IntArray, starts: IntArray, ends: IntArray, signs: NDArray[np.uint8]
    ) -> None:
        n_columns = self.header.n_columns
        wrong = counts != n_columns - 1
        for row in np.flatnonzero(wrong).tolist():
            body = bytes(signs[starts[row] : ends[row]])
            if body.strip():
                raise self._wrong_columns(int(counts[row]) + 1, self._lines_before + row + 1)

    def _positions(
        self, signs: NDArray[np.uint8], start: IntArray, end: IntArray, lines: IntArray
    ) -> IntArray:
        """Return the numbers written from `start` to before `end`."""
        length = end - start
        value = np.zeros(len(start), dtype=np.int64)
        wrong = (length < 1) | (length > _MAX_DIGITS)
        for i in range(min(int(length.max()), _MAX_DIGITS)):
            inside = length > i
            digit = signs[np.minimum(start + i, len(signs) - 1)].astype(np.int64) - ord("0")
            wrong |= inside & ((digit < 0) | (digit > 9))
            value = np.where(inside, value * 10 + digit, value)
        for i in np.flatnonzero(wrong)[:1].tolist():
            text = bytes(signs[start[i] : end[i]]).decode("utf-8", "replace")
            raise FormatError(f"POS is {shown(text)}, not a position", remedy="write the file again",
                              file=self._source, line=int(lines[i]) + 1)  # fmt: skip
        return value

    def _record(self, line: bytes, number: int) -> VcfRecord:
        fields = self._text(line.removesuffix(b"\r"), number).split("\t")
        return VcfRecord(
            number,
            fields[0],
            int(fields[1]),
            fields[3].upper(),
            tuple(fields[4].upper().split(",")),
            fields[6],
            fields[7],
            tuple(fields[8].split(":")) if len(fields) > 8 else (),
            tuple(fields[9:]),
        )

    def _text(self, line: bytes, number: int) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            if number == 1:
                raise self._no_vcf(line) from None
            raise FormatError("is not UTF-8 text", remedy="write the file again as UTF-8", file=self._source,
                              line=number) from None  # fmt: skip

    def _no_vcf(self, line: bytes) -> FormatError:
        remedy = "give a VCF, as text or compressed with bgzip"
        if line.startswith(b"BCF"):
            return FormatError("is a BCF", remedy="convert it with bcftools view -Oz", file=self._source)
        return FormatError("is no VCF: it does not start with ##fileformat=VCF", remedy=remedy,
                           file=self._source, line=1)  # fmt: skip

    def _too_long(self, line: int) -> FormatError:
        return FormatError(
            f"has a {'line' if line else 'header'} longer than {_LONGEST_LINE >> 20} MiB",
            remedy="give a VCF",
            file=self._source,
            line=line or None,
        )


def _starts_with(
    signs: NDArray[np.uint8], starts: IntArray, ends: IntArray, names: Sequence[bytes]
) -> BoolArray:  # fmt: skip
    """Return, for each line, whether its first field is one of `names`."""
    found: BoolArray = np.zeros(len(starts), dtype=np.bool_)
    for name in names:
        rows = np.flatnonzero(ends - starts > len(name))
        for i, sign in enumerate(name + b"\t"):
            rows = rows[signs[starts[rows] + i] == sign]
            if not len(rows):
                break
        found[rows] = True
    return found


_CONTIG = re.compile(r"contig=<(.*)>\s*$")


def _contigs(meta: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in meta:
        match = _CONTIG.match(line)
        if match is None:
            continue
        fields = dict(part.split("=", 1) for part in match[1].split(",") if "=" in part)
        name, length = fields.get("ID", ""), fields.get("length", "")
        if name:
            found[name] = int(length) if length.isascii() and length.isdigit() and len(length) < 12 else 0
    return found
