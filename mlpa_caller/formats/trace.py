"""One capillary's signal as the instrument recorded it."""

from __future__ import annotations

from dataclasses import dataclass

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["InstrumentPeaks", "Trace"]


@dataclass(frozen=True, slots=True, eq=False)
class InstrumentPeaks:
    """The peaks that the instrument's own software found; every array has one entry a peak.

    Attributes
    ----------
    dye
        Index of the dye, from 0.
    data_point, begin, end
        Scan of the apex, first and last scan of the peak.
    height, area
        In the units of the processed signal.
    size
        The instrument's own size in nucleotides; NaN where it gave none.
    on_ladder
        The instrument took the peak for a rung of the size standard (False where the file does not say).
    """

    dye: IntArray
    data_point: IntArray
    begin: IntArray
    end: IntArray
    height: FloatArray
    area: FloatArray
    size: FloatArray
    on_ladder: BoolArray

    def __len__(self) -> int:
        return len(self.data_point)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One injection of a capillary instrument.

    Attributes
    ----------
    source
        The file, as the user named it.
    file
        Its name without folder.
    sample
        Sample name as the file gives it; the file's name without extension where it gives none.
    dyes
        Names of the dyes, stripped of blanks; unique.
    raw
        ``(dyes, scans)`` signal before processing by the instrument's software.
    signal
        ``(dyes, scans)`` the processed signal where the file holds it for every dye, with overflows restored;
        otherwise the raw signal.
    processed
        `signal` is the processed one.
    restored
        ``(dyes, scans)`` True where a value of `signal` was taken from the overflow list.
    off_scale
        Scans at which the detector was saturated.
    ladder_dye
        Index of the size standard's dye, from 0.
    ladder_dye_from
        Where that is known from: ``marked``, ``analysis settings`` or ``last dye``.
    size_standard
        Name of the size standard in the file, empty where absent. A hint only: it is often wrong.
    size_standard_rungs
        Sizes that the instrument's software expected or used, in nucleotides; empty where the file does not say.
    sizing_method
        The instrument's own method as the file names it, empty where absent.
    instrument, run, well, polymer
        As the file names them, empty where absent.
    run_date
        ``YYYY-MM-DD`` of the start of the run, empty where absent.
    verdict
        The instrument's own verdict on the sizing, empty where absent.
    peaks
        The instrument's own peaks, None where the file holds none.
    version
        Version of the file format (101 is 1.01).
    """

    source: str
    file: str
    sample: str
    dyes: tuple[str, ...]
    raw: FloatArray
    signal: FloatArray
    processed: bool
    restored: BoolArray
    off_scale: IntArray
    ladder_dye: int
    ladder_dye_from: str
    size_standard: str = ""
    size_standard_rungs: tuple[float, ...] = ()
    sizing_method: str = ""
    instrument: str = ""
    run: str = ""
    well: str = ""
    polymer: str = ""
    run_date: str = ""
    verdict: str = ""
    peaks: InstrumentPeaks | None = None
    version: int = 101

    @property
    def scans(self) -> int:
        """Number of scans."""
        return int(self.signal.shape[1])
