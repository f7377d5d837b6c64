"""Writing plans: items and their order, lines of a spreadsheet, copies, handing in and approval.

Nothing here knows of HTTP. A plan is written by the teacher of its group. Whoever changes a plan that was handed in or
approved takes that back with the change: what the deputy approved is what stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from node.plans import approval, queries
from shared.i18n import folded
from shared.problems import EmptyPlan, InvalidValue, NotAllowed, NotFound
from shared.schema import BY_NAME, Value
from sync.undo import note_act
from sync.writer import Writer

Line = Mapping[str, Value]
"""An item as it is to be: the names are those of `queries.FIELDS`."""


def own_plan(db: Database, group: int, person: int | None) -> Mapping[str, Any]:
    """The plan of a group, to be written by its teacher. NotFound, NotAllowed."""
    require_teacher(db, group, person)
    found = queries.plan_of(db, group)
    if found is None:
        raise NotFound()
    return found


def require_teacher(db: Database, group: int, person: int | None) -> Mapping[str, Any]:
    """The group, if the person teaches it. NotFound, NotAllowed."""
    row = queries.group(db, group)
    if row is None:
        raise NotFound()
    if person is None or row["teacher"] != person:
        raise NotAllowed()
    return row


def begin(w: Writer, group: int, person: int | None, title: str = "") -> int:
    """Begin a plan where there is none; returns the plan that holds. NotFound, NotAllowed."""
    require_teacher(w.db, group, person)
    found = queries.plan_of(w.db, group)
    return found["id"] if found else w.insert("plan", subject_group=group, title=title.strip() or None)


def check_line(line: Line) -> None:
    """InvalidValue: a value its column does not allow, or no topic."""
    table = BY_NAME["plan_item"]
    if not str(line.get("topic") or "").strip():
        raise InvalidValue(table="plan_item", column="topic", value="")
    for name, value in line.items():
        table.by_name[name].check(value, "plan_item")


def save_item(
    w: Writer, group: int, person: int | None, item: int | None, line: Line, after: int | None = None
) -> int:
    """Change an item, or add one; returns its row.

    It comes after the item ``after`` (0: first); without one it stays in its place, a new one at the end. NotFound,
    NotAllowed, InvalidValue.
    """
    plan = own_plan(w.db, group, person)
    check_line(line)
    known = queries.items(w.db, plan["id"])
    order = [one["id"] for one in known]
    if (item is not None and item not in order) or (after and after not in order):
        raise NotFound()
    if item is None:
        row, changed = w.insert("plan_item", plan=plan["id"], position=_last(known) + 1, **line), True
        order.append(row)
    else:
        row, changed = item, w.update("plan_item", item, **line)
    if after is not None and after != row:
        rest = [one for one in order if one != row]
        place = rest.index(after) + 1 if after else 0
        wanted = [*rest[:place], row, *rest[place:]]
        changed |= wanted != order and _put_in_order(w, wanted)
    if changed:
        approval.take_back(w, plan["id"])
    return row


def move_item(w: Writer, group: int, person: int | None, item: int, steps: int) -> bool:
    """Move an item so many places down (up when negative); returns whether anything changed. NotFound, NotAllowed."""
    plan = own_plan(w.db, group, person)
    order = [one["id"] for one in queries.items(w.db, plan["id"])]
    if item not in order:
        raise NotFound()
    place = order.index(item)
    order.insert(max(0, min(len(order) - 1, place + steps)), order.pop(place))
    changed = _put_in_order(w, order)
    if changed:
        approval.take_back(w, plan["id"])
    return changed


def _put_in_order(w: Writer, order: Sequence[int]) -> bool:
    """Number the items as they are to come; returns whether that changed any."""
    return any([w.update("plan_item", one, position=position) for position, one in enumerate(order, 1)])


def remove_item(w: Writer, group: int, person: int | None, item: int) -> None:
    """Take an item out; lessons that gave it keep their topic. NotFound, NotAllowed."""
    plan = own_plan(w.db, group, person)
    if item not in {one["id"] for one in queries.items(w.db, plan["id"])}:
        raise NotFound()
    w.retire("plan_item", item)
    approval.take_back(w, plan["id"])


def write_lines(
    w: Writer,
    group: int,
    person: int | None,
    lines: Sequence[Line],
    append: bool = False,
    after: int | None = None,
) -> int:
    """Let a plan consist of these lines, or have them at its end or after one of its items; returns how many.

    A line with the topic of an item that is there already changes that item, so that lessons which gave it still do;
    added lines change nothing that is there. NotFound: no such item; NotAllowed, InvalidValue.
    """
    plan_id = begin(w, group, person)
    plan = queries.plan(w.db, plan_id)
    assert plan is not None
    for line in lines:
        check_line(line)
    known = queries.items(w.db, plan_id)
    order = [one["id"] for one in known]
    if after is not None and after not in order:
        raise NotFound()
    added = append or after is not None
    by_topic: dict[str, list[int]] = {}
    for one in known if not added else ():
        by_topic.setdefault(folded(one["topic"] or ""), []).append(one["id"])
    place = order.index(after) + 1 if after is not None else len(order)
    first = 1 if not added else place + 1 if after is not None else _last(known) + 1
    for position, row in enumerate(order[place:] if after is not None else (), first + len(lines)):
        w.update("plan_item", row, position=position)
    kept = set()
    for position, line in enumerate(lines, first):
        there = by_topic.get(folded(str(line["topic"])), [])
        if there:
            kept.add(there[0])
            w.update("plan_item", there.pop(0), position=position, **line)
        else:
            kept.add(w.insert("plan_item", plan=plan_id, position=position, **line))
    if after is not None:
        for position, row in enumerate(order[:place], 1):
            w.update("plan_item", row, position=position)
    for one in known:
        if not added and one["id"] not in kept:
            w.retire("plan_item", one["id"])
    approval.take_back(w, plan["id"])
    return len(lines)


def _last(known: Sequence[Mapping[str, Any]]) -> int:
    return max((one["position"] or 0 for one in known), default=0)


def import_lines(
    w: Writer,
    group: int,
    person: int | None,
    lines: Sequence[Line],
    label: str,
    append: bool = False,
    after: int | None = None,
) -> int:
    """What `write_lines` does, marked as an import that can be undone as one; returns the mark.

    NotFound, NotAllowed, InvalidValue.
    """
    return note_act(w, "import", label, write_lines(w, group, person, lines, append, after))


def copy(w: Writer, group: int, person: int | None, source: int) -> int:
    """Let a plan consist of what another plan of the subject and grade holds; returns how many items.

    NotFound: no such plan, or one of another subject or grade; NotAllowed.
    """
    row = require_teacher(w.db, group, person)
    if source not in {one["id"] for one in queries.to_copy(w.db, row)}:
        raise NotFound()
    lines = [{name: item[name] for name in queries.FIELDS} for item in queries.items(w.db, source)]
    return write_lines(w, group, person, [line for line in lines if line["topic"]])


# ---- approval


def hand_in(w: Writer, group: int, person: int | None) -> None:
    """Hand a plan in for approval. NotFound, NotAllowed; EmptyPlan."""
    plan = own_plan(w.db, group, person)
    if not queries.items(w.db, plan["id"]):
        raise EmptyPlan()
    if not plan["approved_at"]:
        w.update("plan", plan["id"], submitted_at=w.now, remark=None)


def approve(w: Writer, group: int, person: int | None) -> None:
    """Approve a plan, whether it was handed in or not; the caller's right is the route's. NotFound, EmptyPlan."""
    plan = queries.plan_of(w.db, group)
    if plan is None:
        raise NotFound()
    if not queries.items(w.db, plan["id"]):
        raise EmptyPlan()
    if not plan["approved_at"]:
        w.update("plan", plan["id"], approved_at=w.now, approved_by=person, remark=None)


def send_back(w: Writer, group: int, remark: str) -> None:
    """Send a plan back to its teacher with a remark. NotFound; InvalidValue: without one."""
    plan = queries.plan_of(w.db, group)
    if plan is None:
        raise NotFound()
    if not remark.strip():
        raise InvalidValue(table="plan", column="remark", value="")
    w.update("plan", plan["id"], approved_at=None, approved_by=None, submitted_at=None, remark=remark.strip())
