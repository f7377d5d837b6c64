"""Mektep and Morango, the same rows over the same loopback link, each end a process of its own.

What the two do with the rows differs, and the figures say what they say: Morango keeps every record readable at the
hub, writes it into a store and again into the application's table, and is told to run SQLite without waiting for the
disk (``synchronous = NORMAL``). Mektep's hub cannot read a mark: it checks signature, chain and form, counts what the
district may count and keeps the rest sealed; both ends encrypt their files and wait for the disk.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.link import Link

ROOT = Path(__file__).parent.parent.parent
PEER = "morango==0.8.15"
PEER_HOME = ROOT / ".venv" / "morango"
BAD_RATE, BAD_DELAY = 16_000, 0.3
"""128 kbit/s, 600 milliseconds round trip."""
Line = tuple[str, str, str]


@dataclass
class Run:
    """One transfer: seconds, bytes each way, requests, peak megabytes of node and hub."""

    seconds: float
    up: int
    down: int
    requests: int
    node_mb: float
    hub_mb: float
    marks: int


@dataclass
class Ends:
    """A hub that is served, the link to it, and how to run an action of a node."""

    command: Callable[..., list[str]]
    server: subprocess.Popen[str]
    environment: Callable[[str], dict[str, str]]
    link: Link = field(init=False)

    def __post_init__(self) -> None:
        assert self.server.stdout
        self.link = Link(int(self.server.stdout.readline()))

    def act(self, node: str, *action: str) -> dict[str, Any]:
        return _run(self.command(node, *action), self.environment(node))

    def transfer(self, node: str, *action: str) -> Run:
        """Run an action that speaks to the hub."""
        self.link.reset()
        self._hub_peak(reset=True)
        told = self.act(node, *action)
        link = self.link
        return Run(
            told["seconds"],
            link.up,
            link.down,
            link.requests,
            told["peak_mb"],
            self._hub_peak(),
            told["marks"],
        )

    def _hub_peak(self, reset: bool = False) -> float:
        """Peak memory of the hub in megabytes since the last reset."""
        place = Path(f"/proc/{self.server.pid}")
        found = re.search(r"VmHWM:\s+(\d+)", (place / "status").read_text())
        if reset:
            (place / "clear_refs").write_text("5")
        return int(found[1]) / 1024 if found else 0.0

    def close(self) -> None:
        self.link.close()
        self.server.kill()
        self.server.wait()


def _run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _serve(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


@contextmanager
def mektep() -> Iterator[tuple[Ends, str]]:
    """Mektep's two ends and the school's recovery kit; node ``A`` is registered."""
    with tempfile.TemporaryDirectory(prefix="mektep-bench-") as place:

        def command(node: str, action: str, *rest: str) -> list[str]:
            return [sys.executable, "-m", "tests.bench.ends", action, f"{place}/{node}", *rest]

        environment = dict(os.environ)
        told = _run(
            [sys.executable, "-m", "tests.bench.ends", "found", f"{place}/hub", f"{place}/A"], environment
        )
        server = _serve([sys.executable, "-m", "tests.bench.ends", "hub", f"{place}/hub"], environment)
        ends = Ends(command, server, lambda _: environment)
        try:
            ends.act("A", "register", ends.link.url, str(told["code"]))
            yield ends, str(told["kit"])
        finally:
            ends.close()


@contextmanager
def morango(sleepless: bool = False) -> Iterator[Ends]:
    """Morango's two ends; node ``A`` has its certificate."""
    python = _peer_python()
    with tempfile.TemporaryDirectory(prefix="mektep-bench-") as place:
        school = "none"

        def environment(who: str) -> dict[str, str]:
            told = {"PEER_DATABASE": f"{place}/{who}.db", "PEER_SCHOOL": school, "MORANGO_SYSTEM_ID": who}
            return {**os.environ, **told, **({"PEER_SLEEPLESS": "1"} if sleepless else {})}

        def command(node: str, action: str, *rest: str) -> list[str]:
            return [python, "-W", "ignore", "-m", "tests.bench.peer.end", action, *rest]

        school = str(_run(command("hub", "found"), environment("hub"))["school"])
        ends = Ends(command, _serve(command("hub", "serve"), environment("hub")), environment)
        try:
            ends.act("A", "join", ends.link.url)
            yield ends
        finally:
            ends.close()


def _peer_python() -> str:
    """The interpreter of Morango's own environment, which is made at first."""
    python = PEER_HOME / "bin" / "python"
    if not (PEER_HOME / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_HOME)], check=True)
        told = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*told, PEER, "waitress", "cryptography", "setuptools<81"], check=True, stdout=sys.stderr
        )
        (PEER_HOME / "ready").touch()
    return str(python)


def _ours(count: int, and_more: bool) -> dict[str, Run]:
    with mektep() as (ends, kit):
        url = ends.link.url
        ends.act("A", "write", "pile", str(count))
        runs = {"first": ends.transfer("A", "sync", url)}
        if and_more:
            runs |= _days(ends, ("sync", url))
            runs["pull"] = ends.transfer("B", "join", url, kit)
        return runs


def _theirs(count: int, and_more: bool, sleepless: bool = False) -> dict[str, Run]:
    with morango(sleepless) as ends:
        url = ends.link.url
        ends.act("A", "write", "pile", str(count))
        runs = {"first": ends.transfer("A", "push", url)}
        if and_more:
            runs |= _days(ends, ("push", url))
            ends.act("B", "join", url)
            runs["pull"] = ends.transfer("B", "pull", url)
        return runs


def _days(ends: Ends, push: tuple[str, ...]) -> dict[str, Run]:
    """A day, nothing, and another day over the bad link."""
    ends.act("A", "write", "day", "0")
    runs = {"day": ends.transfer("A", *push), "nothing": ends.transfer("A", *push)}
    ends.act("A", "write", "day", "1")
    ends.link.rate, ends.link.delay = BAD_RATE, BAD_DELAY
    runs["bad"] = ends.transfer("A", *push)
    ends.link.rate, ends.link.delay = 0, 0.0
    return runs


_NAMES = {
    "first": "first push of {count} marks, their lessons and pupils",
    "day": "a school day",
    "nothing": "nothing to send",
    "bad": "a school day over 128 kbit/s and 600 ms",
    "pull": "a fresh node's pull of all of it (ours with its introduction)",
}
_GOALS = {
    "first": "25 times fewer bytes, 50 times less time (15 without its sleeps)",
    "day": "1 request",
    "nothing": "1 request",
    "bad": "under 3 s",
    "pull": "200 times fewer bytes",
}


def beside(count: int = 10_000, and_more: bool = True) -> Iterator[Line]:
    """The same rows through both, one after the other."""
    sleepless = _theirs(count, False, sleepless=True)["first"]
    theirs, ours = _theirs(count, and_more), _ours(count, and_more)
    for name, run in ours.items():
        peer = theirs[name]
        label = _NAMES[name].format(count=f"{count:,}")
        yield f"**{label}**", "", _GOALS[name]
        yield "  seconds", _pair(run.seconds, peer.seconds, "{:.2f}"), ""
        if name == "first":
            yield "  seconds, Morango without its sleeps", _pair(run.seconds, sleepless.seconds, "{:.2f}"), ""
        yield "  bytes up", _pair(run.up, peer.up, "{:,}"), ""
        yield "  bytes down", _pair(run.down, peer.down, "{:,}"), ""
        yield "  requests", f"{run.requests} against {peer.requests}", ""
        yield (
            "  peak MB of node, of hub",
            (f"{run.node_mb:.0f}, {run.hub_mb:.0f} against {peer.node_mb:.0f}, {peer.hub_mb:.0f}"),
            "",
        )
        assert run.marks == peer.marks, (run, peer)


def _pair(ours: float, theirs: float, form: str) -> str:
    ratio = theirs / ours if ours else 0.0
    return f"{form.format(ours)} against {form.format(theirs)}: {ratio:.1f} times"


def first_million() -> Iterator[Line]:
    """Peak memory of each end, as processes of their own, for a first sync of a million changes."""
    with mektep() as (ends, kit):
        ends.act("A", "write", "past", "1000000")
        run = ends.transfer("A", "sync", ends.link.url)
        yield "megabytes of the node, first sync of 1,000,000 changes", f"{run.node_mb:.0f}", "under 200"
        yield "megabytes of the hub", f"{run.hub_mb:.0f}", "under 200"
        yield "  seconds, bytes up, requests", f"{run.seconds:.1f}, {run.up:,}, {run.requests}", ""
        run = ends.transfer("B", "join", ends.link.url, kit)
        yield "megabytes of a fresh node that pulls them", f"{run.node_mb:.0f}", "under 200"
        yield "megabytes of the hub", f"{run.hub_mb:.0f}", "under 200"
        yield "  seconds, bytes down, requests", f"{run.seconds:.1f}, {run.down:,}, {run.requests}", ""
