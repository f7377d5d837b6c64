"""The diary on a family's first page: new marks and absences, today's lessons, what is to be done for the next."""

from __future__ import annotations

from contextlib import closing

from node.home.diary import NEWS_DAYS, diary, news
from shared.dates import parse_day
from tests.node.conftest import SchoolPages

LAST = parse_day("2025-11-20")
"""The last day that the school has told; a Thursday."""


def test_homework_is_what_the_lesson_before_gave(pages: SchoolPages) -> None:
    pupil = pages.named_pupil
    with closing(pages.node.connect()) as db:
        found = diary(db, pupil, LAST)
        before = {
            (group, day, period): homework or ""
            for group, day, period, homework in db.execute(
                "SELECT subject_group, day, period, homework FROM lesson WHERE day <= ? AND retired_at IS NULL",
                (LAST,),
            ).fetchall()
        }
    assert {one.lesson.day for one in found.today} == {LAST}
    assert found.next_day == LAST + 1 and {one.lesson.day for one in found.next} == {LAST + 1}
    told = 0
    for one in found.today + found.next:
        group, at = one.lesson.group, (one.lesson.day, one.lesson.period)
        earlier = max((key for key in before if key[0] == group and key[1:] < at), default=None)
        assert one.due == (before[earlier] if earlier else "")
        assert one.given == before.get((group, *at), "")
        told += bool(one.due)
    assert told


def test_news_are_the_marks_and_absences_of_two_weeks_one_line_for_a_day_missed(pages: SchoolPages) -> None:
    away = "status = 'absent' AND retired_at IS NULL AND day BETWEEN ? AND ?"
    span = (LAST - NEWS_DAYS, LAST)
    pupil = pages.one(
        f"SELECT pupil FROM attendance WHERE {away} GROUP BY pupil, day, reason HAVING count(*) > 2 LIMIT 1",
        *span,
    )
    with closing(pages.node.connect()) as db:
        found = news(db, pupil, LAST)
        marks = db.execute(
            """SELECT value FROM mark WHERE pupil = ? AND day BETWEEN ? AND ? AND value IS NOT NULL
               AND retired_at IS NULL""",
            (pupil, *span),
        ).fetchall()
        missed = db.execute(
            f"SELECT day, ifnull(reason, 'unknown') FROM attendance WHERE pupil = ? AND {away}",
            (pupil, *span),
        ).fetchall()
    assert sorted(value for one in found for value, _ in one.marks) == sorted(value for (value,) in marks)
    told = [one for one in found if one.status == "absent" and not one.marks]
    assert sum(len(one.subjects) for one in told) == len(missed)
    assert {(one.day, one.reason) for one in told} == set(missed) and len(told) < len(missed)
    assert [one.day for one in found] == sorted((one.day for one in found), reverse=True)


def test_the_family_finds_the_child_at_the_top_of_the_first_page(pages: SchoolPages) -> None:
    for duty in ("guardian", "pupil"):
        child = pages.one("SELECT person FROM account WHERE login = 'pupil'")
        html = pages.as_(duty).get("/")[1]
        assert f'id="child-{child}"' in html and f"/timetable/?child={child}" in html
        assert "Жаңы баалар жана калтырган сабактар" in html
        # The whole week is folded below.
        assert (
            html.index('class="week"') > html.index('<details class="card more">') > html.index("Жаңы баалар")
        )
