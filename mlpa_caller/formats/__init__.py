"""Laboratory files to the package's data types; the only code that reads them. Knows no biology."""

from __future__ import annotations

from mlpa_caller.formats.format import Format
from mlpa_caller.formats.registry import formats, read, read_runs, recognise
from mlpa_caller.formats.signals import align

__all__ = ["Format", "align", "formats", "read", "read_runs", "recognise"]
