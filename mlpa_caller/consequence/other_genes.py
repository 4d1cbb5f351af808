"""Genes without an exon model: a consequence is said only where a rule with a source supports it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.consequence.exon_text import parse_exons
from mlpa_caller.consequence.genes import genes
from mlpa_caller.consequence.panel_view import GeneView
from mlpa_caller.consequence.somatic import PREDICTED, UNCERTAIN
from mlpa_caller.refdata import reference_rows

__all__ = ["GeneReading", "gene_reading", "is_whole_gene"]

WHOLE, PARTIAL, ANY = "whole_gene_loss", "partial_loss", "any_loss"
BIALLELIC = {"loss_of_function": "biallelic_null", UNCERTAIN: "biallelic_uncertain"}


@dataclass(frozen=True, slots=True)
class GeneReading:
    """Consequence of one event in a gene without an exon model; `allele` is that of one allele."""

    consequence: str
    allele: str
    evidence: str
    reason: str
    source: str


@lru_cache(maxsize=1)
def _rules() -> dict[tuple[str, str], tuple[str, str, str, str]]:
    return {
        (row["gene"], row["event"]): (row["consequence"], row["evidence"], row["sentence"], row["source"])
        for row in reference_rows("genes/consequence_rules.csv")
    }


def is_whole_gene(gene: str, exons: str, view: GeneView | None) -> bool | None:
    """Return whether `exons` are all the panel tests of the gene; None where that is not known.

    Without the panel, the numbers of all exons of the gene's MANE transcript count as the whole gene.
    """
    if view is not None:
        named = view.units(exons)
        return None if named is None else len(named) == len(view.labels)
    known = genes().get(gene)
    if known is None:
        return None
    named = parse_exons(exons, [str(number) for number in range(1, known.exons + 1)])
    return True if named is not None and len(named) == known.exons else None


def gene_reading(
    gene: str,
    status: str,
    whole: bool | None,
    copies: int | None,
    n_probes: int | None,
    others_whole: bool = True,
) -> GeneReading:
    """Return what an event in a gene without an exon model means.

    Parameters
    ----------
    gene, status
        Symbol; ``loss`` or ``gain``.
    whole
        Whether all that the panel tests of the gene is altered; None where that is not known.
    copies
        Alleles that lost it; None when not known.
    n_probes
        Probes in the event; None when not known.
    others_whole
        Whether the patient's other losses there take the whole gene too.
    """
    if status == "gain":
        reason = "extra copies are present; what they do is not known for this gene"
        return GeneReading(UNCERTAIN, UNCERTAIN, PREDICTED, reason, "")
    rule = _rules().get((gene, ANY))
    if rule is None and whole and n_probes != 1:
        rule = _rules().get((gene, WHOLE))
    if rule is None and whole is False:
        rule = _rules().get((gene, PARTIAL))
    if rule is None:
        return GeneReading(BIALLELIC[UNCERTAIN] if copies == 2 else UNCERTAIN, UNCERTAIN, PREDICTED,
                           _why_uncertain(gene, whole, n_probes), "")  # fmt: skip
    allele, evidence, sentence, source = rule
    consequence = allele
    if copies == 2:
        consequence = BIALLELIC[allele if others_whole else UNCERTAIN]
    return GeneReading(consequence, allele, evidence, sentence, source)


def _why_uncertain(gene: str, whole: bool | None, n_probes: int | None) -> str:
    if (gene, WHOLE) not in _rules():
        return "no rule with a source says what the loss of this gene does"
    if n_probes == 1:
        return "the loss is seen by one probe only; a variant under the probe looks the same, confirm it"
    if whole is None:
        return "whether the whole gene is lost is not known from this table without the panel"
    return "part of the gene is lost; what is left of it is not worked out for this gene"
