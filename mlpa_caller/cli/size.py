"""``mlpa-caller size``: raw capillary traces to sized peaks."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlpa_caller.cli.options import Voice, json_option, voice_options

if TYPE_CHECKING:
    from mlpa_caller.datatypes import PeakTable
    from mlpa_caller.traces.report import SizingReport

__all__ = ["command"]

EPILOG = """\b
Example:
  mlpa-caller size run42/ --out run42_peaks.tsv
  mlpa-caller size A01.fsa A02.fsa --ladder GS500 --ladder-dye ROX --out peaks.tsv

\b
Written are
  PEAKS.tsv          one row a peak of every dye: file, sample, dye, data_point, size, size_error, height, area,
                     flags (off_scale, bleed_through, shoulder, broad, spike, outside_ladder, ladder_gap, not_sized)
  PEAKS.quality.tsv  one row a file: size standard, rungs, residuals, verdict (pass, warn, fail) and reason

\b
A trace whose size standard cannot be read with certainty is refused (verdict fail), never sized by guess.
Exit codes: 0 all files sized, 2 usage (also: PEAKS.tsv exists and --force is not given), 3 no file sized,
5 some files refused.
"""


@click.command("size", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=click.Path())
@click.option("--out", required=True, metavar="PEAKS.tsv", type=click.Path(),
              help="File for the peaks (- for standard output); PEAKS.quality.tsv is written beside it.")  # fmt: skip
@click.option("--ladder", default="", metavar="NAME",
              help="Size standard (GS500, GS600LIZ, GS400HD, ILS600 ... or sizes as 50,75,100,...), if it shall not "
                   "be found.")  # fmt: skip
@click.option("--ladder-dye", default="", metavar="DYE",
              help="Dye of the size standard, by name or number, if it shall not be found.")  # fmt: skip
@click.option("--method", default="local-southern", metavar="local-southern|smooth",
              help="How scans become sizes.  [default: local-southern]")  # fmt: skip
@click.option("--min-ladder-height", type=float, default=None, metavar="COUNTS",
              help="Height every rung must reach, if not the usual one of the size standard.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 512), default=None, metavar="N",
              help="Files that are read side by side; one for each processor if not given.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace files that exist.")
@json_option
@voice_options
def command(
    traces: tuple[str, ...],
    out: str,
    ladder: str,
    ladder_dye: str,
    method: str,
    min_ladder_height: float | None,
    workers: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Find and size the peaks of raw capillary traces.

    TRACE is one or more .fsa files, or folders that are searched for them.
    """
    from mlpa_caller.traces.batch import process_traces, trace_paths
    from mlpa_caller.traces.process import SizingOptions

    voice = Voice(quiet=quiet, verbose=verbose)
    options = SizingOptions(ladder, ladder_dye, method, min_ladder_height)
    options.checked()
    paths = trace_paths(traces)
    quality = None if out == "-" else _beside(out)
    for target in (out, quality):
        if target is not None and target != "-" and os.path.lexists(target) and not force:
            from mlpa_caller.errors import ResultExistsError

            raise ResultExistsError("the file exists", remedy="add --force to replace it", file=target)
    voice.step(f"sizing {len(paths)} traces")
    with _Bar(len(paths), shown=not quiet) as progress:
        results = process_traces(paths, options=options, workers=workers, progress=progress)
    reports = [report for _, report in results]
    _write([table for table, _ in results], reports, out, quality, force)
    _tell(reports, voice, out, quality, as_json=as_json)
    refused = sum(not report.sized for report in reports)
    if refused:
        click.get_current_context().exit(3 if refused == len(reports) else 5)


def _beside(out: str) -> str:
    path = Path(out)
    return str(path.with_name(f"{path.stem if path.suffix else path.name}.quality.tsv"))


def _write(
    tables: Sequence[PeakTable], reports: Sequence[SizingReport], out: str, quality: str | None, force: bool
) -> None:
    from mlpa_caller.outputs.atomic import atomic_write
    from mlpa_caller.outputs.tsv import table_lines, write_table
    from mlpa_caller.traces.report import peak_columns, quality_table

    peaks = peak_columns(tables)
    if quality is None:
        for piece in table_lines(peaks):
            sys.stdout.buffer.write(piece.encode("utf-8"))
        sys.stdout.buffer.flush()
        return
    with atomic_write(quality, force=force) as beside, atomic_write(out, force=force) as main:
        write_table(peaks, main)
        write_table(quality_table(reports), beside)


def _tell(
    reports: Sequence[SizingReport], voice: Voice, out: str, quality: str | None, *, as_json: bool
) -> None:
    refused = [report for report in reports if not report.sized]
    for report in refused:
        click.echo(f"{report.source}: not sized: {report.reason}", err=True)
    for report in reports:
        if report.verdict == "warn":
            voice.step(f"{report.source}: {report.reason}")
    if as_json and out != "-":
        document = {"files": len(reports), "sized": len(reports) - len(refused), "refused": len(refused),
                    "peaks": out, "quality": quality, "reports": [_record(report) for report in reports]}  # fmt: skip
        voice.data(document)
    elif out != "-":
        voice.say(f"{len(reports) - len(refused)} of {len(reports)} traces sized: {out}, {quality}")


def _record(report: SizingReport) -> dict[str, object]:
    names = ("file", "sample", "ladder", "ladder_dye", "rungs_expected", "rungs_matched", "residual_median",
             "residual_max", "verdict", "reason")  # fmt: skip
    record = {name: getattr(report, name) for name in names}
    return {name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in record.items()}  # fmt: skip


class _Bar:
    """A progress bar on standard error, where that is a terminal."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._bar = (
            click.progressbar(length=total, label="sizing", file=sys.stderr)
            if shown and sys.stderr.isatty()
            else None
        )

    def __enter__(self) -> Callable[[int, int], None] | None:
        if self._bar is None:
            return None
        bar = self._bar.__enter__()
        return lambda done, _: bar.update(done - bar.pos)

    def __exit__(self, *problem: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()
