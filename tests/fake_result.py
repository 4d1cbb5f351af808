"""A result made by hand, small or large, for tests of what is done with results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlpa_caller.datatypes import Missing, Signals, Table, text_array
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.result import InputFile, Result
from mlpa_caller.samplesheet import SampleSheet, samples_from_columns

GENES = ("IKZF1", "PAX5")


def panel(n_reference: int = 5, n_exons: int = 2, *, neighbours: bool = False) -> Panel:
    """Two genes of `n_exons` probes each, on two chromosomes or close together, and reference probes."""
    places = (("chr7", 50_000_000), ("chr7", 50_500_000) if neighbours else ("chr9", 100_000_000))
    rows = [
        (f"{gene}-{i + 1}", gene, str(i + 1), "target", chrom, first + 1000 * i)
        for gene, (chrom, first) in zip(GENES, places)
        for i in range(n_exons)
    ] + [(f"ref%{i + 1}", f"R{i + 1}", "", "reference", "", 0) for i in range(n_reference)]
    probe, gene, exon, role, chrom, start = map(list, zip(*rows))
    length = [100 + 4.5 * i for i in range(len(rows))]
    return panel_from_columns(
        {
            "probe": probe,
            "length_nt": [f"{value:g}" for value in length],
            "gene": gene,
            "exon": exon,
            "role": role,
            "chrom": chrom,
            "start": [str(value or "") for value in start],
            "end": [str(value + 50) if value else "" for value in start],
        },
        name="two genes",
        source="two_genes.csv",
    )


def sheet(names: Sequence[str], roles: Sequence[str] | None = None) -> SampleSheet:
    """A sheet of patients, or of the given roles."""
    n = len(names)
    return samples_from_columns(
        {
            "sample": list(names),
            "role": list(roles or ["patient"] * n),
            "sex": ["F", "", "M"][:n] + [""] * (n - 3),
            "blast_fraction": ["0.85"] + [""] * (n - 1),
            "note": ["=1+1", "007"][:n] + ["a, b"] * (n - 2),
        },
        source="samples.csv",
    )


def result(
    names: Sequence[str] = ("P1", "P2", "P3", "P4"),
    roles: Sequence[str] | None = None,
    *,
    probes: Panel | None = None,
) -> Result:
    """A result whose first sample has a loss and whose second failed; the others are normal."""
    mix = probes or panel()
    samples = sheet(names, roles)
    n, width = len(names), len(mix.probes)
    height = np.full((n, width), 1234.5)
    height[-1, -1] = np.nan
    missing = np.where(np.isfinite(height), Missing.PRESENT, Missing.NO_PEAK).astype(np.uint8)
    signals = Signals(
        samples=tuple(names),
        probes=mix.probes,
        height=height,
        missing=missing,
        size=np.full((n, width), np.nan),
        off_scale=np.zeros((n, width), dtype=np.bool_),
        noise=np.full(n, np.nan),
        unassigned=np.zeros(n, dtype=np.int64),
        source=text_array(["run.txt"] * n),
    )
    tables = {
        "calls": _calls(names),
        "exons": _exons(names, mix),
        "ratios": _ratios(names, mix, height),
        "quality": _quality(names, samples),
    }
    run = {
        "verdict": "warn",
        "reasons": ["2 reference samples, 3 wanted"],
        "reference_samples": ["P3"],
        "left_out": {"P4": "disagrees with the others"},
        "compression": np.float64(0.9),
        "spread": np.nan,
        "notes": (),
    }
    inputs = (
        InputFile("runs/week 7/run.txt", "signals", "a" * 64, 10, "genemapper_peaks"),
        InputFile("/home/anna/two_genes.csv", "panel", "b" * 64, 20, ""),
    )
    return Result(mix, samples, signals, tables, run, {"alpha": 0.001, "prior": "cohort"}, inputs)


def _calls(names: Sequence[str]) -> Table:
    status = [["loss", "normal"], ["not_evaluable"] * 2] + [["normal"] * 2] * (len(names) - 2)
    status = [item for pair in status[: len(names)] for item in pair]
    n = len(status)
    loss = np.array([item == "loss" for item in status])
    open_ = np.array([item == "not_evaluable" for item in status])

    def where(value: float, elsewhere: float = np.nan) -> np.ndarray:
        return np.where(loss, value, elsewhere)

    return Table(
        {
            "sample": text_array([name for name in names for _ in GENES]),
            "gene": text_array(list(GENES) * len(names)),
            "status": text_array(status),
            "exons": text_array(np.where(loss, "1-2", "").tolist()),
            "copies_lost": where(1.0),
            "probability": np.where(open_, np.nan, where(0.99995, 1.0)),
            "ratio": np.where(open_, np.nan, where(0.7, 1.0)),
            "clone_fraction": where(0.62),
            "clone_fraction_low": where(0.55),
            "clone_fraction_high": where(0.705),
            "n_probes": np.full(n, 2),
            "limit_of_detection": np.where(open_, np.nan, 0.18 + 0.01 * np.arange(n) / n),
            "consequence": text_array(np.where(loss, "dominant_negative", "").tolist()),
            "evidence": text_array(np.where(loss, "established", "").tolist()),
            "hgvs": text_array([""] * n),
            "iscn": text_array([""] * n),
            "flags": text_array(np.where(loss, "zygosity_ambiguous;low_quality", "").tolist()),
        },
        {"copies_lost": 0, "clone_fraction": 3, "clone_fraction_low": 3, "clone_fraction_high": 3},
    )


def _exons(names: Sequence[str], mix: Panel) -> Table:
    target = np.flatnonzero(mix.is_role("target"))
    n = len(names) * len(target)
    ones = np.ones(n)
    return Table(
        {
            "sample": text_array([name for name in names for _ in target]),
            "gene": text_array(mix.gene[target].tolist() * len(names)),
            "exon": text_array(mix.exon[target].tolist() * len(names)),
            "n_probes": np.ones(n, dtype=np.int64),
            "ratio": ones,
            "ratio_low": 0.9 * ones,
            "ratio_high": 1.1 * ones,
            "probability_loss": 0.00004 * ones,
            "probability_gain": -0.0 * ones,
        }
    )


def _ratios(names: Sequence[str], mix: Panel, height: np.ndarray) -> Table:
    n, width = height.shape
    ratio = np.where(np.isfinite(height), 1 + 0.0123456 * np.arange(n * width).reshape(n, width) / n, np.nan)
    return Table(
        {
            "sample": text_array([name for name in names for _ in range(width)]),
            "probe": text_array(list(mix.probes) * n),
            "gene": text_array(mix.gene.tolist() * n),
            "exon": text_array(mix.exon.tolist() * n),
            "length_nt": np.tile(mix.length, n),
            "height": height.ravel(),
            "ratio": ratio.ravel(),
            "ratio_low": 0.9 * ratio.ravel(),
            "ratio_high": 1.1 * ratio.ravel(),
            "flags": text_array(np.where(np.isfinite(height.ravel()), "", "missing").tolist()),
        },
        {"height": 1, "length_nt": 1},
    )


def _quality(names: Sequence[str], samples: SampleSheet) -> Table:
    n = len(names)
    return Table(
        {
            "sample": text_array(names),
            "role": text_array(samples.role.tolist()),
            "verdict": text_array((["pass", "fail"] + ["pass"] * n)[:n]),
            "reasons": text_array((["", "reference SD 0.140 above 0.100; low signal"] + [""] * n)[:n]),
            "reference_sd": np.linspace(0.03, 0.14, n),
            "slope": np.linspace(-0.4, np.nan, n),
            "missing_reference_probes": np.zeros(n, dtype=np.int64),
            "stated_sex": text_array([""] * n),
        }
    )
