"""The schema of past releases, frozen: what their files hold and what their columns are called on the wire.

``python -m tests.prior`` freezes the present version; of a version that has been released never again.
"""

from __future__ import annotations

import json
from pathlib import Path

from sqlite_utils import Database

from shared.schema import TABLES, VERSION, Table
from tests.stores import a_store

HERE = Path(__file__).parent
Wire = dict[str, list[object]]


def layout(db: Database) -> list[str]:
    """Every table and index of a file as SQL, in order of name."""
    rows = db.execute(
        "SELECT sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type, name"
    )
    return [str(sql) for (sql,) in rows]


def wire(tables: tuple[Table, ...], version: int) -> Wire:
    """What travels and must never change: numbers, keys, types, scopes, defaults, units, references."""
    found: Wire = {}
    for table in tables:
        if table.since <= version:
            found[table.name] = [table.number, list(table.key)]
            for c in table.all_columns:
                if c.since <= version:
                    found[f"{table.name}.{c.name}"] = [
                        c.number,
                        c.type,
                        c.scope,
                        c.default,
                        c.merge_unit,
                        c.references,
                    ]
    return found


def read(version: int) -> tuple[list[str], Wire]:
    """The frozen layout and wire of a version."""
    frozen = json.loads((HERE / f"{version}.json").read_text(encoding="utf-8"))
    return frozen["layout"], frozen["wire"]


def freeze() -> None:
    content = {"layout": layout(a_store()), "wire": wire(TABLES, VERSION)}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    (HERE / f"{VERSION}.json").write_text(text, encoding="utf-8")
