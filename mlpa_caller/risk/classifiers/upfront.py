"""Classifiers of first-line treatment: response, clinical features, and IKZF1 with either."""

from __future__ import annotations

from mlpa_caller.risk.classifiers.base import Open, Outcome, Settings, Values
from mlpa_caller.risk.classifiers.copy_number import ikzf1_plus

__all__ = [
    "dcog_all11",
    "mrd_class",
    "ms_2010",
    "nci_rome",
    "sutton_2018",
    "tpog_2013",
    "volejnikova_2013",
    "zheng_2019_ikzf1",
]

DELETED = "deleted"


def mrd_class(x: Values, s: Settings) -> Outcome:
    """Return the highest class that any of the three time points reaches (CCLG-ALL 2008)."""
    for name in ("HR", "IR"):
        if any(x[point] >= cuts[name] for point, cuts in s.cut.items()):
            return name
    return "SR"


def zheng_2019_ikzf1(x: Values, s: Settings) -> Outcome:  # noqa: ARG001
    """Any IKZF1 deletion puts the patient in the high-risk regimen's group (Zheng 2019)."""
    return "HR_regimen" if x["IKZF1"] == DELETED else "by_clinical_risk"


def nci_rome(x: Values, s: Settings) -> Outcome:
    """Age and white cells at diagnosis (NCI/Rome)."""
    young = x["age_years"] < s.cut["age_years"]["older"]
    low = x["wbc_e9_per_l"] < s.cut["wbc_e9_per_l"]["high"]
    return "SR" if young and low else "HR"


def ms_2010(x: Values, s: Settings) -> Outcome:
    """One protocol risk group up where IKZF1 is deleted; the highest stays (Ma-Spore ALL 2010)."""
    groups: list[str] = s.parameters["groups"]
    level: int = groups.index(x["protocol_risk"]) + (1 if x["IKZF1"] == DELETED else 0)
    return groups[min(level, len(groups) - 1)]


def dcog_all11(x: Values, s: Settings) -> Outcome:
    """Medium risk with an IKZF1 deletion (DCOG ALL11)."""
    medium = x["protocol_risk"] == s.parameters["medium_risk"]
    return "selected" if medium and x["IKZF1"] == DELETED else "not_selected"


def volejnikova_2013(x: Values, s: Settings) -> Outcome:
    """IKZF1 deletion with slow early response (Volejnikova 2013)."""
    slow = x["mrd_day15"] >= s.cut["mrd_day15"]["high"]
    return "selected" if slow and x["IKZF1"] == DELETED else "not_selected"


def tpog_2013(x: Values, s: Settings) -> Outcome:
    """IKZF1plus with measurable residual disease on day 15 (TPOG-ALL-2013)."""
    positive = x["mrd_day15"] >= s.cut["mrd_day15"]["positive"]
    return "selected" if positive and ikzf1_plus(x, s) == "IKZF1plus" else "not_selected"


def sutton_2018(x: Values, s: Settings) -> Outcome:
    """Count three factors: microdeletion, residual disease on day 33, NCI high risk (Sutton 2018)."""
    deletion = "intragenic" in x["IKZF1_exons"] or x["p2ry8_crlf2"] == "yes"
    residual = x["mrd_day33"] > s.cut["mrd_day33"]["positive"]
    nci = nci_rome(x, s)
    if isinstance(nci, Open):
        return nci
    count = deletion + residual + (nci == "HR")
    return str(count) if count < 2 else "2+"
