"""Names of calls: HGVS with the range in which each end lies, and a suggested ISCN string.

An end of a loss lies between the last unaffected and the first affected exon that has a probe. HGVS writes
both ends as such ranges, ``(160+1_161-1)_(850+1_851-1)``, and ``?`` where nothing unaffected was tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlpa_caller.consequence.exon_table import Transcript
from mlpa_caller.consequence.exon_text import exon_text, runs
from mlpa_caller.consequence.genes import contigs, genes

__all__ = ["Span", "coding_name", "genomic_name", "interval_name", "iscn_name", "spans"]


@dataclass(frozen=True, slots=True)
class Span:
    """One contiguous change: first and last affected exon, and the nearest unaffected ones with a probe.

    `before` and `after` are None where no exon with a probe lies on that side.
    """

    before: int | None
    first: int
    last: int
    after: int | None


def spans(exons: Sequence[int], probed: Sequence[int]) -> tuple[Span, ...]:
    """Return the contiguous changes in `exons`.

    Parameters
    ----------
    exons
        Numbers of the affected exons. Exons without a probe between two affected ones count as affected.
    probed
        Numbers of the exons that have a probe, ascending.
    """
    found = []
    tested = sorted(set(probed) | set(exons))
    for first, last in runs(exons):
        before = [number for number in tested if number < first]
        after = [number for number in tested if number > last]
        found.append(Span(before[-1] if before else None, first, last, after[0] if after else None))
    return tuple(found)


def coding_name(model: Transcript, changes: Sequence[Span], kind: str) -> str:
    """Return the HGVS name on the transcript; several changes are written as on one allele.

    `kind` is ``del`` or ``dup``.
    """
    parts = []
    for span in changes:
        first, last = model.exon(span.first), model.exon(span.last)
        low = first.c_start + ("" if span.first == model.numbers[0] else "-1")
        high = last.c_end + ("" if span.last == model.numbers[-1] else "+1")
        before = "?" if span.before is None else f"{model.exon(span.before).c_end}+1"
        after = "?" if span.after is None else f"{model.exon(span.after).c_start}-1"
        parts.append(f"({before}_{low})_({high}_{after}){kind}")
    return _joined(f"{model.name}:c.", parts)


def genomic_name(model: Transcript, changes: Sequence[Span], kind: str, build: str) -> str:
    """Return the HGVS name on the chromosome of `build`, ends placed by the exon table."""
    parts = []
    for span in changes:
        before = None if span.before is None else model.exon(span.before).end[build]
        after = None if span.after is None else model.exon(span.after).start[build]
        first, last = model.exon(span.first).start[build], model.exon(span.last).end[build]
        parts.append(_interval(before, first, last, after) + kind)
    return _joined(f"{contigs(build)[model.chrom].refseq}:g.", parts)


def interval_name(
    chrom: str, before: int | None, first: int, last: int, after: int | None, kind: str, build: str = "GRCh38"
) -> str:
    """Return the HGVS name of one change by its probes, from the last unaffected to the next unaffected."""
    return f"{contigs(build)[chrom].refseq}:g.{_interval(before, first, last, after)}{kind}"


def _interval(before: int | None, first: int, last: int, after: int | None) -> str:
    low, high = ("?" if end is None else str(end) for end in (before, after))
    return f"({low}_{first})_({last}_{high})"


def _joined(prefix: str, parts: Sequence[str]) -> str:
    return prefix + (parts[0] if len(parts) == 1 else f"[{';'.join(parts)}]")


def iscn_name(gene: str, copies: Sequence[tuple[str, int]]) -> str:
    """Return a suggested ISCN string for a region-specific assay, ``rsa 7p12.2(IKZF1 ex4-7)x1``.

    Parameters
    ----------
    gene
        Symbol; empty is returned for a gene whose cytoband is not known.
    copies
        Exon text (empty for the whole gene) and copies in the altered cells, in order along the gene.
    """
    known = genes().get(gene)
    if known is None or not copies:
        return ""
    parts = [f"({gene}{' ex' + text if text else ''})x{number}" for text, number in copies]
    return f"rsa {known.cytoband}{','.join(parts)}"


def copies_along(model: Transcript, lost: dict[int, int]) -> list[tuple[str, int]]:
    """Return exon text and copies left of each stretch of altered exons, from copies lost by exon number."""
    stretches: list[tuple[list[int], int]] = []
    for number in model.numbers:
        change = lost.get(number, 0)
        if not change:
            continue
        if stretches and stretches[-1][1] == 2 - change and stretches[-1][0][-1] == number - 1:
            stretches[-1][0].append(number)
        else:
            stretches.append(([number], 2 - change))
    return [(exon_text(numbers), left) for numbers, left in stretches]
