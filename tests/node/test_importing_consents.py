"""The consents of a list: a later one is a row of its own, none on record changes, each tells who took it and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from node.importing.running import ImportResult
from shared.dates import parse_day
from shared.problems import ImportRefused
from sync.undo import marked_act, undo
from sync.writer import has_consent, writing
from tests.node.test_importing import HEADER, LINES, errors_of, file_of, run_import
from tests.node.test_importing import db as db

SIGNED, TODAY = parse_day("2025-08-20"), parse_day("2025-11-20")
PUPIL = LINES[0]
STAFF = "Фамилия;Имя;Дата рождения;Пол;Согласие;Должность\nАсанов;Нурлан;03.02.1980;м;20.08.2025;учитель\n"
GUARDIAN = (
    "Личное дело;Родство;Фамилия;Имя;Телефон;Согласие\nВ/1;мать;Асанова;Гүлнара;0700000001;20.08.2025\n"
)
LISTS = {"pupils": f"{HEADER}\n{PUPIL}\n", "staff": STAFF, "guardians": GUARDIAN}
LATER = ("20.08.2025", "15.11.2025")


@pytest.fixture
def account(db: Database) -> int:
    """The account of a secretary who is on record as a person."""
    with writing(db, 7) as w:
        return w.insert("account", login="secretary", person=w.insert("person", sex="f"))


def bring(db: Database, folder: Path, kind: str, text: str, account: int = 7) -> ImportResult:
    return run_import(db, file_of(folder, "list.csv", text), kind, account, today=TODAY)


def consents(db: Database) -> list[tuple[object, ...]]:
    """Those of whoever was entered last."""
    return db.execute(
        """SELECT valid_from, valid_to, withdrawn_on FROM consent WHERE retired_at IS NULL
           AND person = (SELECT max(person) FROM consent) ORDER BY id"""
    ).fetchall()


def paper(db: Database) -> tuple[object, ...]:
    """Signer, ground, document and receiver of the last consent."""
    sql = "SELECT signer, ground, document, received_by, person FROM consent ORDER BY id DESC LIMIT 1"
    return tuple(db.execute(sql).fetchone())


def begun(db: Database, folder: Path, kind: str) -> int:
    """A school with the list in it; returns the consent that it brought."""
    bring(db, folder, "pupils", LISTS["pupils"])
    bring(db, folder, kind, LISTS[kind])
    return int(db.execute("SELECT max(id) FROM consent").fetchone()[0])


@pytest.mark.parametrize(
    ("kind", "ended"),
    [*((kind, ended) for kind in LISTS for ended in ("valid_to", "")), ("pupils", "withdrawn_on")],
)
def test_a_consent_signed_later_is_a_row_of_its_own(
    db: Database, tmp_path: Path, account: int, kind: str, ended: str
) -> None:
    old, end = begun(db, tmp_path, kind), parse_day("2025-11-01")
    if ended:
        with writing(db, 7) as w:
            w.update("consent", old, **{ended: end})
    there = (SIGNED, end if ended == "valid_to" else None, end if ended == "withdrawn_on" else None)
    result = bring(db, tmp_path, kind, LISTS[kind].replace(*LATER), account)
    assert result.inserted == {"consent": 1}
    assert consents(db) == [there, (parse_day("2025-11-15"), None, None)]
    assert db.execute("SELECT 1 FROM person WHERE surname LIKE 'Асанов%'").fetchone()
    assert bring(db, tmp_path, kind, LISTS[kind].replace(*LATER), account).changes_nothing
    with writing(db, account) as w:
        assert undo(w, marked_act(db, result.act)).left_alone == ()
    assert consents(db) == [there]


def test_one_of_an_earlier_day_or_of_before_the_withdrawal_adds_nothing(db: Database, tmp_path: Path) -> None:
    old = begun(db, tmp_path, "pupils")
    text = LISTS["pupils"]
    earlier = bring(db, tmp_path, "pupils", text.replace("20.08.2025", "01.08.2025"))
    assert earlier.changes_nothing and "01.08.2025" in earlier.questions[0].message
    with writing(db, 7) as w:
        w.update("consent", old, withdrawn_on=parse_day("2025-11-16"))
    with pytest.raises(ImportRefused) as refused:
        bring(db, tmp_path, "pupils", text.replace(*LATER))
    assert {error[:1] for error in errors_of(refused)} == {(2,)} and len(consents(db)) == 1


def test_a_day_to_come_is_an_error(db: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused) as refused:
        bring(db, tmp_path, "pupils", LISTS["pupils"].replace("20.08.2025", "21.11.2025"))
    assert errors_of(refused)[0][:2] == (2, "Согласие")


@pytest.mark.parametrize("kind", LISTS)
def test_who_took_it_and_the_list_stand_on_it_and_adults_sign_for_themselves(
    db: Database, tmp_path: Path, account: int, kind: str
) -> None:
    if kind == "guardians":
        bring(db, tmp_path, "pupils", LISTS["pupils"])
    bring(db, tmp_path, kind, LISTS[kind], account)
    secretary = db.execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone()[0]
    signer, ground, document, received_by, person = paper(db)
    assert (ground, document, received_by) == ("List list.csv, line 2", None, secretary)
    assert signer == (None if kind == "pupils" else person)


def test_a_list_may_tell_who_signed_on_what_ground_and_paper(db: Database, tmp_path: Path) -> None:
    head = f"{HEADER};Подписал согласие;Основание согласия;Документ согласия\n"
    bring(db, tmp_path, "pupils", f"{head}{PUPIL};мама;паспорт;№ 5\n")
    assert paper(db)[:3] == (None, "апасы: паспорт", "№ 5"), "the mother is not on record yet"
    bring(db, tmp_path, "guardians", GUARDIAN)
    again = f"{head}{PUPIL.replace(*LATER)};мама;паспорт;№ 6\n"
    bring(db, tmp_path, "pupils", again)
    mother = db.execute("SELECT person FROM guardian").fetchone()[0]
    assert paper(db)[:3] == (mother, "паспорт", "№ 6")
    assert bring(db, tmp_path, "pupils", again).questions == ()
    other = bring(db, tmp_path, "pupils", again.replace("№ 6", "№ 7"))
    assert other.changes_nothing and "15.11.2025" in other.questions[0].message
    with pytest.raises(ImportRefused) as refused:
        bring(db, tmp_path, "pupils", f"{head}{PUPIL.replace('20.08.2025', '19.11.2025')};сам;;\n")
    assert errors_of(refused)[0][:2] == (2, "Подписал согласие"), "a child signs for nobody"


GROWN = PUPIL.replace("12.05.2014", "12.05.2007")


@pytest.mark.parametrize(
    ("who", "ground", "signs"),
    [
        ("", "", True),
        ("сам", "паспорт", True),
        ("мама", "", False),
        ("мама", "паспорт", False),
        ("", "апасы", False),
    ],
)
def test_an_adult_has_signed_the_form_that_a_list_tells_of(
    db: Database, tmp_path: Path, who: str, ground: str, signs: bool
) -> None:
    """On the day of the form, by the date of birth that the line itself tells."""
    text = f"{HEADER};Подписал согласие;Основание согласия\n{GROWN};{who};{ground}\n"
    if signs:
        bring(db, tmp_path, "pupils", text)
        signer, *_, person = paper(db)
        assert signer == person and has_consent(db, person, "core", TODAY)  # type: ignore[arg-type]
        return
    with pytest.raises(ImportRefused) as refused:
        bring(db, tmp_path, "pupils", text)
    assert errors_of(refused)[0][:2] == (2, "Подписал согласие")
    assert db.execute("SELECT count(*) FROM person").fetchone() == (0,)
