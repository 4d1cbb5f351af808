"""Result tables as Arrow tables: the numbers of the tab-separated files, missing values as null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import FloatArray, Table
from mlpa_caller.errors import OutputError, shown
from mlpa_caller.outputs.cells import DEFAULT_DECIMALS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["arrow_table", "rounded"]


def rounded(values: FloatArray, decimals: int) -> FloatArray:
    """Return `values` with the decimals they are written with, so that every file holds the same number."""
    power = 10.0**decimals
    plain = np.abs(values) < 2.0**50 / power
    out = values.copy()
    out[plain] = (np.rint(values[plain] * power) + 0.0) / power
    out[~np.isfinite(values)] = np.nan
    for i in np.flatnonzero(np.isfinite(values) & ~plain).tolist():
        out[i] = float(f"%.{decimals}f" % values[i])  # too large to be rounded exactly as a whole number
    return out


def arrow_table(table: Table) -> pa.Table:
    """Return a result table with the columns of its tab-separated file.

    Parameters
    ----------
    table
        Numbers become doubles and integers, text becomes strings; NaN and empty text become null.

    Raises
    ------
    OutputError
        If a text is no Unicode.
    """
    import pyarrow as pa

    columns = {
        name: _array(values, table.decimals.get(name, DEFAULT_DECIMALS))
        for name, values in table.columns.items()
        if name not in table.json_only
    }
    return pa.table(columns)


def _array(values: NDArray[Any], decimals: int) -> pa.Array:
    import pyarrow as pa

    if values.dtype.kind == "f":
        return pa.array(rounded(values.astype(np.float64), decimals), from_pandas=True)
    if values.dtype.kind in "iu":
        return pa.array(values.astype(np.int64))
    try:
        return pa.array(values, pa.string(), mask=np.asarray(values == "", dtype=np.bool_))
    except UnicodeEncodeError as error:
        raise OutputError(
            f"{shown(error.object)} is no Unicode text", remedy="correct the name in the input files"
        ) from None
