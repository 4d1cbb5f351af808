"""Classifiers of the deleted genes alone."""

from __future__ import annotations

from mlpa_caller.risk.classifiers.base import Open, Outcome, Settings, Values

__all__ = ["boer_2016", "ikzf1_plus", "is_deleted", "ukall_cna", "ukall_cna_two_tier"]

GONE = ("deleted", "heterozygous", "homozygous")


def is_deleted(value: object) -> bool:
    """Return whether a gene's value says that a copy or both are lost."""
    return value in GONE


def ukall_cna(x: Values, s: Settings) -> Outcome:
    """Profile of eight genes in three tiers (UKALL-CNA, Moorman 2014, Hamadeh 2019)."""
    deleted = {gene for gene in s.parameters["genes"] if is_deleted(x[gene])}
    if deleted in [set(profile) for profile in s.parameters["good_profiles"]]:
        return "good"
    return "poor" if deleted & set(s.parameters["poor_genes"]) else "intermediate"


def ukall_cna_two_tier(x: Values, s: Settings) -> Outcome:
    """Profile of eight genes in two tiers: the good profiles, and every other one."""
    deleted = {gene for gene in s.parameters["genes"] if is_deleted(x[gene])}
    return "good" if deleted in [set(profile) for profile in s.parameters["good_profiles"]] else "poor"


def ikzf1_plus(x: Values, s: Settings) -> Outcome:
    """IKZF1 deletion with a deletion of a partner gene, and without one that excludes it (Stanulla 2018).

    A gene named in ``homozygous_only`` counts as partner only when both copies are lost.
    """
    if not is_deleted(x["IKZF1"]):
        return "not_deleted"
    homozygous_only = s.parameters["homozygous_only"]
    partner = any(
        x[gene] == "homozygous" if gene in homozygous_only else is_deleted(x[gene])
        for gene in s.parameters["partners"]
    )
    excluded = any(is_deleted(x[gene]) for gene in s.parameters["excluded_by"])
    return "IKZF1plus" if partner and not excluded else "IKZF1del"


def boer_2016(x: Values, s: Settings) -> Outcome:
    """Type of the IKZF1 deletion by its exon range (Boer 2016)."""
    types: frozenset[str] = x["IKZF1_exons"]
    if not types:
        return "not_deleted"
    if len(types) == 1:
        return next(iter(types))
    order: list[str] = s.parameters["order"]
    return Open(
        tuple(sorted(types, key=order.index)),
        "two deletions of different types, which the publication does not rank",
    )
