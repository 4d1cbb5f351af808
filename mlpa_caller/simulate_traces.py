"""Simulated capillary traces with known truth, written as ABIF files that any reader of ``.fsa`` understands."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlpa_caller.datatypes import FloatArray, IntArray
from mlpa_caller.errors import UsageError
from mlpa_caller.refdata import reference_rows
from mlpa_caller.traces.sizing import local_southern
from mlpa_caller.traces.standards import SizeStandard, named_standard

__all__ = ["SimulatedTrace", "fsa_bytes", "trace_from_peaks", "trace_parameters", "write_fsa"]

DYES = ("6-FAM", "VIC", "NED", "PET", "LIZ")
_WAVELENGTHS = (522, 554, 575, 595, 655, 620)


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedTrace:
    """One simulated injection.

    Attributes
    ----------
    channels
        ``(dyes, scans)`` counts.
    scan
        ``(peaks,)`` true place of each peak of the list it was made from, in scans; fractions are kept.
    rung_scan, rung_size
        True places and lengths of the rungs of the size standard.
    off_scale
        Scans at which a channel was cut off at full scale.
    """

    channels: IntArray
    scan: FloatArray
    rung_scan: FloatArray
    rung_size: FloatArray
    off_scale: IntArray


@lru_cache(maxsize=1)
def trace_parameters() -> Mapping[str, float]:
    """Return the figures the simulation draws from, by name."""
    rows = reference_rows("size_standards/simulated_traces.csv")
    return {row["parameter"]: float(row["value"]) for row in rows}


def trace_from_peaks(
    size: ArrayLike,
    height: ArrayLike,
    dye: ArrayLike,
    *,
    rng: np.random.Generator,
    dyes: int = len(DYES),
    standard: str | SizeStandard = "GS500",
    parameters: Mapping[str, float] | None = None,
) -> SimulatedTrace:
    """Return a trace that shows the given peaks, shoulders, primers, size standard, drift and noise.

    Parameters
    ----------
    size
        ``(peaks,)`` sizes in nucleotides as local Southern sizing will find them, inside the ladder.
    height
        ``(peaks,)`` heights in counts; what exceeds full scale is cut off.
    dye
        ``(peaks,)`` index of each peak's dye, from 0. The last dye is the size standard's.
    rng
        Source of randomness.
    dyes
        Number of dyes.
    standard
        Size standard, by name or itself.
    parameters
        Figures that replace those of `trace_parameters`.

    Returns
    -------
    SimulatedTrace
        Counts and truth.

    Raises
    ------
    UsageError
        If arrays differ in length, a peak lies outside the ladder or in no dye, or a height is not positive.
    """
    values = {**trace_parameters(), **(parameters or {})}
    ladder = named_standard(standard) if isinstance(standard, str) else standard
    sizes, heights = np.asarray(size, dtype=np.float64), np.asarray(height, dtype=np.float64)
    which = np.asarray(dye, dtype=np.int64)
    _check(sizes, heights, which, dyes, ladder)
    apparent = ladder.apparent + rng.normal(0.0, values["scatter"], len(ladder.rungs))
    rung_scan = _place(apparent, ladder.rungs[-1], values)
    scans = int(rung_scan[-1] * 1.12)
    scan = _scan_of(sizes, rung_scan[ladder.sizing], ladder.rungs[ladder.sizing])
    signal = _drawn(which, scan, heights, ladder, rung_scan, (dyes, scans), values, rng)
    over = np.flatnonzero((signal > values["full_scale"]).any(axis=0))
    counts = np.rint(np.clip(signal, -32768.0, values["full_scale"])).astype(np.int64)
    return SimulatedTrace(counts, scan, rung_scan, ladder.rungs, over.astype(np.int64))


def _drawn(
    which: IntArray,
    scan: FloatArray,
    heights: FloatArray,
    ladder: SizeStandard,
    rung_scan: FloatArray,
    shape: tuple[int, int],
    values: Mapping[str, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Return the signal before the detector: rungs, peaks, shoulders, primers, bleed-through, drift, noise."""
    dyes, scans = shape
    used = ladder.sizing
    signal = np.zeros(shape)
    last = dyes - 1
    rung_height = values["ladder_height"] * np.exp(
        rng.normal(0.0, values["ladder_spread"], len(ladder.rungs))
    )
    _add(signal, np.full(len(rung_scan), last), rung_scan, rung_height, values)
    _add(signal, which, scan, heights, values)
    pace = np.interp(scan, rung_scan[used][1:], np.diff(rung_scan[used]) / np.diff(ladder.rungs[used]))
    part = rng.uniform(values["shoulder_low"], values["shoulder_high"], len(scan))
    _add(signal, which, scan - pace, heights * part, values)
    primers = values["origin"] + values["pace"] * rng.uniform(-5.0, 25.0, 6)
    _add(
        signal,
        rng.integers(0, max(last, 1), 6),
        primers,
        values["primer_height"] * rng.uniform(0.1, 1.0, 6),
        values,
    )
    signal[1:] += values["bleed"] * signal[:-1]
    course = np.linspace(0.0, 1.0, scans)
    signal += values["drift"] * rng.uniform(-1.0, 1.0, (dyes, 1)) * course * (1.6 - course)
    signal += rng.normal(0.0, values["noise"], signal.shape)
    return signal


def _check(sizes: FloatArray, heights: FloatArray, which: IntArray, dyes: int, ladder: SizeStandard) -> None:
    if not len(sizes) == len(heights) == len(which):
        raise UsageError("sizes, heights and dyes of simulated peaks differ in number")
    usable = ladder.rungs[ladder.sizing]
    if not 2 <= dyes <= 6 or ((which < 0) | (which >= dyes)).any():
        raise UsageError(f"a simulated peak lies in none of {dyes} dyes", remedy="give 2 to 6 dyes")
    if not ((sizes >= usable[0]) & (sizes <= usable[-1])).all():
        raise UsageError(f"a simulated peak lies outside the ladder ({usable[0]:g} to {usable[-1]:g} nt)")
    if not (np.isfinite(heights) & (heights > 0.0)).all():
        raise UsageError("the height of a simulated peak is not positive")


def _place(length: FloatArray, longest: float, values: Mapping[str, float]) -> FloatArray:
    """Return the scans of lengths on a smooth, slightly bent migration curve."""
    bend = 4.0 * values["bend"] * length * (1.0 - length / longest)
    return values["origin"] + values["pace"] * (length - bend)


def _scan_of(sizes: FloatArray, rung_scan: FloatArray, rung_size: FloatArray) -> FloatArray:
    """Return the scans at which local Southern sizing gives `sizes`."""
    grid = np.linspace(rung_scan[0], rung_scan[-1], 20_001)
    return np.interp(sizes, local_southern(grid, rung_scan, rung_size), grid)


def _add(
    signal: FloatArray,
    rows: NDArray[np.int64],
    scan: FloatArray,
    height: FloatArray,
    values: Mapping[str, float],
) -> None:
    """Add Gaussian peaks to the channels."""
    length = (scan - values["origin"]) / values["pace"]
    width = values["width"] * (1.0 + values["widening"] * np.maximum(length - 100.0, -50.0) / 600.0)
    sigma = width / 2.3548
    reach = np.arange(-int(6.0 * sigma.max()) - 1, int(6.0 * sigma.max()) + 2)
    at = np.rint(scan).astype(np.int64)[:, None] + reach
    shape = height[:, None] * np.exp(-0.5 * ((at - scan[:, None]) / sigma[:, None]) ** 2)
    inside = (at >= 0) & (at < signal.shape[1])
    np.add.at(signal, (np.broadcast_to(rows[:, None], at.shape)[inside], at[inside]), shape[inside])


def fsa_bytes(
    channels: ArrayLike,
    dyes: Sequence[str] = DYES,
    *,
    sample: str,
    size_standard: str = "",
    well: str = "A1",
    run: str = "simulated",
    run_date: tuple[int, int, int] = (2000, 1, 1),
    off_scale: ArrayLike = (),
) -> bytes:
    """Return the bytes of an ABIF file (version 1.01).

    Parameters
    ----------
    channels
        ``(dyes, scans)`` counts within 16 bits.
    dyes
        Their names; the last is marked as the size standard's.
    sample, well, run
        Names; at most 255 bytes each.
    size_standard
        Name of the size standard; none is written where empty.
    run_date
        Year, month, day.
    off_scale
        Scans at which the detector was saturated.

    Raises
    ------
    UsageError
        If counts exceed 16 bits, or names and channels differ in number.
    """
    counts = np.asarray(channels)
    if counts.ndim != 2 or len(counts) != len(dyes) or not 1 <= len(dyes) <= len(_WAVELENGTHS):
        raise UsageError("channels and dyes of a simulated trace differ in number")
    if counts.size and (counts.min() < -32768 or counts.max() > 32767):
        raise UsageError("counts of a simulated trace exceed 16 bits", remedy="cut them off at full scale")
    tags: list[tuple[str, int, int, int, int, bytes]] = []

    def numbers(name: str, number: int, kind: int, code: str, values: ArrayLike) -> None:
        data = np.asarray(values, dtype=code)
        tags.append((name, number, kind, data.itemsize, data.size, data.tobytes()))

    def text(name: str, number: int, value: str) -> None:
        data = value.encode("utf-8")[:255]
        tags.append((name, number, 18, 1, len(data) + 1, bytes([len(data)]) + data))

    for k, (name, row) in enumerate(zip(dyes, counts), start=1):
        numbers("DATA", k if k <= 4 else 100 + k, 4, ">i2", row)
        text("DyeN", k, name)
        numbers("DyeW", k, 4, ">i2", [_WAVELENGTHS[k - 1]])
        tags.append(("DyeB", k, 2, 1, 1, b"S" if k == len(dyes) else b" "))
    numbers("Dye#", 1, 4, ">i2", [len(dyes)])
    numbers("LANE", 1, 4, ">i2", [1])
    numbers("SCAN", 1, 5, ">i4", [counts.shape[1]])
    numbers("OfSc", 1, 5, ">i4", off_scale)
    date = struct.pack(">hBB", *run_date)
    for number in range(1, 5):
        tags += [("RUND", number, 10, 4, 1, date), ("RUNT", number, 11, 4, 1, bytes(4))]
    for name, value in (
        ("SpNm", sample),
        ("SMPL", sample),
        ("TUBE", well),
        ("RunN", run),
        ("MCHN", "simulated"),
    ):
        text(name, 1, value)
    tags.append(("MODL", 1, 2, 1, 4, b"sim "))
    if size_standard:
        text("StdF", 1, size_standard)
    return _abif(tags)


def _abif(tags: Sequence[tuple[str, int, int, int, int, bytes]]) -> bytes:
    """Return header, values and directory; values of up to four bytes stand in the directory."""
    header_bytes = 128
    body, directory = bytearray(), bytearray()
    for name, number, kind, width, count, data in sorted(tags, key=lambda tag: (tag[0], tag[1])):
        if len(data) <= 4:
            place = data.ljust(4, b"\0")
        else:
            place = struct.pack(">I", header_bytes + len(body))
            body += data
        directory += (
            struct.pack(">4sIHHII", name.encode("ascii"), number, kind, width, count, len(data)) + place
        )
        directory += bytes(4)
    root = struct.pack(
        ">4sIHHIIII", b"tdir", 1, 1023, 28, len(tags), len(directory), header_bytes + len(body), 0
    )
    header = (b"ABIF" + struct.pack(">H", 101) + root).ljust(header_bytes, b"\0")
    return header + bytes(body) + bytes(directory)


def write_fsa(
    path: str | os.PathLike[str], trace: SimulatedTrace, dyes: Sequence[str] = DYES, *, sample: str,
    size_standard: str = "", well: str = "A1", run: str = "simulated",
    run_date: tuple[int, int, int] = (2000, 1, 1),
) -> None:  # fmt: skip
    """Write a simulated trace as an ``.fsa`` file; the parameters are those of `fsa_bytes`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    data = fsa_bytes(trace.channels, dyes, sample=sample, size_standard=size_standard, well=well, run=run,
                     run_date=run_date, off_scale=trace.off_scale)  # fmt: skip
    Path(path).write_bytes(data)
