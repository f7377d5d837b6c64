"""Writing the timetable: slots with the days from and to which they hold, rooms, substitutions, events, addresses.

Nothing here knows of HTTP. A clash is a warning, never a refusal: a timetable is made in steps, and what is wrong in
between is shown until it is mended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlite_utils import Database

from node.calendar import queries as calendar
from node.timetable import queries
from shared import crypto
from shared.problems import InvalidValue, LessonHeld, NoLesson, NotFound, WrongOrder
from sync.writer import Writer

TOKEN_BYTES = 20
MOST_ADDRESSES = 20


# ---- slots


def set_cell(
    w: Writer, class_group: int, weekday: int, period: int, wanted: Mapping[int, int | None], day: int
) -> int:
    """Let exactly these subject groups of a class (each with its room) meet at a weekday and period from a day on.

    What was there before `day` stays as it was. Returns how many slots changed. NotFound: a group of another class.
    """
    known = {
        row["id"]
        for row in queries.groups(w.db, _year(w.db, class_group))
        if row["class_group"] == class_group
    }
    if not wanted.keys() <= known:
        raise NotFound()
    return _set(
        w, _there(w.db, "sg.class_group", class_group, weekday, period, day), weekday, period, wanted, day
    )


def set_teachers_cell(
    w: Writer, teacher: int, weekday: int, period: int, wanted: Mapping[int, int | None], day: int
) -> int:
    """Let exactly these subject groups of a teacher meet at a weekday and period from a day on.

    Returns how many slots changed. NotFound: a group of another teacher.
    """
    marks = ", ".join(str(int(group)) for group in wanted)
    strange = w.db.execute(
        f"SELECT 1 FROM subject_group WHERE id IN ({marks}) AND teacher IS NOT ? LIMIT 1", (teacher,)
    ).fetchone()
    if strange:
        raise NotFound()
    return _set(w, _there(w.db, "sg.teacher", teacher, weekday, period, day), weekday, period, wanted, day)


def set_rooms_cell(
    w: Writer, room: int, year: int, at: tuple[int, int, int], wanted: Collection[int], day: int
) -> int:
    """Let exactly these of the lessons held at a weekday, in a shift and period, be in a room from a day on.

    A lesson that leaves the room has none until it is given one. Returns how many slots changed. NotFound: no such
    room; a subject group that has no lesson then.
    """
    there = {
        slot["group"]: (slot["id"], slot["first"], slot["room"])
        for slot in queries.slots(w.db, year, day)
        if (slot["weekday"], slot["shift"] or 1, slot["period"]) == at
    }
    if not set(wanted) <= there.keys() or room not in {one["id"] for one in queries.rooms(w.db)}:
        raise NotFound()
    left = {group: None if old == room else old for group, (_, _, old) in there.items()}
    weekday, _, period = at
    return _set(w, there, weekday, period, left | dict.fromkeys(wanted, room), day)


def _year(db: Database, class_group: int) -> int:
    row = db.execute(
        "SELECT year FROM class_group WHERE id = ? AND retired_at IS NULL", (class_group,)
    ).fetchone()
    if row is None or row[0] is None:
        raise NotFound()
    return int(row[0])


def _class_of(db: Database, group: int) -> int:
    row = db.execute(
        "SELECT class_group FROM subject_group WHERE id = ? AND retired_at IS NULL", (group,)
    ).fetchone()
    if row is None or row[0] is None:
        raise NotFound()
    return int(row[0])


def _there(
    db: Database, column: str, value: int, weekday: int, period: int, day: int
) -> dict[int, tuple[int, int, int | None]]:
    """Group -> (slot, its first day, its room) of what holds in a cell on a day."""
    rows = db.execute(
        f"""SELECT t.subject_group, t.id, ifnull(t.start, 0), t.room FROM timetable_slot t
            JOIN subject_group sg ON sg.id = t.subject_group
            WHERE {column} = ? AND t.weekday = ? AND t.period = ? AND t.retired_at IS NULL
              AND ifnull({queries.ONCE}, 0) = 0 AND ifnull(t.start, 0) <= ? AND (t."end" IS NULL OR t."end" > ?)""",
        (value, weekday, period, day, day),
    )
    return {group: (slot, first, room) for group, slot, first, room in rows.fetchall()}


def _set(
    w: Writer,
    there: Mapping[int, tuple[int, int, int | None]],
    weekday: int,
    period: int,
    wanted: Mapping[int, int | None],
    day: int,
) -> int:
    if not 1 <= weekday <= 7 or not 0 <= period <= queries.LAST_PERIOD:
        raise InvalidValue(table="timetable_slot", column="period", value=period)
    changed = 0
    for group, (slot, first, room) in there.items():
        if group not in wanted or wanted[group] != room:
            _end(w, slot, first, day)
            changed += 1
    for group, room in wanted.items():
        if group not in there or there[group][2] != room:
            _begin(w, group, weekday, period, room, day)
            changed += 1
    return changed


def _end(w: Writer, slot: int, first: int, day: int) -> None:
    if first >= day:
        w.retire("timetable_slot", slot)
    else:
        w.update("timetable_slot", slot, end=day)


def _begin(w: Writer, group: int, weekday: int, period: int, room: int | None, day: int) -> None:
    """A new slot from a day on, until one of the same place that begins later."""
    later = w.db.execute(
        f"SELECT min(t.start) FROM timetable_slot t WHERE t.subject_group = ? AND t.weekday = ? AND t.period = ? "
        f"AND t.start > ? AND ifnull({queries.ONCE}, 0) = 0 AND t.retired_at IS NULL",
        (group, weekday, period, day),
    ).fetchone()[0]
    w.insert(
        "timetable_slot", subject_group=group, weekday=weekday, period=period, room=room, start=day, end=later
    )


def usual_room(db: Database, group: int) -> int | None:
    """The room in which a group meets most often, else its class's own."""
    row = db.execute(
        "SELECT room FROM timetable_slot WHERE subject_group = ? AND room IS NOT NULL AND retired_at IS NULL "
        "GROUP BY room ORDER BY count(*) DESC, room LIMIT 1",
        (group,),
    ).fetchone()
    if row is None:
        row = db.execute(
            "SELECT cg.room FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group WHERE sg.id = ?",
            (group,),
        ).fetchone()
    return row[0] if row else None


# ---- rooms


def save_room(w: Writer, room: int | None, name: str, seats: int | None) -> int:
    """Enter or rename a room; returns its row. InvalidValue: without a name."""
    if not name.strip():
        raise InvalidValue(table="room", column="name", value=name)
    if room is None:
        return w.insert("room", name=name.strip(), seats=seats)
    w.update("room", room, name=name.strip(), seats=seats)
    return room


def close_room(w: Writer, room: int) -> bool:
    """A room is used no more; lessons that were in it keep their history."""
    return w.retire("room", room)


# ---- substitutions


def substitute(w: Writer, group: int, day: int, period: int, teacher: int, reason: str = "") -> bool:
    """Let somebody else hold a lesson; returns whether anything changed.

    The substitute may write that lesson's journal. NoLesson: the timetable asks for none then; NotFound: no such member
    of staff, or the group's own teacher.
    """
    lesson = next(
        (one for one in queries.agenda(w.db, day, day, groups=[group], dropped=True) if one.period == period),
        None,
    )
    if lesson is None:
        raise NoLesson()
    here = w.db.execute(
        'SELECT 1 FROM staff WHERE person = ? AND retired_at IS NULL AND ("end" IS NULL OR "end" > ?)',
        (teacher, day),
    ).fetchone()
    if here is None or teacher == lesson.slot["teacher"]:
        raise NotFound()
    return w.put(
        "substitution",
        subject_group=group,
        day=day,
        period=period,
        teacher=teacher,
        reason=reason.strip() or None,
        dropped=0,
    )


def drop(w: Writer, group: int, day: int, period: int, reason: str = "") -> bool:
    """A lesson does not take place: plans, control and attendance ask for it no more; returns whether anything changed.

    NoLesson: the timetable asks for none then; LessonHeld: the journal knows it already, or a mark or absence of it.
    """
    asked = queries.agenda(w.db, day, day, groups=[group], dropped=True)
    if period not in {one.period for one in asked}:
        raise NoLesson()
    _require_not_held(w.db, group, day, period)
    return w.put(
        "substitution",
        subject_group=group,
        day=day,
        period=period,
        teacher=None,
        reason=reason.strip() or None,
        dropped=1,
    )


_OF_LESSON = "subject_group = :group AND day = :day AND period = :period AND retired_at IS NULL"
_HELD = f"""SELECT 1 FROM lesson WHERE {_OF_LESSON}
  UNION ALL SELECT 1 FROM mark WHERE {_OF_LESSON} AND (value IS NOT NULL OR comment <> '')
  UNION ALL SELECT 1 FROM attendance WHERE {_OF_LESSON} AND status <> 'present' LIMIT 1"""


def _require_not_held(db: Database, group: int, day: int, period: int) -> None:
    if db.execute(_HELD, {"group": group, "day": day, "period": period}).fetchone():
        raise LessonHeld()


def hold_instead(w: Writer, group: int, day: int, period: int, other: int, reason: str = "") -> None:
    """Drop a lesson and hold one of another group of the class in its place, with that group's own teacher.

    What `drop` and `hold_once` raise; NotFound: the other group is not of the same class.
    """
    if _class_of(w.db, other) != _class_of(w.db, group) or other == group:
        raise NotFound()
    drop(w, group, day, period, reason)
    hold_once(w, other, day, period)


def hold_once(w: Writer, group: int, day: int, period: int) -> bool:
    """Hold a lesson of a group on one day, outside the weekly timetable; returns whether it is new.

    Plans, journal, attendance and everyone's week have it as any other. NotFound: no such group; NoLesson: the calendar
    has no lessons for the class that day; InvalidValue: no such lesson of the day.
    """
    class_group = _class_of(w.db, group)
    weekday = calendar.calendar(w.db, day, day).taught_as(day, calendar.whom(w.db, class_group))
    if not weekday:
        raise NoLesson()
    if not 0 <= period <= queries.LAST_PERIOD:
        raise InvalidValue(table="timetable_slot", column="period", value=period)
    asked = [
        one for one in queries.agenda(w.db, day, day, groups=[group], dropped=True) if one.period == period
    ]
    if asked:
        return asked[0].dropped and w.retire("substitution", group, day, period)
    room = usual_room(w.db, group)
    w.insert(
        "timetable_slot",
        subject_group=group,
        weekday=weekday,
        period=period,
        room=room,
        start=day,
        end=day + 1,
    )
    return True


def call_off(w: Writer, group: int, day: int, period: int) -> bool:
    """Take a lesson of one day back; returns whether there was one. LessonHeld: the journal knows it already."""
    asked = queries.agenda(w.db, day, day, groups=[group], dropped=True)
    once = [one.slot["id"] for one in asked if one.period == period and one.is_once]
    if once:
        _require_not_held(w.db, group, day, period)
    return any([w.retire("timetable_slot", slot) for slot in once])


def take_back_substitution(w: Writer, group: int, day: int, period: int) -> bool:
    """The group's own teacher holds the lesson after all; returns whether it was substituted or dropped."""
    return w.retire("substitution", group, day, period)


# ---- events


def save_event(w: Writer, event: int | None, start: int, end: int | None, title: str, place: str = "") -> int:
    """Enter or change an event (instants); returns its row. InvalidValue: without a title; WrongOrder."""
    if not title.strip():
        raise InvalidValue(table="event", column="title", value=title)
    if end is not None and end < start:
        raise WrongOrder()
    values = {"start": start, "end": end, "title": title.strip(), "place": place.strip() or None}
    if event is None:
        return w.insert("event", **values)
    if queries.event(w.db, event) is None:
        raise NotFound()
    w.update("event", event, **values)
    return event


def cancel_event(w: Writer, event: int) -> bool:
    """Take an event out of the calendar."""
    return w.retire("event", event)


# ---- the secret address of a calendar


def new_address(w: Writer, account: int, person: int) -> str:
    """Make a secret address for a person's lessons; returns its secret, which is kept as a digest alone.

    Of the addresses an account has made the oldest beyond 20 end.
    """
    token = crypto.random_bytes(TOKEN_BYTES)
    w.insert("calendar_address", account=account, person=person, secret=digest_of(token.hex()), made_at=w.now)
    for old in queries.addresses(w.db, account)[MOST_ADDRESSES:]:
        w.retire("calendar_address", old["id"])
    return token.hex()


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return crypto.digest(b"mektep calendar", secret.encode())


def end_address(w: Writer, account: int, address: int) -> bool:
    """An address of the account opens nothing any more. NotFound: it is another's."""
    if address not in {row["id"] for row in queries.addresses(w.db, account)}:
        raise NotFound()
    return w.retire("calendar_address", address)
