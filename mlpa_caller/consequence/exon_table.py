"""A gene's exons in both genome builds, its protein domains and its coding sequence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlpa_caller.errors import MlpaError
from mlpa_caller.refdata import reference_path, reference_rows

__all__ = ["BUILDS", "DNA_BINDING", "Domain", "Exon", "Transcript", "load_toml", "transcript"]

BUILDS = ("GRCh38", "GRCh37")
DNA_BINDING = "dna_binding"


@dataclass(frozen=True, slots=True)
class Exon:
    """One exon; positions count from 1 and both ends belong to the exon.

    Attributes
    ----------
    number
        From 1, the non-coding first exon included.
    start, end
        Position on the chromosome by build.
    c_start, c_end
        First and last base in coding-DNA numbering as HGVS writes it (``-221``, ``41``, ``*4474``).
    coding
        First and last coding base (``c.`` number); None for an exon without coding sequence.
    """

    number: int
    start: Mapping[str, int]
    end: Mapping[str, int]
    c_start: str
    c_end: str
    coding: tuple[int, int] | None

    @property
    def coding_length(self) -> int:
        """Number of coding bases."""
        return 0 if self.coding is None else self.coding[1] - self.coding[0] + 1


@dataclass(frozen=True, slots=True)
class Domain:
    """A protein domain, the exon that encodes it, and its kind (``dna_binding``, ``dimerisation``)."""

    name: str
    exon: int
    kind: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The reference transcript of a gene on the plus strand.

    Attributes
    ----------
    gene, protein_name, name, protein, chrom
        Symbol, name of the protein, RefSeq accessions of transcript and protein, chromosome (``chr7``).
    other_names
        Accessions of the same transcript elsewhere, without version.
    exons
        In order; ``exons[0]`` is exon 1.
    domains
        In order along the protein.
    coding
        Coding sequence from start to stop codon.
    unverified
        ``c.`` numbers of bases that were not read from a source.
    essential_splice, listed_flank
        Bases of an intron without which splicing fails; bases beside an exon where variants are still listed.
    source
        Where the model comes from.
    """

    gene: str
    protein_name: str
    name: str
    protein: str
    chrom: str
    other_names: tuple[str, ...]
    exons: tuple[Exon, ...]
    domains: tuple[Domain, ...]
    coding: str
    unverified: frozenset[int]
    essential_splice: int
    listed_flank: int
    source: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """Exon numbers, in order."""
        return tuple(exon.number for exon in self.exons)

    def exon(self, number: int) -> Exon:
        """Return the exon of this number."""
        return self.exons[number - 1]

    def position(self, c: int, build: str) -> int:
        """Return the chromosome position of coding base `c` in `build`.

        Each exon has its own offset: the builds differ by more than one constant.

        Raises
        ------
        MlpaError
            If `c` is no coding base.
        """
        for exon in self.exons:
            if exon.coding is not None and exon.coding[0] <= c <= exon.coding[1]:
                # a coding exon starts coding at its first base, but for the one with the start codon,
                # whose coding part ends with the exon; the one with the stop codon starts with it
                if exon.c_end == str(exon.coding[1]):
                    return exon.end[build] - (exon.coding[1] - c)
                return exon.start[build] + (c - exon.coding[0])
        raise MlpaError(f"c.{c} is no coding base of {self.name}", remedy=f"give 1 to {len(self.coding)}")

    def coding_span(self, number: int, build: str) -> tuple[int, int] | None:
        """Return first and last chromosome position of the coding part of an exon; None without one."""
        coding = self.exon(number).coding
        return None if coding is None else (self.position(coding[0], build), self.position(coding[1], build))


def load_toml(name: str) -> dict[str, Any]:
    """Return the content of a reference TOML file."""
    with open(reference_path(name), "rb") as stream:
        return tomllib.load(stream)


@lru_cache(maxsize=8)
def transcript(folder: str) -> Transcript:
    """Return the exon model in ``reference/<folder>`` (for instance ``"ikzf1"``).

    Raises
    ------
    MlpaError
        If the reference data is incomplete or contradicts itself.
    """
    about = load_toml(f"{folder}/gene.toml")
    exons = tuple(_exon(row) for row in reference_rows(f"{folder}/exons.csv"))
    domains = tuple(
        Domain(row["domain"], int(row["exon"]), row["kind"])
        for row in reference_rows(f"{folder}/domains.csv")
    )
    pieces = reference_rows(f"{folder}/cds.csv")
    coding = "".join(row["sequence"] for row in pieces)
    unverified = {
        c
        for row in pieces
        if row["verified"] != "yes"
        for c in range(int(row["c_start"]), int(row["c_end"]) + 1)
    }
    model = Transcript(
        about["gene"], about["protein_name"], about["transcript"], about["protein"], about["chrom"],
        tuple(about["other_transcripts"]), exons, domains, coding, frozenset(unverified),
        about["splice"]["essential"], about["splice"]["listed"], about["source"],
    )  # fmt: skip
    expected = 1
    for row in pieces:
        if int(row["c_start"]) != expected or int(row["c_end"]) != expected + len(row["sequence"]) - 1:
            raise _broken(folder, f"coding sequence at c.{row['c_start']}")
        expected += len(row["sequence"])
    lengths = sum(exon.coding_length for exon in exons)
    if about["strand"] != "+" or not len(coding) == lengths == about["cds_length"]:
        raise _broken(folder, "length of the coding sequence or strand")
    if [exon.number for exon in exons] != list(range(1, len(exons) + 1)):
        raise _broken(folder, "exon numbers")
    return model


def _exon(row: Mapping[str, str]) -> Exon:
    return Exon(
        int(row["exon"]),
        {"GRCh38": int(row["g38_start"]), "GRCh37": int(row["g37_start"])},
        {"GRCh38": int(row["g38_end"]), "GRCh37": int(row["g37_end"])},
        row["c_start"],
        row["c_end"],
        (int(row["coding_start"]), int(row["coding_end"])) if row["coding_start"] else None,
    )


def _broken(folder: str, what: str) -> MlpaError:
    return MlpaError(
        f"reference data {folder} contradicts itself: {what}",
        remedy="install mlpa-caller again from its wheel",
    )
