"""Delimited text: bytes to rows of text with their line numbers, and text to numbers.

Everything that reads a laboratory's table goes through here, so that encodings, delimiters, damaged files and
numbers are treated alike everywhere. Cells stay text: ``007``, ``1e5`` and ``NA`` survive as written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlpa_caller.errors import FormatError, InputError, shown

__all__ = [
    "MAX_BYTES",
    "MAX_COLUMNS",
    "TextTable",
    "decode",
    "has_control",
    "is_absent",
    "natural_key",
    "parse_header",
    "parse_number",
    "parse_table",
    "read_bytes",
    "read_table",
    "sha256",
]

MAX_BYTES = 1 << 30
"""Largest file that is read, in bytes."""
MAX_COLUMNS = 5_000
"""Largest number of columns of a table."""

_ABSENT = frozenset(("", "na", "n/a", "#n/a", "null"))
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DELIMITERS = "\t,;"
# What the fallback encoding may contain beside letters: typographic and measuring signs.
_CP1252_SIGNS = frozenset("°±²³µ·€§«»–—‘’“”…®©™×÷½¼¾º\xa0")


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """A delimited table; every cell is text as written.

    Attributes
    ----------
    source
        The file, as the user named it.
    header
        Column names without surrounding blanks; names are unique.
    header_line
        Line of the header, counted from 1.
    rows
        Cells, one list a row, each as long as `header`; rows without any value are left out.
    lines
        Line of each row in the file, counted from 1.
    delimiter
        ``,``, ``;`` or a tab.
    """

    source: str
    header: tuple[str, ...]
    header_line: int
    rows: list[list[str]]
    lines: list[int]
    delimiter: str

    def column(self, index: int) -> list[str]:
        """Return the cells of one column."""
        return [row[index] for row in self.rows]


def read_bytes(path: str | os.PathLike[str], error: type[InputError] = FormatError) -> bytes:
    """Return the bytes of a regular file (or of standard input for ``-``).

    Raises
    ------
    InputError
        Of the class `error`, when the file is absent, not a regular file, unreadable, empty or too large.
    """
    name = os.fspath(path)
    if name == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
        size = len(data)
    else:
        try:
            status = Path(name).stat()
            if not stat.S_ISREG(status.st_mode):
                raise error("is not a file", remedy="name the file itself", file=name)
            size = status.st_size
            data = Path(name).read_bytes() if size <= MAX_BYTES else b""
        except FileNotFoundError:
            raise error("no such file", remedy="check the path", file=name) from None
        except (OSError, ValueError) as problem:  # ValueError: a null character in the path
            reason = getattr(problem, "strerror", None) or str(problem)
            raise error(f"cannot be read ({reason})", remedy="check the path and its permissions",
                        file=name.replace("\0", "\\0")) from None  # fmt: skip
    if size > MAX_BYTES:
        raise error(f"is larger than {MAX_BYTES // 2**20} MiB", remedy="split it into runs", file=name)
    if not data:
        raise error("is empty", remedy="export the table again", file=name)
    return data


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes, source: str, error: type[InputError] = FormatError) -> str:
    """Return the text of `data`: UTF-8, UTF-16 with its mark, or Western European (cp1252) as a last resort.

    The last resort is taken only where every byte above 127 stands for a letter or a common sign and no three
    of them follow each other, so that text in an East Asian or Cyrillic encoding is refused, not garbled.

    Raises
    ------
    InputError
        Of the class `error`, when the bytes are no text in one of these encodings.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise error("is damaged UTF-16 text", remedy="save it as UTF-8", file=source) from None
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            text = _decode_cp1252(data, problem.start, source, error)
    spot = text.find("\0")
    if spot >= 0:
        raise error("contains NUL bytes, so it is no text table", remedy="export it again as UTF-8 text",
                    file=source, line=_line_at(text, spot))  # fmt: skip
    return text


def _decode_cp1252(data: bytes, spot: int, source: str, error: type[InputError]) -> str:
    line = data.count(b"\n", 0, spot) + 1
    problem = error("is neither UTF-8 nor Western European text", remedy="save it as UTF-8",
                    file=source, line=line)  # fmt: skip
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise problem from None
    for run in re.findall(r"[^\x00-\x7f]+", text):
        if len(run) > 2 or any(not sign.isalpha() and sign not in _CP1252_SIGNS for sign in run):
            raise problem
    return text


def _line_at(text: str, spot: int) -> int:
    return len(re.findall(r"\r\n|\r|\n", text[:spot])) + 1


def read_table(path: str | os.PathLike[str], error: type[InputError] = FormatError) -> tuple[TextTable, str]:
    """Return the table in a file, and the SHA-256 of the file's bytes.

    Raises
    ------
    InputError
        Of the class `error`; see `read_bytes`, `decode` and `parse_table`.
    """
    data = read_bytes(path, error)
    source = os.fspath(path)
    return parse_table(decode(data, source, error), source, error), sha256(data)


def parse_header(
    text: str, source: str, error: type[InputError] = FormatError
) -> tuple[tuple[str, ...], int, str]:
    """Return the column names of delimited text, their line and the delimiter.

    The header is the first line that is not blank; the delimiter is the one that parts it most often.

    Raises
    ------
    InputError
        Of the class `error`, when there is no header or it has too many columns.
    """
    lines = enumerate(io.StringIO(text, newline=""), start=1)
    header_line, first = next(((n, line) for n, line in lines if line.strip(" \t,;\r\n\v\f")), (0, ""))
    if not header_line:
        raise error("is empty", remedy="export the table again", file=source)
    declared = re.fullmatch(r'\s*"?sep=([\t,;])"?\s*', first)
    if declared:
        header_line, first = next(((n, line) for n, line in lines if line.strip()), (header_line, ""))
    delimiter = declared[1] if declared else _delimiter(first)
    n_columns = first.count(delimiter) + 1
    if n_columns > MAX_COLUMNS:
        raise error(
            f"has {n_columns} columns where at most {MAX_COLUMNS} are read",
            remedy="check that the table is not transposed",
            file=source,
            line=header_line,
        )
    cells = next(_records(text, delimiter, header_line, source, error), (header_line, []))[1]
    header = [cell.strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    return tuple(header), header_line, delimiter


def parse_table(
    text: str, source: str, error: type[InputError] = FormatError, needed: int | None = None
) -> TextTable:
    """Return the rows of delimited text under the header that `parse_header` finds.

    Columns without a name are dropped where they are empty throughout (exports end rows with a delimiter),
    and so is an unnamed first column that only counts the rows (R and pandas write one).

    Parameters
    ----------
    text, source, error
        The text, what messages call its file, and the class of the errors.
    needed
        Number of fields that every row must have; shorter rows are filled up with empty cells from there
        (some software leaves out empty cells at the end). All fields of the header by default.

    Raises
    ------
    InputError
        Of the class `error`, with its line, when there is no header or row, a row has more or fewer fields
        than the header, a name is missing or twice, a quoted field is not closed, or columns are too many.
    """
    names, header_line, delimiter = parse_header(text, source, error)
    header = list(names)
    records = _records(text, delimiter, header_line, source, error)
    next(records)
    rows, numbers = _rows(records, len(header), needed, source, error)
    if not rows:
        raise error(
            "has a header but no rows", remedy="export the table again", file=source, line=header_line
        )
    if "" in header:
        header, rows = _without_unnamed(header, rows, numbers, source, error)
    if len(set(header)) < len(header):
        twice = next(name for i, name in enumerate(header) if name in header[:i])
        raise error(
            f"column {shown(twice)} stands twice in the header",
            remedy="give every column its own name",
            file=source,
            line=header_line,
        )
    return TextTable(source, tuple(header), header_line, rows, numbers, delimiter)


def _without_unnamed(
    header: list[str], rows: list[list[str]], lines: list[int], source: str, error: type[InputError]
) -> tuple[list[str], list[list[str]]]:
    """Drop the columns without a name: empty ones, and the row numbers that R and pandas write first."""
    for i, name in enumerate(header):
        if not name and not (i == 0 and _counts_rows(rows)):
            line = next((n for n, row in zip(lines, rows) if row[i].strip()), None)
            if line is not None:
                raise error(
                    f"column {i + 1} has values but no name",
                    remedy="name the column in the header",
                    file=source,
                    line=line,
                )
    keep = [i for i, name in enumerate(header) if name]
    return [header[i] for i in keep], [[row[i] for i in keep] for row in rows]


def _counts_rows(rows: list[list[str]]) -> bool:
    cells = [row[0] for row in rows]
    return any(cells == [str(n) for n in range(first, first + len(cells))] for first in (0, 1))


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    counts = {mark: bare.count(mark) for mark in _DELIMITERS}
    return max(counts, key=lambda mark: counts[mark])  # a tab before a comma before a semicolon when equal


def _records(
    text: str, delimiter: str, header_line: int, source: str, error: type[InputError]
) -> Iterator[tuple[int, list[str]]]:
    stream = io.StringIO(text, newline="")
    for _ in range(header_line - 1):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise error(f"the row cannot be parted into fields ({problem})",
                        remedy="look for a quotation mark that is not closed", file=source,
                        line=header_line + before) from None  # fmt: skip
        yield header_line + before, cells
        before = reader.line_num


def _rows(
    records: Iterator[tuple[int, list[str]]],
    width: int,
    needed: int | None,
    source: str,
    error: type[InputError],
) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, cells in records:
        if len(cells) != width:
            if not any(cell.strip() for cell in cells):
                continue
            least = width if needed is None else needed
            if len(cells) < least or any(cell.strip() for cell in cells[width:]):
                raise error(
                    f"the row has {len(cells)} fields where the header has {width}",
                    remedy="the file may be cut off or edited; export it again",
                    file=source,
                    line=line,
                )
            del cells[width:]
            cells += [""] * (width - len(cells))
        if cells and (cells[0].strip() or any(cell.strip() for cell in cells)):
            rows.append(cells)
            lines.append(line)
    return rows, lines


def is_absent(cell: str) -> bool:
    """Return whether a number's cell says "no value": empty, NA, N/A, #N/A or NULL."""
    return cell.strip().lower() in _ABSENT


def parse_number(cell: str) -> float | None:
    """Return the number written in `cell` with a decimal point, or None where the text is no finite number.

    Digit grouping, underscores, percent signs and digits of other scripts are no numbers here.
    """
    word = cell.strip()
    if not _NUMBER.fullmatch(word):
        return None
    value = float(word)
    return value if abs(value) < float("inf") else None


def has_control(text: str) -> bool:
    """Return whether `text` holds a control character or a line break, which no identifier may."""
    return _CONTROL.search(text) is not None


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which numbers inside text count as numbers: 1A < 1B < 2 < 10, 11-1 < 11-2."""
    parts: Sequence[str] = re.split(r"([0-9]+)", text)
    key = [
        (0, int(part), part) if i % 2 and len(part) < 4_000 else (1, 0, part) for i, part in enumerate(parts)
    ]
    return tuple(item for item in key if item != (1, 0, ""))
