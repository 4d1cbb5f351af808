"""``mlpa-caller report``: make the reports of a result again, or put two samples side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlpa_caller.cli.options import Voice, json_option, voice_options

if TYPE_CHECKING:
    from mlpa_caller.outputs.report.compare import Side

__all__ = ["command"]

EPILOG = """\b
Examples:
  mlpa-caller report run42                         all reports again, from run42/result.json alone
  mlpa-caller report run42 --pdf                   the same and report.pdf, one patient a page
  mlpa-caller report run42 P07 P19                 two samples of one run side by side
  mlpa-caller report run42:P07 run77:P07R          two samples of two runs, the earlier first
  mlpa-caller report run42 run77                   the same where each run has one patient, or both have
                                                   one patient of the same name

\b
The comparison is written to comparison.html (see --out). A PDF is printed by Chromium, Chrome or Edge; where
none is found, open the report in any browser and print it.
"""


@click.command("report", epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("targets", metavar="DIR | A B | DIR A B", nargs=-1, required=True, type=click.Path())
@click.option("--pdf", is_flag=True, help="Also make a PDF, one patient a page.")
@click.option("--out", metavar="FILE.html", default="comparison.html", show_default=True, type=click.Path(),
    help="File for the comparison of two samples.")  # fmt: skip
@click.option(
    "--force", is_flag=True, help="Replace files that belong to no result, or an earlier comparison."
)
@json_option
@voice_options
def command(
    targets: tuple[str, ...], pdf: bool, out: str, force: bool, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Make the reports of the result folder DIR again, or compare two samples A and B."""
    from mlpa_caller.outputs.report import rebuild_reports, write_comparison

    voice = Voice(quiet=quiet, verbose=verbose)
    if len(targets) == 1:
        voice.step(f"making the reports of {targets[0]}")
        files = rebuild_reports(targets[0], pdf=pdf, force=force)
        where = targets[0]
    else:
        first, second = _sides(targets)
        voice.step("comparing")
        files = write_comparison(first, second, out, pdf=pdf, force=force)
        where = ""
    if as_json:
        voice.data({"folder": where, "files": files})
    else:
        listed = ", ".join(files)
        voice.say(f"{where}: {listed}" if where else listed)


def _sides(targets: tuple[str, ...]) -> tuple[Side, Side]:
    """Return the two samples that the words name."""
    from mlpa_caller.outputs.report.compare import find_pair, find_side

    if len(targets) == 2:
        return find_pair(*targets)
    if len(targets) == 3:
        return find_side(targets[0], targets[1]), find_side(targets[0], targets[2])
    raise click.UsageError("give a result folder, two samples, or a folder and two samples")
