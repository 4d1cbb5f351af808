"""What became of each lesion between two samples of a patient: it persists, changed, is new, or is not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.outputs.report.event_words import place, share_of_cells
from mlpa_caller.outputs.report.findings import Event
from mlpa_caller.outputs.report.numbers import Part, Phrase, percent, probability
from mlpa_caller.outputs.report.spans import event_probes
from mlpa_caller.outputs.report.view_patient import PatientView, Setting
from mlpa_caller.outputs.report.words import and_list, shown_name

__all__ = ["CHANGE_WORDS", "Change", "Sided", "changes"]

CHANGE_WORDS = {
    "persists": "Persists",
    "changed": "Changed",
    "new": "New",
    "lost": "Not seen",
    "open": "Open",
    "normal": "Normal in both",
}
"""What stands beside each line of a comparison."""


@dataclass(frozen=True, slots=True)
class Sided:
    """One of the two samples.

    Attributes
    ----------
    label
        ``first`` or ``second``.
    sample
        As in its document.
    setting, view
        What its report shows.
    """

    label: str
    sample: Mapping[str, Any]
    setting: Setting
    view: PatientView

    @property
    def events(self) -> tuple[Event, ...]:
        """Its losses and gains."""
        return self.view.found.events

    def probes(self, event: Event) -> frozenset[str]:
        """Return the names of the probes in an event."""
        probes = self.setting.probes
        return frozenset(probes[i]["probe"] for i in event_probes(event, probes, self.sample["exons"]))

    def tested(self) -> frozenset[str]:
        """Return the names of the probes that have a ratio."""
        ratios = self.sample["ratios"]["ratio"]
        return frozenset(
            probe["probe"] for probe, ratio in zip(self.setting.probes, ratios) if ratio is not None
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one lesion: a key of `CHANGE_WORDS` and a sentence."""

    kind: str
    phrase: Phrase

    @property
    def word(self) -> str:
        """The kind in words."""
        return CHANGE_WORDS[self.kind]


def changes(first: Sided, second: Sided) -> tuple[Change, ...]:
    """Return what became of every lesion of two samples, those of the first sample first.

    Two events are the same lesion when both are losses or both gains and they share a probe. An event without
    partner is new or not seen only where the other sample could have shown it: its gene is normal there, and
    the sentence names the limit of detection.
    """
    found: list[Change] = []
    partners: dict[int, Event] = {}
    theirs = [(number, event, second.probes(event)) for number, event in enumerate(second.events)]
    for event in first.events:
        mate = _partner(event, first.probes(event), [other for other in theirs if other[0] not in partners])
        if mate is None:
            found.append(_alone(first, event, second, "lost"))
        else:
            partners[mate] = event
            found.append(_pair(first, event, second, second.events[mate]))
    for number, event in enumerate(second.events):
        if number not in partners:
            found.append(_alone(second, event, first, "new"))
    both = _normal_in_both(first, second)
    order = list(CHANGE_WORDS)
    found.sort(key=lambda change: order.index(change.kind))
    return (*found, Change("normal", (and_list(map(shown_name, both)),))) if both else tuple(found)


def _partner(
    event: Event, own: frozenset[str], others: Sequence[tuple[int, Event, frozenset[str]]]
) -> int | None:
    """Return which event of the other sample is the same lesion; the one that shares most probes."""
    nested = "nested" in event.flags
    best, most = None, 0.0
    for number, candidate, theirs in others:
        if candidate.status != event.status or own.isdisjoint(theirs):
            continue
        shared = len(own & theirs) / len(own | theirs)
        if nested == ("nested" in candidate.flags):
            shared += 1
        if shared > most:
            best, most = number, shared
    return best


def _pair(one: Sided, event: Event, other: Sided, mate: Event) -> Change:
    common = one.tested() & other.tested()
    same_range = one.probes(event) & common == other.probes(mate) & common
    same_copies = event.lead["copies_lost"] == mate.lead["copies_lost"]
    same = same_range and same_copies
    head: list[Part] = [f"{_named(event)}"]
    if not same:
        head = [f"{_named(event)} in the first sample, {_lower(_named(mate))} in the second"]
        if "range_uncertain" in (*event.flags, *mate.flags) and same_copies:
            head.append("; the exon range of one of them is not settled, so it may be the same")
    for side, item in ((one, event), (other, mate)):
        head += [f"; {side.label}: probability ", probability(item.lead["probability"]), ", "]
        head += share_of_cells(item.lead)
    return Change("persists" if same else "changed", tuple(head))


def _alone(one: Sided, event: Event, other: Sided, kind: str) -> Change:
    """Return the line of an event that the other sample does not show."""
    head: list[Part] = [f"{_named(event)} in the {one.label} sample, probability "]
    head += [probability(event.lead["probability"]), ", ", *share_of_cells(event.lead)]
    genes = event.genes
    rows = [call for call in other.sample["calls"] if call["gene"] in genes]
    if not rows:
        return Change("open", (*head, f"; not tested in the {other.label} sample"))
    if not other.tested() & one.probes(event):
        return Change("open", (*head, f"; no probe of it has a ratio in the {other.label} sample"))
    if any(call["status"] == "not_evaluable" for call in rows):
        return Change("open", (*head, f"; not evaluable in the {other.label} sample"))
    limits = [call["limit_of_detection"] for call in rows]
    if None in limits:
        return Change("open", (*head, f"; no limit of detection is known in the {other.label} sample"))
    shown: tuple[Part, ...] = (percent(max(limits)), " % of cells")
    state = "normal" if all(call["status"] == "normal" for call in rows) else "not among the changes"
    tail = f"; {state} in the {other.label} sample, where a change of the gene in fewer than "
    return Change(kind, (*head, tail, *shown, " could have been missed"))


def _named(event: Event) -> str:
    status = f"{'second ' if 'nested' in event.flags else ''}{event.status}"
    both = " of both copies" if event.lead["copies_lost"] == 2 else ""
    possible = "possible " if event.doubtful else ""
    words = f"{possible}{status}{both} of {and_list(place(call) for call in event.calls)}"
    return f"{words[0].upper()}{words[1:]}"


def _lower(text: str) -> str:
    return f"{text[0].lower()}{text[1:]}"


def _normal_in_both(first: Sided, second: Sided) -> Sequence[str]:
    genes = {call["gene"] for call in second.view.found.normal}
    return [call["gene"] for call in first.view.found.normal if call["gene"] in genes]
