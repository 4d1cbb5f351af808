"""``mlpa-caller call``: one run, from exports or traces to calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from mlpa_caller.cli.options import (
    Voice,
    fail_on_qc_option,
    force_option,
    json_option,
    out_option,
    panel_option,
    samples_option,
    voice_options,
)

if TYPE_CHECKING:
    from mlpa_caller.result import Result

__all__ = ["command", "refuse_failed", "report", "words"]

EPILOG = """\b
Example:
  mlpa-caller call run42_peaks.txt --panel my_mix.csv --samples run42_samples.csv --out run42

\b
The folder run42 then holds
  calls.tsv       loss, gain or normal for every patient and gene, with exon range, probability,
                  clone fraction and limit of detection
  exons.tsv       the same exon by exon
  ratios.tsv      height and ratio of every probe
  quality.tsv     verdict, reasons and figures of every sample
  risk.tsv        classes of every patient under published rules (with --clinical, or with clinical columns
                  in the sample sheet); what is not stated is unknown, never negative
  result.json     all of it in one document
  provenance.json versions, checksums and parameters
  report.html     a page for the run and for every patient, to read, print and sign; opens in any browser
  report.xlsx     the tables as a workbook; mlpa_caller_mqc.json for MultiQC

\b
Exit codes: 0 done, 2 usage (also: DIR holds a result and --force is not given), 3 an input cannot be used,
4 quality failed (only with --fail-on-qc).
"""


@click.command("call", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True, type=click.Path())
@panel_option
@samples_option
@click.option("--clinical", metavar="CLINICAL.csv", default=None, type=click.Path(),
    help="Clinical data (CSV or TSV): sample and clinical columns; gives risk.tsv.")  # fmt: skip
@out_option
@force_option
@click.option("--report/--no-report", "reports", default=None,
    help="Write the reports always, or never; by default for up to 400 samples.")  # fmt: skip
@fail_on_qc_option
@json_option
@voice_options
def command(
    inputs: tuple[str, ...],
    panel: str,
    samples: str,
    clinical: str | None,
    out: str,
    force: bool,
    reports: bool | None,
    fail_on_qc: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Call copy numbers of one MLPA run and write the results to DIR.

    INPUT is one or more peak exports (GeneMapper, Peak Scanner, GeXP, ...), a signal table, or raw traces
    (.fsa, or a folder of them). Formats are recognised by content.
    """
    from datetime import UTC, datetime

    from mlpa_caller.outputs import Invocation, check_target, default_writers, write_result
    from mlpa_caller.pipeline import call_run

    started, voice = datetime.now(UTC), Voice(quiet=quiet, verbose=verbose)
    check_target(out, force=force)
    voice.step(f"calling {len(inputs)} input{'s' if len(inputs) > 1 else ''}")
    result = call_run(inputs, panel=panel, samples=samples, clinical=clinical, progress=_progress(quiet))
    voice.step(f"writing {out}")
    invocation = Invocation(words(), started, datetime.now(UTC))
    write_result(result, out, force=force, provenance=invocation, writers=default_writers(reports))
    report(result, out, voice, as_json=as_json)
    _tell_absent(result, voice)
    if reports is None:
        _tell_no_reports(result, out, voice)
    if fail_on_qc:
        refuse_failed(result, out)


def _progress(quiet: bool) -> Callable[[int, int], None] | None:
    """Return what shows how many raw traces are sized, where standard error is a terminal."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        click.echo(f"\rsizing traces: {done} of {total}", err=True, nl=done == total)

    return show


def words() -> tuple[str, ...]:
    """Return the words of the command line that is running."""
    known = click.get_current_context().find_root().obj
    return tuple(sys.argv[1:] if known is None else known)


def report(result: Result, out: str, voice: Voice, *, as_json: bool, comparison: str = "") -> None:
    """Print what a run gave, how it compares with a known truth, and where its files are."""
    from mlpa_caller.outputs.result_json import RESEARCH_USE
    from mlpa_caller.outputs.summary import safe, summary_document, summary_text

    if as_json:
        voice.data(summary_document(result))
    else:
        parts = [summary_text(result), comparison, f"Results: {safe(out, 200)}\n{RESEARCH_USE}"]
        voice.say("\n\n".join(part for part in parts if part))


def _tell_absent(result: Result, voice: Voice) -> None:
    """Say on standard error which patients the clinical file does not hold."""
    from mlpa_caller.errors import shown

    absent = result.run.get("not_in_clinical_file", ())
    if absent and not voice.quiet:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        names = ", ".join(map(shown, absent[:3]))
        click.echo(f"not in the clinical file: {names}{more}; what it would state is unknown", err=True)


def _tell_no_reports(result: Result, out: str, voice: Voice) -> None:
    """Say on standard error that a result of many samples has no reports, and how to get them."""
    from mlpa_caller.outputs.report import MOST_SAMPLES, too_many
    from mlpa_caller.outputs.summary import safe

    if too_many(result) and not voice.quiet:
        click.echo(
            f"no reports for more than {MOST_SAMPLES} samples; to make them: mlpa-caller report {safe(out, 200)}",
            err=True,
        )


def refuse_failed(result: Result, out: str) -> None:
    """End with the exit code for failed quality when the run or a sample failed.

    Raises
    ------
    QualityError
        Naming what failed.
    """
    from mlpa_caller.errors import QualityError
    from mlpa_caller.outputs.summary import failed

    what = failed(result)
    if what:
        raise QualityError(f"quality failed: {what}", remedy="see quality.tsv there", file=out)
