"""The commands panel list, check and import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlpa_caller.cli import main
from mlpa_caller.errors import PanelError, UsageError
from mlpa_caller.panel import load_panel
from mlpa_caller.panel_tools import import_sheet, panel_summary

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "mlpa"
FOREIGN = "Probe name;Length (nt);Chromosome;Gene symbol;Exon number;Ref\n" + "".join(
    f"`p {i}`;{100 + 7 * i},5;{1 if i > 4 else 7};{'' if i > 4 else 'G'};{'' if i > 4 else i + 1};{int(i > 4)}\n"
    for i in range(10)
)


def run(capsys, *words):
    """Return exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as caught:
        main(["panel", *map(str, words)])
    out, err = capsys.readouterr()
    return caught.value.code, out, err


def test_list(capsys):
    code, out, err = run(capsys, "list")
    assert (code, err) == (0, "")
    assert out.startswith("demo-synthetic\t62 probes\tIKZF1, EBF1, CDKN2A")
    code, out, _ = run(capsys, "list", "--json")
    assert [panel["name"] for panel in json.loads(out)] == ["demo-synthetic"]


def test_check(capsys, tmp_path):
    code, out, err = run(capsys, "check", "demo-synthetic")
    assert (code, err) == (0, "")
    assert out.startswith("demo-synthetic: 62 probes (40 target, 13 reference, 4 quantity, 2 denaturation, ")
    assert "  gene: IKZF1 1, 2, 3, 4, 5, 6, 7, 8\n" in out
    assert "  9p21: CDKN2A 2, 1; CDKN2B 2\n" in out
    assert "one probe only, so that a loss needs confirming: CDKN2B, SHOX" in out
    code, out, _ = run(capsys, "check", "demo-synthetic", "--json")
    told = json.loads(out)
    assert told == panel_summary(load_panel("demo-synthetic"))
    assert told["roles"]["reference"] == 13
    assert told["smallest_spacing"] == 4  # 88, 92, 96 and 100 nt
    assert told["length_range"] == [64, 480]
    assert [region["name"] for region in told["regions"]][-1] == "PAR1"
    assert told["regions"][0]["exons"][0] == "IKZF1 1"
    bad = tmp_path / "bad.csv"
    bad.write_text("probe,length_nt,gene,exon,role\na,x,G,1,target\n", encoding="utf-8")
    code, out, err = run(capsys, "check", bad)
    assert (code, out) == (3, "")
    assert err == f"{bad}:2: length_nt is 'x', not a number; give the length in nucleotides\n"
    code, out, err = run(capsys, "check", "nope")
    assert (code, out) == (3, "")
    assert err.startswith(
        "nope: no such probe sheet and no bundled panel of this name; give a file, or one of:"
    )


def test_check_reads_standard_input(capsys, monkeypatch):
    import io
    import sys

    from mlpa_caller.refdata import reference_path

    data = reference_path("panels/demo-synthetic.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, _ = run(capsys, "check", "-")
    assert code == 0
    assert out.startswith("stdin: 62 probes")


def test_import(capsys, tmp_path):
    sheet, out_file = tmp_path / "mix.csv", tmp_path / "panel.csv"
    sheet.write_text(FOREIGN, encoding="utf-8")
    code, out, err = run(capsys, "import", sheet, "--out", out_file, "--reference-column", "Ref")
    assert (code, out) == (0, "")
    for note in (
        "column 'Ref' is taken as is_reference",
        "column 'Probe name' is taken as probe",
        "column 'Length (nt)' is taken as length_nt",
        "back-ticks around 10 probe names are taken off",
        "lengths are read with decimal comma",
        "5 reference probes and 5 targets",
        "mix: 10 probes (5 target, 5 reference)",
        "note: no position, so no VCF",
    ):
        assert note in err
    panel = load_panel(out_file)
    assert panel.probes[:2] == ("p 0", "p 1")
    assert panel.length[:2].tolist() == [100.5, 107.5]
    assert panel.regions[0].unit_label == tuple("12345")
    assert panel.chrom.tolist() == ["chr7"] * 5 + ["chr1"] * 5
    assert panel.extra == {}
    assert out_file.read_bytes().count(b"\r") == 0
    code, _, err = run(capsys, "import", sheet, "--out", out_file, "--reference-column", "Ref")
    assert code == 2
    assert "the file exists; add --force" in err
    code, out, err = run(capsys, "import", sheet, "--out", "-", "--quiet", "--reference-column", "Ref")
    assert (code, err) == (0, "")
    assert out == out_file.read_text(encoding="utf-8")
    assert run(capsys, "import", out_file, "--out", out_file, "--force", "--quiet")[0] == 0
    assert out == out_file.read_text(encoding="utf-8")  # what was imported is imported unchanged


def test_nothing_is_written_when_the_sheet_is_refused(capsys, tmp_path):
    sheet, out_file = tmp_path / "mix.csv", tmp_path / "panel.csv"
    sheet.write_text(FOREIGN.replace("p 3", "p 2"), encoding="utf-8")
    code, out, err = run(capsys, "import", sheet, "--out", out_file, "--reference-column", "Ref")
    assert (code, out) == (3, "")
    assert err == f"{sheet}:5: probe 'p 2' stands also in line 4; give every probe its own name\n"
    assert list(tmp_path.iterdir()) == [sheet]


def sheet_of(text: str, **options):
    return import_sheet(text.encode(), "mix.csv", "mix", **options)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (FOREIGN, {}, "mix.csv:1: has no column for the role of a probe; name it with --map COLUMN=role"),
        (FOREIGN, {"reference_column": "R"}, "mix.csv:1: has no column 'R' (its columns: 'Probe name, Length"),
        (FOREIGN.replace(";G;", ";;"), {"reference_column": "Ref"}, "mix.csv:2: target probe 'p 0' has no gene"),
        (FOREIGN.replace(";0\n", ";maybe\n"), {"reference_column": "Ref"}, "mix.csv:2: 'maybe' does not say"),
        (FOREIGN.replace("Chromosome", "Length"), {"reference_column": "Ref"},
         "mix.csv:1: columns 'Length (nt)' and 'Length' may both be length_nt; say which one with --map"),
        (FOREIGN.replace("Length (nt)", "nt"), {"reference_column": "Ref"},
         "mix.csv:1: has no column for length_nt (its columns: 'Probe name, nt, Chromosome, Gene symbol"),
        (FOREIGN.replace("Length (nt)", "nt"), {"mapping": [("bp", "length_nt")]}, "mix.csv:1: has no column 'bp'"),
        (FOREIGN, {"reference_column": "Ref", "pattern": "(?P<exon>x)"}, "mix.csv:2: the pattern does not fit"),
        (FOREIGN.replace(";1\n", ";0\n"), {"reference_column": "Ref", "gene": "H"}, "mix.csv: has 0 reference"),
    ],
)  # fmt: skip
def test_sheets_that_leave_something_open_are_refused(text, options, words):
    with pytest.raises(PanelError) as caught:
        sheet_of(text, **options)
    assert str(caught.value).startswith(words), str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"mapping": [("Ref", "reference")]},
            "there is no column 'reference'; map to one of probe, length_nt",
        ),
        ({"mapping": [("Ref", "exon"), ("Gene symbol", "exon")]}, "column exon is mapped twice"),
        ({"reference_column": "Ref", "pattern": "("}, "'(' is no regular expression"),
        ({"reference_column": "Ref", "pattern": "(?P<probe>x)"}, "has no groups gene or exon"),
    ],
)
def test_options_worded_wrongly(options, words):
    with pytest.raises(UsageError) as caught:
        sheet_of(FOREIGN, **options)
    assert words in str(caught.value)


def test_map_option(capsys, tmp_path):
    sheet = tmp_path / "mix.csv"
    sheet.write_text(FOREIGN.replace("Length (nt)", "nt=nt"), encoding="utf-8")
    words = ("import", sheet, "--out", "-", "--reference-column", "Ref", "--map", "nt=nt=length_nt")
    code, out, err = run(capsys, *words)
    assert code == 0
    assert out.splitlines()[1].startswith("p 0,100.5,G,1,target,7")
    assert "column 'nt=nt' is taken as length_nt" in err
    code, _, err = run(capsys, "import", sheet, "--out", "-", "--map", "length_nt")
    assert code == 2
    assert "--map 'length_nt' is not OLD=NEW" in err


@pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party files are not on this machine")
def test_import_of_a_real_sheet(capsys, tmp_path):
    source, out_file = SHARED / "p002_brca1_probes.csv", tmp_path / "p002.csv"
    code, _, err = run(capsys, "import", source, "--out", out_file)
    assert code == 3
    assert ":4: target probe 'BRCA1Ex1A' has no gene; name the column with --map COLUMN=gene" in err
    pattern = "(?P<gene>BRCA1)Ex(?P<exon>.+)"
    code, _, err = run(capsys, "import", source, "--out", out_file, "--pattern", pattern, "--name", "mine")
    assert code == 0
    assert "column 'is_reference' is taken as is_reference" in err
    assert "back-ticks around 2 probe names are taken off" in err
    assert "gene and exon are taken from the probe names" in err
    assert "mine: 34 probes (25 target, 9 reference), 127-454 nt" in err
    panel = load_panel(out_file)
    # the names are those of the signal table's columns
    header = (SHARED / "p002_brca1_cases.tsv").read_text(encoding="latin-1").splitlines()[0].split("\t")
    assert panel.probes == tuple(header[2:])
    (region,) = panel.regions
    assert region.unit_label[:4] == ("1A", "1B", "2", "3")
    assert region.unit_label[9:13] == ("10", "11-1", "11-2", "12")
    assert "is_reference" not in panel.extra
    assert set(panel.extra) == {"source"}
