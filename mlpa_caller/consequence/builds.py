"""Which genome build a VCF is written in: by its contigs, else by what its header says, else as told."""

from __future__ import annotations

from functools import lru_cache

from mlpa_caller.consequence.exon_table import BUILDS
from mlpa_caller.consequence.genes import contigs
from mlpa_caller.consequence.vcf_stream import VcfHeader
from mlpa_caller.errors import FormatError, UsageError, shown
from mlpa_caller.refdata import reference_rows

__all__ = ["check_build", "chromosome_names", "covers", "find_build"]


def check_build(build: str) -> str:
    """Return the build of this name, whatever its case.

    Raises
    ------
    UsageError
        If there is no such build.
    """
    for known in BUILDS:
        if build.lower() == known.lower():
            return known
    raise UsageError(f"unknown build {shown(build)}", remedy="use " + " or ".join(BUILDS))


@lru_cache(maxsize=8)
def chromosome_names(chrom: str) -> tuple[str, ...]:
    """Return the names under which files know a chromosome (``7``, ``chr7``, ``NC_000007.14``, ...)."""
    return tuple(dict.fromkeys(name for build in BUILDS for name in contigs(build)[chrom].names))


def covers(header: VcfHeader, chrom: str) -> bool:
    """Return whether the file can hold records of a chromosome: it lists it, or lists no contigs at all."""
    return not header.contigs or any(name in header.contigs for name in chromosome_names(chrom))


def find_build(header: VcfHeader, told: str = "") -> str:
    """Return the build of a VCF.

    Parameters
    ----------
    header
        Its header.
    told
        What the user said; empty when nothing.

    Raises
    ------
    FormatError
        If the header contradicts itself or `told`, or says nothing and nothing was told.
    """
    lengths, texts = _by_contigs(header), _by_text(header)
    said = lengths or texts
    if len(said) > 1:
        raise FormatError("the header names both genome builds: " + ", ".join(sorted(said)),
                          remedy="give a VCF of one build", file=header.source)  # fmt: skip
    if told:
        build = check_build(told)
        if said and build not in said:
            how = "contig lengths" if lengths else "header"
            raise FormatError(f"the build was given as {build}, but its {how} say {said.pop()}",
                              remedy="leave the option out, or give the right build",
                              file=header.source)  # fmt: skip
        return build
    if not said:
        raise FormatError("the header does not tell the genome build", remedy="add --build GRCh37 or GRCh38",
                          file=header.source)  # fmt: skip
    return said.pop()


def _by_contigs(header: VcfHeader) -> set[str]:
    """Return the builds that contig lengths and versioned accessions fit."""
    found: set[str] = set()
    for build in BUILDS:
        by_name = {name: contig for contig in contigs(build).values() for name in contig.names}
        for name, length in header.contigs.items():
            contig = by_name.get(name)
            if contig is not None and (length == contig.length or name in (contig.refseq, contig.genbank)):
                found.add(build)
    return found


@lru_cache(maxsize=1)
def _assembly_texts() -> tuple[tuple[str, str], ...]:
    return tuple((row["build"], row["text"]) for row in reference_rows("genes/assemblies.csv"))


def _by_text(header: VcfHeader) -> set[str]:
    """Return the builds named in the header's reference, assembly and contig lines."""
    lines = " ".join(
        line.lower() for line in header.meta if line.startswith(("reference=", "assembly=", "contig="))
    )
    return {build for build, text in _assembly_texts() if text in lines}
