"""The variants of a VCF as a table, one row a carrier, and what they say of each patient in the calls."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpa_caller.consequence.events import call_rows
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.variant_sentences import VariantReading, read_variant
from mlpa_caller.consequence.variants import Carrier, Found, Scan, in_one_codon, scan_vcf
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError, UsageError, shown

__all__ = [
    "CALL_COLUMNS",
    "VARIANT_COLUMNS",
    "Variants",
    "add_variants",
    "find_variants",
    "germline_findings",
]

NOT_ASSESSED, NONE_FOUND = "not_assessed", "none_in_catalogue"
VARIANT_COLUMNS = (
    "sample", "gene", "hgvs_c", "hgvs_p", "hgvs_g38", "hgvs_g37", "build", "chrom", "pos", "ref", "alt",
    "line", "genotype", "zygosity", "origin", "effect", "consequence", "mechanism", "disease_class",
    "evidence", "phenotype", "inheritance", "penetrance", "sentence", "source", "file_annotation", "flags",
)  # fmt: skip
CALL_COLUMNS = (
    "variants", "variant_consequence", "variant_mechanism", "variant_evidence", "ikaros_germline",
    "variant_sentence", "variant_source", "variant_flags",
)  # fmt: skip
"""Columns that `add_variants` adds to the rows of the gene in the calls."""
_SHOWN_NAMES = 10
_SILENT = "not_in_catalogue"
_ABSENCE = (
    "No variant of the catalogue and no change that cuts the protein short is in this VCF. "
    "A VCF does not show which stretches were sequenced."
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variants:
    """The variants of a VCF.

    Attributes
    ----------
    scan
        What was read.
    names
        Sample names, as the calls know them.
    table
        One row a carrier, `VARIANT_COLUMNS`.
    """

    scan: Scan
    names: tuple[str, ...]
    table: Table


def find_variants(
    path: str | os.PathLike[str], build: str = "", *, sample: str = "", folder: str = "ikzf1"
) -> Variants:
    """Return the variants of a VCF in the exons of IKZF1.

    Parameters
    ----------
    path, build, folder
        See `scan_vcf`.
    sample
        The sample a VCF of one sample, or of sites only, belongs to, where it does not carry that name.

    Raises
    ------
    FormatError
        See `scan_vcf`.
    UsageError
        If `sample` is given for a file of several samples.
    """
    scan = scan_vcf(path, build, folder)
    names = scan.samples
    if sample:
        if len(names) > 1:
            raise UsageError(
                f"the VCF has {len(names)} samples, so one name does not do",
                remedy="leave --variants-sample out and name its samples as the calls do",
            )
        names = (sample,)
    gene = transcript(folder).gene
    together = _one_codon(scan.carriers)
    rows = [
        _row(carrier, scan, gene, names, together=(carrier.sample in together), told=bool(sample))
        for carrier in scan.carriers
    ]
    columns: dict[str, Any] = {name: text_array(row[name] for row in rows) for name in VARIANT_COLUMNS}
    for name in ("pos", "line"):
        columns[name] = np.array([row[name] for row in rows], dtype=np.int64)
    return Variants(scan, names, Table(columns))


def _one_codon(carriers: Sequence[Carrier]) -> set[int]:
    """Return the samples that carry two changes of one codon."""
    found: dict[int, list[Found]] = {}
    for carrier in carriers:
        if carrier.copies:
            found.setdefault(carrier.sample, []).append(carrier.found)
    return {sample for sample, changes in found.items() if in_one_codon(changes)}


def _row(
    carrier: Carrier, scan: Scan, gene: str, names: Sequence[str], *, together: bool, told: bool
) -> dict[str, Any]:
    found, record = carrier.found, carrier.found.record
    missing = carrier.missing and not (told and carrier.sample < 0)
    reading: VariantReading = read_variant(found, missing=missing, together=together)
    flags = [*reading.flags]
    if carrier.missing:
        flags.append("genotype_missing")
    if record.filter not in ("PASS", ".", ""):
        flags.append("filter:" + record.filter.replace(";", ","))
    return {
        "sample": names[max(carrier.sample, 0)] if names else "",
        "gene": gene,
        "hgvs_c": found.effect.hgvs_c,
        "hgvs_p": found.effect.hgvs_p,
        "hgvs_g38": found.effect.hgvs_g38,
        "hgvs_g37": found.effect.hgvs_g37,
        "build": scan.build,
        "chrom": record.chrom,
        "pos": record.pos,
        "ref": record.ref,
        "alt": found.alt,
        "line": record.line,
        "genotype": carrier.genotype,
        "zygosity": _zygosity(carrier),
        "origin": found.entry.origin if found.entry else "",
        "effect": found.effect.kind,
        "consequence": reading.consequence,
        "mechanism": reading.mechanism,
        "disease_class": reading.disease_class,
        "evidence": reading.evidence,
        "phenotype": reading.phenotype,
        "inheritance": reading.inheritance,
        "penetrance": reading.penetrance,
        "sentence": reading.sentence,
        "source": reading.source,
        "file_annotation": found.told.text,
        "flags": ";".join(flags),
    }


def _zygosity(carrier: Carrier) -> str:
    if not carrier.copies:
        return ""
    alleles = len(carrier.genotype.lstrip("/|").replace("|", "/").split("/"))
    if alleles == 1:
        return "hemizygous"
    return "homozygous" if carrier.copies == alleles else "heterozygous"


def add_variants(calls: Table, variants: Variants, folder: str = "ikzf1") -> tuple[Table, list[str]]:
    """Return the calls with what the VCF says of each patient, and remarks for the user.

    Parameters
    ----------
    calls
        Calls; their rows of the gene get `CALL_COLUMNS`. ``ikaros_germline`` is ``loss_of_function``,
        ``dominant_negative_n159``, ``gain_of_function`` (several joined by ``;``), ``none_in_catalogue`` for
        a sample of the VCF without one, and ``not_assessed`` for any other.
    variants
        As `find_variants` gives them.

    Raises
    ------
    InputError
        If no sample of the VCF is in the calls.
    """
    gene = transcript(folder).gene
    rows = call_rows(calls)
    in_calls = dict.fromkeys(row.sample for row in rows if row.gene == gene)
    shared = [name for name in variants.names if name in in_calls]
    if not shared:
        raise InputError(
            f"no sample of the VCF is in the calls: the VCF has {_some(variants.names)}, "
            f"the calls with {gene} have {_some(list(in_calls))}",
            remedy="name the samples alike, or name the one sample of the VCF with --variants-sample",
            file=variants.scan.source,
        )
    of_sample = _by_sample(variants, shared)
    empty = dict.fromkeys(CALL_COLUMNS, "")
    blank = {**empty, "ikaros_germline": NOT_ASSESSED}
    found = [of_sample.get(row.sample, blank) if row.gene == gene else empty for row in rows]
    columns = dict(calls.columns)
    columns.update({name: text_array(item[name] for item in found) for name in CALL_COLUMNS})
    remarks = []
    strangers = [name for name in variants.names if name not in in_calls]
    if strangers:
        remarks.append(f"not in the calls, so left out of them: VCF samples {_some(strangers)}")
    absent = [name for name in in_calls if name not in set(variants.names)]
    if absent:
        remarks.append(f"not in the VCF, so germline not assessed: {_some(absent)}")
    if not variants.scan.covered:
        remarks.append("the VCF lists its contigs, and the gene's chromosome is not among them: not assessed")
    return Table(columns, calls.decimals), remarks


def germline_findings(calls: Table) -> dict[str, tuple[str, ...]]:
    """Return the germline disease classes by sample, from calls that `add_variants` completed.

    A sample whose germline was looked at without a finding has an empty tuple; one that was not assessed is
    absent.
    """
    classes = calls.columns.get("ikaros_germline")
    found: dict[str, tuple[str, ...]] = {}
    for sample, text in zip(calls.columns["sample"].tolist(), [] if classes is None else classes.tolist()):
        if text and text != NOT_ASSESSED:
            found[sample] = tuple(item for item in text.split(";") if item != NONE_FOUND)
    return found


def _by_sample(variants: Variants, samples: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in samples}
    names = list(variants.table.columns)
    for cells in zip(*(column.tolist() for column in variants.table.columns.values())):
        row = dict(zip(names, cells))
        if row["sample"] in found:
            found[row["sample"]].append(row)
    return {name: _summary(rows, covered=variants.scan.covered) for name, rows in found.items()}


def _summary(rows: Sequence[Mapping[str, Any]], *, covered: bool) -> dict[str, str]:
    """Return the cells of one patient."""
    told = [row for row in rows if row["consequence"] != _SILENT]
    classes = list(dict.fromkeys(row["disease_class"] for row in rows if row["disease_class"]))
    open_question = any(row["consequence"] == NOT_ASSESSED for row in rows)
    if not classes:
        classes = [NOT_ASSESSED if open_question or not covered else NONE_FOUND]
    sentences = [row["sentence"] for row in told]
    if not told and covered:
        sentences = [_ABSENCE]
    return {
        "variants": "; ".join(f"{row['hgvs_c']} {row['hgvs_p']}" for row in rows),
        "variant_consequence": "; ".join(row["consequence"] for row in rows),
        "variant_mechanism": "; ".join(row["mechanism"] for row in rows if row["mechanism"]),
        "variant_evidence": "; ".join(row["evidence"] or "none" for row in rows),
        "ikaros_germline": ";".join(classes),
        "variant_sentence": " ".join(sentences),
        "variant_source": "; ".join(dict.fromkeys(row["source"] for row in told if row["source"])),
        "variant_flags": ";".join(dict.fromkeys(f for row in rows for f in row["flags"].split(";") if f)),
    }


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(shown(name, 40) for name in names[:_SHOWN_NAMES])
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return (listed or "none") + more
