"""The annotation of one call: its consequence in one word and one sentence, and its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from mlpa_caller.consequence.alleles import BOTH, Loss, both_alleles, copies_lost, settle
from mlpa_caller.consequence.events import CallRow, Footprint, gene_units
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.exon_text import exon_numbers, exon_text
from mlpa_caller.consequence.genes import model_folder
from mlpa_caller.consequence.names import copies_along, interval_name, iscn_name
from mlpa_caller.consequence.other_genes import gene_reading, is_whole_gene
from mlpa_caller.consequence.panel_view import GeneView, probed_exons
from mlpa_caller.consequence.placement import by_probes
from mlpa_caller.consequence.reading import gain_reading, loss_reading
from mlpa_caller.consequence.somatic import PREDICTED, UNCERTAIN, class_word
from mlpa_caller.errors import shown

__all__ = ["ADDED", "EMPTY", "Annotation", "Annotator"]

ADDED = (
    "allele_consequence", "frame", "coding_nt_lost", "zinc_fingers_lost", "zinc_fingers_kept", "hgvs_p",
    "hgvs_g38", "hgvs_g37", "hgvs_g38_probes", "consequence_sentence", "consequence_source",
)  # fmt: skip
_NAN = float("nan")
_ONE_PROBE = "One probe only saw it: a variant under the probe looks the same, confirm it."


@dataclass(frozen=True, slots=True)
class Annotation:
    """What `annotate_calls` writes beside one call; the names are those of the columns.

    `consequence` is that of both alleles where both are hit, `allele_consequence` that of this event alone.
    """

    consequence: str = ""
    evidence: str = ""
    hgvs: str = ""
    iscn: str = ""
    allele_consequence: str = ""
    frame: str = ""
    coding_nt_lost: float = _NAN
    zinc_fingers_lost: str = ""
    zinc_fingers_kept: str = ""
    hgvs_p: str = ""
    hgvs_g38: str = ""
    hgvs_g37: str = ""
    hgvs_g38_probes: str = ""
    consequence_sentence: str = ""
    consequence_source: str = ""


EMPTY = Annotation()


class Annotator:
    """Annotates calls of one panel; equal situations are worked out once."""

    def __init__(self, views: Mapping[str, GeneView]) -> None:
        self.views = views
        self._one = lru_cache(maxsize=65536)(self._annotation)
        self._probe_name = lru_cache(maxsize=4096)(self._named_by_probes)

    def annotation(self, row: CallRow, patient: Sequence[CallRow], event: Footprint) -> Annotation:
        """Return the annotation of an altered row.

        Parameters
        ----------
        row
            The call.
        patient
            Every altered row of the same sample and gene, `row` included.
        event
            The event the row belongs to (`footprints`).
        """
        others = tuple((other.status, other.exons, other.copies) for other in patient)
        same_cells = len(patient) == BOTH and sum(other.low for other in patient) > 1
        found = self._one(row.gene, row.status, row.exons, row.copies, row.n_probes, others, same_cells)
        name = self._probe_name(event, "del" if row.status == "loss" else "dup") if self.views else ""
        if not name:
            return found
        return replace(found, hgvs_g38_probes=name, hgvs=found.hgvs or name)

    def _named_by_probes(self, event: Footprint, kind: str) -> str:
        placed = by_probes(event, self.views)
        if len(placed) != 1:
            return ""
        at = placed[0]
        return interval_name(at.chrom, at.before or None, at.start, at.end, at.after or None, kind)

    def _annotation(
        self,
        gene: str,
        status: str,
        exons: str,
        copies: int | None,
        n_probes: int | None,
        patient: tuple[tuple[str, str, int | None], ...],
        same_cells: bool,
    ) -> Annotation:
        folder = model_folder(gene)
        if folder:
            return self._by_model(folder, gene, status, exons, copies, n_probes, patient, same_cells)
        whole = is_whole_gene(gene, exons, self.views.get(gene))
        total, others_whole = self._around(gene, exons, patient)
        copies = total if status == "loss" else copies
        found = gene_reading(gene, status, whole, copies, n_probes, others_whole)
        label = "" if whole else exons
        place = f"in {gene} ({label})" if label else f"of {gene}"
        head = f"{status.capitalize()} {place}{_on(status, copies)}"
        return Annotation(
            consequence=found.consequence,
            evidence=found.evidence,
            iscn="" if copies is None else iscn_name(gene, [(label, 2 - copies)]),
            allele_consequence=found.allele,
            consequence_sentence=f"{head}: {found.reason}.",
            consequence_source=found.source,
        )

    def _around(
        self, gene: str, exons: str, patient: tuple[tuple[str, str, int | None], ...]
    ) -> tuple[int | None, bool]:
        """Return copies lost where `exons` are, all losses of the patient together, and whether each of these
        losses takes the whole gene; None copies where they are not known or contradict.
        """  # noqa: D205
        view = self.views.get(gene)
        own = gene_units(gene, exons, view)
        losses = [(text, n) for what, text, n in patient if what == "loss"]
        covering = [(text, n) for text, n in losses if own <= gene_units(gene, text, view)]
        if any(n is None for _, n in covering):
            return None, False
        total = sum(n or 0 for _, n in covering)
        if total > BOTH:  # an inner loss written with the copies missing in all
            total = BOTH if (exons, BOTH) in covering else 0
        return total or None, all(is_whole_gene(gene, text, view) for text, _ in covering)

    def _by_model(
        self,
        folder: str,
        gene: str,
        status: str,
        exons: str,
        copies: int | None,
        n_probes: int | None,
        patient: tuple[tuple[str, str, int | None], ...],
        same_cells: bool,
    ) -> Annotation:
        model = transcript(folder)
        numbers = _numbers(exons, folder)
        if not numbers:
            return Annotation(UNCERTAIN, PREDICTED, allele_consequence=UNCERTAIN, consequence_sentence=(
                f"{status.capitalize()} in {gene}: exons {shown(exons)} are not understood as exons 1-"
                f"{len(model.exons)} of {model.name}, so the consequence is not worked out."))  # fmt: skip
        probed = probed_exons(self.views.get(gene), model)
        read = loss_reading if status == "loss" else gain_reading
        found = read(numbers, probed, folder)
        losses = tuple(
            Loss(_numbers(text, folder), n if n is not None and n > 0 else 1)
            for what, text, n in patient
            if what == "loss" and _numbers(text, folder)
        )
        losses = settle(losses)
        word = class_word(found.somatic_class, folder)
        head = f"{status.capitalize()} of {gene} exons {exon_text(numbers)}{_on(status, copies)}"
        consequence, evidence, sentence = word, found.evidence, f"{head}: {found.reason}."
        if status == "loss":
            both = both_alleles(losses, probed, folder)
            if both.consequence:
                consequence, evidence = both.consequence, both.evidence
                sentence = _both_sentence(gene, losses, both.sentence, same_cells)
            elif both.sentence:
                sentence += f" {both.sentence[0].upper()}{both.sentence[1:]}."
        if n_probes == 1:
            sentence += f" {_ONE_PROBE}"
        return Annotation(
            consequence,
            evidence,
            found.hgvs_c,
            _iscn(gene, folder, losses, patient),
            word,
            found.frame,
            _NAN if found.coding_lost is None else float(found.coding_lost),
            " ".join(found.domains_lost),
            " ".join(found.domains_kept),
            found.hgvs_p,
            *found.hgvs_g,
            "",
            sentence,
            found.source,
        )


@lru_cache(maxsize=4096)
def _numbers(exons: str, folder: str) -> tuple[int, ...]:
    """Return exon numbers; empty where the text is not understood."""
    return exon_numbers(exons, transcript(folder).numbers) or ()


def _on(status: str, copies: int | None) -> str:
    if status != "loss" or copies is None:
        return ""
    return " on both alleles" if copies == BOTH else " on one allele"


def _both_sentence(gene: str, losses: Sequence[Loss], reason: str, same_cells: bool) -> str:
    if len(losses) == 1:
        return f"Loss of {gene} exons {exon_text(losses[0].exons)} on both alleles: {reason}."
    ranges = " and ".join(exon_text(loss.exons) for loss in losses)
    cells = "" if same_cells else " If they are in the same cells, which MLPA cannot show,"
    link = f".{cells} " if cells else ": "
    return f"Losses of {gene} exons {ranges}{link}{reason}."


def _iscn(
    gene: str, folder: str, losses: Sequence[Loss], patient: Sequence[tuple[str, str, int | None]]
) -> str:
    """Return the suggested string for all of a patient's events in the gene; empty without copy numbers."""
    if any(n is None for _, _, n in patient):
        return ""
    lost = copies_lost(losses)
    for status, text, n in patient:
        if status == "gain" and n is not None:
            for number in _numbers(text, folder):
                lost[number] = lost.get(number, 0) + n
    if any(change > BOTH for change in lost.values()):
        return ""
    return iscn_name(gene, copies_along(transcript(folder), lost))
