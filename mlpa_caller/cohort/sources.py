"""Where groups of patients may come from: the patients' table, the calls, and classes made before."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlpa_caller.cohort.patients import Patients
from mlpa_caller.datatypes import Table
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.text import read_table
from mlpa_caller.risk.table import Gathered

__all__ = ["Sources", "read_risk", "some_names"]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Where groups may come from.

    Attributes
    ----------
    patients
        The patients' table.
    calls
        ``calls.tsv``; None when not given.
    risk
        Classes by classifier and sample, from a ``risk.tsv``; None when not given.
    used
        Columns of the patients' table that are named for another purpose.
    memory
        What the classifiers know of the patients, once gathered.
    """

    patients: Patients
    calls: Table | None = None
    risk: Mapping[str, Mapping[str, str]] | None = None
    used: frozenset[str] = frozenset()
    memory: list[Gathered] = field(default_factory=list)

    def genes(self) -> dict[str, str]:
        """Return the genes of the calls by their name in lower case."""
        if self.calls is None:
            return {}
        return {str(gene).lower(): str(gene) for gene in dict.fromkeys(self.calls.columns["gene"].tolist())}

    def unmatched(self) -> list[str]:
        """Return a line for the patients without calls, and one for the calls of nobody in the table."""
        if self.calls is None:
            return []
        called = dict.fromkeys(self.calls.columns["sample"].tolist())
        stated = set(self.patients.samples)
        lines = []
        for names, where in (
            ([name for name in self.patients.samples if name not in called], "the calls"),
            ([name for name in called if name not in stated], "the patients' table"),
        ):
            if names:
                lines.append(f"not in {where}: {some_names(names)}")
        return lines


def read_risk(path: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """Read the classes of a ``risk.tsv``: by classifier, the class of every sample.

    Raises
    ------
    FormatError
        With its line: a column is missing, or a sample stands twice under a classifier.
    """
    table, _ = read_table(path)
    place = {name: i for i, name in enumerate(table.header)}
    absent = [name for name in ("sample", "classifier", "class") if name not in place]
    if absent:
        raise FormatError(f"has no column {', '.join(absent)}", file=table.source, line=table.header_line,
                          remedy="give a risk.tsv as mlpa-caller classify writes it")  # fmt: skip
    out: dict[str, dict[str, str]] = {}
    for row, line in zip(table.rows, table.lines):
        sample, classifier = row[place["sample"]], row[place["classifier"]]
        classes = out.setdefault(classifier, {})
        if sample in classes:
            raise FormatError(f"sample {shown(sample)} stands twice under {shown(classifier)}", file=table.source,
                              line=line, remedy="give every class once")  # fmt: skip
        classes[sample] = row[place["class"]]
    return out


def some_names(names: Sequence[str]) -> str:
    """Return the first names of a list, quoted, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(shown, names[:3])) + more
