"""The balance of a span of days: end = start + arrived - departed + in - out, for every class and for the school.

It is counted from enrolments by the roll rule (on the roll on day d when start <= d < end), so it holds whatever the
rows say, also after two machines wrote apart. The movement book lends the reasons; where it is silent, a reason is
"other", and `discrepancies` lists the place. Who leaves one class and enters another on the same day is moved within
the school, so what goes out of all classes comes in to all.

A school brings its rolls before it has a book: what was written before the book's first line is the roll that the book
began with. It counts at the start of its span, as nobody's arrival, and no line is missing for it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlite_utils import Database

from shared.dates import FOREVER
from shared.schema import BY_NAME, MOVEMENT_REASONS

ARRIVED = ("district", "country", "abroad", "other")
"""Where pupils come from: this district, elsewhere in the country, abroad, anything else (first admissions too)."""
DEPARTED = tuple(reason for reason in MOVEMENT_REASONS if reason != "start")
MEASURES = (
    "start",
    *(f"arrived_{one}" for one in ARRIVED),
    *(f"departed_{one}" for one in DEPARTED),
    "graduated",
    "in",
    "out",
    "end",
)  # fmt: skip


_MOVEMENT, _ENROLMENT = (BY_NAME[name].number for name in ("movement", "enrolment"))


@dataclass
class Flow:
    """The measures of one class or of several, of all pupils and of the girls among them."""

    total: Counter[str] = field(default_factory=Counter)
    girls: Counter[str] = field(default_factory=Counter)

    def count(self, measure: str, sex: str | None) -> None:
        """Add a pupil to a measure."""
        self.total[measure] += 1
        self.girls[measure] += sex == "f"

    def plus(self, other: Flow) -> Flow:
        """The measures of both together."""
        both = Flow(Counter(self.total), Counter(self.girls))
        both.total.update(other.total)
        both.girls.update(other.girls)
        return both


def arrived(measures: Mapping[str, int]) -> int:
    """All who arrived from outside the school."""
    return sum(number for name, number in measures.items() if name.startswith("arrived_"))


def departed(measures: Mapping[str, int]) -> int:
    """All who left the school, graduates among them."""
    return (
        sum(number for name, number in measures.items() if name.startswith("departed_"))
        + measures["graduated"]
    )


def holds(measures: Mapping[str, int]) -> bool:
    """end = start + arrived - departed + in - out."""
    expected = measures["start"] + arrived(measures) - departed(measures) + measures["in"] - measures["out"]
    return measures["end"] == expected


def summed(flows: Iterable[Flow]) -> Flow:
    """The flow of several classes together."""
    total = Flow()
    for one in flows:
        total = total.plus(one)
    return total


@dataclass(frozen=True)
class Stay:
    """A pupil on the roll of a class from `start` to the day before `end`."""

    pupil: int
    class_group: int
    start: int
    end: int
    sex: str | None
    row: int
    """The enrolment with which it began."""


Event = tuple[int, int]
"""Pupil and day."""
Events = dict[Event, tuple[list[Stay], list[Stay]]]
"""The stays that began and those that ended, by class."""
Book = dict[Event, tuple[str, str | None]]
"""Kind and reason as the movement book has it."""


def of_span(db: Database, after: int, until: int) -> dict[int, Flow]:
    """Class -> its flow: on the roll on the day `after`, what happened on later days up to `until`, the roll then."""
    stays, book = _stays(db), _book(db)
    events = _events(stays, after, until)
    begun = _begun_with(db, events, book)
    flows: defaultdict[int, Flow] = defaultdict(Flow)
    for stay in stays:
        if stay.start <= after < stay.end:
            flows[stay.class_group].count("start", stay.sex)
        if stay.start <= until < stay.end:
            flows[stay.class_group].count("end", stay.sex)
    for (pupil, day), (began, ended) in events.items():
        moved = min(len(began), len(ended))
        for one in ended[:moved]:
            flows[one.class_group].count("out", one.sex)
        for one in began[:moved]:
            flows[one.class_group].count("in", one.sex)
        for one in ended[moved:]:
            flows[one.class_group].count(_departure(book.get((pupil, day))), one.sex)
        for one in began[moved:]:
            came = "start" if (pupil, day) in begun else _arrival(book.get((pupil, day)))
            flows[one.class_group].count(came, one.sex)
    return dict(flows)


def _departure(written: tuple[str, str | None] | None) -> str:
    kind, reason = written or ("", None)
    if kind == "graduated":
        return "graduated"
    return f"departed_{reason if reason in DEPARTED else 'other'}"


def _arrival(written: tuple[str, str | None] | None) -> str:
    _, reason = written or ("", None)
    return f"arrived_{reason if reason in ARRIVED else 'other'}"


def _events(stays: Iterable[Stay], after: int, until: int) -> Events:
    """Pupil and day -> the stays that began and those that ended, by class."""
    found: defaultdict[Event, tuple[list[Stay], list[Stay]]] = defaultdict(lambda: ([], []))
    for stay in stays:
        if after < stay.start <= until:
            found[stay.pupil, stay.start][0].append(stay)
        if after < stay.end <= until:
            found[stay.pupil, stay.end][1].append(stay)
    return found


def _stays(db: Database) -> list[Stay]:
    """Every stay in a class; enrolments that overlap or touch are one."""
    rows = db.execute(
        f"""SELECT e.pupil, e.class_group, e.start, ifnull(e."end", {FOREVER}), p.sex, e.id FROM enrolment e
            JOIN class_group cg ON cg.id = e.class_group JOIN pupil pu ON pu.person = e.pupil
            JOIN person p ON p.id = e.pupil
            WHERE e.retired_at IS NULL AND cg.retired_at IS NULL AND pu.retired_at IS NULL AND p.retired_at IS NULL
              AND e.start IS NOT NULL AND e.start < ifnull(e."end", {FOREVER})
            ORDER BY e.pupil, e.class_group, e.start, e.id"""
    ).fetchall()
    found: list[Stay] = []
    for pupil, class_group, start, end, sex, row in rows:
        last = found[-1] if found else None
        if last and (last.pupil, last.class_group) == (pupil, class_group) and start <= last.end:
            found[-1] = replace(last, end=max(last.end, end))
        else:
            found.append(Stay(pupil, class_group, start, end, sex, row))
    return found


def _book(db: Database) -> Book:
    """Pupil and day -> kind and reason as the movement book has it."""
    rows = db.execute(
        """SELECT pupil, date, kind, reason FROM movement WHERE retired_at IS NULL
           AND kind IN ('arrived', 'departed', 'graduated') AND date IS NOT NULL ORDER BY id"""
    ).fetchall()
    return {(pupil, day): (kind, reason) for pupil, day, kind, reason in rows}


def _begun_with(db: Database, events: Events, book: Book) -> set[Event]:
    """The arrivals without a line that were written before the first line of the book: the roll that it began with."""
    arrivals = {
        began[0].row: event
        for event, (began, ended) in events.items()
        if len(began) > len(ended) and event not in book
    }
    if not arrivals:
        return set()
    first = db.execute(
        """SELECT min(c.clock) FROM movement m JOIN change c ON c.key = m.id AND c.tbl = ?
           WHERE m.retired_at IS NULL""",
        (_MOVEMENT,),
    ).fetchone()[0]
    if first is None:
        return set(arrivals.values())
    rows = db.execute(
        """SELECT key FROM change WHERE tbl = ? AND key IN (SELECT value FROM json_each(?))
           GROUP BY key HAVING min(clock) < ?""",
        (_ENROLMENT, json.dumps([*arrivals]), first),
    )
    return {arrivals[row] for (row,) in rows.fetchall()}


@dataclass(frozen=True)
class Unwritten:
    """A change of the roll without its line in the book; `kind`: arrived or departed."""

    pupil: int
    day: int
    kind: str
    class_group: int


def unwritten(db: Database, after: int, until: int) -> list[Unwritten]:
    """Who came onto the rolls or left them without a line in the book, by day."""
    return sorted(
        _unwritten(db, _events(_stays(db), after, until), _book(db)), key=lambda one: (one.day, one.pupil)
    )


def _unwritten(db: Database, events: Events, book: Book) -> Iterator[Unwritten]:
    begun = _begun_with(db, events, book)
    for (pupil, day), (began, ended) in events.items():
        if len(began) != len(ended) and (pupil, day) not in book and (pupil, day) not in begun:
            came = len(began) > len(ended)
            last = (began if came else ended)[-1]
            yield Unwritten(pupil, day, "arrived" if came else "departed", last.class_group)


@dataclass(frozen=True)
class Discrepancy:
    """Where rolls and movement book differ: `why` is unwritten (no line in the book), unmoved (a line without its
    change of the roll) or doubled (in two classes at once)."""

    pupil: int
    day: int
    why: str


def discrepancies(db: Database, after: int, until: int) -> list[Discrepancy]:
    """What should be looked into, by day: the balance holds all the same."""
    stays, book = _stays(db), _book(db)
    events = _events(stays, after, until)
    moved = {event for event, (began, ended) in events.items() if len(began) != len(ended)}
    found = [Discrepancy(one.pupil, one.day, "unwritten") for one in _unwritten(db, events, book)]
    found += [
        Discrepancy(pupil, day, "unmoved")
        for (pupil, day), (kind, _) in book.items()
        if after < day <= until and kind != "graduated" and (pupil, day) not in moved
    ]
    roll = Counter(stay.pupil for stay in stays if stay.start <= until < stay.end)
    found += [Discrepancy(pupil, until, "doubled") for pupil, classes in roll.items() if classes > 1]
    return sorted(found, key=lambda one: (one.day, one.pupil, one.why))
