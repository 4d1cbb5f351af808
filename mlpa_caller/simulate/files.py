"""Write a simulated run as a laboratory would have it, with its truth in a folder beside it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import ResultExistsError, UsageError
from mlpa_caller.outputs.atomic import atomic_folder, open_text
from mlpa_caller.outputs.tsv import write_table
from mlpa_caller.panel import Panel
from mlpa_caller.simulate.peaks import PeakSettings, SimulatedPeaks, simulate_peaks
from mlpa_caller.simulate.raw import trace_files
from mlpa_caller.simulate.signals import Simulation
from mlpa_caller.version import version

__all__ = ["FORMATS", "write_run"]

FORMATS = ("genemapper", "wide", "long")
"""A GeneMapper peak table, a signal table with a column a probe, or one with a row a height."""

MARKER = "truth/simulation.json"


def write_run(
    simulation: Simulation,
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    format: str = "genemapper",
    peak_settings: PeakSettings | None = None,
    traces: bool = False,
    force: bool = False,
) -> tuple[str, ...]:
    """Write a simulated run to a folder.

    The folder receives ``peaks.txt`` (or ``signals.csv``), ``samples.csv``, ``panel.csv`` and, in ``truth``:
    ``lesions.tsv``, ``samples.tsv``, ``probes.tsv``, ``copies.tsv`` (mean copy number of every probe) and
    ``simulation.json`` (settings and seed).

    Parameters
    ----------
    simulation
        The run.
    out
        The folder.
    seed
        Of what the export lists beside the probes; ordinarily that of the simulation.
    format
        One of `FORMATS`.
    peak_settings
        What a peak table lists; see `simulate_peaks`.
    traces
        Also write the raw capillary trace of every sample, ``traces/<sample>.fsa``, with the peaks of the table.
    force
        Replace an earlier simulated run.

    Returns
    -------
    tuple of str
        The files, relative to the folder.

    Raises
    ------
    UsageError
        If the format is unknown.
    ResultExistsError
        If the folder holds something and `force` is False, or something that is no simulated run.
    OutputError
        If a file cannot be written.
    """
    if format not in FORMATS:
        raise UsageError(f"format {format!r} is unknown", remedy=f"choose one of {', '.join(FORMATS)}")
    earlier = _earlier_files(Path(out), force=force)
    files = _contents(simulation, seed, format, peak_settings)
    raw = trace_files(simulation, seed, peak_settings) if traces else {}
    with atomic_folder(out, add=True) as folder:
        (folder / "truth").mkdir()
        for name, text in files.items():
            with open_text(folder / name) as stream:
                stream.write(text)
        if raw:
            (folder / "traces").mkdir()
        for name, data in raw.items():
            (folder / name).write_bytes(data)
    for name in earlier:
        if name not in files and name not in raw:
            (Path(out) / name).unlink(missing_ok=True)
    return (*files, *raw)


def _earlier_files(out: Path, *, force: bool) -> list[str]:
    """Files of an earlier simulated run at `out`, which may be replaced."""
    if not out.is_dir() or not any(not path.name.startswith(".") for path in out.iterdir()):
        return []
    marker = out / MARKER
    if not marker.is_file():
        raise ResultExistsError(
            "the folder holds files that are no simulated run",
            remedy="name a new or an empty folder",
            file=out,
        )
    if not force:
        raise ResultExistsError(
            "the folder already holds a simulated run",
            remedy="add --force to replace it, or name another folder", file=out,
        )  # fmt: skip
    known = {name for names in _file_names().values() for name in names}
    known |= {f"traces/{path.name}" for path in (out / "traces").glob("*.fsa")}
    return sorted(name for name in known if (out / name).is_file())


def _file_names() -> dict[str, tuple[str, ...]]:
    return {
        "genemapper": ("peaks.txt", "truth/sizes.tsv"),
        "wide": ("signals.csv",),
        "long": ("signals.csv",),
        "any": ("samples.csv", "panel.csv", "truth/lesions.tsv", "truth/samples.tsv", "truth/probes.tsv",
                "truth/copies.tsv", MARKER),
    }  # fmt: skip


def _contents(
    simulation: Simulation, seed: int, format: str, peak_settings: PeakSettings | None
) -> dict[str, str]:
    """Text of every file by its name."""
    files: dict[str, str] = {}
    if format == "genemapper":
        simulated = simulate_peaks(simulation, peak_settings, seed=np.random.default_rng([seed, 1]))
        files["peaks.txt"] = _peak_table(simulated)
        files["truth/sizes.tsv"] = _tsv(_size_table(simulation.panel, simulated))
    elif format == "wide":
        files["signals.csv"] = _csv(["sample", *simulation.panel.probes], _wide_rows(simulation))
    else:
        files["signals.csv"] = _csv(["sample", "probe", "height"], _long_rows(simulation))
    files["samples.csv"] = _csv(["sample", "role", "sex", "blast_fraction"], _sample_rows(simulation))
    files["panel.csv"] = _panel_sheet(simulation.panel)
    files["truth/lesions.tsv"] = _tsv(simulation.truth)
    files["truth/samples.tsv"] = _tsv(simulation.sample_truth)
    files["truth/probes.tsv"] = _tsv(simulation.probe_truth)
    files["truth/copies.tsv"] = _tsv(_copies_table(simulation))
    settings = asdict(simulation.settings)
    settings = {name: None if value == float("inf") else value for name, value in settings.items()}
    document = {"tool": f"mlpa-caller {version()}", "panel": simulation.panel.name, "seed": seed,
                "format": format, "settings": settings}  # fmt: skip
    files[MARKER] = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return files


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def _tsv(table: Table) -> str:
    stream = io.StringIO()
    write_table(table, stream)
    return stream.getvalue()


def _peak_table(simulated: SimulatedPeaks) -> str:
    """GeneMapper peak table: peaks numbered within sample and dye, those of the size standard starred."""
    peaks = simulated.peaks
    new = np.ones(len(peaks), dtype=np.bool_)
    new[1:] = (np.diff(simulated.sample) != 0) | (peaks.dye[1:] != peaks.dye[:-1])
    start = np.maximum.accumulate(np.where(new, np.arange(len(peaks)), 0))
    number = np.arange(len(peaks)) - start + 1
    decimals = max(0, simulated.decimals)
    rows = (
        [f"{dye},{count}{'*' if dye == peaks.ladder_dye else ''}", file, "", "", f"{size:.{decimals}f}",
         f"{height:.0f}", f"{area:.0f}", f"{point:.0f}"]
        for dye, count, file, size, height, area, point in zip(
            peaks.dye, number.tolist(), peaks.file, peaks.size.tolist(), peaks.height.tolist(),
            peaks.area.tolist(), peaks.data_point.tolist()
        )
    )  # fmt: skip
    header = (
        "Dye/Sample Peak",
        "Sample File Name",
        "Marker",
        "Allele",
        "Size",
        "Height",
        "Area",
        "Data Point",
    )
    return _csv(header, rows, delimiter="\t")


def _size_table(panel: Panel, simulated: SimulatedPeaks) -> Table:
    return Table(
        {
            "probe": text_array(panel.probes),
            "length_nt": panel.length,
            "apparent_size": panel.length + simulated.offset + simulated.run_shift,
        },
        {"length_nt": 1, "apparent_size": 3},
    )


def _wide_rows(simulation: Simulation) -> Iterable[list[str]]:
    for sample, row in zip(simulation.signals.samples, simulation.signals.height.tolist()):
        yield [sample, *("" if value != value else f"{value:.1f}" for value in row)]


def _long_rows(simulation: Simulation) -> Iterable[list[str]]:
    for sample, row in zip(simulation.signals.samples, simulation.signals.height.tolist()):
        for probe, value in zip(simulation.panel.probes, row):
            yield [sample, probe, "" if value != value else f"{value:.1f}"]


def _sample_rows(simulation: Simulation) -> Iterable[list[str]]:
    for sample, role, sex, blast in zip(
        simulation.signals.samples, simulation.role, simulation.sex, simulation.blast_fraction.tolist()
    ):
        yield [sample, role, sex, "" if blast != blast else f"{blast:.2f}"]


def _panel_sheet(panel: Panel) -> str:
    columns = {
        "probe": list(panel.probes),
        "length_nt": [f"{value:g}" for value in panel.length.tolist()],
        "gene": panel.gene, "exon": panel.exon, "role": panel.role, "chrom": panel.chrom,
        "start": [str(value) if value else "" for value in panel.start.tolist()],
        "end": [str(value) if value else "" for value in panel.end.tolist()],
        "region": panel.region, "dye": panel.dye, **panel.extra,
    }  # fmt: skip
    return _csv(list(columns), zip(*columns.values()))


def _copies_table(simulation: Simulation) -> Table:
    samples, probes = simulation.signals.samples, simulation.panel.probes
    return Table(
        {
            "sample": np.repeat(text_array(samples), len(probes)),
            "probe": np.tile(text_array(probes), len(samples)),
            "copies": simulation.copies.ravel(),
        }
    )
