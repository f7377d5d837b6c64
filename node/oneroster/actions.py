"""A school year as the files of OneRoster 1.2 (CSV binding of 1EdTech), bulk mode. Nothing here knows of HTTP.

Row ids count by table, so where two tables meet in one file a word stands before the id: `class-`, `group-`, `year-`,
`term-`, `grade-`, `subject-`. A user's is the person's id alone, and the user name too: logins here are made of names.
Passwords and personal numbers are never in it. Files that would be empty are told to be absent.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from node.classes.queries import Year
from node.oneroster import queries
from node.people.queries import class_name, number_of
from shared.dates import date_of, on_roll, school_year_name
from shared.i18n import current_language, gettext, row_name
from shared.indicators import value_label
from shared.report import EMPTY, safe_text

_EVERY = "sourcedId,status,dateLastModified,"
HEADERS: Mapping[str, tuple[str, ...]] = {
    name: tuple((_EVERY + own).split(","))
    for name, own in {
        "academicSessions": "title,type,startDate,endDate,parentSourcedId,schoolYear",
        "classes": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,"
        "subjects,subjectCodes,periods",
        "courses": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        "demographics": "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
        "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
        "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
        "enrollments": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        "orgs": "name,type,identifier,parentSourcedId",
        "roles": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
        "users": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
        "agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
        "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
    }.items()
}
"""File -> its columns, in the order of the standard."""
MORE = "metadata.mektep."
"""Begins the columns that another Mektep reads and a learning platform does not need."""
MORE_HEADERS: Mapping[str, tuple[str, ...]] = {
    name: tuple(MORE + column for column in own.split(","))
    for name, own in {
        "classes": "language,shift,weekDays,hours,scale,part",
        "roles": "position",
        "users": "consentFrom,consentTo,personalFile,language,residence,relations",
    }.items()
}
FILES = (
    "academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics",
    "enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources",
    "resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales", "userProfiles",
    "userResources", "users",
)  # fmt: skip
"""Every file that a manifest speaks of, in its order."""
SEX = {"f": "female", "m": "male"}
SESSION_TYPES = {"quarter": "term", "period": "term", "half": "semester"}
STAFF_ROLES = {
    "head": "principal", "deputy": "siteAdministrator", "primary": "teacher", "teacher": "teacher",
    "social": "counselor", "psychologist": "counselor",
}  # fmt: skip
"""Position -> role; of any other, `aide`."""
GUARDIAN_ROLES = {"mother": "parent", "father": "parent", "guardian": "guardian"}
"""Relation -> role; of any other, `relative`."""
_PHONE = re.compile(r"\+?\d{3,15}")
_IN_PHONES = re.compile(r"[\s()\-]")

Line = dict[str, str]
Row = Mapping[str, Any]


def archive(db: Database, year: Year, today: int, whole: bool = False) -> bytes:
    """The ZIP of a year: names as consents allow on the day ``today``.

    ``whole``: for another Mektep, with columns of its own and with sex and birth dates of staff and guardians too.
    """
    files = {name: lines for name, lines in tables(db, year, today, whole).items() if lines}
    headers = {name: HEADERS[name] + (MORE_HEADERS.get(name, ()) if whole else ()) for name in files}
    out, made = io.BytesIO(), date_of(today)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        contents = {"manifest": _csv(("propertyName", "value"), _manifest(files))} | {
            name: _csv(headers[name], ([line.get(column, "") for column in headers[name]] for line in lines))
            for name, lines in files.items()
        }
        for name, content in contents.items():
            entry = zipfile.ZipInfo(f"{name}.csv", (made.year, made.month, made.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return out.getvalue()


def tables(db: Database, year: Year, today: int, whole: bool = False) -> dict[str, list[Line]]:
    """The lines of every file by column; columns that are not there are empty."""
    return _Roster(db, year, today, whole).tables()


def _manifest(files: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        ("manifest.version", "1.0"),
        ("oneroster.version", "1.2"),
        *((f"file.{name}", "bulk" if name in files else "absent") for name in FILES),
        ("source.systemName", "Mektep"),
        ("source.systemCode", "mektep"),
    ]


def _csv(header: Sequence[str], lines: Any) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue().encode()


def _text(value: str | None) -> str:
    """A field without line breaks that no spreadsheet takes for a formula."""
    return safe_text(" ".join((value or "").split()))


def _phone(value: str | None) -> str:
    """A phone number as digits alone, its plus kept: platforms dial it, and a sum of one number computes nothing.

    What is no phone number is guarded as other text.
    """
    bare = _IN_PHONES.sub("", value or "")
    return bare if _PHONE.fullmatch(bare) else _text(value)


def _iso(day: int | None) -> str:
    return "" if day is None else date_of(day).isoformat()


def _more(values: Mapping[str, object]) -> Line:
    """Values for the columns of Mektep's own."""
    return {MORE + name: "" if value is None else str(value) for name, value in values.items()}


class _Roster:
    """One school year on its way into files."""

    def __init__(self, db: Database, year: Year, today: int, whole: bool) -> None:
        self.year = year
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

    def tables(self) -> dict[str, list[Line]]:
        return {
            "orgs": [
                {
                    "sourcedId": self.org,
                    "name": _text(self.school_name) or "Mektep",
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
        }

    def _demographics(self) -> list[Line]:
        people = (*self.pupils, *self.staff, *self.guardians) if self.whole else self.pupils
        return [
            {
                "sourcedId": str(key),
                "birthDate": _iso(one["birth_date"]),
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
            kind, number = term["kind"], term["number"]
            title = value_label("term", f"{kind}-{number}" if number else kind, current_language())
            line = self._session(key, title, SESSION_TYPES[kind], term["start"], term["end"])
            lines.append(line | {"parentSourcedId": self.session})
        return lines

    def _session(self, key: str, title: str, kind: str, start: int, end: int) -> Line:
        return {
            "sourcedId": key,
            "title": _text(title),
            "type": kind,
            "startDate": _iso(start),
            "endDate": _iso(end + 1),
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
            lines.append(line | {"subjects": _text(row_name(row)), "subjectCodes": _text(row["code"])})
        return lines

    def _course(self, key: str, title: str, code: str, grades: str) -> Line:
        return {
            "sourcedId": key,
            "schoolYearSourcedId": self.session,
            "title": _text(title),
            "courseCode": _text(code),
            "grades": grades,
            "orgSourcedId": self.org,
        }

    def _classes(self) -> list[Line]:
        """Classes as homerooms, subject groups as scheduled classes."""
        lines = []
        for one in self.classes:
            line = self._class(f"class-{one['id']}", one, "homeroom", f"grade-{one['grade'] or 0}")
            more = {"language": one["language"], "shift": one["shift"], "weekDays": one["week_days"]}
            lines.append(line | {"location": _text(one["room"])} | _more(more))
        for one in self.groups:
            line = self._class(f"group-{one['id']}", one, "scheduled", f"subject-{one['subject']}")
            subject = row_name(one)
            title = " · ".join(part for part in (line["title"], subject, one["part"]) if part)
            more = {"hours": one["hours_week"], "scale": one["scale"], "part": _text(one["part"])}
            line |= {"title": _text(title), "subjects": _text(subject), "subjectCodes": _text(one["code"])}
            lines.append(line | _more(more))
        return lines

    def _class(self, key: str, row: Row, kind: str, course: str) -> Line:
        name = _text(class_name(row["grade"], row["letter"]))
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
                "personalFile": _text(one["personal_file"]),
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
            "givenName": _text(one["given_name"]) or EMPTY,
            "familyName": _text(one["surname"]) or str(number_of(one["id"])),
            "middleName": _text(one["patronymic"]),
            "email": _text(one["email"]),
            "phone": _phone(one["phone"]),
            "primaryOrgSourcedId": self.org,
        } | _more({"consentFrom": _iso(one["consent_from"]), "consentTo": _iso(one["consent_to"])})

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
                "beginDate": _iso(start),
                "endDate": _iso(end),
                "orgSourcedId": self.org,
            }
            | _more({"position": None if place else positions.get(person)})
            for person, roles in held.items()
            for place, (role, (start, end)) in enumerate(roles.items())
        ]

    def _enrollments(self) -> list[Line]:
        """Pupils and teachers of every class and group; the first day is part of the id, so a return is a new line.

        A group without a list is the whole class. A list keeps one span for a pupil who left and came back, so the
        days in a group are those that the class's roll has too.
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
                elif spell["pupil"] in listed:
                    start, end = listed[spell["pupil"]]
                    first = spell["start"] if start is None else max(start, spell["start"])
                    ends = [day for day in (end, spell["end"]) if day is not None]
                    lines += self._student(key, spell, first, min(ends, default=None))
        return lines

    def _student(self, key: str, spell: Row, start: int, end: int | None) -> list[Line]:
        if end is not None and end <= start:
            return []
        line = self._enrollment(f"{key}-{spell['id']}-{_iso(start)}", key, spell["pupil"], "student")
        return [line | {"primary": "false", "beginDate": _iso(start), "endDate": _iso(end)}]

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
