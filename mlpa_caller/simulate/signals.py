"""Simulate the heights of a run with known truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, Missing, Signals, Table, TextArray, text_array
from mlpa_caller.panel import Panel
from mlpa_caller.refdata import reference_rows
from mlpa_caller.samplesheet import SampleSheet, samples_from_columns
from mlpa_caller.simulate.lesions import (
    Lesions,
    bare_chromosome,
    draw_lesions,
    lesion_copies,
    lesion_table,
    main_gene,
    ploidy_changes,
)
from mlpa_caller.simulate.samples import Samples, draw_samples
from mlpa_caller.simulate.settings import SimulationSettings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Simulation", "simulate_signals"]


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """A simulated run and its truth.

    Attributes
    ----------
    panel, settings
        What was simulated.
    signals
        Heights as a laboratory would measure them.
    role, sex, blast_fraction
        ``(samples,)`` as the sample sheet states them; empty or NaN where it does not.
    truth
        One row for each lesion and gene; columns as in `lesion_table`.
    sample_truth
        One row a sample: what is true of it and what is wrong with its reaction.
    probe_truth
        Changes that belong to single probes and are no lesion of a gene: ``sample, probe, kind``
        (``probe_variant``, ``reference_loss``), ``copies_lost``, ``clone_fraction``.
    copies
        ``(samples, probes)`` mean copy number over all cells.
    altered
        ``(samples, probes)`` +1 where a lesion in `truth` adds copies, -1 where it takes them, else 0.
    """

    panel: Panel
    settings: SimulationSettings
    signals: Signals
    role: TextArray
    sex: TextArray
    blast_fraction: FloatArray
    truth: Table
    sample_truth: Table
    probe_truth: Table
    copies: FloatArray
    altered: FloatArray

    def frame(self) -> pd.DataFrame:
        """Return the heights as a wide signal table: ``sample`` and one column a probe."""
        import pandas as pd

        frame = pd.DataFrame(self.signals.height, columns=list(self.signals.probes))
        frame.insert(0, "sample", list(self.signals.samples))
        return frame

    def sheet(self) -> SampleSheet:
        """Return the sample sheet, as the simulated laboratory would write it."""
        blasts = ["" if np.isnan(value) else repr(float(value)) for value in self.blast_fraction]
        columns = {
            "sample": self.signals.samples,
            "role": self.role,
            "sex": self.sex,
            "blast_fraction": blasts,
        }
        return samples_from_columns({name: list(values) for name, values in columns.items()}, "simulation")


def simulate_signals(
    panel: Panel, settings: SimulationSettings | None = None, *, seed: int | np.random.Generator = 0
) -> Simulation:
    """Simulate the heights of one run.

    ``ln height = amount_s + efficiency_p + slope_s (L_p - 300) / 100 + g ln(c_sp / 2) + noise``, where c is
    the mean copy number over all cells. The replicate noise is a Student t scaled to the SD
    ``sqrt(cv0^2 + poisson / expected height)``; a normal SD between DNAs comes on top. Both are multiplied
    by the sample's noise scale. Every figure stands in ``reference/simulation`` with its source.

    Parameters
    ----------
    panel
        The probes; any panel will do.
    settings
        What to simulate; the default is the standard setting of the accuracy goals.
    seed
        A seed, or the generator that supplies every random number. The same seed gives the same run.

    Returns
    -------
    Simulation
        Peaks below ``settings.minimum_height`` are missing (``NO_PEAK``), as in an export.

    Raises
    ------
    UsageError
        If the panel does not have the gene asked for.
    """
    settings = SimulationSettings() if settings is None else settings
    rng = np.random.default_rng(seed)
    samples = draw_samples(settings, rng)
    patient = samples.role == "patient"
    lesions = draw_lesions(panel, settings, deleted=samples.deleted, patient=patient,
                           ploidy=samples.ploidy, fraction=samples.fraction, rng=rng)  # fmt: skip
    probe_change, probe_truth = _probe_changes(panel, settings, samples, patient, rng)
    focal = lesion_copies(panel, lesions, len(samples.name), chromosomes=False)
    whole = np.concatenate([np.zeros((1, len(panel))), ploidy_changes(panel)])[samples.ploidy]
    base = _germline_copies(panel, samples)
    copies = np.maximum(0.0, base + focal + np.where(base > 0, whole * samples.fraction[:, None], 0.0)
                        + probe_change)  # fmt: skip
    expected = _expected_height(panel, settings, samples, copies, rng)
    height = expected * np.exp(_noise(settings, samples, expected, rng))
    blast = _stated_blasts(settings, samples, lesions, patient, rng)
    name = text_array(samples.name)
    altered = np.sign(lesion_copies(panel, lesions, len(name), chromosomes=True))
    main = np.flatnonzero(np.equal(panel.gene, main_gene(panel, settings)) & panel.is_role("target"))
    lost = np.asarray((altered[:, main] < 0).any(axis=1), dtype=np.bool_)
    return Simulation(
        panel=panel, settings=settings, signals=_signals(panel, settings, samples, height),
        role=samples.role, sex=samples.stated_sex, blast_fraction=blast,
        truth=lesion_table(panel, lesions, name), sample_truth=_sample_table(samples, lost),
        probe_truth=probe_truth, copies=copies,
        altered=altered,
    )  # fmt: skip


def _par1_end() -> int:
    """Last position of PAR1 on X (GRCh38); genes up to there have two copies in both sexes."""
    rows = reference_rows("genes/pseudoautosomal.csv")
    return max(int(row["end"]) for row in rows if row["build"] == "GRCh38" and row["chrom"] == "chrX")


def _germline_copies(panel: Panel, samples: Samples) -> FloatArray:
    """Copies in a healthy cell: 2, but X and Y outside PAR1 by sex."""
    male = (samples.sex == "M")[:, None]
    chrom = np.array([bare_chromosome(name) for name in panel.chrom], dtype=object)
    far = panel.start > _par1_end()
    on_x = panel.is_role("sex_x") | ((chrom == "X") & far)
    on_y = panel.is_role("sex_y") | ((chrom == "Y") & far)
    copies = np.where(on_x & male, 1.0, 2.0)
    return np.where(on_y, np.where(male, 1.0, 0.0), copies)


def _probe_changes(
    panel: Panel, settings: SimulationSettings, samples: Samples, patient: BoolArray, rng: np.random.Generator
) -> tuple[FloatArray, Table]:
    """Changes of single probes: a germline variant under a target probe, a lost copy of a reference probe."""
    n = len(samples.name)
    u = rng.random((4, n))
    change = np.zeros((n, len(panel)))
    rows: list[tuple[int, int, str, float]] = []
    for k, (role, kind, rate) in enumerate(
        (
            ("target", "probe_variant", settings.single_probe_variant_rate),
            ("reference", "reference_loss", settings.reference_probe_rate),
        )
    ):
        probes = np.flatnonzero(panel.is_role(role))
        hit = np.flatnonzero(patient & (u[2 * k] < rate) & (len(probes) > 0))
        if len(hit) == 0:
            continue
        probe = probes[np.minimum((u[2 * k + 1, hit] * len(probes)).astype(np.int64), len(probes) - 1)]
        fraction = np.ones(len(hit)) if kind == "probe_variant" else samples.fraction[hit]
        change[hit, probe] -= fraction
        rows += [(int(s), int(p), kind, float(f)) for s, p, f in zip(hit, probe, fraction)]
    rows.sort()
    return change, Table(
        {
            "sample": text_array(samples.name[row[0]] for row in rows),
            "probe": text_array(panel.probes[row[1]] for row in rows),
            "kind": text_array(row[2] for row in rows),
            "copies_lost": np.ones(len(rows), dtype=np.int64),
            "clone_fraction": np.array([row[3] for row in rows], dtype=np.float64),
        }
    )


def _expected_height(
    panel: Panel, settings: SimulationSettings, samples: Samples, copies: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Height without noise; 0 where nothing is amplified."""
    control = panel.is_role("quantity", "denaturation", "benchmark")
    efficiency = settings.efficiency_sd * rng.standard_normal(len(panel)) * np.where(control, 0.2, 1.0)
    centred = (panel.length - 300.0) / 100.0
    typical = efficiency + settings.slope_mean * centred
    measured = ~control & ~panel.is_role("sex_x", "sex_y")
    level = np.log(settings.median_height) - float(np.median(typical[measured])) if measured.any() else 0.0
    with np.errstate(divide="ignore"):
        dosage = settings.compression * np.log(copies / 2.0)
    ln = level + samples.amount[:, None] + efficiency + samples.slope[:, None] * centred + dosage
    ln = ln + np.where(panel.is_role("denaturation"), np.log(samples.denaturation)[:, None], 0.0)
    height = np.exp(ln)
    # Q fragments need no ligation: they amplify best where there is no DNA, or no product
    quantity = panel.is_role("quantity")
    no_product = (samples.role == "no_dna") | samples.failed
    height = np.where(no_product[:, None], 0.0, height)
    benchmark = np.exp(level + samples.amount[:, None] + samples.slope[:, None] * centred)
    without = settings.median_height * np.exp(samples.amount)[:, None] * (1.0 + 0.0 * centred)
    of_q = np.where(no_product[:, None], without, benchmark * samples.quantity[:, None])
    return np.where(quantity, of_q * np.exp(efficiency), height)


def _noise(
    settings: SimulationSettings, samples: Samples, expected: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Noise of ln height: replicate noise (Student t with the stated SD) and differences between DNAs."""
    between = settings.between_dna_sd * rng.standard_normal(expected.shape)
    if np.isfinite(settings.noise_dof):
        dof = settings.noise_dof
        unit = rng.standard_t(dof, expected.shape) * np.sqrt((dof - 2.0) / dof)
    else:
        unit = rng.standard_normal(expected.shape)
    variance = settings.cv0**2 + settings.poisson / np.maximum(expected, 1.0)
    noise: FloatArray = samples.noise_scale[:, None] * (np.sqrt(variance) * unit + between)
    return noise


def _signals(panel: Panel, settings: SimulationSettings, samples: Samples, height: FloatArray) -> Signals:
    """What the instrument reports of `height`."""
    off_scale = height > settings.saturation
    height = np.minimum(height, settings.saturation)
    seen = height >= settings.minimum_height
    missing = np.where(seen, Missing.PRESENT, Missing.NO_PEAK).astype(np.uint8)
    n = len(samples.name)
    return Signals(
        samples=tuple(samples.name), probes=panel.probes, height=np.where(seen, height, np.nan),
        missing=missing, size=np.full(height.shape, np.nan), off_scale=off_scale & seen,
        noise=np.full(n, np.nan), unassigned=np.zeros(n, dtype=np.int64),
        source=text_array(["simulation"] * n),
    )  # fmt: skip


def _stated_blasts(
    settings: SimulationSettings,
    samples: Samples,
    lesions: Lesions,
    patient: BoolArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Blast fraction as the sample sheet states it: at least the patient's largest clone, with an error."""
    blasts = samples.fraction.copy()
    np.maximum.at(blasts, lesions.sample, lesions.fraction)
    given = rng.random(len(blasts)) < settings.blast_given
    stated = blasts + settings.blast_error_sd * rng.standard_normal(len(blasts))
    return np.where(patient & given, np.round(np.clip(stated, 0.01, 1.0), 2), np.nan)


def _sample_table(samples: Samples, lost: BoolArray) -> Table:
    def mark(values: BoolArray) -> TextArray:
        return np.where(values, "yes", "no").astype(object)

    patient = samples.role == "patient"
    return Table(
        {
            "sample": samples.name,
            "role": samples.role,
            "sex": np.where(samples.role == "no_dna", "", samples.sex).astype(object),
            "clone_fraction": np.where(patient, samples.fraction, np.nan),
            "main_gene_deleted": mark(lost),
            "hyperdiploid": mark(samples.ploidy == 1),
            "low_hypodiploid": mark(samples.ploidy == 2),
            "bad_reaction": mark(samples.bad),
            "low_dna": mark(samples.low_dna),
            "poor_denaturation": mark(samples.poor_denaturation),
            "overloaded": mark(samples.overloaded),
            "failed": mark(samples.failed),
            "noise_scale": samples.noise_scale,
            "slope": samples.slope,
        }
    )
