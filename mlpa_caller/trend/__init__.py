"""Quality over many runs, so that a drifting lot or instrument is seen.

``figures`` takes one value a run and figure from the combined tables of a batch, ``rules`` compares them with
their own past (Levey-Jennings limits, Westgard rules), ``charts`` draws them and ``report`` writes all of it.
"""

from __future__ import annotations

from mlpa_caller.trend.report import Trend, find_trend, write_trend

__all__ = ["Trend", "find_trend", "write_trend"]
