"""HL7 FHIR Genomics: each call as an Observation, all of them in a Bundle; plain JSON objects.

The variant profile of the HL7 Genomics Reporting guide (FHIR R4) is followed. A loss or gain is ``Present`` with
its positions and copies, a normal gene ``Absent``, a gene that could not be evaluated ``No call``. Whether an
event is acquired is not measured: its source class is likely somatic, or unknown where a germline loss is
possible.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mlpa_caller.consequence.events import CallRow, call_rows, footprints
from mlpa_caller.consequence.genes import contigs, is_diploid
from mlpa_caller.consequence.panel_view import panel_view
from mlpa_caller.consequence.placement import BY_EXTENT, Interval, place
from mlpa_caller.consequence.possible_germline import FLAG
from mlpa_caller.datatypes import Table
from mlpa_caller.refdata import reference_rows

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["PROFILE", "fhir_bundle"]

PROFILE = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/variant"
BUILD = "GRCh38"
_REFSEQ = "http://www.ncbi.nlm.nih.gov/refseq"
_HGVS = "http://varnomen.hgvs.org"
_HGNC = "http://www.genenames.org"
_UCUM = "http://unitsofmeasure.org"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, PROFILE)
_STATUS = {"loss": "present", "gain": "present", "normal": "absent", "not_evaluable": "no_call"}
_TEXTS = ("allele_consequence", "consequence", "evidence", "hgvs", "hgvs_p", "hgvs_g38", "consequence_sentence",
          "flags")  # fmt: skip


@lru_cache(maxsize=1)
def _codes() -> dict[str, tuple[str, str, str]]:
    return {
        row["use"]: (row["system"], row["code"], row["display"])
        for row in reference_rows("genes/fhir_codes.csv")
    }


def _concept(use: str) -> dict[str, Any]:
    system, code, display = _codes()[use]
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _named(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], "text": code}


def fhir_bundle(calls: Table, panel: Panel | None = None) -> dict[str, Any]:
    """Return the calls as a FHIR Bundle of Observations, fit for JSON.

    Parameters
    ----------
    calls
        Calls as `annotate_calls` gives them; names and consequence are left out where the columns are absent.
    panel
        The probes behind the calls, for the positions.

    Notes
    -----
    Identifiers follow from the content, and no date is set, so the same calls give the same document.
    """
    rows, views = call_rows(calls), panel_view(panel)
    texts = [calls.columns[name].tolist() if name in calls.columns else [""] * len(rows) for name in _TEXTS]
    entries = []
    for i, (row, event) in enumerate(zip(rows, footprints(rows, views))):
        placed = place(event, views) if row.altered else ()
        words = dict(zip(_TEXTS, (column[i] for column in texts)))
        resource = _observation(row, placed, words, i)
        entries.append({"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _observation(
    row: CallRow, placed: tuple[Interval, ...], words: Mapping[str, str], number: int
) -> dict[str, Any]:  # fmt: skip
    digest = hashlib.sha256("\x1f".join((row.run, row.sample, row.gene, row.status, row.exons)).encode())
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": str(uuid.uuid5(_NAMESPACE, f"{number}:{digest.hexdigest()}")),
        "meta": {"profile": [PROFILE]},
        "status": "preliminary",
        "category": [_concept("laboratory"), _concept("genetics")],
        "code": _concept("variant"),
        "specimen": {"display": row.sample},
        "valueCodeableConcept": _concept(_STATUS.get(row.status, "no_call")),
        "method": {"text": "Multiplex ligation-dependent probe amplification (MLPA)"},
        "component": _components(row, placed, words),
    }
    if words["consequence_sentence"]:
        resource["note"] = [{"text": words["consequence_sentence"]}]
    if words["consequence"]:
        resource["interpretation"] = [
            {"text": " ".join(filter(None, (words["consequence"], words["evidence"])))}
        ]  # fmt: skip
    return resource


def _components(row: CallRow, placed: tuple[Interval, ...], words: Mapping[str, str]) -> list[dict[str, Any]]:
    found = [_component("gene", valueCodeableConcept=_named(_HGNC, row.gene))]
    if not row.altered:
        return found
    origin = "unknown_origin" if FLAG in words["flags"].split(";") else "likely_somatic"
    found.append(_component("change_type", valueCodeableConcept=_concept(row.status)))
    found.append(_component("source_class", valueCodeableConcept=_concept(origin)))
    names = (("coding_hgvs", "hgvs"), ("protein_hgvs", "hgvs_p"), ("genomic_hgvs", "hgvs_g38"))
    for use, column in names:
        name = words[column]
        if name and not (use == "coding_hgvs" and ":c." not in name):
            found.append(_component(use, valueCodeableConcept=_named(_HGVS, name)))
    if len(placed) != 1:
        return found
    at = placed[0]
    contig = contigs(BUILD)[at.chrom]
    found.append(_component("reference_sequence", valueCodeableConcept=_named(_REFSEQ, contig.refseq)))
    if row.copies is not None and is_diploid(at.chrom, at.start, at.end):
        copies = {"value": 2 - row.copies, "system": _UCUM, "code": "1"}
        found.append(_component("copy_number", valueQuantity=copies))
    found.append(_component("coordinate_system", valueCodeableConcept=_concept("one_based")))
    if at.basis != BY_EXTENT:
        found.append(_component("inner", valueRange=_range(at.start, at.end)))
        outer = _range(at.before + 1 if at.before else 0, at.after - 1 if at.after else 0)
        if outer:
            found.append(_component("outer", valueRange=outer))
    return found


def _component(use: str, **value: Any) -> dict[str, Any]:
    return {"code": _concept(use), **value}


def _range(low: int, high: int) -> dict[str, Any]:
    """Return a FHIR Range; an end of 0 is not known and left out."""
    return {key: {"value": value} for key, value in (("low", low), ("high", high)) if value}
