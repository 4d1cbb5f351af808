"""Five hundred hostile sample names through every reader and writer; no name and no archive leads out of the folder."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mlpa_caller.batch import run_batch
from mlpa_caller.batch.names import folder_names
from mlpa_caller.batch.store import read_part
from mlpa_caller.errors import FormatError, InputError, MlpaError, SampleSheetError
from mlpa_caller.formats import align
from mlpa_caller.formats.calls_table import read_calls
from mlpa_caller.formats.registry import runs_from_bytes
from mlpa_caller.formats.text import parse_table
from mlpa_caller.outputs import default_writers, read_result, write_result
from mlpa_caller.outputs.vcf import sample_from_vcf
from mlpa_caller.panel import Panel, load_panel, panel_from_columns
from mlpa_caller.pipeline import analyse
from mlpa_caller.risk import read_clinical
from mlpa_caller.samplesheet import load_samples
from mlpa_caller.simulate import SimulationSettings, simulate_signals

N = 500
KNOWN = (
    "007", "1e5", "1E400", "NA", "N/A", "#N/A", "NaN", "nan", "inf", "-inf", "null", "NULL", "None", "true",
    "TRUE", "0", "-0", "00", "1", "1.0", "1,5", "1.234,5", "12:30", "1/2", "2024-01-01", "MARCH1", "SEPT2",
    "=1+1", "=x", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x\")", "=cmd|' /C calc'!A0", "{=1}",
    "http://a.b/c", "mailto:a@b", "internal:x", "a b", " a", "a ", "  ", "..", ".", "../../etc/passwd",
    "..\\..\\x", "/etc/passwd", "C:\\x", "\\\\host\\share", "~", "~root", "-rf", "--help", "$(id)", "`id`",
    "a;b", "a,b", "a|b", "a&b", "a\"b", "'", "''", "\"", "\"\"", "\"a", "a\"", "a'b", "<b>x</b>",
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<!--", "-->", "]]>", "&lt;", "&amp;",
    "&#0;", "%", "%00", "%41", "%2e%2e%2f", "%s", "%n", "{0}", "{{7*7}}", "{% raw %}", "${7*7}", "#",
    "#CHROM", "##x", "sample", "probe", "P1", "p1", "P1.fsa", "P2.out", "con", "nul", "aux.txt", "é",
    "e\u0301", "Å", "A\u030a", "ﬁ", "fi", "İ", "i", "ı", "I", "ß", "ss", "Ω", "Ω", "日本語", "Привет", "مرحبا",
    "עברית", "🧬", "👩‍🔬", "a\u200bb", "a\u200db", "\u202egnp.exe", "\ufeffx", "a\u00a0b", "a\u3000b",
    "\u2066x\u2069", "a\u00adb", "١٢٣", "１２３", "\U0010fffd", "\ufffd", "a" * 255, "é" * 200, "x" * 2000,
    "a_b", "a-b", "a.b", "a~b", "a^b", "a*b", "a?b", "a:b", "a=b", "__proto__", "constructor", "undefined",
    "[object Object]", "NaT", "1_000", "0x10", "1e", ".5", "5.", "٫5", "−1", "–", "_", "__index_level_0__",
    "run", "file",
)  # fmt: skip
ALPHABET = (
    "aZ09 .,;:_-+=@#%&/\\|'\"<>()[]{}!?*~^$`"
    "éßøÅжЖ中あ한אبक๐–—“”€µ²"
    "\u00a0\u200b\u200d\u202e\u0301\u0308\ufeff\U0001f9ec\U0001d11e"
)  # fmt: skip
REFERENCES = 5


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The known ones and random ones of awkward signs, all different."""
    rng = np.random.default_rng(20)
    found = dict.fromkeys(name for name in KNOWN if name.strip())
    while len(found) < N:
        name = "".join(rng.choice(list(ALPHABET), int(rng.integers(1, 25))))
        if name.strip():
            found.setdefault(name)
    return tuple(found)[:N]


@lru_cache(maxsize=1)
def panel() -> Panel:
    whole = load_panel("demo-synthetic")
    keep = [
        i
        for i in range(len(whole.probes))
        if whole.gene[i] in ("IKZF1", "ERG") or whole.role[i] == "reference"
    ]
    texts = {name: [getattr(whole, name)[i] for i in keep] for name in ("gene", "exon", "role", "chrom")}
    ends = {name: [str(getattr(whole, name)[i] or "") for i in keep] for name in ("start", "end")}
    probes = [whole.probes[i] for i in keep]
    return panel_from_columns({"probe": probes, "length_nt": [f"{whole.length[i]:g}" for i in keep], **texts, **ends},
                              name="small", source="small.csv")  # fmt: skip


@lru_cache(maxsize=1)
def heights() -> np.ndarray:
    settings = SimulationSettings(n_patients=N - REFERENCES, n_references=REFERENCES, n_no_dna=0)
    return np.nan_to_num(simulate_signals(panel(), settings, seed=4).signals.height, nan=50.0).round(1)


def text_of(rows: list[list[str]], delimiter: str) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def roles() -> list[str]:
    return ["patient"] * (N - REFERENCES) + ["reference"] * REFERENCES


def write_sheet(path: Path) -> Path:
    path.write_bytes(
        text_of([["sample", "role"], *([name, role] for name, role in zip(names(), roles()))], ",")
    )
    return path


# --- readers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_text_readers_keep_every_name(tmp_path, delimiter):
    wide = text_of([["sample", "p"], *([name, "5"] for name in names())], delimiter)
    assert runs_from_bytes(wide, "x")[""].samples == names()
    long = text_of([["sample", "probe", "height"], *([name, name, "5"] for name in names())], delimiter)
    found = runs_from_bytes(long, "x")[""]
    assert (found.samples, found.probes) == (names(), names())
    runs = runs_from_bytes(
        text_of([["sample", "run", "p"], *(["A", name, "5"] for name in names())], delimiter), "x"
    )
    assert tuple(runs) == names()
    generic = text_of([["sample", "size", "height"], *([name, "100", "5"] for name in names())], delimiter)
    assert tuple(runs_from_bytes(generic, "x")[""].sample) == names()
    mapper = [
        ["Dye/Sample Peak", "Sample File Name", "Size", "Height"],
        *(["B,1", name, "100", "5"] for name in names()),
    ]
    assert tuple(runs_from_bytes(text_of(mapper, delimiter), "x")[""].file) == names()
    clinical = tmp_path / "clinical"
    clinical.write_bytes(text_of([["sample", "age_years"], *([name, "4"] for name in names())], delimiter))
    assert read_clinical(clinical).samples == names()
    assert load_samples(write_sheet(tmp_path / "samples.csv")).samples == names()
    calls = tmp_path / "calls"
    rows = [["sample", "gene", "status", "exons"], *([name, name, "normal", ""] for name in names())]
    calls.write_bytes(text_of(rows, delimiter))
    table = read_calls(calls)
    assert tuple(table.columns["sample"]) == tuple(table.columns["gene"]) == names()


def test_parquet_keeps_every_name():
    import pyarrow as pa
    from pyarrow import parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"sample": list(names()), "p": [5.0] * N}), buffer)
    assert runs_from_bytes(buffer.getvalue(), "x")[""].samples == names()


@pytest.mark.parametrize(
    "name", ["a\tb", "a\nb", "a\rb", "\x00", "a\x1bb", "a\x7fb", "a\x85b", "a\u2028b", "", " ", "\u3000"]
)
def test_names_that_are_none_are_refused(tmp_path, name):
    with pytest.raises(FormatError):
        runs_from_bytes(text_of([["sample", "p"], [name, "5"], ["B", "5"]], ","), "x")
    path = tmp_path / "samples.csv"
    path.write_bytes(text_of([["sample", "role"], [name, "patient"], ["B", "patient"]], ","))
    with pytest.raises(SampleSheetError):
        load_samples(path)


# --- writers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The result of a run of all the names, with every writer."""
    work = tmp_path_factory.mktemp("names")
    sheet = load_samples(write_sheet(work / "samples.csv"))
    wide = text_of(
        [
            ["sample", *panel().probes],
            *([name, *map(str, row)] for name, row in zip(names(), heights().tolist())),
        ],
        "\t",
    )
    result = analyse(panel(), sheet, align(runs_from_bytes(wide, "x")[""], panel().probes))
    write_result(result, work / "out", writers=default_writers(True))
    return work / "out"


PATIENTS = N - REFERENCES


def test_every_tsv_gives_the_names_back(folder):
    for name in ("calls", "exons", "ratios", "quality"):
        table = parse_table((folder / f"{name}.tsv").read_text(encoding="utf-8"), name)
        wanted = names() if name in ("ratios", "quality") else names()[:PATIENTS]
        assert tuple(dict.fromkeys(table.column(0))) == wanted
    assert tuple(dict.fromkeys(read_calls(folder / "calls.tsv").columns["sample"])) == names()[:PATIENTS]


def test_json_gives_the_names_back(folder):
    assert tuple(entry["sample"] for entry in read_result(folder)["samples"]) == names()
    json.loads((folder / "result.json").read_bytes(), parse_constant=lambda word: pytest.fail(word))


def test_vcf_gives_the_names_back(folder):
    pysam = pytest.importorskip("pysam")
    with pysam.VariantFile(str(folder / "calls.vcf.gz")) as stream:
        found = tuple(stream.header.samples)
        assert len(list(stream)) >= 1
    assert tuple(sample_from_vcf(name) for name in found) == names()[:PATIENTS]


def test_workbook_gives_the_names_back_as_text(folder):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(folder / "report.xlsx")
    seen: set[str] = set()
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"a formula: {cell.value!r}"
                assert cell.hyperlink is None or cell.hyperlink.target is None, f"a link: {cell.value!r}"
                if cell.data_type == "s":
                    seen.add(str(cell.value))
    assert {name for name in names() if name not in seen} == set()
    with zipfile.ZipFile(folder / "report.xlsx") as archive:
        assert all(
            not name.startswith(("/", "\\")) and ".." not in name.split("/") for name in archive.namelist()
        )


class Page(HTMLParser):
    """Tags, and text outside of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.data: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = tag if tag in ("script", "style") else ""
        assert not any(key.startswith("on") for key, _ in attrs), attrs
        for key, value in attrs:
            if key in ("href", "src", "action"):
                assert (value or "").startswith(("#", "data:")), (key, value)

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        (self.data if self.inside == "script" else self.text).append(data)


def readable(name: str) -> str:
    """Signs that nobody sees, or that turn text around, are shown by their codes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


def test_page_shows_the_names_as_text(folder):
    page = Page()
    page.feed((folder / "report.html").read_text(encoding="utf-8"))
    text = " ".join(" ".join(page.text).split())
    missing = [name for name in names() if " ".join(readable(name).split()) not in text]
    assert missing == []
    assert page.tags.count("script") == 3  # the data, the library, ours: no name made a fourth
    document = json.loads(page.data[0])
    assert document


def test_multiqc_keeps_the_names_apart(folder):
    document = json.loads((folder / "mlpa_caller_mqc.json").read_text(encoding="utf-8"))
    assert len(document["data"]) == N
    for key in document["data"]:
        assert "<" not in key
        assert ">" not in key


def test_provenance_lists_only_files_of_the_folder(folder):
    listed = {
        entry["name"]
        for entry in json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["outputs"]
    }
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert listed | {"provenance.json"} == there
    assert all("/" not in name for name in listed)


# --- names of runs, and paths -----------------------------------------------------------------------------------


def test_folders_of_runs_never_collide_and_never_lead_out():
    found = folder_names(names())
    assert len({name.casefold() for name in found.values()}) == N
    for name in found.values():
        assert name == Path(name).name
        assert name not in (".", "..")
        assert len(name.encode()) <= 200
        assert name.isascii()
        assert not set(name) & set('<>:"/\\|?*')


def test_batch_of_hostile_runs_stays_in_its_folder(tmp_path):
    """Every name as the name of a run whose results become files."""
    runs = [
        "../out-of-it",
        "..",
        "/abs",
        "C:\\x",
        "a/b",
        "a_b",
        "A_b",
        "é",
        "e\u0301",
        "con",
        "=1+1",
        "x" * 300,
        "<b>",
        "%2e%2e",
    ]
    settings = SimulationSettings(n_patients=2, n_references=4, n_no_dna=0)
    simulation = simulate_signals(panel(), settings, seed=8)
    sheet = simulation.sheet()
    table = [["run", "sample", *panel().probes]]
    samples = [["sample", "role", "run"]]
    for run in runs:
        for name, role, row in zip(sheet.samples, sheet.role, simulation.signals.height.round(1).tolist()):
            table.append([run, name, *("" if value != value else str(value) for value in row)])
            samples.append([name, role, run])
    work = tmp_path / "deep" / "er"
    work.mkdir(parents=True)
    (work / "t.tsv").write_bytes(text_of(table, "\t"))
    (work / "s.csv").write_bytes(text_of(samples, ","))
    before = set(tmp_path.rglob("*"))
    summary = run_batch(
        [work / "t.tsv"],
        work / "out",
        panel=panel(),
        samples=work / "s.csv",
        workers=1,
        files=True,
        reports=False,
    )
    assert [row["run"] for row in summary.runs] == sorted(runs) or {
        row["run"] for row in summary.runs
    } == set(runs)
    assert summary.failures == ()
    made = set(tmp_path.rglob("*")) - before
    assert all(path == work / "out" or (work / "out") in path.parents for path in made)
    folders = [path.name for path in (work / "out" / "runs").iterdir()]
    assert len(folders) == len({name.casefold() for name in folders}) == len(runs)
    from pyarrow import parquet

    assert set(parquet.read_table(work / "out" / "calls.parquet").column("run").to_pylist()) == set(runs)


@pytest.mark.parametrize("member", ["../evil.arrow", "/tmp/evil.arrow", "..\\evil.arrow", "C:evil.arrow"])
def test_archive_members_are_never_unpacked(tmp_path, member):
    """A part made by someone else, with members that point elsewhere: refused or read in memory, nothing written."""
    inside = tmp_path / "parts"
    inside.mkdir()
    part = inside / "r.zip"
    with zipfile.ZipFile(part, "w") as archive:
        archive.writestr(
            "part.json", json.dumps({"columns": {member.removesuffix(".arrow"): {}}, "key": "x"})
        )
        archive.writestr(member, b"no table")
    with pytest.raises(InputError, match="is no finished run"):
        read_part(part)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["r.zip"]


@pytest.mark.parametrize(
    ("one", "two"), [("A", "A.fsa"), ("A.fsa", "A.FSA")]
)  # fmt: skip
def test_two_samples_of_one_file_are_refused(tmp_path, one, two):
    """Injections are known by sample name or file name: two samples may not mean one of them."""
    from mlpa_caller.pipeline import call_run
    from mlpa_caller.simulate.files import write_run

    settings = SimulationSettings(n_patients=2, n_references=4, n_no_dna=0)
    simulation = simulate_signals(load_panel("demo-synthetic"), settings, seed=8)
    write_run(simulation, tmp_path / "run", seed=8, format="genemapper")
    text = (tmp_path / "run" / "peaks.txt").read_text(encoding="utf-8")
    first = simulation.sheet().samples[0]
    assert first in text
    (tmp_path / "run" / "peaks.txt").write_text(text.replace(first, "A"), encoding="utf-8")
    lines = (tmp_path / "run" / "samples.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if not line.startswith(f"{first},")]
    more = [
        line.replace(first, name, 1) for name in (one, two) for line in lines if line.startswith(f"{first},")
    ]
    (tmp_path / "run" / "samples.csv").write_text("\n".join([*rows, *more]) + "\n", encoding="utf-8")
    with pytest.raises(MlpaError, match="A"):
        call_run(
            [tmp_path / "run" / "peaks.txt"],
            panel="demo-synthetic",
            samples=tmp_path / "run" / "samples.csv",
            workers=1,
        )


def test_traces_of_one_name_in_two_folders_are_kept_apart(tmp_path):
    from mlpa_caller.simulate_traces import fsa_bytes, trace_from_peaks
    from mlpa_caller.traces import process_traces

    trace = trace_from_peaks([120.0, 180.0], [900.0, 800.0], [0, 0], rng=np.random.default_rng(1))
    paths = []
    for plate in ("one", "two"):
        (tmp_path / plate).mkdir()
        paths.append(tmp_path / plate / "A01.fsa")
        paths[-1].write_bytes(fsa_bytes(trace.channels, sample=f"of {plate}", size_standard="GS500"))
    found = process_traces(paths, workers=1)
    assert [report.file for _, report in found] == [str(path) for path in paths]
    assert [set(table.file) for table, _ in found] == [{str(path)} for path in paths]
