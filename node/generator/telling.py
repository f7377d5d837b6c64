"""The year as it is told month by month: who comes and goes, lessons and marks, results of quarters and year."""

from __future__ import annotations

from node.generator import rolls
from node.generator.books import School
from node.generator.curriculum import topics_of
from node.generator.timetable import Slot
from node.generator.year import Held, Month, Move, Quarter, Story, stays
from shared.grading import annual, propose
from shared.schema import Value
from sync.writer import Writer, writing

OWN_MIND = 0.03
"""Share of quarter marks in which the teacher differs from the proposal, and says why."""


def tell(school: School, events: list[Move], slots: dict[int, list[Slot]]) -> None:
    """Write the year; `slots` are the weekly lessons by the number of the group."""
    story = Story(
        school.rng,
        school.cast,
        slots,
        stays(school.cast, events, school.year),
        school.year,
        school.reference.weights,
    )
    waiting = list(events)
    done = 0
    ended: list[Quarter] = []
    for month in story.months():
        last = month.lessons[-1].day if month.lessons else 0
        now = [move for move in waiting if move.day <= last]
        waiting = waiting[len(now) :]
        rolls.write_moves(school, now)
        _journal(school, month, story)
        done += len({held.day for held in month.lessons})
        school.progress("days", done, len(school.year.days))
        quarter = school.year.quarter_of(last)
        following = school.year.days[done] if done < len(school.year.days) else school.year.until + 1
        if quarter is not None and following > quarter.end:
            _results(school, story, quarter, last)
            ended.append(quarter)
            story.begin_quarter()
        elif quarter is None:
            story.begin_quarter()
    if len(ended) == len(school.year.quarters) > 0 and school.year.term is not None:
        _year_results(school, story)


def _journal(school: School, month: Month, story: Story) -> None:
    if month.substitutions:
        with school.as_("deputy") as w:
            for one in month.substitutions:
                w.put(
                    "substitution",
                    subject_group=school.ids.groups[one.group],
                    day=one.day,
                    period=one.period,
                    teacher=school.ids.staff[one.teacher],
                    reason="Мугалим ооруп калды",
                )
    by_teacher: dict[int, list[Held]] = {}
    for held in month.lessons:
        by_teacher.setdefault(held.teacher, []).append(held)
    for teacher, lessons in by_teacher.items():
        with writing(school.db, school.account_of(teacher)) as w:
            for held in lessons:
                _lesson(school, w, held)


def _lesson(school: School, w: Writer, held: Held) -> None:
    group = school.cast.groups[held.group]
    language = school.cast.classes[group.in_class].language
    items = school.ids.items[held.group]
    item = min(held.number, len(items)) - 1
    topics = topics_of(group.subject, language)
    where: dict[str, Value] = {
        "subject_group": school.ids.groups[held.group],
        "day": held.day,
        "period": held.period,
    }
    homework = {"ky": "§ {}, {}-көнүгүү", "ru": "§ {}, упр. {}"}[language]
    w.put(
        "lesson",
        **where,
        topic=topics[item * len(topics) // len(items)],
        homework=homework.format(item // 2 + 1, held.number % 9 + 1),
        plan_item=items[item],
        attendance_taken=1,
        teacher=school.ids.staff[held.teacher],
    )
    for away in held.away:
        w.put(
            "attendance",
            **where,
            pupil=school.ids.pupils[away.pupil],
            status=away.status,
            reason=away.reason,
        )
    for mark in held.marks:
        w.put(
            "mark",
            **where,
            pupil=school.ids.pupils[mark.pupil],
            slot=mark.slot,
            value=mark.value,
            kind=school.reference.kinds[mark.kind],
            scale=school.reference.scales["five"],
        )
    school.lessons += 1
    school.marks += len(held.marks)


def _results(school: School, story: Story, quarter: Quarter, day: int) -> None:
    for teacher, numbers in school.groups_by_teacher().items():
        with writing(school.db, school.account_of(teacher)) as w:
            for number in numbers:
                for pupil in story.members(school.cast.groups[number], day):
                    _result(school, w, story, quarter, number, pupil)
    school.progress("results", quarter.number, len(school.year.quarters))


def _result(school: School, w: Writer, story: Story, quarter: Quarter, number: int, pupil: int) -> None:
    proposed = propose(story.marks.get((number, pupil), ()))
    given, reason = _decided(school, proposed)
    missed = story.missed[number, pupil]
    school.year_marks.setdefault((number, pupil), []).append(given)
    school.year_missed[number, pupil] += missed
    _put_result(school, w, number, pupil, quarter.term, given, missed, reason)


def _decided(school: School, proposed: int | None) -> tuple[int | None, str | None]:
    """The mark the teacher gives; a reason where it is not the proposed one."""
    if proposed is None or school.rng.random() >= OWN_MIND:
        return proposed, None
    if proposed < 5 and school.rng.random() < 0.7:
        return proposed + 1, "Чейректин аягында тапшырмаларды кайра тапшырды"
    return max(2, proposed - 1), "Текшерүү иштерин төмөн аткарды" if proposed > 2 else None


def _put_result(
    school: School,
    w: Writer,
    number: int,
    pupil: int,
    term: int,
    value: int | None,
    missed: int,
    reason: str | None,
) -> None:
    w.put(
        "term_result",
        subject_group=school.ids.groups[number],
        pupil=school.ids.pupils[pupil],
        term=term,
        value=value,
        band=value,
        status=_status(school, number, pupil, value),
        missed=missed,
        reason=reason,
    )


def _status(school: School, number: int, pupil: int, value: int | None) -> str:
    group = school.cast.groups[number]
    if school.cast.classes[group.in_class].grade == 1:
        return "unmarked"
    if group.subject == "pe" and school.cast.pupils[pupil].exempt_from_pe:
        return "exempt"
    return "na" if value is None else "assessed"


def _year_results(school: School, story: Story) -> None:
    assert school.year.term is not None
    for teacher, numbers in school.groups_by_teacher().items():
        with writing(school.db, school.account_of(teacher)) as w:
            for number in numbers:
                for pupil in story.members(school.cast.groups[number], school.year.until):
                    value = annual(school.year_marks[number, pupil])
                    missed = school.year_missed[number, pupil]
                    _put_result(school, w, number, pupil, school.year.term, value, missed, None)
