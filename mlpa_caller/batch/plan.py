"""The content of a run as one checksum: what is unchanged need not be done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from mlpa_caller.datatypes import Signals
from mlpa_caller.outputs.result_json import plain
from mlpa_caller.panel import Panel
from mlpa_caller.refdata import manifest, reference_version
from mlpa_caller.result import InputFile
from mlpa_caller.samplesheet import SampleSheet
from mlpa_caller.settings import Settings
from mlpa_caller.version import version

__all__ = ["content_key", "panel_digest", "sheet_digest", "signals_digest"]

_LAYOUT = 1
"""Number of the way in which finished runs are kept; another one makes every run new."""


def content_key(
    inputs: Iterable[InputFile], panel: Panel, sheet: SampleSheet, settings: Settings, **more: str
) -> str:
    """Return the SHA-256 of everything that decides the result of a run, in hexadecimal.

    Parameters
    ----------
    inputs
        The files of the run, by name and checksum; their folder and their order do not count.
    panel, sheet
        The probes and the samples.
    settings
        The effective parameters.
    more
        Anything else, such as the checksum of the clinical data.
    """
    return _digest(
        {
            "layout": _LAYOUT,
            "version": version(),
            "reference": [reference_version(), _reference_digest()],
            "inputs": sorted([file.role, _name(file.path), file.sha256] for file in inputs),
            "panel": panel_digest(panel),
            "samples": sheet_digest(sheet),
            "parameters": _settings_digest(settings),
            **more,
        }
    )


def panel_digest(panel: Panel) -> str:
    """Return a checksum of what the panel says, which is that of its sheet where it has one."""
    return panel.sha256 or _digest(
        {
            "probes": list(panel.probes),
            **{
                name: getattr(panel, name).tolist()
                for name in ("length", "gene", "exon", "role", "dye", "chrom", "start", "end", "region")
            },
        }
    )


def sheet_digest(sheet: SampleSheet) -> str:
    """Return a checksum of the rows of a sample sheet; rows of other runs in the same file do not count."""
    return _digest(
        {
            "samples": list(sheet.samples),
            "blast_fraction": [repr(value) for value in sheet.blast_fraction.tolist()],
            **{name: getattr(sheet, name).tolist() for name in ("role", "sex", "file")},
            "clinical": {name: column.tolist() for name, column in sheet.clinical.items()},
        }
    )


def signals_digest(signals: Signals) -> str:
    """Return a checksum of samples, probes, heights and reasons of missing ones."""
    total = hashlib.sha256(json.dumps([signals.samples, signals.probes]).encode("utf-8"))
    for array in (signals.height, signals.missing, signals.size):
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


@lru_cache(maxsize=1)
def _reference_digest() -> str:
    return _digest(manifest())


_known: dict[int, tuple[Settings, str]] = {}


def _settings_digest(settings: Settings) -> str:
    """Return the checksum of the settings, worked out once for one object."""
    found = _known.get(id(settings))
    if found is None or found[0] is not settings:
        _known.clear()
        parts = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
        found = _known[id(settings)] = (settings, _digest(plain(parts)))
    return found[1]


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
