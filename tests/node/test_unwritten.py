"""Rolls that a list brought: what the book began with needs no line, what came later gets its lines by one order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from node import roster
from node.movement import actions
from node.movement.actions import Order, Paper
from node.movement.balance import Unwritten, arrived, discrepancies, holds, of_span, summed, unwritten
from node.roster import enrol
from shared.dates import parse_day
from shared.problems import InvalidValue, NotFound
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages, autumn
from tests.node.test_importing_pages import upload
from tests.node.test_movement import DAY, END, GIRL, NO_PAPER, START, School
from tests.stores import ACTOR, a_store


@pytest.fixture
def school() -> Iterator[School]:
    with closing(a_store()) as db:
        yield School(db)


def listed(school: School, day: int, class_group: int | None = None) -> int:
    """A pupil whom a list puts on the roll from a day on."""
    with writing(school.db, ACTOR) as w:
        person = w.insert("person", sex="f", birth_year=2012)
        w.put("pupil", person=person)
        enrol(w, person, class_group or school.a, day)
    return person


def an_act(school: School) -> None:
    """The first line of the book."""
    with writing(school.db, ACTOR) as w:
        actions.arrive(w, GIRL, school.b, DAY, "district", NO_PAPER)


# ---- what the book began with


def test_a_roll_listed_before_the_book_has_a_line_is_what_the_book_began_with(school: School) -> None:
    first = listed(school, DAY + 3)
    assert discrepancies(school.db, START, END) == []
    an_act(school)
    second = listed(school, DAY + 3)
    assert [(one.pupil, one.why) for one in discrepancies(school.db, START, END)] == [(second, "unwritten")]
    assert unwritten(school.db, START, END) == [Unwritten(second, DAY + 3, "arrived", school.a)]
    flow = of_span(school.db, START, END)[school.a]
    assert holds(flow.total) and holds(flow.girls)
    assert dict(+flow.total) == {"start": 3, "arrived_other": 1, "end": 4}
    with writing(school.db, ACTOR) as w:
        actions.depart(w, first, DAY + 9, "abroad", NO_PAPER)
    flow = of_span(school.db, START, END)[school.a]
    assert dict(+flow.total) == {"start": 3, "arrived_other": 1, "departed_abroad": 1, "end": 3}
    assert holds(flow.total)


def test_who_leaves_the_rolls_without_a_line_is_told_even_before_the_book_has_one(school: School) -> None:
    pupil = school.pupil(school.a)
    with writing(school.db, ACTOR) as w:
        roster.leave(w, pupil, school.a, DAY)
    assert unwritten(school.db, START, END) == [Unwritten(pupil, DAY, "departed", school.a)]


def test_a_line_taken_back_is_not_the_first(school: School) -> None:
    with writing(school.db, ACTOR) as w:
        line = actions.arrive(w, GIRL, school.b, DAY, "district", NO_PAPER)
    listed(school, DAY + 3)
    assert len(discrepancies(school.db, START, END)) == 1
    with writing(school.db, ACTOR) as w:
        actions.withdraw(w, line)
    assert discrepancies(school.db, START, END) == []


# ---- lines written afterwards


def test_one_order_stands_behind_all_who_are_ticked(school: School) -> None:
    an_act(school)
    pupils = [listed(school, DAY + n) for n in (3, 4, 5)]
    paper = Paper(Order(number="9-о", date=DAY), "Ош ш.")
    changes = [(pupils[0], DAY + 3), (pupils[2], DAY + 5)]
    with writing(school.db, ACTOR) as w:
        lines = actions.write_afterwards(w, changes, "arrived", "district", paper, START, END)
    assert [school.line(line)["pupil"] for line in lines] == [pupils[0], pupils[2]]
    row = school.line(lines[0])
    assert (row["kind"], row["date"], row["reason"]) == ("arrived", DAY + 3, "district")
    assert (row["to_class"], row["order_number"], row["place"]) == (school.a, "9-о", "Ош ш.")
    assert [one.pupil for one in unwritten(school.db, START, END)] == [pupils[1]]
    total = summed(of_span(school.db, START, END).values()).total
    assert holds(total) and arrived(total) == 4
    pupil = school.pupil(school.b)
    with writing(school.db, ACTOR) as w:
        roster.leave(w, pupil, school.b, DAY + 7)
        (line,) = actions.write_afterwards(w, [(pupil, DAY + 7)], "departed", "abroad", paper, START, END)
    assert (school.line(line)["from_class"], school.line(line)["kind"]) == (school.b, "departed")


def test_what_has_its_line_or_is_of_another_kind_is_refused_and_nothing_is_written(school: School) -> None:
    an_act(school)
    pupil = listed(school, DAY + 3)
    count = "SELECT count(*) FROM movement"
    before = school.db.execute(count).fetchone()
    for changes, kind, reason, refused in (
        ([(pupil, DAY + 3)], "departed", "abroad", NotFound),
        ([(pupil, DAY + 4)], "arrived", "district", NotFound),
        ([(pupil, DAY + 3), (school.pupil(school.b), DAY)], "arrived", "district", NotFound),
        ([], "arrived", "district", NotFound),
        ([(pupil, DAY + 3)], "arrived", "college", InvalidValue),
    ):
        with pytest.raises(refused), writing(school.db, ACTOR) as w:
            actions.write_afterwards(w, changes, kind, reason, NO_PAPER, START, END)
    assert school.db.execute(count).fetchone() == before


# ---- on pages


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return autumn().again(tmp_path_factory.mktemp("unwritten"))


def listed_on_pages(own: SchoolPages, count: int) -> list[int]:
    with closing(own.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        people = [w.insert("person", sex="f", birth_year=2014) for _ in range(count)]
        for person in people:
            w.put("pupil", person=person, language="ky")
            enrol(w, person, own.led, parse_day("2025-11-12"))
    return people


def test_the_list_of_discrepancies_leads_to_one_order_for_those_ticked(own: SchoolPages) -> None:
    secretary, pupils = own.as_("secretary"), listed_on_pages(own, 3)
    page = secretary.get("/movement/?year=3&period=year")[1]
    assert "/movement/unwritten?year=3" in page
    assert "/movement/unwritten" not in own.as_("head").get("/movement/?year=3&period=year")[1]
    page = secretary.get("/movement/unwritten?year=3")[1]
    keys = re.findall(r'name="change" value="([^"]+)" checked', page)
    assert {int(key.partition("-")[0]) for key in keys} == set(pupils)
    form: dict[str, object] = {
        "form_token": secretary.token,
        "kind": "arrived",
        "order": "new",
        "change": keys[:2],
    }
    there = "/movement/unwritten?year=3"
    answer = secretary.http.post(there, data=form)
    assert answer.status_code == 422 and "кайдан келгенин" in answer.get_data(as_text=True)
    shown = re.findall(r'name="change" value="([^"]+)"( checked)?', answer.get_data(as_text=True))
    assert [bool(ticked) for _, ticked in shown] == [True, True, False]
    assert secretary.http.post(there, data=form | {"change": []}).status_code == 422
    answer = secretary.http.post(there, data=form | {"reason": "district"})
    assert answer.status_code == 302 and "written=2" in answer.headers["Location"]
    told = 'SELECT count(*) FROM order_person WHERE "order" = (SELECT max("order") FROM movement)'
    assert own.one(told) == 2, "the order that was drafted concerns them"
    title = 'SELECT title FROM order_book WHERE id = (SELECT max("order") FROM movement)'
    assert own.one(title) == "On the admission of pupils"
    page = secretary.get(answer.headers["Location"])[1]
    assert "Китепке 2 жазуу киргизилди" in page and page.count('name="change"') == 1
    form |= {
        "reason": "district",
        "change": keys[2:],
        "order": "",
        "order_number": "5-о",
        "order_date": "2025-11-13",
    }
    assert secretary.http.post(there, data=form).status_code == 302
    page = secretary.get(there)[1]
    assert 'name="change"' not in page and "китепте жазылган" in page
    assert "/movement/unwritten" not in secretary.get("/movement/?year=3&period=year")[1]


def test_one_class_is_shown_alone_and_only_the_office_writes(own: SchoolPages) -> None:
    (pupil,) = listed_on_pages(own, 1)
    secretary = own.as_("secretary")
    assert f'value="{pupil}-' in secretary.get(f"/movement/unwritten?year=3&class={own.led}")[1]
    assert f'value="{pupil}-' not in secretary.get("/movement/unwritten?year=3&class=1")[1]
    for duty, status in (("deputy", 200), ("head", 403), ("class_teacher", 403), ("social", 403)):
        assert own.as_(duty).get("/movement/unwritten?year=3")[0] == status


def test_after_an_import_the_page_leads_to_the_order(own: SchoolPages) -> None:
    client = own.as_("secretary")
    head = "Личное дело;Фамилия;Имя;Дата рождения;Пол;Класс;Дата зачисления;Согласие\n"
    name = own.one("SELECT grade || '-' || letter FROM class_group WHERE id = ?", own.led)
    day = "20.11.2025"
    there = upload(client, "pupils", f"{head}Щ/77;Щукин;Антон;12.05.2014;м;{name};{day};20.08.2025\n")
    status, text = client.post(there, do="all")
    assert status == 200
    assert 'href="/movement/unwritten"' in text
