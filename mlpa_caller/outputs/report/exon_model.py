"""The exons of a gene with an exon model, and the protein domains on them, for the picture of a loss."""

from __future__ import annotations

from functools import lru_cache

from mlpa_caller.consequence.exon_table import DNA_BINDING, Domain, transcript
from mlpa_caller.consequence.exon_text import parse_exons
from mlpa_caller.consequence.genes import model_folder
from mlpa_caller.consequence.somatic import allele_loss

__all__ = ["domains", "exon_labels", "is_binding", "protein_name"]


@lru_cache(maxsize=64)
def exon_labels(gene: str) -> tuple[str, ...]:
    """Return the labels of all exons of `gene` in order; empty for a gene without an exon model."""
    folder = model_folder(gene)
    return tuple(map(str, transcript(folder).numbers)) if folder else ()


@lru_cache(maxsize=64)
def domains(gene: str) -> tuple[Domain, ...]:
    """Return the protein domains of `gene` in order along the protein; empty without an exon model."""
    folder = model_folder(gene)
    return transcript(folder).domains if folder else ()


def is_binding(domain: Domain) -> bool:
    """Return whether a domain is one that binds DNA."""
    return domain.kind == DNA_BINDING


@lru_cache(maxsize=4096)
def protein_name(gene: str, exons: str) -> str:
    """Return the name of the protein that a loss of `exons` leaves, empty where it has none."""
    labels = exon_labels(gene)
    lost = parse_exons(exons, labels) if labels else None
    if not lost:
        return ""
    folder = model_folder(gene)
    numbers = transcript(folder).numbers
    return allele_loss(tuple(numbers[i] for i in lost), folder).product
