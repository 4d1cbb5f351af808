"""``mlpa-caller demo``: simulate a run with known truth, call it, and compare."""

from __future__ import annotations

import click

from mlpa_caller.cli.call import report, words
from mlpa_caller.cli.options import Voice, force_option, json_option, out_option, seed_option, voice_options

__all__ = ["command"]

EPILOG = """\b
Example:
  mlpa-caller demo --out demo

\b
The folder demo/input then holds the run as a laboratory would have it (peaks.txt, panel.csv, samples.csv)
and in demo/input/truth what is true of it; demo itself holds the results, report.html for reading. The same come from
  mlpa-caller call demo/input/peaks.txt --panel demo/input/panel.csv
      --samples demo/input/samples.csv --out again

\b
A simulated run tests the program against a model of the noise, not against patients.
"""

PANEL = "demo-synthetic"


@click.command("demo", epilog=EPILOG, context_settings={"max_content_width": 110})
@out_option
@seed_option
@force_option
@json_option
@voice_options
def command(out: str, seed: int, force: bool, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Simulate an MLPA run of 30 patients, call it and compare the calls with the truth.

    Half of the patients carry an IKZF1 deletion; some carry losses of other genes.
    """
    from datetime import UTC, datetime

    from mlpa_caller.outputs import Invocation, atomic_folder, fill_folder
    from mlpa_caller.outputs.summary import truth_text
    from mlpa_caller.panel import load_panel
    from mlpa_caller.pipeline import call_run
    from mlpa_caller.simulate import SimulationSettings, simulate_signals, write_run

    started, voice = datetime.now(UTC), Voice(quiet=quiet, verbose=verbose)
    with atomic_folder(out, force=force) as folder:
        voice.step("simulating a run")
        simulated = simulate_signals(load_panel(PANEL), SimulationSettings(other_gene_rate=0.1), seed=seed)
        data = folder / "input"
        write_run(simulated, data, seed=seed)
        voice.step("calling it")
        result = call_run([data / "peaks.txt"], panel=data / "panel.csv", samples=data / "samples.csv")
        fill_folder(result, folder, provenance=Invocation(words(), started, datetime.now(UTC)))
    comparison = truth_text(result.tables["calls"], simulated.truth)
    report(result, out, voice, as_json=as_json, comparison=comparison)
