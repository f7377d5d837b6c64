"""The exchange as a school sees it: runs that are kept, one at a time, pages for those whose duty it is."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlite_utils import Database

from hub import schools, sticks
from hub.storage import Hub
from node import create_app, storage
from node.background import FIRST_RETRY_SECONDS, MOST_SECONDS, Agent
from node.exchange import actions, queries, views
from node.exchange.outcomes import DONE, INTERRUPTED, NEWER_WAIT, OUTCOMES, outcome_of
from node.exchange.queries import Run, Status, standing
from node.storage import Node
from shared import problems
from shared.db import transaction
from shared.i18n import gettext_in, instant
from shared.problems import (
    FlawedAddress,
    HubAnswer,
    HubUnreachable,
    NotRegistered,
    Problem,
    SyncRunning,
    WrongCode,
)
from sync import clock
from sync.lock import sync_lock, sync_locked
from sync.state import State
from sync.transport.folder import HUB_FILE
from tests.serving import Gate, Visit, serving, with_duty
from tests.world import School, a_hub, a_node, a_school, transport_to

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def school(tmp_path: Path, hub: Hub) -> School:
    return a_school(tmp_path / "node", hub)


@pytest.fixture
def connected(school: School, hub_address: str) -> Node:
    """The school's node, knowing the address of its hub."""
    actions.change_address(school.node, hub_address)
    return school.node


def runs(node: Node) -> list[Run]:
    with closing(node.connect()) as db:
        return queries.runs(db, node.home)


def status(node: Node) -> Status:
    with closing(node.connect()) as db:
        return queries.status(db)


# ---- runs


def test_a_run_is_kept_with_its_figures(school: School) -> None:
    school.write("room", seats=12)
    waiting = status(school.node).waiting
    progress = actions.run_sync(school.node, "hand", school.transport)
    [run] = runs(school.node)
    assert (run.way, run.outcome, run.running) == ("hand", DONE, False)
    assert (run.changes_sent, run.changes_waiting) == (waiting, 0)
    assert run.sent == sum(map(len, school.transport.sent[1:]))
    assert run.received == sum(map(len, school.transport.received[1:]))
    assert run.rounds == len(school.transport.sent) - 1
    assert (progress.sent, progress.received, progress.rounds) == (run.sent, run.received, run.rounds)
    assert status(school.node).waiting == 0


def test_while_it_runs_a_run_is_seen_with_what_waits(school: School) -> None:
    seen: list[Run] = []
    actions.run_sync(school.node, "agent", school.transport, begun=lambda: seen.append(runs(school.node)[0]))
    assert [(run.running, run.outcome, run.rounds) for run in seen] == [(True, "", 0)]
    assert seen[0].changes_waiting > 0


def test_every_round_is_reported(school: School) -> None:
    rounds: list[int] = []
    actions.run_sync(school.node, "hand", school.transport, lambda progress: rounds.append(progress.rounds))
    assert rounds == list(range(1, len(rounds) + 1))


@pytest.mark.parametrize(
    ("fault", "problem"), [("lose request", HubUnreachable), ("garbage", HubAnswer)], ids=lambda x: str(x)
)
def test_a_failed_run_keeps_the_code_of_its_problem(
    school: School, fault: str, problem: type[Problem]
) -> None:
    with pytest.raises(problem):
        actions.run_sync(school.node, "agent", transport_to(school.hub, lambda: fault))
    [run] = runs(school.node)
    assert (run.way, run.outcome) == ("agent", problem.code)


@pytest.mark.parametrize(
    ("raised", "outcome"), [(KeyboardInterrupt, INTERRUPTED), (ZeroDivisionError, Problem.code)]
)
def test_a_run_that_ends_otherwise_is_kept_too(
    school: School, raised: type[BaseException], outcome: str
) -> None:
    def fail() -> str:
        raise raised

    with pytest.raises(raised):
        actions.run_sync(school.node, "hand", transport_to(school.hub, fail))
    assert [run.outcome for run in runs(school.node)] == [outcome]


def test_without_registration_there_is_nothing_to_run(tmp_path: Path) -> None:
    node = a_node(tmp_path / "node")
    with pytest.raises(NotRegistered):
        actions.run_sync(node, "agent")
    assert runs(node) == []


def test_a_run_that_was_killed_is_shown_as_cut_off(school: School) -> None:
    with closing(school.node.connect()) as db, transaction(db):
        db.conn.execute("INSERT INTO sync_run (started, way) VALUES (?, 'hand')", (clock.now_ms() - 60_000,))
    assert [(run.outcome, run.running, run.seconds) for run in runs(school.node)] == [(INTERRUPTED, False, 0)]
    with sync_lock(school.node.home):
        assert [(run.outcome, run.running) for run in runs(school.node)] == [("", True)]
    actions.run_sync(school.node, "agent", school.transport)
    assert [run.outcome for run in runs(school.node)] == [DONE, INTERRUPTED]


def test_old_runs_are_forgotten(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "KEPT_RUNS", 3)
    for _ in range(6):
        actions.run_sync(school.node, "agent", school.transport)
    assert len(runs(school.node)) == 4


def a_run(**values: Any) -> Run:
    base = dict(id=1, started=0, ended=None, way="hand", outcome="", running=True, sent=600, received=400)
    figures = dict(changes_sent=30, changes_received=0, changes_waiting=60, rounds=2, seconds=10.0)
    return Run(**{**base, **figures, **values})  # type: ignore[arg-type]


def test_the_time_left_follows_the_pace_so_far() -> None:
    assert (a_run().rate, a_run().changes, a_run().seconds_left) == (100, 90, 20)
    assert a_run(changes_sent=3, changes_waiting=57).seconds_left == 190
    assert a_run(changes_sent=3, changes_waiting=58).seconds_left is None
    assert a_run(changes_sent=0).seconds_left is None
    assert a_run(changes_waiting=0).seconds_left is None
    assert a_run(running=False).seconds_left is None
    assert a_run(changes_sent=10**8, changes_waiting=10**9, seconds=10**5).seconds_left == 86_400
    assert a_run(seconds=0.0).rate == 1_000_000


# ---- one at a time


def test_looking_at_the_lock_does_not_take_it(school: School) -> None:
    assert not sync_locked(school.node.home)
    with sync_lock(school.node.home):
        assert sync_locked(school.node.home)
        with pytest.raises(SyncRunning), sync_lock(school.node.home):
            pass
    assert not sync_locked(school.node.home)


def test_one_sync_at_a_time_across_processes(connected: Node, gate: Gate) -> None:
    page = Visit(create_app(connected), "admin")
    gate.shut()
    command = [sys.executable, "-m", "node", "--home", str(connected.home), "sync", "--json"]
    other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert gate.asked.acquire(timeout=60)
    with pytest.raises(SyncRunning):
        actions.run_sync(connected, "hand")
    with pytest.raises(SyncRunning):
        actions.start_sync(connected)
    assert page.post("/sync/", "/sync/run").status_code == 302
    assert "The exchange with the district is under way." in page.read("/sync/")
    gate.open()
    assert other.wait(60) == 0
    assert [(run.way, run.outcome) for run in runs(connected)] == [("hand", DONE)]
    assert "Everything of this school is at the district" in page.read("/sync/")


def test_a_killed_process_leaves_no_lock(connected: Node, gate: Gate) -> None:
    gate.shut()
    command = [sys.executable, "-m", "node", "--home", str(connected.home), "sync"]
    other = subprocess.Popen(command, cwd=ROOT)
    assert gate.asked.acquire(timeout=60)
    other.kill()
    other.wait()
    assert [(run.outcome, run.running) for run in runs(connected)] == [(INTERRUPTED, False)]
    gate.open()
    assert actions.run_sync(connected, "hand").outcome == DONE


def test_a_sync_started_by_hand_runs_in_the_background(connected: Node, gate: Gate) -> None:
    gate.shut()
    thread = actions.start_sync(connected)
    assert [run.running for run in runs(connected)] == [True]
    gate.open()
    thread.join(30)
    assert [run.outcome for run in runs(connected)] == [DONE]


def test_a_run_that_ends_while_one_looks_is_complete(
    connected: Node, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.shut()
    thread = actions.start_sync(connected)

    def over(home: Path) -> bool:
        gate.open()
        thread.join(30)
        return sync_locked(home)

    monkeypatch.setattr(queries, "sync_locked", over)
    assert [(run.outcome, run.running) for run in runs(connected)] == [(DONE, False)]


def test_a_page_made_while_a_run_ends_tells_the_end_or_asks_again(
    connected: Node, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = Visit(create_app(connected), "admin")
    gate.shut()
    thread = actions.start_sync(connected)
    looked = queries.status

    def late(db: Database) -> Status:
        found = looked(db)
        gate.open()
        thread.join(30)
        return found

    monkeypatch.setattr(queries, "status", late)
    page = visit.read("/sync/")
    assert "/sync/state" in page
    assert "None has reached the district yet" not in page


def test_what_cannot_begin_is_said_at_once(school: School, tmp_path: Path) -> None:
    with pytest.raises(HubUnreachable):
        actions.start_sync(school.node)
    with pytest.raises(NotRegistered):
        actions.start_sync(a_node(tmp_path / "new"))


# ---- outcomes


def raised_in_a_sync() -> set[str]:
    """The names of the problems that stand in the sources a sync runs through."""
    paths = [*(ROOT / "sync").rglob("*.py"), ROOT / "node/exchange/actions.py", ROOT / "node/derived.py"]
    paths += [ROOT / "shared" / name for name in ("db.py", "crypto.py", "schema.py")]
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and node.exc is not None:
                called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                names |= {n.id for n in ast.walk(called) if isinstance(n, ast.Name)}
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "problems"
            ):
                names.add(node.attr)
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                names |= {n.id for n in ast.walk(node.value.func) if isinstance(n, ast.Name)}
    kinds = {name: getattr(problems, name, None) for name in names}
    return {n for n, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Problem)}


NOT_FROM_A_SYNC = {
    "MistypedWords",
    "UnreadableWord",
    "WrongSixWords",
    "UnreadableSixWord",
    "FlawedAddress",
    "NotInitialised",
    "OutsideScale",
    "WrittenByNewer",
}
"""Of words, addresses and marks that someone types, of an act that someone undoes, and of a home without a database, in
which no run could be noted."""


def test_every_way_a_sync_can_end_has_its_sentences() -> None:
    names = raised_in_a_sync() - NOT_FROM_A_SYNC
    assert {"HubUnreachable", "DigestsDiffer", "Revoked", "DiskFull", "WrongSigner"} <= names
    assert sorted(n for n in names if getattr(problems, n).code not in OUTCOMES) == []
    assert {DONE, INTERRUPTED, Problem.code} <= set(OUTCOMES)


def sync_problems(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for child in kind.__subclasses__():
        yield from sync_problems(child)


def test_every_sync_problem_of_the_catalogue_has_its_sentences() -> None:
    codes = {kind.code for kind in sync_problems(problems.SyncProblem)} - {problems.SyncProblem.code}
    assert codes - set(OUTCOMES) == set()


def test_every_code_is_a_problem() -> None:
    codes = {kind.code for kind in sync_problems(Problem)}
    assert set(OUTCOMES) - codes == {DONE, INTERRUPTED, NEWER_WAIT}


def test_what_passes_by_itself_does_not_alarm() -> None:
    by_code = {kind.code: kind for kind in sync_problems(Problem)}
    alarming = {code for code, outcome in OUTCOMES.items() if outcome.tone == "bad"}
    assert [code for code in alarming if by_code[code].retry] == []


def test_an_unknown_code_is_the_unforeseen() -> None:
    assert outcome_of("from a later release") is OUTCOMES[Problem.code]
    assert outcome_of(None) is OUTCOMES[INTERRUPTED]


# ---- is my school's data safe?


@pytest.fixture
def calm(school: School) -> Status:
    """A school that is connected, with all at the district."""
    return replace(status(school.node), waiting=0, last_done=1, hub_url="http://hub.example")


def test_all_at_the_district(calm: Status) -> None:
    told = standing(calm, a_run(running=False, outcome=DONE))
    assert (told.tone, told.sentence) == (
        "good",
        "Everything of this school is at the district since {when}.",
    )
    assert told.advice == "Nothing to do."
    assert standing(calm, None, is_more_below=True).advice == "What is left to do stands below."
    sound = replace(calm, last_backup=5, hub_clock_ahead=0)
    assert not queries.asks_for_something(sound, 6)
    for change in ({"quarantined": 1}, {"stranded": 1}, {"hub_clock_ahead": 600_001}, {"space": 1}):
        assert queries.asks_for_something(replace(sound, **change), 6)


def test_all_at_the_district_and_no_connection(calm: Status) -> None:
    told = standing(calm, a_run(running=False, outcome=HubUnreachable.code))
    assert told.tone == "good"
    assert told.advice.startswith("Just now the hub cannot be reached")


def test_changes_wait(calm: Status) -> None:
    waits = replace(calm, waiting=3)
    told = standing(waits, a_run(running=False, outcome=HubUnreachable.code))
    assert (told.tone, told.sentence) == (
        "waiting",
        "Changes waiting: {waiting}. Last complete sync: {when}.",
    )
    assert told.advice == OUTCOMES[HubUnreachable.code].advice
    assert standing(waits, a_run(running=False, outcome=DONE)).advice.startswith("Mektep tries again")
    assert standing(replace(waits, last_done=0), None).sentence.endswith("None has reached the district yet.")
    assert standing(replace(waits, hub_url=""), None).advice.startswith("This school syncs by stick")


def test_what_someone_must_act_on_comes_first(calm: Status) -> None:
    told = standing(calm, a_run(running=False, outcome=problems.DigestsDiffer.code))
    assert (told.tone, told.sentence) == ("bad", OUTCOMES["digests_differ"].sentence)


def test_before_registration_the_data_is_here_only(calm: Status) -> None:
    assert standing(replace(calm, registered=False), None).sentence.endswith("and only here.")


def test_never_all_is_well_before_it_was_compared(calm: Status) -> None:
    assert standing(replace(calm, last_done=0), None).tone == "waiting"


def test_a_wrong_clock_and_an_old_backup_are_noticed(calm: Status) -> None:
    assert not queries.clock_off(replace(calm, hub_clock_ahead=600_000))
    assert queries.clock_off(replace(calm, hub_clock_ahead=600_001))
    assert queries.clock_off(replace(calm, hub_clock_ahead=-600_001))
    week = 7 * 86_400_000
    assert not queries.backup_due(replace(calm, last_backup=5), 5 + week)
    assert queries.backup_due(replace(calm, last_backup=5), 6 + week)


def test_what_waits_by_area(school: School) -> None:
    school.sync()
    school.write("room", seats=12)
    school.write("room", seats=13)
    with closing(school.node.connect()) as db:
        assert queries.waiting_by_area(db) == {"time": 2}
        request = actions.request_file(school.node)
        assert queries.waiting_by_area(db) == {"time": 2}
        assert request[1]
    school.sync()
    with closing(school.node.connect()) as db:
        assert queries.waiting_by_area(db) == {}


# ---- the agent


class Counted(Agent):
    """Counts tries instead of syncing; the first ``fail`` of them fail."""

    def __init__(self, node: Node, interval: float, fail: int = 0) -> None:
        super().__init__(node, interval, seed=1)
        self.left_to_fail = fail
        self.tried = threading.Semaphore(0)

    def try_once(self) -> None:
        self.failures = self.failures + 1 if self.left_to_fail else 0
        self.left_to_fail = max(0, self.left_to_fail - 1)
        self.tried.release()


def test_the_pause_grows_with_failures_and_a_quarter_of_it_is_chance(school: School) -> None:
    agent = Agent(school.node, interval=300, seed=7)
    calm = [agent.next_pause() for _ in range(50)]
    assert all(225 <= pause <= 375 for pause in calm)
    assert len(set(calm)) == 50
    for failures in range(1, 20):
        agent.failures = failures
        middle = min(MOST_SECONDS, FIRST_RETRY_SECONDS * 2 ** (failures - 1))
        assert 0.75 * middle <= agent.next_pause() <= 1.25 * middle


def test_the_pauses_of_a_seed_repeat(school: School) -> None:
    first, again, other = (Agent(school.node, 300, seed=seed) for seed in (7, 7, 8))
    pauses = [first.next_pause() for _ in range(5)]
    assert [again.next_pause() for _ in range(5)] == pauses
    assert [other.next_pause() for _ in range(5)] != pauses


def test_the_agent_counts_failures_until_it_succeeds(connected: Node, gate: Gate, hub_address: str) -> None:
    agent = Agent(connected, seed=1)
    with closing(connected.connect()) as db, transaction(db):
        State(db).hub_url = "http://127.0.0.1:1"
    agent.try_once()
    agent.try_once()
    assert agent.failures == 2
    actions.change_address(connected, hub_address)
    agent.try_once()
    assert agent.failures == 0
    assert [(run.way, run.outcome) for run in runs(connected)] == [
        ("agent", DONE),
        ("agent", HubUnreachable.code),
        ("agent", HubUnreachable.code),
    ]


def test_another_sync_or_no_registration_is_no_failure(school: School, tmp_path: Path) -> None:
    agent = Agent(school.node, seed=1)
    with sync_lock(school.node.home):
        agent.try_once()
    assert agent.failures == 0
    alone = Agent(a_node(tmp_path / "alone"), seed=1)
    alone.try_once()
    assert alone.failures == 0


def test_waking_makes_the_agent_try_at_once(school: School) -> None:
    agent = Counted(school.node, interval=1_000_000)
    agent.start()
    assert agent.tried.acquire(timeout=30)
    assert not agent.tried.acquire(blocking=False)
    agent.wake()
    assert agent.tried.acquire(timeout=30)
    agent.stop()
    assert not agent._thread.is_alive()


# ---- pages


@pytest.fixture
def app(school: School) -> Flask:
    return create_app(school.node)


READ = ("/sync/", "/sync/state")
ACT = ("run", "register", "register-by-stick", "request-file", "answer-file", "address", "backup")


def test_the_administrator_acts_and_the_head_reads(app: Flask, school: School, connected: Node) -> None:
    administrator = Visit(app, "admin")
    head = Visit(app, with_duty(school.node, "head", "head"))
    for path in READ:
        assert administrator.get(path).status_code == 200
        assert head.get(path).status_code == 200
    assert "Sync now" in administrator.read("/sync/")
    page = head.read("/sync/")
    assert "Is my school's data safe?" in page
    assert not re.search(r'action="/sync/', page)
    assert [head.post("/sync/", f"/sync/{act}").status_code for act in ACT] == [403] * len(ACT)
    assert runs(school.node) == []


@pytest.mark.parametrize("duty", ["teacher", "class_teacher", "deputy", "secretary", "librarian", "social"])
def test_other_duties_are_refused(app: Flask, school: School, duty: str) -> None:
    visit = Visit(app, with_duty(school.node, duty, "someone"))
    assert [visit.get(path).status_code for path in READ] == [403, 403]
    assert [visit.post("/password", f"/sync/{act}").status_code for act in ACT] == [403] * len(ACT)


def test_whoever_has_not_signed_in_is_refused(app: Flask) -> None:
    client = app.test_client()
    assert [client.get(path).status_code for path in READ] == [401, 401]
    assert [client.post(f"/sync/{act}").status_code for act in ACT] == [403] * len(ACT)


def test_sync_now_and_how_it_goes(connected: Node, gate: Gate) -> None:
    visit = Visit(create_app(connected), "admin")
    gate.shut()
    answer = visit.post("/sync/", "/sync/run")
    assert (answer.status_code, answer.location) == (302, "/sync/")
    page = visit.read("/sync/")
    assert 'hx-get="/sync/state"' in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    part = visit.get("/sync/state")
    assert "HX-Retarget" not in part.headers
    assert "Round trips" in part.text and "<html" not in part.text
    assert visit.post("/sync/", "/sync/run").status_code == 302
    gate.open()
    wait_until(lambda: not runs(connected)[0].running)
    over = visit.get("/sync/state")
    assert over.headers["HX-Retarget"] == "#exchange"
    assert "hx-get=" not in over.text.partition('id="exchange"')[2]
    assert "Everything of this school is at the district since" in over.text
    assert "Complete: school and district hold the same." in over.text
    assert [run.outcome for run in runs(connected)] == [DONE]


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for a thread that nothing but the database tells of."""
    done = threading.Event()
    for _ in range(600):
        if true():
            return
        done.wait(0.05)
    raise AssertionError("it never came true")


def test_the_hub_out_of_reach_is_told_with_what_to_do(school: School) -> None:
    actions.change_address(school.node, "http://127.0.0.1:1")
    with pytest.raises(HubUnreachable):
        actions.run_sync(school.node, "agent")
    page = Visit(create_app(school.node), "admin").read("/sync/")
    assert "None has reached the district yet." in page
    assert "Look whether the internet works on this machine." in page
    assert "The district's hub could not be reached" in page


@pytest.mark.parametrize("language", ["ky", "ru", "en"])
def test_every_outcome_is_shown_in_every_language(
    app: Flask, school: School, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "HISTORY", len(OUTCOMES))
    with closing(school.node.connect()) as db, transaction(db):
        for code in OUTCOMES:
            db.conn.execute(
                "INSERT INTO sync_run (started, ended, way, outcome) VALUES (1, 2, 'hand', ?)", (code,)
            )
    page = Visit(app, "admin", language=language).read("/sync/")
    text = gettext_in(language)
    for outcome in OUTCOMES.values():
        assert text(outcome.sentence) in page
        for said in (outcome.sentence, outcome.advice):
            assert (text(said) == said) is (language == "en")


def test_register_on_the_page(tmp_path: Path, hub: Hub, hub_address: str) -> None:
    node = a_node(tmp_path / "new")
    woken = threading.Event()
    agent = Agent(node, seed=1)
    agent.wake = woken.set  # type: ignore[method-assign]
    visit = Visit(create_app(node, agent), "admin")
    code = schools.registration_code(hub, schools.add_school(hub, "School 3")).text
    assert "and only here." in visit.read("/sync/")
    refused = visit.post("/sync/", "/sync/register", address=hub_address, code=code[:-1] + "!")
    assert (refused.status_code, "mistyped, already used" in refused.text) == (403, True)
    wrong = visit.post("/sync/", "/sync/register", address="hub.example", code=code)
    assert (wrong.status_code, "begins with http" in wrong.text) == (422, True)
    assert not status(node).registered
    done = visit.post("/sync/", "/sync/register", address=hub_address, code=code)
    assert (done.status_code, done.location) == (302, "/sync/")
    assert woken.is_set()
    wait_until(lambda: [run.outcome for run in runs(node)] == [DONE])
    page = visit.read("/sync/")
    assert hub_address in page and "Register at the district" not in page


def test_a_failed_registration_keeps_the_address_of_the_hub_we_have(
    connected: Node, hub_address: str
) -> None:
    with pytest.raises(WrongCode):
        actions.register(connected, "http://127.0.0.1:1", "no code")
    assert status(connected).hub_url == hub_address


def test_by_stick_through_the_browser(tmp_path: Path, hub: Hub) -> None:
    node = a_node(tmp_path / "new")
    visit = Visit(create_app(node), "admin")
    stick = tmp_path / "stick"
    stick.mkdir()
    sticks.import_bundles(hub, stick)
    code = schools.registration_code(hub, schools.add_school(hub, "School 3")).text

    def carry(answer: Any) -> None:
        assert answer.status_code == 200, answer.text
        name = re.search(r"filename=(\S+\.request)", answer.headers["Content-Disposition"])
        assert name
        (stick / name[1]).write_bytes(answer.data)
        assert sticks.import_bundles(hub, stick) == (1, [])
        [back] = stick.glob("*.answer")
        taken = visit.post("/sync/", "/sync/answer-file", answer_file=(BytesIO(back.read_bytes()), back.name))
        assert taken.status_code == 302, taken.text
        back.unlink()

    hub_file = (BytesIO((stick / HUB_FILE).read_bytes()), HUB_FILE)
    carry(visit.post("/sync/", "/sync/register-by-stick", hub_file=hub_file, code=code))
    assert status(node).registered
    assert "This school syncs by stick" in visit.read("/sync/")
    carry(visit.post("/sync/", "/sync/request-file"))
    assert (status(node).waiting, status(node).last_done > 0) == (0, True)
    assert "Everything of this school is at the district since" in visit.read("/sync/")


def test_a_wrong_file_is_refused_with_one_sentence(
    school: School, app: Flask, hub: Hub, tmp_path: Path
) -> None:
    visit = Visit(app, "admin")
    before = status(school.node)
    cut = visit.post("/sync/", "/sync/answer-file", answer_file=(BytesIO(b"MEKTEP1\n"), "a.answer"))
    assert (cut.status_code, "The bundle is cut short or damaged" in cut.text) == (400, True)
    nothing = visit.post("/sync/", "/sync/answer-file")
    assert nothing.status_code == 400
    other = a_school(tmp_path / "other", hub, "School 9")
    stick = tmp_path / "stick"
    stick.mkdir()
    actions.export_bundle(other.node, stick)
    sticks.import_bundles(hub, stick)
    [foreign] = stick.glob("*.answer")
    answer = visit.post(
        "/sync/", "/sync/answer-file", answer_file=(BytesIO(foreign.read_bytes()), "b.answer")
    )
    assert (answer.status_code, "cannot be understood" in answer.text) == (502, True)
    assert replace(status(school.node), space=before.space) == before


def test_a_large_answer_is_not_refused_as_a_form(app: Flask) -> None:
    visit = Visit(app, "admin")
    answer = visit.post("/sync/", "/sync/answer-file", answer_file=(BytesIO(bytes(3_000_000)), "a.answer"))
    assert (answer.status_code, "The bundle is cut short or damaged" in answer.text) == (400, True)


def test_a_backup_is_saved_through_the_browser_and_restores(
    app: Flask, school: School, tmp_path: Path
) -> None:
    school.write("room", seats=12)
    visit = Visit(app, "admin")
    assert "No backup was made yet." in visit.read("/sync/")
    answer = visit.post("/sync/", "/sync/backup")
    assert re.fullmatch(
        r"attachment; filename=mektep-\d{4}-\d\d-\d\d\.backup", answer.headers["Content-Disposition"]
    )
    (tmp_path / "copy").write_bytes(answer.data)
    answer.close()
    assert list(school.node.home.glob("download-*")) == []
    restored = storage.restore(tmp_path / "restored", tmp_path / "copy", passphrase="open")
    with closing(restored.connect()) as db:
        assert [row["seats"] for row in db.query("SELECT seats FROM room")] == [12]
        assert db.execute("SELECT act, what FROM reading_log").fetchall() == [("export", "backup")]
    assert "No backup was made yet." not in visit.read("/sync/")


def test_what_a_broken_download_left_is_cleared_away(app: Flask, school: School) -> None:
    old, fresh = school.node.home / "download-old", school.node.home / "download-fresh"
    old.mkdir()
    fresh.mkdir()
    os.utime(old, (1, 1))
    Visit(app, "admin").post("/sync/", "/sync/backup").close()
    assert [p.name for p in school.node.home.glob("download-*")] == ["download-fresh"]


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(1_500_000, "25 minutes"), (-1_500_000, "25 minutes"), (9 * 31_556_952_000, "9 years")],
)
def test_a_wrong_clock_is_told(
    app: Flask, school: School, ahead: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = Visit(app, "admin")
    now = 1_700_000_000_000
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    assert "The clock of this machine" not in visit.read("/sync/")
    with closing(school.node.connect()) as db, transaction(db):
        State(db).hub_clock_ahead = ahead
    page = visit.read("/sync/")
    with app.test_request_context(), force_locale("en"):
        shown = f"it shows {instant(now)}, the district's {instant(now + ahead)}."
    assert f"The clock of this machine is wrong: {shown}" in page and f"wrong by {told}" in page


def test_the_hub_at_another_address(app: Flask, connected: Node, hub_address: str) -> None:
    visit = Visit(app, "admin")
    refused = visit.post("/sync/", "/sync/address", address="nowhere")
    assert refused.status_code == 422
    assert status(connected).hub_url == hub_address
    assert visit.post("/sync/", "/sync/address", address="http://hub.example").status_code == 302
    assert status(connected).hub_url == "http://hub.example"
    with pytest.raises(FlawedAddress):
        actions.change_address(connected, str(connected.home))


def test_another_hub_at_the_new_address_is_not_believed(tmp_path: Path, school: School) -> None:
    impostor = a_hub(tmp_path / "impostor")
    with serving(Gate(impostor)) as address:
        actions.change_address(school.node, address)
        with pytest.raises(Problem) as caught:
            actions.run_sync(school.node, "hand")
    impostor.close()
    assert outcome_of(caught.value.code).tone in ("bad", "waiting")
    assert status(school.node).last_done == 0


def test_the_chip_leads_to_the_page_and_never_says_well_when_it_is_not(app: Flask, school: School) -> None:
    visit = Visit(app, "admin")
    said = re.compile(r'<a class="chip (\w+)" href="/sync/"[^>]*><span>([^<]*)')

    def chip() -> tuple[str, ...]:
        found = said.search(visit.read("/"))
        assert found
        return found.groups()

    waiting = status(school.node).waiting
    assert chip() == ("waiting", f"Saved in the school, not yet sent to the district: {waiting}")
    school.sync()
    assert chip()[0] == "good"
    with closing(school.node.connect()) as db, transaction(db):
        db.conn.execute(
            "INSERT INTO sync_run (started, ended, way, outcome) VALUES (1, 2, 'agent', 'digests_differ')"
        )
    assert chip() == ("bad", "Needs attention")


def test_conflicts_are_counted_and_lead_to_their_page(app: Flask, school: School) -> None:
    with closing(school.node.connect()) as db, transaction(db):
        db.conn.execute("INSERT INTO conflict VALUES (51, 1, 'seats', 1)")
    head = Visit(app, with_duty(school.node, "head", "head"))
    assert '<a href="/conflicts/">1</a>' in head.read("/sync/")


# ---- when this machine is lost; what else the page must tell


def test_what_to_do_when_the_machine_is_lost_stands_on_a_page(
    app: Flask, connected: Node, hub_address: str
) -> None:
    page = Visit(app, "admin").read("/sync/lost")
    assert f"init --join {hub_address}" in page and "restore school.backup" in page
    assert str(status(connected).school) in page
    assert "/sync/lost" in Visit(app, "admin").read("/sync/")


def test_receipts_clock_and_space_are_told(
    app: Flask, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.write("room", seats=12)
    found = status(school.node)
    assert found.space > 0
    actions.export_bundle(school.node, school.node.home)  # cuts
    packets = status(school.node).sent
    assert status(school.node).receipts == 0 < packets
    visit = Visit(app, "admin")
    assert f"0 / {packets}" in visit.read("/sync/")
    school.sync()
    packets = status(school.node).sent
    assert status(school.node).receipts == packets
    page = visit.read("/sync/")
    assert f"{packets} / {packets}" in page and "nearly full" not in page
    monkeypatch.setattr(queries, "LOW_SPACE", found.space * 2)
    assert "nearly full" in visit.read("/sync/")


def test_a_hub_that_is_told_again_is_told_on_the_page(app: Flask, school: School) -> None:
    school.sync()
    with closing(school.node.connect()) as db, transaction(db):
        State(db).completing, State(db).stranded = 0, 2
        db.execute("INSERT INTO quarantine (hash, at, reason, envelope) VALUES (x'00', 1, 'flawed', x'')")
    page = Visit(app, "admin").read("/sync/")
    assert "put back from an older copy" in page
    assert (
        "The district alone holds something that was written at this school" in page and "Packets: 2." in page
    )
    assert "was set aside whole. Packets: 1." in page
    assert f"--home {school.node.home} stranded FOLDER" in page
