"""The directory of an ABIF file: bounded, lazy access to its tags.

Layout after Applied Biosystems, *Genetic Analysis Data File Format* (2006). The file starts with ``ABIF``, a
version and one directory entry that points to the directory; each entry of 28 bytes gives name, number,
element type, element size, number of elements, size in bytes and offset (or, up to four bytes, the value
itself). All numbers are big-endian. Nothing is decoded before it is asked for; nothing is trusted: every
count, size and offset is compared with the file before it is used.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import BoolArray, IntArray
from mlpa_caller.errors import TraceError, shown

__all__ = ["ENCRYPTED_TYPES", "MAGIC", "Directory", "Entry"]

MAGIC = b"ABIF"
_HEADER = struct.Struct(">4sH4siHHiiii")
_ENTRY_BYTES = 28
_ROOT_TYPE = 1023
_MAX_ENTRIES = 20_000
_ENTRY = np.dtype(
    [("name", "S4"), ("number", ">i4"), ("type", ">u2"), ("element", ">u2"), ("count", ">i4"),
     ("size", ">i4"), ("offset", ">i4"), ("handle", ">i4")]
)  # fmt: skip
_NUMBERS: Mapping[int, str] = {1: "u1", 2: "u1", 3: ">u2", 4: ">i2", 5: ">i4", 7: ">f4", 8: ">f8", 13: "u1"}
_TEXT_TYPES = (2, 18, 19)
ENCRYPTED_TYPES = frozenset((28, 30, 31, 32, 33, 34))
"""Element types that 3500 HID software gives to encrypted values."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the directory: where a tag's value lies and how it is written."""

    tag: str
    type: int
    element: int
    count: int
    size: int
    start: int


class Directory:
    """The tags of one file.

    Parameters
    ----------
    data
        The whole file.
    source
        The file, as the user named it.

    Raises
    ------
    TraceError
        If the file is no ABIF file, or its directory is damaged or points outside the file.
    """

    def __init__(self, data: bytes | memoryview, source: str) -> None:
        self.source = source
        self._data = memoryview(data)
        total = len(self._data)
        if bytes(self._data[:4]) != MAGIC:
            raise TraceError("is no ABIF trace file", file=source,
                             remedy="give the .fsa file that the instrument wrote")  # fmt: skip
        if total < _HEADER.size:
            raise self.damaged("the header is cut off")
        _, self.version, name, _, kind, element, count, size, offset, _ = _HEADER.unpack_from(self._data)
        if name != b"tdir" or kind != _ROOT_TYPE or element != _ENTRY_BYTES:
            raise self.damaged("the header does not point to a directory")
        if not 100 <= self.version < 400:
            raise self.damaged(f"format version {self.version} is not known (100 to 399 are read)")
        if not 0 < count <= _MAX_ENTRIES:
            raise self.damaged(f"the directory claims {count} entries")
        if offset < 0 or size < count * _ENTRY_BYTES or offset + count * _ENTRY_BYTES > total:
            raise self.damaged("the directory lies outside the file, which may be cut off")
        self._index = self._read(count, offset, total)

    def _read(self, count: int, offset: int, total: int) -> dict[tuple[bytes, int], tuple[int, ...]]:
        table = np.frombuffer(self._data, dtype=_ENTRY, count=count, offset=offset)
        size, start = table["size"].astype(np.int64), table["offset"].astype(np.int64)
        outside = (size < 0) | ((size > 4) & ((start < 0) | (start + size > total)))
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise self.damaged(f"tag {_shown_tag(table[row])} lies outside the file, which may be cut off")
        self._refuse_overlap(table["name"] == b"DATA", start, np.where(size > 4, size, 0))
        start = np.where(size <= 4, offset + _ENTRY_BYTES * np.arange(count) + 20, start)
        index: dict[tuple[bytes, int], tuple[int, ...]] = {}
        columns = (table["name"].tolist(), table["number"].tolist(), table["type"].tolist(),
                   table["element"].tolist(), table["count"].tolist(), size.tolist(), start.tolist())  # fmt: skip
        for name, number, *rest in zip(*columns):
            index.setdefault((name, number), tuple(rest))
        return index

    def _refuse_overlap(self, signal: BoolArray, start: IntArray, size: IntArray) -> None:
        """Refuse a file in which a signal shares bytes with another value: one of the two is misplaced."""
        outside = np.flatnonzero(size > 0)
        order = outside[np.argsort(start[outside], kind="stable")]
        first, end, channel = start[order], (start + size)[order], signal[order]
        shared = first[1:] < end[:-1]
        if (shared & (channel[1:] | channel[:-1])).any():
            raise self.damaged("a signal overlaps another value")

    def damaged(self, what: str) -> TraceError:
        """Return the error for a damaged file."""
        return TraceError(f"is a damaged ABIF file: {what}", file=self.source,
                          remedy="copy or export the file from the instrument again")  # fmt: skip

    def entry(self, name: str, number: int = 1) -> Entry | None:
        """Return the directory entry of a tag, or None where the file has no such tag."""
        found = self._index.get((name.encode("ascii"), number))
        return None if found is None else Entry(f"{name} {number}", *found)

    def numbers(self, name: str, number: int = 1) -> NDArray[Any] | None:
        """Return the values of a numeric tag as they lie in the file (big-endian), or None where absent.

        Raises
        ------
        TraceError
            If the tag is not numeric, or its sizes contradict each other.
        """
        entry = self.entry(name, number)
        if entry is None:
            return None
        code = _NUMBERS.get(entry.type)
        if code is None:
            raise self.damaged(f"tag {entry.tag} has element type {entry.type} where numbers are expected")
        width = np.dtype(code).itemsize
        if entry.element != width or entry.count < 0 or entry.count * width > max(entry.size, 0):
            raise self.damaged(
                f"tag {entry.tag} claims {entry.count} elements of {entry.element} bytes in {entry.size} bytes"
            )
        return np.frombuffer(self._data, dtype=code, count=entry.count, offset=entry.start)

    def number(self, name: str, number: int = 1) -> float | None:
        """Return the first value of a numeric tag, or None where it is absent or empty."""
        values = self.numbers(name, number)
        return None if values is None or not len(values) else float(values[0])

    def bytes_of(self, name: str, number: int = 1) -> memoryview | None:
        """Return the bytes of a tag, or None where it is absent."""
        entry = self.entry(name, number)
        return None if entry is None else self._data[entry.start : entry.start + entry.size]

    def text(self, name: str, number: int = 1, limit: int = 400) -> str:
        """Return a text tag without control characters and surrounding blanks.

        Parameters
        ----------
        name, number
            The tag.
        limit
            Largest number of bytes that are read.

        Returns
        -------
        str
            Empty where the file has no such tag, or it is no text.
        """
        entry = self.entry(name, number)
        if entry is None or entry.type not in _TEXT_TYPES:
            return ""
        value = bytes(self._data[entry.start : entry.start + min(entry.size, limit + 1)])
        if entry.type == 18:  # the first byte is the length
            value = value[1 : 1 + value[0]] if value else b""
        value = value.split(b"\0", 1)[0][:limit]
        return _CONTROL.sub("", _decoded(value)).strip()


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _shown_tag(row: Any) -> str:
    return f"{shown(row['name'].decode('latin-1'))} {int(row['number'])}"
