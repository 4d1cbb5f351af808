"""``mlpa-caller batch``: exit codes, what is printed where, the progress bar; and the queries of its documentation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from batch_cases import PANEL, ROOT, command, environment, rows, write_folder, write_table

from mlpa_caller import cli


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "batch", "Call many runs.")


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["batch", *map(str, words)])
    return int(caught.value.code)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "t.parquet", {"run1": 1, "run2": 2})


def inputs(table: Path) -> list[object]:
    return [table, "--samples", table.with_suffix(".csv"), "--panel", PANEL, "--workers", 1]


@pytest.fixture(scope="module")
def done(table, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("done") / "all"
    words = command(*inputs(table), "--out", out)
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")  # no progress where standard error is no terminal
    assert "2 runs with 16 samples: 2 analysed, 0 finished before" in ended.stdout
    assert ended.stdout.endswith(f"\nResults: {out}\n" + ended.stdout.splitlines()[-1] + "\n")
    assert "For research use only." in ended.stdout
    return out


def test_existing_batch_is_refused_and_resumed(table, done, capsys):
    assert run(*inputs(table), "--out", done) == 2
    assert capsys.readouterr() == (
        "",
        f"{done}: the folder holds a batch; add --resume to continue it, --force to do it all again, "
        "or name another folder\n",
    )
    assert run(*inputs(table), "--out", done, "--resume") == 0
    assert "0 analysed, 2 finished before" in capsys.readouterr().out
    assert run(*inputs(table), "--out", done, "--resume", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert run(*inputs(table), "--out", done, "--resume", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in document["runs"]] == ["run1", "run2"]
    assert (document["done"], document["skipped"], document["failures"]) == (0, 2, [])


def test_failed_runs_are_told_of_and_the_exit_code_is_5(tmp_path, capsys):
    write_folder(tmp_path / "runs" / "good", 1)
    write_folder(tmp_path / "runs" / "bad\u202e", 2)
    (tmp_path / "runs" / "bad\u202e" / "samples.csv").write_text("sample\nx\n")
    words = [
        tmp_path / "runs",
        "--panel",
        PANEL,
        "--workers",
        1,
        "--combined-only",
        "--out",
        tmp_path / "out",
    ]
    assert run(*words) == 5
    printed = capsys.readouterr()
    first, last = printed.err.splitlines()
    assert first.startswith(r"run bad\u202e: ")
    assert "has no column role" in first
    assert last == f"{tmp_path / 'out'}: 1 of 2 runs failed; see failures.tsv there"
    assert "1 runs failed: see failures.tsv" in printed.out
    assert {row["run"] for row in rows(tmp_path / "out", "calls")} == {"good"}
    assert run(*words, "--resume", "--json", "--quiet") == 5
    document = json.loads(capsys.readouterr().out)
    assert [failure["error"] for failure in document["failures"]] == ["SampleSheetError"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none", "--panel", "nothing", "--out", "o"], 3, "nothing: no such probe sheet"),
        (
            ["none", "--out", "o", "--workers", "2", "--scheduler", "tcp://x"],
            2,
            "--workers and --scheduler exclude",
        ),
        (["none", "--out", "o", "--resume", "--force"], 2, "--resume and --force exclude each other"),
        (["--out", "o"], 2, "Missing argument 'RUN...'"),
        (["none", "--out", "o", "--workers", "0"], 2, "--workers"),
    ],
)
def test_wrong_words(tmp_path, monkeypatch, capsys, words, code, message):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == code
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "o").exists()


def test_samples_that_no_input_holds_are_told_of(table, tmp_path, capsys):
    sheet = tmp_path / "more.csv"
    sheet.write_text(table.with_suffix(".csv").read_text() + "X,patient,run9,,,\n")
    words = [table, "--samples", sheet, "--panel", PANEL, "--workers", 1, "--out", tmp_path / "out"]
    assert run(*words) == 0
    assert capsys.readouterr().err == "in the sample sheet, and in no input: run9\n"


def test_progress_bar_on_a_terminal(table, done):
    master, slave = os.openpty()
    words = command(*inputs(table), "--out", done, "--resume")
    process = subprocess.Popen(
        words, env={**environment(), "TERM": "xterm"}, stdout=subprocess.DEVNULL, stderr=slave
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 1000)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait() == 0
    assert re.search(rb"runs  \[#+\]  2/2", shown)


def test_help_loads_nothing_heavy():
    code = (
        "import sys, mlpa_caller.cli.batch, mlpa_caller.cli.trend\n"
        "print([n for n in ('numpy', 'pandas', 'scipy', 'pyarrow', 'distributed', 'matplotlib') if n in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


def queries() -> list[str]:
    text = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
    return re.findall(r"```sql\n(.*?)```", text, flags=re.S)


def test_queries_of_the_documentation(done, monkeypatch):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    monkeypatch.chdir(done.parent)
    found = [duckdb.sql(query).fetchall() for query in queries()]
    assert len(found) == 5
    by_lot, by_instrument, by_month, probes, ranges = found
    assert [row[:2] for row in by_lot] == [("L0", 4), ("L1", 4)]
    losses = {
        (row["run"], row["sample"])
        for row in rows(done, "calls")
        if row["gene"] == "IKZF1" and row["status"] == "loss"
    }
    assert sum(row[2] for row in by_lot) == len(losses) > 0
    assert [row[:2] for row in by_instrument] == [("A1", 16)]
    assert [row[:3] for row in by_month] == [("2025-01", 2, 16)]
    assert len(probes) == 20
    assert sum(row[2] for row in ranges) == sum(row["status"] == "loss" for row in rows(done, "calls"))
