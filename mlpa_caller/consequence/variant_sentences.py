"""What one variant means, in a word and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.germline import CatalogueEntry, codon_neighbours, disease_classes
from mlpa_caller.consequence.truncating import Effect
from mlpa_caller.consequence.variants import Found
from mlpa_caller.consequence.vcf_annotations import disagreement

__all__ = ["VariantReading", "read_variant"]

LOSS, NOT_IN_CATALOGUE, NOT_ASSESSED = "loss_of_function", "not_in_catalogue", "not_assessed"
_HEAD = {
    "start_lost": "the start codon is lost",
    "stop_gained": "a new stop codon",
    "frameshift": "a frameshift",
    "essential_splice": "an essential splice site is lost",
    "exon_deletion": "whole exons are lost",
}
_ORIGIN = (
    "Whether it is inherited in this person must be shown in a sample without leukaemia cells."
)  # fmt: skip
_EVIDENCE = {"verified": "established", "reported": "reported", "unverified": "unverified"}
_STATUS = {
    "verified": "",
    "reported": " (reported; the exact change was not checked in the original paper)",
    "unverified": " (unverified: from a source that was not checked)",
}


@dataclass(frozen=True, slots=True)
class VariantReading:
    """What a variant means; the germline vocabulary is kept apart from the classes of somatic losses.

    `consequence` is ``loss_of_function``, ``gain_of_function``, ``uncertain``, ``benign``,
    ``subtype_defining``, ``not_in_catalogue`` or, where the genotype is missing, ``not_assessed``.
    """

    consequence: str
    mechanism: str
    disease_class: str
    evidence: str
    phenotype: str
    inheritance: str
    penetrance: str
    sentence: str
    source: str
    flags: tuple[str, ...]


def read_variant(found: Found, *, missing: bool, together: bool) -> VariantReading:
    """Return what an allele means for a sample.

    Parameters
    ----------
    found
        The allele.
    missing
        The sample's genotype is missing.
    together
        The sample carries another change of the same codon.
    """
    effect, entry = found.effect, found.entry
    flags = []
    notes = []
    if effect.unverified and entry is None:
        flags.append("unverified_reference_bases")
        notes.append("The result rests on bases of the coding sequence that were not read from a source.")
    contradiction = disagreement(effect, found.told)
    if contradiction:
        flags.append("annotation_disagrees")
        notes.append(f"{contradiction[0].upper()}{contradiction[1:]}.")
    if not found.told.readable:
        flags.append("annotation_unreadable")
    if together:
        flags.append("same_codon")
        notes.append("Another change in the same codon is present: if both lie on one allele, the residue "
                     "is a third one and neither entry applies.")  # fmt: skip
    if missing:
        what = f"{_name(effect)} is listed in the file, but the genotype of this sample is missing."
        return VariantReading(NOT_ASSESSED, "", "", "", "", "", "", _join(what, notes), "", tuple(flags))
    if entry is not None:
        return _known(effect, entry, notes, tuple(flags))
    if effect.truncating:
        return _cut_short(effect, notes, tuple(flags))
    return _unknown(effect, notes, tuple(flags))


def _known(effect: Effect, entry: CatalogueEntry, notes: list[str], flags: tuple[str, ...]) -> VariantReading:
    known = disease_classes().get(entry.disease_class)
    words = entry.consequence.replace("_", " ")
    how = f", {entry.mechanism.replace('_', ' ')}" if known is not None else ""
    text = f"{_name(effect)} is a catalogued {entry.origin} variant: {words}{how}{_STATUS[entry.status]}"
    if entry.phenotype:
        text += f"; {entry.phenotype}"
    text += "."
    if known is not None:
        text += f" Penetrance is {known.penetrance}. {_ORIGIN}"
    return VariantReading(
        entry.consequence,
        entry.mechanism,
        entry.disease_class,
        _EVIDENCE[entry.status] if entry.consequence != "uncertain" else "",
        entry.phenotype,
        entry.inheritance,
        known.penetrance if known is not None else "",
        _join(text, notes),
        "; ".join(filter(None, (entry.source, known.source if known is not None else ""))),
        flags,
    )


def _cut_short(effect: Effect, notes: list[str], flags: tuple[str, ...]) -> VariantReading:
    known = disease_classes()[LOSS]
    note = f" ({effect.note})" if effect.note else ""
    text = (
        f"{_name(effect)}: {_HEAD[effect.kind]}{note}, so this allele is predicted to make no normal IKAROS "
        f"(loss of function). It is not in the catalogue. If germline: {known.phenotype}. "
        f"Penetrance is {known.penetrance}. {_ORIGIN}"
    )
    source = (
        f"worked out from the exon table and coding sequence of {transcript('ikzf1').name}; {known.source}"
    )
    return VariantReading(LOSS, "haploinsufficient", LOSS, "predicted", known.phenotype, known.inheritance,
                          known.penetrance, _join(text, notes), source, flags)  # fmt: skip


def _unknown(effect: Effect, notes: list[str], flags: tuple[str, ...]) -> VariantReading:
    text = f"{_name(effect)} ({effect.kind.replace('_', ' ')}) is not in the catalogue"
    if effect.note:
        text += f"; {effect.note}"
    text += ". That does not mean that it is harmless."
    first, last = effect.codons
    near = [name for codon in range(first, last + 1) for name in codon_neighbours().get(codon, ())]
    if first and near:
        text += f" The catalogue holds other changes of this residue: {', '.join(near)}."
    return VariantReading(NOT_IN_CATALOGUE, "", "", "", "", "", "", _join(text, notes), "", flags)


def _name(effect: Effect) -> str:
    return f"{effect.hgvs_c} {effect.hgvs_p}"


def _join(text: str, notes: list[str]) -> str:
    return " ".join((text, *notes))
