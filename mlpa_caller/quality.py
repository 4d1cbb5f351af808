"""What each step measured, turned into a verdict for every sample and for the run.

``pass``: nothing stands out. ``warn``: called, but look at the reasons. ``fail``: the sample cannot answer; its genes
are not evaluable. Every limit is a row of ``reference/priors/quality.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpa_caller.datatypes import (
    BoolArray,
    FloatArray,
    Missing,
    Ratios,
    Signals,
    Table,
    TextArray,
    text_array,
)
from mlpa_caller.fits import nanmedian
from mlpa_caller.panel import Panel
from mlpa_caller.settings import Settings

__all__ = ["Quality", "assess"]

FAIL, WARN = 2, 1


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Verdicts of a run.

    Attributes
    ----------
    table
        The quality table: ``sample, role, verdict, reasons`` and the figures.
    failed, doubtful
        ``(samples,)`` verdict ``fail``, verdict ``warn``.
    run
        ``verdict`` and ``reasons`` of the run, ready for JSON.
    """

    table: Table
    failed: BoolArray
    doubtful: BoolArray
    run: Mapping[str, Any]


class _Findings:
    """Collects reasons sample by sample, with the worst level seen."""

    def __init__(self, n_samples: int) -> None:
        self.level = np.zeros(n_samples, dtype=np.int64)
        self.reasons: list[list[str]] = [[] for _ in range(n_samples)]

    def add(self, where: BoolArray, level: int, text: str, *values: FloatArray) -> None:
        """Note `text`, formatted with each sample's `values`, wherever `where` is True."""
        for row in np.flatnonzero(where):
            self.level[row] = max(int(self.level[row]), level)
            self.reasons[row].append(text.format(*(value[row] for value in values)))


def assess(
    signals: Signals,
    ratios: Ratios,
    panel: Panel,
    roles: TextArray,
    sex: TextArray,
    settings: Settings,
    *,
    extra: Mapping[str, FloatArray] | None = None,
    contradicted: Mapping[str, str] | None = None,
    doubted: Mapping[str, str] | None = None,
    remarks: Mapping[str, tuple[str, str]] | None = None,
) -> Quality:
    """Judge every sample and the run.

    Parameters
    ----------
    signals, ratios, panel
        Of the run.
    roles, sex
        ``(samples,)`` as in the sample sheet.
    settings
        Limits.
    extra
        Further figures by name, each ``(samples,)``, shown but not judged here.
    contradicted
        Reference samples, by name, that were left out because the caller found them altered.
    doubted
        Reference samples that may be altered and are kept.
    remarks
        By sample, a verdict reached before and its reason.

    Returns
    -------
    Quality
    """
    limits = settings.quality
    figures = _figures(signals, ratios, panel)
    findings = _Findings(len(roles))
    is_control = np.array([role == "no_dna" for role in roles], dtype=np.bool_)
    dna = ~is_control
    _judge_noise(findings, figures, dna, panel, ratios, limits)
    _judge_signal(findings, figures, dna, panel, limits)
    _judge_controls(findings, figures, dna, sex, limits)
    _judge_copies(findings, signals, dna)
    names = text_array(signals.samples)
    for name, why in ratios.left_out.items():
        findings.add(names == name, FAIL, _literal("unfit as a reference: " + why))
    for name, why in (contradicted or {}).items():
        findings.add(names == name, WARN, _literal("not used as a reference: " + why))
    for name, why in (doubted or {}).items():
        findings.add(names == name, WARN, _literal("kept as a reference, but " + why))
    for name, (reached, why) in (remarks or {}).items():
        findings.add(names == name, FAIL if reached == "fail" else WARN, _literal(why))
    used = ratios.reference_samples
    reference_height = nanmedian(figures["median_height"][None, used], axis=1)[0] if used.any() else np.nan
    dirty = is_control & (figures["median_height"] > limits["no_dna_share"] * reference_height)
    findings.add(
        dirty, FAIL, "the no-DNA control has probe peaks (median height {:.0f})", figures["median_height"]
    )
    verdict = np.array(["pass", "warn", "fail"], dtype=object)[findings.level]
    columns: dict[str, Any] = {
        "sample": names,
        "role": roles,
        "verdict": verdict,
        "reasons": text_array(["; ".join(reasons) for reasons in findings.reasons]),
    }
    columns.update(figures)
    columns.update(extra or {})
    run = _judge_run(ratios, roles, dirty, limits, contradicted or {}, doubted or {})
    return Quality(Table(columns, _DECIMALS), findings.level == FAIL, findings.level == WARN, run)


_DECIMALS = {
    "median_height": 0,
    "lowest_reference_height": 0,
    "missing_reference_probes": 0,
    "aberrant_reference_probes": 0,
    "missing_probes": 0,
    "off_scale_probes": 0,
    "unassigned_peaks": 0,
    "reference_sd": 4,
    "slope": 4,
    "noise_scale": 2,
}


def _figures(signals: Signals, ratios: Ratios, panel: Panel) -> dict[str, FloatArray]:
    """Return every figure of the quality table, ``(samples,)`` each."""
    reference = panel.is_role("reference")
    probes = panel.is_role("reference", "target")
    height = signals.height
    n_samples = len(height)
    nothing = np.full(n_samples, np.nan)
    with np.errstate(invalid="ignore"):
        known = np.where(np.isnan(height), np.inf, height)
        lowest = known[:, reference].min(axis=1, initial=np.inf)
    missing = signals.missing[:, reference] != Missing.PRESENT
    figures = {
        name: ratios.figures.get(name, nothing)
        for name in ("reference_sd", "reference_sd_uncorrected", "all_reference_sd", "probe_sd", "slope", "slope_error",
                     "noise_scale",
                     "absolute_scale", "scatter", "expected_reference_sd")
    }  # fmt: skip
    figures |= {
        "missing_reference_probes": missing.sum(axis=1).astype(np.float64),
        "aberrant_reference_probes": ratios.aberrant.sum(axis=1).astype(np.float64),
        "missing_probes": (signals.missing[:, probes] != Missing.PRESENT).sum(axis=1).astype(np.float64),
        "median_height": nanmedian(height[:, reference], axis=1),
        "lowest_reference_height": np.where(np.isfinite(lowest), lowest, np.nan),
        "noise_height": signals.noise,
        "off_scale_probes": signals.off_scale.sum(axis=1).astype(np.float64),
        "unassigned_peaks": signals.unassigned.astype(np.float64),
    }
    benchmark = _mean_height(height, panel.is_role("benchmark"))
    # no peak where a control fragment should be means none of it; a fragment the file lacks is unknown
    none = np.isin(signals.missing, (Missing.NO_PEAK, Missing.ZERO))
    seen = np.where(none, 0.0, height)
    for name, role in (("quantity_ratio", "quantity"), ("sex_x_ratio", "sex_x"), ("sex_y_ratio", "sex_y")):
        own = panel.is_role(role)
        figures[name] = _mean_height(seen, own) / benchmark if own.any() else nothing
    own = panel.is_role("denaturation")
    lowest = np.where(np.isnan(seen[:, own]), np.inf, seen[:, own]).min(axis=1, initial=np.inf)
    figures["denaturation_ratio"] = np.where(np.isfinite(lowest), lowest, np.nan) / benchmark
    return figures


def _mean_height(height: FloatArray, probes: BoolArray) -> FloatArray:
    """Return the mean height of `probes` that have one; NaN where none has."""
    known = ~np.isnan(height[:, probes])
    total = np.where(known, height[:, probes], 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _judge_noise(
    findings: _Findings,
    figures: Mapping[str, FloatArray],
    dna: BoolArray,
    panel: Panel,
    ratios: Ratios,
    limits: Mapping[str, float],
) -> None:
    n_reference = int(panel.is_role("reference").sum())
    n_probes = int(panel.is_role("reference", "target").sum())
    present = n_reference - figures["missing_reference_probes"]
    few = dna & (present < limits["min_reference_probes"])
    findings.add(few, FAIL, "only {:.0f} reference probes have a peak", present)
    unaltered = present - figures["aberrant_reference_probes"]
    lost = dna & ~few & (unaltered < limits["min_reference_probes"])
    findings.add(lost, FAIL, "only {:.0f} reference probes look unaltered", unaltered)
    nothing = dna & ~few & np.isnan(ratios.level_error)
    findings.add(nothing, FAIL, "no usable reference sample in the run")
    sd, limit = figures["reference_sd"], limits["reference_sd_limit"]
    with np.errstate(invalid="ignore"):
        failed = dna & (sd > limits["reference_sd_fail"])
        findings.add(failed, FAIL, f"reference-probe SD {{:.3f}} above {limits['reference_sd_fail']:.2f}", sd)
        every = figures["all_reference_sd"]
        wild = every > limits["all_reference_sd_fail"]
        wild |= (sd > limits["scattered_reference_sd"]) & (every > limits["scattered_all_sd"])
        wild &= dna & ~failed
        findings.add(wild, FAIL, "reference probes scattered: SD of all of them {:.3f}", every)
        above = (
            dna
            & ~failed
            & (sd > np.maximum(limit, limits["reference_sd_excess"] * figures["expected_reference_sd"]))
        )
        findings.add(above, WARN, f"reference-probe SD {{:.3f}} above {limit:.2f}", sd)
        probe_sd, scale = figures["probe_sd"], figures["absolute_scale"]
        noisy = (probe_sd > 0.75 * limits["reference_sd_warn"]) & (scale > limits["absolute_scale_warn"])
        noisy |= probe_sd > limits["probe_sd_warn"]
        findings.add(dna & ~failed & noisy, WARN, "noisy: SD of the unaltered probes {:.3f}", probe_sd)
        scatter = figures["scatter"]
        usual = float(np.nanmedian(scatter[dna])) if np.isfinite(scatter[dna]).any() else 1.0
        scatter = np.fmax(scatter, scatter / max(usual, 0.25))
        chance = 1.0 + limits["scatter_errors"] / np.sqrt(
            np.maximum(n_probes - figures["missing_probes"], 1.0)
        )
        least = np.maximum(limits["noise_scale_warn"], chance)
        relative = (scatter > least) | (figures["noise_scale"] > least)
        times = np.fmax(figures["noise_scale"], scatter)
        relative &= probe_sd > 0.5 * limits["reference_sd_warn"]
        findings.add(dna & ~failed & relative, WARN, "noise {:.1f} x that of good reactions", times)
        used = ratios.reference_samples & ~np.isnan(figures["slope"])
        slope, error = figures["slope"], figures["slope_error"]
        steep = dna & (np.abs(slope) > np.maximum(limits["slope_fail"], 3.0 * error))
        findings.add(steep, FAIL, "slope {:+.2f} per 100 nt against the references", slope)
        mean_too = np.sqrt(
            (1.0 + 1.0 / max(used.sum(), 1)) / (1.0 + 1.0 / 5.0)
        )  # few references leave their mean open
        sloped = dna & ~steep & (np.abs(slope) > np.maximum(limits["slope_warn"] * mean_too, 3.0 * error))
        findings.add(sloped, WARN, "slope {:+.2f} per 100 nt against the references", slope)
        spread = float(np.std(slope[used], ddof=1)) if used.sum() >= 3 else 0.0
        uneven = dna & (spread > limits["reference_slope_sd"])
        findings.add(
            uneven, WARN, f"slopes of the run's references differ: SD {spread:.2f} per 100 nt", slope
        )
        share = figures["aberrant_reference_probes"] / np.maximum(present, 1.0)
    bare = dna & (share > limits["aberrant_share_fail"])
    findings.add(bare, FAIL, "{:.0f} reference probes look altered: no baseline",
                 figures["aberrant_reference_probes"])  # fmt: skip
    odd = dna & ~bare & (share > limits["aberrant_share"])
    findings.add(odd, WARN, "{:.0f} reference probes look altered: ploidy, or a failed reaction",
                 figures["aberrant_reference_probes"])  # fmt: skip


def _judge_signal(
    findings: _Findings,
    figures: Mapping[str, FloatArray],
    dna: BoolArray,
    panel: Panel,
    limits: Mapping[str, float],
) -> None:
    n_reference = int(panel.is_role("reference").sum())
    with np.errstate(invalid="ignore"):
        median = figures["median_height"]
        faint = dna & (median < limits["median_height_fail"])
        findings.add(faint, FAIL, "median height of the reference probes {:.0f}: too low to call", median)
        findings.add(dna & ~faint & (median < limits["median_height_low"]), WARN,
                     "median height of the reference probes {:.0f} is low", median)  # fmt: skip
        lowest, noise = figures["lowest_reference_height"], figures["noise_height"]
        buried = dna & (lowest < limits["first_peak_noise"] * noise)
        findings.add(buried, WARN, "lowest reference probe ({:.0f}) hardly above the noise ({:.0f})",
                     lowest, noise)  # fmt: skip
        missing = figures["missing_reference_probes"]
        findings.add(dna & (missing > limits["missing_reference_share"] * n_reference), WARN,
                     "{:.0f} reference probes have no peak", missing)  # fmt: skip
        probes = max(int(panel.is_role("reference", "target").sum()), 1)
        off = figures["off_scale_probes"]
        findings.add(dna & (off > limits["off_scale_share"] * probes), WARN, "{:.0f} probes off scale", off)


def _judge_controls(
    findings: _Findings,
    figures: Mapping[str, FloatArray],
    dna: BoolArray,
    sex: TextArray,
    limits: Mapping[str, float],
) -> None:
    with np.errstate(invalid="ignore"):
        quantity, denatured = figures["quantity_ratio"], figures["denaturation_ratio"]
        findings.add(dna & (quantity > limits["quantity_share"]), WARN,
                     "too little DNA: Q fragments {:.2f} of the 92-nt benchmark", quantity)  # fmt: skip
        findings.add(dna & (denatured < limits["denaturation_share"]), WARN,
                     "poor denaturation: D fragments {:.2f} of the 92-nt benchmark", denatured)  # fmt: skip
        y = figures["sex_y_ratio"]
        male, female = sex == "M", sex == "F"
        findings.add(dna & male & (y < limits["sex_y_share"]), WARN, "sheet says M, Y fragment is absent")
        findings.add(dna & female & (y >= limits["sex_y_share"]), WARN, "sheet says F, Y fragment is present")


def _judge_copies(findings: _Findings, signals: Signals, dna: BoolArray) -> None:
    """Note samples whose heights are those of another sample, number for number."""
    seen: dict[bytes, list[int]] = {}
    number = np.arange(len(dna))
    enough = (~np.isnan(signals.height)).sum(axis=1) >= 5
    for row in np.flatnonzero(dna & enough):
        seen.setdefault(signals.height[row].tobytes(), []).append(int(row))
    for same in seen.values():
        for one in same if len(same) > 1 else []:
            others = [signals.samples[i] for i in same[:6] if i != one][:5]
            more = f" and {len(same) - 1 - len(others)} more" if len(same) - 1 > len(others) else ""
            text = "heights identical to those of " + ", ".join(others) + more
            findings.add(number == one, WARN, _literal(text))


def _literal(text: str) -> str:
    """Return `text` as a reason: no placeholder in it, and no ``;``, which separates reasons."""
    return text.replace(";", ",").replace("{", "{{").replace("}", "}}")


def _judge_run(
    ratios: Ratios,
    roles: TextArray,
    dirty: BoolArray,
    limits: Mapping[str, float],
    contradicted: Mapping[str, str],
    doubted: Mapping[str, str],
) -> dict[str, Any]:
    """Return verdict and reasons of the run."""
    used = int(ratios.reference_samples.sum())
    judged = int(sum(role != "no_dna" for role in roles))
    above = max(0, judged - int(limits["samples_with_minimum"]))
    wanted = int(limits["min_reference_samples"]) + -(-above // int(limits["samples_per_reference"]))
    reasons = []
    level: int = 0
    if used == 0:
        reasons.append("no usable reference sample")
        level = FAIL
    elif used < wanted:
        reasons.append(f"{used} usable reference samples for {judged} samples; {wanted} are advised")
        level = WARN
    for name, why in {**ratios.left_out, **contradicted}.items():
        reasons.append(f"reference {name} left out: {why}")
        level = max(level, WARN)
    for name, why in doubted.items():
        reasons.append(f"reference {name} is kept, but {why}")
        level = max(level, WARN)
    if dirty.any():
        reasons.append("a no-DNA control has probe peaks")
        level = max(level, WARN)
    return {"verdict": ("pass", "warn", "fail")[level], "reasons": reasons}
