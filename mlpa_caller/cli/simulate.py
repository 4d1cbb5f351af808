"""``mlpa-caller simulate``: a run with known truth."""

from __future__ import annotations

from typing import Any

import click

from mlpa_caller.cli.options import Voice, force_option, json_option, out_option, seed_option, voice_options

__all__ = ["command", "settings_options"]

EPILOG = """\b
Example:
  mlpa-caller simulate --out run1 --seed 7
  mlpa-caller call run1/peaks.txt --panel run1/panel.csv --samples run1/samples.csv --out run1-calls

\b
The folder then holds
  peaks.txt    the peaks as GeneMapper exports them (or signals.csv with --format wide or long)
  samples.csv  roles, sexes and stated blast fractions
  panel.csv    the probe sheet
  truth/       lesions, samples, probes, copy numbers and settings

\b
A simulated run tests the program against a model of the noise, not against patients.
Exit codes: 0 done, 2 usage (also: DIR holds a run and --force is not given), 3 an input cannot be used.
"""

SHARE = click.FloatRange(0.0, 1.0)

COUNTS = (
    ("--patients", "n_patients", 30, "Number of patients."),
    ("--references", "n_references", 5, "Number of reference samples."),
    ("--positive", "n_positive", 0, "Number of positive controls."),
    ("--no-dna", "n_no_dna", 1, "Number of controls without DNA."),
    ("--failed-references", "failed_references", 0, "References whose reaction is bad."),
    ("--altered-references", "altered_references", 0, "References that carry a loss themselves."),
)
SHARES = (
    ("--deleted", "fraction_deleted", 0.5, "Share of patients with a loss in the main gene."),
    ("--other-genes", "other_gene_rate", 0.0, "Chance of a loss in each other gene or region."),
    ("--homozygous", "homozygous_rate", 0.0, "Share of losses on both alleles."),
    ("--nested", "nested_rate", 0.0, "Share of losses with a second, smaller one on the other allele."),
    ("--gains", "gain_rate", 0.0, "Chance of a gain in each gene without a loss."),
    ("--subclonal", "subclonal_rate", 0.0, "Share of lesions in a part of the clone only."),
    ("--probe-variants", "single_probe_variant_rate", 0.0,
     "Share of patients with a variant under one target probe."),
    ("--hyperdiploid", "hyperdiploid_fraction", 0.0, "Share of patients with a hyperdiploid clone."),
    ("--low-hypodiploid", "low_hypodiploid_fraction", 0.0, "Share of patients with a low-hypodiploid clone."),
    ("--blast-fractions", "blast_given", 0.0, "Share of patients whose blast fraction is stated."),
    ("--wrong-sex", "wrong_sex_rate", 0.0, "Share of patients whose sex is stated wrongly."),
    ("--bad", "bad_fraction", 0.0, "Share of patients whose reaction is bad."),
    ("--low-dna", "low_dna_fraction", 0.0, "Share of patients with too little DNA."),
    ("--poor-denaturation", "poor_denaturation_fraction", 0.0, "Share of patients badly denatured."),
    ("--overloaded", "overloaded_fraction", 0.0, "Share of patients with off-scale peaks."),
    ("--failed", "failed_fraction", 0.0, "Share of patients without any product."),
)  # fmt: skip


OTHERS = (
    click.option("--gene", default="", help="Main gene.  [default: IKZF1, else the first]"),
    click.option("--spectrum", type=click.Choice(("cohort", "uniform")), default="cohort", show_default=True,
                 help="Exon ranges as in patients, or all equally likely."),
    click.option("--clone-fraction", type=(float, float), default=(0.30, 0.95), show_default=True,
                 metavar="LOW HIGH", help="Fraction of all cells in the clone."),
    click.option("--independent-clones", is_flag=True,
                 help="Each lesion of a patient has a clone fraction of its own."),
    click.option("--noise-scale", type=click.FloatRange(0.0), default=1.0, show_default=True,
                 help="Factor on the noise."),
    click.option("--slope-sd", type=click.FloatRange(0.0), default=None,
                 help="SD of the length slope between reactions, per 100 nt.  [default: 0.05]"),
)  # fmt: skip


def settings_options(function: Any) -> Any:
    """Add an option for every figure of `SimulationSettings` that a user may want to change."""
    counts = [
        click.option(flag, name, type=click.IntRange(0, 100_000), default=default, show_default=True,
                     metavar="N", help=text)
        for flag, name, default, text in COUNTS
    ]  # fmt: skip
    shares = [
        click.option(flag, name, type=SHARE, default=default, show_default=True, metavar="SHARE", help=text)
        for flag, name, default, text in SHARES
    ]
    for option in reversed([*counts, *OTHERS, *shares]):
        function = option(function)
    return function


@click.command("simulate", epilog=EPILOG, context_settings={"max_content_width": 110})
@out_option
@click.option("--panel", default="demo-synthetic", show_default=True, metavar="PANEL",
              help="Probe sheet, or a bundled panel's name.")  # fmt: skip
@seed_option
@click.option("--format", "format_name", type=click.Choice(("genemapper", "wide", "long")),
              default="genemapper", show_default=True, help="What the heights are written as.")  # fmt: skip
@settings_options
@click.option("--traces", is_flag=True, help="Also write raw capillary traces (.fsa) into DIR/traces.")
@force_option
@json_option
@voice_options
def command(
    out: str,
    panel: str,
    seed: int,
    format_name: str,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    independent_clones: bool,
    slope_sd: float | None,
    traces: bool,
    **options: Any,
) -> None:
    """Write a simulated run with known truth to DIR.

    By default half of the 30 patients carry an IKZF1 deletion in 30-95 % of their cells; noise, slopes and
    artefacts are as measured on real runs.
    """
    from mlpa_caller.panel import load_panel
    from mlpa_caller.simulate import SimulationSettings, simulate_signals, write_run

    voice = Voice(quiet=quiet, verbose=verbose)
    if slope_sd is not None:
        options["slope_sd"] = slope_sd
    settings = SimulationSettings(shared_clone=not independent_clones, **options)
    simulation = simulate_signals(load_panel(panel), settings, seed=seed)
    voice.step(f"writing {out}")
    files = write_run(simulation, out, seed=seed, format=format_name, traces=traces, force=force)
    n = len(simulation.signals.samples)
    if traces and not as_json:
        files = (*(name for name in files if not name.endswith(".fsa")), f"traces/ ({n} .fsa files)")
    n_lesions = len(simulation.truth)
    if as_json:
        voice.data({"out": out, "files": list(files), "samples": n, "lesion_rows": n_lesions, "seed": seed})
    else:
        listed = "\n".join(f"  {name}" for name in files)
        voice.say(f"Simulated run of {n} samples with {n_lesions} altered genes written to {out}\n{listed}")
