"""``mlpa-caller cohort`` as a laboratory meets it: files in, figures and refusals out."""

import importlib.util
import json
import re
from html.parser import HTMLParser

import pytest

pytest.importorskip("lifelines", reason="the extra [cohort] is not installed")

from mlpa_caller import cli

CALLS = "sample\tgene\tstatus\texons\tcopies_lost\tn_probes\tlimit_of_detection\tflags\n"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(cli.COMMANDS, "cohort", "Statistics over a patients' table.")
    return tmp_path


def run(capsys, *words, code=0):
    with pytest.raises(SystemExit) as stop:
        cli.main(["cohort", *words])
    out = capsys.readouterr()
    assert stop.value.code == code, out.err
    return out


def refused(capsys, *words, code=3):
    out = run(capsys, *words, code=code)
    assert out.out == ""
    assert len(out.err.strip().splitlines()) == 1
    return out.err.strip()


def document(capsys, *words):
    return json.loads(run(capsys, *words, "--json").out)


def section(found, name):
    return found["sections"][name]["rows"]


def write(name, text):
    with open(name, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    return name


def survival(capsys, rows, *more, head="sample,efs_years,outcome,arm"):
    write("p.csv", "\n".join([head, *rows]) + "\n")
    return document(
        capsys, "survival", "p.csv", "--time", "efs_years", "--event", "outcome", "--by", "arm", *more
    )


@pytest.fixture
def cohort():
    """Seven patients: two deleted, two not, and three whose IKZF1 is not known for three reasons."""
    write("p.csv", "sample,sex,age_years,wbc_e9_per_l,blast_fraction,efs_months,outcome\n"
          "007,M,3,10,0.9,40,0\n1e5,F,12,60,0.9,10,relapse\nNA,F,4,,0.9,12,death\n=x,M,5,20,0.9,30,lost\n"
          "a b,M,6,30,0.9,20,0\n\u00e9,F,7,40,0.1,25,0\nlone,F,8,50,0.9,26,0\n")  # fmt: skip
    write("c.tsv", CALLS + "007\tIKZF1\tnormal\t\t\t8\t0.2\t\n1e5\tIKZF1\tloss\t4-7\t1\t4\t0.2\t\n"
          "NA\tIKZF1\tloss\t1-8\t2\t8\t0.2\t\n=x\tIKZF1\tnormal\t\t\t8\t0.2\t\n"
          "a b\tIKZF1\tnot_evaluable\t\t\t8\t\tsample_failed\n\u00e9\tIKZF1\tnormal\t\t\t8\t0.3\t\n"
          "lone\tIKZF1\tloss\t2\t1\t1\t0.2\tconfirm_single_probe\n")  # fmt: skip


@pytest.mark.usefixtures("cohort")
def test_unknown_gene_state_is_excluded_and_counted(capsys):
    found = document(capsys, "describe", "p.csv", "--calls", "c.tsv", "--by", "ikzf1")
    assert {row["group"]: row["patients"] for row in section(found, "groups")} == {
        "not_deleted": 2,
        "deleted": 2,
    }
    assert found["facts"]["excluded"] == {
        "limit of detection above the blast fraction": 1,
        "loss not seen by two probes": 1,
        "not evaluable": 1,
    }
    spectrum = [(row["exons"], row["copies_lost"], row["patients"]) for row in section(found, "spectrum")]
    assert spectrum == [("1-8", "2", 1), ("4-7", "1", 1)]
    (sex,) = [row for row in section(found, "comparisons") if row["feature"] == "sex"]
    assert (sex["patients"], sex["pearson"], sex["odds_ratio"]) == (4, pytest.approx(4), 0)  # F,F against M,M
    (white,) = [row for row in section(found, "comparisons") if row["feature"] == "white cells"]
    assert (white["patients"], white["unknown"]) == (3, 1)
    (everybody,) = section(found, "subtypes")
    assert (everybody["deleted"], everybody["patients"], everybody["not_known"]) == (2, 4, 3)


@pytest.mark.usefixtures("cohort")
def test_survival_by_gene_with_competing_events(capsys):
    out = run(capsys, "survival", "p.csv", "--calls", "c.tsv", "--by", "ikzf1", "--time", "efs_months", "--event",
              "outcome", "--competing", "death", "--horizon", "1", "--json")  # fmt: skip
    found = json.loads(out.out)
    rates = {row["group"]: row for row in section(found, "rates")}
    assert rates["deleted"]["percent"] == pytest.approx(0)  # 10 and 12 of 12 months
    assert rates["not_deleted"]["percent"] == 100
    incidence = {(row["group"], row["event"]): row["percent"] for row in section(found, "incidence")}
    assert incidence["deleted", "relapse"] == incidence["deleted", "death"] == pytest.approx(50)
    assert all(row["holds"] == "yes" for row in section(found, "identities"))
    assert found["facts"]["lost_to_follow_up"] == 1
    assert "1 lost to follow-up, censored" in " ".join(found["notes"])


@pytest.mark.usefixtures("cohort")
def test_loss_to_follow_up_is_an_event_only_when_asked(capsys):
    words = [
        "survival",
        "p.csv",
        "--calls",
        "c.tsv",
        "--by",
        "ikzf1",
        "--time",
        "efs_months",
        "--event",
        "outcome",
    ]
    events = {row["group"]: row["events"] for row in section(document(capsys, *words), "follow_up")}
    assert events == {"not_deleted": 0, "deleted": 2}
    events = {
        row["group"]: row["events"]
        for row in section(document(capsys, *words, "--loss-is-event"), "follow_up")
    }
    assert events == {"not_deleted": 1, "deleted": 2}
    found = document(capsys, *words, "--loss-is-event", "--competing", "death", "--horizon", "2.5")
    kinds = {row["event"] for row in section(found, "incidence")}
    assert kinds == {"relapse", "death", "lost"}  # a loss is no relapse and no death
    assert all(row["holds"] == "yes" for row in section(found, "identities"))


def test_horizon_beyond_the_follow_up_gives_no_rate(capsys):
    found = survival(capsys, ["a,2.9,0,x", "b,1,relapse,x", "c,1,1,y", "d,2,1,y"], "--horizon", "3")
    rates = {row["group"]: row for row in section(found, "rates")}
    assert rates["x"]["percent"] is None
    assert rates["x"]["reason"] == "nobody followed this long; 50.0 % at the end, 2.90 years"
    assert rates["y"]["percent"] == 0  # everybody had the event: known for any later time
    assert rates["y"]["percent_low"] is None


def test_units_come_from_the_column_or_the_option_and_are_named_otherwise(capsys):
    write("p.csv", "sample,t,e,efs_days\na,12,1,365.25\nb,24,0,730.5\n")
    found = document(capsys, "survival", "p.csv", "--time", "t", "--event", "e", "--horizon", "1")
    assert "The unit of t is not stated and was taken as years" in " ".join(found["notes"])
    assert section(found, "rates")[0]["percent"] == 100
    for words in (["--time", "t", "--unit", "months"], ["--time", "efs_days"]):
        found = document(capsys, "survival", "p.csv", "--event", "e", "--horizon", "1", *words)
        assert section(found, "rates")[0]["percent"] == 50
        assert not [note for note in found["notes"] if "unit" in note]


def test_missing_times_and_groups_are_counted_and_left_out(capsys):
    rows = ["a,1,1,x", "b,2,0,x", "c,,1,y", "d,3,NA,y", "e,4,0,unknown", "f,,,y", "g,2,1,y"]
    found = survival(capsys, rows)
    assert {row["group"]: row["patients"] for row in section(found, "follow_up")} == {"x": 2, "y": 1}
    assert found["facts"]["excluded"] == {"arm not stated": 1}
    assert found["facts"]["excluded_outcome"] == {
        "efs_years not stated": 1, "outcome not stated": 1, "efs_years and outcome not stated": 1,
    }  # fmt: skip


@pytest.mark.parametrize("rows", [
    ["a,1,1,x"],
    ["a,1,0,x"],
    ["a,0,1,x", "b,0,1,y"],
    ["a,1,0,x", "b,2,0,y", "c,3,0,y"],
    ["a,1,1,x", "b,1,1,x", "c,1,1,y", "d,1,1,y"],
    ["a,1,1,x", "b,2,1,y"],
    ["a,1,relapse,x", "b,1,death,x", "c,0,death,y", "d,0,0,y", "e,5,0,z"],
    ["a,1,relapse,x", "b,2,0,x", "c,,1,y", "d,3,1,z"],
    ["a,1,death,x", "b,2,death,y", "c,3,death,x"],
])  # fmt: skip
def test_small_and_extreme_cohorts_give_a_result(capsys, rows):
    more = ["--competing", "death"] if "death" in " ".join(rows) else []
    found = survival(capsys, rows, "--out", "out", "--within", "arm", *more)
    for name in ("tests", "hazards"):
        for row in found["sections"].get(name, {"rows": []})["rows"]:
            assert (row["p"] is None) == bool(row["reason"]), row
    for row in section(found, "rates"):
        assert row["percent"] is not None or row["reason"]


def test_nobody_at_all_is_refused(capsys):
    write("p.csv", "sample,efs_years,outcome,arm\na,,1,x\nb,2,,x\n")
    text = refused(capsys, "survival", "p.csv", "--time", "efs_years", "--event", "outcome", "--by", "arm")
    assert text == (
        "p.csv: no patient has a known group, time and event; check the columns named by --time, --event and --by"
    )


@pytest.mark.parametrize(("body", "message"), [
    ("sample,t,e\na,-1,1\n", "p.csv:2: t is -1, a negative time; check the dates"),
    ("sample,t,e\na,x,1\n", "p.csv:2: t is 'x', which is no number"),
    ("sample,t,e\na,1,1\nb,2,relpase\n", "p.csv:3: e is 'relpase', which is no known event; correct it, or say what"),
    ("sample,t,e\na,1,2\n", "p.csv:2: e is '2', which is no known event"),
    ("sample,t,e\na,1,1\na,2,0\n", "p.csv:3: sample 'a' stands here and in line 2"),
    ("sample,t,e,age_years\na,1,1,66\nb,1,0,660\n", "p.csv:3: age_years is 660, above 90"),
    ("patient,t,e\na,1,1\n", "p.csv:1: there is no column sample"),
])  # fmt: skip
def test_errors_name_the_line(capsys, body, message):
    write("p.csv", body)
    assert refused(capsys, "survival", "p.csv", "--time", "t", "--event", "e").startswith(message)


def test_competing_events_may_stand_in_a_column_of_their_own(capsys):
    head = "sample,t_years,relapse,died\n"
    write("p.csv", head + "a,1,1,0\nb,2,0,1\nc,3,0,0\n")
    words = ["survival", "p.csv", "--time", "t_years", "--event", "relapse", "--competing", "died"]
    found = document(capsys, *words, "--horizon", "3")
    assert {row["event"]: round(row["percent"], 1) for row in section(found, "incidence")} == {
        "1": 33.3,
        "died": 33.3,
    }
    write("p.csv", head + "a,1,1,1\nb,2,0,1\n")
    assert "p.csv:2: an event and the competing 'died' in one patient" in refused(capsys, *words)


def test_overall_survival_beside_and_its_contradictions(capsys):
    head = "sample,efs_years,e,os_years,dead\n"
    words = [
        "survival",
        "p.csv",
        "--time",
        "efs_years",
        "--event",
        "e",
        "--competing",
        "death",
        "--os-time",
        "os_years",
    ]
    write("p.csv", head + "a,1,relapse,2,1\nb,2,death,2,1\nc,3,0,3,0\n")
    found = document(capsys, *words, "--os-event", "dead")
    checks = {row["identity"]: row["holds"] for row in section(found, "identities")}
    assert checks == {"relapse + death = 1 - EFS": "yes", "OS >= EFS": "yes", "death <= 1 - OS": "yes"}
    write(
        "p.csv", head + "a,1,relapse,2,1\nb,2,death,2,0\nc,3,0,3,0\n"
    )  # dead by one column, alive by the other
    checks = {
        row["identity"]: row for row in section(document(capsys, *words, "--os-event", "dead"), "identities")
    }
    assert checks["death <= 1 - OS"]["holds"] == "yes"  # the relapsed patient's death makes up for it
    write("p.csv", head + "a,3,0,3,0\nb,2,death,2,0\nc,3,0,3,0\n")
    checks = {row["identity"]: row for row in section(document(capsys, *words, "--os-event", "dead"), "identities")
              }  # fmt: skip
    assert checks["death <= 1 - OS"]["holds"] == "no"
    assert checks["death <= 1 - OS"]["largest_difference_percent"] == pytest.approx(100 / 3)
    write("p.csv", head + "a,3,0,2,0\nb,1,death,1,1\n")
    assert refused(capsys, *words, "--os-event", "dead").startswith("p.csv:2: efs_years ends after os_years")
    assert "belong together" in refused(capsys, *words, code=2)


def test_words_of_groups(capsys):
    write(
        "p.csv",
        "sample,age_years,mrd_day15,ikzf1,t_years,e\na,9.9,<0.01,x,1,1\nb,10,<0.5,y,2,0\nc,11,0.1,y,3,0\n",
    )
    write("c.tsv", CALLS + "".join(f"{s}\tIKZF1\tnormal\t\t\t8\t0.1\t\n" for s in "abc"))
    describe = ["describe", "p.csv", "--calls", "c.tsv", "--by"]
    groups = {
        row["group"]: row["patients"]
        for row in section(document(capsys, *describe, "age_years>=10"), "groups")
    }
    assert groups == {"<10": 1, ">=10": 2}
    found = document(capsys, *describe, "mrd_day15>=0.1")
    assert {row["group"]: row["patients"] for row in section(found, "groups")} == {"<0.1": 1, ">=0.1": 1}
    assert found["facts"]["excluded"] == {"mrd_day15 is a limit across the cut": 1}
    text = refused(capsys, *describe, "ikzf1", code=2)
    assert text.endswith("may be a column or a gene; write --by column:ikzf1 or --by gene:ikzf1")
    found = document(capsys, *describe, "column:ikzf1")
    assert {row["group"]: row["patients"] for row in section(found, "groups")} == {"x": 1, "y": 2}
    assert "is no column" in refused(capsys, *describe, "nothing", code=2)
    assert "give the calls with --calls" in refused(capsys, "describe", "p.csv", "--by", "gene:PAX5", code=2)
    many = "".join(f"p{i},{i}\n" for i in range(30))
    write("many.csv", "sample,number\n" + many)
    assert "has 30 different values, more than 20 groups; cut it in two" in refused(
        capsys, "describe", "many.csv", "--by", "number"
    )


def test_a_competing_event_that_nobody_had(capsys):
    found = survival(
        capsys, ["a,1,relapse,x", "b,2,0,x", "c,1,0,y"], "--competing", "death", "--horizon", "1"
    )
    none = [row for row in section(found, "incidence") if row["event"] == "death"]
    assert [row["percent"] for row in none] == [0, 0]
    (gray,) = [row for row in section(found, "tests") if row["event"] == "death"]
    assert gray["reason"] == "no such event in any group"
    text = refused(capsys, "survival", "p.csv", "--time", "efs_years", "--event", "outcome", "--competing", "toxicty",
                   code=2)  # fmt: skip
    assert text == "--competing 'toxicty' does not occur in the column 'outcome'; its values: 0, relapse"


def test_names_in_common_are_needed(capsys):
    write("p.csv", "sample,sex\na,M\n")
    write("c.tsv", CALLS + "b\tIKZF1\tnormal\t\t\t8\t0.1\t\n")
    assert "have no sample in common" in refused(
        capsys, "describe", "p.csv", "--calls", "c.tsv", "--by", "ikzf1"
    )


@pytest.mark.usefixtures("cohort")
def test_classes_from_a_risk_table_or_computed(capsys):
    write(
        "r.tsv",
        "sample\tclassifier\tclass\n007\tnci-rome\tSR\n1e5\tnci-rome\tHR\nNA\tnci-rome\tindeterminate\n",
    )
    found = document(capsys, "describe", "p.csv", "--risk", "r.tsv", "--by", "nci-rome")
    assert {row["group"]: row["patients"] for row in section(found, "groups")} == {"SR": 1, "HR": 1}
    assert found["facts"]["excluded"] == {"indeterminate": 1, "no row in the risk table": 4}
    found = document(capsys, "describe", "p.csv", "--by", "nci-rome")
    assert {row["group"]: row["patients"] for row in section(found, "groups")} == {"SR": 4, "HR": 2}
    assert found["facts"]["excluded"] == {"indeterminate": 1}  # white cells unknown
    assert "needs genes" in refused(capsys, "describe", "p.csv", "--by", "boer-2016", code=2)


def test_the_nine_infants_by_their_classifier(capsys):
    """Lee 2011: high risk 57.1 +- 18.7 %, recomputed from Table 1 by the classifier, printed figure beside."""
    from mlpa_caller.refdata import reference_rows

    kmt2a = {"rearranged": "rearranged", "duplication": "duplicated", "none": "germline"}
    events = {row["patient"]: row for row in reference_rows("publications/lee2011_events.csv")}
    lines = ["sample,age_years,wbc_e9_per_l,kmt2a,efs_months,outcome"]
    for row in reference_rows("publications/lee2011_table1_patients.csv"):
        event = events[row["patient"]]
        lines.append(f"{row['patient']},{float(row['age_months']) / 12!r},{float(row['wbc_per_ul']) / 1000!r},"
                     f"{kmt2a[row['mll_class']]},{event['months'] or 17},{event['event']}")  # fmt: skip
    write("lee.csv", "\n".join(lines) + "\n")
    found = document(capsys, "classifiers", "lee.csv", "--time", "efs_months", "--event", "outcome", "--classifier",
                     "lee-2011-infant")  # fmt: skip
    (high,) = [row for row in section(found, "outcomes") if row["class"] == "high"]
    assert (high["patients"], high["events"]) == (7, 3)
    assert (round(high["percent"], 1), round(high["standard_error"], 1)) == (57.1, 18.7)
    assert high["published"].startswith("57.1 +- 18.7 % (event-free survival, 3 years, n = 7)")
    found = document(capsys, "survival", "lee.csv", "--time", "efs_months", "--event", "outcome", "--by",
                     "lee-2011-infant", "--horizon", "3")  # fmt: skip
    assert {row["class"] for row in section(found, "published")} >= {"high"}


def test_adjusted_model_and_reference_group(capsys):
    rows = [f"p{i},{i % 7 + 1 + i / 100},{(i * 5) % 3 % 2},{'xy'[i % 2]},{i % 11}" for i in range(40)]
    found = survival(
        capsys, rows, "--adjust", "score>=5", "--reference", "y", head="sample,efs_years,outcome,arm,score"
    )
    assert [row["covariate"] for row in section(found, "adjusted")] == ["arm x", "score >=5"]
    assert {row["against"] for row in section(found, "hazards")} == {"y"}
    text = refused(capsys, "survival", "p.csv", "--time", "efs_years", "--event", "outcome", "--by", "arm",
                   "--reference", "z", code=2)  # fmt: skip
    assert text == "--reference 'z' is no group of arm; choose of x, y"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href") and value]

    def handle_data(self, data):
        self.text += data


def test_page_is_self_contained_and_names_are_escaped(capsys):
    wild = "<script>alert(1)</script>"
    rows = [
        f"a,1,relapse,{wild}",
        f"b,2,0,{wild}",
        "c,3,1,$x_1$ \u767d",
        "d,4,0,$x_1$ \u767d",
        "e,2,death,_z",
        "f,9,0,_z",
    ]
    survival(capsys, rows, "--competing", "death", "--out", "out")
    with open("out/cohort.html", encoding="utf-8") as stream:
        source = stream.read()
    page = Page()
    page.feed(source)
    assert "script" not in page.tags
    assert wild in page.text
    assert page.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)
    with open("out/curves_efs.svg", encoding="utf-8") as stream:
        drawing = stream.read()
    assert "<script" not in drawing
    for name in ("&lt;script&gt;alert(1)&lt;/script&gt;", "$x_1$ \u767d", "_z"):
        assert name in drawing
    assert "http" not in re.sub(
        r'xmlns(:\w+)?="[^"]*"|"http://www.w3.org[^"]*"|<!DOCTYPE[^>]*>|rdf:\w+="[^"]*"', "", drawing
    )


@pytest.mark.usefixtures("cohort")
def test_files_are_the_same_bytes_and_not_replaced_unasked(capsys, in_a_folder):
    words = ["describe", "p.csv", "--calls", "c.tsv", "--by", "ikzf1", "--out", "out"]
    run(capsys, *words)
    first = {path.name: path.read_bytes() for path in (in_a_folder / "out").iterdir()}
    assert {"cohort.html", "cohort.json", "comparisons.tsv", "spectrum.svg", "spectrum.png"} <= set(first)
    assert refused(capsys, *words, code=2).endswith("add --force to replace it, or name another folder")
    run(capsys, *words, "--force")
    assert {path.name: path.read_bytes() for path in (in_a_folder / "out").iterdir()} == first


def test_without_the_extra_the_command_says_which(capsys, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lifelines" else real(name))
    text = refused(capsys, "describe", "absent.csv", "--by", "sex", code=2)
    assert text == (
        "cohort statistics need lifelines, which is not installed; install the extra: "
        "pip install 'mlpa-caller[cohort]'"
    )


def test_help_names_the_extra_and_imports_nothing_heavy(capsys):
    assert "mlpa-caller[cohort]" in run(capsys, "--help").out
