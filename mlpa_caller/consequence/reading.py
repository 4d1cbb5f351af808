"""What a loss or gain of exons means in a gene with an exon model, also where exons have no probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from mlpa_caller.consequence.exon_table import BUILDS, Transcript, transcript
from mlpa_caller.consequence.exon_text import exon_text
from mlpa_caller.consequence.names import Span, coding_name, genomic_name, spans
from mlpa_caller.consequence.somatic import (
    ESTABLISHED,
    PREDICTED,
    UNCERTAIN,
    allele_loss,
)

__all__ = ["Reading", "gain_reading", "loss_reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Consequence of one event on one allele, and its names.

    Attributes
    ----------
    exons
        Numbers of the altered exons.
    somatic_class, evidence
        See `AlleleLoss`; ``uncertain`` where exons without a probe leave more than one class open.
    frame, coding_lost, domains_lost, domains_kept, hgvs_p
        Empty or None where they are not the same for every loss that fits.
    hgvs_c, hgvs_g
        On the transcript; on the chromosome, by build.
    reason, source
        Sentence without a full stop, and where it comes from.
    """

    exons: tuple[int, ...]
    somatic_class: str
    evidence: str
    frame: str
    coding_lost: int | None
    domains_lost: tuple[str, ...]
    domains_kept: tuple[str, ...]
    hgvs_p: str
    hgvs_c: str
    hgvs_g: tuple[str, str]
    reason: str
    source: str


@lru_cache(maxsize=1024)
def loss_reading(exons: tuple[int, ...], probed: tuple[int, ...], folder: str) -> Reading:
    """Return what the loss of `exons` from one allele means when only the exons `probed` have a probe.

    Every set of exons that fits the probes is worked out; what they agree in is said, the rest is uncertain.
    """
    model = transcript(folder)
    changes = spans(exons, probed)
    fits = [allele_loss(found, folder) for found in _completions(model, changes)]
    first = fits[0]
    classes = {fit.somatic_class for fit in fits}
    if len(fits) == 1:
        reason, somatic_class = first.sentence, first.somatic_class
        if first.product:
            reason = f"the protein left is {first.product}; {reason}"
    else:
        ranges = _listed([exon_text(fit.exons) for fit in fits])
        open_end = f"exons without a probe may be lost too ({ranges} fit)"
        if len(classes) == 1:
            reason, somatic_class = f"{open_end}; in each case {first.sentence}", first.somatic_class
        else:
            reason, somatic_class = f"{open_end}, and they differ in consequence", UNCERTAIN
    hgvs_c, hgvs_g = _names(model, changes, "del")
    return Reading(
        exons,
        somatic_class,
        ESTABLISHED if all(fit.evidence == ESTABLISHED for fit in fits) else PREDICTED,
        first.frame if len({fit.frame for fit in fits}) == 1 else "",
        first.coding_lost if len({fit.coding_lost for fit in fits}) == 1 else None,
        tuple(name for name in first.domains_lost if all(name in fit.domains_lost for fit in fits)),
        tuple(name for name in first.domains_kept if all(name in fit.domains_kept for fit in fits)),
        first.hgvs_p if len({fit.hgvs_p for fit in fits}) == 1 else "p.?",
        hgvs_c,
        hgvs_g,
        reason,
        "; ".join(dict.fromkeys(fit.source for fit in fits[:3])),
    )


@lru_cache(maxsize=1024)
def gain_reading(exons: tuple[int, ...], probed: tuple[int, ...], folder: str) -> Reading:
    """Return what a gain of `exons` means: its place is not seen, so it is never a loss of function."""
    model = transcript(folder)
    hgvs_c, hgvs_g = _names(model, spans(exons, probed), "dup")
    return Reading(
        exons, UNCERTAIN, PREDICTED, "", None, (), (), "p.?", hgvs_c, hgvs_g,
        "extra copies are present, but MLPA does not show where they lie or whether they are read "
        "(named dup as if in tandem; consequence uncertain)",
        "a copy-number assay gives no position of extra copies (HGVS, duplication)",
    )  # fmt: skip


def _names(model: Transcript, changes: Sequence[Span], kind: str) -> tuple[str, tuple[str, str]]:
    new, old = (genomic_name(model, changes, kind, build) for build in BUILDS)
    return coding_name(model, changes, kind), (new, old)


def _completions(model: Transcript, changes: Sequence[Span]) -> list[tuple[int, ...]]:
    """Return every set of exons that fits: each end may take in the exons without a probe beside it."""
    choices = []
    for span in changes:
        low = model.numbers[0] if span.before is None else span.before + 1
        high = model.numbers[-1] if span.after is None else span.after - 1
        choices.append([
            range(start, end + 1)
            for start in range(span.first, low - 1, -1)
            for end in range(span.last, high + 1)
        ])  # fmt: skip
    found = [tuple(sorted(set().union(*choice))) for choice in product(*choices)]
    return list(dict.fromkeys(found))


def _listed(texts: Sequence[str], most: int = 4) -> str:
    if len(texts) <= most:
        return " or ".join(texts)
    return f"{', '.join(texts[:most])} and {len(texts) - most} more"
