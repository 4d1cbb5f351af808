"""Damaged copies of trace files: structure-aware and byte mutants."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

__all__ = ["byte_mutant", "crafted_directory", "structure_mutant"]

_INTERESTING = (0, 1, 2, 3, 4, 5, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                0xFFFFFFFE, 0x10000, 0x1000000)  # fmt: skip
_FIELDS = ((0, ">4s"), (4, ">I"), (8, ">H"), (10, ">H"), (12, ">I"), (16, ">I"), (20, ">I"))
_NAMES = (
    b"DATA",
    b"DyeN",
    b"Dye#",
    b"OvrI",
    b"OvrV",
    b"OfSc",
    b"Peak",
    b"PEAK",
    b"SpNm",
    b"StdF",
    b"ScPa",
    b"tdir",
)


def byte_mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a copy with one to sixty-four bytes changed, or a part cut off, doubled, zeroed or shuffled."""
    copy = bytearray(data)
    kind = int(rng.integers(0, 8))
    if kind < 4:
        places = rng.integers(0, len(copy), int(rng.integers(1, 65)))
        for place, value in zip(places.tolist(), rng.integers(0, 256, len(places)).tolist()):
            copy[place] = value
    elif kind == 4:
        del copy[int(rng.integers(0, len(copy))) :]
    elif kind == 5:
        start = int(rng.integers(0, len(copy)))
        part = copy[start : start + int(rng.integers(1, 4096))]
        copy[start:start] = part
    elif kind == 6:
        start, size = int(rng.integers(0, len(copy))), int(rng.integers(1, 8192))
        end = min(start + size, len(copy))
        copy[start:end] = bytes(end - start)
    else:
        start = int(rng.integers(0, len(copy)))
        part = np.frombuffer(bytes(copy[start : start + 4096]), dtype=np.uint8)
        copy[start : start + len(part)] = rng.permutation(part).tobytes()
    return bytes(copy)


def structure_mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a copy with one to four fields of the header or of directory entries set to awkward values."""
    copy = bytearray(data)
    count, _, offset = struct.unpack_from(">III", data, 18)
    for _ in range(int(rng.integers(1, 5))):
        row = int(rng.integers(-1, count))
        start = 6 if row < 0 else offset + 28 * row
        place, form = _FIELDS[int(rng.integers(0, len(_FIELDS)))]
        value: bytes | int
        if form == ">4s":
            value = _NAMES[int(rng.integers(0, len(_NAMES)))]
        elif rng.random() < 0.5:
            value = _INTERESTING[int(rng.integers(0, len(_INTERESTING)))]
        elif rng.random() < 0.5:
            value = struct.unpack_from(form, data, start + place)[0] + int(rng.integers(-8, 9))
        else:
            value = int(rng.integers(0, len(data) + 64))
        if isinstance(value, int):
            value %= 1 << (8 * struct.calcsize(form))
        struct.pack_into(form, copy, start + place, value)
    if rng.random() < 0.2:
        return byte_mutant(bytes(copy), rng)
    return bytes(copy)


def crafted_directory(data: bytes) -> Sequence[bytes]:
    """Return the classic traps: element size 0 with 2^31-1 elements, a directory in itself, huge counts."""
    count, _, offset = struct.unpack_from(">III", data, 18)
    traps = []
    for element, elements, size in (
        (0, 2**31 - 1, 0),
        (2, 2**31 - 1, 2**31 - 1),
        (0, 2**31 - 1, 8),
        (2, 2**31 - 1, 8),
    ):
        copy = bytearray(data)
        for row in range(count):
            if data[offset + 28 * row :][:4] == b"DATA":
                struct.pack_into(">HII", copy, offset + 28 * row + 10, element, elements, size)
        traps.append(bytes(copy))
    endless = bytearray(data)
    struct.pack_into(">I", endless, 18, 2**31 - 1)
    circle = bytearray(data)
    struct.pack_into(">I", circle, 26, 6)
    return [*traps, bytes(endless), bytes(circle)]
