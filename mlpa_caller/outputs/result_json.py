"""``result.json``: the whole result in one document under a versioned schema.

The schema is ``reference/schema/result.schema.json``. Numbers of the tables stand with the same digits as in
the tab-separated files; a missing number is ``null``, a missing text is empty. The document holds no times
and no paths, so the same run gives the same bytes. Each sample stands on one line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.datatypes import IntArray, Table
from mlpa_caller.errors import FormatError, MlpaError, shown
from mlpa_caller.outputs.atomic import open_text
from mlpa_caller.outputs.cells import table_cells
from mlpa_caller.refdata import reference_version
from mlpa_caller.version import version

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel
    from mlpa_caller.result import Result

__all__ = [
    "RESEARCH_USE",
    "SAMPLE_PARTS",
    "SCHEMA_VERSION",
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

_LISTS = frozenset(
    {"flags", "reasons", "possible_classes", "deciding_inputs", "used_inputs", "missing_inputs"}
)
"""Columns whose ``;``-separated text is a list in the document."""

SAMPLE_PARTS = ("quality", "calls", "exons", "ratios", "risk")
"""What the document holds for each sample, besides its row of the sample sheet."""

_SAMPLES_AT_ONCE = 512
_RATIO_COLUMNS = ("height", "ratio", "ratio_low", "ratio_high", "flags")
_QUALITY_HEAD = ("verdict", "reasons")
_TOP_KEYS = ("tool", "reference_version", "research_use", "run", "parameters", "panel", "samples")


def json_text(value: object) -> str:
    """Return `value` as JSON on one line; a number that is not finite is an error."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return `value` with plain dictionaries, lists and numbers; a number that is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise MlpaError(f"a {type(value).__name__} cannot be written to JSON")


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
    head = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "mlpa-caller", "version": version()},
        "reference_version": reference_version(),
        "research_use": RESEARCH_USE,
        "run": plain(result.run),
        "parameters": plain(result.parameters),
        "panel": _panel(result.panel),
    }
    yield "{\n" + "".join(f"{json_text(key)}: {json_text(value)},\n" for key, value in head.items())
    yield '"samples": ['
    separator = "\n"
    for line in _sample_lines(result, parts):
        yield separator + line
        separator = ",\n"
    yield "\n]}\n"


def write_json(result: Result, folder: Path) -> None:
    """Write ``result.json`` to `folder`."""
    with open_text(folder / "result.json") as stream:
        for part in document_parts(result):
            stream.write(part)


def read_result(path: str | Path) -> dict[str, Any]:
    """Read a ``result.json`` back.

    Parameters
    ----------
    path
        The file, or the result folder that holds it.

    Raises
    ------
    FormatError
        If the file is absent, damaged, no result, or of a schema this version cannot read.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "result.json"
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(
            f"cannot be read: {error.strerror}", remedy="name a result folder or its result.json", file=file
        ) from error
    except json.JSONDecodeError as error:
        raise FormatError(
            f"is no JSON: {error.msg}", remedy="run mlpa-caller call again", file=file, line=error.lineno
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise FormatError(
            "is no mlpa-caller result", remedy="run mlpa-caller call again", file=file
        ) from error
    found = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(found, str) or any(key not in document for key in _TOP_KEYS):
        raise FormatError("is no mlpa-caller result", remedy="name a result.json", file=file)
    if found.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise FormatError(
            f"has schema version {shown(found)}, this program reads {SCHEMA_VERSION}",
            remedy="use the version of mlpa-caller that wrote it",
            file=file,
        )
    return dict(document)


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


def _sample_lines(result: Result, parts: Sequence[str]) -> Iterator[str]:
    """Give the JSON object of each sample, computed for many samples at once."""
    names = result.samples.samples
    sources: dict[str, _Rows | _Grid] = {}
    for part in parts:
        if part == "ratios":
            sources[part] = _Grid(result.tables[part], names, result.panel.probes)
        elif part == "quality":
            sources[part] = _QualityRows(result.tables[part], part, names)
        else:
            sources[part] = _Rows(result.tables.get(part), part, names)
    for start in range(0, len(names), _SAMPLES_AT_ONCE):
        stop = min(start + _SAMPLES_AT_ONCE, len(names))
        heads = [json_text(_sample_head(result, i))[:-1] for i in range(start, stop)]
        texts = [source.texts(start, stop) for source in sources.values()]
        template = "%s" + "".join(f', "{part}": %s' for part in sources) + "}"
        for row in zip(heads, *texts):
            yield template % row


def _sample_head(result: Result, i: int) -> dict[str, Any]:
    sheet = result.samples
    return {
        "sample": sheet.samples[i],
        "role": sheet.role[i],
        "sex": sheet.sex[i],
        "blast_fraction": plain(float(sheet.blast_fraction[i])),
        "clinical": {name: column[i] for name, column in sheet.clinical.items()},
    }


def _shown(column: str, text: str) -> str:
    if column in _LISTS:
        return json_text([item.strip() for item in text.split(";") if item.strip()])
    return json_text(text)


def _codes(values: Sequence[str], names: Sequence[str], what: str) -> IntArray:
    """Return the index in `names` of every value."""
    index = {name: i for i, name in enumerate(names)}
    try:
        return np.array([index[value] for value in values], dtype=np.int64)
    except KeyError as error:
        raise MlpaError(f"the {what} table names {shown(error.args[0])}, which is not in the sheet") from None


class _Rows:
    """The rows of one table, sample by sample, as JSON lists of objects."""

    def __init__(self, table: Table | None, kind: str, names: Sequence[str]) -> None:
        self.table = table
        self.known: dict[str, dict[str, str]] = {}
        if table is not None:
            codes = _codes(table.columns["sample"].tolist(), names, kind)
            self.order = np.argsort(codes, kind="stable")
            self.bounds = np.searchsorted(codes[self.order], np.arange(len(names) + 1))

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the lists of samples `start` to `stop`; the notice stands once, in the document's head."""
        return [f"[{', '.join(objects)}]" for objects in self.objects(start, stop, skip=("sample", "notice"))]

    def objects(self, start: int, stop: int, *, skip: Sequence[str], nested: bool = False) -> list[list[str]]:
        """Return the objects of samples `start` to `stop`; `nested` gives figures an object of their own."""
        if self.table is None:
            return [[] for _ in range(start, stop)]
        bounds = self.bounds[start : stop + 1]
        rows = self.order[bounds[0] : bounds[-1]]
        cells = table_cells(self.table, rows, show=_shown, missing="null", known=self.known)
        fields = {name: f"{json_text(name).replace('%', '%%')}: %s" for name in cells if name not in skip}
        outer = [name for name in fields if not nested or name in _QUALITY_HEAD]
        inner = [name for name in fields if name not in outer]
        template = ", ".join(fields[name] for name in outer)
        if nested:
            template += f', "figures": {{{", ".join(fields[name] for name in inner)}}}'
        template = f"{{{template}}}"
        texts = [template % row for row in zip(*(cells[name] for name in (*outer, *inner)))]
        offsets = (bounds - bounds[0]).tolist()
        return [texts[low:high] for low, high in pairwise(offsets)]


class _QualityRows(_Rows):
    """The one quality row of each sample: verdict, reasons and the figures."""

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the objects of samples `start` to `stop`."""
        found = self.objects(start, stop, skip=("sample", "role"), nested=True)
        if any(len(objects) != 1 for objects in found):
            raise MlpaError("the quality table does not hold one row for each sample")
        return [objects[0] for objects in found]


class _Grid:
    """The ratio table as arrays along the panel's probes, sample by sample."""

    def __init__(self, table: Table, names: Sequence[str], probes: Sequence[str]) -> None:
        self.known: dict[str, dict[str, str]] = {}
        row = _codes(table.columns["sample"].tolist(), names, "ratios")
        column = _codes(table.columns["probe"].tolist(), probes, "ratios")
        self.at = np.full((len(names), len(probes)), -1, dtype=np.int64)
        self.at[row, column] = np.arange(len(table))
        self.table = Table({name: table.columns[name] for name in _RATIO_COLUMNS}, table.decimals)

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the objects of samples `start` to `stop`; a probe without a row is null."""
        at = self.at[start:stop]
        present = np.flatnonzero(at.ravel() >= 0)
        rows = at.ravel()[present]
        cells = table_cells(self.table, rows, show=_shown, missing="null", known=self.known)
        width = at.shape[1]
        pieces = []
        for name, values in cells.items():
            if len(present) < at.size:
                filled = ["[]" if name in _LISTS else "null"] * at.size
                for i, value in zip(present.tolist(), values):
                    filled[i] = value
                values = filled
            lists = (", ".join(values[i : i + width]) for i in range(0, at.size, width))
            pieces.append([f'"{name}": [{text}]' for text in lists])
        return [f"{{{', '.join(parts)}}}" for parts in zip(*pieces)]
