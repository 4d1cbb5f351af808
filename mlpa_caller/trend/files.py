"""Which files of a batch a trend is taken from, and which columns it goes by."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlpa_caller.result import InputFile
from mlpa_caller.trend.figures import Labels, combined_columns, labels_of

__all__ = ["combined_files", "labels_for"]


def labels_for(source: str, *, instrument: str | None, lot: str | None, date: str | None) -> Labels:
    """Return the columns to go by: those given, and where None the one with a usual name.

    Raises
    ------
    InputError
        If the combined table cannot be read.
    """
    usual = labels_of(combined_columns(source))
    return Labels(
        usual.instrument if instrument is None else instrument,
        usual.lot if lot is None else lot,
        usual.date if date is None else date,
    )


def combined_files(source: str) -> tuple[InputFile, ...]:
    """Return the combined tables that a trend depends on, with their checksums."""
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    names = ["quality.parquet" if path.is_dir() else path.name, "ratios.parquet"]
    files = []
    for file in (folder / name for name in names):
        if file.is_file():
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            files.append(InputFile(str(file), file.stem, digest, file.stat().st_size, "parquet"))
    return tuple(files)
