"""``mlpa-caller classify``: risk classes from calls and clinical data."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mlpa_caller.cli.options import Voice, json_option, voice_options
from mlpa_caller.errors import shown

if TYPE_CHECKING:
    from mlpa_caller.datatypes import Table
    from mlpa_caller.risk import ClinicalTable

__all__ = ["command"]

EPILOG = """\b
Example:
  mlpa-caller classify run42/calls.tsv --clinical run42_clinical.csv --out risk.tsv
  mlpa-caller classify run42/calls.tsv --clinical run42_clinical.csv --explain P07

\b
What is not stated stays unknown and is never taken as negative: where a missing input could change the class,
the class is "indeterminate", with the possible classes and the inputs that would decide. For research use only.

\b
Exit codes: 0 done, 2 usage (also: the output exists and --force is not given), 3 an input cannot be used.
"""


@click.command("classify", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("calls", metavar="CALLS.tsv", type=click.Path())
@click.option("--clinical", metavar="CLINICAL.csv", type=click.Path(),
    help="Clinical data (CSV or TSV): sample and clinical columns; without it all of them are unknown.")  # fmt: skip
@click.option("--out", metavar="RISK.tsv", default=None, type=click.Path(),
    help="File for the risk classes; standard output when not given, or for -.")  # fmt: skip
@click.option("--classifier", "classifiers", metavar="ID", multiple=True,
    help="Report this classifier only (may be repeated).")  # fmt: skip
@click.option("--explain", "sample", metavar="SAMPLE",
    help="Print why this sample has its classes: rule, values, what would change them.")  # fmt: skip
@click.option("--fhir", metavar="FILE", type=click.Path(), help="Also write FHIR RiskAssessments (JSON).")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@json_option
@voice_options
def command(
    calls: str,
    clinical: str | None,
    out: str | None,
    classifiers: tuple[str, ...],
    sample: str | None,
    fhir: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Classify the risk of every patient in CALLS.tsv under published rules, each on its own."""
    from mlpa_caller.formats.calls_table import read_calls
    from mlpa_caller.risk import clinical_from_columns, explain, explanation_text, read_clinical

    voice = Voice(quiet=quiet, verbose=verbose)
    options: dict[str, Any] = {"classifiers": classifiers or None}
    with _no_search_for_cycles():
        table = read_calls(calls)
        patients = read_clinical(clinical) if clinical is not None else clinical_from_columns([], {})
    if sample is not None:
        found = explain(sample, table, patients, **options)
    if out is not None or (sample is None and not as_json):
        voice.step("classifying")
        _write_table(table, patients, out or "-", force=force, **options)
    if fhir is not None:
        _write_fhir(table, patients, fhir, force=force, **options)
    if sample is not None:
        if as_json:
            voice.data(found)
        else:
            voice.say(explanation_text(found).rstrip("\n"))
    elif as_json:
        from mlpa_caller.risk import classify, risk_document

        voice.data(risk_document(classify(table, patients, **options)))
    _tell_unmatched(table, patients, voice)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Pause Python's search for reference cycles: a table of a million rows has none, and is searched for long."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _write_table(table: Table, patients: ClinicalTable, out: str, *, force: bool, **options: Any) -> None:
    from mlpa_caller.outputs.atomic import atomic_write

    pieces = _pieces(table, patients, **options)
    if out == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode("utf-8"))
        sys.stdout.buffer.flush()
        return
    with atomic_write(out, force=force) as stream:
        stream.writelines(pieces)


def _pieces(table: Table, patients: ClinicalTable, **options: Any) -> Iterator[str]:
    """Give the text of the risk table, computed in blocks of patients."""
    from mlpa_caller.outputs.tsv import table_lines
    from mlpa_caller.risk import classify_blocks

    for number, block in enumerate(classify_blocks(table, patients, **options)):
        for place, piece in enumerate(table_lines(block)):
            if number == 0 or place > 0:  # the header once
                yield piece


def _write_fhir(table: Table, patients: ClinicalTable, path: str, *, force: bool, **options: Any) -> None:
    import json

    from mlpa_caller.outputs.atomic import atomic_write
    from mlpa_caller.risk import classify, fhir_bundle

    with atomic_write(path, force=force) as stream:
        json.dump(fhir_bundle(classify(table, patients, **options)), stream, ensure_ascii=False, indent=1)
        stream.write("\n")


def _tell_unmatched(table: Table, patients: ClinicalTable, voice: Voice) -> None:
    """Say on standard error which patients stand in one of the two files only."""
    if voice.quiet or not len(patients):
        return
    called, stated = set(table.columns["sample"].tolist()), set(patients.samples)
    for names, where in ((called - stated, "the clinical file"), (stated - called, "the calls")):
        if names:
            first = ", ".join(shown(name) for name in sorted(names)[:3])
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            click.echo(f"not in {where}: {first}{more}; what it would state is unknown", err=True)
