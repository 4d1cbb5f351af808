"""The answers in words: each kind of finding, and each kind of not knowing."""

from __future__ import annotations

import pytest
from report_cases import call, loss_4_7, risk_row, with_calls

from mlpa_caller.outputs.report.event_words import event_phrase, product_of, short_phrase
from mlpa_caller.outputs.report.findings import findings, main_gene
from mlpa_caller.outputs.report.numbers import Number, exact, number, percent, phrase_text, probability
from mlpa_caller.outputs.report.risk_view import risk_view
from mlpa_caller.outputs.report.sentences import answer_lines
from mlpa_caller.outputs.report.words import flag, shown_name

CHROM = {"IKZF1": "chr7", "PAX5": "chr9", "CDKN2A": "chr9", "CRLF2": "chrX", "CSF2RA": "chrX"}


def lines(calls, *, blasts=None, reasons=()):
    found = findings(calls, "IKZF1", CHROM)
    made = answer_lines(found, blast_fraction=blasts, reasons=reasons, tested="exons 4-7")
    return [(line.kind, phrase_text(line.phrase)) for line in made]


def test_the_loss_of_the_issue():
    assert lines([loss_4_7()]) == [
        (
            "loss",
            "Heterozygous loss of IKZF1 exons 4-7, probability 0.997, in 62 % (54-70 %) of cells; "
            "dominant negative (IK6), established",
        )
    ]


def test_the_protein_is_named_only_where_the_result_names_it():
    (event,) = findings([loss_4_7(consequence_sentence="Loss of exons 4-7.")], "IKZF1", CHROM).events
    assert product_of(event) == ""
    (event,) = findings([loss_4_7(product="IK6")], "IKZF1", CHROM).events
    assert product_of(event) == "IK6"
    assert "(X)" in phrase_text(event_phrase(event, "X"))


def test_normal_says_what_would_have_been_seen():
    kind, text = lines([call(limit_of_detection=0.2231)])[0]
    assert kind == "normal"
    assert text == (
        "IKZF1 normal: no loss or gain, probability 0.997; a loss of exons 4-7 in 22 % of cells or more "
        "would have been seen (limit of detection)"
    )
    assert "no limit of detection can be stated" in lines([call(limit_of_detection=None)])[0][1]
    assert "could be missed even in all cells" in lines([call(limit_of_detection=1.2)])[0][1]
    assert lines([call(flags=["low_probability"], probability=0.7)])[0][1].startswith("IKZF1 probably normal")


def test_not_evaluable_says_why():
    flags = ["below_limit_of_detection"]
    below = call(status="not_evaluable", flags=flags, limit_of_detection=0.28)
    assert lines([below, call("PAX5")], blasts=0.15)[0] == (
        "not_evaluable",
        "IKZF1 not evaluable: the stated blasts of 15 % lie below the limit of detection of 28 %",
    )
    no_limit = call(status="not_evaluable", flags=flags, limit_of_detection=None)
    assert "no limit of detection can be stated" in lines([no_limit, call("PAX5")])[0][1]
    doubtful = call(status="not_evaluable", flags=["unclear", "low_quality"])
    assert lines([doubtful, call("PAX5")])[0][1] == "IKZF1 not evaluable: unclear"
    bare = call(status="not_evaluable", flags=[])
    assert lines([bare, call("PAX5")])[0][1] == "IKZF1 not evaluable: no reason is given"


def test_a_failed_sample_is_neither_normal_nor_altered():
    failed = [call(gene, "not_evaluable", flags=["sample_failed"]) for gene in ("IKZF1", "PAX5")]
    assert lines(failed, reasons=["slope -0.41 per 100 nt"]) == [
        (
            "not_evaluable",
            "Nothing can be said of this sample: the reaction failed (slope -0.41 per 100 nt). "
            "It is neither normal nor altered; no gene was answered",
        )
    ]
    assert findings(failed, "IKZF1", CHROM).kind == "not_evaluable"


def test_an_open_main_gene_is_not_normal_whatever_the_others_are():
    calls = [call(status="not_evaluable", flags=["no_probe"]), call("PAX5")]
    assert findings(calls, "IKZF1", CHROM).kind == "not_evaluable"
    assert [kind for kind, _ in lines(calls)] == ["not_evaluable", "normal"]


def test_nested_losses_are_two_events_and_one_consequence():
    told = {"evidence": "predicted", "consequence_sentence": "Losses of IKZF1 exons 1-8 and 4-7."}
    both = "biallelic_null_dominant_negative"
    outer = call("IKZF1", "loss", "1-8", consequence=both, allele_consequence="loss_of_function", **told)
    inner = loss_4_7(flags=["nested"], consequence="biallelic_null_dominant_negative")
    found = findings([outer, inner], "IKZF1", CHROM)
    made = answer_lines(found, blast_fraction=None, reasons=(), tested="exons 4-7")
    texts = [phrase_text(line.phrase) for line in made]
    assert texts[0].startswith("Heterozygous loss of IKZF1 exons 1-8 (whole gene), probability")
    assert texts[0].endswith("loss of function")
    assert texts[1].startswith("Second loss, inside the first and on the other allele, of IKZF1 exons 4-7")
    assert made[0].details == ("Losses of IKZF1 exons 1-8 and 4-7.",)
    assert made[1].details == ()


@pytest.mark.parametrize(
    ("row", "start"),
    [
        (call("PAX5", "loss", "1-10", copies_lost=2), "Homozygous loss of PAX5 exons 1-10,"),
        (call("PAX5", "gain", "2"), "Gain of one copy of PAX5 exon 2,"),
        (call("PAX5", "gain", "2-5", copies_lost=-2), "Gain of 2 copies of PAX5 exons 2-5,"),
        (call("PAX5", "loss", "pr1-pr3"), "Heterozygous loss of PAX5 (pr1-pr3),"),
        (
            call("PAX5", "loss", "2", flags=["confirm_single_probe"]),
            "Possible heterozygous loss of PAX5 exon 2,",
        ),
        (
            call("PAX5", "loss", "2-5", flags=["range_uncertain"]),
            "Heterozygous loss of PAX5, most probably exons 2-5,",
        ),
        (call("PAX5", "loss", "2-5", copies_lost=None), "Loss of PAX5 exons 2-5,"),
    ],
)
def test_events_in_words(row, start):
    found = findings([call(), row], "IKZF1", CHROM)
    assert phrase_text(event_phrase(found.other_events[0])).startswith(start)


def test_in_few_words_an_open_range_is_told():
    open_range = call("PAX5", "loss", "2-5", flags=["range_uncertain"], probability=0.53)
    (event,) = findings([call(), open_range], "IKZF1", CHROM).events
    assert phrase_text(short_phrase(event)) == "loss PAX5, most probably exons 2-5, p 0.530, 62 % of cells"
    assert phrase_text(short_phrase(event, named=False)).startswith("loss, most probably exons 2-5, p")


def test_unknown_numbers_are_words():
    (line,) = lines([loss_4_7(clone_fraction=None, probability=None)])
    assert "probability unknown, in an unknown share of cells" in line[1]


def test_one_event_in_neighbouring_genes_is_told_once():
    rows = [
        call("CRLF2", "loss", "4", consequence_sentence="Loss of CRLF2: the same reason.", consequence_source="a"),
        call("CSF2RA", "loss", "10", consequence_sentence="Loss of CSF2RA: the same reason.",
             consequence_source="a", probability=0.981),
    ]  # fmt: skip
    (event,) = findings([call(), *rows], "IKZF1", CHROM).events
    assert event.genes == ("CRLF2", "CSF2RA")
    text = phrase_text(event_phrase(event))
    assert text.startswith("Heterozygous loss of CRLF2 exon 4 and CSF2RA exon 10, probability 0.981")
    line = answer_lines(
        findings([call(), *rows], "IKZF1", CHROM), blast_fraction=None, reasons=(), tested=""
    )[1]
    assert line.details == ("CRLF2 and CSF2RA: the same reason.",)
    apart = findings([*rows, call("PAX5", "loss", "1")], "IKZF1", CHROM)
    assert len(apart.events) == 2  # the same figures on another chromosome are another event


def test_what_is_sure_counts_before_what_is_not():
    possible = call("PAX5", "loss", "1", flags=["low_probability"])
    assert findings([call(), possible], "IKZF1", CHROM).kind == "uncertain"
    assert findings([call(), possible, call("CDKN2A", "gain", "1")], "IKZF1", CHROM).kind == "gain"
    assert findings([call(), call("PAX5")], "IKZF1", CHROM).kind == "normal"


def test_main_gene():
    given = with_calls([call()])
    assert main_gene(given) == "IKZF1"
    given["panel"]["genes"] = ["PAX5", "ETV6"]
    assert main_gene(given) == "PAX5"
    given["panel"]["genes"] = []
    assert main_gene(given) == ""


def test_numbers_never_read_as_certain():
    assert [probability(value).text for value in (1.0, 0.9995, 0.9994, 0.5, 0.0004, 0.0)] == [
        "> 0.999", "> 0.999", "0.999", "0.500", "< 0.001", "< 0.001",
    ]  # fmt: skip
    assert [percent(value).text for value in (0.618, 0.004, 0.0, 1.0)] == ["62", "< 1", "0", "100"]
    assert probability(None) == percent(None) == number(None) == "unknown"
    assert number(0.5, 3) == Number(0.5, "0.500")


def test_exact_keeps_every_digit():
    assert exact(0.74, 3) == "0.740"
    assert exact(0.12345678, 3) == "0.12345678"
    assert exact(1e-7) == "0.0000001"
    assert exact(1e22) == "10000000000000000000000"
    assert exact(-0.0, 2) == "0.00"
    assert exact(7) == "7"


def test_names_cannot_change_the_page():
    assert shown_name("abc\u202etxt") == "abc\\u202etxt"
    assert shown_name("a\nb") == "a\\nb"
    assert len(shown_name("x" * 4096)) == 60


def test_flags_are_explained_and_unknown_ones_shown():
    assert (
        flag("below_limit_of_detection", "loss").meaning != flag("below_limit_of_detection", "normal").meaning
    )
    assert flag("some_new_flag", "loss").label == "some new flag"


def test_risk_is_sorted_by_what_is_known():
    view = risk_view(
        [
            risk_row(
                "a", "HR_regimen", boundary="mrd_day15;mrd_day33", note="a remark", missing_inputs=["cns"]
            ),
            risk_row("b", "indeterminate", possible_classes=["SR", "HR"], deciding_inputs=["ERG"]),
            risk_row("c", "not_applicable"),
        ]
    )
    assert view.decided[0].result == "HR regimen"
    assert view.decided[0].why == "IKZF1 deleted; not stated: cns"
    assert view.decided[0].note == "a remark; on the cut-off: mrd day15, mrd day33"
    assert (view.undecided[0].result, view.undecided[0].why) == ("SR or HR", "decided by ERG")
    assert view.foreign[0].classifier == "c"
    assert not risk_view([])
