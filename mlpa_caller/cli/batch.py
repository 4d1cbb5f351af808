"""``mlpa-caller batch``: many runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mlpa_caller.cli.options import Voice, json_option, out_option, voice_options

if TYPE_CHECKING:
    from mlpa_caller.batch import BatchSummary

__all__ = ["command"]

EPILOG = """\b
Examples:
  mlpa-caller batch archive/2024 archive/2025 --panel my_mix.csv --out all
  mlpa-caller batch signals.parquet --samples samples.csv --panel my_mix.csv --out all

\b
A run is
  a folder      with samples.csv (or .tsv), panel.csv unless --panel is given, clinical.csv if there is one, and
                exports, a signal table or raw traces; a folder of such folders is searched
  a file        one export; --samples names its samples, their run being the file's name without its ending
  rows of a     signal table (Parquet, CSV, TSV) that has a column run; --samples has that column too

\b
DIR then holds
  calls.parquet exons.parquet ratios.parquet quality.parquet risk.parquet
                                      the results of all runs, with a column run
  runs.parquet, failures.parquet      the runs that are finished and those that failed (also as .tsv)
  runs/<run>/                         the files of command call, for runs in folders (see --per-run)
  parts/                              what is finished; --resume takes it up from there

\b
Exit codes: 0 done, 2 usage (also: DIR holds a batch and neither --resume nor --force is given), 3 panel or sample
sheet cannot be used, 5 some runs failed, 130 interrupted.
"""

_SHOWN = 50
"""Failed runs that are told of on standard error, one line each."""


@click.command("batch", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(readable=False))
@out_option
@click.option("--panel", metavar="PANEL", default=None,
    help="Probe sheet or a bundled panel's name, for runs without panel.csv.")  # fmt: skip
@click.option("--samples", metavar="SAMPLES", type=click.Path(), default=None,
    help="Sample sheet with a column run, for runs without samples.csv.")  # fmt: skip
@click.option("--workers", metavar="N", type=click.IntRange(min=1), default=None,
    help="Number of processes; one a processor by default.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", default=None,
    help="Dask scheduler (tcp://...) whose workers do the runs; needs the extra [dask].")  # fmt: skip
@click.option("--per-run/--combined-only", "files", default=None,
    help="Write the result files of every run, or the combined tables only. "
         "By default files are written for folders and not for the runs of a signal table.")  # fmt: skip
@click.option("--report/--no-report", "reports", default=None,
    help="Write the reports of every run always, or never; by default for up to 400 samples.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Skip the runs that DIR holds finished and unchanged.")
@click.option("--force", is_flag=True, help="Do every run again, and replace the results in DIR.")
@json_option
@voice_options
def command(
    runs: tuple[str, ...],
    out: str,
    panel: str | None,
    samples: str | None,
    workers: int | None,
    scheduler: str | None,
    files: bool | None,
    reports: bool | None,
    resume: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Call many MLPA runs, several at a time, and combine their results in DIR.

    A run that fails is told of and stops no other. A batch that was cut off at any moment goes on with --resume.
    """
    from mlpa_caller.batch import run_batch
    from mlpa_caller.cli.call import words
    from mlpa_caller.errors import BatchError, UsageError

    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler exclude each other", remedy="start the workers with Dask")
    voice = Voice(quiet=quiet, verbose=verbose)
    with _progress(quiet) as progress:
        summary = run_batch(
            runs, out, panel=panel, samples=samples, workers=workers or 0, scheduler=scheduler, resume=resume,
            force=force, files=files, reports=reports, progress=progress, command=words(),
        )  # fmt: skip
    _tell(summary, out, voice, as_json=as_json)
    if summary.failures:
        total = len(summary.failures) + len(summary.runs)
        raise BatchError(
            f"{len(summary.failures)} of {total} runs failed", remedy="see failures.tsv there", file=out
        )


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give what draws a bar on standard error, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = click.progressbar(length=1, label="runs", file=sys.stderr, show_pos=True)

    def show(done: int, total: int) -> None:
        bar.length = total
        bar.update(done - bar.pos)

    with bar:
        yield show


def _tell(summary: BatchSummary, out: str, voice: Voice, *, as_json: bool) -> None:
    """Print what the batch gave; failed runs go to standard error."""
    from mlpa_caller.outputs.result_json import RESEARCH_USE
    from mlpa_caller.outputs.summary import safe

    for run, _, message in summary.failures[:_SHOWN]:
        click.echo(f"run {safe(run)}: {safe(message, 500)}", err=True)
    if len(summary.failures) > _SHOWN:
        click.echo(f"and {len(summary.failures) - _SHOWN} more runs", err=True)
    if summary.not_given and not voice.quiet:
        more = f" and {len(summary.not_given) - 3} more" if len(summary.not_given) > 3 else ""
        names = ", ".join(safe(run) for run in summary.not_given[:3])
        click.echo(f"in the sample sheet, and in no input: {names}{more}", err=True)
    if as_json:
        voice.data(_document(summary, out))
        return
    samples = sum(int(row["samples"]) for row in summary.runs)
    verdicts = {
        name: sum(row["verdict"] == name for row in summary.runs) for name in ("pass", "warn", "fail")
    }
    lines = [
        f"{len(summary.runs)} runs with {samples} samples: {summary.done} analysed, {summary.skipped} finished before",
        "quality of the runs: " + ", ".join(f"{count} {name}" for name, count in verdicts.items()),
    ]
    if summary.failures:
        lines.append(f"{len(summary.failures)} runs failed: see failures.tsv")
    voice.say("\n".join(lines) + f"\n\nResults: {safe(out, 200)}\n{RESEARCH_USE}")


def _document(summary: BatchSummary, out: str) -> dict[str, object]:
    return {
        "out": out,
        "done": summary.done,
        "skipped": summary.skipped,
        "runs": [dict(row) for row in summary.runs],
        "failures": [
            {"run": run, "error": error, "message": message} for run, error, message in summary.failures
        ],
        "not_given": list(summary.not_given),
    }
