"""The simulated signal follows the stated model, and its truth is the truth."""

from __future__ import annotations

import numpy as np
import pytest

from mlpa_caller.datatypes import Missing
from mlpa_caller.errors import UsageError
from mlpa_caller.panel import load_panel
from mlpa_caller.simulate import SimulationSettings, simulate_signals, synthetic_panel

DEMO = load_panel("demo-synthetic")
QUIET = {"noise_scale": 0.0, "efficiency_sd": 0.0, "amount_sd": 0.0, "slope_sd": 0.0}


def copies_from_truth(simulation):
    """Focal and chromosomal copies of the target probes, added up row by row from the truth table."""
    panel = simulation.panel
    out = np.full((len(simulation.signals.samples), len(panel)), 2.0)
    columns = simulation.truth.columns
    for k in range(len(simulation.truth)):
        sample = simulation.signals.samples.index(columns["sample"][k])
        region = next(r for r in panel.regions if columns["gene"][k] in r.genes)
        units = [(gene, label) for gene, label in zip(region.unit_gene, region.unit_label)]
        first = units.index((columns["gene"][k], columns["first_exon"][k]))
        last = units.index((columns["gene"][k], columns["last_exon"][k]))
        for probe, unit in zip(region.probes, region.unit):
            if first <= unit <= last and region.unit_gene[unit] == columns["gene"][k]:
                out[sample, probe] -= columns["copies_lost"][k] * columns["clone_fraction"][k]
    return np.maximum(out, 0.0)


def test_same_seed_same_run_and_another_seed_another():
    a, b, c = (simulate_signals(DEMO, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(a.signals.height, b.signals.height)
    for name, column in a.truth.columns.items():
        np.testing.assert_array_equal(column, b.truth.columns[name])
    assert not np.array_equal(a.signals.height, c.signals.height, equal_nan=True)
    d = simulate_signals(DEMO, seed=np.random.default_rng(5))
    np.testing.assert_array_equal(a.signals.height, d.signals.height)


def test_height_without_noise_is_the_stated_formula():
    # ln h = level + slope (L - 300) / 100 + 0.9 ln(c / 2); the level makes the median target or reference
    # probe 3000 high
    settings = SimulationSettings(**QUIET, n_no_dna=0, clone_fraction=(0.5, 0.5), minimum_height=1e-9)
    simulation = simulate_signals(DEMO, settings, seed=2)
    plain = DEMO.is_role("target", "reference")
    lengths = [length for length, own in zip(DEMO.length, plain) if own]
    level = np.log(3000.0) + 0.45 * (float(np.median(lengths)) - 300.0) / 100.0
    for i in range(len(simulation.signals.samples)):
        for j in np.flatnonzero(plain):
            expected = np.exp(
                level - 0.45 * (DEMO.length[j] - 300.0) / 100.0 + 0.9 * np.log(simulation.copies[i, j] / 2.0)
            )
            assert simulation.signals.height[i, j] == pytest.approx(expected, rel=1e-12)
    # half of the cells lost one of two copies: 1.5 copies
    assert set(np.unique(simulation.copies[:, plain])) == {1.5, 2.0}


@pytest.mark.parametrize(("scale", "dof"), [(1.0, 15.0), (2.0, float("inf"))])
def test_noise_has_the_stated_size_and_shape(scale, dof):
    settings = SimulationSettings(
        n_patients=6000, fraction_deleted=0.0, noise_scale=scale, noise_dof=dof, efficiency_sd=0.0,
        amount_sd=0.0, slope_sd=0.0, between_dna_sd=0.0, slope_mean=-0.2, n_references=0, n_no_dna=0,
    )  # fmt: skip
    panel = synthetic_panel(controls=False)
    noisy = simulate_signals(panel, settings, seed=3).signals.height
    expected = np.exp(np.median(np.log(noisy), axis=0))
    z = np.log(noisy / expected) / (scale * np.sqrt(0.027**2 + 5.0 / expected))
    assert z.std() == pytest.approx(1.0, abs=0.01)
    # excess kurtosis of Student t is 6 / (dof - 4): 0.545 at 15, 0 for a normal distribution
    kurtosis = np.mean(z**4) / np.mean(z**2) ** 2 - 3.0
    assert kurtosis == pytest.approx(6.0 / 11.0 if dof == 15.0 else 0.0, abs=0.12)


def test_differences_between_dnas_come_on_top():
    base = {"n_patients": 4000, "fraction_deleted": 0.0, "efficiency_sd": 0.0, "amount_sd": 0.0,
            "slope_sd": 0.0, "n_no_dna": 0, "cv0": 0.0, "poisson": 1e-12}  # fmt: skip
    panel = synthetic_panel(controls=False)
    height = simulate_signals(panel, SimulationSettings(**base), seed=3).signals.height
    assert np.log(height).std(axis=0).mean() == pytest.approx(0.026, rel=0.03)


def test_slopes_have_the_stated_mean_and_spread():
    simulation = simulate_signals(
        DEMO, SimulationSettings(n_patients=4000, fraction_deleted=0.0, noise_scale=0.0), seed=3
    )
    own = DEMO.is_role("target", "reference")
    rows = simulation.role == "patient"
    slope = np.polyfit((DEMO.length[own] - 300) / 100, np.log(simulation.signals.height[rows][:, own]).T, 1)[
        0
    ]
    assert slope.std() == pytest.approx(0.05, rel=0.05)
    truth = simulation.sample_truth.columns["slope"][rows]
    assert np.ptp(slope - truth) < 1e-9  # all that differs is the efficiency of the probes
    assert truth.mean() == pytest.approx(-0.45, abs=0.004)


@pytest.mark.parametrize("seed", range(3))
def test_truth_table_adds_up_to_the_copies(seed):
    settings = SimulationSettings(
        other_gene_rate=0.4, homozygous_rate=0.3, nested_rate=0.4, gain_rate=0.3, shared_clone=False,
        subclonal_rate=0.3, hyperdiploid_fraction=0.2, low_hypodiploid_fraction=0.2,
    )  # fmt: skip
    simulation = simulate_signals(DEMO, settings, seed=seed)
    target = DEMO.is_role("target")
    np.testing.assert_allclose(
        simulation.copies[:, target], copies_from_truth(simulation)[:, target], atol=1e-12
    )
    changed = np.sign(np.round(simulation.copies - 2.0, 12))
    np.testing.assert_array_equal(changed[:, target], simulation.altered[:, target])
    kinds = set(simulation.truth.columns["kind"])
    assert kinds == {"loss", "gain", "chromosome"}
    assert set(simulation.truth.columns["allele"]) == {"", "1", "2", "both"}


def test_share_of_deleted_patients_is_exact_and_clones_stay_in_range():
    simulation = simulate_signals(DEMO, SimulationSettings(n_patients=31, fraction_deleted=0.35), seed=1)
    assert len(simulation.truth) == 11  # 0.35 x 31 = 10.85
    f = simulation.truth.columns["clone_fraction"]
    assert f.min() >= 0.30
    assert f.max() <= 0.95


def test_cohort_spectrum_is_that_of_patients():
    simulation = simulate_signals(DEMO, SimulationSettings(n_patients=20000, fraction_deleted=1.0), seed=1)
    columns = simulation.truth.columns
    ranges = [f"{a}-{b}" for a, b in zip(columns["first_exon"], columns["last_exon"])]
    shares = {name: ranges.count(name) / 20000 for name in set(ranges)}
    assert len(shares) == 36
    for name, share in (("1-8", 0.31), ("4-7", 0.33), ("2-7", 0.08), ("2-8", 0.045)):
        assert shares[name] == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20000))
    # the remaining 10.5 % are spread over the other 30 ranges
    assert shares["3-5"] == pytest.approx(0.105 / 30, abs=0.0018)


def test_uniform_spectrum_of_any_gene():
    panel = synthetic_panel(n_exons=10, probes_per_exon=2, genes=("NEWGENE",), spacing=5)
    settings = SimulationSettings(n_patients=11000, fraction_deleted=1.0, spectrum="uniform")
    columns = simulate_signals(panel, settings, seed=1).truth.columns
    ranges = [f"{a}-{b}" for a, b in zip(columns["first_exon"], columns["last_exon"])]
    assert len(set(ranges)) == 55
    counts = np.array([ranges.count(name) for name in set(ranges)])
    assert ((counts - 200) ** 2 / 200).sum() < 100  # chi-squared with 54 degrees of freedom: p < 0.0002 above


def test_hyperdiploid_clone_gains_its_chromosomes_and_leaves_unknown_ones_alone():
    settings = SimulationSettings(fraction_deleted=0.0, hyperdiploid_fraction=1.0, n_references=0, n_no_dna=0)
    simulation = simulate_signals(DEMO, settings, seed=1)
    f = simulation.sample_truth.columns["clone_fraction"]
    for probe, expected in (("REF-4a", 2 + f), ("REF-14a", 2 + f), ("REF-18a", 2 + f), ("REF-2a", 2 + 0 * f),
                            ("IKZF1-e04", 2 + 0 * f), ("CRLF2-e04", 2 + f), ("Q-64", 2 + 0 * f)):  # fmt: skip
        np.testing.assert_allclose(simulation.copies[:, DEMO.probes.index(probe)], expected)
    assert set(simulation.truth.columns["gene"]) == {"SHOX", "CRLF2", "CSF2RA", "IL3RA", "P2RY8"}
    assert set(simulation.truth.columns["copies_lost"]) == {-1}


def test_low_hypodiploid_clone_loses_all_of_ikzf1():
    settings = SimulationSettings(low_hypodiploid_fraction=1.0, n_references=0, n_no_dna=0)
    simulation = simulate_signals(DEMO, settings, seed=1)
    columns = simulation.truth.columns
    assert set(columns["gene"]) == {"IKZF1"}
    assert set(zip(columns["first_exon"], columns["last_exon"], columns["kind"])) == {
        ("1", "8", "chromosome")
    }


def test_homozygous_loss_of_all_cells_leaves_no_peak():
    settings = SimulationSettings(fraction_deleted=1.0, homozygous_rate=1.0, clone_fraction=(1.0, 1.0))
    simulation = simulate_signals(DEMO, settings, seed=1)
    gone = simulation.copies[:, :8][simulation.role == "patient"] == 0
    assert gone.any()
    missing = simulation.signals.missing[:, :8][simulation.role == "patient"]
    assert (missing[gone] == Missing.NO_PEAK).all()
    assert (missing[~gone] == Missing.PRESENT).all()


def test_nested_loss_lies_within_the_first_on_the_other_allele():
    settings = SimulationSettings(n_patients=300, fraction_deleted=1.0, nested_rate=1.0)
    columns = simulate_signals(DEMO, settings, seed=4).truth.columns
    first = {
        name: (int(a), int(b))
        for name, a, b, allele in zip(
            columns["sample"], columns["first_exon"], columns["last_exon"], columns["allele"]
        )
        if allele == "1"
    }
    second = [
        (name, int(a), int(b))
        for name, a, b, allele in zip(
            columns["sample"], columns["first_exon"], columns["last_exon"], columns["allele"]
        )
        if allele == "2"
    ]
    assert len(second) > 250  # ranges of one exon have none
    for name, a, b in second:
        assert first[name][0] <= a <= b <= first[name][1]
        assert (a, b) != first[name]


def test_sex_fragments_follow_the_true_sex():
    simulation = simulate_signals(
        DEMO, SimulationSettings(n_patients=60, wrong_sex_rate=0.3, **QUIET), seed=1
    )
    true = simulation.sample_truth.columns["sex"]
    dna = simulation.role != "no_dna"
    x, y = (DEMO.probes.index(name) for name in ("X-100", "Y-105"))
    height = simulation.signals.height
    assert np.isnan(height[dna & (true == "F"), y]).all()
    assert np.isfinite(height[dna & (true == "M"), y]).all()
    ratio = height[dna & (true == "M"), x].mean() / height[dna & (true == "F"), x].mean()
    assert ratio == pytest.approx(0.5**0.9)
    stated = simulation.sex[simulation.role == "patient"]
    wrong = (stated != true[simulation.role == "patient"]).sum()
    assert 8 <= wrong <= 28  # 60 x 0.3 = 18, SD 3.5
    # PAR1 genes have two copies in both sexes
    assert (simulation.copies[:, DEMO.probes.index("CRLF2-e04")] == 2).all()


def test_control_fragments_tell_what_went_wrong():
    settings = SimulationSettings(low_dna_fraction=0.2, poor_denaturation_fraction=0.2)
    simulation = simulate_signals(DEMO, settings, seed=1)
    height, columns = simulation.signals.height, simulation.sample_truth.columns
    dna = simulation.role != "no_dna"
    q = np.nanmedian(height[:, DEMO.is_role("quantity")], axis=1)
    d = height[:, DEMO.is_role("denaturation")].mean(axis=1)
    benchmark = height[:, DEMO.probes.index("B-92")]
    little, poor = columns["low_dna"] == "yes", columns["poor_denaturation"] == "yes"
    assert little.sum() == poor.sum() == 6
    assert (q[little] > benchmark[little] / 3).all()
    assert (q[dna & ~little] < benchmark[dna & ~little] / 3).all()
    assert (d[poor] < 0.4 * benchmark[poor]).all()
    assert (d[dna & ~poor] > 0.5 * benchmark[dna & ~poor]).all()
    # the control without DNA has Q fragments only
    assert np.isfinite(height[~dna][:, DEMO.is_role("quantity")]).all()
    assert np.isnan(height[~dna][:, ~DEMO.is_role("quantity")]).all()


def test_overloaded_and_failed_reactions():
    simulation = simulate_signals(
        DEMO, SimulationSettings(overloaded_fraction=0.2, failed_fraction=0.1), seed=1
    )
    height, columns = simulation.signals.height, simulation.sample_truth.columns
    over, failed = columns["overloaded"] == "yes", columns["failed"] == "yes"
    assert (over.sum(), failed.sum()) == (6, 3)
    assert np.isnan(height[failed][:, DEMO.is_role("target", "reference")]).all()
    assert simulation.signals.off_scale[over].any(axis=1).all()
    assert (height[simulation.signals.off_scale] == 32000).all()


def test_bad_reactions_are_steeper_and_noisier():
    simulation = simulate_signals(
        DEMO, SimulationSettings(n_patients=400, bad_fraction=0.5, failed_references=2), seed=1
    )
    columns = simulation.sample_truth.columns
    bad = columns["bad_reaction"] == "yes"
    assert bad[simulation.role == "patient"].sum() == 200
    assert bad[simulation.role == "reference"].sum() == 2
    difference = columns["slope"][bad].mean() - columns["slope"][~bad].mean()
    assert difference == pytest.approx(-0.145, abs=0.015)  # the middle of -0.12 and -0.17
    assert 1.6 <= columns["noise_scale"][bad].min() <= columns["noise_scale"][bad].max() <= 2.0
    assert set(columns["noise_scale"][~bad]) == {1.0}


def test_changes_of_single_probes_are_told_apart_from_lesions():
    settings = SimulationSettings(
        n_patients=200, fraction_deleted=0.0, single_probe_variant_rate=0.2, reference_probe_rate=0.2
    )
    simulation = simulate_signals(DEMO, settings, seed=1)
    assert len(simulation.truth) == 0
    assert not simulation.altered.any()
    columns = simulation.probe_truth.columns
    for sample, probe, kind, fraction in zip(
        columns["sample"], columns["probe"], columns["kind"], columns["clone_fraction"]
    ):
        i, j = simulation.signals.samples.index(sample), DEMO.probes.index(probe)
        assert DEMO.role[j] == {"probe_variant": "target", "reference_loss": "reference"}[kind]
        assert simulation.copies[i, j] == pytest.approx(2.0 - fraction)
    assert 50 < len(simulation.probe_truth) < 110  # 80 expected, SD 8


def test_controls_and_altered_references_carry_a_loss_in_all_cells():
    settings = SimulationSettings(n_positive=2, altered_references=1, fraction_deleted=0.0)
    simulation = simulate_signals(DEMO, settings, seed=1)
    names, fractions = simulation.truth.columns["sample"], simulation.truth.columns["clone_fraction"]
    assert [name[:3] for name in names] == ["REF", "POS", "POS"]
    assert set(fractions) == {1.0}


def test_blast_fractions_are_stated_where_asked_for():
    simulation = simulate_signals(DEMO, SimulationSettings(n_patients=500, blast_given=0.6), seed=1)
    stated = simulation.blast_fraction[simulation.role == "patient"]
    true = simulation.sample_truth.columns["clone_fraction"][simulation.role == "patient"]
    given = np.isfinite(stated)
    assert 0.53 < given.mean() < 0.67
    assert (stated[given] - true[given]).std() == pytest.approx(0.05, rel=0.2)
    assert np.isnan(simulation.blast_fraction[simulation.role != "patient"]).all()


def test_gains_and_lesions_elsewhere_need_no_main_gene():
    settings = SimulationSettings(fraction_deleted=0.0, gain_rate=1.0, other_gene_rate=0.0, n_patients=5)
    simulation = simulate_signals(DEMO, settings, seed=1)
    assert set(simulation.truth.columns["kind"]) == {"gain"}
    assert set(simulation.truth.columns["gene"]) >= {"IKZF1", "EBF1", "RB1"}
    other = simulate_signals(DEMO, SimulationSettings(gene="RB1"), seed=1)
    assert set(other.truth.columns["gene"]) == {"RB1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clone_fraction": (0.9, 0.3)}, "clone fraction 0.9 to 0.3 is not a range"),
        ({"clone_fraction": (0.0, 0.3)}, "not a range"),
        ({"spectrum": "other"}, "spectrum 'other' is unknown"),
        ({"fraction_deleted": 1.5}, "fraction_deleted is 1.5"),
        ({"hyperdiploid_fraction": float("nan")}, "hyperdiploid_fraction is nan"),
        ({"n_patients": -1}, "n_patients is -1"),
        ({"median_height": 0.0}, "median_height is 0"),
        ({"noise_dof": 2.0}, "noise_dof is 2"),
        ({"noise_scale": -1.0}, "noise_scale is -1"),
        ({"failed_references": 3, "altered_references": 3}, "more references are to be failed"),
        ({"n_patients": 0, "n_references": 0, "n_no_dna": 0}, "the run has no samples"),
    ],
)
def test_settings_that_make_no_run_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        SimulationSettings(**changes)


def test_unknown_gene_is_refused():
    with pytest.raises(UsageError, match="has no gene BRCA1; choose one of IKZF1, EBF1"):
        simulate_signals(DEMO, SimulationSettings(gene="BRCA1"))


def test_synthetic_panel_fits_on_a_capillary():
    panel = synthetic_panel(n_exons=8, probes_per_exon=2, n_references=13)
    assert panel.is_role("target").sum() == 16
    assert len(panel.regions[0].unit_label) == 8
    assert len(set(panel.length)) == len(panel)
    with pytest.raises(UsageError, match=r"reach .* nt; ask for fewer probes"):
        synthetic_panel(n_exons=60, probes_per_exon=2)
