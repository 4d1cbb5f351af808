"""Two samples side by side: what persists, what is new, what is not seen, and what cannot be told."""

from __future__ import annotations

import json

import pytest
from report_cases import call, loss_4_7, with_calls
from report_page import Page

from mlpa_caller import cli
from mlpa_caller.errors import ResultExistsError, UsageError
from mlpa_caller.outputs.report import write_comparison
from mlpa_caller.outputs.report.compare import Side, comparison_html, find_pair, find_side
from mlpa_caller.outputs.report.numbers import phrase_text


def sides(first, second):
    return Side(with_calls(first), "a" * 64, 0), Side(with_calls(second), "b" * 64, 0)


def told(first, second):
    """The lines of the comparison: kind and text."""
    page = comparison_html(*sides(first, second))
    found = Page(page)
    lines = [line.strip() for line in found.text.splitlines() if line.strip()]
    start = next(i for i, line in enumerate(lines) if line.startswith("For research use"))
    end = next(i for i, line in enumerate(lines) if line.startswith(("The ", "That two")))
    return lines[start + 1 : end]


def changes_of(first, second):
    from mlpa_caller.outputs.report.changes import Sided, changes
    from mlpa_caller.outputs.report.view_patient import patient_view, setting_of

    made = []
    for label, given in (("first", with_calls(first)), ("second", with_calls(second))):
        setting = setting_of(given, "IKZF1")
        made.append(Sided(label, given["samples"][0], setting, patient_view(given["samples"][0], 0, setting)))
    return [(change.kind, phrase_text(change.phrase)) for change in changes(*made)]


def test_the_same_loss_persists():
    found = changes_of([loss_4_7()], [loss_4_7(clone_fraction=0.81, probability=0.991)])
    assert found == [
        (
            "persists",
            "Loss of IKZF1 exons 4-7; first: probability 0.997, in 62 % (54-70 %) of cells; "
            "second: probability 0.991, in 81 % (54-70 %) of cells",
        )
    ]


def test_another_range_or_copy_number_is_a_change():
    ((kind, text),) = changes_of([loss_4_7()], [call("IKZF1", "loss", "1-8")])
    assert kind == "changed"
    assert text.startswith(
        "Loss of IKZF1 exons 4-7 in the first sample, loss of IKZF1 exons 1-8 (whole gene)"
    )
    ((kind, _),) = changes_of([loss_4_7()], [loss_4_7(copies_lost=2)])
    assert kind == "changed"
    ((kind, text),) = changes_of([loss_4_7(flags=["range_uncertain"])], [call("IKZF1", "loss", "4-8")])
    assert kind == "changed"
    assert "so it may be the same" in text


def test_new_and_not_seen_name_the_limit_of_detection():
    ((kind, text),) = changes_of([call(limit_of_detection=0.3)], [loss_4_7()])
    assert kind == "new"
    assert text.endswith(
        "normal in the first sample, where a change of the gene in fewer than 30 % of cells could have been missed"
    )
    ((kind, text),) = changes_of([loss_4_7()], [call(limit_of_detection=0.25)])
    assert kind == "lost"
    assert "normal in the second sample" in text
    assert "fewer than 25 % of cells" in text


@pytest.mark.parametrize(
    "other",
    [
        [call(status="not_evaluable", flags=["sample_failed"])],
        [call(limit_of_detection=None)],
        [call("PAX5")],
    ],
)
def test_what_the_other_sample_could_not_show_is_open(other):
    kinds = [kind for kind, _ in changes_of([loss_4_7()], other)]
    assert kinds == ["open"]
    kinds = [kind for kind, _ in changes_of(other, [loss_4_7()])]
    assert kinds == ["open"]


def test_a_probe_without_a_ratio_leaves_the_lesion_open():
    first, second = with_calls([loss_4_7()]), with_calls([call()])
    second["samples"][0]["ratios"]["ratio"][3:7] = [None] * 4
    text = Page(comparison_html(Side(first, "", 0), Side(second, "", 0))).text
    assert "no probe of it has a ratio in the second sample" in text


def test_a_loss_and_a_gain_are_two_lesions():
    kinds = sorted(kind for kind, _ in changes_of([loss_4_7()], [call("IKZF1", "gain", "4-7")]))
    assert kinds == ["lost", "new"]


def test_each_lesion_has_one_partner():
    outer, inner = call("IKZF1", "loss", "1-8"), loss_4_7(flags=["nested"])
    found = changes_of([outer, inner], [outer, inner])
    assert [kind for kind, _ in found] == ["persists", "persists"]
    found = changes_of([outer, inner], [outer])
    assert [kind for kind, _ in found] == ["persists", "lost"]


def test_genes_normal_in_both():
    assert changes_of([call(), call("PAX5")], [call(), call("PAX5", "loss", "1")])[-1] == ("normal", "IKZF1")


def test_page():
    lines = told([loss_4_7(), call("PAX5")], [call(), call("PAX5")])
    assert lines[0] == "Not seen"
    page = comparison_html(*sides([loss_4_7(), call("PAX5")], [call(), call("PAX5")]))
    assert page == comparison_html(*sides([loss_4_7(), call("PAX5")], [call(), call("PAX5")]))
    found = Page(page)
    rows = found.tables["comparison Every gene in both samples"]
    assert [row[0] for row in rows[2:]] == ["IKZF1", "PAX5"]
    assert rows[2][3] == "0.9971"
    assert len(json.loads(found.scripts[0])["patients"]) == 2


def test_panels_that_differ_are_compared_by_probe_name():
    first, second = with_calls([loss_4_7()]), with_calls([loss_4_7()])
    for i, probe in enumerate(second["panel"]["probes"]):
        if probe["gene"] == "PAX5":
            probe["probe"] = f"other {i}"
    found = Page(comparison_html(Side(first, "", 0), Side(second, "", 0)))
    assert "The two panels differ" in found.text
    data = json.loads(found.scripts[0])
    n = len(first["panel"]["probes"])
    assert len(data["probes"]) == n + 8
    assert data["samples"][0]["ratio"][n:] == [None] * 8
    assert data["samples"][1]["ratio"][:8] == second["samples"][0]["ratios"]["ratio"][:8]
    assert data["samples"][0]["flags"][str(n)] == ["not on this panel"]


@pytest.fixture
def runs(tmp_path):
    """Two result folders, one of one patient and one of two."""
    one, two = with_calls([loss_4_7()]), with_calls([loss_4_7()])
    two["samples"][1] = {**json.loads(json.dumps(two["samples"][0])), "sample": "P1:a"}
    for name, given in (("one", one), ("two", two), ("a:b", two)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps(given), encoding="utf-8")
    return tmp_path


def test_ways_to_name_a_sample(runs):
    assert find_side(str(runs / "one")).index == 0
    assert find_side(str(runs / "two"), "P1:a").index == 1
    assert find_side(f"{runs / 'two'}:P1:a").index == 1
    assert find_side(f"{runs / 'a:b'}:P1").index == 0
    assert find_side(runs / "one" / "result.json").index == 0
    first, second = find_pair(str(runs / "one"), str(runs / "two"))
    assert (first.index, second.index) == (0, 0)


def test_unclear_samples_are_refused(runs):
    with pytest.raises(
        UsageError, match=r"two: the result has 2 patients \('P1', 'P1:a'\); name one, as .*two:SAMPLE"
    ):
        find_side(str(runs / "two"))
    with pytest.raises(UsageError, match=r"has no patient 'P9'; name one of 'P1', 'P1:a'"):
        find_side(str(runs / "two"), "P9")
    with pytest.raises(UsageError, match="has 2 patients"):
        find_pair(str(runs / "two"), str(runs / "two"))


def test_command(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)

    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        return caught.value.code

    assert run("report", "one", "two") == 0
    assert capsys.readouterr().out == "comparison.html\n"
    assert "Comparison: first" in (runs / "comparison.html").read_text(encoding="utf-8")
    assert run("report", "two", "P1", "P1:a") == 2
    assert "the file exists; add --force" in capsys.readouterr().err
    assert run("report", "two", "P1", "P1:a", "--out", "c.html", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"folder": "", "files": ["c.html"]}


def test_an_earlier_comparison_stays(runs):
    side = find_side(runs / "one")
    target = runs / "c.html"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(ResultExistsError, match="the file exists; add --force to replace it"):
        write_comparison(side, side, target)
    assert target.read_text(encoding="utf-8") == "mine"
    assert write_comparison(side, side, target, force=True) == [str(target)]
    assert sorted(path.name for path in runs.iterdir()) == ["a:b", "c.html", "one", "two"]
