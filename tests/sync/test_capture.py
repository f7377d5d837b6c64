"""Change capture: every insert and real update stands in the log, whole units of it, and nothing gets past it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from sqlite_utils import Database

from shared.db import DRIVER, errors, transaction
from shared.problems import NoActingAccount
from shared.schema import BY_NAME, TABLES, Table, Value
from shared.tables import quoted
from sync import capture
from sync.capture import Logged, decode_values, encode_values, is_erasure
from sync.log import NodeLog
from sync.writer import writing
from tests.properties.machines import copy_of
from tests.stores import ACTOR, ORIGIN, TEXTS, a_row, a_store, acting, insert, last_change, logged

PERSON, MARK, RESULT = (BY_NAME[name] for name in ("person", "mark", "term_result"))
ROW = ORIGIN << 32 | 500
ROOT = Path(__file__).parents[2]


@pytest.fixture
def db() -> Iterator[Database]:
    with closing(a_store()) as db:
        yield db


# -- what is logged ----------------------------------------------------------------------------------------------


def test_an_insert_logs_the_columns_that_are_not_at_their_default(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO class_group (id, grade, letter, shift) VALUES (?, 7, '', 1)", (ROW,))
    assert logged(db) == [(30, ROW, '{"3":7}')]
    assert db.execute("SELECT n, clock, actor FROM change").fetchone() == (1, 5, ACTOR)


def test_a_value_taken_away_from_its_default_is_logged_as_null(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO class_group (id, grade) VALUES (?, NULL)", (ROW,))
    assert logged(db) == [(30, ROW, '{"3":null}')]


def test_an_insert_of_defaults_alone_is_logged(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO person (id) VALUES (?)", (ROW,))
    assert logged(db) == [(20, ROW, "{}")]


def test_an_update_logs_what_changed_and_an_empty_one_nothing(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO person (id, sex, surname) VALUES (?, 'f', 'Осмонова')", (ROW,))
    db.execute("UPDATE person SET sex = 'f', surname = 'Осмонова', phone = NULL")
    assert len(logged(db)) == 1
    db.execute("UPDATE person SET sex = 'f', surname = 'Асанова'")
    db.execute("UPDATE person SET surname = NULL")
    assert logged(db, 1) == [(20, ROW, '{"4":"Асанова"}'), (20, ROW, '{"4":null}')]


def test_a_merge_unit_is_logged_whole(db: Database) -> None:
    acting(db)
    db.execute(
        "INSERT INTO mark (subject_group, day, period, pupil, slot, value, kind, scale) "
        "VALUES (1, 2, 3, 4, 0, 5, 6, 7)"
    )
    db.execute("UPDATE mark SET value = 4")
    db.execute("UPDATE mark SET comment = 'жакшы'")
    assert [vals for _, _, vals in logged(db)] == [
        '{"7":5,"8":6,"9":7}',
        '{"7":4,"8":6,"9":7}',
        '{"10":"жакшы"}',
    ]


def test_the_log_names_rows_with_composite_keys_by_their_local_number(db: Database) -> None:
    acting(db)
    for pupil in (11, 12):
        db.execute("INSERT INTO term_result (subject_group, pupil, term) VALUES (1, ?, 3)", (pupil,))
    rids = dict(db.execute("SELECT pupil, rid FROM term_result").fetchall())
    assert [key for _, key, _ in logged(db)] == [rids[11], rids[12]]


# -- every value comes back ---------------------------------------------------------------------------------------


EMPTY = a_store()
acting(EMPTY)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_value_comes_back_from_the_log(table: Table) -> None:
    """What an insert and updates logged, laid over the defaults, is the row."""
    random = Random(table.number)
    with closing(copy_of(EMPTY)) as db:
        acting(db)
        row = a_row(random, table)
        insert(db, table, dict.fromkeys(table.key, ROW) | row)
        shown = {c.name: c.default for c in table.columns}
        for _ in range(20):
            (vals,) = (vals for _, _, vals in logged(db))
            shown |= named(table, vals)
            assert shown == row
            db.execute("DELETE FROM change")
            changed = row
            while changed == row:
                changed = {n: v if random.random() < 0.5 else a_row(random, table)[n] for n, v in row.items()}
            update(db, table, changed)
            units = {table.by_name[n].merge_unit for n in row if row[n] != changed[n]}
            (vals,) = (vals for _, _, vals in logged(db))
            assert named(table, vals).keys() == {n for n in row if table.by_name[n].merge_unit in units}
            row = changed


def update(db: Database, table: Table, row: dict[str, Value]) -> None:
    db.conn.execute(
        f"UPDATE {quoted(table.name)} SET {', '.join(f'{quoted(n)} = ?' for n in row)} "
        f"WHERE {quoted(table.key[0])} = {ROW}",
        [*row.values()],
    )


def named(table: Table, vals: str) -> dict[str, Value]:
    return {table.by_number[n].name: v for n, v in decode_values(vals).items()}


@pytest.mark.parametrize("erase", [False, True])
def test_values_written_by_hand_come_back_too(erase: bool) -> None:
    values: dict[int, Value] = {n: text for n, text in enumerate(TEXTS, 1)}
    values |= {90: None, 91: 2**63 - 1, 92: -(2**63), 93: b"", 94: b"\0\xff"}
    assert decode_values(encode_values(values, erase)) == values
    assert is_erasure(encode_values(values, erase)) == erase


@pytest.mark.parametrize(
    "values", [{}, {4: None}, {4: '{"7":1}', 14: b"7"}, {7: '"4":'}, {4: "\\", 7: 0, 8: None}]
)
def test_an_entry_names_what_its_values_name(values: dict[int, Value]) -> None:
    entry = Logged(1, 1, 1, 1, 0, encode_values(values))
    names = {c.number for c in (*PERSON.columns, *MARK.columns) if entry.names((c,))}
    assert names == values.keys() & {c.number for c in (*PERSON.columns, *MARK.columns)}
    assert entry.values == values and not hasattr(entry, "value")


def test_a_text_that_looks_like_the_erase_mark_is_none() -> None:
    assert not is_erasure(encode_values({4: '{"erase":1}'}))
    assert not is_erasure(encode_values({4: '"erase":1'}))


# -- what is refused ---------------------------------------------------------------------------------------------


def test_without_an_acting_account_nothing_is_written(db: Database) -> None:
    for sql in (
        f"INSERT INTO person (id) VALUES ({ROW})",
        f"INSERT OR IGNORE INTO person (id) VALUES ({ROW})",
        f"INSERT OR REPLACE INTO person (id) VALUES ({ROW})",
    ):
        with pytest.raises(NoActingAccount), transaction(db):
            db.conn.execute(sql)
    assert db.execute("SELECT count(*) FROM person").fetchone() == (0,)
    assert logged(db) == []


def test_an_update_without_an_acting_account_changes_nothing(db: Database) -> None:
    with writing(db, ACTOR) as w:
        row = w.insert("person", sex="f")
    with pytest.raises(NoActingAccount), transaction(db):
        db.conn.execute("UPDATE person SET sex = 'm'")
    assert db.execute("SELECT sex FROM person").fetchone() == ("f",)
    assert [key for _, key, _ in logged(db)] == [row]


def test_or_ignore_silences_a_constraint_of_the_log(db: Database) -> None:
    """Why the trigger raises by itself: with NOT NULL alone the row would be written and the log left empty."""
    db.execute("DROP TRIGGER person_log_insert")
    db.execute(
        "CREATE TRIGGER person_log_insert AFTER INSERT ON person BEGIN INSERT INTO change (clock, actor, tbl, key, "
        "vals) SELECT clock, actor, 20, NEW.id, '{}' FROM writing; END"
    )
    db.execute("INSERT OR IGNORE INTO person (id) VALUES (?)", (ROW,))
    assert (db.execute("SELECT count(*) FROM person").fetchone(), logged(db)) == ((1,), [])


def test_or_ignore_loses_a_value_without_a_word(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO person (id, sex) VALUES (?, 'f')", (ROW,))
    db.execute("INSERT OR IGNORE INTO person (id, sex) VALUES (?, 'm')", (ROW,))
    assert db.execute("SELECT sex FROM person").fetchone() == ("f",)


def test_or_replace_deletes_past_the_triggers_unless_they_are_recursive(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO person (id, sex, surname) VALUES (?, 'f', 'Осмонова')", (ROW,))
    with pytest.raises(DRIVER.IntegrityError, match="never deleted"):
        db.execute("INSERT OR REPLACE INTO person (id, sex) VALUES (?, 'f')", (ROW,))
    assert db.execute("SELECT surname FROM person").fetchone() == ("Осмонова",)
    db.execute("PRAGMA recursive_triggers = OFF")
    db.execute("INSERT OR REPLACE INTO person (id, sex) VALUES (?, 'f')", (ROW,))
    assert db.execute("SELECT surname FROM person").fetchone() == (None,)
    assert logged(db, 1) == [(20, ROW, '{"2":"f"}')], "the log does not know that the name is gone"


def test_our_code_uses_neither() -> None:
    sources = [p for package in ("shared", "sync", "node", "hub") for p in (ROOT / package).rglob("*.py")]
    wrong = re.compile(r"\bOR\s+(IGNORE|REPLACE)\b|\bREPLACE\s+INTO\b")
    found = [
        (path.name, number)
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if wrong.search(line)
    ]
    assert len(sources) > 40 and found == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_are_never_deleted_and_keys_never_change(table: Table) -> None:
    with closing(copy_of(EMPTY)) as db:
        acting(db)
        insert(db, table, dict.fromkeys(table.key, ROW))
        before = logged(db)
        where = f"WHERE {quoted(table.key[0])} = {ROW}"
        with pytest.raises(DRIVER.IntegrityError, match="never deleted"):
            db.execute(f"DELETE FROM {quoted(table.name)} {where}")
        for column in {*table.key, table.row_id}:
            with pytest.raises(DRIVER.IntegrityError, match="a key never changes"):
                db.execute(f"UPDATE {quoted(table.name)} SET {quoted(column)} = {ROW + 1} {where}")
            db.execute(f"UPDATE {quoted(table.name)} SET {quoted(column)} = {quoted(column)} {where}")
        assert logged(db) == before


# -- triggers are there ------------------------------------------------------------------------------------------


def trigger_names(db: Database) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}


def test_what_is_installed_already_is_left_alone(db: Database) -> None:
    before = db.execute("PRAGMA schema_version").fetchone()
    assert capture.install(db) is False
    assert db.execute("PRAGMA schema_version").fetchone() == before


def test_triggers_that_transform_drops_are_made_again(db: Database) -> None:
    acting(db)
    db.execute("INSERT INTO room (id, name) VALUES (?, '12')", (ROW,))
    db["room"].transform(types={"seats": str})  # type: ignore[union-attr]
    assert not any(name.startswith("room_") for name in trigger_names(db)), "the trap"
    db.execute("UPDATE room SET name = '13'")
    assert len(logged(db)) == 1, "the trap"
    assert capture.install(db) is True
    db.execute("UPDATE room SET name = '14'")
    assert logged(db, 1) == [(51, ROW, '{"2":"14"}')]
    with pytest.raises(DRIVER.IntegrityError, match="never deleted"):
        db.execute("DELETE FROM room")
    assert capture.install(db) is False


def meddle_drop(db: Database) -> None:
    db.execute("DROP TRIGGER person_log_update")


def meddle_weaken(db: Database) -> None:
    db.execute("DROP TRIGGER person_delete_refused")
    db.execute("CREATE TRIGGER person_delete_refused BEFORE DELETE ON person BEGIN SELECT 1; END")


def meddle_add(db: Database) -> None:
    db.execute("CREATE TRIGGER spy AFTER INSERT ON person BEGIN DELETE FROM change; END")


@pytest.mark.parametrize("meddle", [meddle_drop, meddle_weaken, meddle_add])
def test_triggers_someone_meddled_with_are_mended(db: Database, meddle: Callable[[Database], None]) -> None:
    def triggers() -> list[tuple[str, str]]:
        return db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY 1").fetchall()

    wanted = triggers()
    meddle(db)
    assert triggers() != wanted
    assert capture.install(db) is True
    assert triggers() == wanted


# -- apply mode --------------------------------------------------------------------------------------------------


def test_in_apply_mode_the_log_is_written_by_hand(db: Database) -> None:
    with transaction(db):
        NodeLog(db).apply_mode()
        db.conn.execute("INSERT INTO person (id) VALUES (?)", (ROW,))
        db.conn.execute("UPDATE person SET sex = 'f'")
        NodeLog(db).capture_mode()
    assert logged(db) == []


def test_apply_mode_ends_with_its_transaction_whatever_is_raised(db: Database) -> None:
    with pytest.raises(ValueError), transaction(db):
        NodeLog(db).apply_mode()
        db.conn.execute("INSERT INTO person (id) VALUES (?)", (ROW,))
        raise ValueError
    before = last_change(db)
    with writing(db, ACTOR) as w:
        w.insert("person", sex="f")
    assert last_change(db) == before + 1


def test_a_writer_is_logged_even_if_someone_forgot_to_end_apply_mode(db: Database) -> None:
    with transaction(db):
        NodeLog(db).apply_mode()
    with writing(db, ACTOR) as w:
        row = w.insert("person", sex="f")
    assert logged(db) == [(20, row, '{"2":"f"}')]


def test_an_acting_account_ends_with_its_transaction(db: Database) -> None:
    with writing(db, ACTOR) as w:
        w.insert("person", sex="f")
    with pytest.raises(ValueError), writing(db, ACTOR) as w:
        w.insert("person", sex="f")
        raise ValueError
    with pytest.raises(NoActingAccount), errors(db):
        db.execute("UPDATE person SET sex = 'm'")
