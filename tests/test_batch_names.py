"""Folder names of runs: no run leaves its folder, none shares one."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given
from hypothesis import strategies as st

from mlpa_caller.batch.names import folder_names

HOSTILE = ["..", ".", "a/b", "a\\b", "/etc/passwd", "C:\\x", "con", "NUL.txt", "a.", " a", "a ", "x" * 300, "", "~",
           "-rf", ".hidden", "a:b", "*", "a\nb", "😀", "Å", "A\u030a", "ﬁ", "fi",
           "ı", "007", "1e5", "NA", "=x"]  # fmt: skip


def test_plain_names_stay_as_they_are():
    assert folder_names(["run42", "2025-03-31_A", "007", "1e5", "NA"]) == {
        name: name for name in ("run42", "2025-03-31_A", "007", "1e5", "NA")
    }


def test_names_that_some_systems_confuse_are_kept_apart():
    names = folder_names(["Run1", "run1", "other"])
    assert names["other"] == "other"
    assert len({name.casefold() for name in names.values()}) == 3
    assert names["Run1"].startswith("Run1~")
    composed = folder_names(["Å", "A\u030a"])
    assert len(set(composed.values())) == 2


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text()), unique=True, max_size=30))
def test_every_name_is_one_safe_folder_of_its_own(runs):
    names = folder_names(runs)
    assert list(names) == runs
    folders = list(names.values())
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in folders}) == len(folders)
    for name in folders:
        assert PurePosixPath(name).parts == (name,)
        assert PureWindowsPath(name).parts == (name,)
        assert name not in (".", "..")
        assert not name.startswith((".", "-"))
        assert not name.endswith((".", " "))
        assert len(name) <= 80
        assert name.isascii()
        assert name.partition(".")[0].lower() not in ("con", "prn", "aux", "nul", "com1", "lpt1")
