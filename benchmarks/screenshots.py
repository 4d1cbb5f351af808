"""Pictures of the report for the README: ``python -m benchmarks.screenshots [--out docs/images]``.

They show the demo run; what it does not hold (a nested loss, a failed reaction) is taken from a simulated run that
has more of what is rare. Needs playwright (extra ``test``) and Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlpa_caller.outputs import read_result, write_result
from mlpa_caller.outputs.report.view_patient import PatientView
from mlpa_caller.outputs.report.view_run import report_view

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
WIDTH, HEIGHT = 1120, 1180


@dataclass(frozen=True)
class Picture:
    """One picture: its file, and whether a patient is the one to show (None: the run)."""

    name: str
    shows: Callable[[PatientView], bool] | None


def lost(patient: PatientView, exons: str) -> bool:
    """Whether the patient's only event in the main gene is a sure loss of these exons."""
    events = patient.found.main_events
    return len(events) == 1 and events[0].lead["exons"] == exons and not events[0].flags


def nested(patient: PatientView) -> bool:
    """Whether the patient has a sure loss inside another one in the main gene."""
    events = patient.found.main_events
    return any("nested" in event.flags for event in events) and not any(event.doubtful for event in events)


PICTURES = (
    Picture("report-run", None),
    Picture("report-loss-4-7", lambda patient: lost(patient, "4-7")),
    Picture("report-nested-loss", nested),
    Picture("report-not-evaluable", lambda patient: patient.kind == "not_evaluable"),
)


def main(arguments: list[str] | None = None) -> int:
    """Make the pictures and print their names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", default=Path(__file__).resolve().parents[1] / "docs" / "images", type=Path)
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    chosen = parser.parse_args(arguments)
    from playwright.sync_api import sync_playwright

    chosen.out.mkdir(parents=True, exist_ok=True)
    left = list(PICTURES)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chosen.browser, args=OPTIONS)
        for folder in runs(Path(work)):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto((folder / "report.html").as_uri())
            view = report_view(read_result(folder), "")
            for picture in list(left):
                anchor = place(view.patients, picture)
                if anchor is not None:
                    shoot(page, anchor, chosen.out / f"{picture.name}.png")
                    left.remove(picture)
        browser.close()
    if left:
        print(f"nothing to show for {', '.join(picture.name for picture in left)}")
    return 1 if left else 0


def runs(work: Path) -> Iterator[Path]:
    """Give the folder of the demo run, then of a run with more of what is rare."""
    from mlpa_caller.cli import cli
    from mlpa_caller.panel import load_panel
    from mlpa_caller.pipeline import call_run
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    cli.main(["demo", "--out", str(work / "demo"), "--quiet"], standalone_mode=False, obj=("demo",))
    yield work / "demo"
    panel = load_panel("demo-synthetic")
    settings = SimulationSettings(nested_rate=0.5, failed_fraction=0.1)
    simulated = simulate_signals(panel, settings, seed=1)
    write_result(call_run(simulated.frame(), panel=panel, samples=simulated.sheet()), work / "rare")
    yield work / "rare"


def place(patients: tuple[PatientView, ...], picture: Picture) -> str | None:
    """Return the anchor of what a picture shows; None where the run has no such patient."""
    if picture.shows is None:
        return "run"
    return next((patient.anchor for patient in patients if picture.shows(patient)), None)


def shoot(page: Any, anchor: str, path: Path) -> None:
    """Take a picture from the top of a part of the page, charts drawn."""
    page.evaluate("document.querySelector('.bar').style.position = 'static'")
    page.locator(f"#{anchor}").evaluate("element => element.scrollIntoView()")
    page.wait_for_timeout(1000)
    box = page.locator(f"#{anchor}").evaluate(
        "element => { const box = element.getBoundingClientRect(); return [box.top + scrollY, box.height]; }"
    )
    top, height = max(0.0, box[0] - 8), HEIGHT if anchor == "run" else min(HEIGHT, box[1] + 16)
    clip = {"x": 0, "y": top, "width": WIDTH, "height": height}
    page.screenshot(path=path, clip=clip, full_page=True)
    print(path)


if __name__ == "__main__":
    raise SystemExit(main())
