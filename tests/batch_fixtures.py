"""Fixtures of the batch tests: runs are analysed in this process, each content once."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from batch_cases import write_folder

from mlpa_caller import pipeline
from mlpa_caller.batch import drive
from mlpa_caller.batch.plan import panel_digest, sheet_digest, signals_digest


class Inline:
    """Work in a thread of this process."""

    window = 3

    def __init__(self):
        self.pool = ThreadPoolExecutor(1)

    def open(self):
        return self.pool

    def close(self):
        self.pool.shutdown()


@pytest.fixture
def inline(monkeypatch):
    @contextmanager
    def crew(workers, scheduler):
        people = Inline()
        yield people
        people.close()

    monkeypatch.setattr(drive, "crew", crew)


_known: dict[object, object] = {}
_analyse = pipeline.analyse


@pytest.fixture
def remembered(monkeypatch):
    """Each content is analysed once in this file: what is tested here is what becomes of the results."""

    def analyse(panel, sheet, signals, **options):
        key = (
            panel_digest(panel),
            sheet_digest(sheet),
            signals_digest(signals),
            str(options.get("settings")),
        )
        if key not in _known:
            _known[key] = _analyse(panel, sheet, signals, **options)
        return dataclasses.replace(_known[key], panel=panel, samples=sheet, inputs=options["inputs"])

    monkeypatch.setattr(pipeline, "analyse", analyse)


@pytest.fixture
def archive(tmp_path):
    """Three folders of runs, one of them below another folder."""
    for name, seed in (("archive/r2", 2), ("archive/r10", 3), ("archive/2024/r1", 1)):
        write_folder(tmp_path / name, seed, lot=f"L{seed}", date=f"2025-01-0{seed}")
    return tmp_path / "archive"
