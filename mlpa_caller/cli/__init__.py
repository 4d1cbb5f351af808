"""Command line: one file a command; each parses, calls the library and prints.

Command modules are imported only when their command runs, so that ``--help`` stays fast.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from mlpa_caller.errors import MlpaError

__all__ = ["cli", "main"]

COMMANDS = {
    "call": "Call copy numbers of one MLPA run (the main job).",
    "annotate": "Consequences of calls, and IKZF1 variants of a VCF.",
    "classify": "Risk classes from calls and clinical data.",
    "report": "Make the reports of a result again, or compare two samples.",
    "batch": "Call many runs and combine their results.",
    "trend": "Follow quality over the runs of a batch.",
    "cohort": "Describe a cohort and compare its outcome by groups.",
    "demo": "Simulate a run with known truth and call it.",
    "size": "Find and size the peaks of raw capillary traces.",
    "panel": "List, check and import probe sheets.",
    "simulate": "Write a simulated run with known truth.",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps, and imports a command when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the command names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"mlpa_caller.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands' one-line helps without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from mlpa_caller.version import version

        click.echo(f"mlpa-caller {version()}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
              help="Show the version and exit.")  # fmt: skip
def cli(debug: bool) -> None:
    """MLPA copy-number calls for leukaemia laboratories: exon ranges of IKZF1 and its neighbours on the
    panel, with probabilities, limits of detection and quality. For research use only.
    """  # noqa: D205


def _show_usage(error: click.ClickException) -> None:
    """Print what was wrong with the words of the command, on one line; the help where there were none."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "mlpa-caller"
    problem = " ".join(error.format_message().split()).rstrip(".")
    click.echo(f"{command}: {problem}; see {command} --help", err=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every failure becomes one line on standard error and an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # more only get in each other's way; read when NumPy is loaded
    try:
        code = cli.main(words, prog_name="mlpa-caller", standalone_mode=False, obj=tuple(words))
    except MlpaError as error:
        if debug:
            raise
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        _show_usage(error)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # the last line of defence, told as what it is
        if debug:
            raise
        click.echo(
            f"internal error: {type(error).__name__}: {' '.join(str(error).split())}; "
            "run again with --debug and report the traceback",
            err=True,
        )
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
