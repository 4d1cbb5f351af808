"""One loss or gain in words, made of the words and numbers of the calls table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlpa_caller.outputs.report.exon_model import exon_labels, protein_name
from mlpa_caller.outputs.report.findings import Event
from mlpa_caller.outputs.report.numbers import Part, Phrase, percent, probability
from mlpa_caller.outputs.report.words import and_list, plain_word, shown_name

__all__ = ["event_phrase", "place", "product_of", "share_of_cells", "short_phrase"]

Call = Mapping[str, Any]

_BOTH = 2


def event_phrase(event: Event, product: str = "") -> Phrase:
    """Return one event as a sentence without a full stop.

    Parameters
    ----------
    event
        The loss or gain.
    product
        Name of the shortened protein, empty where it has none.
    """
    lead = event.lead
    words = _change(event)
    if event.doubtful:
        words = f"Possible {words[0].lower()}{words[1:]}"
    open_range = "range_uncertain" in event.flags
    one = len(event.calls) == 1
    link = ", most probably of" if open_range and not one else " of"
    places = and_list(place(call, open_range and one) for call in event.calls)
    parts: list[Part] = [
        f"{words.removesuffix(',') if link != ' of' else words}{link} {places}, probability "
    ]
    parts += [probability(lead["probability"]), ", ", *share_of_cells(lead)]
    consequence = _consequence(event, product)
    return (*parts, f"; {consequence}") if consequence else tuple(parts)


def short_phrase(event: Event, *, named: bool = True) -> Phrase:
    """Return one event in a few words, for a table of the run; not `named`, without its gene."""
    lead = event.lead
    sign = {"loss": "loss", "gain": "gain"}[event.status]
    both = " of both copies" if lead["copies_lost"] == _BOTH else ""
    inner = "second " if "nested" in event.flags else ""
    open_range = "range_uncertain" in event.flags and len(event.calls) == 1
    where = ", ".join(place(call, open_range) for call in event.calls)
    words = f" {where}" if named else where.removeprefix(shown_name(lead["gene"]))
    head = f"{inner}{sign}{both}{words}"
    if event.doubtful:
        head = f"possible {head}"
    return (
        f"{head}, p ", probability(lead["probability"]), ", ", percent(lead["clone_fraction"]), " % of cells"
    )  # fmt: skip


def place(call: Call, open_range: bool = False) -> str:
    """Return gene and exons of an altered row: ``"IKZF1 exons 4-7"``."""
    gene, exons = shown_name(call["gene"]), shown_name(call["exons"])
    if not exons:
        return gene
    if not exons[0].isdigit():
        return f"{gene} ({exons})"
    word = "exons" if "-" in exons or "," in exons else "exon"
    labels = exon_labels(call["gene"])
    whole = " (whole gene)" if labels and exons == f"{labels[0]}-{labels[-1]}" else ""
    return f"{gene}, most probably {word} {exons}{whole}" if open_range else f"{gene} {word} {exons}{whole}"


def share_of_cells(call: Call) -> Phrase:
    """Return ``"in 62 % (54-70 %) of cells"``."""
    if call["clone_fraction"] is None:
        return ("in an unknown share of cells",)
    low, high = percent(call["clone_fraction_low"]), percent(call["clone_fraction_high"])
    return ("in ", percent(call["clone_fraction"]), " % (", low, "-", high, " %) of cells")


def product_of(event: Event) -> str:
    """Return the name of the shortened protein that the event's own sentence gives (``IK6``), or nothing."""
    lead = event.lead
    if "product" in lead:
        return str(lead["product"])
    named = protein_name(lead["gene"], lead["exons"])
    sentence = lead.get("consequence_sentence", "")
    return named if named and re.search(rf"\b{re.escape(named)}\b", sentence) else ""


def _change(event: Event) -> str:
    copies = event.lead["copies_lost"]
    if event.status == "gain":
        gained = None if copies is None else abs(int(copies))
        return "Gain" if gained is None else f"Gain of {'one copy' if gained == 1 else f'{gained} copies'}"
    if "nested" in event.flags:
        return "Second loss, inside the first and on the other allele,"
    return {1: "Heterozygous loss", _BOTH: "Homozygous loss"}.get(copies, "Loss")


def _consequence(event: Event, product: str) -> str:
    lead = event.lead
    if len(event.genes) > 1:
        return ""
    evidence = f", {lead['evidence']}" if lead["evidence"] else ""
    word = lead["consequence"]
    if event.partners and lead.get(
        "allele_consequence"
    ):  # evidence and sentence are of both alleles together
        word, evidence = lead["allele_consequence"], ""
    if not word or word == "uncertain":
        return "consequence uncertain" if word else ""
    named = f" ({product})" if product else ""
    return f"{plain_word(word)}{named}{evidence}"
