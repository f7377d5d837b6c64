"""The balance of a span of days: end = start + arrived - departed + in - out, for every class and for the school.


It is counted from enrolments by the roll rule (on the roll on day d when start <= d < end), so it holds whatever the
rows say, also after two machines wrote apart. The movement book lends the reasons; where it is silent, a reason is
"other", and `discrepancies` lists the place. Who leaves one class and enters another on the same day is moved within
the school, so what goes out of all classes comes in to all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from shared.dates import FOREVER
from shared.schema import MOVEMENT_REASONS

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


Event = tuple[int, int]
"""Pupil and day."""


def of_span(db: Database, after: int, until: int) -> dict[int, Flow]:
    """Class -> its flow: on the roll on the day `after`, what happened on later days up to `until`, the roll then."""
    stays, book = _stays(db), _book(db)
    flows: defaultdict[int, Flow] = defaultdict(Flow)
    for stay in stays:
        if stay.start <= after < stay.end:
            flows[stay.class_group].count("start", stay.sex)
        if stay.start <= until < stay.end:
            flows[stay.class_group].count("end", stay.sex)
    for (pupil, day), (began, ended) in _events(stays, after, until).items():
        moved = min(len(began), len(ended))
        for one in ended[:moved]:
            flows[one.class_group].count("out", one.sex)
        for one in began[:moved]:
            flows[one.class_group].count("in", one.sex)
        for one in ended[moved:]:
            flows[one.class_group].count(_departure(book.get((pupil, day))), one.sex)
        for one in began[moved:]:
            flows[one.class_group].count(_arrival(book.get((pupil, day))), one.sex)
    return dict(flows)


def _departure(written: tuple[str, str | None] | None) -> str:
    kind, reason = written or ("", None)
    if kind == "graduated":
        return "graduated"
    return f"departed_{reason if reason in DEPARTED else 'other'}"


def _arrival(written: tuple[str, str | None] | None) -> str:
    _, reason = written or ("", None)
    return f"arrived_{reason if reason in ARRIVED else 'other'}"


def _events(stays: Iterable[Stay], after: int, until: int) -> dict[Event, tuple[list[Stay], list[Stay]]]:
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
        f"""SELECT e.pupil, e.class_group, e.start, ifnull(e."end", {FOREVER}), p.sex FROM enrolment e
            JOIN class_group cg ON cg.id = e.class_group JOIN pupil pu ON pu.person = e.pupil
            JOIN person p ON p.id = e.pupil
            WHERE e.retired_at IS NULL AND cg.retired_at IS NULL AND pu.retired_at IS NULL AND p.retired_at IS NULL
              AND e.start IS NOT NULL AND e.start < ifnull(e."end", {FOREVER})
            ORDER BY e.pupil, e.class_group, e.start, e.id"""
    ).fetchall()
    found: list[Stay] = []
    for pupil, class_group, start, end, sex in rows:
        last = found[-1] if found else None
        if last and (last.pupil, last.class_group) == (pupil, class_group) and start <= last.end:
            found[-1] = Stay(pupil, class_group, last.start, max(last.end, end), sex)
        else:
            found.append(Stay(pupil, class_group, start, end, sex))
    return found


def _book(db: Database) -> dict[Event, tuple[str, str | None]]:
    """Pupil and day -> kind and reason as the movement book has it."""
    rows = db.execute(
        """SELECT pupil, date, kind, reason FROM movement WHERE retired_at IS NULL
           AND kind IN ('arrived', 'departed', 'graduated') AND date IS NOT NULL ORDER BY id"""
    ).fetchall()
    return {(pupil, day): (kind, reason) for pupil, day, kind, reason in rows}


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
    moved: set[Event] = set()
    found = []
    for (pupil, day), (began, ended) in _events(stays, after, until).items():
        if len(began) != len(ended):
            moved.add((pupil, day))
            if (pupil, day) not in book:
                found.append(Discrepancy(pupil, day, "unwritten"))
    found += [
        Discrepancy(pupil, day, "unmoved")
        for (pupil, day), (kind, _) in book.items()
        if after < day <= until and kind != "graduated" and (pupil, day) not in moved
    ]
    roll = Counter(stay.pupil for stay in stays if stay.start <= until < stay.end)
    found += [Discrepancy(pupil, until, "doubled") for pupil, classes in roll.items() if classes > 1]
    return sorted(found, key=lambda one: (one.day, one.pupil, one.why))
