"""Notes of absence that families hand in: who may, what becomes of them, what they do while they wait; the pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from node.attendance import actions, handing, queries, views
from node.home import views as home
from node.journal import pages
from node.journal.actions import Change
from node.journal.queries import Place, term_of
from node.ofage import Born
from node.results import actions as locking
from shared.problems import (
    InvalidValue,
    NotAllowed,
    NoteAnswered,
    NoteOutOfReach,
    NotInGroup,
    TermLocked,
    WrongOrder,
)
from shared.schema import BY_NAME
from sync.writer import writing
from tests.node.conftest import Client, SchoolPages
from tests.node.test_attendance import class_of, last_days, reasons_of, take
from tests.node.test_journal import EVENING, TODAY, Desk, a_school, iso_of

BY_LIST = "Күндөрү туура эмес"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    """A school in which a parent of the class of the class teacher signs in."""
    return a_school(tmp_path_factory.mktemp("notes"))


@dataclass
class Family:
    """A desk in the class of the class teacher, a pupil of it, and a parent who reads for the pupil."""

    desk: Desk
    parent: int
    pupil: int

    def hand_in(self, start: int = TODAY, end: int = TODAY, reason: str = "ill", **more: int) -> int:
        with writing(self.desk.db, self.desk.account) as w:
            return actions.hand_in(
                w,
                more.get("pupil", self.pupil),
                more.get("author", self.parent),
                more.get("today", TODAY),
                start,
                end,
                reason,
            )

    def accept(self, note: int) -> int:
        with writing(self.desk.db, self.desk.account) as w:
            return actions.accept(w, class_of(self.desk), note, self.desk.account, TODAY)

    def decline(self, note: int, refusal: str = "", remark: str = "") -> None:
        with writing(self.desk.db, self.desk.account) as w:
            actions.decline(w, class_of(self.desk), note, self.desk.account, TODAY, refusal, remark)

    def state(self, note: int) -> str:
        found = queries.note(self.desk.db, note)
        return found["state"] if found else ""

    def waiting(self) -> list[int]:
        return [one["id"] for one in queries.waiting(self.desk.db, [class_of(self.desk)])]


@pytest.fixture
def family(school: SchoolPages) -> Iterator[Family]:
    desk = Desk(school)
    group, period = desk.db.execute(
        """SELECT sg.id, t.period FROM subject_group sg JOIN timetable_slot t ON t.subject_group = sg.id
           WHERE sg.class_group = ? AND t.weekday = 4 AND sg.teacher = ? ORDER BY t.period LIMIT 1""",
        (school.led, school.person("class_teacher")),
    ).fetchone()
    desk.place = Place(group, TODAY, period)
    desk.teacher = school.person("class_teacher")
    parent, pupil = desk.db.execute(
        """SELECT g.person, g.pupil FROM guardian g JOIN enrolment e ON e.pupil = g.pupil
           WHERE e.class_group = ? AND g.may_read = 1 AND e."end" IS NULL ORDER BY g.rid LIMIT 1""",
        (school.led,),
    ).fetchone()
    if desk.db.execute("SELECT 1 FROM account WHERE login = 'parent'").fetchone() is None:
        stored = desk.db.execute(
            "SELECT password FROM account WHERE login = ?", (school.logins["class_teacher"],)
        ).fetchone()[0]
        with writing(desk.db, desk.account) as w:
            w.insert("account", person=parent, login="parent", password=stored, language="ky")
    yield Family(desk, parent, pupil)
    with writing(desk.db, desk.account) as w:
        for table in ("attendance", "lesson"):
            for key in desk.db.execute(
                f"SELECT {', '.join(BY_NAME[table].key)} FROM {table} WHERE day >= ? AND retired_at IS NULL",
                (TODAY - 1,),
            ).fetchall():
                w.retire(table, *key)
        for (note,) in desk.db.execute("SELECT id FROM absence_note WHERE retired_at IS NULL").fetchall():
            w.retire("absence_note", note)
    desk.db.close()


# ---- rules


def test_a_note_that_waits_announces_the_pupil_and_settles_nothing(family: Family) -> None:
    desk, pupil = family.desk, family.pupil
    places = take(desk, TODAY, {pupil: "unknown"}, but=1)
    note = family.hand_in(TODAY, TODAY + 2)
    assert (family.state(note), family.waiting()) == ("open", [note])
    assert queries.announced(desk.db, [pupil], TODAY + 2) == {pupil}
    assert queries.announced(desk.db, [pupil], TODAY + 3) == frozenset()
    assert queries.noted_away(desk.db, [pupil], TODAY) == {}
    assert queries.notes(desk.db, [pupil], TODAY, TODAY) == []
    # An absence that is entered meanwhile has no reason yet.
    desk.save(Change("status", "present", "absent", pupil))
    desk.save(Change("status", "absent", "present", pupil))
    assert reasons_of(desk, pupil) == ["unknown"] * len(places)
    assert family.accept(note) == len(places)
    assert reasons_of(desk, pupil) == ["ill"] * len(places)
    assert queries.noted_away(desk.db, [pupil], TODAY + 2) == {pupil: "ill"}
    assert (queries.announced(desk.db, [pupil], TODAY), family.waiting()) == (frozenset(), [])


def test_an_accepted_note_that_is_taken_back_waits_again_and_can_be_declined(family: Family) -> None:
    desk, pupil = family.desk, family.pupil
    places = take(desk, TODAY, {pupil: "unexcused"})
    note = family.hand_in()
    family.accept(note)
    with writing(desk.db, desk.account) as w:
        assert actions.withdraw_note(w, class_of(desk), note) == len(places)
    assert (family.state(note), reasons_of(desk, pupil)) == ("open", ["unexcused"] * len(places))
    family.decline(note, "present", "  Математикада болгон. ")
    found = queries.note(desk.db, note)
    assert found is not None
    assert (found["state"], found["refusal"], found["remark"]) == (
        "declined", "present", "Математикада болгон.",
    )  # fmt: skip
    assert queries.declined(desk.db, family.parent, [pupil], TODAY) == 1
    for late in (lambda: family.accept(note), lambda: family.decline(note, "days")):
        with pytest.raises(NoteAnswered):
            late()
    # Handed in anew it is a note of its own, and the answer to the old one no news any more.
    again = family.hand_in()
    assert again != note and queries.declined(desk.db, family.parent, [pupil], TODAY) == 0
    assert family.hand_in() == again, "asked for twice is asked once"


def test_who_handed_a_note_in_takes_it_back_while_it_waits(family: Family) -> None:
    desk, note = family.desk, family.hand_in()
    with writing(desk.db, desk.account) as w, pytest.raises(NoteAnswered):
        actions.take_back(w, desk.teacher, note)
    with writing(desk.db, desk.account) as w:
        actions.take_back(w, family.parent, note)
    assert (queries.handed_in(desk.db, family.parent, [family.pupil], 0), family.waiting()) == ([], [])
    with pytest.raises(NoteAnswered):
        family.accept(note)
    accepted = family.hand_in()
    family.accept(accepted)
    with writing(desk.db, desk.account) as w, pytest.raises(NoteAnswered):
        actions.take_back(w, family.parent, accepted)


def test_a_note_is_handed_in_within_limits(family: Family) -> None:
    early, late = TODAY - actions.DAYS_BACK, TODAY + actions.DAYS_AHEAD
    for start, end, reason, problem in (
        (TODAY, TODAY - 1, "ill", WrongOrder),
        (early - 1, TODAY, "ill", NoteOutOfReach),
        (TODAY, late + 1, "ill", NoteOutOfReach),
        (TODAY, TODAY, "unexcused", InvalidValue),
        (TODAY, TODAY, "unknown", InvalidValue),
    ):
        with pytest.raises(problem):
            family.hand_in(start, end, reason)
    with pytest.raises(NotInGroup):
        family.hand_in(TODAY - 4000, TODAY - 4000, today=TODAY - 4000)
    assert family.hand_in(early, late)


def test_only_who_signs_for_a_pupil_and_may_read_hands_in(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, parent, pupil = family.desk, family.parent, family.pupil
    stranger = desk.db.execute(
        "SELECT person FROM guardian WHERE pupil <> ? AND person <> ? LIMIT 1", (pupil, parent)
    ).fetchone()[0]
    for author in (stranger, desk.teacher, pupil):
        with pytest.raises(NotAllowed):
            family.hand_in(author=author)
    with writing(desk.db, desk.account) as w:
        w.put("guardian", pupil=pupil, person=parent, may_read=0)
    with pytest.raises(NotAllowed):
        family.hand_in()
    with writing(desk.db, desk.account) as w:
        w.put("guardian", pupil=pupil, person=parent, may_read=1)
    monkeypatch.setattr("node.consenting.born", lambda *_: Born(TODAY - 20 * 366))
    with pytest.raises(NotAllowed):
        family.hand_in()
    assert family.waiting() == []
    assert family.hand_in(author=pupil)


def test_a_declined_note_says_why(family: Family) -> None:
    note = family.hand_in()
    for refusal, remark in (("", " "), ("weather", ""), ("", "x" * 301)):
        with pytest.raises(InvalidValue):
            family.decline(note, refusal, remark)
    assert family.state(note) == "open"


def test_a_note_of_a_class_is_answered_there_alone(family: Family) -> None:
    note, desk = family.hand_in(), family.desk
    other = desk.db.execute("SELECT id FROM class_group WHERE id <> ? LIMIT 1", (class_of(desk),)).fetchone()[
        0
    ]
    assert queries.waiting(desk.db, [other]) == []
    for act in (actions.accept, actions.decline):
        with writing(desk.db, desk.account) as w, pytest.raises(NoteAnswered):
            act(w, other, note, desk.account, TODAY)


def test_a_locked_period_is_told_to_who_hands_in_and_to_who_accepts(family: Family) -> None:
    desk, pupil, class_id = family.desk, family.pupil, class_of(family.desk)
    take(desk, TODAY, {pupil: "unexcused"})
    term = term_of(desk.db, desk.place.group, TODAY)
    assert term is not None
    note = family.hand_in()
    with writing(desk.db, desk.account) as w:
        locking.lock(w, class_id, term["id"])
    with pytest.raises(TermLocked):
        family.accept(note)
    with pytest.raises(TermLocked):
        family.hand_in(TODAY - 1, TODAY)
    assert (family.state(note), set(reasons_of(desk, pupil))) == ("open", {"unexcused"})
    with writing(desk.db, desk.account) as w:
        locking.reopen(w, class_id, term["id"], "Ката табылды")


# ---- pages


@pytest.fixture
def on_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (views, handing, pages, home):
        monkeypatch.setattr(module, "today", lambda: TODAY)
    for module in (views, pages, home):
        monkeypatch.setattr(module, "minute_of_day", lambda: EVENING)


def parent_of(family: Family) -> Client:
    school = family.desk.school
    if "parent" not in school.clients:
        school.clients["parent"] = school.sign_in("parent")
    return school.clients["parent"]


def sent(family: Family, **more: str) -> dict[str, str]:
    return {"pupil": str(family.pupil), "start": iso_of(TODAY), "end": "", "reason": "ill"} | more


@pytest.mark.usefixtures("on_that_day")
def test_from_the_parents_page_to_the_class_teachers_and_back(family: Family) -> None:
    desk, client = family.desk, parent_of(family)
    teacher = desk.school.as_("class_teacher")
    take(desk, TODAY, {family.pupil: "unknown"})
    assert f'href="/attendance/notes?child={family.pupil}"' in client.get("/")[1]
    assert (
        f'href="/attendance/notes?child={family.pupil}"' in client.get(f"/attendance/pupil/{family.pupil}")[1]
    )
    assert "Каралууда" not in client.get("/attendance/notes")[1]
    for lacking in ("pupil", "reason"):
        assert client.post("/attendance/notes", **sent(family, **{lacking: ""}))[0] == 422
    status, text = client.post("/attendance/notes", **sent(family, start=iso_of(TODAY - 90)))
    assert status == 422 and "30 күн кеч" in text and f'value="{iso_of(TODAY - 90)}"' in text
    status, there = client.post("/attendance/notes", **sent(family))
    assert status == 302
    text = client.get(there)[1]
    assert "Каралууда" in text and "Жокко чыгаруу" in text
    [note] = family.waiting()

    page = f"/attendance/class/{class_of(desk)}"
    assert f'href="{page}#handed-in"' in teacher.get("/")[1]
    text = teacher.get(page)[1]
    assert f'action="{page}/note/accept' in text and 'id="handed-in"' in text
    shown = desk.school.as_("deputy").get(page)[1]
    assert 'id="handed-in"' in shown and "note/accept" not in shown
    for duty in ("deputy", "head", "teacher", "social"):
        assert desk.school.as_(duty).post(f"{page}/note/accept", note=str(note))[0] == 403
    here = f"?view=day&day={iso_of(TODAY)}"
    status, there = teacher.post(f"{page}/note/accept{here}", note=str(note))
    assert status == 302 and "Белгиленди: " in teacher.get(there)[1]
    assert set(reasons_of(desk, family.pupil)) == {"ill"}
    assert "үй-бүлөсүнөн" in teacher.get(page)[1]
    assert "Кабыл алынды" in client.get("/attendance/notes")[1]
    status, text = teacher.post(f"{page}/note/accept{here}", note=str(note))
    assert status == 404 and "ушул арада" in text

    assert teacher.post(f"{page}/note/withdraw{here}", note=str(note))[0] == 302
    assert teacher.post(f"{page}/note/decline{here}", note=str(note), refusal="", remark=" ")[0] == 422
    told = {"refusal": "days", "remark": "Шейшембиде болгон."}
    assert teacher.post(f"{page}/note/decline{here}", note=str(note), **told)[0] == 302
    text = client.get("/attendance/notes")[1]
    assert BY_LIST in text and "Шейшембиде болгон." in text and "Четке кагылды" in text
    assert 'href="/attendance/notes">Келбөө жөнүндө 1 кат четке кагылды' in client.get("/")[1]
    assert f'href="{page}#handed-in"' not in teacher.get("/")[1]


@pytest.mark.usefixtures("on_that_day")
def test_notes_of_others_are_neither_handed_in_nor_taken_back(family: Family) -> None:
    desk, client = family.desk, parent_of(family)
    strange, other_parent = desk.db.execute(
        """SELECT pupil, person FROM guardian WHERE may_read = 1 AND person <> ?1
           AND pupil NOT IN (SELECT pupil FROM guardian WHERE person = ?1) LIMIT 1""",
        (family.parent,),
    ).fetchone()
    client.get("/attendance/notes")
    assert client.post("/attendance/notes", **sent(family, pupil=str(strange)))[0] == 403
    theirs, own = family.hand_in(pupil=strange, author=other_parent), family.hand_in()
    text = client.get(f"/attendance/notes?child={strange}")[1]
    assert f'value="{own}"' in text and f'value="{theirs}"' not in text and f'value="{strange}"' not in text
    assert client.post("/attendance/notes/take-back", note=str(theirs))[0] == 404
    assert client.post("/attendance/notes/take-back", note=str(own))[0] == 302
    assert (family.state(theirs), family.state(own)) == ("open", "")
    teacher, page = desk.school.as_("class_teacher"), f"/attendance/class/{class_of(desk)}/note"
    if strange not in queries.enrolled(desk.db, class_of(desk), TODAY, TODAY):
        assert teacher.post(f"{page}/decline", note=str(theirs), refusal="days")[0] == 404
        assert teacher.post(f"{page}/accept", note=str(theirs))[0] == 404


@pytest.mark.usefixtures("on_that_day")
def test_a_lesson_hints_at_a_pupil_whom_the_family_announced_away(family: Family) -> None:
    desk, pupil = family.desk, family.pupil
    family.hand_in()
    address = f"/journal/lesson/{desk.place.group}/{iso_of(TODAY)}/{desk.place.period}"
    client = desk.school.as_("class_teacher")
    text = client.get(address)[1]
    assert f'data-pupil="{pupil}" data-expected-away' in text and "Үй-бүлөсү келбейт деп билдирди" in text
    assert f'data-away="{pupil}"' in client.get(f"/journal/group/{desk.place.group}")[1]
    family.decline(family.waiting()[0], "known")
    text = client.get(address)[1]
    assert "data-expected-away" not in text and "билдирди" not in text


@pytest.mark.usefixtures("on_that_day")
def test_the_class_teacher_reads_on_which_days_the_pupil_was_there(family: Family) -> None:
    desk = family.desk
    days = last_days(desk, 2)
    for day in days:
        take(desk, day, {family.pupil: "unknown"} if day == days[0] else {})
    family.hand_in(*days)
    text = desk.school.as_("class_teacher").get(f"/attendance/class/{class_of(desk)}")[1]
    assert text.count("Журнал боюнча сабакта болгон") == 1


@pytest.mark.usefixtures("on_that_day")
def test_a_pupil_under_18_reads_that_a_parent_hands_in(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, pupil = family.desk, family.pupil
    if desk.db.execute("SELECT 1 FROM account WHERE login = 'child'").fetchone() is None:
        stored = desk.db.execute("SELECT password FROM account WHERE login = 'parent'").fetchone()[0]
        with writing(desk.db, desk.account) as w:
            w.insert("account", person=pupil, login="child", password=stored, language="ky")
    client = desk.school.sign_in("child")
    text = client.get("/attendance/notes")[1]
    assert "18 жашка чейин" in text and 'name="reason"' not in text
    assert "/attendance/notes" not in client.get("/")[1]
    assert client.post("/attendance/notes", **sent(family))[0] == 403
    monkeypatch.setattr("node.consenting.born", lambda *_: Born(TODAY - 20 * 366))
    assert "18 жаштан баштап" in parent_of(family).get("/attendance/notes")[1]
    client.get("/attendance/notes")
    assert client.post("/attendance/notes", **sent(family))[0] == 302
