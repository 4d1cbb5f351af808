"""Everything one run gave, as one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlpa_caller.datatypes import Signals, Table

if TYPE_CHECKING:
    import pandas as pd

    from mlpa_caller.panel import Panel
    from mlpa_caller.samplesheet import SampleSheet

__all__ = ["InputFile", "Result"]


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file the result depends on.

    Attributes
    ----------
    path
        As the user named it; only its last part is written to a result.
    role
        ``signals``, ``panel``, ``samples`` or ``clinical``.
    sha256
        Of the file's bytes, in hexadecimal.
    size
        In bytes.
    format
        Name of the format the file was recognised as; empty when it has none.
    """

    path: str
    role: str
    sha256: str
    size: int
    format: str


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Everything one run gave.

    Attributes
    ----------
    panel, samples
        The probe sheet and the sample sheet; the sheet's rows are in output order.
    signals
        Heights, ``(samples, probes)``, samples in the order of `samples`.
    tables
        ``calls``, ``exons``, ``ratios``, ``quality`` and, with clinical columns, ``risk``.
    run
        Figures of the whole run, fit for JSON: ``verdict``, ``reasons``, ``reference_samples`` (those used),
        ``left_out`` (reason by sample), ``compression``, further figures and ``notes``.
    parameters
        The parameters that took effect, fit for JSON.
    inputs
        The files that were read.
    traces
        By sample, its electropherogram as in ``result.json``; None when the run was read from exports.
    """

    panel: Panel
    samples: SampleSheet
    signals: Signals
    tables: Mapping[str, Table]
    run: Mapping[str, Any]
    parameters: Mapping[str, Any]
    inputs: tuple[InputFile, ...]
    traces: Mapping[str, Any] | None = None

    def frame(self, name: str) -> pd.DataFrame:
        """Return the table `name` (``"calls"``, ...) as a pandas data frame.

        Raises
        ------
        KeyError
            If the result has no such table.
        """
        import pandas as pd

        return pd.DataFrame(dict(self.tables[name].columns))

    @property
    def calls(self) -> pd.DataFrame:
        """The copy-number calls, at least one row for every patient sample and gene."""
        return self.frame("calls")

    @property
    def exons(self) -> pd.DataFrame:
        """Ratio and probabilities exon by exon."""
        return self.frame("exons")

    @property
    def ratios(self) -> pd.DataFrame:
        """Height and ratio of every probe in every sample."""
        return self.frame("ratios")

    @property
    def quality(self) -> pd.DataFrame:
        """Verdict, reasons and quality figures of every sample."""
        return self.frame("quality")

    @property
    def risk(self) -> pd.DataFrame | None:
        """The patients' classes under every published rule; None for a run without clinical data."""
        return self.frame("risk") if "risk" in self.tables else None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``result.json`` holds, as plain dictionaries and lists."""
        import json

        from mlpa_caller.outputs.result_json import document_parts

        document: dict[str, Any] = json.loads("".join(document_parts(self)))
        return document
