"""The enrollments of a roster: who is on the roll of a class, in which subject groups, and who teaches them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from node import roster, schooldays
from node.oneroster import finding
from node.oneroster.package import Line
from node.oneroster.taking import Taking
from shared.dates import FOREVER
from shared.problems import N_

ROLES = ("student", "teacher", "aide", "proctor", "administrator")
NOT_STAFF = N_("This person does not work here.")
NOT_A_PUPIL = N_("This person is no pupil.")
NOT_IN_CLASS = N_("The pupil is not in the class of the group.")
TWO_CLASSES = N_("The pupil is in another class on these days.")
BACKWARDS = N_("The end is before the beginning.")
OTHER_ROLES = N_("Helpers and proctors of classes, passed over")
Span = tuple[int, int | None]


@dataclass
class Rolls:
    """Lines of `enrollments.csv` by what they are about."""

    t: Taking
    spells: dict[int, list[tuple[int, Span, Line]]] = field(default_factory=dict)
    listed: dict[int, list[tuple[int, Span, Line]]] = field(default_factory=dict)
    gone: list[tuple[str, int, int, Line]] = field(default_factory=list)
    fresh: list[tuple[int, int, int, Line]] = field(default_factory=list)
    """Pupil, class and first day of each enrolment that is new here and goes on."""
    teachers: dict[tuple[str, int], tuple[int, bool]] = field(default_factory=dict)

    def enrollments(self) -> None:
        """All of them: teachers, rolls of classes, lists of groups, and what is taken out."""
        t = self.t
        for line in t.lines("enrollments"):
            with t.listing(line):
                self._sort(line)
        for (column, row), (person, _) in self.teachers.items():
            there = t.books.row(column, row)
            if there is not None:
                t.books.change(column, there, teacher=person)
        for class_group, spells in self.spells.items():
            for pupil, span, line in spells:
                with t.listing(line):
                    self._enrol(class_group, pupil, span, line)
        self._check_rolls()
        for group, members in self.listed.items():
            self._list(group, members)
        self._join()
        for column, row, person, line in self.gone:
            with t.listing(line):
                self._take_out(column, row, person, line)

    def _sort(self, line: Line) -> None:
        t = self.t
        role = t.word(line, "role", ROLES)
        place = t.stands_for("classes", line["classSourcedId"])
        person = t.row("users", line["userSourcedId"])
        if not role:
            return
        if role not in ("student", "teacher"):
            t.notices[OTHER_ROLES] += 1
        elif place is None:
            t.missing(line, "classSourcedId", "classes")
        elif person is None:
            t.missing(line, "userSourcedId", "users")
        elif line.deleted:
            self.gone.append((*place, person, line))
        elif role == "teacher":
            self._teacher(place, person, line)
        else:
            self._student(place, person, line)

    def _teacher(self, place: tuple[str, int], person: int, line: Line) -> None:
        """Of several teachers the primary one counts, else the first."""
        if not finding.works_here(self.t.db, person):
            self.t.flaw(line, "userSourcedId", NOT_STAFF)
            return
        primary = line["primary"] == "true"
        if place not in self.teachers or (primary and not self.teachers[place][1]):
            self.teachers[place] = (person, primary)

    def _student(self, place: tuple[str, int], person: int, line: Line) -> None:
        t = self.t
        if not finding.is_pupil(t.db, person):
            t.flaw(line, "userSourcedId", NOT_A_PUPIL)
            return
        start, end = t.date(line, "beginDate"), t.date(line, "endDate")
        if start is None:
            start = self._first_day(*place)
        if end is not None and end <= start:
            t.flaw(line, "endDate", BACKWARDS)
            return
        kept = self.spells if place[0] == "class_group" else self.listed
        kept.setdefault(place[1], []).append((person, (start, end), line))

    def _first_day(self, column: str, row: int) -> int:
        year = finding.year_of(self.t.db, column, row)
        span = schooldays.bounds(self.t.db, year) if year is not None else None
        return span[0] if span else self.t.today

    # ---- rolls of classes

    def _enrol(self, class_group: int, pupil: int, span: Span, line: Line) -> None:
        t, (start, end) = self.t, span
        known = t.row("enrollments", line.id)
        if known is None:
            known = finding.spell(t.db, pupil, class_group, start, end)
        row = t.books.row("enrolment", known) if known else None
        if row is None:
            age = roster.age(t.db, pupil, class_group)
            known = t.books.add(
                "enrolment", pupil=pupil, class_group=class_group, start=start, end=end, age=age
            )
            if known is not None and end is None:
                self.fresh.append((pupil, class_group, start, line))
        else:
            t.books.change("enrolment", row, start=start if line["beginDate"] else None, end=end)
        if known is not None:
            t.remember(line, "enrolment", known)

    def _check_rolls(self) -> None:
        """Nobody is in two classes on one day."""
        lines = {(c, p): line for c, spells in self.spells.items() for p, _, line in spells}
        for class_group, pupil in roster.overlaps(self.t.db):
            line = lines.get((class_group, pupil))
            if line is not None:
                self.t.flaw(line, "userSourcedId", TWO_CLASSES)

    # ---- lists of groups

    def _join(self) -> None:
        """New pupils of a class join its subject groups as an arrival does, where the roster does not list them."""
        t = self.t
        for pupil, class_group, start, line in self.fresh:
            with t.listing(line):
                for group in roster.join_groups(t.books.w, pupil, class_group, start, {}, self.listed):
                    t.books.outcomes["subject_group_pupil", (group, pupil)] = "inserted"
                    t.joined.append((line.number, pupil, group))

    def _list(self, group: int, members: list[tuple[int, Span, Line]]) -> None:
        """A group whose students are those of its class needs no list; any other has one."""
        t = self.t
        roll = finding.roll(t.db, group)
        if not roster.has_list(t.db, group):
            told = sorted({(pupil, *span) for pupil, span, _ in members}, key=str)
            whole = sorted({(pupil, *span) for pupil, spans in roll.items() for span in spans}, key=str)
            part_of_it = "enrollments" in t.package.delta and set(told) <= set(whole)
            if told == whole or part_of_it:
                return
            if t.books.outcomes.get(("subject_group", (group,))) != "inserted":
                roster.write_list(t.books.w, group)
        told_spans: dict[int, list[roster.Span]] = {}
        for pupil, (start, end), line in members:
            if pupil not in roll:
                t.flaw(line, "userSourcedId", NOT_IN_CLASS)
                continue
            told_spans.setdefault(pupil, []).append((start, FOREVER if end is None else end))
        for pupil, spans in told_spans.items():
            last = max(end for _, end in spans)
            there = t.books.row("subject_group_pupil", group, pupil)
            left_class = (
                there is not None and there["end"] is None and last in {end for _, end in roll[pupil]}
            )
            ended = None if last == FOREVER or left_class else last
            t.books.put("subject_group_pupil", (group, pupil), start=min(spans)[0], end=ended)
            self._gaps(group, pupil, sorted(spans), roll[pupil])

    def _gaps(self, group: int, pupil: int, told: list[roster.Span], roll: list[Span]) -> None:
        """Who was out of the group while in the class was not in it; who is told to have been there was."""
        books = self.t.books
        for start, end in roster.gaps(self.t.db, group, pupil).get((group, pupil), ()):
            there = books.row("subject_group_gap", group, pupil, start)
            if there is not None and any(first <= start and end <= last for first, last in told):
                books.end("subject_group_gap", there)
        for (_, left), (back, _) in pairwise(told):
            if any(start < back and (end is None or end > left) for start, end in roll) and left < back:
                books.put("subject_group_gap", (group, pupil, left), end=back)

    # ---- what is taken out

    def _take_out(self, column: str, row: int, person: int, line: Line) -> None:
        t = self.t
        there = t.books.row(column, row)
        if there is None:
            return
        if line["role"] == "teacher":
            if there["teacher"] == person:
                t.books.end(column, there, teacher=None)
            return
        day = t.date(line, "endDate") or t.today
        if column == "class_group":
            known = t.row("enrollments", line.id)
            found = [known] if known is not None else finding.open_spells(t.db, person, row)
            spells = [one for one in (t.books.row("enrolment", key) for key in found) if one is not None]
        else:
            roster.write_list(t.books.w, row)
            membership = t.books.row("subject_group_pupil", row, person)
            spells = [membership] if membership is not None else []
        table = "enrolment" if column == "class_group" else "subject_group_pupil"
        for one in spells:
            if one["retired_at"] is not None or (one["end"] is not None and one["end"] <= day):
                continue
            if one["start"] is not None and one["start"] >= day:
                t.books.end(table, one)
            else:
                t.books.end(table, one, end=day)
