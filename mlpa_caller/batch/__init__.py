"""Many runs: found, analysed side by side, and combined; nothing is lost when one fails or all is cut off.

``discover`` finds the runs, ``tables`` takes a signal table of many runs apart, ``work`` analyses one run in a
process of its own, ``executor`` hands the runs to processes here or to a Dask cluster, ``store`` keeps what is
finished, ``combine`` makes one table of all, and ``drive`` is the flow through them.
"""

from __future__ import annotations

from mlpa_caller.batch.drive import BatchSummary, run_batch

__all__ = ["BatchSummary", "run_batch"]
