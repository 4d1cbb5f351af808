"""One small change of the genome: trimmed, shifted as HGVS asks, and named on transcript and chromosome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlpa_caller.consequence.exon_table import Exon, Transcript
from mlpa_caller.consequence.genes import contigs

__all__ = ["Change", "coding_change_name", "coding_number", "genomic_change_name", "shifted", "trimmed"]


@dataclass(frozen=True, slots=True)
class Change:
    """Bases `start` to `end` of the chromosome (from 1, both included) become `new`.

    An insertion has ``end == start - 1`` and stands between these two positions. `old` are the bases
    replaced.
    """

    start: int
    end: int
    old: str
    new: str

    @property
    def kind(self) -> str:
        """``sub``, ``del``, ``ins`` or ``delins``."""
        if not self.old:
            return "ins"
        if not self.new:
            return "del"
        return "sub" if len(self.old) == len(self.new) == 1 else "delins"


def trimmed(pos: int, ref: str, alt: str) -> Change:
    """Return the change of a VCF allele without the bases that REF and ALT share at their ends."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        ref, alt, pos = ref[1:], alt[1:], pos + 1
    return Change(pos, pos + len(ref) - 1, ref, alt)


def coding_number(model: Transcript, exon: Exon, position: int, build: str) -> int | None:
    """Return the ``c.`` number of a position in the coding part of an exon; None elsewhere."""
    span = model.coding_span(exon.number, build)
    if span is None or exon.coding is None or not span[0] <= position <= span[1]:
        return None
    return exon.coding[0] + position - span[0]


def shifted(model: Transcript, change: Change, build: str) -> Change:
    """Return a deletion or insertion moved as far 3' as its exon's coding part allows (the 3' rule)."""
    if change.kind not in ("del", "ins"):
        return change
    for exon in model.exons:
        span = model.coding_span(exon.number, build)
        if span is None or not (span[0] <= change.start and change.end <= span[1]):
            continue
        if change.kind == "ins" and change.start > span[1]:
            continue
        first = model.position(exon.coding[0], build) if exon.coding else 0
        sequence = model.coding[exon.coding[0] - 1 : exon.coding[1]] if exon.coding else ""
        moved = change.old or change.new
        start = change.start
        while start + len(change.old) <= span[1] and sequence[start + len(change.old) - first] == moved[0]:
            moved, start = moved[1:] + moved[0], start + 1
        old, new = (moved, "") if change.old else ("", moved)
        return Change(start, start + len(old) - 1, old, new)
    return change


def _duplicated(model: Transcript, change: Change, build: str) -> tuple[int, int] | None:
    """Return the positions an insertion repeats; None where it is no duplication or that is not known."""
    size = len(change.new)
    for exon in model.exons:
        low, high = (coding_number(model, exon, p, build) for p in (change.start - size, change.start - 1))
        if low is not None and high is not None and model.coding[low - 1 : high] == change.new:
            return change.start - size, change.start - 1
    return None


def coding_change_name(model: Transcript, change: Change, build: str) -> str:
    """Return the HGVS name on the transcript, the change being `shifted` already."""
    return f"{model.name}:c." + _name(model, change, build, lambda p: _coding_text(model, p, build))


def genomic_change_name(model: Transcript, change: Change, build: str, target: str) -> str:
    """Return the HGVS name on the chromosome of the build `target`; `change` is placed in `build`.

    Positions are carried over with the offset of the nearest exon, which holds within and beside exons.
    """

    def text(position: int) -> str:
        exon = min(
            model.exons,
            key=lambda e: max(e.start[build] - position, position - e.end[build], 0),
        )
        return str(position - exon.start[build] + exon.start[target])

    return f"{contigs(target)[model.chrom].refseq}:g." + _name(model, change, build, text)


def _name(model: Transcript, change: Change, build: str, text: Callable[[int], str]) -> str:
    kind = change.kind
    if kind == "sub":
        return f"{text(change.start)}{change.old}>{change.new}"
    if kind == "ins":
        repeated = _duplicated(model, change, build)
        if repeated is None:
            return f"{text(change.start - 1)}_{text(change.start)}ins{change.new}"
        start, end = repeated
    else:
        start, end = change.start, change.end
    span = text(start) if start == end else f"{text(start)}_{text(end)}"
    return span + ("dup" if kind == "ins" else "del" if kind == "del" else f"delins{change.new}")


def _coding_text(model: Transcript, position: int, build: str) -> str:
    """Return a position as HGVS counts it along the transcript: ``41``, ``-3``, ``*12``, ``589+1``."""
    stop = model.position(len(model.coding), build)
    begin = model.position(1, build)
    for i, exon in enumerate(model.exons):
        if exon.start[build] <= position <= exon.end[build]:
            number = coding_number(model, exon, position, build)
            if number is not None:
                return str(number)
            if position > stop:
                return f"*{position - stop}"
            if exon.c_end.startswith("-"):
                return str(int(exon.c_end) - (exon.end[build] - position))
            return str(position - begin)
        if position < exon.start[build]:
            before = model.exons[i - 1] if i else None
            if before is not None and position - before.end[build] <= exon.start[build] - position:
                return f"{before.c_end}+{position - before.end[build]}"
            return f"{exon.c_start}-{exon.start[build] - position}"
    last = model.exons[-1]
    return f"{last.c_end}+{position - last.end[build]}"
