"""Small changes: what they do to the protein, compared with a plain translation, and their names."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.protein import protein_change, translate
from mlpa_caller.consequence.small_change import Change, shifted, trimmed
from mlpa_caller.consequence.truncating import effect_of, reference_mismatch, windows
from mlpa_caller.refdata import reference_rows

SHARED = Path(__file__).resolve().parents[2] / "shared" / "facts" / "ikzf1"
MODEL = transcript("ikzf1")
CODING = MODEL.coding
BUILDS = ("GRCh38", "GRCh37")


def at(c, build="GRCh38"):
    return MODEL.position(c, build)


def base(c):
    return CODING[c - 1]


def effect(pos, ref, alt, build="GRCh38"):
    return effect_of(trimmed(pos, ref, alt), build, "ikzf1", pos, ref)


def in_coding(c, old, new, build="GRCh38"):
    """The effect of replacing `old` coding bases from `c`, written as a VCF does with a base before."""
    assert CODING[c - 1 : c - 1 + len(old)] == old
    return effect(at(c - 1, build), base(c - 1) + old, base(c - 1) + new, build)


def test_the_catalogued_substitutions_stand_at_their_positions_in_both_builds():
    rows = reference_rows("ikzf1/variants.csv")
    assert len(rows) == 21
    for row in rows:
        for build, column in zip(BUILDS, ("g38_pos", "g37_pos"), strict=True):
            found = effect(int(row[column]), row["ref"], row["alt"], build)
            assert found.hgvs_c == row["hgvs_c"]
            assert found.hgvs_p == row["hgvs_p"]
            assert found.hgvs_g38 == f"NC_000007.14:g.{row['g38_pos']}{row['ref']}>{row['alt']}"
            assert found.hgvs_g37 == f"NC_000007.13:g.{row['g37_pos']}{row['ref']}>{row['alt']}"
            assert reference_mismatch("ikzf1", build, int(row[column]), row["ref"]) is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared facts are not on this machine")
def test_the_catalogue_holds_the_shared_variants():
    with open(SHARED / "germline_variants.csv", encoding="utf-8", newline="") as stream:
        facts = [row for row in csv.DictReader(stream) if row["g_grch38"] and ">" in row["g_grch38"]]
    assert len(facts) == 20
    ours = {row["hgvs_c"]: row for row in reference_rows("ikzf1/variants.csv")}
    for fact in facts:
        row = ours[fact["hgvs_c"]]
        assert fact["g_grch38"] == f"NC_000007.14:g.{row['g38_pos']}{row['ref']}>{row['alt']}"
        assert fact["g_grch37"] == f"NC_000007.13:g.{row['g37_pos']}{row['ref']}>{row['alt']}"
        assert (row["status"] == "unverified") == fact["confidence"].startswith("low")


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "kind", "hgvs_c", "hgvs_p"),
    [
        (at(1), "A", "G", "start_lost", "c.1A>G", "p.(Met1?)"),
        (at(3), "G", "A", "start_lost", "c.3G>A", "p.(Met1?)"),
        (at(637), "C", "T", "stop_gained", "c.637C>T", "p.(Arg213Ter)"),  # CGA > TGA
        (at(589) + 1, "G", "A", "essential_splice", "c.589+1G>A", "p.?"),
        (at(589) + 2, "T", "C", "essential_splice", "c.589+2T>C", "p.?"),
        (at(161) - 2, "A", "T", "essential_splice", "c.161-2A>T", "p.?"),
        (at(161) - 1, "G", "C", "essential_splice", "c.161-1G>C", "p.?"),
        (at(161) - 3, "T", "C", "non_coding", "c.161-3T>C", "p.?"),
        (at(1) - 16, "A", "G", "essential_splice", "c.-14-2A>G", "p.?"),  # exon 2 starts at c.-14
        (at(1) - 1, "C", "T", "non_coding", "c.-1C>T", "p.?"),
        (50_304_923, "G", "A", "non_coding", "c.-15+1G>A", "p.?"),  # donor of the non-coding first exon
        (at(1558), "T", "C", "stop_lost", "c.1558T>C", "p.?"),
        (at(1560) + 1, "A", "C", "non_coding", "c.*1A>C", "p.?"),
        (at(549), "C", "T", "synonymous", "c.549C>T", "p.(Arg183=)"),
    ],
)
def test_substitutions(pos, ref, alt, kind, hgvs_c, hgvs_p):
    found = effect(pos, ref, alt)
    assert (found.kind, found.hgvs_c, found.hgvs_p) == (kind, f"NM_006060.6:{hgvs_c}", hgvs_p)
    assert found.truncating == (kind in ("start_lost", "stop_gained", "essential_splice"))


def test_indels_are_named_at_their_last_possible_place():
    # c.500_503 is ATTC: a T lost behind c.500 is named as the last of the two
    assert CODING[499:503] == "ATTC"
    lost = effect(at(500), "AT", "A")
    assert (lost.kind, lost.hgvs_c, lost.hgvs_p) == (
        "frameshift",
        "NM_006060.6:c.502del",
        "p.(Ser168ProfsTer25)",
    )
    doubled = effect(at(500), "A", "AT")
    assert (doubled.kind, doubled.hgvs_c) == ("frameshift", "NM_006060.6:c.502dup")
    assert CODING[157:160] == "TGG"  # exon 3 ends with c.160: the last G of the exon is named
    assert effect(at(158), "TG", "T").hgvs_c == "NM_006060.6:c.160del"
    new = effect(at(499), "C", "CGGA")
    assert (new.kind, new.hgvs_c) == ("inframe_indel", "NM_006060.6:c.499_500insGGA")
    both = effect(at(499), "CAT", "GG")
    assert (both.kind, both.hgvs_c) == ("frameshift", "NM_006060.6:c.499_501delinsGG")
    stop = effect(at(498), base(498), base(498) + "TAA")
    assert (stop.kind, stop.hgvs_p) == ("stop_gained", "p.(His167Ter)")
    gone = effect(at(1) - 3, "AAGATG", "A")
    assert (gone.kind, gone.hgvs_c) == ("start_lost", "NM_006060.6:c.-2_3del")
    kept = effect(at(1558), "T", "TAAA")  # TAA becomes TAAAAA: the stop codon stays
    assert (kept.kind, kept.truncating) == ("synonymous", False)
    gone = effect(at(1558), "TA", "T")
    assert (gone.kind, gone.truncating) == ("stop_lost", False)  # the frame shifts behind the last residue
    late = in_coding(1501, "G", "")
    assert late.truncating
    assert "in the last exon" in late.note


def test_changes_over_splice_sites_and_whole_exons():
    over = effect(at(589) - 2, "A" * 8, "A")  # bases of exon and intron
    assert (over.kind, over.note) == ("essential_splice", "donor of exon 5")
    span = MODEL.exon(5)
    whole = effect(span.start["GRCh38"] - 11, "A" + "C" * 200, "A")
    assert whole.kind == "exon_deletion"
    assert not whole.truncating  # in frame, as MLPA's loss of exon 5
    assert whole.note.startswith("it takes exons 5 whole")
    start = MODEL.exon(2)
    gone = effect(start.start["GRCh38"] - 11, "A" + "C" * 100, "A")
    assert (gone.kind, gone.truncating, gone.hgvs_p) == ("exon_deletion", True, "p.0?")
    ragged = effect(span.start["GRCh38"] - 11, "A" + "C" * 4900, "A")  # exon 5 whole and the start of exon 6
    assert ragged.kind == "essential_splice"
    parted = effect(at(589) + 1, "G", "GA")  # between the two bases of the donor
    assert (parted.kind, parted.hgvs_c) == ("essential_splice", "NM_006060.6:c.589+1_589+2insA")
    beside = effect(at(589) + 2, "T", "TA")
    assert beside.kind == "non_coding"
    before = effect(at(161) - 2, "A", "AC")  # between the two bases of the acceptor
    assert (before.kind, before.note) == ("essential_splice", "acceptor of exon 4")
    edge = effect(at(589), base(589), base(589) + "A")
    assert (edge.kind, edge.truncating) == ("not_worked_out", False)
    beyond = effect(at(1559), "AATTT", "A")
    assert (beyond.kind, beyond.truncating) == ("not_worked_out", False)


def test_unverified_bases_are_marked_and_the_file_is_believed_there():
    assert {84, 112} <= MODEL.unverified
    assert not {83, 113} & MODEL.unverified
    assert reference_mismatch("ikzf1", "GRCh38", at(84), "C") is None
    assert reference_mismatch("ikzf1", "GRCh38", at(83), "C") == (at(83), "A")
    assert reference_mismatch("ikzf1", "GRCh38", at(83), "N") is None
    seen = effect(at(84), "C", "A")  # our table says T: GAT and GAC are both Asp
    assert (seen.kind, seen.hgvs_c, seen.unverified) == ("missense", "NM_006060.6:c.84C>A", True)
    before = in_coding(61, base(61), "")  # a frameshift that runs through them before its stop codon
    assert before.unverified
    assert not effect(at(637), "C", "T").unverified


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_effects_equal_a_plain_translation(data):
    """Any change inside the coding part of an exon: the plain way translates the changed sequence."""
    exon = data.draw(st.sampled_from([e for e in MODEL.exons if e.coding]))
    low, high = exon.coding
    start = data.draw(st.integers(low + 1, high - 1))
    size = data.draw(st.integers(0, min(4, high - start)))
    new = data.draw(st.text("ACGT", max_size=4))
    old = CODING[start - 1 : start - 1 + size]
    if old == new or (start <= 3 and not old):
        return
    build = data.draw(st.sampled_from(BUILDS))
    ref, alt = base(start - 1) + old, base(start - 1) + new
    found = effect(at(start - 1, build), ref, alt, build)
    mutant = CODING[: start - 1] + new + CODING[start - 1 + size :]
    change = trimmed(at(start - 1, build), ref, alt)
    if not change.old and change.start == at(1, build):
        assert found.kind == "non_coding"  # bases put before an intact start codon
        return
    normal, changed = translate(CODING), translate(mutant)
    shift = len(new) - len(old)
    if mutant[:3] != "ATG":
        expected = {"start_lost"}
    elif changed == normal:
        expected = {"synonymous"}
    elif changed.startswith(normal[:-1]) and (shift % 3 or "*" not in changed):
        expected = {"stop_lost"}  # all residues kept, the stop codon gone: nothing is cut short
    elif shift % 3:
        expected = {"frameshift"}
    elif "*" not in changed:
        expected = {"stop_lost"}
    elif len(changed) < len(normal) + shift // 3:
        expected = {"stop_gained"}
    else:
        expected = {"missense", "inframe_indel"}
    if found.kind == "not_worked_out":  # an insertion that can also be read as standing at the exon's end
        assert not trimmed(0, ref, alt).old
        return
    assert found.kind in expected
    assert found.truncating == (found.kind in ("start_lost", "stop_gained", "frameshift"))
    if found.kind == "frameshift" and "fsTer" in found.hgvs_p and "?" not in found.hgvs_p:
        first = next(i for i, pair in enumerate(zip(normal, changed, strict=False)) if pair[0] != pair[1])
        assert found.hgvs_p.endswith(f"fsTer{len(changed) - first})")


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_shifting_keeps_the_changed_sequence(data):
    exon = data.draw(st.sampled_from([e for e in MODEL.exons if e.coding]))
    low, high = exon.coding
    start = data.draw(st.integers(low + 1, high - 4))
    insertion = data.draw(st.booleans())
    text = data.draw(st.text("ACGT", min_size=1, max_size=3))
    size = len(text)
    old, new = ("", text) if insertion else (CODING[start - 1 : start - 1 + size], "")
    position = at(start)
    change = Change(position, position + len(old) - 1, old, new)
    moved = shifted(MODEL, change, "GRCh38")
    there = start + moved.start - position

    def applied(c, item):
        return CODING[: c - 1] + item.new + CODING[c - 1 + len(item.old) :]

    assert applied(start, change) == applied(there, moved)
    following = there + len(moved.old)  # as far as it goes: to the exon's end, or to another base
    assert following > high or CODING[following - 1] != (moved.old or moved.new)[0]
    assert low <= there
    assert there + len(moved.old) - 1 <= high


def test_windows_cover_the_listed_stretches_only():
    for build in BUILDS:
        found = windows("ikzf1", build)
        assert found[0] == (MODEL.exon(1).end[build] + 1, MODEL.exon(1).end[build] + 8)
        assert found[-1][1] == MODEL.position(1560, build)
        assert len(found) == 8


def test_protein_changes_are_named_as_hgvs_asks():
    assert protein_change("MAAC*", "MAC*") == "p.(Ala3del)"  # the last of two
    assert protein_change("MABC*".replace("B", "G"), "MC*") == "p.(Ala2_Gly3del)"
    assert protein_change("MAC*", "MAAC*") == "p.(Ala2dup)"
    assert protein_change("MAC*", "MAWC*") == "p.(Ala2_Cys3insTrp)"
    assert protein_change("MAC*", "MWC*") == "p.(Ala2Trp)"
    assert protein_change("MAGC*", "MWC*") == "p.(Ala2_Gly3delinsTrp)"
    assert protein_change("MAC*", "MAC*") == "p.(=)"
    assert protein_change("MACC*", "MA*") == "p.(Cys3Ter)"


def test_names_of_small_changes_are_hgvs():
    to_model = pytest.importorskip("mutalyzer_hgvs_parser").to_model
    changes = [(at(1), "A", "G"), (at(637), "C", "T"), (at(589) + 1, "G", "A"), (at(161) - 2, "A", "T"),
               (at(500), "AT", "A"), (at(500), "A", "AT"), (at(499), "C", "CGGA"), (at(499), "CAT", "GG"),
               (at(498), base(498), base(498) + "TGGTAA"), (at(1) - 3, "AAGATG", "A"), (at(1560) + 1, "A", "C"),
               (at(1501), "GG", "G"), (at(549), "C", "T"), (at(1557), base(1557), "A"), (at(1) - 1, "C", "T"),
               (MODEL.exon(5).start["GRCh38"] - 11, "A" + "C" * 200, "A")]  # fmt: skip
    for change in changes:
        found = effect(*change)
        for name in (found.hgvs_c, found.hgvs_g38, found.hgvs_g37, f"NP_006051.1:{found.hgvs_p}"):
            to_model(name)
