"""``result.json``: the whole result in one document under a versioned schema.

The schema is ``reference/schema/result.schema.json``. Numbers of the tables stand with the same digits as in
the tab-separated files; a missing number is ``null``, a missing text is empty. The document holds no times
and no paths, so the same run gives the same bytes. Each sample stands on one line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlpa_caller.errors import FormatError, shown
from mlpa_caller.outputs.atomic import open_bytes
from mlpa_caller.outputs.cells import data_of, joined
from mlpa_caller.outputs.json_values import json_text, plain
from mlpa_caller.outputs.result_shape import shape_fault
from mlpa_caller.outputs.sample_json import Grid, Heads, QualityRows, Rows
from mlpa_caller.refdata import reference_version
from mlpa_caller.version import version

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel
    from mlpa_caller.result import Result

__all__ = [
    "RESEARCH_USE",
    "SAMPLE_PARTS",
    "SCHEMA_VERSION",
    "document_bytes",
    "document_parts",
    "json_text",
    "plain",
    "read_result",
    "write_json",
]

SCHEMA_VERSION = "1.0"

RESEARCH_USE = (
    "For research use only. Not validated as a medical device; "
    "confirm every result by an accredited method before it changes treatment."
)

SAMPLE_PARTS = ("quality", "calls", "exons", "ratios", "risk")
"""What the document holds for each sample, besides its row of the sample sheet."""

_SAMPLES_AT_ONCE = 128
"""Few enough for their text to stay in the processor's cache."""
_AGAIN = "make the result again with mlpa-caller call"
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that is one half of a character beyond the basic plane."""
_TOP_KEYS = ("tool", "reference_version", "research_use", "run", "parameters", "panel", "samples")


def document_parts(result: Result, parts: Sequence[str] = SAMPLE_PARTS) -> Iterator[str]:
    """Give the text of ``result.json`` piece by piece.

    Parameters
    ----------
    result
        The result.
    parts
        What to give for each sample; the document follows the schema only with all of them.

    Raises
    ------
    MlpaError
        If a table names a sample that is not in the sample sheet, or a sample has no quality row.
    """
    for piece in document_bytes(result, parts):
        yield str(piece, "utf-8")


def document_bytes(result: Result, parts: Sequence[str] = SAMPLE_PARTS) -> Iterator[bytes | memoryview]:
    """Give the bytes of ``result.json`` piece by piece; parameters and errors as of `document_parts`."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "mlpa-caller", "version": version()},
        "reference_version": reference_version(),
        "research_use": RESEARCH_USE,
        "run": plain(result.run),
        "parameters": plain(result.parameters),
        "panel": _panel(result.panel),
    }
    lines = "".join(f"{json_text(key)}: {json_text(value)},\n" for key, value in head.items())
    yield f'{{\n{lines}"samples": ['.encode()
    yield from _sample_bytes(result, parts)
    yield b"\n]}\n"


def write_json(result: Result, folder: Path) -> None:
    """Write ``result.json`` to `folder`."""
    with open_bytes(folder / "result.json") as stream:
        for piece in document_bytes(result):
            stream.write(piece)


def read_result(path: str | Path) -> dict[str, Any]:
    """Read a ``result.json`` back.

    Parameters
    ----------
    path
        The file, or the result folder that holds it.

    Raises
    ------
    FormatError
        If the file is absent, damaged, no result, or of a schema this version cannot read; a part that lacks a
        field or holds a value that does not belong there is named.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "result.json"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise FormatError(
            f"cannot be read: {error.strerror}", remedy="name a result folder or its result.json", file=file
        ) from error
    except UnicodeDecodeError as error:
        raise FormatError("is no mlpa-caller result", remedy=_AGAIN, file=file) from error
    document = _parsed(text, file)
    found = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(found, str) or any(key not in document for key in _TOP_KEYS):
        raise FormatError("is no mlpa-caller result", remedy="name a result.json", file=file)
    if found.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise FormatError(
            f"has schema version {shown(found)}, this program reads {SCHEMA_VERSION}",
            remedy="use the version of mlpa-caller that wrote it",
            file=file,
        )
    fault = shape_fault(document) or _unwritable(text, document)
    if fault:
        raise FormatError(fault, remedy=_AGAIN, file=file)
    return dict(document)


def _parsed(text: str, file: Path) -> Any:
    """Return what the text of a file holds as JSON."""

    def refuse(name: str) -> None:
        raise FormatError(f"holds the number {name}, which is none", remedy=_AGAIN, file=file)

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise FormatError(f"is no JSON: {error.msg}", remedy=_AGAIN, file=file, line=error.lineno) from error
    except RecursionError as error:
        raise FormatError("is no mlpa-caller result", remedy=_AGAIN, file=file) from error
    except ValueError as error:  # all that is left: Python reads no whole number of more than 4,300 digits
        raise FormatError("holds a number of thousands of digits", remedy=_AGAIN, file=file) from error


def _unwritable(text: str, document: Any) -> str:
    """Return that a text cannot be written as UTF-8, because an escape is half of a character; else nothing."""
    if _HALF.search(text) is None:
        return ""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        return f"holds {shown(error.object[error.start])}, which is half of a character"
    return ""


def _panel(panel: Panel) -> dict[str, Any]:
    def number(value: float) -> float | int | None:
        return None if not math.isfinite(value) else int(value) if value == int(value) else value

    probes = [
        {
            "probe": probe,
            "length_nt": number(float(panel.length[i])),
            "gene": panel.gene[i],
            "exon": panel.exon[i],
            "role": panel.role[i],
            "chrom": panel.chrom[i],
            "start": int(panel.start[i]) or None,
            "end": int(panel.end[i]) or None,
        }
        for i, probe in enumerate(panel.probes)
    ]
    return {"name": panel.name, "sha256": panel.sha256, "probes": probes, "genes": list(panel.genes)}


def _sample_bytes(result: Result, parts: Sequence[str]) -> Iterator[memoryview]:
    """Give the JSON objects of the samples, some samples at a time."""
    names = result.samples.samples
    sources: dict[str, Heads | Rows | Grid] = {"": Heads(result)}
    for part in parts:
        if part == "ratios":
            sources[part] = Grid(result.tables[part], names, result.panel.probes)
        elif part == "quality":
            sources[part] = QualityRows(result.tables[part], part, names)
        else:
            sources[part] = Rows(result.tables.get(part), part, names)
    for start in range(0, len(names), _SAMPLES_AT_ONCE):
        stop = min(start + _SAMPLES_AT_ONCE, len(names))
        pieces: list[Any] = []
        for part, source in sources.items():
            pieces += [f', "{part}": ' if part else ",\n{", source.texts(start, stop)]
        found = data_of(joined([*pieces, "}"]))
        yield found[1:] if start == 0 else found  # no comma before the first
