"""Classifiers of relapse: time, site, strategic group, marrow blasts, relapse after transplantation."""

from __future__ import annotations

from mlpa_caller.risk.classifiers.base import NOT_APPLICABLE, Open, Outcome, Settings, Values

__all__ = [
    "bfm_relapse_time",
    "blasts",
    "post_transplant_relapse",
    "relapse_grid",
    "vavilova_2023_site",
    "vavilova_2023_time",
]

FROM_DIAGNOSIS = "months_diagnosis_to_relapse"
FROM_THERAPY_END = "months_therapy_end_to_relapse"


def bfm_relapse_time(x: Values, s: Settings) -> str:
    """Very early counts from diagnosis, early and late from the end of therapy (BFM)."""
    if x[FROM_DIAGNOSIS] < s.cut[FROM_DIAGNOSIS]["early"]:
        return "very_early"
    return "early" if x[FROM_THERAPY_END] < s.cut[FROM_THERAPY_END]["late"] else "late"


def vavilova_2023_time(x: Values, s: Settings) -> Outcome:
    """Very early and early count from diagnosis, late from the end of therapy: a gap and an overlap."""
    months, cuts = x[FROM_DIAGNOSIS], s.cut[FROM_DIAGNOSIS]
    late = x[FROM_THERAPY_END] > s.cut[FROM_THERAPY_END]["late"]
    if months < cuts["early"]:
        by_diagnosis = "very_early"
    elif months <= cuts["early_end"]:
        by_diagnosis = "early"
    else:
        by_diagnosis = ""
    if late and by_diagnosis:
        return Open(("late", by_diagnosis), f"the printed definitions of late and {by_diagnosis} both hold")
    if not late and not by_diagnosis:
        return Open(("late", "early"), "no printed definition holds: past the early interval, not yet late")
    return by_diagnosis or "late"


def relapse_grid(x: Values, s: Settings) -> Outcome:
    """Group by lineage, time class and site, as the rule's table gives it (BFM S groups, IntReALL)."""
    group: str = s.parameters["grid"][x["lineage"]][bfm_relapse_time(x, s)][x["relapse_site"]]
    return group


def vavilova_2023_site(x: Values, s: Settings) -> Outcome:
    """Site of relapse from marrow blasts and proven extramedullary disease (Vavilova 2023)."""
    part, cuts = x["bm_blasts_at_relapse"], s.cut["bm_blasts_at_relapse"]
    if x["extramedullary_disease"] == "yes":
        return "combined" if part > cuts["combined"] else "extramedullary"
    if part >= cuts["isolated"]:
        return "bone_marrow"
    return Open(
        ("bone_marrow", NOT_APPLICABLE),
        "no printed definition of a relapse holds: no extramedullary disease and too few marrow blasts",
    )


def blasts(x: Values, s: Settings) -> Outcome:
    """Marrow blasts before the course, below or at and above the cut point (Vavilova 2023)."""
    name = "bm_blasts_before_treatment"
    return "below" if x[name] < s.cut[name]["high"] else "at_or_above"


def post_transplant_relapse(x: Values, s: Settings) -> Outcome:
    """Relapse up to and at the cut point counts as early (Lu Daopei 2021)."""
    name = "months_hsct_to_relapse"
    return "within_6_months" if x[name] <= s.cut[name]["early"] else "after_6_months"
