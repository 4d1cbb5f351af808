"""Real MLPA reactions of known genotype, as runs of any choice of reference reactions.

The files are third-party test data that lie beside the project (``../shared/data/mlpa``, or ``--data``): a 16-probe mix
with 20 control DNAs in three reactions each and nine patients, and 15 reactions of SALSA P002 BRCA1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlpa_caller.datatypes import Missing, Signals, text_array
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.pipeline import analyse
from mlpa_caller.result import Result
from mlpa_caller.samplesheet import samples_from_columns
from mlpa_caller.settings import Settings

__all__ = ["DATA", "LOST", "RealRun", "brca1_set", "validation_set"]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mlpa"

LOST = (("DiGeor", "HIRA"), ("PradWilli", "UBE3A"), ("PradWilli", "UBEA3A"), ("PradWilli", "SNRPN"))
"""Start of the sample name and probe lost: 22q11 in DiGeorge, 15q11 in Prader-Willi. 24 values in 12 reactions."""
NORMAL = ("NA.", "HapMap")
"""Start of the names of DNAs without a disease. The gains of the patients with autism were read off these very data."""


@dataclass(frozen=True, eq=False)
class RealRun:
    """Reactions of one assay; controls come first.

    Attributes
    ----------
    panel
        The probes.
    names, dna
        ``(reactions,)`` name of the reaction, and of its DNA.
    height
        ``(reactions, probes)``.
    n_controls
        Number of control reactions.
    """

    panel: Panel
    names: tuple[str, ...]
    dna: tuple[str, ...]
    height: np.ndarray
    n_controls: int

    def call(
        self, references: Iterable[int], settings: Settings | None = None, cells: float | None = None
    ) -> Result:
        """Call every reaction with the reactions `references` as the run's references.

        `cells` is what the sample sheet states as blast fraction: 1 for constitutional DNA.
        """
        chosen = set(references)
        roles = ["reference" if i in chosen else "patient" for i in range(len(self.names))]
        columns = {"sample": list(self.names), "role": roles}
        if cells is not None:
            columns["blast_fraction"] = [f"{cells:g}"] * len(roles)
        sheet = samples_from_columns(columns, "benchmark")
        shape = self.height.shape
        signals = Signals(
            samples=self.names,
            probes=self.panel.probes,
            height=self.height,
            missing=np.full(shape, Missing.PRESENT, dtype=np.uint8),
            size=np.full(shape, np.nan),
            off_scale=np.zeros(shape, dtype=np.bool_),
            noise=np.full(shape[0], np.nan),
            unassigned=np.zeros(shape[0], dtype=np.int64),
            source=text_array(["benchmark"] * shape[0]),
        )
        return analyse(self.panel, sheet, signals, settings=settings)

    def is_normal(self, row: int) -> bool:
        """Return whether the reaction is of a DNA without a disease."""
        return self.names[row].startswith(NORMAL)

    def is_lost(self, row: int, gene: str) -> bool:
        """Return whether the diagnosis says that `gene` has lost one copy."""
        return any(self.names[row].startswith(start) and gene == name for start, name in LOST)


def _read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="latin-1", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t" if path.suffix == ".tsv" else ","))


def validation_set(folder: Path = DATA) -> RealRun:
    """Return the 16-probe validation set: 60 control and 27 patient reactions, every target probe its own gene."""
    controls = _read(folder / "validation16_controls.tsv")
    rows = controls + _read(folder / "validation16_cases.tsv")
    probes = [name for name in controls[0] if name not in ("Sample", "Replica")]
    about = {row["probe"]: row for row in _read(folder / "validation16_long.csv")}
    reference = [about[name]["is_reference"] == "1" for name in probes]
    columns = {
        "probe": probes,
        "length_nt": [about[name]["length_nt"] for name in probes],
        "gene": ["" if other else name for name, other in zip(probes, reference)],
        "exon": [""] * len(probes),
        "role": ["reference" if other else "target" for other in reference],
    }
    return RealRun(
        panel=panel_from_columns(columns, "validation16"),
        names=tuple(f"{row['Sample']}_{row['Replica']}" for row in rows),
        dna=tuple(row["Sample"] for row in rows),
        height=np.array([[float(row[name]) for name in probes] for row in rows]),
        n_controls=len(controls),
    )


def brca1_set(folder: Path = DATA) -> RealRun:
    """Return the P002 BRCA1 set: five control and ten patient reactions of 34 probes."""
    controls = _read(folder / "p002_brca1_controls.tsv")
    rows = controls + _read(folder / "p002_brca1_cases.tsv")
    about = _read(folder / "p002_brca1_probes.csv")
    probes = [row["probe"].strip("`") for row in about]
    reference = [row["is_reference"] == "1" for row in about]
    columns = {
        "probe": probes,
        "length_nt": [row["length_nt"] for row in about],
        "gene": ["" if other else "BRCA1" for other in reference],
        "exon": ["" if other else name.removeprefix("BRCA1Ex") for name, other in zip(probes, reference)],
        "role": ["reference" if other else "target" for other in reference],
    }
    names = tuple(row["id"] for row in rows)
    return RealRun(
        panel=panel_from_columns(columns, "P002 BRCA1"),
        names=names,
        dna=names,
        height=np.array([[float(row[name]) for name in probes] for row in rows]),
        n_controls=len(controls),
    )
