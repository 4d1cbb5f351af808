"""``mlpa-caller annotate`` on the command line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pysam
import pytest
from click.testing import CliRunner

from mlpa_caller.cli.annotate import command
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.errors import FormatError, InputError, MissingExtraError, ResultExistsError, UsageError

HEAD = "sample\tgene\tstatus\texons\tcopies_lost\tprobability\tclone_fraction_low\tclone_fraction_high\tflags"
ROWS = (
    "007\tIKZF1\tloss\t4-7\t1\t0.9990\t0.9\t1.00\t",
    "1e5\tIKZF1\tnormal\t\t\t0.99\t\t\tlow_quality",
    "=x\tCDKN2A\tloss\t1-3\t2\t0.9\t0.4\t0.6\t",
)
R183H = transcript("ikzf1").position(548, "GRCh38")


@pytest.fixture
def calls(tmp_path):
    path = tmp_path / "calls.tsv"
    path.write_text("\n".join([HEAD, *ROWS]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def vcf(tmp_path):
    path = tmp_path / "in.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr7,length=159345973>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t007\t1e5\n"
        f"chr7\t{R183H}\t.\tG\tA\t.\tPASS\t.\tGT\t0/1\t0/0\n",
        encoding="utf-8",
    )
    return path


def run(*words, **options):
    done = CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=True, **options)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def table(text):
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def test_the_table_goes_to_standard_output_and_keeps_what_it_does_not_fill(calls):
    done = run(calls)
    assert done.exit_code == 0
    first, normal, other = table(done.stdout)
    assert (first["sample"], first["probability"], first["clone_fraction_high"]) == ("007", "0.9990", "1.00")
    assert first["consequence"] == "dominant_negative"
    assert first["evidence"] == "established"
    assert first["hgvs"] == "NM_006060.6:c.(160+1_161-1)_(850+1_851-1)del"
    assert first["hgvs_p"] == "p.(Ala54_Leu283del)"
    assert first["coding_nt_lost"] == "690"
    assert first["iscn"] == "rsa 7p12.2(IKZF1 ex4-7)x1"
    assert (normal["sample"], normal["consequence"], normal["flags"]) == ("1e5", "", "low_quality")
    assert (other["sample"], other["consequence"]) == ("=x", "biallelic_null")


def test_standard_input_json_and_files(calls, tmp_path):
    piped = run("-", input=calls.read_bytes())
    assert piped.stdout_bytes == run(calls).stdout_bytes
    document = json.loads(run(calls, "--json").stdout)
    assert document["calls"][0]["copies_lost"] == 1
    assert document["calls"][1]["copies_lost"] is None
    assert "variants" not in document
    out = tmp_path / "out.tsv"
    assert run(calls, "--out", out).stdout == ""
    assert out.read_bytes() == piped.stdout_bytes
    with pytest.raises(ResultExistsError, match="the file exists; add --force"):
        run(calls, "--out", out)
    run(calls, "--out", out, "--force")


def test_variants_are_joined_to_the_patients(calls, vcf, tmp_path):
    out = tmp_path / "variants.tsv"
    done = run(calls, "--variants", vcf, "--variants-out", out)
    first, normal, other = table(done.stdout)
    assert first["ikaros_germline"] == "gain_of_function"
    assert first["variants"] == "NM_006060.6:c.548G>A p.(Arg183His)"
    assert normal["ikaros_germline"] == "none_in_catalogue"
    assert other["ikaros_germline"] == ""  # a row of another gene
    (variant,) = table(out.read_text(encoding="utf-8"))
    assert (variant["sample"], variant["hgvs_g37"]) == ("007", "NC_000007.13:g.50450364G>A")
    document = json.loads(run(calls, "--variants", vcf, "--json").stdout)
    assert document["build"] == "GRCh38"
    assert document["variants"][0]["consequence"] == "gain_of_function"


def test_remarks_go_to_standard_error(calls, vcf):
    text = vcf.read_text(encoding="utf-8").replace("\t1e5\n", "\tother\n")
    vcf.write_text(text, encoding="utf-8")
    done = run(calls, "--variants", vcf)
    assert "not in the calls, so left out of them: VCF samples 'other'" in done.stderr
    assert "not in the VCF, so germline not assessed: '1e5'" in done.stderr
    assert run(calls, "--variants", vcf, "--quiet").stderr == ""


def test_the_older_numbering_needs_its_name(calls):
    text = calls.read_text(encoding="utf-8").replace("\t4-7\t", "\t3-6\t")
    calls.write_text(text, encoding="utf-8")
    assert table(run(calls).stdout)[0]["hgvs_p"] == "p.(Gly14_Pro238del)"
    named = table(run(calls, "--exon-scheme", "mullighan-2008").stdout)[0]
    assert (named["exons"], named["hgvs_p"]) == ("4-7", "p.(Ala54_Leu283del)")
    with pytest.raises(UsageError, match="unknown exon scheme 'old'"):
        run(calls, "--exon-scheme", "old")


def test_a_sample_sheet_gives_the_flag_of_a_possible_germline_loss(calls, tmp_path):
    sheet = tmp_path / "samples.csv"
    sheet.write_text("sample,role,blast_fraction\n007,patient,0.2\n1e5,patient,0.9\n", encoding="utf-8")
    found = table(run(calls, "--samples", sheet).stdout)
    assert [row["flags"] for row in found] == ["possible_germline", "low_quality", ""]


def test_vcf_fhir_and_vrs_are_written_beside(calls, tmp_path):
    pytest.importorskip("ga4gh.vrs")
    vcf, fhir = tmp_path / "calls.vcf.gz", tmp_path / "calls.json"
    done = run(calls, "--vcf", vcf, "--fhir", fhir, "--vrs")
    assert table(done.stdout)[0]["vrs"] == "ga4gh:CX.w0LN5lB9wm8rXF-BuGDNrz7zyNHRZrIM"
    with pysam.VariantFile(str(vcf)) as stream:
        assert [record.pos for record in stream.fetch("chr7")] == [50_376_532]
    assert len(json.loads(fhir.read_text(encoding="utf-8"))["entry"]) == 3
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["calls.json", "calls.tsv", "calls.vcf.gz", "calls.vcf.gz.tbi"]
    before = vcf.read_bytes()
    with pytest.raises(ResultExistsError):
        run(calls, "--vcf", vcf)
    run(calls, "--vcf", vcf, "--force")
    assert vcf.read_bytes() == before
    document = json.loads(run(calls, "--vrs", "--json").stdout)
    assert document["calls"][0]["vrs"]["copyChange"] == "loss"
    assert document["calls"][1]["vrs"] is None


def test_a_panel_gives_probe_based_names(calls):
    found = table(run(calls, "--panel", "demo-synthetic").stdout)[0]
    assert found["hgvs_g38_probes"].startswith("NC_000007.14:g.(")
    assert found["hgvs"] == "NM_006060.6:c.(160+1_161-1)_(850+1_851-1)del"


def test_options_without_effect_are_usage_errors(calls):
    for words, message in (
        (["--build", "GRCh38"], "--build needs --variants"),
        (["--variants-sample", "x"], "--variants-sample needs --variants"),
        (["--fasta", "x.fa"], "--fasta needs --vcf"),
        (["--vcf", "x.vcf"], "--vcf names a file that ends in .vcf.gz"),
    ):
        done = run(calls, *words)
        assert done.exit_code == 2
        assert message in done.stderr
    both = run("-", "--variants", "-", input=b"x")
    assert both.exit_code == 2
    assert "only one of CALLS.tsv and --variants" in both.stderr


def test_bad_input_writes_nothing(calls, vcf, tmp_path):
    out = tmp_path / "out.tsv"
    text = calls.read_text(encoding="utf-8")
    calls.write_text(text.replace("\tloss\t4-7", "\tlost\t4-7"), encoding="utf-8")
    with pytest.raises(FormatError, match=r"calls.tsv:2: unknown status 'lost'"):
        run(calls, "--out", out)
    calls.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match="given as GRCh37"):
        run(calls, "--variants", vcf, "--build", "GRCh37", "--out", out, "--vcf", tmp_path / "x.vcf.gz")
    calls.write_text(text.replace("007", "008").replace("1e5", "1e6"), encoding="utf-8")
    with pytest.raises(InputError, match="no sample of the VCF is in the calls"):
        run(calls, "--variants", vcf, "--out", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.tsv", "in.vcf"]


def test_the_extra_is_named_where_it_is_missing(calls, monkeypatch):
    from mlpa_caller.consequence import vrs

    monkeypatch.setitem(sys.modules, "ga4gh.core", None)
    vrs.copy_number_change.cache_clear()
    with pytest.raises(MissingExtraError, match="mlpa-caller"):
        run(calls, "--vrs")


def test_the_same_input_gives_the_same_bytes_whatever_the_hash_seed(calls, vcf):
    code = "import sys; from mlpa_caller.cli.annotate import command; command.main(sys.argv[1:])"
    outputs = set()
    for seed in ("0", "1"):
        words = [sys.executable, "-c", code, calls, "--variants", vcf, "--panel", "demo-synthetic"]
        done = subprocess.run(
            words, capture_output=True, check=True, env={"PYTHONHASHSEED": seed, "PATH": ""}
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_all_ranges_on_the_command_line(tmp_path):
    import pathlib

    golden = pathlib.Path(__file__).parent / "data" / "ikzf1_deletions.csv"
    with open(golden, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    path = tmp_path / "calls.tsv"
    lines = [f"s{i}\tIKZF1\tloss\t{row['exons']}\t1" for i, row in enumerate(rows)]
    path.write_text("\n".join(["sample\tgene\tstatus\texons\tcopies_lost", *lines]) + "\n", encoding="utf-8")
    for found, row in zip(table(run(path).stdout), rows, strict=True):
        for name in ("frame", "evidence", "hgvs", "hgvs_p", "hgvs_g38", "hgvs_g37", "coding_nt_lost",
                     "zinc_fingers_lost", "zinc_fingers_kept"):  # fmt: skip
            assert found[name] == row[name]
