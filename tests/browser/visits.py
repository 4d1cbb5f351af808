"""A page in a real browser, and everything it asked for or complained of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlpa_caller.outputs.report import html
from mlpa_caller.outputs.report.view_run import report_view

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed (Debian: apt-get install chromium)"
)


def written(given: dict, path: Path) -> Path:
    path.write_text(html.report_page(given, report_view(given, "0" * 64)), encoding="utf-8")
    return path


class Visit:
    """A page, and everything it asked for or complained of."""

    def __init__(self, browser, path: Path, suffix: str = "", **options) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.address = path.as_uri()
        self.page.goto(self.address + suffix)

    def draw(self, most: int = 1000) -> None:
        """Bring charts into view until `most` are drawn."""
        for chart in self.page.locator(".chart").all()[:most]:
            chart.evaluate("async e => { e.scrollIntoView(); await new Promise(requestAnimationFrame); }")
        self.page.wait_for_function(
            f"() => [...document.querySelectorAll('.chart')].slice(0, {most})"
            ".every(e => e.dataset.drawn || !e.offsetParent)"
        )

    def check_quiet(self) -> None:
        """Nothing but the file itself was asked for, and nothing was complained of."""
        assert [url.partition("#")[0] for url in self.requests] == [self.address]
        assert self.complaints == []
