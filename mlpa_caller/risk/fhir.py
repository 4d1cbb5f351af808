"""Risk classes as FHIR RiskAssessment resources, as plain JSON (R4B and R5 alike)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlpa_caller.datatypes import Table
from mlpa_caller.risk.classifiers.base import INDETERMINATE, NOT_APPLICABLE
from mlpa_caller.risk.document import as_records
from mlpa_caller.risk.rules import load_rules

__all__ = ["fhir_bundle"]


def fhir_bundle(table: Table) -> dict[str, Any]:
    """Return a FHIR Bundle (collection) with one RiskAssessment for each patient and classifier.

    An indeterminate result has the status ``preliminary`` and names its possible classes; one that does not
    apply has no prediction. Nothing is said of treatment, and no probability is given: the published figures
    are those of a cohort.

    Parameters
    ----------
    table
        As `classify` returns it.
    """
    titles = {name: rule.title for name, rule in load_rules().items()}
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": _assessment(record, titles)} for record in as_records(table)],
    }


def _assessment(record: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    title = titles.get(record["classifier"], record["classifier"])
    resource: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "status": "preliminary" if record["class"] == INDETERMINATE else "final",
        "method": {
            "coding": [
                {
                    "system": "urn:mlpa-caller:classifier",
                    "version": record["version"],
                    "code": record["classifier"],
                    "display": title,
                }
            ],
            "text": f"{title}; {record['source']}; evidence {record['evidence']}",
        },
        "code": {"text": "Risk class in acute lymphoblastic leukaemia"},
        "subject": {"display": record["sample"]},
    }
    if record["class"] != NOT_APPLICABLE:
        resource["prediction"] = [
            {
                "outcome": {"text": "Risk class"},
                "qualitativeRisk": {"text": name},
                "rationale": _rationale(record),
            }
            for name in record["possible_classes"]
        ]
    said = [f"Class: {record['class']}.", f"{record['notice'].capitalize()}."]
    if record["note"]:
        said.append(f"{record['note'][0].upper()}{record['note'][1:]}.")
    said.append(f"Rule file sha256 {record['rule_sha256']}.")
    resource["note"] = [{"text": " ".join(said)}]
    return resource


def _rationale(record: Mapping[str, Any]) -> str:
    parts = {
        "Used": record["used_inputs"],
        "Missing": record["missing_inputs"],
        "Would decide": record["deciding_inputs"],
        "On a cut point": record["boundary"],
    }
    return " ".join(f"{name}: {', '.join(texts)}." for name, texts in parts.items() if texts) or "No inputs."
