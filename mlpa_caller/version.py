"""The package's version, from its installed metadata."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["version"]


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version of the installed package."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("mlpa-caller")
    except PackageNotFoundError:
        return "0+unknown"
