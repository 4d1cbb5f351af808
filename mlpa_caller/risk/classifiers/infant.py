"""Classifiers of infants (under one year of age)."""

from __future__ import annotations

from mlpa_caller.risk.classifiers.base import Outcome, Settings, Values

__all__ = ["interfant_06", "lee_2011_infant", "mll_10"]

REARRANGED = "rearranged"


def lee_2011_infant(x: Values, s: Settings) -> Outcome:
    """Any one of: young age, high white cells, KMT2A rearranged; a duplication does not count (Lee 2011)."""
    young = x["age_years"] < s.cut["age_years"]["young"]
    many = x["wbc_e9_per_l"] >= s.cut["wbc_e9_per_l"]["high"]
    return "high" if young or many or x["kmt2a"] == REARRANGED else "not_high"


def interfant_06(x: Values, s: Settings) -> Outcome:
    """KMT2A first; among the rearranged, young age with high white cells or poor response (Interfant-06)."""
    if x["kmt2a"] != REARRANGED:
        return "LR"
    young = x["age_years"] < s.cut["age_years"]["young"]
    many = x["wbc_e9_per_l"] >= s.cut["wbc_e9_per_l"]["high"]
    return "HR" if young and (many or x["prednisone_response"] == "poor") else "MR"


def mll_10(x: Values, s: Settings) -> Outcome:
    """KMT2A first; among the rearranged, young age or central nervous system disease (MLL-10)."""
    if x["kmt2a"] != REARRANGED:
        return "LR"
    young = x["age_years"] < s.cut["age_years"]["young"]
    return "HR" if young or x["cns"] == "positive" else "IR"
