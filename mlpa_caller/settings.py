"""Noise figures, priors and quality limits: read from the reference data, replaceable by the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.errors import MlpaError
from mlpa_caller.refdata import reference_rows

__all__ = ["Settings", "default_settings"]

ANY_GENE = "*"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the method takes from outside the run.

    Attributes
    ----------
    noise
        Figures of ``reference/priors/noise.csv`` by parameter.
    quality
        Limits of ``reference/priors/quality.csv`` by parameter.
    events
        Priors of ``reference/priors/events.csv`` by gene (``*`` for every other gene) and parameter.
    spectrum
        Known exon ranges by gene: first exon, last exon, probability.
    detection
        By gene, the exon range whose limit of detection is stated (the whole gene where there is none).
    """

    noise: Mapping[str, float]
    quality: Mapping[str, float]
    events: Mapping[str, Mapping[str, float]]
    spectrum: Mapping[str, tuple[tuple[str, str, float], ...]]
    detection: Mapping[str, tuple[str, str]]

    def event(self, gene: str, parameter: str) -> float:
        """Return the prior `parameter` of `gene`, or of any gene where it has none of its own."""
        own = self.events.get(gene, {})
        return own[parameter] if parameter in own else self.events[ANY_GENE][parameter]


def _number(row: Mapping[str, str], name: str, column: str) -> float:
    try:
        return float(row[column])
    except (KeyError, ValueError):
        raise MlpaError(
            f"reference file {name} has no number in column {column} of {dict(row)}",
            remedy="install mlpa-caller again from its wheel",
        ) from None


def _figures(name: str) -> dict[str, float]:
    return {row["parameter"]: _number(row, name, "value") for row in reference_rows(name)}


@lru_cache(maxsize=1)
def default_settings() -> Settings:
    """Return the settings shipped with the package."""
    events: dict[str, dict[str, float]] = {}
    for row in reference_rows("priors/events.csv"):
        events.setdefault(row["gene"], {})[row["parameter"]] = _number(row, "priors/events.csv", "value")
    spectrum: dict[str, list[tuple[str, str, float]]] = {}
    for row in reference_rows("priors/spectrum.csv"):
        entry = (row["first_exon"], row["last_exon"], _number(row, "priors/spectrum.csv", "probability"))
        spectrum.setdefault(row["gene"], []).append(entry)
    return Settings(
        noise=_figures("priors/noise.csv"),
        quality=_figures("priors/quality.csv"),
        events=events,
        spectrum={gene: tuple(entries) for gene, entries in spectrum.items()},
        detection={
            row["gene"]: (row["first_exon"], row["last_exon"])
            for row in reference_rows("priors/detection.csv")
        },
    )
