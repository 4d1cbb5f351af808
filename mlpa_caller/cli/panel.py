"""``mlpa-caller panel``: list, check and import probe sheets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mlpa_caller.cli.options import Voice, json_option, voice_options
from mlpa_caller.errors import UsageError, shown

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["command"]


@click.group("panel")
def command() -> None:
    """List, check and import probe sheets.

    A probe sheet says which fragment length is which probe: CSV or TSV, one row a probe, with the columns
    probe, length_nt, gene, exon, role and optionally chrom, start, end (GRCh38), dye and region.
    """


@command.command("list")
@json_option
@voice_options
def list_panels(as_json: bool, quiet: bool, verbose: bool) -> None:
    """List the probe sheets that come with the package."""
    from mlpa_caller.panel import bundled_panels, load_panel
    from mlpa_caller.panel_tools import panel_summary

    voice = Voice(quiet=quiet, verbose=verbose)
    panels = [load_panel(name) for name in bundled_panels()]
    if as_json:
        voice.data([panel_summary(panel) for panel in panels])
        return
    for panel in panels:
        voice.say(f"{panel.name}\t{len(panel)} probes\t{', '.join(panel.genes)}")


@command.command("check")
@click.argument("sheet", metavar="SHEET")
@json_option
@voice_options
def check(sheet: str, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Check a probe sheet (a file, a bundled panel's name, or - for standard input) and say what it holds.

    Exit code 0 when it can be used, 3 with row and reason when not.
    """
    from mlpa_caller.panel import load_panel
    from mlpa_caller.panel_tools import panel_summary

    voice = Voice(quiet=quiet, verbose=verbose)
    panel = load_panel(sheet)
    if as_json:
        voice.data(panel_summary(panel))
        return
    for line in _lines(panel):
        voice.say(line)


def _lines(panel: Panel) -> list[str]:
    from mlpa_caller.panel_tools import panel_summary

    told = panel_summary(panel)
    roles = ", ".join(f"{count} {role}" for role, count in _items(told["roles"]))
    low, high = panel.length.min(), panel.length.max()
    lines = [f"{panel.name}: {len(panel)} probes ({roles}), {low:g}-{high:g} nt"]
    for region in panel.regions:
        exons = {gene: [] for gene in region.genes}  # type: dict[str, list[str]]
        for gene, label in zip(region.unit_gene, region.unit_label):
            exons[gene].append(label)
        genes = "; ".join(f"{gene} {', '.join(labels)}" for gene, labels in exons.items())
        lines.append(f"  {region.name if len(region.genes) > 1 else 'gene'}: {genes}")
    notes = told["notes"]
    lines += [f"note: {note}" for note in (notes if isinstance(notes, list) else [])]
    return lines


def _items(value: object) -> list[tuple[object, object]]:
    return list(value.items()) if isinstance(value, dict) else []


@command.command("import")
@click.argument("sheet", metavar="SHEET")
@click.option("--out", required=True, metavar="FILE", help="File for the probe sheet; - is standard output.")
@click.option("--map", "mapping", multiple=True, metavar="OLD=NEW",
    help="Column OLD of SHEET holds the sheet's column NEW (may be given several times).")  # fmt: skip
@click.option("--reference-column", metavar="COLUMN",
    help="Column that marks reference probes (1/0, yes/no); the others are targets.")  # fmt: skip
@click.option("--gene", metavar="NAME", help="Gene of the target probes that have none in SHEET.")
@click.option("--pattern", metavar="REGEX",
    help="Take gene and exon from the names of target probes: a regular expression with the groups gene and "
    "exon, for instance '(?P<gene>BRCA1)Ex(?P<exon>.+)'.")  # fmt: skip
@click.option("--name", metavar="NAME", help="Name of the panel; the name of SHEET by default.")
@click.option("--force", is_flag=True, help="Replace FILE.")
@voice_options
def import_panel(
    sheet: str,
    out: str,
    mapping: tuple[str, ...],
    reference_column: str | None,
    gene: str | None,
    pattern: str | None,
    name: str | None,
    force: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Turn a probe sheet of another layout into one this program reads, and check it.

    What is taken for what is told on standard error. Nothing is guessed: a sheet that does not say which
    probes are reference probes, or of which gene a target is, is refused until an option says so.
    """
    from mlpa_caller.errors import PanelError
    from mlpa_caller.formats.text import read_bytes
    from mlpa_caller.panel_tools import import_sheet

    imported = import_sheet(
        read_bytes(sheet, PanelError),
        sheet,
        name or os.path.splitext(os.path.basename(sheet))[0],  # noqa: PTH119, PTH122
        mapping=[_pair(word) for word in mapping],
        reference_column=reference_column,
        gene=gene,
        pattern=pattern,
    )
    if out == "-":
        click.echo(imported.text, nl=False)
    else:
        from mlpa_caller.outputs import atomic_write

        with atomic_write(out, force=force) as stream:
            stream.write(imported.text)
    if not Voice(quiet=quiet, verbose=verbose).quiet:
        for note in (*imported.notes, *_lines(imported.panel)):
            click.echo(note, err=True)


def _pair(word: str) -> tuple[str, str]:
    old, equals, new = word.rpartition("=")
    if not equals or not old:
        raise UsageError(f"--map {shown(word)} is not OLD=NEW", remedy="write --map Length=length_nt")
    return old, new.strip()
