"""Writes a generated school through the writer, each part under the account of the one who would enter it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from sqlite_utils import Database

from node.generator import names, timetable
from node.generator.cast import Cast, Guardian, Household, Pupil, Teacher, assemble
from node.generator.curriculum import WEEKS, topics_of
from node.generator.timetable import Slot
from node.generator.year import (
    Held,
    Month,
    Move,
    Quarter,
    SchoolYear,
    Story,
    moves,
    part_of,
    rest_of_first_grade,
    stays,
)
from shared.dates import age_on, date_of, day_number, school_days
from shared.grading import annual, propose
from shared.latin import latin
from shared.problems import InvalidValue
from shared.schema import Value
from sync.writer import Writer, writing

Progress = Callable[[str, int, int], None]
"""Told what is being written, how much of it is done, and how much there is."""

DAY_MS = 86_400_000
SPARE = 0.02
"""Newcomers during the year as a share of the pupils on 1 September."""
OFFICE_LOGINS = {
    "head": "head",
    "deputy": "deputy",
    "other": "secretary",
    "librarian": "librarian",
    "social": "social",
}
OFFICE_DUTIES = {
    "head": "head",
    "deputy": "deputy",
    "other": "secretary",
    "librarian": "librarian",
    "social": "social",
}
OWN_MIND = 0.03
"""Share of quarter marks in which the teacher differs from the proposal, and says why."""


@dataclass(frozen=True)
class GeneratedSchool:
    """What was written: counts, and one login for each duty (all with the password given)."""

    pupils: int
    classes: int
    staff: int
    lessons: int
    marks: int
    changes: int
    logins: dict[str, str]


@dataclass
class Ids:
    """Row ids by the numbers of the cast."""

    staff: list[int] = field(default_factory=list)
    accounts: dict[int, int] = field(default_factory=dict)
    classes: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    items: dict[int, list[int]] = field(default_factory=dict)
    pupils: dict[int, int] = field(default_factory=dict)
    enrolments: dict[int, int] = field(default_factory=dict)
    guardians: dict[int, list[int]] = field(default_factory=dict)
    spare_rooms: list[int] = field(default_factory=list)


def generate(
    db: Database,
    actor: int,
    *,
    seed: int,
    pupils: int,
    password_hash: str,
    year: int = 2025,
    until: int | None = None,
    progress: Progress | None = None,
) -> GeneratedSchool:
    """Write a school with so many pupils on the first day of the school year that starts in `year`.

    `actor` is the administrator who enters the staff; everyone else then acts under an account of their own, all with
    the password that was hashed to `password_hash`. The year is told up to the day `until` (days since 1970), else to
    its end. The same seed writes the same school. InvalidValue: the school year is not known, or fewer than 22 pupils.
    """
    if pupils < 22:
        raise InvalidValue(table="pupil", column="person", value=pupils)
    rng = Random(seed)
    reference = _Reference(db, year, until)
    cast = assemble(rng, pupils, max(1, int(pupils * SPARE)), year)
    return _School(db, actor, rng, reference, cast, pupils, password_hash, progress or _silent).write()


def _silent(what: str, done: int, of: int) -> None:
    pass


class _Reference:
    """The reference rows a school is built on."""

    def __init__(self, db: Database, year: int, until: int | None) -> None:
        self.subjects = self._codes(db, "subject")
        self.kinds = self._codes(db, "work_kind")
        self.scales = self._codes(db, "grading_scale")
        self.weights = {row["code"]: row["weight"] for row in db.query("SELECT code, weight FROM work_kind")}
        self.year = self._year(db, year, until)

    @staticmethod
    def _codes(db: Database, table: str) -> dict[str, int]:
        return {
            row["code"]: row["id"]
            for row in db.query(f"SELECT id, code FROM {table} WHERE retired_at IS NULL")
        }

    @staticmethod
    def _year(db: Database, year: int, until: int | None) -> SchoolYear:
        rows = db.query("SELECT * FROM academic_year WHERE retired_at IS NULL ORDER BY id")
        found = next((row for row in rows if date_of(row["start"]).year == year), None)
        if found is None:
            raise InvalidValue(table="academic_year", column="start", value=year)
        terms = list(
            db.query("SELECT * FROM term WHERE year = ? AND retired_at IS NULL ORDER BY start", [found["id"]])
        )
        quarters = tuple(
            Quarter(t["id"], t["number"], t["start"], t["end"]) for t in terms if t["kind"] == "quarter"
        )
        calendar = {
            row["day"]: row["kind"]
            for row in db.query(
                "SELECT day, kind FROM calendar_day WHERE year = ? AND retired_at IS NULL", [found["id"]]
            )
        }
        last = found["end"] if until is None else min(until, found["end"])
        days = tuple(school_days(found["start"], last, calendar))
        term = next((t["id"] for t in terms if t["kind"] == "year"), None)
        return SchoolYear(
            found["id"], found["start"], found["end"], found["reference_date"], quarters, term, days, last
        )


class _School:
    """Writes one school; the methods stand in the order in which they are called."""

    def __init__(
        self,
        db: Database,
        actor: int,
        rng: Random,
        reference: _Reference,
        cast: Cast,
        residents: int,
        password_hash: str,
        progress: Progress,
    ) -> None:
        self.db = db
        self.actor = actor
        self.rng = rng
        self.reference = reference
        self.year = reference.year
        self.cast = cast
        self.residents = residents
        self.password_hash = password_hash
        self.progress = progress
        self.ids = Ids()
        self.logins: dict[str, str] = {}
        self.orders: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.lessons = 0
        self.marks = 0
        self.year_marks: dict[tuple[int, int], list[int | None]] = {}
        self.year_missed: Counter[tuple[int, int]] = Counter()

    def write(self) -> GeneratedSchool:
        before = self._changes()
        events = moves(self.rng, self.cast, self.residents, self.year)
        slots = timetable.build(self.rng, self.cast.loads)
        with writing(self.db, self.actor) as w:
            self._staff(w)
        with self._as("deputy") as w:
            self._organisation(w)
            self._time(w, slots)
        self._plans()
        self._first_pupils()
        self._office_work()
        self._tell(events, slots)
        return GeneratedSchool(
            pupils=len(self.ids.pupils),
            classes=len(self.ids.classes),
            staff=len(self.ids.staff),
            lessons=self.lessons,
            marks=self.marks,
            changes=self._changes() - before,
            logins=self.logins,
        )

    def _changes(self) -> int:
        return int(self.db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])

    @contextmanager
    def _as(self, position: str) -> Iterator[Writer]:
        """Write under the account of the first who holds a position."""
        with writing(self.db, self.ids.accounts[self.cast.of_position(position)[0]]) as w:
            yield w

    def _as_teacher(self, teacher: int) -> int:
        return self.ids.accounts[teacher]

    # ---- what head and class teachers do beside the books

    def _office_work(self) -> None:
        """A task for everyone with an account, done and accepted; the class teachers' first checks, confirmed."""
        start = self.year.start
        head = self.ids.staff[self.cast.of_position("head")[0]]
        for number in sorted(self.ids.accounts):
            with writing(self.db, self.ids.accounts[number]) as w:
                w.insert(
                    "task",
                    assignee=self.ids.staff[number],
                    author=head,
                    title="Системага кирип, сырсөздү алмаштыруу",
                    due=start + 7,
                    done_at=(start + 2) * DAY_MS,
                    accepted_at=(start + 3) * DAY_MS,
                )
        for name, (teacher, class_group) in enumerate(self._leaders()):
            with writing(self.db, self.ids.accounts[teacher]) as w:
                w.insert(
                    "sign_off",
                    class_group=class_group,
                    area="roll",
                    day=start + 10,
                    act="checked",
                    person=self.ids.staff[teacher],
                )
            if name % 4:
                with self._as("head") as w:
                    w.insert(
                        "sign_off",
                        class_group=class_group,
                        area="roll",
                        day=start + 12,
                        act="confirmed",
                        person=head,
                    )

    def _leaders(self) -> list[tuple[int, int]]:
        """(Number of the teacher, class) of every class that is led."""
        return [
            (number, self.ids.classes[member.leads])
            for number, member in enumerate(self.cast.staff)
            if member.leads is not None and number in self.ids.accounts
        ]

    # ---- staff

    def _staff(self, w: Writer) -> None:
        taken: Counter[str] = Counter()
        for number, member in enumerate(self.cast.staff):
            person = self._named(w, member.sex, member.birth, member.name, None, {})
            self.ids.staff.append(person)
            self._member(w, person, member)
            if member.position != "psychologist":
                self.ids.accounts[number] = self._account(w, person, member, taken)
        self._appoint(w)

    def _member(self, w: Writer, person: int, member: Teacher) -> None:
        w.put(
            "staff",
            person=person,
            position=member.position,
            education=member.education,
            category=member.category,
            experience_since=member.since,
            load=member.hours * 100,
            outside=int(member.outside),
            start=day_number(date_of(self.year.start).replace(year=max(member.since, 1990), month=9, day=1)),
        )

    def _account(self, w: Writer, person: int, member: Teacher, taken: Counter[str]) -> int:
        login = OFFICE_LOGINS.get(member.position) or (
            latin(member.name.surname.split()[0]) + "." + latin(member.name.given)
        )
        taken[login] += 1
        if taken[login] > 1:
            login += str(taken[login])
        duty = OFFICE_DUTIES.get(member.position) or ("teacher" if member.leads is None else "class_teacher")
        self.logins.setdefault(duty, login)
        language = "ru" if member.speciality == "russian" else "ky"
        return w.insert(
            "account",
            person=person,
            login=login,
            password=self.password_hash,
            language=language,
            approved_on=self.year.start,
        )

    def _appoint(self, w: Writer) -> None:
        start = self.year.start
        office = self._order(w, "staff", start, "Администрацияны дайындоо жөнүндө")
        w.update("order_book", office, regulation=1)
        teachers = self._order(
            w, "staff", start, "Мугалимдерди дайындоо жана окуу жүктөмүн бөлүштүрүү жөнүндө"
        )
        leaders = self._order(w, "staff", start, "Класс жетекчилерди дайындоо жөнүндө")
        self._order(w, "main", start, "Окуу жылын баштоо жөнүндө")
        for person, member in zip(self.ids.staff, self.cast.staff, strict=True):
            if member.position in OFFICE_DUTIES:
                w.insert(
                    "appointment",
                    person=person,
                    duty=OFFICE_DUTIES[member.position],
                    start=start,
                    order=office,
                )
            if member.position in ("primary", "teacher"):
                w.insert("appointment", person=person, duty="teacher", start=start, order=teachers)
        for one in self.cast.classes:
            leader = self.ids.staff[one.leader]
            w.insert("appointment", person=leader, duty="class_teacher", start=start, order=leaders)

    def _order(self, w: Writer, series: str, day: int, title: str) -> int:
        self.orders[series] += 1
        head = self.ids.staff[self.cast.of_position("head")[0]]
        return w.insert(
            "order_book",
            series=series,
            number=self._number(series),
            date=day,
            title=title,
            signatory=head,
            signed_on=day,
        )

    def _number(self, series: str) -> str:
        return f"{self.orders[series]}-{ {'pupils': 'о', 'staff': 'к', 'main': 'н'}[series] }"

    # ---- people

    def _named(
        self, w: Writer, sex: str, birth: int, name: names.Name, signer: int | None, more: dict[str, Value]
    ) -> int:
        """A person with the consent to be named; a child's is signed by a guardian."""
        person = w.insert("person", sex=sex, birth_year=date_of(birth).year)
        self._consent(w, person, "core", signer, birth)
        w.update(
            "person",
            person,
            surname=name.surname,
            given_name=name.given,
            patronymic=name.patronymic,
            birth_date=birth,
            **more,
        )
        return person

    def _consent(self, w: Writer, person: int, purpose: str, signer: int | None, birth: int) -> None:
        """A consent; who has come of age since a guardian signed has signed anew."""
        day = min(self.year.start - self.rng.randint(3, 20), w.now // DAY_MS)
        ground: dict[str, Value] = {} if signer is None else {"signer": signer, "ground": "ата-энеси"}
        document = f"№ {self.rng.randint(1, 900)}"
        w.insert("consent", person=person, purpose=purpose, valid_from=day, document=document, **ground)
        adult = _coming_of_age(birth)
        if signer is not None and adult <= w.now // DAY_MS:
            w.insert(
                "consent",
                person=person,
                purpose=purpose,
                valid_from=max(adult, day),
                signer=person,
                document=document,
            )

    def _guardians(self, w: Writer, household: Household) -> list[int]:
        """The guardians' persons; brothers and sisters share them."""
        if id(household) not in self.ids.guardians:
            self.ids.guardians[id(household)] = [
                self._guardian(w, household, one) for one in household.guardians
            ]
        return self.ids.guardians[id(household)]

    def _guardian(self, w: Writer, household: Household, one: Guardian) -> int:
        if household.consent:
            return self._named(w, one.sex, one.birth, one.name, None, {"phone": one.phone})
        return w.insert("person", sex=one.sex, birth_year=date_of(one.birth).year)

    def _pupil(self, w: Writer, number: int, language: str) -> int:
        pupil = self.cast.pupils[number]
        guardians = self._guardians(w, pupil.household)
        person = self._child(w, pupil, guardians[0])
        self.ids.pupils[number] = person
        initial = pupil.name.surname[0] if pupil.household.consent else "–"
        self.files[initial] += 1
        place = f"{initial}/{self.files[initial]}"
        w.put(
            "pupil",
            person=person,
            language=language,
            residence="rural" if pupil.rural else "urban",
            personal_file=place,
            alphabet_book=place,
            categories=(pupil.household.social if pupil.household.consent else None) or None,
        )
        for guardian, one in zip(guardians, pupil.household.guardians, strict=True):
            w.put("guardian", pupil=person, person=guardian, relation=one.relation)
        return person

    def _child(self, w: Writer, pupil: Pupil, signer: int) -> int:
        """A pupil's person: a placeholder without a name where there is no consent."""
        household = pupil.household
        if not household.consent:
            return w.insert("person", sex=pupil.sex, birth_year=date_of(pupil.birth).year)
        born = date_of(pupil.birth)
        number = f"{'1' if pupil.sex == 'f' else '2'}{born:%d%m%Y}{self.rng.randrange(100_000):05d}"
        more: dict[str, Value] = {"personal_number": number, "address": household.address}
        person = self._named(w, pupil.sex, pupil.birth, pupil.name, signer, more)
        for purpose, given in (
            ("photo", household.photo),
            ("messages", household.messages),
            ("social", bool(household.social)),
        ):
            if given:
                self._consent(w, person, purpose, signer, pupil.birth)
        return person

    def _enrol(self, w: Writer, number: int, in_class: int, day: int) -> None:
        person = self.ids.pupils[number]
        self.ids.enrolments[number] = w.insert(
            "enrolment",
            pupil=person,
            class_group=self.ids.classes[in_class],
            start=day,
            age=age_on(self.cast.pupils[number].birth, self.year.reference_date),
        )
        for group, row in self._groups_of(number, in_class):
            w.put("subject_group_pupil", subject_group=row, pupil=person, start=day, end=None)
            self.year_marks.setdefault((group, number), [])

    def _leave(self, w: Writer, number: int, in_class: int, day: int) -> None:
        person = self.ids.pupils[number]
        w.update("enrolment", self.ids.enrolments[number], end=day)
        for _, row in self._groups_of(number, in_class):
            w.put("subject_group_pupil", subject_group=row, pupil=person, end=day)

    def _groups_of(self, number: int, in_class: int) -> Iterator[tuple[int, int]]:
        for index, group in enumerate(self.cast.groups):
            if group.in_class == in_class and group.part in (0, part_of(number)):
                yield index, self.ids.groups[index]

    # ---- organisation, time, plans

    def _organisation(self, w: Writer) -> None:
        for one in self.cast.classes:
            self.ids.classes.append(
                w.insert(
                    "class_group",
                    year=self.year.id,
                    grade=one.grade,
                    letter=one.letter,
                    language=one.language,
                    shift=one.shift,
                    teacher=self.ids.staff[one.leader],
                )
            )
        for group in self.cast.groups:
            one = self.cast.classes[group.in_class]
            part = (
                {"ky": "{}-топ", "ru": "{}-группа"}[one.language].format(group.part) if group.part else None
            )
            self.ids.groups.append(
                w.insert(
                    "subject_group",
                    class_group=self.ids.classes[group.in_class],
                    subject=self.reference.subjects[group.subject],
                    teacher=self.ids.staff[group.teacher],
                    scale=self.reference.scales["five"] if one.grade > 1 else None,
                    hours_week=group.hours,
                    name=part,
                )
            )

    def _time(self, w: Writer, slots: dict[int, list[Slot]]) -> None:
        longest = max(6, *(period for weekly in slots.values() for _, period in weekly))
        for bell in timetable.bells(longest):
            w.insert("bell", shift=bell.shift, period=bell.period, start=bell.start, end=bell.end)
        if any(one.grade == 1 for one in self.cast.classes):
            for shift in sorted({one.shift for one in self.cast.classes if one.grade == 1}):
                for bell in timetable.bells(longest, length=timetable.SHORT):
                    if bell.shift == shift and bell.period <= 5:
                        w.insert(
                            "bell", shift=shift, period=bell.period, start=bell.start, end=bell.end, grade=1
                        )
        special = {name: w.insert("room", name=label, seats=seats) for name, label, seats in _SPECIAL_ROOMS}
        rooms: dict[int, int] = {}
        taken: set[tuple[int, int, Slot]] = set()
        for number, weekly in slots.items():
            group = self.cast.groups[number]
            shift = self.cast.classes[group.in_class].shift
            for place in weekly:
                wished = (special.get(group.subject), self._room(w, rooms, group.in_class))
                room = next((r for r in wished if r is not None and (r, shift, place) not in taken), None)
                if room is None:
                    room = self._spare_room(w, taken, shift, place)
                taken.add((room, shift, place))
                w.insert(
                    "timetable_slot",
                    subject_group=self.ids.groups[number],
                    weekday=place[0],
                    period=place[1],
                    room=room,
                    start=self.year.start,
                )
        for day in rest_of_first_grade(self.year):
            w.insert("own_day", year=self.year.id, day=day, kind="holiday", grade=1, reason=_REST)
        for month, day, title in _EVENTS:
            year = date_of(self.year.start).year + (month < 9)
            at = day_number(date_of(self.year.start).replace(year=year, month=month, day=day)) * DAY_MS
            w.insert(
                "event", start=at + 4 * 3_600_000, end=at + 6 * 3_600_000, title=title, place="Жыйындар залы"
            )

    def _room(self, w: Writer, rooms: dict[int, int], in_class: int) -> int:
        """The room of a class, shared with a class of the other shift."""
        one = self.cast.classes[in_class]
        place = sum(other.shift == one.shift for other in self.cast.classes[:in_class])
        if place not in rooms:
            rooms[place] = w.insert("room", name=str(101 + 100 * (place // 10) + place % 10), seats=36)
        return rooms[place]

    def _spare_room(self, w: Writer, taken: set[tuple[int, int, Slot]], shift: int, place: Slot) -> int:
        """A small room for a part of a class whose other part has the class's own."""
        free = (room for room in self.ids.spare_rooms if (room, shift, place) not in taken)
        room = next(free, None)
        if room is None:
            room = w.insert("room", name=f"К-{len(self.ids.spare_rooms) + 1}", seats=16)
            self.ids.spare_rooms.append(room)
        return room

    def _plans(self) -> None:
        plans: list[int] = []
        for teacher, numbers in self._by_teacher().items():
            with writing(self.db, self._as_teacher(teacher)) as w:
                for number in numbers:
                    plans.append(self._plan(w, number))
            self.progress("plans", len(plans), len(self.cast.groups))
        with self._as("deputy") as w:
            for plan in plans:
                w.update("plan", plan, approved_at=(self.year.start + 4) * DAY_MS)

    def _by_teacher(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number, group in enumerate(self.cast.groups):
            found.setdefault(group.teacher, []).append(number)
        return found

    def _plan(self, w: Writer, number: int) -> int:
        group = self.cast.groups[number]
        one = self.cast.classes[group.in_class]
        plan = w.insert(
            "plan", subject_group=self.ids.groups[number], title=f"{one.title}, {group.hours * WEEKS} с."
        )
        topics = topics_of(group.subject, one.language)
        items = self.ids.items[number] = []
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

    # ---- the year

    def _first_pupils(self) -> None:
        with self._as("other") as w:
            order = self._order(w, "pupils", self.year.start, "Окуучуларды класстарга бөлүштүрүү жөнүндө")
            for index, one in enumerate(self.cast.classes):
                for number in one.pupils:
                    self._pupil(w, number, one.language)
                    self._enrol(w, number, index, self.year.start)
                    if one.grade == 1:
                        self._movement(
                            w, Move(self.year.start, number, "arrived", "start", None, None, index), order
                        )
                self.progress("pupils", index + 1, len(self.cast.classes))
            w.update("order_book", order, text="Окуучулар тизме боюнча класстарга кабыл алынсын.")

    def _movement(self, w: Writer, move: Move, order: int) -> None:
        w.insert(
            "movement",
            pupil=self.ids.pupils[move.pupil],
            kind=move.kind,
            date=move.day,
            reason=move.reason,
            from_class=None if move.from_class is None else self.ids.classes[move.from_class],
            to_class=None if move.to_class is None else self.ids.classes[move.to_class],
            order_date=move.day,
            order=order,
            order_number=self._number("pupils"),
            place=move.place,
        )

    def _tell(self, events: list[Move], slots: dict[int, list[Slot]]) -> None:
        story = Story(
            self.rng, self.cast, slots, stays(self.cast, events, self.year), self.year, self.reference.weights
        )
        waiting = list(events)
        done = 0
        ended: list[Quarter] = []
        for month in story.months():
            last = month.lessons[-1].day if month.lessons else 0
            now = [move for move in waiting if move.day <= last]
            waiting = waiting[len(now) :]
            self._move(now)
            self._journal(month, story)
            done += len({held.day for held in month.lessons})
            self.progress("days", done, len(self.year.days))
            quarter = self.year.quarter_of(last)
            following = self.year.days[done] if done < len(self.year.days) else self.year.until + 1
            if quarter is not None and following > quarter.end:
                self._results(story, quarter, last)
                ended.append(quarter)
                story.begin_quarter()
            elif quarter is None:
                story.begin_quarter()
        if len(ended) == len(self.year.quarters) > 0 and self.year.term is not None:
            self._year_results(story)

    def _move(self, events: list[Move]) -> None:
        if not events:
            return
        with self._as("other") as w:
            for move in events:
                order = self._order(w, "pupils", move.day, _ORDER_TITLES[move.kind])
                if move.kind == "arrived":
                    assert move.to_class is not None
                    self._pupil(w, move.pupil, self.cast.classes[move.to_class].language)
                if move.from_class is not None:
                    self._leave(w, move.pupil, move.from_class, move.day)
                if move.to_class is not None:
                    self._enrol(w, move.pupil, move.to_class, move.day)
                self._movement(w, move, order)

    def _journal(self, month: Month, story: Story) -> None:
        if month.substitutions:
            with self._as("deputy") as w:
                for one in month.substitutions:
                    w.put(
                        "substitution",
                        subject_group=self.ids.groups[one.group],
                        day=one.day,
                        period=one.period,
                        teacher=self.ids.staff[one.teacher],
                        reason="Мугалим ооруп калды",
                    )
        by_teacher: dict[int, list[Held]] = {}
        for held in month.lessons:
            by_teacher.setdefault(held.teacher, []).append(held)
        for teacher, lessons in by_teacher.items():
            with writing(self.db, self._as_teacher(teacher)) as w:
                for held in lessons:
                    self._lesson(w, held)

    def _lesson(self, w: Writer, held: Held) -> None:
        group = self.cast.groups[held.group]
        language = self.cast.classes[group.in_class].language
        items = self.ids.items[held.group]
        item = min(held.number, len(items)) - 1
        topics = topics_of(group.subject, language)
        where: dict[str, Value] = {
            "subject_group": self.ids.groups[held.group],
            "day": held.day,
            "period": held.period,
        }
        homework = {"ky": "§ {}, {}-көнүгүү", "ru": "§ {}, упр. {}"}[language]
        w.put(
            "lesson",
            **where,
            topic=topics[item * len(topics) // len(items)],
            homework=homework.format(item // 2 + 1, held.number % 9 + 1),
            plan_item=items[item],
            attendance_taken=1,
            teacher=self.ids.staff[held.teacher],
        )
        for away in held.away:
            w.put(
                "attendance",
                **where,
                pupil=self.ids.pupils[away.pupil],
                status=away.status,
                reason=away.reason,
            )
        for mark in held.marks:
            w.put(
                "mark",
                **where,
                pupil=self.ids.pupils[mark.pupil],
                slot=mark.slot,
                value=mark.value,
                kind=self.reference.kinds[mark.kind],
                scale=self.reference.scales["five"],
            )
        self.lessons += 1
        self.marks += len(held.marks)

    def _results(self, story: Story, quarter: Quarter, day: int) -> None:
        for teacher, numbers in self._by_teacher().items():
            with writing(self.db, self._as_teacher(teacher)) as w:
                for number in numbers:
                    for pupil in story.members(self.cast.groups[number], day):
                        self._result(w, story, quarter, number, pupil)
        self.progress("results", quarter.number, len(self.year.quarters))

    def _result(self, w: Writer, story: Story, quarter: Quarter, number: int, pupil: int) -> None:
        proposed = propose(story.marks.get((number, pupil), ()))
        given, reason = self._decided(proposed)
        missed = story.missed[number, pupil]
        self.year_marks.setdefault((number, pupil), []).append(given)
        self.year_missed[number, pupil] += missed
        self._put_result(w, number, pupil, quarter.term, given, missed, reason)

    def _decided(self, proposed: int | None) -> tuple[int | None, str | None]:
        """The mark the teacher gives; a reason where it is not the proposed one."""
        if proposed is None or self.rng.random() >= OWN_MIND:
            return proposed, None
        if proposed < 5 and self.rng.random() < 0.7:
            return proposed + 1, "Чейректин аягында тапшырмаларды кайра тапшырды"
        return max(2, proposed - 1), "Текшерүү иштерин төмөн аткарды" if proposed > 2 else None

    def _put_result(
        self,
        w: Writer,
        number: int,
        pupil: int,
        term: int,
        value: int | None,
        missed: int,
        reason: str | None,
    ) -> None:
        w.put(
            "term_result",
            subject_group=self.ids.groups[number],
            pupil=self.ids.pupils[pupil],
            term=term,
            value=value,
            band=value,
            status=self._status(number, pupil, value),
            missed=missed,
            reason=reason,
        )

    def _status(self, number: int, pupil: int, value: int | None) -> str:
        group = self.cast.groups[number]
        if self.cast.classes[group.in_class].grade == 1:
            return "unmarked"
        if group.subject == "pe" and self.cast.pupils[pupil].exempt_from_pe:
            return "exempt"
        return "na" if value is None else "assessed"

    def _year_results(self, story: Story) -> None:
        assert self.year.term is not None
        for teacher, numbers in self._by_teacher().items():
            with writing(self.db, self._as_teacher(teacher)) as w:
                for number in numbers:
                    for pupil in story.members(self.cast.groups[number], self.year.until):
                        value = annual(self.year_marks[number, pupil])
                        missed = self.year_missed[number, pupil]
                        self._put_result(w, number, pupil, self.year.term, value, missed, None)


_SPECIAL_ROOMS = (
    ("pe", "Спорт залы", 60), ("inf", "Информатика", 16), ("chem", "Химия", 30), ("phys", "Физика", 30),
    ("tech", "Устакана", 20),
)  # fmt: skip
_EVENTS = (
    (9, 20, "Ата-энелер жыйналышы"), (10, 5, "Мугалимдер күнү"), (12, 25, "Жаңы жыл майрамы"),
    (3, 20, "Нооруз майрамы"), (5, 24, "Акыркы коңгуроо"),
)  # fmt: skip
_REST = "1-класстын кошумча каникулу"
_RESOURCES = {"ky": "Окуу китеби, таратма материал", "ru": "Учебник, раздаточный материал"}
_ASSESSMENT = {"ky": "Оозеки суроо, өз алдынча иш", "ru": "Устный опрос, самостоятельная работа"}
_ORDER_TITLES = {
    "arrived": "Окуучуну кабыл алуу жөнүндө",
    "departed": "Окуучуну чыгаруу жөнүндө",
    "transfer": "Окуучуну башка класска которуу жөнүндө",
}


def _shared_out(topics: list[str], hours: int) -> Iterator[tuple[str, int]]:
    """The topics with the hours of each, as equal as whole hours allow."""
    for place, topic in enumerate(topics):
        yield topic, hours * (place + 1) // len(topics) - hours * place // len(topics)


def _coming_of_age(birth: int) -> int:
    """The 18th birthday; of who was born on 29 February, 1 March."""
    born = date_of(birth)
    leap_day = (born.month, born.day) == (2, 29)
    return day_number(born.replace(year=born.year + 18, **({"month": 3, "day": 1} if leap_day else {})))
