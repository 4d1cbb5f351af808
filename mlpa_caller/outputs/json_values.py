"""Values as JSON text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlpa_caller.errors import MlpaError

__all__ = ["json_text", "plain"]


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
