"""What was found in one sample: its calls sorted into events, normal genes and genes without an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.consequence.genes import model_folder

__all__ = ["Event", "Findings", "findings", "main_gene"]

Document = Mapping[str, Any]
Call = Mapping[str, Any]

_SAME_EVENT = (
    "status", "copies_lost", "ratio", "clone_fraction", "clone_fraction_low", "clone_fraction_high",
    "n_probes",
)  # fmt: skip
"""What the rows of one event that takes several genes have in common."""


@dataclass(frozen=True, slots=True)
class Event:
    """One loss or gain.

    Attributes
    ----------
    calls
        Its rows of the calls table, one a gene, in the order of the panel.
    lead
        The row that stands for the event: the least probable, whose figures are given.
    partners
        Number of further events in the same gene and sample.
    """

    calls: tuple[Call, ...]
    lead: Call
    partners: int

    @property
    def status(self) -> str:
        """``loss`` or ``gain``."""
        return str(self.lead["status"])

    @property
    def genes(self) -> tuple[str, ...]:
        """The genes it takes."""
        return tuple(call["gene"] for call in self.calls)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of its rows, each once."""
        return tuple(dict.fromkeys(flag for call in self.calls for flag in call["flags"]))

    @property
    def doubtful(self) -> bool:
        """The change itself is not sure: less than 95 % probable, or seen by one probe only."""
        return bool({"low_probability", "confirm_single_probe"} & set(self.flags))


@dataclass(frozen=True, slots=True)
class Findings:
    """The calls of one sample.

    Attributes
    ----------
    main
        The gene that the report answers first.
    events
        Losses and gains; those of `main` first, then in the order of the panel.
    normal, unanswered
        Rows of genes that are normal, and of genes that are not evaluable.
    """

    main: str
    events: tuple[Event, ...]
    normal: tuple[Call, ...]
    unanswered: tuple[Call, ...]

    @property
    def main_events(self) -> tuple[Event, ...]:
        """The events in the main gene."""
        return tuple(event for event in self.events if self.main in event.genes)

    @property
    def other_events(self) -> tuple[Event, ...]:
        """The events elsewhere."""
        return tuple(event for event in self.events if self.main not in event.genes)

    @property
    def main_call(self) -> Call | None:
        """The row of the main gene where it is normal or not evaluable; None where it is altered."""
        rows = [call for call in (*self.normal, *self.unanswered) if call["gene"] == self.main]
        return rows[0] if rows else None

    @property
    def kind(self) -> str:
        """The sample in one word: ``loss``, ``gain``, ``uncertain``, ``normal`` or ``not_evaluable``.

        A sure change counts before a doubtful one, and any change before the genes without one; a sample whose
        main gene has no answer is ``not_evaluable`` unless another gene is altered.
        """
        for event in self.events:
            if not event.doubtful:
                return event.status
        if self.events:
            return "uncertain"
        call = self.main_call
        open_main = call is not None and call["status"] == "not_evaluable"
        return "not_evaluable" if open_main or not self.normal else "normal"


def main_gene(document: Document) -> str:
    """Return the gene a report answers first: the first with an exon model, else the panel's first gene."""
    genes: Sequence[str] = document["panel"]["genes"]
    return next((gene for gene in genes if model_folder(gene)), genes[0] if genes else "")


def findings(calls: Iterable[Call], main: str, chrom: Mapping[str, str]) -> Findings:
    """Sort the calls of one sample.

    Parameters
    ----------
    calls
        The rows of the sample, as in ``result.json``.
    main
        The gene to answer first.
    chrom
        Chromosome by gene, empty where unknown: an event stays on one chromosome.
    """
    rows = list(calls)
    altered = [call for call in rows if call["status"] in ("loss", "gain")]
    groups: dict[tuple[Any, ...], list[Call]] = {}
    for call in altered:
        key = (
            chrom.get(call["gene"]) or call["gene"],
            "nested" in call["flags"],
            *(call[name] for name in _SAME_EVENT),
        )
        if any(call["gene"] == other["gene"] for other in groups.get(key, ())):
            key = (*key, call["exons"])
        groups.setdefault(key, []).append(call)
    rows_of = Counter(call["gene"] for call in altered)
    events = [_event(group, rows_of[group[0]["gene"]] - 1) for group in groups.values()]
    return Findings(
        main=main,
        events=tuple(sorted(events, key=lambda event: main not in event.genes)),
        normal=tuple(call for call in rows if call["status"] == "normal"),
        unanswered=tuple(call for call in rows if call["status"] == "not_evaluable"),
    )


def _event(group: Sequence[Call], partners: int) -> Event:
    def sureness(call: Call) -> float:
        value = call["probability"]
        return float("inf") if value is None else float(value)

    return Event(tuple(group), min(group, key=sureness), partners)
