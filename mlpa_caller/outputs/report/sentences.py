"""The answers of a report, one sentence each, made of the words and numbers of the calls table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.outputs.report.event_words import event_phrase, product_of
from mlpa_caller.outputs.report.findings import Event, Findings
from mlpa_caller.outputs.report.numbers import Number, Part, Phrase, percent, probability
from mlpa_caller.outputs.report.words import and_list, flag, shown_name

__all__ = [
    "KIND_WORDS",
    "Line",
    "answer_lines",
]

Call = Mapping[str, Any]

KIND_WORDS = {
    "loss": "Loss",
    "gain": "Gain",
    "uncertain": "Uncertain",
    "normal": "Normal",
    "not_evaluable": "Not evaluable",
}
"""What stands beside each kind of answer, so that no answer is told by colour alone."""

_NO_REASON = ("low_quality", "missing_probes")


@dataclass(frozen=True, slots=True)
class Line:
    """One answer.

    Attributes
    ----------
    kind
        A key of `KIND_WORDS`.
    phrase
        The answer in a sentence.
    details
        What the event does to the protein, in the words of the calls table.
    remarks
        What its flags mean: label and sentence.
    """

    kind: str
    phrase: Phrase
    details: tuple[str, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()

    @property
    def word(self) -> str:
        """The kind in words."""
        return KIND_WORDS[self.kind]


def answer_lines(
    found: Findings,
    *,
    blast_fraction: float | None,
    reasons: Sequence[str],
    tested: str,
) -> tuple[Line, ...]:
    """Return the answers for one sample: the main gene first, then what else was found, is open, is normal.

    Parameters
    ----------
    found
        The sorted calls of the sample.
    blast_fraction
        As stated in the sample sheet.
    reasons
        The quality reasons of the sample.
    tested
        The loss that the main gene's limit of detection is stated for (``"exons 4-7"``).
    """
    unanswered = found.unanswered
    if unanswered and not found.events and not found.normal:
        return (_nothing_answered(unanswered, blast_fraction, reasons),)
    lines = [_event_line(event) for event in found.main_events]
    call = found.main_call
    if call is not None:
        lines.append(_quiet_line(call, tested, blast_fraction))
    lines += [_event_line(event) for event in found.other_events]
    rest = [call for call in unanswered if call["gene"] != found.main]
    if rest:
        lines.append(_unanswered_line(rest, blast_fraction))
    normal = [call for call in found.normal if call["gene"] != found.main]
    if normal:
        lines.append(_normal_line(normal))
    return tuple(lines)


def _event_line(event: Event) -> Line:
    return Line(
        "uncertain" if event.doubtful else event.status,
        event_phrase(event, product_of(event)),
        _details(event),
        _remarks(event.flags, event.status),
    )


def _details(event: Event) -> tuple[str, ...]:
    """Return what the event does; for an event in several genes each reason once, with the genes it is of.

    A loss inside another has no sentence of its own: that of the outer loss tells of both alleles.
    """
    if "nested" in event.flags:
        return ()
    if len(event.calls) == 1:
        text = event.lead.get("consequence_sentence", "")
        return (text,) if text else ()
    genes: dict[str, list[str]] = {}
    for call in event.calls:
        reason = call.get("consequence_sentence", "").partition(": ")[2]
        if reason and call.get("consequence_source"):
            genes.setdefault(reason, []).append(shown_name(call["gene"]))
    return tuple(f"{and_list(names)}: {reason}" for reason, names in genes.items())


def _remarks(flags: Sequence[str], status: str) -> tuple[tuple[str, str], ...]:
    known = [flag(name, status) for name in flags if name != "nested"]
    return tuple((item.label, item.meaning) for item in known)


def _quiet_line(call: Call, tested: str, blast_fraction: float | None) -> Line:
    """Return the answer for a main gene that is normal or not evaluable."""
    gene = shown_name(call["gene"])
    if call["status"] == "not_evaluable":
        why = _why([call], blast_fraction)
        return Line("not_evaluable", (f"{gene} not evaluable: ", *why), (),
                    _remarks(call["flags"], "not_evaluable"))  # fmt: skip
    sure = "" if "low_probability" not in call["flags"] else "probably "
    parts: list[Part] = [
        f"{gene} {sure}normal: no loss or gain, probability ",
        probability(call["probability"]),
    ]
    limit = call["limit_of_detection"]
    if limit is None:
        parts.append("; no limit of detection can be stated")
    elif limit > 1:
        parts += ["; a loss ", f"of {tested} " if tested else "", "could be missed even in all cells"]
    else:
        parts += [f"; a loss{f' of {tested}' if tested else ''} in ", percent(limit),
                  " % of cells or more would have been seen (limit of detection)"]  # fmt: skip
    return Line("normal", tuple(parts), (), _remarks(call["flags"], "normal"))


def _normal_line(calls: Sequence[Call]) -> Line:
    limits = [call["limit_of_detection"] for call in calls if call["limit_of_detection"] is not None]
    parts: list[Part] = [f"No loss or gain of {and_list(shown_name(call['gene']) for call in calls)}"]
    if limits:
        low, high = percent(min(limits)), percent(max(limits))
        parts += ["; limit of detection ", low]
        parts += ["-", high] if _text(low) != _text(high) else []
        parts.append(" % of cells")
    for call in calls:
        if "low_probability" in call["flags"]:
            parts += [f"; {shown_name(call['gene'])} only probably, ", probability(call["probability"])]
    return Line("normal", tuple(parts))


def _text(part: Part) -> str:
    return part.text if isinstance(part, Number) else part


def _unanswered_line(calls: Sequence[Call], blast_fraction: float | None) -> Line:
    genes = and_list(shown_name(call["gene"]) for call in calls)
    flags = tuple(dict.fromkeys(name for call in calls for name in call["flags"]))
    return Line("not_evaluable", (f"{genes} not evaluable: ", *_why(calls, blast_fraction)), (),
                _remarks(flags, "not_evaluable"))  # fmt: skip


def _nothing_answered(calls: Sequence[Call], blast_fraction: float | None, reasons: Sequence[str]) -> Line:
    why = _why(calls, blast_fraction)
    parts: list[Part] = ["Nothing can be said of this sample: ", *why]
    if reasons:
        parts.append(f" ({'; '.join(reasons)})")
    parts.append(". It is neither normal nor altered; no gene was answered")
    flags = tuple(dict.fromkeys(name for call in calls for name in call["flags"]))
    return Line("not_evaluable", tuple(parts), (), _remarks(flags, "not_evaluable"))


def _why(calls: Sequence[Call], blast_fraction: float | None) -> Phrase:
    """Return why these rows have no answer."""
    names = list(dict.fromkeys(name for call in calls for name in call["flags"]))
    if names[:1] == ["sample_failed"] or "sample_failed" in names:
        return ("the reaction failed",)
    limits = [call["limit_of_detection"] for call in calls]
    if "below_limit_of_detection" in names and blast_fraction is not None and None not in limits:
        low, high = percent(min(limits)), percent(max(limits))
        parts: list[Part] = ["the stated blasts of ", percent(blast_fraction), " % lie below the limit of "]
        parts += ["detection of ", low]
        parts += ["-", high] if _text(low) != _text(high) else []
        return (*parts, " %")
    if "below_limit_of_detection" in names and None in limits:
        return ("no limit of detection can be stated",)
    telling = [flag(name, "not_evaluable").label for name in names if name not in _NO_REASON]
    if telling:
        return (and_list(telling),)
    return (and_list(flag(name, "not_evaluable").label for name in names) or "no reason is given",)
