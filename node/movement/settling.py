"""Acts about one pupil that two machines wrote apart, as two transfers; one of them stands, the other is taken back.

Merging keeps both lines, and whatever each did to the roll. Nobody but a person can say which is right; the choice
makes roll, lists and book agree again, and the report that counted the other act gets a numbered correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from node import frozen, roster
from node.movement import moving_on
from node.movement.contradictions import against, candidates
from shared.problems import NotFound
from shared.schema import BY_NAME, BY_NUMBER
from sync.log import NodeLog
from sync.writer import Writer

_ROLLS = ("enrolment", "subject_group_pupil")


def let_stand(w: Writer, line: int) -> list[int]:
    """Let an act stand against those that contradict it, which are taken back; returns them. NotFound."""
    row = next(
        iter(w.db.query("SELECT pupil FROM movement WHERE id = ? AND retired_at IS NULL", (line,))), None
    )
    lines = candidates(w.db, row["pupil"]).get(row["pupil"], []) if row else []
    opposed = against(w.db, lines)
    if row is None or line not in opposed:
        raise NotFound()
    acts = {one["id"]: one for one in w.db.query("SELECT * FROM movement WHERE pupil = ?", (row["pupil"],))}
    standing = [acts[one] for one in lines if one in opposed and one not in opposed[line]]
    taken_back = [one for one in lines if one in opposed[line]]
    for one in reversed(taken_back):
        _take_back(w, acts[one], standing)
    for act in standing:
        if moving_on.time_to_place(w.db, act) is None:
            _do_again(w, act)
    moving_on.settle(w, row["pupil"])
    _decide(w, row["pupil"])
    frozen.follow(w, taken_back[0])
    return taken_back


def _take_back(w: Writer, act: Mapping[str, Any], standing: Sequence[Mapping[str, Any]]) -> None:
    pupil, day = act["pupil"], act["date"]
    time = moving_on.time_to_place(w.db, act)
    if time is not None:
        roster.leave(w, pupil, act["to_class"], time[1])
        w.retire("movement", act["id"])
        return
    if act["to_class"] is not None:
        days = {one["date"] for one in standing if one["to_class"] == act["to_class"]}
        if days:
            _one_enrolment(w, pupil, act["to_class"], day, days)
        else:
            roster.leave(w, pupil, act["to_class"], day)
    if act["from_class"] is not None:
        roster.return_to(w, pupil, act["from_class"], day)
    if act["kind"] == "transfer":
        moving_on.step_back(w, pupil, act["from_class"], act["to_class"])
    w.retire("movement", act["id"])


def _one_enrolment(w: Writer, pupil: int, class_group: int, day: int, days: set[int]) -> None:
    """Both acts led to one class: of the enrolments that they made one stays, if there is one, of a standing act."""
    rows = w.db.execute(
        "SELECT id, start FROM enrolment WHERE pupil = ? AND class_group = ? AND retired_at IS NULL ORDER BY id",
        (pupil, class_group),
    ).fetchall()
    kept = min(rows, key=lambda one: (one[1] not in days, one[0]), default=(0, 0))[0]
    for row, start in rows:
        if row != kept and start == day:
            w.retire("enrolment", row)


def _do_again(w: Writer, act: Mapping[str, Any]) -> None:
    """Make roll and lists say what an act says, whatever they said."""
    pupil, day, to_class = act["pupil"], act["date"], act["to_class"]
    if act["from_class"] is not None:
        roster.leave(w, pupil, act["from_class"], day)
    if to_class is None:
        return
    rows = w.db.execute(
        """SELECT id, start, "end" FROM enrolment WHERE pupil = ? AND class_group = ? AND retired_at IS NULL
           AND (start = ? OR "end" IS NULL) ORDER BY start = ? DESC, id""",
        (pupil, to_class, day, day),
    ).fetchall()
    if not rows:
        roster.enrol(w, pupil, to_class, day)
    elif rows[0][1] != day:
        w.update("enrolment", rows[0][0], start=day)


def _decide(w: Writer, pupil: int) -> None:
    """What rolls and lists show now was written by someone who had all of it in sight."""
    log = NodeLog(w.db)
    for name in _ROLLS:
        number = BY_NAME[name].number
        rows = w.db.execute("SELECT key, unit FROM conflict WHERE tbl = ?", (number,)).fetchall()
        keys = log.keys_of(number, {key for key, _ in rows})
        for key, unit in rows:
            column = "id" if name == "enrolment" else "rid"
            sql = f"SELECT 1 FROM {name} WHERE {column} = ? AND pupil = ?"
            if key in keys and w.db.execute(sql, (key, pupil)).fetchone():
                w.assert_again(BY_NUMBER[number], key, unit)
                w.db.conn.execute(
                    "DELETE FROM conflict WHERE tbl = ? AND key = ? AND unit = ?", (number, key, unit)
                )
