"""A week as pages show it: its days with their lessons, why a day has none, and whose weeks are the visitor's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import access
from node.calendar import queries as calendar
from node.people.queries import class_name
from node.request import database
from node.timetable import queries
from node.timetable.queries import Lesson
from shared.dates import NO_LESSONS, first_instant, weekday
from shared.i18n import gettext, in_order
from shared.web import today, visitor

SATURDAY = 6


@dataclass(frozen=True)
class Day:
    """A day with its lessons and the school's events; ``kind`` is the calendar's word where it is no ordinary one."""

    day: int
    lessons: list[Lesson]
    kind: str
    events: list[Mapping[str, Any]]

    @property
    def free(self) -> bool:
        """Does the calendar say that there are no lessons?"""
        return self.kind in NO_LESSONS


@dataclass(frozen=True)
class Week:
    """Monday to Saturday, or to Friday where nothing is on Saturday; the names are of those who teach in it."""

    first: int
    days: list[Day]
    names: dict[int, str]

    @property
    def last(self) -> int:
        return self.first + SATURDAY


def day_instants(first: int, last: int) -> tuple[int, int]:
    """The first and the last instant of a span of days by the school's clock."""
    return first_instant(first), first_instant(last + 1) - 1


def week_of(db: Database, lessons: Callable[[int, int], list[Lesson]], day: int, today: int) -> Week:
    """The week in which a day lies."""
    monday = day - weekday(day) + 1
    found = lessons(monday, monday + SATURDAY)
    year = calendar.year_of_day(db, day)
    kinds = calendar.calendar(db, monday, monday + SATURDAY)
    events = queries.events(db, *day_instants(monday, monday + SATURDAY))
    days = []
    for one in range(monday, monday + SATURDAY):
        of_day = [lesson for lesson in found if lesson.day == one]
        kind = kinds.kind(one, _whom(of_day[0]) if of_day else calendar.Whom(year=year))
        if of_day or weekday(one) < SATURDAY:
            start, end = day_instants(one, one)
            touching = [e for e in events if e["start"] <= end and (e["end"] or e["start"]) >= start]
            days.append(
                Day(one, of_day, "" if kind == "school" or (kind == "off" and of_day) else kind, touching)
            )
    return Week(monday, days, queries.names(db, {one.teacher for one in found}, today))


def _whom(lesson: Lesson) -> calendar.Whom:
    slot = lesson.slot
    return calendar.Whom(slot["class_group"], slot["year"], slot["grade"], slot["shift"], slot["week_days"])


# ---- whose week


@dataclass(frozen=True)
class Whose:
    """Whose week a page shows: one of the four, and its name.

    ``leads``: it is what its owner looks for first in the timetable; not so of staff without a teacher's duty.
    """

    name: str
    teacher: int | None = None
    class_group: int | None = None
    pupil: int | None = None
    room: int | None = None
    leads: bool = True

    @property
    def query(self) -> dict[str, int]:
        """The same as an address holds it."""
        pairs = {"teacher": self.teacher, "class": self.class_group, "child": self.pupil, "room": self.room}
        return {name: value for name, value in pairs.items() if value is not None}

    def lessons(self, first: int, last: int) -> list[Lesson]:
        """The lessons of a span."""
        db = database()
        if self.class_group is not None:
            return queries.agenda(db, first, last, classes=[self.class_group], dropped=True)
        return queries.agenda(
            db, first, last, teacher=self.teacher, pupil=self.pupil, room=self.room, dropped=True
        )


def own_children() -> frozenset[int]:
    """The visitor as a pupil, and the visitor's children."""
    who = visitor()
    own = {who.person} if who.has("pupil") and who.person is not None else set()
    return access.own_children(database(), who) | own


def own_weeks() -> list[Whose]:
    """The weeks that are the visitor's own: lessons taught, the class led, the own lessons or the children's.

    All staff have one: who gives no lessons has the school's events in it.
    """
    db, who = database(), visitor()
    found = []
    if who.has(*access.TEACHING) and who.person is not None:
        found.append(Whose(gettext("My lessons"), teacher=who.person))
    elif who.has(*access.STAFF) and who.person is not None:
        found.append(Whose(gettext("My week"), teacher=who.person, leads=False))
    year = queries.school_year(db, today())
    led = access.led_classes(db, who)
    for one in calendar.classes(db, year[0]) if year and led else []:
        if one["id"] in led:
            found.append(Whose(class_name(one["grade"], one["letter"]), class_group=one["id"]))
    children = own_children()
    names = queries.names(db, children, today())
    own = [Whose(names.get(child, "") or gettext("Pupil"), pupil=child) for child in sorted(children)]
    return found + in_order(own, lambda one: one.name)
