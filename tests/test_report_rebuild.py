"""Writing the reports: with a result, again from result.json alone, as PDF, from the command line."""

from __future__ import annotations

import hashlib
import json
import stat
import sys
from pathlib import Path

import pytest
from fake_result import result
from report_cases import document, loss_4_7, with_calls

from mlpa_caller import cli
from mlpa_caller.electropherogram import MOST_DRAWN
from mlpa_caller.errors import FormatError, MissingExtraError, OutputError, ResultExistsError
from mlpa_caller.outputs import report, write_result
from mlpa_caller.outputs.report import pdf as pdf_room
from mlpa_caller.outputs.report import rebuild_reports, write_reports
from mlpa_caller.outputs.result_json import write_json
from mlpa_caller.panel import load_panel
from mlpa_caller.simulate import SimulationSettings, simulate_signals, write_run

FILES = ["report.html", "report.xlsx", "mlpa_caller_mqc.json"]
WRITERS = (write_json, write_reports)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def alone(tmp_path: Path) -> Path:
    """A folder that holds a result.json and nothing else."""
    folder = tmp_path / "alone"
    folder.mkdir()
    text = json.dumps(with_calls([loss_4_7()]))
    (folder / "result.json").write_text(text, encoding="utf-8")
    return folder


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    return caught.value.code


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """A program that stands for a browser: it writes what its environment says to the PDF it is asked for."""
    program = tmp_path / "browser"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "target = next(w.split('=', 1)[1] for w in sys.argv if w.startswith('--print-to-pdf='))\n"
        "assert sys.argv[-1].startswith('file:///') and sys.argv[-1].endswith('.html#print')\n"
        "text = os.environ.get('FAKE_PDF', '%PDF-1.4 /CreationDate (D:20261121034500+00\\'00\\') end')\n"
        "if text: open(target, 'w').write(text)\n"
        "print('no display', file=sys.stderr)\n"
        "sys.exit(int(os.environ.get('FAKE_CODE', '0')))\n",
        encoding="utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(pdf_room.BROWSER_VARIABLE, str(program))
    return program


def test_written_with_a_result_and_again_the_same(tmp_path):
    out = tmp_path / "out"
    write_result(result(), out, writers=WRITERS)
    first = contents(out)
    assert set(FILES) <= set(first)
    digest = hashlib.sha256(first["result.json"]).hexdigest()
    assert digest.encode() in first["report.html"]
    listed = {entry["name"]: entry["sha256"] for entry in json.loads(first["provenance.json"])["outputs"]}
    assert listed["report.html"] == hashlib.sha256(first["report.html"]).hexdigest()
    assert rebuild_reports(out) == FILES
    assert contents(out) == first


def test_from_result_json_alone(tmp_path):
    folder = alone(tmp_path)
    assert rebuild_reports(folder / "result.json") == FILES
    assert sorted(contents(folder)) == sorted(["result.json", *FILES])
    before = contents(folder)
    assert rebuild_reports(folder) == FILES
    assert contents(folder) == before


def test_without_result_json_in_the_folder_the_result_itself_serves(tmp_path):
    write_reports(result(), tmp_path)
    assert (tmp_path / "report.html").is_file()


def test_a_cohort_gets_its_reports_on_request_only(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_SAMPLES", 3)
    out = tmp_path / "out"
    write_result(result(), out, writers=WRITERS)
    assert not (out / "report.html").exists()
    rebuild_reports(out)
    assert (out / "report.html").is_file()


def test_the_command_makes_them_always_or_never_when_told(tmp_path, monkeypatch, capsys):
    data = simulate_signals(load_panel("demo-synthetic"), SimulationSettings(n_patients=4), seed=1)
    write_run(data, tmp_path / "in", seed=1)
    words = ["call", *(str(tmp_path / "in" / name) for name in ("peaks.txt", "panel.csv", "samples.csv"))]
    words[2:2], words[4:4] = ["--panel"], ["--samples"]

    def files(name: str, *more: str) -> set[str]:
        assert run(*words, "--out", str(tmp_path / name), *more) == 0
        return set(contents(tmp_path / name)) & set(FILES)

    assert files("default") == set(FILES)
    assert files("never", "--no-report") == set()
    assert "no reports" not in capsys.readouterr().err
    monkeypatch.setattr(report, "MOST_SAMPLES", 9)
    assert files("many") == set()
    assert capsys.readouterr().err == (
        f"no reports for more than 9 samples; to make them: mlpa-caller report {tmp_path / 'many'}\n"
    )
    assert files("asked", "--report") == set(FILES)
    assert capsys.readouterr().err == ""


def test_help_and_documentation_tell_the_number_of_samples(capsys):
    assert run("call", "--help") == 0
    told = f"up to {report.MOST_SAMPLES} samples"
    assert told in " ".join(capsys.readouterr().out.split())
    manual = (Path(__file__).resolve().parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    assert f"more than {report.MOST_SAMPLES} samples" in " ".join(manual.split())
    assert report.MOST_SAMPLES == MOST_DRAWN


def test_the_provenance_stays_true(tmp_path, browser):
    out = tmp_path / "out"
    write_result(result(), out, writers=WRITERS)
    before = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert rebuild_reports(out, pdf=True) == [*FILES, "report.pdf"]
    after = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert {key: after[key] for key in after if key != "outputs"} == {
        key: before[key] for key in before if key != "outputs"
    }
    for entry in after["outputs"]:
        content = (out / entry["name"]).read_bytes()
        assert (entry["sha256"], entry["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert "report.pdf" in {entry["name"] for entry in after["outputs"]}
    write_result(result(), out, writers=WRITERS, force=True)
    assert not (out / "report.pdf").exists()  # no report of an earlier result beside a new one


def test_a_file_that_belongs_to_no_result_is_not_replaced(tmp_path, browser):
    out = tmp_path / "out"
    write_result(result(), out, writers=WRITERS)
    (out / "report.pdf").write_text("mine", encoding="utf-8")
    with pytest.raises(
        ResultExistsError, match=r"'report.pdf' belongs to no result and would be replaced; move"
    ):
        rebuild_reports(out, pdf=True)
    assert (out / "report.pdf").read_text(encoding="utf-8") == "mine"
    rebuild_reports(out, pdf=True, force=True)
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")


def test_times_are_taken_out_of_the_pdf(tmp_path, browser):
    folder = alone(tmp_path)
    rebuild_reports(folder, pdf=True)
    assert (folder / "report.pdf").read_text(encoding="utf-8") == (
        "%PDF-1.4 /CreationDate (D:20000101000000+00'00') end"
    )


@pytest.mark.parametrize(("name", "value"), [("FAKE_CODE", "7"), ("FAKE_PDF", ""), ("FAKE_PDF", "<html>")])
def test_a_browser_that_fails_leaves_nothing(tmp_path, browser, monkeypatch, name, value):
    folder = alone(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(
        OutputError, match=r"report.pdf: the browser made no PDF \(no display\); open report.html"
    ):
        rebuild_reports(folder, pdf=True)
    assert sorted(contents(folder)) == ["result.json"]


def test_a_browser_that_never_ends_is_ended(tmp_path, browser, monkeypatch):
    browser.write_text("#!/bin/sh\nsleep 60\n", encoding="utf-8")
    monkeypatch.setattr(pdf_room, "_SECONDS", 0.2)
    with pytest.raises(OutputError, match=r"did not finish the PDF within 0.2 seconds"):
        rebuild_reports(alone(tmp_path), pdf=True)


def test_no_browser_is_one_clear_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pdf_room.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(pdf_room, "_PLACES", ())
    folder = alone(tmp_path)
    with pytest.raises(
        MissingExtraError, match="needs Chromium, Chrome or Edge, and none was found; install one"
    ):
        rebuild_reports(folder, pdf=True)
    assert sorted(contents(folder)) == ["result.json"]
    monkeypatch.setenv(pdf_room.BROWSER_VARIABLE, "no-such-program")
    assert run("report", str(folder), "--pdf") == 2
    assert capsys.readouterr().err == (
        "no-such-program: the browser that MLPA_CALLER_BROWSER names is not there; correct it or unset it\n"
    )


def test_no_result_is_one_clear_line(tmp_path):
    with pytest.raises(FormatError, match="cannot be read: No such file or directory; name a result folder"):
        rebuild_reports(tmp_path)
    (tmp_path / "result.json").write_text("{", encoding="utf-8")
    with pytest.raises(FormatError, match="is no JSON"):
        rebuild_reports(tmp_path)


def test_a_damaged_provenance_does_not_stand_in_the_way(tmp_path):
    folder = alone(tmp_path)
    (folder / "provenance.json").write_text("{}", encoding="utf-8")
    rebuild_reports(folder)
    assert (folder / "provenance.json").read_text(encoding="utf-8") == "{}"
    assert (folder / "report.html").is_file()


def test_command(tmp_path, capsys):
    folder = alone(tmp_path)
    assert run("report", str(folder)) == 0
    assert capsys.readouterr().out == f"{folder}: report.html, report.xlsx, mlpa_caller_mqc.json\n"
    assert run("report", str(folder), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"folder": str(folder), "files": FILES}
    assert run("report", str(tmp_path / "none")) == 3
    assert "cannot be read" in capsys.readouterr().err
    assert run("report") == 2
    assert run("report", "a", "b", "c", "d") == 2
    assert "give a result folder, two samples, or a folder and two samples" in capsys.readouterr().err


def test_documents_of_another_schema_are_refused(tmp_path):
    given = document()
    given["schema_version"] = "9.0"
    (tmp_path / "result.json").write_text(json.dumps(given), encoding="utf-8")
    with pytest.raises(FormatError, match=r"has schema version '9.0', this program reads 1"):
        rebuild_reports(tmp_path)
