"""The reading log: what is noted, once a day, and who looks up how much of it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from node.accounts.views import OF_KIND
from node.attendance import queries as attendance
from node.exporting import export_tables
from node.movement.queries import former_pupils
from node.reading import queries
from shared.web import today
from sync.state import State
from sync.writer import writing
from tests.few import two_again
from tests.node.conftest import SchoolPages, actor, autumn
from tests.node.test_access import every_route, strange_class


def noted(pages: SchoolPages, person: int, act: str = "read") -> int:
    return pages.one("SELECT count(*) FROM reading_log WHERE person = ? AND act = ?", person, act)


def test_a_card_read_twice_is_noted_once_and_ones_own_never(pages: SchoolPages) -> None:
    pupil = pages.one(
        """SELECT min(e.pupil) FROM enrolment e JOIN person p ON p.id = e.pupil WHERE p.surname IS NOT NULL
             AND e."end" IS NULL AND e.pupil NOT IN (SELECT person FROM reading_log WHERE person IS NOT NULL)"""
    )
    before = noted(pages, pupil)
    for _ in range(2):
        assert pages.as_("secretary").get(f"/people/{pupil}")[0] == 200
    assert noted(pages, pupil) == before + 1
    own = pages.person("secretary")
    assert pages.as_("secretary").get(f"/people/{own}")[0] == 200
    assert noted(pages, own) == 0


def test_every_page_about_someone_is_noted(pages: SchoolPages) -> None:
    """By whatever address one comes to it: the form of the card is the card."""
    sql = """SELECT e.pupil FROM enrolment e WHERE e."end" IS NULL AND e.retired_at IS NULL
               AND e.pupil NOT IN (SELECT person FROM reading_log WHERE person IS NOT NULL) ORDER BY e.pupil"""
    with closing(pages.node.connect()) as db:
        fresh = iter([pupil for (pupil,) in db.execute(sql).fetchall()])
    rules = {
        rule for _, rule, method in every_route(pages.app) if method == "GET" and "<int:person_id>" in rule
    }
    silent, opened = [], set()
    for rule in sorted(rules):
        for role in ("secretary", "social", "deputy"):
            pupil = next(fresh)
            if pages.as_(role).get(rule.replace("<int:person_id>", str(pupil)))[0] == 200:
                opened.add(rule)
                silent += [rule] if not noted(pages, pupil) + noted(pages, pupil, "export") else []
    assert silent == []
    assert {
        "/people/<int:person_id>/edit",
        "/consents/<int:person_id>/form",
        "/people/<int:person_id>/social",
    } <= opened


def test_a_name_alone_is_not_a_reading(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(pages.taught)
    before = noted(pages, pupil)
    assert pages.as_("librarian").get(f"/people/{pupil}")[0] == 200
    assert noted(pages, pupil) == before


def test_a_list_that_is_printed_is_noted_with_its_class_by_who_reads_it(pages: SchoolPages) -> None:
    office, teacher = pages.as_("secretary"), pages.as_("teacher")
    page = office.get(f"/classes/{pages.led}")[1]
    assert f'data-what="class list" data-person="" data-class="{pages.led}"' in page
    assert (
        office.post("/reading/printed", **{"what": "class list", "person": "", "class": str(pages.led)})[0]
        == 204
    )
    name = pages.one("SELECT grade || '-' || letter FROM class_group WHERE id = ?", pages.led)
    sql = "SELECT count(*) FROM reading_log WHERE act = 'print' AND what = ? AND class_group = ? AND person IS NULL"
    assert pages.one(sql, f"class list: {name}", pages.led) == 1
    teacher.get("/")
    for strange in (strange_class(pages), 7):
        assert teacher.post("/reading/printed", **{"what": "class list", "class": str(strange)})[0] == 403


def test_what_goes_to_the_printer_is_noted_every_time(pages: SchoolPages) -> None:
    pupil, client = pages.pupil_of(pages.led), pages.as_("class_teacher")
    before = noted(pages, pupil, "print")
    for _ in range(2):
        assert client.post("/reading/printed", what="card", person=str(pupil))[0] == 204
    assert noted(pages, pupil, "print") == before + 2


def test_nobody_notes_a_print_of_someone_they_may_not_read(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(pages.led)
    before = noted(pages, pupil, "print")
    assert pages.as_("administrator").post("/reading/printed", what="card", person=str(pupil))[0] == 403
    assert noted(pages, pupil, "print") == before


def lists(pages: SchoolPages) -> dict[str, str]:
    """Address of a list of people -> what the log says of it."""
    group, day, period = pages.lesson_of(pages.led)
    return {
        f"/journal/group/{group}": "journal", f"/journal/lesson/{group}/{day}/{period}": "journal",
        f"/journal/results/{group}": "journal", f"/attendance/class/{pages.led}": "attendance",
        f"/classes/{pages.led}": "class list", f"/results/{pages.led}": "results", "/people/?kind=pupil": "pupils",
        "/people/?kind=guardian": "guardians", "/consents/": "consents", "/movement/": "movement",
        "/movement/book": "movement book", "/movement/alphabet": "alphabetic book",
    }  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    """A school of this module's own, for what is noted once a day is noted by whoever comes first."""
    return autumn().again(tmp_path_factory.mktemp("reading"))


def lines_of(pages: SchoolPages, role: str, what: str = "%") -> int:
    account = pages.one("SELECT id FROM account WHERE login = ?", pages.logins[role])
    sql = "SELECT count(*) FROM reading_log WHERE account = ? AND act = 'read' AND what LIKE ? || '%'"
    return pages.one(sql, account, what)


@pytest.mark.parametrize("role", ["head", "deputy"])
def test_a_list_of_others_is_noted_once_a_day_with_its_class(own: SchoolPages, role: str) -> None:
    client, told = own.as_(role), lists(own)
    for path, what in told.items():
        before = lines_of(own, role, what)
        assert client.get(path)[0] == 200
        first = list(told.values()).index(what) == list(told).index(path)
        assert (path, lines_of(own, role, what) - before) == (path, int(first))
    every = lines_of(own, role)
    for path in told:
        client.get(path)
    assert lines_of(own, role) == every
    name = own.one("SELECT grade || '-' || letter FROM class_group WHERE id = ?", own.led)
    found = own.as_("head").get(f"/reading/?q={name}")[1].partition('id="found"')[2]
    assert f"Журнал: {name}, " in found and "Ата-энелер" not in found


def test_the_history_of_a_pupils_cell_is_a_reading_about_the_pupil(own: SchoolPages) -> None:
    group, day, period = own.lesson_of(own.led)
    pupil = own.member_of(group)
    before = noted(own, pupil)
    assert own.as_("deputy").get(f"/journal/history/{group}/{day}/{period}/{pupil}")[0] == 200
    assert noted(own, pupil) == before + 1


def test_the_daily_work_of_a_teacher_asks_the_log_nothing(
    own: SchoolPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise AssertionError("asked")

    monkeypatch.setattr(queries, "is_noted", refuse)
    for path in (*lists(own), "/attendance/"):
        refused = path == "/movement/alphabet"
        assert (path, own.as_("class_teacher").get(path)[0]) == (path, 403 if refused else 200)
    group, day, period = own.lesson_of(own.taught, taught_by=own.person("teacher"))
    pupil = own.member_of(group)
    for path in (
        f"/journal/group/{group}",
        f"/journal/lesson/{group}/{day}/{period}",
        f"/journal/history/{group}/{day}/{period}/{pupil}",
        f"/classes/{own.taught}",
        f"/results/{own.taught}",
        "/people/?kind=pupil",
    ):
        assert own.as_("teacher").get(path)[0] == 200


@pytest.mark.parametrize("role", ["head", "social"])
def test_who_misses_too_much_and_whom_to_ask_are_lists_of_others(
    own: SchoolPages, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = own.as_(role)
    before = lines_of(own, role, "attendance")
    monkeypatch.setattr(attendance, "alerts", lambda *_: [])
    monkeypatch.setattr(attendance, "not_taken", lambda *_: [])
    assert client.get("/attendance/")[0] == 200
    assert lines_of(own, role, "attendance") == before, "a page without a name is no reading"
    pupil = own.pupil_of(own.taught)
    alert = attendance.Alert(pupil, own.taught, 5, "А", running=4, unexcused=0)
    monkeypatch.setattr(attendance, "alerts", lambda *_: [alert])
    for _ in range(2):
        assert f'href="/attendance/pupil/{pupil}"' in client.get("/attendance/")[1]
    assert lines_of(own, role, "attendance") == before + 1


def test_a_guardian_reads_the_movement_of_the_child(own: SchoolPages) -> None:
    children = "SELECT min(pupil) FROM guardian WHERE person = ? AND may_read = 1 AND retired_at IS NULL"
    client, child = own.as_("guardian"), own.one(children, own.person("guardian"))
    before = noted(own, child)
    for _ in range(2):
        assert f'href="/movement/pupil/{child}"' in client.get("/movement/")[1]
    assert (noted(own, child), lines_of(own, "guardian", "movement")) == (before + 1, 1)


def test_the_search_for_a_former_pupil_is_a_search_for_pupils(own: SchoolPages) -> None:
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        w.retire("enrolment", own.one("SELECT id FROM enrolment WHERE pupil = ?", own.pupil_of(own.led)))
    client, before = own.as_("secretary"), lines_of(own, "secretary", "pupils")
    assert client.get("/movement/arrival")[0] == 200
    assert lines_of(own, "secretary", "pupils") == before
    with closing(own.node.connect()) as db:
        found = next(one for one in "аеио" if former_pupils(db, one, today(), today()))
    for _ in range(2):
        assert client.get(f"/movement/arrival?q={found}")[0] == 200
    assert lines_of(own, "secretary", "pupils") == before + 1


def test_the_head_looks_up_by_act_and_name_and_day(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(pages.led)
    pages.as_("deputy").get(f"/people/{pupil}")
    head = pages.as_("head")
    link = f'href="/people/{pupil}"'
    assert link in head.get(f"/reading/?person={pupil}")[1]
    assert noted(pages, pupil) > 0
    for act in queries.ACTS:
        assert head.get(f"/reading/?person={pupil}&act={act}")[1].count(link) == noted(pages, pupil, act)
    assert link not in head.get(f"/reading/?person={pupil}&q=ъъъ")[1]
    assert link not in head.get(f"/reading/?person={pupil}&to=2020-01-01")[1]
    assert head.get("/reading/?from=yesterday")[0] == 400


def test_the_administrator_sees_acts_and_no_person(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(pages.led)
    pages.as_("deputy").get(f"/people/{pupil}")
    assert f"/people/{pupil}" not in pages.as_("administrator").get("/reading/")[1]
    head = pages.person("head")
    pages.as_("secretary").get(f"/people/{head}")
    assert f"/people/{head}" in pages.as_("head").get("/reading/")[1]
    assert f"/people/{head}" not in pages.as_("deputy").get("/reading/")[1].partition('id="found"')[2]


def test_lines_are_the_newest_first_and_name_whom_they_may(pages: SchoolPages) -> None:
    pupil = pages.named_pupil
    pages.as_("social").get(f"/people/{pupil}")
    with closing(pages.node.connect()) as db:
        day = today()
        found = queries.lines(db, queries.Filter(day, day, person=pupil), day)
        assert found and [line.at for line in found] == sorted((line.at for line in found), reverse=True)
        assert all(line.about for line in found)
        assert queries.lines(db, queries.Filter(day + 1, day + 2, person=pupil), day) == []


def test_a_machine_that_joined_exports_too_and_notes_it_under_no_account(tmp_path: Path) -> None:
    _, second = two_again()
    assert int(State(second).administrator) == 0
    export_tables(second, tmp_path / "out", 0)
    assert second.execute("SELECT account, act, what FROM reading_log").fetchall() == [
        (None, "export", "all tables")
    ]


def test_whatever_is_noted_has_a_name_in_every_language() -> None:
    source = Path(queries.__file__).parent.parent
    said = "\n".join(path.read_text("utf-8") for path in (*source.rglob("*.py"), *source.rglob("*.html")))
    noted = set(re.findall(r'note[d]?\((?:w, [\w.]+, )?"[a-z]+",\s*"([^"]+)"', said))
    printed = set(re.findall(r'reading\.printed"\), "([^"]+)"', said))
    one_by_one = set(re.findall(r'noted_people\("[a-z]+", "([^"]+)"', said))
    listed = set(re.findall(r'noted_list\("([^"]+)"', said)) | {"pupils", "guardians", *OF_KIND.values()}
    assert len(noted) > 10 and len(printed) > 5 and len(listed) > 10 and len(one_by_one) > 3
    assert (noted | printed | listed | one_by_one) - set(queries.WHAT) == set()
    assert {what.partition(queries.OF)[0] for what in queries.LISTED} - set(queries.WHAT) == set()
    assert [what for what in listed if not queries.listed(what)] == [], "tell of whom these lists are"
