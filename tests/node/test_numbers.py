"""Numbers on paper: two people of one are asked about on every form, told by an import, and listed as duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node import numbers
from node.duplicates import queries as duplicates
from node.importing.actions import run_import
from node.people import actions as people
from shared.problems import NumberHeld
from shared.web import today
from sync.state import State
from sync.writer import writing
from tests.node.conftest import SchoolPages, actor, autumn
from tests.node.test_importing_pages import upload

PIN, OTHER_PIN = "2" * 14, "1" * 14


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return autumn().again(tmp_path_factory.mktemp("numbers"))


def named(db: Database, surname: str, pin: str | None = None, **pupil: str) -> int:
    """A pupil under a consent."""
    with writing(db, actor(db)) as w:
        person = w.insert("person", sex="f", birth_year=2012)
        w.insert("consent", person=person, purpose="core", valid_from=today() - 30)
        w.update("person", person, surname=surname, given_name="Айгүл", personal_number=pin)
        w.put("pupil", person=person, language="ky", **pupil)
    return person


@pytest.mark.parametrize(
    ("column", "one", "other", "same"),
    [
        ("personal_file", "В/13", "в - 13", True),
        ("personal_file", "В/13", "B/13", True),  # a Latin letter
        ("personal_file", "Ө/3", "О/3", False),
        ("personal_file", "В/13", "В/31", False),
        ("personal_file", "2025 17", "2025  17", True),
        ("alphabet_book", "А/7", "А/7", True),
        ("alphabet_book", "7", "7", False),  # on the pages of two letters
    ],
)
def test_numbers_are_compared_however_they_are_written(
    db: Database, column: str, one: str, other: str, same: bool
) -> None:
    first, second = named(db, "Асанова", **{column: one}), named(db, "Бекова", **{column: other})
    found = numbers.Holders(db).others(second, column, other, "Бекова")
    assert found == ((first,) if same else ())
    assert [set(held) for _, held in numbers.Holders(db).doubles()] == ([{first, second}] if same else [])


def test_on_one_page_of_the_alphabet_book_a_bare_number_is_one_pupils(db: Database) -> None:
    first = named(db, "Асанова", alphabet_book="7")
    second = named(db, "Акматова", alphabet_book="8")
    with pytest.raises(NumberHeld) as held, writing(db, actor(db)) as w:
        people.change_pupil(w, second, {"alphabet_book": "7"})
    assert numbers.asked(held.value)["alphabet_book"].others == (first,)


def test_a_number_that_others_have_is_asked_about_and_kept_if_it_is_right(db: Database) -> None:
    first, second = named(db, "Асанова", PIN, personal_file="А/1"), named(db, "Бекова")
    both = {"personal_number": PIN, "personal_file": "А-1"}
    with pytest.raises(NumberHeld) as held, writing(db, actor(db)) as w:
        numbers.ask(w.db, second, both)
    assert {name: one.others for name, one in numbers.asked(held.value).items()} == dict.fromkeys(
        both, (first,)
    )
    with pytest.raises(NumberHeld), writing(db, actor(db)) as w:
        people.change_person(w, second, {"personal_number": PIN}, agreed=(OTHER_PIN,))
    with writing(db, actor(db)) as w:
        people.change_person(w, second, {"personal_number": PIN}, agreed=(PIN,))
        people.change_person(w, second, {"personal_number": PIN, "phone": "1"})  # hers already
        people.change_pupil(w, first, {"personal_file": "А/1"})
        people.change_pupil(w, second, {"personal_file": None})
    assert [pair.why for pair in duplicates.pairs(db, today())] == ["personal_number"]


def test_retired_rows_have_no_number_and_former_pupils_keep_theirs(db: Database) -> None:
    gone, left = named(db, "Асанова", PIN), named(db, "Бекова", OTHER_PIN, personal_file="Б/1")
    with writing(db, actor(db)) as w:
        w.retire("person", gone)
        third = w.insert("person", sex="f")
        numbers.ask(w.db, third, {"personal_number": PIN})
    with pytest.raises(NumberHeld) as held, writing(db, actor(db)) as w:
        numbers.ask(w.db, third, {"personal_file": "б/1"})
    assert numbers.asked(held.value)["personal_file"].others == (left,)


def test_duplicates_list_every_number_of_two_with_those_without_a_name(db: Database) -> None:
    first = named(db, "Асанова", PIN, personal_file="А/1", alphabet_book="А/1")
    with writing(db, actor(db)) as w:
        nameless = w.insert("person", sex="f", birth_year=2012)
        w.put("pupil", person=nameless, language="ky", personal_file="А/1", alphabet_book="А/1")
        lapsed = w.insert("person", sex="f", birth_year=2012)
        w.insert("consent", person=lapsed, purpose="core", valid_from=today() - 30, valid_to=today() + 1)
        w.update("person", lapsed, surname="Бекова", personal_number=PIN)
    found = {(p.one.id, p.other.id): (p.why, p.other.name) for p in duplicates.pairs(db, today() + 2)}
    assert found == {(first, lapsed): ("personal_number", ""), (first, nameless): ("personal_file", "")}


# ---- on pages


@pytest.fixture
def book(own: SchoolPages) -> Iterator[Database]:
    with closing(own.node.connect()) as db:
        yield db


def test_the_card_comes_back_with_who_has_the_number_and_a_tick(own: SchoolPages, book: Database) -> None:
    holder, pupil = named(book, "Кенжебаева", PIN, personal_file="К/900"), named(book, "Мамбетова")
    secretary = own.as_("secretary")
    secretary.get(f"/people/{pupil}/edit")
    form = {"surname": "Мамбетова", "given_name": "Нур", "sex": "f", "birth_year": "2012", "language": "ky",
            "personal_number": PIN, "personal_file": "к/900"}  # fmt: skip
    status, text = secretary.post(f"/people/{pupil}/edit", **form)
    assert status == 422 and text.count("Бул номер башка адамда бар: Кенжебаева Айгүл.") == 2
    assert len(re.findall(r'name="number_agreed" value="([^"]+)">', text)) == 2
    status, text = secretary.post(f"/people/{pupil}/edit", **form, number_agreed=PIN)
    assert status == 422 and f'value="{PIN}" checked' in text, "the other number is asked about still"
    changed = form | {"personal_number": OTHER_PIN, "personal_file": ""}
    assert secretary.post(f"/people/{pupil}/edit", **changed)[0] == 302
    both = secretary.http.post(
        f"/people/{pupil}/edit",
        data={"form_token": secretary.token, **form, "number_agreed": [PIN, "к/900"]},
    )
    assert both.status_code == 302
    assert own.one("SELECT count(*) FROM person WHERE personal_number = ?", PIN) == 2
    text = secretary.get("/duplicates/")[1]
    assert text.count(f'href="/people/{pupil}"') == text.count(f'href="/people/{holder}"') == 1


def test_who_may_not_read_the_name_is_told_that_someone_has_the_number(
    own: SchoolPages, book: Database
) -> None:
    named(book, "Тайнаева", "3" * 14)
    pupil = own.pupil_of(own.led)
    teacher = own.as_("class_teacher")
    teacher.get(f"/people/{pupil}/edit")
    row = next(iter(book.query("SELECT * FROM person WHERE id = ?", (pupil,))))
    form = {n: str(row[n] or "") for n in ("surname", "given_name", "sex")} | {"language": "ky"}
    status, text = teacher.post(f"/people/{pupil}/edit", **form, personal_number="3" * 14)
    assert status == 422 and "Бул номер мектептеги башка адамда бар." in text and "Тайнаева" not in text


def test_an_admission_asks_about_the_number_and_the_folder(own: SchoolPages, book: Database) -> None:
    named(book, "Исаева", "4" * 14, personal_file="И/70", alphabet_book="И/71")
    secretary = own.as_("secretary")
    secretary.get("/movement/arrival")
    form = {"class": str(own.led), "day": "2025-11-18", "reason": "district", "sex": "f", "birth_date": "2012-05-05",
            "order_number": "90-о", "order_date": "2025-11-17", "surname": "Исаева", "given_name": "Нур",
            "consent_valid_from": "2025-11-17", "consent_purpose": "core", "relation": "mother",
            "personal_number": "4" * 14, "personal_file": "И/71"}  # fmt: skip
    before = own.one("SELECT count(*) FROM pupil")
    status, text = secretary.post("/movement/arrival?year=3", **form)
    assert status == 422 and text.count("Бул номер башка адамда бар: Исаева Айгүл.") == 2
    assert own.one("SELECT count(*) FROM pupil") == before
    answer = secretary.http.post(
        "/movement/arrival?year=3",
        data={"form_token": secretary.token, **form, "number_agreed": ["4" * 14, "И/71"]},
    )
    assert answer.status_code == 302 and own.one("SELECT count(*) FROM pupil") == before + 1


def test_a_staff_file_asks_about_the_number(own: SchoolPages, book: Database) -> None:
    named(book, "Жумаева", "5" * 14)
    deputy = own.as_("deputy")
    deputy.get("/people/staff/new")
    form = {"sex": "f", "position": "lab", "surname": "Лаборова", "consent_valid_from": "2025-09-01",
            "consent_purpose": "core", "start": "2025-09-01", "personal_number": "5" * 14}  # fmt: skip
    status, text = deputy.post("/people/staff/new", **form)
    assert status == 422 and "Жумаева" in text
    status, there = deputy.post("/people/staff/new", **form, number_agreed="5" * 14)
    assert status == 302
    person = there.rpartition("/")[2]
    kept = {name: form[name] for name in ("sex", "position", "surname", "start", "personal_number")}
    assert deputy.post(f"/people/{person}/staff", **kept)[0] == 302, (
        "what stands there is not asked about again"
    )
    named(book, "Жакыпова", "6" * 14)
    status, text = deputy.post(f"/people/{person}/staff", **kept | {"personal_number": "6" * 14})
    assert status == 422 and "Жакыпова" in text


def test_a_dry_run_names_line_field_and_who_has_the_number(own: SchoolPages, book: Database) -> None:
    named(book, "Орозова", "7" * 14)
    head = "ПИН;Фамилия;Имя;Дата рождения;Пол;Согласие;Должность\n"
    lines = (
        f"{'7' * 14};Биринчи;Анна;03.02.1980;ж;2025-09-01;учитель\n"
        f"{'8' * 14};Экинчи;Анна;04.02.1980;ж;2025-09-01;учитель\n"
        f"{'8' * 14};Үчүнчү;Анна;05.02.1980;ж;2025-09-01;учитель\n"
    )
    client = own.as_("secretary")
    text = client.get(upload(client, "staff", head + lines))[1]
    told = re.findall(r"ПИН: Бул номер башка адамда бар: ([^<]+)\.<", text)
    assert told == ["Орозова Айгүл", "Экинчи Анна"]


def test_of_one_import_repeated_nothing_is_asked(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "ПИН;Фамилия;Имя;Дата рождения;Пол;Согласие;Должность\n"
        f"{PIN};Биринчи;Анна;03.02.1980;ж;01.09.2025;учитель\n"
        f"{PIN};Экинчи;Бермет;04.02.1980;ж;01.09.2025;учитель\n"
    )
    first = run_import(db, path, "staff", int(State(db).administrator), today=today())
    assert [(one.line, one.field) for one in first.questions] == [(3, "ПИН")]
    assert run_import(db, path, "staff", int(State(db).administrator), today=today()).questions == ()
