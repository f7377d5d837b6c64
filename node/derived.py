"""Derived rows: what the district is told of lessons, absences and categories, recomputed from what teachers wrote.

Only what the log has touched since the last time is looked at, and only what differs is written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from sqlite_utils import Database

from node import schooldays as calendar
from node import yearbook
from node.roster import AWAY
from shared.grading import count_standings, standing
from shared.indicators import COUNTED, LAST_DAYS
from shared.schema import BY_NAME, BY_NUMBER, PUPIL_CATEGORIES
from sync.state import State
from sync.writer import SYSTEM, Writer, writing

_OF_A_LESSON = ("lesson", "mark", "attendance")
EVERY_DAY = (-40_000, 80_000)
_WATCHED = (
    "lesson",
    "mark",
    "attendance",
    "term_result",
    "enrolment",
    "movement",
    "subject_group",
    "subject_group_pupil",
    "subject_group_gap",
    "timetable_slot",
    "substitution",
    "term",
    "own_term",
    "own_day",
    "calendar_day",
)


def derive(db: Database) -> bool:
    """Bring derived rows up to date with the log; returns whether anything was written."""
    last = db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
    since = int(State(db).derived_to)
    if since >= last or not _touched_any(db, since):
        return False
    with writing(db, SYSTEM) as w:
        last = db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
        days = set(_class_days(db, since))
        lessons = set(_group_terms(db, since)) | set(_groups_on(db, days))
        categories = set(_class_terms(db, since))
        dates = _Dates(db)
        changed = [_attendance_day(w, dates, *place) for place in sorted(days)]
        changed += [_lesson_summary(w, dates, *place) for place in sorted(lessons)]
        changed += [_category_count(w, *place) for place in sorted(categories)]
        changed.append(_missed(w, since))
        changed.append(_settle(w, last))
        changed.append(_corrections(w, since))
        State(db).derived_to = last
    return any(changed)


def _corrections(w: Writer, since: int) -> bool:
    """Frozen reports follow the acts that other machines wrote without knowing of them."""
    # The reports count by queries whose pages stand on the agent, and the agent on this.
    from node import frozen

    lines = {line for (line,) in _rows(w.db, since, "movement", "t.id")}
    if not lines and not any(_rows(w.db, since, "enrolment", "t.id")):
        return False
    return bool(frozen.follow(w, lines.pop() if len(lines) == 1 else None, w.origin))


# -- what may have changed ---------------------------------------------------------------------------------------


def _touched_any(db: Database, since: int) -> bool:
    numbers = ",".join(str(BY_NAME[name].number) for name in _WATCHED)
    return (
        db.execute(f"SELECT 1 FROM change WHERE n > ? AND tbl IN ({numbers}) LIMIT 1", (since,)).fetchone()
        is not None
    )


def _rows(db: Database, since: int, table: str, columns: str) -> Iterator[tuple[int, ...]]:
    declared = BY_NAME[table]
    yield from db.execute(
        f"SELECT DISTINCT {columns} FROM change c JOIN {table} t ON t.{declared.row_id} = c.key "
        f"WHERE c.n > ? AND c.tbl = {declared.number}",
        (since,),
    ).fetchall()


def _ever(db: Database, since: int, table: str, column: str) -> set[int]:
    """All that a reference of the touched rows has ever named: who moves changes the place that was left, too."""
    declared = BY_NAME[table]
    found = db.execute(
        f"SELECT DISTINCT json_extract(vals, '$.\"{declared.by_name[column].number}\"') FROM change "
        f"WHERE tbl = {declared.number} AND key IN "
        f"(SELECT key FROM change WHERE n > ? AND tbl = {declared.number})",
        (since,),
    )
    return {value for (value,) in found if value is not None}


def _classes(db: Database, since: int) -> set[int]:
    """Classes whose pupils, or whose groups, may be others than before."""
    return _ever(db, since, "enrolment", "class_group") | _ever(db, since, "subject_group", "class_group")


def _classes_of(db: Database, since: int, *tables: str) -> set[int]:
    """The classes of the subject groups that touched rows of some tables name."""
    found: set[int] = set()
    for table in tables:
        for (group,) in _rows(db, since, table, "t.subject_group"):
            found |= _class_of(db, group)
    return found


def _class_days(db: Database, since: int) -> Iterator[tuple[int, int]]:
    """Classes and days whose attendance may have changed."""
    for table in ("lesson", "attendance", "substitution"):
        for group, day in _rows(db, since, table, "t.subject_group, t.day"):
            yield from ((class_group, day) for class_group in _class_of(db, group))
    for day in _days_said(db, since):
        yield from db.execute(
            "SELECT DISTINCT g.class_group, l.day FROM lesson l JOIN subject_group g ON g.id = l.subject_group "
            "WHERE l.day = ?1 AND l.attendance_taken = 1 AND g.class_group IS NOT NULL "
            "UNION SELECT class_group, day FROM attendance_day WHERE day = ?1",
            (day,),
        ).fetchall()
    lists = _classes_of(db, since, "subject_group_pupil", "subject_group_gap", "timetable_slot")
    for class_group in _classes(db, since) | lists:
        yield from db.execute(
            "SELECT g.class_group, l.day FROM lesson l JOIN subject_group g ON g.id = l.subject_group "
            "WHERE g.class_group = :c AND l.attendance_taken = 1 "
            "UNION SELECT class_group, day FROM attendance_day WHERE class_group = :c",
            {"c": class_group},
        ).fetchall()


def _days_said(db: Database, since: int) -> set[int]:
    """Days of which the calendar may say something else than before."""
    return _ever(db, since, "own_day", "day") | {
        day for (day,) in _rows(db, since, "calendar_day", "t.day") if day is not None
    }


def _terms(db: Database, since: int) -> set[int]:
    """Terms whose dates may be others than before, for some grade at least."""
    moved = {term for (term,) in _rows(db, since, "own_term", "t.term") if term is not None}
    return {term for (term,) in _rows(db, since, "term", "t.id")} | moved


def _group_terms(db: Database, since: int) -> Iterator[tuple[int, int]]:
    """Subject groups and terms whose lessons may have changed."""
    dates = _Dates(db)
    for table in _OF_A_LESSON:
        for group, day in _rows(db, since, table, "t.subject_group, t.day"):
            yield from ((group, term) for term in dates.terms_on(group, day))
    for term in _terms(db, since):
        first, last = dates.widest(term)
        for table in _OF_A_LESSON:
            yield from db.execute(
                f"SELECT DISTINCT subject_group, ? FROM {table} WHERE day BETWEEN ? AND ?",
                (term, first, last),
            ).fetchall()
        yield from db.execute(
            "SELECT subject_group, term FROM lesson_summary WHERE term = ?", (term,)
        ).fetchall()


def _groups_on(db: Database, days: Collection[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Subject groups and terms in which absences of some days of classes lie."""
    dates = _Dates(db)
    by_class: dict[int, set[int]] = {}
    for class_group, day in days:
        by_class.setdefault(class_group, set()).add(day)
    for class_group, own in by_class.items():
        absences = db.execute(
            "SELECT DISTINCT a.subject_group, a.day FROM subject_group g CROSS JOIN attendance a "
            "ON a.subject_group = g.id WHERE g.class_group = ?",
            (class_group,),
        ).fetchall()
        for group, day in absences:
            if day in own:
                yield from ((group, term) for term in dates.terms_on(group, day))


def _pupils(db: Database, since: int) -> set[int]:
    """Pupils whose missed lessons may be others than before, or who have a new result."""
    found = {
        pupil for table in ("attendance", "term_result") for (pupil,) in _rows(db, since, table, "t.pupil")
    }
    for table in ("enrolment", "subject_group_pupil", "subject_group_gap"):
        found |= _ever(db, since, table, "pupil")
    for sql, named in (
        ("SELECT DISTINCT pupil FROM attendance WHERE day IN (SELECT value FROM json_each(?))",
         _days_said(db, since)),
        ("SELECT DISTINCT pupil FROM term_result WHERE term IN (SELECT value FROM json_each(?))",
         _terms(db, since)),
        ("SELECT DISTINCT pupil FROM term_result WHERE subject_group IN (SELECT value FROM json_each(?))",
         {group for (group,) in _rows(db, since, "subject_group", "t.id")}),
    ):  # fmt: skip
        if named:
            found |= {pupil for (pupil,) in db.execute(sql, (json.dumps(sorted(named)),)).fetchall()}
    return found | {
        pupil
        for (pupil,) in db.execute(
            "SELECT DISTINCT a.pupil FROM change c JOIN lesson t ON t.rid = c.key JOIN attendance a "
            "ON a.subject_group = t.subject_group AND a.day = t.day AND a.period = t.period "
            "WHERE c.n > ? AND c.tbl = ? AND a.status = 'absent'",
            (since, BY_NAME["lesson"].number),
        ).fetchall()
    }


def _class_terms(db: Database, since: int) -> Iterator[tuple[int, int]]:
    """Classes and terms whose results may have changed."""
    for group, term in _rows(db, since, "term_result", "t.subject_group, t.term"):
        yield from ((class_group, term) for class_group in _class_of(db, group))
    known = (
        "SELECT g.class_group, r.term FROM term_result r JOIN subject_group g ON g.id = r.subject_group WHERE {} = :x "
        "AND g.class_group IS NOT NULL UNION SELECT class_group, term FROM class_category_count WHERE {} = :x"
    )
    lists = _classes_of(db, since, "subject_group_pupil", "subject_group_gap")
    for class_group in _classes(db, since) | lists:
        yield from db.execute(known.format("g.class_group", "class_group"), {"x": class_group}).fetchall()
    for term in _terms(db, since):
        yield from db.execute(known.format("r.term", "term"), {"x": term}).fetchall()


def _class_of(db: Database, group: int) -> set[int]:
    """The class of a subject group; none for a group across classes."""
    found = db.execute("SELECT class_group FROM subject_group WHERE id = ?", (group,)).fetchall()
    return {class_group for (class_group,) in found if class_group is not None}


class _Dates:
    """The dates of every term, as they hold for the grade of a group or class; read once in each recount."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._by_grade: dict[int | None, dict[int, tuple[int, int]]] = {}
        self._moved = calendar.own_terms(db)
        self._grades: dict[int, int | None] = {}
        self._whom: dict[int, calendar.Whom] = {}
        self.days = calendar.calendar(db, *EVERY_DAY)

    def of_grade(self, grade: int | None) -> dict[int, tuple[int, int]]:
        """Term -> first and last day."""
        if grade not in self._by_grade:
            found = calendar.terms(self._db, None, grade)
            self._by_grade[grade] = {term["id"]: (term["start"], term["end"]) for term in found}
        return self._by_grade[grade]

    def grade_of(self, group: int) -> int | None:
        """The grade in which a subject group is taught."""
        if group not in self._grades:
            row = self._db.execute(
                "SELECT cg.grade FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group "
                "WHERE sg.id = ?",
                (group,),
            ).fetchone()
            self._grades[group] = row[0] if row else None
        return self._grades[group]

    def terms_on(self, group: int, day: int) -> list[int]:
        """The terms of a group that contain a day."""
        spans = self.of_grade(self.grade_of(group))
        return [term for term, (start, end) in spans.items() if start <= day <= end]

    def is_closed(self, class_group: int, day: int) -> bool:
        """Does the calendar call the day free for the class?"""
        if class_group not in self._whom:
            self._whom[class_group] = calendar.whom(self._db, class_group)
        return self.days.is_closed(day, self._whom[class_group])

    def widest(self, term: int) -> tuple[int, int]:
        """First and last day of a term over all grades; nothing is between them when it does not count."""
        grades: set[int | None] = {None, *self._moved.get(term, {})}
        spans = [self.of_grade(grade)[term] for grade in grades if term in self.of_grade(grade)]
        return min((s for s, _ in spans), default=0), max((e for _, e in spans), default=-1)


# -- what is so --------------------------------------------------------------------------------------------------


def _enrolled(db: Database, class_group: int, day: int) -> set[int]:
    return {
        pupil
        for (pupil,) in db.execute(
            "SELECT pupil FROM enrolment WHERE class_group = ? AND retired_at IS NULL AND pupil IS NOT NULL "
            "AND ifnull(start, -99999) <= ? AND ifnull(end, 99999) > ?",
            (class_group, day, day),
        )
    }


def _members(db: Database, group: int, day: int, everyone: set[int]) -> set[int]:
    """Pupils of a subject group on a day; a group without a list of its own is the whole class."""
    listed = db.execute(
        "SELECT pupil, ifnull(start, -99999) <= :day AND ifnull(end, 99999) > :day "
        f"AND NOT {AWAY.format(first=':day', last=':day')} FROM subject_group_pupil g "
        "WHERE subject_group = :group AND retired_at IS NULL",
        {"day": day, "group": group},
    ).fetchall()
    return {pupil for pupil, now in listed if now} & everyone if listed else everyone


def _attendance_day(w: Writer, dates: _Dates, class_group: int, day: int) -> bool:
    """A day is missed when every lesson of it was; while attendance of a lesson is not taken, nobody knows that.

    On a day that the calendar calls free nobody can miss a lesson, whatever was entered before it was called so.
    """
    db = w.db
    enrolled = _enrolled(db, class_group, day)
    lessons = (
        []
        if dates.is_closed(class_group, day)
        else db.execute(
            "SELECT l.subject_group, l.period FROM subject_group g CROSS JOIN lesson l ON l.subject_group = g.id "
            "WHERE g.class_group = ? AND l.day = ? AND l.attendance_taken = 1 AND l.retired_at IS NULL",
            (class_group, day),
        ).fetchall()
    )
    if not lessons:
        return bool(w.retire("attendance_day", class_group, day))
    expected: dict[int, set[tuple[int, int]]] = {}
    for lesson in lessons:
        for pupil in _members(db, lesson[0], day, enrolled):
            expected.setdefault(pupil, set()).add(lesson)
    absences: dict[int, dict[tuple[int, int], str]] = {}
    late: set[int] = set()
    for pupil, group, period, status, reason in db.execute(
        "SELECT a.pupil, a.subject_group, a.period, a.status, a.reason FROM attendance a "
        "JOIN subject_group g ON g.id = a.subject_group WHERE g.class_group = ? AND a.day = ? AND a.retired_at IS NULL",
        (class_group, day),
    ):
        if (group, period) not in expected.get(pupil, ()):
            continue
        if status == "absent":
            absences.setdefault(pupil, {})[group, period] = reason or "unknown"
        elif status == "late":
            late.add(pupil)
    missed = {pupil: set(a.values()) for pupil, a in absences.items() if a.keys() == expected[pupil]}
    if missed:
        for group in _untaken(db, dates, class_group, day):
            for pupil in missed.keys() & _members(db, group, day, enrolled):
                del missed[pupil]
    reasons = [
        next((r for r in ("ill", "excused", "unexcused") if r in rs), "unknown") for rs in missed.values()
    ]
    return w.put(
        "attendance_day",
        class_group=class_group,
        day=day,
        enrolled=len(enrolled),
        missed=len(missed),
        ill=reasons.count("ill"),
        excused=reasons.count("excused"),
        unexcused=reasons.count("unexcused"),
        late=len(late),
    )


def _untaken(db: Database, dates: _Dates, class_group: int, day: int) -> set[int]:
    """The groups of a class that had a lesson on a day whose attendance is not taken, by timetable or journal."""
    # The areas' pages stand on the agent, and the agent on this.
    from node.attendance import queries as attendance

    return {
        group
        for (_, _, group), taken in attendance.lessons_on(db, class_group, [day], dates.days).items()
        if not taken
    }


def _lesson_summary(w: Writer, dates: _Dates, group: int, term: int) -> bool:
    db = w.db
    found = dates.of_grade(dates.grade_of(group)).get(term)
    if found is None:
        return bool(w.retire("lesson_summary", group, term))
    start, end = found
    span = (group, start, end)
    where = "WHERE subject_group = ? AND day BETWEEN ? AND ? AND retired_at IS NULL"
    return w.put(
        "lesson_summary",
        subject_group=group,
        term=term,
        lessons=_count(db, f"SELECT count(*) FROM lesson {where}", span),
        marks=_count(db, f"SELECT count(*) FROM mark {where} AND value IS NOT NULL", span),
        missed=yearbook.missed_of(db, group, start, end),
    )


def _category_count(w: Writer, class_group: int, term: int) -> bool:
    """Pupils of the class at the period's end by category; leavers count only until leaving."""
    results: dict[int, list[tuple[str, int | None]]] = {}
    for pupil, status, band in w.db.execute(
        f"""WITH {LAST_DAYS} SELECT tr.pupil, tr.status, tr.band FROM subject_group sg
            CROSS JOIN term_result tr ON tr.subject_group = sg.id AND tr.term = :term AND tr.retired_at IS NULL
            JOIN class_group cg ON cg.id = sg.class_group LEFT JOIN term t ON t.id = tr.term
            LEFT JOIN last_day l ON l.term = tr.term AND l.grade = coalesce(cg.grade, -1)
            WHERE sg.class_group = :class AND {COUNTED}""",
        {"school": int(State(w.db).school), "class": class_group, "term": term},
    ):
        results.setdefault(pupil, []).append((status, band))
    counts = count_standings(map(standing, results.values()))
    return w.put(
        "class_category_count",
        class_group=class_group,
        term=term,
        **{name: counts[name] for name in PUPIL_CATEGORIES},
    )


def _missed(w: Writer, since: int) -> bool:
    """What results say of lessons missed in their period follows what is written later of absences and days."""
    pupils = _pupils(w.db, since)
    if not pupils:
        return False
    stored = [one for one in yearbook.all_of(w.db, pupils) if one.missed is not None]
    changed = False
    for was, now in zip(stored, yearbook.with_missed(w.db, stored), strict=True):
        if was.missed != now.missed:
            key = {"subject_group": was.group, "pupil": was.pupil, "term": was.term}
            changed |= w.put("term_result", **key, missed=now.missed)
    return changed


def _settle(w: Writer, last: int) -> bool:
    """Of what two machines counted apart what is shown is right, for it was counted again from all that they wrote."""
    conflicts = w.db.execute(
        "SELECT tbl, key, unit FROM conflict f WHERE NOT EXISTS "
        "(SELECT 1 FROM change c WHERE c.n > ? AND c.tbl = f.tbl AND c.key = f.key)",
        (last,),
    ).fetchall()
    settled = False
    for number, key, unit in conflicts:
        table = BY_NUMBER.get(number)
        if table and unit in table.units and table.is_derived(c.number for c in table.units[unit]):
            w.assert_again(table, key, unit)
            settled = True
    return settled


def _count(db: Database, sql: str, span: tuple[int, int, int]) -> int:
    return int(db.execute(sql, span).fetchone()[0])
