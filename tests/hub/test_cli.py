"""``mektep-hub``: every command, and one clear sentence when it fails."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from hub.__main__ import main
from hub.storage import Hub, open_hub
from shared.keys import RegistrationCode
from shared.problems import Revoked
from sync.log import dump
from sync.session import register
from tests.hub.conftest import BOYS, GIRLS
from tests.serving import Visit
from tests.terminal import Terminal
from tests.world import School, a_node, transport_to


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEKTEP_LANGUAGE", "en")
    for name in ("MEKTEP_PASSPHRASE", "MEKTEP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(hub: Hub, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(main, hub.home, capsys)


def test_init_makes_a_hub_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the hub")
    monkeypatch.setenv("MEKTEP_PASSWORD", "a secret word")
    terminal = Terminal(main, tmp_path / "hub", capsys)
    kit = tmp_path / "hub" / "recovery-kit.html"
    code, out, err = terminal.run("init", "--login", "A secret word")
    assert (code, out) == (1, "") and "MEKTEP_PASSWORD" in err, "the login is no password"
    assert not (tmp_path / "hub" / "hub.db").exists()
    made = terminal.json("init", "--login", "edu")
    assert made == {"home": str(tmp_path / "hub"), "database": "sqlite", "kit": str(kit)}
    assert kit.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "hub" / "hub.db").read_bytes()[:6] != b"SQLite"
    code, out, err = terminal.run("init")
    assert (code, out) == (1, "") and "is already set up" in err
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "wrong")
    assert terminal.run("status") == (1, "", "The passphrase is wrong.\n")


def test_no_hub_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = Terminal(main, tmp_path, capsys).run("--json", "status")
    assert code == 1 and json.loads(out)["error"] == "not_initialised"
    assert "run init first" in err and "Traceback" not in err


def test_init_on_postgresql_keeps_nothing_in_the_home(
    tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the hub")
    monkeypatch.setenv("MEKTEP_PASSWORD", "a secret word")
    terminal = Terminal(main, tmp_path / "hub", capsys)
    assert terminal.json("init", "--database", postgres_url)["database"] == "postgresql"
    assert {path.name for path in (tmp_path / "hub").iterdir()} >= {"hub.json", "keys.json"}
    assert not list((tmp_path / "hub").glob("hub.db*"))
    assert terminal.json("status") == {"schools": [], "to_be_heard": 0}


def test_a_school_is_added_and_its_node_registers(tmp_path: Path, hub: Hub, terminal: Terminal) -> None:
    words = ("school", "add", "№ 8", "--number", "8", "--district", "Сузак")
    school = terminal.json(*words)["school"]
    terminal.json("school", "add", "№ 9", "--number", "9", "--district", "Сузак")
    assert (
        terminal.json("school", "add", "№ 8", "--number", "8", "--district", "Кара-Суу")["school"] != school
    )
    refused = terminal.fails("school", "add", "№  8", "--number", "8", "--district", "Сузак")
    assert refused["error"] == "school_exists" and str(school) in refused["sentence"]
    made = terminal.json("registration-code", str(school))
    assert made["school"] == school and RegistrationCode.parse(made["code"]).names(hub.signer.public)
    with closing(a_node(tmp_path / "node").connect()) as db:
        register(db, transport_to(hub), made["code"])
    rows = {row["name"]: row for row in terminal.json("status")["schools"] if row["district"] == "Сузак"}
    assert (rows["№ 8"]["nodes"], rows["№ 9"]["nodes"]) == (1, 0)
    assert rows["№ 8"]["district"] == rows["№ 9"]["district"] == "Сузак"
    code, out, _ = terminal.run("status")
    assert code == 0 and "№ 8" in out and "chain=unchecked" in out


def test_an_unknown_school_is_one_sentence(terminal: Terminal) -> None:
    for words in (("registration-code", "99"), ("dump", "--school", "99"), ("verify", "--school", "99")):
        code, out, err = terminal.run(*words)
        assert (code, out, err.count("\n")) == (1, "", 1) and "is not allowed" in err


def test_an_unknown_command_is_shown_the_way(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        terminal.run("fly")
    assert stopped.value.code == 2 and "invalid choice" in capsys.readouterr().err


def test_stats_are_the_figures(terminal: Terminal, school: School) -> None:
    words = ("stats", "pupils", "--by", "class", "--columns", "sex", "--indicators", "pupils")
    assert terminal.json(*words)["rows"] == [
        ["Class", "Female: Pupils", "Male: Pupils", "Total: Pupils"],
        ["7-А", str(GIRLS), str(BOYS), str(GIRLS + BOYS)],
        ["7-Б", "2", "7", "9"],
        ["Total", str(GIRLS + 2), str(BOYS + 7), str(GIRLS + BOYS + 9)],
    ]
    code, out, _ = terminal.run(
        "stats", "results", "--where", "class=7-А", "--indicators", "assessed", "quality"
    )
    assert code == 0
    assert list(csv.reader(io.StringIO(out)))[1] == ["School 8", "21", "47.6"]


def test_stats_of_nothing_known_are_refused(terminal: Terminal) -> None:
    for words in (("--by", "teachers"), ("--indicators", "success")):
        code, _, err = terminal.run("stats", "pupils", *words)
        assert (code, err.count("\n")) == (1, 1), words


def test_export_writes_every_table_and_no_formula(tmp_path: Path, terminal: Terminal, school: School) -> None:
    counts = terminal.json("export", tmp_path / "out")["rows"]
    assert counts["enrolment"] == GIRLS + BOYS + 9
    with (tmp_path / "out" / "person.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == counts["person"] and {row["sex"] for row in rows} >= {"f", "m"}
    assert "surname" not in rows[0]


def test_dump_is_the_schools_own(terminal: Terminal, school: School) -> None:
    code, out, _ = terminal.run("dump", "--school", str(school.id))
    with closing(school.node.connect()) as db:
        assert (code, out.splitlines()) == (0, list(dump(db, district_only=True)))


def test_verify_finds_what_is_wrong(hub: Hub, terminal: Terminal, school: School) -> None:
    assert terminal.json("verify") == {"verified": 2}
    with hub.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM change WHERE school = {school.id} AND number = 1")
    code, out, err = terminal.run("--json", "verify", "--school", "8")
    assert code == 1 and json.loads(out)["error"] == "flawed"
    assert err.splitlines()[-1].startswith("Not everything is as it should be")
    assert f"{school.id}: position 1: its log is not complete" in err


def test_a_node_is_revoked_by_the_beginning_of_its_key(hub: Hub, terminal: Terminal, school: School) -> None:
    with hub.read() as connection:
        key = bytes(connection.exec_driver_sql("SELECT signing FROM node").scalar_one()).hex()
    assert terminal.json("revoke", key[:8]) == {"revoked": key}
    code, _, err = terminal.run("revoke", key[:8])
    assert (code, err.count("\n")) == (1, 1)
    with pytest.raises(Revoked):
        school.sync()


def test_the_stick_goes_both_ways(tmp_path: Path, hub: Hub, terminal: Terminal, school: School) -> None:
    stick = tmp_path / "stick"
    code, _, err = terminal.run("bundle", "import", stick)
    assert (code, err.count("\n")) == (1, 1)
    stick.mkdir()
    assert terminal.json("bundle", "export", stick, "--school", "8") == {"nodes": 1}
    assert terminal.run("bundle", "export", stick)[0] == 1
    (stick / "00000000-1.request").write_bytes(b"cut short")
    found = terminal.json("bundle", "import", stick)
    assert found["answered"] == 0 and len(found["flawed"]) <= 1
    assert terminal.json("stranded", "8", stick) == {"packets": 0, "files": 0}


def test_an_account_is_opened_and_reset(hub: Hub, terminal: Terminal) -> None:
    from hub import create_app

    first = terminal.json("account", "add", "Officer", "--name", "Айгүл")
    assert first["login"] == "officer"
    Visit(create_app(hub), "officer", first["password"])
    second = terminal.json("account", "reset", "officer")
    assert second["password"] != first["password"]
    Visit(create_app(hub), "officer", second["password"])
    assert [
        terminal.run("account", way, login)[0] for way, login in (("add", "OFFICER"), ("reset", "x"))
    ] == [1, 1]


def test_the_passphrase_opens_where_the_machine_does_not(
    hub: Hub, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open")
    assert terminal.json("status") == {"schools": [], "to_be_heard": 0}
    open_hub(hub.home, "open").close()


def test_a_lost_hub_comes_back_from_its_backup_with_the_kit_or_the_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the hub")
    monkeypatch.setenv("MEKTEP_PASSWORD", "a secret word")
    terminal = Terminal(main, tmp_path / "hub", capsys)
    terminal.json("init", "--kit", tmp_path / "kit.html")
    words = re.findall(r"<li>(\w+)</li>", (tmp_path / "kit.html").read_text())
    terminal.json("school", "add", "№ 8", "--number", "8")
    copied = terminal.json("backup", tmp_path / "copy")
    assert copied == {"file": str(tmp_path / "copy"), "bytes": (tmp_path / "copy").stat().st_size}
    monkeypatch.delenv("MEKTEP_PASSPHRASE")
    other = Terminal(main, tmp_path / "other", capsys)
    (tmp_path / "words").write_text(" ".join(words))
    made = other.json("restore", tmp_path / "copy", "--kit", tmp_path / "words", "--machine-slot")
    assert (made["home"], made["database"], made["to_be_heard"]) == (str(other.home), "sqlite", 0)
    assert [row["name"] for row in other.json("status")["schools"]] == ["№ 8"]
    assert other.json("verify")["verified"] == 2
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the hub")
    third = Terminal(main, tmp_path / "third", capsys)
    third.json("restore", tmp_path / "copy")
    monkeypatch.delenv("MEKTEP_PASSPHRASE")
    assert third.run("status")[0] == 1, "nobody asked for a machine slot"


def test_a_hub_may_change_its_database_by_a_backup(
    tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the hub")
    monkeypatch.setenv("MEKTEP_PASSWORD", "a secret word")
    terminal = Terminal(main, tmp_path / "hub", capsys)
    terminal.json("init")
    terminal.json("school", "add", "№ 8")
    terminal.json("backup", tmp_path / "copy")
    server = Terminal(main, tmp_path / "server", capsys)
    made = server.json("restore", tmp_path / "copy", "--database", postgres_url)
    assert made["database"] == "postgresql"
    assert not (server.home / "hub.db").exists()
    server.json("account", "add", "aida")
    server.json("backup", tmp_path / "second")
    back = Terminal(main, tmp_path / "back", capsys)
    back.json("restore", tmp_path / "second")
    assert [row["name"] for row in back.json("status")["schools"]] == ["№ 8"]
