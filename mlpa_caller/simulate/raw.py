"""The raw capillary traces of a simulated run."""

from __future__ import annotations

import numpy as np

from mlpa_caller.simulate.peaks import PeakSettings, simulate_peaks
from mlpa_caller.simulate.signals import Simulation
from mlpa_caller.simulate_traces import fsa_bytes, trace_from_peaks

__all__ = ["trace_files"]

STANDARD = "GS500"


def trace_files(
    simulation: Simulation, seed: int, peak_settings: PeakSettings | None = None
) -> dict[str, bytes]:
    """Return the bytes of one ``.fsa`` file a sample, by name, with the probe peaks of the simulated peak table.

    Shoulders, primers, the size standard, drift and noise are those of the trace simulation.

    Parameters
    ----------
    simulation
        The run.
    seed
        That of the peak table: sizes and heights are the same.
    peak_settings
        As for the peak table.
    """
    made = simulate_peaks(simulation, peak_settings, seed=seed)
    size, height = made.peaks.size, made.peaks.height
    files = {}
    for i, name in enumerate(simulation.signals.samples):
        own = np.flatnonzero((made.sample == i) & (made.probe >= 0) & np.isfinite(size) & (height > 0))
        trace = trace_from_peaks(
            size[own],
            height[own],
            np.zeros(len(own), dtype=np.int64),
            rng=np.random.default_rng([seed, i]),
            standard=STANDARD,
        )
        data = fsa_bytes(trace.channels, sample=name, size_standard=STANDARD, off_scale=trace.off_scale)
        files[f"traces/{name}.fsa"] = data
    return files
