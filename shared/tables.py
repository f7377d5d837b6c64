"""SQL of the tables made from the schema, for SQLite and for PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

from shared.schema import BY_NAME, TABLES, Column, Table, Value


def create_sql(table: Table) -> str:
    """A node's table: every column with its frozen default; references are checked when the transaction commits."""
    lines = [] if len(table.key) == 1 else ["rid INTEGER PRIMARY KEY"]
    for column in table.key_columns:
        primary = " PRIMARY KEY" if len(table.key) == 1 else " NOT NULL"
        lines.append(f"{quoted(column.name)} {column.sql_type}{primary}{_references(column)}")
    lines += [column_sql(column) for column in table.columns if column.since == table.since]
    if len(table.key) > 1:
        lines.append(f"UNIQUE ({', '.join(quoted(k) for k in table.key)})")
    return f"CREATE TABLE {quoted(table.name)} (\n  " + ",\n  ".join(lines) + "\n) STRICT"


def column_sql(column: Column) -> str:
    """A column's definition, as in CREATE TABLE and ALTER TABLE ADD COLUMN alike."""
    default = "" if column.default is None else f" DEFAULT {literal(column.default)}"
    return f"{quoted(column.name)} {column.sql_type}{default}{_references(column)}"


def index_sql(table: Table, version: int) -> Iterator[str]:
    """Indexes of a table whose columns are there in a schema version, as far as they are missing."""
    for columns in table.indexes:
        if all(table.by_name[c].since <= version for c in columns):
            name = f"{table.name}_by_{'_'.join(columns)}"
            listed = ", ".join(map(quoted, columns))
            yield f"CREATE INDEX IF NOT EXISTS {quoted(name)} ON {quoted(table.name)} ({listed})"


def step_sql(version: int) -> Iterator[str]:
    """What the migration to a schema version does: its new tables, its new columns of older tables, their indexes."""
    for table in TABLES:
        if table.since == version:
            yield create_sql(table)
        for column in table.columns:
            if table.since < column.since == version:
                yield f"ALTER TABLE {quoted(table.name)} ADD COLUMN {column_sql(column)}"
        if table.since <= version:
            yield from index_sql(table, version)


def _references(column: Column) -> str:
    if column.references is None or column.soft:
        return ""
    target = BY_NAME[column.references]
    return f" REFERENCES {quoted(target.name)} ({quoted(target.row_id)}) DEFERRABLE INITIALLY DEFERRED"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """A value of the schema as an SQL literal (SQLite)."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
