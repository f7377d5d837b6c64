"""The orders book: numbers, drafts and signatures, who reads what, duties given and ended by an order."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node import access
from node.orders import actions, drafts, queries
from node.orders.drafts import Draft
from node.people import actions as people_actions
from node.people import queries as people_queries
from node.settings import actions as settings
from node.unnamed import TEXTS, heeding
from shared.dates import parse_day
from shared.problems import (
    DutyHeld,
    InvalidValue,
    NameWithoutConsent,
    NotFound,
    NumberTaken,
    OrderSigned,
    OrderUnsigned,
)
from shared.schema import TABLES
from shared.web import today
from sync.state import State
from sync.writer import Writer, writing
from tests.node.conftest import SchoolPages, actor, autumn, member

DAY = parse_day("2026-02-10")


def draft(number: str, day: int = DAY, series: str = "staff") -> Draft:
    return Draft(series, number, day, "Дайындоо жөнүндө", "Арыз", "Дайындалсын.")


def signed_order(db: Database, number: str = "1") -> int:
    with writing(db, actor(db)) as w:
        order = drafts.write(w, draft(number))
        actions.sign(w, order, None, DAY)
    return order


# ---- numbers


def test_the_next_number_follows_the_highest_of_series_and_year(db: Database) -> None:
    with writing(db, actor(db)) as w:
        for number, day, series in [
            ("9", DAY, "staff"), ("10-к", DAY, "staff"), ("40", DAY, "pupils"), ("77", DAY - 365, "staff"),
        ]:  # fmt: skip
            drafts.write(w, draft(number, day, series))
    assert queries.next_number(db, "staff", DAY) == "11-к"
    assert queries.next_number(db, "pupils", DAY) == "41"
    assert queries.next_number(db, "main", DAY) == "1"
    assert queries.next_number(db, "staff", DAY - 365) == "78"


def test_numbers_of_others_are_passed_over_and_not_continued(db: Database) -> None:
    with writing(db, actor(db)) as w:
        drafts.write(w, draft("3", series="pupils"))
        for number in ("4", "500"):
            w.insert("movement", kind="departed", date=DAY, order_number=number, order_date=DAY)
        office = drafts.write(w, draft("77-к"))
        w.update("order_book", office, signed_on=DAY)
    assert queries.next_number(db, "pupils", DAY) == "5"
    assert queries.next_number(db, "staff", DAY) == "1"


def test_a_school_may_number_by_the_school_year(db: Database) -> None:
    with writing(db, actor(db)) as w:
        drafts.write(w, draft("5", parse_day("2025-09-03")))
        assert queries.next_number(db, "staff", DAY) == "1"
        settings.change(w, "orders_year", "school", {"head"})
    assert queries.next_number(db, "staff", DAY) == "6"
    assert queries.next_number(db, "staff", parse_day("2026-08-01")) == "1"


def test_a_number_is_taken_once_in_its_series_and_year(db: Database) -> None:
    with writing(db, actor(db)) as w:
        first = drafts.write(w, draft("5"))
        drafts.write(w, draft("5", series="main"))
        drafts.write(w, draft("5", DAY - 365))
        assert drafts.write(w, draft("5"), first) == first
        with pytest.raises(NumberTaken):
            drafts.write(w, draft(" 5 "))


@pytest.mark.parametrize(
    "flawed", [draft(" "), Draft("staff", "1", DAY, ""), Draft("staff", "1", DAY, "a", executor=7)]
)
def test_an_order_needs_number_and_title_and_an_executor_who_works_here(db: Database, flawed: Draft) -> None:
    with pytest.raises(InvalidValue), writing(db, actor(db)) as w:
        drafts.write(w, flawed)


# ---- signature


def test_a_signed_order_stands_as_it_is(db: Database) -> None:
    order = signed_order(db)
    with writing(db, actor(db)) as w:
        for attempt in (
            lambda: drafts.write(w, draft("2"), order),
            lambda: actions.sign(w, order, None, DAY),
            lambda: drafts.drop(w, order),
        ):
            with pytest.raises(OrderSigned):
                attempt()


def test_a_draft_may_be_taken_back(db: Database) -> None:
    with writing(db, actor(db)) as w:
        order = drafts.write(w, draft("1"))
        drafts.drop(w, order)
        with pytest.raises(NotFound):
            actions.sign(w, order, None, DAY)
    assert queries.order(db, order) is None
    assert queries.next_number(db, "staff", DAY) == "1"


# ---- who has read it


def test_people_are_acquainted_once_and_only_when_asked(db: Database) -> None:
    order, person, other = signed_order(db), member(db), member(db)
    with writing(db, actor(db)) as w:
        actions.make_known(w, order, [person])
        with pytest.raises(NotFound):
            actions.acquaint(w, order, other)
        actions.acquaint(w, order, person)
    first = queries.readers(db, order, DAY)[0][1]
    assert first and queries.unread(db, person) == 0
    with writing(db, actor(db)) as w:
        actions.acquaint(w, order, person)
        actions.make_known(w, order, [other])
    found = {one.id: at for one, at in queries.readers(db, order, DAY)}
    assert found == {person: first, other: None}
    with writing(db, actor(db)) as w:
        actions.make_known(w, order, [])
    assert [one.id for one, _ in queries.readers(db, order, DAY)] == [person]


def test_an_unsigned_order_concerns_nobody_yet(db: Database) -> None:
    person = member(db)
    with writing(db, actor(db)) as w:
        order = drafts.write(w, draft("1"))
        actions.make_known(w, order, [person])
        assert queries.concerned(db, person) == frozenset()
        with pytest.raises(NotFound):
            actions.acquaint(w, order, person)
        actions.sign(w, order, None, DAY)
    assert queries.concerned(db, person) == {order}


# ---- duties


def test_rights_follow_the_duties_of_the_day(db: Database) -> None:
    order, person, day = signed_order(db), member(db), today()
    with writing(db, actor(db)) as w:
        account = w.insert("account", person=person, login="aigul")
        actions.give_duty(w, order, person, "librarian", day)
        teaching = actions.give_duty(w, order, person, "teacher", day - 10)
        actions.give_duty(w, order, person, "deputy", day + 1)
    found = access.identify(db, account)
    assert found is not None and found.roles == {"librarian", "teacher"}
    assert access.may_all(found, "textbooks", "E") and access.may(found, "lesson_marks", "E")
    assert not access.may(found, "orders", "E")
    with writing(db, actor(db)) as w:
        actions.end_duty(w, signed_order_in(w, "2"), teaching, day)
    found = access.identify(db, account)
    assert found is not None and found.roles == {"librarian"}
    assert queries.concerned(db, person) == {order, order + 1}


def signed_order_in(w: object, number: str) -> int:
    order = drafts.write(w, draft(number))  # type: ignore[arg-type]
    actions.sign(w, order, None, DAY)  # type: ignore[arg-type]
    return order


def test_a_duty_needs_a_signed_order_and_a_member_of_staff_and_is_held_once(db: Database) -> None:
    person = member(db)
    with writing(db, actor(db)) as w:
        unsigned = drafts.write(w, draft("1"))
        with pytest.raises(OrderUnsigned):
            actions.give_duty(w, unsigned, person, "teacher", DAY)
        actions.sign(w, unsigned, None, DAY)
        given = actions.give_duty(w, unsigned, person, "teacher", DAY)
        with pytest.raises(DutyHeld):
            actions.give_duty(w, unsigned, person, "teacher", DAY + 5)
        stranger = w.insert("person", sex="m")
        with pytest.raises(InvalidValue):
            actions.give_duty(w, unsigned, stranger, "teacher", DAY)
        with pytest.raises(InvalidValue):
            actions.end_duty(w, unsigned, given, DAY - 1)
        actions.end_duty(w, unsigned, given, DAY + 3)
        with pytest.raises(InvalidValue):
            actions.end_duty(w, unsigned, given, DAY + 4)
        actions.give_duty(w, unsigned, person, "teacher", DAY + 3)


# ---- pages


def order_id(pages: SchoolPages, number: str) -> int:
    return pages.one("SELECT id FROM order_book WHERE number = ? AND series = 'staff'", number)


def test_secretary_writes_head_signs_and_gives_a_duty_and_the_person_reads(pages: SchoolPages) -> None:
    secretary, head, librarian = pages.as_("secretary"), pages.as_("head"), pages.as_("librarian")
    form = {
        "series": "staff",
        "date": "2025-11-19",
        "title": "Китепкана жөнүндө",
        "basis": "",
        "text": "Текст.",
    }
    assert 'value="' in secretary.get("/orders/new?series=staff")[1]
    status, text = secretary.post("/orders/new", number="", **form)
    assert status == 422 and "Китепкана жөнүндө" in text and 'id="error-number"' in text
    status, there = secretary.post("/orders/new", number="901", **form)
    order = order_id(pages, "901")
    assert (status, there) == (302, f"/orders/{order}")
    assert secretary.post(f"/orders/{order}/sign")[0] == 403
    person = str(pages.person("librarian"))
    assert secretary.post(f"/orders/{order}/readers", person=person)[0] == 302
    assert librarian.get(f"/orders/{order}")[0] == 403
    assert head.post(f"/orders/{order}/give", person=person, duty="social", start="2025-11-19")[0] == 422
    assert head.post(f"/orders/{order}/sign")[0] == 302
    assert head.post(f"/orders/{order}/give", person=person, duty="", start="2025-11-19")[0] == 422
    assert secretary.post(f"/orders/{order}/give", person=person, duty="social", start="2025-11-19")[0] == 403
    assert secretary.post(f"/orders/{order}/edit", number="902", **form)[0] == 422
    assert "Китепкана жөнүндө" in librarian.get("/orders/")[1]
    assert librarian.post(f"/orders/{order}/read")[0] == 302
    assert (
        pages.one("SELECT count(*) FROM order_reader WHERE read_at IS NOT NULL AND person = ?", int(person))
        == 1
    )


def test_a_taken_number_is_told_at_its_field(pages: SchoolPages) -> None:
    secretary = pages.as_("secretary")
    form = {"series": "staff", "number": "910", "date": "2025-11-19", "title": "Бир"}
    assert secretary.post("/orders/new", **form)[0] == 302
    status, text = secretary.post("/orders/new", **form)
    assert status == 422 and 'id="error-number"' in text


def test_a_long_book_is_folded_by_month_but_what_was_searched_for_is_not(
    pages: SchoolPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.orders.views.FOLDED", 0)
    assert "data-on-paper open" in pages.as_("deputy").get("/orders/")[1]
    assert "data-on-paper" not in pages.as_("deputy").get("/orders/?q=баштоо")[1]


def test_the_book_is_searched_and_others_find_their_own_orders_only(pages: SchoolPages) -> None:
    assert "Окуу жылын баштоо" in pages.as_("deputy").get("/orders/?q=баштоо")[1]
    assert "Окуу жылын баштоо" not in pages.as_("deputy").get("/orders/?q=баштоо&series=pupils")[1]
    text = pages.as_("teacher").get("/orders/")[1]
    assert "Окуу жылын баштоо" not in text and "Мугалимдерди дайындоо" in text


def test_everyone_here_sees_who_holds_which_duty(pages: SchoolPages) -> None:
    assert "Мектеп жетекчиси" in pages.as_("teacher").get("/orders/duties")[1]
    assert pages.as_("guardian").get("/orders/duties")[0] == 403


def named(db: Database, actor: int, surname: str) -> tuple[int, int]:
    """Someone with a surname under a consent; returns both."""
    with writing(db, actor) as w:
        person = w.insert("person", sex="f", birth_year=2013)
        consent = w.insert("consent", person=person, purpose="core", valid_from=20_000, signer=person)
        w.update("person", person, surname=surname)
    return person, consent


def test_an_order_names_people_by_reference_and_refuses_a_name_without_consent(pages: SchoolPages) -> None:
    secretary, pupil = pages.as_("secretary"), pages.pupil_of(pages.led)
    with closing(pages.node.connect()) as db:
        actor = int(State(db).administrator)
        other, consent = named(db, actor, "Жазгүлова")
        with writing(db, actor) as w:
            w.update("consent", consent, withdrawn_on=20_001)
    form = {"series": "pupils", "number": "501", "date": "2025-11-20", "title": "Сыйлоо жөнүндө",
            "text": "Окуучу Жазгуловдун ата-энеси"}  # fmt: skip
    status, page = secretary.post("/orders/new", **form)
    assert status == 422 and "Жазгуловдун" in page and "names_checked" in page
    assert secretary.post("/orders/new", **form, names_checked="1")[0] == 302
    status, there = secretary.post("/orders/new", **(form | {"number": "502", "text": "Окуучу сыйлансын"}))
    assert status == 302
    name = pages.one("SELECT surname FROM person WHERE id = ?", pupil)
    assert f'value="{pupil}"' in secretary.get(f"{there}?q={name}")[1]
    for person in (pupil, other):
        assert secretary.post(f"{there}/people", person=str(person))[0] == 302
    page = secretary.get(there)[1]
    assert str(name) in page and "Жазгүлова" not in page
    assert secretary.post(f"{there}/people", person=str(other), remove="1")[0] == 302
    assert secretary.post(f"{there}/people", person=str(other), remove="1")[0] == 404
    assert pages.as_("head").post(f"{there}/sign")[0] == 302
    assert secretary.post(f"{there}/people", person=str(other))[0] == 422
    task = {"person": str(pages.person("teacher")), "title": "Жазгүлова жөнүндө", "due": "2025-12-01"}
    assert pages.as_("head").post("/tasks/", **task)[0] == 422
    assert pages.as_("head").post("/tasks/", **task, names_checked="1")[0] == 302


def test_a_consent_withdrawn_a_moment_ago_counts_and_one_taken_back_with_its_act_does_not(
    pages: SchoolPages,
) -> None:
    """What is remembered between two acts is read anew when a person or a consent has changed."""
    with closing(pages.node.connect()) as db:
        actor, day = int(State(db).administrator), parse_day("2025-11-12")

        def write(w: Writer, name: str) -> None:
            w.insert("event", title=f"{name} окуусу", start=1, end=2)

        person, consent = named(db, actor, "Кунанбаев")
        with heeding(db, actor, day) as w:
            write(w, "Кунанбаевдин")
        with pytest.raises(NameWithoutConsent), heeding(db, actor, day) as w:
            w.update("consent", consent, withdrawn_on=20_001)
            write(w, "Кунанбаевдин")
        with heeding(db, actor, day) as w:
            write(w, "Кунанбаевдин")
        with heeding(db, actor, day) as w:
            w.update("consent", consent, withdrawn_on=20_001)
        for _ in range(2):
            with pytest.raises(NameWithoutConsent), heeding(db, actor, day) as w:
                write(w, "Кунанбаевдин")
        with heeding(db, actor, day) as w:
            w.update("consent", consent, withdrawn_on=None)
        with heeding(db, actor, day) as w:
            write(w, "Кунанбаевдин")
            for event in w.db.execute("SELECT id FROM event WHERE title = 'Кунанбаевдин окуусу'").fetchall():
                w.retire("event", *event)
            w.retire("person", person)


def test_a_name_without_consent_is_refused_in_whatever_others_read(pages: SchoolPages) -> None:
    """One rule over all forms: the writer is asked on a page that holds what was typed."""
    with closing(pages.node.connect()) as db:
        actor = int(State(db).administrator)
        _, consent = named(db, actor, "Кыраанова")
        with writing(db, actor) as w:
            w.update("consent", consent, withdrawn_on=20_001)
            me = w.db.execute(
                "SELECT person FROM account WHERE login = ?", (pages.logins["head"],)
            ).fetchone()[0]
            task = w.insert("task", assignee=me, title="Тизме", due=21_000)
    said = "Кыраанованын тизмеси"
    head = pages.as_("head")
    head.get("/tasks/")
    status, page = head.post(f"/tasks/{task}/done", answer=said, of="me")
    assert status == 422 and f">{said}</textarea>" in page and 'name="of" value="me"' in page
    assert f'action="/tasks/{task}/done"' in page and 'name="names_checked"' in page
    assert pages.one("SELECT done_at IS NULL FROM task WHERE id = ?", task) == 1
    assert head.post(f"/tasks/{task}/done", answer=said, of="me", names_checked="1")[0] == 302
    theirs = pages.one("SELECT id FROM task WHERE assignee = ?", pages.person("deputy"))
    assert head.post(f"/tasks/{theirs}/back", remark=said)[0] == 422
    event = {"day": "2025-11-21", "from": "10:00", "title": said}
    assert "names_checked" in pages.as_("deputy").post("/timetable/events", **event)[1]
    teacher, group, day, period = (
        pages.as_("teacher"),
        *pages.lesson_of(pages.taught, pages.person("teacher")),
    )
    place = f"/{group}/{day}/{period}"
    teacher.get(f"/journal/lesson{place}")
    form = {"form_token": teacher.token, "field": "comment", "pupil": str(pages.member_of(group)), "value": said,
            "seen": ""}  # fmt: skip
    answer = teacher.http.post(f"/journal/cell{place}", data=form, headers={"Accept": "application/json"})
    assert answer.status_code == 422 and "Кыраанованын" in answer.get_json()["sentence"]


def test_a_topic_names_nobody_without_consent_unless_its_writer_has_looked_or_the_plan_has_it(
    pages: SchoolPages,
) -> None:
    with closing(pages.node.connect()) as db:
        actor = int(State(db).administrator)
        _, consent = named(db, actor, "Толубаева")
        with writing(db, actor) as w:
            w.update("consent", consent, withdrawn_on=20_001)
    group, day, period = pages.lesson_of(pages.taught, pages.person("teacher"))
    teacher, place = pages.as_("teacher"), f"/{group}/{day}/{period}"
    teacher.get(f"/journal/lesson{place}")

    def keep(field: str, value: str, **more: str) -> tuple[int, str]:
        sql = f"SELECT {field} FROM lesson WHERE subject_group = ? AND day = ? AND period = ?"
        seen = pages.one(sql, group, parse_day(str(day)), period) or ""
        form = {"form_token": teacher.token, "field": field, "value": value, "seen": str(seen), **more}
        form["reason"] = "Ката кеткен"
        answer = teacher.http.post(f"/journal/cell{place}", data=form, headers={"Accept": "application/json"})
        return answer.status_code, answer.get_json().get("error", "")

    assert keep("homework", "Толубаевага жардам") == (422, "name_without_consent")
    assert keep("topic", "Толубаева ыры") == (422, "name_without_consent")
    assert keep("topic", "Толубаева ыры", names_checked="1") == (200, "")
    item = {"topic": "Толубаева ыры: талдоо", "hours": "1"}
    status, page = teacher.post(f"/plans/group/{group}/item", **item)
    assert status == 422 and 'name="names_checked"' in page and "Толубаева ыры: талдоо</textarea>" in page
    assert teacher.post(f"/plans/group/{group}/item", **item, names_checked="1")[0] == 302
    assert keep("topic", item["topic"]) == (200, ""), "whoever wrote the plan was asked"
    paste = {"text": "Тема\tСаат\nТолубаева жана заман\t2", "mode": "append", "confirm": "1"}
    assert "names_checked" in teacher.post(f"/plans/group/{group}/import", **paste)[1]
    assert teacher.post(f"/plans/group/{group}/import", **paste, names_checked="1")[0] == 302


def test_every_text_that_others_read_is_heeded_or_left_out_knowingly() -> None:
    """A free text is any of school that is longer than a name."""
    left_out = {
        "consent.ground", "consent.document", "consent_offer.ground", "consent_offer.document", "pupil.source",
        "report_snapshot.content", "setting.value", "act.label", "account.password", "account.recovery",
        "reading_log.what",
        # What a late change replaced was heeded when it was written.
        "mark_correction.old",
    }  # fmt: skip
    free = {
        f"{table.name}.{column.name}"
        for table in TABLES
        for column in table.all_columns
        if column.type == "text" and column.scope == "school" and not column.consent and column.name != "id"
        and (column.max_length is None or column.max_length > 80)
    }  # fmt: skip
    heeded = {f"{table}.{name}" for table, names in TEXTS.items() for name in names}
    assert free == heeded | left_out and not heeded & left_out


# ---- who works here no more


def test_whose_work_has_ended_is_told_with_what_is_still_open(tmp_path: Path) -> None:
    """To who ends it on the card, to the head and the administrator on the first page, until nothing is open."""
    pages = autumn().again(tmp_path)
    gone, day = pages.person("teacher"), today()
    card, told, listed = f"/people/{gone}", f'href="/people/{gone}"', 'href="/accounts/?kind=left"'
    assert (
        told not in pages.as_("head").get("/")[1]
        and "дагы эле ачык" not in pages.as_("secretary").get(card)[1]
    )
    with closing(pages.node.connect()) as db:
        with writing(db, actor(db)) as w:
            people_actions.change_staff(w, gone, {"position": "teacher", "end": day})
        (left,) = people_queries.still_open(db, day, gone)
        assert left.duties == ("teacher",) and left.login == pages.logins["teacher"]
        assert people_queries.still_open(db, day - 1, gone) == []
        for role in ("secretary", "head"):
            text = pages.as_(role).get(card)[1]
            assert "дагы эле ачык" in text and "/orders/new?series=staff" in text and left.login in text
        shut = f"/accounts/{left.account}/disable"
        assert shut in pages.as_("administrator").get(card)[1]
        assert told in pages.as_("head").get("/")[1] and listed in pages.as_("administrator").get("/")[1]
        assert pages.as_("administrator").post(shut)[0] == 302
        assert listed not in pages.as_("administrator").get("/")[1] and told in pages.as_("head").get("/")[1]
        with writing(db, actor(db)) as w:
            for (row,) in db.execute("SELECT id FROM appointment WHERE person = ?", (gone,)).fetchall():
                w.update("appointment", row, end=day)
        assert people_queries.still_open(db, day) == [] and told not in pages.as_("head").get("/")[1]
