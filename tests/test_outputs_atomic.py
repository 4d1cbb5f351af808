"""Results appear whole or not at all: overwriting, errors, kills at any step, foreign files."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlpa_caller.errors import MlpaError, OutputError, ResultExistsError
from mlpa_caller.outputs import publish
from mlpa_caller.outputs.atomic import atomic_file, atomic_folder, atomic_write, check_target

NAMES = ("calls.tsv", "deep/er.tsv", "result.json")


def fill(folder: Path, word: str, names: tuple[str, ...] = NAMES) -> None:
    """Write a small result whose every file holds `word`."""
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(word)
    outputs = [{"name": name} for name in names]
    (folder / "provenance.json").write_text(json.dumps({"word": word, "outputs": outputs}))


def make(out: Path, word: str, *, force: bool = False, names: tuple[str, ...] = NAMES) -> None:
    with atomic_folder(out, force=force) as folder:
        fill(folder, word, names)


def words(out: Path) -> set[str]:
    """The words of the visible files in a result folder; a kill must never leave two."""
    found = set()
    for name in publish.files_below(out):
        if not name.startswith(".mlpa-caller-"):
            text = (out / name).read_text()
            found.add(json.loads(text)["word"] if name == "provenance.json" else text)
    return found


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_new_folder_with_parents(tmp_path):
    make(tmp_path / "a" / "b" / "out", "old")
    assert listing(tmp_path) == [f"a/b/out/{name}" for name in sorted((*NAMES, "provenance.json"))]
    mode = (tmp_path / "a" / "b" / "out").stat().st_mode & 0o777
    assert mode == (tmp_path / "a").stat().st_mode & 0o777


def test_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(Path("out"), "old")
    make(Path("out"), "new", force=True)
    assert words(tmp_path / "out") == {"new"}
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    make(Path(), "here")
    assert words(tmp_path / "empty") == {"here"}


def test_empty_folder_is_used(tmp_path):
    (tmp_path / "out").mkdir()
    make(tmp_path / "out", "old")
    assert words(tmp_path / "out") == {"old"}
    assert listing(tmp_path / "out") == sorted((*NAMES, "provenance.json"))


def test_existing_result_needs_force(tmp_path):
    out = tmp_path / "out"
    make(out, "old")
    with pytest.raises(ResultExistsError) as caught:
        make(out, "new")
    assert str(caught.value) == (
        f"{out}: the folder already holds a result; add --force to replace it, or name another folder"
    )
    assert words(out) == {"old"}
    make(out, "new", force=True)
    assert words(out) == {"new"}


def test_force_removes_files_of_the_earlier_result_only(tmp_path):
    out = tmp_path / "out"
    make(out, "old", names=("calls.tsv", "risk.tsv"))
    (out / "my notes.txt").write_text("mine")
    make(out, "new", force=True, names=("calls.tsv",))
    assert listing(out) == ["calls.tsv", "my notes.txt", "provenance.json"]
    assert (out / "my notes.txt").read_text() == "mine"


@pytest.mark.parametrize("force", [False, True])
def test_folder_with_other_files_is_refused(tmp_path, force):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt", "e.txt"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(
        ResultExistsError, match=r"belong to no result \('a.txt', 'b.txt', 'c.txt' and 2 more\)"
    ):
        make(tmp_path, "new", force=force)
    assert listing(tmp_path) == ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"]


def test_foreign_file_in_the_way_is_kept(tmp_path):
    out = tmp_path / "out"
    make(out, "old", names=("calls.tsv",))
    (out / "risk.tsv").write_text("mine")
    with pytest.raises(ResultExistsError, match=r"'risk\.tsv' belongs to no earlier result"):
        make(out, "new", force=True, names=("calls.tsv", "risk.tsv"))
    assert (out / "risk.tsv").read_text() == "mine"
    assert (out / "calls.tsv").read_text() == "old"
    assert listing(out) == ["calls.tsv", "provenance.json", "risk.tsv"]


@pytest.mark.parametrize(
    "name", ["../precious", "/{root}/precious", "deep/../../precious", "link/precious", "", "..", "C:\\x"]
)
def test_listed_files_outside_the_folder_are_never_removed(tmp_path, name):
    (tmp_path / "precious").write_text("mine")
    out = tmp_path / "out"
    make(out, "old")
    (out / "link").symlink_to(tmp_path)
    listed = [{"name": name.replace("/{root}", str(tmp_path))}]
    (out / "provenance.json").write_text(json.dumps({"word": "old", "outputs": listed}))
    make(out, "new", force=True, names=("fresh.tsv",))
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("content", ["", "[]", '{"outputs": 3}', '{"outputs": [{}]}'])
def test_damaged_provenance_lists_nothing(tmp_path, content):
    out = tmp_path / "out"
    make(out, "old", names=("calls.tsv",))
    (out / "provenance.json").write_text(content)
    with pytest.raises(ResultExistsError, match=r"'calls\.tsv' belongs to no earlier result"):
        make(out, "new", force=True, names=("calls.tsv",))


def test_add_leaves_the_rest(tmp_path):
    out = tmp_path / "out"
    make(out, "old")
    for word in ("first", "second"):
        with atomic_folder(out, add=True) as folder:
            (folder / "report.html").write_text(word)
            (folder / "provenance.json").write_text(json.dumps({"word": word, "outputs": []}))
        assert (out / "report.html").read_text() == word
    assert (out / "calls.tsv").read_text() == "old"
    assert listing(out) == sorted((*NAMES, "provenance.json", "report.html"))


def test_a_result_is_replaced_by_a_whole_result_only(tmp_path):
    make(tmp_path / "out", "old")
    with pytest.raises(MlpaError, match="only replaced by one with provenance"), atomic_folder(
        tmp_path / "out", force=True
    ) as folder:  # fmt: skip
        (folder / "calls.tsv").write_text("new")
    assert words(tmp_path / "out") == {"old"}


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_target_that_is_no_folder(tmp_path, kind):
    out = tmp_path / "out"
    out.write_text("mine") if kind == "file" else out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="is not a folder; name a new or an empty folder"):
        make(out, "new", force=True)
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        make(out / "below", "new") if kind == "file" else make(Path("/dev/null/x"), "new")
    assert listing(tmp_path) == (["out"] if kind == "file" else [])


def test_link_to_a_folder_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    make(tmp_path / "out", "old")
    make(tmp_path / "out", "new", force=True)
    assert words(tmp_path / "real") == {"new"}
    assert (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("state", ["absent", "empty", "result"])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "No space left on device; free space on the disk or name another folder"),
        (errno.EACCES, "Permission denied; check the folder and its permissions"),
        (errno.EROFS, "Read-only file system; name a folder on a disk that can be written"),
    ],
)
def test_failing_write_leaves_nothing(tmp_path, state, number, message):
    out = tmp_path / "a" / "out"
    if state != "absent":
        out.mkdir(parents=True)
    if state == "result":
        make(out, "old")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError) as caught, atomic_folder(out, force=True) as folder:  # noqa: PT012
        fill(folder, "new")
        raise OSError(number, os.strerror(number), str(folder / "calls.tsv"))
    assert str(caught.value) == f"{out}: cannot be written: {message}"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, MlpaError("refused")])
def test_interrupted_block_leaves_nothing(tmp_path, error):
    with (  # noqa: PT012
        pytest.raises(error if isinstance(error, type) else MlpaError),
        atomic_folder(tmp_path / "a/b") as folder,
    ):
        fill(folder, "new")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_no_unicode(tmp_path):
    with (
        pytest.raises(OutputError, match=r"'\\udcff' is no Unicode text"),
        atomic_folder(tmp_path / "x") as folder,
    ):
        (folder / "calls.tsv").write_text("\udcff", encoding="utf-8")
    assert list(tmp_path.iterdir()) == []


def test_folder_made_in_the_meantime(tmp_path):
    out = tmp_path / "out"
    with (  # noqa: PT012
        pytest.raises(ResultExistsError, match="made by another program in the meantime"),
        atomic_folder(out) as new,
    ):
        fill(new, "new")
        out.mkdir()
        (out / "other").write_text("theirs")
    assert listing(tmp_path) == ["out/other"]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_outputs_atomic as tests
out, step = Path(sys.argv[2]), int(sys.argv[3])
count = 0
def counted(function):
    def call(*arguments, **options):
        global count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call
for name in ("rename", "replace", "unlink", "mkdir"):
    setattr(Path, name, counted(getattr(Path, name)))
tests.make(out, "new", force=True, names=("calls.tsv", "deep/er.tsv", "added.tsv"))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system cannot kill a process")
@pytest.mark.parametrize("state", ["absent", "result"])
def test_kill_at_any_step_leaves_one_result(tmp_path, state):
    """The process is killed before its 1st, 2nd, ... change of the file system, until it ends by itself."""
    new = {"calls.tsv", "deep/er.tsv", "added.tsv", "provenance.json"}
    outcomes = set()
    for step in range(1, 40):
        home = tmp_path / str(step)
        home.mkdir()
        out = home / "out"
        if state == "result":
            make(out, "old")
        done = subprocess.run([sys.executable, "-c", KILLED, str(Path(__file__).parent), str(out), str(step)])
        assert done.returncode in (0, -signal.SIGKILL)
        seen = words(out) if out.exists() else set()
        assert len(seen) <= 1, f"files of two results after step {step}"
        if "new" in seen and (out / "provenance.json").exists():
            assert all((out / name).exists() for name in new), f"marked complete too early, step {step}"
        committed = (out / ".mlpa-caller-commit").exists()
        publish.recover(out)
        after = words(out) if out.exists() else set()
        outcomes.add(frozenset(after))
        assert after == ({"new"} if committed else seen)
        if after:
            assert set(listing(out)) == (new if after == {"new"} else {*NAMES, "provenance.json"})
        assert [path.name for path in home.iterdir()] == (["out"] if out.exists() else [])
        if done.returncode == 0:
            break
    else:
        pytest.fail("the process never ended by itself")
    assert outcomes == {frozenset({"new"}), frozenset({"old"} if state == "result" else set())}


def test_folder_in_use_is_not_cleaned_away(tmp_path):
    with atomic_folder(tmp_path / "out") as first:
        fill(first, "first")
        check_target(tmp_path / "out")
        assert first.is_dir()
        leftover = first.with_name(first.name[:-16] + "0" * 16)
        leftover.mkdir()
        check_target(tmp_path / "out")
        assert not leftover.exists()
    assert words(tmp_path / "out") == {"first"}


def test_publication_under_way_is_not_disturbed(tmp_path):
    pending = tmp_path / ".mlpa-caller-commit"
    pending.mkdir()
    with publish._locked(pending), pytest.raises(OutputError, match="is being written by another run"):
        check_target(tmp_path)


def test_file_appears_whole(tmp_path):
    path = tmp_path / "peaks.tsv"
    with atomic_write(path) as stream:
        stream.write("ä\n")
        assert not path.exists()
    assert path.read_bytes() == b"\xc3\xa4\n"
    with pytest.raises(ResultExistsError, match="the file exists; add --force"), atomic_write(path):
        pass
    with pytest.raises(OutputError, match="No space"), atomic_write(path, force=True) as stream:  # noqa: PT012
        stream.write("new")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_bytes() == b"\xc3\xa4\n"
    with atomic_file(path, force=True) as part:
        part.write_bytes(b"\x00")
    assert path.read_bytes() == b"\x00"
    assert listing(tmp_path) == ["peaks.tsv"]


def test_file_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="is a folder; name a file"), atomic_write(tmp_path):
        pass
    with pytest.raises(OutputError, match="No such file or directory"), atomic_write(tmp_path / "no" / "x"):
        pass
    with pytest.raises(OutputError, match="File name too long; choose a shorter name"), atomic_write(
        tmp_path / ("x" * 300), force=True
    ):  # fmt: skip
        pass
    assert listing(tmp_path) == []


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_only_a_regular_file_is_replaced(tmp_path, kind):
    target = tmp_path / "out.tsv"
    if kind == "link":
        (tmp_path / "elsewhere").write_text("kept", encoding="utf-8")
        target.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(target)
    with (
        pytest.raises(OutputError, match="is no regular file; name a file"),
        atomic_write(target, force=True) as stream,
    ):
        stream.write("new")
    assert not target.is_file() or target.read_text(encoding="utf-8") == "kept"
    assert target.is_symlink() == (kind == "link")
