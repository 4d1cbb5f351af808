"""Ladder assignment on ladders of known truth: complete, damaged, foreign, ambiguous."""

from dataclasses import replace

import numpy as np
import pytest

from mlpa_caller.errors import TraceError, UsageError
from mlpa_caller.formats.abif import parse_trace
from mlpa_caller.formats.trace import Trace
from mlpa_caller.simulate_traces import SimulatedTrace, fsa_bytes, trace_from_peaks
from mlpa_caller.traces import SizingOptions, named_standard, process_trace, size_standards
from mlpa_caller.traces.baseline import baseline, noise
from mlpa_caller.traces.peaks import find_peaks

SIZES = np.arange(130.0, 340.0, 7.0)
STANDARDS = [one.name for one in size_standards()]


def simulated(standard: str, seed: int, named: str = "", **figures: float) -> tuple[Trace, SimulatedTrace]:
    """A trace with peaks every 7 nt, and its truth."""
    rng = np.random.default_rng(seed)
    truth = trace_from_peaks(SIZES, np.full(len(SIZES), 2000.0), np.zeros(len(SIZES), int), rng=rng,
                             standard=standard, parameters=figures)  # fmt: skip
    data = fsa_bytes(truth.channels, sample="s", size_standard=named, off_scale=truth.off_scale)
    return parse_trace(data, "s.fsa"), truth


def with_ladder(trace: Trace, row: np.ndarray) -> Trace:
    """The trace with another signal in the ladder's dye."""
    signal = trace.signal.copy()
    signal[trace.ladder_dye] = row
    return replace(trace, signal=signal, raw=signal)


def bump(trace: Trace, centre: float, height: float, sigma: float = 1.6) -> np.ndarray:
    """A Gaussian peak."""
    return height * np.exp(-0.5 * ((np.arange(trace.scans) - centre) / sigma) ** 2)


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("named", [False, True])
def test_every_standard_is_found_and_sizes_are_right(standard: str, named: bool) -> None:
    trace, truth = simulated(standard, 5, standard if named else "")
    table, report = process_trace(trace)
    mixture = named_standard(standard)
    assert report.ladder == standard
    assert report.size.tolist() == mixture.rungs[mixture.sizing].tolist()
    assert np.abs(report.scan - truth.rung_scan[mixture.sizing]).max() < 1.5
    assert report.verdict == "pass"
    assert ("the file names no size standard" in report.reason) == (not named)
    fam = table.size[table.dye == "6-FAM"]
    nearest = np.array([np.nanmin(np.abs(fam - size)) for size in SIZES])
    assert np.median(nearest) < 0.06
    assert nearest.max() < 0.25


def test_wrong_name_is_noticed() -> None:
    trace, _ = simulated("GS400HD", 6, "GS500ROX")
    _, report = process_trace(trace)
    assert (report.ladder, report.verdict) == ("GS400HD", "warn")
    assert report.reason == "the file names 'GS500ROX' as size standard, but the ladder is GS400HD"


def test_asking_for_the_wrong_standard_is_refused() -> None:
    trace, _ = simulated("GS600LIZ", 7)
    _, report = process_trace(trace, SizingOptions(ladder="GS500"))
    assert report.verdict == "fail"
    assert "GS500" in report.reason


def test_asking_for_the_right_standard_is_granted() -> None:
    trace, _ = simulated("GS600LIZ", 7, "GS500")
    _, report = process_trace(trace, SizingOptions(ladder="gs600liz", ladder_dye="liz"))
    assert (report.ladder, report.verdict) == ("GS600LIZ", "warn")
    part = process_trace(simulated("GS500", 7)[0], SizingOptions(ladder="ABI-LIZ-LESS250-450"))[1]
    assert part.size.max() == 450.0


def test_sizes_of_an_unlisted_mixture_can_be_given() -> None:
    mixture = "55,85,110,145,170,205,230,285,310,365,390,445"
    standard = named_standard(mixture)
    rng = np.random.default_rng(3)
    truth = trace_from_peaks([200.0], [900.0], [0], rng=rng, standard=standard)
    trace = parse_trace(fsa_bytes(truth.channels, sample="s"), "s.fsa")
    assert process_trace(trace)[1].verdict == "fail"
    report = process_trace(trace, SizingOptions(ladder=mixture))[1]
    assert report.sized
    assert report.size.tolist() == standard.rungs.tolist()


def test_one_missing_rung_and_two_foreign_peaks() -> None:
    trace, truth = simulated("GS600LIZ", 8)
    row = trace.signal[4].copy()
    mixture = named_standard("GS600LIZ")
    lost = truth.rung_scan[mixture.rungs.tolist().index(280.0)]
    row[int(lost) - 12 : int(lost) + 13] = 0.0
    row += bump(trace, lost + 95.0, 900.0) + bump(trace, lost + 780.0, 900.0)
    _, report = process_trace(with_ladder(trace, row))
    assert report.verdict == "warn"
    assert report.reason.startswith("1 rung of GS600LIZ missing")
    assert (report.rungs_matched, report.rungs_expected) == (33, 34)
    assert 280.0 not in report.size
    true = truth.rung_scan[np.isin(mixture.rungs, report.size)]
    assert np.abs(report.scan - true).max() < 1.5


def test_sizes_in_a_wide_gap_are_not_guessed() -> None:
    trace, truth = simulated("GS500", 9, "GS500")
    row = trace.signal[4].copy()
    for scan, size in zip(truth.rung_scan, truth.rung_size):
        if size in (200.0, 250.0):
            row[int(scan) - 12 : int(scan) + 13] = 0.0
    table, report = process_trace(with_ladder(trace, row))
    assert report.sized
    assert 200.0 not in report.size
    gap = table.flags[(table.data_point > report.scan[5]) & (table.data_point < report.scan[6])]
    assert report.size[5:7].tolist() == [160.0, 300.0]
    assert all("ladder_gap" in flags for flags in gap)
    assert np.isnan(table.size[["ladder_gap" in flags for flags in table.flags]]).all()


def test_peaks_outside_the_ladder_have_no_size() -> None:
    trace, _ = simulated("GS500", 10)
    table, report = process_trace(trace)
    outside = (table.data_point < report.scan[0]) | (table.data_point > report.scan[-1])
    assert outside.any()
    assert np.isnan(table.size[outside]).all()
    assert np.isnan(table.size_error[outside]).all()
    assert all("outside_ladder" in flags for flags in table.flags[outside])
    assert np.isfinite(table.size[~outside]).all()
    assert not any("outside_ladder" in flags for flags in table.flags[~outside])


# -- refusals, each with its reason -----------------------------------------------------------------------------


def refused(trace: Trace, options: SizingOptions | None = None) -> str:
    """The reason of a trace that must be refused; its peaks carry no size."""
    table, report = process_trace(trace, options)
    assert report.verdict == "fail"
    assert not report.sized
    assert np.isnan(table.size).all()
    assert all("not_sized" in flags for flags in table.flags)
    assert np.isnan([report.residual_median, report.residual_max]).all()
    assert len(report.size) == 0
    return report.reason


def test_no_ladder_at_all() -> None:
    trace, _ = simulated("GS500", 11)
    silent = with_ladder(trace, np.zeros(trace.scans))
    assert refused(silent).startswith(
        "no size standard: dye LIZ has no peaks; name the size standard with --ladder"
    )


def test_ladder_too_low() -> None:
    trace, _ = simulated("GS500", 12, ladder_height=110.0, ladder_spread=0.0)
    reason = refused(trace)
    assert reason.startswith("ladder too low: the lowest rung of GS500 has 1")
    assert "where 150 are asked for" in reason
    assert "inject again with more size standard, or lower --min-ladder-height" in reason
    assert process_trace(trace, SizingOptions(min_ladder_height=60.0))[1].sized


def test_short_run_needs_a_name() -> None:
    trace, truth = simulated("GS400HD", 13)
    end = int(truth.rung_scan[6]) + 30  # the rungs 50 to 160
    short = replace(
        trace, signal=trace.signal[:, :end], raw=trace.raw[:, :end], restored=trace.restored[:, :end]
    )
    assert refused(short).startswith(
        "only 7 rungs of GS400HD are found where 13 are asked for; name the size standard"
    )
    named = process_trace(replace(short, size_standard="GS400HD"))[1]
    assert named.sized
    assert named.size.tolist() == [50, 60, 90, 100, 120, 150, 160]
    assert process_trace(short, SizingOptions(ladder="GS400HD"))[1].size.tolist() == named.size.tolist()


def test_a_stretch_of_even_spacing_is_not_believed() -> None:
    """The rungs 320 to 400 of GeneScan 600 look like 220 to 300, 120 to 200, ...: no reading is certain."""
    trace, truth = simulated("GS600LIZ", 14, "GS600LIZ")
    rungs = named_standard("GS600LIZ").rungs.tolist()
    first, last = (int(truth.rung_scan[rungs.index(size)]) for size in (320.0, 400.0))
    row = np.where(
        (np.arange(trace.scans) > first - 20) & (np.arange(trace.scans) < last + 20), trace.signal[4], 0.0
    )
    refused(with_ladder(trace, row))


def without(trace: Trace, truth: SimulatedTrace, *sizes: float) -> Trace:
    """The trace without some rungs."""
    row = trace.signal[4].copy()
    for scan, size in zip(truth.rung_scan, truth.rung_size):
        if size in sizes:
            row[int(scan) - 12 : int(scan) + 13] = 0.0
    return with_ladder(trace, row)


def test_many_missing_rungs() -> None:
    trace, truth = simulated("GS600LIZ", 15, "GS600LIZ")
    reason = refused(without(trace, truth, 160, 180, 340, 360, 460, 480))
    assert reason.startswith("6 rungs of GS600LIZ are missing between 60 and 600 nt; name the size standard")
    assert process_trace(without(trace, truth, 160, 180, 340, 360))[1].rungs_matched == 30


def test_an_end_rung_that_nothing_vouches_for_is_not_used() -> None:
    trace, truth = simulated("GS500", 25, "GS500")
    assert process_trace(without(trace, truth, 75))[1].size.tolist()[:2] == [100.0, 139.0]
    assert process_trace(without(trace, truth, 490))[1].size.tolist()[-2:] == [400.0, 450.0]


@pytest.mark.parametrize("off", [-2.0, -1.45, 1.45, 2.0])
def test_a_rung_out_of_its_place_is_not_used(off: float) -> None:
    trace, truth = simulated("GS600LIZ", 26, "GS600LIZ")
    bare = without(trace, truth, 300)
    place = float(np.interp(300.0 + off, truth.rung_size, truth.rung_scan))
    _, report = process_trace(with_ladder(bare, bare.signal[4] + bump(trace, place, 900.0)))
    assert report.verdict == "warn"
    assert 300.0 not in report.size
    assert report.rungs_matched == 33


def test_many_foreign_peaks() -> None:
    trace, truth = simulated("GS500", 16, "GS500")
    places = np.interp([213.0, 224.0, 235.0, 264.0, 275.0, 287.0], truth.rung_size, truth.rung_scan)
    row = trace.signal[4] + sum(bump(trace, scan, 900.0) for scan in places)
    reason = refused(with_ladder(trace, row))
    assert reason.startswith("6 peaks as high as rungs of GS500 are none of them; name the size standard")
    fewer = trace.signal[4] + sum(bump(trace, scan, 900.0) for scan in places[:4])
    assert process_trace(with_ladder(trace, fewer))[1].size.tolist() == process_trace(trace)[1].size.tolist()


def test_two_readings_that_fit_alike() -> None:
    """From 275 to 475 nt the rungs of ILS 600 stand every 25 nt: a run that shows no more could begin anywhere."""
    trace, truth = simulated("ILS600", 24, "ILS600")
    first, last = (int(np.interp(size, truth.rung_size, truth.rung_scan)) for size in (275.0, 475.0))
    part = slice(first - 40, last + 40)
    short = replace(trace, signal=trace.signal[:, part], raw=trace.raw[:, part], restored=trace.restored[:, part],
                    off_scale=trace.off_scale[:0])  # fmt: skip
    assert refused(short).startswith("two readings fit alike: ILS600 from")


def test_the_end_of_the_ladder_missing() -> None:
    trace, truth = simulated("GS500", 17, "GS500")
    row = np.where(np.arange(trace.scans) < truth.rung_scan[12] + 30, trace.signal[4], 0.0)  # up to 400 nt
    assert refused(with_ladder(trace, row)).startswith(
        "no rung of GS500 is found above 400 nt, where the run should"
    )


def test_the_shorter_product_is_told_from_the_longer() -> None:
    trace, truth = simulated("GS500", 17, "GS500")
    row = np.where(np.arange(trace.scans) < truth.rung_scan[11] + 30, trace.signal[4], 0.0)  # up to 350 nt
    report = process_trace(with_ladder(trace, row))[1]
    assert (report.ladder, report.verdict, report.size.max()) == ("GS350", "warn", 350.0)


def test_the_beginning_of_the_ladder_missing() -> None:
    trace, truth = simulated("GS600LIZ", 18, "GS600LIZ")
    first = truth.rung_scan[named_standard("GS600LIZ").rungs.tolist().index(140.0)]
    row = np.where(np.arange(trace.scans) > first - 30, trace.signal[4], 0.0)
    assert refused(with_ladder(trace, row)).startswith(
        "no rung of GS600LIZ is found below 140 nt, where the run"
    )


def test_ladder_in_another_dye() -> None:
    trace, _ = simulated("GS500", 19, "GS500")
    wrong = replace(trace, ladder_dye=1, ladder_dye_from="last dye")
    _, report = process_trace(wrong)
    assert (report.ladder_dye, report.verdict) == ("LIZ", "warn")
    assert report.reason == "the size standard was found in dye LIZ, not in VIC"
    refused(replace(wrong, ladder_dye_from="marked"))
    refused(trace, SizingOptions(ladder_dye="2"))


def test_a_dye_the_file_has_not() -> None:
    trace, _ = simulated("GS500", 20)
    with pytest.raises(
        TraceError, match=r"has no dye 'ROX'; give one of 6-FAM, VIC, NED, PET, LIZ as --ladder-dye"
    ):
        process_trace(trace, SizingOptions(ladder_dye="ROX"))
    with pytest.raises(TraceError, match="has no dye '6'"):
        process_trace(trace, SizingOptions(ladder_dye="6"))


# -- invariances ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_brightness_does_not_matter(factor: float) -> None:
    trace, _ = simulated("GS600LIZ", 21)
    plain = process_trace(trace)[1]
    bright = process_trace(replace(trace, signal=factor * trace.signal, raw=factor * trace.raw))[1]
    assert bright.scan.tolist() == plain.scan.tolist()


def test_offset_and_drift_do_not_matter() -> None:
    trace, _ = simulated("GS500", 22)
    plain_table, plain = process_trace(trace)
    drift = 4100.0 + 500.0 * np.linspace(0.0, 1.0, trace.scans)
    table, report = process_trace(replace(trace, signal=trace.signal + drift, raw=trace.raw + drift))
    assert np.abs(report.scan - plain.scan).max() <= 1
    high = plain_table.height > 300.0
    heights = {(d, p): h for d, p, h in zip(table.dye, table.data_point, table.height)}
    pairs = [(heights[d, p], h) for d, p, h in zip(plain_table.dye[high], plain_table.data_point[high],
                                                   plain_table.height[high]) if (d, p) in heights]  # fmt: skip
    assert len(pairs) > 0.95 * high.sum()
    assert np.median([abs(a - b) for a, b in pairs]) < 10.0


# -- peaks ------------------------------------------------------------------------------------------------------


def test_peaks_of_known_shape() -> None:
    rng = np.random.default_rng(1)
    x = np.arange(4000)
    centres, heights, sigmas = (
        [500.0, 900.0, 921.0, 2000.0],
        [1000.0, 400.0, 150.0, 5000.0],
        [2.0, 3.0, 3.0, 6.0],
    )
    clean = sum(h * np.exp(-0.5 * ((x - c) / s) ** 2) for c, h, s in zip(centres, heights, sigmas))
    signal = clean + rng.normal(0.0, 2.0, len(x))
    found = find_peaks(signal, 2.0)
    assert np.abs(found.data_point - centres).max() <= 1
    assert np.allclose(found.height, heights, atol=8.0)
    assert np.allclose(found.width, 2.3548 * np.array(sigmas), rtol=0.1)
    # a Gaussian has the area height x sigma x sqrt(2 pi)
    assert np.allclose(found.area, np.array(heights) * np.array(sigmas) * 2.5066, rtol=0.06)


def test_flat_top_is_sized_in_its_middle() -> None:
    x = np.arange(1000)
    signal = np.minimum(9000.0 * np.exp(-0.5 * ((x - 500.0) / 6.0) ** 2), 4000.0)
    found = find_peaks(signal, 1.0)
    assert found.data_point.tolist() == [500]
    assert found.flat.tolist() == [True]


def test_baseline_follows_drift_and_ignores_peaks_and_dips() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(6000)
    drift = 4100.0 + 300.0 * np.sin(x / 1500.0)
    peaks = sum(3000.0 * np.exp(-0.5 * ((x - c) / 5.0) ** 2) for c in range(700, 5600, 90))
    dip = -200.0 * np.exp(-0.5 * ((x - 3000.0) / 8.0) ** 2)
    signal = (drift + peaks + dip + rng.normal(0.0, 3.0, len(x)))[None, :]
    sigma = noise(signal)
    assert 2.0 < sigma[0] < 6.0
    off = baseline(signal, sigma)[0] - drift
    assert np.abs(off[200:-200]).max() < 30.0
    assert abs(np.median(off)) < 5.0


def test_flags_of_peaks() -> None:
    x = np.arange(6000)
    trace, truth = simulated(
        "GS500", 23, noise=1.0, primer_height=1.0, bleed=0.0, shoulder_low=0.1, shoulder_high=0.1
    )
    signal = trace.signal.copy()
    centre = float(truth.scan[10])
    signal[1] += bump(trace, centre, 100.0)  # 5 % of the peak of 6-FAM there
    signal[2] += bump(trace, centre + 4.0 * 8.0, 900.0, 9.0)  # three times too broad
    signal[3, int(centre) - 400] += 800.0  # one scan only
    changed = replace(trace, signal=signal, raw=signal, off_scale=np.array([int(truth.scan[3])]))
    table, _ = process_trace(changed)

    def flags(dye: str, scan: float) -> str:
        near = (table.dye == dye) & (np.abs(table.data_point - scan) <= 2)
        assert near.sum() == 1
        return str(table.flags[near][0])

    assert flags("6-FAM", centre) == ""
    assert flags("VIC", centre) == "bleed_through"
    assert "broad" in flags("NED", centre + 32.0)
    assert "spike" in flags("PET", int(centre) - 400)
    assert "off_scale" in flags("6-FAM", truth.scan[3])
    cut = np.minimum(trace.signal, 1100.0)  # saturation the file does not tell of
    flat, _ = process_trace(replace(trace, signal=cut, raw=cut, off_scale=trace.off_scale[:0]))
    high = (flat.dye == "6-FAM") & (flat.height > 1000.0)
    assert high.sum() == len(SIZES)
    assert all("off_scale" in flags for flags in flat.flags[high])
    shoulders = [text for text in table.flags[table.dye == "6-FAM"] if text == "shoulder"]
    assert len(shoulders) > 0.7 * len(SIZES)
    del x


def test_nothing_to_find_in_noise() -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        noise_only = rng.normal(0.0, 5.0, (5, 6000))
        trace, _ = simulated("GS500", 1)
        empty = replace(trace, signal=noise_only, raw=noise_only, restored=np.zeros((5, 6000), bool),
                        off_scale=np.empty(0, dtype=np.int64))  # fmt: skip
        assert process_trace(empty)[1].verdict == "fail"


def test_simulation_checks_what_it_is_given() -> None:
    rng = np.random.default_rng(5)
    with pytest.raises(UsageError, match=r"lies outside the ladder \(50 to 500 nt\)"):
        trace_from_peaks([700.0], [1.0], [0], rng=rng)
    with pytest.raises(UsageError, match="lies in none of 5 dyes"):
        trace_from_peaks([100.0], [1.0], [5], rng=rng)
    with pytest.raises(UsageError, match="is not positive"):
        trace_from_peaks([100.0], [0.0], [0], rng=rng)
    with pytest.raises(UsageError, match="differ in number"):
        trace_from_peaks([100.0], [1.0, 2.0], [0], rng=rng)
    with pytest.raises(UsageError, match="exceed 16 bits"):
        fsa_bytes(np.full((1, 600), 40_000), ("A",), sample="s")
    with pytest.raises(UsageError, match="differ in number"):
        fsa_bytes(np.zeros((2, 600)), ("A",), sample="s")
