"""What a small change does to the protein, worked out from the exon table and the coding sequence.

Told are changes that shorten or abolish the protein: start codon lost, new stop codon, frameshift, essential
splice site; every other change is named for what it is. Bases of the coding sequence that were not read from
a source are marked, and where a VCF shows the base itself, its base is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.consequence.exon_table import Exon, Transcript, transcript
from mlpa_caller.consequence.exon_text import exon_text
from mlpa_caller.consequence.protein import AMINO_ACIDS, protein_change, residue, translate
from mlpa_caller.consequence.small_change import (
    Change,
    coding_change_name,
    coding_number,
    genomic_change_name,
    shifted,
)
from mlpa_caller.consequence.somatic import allele_loss

__all__ = ["TRUNCATING", "Effect", "effect_of", "reference_mismatch", "windows"]

TRUNCATING = ("start_lost", "stop_gained", "frameshift", "essential_splice", "exon_deletion")
_UNKNOWN = "p.?"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does.

    Attributes
    ----------
    kind
        ``start_lost``, ``stop_gained``, ``frameshift``, ``essential_splice``, ``exon_deletion``,
        ``stop_lost``, ``inframe_indel``, ``missense``, ``synonymous``, ``non_coding`` or ``not_worked_out``.
    truncating
        Whether no normal protein is expected.
    hgvs_c, hgvs_p, hgvs_g38, hgvs_g37
        Names.
    codons
        First and last codon changed; 0, 0 outside the coding sequence.
    unverified
        The result rests on bases of the coding sequence that were not read from a source.
    note
        A clause for the sentence; empty when there is nothing to add.
    """

    kind: str
    truncating: bool
    hgvs_c: str
    hgvs_p: str
    hgvs_g38: str
    hgvs_g37: str
    codons: tuple[int, int]
    unverified: bool
    note: str


@lru_cache(maxsize=8)
def windows(folder: str, build: str) -> list[tuple[int, int]]:
    """Return the stretches of the chromosome where changes are listed: exons with coding sequence and their
    surroundings, and the splice site of the first exon.
    """  # noqa: D205
    model = transcript(folder)
    found = []
    for exon in model.exons:
        span = model.coding_span(exon.number, build)
        flank = model.listed_flank
        if span is None:
            found.append((exon.end[build] + 1, exon.end[build] + flank))
        elif exon is model.exons[-1]:
            found.append((exon.start[build] - flank, span[1]))
        else:
            found.append((exon.start[build] - flank, exon.end[build] + flank))
    return found


def reference_mismatch(folder: str, build: str, pos: int, ref: str) -> tuple[int, str] | None:
    """Return position and expected base where REF contradicts the coding sequence; None where it agrees.

    Bases that were not read from a source, and ``N``, contradict nothing.
    """
    model = transcript(folder)
    for exon in model.exons:
        span = model.coding_span(exon.number, build)
        if span is None or pos > span[1] or pos + len(ref) - 1 < span[0]:
            continue
        for position in range(max(pos, span[0]), min(pos + len(ref) - 1, span[1]) + 1):
            c = coding_number(model, exon, position, build) or 0
            base = ref[position - pos]
            if base not in (model.coding[c - 1], "N") and c not in model.unverified:
                return position, model.coding[c - 1]
    return None


@lru_cache(maxsize=65536)
def effect_of(change: Change, build: str, folder: str, ref_pos: int, ref: str) -> Effect:
    """Return what a change does.

    Parameters
    ----------
    change
        As `trimmed` gives it, bases A, C, G and T.
    build, folder
        Build of the positions, and the gene's exon model.
    ref_pos, ref
        POS and REF of the record, which show the reference bases.
    """
    model = transcript(folder)
    kind, note, hgvs_p, codons, unverified = _worked_out(model, change, build, ref_pos, ref)
    named = shifted(model, change, build)
    return Effect(
        kind,
        kind in TRUNCATING and (kind != "exon_deletion" or note == ""),
        coding_change_name(model, named, build),
        hgvs_p,
        genomic_change_name(model, named, build, "GRCh38"),
        genomic_change_name(model, named, build, "GRCh37"),
        codons,
        unverified,
        note,
    )


_Worked = tuple[str, str, str, tuple[int, int], bool]


def _worked_out(model: Transcript, change: Change, build: str, ref_pos: int, ref: str) -> _Worked:
    """Return kind, note, protein name, codons and whether unverified bases matter."""
    whole = tuple(
        exon.number
        for exon in model.exons
        if change.old and change.start <= exon.start[build] and exon.end[build] <= change.end
    )
    site = _splice_hit(model, change, build, whole)
    if site is not None and (number := site[0]) == model.numbers[0] and not whole:
        note = "it hits the splice site of the non-coding first exon; what that does needs an RNA test"
        return "non_coding", note, _UNKNOWN, (0, 0), False
    if site is not None:
        return "essential_splice", f"{site[1]} of exon {number}", _UNKNOWN, (0, 0), False
    if whole:
        return _exons_lost(whole)
    for exon in model.exons:
        if change.start <= exon.end[build] + 1 and change.end >= exon.start[build] - 1:
            return _in_exon(model, change, exon, build, ref_pos, ref)
    return "non_coding", "", _UNKNOWN, (0, 0), False


def _in_exon(
    model: Transcript, change: Change, exon: Exon, build: str, ref_pos: int, ref: str
) -> _Worked:  # fmt: skip
    """Return the effect of a change in or at one exon that leaves its splice sites alone."""
    span = model.coding_span(exon.number, build)
    outside = ("non_coding", "", _UNKNOWN, (0, 0), False)
    if span is None or change.end < span[0] - 1 or change.start > span[1] + 1:
        return outside
    if not change.old and change.start in (span[0], span[1] + 1):
        if change.start in (exon.start[build], exon.end[build] + 1):
            return "not_worked_out", "it is inserted where exon and intron meet", _UNKNOWN, (0, 0), False
        return outside  # before the start codon, or behind the stop codon
    if change.end < span[0] or change.start > span[1]:
        return outside
    if change.start < span[0]:
        return "start_lost", "", "p.(Met1?)", (1, 1), False
    if change.end > span[1]:
        return "not_worked_out", "it takes part of the stop codon and reaches beyond", _UNKNOWN, (0, 0), False
    number = coding_number(model, exon, change.start, build)
    return _coding(model, change, number or 0, build, ref_pos, ref)


def _exons_lost(numbers: tuple[int, ...]) -> _Worked:
    loss = allele_loss(numbers)
    note = ""
    if loss.somatic_class != "null":
        note = f"it takes exons {exon_text(numbers)} whole, as a deletion seen by MLPA does: {loss.sentence}"
    return "exon_deletion", note, loss.hgvs_p, (0, 0), False


def _splice_hit(
    model: Transcript, change: Change, build: str, whole: tuple[int, ...]
) -> tuple[int, str] | None:  # fmt: skip
    """Return exon and side of the essential splice site that a change destroys; whole lost exons aside."""
    for exon, side, low, high in _splice_sites(model, build):
        deleted = bool(change.old) and change.start <= high and change.end >= low
        parted = not change.old and low < change.start <= high  # inserted between two bases of the site
        if exon not in whole and (deleted or parted):
            return exon, side
    return None


def _splice_sites(model: Transcript, build: str) -> Iterator[tuple[int, str, int, int]]:
    size = model.essential_splice
    for exon in model.exons:
        if exon is not model.exons[-1]:
            yield exon.number, "donor", exon.end[build] + 1, exon.end[build] + size
        if exon is not model.exons[0]:
            yield exon.number, "acceptor", exon.start[build] - size, exon.start[build] - 1


def _coding(model: Transcript, change: Change, c: int, build: str, ref_pos: int, ref: str) -> _Worked:
    """Return the effect of a change inside the coding part of one exon; `c` is its first base."""
    sequence = _as_seen(model, build, ref_pos, ref)
    mutant = sequence[: c - 1] + change.new + sequence[c - 1 + len(change.old) :]
    last = c + max(len(change.old), 1) - 1
    codons = ((c + 2) // 3, (last + 2) // 3)
    normal, changed = translate(sequence), translate(mutant)
    reach = range(codons[0] * 3 - 2, codons[1] * 3 + 1)
    if c <= 3 and mutant[:3] != sequence[:3]:
        return "start_lost", "", "p.(Met1?)", codons, False
    step = len(change.new) - len(change.old)
    whole = changed[: len(normal) - 1] == normal[:-1]  # every residue before the stop codon is kept
    if step % 3 and not whole:
        reach = range(c, max(3 * len(changed), last) + 1)
        unverified = not model.unverified.isdisjoint(reach)
        return "frameshift", _where(model, c), _frameshift_name(normal, changed), codons, unverified
    unverified = not model.unverified.isdisjoint(reach)
    if changed == normal:  # before the next tests: a change at the stop codon may leave it where it is
        name = f"p.({residue(normal, codons[0])}=)" if codons[0] == codons[1] else "p.(=)"
        return "synonymous", "", name, codons, unverified
    if changed[-1:] != "*" or step % 3:
        return "stop_lost", "", _UNKNOWN, codons, unverified
    if len(changed) < len(normal) + step // 3:
        return "stop_gained", _where(model, c), _stop_name(normal, changed), codons, unverified
    kind = "missense" if len(change.old) == len(change.new) else "inframe_indel"
    return kind, "", protein_change(normal, changed), codons, unverified


def _as_seen(model: Transcript, build: str, ref_pos: int, ref: str) -> str:
    """Return the coding sequence with unverified bases as the record's REF shows them."""
    sequence = model.coding
    for c in sorted(model.unverified):
        at = model.position(c, build) - ref_pos
        if 0 <= at < len(ref) and ref[at] in "ACGT":
            sequence = sequence[: c - 1] + ref[at] + sequence[c:]
    return sequence


def _where(model: Transcript, c: int) -> str:
    last = model.exons[-1]
    if last.coding is not None and c >= last.coding[0]:
        return "in the last exon: a shortened protein without the end of exon 8 may be made"
    return ""


def _first_change(normal: str, changed: str) -> int:
    return next((i for i, pair in enumerate(zip(normal, changed)) if pair[0] != pair[1]), len(changed))


def _stop_name(normal: str, changed: str) -> str:
    first = _first_change(normal, changed)
    if changed[first] == "*":
        return f"p.({residue(normal, first + 1)}Ter)"
    new = "".join(AMINO_ACIDS[letter] for letter in changed[first:])
    return f"p.({residue(normal, first + 1)}delins{new})"


def _frameshift_name(normal: str, changed: str) -> str:
    first = _first_change(normal, changed)
    if first >= len(changed) or first >= len(normal):
        return _UNKNOWN
    if changed[first] == "*":
        return f"p.({residue(normal, first + 1)}Ter)"
    stop = changed.find("*", first)
    count = "?" if stop < 0 else str(stop - first + 1)
    return f"p.({residue(normal, first + 1)}{AMINO_ACIDS[changed[first]]}fsTer{count})"
