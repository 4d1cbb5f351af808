"""Simulated runs as files: read back by the package's own readers, and never written over by accident."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from mlpa_caller.cli import main
from mlpa_caller.errors import ResultExistsError, UsageError
from mlpa_caller.formats import align, read
from mlpa_caller.panel import load_panel, panel_from_columns
from mlpa_caller.samplesheet import load_samples, match_samples
from mlpa_caller.simulate import (
    PeakSettings,
    SimulationSettings,
    simulate_peaks,
    simulate_signals,
    synthetic_panel,
    write_run,
)

DEMO = load_panel("demo-synthetic")
SMALL = SimulationSettings(n_patients=4, n_references=3, other_gene_rate=0.3, blast_given=1.0)


@pytest.fixture(scope="module")
def simulation():
    return simulate_signals(DEMO, SMALL, seed=9)


def test_peak_export_is_read_back_as_it_was_simulated(simulation, tmp_path):
    files = write_run(simulation, tmp_path / "run", seed=9)
    assert set(files) == {p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").rglob("*.*")}
    table = read(tmp_path / "run" / "peaks.txt")
    assert table.format == "genemapper-peaks"
    assert table.ladder_dye == "O"
    sheet, panel = load_samples(tmp_path / "run" / "samples.csv"), load_panel(tmp_path / "run" / "panel.csv")
    rows = match_samples(sheet, table.sample, table.file)
    peaks = simulate_peaks(simulation, seed=np.random.default_rng([9, 1]))
    np.testing.assert_array_equal(table.size, peaks.peaks.size)
    np.testing.assert_array_equal(table.height, peaks.peaks.height)
    for i, index in enumerate(rows):
        np.testing.assert_array_equal(index, np.flatnonzero(peaks.sample == i))
    assert sheet.samples == simulation.signals.samples
    np.testing.assert_array_equal(sheet.blast_fraction, simulation.blast_fraction)
    for name in ("gene", "exon", "role", "chrom", "start", "end", "region", "length"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(DEMO, name))


@pytest.mark.parametrize("format", ["wide", "long"])
def test_signal_tables_are_read_back(simulation, tmp_path, format):
    write_run(simulation, tmp_path / "run", format=format)
    signals = align(read(tmp_path / "run" / "signals.csv"), DEMO.probes)
    assert signals.samples == simulation.signals.samples
    np.testing.assert_allclose(signals.height, simulation.signals.height, atol=0.051)


def test_truth_tables_hold_the_truth(simulation, tmp_path):
    write_run(simulation, tmp_path / "run")
    with open(tmp_path / "run" / "truth" / "lesions.tsv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    columns = simulation.truth.columns
    assert [row["gene"] for row in rows] == list(columns["gene"])
    assert [float(row["clone_fraction"]) for row in rows] == pytest.approx(
        list(columns["clone_fraction"]), abs=5e-5
    )
    document = json.loads((tmp_path / "run" / "truth" / "simulation.json").read_text(encoding="utf-8"))
    assert document["settings"]["n_patients"] == 4
    with open(tmp_path / "run" / "truth" / "copies.tsv", newline="", encoding="utf-8") as stream:
        copies = [float(row["copies"]) for row in csv.DictReader(stream, delimiter="\t")]
    np.testing.assert_allclose(copies, simulation.copies.ravel(), atol=5e-5)


def test_same_seed_same_bytes(simulation, tmp_path):
    for name in ("a", "b"):
        write_run(simulate_signals(DEMO, SMALL, seed=9), tmp_path / name, seed=9)
    for path in sorted((tmp_path / "a").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_identifiers_survive(tmp_path):
    base = synthetic_panel(n_exons=4, n_references=5, controls=False)
    names = ["007", "1e5", "NA", "=x", "a b, c", "ü;'", 'q"q', "TRUE", "-1"]
    panel = panel_from_columns(
        {"probe": names, "length_nt": [f"{x:g}" for x in base.length], "gene": list(base.gene),
         "exon": list(base.exon), "role": list(base.role)}, "odd"
    )  # fmt: skip
    simulation = simulate_signals(panel, SMALL, seed=1)
    for format in ("genemapper", "wide", "long"):
        write_run(simulation, tmp_path / format, format=format)
        assert load_panel(tmp_path / format / "panel.csv").probes == tuple(names)
    assert align(read(tmp_path / "long" / "signals.csv"), panel.probes).probes == tuple(names)


def test_noise_without_tails_can_be_written(tmp_path):
    settings = SimulationSettings(n_patients=1, n_references=1, noise_dof=float("inf"))
    write_run(simulate_signals(DEMO, settings, seed=1), tmp_path / "run")
    document = json.loads((tmp_path / "run" / "truth" / "simulation.json").read_text(encoding="utf-8"))
    assert document["settings"]["noise_dof"] is None


def test_a_run_is_replaced_only_on_request_and_then_whole(simulation, tmp_path):
    out = tmp_path / "run"
    write_run(simulation, out)
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    with pytest.raises(ResultExistsError, match="already holds a simulated run; add --force"):
        write_run(simulation, out, format="wide")
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before
    (out / "notes.txt").write_text("mine")
    write_run(simulation, out, format="wide", force=True)
    assert not (out / "peaks.txt").exists()
    assert not (out / "truth" / "sizes.tsv").exists()
    assert (out / "signals.csv").exists()
    assert (out / "notes.txt").read_text() == "mine"


def test_a_folder_with_other_files_is_left_alone(simulation, tmp_path):
    (tmp_path / "data.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(ResultExistsError, match="holds files that are no simulated run"):
            write_run(simulation, tmp_path, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]


def test_unknown_format_is_refused(simulation, tmp_path):
    with pytest.raises(UsageError, match="format 'xml' is unknown; choose one of genemapper, wide, long"):
        write_run(simulation, tmp_path / "run", format="xml")
    assert not (tmp_path / "run").exists()


def test_peaks_have_the_artefacts_of_an_export(simulation):
    run = simulate_peaks(simulation, PeakSettings(minimum_height=1.0, size_jitter=0.0), seed=1)
    peaks, probe = run.peaks, run.probe
    assert set(peaks.dye) == {"B", "G", "Y", "R", "O"}
    assert (peaks.dye[probe >= 0] == "B").all()
    # one peak for every height, at the same place in every sample but for the sample's shift
    assert (probe >= 0).sum() == np.isfinite(simulation.signals.height).sum()
    expected = DEMO.length + run.offset + run.run_shift
    off = peaks.size[probe >= 0] - expected[probe[probe >= 0]] - run.sample_shift[run.sample[probe >= 0]]
    assert np.abs(off).max() < 0.25
    assert np.abs(run.offset).max() <= 2.0
    # a shoulder of 7.5-19 % one nucleotide below each
    blue = peaks.dye == "B"
    for k in np.flatnonzero(probe >= 0)[::37]:
        near = blue & (run.sample == run.sample[k]) & (np.abs(peaks.size[k] - 1.0 - peaks.size) < 0.2)
        share = peaks.height[near & (probe < 0)] / peaks.height[k]
        assert ((share > 0.07) & (share < 0.2)).any()
    assert ((peaks.size < 50) & blue & (peaks.height > 1000)).any()  # primers
    green = peaks.dye == "G"
    assert 0 < peaks.height[green].max() <= 0.008 * peaks.height[blue & (probe >= 0)].max() + 1


def test_size_standard_needs_a_dye_of_its_own(simulation):
    with pytest.raises(UsageError, match="dye B carries probes and the size standard"):
        simulate_peaks(simulation, PeakSettings(ladder_dye="B"))


def run_cli(*words):
    with pytest.raises(SystemExit) as stop:
        main(["simulate", *map(str, words)])
    return stop.value.code


def test_command_writes_a_run_and_tells_what(tmp_path, capsys):
    assert run_cli("--out", tmp_path / "run", "--patients", 3, "--references", 3, "--seed", 5) == 0
    out = capsys.readouterr()
    assert "Simulated run of 7 samples" in out.out
    assert "  peaks.txt" in out.out
    assert out.err == ""
    assert run_cli("--out", tmp_path / "run", "--patients", 3) == 2
    assert "already holds a simulated run; add --force" in capsys.readouterr().err
    assert run_cli("--out", tmp_path / "run", "--patients", 2, "--force", "--json", "--format", "wide") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["samples"] == 8
    assert "signals.csv" in document["files"]


def test_command_passes_its_options_on(tmp_path):
    assert run_cli(
        "--out", tmp_path / "run", "--clone-fraction", 0.4, 0.5, "--noise-scale", 2, "--hyperdiploid", 0.5,
        "--spectrum", "uniform", "--deleted", 1, "--slope-sd", 0.12, "--independent-clones", "--nested", 0.5,
        "--quiet",
    ) == 0  # fmt: skip
    settings = json.loads((tmp_path / "run" / "truth" / "simulation.json").read_text(encoding="utf-8"))[
        "settings"
    ]
    assert settings["clone_fraction"] == [0.4, 0.5]
    assert (settings["noise_scale"], settings["hyperdiploid_fraction"], settings["spectrum"]) == (
        2,
        0.5,
        "uniform",
    )
    assert (settings["fraction_deleted"], settings["slope_sd"], settings["shared_clone"]) == (1, 0.12, False)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--clone-fraction", "0.9", "0.2"), 2, "is not a range within 0-1"),
        (("--panel", "no-such-panel"), 3, "no such probe sheet and no bundled panel"),
        (("--gene", "BRCA1"), 2, "has no gene BRCA1"),
        (("--deleted", "2"), 2, "2.0 is not in the range"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, capsys, words, code, text):
    assert run_cli("--out", tmp_path / "run", *words) == code
    assert text in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
