"""What a simulated run is made of: its size, its lesions, its noise and what goes wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache, partial
from typing import Any

import numpy as np

from mlpa_caller.errors import UsageError
from mlpa_caller.refdata import reference_rows

__all__ = ["SimulationSettings", "parameter"]


@lru_cache(maxsize=1)
def _parameters() -> dict[str, float]:
    return {row["parameter"]: float(row["value"]) for row in reference_rows("simulation/parameters.csv")}


def parameter(name: str) -> float:
    """Return one figure of ``reference/simulation/parameters.csv``, where its unit and source stand."""
    return _parameters()[name]


def _figure(name: str) -> Any:
    return field(default_factory=partial(parameter, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """Settings of one simulated run. The defaults are the standard setting of the accuracy goals.

    Attributes
    ----------
    n_patients, n_references, n_positive, n_no_dna
        Number of samples of each role. A positive control has a heterozygous loss in all its cells.
    gene
        The main gene, in which `fraction_deleted` of the patients carry a loss; empty: IKZF1 where the
        panel has it, else the panel's first gene.
    fraction_deleted
        Share of the patients with a loss in the main gene (exact, rounded to whole patients).
    clone_fraction
        Lowest and highest fraction of all cells that belong to the clone (drawn evenly).
    shared_clone
        All lesions of a patient sit in the same clone; else each has a fraction of its own.
    subclonal_rate
        Share of lesions that sit in a part (30-100 %) of the patient's clone only.
    spectrum
        ``cohort``: exon ranges as frequent as in patients (genes without a published spectrum: every range
        equally likely); ``uniform``: every range equally likely.
    nested_rate, homozygous_rate
        Share of losses with a second, smaller loss on the other allele; with the same loss on both alleles.
    gain_rate
        Chance of one extra copy in a patient's region that has no loss.
    other_gene_rate
        Chance of a loss in each other region of the panel.
    single_probe_variant_rate
        Chance that a germline variant silences one allele under one target probe of a patient.
    reference_probe_rate
        Chance that the clone of a patient has lost one copy under one reference probe.
    hyperdiploid_fraction, low_hypodiploid_fraction
        Share of the patients whose clone has the chromosomes of ``ploidy.csv`` gained or lost.
    blast_given, blast_error_sd
        Share of patients whose blast fraction is stated in the sample sheet, and the SD of its error.
    sex_given, wrong_sex_rate
        Share of samples whose sex is stated; share of patients for whom the wrong sex is stated.
    bad_fraction, failed_references
        Share of patients, and number of references, whose reaction is bad: steeper slope, more noise.
    altered_references
        Number of references that carry a heterozygous loss in the main gene themselves.
    low_dna_fraction, poor_denaturation_fraction, overloaded_fraction, failed_fraction
        Share of patients with too little DNA, incomplete denaturation, off-scale peaks, no product at all.
    noise_scale
        Factor on the SD of both the replicate and the between-DNA noise.
    noise_dof
        Degrees of freedom of the replicate noise (Student t, scaled so that its SD is the stated SD);
        infinite for normal noise.
    cv0, poisson, between_dna_sd, slope_mean, slope_sd, compression, amount_sd, efficiency_sd, \
median_height, minimum_height, saturation
        The signal model; see ``reference/simulation/parameters.csv`` for units and sources.
    """

    n_patients: int = 30
    n_references: int = 5
    n_positive: int = 0
    n_no_dna: int = 1
    gene: str = ""
    fraction_deleted: float = 0.5
    clone_fraction: tuple[float, float] = (0.30, 0.95)
    shared_clone: bool = True
    subclonal_rate: float = 0.0
    spectrum: str = "cohort"
    nested_rate: float = 0.0
    homozygous_rate: float = 0.0
    gain_rate: float = 0.0
    other_gene_rate: float = 0.0
    single_probe_variant_rate: float = 0.0
    reference_probe_rate: float = 0.0
    hyperdiploid_fraction: float = 0.0
    low_hypodiploid_fraction: float = 0.0
    blast_given: float = 0.0
    blast_error_sd: float = 0.05
    sex_given: float = 1.0
    wrong_sex_rate: float = 0.0
    bad_fraction: float = 0.0
    failed_references: int = 0
    altered_references: int = 0
    low_dna_fraction: float = 0.0
    poor_denaturation_fraction: float = 0.0
    overloaded_fraction: float = 0.0
    failed_fraction: float = 0.0
    noise_scale: float = 1.0
    noise_dof: float = _figure("noise_dof")
    cv0: float = _figure("cv0")
    poisson: float = _figure("poisson")
    between_dna_sd: float = _figure("between_dna_sd")
    slope_mean: float = _figure("slope_mean")
    slope_sd: float = _figure("slope_sd")
    compression: float = _figure("compression")
    amount_sd: float = _figure("amount_sd")
    efficiency_sd: float = _figure("efficiency_sd")
    median_height: float = _figure("median_height")
    minimum_height: float = _figure("minimum_height")
    saturation: float = _figure("saturation")

    def __post_init__(self) -> None:
        """Refuse settings that make no run."""
        low, high = self.clone_fraction
        if not 0 < low <= high <= 1:
            raise UsageError(
                f"clone fraction {low:g} to {high:g} is not a range within 0-1",
                remedy="give the lower bound first, both above 0 and at most 1",
            )
        if self.spectrum not in ("cohort", "uniform"):
            raise UsageError(f"spectrum {self.spectrum!r} is unknown", remedy="choose 'cohort' or 'uniform'")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name):g}", remedy="give a share from 0 to 1")
        for name in _COUNTS:
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}", remedy="give 0 or more")
        for name in _POSITIVE:
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise UsageError(f"{name} is {getattr(self, name):g}", remedy="give a number above 0")
        if not self.noise_dof > 2:
            raise UsageError(f"noise_dof is {self.noise_dof:g}", remedy="give a number above 2")
        if not self.noise_scale >= 0:
            raise UsageError(f"noise_scale is {self.noise_scale:g}", remedy="give 0 or more")
        if self.failed_references + self.altered_references > self.n_references:
            raise UsageError(
                "more references are to be failed or altered than there are",
                remedy="raise n_references or lower the others",
            )
        if self.n_patients + self.n_references + self.n_positive + self.n_no_dna == 0:
            raise UsageError("the run has no samples", remedy="ask for one sample or more")


_COUNTS = (
    "n_patients", "n_references", "n_positive", "n_no_dna", "failed_references", "altered_references"
)  # fmt: skip
_POSITIVE = ("compression", "median_height", "minimum_height", "saturation")
_SHARES = tuple(
    item.name
    for item in fields(SimulationSettings)
    if (item.name.endswith(("_rate", "_fraction", "_given")) or item.name == "fraction_deleted")
    and item.name != "clone_fraction"
)
