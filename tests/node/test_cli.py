"""``mektep-node``: every command, as JSON and for people, and one clear sentence when it fails."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import node.__main__ as command_line
from hub import schools, sticks
from hub.log import HubLog
from hub.storage import Hub
from node.__main__ import main
from node.exchange import actions
from node.storage import Node, open_node
from shared import cli
from shared.cli import Ticker
from shared.db import transaction
from shared.problems import WrongPassphrase
from tests.serving import Gate, serving
from tests.terminal import Terminal
from tests.world import a_hub, a_node

ROOT = Path(__file__).parent.parent.parent
SETTINGS = ("MEKTEP_PASSPHRASE", "MEKTEP_NEW_PASSPHRASE", "MEKTEP_PASSWORD", "LC_ALL", "LC_MESSAGES", "LANG")
ROOMS = """
[[rows]]
table = "room"
find = ["name"]
[rows.columns]
name = {column = "room", required = true}
seats = {column = "seats"}
"""


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEKTEP_LANGUAGE", "en")


@pytest.fixture
def code(hub: Hub) -> str:
    return schools.registration_code(hub, schools.add_school(hub, "School 8")).text


@pytest.fixture
def school(tmp_path: Path) -> Node:
    return a_node(tmp_path / "node", "School 8")


@pytest.fixture
def terminal(school: Node, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(main, school.home, capsys)


@pytest.fixture
def registered(terminal: Terminal, hub_address: str, code: str) -> Terminal:
    assert terminal.json("register", hub_address, code) == {"registered": True}
    return terminal


def rooms(terminal: Terminal, folder: Path, *lines: str) -> list[str | Path]:
    """The words that import a list of rooms."""
    (folder / "rooms.toml").write_text(ROOMS)
    (folder / "rooms.csv").write_text("\n".join(("room,seats", *lines, "")))
    return ["import", folder / "rooms.csv", "--mapping", folder / "rooms.toml"]


# ---- init and keys


def test_init_makes_a_school_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the school")
    monkeypatch.setenv("MEKTEP_PASSWORD", "a good password")
    terminal = Terminal(main, tmp_path / "new", capsys)
    code, out, err = terminal.run("init", "--school", "School 8", "--language", "ru", "--json")
    assert (code, set(json.loads(out))) == (0, {"home", "origin", "kit"})
    assert "so does whoever steals the machine" in err
    assert "Print the recovery kit" in err
    kit = terminal.home / "recovery-kit.html"
    assert json.loads(out)["kit"] == str(kit)
    assert "School 8" in kit.read_text() and kit.stat().st_mode & 0o077 == 0
    assert terminal.json("status")["school_name"] == "School 8"
    assert terminal.fails("init", "--school", "Other")["error"] == "already_initialised"
    restored = Terminal(main, tmp_path / "restored", capsys)
    terminal.json("backup", tmp_path / "copy")
    words = re.findall(r"<li>(\w+)</li>", kit.read_text())
    (tmp_path / "words").write_text("\n".join(words))
    made = restored.json("restore", tmp_path / "copy", "--kit", tmp_path / "words", "--machine-slot")
    assert made["home"] == str(restored.home)
    assert restored.json("verify") == {"verified": True}


def test_without_a_machine_slot_the_passphrase_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, other, phrase = "the right one", "the wrong one", "a secret of words"
    typed = iter(["x", good, other, good, good, "1", phrase, phrase, "right", "wrong"])
    asked: list[str] = []

    def type_(prompt: str) -> str:
        asked.append(prompt)
        return next(typed)

    monkeypatch.setattr(cli.getpass, "getpass", type_)
    terminal = Terminal(main, tmp_path / "new", capsys)
    code, _, err = terminal.run("init", "--school", "School 8", "--no-machine-slot")
    assert (code, "They differ, or it is empty. Once more." in err) == (0, True)
    assert "steals" not in err
    assert "sign in on the pages as admin" in err and "opens the school's database" in err
    assert err.count("at least 8 characters") == 2
    assert asked == [
        "Password: ", "Password: ", "Again: ", "Password: ", "Again: ",
        "Passphrase: ", "Passphrase: ", "Again: ",
    ]  # fmt: skip
    assert terminal.fails("status")["error"] == "wrong_passphrase"
    assert terminal.fails("status")["error"] == "wrong_passphrase"
    monkeypatch.setenv("MEKTEP_PASSPHRASE", phrase)
    assert terminal.json("status")["registered"] is False


def test_a_secret_of_the_environment_is_as_good_as_a_typed_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(main, tmp_path / "new", capsys)
    good, other = "four words of it", "a good password"
    for passphrase, password, named in (
        ("short", other, "MEKTEP_PASSPHRASE"),
        (good, "Director", "MEKTEP_PASSWORD"),
        (good, "aaaaaaaaa", "MEKTEP_PASSWORD"),
    ):
        monkeypatch.setenv("MEKTEP_PASSPHRASE", passphrase)
        monkeypatch.setenv("MEKTEP_PASSWORD", password)
        told = terminal.fails("init", "--school", "School 8", "--login", "director")
        assert (
            told["error"] == "weak_secret" and named in told["sentence"] and not (tmp_path / "new").exists()
        )


def test_the_passphrase_is_changed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEKTEP_NEW_PASSPHRASE", "another one")
    assert terminal.json("passphrase") == {"changed": True}
    assert open_node(terminal.home, "another one").home == terminal.home
    with pytest.raises(WrongPassphrase):
        open_node(terminal.home, "open")
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open")
    assert terminal.fails("status") == {
        "error": "wrong_passphrase",
        "sentence": "The passphrase is wrong.",
        "errors": [],
    }


def test_an_empty_passphrase_is_none(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "")
    assert terminal.json("status")["registered"] is False


def test_nothing_typed_changes_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def end_of_file(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(cli.getpass, "getpass", end_of_file)
    assert terminal.fails("passphrase")["sentence"] == "Nothing was typed; nothing was done."
    assert open_node(terminal.home, "open").home == terminal.home


# ---- register, sync, status


def test_register_by_wire(registered: Terminal, hub_address: str) -> None:
    found = registered.json("status")
    assert (found["registered"], found["hub_url"], found["last_done"]) == (True, hub_address, 0)
    assert found["school"] == "2147483648"
    assert found["sentence"] == "Changes waiting: 3. None has reached the district yet."


@pytest.mark.parametrize("where", ["nowhere", "ftp://hub.example"])
def test_a_hub_is_an_address_or_a_folder(terminal: Terminal, where: str, code: str) -> None:
    assert terminal.fails("register", where, code)["error"] == "flawed_address"


def test_a_wrong_code_is_refused(terminal: Terminal, hub_address: str, code: str) -> None:
    assert terminal.fails("register", hub_address, "no code")["error"] == "wrong_code"
    assert terminal.json("status")["registered"] is False
    assert terminal.json("register", hub_address, code) == {"registered": True}


def test_a_code_of_another_hub_is_refused(tmp_path: Path, terminal: Terminal, code: str) -> None:
    impostor = a_hub(tmp_path / "impostor")
    with serving(Gate(impostor)) as address:
        assert terminal.fails("register", address, code)["error"] == "impostor_hub"
    impostor.close()


def test_sync(registered: Terminal, hub: Hub) -> None:
    code, out, err = registered.run("sync", "--json")
    done = json.loads(out)
    assert (code, done["outcome"], done["changes_sent"]) == (0, "done", 3)
    assert set(done) == {
        "outcome", "changes_sent", "changes_received", "bytes_sent", "bytes_received", "rounds", "seconds",
    }  # fmt: skip
    assert err.startswith("Changes sent: 3, received: 0, waiting: 0; bytes: ")
    found = registered.json("status")
    assert (found["waiting"], found["tone"], found["last_run"]["outcome"]) == (0, "good", "done")
    assert found["waiting_by_area"] == {}
    code, out, _ = registered.run("sync")
    assert out.startswith("Outcome: Complete: school and district hold the same.\nChanges sent: 0\n")


def test_sync_without_registration_or_hub(terminal: Terminal, hub: Hub, code: str, school: Node) -> None:
    assert terminal.fails("sync")["error"] == "not_registered"
    assert terminal.json("status")["last_run"] is None
    with serving(Gate(hub)) as address:
        terminal.json("register", address, code)
    actions.change_address(school, "http://127.0.0.1:1")
    assert terminal.fails("sync") == {
        "error": "hub_unreachable",
        "sentence": "The hub cannot be reached; everything is kept here and will be sent later.",
        "errors": [],
    }
    found = terminal.json("status")
    assert (found["last_run"]["outcome"], found["last_run"]["running"]) == ("hub_unreachable", False)
    assert found["advice"].startswith("Look whether the internet works")


def test_sync_at_another_address(registered: Terminal, hub_address: str, school: Node) -> None:
    actions.change_address(school, "http://127.0.0.1:1")
    assert registered.json("sync", "--url", hub_address)["outcome"] == "done"
    assert registered.fails("sync", "--url", "hub.example")["error"] == "flawed_address"


def test_status_for_people(registered: Terminal, hub_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = registered.run("status")
    assert out.splitlines()[:4] == [
        "School: School 8",
        "Is my school's data safe?: Changes waiting: 3. None has reached the district yet. "
        "Mektep tries again by itself, every few minutes.",
        "Changes waiting: 3",
        f"Address of the hub: {hub_address}",
    ]
    registered.json("sync")
    _, out, _ = registered.run("status")
    assert re.search(r"Last complete sync: \d{4}-\d\d-\d\d \d\d:\d\d\n", out)
    assert "Last sync: Complete: school and district hold the same.\n" in out
    # Nothing to do? There is no backup yet.
    assert "What is left to do stands below." in out and "Last backup: — (!)\n" in out
    assert "Packets with the district's receipt: 1 / 1\n" in out and "Clock: right\n" in out
    registered.json("backup", str(registered.home.parent / "a.backup"))
    _, out, _ = registered.run("status")
    assert "Nothing to do." in out and "(!)" not in out


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"MEKTEP_LANGUAGE": "ky"}, "Бул түйүн борбордо каттала элек."),
        ({"MEKTEP_LANGUAGE": "ru", "LANG": "ky_KG.UTF-8"}, "Этот узел не зарегистрирован в центре."),
        ({"MEKTEP_LANGUAGE": "", "LANG": "ky_KG.UTF-8"}, "Бул түйүн борбордо каттала элек."),
        (
            {"MEKTEP_LANGUAGE": "", "LC_ALL": "C", "LANG": "ky_KG.UTF-8"},
            "This node is not registered at the hub.",
        ),
        ({"MEKTEP_LANGUAGE": "de"}, "This node is not registered at the hub."),
        ({"MEKTEP_LANGUAGE": ""}, "This node is not registered at the hub."),
    ],
)
def test_sentences_are_in_the_language_of_whoever_types(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert terminal.fails("sync")["sentence"] == sentence


# ---- import, export, dump


def test_import_with_a_dry_run_first(terminal: Terminal, tmp_path: Path) -> None:
    words = rooms(terminal, tmp_path, "12,30", "13,28")
    code, out, err = terminal.run(*words, "--dry-run", "--json")
    assert code == 0 and "A dry run: nothing was written." in err
    assert json.loads(out)["dry_run"] is True
    assert json.loads(out)["files"][0]["inserted"] == {"room": 2}
    first = terminal.json(*words)
    assert (first["dry_run"], first["files"][0]["inserted"]) == (False, {"room": 2})
    again = terminal.json(*words)["files"][0]
    assert (again["file"], again["inserted"], again["changed"], again["unchanged"], again["lines"]) == (
        "rooms.csv", {}, {}, {"room": 2}, 2,
    )  # fmt: skip
    _, out, err = terminal.run(*words)
    assert "rooms.csv: lines 2, passed over 0; rows new 0, changed 0, as they were 2" in out
    assert "rooms.csv: line 1 of 2" in err


def test_import_lists_errors_by_line_and_field(terminal: Terminal, tmp_path: Path) -> None:
    words = rooms(terminal, tmp_path, "12,30", ",28", "14,many")
    told = terminal.fails(*words)
    assert (told["error"], told["sentence"]) == (
        "import_refused",
        "The import was refused; lines with errors: 2.",
    )
    assert [(e["line"], e["field"]) for e in told["errors"]] == [(3, "room"), (4, "seats")]
    _, _, err = terminal.run(*words)
    lines = err.splitlines()
    assert [line[: line.index(":")] for line in lines[-2:]] == ["  line 3, room", "  line 4, seats"]
    assert terminal.run("dump")[1].count("room") == 0


def test_many_errors_are_counted(terminal: Terminal, tmp_path: Path) -> None:
    _, out, err = terminal.run(*rooms(terminal, tmp_path, *[f"{n},x" for n in range(25)]))
    assert (out, err.splitlines()[-1]) == ("", "  And more: 5")


def test_the_errors_are_translated(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = rooms(terminal, tmp_path, "12,many")
    english = terminal.fails(*words)["errors"][0]["message"]
    monkeypatch.setenv("MEKTEP_LANGUAGE", "ru")
    told = terminal.fails(*words)
    assert told["sentence"] == "Импорт отклонён; строк с ошибками: 1."
    assert told["errors"][0]["message"] != english


def test_what_cannot_be_imported_at_all(terminal: Terminal, tmp_path: Path) -> None:
    words = rooms(terminal, tmp_path, "12,30")
    missing = terminal.fails("import", tmp_path / "none.csv", "--mapping", tmp_path / "rooms.toml")
    assert "none.csv" in missing["sentence"]
    assert terminal.fails(*words[:3], tmp_path / "none.toml")["error"] in ("flawed_mapping", "storage")
    (tmp_path / "rooms.toml").write_text("nonsense")
    assert terminal.fails(*words)["error"] == "flawed_mapping"


def test_export_writes_every_table_and_says_so(terminal: Terminal, tmp_path: Path) -> None:
    terminal.json(*rooms(terminal, tmp_path, "12,30"))
    code, out, err = terminal.run("export", tmp_path / "out", "--json")
    assert code == 0 and re.match(r"\w+: rows \d+\n", err)
    counts = json.loads(out)["rows"]
    assert (counts["room"], counts["account"]) == (1, 1)
    assert sorted(counts) == sorted(path.stem for path in (tmp_path / "out").iterdir())
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
    text = (tmp_path / "out" / "room.csv").read_text("utf-8-sig")
    assert [row["seats"] for row in csv.DictReader(io.StringIO(text))] == ["30"]
    log = (tmp_path / "out" / "reading_log.csv").read_text("utf-8-sig")
    assert [row["act"] for row in csv.DictReader(io.StringIO(log))] == ["export"]
    (tmp_path / "taken").write_text("")
    assert terminal.fails("export", tmp_path / "taken")["sentence"] == (
        f"There is a file of this name already: {tmp_path / 'taken'}"
    )


def test_dump_is_the_hubs_view_of_the_school(registered: Terminal, tmp_path: Path, hub: Hub) -> None:
    registered.json(*rooms(registered, tmp_path, "12,30"))
    registered.json("sync")
    everything = registered.run("dump")[1].splitlines()
    with closing(open_node(registered.home).connect()) as db:
        assert db.execute("SELECT act, what FROM reading_log").fetchall() == [("export", "all tables")]
    district = registered.run("dump", "--scope", "district")[1].splitlines()
    assert all(json.loads(line) for line in everything)
    [account] = [json.loads(line)[1] for line in everything if line.startswith('["account"')]
    assert re.fullmatch("sha256:[0-9a-f]{64}", account["password"])
    assert len(district) < len(everything)
    school = int(registered.json("status")["school"])
    with hub.read() as connection:
        assert district == list(HubLog(connection, school, hub.signer).dump())


# ---- by stick


def test_by_stick(terminal: Terminal, tmp_path: Path, hub: Hub, code: str) -> None:
    stick = tmp_path / "stick"
    assert terminal.fails("bundle", "export", stick)["sentence"] == f"This is not a folder: {stick}"
    stick.mkdir()
    assert terminal.fails("bundle", "export", stick)["error"] == "not_registered"
    status, out, err = terminal.run("register", stick, code, "--json")
    assert (status, json.loads(out)) == (0, {"registered": False})
    assert "have the district put hub.mektep on it" in err
    assert list(stick.iterdir()) == []
    sticks.import_bundles(hub, stick)
    status, out, err = terminal.run("register", stick, code, "--json")
    assert (status, json.loads(out)) == (0, {"registered": False})
    assert "Carry it to the hub and back" in err
    assert sticks.import_bundles(hub, stick) == (1, [])
    assert terminal.json("bundle", "import", stick)["taken"] == 1
    assert terminal.json("status")["registered"] is True
    made = terminal.json("bundle", "export", stick)
    assert Path(made["file"]).stat().st_size == made["bytes"]
    assert sticks.import_bundles(hub, stick) == (1, [])
    took = terminal.json("bundle", "import", stick)
    assert (took["taken"], took["waiting"], took["last_done"] > 0) == (1, 0, True)
    status, out, err = terminal.run("bundle", "import", stick)
    assert (status, "There is no answer for this school on the stick." in err) == (0, True)
    assert terminal.json("stranded", stick) == {"packets": 0, "missing": []}
    (stick / "1-0001.stranded").write_bytes(b"cut short")
    assert terminal.fails("stranded", stick)["error"] == "flawed_bundle"


def test_a_damaged_bundle_is_refused(registered: Terminal, tmp_path: Path, hub: Hub) -> None:
    registered.json("bundle", "export", tmp_path)
    sticks.import_bundles(hub, tmp_path)
    [answer] = tmp_path.glob("*.answer")
    answer.write_bytes(answer.read_bytes()[:-1])
    before = registered.json("status")
    assert registered.fails("bundle", "import", tmp_path)["error"] == "flawed_bundle"
    # Other programs use the disk too.
    assert registered.json("status") | {"space": 0} == before | {"space": 0}


# ---- copies and checks


def test_backup_and_restore(
    registered: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.json(*rooms(registered, tmp_path, "12,30"))
    made = registered.json("backup", tmp_path / "copy")
    assert made == {
        "file": str(tmp_path / "copy"),
        "bytes": (tmp_path / "copy").stat().st_size,
        "removed": [],
    }
    other = Terminal(main, tmp_path / "other", capsys)
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "wrong")
    assert other.fails("restore", tmp_path / "copy")["error"] == "wrong_passphrase"
    for given in (tmp_path / "words", "-"):
        (tmp_path / "words").write_text("no words")
        monkeypatch.setattr("sys.stdin", io.StringIO("no words\n"))
        told = other.fails("restore", tmp_path / "copy", "--kit", given)["error"]
        assert told in ("unreadable_word", "mistyped_words")
    monkeypatch.setenv("MEKTEP_KIT", "no words")
    assert other.fails("restore", tmp_path / "copy", "--kit")["error"] in (
        "unreadable_word",
        "mistyped_words",
    )
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open")
    assert other.fails("restore", tmp_path / "rooms.csv")["error"] == "damaged_file"
    assert other.fails("status")["error"] == "not_initialised"
    restored = other.json("restore", tmp_path / "copy", "--machine-slot")
    assert restored["home"] == str(other.home)
    assert restored["origin"] != registered.json("status")["origin"]
    assert other.run("dump", "--scope", "district")[1] == registered.run("dump", "--scope", "district")[1]
    assert other.fails("restore", tmp_path / "copy")["error"] == "already_initialised"
    assert other.json("verify") == {"verified": True}


def test_verify_finds_what_is_wrong(registered: Terminal, school: Node) -> None:
    registered.json("sync")
    code, out, err = registered.run("verify", "--json")
    assert (code, json.loads(out)) == (0, {"verified": True})
    assert "Checking signatures, chain, receipts and digest." in err
    with closing(school.connect()) as db, transaction(db):
        db.conn.execute("UPDATE digest SET sum = zeroblob(length(sum))")
    told = registered.fails("verify")
    assert told["error"] == "flawed"
    assert told["sentence"] == (
        "Not everything is as it should be; findings: 1, the first: the digest does not belong to the rows."
    )


# ---- failures


def test_a_home_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(main, tmp_path / "none", capsys)
    commands: list[list[str]] = [
        ["serve"], ["register", "http://127.0.0.1:1", "x"], ["sync"], ["status"], ["dump"], ["verify"],
        ["import", "x.csv", "--mapping", "pupils"], ["export", str(tmp_path / "out")], ["passphrase"],
        ["bundle", "export", str(tmp_path)], ["bundle", "import", str(tmp_path)], ["backup", str(tmp_path / "copy")],
    ]  # fmt: skip
    for words in commands:
        assert terminal.fails(*words)["sentence"] == (
            f"Mektep is not set up in {terminal.home}; run init first."
        )
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to(terminal: Terminal, tmp_path: Path) -> None:
    told = terminal.fails("backup", tmp_path / "no" / "such" / "copy")
    assert told["error"] == "storage"
    assert told["sentence"].startswith("There is no such file or folder: ")


@pytest.mark.parametrize(
    ("raised", "error", "sentence"),
    [
        (OSError(28, "no space", "x"), "storage", "The disk is full; nothing was saved."),
        (PermissionError(13, "no", "node.db"), "storage", "This account of the computer may not use node.db"),
        (OSError(5, "Input/output error", "node.db"), "storage", "Input/output error: node.db"),
        (KeyboardInterrupt(), "interrupted", "Interrupted; nothing is lost."),
    ],
)
def test_what_the_system_refuses(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, raised: BaseException, error: str, sentence: str
) -> None:
    def refuse(*_: object) -> None:
        raise raised

    monkeypatch.setattr(command_line.storage, "open_node", refuse)
    assert terminal.fails("status") == {"error": error, "sentence": sentence, "errors": []}


def test_a_flaw_of_mektep_is_one_sentence_with_its_place(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def divide(*_: object) -> None:
        print(1 // 0)

    monkeypatch.setattr(command_line.storage, "open_node", divide)
    told = terminal.fails("status")
    assert told["error"] == "problem"
    assert re.fullmatch(r"Something went wrong\. \(ZeroDivisionError, test_cli\.py:\d+\)", told["sentence"])


def test_arguments_that_are_none(terminal: Terminal) -> None:
    with pytest.raises(SystemExit) as ended:
        terminal.run("bundle", "sideways", "x")
    assert ended.value.code == 2


# ---- progress


class Screen(io.StringIO):
    """A terminal that keeps what is shown."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_progress_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with Ticker() as ticker:
        ticker.tell("1 of 2")
        ticker.tell("2 of 2")
    assert screen.getvalue() == "\r\033[K1 of 2\r\033[K2 of 2\n"


def test_elsewhere_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Ticker(quiet=1_000_000) as ticker:
        for step in range(5):
            ticker.tell(f"{step} of 5")
    with Ticker(quiet=0) as ticker:
        ticker.tell("all")
        ticker.tell("done")
    assert capsys.readouterr().err == "0 of 5\nall\ndone\n"


# ---- as processes


def started(*words: str | Path, **more: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "MEKTEP_LANGUAGE": "en"}
    command = [sys.executable, "-m", "node", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes, **more)


def test_a_process_fails_with_one_sentence(tmp_path: Path) -> None:
    process = started("--home", tmp_path, "status", stdin=subprocess.DEVNULL)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (
        1,
        "",
        f"Mektep is not set up in {tmp_path}; run init first.\n",
    )


def test_a_reader_that_has_enough_is_no_failure_to_tell_of(school: Node) -> None:
    process = started("--home", school.home, "dump")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1


def test_serve_shows_the_pages_and_its_port_is_then_taken(school: Node) -> None:
    process = started("--home", school.home, "serve", "--port", "0")
    try:
        assert process.stderr is not None
        address = next(line.strip() for line in process.stderr if line.startswith("http://"))
        deadline = time.monotonic() + 60
        while True:
            try:
                with urlopen(f"{address}sign-in", timeout=10) as answer:
                    assert answer.status == 200
                break
            except ConnectionError:
                assert time.monotonic() < deadline
        port = address.rstrip("/").rpartition(":")[2]
        second = started("--home", school.home, "serve", "--port", port)
        assert second.communicate(timeout=60)[1].splitlines()[-1] == (
            "The port is taken by another program; choose another with --port."
        )
        assert second.returncode == 1
    finally:
        process.kill()
        process.communicate()
