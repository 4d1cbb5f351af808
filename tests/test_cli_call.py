"""``mlpa-caller call``: exit codes, one-line errors, what is printed where, light start."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
from fake_result import result

from mlpa_caller.cli import main
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import PanelError
from mlpa_caller.outputs.tsv import write_tables

FILES = [
    "calls.tsv",
    "calls.vcf.gz",
    "calls.vcf.gz.tbi",
    "exons.tsv",
    "mlpa_caller_mqc.json",
    "provenance.json",
    "quality.tsv",
    "ratios.tsv",
    "report.html",
    "report.xlsx",
    "result.json",
]
WORDS = ["call", "run.txt", "--panel", "p.csv", "--samples", "s.csv", "--out"]


@pytest.fixture
def pipeline(monkeypatch):
    """A pipeline that gives a result made by hand, and notes what it was asked for."""
    module = types.ModuleType("mlpa_caller.pipeline")
    module.asked = []
    module.gives = result()

    def call_run(inputs, **options):
        module.asked.append((tuple(inputs), options))
        if isinstance(module.gives, BaseException):
            raise module.gives
        return module.gives

    module.call_run = call_run
    monkeypatch.setitem(sys.modules, "mlpa_caller.pipeline", module)
    return module


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code


def healthy() -> object:
    base = result()
    quality = base.tables["quality"]
    passed = Table({**quality.columns, "verdict": text_array(["pass"] * 4)}, quality.decimals)
    return dataclasses.replace(base, tables={**base.tables, "quality": passed})


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_everything_and_tells(pipeline, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(*WORDS, str(out), "more.txt") == 0
    assert pipeline.asked == [
        (("run.txt", "more.txt"), {"panel": "p.csv", "samples": "s.csv", "clinical": None, "progress": None})
    ]
    assert listing(out) == FILES
    printed = capsys.readouterr()
    assert printed.err == ""  # no progress where standard error is no terminal
    assert "P1      pass     loss IKZF1 1-2: p > 0.999" in printed.out
    assert f"\nResults: {out}\nFor research use only." in printed.out


def test_only_provenance_differs_between_runs(pipeline, tmp_path, capsys):
    for name in ("a", "b"):
        assert run(*WORDS, str(tmp_path / name)) == 0
    for name in FILES:
        if name != "provenance.json":
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    document = json.loads((tmp_path / "a" / "provenance.json").read_text(encoding="utf-8"))
    assert document["command"] == ["mlpa-caller", *WORDS, "a"]
    assert document["started"] <= document["ended"]
    plain = tmp_path / "plain"
    plain.mkdir()
    write_tables(result(), plain)
    assert (plain / "calls.tsv").read_bytes() == (tmp_path / "a" / "calls.tsv").read_bytes()


def test_json_goes_to_standard_output(pipeline, tmp_path, capsys):
    assert run(*WORDS, str(tmp_path / "out"), "--json", "--quiet") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["samples"][0]["calls"][0]["exons"] == "1-2"
    assert document["schema_version"] == "1.0"


def test_quiet_and_verbose(pipeline, tmp_path, capsys):
    assert run(*WORDS, str(tmp_path / "a"), "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert run(*WORDS, str(tmp_path / "b"), "--verbose") == 0
    assert capsys.readouterr().err == f"calling 1 input\nwriting {tmp_path / 'b'}\n"


def test_existing_result_is_refused_before_the_work(pipeline, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(*WORDS, str(out)) == 0
    before = (out / "provenance.json").read_bytes()
    capsys.readouterr()
    assert run(*WORDS, str(out)) == 2
    assert len(pipeline.asked) == 1
    assert capsys.readouterr() == (
        "",
        f"{out}: the folder already holds a result; add --force to replace it, or name another folder\n",
    )
    assert (out / "provenance.json").read_bytes() == before
    assert run(*WORDS, str(out), "--force") == 0
    assert (out / "provenance.json").read_bytes() != before


def test_input_error_is_one_line_and_leaves_nothing(pipeline, tmp_path, capsys):
    pipeline.gives = PanelError("two probes\nof length 130", remedy="give each its own", file="p.csv", line=7)
    assert run(*WORDS, str(tmp_path / "a" / "out")) == 3
    assert capsys.readouterr() == ("", "p.csv:7: two probes of length 130; give each its own\n")
    assert listing(tmp_path) == []


def test_failed_quality(pipeline, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(*WORDS, str(out)) == 0
    assert run(*WORDS, str(out), "--force", "--fail-on-qc") == 4
    printed = capsys.readouterr()
    assert printed.err == f"{out}: quality failed: 1 of 4 samples (P2); see quality.tsv there\n"
    assert listing(out) == FILES
    pipeline.gives = healthy()
    assert run(*WORDS, str(out), "--force", "--fail-on-qc") == 0


def test_interrupt(pipeline, tmp_path, capsys):
    pipeline.gives = KeyboardInterrupt()
    assert run(*WORDS, str(tmp_path / "out")) == 130
    assert capsys.readouterr().err.strip() == "interrupted"
    assert listing(tmp_path) == []


def test_unexpected_failure(pipeline, tmp_path, capsys):
    pipeline.gives = ZeroDivisionError("x\ny")
    assert run(*WORDS, str(tmp_path / "out")) == 1
    assert capsys.readouterr().err == (
        "internal error: ZeroDivisionError: x y; run again with --debug and report the traceback\n"
    )


def test_full_disk(pipeline, tmp_path, capsys, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlpa_caller.outputs.publish.os.fsync", full)
    assert run(*WORDS, str(tmp_path / "out")) == 3
    assert capsys.readouterr().err == (
        f"{tmp_path / 'out'}: cannot be written: No space left on device; "
        "free space on the disk or name another folder\n"
    )
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["call"], "mlpa-caller call: Missing argument 'INPUT...'; see mlpa-caller call --help"),
        (["call", "x"], "mlpa-caller call: Missing option '--panel'; see mlpa-caller call --help"),
        (["call", "--nonsense"], "mlpa-caller call: No such option"),
        (["nonsense"], "mlpa-caller: No such command 'nonsense'; see mlpa-caller --help"),
    ],
)
def test_usage_errors_are_one_line(words, message, capsys):
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1


def test_help_shows_an_example(capsys):
    assert run("call", "--help") == 0
    text = capsys.readouterr().out
    assert (
        "mlpa-caller call run42_peaks.txt --panel my_mix.csv --samples run42_samples.csv --out run42\n"
        in text
    )
    for word in ("--force", "--fail-on-qc", "--json", "--quiet", "--verbose", "calls.tsv", "Exit codes"):
        assert word in text


def test_start_is_light():
    """`--help` and `call --help` import neither NumPy nor pandas nor SciPy."""
    code = (
        "import sys\nfrom mlpa_caller.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'pyarrow', 'pysam'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    for words in (["--help"], ["call", "--help"], ["demo", "--help"], ["--version"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), words


def test_text_that_the_terminal_cannot_show(tmp_path):
    """A name outside the terminal's characters is shown as an escape, not an error."""
    code = (
        "import sys\nfrom mlpa_caller.cli.options import Voice\n"
        "voice = Voice(quiet=False, verbose=True)\nvoice.say('日本')\nvoice.step('Å日')\n"
        "voice.data({'a': '日'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("latin-1") == '\\u65e5\\u672c\n{\n "a": "\\u65e5"\n}\n'
    assert done.stderr.decode("latin-1") == "Å\\u65e5\n"
