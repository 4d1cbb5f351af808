"""The catalogue of known IKZF1 variants: exact changes with class, mechanism, phenotype and source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.refdata import reference_rows

__all__ = [
    "CatalogueEntry",
    "DiseaseClass",
    "GermlineDeletion",
    "catalogue",
    "codon_neighbours",
    "disease_classes",
    "germline_deletions",
]

_POSITION = {"GRCh38": "g38_pos", "GRCh37": "g37_pos"}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One exact change.

    Attributes
    ----------
    hgvs_c, hgvs_p
        Names.
    origin
        ``germline`` or ``somatic``: what the change is known for, not what a sample carries.
    consequence
        ``loss_of_function``, ``gain_of_function``, ``uncertain``, ``benign``; for a somatic change
        ``subtype_defining``.
    mechanism
        ``haploinsufficient``, ``dominant_negative``, ``dimerisation_defective``, ``increased_dna_binding``,
        or why it is not known.
    disease_class
        Key of `disease_classes`; empty where none is established.
    phenotype, inheritance
        Text.
    status
        ``verified``, ``reported`` (the change itself was not checked in its paper) or ``unverified``.
    source
        Text.
    """

    hgvs_c: str
    hgvs_p: str
    origin: str
    consequence: str
    mechanism: str
    disease_class: str
    phenotype: str
    inheritance: str
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class GermlineDeletion:
    """An exon loss seen in the germline: phenotype, ``verified`` or ``unverified``, and source."""

    phenotype: str
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class DiseaseClass:
    """A class of germline IKAROS disease: what to expect, and how often carriers fall ill."""

    name: str
    label: str
    phenotype: str
    inheritance: str
    penetrance: str
    source: str


@lru_cache(maxsize=2)
def catalogue(build: str) -> dict[tuple[int, str, str], CatalogueEntry]:
    """Return the entries by position in `build`, reference and new base."""
    return {
        (int(row[_POSITION[build]]), row["ref"], row["alt"]): CatalogueEntry(
            row["hgvs_c"], row["hgvs_p"], row["origin"], row["class"], row["mechanism"], row["disease_class"],
            row["phenotype"], row["inheritance"], row["status"], row["source"],
        )
        for row in reference_rows("ikzf1/variants.csv")
    }  # fmt: skip


@lru_cache(maxsize=1)
def disease_classes() -> dict[str, DiseaseClass]:
    """Return the classes of germline IKAROS disease by name."""
    return {
        row["disease_class"]: DiseaseClass(
            row["disease_class"], row["label"], row["phenotype"], row["inheritance"], row["penetrance"],
            row["source"],
        )
        for row in reference_rows("ikzf1/germline_classes.csv")
    }  # fmt: skip


@lru_cache(maxsize=2)
def germline_deletions(folder: str) -> dict[tuple[int, ...], GermlineDeletion]:
    """Return the exon losses known from the germline, by exon numbers."""
    found = {}
    for row in reference_rows(f"{folder}/germline_deletions.csv"):
        exons = tuple(range(int(row["first_exon"]), int(row["last_exon"]) + 1))
        found[exons] = GermlineDeletion(row["phenotype"], row["status"], row["source"])
    return found


@lru_cache(maxsize=1)
def codon_neighbours() -> dict[int, tuple[str, ...]]:
    """Return the protein names of the catalogue's entries by codon."""
    found: dict[int, list[str]] = {}
    for row in reference_rows("ikzf1/variants.csv"):
        codon = int("".join(sign for sign in row["hgvs_p"] if sign.isdigit()))
        found.setdefault(codon, []).append(row["hgvs_p"])
    return {codon: tuple(names) for codon, names in found.items()}
