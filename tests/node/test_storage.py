"""A node's home: unlocked, refused when not whole, backed up while in use, restored with nothing lost or doubled."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from random import Random

import pytest

from hub.log import HubLog
from node.storage import (
    DATABASE,
    KEYS,
    MACHINE,
    Node,
    backup,
    change_passphrase,
    create_node,
    open_node,
    restore,
)
from shared.db import check_integrity, transaction
from shared.keys import RecoveryKit
from shared.problems import (
    AlreadyInitialised,
    DamagedFile,
    MissingFile,
    NewerFile,
    NoSuchSlot,
    NotInitialised,
    Problem,
    WrongPassphrase,
    WrongRecoveryKey,
)
from shared.schema import VERSION
from sync.checks import verify_chain
from sync.log import NodeLog, dump
from sync.state import State
from sync.writer import writing
from tests.world import CHEAP, School, a_hub, a_node, a_school

PAGE = 4096


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def rows(node: Node) -> list[str]:
    with closing(node.connect()) as db:
        return list(dump(db, district_only=False))


def add_person(node: Node, surname: str) -> int:
    with closing(node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        person = w.insert("person", sex="f")
        w.insert("consent", person=person, purpose="core", valid_from=0)
        w.update("person", person, surname=surname)
        w.put("pupil", person=person, language="ky")
    return person


def surnames(node: Node) -> list[str]:
    with closing(node.connect()) as db:
        return [
            s for (s,) in db.execute("SELECT surname FROM person WHERE surname IS NOT NULL ORDER BY surname")
        ]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = a_node(tmp_path / "home")
    add_person(node, "Осмонова")
    return node


# -- unlocking ---------------------------------------------------------------------------------------------------


def test_a_new_school_has_an_administrator_and_a_name_to_write_under(tmp_path: Path) -> None:
    node = a_node(tmp_path / "home", "Гимназия 8")
    with closing(node.connect()) as db:
        state = State(db)
        account = next(iter(db.query("SELECT * FROM account")))
        duty = next(iter(db.query("SELECT * FROM appointment")))
        assert (state.school_name, node.school, node.origin) == ("Гимназия 8", 0, int(state.origin))
        assert account["id"] == state.administrator == (node.origin << 32) + 1
        assert account["login"] == "admin" and "secret" not in account["password"]
        assert (duty["person"], duty["duty"]) == (account["person"], "administrator")
        assert db.execute("SELECT DISTINCT actor FROM change").fetchall() == [(account["id"],)]
        assert [*check_integrity(db), *verify_chain(db)] == []
    assert (node.home.stat().st_mode & 0o777, sorted(files(node.home))) == (0o700, [KEYS, MACHINE, DATABASE])


def test_it_opens_with_the_machine_and_with_the_passphrase(node: Node) -> None:
    assert open_node(node.home).key == node.key
    assert open_node(node.home, "open").key == node.key
    with pytest.raises(WrongPassphrase):
        open_node(node.home, "opem")
    change_passphrase(node, "another")
    assert open_node(node.home, "another").key == node.key
    with pytest.raises(WrongPassphrase):
        open_node(node.home, "open")


def test_without_a_machine_slot_it_opens_with_the_passphrase_alone(tmp_path: Path) -> None:
    node, _ = create_node(
        tmp_path, school_name="8", login="a", password="b", passphrase="open", machine_slot=False, cost=CHEAP
    )
    assert sorted(files(tmp_path)) == [KEYS, DATABASE]
    with pytest.raises(NoSuchSlot):
        open_node(tmp_path)
    assert open_node(tmp_path, "open").key == node.key


def test_an_open_node_is_not_made_again(node: Node) -> None:
    before = files(node.home)
    with pytest.raises(AlreadyInitialised):
        a_node(node.home)
    assert files(node.home) == before


# -- homes that are not whole --------------------------------------------------------------------------------------


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def refused(node: Node, kind: type[Problem]) -> str:
    """The one sentence; no file may differ afterwards, and none may have been added."""
    before = files(node.home)
    with pytest.raises(kind) as caught:
        open_node(node.home)
    assert files(node.home) == before
    return caught.value.sentence()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param(DATABASE, flipped(3), id="salt"),
        pytest.param(DATABASE, flipped(500), id="first page"),
        pytest.param(DATABASE, lambda data: data[: len(data) // 2], id="cut in half"),
        pytest.param(DATABASE, lambda data: data[: len(data) // 2 + 99], id="cut inside a page"),
        pytest.param(DATABASE, lambda data: b"", id="empty"),
        pytest.param(DATABASE, lambda data: b"no database at all" * 999, id="no database"),
        pytest.param(KEYS, lambda data: b"", id="no keys"),
        pytest.param(KEYS, lambda data: data[:-9], id="keys cut short"),
        pytest.param(KEYS, flipped(99), id="keys flipped"),
        pytest.param(MACHINE, flipped(9), id="key of the machine"),
        pytest.param(MACHINE, lambda data: data[:-1], id="key of the machine cut short"),
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(
    node: Node, name: str, change: Callable[[bytes], bytes]
) -> None:
    path = node.home / name
    path.write_bytes(change(path.read_bytes()))
    assert refused(node, DamagedFile) == f"The file {name} is damaged; nothing was changed."


def test_a_damaged_page_in_the_middle_is_met_when_read(node: Node) -> None:
    path = node.home / DATABASE
    with closing(node.connect()) as db:
        page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'person'").fetchone()[0]
    path.write_bytes(flipped((page - 1) * PAGE + 100)(path.read_bytes()))
    before = files(node.home)
    opened = open_node(node.home)
    with closing(opened.connect()) as db:
        with pytest.raises(DamagedFile), transaction(db):
            db.execute("SELECT * FROM person").fetchall()
        assert len(check_integrity(db)) == 1
    assert files(node.home) == before


def test_a_database_of_another_home_is_not_opened(node: Node, tmp_path: Path) -> None:
    other = a_node(tmp_path / "other")
    (node.home / DATABASE).write_bytes((other.home / DATABASE).read_bytes())
    assert refused(node, DamagedFile) == "The file node.db is damaged; nothing was changed."


def test_a_file_of_a_newer_release_is_left_as_it_is(node: Node) -> None:
    with closing(node.connect()) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    assert "newer version of Mektep" in refused(node, NewerFile)


def test_a_file_of_a_newer_release_that_was_not_closed_is_left_as_it_is(node: Node, tmp_path: Path) -> None:
    """As after a power cut: what was last written is still in the log beside the file."""
    home = tmp_path / "cut"
    with closing(node.connect()) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
        shutil.copytree(node.home, home)
    (home / f"{DATABASE}-shm").unlink()
    before = files(home)
    assert len(before[f"{DATABASE}-wal"]) > 0
    with pytest.raises(NewerFile):
        open_node(home)
    assert {name: data for name, data in files(home).items() if not name.endswith("-shm")} == before


@pytest.mark.parametrize("name", [KEYS, DATABASE])
def test_a_missing_file_is_named(node: Node, name: str) -> None:
    (node.home / name).rename(node.home.parent / name)
    assert refused(node, MissingFile) == f"The file {name} is missing; put it back or restore a backup."
    with pytest.raises(AlreadyInitialised):
        a_node(node.home)
    (node.home.parent / name).rename(node.home / name)
    assert surnames(open_node(node.home)) == ["Осмонова"]


def test_where_nothing_was_set_up_nothing_is_made(tmp_path: Path) -> None:
    for home in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotInitialised):
            open_node(home)
    assert list(tmp_path.iterdir()) == []


def test_what_an_interrupted_init_left_is_no_school(node: Node) -> None:
    (node.home / DATABASE).rename(node.home / f"{DATABASE}.new")
    refused(node, NotInitialised)
    a_node(node.home)
    assert surnames(open_node(node.home)) == []


def test_what_an_interrupted_restore_left_is_no_school_either(node: Node) -> None:
    (node.home / "restored").mkdir()
    (node.home / DATABASE).rename(node.home / "restored" / DATABASE)
    refused(node, NotInitialised)
    a_node(node.home)
    assert sorted(files(node.home)) == [KEYS, MACHINE, DATABASE]


# -- backup ------------------------------------------------------------------------------------------------------


def test_a_backup_taken_while_a_teacher_writes_is_whole(node: Node, tmp_path: Path) -> None:
    stop = threading.Event()
    written: list[int] = []

    def teach() -> None:
        with closing(node.connect()) as db:
            while not stop.wait(0.002):
                with writing(db, int(State(db).administrator)) as w:
                    person = w.insert("person", sex="m")
                    w.put("pupil", person=person, language="ru")
                written.append(person)

    teacher = threading.Thread(target=teach)
    teacher.start()
    try:
        backup(node, tmp_path / "one")
        acknowledged = [*written]
        backup(node, tmp_path / "two")
    finally:
        stop.set()
        teacher.join()
    restored = restore(tmp_path / "restored", tmp_path / "two", passphrase="open")
    with closing(restored.connect()) as db:
        assert [*check_integrity(db), *verify_chain(db)] == []
        pupils = {p for (p,) in db.execute("SELECT person FROM pupil WHERE language = 'ru'")}
        assert pupils == {p for (p,) in db.execute("SELECT id FROM person WHERE sex = 'm'")}
        assert {*acknowledged} <= pupils <= {*written}


def test_nothing_in_a_backup_can_be_read(node: Node, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    backup(node, folder / "school")
    assert list(files(folder)) == ["school"]
    data = files(folder)["school"]
    machine = (node.home / MACHINE).read_bytes()
    for secret in (
        "Осмонова".encode(),
        b"SQLite format 3",
        b"CREATE TABLE",
        node.key,
        node.key.hex().encode(),
        machine,
    ):
        assert secret not in data


def test_an_older_backup_stays_until_the_new_one_is_whole(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    backup(node, folder / "school")
    before = files(folder)

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shared.archive.tarfile.open", no_space)
        with pytest.raises(OSError):
            backup(node, folder / "school")
    assert files(folder) == before
    add_person(node, "Асанова")
    backup(node, folder / "school")
    assert list(files(folder)) == ["school"]
    assert surnames(restore(tmp_path / "restored", folder / "school", passphrase="open")) == [
        "Асанова",
        "Осмонова",
    ]


def test_a_backup_into_no_folder_says_so(node: Node, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        backup(node, tmp_path / "nowhere" / "school")
    with closing(node.connect()) as db:
        assert State(db).last_backup == 0


def test_the_node_remembers_its_last_backup(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "school")
    with closing(node.connect()) as db:
        assert int(State(db).last_backup) > 1_700_000_000_000


# -- restore -----------------------------------------------------------------------------------------------------


def test_restored_by_passphrase_and_by_kit(tmp_path: Path) -> None:
    node, kit = create_node(
        tmp_path / "home", school_name="8", login="a", password="b", passphrase="open", cost=CHEAP
    )
    add_person(node, "Осмонова")
    backup(node, tmp_path / "school")
    change_passphrase(node, "later")
    for n, how in enumerate(({"passphrase": "open"}, {"kit": kit.words}, {"kit": kit.code})):
        restored = restore(tmp_path / str(n), tmp_path / "school", **how, machine_slot=True)
        assert (restored.key, rows(restored)) == (node.key, rows(node))
        assert open_node(tmp_path / str(n)).key == node.key, "it comes back by itself"
        assert sorted(files(restored.home)) == [KEYS, MACHINE, DATABASE]
        assert files(restored.home)[MACHINE] != files(node.home)[MACHINE]


@pytest.mark.parametrize("lost_one", [True, False])
def test_a_restored_machine_opens_by_itself_only_if_it_is_wanted(tmp_path: Path, lost_one: bool) -> None:
    node, _ = create_node(
        tmp_path / "home",
        school_name="8",
        login="a",
        password="b",
        passphrase="open",
        machine_slot=lost_one,
        cost=CHEAP,
    )
    backup(node, tmp_path / "school")
    (tmp_path / "restored").mkdir()
    (tmp_path / "restored" / MACHINE).write_bytes(bytes(32))  # as an older home left it
    restored = restore(tmp_path / "restored", tmp_path / "school", passphrase="open")
    assert sorted(files(restored.home)) == [KEYS, DATABASE]
    with pytest.raises(NoSuchSlot):
        open_node(restored.home)
    assert open_node(restored.home, "open").key == node.key


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"passphrase": "opem"}, WrongPassphrase),
        ({}, WrongPassphrase),
        ({"kit": RecoveryKit.create("9", date(2026, 1, 1)).words}, WrongRecoveryKey),
        ({"kit": "no such words"}, WrongRecoveryKey),
    ],
)
def test_who_cannot_open_a_backup_leaves_nothing_behind(
    node: Node, tmp_path: Path, how: dict[str, str], kind: type[Problem]
) -> None:
    backup(node, tmp_path / "school")
    with pytest.raises(kind):
        restore(tmp_path / "restored", tmp_path / "school", **how)
    assert not (tmp_path / "restored").exists()
    (tmp_path / "restored").mkdir()
    with pytest.raises(kind):
        restore(tmp_path / "restored", tmp_path / "school", **how)
    assert files(tmp_path / "restored") == {}


def test_a_home_with_a_database_is_never_restored_over(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "school")
    add_person(node, "Асанова")
    before = files(node.home)
    with pytest.raises(AlreadyInitialised):
        restore(node.home, tmp_path / "school", passphrase="open")
    assert files(node.home) == before


def test_a_home_that_lost_its_database_is_restored_in_place(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "school")
    with closing(node.connect()):
        left = files(node.home)[f"{DATABASE}-wal"]
    (node.home / DATABASE).unlink()
    (node.home / f"{DATABASE}-wal").write_bytes(left)
    assert surnames(restore(node.home, tmp_path / "school", passphrase="open", machine_slot=True)) == [
        "Осмонова"
    ]
    assert surnames(open_node(node.home)) == ["Осмонова"]


def test_a_backup_of_a_newer_release_leaves_nothing_behind(node: Node, tmp_path: Path) -> None:
    with closing(node.connect()) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.db.VERSION", VERSION + 1)
        backup(node, tmp_path / "school")
    with pytest.raises(NewerFile, match="The file school was written by a newer"):
        restore(tmp_path / "restored", tmp_path / "school", passphrase="open")
    assert not (tmp_path / "restored").exists()


def test_a_damaged_backup_is_refused_or_harmless_and_leaves_nothing_behind(
    node: Node, tmp_path: Path
) -> None:
    """Cut anywhere or with any bit flipped: what is restored is what was backed up, or nothing is."""
    backup(node, tmp_path / "school")
    whole = (tmp_path / "school").read_bytes()
    expected = rows(node)
    random = Random(3)
    header_of_keys = whole.index(KEYS.encode())
    places = [0, 3, 100, 130, 150, 513, header_of_keys, header_of_keys + 130, header_of_keys + 600]
    places += [random.randrange(len(whole)) for _ in range(12)]
    damages = [flipped(at)(whole) for at in places]
    damages += [
        whole[:cut] for cut in (0, 1, 511, 600, len(whole) // 2, header_of_keys, header_of_keys + 520)
    ]
    damages += [b"no archive" * 999, (tmp_path / "home" / DATABASE).read_bytes()]
    refused = 0
    for damage in damages:
        (tmp_path / "damaged").write_bytes(damage)
        try:
            restored = restore(tmp_path / "restored", tmp_path / "damaged", passphrase="open")
        except DamagedFile as problem:
            refused += 1
            assert problem.sentence() == "The file damaged is damaged; nothing was changed."
            assert not (tmp_path / "restored").exists()
        else:
            assert rows(restored) == expected
            shutil.rmtree(tmp_path / "restored")
    assert refused >= len(damages) - 12


# -- a restored node and its hub -----------------------------------------------------------------------------------


@pytest.fixture
def school(tmp_path: Path) -> School:
    school = a_school(tmp_path / "home", a_hub(tmp_path / "hub"))
    add_person(school.node, "Абдиева")
    assert school.sync().outcome == "done"
    return school


def restored_from(school: School, copy: Path, home: Path) -> School:
    return School(restore(home, copy, passphrase="open"), school.hub, school.id, school.transport)


def agree(*schools: School) -> None:
    """All hold the same, whole, without a conflict."""
    for school in schools:
        with closing(school.node.connect()) as db:
            assert [*check_integrity(db), *verify_chain(db)] == []
            assert db.execute("SELECT count(*) FROM conflict").fetchone() == (0,)
    with schools[0].hub.read() as connection:
        held = list(HubLog(connection, schools[0].id, schools[0].hub.signer).dump())
    for school in schools:
        assert rows(school.node) == rows(schools[0].node)
        with closing(school.node.connect()) as db:
            assert list(dump(db, district_only=True)) == held


def test_a_restored_node_writes_on_under_a_new_name_that_continues_the_old(
    school: School, tmp_path: Path
) -> None:
    backup(school.node, tmp_path / "copy")
    restored = restored_from(school, tmp_path / "copy", tmp_path / "restored")
    assert restored.node.origin != school.node.origin
    add_person(restored.node, "Бекова")
    assert restored.sync().outcome == "done"
    with closing(school.node.connect()) as db:
        last = int(State(db).own_last)
    with closing(restored.node.connect()) as db:
        log = NodeLog(db)
        assert log.lineage() == {restored.node.origin: (school.node.origin, last)}
        assert db.execute(
            "SELECT first FROM changeset WHERE origin = ? ORDER BY first", (restored.node.origin,)
        ).fetchone() == (1,)
        assert State(db).own_last == 4
    assert surnames(restored.node) == ["Абдиева", "Бекова"]
    agree(restored)


def test_what_was_written_and_sent_after_the_backup_comes_back_once(school: School, tmp_path: Path) -> None:
    backup(school.node, tmp_path / "copy")
    lost = add_person(school.node, "Бекова")
    school.sync()
    restored = restored_from(school, tmp_path / "copy", tmp_path / "restored")
    add_person(restored.node, "Валиева")
    assert restored.sync().outcome == "done"
    assert surnames(restored.node) == ["Абдиева", "Бекова", "Валиева"]
    with closing(restored.node.connect()) as db, writing(db, restored.actor) as w:
        w.update("person", lost, surname="Бекташева")
    assert restored.sync().outcome == "done"
    assert surnames(restored.node) == ["Абдиева", "Бекташева", "Валиева"]
    agree(restored)


@pytest.mark.parametrize("sent_by_the_lost_machine", [True, False])
def test_what_waited_in_the_backup_is_neither_doubled_nor_lost(
    school: School, tmp_path: Path, sent_by_the_lost_machine: bool
) -> None:
    waiting = add_person(school.node, "Бекова")
    backup(school.node, tmp_path / "copy")
    add_person(school.node, "Валиева")
    if sent_by_the_lost_machine:
        assert school.sync().outcome == "done"
    restored = restored_from(school, tmp_path / "copy", tmp_path / "restored")
    add_person(restored.node, "Гапарова")
    assert restored.sync().outcome == "done"
    later = ["Валиева"] if sent_by_the_lost_machine else []
    assert surnames(restored.node) == ["Абдиева", "Бекова", *later, "Гапарова"]
    agree(restored)
    with closing(restored.node.connect()) as db:
        assert db.execute("SELECT count(*) FROM pupil").fetchone() == (3 + len(later),)
        assert db.execute("SELECT count(*) FROM person WHERE id = ?", (waiting,)).fetchone() == (1,)


def test_a_copy_and_the_machine_it_was_of_may_both_go_on(school: School, tmp_path: Path) -> None:
    """Each goes on under its own name; what both changed apart is a conflict that one of them ends."""
    backup(school.node, tmp_path / "copy")
    restored = restored_from(school, tmp_path / "copy", tmp_path / "restored")
    again = restored_from(school, tmp_path / "copy", tmp_path / "again")
    everyone = (school, restored, again)
    with closing(school.node.connect()) as db:
        person = db.execute("SELECT id FROM person WHERE surname = 'Абдиева'").fetchone()[0]
    for n, one in enumerate(everyone):
        add_person(one.node, f"Бекова {n}")
        with closing(one.node.connect()) as db, writing(db, one.actor) as w:
            w.update("person", person, birth_year=2000 + n)
    for one in (*everyone, *everyone):
        assert one.sync().outcome == "done"
    assert surnames(again.node) == ["Абдиева", "Бекова 0", "Бекова 1", "Бекова 2"]
    for one in everyone:
        with closing(one.node.connect()) as db:
            assert db.execute("SELECT tbl, key, unit FROM conflict").fetchall() == [
                (20, person, "birth_year")
            ]
            assert db.execute("SELECT birth_year FROM person WHERE id = ?", (person,)).fetchone() == (2002,)
    with closing(restored.node.connect()) as db, writing(db, restored.actor) as w:
        w.update("person", person, birth_year=2009)
    for one in (restored, *everyone):
        assert one.sync().outcome == "done"
    agree(*everyone)


def test_a_school_restored_before_it_met_its_hub_keeps_its_name(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "copy")
    restored = restore(tmp_path / "restored", tmp_path / "copy", passphrase="open")
    assert restored.origin == node.origin
    add_person(restored, "Асанова")
    assert surnames(restored) == ["Асанова", "Осмонова"]
