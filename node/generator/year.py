"""What happens in the year: who comes, leaves, changes class or is ill, what lessons are held, what marks fall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from node.generator.cast import Cast, Group, Pupil
from node.generator.curriculum import BIG_WORK, EASE, WEEKS
from node.generator.timetable import Slot
from shared.dates import date_of, month_of, weekday
from shared.grading import MINIMUM_MARKS

DEPART, TRANSFER = 0.025, 0.008
"""Shares of the pupils who leave, and who change class, in a year."""
SEASON = {9: 0.7, 10: 0.9, 11: 1.1, 12: 1.5, 1: 1.6, 2: 1.7, 3: 1.1, 4: 0.8, 5: 0.6}
"""How the months of a year differ in illness."""
TOWNS = ("Бишкек ш.", "Ош ш.", "Манас ш.", "Токмок ш.", "Каракол ш.", "Нарын ш.", "Талас ш.", "Баткен ш.")


@dataclass(frozen=True)
class Quarter:
    term: int
    number: int
    start: int
    end: int


@dataclass(frozen=True)
class SchoolYear:
    """A school year as the reference rows give it; `days` are its school days up to the day the story ends."""

    id: int
    start: int
    end: int
    reference_date: int
    quarters: tuple[Quarter, ...]
    term: int | None
    days: tuple[int, ...]
    until: int

    def quarter_of(self, day: int) -> Quarter | None:
        return next((q for q in self.quarters if q.start <= day <= q.end), None)


REST_WEEKS_BEFORE_THE_END = 2


def rest_of_first_grade(year: SchoolYear) -> range:
    """Monday to Friday of the week in the third quarter in which grade 1 has holidays of its own."""
    third = next((quarter for quarter in year.quarters if quarter.number == 3), None)
    if third is None:
        return range(0)
    monday = third.end - weekday(third.end) + 1 - 7 * (REST_WEEKS_BEFORE_THE_END - 1)
    return range(monday, monday + 5)


@dataclass(frozen=True)
class Move:
    """A pupil who arrives, departs or changes class on a day."""

    day: int
    pupil: int
    kind: str
    reason: str | None
    place: str | None
    from_class: int | None
    to_class: int | None


@dataclass
class Stay:
    """A pupil's time in a class, the end not included."""

    pupil: int
    in_class: int
    start: int
    end: int | None = None


@dataclass(frozen=True)
class Away:
    pupil: int
    status: str
    reason: str | None


@dataclass(frozen=True)
class Marked:
    pupil: int
    slot: int
    value: int
    kind: str


@dataclass(frozen=True)
class Substitution:
    group: int
    day: int
    period: int
    teacher: int


@dataclass
class Held:
    """A lesson that was held: the `number`-th of its group in the year."""

    group: int
    day: int
    period: int
    teacher: int
    number: int
    away: list[Away] = field(default_factory=list)
    marks: list[Marked] = field(default_factory=list)


@dataclass
class Month:
    name: str
    lessons: list[Held] = field(default_factory=list)
    substitutions: list[Substitution] = field(default_factory=list)


def moves(rng: Random, cast: Cast, residents: int, year: SchoolYear) -> list[Move]:
    """Who comes and goes; pupils from `residents` on are newcomers. In the order of the days."""
    found = []
    class_of = {pupil: index for index, one in enumerate(cast.classes) for pupil in one.pupils}
    later = year.days[10:]
    if not later:
        return []
    for pupil in range(residents, len(cast.pupils)):
        grade = cast.pupils[pupil].grade
        sections = [i for i, one in enumerate(cast.classes) if one.grade == grade]
        reason = rng.choices(("district", "country", "abroad"), (5, 4, 2))[0]
        place = "Россия" if reason == "abroad" else _school(rng)
        found.append(Move(rng.choice(later), pupil, "arrived", reason, place, None, rng.choice(sections)))
    for pupil in range(residents):
        fate = rng.random()
        day, own = rng.choice(later), class_of[pupil]
        if fate < DEPART:
            grade = cast.pupils[pupil].grade
            weights = (5, 4, 3, 4 if grade >= 9 else 0, 1)
            reason = rng.choices(("district", "country", "abroad", "college", "other"), weights)[0]
            place = "Россия" if reason == "abroad" else _school(rng)
            found.append(Move(day, pupil, "departed", reason, place, own, None))
        elif fate < DEPART + TRANSFER:
            others = _parallel(cast, own)
            if others:
                found.append(Move(day, pupil, "transfer", None, None, own, rng.choice(others)))
    return sorted(found, key=lambda move: (move.day, move.pupil))


def _school(rng: Random) -> str:
    return f"{rng.choice(TOWNS)}, № {rng.randint(1, 90)} мектеп"


def _parallel(cast: Cast, own: int) -> list[int]:
    one = cast.classes[own]
    return [
        i
        for i, other in enumerate(cast.classes)
        if i != own and other.grade == one.grade and other.language == one.language
    ]


def stays(cast: Cast, events: list[Move], year: SchoolYear) -> list[Stay]:
    """When each pupil is in which class."""
    found = [Stay(p, i, year.start) for i, one in enumerate(cast.classes) for p in one.pupils]
    latest = {stay.pupil: stay for stay in found}
    for move in events:
        if move.from_class is not None:
            latest[move.pupil].end = move.day
        if move.to_class is not None:
            latest[move.pupil] = Stay(move.pupil, move.to_class, move.day)
            found.append(latest[move.pupil])
    return found


def part_of(pupil: int) -> int:
    """The subgroup a pupil belongs to where a class is split."""
    return pupil % 2 + 1


class Story:
    """Tells the year month by month; keeps the marks and missed lessons of the quarter for its results."""

    def __init__(
        self,
        rng: Random,
        cast: Cast,
        slots: Mapping[int, list[Slot]],
        present: list[Stay],
        year: SchoolYear,
        weights: Mapping[str, int],
    ) -> None:
        self.rng = rng
        self.cast = cast
        self.year = year
        self.weights = weights
        self.week = _week(cast, slots)
        self.rest = rest_of_first_grade(year)
        self.stays: list[list[Stay]] = [[] for _ in cast.classes]
        for stay in present:
            self.stays[stay.in_class].append(stay)
        self.ill = [self._absences(pupil) for pupil in cast.pupils]
        self.teachers_ill = [self._spells(0.9, 2, 4) for _ in cast.staff]
        self.held: Counter[int] = Counter()
        self.held_in_quarter: Counter[int] = Counter()
        self.marks: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.missed: Counter[tuple[int, int]] = Counter()

    def months(self) -> Iterator[Month]:
        """The months, with a break where a quarter ends so that its results can be written."""
        month: Month | None = None
        for index, day in enumerate(self.year.days):
            name = month_of(day)
            quarter = self.year.quarter_of(day)
            if (
                month is None
                or month.name != name
                or quarter != self.year.quarter_of(self.year.days[index - 1])
            ):
                if month is not None:
                    yield month
                month = Month(name)
            self._day(day, month)
        if month is not None:
            yield month

    def begin_quarter(self) -> None:
        """Forget the marks and missed lessons of the quarter before."""
        self.marks.clear()
        self.missed.clear()
        self.held_in_quarter.clear()

    def members(self, group: Group, day: int) -> list[int]:
        """The pupils of a group on a day."""
        return [
            stay.pupil
            for stay in self.stays[group.in_class]
            if stay.start <= day
            and (stay.end is None or day < stay.end)
            and group.part in (0, part_of(stay.pupil))
        ]

    def _day(self, day: int, month: Month) -> None:
        teaching = {(t, shift, period) for group, shift, period, t in self._lessons(day)}
        for number, shift, period, teacher in self._lessons(day):
            if day in self.teachers_ill[teacher]:
                substitute = self._substitute(number, day, shift, period, teaching)
                if substitute is None:
                    continue
                teaching.add((substitute, shift, period))
                month.substitutions.append(Substitution(number, day, period, substitute))
                teacher = substitute
            month.lessons.append(self._lesson(number, day, period, teacher))

    def _lessons(self, day: int) -> list[tuple[int, int, int, int]]:
        lessons = self.week[weekday(day)]
        if day not in self.rest:
            return lessons
        return [one for one in lessons if self.cast.classes[self.cast.groups[one[0]].in_class].grade > 1]

    def _substitute(
        self, number: int, day: int, shift: int, period: int, teaching: set[tuple[int, int, int]]
    ) -> int | None:
        own = self.cast.staff[self.cast.groups[number].teacher]
        return next(
            (
                other
                for other, member in enumerate(self.cast.staff)
                if member.position == own.position
                and member.speciality == own.speciality
                and (other, shift, period) not in teaching
                and day not in self.teachers_ill[other]
            ),
            None,
        )

    def _lesson(self, number: int, day: int, period: int, teacher: int) -> Held:
        group = self.cast.groups[number]
        self.held[number] += 1
        self.held_in_quarter[number] += 1
        held = Held(number, day, period, teacher, self.held[number])
        here = []
        for pupil in self.members(group, day):
            away = self._away(pupil, day, period)
            if away:
                held.away.append(away)
            if away and away.status == "absent":
                self.missed[number, pupil] += 1
            else:
                here.append(pupil)
        if self.cast.classes[group.in_class].grade > 1:
            self._mark(held, group, here)
        return held

    def _away(self, pupil: int, day: int, period: int) -> Away | None:
        reason = self.ill[pupil].get(day)
        if reason:
            return Away(pupil, "absent", reason)
        chance = self.rng.random()
        lazy = max(0.0, 0.004 - 0.004 * self.cast.pupils[pupil].level)
        if chance < lazy:
            return Away(pupil, "absent", "unexcused" if chance < lazy * 0.7 else "unknown")
        return Away(pupil, "late", None) if period == 1 and chance > 0.988 else None

    def _mark(self, held: Held, group: Group, here: list[int]) -> None:
        rng = self.rng
        quarter = self.year.quarter_of(held.day)
        ending = quarter is not None and quarter.end - held.day < 9
        big = self.held_in_quarter[held.group] % max(5, 4 * group.hours) == 0
        kind = self._big_kind(group) if big else ""
        share = min(0.55, 5 / (WEEKS / 4 * group.hours))
        for pupil in here:
            if group.subject == "pe" and self.cast.pupils[pupil].exempt_from_pe:
                continue
            short = ending and len(self.marks.get((held.group, pupil), ())) < MINIMUM_MARKS
            if kind and rng.random() < 0.95:
                self._give(held, group, pupil, 0, kind)
                if kind == "dictation":
                    self._give(held, group, pupil, 1, kind)
            elif short or rng.random() < share:
                self._give(
                    held, group, pupil, 0, rng.choices(("oral", "homework", "independent"), (6, 3, 2))[0]
                )

    def _big_kind(self, group: Group) -> str:
        if EASE.get(group.subject, 0) >= 0.8:
            return "test"
        return self.rng.choice(("control", BIG_WORK.get(group.subject, "control")))

    def _give(self, held: Held, group: Group, pupil: int, slot: int, kind: str) -> None:
        value = mark_of(self.rng, self.cast.pupils[pupil], group.subject, kind)
        held.marks.append(Marked(pupil, slot, value, kind))
        if self.weights[kind]:
            self.marks.setdefault((held.group, pupil), []).append((value, self.weights[kind]))

    def _absences(self, pupil: Pupil) -> dict[int, str]:
        found = {}
        for day in self._spells(1.6 * pupil.frailty, 2, 6):
            found[day] = "ill"
        for day in self._spells(0.5, 1, 2):
            found[day] = "excused"
        if pupil.level < -0.8:
            for day in self._spells(1.5, 1, 1):
                found[day] = self.rng.choice(("unexcused", "unexcused", "unknown"))
        return found

    def _spells(self, a_year: float, shortest: int, longest: int) -> set[int]:
        """Days of so many spells a year, likelier in winter."""
        found: set[int] = set()
        for day in self.year.days:
            if self.rng.random() < a_year / 165 * SEASON.get(date_of(day).month, 1.0):
                found |= set(range(day, day + self.rng.randint(shortest, longest)))
        return found


def mark_of(rng: Random, pupil: Pupil, subject: str, kind: str) -> int:
    """A mark from 2 to 5 around the pupil's level."""
    ease = EASE.get(subject, 0.0) - (0.15 if kind in ("control", "dictation", "composition") else 0.0)
    return max(2, min(5, int(rng.gauss(3.7 + 0.75 * pupil.level + ease, 0.55) + 0.5)))


def _week(cast: Cast, slots: Mapping[int, list[Slot]]) -> dict[int, list[tuple[int, int, int, int]]]:
    """The lessons of each weekday as (group, shift, period, teacher), in the order of the day."""
    week: dict[int, list[tuple[int, int, int, int]]] = {day: [] for day in range(1, 8)}
    for number, group in enumerate(cast.groups):
        for day, period in slots[number]:
            week[day].append((number, cast.classes[group.in_class].shift, period, group.teacher))
    for lessons in week.values():
        lessons.sort(key=lambda lesson: (lesson[1], lesson[2], lesson[0]))
    return week
