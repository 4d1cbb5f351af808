"""The judge of the vulnerability audit: fails on what can be mended, and on nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.robust_audit import main

CLEAN = {"name": "click", "version": "8.1", "vulns": []}
MENDED = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "CVE-2024-22195", "fix_versions": ["3.1.3"]}],
}
OPEN = {"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": []}]}
SKIPPED = {
    "name": "numpy",
    "skip_reason": "Dependency not found on PyPI and could not be audited: numpy (2.0)",
}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([CLEAN], 0, "1 packages looked up, 0 not known"),
        ([CLEAN, OPEN], 0, "known, not mended yet: x 1: CVE-1"),
        ([CLEAN, MENDED], 1, "to mend: jinja2 3.1.2: CVE-2024-22195, mended in 3.1.3"),
        ([{**MENDED, "name": "pip"}], 0, "0 packages looked up"),
        ([SKIPPED], 0, "vulnerabilities are not known: the service answered for no package"),
    ],
)
def test_judgement(tmp_path, capsys, packages, code, said):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps({"dependencies": packages, "fixes": []}), encoding="utf-8")
    assert main([str(path)]) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "", "{}", "[1]"])
def test_no_result_is_told_and_no_failure(tmp_path, capsys, content):
    path, log = tmp_path / "audit.json", tmp_path / "audit.log"
    log.write_text("ERROR: connection refused", encoding="utf-8")
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main([str(path), str(log)]) == 0
    assert "pip-audit wrote no result (ERROR: connection refused)" in capsys.readouterr().out


def test_bill_of_materials(tmp_path, capsys):
    path = tmp_path / "sbom.json"
    parts = [{"name": "mlpa-caller", "version": "0.1"}, {"name": "numpy", "version": "2"}, {"name": "odd"}]
    path.write_text(json.dumps({"components": parts}), encoding="utf-8")
    assert main(["--materials", str(path), "mlpa_caller", "NumPy"]) == 0
    assert capsys.readouterr().out == "2 packages in the bill of materials\n"
    assert main(["--materials", str(path), "odd", "numpy"]) == 1  # a package without a version is not told
    assert capsys.readouterr().out == "2 packages in the bill of materials; not in it: odd\n"
