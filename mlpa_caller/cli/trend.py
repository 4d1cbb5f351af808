"""``mlpa-caller trend``: quality over runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from mlpa_caller.cli.options import Voice, force_option, json_option, out_option, voice_options

if TYPE_CHECKING:
    from mlpa_caller.trend import Trend

__all__ = ["command"]

EPILOG = """\b
Example:
  mlpa-caller batch archive --panel my_mix.csv --out all
  mlpa-caller trend all --out trend

\b
The folder trend then holds
  points.tsv      every figure of every run: value, mean, SD, distance from the mean, rules broken
  violations.tsv  every broken rule
  limits.tsv      mean and SD of every figure and instrument, and how often a rule was broken
  groups.tsv      every lot on every instrument against the limits
  chart_*.svg     Levey-Jennings charts (also .png); they need the extra [trend]

\b
Rules: 1-2s (warning), 1-3s, 2-2s, R-4s, 4-1s, 10-x. Every instrument has its own mean and SD, from its first runs; lots
share them, so that a lot that differs is seen.
Exit codes: 0 done, also when rules are broken; 2 usage, 3 an input cannot be used.
"""

_SHOWN = 20


@click.command("trend", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("source", metavar="DIR", type=click.Path())
@out_option
@click.option(
    "--instrument", metavar="COLUMN", default=None, help="Column that names the instrument; '' for none."
)
@click.option(
    "--lot", metavar="COLUMN", default=None, help="Column that names the lot of the panel; '' for none."
)
@click.option("--date", metavar="COLUMN", default=None, help="Column with the date of the run (YYYY-MM-DD).")
@click.option("--baseline", metavar="N", type=click.IntRange(min=2), default=None,
    help="First runs that mean and SD are taken from; 20 by default.")  # fmt: skip
@click.option("--figure", "figures", metavar="NAME", multiple=True,
    help="Follow this figure only (may be repeated); probe for all reference probes.")  # fmt: skip
@click.option("--charts/--no-charts", default=True, show_default=True, help="Draw the charts.")
@force_option
@json_option
@voice_options
def command(
    source: str,
    out: str,
    instrument: str | None,
    lot: str | None,
    date: str | None,
    baseline: int | None,
    figures: tuple[str, ...],
    charts: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Follow quality figures and reference probes over the runs of a batch.

    DIR is the folder of a batch, or its quality.parquet. Columns of the sample sheets named lot, instrument and date
    (and the like) are found by themselves.
    """
    from datetime import UTC, datetime

    from mlpa_caller.cli.call import words
    from mlpa_caller.outputs import Invocation, check_target
    from mlpa_caller.trend import find_trend, write_trend
    from mlpa_caller.trend.files import combined_files, labels_for

    started, voice = datetime.now(UTC), Voice(quiet=quiet, verbose=verbose)
    check_target(out, force=force)
    labels = labels_for(source, instrument=instrument, lot=lot, date=date)
    trend = find_trend(source, labels=labels, baseline=baseline or 0, wanted=figures)
    voice.step("drawing and writing")
    invocation = Invocation(words(), started, datetime.now(UTC))
    files = combined_files(source)
    write_trend(trend, out, force=force, charts=charts, inputs=files, invocation=invocation)
    _tell(trend, out, voice, as_json=as_json)


def _tell(trend: Trend, out: str, voice: Voice, *, as_json: bool) -> None:
    from mlpa_caller.outputs.summary import safe

    columns = trend.tables["violations"].columns
    rows = [dict(zip(columns, values)) for values in zip(*(column.tolist() for column in columns.values()))]
    if as_json:
        used = {name: getattr(trend.labels, name) for name in ("instrument", "lot", "date")}
        voice.data({"out": out, "columns": used, "baseline_runs": trend.baseline, "violations": rows})
        return
    rejected = sorted((row for row in rows if row["severity"] == "reject"), key=lambda row: -abs(row["z"]))
    runs = len(set(trend.tables["points"].columns["run"].tolist()))
    warned = len(rows) - len(rejected)
    lines = [f"{len(trend.charts)} charts over {runs} runs: {len(rejected)} rules broken, {warned} warnings"]
    untested = sum(not math.isfinite(chart.limits.sd) for chart in trend.charts)
    if untested:
        lines.append(f"  {untested} charts have too few runs for limits: no rule was tested there")
    for row in rejected[:_SHOWN]:
        place = ", ".join(safe(row[name]) for name in ("instrument", "lot", "date") if row[name])
        where = f"run {safe(row['run'])}" + (f" ({place})" if place else "")
        lines.append(f"  {safe(row['figure'])}  {row['rule']}  {where}  {row['z']:+.1f} SD")
    if len(rejected) > _SHOWN:
        lines.append(f"  and {len(rejected) - _SHOWN} more: see violations.tsv")
    voice.say("\n".join(lines) + f"\n\nResults: {safe(out, 200)}")
