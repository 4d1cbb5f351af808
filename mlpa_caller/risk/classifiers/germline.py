"""Disease class of a germline IKZF1 variant."""

from __future__ import annotations

from mlpa_caller.risk.classifiers.base import Outcome, Settings, Values

__all__ = ["ikaros_germline"]


def ikaros_germline(x: Values, s: Settings) -> Outcome:  # noqa: ARG001
    """The class of the variant found; the catalogue has done the work."""
    found: str = x["germline_ikzf1"]
    return found
