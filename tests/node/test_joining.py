"""A further machine of a school: by the kit and by six words, on the command line and on the first one's page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import node.exchange.joining as joining
from hub import schools
from hub.storage import Hub
from node import create_app
from node.__main__ import main
from node.exchange import actions, queries
from node.storage import Node, open_node
from shared import cli
from shared.db import transaction
from shared.problems import HubUnreachable
from sync import clock
from sync.lock import sync_lock
from sync.log import dump
from sync.state import State, identity
from tests.serving import Visit
from tests.world import School, a_school

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def school(tmp_path: Path, hub: Hub, hub_address: str) -> School:
    """A school with one machine, some rooms, and all of it at the hub."""
    school = a_school(tmp_path / "first", hub, "№ 8")
    actions.change_address(school.node, hub_address)
    for sex in ("f", "m", "f"):
        school.write("person", sex=sex)
    assert school.sync().outcome == "done"
    return school


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEKTEP_LANGUAGE", "en")
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open")


class Joining:
    """`init --join --approval` as a process of its own."""

    def __init__(self, home: Path, address: str, school: int) -> None:
        words = ["init", "--join", address, "--approval", str(school)]
        command = [sys.executable, "-m", "node", "--home", str(home), "--json", *words]
        environment = {**os.environ, "MEKTEP_PASSPHRASE": "its own words"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.home = home
        self.screen = ""

    def words(self) -> str:
        """The six words on its screen, once it waits."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.screen += line
            if "waits" in line:
                break
        found = re.search(r"six words of this machine: (.+)", self.screen)
        assert found, self.screen
        return found[1]

    def ended(self) -> dict[str, object]:
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.screen + err
        result: dict[str, object] = json.loads(out)
        return result


@pytest.fixture
def newcomer(tmp_path: Path, school: School, hub_address: str) -> Iterator[Joining]:
    joining = Joining(tmp_path / "second", hub_address, school.id)
    yield joining
    joining.process.kill()
    joining.process.communicate()


def rows(node: Node) -> list[str]:
    with closing(node.connect()) as db:
        return list(dump(db, False))


def changes(node: Node) -> int:
    with closing(node.connect()) as db:
        return int(db.execute("SELECT count(*) FROM change").fetchone()[0])


def test_the_command_on_the_new_machines_screen_lets_it_in_as_it_is_printed(
    school: School, newcomer: Joining, capsys: pytest.CaptureFixture[str]
) -> None:
    words = newcomer.words()
    printed = re.search(r"^  mektep-node --home (\S+) (approve .+)$", newcomer.screen, re.M)
    assert printed and printed[2] == f"approve {words}"
    assert main(["--home", str(school.node.home), "--json", *printed[2].split()]) == 0
    assert json.loads(capsys.readouterr().out) == {"approved": True, "told": True}
    told = newcomer.ended()
    second = open_node(newcomer.home, "its own words")
    assert told == {
        "home": str(newcomer.home),
        "school": school.id,
        "changes_received": changes(school.node),
    }
    assert rows(second) == rows(school.node)
    with closing(second.connect()) as db:
        assert State(db).administrator == school.actor
        assert State(db).school_name == "№ 8"


def test_the_first_machines_page_lets_it_in(school: School, newcomer: Joining) -> None:
    visit = Visit(create_app(school.node), "admin")
    words = newcomer.words()
    page = visit.read("/sync/machines")
    assert f"--approval {school.id}" in page and "Machines of the school" in visit.read("/sync/")
    answer = visit.post("/sync/machines", "/sync/let-in", words=words.upper() + "  ")
    assert answer.location == "/sync/machines?let_in=now"
    assert "The new machine was let in and goes on by itself." in visit.read(answer.location)
    newcomer.ended()
    second = open_node(newcomer.home, "its own words")
    assert rows(second) == rows(school.node)
    # It never saw the kit, so the kit opens no backup of it, and both pages say so.
    there = Visit(create_app(second), "admin")
    assert "with this machine's passphrase alone" in there.read("/sync/")
    assert "The kit does not open backups of this machine" in there.read("/sync/lost")
    assert "passphrase or the recovery kit" in visit.read("/sync/") and "for the nine words" in visit.read(
        "/sync/lost"
    )
    actions.run_sync(school.node, "hand")
    page = visit.read("/sync/machines")
    assert page.count("<code>") == 3 and "this machine" in page and "heard by the district" in page
    assert "Ask to be let in" not in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("lusab babad gutih tugad tufip lusab", "No machine asks to be let in with these words"),
        ("lusab", "No machine asks to be let in with these words"),
        ("lusab xxqqy gutih tugad tufip lusab", "Word 2, “xxqqy”, cannot be read"),
        ("", "No machine asks to be let in with these words"),
    ],
)
def test_wrong_words_are_one_sentence_on_both(
    school: School,
    words: str,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visit = Visit(create_app(school.node), "admin")
    answer = visit.post("/sync/machines", "/sync/let-in", words=words)
    assert answer.status_code == 400 and sentence in answer.text
    monkeypatch.setattr("builtins.input", lambda: words)
    assert main(["--home", str(school.node.home), "approve"]) == 1
    assert sentence in capsys.readouterr().err


def test_words_are_asked_for_and_a_sync_under_way_is_waited_for(
    school: School, newcomer: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = newcomer.words()
    monkeypatch.setattr("builtins.input", lambda: words)
    monkeypatch.setattr(joining, "_PATIENCE_SECONDS", 0.3)
    with sync_lock(school.node.home):
        assert main(["--home", str(school.node.home), "approve"]) == 1
    assert main(["--home", str(school.node.home), "approve"]) == 0
    newcomer.ended()


def test_a_hub_out_of_reach_is_said_and_told_later(
    tmp_path: Path, school: School, newcomer: Joining, capsys: pytest.CaptureFixture[str], hub_address: str
) -> None:
    words = newcomer.words()
    actions.change_address(school.node, "http://127.0.0.1:9")
    with pytest.raises(HubUnreachable):
        joining.let_in(school.node, words)
    school.sync()
    assert main(["--home", str(school.node.home), "--json", "approve", *words.split()]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"approved": True, "told": False}
    assert "The hub is told with the next sync." in said.err
    assert newcomer.process.poll() is None
    actions.change_address(school.node, hub_address)
    actions.run_sync(school.node, "hand")
    newcomer.ended()


def test_two_may_be_let_in_before_the_next_sync(tmp_path: Path, school: School, hub_address: str) -> None:
    newcomers = [Joining(tmp_path / name, hub_address, school.id) for name in ("second", "third")]
    try:
        words = [newcomer.words() for newcomer in newcomers]
        school.sync()
        for some in words:
            joining._approve(school.node, some)
        school.sync()
        for newcomer in newcomers:
            newcomer.ended()
            assert rows(open_node(newcomer.home, "its own words")) == rows(school.node)
    finally:
        for newcomer in newcomers:
            newcomer.process.kill()
            newcomer.process.communicate()


def test_by_the_kit_all_that_came_is_told_and_a_join_that_was_cut_goes_on(
    tmp_path: Path,
    hub: Hub,
    hub_address: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "open the school")
    monkeypatch.setenv("MEKTEP_PASSWORD", "a secret word")
    first, second, kit = tmp_path / "first", tmp_path / "second", tmp_path / "kit.html"
    assert main(["--home", str(first), "init", "--school", "№ 8", "--kit", str(kit)]) == 0
    code = schools.registration_code(hub, schools.add_school(hub, "№ 8")).text
    assert main(["--home", str(first), "register", hub_address, code]) == 0
    assert main(["--home", str(first), "sync"]) == 0
    found = re.search(r"([a-z]{5}(\s+[a-z]{5}){8})", re.sub(r"<[^>]+>", " ", kit.read_text("utf-8")))
    assert found
    monkeypatch.setenv("MEKTEP_KIT", found[1])
    with monkeypatch.context() as cut:
        cut.setattr(joining, "run_sync", lambda *_, **__: (_ for _ in ()).throw(HubUnreachable()))
        assert main(["--home", str(second), "init", "--join", hub_address]) == 1
    capsys.readouterr()
    assert main(["--home", str(second), "init", "--join", hub_address]) == 0
    assert "School: № 8" in capsys.readouterr().out
    assert main(["--home", str(second), "init", "--join", hub_address]) == 1
    assert "already set up" in capsys.readouterr().err
    assert rows(open_node(second)) == rows(open_node(first))
    third = tmp_path / "third"
    assert main(["--home", str(third), "--json", "init", "--join", hub_address]) == 0
    assert json.loads(capsys.readouterr().out)["changes_received"] == changes(open_node(first)) > 0
    with closing(open_node(third).connect()) as db:
        run = queries.last_run(db)
        assert run is not None and (run["changes_received"], run["rounds"] > 1) == (
            changes(open_node(first)),
            True,
        )


def test_without_waiting_the_words_are_shown_and_the_same_command_goes_on(
    tmp_path: Path,
    school: School,
    hub_address: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = tmp_path / "second"
    monkeypatch.setenv("MEKTEP_PASSPHRASE", "its own words")
    command = [
        "--home",
        str(second),
        "init",
        "--join",
        hub_address,
        "--approval",
        str(school.id),
        "--no-wait",
    ]
    assert main(command) == 1
    said = capsys.readouterr().err
    found = re.search(r"machine: (.+)", said)
    assert found and "waits, then" not in said
    assert joining.let_in(school.node, found[1]) is None
    assert main(command) == 0
    assert rows(open_node(second)) == rows(school.node)


def test_a_machine_that_is_gone_is_told_with_what_to_do(
    tmp_path: Path, school: School, newcomer: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    joining_words = newcomer.words()
    visit = Visit(create_app(school.node), "admin")
    assert "Machines that ask to be let in" not in visit.read("/sync/")
    actions.run_sync(school.node, "hand")
    assert "Machines that ask to be let in: 1." in visit.read("/sync/")
    joining.let_in(school.node, joining_words)
    newcomer.ended()
    actions.run_sync(school.node, "hand")
    assert "is gone for good" not in visit.read("/sync/")
    with closing(open_node(newcomer.home, "its own words").connect()) as db:
        other = identity(db).signer.public
    shown = " ".join(other.hex()[at : at + 4] for at in range(0, 16, 4))
    # Eight days later by the hub's clock, whatever this machine's says.
    with closing(school.node.connect()) as db, transaction(db):
        State(db).hub_clock_ahead = 8 * 86_400_000
    for path in ("/sync/", "/sync/machines"):
        page = visit.read(path)
        assert shown in page and "tell the district to revoke it" in page
    schools.revoke(school.hub, other)
    actions.run_sync(school.node, "hand")
    actions.run_sync(school.node, "hand")
    with closing(school.node.connect()) as db, transaction(db):
        State(db).hub_clock_ahead = 8 * 86_400_000
        assert [m.revoked_at > 0 for m in queries.machines(db)] == [False, True]
    assert "is gone for good" not in visit.read("/sync/")
    assert "revoked: " in visit.read("/sync/machines")


def test_a_hub_that_does_not_say_when_it_heard_alarms_nobody(school: School) -> None:
    with closing(school.node.connect()) as db:
        (alone,) = queries.machines(db)
        assert (alone.is_own, alone.heard_at) == (True, 0)
        assert not alone.is_silent(clock.now_ms())


def test_nobody_at_the_terminal_types_no_words(school: School, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "node", "--home", str(school.node.home), "approve"]
    ended = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(cli.gettext("Nothing was typed; nothing was done."))
