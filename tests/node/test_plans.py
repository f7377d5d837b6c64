"""Plans: laid onto real lessons, plan against fact, whose turn it is, lines of a spreadsheet, approval, pages."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from node.calendar import actions as calendar_actions
from node.calendar import queries as calendar
from node.journal import actions as journal_actions
from node.journal import queries as journal
from node.journal.actions import Change
from node.journal.queries import Place
from node.plans import actions, lines, queries
from node.plans.laying import following, lay_out
from node.timetable import queries as timetable
from shared.problems import EmptyPlan, InvalidValue, NotAllowed, NotFound
from shared.web import LARGEST_UPLOAD
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages
from tests.node.test_journal import TODAY, a_school

YEAR = 3
hours = st.lists(st.integers(0, 4), max_size=12)

# ---- laying out


@given(hours=hours, dates=st.lists(st.integers(), unique=True, max_size=30).map(sorted))
def test_laying_out_keeps_the_order_and_the_hours(hours: list[int], dates: list[int]) -> None:
    found = lay_out(hours, dates)
    flat = [date for of_item in found for date in of_item]
    assert flat == dates[: sum(hours)]
    assert len(found) == len(hours)
    assert all(len(of_item) <= count for of_item, count in zip(found, hours, strict=True))
    assert len(flat) == min(len(dates), sum(hours))


@given(hours=hours)
def test_one_by_one_the_items_come_in_order(hours: list[int]) -> None:
    given_hours, last, turns = [0] * len(hours), None, []
    while (place := following(hours, given_hours, last)) is not None:
        turns.append(place)
        given_hours[place] += 1
        last = place
    assert turns == [place for place, count in enumerate(hours) for _ in range(count)]


@pytest.mark.parametrize(
    ("given_hours", "last", "ahead", "place"),
    [
        ([2, 0, 0], 0, 0, 1),
        ([1, 0, 1], 2, 0, 0),
        ([2, 0, 1], 2, 0, 1),
        ([2, 1, 1], 1, 0, None),
        ([1, 0, 0], 0, 1, 1),
    ],
)
def test_what_was_passed_over_comes_at_the_end(
    given_hours: list[int], last: int, ahead: int, place: int | None
) -> None:
    assert following([2, 1, 1], given_hours, last, ahead) == place


# ---- a teacher's plan


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("plans"))


class Desk:
    """The subject teacher, with the plan of a group taught today."""

    def __init__(self, school: SchoolPages) -> None:
        self.db: Database = school.node.connect()
        self.teacher = school.person("teacher")
        self.account = self.one("SELECT id FROM account WHERE login = ?", school.logins["teacher"])
        self.deputy = self.one("SELECT id FROM account WHERE login = ?", school.logins["deputy"])
        own = timetable.agenda(self.db, TODAY - 6, TODAY, teacher=self.teacher)
        self.lesson = next(
            one for one in reversed(own) if one.slot["teacher"] == self.teacher and one.substitute is None
        )
        self.group = self.lesson.group

    def one(self, sql: str, *values: object) -> int:
        found: int = self.db.execute(sql, values).fetchone()[0]
        return found

    def laid(self, today: int = TODAY) -> queries.Laid:
        row, plan = queries.group(self.db, self.group), queries.plan_of(self.db, self.group)
        assert row is not None and plan is not None
        return queries.laid_plan(self.db, row, plan["id"], today)

    def write(self, text: str, append: bool = False) -> int:
        reading = lines.read(text)
        assert reading.flaws == []
        with writing(self.db, self.account) as w:
            return actions.write_lines(w, self.group, self.teacher, reading.lines, append)

    def topics(self) -> list[str]:
        return [row.item["topic"] for row in self.laid().rows]


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    """The plan as it was: what a test does to it is put back."""
    made = Desk(school)
    plan = queries.plan_of(made.db, made.group)
    assert plan is not None
    before = [dict(item) for item in queries.items(made.db, plan["id"])]
    yield made
    with writing(made.db, made.account) as w:
        for item in queries.items(made.db, plan["id"]):
            w.retire("plan_item", item["id"])
        for item in before:
            w.put("plan_item", **item)
        told = ("approved_at", "approved_by", "submitted_at", "remark")
        w.update("plan", plan["id"], **{name: plan[name] for name in told})
        for (row,) in made.db.execute("SELECT id FROM own_day WHERE retired_at IS NULL").fetchall():
            w.retire("own_day", row)
    made.db.close()


def test_planned_dates_are_real_lessons_on_school_days(desk: Desk) -> None:
    laid = desk.laid()
    row = queries.group(desk.db, desk.group)
    assert row is not None
    dates = timetable.dates(desk.db, desk.group, row["first"], row["last"])
    planned = [at for one in laid.rows for at in one.planned]
    assert planned == dates[: len(planned)] and planned
    days = calendar.calendar(desk.db, row["first"], row["last"])
    whom = calendar.whom(desk.db, row["class_group"])
    assert all(days.is_school_day(day, whom) for day, _ in planned)
    assert laid.hours == sum(one.item["hours"] for one in laid.rows)


def test_a_holiday_moves_the_plan_and_back(desk: Desk) -> None:
    before = [one.planned for one in desk.laid().rows]
    day = next(at[0] for one in before for at in one if at[0] > TODAY)
    with writing(desk.db, desk.deputy) as w:
        calendar_actions.set_days(w, YEAR, day, day, "off")
    after = [one.planned for one in desk.laid().rows]
    assert [at for one in after for at in one if at[0] < day] == [
        at for one in before for at in one if at[0] < day
    ]
    assert day not in {at[0] for one in after for at in one}
    with writing(desk.db, desk.deputy) as w:
        calendar_actions.set_days(w, YEAR, day, day, "distance")
    assert [one.planned for one in desk.laid().rows] == before


def test_plan_against_fact(desk: Desk) -> None:
    laid = desk.laid()
    lessons = queries.held(desk.db, desk.group)
    assert laid.given == len(lessons) == laid.lessons and laid.off == 0
    assert [at for one in laid.rows for at in one.actual] == [one.at for one in lessons]
    later = desk.laid(TODAY + 60)
    assert later.given == laid.given and later.due > laid.due and later.behind > 0
    assert later.late > 0 and all(one.given < one.item["hours"] for one in later.rows if one.late)
    coming = [at for one in laid.rows for at in one.expected]
    assert coming == sorted(coming) and all(day >= TODAY for day, _ in coming)


def test_the_journal_gets_the_topic_that_is_due(desk: Desk) -> None:
    lessons = queries.held(desk.db, desk.group)
    last = lessons[-1]
    due = journal.planned_topic(desk.db, Place(desk.group, *last.at))
    assert due is not None and due["id"] == last.item
    following_day = last.at[0] + 7
    after = journal.planned_topic(desk.db, Place(desk.group, following_day, last.at[1]))
    assert after is not None
    ids = [row.item["id"] for row in desk.laid().rows]
    assert ids.index(after["id"]) - ids.index(last.item) in (0, 1)
    assert (row := desk.laid().next) is not None and row.item["id"] == after["id"]
    with writing(desk.db, desk.account) as w:
        key = {"subject_group": desk.group, "day": last.at[0] + 1, "period": 9}
        w.put("lesson", **key, topic="", homework="", plan_item=None)
        ahead = journal.planned_topic(desk.db, Place(desk.group, following_day, last.at[1]))
        w.put("lesson", **key, topic="Экскурсия")
        own = journal.planned_topic(desk.db, Place(desk.group, following_day, last.at[1]))
        w.retire("lesson", *key.values())
    assert ahead is not None and own is not None and own["id"] == after["id"]
    first_turn = ids.index(after["id"])
    spoken_for = 1 if after["hours"] - desk.laid().rows[first_turn].given > 1 else 0
    assert ids.index(ahead["id"]) == first_turn + 1 - spoken_for


def test_a_topic_of_the_plan_out_of_turn_counts_too(desk: Desk) -> None:
    place = Place(desk.group, desk.lesson.day, desk.lesson.period)
    row = journal.lesson(desk.db, place)
    assert row is not None
    item = desk.laid().rows[-1].item
    before = row["topic"] or ""
    change = Change("topic", item["topic"], before)
    with writing(desk.db, desk.account) as w:
        journal_actions.save(w, place, desk.teacher, TODAY, [change])
    assert place.day in {at[0] for at in desk.laid().rows[-1].actual}
    with writing(desk.db, desk.account) as w:
        journal_actions.save(w, place, desk.teacher, TODAY, [Change("topic", before, item["topic"])])


# ---- writing


def test_items_are_added_changed_moved_and_taken_out(desk: Desk) -> None:
    before = desk.topics()
    with writing(desk.db, desk.account) as w:
        item = actions.save_item(w, desk.group, desk.teacher, None, {"topic": "Кайталоо", "hours": 2})
        assert actions.move_item(w, desk.group, desk.teacher, item, -1)
        assert not actions.move_item(w, desk.group, desk.teacher, desk.laid().rows[0].item["id"], -1)
        actions.save_item(w, desk.group, desk.teacher, item, {"topic": "Кайталоо сабагы", "hours": 3})
    assert desk.topics() == [*before[:-1], "Кайталоо сабагы", before[-1]]
    with writing(desk.db, desk.account) as w:
        actions.remove_item(w, desk.group, desk.teacher, item)
    assert desk.topics() == before
    for line in ({"topic": " "}, {"topic": "x", "hours": 100}, {"topic": "x" * 501}):
        with pytest.raises(InvalidValue), writing(desk.db, desk.account) as w:
            actions.save_item(w, desk.group, desk.teacher, None, line)


def test_a_topic_comes_after_a_chosen_one_and_moves_the_dates_of_those_below(desk: Desk) -> None:
    before = desk.laid()
    topics, first, second = desk.topics(), *(row.item["id"] for row in before.rows[:2])
    with writing(desk.db, desk.account) as w:
        item = actions.save_item(w, desk.group, desk.teacher, None, {"topic": "Кайталоо", "hours": 1}, first)
    assert desk.topics() == [topics[0], "Кайталоо", *topics[1:]]
    shifted = {row.item["id"]: row.planned for row in desk.laid().rows}
    at = next(row.planned for row in before.rows if row.item["id"] == second)
    assert shifted[item] == at[:1] and shifted[second][0] > at[0]
    with writing(desk.db, desk.account) as w:
        line: actions.Line = {"topic": "Кайталоо", "hours": 1}
        actions.save_item(w, desk.group, desk.teacher, item, line, 0)
        assert desk.topics() == ["Кайталоо", *topics]
        actions.approve(w, desk.group, desk.teacher)
        # What stays in its place and reads the same takes no approval back.
        actions.save_item(w, desk.group, desk.teacher, item, line, 0)
        actions.save_item(w, desk.group, desk.teacher, item, line)
        plan = queries.plan_of(desk.db, desk.group)
        assert plan is not None and plan["approved_at"]
        actions.save_item(w, desk.group, desk.teacher, item, line, desk.laid().rows[-1].item["id"])
        plan = queries.plan_of(desk.db, desk.group)
        assert plan is not None and not plan["approved_at"]
    assert desk.topics() == [*topics, "Кайталоо"]
    with pytest.raises(NotFound), writing(desk.db, desk.account) as w:
        actions.save_item(w, desk.group, desk.teacher, None, {"topic": "x", "hours": 1}, 7)


def test_only_its_teacher_writes_a_plan(desk: Desk) -> None:
    stranger = desk.one("SELECT person FROM staff WHERE person <> ? LIMIT 1", desk.teacher)
    strange_item = desk.one(
        "SELECT id FROM plan_item WHERE plan <> (SELECT id FROM plan WHERE subject_group = ?)", desk.group
    )
    with writing(desk.db, desk.account) as w:
        for person in (stranger, None):
            with pytest.raises(NotAllowed):
                actions.save_item(w, desk.group, person, None, {"topic": "x"})
        with pytest.raises(NotFound):
            actions.save_item(w, desk.group, desk.teacher, strange_item, {"topic": "x"})
        with pytest.raises(NotFound):
            actions.move_item(w, desk.group, desk.teacher, strange_item, 1)
        with pytest.raises(NotFound):
            actions.remove_item(w, desk.group, desk.teacher, strange_item)
        with pytest.raises(NotFound):
            actions.copy(w, desk.group, desk.teacher, 1)


def test_reading_a_plan_in_again_keeps_what_lessons_gave(desk: Desk) -> None:
    before = desk.laid()
    text = "Тема\tСаат\n" + "\n".join(f"{row.item['topic']}\t{row.item['hours']}" for row in before.rows)
    assert desk.write(text + "\nЖаңы тема\t2") == len(before.rows) + 1
    after = desk.laid()
    assert [row.item["id"] for row in after.rows][:-1] == [row.item["id"] for row in before.rows]
    assert after.given == before.given and after.hours == before.hours + 2
    assert desk.write("Дагы бир тема", append=True) == 1
    assert desk.topics()[-2:] == ["Жаңы тема", "Дагы бир тема"]


def test_a_colleagues_plan_is_copied(desk: Desk) -> None:
    row = queries.group(desk.db, desk.group)
    assert row is not None
    with writing(desk.db, desk.account) as w:
        other = w.insert("class_group", year=YEAR, grade=row["grade"], letter="Я", language=row["language"])
        teacher = desk.one("SELECT person FROM staff WHERE person <> ? LIMIT 1", desk.teacher)
        theirs = w.insert("subject_group", class_group=other, subject=row["subject"], teacher=teacher)
        actions.write_lines(w, theirs, teacher, lines.read("Б\tА\t2\tү\nБ\tВ\t3\t").lines)
        source = queries.plan_of(desk.db, theirs)
        assert source is not None and source["id"] in {one["id"] for one in queries.to_copy(desk.db, row)}
        assert actions.copy(w, desk.group, desk.teacher, source["id"]) == 2
        # So is one of last year, in the same grade.
        w.update("class_group", other, year=YEAR - 1)
        assert source["id"] in {one["id"] for one in queries.to_copy(desk.db, row)}
        w.update("class_group", other, grade=row["grade"] + 1)
        assert source["id"] not in {one["id"] for one in queries.to_copy(desk.db, row)}
        w.retire("subject_group", theirs)
        w.retire("class_group", other)
    assert [(one.item["topic"], one.item["hours"]) for one in desk.laid().rows] == [("А", 2), ("В", 3)]


def test_a_change_takes_the_approval_back(desk: Desk) -> None:
    def state() -> str:
        row, plan = queries.group(desk.db, desk.group), queries.plan_of(desk.db, desk.group)
        assert row is not None
        return queries.Standing(row, plan, None).state

    assert state() == "approved"
    item = desk.laid().rows[0].item
    with writing(desk.db, desk.account) as w:
        same = {name: item[name] for name in queries.FIELDS}
        actions.save_item(w, desk.group, desk.teacher, item["id"], same)
        assert state() == "approved"
        actions.save_item(w, desk.group, desk.teacher, item["id"], same | {"note": "жаңы"})
        assert state() == "draft"
        actions.hand_in(w, desk.group, desk.teacher)
        assert state() == "handed_in"
        actions.send_back(w, desk.group, "Сааттар жетишпейт")
        assert state() == "back"
        actions.hand_in(w, desk.group, desk.teacher)
        actions.approve(w, desk.group, desk.teacher)
        assert state() == "approved"
        with pytest.raises(InvalidValue):
            actions.send_back(w, desk.group, " ")


def test_an_empty_plan_is_not_handed_in(desk: Desk) -> None:
    with writing(desk.db, desk.account) as w:
        for row in desk.laid().rows:
            actions.remove_item(w, desk.group, desk.teacher, row.item["id"])
        with pytest.raises(EmptyPlan):
            actions.hand_in(w, desk.group, desk.teacher)
        with pytest.raises(EmptyPlan):
            actions.approve(w, desk.group, None)


# ---- lines of a spreadsheet


HEADS = (
    "№\tБөлүм\tТема\tСаат\tҮй тапшырмасы",
    "№ п/п\tРаздел\tТЕМА\tКол-во часов\tД/з",
    "\tSection\tTopic\tHours\tHomework",
)


def test_cells_are_read_by_their_headings_in_any_language() -> None:
    for head in HEADS:
        found = lines.read(f"{head}\n1\tСандар\tБөлчөктөр\t2\t§ 1\n\n2\t\tОндук\t\t")
        assert found.flaws == [] and found.numbers == [2, 4]
        assert [(one["section"], one["topic"], one["hours"], one["homework"]) for one in found.lines] == [
            ("Сандар", "Бөлчөктөр", 2, "§ 1"), ("Сандар", "Ондук", 1, None)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("А\nБ", [(None, "А", 1), (None, "Б", 1)]),
        ("А\t2\nБ\t3", [(None, "А", 2), (None, "Б", 3)]),
        ("1.\tА\t2\n2.\tБ\t3", [(None, "А", 2), (None, "Б", 3)]),
        ("С\tА\t2\tх\nД\tБ\t3\t", [("С", "А", 2), ("Д", "Б", 3)]),
        ("С\t\t\nС\tА\t2\n", [("С", "А", 2)]),
        ("тема;саат\nА;2", [(None, "А", 2)]),
        ('Тема\tСаат\n"эки\nсап"\t4', [(None, "эки\nсап", 4)]),
        ("", []),
    ],
)
def test_cells_are_read_without_headings(text: str, found: list[tuple[str | None, str, int]]) -> None:
    reading = lines.read(text)
    assert reading.flaws == []
    assert [(one["section"] or None, one["topic"], one["hours"]) for one in reading.lines] == found


def test_flaws_name_line_and_field() -> None:
    text = f"Тема\tСаат\tД/з\nА\tэки\t\n\t3\t\nБ\t100\t\nВ\t1\t{'х' * 1001}"
    found = lines.read(text)
    assert [(one.line, one.field) for one in found.flaws] == [
        (2, "hours"), (3, "topic"), (4, "hours"), (5, "homework")]  # fmt: skip
    assert lines.read("Саат\tД/з\n1\tх").flaws == [lines.Flaw(1, "topic", lines.NO_COLUMN)]
    assert lines.read("\n".join("т" for _ in range(601))).flaws[-1].sentence == lines.TOO_MANY


@given(text=st.text(alphabet='аТема\t;\n"1 9саатX', max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = lines.read(text)
    assert len(found.lines) == len(found.numbers)
    if not found.flaws:
        for line in found.lines:
            actions.check_line(line)


def test_a_workbook_comes_back_as_it_was() -> None:
    headings = ["№", "Раздел", "Тема", "Часы", "Домашнее задание"]
    content = lines.workbook(headings, [[1, "С", "=А", 2, "§ 1"], [2, "С", "Б", 3, None]])
    found = lines.read(lines.text_of_file(content))
    assert found.flaws == []
    assert [(one["topic"], one["hours"]) for one in found.lines][1] == ("Б", 3)
    assert str(found.lines[0]["topic"]).lstrip("'") == "=А"


# ---- pages


def test_the_teacher_pastes_looks_and_writes(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    assert client.get(page)[0] == 200 and client.get(page + "/import")[0] == 200
    before = desk.topics()
    there = handed(client, page, "Тема\tСаат\nА\tэки", mode="replace")
    assert 'name="confirm"' not in client.get(there)[1]
    there = handed(client, page, "Тема\tСаат\nА\t2")
    assert 'name="confirm"' in client.get(there)[1] and desk.topics() == before
    status, plan = client.post(page + "/import", token=token_of(there), mode="append", confirm="1")
    assert status == 302 and desk.topics() == [*before, "А"]
    # Back shows no form to send again, and the way to take it back stays on the plan.
    assert client.get(there)[0] == 200 and 'name="confirm"' not in client.get(there)[1]
    assert "/import/undo/" in client.get(page)[1] and "/import/undo/" in client.get(plan)[1]
    there = handed(client, page, "Тема\tСаат\nА\tэки", confirm="1")
    assert there.startswith(page) and desk.topics() == [*before, "А"]


def handed(client: Client, page: str, text: str, **more: str) -> str:
    """The address of what the cells come to."""
    status, there = client.post(page + "/import", text=text, **more)
    assert status == 302
    return there


def token_of(there: str) -> str:
    return parse_qs(urlsplit(there).query)["token"][0]


def test_a_plan_that_would_lose_topics_is_asked_about_first(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    before = desk.topics()
    client.get(page + "/import")
    there = handed(client, page, f"Тема\n{before[0]}\nЖаңы", mode="replace")
    text = client.get(there)[1]
    assert 'name="sure"' in text and before[1] in text
    sent = {"token": token_of(there), "mode": "replace", "confirm": "1"}
    assert client.post(page + "/import", **sent)[0] == 422 and desk.topics() == before
    assert client.post(page + "/import", **sent, sure="1")[0] == 302
    assert desk.topics() == [before[0], "Жаңы"]


def test_topics_may_come_after_one_that_is_there(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    before, first = desk.topics(), desk.laid().rows[0].item["id"]
    client.get(page + "/import")
    there = handed(client, page, "1. А\n2. Б", mode="after", after=str(first))
    sent = {"token": token_of(there), "mode": "after", "after": str(first), "confirm": "1"}
    assert client.post(page + "/import", **sent)[0] == 302
    assert desk.topics() == [before[0], "А", "Б", *before[1:]]


def test_the_teacher_uploads_a_workbook_and_takes_one_along(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    content = lines.workbook(["Тема", "Саат"], [["Китептен", 2]])
    answer = client.http.post(
        page + "/import", data={"form_token": client.token, "file": (io.BytesIO(content), "plan.xlsx")}
    )
    assert answer.status_code == 302 and "Китептен" in client.get(answer.headers["Location"])[1]
    broken = {"form_token": client.token, "file": (io.BytesIO(b"PK\x03\x04xx"), "plan.xlsx")}
    assert client.http.post(page + "/import", data=broken).status_code >= 400
    pictured = io.BytesIO(content)
    with zipfile.ZipFile(pictured, "a") as book:
        book.writestr("xl/media/stamp.png", os.urandom(1_500_000))
    for file, status in ((pictured.getvalue(), 302), (bytes(LARGEST_UPLOAD), 413)):
        told = {"form_token": client.token, "file": (io.BytesIO(file), "plan.xlsx")}
        answer = client.http.post(page + "/import", data=told)
        assert answer.status_code == status
    assert "Файл уруксат берилген көлөмдөн чоң" in answer.get_data(as_text=True)
    taken = client.http.get(page + "/plan.xlsx")
    assert taken.status_code == 200 and taken.get_data().startswith(b"PK")
    back = lines.read(lines.text_of_file(taken.get_data()))
    assert back.flaws == [] and [one["topic"] for one in back.lines] == desk.topics()


def test_an_import_is_undone_as_one_act(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    before, lessons = desk.topics(), [row.actual for row in desk.laid().rows]
    client.get(page)
    text = f"Тема\tСаат\n{before[0]}\t7\nЖаңы тема\t2"
    status, there = client.post(page + "/import", text=text, mode="replace", confirm="1", sure="1")
    assert status == 302 and desk.topics() == [before[0], "Жаңы тема"]
    found = re.search(r'href="(/import/undo/\d+)"', client.get(there)[1])
    assert found and found[1] in client.get("/import/")[1]
    assert school.as_("deputy").post(found[1])[0] in (400, 403)
    assert client.post(found[1])[0] == 200
    assert desk.topics() == before
    assert [row.actual for row in desk.laid().rows] == lessons
    assert client.post(found[1])[0] == 404


def test_lines_with_flaws_come_back_with_their_reasons(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    client.get(page + "/import")
    text = "Бөлүм\tТема\tСаат\nI\tА\t2\n\t=Б\tэки\n\t\t3\n"
    form = {"form_token": client.token, "text": text, "do": "faults"}
    answer = client.http.post(page + "/import", data=form)
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.get_data())).active.iter_rows(values_only=True))
    assert [row[:3] for row in rows] == [("Бөлүм", "Тема", "Саат"), (None, "'=Б", "эки"), (None, None, "3")]
    assert all("Тема" in row[3] or "Саат" in row[3] for row in rows[1:])


def test_the_teacher_edits_by_form_and_the_deputy_approves(school: SchoolPages, desk: Desk) -> None:
    client, page = school.as_("teacher"), f"/plans/group/{desk.group}"
    item = str(desk.laid().rows[0].item["id"])
    assert f'value="{item}"' in client.get(f"{page}?edit={item}")[1]
    assert client.post(page + "/item", item=item, topic="Башка", hours="2", objective="Максат")[0] == 302
    assert desk.laid().rows[0].item["objective"] == "Максат"
    assert client.post(page + "/item", item=item, topic="", hours="2")[0] == 422
    assert client.post(page + "/move", item=item, act="down")[0] == 302
    assert desk.topics()[1] == "Башка"
    text = client.get(f"{page}?after={item}")[1]
    assert f'<option value="{item}" selected>2. Башка' in text
    there = client.post(page + "/item", topic="Кайталоо", hours="39", after=item)[1]
    assert desk.topics()[1:3] == ["Башка", "Кайталоо"] and "#item-" in there
    # Of many dates only the first and the last are shown, and how many.
    assert '<details class="dates" data-on-paper>' in client.get(page)[1]
    assert client.post(page + "/hand-in")[0] == 302
    deputy = school.as_("deputy")
    deputy.get(page)
    assert deputy.post(page + "/approve", act="back", remark="Сааттар")[0] == 302
    assert "Сааттар" in client.get(page)[1]
    assert deputy.post(page + "/approve")[0] == 302
    assert deputy.post(page + "/item", topic="x")[0] == 403
    assert client.post(page + "/approve")[0] == 403


def test_lists_of_plans(school: SchoolPages, desk: Desk) -> None:
    assert f"/plans/group/{desk.group}" in school.as_("teacher").get("/plans/")[1]
    status, text = school.as_("deputy").get(f"/plans/?class={desk.lesson.slot['class_group']}")
    assert status == 200 and f"/plans/group/{desk.group}" in text
    strange = desk.one(
        "SELECT id FROM subject_group WHERE teacher <> ? AND retired_at IS NULL LIMIT 1", desk.teacher
    )
    assert school.as_("teacher").get(f"/plans/group/{strange}")[0] == 403
    assert school.as_("teacher").get("/plans/group/1")[0] == 404
