"""The ratios table: height and dosage ratio of every probe in every sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpa_caller.datatypes import FloatArray, Missing, Ratios, Signals, Table, TextArray, text_array
from mlpa_caller.panel import Panel

__all__ = ["ratios_table"]

Z95 = 1.959963984540054

_FLAGS = {
    Missing.PRESENT: "",
    Missing.NO_PEAK: "no_peak",
    Missing.NO_VALUE: "no_value",
    Missing.NOT_FINITE: "not_finite",
    Missing.ZERO: "zero_height",
    Missing.NEGATIVE: "negative_height",
    Missing.AMBIGUOUS: "ambiguous_peak",
    Missing.NOT_IN_FILE: "not_in_file",
}
_ABERRANT, _OFF_SCALE = 16, 32


def ratios_table(signals: Signals, ratios: Ratios, panel: Panel) -> Table:
    """Return ``sample, probe, gene, exon, length_nt, height, ratio, ratio_low, ratio_high, flags``.

    The 95 % range includes the errors of the probe, of the reference samples and of the sample's level and
    slope. Control fragments have a height and no ratio.
    """
    n_samples, n_probes = signals.height.shape
    offset = (panel.length - ratios.centre[:, None]) / 100.0
    shared = ratios.level_error[:, None] ** 2 + (ratios.slope_error[:, None] * offset) ** 2
    half = Z95 * np.sqrt(ratios.error**2 + shared)
    centre = ratios.ln_ratio
    columns: dict[str, Any] = {
        "sample": np.repeat(text_array(signals.samples), n_probes),
        "probe": np.tile(text_array(signals.probes), n_samples),
        "gene": np.tile(panel.gene, n_samples),
        "exon": np.tile(panel.exon, n_samples),
        "length_nt": np.tile(panel.length, n_samples),
        "height": signals.height.reshape(-1),
        "ratio": np.exp(centre).reshape(-1),
        "ratio_low": np.exp(centre - half).reshape(-1),
        "ratio_high": np.exp(centre + half).reshape(-1),
        "flags": _flags(signals, ratios).reshape(-1),
    }
    whole = _whole(panel.length)
    return Table(
        columns,
        {"length_nt": 0 if whole else 2, "height": 0 if _whole(signals.height) else 1, "ratio": 4, "ratio_low": 4,
         "ratio_high": 4},
    )  # fmt: skip


def _whole(values: FloatArray) -> bool:
    known = values[~np.isnan(values)]
    return bool((known == np.rint(known)).all())


def _flags(signals: Signals, ratios: Ratios) -> TextArray:
    code = signals.missing.astype(np.int64)
    code = code + _ABERRANT * ratios.aberrant + _OFF_SCALE * signals.off_scale
    values, inverse = np.unique(code, return_inverse=True)
    texts = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        words = [_FLAGS[Missing(int(value) & 15)]]
        words += ["aberrant_reference"] if value & _ABERRANT else []
        words += ["off_scale"] if value & _OFF_SCALE else []
        texts[i] = ";".join(word for word in words if word)
    out: TextArray = texts[inverse.reshape(code.shape)]
    return out
