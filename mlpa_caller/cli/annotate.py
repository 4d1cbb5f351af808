"""``mlpa-caller annotate``: what calls mean, and the IKZF1 variants of a VCF."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlpa_caller.cli.options import Voice, json_option, voice_options

if TYPE_CHECKING:
    from mlpa_caller.consequence.variant_report import Variants
    from mlpa_caller.datatypes import Table
    from mlpa_caller.panel import Panel

__all__ = ["command"]

EPILOG = """\b
Example:
  mlpa-caller annotate run42/calls.tsv > annotated.tsv
  mlpa-caller annotate run42/calls.tsv --variants exome.vcf.gz --out annotated.tsv --variants-out variants.tsv

\b
Columns filled: consequence (loss_of_function, dominant_negative, uncertain, biallelic_null, ...), evidence, hgvs,
iscn; added: the consequence of each allele, reading frame, zinc fingers, protein and genomic names on both
builds, one sentence and its source. With --variants also the patient's germline and somatic IKZF1 variants.

\b
Exit codes: 0 done, 2 usage (also: a file exists and --force is not given), 3 an input cannot be used.
"""


@click.command("annotate", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("calls", metavar="CALLS.tsv", type=click.Path())
@click.option(
    "--variants",
    metavar="IN.vcf[.gz]",
    type=click.Path(),
    help="VCF, plain or (b)gzipped, GRCh37 or GRCh38, with or without index; samples named as in CALLS.tsv.",
)
@click.option(
    "--build",
    default="",
    metavar="GRCh37|GRCh38",
    help="Genome build of the VCF, where its header does not tell.",
)
@click.option(
    "--variants-sample",
    default="",
    metavar="SAMPLE",
    help="The sample of CALLS.tsv that a VCF of one sample (or of sites) belongs to.",
)
@click.option(
    "--variants-out",
    metavar="FILE",
    type=click.Path(),
    help="Also write every variant found, one row a carrier (TSV).",
)
@click.option(
    "--exon-scheme",
    default="",
    metavar="NAME",
    help="How CALLS.tsv counts the exons of IKZF1, when not as today: mullighan-2008 (its 3-6 is 4-7).",
)
@click.option(
    "--panel",
    metavar="PANEL",
    help="Probe sheet or bundled panel behind the calls: which exons have probes, and where they lie.",
)
@click.option(
    "--samples",
    metavar="SAMPLES",
    type=click.Path(),
    help="Sample sheet with blast_fraction, for the flag possible_germline.",
)
@click.option(
    "--out",
    metavar="FILE",
    default="-",
    type=click.Path(),
    help="File for the annotated calls (TSV, with --json JSON); standard output when not given, or for -.",
)
@click.option(
    "--vcf",
    metavar="FILE.vcf.gz",
    type=click.Path(),
    help="Also write the calls as VCF 4.4, bgzipped, with its index.",
)
@click.option("--fasta", metavar="FASTA", type=click.Path(), help="GRCh38 sequence, for REF in the VCF.")
@click.option(
    "--fhir", metavar="FILE", type=click.Path(), help="Also write FHIR Genomics observations (JSON)."
)
@click.option("--vrs", is_flag=True, help="Add GA4GH VRS identifiers (needs the extra [ga4gh]).")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@json_option
@voice_options
def command(**options: Any) -> None:
    """Add consequence, names and variants to the calls in CALLS.tsv (- for standard input)."""
    from mlpa_caller.consequence.annotate import annotate_calls
    from mlpa_caller.formats.calls_table import read_calls

    _check(options)
    voice = Voice(quiet=options["quiet"], verbose=options["verbose"])
    panel = _panel(options["panel"])
    calls = read_calls(options["calls"], as_text=not options["as_json"])
    voice.step(f"annotating {len(calls)} calls")
    calls = annotate_calls(
        calls, panel, exon_scheme=options["exon_scheme"], blast_fraction=_blasts(options["samples"])
    )
    remarks: list[str] = []
    variants = None
    if options["variants"]:
        from mlpa_caller.consequence.variant_report import add_variants, find_variants

        voice.step(f"reading {options['variants']}")
        variants = find_variants(options["variants"], options["build"], sample=options["variants_sample"])
        calls, remarks = add_variants(calls, variants)
    objects = _vrs(calls, panel) if options["vrs"] else None
    if objects is not None:
        calls = _with_vrs(calls, objects)
    remarks += _write_others(calls, panel, variants, options)
    _write(calls, variants, objects, options)
    if not voice.quiet:
        for remark in remarks:
            click.echo(remark, err=True)


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that have no effect without another one."""
    for name, needed in (("build", "variants"), ("variants_sample", "variants"), ("variants_out", "variants"),
                         ("fasta", "vcf")):  # fmt: skip
        if options[name] and not options[needed]:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --{needed}")
    if options["calls"] == options["variants"] == "-":
        raise click.UsageError("only one of CALLS.tsv and --variants can be standard input")
    if options["vcf"] and not options["vcf"].endswith(".vcf.gz"):
        raise click.UsageError("--vcf names a file that ends in .vcf.gz")


def _panel(name: str | None) -> Panel | None:
    from mlpa_caller.panel import load_panel

    return None if name is None else load_panel(name)


def _blasts(path: str | None) -> dict[str, float] | None:
    """Return the blast fraction by sample; a name that stands in several runs is left unknown."""
    if path is None:
        return None
    from mlpa_caller.samplesheet import load_samples

    sheet = load_samples(path)
    found: dict[str, float] = {}
    for name, fraction in zip(sheet.samples, sheet.blast_fraction.tolist()):
        found[name] = float("nan") if name in found else fraction
    return found


def _vrs(calls: Table, panel: Panel | None) -> list[Mapping[str, Any] | None]:
    from mlpa_caller.consequence.vrs import copy_number_changes

    return copy_number_changes(calls, panel)


def _with_vrs(calls: Table, objects: list[Mapping[str, Any] | None]) -> Table:
    from mlpa_caller.datatypes import Table, text_array

    identifiers = text_array("" if item is None else item["id"] for item in objects)
    return Table({**calls.columns, "vrs": identifiers}, calls.decimals)


def _write_others(
    calls: Table, panel: Panel | None, variants: Variants | None, options: Mapping[str, Any]
) -> list[str]:
    """Write the files beside the main output; return remarks for the user."""
    from mlpa_caller.outputs.atomic import atomic_file, atomic_write
    from mlpa_caller.outputs.fhir_genomics import write_fhir
    from mlpa_caller.outputs.tsv import write_table
    from mlpa_caller.outputs.vcf import INDEX_SUFFIX, write_vcf

    force, remarks = options["force"], []
    if options["variants_out"] and variants is not None:
        with atomic_write(options["variants_out"], force=force) as stream:
            write_table(variants.table, stream)
    if options["fhir"]:
        write_fhir(calls, options["fhir"], panel=panel, force=force)
    if options["vcf"]:
        index = options["vcf"] + INDEX_SUFFIX
        with atomic_file(index, force=force) as index_part, atomic_file(options["vcf"], force=force) as part:
            work = part.with_name("calls.vcf.gz")
            remarks = write_vcf(calls, work, panel=panel, fasta=options["fasta"])
            work.with_name(work.name + INDEX_SUFFIX).rename(index_part)
            work.rename(part)
            Path(index).unlink(missing_ok=True)  # never an old index beside a new file
    return remarks


def _write(
    calls: Table,
    variants: Variants | None,
    objects: list[Mapping[str, Any] | None] | None,
    options: Mapping[str, Any],
) -> None:
    """Write the annotated calls."""
    from mlpa_caller.outputs.atomic import atomic_write
    from mlpa_caller.outputs.tsv import table_lines

    pieces: Iterator[str] = table_lines(calls)
    if options["as_json"]:
        pieces = _json(calls, variants, objects)
    if options["out"] == "-":
        stream = sys.stdout.buffer
        for piece in pieces:
            stream.write(piece.encode("utf-8"))
        stream.flush()
        return
    with atomic_write(options["out"], force=options["force"]) as text:
        text.writelines(pieces)


def _json(
    calls: Table, variants: Variants | None, objects: list[Mapping[str, Any] | None] | None
) -> Iterator[str]:
    """Give the JSON document, one record a line."""
    yield '{"calls": [\n'
    yield from _records(calls, objects)
    yield "\n]"
    if variants is not None:
        yield f', "build": {json.dumps(variants.scan.build)}, "variants": [\n'
        yield from _records(variants.table, None)
        yield "\n]"
    yield "}\n"


def _records(table: Table, objects: list[Mapping[str, Any] | None] | None) -> Iterator[str]:
    """Give the rows as JSON objects separated by commas: a missing number is null."""
    names = list(table.columns)
    rows = zip(*(column.tolist() for column in table.columns.values()))
    for number, row in enumerate(rows):
        record = {name: None if value != value else value for name, value in zip(names, row)}
        if objects is not None:
            record["vrs"] = objects[number]
        yield (",\n" if number else "") + json.dumps(record, allow_nan=False)
