"""The only exceptions that leave the package.

::

    MlpaError (exit code 1)
    ├── UsageError (2)            the command or call was worded wrongly
    │   ├── ResultExistsError     an existing result would be overwritten
    │   └── MissingExtraError     an optional dependency is not installed
    ├── InputError (3)            a file, table or value cannot be used
    │   ├── FormatError           damaged or unrecognised file
    │   ├── PanelError            the probe sheet
    │   ├── SampleSheetError      the sample sheet
    │   ├── TraceError            a raw capillary trace
    │   └── OutputError           a result cannot be written
    ├── QualityError (4)          quality failed and the user asked to stop on it
    └── BatchError (5)            some inputs of many were refused

Every message is one line: ``file:line: what is wrong; what to do``.
"""

from __future__ import annotations

import os

__all__ = [
    "BatchError",
    "FormatError",
    "InputError",
    "MissingExtraError",
    "MlpaError",
    "OutputError",
    "PanelError",
    "QualityError",
    "ResultExistsError",
    "SampleSheetError",
    "TraceError",
    "UsageError",
    "shown",
]


def shown(text: object, limit: int = 60) -> str:
    """Return `text` quoted, on one line, without control characters, cut to `limit` characters."""
    value = repr(str(text))
    return value if len(value) <= limit else value[: limit - 2] + "…" + value[-1]


class MlpaError(Exception):
    """Base of all errors of the package.

    Parameters
    ----------
    problem
        What is wrong, in one clause.
    remedy
        What the user can do about it.
    file, line
        Where it is wrong, if it is in a file (line numbers start at 1).
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        file: str | os.PathLike[str] | None = None,
        line: int | None = None,
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.file = None if file is None else os.fspath(file)
        self.line = line
        super().__init__(problem)

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}:"
        if where and self.line is not None:
            where += f"{self.line}:"
        text = f"{where} {self.problem}" if where else self.problem
        if self.remedy:
            text += f"; {self.remedy}"
        return " ".join(text.splitlines())

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process."""
        return (_rebuild, (type(self), self.problem, self.remedy, self.file, self.line))


def _rebuild(
    kind: type[MlpaError], problem: str, remedy: str, file: str | None, line: int | None
) -> MlpaError:
    return kind(problem, remedy=remedy, file=file, line=line)


class UsageError(MlpaError):
    """The command or call was worded wrongly."""

    exit_code = 2


class ResultExistsError(UsageError):
    """An existing result would be overwritten."""


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""


class InputError(MlpaError):
    """A file, table or value cannot be used."""

    exit_code = 3


class FormatError(InputError):
    """A file is damaged, or no known format fits it."""


class PanelError(InputError):
    """The probe sheet cannot be used."""


class SampleSheetError(InputError):
    """The sample sheet cannot be used, or does not match the signals."""


class TraceError(InputError):
    """A raw capillary trace cannot be read or sized."""


class OutputError(InputError):
    """A result cannot be written."""


class QualityError(MlpaError):
    """Quality failed and the user asked to stop on it."""

    exit_code = 4


class BatchError(MlpaError):
    """Some inputs of many were refused."""

    exit_code = 5
