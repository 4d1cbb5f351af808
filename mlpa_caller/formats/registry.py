"""The known formats; a new one is a module that says what it looks for, and a name in the list below."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats import abif_tags, genemapper, generic, gexp, parquet, peakscanner, signals
from mlpa_caller.formats.format import Format
from mlpa_caller.formats.peaks import plain_names
from mlpa_caller.formats.text import decode, parse_header, parse_table, read_bytes

__all__ = ["FORMATS", "formats", "read", "read_runs", "recognise", "runs_from_bytes"]

FORMATS: tuple[Format, ...] = (
    genemapper.PEAKS,
    genemapper.GENOTYPES,
    peakscanner.LEGACY,
    peakscanner.CLOUD,
    gexp.FRAGMENTS,
    generic.PEAKS,
    signals.LONG,
    signals.WIDE,
)
TRACE = "abif-trace"

_REFUSED = (
    (b"\x1f\x8b", "is compressed (gzip)", "unpack it first"),
    (b"PK\x03\x04", "is a zip archive or a spreadsheet (.xlsx)", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old spreadsheet or document (.xls, .doc)", "save the sheet as CSV"),
    (b"%PDF", "is a PDF", "export the table as text"),
    (b"{\\rtf", "is a word processor's document", "save it as plain text"),
    (b"<", "is HTML or XML", "export the table as text"),
)


def formats() -> tuple[Format, ...]:
    """Return the formats of peak and signal tables that are read."""
    return FORMATS


def recognise(path: str | os.PathLike[str]) -> str:
    """Return the name of the format of a file, by its content: ``abif-trace`` for a raw trace.

    Raises
    ------
    FormatError
        When the file cannot be read, or no known format or more than one fits it.
    """
    source = os.fspath(path)
    data = read_bytes(path)
    if data.startswith(abif_tags.MAGIC):
        return TRACE
    if parquet.sniff(data):
        return _fitting(parquet.column_names(data, source), source, None).name
    _refuse_binary(data, source)
    header, line, _ = parse_header(decode(data, source), source)
    return _fitting(header, source, line).name


def read(path: str | os.PathLike[str]) -> PeakTable | Signals:
    """Return the peaks or signals in a file, whose format is recognised by its content.

    Parameters
    ----------
    path
        An export or signal table: CSV, TSV or Parquet; ``-`` is standard input.

    Raises
    ------
    FormatError
        When the file cannot be read, no known format or more than one fits it, it is damaged, or it is a
        signal table of several runs (see `read_runs`); names file, line and remedy.
    """
    runs = read_runs(path)
    if len(runs) > 1:
        names = ", ".join(shown(run) for run in list(runs)[:5])
        raise FormatError(
            f"holds {len(runs)} runs ({names}{', ...' if len(runs) > 5 else ''})",
            remedy="use the command batch, or give a table of one run",
            file=path,
        )
    return next(iter(runs.values()))


def read_runs(path: str | os.PathLike[str]) -> dict[str, PeakTable | Signals]:
    """Return the content of a file by run, in the order of first appearance.

    A signal table may have a column ``run``; any other file is one run with an empty name.

    Raises
    ------
    FormatError
        See `read`.
    """
    return runs_from_bytes(read_bytes(path), os.fspath(path))


def runs_from_bytes(data: bytes, source: str) -> dict[str, PeakTable | Signals]:
    """Return the content of the bytes of a file by run; `source` names it in messages.

    Raises
    ------
    FormatError
        See `read`.
    """
    if data.startswith(abif_tags.MAGIC):
        raise FormatError(
            "is a raw trace, not a table", remedy="size it first, or name it as a trace", file=source
        )
    if parquet.sniff(data):
        found = _fitting(parquet.column_names(data, source), source, None)
        if found not in (signals.LONG, signals.WIDE):
            raise FormatError(
                f"is a Parquet file of the format {found.name}, and only signal tables are read from Parquet",
                remedy="write the peaks as CSV",
                file=source,
            )
        return dict(parquet.read_signal_runs(data, source, long=found is signals.LONG))
    _refuse_binary(data, source)
    text = decode(data, source)
    header, line, _ = parse_header(text, source)
    found = _fitting(header, source, line)
    needed = None if found.needed is None else found.needed(header)
    return dict(found.read(parse_table(text, source, needed=needed)))


def _refuse_binary(data: bytes, source: str) -> None:
    for magic, what, remedy in _REFUSED:
        if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(magic):
            raise FormatError(what, remedy=remedy, file=source)


def _fitting(header: Sequence[str], source: str, line: int | None) -> Format:
    plain = plain_names(header)
    fitting = [known for known in FORMATS if known.fits(plain)]
    if len(fitting) == 1:
        return fitting[0]
    first = shown(", ".join(name for name in header if name), 120)
    if fitting:
        raise FormatError(
            f"may be {' or '.join(known.name for known in fitting)} (its header: {first})",
            remedy="leave only the columns of one of them",
            file=source,
            line=line,
        )
    wanted = "; ".join(f"{known.name} ({known.looks_for})" for known in FORMATS)
    raise FormatError(
        f"no known format fits its header {first}", remedy=f"looked for: {wanted}", file=source, line=line
    )
