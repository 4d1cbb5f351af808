"""Panels of the accuracy benchmark, made in memory."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mlpa_caller.panel import Panel, load_panel, panel_from_columns
from mlpa_caller.simulate import synthetic_panel


@lru_cache(maxsize=8)
def bench_panel(name: str) -> tuple[Panel, str]:
    """Return a panel and its main gene.

    ``demo``: the bundled panel. ``small``: its IKZF1 and reference probes alone. ``two``: the bundled panel with a
    second probe for each exon of IKZF1. ``ten``: a gene of ten exons, one probe each, with 13 reference probes.
    """
    demo = load_panel("demo-synthetic")
    if name == "demo":
        return demo, "IKZF1"
    if name == "ten":
        return synthetic_panel(n_exons=10, genes=("GENE10",)), "GENE10"
    rows = [
        {"probe": p, "length_nt": f"{n:g}", "gene": g, "exon": e, "role": r, "chrom": c}
        for p, n, g, e, r, c in zip(demo.probes, demo.length, demo.gene, demo.exon, demo.role, demo.chrom)
    ]
    if name == "small":
        rows = [row for row in rows if row["gene"] == "IKZF1" or row["role"] != "target"]
    if name == "two":
        doubled = [dict(row, probe=row["probe"] + "-b") for row in rows if row["gene"] == "IKZF1"]
        free = np.arange(130, 560)
        taken = np.array([float(row["length_nt"]) for row in rows])
        free = free[np.abs(free[:, None] - taken).min(axis=1) >= 2]
        for row, at in zip(doubled, np.linspace(0, len(free) - 1, len(doubled)).astype(int)):
            row["length_nt"] = str(free[at])
        rows += doubled
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return panel_from_columns(columns, name=name, source=name), "IKZF1"
