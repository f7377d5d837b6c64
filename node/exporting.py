"""Everything a school holds, as CSV files that any program reads; the export is written into the reading log."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from sqlite_utils import Database

from node.reading.noting import note
from shared.report import safe_text
from shared.schema import TABLES
from shared.tables import quoted
from sync.writer import writing

_SECRET = {
    ("calendar_address", "secret"),
    ("account", "password"),
    ("account", "totp"),
    ("account", "recovery"),
}


def export_tables(
    db: Database, folder: Path, actor: int, report: Callable[[str, int], None] = lambda table, rows: None
) -> dict[str, int]:
    """Write one CSV file a table (UTF-8 with BOM, ids as text, bytes as hex); returns the rows of each.

    The files are readable by their owner alone, whatever stood under their names before and whatever the umask says.
    ``report`` is told a table and its rows when its file is written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with writing(db, actor) as w:
        note(w, actor, "export", "all tables")
    counts = {}
    for table in TABLES:
        names = [c.name for c in table.all_columns if (table.name, c.name) not in _SECRET]
        columns, order = ", ".join(map(quoted, names)), ", ".join(map(quoted, table.key))
        rows = db.conn.execute(f"SELECT {columns} FROM {quoted(table.name)} ORDER BY {order}")
        with _private(folder / f"{table.name}.csv") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            counts[table.name] = 0
            for row in rows:
                writer.writerow([_text(value) for value in row])
                counts[table.name] += 1
        report(table.name, counts[table.name])
    return counts


def _private(path: Path) -> TextIO:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(descriptor, "w", encoding="utf-8-sig", newline="")


def _text(value: object) -> str:
    if value is None:
        return ""
    return (
        value.hex()
        if isinstance(value, bytes)
        else safe_text(value)
        if isinstance(value, str)
        else str(value)
    )
