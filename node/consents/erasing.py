"""Erasing a part of what stands under a consent: what no law obliges to keep goes, the rest waits for its own day."""

from __future__ import annotations

from collections.abc import Callable

from node import logins
from node.consents import queries
from node.purposes import UNDER_HEALTH, UNDER_MESSAGES
from shared.schema import BY_NAME, CONSENT_PURPOSES, Column, Table
from shared.tables import quoted
from sync.erasure import Cells, erase, erase_cells
from sync.gate import GATED, RESTS_ON, subject
from sync.log import NodeLog
from sync.undo import note_act
from sync.writer import Writer


def erase_kept(w: Writer, person: int, today: int) -> None:
    """Erase of the core record what no law obliges to keep on a day: all but what the books need, later that, too.

    What rests on it, a photo, no law asks for at all, nor for a login made of the name.
    """
    logins.erase(w, person, today)
    for purpose, below in RESTS_ON.items():
        if "core" in below:
            erase_purpose(w, person, purpose)
    until, book_until = queries.kept_until(w.db, person), queries.kept_until(w.db, person, book=True)
    for row in queries.rows_of(w.db, person):
        if book_until is not None and book_until <= today:
            erase(w, row, {"core"})
        elif until is not None and until <= today:
            _erase_some(
                w,
                row,
                "core",
                lambda table, column: column.consent == "core" and not _in_books(table, column),
            )


def erase_all(w: Writer, person: int, today: int) -> None:
    """Erase whatever is held of someone without a role here, and let nobody in with the account."""
    logins.erase(w, person, today)
    for row in queries.rows_of(w.db, person):
        erase(w, row, CONSENT_PURPOSES)
    accounts = w.db.execute("SELECT id FROM account WHERE person = ? AND retired_at IS NULL", (person,))
    for (account,) in accounts.fetchall():
        w.update("account", account, disabled=1, signed_out_at=w.now, renamed_on=None)


def erase_purpose(w: Writer, person: int, purpose: str) -> None:
    """Erase what stands under another purpose than the core record, columns that the gate does not know by it, too."""
    for row in queries.rows_of(w.db, person):
        erase(w, row, {purpose})
        if purpose == "messages":
            _erase_some(
                w,
                row,
                purpose,
                lambda table, column: table.name == "person" and column.name in UNDER_MESSAGES,
            )
        elif purpose == "health":
            _erase_health(w, row)


def _erase_health(w: Writer, person: int) -> None:
    """Health is told by some of the social categories; the others are written anew."""
    row = w.db.execute(
        "SELECT categories FROM pupil WHERE person = ? AND retired_at IS NULL", (person,)
    ).fetchone()
    codes = [code.strip() for code in (row[0] or "").split(",")] if row else []
    if set(codes) & set(UNDER_HEALTH):
        _erase_some(
            w, person, "health", lambda table, column: (table.name, column.name) == ("pupil", "categories")
        )
        w.update("pupil", person, categories=",".join(c for c in codes if c not in UNDER_HEALTH) or None)


def _in_books(table: Table, column: Column) -> bool:
    return table.name == "person" and column.name in queries.IN_BOOKS


def _erase_some(w: Writer, person: int, label: str, chosen: Callable[[Table, Column], bool]) -> None:
    """Erase the chosen columns of a person's gated rows wherever they hold anything or ever did."""
    log, cells = NodeLog(w.db), list[Cells]()
    for table in GATED:
        wanted = [c for c in table.consented if chosen(table, c)]
        sql = f"SELECT {quoted(table.row_id)} FROM {quoted(table.name)} WHERE {quoted(subject(table))} = ?"
        rids = {rid for (rid,) in w.db.execute(sql, (person,)).fetchall()} if wanted else set[int]()
        for rid, key in log.keys_of(table.number, rids).items():
            entries = log.history(BY_NAME[table.name], key)
            held = [c for c in wanted if any(e.values.get(c.number) is not None for e in entries)]
            if held:
                cells.append((table, rid, key, held))
    if cells:
        note_act(w, "erasure", label, sum(len(held) for *_, held in cells))
        erase_cells(w, cells)
