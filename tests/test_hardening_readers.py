"""What fuzzing found in ``result.json``, ``calls.tsv`` and VCF, each refused or read as it should be.

The greedy inputs are kept small by making the bounds small, or are such that the old code would not have ended.
"""

from __future__ import annotations

import copy
import gzip
import json
import math
from pathlib import Path

import pytest
from report_cases import call, document, loss_4_7, risk_row, trace, with_calls

from mlpa_caller.cli import main
from mlpa_caller.consequence import exon_text, vcf_source, vcf_stream
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.variants import scan_vcf
from mlpa_caller.consequence.vcf_annotations import AnnotationReader
from mlpa_caller.errors import FormatError
from mlpa_caller.formats.calls_table import read_calls
from mlpa_caller.outputs import result_shape
from mlpa_caller.outputs.report import rebuild_reports
from mlpa_caller.outputs.report.compare import Side, comparison_html
from mlpa_caller.outputs.report.html import report_page
from mlpa_caller.outputs.report.spans import labels_inside
from mlpa_caller.outputs.report.view_run import report_view
from mlpa_caller.outputs.result_json import read_result
from mlpa_caller.outputs.result_shape import shape_fault
from mlpa_caller.refdata import reference_path
from mlpa_caller.risk.genes import exon_range

AGAIN = "make the result again with mlpa-caller call"


def full_document():
    """A result with every kind of row and part."""
    rows = [loss_4_7(), call("RB1", "gain", "2"), call("PAX5", "not_evaluable"), call("ETV6")]
    made = with_calls(rows, risk=[risk_row("a", "indeterminate"), risk_row("b", "high")])
    names = [probe["probe"] for probe in made["panel"]["probes"]]
    made["samples"][0]["trace"] = trace(names[:2])
    made["panel"]["probes"] = made["panel"]["probes"][:5]
    for sample in made["samples"]:
        sample["ratios"] = {key: values[:5] for key, values in sample["ratios"].items()}
        sample["exons"] = sample["exons"][:3]
    made["run"] |= {"compression": 0.9, "trace_median": trace(names[:1])}
    return made


def written(folder: Path, made) -> Path:
    path = folder / "result.json"
    path.write_text(made if isinstance(made, str) else json.dumps(made), encoding="utf-8")
    return path


def places(value, path=()):
    """Give the path of every value; of a list the first and the last."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i in sorted({0, len(value) - 1} if value else ()):
            yield from places(value[i], (*path, i))


def changed(made, path, value):
    """Return `made` with another value at `path`; without the field where the value is the ellipsis."""
    made = copy.deepcopy(made)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return made


# result.json


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("samples", 0, "calls", 0, "ratio"), ..., "samples[0].calls[0] has no field ratio"),
        (("panel", "probes", 3, "length_nt"), ..., "panel.probes[3] has no field length_nt"),
        (("run", "reasons"), ..., "run has no field reasons"),
        (("samples", 1, "exons"), ..., "samples[1] has no field exons"),
        (("samples",), {}, "samples is an object where a list belongs"),
        (("samples", 0), None, "samples[0] is nothing (null) where an object belongs"),
        (("samples", 0, "calls", 0, "ratio"), "0.5",
         "samples[0].calls[0].ratio is text where a number or nothing (null) belongs"),
        (("samples", 0, "calls", 0, "ratio"), True,
         "samples[0].calls[0].ratio is true or false where a number or nothing (null) belongs"),
        (("samples", 0, "calls", 0, "copies_lost"), 1.5,
         "samples[0].calls[0].copies_lost is a number where a whole number or nothing (null) belongs"),
        (("samples", 0, "calls", 0, "status"), "n:ormal",
         "samples[0].calls[0].status is 'n:ormal', not one of 'normal, loss, gain, not_evaluable'"),
        (("samples", 0, "calls", 0, "probability"), 1.5,
         "samples[0].calls[0].probability is '1.5', out of range"),
        (("samples", 0, "calls", 0, "consequence_sentence"), ["x"],
         "samples[0].calls[0].consequence_sentence is a list where text belongs"),
        (("samples", 0, "ratios", "ratio", 1), "x",
         "samples[0].ratios.ratio[1] is text where a number or nothing (null) belongs"),
        (("samples", 0, "ratios", "flags"), [[]],
         "samples[0].ratios.flags does not have one entry for each of 5 probes"),
        (("samples", 0, "quality", "figures", "a\nb"), [],
         "samples[0].quality.figures.'a\\nb' is a list where text or a number or nothing (null) belongs"),
        (("samples", 0, "sample"), "", "samples[0].sample is empty"),
        (("samples", 0, "trace", 0, "signal", 5), "x",
         "samples[0].trace[0].signal[5] is text where a number or nothing (null) belongs"),
        (("samples", 0, "trace", 0, "step_nt"), 0, "samples[0].trace[0].step_nt is '0', out of range"),
        (("run", "compression"), 1e5, "run.compression is '100000.0', out of range"),
        (("parameters", "detection"), {"IKZF1": "4-7"}, "parameters.detection.IKZF1 is text where a list belongs"),
        (("parameters", "quality", "slope_warn"), "x",
         "parameters.quality.slope_warn is text where a number or nothing (null) belongs"),
        (("parameters", "further"), 10**400, "parameters.further is '1000"),
        (("parameters", "further"), {"x": [1e300]}, "parameters.further.x[0] is '1e+300', out of range"),
        (("run", "verdict"), "\ud800", "run.verdict is '\\ud800', not one of"),
        (("samples", 0, "sample"), "a\udc00", "holds '\\udc00', which is half of a character"),
    ],
)  # fmt: skip
def test_a_part_that_is_not_as_it_should_be_is_named(tmp_path, path, value, what):
    with pytest.raises(FormatError) as caught:
        read_result(written(tmp_path, changed(full_document(), path, value)))
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'result.json'}: {what}")
    assert text.endswith(f"; {AGAIN}")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"schema_version": ' + "9" * 5000 + "}", "holds a number of thousands of digits"),
        ('{"schema_version": NaN}', "holds the number NaN, which is none"),
        ('{"schema_version": [-Infinity]}', "holds the number -Infinity, which is none"),
        ("[" * 100_000, "is no mlpa-caller result"),
    ],
)
def test_numbers_that_are_none_and_lists_without_end(tmp_path, text, what):
    with pytest.raises(FormatError) as caught:
        read_result(written(tmp_path, text))
    assert str(caught.value) == f"{tmp_path / 'result.json'}: {what}; {AGAIN}"


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_lists_too_deep_for_a_report_are_refused(tmp_path, opened):
    deep = opened * 200 + "1" + {"[": "]", '{"a":': "}"}[opened] * 200
    text = json.dumps(changed(full_document(), ("run", "more"), "HERE")).replace('"HERE"', deep)
    with pytest.raises(FormatError, match="inside each other; make the result again"):
        read_result(written(tmp_path, text))


def test_no_value_of_a_result_can_end_the_report_in_an_internal_error(tmp_path):
    """Every value in turn is left out, and is put in place by one of each kind; what is let pass can be shown."""
    whole = full_document()
    other = Side(whole, "0" * 64, 0)
    refused = shown = 0
    for path in list(places(whole)):
        for value in (
            (..., None, True, -1, 2.5, 10**300, "", "loss", [], [None], {}, {"a": [{}]}) if path else ()
        ):
            made = changed(whole, path, value)
            if "samples" not in made or shape_fault({**whole, **made}):
                refused += 1
                continue
            if any(key not in made for key in whole):
                continue  # the reader refuses it before
            shown += 1
            if shown % 8 and value is not ...:
                continue  # enough of them are gone through in full
            report_page(made, report_view(made, "0" * 64)).encode("utf-8")
            if made["samples"]:
                comparison_html(Side(made, "0" * 64, 0), other).encode("utf-8")
    assert refused > 1500
    assert shown > 300


def test_the_command_ends_with_the_exit_code_of_inputs_and_writes_nothing(tmp_path, capsys):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    written(one, changed(document(["P1"], ["patient"]), ("samples", 0, "quality"), ...))
    written(two, document(["P1"], ["patient"]))
    for words in (["report", str(one)], ["report", str(one), str(two), "--out", str(tmp_path / "c.html")]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 3
        said = capsys.readouterr().err.splitlines()
        assert said[-1] == f"{one / 'result.json'}: samples[0] has no field quality; {AGAIN}"
        assert not any("error" in line for line in said)
    assert [path.name for path in one.iterdir()] == ["result.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_what_later_versions_add_is_let_pass(tmp_path):
    made = full_document()
    made["schema_version"] = "1.7"
    made["more"] = made["run"]["more"] = made["samples"][0]["more"] = {"a": [1, "x", None, True]}
    made["samples"][0]["calls"][0]["more"] = "x"
    assert read_result(written(tmp_path, made)) == made


def test_characters_beyond_the_basic_plane_are_read(tmp_path):
    made = changed(full_document(), ("samples", 0, "sample"), "P\U0001f600")
    path = written(tmp_path, made)
    assert "\\ud83d" in path.read_text(encoding="utf-8")
    assert read_result(path)["samples"][0]["sample"] == "P\U0001f600"


def test_electropherograms_without_peaks_are_reported():
    made = full_document()
    for channel in made["samples"][0]["trace"]:
        del channel["peaks"]
    assert shape_fault(made) == ""
    assert report_view(made, "").patients[0].peaks == ()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"outputs": [{"name": 1, "sha256": "", "size": 0}]}',
                                  '{"outputs": [{"name": "x", "sha256": "", "size": NaN}]}'])  # fmt: skip
def test_a_damaged_provenance_does_not_stop_the_reports(tmp_path, text):
    written(tmp_path, document(["P1"], ["patient"]))
    (tmp_path / "provenance.json").write_text(text, encoding="utf-8")
    assert rebuild_reports(tmp_path) == ["report.html", "report.xlsx", "mlpa_caller_mqc.json"]


def test_the_checker_knows_every_keyword_of_the_schema():
    def keywords(rules):
        for key, value in rules.items():
            yield key
            inner = value.values() if key in ("properties", "$defs") else [value]
            for item in inner:
                if isinstance(item, dict):
                    yield from keywords(item)

    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    assert set(keywords(schema)) <= result_shape.KEYWORDS
    assert set(keywords(result_shape._NEEDED)) <= result_shape.KEYWORDS


def test_the_checker_and_the_schema_agree():
    """What the schema refuses, the checker refuses; but for fields it does not know and patterns of text."""
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    whole = full_document()
    assert shape_fault(whole) == ""
    assert validator(schema).is_valid(whole)
    compared = 0
    known = validator(schema)
    for path in list(places(whole))[1::5]:
        for value in (None, -1, {}):
            made = changed(whole, path, value)
            errors = {error.validator for error in known.iter_errors(made)}
            if errors - {"pattern", "additionalProperties"} and path != ("schema_version",):
                compared += 1
                assert shape_fault(made) != "", (path, value)
    assert compared > 100


def test_a_range_longer_than_two_labels_is_not_taken_apart():
    rows = [{"gene": "IKZF1", "exon": label} for label in ("4", "7", "11-1")]
    assert labels_inside({"gene": "IKZF1", "exons": "4-11-1"}, rows) == {"4", "7", "11-1"}
    assert labels_inside({"gene": "IKZF1", "exons": "-" * 3_000_000}, rows) == set()
    assert labels_inside({"gene": "PAX5", "exons": "-" * 3_000_000}, rows) == set()


# calls.tsv

HEAD = "sample\tgene\tstatus\texons\tratio\n"


@pytest.mark.parametrize("number", ["9" * 5000, "4-" + "9" * 5000, "9" * 5000 + "-7", "1234567890"])
def test_an_exon_number_that_cannot_be_is_no_range(number):
    assert exon_range(number) == ""


def test_exon_numbers_with_zeros_in_front_are_read():
    assert exon_range("004-0" + "0" * 5000 + "7") == "4-7"
    assert exon_range("0") == "0"
    assert exon_range("000") == "0"


def test_classify_reads_calls_with_such_exons(tmp_path):
    path = tmp_path / "calls.tsv"
    path.write_text(
        HEAD + f"P1\tIKZF1\tloss\t{'9' * 5000}\t0.5\nP2\tIKZF1\tloss\t4-7\t0.5\n", encoding="utf-8"
    )
    with pytest.raises(SystemExit) as ended:
        main(["classify", str(path), "--out", str(tmp_path / "risk.tsv")])
    assert ended.value.code == 0
    assert "P1" in (tmp_path / "risk.tsv").read_text(encoding="utf-8")


def test_exons_with_more_hyphens_than_two_labels_hold_are_not_tried(monkeypatch):
    tried = []

    class Watched(dict):
        def __contains__(self, key):
            tried.append(key)
            return super().__contains__(key)

    index = Watched({"4": 0, "7": 1, "11-1": 2})
    assert exon_text._one("4-11-1", index) == (0, 1, 2)
    assert exon_text._one("11-1-11-1", index) == (2,)
    tried.clear()
    assert exon_text._one("-" * 100_000, index) is None
    assert exon_text._one("4–" * 50_000, index) is None
    assert len(tried) == 2
    assert exon_text.parse_exons("-" * 3_000_000, ["4", "7"]) is None


@pytest.mark.parametrize(
    ("cell", "decimals"),
    [("0.25", 2), ("1e-3", 3), ("1.5e-3", 4), ("1.5E+01", 0), ("2e-0003", 3), ("1e-300", 300), ("1e-300000", 300),
     ("1e-" + "9" * 5000, 300), ("0." + "0" * 90_000 + "1", 300), ("0e" + "9" * 5000, 0)],
)  # fmt: skip
def test_decimals_of_a_column_are_those_of_a_number(tmp_path, cell, decimals):
    from mlpa_caller.outputs.tsv import table_lines

    path = tmp_path / "calls.tsv"
    path.write_text(HEAD + f"P1\tIKZF1\tloss\t4-7\t{cell}\n", encoding="utf-8")
    table = read_calls(path)
    assert table.decimals["ratio"] == decimals
    assert math.isfinite(table.columns["ratio"][0])
    assert "P1" in "".join(table_lines(table))


# VCF

VCF = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr7,length=159345973>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
)


def vcf(folder: Path, text: str, *, packed: bool = False) -> Path:
    path = folder / "in.vcf"
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data, 9, mtime=0) if packed else data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        scan_vcf(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert len(text.splitlines()) == 1
    return text.removeprefix(str(path))


@pytest.mark.parametrize("body", ["\n", "\nchr1\t1\t.\tA\tC\t.\t.\t."])
def test_a_packed_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch, body):
    monkeypatch.setattr(vcf_source, "_SMALL", 1 << 16)
    path = vcf(tmp_path, VCF + body * 200_000, packed=True)
    assert refusal(path) == (
        ": unpacks to more than 100 times its size, as no list of variants does; "
        "check how it was made, or give it unpacked"
    )


@pytest.mark.parametrize("line", ["##x\n", "##" + "a" * 3_000_000])
def test_so_is_a_packed_header(tmp_path, monkeypatch, line):
    monkeypatch.setattr(vcf_source, "_SMALL", 1 << 16)
    path = vcf(tmp_path, "##fileformat=VCFv4.2\n" + line * (500_000 if "\n" in line else 1), packed=True)
    assert "unpacks to more than 100 times its size" in refusal(path)


def test_equal_genotypes_of_many_samples_may_unpack_to_more(tmp_path, monkeypatch):
    monkeypatch.setattr(vcf_source, "_SMALL", 1 << 16)
    monkeypatch.setattr(vcf_stream, "_BLOCK", 1 << 16)
    names = "\t".join(f"S{i}" for i in range(2000))
    rows = "".join(f"chr7\t{1000 + 7 * i}\t.\tA\tC\t.\t.\t.\tGT{'	0/0' * 2000}\n" for i in range(400))
    path = vcf(tmp_path, f"{VCF}\tFORMAT\t{names}\n{rows}", packed=True)
    assert len(rows) > 100 * path.stat().st_size
    assert scan_vcf(path).n_on_chromosome == 400


def test_what_is_read_of_a_packed_file_is_counted(tmp_path):
    """Records that differ in their position alone, which pack best, are still far from the bound."""
    rows = "".join(f"chr1\t{i}\t.\tA\t<NON_REF>\t.\t.\t.\n" for i in range(10_000, 60_000))
    path = vcf(tmp_path, f"{VCF}\n{rows}", packed=True)
    assert len(rows) < 20 * path.stat().st_size
    with vcf_source.open_source(path) as source:
        assert len(source.read(1 << 30)) == len(VCF) + 1 + len(rows)
        assert source._packed is not None
        assert source._packed.n_bytes == path.stat().st_size
    assert scan_vcf(path).n_records == 50_000


def test_header_lines_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(vcf_stream, "_MOST_HEADER_LINES", 50)
    text = "##fileformat=VCFv4.2\n" + "##x\n" * 60
    assert refusal(vcf(tmp_path, text)) == (
        ":51: has more than 50 header lines; leave out those that only list what was done"
    )
    assert scan_vcf(vcf(tmp_path, VCF.replace("#CHROM", "##x\n" * 48 + "#CHROM") + "\n")).n_records == 0


def test_blank_lines_are_bounded_before_lines_are_taken_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(vcf_stream.VcfStream, "_check_columns", None)
    record = "chr1\t1\t.\tA\tC\t.\t.\t.\n"
    path = vcf(tmp_path, f"{VCF}\n{record * 100}" + "\n" * 3_000)
    assert refusal(path) == ":1104: has more than 1000 blank lines; leave them out"
    path = vcf(tmp_path, f"{VCF}\n{record * 100}" + "\r\nx\n" * 3_000)
    assert refusal(path) == (
        ":105: the record has 1 columns where the header has 8; the file may be cut off or edited; write it again"
    )


def test_some_blank_lines_are_let_pass(tmp_path):
    record = "chr7\t1\t.\tA\tC\t.\t.\t.\n\r\n\n"
    assert scan_vcf(vcf(tmp_path, f"{VCF}\n{record * 400}")).n_on_chromosome == 400


def test_alternative_alleles_are_bounded(tmp_path):
    line = "\nchr7\t50382593\t.\tA\t" + ",".join(["G"] * 1001) + "\t.\t.\t.\n"
    assert refusal(vcf(tmp_path, VCF + line)) == (
        ":4: the record has 1001 alternative alleles, more than are read; "
        "split it, for instance with bcftools norm -m -"
    )


@pytest.mark.parametrize("number", ["²", "1" * 5000])
def test_an_allele_number_that_is_none_names_no_allele(tmp_path, number):
    layout = 'INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL|Feature|ALLELE_NUM">'
    model = transcript("ikzf1")
    reader = AnnotationReader([layout], model)
    told = f"CSQ=C|stop_gained|{model.gene}|{model.name}|{{}}"
    assert reader.told(told.format("1"), "A", ["C"], "C").terms == ("stop_gained",)
    assert reader.told(told.format(number), "A", ["G", "C"], "G").terms == ()
