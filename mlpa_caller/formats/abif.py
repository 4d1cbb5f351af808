"""Read capillary traces in Applied Biosystems' ABIF format (``.fsa``, and ``.hid`` where it is not encrypted).

Dyes are numbered from 1 in the file: ``DATA 1-4`` and ``105-106`` hold the raw signal of dyes 1 to 6,
``DATA 9-12`` and ``205-206`` the processed one. Values that do not fit into 16 bits are listed in ``OvrI``
(scan) and ``OvrV`` (value).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.errors import TraceError
from mlpa_caller.formats.abif_peaks import instrument_peaks, plausible_rungs, used_rungs
from mlpa_caller.formats.abif_tags import ENCRYPTED_TYPES, MAGIC, Directory
from mlpa_caller.formats.trace import Trace

__all__ = ["MAX_BYTES", "parse_trace", "read_trace", "sniff"]

MAX_BYTES = 1 << 26
"""Largest trace file that is read, in bytes; real ones are below 1 MiB."""
MAX_DYES = 8
MIN_SCANS, MAX_SCANS = 500, 150_000


def sniff(head: bytes) -> bool:
    """Return whether a file that starts with the bytes `head` is an ABIF file."""
    return head[:4] == MAGIC


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Read one trace file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Trace
        Signals, dyes, names and the instrument's own peaks.

    Raises
    ------
    TraceError
        If the file is absent, unreadable, empty, too large, no ABIF file, damaged, encrypted, or holds no
        fragment analysis.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise TraceError("is not a file", file=name, remedy="name the file itself")
            if not sniff(stream.read(4)):
                raise _not_abif(name, status.st_size)
            if status.st_size > MAX_BYTES:
                raise TraceError(f"is larger than {MAX_BYTES >> 20} MiB, so it is no trace of one capillary",
                                 file=name, remedy="check the file")  # fmt: skip
            stream.seek(0)
            data = stream.read(MAX_BYTES)
    except (OSError, ValueError) as problem:  # ValueError: a null character in the path
        reason = getattr(problem, "strerror", None) or str(problem)
        raise TraceError(f"cannot be read ({reason})", file=name.replace("\0", "\\0"),
                         remedy="check the path and its permissions") from None  # fmt: skip
    return parse_trace(data, name)


def _not_abif(name: str, size: int) -> TraceError:
    if size == 0:
        return TraceError("is empty", file=name, remedy="copy the file from the instrument again")
    return TraceError("is no ABIF trace file", file=name,
                      remedy="give the .fsa file that the instrument wrote")  # fmt: skip


def parse_trace(data: bytes, source: str) -> Trace:
    """Return the trace in the bytes of a file; `source` names it in messages.

    Raises
    ------
    TraceError
        See `read_trace`.
    """
    tags = Directory(data, source)
    _refuse_encrypted(tags)
    file = Path(source).name
    dyes = _dyes(tags)
    raw = _channels(tags, _raw_numbers(len(dyes)))
    if raw is None:
        raise TraceError("holds no signal of a fragment analysis", file=source,
                         remedy="give the .fsa file of a fragment run")  # fmt: skip
    if not MIN_SCANS <= raw.shape[1] <= MAX_SCANS:
        raise tags.damaged(f"it holds {raw.shape[1]} scans where {MIN_SCANS} to {MAX_SCANS} are plausible")
    signal, restored = _processed(tags, raw)
    settings = _settings(tags)
    ladder_dye, ladder_dye_from = _ladder_dye(tags, len(dyes), settings)
    return Trace(
        source=source,
        file=file,
        sample=tags.text("SpNm") or tags.text("SMPL") or Path(source).stem,
        dyes=dyes,
        raw=raw,
        signal=raw if signal is None else signal,
        processed=signal is not None,
        restored=restored,
        off_scale=_off_scale(tags, raw.shape[1]),
        ladder_dye=ladder_dye,
        ladder_dye_from=ladder_dye_from,
        size_standard=tags.text("StdF"),
        size_standard_rungs=_numbers_of(settings.get("SizeStandardPeaks", "")) or used_rungs(tags),
        sizing_method=settings.get("SizeCallerName", ""),
        instrument=tags.text("HCFG", 3) or tags.text("MODL"),
        run=tags.text("RunN"),
        well=tags.text("TUBE"),
        polymer=tags.text("GTyp"),
        run_date=_run_date(tags),
        verdict=tags.text("SamQ") or tags.text("BcRs"),
        peaks=instrument_peaks(tags, len(dyes), raw.shape[1]),
        version=tags.version,
    )


def _refuse_encrypted(tags: Directory) -> None:
    for number in (1, 9, 105, 205):
        entry = tags.entry("DATA", number)
        if entry is not None and entry.type in ENCRYPTED_TYPES:
            raise TraceError("is an encrypted .hid file", file=tags.source,
                             remedy="export .fsa files or a peak table from the instrument's software")  # fmt: skip


def _dyes(tags: Directory) -> tuple[str, ...]:
    stated = tags.number("Dye#")
    count = (
        sum(tags.entry("DyeN", k) is not None for k in range(1, MAX_DYES + 1)) if stated is None else stated
    )
    if stated is None and not count:
        count = sum(tags.entry("DATA", k) is not None for k in _raw_numbers(MAX_DYES))
    if not 1 <= count <= MAX_DYES or count != int(count):
        raise tags.damaged(f"it claims {count:g} dyes where 1 to {MAX_DYES} are plausible")
    names: list[str] = []
    for k in range(1, int(count) + 1):
        name = tags.text("DyeN", k, limit=40)
        names.append(name if name and name not in names else f"dye {k}")
    return tuple(names)


def _raw_numbers(count: int) -> list[int]:
    return [k if k <= 4 else 100 + k for k in range(1, count + 1)]


def _channels(tags: Directory, numbers: list[int]) -> FloatArray | None:
    """Return the channels as ``(dyes, scans)``, or None where the file has none of them."""
    if all(tags.entry("DATA", k) is None for k in numbers):
        return None
    channels: list[NDArray[np.int16]] = []
    for k in numbers:
        values = tags.numbers("DATA", k)
        if values is None:
            raise tags.damaged(f"the signal of dye {len(channels) + 1} (DATA {k}) is missing")
        if values.dtype.kind != "i":
            raise tags.damaged(f"DATA {k} is no signal")
        if channels and len(values) != len(channels[0]):
            raise tags.damaged(f"DATA {k} has {len(values)} scans where the first dye has {len(channels[0])}")
        channels.append(values)
        if len(values) > MAX_SCANS:
            raise tags.damaged(f"DATA {k} claims {len(values)} scans")
    return np.array(channels, dtype=np.float64)


def _processed(tags: Directory, raw: FloatArray) -> tuple[FloatArray | None, BoolArray]:
    """Return the processed signal with overflows restored, or None where it is absent or unusable."""
    numbers = [8 + k if k <= 4 else 200 + k for k in range(1, len(raw) + 1)]
    restored: BoolArray = np.zeros(raw.shape, dtype=bool)
    entries = [tags.entry("DATA", k) for k in numbers]
    if any(entry is None or entry.count != raw.shape[1] for entry in entries):
        return None, restored
    signal = _channels(tags, numbers)
    if signal is None or not np.ptp(signal, axis=1).any():
        return None, restored
    for row, k in enumerate(numbers):
        scans, values = tags.numbers("OvrI", k), tags.numbers("OvrV", k)
        if scans is None or values is None:
            continue
        if len(scans) != len(values) or scans.dtype.kind != "i" or values.dtype.kind != "i":
            raise tags.damaged(f"the overflow lists of DATA {k} contradict each other")
        where = scans.astype(np.int64)
        if len(where) and (where.min() < 0 or where.max() >= raw.shape[1]):
            raise tags.damaged(f"the overflow list of DATA {k} points outside the signal")
        signal[row, where] = values
        restored[row, where] = True
    return signal, restored


def _off_scale(tags: Directory, scans: int) -> IntArray:
    values = tags.numbers("OfSc")
    if values is None:
        values = tags.numbers("Satd")
    if values is None or values.dtype.kind != "i":
        return np.empty(0, dtype=np.int64)
    found = values.astype(np.int64)
    kept: IntArray = np.unique(found[(found >= 0) & (found < scans)])
    return kept


def _settings(tags: Directory) -> dict[str, str]:
    """Return the instrument's analysis settings (3500 and SeqStudio)."""
    parts = (part.partition("=") for part in tags.text("ScPa", limit=20_000).split(";"))
    return {key.strip(): value.strip() for key, _, value in parts if value}


def _numbers_of(text: str) -> tuple[float, ...]:
    try:
        return plausible_rungs(tuple(float(part) for part in text.split(",") if part.strip()))
    except ValueError:
        return ()


def _ladder_dye(tags: Directory, dyes: int, settings: dict[str, str]) -> tuple[int, str]:
    for k in range(1, dyes + 1):
        if bytes(tags.bytes_of("DyeB", k) or b"")[:1] == b"S":
            return k - 1, "marked"
    text = settings.get("SizeStandardDyeIndex", "")
    if text in map(str, range(1, dyes + 1)):
        return int(text) - 1, "analysis settings"
    return dyes - 1, "last dye"


def _run_date(tags: Directory) -> str:
    value = bytes(tags.bytes_of("RUND") or b"")
    if len(value) != 4:
        return ""
    year, month, day = int.from_bytes(value[:2], "big"), value[2], value[3]
    plausible = 1980 <= year < 2100 and 1 <= month <= 12 and 1 <= day <= 31
    return f"{year:04d}-{month:02d}-{day:02d}" if plausible else ""
