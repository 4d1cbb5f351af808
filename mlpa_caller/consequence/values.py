"""Numbers of a table of calls, whether its columns hold numbers or text."""

from __future__ import annotations

import numpy as np

from mlpa_caller.datatypes import FloatArray, Table

__all__ = ["column_numbers"]


def column_numbers(table: Table, name: str) -> FloatArray:
    """Return a column as numbers; NaN where the column is absent, or a text is no number."""
    column = table.columns.get(name)
    if column is None:
        return np.full(len(table), np.nan)
    if column.dtype.kind != "O":
        return np.asarray(column, dtype=np.float64)
    known: dict[object, float] = {}
    texts = column.tolist()
    for text in set(texts):
        known[text] = _number(text)
    return np.array([known[text] for text in texts], dtype=np.float64)


def _number(text: object) -> float:
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
