"""Simulated runs with known truth, for the demo, tests and benchmarks.

Simulation tests the code against a model, not against patients.
"""

from mlpa_caller.simulate.files import FORMATS, write_run
from mlpa_caller.simulate.panels import synthetic_panel
from mlpa_caller.simulate.peaks import PeakSettings, SimulatedPeaks, simulate_peaks
from mlpa_caller.simulate.settings import SimulationSettings
from mlpa_caller.simulate.signals import Simulation, simulate_signals

__all__ = [
    "FORMATS",
    "PeakSettings",
    "SimulatedPeaks",
    "Simulation",
    "SimulationSettings",
    "simulate_peaks",
    "simulate_signals",
    "synthetic_panel",
    "write_run",
]
