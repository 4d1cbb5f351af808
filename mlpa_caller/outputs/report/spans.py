"""Where on the panel an event lies: the exon units of its calls, and the probes in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlpa_caller.outputs.report.findings import Event

__all__ = ["event_probes", "labels_inside", "runs_of"]


def labels_inside(call: Mapping[str, Any], exons: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the labels of the gene's exon units that lie in the range of a call.

    Parameters
    ----------
    call
        A row of the calls with a range in ``exons``.
    exons
        The exon rows of its sample, in order along each gene.
    """
    labels = [row["exon"] for row in exons if row["gene"] == call["gene"]]
    text = call["exons"]
    if text in labels:
        return {text}
    if len(text) > 2 * max(map(len, labels), default=0) + 1:
        return set()  # longer than a range of two labels
    for spot, sign in enumerate(text):
        if sign == "-" and text[:spot] in labels and text[spot + 1 :] in labels:
            first, last = sorted((labels.index(text[:spot]), labels.index(text[spot + 1 :])))
            return set(labels[first : last + 1])
    return set()


def event_probes(
    event: Event, probes: Sequence[Mapping[str, Any]], exons: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Return the indices of the target probes that lie in an event.

    Parameters
    ----------
    event
        The loss or gain.
    probes
        The panel's probes, as in the document.
    exons
        The exon rows of the sample.
    """
    found = []
    for call in event.calls:
        inside = labels_inside(call, exons)
        found += [
            i
            for i, probe in enumerate(probes)
            if probe["gene"] == call["gene"]
            and probe["role"] == "target"
            and (probe["exon"] or probe["probe"]) in inside
        ]
    return found


def runs_of(places: Iterable[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of neighbouring places."""
    runs: list[tuple[int, int]] = []
    for at in sorted(places):
        if runs and runs[-1][1] == at - 1:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs
