"""Somatic consequence of exon losses: the 36 contiguous ranges, any other set, both alleles."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpa_caller.consequence.alleles import Loss, both_alleles, settle
from mlpa_caller.consequence.annotate import ADDITIONS, CALLS_TSV_ADDITIONS, annotate_calls
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.exon_text import exon_numbers, exon_text, parse_exons, renumber, runs
from mlpa_caller.consequence.possible_germline import possible_germline
from mlpa_caller.consequence.reading import gain_reading, loss_reading
from mlpa_caller.consequence.somatic import allele_loss
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError, MlpaError, UsageError

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1] / "shared" / "facts" / "ikzf1"
ALL = tuple(range(1, 9))
WORDS = {"null": "loss_of_function", "dominant_negative": "dominant_negative", "uncertain": "uncertain"}
with open(HERE / "data" / "ikzf1_deletions.csv", encoding="utf-8", newline="") as stream:
    GOLDEN = list(csv.DictReader(stream))
"""Every contiguous range of the eight exons, worked out by hand from NM_006060.6 with another program."""


def calls(*rows, names="sample gene status exons copies_lost"):
    columns = list(zip(*rows, strict=True))
    return Table(
        {
            name: text_array(column) if isinstance(column[0], str) else np.array(column, dtype=float)
            for name, column in zip(names.split(), columns, strict=True)
        }
    )


def numbers(text):
    first, _, last = text.partition("-")
    return tuple(range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["exons"])
def test_each_contiguous_range_equals_the_golden_row(row):
    loss = allele_loss(numbers(row["exons"]))
    assert str(loss.coding_lost) == row["coding_nt_lost"]
    assert loss.frame == row["frame"]
    assert " ".join(loss.domains_lost) == row["zinc_fingers_lost"]
    assert " ".join(loss.domains_kept) == row["zinc_fingers_kept"]
    assert loss.somatic_class == row["somatic_class"]
    assert loss.evidence == row["evidence"]
    assert loss.hgvs_p == row["hgvs_p"]
    assert ("" if loss.protein_length is None else str(loss.protein_length)) == row["protein_length"]
    assert loss.source


def test_annotated_calls_hold_the_golden_names_on_both_builds():
    table = annotate_calls(
        calls(*((f"S{i}", "IKZF1", "loss", r["exons"], 1.0) for i, r in enumerate(GOLDEN)))
    )
    columns = table.columns
    assert len(GOLDEN) == 36
    for i, row in enumerate(GOLDEN):
        for name in ("hgvs", "hgvs_p", "hgvs_g38", "hgvs_g37", "frame", "evidence"):
            assert columns[name][i] == row[name], (row["exons"], name)
        assert columns["consequence"][i] == WORDS[row["somatic_class"]]
        assert columns["coding_nt_lost"][i] == float(row["coding_nt_lost"])
        assert columns["consequence_sentence"][i].startswith(
            f"Loss of IKZF1 exons {row['exons']} on one allele"
        )


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared facts are not on this machine")
def test_golden_rows_are_those_of_the_shared_table():
    with open(SHARED / "ikzf1_contiguous_deletions.csv", encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream))
    ours = [(r["exons"], r["hgvs"], r["hgvs_p"], r["hgvs_g38"], r["hgvs_g37"], r["frame"]) for r in GOLDEN]
    names = ("hgvs_c", "hgvs_p", "hgvs_g38", "hgvs_g37", "frame")
    assert ours == [(r["deletion"][1:], *(r[name] for name in names)) for r in facts]


@given(st.sets(st.integers(1, 8), min_size=1))
def test_any_set_of_exons_follows_the_exon_table(exons):
    chosen = tuple(sorted(exons))
    loss = allele_loss(chosen)
    model = transcript("ikzf1")
    assert loss.coding_lost == sum(model.exon(n).coding_length for n in chosen)
    assert set(loss.domains_lost) | set(loss.domains_kept) == {f"ZF{i}" for i in range(1, 7)}
    assert not set(loss.domains_lost) & set(loss.domains_kept)
    if 2 not in exons and 8 not in exons:
        assert loss.frame in ("in-frame", "non-coding")  # all junctions between exons 2 and 8 are phase 1
        assert loss.coding_lost % 3 == 0
    else:
        assert loss.somatic_class == "null"
    if exons == {1}:
        assert loss.somatic_class == "uncertain"
    if loss.somatic_class == "dominant_negative":
        kept = {"ZF1", "ZF2", "ZF3", "ZF4"} & set(loss.domains_kept)
        assert len(kept) < 3
        assert {"ZF5", "ZF6"} <= set(loss.domains_kept)
    assert (loss.evidence == "established") == (
        chosen in [numbers(text) for text in ("4-7", "2-7", "1-8", "2-8", "4-8")]
    )


def test_a_loss_of_exon_1_with_others_that_keep_the_start_stays_uncertain():
    # the promoter side is lost: whether the allele is read at all is not known, so no dominant negative
    assert allele_loss((1, 4, 5, 6, 7)).somatic_class == "uncertain"


def test_apart_exons_have_no_protein_name_and_two_coding_names():
    reading = loss_reading((3, 5), ALL, "ikzf1")
    assert reading.hgvs_c == (
        "NM_006060.6:c.[(40+1_41-1)_(160+1_161-1)del;(421+1_422-1)_(589+1_590-1)del]"
    )  # fmt: skip
    assert reading.hgvs_p == "p.?"
    assert reading.frame == "in-frame"
    assert reading.somatic_class == "dominant_negative"


def test_unknown_exons_are_refused_by_the_library():
    with pytest.raises(MlpaError, match="IKZF1 has no exons 9; give numbers from 1 to 8"):
        allele_loss((9,))


def test_gains_are_never_a_loss_of_function():
    for a, b in combinations(range(1, 10), 2):
        reading = gain_reading(tuple(range(a, b)), ALL, "ikzf1")
        assert reading.somatic_class == "uncertain"
        assert reading.hgvs_c.endswith("dup")
    table = annotate_calls(calls(("a", "IKZF1", "gain", "1-8", -1.0), ("b", "CDKN2A", "gain", "1-3", -2.0)))
    assert table.columns["consequence"].tolist() == ["uncertain", "uncertain"]
    assert table.columns["iscn"].tolist() == ["rsa 7p12.2(IKZF1 ex1-8)x3", "rsa 9p21.3(CDKN2A)x4"]


# --- exons without a probe -------------------------------------------------------------------------------


def test_exons_without_a_probe_widen_the_names_and_keep_a_common_class():
    reading = loss_reading((4, 5, 6, 7), (1, 2, 4, 5, 6, 7, 8), "ikzf1")  # no probe in exon 3
    assert reading.hgvs_c == "NM_006060.6:c.(40+1_161-1)_(850+1_851-1)del"
    assert reading.somatic_class == "dominant_negative"  # 3-7 and 4-7 alike
    assert reading.evidence == "predicted"  # 3-7 is not established
    assert reading.hgvs_p == "p.?"
    assert reading.coding_lost is None
    assert "4-7 or 3-7 fit" in reading.reason


def test_exons_without_a_probe_make_the_class_uncertain_where_it_differs():
    reading = loss_reading((4, 5, 6, 7), (1, 3, 4, 5, 6, 7), "ikzf1")  # exon 8 may be lost too: null
    assert reading.somatic_class == "uncertain"
    assert reading.hgvs_c == "NM_006060.6:c.(160+1_161-1)_(850+1_?)del"
    assert reading.frame == ""
    inner = loss_reading((4, 5, 6, 7), (1, 2, 3, 4, 7, 8), "ikzf1")  # 5 and 6 lie between two lost exons
    assert (inner.somatic_class, inner.evidence) == ("dominant_negative", "established")


def test_a_loss_at_the_edge_of_what_was_tested_is_open():
    reading = loss_reading((2, 3), (2, 3, 4, 5, 6, 7, 8), "ikzf1")
    assert reading.hgvs_c == "NM_006060.6:c.(?_-14-1)_(160+1_161-1)del"
    assert reading.somatic_class == "null"  # with or without exon 1 the start codon is gone


# --- both alleles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([("1-8", 2)], "biallelic_null"),
        ([("4-7", 2)], "biallelic_dominant_negative"),
        ([("3", 2)], "biallelic_uncertain"),
        ([("1-8", 1), ("2-7", 1)], "biallelic_null"),
        ([("1-8", 1), ("4-7", 1)], "biallelic_null_dominant_negative"),
        ([("1-8", 1), ("4-7", 2)], "biallelic_null_dominant_negative"),  # inner row with copies in all
        ([("4-7", 1), ("3-7", 1)], "biallelic_dominant_negative"),
        ([("1-8", 1), ("7", 1)], "biallelic_uncertain"),
        ([("1-8", 1)], ""),
        ([("2-3", 1), ("6-7", 1)], ""),  # apart: one allele or two is not known
        ([("1-8", 2), ("4-7", 1)], ""),  # three copies of two
    ],
)
def test_two_alleles(losses, expected):
    found = both_alleles(settle([Loss(numbers(text), n) for text, n in losses]), ALL, "ikzf1")
    assert found.consequence == expected


def test_two_alleles_name_the_other_reading_of_the_same_dosage():
    found = both_alleles((Loss(ALL, 1), Loss((4, 5, 6, 7), 1)), ALL, "ikzf1")
    assert found.evidence == "predicted"
    assert "the same dosage fits losses of exons 1-7 and 4-8" in found.sentence
    crossing = both_alleles((Loss(numbers("1-7"), 1), Loss(numbers("4-8"), 1)), ALL, "ikzf1")
    assert crossing.consequence == "biallelic_null"
    assert "fits losses of exons 1-8 and 4-7" in crossing.sentence
    shared_end = both_alleles((Loss(ALL, 1), Loss(numbers("2-8"), 1)), ALL, "ikzf1")
    assert "fits" not in shared_end.sentence
    assert shared_end.evidence == "established"


def test_nested_rows_carry_the_reading_of_both_alleles_and_their_own():
    table = annotate_calls(
        calls(("P", "IKZF1", "loss", "1-8", 1.0), ("P", "IKZF1", "loss", "4-7", 1.0))
    ).columns  # fmt: skip
    assert table["consequence"].tolist() == ["biallelic_null_dominant_negative"] * 2
    assert table["allele_consequence"].tolist() == ["loss_of_function", "dominant_negative"]
    assert table["iscn"][0] == "rsa 7p12.2(IKZF1 ex1-3)x1,(IKZF1 ex4-7)x0,(IKZF1 ex8)x1"
    assert "which MLPA cannot show" in table["consequence_sentence"][0]
    sure = annotate_calls(
        calls(
            ("P", "IKZF1", "loss", "1-8", 1.0, 0.8, 0.9),
            ("P", "IKZF1", "loss", "4-7", 1.0, 0.6, 0.8),
            names="sample gene status exons copies_lost clone_fraction_low clone_fraction_high",
        )
    ).columns  # 0.8 + 0.6 of the cells: some cells carry both
    assert "which MLPA cannot show" not in sure["consequence_sentence"][0]


def test_rows_of_other_patients_genes_and_runs_are_not_mixed():
    rows = [
        ("r1", "P", "IKZF1", "loss", "1-8", 1.0),
        ("r2", "P", "IKZF1", "loss", "4-7", 1.0),
        ("r1", "Q", "IKZF1", "loss", "2-7", 1.0),
    ]
    found = annotate_calls(calls(*rows, names="run sample gene status exons copies_lost")).columns
    assert found["consequence"].tolist() == ["loss_of_function", "dominant_negative", "loss_of_function"]


# --- columns, flags, text --------------------------------------------------------------------------------


def test_normal_and_not_evaluable_rows_stay_empty_and_columns_stand_in_order():
    table = annotate_calls(
        calls(
            ("a", "IKZF1", "normal", "", float("nan"), "x;y", "kept"),
            ("b", "IKZF1", "not_evaluable", "", float("nan"), "", ""),
            names="sample gene status exons copies_lost flags note",
        )
    )
    names = list(table.columns)
    assert names[5:10] == ["consequence", "evidence", "hgvs", "iscn", "flags"]
    assert names[10 : 10 + len(ADDITIONS)] == list(ADDITIONS)
    assert names[-1] == "note"
    assert set(CALLS_TSV_ADDITIONS) <= set(ADDITIONS)
    assert table.columns["flags"].tolist() == ["x;y", ""]
    for name in ("consequence", "evidence", "hgvs", "iscn", "consequence_sentence"):
        assert table.columns[name].tolist() == ["", ""]
    assert np.isnan(table.columns["coding_nt_lost"]).all()


def test_text_columns_give_the_same_as_numbers():
    rows = [("P", "IKZF1", "loss", "1-8", 1.0), ("P", "IKZF1", "loss", "4-7", 1.0)]
    as_numbers = annotate_calls(calls(*rows)).columns
    as_text = annotate_calls(calls(*((*row[:4], "1") for row in rows))).columns
    for name in ADDITIONS:
        assert np.array_equal(as_numbers[name], as_text[name], equal_nan=name == "coding_nt_lost"), name


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="the calls have no column gene, status"):
        annotate_calls(Table({"sample": text_array(["a"]), "exons": text_array([""])}))


def test_labels_that_are_no_exons_of_the_table_are_said_not_guessed():
    found = annotate_calls(
        calls(*((f"s{i}", "IKZF1", "loss", text, 1.0) for i, text in enumerate(("1A", "7-4", "4-9", "4--7"))))
    ).columns  # fmt: skip
    assert set(found["consequence"]) == {"uncertain"}
    assert set(found["hgvs"]) == {""}
    assert all(
        "are not understood as exons 1-8 of NM_006060.6" in text for text in found["consequence_sentence"]
    )


def test_one_probe_is_said_in_the_sentence():
    found = annotate_calls(
        calls(("a", "IKZF1", "loss", "5", 1.0, 1.0), names="sample gene status exons copies_lost n_probes")
    ).columns
    assert found["consequence_sentence"][0].endswith("looks the same, confirm it.")


def test_possible_germline_needs_half_dose_and_few_blasts():
    nan = float("nan")
    table = calls(
        ("few", "IKZF1", "loss", "1-8", 1.0, 0.85, 1.0),  # 0.85 of the cells at least, 0.1 are blasts
        ("many", "IKZF1", "loss", "1-8", 1.0, 0.85, 1.0),  # 0.8 are blasts: they carry it
        ("unknown", "IKZF1", "loss", "1-8", 1.0, 0.85, 1.0),
        ("clone", "IKZF1", "loss", "1-8", 1.0, 0.3, 0.5),  # not half dose
        ("both", "IKZF1", "loss", "1-8", 2.0, 0.85, 1.0),
        ("gain", "IKZF1", "gain", "1-8", -1.0, 0.85, 1.0),
        ("blank", "IKZF1", "loss", "1-8", 1.0, nan, nan),
        names="sample gene status exons copies_lost clone_fraction_low clone_fraction_high",
    )
    blasts = {"few": 0.1, "many": 0.8, "clone": 0.1, "both": 0.1, "gain": 0.1, "blank": 0.1}
    assert possible_germline(table, blasts).tolist() == [True] + [False] * 6
    found = annotate_calls(table, blast_fraction=blasts).columns
    assert found["flags"].tolist() == ["possible_germline"] + [""] * 6
    assert "MLPA cannot tell a germline from an acquired loss" in found["consequence_sentence"][0]
    assert "A germline loss of these exons is known: low immunoglobulins" in found["consequence_sentence"][0]
    again = annotate_calls(Table({**table.columns, "flags": found["flags"]}), blast_fraction=blasts).columns
    assert again["flags"][0] == "possible_germline"


# --- exon text -------------------------------------------------------------------------------------------


@given(st.sets(st.integers(1, 8), min_size=1))
def test_exon_text_reads_back(exons):
    labels = [str(n) for n in range(1, 9)]
    named = parse_exons(exon_text(exons), labels)
    assert {int(labels[i]) for i in named or ()} == exons
    assert sum(b - a + 1 for a, b in runs(exons)) == len(exons)


def test_labels_with_hyphens_and_commas_are_found_whole():
    labels = ["1A", "1B", "2", "11-1", "11-2", "a,b"]
    assert parse_exons("1A-2", labels) == (0, 1, 2)
    assert parse_exons("11-1", labels) == (3,)
    assert parse_exons("2-11-2", labels) == (2, 3, 4)
    assert parse_exons("a,b", labels) == (5,)
    assert parse_exons("1A,11-2", labels) == (0, 4)
    assert parse_exons("2–11-1", labels) == (2, 3)
    assert parse_exons("2-1A", labels) is None
    assert parse_exons("", labels) is None


def test_exon_numbers_may_be_written_as_laboratories_do():
    for text in ("4-7", "04-07", "e4-e7", "Ex4-Ex7", "exon 4-exon 7", "E04 - E07"):
        assert exon_numbers(text, ALL) == (4, 5, 6, 7), text
    for text in ("4a-7", "4.1", "e", "0", "4-", "9"):
        assert exon_numbers(text, ALL) is None, text
    found = annotate_calls(calls(("a", "IKZF1", "loss", "E4-E7", 1.0))).columns
    assert found["hgvs_p"][0] == "p.(Ala54_Leu283del)"
    assert renumber("ex3-ex6", "mullighan-2008", "ikzf1") == "4-7"


def test_a_run_without_patients_gives_an_empty_table():
    assert annotate_calls(Table({})).columns == {}


def test_the_older_numbering_is_understood_only_when_named():
    assert renumber("3-6", "mullighan-2008", "ikzf1") == "4-7"
    assert renumber("1-6", "mullighan-2008", "ikzf1") == "2-7"
    assert renumber("8", "mullighan-2008", "ikzf1") is None
    with pytest.raises(UsageError, match="unknown exon scheme 'x'; use one of mullighan-2008, nm_006060"):
        renumber("1", "x", "ikzf1")
    rows = calls(("a", "IKZF1", "loss", "3-6", 1.0), ("b", "EBF1", "loss", "3-6", 1.0))
    found = annotate_calls(rows, exon_scheme="mullighan-2008").columns
    assert found["exons"].tolist() == ["4-7", "3-6"]
    assert found["hgvs_p"][0] == "p.(Ala54_Leu283del)"
    plain = annotate_calls(rows).columns
    assert plain["hgvs_p"][0] == "p.(Gly14_Pro238del)"  # today's 3-6
    with pytest.raises(UsageError, match="unknown exon scheme"):
        annotate_calls(rows, exon_scheme="nonsense")
