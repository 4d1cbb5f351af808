"""Which injection of an export, or row of a signal table, is which sample of the sheet."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.datatypes import IntArray
from mlpa_caller.errors import SampleSheetError, UsageError, shown

if TYPE_CHECKING:
    from mlpa_caller.samplesheet import SampleSheet

__all__ = ["match_samples", "some_names"]

SHOWN_NAMES = 10
"""How many names an error message lists before it only counts."""


def match_samples(
    sheet: SampleSheet,
    samples: Sequence[str],
    files: Sequence[str] | None = None,
    *,
    source: str = "the signals",
    may_be_absent: Collection[str] = (),
) -> tuple[IntArray, ...]:
    """Return, for each sample of the sheet, its entries in the export.

    Parameters
    ----------
    sheet
        The sheet of one run (see `SampleSheet.of_run`).
    samples, files
        Sample name and file name of each entry of the export: of each row of a signal table
        (``signals.samples``), or of each peak of a peak table (``peaks.sample``, ``peaks.file``).
        Entries with the same sample and file are one injection.
    source
        What error messages call the export.
    may_be_absent
        Roles whose samples need not be in the export. Peak exports leave out an injection without peaks,
        which is what a good no-DNA control is; pass ``("no_dna",)`` there.

    Returns
    -------
    tuple of IntArray
        One array of rising indices into `samples` for each sample of the sheet; empty for an absent one.

    Raises
    ------
    SampleSheetError
        When a sample is in the sheet and not in the export or the reverse, when one name means several
        injections, or when two samples mean the same one.
    UsageError
        When `samples` and `files` differ in number.

    Notes
    -----
    A row with a file names the injection by it, with or without folder and extension. Other rows name it by
    the sample name of the export, or by the file name with or without extension.
    """
    traces = [""] * len(samples) if files is None else files
    if len(samples) != len(traces):
        raise UsageError("samples and files differ in number", remedy="give one file name an entry")
    injections: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(zip(samples, traces)):
        injections.setdefault(key, []).append(i)
    keys = list(injections)
    matches: list[int | None] = []
    owner: dict[int, int] = {}
    lost: list[int] = []
    for row, found in enumerate(_candidates(sheet, keys)):
        if len(found) > 1:
            raise _ambiguous(sheet, row, [keys[i] for i in found], source)
        matches.append(found[0] if found else None)
        if not found:
            lost += [row] if sheet.role[row] not in may_be_absent else []
        elif owner.setdefault(found[0], row) != row:
            raise _claimed_twice(sheet, owner[found[0]], row, keys[found[0]], source)
    unknown = [keys[i] for i in range(len(keys)) if i not in owner]
    if lost or unknown:
        raise _unmatched(sheet, lost, unknown, source)
    entries = [[] if i is None else injections[keys[i]] for i in matches]
    return tuple(np.array(indices, dtype=np.int64) for indices in entries)


def _candidates(sheet: SampleSheet, keys: list[tuple[str, str]]) -> Iterator[list[int]]:
    """Give, for each row of the sheet, the injections that it may mean."""
    by_sample, by_file = _named_by(keys)
    has_files = any(file for _, file in keys)
    for name, file in zip(sheet.samples, sheet.file):
        if file and has_files:
            yield by_file.get(_file_name(file)) or by_file.get(_stem(file), [])
        else:
            yield sorted({*by_sample.get(name, []), *by_file.get(name, [])})


def _named_by(keys: list[tuple[str, str]]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    by_sample: dict[str, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    by_stem: dict[str, list[int]] = {}
    for i, (sample, file) in enumerate(keys):
        if sample:
            by_sample.setdefault(sample, []).append(i)
        if file:
            by_name.setdefault(_file_name(file), []).append(i)
            by_stem.setdefault(_stem(file), []).append(i)
    return by_sample, by_stem | by_name  # a full name goes before the stem of another file


def _file_name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _stem(path: str) -> str:
    return os.path.splitext(_file_name(path))[0]  # noqa: PTH122


def some_names(names: Sequence[str]) -> str:
    listed = ", ".join(shown(name) for name in names[:SHOWN_NAMES])
    return listed + (f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else "")


def _called(key: tuple[str, str]) -> str:
    return key[0] or _file_name(key[1])


def _ambiguous(sheet: SampleSheet, row: int, found: list[tuple[str, str]], source: str) -> SampleSheetError:
    by_file = bool(sheet.file[row])
    name = sheet.file[row] if by_file else sheet.samples[row]
    where = some_names([file or sample for sample, file in found])
    return SampleSheetError(
        f"{'file' if by_file else 'sample'} {shown(name)} means {len(found)} injections of {source}: {where}",
        remedy="name the injection in the sheet's column file, or use the file name as the sample",
        file=sheet.source,
        line=int(sheet.line[row]),
    )


def _claimed_twice(
    sheet: SampleSheet, first: int, row: int, key: tuple[str, str], source: str
) -> SampleSheetError:
    return SampleSheetError(
        f"samples {shown(sheet.samples[first])} (line {sheet.line[first]}) and {shown(sheet.samples[row])} "
        f"mean the same injection {shown(key[1] or key[0])} of {source}",
        remedy="give one row an injection",
        file=sheet.source,
        line=int(sheet.line[row]),
    )


def _unmatched(
    sheet: SampleSheet, lost: list[int], unknown: list[tuple[str, str]], source: str
) -> SampleSheetError:
    names = [sheet.samples[row] for row in lost]
    others = [_called(key) for key in unknown]
    parts = []
    if names:
        parts.append(f"{len(names)} in the sheet and not in {source}: {some_names(names)}")
    if others:
        parts.append(f"{len(others)} in {source} and not in the sheet: {some_names(others)}")
    remedy = "write the names as the export does (or its file names), one row an injection"
    for name in names[:SHOWN_NAMES]:
        folded = {other.strip().casefold(): other for other in others}
        near = folded.get(name.strip().casefold()) or next(
            iter(get_close_matches(name, others[:500], 1)), None
        )
        if near is not None:
            remedy += f"; is {shown(name)} meant for {shown(near)}?"
            break
    return SampleSheetError("samples do not match: " + "; ".join(parts), remedy=remedy, file=sheet.source)
