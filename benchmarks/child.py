"""Run one command of mlpa-caller and write the largest resident memory in MB to standard error, as its last line."""

from __future__ import annotations

import resource
import sys


def main() -> None:
    """Run the command given, then report."""
    from mlpa_caller.cli import main as command

    try:
        command(sys.argv[1:])
    finally:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)


if __name__ == "__main__":
    main()
