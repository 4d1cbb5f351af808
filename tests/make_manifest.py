"""Write reference/manifest.json anew, or check it.

``python tests/make_manifest.py [VERSION]`` writes; ``python tests/make_manifest.py --check`` compares.
"""

import json
import sys
from pathlib import Path

from mlpa_caller.refdata import make_manifest

ROOT = Path(__file__).resolve().parent.parent / "reference"


def main(words: list[str]) -> int:
    target = ROOT / "manifest.json"
    written = json.loads(target.read_text(encoding="utf-8"))
    check = words == ["--check"]
    version = words[0] if words and not check else written["version"]
    made = make_manifest(ROOT, version)
    if check:
        wrong = sorted({*made["files"].items()} ^ {*written["files"].items()})  # type: ignore[attr-defined]
        for name in dict.fromkeys(name for name, _ in wrong):
            print(f"{name} is not as the manifest says; run python tests/make_manifest.py", file=sys.stderr)
        return 1 if wrong else 0
    target.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
