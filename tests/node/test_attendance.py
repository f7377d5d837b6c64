"""Attendance: missed days, reasons and notes, alerts, what is not taken, and the pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.attendance import actions, forms, queries, views
from node.derived import derive
from node.journal import actions as journal
from node.journal import history
from node.journal.actions import Change
from node.journal.queries import Place, person_name, term_of
from node.results import actions as locking
from shared.i18n import coded
from shared.problems import (
    BadRequest,
    InvalidValue,
    NotFound,
    NotInGroup,
    TermLocked,
    TooManyDays,
    WrongOrder,
)
from shared.schema import BY_NAME
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_journal import EDIT_DAYS, EVENING, TODAY, Desk, a_school, iso_of

REASONS = ("ill", "excused", "unexcused", "unknown")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_school(tmp_path_factory.mktemp("attendance"))


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    made = Desk(school)
    yield made
    with writing(made.db, made.account) as w:
        for table in ("attendance", "lesson"):
            for key in made.db.execute(
                f"SELECT {', '.join(BY_NAME[table].key)} FROM {table} WHERE day >= ? AND retired_at IS NULL",
                (TODAY,),
            ).fetchall():
                w.retire(table, *key)
        for (note,) in made.db.execute("SELECT id FROM absence_note WHERE retired_at IS NULL").fetchall():
            w.retire("absence_note", note)
    made.db.close()


def class_of(desk: Desk) -> int:
    return int(
        desk.db.execute("SELECT class_group FROM subject_group WHERE id = ?", (desk.place.group,)).fetchone()[
            0
        ]
    )


def take(desk: Desk, day: int, away: dict[int, str], but: int = 0) -> list[Place]:
    """Every lesson of the class on a day, its attendance taken but for the last ``but``; the places."""
    found = sorted({(p, g) for d, p, g in queries.lessons(desk.db, class_of(desk), day, day)})
    with writing(desk.db, desk.account) as w:
        for number, (period, group) in enumerate(found):
            key = Place(group, day, period).key
            w.put(
                "lesson",
                **key,
                attendance_taken=int(number < len(found) - but),
                teacher=desk.teacher,
                topic="",
            )
            for pupil, reason in away.items():
                w.put("attendance", **key, pupil=pupil, status="absent", **queries.Reason(reason).columns)
    return [Place(group, day, period) for period, group in found]


def day_of(desk: Desk, pupil: int, day: int = TODAY) -> queries.Day | None:
    return queries.days(desk.db, [pupil], day, day).get((pupil, day))


def test_a_day_is_missed_when_every_lesson_of_it_was(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    places = take(desk, TODAY, {first: "ill", second: "unknown"})
    assert len(places) > 1
    one = day_of(desk, first)
    assert one is not None and one.missed and one.reason == "ill" and one.absent == one.expected
    with writing(desk.db, desk.account) as w:
        w.put("attendance", **places[0].key, pupil=second, status="late")
    other = day_of(desk, second)
    assert other is not None and not other.missed and (other.absent, other.late) == (other.expected - 1, 1)


def test_not_taken_is_not_all_present(desk: Desk) -> None:
    pupil = desk.pupils[0]
    assert day_of(desk, pupil) is None
    lessons = queries.lessons(desk.db, class_of(desk), TODAY, TODAY)
    assert lessons and not any(lessons.values())
    places = take(desk, TODAY, {}, but=1)
    one = day_of(desk, pupil)
    assert one is not None and one.expected < len(places) and not one.absent
    chase = queries.not_taken(desk.db, TODAY, TODAY, [class_of(desk)])
    assert [(row["group"], row["period"]) for row in chase] == [(places[-1].group, places[-1].period)]
    with writing(desk.db, desk.account) as w:
        free = w.insert("own_day", year=_year(desk), day=TODAY, kind="holiday")
    assert queries.not_taken(desk.db, TODAY, TODAY, [class_of(desk)]) == []
    with writing(desk.db, desk.account) as w:
        w.retire("own_day", free)


def test_a_day_is_not_missed_before_attendance_of_all_its_lessons_is_taken(desk: Desk) -> None:
    pupil, days = desk.pupils[0], last_days(desk, 4)
    places = take(desk, TODAY, {pupil: "ill"}, but=1)
    one = day_of(desk, pupil)
    assert one is not None and (one.absent, one.missed, one.is_open) == (one.expected, False, True)
    assert queries.total([one]).all_days == 0
    with writing(desk.db, desk.account) as w:
        w.put("lesson", **places[-1].key, attendance_taken=1)
    one = day_of(desk, pupil)
    assert one is not None and one.missed
    # A day that is still open neither adds to the days in a row nor ends them.
    for day in days[:3]:
        take(desk, day, {pupil: "ill"})
    take(desk, days[3], {pupil: "ill"}, but=1)
    found = queries.alerts(desk.db, TODAY - 60, TODAY, [class_of(desk)])
    assert [one.running for one in found if one.pupil == pupil] == [3]


def test_the_district_is_told_the_same_days(desk: Desk) -> None:
    away = dict(zip(desk.pupils, REASONS, strict=False))
    take(desk, TODAY, away)
    derive(desk.db)
    row = desk.db.execute(
        "SELECT missed, ill, excused, unexcused FROM attendance_day WHERE class_group = ? AND day = ?",
        (class_of(desk), TODAY),
    ).fetchone()
    found = [one for one in queries.days(desk.db, desk.pupils, TODAY, TODAY).values() if one.missed]
    counted = [sum(one.reason == reason for one in found) for reason in REASONS[:3]]
    assert tuple(row) == (len(found), *counted) and len(found) == len(away)


def test_the_class_teacher_gives_a_reason_to_a_whole_day(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    places = take(desk, TODAY, {first: "unknown", second: "unknown"})
    with writing(desk.db, desk.account) as w:
        changed = actions.give_reasons(w, class_of(desk), TODAY, {first: "excused"})
    assert changed == len(places)
    one, other = day_of(desk, first), day_of(desk, second)
    assert one is not None and other is not None and (one.reason, other.reason) == ("excused", "unknown")
    stranger = desk.db.execute(
        "SELECT pupil FROM enrolment WHERE class_group <> ? AND retired_at IS NULL LIMIT 1", (class_of(desk),)
    ).fetchone()[0]
    for given, problem in (({stranger: "ill"}, NotInGroup), ({first: "asleep"}, InvalidValue)):
        with writing(desk.db, desk.account) as w, pytest.raises(problem):
            actions.give_reasons(w, class_of(desk), TODAY, given)


def test_a_reason_given_between_two_lessons_holds_for_those_that_follow(desk: Desk) -> None:
    pupil, mixed = desk.pupils[:2]
    places = take(desk, TODAY, {pupil: "unknown", mixed: "ill"})
    with writing(desk.db, desk.account) as w:
        for place in places[1:]:
            w.retire("attendance", *place.key.values(), pupil)
        actions.give_reasons(w, class_of(desk), TODAY, {pupil: "ill"})
        w.put("attendance", **places[0].key, pupil=mixed, reason="excused")
    desk.save(Change("status", "absent", "present", pupil), place=places[1])
    one, other = day_of(desk, pupil), day_of(desk, mixed)
    assert one is not None and one.reasons == {"ill": 2} and (one.given, one.without_reason) == ("ill", 0)
    assert other is not None and other.given == "", "two reasons of a day are told as two"
    with writing(desk.db, desk.account) as w:
        w.put("attendance", **places[1].key, pupil=pupil, reason=None)
    one = day_of(desk, pupil)
    assert one is not None and (one.given, one.without_reason) == ("ill", 1)
    # What the page shows is not what every lesson has: saving it again gives it to all.
    shown = {
        f"reason-{pupil}": "ill",
        f"seen-reason-{pupil}": "",
        f"reason-{mixed}": "",
        f"seen-reason-{mixed}": "",
    }
    assert forms.reasons(shown) == {pupil: "ill"}


def test_reasons_and_notes_leave_a_locked_period_alone(desk: Desk) -> None:
    pupil, class_id = desk.pupils[0], class_of(desk)
    take(desk, TODAY, {pupil: "unexcused"})
    term = term_of(desk.db, desk.place.group, TODAY)
    assert term is not None
    with writing(desk.db, desk.account) as w:
        note = actions.add_note(w, class_id, pupil, TODAY + 1, TODAY + 2, "ill")
        locking.lock(w, class_id, term["id"])
    for act in (
        lambda w: actions.give_reasons(w, class_id, TODAY, {pupil: "ill"}),
        lambda w: actions.add_note(w, class_id, pupil, TODAY - 1, TODAY, "ill"),
        lambda w: locking.give_conduct(w, class_id, term["id"], {pupil: "good"}),
    ):
        with pytest.raises(TermLocked), writing(desk.db, desk.account) as w:
            act(w)
    with writing(desk.db, desk.account) as w:
        # Nothing of the locked period changes by these.
        same = actions.add_note(w, class_id, pupil, TODAY, TODAY, "unexcused")
        assert actions.withdraw_note(w, class_id, same) == 0
        assert actions.give_reasons(w, class_id, TODAY, {pupil: "unexcused"}) == 0
        assert actions.withdraw_note(w, class_id, note) == 0
        locking.reopen(w, class_id, term["id"], "Ката табылды")
        assert actions.give_reasons(w, class_id, TODAY, {pupil: "ill"}) > 0


def test_a_note_closes_its_days_and_those_to_come(desk: Desk) -> None:
    pupil, class_id = desk.pupils[0], class_of(desk)
    places = take(desk, TODAY, {pupil: "unknown"})
    with writing(desk.db, desk.account) as w:
        note = actions.add_note(w, class_id, pupil, TODAY - 1, TODAY + 5, "ill")
    one = day_of(desk, pupil)
    assert one is not None and one.reasons == {"ill": len(places)}
    assert queries.noted_away(desk.db, desk.pupils, TODAY + 5) == {pupil: "ill"}
    assert queries.noted_away(desk.db, desk.pupils, TODAY + 6) == {}
    # Who is marked absent later, under the note, has its reason at once.
    desk.save(Change("status", "present", "absent", pupil))
    desk.save(Change("status", "absent", "present", pupil))
    one = day_of(desk, pupil)
    assert one is not None and one.reasons == {"ill": len(places)}
    with writing(desk.db, desk.account) as w:
        actions.withdraw_note(w, class_id, note)
    one = day_of(desk, pupil)
    assert one is not None and one.reason == "unknown"
    with writing(desk.db, desk.account) as w, pytest.raises(NotFound):
        actions.withdraw_note(w, class_id, note)


def reasons_of(desk: Desk, pupil: int, day: int = TODAY) -> list[str]:
    """The reasons of a pupil's missed lessons of a day, in order."""
    return [one.why.told[0] for one in queries.absences(desk.db, pupil, day, day)]


def test_without_the_note_stands_again_what_was_given_by_hand(desk: Desk) -> None:
    pupil, class_id = desk.pupils[0], class_of(desk)
    places = take(desk, TODAY, {pupil: "unknown"})
    last = (pupil, places[-1].period, places[-1].group)
    with writing(desk.db, desk.account) as w:
        actions.give_reasons(w, class_id, TODAY, {pupil: "excused"}, {last: "unexcused"})
        note = actions.add_note(w, class_id, pupil, TODAY, TODAY, "ill")
    assert set(reasons_of(desk, pupil)) == {"ill"}
    with writing(desk.db, desk.account) as w:
        assert actions.withdraw_note(w, class_id, note) == len(places)
    assert reasons_of(desk, pupil) == ["excused"] * (len(places) - 1) + ["unexcused"]


@pytest.mark.parametrize("first_goes", [True, False])
def test_a_note_over_a_note_gives_back_the_other_or_what_was_before_both(
    desk: Desk, first_goes: bool
) -> None:
    pupil, class_id, (day, other) = desk.pupils[0], class_of(desk), last_days(desk, 2)
    for one in (day, other):
        take(desk, one, {pupil: "unknown"})
    with writing(desk.db, desk.account) as w:
        actions.give_reasons(w, class_id, day, {pupil: "unexcused"})
        notes = [
            actions.add_note(w, class_id, pupil, day, other, "ill"),
            actions.add_note(w, class_id, pupil, day, day, "excused"),
        ]
    assert (set(reasons_of(desk, pupil, day)), set(reasons_of(desk, pupil, other))) == ({"excused"}, {"ill"})
    gone, left = notes if first_goes else notes[::-1]
    with writing(desk.db, desk.account) as w:
        actions.withdraw_note(w, class_id, gone)
    found = set(reasons_of(desk, pupil, day)), set(reasons_of(desk, pupil, other))
    assert found == (({"excused"}, {"unknown"}) if first_goes else ({"ill"}, {"ill"}))
    with writing(desk.db, desk.account) as w:
        actions.withdraw_note(w, class_id, left)
    found = set(reasons_of(desk, pupil, day)), set(reasons_of(desk, pupil, other))
    assert found == ({"unexcused"}, {"unknown"})


def test_an_absence_entered_under_a_note_has_the_reason_of_its_day_without_it(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    class_id, places = class_of(desk), take(desk, TODAY, {first: "unknown", second: "unknown"})
    with writing(desk.db, desk.account) as w:
        for pupil in (first, second):
            w.put("attendance", **desk.place.key, pupil=pupil, status="present", reason=None)
        actions.give_reasons(w, class_id, TODAY, {first: "excused"})
        notes = [actions.add_note(w, class_id, pupil, TODAY, TODAY, "ill") for pupil in (first, second)]
    desk.save(*(Change("status", "absent", "present", pupil) for pupil in (first, second)))
    assert reasons_of(desk, first) == reasons_of(desk, second) == ["ill"] * len(places)
    with writing(desk.db, desk.account) as w:
        for note in notes:
            actions.withdraw_note(w, class_id, note)
    assert reasons_of(desk, first) == ["excused"] * len(places)
    assert reasons_of(desk, second) == ["unknown"] * len(places)


def test_a_reason_given_by_hand_over_a_note_stays_without_it(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    class_id, places = class_of(desk), take(desk, TODAY, {first: "unknown", second: "unknown"})
    lesson = (second, places[0].period, places[0].group)
    with writing(desk.db, desk.account) as w:
        notes = [actions.add_note(w, class_id, pupil, TODAY, TODAY, "ill") for pupil in (first, second)]
        actions.give_reasons(w, class_id, TODAY, {first: "unexcused"}, {lesson: "excused"})
        for note in notes:
            actions.withdraw_note(w, class_id, note)
    assert reasons_of(desk, first) == ["unexcused"] * len(places)
    assert reasons_of(desk, second) == ["excused"] + ["unknown"] * (len(places) - 1)


@pytest.mark.parametrize("status", ["present", "late"])
def test_a_status_that_goes_and_comes_back_brings_its_reason_along(desk: Desk, status: str) -> None:
    """The subject teacher's hand slips on an absence whose reason the class teacher has given."""
    pupil, class_id, places = desk.pupils[0], class_of(desk), take(desk, TODAY, {desk.pupils[0]: "unknown"})
    others, own = len(places) - 1, (pupil, desk.place.period, desk.place.group)

    def there_and_back() -> list[str]:
        desk.save(Change("status", status, "absent", pupil))
        kept = desk.db.execute(
            "SELECT reason FROM attendance WHERE pupil = ? AND day = ? AND status = ?", (pupil, TODAY, status)
        ).fetchall()
        # Of who was there nothing is told.
        assert kept == [(None,)] and len(reasons_of(desk, pupil)) == others
        desk.save(Change("status", "absent", status, pupil))
        return [one.why.told[0] for one in queries.absences(desk.db, pupil, TODAY, TODAY)
                if (one.period, one.group) == own[1:]]  # fmt: skip

    assert there_and_back() == ["unknown"]
    with writing(desk.db, desk.account) as w:
        actions.give_reasons(w, class_id, TODAY, {pupil: "excused"}, {own: "ill"})
    assert there_and_back() == ["ill"]
    # A note goes before what was given till then, as does what is given after it.
    with writing(desk.db, desk.account) as w:
        note = actions.add_note(w, class_id, pupil, TODAY, TODAY, "excused")
    assert there_and_back() == ["excused"]
    with writing(desk.db, desk.account) as w:
        actions.give_reasons(w, class_id, TODAY, {}, {own: "unexcused"})
    assert there_and_back() == ["unexcused"]
    with writing(desk.db, desk.account) as w:
        actions.withdraw_note(w, class_id, note)
    assert there_and_back() == ["unexcused"]


def test_a_reason_comes_with_an_absence_from_who_gives_reasons_alone(desk: Desk) -> None:
    first, second = desk.pupils[:2]
    ill = Change("status", "absent", "present", first, why="ill")

    def give(change: Change, gives: bool, today: int = TODAY) -> int:
        with writing(desk.db, desk.account) as w:
            return journal.save(w, desk.place, desk.teacher, today, [change], gives_reasons=gives)

    assert give(replace(ill, pupil=second), False) == 1
    assert reasons_of(desk, second) == ["unknown"] and give(replace(ill, pupil=second), False) == 0
    assert (give(ill, True), give(ill, True)) == (1, 0) and reasons_of(desk, first) == ["ill"]
    # Of who is absent already it is said, at any time; the absence itself is not written anew.
    late = TODAY + EDIT_DAYS + 1
    assert give(replace(ill, pupil=second, seen="absent", why="excused"), True, late) == 1
    assert reasons_of(desk, second) == ["excused"]
    assert give(Change("status", "absent", "absent", second), True) == 0
    assert reasons_of(desk, second) == ["excused"] and not desk.cell(second).corrections
    with pytest.raises(InvalidValue):
        give(replace(ill, why="tired"), True)
    term = term_of(desk.db, desk.place.group, TODAY)
    assert term is not None
    with writing(desk.db, desk.account) as w:
        locking.lock(w, class_of(desk), term["id"])
    try:
        with pytest.raises(TermLocked):
            give(replace(ill, seen="absent", why="excused"), True)
    finally:
        with writing(desk.db, desk.account) as w:
            locking.reopen(w, class_of(desk), term["id"], "Оңдоо")


def test_the_history_of_a_cell_tells_the_reason_and_no_number_of_a_note(desk: Desk) -> None:
    pupil = desk.pupils[0]
    take(desk, TODAY, {pupil: "unexcused"})
    with writing(desk.db, desk.account) as w:
        actions.add_note(w, class_of(desk), pupil, TODAY, TODAY, "ill")
    steps = history.of_cell(desk.db, desk.place, pupil, TODAY)
    assert [line for _, line in steps[0].lines] == [coded("ill", "attendance", "reason")]


def test_a_form_gives_reasons_by_lesson_where_they_differ_from_those_shown() -> None:
    sent = {
        "reason-7": "ill", "seen-reason-7": "ill",
        "lesson-reason-7-1-20": "ill", "seen-lesson-reason-7-1-20": "ill",
        "lesson-reason-7-2-21": "unexcused", "seen-lesson-reason-7-2-21": "ill",
    }  # fmt: skip
    assert (forms.reasons(sent), forms.lesson_reasons(sent)) == ({}, {(7, 2, 21): "unexcused"})
    for flawed in ("lesson-reason-7-2", "lesson-reason-7-2-x"):
        with pytest.raises(BadRequest):
            forms.lesson_reasons({flawed: "ill"})


def test_reasons_by_lesson_are_held_to_the_same_rules(desk: Desk) -> None:
    pupil, class_id = desk.pupils[0], class_of(desk)
    first, *rest = take(desk, TODAY, {pupil: "unknown"})
    stranger = desk.db.execute(
        "SELECT pupil FROM enrolment WHERE class_group <> ? AND retired_at IS NULL LIMIT 1", (class_id,)
    ).fetchone()[0]
    for who, reason, problem in ((stranger, "ill", NotInGroup), (pupil, "asleep", InvalidValue)):
        with writing(desk.db, desk.account) as w, pytest.raises(problem):
            actions.give_reasons(w, class_id, TODAY, {}, {(who, first.period, first.group): reason})
    with writing(desk.db, desk.account) as w:
        lesson = (pupil, first.period, first.group)
        assert actions.give_reasons(w, class_id, TODAY, {}, {lesson: "ill"}) == 1
        # A lesson that was not missed, or is no lesson of the pupil's, has no reason to be given.
        w.put("attendance", **first.key, pupil=pupil, status="late", reason=None)
        others = {lesson: "ill", (pupil, first.period, 0): "ill"}
        assert actions.give_reasons(w, class_id, TODAY, {pupil: "excused"}, others) == len(rest)


def test_a_note_says_something_about_a_pupil_of_the_class(desk: Desk) -> None:
    pupil, class_id = desk.pupils[0], class_of(desk)
    for start, end, reason, problem in (
        (TODAY, TODAY - 1, "ill", WrongOrder),
        (TODAY, TODAY + actions.MOST_DAYS, "ill", TooManyDays),
        (TODAY, TODAY, "unknown", InvalidValue),
        (TODAY - 4000, TODAY - 4000, "ill", NotInGroup),
    ):
        with writing(desk.db, desk.account) as w, pytest.raises(problem):
            actions.add_note(w, class_id, pupil, start, end, reason)


def last_days(desk: Desk, count: int) -> list[int]:
    """The last school days of the class, today among them."""
    on = {day for day, _, _ in queries.lessons(desk.db, class_of(desk), TODAY - 3 * count, TODAY)}
    return sorted(on)[-count:]


def test_three_days_running_are_told_and_a_day_at_school_ends_them(desk: Desk) -> None:
    pupil, days = desk.pupils[0], last_days(desk, 3)
    start = TODAY - 60

    def told() -> list[int]:
        found = queries.alerts(desk.db, start, TODAY, [class_of(desk)])
        return [one.running for one in found if one.pupil == pupil]

    with writing(desk.db, desk.account) as w:
        for row in desk.db.execute(
            "SELECT subject_group, day, period FROM attendance WHERE pupil = ? AND day < ?", (pupil, TODAY)
        ).fetchall():
            w.put(
                "attendance", **Place(row[0], row[1], row[2]).key, pupil=pupil, status="present", reason=None
            )
    for day in days[:2]:
        take(desk, day, {pupil: "ill"})
    assert told() == []
    take(desk, days[2], {pupil: "ill"})
    assert told() == [3]
    assert queries.alerts(desk.db, start, TODAY, [0]) == []
    places = [Place(g, days[2], p) for d, p, g in queries.lessons(desk.db, class_of(desk), days[2], days[2])]
    with writing(desk.db, desk.account) as w:
        w.put("attendance", **places[0].key, pupil=pupil, status="present", reason=None)
        for day in days[:2]:
            for row in desk.db.execute(
                "SELECT subject_group, period FROM attendance WHERE pupil = ? AND day = ?", (pupil, day)
            ).fetchall():
                w.put(
                    "attendance", **Place(row[0], day, row[1]).key, pupil=pupil, status="absent", reason="ill"
                )
    assert told() == []


def test_days_missed_without_a_reason_are_told_and_a_lesson_attended_spares_one(desk: Desk) -> None:
    pupil, days, start = desk.pupils[0], last_days(desk, 12)[:-1], TODAY - 60

    def told() -> list[int]:
        found = queries.alerts(desk.db, start, TODAY)
        return [one.unexcused for one in found if one.pupil == pupil]

    with writing(desk.db, desk.account) as w:
        for group, day, period in desk.db.execute(
            "SELECT subject_group, day, period FROM attendance WHERE pupil = ?", (pupil,)
        ).fetchall():
            w.put("attendance", **Place(group, day, period).key, pupil=pupil, status="present", reason=None)
    for day in days:
        take(desk, day, {pupil: "unexcused"})
    assert told() == [11]
    lesson = min((d, p, g) for d, p, g in queries.lessons(desk.db, class_of(desk), days[0], days[0]))
    place = Place(lesson[2], days[0], lesson[1])
    with writing(desk.db, desk.account) as w:
        w.put("attendance", **place.key, pupil=pupil, status="absent", reason="ill")
    assert told() == [10]
    with writing(desk.db, desk.account) as w:
        w.put("attendance", **place.key, pupil=pupil, status="absent", reason="unexcused")
    assert told() == [11]
    with writing(desk.db, desk.account) as w:
        w.put("attendance", **place.key, pupil=pupil, status="late", reason=None)
    assert told() == [10]
    take(desk, last_days(desk, 1)[0], {})
    with writing(desk.db, desk.account) as w:
        free = w.insert("own_day", year=_year(desk), day=days[1], kind="holiday")
    assert told() == []
    with writing(desk.db, desk.account) as w:
        w.retire("own_day", free)


def _year(desk: Desk) -> int:
    row = desk.db.execute("SELECT year FROM class_group WHERE id = ?", (class_of(desk),)).fetchone()
    return int(row[0])


def test_the_school_chooses_its_letters(desk: Desk) -> None:
    with desk.school.app.test_request_context():
        assert queries.letters(desk.db)["absent"] == "ж"
        with writing(desk.db, desk.account) as w:
            row = w.insert("setting", name="letter_absent", value="н")
        assert queries.letters(desk.db)["absent"] == "н"
        with writing(desk.db, desk.account) as w:
            w.retire("setting", row)


# ---- pages


@pytest.fixture
def on_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    from node.journal import pages

    for module in (views, pages):
        monkeypatch.setattr(module, "today", lambda: TODAY)
        monkeypatch.setattr(module, "minute_of_day", lambda: EVENING)


@pytest.mark.usefixtures("on_that_day")
def test_the_class_teacher_works_on_the_page_of_a_day(desk: Desk) -> None:
    school = desk.school
    class_id, client = school.led, school.as_("class_teacher")
    desk.place = Place(
        desk.db.execute("SELECT id FROM subject_group WHERE class_group = ? LIMIT 1", (class_id,)).fetchone()[
            0
        ],
        TODAY,
        1,
    )
    pupil = min(queries.enrolled(desk.db, class_id, TODAY, TODAY))
    page = f"/attendance/class/{class_id}"
    here = f"view=day&day={iso_of(TODAY)}"
    # Of a day of which nothing is known it is not said that all were there.
    with writing(desk.db, desk.account) as w:
        for day, period, group in queries.lessons(desk.db, class_id, TODAY, TODAY):
            w.put("lesson", subject_group=group, day=day, period=period, attendance_taken=0)
    unknown = client.get(f"{page}?{here}")[1]
    assert "бир да сабагынын катышуусу" in unknown and "баары болгон" not in unknown
    take(desk, TODAY, {pupil: "unknown"})
    status, text = client.get(f"{page}?{here}")
    assert status == 200 and f'name="reason-{pupil}"' in text
    sent = {f"seen-reason-{pupil}": "unknown", f"reason-{pupil}": "ill"}
    assert client.post(f"{page}/reasons?{here}", **sent)[0] == 302
    one = day_of(desk, pupil)
    assert one is not None and one.reason == "ill"
    lesson = queries.absences(desk.db, pupil, TODAY, TODAY)[-1]
    name = f"lesson-reason-{pupil}-{lesson.period}-{lesson.group}"
    text = client.get(f"{page}?{here}")[1]
    assert f'name="{name}"' in text and '<details class="more">' in text
    assert client.post(f"{page}/reasons?{here}", **{f"seen-{name}": "ill", name: "unexcused"})[0] == 302
    assert reasons_of(desk, pupil) == ["ill"] * (one.absent - 1) + ["unexcused"]
    # Where the lessons differ they stand open.
    assert '<details class="more" open>' in client.get(f"{page}?{here}")[1]
    note = {"pupil": str(pupil), "start": iso_of(TODAY), "end": iso_of(TODAY + 2), "reason": "excused"}
    assert client.post(f"{page}/note?{here}", **note | {"end": iso_of(TODAY - 2)})[0] == 422
    for left_open in ("pupil", "reason"):
        assert client.post(f"{page}/note?{here}", **note | {left_open: ""})[0] == 422
    status, there = client.post(f"{page}/note?{here}", **note)
    told = client.get(there)[1]
    assert status == 302 and "Белгиленди: " in told and "сабакта болгон" not in told
    other = max(queries.enrolled(desk.db, class_id, TODAY, TODAY))
    there = client.post(f"{page}/note?{here}", **note | {"pupil": str(other)})[1]
    assert "сабакта болгон" in client.get(there)[1]
    one = day_of(desk, pupil)
    assert one is not None and one.reason == "excused"
    for view in ("week", "month"):
        status, text = client.get(f"{page}?view={view}&day={iso_of(TODAY)}")
        assert status == 200 and 'class="absent"' in text
    assert client.get(f"{page}?view=hour")[0] == 404
    shown = school.as_("head").get(f"{page}?{here}")[1]
    assert f'name="reason-{pupil}"' not in shown
    assert school.as_("head").post(f"{page}/reasons?{here}", **sent)[0] == 403
    assert school.as_("head").get(f"/attendance/pupil/{pupil}")[0] == 200


@pytest.mark.usefixtures("on_that_day")
def test_a_day_that_nobody_has_taken_says_that_nothing_is_known(desk: Desk) -> None:
    class_id = desk.school.led
    desk.place = Place(
        desk.school.one("SELECT min(id) FROM subject_group WHERE class_group = ?", class_id), TODAY, 1
    )
    count = len(take(desk, TODAY, {}, but=99))
    page = f"/attendance/class/{class_id}?view=day&day={iso_of(TODAY)}"
    text = desk.school.as_("class_teacher").get(page)[1]
    assert f"сабактар: 0 / {count}." in text and "белгилене элек" in text and "Бардыгы келген" not in text


@pytest.mark.usefixtures("on_that_day")
def test_the_deputy_chases_lessons_that_nobody_took(desk: Desk) -> None:
    take(desk, TODAY - 1, {}, but=1)
    text = desk.school.as_("deputy").get("/attendance/")[1]
    assert "fold-list" in text
    assert f"/attendance/class/{class_of(desk)}" in text


@pytest.mark.usefixtures("on_that_day")
def test_a_subject_teacher_reads_who_adds_the_reasons(desk: Desk) -> None:
    login, class_id, lead = desk.db.execute(
        """SELECT a.login, cg.id, cg.teacher FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group
           JOIN account a ON a.person = sg.teacher WHERE cg.teacher IS NOT NULL AND sg.teacher NOT IN
             (SELECT teacher FROM class_group WHERE teacher IS NOT NULL) LIMIT 1"""
    ).fetchone()
    text = desk.school.sign_in(login).get("/attendance/")[1]
    told = text.split("Класстарымдын жетекчилери", 1)[1]
    assert person_name(desk.db, lead, TODAY) in told and "себебин класс жетекчи кошот" in told
    assert f"/attendance/class/{class_id}" not in text
    assert "Класстарымдын жетекчилери" not in desk.school.as_("deputy").get("/attendance/")[1]


@pytest.mark.usefixtures("on_that_day")
def test_a_note_expects_the_pupil_away_until_the_lesson_is_taken(desk: Desk, tmp_path: Path) -> None:
    pupil = desk.pupils[0]
    with writing(desk.db, desk.account) as w:
        actions.add_note(w, class_of(desk), pupil, TODAY, TODAY, "ill")
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    address = f"/journal/lesson/{desk.place.group}/{iso_of(TODAY)}/{desk.place.period}"
    client = desk.school.sign_in(login)
    text = client.get(address)[1]
    assert f'data-pupil="{pupil}" data-expected-away' in text
    desk.save(Change("taken", 1, 0))
    assert "data-expected-away" not in client.get(address)[1]
