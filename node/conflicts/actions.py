"""Settling a conflict: the chosen value is written anew by someone who has seen the others."""

from __future__ import annotations

from node import keyholders
from node.conflicts.queries import heads, is_hidden, proposed_login
from node.logins import login_of, taken
from shared.auth import normal_login
from shared.dates import day_at
from shared.problems import ConsentMissing, InvalidValue
from shared.schema import BY_NUMBER
from shared.tables import quoted
from sync.writer import Writer


def give_login(w: Writer, account: int, today: int, wanted: str = "") -> str:
    """Give an account a login of its own, if another one has the same; returns it.

    ``wanted``: what it shall be; empty: the old one with a number. InvalidValue: no other one has it, or somebody has
    the wanted one already.

    The person signs in with the same password under the new login.
    """
    rows = w.db.execute("SELECT id, login FROM account WHERE retired_at IS NULL").fetchall()
    living = {row: login_of(row, login) for row, login in rows}
    if account not in living or list(living.values()).count(living[account]) < 2:
        raise InvalidValue(table="account", column="login", value=account)
    login = normal_login(wanted) or proposed_login(w.db, account, today)
    if login in taken(w.db):
        raise InvalidValue(table="account", column="login", value=login)
    w.update("account", account, login=login)
    return login


def take(w: Writer, tbl: int, key: int, unit: str, n: int) -> None:
    """Let the value of change ``n`` stand. InvalidValue: it is not one of the values written apart any more;
    ConsentMissing: nobody may use them today; LastAdministrator, LastHead.

    Taking the value that shows already is logged too: it says that its author has seen the others.
    """
    table = BY_NUMBER.get(tbl)
    if table is None or unit not in table.units:
        raise InvalidValue(table="conflict", column="unit", value=unit)
    chosen = next((entry for entry in heads(w.db, table, key, unit) if entry.n == n), None)
    if chosen is None:
        raise InvalidValue(table=table.name, column=unit, value=n)
    columns = table.units[unit]
    if is_hidden(w.db, table, key, unit, day_at(w.now)):
        gated = next((c for c in columns if c.consent), columns[0])
        raise ConsentMissing(purpose=gated.consent or "core", column=gated.name)
    values = {c.name: chosen.values.get(c.number, c.default) for c in columns}
    before = w.db.conn.total_changes
    sets = ", ".join(f"{quoted(name)} = ?" for name in values)
    with keyholders.kept(w):
        w.db.conn.execute(
            f"UPDATE {quoted(table.name)} SET {sets} WHERE {quoted(table.row_id)} = ?",
            (*values.values(), key),
        )
    if w.db.conn.total_changes - before < 2:
        w.assert_again(table, key, unit)
    w.db.conn.execute("DELETE FROM conflict WHERE tbl = ? AND key = ? AND unit = ?", (tbl, key, unit))
