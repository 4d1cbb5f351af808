"""Variants from a VCF: matching, genotypes, builds, annotations, damaged files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.variant_report import (
    CALL_COLUMNS,
    VARIANT_COLUMNS,
    add_variants,
    find_variants,
    germline_findings,
)
from mlpa_caller.consequence.vcf_stream import open_vcf
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import FormatError, InputError, MlpaError, UsageError
from mlpa_caller.refdata import reference_rows

MODEL = transcript("ikzf1")
LENGTH = {"GRCh38": 159_345_973, "GRCh37": 159_138_663}


def at(c, build="GRCh38"):
    return MODEL.position(c, build)


def header(samples=("S1",), *, chrom="chr7", build="GRCh38", meta=()):
    lines = ["##fileformat=VCFv4.2"]
    if build:
        lines.append(f"##contig=<ID={chrom},length={LENGTH[build]}>")
    lines += meta
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    lines.append("\t".join([*columns, *(["FORMAT", *samples] if samples else [])]))
    return "\n".join(lines) + "\n"


def record(pos, ref, alt, *genotypes, chrom="chr7", filt="PASS", info=".", fmt="GT"):
    fields = [chrom, str(pos), ".", ref, alt, ".", filt, info]
    return "\t".join([*fields, *([fmt, *genotypes] if genotypes else [])]) + "\n"


def write(folder, text, name="in.vcf"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(found):
    columns = found.table.columns
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*(c.tolist() for c in columns.values()))]


def one(folder, text, **options):
    found = rows(find_variants(write(folder, text), **options))
    assert len(found) == 1
    return found[0]


R183H = (at(548), "G", "A")
R184Q = (at(551), "G", "A")


# --- matching --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", ["GRCh38", "GRCh37"])
def test_every_catalogue_entry_is_found_by_its_exact_change_in_both_builds(tmp_path, build):
    entries = reference_rows("ikzf1/variants.csv")
    column = {"GRCh38": "g38_pos", "GRCh37": "g37_pos"}[build]
    text = header(build=build) + "".join(record(e[column], e["ref"], e["alt"], "0/1") for e in entries)
    found = rows(find_variants(write(tmp_path, text)))
    assert [row["hgvs_c"] for row in found] == [e["hgvs_c"] for e in entries]
    assert [row["consequence"] for row in found] == [e["class"] for e in entries]
    assert [row["disease_class"] for row in found] == [e["disease_class"] for e in entries]
    assert all(row["source"] and row["build"] == build for row in found)
    for row, entry in zip(found, entries, strict=True):
        if entry["status"] == "unverified" and entry["class"] != "uncertain":
            assert row["evidence"] == "unverified"
            assert "(unverified: from a source that was not checked)" in row["sentence"]


def test_neighbouring_residues_have_opposite_effects(tmp_path):
    found = rows(find_variants(write(tmp_path, header() + record(*R183H, "0/1") + record(*R184Q, "0/1"))))
    assert [(r["consequence"], r["disease_class"]) for r in found] == [
        ("gain_of_function", "gain_of_function"), ("loss_of_function", "loss_of_function"),
    ]  # fmt: skip
    assert "IgG4" in found[0]["phenotype"]
    assert found[0]["inheritance"] == "autosomal dominant"
    assert found[0]["penetrance"].startswith("incomplete")


def test_only_the_exact_change_counts(tmp_path):
    # R183 to proline, and the two bases of R183C and R183H at once: neither is in the catalogue
    text = header() + record(at(548), "G", "C", "0/1") + record(at(547), "CG", "TA", "0/1")
    found = rows(find_variants(write(tmp_path, text)))
    assert [r["consequence"] for r in found] == ["not_in_catalogue", "not_in_catalogue"]
    assert [r["hgvs_p"] for r in found] == ["p.(Arg183Pro)", "p.(Arg183Tyr)"]
    for row in found:
        assert "does not mean that it is harmless" in row["sentence"]
        assert "other changes of this residue: p.(Arg183His), p.(Arg183Cys)" in row["sentence"]
        assert row["evidence"] == row["disease_class"] == ""


def test_padded_and_multi_allelic_records_are_taken_apart(tmp_path):
    # REF with a base before and one behind; of three alleles each sample carries its own
    before, behind = MODEL.coding[546], MODEL.coding[548]
    alts = f"{before}A{behind},{before}C{behind},<*>"
    text = header(("a", "b", "c", "d")) + record(
        at(547), f"{before}G{behind}", alts, "0/1", "1|2", "2/2", "0/3"
    )
    found = [(r["sample"], r["hgvs_p"], r["zygosity"]) for r in rows(find_variants(write(tmp_path, text)))]
    assert found == [
        ("a", "p.(Arg183His)", "heterozygous"), ("b", "p.(Arg183His)", "heterozygous"),
        ("b", "p.(Arg183Pro)", "heterozygous"), ("c", "p.(Arg183Pro)", "homozygous"),
    ]  # fmt: skip


def test_n159_is_dominant_negative_in_the_germline_and_a_subtype_when_acquired(tmp_path):
    text = header() + record(at(476), "A", "G,C", "1/2") + record(at(475), "A", "T", "0/1")
    found = rows(find_variants(write(tmp_path, text)))
    assert [(r["hgvs_p"], r["mechanism"], r["disease_class"], r["origin"]) for r in found] == [
        ("p.(Asn159Ser)", "dominant_negative", "dominant_negative_n159", "germline"),
        ("p.(Asn159Thr)", "dominant_negative", "dominant_negative_n159", "germline"),
        ("p.(Asn159Tyr)", "altered_dna_binding", "", "somatic"),
    ]  # fmt: skip
    assert "Pneumocystis" in found[0]["phenotype"]
    assert found[2]["consequence"] == "subtype_defining"
    assert {"same_codon"} == {flag for row in found for flag in row["flags"].split(";")}


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "effect"),
    [
        (at(2), "T", "C", "start_lost"),
        (at(637), "C", "T", "stop_gained"),
        (at(500), "AT", "A", "frameshift"),
        (at(589) + 1, "G", "T", "essential_splice"),
    ],
)
def test_new_truncating_changes_are_loss_of_function_predicted(tmp_path, pos, ref, alt, effect):
    row = one(tmp_path, header() + record(pos, ref, alt, "0/1"))
    assert (row["effect"], row["consequence"], row["evidence"]) == (effect, "loss_of_function", "predicted")
    assert row["disease_class"] == "loss_of_function"
    assert "It is not in the catalogue" in row["sentence"]


def test_changes_away_from_the_exons_and_reference_genotypes_are_not_listed(tmp_path):
    text = header() + record(at(589) + 9, "A", "G", "0/1") + record(*R183H, "0/0")
    assert rows(find_variants(write(tmp_path, text))) == []


# --- genotypes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("genotype", "zygosity", "consequence"),
    [
        ("0/1", "heterozygous", "gain_of_function"),
        ("1|1", "homozygous", "gain_of_function"),
        ("1", "hemizygous", "gain_of_function"),
        ("./1", "heterozygous", "gain_of_function"),
        ("|0|1", "heterozygous", "gain_of_function"),  # VCF 4.4 writes the phase of the first allele too
        ("./.", "", "not_assessed"),
        (".", "", "not_assessed"),
        ("0/.", "", "not_assessed"),
    ],
)
def test_genotypes(tmp_path, genotype, zygosity, consequence):
    row = one(tmp_path, header() + record(*R183H, f"{genotype}:9", fmt="GT:DP"))
    assert (row["zygosity"], row["consequence"]) == (zygosity, consequence)
    assert ("genotype_missing" in row["flags"]) == (consequence == "not_assessed")


def test_a_record_without_genotypes_assesses_nobody(tmp_path):
    row = one(tmp_path, header() + record(*R183H, "30", fmt="DP"))
    assert row["consequence"] == "not_assessed"
    # a missing genotype at a change that is no news is not listed
    assert rows(find_variants(write(tmp_path, header() + record(at(548), "G", "C", "./.")))) == []


def test_filtered_records_are_kept_and_flagged(tmp_path):
    row = one(tmp_path, header() + record(*R183H, "0/1", filt="germline;LowQ"))
    assert row["consequence"] == "gain_of_function"
    assert row["flags"] == "filter:germline,LowQ"


@pytest.mark.parametrize("genotype", ["0/2", "a/b", "0/-1", "1/1000000000"])
def test_genotypes_that_fit_no_allele_are_refused(tmp_path, genotype):
    with pytest.raises(FormatError, match=r"in.vcf:4: genotype '.*' does not fit the record's 1 alternative"):
        find_variants(write(tmp_path, header() + record(*R183H, genotype)))


# --- builds and chromosome names -------------------------------------------------------------------------


@pytest.mark.parametrize("chrom", ["7", "chr7", "NC_000007.14", "CM000669.2"])
def test_chromosome_names(tmp_path, chrom):
    row = one(tmp_path, header(chrom=chrom) + record(*R183H, "0/1", chrom=chrom))
    assert row["consequence"] == "gain_of_function"
    assert row["chrom"] == chrom


def test_the_build_is_told_by_contigs_text_or_option(tmp_path):
    old = (at(548, "GRCh37"), "G", "A")
    assert one(tmp_path, header(build="GRCh37") + record(*old, "0/1"))["build"] == "GRCh37"
    meta = ["##reference=file:///data/human_g1k_v37.fasta"]
    assert one(tmp_path, header(build="", meta=meta) + record(*old, "0/1"))["build"] == "GRCh37"
    assert one(tmp_path, header(build="") + record(*old, "0/1"), build="grch37")["build"] == "GRCh37"
    assert one(tmp_path, header(build="GRCh37") + record(*old, "0/1"), build="GRCh37")["build"] == "GRCh37"
    other = header(build="", meta=["##contig=<ID=1,length=249250621>"]) + record(*old, "0/1", chrom="7")
    assert find_variants(write(tmp_path, other)).scan.build == "GRCh37"


def test_a_build_that_is_not_told_or_contradicted_is_refused(tmp_path):
    plain = header(build="") + record(*R183H, "0/1")
    with pytest.raises(FormatError, match="does not tell the genome build; add --build GRCh37 or GRCh38"):
        find_variants(write(tmp_path, plain))
    with pytest.raises(FormatError, match="given as GRCh37, but its contig lengths say GRCh38"):
        find_variants(write(tmp_path, header() + record(*R183H, "0/1")), "GRCh37")
    meta = ["##contig=<ID=chr1,length=249250621>"]
    with pytest.raises(FormatError, match="names both genome builds: GRCh37, GRCh38"):
        find_variants(write(tmp_path, header(meta=meta) + record(*R183H, "0/1")))
    with pytest.raises(UsageError, match="unknown build 'hg19'; use GRCh38 or GRCh37"):
        find_variants(write(tmp_path, plain), "hg19")


def test_reference_bases_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(
        FormatError, match=r"in.vcf:4: REF 'T' does not fit GRCh38: position 50382666 .* is G"
    ):
        find_variants(write(tmp_path, header() + record(at(548), "T", "A", "0/1")))


# --- annotations in the file -----------------------------------------------------------------------------

CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP. Format: Allele|Consequence|SYMBOL|Feature">'
ANN = "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation '\">"


def annotated(tmp_path, info, meta, change=R183H):
    return one(tmp_path, header(meta=[meta]) + record(*change, "0/1", info=info))


def test_annotations_that_agree_are_shown(tmp_path):
    row = annotated(tmp_path, "AC=1;CSQ=A|missense_variant|IKZF1|NM_006060.6,A|x|OTHER|NM_1", CSQ)
    assert row["file_annotation"] == "CSQ: missense_variant (NM_006060.6)"
    assert row["flags"] == ""
    ann = "A|missense_variant|MODERATE|IKZF1|ENSG1|transcript|ENST00000331340.8|pc|5/8|c.548G>A"
    assert annotated(tmp_path, f"ANN={ann}", ANN)["flags"] == ""


def test_annotations_that_disagree_are_reported(tmp_path):
    row = annotated(tmp_path, "CSQ=A|stop_gained&splice_region_variant|IKZF1|NM_006060.6", CSQ)
    assert row["flags"] == "annotation_disagrees"
    assert "worked out here: missense" in row["sentence"]
    assert row["consequence"] == "gain_of_function"
    stop = (at(637), "C", "T")
    quiet = annotated(tmp_path, "CSQ=T|synonymous_variant|IKZF1|NM_006060.6", CSQ, stop)
    assert quiet["flags"] == "annotation_disagrees"
    assert quiet["consequence"] == "loss_of_function"


def test_annotations_of_a_change_that_is_not_worked_out_are_reported(tmp_path):
    last = MODEL.coding[588]
    edge = (at(589), last, last + "A")  # between exon 5 and its intron
    row = annotated(tmp_path, "CSQ=A|frameshift_variant|IKZF1|NM_006060.6", CSQ, edge)
    assert (row["effect"], row["flags"]) == ("not_worked_out", "annotation_disagrees")
    assert row["consequence"] == "not_in_catalogue"


def test_annotations_of_other_transcripts_and_alleles_contradict_nothing(tmp_path):
    row = annotated(tmp_path, "CSQ=A|stop_gained|IKZF1|NM_001220765.3", CSQ)
    assert (row["flags"], row["file_annotation"]) == ("", "CSQ: stop_gained (NM_001220765.3)")
    assert annotated(tmp_path, "CSQ=C|stop_gained|IKZF1|NM_006060.6", CSQ)["file_annotation"] == ""
    assert annotated(tmp_path, "XCSQ=A|stop_gained|IKZF1|NM_006060.6", CSQ)["file_annotation"] == ""
    lost = (at(500), "AT", "A")  # VEP leaves the shared first base out
    row = annotated(tmp_path, "CSQ=-|frameshift_variant|IKZF1|NM_006060.6", CSQ, lost)
    assert (row["flags"], row["file_annotation"]) == ("", "CSQ: frameshift_variant (NM_006060.6)")


def test_annotations_with_too_few_fields_are_flagged(tmp_path):
    assert annotated(tmp_path, "CSQ=A|missense_variant", CSQ)["flags"] == "annotation_unreadable"


def test_unverified_bases_are_flagged(tmp_path):
    row = one(tmp_path, header() + record(at(100), "C", "A", "0/1"))
    assert "unverified_reference_bases" in row["flags"]


# --- the calls -------------------------------------------------------------------------------------------


def patients(*names, gene="IKZF1"):
    n = len(names)
    return Table(
        {"sample": text_array(names), "gene": text_array([gene] * n), "status": text_array(["normal"] * n),
         "exons": text_array([""] * n), "copies_lost": np.full(n, np.nan)}
    )  # fmt: skip


def test_calls_get_the_patients_variants_and_germline_class(tmp_path):
    text = (
        header(("007", "1e5", "none", "missing", "stranger"))
        + record(*R183H, "0/1", "0/0", "0/0", "./.", "0/1")
        + record(*R184Q, "0/1", "0/1", "0/0", "0/0", "0/0")
    )
    found = find_variants(write(tmp_path, text))
    assert tuple(found.table.columns) == VARIANT_COLUMNS
    calls, remarks = add_variants(patients("007", "1e5", "none", "missing", "absent"), found)
    columns = calls.columns
    assert tuple(columns)[-len(CALL_COLUMNS) :] == CALL_COLUMNS
    assert columns["ikaros_germline"].tolist() == [
        "gain_of_function;loss_of_function", "loss_of_function", "none_in_catalogue", "not_assessed",
        "not_assessed",
    ]  # fmt: skip
    assert germline_findings(calls) == {
        "007": ("gain_of_function", "loss_of_function"), "1e5": ("loss_of_function",), "none": (),
    }  # fmt: skip
    assert germline_findings(patients("007")) == {}
    assert columns["variants"][1] == "NM_006060.6:c.551G>A p.(Arg184Gln)"
    assert columns["variant_consequence"][0] == "gain_of_function; loss_of_function"
    assert "does not show which stretches were sequenced" in columns["variant_sentence"][2]
    assert columns["variant_sentence"][4] == ""
    assert remarks == [
        "not in the calls, so left out of them: VCF samples 'stranger'",
        "not in the VCF, so germline not assessed: 'absent'",
    ]


def test_a_vcf_without_the_chromosome_assesses_nobody(tmp_path):
    text = header(chrom="chr9", build="", meta=["##contig=<ID=chr9,length=138394717>"])
    found = find_variants(write(tmp_path, text))
    assert not found.scan.covered
    calls, remarks = add_variants(patients("S1"), found)
    assert calls.columns["ikaros_germline"].tolist() == ["not_assessed"]
    assert calls.columns["variant_sentence"].tolist() == [""]
    assert "not assessed" in remarks[-1]


def test_files_of_sites_and_other_names_need_the_sample_named(tmp_path):
    sites = write(tmp_path, header(()) + record(*R183H))
    with pytest.raises(InputError, match="no sample of the VCF is in the calls: the VCF has none"):
        add_variants(patients("P1"), find_variants(sites))
    named = find_variants(sites, sample="P1")
    calls, _ = add_variants(patients("P1"), named)
    assert calls.columns["ikaros_germline"].tolist() == ["gain_of_function"]
    assert rows(named)[0]["flags"] == "genotype_missing"
    two = write(tmp_path, header(("a", "b")) + record(*R183H, "0/1", "0/1"))
    with pytest.raises(UsageError, match="the VCF has 2 samples, so one name does not do"):
        find_variants(two, sample="P1")
    with pytest.raises(InputError, match=r"the VCF has 'a', 'b', the calls with IKZF1 have 'P1'; name"):
        add_variants(patients("P1"), find_variants(two))
    with pytest.raises(InputError, match="the calls with IKZF1 have none"):
        add_variants(patients("a", gene="EBF1"), find_variants(two))


# --- files -----------------------------------------------------------------------------------------------


def test_plain_gzip_bgzip_and_indexed_files_give_the_same(tmp_path):
    pysam = pytest.importorskip("pysam")
    text = header() + record(*R183H, "0/1") + record(at(637), "C", "T", "0/1")
    expected = rows(find_variants(write(tmp_path, text)))
    assert len(expected) == 2
    zipped = write(tmp_path, gzip.compress(text.encode()), "in.vcf.gz")
    assert rows(find_variants(zipped)) == expected
    blocks = tmp_path / "blocks.vcf.gz"
    pysam.tabix_compress(str(tmp_path / "in.vcf"), str(blocks))
    assert rows(find_variants(blocks)) == expected
    pysam.tabix_index(str(blocks), preset="vcf")
    assert rows(find_variants(blocks)) == expected
    (tmp_path / "blocks.vcf.gz.tbi").write_bytes(b"an index of another file")
    assert rows(find_variants(blocks)) == expected
    windows = write(tmp_path, text.replace("\n", "\r\n"), "crlf.vcf")
    assert rows(find_variants(windows)) == expected
    marked = write(tmp_path, b"\xef\xbb\xbf" + text.encode(), "bom.vcf")
    assert rows(find_variants(marked)) == expected
    cut = write(tmp_path, text.rstrip("\n"), "no_last_line_end.vcf")
    assert rows(find_variants(cut)) == expected


def test_records_are_found_wherever_blocks_are_cut(tmp_path, monkeypatch):
    from mlpa_caller.consequence import vcf_stream

    text = header() + "".join(record(50_000_000 + i, "A", "G", "0/1") for i in range(50))
    text += record(*R183H, "0/1") + record(1, "A", "C", "0/1", chrom="chr8")
    path = write(tmp_path, text)
    for size in (7, 64, 1000):
        monkeypatch.setattr(vcf_stream, "_BLOCK", size)
        found = find_variants(path)
        assert [row["line"] for row in rows(found)] == [54]
        assert (found.scan.n_records, found.scan.n_on_chromosome) == (52, 51)


def test_a_long_ref_that_reaches_into_an_exon_is_found(tmp_path):
    exon = MODEL.exon(5)
    first, last = exon.coding
    ref = "A" * 100 + MODEL.coding[first - 1 : last] + "C" * 30
    row = one(tmp_path, header() + record(exon.start["GRCh38"] - 100, ref, "A", "0/1"))
    assert row["effect"] == "exon_deletion"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; give a VCF"),
        (b"sample\tgene\n", "does not start with ##fileformat=VCF"),
        (b"\x00\xff\xfe binary", "does not start with ##fileformat=VCF"),
        (gzip.compress(b"BCF\x02\x02rest"), "is a BCF; convert it with bcftools view -Oz"),
        (b"##fileformat=VCFv4.2\n##source=x\n", "has no line #CHROM"),
        (b"##fileformat=VCFv4.2\n#CHROM\tPOS\n", "the header ends with"),
        (header(("a", "a")).encode(), "sample 'a' stands twice"),
        (header(("a", "")).encode(), "a sample has no name"),
        (
            header().encode() + b"chr1\t5\t.\tA\n",
            r"x.vcf:4: the record has 4 columns where the header has 10",
        ),
        (
            header().encode() + b"chr7\t5x\t.\tA\tC\t.\t.\t.\tGT\t0/1\n",
            "x.vcf:4: POS is '5x', not a position",
        ),
        (header().encode() + b"chr7\t\t.\tA\tC\t.\t.\t.\tGT\t0/1\n", "x.vcf:4: POS is ''"),
        (
            header().encode() + record(*R183H, "0/1").encode().replace(b"PASS", b"\xff"),
            "x.vcf:4: is not UTF-8",
        ),
        (gzip.compress(header().encode() + record(*R183H, "0/1").encode() * 999)[:-20], "damaged or cut off"),
        (b"\x1f\x8b not gzip at all", "damaged or cut off"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(FormatError, match=message) as caught:
        find_variants(write(tmp_path, content, "x.vcf"))
    assert len(str(caught.value).splitlines()) == 1


def test_paths_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        find_variants(tmp_path / "absent.vcf")
    with pytest.raises(FormatError, match=r"is a folder|cannot be read"):
        find_variants(tmp_path)
    with pytest.raises(FormatError, match="cannot be read"):
        find_variants("a\0b.vcf")


def test_damaged_bytes_give_only_declared_errors(tmp_path):
    text = (header(meta=[CSQ]) + record(*R183H, "0/1", info="CSQ=A|x|IKZF1|NM_006060.6")).encode()
    rng = np.random.default_rng(7)
    for _ in range(300):
        damaged = bytearray(text)
        for spot in rng.integers(0, len(text), 3):
            damaged[spot] = rng.integers(0, 256)
        message = ""
        try:
            find_variants(write(tmp_path, bytes(damaged)))
        except MlpaError as error:
            message = str(error)
        assert len(message.splitlines()) <= 1


def test_a_line_without_end_is_refused_before_memory_is_full(tmp_path, monkeypatch):
    from mlpa_caller.consequence import vcf_stream

    monkeypatch.setattr(vcf_stream, "_LONGEST_LINE", 1000)
    monkeypatch.setattr(vcf_stream, "_BLOCK", 100)
    with pytest.raises(FormatError, match="has a line longer than"):
        find_variants(write(tmp_path, header() + "chr7\t" + "1" * 5000))
    with pytest.raises(FormatError, match="has a header longer than"):
        find_variants(write(tmp_path, "##fileformat=VCFv4.2\n" + "##x=" + "y" * 5000))


def test_header_only_is_a_file_without_variants(tmp_path):
    found = find_variants(write(tmp_path, header()))
    assert rows(found) == []
    with open_vcf(tmp_path / "in.vcf") as stream:
        assert stream.header.samples == ("S1",)
        assert stream.header.contigs == {"chr7": LENGTH["GRCh38"]}
