"""Writing: one account, one stamp, all or nothing; ids never twice; nothing a changeset could not carry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from sqlite_utils import Database

from shared import crypto
from shared.dates import first_instant
from shared.db import DRIVER, DatabaseBusy, open_database, transaction
from shared.problems import ConsentMissing, InvalidValue, TooLarge
from sync import clock, writer
from sync.fork import add_origin
from sync.log import NodeLog
from sync.state import Identity
from sync.writer import MAX_ROW, has_consent, writing
from tests.stores import ACTOR, KEY, ORIGIN, a_store, last_change, logged

DAY_MS = 86_400_000


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_store()) as db:
        yield db


def rows(db: Database, table: str) -> list[dict[str, object]]:
    """The school's own rows."""
    return [row for row in db.query(f"SELECT * FROM {table}") if next(iter(row.values())) >> 32]


# -- ids and stamps ----------------------------------------------------------------------------------------------


def test_an_id_names_its_author_and_counts_in_its_table(db: Database) -> None:
    with writing(db, ACTOR) as w:
        assert [w.insert("person"), w.insert("person"), w.insert("room")] == [
            ORIGIN << 32 | 1,
            ORIGIN << 32 | 2,
            ORIGIN << 32 | 1,
        ]
    with writing(db, ACTOR) as w:
        assert w.insert("person") == ORIGIN << 32 | 3


def test_ids_of_others_do_not_move_the_counter(db: Database) -> None:
    with transaction(db):
        add_origin(db, ORIGIN + 1, 0, bytes(32), None)
        NodeLog(db).apply_mode()
        for other in (ORIGIN - 1, ORIGIN + 1):
            db.conn.execute("INSERT INTO person (id) VALUES (?)", (other << 32 | 900,))
        NodeLog(db).capture_mode()
    with writing(db, ACTOR) as w:
        assert w.insert("person") == ORIGIN << 32 | 1


def test_an_id_given_to_a_retired_row_is_not_given_again(db: Database) -> None:
    with writing(db, ACTOR) as w:
        first = w.insert("person")
    with writing(db, ACTOR) as w:
        assert w.retire("person", first) is True
    with writing(db, ACTOR) as w:
        assert w.insert("person") == first + 1


def test_a_number_read_before_the_transaction_is_given_twice(tmp_path: Path) -> None:
    """The trap: both look, then both write."""
    path = tmp_path / "node.db"
    with closing(a_store(path)) as one, closing(open_database(path, KEY)) as two:
        numbers = [
            db.execute("SELECT ifnull(max(id), ?) + 1 FROM person", (ORIGIN << 32,)).fetchone()[0]
            for db in (one, two)
        ]
        assert numbers[0] == numbers[1]
        for db in (one, two):
            db.execute("UPDATE writing SET actor = 1")
        one.execute("INSERT INTO person (id) VALUES (?)", (numbers[0],))
        with pytest.raises(DRIVER.IntegrityError):
            two.execute("INSERT INTO person (id) VALUES (?)", (numbers[1],))


def test_writers_at_once_never_mint_the_same_id_nor_step_back(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    a_store(path).close()
    minted: list[int] = []
    raised: list[BaseException] = []

    def write() -> None:
        try:
            with closing(open_database(path, KEY)) as db:
                for _ in range(15):
                    with writing(db, ACTOR) as w:
                        minted.extend((w.insert("person"), w.insert("person")))
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    assert sorted(minted) == [ORIGIN << 32 | n for n in range(1, 121)]
    with closing(open_database(path, KEY)) as db:
        stamps = [stamp for (stamp,) in db.execute("SELECT clock FROM change ORDER BY n")]
        pairs = list(zip(stamps[::2], stamps[1::2], strict=True))
        assert all(first == second for first, second in pairs), "one transaction, one stamp"
        assert [first for first, _ in pairs] == sorted({first for first, _ in pairs})


def test_a_machine_whose_clock_went_back_writes_on_after_its_last_stamp(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ms in (1_700_000_000_000, 1_600_000_000_000, 1_650_000_000_000, 1_800_000_000_000):
        monkeypatch.setattr(clock, "now_ms", lambda ms=ms: ms)
        with writing(db, ACTOR) as w:
            w.insert("person")
    first = clock.stamp_of(1_700_000_000_000)
    assert [stamp for (stamp,) in db.execute("SELECT clock FROM change ORDER BY n")] == [
        first,
        first + 1,
        first + 2,
        clock.stamp_of(1_800_000_000_000),
    ]


# -- insert, put, update, retire ---------------------------------------------------------------------------------


def test_a_row_with_a_natural_key_merges_instead_of_doubling(db: Database) -> None:
    with writing(db, ACTOR) as w:
        person = w.insert("person")
        assert w.put("pupil", person=person, language="ky") is True
        assert w.put("pupil", person=person, language="ky") is False
        assert w.put("pupil", person=person, residence="rural") is True
    assert rows(db, "pupil")[0] | {"language": "ky", "residence": "rural"} == rows(db, "pupil")[0]
    assert [vals for tbl, _, vals in logged(db) if tbl == 22] == ['{"3":"ky"}', '{"4":"rural"}']


def test_what_changes_nothing_is_not_logged(db: Database) -> None:
    with writing(db, ACTOR) as w:
        room = w.insert("room", name="12", seats=30)
    before = last_change(db)
    with writing(db, ACTOR) as w:
        assert w.update("room", room, name="12", seats=30) is False
        assert w.update("room", room) is False
        assert w.retire("room", room + 1) is False
    assert last_change(db) == before
    with writing(db, ACTOR) as w:
        assert w.update("room", room, name="12", seats=31) is True
    assert logged(db, before) == [(51, room, '{"3":31}')]


def test_a_retired_row_stays_and_comes_back_when_put_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: 1_700_000_000_000)
    with writing(db, ACTOR) as w:
        person = w.insert("person")
        w.put("pupil", person=person, language="ky")
        assert w.retire("pupil", person) is True
        assert w.retire("pupil", person) is False
    assert rows(db, "pupil")[0]["retired_at"] == 1_700_000_000_000
    with writing(db, ACTOR) as w:
        assert w.put("pupil", person=person, language="ky") is True
    assert rows(db, "pupil")[0]["retired_at"] is None
    assert [vals for tbl, _, vals in logged(db) if tbl == 22][1:] == [
        '{"1":1700000000000}',
        '{"1":null}',
    ]


def test_whatever_is_raised_inside_nothing_is_kept(db: Database) -> None:
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        w.insert("person", sex="f")
        w.insert("person", sex="x")
    assert (rows(db, "person"), logged(db)) == ([], [])
    assert db.execute("SELECT actor, clock, mode FROM writing").fetchone() == (None, 0, 0)


def test_a_reference_to_nothing_is_refused_when_all_is_written(db: Database) -> None:
    with pytest.raises(DRIVER.IntegrityError), writing(db, ACTOR) as w:
        w.insert("enrolment", pupil=ORIGIN << 32 | 99)
    assert (rows(db, "enrolment"), logged(db)) == ([], [])


# -- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("person", {"sex": "x"}),
        ("person", {"birth_year": 1899}),
        ("person", {"birth_year": "2010"}),
        ("person", {"birth_year": True}),
        ("person", {"birth_year": 2010.0}),
        ("person", {"colour": "red"}),
        ("room", {"name": "1" * 41}),
        ("room", {"name": b"12"}),
        ("room", {"name": "1\0"}),
        ("room", {"name": "\ud83d"}),
        ("class_group", {"shift": 2**63}),
        ("lesson", {"attendance_taken": 2}),
    ],
)
def test_a_value_its_column_does_not_allow(db: Database, table: str, values: dict[str, object]) -> None:
    with pytest.raises(InvalidValue) as caught, writing(db, ACTOR) as w:
        w.insert(table, **values)  # type: ignore[arg-type]
    assert caught.value.details["column"] == next(iter(values))
    assert logged(db) == []


def test_a_part_of_a_key_cannot_be_missing(db: Database) -> None:
    for values in ({"subject_group": 1, "day": 2}, {"subject_group": 1, "day": None, "period": 1}):
        with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
            w.put("lesson", **values)


def test_an_update_of_no_row_is_refused(db: Database) -> None:
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        w.update("room", ORIGIN << 32 | 9, name="12")
    assert rows(db, "room") == []


def test_rows_of_the_product_the_hub_and_other_schools_are_read_only(db: Database) -> None:
    """The hub would refuse such a change, and every change after it."""
    subject = db.execute("SELECT min(id) FROM subject").fetchone()[0]
    before = list(db.query("SELECT * FROM subject"))
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        w.update("subject", subject, sort=99)
    with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
        w.retire("subject", subject)
    for foreign in (3, (ORIGIN + 1) << 32 | 1):
        with pytest.raises(InvalidValue), writing(db, ACTOR) as w:
            w.put("pupil", person=foreign)
    assert list(db.query("SELECT * FROM subject")) == before
    assert logged(db) == []
    with writing(db, ACTOR) as w:
        own = w.insert("subject", standard=subject, name_ky="Манас таануу")
        assert w.update("subject", own, sort=1) is True


def test_rows_written_under_an_earlier_name_are_the_schools_own(db: Database) -> None:
    with writing(db, ACTOR) as w:
        room = w.insert("room", name="12")
    with transaction(db):
        add_origin(db, ORIGIN + 1, 0, bytes(32), (ORIGIN, 1))
        db.conn.execute("UPDATE writing SET origin = ?", (ORIGIN + 1,))
    with writing(db, ACTOR) as w:
        assert w.update("room", room, name="13") is True
        assert w.insert("room") == (ORIGIN + 1) << 32 | 1


def test_no_row_is_larger_than_a_changeset_can_carry(db: Database) -> None:
    """What is allowed can be cut, even when nothing of it can be compressed."""
    random = Random(1)
    text = "".join(chr(random.randrange(0x10000, 0x10FFFE)) for _ in range(8_000))
    largest = {"definition": text, "name_ky": text[: (MAX_ROW - 32_000) // 4]}
    with pytest.raises(TooLarge), writing(db, ACTOR) as w:
        w.insert("report_form", **largest, name_ru="x")
    assert logged(db) == []
    with writing(db, ACTOR) as w:
        w.insert("report_form", **largest)
        person = w.insert("person")
        w.insert("consent", person=person, purpose="core", valid_from=0)
        w.insert("consent", person=person, purpose="photo", valid_from=0, scan=random.randbytes(32_000))
        w.update("person", person, photo=random.randbytes(32_000))
    with transaction(db):
        signer, opener = crypto.SigningKey.generate(), crypto.OpeningKey.generate()
        assert NodeLog(db).cut(Identity(signer, opener, 1, bytes(32))) == 5
    assert NodeLog(db).uncut() == 0


def test_a_second_writer_waits_and_a_nested_one_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.BUSY_SECONDS", 0)
    path = tmp_path / "node.db"
    with closing(a_store(path)) as one, closing(open_database(path, KEY)) as two, writing(one, ACTOR) as w:
        w.insert("person")
        with pytest.raises(DatabaseBusy), writing(two, ACTOR):
            pytest.fail("two writers at once")
        with pytest.raises(DRIVER.OperationalError), writing(one, ACTOR):
            pytest.fail("a transaction inside a transaction")


# -- consent -----------------------------------------------------------------------------------------------------


@pytest.fixture
def person(db: Database) -> int:
    with writing(db, ACTOR) as w:
        return w.insert("person", sex="f", birth_year=2010)


def test_personal_columns_stay_empty_without_a_consent_for_their_purpose(db: Database, person: int) -> None:
    with writing(db, ACTOR) as w:
        w.insert("consent", person=person, purpose="core", valid_from=0)
        w.update("person", person, surname="Осмонова")
    for values in ({"photo": b"."}, {"surname": "Асанова", "photo": b"."}):
        with pytest.raises(ConsentMissing) as caught, writing(db, ACTOR) as w:
            w.update("person", person, **values)  # type: ignore[arg-type]
        assert caught.value.details == {"purpose": "photo", "column": "photo"}
    with pytest.raises(ConsentMissing), writing(db, ACTOR) as w:
        w.put("pupil", person=person, categories="orphan")
    assert rows(db, "person")[0]["surname"] == "Осмонова"


def test_a_consent_of_today_holds_from_the_schools_midnight(
    db: Database, person: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between midnight and six in the morning Greenwich still has the day before."""
    midnight = first_instant(20_000)
    with writing(db, ACTOR) as w:
        w.insert("consent", person=person, purpose="core", valid_from=20_000)
    monkeypatch.setattr(clock, "now_ms", lambda: midnight - 1)
    with pytest.raises(ConsentMissing), writing(db, ACTOR) as w:
        w.update("person", person, surname="Асанова")
    monkeypatch.setattr(clock, "now_ms", lambda: midnight)
    with writing(db, ACTOR) as w:
        assert w.update("person", person, surname="Асанова")


def test_a_photo_needs_the_core_record_too(db: Database, person: int) -> None:
    with writing(db, ACTOR) as w:
        w.insert("consent", person=person, purpose="photo", valid_from=0)
    with pytest.raises(ConsentMissing) as caught, writing(db, ACTOR) as w:
        w.update("person", person, photo=b".")
    assert caught.value.details == {"purpose": "core", "column": "photo"}
    with writing(db, ACTOR) as w:
        core = w.insert("consent", person=person, purpose="core", valid_from=0)
        w.update("person", person, photo=b".")
    with writing(db, ACTOR) as w:
        w.update("consent", core, withdrawn_on=100)
    assert rows(db, "person")[0]["photo"] is None


def test_emptying_a_personal_column_needs_no_consent(db: Database, person: int) -> None:
    with writing(db, ACTOR) as w:
        assert w.update("person", person, surname=None) is False
        assert w.update("person", person, phone="") is True


@pytest.mark.parametrize(
    ("consent", "valid"),
    [
        ({}, True),
        ({"valid_from": 100}, True),
        ({"valid_from": 101}, False),
        ({"valid_to": 101}, True),
        ({"valid_to": 100}, False),
        ({"withdrawn_on": 99}, False),
        ({"retired_at": 5}, False),
        ({"purpose": "photo"}, False),
    ],
)
def test_which_consent_counts_on_a_day(
    db: Database, person: int, consent: dict[str, object], valid: bool
) -> None:
    with writing(db, ACTOR) as w:
        w.insert("consent", **{"person": person, "purpose": "core"} | consent)  # type: ignore[arg-type]
    assert has_consent(db, person, "core", 100) is valid


def test_a_consent_of_someone_else_counts_for_nobody_else(db: Database, person: int) -> None:
    with writing(db, ACTOR) as w:
        other = w.insert("person")
        w.insert("consent", person=other, purpose="core")
    with pytest.raises(ConsentMissing), writing(db, ACTOR) as w:
        w.update("person", person, surname="Осмонова")


def test_derived_rows_are_written_by_mektep_itself(db: Database) -> None:
    with writing(db, writer.SYSTEM) as w:
        w.insert("class_group")
    assert db.execute("SELECT actor FROM change").fetchone() == (0,)
