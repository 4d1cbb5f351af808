"""Draw the samples of a simulated run: roles, sexes, clones and what goes wrong with each reaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, TextArray, text_array
from mlpa_caller.simulate.settings import SimulationSettings, parameter

__all__ = ["Samples", "draw_samples"]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The samples of a run; every array has one entry a sample.

    Attributes
    ----------
    name, role
        Text; roles are those of the sample sheet.
    sex, stated_sex
        ``F`` or ``M``; `stated_sex` may be wrong, or empty where not stated.
    fraction
        Fraction of all cells that belong to the clone (1 for controls that carry a lesion).
    deleted
        Whether the main gene carries a loss.
    ploidy
        0 ordinary, 1 hyperdiploid, 2 low-hypodiploid.
    bad, low_dna, poor_denaturation, overloaded, failed
        What is wrong with the reaction.
    noise_scale
        Factor on the SD of the noise.
    slope
        Change of ln height per 100 nt.
    amount
        ln of the total signal against the typical sample.
    quantity, denaturation
        Q and D fragments against the benchmark.
    """

    name: TextArray
    role: TextArray
    sex: TextArray
    stated_sex: TextArray
    fraction: FloatArray
    deleted: BoolArray
    ploidy: IntArray
    bad: BoolArray
    low_dna: BoolArray
    poor_denaturation: BoolArray
    overloaded: BoolArray
    failed: BoolArray
    noise_scale: FloatArray
    slope: FloatArray
    amount: FloatArray
    quantity: FloatArray
    denaturation: FloatArray


def _roles(settings: SimulationSettings) -> tuple[TextArray, TextArray]:
    names: list[str] = []
    roles: list[str] = []
    for role, letter, count in (
        ("patient", "P", settings.n_patients),
        ("reference", "REF", settings.n_references),
        ("positive", "POS", settings.n_positive),
        ("no_dna", "NTC", settings.n_no_dna),
    ):
        width = max(2, len(str(count)))
        names += [f"{letter}{number:0{width}d}" for number in range(1, count + 1)]
        roles += [role] * count
    return text_array(names), text_array(roles)


def _choose(of: BoolArray, count: int, rng: np.random.Generator) -> BoolArray:
    """Choose `count` of the samples in `of` (all, where there are fewer)."""
    rank = np.empty(len(of), dtype=np.int64)
    rank[np.argsort(np.where(of, rng.random(len(of)), 2.0), kind="stable")] = np.arange(len(of))
    return of & (rank < min(count, int(of.sum())))


def _between(low: str, high: str, u: FloatArray) -> FloatArray:
    return parameter(low) + (parameter(high) - parameter(low)) * u


def draw_samples(settings: SimulationSettings, rng: np.random.Generator) -> Samples:
    """Draw the samples of a run (see `SimulationSettings` for what each share means)."""
    name, role = _roles(settings)
    n = len(name)
    patient, reference = role == "patient", role == "reference"
    u = rng.random((10, n))
    normal = rng.standard_normal((2, n))
    low, high = settings.clone_fraction
    fraction = np.where(patient, low + (high - low) * u[0], 1.0)

    def some(of: BoolArray, share: float) -> BoolArray:
        return _choose(of, round(share * settings.n_patients), rng)

    deleted = some(patient, settings.fraction_deleted) | (role == "positive")
    failed_reference = _choose(reference, settings.failed_references, rng)
    altered = _choose(reference & ~failed_reference, settings.altered_references, rng)
    hyper = some(patient, settings.hyperdiploid_fraction)
    hypo = some(patient & ~hyper, settings.low_hypodiploid_fraction)
    bad = some(patient, settings.bad_fraction) | failed_reference
    low_dna = some(patient, settings.low_dna_fraction)
    denaturation = some(patient, settings.poor_denaturation_fraction)
    overloaded = some(patient & ~low_dna, settings.overloaded_fraction)
    failed = some(patient & ~low_dna & ~overloaded, settings.failed_fraction)
    sex = np.where(u[1] < 0.5, "F", "M").astype(object)
    other = np.where(sex == "F", "M", "F").astype(object)
    stated = np.where(patient & (u[2] < settings.wrong_sex_rate), other, sex)
    amount = settings.amount_sd * normal[0]
    amount += np.where(low_dna, np.log(_between("low_dna_signal_low", "low_dna_signal_high", u[4])), 0.0)
    amount += np.where(overloaded, np.log(8.0), 0.0)
    slope = settings.slope_mean + settings.slope_sd * normal[1]
    q = np.where(low_dna, _between("low_dna_quantity_low", "low_dna_quantity_high", u[7]),
                 _between("quantity_low", "quantity_high", u[7]))  # fmt: skip
    return Samples(
        name=name, role=role, sex=sex,
        stated_sex=np.where((u[3] < settings.sex_given) & (role != "no_dna"), stated, "").astype(object),
        fraction=fraction, deleted=deleted | altered, ploidy=(hyper + 2 * hypo).astype(np.int64),
        bad=bad, low_dna=low_dna, poor_denaturation=denaturation, overloaded=overloaded, failed=failed,
        noise_scale=settings.noise_scale
        * np.where(bad, _between("bad_noise_low", "bad_noise_high", u[5]), 1.0),
        slope=slope + np.where(bad, _between("bad_slope_low", "bad_slope_high", u[6]), 0.0),
        amount=amount, quantity=q,
        denaturation=np.where(denaturation, _between("denaturation_low", "denaturation_high", u[8]), 1.0),
    )  # fmt: skip
