"""The staff with accounts and duties, and what head and class teachers do beside the books."""

from __future__ import annotations

from collections import Counter

from node.generator import people
from node.generator.books import School
from node.generator.cast import Teacher
from shared.dates import DAY_MS, date_of, day_number
from shared.latin import latin
from sync.writer import Writer, writing

OFFICE = {
    "head": "head",
    "deputy": "deputy",
    "secretary": "secretary",
    "librarian": "librarian",
    "social": "social",
}
"""Position -> duty, which is the login, too."""


def write_staff(school: School, w: Writer) -> None:
    """Everyone who works here; a psychologist comes without an account."""
    taken: Counter[str] = Counter()
    for number, member in enumerate(school.cast.staff):
        person = people.named(school, w, member.sex, member.birth, member.name, None, {}, people.REACHED)
        school.ids.staff.append(person)
        _member(school, w, person, member)
        if member.position != "psychologist":
            school.ids.accounts[number] = _account(school, w, person, member, taken)
    _appoint(school, w)


def _member(school: School, w: Writer, person: int, member: Teacher) -> None:
    w.put(
        "staff",
        person=person,
        position=member.position,
        education=member.education,
        category=member.category,
        experience_since=member.since,
        load=member.hours * 100,
        outside=int(member.outside),
        start=day_number(date_of(school.year.start).replace(year=max(member.since, 1990), month=9, day=1)),
    )


def _account(school: School, w: Writer, person: int, member: Teacher, taken: Counter[str]) -> int:
    login = OFFICE.get(member.position) or (
        latin(member.name.surname.split()[0]) + "." + latin(member.name.given)
    )
    taken[login] += 1
    if taken[login] > 1:
        login += str(taken[login])
    duty = OFFICE.get(member.position) or ("teacher" if member.leads is None else "class_teacher")
    school.logins.setdefault(duty, login)
    language = "ru" if member.speciality == "russian" else "ky"
    return w.insert(
        "account",
        person=person,
        login=login,
        password=school.password_hash,
        language=language,
        approved_on=school.year.start,
    )


def _appoint(school: School, w: Writer) -> None:
    start = school.year.start
    office = school.order(w, "staff", start, "Администрацияны дайындоо жөнүндө")
    w.update("order_book", office, regulation=1)
    teachers = school.order(w, "staff", start, "Мугалимдерди дайындоо жана окуу жүктөмүн бөлүштүрүү жөнүндө")
    leaders = school.order(w, "staff", start, "Класс жетекчилерди дайындоо жөнүндө")
    school.order(w, "main", start, "Окуу жылын баштоо жөнүндө")
    for person, member in zip(school.ids.staff, school.cast.staff, strict=True):
        if member.position in OFFICE:
            w.insert(
                "appointment",
                person=person,
                duty=OFFICE[member.position],
                start=start,
                order=office,
            )
        if member.position in ("primary", "teacher"):
            w.insert("appointment", person=person, duty="teacher", start=start, order=teachers)
    for one in school.cast.classes:
        leader = school.ids.staff[one.leader]
        w.insert("appointment", person=leader, duty="class_teacher", start=start, order=leaders)


def write_office_work(school: School) -> None:
    """The head's task for all others who sign in, done and accepted; the class teachers' first checks, confirmed."""
    start = school.year.start
    head = school.ids.staff[school.cast.of_position("head")[0]]
    for number in sorted(school.ids.accounts):
        if school.ids.staff[number] == head:
            continue
        with writing(school.db, school.ids.accounts[number]) as w:
            w.insert(
                "task",
                assignee=school.ids.staff[number],
                author=head,
                title="Системага кирип, сырсөздү алмаштыруу",
                due=start + 7,
                done_at=(start + 2) * DAY_MS,
                accepted_at=(start + 3) * DAY_MS,
            )
    for name, (teacher, class_group) in enumerate(_leaders(school)):
        with writing(school.db, school.ids.accounts[teacher]) as w:
            w.insert(
                "sign_off",
                class_group=class_group,
                area="roll",
                day=start + 10,
                act="checked",
                person=school.ids.staff[teacher],
            )
        if name % 4:
            with school.as_("head") as w:
                w.insert(
                    "sign_off",
                    class_group=class_group,
                    area="roll",
                    day=start + 12,
                    act="confirmed",
                    person=head,
                )


def _leaders(school: School) -> list[tuple[int, int]]:
    """(Number of the teacher, class) of every class that is led."""
    return [
        (number, school.ids.classes[member.leads])
        for number, member in enumerate(school.cast.staff)
        if member.leads is not None and number in school.ids.accounts
    ]
