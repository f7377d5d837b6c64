"""A school on the last days of August: its staff have accounts and duties, year and calendar stand, no class does."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from node.calendar.actions import Bell, set_bells
from node.storage import Node, create_node
from shared import crypto
from shared.dates import parse_day
from sync.state import State
from sync.writer import Writer, writing
from tests.node.conftest import CHEAP, PASSWORD

AUGUST = parse_day("2025-08-25")
QUARTER = 4
"""The first quarter of 2025/26 among the reference rows: 1 September to 1 November."""
STAFF = {
    "head": ("Асанова", "Гүлмира", "f", "head", ("head",)),
    "deputy": ("Бакиров", "Нурлан", "m", "deputy", ("deputy",)),
    "secretary": ("Жумабаева", "Чолпон", "f", "other", ("secretary",)),
    "leader": ("Сыдыкова", "Айнура", "f", "teacher", ("teacher",)),
    "teacher": ("Токтосунов", "Эркин", "m", "teacher", ("teacher",)),
}
"""Login -> surname, given name, sex, position, duties; the leader leads no class yet."""
GIRLS = (
    "Айгүл",
    "Бегимай",
    "Гүлзат",
    "Жанара",
    "Каныкей",
    "Мээрим",
    "Нурзат",
    "Перизат",
    "Сезим",
    "Уулкан",
    "Чынара",
)
BOYS = (
    "Адилет",
    "Бекзат",
    "Данияр",
    "Жоомарт",
    "Искендер",
    "Куттубек",
    "Манас",
    "Нурбек",
    "Сыймык",
    "Тилек",
    "Эрмек",
)
FAMILIES = ("Абдыраев", "Жээнбеков", "Калыков", "Мамбетов", "Осмонов", "Үсөнов", "Өмүров")


@dataclass(frozen=True)
class TermSchool:
    """The node, and its people by login."""

    node: Node
    people: dict[str, int]
    accounts: dict[str, int]


def a_school(home: Path) -> TermSchool:
    """Make it; everyone signs in with the common password."""
    node, _ = create_node(
        home, school_name="№8 мектеп", login="admin", password=PASSWORD, passphrase="open", cost=CHEAP
    )
    stored = crypto.hash_password(PASSWORD, CHEAP)
    people, accounts = {}, {}
    with closing(node.connect()) as db:
        actor = int(State(db).administrator)
        with writing(db, actor) as w:
            w.update("account", actor, password=stored)
            administrator = db.execute("SELECT person FROM account WHERE id = ?", (actor,)).fetchone()[0]
            w.insert("appointment", person=administrator, duty="administrator", start=AUGUST - 3000)
            set_bells(w, 1, None, [Bell(n, 480 + 50 * (n - 1), 525 + 50 * (n - 1)) for n in range(1, 8)])
            for login, (surname, given, sex, position, duties) in STAFF.items():
                people[login] = person = a_person(w, surname, given, sex, 1980)
                w.put("staff", person=person, position=position, start=AUGUST - 3000)
                accounts[login] = w.insert(
                    "account",
                    person=person,
                    login=login,
                    password=stored,
                    language="ky",
                    approved_on=AUGUST - 1,
                )
                for duty in duties:
                    w.insert("appointment", person=person, duty=duty, start=AUGUST - 3000)
    return TermSchool(node, people, accounts)


def a_person(w: Writer, surname: str, given: str, sex: str, born: int) -> int:
    """Someone with a name and the consent to it."""
    person = w.insert("person", sex=sex, birth_year=born)
    w.insert("consent", person=person, purpose="core", valid_from=AUGUST - 3000, document="№ 1")
    w.update("person", person, surname=surname, given_name=given)
    return person


def children(count: int) -> list[tuple[str, str, str]]:
    """Surname, given name and sex of so many children."""
    found = []
    for number in range(count):
        girl = number % 2 == 0
        family = FAMILIES[number % len(FAMILIES)] + ("а" if girl else "")
        found.append((family, (GIRLS if girl else BOYS)[number // 2 % 11], "f" if girl else "m"))
    return found
