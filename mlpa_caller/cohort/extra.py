"""The libraries of the extra ``[cohort]``, imported when they are first needed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from mlpa_caller.errors import MissingExtraError

__all__ = ["library", "require_extra"]

_NEEDED = ("lifelines", "matplotlib")
_REMEDY = "install the extra: pip install 'mlpa-caller[cohort]'"


def library(name: str) -> Any:
    """Import and return a module of the extra ``[cohort]``.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        missing = name.partition(".")[0]
        raise MissingExtraError(f"cohort statistics need {missing}, which is not installed",
                                remedy=_REMEDY) from None  # fmt: skip


def require_extra() -> None:
    """Refuse at once, before any file is read, when the extra ``[cohort]`` is not installed.

    Raises
    ------
    MissingExtraError
        Naming the libraries that are missing and the extra.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise MissingExtraError(f"cohort statistics need {' and '.join(missing)}, which {verb} not installed",
                                remedy=_REMEDY)  # fmt: skip
