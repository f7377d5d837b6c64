"""Schools, school years, subjects, classes and subject groups of a roster.

Years and terms are the country's and subjects mostly too: they are found, by dates, codes and names. Of these only a
subject that is unknown is added, as the school's own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from node.importing.values import class_letter
from node.oneroster import finding, queries
from node.oneroster.binding import MORE
from node.oneroster.package import Line
from node.oneroster.taking import OWN_SYSTEM, UNKNOWN, Taking
from shared.i18n import folded
from shared.problems import N_
from shared.schema import BY_NAME, LANGUAGES

LANGUAGE = "ky"
"""Of a class or pupil of whom the roster tells none, as in a list of pupils."""
SCALE = "five"
"""The scale by which marks are given where the roster tells none; none in the first grade."""
_CLASS = re.compile(r"(\d{1,2})\s*[-–—.\s\"«]*(\w{0,4})")
OTHER_SCHOOLS = N_("The file holds several schools, and none has the number of ours.")
NO_CLASS = N_("No number of a grade can be read from this.")
NO_HOMEROOM = N_(
    "The class of this group cannot be told: its code names none, and its pupils are not of one class."
)
STILL_PUPILS = N_("There are still pupils in the class.")
HAS_LESSONS = N_("Lessons of this group were held, so it is not taken out.")


@dataclass
class Learning:
    """What the classes of a roster are here. ``years``: session -> school year."""

    t: Taking
    years: dict[str, int] = field(default_factory=dict)
    courses: dict[str, Line] = field(default_factory=dict)

    def orgs(self) -> None:
        """Which school is ours; lines of the others are passed over."""
        t = self.t
        schools = [line for line in t.lines("orgs") if line["type"] == "school" and not line.deleted]
        school, _, number = queries.school(t.db)
        mine = [one for one in schools if number is not None and one["identifier"] == str(number)]
        if len(schools) > 1 and not mine:
            t.flaw(schools[0], "identifier", OTHER_SCHOOLS)
        ours = {one.id for one in mine or schools[:1]}
        if "orgs" not in t.package.counts:  # marks alone: each line item names its school
            ours = {line["schoolSourcedId"] for line in t.package.lines.get("lineItems", ())}
        t.foreign = {one.id for one in schools} - ours
        # Row ids begin with a node's name, so those of a school that is not registered either are no danger.
        t.own = t.package.system == OWN_SYSTEM and ours == {str(school)}

    def sessions(self) -> None:
        """The school year in whose days the middle of a session lies."""
        for line in self.t.lines("academicSessions"):
            start, end = self.t.date(line, "startDate"), self.t.date(line, "endDate")
            if start is None or end is None or line.deleted:
                continue
            year = finding.year_on(self.t.db, (start + end) // 2)
            if year is None:
                self.t.flaw(line, "startDate", UNKNOWN, text=line["startDate"])
            else:
                self.years[line.id] = year

    def classes(self, members: dict[str, set[str]]) -> None:
        """Homerooms first, then subject groups. ``members``: class -> the users who are its students."""
        t = self.t
        self.courses = t.index("courses")
        lines = list(t.lines("classes"))
        homerooms = [
            one for one in lines if t.word(one, "classType", ("homeroom", "scheduled")) == "homeroom"
        ]
        groups = [one for one in lines if one["classType"] == "scheduled"]
        for line in homerooms:
            with t.listing(line):
                self._homeroom(line)
        home = {user: one.id for one in homerooms for user in members.get(one.id, ())}
        placed = [(line, self._place(line, members, home)) for line in groups]
        twins = Counter(place for _, place in placed if place)
        for line, place in placed:
            if place:
                with t.listing(line):
                    self._group(line, place, twins[place] > 1)

    def _year(self, line: Line) -> int | None:
        """The school year of a class, by its terms or its course's year."""
        course = self.courses.get(line["courseSourcedId"])
        named = [*line.listed("termSourcedIds"), *(course.listed("schoolYearSourcedId") if course else ())]
        return next((self.years[one] for one in named if one in self.years), None)

    # ---- homerooms

    def _homeroom(self, line: Line) -> None:
        t = self.t
        known = t.row("classes", line.id, "class_group")
        if line.deleted:
            self._close(line, known)
            return
        year, name = self._year(line), self._named(line)
        if known is None and year is None:
            t.flaw(line, "termSourcedIds", UNKNOWN, text=line["termSourcedIds"])
            return
        if name is None:
            t.flaw(line, "title", NO_CLASS)
            return
        grade, letter = name
        if known is None and year is not None:
            known = finding.class_named(t.db, year, grade, letter) or t.books.add(
                "class_group", year=year, grade=grade, letter=letter, language=LANGUAGE
            )
        row = t.books.row("class_group", known) if known else None
        if row is None or known is None:
            t.dropped.add((line.file, line.id))
            return
        more = {name: line[MORE + name] for name in ("language", "shift", "weekDays")}
        t.books.change(
            "class_group",
            row,
            grade=grade,
            letter=letter,
            language=more["language"] if more["language"] in LANGUAGES else None,
            shift=_whole(more["shift"]),
            week_days=_whole(more["weekDays"]),
            room=self._room(line["location"]),
        )
        t.remember(line, "class_group", known)

    def _named(self, line: Line) -> tuple[int, str] | None:
        """Grade and letter of a class: from its code, else its title; the grade from its own column if there is one."""
        for text in (line["classCode"], line["title"]):
            found = _CLASS.search(text)
            if found:
                own = line.listed("grades")
                grade = int(own[0]) if len(own) == 1 and own[0].isdigit() else int(found[1])
                return grade, found[2] if self._ours(line) else class_letter(found[2])
        return None

    def _room(self, name: str) -> int | None:
        if not name:
            return None
        return finding.room_named(self.t.db, name) or self.t.books.add("room", name=name)

    def _close(self, line: Line, known: int | None) -> None:
        row = self.t.books.row("class_group", known) if known else None
        if row is None or row["closed_on"] is not None:
            return
        if finding.has_pupils(self.t.db, row["id"], self.t.today):
            self.t.flaw(line, "status", STILL_PUPILS)
        else:
            self.t.books.end("class_group", row, closed_on=self.t.today)

    # ---- subject groups

    def _place(
        self, line: Line, members: dict[str, set[str]], home: dict[str, str]
    ) -> tuple[int, int] | None:
        """Class and subject of a group; an error where they cannot be told."""
        t = self.t
        known = t.row("classes", line.id, "subject_group")
        row = t.books.row("subject_group", known) if known else None
        if row is not None:
            return row["class_group"], row["subject"]
        if line.deleted:
            return None
        class_group = self._homeroom_of(line, members, home)
        if class_group is None:
            t.flaw(line, "classCode", NO_HOMEROOM)
            return None
        if (line["courseSourcedId"] not in self.courses) and not t.row("courses", line["courseSourcedId"]):
            t.missing(line, "courseSourcedId", "courses")
            return None
        subject = self._subject(line["courseSourcedId"])
        if subject is None:
            t.dropped.add((line.file, line.id))
            return None
        return class_group, subject

    def _homeroom_of(self, line: Line, members: dict[str, set[str]], home: dict[str, str]) -> int | None:
        year, name = self._year(line), self._named(line)
        if year is not None and name is not None:
            found = finding.class_named(self.t.db, year, *name)
            if found is not None:
                return found
        homes = {home.get(user) for user in members.get(line.id, ())}
        return self.t.row("classes", next(iter(homes)) or "", "class_group") if len(homes) == 1 else None

    def _subject(self, course: str) -> int | None:
        """The subject of a course: known by key, code or name, else the school's own and new."""
        t = self.t
        found = t.row("courses", course)
        line = self.courses.get(course)
        if found is not None or line is None:
            return found
        codes = [code.casefold() for code in (*line.listed("subjectCodes"), line["courseCode"]) if code]
        names = [name for name in (*line.listed("subjects"), line["title"]) if name]
        found = finding.subject_known(t.db, codes, [folded(name) for name in names])
        if found is None:
            pattern = BY_NAME["subject"].by_name["code"]
            code = next(
                (one for one in codes if re.fullmatch(pattern.pattern or "", one) and len(one) <= 16), None
            )
            named = dict.fromkeys(("name_ky", "name_ru", "name_en"), line["title"] or names[0])
            found = t.books.add("subject", code=code, **named)
        if found is not None:
            t.remember(line, "subject", found)
        return found

    def _group(self, line: Line, place: tuple[int, int], twins: bool) -> None:
        t = self.t
        known = t.row("classes", line.id, "subject_group")
        if line.deleted:
            self._take_out(line, known)
            return
        part = line[MORE + "part"] or (line["title"][:60] if twins and not self._ours(line) else "")
        if known is None:
            known = finding.group_named(t.db, *place, part, twins)
        if known is None:
            known = t.books.add(
                "subject_group",
                class_group=place[0],
                subject=place[1],
                name=part,
                scale=self._scale(line, place[0]),
            )
        row = t.books.row("subject_group", known) if known else None
        if row is None or known is None:
            t.dropped.add((line.file, line.id))
            return
        scale = finding.scale_named(t.db, line[MORE + "scale"])
        t.books.change("subject_group", row, name=part, hours_week=_whole(line[MORE + "hours"]), scale=scale)
        t.remember(line, "subject_group", known)

    def _ours(self, line: Line) -> bool:
        """Was the line made by a Mektep for another?"""
        return line.has(MORE + "part")

    def _scale(self, line: Line, class_group: int) -> int | None:
        if self._ours(line):
            return finding.scale_named(self.t.db, line[MORE + "scale"])
        row = self.t.books.row("class_group", class_group)
        return finding.scale_named(self.t.db, SCALE) if row and (row["grade"] or 0) > 1 else None

    def _take_out(self, line: Line, known: int | None) -> None:
        row = self.t.books.row("subject_group", known) if known else None
        if row is None or row["retired_at"] is not None:
            return
        if finding.was_taught(self.t.db, row["id"]):
            self.t.flaw(line, "status", HAS_LESSONS)
        else:
            self.t.books.end("subject_group", row)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
