"""The package as a user meets it: public names, README, reference data from every kind of installation."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlpa_caller
from mlpa_caller.errors import MlpaError
from mlpa_caller.refdata import make_manifest, reference_path, reference_root

ROOT = Path(__file__).resolve().parents[1]
ASK = (
    "import json, mlpa_caller, mlpa_caller.refdata as r; "
    "print(json.dumps([str(r.reference_root()), mlpa_caller.__file__, r.reference_version(), "
    "list(mlpa_caller.bundled_panels())]))"
)


def run_python(code: str, cwd: Path, path: str = "", isolated: bool = False) -> str:
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, *(["-I"] if isolated else []), "-c", code]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_public_name_is_there_and_documented():
    assert sorted(mlpa_caller.__all__) == sorted(mlpa_caller._HOME)
    for name in mlpa_caller.__all__:
        assert getattr(mlpa_caller, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        mlpa_caller.missing  # noqa: B018


def test_import_and_help_load_nothing_heavy(tmp_path):
    code = (
        "import sys, mlpa_caller, mlpa_caller.cli as c\n"
        "try: c.cli.main(['--help'], standalone_mode=False)\n"
        "finally: print([n for n in ('numpy', 'pandas', 'scipy', 'pyarrow', 'pysam') if n in sys.modules])"
    )
    assert run_python(code, tmp_path).splitlines()[-1] == "[]"


def test_reference_data_from_an_editable_install_or_this_environment(tmp_path):
    root, _, version, panels = json.loads(run_python(ASK, tmp_path, isolated=True))
    assert (Path(root) / "manifest.json").is_file()
    assert version
    assert "demo-synthetic" in panels


def test_reference_data_from_a_checkout_that_is_not_installed(tmp_path):
    for name in ("mlpa_caller", "reference"):
        (tmp_path / name).symlink_to(ROOT / name)
    root, package, _, panels = json.loads(run_python(ASK, tmp_path, path=str(ROOT)))
    assert Path(root).resolve() == ROOT / "reference"
    assert Path(package).resolve().parent == ROOT / "mlpa_caller"
    assert panels


def test_reference_data_from_the_wheel(tmp_path):
    pytest.importorskip("build", reason="the extra [test] is not installed")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
        str(wheel),
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    root, package, _, panels = json.loads(run_python(ASK, tmp_path, path=str(target)))
    assert Path(root) == target / "mlpa_caller" / "_reference"
    assert Path(package).parent == target / "mlpa_caller"
    assert panels
    shipped = json.loads((Path(root) / "manifest.json").read_text(encoding="utf-8"))
    assert make_manifest(Path(root), shipped["version"]) == shipped


def test_manifest_is_the_truth():
    written = json.loads((ROOT / "reference" / "manifest.json").read_text(encoding="utf-8"))
    assert make_manifest(ROOT / "reference", written["version"]) == written


def test_every_row_of_the_priors_has_source_and_confidence():
    import csv

    for path in sorted((reference_root() / "priors").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                assert row["source"].strip(), (path.name, row)
                assert row["confidence"] in ("measured", "read", "derived", "assumed", "unverified"), (
                    path.name,
                    row,
                )


def test_missing_reference_file_is_one_clear_line():
    with pytest.raises(
        MlpaError, match=r"reference file nothing\.csv is missing from the installation; install"
    ):
        reference_path("nothing.csv")


def test_readme_example_runs(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    exec(compile(code, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["sample", "exons", "probability", "clone_fraction"]
    assert len(lines) > 8


def test_readme_names_every_flag():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z_]+)`", text))
    source = (ROOT / "mlpa_caller" / "calling" / "tables.py").read_text(encoding="utf-8")
    given = set(re.findall(r'\(\s*"([a-z_]+)",', source))
    assert given >= {"confirm_single_probe", "below_limit_of_detection", "sample_failed"}
    assert given <= explained


def test_no_command_writes_a_traceback_for_a_bad_word(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mlpa_caller", "call", "nothing.txt", "--panel", "demo-synthetic", "--samples",
         "none.csv", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
