"""A browser for the tests here, and a run to show in it; helpers of the other tests are found from here too."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from report_cases import risk_row, trace
from visits import CHROMIUM, OPTIONS, Visit, written

from mlpa_caller.panel import load_panel
from mlpa_caller.pipeline import call_run
from mlpa_caller.simulate import SimulationSettings, simulate_signals


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra [test])")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run of some patients with losses, gains, a failed sample, risk classes and an electropherogram."""
    mix = load_panel("demo-synthetic")
    settings = SimulationSettings(n_patients=8, n_references=4, nested_rate=0.5, gain_rate=0.1, blast_given=0.5,
                                  other_gene_rate=0.3, failed_fraction=0.13)  # fmt: skip
    simulated = simulate_signals(mix, settings, seed=3)
    given = call_run(simulated.frame(), panel=mix, samples=simulated.sheet(), workers=1).to_dict()
    given["samples"][0]["risk"] = [risk_row(f"rule-{i}", "HR") for i in range(14)] + [
        risk_row(f"open-{i}", "indeterminate", possible_classes=["A", "B"], deciding_inputs=["ERG"])
        for i in range(12)
    ]
    given["samples"][1]["trace"] = trace(list(mix.probes[:15]))
    given["run"]["trace_median"] = [{"dye": "6-FAM", "first_nt": 60.0, "step_nt": 0.5, "signal": [0.2] * 400}]
    return given


@pytest.fixture(scope="session")
def path(run, tmp_path_factory):
    return written(run, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def visit(browser, path):
    made = Visit(browser, path)
    yield made
    made.check_quiet()
    made.context.close()
