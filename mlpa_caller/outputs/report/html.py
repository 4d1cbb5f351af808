"""``report.html``: one file that needs nothing else, drawn when opened and complete as tables without a script.

Names from files reach the page as text only: Jinja2 escapes them in the markup, `script_json` in the data that
the script reads, and the script sets them with ``textContent``. The content security policy allows the styles
and scripts of this file by their hashes and no request of any kind.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlpa_caller.outputs.report.chart_data import chart_data, script_json
from mlpa_caller.outputs.report.exon_model import exon_labels
from mlpa_caller.outputs.report.sentences import KIND_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment

    from mlpa_caller.outputs.report.view_run import ReportView

__all__ = ["LIBRARY_VERSION", "page", "report_page"]

LIBRARY_VERSION = "6.1.0"
"""Of Apache ECharts in ``vendor``."""

_HERE = Path(__file__).parent
_SCRIPTS = ("core.js", "axes.js", "ratio.js", "exons.js", "run.js", "trace.js", "controls.js", "start.js")
_CHANGE_KINDS = {"persists": "loss", "changed": "uncertain", "new": "gain", "lost": "normal", "open": "not_evaluable",
                 "normal": "normal"}  # fmt: skip
"""Look of each kind of change between two samples."""

_ICONS = {"loss": "▼", "gain": "▲", "uncertain": "◇", "normal": "●", "not_evaluable": "?"}


def report_page(document: Mapping[str, Any], view: ReportView) -> str:
    """Return the report of a result.

    Parameters
    ----------
    document
        As `read_result` returns it.
    view
        What the report shows of it.
    """
    data = script_json(chart_data(document, view))
    return page("report.html.j2", data, view=view, has_model=bool(exon_labels(view.setting.main)))


def page(template: str, data: str, **values: Any) -> str:
    """Return a page from one of the templates, with styles, scripts and their hashes.

    Parameters
    ----------
    template
        File in ``templates``.
    data
        What the script draws, from `script_json`.
    values
        What the template shows.
    """
    from markupsafe import Markup

    style, print_style = _text("static/report.css"), _text("static/print.css")
    script, library = _script(), _text("vendor/echarts.min.js")
    return _environment().get_template(template).render(
        csp=_policy((library, script), (style, print_style)),
        style=Markup(style),
        print_style=Markup(print_style),
        script=Markup(script),
        library=Markup(library),
        data=Markup(data),
        library_version=LIBRARY_VERSION,
        icons=_ICONS,
        kind_words=KIND_WORDS,
        change_kinds=_CHANGE_KINDS,
        **values,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE / "templates", encoding="utf-8"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


@lru_cache(maxsize=8)
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").replace("\r\n", "\n")


@lru_cache(maxsize=1)
def _script() -> str:
    parts = "\n".join(_text(f"static/{name}") for name in _SCRIPTS)
    return f'(function () {{\n"use strict";\n{parts}}})();\n'


@lru_cache(maxsize=4)
def _policy(scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """Return a policy under which only these scripts and styles work, and nothing is loaded."""

    def hashes(texts: tuple[str, ...]) -> str:
        return " ".join(f"'sha256-{_hash(text)}'" for text in texts)

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(styles)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
