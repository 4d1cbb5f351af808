"""What a test reads of a report's page: elements, numbers, tables, texts."""

from __future__ import annotations

from html.parser import HTMLParser

from mlpa_caller.outputs.report import html
from mlpa_caller.outputs.report.view_run import report_view

DIGEST = "0" * 64


def page_of(given: dict) -> str:
    return html.report_page(given, report_view(given, DIGEST))


class Page(HTMLParser):
    """Elements, numbers, tables and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.numbers: list[tuple[str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._texts: list[str] = []
        self._open = ""
        self._caption = ""
        self._cell = False
        self._rows: list[list[str]] = []
        self.feed(text)
        self.text = "".join(self._texts)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "data":
            self.numbers.append((dict(attrs)["value"] or "", ""))
        elif tag in ("script", "style"):
            (self.scripts if tag == "script" else self.styles).append("")
        elif tag == "article":
            self._prefix = dict(attrs)["id"]
        elif tag == "caption":
            self._caption = ""
        elif tag == "tr":
            key = f"{getattr(self, '_prefix', '')} {self._caption}".strip()
            self._rows = self.tables.setdefault(key, [])
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        self._open = ""
        if tag in ("table", "td", "th"):
            self._cell = False
        if tag == "article":
            self._prefix = ""

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open == "style":
            self.styles[-1] += data
        elif self._open == "caption":
            self._caption += data
        else:
            self._texts.append(data)
            if self._open == "data":
                value, text = self.numbers[-1]
                self.numbers[-1] = (value, text + data)
            if self._cell:
                self._rows[-1][-1] += data.strip("\n")
