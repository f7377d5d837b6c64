"""How a closing moves a pupil on, and what an act of the days before does to it.

A closing ends the old class and begins the new one on the first day of the next year, which may be months away. What
is written of the days until then changes where the step leads: who leaves never enters the new class, who changes class
in the summer steps out of another one, and who is put into another class of the next year begins it there (a placement:
a transfer from the coming class, dated up to its first day). The lines of the book say all of it, so `move_on` makes
the rolls follow from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import roster
from node.schooldays import YEARS
from sync.writer import Writer

_LINE = f"""FROM movement m JOIN class_group cg ON cg.id = m.to_class AND cg.retired_at IS NULL
  JOIN {YEARS} y ON y.id = cg.year WHERE m.pupil = :pupil AND m.retired_at IS NULL
    AND m.kind IN ('promoted', 'repeating')"""


@dataclass(frozen=True)
class Step:
    """A pupil goes from the class `old` to `new` on a day. `line`: of the closing that decided it."""

    line: Mapping[str, Any]
    day: int
    year: int
    old: int
    new: int


def ahead(db: Database, pupil: int, day: int) -> Step | None:
    """The step of a pupil on a day or after it, if nothing has followed it."""
    sql = f"SELECT m.*, y.start AS first, cg.year AS year {_LINE} AND y.start >= :day ORDER BY y.start, m.id DESC"
    for line in db.query(sql, {"pupil": pupil, "day": day}):
        row = db.execute(
            """SELECT e.class_group FROM enrolment e JOIN class_group cg ON cg.id = e.class_group AND cg.year = :year
               WHERE e.pupil = :pupil AND e.start = :first AND e."end" IS NULL AND e.retired_at IS NULL
                 AND EXISTS (SELECT 1 FROM enrolment o WHERE o.pupil = :pupil AND o.class_group = :old
                   AND o."end" = :first AND o.retired_at IS NULL) ORDER BY e.id""",
            {"pupil": pupil, "year": line["year"], "first": line["first"], "old": line["from_class"]},
        ).fetchone()
        if row is not None:
            return Step(line, line["first"], line["year"], line["from_class"], row[0])
    return None


def time_to_place(db: Database, act: Mapping[str, Any]) -> tuple[int, int] | None:
    """Of a placement the first and the last day that it may have; None for any other act."""
    if act["kind"] != "transfer":
        return None
    sql = f"""SELECT m.date, y.start {_LINE} AND y.start >= :date
              AND cg.year = (SELECT year FROM class_group WHERE id = :to) ORDER BY m.id DESC"""
    named = {"pupil": act["pupil"], "date": act["date"], "to": act["to_class"]}
    found: tuple[int, int] | None = db.execute(sql, named).fetchone()
    return found


def move_on(w: Writer, pupil: int, old: int, chosen: roster.Chosen | None = None) -> None:
    """Let a pupil who was in a class to the end of its year begin the next one where the book says."""
    sql = f"""SELECT m.*, y.start AS first, cg.year AS year {_LINE} AND m.from_class = :old ORDER BY m.id DESC"""
    line = next(iter(w.db.query(sql, {"pupil": pupil, "old": old})), None)
    if line is None or not _stayed(w.db, line):
        return
    first, target = line["first"], _placed(w.db, line)
    roster.leave(w, pupil, old, first)
    begun = w.db.execute(
        """SELECT e.id, e.class_group FROM enrolment e JOIN class_group cg ON cg.id = e.class_group AND cg.year = ?
           WHERE e.pupil = ? AND e.start = ? AND e.retired_at IS NULL ORDER BY e.class_group = ? DESC, e.id""",
        (line["year"], pupil, first, target),
    ).fetchall()
    there = bool(begun) and begun[0][1] == target
    for row, class_group in begun[there:]:
        if class_group == target:
            w.retire("enrolment", row)
        else:
            roster.leave(w, pupil, class_group, first)
    if not there:
        alike = roster.parts_alike(w.db, pupil, old, target, first)
        roster.enrol(w, pupil, target, first, line["kind"] == "repeating", chosen or alike)


def keep_line(w: Writer, pupil: int, old: int, left: int | None) -> None:
    """Let the line of a closing stand if the pupil was still in the class: had not left, or left after it.

    ``left``: the day of the departure, None when it is withdrawn.
    """
    line = w.db.execute(
        """SELECT id, date FROM movement WHERE pupil = ? AND from_class = ? AND retired_at IS NULL
           AND kind IN ('promoted', 'repeating')""",
        (pupil, old),
    ).fetchone()
    if line is None:
        # The one that a departure of before it has taken out, as long as the closing itself stands.
        gone = w.db.execute(
            """SELECT m.id, m.date FROM movement m JOIN class_group t ON t.id = m.to_class AND t.retired_at IS NULL
               WHERE m.pupil = ? AND m.from_class = ? AND m.retired_at IS NOT NULL
                 AND m.kind IN ('promoted', 'repeating') AND EXISTS (SELECT 1 FROM movement o
                 JOIN class_group a ON a.id = o.from_class JOIN class_group b ON b.id = m.from_class AND b.year = a.year
                 WHERE o.date = m.date AND o.kind IN ('promoted', 'repeating', 'graduated') AND o.retired_at IS NULL)
               ORDER BY m.retired_at DESC, m.id DESC LIMIT 1""",
            (pupil, old),
        ).fetchone()
        if gone is not None and (left is None or left > gone[1]):
            w.put("movement", id=gone[0])
    elif left is not None and left <= line[1]:
        w.retire("movement", line[0])


def settle(w: Writer, pupil: int) -> None:
    """What two machines wrote apart is decided: one line of each closing stands, and the rolls follow it."""
    sql = f"SELECT m.*, y.start AS first {_LINE} ORDER BY y.start, m.id"
    lines = list(w.db.query(sql, {"pupil": pupil}))
    for line in lines:
        stayed = [one["id"] for one in lines if one["first"] == line["first"] and _stayed(w.db, one)]
        if stayed and line["id"] != stayed[-1]:
            w.retire("movement", line["id"])
        else:
            move_on(w, pupil, line["from_class"])


def _stayed(db: Database, line: Mapping[str, Any]) -> bool:
    """Was the pupil in the class that a closing ends until the next year began?"""
    sql = """SELECT 1 FROM enrolment WHERE pupil = :pupil AND class_group = :from_class AND retired_at IS NULL
             AND start < :first AND ("end" IS NULL OR "end" >= :first)"""
    return db.execute(sql, dict(line)).fetchone() is not None


def _placed(db: Database, line: Mapping[str, Any]) -> int:
    """The class in which the pupil begins the year: that of the closing, or of the placements after it."""
    target: int = line["to_class"]
    for from_class, to_class in db.execute(
        """SELECT from_class, to_class FROM movement WHERE pupil = ? AND kind = 'transfer' AND date <= ?
           AND retired_at IS NULL ORDER BY date, id""",
        (line["pupil"], line["first"]),
    ).fetchall():
        if from_class == target:
            target = to_class
    return target


def step_from(w: Writer, step: Step, old: int) -> None:
    """The pupil has come to another class of the ending year and goes where those of that class go.

    Unless a placement has said where. The line of the closing is replaced, so that `step_back` finds it.
    """
    line = step.line
    to_class = _goes_to(w.db, line, old) if line["to_class"] == step.new else line["to_class"]
    kept = ("pupil", "kind", "date", "order_date", "order_number", "order", "place", "document", "note")
    w.retire("movement", line["id"])
    w.insert("movement", **{name: line[name] for name in kept}, from_class=old, to_class=to_class)


def step_back(w: Writer, pupil: int, old: int, new: int) -> None:
    """A change from the class `old` to `new` is as if it had never been: the pupil steps out of `old` again.

    By the line of the closing that `step_from` replaced; where none was, where those of that class go.
    """
    sql = f"SELECT m.*, y.start AS first {_LINE} AND m.from_class = :new ORDER BY m.id DESC"
    line = next(iter(w.db.query(sql, {"pupil": pupil, "new": new})), None)
    if line is None:
        return
    before = w.db.execute(
        """SELECT m.id FROM movement m JOIN class_group t ON t.id = m.to_class AND t.retired_at IS NULL
           WHERE m.pupil = ? AND m.from_class = ? AND m.kind = ? AND m.date = ? AND m.retired_at IS NOT NULL
           ORDER BY m.retired_at DESC, m.id DESC LIMIT 1""",
        (pupil, old, line["kind"], line["date"]),
    ).fetchone()
    if before is None:
        to_class = line["to_class"]
        if _placed(w.db, line) == to_class:
            to_class = _goes_to(w.db, line, old)
        w.update("movement", line["id"], from_class=old, to_class=to_class)
        return
    w.retire("movement", line["id"])
    w.put("movement", id=before[0])


def _goes_to(db: Database, line: Mapping[str, Any], old: int) -> int:
    """Where most of a class go by the closing that wrote a line; where none does, the class that the line names."""
    found = db.execute(
        """SELECT m.to_class FROM movement m JOIN class_group a ON a.id = m.to_class AND a.retired_at IS NULL
           JOIN class_group b ON b.id = ? AND b.year = a.year
           WHERE m.from_class = ? AND m.kind = ? AND m.pupil <> ? AND m.retired_at IS NULL
           GROUP BY m.to_class ORDER BY count(*) DESC, m.to_class LIMIT 1""",
        (line["to_class"], old, line["kind"], line["pupil"]),
    ).fetchone()
    return int(found[0] if found else line["to_class"])
