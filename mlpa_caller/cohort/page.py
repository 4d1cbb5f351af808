"""The report as one HTML page that needs nothing else: tables, notes and figures inside, every name escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape

from mlpa_caller.cohort.report import NOTICE, Report, Section, heading, shown_rows

__all__ = ["report_page"]

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid #ccc}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;margin:.6rem 0}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e4e4e4;vertical-align:top;overflow-wrap:anywhere}
th{background:#f4f4f4}td.n{text-align:right;font-variant-numeric:tabular-nums}
.note{color:#555;font-size:.88rem;margin:.2rem 0}img{max-width:100%;height:auto}
figure{margin:1rem 0}footer{margin-top:3rem;color:#555;border-top:1px solid #ccc;padding-top:.6rem}
""".strip()

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_page(report: Report, figures: Mapping[str, Mapping[str, bytes]]) -> str:
    """Return the HTML page of a report.

    Parameters
    ----------
    report
        The report.
    figures
        By name, the bytes of each figure; the SVG is shown.
    """
    return "".join(_pieces(report, figures))


def _pieces(report: Report, figures: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    title = _safe(report.title)
    yield f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    yield f"<style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
    for note in report.notes:
        yield f'<p class="note">{_safe(note)}</p>\n'
    for name, forms in figures.items():
        data = base64.b64encode(forms["svg"]).decode("ascii")
        words = _safe(heading(name))
        yield f'<figure><img alt="{words}" src="data:image/svg+xml;base64,{data}"></figure>\n'
    for section in report.sections:
        if not section.file_only:
            yield from _section(section)
    yield f"<footer>{_safe(NOTICE)}</footer>\n</body></html>\n"


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{_safe(section.title)}</h2>\n"
    table = section.shown or section.table
    rows = shown_rows(table)
    keep = [i for i in range(len(table.columns)) if any(row[i] for row in rows)]
    if rows:
        names = [heading(name) for name in table.columns]
        numeric = [column.dtype.kind in "fi" for column in table.columns.values()]
        yield '<div class="wide"><table><thead><tr>'
        yield "".join(f'<th scope="col">{_safe(names[i])}</th>' for i in keep)
        yield "</tr></thead>\n<tbody>\n"
        for row in rows:
            cells = "".join(f"<td{' class=n' if numeric[i] else ''}>{_safe(row[i])}</td>" for i in keep)
            yield f"<tr>{cells}</tr>\n"
        yield "</tbody></table></div>\n"
    else:
        yield '<p class="note">nothing to show</p>\n'
    for note in section.notes:
        yield f'<p class="note">{_safe(note)}</p>\n'


def _safe(text: str) -> str:
    """Return text that HTML shows as it is, without control characters."""
    return escape("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text))
