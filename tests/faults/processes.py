"""Real processes that can be killed: at a moment the test chooses, or by themselves at the n-th step they take.

A step is one SQL statement (SQLCipher or PostgreSQL) or one change to a file in a watched folder; the process dies just
before it. Steps make a kill repeatable and reach the windows between two file operations that no timer would hit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared import db

LONGEST_SECONDS = 1_800
"""A process left behind by a test that died ends by itself."""
_FILE_EVENTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir"})
_WRITING = os.O_WRONLY | os.O_RDWR

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.workers", "hub.app", "node.app"])


@dataclass(frozen=True)
class Worker:
    """A running process; what it prints stands in ``log``."""

    process: BaseProcess
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    @property
    def was_killed(self) -> bool:
        return self.process.exitcode == -signal.SIGKILL

    def kill(self) -> None:
        """SIGKILL: no handler, no clean-up, no flush. AssertionError if it had failed before."""
        self.process.kill()
        self.wait()

    def wait(self) -> Worker:
        """Wait for its end; AssertionError unless it ended well or was killed."""
        self.process.join(LONGEST_SECONDS)
        assert self.process.exitcode in (0, -signal.SIGKILL), (
            f"exit code {self.process.exitcode}\n{self.log.read_text(errors='replace')}"
        )
        return self


def start(
    target: Callable[..., None],
    *arguments: Any,
    log: Path,
    die_at: int | None = None,
    watched: Path | None = None,
    steps: Path | None = None,
) -> Worker:
    """Run a function in a process of its own.

    ``die_at``: kill itself at this step, counted from 1. ``watched``: whose files' changes are steps too. ``steps``: a
    file that gets one line for each step, ``sql`` or ``file``.
    """
    process = _context.Process(
        target=_run, args=(target, arguments, log, die_at, watched, steps), daemon=True
    )
    process.start()
    return Worker(process, log)


def _run(
    target: Callable[..., None],
    arguments: tuple[Any, ...],
    log: Path,
    die_at: int | None,
    watched: Path | None,
    steps: Path | None,
) -> None:
    signal.alarm(LONGEST_SECONDS)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if die_at is not None or steps is not None:
        _count_steps(die_at, watched, steps)
    target(*arguments)


def _count_steps(die_at: int | None, watched: Path | None, steps: Path | None) -> None:
    taken = 0
    written = os.open(steps, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if steps is not None else None

    def take(kind: bytes) -> None:
        nonlocal taken
        taken += 1
        if written is not None:
            os.write(written, kind)
        if taken == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event in _FILE_EVENTS or (event == "open" and bool(arguments[2] & _WRITING))
        if writes and str(arguments[0]).startswith(f"{watched}{os.sep}"):
            take(b"file\n")

    connect = db.driver.connect

    def traced(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        connection.set_trace_callback(lambda _: take(b"sql\n"))
        return connection

    db.driver.connect = traced
    if watched is not None:
        sys.addaudithook(audit)

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def count(connection: sa.Connection, *_: Any) -> None:
        if connection.dialect.name == "postgresql":
            take(b"sql\n")
