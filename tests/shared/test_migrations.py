"""Migrations: fresh equals migrated, upgrades of filled files change no value, two releases understand one another."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from sqlite_utils import Database

from hub import ingest
from hub.log import HubLog
from hub.storage import Hub, open_hub
from node.storage import Node, backup, open_node, restore
from shared import crypto, migrations, reference
from shared.db import open_database, transaction
from shared.migrations import migrate
from shared.problems import NewerFile
from shared.schema import BY_NAME, BY_NUMBER, RETIRED, TABLES, VERSION, Value
from shared.tables import quoted
from sync import capture, gate
from sync.adopt import adopt_in_node
from sync.checks import digest_of_rows
from sync.log import NodeLog, dump
from sync.merge import resolve
from sync.state import Identity
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests import prior
from tests.stores import ACTOR, KEY, ORIGIN, a_row, a_store, acting, insert, last_change, logged
from tests.versions import NEXT, release
from tests.world import School, a_hub, a_school, transport_to

RELEASED = range(1, VERSION + 1)
KEYS = Identity(crypto.SigningKey.generate(), crypto.OpeningKey.generate(), 1, bytes(32))

Shape = tuple[list[tuple[str, ...]], dict[str, list[tuple[object, ...]]]]


def shape(db: Database) -> Shape:
    """All that SQLite says of a file's tables, columns, indexes, triggers."""
    everything = db.execute(
        "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_master ORDER BY type, name"
    )
    tables = [
        name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    ]
    return everything.fetchall(), {
        name: [
            *db.execute(f"PRAGMA table_info({quoted(name)})"),
            *sorted(row[2:] for row in db.execute(f"PRAGMA foreign_key_list({quoted(name)})")),
        ]
        for name in tables
    }


def contents(db: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the present release, and of the log."""
    names = {t.name: [t.row_id, *(c.name for c in t.all_columns if c.name != t.row_id)] for t in TABLES}
    names |= {
        "change": ["n", "clock", "actor", "tbl", "key", "vals"],
        "changeset": ["local_first", "hash"],
        "digest": ["tbl", "sum"],
    }
    return {
        name: db.execute(
            f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(name)} ORDER BY 1, 2"
        ).fetchall()
        for name, columns in names.items()
    }


def fill(db: Database, rows: int = 6) -> None:
    """Rows of every table, logged and cut, without regard for what they mean."""
    random = Random(5)
    acting(db)
    for table in TABLES:
        for n in range(rows):
            keys = {c.name: (ORIGIN << 32) + 100 + n for c in table.key_columns}
            insert(db, table, {**keys, **a_row(random, table)})
    db.execute("UPDATE writing SET actor = NULL")
    with transaction(db):
        log = NodeLog(db)
        log.cut(KEYS)
        log.apply_mode()
        gate.hold_all(log)
        log.capture_mode()


def sums(db: Database) -> dict[tuple[int, int], int]:
    return {place: total for place, total in NodeLog(db).sums().items() if total}


def upgrade(db: Database) -> None:
    migrate(db)
    capture.install(db)
    adopt_in_node(db)


def as_released(version: int, path: Path) -> Database:
    """A file as the release of that schema version made it, from its frozen layout."""
    db = open_database(path, KEY, create=True)
    statements, _ = prior.read(version)
    tables = [s for s in statements if s.startswith("CREATE TABLE")]
    with transaction(db):
        for sql in (*tables, *(s for s in statements if s not in tables)):
            if "sqlite_sequence" not in sql:
                db.execute(sql)
        for number in range(1, version + 1):
            db.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('mektep', ?, '')",
                (str(number),),
            )
        db.execute("INSERT INTO writing VALUES (1, NULL, 0, 0, ?)", (ORIGIN,))
        db.execute(f"PRAGMA user_version = {version}")
    return db


# -- released versions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", RELEASED)
def test_what_was_released_never_changes(version: int) -> None:
    """Numbers, types, scopes and defaults are permanent; additions need a new VERSION (see tests/prior)."""
    assert prior.wire(TABLES, version) == prior.read(version)[1]


@pytest.mark.parametrize("version", RELEASED)
def test_a_file_of_any_release_becomes_what_a_fresh_one_is(version: int, tmp_path: Path) -> None:
    with closing(as_released(version, tmp_path / "old")) as old, closing(a_store(tmp_path / "new")) as new:
        upgrade(old)
        assert shape(old) == shape(new)
        assert old.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_fresh_file_holds_the_reference_rows_and_logs_nothing(tmp_path: Path) -> None:
    with closing(a_store(tmp_path / "node.db")) as db:
        for name, rows in reference.ROWS.items():
            assert db.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone() == (len(rows),)
        assert logged(db) == []
        assert [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations")] == [
            str(n) for n in RELEASED
        ]


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    with closing(a_store(tmp_path / "node.db")) as db:
        before = shape(db), db.execute("PRAGMA schema_version").fetchone(), db.conn.total_changes
        migrate(db)
        assert (shape(db), db.execute("PRAGMA schema_version").fetchone(), db.conn.total_changes) == before


def test_no_two_tables_nor_columns_share_a_number() -> None:
    assert len(BY_NAME) == len(BY_NUMBER) == len(TABLES)
    for table in TABLES:
        assert len(table.by_number) == len(table.by_name) == len(table.all_columns)
        assert table.by_number[RETIRED].name == "retired_at"
        assert table.number > 0 and 0 not in table.value_by_number


# -- the next version, over filled files --------------------------------------------------------------------------


@pytest.fixture
def filled(tmp_path: Path) -> Database:
    db = a_store(tmp_path / "node.db")
    fill(db)
    return db


def test_an_upgrade_changes_no_value_and_logs_nothing(filled: Database) -> None:
    before, digests = contents(filled), sums(filled)
    assert digests == {place: total for place, total in digest_of_rows(filled).items() if total}
    with release(NEXT):
        upgrade(filled)
        after = contents(filled)
        assert {place: total for place, total in digest_of_rows(filled).items() if total} == digests
    assert sums(filled) == digests
    assert last_change(filled) == len(before["change"])
    assert after == before
    assert filled.execute("SELECT DISTINCT transport, hobby FROM pupil").fetchall() == [("foot", None)]
    assert filled.execute("PRAGMA user_version").fetchone() == (NEXT,)


def test_an_upgraded_file_is_what_a_fresh_one_is(filled: Database, tmp_path: Path) -> None:
    with release(NEXT), closing(a_store(tmp_path / "new")) as new:
        upgrade(filled)
        assert shape(filled) == shape(new)


def test_new_triggers_capture_new_columns_and_whole_units(filled: Database) -> None:
    last = last_change(filled)
    with release(NEXT):
        upgrade(filled)
        acting(filled)
        one = (ORIGIN << 32) + 100
        filled.execute("UPDATE pupil SET transport = 'bus' WHERE person = ?", (one,))
        filled.execute("UPDATE mark SET value = 4, kind = 5, scale = 6 WHERE subject_group = ?", (one,))
        filled.execute("INSERT INTO club (id, name) VALUES (?, 'Чабандес')", (one,))
        rid = filled.execute("SELECT rid FROM mark WHERE subject_group = ?", (one,)).fetchone()[0]
    assert logged(filled, last) == [
        (22, one, '{"90":"bus"}'),
        (63, rid, '{"7":4,"8":5,"9":6,"92":0}'),
        (900, one, '{"3":"Чабандес"}'),
    ]


def test_an_upgrade_that_fails_leaves_the_old_file(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape(filled)
    with release(NEXT):
        monkeypatch.setitem(migrations.ENGINE_SQL, NEXT, ("CREATE TABLE x (y)", "this is no SQL"))
        with pytest.raises(Exception, match="syntax error"):
            migrate(filled)
        assert shape(filled) == before
        assert filled.execute("PRAGMA user_version").fetchone() == (VERSION,)
        monkeypatch.undo()
        upgrade(filled)
        assert filled.execute("PRAGMA user_version").fetchone() == (NEXT,)


def test_two_processes_upgrade_at_once(filled: Database, tmp_path: Path) -> None:
    """The second finds the work done, though it looked before the first had begun."""
    with release(NEXT), closing(open_database(tmp_path / "node.db", KEY)) as other:
        looks = iter([VERSION])
        original = migrations._version

        def first_look(db: Database) -> int:
            if db is other:
                for old in looks:
                    upgrade(filled)
                    return old
            return original(db)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrations, "_version", first_look)
            migrate(other)
        assert other.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (NEXT,)


def test_an_upgraded_file_is_not_opened_by_the_older_release(filled: Database, tmp_path: Path) -> None:
    with release(NEXT):
        upgrade(filled)
    filled.close()
    with pytest.raises(NewerFile):
        open_database(tmp_path / "node.db", KEY)


def test_a_reference_row_shipped_later_is_added_and_one_that_is_there_kept(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = reference.ROWS["subject"]
    new: dict[str, Value] = {"id": 7777, "code": "robo", "name_en": "Robotics"}
    changed = [{**row, "name_en": "?"} for row in rows]
    monkeypatch.setitem(reference.ROWS, "subject", [*changed, new])
    before = contents(filled)["subject"]
    with release(NEXT):
        upgrade(filled)
    after = contents(filled)["subject"]
    assert [row for row in after if row in before] == before
    assert len(after) == len(before) + 1
    assert filled.execute("SELECT code FROM subject WHERE id = 7777").fetchone() == ("robo",)
    assert last_change(filled) == len(logged(filled))


def test_a_file_of_version_1_gets_the_codes_that_came_since(tmp_path: Path) -> None:
    """The rows that it has keep their ids, a row that the hub corrected keeps what the hub said."""
    new = {"secretary", "it", "lab", "accountant", "support"}
    new |= {"grandmother", "grandfather", "stepmother", "stepfather", "relative"}
    columns = {c.name for c in BY_NAME["code"].all_columns if c.since == 1}
    with closing(as_released(1, tmp_path / "old")) as old:
        for row in reference.ROWS["code"]:
            if row["code"] not in new or row["list"] not in ("position", "relation"):
                insert(old, BY_NAME["code"], {name: row[name] for name in columns & set(row)})
        old.execute("UPDATE code SET name_ky = 'Башкалар' WHERE id = 608")
        before = old.execute("SELECT count(*) FROM code").fetchone()[0]
        upgrade(old)
        ids = dict(old.execute("SELECT code, id FROM code WHERE list IN ('position', 'relation')").fetchall())
        assert {code: ids[code] for code in ("secretary", "support", "grandmother", "relative")} == {
            "secretary": 609, "support": 613, "grandmother": 1905, "relative": 1909,
        }  # fmt: skip
        assert old.execute("SELECT count(*) FROM code").fetchone() == (before + len(new),)
        assert old.execute("SELECT name_ky FROM code WHERE id = 608").fetchone() == ("Башкалар",)


# -- two releases of a school and its hub ---------------------------------------------------------------------------


def old_hub_of(school: School) -> School:
    """The hub stays at the present release, whatever the node is."""

    def receive(message: bytes) -> bytes:
        with release(VERSION):
            return ingest.receive(school.hub, message)

    transport = MemoryTransport(lambda: ingest.describe(school.hub), receive, lambda: "")
    return School(school.node, school.hub, school.id, transport)


def node_dump(node: Node, district_only: bool) -> list[str]:
    with closing(node.connect()) as db:
        return list(dump(db, district_only))


def hub_dump(school: School) -> list[str]:
    with school.hub.read() as connection:
        return list(HubLog(connection, school.id, school.hub.signer).dump())


def write_news(node: Node, actor: int) -> int:
    """What only the next release can write; returns the pupil it is about."""
    with closing(node.connect()) as db, writing(db, actor) as w:
        room = w.insert("room", name="Зал")
        person = w.insert("person", sex="f")
        w.put("pupil", person=person, language="ky", transport="bus", hobby="Чабандес")
        club = w.insert("club", name="Чабандес", room=room)
        w.put("club_pupil", club=club, pupil=person, captain=1)
        w.insert("class_group", grade=3, club=club)
        second = w.insert("person", sex="m")
        w.put("pupil", person=second, language="ru")
        w.put("club_pupil", club=club, pupil=second)
    with closing(node.connect()) as db, writing(db, actor) as w:
        w.put("club_pupil", club=club, pupil=second, captain=1)
        w.put("club_pupil", club=club, pupil=person, captain=0)
        w.update("club", club, kind="riding")
    return person


def test_what_an_older_release_does_not_know_is_kept_passed_on_and_shown_after_its_upgrade(
    tmp_path: Path,
) -> None:
    hub = a_hub(tmp_path / "hub")
    school = a_school(tmp_path / "new", hub)
    copy = tmp_path / "copy"
    backup(school.node, copy)
    older = School(
        restore(tmp_path / "old", copy, passphrase="open", machine_slot=True),
        hub,
        school.id,
        school.transport,
    )
    with closing(older.node.connect()) as db, writing(db, older.actor) as w:
        w.insert("room", name="12")

    with release(NEXT):
        newer = old_hub_of(School(open_node(tmp_path / "new"), hub, school.id, school.transport))
        person = write_news(newer.node, newer.actor)
        assert newer.sync().outcome == "done"
    assert older.sync().outcome == "done"
    with release(NEXT):
        assert newer.sync().outcome == "done"
    assert hub_dump(school) == node_dump(older.node, district_only=True)
    assert not any("club" in line or "transport" in line for line in hub_dump(school))

    with closing(older.node.connect()) as db, writing(db, older.actor) as w:
        w.put("pupil", person=person, residence="rural")
    assert older.sync().outcome == "done"
    with release(NEXT):
        assert newer.sync().outcome == "done"
        upgraded = School(open_node(tmp_path / "old"), hub, school.id, newer.transport)
        assert node_dump(upgraded.node, False) == node_dump(newer.node, False)
        assert any(
            '"transport":"bus"' in line and '"residence":"rural"' in line
            for line in node_dump(newer.node, True)
        )
        assert len([line for line in node_dump(upgraded.node, True) if line.startswith('["club')]) == 3
        for node in (newer.node, upgraded.node):
            with closing(node.connect()) as db:
                assert {p: t for p, t in digest_of_rows(db).items() if t} == sums(db)
                assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        with closing(upgraded.node.connect()) as db:
            assert db.execute("SELECT count(*) FROM unknown_key").fetchone() == (0,)
            log = NodeLog(db)
            for table in (BY_NAME["club"], BY_NAME["club_pupil"]):
                (*keys,) = db.execute(f"SELECT {', '.join(table.key)} FROM {table.name}")
                for key in keys:
                    assert resolve(table, log.history(table, key), log.lineage()).conflicts == set()
        with closing(upgraded.node.connect()) as db, writing(db, upgraded.actor) as w:
            w.insert("club", name="Шахмат")
        assert upgraded.sync().outcome == "done"
        assert newer.sync().outcome == "done"
        assert node_dump(upgraded.node, False) == node_dump(newer.node, False)


def test_values_of_a_wrong_type_do_not_keep_a_file_from_opening(tmp_path: Path) -> None:
    with closing(a_store(tmp_path / "node.db")) as db:
        with writing(db, ACTOR) as w:
            person = w.insert("person")
            w.put("pupil", person=person)
        with transaction(db):
            db.execute("UPDATE change SET vals = '{\"90\":17}' WHERE tbl = 22")
        with release(NEXT):
            upgrade(db)
            assert db.execute("SELECT transport FROM pupil").fetchone() == ("foot",)


# -- the hub -----------------------------------------------------------------------------------------------------


def hub_shape(hub: Hub) -> dict[str, object]:
    inspector = sa.inspect(hub.engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(name)],
            sorted(str(index["name"]) for index in inspector.get_indexes(name)),
        )
        for name in sorted(inspector.get_table_names())
    }


@pytest.mark.parametrize("kind", ["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_hub_upgraded_after_its_schools_shows_what_they_had_sent(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("postgres_url") if kind == "postgresql" else None
    hub = a_hub(tmp_path / "hub", database)
    school = a_school(tmp_path / "node", hub)
    with release(NEXT):
        newer = old_hub_of(School(open_node(tmp_path / "node"), hub, school.id, school.transport))
        write_news(newer.node, newer.actor)
        assert newer.sync().outcome == "done"
    hub.close()
    with release(NEXT):
        upgraded = open_hub(tmp_path / "hub")
        again = School(newer.node, upgraded, school.id, transport_to(upgraded))
        assert hub_dump(again) == node_dump(newer.node, district_only=True)
        assert len([line for line in hub_dump(again) if line.startswith('["club')]) == 3
        assert again.sync().outcome == "done"
        shape = hub_shape(upgraded)
        upgraded.close()
        if kind == "sqlcipher":
            fresh = a_hub(tmp_path / "fresh")
            assert shape == hub_shape(fresh)
            fresh.close()
    if kind == "sqlcipher":
        with pytest.raises(NewerFile):
            open_hub(tmp_path / "hub")
