"""The numbers that the charts of a report draw, as one document for the page's script.

All of them stand in ``result.json``; none is computed here but the places on the axis, the lowest and highest
ratio of each probe in the reference samples, and the ratio that a change in every cell would give.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlpa_caller.outputs.report.exon_model import domains, exon_labels, is_binding
from mlpa_caller.outputs.report.numbers import phrase_text, probability
from mlpa_caller.outputs.report.patient_tables import MEASURED_ROLES
from mlpa_caller.outputs.report.spans import event_probes, labels_inside, runs_of
from mlpa_caller.outputs.report.view_patient import CALLED_ROLES, PatientView, Setting
from mlpa_caller.outputs.report.view_run import ReportView
from mlpa_caller.outputs.report.words import flag, plain_word, shown_name

__all__ = [
    "axis_data",
    "band_data",
    "chart_data",
    "guides_data",
    "patient_data",
    "probe_order",
    "sample_data",
    "script_json",
]

Document = Mapping[str, Any]
_LARGEST = 2**29
"""Height that the steps of an electropherogram hold at most; detectors give some 2^15."""
_MOST_BYTES = 5


def chart_data(document: Document, view: ReportView) -> dict[str, Any]:
    """Return what the charts draw.

    Parameters
    ----------
    document
        As `read_result` returns it.
    view
        What the report shows of it.
    """
    order = probe_order(document)
    samples, limits = document["samples"], view.setting.limits
    return {
        **axis_data(document, order),
        "band": band_data(document),
        "guides": guides_data(document),
        "samples": [sample_data(sample) for sample in samples],
        "patients": [
            patient_data(view.setting, patient, samples[patient.index], order) for patient in view.patients
        ],
        "references": _references(document),
        "limits": {name: limits.get(name) for name in ("slope_warn", "reference_sd_limit")},
        "traces": _traces(document),
    }


def script_json(value: object) -> str:
    """Return `value` as JSON that can stand in a script element: no character in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def probe_order(document: Document) -> list[int]:
    """Return the probes as the charts show them: targets gene by gene, then the reference probes."""
    probes = document["panel"]["probes"]
    rank = {gene: i for i, gene in enumerate(document["panel"]["genes"])}
    shown = [i for i, probe in enumerate(probes) if probe["role"] in MEASURED_ROLES]
    return sorted(
        shown, key=lambda i: (probes[i]["role"] != "target", rank.get(probes[i]["gene"], len(rank)))
    )


def axis_data(document: Document, order: Sequence[int]) -> dict[str, Any]:
    """Return the probes, their order on the axis, and first and last place of each gene there."""
    probes = document["panel"]["probes"]
    groups: list[list[Any]] = []
    for at, i in enumerate(order):
        reference = probes[i]["role"] == "reference"
        name = "reference" if reference else shown_name(probes[i]["gene"], 20)
        if groups and groups[-1][0] == name:
            groups[-1][2] = at
        else:
            groups.append([name, at, at])
    listed = [
        [
            shown_name(probe["probe"]),
            shown_name(probe["gene"]),
            shown_name(probe["exon"], 12),
            plain_word(probe["role"]),
        ]
        for probe in probes
    ]
    return {"probes": listed, "order": list(order), "groups": groups}


def band_data(document: Document) -> list[list[float | None]]:
    """Return for each probe the lowest and highest ratio in the reference samples used."""
    used = set(document["run"]["reference_samples"])
    rows = [sample["ratios"]["ratio"] for sample in document["samples"] if sample["sample"] in used]
    band: list[list[float | None]] = []
    for column in zip(*rows):
        known = [value for value in column if value is not None]
        band.append([min(known), max(known)] if known else [None, None])
    return band or [[None, None] for _ in document["panel"]["probes"]]


def guides_data(document: Document) -> list[list[Any]]:
    """Return ratio and words for one copy lost and one gained in every cell, as the run's compression has it."""
    power = document["run"].get("compression")
    if not isinstance(power, int | float):
        return []
    words = {1: "1 copy in\nall cells", 3: "3 copies in\nall cells"}
    return [[round((copies / 2) ** power, 4), text] for copies, text in words.items()]


def sample_data(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return name, ratios, flags and the figures that the charts of the run show of one sample."""
    ratios, figures = sample["ratios"], sample["quality"]["figures"]
    flagged = ((str(i), names) for i, names in enumerate(ratios["flags"]) if names)
    return {
        "name": shown_name(sample["sample"]),
        "role": plain_word(sample["role"]),
        "verdict": sample["quality"]["verdict"],
        "ratio": ratios["ratio"],
        "low": ratios["ratio_low"],
        "high": ratios["ratio_high"],
        "flags": {place: [flag(name, "probe").label for name in names] for place, names in flagged},
        "slope": [figures.get("slope"), figures.get("slope_error")],
        "sd": figures.get("reference_sd"),
        "height": figures.get("median_height"),
    }


def patient_data(
    setting: Setting, patient: PatientView, sample: Mapping[str, Any], order: Sequence[int]
) -> dict[str, Any]:
    """Return the called events and the exon picture of one patient.

    Parameters
    ----------
    setting, patient
        What the report shows.
    sample
        The sample as in the document.
    order
        The probes as they stand on the axis.
    """
    return {
        "anchor": patient.anchor,
        "sample": patient.index,
        "events": _events(setting, patient, sample, order),
        "exons": _exons(patient, sample, setting.main),
    }


def _events(
    setting: Setting, patient: PatientView, sample: Mapping[str, Any], order: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the places that each event takes on the axis; a nested event stands behind its outer one."""
    place = {probe: at for at, probe in enumerate(order)}
    spans = [
        {
            "first": first,
            "last": last,
            "status": event.status,
            "doubtful": event.doubtful,
            "nested": "nested" in event.flags,
            "ratio": event.lead["ratio"],
            "probability": phrase_text((probability(event.lead["probability"]),)),
        }
        for event in patient.found.events
        for first, last in runs_of(place[i] for i in event_probes(event, setting.probes, sample["exons"]))
    ]
    return sorted(spans, key=lambda span: (span["nested"], span["first"]))


def _exons(patient: PatientView, sample: Mapping[str, Any], main: str) -> dict[str, Any] | None:
    """Return the exon picture of the main gene; None for a gene without an exon model."""
    labels = exon_labels(main)
    rows = {row["exon"]: row for row in sample["exons"] if row["gene"] == main}
    if not labels or not rows:
        return None
    lost = dict.fromkeys(labels, 0)
    for event in patient.found.main_events:
        for call in event.calls:
            if call["gene"] == main and call["copies_lost"] is not None:
                for label in labels_inside(call, sample["exons"]) & set(labels):
                    lost[label] += int(call["copies_lost"])

    def column(key: str) -> list[Any]:
        return [rows[label][key] if label in rows else None for label in labels]

    quiet = patient.found.main_call
    return {
        "gene": shown_name(main),
        "labels": list(labels),
        "tested": [label in rows for label in labels],
        "loss": column("probability_loss"),
        "gain": column("probability_gain"),
        "ratio": list(zip(column("ratio"), column("ratio_low"), column("ratio_high"))),
        "lost": list(lost.values()),
        "open": quiet is not None and quiet["status"] == "not_evaluable",
        "domains": [[item.name, labels.index(str(item.exon)), is_binding(item)] for item in domains(main)],
    }


def _references(document: Document) -> list[int]:
    """Return the reference samples: those used and those left out."""
    named = {*document["run"]["reference_samples"], *document["run"]["left_out"]}
    return [
        i
        for i, sample in enumerate(document["samples"])
        if sample["role"] == "reference" or sample["sample"] in named
    ]


def _traces(document: Document) -> dict[str, Any] | None:
    """Return the electropherograms; None when the result has none."""
    traces = {
        str(i): [_channel(channel) for channel in sample["trace"]]
        for i, sample in enumerate(document["samples"])
        if sample.get("trace") and sample["role"] in CALLED_ROLES
    }
    if not traces:
        return None
    return {
        "median": [_channel(item) for item in document["run"].get("trace_median") or ()],
        "samples": traces,
    }


def _channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    """Return one dye of an electropherogram, its signal in as few characters as hold every digit of it."""
    return {
        "dye": shown_name(channel["dye"]),
        "first_nt": channel["first_nt"],
        "step_nt": channel["step_nt"],
        "signal": _packed(channel["signal"]),
        "peaks": [[shown_name(p["probe"]), p["size_nt"], p["height"]] for p in channel.get("peaks", ())],
    }


def _packed(signal: Sequence[float | None]) -> dict[str, str] | list[float | None]:
    """Return whole numbers in as few characters as hold them exactly; other signals as the list itself.

    The step from each value to the next, with its sign as the lowest bit, stands in base 64: seven bits a byte, the
    lowest first, with the eighth bit set on all bytes of a number but its last.
    """
    values = np.array([np.nan if value is None else value for value in signal], dtype=np.float64)
    if not len(values) or not np.isfinite(values).all() or (np.abs(values) > _LARGEST).any():
        return list(signal)
    if (values != np.rint(values)).any():
        return list(signal)
    whole = values.astype(np.int64)
    steps = whole - np.concatenate([np.zeros(1, dtype=np.int64), whole[:-1]])
    left = ((steps << 1) ^ (steps >> 63)).astype(np.uint64)
    columns = []
    for _ in range(_MOST_BYTES):
        columns.append((left & 127).astype(np.int64))
        left = left >> np.uint64(7)
    digits = np.stack(columns, axis=1)
    more = np.cumsum(digits[:, ::-1], axis=1)[:, ::-1] - digits > 0  # a higher digit follows
    wanted = more | (np.arange(_MOST_BYTES) == 0) | (digits > 0)
    content = (digits | (more << 7))[wanted].astype(np.uint8).tobytes()
    return {"steps": base64.b64encode(content).decode("ascii")}
