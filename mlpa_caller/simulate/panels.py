"""Panels built in memory, for tests and benchmarks of any gene."""

from __future__ import annotations

import numpy as np

from mlpa_caller.errors import UsageError
from mlpa_caller.panel import Panel, panel_from_columns

__all__ = ["synthetic_panel"]

_CONTROLS = (
    (64, "quantity"), (70, "quantity"), (76, "quantity"), (82, "quantity"), (88, "denaturation"),
    (92, "benchmark"), (96, "denaturation"), (100, "sex_x"), (105, "sex_y"),
)  # fmt: skip


def synthetic_panel(
    *,
    n_exons: int = 8,
    probes_per_exon: int = 1,
    n_references: int = 13,
    genes: tuple[str, ...] = ("IKZF1",),
    controls: bool = True,
    first_length: int = 130,
    spacing: int = 6,
    seed: int = 0,
) -> Panel:
    """Return a panel that was invented for tests: no laboratory's and no vendor's.

    Parameters
    ----------
    n_exons, probes_per_exon
        Exons of each gene (named 1, 2, ...), and probes in each exon.
    n_references
        Reference probes (at least 5), without position.
    genes
        Names of the target genes.
    controls
        Whether the panel has the nine control fragments of 64-105 nt.
    first_length, spacing
        Design length of the shortest probe, and distance to the next one, in nucleotides.
    seed
        Decides which length goes to which probe, so that neighbours in size are not neighbours in the gene.

    Raises
    ------
    UsageError
        If the probes do not fit on one capillary run (700 nt).
    """
    rows = [
        (
            f"{gene}_ex{exon:02d}" + (f"_{'abcdefghij'[copy % 10]}" if probes_per_exon > 1 else ""),
            gene,
            str(exon),
        )
        for gene in genes
        for exon in range(1, n_exons + 1)
        for copy in range(probes_per_exon)
    ]
    rows += [(f"REF_{number:02d}", "", "") for number in range(1, n_references + 1)]
    lengths = first_length + spacing * np.random.default_rng(seed).permutation(len(rows))
    if len(rows) and lengths.max() > 700:
        raise UsageError(
            f"{len(rows)} probes at {spacing} nt reach {int(lengths.max())} nt",
            remedy="ask for fewer probes or a smaller spacing (700 nt at most)",
        )
    role = ["target"] * (len(rows) - n_references) + ["reference"] * n_references
    length = [str(value) for value in lengths]
    if controls:
        rows += [(f"CTRL_{size}", "", "") for size, _ in _CONTROLS]
        role += [what for _, what in _CONTROLS]
        length += [str(size) for size, _ in _CONTROLS]
    columns = {
        "probe": [row[0] for row in rows],
        "length_nt": length,
        "gene": [row[1] for row in rows],
        "exon": [row[2] for row in rows],
        "role": role,
    }
    return panel_from_columns(columns, "synthetic")
