"""What the deputy enters before the year: classes and what is taught in them, bells, rooms, timetable, plans."""

from __future__ import annotations

from collections.abc import Iterator

from node.generator import timetable
from node.generator.books import HOUR_MS, School
from node.generator.curriculum import WEEKS, topics_of
from node.generator.timetable import Slot
from node.generator.year import rest_of_first_grade
from shared.dates import DAY_MS, date_of, day_number
from sync.writer import Writer, writing

_SPECIAL_ROOMS = (
    ("pe", "Спорт залы", 60), ("inf", "Информатика", 16), ("chem", "Химия", 30), ("phys", "Физика", 30),
    ("tech", "Устакана", 20),
)  # fmt: skip
_EVENTS = (
    (9, 20, "Ата-энелер жыйналышы"), (10, 5, "Мугалимдер күнү"), (12, 25, "Жаңы жыл майрамы"),
    (3, 20, "Нооруз майрамы"), (5, 24, "Акыркы коңгуроо"),
)  # fmt: skip
"""Month, day, title."""
_EVENT_HOURS = (4, 6)
"""Ten to noon in Kyrgyzstan, in UTC."""
_REST = "1-класстын кошумча каникулу"
_RESOURCES = {"ky": "Окуу китеби, таратма материал", "ru": "Учебник, раздаточный материал"}
_ASSESSMENT = {"ky": "Оозеки суроо, өз алдынча иш", "ru": "Устный опрос, самостоятельная работа"}


def write_classes(school: School, w: Writer) -> None:
    """The classes and their subject groups."""
    for one in school.cast.classes:
        school.ids.classes.append(
            w.insert(
                "class_group",
                year=school.year.id,
                grade=one.grade,
                letter=one.letter,
                language=one.language,
                shift=one.shift,
                teacher=school.ids.staff[one.leader],
            )
        )
    for group in school.cast.groups:
        one = school.cast.classes[group.in_class]
        part = {"ky": "{}-топ", "ru": "{}-группа"}[one.language].format(group.part) if group.part else None
        school.ids.groups.append(
            w.insert(
                "subject_group",
                class_group=school.ids.classes[group.in_class],
                subject=school.reference.subjects[group.subject],
                teacher=school.ids.staff[group.teacher],
                scale=school.reference.scales["five"] if one.grade > 1 else None,
                hours_week=group.hours,
                name=part,
            )
        )


def write_timetable(school: School, w: Writer, slots: dict[int, list[Slot]]) -> None:
    """Bells, rooms, the week of every group, the first grade's rest, events; `slots` by the number of the group."""
    longest = max(6, *(period for weekly in slots.values() for _, period in weekly))
    for bell in timetable.bells(longest):
        w.insert("bell", shift=bell.shift, period=bell.period, start=bell.start, end=bell.end)
    if any(one.grade == 1 for one in school.cast.classes):
        for shift in sorted({one.shift for one in school.cast.classes if one.grade == 1}):
            for bell in timetable.bells(longest, length=timetable.SHORT):
                if bell.shift == shift and bell.period <= 5:
                    w.insert("bell", shift=shift, period=bell.period, start=bell.start, end=bell.end, grade=1)
    special = {name: w.insert("room", name=label, seats=seats) for name, label, seats in _SPECIAL_ROOMS}
    rooms: dict[int, int] = {}
    taken: set[tuple[int, int, Slot]] = set()
    for number, weekly in slots.items():
        group = school.cast.groups[number]
        shift = school.cast.classes[group.in_class].shift
        for place in weekly:
            wished = (special.get(group.subject), _room(school, w, rooms, group.in_class))
            room = next((r for r in wished if r is not None and (r, shift, place) not in taken), None)
            if room is None:
                room = _spare_room(school, w, taken, shift, place)
            taken.add((room, shift, place))
            w.insert(
                "timetable_slot",
                subject_group=school.ids.groups[number],
                weekday=place[0],
                period=place[1],
                room=room,
                start=school.year.start,
            )
    for day in rest_of_first_grade(school.year):
        w.insert("own_day", year=school.year.id, day=day, kind="holiday", grade=1, reason=_REST)
    for month, day, title in _EVENTS:
        year = date_of(school.year.start).year + (month < 9)
        at = day_number(date_of(school.year.start).replace(year=year, month=month, day=day)) * DAY_MS
        start, end = at + _EVENT_HOURS[0] * HOUR_MS, at + _EVENT_HOURS[1] * HOUR_MS
        w.insert("event", start=start, end=end, title=title, place="Жыйындар залы")


def _room(school: School, w: Writer, rooms: dict[int, int], in_class: int) -> int:
    """The room of a class, shared with a class of the other shift."""
    one = school.cast.classes[in_class]
    place = sum(other.shift == one.shift for other in school.cast.classes[:in_class])
    if place not in rooms:
        rooms[place] = w.insert("room", name=str(101 + 100 * (place // 10) + place % 10), seats=36)
    return rooms[place]


def _spare_room(school: School, w: Writer, taken: set[tuple[int, int, Slot]], shift: int, place: Slot) -> int:
    """A small room for a part of a class whose other part has the class's own."""
    free = (room for room in school.ids.spare_rooms if (room, shift, place) not in taken)
    room = next(free, None)
    if room is None:
        room = w.insert("room", name=f"К-{len(school.ids.spare_rooms) + 1}", seats=16)
        school.ids.spare_rooms.append(room)
    return room


def write_plans(school: School) -> None:
    """A plan for every group by its teacher, approved by the deputy."""
    plans: list[int] = []
    for teacher, numbers in school.groups_by_teacher().items():
        with writing(school.db, school.account_of(teacher)) as w:
            for number in numbers:
                plans.append(_plan(school, w, number))
        school.progress("plans", len(plans), len(school.cast.groups))
    with school.as_("deputy") as w:
        for plan in plans:
            w.update("plan", plan, approved_at=(school.year.start + 4) * DAY_MS)


def _plan(school: School, w: Writer, number: int) -> int:
    group = school.cast.groups[number]
    one = school.cast.classes[group.in_class]
    plan = w.insert(
        "plan", subject_group=school.ids.groups[number], title=f"{one.title}, {group.hours * WEEKS} с."
    )
    topics = topics_of(group.subject, one.language)
    items = school.ids.items[number] = []
    for position, (topic, hours) in enumerate(_shared_out(topics, group.hours * WEEKS), 1):
        row = w.insert(
            "plan_item",
            plan=plan,
            position=position,
            section=f"{position}-{'бөлүм' if one.language == 'ky' else 'раздел'}",
            topic=topic,
            hours=hours,
            resources=_RESOURCES[one.language],
            assessment=_ASSESSMENT[one.language],
        )
        items += [row] * hours
    return plan


def _shared_out(topics: list[str], hours: int) -> Iterator[tuple[str, int]]:
    """The topics with the hours of each, as equal as whole hours allow."""
    for place, topic in enumerate(topics):
        yield topic, hours * (place + 1) // len(topics) - hours * place // len(topics)
