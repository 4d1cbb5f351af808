"""Genes and chromosomes: extents, cytobands, names and lengths of contigs, pseudoautosomal regions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.refdata import reference_rows

__all__ = ["Contig", "Gene", "contigs", "genes", "is_diploid", "model_folder"]


@dataclass(frozen=True, slots=True)
class Gene:
    """A gene of the usual panels (GRCh38, positions from 1, both ends included).

    Attributes
    ----------
    name, cytoband, chrom, start, end
        Symbol, band, chromosome and extent.
    exons
        Number of exons of its MANE transcript.
    model
        Folder of its exon model in the reference data; empty for a gene without one.
    """

    name: str
    cytoband: str
    chrom: str
    start: int
    end: int
    exons: int
    model: str


@dataclass(frozen=True, slots=True)
class Contig:
    """A chromosome of one build: ``chr7``, its length and its other names."""

    build: str
    chrom: str
    length: int
    refseq: str
    genbank: str
    refget: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which files know it."""
        return (self.chrom, self.chrom.removeprefix("chr"), self.refseq, self.genbank)


@lru_cache(maxsize=1)
def genes() -> dict[str, Gene]:
    """Return the known genes by symbol."""
    return {
        row["gene"]: Gene(row["gene"], row["cytoband"], row["chrom"], int(row["g38_start"]),
                          int(row["g38_end"]), int(row["exons"]), row["exon_model"])
        for row in reference_rows("genes/genes.csv")
    }  # fmt: skip


def model_folder(gene: str) -> str:
    """Return the folder of the gene's exon model in the reference data, empty where it has none."""
    known = genes().get(gene)
    return "" if known is None else known.model


@lru_cache(maxsize=2)
def contigs(build: str) -> dict[str, Contig]:
    """Return the chromosomes of a build (``GRCh38``, ``GRCh37``) by name, in order."""
    return {
        row["chrom"]: Contig(row["build"], row["chrom"], int(row["length"]), row["refseq"], row["genbank"],
                             row["refget"])
        for row in reference_rows("genes/contigs.csv")
        if row["build"] == build
    }  # fmt: skip


@lru_cache(maxsize=1)
def _pseudoautosomal() -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (row["chrom"], int(row["start"]), int(row["end"]))
        for row in reference_rows("genes/pseudoautosomal.csv")
        if row["build"] == "GRCh38"
    )


def is_diploid(chrom: str, start: int, end: int) -> bool:
    """Return whether a GRCh38 interval has two copies in both sexes: an autosome, or PAR1 on X or Y."""
    if chrom not in ("chrX", "chrY"):
        return True
    return any(chrom == c and a <= start and end <= b for c, a, b in _pseudoautosomal())
