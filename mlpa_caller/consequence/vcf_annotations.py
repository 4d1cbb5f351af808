"""What VEP (``CSQ``) or SnpEff (``ANN``) wrote into a VCF about the gene's reference transcript."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.consequence.exon_table import Transcript
from mlpa_caller.consequence.truncating import Effect
from mlpa_caller.refdata import reference_rows

__all__ = ["AnnotationReader", "Told", "disagreement"]

_FORMAT = re.compile(r'Format:\s*([^">]+)')
_ANN_FIELDS = (
    "Allele", "Annotation", "Annotation_Impact", "Gene_Name", "Gene_ID", "Feature_Type", "Feature_ID",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What the file says of one allele.

    Attributes
    ----------
    text
        ``CSQ: stop_gained (NM_006060.6)``; empty when it says nothing of the gene.
    terms
        Sequence Ontology terms for the reference transcript; empty when only others are annotated.
    readable
        False where the field does not have the layout its header line declares.
    """

    text: str
    terms: tuple[str, ...]
    readable: bool


class AnnotationReader:
    """Reads ``CSQ`` and ``ANN`` of the records of one VCF, as its header declares them."""

    def __init__(self, meta: Sequence[str], model: Transcript) -> None:
        self.model = model
        self.fields: dict[str, tuple[str, ...]] = {}
        for line in meta:
            if line.startswith("INFO=<ID=CSQ,"):
                match = _FORMAT.search(line)
                if match:
                    self.fields["CSQ"] = tuple(name.strip() for name in match[1].split("|"))
            elif line.startswith("INFO=<ID=ANN,"):
                self.fields["ANN"] = _ANN_FIELDS

    def told(self, info: str, ref: str, alts: Sequence[str], alt: str) -> Told:
        """Return what the INFO field says of `alt`, one of the record's `alts`."""
        text, terms, readable = [], [], True
        for key, names in self.fields.items():
            start = info.find(f"{key}=")
            if start < 0 or (start and info[start - 1] != ";"):
                continue
            value = info[start + len(key) + 1 :].split(";", 1)[0]
            said: dict[str, list[str]] = {}
            for entry in value.split(","):
                cells = entry.split("|")
                if len(cells) < len(names):
                    readable = False
                    continue
                row = dict(zip(names, cells))
                if self._is_ours(row) and self._is_allele(row, ref, alts, alt):
                    feature = row.get("Feature") or row.get("Feature_ID") or ""
                    term = row.get("Consequence") or row.get("Annotation") or ""
                    said.setdefault(feature, []).extend(term.split("&"))
            own = [name for name in said if self._is_reference(name)]
            text += [f"{key}: {'&'.join(said[name])} ({name})" for name in own or list(said)[:1]]
            terms += [term for name in own for term in said[name]]
        return Told("; ".join(text), tuple(dict.fromkeys(terms)), readable)

    def _is_ours(self, row: dict[str, str]) -> bool:
        feature = row.get("Feature") or row.get("Feature_ID") or ""
        return self.model.gene in (row.get("SYMBOL"), row.get("Gene_Name")) or self._is_reference(feature)

    def _is_reference(self, feature: str) -> bool:
        bare = feature.split(".", 1)[0]
        return bare == self.model.name.split(".", 1)[0] or bare in self.model.other_names

    def _is_allele(self, row: dict[str, str], ref: str, alts: Sequence[str], alt: str) -> bool:
        """Return whether an entry speaks of `alt`, by its number or by its bases as the tools write them."""
        number = row.get("ALLELE_NUM", "")
        if number.isascii() and number.isdigit() and len(number) < 7:
            return 1 <= int(number) <= len(alts) and alts[int(number) - 1] == alt
        allele = row.get("Allele", "").upper()
        shared = all(other[:1] == ref[:1] for other in alts)  # VEP then leaves the first base out
        return allele == alt or (shared and allele == (alt[1:] or "-"))


@lru_cache(maxsize=1)
def _terms() -> dict[str, tuple[str, bool]]:
    return {
        row["term"]: (row["effect"], row["truncating"] == "yes")
        for row in reference_rows("ikzf1/sequence_ontology.csv")
    }


def disagreement(effect: Effect, told: Told) -> str:
    """Return how the file's annotation contradicts `effect`, as a clause; empty where it does not.

    Compared are the kind of effect and whether the protein is cut short; terms without counterpart here
    (``splice_region_variant``, ``intron_variant``) and annotations of other transcripts contradict nothing.
    """
    known = [_terms()[term] for term in told.terms if term in _terms()]
    if not known:
        return ""
    kinds = {kind for kind, _ in known}
    cut = any(truncating for _, truncating in known)
    if cut == effect.truncating and (
        effect.kind in kinds or effect.kind in ("not_worked_out", "exon_deletion")
    ):
        return ""
    return f"the annotation in the file differs ({told.text}, worked out here: {effect.kind})"
