"""Signal tables, long and wide, in text and Parquet: every cell accounted for."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller import formats
from mlpa_caller.datatypes import Missing, Signals
from mlpa_caller.errors import FormatError, InputError
from mlpa_caller.formats.text import MAX_COLUMNS

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "mlpa"
needs_files = pytest.mark.skipif(not SHARED.is_dir(), reason="the third-party files are not on this machine")


def write(tmp_path, text: str, name: str = "signals.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def signals_in(tmp_path, text: str) -> Signals:
    found = formats.read(write(tmp_path, text))
    assert isinstance(found, Signals)
    check(found)
    return found


def check(found: Signals) -> None:
    """What every `Signals` promises."""
    shape = (len(found.samples), len(found.probes))
    for field in ("height", "missing", "size", "off_scale"):
        assert getattr(found, field).shape == shape
    for field in ("noise", "unassigned", "source"):
        assert getattr(found, field).shape == shape[:1]
    present = np.isfinite(found.height)
    assert ((found.missing == Missing.PRESENT) == present).all()
    assert (found.height[present] > 0).all()
    assert not found.off_scale.any()
    assert np.isnan(found.noise).all()
    assert (found.unassigned == 0).all()


def test_wide_table(tmp_path):
    found = signals_in(tmp_path, "sample,p 2,p10,p1\n007,10,20.5,30\n1e5,1,2,1e3\nNA,4,5,6\n=x,7,8,9\n")
    assert found.samples == ("007", "1e5", "NA", "=x")
    assert found.probes == ("p 2", "p10", "p1")
    np.testing.assert_array_equal(found.height[:2], [[10, 20.5, 30], [1, 2, 1000]])
    assert (found.missing == Missing.PRESENT).all()
    assert np.isnan(found.size).all()
    assert set(found.source) == {str(tmp_path / "signals.csv")}


def test_every_reason_for_a_missing_height(tmp_path):
    cells = ["", "NA", "n/a", "NaN", "inf", "-Infinity", "1e999", "0", "0.0", "-0", "-5", "12"]
    codes = [
        Missing.NO_VALUE, Missing.NO_VALUE, Missing.NO_VALUE, Missing.NOT_FINITE, Missing.NOT_FINITE,
        Missing.NOT_FINITE, Missing.NOT_FINITE, Missing.ZERO, Missing.ZERO, Missing.ZERO, Missing.NEGATIVE,
        Missing.PRESENT,
    ]  # fmt: skip
    header = "sample," + ",".join(f"p{i}" for i in range(len(cells)))
    wide = signals_in(tmp_path, f"{header}\nA,{','.join(cells)}\nB{',3' * len(cells)}\n")
    assert wide.missing[0].tolist() == codes
    assert wide.height[0, -1] == 12
    assert np.isnan(wide.height[0, :-1]).all()
    rows = "".join(f"A,p{i},{cell}\nB,p{i},3\n" for i, cell in enumerate(cells))
    long = signals_in(tmp_path, "sample,probe,height\n" + rows)
    assert long.missing[0].tolist() == codes
    # rows that are plain numbers take a faster way; it must say the same
    finite = [c for c in cells if c not in ("", "NA", "n/a")]
    fast = signals_in(
        tmp_path, "sample," + ",".join(f"p{c}" for c in finite) + "\nA," + ",".join(finite) + "\n"
    )
    assert fast.missing[0].tolist() == [codes[cells.index(c)] for c in finite]


def test_long_table(tmp_path):
    found = signals_in(
        tmp_path,
        "height\tprobe\tsample\tsize\n5\tx\tB\t100.5\n6\ty\tA\t\n7\ty\tB\tNA\n\t\t\t\n0\tx\tC\t101\n",
    )
    assert (found.samples, found.probes) == (("B", "A", "C"), ("x", "y"))
    np.testing.assert_array_equal(found.height, [[5, 7], [math.nan, 6], [math.nan, math.nan]])
    expected = [[0, 0], [Missing.NOT_IN_FILE, 0], [Missing.ZERO, Missing.NOT_IN_FILE]]
    assert found.missing.tolist() == expected
    np.testing.assert_array_equal(found.size, [[100.5, math.nan], [math.nan] * 2, [math.nan] * 2])


def test_decimal_commas(tmp_path):
    found = signals_in(tmp_path, "sample;a;b\nS;1234,5;2\nT;3,25;4\n")
    np.testing.assert_array_equal(found.height, [[1234.5, 2], [3.25, 4]])
    found = signals_in(tmp_path, "sample\ta\tb\nS\t1234.5\t2\nT\t1,500\t4\n")
    np.testing.assert_array_equal(found.height, [[1234.5, 2], [1500, 4]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sample,a,b\nS,1,x\n", ":2: sample 'S' has 'x' for probe 'b' where a height belongs"),
        ("sample,a,b\nS,1,2\nT,1_0,2\n", ":3: sample 'T' has '1_0' for probe 'a'"),
        ("sample,a,b\nS,1,１\n", ":2: sample 'S' has '１' for probe 'b'"),
        ("sample,a,b\nS,1,2\n\nS,3,4\n", ":4: sample 'S' stands also in line 2"),
        ("sample,a,b\n ,1,2\n", ":2: ' ' is no sample name"),
        ('sample,a\n"S\n1",1\n', ":2: 'S\\n1' is no sample name"),
        ("sample,role,sex\nS,patient,F\n", ":1: column 'role' is no probe; move it to the sample sheet"),
        ("sample,Replicate,a\nS,1,2\n", ":1: column 'Replicate' is no probe"),
        ("sample,run\nS,1\n", ":1: has no column for a probe"),
        ('sample,"a\nb"\nS,1\n', ":1: column 'a\\nb' holds a control character"),
        ("sample,a\nS,1\nT\n", ":3: the row has 1 fields where the header has 2"),
        ("sample;a;b\nS;1,234;500\n", ":2: '1,234' in column 'height' may be 1.234 or 1234"),
        ("sample,a,b\nS,845,12.345\n", ":2: '12.345' in column 'height' may be 12.345 or 12345"),
        ("sample;a;b\nS;1,5;2.25\n", ":2: mixes decimal commas"),
        ("sample,probe,height\nS,a,1\nS,a,1\n", ":3: sample 'S', probe 'a' stands also in line 2"),
        ("sample,probe,height\nS,,1\n", ":2: '' is no probe name"),
        ("sample,probe,height\n,a,1\n", ":2: '' is no sample name"),
        ("sample,probe,height\nS,a,x\n", ":2: column 'height' holds 'x' where a number belongs"),
        ("sample,probe\nS,a\n", ":1: no known format fits"),
        ("sample" + ",p" * (MAX_COLUMNS * 20) + "\n", ":1: has 100001 columns where at most 5000 are read"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        formats.read(path)
    assert str(caught.value).startswith(f"{path}{words}"), str(caught.value)


def test_runs(tmp_path):
    wide = write(tmp_path, "sample,run,a\nS,r2,1\nT,r1,2\nS,r1,3\n")
    runs = formats.read_runs(wide)
    assert list(runs) == ["r2", "r1"]
    assert runs["r1"].samples == ("T", "S")
    assert runs["r1"].height.tolist() == [[2], [3]]
    with pytest.raises(FormatError, match=r"holds 2 runs \('r2', 'r1'\); use the command batch"):
        formats.read(wide)
    with pytest.raises(FormatError, match=":4: sample 'S' stands also in line 2"):
        formats.read(write(tmp_path, "sample,run,a\nS,r,1\nT,r,2\nS,r,3\n"))
    one = formats.read(write(tmp_path, "sample,run,a\nS,r,1\n"))
    assert one.probes == ("a",)
    long = formats.read_runs(write(tmp_path, "sample,probe,height,run\nS,a,1,x\nS,a,2,y\nT,b,3,y\n"))
    assert {run: part.samples for run, part in long.items()} == {"x": ("S",), "y": ("S", "T")}
    assert long["y"].probes == ("a", "b")
    assert long["y"].height[0, 0] == 2
    assert long["y"].missing.tolist() == [[0, Missing.NOT_IN_FILE], [Missing.NOT_IN_FILE, 0]]


def test_align_brings_probes_to_the_panel(tmp_path):
    found = signals_in(tmp_path, "sample,c,a\nS,3,1\nT,0,2\n")
    aligned = formats.align(found, ("a", "b", "c"))
    check(aligned)
    assert aligned.probes == ("a", "b", "c")
    np.testing.assert_array_equal(aligned.height, [[1, math.nan, 3], [2, math.nan, math.nan]])
    absent = Missing.NOT_IN_FILE
    assert aligned.missing.tolist() == [[0, absent, 0], [0, absent, Missing.ZERO]]
    assert found.height.tolist()[0] == [3, 1]  # the argument is left as it was
    with pytest.raises(InputError, match="1 columns or probes are not on the panel: 'c'; name them"):
        formats.align(found, ("a", "b"))
    with pytest.raises(InputError, match=r"none of its 2 probes is on the panel \(for instance 'c'\)"):
        formats.align(found, ("x", "y"))


def test_parquet(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "signals.csv"  # the name does not matter

    def store(**columns):
        parquet.write_table(pa.table(columns), path)
        return path

    found = formats.read(
        store(
            sample=["007", "NA", "x"],
            run=["r", "r", "r"],
            a=[1.5, None, math.nan],
            b=pa.array([1, 0, -3], pa.int32()),
            c=["1.5", "", "NA"],
            d=pa.nulls(3),
            e=pa.array([1, 2, None]).cast(pa.decimal128(22, 2)),
        )
    )
    check(found)
    assert formats.recognise(path) == "signals-wide"
    assert (found.samples, found.probes) == (("007", "NA", "x"), ("a", "b", "c", "d", "e"))
    empty = Missing.NO_VALUE
    assert found.missing.tolist() == [
        [0, 0, 0, empty, 0],
        [empty, Missing.ZERO, empty, empty, 0],
        [Missing.NOT_FINITE, Missing.NEGATIVE, empty, empty, empty],
    ]
    assert found.height[0].tolist()[:3] == [1.5, 1, 1.5]
    assert formats.read(store(sample=[7, 8], a=[1, 2])).samples == ("7", "8")
    coded = pa.array(["u", "v"]).dictionary_encode()
    assert formats.read(store(sample=coded, a=[1, 2])).samples == ("u", "v")
    long = formats.read(store(sample=["A", "A"], probe=["p", "q"], height=[1.0, 0.0], size=[100.5, 101]))
    assert formats.recognise(path) == "signals-long"
    assert long.missing.tolist() == [[0, Missing.ZERO]]
    assert long.size[0, 0] == 100.5
    for columns, words in (
        ({"sample": [1.5], "a": [1]}, "column 'sample' is of type double, and names are text"),
        ({"sample": ["A"], "a": [True]}, "column 'a' is of type bool where heights belong"),
        ({"sample": ["A"], "a": ["x"]}, ":1: column 'a' holds 'x' where a number belongs"),
        ({"sample": ["A", "A"], "a": [1, 2]}, ":2: sample 'A' stands also in line 1"),
        ({"sample": ["A", None], "a": [1, 2]}, ":2: '' is no sample name"),
        ({"sample": pa.array([], pa.string()), "a": pa.array([], pa.float64())}, "has no rows"),
        (
            {"sample": ["A"], "dye": ["B"], "size": [1], "height": [2]},
            "only signal tables are read from Parquet",
        ),
        ({"x": ["A"], "a": [1]}, "no known format fits its header 'x, a'"),
        ({"sample": ["A"], "role": ["patient"]}, "column 'role' is no probe"),
    ):
        with pytest.raises(FormatError) as caught:
            formats.read(store(**columns))
        assert words in str(caught.value)
    data = store(sample=["A"], a=[1.0]).read_bytes()
    path.write_bytes(data[:-20])
    with pytest.raises(FormatError, match="is a damaged Parquet file"):
        formats.read(path)


def test_a_pandas_index_is_no_probe(tmp_path):
    pd = pytest.importorskip("pandas")
    path = tmp_path / "x.parquet"
    frame = pd.DataFrame({"sample": ["A", "B"], "p": [1.0, 2.0]}, index=[5, 9])
    frame.to_parquet(path)
    assert formats.read(path).probes == ("p",)


def test_text_and_parquet_agree(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    random = np.random.default_rng(7)
    height = np.round(random.lognormal(7, 1, (40, 62)), 2)
    height[3, 4], height[5, 6], height[7, 8] = math.nan, 0, -1
    probes = [f"probe {j}" for j in range(62)]
    samples = [f"{i:03d}" for i in range(40)]
    parquet.write_table(
        pa.table({"sample": samples} | {name: height[:, j] for j, name in enumerate(probes)}), tmp_path / "w"
    )
    rows = "".join(f"{s},{','.join(repr(float(v)) for v in row)}\n" for s, row in zip(samples, height))
    wide = signals_in(tmp_path, f"sample,{','.join(probes)}\n{rows}")
    rows = "".join(
        f"{s},{p},{float(height[i, j])!r}\n" for j, p in enumerate(probes) for i, s in enumerate(samples)
    )
    long = signals_in(tmp_path, f"sample,probe,height\n{rows}")
    stored = formats.read(tmp_path / "w")
    for other in (long, stored):
        assert (other.samples, other.probes) == (wide.samples, wide.probes)
        np.testing.assert_array_equal(other.height, wide.height)
        np.testing.assert_array_equal(other.missing, wide.missing)


@needs_files
@pytest.mark.parametrize(
    ("name", "label", "extra", "n"),
    [
        ("p002_brca1_controls.tsv", "id", "replicate", 5),
        ("p002_brca1_cases.tsv", "id", "replicate", 10),
        ("validation16_controls.tsv", "Sample", "Replica", 60),
        ("validation16_cases.tsv", "Sample", "Replica", 27),
    ],
)
def test_real_mlpa_tables_as_wide_tables(tmp_path, name, label, extra, n):
    """Sample and replicate become one name; every height is that of the file."""
    with open(SHARED / name, newline="", encoding="latin-1") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    probes = [key for key in rows[0] if key not in (label, extra)]
    samples = [f"{row[label]} {row[extra]}" for row in rows]
    lines = ["\t".join([sample, *(row[p] for p in probes)]) for sample, row in zip(samples, rows)]
    found = signals_in(tmp_path, "\n".join(["\t".join(["sample", *probes]), *lines]) + "\n")
    assert found.samples == tuple(samples)
    assert len(samples) == len(set(samples)) == n
    assert found.probes == tuple(probes)
    np.testing.assert_array_equal(found.height, [[float(row[p]) for p in probes] for row in rows])
    # as the file stands it is refused: replicates are not merged or numbered silently
    with pytest.raises(FormatError, match=r"no known format fits|column 'Replica' is no probe"):
        formats.read(SHARED / name)


names = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8).filter(
    lambda name: name.strip() == name
)
heights = st.one_of(
    st.floats(0.01, 1e7).map(repr),
    st.sampled_from(["", "NA", "0", "-3", "nan", "inf"]),
    st.integers(1, 99999).map(str),
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_names_and_numbers_survive(tmp_path_factory, data):
    """Whatever the names, a wide table gives them back unchanged, with every positive height."""
    reserved = {"sample", "run", "probe", "height", "size", "dye", "role", "sex", "blast_fraction", "file"}

    def is_free(name):
        return not set(name.lower().split()) & (reserved | {"replicate", "replica"}) and name[0].isalnum()

    probes = data.draw(st.lists(names.filter(is_free), min_size=1, max_size=4, unique_by=str.lower))
    samples = data.draw(st.lists(names, min_size=1, max_size=4, unique=True))
    cells = [[data.draw(heights) for _ in probes] for _ in samples]
    path = tmp_path_factory.mktemp("wide") / "w.csv"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sample", *probes])
        writer.writerows([sample, *row] for sample, row in zip(samples, cells))
    try:
        found = formats.read(path)
    except FormatError as error:
        problem = str(error)
    else:
        problem = ""
    if problem:  # three decimals beside short whole numbers fit two readings
        assert "may be" in problem
        return
    check(found)
    assert found.samples == tuple(samples)
    assert found.probes == tuple(probes)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            number = float(cell) if cell not in ("", "NA") else math.nan
            assert found.height[i, j] == number or not (0 < number < math.inf)
