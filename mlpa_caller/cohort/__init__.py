"""Statistics over a patients' table: who is deleted, what goes along with it, and how the patients fare.

Needs the extra ``[cohort]`` (``pip install 'mlpa-caller[cohort]'``). Nothing here is a test of a treatment.

>>> from mlpa_caller.cohort import compare_counts
>>> compare_counts([[12, 12], [53, 201]]).pearson_p < 0.01
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlpa_caller.cohort.classes import classifier_report
    from mlpa_caller.cohort.competing import cumulative_incidence, gray_test
    from mlpa_caller.cohort.contingency import compare_counts, odds_ratio
    from mlpa_caller.cohort.curves import kaplan_meier
    from mlpa_caller.cohort.description import describe
    from mlpa_caller.cohort.events import EventWords, read_outcome
    from mlpa_caller.cohort.files import write_report
    from mlpa_caller.cohort.grouping import make_grouping
    from mlpa_caller.cohort.hazard import hazard_ratios, log_rank
    from mlpa_caller.cohort.outcomes import survival_report
    from mlpa_caller.cohort.patients import read_patients
    from mlpa_caller.cohort.sources import Sources, read_risk

__all__ = [
    "EventWords",
    "Sources",
    "classifier_report",
    "compare_counts",
    "cumulative_incidence",
    "describe",
    "gray_test",
    "hazard_ratios",
    "kaplan_meier",
    "log_rank",
    "make_grouping",
    "odds_ratio",
    "read_outcome",
    "read_patients",
    "read_risk",
    "survival_report",
    "write_report",
]

_HOME = {
    "EventWords": "events",
    "Sources": "sources",
    "classifier_report": "classes",
    "compare_counts": "contingency",
    "cumulative_incidence": "competing",
    "describe": "description",
    "gray_test": "competing",
    "hazard_ratios": "hazard",
    "kaplan_meier": "curves",
    "log_rank": "hazard",
    "make_grouping": "grouping",
    "odds_ratio": "contingency",
    "read_outcome": "events",
    "read_patients": "patients",
    "read_risk": "sources",
    "survival_report": "outcomes",
    "write_report": "files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
