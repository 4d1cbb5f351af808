"""What a somatic loss of exons does to one allele, from the exon table and the rules in the reference data.

Nothing is looked up by range: coding bases, reading frame, domains and protein follow from the exon table for
any set of exons. Which ranges were seen to act as predicted stands beside the rules, with its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlpa_caller.consequence.exon_table import DNA_BINDING, Transcript, load_toml, transcript
from mlpa_caller.consequence.exon_text import exon_text, runs
from mlpa_caller.consequence.protein import protein_change, translate
from mlpa_caller.errors import MlpaError

__all__ = ["ESTABLISHED", "PREDICTED", "UNCERTAIN", "AlleleLoss", "allele_loss", "class_word", "rules"]

ESTABLISHED = "established"
PREDICTED = "predicted"
UNCERTAIN = "uncertain"
_WHOLE_PROTEIN_LOST, _UNKNOWN_PROTEIN = "p.0?", "p.?"


@dataclass(frozen=True, slots=True)
class AlleleLoss:
    """What the loss of some exons leaves of one allele.

    Attributes
    ----------
    exons
        Numbers of the lost exons, ascending.
    coding_lost
        Coding bases lost.
    frame
        ``non-coding``, ``in-frame``, ``frameshift``, ``start lost`` or ``stop lost``.
    domains_lost, domains_kept
        Domains of the reference protein whose exon is lost, and the others.
    somatic_class
        ``null`` (loss of function, haploinsufficient), ``dominant_negative`` or ``uncertain``.
    evidence
        ``established`` or ``predicted``.
    product
        Name of the shortened protein where it has one (``IK6``).
    hgvs_p
        Predicted protein change.
    protein_length
        Residues of the predicted protein; None where there is none or it is not known.
    sentence, source
        The reason in plain words, and where the rule comes from.
    """

    exons: tuple[int, ...]
    coding_lost: int
    frame: str
    domains_lost: tuple[str, ...]
    domains_kept: tuple[str, ...]
    somatic_class: str
    evidence: str
    product: str
    hgvs_p: str
    protein_length: int | None
    sentence: str
    source: str


@lru_cache(maxsize=8)
def rules(folder: str) -> dict[str, Any]:
    """Return the consequence rules of a gene with an exon model."""
    return load_toml(f"{folder}/consequence_rules.toml")


def class_word(somatic_class: str, folder: str) -> str:
    """Return what ``calls.tsv`` says for a somatic class (``loss_of_function`` for ``null``)."""
    word: str = rules(folder)["words"][somatic_class]
    return word


@lru_cache(maxsize=512)
def allele_loss(exons: tuple[int, ...], folder: str = "ikzf1") -> AlleleLoss:
    """Return what the loss of `exons` from one allele does; the exons need not be contiguous.

    Parameters
    ----------
    exons
        Exon numbers, ascending, at least one.
    folder
        The gene's exon model in the reference data.

    Raises
    ------
    MlpaError
        If an exon is not in the table, or no rule covers the loss.
    """
    model = transcript(folder)
    if not exons or any(number not in model.numbers for number in exons):
        raise MlpaError(f"{model.gene} has no exons {exon_text(exons) or '(none)'}",
                        remedy=f"give numbers from 1 to {len(model.exons)}")  # fmt: skip
    coding_lost = sum(model.exon(number).coding_length for number in exons)
    frame = _frame(model, exons, coding_lost)
    lost = [domain for domain in model.domains if domain.exon in exons]
    kept = [domain for domain in model.domains if domain.exon not in exons]
    facts = {
        "whole_gene": len(exons) == len(model.exons),
        "first_exon_lost": model.numbers[0] in exons,
        "start_lost": frame == "start lost",
        "stop_lost": frame == "stop lost",
        "frame": frame,
        "dna_binding_kept": sum(domain.kind == DNA_BINDING for domain in kept),
        "dimerisation_kept": all(domain.kind == DNA_BINDING for domain in lost),
    }
    rule = next((rule for rule in rules(folder)["rule"] if _holds(rule["when"], facts)), None)
    if rule is None:
        raise MlpaError(f"no consequence rule covers the loss of {model.gene} exons {exon_text(exons)}",
                        remedy="install mlpa-caller again from its wheel")  # fmt: skip
    seen = _established(exons, folder)
    hgvs_p, length = _protein(model, exons, frame)
    return AlleleLoss(
        exons,
        coding_lost,
        frame,
        tuple(domain.name for domain in lost),
        tuple(domain.name for domain in kept),
        rule["class"],
        PREDICTED if seen is None else ESTABLISHED,
        "" if seen is None else seen["product"],
        hgvs_p,
        length,
        rule["sentence"],
        rule["source"] if seen is None else f"{seen['source']}; {rule['source']}",
    )


def _frame(model: Transcript, exons: Sequence[int], coding_lost: int) -> str:
    """Return what the loss does to the reading frame; the start codon counts before the stop codon."""
    coding = [exon.number for exon in model.exons if exon.coding is not None]
    if not coding_lost:
        return "non-coding"
    if coding[0] in exons:
        return "start lost"
    if coding[-1] in exons:
        return "stop lost"
    return "in-frame" if coding_lost % 3 == 0 else "frameshift"


def _holds(when: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    for name, value in when.items():
        if name.endswith("_min"):
            holds = facts[name.removesuffix("_min")] >= value
        elif name.endswith("_max"):
            holds = facts[name.removesuffix("_max")] <= value
        else:
            holds = facts[name] == value
        if not holds:
            return False
    return True


def _established(exons: tuple[int, ...], folder: str) -> Mapping[str, Any] | None:
    for entry in rules(folder)["established"]:
        first, last = entry["exons"]
        if exons == tuple(range(first, last + 1)):
            found: Mapping[str, Any] = entry
            return found
    return None


def _protein(model: Transcript, exons: Sequence[int], frame: str) -> tuple[str, int | None]:
    if frame == "start lost":
        return _WHOLE_PROTEIN_LOST, None
    if frame != "in-frame" or len(runs(exons)) > 1:  # apart on one allele or on two: not known
        return _UNKNOWN_PROTEIN, None
    left = "".join(
        model.coding[exon.coding[0] - 1 : exon.coding[1]]
        for exon in model.exons
        if exon.coding is not None and exon.number not in exons
    )
    normal, changed = translate(model.coding), translate(left)
    if len(changed) * 3 != len(left):  # a stop codon at a new junction
        return _UNKNOWN_PROTEIN, None
    return protein_change(normal, changed), len(changed) - 1
