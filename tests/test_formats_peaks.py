"""Peak exports: the real files whole, and every layout that a header can have."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest

from mlpa_caller import formats
from mlpa_caller.datatypes import PeakTable
from mlpa_caller.errors import FormatError, SampleSheetError
from mlpa_caller.samplesheet import match_samples, samples_from_columns

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
needs_files = pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party files are not on this machine")


def peaks_in(tmp_path, text: str, name: str = "export.txt") -> PeakTable:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    found = formats.read(path)
    assert isinstance(found, PeakTable)
    assert found.source == str(path)
    n = len(found)
    for field in ("sample", "file", "dye", "height", "area", "data_point", "line", "size_error", "flags"):
        assert len(getattr(found, field)) == n
    return found


def rows_of(name: str, delimiter: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a real file with their lines, read without the package."""
    with open(SHARED / "tables" / name, newline="", encoding="ascii") as stream:
        records = list(csv.reader(stream, delimiter=delimiter))
    header = records[0]
    return [
        (line, dict(zip(header, record)) | dict.fromkeys(header[len(record) :], ""))
        for line, record in enumerate(records[1:], start=2)
    ]


def number(cell: str) -> float:
    return math.nan if cell in ("", "NA") else float(cell)


@needs_files
@pytest.mark.parametrize(
    ("name", "delimiter", "dye_peak", "file", "point", "n"),
    [
        ("genemapper5_peaks_3730xl.tsv", "\t", "Dye.Sample.Peak", "Sample.File.Name", "Data.Point", 1719),
        ("genemapper_peaks.csv", ",", "Dye/Sample Peak", "Sample File Name", "Data Point", 374),
    ],
)
def test_real_peak_tables_are_read_whole(name, delimiter, dye_peak, file, point, n):
    path = SHARED / "tables" / name
    found = formats.read(path)
    rows = rows_of(name, delimiter)
    assert formats.recognise(path) == found.format == "genemapper-peaks"
    assert len(found) == len(rows) == n
    assert found.line.tolist() == [line for line, _ in rows]
    assert found.file.tolist() == [row[file] for _, row in rows]
    assert found.dye.tolist() == [row[dye_peak].split(",")[0] for _, row in rows]
    for values, column in ((found.size, "Size"), (found.height, "Height"), (found.area, "Area")):
        np.testing.assert_array_equal(values, [number(row[column]) for _, row in rows])
    np.testing.assert_array_equal(found.data_point, [number(row[point]) for _, row in rows])
    assert set(found.sample) == {""}
    assert found.ladder_dye == ""


@needs_files
@pytest.mark.parametrize(
    ("name", "n", "injections"),
    [
        ("genemapper_genotypes_gmconvert.txt", 116, 24),
        ("genemapper_genotypes_polysat.txt", 65, 20),
        ("genemapper_genotypes_strvalidator.txt", 2498, 36),
    ],
)
def test_real_genotype_tables_are_read_whole(name, n, injections):
    path = SHARED / "tables" / name
    found = formats.read(path)
    assert formats.recognise(path) == found.format == "genemapper-genotypes"
    expected = []
    for line, row in rows_of(name, "\t"):
        for i in range(1, 21):
            cells = [
                row.get(key.replace("#", str(i))) or row.get(key.replace(" ", ".").replace("#", str(i))) or ""
                for key in ("Size #", "Height #", "Peak Area #", "Data Point #")
            ]
            if cells[0] not in ("", "NA"):
                sample = row.get("Sample Name", row.get("Sample.Name"))
                expected.append((line, sample, row.get("Sample File", ""), row["Dye"], *map(number, cells)))
    assert len(found) == len(expected) == n
    columns = list(zip(*expected))
    assert found.line.tolist() == list(columns[0])
    assert found.sample.tolist() == list(columns[1])
    assert found.file.tolist() == list(columns[2])
    assert found.dye.tolist() == list(columns[3])
    for values, wanted in zip((found.size, found.height, found.area, found.data_point), columns[4:]):
        np.testing.assert_array_equal(values, wanted)
    # a sample without any peak is not in a peak table: in the last file that is so for 2 of 38
    assert len(set(zip(found.sample, found.file))) == injections


@needs_files
def test_one_sample_name_on_many_real_files_is_ambiguous():
    found = formats.read(SHARED / "tables" / "genemapper_genotypes_gmconvert.txt")
    sheet = samples_from_columns({"sample": ["sample1", "sample2"], "role": ["patient", "reference"]})
    with pytest.raises(SampleSheetError, match=r"sample 'sample1' means \d+ injections of"):
        match_samples(sheet, found.sample, found.file)
    names = sorted({Path(file).stem for file in found.file})
    sheet = samples_from_columns({"sample": names, "role": ["patient"] * len(names)})
    index = match_samples(sheet, found.sample, found.file)
    assert sorted(np.concatenate(index)) == list(range(len(found)))
    for name, own in zip(names, index):
        assert {Path(file).stem for file in found.file[own]} == {name}


@needs_files
@pytest.mark.parametrize(
    "name", ["tables/rt_mlpa_design_GEP.conf", "tables/size_standards.csv", "mlpa/p002_brca1_probes.csv"]
)
def test_files_of_other_kinds_are_refused_with_what_was_looked_for(name):
    with pytest.raises(FormatError) as caught:
        formats.read(SHARED / name)
    message = str(caught.value)
    assert re.search(r":1: no known format fits its header '", message)
    for known in formats.formats():
        assert known.name in message
        assert known.looks_for in message


@needs_files
def test_a_raw_trace_is_recognised_and_is_no_table():
    path = SHARED / "traces" / "A1270.fsa"
    assert formats.recognise(path) == "abif-trace"
    with pytest.raises(FormatError, match="is a raw trace, not a table"):
        formats.read(path)


def test_genemapper_layouts_mean_the_same(tmp_path):
    plain = (
        "Dye/Sample Peak\tSample File Name\tMarker\tAllele\tSize\tHeight\tArea\tData Point\t\n"
        '"B,1"\t007.fsa\t\t\t\t190\t1769\t662\t\n'
        '"B,2"\t007.fsa\tM\tOL\t226.1\t4208\t14188\t1264\t\n'
        '"R,1*"\t1e5.fsa\t\t\t50\t333\t1000\t700\t\n'
    )
    short = "\n".join(
        "\t".join(cell for i, cell in enumerate(line.split("\t")) if i not in (2, 3))
        for line in plain.splitlines()
    )
    mangled = plain.replace("Dye/Sample Peak", "Dye.Sample.Peak").replace(
        "Sample File Name", "Sample.File.Name"
    )
    comma = plain.replace("\t", ",")
    for text in (plain, short + "\n", mangled, comma, plain.replace("\n", "\r\n"), plain.rstrip("\n")):
        found = peaks_in(tmp_path, text)
        assert found.format == "genemapper-peaks"
        assert found.file.tolist() == ["007.fsa", "007.fsa", "1e5.fsa"]
        assert found.dye.tolist() == ["B", "B", "R"]
        assert found.ladder_dye == "R"
        np.testing.assert_array_equal(found.size, [math.nan, 226.1, 50])
        np.testing.assert_array_equal(found.height, [190, 4208, 333])
        np.testing.assert_array_equal(found.area, [1769, 14188, 1000])
        np.testing.assert_array_equal(found.data_point, [662, 1264, 700])
        assert found.line.tolist() == [2, 3, 4]
        assert set(found.flags) == {""}
        assert np.isnan(found.size_error).all()


def test_decimal_commas_are_read_as_such(tmp_path):
    text = 'Dye/Sample Peak\tSample Name\tSize\tHeight\n"B,1"\tA\t226,1\t4208\n"B,2"\tA\t3,02\t12\n'
    np.testing.assert_array_equal(peaks_in(tmp_path, text).size, [226.1, 3.02])
    with pytest.raises(FormatError, match=r":3: '1,234' in column 'height' may be 1\.234 or 1234"):
        peaks_in(tmp_path, text.replace("226,1", "226").replace("3,02", "3").replace("\t12\n", "\t1,234\n"))


def test_genotype_columns_in_any_order_and_number(tmp_path):
    found = peaks_in(
        tmp_path,
        "Size 10,Height 2,Sample Name,Size 2,Allele 2,Height 10,Dye,Marker\n"
        "300.5,7,A,100.1,X,9,B,m1\n"
        ",,A,200,OL,,G,m2\n"
        ",NA,B,,?,,Y,m3\n",
    )
    assert found.format == "genemapper-genotypes"
    np.testing.assert_array_equal(found.size, [100.1, 300.5, 200])
    np.testing.assert_array_equal(found.height, [7, 9, math.nan])
    assert np.isnan(found.area).all()
    assert found.line.tolist() == [2, 2, 3]
    assert found.dye.tolist() == ["B", "B", "G"]
    assert found.sample.tolist() == ["A", "A", "A"]  # B has no peak


# Header of a Peak Scanner 2 export, as the software writes it.
LEGACY = (
    "Status\tSample Name\tSample Type\tSize Standard\tAnalysis Method\tSQI\tOffscale\tQuality\tUD1\tUD2\tUD3"
    "\tDye/Sample Peak\tSample File Name\tSize\tHeight\tArea in Point\tArea in BP\tData Point\tBegin Point\t"
    "Begin BP\tEnd Point\tEnd BP\tWidth in Point\tWidth in BP\tUser Comments\tUser Edit\n"
)


def test_peak_scanner_legacy(tmp_path):
    row = "Analyzed\tS 1\tSample\tGS500\tDefault\tfalse\tPass\tPass\t\t\t\t"
    found = peaks_in(
        tmp_path,
        LEGACY
        + row
        + '"B, 1"\tA01.fsa\t\t190\t1769\t0\t662\t639\t-1.0\t671\t-1.0\t8\t0.0\t\t\n'
        + row
        + '"R, 10"\tA01.fsa\t101.9437\t68\t564\t54\t1879\t1866\t100.68\t1881\t102.1\t5\t0.5641\t\t\n',
    )
    assert found.format == "peakscanner"
    assert found.sample.tolist() == ["S 1", "S 1"]
    assert found.file.tolist() == ["A01.fsa", "A01.fsa"]
    assert found.dye.tolist() == ["B", "R"]
    np.testing.assert_array_equal(found.size, [math.nan, 101.9437])
    np.testing.assert_array_equal(found.height, [190, 68])
    np.testing.assert_array_equal(found.area, [1769, 564])  # in points, as GeneMapper's
    np.testing.assert_array_equal(found.data_point, [662, 1879])


def test_peak_scanner_cloud(tmp_path):
    found = peaks_in(
        tmp_path,
        'Sample File Name,Dye Color,"Dye , Sample Peak",Size,Height,Area(Data Point),Area(Base Pairs),'
        "Data Point\n"
        'a.fsa,Blue,"B , 1",120.5,700,5000,600,1500\n',
    )
    assert (found.format, found.file[0], found.dye[0]) == ("peakscanner-cloud", "a.fsa", "B")
    assert (found.size[0], found.height[0], found.area[0], found.data_point[0]) == (120.5, 700, 5000, 1500)
    found = peaks_in(tmp_path, "Sample Filename,Dye Color,Size,Height\na.fsa,Blue,120.5,700\n")
    assert (found.format, found.dye[0]) == ("peakscanner-cloud", "Blue")


@pytest.mark.parametrize(
    "header",
    [
        "Sample Name\tDye\tPk\tMigration/RT\tEst Frag Size\tPk Height\tPk Area",
        "Sample Name\tDye\tPk #\tMigration Time\tSize (nt)\tPk Height (rfu)\tPk Area (rfu x mm)",
        "Sample\tDye\tPeak number\tMigration Time\tFrag Size (nt)\tHeight\tArea",
    ],
)
def test_gexp_fragment_lists(tmp_path, header):
    found = peaks_in(tmp_path, header + "\n42\tD4\t1\t22.5\t130.42\t5012\t8000\n")
    assert (found.format, found.sample[0], found.dye[0]) == ("gexp-fragments", "42", "D4")
    assert (found.size[0], found.height[0], found.area[0]) == (130.42, 5012, 8000)
    assert math.isnan(found.data_point[0])  # a migration time is no scan number


def test_generic_peak_table(tmp_path):
    found = peaks_in(tmp_path, "sample,dye,size,height\nNA,B,130.5,200\n=x,B,NaN,inf\n")
    assert found.format == "peaks"
    assert found.sample.tolist() == ["NA", "=x"]
    np.testing.assert_array_equal(found.size, [130.5, math.nan])
    np.testing.assert_array_equal(found.height, [200, math.nan])  # infinity never is a height
    assert peaks_in(tmp_path, "Sample;Size;Height;Area\na;1,5;2;3\n").size[0] == 1.5


def test_only_content_tells_the_format(tmp_path):
    for name in ("x.csv", "x.fsa", "x.parquet", "x"):
        assert peaks_in(tmp_path, "sample,dye,size,height\na,B,1,2\n", name).format == "peaks"


def test_the_unverified_formats_say_so():
    unverified = {known.name for known in formats.formats() if not known.verified}
    assert unverified == {"peakscanner-cloud", "gexp-fragments"}
    for known in formats.formats():
        assert ("unverified" in known.description) is not known.verified


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sample,dye,size,height\na,B,OL,2\n", ":2: column 'size' holds 'OL' where a number belongs"),
        ("sample,dye,size,height\na,B,1,2\n ,B,1,2\n", ":3: the row names no sample and no file"),
        ('sample,size,height\n"a\nb",1,2\n', ":2: sample 'a\\\\nb' holds a control character"),
        (
            'Dye/Sample Peak,Sample Name,Size,Height\n"B,1",A,1,2\n"B,1",B,1,2\n"B,1",A,1,2\n',
            ":4: peak 'B,1' of 'A' stands also in line 2, so two injections have one name",
        ),
        ("sample,dye,size,height\na,B,1,2\nsample,dye,size,height\n", ":3: column 'size' holds 'size'"),
        ("sample,dye,size,height\na,B,1\n", ":2: the row has 3 fields where the header has 4"),
        ("Sample Name,Size 1,Height 1,size.1\na,1,2,3\n", ":1: peak 1 has two columns for its size"),
        ("sample,size,Size,height\na,1,2,3\n", ":1: columns 'size' and 'Size' mean the same"),
        ("Dye,Size,Height\nB,1,2\n", ":1: no known format fits its header 'Dye, Size, Height'"),
        ("Sample Name,Dye,Dye Color,Size,Pk Height,Height\nA,B,C,1,2,3\n", None),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path, text, words):
    if words is None:
        assert peaks_in(tmp_path, text).format == "peakscanner-cloud"
        return
    with pytest.raises(FormatError, match=re.escape(words).replace(re.escape("\\\\"), r"\\")):
        peaks_in(tmp_path, text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x1f\x8b\x08\x00", "is compressed"),
        (b"PK\x03\x04rest", "is a zip archive or a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1", "is an old spreadsheet"),
        (b"%PDF-1.4", "is a PDF"),
        (b"  <html>", "is HTML or XML"),
        (b"PAR1 and then nothing", "is a damaged Parquet file"),
        (b"PAR1", "is a damaged Parquet file"),
    ],
)
def test_other_containers_are_named(tmp_path, data, words):
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    for read in (formats.read, formats.recognise):
        with pytest.raises(FormatError, match=words):
            read(path)


def test_no_header_fits_two_formats(tmp_path):
    """Every known layout fits one format only; a table that fits two says so."""
    headers = [
        "Dye/Sample Peak,Sample File Name,Marker,Allele,Size,Height,Area,Data Point",
        "Dye.Sample.Peak,Sample.Name,Size,Height",
        "Sample File,Sample Name,Marker,Dye,Allele 1,Size 1,Height 1,Peak Area 1,Data Point 1",
        LEGACY.strip().replace("\t", ","),
        'Sample File Name,Dye Color,"Dye , Sample Peak",Size,Height,Area(Data Point)',
        "Sample Name,Dye,Pk,Est Frag Size,Pk Height,Pk Area",
        "sample,dye,size,height,area",
        "sample,probe,height",
        "sample,probe,size,height,run",
        "sample,run,IKZF1-e01,REF-2a",
    ]
    for header in headers:
        path = tmp_path / "x.csv"
        path.write_text(header + "\n", encoding="utf-8")
        name = formats.recognise(path)
        from mlpa_caller.formats.peaks import plain_names

        assert [known.name for known in formats.formats() if known.fits(plain_names(header.split(",")))] == [
            name
        ]
