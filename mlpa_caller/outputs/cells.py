"""Numbers and texts of a `Table` as the characters that stand in a file, the same in every format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import FloatArray, Table, TextArray

__all__ = ["DEFAULT_DECIMALS", "float_cells", "table_cells", "text_cells"]

DEFAULT_DECIMALS = 4


def float_cells(values: FloatArray, decimals: int, missing: str) -> list[str]:
    """Return `values` with a fixed number of decimals, without exponent and without negative zero.

    Parameters
    ----------
    values
        ``(n,)``.
    decimals
        Decimal places.
    missing
        What stands for a value that is not finite.
    """
    form, power = f"%.{decimals}f", 10.0**decimals
    cells = np.full(len(values), missing, dtype=object)
    # few values differ once they are rounded: each is put into characters once
    plain = np.abs(values) < 2.0**50 / power
    scaled = np.rint(values[plain] * power) + 0.0  # no negative zero
    distinct, place = np.unique(scaled, return_inverse=True)
    texts = np.array([form % (value / power) for value in distinct.tolist()], dtype=object)
    cells[plain] = texts[place.ravel()] if len(texts) else texts
    for i in np.flatnonzero(np.isfinite(values) & ~plain).tolist():
        cells[i] = form % values[i]
    out: list[str] = cells.tolist()
    return out


def text_cells(values: TextArray, show: Callable[[str], str], known: dict[str, str]) -> list[str]:
    """Return ``show(value)`` for every value, computed once for each distinct one and kept in `known`."""
    items = values.tolist()
    for value in set(items).difference(known):
        known[value] = show(value)
    return [known[value] for value in items]


def table_cells(
    table: Table,
    rows: slice | NDArray[np.int64],
    *,
    show: Callable[[str, str], str],
    missing: str,
    known: dict[str, dict[str, str]],
) -> dict[str, list[str]]:
    """Return the cells of some `rows` of `table`, by column.

    Parameters
    ----------
    table
        The table.
    rows
        Which rows.
    show
        ``show(column, text)`` gives the characters for a text.
    missing
        What stands for a number that is not finite.
    known
        Texts shown already, by column; filled here. Give the same dictionary for each block of a table.
    """
    cells: dict[str, list[str]] = {}
    for name, column in table.columns.items():
        part: NDArray[Any] = column[rows]
        if part.dtype.kind == "f":
            cells[name] = float_cells(part, table.decimals.get(name, DEFAULT_DECIMALS), missing)
        elif part.dtype.kind in "iu":
            cells[name] = list(map(str, part.tolist()))
        else:
            cells[name] = text_cells(part, partial(show, name), known.setdefault(name, {}))
    return cells
