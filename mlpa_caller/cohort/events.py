"""Times and events: from two columns to first events, competing events and censored patients.

What a word in the event column means stands in ``reference/cohort/words.csv`` (``relapse`` is an event, ``0``
is censored, ``lost`` is a loss to follow-up); any other word has to be named by the user, so that a slip of the
pen is never an event. Loss to follow-up is censored unless the user makes it an event. An event at time zero
counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from mlpa_caller.cohort.grouping import numbers_of
from mlpa_caller.cohort.patients import Patients, is_unknown, normal_word
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.errors import UsageError, shown
from mlpa_caller.refdata import reference_rows

__all__ = ["PER_YEAR", "UNITS", "EventWords", "Outcome", "read_outcome", "unit_of"]

PER_YEAR = {"years": 1.0, "months": 12.0, "weeks": 365.25 / 7, "days": 365.25}
"""How many of each unit of time make a year."""
UNITS = tuple(PER_YEAR)

_CENSORED, _EVENT, _LOSS = "censored", "event", "loss"


@dataclass(frozen=True, slots=True)
class EventWords:
    """What the user says about the words of the event column.

    Attributes
    ----------
    event, competing, censored, lost
        Values that mean an event, a competing event, censoring, and loss to follow-up.
    loss_is_event
        Count loss to follow-up as an event.
    """

    event: tuple[str, ...] = ()
    competing: tuple[str, ...] = ()
    censored: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    loss_is_event: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """First event or censoring of every patient.

    Attributes
    ----------
    time
        ``(patients,)`` in `unit`; NaN where time or event is not known.
    kind
        ``(patients,)`` index into `kinds` from 1, 0 for censored, -1 where not known.
    kinds
        Names of the kinds of event, as in the table.
    role
        ``(kinds,)`` 1 for the event of interest, 2 for a competing event, 3 for loss to follow-up that counts as an
        event beside competing ones (it is neither).
    unit
        Of the time.
    unit_stated
        Whether the unit was stated, by the user or by the column's name.
    n_lost
        Patients lost to follow-up.
    loss_is_event
        Whether these are counted as events.
    excluded
        Number of patients without time or event, by reason.
    time_column, event_column
        The columns.
    """

    time: FloatArray
    kind: IntArray
    kinds: tuple[str, ...]
    role: tuple[int, ...]
    unit: str
    unit_stated: bool
    n_lost: int
    loss_is_event: bool
    time_column: str
    event_column: str
    excluded: Mapping[str, int] = field(default_factory=dict)

    @property
    def known(self) -> BoolArray:
        """``(patients,)`` whether time and event are known."""
        return self.kind >= 0

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of the causes: the event of interest, what competes, losses; one name where nothing competes."""
        names = ("event", "competing event", "loss")
        return tuple(
            " or ".join(kind for kind, own in zip(self.kinds, self.role) if own == role) or names[role - 1]
            for role in range(1, max(self.role, default=1) + 1)
        )

    def cause(self) -> IntArray:
        """Return 0 for censored, -1 for unknown, else the cause: an index into `causes` from 1."""
        table = np.array([0, *self.role, -1], dtype=np.int64)
        return table[self.kind]

    def years(self, time: float) -> float:
        """Return a time of the table in years."""
        return time / PER_YEAR[self.unit]


@lru_cache(maxsize=1)
def _known_words() -> Mapping[str, str]:
    return {
        row["word"]: row["meaning"] for row in reference_rows("cohort/words.csv") if row["use"] == "event"
    }


def unit_of(name: str) -> str:
    """Return the unit of time that a column's name states, or an empty text."""
    words = {word.rstrip("s") + "s" for word in re.split(r"[^a-z]+", name.lower()) if word}
    found = [unit for unit in UNITS if unit in words]
    return found[0] if len(found) == 1 else ""


def read_outcome(
    patients: Patients, time: str, event: str, words: EventWords | None = None, *, unit: str = ""
) -> Outcome:
    """Read time and event of every patient.

    Parameters
    ----------
    patients
        The patients' table.
    time
        Column of the time to the first event or to the end of follow-up.
    event
        Column that says which; see the module.
    words
        What the user says about the words of that column. An entry of ``competing`` that is no value of the
        event column but names another column is read as that column's own 0/1.
    unit
        Unit of the time; by the column's name when empty, else years.

    Raises
    ------
    UsageError
        If a column is absent, or a value named by the user does not occur.
    SampleSheetError
        With its line: a time that is negative or no number, a word that is not known, two events at once.
    """
    said = words or EventWords()
    numbers = numbers_of(patients, time, "--time")
    _check_times(patients, time, numbers.low, numbers.high)
    cells = patients.column(event, "--event")
    meaning = _meanings(patients, event, cells, said)
    second = [
        name for name in said.competing if normal_word(name) not in meaning and name in patients.columns
    ]
    word_of = {cell: normal_word(cell) for cell in set(cells)}
    words_of = [word_of[cell] for cell in cells]
    unknown = is_unknown(cells) & np.array([word not in meaning for word in words_of], dtype=np.bool_)
    competing = {normal_word(name) for name in said.competing if name not in second}
    kinds = sorted({word for word, what in meaning.items() if what == _EVENT} | competing)
    lost = {word for word, what in meaning.items() if what == _LOSS}
    if said.loss_is_event:
        kinds += sorted(lost)
    place = {word: i + 1 for i, word in enumerate(kinds)}
    kind = np.array([place.get(word, 0) for word in words_of], dtype=np.int64)
    kind[unknown] = 0
    is_lost = np.array([word in lost for word in words_of], dtype=np.bool_)
    for name in second:
        kinds.append(name)
        competing.add(name)
        unknown |= _second_event(patients, name, kind, len(kinds), said)
    no_time = np.isnan(numbers.low)
    kind[unknown | no_time] = -1
    reasons = {f"{time} not stated": no_time & ~unknown, f"{event} not stated": unknown & ~no_time,
               f"{time} and {event} not stated": no_time & unknown}  # fmt: skip
    stated = unit or unit_of(time)
    names = tuple(kinds)
    return Outcome(
        time=np.where(kind >= 0, numbers.low, np.nan),
        kind=kind,
        kinds=names,
        role=tuple(2 if name in competing else 3 if competing and name in lost else 1 for name in names),
        unit=stated or "years",
        unit_stated=bool(stated),
        n_lost=int((is_lost & (kind >= 0)).sum()),
        loss_is_event=said.loss_is_event,
        time_column=time,
        event_column=event,
        excluded={reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()},
    )


def _check_times(patients: Patients, name: str, low: FloatArray, high: FloatArray) -> None:
    for row in np.flatnonzero(low < 0).tolist():
        raise patients.error(row, f"{name} is {patients.columns[name][row]}, a negative time",
                             "check the dates; the time counts from diagnosis or start")  # fmt: skip
    with np.errstate(invalid="ignore"):
        limits = ~np.isnan(low) & (low != high)
    for row in np.flatnonzero(limits).tolist():
        raise patients.error(row, f"{name} is {patients.columns[name][row]}, a limit and no time",
                             "give the time itself, or leave the cell empty")  # fmt: skip


def _meanings(patients: Patients, event: str, cells: Sequence[str], said: EventWords) -> dict[str, str]:
    """Return what every word of the event column means; unknown words are left out."""
    named: dict[str, str] = {}
    present = {normal_word(cell) for cell in set(cells)}
    for option, values, what in (
        ("--event-value", said.event, _EVENT),
        ("--competing", said.competing, _EVENT),
        ("--censored-value", said.censored, _CENSORED),
        ("--loss-value", said.lost, _LOSS),
    ):
        for value in values:
            word = normal_word(value)
            if named.setdefault(word, what) != what:
                raise UsageError(f"{option} {shown(value)} was given another meaning too",
                                 remedy="name every value of the event column once")  # fmt: skip
            if not (word in present or value in patients.columns or _known_words().get(word) == what):
                found = ", ".join(sorted({cell.strip() for cell in cells})[:8])
                raise UsageError(f"{option} {shown(value)} does not occur in the column {shown(event)}",
                                 remedy=f"its values: {found}")  # fmt: skip
    meaning: dict[str, str] = {}
    unknown = dict(zip(set(cells), is_unknown(list(set(cells))).tolist()))
    seen: set[str] = set()
    for row, cell in enumerate(cells):
        if cell in seen:
            continue
        seen.add(cell)
        word = normal_word(cell)
        if word in meaning or (unknown[cell] and word not in named):
            continue
        what = named.get(word, _known_words().get(word, ""))
        if not what:
            raise patients.error(
                row,
                f"{event} is {shown(cell)}, which is no known event",
                f"correct it, or say what it means: --event-value, --competing, --censored-value or --loss-value "
                f"{shown(cell)}",
            )
        meaning[word] = what
    return meaning


def _second_event(patients: Patients, name: str, kind: IntArray, code: int, said: EventWords) -> BoolArray:
    """Mark the events of a second column in `kind`, and return where that column is not known."""
    cells = patients.column(name, "--competing")
    meaning = _meanings(patients, name, cells, EventWords(censored=said.censored))
    unknown = is_unknown(cells)
    for row, cell in enumerate(cells):
        if unknown[row] or meaning[normal_word(cell)] != _EVENT:
            continue
        if kind[row] > 0:
            raise patients.error(row, f"an event and the competing {shown(name)} in one patient",
                                 "say which came first: give the first event only")  # fmt: skip
        kind[row] = code
    return unknown & (kind <= 0)
