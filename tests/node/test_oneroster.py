"""The OneRoster file of a school: its form, that every reference in it resolves, and whose name is not in it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from sqlite_utils import Database

from node.classes.queries import Year
from node.oneroster import actions
from node.people.queries import number_of
from shared.dates import date_of, parse_day
from shared.i18n import in_language
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages

TODAY = parse_day("2025-11-20")
GRADEBOOK = {
    "categories": "sourcedId,status,dateLastModified,title,weight",
    "lineItems": "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,"
    "categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId",
    "results": "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,"
    "comment,textScore,classSourcedId,inProgress,incomplete,late,missing",
}
HEADERS = {
    "manifest": "propertyName,value",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
    "subjectCodes",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,"
    "blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,"
    "hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId",
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
}
Files = dict[str, list[dict[str, str]]]


def unpacked(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return {name.removesuffix(".csv"): source.read(name).decode() for name in source.namelist()}


def read(texts: dict[str, str]) -> Files:
    return {name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in texts.items()}


def ids(lines: list[dict[str, str]]) -> set[str]:
    found = [line["sourcedId"] for line in lines]
    assert len(set(found)) == len(found)
    return set(found)


@dataclass
class Open:
    """A connection whose writes the test takes back, and the year to export."""

    pages: SchoolPages
    db: Database
    year: Year

    def texts(self, term: int = 0, whole: bool = False) -> dict[str, str]:
        with self.pages.app.test_request_context(), in_language("en"):
            return unpacked(actions.archive(self.db, self.year, TODAY, term=term, whole=whole))

    def files(self) -> Files:
        return read(self.texts())


@pytest.fixture
def school(pages: SchoolPages) -> Iterator[Open]:
    with closing(pages.node.connect()) as db:
        row = db.execute(
            """SELECT id, start, "end" FROM academic_year WHERE id IN (SELECT year FROM class_group)
               ORDER BY start LIMIT 1"""
        ).fetchone()
        yield Open(pages, db, Year(*row))


class _TakenBack(Exception):
    """Ends a writing without keeping it."""


def test_headers_and_form_are_the_standards(school: Open) -> None:
    texts = school.texts()
    assert {name: text.split("\r\n", 1)[0] for name, text in texts.items()} == HEADERS
    for name, text in texts.items():
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert {len(row) for row in rows} == {len(rows[0])} and len(rows) > 1, name
        assert not [cell for row in rows for cell in row if "\n" in cell or "\r" in cell]
        assert not text.startswith("\ufeff")
    manifest = {line["propertyName"]: line["value"] for line in read(texts)["manifest"]}
    assert (manifest["manifest.version"], manifest["oneroster.version"]) == ("1.0", "1.2")
    told = {name.removeprefix("file."): value for name, value in manifest.items() if name.startswith("file.")}
    assert len(told) == 21 and set(told.values()) == {"absent", "bulk"}
    assert {name for name, value in told.items() if value == "bulk"} == set(texts) - {"manifest"}


def test_every_reference_resolves(school: Open) -> None:
    files = school.files()
    targets = {
        "courseSourcedId": "courses", "schoolSourcedId": "orgs", "orgSourcedId": "orgs", "userSourcedId": "users",
        "primaryOrgSourcedId": "orgs", "termSourcedIds": "academicSessions", "classSourcedId": "classes",
        "schoolYearSourcedId": "academicSessions", "agentSourcedIds": "users",
    }  # fmt: skip
    known = {name: ids(lines) for name, lines in files.items() if name != "manifest"}
    optional = {"agentSourcedIds"}
    for name, lines in files.items():
        for column in set(HEADERS[name].split(",")) & set(targets):
            for line in lines:
                named = line[column].split(",") if line[column] else []
                assert set(named) <= known[targets[column]], (name, column, line)
                assert named or column in optional, (name, column, line)
    assert {one["parentSourcedId"] for one in files["academicSessions"][1:]} == {f"year-{school.year.id}"}
    assert known["demographics"] <= known["users"]
    assert any(one["agentSourcedIds"] for one in files["users"])
    assert all(one["status"] == one["dateLastModified"] == "" for one in files["users"])
    assert {one["password"] for one in files["users"]} == {""}


def test_the_marks_of_a_term_are_line_items_and_results(school: Open) -> None:
    number, start, end = school.db.execute(
        """SELECT id, start, "end" FROM term t WHERE kind = 'quarter' AND year = ? AND EXISTS (SELECT 1 FROM mark
           WHERE day BETWEEN t.start AND t."end") ORDER BY number LIMIT 1""",
        (school.year.id,),
    ).fetchone()
    texts = school.texts(number)
    assert {name: text.split("\r\n", 1)[0] for name, text in texts.items()} == HEADERS | GRADEBOOK
    files = read(texts)
    manifest = {line["propertyName"]: line["value"] for line in files["manifest"]}
    assert {manifest[f"file.{name}"] for name in GRADEBOOK} == {"bulk"}
    items = {line["sourcedId"]: line for line in files["lineItems"]}
    known = {name: ids(files[name]) for name in (*GRADEBOOK, "users", "classes", "academicSessions", "orgs")}
    for line in items.values():
        assert line["categorySourcedId"] in known["categories"] and line["classSourcedId"] in known["classes"]
        assert line["academicSessionSourcedId"] in known["academicSessions"], line
        assert line["schoolSourcedId"] in known["orgs"] and line["title"] and line["dueDate"]
    for line in files["results"]:
        item = items[line["lineItemSourcedId"]]
        assert line["studentSourcedId"] in known["users"] and line["classSourcedId"] == item["classSourcedId"]
        assert int(item["resultValueMin"]) <= int(line["score"]) <= int(item["resultValueMax"])
        assert (line["scoreStatus"], line["comment"]) == ("fully graded", "")
    of_lessons = """SELECT count(*) FROM mark m WHERE day BETWEEN ? AND ? AND retired_at IS NULL AND value IS NOT NULL
      AND EXISTS (SELECT 1 FROM subject_group sg JOIN class_group c ON c.id = sg.class_group
        WHERE sg.id = m.subject_group AND c.year = ? AND sg.retired_at IS NULL AND c.retired_at IS NULL)"""
    lessons = [one for one in files["results"] if one["lineItemSourcedId"].startswith("lesson-")]
    assert len(lessons) == school.db.execute(of_lessons, (start, end, school.year.id)).fetchone()[0] > 100
    assert any(one["lineItemSourcedId"].startswith("term-mark-") for one in files["results"])


def test_counts_are_the_schools(school: Open) -> None:
    files, one, year = school.files(), school.pages.one, school.year.id
    kinds = [line["classType"] for line in files["classes"]]
    assert kinds.count("homeroom") == one(
        "SELECT count(*) FROM class_group WHERE year = ? AND retired_at IS NULL", year
    )
    assert kinds.count("scheduled") == one(
        """SELECT count(*) FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group
           WHERE cg.year = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL""",
        year,
    )
    pupils = one(
        """SELECT count(DISTINCT e.pupil) FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           WHERE cg.year = ? AND e.retired_at IS NULL""",
        year,
    )
    enrolments = one(
        """SELECT count(*) FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           WHERE cg.year = ? AND e.retired_at IS NULL""",
        year,
    )
    roles = [line["role"] for line in files["roles"]]
    assert roles.count("student") == len(files["demographics"]) == pupils > 100
    homerooms = [
        line
        for line in files["enrollments"]
        if line["role"] == "student" and line["classSourcedId"].startswith("class-")
    ]
    assert len(homerooms) == enrolments
    assert all(line["sourcedId"].endswith(line["beginDate"]) for line in homerooms)
    staff = {
        str(row[0])
        for row in school.db.execute("SELECT person FROM staff WHERE retired_at IS NULL").fetchall()
    }
    assert staff <= ids(files["users"])
    primary = [line["userSourcedId"] for line in files["roles"] if line["roleType"] == "primary"]
    assert sorted(primary) == sorted(ids(files["users"]))


def test_sessions_have_the_schools_own_dates_and_end_exclusively(school: Open) -> None:
    term = school.db.execute(
        "SELECT id, start, \"end\" FROM term WHERE year = ? AND kind = 'quarter' AND number = 2",
        (school.year.id,),
    ).fetchone()
    try:
        with writing(school.db, int(State(school.db).administrator)) as w:
            w.insert("own_term", term=term[0], grade=5, start=term[1], end=parse_day("2025-12-20"))
            sessions = {one["sourcedId"]: one for one in school.files()["academicSessions"]}
            classes = school.files()["classes"]
            raise _TakenBack
    except _TakenBack:
        pass
    assert sessions[f"term-{term[0]}-5"]["endDate"] == "2025-12-21"
    assert sessions[f"term-{term[0]}"]["type"] == "term"
    assert {one["schoolYear"] for one in sessions.values()} == {"2026"}
    moved = {one["grades"] for one in classes if f"term-{term[0]}-5" in one["termSourcedIds"].split(",")}
    assert moved == {"5"}


@pytest.mark.parametrize("purpose", ["core", "transfer"])
def test_a_name_without_consent_to_keep_it_and_to_pass_it_on_is_nowhere(school: Open, purpose: str) -> None:
    db = school.db
    person = school.pages.one(
        """SELECT e.pupil FROM enrolment e JOIN class_group cg ON cg.id = e.class_group JOIN person p ON p.id = e.pupil
           JOIN consent c ON c.person = p.id AND c.purpose = 'transfer'
           WHERE cg.year = ? AND e.retired_at IS NULL AND e."end" IS NULL AND p.surname IS NOT NULL
           ORDER BY p.id LIMIT 1""",
        school.year.id,
    )
    planted = {
        "surname": "Жашырынов",
        "given_name": "Көрүнбөс",
        "patronymic": "Белгисизович",
        "phone": "+996700123987",
        "email": "secret@example.kg",
    }
    try:
        with writing(db, int(State(db).administrator)) as w:
            w.update("person", person, birth_date=parse_day("2012-02-29"), **planted)
            before = {one["sourcedId"]: one for one in school.files()["users"]}[str(person)]
            for (consent,) in db.execute(
                "SELECT id FROM consent WHERE person = ? AND purpose = ?", (person, purpose)
            ).fetchall():
                w.update("consent", consent, valid_to=TODAY)
            texts = school.texts()
            whole = school.texts(whole=True)
            raise _TakenBack
    except _TakenBack:
        pass
    assert (before["familyName"], before["phone"]) == (planted["surname"], planted["phone"])
    for value in (*planted.values(), "2012-02-29"):
        assert not [name for name, text in (*texts.items(), *whole.items()) if value in text]
    files = read(texts)
    user = {one["sourcedId"]: one for one in files["users"]}[str(person)]
    assert user["familyName"] == str(number_of(person))
    assert user["email"] == user["phone"] == user["middleName"] == ""
    assert {one["sourcedId"]: one["birthDate"] for one in files["demographics"]}[str(person)] == ""


def test_contacts_go_with_a_name_under_a_consent_to_messages_alone(school: Open) -> None:
    db, person = school.db, school.pages.person("head")
    try:
        with writing(db, int(State(db).administrator)) as w:
            w.update("person", person, phone="0700123456", email="head@example.kg")
            before = {one["sourcedId"]: one for one in school.files()["users"]}[str(person)]
            for (consent,) in db.execute(
                "SELECT id FROM consent WHERE person = ? AND purpose = 'messages'", (person,)
            ).fetchall():
                w.retire("consent", consent)
            after = {one["sourcedId"]: one for one in school.files()["users"]}[str(person)]
            raise _TakenBack
    except _TakenBack:
        pass
    assert (before["phone"], before["email"]) == ("0700123456", "head@example.kg")
    assert after["familyName"] == before["familyName"] and after["phone"] == after["email"] == ""


def test_the_page_says_how_many_go_as_numbers_and_why(school: Open) -> None:
    page = school.pages.as_("head").get("/oneroster/", headers={"Accept-Language": "en"})[1]
    users = {
        one["userSourcedId"] for one in school.files()["roles"] if one["role"] not in ("parent", "guardian")
    }
    numbered = [
        one for one in school.files()["users"] if one["sourcedId"] in users and one["givenName"] == "—"
    ]
    assert str(len(numbered)) in page and "%(" not in page and 0 < len(numbered) < len(users)


def test_a_return_makes_a_new_line_and_groups_follow_the_roll(school: Open) -> None:
    db = school.db
    row, pupil, class_group, start = db.execute(
        """SELECT e.id, e.pupil, e.class_group, e.start FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           JOIN subject_group_pupil gp ON gp.pupil = e.pupil JOIN subject_group sg ON sg.id = gp.subject_group
           WHERE cg.year = ? AND sg.class_group = cg.id AND e."end" IS NULL AND gp."end" IS NULL
             AND e.retired_at IS NULL AND gp.retired_at IS NULL LIMIT 1""",
        (school.year.id,),
    ).fetchone()
    try:
        with writing(db, int(State(db).administrator)) as w:
            w.update("enrolment", row, end=start + 10)
            w.insert("enrolment", pupil=pupil, class_group=class_group, start=start + 20)
            lines = [one for one in school.files()["enrollments"] if one["userSourcedId"] == str(pupil)]
            raise _TakenBack
    except _TakenBack:
        pass
    ids(lines)
    spells: dict[str, list[tuple[str, str]]] = {}
    for one in lines:
        spells.setdefault(one["classSourcedId"], []).append((one["beginDate"], one["endDate"]))
    wanted = spells[f"class-{class_group}"]
    assert len(wanted) == 2 and wanted[0][1] < wanted[1][0] and wanted[1][1] == ""
    assert len(spells) > 1 and all(found == wanted for found in spells.values())


def test_who_left_a_subgroup_and_came_back_has_a_line_for_each_stay(school: Open) -> None:
    db = school.db
    group, pupil = db.execute(
        """SELECT gp.subject_group, gp.pupil FROM subject_group_pupil gp
           JOIN subject_group sg ON sg.id = gp.subject_group JOIN class_group cg ON cg.id = sg.class_group
           JOIN enrolment e ON e.pupil = gp.pupil AND e.class_group = cg.id
           WHERE cg.year = ? AND gp."end" IS NULL AND gp.retired_at IS NULL AND e.retired_at IS NULL
             AND e."end" IS NULL AND gp.start <= ? AND e.start <= ? LIMIT 1""",
        (school.year.id, school.year.start, school.year.start),
    ).fetchone()
    left, back = school.year.start + 20, school.year.start + 30
    try:
        with writing(db, int(State(db).administrator)) as w:
            w.put("subject_group_gap", subject_group=group, pupil=pupil, start=left, end=back)
            lines = [
                (one["beginDate"], one["endDate"])
                for one in school.files()["enrollments"]
                if (one["userSourcedId"], one["classSourcedId"]) == (str(pupil), f"group-{group}")
            ]
            raise _TakenBack
    except _TakenBack:
        pass
    first = date_of(school.year.start).isoformat()
    # The last day is written as the day after it.
    assert sorted(lines) == [(first, date_of(left).isoformat()), (date_of(back).isoformat(), "")]


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        ("+996 (700) 12-34-56", "+996700123456"),
        ("0700 123456", "0700123456"),
        ("=1+1", "'=1+1"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("", ""),
    ],
)
def test_phones_keep_their_plus_and_compute_nothing(school: Open, held: str, shown: str) -> None:
    db, person = school.db, school.pages.person("head")
    try:
        with writing(db, int(State(db).administrator)) as w:
            w.update("person", person, phone=held or None, surname="=Ата\nуулу")
            user = {one["sourcedId"]: one for one in school.files()["users"]}[str(person)]
            raise _TakenBack
    except _TakenBack:
        pass
    assert user["phone"] == shown
    assert user["familyName"] == "'=Ата уулу"


def test_head_and_deputy_alone_export_and_it_is_noted(pages: SchoolPages) -> None:
    def notes() -> int:
        return pages.one("SELECT count(*) FROM reading_log WHERE act = 'export' AND what = 'oneroster'")

    for duty in ("class_teacher", "teacher", "secretary", "social", "librarian", "administrator", "guardian"):
        client = pages.as_(duty)
        assert client.get("/oneroster/")[0] == (200 if duty == "secretary" else 403)
        assert client.post("/oneroster/file")[0] == 403
    assert notes() == 0
    for count, duty in enumerate(("head", "deputy"), 1):
        client = pages.as_(duty)
        status, text = client.get("/oneroster/")
        assert status == 200 and "2025/26 окуу жылынын файлын түзүү" in text
        term = re.search(r'<option value="(\d+)">', text)
        told = {"marks": term[1]} if term and duty == "deputy" else {}
        answer = client.http.post("/oneroster/file", data={"form_token": client.token, **told})
        assert answer.status_code == 200 and answer.mimetype == "application/zip"
        assert set(unpacked(answer.get_data())) == set(HEADERS | (GRADEBOOK if told else {}))
        assert notes() == count
    assert told


def test_a_school_without_classes_has_nothing_to_export(empty_school: SchoolPages) -> None:
    client = empty_school.sign_in("admin")
    assert "Азырынча бир да окуу жылында класс жок" in client.get("/oneroster/")[1]
    assert client.post("/oneroster/file")[0] == 404
