"""The flow of one run, from files to tables: what the command line and library users call."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.calling.caller import call_regions, detection_limits, unaltered_probes
from mlpa_caller.calling.exons import exons_table
from mlpa_caller.calling.shared import share_clones
from mlpa_caller.calling.tables import CallContext, calls_table
from mlpa_caller.consequence.annotate import ADDITIONS, CALLS_TSV_ADDITIONS, annotate_calls
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Ratios, Signals, Table
from mlpa_caller.errors import SampleSheetError
from mlpa_caller.intake import take_in
from mlpa_caller.normalize import normalize
from mlpa_caller.panel import Panel, load_panel, panel_from_frame
from mlpa_caller.quality import assess
from mlpa_caller.ratio_table import ratios_table
from mlpa_caller.result import InputFile, Result
from mlpa_caller.samplesheet import SampleSheet, load_samples, samples_from_columns
from mlpa_caller.settings import Settings, default_settings

if TYPE_CHECKING:
    import pandas as pd

    from mlpa_caller.intake import Source
    from mlpa_caller.risk import ClinicalTable

__all__ = ["analyse", "call_run"]

CALLED_ROLES = ("patient", "positive")
SURELY_ALTERED = 0.99
"""A reference sample with an event at least this probable is not used as a reference."""
MAYBE_ALTERED = 0.8
"""From this probability on it is told of."""
AT_ONCE = 2048
"""Samples called together."""


def analyse(
    panel: Panel,
    sheet: SampleSheet,
    signals: Signals,
    *,
    settings: Settings | None = None,
    inputs: tuple[InputFile, ...] = (),
    figures: Mapping[str, FloatArray] | None = None,
    remarks: Mapping[str, tuple[str, str]] | None = None,
) -> Result:
    """Call one run whose heights are known.

    Parameters
    ----------
    panel
        The probes.
    sheet
        The samples, in the order of `signals`.
    signals
        Heights, ``(samples, probes)``.
    settings
        Noise figures, priors and limits; those shipped with the package by default.
    inputs
        Files to name in the provenance.
    figures
        Further quality figures, ``(samples,)`` each.
    remarks
        By sample, a verdict reached before (by sizing its trace) and its reason.

    Returns
    -------
    Result

    Raises
    ------
    SampleSheetError
        If the run has fewer reference samples than the method needs.
    """
    chosen = default_settings() if settings is None else settings
    references = _references(sheet, chosen)
    compression = chosen.noise["compression"]
    dna = np.flatnonzero(sheet.role != "no_dna")
    ratios, contradicted, doubted = _ratios(signals, panel, references, chosen, compression, dna)
    quality = assess(
        signals, ratios, panel, sheet.role, sheet.sex, chosen,
        extra=figures, contradicted=contradicted, doubted=doubted, remarks=remarks,
    )  # fmt: skip
    called = np.flatnonzero(np.isin(sheet.role.astype(str), CALLED_ROLES))
    context = CallContext(
        samples=tuple(sheet.samples[i] for i in called),
        failed=quality.failed[called],
        doubtful=quality.doubtful[called],
        blast_fraction=sheet.blast_fraction[called],
    )
    calls, exons = _call(ratios.take(called), signals.take(called), panel, context, chosen, compression)
    tables = {
        "calls": calls,
        "exons": exons,
        "ratios": ratios_table(signals, ratios, panel),
        "quality": quality.table,
    }
    run = {
        **quality.run,
        "reference_samples": [sheet.samples[i] for i in np.flatnonzero(ratios.reference_samples)],
        "left_out": {**ratios.left_out, **contradicted},
        "compression": compression,
    }
    return Result(panel, sheet, signals, tables, run, _parameters(chosen), inputs)


def _references(sheet: SampleSheet, settings: Settings) -> BoolArray:
    """Return which samples are references; refuse a run with fewer than the method needs."""
    references = np.asarray(sheet.role == "reference", dtype=np.bool_)
    needed = int(settings.quality["min_reference_samples"])
    if references.sum() < needed:
        raise SampleSheetError(
            f"{int(references.sum())} samples have the role reference, at least {needed} are needed",
            remedy="mark the run's normal samples as reference",
            file=sheet.source,
        )
    return references


def _blocks(samples: IntArray) -> list[IntArray]:
    """Return the samples in blocks that are called together: memory does not grow with the size of a run."""
    return [samples[start : start + AT_ONCE] for start in range(0, max(len(samples), 1), AT_ONCE)]


def _call(
    ratios: Ratios,
    signals: Signals,
    panel: Panel,
    context: CallContext,
    settings: Settings,
    compression: float,
) -> tuple[Table, Table]:
    """Return the calls and the exons of the samples called, whose ratios are known."""
    everyone = np.arange(len(ratios.samples))
    limits = detection_limits(
        ratios, signals, panel, everyone, settings, compression=compression, threshold=context.threshold
    )
    calls, exons = [], []
    for rows in _blocks(everyone):
        own, some, each = ratios.take(rows), context.take(rows), np.arange(len(rows))
        regions = call_regions(
            own, signals.take(rows), panel, each, settings, compression=compression,
            limits={gene: values[rows] for gene, values in limits.items()},
        )  # fmt: skip
        regions = share_clones(regions, some.blast_fraction, settings)
        calls.append(_annotated(calls_table(regions, panel, some), panel, some))
        exons.append(exons_table(regions, panel, own, each, some))
    return _joined(calls), _joined(exons)


def _joined(parts: Sequence[Table]) -> Table:
    """Return one table of blocks of its rows."""
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    return replace(parts[0], columns=columns)


def _annotated(calls: Table, panel: Panel, context: CallContext) -> Table:
    """Return the calls with consequence and names; what only programs need stays out of the TSV."""
    known = ~np.isnan(context.blast_fraction)
    blasts = {context.samples[i]: float(context.blast_fraction[i]) for i in np.flatnonzero(known)}
    altered = np.isin(calls.columns["status"].astype(str), ("loss", "gain"))
    rows = np.flatnonzero(altered) if altered.any() else np.arange(len(calls))
    part = replace(calls, columns={name: column[rows] for name, column in calls.columns.items()})
    said = annotate_calls(part, panel, blast_fraction=blasts)
    columns = {}
    for name, found in said.columns.items():  # rows that are normal or not evaluable stay empty
        fill = np.nan if found.dtype.kind == "f" else ""
        columns[name] = (
            calls.columns[name].copy() if name in calls.columns else np.full(len(calls), fill, found.dtype)
        )
        columns[name][rows] = found
    return replace(said, columns=columns, json_only=frozenset(ADDITIONS) - frozenset(CALLS_TSV_ADDITIONS))


def call_run(
    inputs: Sequence[Source] | Source,
    *,
    panel: Panel | str | os.PathLike[str] | pd.DataFrame,
    samples: SampleSheet | str | os.PathLike[str] | pd.DataFrame,
    clinical: str | os.PathLike[str] | None = None,
    settings: Settings | None = None,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Call one MLPA run from its files: the main job.

    Parameters
    ----------
    inputs
        Raw traces or a folder of them, peak exports, or a signal table; paths, or data frames with the same
        columns as the tables.
    panel
        A probe sheet, or the name of a bundled panel.
    samples
        The sample sheet: which samples are patients and which are references.
    clinical
        A clinical file; with it, or with clinical columns in the sample sheet, the patients' risk classes are
        given. What neither states is unknown, never negative.
    settings
        Noise figures, priors and limits; those shipped with the package by default.
    workers
        Processes that size raw traces; 0 takes as many as there are processors. The result does not
        depend on it.
    progress
        Called with the numbers of raw traces sized and of all.

    Returns
    -------
    Result
        Its tables are what the result files hold.

    Raises
    ------
    InputError
        If a file cannot be used; the message names file, line and remedy.
    """
    loaded = _panel(panel)
    sheet = _samples(samples)
    stated = _clinical(sheet, clinical)
    many: list[Source] = list(inputs) if isinstance(inputs, list | tuple) else [inputs]  # type: ignore[list-item]
    intake = take_in(many, loaded, sheet, workers=workers or None, progress=progress)
    files = (
        *intake.inputs,
        _input_file(loaded.source, "panel", loaded.sha256),
        _input_file(sheet.source, "samples", sheet.sha256),
    )
    if stated is not None and clinical is not None:
        files = (*files, _input_file(stated[0].source, "clinical", stated[0].sha256))
    result = analyse(
        loaded,
        sheet,
        intake.signals,
        settings=settings,
        inputs=files,
        figures=intake.figures,
        remarks=intake.remarks,
    )
    if intake.profiles:
        from mlpa_caller.electropherogram import with_electropherograms

        result = with_electropherograms(result, intake.profiles, intake.dye)
    return result if stated is None else _with_risk(result, *stated)


def _clinical(
    sheet: SampleSheet, path: str | os.PathLike[str] | None
) -> tuple[ClinicalTable, tuple[str, ...]] | None:
    """Return what is stated of the patients, before the work is done; the risk room is loaded only for that."""
    if path is None and not sheet.clinical:
        return None
    from mlpa_caller.risk import clinical_of_run

    return clinical_of_run(sheet, path)


def _with_risk(result: Result, clinical: ClinicalTable, absent: tuple[str, ...]) -> Result:
    """Return the result with the risk classes of its patients, `absent` being those not in the clinical file."""
    from mlpa_caller.risk import classify

    sheet = result.samples
    patients = [name for name, role in zip(sheet.samples, sheet.role) if role == "patient"]
    risk = classify(result.tables["calls"], clinical, samples=patients)
    run = {**result.run, "not_in_clinical_file": list(absent)} if absent else result.run
    return replace(result, tables={**result.tables, "risk": risk}, run=run)


def _input_file(source: str, role: str, sha256: str) -> InputFile:
    path = Path(source)
    return InputFile(source, role, sha256, path.stat().st_size if path.is_file() else 0, "")


def _panel(panel: Panel | str | os.PathLike[str] | pd.DataFrame) -> Panel:
    if isinstance(panel, Panel):
        return panel
    if isinstance(panel, str | os.PathLike):
        return load_panel(panel)
    return panel_from_frame(panel, name="data frame", source="data frame")


def _samples(samples: SampleSheet | str | os.PathLike[str] | pd.DataFrame) -> SampleSheet:
    if isinstance(samples, SampleSheet):
        return samples
    if isinstance(samples, str | os.PathLike):
        return load_samples(samples)
    text = samples.fillna("").astype(str)
    return samples_from_columns({str(name): list(text[name]) for name in text.columns}, "data frame")


def _parameters(settings: Settings) -> dict[str, Any]:
    return {
        "noise": dict(settings.noise),
        "quality": dict(settings.quality),
        "events": {gene: dict(values) for gene, values in settings.events.items()},
        "spectrum": {gene: [list(row) for row in rows] for gene, rows in settings.spectrum.items()},
        "detection": {gene: list(exons) for gene, exons in settings.detection.items()},
    }


def _ratios(
    signals: Signals,
    panel: Panel,
    references: BoolArray,
    settings: Settings,
    compression: float,
    dna: IntArray,
) -> tuple[Ratios, dict[str, str], dict[str, str]]:
    """Normalise, call once, and normalise again without what was called altered.

    Probes that look altered have no say in a sample's level, and reference samples that look altered none in
    the efficiencies. Returns the ratios, the reference samples left out for that, and those that may be altered
    and are kept, each with its reason.
    """
    measured = np.zeros(len(signals.samples), dtype=np.bool_)
    measured[dna] = True
    ratios = normalize(signals, panel, references, settings, measured=measured)
    if not ratios.reference_samples.any():
        return ratios, {}, {}
    unaltered = np.ones(signals.height.shape)
    surely: dict[str, str] = {}
    maybe: dict[str, str] = {}
    for rows in _blocks(dna):
        own = ratios.take(rows)
        everyone = np.arange(len(rows))
        found = call_regions(
            own, signals.take(rows), panel, everyone, settings, compression=compression, quick=True
        )
        unaltered[rows] = unaltered_probes(found, len(rows), len(signals.probes), everyone)
        for region in found:
            altered = 1.0 - region.posterior.normal
            for i in np.flatnonzero((altered > MAYBE_ALTERED) & own.reference_samples):
                why = f"{region.region.name} looks altered (probability {altered[i]:.3f})"
                (surely if altered[i] > SURELY_ALTERED else maybe).setdefault(own.samples[i], why)
    kept = ratios.reference_samples & ~np.isin(np.array(signals.samples, dtype=object), list(surely))
    if kept.sum() < settings.quality["min_reference_samples"]:
        kept, surely, maybe = references, {}, {**maybe, **surely}
    else:
        kept = references & ~np.isin(np.array(signals.samples, dtype=object), list(surely))
    again = normalize(signals, panel, kept, settings, unaltered=unaltered, measured=measured)
    return again, surely, {name: why for name, why in maybe.items() if name not in surely}
