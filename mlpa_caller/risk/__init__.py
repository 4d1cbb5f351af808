"""Risk classes from calls and clinical data, with nothing assumed.

`classify` gives the table of ``risk.tsv``; `explain` says why; `read_clinical` reads and checks the clinical
file. The rules and every figure in them are data, in ``reference/risk``.
"""

from __future__ import annotations

from mlpa_caller.risk.clinical import (
    ClinicalTable,
    clinical_columns,
    clinical_from_columns,
    read_clinical,
)
from mlpa_caller.risk.clinical_sources import clinical_of_run, clinical_of_sheet, merge_clinical
from mlpa_caller.risk.document import as_records, risk_document
from mlpa_caller.risk.explanation import explain, explanation_text
from mlpa_caller.risk.fhir import fhir_bundle
from mlpa_caller.risk.rules import load_rules
from mlpa_caller.risk.table import COLUMNS, NOTICE, classify, classify_blocks

__all__ = [
    "COLUMNS",
    "NOTICE",
    "ClinicalTable",
    "as_records",
    "classify",
    "classify_blocks",
    "clinical_columns",
    "clinical_from_columns",
    "clinical_of_run",
    "clinical_of_sheet",
    "explain",
    "explanation_text",
    "fhir_bundle",
    "load_rules",
    "merge_clinical",
    "read_clinical",
    "risk_document",
]
