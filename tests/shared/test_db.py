"""Encrypted databases: SQLite's traps and how none is stepped into; files that cannot be used."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from shared import db as module
from shared.db import (
    DRIVER,
    backup,
    check_integrity,
    memory_database,
    open_database,
    reading,
    transaction,
    write_rows,
)
from shared.problems import DamagedFile, DatabaseBusy, DiskFull, NewerFile, NotInitialised, WrongKey
from shared.schema import VERSION

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed database of some twenty pages."""
    path = tmp_path / "node.db"
    with closing(open_database(path, KEY, create=True)) as db, transaction(db):
        db.conn.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT) STRICT")
        db.conn.execute(
            "CREATE TABLE child (id INTEGER PRIMARY KEY, "
            "parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT"
        )
        db.conn.executemany(
            "INSERT INTO parent VALUES (?, ?)", [(n, f"name {n} " + "x" * 200) for n in range(1, 301)]
        )
    return path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Database]:
    with closing(open_database(path, KEY)) as db:
        yield db


@contextlib.contextmanager
def plainly_opened(path: Path, **options: Any) -> Iterator[Any]:
    """The file as any program opens it that knows the key and nothing else."""
    with closing(DRIVER.connect(str(path), isolation_level=None, **options)) as connection:
        connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
        yield connection


def pragma(connection: Any, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# -- settings ----------------------------------------------------------------------------------------------------


def test_settings_belong_to_a_connection_and_every_one_of_ours_has_them(path: Path) -> None:
    with plainly_opened(path) as plain:
        assert (pragma(plain, "foreign_keys"), pragma(plain, "recursive_triggers")) == (0, 0)
        plain.execute("PRAGMA synchronous = OFF")
    full = 2
    for _ in range(2):
        with opened(path) as db:
            assert pragma(db.conn, "journal_mode") == "wal"
            assert pragma(db.conn, "synchronous") == full
            assert pragma(db.conn, "foreign_keys") == 1
            assert pragma(db.conn, "recursive_triggers") == 1
            assert db.conn.isolation_level is None


def test_no_byte_of_what_is_written_can_be_read_in_the_files(path: Path) -> None:
    with opened(path) as db:
        with transaction(db):
            db.conn.execute("INSERT INTO parent VALUES (1000, 'Осмонова Айгүл')")
        written = files(path.parent)
        assert "node.db-wal" in written
        for data in written.values():
            assert "Осмонова".encode() not in data and b"name 1" not in data and b"SQLite format" not in data


# -- write transactions ------------------------------------------------------------------------------------------


def test_a_deferred_transaction_that_read_first_fails_at_once_when_another_wrote(path: Path) -> None:
    """However long it would wait: its snapshot is old and no waiting makes it new."""
    with plainly_opened(path, timeout=3600) as late, opened(path) as db:
        late.execute("BEGIN")
        late.execute("SELECT max(id) FROM parent").fetchone()
        with transaction(db):
            db.conn.execute("INSERT INTO parent VALUES (1000, '')")
        with pytest.raises(DRIVER.OperationalError, match="locked"):
            late.execute("INSERT INTO parent VALUES (1001, '')")


def test_the_transaction_of_sqlite_utils_is_deferred(path: Path) -> None:
    with opened(path) as late, opened(path) as db:
        refused = pytest.raises(DRIVER.OperationalError, match="locked")
        with refused, late.atomic():
            late.execute("SELECT max(id) FROM parent").fetchone()
            with transaction(db):
                db.conn.execute("INSERT INTO parent VALUES (1000, '')")
            late.execute("INSERT INTO parent VALUES (1001, '')")


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in threads at once; the first thing raised in one is raised here."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(n: int) -> None:
        try:
            barrier.wait()
            work(n)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def test_writers_that_read_first_wait_in_line(path: Path) -> None:
    def count_up(n: int) -> None:
        with opened(path) as db:
            for _ in range(10):
                with transaction(db):
                    last = db.execute("SELECT max(id) FROM parent").fetchone()[0]
                    db.conn.execute("INSERT INTO parent VALUES (?, '')", (last + 1,))

    in_threads(4, count_up)
    with opened(path) as db:
        assert db.execute("SELECT count(*), max(id) FROM parent").fetchone() == (340, 340)


def test_a_writer_that_waits_in_vain_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0)
    with opened(path) as first, opened(path) as second, transaction(first):
        with pytest.raises(DatabaseBusy), transaction(second):
            pytest.fail("both write")
        assert not second.conn.in_transaction


def test_a_reader_neither_waits_nor_sees_half_a_transaction(path: Path) -> None:
    with opened(path) as writer, opened(path) as reader, transaction(writer):
        writer.conn.execute("INSERT INTO parent VALUES (1000, '')")
        assert reader.execute("SELECT max(id) FROM parent").fetchone() == (300,)


def test_what_is_read_together_is_of_one_moment(path: Path) -> None:
    with opened(path) as writer, opened(path) as reader, reading(reader):
        with transaction(writer):
            writer.conn.execute("INSERT INTO parent VALUES (1000, '')")
        assert reader.execute("SELECT max(id) FROM parent").fetchone() == (300,)


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt])
def test_whatever_is_raised_nothing_of_the_transaction_stays(path: Path, raised: type[BaseException]) -> None:
    with opened(path) as db:
        with pytest.raises(raised), transaction(db):
            db.conn.execute("INSERT INTO parent VALUES (1000, '')")
            raise raised
        assert db.execute("SELECT max(id) FROM parent").fetchone() == (300,)
        with transaction(db):
            db.conn.execute("INSERT INTO parent VALUES (301, '')")


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_many_rows_are_written_each_once_and_in_order(count: int) -> None:
    db = memory_database()
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a INT UNIQUE, b TEXT)")
    rows = [(a, f"'{a}'") for a in range(count)]
    write_rows(db, "t (a, b)", rows)
    assert db.execute("SELECT a, b FROM t ORDER BY n").fetchall() == rows
    write_rows(db, "t (a, b)", [(a, None) for a, _ in rows], "ON CONFLICT (a) DO UPDATE SET b = excluded.b")
    assert db.execute("SELECT a, b FROM t ORDER BY n").fetchall() == [(a, None) for a, _ in rows]


def test_references_are_checked_when_the_transaction_commits(path: Path) -> None:
    with plainly_opened(path) as plain:
        plain.execute("INSERT INTO child VALUES (9, 999)")  # the trap: nobody minds
        plain.execute("DELETE FROM child")
    with opened(path) as db:
        with transaction(db):
            db.conn.execute("INSERT INTO child VALUES (1, 1000)")
            db.conn.execute("INSERT INTO parent VALUES (1000, 'comes later')")
        with pytest.raises(DRIVER.IntegrityError), transaction(db):
            db.conn.execute("INSERT INTO parent VALUES (1001, '')")
            db.conn.execute("INSERT INTO child VALUES (2, 2000)")
        assert db.execute("SELECT count(*) FROM child").fetchone() == (1,)
        assert db.execute("SELECT max(id) FROM parent").fetchone() == (1000,)


def test_a_full_disk_is_told_and_nothing_is_saved(path: Path) -> None:
    with opened(path) as db:
        db.execute(f"PRAGMA max_page_count = {pragma(db.conn, 'page_count')}").fetchone()
        with pytest.raises(DiskFull), transaction(db):
            db.conn.execute("UPDATE parent SET name = name || name || name")
        assert db.execute("SELECT max(length(name)) FROM parent").fetchone() == (209,)


# -- files that cannot be used -----------------------------------------------------------------------------------


def damaged(path: Path, change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    path.write_bytes(change(path.read_bytes()))
    return files(path.parent)


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_wrong_key_opens_nothing_and_writes_nothing(path: Path) -> None:
    before = files(path.parent)
    with pytest.raises(WrongKey) as caught:
        open_database(path, OTHER_KEY)
    assert caught.value.sentence() == "The key does not open this database."
    assert files(path.parent) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(flipped(3), id="salt"),
        pytest.param(flipped(200), id="first page"),
        pytest.param(lambda data: b"Dear parents, " * 1000, id="no database"),
        pytest.param(lambda data: b"SQLite format 3\0" + data[16:], id="plain header"),
    ],
)
def test_a_beginning_that_no_key_opens(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Key and beginning belong together, and from here either may be the wrong one; who knows the key says which."""
    before = damaged(path, change)
    with pytest.raises((WrongKey, DamagedFile)):
        open_database(path, KEY)
    assert files(path.parent) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:100], id="a few bytes"),
        pytest.param(lambda data: data[: PAGE - 1], id="less than a page"),
        pytest.param(lambda data: data[: len(data) // 2 // PAGE * PAGE], id="half"),
        pytest.param(lambda data: data[: len(data) // 2 + 77], id="half and a bit"),
    ],
)
def test_a_file_that_is_cut_short(path: Path, change: Callable[[bytes], bytes]) -> None:
    before = damaged(path, change)
    with pytest.raises(DamagedFile) as caught:
        open_database(path, KEY)
    assert caught.value.sentence() == "The file node.db is damaged; nothing was changed."
    assert files(path.parent) == before


def test_a_damaged_page_is_met_when_it_is_read_and_found_by_the_check(path: Path) -> None:
    before = damaged(path, flipped(10 * PAGE + 77))
    with opened(path) as db:
        with pytest.raises(DamagedFile, match=r"The file node\.db is damaged"), reading(db):
            db.execute("SELECT sum(length(name)) FROM parent").fetchone()
        assert len(check_integrity(db)) == 1
    assert files(path.parent) == before


def test_a_row_that_refers_to_nothing_is_found_by_the_check(path: Path) -> None:
    with opened(path) as db:
        assert check_integrity(db) == []
    with plainly_opened(path) as plain:
        plain.execute("INSERT INTO child VALUES (9, 999)")
    with opened(path) as db:
        assert check_integrity(db) == ["row 9 of child refers to no parent"]


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    with plainly_opened(path) as plain:
        plain.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = files(path.parent)
    with pytest.raises(NewerFile) as caught:
        open_database(path, KEY)
    assert caught.value.sentence().startswith("The file node.db was written by a newer version of Mektep")
    assert files(path.parent) == before


def test_no_file_is_made_where_none_is(tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        open_database(tmp_path / "node.db", KEY)
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_the_problem_speaks_of_a_damaged_file(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged(path, flipped(10 * PAGE + 77))
    with opened(path) as db, pytest.raises(DamagedFile), reading(db):
        db.execute("SELECT sum(length(name)) FROM parent").fetchone()
    with pytest.raises(WrongKey):
        open_database(path, OTHER_KEY)
    assert capfd.readouterr() == ("", "")


# -- copies ------------------------------------------------------------------------------------------------------


def test_a_copy_taken_while_another_writes_is_of_one_moment(path: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    copies = [tmp_path / f"copy{n}" for n in range(5)]

    def write_pairs() -> None:
        with opened(path) as db:
            at = 1000
            while not stop.is_set():
                with transaction(db):
                    db.conn.execute("INSERT INTO parent VALUES (?, 'pair')", (at,))
                    db.conn.execute("INSERT INTO child VALUES (?, ?)", (at, at))
                at += 1

    writer = threading.Thread(target=write_pairs)
    writer.start()
    try:
        with opened(path) as db:
            for copy in copies:
                backup(db, copy, KEY)
    finally:
        stop.set()
        writer.join()
    for copy in copies:
        with closing(open_database(copy, KEY)) as db:
            assert check_integrity(db) == []
            pairs = db.execute("SELECT count(*) FROM parent WHERE name = 'pair'").fetchone()
            assert pairs == db.execute("SELECT count(*) FROM child").fetchone()


def test_a_copy_is_one_file_and_cannot_be_read(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    with opened(path) as db:
        backup(db, folder / "copy", KEY)
    assert list(files(folder)) == ["copy"]
    assert b"name 1" not in files(folder)["copy"]
    with pytest.raises(WrongKey):
        open_database(folder / "copy", OTHER_KEY)
