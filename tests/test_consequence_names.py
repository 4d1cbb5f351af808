"""Names, genes of the panel, places on the chromosome, VRS and FHIR."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from itertools import combinations

import numpy as np
import pytest

from mlpa_caller.consequence.annotate import annotate_calls
from mlpa_caller.consequence.events import call_rows, footprints
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.fhir import fhir_bundle
from mlpa_caller.consequence.genes import contigs, genes, is_diploid
from mlpa_caller.consequence.panel_view import panel_view
from mlpa_caller.consequence.placement import Interval, by_exons, by_extent, place
from mlpa_caller.consequence.vrs import copy_number_change, copy_number_changes
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import MissingExtraError, MlpaError
from mlpa_caller.outputs.fhir_genomics import write_fhir
from mlpa_caller.panel import panel_from_columns
from mlpa_caller.refdata import reference_rows

ALL = [str(n) for n in range(1, 9)]
ROW = "sample gene status exons copies_lost n_probes clone_fraction"


def calls(*rows, names=ROW):
    columns = list(zip(*rows, strict=True))
    return Table(
        {
            name: text_array(column) if isinstance(column[0], str) else np.array(column, dtype=float)
            for name, column in zip(names.split(), columns, strict=True)
        }
    )


def panel(targets, *, region=""):
    """A panel of target probes (gene, exon, chrom, start, end) and five references without positions."""
    rows = [(f"{g}-{x}", g, x, "target", c, a, b, region) for g, x, c, a, b in targets]
    rows += [(f"ref{i}", "", "", "reference", "", "", "", "") for i in range(5)]
    names = ("probe", "gene", "exon", "role", "chrom", "start", "end", "region")
    columns = {name: [str(row[i]) for row in rows] for i, name in enumerate(names)}
    columns["length_nt"] = [str(100 + 5 * i) for i in range(len(rows))]
    return panel_from_columns(columns, "test")


CHR9 = [  # CDKN2A lies on the minus strand: its exon 2 comes first along the chromosome
    ("CDKN2A", "1", "chr9", 21_974_700, 21_974_760),
    ("CDKN2A", "2", "chr9", 21_971_000, 21_971_060),
    ("CDKN2B", "2", "chr9", 22_004_500, 22_004_560),
]


def parser():
    return pytest.importorskip("mutalyzer_hgvs_parser").to_model


# --- HGVS ------------------------------------------------------------------------------------------------


def test_every_name_of_every_set_of_exons_is_hgvs():
    to_model = parser()
    ranges = [str(a) if a == b else f"{a}-{b}" for a in range(1, 9) for b in range(a, 9)]
    sets = [",".join(exons) for size in (2, 3, 4, 5) for exons in combinations(ALL, size)][::9]
    rows = [(f"s{i}", "IKZF1", "loss", text, 1.0, 8.0, 1.0) for i, text in enumerate((*ranges, *sets))]
    rows += [(f"g{text}", "IKZF1", "gain", text, -1.0, 8.0, 1.0) for text in ranges[::3]]
    found = annotate_calls(calls(*rows)).columns
    names = {name for column in ("hgvs", "hgvs_g38", "hgvs_g37") for name in found[column].tolist()}
    names |= {f"NP_006051.1:{name}" for name in found["hgvs_p"].tolist()}
    assert len(names) > 200
    for name in names:
        to_model(name)  # raises where it is no HGVS


def test_names_by_partial_panels_and_probes_are_hgvs():
    to_model = parser()
    sheet = panel(
        [("IKZF1", str(n), "chr7", 50_300_000 + n * 10_000, 50_300_060 + n * 10_000) for n in (2, 4, 7)]
    )
    rows = [("a", "IKZF1", "loss", "4-7", 1.0, 2.0, 1.0), ("b", "IKZF1", "loss", "2", 1.0, 1.0, 1.0),
            ("c", "IKZF1", "gain", "2-7", -1.0, 3.0, 1.0)]  # fmt: skip
    found = annotate_calls(calls(*rows), sheet).columns
    assert found["hgvs"].tolist() == [
        "NM_006060.6:c.(40+1_161-1)_(850+1_?)del",
        "NM_006060.6:c.(?_-14-1)_(40+1_161-1)del",
        "NM_006060.6:c.(?_-14-1)_(850+1_?)dup",
    ]
    assert found["hgvs_g38_probes"].tolist() == [
        "NC_000007.14:g.(50320060_50340000)_(50370060_?)del",
        "NC_000007.14:g.(?_50320000)_(50320060_50340000)del",
        "NC_000007.14:g.(?_50320000)_(50370060_?)dup",
    ]
    assert found["consequence"].tolist() == ["uncertain", "loss_of_function", "uncertain"]
    for name in (*found["hgvs"], *found["hgvs_g38"], *found["hgvs_g37"], *found["hgvs_g38_probes"]):
        to_model(name)


def test_the_two_builds_differ_by_more_than_one_offset():
    model = transcript("ikzf1")
    offsets = {exon.start["GRCh37"] - exon.start["GRCh38"] for exon in model.exons}
    # 39,596 up to exon 3 and 67,698 from exon 4: intron 3 is 28,102 bp longer in GRCh37
    assert offsets == {39_596, 67_698}
    assert all(
        e.end[b] - e.start[b] == e.end["GRCh38"] - e.start["GRCh38"] for e in model.exons for b in e.end
    )


def test_the_exon_model_agrees_with_itself():
    model = transcript("ikzf1")
    assert model.coding.startswith("ATG")
    assert model.coding.endswith("TAA")
    assert len(model.coding) == 1560
    assert len(model.unverified) == 29
    with pytest.raises(MlpaError, match=r"c.1561 is no coding base of NM_006060.6; give 1 to 1560"):
        model.position(1561, "GRCh38")
    for build in ("GRCh38", "GRCh37"):
        for exon in model.exons[1:]:
            span = model.coding_span(exon.number, build)
            assert exon.start[build] <= span[0] <= span[1] <= exon.end[build]
            assert span[1] - span[0] + 1 == exon.coding_length


def test_reference_rows_have_source_and_confidence():
    for name in ("ikzf1/exons.csv", "ikzf1/cds.csv", "ikzf1/domains.csv", "ikzf1/exon_schemes.csv",
                 "ikzf1/variants.csv", "ikzf1/germline_classes.csv", "ikzf1/germline_deletions.csv",
                 "ikzf1/sequence_ontology.csv", "genes/genes.csv", "genes/contigs.csv",
                 "genes/pseudoautosomal.csv", "genes/assemblies.csv", "genes/consequence_rules.csv",
                 "genes/fhir_codes.csv"):  # fmt: skip
        for row in reference_rows(name):
            assert None not in row, (name, row)
            assert row["source"], (name, row)
            assert row["confidence"], (name, row)


# --- genes without an exon model -------------------------------------------------------------------------


def test_whole_gene_losses_are_loss_of_function_only_by_a_rule_with_source():
    sheet = panel([(g, str(n), "", "", "") for g in ("PAX5", "JAK2", "CRLF2", "BTG1") for n in (1, 2)])
    rows = [("a", "PAX5", "loss", "1-2", 1.0, 2.0, 0.5), ("b", "PAX5", "loss", "2", 1.0, 1.0, 0.5),
            ("c", "JAK2", "loss", "1-2", 1.0, 2.0, 0.5), ("d", "CRLF2", "loss", "1-2", 1.0, 2.0, 0.5),
            ("e", "BTG1", "loss", "2", 1.0, 2.0, 0.5), ("f", "PAX5", "loss", "1-2", 2.0, 2.0, 0.5),
            ("g", "NEW1", "loss", "x", 1.0, 2.0, 0.5)]  # fmt: skip
    found = annotate_calls(calls(*rows), sheet).columns
    assert found["consequence"].tolist() == [
        "loss_of_function", "uncertain", "uncertain", "uncertain", "uncertain", "biallelic_null", "uncertain",
    ]  # fmt: skip
    sentences, sources = found["consequence_sentence"], found["consequence_source"]
    assert sources[0].startswith("Iacobucci 2010")
    assert "one probe only" in sentences[1]
    assert "no rule with a source" in sentences[2]
    assert sources[2] == ""
    assert "P2RY8 to CRLF2" in sentences[3]
    assert "truncated transcripts" in sentences[4]
    assert found["iscn"].tolist() == [
        "rsa 9p13.2(PAX5)x1", "rsa 9p13.2(PAX5 ex2)x1", "rsa 9p24.1(JAK2)x1", "rsa Xp22.33(CRLF2)x1",
        "rsa 12q21.33(BTG1 ex2)x1", "rsa 9p13.2(PAX5)x0", "",
    ]  # fmt: skip
    without = annotate_calls(calls(*rows)).columns
    assert without["consequence"][0] == "uncertain"
    assert "without the panel" in without["consequence_sentence"][0]


def test_a_loss_on_both_alleles_in_two_rows_is_read_together():
    # one event takes CDKN2A and CDKN2B, a second one CDKN2A alone: the caller gives CDKN2A two rows
    rows = [("P", "CDKN2A", "loss", "1-2", 1.0, 3.0, 0.8), ("P", "CDKN2A", "loss", "1-2", 1.0, 2.0, 0.8),
            ("P", "CDKN2B", "loss", "2", 1.0, 3.0, 0.8)]  # fmt: skip
    found = annotate_calls(calls(*rows), panel(CHR9, region="9p21")).columns
    assert found["consequence"].tolist() == ["biallelic_null", "biallelic_null", "loss_of_function"]
    assert found["allele_consequence"].tolist() == ["loss_of_function"] * 3


# --- places ----------------------------------------------------------------------------------------------


def placed(sheet, *rows):
    table, views = call_rows(calls(*rows)), panel_view(sheet)
    return [place(event, views) for event in footprints(table, views)]


def test_an_event_that_spans_genes_is_one_interval_whatever_the_strand():
    rows = [("P", "CDKN2A", "loss", "1-2", 1.0, 3.0, 0.8), ("P", "CDKN2B", "loss", "2", 1.0, 3.0, 0.8)]
    one, two = placed(panel(CHR9), *rows)
    assert one == two == (Interval("chr9", 21_971_000, 22_004_560, 0, 0, "probes"),)
    backward = [("P", "CDKN2A", "loss", "2-1", 1.0, 3.0, 0.8), rows[1]]
    assert placed(panel(CHR9), *backward)[0] == one


def test_an_end_lies_before_the_next_probe_with_another_number_of_copies():
    lone = placed(panel(CHR9), ("P", "CDKN2A", "loss", "1-2", 1.0, 2.0, 0.8))[0]
    assert lone == (Interval("chr9", 21_971_000, 21_974_760, 0, 22_004_500, "probes"),)
    # the neighbour is lost just as much by a row that is not the same event: it bounds nothing
    same = placed(
        panel(CHR9),
        ("P", "CDKN2A", "loss", "1-2", 1.0, 2.0, 0.8),
        ("P", "CDKN2B", "loss", "2", 1.0, 1.0, 0.5),
    )
    assert same[0][0].after == 0
    # neighbours with one probe each and the same fraction: the number of probes says they are two events
    lone = placed(
        panel(CHR9),
        ("P", "CDKN2A", "loss", "1", 1.0, 1.0, 0.8),
        ("P", "CDKN2B", "loss", "2", 1.0, 1.0, 0.8),
    )
    assert [interval.end - interval.start for (interval,) in lone] == [60, 60]
    # one copy less beside two copies less: the second loss ends between them
    nested = placed(
        panel(CHR9),
        ("P", "CDKN2A", "loss", "1-2", 1.0, 3.0, 0.8),
        ("P", "CDKN2A", "loss", "1-2", 1.0, 2.0, 0.8),
        ("P", "CDKN2B", "loss", "2", 1.0, 3.0, 0.8),
    )
    assert nested[0][0].end == 22_004_560
    assert nested[1] == (Interval("chr9", 21_971_000, 21_974_760, 0, 22_004_500, "probes"),)


def test_panels_without_positions_fall_back_on_exon_table_and_extent():
    sheet = panel([("IKZF1", str(n), "", "", "") for n in range(1, 9)] + [("ETV6", "1", "", "", "")])
    ikzf1, etv6, new = placed(
        sheet,
        ("P", "IKZF1", "loss", "4-7", 1.0, 4.0, 0.8),
        ("P", "ETV6", "loss", "1", 1.0, 1.0, 0.8),
        ("P", "NEW1", "loss", "1", 1.0, 1.0, 0.8),
    )
    assert ikzf1 == (Interval("chr7", 50_376_533, 50_391_863, 50_327_757, 50_399_918, "exon_table"),)
    assert etv6 == by_extent("ETV6")
    assert etv6[0].basis == "gene_extent"
    assert new == ()
    assert len(by_exons("IKZF1", "2,4-5", None)) == 2


def test_par1_has_two_copies_in_both_sexes_and_the_rest_of_x_is_not_known():
    for gene in ("SHOX", "CRLF2", "CSF2RA", "IL3RA", "P2RY8"):
        known = genes()[gene]
        assert known.chrom == "chrX"
        assert is_diploid(known.chrom, known.start, known.end)
    assert not is_diploid("chrX", 50_000_000, 50_000_100)
    assert is_diploid("chr7", 1, 2)


def test_contigs_are_those_of_both_builds():
    assert contigs("GRCh38")["chr7"].length == 159_345_973
    assert contigs("GRCh37")["chr7"].length == 159_138_663
    assert [len(contigs(build)) for build in ("GRCh38", "GRCh37")] == [24, 24]
    bioutils = pytest.importorskip("bioutils.assemblies")
    for build in ("GRCh38", "GRCh37"):
        known = {s["name"]: s for s in bioutils.get_assembly(build)["sequences"]}
        for contig in contigs(build).values():
            other = known[contig.names[1]]
            assert (contig.length, contig.refseq, contig.genbank) == (
                other["length"], other["refseq_ac"], other["genbank_ac"],
            )  # fmt: skip


# --- VRS -------------------------------------------------------------------------------------------------


def test_vrs_identifier_of_exons_4_to_7():
    pytest.importorskip("ga4gh.vrs")
    found = copy_number_change(by_exons("IKZF1", "4-7", None)[0], "loss")
    assert found["id"] == "ga4gh:CX.w0LN5lB9wm8rXF-BuGDNrz7zyNHRZrIM"
    assert found["copyChange"] == "loss"
    # inter-residue: the start lies between the end of exon 3 and the base before exon 4
    assert found["location"]["start"] == [50_327_757, 50_376_532]
    assert found["location"]["end"] == [50_391_863, 50_399_917]


def test_vrs_of_a_table_places_ikzf1_by_exons_whatever_the_probes():
    pytest.importorskip("ga4gh.vrs")
    sheet = panel([("IKZF1", str(n), "chr7", 50_300_000 + n * 10_000, 50_300_060 + n * 10_000)
                   for n in range(1, 9)] + CHR9)  # fmt: skip
    table = calls(
        ("P", "IKZF1", "loss", "4-7", 1.0, 4.0, 0.8), ("P", "IKZF1", "normal", "", np.nan, 8.0, np.nan),
        ("P", "CDKN2A", "gain", "1-2", -1.0, 2.0, 0.8), ("P", "ETV6", "loss", "1", 1.0, 2.0, 0.8),
    )  # fmt: skip
    found = copy_number_changes(table, sheet)
    assert found[0]["id"] == "ga4gh:CX.w0LN5lB9wm8rXF-BuGDNrz7zyNHRZrIM"
    assert found[1] is None
    assert found[2]["copyChange"] == "gain"
    assert found[2]["location"]["start"] == [None, 21_970_999]
    assert found[3] is None  # a gene's extent is not the event


def test_vrs_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ga4gh.vrs", None)
    with pytest.raises(MissingExtraError, match=r'ga4gh.vrs; install "mlpa-caller\[ga4gh\]"'):
        copy_number_change(Interval("chr7", 11, 12, 1, 20, "probes"), "loss")


# --- FHIR ------------------------------------------------------------------------------------------------


def test_observations_are_fhir_and_hold_codes_positions_and_copies(tmp_path):
    table = annotate_calls(
        calls(
            ("P 1", "IKZF1", "loss", "4-7", 1.0, 4.0, 0.8), ("P 1", "EBF1", "normal", "", np.nan, 4.0, np.nan),
            ("é", "IKZF1", "gain", "1-8", -1.0, 8.0, 0.8), ("é", "EBF1", "not_evaluable", "", np.nan, 4.0, np.nan),
            ("é", "ETV6", "loss", "1-2", 2.0, 2.0, 0.8),
        )
    )  # fmt: skip
    bundle = fhir_bundle(table)
    first, normal, gain, unknown, extent = (entry["resource"] for entry in bundle["entry"])
    assert first["specimen"] == {"display": "P 1"}
    components = {c["code"]["coding"][0]["code"]: c for c in first["component"]}
    assert set(components) == {
        "48018-6", "48019-4", "48002-0", "48004-6", "48005-3", "81290-9", "48013-7", "82155-3", "92822-6",
        "81302-2", "81301-4",
    }  # fmt: skip
    assert first["code"]["coding"][0]["code"] == "69548-6"
    assert components["82155-3"]["valueQuantity"]["value"] == 1
    assert components["81302-2"]["valueRange"] == {
        "low": {"value": 50_376_533},
        "high": {"value": 50_391_863},
    }
    assert components["81301-4"]["valueRange"] == {
        "low": {"value": 50_327_758},
        "high": {"value": 50_399_917},
    }
    assert components["48013-7"]["valueCodeableConcept"]["text"] == "NC_000007.14"
    answers = [r["valueCodeableConcept"]["coding"][0]["code"] for r in (first, normal, gain, unknown)]
    assert answers == ["LA9633-4", "LA9634-2", "LA9633-4", "LA18198-4"]
    assert "81302-2" not in {c["code"]["coding"][0]["code"] for c in extent["component"]}
    assert fhir_bundle(table) == bundle
    out = tmp_path / "calls.json"
    write_fhir(table, out)
    assert json.loads(out.read_text(encoding="utf-8")) == bundle


def test_observations_pass_fhir_resources():
    pytest.importorskip("fhir.resources")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own
        from fhir.resources.bundle import Bundle
        from fhir.resources.R4B.bundle import Bundle as BundleR4B
    rows = [
        (f"s{i}", "IKZF1", "loss", text, 1.0, 4.0, 0.8) for i, text in enumerate(("1-8", "4-7", "2,5", "x"))
    ]
    document = fhir_bundle(annotate_calls(calls(*rows)))
    for kind in (BundleR4B, Bundle):
        read = kind.model_validate_json(json.dumps(document))
        assert len(read.entry) == 4


def test_a_possible_germline_loss_is_not_called_somatic():
    table = annotate_calls(
        calls(
            ("P", "IKZF1", "loss", "4-7", 1.0, 0.9, 1.0),
            names="sample gene status exons copies_lost clone_fraction_low clone_fraction_high",
        ),
        blast_fraction={"P": 0.05},
    )
    components = fhir_bundle(table)["entry"][0]["resource"]["component"]
    origin = next(c for c in components if c["code"]["coding"][0]["code"] == "48002-0")
    assert origin["valueCodeableConcept"]["coding"][0]["display"] == "Unknown genomic origin"


def test_import_is_light():
    code = (
        "import sys, mlpa_caller.consequence.annotate, mlpa_caller.consequence.variants;"
        "print([m for m in ('pysam', 'pandas', 'scipy', 'pyarrow', 'ga4gh', 'fhir') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
