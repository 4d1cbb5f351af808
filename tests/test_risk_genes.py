"""Gene states: when a gene is deleted, not deleted, or unknown."""

from __future__ import annotations

import numpy as np
import pytest
from risk_cases import GENES, call_table, one, people, profile, row

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError
from mlpa_caller.risk import classify, clinical_from_columns

ZHENG = "zheng-2019-ikzf1"
B = {"lineage": "B"}


def state(rows, clinical=None) -> tuple[str, str]:
    """Return IKZF1's state as Zheng's rule sees it, and the note."""
    result = one(rows, clinical or {}, ZHENG)
    names = {"HR_regimen": "deleted", "by_clinical_risk": "not_deleted", "indeterminate": "unknown"}
    return names[result["class"]], result["note"]


def ikzf1(status="normal", exons="", **more):
    return [row("P", "IKZF1", status, exons, **more)]


def test_deleted_by_two_probes_or_more() -> None:
    assert state(ikzf1("loss", "4-7", probes=2)) == ("deleted", "")
    assert state(ikzf1("loss", "1-8", probes=8, copies=2.0)) == ("deleted", "")


def test_a_loss_seen_by_one_probe_is_unknown_until_confirmed() -> None:
    reason = "loss not seen by two probes: IKZF1"
    assert state(ikzf1("loss", "2", probes=1)) == ("unknown", reason)
    assert state(ikzf1("loss", "4-7", probes=4, flags="confirm_single_probe")) == ("unknown", reason)
    assert state(ikzf1("loss", "4-7", flags="low_quality;confirm_single_probe")) == ("unknown", reason)
    assert state(ikzf1("loss", "2", probes=1), {"confirmed_deletions": "IKZF1"}) == ("deleted", "")
    assert state(ikzf1("loss", "2", probes=1), {"confirmed_deletions": "PAX5;RB1"}) == ("unknown", reason)


def test_the_whole_events_probes_count_not_the_genes() -> None:
    """CDKN2A and CDKN2B by one probe each in one event: n_probes is 2 in both rows."""
    rows = profile("P", unknown=["CDKN2A", "CDKN2B"])
    rows += [row("P", gene, "loss", probes=2) for gene in ("CDKN2A", "CDKN2B")]
    assert one(rows, B, "ukall-cna-2014")["class"] == "intermediate"


def test_without_a_number_of_probes_two_exons_are_two_probes() -> None:
    assert state(ikzf1("loss", "4-7", probes=np.nan))[0] == "deleted"
    assert state(ikzf1("loss", "4", probes=np.nan))[0] == "unknown"


def test_not_evaluable_and_not_on_the_panel_are_unknown() -> None:
    assert state(ikzf1("not_evaluable")) == ("unknown", "not evaluable: IKZF1")
    assert state([row("P", "PAX5")]) == ("unknown", "not on the panel: IKZF1")
    assert state([]) == ("unknown", "no calls for this sample")


def test_a_gain_is_not_a_deletion() -> None:
    assert state(ikzf1("gain", "1-8"))[0] == "not_deleted"


@pytest.mark.parametrize(
    ("limit", "blasts", "expected"),
    [
        (0.22, "0.9", "not_deleted"),
        (0.22, "0.22", "not_deleted"),  # not above
        (0.22, "0.21", "unknown"),
        (0.22, "<0.5", "unknown"),  # it may lie below the limit
        (0.22, ">0.5", "not_deleted"),
        (np.nan, "0.01", "not_deleted"),
        (1.7, "1", "unknown"),
    ],
)
def test_a_negative_below_the_limit_of_detection_is_unknown(limit, blasts, expected) -> None:
    found, note = state(ikzf1(limit=limit), {"blast_fraction": blasts})
    assert found == expected
    assert note == ("limit of detection above the blast fraction: IKZF1" if expected == "unknown" else "")


def test_a_deletion_stands_whatever_the_limit_of_detection() -> None:
    assert state(ikzf1("loss", "4-7", limit=0.5), {"blast_fraction": "0.1"})[0] == "deleted"


def test_without_a_blast_fraction_a_negative_says_so() -> None:
    found, note = state(ikzf1())
    assert found == "not_deleted"
    assert note == "blast fraction not stated: a negative holds only above its limit of detection"


def test_a_flag_below_the_limit_of_detection_is_enough() -> None:
    assert state(ikzf1(flags="below_limit_of_detection"))[0] == "unknown"


def test_nested_events_one_confirmed_is_deleted() -> None:
    rows = ikzf1("loss", "1-8") + ikzf1("loss", "4", probes=1)
    assert state(rows)[0] == "deleted"
    assert state(ikzf1("loss", "4", probes=1) + ikzf1("not_evaluable"))[0] == "unknown"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("normal", "normal", "normal"), "good"),
        (("loss", "not_evaluable", "normal"), "poor"),
        (("normal", "loss", None), "poor"),
        (("normal", "normal", "loss"), "poor"),
        (("normal", "normal", None), "indeterminate"),
        (("normal", "not_evaluable", "normal"), "indeterminate"),
        ((None, None, None), "indeterminate"),
    ],
)
def test_the_group_par1(states, expected) -> None:
    rows = profile("P", unknown=["CRLF2", "CSF2RA", "IL3RA"])
    rows += [row("P", gene, status) for gene, status in zip(("CRLF2", "CSF2RA", "IL3RA"), states) if status]
    result = one(rows, B, "ukall-cna-2014")
    assert result["class"] == expected
    assert ("PAR1" in result["deciding_inputs"]) == (expected == "indeterminate")


def test_a_group_says_which_gene_is_unknown_and_why() -> None:
    rows = [*profile("P", unknown=["CSF2RA", "IL3RA"]), row("P", "IL3RA", "not_evaluable")]
    note = one(rows, {**B, "blast_fraction": "0.9"}, "ukall-cna-2014")["note"]
    assert note == "not evaluable (IL3RA), not on the panel (CSF2RA): PAR1"
    rows = profile("P", unknown=["CRLF2", "CSF2RA", "IL3RA", "RB1"])
    note = one(rows, {**B, "blast_fraction": "0.9"}, "ukall-cna-2014")["note"]
    assert note == "not on the panel: PAR1, RB1"


def test_p2ry8_crlf2_confirms_a_one_probe_loss_in_par1_and_nothing_else() -> None:
    rows = profile("P", unknown=["CSF2RA"])
    single = [*rows, row("P", "CSF2RA", "loss", probes=1)]
    assert one(single, B, "ukall-cna-2014")["class"] == "indeterminate"
    assert one(single, {**B, "p2ry8_crlf2": "yes"}, "ukall-cna-2014")["class"] == "poor"
    assert one(single, {**B, "p2ry8_crlf2": "no"}, "ukall-cna-2014")["class"] == "indeterminate"
    # the fusion alone is no call of the genes: with CSF2RA not on the panel PAR1 stays unknown
    assert one(rows, {**B, "p2ry8_crlf2": "yes"}, "ukall-cna-2014")["class"] == "indeterminate"


PLUS = ["IKZF1", "PAX5"]


@pytest.mark.parametrize(
    ("call", "stated", "expected"),
    [
        ("normal", "", "IKZF1plus"),
        ("normal", "no", "IKZF1plus"),
        ("normal", "yes", "indeterminate"),  # they disagree
        ("loss", "", "IKZF1del"),
        ("loss", "yes", "IKZF1del"),
        ("loss", "no", "indeterminate"),
        (None, "", "indeterminate"),
        (None, "no", "IKZF1plus"),
        (None, "yes", "IKZF1del"),
        ("not_evaluable", "no", "IKZF1plus"),
    ],
)
def test_erg_by_call_and_by_clinical_file(call, stated, expected) -> None:
    rows = profile("P", PLUS, ["ERG"]) + ([row("P", "ERG", call)] if call else [])
    result = one(rows, {**B, "erg_deleted": stated}, "ikzf1plus-2018")
    assert result["class"] == expected
    if expected == "indeterminate":
        assert result["deciding_inputs"] == "ERG"
        assert result["possible_classes"] == "IKZF1del;IKZF1plus"
    disagree = (call, stated) in {("normal", "yes"), ("loss", "no")}
    assert ("calls and clinical file disagree: ERG" in result["note"]) == disagree


STRICT = "ikzf1plus-2018-cdkn2b-homozygous"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("P", "CDKN2B", "loss", copies=1.0)], "IKZF1del"),
        ([row("P", "CDKN2B", "loss", copies=2.0)], "IKZF1plus"),
        ([row("P", "CDKN2B", "loss", copies=2.0, probes=1)], "indeterminate"),
        ([row("P", "CDKN2B", "loss", copies=1.0, flags="zygosity_ambiguous")], "indeterminate"),
        ([row("P", "CDKN2B", "loss", copies=np.nan)], "indeterminate"),
        ([row("P", "CDKN2B", "loss", "1"), row("P", "CDKN2B", "loss", "1-2")], "indeterminate"),
        ([row("P", "CDKN2B", "loss", "1", copies=2.0), row("P", "CDKN2B", "loss", "1-2")], "IKZF1plus"),
        ([row("P", "CDKN2B")], "IKZF1del"),
        ([], "indeterminate"),
    ],
)
def test_cdkn2b_counts_only_when_both_copies_are_lost(rows, expected) -> None:
    clinical = {**B, "erg_deleted": "no", "blast_fraction": "1"}
    result = one(profile("P", ["IKZF1"], ["CDKN2B", "ERG"]) + rows, clinical, STRICT)
    assert result["class"] == expected


BOER = {"lineage": "B", "age_years": "4", "bcr_abl1": "no", "kmt2a": "germline"}


@pytest.mark.parametrize(
    ("rows", "possible"),
    [
        (ikzf1("loss", "1-8"), "major"),
        (ikzf1("loss", "4-7"), "major"),
        (ikzf1("loss", "2-3"), "rare"),
        (ikzf1("loss", "2-7"), "rare"),
        (ikzf1("loss", "2-8"), "rare"),
        (ikzf1("loss", "4-8"), "rare"),
        (ikzf1("loss", "1-6"), "other"),
        (ikzf1("loss", "2"), "other"),
        (ikzf1("loss", "1-8") + ikzf1("loss", "4-7"), "major"),
        (ikzf1("loss", "2-3") + ikzf1("loss", "4-7"), "major;rare"),
        # a nested loss that one probe saw may be there or not
        (ikzf1("loss", "4-7") + ikzf1("loss", "2", probes=1), "major;other"),
        (ikzf1("loss", "2", probes=1), "not_deleted;major;rare;other"),
        (ikzf1("loss", "x"), "major;rare;other"),
        (ikzf1(), "not_deleted"),
        ([], "not_deleted;major;rare;other"),
    ],
)
def test_boer_types_by_exon_range(rows, possible) -> None:
    result = one(rows, {**BOER, "blast_fraction": "1"}, "boer-2016")
    assert result["possible_classes"] == possible
    assert result["class"] == (possible if ";" not in possible else "indeterminate")


def test_boer_range_of_a_deletion_confirmed_elsewhere() -> None:
    clinical = {**BOER, "confirmed_deletions": "IKZF1"}
    assert one(ikzf1("loss", "2", probes=1), clinical, "boer-2016")["class"] == "other"
    result = one(ikzf1(), clinical, "boer-2016")  # the range is not known
    assert result["possible_classes"] == "major;rare;other"
    assert "exon range not known: IKZF1_exons" in result["note"]


def test_columns_that_are_not_there_are_unknown() -> None:
    calls = Table(
        {
            "sample": text_array(["P", "P"]),
            "gene": text_array(["IKZF1", "PAX5"]),
            "status": text_array(["loss", "loss"]),
            "exons": text_array(["4-7", "5"]),
        }
    )
    clinical = people([{"lineage": "B", "erg_deleted": "no"}], ["P"])
    table = classify(calls, clinical, classifiers=[ZHENG, "ikzf1plus-2018"])
    assert list(table.columns["class"]) == ["HR_regimen", "indeterminate"]


def test_calls_that_cannot_be_used() -> None:
    empty = clinical_from_columns([], {})
    with pytest.raises(InputError, match="the calls have no column status"):
        classify(Table({"sample": text_array(["P"])}), empty)
    with pytest.raises(InputError, match="the calls hold the status 'lost'; use normal, loss"):
        classify(call_table([row("P", "IKZF1", "lost")]), empty)
    broken = dict(call_table([row("P", "IKZF1")]).columns)
    broken["n_probes"] = text_array(["four"])
    with pytest.raises(InputError, match="the column n_probes of the calls holds no numbers"):
        classify(Table(broken), empty)
    runs = dict(call_table([row("P", "IKZF1"), row("P", "PAX5")]).columns)
    runs["run"] = text_array(["a", "b"])
    with pytest.raises(InputError, match="sample 'P' stands in the runs 'a' and 'b'; classify each run"):
        classify(Table(runs), empty)
    runs["run"] = text_array(["a", "a"])
    assert len(classify(Table(runs), empty)) == 25


def test_numbers_given_as_text_are_read() -> None:
    columns = dict(call_table(ikzf1("loss", "4-7")).columns)
    for name in ("n_probes", "copies_lost", "limit_of_detection"):
        columns[name] = text_array(["2", "", ""][:1] if name == "n_probes" else [""])
    table = classify(Table(columns), clinical_from_columns([], {}), classifiers=[ZHENG])
    assert table.columns["class"][0] == "HR_regimen"


def test_the_helper_knows_every_gene_of_the_rules() -> None:
    assert {"IKZF1", "CDKN2A", "CDKN2B", "PAX5", "ETV6", "BTG1", "RB1", "EBF1", "ERG"} <= set(GENES)
