"""The reports in a real browser: drawn, filtered, read aloud, and deaf to what names say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_cases import HOSTILE, document, hostile_names, loss_4_7, with_calls
from visits import Visit, needs_chromium, written

from mlpa_caller.outputs.report.compare import Side, comparison_html

pytestmark = needs_chromium

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
POINTS = """element => echarts.getInstanceByDom(element).getOption().series
    .find(series => series.id === "points").data.map(item => item.value)"""


def test_charts_are_drawn_and_hold_the_numbers_of_the_result(visit, run):
    visit.draw()
    page = visit.page
    patients = page.locator("article.patient").count()
    assert patients == 8
    assert page.locator(".chart[data-chart=ratio] svg").count() == patients
    assert page.locator(".chart[data-chart=exons] svg").count() == patients
    for kind in ("heat", "references", "slopes", "trace"):
        assert page.locator(f".chart[data-chart={kind}] svg").count() == 1
    order = json.loads(page.locator("#report-data").text_content())["order"]
    for i in range(patients):
        chart = page.locator(f"#s{i} .chart[data-chart=ratio]")
        points = chart.evaluate(POINTS)
        wanted = [run["samples"][i]["ratios"]["ratio"][probe] for probe in order]
        assert len(points) == len(order)
        assert [y for (_, y), known in zip(points, wanted) if known is not None] == [
            y for y in wanted if y is not None
        ]
        assert chart.locator("svg path").count() > len(order)


def test_the_electropherogram_lies_over_the_median_with_probe_labels(visit, run):
    chart = visit.page.locator(".chart[data-chart=trace]")
    chart.scroll_into_view_if_needed()
    chart.locator("svg").wait_for()
    sample = run["samples"][1]
    drawn = chart.evaluate("e => echarts.getInstanceByDom(e).getOption().series.map(s => [s.name, s.data])")
    (median, own, peaks) = (points for _, points in drawn)
    assert [name for name, _ in drawn][:2] == [
        "median of the reference samples, 6-FAM", f"{sample['sample']}, 6-FAM",
    ]  # fmt: skip
    (channel,) = sample["trace"]
    assert [y for _, y in own] == channel["signal"]
    assert own[0][0] == channel["first_nt"]
    height = sample["quality"]["figures"]["median_height"]
    assert median[0][1] == pytest.approx(0.2 * height)
    assert [point["name"] for point in peaks] == [peak["probe"] for peak in channel["peaks"]]
    words = chart.locator("svg text").all_text_contents()
    assert channel["peaks"][0]["probe"] in words


def test_hover_and_zoom(visit, run):
    page = visit.page
    chart = page.locator("#s0 .chart[data-chart=ratio]")
    chart.scroll_into_view_if_needed()
    chart.locator("svg").wait_for()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 100)
    tip = chart.locator(".tip")
    tip.wait_for()
    probe = run["panel"]["probes"][0]
    assert probe["probe"] in tip.inner_text()
    assert f"ratio {run['samples'][0]['ratios']['ratio'][0]:.4f}" in tip.inner_text()

    def range_shown() -> list[float]:
        return chart.evaluate(
            "e => { const z = echarts.getInstanceByDom(e).getOption().dataZoom[0]; return [z.start, z.end]; }"
        )

    zoom = page.get_by_role("button", name=re.compile("^Zoom in: Ratios of"))
    zoom.first.focus()
    page.keyboard.press("Enter")
    start, end = range_shown()
    assert 0 < start < end < 100
    page.get_by_role("button", name=re.compile("^Show all: Ratios of")).first.click()
    assert range_shown() == [0, 100]


def test_filter_by_keyboard(visit):
    page = visit.page
    rows = page.locator("#results-table tbody tr")
    total = rows.count()
    page.locator("#filter").focus()
    page.keyboard.type("no such thing")
    assert page.locator("#results-table tbody tr:visible").count() == 0
    assert page.locator("article.patient:visible").count() == 0
    assert page.locator("#filter-count").inner_text() == f"0 of {total} patients"
    page.locator("#filter-clear").click()
    assert page.locator("article.patient:visible").count() == total
    page.locator("#filter-kind").select_option("not_evaluable")
    shown = page.locator("article.patient:visible")
    assert 0 < shown.count() < total
    assert set(shown.evaluate_all("list => list.map(e => e.dataset.kind)")) == {"not_evaluable"}
    page.locator("#filter-kind").select_option("attention")
    assert all(
        text != "pass" for text in page.locator("#results-table tbody tr:visible .verdict").all_inner_texts()
    )


def test_sorting(visit, run):
    page = visit.page
    head = page.locator("table.sortable.quality thead th", has_text="reference SD")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    column = "rows => rows.map(row => row.cells[4].textContent).filter(Boolean).map(Number)"
    values = page.locator("table.sortable.quality tbody tr").evaluate_all(column)
    assert values == sorted(values)
    head.locator("button").click()
    assert page.locator("table.sortable.quality tbody tr").evaluate_all(column) == values[::-1]
    head.locator("button").click()
    names = page.locator("table.sortable.quality tbody th").all_inner_texts()
    assert names == [sample["sample"] for sample in run["samples"]]


def test_jump(visit):
    page = visit.page
    page.locator("#jump").select_option("s5")
    assert page.evaluate("document.activeElement.id") == "s5"
    page.wait_for_function("() => Math.abs(document.getElementById('s5').getBoundingClientRect().top) < 120")
    page.locator("#next").click()
    assert page.evaluate("document.activeElement.id") == "s6"
    page.locator("#previous").click()
    assert page.evaluate("document.activeElement.id") == "s5"
    page.locator("#results-table a").first.click()
    assert page.url.endswith("#s0")


def test_two_hundred_hostile_names(browser, tmp_path):
    names = hostile_names(200)
    given = document(names)
    for i, probe in enumerate(given["panel"]["probes"]):
        probe["probe"] = names[i]
    given["run"]["reasons"] = [names[0]]
    made = Visit(browser, written(given, tmp_path / "hostile.html"))
    page = made.page
    made.draw(9)
    assert page.locator("script").count() == 3
    assert page.locator("img, iframe, object, embed, link, base").count() == 0
    assert page.evaluate(
        "[...document.querySelectorAll('*')].every(e => ![...e.attributes].some(a => a.name.startsWith('on')))"
    )
    assert page.title().startswith("MLPA report")
    shown = page.locator("#results-table tbody th").all_inner_texts()
    assert shown[0] == names[0]
    assert not any("\u202e" in text for text in shown)
    chart = page.locator(".chart[data-chart=heat]")
    chart.evaluate("e => e.scrollIntoView({block: 'start'})")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 60)
    page.locator(".tip").first.wait_for()
    assert page.locator(".tip").first.inner_text().startswith("<")
    page.locator("#filter").fill("<script>")
    assert page.locator("article.patient:visible").count() > 0
    made.check_quiet()
    made.context.close()


@pytest.mark.parametrize("kind", ["run", "hostile", "comparison"])
def test_axe_finds_nothing_serious(browser, path, tmp_path, kind):
    if kind == "hostile":
        path = written(document(hostile_names(len(HOSTILE))), tmp_path / "page.html")
    elif kind == "comparison":
        side = Side(with_calls([loss_4_7()]), "0" * 64, 0)
        path = tmp_path / "page.html"
        path.write_text(comparison_html(side, side), encoding="utf-8")
    made = Visit(browser, path)
    made.draw()
    made.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = made.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (item["id"], item["help"], [node["html"][:120] for node in item["nodes"][:3]])
        for item in found["violations"]
        if item["impact"] in ("serious", "critical")
    ]
    assert serious == []
    made.check_quiet()
    made.context.close()


def test_without_javascript_the_tables_are_complete(browser, path, run):
    made = Visit(browser, path, java_script_enabled=False)
    page = made.page
    assert page.locator("article.patient:visible").count() == 8
    assert page.locator(".chart:visible, #filter:visible, #jump:visible").count() == 0
    assert page.get_by_text("Charts, filter and sorting need JavaScript").is_visible()
    rows = page.locator("#s0 details table").nth(1).locator("tbody tr")
    assert rows.count() == len(run["panel"]["probes"])
    made.check_quiet()
    made.context.close()


def test_comparison(browser, tmp_path):
    side = Side(with_calls([loss_4_7()]), "0" * 64, 0)
    target = tmp_path / "comparison.html"
    target.write_text(comparison_html(side, side), encoding="utf-8")
    made = Visit(browser, target)
    made.draw()
    assert made.page.locator(".chart svg").count() == 4
    assert (
        made.page.locator(".answer .sentence")
        .first.inner_text()
        .startswith("Loss of IKZF1 exons 4-7; first:")
    )
    made.check_quiet()
    made.context.close()
