"""The rolls of the classes and the movement book: the pupils of 1 September, and who comes and goes in the year."""

from __future__ import annotations

from collections.abc import Iterator

from node.generator import people
from node.generator.books import School
from node.generator.year import Move, part_of
from shared.dates import age_on
from sync.writer import Writer

_ORDER_TITLES = {
    "arrived": "Окуучуну кабыл алуу жөнүндө",
    "departed": "Окуучуну чыгаруу жөнүндө",
    "transfer": "Окуучуну башка класска которуу жөнүндө",
}


def write_first_pupils(school: School) -> None:
    """Who is here on 1 September; the first grade arrives with it."""
    with school.as_("secretary") as w:
        order = school.order(w, "pupils", school.year.start, "Окуучуларды класстарга бөлүштүрүү жөнүндө")
        for index, one in enumerate(school.cast.classes):
            for number in one.pupils:
                people.write_pupil(school, w, number, one.language)
                _enrol(school, w, number, index, school.year.start)
                if one.grade == 1:
                    _movement(
                        school,
                        w,
                        Move(school.year.start, number, "arrived", "start", None, None, index),
                        order,
                    )
            school.progress("pupils", index + 1, len(school.cast.classes))
        w.update("order_book", order, text="Окуучулар тизме боюнча класстарга кабыл алынсын.")


def write_moves(school: School, events: list[Move]) -> None:
    """Arrivals, departures and transfers, each under an order of its own."""
    if not events:
        return
    with school.as_("secretary") as w:
        for move in events:
            order = school.order(w, "pupils", move.day, _ORDER_TITLES[move.kind])
            if move.kind == "arrived":
                assert move.to_class is not None
                people.write_pupil(school, w, move.pupil, school.cast.classes[move.to_class].language)
            if move.from_class is not None:
                _leave(school, w, move.pupil, move.from_class, move.day)
            if move.to_class is not None:
                _enrol(school, w, move.pupil, move.to_class, move.day)
            _movement(school, w, move, order)


def _movement(school: School, w: Writer, move: Move, order: int) -> None:
    w.insert(
        "movement",
        pupil=school.ids.pupils[move.pupil],
        kind=move.kind,
        date=move.day,
        reason=move.reason,
        from_class=None if move.from_class is None else school.ids.classes[move.from_class],
        to_class=None if move.to_class is None else school.ids.classes[move.to_class],
        order_date=move.day,
        order=order,
        order_number=school.order_number("pupils"),
        place=move.place,
    )


def _enrol(school: School, w: Writer, number: int, in_class: int, day: int) -> None:
    person = school.ids.pupils[number]
    school.ids.enrolments[number] = w.insert(
        "enrolment",
        pupil=person,
        class_group=school.ids.classes[in_class],
        start=day,
        age=age_on(school.cast.pupils[number].birth, school.year.reference_date),
    )
    for group, row in _groups_of(school, number, in_class):
        w.put("subject_group_pupil", subject_group=row, pupil=person, start=day, end=None)
        school.year_marks.setdefault((group, number), [])


def _leave(school: School, w: Writer, number: int, in_class: int, day: int) -> None:
    person = school.ids.pupils[number]
    w.update("enrolment", school.ids.enrolments[number], end=day)
    for _, row in _groups_of(school, number, in_class):
        w.put("subject_group_pupil", subject_group=row, pupil=person, end=day)


def _groups_of(school: School, number: int, in_class: int) -> Iterator[tuple[int, int]]:
    """Number and row of the subject groups of a class that a pupil belongs to."""
    for index, group in enumerate(school.cast.groups):
        if group.in_class == in_class and group.part in (0, part_of(number)):
            yield index, school.ids.groups[index]
