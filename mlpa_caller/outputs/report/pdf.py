"""A report as PDF, printed by a browser that is installed: Chromium, Chrome or Edge, without a window."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from mlpa_caller.errors import MissingExtraError, OutputError

__all__ = ["BROWSER_VARIABLE", "find_browser", "print_pdf"]

BROWSER_VARIABLE = "MLPA_CALLER_BROWSER"
"""Environment variable that names the browser to use."""

_NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge"
)  # fmt: skip
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_OPTIONS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)  # fmt: skip
_SECONDS = 300
_DATE = re.compile(rb"/(CreationDate|ModDate) ?\(D:\d{14}[^)]*\)")


def find_browser() -> str:
    """Return the browser that prints reports.

    Raises
    ------
    MissingExtraError
        If none is installed, or the one named in the environment is not there.
    """
    named = os.environ.get(BROWSER_VARIABLE, "")
    if named:
        found = shutil.which(named)
        if found is None:
            raise MissingExtraError(
                f"the browser that {BROWSER_VARIABLE} names is not there",
                remedy="correct it or unset it",
                file=named,
            )
        return found
    for name in (*_NAMES, *_PLACES):
        found = shutil.which(name)
        if found is not None:
            return found
    raise MissingExtraError(
        "a PDF needs Chromium, Chrome or Edge, and none was found",
        remedy=f"install one, name it in {BROWSER_VARIABLE}, or open report.html in any browser and print it to PDF",
    )


def print_pdf(html: Path, pdf: Path, *, browser: str | None = None) -> None:
    """Print a page of this program to PDF, one patient a page.

    Parameters
    ----------
    html
        The page.
    pdf
        The file to write.
    browser
        The browser; found when None.

    Raises
    ------
    MissingExtraError
        If no browser is installed.
    OutputError
        If the browser fails.
    """
    program = find_browser() if browser is None else browser
    with tempfile.TemporaryDirectory(prefix="mlpa-caller-", ignore_cleanup_errors=True) as profile:
        words = [program, *_OPTIONS, f"--user-data-dir={profile}", f"--print-to-pdf={pdf.absolute()}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            words.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
        words.append(f"{html.absolute().as_uri()}#print")
        try:
            done = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise OutputError(
                f"the browser did not finish the PDF within {_SECONDS} seconds",
                remedy="try again",
                file=pdf.name,
            ) from error
    if done.returncode != 0 or not pdf.is_file() or not pdf.read_bytes().startswith(b"%PDF"):
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise OutputError(
            f"the browser made no PDF ({last[0][:200]})",
            remedy="open report.html and print it to PDF",
            file=pdf.name,
        )
    _without_time(pdf)


def _without_time(pdf: Path) -> None:
    """Overwrite the times in the PDF with one of the same length, so that the same report gives the same bytes."""
    content = pdf.read_bytes()

    def fixed(match: re.Match[bytes]) -> bytes:
        text = match.group(0)
        start = text.index(b"D:") + 2
        return text[:start] + b"20000101000000" + text[start + 14 :]

    pdf.write_bytes(_DATE.sub(fixed, content))
