"""Deciding on pupils at the end of a year, and closing it: one transaction that can be undone as one act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlite_utils import Database

from node import frozen, roster
from node.classes import queries as class_queries
from node.schooldays import YEARS
from node.yearend import queries
from node.yearend.queries import GRADES, Key, NextClass, Plan, PupilPlan, Step
from shared.dates import school_year_name
from shared.problems import InvalidValue, Undecided, YearRunning
from sync import undo
from sync.undo import Act, LeftAlone, Undone
from sync.writer import Writer

CLOSING = "closing"
Choice = tuple[str, int | None]
"""An outcome and the class of the next year that was chosen, if any; the empty outcome leaves it to the rule."""


@dataclass(frozen=True)
class Closed:
    """What a closing did."""

    act: int
    promoted: int
    repeating: int
    graduated: int
    classes: int


def decide(w: Writer, year: int, choices: Mapping[int, Choice]) -> int:
    """Write what was decided of pupils of a year; returns how many decisions changed.

    NotFound, NoFollowingYear; InvalidValue: not on a roll of the year, an outcome that the map does not allow, or a
    class of another year or grade.
    """
    plan = queries.plan(w.db, year)
    steps = queries.promotion_map(w.db, year)
    known = {one.pupil: one for one in plan.pupils}
    by_id = {one.id: one for one in plan.next_classes.values() if one.id is not None}
    changed = 0
    for pupil, (outcome, to_class) in sorted(choices.items()):
        if pupil not in known:
            raise InvalidValue(table="year_decision", column="pupil", value=pupil)
        if not outcome:
            changed += w.retire("year_decision", pupil, year)
            continue
        _check(known[pupil], outcome, by_id.get(to_class) if to_class else None, to_class, steps)
        changed += w.put("year_decision", year=year, pupil=pupil, outcome=outcome, to_class=to_class)
    return changed


def _check(
    one: PupilPlan,
    outcome: str,
    target: NextClass | None,
    to_class: int | None,
    steps: Mapping[int, Step],
) -> None:
    step = steps.get(one.grade)
    if outcome not in ("promoted", "repeating", "graduated"):
        raise InvalidValue(table="year_decision", column="outcome", value=outcome)
    if outcome == "promoted" and (step is None or step.to_grade is None):
        raise InvalidValue(table="year_decision", column="outcome", value=outcome)
    if outcome == "graduated" and (step is None or not step.graduates):
        raise InvalidValue(table="year_decision", column="outcome", value=outcome)
    if to_class is not None:
        grade = step.to_grade if outcome == "promoted" and step else one.grade
        if target is None or outcome == "graduated" or target.grade != grade:
            raise InvalidValue(table="year_decision", column="to_class", value=to_class)


def write_map(w: Writer, year: int, steps: Mapping[int, Step | None]) -> int:
    """Say where the grades of a year go, None: the map does not say; returns how many steps are others now.

    InvalidValue: a year whose map the country gives, a grade that there is not, or one that stays what it is.
    """
    if not queries.is_own(w.db, year):
        raise InvalidValue(table="promotion_map", column="year", value=year)
    changed = 0
    for grade, step in sorted(steps.items()):
        if grade not in GRADES:
            raise InvalidValue(table="promotion_map", column="grade", value=grade)
        if step is None:
            changed += w.retire("promotion_map", year, grade)
            continue
        if step.to_grade is not None and (step.to_grade not in GRADES or step.to_grade <= grade):
            raise InvalidValue(table="promotion_map", column="to_grade", value=step.to_grade)
        changed += w.put(
            "promotion_map", year=year, grade=grade, to_grade=step.to_grade, graduates=int(step.graduates)
        )
    return changed


def make_classes(w: Writer, year: int) -> int:
    """Make the proposed classes of the next year; returns how many. NotFound, NoFollowingYear."""
    return len(_make(w, queries.plan(w.db, year)))


def close(w: Writer, year: int, today: int, order_number: str = "", order_date: int | None = None) -> Closed:
    """Move every pupil of a year on. NotFound, NoFollowingYear, YearRunning; Undecided: nothing was written.

    Classes of the next year that are missing are made, with the subjects of this year's class of that grade. Who goes
    on leaves the old class on the first day of the next year, and stays in the part of it that is named as before; who
    graduates leaves on the day after the closing. However late a year is closed, its lines stand in its own book.
    """
    plan = queries.plan(w.db, year)
    if today < plan.last_day:
        raise YearRunning()
    if plan.undecided:
        raise Undecided(count=len(plan.undecided))
    came = queries.since(w.db, plan)
    made = _make(w, plan)
    rows, start = _rows(plan) | made, plan.following.start
    parts: dict[int, dict[int, roster.Chosen]] = {}
    paper = {"order_number": order_number or None, "order_date": order_date}
    for one in plan.pupils:
        _forget(w, one)
        # Who comes to the class on a day after this one is moved on from then.
        day = max(min(today, plan.ends), came[one.pupil])
        gone = max(min(today + 1, plan.ends), came[one.pupil] + 1)
        if one.outcome == "graduated":
            roster.leave(w, one.pupil, one.from_class, gone)
            w.insert(
                "movement",
                pupil=one.pupil,
                kind="graduated",
                date=gone,
                from_class=one.from_class,
                **paper,
            )
            continue
        assert one.to is not None
        to_class = rows[one.to]
        roster.leave(w, one.pupil, one.from_class, start)
        alike = roster.parts_alike(w.db, one.pupil, one.from_class, to_class, start)
        roster.enrol(w, one.pupil, to_class, start, one.outcome == "repeating", alike)
        parts.setdefault(to_class, {})[one.pupil] = alike
        w.insert(
            "movement",
            pupil=one.pupil,
            kind=one.outcome,
            date=day,
            from_class=one.from_class,
            to_class=to_class,
            **paper,
        )
    for class_group, chosen in parts.items():
        roster.divide(w, class_group, start, chosen)
    frozen.follow(w, None)
    act = undo.note_act(w, CLOSING, school_year_name(plan.year.start), len(plan.pupils))
    count = {o: sum(c.count(o) for c in plan.classes) for o in ("promoted", "repeating", "graduated")}
    return Closed(act, count["promoted"], count["repeating"], count["graduated"], len(made))


def _forget(w: Writer, one: PupilPlan) -> None:
    """Who left after an earlier closing of the year and came back to the class is moved on by one line, not by two."""
    for (line,) in w.db.execute(
        """SELECT m.id FROM movement m JOIN class_group cg ON cg.id = m.from_class WHERE m.pupil = ?
           AND m.retired_at IS NULL AND m.kind IN ('promoted', 'repeating')
           AND cg.year = (SELECT year FROM class_group WHERE id = ?)""",
        (one.pupil, one.from_class),
    ).fetchall():
        w.retire("movement", line)


def _make(w: Writer, plan: Plan) -> dict[Key, int]:
    """Make the proposed classes that are not there; each is taught what this year's class of that grade is taught."""
    made: dict[Key, int] = {}
    for key, one in sorted(plan.next_classes.items()):
        if one.id is None:
            made[key] = w.insert(
                "class_group",
                year=plan.following.id,
                grade=one.grade,
                letter=one.letter,
                language=one.language,
                shift=one.shift,
                week_days=one.week_days,
                teacher=one.teacher,
                room=one.room,
            )
            source = _model(plan, one)
            if source is not None:
                roster.copy_groups(w, made[key], source, one.source)
    _combine(w, plan, made)
    return made


def _rows(plan: Plan) -> dict[Key, int]:
    """The classes of the next year that are there already."""
    return {key: one.id for key, one in plan.next_classes.items() if one.id is not None}


def _combine(w: Writer, plan: Plan, made: Mapping[Key, int]) -> None:
    """Classes that have their lessons together go on so, where both go on."""
    rows, after = {**_rows(plan), **made}, {one.id: one.next.key for one in plan.classes if one.next}
    for class_group, partner in w.db.execute(
        "SELECT id, combined FROM class_group WHERE year = ? AND combined IS NOT NULL AND retired_at IS NULL",
        (plan.year.id,),
    ).fetchall():
        mine, theirs = after.get(class_group), after.get(partner)
        if mine is not None and mine in made and theirs is not None and theirs != mine:
            w.update("class_group", rows[mine], combined=rows[theirs])


def _model(plan: Plan, one: NextClass) -> int | None:
    """This year's class of the same grade whose subjects the new one takes over: of the same letter before others."""
    those = [old for old in plan.classes if old.grade == one.grade]
    those.sort(key=lambda old: (old.letter != one.letter, old.letter))
    return those[0].id if those else None


def closings(db: Database, limit: int = 10) -> list[Act]:
    """The closings that were made, the latest first."""
    return undo.marked_acts(db, CLOSING, limit)


def take_back(w: Writer, mark: int) -> Undone:
    """Undo a closing as one act; what someone has built on since is left alone and told. InvalidValue.

    So a pupil about whom something was written in the next year's class stays in it.
    """
    act = undo.marked_act(w.db, mark)
    if act.kind != CLOSING or act.undone:
        raise InvalidValue(table="act", column="id", value=mark)
    done = undo.undo(w, act)
    _let_back(w, act.label)
    stay = _let_stay(w)
    frozen.follow(w, None)
    return replace(done, left_alone=(*done.left_alone, *stay))


def _let_back(w: Writer, year: str) -> None:
    """Who changed class in the ending year after its closing is in that class as if it had not been closed."""
    closed = next((one.id for one in class_queries.all_years(w.db) if one.name == year), None)
    for line, pupil, old, first in w.db.execute(
        f"""SELECT m.id, m.pupil, m.from_class, y.start FROM movement m JOIN class_group cg ON cg.id = m.to_class
            JOIN {YEARS} y ON y.id = cg.year
            JOIN enrolment o ON o.pupil = m.pupil AND o.class_group = m.from_class AND o."end" = y.start
              AND o.retired_at IS NULL
            WHERE m.retired_at IS NULL AND m.kind IN ('promoted', 'repeating')
              AND (SELECT year FROM class_group WHERE id = m.from_class) = ?
              AND NOT EXISTS (SELECT 1 FROM enrolment n WHERE n.pupil = m.pupil AND n.start = y.start
                AND n.retired_at IS NULL)""",
        (closed,),
    ).fetchall():
        roster.return_to(w, pupil, old, first)
        w.retire("movement", line)


def _let_stay(w: Writer) -> list[LeftAlone]:
    """Who still begins the next year somewhere, left on its first day, or came back since, leaves the old class."""
    begun = w.db.execute(
        """SELECT m.pupil, o.id, o.class_group, CASE m.kind WHEN 'graduated' THEN m.date ELSE min(n.start) END, m.id
           FROM movement m
           JOIN enrolment o ON o.pupil = m.pupil AND o.class_group = m.from_class AND o.retired_at IS NULL
           JOIN enrolment n ON n.pupil = m.pupil AND n.start > o.start AND n.retired_at IS NULL
             AND n.start <= ifnull(o."end", n.start)
           JOIN class_group b ON b.id = n.class_group LEFT JOIN class_group a ON a.id = m.to_class
           WHERE m.retired_at = ? AND (m.kind = 'graduated' OR a.year = b.year) GROUP BY m.id, o.id""",
        (w.now,),
    ).fetchall()
    for *_, line in begun:
        w.put("movement", id=line)
    gone = w.db.execute(
        """SELECT o.pupil, o.id, o.class_group, d.date FROM movement m
           JOIN enrolment o ON o.pupil = m.pupil AND o.class_group = m.from_class AND o.retired_at IS NULL
             AND o."end" IS NULL
           JOIN movement d ON d.pupil = m.pupil AND d.from_class = m.from_class AND d.kind = 'departed'
             AND d.date > o.start AND d.retired_at IS NULL
           WHERE m.retired_at = ?""",
        (w.now,),
    ).fetchall()
    stays = [one[:4] for one in (*begun, *gone)]
    for pupil, _, class_group, day in stays:
        roster.leave(w, pupil, class_group, day)
    return [LeftAlone(("enrolment", (row,), "end"), "used", 0, 0) for _, row, *_ in stays]
