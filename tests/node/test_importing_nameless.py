"""Lists that bring the name of someone who stands here without one: nobody becomes two people unasked."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest
from sqlite_utils import Database

from node.consenting import add_guardian
from node.consents.actions import withdraw
from node.importing.actions import run_import
from node.importing.kinds import KINDS
from node.importing.mapping import load_mapping
from node.importing.nameless import MayBeSomeone
from node.importing.running import ImportResult, Wish
from node.people.queries import number_of
from shared.dates import parse_day
from shared.db import transaction
from shared.problems import ImportRefused
from sync.writer import writing
from tests.node.conftest import SchoolPages
from tests.node.test_importing import db as db
from tests.node.test_importing_consents import LISTS
from tests.node.test_importing_pages import own as own
from tests.node.test_importing_pages import told, upload

SIGNED, LATER, TODAY = "20.08.2025", "15.11.2025", parse_day("2025-11-20")
WITHDRAWN = parse_day("2025-11-01")
PEOPLE = "SELECT count(*) FROM person WHERE retired_at IS NULL"


def bring(
    db: Database, folder: Path, kind: str, text: str, wish: Wish | None = None, key: str = ""
) -> ImportResult:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return run_import(db, path, load_mapping(kind, key), 7, today=TODAY, wish=wish or Wish(new_classes=None))


def count(db: Database, sql: str = PEOPLE, *values: object) -> int:
    return int(db.execute(sql, values).fetchone()[0])


def refused_of(db: Database, folder: Path, kind: str, text: str, key: str = "") -> list[MayBeSomeone]:
    with pytest.raises(ImportRefused) as refused:
        bring(db, folder, kind, text, key=key)
    assert all(isinstance(one, MayBeSomeone) for one in refused.value.errors)
    return [one for one in refused.value.errors if isinstance(one, MayBeSomeone)]


def withdrawn(db: Database, folder: Path, kind: str) -> int:
    """A school with the list in it, and who was entered last has withdrawn; returns the person."""
    bring(db, folder, "pupils", LISTS["pupils"])
    bring(db, folder, kind, LISTS[kind])
    row, person = db.execute("SELECT id, person FROM consent ORDER BY id DESC LIMIT 1").fetchone()
    with writing(db, 7) as w:
        withdraw(w, person, row, WITHDRAWN)
    assert count(db, "SELECT surname IS NULL FROM person WHERE id = ?", person)
    return int(person)


def with_number(text: str, number: object) -> str:
    head, line, *_ = text.splitlines()
    return f"{head};Номер в Mektep\n{line};{number}\n"


@pytest.mark.parametrize("kind", ["staff", "guardians"])
def test_who_withdrew_and_signs_again_is_asked_about_and_does_not_become_two(
    db: Database, tmp_path: Path, kind: str
) -> None:
    person = withdrawn(db, tmp_path, kind)
    text, before = LISTS[kind].replace(SIGNED, LATER), count(db)
    (error,) = refused_of(db, tmp_path, kind, text)
    assert error.line == 2 and f"№ {number_of(person)}" in error.message
    assert count(db) == before
    result = bring(db, tmp_path, kind, with_number(text, number_of(person)))
    assert result.inserted == {"consent": 1} and result.changed.keys() == {"person"} and count(db) == before
    assert db.execute("SELECT surname FROM person WHERE id = ?", (person,)).fetchone() == (
        "Асанов" if kind == "staff" else "Асанова",
    )
    assert bring(db, tmp_path, kind, text).changes_nothing, "the name is the key again"


@pytest.mark.parametrize("kind", ["staff", "guardians"])
def test_who_is_someone_else_comes_in_when_someone_said_so(db: Database, tmp_path: Path, kind: str) -> None:
    withdrawn(db, tmp_path, kind)
    text, before = LISTS[kind].replace(SIGNED, LATER), count(db)
    bring(db, tmp_path, kind, text, Wish(others_checked=True))
    assert count(db) == before + 1


def test_a_guardian_known_by_child_and_relation_is_found_without_a_name(db: Database, tmp_path: Path) -> None:
    person, before = withdrawn(db, tmp_path, "guardians"), count(db)
    bring(db, tmp_path, "guardians", LISTS["guardians"].replace(SIGNED, LATER), key="relation")
    assert count(db) == before and count(db, "SELECT surname = 'Асанова' FROM person WHERE id = ?", person)


@pytest.mark.parametrize(
    ("there", "comes", "asked"),
    [
        ("father", "мать", False),
        ("other", "бабушка", True),
        ("other", "мать", False),
        ("grandmother", "бабушка", True),
    ],
)
def test_guardians_are_asked_about_by_child_and_relation(
    db: Database, tmp_path: Path, there: str, comes: str, asked: bool
) -> None:
    bring(db, tmp_path, "pupils", LISTS["pupils"])
    with writing(db, 7) as w:
        pupil = count(db, "SELECT person FROM pupil")
        add_guardian(w, pupil, w.insert("person", sex="f"), there, True)
    text = LISTS["guardians"].replace("мать", comes)
    if asked:
        refused_of(db, tmp_path, "guardians", text)
    else:
        bring(db, tmp_path, "guardians", text)


@pytest.mark.parametrize(
    ("sex", "year", "ended", "asked"),
    [("m", 1980, None, True), ("m", None, None, True), ("f", 1980, None, False), ("m", 1981, None, False),
     ("m", 1980, WITHDRAWN, False)],
)  # fmt: skip
def test_staff_are_asked_about_by_sex_and_year(
    db: Database, tmp_path: Path, sex: str, year: int | None, ended: int | None, asked: bool
) -> None:
    with writing(db, 7) as w:
        w.put("staff", person=w.insert("person", sex=sex, birth_year=year), position="teacher", end=ended)
    if asked:
        refused_of(db, tmp_path, "staff", LISTS["staff"])
    else:
        bring(db, tmp_path, "staff", LISTS["staff"])


def test_a_pupil_admitted_without_a_name_and_file_gets_both(db: Database, tmp_path: Path) -> None:
    bring(db, tmp_path, "pupils", LISTS["pupils"].replace("В/1;Асанова;Айпери", "В/9;Бекова;Нур"))
    group = count(db, "SELECT id FROM class_group")
    with writing(db, 7) as w:
        pupil = w.insert("person", sex="f", birth_year=2014)
        w.put("pupil", person=pupil, language="ky")
        w.insert("enrolment", pupil=pupil, class_group=group, start=parse_day("2025-09-01"))
    before = count(db)
    for key in ("", "name", "pin"):
        text = LISTS["pupils"]
        if key == "pin":
            head, line, *_ = text.splitlines()
            text = f"{head};ПИН\n{line};11111111111111\n"
        refused_of(db, tmp_path, "pupils", text, key=key)
    bring(db, tmp_path, "pupils", with_number(LISTS["pupils"], number_of(pupil)))
    assert count(db) == before
    assert db.execute(
        "SELECT p.surname, u.personal_file FROM person p JOIN pupil u ON u.person = p.id WHERE p.id = ?",
        (pupil,),
    ).fetchone() == ("Асанова", "В/1")


def test_those_whom_one_list_leaves_without_a_name_are_not_taken_for_one_another(
    db: Database, tmp_path: Path
) -> None:
    head, line, *_ = LISTS["pupils"].splitlines()
    nameless = line.replace(SIGNED, "").replace("В/1", "")
    text = "\n".join((head, nameless, nameless.replace("Айпери", "Айдай"), ""))
    assert bring(db, tmp_path, "pupils", text, key="name").inserted["pupil"] == 2
    assert len(refused_of(db, tmp_path, "pupils", text, key="name")) == 2, "and the list again doubles nobody"


@pytest.mark.parametrize(("number", "said"), [("77777", "Nobody here"), ("жок", "not a number")])
def test_a_number_that_means_nobody_is_an_error(db: Database, tmp_path: Path, number: str, said: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        bring(db, tmp_path, "staff", with_number(LISTS["staff"], number))
    (error, *_) = refused.value.errors
    assert (error.line, error.field) == (2, "Номер в Mektep") and said in error.message


def test_a_number_that_two_machines_gave_means_nobody_for_certain(db: Database, tmp_path: Path) -> None:
    person = withdrawn(db, tmp_path, "staff")
    with transaction(db):
        db.execute("UPDATE writing SET mode = 1")
        db.execute("INSERT INTO person (id, sex) VALUES (?, 'm')", (person + (9 << 32),))
        db.execute("UPDATE writing SET mode = 0")
    with pytest.raises(ImportRefused) as refused:
        bring(db, tmp_path, "staff", with_number(LISTS["staff"], number_of(person)))
    (error, *_) = refused.value.errors
    assert error.field == "Номер в Mektep" and "Several people" in error.message


# ---- on pages


@pytest.mark.parametrize("kind", ["staff", "guardians", "pupils"])
def test_the_template_has_a_line_with_the_number_of_who_has_no_name(own: SchoolPages, kind: str) -> None:
    with closing(own.node.connect()) as db, writing(db, count(db, "SELECT min(id) FROM account")) as w:
        person = w.insert("person", sex="f", birth_year=1990)
        if kind == "staff":
            w.put("staff", person=person, position="secretary")
        elif kind == "guardians":
            add_guardian(w, own.pupil_of(own.led), person, "grandmother", True)
        else:
            w.put("pupil", person=person, language="ky")
            w.insert("enrolment", pupil=person, class_group=own.led, start=parse_day("2025-09-01"))
    client = own.as_("secretary")
    rows = list(
        openpyxl.load_workbook(io.BytesIO(client.http.get(f"/import/{kind}/template.xlsx").data))
        .worksheets[0]
        .iter_rows(values_only=True)
    )
    at = rows[0].index(KINDS[kind].mapping().headers["number"][0])
    lines = [row for row in rows[1:] if row[at] == number_of(person)]
    assert len(lines) == 1 and all(row[at] is None for row in rows[1:] if row[1] and kind == "staff")
    whole = "".join(";".join("" if c is None else str(c) for c in row) + "\n" for row in (rows[0], *lines))
    page = client.get(upload(client, kind, whole))[1]
    assert "Файлдагынын баары мурунтан эле бар" in page, told(page)


def test_the_page_asks_with_a_tick(own: SchoolPages) -> None:
    client = own.as_("secretary")
    with closing(own.node.connect()) as db, writing(db, count(db, "SELECT min(id) FROM account")) as w:
        w.put("staff", person=w.insert("person", sex="m", birth_year=1980), position="teacher")
    there = upload(client, "staff", LISTS["staff"])
    status, page = client.get(there)
    assert status == 200 and "Mektep номери" in page and 'name="others_checked" value="1">' in page
    assert client.post(there, do="all")[0] == 422
    page = client.post(there, do="check", others_checked="1")[1]
    assert 'name="others_checked" value="1" checked>' in page
    assert client.post(there, do="all", others_checked="1")[0] == 200
    assert own.one("SELECT count(*) FROM person WHERE surname = 'Асанов' AND given_name = 'Нурлан'") == 1
