"""Calls written as VCF 4.4 and read back by pysam, and by bcftools where the machine has it."""

from __future__ import annotations

import gzip
import shutil
import subprocess

import numpy as np
import pysam
import pysam.bcftools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpa_caller.consequence.annotate import annotate_calls
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError
from mlpa_caller.outputs.vcf import sample_from_vcf, sample_to_vcf, write_vcf
from mlpa_caller.panel import panel_from_columns

NAMES = (
    "sample gene status exons copies_lost clone_fraction clone_fraction_low clone_fraction_high probability "
    "n_probes"
)  # fmt: skip
NAN = float("nan")


def calls(*rows, names=NAMES):
    columns = list(zip(*rows, strict=True))
    return Table(
        {
            name: text_array(column) if isinstance(column[0], str) else np.array(column, dtype=float)
            for name, column in zip(names.split(), columns, strict=True)
        }
    )


def loss(sample, gene, exons, copies=1.0, *, fraction=0.8, status="loss", n_probes=4.0):
    low, high = fraction - 0.1, fraction + 0.1
    return (sample, gene, status, exons, copies, fraction, low, high, 0.99, n_probes)


def normal(sample, gene, status="normal"):
    return (sample, gene, status, "", NAN, NAN, NAN, NAN, 0.99, 4.0)


def demo_panel():
    rows = [("IKZF1", str(n), "chr7", 50_300_000 + n * 10_000) for n in range(1, 9)]
    rows += [("CDKN2A", "2", "chr9", 21_971_000), ("CDKN2A", "1", "chr9", 21_974_700)]
    rows += [("CDKN2B", "2", "chr9", 22_004_500), ("CSF2RA", "1", "chrX", 1_290_000)]
    columns = {
        "probe": [f"{g}-{x}" for g, x, _, _ in rows] + [f"ref{i}" for i in range(5)],
        "gene": [g for g, *_ in rows] + [""] * 5,
        "exon": [x for _, x, *_ in rows] + [""] * 5,
        "role": ["target"] * len(rows) + ["reference"] * 5,
        "chrom": [c for *_, c, _ in rows] + [""] * 5,
        "start": [str(a) for *_, a in rows] + [""] * 5,
        "end": [str(a + 60) for *_, a in rows] + [""] * 5,
        "length_nt": [str(100 + 6 * i) for i in range(len(rows) + 5)],
    }
    return panel_from_columns(columns, "test")


def written(folder, table, **options):
    path = folder / "calls.vcf.gz"
    remarks = write_vcf(annotate_calls(table, options.get("panel")), path, **options)
    with pysam.VariantFile(str(path)) as stream:
        return list(stream), list(stream.header.samples), remarks, path


def test_a_heterozygous_loss_by_the_exon_table(tmp_path):
    (found,), samples, remarks, path = written(
        tmp_path,
        calls(loss("P1", "IKZF1", "4-7"), normal("P2", "IKZF1"), normal("P3", "IKZF1", "not_evaluable")),
    )
    assert (samples, remarks) == (["P1", "P2", "P3"], [])
    text = gzip.decompress(path.read_bytes()).decode()
    assert text.startswith("##fileformat=VCFv4.4\n")
    assert (found.contig, found.pos, found.stop) == ("chr7", 50_376_532, 50_391_863)  # POS: the base before
    assert (found.ref, found.alts) == ("N", ("<DEL>",))
    info = dict(found.info)
    assert info["SVLEN"] == (15_331,)  # the golden table's least loss
    assert info["CIPOS"] == (50_327_757 - 50_376_532, 0)  # at most from behind exon 3
    assert info["CIEND"] == (0, 50_399_917 - 50_391_863)  # at most to before exon 8
    assert info["SVCLAIM"] == ("D",)
    assert info["IMPRECISE"] is True
    assert info["PLACED_BY"] == "exon_table"
    assert info["CONSEQUENCE"] == ("dominant_negative",)
    assert info["HGVS"] == ("NM_006060.6:c.(160+1_161-1)_(850+1_851-1)del",)
    assert "CN" not in info
    assert "OPEN_START" not in info
    carrier, clean, unknown = (found.samples[name] for name in samples)
    assert carrier["GT"] == (0, 1)
    assert carrier["CNC"] == 1.0
    assert carrier["CN"] == pytest.approx(1.2)  # 0.8 of the cells lost one of two
    assert carrier["CICF"] == pytest.approx((0.7, 0.9))
    assert carrier["PR"] == pytest.approx(0.99)
    assert (clean["GT"], clean["CN"]) == ((0, 0), 2.0)
    assert (unknown["GT"], unknown["CN"]) == ((None, None), None)
    assert "##FORMAT=<ID=CN,Number=1,Type=Float," in text


def test_ends_beyond_which_nothing_was_tested_are_open(tmp_path):
    (found,), *_ = written(tmp_path, calls(loss("P", "IKZF1", "1-8", 2.0)))
    assert found.info["OPEN_START"]
    assert found.info["OPEN_END"]
    assert found.info["CIPOS"] == (1 - found.pos, 0)  # to the start of the chromosome
    assert found.info["CIEND"] == (0, 159_345_973 - found.stop)  # to its end
    assert (found.samples["P"]["GT"], found.samples["P"]["CNC"]) == ((1, 1), 0.0)


def test_nested_losses_give_the_copies_left_of_each(tmp_path):
    records, *_ = written(tmp_path, calls(loss("P", "IKZF1", "1-8"), loss("P", "IKZF1", "4-7")))
    outer, inner = records
    assert (outer.info["EXONS"], outer.samples["P"]["CNC"]) == (("1-8",), 1.0)
    assert (inner.info["EXONS"], inner.samples["P"]["CNC"]) == (("4-7",), 0.0)
    assert inner.samples["P"]["CN"] == pytest.approx(0.4)
    assert [r.samples["P"]["GT"] for r in records] == [(0, 1), (0, 1)]
    same, *_ = written(tmp_path, calls(loss("P", "IKZF1", "1-8"), loss("P", "IKZF1", "4-7", 2.0)))
    assert [r.samples["P"]["CNC"] for r in same] == [1.0, 0.0]


def test_probes_place_events_and_genes_of_one_event_stand_together(tmp_path):
    table = calls(
        loss("P", "CDKN2A", "1-2", n_probes=3.0), loss("P", "CDKN2B", "2", n_probes=3.0),
        normal("Q", "CDKN2A"), normal("Q", "CDKN2B"), loss("Q", "CSF2RA", "1", n_probes=1.0),
        normal("R", "CDKN2A"), normal("R", "CDKN2B", "not_evaluable"),
    )  # fmt: skip
    (both, par1), *_ = written(tmp_path, table, panel=demo_panel())
    assert (both.pos, both.stop) == (21_970_999, 22_004_560)
    assert both.info["GENE"] == ("CDKN2A", "CDKN2B")
    assert both.info["EXONS"] == ("1-2", "2")
    assert both.info["PLACED_BY"] == "probes"
    assert [both.samples[name]["GT"] for name in "PQR"] == [(0, 1), (0, 0), (None, None)]
    assert (par1.contig, par1.samples["Q"]["CNC"]) == ("chrX", 1.0)  # PAR1: two copies in both sexes


def test_gains_losses_and_samples_share_records_in_order(tmp_path):
    table = calls(
        loss("b", "IKZF1", "1-8", -1.0, status="gain"), loss("a", "IKZF1", "1-8"), loss("c", "IKZF1", "1-8"),
        loss("d", "ETV6", "1"), loss("d", "NEW1", "1"), loss("d", "IKZF1", "2,4-5"),
    )  # fmt: skip
    records, samples, remarks, path = written(tmp_path, table)
    assert samples == ["b", "a", "c", "d"]
    assert remarks == ["not placed on the chromosome, so not in the VCF: 'NEW1' '1'"]
    assert [(r.contig, r.alts[0]) for r in records] == [
        ("chr7", "<DUP>"), ("chr7", "<DEL>"), ("chr7", "<DEL>"), ("chr7", "<DEL>"), ("chr12", "<DEL>"),
    ]  # fmt: skip
    gain, shared, first, second, extent = records
    assert gain.samples["b"]["CNC"] == 3.0
    assert [shared.samples[name]["CNC"] for name in "ac"] == [1.0, 1.0]
    assert first.info["EXONS"] == second.info["EXONS"] == ("2%2C4-5",)  # two stretches of one event
    assert first.info["HGVS"][0].startswith("NM_006060.6:c.[")
    assert extent.info["PLACED_BY"] == "gene_extent"
    low, high = extent.info["CIPOS"]
    assert low == 1 - extent.pos
    assert high == extent.stop - extent.pos  # either end may lie within the gene
    with pysam.VariantFile(str(path)) as stream:
        assert len(list(stream.fetch("chr7", 50_380_000, 50_380_001))) == 3  # the index is found and used


def test_x_outside_par1_has_no_known_copies(tmp_path):
    columns = {
        "probe": ["x", *(f"r{i}" for i in range(5))], "gene": ["PHF6", *[""] * 5], "exon": ["1", *[""] * 5],
        "role": ["target", *["reference"] * 5], "chrom": ["X", *[""] * 5], "start": ["134000000", *[""] * 5],
        "end": ["134000060", *[""] * 5], "length_nt": ["100", "110", "120", "130", "140", "150"],
    }  # fmt: skip
    panel = panel_from_columns(columns, "x")
    (found,), *_ = written(tmp_path, calls(loss("P", "PHF6", "1"), normal("Q", "PHF6")), panel=panel)
    assert found.samples["P"]["CNC"] is None
    assert found.samples["P"]["GT"] == (None, 1)
    assert found.samples["Q"]["GT"] == (None, None)


def test_every_record_passes_bcftools(tmp_path):
    rows = [loss(f"s{a}{b}", "IKZF1", f"{a}-{b}") for a in range(1, 9) for b in range(a + 1, 9)]
    rows += [loss("g", g, "1", -1.0, status="gain") for g in ("EBF1", "RB1", "SHOX", "ERG", "JAK2")]
    records, samples, _, path = written(tmp_path, calls(*rows))
    assert len(records) == 28 + 5
    told = pysam.bcftools.query("-f", "%CHROM %POS %END %SVLEN [%CNC ]\n", str(path))
    assert len(told.splitlines()) == len(records)
    out = tmp_path / "again.bcf"
    pysam.bcftools.view("-Ob", "-o", str(out), str(path), catch_stdout=False)
    with pysam.VariantFile(str(out)) as stream:
        assert list(stream.header.samples) == samples
        assert [(r.pos, r.stop) for r in stream] == [(r.pos, r.stop) for r in records]
    for record in records:
        low, high = record.info["CIPOS"], record.info["CIEND"]
        assert low[0] <= 0 <= low[1]
        assert high[0] <= 0 <= high[1]
        assert record.stop == record.pos + record.info["SVLEN"][0]
    if shutil.which("bcftools"):
        done = subprocess.run(["bcftools", "view", path], capture_output=True, check=True)
        assert b"[W" not in done.stderr


def test_the_same_calls_give_the_same_bytes(tmp_path):
    table = calls(loss("P", "IKZF1", "4-7"), loss("Q", "EBF1", "1-16"))
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        *_, path = written(folder, table)
        contents.append((path.read_bytes(), path.with_name("calls.vcf.gz.tbi").read_bytes()))
        assert sorted(p.name for p in folder.iterdir()) == ["calls.vcf.gz", "calls.vcf.gz.tbi"]
    assert contents[0] == contents[1]


@given(st.text(min_size=1))
def test_any_sample_name_can_be_written_and_read_back(name):
    if any(0xD800 <= ord(sign) <= 0xDFFF for sign in name):
        return  # no Unicode text
    safe = sample_to_vcf(name)
    assert sample_from_vcf(safe) == name
    assert not any(sign in safe for sign in "\t\n\r\0\x0b\x0c\x85\u2028")


def test_hostile_sample_names_survive_the_file(tmp_path):
    names = ["007", "1e5", "NA", "=x", " lead", "a b", "a,b;c", "%41", "50%", "a\tb\nc\rd", "é/../", "<b>", '"q"',
             "\u202erev", "#CHROM", "x" * 4096, "a\x00b"]  # fmt: skip
    records, samples, *_ = written(tmp_path, calls(*(loss(name, "IKZF1", "4-7") for name in names)))
    assert [sample_from_vcf(name) for name in samples] == names
    assert len(records) == 1
    assert all(value["CNC"] == 1.0 for value in records[0].samples.values())
    with pytest.raises(InputError, match="a sample without a name cannot stand in a VCF"):
        written(tmp_path, calls(loss("", "IKZF1", "4-7")))


def test_samples_of_several_runs_are_kept_apart(tmp_path):
    table = calls(
        ("r1", *loss("P", "IKZF1", "4-7")), ("r2", *loss("P", "IKZF1", "4-7", 2.0)), names=f"run {NAMES}"
    )
    (found,), samples, *_ = written(tmp_path, table)
    assert samples == ["r1:P", "r2:P"]
    assert [found.samples[name]["CNC"] for name in samples] == [1.0, 0.0]


def test_a_gene_with_a_normal_and_another_row_is_not_normal(tmp_path):
    table = calls(
        loss("P", "IKZF1", "1-8"), normal("Q", "IKZF1"), normal("Q", "IKZF1", "not_evaluable"),
        normal("R", "IKZF1"), loss("S", "IKZF1", "4-7"), normal("S", "IKZF1"),
    )  # fmt: skip
    (whole, _), samples, *_ = written(tmp_path, table)
    assert [whole.samples[name]["GT"] for name in samples] == [(0, 1), (None, None), (0, 0), (None, None)]


def test_runs_and_samples_that_read_the_same_are_refused(tmp_path):
    table = calls(
        ("a", *loss("x:P", "IKZF1", "4-7")), ("a:x", *loss("P", "IKZF1", "4-7")),
        ("b", *loss("P", "IKZF1", "4-7")), names=f"run {NAMES}",
    )  # fmt: skip
    with pytest.raises(InputError, match="two samples would be named 'a:x:P' in the VCF"):
        written(tmp_path, table)


def test_records_are_those_that_htslib_writes(tmp_path):
    """Text and blocks are what pysam makes of the same records: small ones share a block, none is cut needlessly."""
    rows = []
    for i in range(700):
        rows += [loss(f"s{i}", "IKZF1", f"{i % 8 + 1}-8", fraction=0.11 + i / 997), normal(f"s{i}", "EBF1")]
        rows += (
            [loss(f"t{i}", "EBF1", "1-16", -1.0, status="gain", fraction=i / 700.0 + 0.1)]
            if i % 90 == 0
            else []
        )
    many, few = rows, rows[:60]
    for name, part in (("many", many), ("few", few)):
        folder = tmp_path / name
        folder.mkdir()
        records, *_, path = written(folder, calls(*part))
        again = folder / "again.vcf.gz"
        with (
            pysam.VariantFile(str(path)) as source,
            pysam.VariantFile(str(again), "wz", header=source.header) as sink,
        ):
            for record in source:
                sink.write(record)
        pysam.tabix_index(str(again), preset="vcf", force=True)
        assert len(records) == 9
        assert path.read_bytes() == again.read_bytes()
        assert (folder / "calls.vcf.gz.tbi").read_bytes() == (folder / "again.vcf.gz.tbi").read_bytes()


def test_calls_without_events_give_a_file_without_records(tmp_path):
    records, samples, *_ = written(tmp_path, calls(normal("P", "IKZF1")))
    assert (records, samples) == ([], ["P"])


def test_ref_comes_from_a_sequence_of_the_right_build(tmp_path, monkeypatch):
    from mlpa_caller.outputs import vcf

    fasta = tmp_path / "genome.fa"
    fasta.write_text(">chr7 short\n" + "ACGT" * 25 + "\n", encoding="ascii")
    table = calls(loss("P", "IKZF1", "4-7"))
    with pytest.raises(InputError, match="'chr7' has 100 bases, in GRCh38 it has 159345973"):
        written(tmp_path, table, fasta=fasta)
    with pytest.raises(InputError, match="has no chromosome chr12"):
        written(tmp_path, calls(loss("P", "ETV6", "1")), fasta=fasta)
    with pytest.raises(InputError, match="the sequence cannot be used"):
        written(tmp_path, table, fasta=tmp_path / "absent.fa")
    assert [p.name for p in tmp_path.iterdir() if "calls" in p.name] == []
    # a whole genome is not at hand: a short one stands for it, told as long as the real one
    known = vcf.contigs("GRCh38")
    short = {**known, "chr7": type(known["chr7"])("GRCh38", "chr7", 100, "NC_000007.14", "", "")}
    monkeypatch.setattr(vcf, "contigs", lambda _: short)
    bases = vcf._Bases(fasta)
    assert [bases.at("chr7", pos) for pos in (1, 2, 100)] == ["A", "C", "T"]
    assert vcf._Bases(None).at("chr7", 1) == "N"
