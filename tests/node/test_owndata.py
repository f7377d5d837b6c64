"""A person's own data in one click, for those who may; requests to correct it with the legal days counted down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from node.owndata import actions, queries, sending
from node.reading import queries as reading
from node.reading.noting import note
from shared.problems import InvalidValue, NotFound
from shared.schema import BY_NAME, TABLES
from shared.web import today
from sync.log import NodeLog
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_importing_pages import own as own
from tests.world import a_hub, a_school


def test_a_guardian_gets_the_childs_file_and_sees_who_read_it(pages: SchoolPages) -> None:
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    pages.as_("head").get(f"/people/{child}")
    client = pages.as_("guardian")
    status, page = client.get(f"/own-data/{child}")
    assert status == 200 and "Ким көрдү" in page and "Ким өзгөрттү" in page
    # A day, a class and a yes are told as people say them, not as they are stored.
    grade = pages.one(
        "SELECT grade FROM class_group WHERE id = (SELECT class_group FROM enrolment WHERE pupil = ?)", child
    )
    assert f"<dd>{grade}-" in page and "<dd>Ооба</dd>" in page and not re.search(r"<dd>\d{4}-\d\d-\d\d", page)
    answer = client.http.get(f"/own-data/{child}/file")
    content = json.loads(answer.get_data())
    assert content["held"]["person"][0]["surname"]
    assert any(line["what"] == "card" for line in content["read"]) and content["changed"]
    marks = pages.one("SELECT count(*) FROM mark WHERE pupil = ? AND retired_at IS NULL", child)
    assert len(content["held"].get("mark", [])) == marks


def test_no_secret_is_handed_out(pages: SchoolPages) -> None:
    client = pages.sign_in(pages.logins["pupil"])
    content = client.http.get(f"/own-data/{pages.person('pupil')}/file").get_data(as_text=True)
    account = json.loads(content)["held"]["account"][0]
    assert account["login"] == "pupil" and not {"password", "totp", "recovery"} & set(account)
    for table, columns in queries.SECRET.items():
        assert columns <= set(BY_NAME[table].by_name)


@pytest.mark.parametrize("role", ["teacher", "librarian", "administrator"])
def test_others_do_not_get_it(pages: SchoolPages, role: str) -> None:
    if role in pages.logins:
        assert pages.as_(role).get(f"/own-data/{pages.named_pupil}")[0] == 403
        assert pages.as_(role).get("/own-data/")[0] == 200


@pytest.mark.parametrize("role", ["librarian", "guardian", "pupil"])
def test_the_menu_of_every_page_leads_to_ones_own_data_and_consents(pages: SchoolPages, role: str) -> None:
    client = pages.as_(role)
    assert 'href="/own-data/"' in client.get("/")[1]
    assert 'href="/consents/own"' in client.get("/own-data/")[1]


def test_a_request_is_counted_down_and_answered_once(pages: SchoolPages) -> None:
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    client, secretary = pages.as_("guardian"), pages.as_("secretary")
    client.get(f"/own-data/{child}")
    assert client.post(f"/own-data/{child}/ask", text=" ")[0] == 422
    assert client.post(f"/own-data/{child}/ask", text="Туулган күнү туура эмес")[0] == 302
    assert "Туулган күнү туура эмес" in secretary.get("/own-data/requests")[1]
    row = pages.one("SELECT max(id) FROM correction WHERE person = ?", child)
    assert secretary.post(f"/own-data/{child}/ask", text="x")[0] == 403
    assert secretary.post(f"/own-data/{child}/answer", request=str(row), state="refused")[0] == 422
    assert (
        secretary.post(f"/own-data/{child}/answer", request=str(row), state="done", answer="Оңдолду")[0]
        == 302
    )
    assert secretary.post(f"/own-data/{child}/answer", request=str(row), state="done")[0] == 404
    assert "Оңдолду" in client.get(f"/own-data/{child}")[1]


def test_seven_days_are_left_on_the_first(pages: SchoolPages) -> None:
    child = pages.pupil_of(pages.led)
    with closing(pages.node.connect()) as db:
        account = int(State(db).administrator)
        with writing(db, account) as w:
            rows = [actions.ask(w, child, account, "Дареги", today() - ago) for ago in (0, 7, 9)]
        left = {one.id: one.left for one in queries.requests(db, today(), child)}
        assert [left[row] for row in rows] == [7, 0, -2]
        with writing(db, account) as w:
            for row in rows:
                actions.answer(w, row, child, account, "done", "", today())
            with pytest.raises(NotFound):
                actions.answer(w, rows[0], child, account, "done", "", today())
            with pytest.raises(InvalidValue):
                actions.ask(w, child, account, " ", today())


def test_staff_ask_for_themselves_and_whoever_keeps_the_file_answers(pages: SchoolPages) -> None:
    client, teacher = pages.as_("teacher"), pages.person("teacher")
    client.get("/own-data/")
    assert client.post("/own-data/ask", text="Билими: магистр")[0] == 302
    row = pages.one("SELECT max(id) FROM correction WHERE person = ?", teacher)
    assert client.post(f"/own-data/{teacher}/answer", request=str(row), state="done")[0] == 403
    assert (
        pages.as_("class_teacher").post(f"/own-data/{teacher}/answer", request=str(row), state="done")[0]
        == 403
    )
    deputy = pages.as_("deputy")
    assert "магистр" in deputy.get("/own-data/requests")[1] and "/own-data/requests" in deputy.get("/")[1]
    assert deputy.post(f"/own-data/{teacher}/answer", request=str(row), state="done")[0] == 302


def test_the_file_says_what_goes_to_the_district_and_no_word_of_it_is_a_name(pages: SchoolPages) -> None:
    client = pages.as_("guardian")
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    found = client.http.get(f"/own-data/{child}/file").get_json()
    told = found["to_the_district"]
    (person,) = told["rows"]["person"]
    assert set(person["open"]) == {"sex", "birth_year"} and not told["registered"]
    assert {"surname", "birth_date"} <= set(person["sealed"]) and person["waits"] and person["first"] is None
    assert told["rows"]["guardian"][0]["open"] == {} and told["rows"]["enrolment"][0]["open"]
    open_names = {(t.name, c.name) for t in TABLES for c in t.all_columns if c.scope == "district"}
    assert {
        (table, name) for table, rows in told["rows"].items() for row in rows for name in row["open"]
    } <= open_names
    assert len(told["rows"]["attendance"]) >= len(found["held"]["attendance"])
    assert {step["table"] for step in found["changed"]} > {"person", "pupil", "consent", "attendance"}
    page = client.get(f"/own-data/{child}")[1]
    assert "районго жөнөтүлөт" in page


def test_every_row_says_when_it_was_first_and_last_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the log knows: nothing of a row is called sent before the hub has signed for it."""
    hub = a_hub(tmp_path / "hub")
    school = a_school(tmp_path / "node", hub)
    times = iter(range(10_000, 10_000_000, 10_000))
    now = [0]
    monkeypatch.setattr("sync.clock.now_ms", lambda: now[0])

    def told(name: str) -> sending.Sent:
        with closing(school.node.connect()) as db:
            (row,) = next(one.rows for one in sending.passed_on(db, person) if one.table.name == name)
            return row

    def at(act: Callable[[], object]) -> int:
        now[0] = next(times)
        act()
        return now[0]

    person = school.write("person", sex="f", birth_year=2012)
    consent = school.write("consent", person=person, purpose="core", valid_from=0, document="№ 1")
    assert (told("person").first, told("person").last, told("person").waits) == (None, None, True)
    first = at(school.sync)
    assert (told("person").first, told("person").last, told("person").waits) == (first, first, False)
    assert (set(told("person").open), told("consent").sealed) == ({"sex", "birth_year"}, ("document",))
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        w.update("person", person, birth_year=2013)
    assert (told("person").last, told("person").waits) == (first, True)
    second = at(school.sync)
    assert (told("person").first, told("person").last, told("person").waits) == (first, second, False)
    assert (told("consent").first, told("consent").last) == (first, first)
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        w.retire("consent", consent)
    assert told("consent").retired and told("consent").waits
    hub.close()


def test_without_a_valid_consent_a_request_is_made_and_answered_and_no_text_is_kept(own: SchoolPages) -> None:
    child = own.one("SELECT pupil FROM guardian WHERE person = ?", own.person("guardian"))
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        for (consent,) in db.execute(
            "SELECT id FROM consent WHERE person = ? AND purpose = 'core'", (child,)
        ).fetchall():
            w.update("consent", consent, valid_to=today() - 1)
    guardian, secretary = own.as_("guardian"), own.as_("secretary")
    page = guardian.get(f"/own-data/{child}")[1]
    assert f'action="/own-data/{child}/ask"' in page and 'name="text"' not in page
    assert guardian.post(f"/own-data/{child}/ask", text="Асанова эмес, Асанбаева")[0] == 302
    row = str(own.one("SELECT max(id) FROM correction WHERE person = ?", child))
    page = secretary.get("/own-data/requests")[1]
    assert f'value="{row}"' in page and 'name="answer"' not in page and "Асанбаева" not in page
    assert (
        secretary.post(f"/own-data/{child}/answer", request=row, state="refused", answer="Асанбаева")[0]
        == 302
    )
    assert own.one("SELECT count(*) FROM correction WHERE id = ? AND state = 'refused'", int(row)) == 1
    with closing(own.node.connect()) as db:
        entries = NodeLog(db).history(BY_NAME["correction"], (int(row),))
        assert not any("Асанбаева" in str(value) for one in entries for value in one.values.values())


# ---- lists in which one stood


def read_lines(pages: SchoolPages, role: str, person: int) -> list[tuple[str, str, bool]]:
    content = pages.as_(role).http.get(f"/own-data/{person}/file").get_json()
    return [(line["act"], line["what"], line["listed"]) for line in content["read"]]


def test_the_own_data_tell_of_lists_in_which_one_stood_and_of_no_others(own: SchoolPages) -> None:
    child = own.one("SELECT pupil FROM guardian WHERE person = ?", own.person("guardian"))
    place = own.one('SELECT class_group FROM enrolment WHERE pupil = ? AND "end" IS NULL', child)
    other = own.one("SELECT max(id) FROM class_group WHERE id <> ?", place)
    deputy, office = own.as_("deputy"), own.as_("secretary")
    for path in (f"/classes/{place}", f"/results/{place}", f"/classes/{other}"):
        assert deputy.get(path)[0] == 200
    assert office.get("/movement/alphabet")[0] == 200
    for path in ("/people/?kind=staff", "/people/?kind=guardian"):
        assert office.get(path)[0] == 200
    deputy.get("/oneroster/")
    assert deputy.http.post("/oneroster/file", data={"form_token": deputy.token}).status_code == 200
    grade = own.one("SELECT grade || '-' || letter FROM class_group WHERE id = ?", place)
    found = read_lines(own, "guardian", child)
    assert {
        ("read", f"class list: {grade}", True), ("read", f"results: {grade}", True),
        ("read", "alphabetic book", True), ("export", "oneroster", True),
    } <= set(found)  # fmt: skip
    assert {what for _, what, _ in found} & {"staff", "guardians"} == set()
    assert sum(what.startswith("class list") for _, what, _ in found) == 1, "not of the other class"
    page = own.as_("guardian").get(f"/own-data/{child}")[1]
    assert f"Класстын тизмеси: {grade}" in page and ">Тизме</span>" in page
    with closing(own.node.connect()) as db:
        told = {
            who: {one.what for one in reading.about(db, own.person(who), today())}
            for who in ("guardian", "teacher")
        }
    assert told["guardian"] >= {"guardians", "oneroster"} and not told["guardian"] & {
        "staff",
        "alphabetic book",
    }
    assert told["teacher"] >= {"staff", "oneroster"} and not told["teacher"] & {
        "guardians",
        "alphabetic book",
    }


def test_of_a_class_list_it_counts_who_was_in_the_class_on_that_day(own: SchoolPages) -> None:
    pupil = own.pupil_of(own.led)
    day = today()
    with closing(own.node.connect()) as db:
        account = int(State(db).administrator)
        with writing(db, account) as w:
            note(w, account, "read", "class list: then", None, own.led)
            w.update("enrolment", own.one("SELECT id FROM enrolment WHERE pupil = ?", pupil), end=day)
        assert not [one for one in reading.about(db, pupil, day) if one.what == "class list: then"]
        with writing(db, account) as w:
            w.update("enrolment", own.one("SELECT id FROM enrolment WHERE pupil = ?", pupil), end=day + 1)
        (line,) = [one for one in reading.about(db, pupil, day) if one.what == "class list: then"]
        assert line.listed
        with writing(db, account) as w:
            late = w.insert("person", sex="f")
            w.put("pupil", person=late)
            w.insert("enrolment", pupil=late, class_group=own.led, start=day - 9)
        with writing(db, account) as w:
            note(w, account, "read", "alphabetic book")
        assert [one.what for one in reading.about(db, late, day)] == ["alphabetic book"], (
            "from the first entry on"
        )


def test_the_file_has_every_line_and_the_page_pages(own: SchoolPages) -> None:
    child = own.one("SELECT pupil FROM guardian WHERE person = ?", own.person("guardian"))
    with closing(own.node.connect()) as db:
        account = int(State(db).administrator)
        with writing(db, account) as w:
            for _ in range(reading.MOST + 20):
                note(w, account, "export", "card", child)
    client = own.as_("guardian")
    assert len(read_lines(own, "guardian", child)) >= reading.MOST + 20
    first, second = (client.get(f"/own-data/{child}?page={page}")[1] for page in (1, 2))
    assert f"/own-data/{child}?page=2#read" in first and f"/own-data/{child}?page=1#read" in second
