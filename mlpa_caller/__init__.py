"""Copy-number calls, consequences and risk classes from MLPA runs in leukaemia.

>>> import mlpa_caller
>>> result = mlpa_caller.call_run("peaks.txt", panel="panel.csv", samples="samples.csv")  # doctest: +SKIP
>>> result.calls[["sample", "gene", "status", "exons", "probability"]]  # doctest: +SKIP

Names are imported when they are first used, so that ``import mlpa_caller`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlpa_caller.errors import InputError, MlpaError
    from mlpa_caller.formats import read
    from mlpa_caller.outputs import write_result
    from mlpa_caller.panel import Panel, bundled_panels, load_panel
    from mlpa_caller.pipeline import analyse, call_run
    from mlpa_caller.result import Result
    from mlpa_caller.samplesheet import SampleSheet, load_samples
    from mlpa_caller.settings import Settings, default_settings
    from mlpa_caller.simulate import SimulationSettings, simulate_signals
    from mlpa_caller.version import version

__all__ = [
    "InputError",
    "MlpaError",
    "Panel",
    "Result",
    "SampleSheet",
    "Settings",
    "SimulationSettings",
    "analyse",
    "bundled_panels",
    "call_run",
    "default_settings",
    "load_panel",
    "load_samples",
    "read",
    "simulate_signals",
    "version",
    "write_result",
]

_HOME = {
    "InputError": "errors",
    "MlpaError": "errors",
    "Panel": "panel",
    "Result": "result",
    "SampleSheet": "samplesheet",
    "Settings": "settings",
    "SimulationSettings": "simulate",
    "analyse": "pipeline",
    "bundled_panels": "panel",
    "call_run": "pipeline",
    "default_settings": "settings",
    "load_panel": "panel",
    "load_samples": "samplesheet",
    "read": "formats",
    "simulate_signals": "simulate",
    "version": "version",
    "write_result": "outputs",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mlpa_caller' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mlpa_caller.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
