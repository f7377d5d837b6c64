"""The hub's tables: the district view of every school (from the schema) and the hub's own books."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from shared.schema import TABLES, Table
from shared.tables import literal

metadata = sa.MetaData()


def _view(table: Table) -> sa.Table:
    columns = [
        sa.Column(c.name, _type(c.sql_type), primary_key=True, autoincrement=False) for c in table.key_columns
    ]
    for column in table.columns:
        if column.scope in ("district", "reference"):
            default = None if column.default is None else sa.text(literal(column.default))
            columns.append(sa.Column(column.name, _type(column.sql_type), server_default=default))
    indexes = [
        sa.Index(f"{table.name}_by_{'_'.join(names)}", *names)
        for names in table.indexes
        if all(n in {c.name for c in columns} for n in names)
    ]
    return sa.Table(table.name, metadata, *columns, *indexes)


def _type(sql_type: str) -> sa.types.TypeEngine[Any]:
    types: dict[str, sa.types.TypeEngine[Any]] = {
        "INTEGER": sa.BigInteger(),
        "TEXT": sa.Text(),
        "BLOB": sa.LargeBinary(),
    }
    return types[sql_type]


VIEWS: dict[str, sa.Table] = {t.name: _view(t) for t in TABLES if t.on_hub or t.is_reference}
"""Table name -> the hub's table of it."""

_big = sa.BigInteger

state = sa.Table(
    "state", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.LargeBinary)
)

origin = sa.Table(
    "origin",
    metadata,
    sa.Column("origin", _big, primary_key=True, autoincrement=False),
    sa.Column("school", _big, nullable=False, index=True),
    sa.Column("low", _big, nullable=False),
    sa.Column("high", _big, nullable=False),
    sa.Column("node", sa.LargeBinary, nullable=False),
    sa.Column("parent", _big),
    sa.Column("continues", _big),
)

stream = sa.Table(
    "stream",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("position", _big, primary_key=True, autoincrement=False),
    sa.Column("origin", _big, nullable=False),
    sa.Column("first", _big, nullable=False),
    sa.Column("last", _big, nullable=False),
    sa.Column("seen", _big, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("received_at", _big, nullable=False),
    # Is seen less than the header says? Then the receipt says so too.
    sa.Column("capped", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("school", "origin", "first"),
)

amendment = sa.Table(
    "amendment",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("place", _big, primary_key=True, autoincrement=False),
    sa.Column("origin", _big, nullable=False),
    sa.Column("first", _big, nullable=False),
    sa.Column("node", sa.LargeBinary, nullable=False),
    sa.Column("received_at", _big, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
)
"""Every amendment a school's nodes made, in the order they came; the newest of a changeset stands in its envelope."""

change = sa.Table(
    "change",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("position", _big, primary_key=True, autoincrement=False),
    sa.Column("number", _big, primary_key=True, autoincrement=False),
    sa.Column("tbl", sa.Integer, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("clock", _big, nullable=False),
    sa.Column("vals", sa.Text, nullable=False),
    sa.Index("change_by_key", "key", "tbl"),
)

digest = sa.Table(
    "digest",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("tbl", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("col", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sum", sa.LargeBinary, nullable=False),
)

node = sa.Table(
    "node",
    metadata,
    sa.Column("signing", sa.LargeBinary, primary_key=True),
    sa.Column("opening", sa.LargeBinary, nullable=False),
    sa.Column("school", _big, nullable=False, index=True),
    sa.Column("registered_at", _big, nullable=False),
    sa.Column("revoked_at", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("counter", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("heard_at", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("clock_ahead", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("waiting", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("position", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("reference_position", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("backup_at", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("conflicts", _big, nullable=False, server_default=sa.text("0")),
    sa.Column("proof", sa.LargeBinary),
    sa.Column("epoch", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("space", _big, nullable=False, server_default=sa.text("0")),
)

registration = sa.Table(
    "registration",
    metadata,
    sa.Column("secret_digest", sa.LargeBinary, primary_key=True),
    sa.Column("school", _big, nullable=False),
    sa.Column("expires_at", _big, nullable=False),
    sa.Column("used_by", sa.LargeBinary),
)

epoch = sa.Table(
    "epoch",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("recipient", sa.LargeBinary, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("received_at", _big, nullable=False),
)

recovery = sa.Table(
    "recovery",
    metadata,
    sa.Column("signing", sa.LargeBinary, primary_key=True),
    sa.Column("opening", sa.LargeBinary, nullable=False),
    sa.Column("school", _big, nullable=False, index=True),
)

joining = sa.Table(
    "joining",
    metadata,
    sa.Column("signing", sa.LargeBinary, primary_key=True),
    sa.Column("opening", sa.LargeBinary, nullable=False),
    sa.Column("school", _big, nullable=False, index=True),
    sa.Column("origin", _big, nullable=False),
    sa.Column("asked_at", _big, nullable=False),
    sa.Column("commitment", sa.LargeBinary),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("school", _big, nullable=False),
    sa.Column("node", sa.LargeBinary, nullable=False),
    sa.Column("at", _big, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
)

verification = sa.Table(
    "verification",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("at", _big, nullable=False),
    sa.Column("position", _big, nullable=False),
    sa.Column("flaws", sa.Text, nullable=False),
)

summary = sa.Table(
    "summary",
    metadata,
    sa.Column("school", _big, primary_key=True, autoincrement=False),
    sa.Column("cube", sa.Text, primary_key=True),
    sa.Column("position", _big, nullable=False),
    sa.Column("reference_position", _big, nullable=False),
    sa.Column("day", _big, nullable=False),
    sa.Column("cells", sa.LargeBinary, nullable=False),
)

hub_account = sa.Table(
    "hub_account",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("duty", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False, server_default=sa.text("'ky'")),
    sa.Column("must_change", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("disabled", sa.Integer, nullable=False, server_default=sa.text("0")),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token", sa.LargeBinary, primary_key=True),
    sa.Column("account", _big, nullable=False),
    sa.Column("started", _big, nullable=False),
    sa.Column("used", _big, nullable=False),
)
