"""Run one command of mlpa-caller; write the largest resident memory in MB, its own and that of a process it started."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def own_peak_mb() -> float:
    """Return the largest resident memory of this process.

    What the system reports at the end of a process counts that of the process it was started from, before it became
    this one; Linux tells the peak of the program itself apart.
    """
    if STATUS.is_file():
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run the command given; the last line of standard error is the report."""
    from mlpa_caller.cli import main as command

    try:
        command(sys.argv[1:])
    finally:
        other = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(json.dumps({"own_mb": own_peak_mb(), "child_mb": other}), file=sys.stderr)


if __name__ == "__main__":
    main()
