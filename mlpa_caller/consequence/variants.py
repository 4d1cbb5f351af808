"""Variants of a VCF in the exons of IKZF1: matched with the catalogue by the exact change, else worked out.

Only the exact change counts: neighbouring residues have opposite effects. A change that is in no list and
does not cut the protein short is ``not_in_catalogue``, which says nothing about its harm.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlpa_caller.consequence.builds import chromosome_names, covers, find_build
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.germline import CatalogueEntry, catalogue
from mlpa_caller.consequence.small_change import trimmed
from mlpa_caller.consequence.truncating import Effect, effect_of, reference_mismatch, windows
from mlpa_caller.consequence.vcf_annotations import AnnotationReader, Told
from mlpa_caller.consequence.vcf_stream import VcfRecord, open_vcf
from mlpa_caller.errors import FormatError, shown

__all__ = ["Carrier", "Found", "Scan", "in_one_codon", "scan_vcf"]

_BASES = re.compile(r"[ACGT]+")
_MOST_ALTS = 1_000
_SEPARATORS = re.compile(r"[/|]")


@dataclass(frozen=True, slots=True)
class Found:
    """One allele of a record in the listed stretches of the gene.

    Attributes
    ----------
    record, alt
        The record and the allele.
    entry
        Its entry in the catalogue; None when there is none.
    effect
        What was worked out.
    told
        What the file's own annotation says.
    """

    record: VcfRecord
    alt: str
    entry: CatalogueEntry | None
    effect: Effect
    told: Told


@dataclass(frozen=True, slots=True)
class Carrier:
    """A sample at one `Found` allele: genotype as written, copies of the allele, and whether it is missing.

    `sample` is an index into the samples of the file, -1 in a file without samples.
    """

    found: Found
    sample: int
    genotype: str
    copies: int
    missing: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What a VCF holds about the gene.

    Attributes
    ----------
    source, build
        The file and its genome build.
    samples
        Its samples, in order; empty for a file of sites.
    covered
        False where the file lists its contigs and the gene's chromosome is not among them.
    n_records, n_on_chromosome
        Records in all, and on the gene's chromosome.
    carriers
        Carriers, and samples whose genotype is missing, in file order.
    """

    source: str
    build: str
    samples: tuple[str, ...]
    covered: bool
    n_records: int
    n_on_chromosome: int
    carriers: tuple[Carrier, ...]


def scan_vcf(path: str | os.PathLike[str], build: str = "", folder: str = "ikzf1") -> Scan:
    """Return the carriers of variants in the exons of a gene.

    Parameters
    ----------
    path
        VCF, plain or (b)gzipped; an index is neither needed nor used.
    build
        ``GRCh37`` or ``GRCh38``; needed only where the header does not tell.
    folder
        The gene's exon model in the reference data.

    Raises
    ------
    FormatError
        If the file is damaged or no VCF, its build cannot be told or is contradicted, or its reference bases
        are not those of the build.
    UsageError
        If the build is not known.
    """
    model = transcript(folder)
    with open_vcf(path) as stream:
        header = stream.header
        found_build = find_build(header, build)
        reader = AnnotationReader(header.meta, model)
        carriers: list[Carrier] = []
        names = chromosome_names(model.chrom)
        for record in stream.records(names, windows(folder, found_build)):
            _check_reference(record, folder, found_build, header.source)
            alleles = list(_alleles(record, folder, found_build, reader, header.source))
            genotypes = _genotypes(record, header.source) if alleles else None
            for number, found in alleles:
                carriers += _carriers(found, number, genotypes)
        return Scan(
            header.source,
            found_build,
            header.samples,
            covers(header, model.chrom),
            stream.n_records,
            stream.n_on_chromosome,
            tuple(carriers),
        )


def _check_reference(record: VcfRecord, folder: str, build: str, source: str) -> None:
    wrong = reference_mismatch(folder, build, record.pos, record.ref)
    if wrong is not None:
        position, base = wrong
        raise FormatError(
            f"REF {shown(record.ref, 20)} does not fit {build}: position {position} of chromosome "
            f"{shown(record.chrom)} is {base}",
            remedy="check the genome build of the file (--build) and the record",
            file=source,
            line=record.line,
        )


def _alleles(
    record: VcfRecord, folder: str, build: str, reader: AnnotationReader, source: str
) -> Iterator[tuple[int, Found]]:  # fmt: skip
    """Give number and reading of each allele of bases that changes something in the listed stretches."""
    listed = windows(folder, build)
    if len(record.alts) > _MOST_ALTS:
        raise FormatError(f"the record has {len(record.alts)} alternative alleles, more than are read",
                          remedy="split it, for instance with bcftools norm -m -", file=source,
                          line=record.line)  # fmt: skip
    if not _BASES.fullmatch(record.ref.replace("N", "A")):
        return
    for number, alt in enumerate(record.alts, start=1):
        if not _BASES.fullmatch(alt) or alt == record.ref:
            continue  # symbolic, missing, overlapped or unreadable alleles name no exact change
        change = trimmed(record.pos, record.ref, alt)
        reach = max(change.start, change.end)
        if not any(change.start <= high and reach >= low for low, high in listed):
            continue
        key = (change.start, change.old, change.new)
        effect = effect_of(change, build, folder, record.pos, record.ref)
        told = reader.told(record.info, record.ref, record.alts, alt)
        yield number, Found(record, alt, catalogue(build).get(key), effect, told)


@dataclass(frozen=True, slots=True)
class _Genotypes:
    """The genotypes of a record as written; samples and copies by allele number; samples that lack an allele."""

    texts: tuple[str, ...]
    copies: dict[int, dict[int, int]]
    missing: tuple[int, ...]


def _genotypes(record: VcfRecord, source: str) -> _Genotypes | None:
    """Return the genotypes of all samples; None for a record of a file without samples."""
    if not record.genotypes:
        return None
    place = record.format.index("GT") if "GT" in record.format else -1
    texts, missing = [], []
    copies: dict[int, dict[int, int]] = {}
    for sample, cell in enumerate(record.genotypes):
        cells = cell.split(":")
        texts.append(cells[place] if 0 <= place < len(cells) else "")
        alleles = _numbers(texts[-1], len(record.alts), record.line, source)
        for number in alleles:
            if number:
                of_allele = copies.setdefault(number, {})
                of_allele[sample] = of_allele.get(sample, 0) + 1
        if not alleles or None in alleles:
            missing.append(sample)
    return _Genotypes(tuple(texts), copies, tuple(missing))


def _carriers(found: Found, number: int, genotypes: _Genotypes | None) -> Iterator[Carrier]:
    if genotypes is None:
        yield Carrier(found, -1, "", 0, True)
        return
    notable = found.entry is not None or found.effect.truncating  # else a missing genotype is no news
    carrying = genotypes.copies.get(number, {})
    samples = sorted({*carrying, *genotypes.missing}) if notable else carrying
    for sample in samples:
        copies = carrying.get(sample, 0)
        yield Carrier(found, sample, genotypes.texts[sample], copies, not copies)


def _numbers(genotype: str, n_alts: int, line: int, source: str) -> list[int | None]:
    """Return the allele numbers of a genotype, None for a missing one; nothing where there is no genotype."""
    if not genotype or genotype == ".":
        return []
    found: list[int | None] = []
    for part in _SEPARATORS.split(genotype.lstrip("/|")):
        if part == ".":
            found.append(None)
        elif part.isascii() and part.isdigit() and len(part) < 7 and int(part) <= n_alts:
            found.append(int(part))
        else:
            raise FormatError(
                f"genotype {shown(genotype)} does not fit the record's {n_alts} alternative alleles",
                remedy="write the file again with a VCF tool",
                file=source,
                line=line,
            )
    return found


def in_one_codon(one: Sequence[Found]) -> bool:
    """Return whether two of the changes touch the same codon."""
    spans = sorted(found.effect.codons for found in one if found.effect.codons[0])
    return any(second[0] <= first[1] for first, second in pairwise(spans))
