"""The values of an input that can make a difference.

A number is reduced to where it lies: on a cut point, or between two. So a few values stand for all, and the
engine can try every completion of what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GENE", "KINDS", "ZYGOSITY", "DomainValue", "domain_of"]

GENE = ("not_deleted", "deleted")
ZYGOSITY = ("not_deleted", "heterozygous", "homozygous")
KINDS = ("gene", "zygosity", "exon_ranges", "number", "choice", "germline")


@dataclass(frozen=True, slots=True)
class DomainValue:
    """One value that stands for all that make the same difference.

    Attributes
    ----------
    label
        In words, after the input's name: ``>= 0.01 and < 0.1``, ``is yes``, ``is deleted``.
    value
        What the classifier is given.
    """

    label: str
    value: Any


def domain_of(
    kind: str, *, cuts: Mapping[str, float], values: Sequence[str], categories: Sequence[str]
) -> tuple[DomainValue, ...]:
    """Return the domain of an input.

    Parameters
    ----------
    kind
        One of `KINDS`.
    cuts
        Cut points of a number, by name.
    values
        Words of a choice or of a germline finding.
    categories
        Categories of exon ranges; every set of them is a value, the empty one first.
    """
    if kind == "number":
        return _number_domain(sorted(set(cuts.values())))
    if kind == "exon_ranges":
        sets = [
            frozenset(name for i, name in enumerate(categories) if bits >> i & 1)
            for bits in range(2 ** len(categories))
        ]
        return tuple(
            DomainValue("is " + ("+".join(sorted(names)) if names else "not deleted"), names)
            for names in sets
        )
    words = {"gene": GENE, "zygosity": ZYGOSITY}.get(kind, tuple(values))
    return tuple(DomainValue(f"is {word.replace('_', ' ')}", word) for word in words)


def _number_domain(cuts: list[float]) -> tuple[DomainValue, ...]:
    if not cuts:
        return (DomainValue("is any number", 0.0),)
    out = [DomainValue(f"< {cuts[0]:g}", cuts[0] / 2 if cuts[0] > 0 else cuts[0] - 1)]
    for low, high in zip(cuts, [*cuts[1:], None]):
        out.append(DomainValue(f"= {low:g}", low))
        if high is None:
            out.append(DomainValue(f"> {low:g}", low * 1.2 if low > 0 else low + 1))
        else:
            out.append(DomainValue(f"> {low:g} and < {high:g}", (low + high) / 2))
    return tuple(out)
