"""Probe sheets: what is refused, and how genes and exons are ordered and joined."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller.errors import PanelError
from mlpa_caller.panel import (
    JOIN_DISTANCE,
    MIN_REFERENCE_PROBES,
    bundled_panels,
    load_panel,
    panel_from_bytes,
    panel_from_columns,
    panel_from_frame,
)

FACTS = Path(__file__).resolve().parents[1].parent / "shared" / "facts" / "ikzf1"
HEADER = "probe,length_nt,gene,exon,role,chrom,start,end,region"
REFERENCES = [f"ref {i},{400 + 6 * i},,,reference,,,,\n" for i in range(5)]


def sheet(*rows: str, references=REFERENCES, header: str = HEADER) -> bytes:
    return (header + "\n" + "".join(row + "\n" for row in rows) + "".join(references)).encode()


def panel(*rows: str, **options):
    return panel_from_bytes(sheet(*rows, **options), "test", "sheet.csv")


def units(region):
    return list(zip(region.unit_gene, region.unit_label))


def test_columns_are_kept():
    found = panel_from_bytes(
        sheet("007,100.5,IKZF1,1A,target,7,10,20,,note 1", "1e5,107,,,sex_x,CHRx,,,, ",
              header=HEADER + ",comment", references=[row[:-1] + ",\n" for row in REFERENCES]),
        "mine", "sheet.csv",
    )  # fmt: skip
    assert (found.name, found.source) == ("mine", "sheet.csv")
    assert found.probes[:3] == ("007", "1e5", "ref 0")
    assert found.length[:2].tolist() == [100.5, 107]
    assert found.gene[:2].tolist() == ["IKZF1", ""]
    assert found.role[:3].tolist() == ["target", "sex_x", "reference"]
    assert found.chrom[:3].tolist() == ["chr7", "chrX", ""]
    assert (found.start[0], found.end[0], found.start[2], found.end[2]) == (10, 20, 0, 0)
    assert found.extra["comment"][:2].tolist() == ["note 1", " "]
    assert list(found.extra) == ["comment"]
    assert found.genes == ("IKZF1",)
    assert found.is_role("sex_x", "sex_y").tolist() == [False, True] + [False] * 5
    assert len(found) == 7
    assert len(found.sha256) == 64


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_delimiters_encodings_and_header_case(mark):
    text = sheet("a,100,G,1,target,,,,").decode().replace(",", mark)
    for data in (text.encode(), text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode(),
                 text.replace("\n", "\r\n").encode(), text.replace("probe", " Probe").encode()):  # fmt: skip
        assert panel_from_bytes(data, "test", "sheet.csv").probes[0] == "a"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a,100,G,1,target,,,,", "a,106,G,2,target,,,,"], ":3: probe 'a' stands also in line 2"),
        (["a,100,G,1,target,,,,", "b,100.0,G,2,target,,,,"],
         ":3: length 100 nt is also that of probe 'a' in line 2"),
        (["a,100,G,1,tarhet,,,,"], ":2: unknown role 'tarhet'; use one of target, reference, quantity"),
        (["a,100,G,1,,,,,"], ":2: the probe has no role"),
        (["a,39.9,G,1,target,,,,"], ":2: length_nt 39.9 is outside 40-700 nt"),
        (["a,700.5,G,1,target,,,,"], ":2: length_nt 700.5 is outside 40-700 nt"),
        (["a,-100,G,1,target,,,,"], ":2: length_nt -100 is outside"),
        (["a,x,G,1,target,,,,"], ":2: length_nt is 'x', not a number"),
        (["a,,G,1,target,,,,"], ":2: length_nt is '', not a number"),
        (["a,nan,G,1,target,,,,"], ":2: length_nt is 'nan', not a number"),
        (["a,inf,G,1,target,,,,"], ":2: length_nt is 'inf', not a number"),
        (["a,1_00,G,1,target,,,,"], ":2: length_nt is '1_00', not a number"),
        (['a,"100,5",G,1,target,,,,'], ":2: length_nt is '100,5', not a number"),
        ([",100,G,1,target,,,,"], ":2: the probe has no name"),
        (['"a\nb",100,G,1,target,,,,'], ":2: probe 'a\\nb' holds a control character"),
        (["a,100,,1,target,,,,"], ":2: target probe 'a' has no gene"),
        (["a,100,G,1,target,chr23,1,2,"], ":2: chrom 'chr23' is no human chromosome"),
        (["a,100,G,1,target,7p12,1,2,"], ":2: chrom '7p12' is no human chromosome"),
        (["a,100,G,1,target,7,20,10,"], ":2: start 20 lies behind end 10; exchange them"),
        (["a,100,G,1,target,7,20,,"], ":2: chrom, start and end are given in part"),
        (["a,100,G,1,target,,20,30,"], ":2: chrom, start and end are given in part"),
        (["a,100,G,1,target,7,x,30,"], ":2: start is 'x', not a position"),
        (["a,100,G,1,target,7,0,30,"], ":2: start is '0', not a position"),
        (["a,100,G,1,target,7,1.5,30,"], ":2: start is '1.5', not a position"),
        (["a,100,G,1,target,7,1,1e12,"], ":2: end is '1e12', not a position"),
        (["a,100,G,1,target,7,1,2,", "b,106,G,2,target,8,1,2,"],
         ":3: gene 'G' has chromosome 'chr8', but 'chr7' in line 2"),
        (["a,100,G,1,target,7,1,2,r", "b,106,H,2,target,8,1,2,r"],
         ":3: region 'r' has chromosome 'chr8', but 'chr7' in line 2"),
        (["a,100,G,1,target,,,,r", "b,106,G,2,target,,,,s"],
         ":3: gene 'G' has region 's', but 'r' in line 2"),
        (["a,100,G,1,target,,,"], ":2: the row has 8 fields where the header has 9"),
    ],
)  # fmt: skip
def test_rows_that_are_refused(rows, words):
    with pytest.raises(PanelError) as caught:
        panel(*rows)
    assert str(caught.value).startswith("sheet.csv" + words), str(caught.value)
    assert caught.value.remedy


def test_sheets_that_are_refused():
    target = "a,100,G,1,target,,,,"
    with pytest.raises(PanelError, match="has 4 reference probes where at least 5 are needed"):
        panel(target, references=REFERENCES[: MIN_REFERENCE_PROBES - 1])
    for column in ("probe", "length_nt", "gene", "exon", "role"):
        with pytest.raises(PanelError, match=f"^sheet.csv:1: has no column {column} "):
            panel(target, header=HEADER.replace(column, "x"))
    with pytest.raises(PanelError, match=r"sheet.csv:1: column 'probe' stands twice"):
        panel(target + ",", header=HEADER + ",probe", references=[r[:-1] + ",\n" for r in REFERENCES])
    with pytest.raises(PanelError, match=r"sheet.csv:1: column probe stands twice"):
        panel(target + ",", header=HEADER + ",Probe", references=[r[:-1] + ",\n" for r in REFERENCES])
    for data, words in (
        (b"", "sheet.csv: is empty"),
        (HEADER.encode() + b"\n", "sheet.csv:1: has a header but no rows"),
        (b"probe" + b",x" * 100_000, "sheet.csv:1: has 100001 columns where at most 5000 are read"),
        (sheet(target).replace(b"G", b"\x00"), "sheet.csv:2: contains NUL bytes"),
        (sheet(target).replace(b"G", b"\x81"), "sheet.csv:2: is neither UTF-8 nor Western European text"),
        (sheet(target).decode().encode("utf-16-le"), "sheet.csv:1: contains NUL bytes"),
    ):
        with pytest.raises(PanelError) as caught:
            panel_from_bytes(data, "test", "sheet.csv")
        assert str(caught.value).startswith(words)


def test_two_dyes_may_share_a_length():
    header = HEADER + ",dye"
    references = [row[:-1] + ",FAM\n" for row in REFERENCES]
    rows = ["a,100,G,1,target,,,,,FAM", "b,100,G,2,target,,,,,VIC"]
    assert panel(*rows, header=header, references=references).dye[:2].tolist() == ["FAM", "VIC"]


def test_limits_are_inclusive():
    assert panel("a,40,G,1,target,,,,", "b,700,G,2,target,,,,").length[:2].tolist() == [40, 700]


def test_exons_of_one_gene_stand_in_natural_order():
    labels = ["10", "1B", "11-2", "2", "1A", "11-1"]
    rows = [f"p{i},{100 + 6 * i},G,{label},target,,,," for i, label in enumerate(labels)]
    (region,) = panel(*rows).regions
    assert region.unit_label == ("1A", "1B", "2", "10", "11-1", "11-2")
    assert region.probes.tolist() == [4, 1, 3, 0, 5, 2]
    assert region.unit.tolist() == list(range(6))
    assert (region.name, region.genes, set(region.unit_gene)) == ("G", ("G",), {"G"})
    # exon numbers go before positions: on the reverse strand exon 1 lies last
    rows = [f"p{i},{100 + 6 * i},G,{i + 1},target,9,{900 - i},{900 - i}," for i in range(3)]
    assert panel(*rows).regions[0].unit_label == ("1", "2", "3")


def test_probes_of_one_exon_are_one_unit():
    rows = ["c,100,G,2,target,9,50,60,", "a,106,G,1,target,9,10,20,", "b,112,G,2,target,9,40,45,"]
    (region,) = panel(*rows).regions
    assert region.unit_label == ("1", "2")
    assert region.probes.tolist() == [1, 2, 0]  # within the exon by position
    assert region.unit.tolist() == [0, 1, 1]


def test_probes_without_exon_are_their_own_units():
    rows = ["x,100,G,,target,9,500,510,", "y,106,G,,target,9,10,20,", "z,112,G,3,target,9,50,60,"]
    (region,) = panel(*rows).regions
    assert region.unit_label == ("y", "3", "x")  # not every probe has an exon: by position
    rows = ["x,100,G,,target,,,,", "y,106,G,,target,9,10,20,", "z,112,G,3,target,9,50,60,"]
    (region,) = panel(*rows).regions
    assert region.unit_label == ("x", "y", "3")  # nor a position: as in the sheet
    # an exon label and a probe's name that read alike stay two units
    (region,) = panel("1,100,G,,target,,,,", "y,106,G,1,target,,,,").regions
    assert units(region) == [("G", "1"), ("G", "1")]
    assert region.unit.tolist() == [0, 1]


def test_neighbouring_genes_are_one_region_in_genomic_order():
    far = 2 * JOIN_DISTANCE
    rows = [
        "a2,100,A,2,target,chr9,1000,1010,",
        "a1,106,A,1,target,9,3000,3010,",
        "b1,112,B,1,target,CHR9,2000,2010,",
        f"c1,118,C,1,target,9,{3010 + JOIN_DISTANCE},{3020 + JOIN_DISTANCE},",  # just near enough
        f"d1,124,D,1,target,9,{3021 + far},{3030 + far},",  # one base pair too far
        "e1,130,E,1,target,8,2000,2010,",
    ]
    regions = panel(*rows).regions
    assert [region.name for region in regions] == ["A-B-C", "D", "E"]
    assert regions[0].genes == ("A", "B", "C")
    assert units(regions[0]) == [("A", "2"), ("B", "1"), ("A", "1"), ("C", "1")]
    assert regions[0].probes.tolist() == [0, 2, 1, 3]


def test_a_long_probe_reaches_over_others():
    rows = [
        f"a,100,A,1,target,9,1000,{5 * JOIN_DISTANCE},",
        "b,106,B,1,target,9,2000,2010,",
        f"c,112,C,1,target,9,{5 * JOIN_DISTANCE + 10},{5 * JOIN_DISTANCE + 20},",
    ]
    assert [region.genes for region in panel(*rows).regions] == [("A", "B", "C")]


def test_genes_of_one_region_without_positions_keep_the_order_of_the_sheet():
    rows = [
        "b2,100,B,2,target,,,,r",
        "a1,106,A,1,target,,,,r",
        "b1,112,B,1,target,,,,r",
        "c,118,C,1,target,,,,",
    ]
    regions = panel(*rows).regions
    assert [(region.name, region.genes) for region in regions] == [("r", ("B", "A")), ("C", ("C",))]
    assert units(regions[0]) == [("B", "1"), ("B", "2"), ("A", "1")]


def test_a_region_on_some_rows_only_still_joins():
    rows = [
        "a,100,A,1,target,9,10,20,r",
        "b,106,B,1,target,9,50000000,50000010,",
        "c,112,B,2,target,9,60000000,60000010,r",
    ]
    regions = panel(*rows).regions
    assert [region.genes for region in regions] == [("A", "B")]


def test_reference_probes_join_nothing():
    rows = [
        "a,100,A,1,target,9,1000,1010,",
        "r,106,,,reference,9,500000,500010,",
        "b,112,B,1,target,9,1400000,1400010,",
    ]
    assert [region.name for region in panel(*rows).regions] == ["A", "B"]


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_order_and_regions_do_not_depend_on_the_order_of_rows(data):
    """Whatever the panel: every target probe is in one region; positioned panels ignore the order of rows."""
    n = data.draw(st.integers(1, 8))
    rows = []
    for i in range(n):
        gene, start = data.draw(st.sampled_from("ABC")), data.draw(st.integers(1, 4_000_000))
        exon = data.draw(st.sampled_from(["1", "2", "10", "1A"]))
        rows.append(f"p{i},{100 + 6 * i},{gene},{exon},target,9,{start},{start + 50},")

    def shape(found):
        return {
            (
                region.genes,
                tuple(found.probes[i] for i in region.probes),
                tuple(region.unit),
                region.unit_label,
            )
            for region in found.regions
        }

    first = panel(*rows)
    members = list(itertools.chain.from_iterable(region.probes for region in first.regions))
    assert sorted(members) == list(range(n))
    for region in first.regions:
        assert (np.diff(region.unit) >= 0).all()
        assert set(region.unit) == set(range(len(region.unit_label)))
        for k, index in zip(region.unit, region.probes):
            assert (first.gene[index], first.exon[index]) == (region.unit_gene[k], region.unit_label[k])
    again = panel(*data.draw(st.permutations(rows)))
    starts = [row.split(",")[6] for row in rows]
    if len(set(starts)) == n:  # probes at one position keep the order of the sheet
        assert shape(first) == shape(again)


def test_from_columns_and_frames():
    pd = pytest.importorskip("pandas")
    columns = {
        "probe": ["a", "b", *"vwxyz"],
        "length_nt": ["100", "106", "200", "206", "212", "218", "224"],
        "gene": ["G", "G", *[""] * 5],
        "exon": ["1", "2", *[""] * 5],
        "role": ["target"] * 2 + ["reference"] * 5,
    }
    found = panel_from_columns(columns, "mine")
    assert (found.name, found.source, found.sha256) == ("mine", "mine", "")
    assert found.regions[0].unit_label == ("1", "2")
    frame = pd.DataFrame(columns).assign(length_nt=[100, 106, 200, 206, 212, 218, 224.5])
    frame["exon"] = [1.0, 2.0, *[np.nan] * 5]
    frame["start"] = pd.array([10, 20, *[None] * 5], dtype="Int64")
    frame["end"] = frame["start"]
    frame["chrom"] = [7, 7, *[None] * 5]
    found = panel_from_frame(frame, "mine")
    assert found.exon[:3].tolist() == ["1", "2", ""]
    assert found.chrom[:3].tolist() == ["chr7", "chr7", ""]
    assert found.length[-1] == 224.5
    assert found.start[:3].tolist() == [10, 20, 0]
    with pytest.raises(PanelError, match=r"^mine:2: length_nt is 'x', not a number"):
        panel_from_columns(columns | {"length_nt": ["100", "x", *columns["length_nt"][2:]]}, "mine")
    with pytest.raises(PanelError, match="differ in length"):
        panel_from_columns(columns | {"gene": ["G"]}, "mine")
    with pytest.raises(PanelError, match="has two columns of one name"):
        panel_from_frame(frame[["probe", "probe"]], "mine")
    with pytest.raises(PanelError, match="has no column probe, length_nt, gene, exon, role"):
        panel_from_columns({}, "mine")


def test_loading_by_name_and_path(tmp_path, monkeypatch):
    assert bundled_panels() == ("demo-synthetic",)
    path = tmp_path / "mine.csv"
    path.write_bytes(sheet("a,100,G,1,target,,,,"))
    found = load_panel(path)
    assert (found.name, found.source) == ("mine", str(path))
    assert load_panel(str(path)).sha256 == found.sha256
    with pytest.raises(
        PanelError, match=r"^nope: no such probe sheet and no bundled panel of this name; give a file"
    ):
        load_panel("nope")
    with pytest.raises(PanelError, match="no such file"):
        load_panel(tmp_path / "nope.csv")
    with pytest.raises(PanelError, match="is not a file"):
        load_panel(tmp_path)
    monkeypatch.chdir(tmp_path)
    path.rename("demo-synthetic")
    assert load_panel("demo-synthetic").name == "demo-synthetic"
    assert len(load_panel("demo-synthetic")) == 62
    assert len(load_panel("./demo-synthetic")) == 6


def test_the_demonstration_panel():
    found = load_panel("demo-synthetic")
    counts = {role: int(found.is_role(role).sum()) for role in dict.fromkeys(found.role)}
    assert counts == {
        "target": 40, "reference": 13, "quantity": 4, "denaturation": 2, "benchmark": 1, "sex_x": 1,
        "sex_y": 1,
    }  # fmt: skip
    by_name = {region.name: region for region in found.regions}
    assert by_name["IKZF1"].unit_label == tuple("12345678")
    assert by_name["9p21"].genes == ("CDKN2A", "CDKN2B")
    assert by_name["PAR1"].genes == ("SHOX", "CRLF2", "CSF2RA", "IL3RA", "P2RY8")
    mix = found.length[found.is_role("target", "reference")]
    assert np.diff(np.sort(mix)).min() >= 6
    for region in found.regions:  # neighbours on the chromosome are no neighbours on the capillary
        assert (np.abs(np.diff(found.length[region.probes])) > 12).all()
    assert all("synthetic" in text for text in found.extra["source"][found.is_role("target", "reference")])
    assert all(found.extra["confidence"])
    gained = {"chrX", "chr4", "chr6", "chr10", "chr14", "chr17", "chr18", "chr21"}
    n_gained = sum(chrom in gained for chrom in found.chrom[found.is_role("reference")])
    assert 1 <= n_gained <= 4
    everything = " ".join(itertools.chain(found.probes, *found.extra.values())).lower()
    assert not any(word in everything for word in ("salsa", "mrc", "holland", "p335", "p202"))


@pytest.mark.skipif(not FACTS.is_dir(), reason="the facts are not on this machine")
def test_the_demonstration_panel_lies_in_the_exons_it_names():
    exons = {}
    with open(FACTS / "panel_exons_grch38_mane.bed", encoding="ascii", newline="") as stream:
        for chrom, start, end, name, *_ in csv.reader(stream, delimiter="\t"):
            gene, exon = name.split("|")[0].split("_ex")
            exons[gene, exon] = (chrom, int(start) + 1, int(end))
    found = load_panel("demo-synthetic")
    for i in np.flatnonzero(found.is_role("target")):
        chrom, start, end = exons[found.gene[i], found.exon[i]]
        assert found.chrom[i] == chrom
        assert start <= found.start[i] <= found.end[i] <= end
