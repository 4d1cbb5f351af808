"""Figures and names that binning takes from the reference data."""

from __future__ import annotations

from functools import lru_cache

from mlpa_caller.refdata import reference_rows

__all__ = ["canonical_dye", "figure"]


@lru_cache(maxsize=1)
def _figures() -> dict[str, float]:
    return {row["parameter"]: float(row["value"]) for row in reference_rows("binning/parameters.csv")}


def figure(name: str) -> float:
    """Return one figure of ``reference/binning/parameters.csv``, where its unit and source stand."""
    return _figures()[name]


@lru_cache(maxsize=1)
def _dyes() -> dict[str, str]:
    return {row["alias"].lower(): row["dye"] for row in reference_rows("binning/dyes.csv")}


@lru_cache(maxsize=256)
def canonical_dye(name: str) -> str:
    """Return the channel code of a dye (``6-FAM`` and ``Blue`` are ``B``); an unknown name stays as it is."""
    text = name.strip()
    return _dyes().get(text.lower(), text)
