"""Tasks with deadlines, the sign-off of what staff entered, the regulation and its orders."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node.attendance import queries as attendance
from node.importing.kinds import KINDS
from node.regulation.clauses import CHAPTERS
from node.signoff import actions as signoff
from node.signoff import queries as checks
from node.tasks import actions, queries
from shared.dates import parse_day
from shared.problems import InvalidValue, NotAllowed, NotChecked, NotFound, OwnCheck
from shared.web import today
from sync.writer import writing
from tests.node.conftest import SchoolPages, actor, autumn, member

# ---- tasks


def test_a_task_is_done_given_back_done_again_and_accepted(db: Database) -> None:
    head, person, day = member(db), member(db), today()
    with writing(db, actor(db)) as w:
        (task,) = actions.give(w, head, [person], "Журнал", "Темалар", day)
        with pytest.raises(NotAllowed):
            actions.accept(w, task, head, False)
        with pytest.raises(NotAllowed):
            actions.done(w, task, head, "")
        assert queries.waiting(db, person) == 1
        actions.done(w, task, person, "Бүттү")
        with pytest.raises(InvalidValue):
            actions.give_back(w, task, head, False, " ")
        actions.give_back(w, task, head, False, "5-А калды")
    found = queries.task(db, task, day)
    assert found is not None and (found.state(day), found.state(day + 1)) == ("open", "late")
    assert (found.answer, found.remark) == ("Бүттү", "5-А калды")
    with writing(db, actor(db)) as w:
        actions.done(w, task, person, "Эми бүттү")
        actions.accept(w, task, head, False)
        with pytest.raises(NotAllowed):
            actions.done(w, task, person, "")
    found = queries.task(db, task, day)
    assert found is not None and found.state(day + 9) == "accepted" and queries.waiting(db, person) == 0


def test_a_task_is_for_staff_and_has_a_title(db: Database) -> None:
    with writing(db, actor(db)) as w:
        stranger = w.insert("person", sex="m")
        for people, title in [([stranger], "Бир"), ([], " ")]:
            with pytest.raises(InvalidValue):
                actions.give(w, None, people, title, "", 1)
        with pytest.raises(NotFound):
            actions.take_back(w, 5, stranger, True)


def test_about_a_task_decides_who_gave_it_or_the_head_and_never_who_has_it(db: Database) -> None:
    author, assignee, other, head = (member(db) for _ in range(4))
    with writing(db, actor(db)) as w:
        with pytest.raises(InvalidValue):
            actions.give(w, author, [author], "Өзүмө", "", today())
        (task,) = actions.give(w, author, [assignee], "Журнал", "", today())
        actions.done(w, task, assignee, "")
        for person, is_head in ((assignee, False), (assignee, True), (other, False), (None, False)):
            for act in (
                lambda: actions.accept(w, task, person, is_head),  # noqa: B023
                lambda: actions.give_back(w, task, person, is_head, "Кайра"),  # noqa: B023
                lambda: actions.take_back(w, task, person, is_head),  # noqa: B023
            ):
                with pytest.raises(NotAllowed):
                    act()
        actions.give_back(w, task, head, True, "Кайра")
        actions.done(w, task, assignee, "")
        actions.accept(w, task, author, False)
        actions.take_back(w, task, head, True)
        own = w.insert("task", assignee=author, author=author, title="Өзүмө", due=today())
        actions.take_back(w, own, author, False)


def test_a_deputy_neither_accepts_nor_drops_what_the_head_asked(pages: SchoolPages) -> None:
    head, deputy, me = pages.as_("head"), pages.as_("deputy"), pages.person("deputy")
    for person in (me, pages.person("teacher")):
        head.get("/tasks/")
        assert head.post("/tasks/", title="Планды кара", due="2026-12-01", person=str(person))[0] == 302
    mine, theirs = (
        pages.one("SELECT id FROM task WHERE title = 'Планды кара' AND assignee = ?", person)
        for person in (me, pages.person("teacher"))
    )
    text = deputy.get("/tasks/")[1]
    assert (
        f"/tasks/{mine}/done" in text
        and f"/tasks/{mine}/drop" not in text
        and f"/tasks/{theirs}/drop" not in text
    )
    assert f'value="{me}"' not in text
    assert deputy.post(f"/tasks/{mine}/done", answer="Карадым")[0] == 302
    answers = {
        act: deputy.post(f"/tasks/{mine}/{act}", remark="Жок")[0] for act in ("accept", "back", "drop")
    }
    assert set(answers.values()) == {403} and deputy.post(f"/tasks/{theirs}/drop")[0] == 403
    text = head.get("/tasks/")[1]
    assert f"/tasks/{mine}/accept" in text and head.post(f"/tasks/{mine}/accept")[0] == 302
    assert head.post(f"/tasks/{theirs}/drop")[0] == 302


def test_the_deputy_gives_and_a_teacher_sees_the_own_only(pages: SchoolPages) -> None:
    deputy, teacher = pages.as_("deputy"), pages.as_("teacher")
    person = str(pages.person("teacher"))
    deputy.get("/tasks/")
    status, text = deputy.post("/tasks/", title="", due="x", person="")
    assert status == 422 and 'id="error-title"' in text and 'id="error-due"' in text
    assert deputy.post("/tasks/", title="Планды тапшыруу", due="2026-12-01", person=person)[0] == 302
    task = pages.one("SELECT id FROM task WHERE title = 'Планды тапшыруу'")
    assert "Планды тапшыруу" in teacher.get("/tasks/")[1]
    assert "Планды тапшыруу" not in pages.as_("secretary").get("/tasks/")[1]
    assert pages.as_("secretary").post(f"/tasks/{task}/done")[0] == 403
    assert teacher.post(f"/tasks/{task}/accept")[0] == 403
    assert teacher.post(f"/tasks/{task}/done", answer="Тапшырылды")[0] == 302
    assert "Тапшырылды" in deputy.get("/tasks/")[1]
    assert deputy.post(f"/tasks/{task}/accept")[0] == 302


# ---- sign-off


def test_a_later_check_asks_for_a_new_confirmation(db: Database) -> None:
    teacher, deputy = member(db), member(db)
    with writing(db, actor(db)) as w:
        class_id = w.insert("class_group", grade=5, letter="А")
        for areas in ([], ["roll", "nothing"]):
            with pytest.raises(InvalidValue):
                signoff.check(w, class_id, areas, teacher, 100)

    def state(area: str) -> str:
        return next(line.state for line in checks.check_list(db, class_id, 200, 200) if line.area == area)

    assert state("roll") == "open"
    with pytest.raises(NotChecked), writing(db, actor(db)) as w:
        signoff.confirm(w, class_id, ["roll"], deputy, 100)
    for act, person, expected in [
        (signoff.check, teacher, "checked"), (signoff.confirm, deputy, "confirmed"),
        (signoff.check, teacher, "checked"), (signoff.confirm, deputy, "confirmed"),
    ]:  # fmt: skip
        with writing(db, actor(db)) as w:
            act(w, class_id, ["roll"], person, 100)
        assert state("roll") == expected
    with pytest.raises(NotChecked), writing(db, actor(db)) as w:
        signoff.confirm(w, class_id, ["roll", "cards"], deputy, 101)
    assert state("cards") == "open"


def test_who_checked_confirms_only_where_nobody_else_may_and_it_is_told(db: Database) -> None:
    day = today()
    person = db.execute("SELECT person FROM account").fetchone()[0]
    with writing(db, actor(db)) as w:
        class_id = w.insert("class_group", grade=5, letter="А")
        signoff.check(w, class_id, ["roll"], person, day)
    with writing(db, actor(db)) as w:
        signoff.confirm(w, class_id, ["roll"], person, day)
    line = next(one for one in checks.check_list(db, class_id, day, day) if one.area == "roll")
    assert line.state == "confirmed" and line.alone
    other = member(db)
    with writing(db, actor(db)) as w:
        w.insert("appointment", person=other, duty="deputy", start=day)
        signoff.check(w, class_id, ["roll"], person, day)
    with writing(db, actor(db)) as w:
        signoff.confirm(w, class_id, ["roll"], person, day)  # the deputy has no account and cannot
        w.insert("account", person=other, login="deputy", password="x")
    with pytest.raises(OwnCheck), writing(db, actor(db)) as w:
        signoff.confirm(w, class_id, ["roll"], person, day)
    with writing(db, actor(db)) as w:
        signoff.confirm(w, class_id, ["roll"], other, day)
    line = next(one for one in checks.check_list(db, class_id, day, day) if one.area == "roll")
    assert line.state == "confirmed" and not line.alone


@pytest.mark.parametrize("until", ["2025-11-20", "2026-05-29"])
def test_the_check_list_counts_what_is_missing(pages: SchoolPages, until: str) -> None:
    """Of all lessons that were due, as the list of those to be chased has them: a lesson nobody wrote lacks all."""
    class_id, day = pages.led, parse_day(until)
    first = parse_day("2025-09-01")
    with closing(pages.node.connect()) as db:
        roll = pages.one("SELECT start FROM enrolment WHERE class_group = ? LIMIT 1", class_id)
        found = {line.area: line.count for line in checks.check_list(db, class_id, roll, day)}
        chased = len(attendance.not_taken(db, first, day, {class_id}))
        asked = list(attendance.due(db, first, day, {class_id}))
        morning = {line.area: line.count for line in checks.check_list(db, class_id, roll, day, 0)}
    unnamed = pages.one(
        """SELECT count(DISTINCT e.pupil) FROM enrolment e JOIN person p ON p.id = e.pupil
           WHERE e.class_group = ? AND e.start <= ? AND (e."end" IS NULL OR e."end" > ?) AND p.surname IS NULL""",
        class_id,
        roll,
        roll,
    )
    assert found["roll"] > 0
    assert (found["consents"], found["attendance"]) == (unnamed, chased)
    assert found["marks"] == sum(not one["topic"] for one in asked)
    if until > "2026":
        assert min(found["attendance"], found["marks"]) > 100
        assert found["attendance"] - morning["attendance"] == sum(
            one["day"] == day and not one["taken"] for one in asked
        )


def test_missing_results_are_asked_of_whole_classes_and_of_who_was_in_the_subgroup_then(db: Database) -> None:
    start, ended, teacher = parse_day("2025-09-01"), parse_day("2025-11-01"), member(db)
    with writing(db, actor(db)) as w:
        class_id = w.insert("class_group", year=3, grade=7, letter="А")
        whole, part = (
            w.insert("subject_group", class_group=class_id, subject=one, scale=1, teacher=teacher, name=name)
            for one, name in ((1, None), (11, "1"))
        )
        here, away, late = (w.insert("person", sex="f") for _ in range(3))
        for pupil in (here, away, late):
            w.put("pupil", person=pupil, personal_file=f"№ {pupil & 7}")
            w.insert(
                "enrolment", pupil=pupil, class_group=class_id, start=ended + 2 if pupil == late else start
            )
        for pupil in (here, away):
            w.put("subject_group_pupil", subject_group=part, pupil=pupil, start=start)
        w.put("subject_group_gap", subject_group=part, pupil=away, start=ended - 5, end=ended + 9)
    day = ended + 5

    def missing() -> int:
        return next(one.count for one in checks.check_list(db, class_id, day, day) if one.area == "results")

    assert missing() == 3
    with writing(db, actor(db)) as w:
        w.put("term_result", subject_group=whole, pupil=here, term=4, value=5, status="assessed")
    assert missing() == 2
    # The template of marks names who is in the group today.
    for now, listed in ((day, 4), (ended + 9, 5)):
        assert len(list(KINDS["marks"].lines(db, today=now, day=now, person=teacher))) == listed


def test_a_class_teacher_checks_the_own_class_and_the_head_confirms(pages: SchoolPages) -> None:
    own = pages.led
    strange = pages.one(
        "SELECT id FROM class_group WHERE ifnull(teacher, 0) <> ?", pages.person("class_teacher")
    )
    leader, head = pages.as_("class_teacher"), pages.as_("head")
    assert leader.get(f"/sign-off/{strange}")[0] == 403
    assert f"/sign-off/{strange}" not in leader.get("/sign-off/")[1]
    assert leader.post(f"/sign-off/{strange}/check", area="cards")[0] == 403
    assert leader.post(f"/sign-off/{own}/check")[0] == 422
    assert leader.post(f"/sign-off/{own}/confirm", area="cards")[0] == 403
    assert head.post(f"/sign-off/{own}/confirm", area="cards")[0] == 422
    assert leader.post(f"/sign-off/{own}/check", area="cards", note="Баары бар")[0] == 302
    assert "Баары бар" in head.get(f"/sign-off/{own}")[1]
    assert head.post(f"/sign-off/{own}/check", area="cards")[0] == 403
    assert head.post(f"/sign-off/{own}/confirm", area="cards")[0] == 302
    with closing(pages.node.connect()) as db:
        line = next(one for one in checks.check_list(db, own, today(), today()) if one.area == "cards")
    assert line.state == "confirmed" and line.confirmed is not None and line.confirmed.name


def test_a_deputy_who_leads_a_class_leaves_the_own_check_to_another(tmp_path: Path) -> None:
    pages = autumn().again(tmp_path)
    own, deputy = pages.led, pages.as_("deputy")
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        w.insert("appointment", person=pages.person("deputy"), duty="class_teacher", start=0)
        w.update("class_group", own, teacher=pages.person("deputy"))
    deputy.get(f"/sign-off/{own}")
    assert deputy.post(f"/sign-off/{own}/check", area="cards")[0] == 302
    assert "сиз өзүңүз текшергенсиз" in deputy.get(f"/sign-off/{own}")[1]
    status, text = deputy.post(f"/sign-off/{own}/confirm", area="cards")
    assert status == 422 and 'class="notice bad"' in text
    pages.as_("head").get(f"/sign-off/{own}")
    assert pages.as_("head").post(f"/sign-off/{own}/confirm", area="cards")[0] == 302
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        w.update(
            "account", pages.one("SELECT id FROM account WHERE login = ?", pages.logins["head"]), disabled=1
        )
        for one in checks.confirmers(db, today()) - {pages.person("deputy")}:
            w.update("account", pages.one("SELECT id FROM account WHERE person = ?", one), disabled=1)
    assert deputy.post(f"/sign-off/{own}/check", area="cards")[0] == 302
    assert deputy.post(f"/sign-off/{own}/confirm", area="cards")[0] == 302
    for path in (f"/sign-off/{own}", "/sign-off/"):
        assert "текшерген адам өзү ырастады" in deputy.get(path)[1]


# ---- the regulation


def test_every_clause_is_there_in_three_languages() -> None:
    numbers = [number for _, _, clauses in CHAPTERS for number, _ in clauses]
    assert numbers == ["1.1", "1.2", "2.1", "2.2", "3.1", "4.1", "5.1", "6.1", "6.2"]
    texts = [text for _, heading, clauses in CHAPTERS for text in (heading, *(one for _, one in clauses))]
    assert all(len(set(text)) == 3 and all(text) for text in texts)


def test_the_regulation_is_read_by_all_and_its_orders_by_staff(pages: SchoolPages) -> None:
    for language, word in [("ky", "купуя"), ("ru", "конфиденциальной"), ("en", "confidential")]:
        client = pages.sign_in(pages.logins["guardian"])
        client.post("/language", language=language)
        text = client.get("/regulation/")[1]
        assert word in text and "Администрацияны дайындоо" not in text
    pages.sign_in(pages.logins["guardian"]).post("/language", language="ky")
    assert "Администрацияны дайындоо" in pages.as_("teacher").get("/regulation/")[1]
