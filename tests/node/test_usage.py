"""User statistics: counted under one duty, written down seldom, settled when the day is over."""

from __future__ import annotations

from contextlib import closing

import pytest

from node.storage import Node
from node.usage import counting, queries
from node.usage.counting import Counter
from shared.web import today
from tests.node.conftest import Client, SchoolPages


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(node: Node, start: int, end: int) -> dict[str | int, tuple[int, int, int]]:
    with closing(node.connect()) as db:
        return {
            line.key: (line.sign_ins, line.pages, line.writes) for line in queries.by_duty(db, start, end)
        }


def test_counts_wait_in_memory_until_minutes_have_passed_or_the_day_is_over() -> None:
    clock = Clock()
    counter = Counter(clock)
    assert not counter.is_due(10)
    counter.add(10, "teacher", (1, 2, 0))
    assert not counter.is_due(10) and counter.is_due(11)
    clock.now += counting.FLUSH_SECONDS
    assert counter.is_due(10)


def test_a_finished_day_is_one_synced_row_and_todays_counts_stay_here(empty_school: SchoolPages) -> None:
    node, counter = empty_school.node, Counter()
    for day, more in [(10, (1, 5, 2)), (11, (1, 1, 1)), (10, (0, 1, 0))]:
        counter.add(day, "teacher", more)
    with closing(node.connect()) as db:
        counter.flush(db, 11)
        counter.add(10, "teacher", (0, 0, 4))
        counter.flush(db, 11)
        rows = db.execute("SELECT day, duty, sign_ins, pages, writes FROM usage_day").fetchall()
        assert [tuple(row) for row in rows] == [(10, "teacher", 1, 6, 6)]
        assert db.execute("SELECT count(*) FROM usage_count").fetchone()[0] == 1
        assert [line.key for line in queries.by_day(db, 1, 20)] == [11, 10]
    assert lines(node, 10, 11) == {"teacher": (2, 7, 7)}
    assert lines(node, 11, 11) == {"teacher": (1, 1, 1)}


def test_a_stopped_servers_yesterday_is_settled_at_the_next_start(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db:
        db.conn.execute("INSERT INTO usage_count VALUES (5, 'head', 1, 2, 3)")
    counting.prepare(empty_school.node)
    assert empty_school.one("SELECT count(*) FROM usage_day WHERE day = 5") == 1
    assert empty_school.one("SELECT count(*) FROM usage_count") == 0
    counting.prepare(empty_school.node)
    assert lines(empty_school.node, 5, 5) == {"head": (1, 2, 3)}


@pytest.fixture
def counted(pages: SchoolPages) -> Counter:
    counter = pages.app.extensions["mektep_usage"]
    assert isinstance(counter, Counter)
    counter.counts.clear()
    return counter


def of(counter: Counter, duty: str) -> tuple[int, int, int]:
    return counter.counts.get((today(), duty), (0, 0, 0))


def test_pages_writes_and_sign_ins_count_once_and_refusals_never(
    pages: SchoolPages, counted: Counter
) -> None:
    client = Client(pages.app.test_client())
    client.get("/sign-in")
    client.post("/sign-in", login=pages.logins["librarian"], password="wrong")
    assert counted.counts == {}
    client = pages.sign_in(pages.logins["librarian"])
    assert of(counted, "librarian") == (1, 1, 0)
    client.get("/settings/")
    client.get("/people/?q=a", **{"HX-Request": "true"})
    assert of(counted, "librarian") == (1, 1, 0)
    client.get("/people/")
    client.post("/language", language="ky")
    assert of(counted, "librarian") == (1, 2, 1)


def test_a_server_that_stops_keeps_its_counts(empty_school: SchoolPages) -> None:
    client = empty_school.sign_in("admin")
    client.get("/settings/")
    assert empty_school.one("SELECT count(*) FROM usage_count") == 0
    counting.write_down(empty_school.app, empty_school.node)
    assert lines(empty_school.node, today(), today()) == {"head": (1, 2, 0)}


def test_head_and_administrator_look_it_up(pages: SchoolPages) -> None:
    head, week = pages.as_("head"), (today() - 6, today())
    head.get("/usage/?days=7")
    before = lines(pages.node, *week).get("teacher", (0, 0, 0))
    pages.app.extensions["mektep_usage"].add(today(), "teacher", (0, 4117, 0))
    page = head.get("/usage/?days=7", "ky")[1]
    assert lines(pages.node, *week)["teacher"] == (before[0], before[1] + 4117, before[2])
    assert f">{before[1] + 4117:,}</td>".replace(",", "\xa0") in page
    assert pages.as_("administrator").get("/usage/")[0] == 200
    assert pages.as_("deputy").get("/usage/")[0] == 403
