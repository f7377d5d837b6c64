"""Who belongs to which class and subject group on which day: one place for every act that changes it.

An enrolment and a membership hold from ``start`` to the day before ``end``. A subject group without a list of its own
is the whole class, so nobody is put on a list that does not exist; a class that is split has a list for every part.
A membership has one span for each pupil and group: who comes back takes up the old one, and the days between are
written as a gap (`subject_group_gap`), on which the pupil does not belong to it. Releases that know no gaps show the
whole span.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from shared.dates import FOREVER, age_on, date_of, day_number
from sync.writer import Writer

Chosen = Mapping[int, int]
"""Subject -> the subgroup a pupil joins where the class is split; the smallest where nothing is chosen."""
AWAY = """EXISTS (SELECT 1 FROM subject_group_gap x WHERE x.subject_group = g.subject_group AND x.pupil = g.pupil
  AND x.retired_at IS NULL AND x.start <= {first} AND x."end" > {last})"""
"""SQL: is the pupil of the membership `g` out of the group from a first to a last day?"""
MEMBER = f"""(NOT EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.retired_at IS NULL)
      OR EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = sg.id AND g.pupil = e.pupil
        AND g.retired_at IS NULL AND ifnull(g.start, l.day) <= l.day AND (g."end" IS NULL OR g."end" > l.day)
        AND NOT {AWAY.format(first="l.day", last="l.day")}))"""
"""SQL: did the pupil of the enrolment `e` belong to the group `sg` on the day of its lesson `l`?"""
KNOWN = """l.attendance_taken = 1 AND l.retired_at IS NULL AND ifnull(e.start, l.day) <= l.day
    AND (e."end" IS NULL OR e."end" > l.day)"""
"""SQL: was attendance of the lesson `l` taken, and was the pupil of the enrolment `e` in the class on its day?"""
_SHARES_DAYS = f"""b.retired_at IS NULL AND b.start < ifnull({{end}}, {FOREVER})
  AND {{start}} < ifnull(b."end", {FOREVER})"""
"""SQL: does an enrolment `b` share days with a span? Nobody is in two classes on one day."""
Span = tuple[int, int]
"""First day, and the first day after."""


def enrol(
    w: Writer, pupil: int, class_group: int, day: int, repeating: bool = False, chosen: Chosen | None = None
) -> int:
    """Put a pupil on the roll of a class, and on the lists of its subject groups; returns the enrolment."""
    row = w.insert(
        "enrolment",
        pupil=pupil,
        class_group=class_group,
        start=day,
        age=age(w.db, pupil, class_group),
        repeating=int(repeating),
    )
    join_groups(w, pupil, class_group, day, chosen or {})
    return row


def leave(w: Writer, pupil: int, class_group: int, day: int) -> None:
    """End every enrolment and membership of a pupil in a class with the day before `day`."""
    for row, start in w.db.execute(
        """SELECT id, start FROM enrolment WHERE pupil = ? AND class_group = ? AND retired_at IS NULL
           AND ("end" IS NULL OR "end" > ?)""",
        (pupil, class_group, day),
    ).fetchall():
        if start is not None and start >= day:
            w.retire("enrolment", row)
        else:
            w.update("enrolment", row, end=day)
    for group, start in _memberships(w.db, pupil, class_group, day):
        _end(w, group, pupil, start, day)


def return_to(w: Writer, pupil: int, class_group: int, day: int) -> None:
    """Take back a `leave` of that day: the enrolments and memberships that ended on it go on."""
    for (row,) in w.db.execute(
        'SELECT id FROM enrolment WHERE pupil = ? AND class_group = ? AND "end" = ? AND retired_at IS NULL',
        (pupil, class_group, day),
    ).fetchall():
        w.update("enrolment", row, end=None)
    for (group,) in w.db.execute(
        """SELECT gp.subject_group FROM subject_group_pupil gp JOIN subject_group sg ON sg.id = gp.subject_group
           WHERE gp.pupil = ? AND sg.class_group = ? AND gp."end" = ? AND gp.retired_at IS NULL
             AND sg.retired_at IS NULL""",
        (pupil, class_group, day),
    ).fetchall():
        w.put("subject_group_pupil", subject_group=group, pupil=pupil, end=None)


_OF_CLASS = """WHERE x.pupil = ? AND x.retired_at IS NULL AND x.subject_group IN
  (SELECT id FROM subject_group WHERE class_group = ? AND retired_at IS NULL)"""


def begin_on(w: Writer, pupil: int, class_group: int, was: int, day: int) -> None:
    """A stay in a class that began on one day begins on another, and with it what is learnt in its groups."""
    for (row,) in w.db.execute(
        "SELECT id FROM enrolment WHERE pupil = ? AND class_group = ? AND start = ? AND retired_at IS NULL",
        (pupil, class_group, was),
    ).fetchall():
        w.update("enrolment", row, start=day)
    for (group,) in w.db.execute(
        f"SELECT x.subject_group FROM subject_group_pupil x {_OF_CLASS} AND x.start = ?",
        (pupil, class_group, was),
    ).fetchall():
        w.put("subject_group_pupil", subject_group=group, pupil=pupil, start=day)
    for group, gap in w.db.execute(
        f'SELECT x.subject_group, x.start FROM subject_group_gap x {_OF_CLASS} AND x."end" = ?',
        (pupil, class_group, was),
    ).fetchall():
        w.put("subject_group_gap", subject_group=group, pupil=pupil, start=gap, end=day)


def end_on(w: Writer, pupil: int, class_group: int, was: int, day: int) -> None:
    """A stay in a class that ended on one day ends on another, and with it what is learnt in its groups."""
    for (row,) in w.db.execute(
        'SELECT id FROM enrolment WHERE pupil = ? AND class_group = ? AND "end" = ? AND retired_at IS NULL',
        (pupil, class_group, was),
    ).fetchall():
        w.update("enrolment", row, end=day)
    for (group,) in w.db.execute(
        f'SELECT x.subject_group FROM subject_group_pupil x {_OF_CLASS} AND x."end" = ?',
        (pupil, class_group, was),
    ).fetchall():
        w.put("subject_group_pupil", subject_group=group, pupil=pupil, end=day)
    for group, end in w.db.execute(
        f'SELECT x.subject_group, x."end" FROM subject_group_gap x {_OF_CLASS} AND x.start = ?',
        (pupil, class_group, was),
    ).fetchall():
        w.retire("subject_group_gap", group, pupil, was)
        w.put("subject_group_gap", subject_group=group, pupil=pupil, start=day, end=end)


def join_groups(
    w: Writer, pupil: int, class_group: int, day: int, chosen: Chosen, settled: Collection[int] = ()
) -> list[int]:
    """Put a pupil on the lists of a class's subject groups from a day on: one group for each subject; returns them.

    Of ``settled`` groups someone else says who belongs to them, so their subjects are passed over.
    """
    joined = []
    for subject, groups in parts(w.db, class_group).items():
        listed = [group for group in groups if has_list(w.db, group)]
        if not listed or set(groups) & set(settled):
            continue
        wanted = chosen.get(subject)
        if wanted in listed:
            group = wanted
        else:
            group = min(listed, key=lambda g: (size(w.db, g, day), g)) if len(listed) > 1 else listed[0]
        put_on_list(w, group, pupil, day)
        joined.append(group)
    return joined


def put_on_list(w: Writer, group: int, pupil: int, day: int) -> None:
    """A pupil belongs to the group from a day on; a span that was there is taken up again, with a gap between."""
    old = w.db.execute(
        'SELECT start, "end" FROM subject_group_pupil WHERE subject_group = ? AND pupil = ? AND retired_at IS NULL',
        (group, pupil),
    ).fetchone()
    start = day
    if old is not None and old[0] is not None and (old[1] is None or old[0] < old[1]):
        start = min(old[0], day)
        if old[1] is not None and old[1] < day:
            w.put("subject_group_gap", subject_group=group, pupil=pupil, start=old[1], end=day)
    for gap, end in gaps(w.db, group, pupil).get((group, pupil), ()):
        if gap == day:
            w.retire("subject_group_gap", group, pupil, gap)
        elif gap < day < end:
            w.put("subject_group_gap", subject_group=group, pupil=pupil, start=gap, end=day)
    w.put("subject_group_pupil", subject_group=group, pupil=pupil, start=start, end=None)


def place(w: Writer, class_group: int, subject: int, day: int, where: Mapping[int, int | None]) -> int:
    """Put pupils into subgroups of a subject from a day on (None: into none); returns how many have moved.

    Only groups of that class and subject are joined or left; a group of another is passed over.
    """
    groups = parts(w.db, class_group).get(subject, [])
    moved = 0
    for pupil, wanted in sorted(where.items()):
        now = {
            group: start for group, start in _memberships(w.db, pupil, class_group, day) if group in groups
        }
        settled = wanted is None or not _away(w.db, wanted, pupil, day)
        if (settled and set(now) == ({wanted} if wanted is not None else set())) or not (
            wanted is None or wanted in groups
        ):
            continue
        for group, start in now.items():
            if group != wanted:
                _end(w, group, pupil, start, day)
        if wanted is not None and (wanted not in now or _away(w.db, wanted, pupil, day)):
            put_on_list(w, wanted, pupil, day)
        moved += 1
    return moved


def _away(db: Database, group: int, pupil: int, day: int) -> bool:
    """Is the day in a gap of the membership?"""
    return any(start <= day < end for start, end in gaps(db, group, pupil).get((group, pupil), ()))


def write_list(w: Writer, group: int) -> None:
    """Give a group that was the whole class a list of its own, which says the same."""
    if has_list(w.db, group):
        return
    for pupil, start, end in w.db.execute(
        f"""SELECT e.pupil, min(e.start), max(ifnull(e."end", {FOREVER})) FROM enrolment e
            JOIN subject_group sg ON sg.class_group = e.class_group
            WHERE sg.id = ? AND e.retired_at IS NULL AND e.start IS NOT NULL GROUP BY e.pupil""",
        (group,),
    ).fetchall():
        ended = None if end == FOREVER else end
        w.put("subject_group_pupil", subject_group=group, pupil=pupil, start=start, end=ended)


def divide(w: Writer, class_group: int, day: int, chosen: Mapping[int, Chosen]) -> None:
    """Write the lists of a class's split subjects that have none: who has chosen a part, then the rest, evenly.

    Who comes to the class after the day is on them from then on.
    """
    stays = {
        pupil: (start, end)
        for pupil, start, end in w.db.execute(
            f"""SELECT pupil, max(min(start), :day), max(ifnull("end", {FOREVER})) FROM enrolment
                WHERE class_group = :class AND retired_at IS NULL AND ifnull("end", {FOREVER}) > :day GROUP BY pupil""",
            {"class": class_group, "day": day},
        ).fetchall()
    }
    for subject, groups in parts(w.db, class_group).items():
        if len(groups) < 2 or any(has_list(w.db, group) for group in groups):
            continue
        wanted = {pupil: chosen.get(pupil, {}).get(subject) for pupil in sorted(stays)}
        sizes = dict.fromkeys(groups, 0)
        for pupil, group in sorted(wanted.items(), key=lambda one: (one[1] is None, one[0])):
            part = group if group in sizes else min(groups, key=lambda one: (sizes[one], one))
            sizes[part] += 1
            start, end = stays[pupil]
            put_on_list(w, part, pupil, start)
            if end != FOREVER:
                _end(w, part, pupil, start, end)


def parts_alike(db: Database, pupil: int, old: int, new: int, day: int) -> Chosen:
    """Subject -> the part of a class that is named like the part of another class in which the pupil is."""
    rows = db.execute(
        """SELECT sg.subject, n.id FROM subject_group_pupil gp JOIN subject_group sg ON sg.id = gp.subject_group
           JOIN subject_group n ON n.class_group = ? AND n.subject = sg.subject AND n.name = sg.name
           WHERE gp.pupil = ? AND sg.class_group = ? AND gp.retired_at IS NULL AND sg.retired_at IS NULL
             AND n.retired_at IS NULL AND (gp."end" IS NULL OR gp."end" >= ?)""",
        (new, pupil, old, day),
    )
    return dict(rows.fetchall())


def on_roll(db: Database, class_group: int, day: int) -> list[int]:
    """The pupils of a class on a day."""
    rows = db.execute(
        """SELECT DISTINCT pupil FROM enrolment WHERE class_group = ? AND retired_at IS NULL AND start <= ?
           AND ("end" IS NULL OR "end" > ?) ORDER BY pupil""",
        (class_group, day, day),
    )
    return [row[0] for row in rows.fetchall()]


def _split(db: Database, class_group: int) -> dict[int, list[tuple[str, int | None]]]:
    """Subject -> name and teacher of each part in which it is taught, where these are several with pupils."""
    found: dict[int, list[tuple[str, int | None]]] = {}
    for subject, name, teacher in db.execute(
        """SELECT subject, name, teacher FROM subject_group sg WHERE class_group = ? AND retired_at IS NULL
             AND subject IS NOT NULL AND name IS NOT NULL AND EXISTS (SELECT 1 FROM subject_group_pupil g
               WHERE g.subject_group = sg.id AND g.retired_at IS NULL AND g."end" IS NULL)
           ORDER BY name, id""",
        (class_group,),
    ).fetchall():
        found.setdefault(subject, []).append((name, teacher))
    return {subject: several for subject, several in found.items() if len(several) > 1}


def copy_groups(w: Writer, class_group: int, source: int, goes_on: int | None = None) -> int:
    """Teach a class what another one is taught and it is not; returns how many subjects came.

    Subject, hours and scale are taken over. The teacher too, unless it is the class teacher of the other class, as in
    the first grades: then this class's own. What the class that goes on as this one learns in parts, each with a
    teacher of its own, stays so (`divide` gives them their lists).
    """
    kept = _split(w.db, goes_on) if goes_on is not None else {}
    own, other = (
        w.db.execute("SELECT teacher FROM class_group WHERE id = ?", (one,)).fetchone()[0]
        for one in (class_group, source)
    )
    taught = parts(w.db, class_group)
    came = 0
    for subject, teacher, scale, hours in w.db.execute(
        """SELECT subject, teacher, scale, max(hours_week) FROM subject_group
           WHERE class_group = ? AND retired_at IS NULL AND subject IS NOT NULL GROUP BY subject ORDER BY min(id)""",
        (source,),
    ).fetchall():
        if subject not in taught:
            came += 1
            whole = own if teacher is not None and teacher == other else teacher
            for name, of_part in kept.get(subject, [(None, whole)]):
                w.insert(
                    "subject_group",
                    class_group=class_group,
                    subject=subject,
                    name=name,
                    teacher=of_part,
                    scale=scale,
                    hours_week=hours,
                )
    return came


# ---- what is so


def parts(db: Database, class_group: int) -> dict[int, list[int]]:
    """Subject -> the groups of a class in which it is taught."""
    found: dict[int, list[int]] = {}
    for group, subject in db.execute(
        """SELECT id, subject FROM subject_group WHERE class_group = ? AND retired_at IS NULL
           AND subject IS NOT NULL ORDER BY ifnull(name, ''), id""",
        (class_group,),
    ).fetchall():
        found.setdefault(subject, []).append(group)
    return found


def has_list(db: Database, group: int) -> bool:
    """Has the group a list of its own?"""
    sql = "SELECT 1 FROM subject_group_pupil WHERE subject_group = ? AND retired_at IS NULL LIMIT 1"
    return db.execute(sql, (group,)).fetchone() is not None


def overlaps(db: Database) -> list[tuple[int, int]]:
    """Class and pupil of every enrolment that shares days with one in another class."""
    found: list[tuple[int, int]] = db.execute(
        f"""SELECT a.class_group, a.pupil FROM enrolment a JOIN enrolment b ON b.pupil = a.pupil
              AND b.class_group <> a.class_group AND {_SHARES_DAYS.format(start="a.start", end='a."end"')}
            JOIN class_group cg ON cg.id = b.class_group AND cg.retired_at IS NULL WHERE a.retired_at IS NULL"""
    ).fetchall()
    return found


def spells(db: Database, pupil: int, start: int, end: int | None) -> list[dict[str, Any]]:
    """A pupil's enrolments that share days with a span, the first before the last."""
    return list(
        db.query(
            f"""SELECT b.* FROM enrolment b JOIN class_group cg ON cg.id = b.class_group AND cg.retired_at IS NULL
                WHERE b.pupil = :pupil AND {_SHARES_DAYS.format(start=":start", end=":end")} ORDER BY b.start, b.id""",
            {"pupil": pupil, "start": start, "end": end},
        )
    )


def size(db: Database, group: int, day: int) -> int:
    """Pupils on a group's list on a day."""
    sql = f"""SELECT count(*) FROM subject_group_pupil g WHERE subject_group = :group AND retired_at IS NULL
             AND ifnull(start, :day) <= :day AND ("end" IS NULL OR "end" > :day)
             AND NOT {AWAY.format(first=":day", last=":day")}"""
    return int(db.execute(sql, {"group": group, "day": day}).fetchone()[0])


def gaps(
    db: Database, group: int | None = None, pupil: int | None = None
) -> dict[tuple[int, int], list[Span]]:
    """(Group, pupil) -> the spans in which the pupil was out of it; of one group, one pupil, or all."""
    found: dict[tuple[int, int], list[Span]] = {}
    for one, who, start, end in db.execute(
        """SELECT subject_group, pupil, start, "end" FROM subject_group_gap WHERE retired_at IS NULL
           AND "end" IS NOT NULL AND (:group IS NULL OR subject_group = :group)
           AND (:pupil IS NULL OR pupil = :pupil) ORDER BY start""",
        {"group": group, "pupil": pupil},
    ).fetchall():
        found.setdefault((one, who), []).append((start, end))
    return found


def cut(span: Span, gaps: Sequence[Span]) -> list[Span]:
    """A span without its gaps, which are in order."""
    (start, end), pieces = span, []
    for first, last in gaps:
        if first < end and last > start:
            pieces.append((start, first))
            start = max(start, last)
    return [piece for piece in (*pieces, (start, end)) if piece[0] < piece[1]]


def reference_day(db: Database, year: int) -> int | None:
    """The day on which a year's return counts: the school's own (a setting) if it has one, else the one given.

    A day of the month that the month does not have is its last. None for an unknown year.
    """
    # The pages of the settings stand on the agent, and the agent on this.
    from node.settings.queries import number

    row = db.execute(
        "SELECT start, ifnull(reference_date, start) FROM academic_year WHERE id = ? AND retired_at IS NULL",
        (year,),
    ).fetchone()
    if row is None or row[1] is None:
        return None
    day, month = number(db, "return_day"), number(db, "return_month")
    if not day or row[0] is None:
        return int(row[1])
    start = date_of(row[0])
    # A month before that of the year's start is one of the next calendar year.
    of = start.year + (month < start.month)
    return day_number(start.replace(year=of, month=month, day=min(day, monthrange(of, month)[1])))


def age(db: Database, pupil: int, class_group: int) -> int | None:
    """Full years on the reference date of the class's year.

    Where only the year of birth is known, the age reached in the calendar year of that date.
    """
    row = db.execute(
        """SELECT p.birth_date, p.birth_year, cg.year FROM person p, class_group cg
           WHERE p.id = ? AND cg.id = ?""",
        (pupil, class_group),
    ).fetchone()
    if row is None or row[2] is None or (row[0] is None and row[1] is None):
        return None
    reference = reference_day(db, row[2])
    return None if reference is None else age_of(row[0], row[1], reference)


def age_of(born: int | None, year: int | None, day: int) -> int | None:
    """Full years on a day; of whom the year of birth alone is known, those reached in that calendar year."""
    if born is None and year is None:
        return None
    years = age_on(born, day) if born is not None else date_of(day).year - (year or 0)
    return years if 0 <= years <= 99 else None


def count_age(w: Writer, enrolment: int) -> bool:
    """Write the age on the reference date beside an enrolment; returns whether it was another."""
    pupil, class_group, written = w.db.execute(
        "SELECT pupil, class_group, age FROM enrolment WHERE id = ?", (enrolment,)
    ).fetchone()
    years = age(w.db, pupil, class_group)
    return years != written and w.update("enrolment", enrolment, age=years)


def refresh_ages(w: Writer, year: int) -> int:
    """Count the ages of a year's pupils anew once more is known of when they were born; returns how many changed."""
    rows = w.db.execute(
        """SELECT e.id FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           JOIN person p ON p.id = e.pupil WHERE cg.year = ? AND e.retired_at IS NULL
             AND (p.birth_date IS NOT NULL OR e.age IS NULL)""",
        (year,),
    ).fetchall()
    return sum(count_age(w, row) for (row,) in rows)


def _memberships(db: Database, pupil: int, class_group: int, day: int) -> Sequence[tuple[int, int | None]]:
    """The groups of a class that list the pupil on a day or later, each with the day the pupil joined."""
    found: list[tuple[int, int | None]] = db.execute(
        """SELECT gp.subject_group, gp.start FROM subject_group_pupil gp
           JOIN subject_group sg ON sg.id = gp.subject_group
           WHERE gp.pupil = ? AND sg.class_group = ? AND gp.retired_at IS NULL AND sg.retired_at IS NULL
             AND (gp."end" IS NULL OR gp."end" > ?)""",
        (pupil, class_group, day),
    ).fetchall()
    return found


def _end(w: Writer, group: int, pupil: int, start: int | None, day: int) -> None:
    later = w.db.execute(
        """SELECT start FROM subject_group_gap WHERE subject_group = ? AND pupil = ? AND "end" >= ?
           AND retired_at IS NULL ORDER BY start""",
        (group, pupil, day),
    ).fetchall()
    for (gap,) in later:
        w.retire("subject_group_gap", group, pupil, gap)
    # Who came back on that day, or after it, left when the gap began.
    day = min([day, *(gap for (gap,) in later)])
    if start is not None and start >= day:
        w.retire("subject_group_pupil", group, pupil)
    else:
        w.put("subject_group_pupil", subject_group=group, pupil=pupil, end=day)
