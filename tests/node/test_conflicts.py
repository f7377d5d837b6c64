"""Values written apart at two nodes are shown to whom it concerns, and settled with one click."""

from __future__ import annotations

from contextlib import closing

import pytest

from hub.storage import Hub
from node import create_app
from node.conflicts import actions, queries
from node.conflicts.views import readable
from node.derived import derive
from shared.problems import ConsentMissing, InvalidValue
from shared.schema import BY_NAME
from sync import clock
from sync.writer import writing
from tests.serving import Visit, with_duty
from tests.sync.test_nodes import Cast
from tests.world import a_hub

TODAY = 20_000


@pytest.fixture
def cast(tmp_path):
    hub: Hub = a_hub(tmp_path / "hub")
    yield Cast(tmp_path, hub)
    hub.close()


@pytest.fixture
def room(cast):
    """A room whose seats two nodes wrote apart; returns its row id."""
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7", seats=20)
    cast.settle()
    cast.update(first, "room", room, seats=21)
    cast.update(second, "room", room, seats=22)
    cast.settle()
    return room


def listed(node):
    with closing(node.connect()) as db:
        return queries.conflicts(db, TODAY)


def take(node, conflict, choice):
    with closing(node.connect()) as db, writing(db, 0) as w:
        actions.take(w, conflict.table.number, conflict.key, conflict.unit, choice.n)


@pytest.mark.parametrize("which", [0, 1])
def test_both_values_are_listed_everywhere_and_either_can_be_taken(cast, room, which):
    first, second = cast.nodes
    found = [listed(node) for node in (first, second)]
    assert [[[v for _, v in c.values] for c in one[0].choices] for one in found] == [
        [[v for _, v in c.values] for c in found[0][0].choices]
    ] * 2
    assert {c.values[0][1] for c in found[0][0].choices} == {21, 22}
    wanted = found[1][0].choices[which].values[0][1]
    take(second, found[1][0], found[1][0].choices[which])
    assert listed(second) == []
    cast.settle()
    assert listed(first) == []
    assert cast.value(first, "room", "seats", room) == wanted
    cast.check()


def test_a_value_that_is_gone_is_refused(cast, room):
    first = cast.nodes[0]
    conflict = listed(first)[0]
    take(first, conflict, conflict.choices[1])
    with pytest.raises(InvalidValue):
        take(first, conflict, conflict.choices[0])


@pytest.mark.parametrize("which", [0, 1])
def test_a_removal_against_an_edit_is_decided_too(cast, which):
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7")
    cast.settle()
    with closing(first.connect()) as db, writing(db, 0) as w:
        w.retire("room", room)
    cast.update(second, "room", room, seats=30)
    cast.settle()
    conflict = listed(first)[0]
    assert conflict.unit == "retired_at" and len(conflict.choices) == 2
    take(first, conflict, conflict.choices[which])
    cast.settle()
    assert listed(first) == listed(second) == []
    wrote = [[(c.name, readable(BY_NAME["room"], c, v)) for c, v in one.edit] for one in conflict.choices]
    assert [("seats", "30")] in wrote
    told = {readable(BY_NAME["room"], *one.values[0]) for one in conflict.choices}
    assert told == {"алынып салынган", "алынып салынган эмес"}
    removed = cast.value(second, "room", "retired_at", room) is not None
    assert removed == (conflict.choices[which].values[0][1] is not None)
    cast.check()


def test_values_read_as_people_write_them():
    mark = BY_NAME["mark"]
    assert readable(mark, mark.by_name["value"], 5) == "5"
    assert readable(mark, mark.by_name["kind"], 7 << 32 | 3) == "№ 3"


def test_what_nobody_may_read_today_is_neither_shown_nor_chosen(cast):
    """A consent that lapsed keeps the values and blocks their use, here as on the person's card."""
    first, second = cast.nodes[0], cast.join()
    now = clock.now_ms() // 86_400_000
    with closing(first.connect()) as db, writing(db, 0) as w:
        person = w.insert("person", sex="f")
        consent = w.insert("consent", person=person, purpose="core", valid_from=0)
    cast.settle()
    for node, phone in ((first, "+996 1"), (second, "+996 2")):
        cast.update(node, "person", person, phone=phone)
    cast.settle()
    with_duty(first, "secretary", "secretary")
    page = Visit(create_app(first), "secretary", "x").read("/conflicts/")
    assert "+996 1" in page and "+996 2" in page
    cast.update(first, "consent", consent, valid_to=now)
    page = Visit(create_app(first), "secretary", "x").read("/conflicts/")
    assert "+996" not in page and "Renew the consent" in page
    [conflict] = listed(first)
    with pytest.raises(ConsentMissing):
        take(first, conflict, conflict.choices[1])
    assert len(listed(first)) == 1


# ---- whose decision it is


@pytest.fixture
def apart(cast):
    """Two marks of a class, its lesson's topic and a room that two nodes wrote apart; the teacher of the class."""
    first, second = cast.nodes[0], cast.join()
    with closing(first.connect()) as db, writing(db, 0) as w:
        one = lambda sql: db.execute(sql).fetchone()[0]  # noqa: E731
        year = one("SELECT max(id) FROM academic_year")
        group = w.insert("class_group", year=year, grade=7, letter="А", language="ky")
        subject, scale = one("SELECT min(id) FROM subject"), one("SELECT min(id) FROM grading_scale")
        teacher = w.insert("person")
        w.put("staff", person=teacher)
        taught = w.insert("subject_group", class_group=group, subject=subject, scale=scale, teacher=teacher)
        w.insert("appointment", person=teacher, duty="teacher", start=0)
        password = one("SELECT password FROM account")
        w.insert("account", person=teacher, login="teacher", password=password, language="en")
        w.put("lesson", subject_group=taught, day=TODAY, period=1, topic="?")
        room = w.insert("room", name="7", seats=20)
    cast.settle()
    for node, value in ((first, 1), (second, 2)):
        with closing(node.connect()) as db, writing(db, 0) as w:
            w.put("lesson", subject_group=taught, day=TODAY, period=1, topic=f"topic {value}")
            w.update("room", room, seats=20 + value)
    cast.settle()
    for duty in ("head", "secretary", "librarian"):
        with_duty(first, duty, duty)
    return first


@pytest.mark.parametrize(
    ("login", "sees"),
    [
        ("head", {"room"}),
        ("teacher", {"lesson"}),
        ("secretary", set()),
        ("librarian", set()),
        ("admin", set()),
    ],
)
def test_a_conflict_is_shown_to_who_may_write_its_row_and_settled_by_nobody_else(apart, login, sees):
    visit = Visit(create_app(apart), login, "x")
    page = visit.read("/conflicts/")
    assert ("topic 1" in page and "topic 2" in page) == ("lesson" in sees)
    assert ("Lesson" in page and " · lesson 1<" in page and "7-А · " in page) == ("lesson" in sees)
    told = len(listed(apart)) - len(sees)
    assert (f"{told} entr" in page and "yours to decide" in page) == (login in ("head", "admin"))
    seats = {value for value in ("21", "22") if f">{value}</td>" in page}
    assert seats == ({"21", "22"} if "room" in sees else set())
    for conflict in listed(apart):
        form = {
            "tbl": str(conflict.table.number),
            "key": str(conflict.key),
            "unit": conflict.unit,
            "n": str(conflict.choices[1].n),
        }
        allowed = conflict.table.name in sees
        assert visit.post("/password", "/conflicts/take", **form).status_code == (302 if allowed else 403)
    assert {conflict.table.name for conflict in listed(apart)} == {"lesson", "room"} - sees


# ---- entered twice


def test_people_with_one_personal_number_and_accounts_with_one_login_are_listed(cast):
    first, second = cast.nodes[0], cast.join()
    cast.settle()
    for node, name in ((first, "Асанова"), (second, "Асанова Б.")):
        with closing(node.connect()) as db, writing(db, 0) as w:
            person = w.insert("person", sex="f")
            w.insert("consent", person=person, purpose="core", valid_from=0)
            w.update("person", person, surname=name, personal_number="12345678901234")
            w.insert("account", person=person, login="asanova", password="x", language="en")
    cast.settle()
    with_duty(first, "secretary", "secretary")
    secretary = Visit(create_app(first), "secretary", "x")
    page = secretary.read("/conflicts/")
    assert page.count("12345678901234") == 2 and "Асанова Б." in page and "the same login" not in page
    assert page.count("Keep this one") == 2
    visit = Visit(create_app(first), "admin", "x")
    page = visit.read("/conflicts/")
    assert "the same login" in page and page.count("Give this one another login") == 2
    assert "12345678901234" not in page
    with closing(first.connect()) as db:
        [twins] = queries.same_login(db, TODAY)
        assert [twin.at <= twins[1].at for twin in twins[:1]] == [True]
    page = visit.read("/conflicts/")
    assert page.count('value="asanova2"') == 2
    taken = visit.post("/password", "/conflicts/login", account=str(twins[1].row), login="ASANOVA ")
    assert taken.status_code == 422
    chosen = visit.post("/password", "/conflicts/login", account=str(twins[1].row), login=" Asanova.B ")
    assert chosen.status_code == 302
    cast.settle()
    for node in cast.nodes:
        with closing(node.connect()) as db:
            assert queries.same_login(db, TODAY) == []
            logins = {row[0] for row in db.execute("SELECT login FROM account")}
            assert {"asanova", "asanova.b"} <= logins
    assert visit.post("/password", "/conflicts/login", account=str(twins[0].row)).status_code == 422
    cast.check()
    with closing(first.connect()) as db:
        [people] = queries.same_number(db, TODAY)
    kept, other = (str(twin.row) for twin in people)
    assert secretary.post("/conflicts/", "/duplicates/merge", kept=kept, other=other).status_code == 403
    with_duty(first, "head", "head")
    head = Visit(create_app(first), "head", "x")
    assert head.post("/conflicts/", "/duplicates/merge", kept=kept, other=other).status_code == 302
    assert "12345678901234" not in secretary.read("/conflicts/")


def test_what_two_machines_counted_apart_is_nobodys_to_decide(cast):
    first, second = cast.nodes[0], cast.join()
    start = 20_332
    with closing(first.connect()) as db, writing(db, 0) as w:
        class_group = w.insert("class_group", year=3, grade=5)
        group = w.insert("subject_group", class_group=class_group, subject=1)
        pupil = w.insert("person", sex="f")
        w.put("pupil", person=pupil)
        w.insert("enrolment", pupil=pupil, class_group=class_group, start=start)
        w.put("term_result", subject_group=group, pupil=pupil, term=4, value=4, status="assessed", missed=0)
    cast.settle()
    # One saw an absence more than the other, so that what they count together is what one of them counted.
    for node, days in ((first, (1,)), (second, (1, 2))):
        with closing(node.connect()) as db, writing(db, 0) as w:
            for day in days:
                at = {"subject_group": group, "day": start + day, "period": 1}
                w.put("lesson", **at, attendance_taken=1)
                w.put("attendance", **at, pupil=pupil, status="absent")
        with closing(node.connect()) as db:
            derive(db)
    cast.settle()
    for node in cast.nodes:
        with closing(node.connect()) as db:
            assert db.execute("SELECT missed FROM term_result").fetchone() == (2,)
            assert db.execute("SELECT missed FROM lesson_summary WHERE missed > 0").fetchone() == (2,)
        assert listed(node) == []
    cast.check()
