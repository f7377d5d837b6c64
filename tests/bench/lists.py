"""A list of 5,000 pupils: tried, imported and undone, and how long a save waits while it is tried."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from node.importing.actions import run_import
from node.importing.kinds import KINDS
from node.importing.running import Wish
from node.importing.sheets import table_in
from node.storage import Node, create_node
from shared import crypto
from sync.state import State
from sync.undo import marked_act, undo
from sync.writer import writing

LINES = 5_000
_CHEAP = crypto.Cost(2**4)
_HEADER = "Личное дело;Фамилия;Имя;Отчество;Дата рождения;Пол;Класс;Дата зачисления;Согласие;Местность"
Line = tuple[str, str, str]


def lists() -> Iterator[Line]:
    """The processor's seconds of each step; the longest save of another connection."""
    with tempfile.TemporaryDirectory(prefix="mektep-lists-") as place:
        node, _ = create_node(
            Path(place) / "node",
            school_name="№ 8",
            login="admin",
            password="secret",
            passphrase="open",
            cost=_CHEAP,
        )
        texts = [
            f"В/{n};Асанова{n};Айпери{n % 50};;12.05.2014;ж;5-А;01.09.2025;20.08.2025;село"
            for n in range(LINES)
        ]
        sheet = table_in("\n".join([_HEADER, *texts, ""]).encode(), Path("pupils.csv"))
        with closing(node.connect()) as db:
            account, mapping = int(State(db).administrator), KINDS["pupils"].mapping()

            def take(dry_run: bool) -> int:
                return run_import(
                    db,
                    Path("pupils.csv"),
                    mapping,
                    account,
                    dry_run,
                    sheet=sheet,
                    wish=Wish(new_classes=None),
                ).act

            longest, (tried, _) = _saving(node, account, lambda: _timed(lambda: take(True)))
            yield f"dry run of {LINES:,} new pupils, seconds of the processor", f"{tried:.1f}", "under 4"
            yield "longest save of another connection meanwhile, ms", f"{longest:.0f}", "at most 100"
            imported, act = _timed(lambda: take(False))
            yield "import of them, in one transaction", f"{imported:.1f}", ""

            def take_back() -> int:
                with writing(db, account) as w:
                    return undo(w, marked_act(db, act)).retired

            undone, rows = _timed(take_back)
            yield f"undo of its {rows:,} rows", f"{undone:.1f}", ""


def _timed(do: Callable[[], int]) -> tuple[float, int]:
    """The seconds of the processor that this thread took, and what came of it."""
    began = time.thread_time()
    made = do()
    return time.thread_time() - began, made


def _saving(node: Node, account: int, do: Callable[[], tuple[float, int]]) -> tuple[float, tuple[float, int]]:
    """The longest of the saves that another thread makes meanwhile, in milliseconds, and what was done."""
    over, waits = threading.Event(), [0.0]

    def save() -> None:
        with closing(node.connect()) as db:
            while not over.wait(0.03):
                began = time.perf_counter()
                with writing(db, account) as w:
                    w.insert("room", name="12")
                waits.append((time.perf_counter() - began) * 1000)

    thread = threading.Thread(target=save)
    thread.start()
    try:
        done = do()
    finally:
        over.set()
        thread.join()
    return max(waits), done
