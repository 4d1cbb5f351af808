"""Numbers and texts of a `Table` as the characters that stand in a file, the same in every format.

The cells of a column repeat: each distinct one is put into characters once, with what stands before and behind it
in the file. The rest is copying, which pyarrow does without an object for each cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import Table, TextArray
from mlpa_caller.errors import OutputError

__all__ = [
    "DEFAULT_DECIMALS",
    "Cells",
    "coded_numbers",
    "coded_texts",
    "column_cells",
    "data_of",
    "joined",
    "strings",
    "whole_numbers",
]

DEFAULT_DECIMALS = 4
_SPARE = 1 << 16
"""Whole numbers are looked up in a list while it has at most four times as many places as there are cells,
and this many more."""

Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of one column.

    Attributes
    ----------
    texts
        pyarrow array of the distinct cells.
    codes
        ``(rows,)`` which of them each row holds.
    """

    texts: Any
    codes: Codes

    def of(self, rows: slice | NDArray[np.int64]) -> Any:
        """Return the cells of some rows as a pyarrow array of strings."""
        return self.texts.take(whole_numbers(self.codes[rows]))


def coded_texts(values: TextArray) -> tuple[list[str], Codes]:
    """Return the distinct texts in the order in which they appear, and which of them each row holds."""
    places: dict[str, int] = defaultdict(count().__next__)  # a text not seen before takes the next place
    codes = np.fromiter(map(places.__getitem__, values.tolist()), np.int32, len(values))
    return list(places), codes


def coded_numbers(values: NDArray[Any], decimals: int) -> tuple[list[str], Codes]:
    """Return the distinct numbers in characters, and which of them each row holds (-1: not a finite number).

    Parameters
    ----------
    values
        ``(rows,)`` floating-point numbers, or whole ones, which are written as they are.
    decimals
        Decimal places of floating-point numbers; written without exponent and without negative zero.
    """
    if values.dtype.kind != "f":
        whole, codes = _places(values)
        return [str(value) for value in whole.tolist()], codes
    form, power = f"%.{decimals}f", 10.0**decimals
    # few values differ once they are rounded
    plain = np.abs(values) < 2.0**50 / power
    everywhere = bool(plain.all())
    scaled = np.rint((values if everywhere else values[plain]) * power).astype(np.int64)
    distinct, found = _places(scaled)
    texts = [form % (value / power) for value in distinct.tolist()]
    if everywhere:
        return texts, found
    codes = np.full(len(values), -1, dtype=np.int32)
    codes[plain] = found
    for i in np.flatnonzero(np.isfinite(values) & ~plain).tolist():
        codes[i] = len(texts)
        texts.append(form % values[i])
    return texts, codes


def _places(whole: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    """Return the distinct whole numbers, rising, and the place of each among them."""
    if not len(whole):
        return whole, np.zeros(0, dtype=np.int32)
    low, high = int(whole.min()), int(whole.max())
    if high - low > 4 * len(whole) + _SPARE:
        distinct, place = np.unique(whole, return_inverse=True)
        return distinct, place.ravel().astype(np.int32)
    offset = whole - low
    seen = np.zeros(high - low + 1, dtype=np.bool_)
    seen[offset] = True
    return np.flatnonzero(seen) + low, (np.cumsum(seen, dtype=np.int32) - 1)[offset]


def column_cells(
    table: Table,
    name: str,
    *,
    show: Callable[[str], str],
    missing: str,
    before: str = "",
    behind: str = "",
) -> Cells:
    """Return the cells of the column `name` of `table`.

    Parameters
    ----------
    show
        Gives the characters of a text.
    missing
        What stands for a number that is not finite.
    before, behind
        What stands before and behind each cell.
    """
    values = table.columns[name]
    if values.dtype.kind in "fiu":
        texts, codes = coded_numbers(values, table.decimals.get(name, DEFAULT_DECIMALS))
        texts.append(missing)
        codes = np.where(codes < 0, np.int32(len(texts) - 1), codes)
    else:
        known, codes = coded_texts(values)
        texts = [show(text) for text in known]
    return Cells(strings([f"{before}{text}{behind}" for text in texts]), codes)


def strings(texts: Sequence[str]) -> Any:
    """Return texts as a pyarrow array of strings; `pyarrow.array` would load pandas, which takes 0.2 s."""
    import pyarrow as pa

    pieces = [text.encode() for text in texts]
    bounds = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in pieces], out=bounds[1:])
    if bounds[-1] > np.iinfo(np.int32).max:
        raise OutputError(
            "a column holds more than 2 GB of different texts", remedy="analyse fewer samples at once"
        )
    offsets = pa.py_buffer(bounds.astype(np.int32))
    return pa.StringArray.from_buffers(len(pieces), offsets, pa.py_buffer(b"".join(pieces)))


def whole_numbers(values: NDArray[np.int32]) -> Any:
    """Return whole numbers as a pyarrow array, without loading pandas."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def joined(columns: Sequence[Any], between: str = "") -> Any:
    """Return the texts that stand in one row of `columns` joined, as a pyarrow array of strings."""
    import pyarrow.compute as pc

    if len(columns) == 1:
        return columns[0]
    parts = [strings([part])[0] if isinstance(part, str) else part for part in (*columns, between)]
    return pc.binary_join_element_wise(*parts)


def data_of(texts: Any) -> memoryview:
    """Return the UTF-8 bytes of all `texts` (a pyarrow array of strings without missing ones), one after another."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return memoryview(b"")
    bounds = np.frombuffer(offsets, np.int32, len(texts) + 1, 4 * texts.offset)
    return memoryview(data)[int(bounds[0]) : int(bounds[-1])]
