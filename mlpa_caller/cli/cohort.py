"""``mlpa-caller cohort``: statistics over a patients' table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlpa_caller.cli.options import Voice, json_option, voice_options

if TYPE_CHECKING:
    from mlpa_caller.cohort.events import Outcome
    from mlpa_caller.cohort.patients import Patients
    from mlpa_caller.cohort.report import Report
    from mlpa_caller.cohort.sources import Sources

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

_GROUPS = """\b
A group is a column of the table (sex), a column cut in two ("age_years>=10"), a gene of the calls (ikzf1) or a
classifier (ikzf1plus-2018). Where a word could be two things: column:..., gene:..., classifier:...
Patients whose group is unknown, not evaluable or indeterminate are left out and counted, never taken as negative.
"""

_EVENTS = """\b
Times: years, unless the column's name ends with its unit (efs_months) or --unit says otherwise.
Events: 0, no, alive, censored are censored; 1, yes, relapse, death, non_responder, ... are events; lost is a loss
to follow-up, which is censored. Any other word has to be named (--event-value, --censored-value, --loss-value).
"""

DESCRIBE = f"""\b
Example:
  mlpa-caller cohort describe patients.csv --calls run42/calls.tsv --by ikzf1 --out cohort

{_GROUPS}"""

SURVIVAL = f"""\b
Example:
  mlpa-caller cohort survival patients.csv --calls run42/calls.tsv --by ikzf1
      --time efs_months --event efs_event --competing death --horizon 3 --out outcome

{_GROUPS}
{_EVENTS}"""

CLASSIFIERS = f"""\b
Example:
  mlpa-caller cohort classifiers patients.csv --calls run42/calls.tsv --time efs_months --event efs_event

{_EVENTS}"""

_SETTINGS = {"max_content_width": 110}


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return one decorator for several options, in reading order."""

    def wrap(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return wrap


_input_options = _together(
    click.option(
        "--calls",
        metavar="CALLS.tsv",
        type=click.Path(),
        help="Calls of these patients; for genes and classifiers.",
    ),
    click.option(
        "--risk", metavar="RISK.tsv", type=click.Path(), help="Risk classes already made by classify."
    ),
)
_output_options = _together(
    click.option(
        "--out",
        metavar="DIR",
        type=click.Path(),
        help="Folder for tables, figures, cohort.html and cohort.json.",
    ),
    click.option("--force", is_flag=True, help="Replace an earlier result in DIR."),
    json_option,
    voice_options,
)
_event_options = _together(
    click.option("--time", required=True, metavar="COLUMN", help="Time to the first event or the end of follow-up."),
    click.option("--event", required=True, metavar="COLUMN", help="Which event it was; 0 or censored for none."),
    click.option("--unit", type=click.Choice(["years", "months", "weeks", "days"]), help="Unit of the times."),
    click.option("--event-value", "event_values", metavar="VALUE", multiple=True, help="A value that is an event."),
    click.option("--censored-value", "censored_values", metavar="VALUE", multiple=True, help="A value that is none."),
    click.option("--loss-value", "loss_values", metavar="VALUE", multiple=True, help="A value that is a loss."),
    click.option("--loss-is-event", is_flag=True, help="Count loss to follow-up as an event; else it is censored."),
    click.option("--endpoint", metavar="NAME", default="", help="Name of survival without event (EFS, LFS, OS, ...)."),
)  # fmt: skip


@click.group("cohort")
def command() -> None:
    """Describe a cohort, compare its outcome by groups, and apply the classifiers to it.

    PATIENTS.csv has one row a patient: sample, clinical columns, times and events. Needs the extra [cohort]:
    pip install 'mlpa-caller[cohort]'.
    """


@command.command("describe", epilog=DESCRIBE, context_settings=_SETTINGS)
@click.argument("patients", metavar="PATIENTS.csv", type=click.Path())
@_input_options
@click.option(
    "--by", required=True, metavar="GROUPS", help="What to compare by: a gene, a column, a cut, a classifier."
)
@click.option("--gene", metavar="GENE", help="Gene of the deletion spectrum; the gene of --by, else IKZF1.")
@click.option("--feature", "features", metavar="GROUPS", multiple=True,
    help="Compare this feature only (may be repeated); by default every clinical column.")  # fmt: skip
@_output_options
def describe_command(
    patients: str, calls: str | None, risk: str | None, by: str, gene: str | None, features: tuple[str, ...],
    out: str | None, force: bool, as_json: bool, quiet: bool, verbose: bool,
) -> None:  # fmt: skip
    """Deletion spectrum, frequency by subtype, clinical features compared between groups."""
    from mlpa_caller.cohort.description import describe, spectrum_gene
    from mlpa_caller.cohort.extra import require_extra
    from mlpa_caller.cohort.grouping import make_grouping

    require_extra()
    voice = Voice(quiet=quiet, verbose=verbose)
    sources = _sources(patients, calls, risk)
    groups = make_grouping(sources, by)
    report = describe(sources, groups, gene=spectrum_gene(sources, groups, gene or ""), features=features)
    _finish(report, sources, voice, out, force=force, as_json=as_json)


@command.command("survival", epilog=SURVIVAL, context_settings=_SETTINGS)
@click.argument("patients", metavar="PATIENTS.csv", type=click.Path())
@_input_options
@_event_options
@click.option("--by", metavar="GROUPS", help="What to compare by; one group of all when not given.")
@click.option("--competing", metavar="VALUE", multiple=True,
    help="A value of the event column (or a 0/1 column) that is a competing event, for instance death.")  # fmt: skip
@click.option("--os-time", metavar="COLUMN", help="Time of overall survival, beside the first event.")
@click.option("--os-event", metavar="COLUMN", help="Death, for overall survival.")
@click.option("--within", metavar="GROUPS", help="Repeat the comparison inside each of these groups.")
@click.option("--horizon", "horizons", metavar="YEARS", type=float, multiple=True,
    help="Give rates at this time (may be repeated); 1, 3 and 5 by default.")  # fmt: skip
@click.option("--variance", type=click.Choice(["aalen", "delta"]), default="aalen", show_default=True,
    help="Estimator behind the intervals of cumulative incidences: aalen (as R's cmprsk) or delta.")  # fmt: skip
@click.option("--reference", metavar="GROUP", default="", help="Group that hazard ratios refer to.")
@click.option("--adjust", metavar="COLUMN", multiple=True, help="Also fit a Cox model with this covariate.")
@_output_options
def survival_command(
    patients: str, calls: str | None, risk: str | None, by: str | None, within: str | None, os_time: str | None,
    os_event: str | None, horizons: tuple[float, ...], variance: str, reference: str, adjust: tuple[str, ...],
    out: str | None, force: bool, as_json: bool, quiet: bool, verbose: bool, **events: Any,
) -> None:  # fmt: skip
    """Survival and competing risks by groups: rates, numbers at risk, tests, hazard ratios."""
    from mlpa_caller.cohort.extra import require_extra
    from mlpa_caller.cohort.grouping import make_grouping
    from mlpa_caller.cohort.outcomes import everybody, survival_report
    from mlpa_caller.cohort.survival import DEFAULT_HORIZONS
    from mlpa_caller.errors import UsageError

    require_extra()
    if (os_time is None) != (os_event is None):
        raise UsageError("--os-time and --os-event belong together", remedy="give both")
    voice = Voice(quiet=quiet, verbose=verbose)
    columns = [events["time"], events["event"], os_time, os_event, *events["competing"]]
    sources = _sources(patients, calls, risk, used=columns)
    outcome = _outcome(sources.patients, events)
    overall = None
    if os_time is not None:
        overall = _outcome(sources.patients, {**events, "time": os_time, "event": os_event, "competing": (),
                                              "event_values": (), "censored_values": (), "loss_values": (),
                                              "loss_is_event": False, "unit": None})  # fmt: skip
    groups = make_grouping(sources, by) if by else everybody(sources.patients)
    report = survival_report(
        sources.patients, outcome, groups, endpoint=events["endpoint"], overall=overall,
        within=make_grouping(sources, within, "--within") if within else None,
        horizons=horizons or DEFAULT_HORIZONS, variance=variance, reference=reference, adjust=adjust,
    )  # fmt: skip
    _finish(report, sources, voice, out, force=force, as_json=as_json)


@command.command("classifiers", epilog=CLASSIFIERS, context_settings=_SETTINGS)
@click.argument("patients", metavar="PATIENTS.csv", type=click.Path())
@_input_options
@_event_options
@click.option(
    "--classifier", "classifiers", metavar="ID", multiple=True, help="This classifier only (may be repeated)."
)
@click.option(
    "--horizon", metavar="YEARS", type=float, default=3.0, show_default=True, help="Give rates at this time."
)
@_output_options
def classifiers_command(
    patients: str, calls: str | None, risk: str | None, classifiers: tuple[str, ...], horizon: float,
    out: str | None, force: bool, as_json: bool, quiet: bool, verbose: bool, **events: Any,
) -> None:  # fmt: skip
    """Apply the classifiers: outcome by class, with the published figures beside."""
    from mlpa_caller.cohort.classes import classifier_report
    from mlpa_caller.cohort.extra import require_extra

    require_extra()
    voice = Voice(quiet=quiet, verbose=verbose)
    sources = _sources(patients, calls, risk, used=[events["time"], events["event"]])
    outcome = _outcome(sources.patients, {**events, "competing": ()})
    report = classifier_report(
        sources, outcome, classifiers=classifiers, endpoint=events["endpoint"], horizon=horizon
    )
    _finish(report, sources, voice, out, force=force, as_json=as_json)


def _sources(
    patients: str, calls: str | None, risk: str | None, used: list[str | None] | None = None
) -> Sources:  # fmt: skip
    """Read the files; without the search for cycles, which cells of text never form (a third of the time)."""
    import gc

    from mlpa_caller.cohort.patients import read_patients
    from mlpa_caller.cohort.sources import Sources, read_risk
    from mlpa_caller.formats.calls_table import read_calls

    searching = gc.isenabled()
    gc.disable()
    try:
        return Sources(
            read_patients(patients),
            None if calls is None else read_calls(calls),
            None if risk is None else read_risk(risk),
            frozenset(name for name in used or () if name),
        )
    finally:
        gc.freeze()
        if searching:
            gc.enable()


def _outcome(patients: Patients, events: dict[str, Any]) -> Outcome:
    from mlpa_caller.cohort.events import EventWords, read_outcome

    competing = tuple(word for value in events["competing"] for word in value.split(",") if word.strip())
    words = EventWords(events["event_values"], competing, events["censored_values"], events["loss_values"],
                       events["loss_is_event"])  # fmt: skip
    return read_outcome(patients, events["time"], events["event"], words, unit=events["unit"] or "")


def _finish(
    report: Report, sources: Sources, voice: Voice, out: str | None, *, force: bool, as_json: bool
) -> None:  # fmt: skip
    """Write the files, print the report, and say which patients stand in one of the files only."""
    from mlpa_caller.cohort.report import report_document, report_text

    if out is not None:
        from mlpa_caller.cohort.files import write_report

        voice.step("drawing and writing")
        write_report(report, out, force=force, inputs={"patients": sources.patients.sha256})
    if as_json:
        voice.data(report_document(report))
    else:
        voice.say(report_text(report).rstrip("\n"))
    if not voice.quiet:
        for line in sources.unmatched():
            click.echo(line, err=True)
