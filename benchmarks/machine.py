"""What a benchmark ran on, and where its last full result is kept."""

from __future__ import annotations

import json
import math
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def describe() -> dict[str, Any]:
    """Return processor, number of processors, system and the versions of what does the work."""
    import numpy
    import pandas
    import scipy

    model = ""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [
            line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")
        ]
        model = lines[0].partition(":")[2].strip() if lines else ""
    return {
        "processor": model,
        "processors": processors(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "pandas": pandas.__version__,
    }


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plain(value: Any) -> Any:
    """Return `value` as JSON knows it: NumPy numbers as numbers, what is not finite as null, tuples as lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy number or array
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def store(name: str, figures: dict[str, Any]) -> Path:
    """Write the figures of a full run, with the machine, and return the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = plain({"machine": describe(), **figures})
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path
