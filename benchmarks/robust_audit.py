"""Judge what pip-audit wrote: ``python -m benchmarks.robust_audit AUDIT.json [AUDIT.log]``.

Ends with 1 when a package has a known vulnerability that a newer version mends, and only then. Where the service
that knows vulnerabilities cannot be reached nothing is known, which is said and is no failure. Needs nothing but
Python itself. ``--materials SBOM.json NAME...`` looks for packages in a CycloneDX bill of materials instead, and
ends with 1 when one is not in it with a version.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["judged", "main", "materials"]

NOT_SHIPPED = frozenset(("pip", "setuptools", "wheel"))
"""Packages that every environment brings along and that are no part of the tool."""


def judged(document: Any) -> tuple[list[str], list[str], int, int]:
    """Return vulnerabilities with a fix, those without, and how many packages were and were not looked up."""
    mended, open_, known, unknown = [], [], 0, 0
    for package in document["dependencies"]:
        if package["name"].lower() in NOT_SHIPPED:
            continue
        if "skip_reason" in package:
            unknown += 1
            continue
        known += 1
        for found in package["vulns"]:
            line = f"{package['name']} {package['version']}: {found['id']}"
            if found["fix_versions"]:
                mended.append(f"{line}, mended in {', '.join(found['fix_versions'])}")
            else:
                open_.append(line)
    return mended, open_, known, unknown


def materials(words: Sequence[str]) -> int:
    """Print how many packages a bill of materials lists; 1 when one of those named is not among them."""
    document = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    listed = {
        part["name"].lower().replace("-", "_"): part["version"]
        for part in document["components"]
        if part.get("version")
    }
    missing = [name for name in words[1:] if name.lower().replace("-", "_") not in listed]
    print(
        f"{len(listed)} packages in the bill of materials"
        + "".join(f"; not in it: {name}" for name in missing)
    )
    return 1 if missing else 0


def main(words: Sequence[str]) -> int:
    """Print what was found; 1 when there is something to mend."""
    if words[:1] == ["--materials"]:
        return materials(words[1:])
    try:
        mended, open_, known, unknown = judged(json.loads(Path(words[0]).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        said = Path(words[1]).read_text(encoding="utf-8", errors="replace").strip() if len(words) > 1 else ""
        print(f"vulnerabilities are not known: pip-audit wrote no result ({said[-200:]})")
        return 0
    print(f"{known} packages looked up, {unknown} not known to the service")
    if unknown and not known:
        print("vulnerabilities are not known: the service answered for no package")
    for line in open_:
        print(f"known, not mended yet: {line}")
    for line in mended:
        print(f"to mend: {line}")
    return 1 if mended else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
