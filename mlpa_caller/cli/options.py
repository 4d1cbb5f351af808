"""Options that several commands share, each declared once, and how commands speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = [
    "Voice",
    "fail_on_qc_option",
    "force_option",
    "json_option",
    "out_option",
    "panel_option",
    "samples_option",
    "seed_option",
    "voice_options",
]

F = TypeVar("F", bound=Callable[..., Any])

out_option = click.option("--out", required=True, metavar="DIR", type=click.Path(),
    help="Folder for the results; made when absent.")  # fmt: skip

force_option = click.option("--force", is_flag=True, help="Replace an earlier result in DIR.")

panel_option = click.option("--panel", required=True, metavar="PANEL",
    help="Probe sheet (CSV or TSV), or a bundled panel's name (see: mlpa-caller panel list).")  # fmt: skip

samples_option = click.option("--samples", required=True, metavar="SAMPLES", type=click.Path(),
    help="Sample sheet (CSV or TSV): sample, role; optionally sex, blast_fraction and more.")  # fmt: skip

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

seed_option = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True,
    help="Seed of the simulation; the same seed gives the same files.")  # fmt: skip

fail_on_qc_option = click.option("--fail-on-qc", is_flag=True,
    help="Exit with code 4, after writing, when the run or a sample failed quality.")  # fmt: skip


class Voice:
    """What a command says, and where: results on standard output, everything else on standard error.

    Parameters
    ----------
    quiet
        Say nothing but errors and what was asked for with ``--json``.
    verbose
        Tell each step, also where standard error is no terminal.
    """

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self.quiet = quiet
        self.verbose = verbose

    def step(self, text: str) -> None:
        """Tell what is being done: on a terminal, or with ``--verbose``."""
        if not self.quiet and (self.verbose or sys.stderr.isatty()):
            click.echo(_fit(text, sys.stderr), err=True)

    def say(self, text: str) -> None:
        """Print text for a person on standard output."""
        if not self.quiet:
            click.echo(_fit(text, sys.stdout))

    def data(self, document: object) -> None:
        """Print `document` as JSON on standard output."""
        click.echo(json.dumps(document, ensure_ascii=True, allow_nan=False, indent=1))


def _fit(text: str, stream: Any) -> str:
    """Return `text` with characters that `stream` cannot show written as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def voice_options(command: F) -> F:
    """Add ``--quiet``, ``--verbose`` and ``--debug`` to a command."""
    command = click.option("--debug", is_flag=True, expose_value=False,
        help="Show a traceback when something fails.")(command)  # fmt: skip
    command = click.option("--verbose", is_flag=True, help="Tell each step on standard error.")(command)
    return click.option("--quiet", is_flag=True, help="Print errors only.")(command)
