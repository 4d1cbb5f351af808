"""A loss that may be in every cell of the person: about half dose although few cells are blasts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from mlpa_caller.consequence.exon_table import load_toml, transcript
from mlpa_caller.consequence.exon_text import exon_numbers
from mlpa_caller.consequence.genes import model_folder
from mlpa_caller.consequence.germline import germline_deletions
from mlpa_caller.consequence.values import column_numbers
from mlpa_caller.datatypes import BoolArray, Table

__all__ = ["FLAG", "germline_sentence", "possible_germline"]

FLAG = "possible_germline"


@lru_cache(maxsize=1)
def _settings() -> dict[str, Any]:
    return load_toml("ikzf1/possible_germline.toml")


def germline_sentence(gene: str, exons: str) -> str:
    """Return what is said of a flagged loss: that MLPA cannot tell, and whether such a germline loss is known."""
    said = str(_settings()["sentence"])
    folder = model_folder(gene)
    numbers = exon_numbers(exons, transcript(folder).numbers) if folder else None
    known = germline_deletions(folder).get(numbers) if numbers else None
    if known is not None:
        doubt = "" if known.status == "verified" else " (unverified)"
        said += f" A germline loss of these exons is known{doubt}: {known.phenotype} ({known.source})."
    return said


def possible_germline(table: Table, blast_fraction_by_sample: Mapping[str, float]) -> BoolArray:
    """Return, for each call, whether it is a loss that blasts cannot explain.

    A row is flagged when one allele is lost, the 95 % interval of the clone fraction reaches the fraction of
    a loss in every cell, and its lower end is at least a given multiple of the sample's blast fraction. Both
    figures are in ``reference/ikzf1/possible_germline.toml``. A sample whose blast fraction is not known, and
    a call without an interval, is not flagged.

    Parameters
    ----------
    table
        Calls with the columns ``sample``, ``status``, ``copies_lost``, ``clone_fraction_low`` and
        ``clone_fraction_high`` (fractions of all cells).
    blast_fraction_by_sample
        Blasts among nucleated cells, 0-1, by sample; NaN or absent when unknown.

    Returns
    -------
    BoolArray
        ``(rows,)``.
    """
    settings = _settings()
    samples = table.columns["sample"].tolist()
    blasts = np.array([blast_fraction_by_sample.get(name, np.nan) for name in samples], dtype=np.float64)
    low, high, lost = (
        column_numbers(table, name) for name in ("clone_fraction_low", "clone_fraction_high", "copies_lost")
    )
    is_loss = np.array([status == "loss" for status in table.columns["status"].tolist()], dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        found = (
            is_loss
            & (lost == 1)
            & (high >= settings["clone_fraction_high_min"])
            & (low >= settings["blasts_times_fewer"] * blasts)
            & (low > 0)
        )
    return np.asarray(found, dtype=np.bool_)
