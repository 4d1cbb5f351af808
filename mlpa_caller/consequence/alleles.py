"""Both alleles of one patient together: losses that overlap leave exons with no copy at all.

Dosage tells how many copies of an exon are left, not which losses lie on one allele. Two overlapping losses
lie on two alleles; two that do not overlap may lie on one or on two. Where another pair of losses gives the
same dosage (one inside the other, or crossing), both readings are worked out and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.consequence.exon_text import exon_text
from mlpa_caller.consequence.reading import loss_reading
from mlpa_caller.consequence.somatic import ESTABLISHED, PREDICTED, rules

__all__ = ["Alleles", "Loss", "both_alleles", "copies_lost", "settle"]

BOTH = 2


@dataclass(frozen=True, slots=True)
class Loss:
    """One row of a patient's gene: lost exons (numbers) and how many alleles lost them in the clone."""

    exons: tuple[int, ...]
    copies: int


@dataclass(frozen=True, slots=True)
class Alleles:
    """The reading of both alleles.

    Attributes
    ----------
    consequence
        ``biallelic_null``, ``biallelic_dominant_negative``, ``biallelic_null_dominant_negative`` or
        ``biallelic_uncertain``; empty where no exon is shown to be lost from both alleles.
    evidence
        ``established`` only where both alleles are and no other pair of losses fits.
    sentence
        One clause without a full stop; also where `consequence` is empty and there is something to say.
    """

    consequence: str
    evidence: str
    sentence: str


def copies_lost(losses: Sequence[Loss]) -> dict[int, int]:
    """Return copies lost by exon number."""
    lost: dict[int, int] = {}
    for loss in losses:
        for number in loss.exons:
            lost[number] = lost.get(number, 0) + loss.copies
    return lost


def settle(losses: Sequence[Loss]) -> tuple[Loss, ...]:
    """Return the losses with one meaning of `copies`: alleles that this loss itself took.

    A table may write a nested pair as the outer range with 1 and the inner with 2 (copies missing there);
    the inner loss then took one allele.
    """
    settled = list(losses)
    for i, inner in enumerate(losses):
        outside = [outer for j, outer in enumerate(losses) if j != i and outer.copies == 1
                   and set(inner.exons) < set(outer.exons)]  # fmt: skip
        if inner.copies == BOTH and len(outside) == 1:
            settled[i] = Loss(inner.exons, 1)
    return tuple(settled)


@lru_cache(maxsize=4096)
def both_alleles(losses: tuple[Loss, ...], probed: tuple[int, ...], folder: str) -> Alleles:
    """Return what a patient's losses in one gene mean together.

    Parameters
    ----------
    losses
        As `settle` gives them, in the order of the table.
    probed
        Exons with a probe.
    folder
        The gene's exon model.
    """
    most = max(copies_lost(losses).values(), default=0)
    if most > BOTH:
        return Alleles(
            "", PREDICTED, "the rows of this gene take more copies than two alleles have; check them"
        )
    if most < BOTH:
        if len(losses) < 2:
            return Alleles("", PREDICTED, "")
        return Alleles(
            "",
            PREDICTED,
            f"losses of exons {' and '.join(exon_text(loss.exons) for loss in losses)} are read one by one: "
            "MLPA cannot tell whether they lie on one allele or on two, or in different cells",
        )
    if len(losses) == 1:
        exons = losses[0].exons
        return _pair(exons, exons, probed, folder)
    if len(losses) > BOTH or any(loss.copies == BOTH for loss in losses):
        return Alleles(
            "biallelic_uncertain", PREDICTED,
            "exons are lost from both alleles; how the losses are shared between the alleles is not known",
        )  # fmt: skip
    one, two = losses[0].exons, losses[1].exons
    main = _pair(one, two, probed, folder)
    other = _other_pair(one, two)
    if other is None:
        return main
    second = _pair(*other, probed, folder)
    texts = " and ".join(exon_text(exons) for exons in other)
    also = f"the same dosage fits losses of exons {texts}"
    if second.consequence != main.consequence:
        also += f", then {second.sentence}"
    return Alleles(main.consequence, PREDICTED, f"{main.sentence}; {also}")


def _pair(one: tuple[int, ...], two: tuple[int, ...], probed: tuple[int, ...], folder: str) -> Alleles:
    readings = [loss_reading(exons, probed, folder) for exons in (one, two)]
    classes = sorted(reading.somatic_class for reading in readings)
    entry = next(entry for entry in rules(folder)["both"] if entry["classes"] == classes)
    sure = all(reading.evidence == ESTABLISHED for reading in readings)
    return Alleles(entry["consequence"], ESTABLISHED if sure else PREDICTED, entry["sentence"])


def _other_pair(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the other pair of ranges with the same dosage; None where there is none.

    Two overlapping ranges have four ends; where all four differ, the ends can be paired in two ways.
    """
    a, b, c, d = one[0], one[-1], two[0], two[-1]
    if a == c or b == d or one != tuple(range(a, b + 1)) or two != tuple(range(c, d + 1)):
        return None
    return tuple(range(a, d + 1)), tuple(range(c, b + 1))
