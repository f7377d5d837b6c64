"""A school year as the files of OneRoster 1.2 (CSV binding of 1EdTech), bulk mode. Nothing here knows of HTTP.

Row ids count by table, so where two tables meet in one file a word stands before the id: `class-`, `group-`, `year-`,
`term-`, `grade-`, `subject-`. A user's is the person's id alone, and the user name too: logins here are made of names.
Passwords and personal numbers are never in it. Files that would be empty are told to be absent. Marks are in it where
a term's are asked for (`node.oneroster.gradebook`).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlite_utils import Database

from node.classes.queries import Year
from node.fields import iso
from node.oneroster import queries
from node.oneroster.binding import FILES, HEADERS, MORE, MORE_HEADERS, Line, phone, text, write_csv
from node.oneroster.gradebook import Gradebook
from node.people.queries import class_name, number_of
from shared.dates import FOREVER, date_of, on_roll, school_year_name
from shared.i18n import current_language, gettext, row_name
from shared.indicators import value_label
from shared.report import EMPTY

SEX = {"f": "female", "m": "male"}
SESSION_TYPES = {"quarter": "term", "period": "term", "half": "semester"}
STAFF_ROLES = {
    "head": "principal", "deputy": "siteAdministrator", "primary": "teacher", "teacher": "teacher",
    "social": "counselor", "psychologist": "counselor", "it": "systemAdministrator",
}  # fmt: skip
"""Position -> role; of any other, `aide`."""
GUARDIAN_ROLES = {"mother": "parent", "father": "parent", "guardian": "guardian"}
"""Relation -> role; of any other, `relative`."""
Row = Mapping[str, Any]


def archive(db: Database, year: Year, today: int, whole: bool = False, term: int = 0) -> bytes:
    """The ZIP of a year: names and contacts as consents to their passing on allow on the day ``today``.

    ``whole``: for another Mektep, with columns of its own, with sex and birth dates of staff and guardians, and with
    comments beside marks.
    ``term``: whose marks are in it.
    """
    files = {name: lines for name, lines in tables(db, year, today, whole, term).items() if lines}
    out, made = io.BytesIO(), date_of(today)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:

        def add(name: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
            entry = zipfile.ZipInfo(f"{name}.csv", (made.year, made.month, made.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with target.open(entry, "w") as file:
                write_csv(file, header, lines)

        add("manifest", ("propertyName", "value"), _manifest(files))
        for name, lines in files.items():
            header = HEADERS[name] + (MORE_HEADERS.get(name, ()) if whole else ())
            add(name, header, ([line.get(column, "") for column in header] for line in lines))
    return out.getvalue()


def tables(
    db: Database, year: Year, today: int, whole: bool = False, term: int = 0
) -> dict[str, Iterable[Line]]:
    """The lines of every file by column; columns that are not there are empty, and so are files of lists."""
    return _Roster(db, year, today, whole, term).tables()


def term_title(term: Row) -> str:
    """What a term is called."""
    kind, number = term["kind"], term["number"]
    return value_label("term", f"{kind}-{number}" if number else kind, current_language())


def _manifest(files: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        ("manifest.version", "1.0"),
        ("oneroster.version", "1.2"),
        *((f"file.{name}", "bulk" if name in files else "absent") for name in FILES),
        ("source.systemName", "Mektep"),
        ("source.systemCode", "mektep"),
    ]


def _more(values: Mapping[str, object]) -> Line:
    """Values for the columns of Mektep's own."""
    return {MORE + name: "" if value is None else str(value) for name, value in values.items()}


class _Roster:
    """One school year on its way into files."""

    def __init__(self, db: Database, year: Year, today: int, whole: bool, term: int) -> None:
        self.db = db
        self.year = year
        self.term = term
        self.whole = whole
        self.day = year.roll_day(today)
        self.school, self.school_name, self.number = queries.school(db)
        self.org = str(self.school)
        self.first, self.last = queries.bounds(db, year)
        self.classes = queries.classes(db, year)
        self.groups = queries.groups(db, year)
        self.enrolments = queries.enrolments(db, year)
        self.memberships = queries.memberships(db, year)
        self.pupils = queries.pupils(db, year, today)
        self.staff = queries.staff(db, year, today)
        self.guardians = queries.guardians(db, year, today)
        grades = {one["grade"] for one in self.classes}
        self.common = {one["id"]: one for one in queries.terms(db, year, None)}
        self.terms = {grade: queries.terms(db, year, grade) for grade in grades}
        self.session = f"year-{year.id}"

    def tables(self) -> dict[str, Iterable[Line]]:
        return {
            "orgs": [
                {
                    "sourcedId": self.org,
                    "name": text(self.school_name) or "Mektep",
                    "type": "school",
                    "identifier": str(self.number or ""),
                }
            ],
            "academicSessions": self._sessions(),
            "courses": self._courses(),
            "classes": self._classes(),
            "users": self._users(),
            "roles": self._roles(),
            "enrollments": self._enrollments(),
            "demographics": self._demographics(),
        } | self._gradebook()

    def _gradebook(self) -> dict[str, Iterable[Line]]:
        """The marks of the term; a mark of a pupil who is not in the file is not in it either."""
        terms = {grade: {one["id"]: one for one in found} for grade, found in self.terms.items()}
        asked = [
            (
                group,
                terms[group["grade"]][self.term],
                self._term_id(terms[group["grade"]][self.term], group["grade"]),
            )
            for group in self.groups
            if self.term in terms[group["grade"]]
        ]
        named = {one["id"] for one in self.pupils if one["surname"] is not None} if self.whole else set()
        book = Gradebook(self.db, self.org, asked, {one["id"] for one in self.pupils}, named)
        items = book.line_items()
        first = next(items, None)
        if first is None:
            return {}
        return {
            "categories": book.categories(),
            "lineItems": chain((first,), items),
            "results": book.results(),
        }

    def _demographics(self) -> list[Line]:
        people = (*self.pupils, *self.staff, *self.guardians) if self.whole else self.pupils
        return [
            {
                "sourcedId": str(key),
                "birthDate": iso(one["birth_date"]),
                "sex": SEX.get(one["sex"] or "", ""),
            }
            for key, one in {one["id"]: one for one in people}.items()
        ]

    # ---- time

    def _sessions(self) -> list[Line]:
        """The year, its terms, and a term again for a grade to which other dates were given; ends are exclusive."""
        lines = [
            self._session(
                self.session, school_year_name(self.year.start), "schoolYear", self.first, self.last
            )
        ]
        found = {self._term_id(term, None): term for term in self.common.values()}
        for grade, terms in sorted(self.terms.items(), key=lambda pair: pair[0] or 0):
            found |= {self._term_id(term, grade): term for term in terms}
        for key, term in found.items():
            line = self._session(
                key, term_title(term), SESSION_TYPES[term["kind"]], term["start"], term["end"]
            )
            lines.append(line | {"parentSourcedId": self.session})
        return lines

    def _session(self, key: str, title: str, kind: str, start: int, end: int) -> Line:
        return {
            "sourcedId": key,
            "title": text(title),
            "type": kind,
            "startDate": iso(start),
            "endDate": iso(end + 1),
            "schoolYear": str(date_of(self.year.end).year),
        }

    def _term_id(self, term: Row, grade: int | None) -> str:
        common = self.common[term["id"]]
        same = (common["start"], common["end"]) == (term["start"], term["end"])
        return f"term-{term['id']}" if same else f"term-{term['id']}-{grade}"

    def _terms_of(self, grade: int | None) -> str:
        """The terms in which a class is taught: quarters, where there are none half-years, else the year."""
        terms = self.terms[grade]
        chosen = [term for term in terms if term["kind"] != "half"] or terms
        return ",".join(self._term_id(term, grade) for term in chosen) or self.session

    # ---- what is taught

    def _courses(self) -> list[Line]:
        """A course for every grade, which its classes follow as such, and one for every subject taught."""
        lines = []
        for grade in sorted({one["grade"] or 0 for one in self.classes}):
            title = gettext("Class %(grade)s", grade=grade)
            lines.append(self._course(f"grade-{grade}", title, "", str(grade)))
        subjects: dict[int, Row] = {}
        grades: dict[int, set[int]] = {}
        for group in self.groups:
            subjects[group["subject"]] = group
            grades.setdefault(group["subject"], set()).add(group["grade"] or 0)
        for subject, row in subjects.items():
            taught_in = ",".join(map(str, sorted(grades[subject])))
            line = self._course(f"subject-{subject}", row_name(row), row["code"] or "", taught_in)
            lines.append(line | {"subjects": text(row_name(row)), "subjectCodes": text(row["code"])})
        return lines

    def _course(self, key: str, title: str, code: str, grades: str) -> Line:
        return {
            "sourcedId": key,
            "schoolYearSourcedId": self.session,
            "title": text(title),
            "courseCode": text(code),
            "grades": grades,
            "orgSourcedId": self.org,
        }

    def _classes(self) -> list[Line]:
        """Classes as homerooms, subject groups as scheduled classes."""
        lines = []
        for one in self.classes:
            line = self._class(f"class-{one['id']}", one, "homeroom", f"grade-{one['grade'] or 0}")
            more = {"language": one["language"], "shift": one["shift"], "weekDays": one["week_days"]}
            lines.append(line | {"location": text(one["room"])} | _more(more))
        for one in self.groups:
            line = self._class(f"group-{one['id']}", one, "scheduled", f"subject-{one['subject']}")
            subject = row_name(one)
            title = " · ".join(part for part in (line["title"], subject, one["part"]) if part)
            more = {"hours": one["hours_week"], "scale": one["scale"], "part": text(one["part"])}
            line |= {"title": text(title), "subjects": text(subject), "subjectCodes": text(one["code"])}
            lines.append(line | _more(more))
        return lines

    def _class(self, key: str, row: Row, kind: str, course: str) -> Line:
        name = text(class_name(row["grade"], row["letter"]))
        return {
            "sourcedId": key,
            "title": name,
            "grades": str(row["grade"] or 0),
            "courseSourcedId": course,
            "classCode": name,
            "classType": kind,
            "schoolSourcedId": self.org,
            "termSourcedIds": self._terms_of(row["grade"]),
        }

    # ---- people

    def _users(self) -> list[Line]:
        """Pupils of the year, staff, and guardians who may be named; each person once."""
        now = {
            one["pupil"]: str(one["grade"] or 0)
            for one in self.enrolments
            if on_roll(one["start"], one["end"], self.day)
        }
        agents: dict[int, list[tuple[str, str]]] = {}
        for one in self.guardians:
            agents.setdefault(one["pupil"], []).append((str(one["id"]), one["relation"] or ""))
        lines: dict[int, Line] = {}
        for one in self.pupils:
            own = agents.get(one["id"], ())
            more = {"grades": now.get(one["id"], ""), "agentSourcedIds": ",".join(key for key, _ in own)}
            ours = {
                "personalFile": text(one["personal_file"]),
                "language": one["language"],
                "residence": one["residence"],
                "relations": ",".join(relation for _, relation in own),
            }
            lines[one["id"]] = self._user(one, one["id"] in now) | more | _more(ours)
        for one in self.staff:
            works = one["end"] is None or one["end"] > self.day
            line = lines.setdefault(one["id"], self._user(one, works))
            line["enabledUser"] = "true" if works else line["enabledUser"]
        for one in self.guardians:
            lines.setdefault(one["id"], self._user(one, True))["enabledUser"] = "true"
        return list(lines.values())

    def _user(self, one: Row, enabled: bool) -> Line:
        """A user; without a name the number stands for it, and nothing personal beside it."""
        return {
            "sourcedId": str(one["id"]),
            "enabledUser": "true" if enabled else "false",
            "username": str(one["id"]),
            "givenName": text(one["given_name"]) or EMPTY,
            "familyName": text(one["surname"]) or str(number_of(one["id"])),
            "middleName": text(one["patronymic"]),
            "email": text(one["email"]),
            "phone": phone(one["phone"]),
            "primaryOrgSourcedId": self.org,
        } | _more({"consentFrom": iso(one["consent_from"]), "consentTo": iso(one["consent_to"])})

    def _roles(self) -> list[Line]:
        """What everyone is here; the first role of a person is the primary one."""
        teaching = {one["teacher"] for one in (*self.classes, *self.groups)}
        held: dict[int, dict[str, tuple[int | None, int | None]]] = {}
        positions = {one["id"]: one["position"] for one in self.staff}
        for one in self.staff:
            roles = held.setdefault(one["id"], {})
            roles[STAFF_ROLES.get(one["position"] or "", "aide")] = (one["start"], one["end"])
            if one["id"] in teaching:
                roles.setdefault("teacher", (one["start"], one["end"]))
        for one in self.pupils:
            held.setdefault(one["id"], {})["student"] = (None, None)
        for one in self.guardians:
            role = GUARDIAN_ROLES.get(one["relation"] or "", "relative")
            held.setdefault(one["id"], {}).setdefault(role, (None, None))
        return [
            {
                "sourcedId": f"{person}-{role}",
                "userSourcedId": str(person),
                "roleType": "secondary" if place else "primary",
                "role": role,
                "beginDate": iso(start),
                "endDate": iso(end),
                "orgSourcedId": self.org,
            }
            | _more({"position": None if place else positions.get(person)})
            for person, roles in held.items()
            for place, (role, (start, end)) in enumerate(roles.items())
        ]

    def _enrollments(self) -> list[Line]:
        """Pupils and teachers of every class and group; the first day is part of the id, so a return is a new line.

        A group without a list is the whole class; the days in a group are those that the class's roll has too.
        """
        employed = {one["id"] for one in self.staff}
        rolls: dict[int, list[Row]] = {}
        for one in self.enrolments:
            rolls.setdefault(one["class_group"], []).append(one)
        lines = []
        for one in self.classes:
            key = f"class-{one['id']}"
            lines += self._teacher(key, one["teacher"], employed)
            for spell in rolls.get(one["id"], ()):
                lines += self._student(key, spell, spell["start"], spell["end"])
        for one in self.groups:
            key, listed = f"group-{one['id']}", self.memberships.get(one["id"], {})
            lines += self._teacher(key, one["teacher"], employed)
            for spell in rolls.get(one["class_group"], ()):
                if not one["listed"]:
                    lines += self._student(key, spell, spell["start"], spell["end"])
                for start, end in listed.get(spell["pupil"], ()):
                    last = min(end, FOREVER if spell["end"] is None else spell["end"])
                    ended = None if last == FOREVER else last
                    lines += self._student(key, spell, max(start, spell["start"]), ended)
        return lines

    def _student(self, key: str, spell: Row, start: int, end: int | None) -> list[Line]:
        if end is not None and end <= start:
            return []
        line = self._enrollment(f"{key}-{spell['id']}-{iso(start)}", key, spell["pupil"], "student")
        return [line | {"primary": "false", "beginDate": iso(start), "endDate": iso(end)}]

    def _teacher(self, key: str, teacher: int | None, employed: set[int]) -> list[Line]:
        if teacher is None or teacher not in employed:
            return []
        return [self._enrollment(f"{key}-teacher-{teacher}", key, teacher, "teacher") | {"primary": "true"}]

    def _enrollment(self, key: str, class_key: str, user: int, role: str) -> Line:
        return {
            "sourcedId": key,
            "classSourcedId": class_key,
            "schoolSourcedId": self.org,
            "userSourcedId": str(user),
            "role": role,
        }
