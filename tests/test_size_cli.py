"""``mlpa-caller size``: files, folders, refusals, exit codes, what is written and where."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mlpa_caller import cli
from mlpa_caller.errors import UsageError
from mlpa_caller.simulate_traces import trace_from_peaks, write_fsa
from mlpa_caller.traces import SizingOptions, process_traces

TRACES = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "traces"
PEAK_COLUMNS = ["file", "sample", "dye", "data_point", "size", "size_error", "height", "area", "flags"]
QUALITY_COLUMNS = ["file", "sample", "ladder", "rungs_expected", "rungs_matched", "residual_median", "residual_max",
                   "verdict", "reason"]  # fmt: skip
SIZES = [130.0, 185.5, 240.0, 301.0]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "size", "Find and size the peaks of raw capillary traces.")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with two good traces (one in a folder below), a bad one and files that are no traces."""
    folder = tmp_path / "run"
    (folder / "below").mkdir(parents=True)
    for k, name in enumerate(("A01.fsa", "below/A02.FSA")):
        rng = np.random.default_rng(k)
        trace = trace_from_peaks(SIZES, [900.0, 2000.0, 700.0, 1500.0], [0, 0, 0, 1], rng=rng)
        write_fsa(folder / name, trace, sample=("007", "=x")[k], size_standard="GS500")
    (folder / "B01.fsa").write_text("no trace", encoding="utf-8")
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    return folder


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["size", *map(str, words)])
    return int(end.value.code or 0)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_a_folder_with_one_bad_file(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "peaks.tsv"
    assert call(run, "--out", out) == 5
    said = capsys.readouterr()
    assert said.err.strip() == (
        f"{run / 'B01.fsa'}: not sized: is no ABIF trace file; give the .fsa file that the instrument wrote"
    )
    assert said.out.strip() == f"2 of 3 traces sized: {out}, {tmp_path / 'peaks.quality.tsv'}"
    table = rows(out)
    assert list(table[0]) == PEAK_COLUMNS
    assert {row["sample"] for row in table} == {"007", "=x"}
    fam = [
        float(row["size"])
        for row in table
        if row["sample"] == "007" and row["dye"] == "6-FAM" and row["size"]
    ]
    for size in SIZES[:3]:
        assert min(abs(size - value) for value in fam) < 0.25
    assert {row["dye"] for row in table} >= {"6-FAM", "VIC", "LIZ"}
    assert all(("outside_ladder" in row["flags"]) == (row["size"] == "") for row in table)
    quality = rows(tmp_path / "peaks.quality.tsv")
    assert list(quality[0]) == QUALITY_COLUMNS
    assert [row["file"] for row in quality] == ["A01.fsa", "B01.fsa", "A02.FSA"]
    assert [row["verdict"] for row in quality] == ["pass", "fail", "pass"]
    bad = quality[1]
    assert (bad["ladder"], bad["rungs_expected"], bad["residual_median"]) == ("", "0", "")
    assert bad["reason"].startswith("is no ABIF trace file")
    good = quality[0]
    assert (good["ladder"], good["rungs_matched"], good["rungs_expected"]) == ("GS500", "13", "13")
    assert 0.0 <= float(good["residual_median"]) <= float(good["residual_max"]) < 1.0


def test_all_good(run: Path, tmp_path: Path) -> None:
    assert call(run / "A01.fsa", "--out", tmp_path / "p.tsv", "--ladder", "GS500", "--ladder-dye", "LIZ") == 0


def test_none_good(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(run / "B01.fsa", run / "notes.txt", "--out", tmp_path / "p.tsv") == 3
    assert "0 of 2 traces sized" in capsys.readouterr().out
    assert rows(tmp_path / "p.tsv") == []
    assert (tmp_path / "p.tsv").read_text(encoding="utf-8") == "\t".join(PEAK_COLUMNS) + "\n"
    assert len(rows(tmp_path / "p.quality.tsv")) == 2


def test_a_refused_trace_keeps_its_peaks_without_sizes(run: Path, tmp_path: Path) -> None:
    assert call(run / "A01.fsa", "--out", tmp_path / "p.tsv", "--min-ladder-height", "20000") == 3
    table = rows(tmp_path / "p.tsv")
    assert table
    assert all(row["size"] == "" == row["size_error"] and "not_sized" in row["flags"] for row in table)


def test_an_existing_file_is_kept(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("p.tsv", "p.quality.tsv"):
        (tmp_path / name).write_text("old", encoding="utf-8")
        assert call(run / "A01.fsa", "--out", tmp_path / "p.tsv") == 2
        assert f"{name}: the file exists; add --force to replace it" in capsys.readouterr().err
        assert (tmp_path / name).read_text(encoding="utf-8") == "old"
        (tmp_path / name).unlink()
    (tmp_path / "p.tsv").write_text("old", encoding="utf-8")
    assert call(run / "A01.fsa", "--out", tmp_path / "p.tsv", "--force") == 0


def test_wrong_words(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", tmp_path / "p.tsv")
    for words, message in [
        ((run, *out, "--ladder", "GS5"), "no size standard is called 'GS5'"),
        ((run, *out, "--method", "cubic"), "no sizing method is called 'cubic'"),
        ((run, *out, "--min-ladder-height", "-1"), "is no positive number"),
        ((run, *out, "--workers", "0"), "0 is not in the range"),
        ((run,), "Missing option '--out'"),
        (out, "Missing argument 'TRACE...'"),
    ]:
        assert call(*words) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "p.tsv").exists()


def test_paths_that_lead_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "absent.fsa", "--out", tmp_path / "p.tsv") == 3
    assert "absent.fsa: no such file or folder; check the path" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert call(tmp_path / "empty", "--out", tmp_path / "p.tsv") == 3
    assert "the folder holds no .fsa files" in capsys.readouterr().err
    assert not (tmp_path / "p.tsv").exists()


def test_json(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(run, "--out", tmp_path / "p.tsv", "--json") == 5
    document = json.loads(capsys.readouterr().out)
    assert (document["files"], document["sized"], document["refused"]) == (3, 2, 1)
    assert document["reports"][1]["residual_median"] is None
    assert document["reports"][0]["ladder_dye"] == "LIZ"


def test_standard_output(run: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert call(run / "A01.fsa", "--out", "-") == 0
    lines = capfdbinary.readouterr().out.decode("utf-8").splitlines()
    assert lines[0].split("\t") == PEAK_COLUMNS
    assert len(lines) > 20
    assert not list(tmp_path.glob("*.tsv"))


def test_quiet(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(run / "A01.fsa", "--out", tmp_path / "p.tsv", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_several_processes_give_the_same(run: Path) -> None:
    paths = [run / "A01.fsa", run / "B01.fsa", run / "below" / "A02.FSA", run / "A01.fsa"]
    seen: list[tuple[int, int]] = []
    alone = process_traces(paths, workers=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    beside = process_traces(paths, workers=2)
    for (a, left), (b, right) in zip(alone, beside):
        assert left.reason == right.reason
        assert a.flags.tolist() == b.flags.tolist()
        assert np.array_equal(a.size, b.size, equal_nan=True)
        assert a.sample.tolist() == b.sample.tolist()


def test_two_files_of_one_name_are_told_apart(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "A01.fsa").write_bytes((run / "A01.fsa").read_bytes())
    results = process_traces([run / "A01.fsa", other / "A01.fsa"])
    assert [report.file for _, report in results] == [str(run / "A01.fsa"), str(other / "A01.fsa")]
    assert set(results[0][0].file) == {str(run / "A01.fsa")}


def test_options_of_the_library_are_checked(run: Path) -> None:
    with pytest.raises(UsageError, match="0 workers cannot work"):
        process_traces([run / "A01.fsa"], workers=0)
    with pytest.raises(UsageError, match="no size standard is called"):
        process_traces([run / "A01.fsa"], options=SizingOptions(ladder="x"))


@pytest.mark.skipif(not TRACES.is_dir(), reason="the real traces lie beside the project, and are absent")
def test_the_real_folder(tmp_path: Path) -> None:
    assert call(TRACES, "--out", tmp_path / "p.tsv", "--quiet") == 5
    failed = {
        row["file"]: row["reason"] for row in rows(tmp_path / "p.quality.tsv") if row["verdict"] == "fail"
    }
    assert set(failed) == {"encrypted.hid", "ladder_too_low.fsa", "no_peaks.fsa"}
    assert failed["encrypted.hid"].startswith("is an encrypted .hid file; export .fsa files")
    assert failed["ladder_too_low.fsa"].startswith("ladder too low")
    assert len(rows(tmp_path / "p.quality.tsv")) == 22
    again = tmp_path / "again.tsv"
    assert call(TRACES, "--out", again, "--quiet", "--workers", "2") == 5
    assert again.read_bytes() == (tmp_path / "p.tsv").read_bytes()
