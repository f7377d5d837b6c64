"""Derived rows: what the district is told of lessons, absences and categories, recomputed from what teachers wrote.

Only what the log has touched since the last time is looked at, and only what differs is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlite_utils import Database

from shared.grading import count_standings, standing
from shared.schema import BY_NAME, PUPIL_CATEGORIES
from sync.state import State
from sync.writer import SYSTEM, Writer, writing

_TERM_KINDS = "('quarter', 'half', 'period')"
_WATCHED = ("lesson", "mark", "attendance", "term_result", "enrolment", "subject_group_pupil", "term")


def derive(db: Database) -> bool:
    """Bring derived rows up to date with the log; returns whether anything was written."""
    last = db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
    since = int(State(db).derived_to)
    if since >= last or not _touched_any(db, since):
        return False
    with writing(db, SYSTEM) as w:
        last = db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
        days = set(_class_days(db, since))
        lessons = set(_group_terms(db, since))
        categories = set(_class_terms(db, since))
        changed = [_attendance_day(w, *place) for place in sorted(days)]
        changed += [_lesson_summary(w, *place) for place in sorted(lessons)]
        changed += [_category_count(w, *place) for place in sorted(categories)]
        State(db).derived_to = last
    return any(changed)


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


def _class_days(db: Database, since: int) -> Iterator[tuple[int, int]]:
    """Classes and days whose attendance may have changed."""
    for table in ("lesson", "attendance"):
        for group, day in _rows(db, since, table, "t.subject_group, t.day"):
            yield from db.execute(
                "SELECT class_group, ? FROM subject_group WHERE id = ? AND class_group IS NOT NULL",
                (day, group),
            ).fetchall()
    classes = {c for (c,) in _rows(db, since, "enrolment", "t.class_group") if c is not None}
    for (group,) in _rows(db, since, "subject_group_pupil", "t.subject_group"):
        classes |= {
            c for (c,) in db.execute("SELECT class_group FROM subject_group WHERE id = ?", (group,)) if c
        }
    for class_group in classes:
        yield from db.execute(
            "SELECT DISTINCT g.class_group, l.day FROM lesson l JOIN subject_group g ON g.id = l.subject_group "
            "WHERE g.class_group = ? AND l.attendance_taken = 1",
            (class_group,),
        ).fetchall()


def _group_terms(db: Database, since: int) -> Iterator[tuple[int, int]]:
    """Subject groups and terms whose lessons may have changed."""
    for table in ("lesson", "mark", "attendance"):
        for group, day in _rows(db, since, table, "t.subject_group, t.day"):
            for (term,) in db.execute(
                f"SELECT id FROM term WHERE kind IN {_TERM_KINDS} AND retired_at IS NULL AND start <= ? AND end >= ?",
                (day, day),
            ).fetchall():
                yield group, term
    for (term,) in _rows(db, since, "term", "t.id"):
        yield from db.execute(
            "SELECT DISTINCT subject_group, ? FROM lesson l JOIN term t ON t.id = ? "
            "WHERE l.day BETWEEN t.start AND t.end "
            f"AND t.kind IN {_TERM_KINDS} UNION SELECT subject_group, term FROM lesson_summary WHERE term = ?",
            (term, term, term),
        ).fetchall()


def _class_terms(db: Database, since: int) -> Iterator[tuple[int, int]]:
    """Classes and terms whose results may have changed."""
    for group, term in _rows(db, since, "term_result", "t.subject_group, t.term"):
        for (class_group,) in db.execute(
            "SELECT class_group FROM subject_group WHERE id = ?", (group,)
        ).fetchall():
            if class_group is not None:
                yield class_group, term
    for (class_group,) in _rows(db, since, "enrolment", "t.class_group"):
        yield from db.execute(
            "SELECT DISTINCT g.class_group, r.term FROM term_result r JOIN subject_group g ON g.id = r.subject_group "
            "WHERE g.class_group = ?",
            (class_group,),
        ).fetchall()


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
        "SELECT pupil, ifnull(start, -99999) <= ? AND ifnull(end, 99999) > ? FROM subject_group_pupil "
        "WHERE subject_group = ? AND retired_at IS NULL",
        (day, day, group),
    ).fetchall()
    return {pupil for pupil, now in listed if now} & everyone if listed else everyone


def _attendance_day(w: Writer, class_group: int, day: int) -> bool:
    """A day is missed when every lesson of it was; lessons without attendance taken say nothing."""
    db = w.db
    enrolled = _enrolled(db, class_group, day)
    lessons = db.execute(
        "SELECT l.subject_group, l.period FROM lesson l JOIN subject_group g ON g.id = l.subject_group "
        "WHERE g.class_group = ? AND l.day = ? AND l.attendance_taken = 1 AND l.retired_at IS NULL",
        (class_group, day),
    ).fetchall()
    if not lessons:
        return bool(w.retire("attendance_day", class_group, day))
    expected = dict.fromkeys(enrolled, 0)
    for group, _ in lessons:
        for pupil in _members(db, group, day, enrolled):
            expected[pupil] += 1
    absences: dict[int, list[str]] = {}
    late: set[int] = set()
    held = set(lessons)
    for pupil, group, period, status, reason in db.execute(
        "SELECT a.pupil, a.subject_group, a.period, a.status, a.reason FROM attendance a "
        "JOIN subject_group g ON g.id = a.subject_group WHERE g.class_group = ? AND a.day = ? AND a.retired_at IS NULL",
        (class_group, day),
    ):
        if (group, period) in held and status == "absent":
            absences.setdefault(pupil, []).append(reason or "unknown")
        elif (group, period) in held and status == "late":
            late.add(pupil)
    missed = {p: r for p, r in absences.items() if expected.get(p) and len(r) >= expected[p]}
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
        late=len(late & enrolled),
    )


def _lesson_summary(w: Writer, group: int, term: int) -> bool:
    db = w.db
    start, end, counted = db.execute(
        f"SELECT ifnull(start, 0), ifnull(end, -1), kind IN {_TERM_KINDS} FROM term WHERE id = ?", (term,)
    ).fetchone()
    if not counted:
        return bool(w.retire("lesson_summary", group, term))
    span = (group, start, end)
    where = "WHERE subject_group = ? AND day BETWEEN ? AND ? AND retired_at IS NULL"
    return w.put(
        "lesson_summary",
        subject_group=group,
        term=term,
        lessons=_count(db, f"SELECT count(*) FROM lesson {where}", span),
        marks=_count(db, f"SELECT count(*) FROM mark {where} AND value IS NOT NULL", span),
        missed=_count(db, f"SELECT count(*) FROM attendance {where} AND status = 'absent'", span),
    )


def _category_count(w: Writer, class_group: int, term: int) -> bool:
    """Pupils of the class at the period's end by category; leavers count only until leaving."""
    db = w.db
    end = db.execute("SELECT ifnull(end, 0) FROM term WHERE id = ?", (term,)).fetchone()[0]
    results: dict[int, list[tuple[str, int | None]]] = {}
    for pupil, status, band in db.execute(
        "SELECT r.pupil, r.status, r.band FROM term_result r JOIN subject_group g ON g.id = r.subject_group "
        "WHERE g.class_group = ? AND r.term = ? AND r.retired_at IS NULL",
        (class_group, term),
    ):
        results.setdefault(pupil, []).append((status, band))
    counts = count_standings(standing(results[p]) for p in results.keys() & _enrolled(db, class_group, end))
    return w.put(
        "class_category_count",
        class_group=class_group,
        term=term,
        **{name: counts[name] for name in PUPIL_CATEGORIES},
    )


def _count(db: Database, sql: str, span: tuple[int, int, int]) -> int:
    return int(db.execute(sql, span).fetchone()[0])
