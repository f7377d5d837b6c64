"""Settling a conflict: the chosen value is written anew by someone who has seen the others."""

from __future__ import annotations

from node import keyholders
from node.conflicts.queries import heads, is_hidden, is_taken, proposed_login
from shared.auth import normal_login
from shared.dates import day_at
from shared.problems import ConsentMissing, InvalidValue
from shared.schema import BY_NUMBER
from shared.tables import quoted
from sync.writer import Writer


def give_login(w: Writer, account: int, wanted: str = "") -> str:
    """Give an account a login of its own, if another one has the same; returns it.

    ``wanted``: what it shall be; empty: the old one with a number. InvalidValue: no other one has it, or somebody has
    the wanted one already.

    The person signs in with the same password under the new login.
    """
    row = w.db.execute(
        "SELECT a.login FROM account a JOIN account b ON b.login = a.login AND b.id <> a.id "
        "WHERE a.id = ? AND a.retired_at IS NULL AND b.retired_at IS NULL",
        (account,),
    ).fetchone()
    if row is None or not row[0]:
        raise InvalidValue(table="account", column="login", value=account)
    login = normal_login(wanted) or proposed_login(w.db, row[0])
    if is_taken(w.db, login):
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
        gated = next(c for c in columns if c.consent)
        raise ConsentMissing(purpose=gated.consent or "", column=gated.name)
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
