"""What someone said that a heading means, for the next file with it: headings and names of columns, nothing personal.

Kept on this node alone, by kind of list. A line is only taken for headings where one of them is known by itself, or the
first pupil of a list without headings would be remembered as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from node.importing.headings import FULL_NAME, LEFT_OUT, matched, plain

LONGEST = 60
"""Characters of a heading that is remembered."""
_TABLE = """CREATE TABLE IF NOT EXISTS import_heading (kind TEXT NOT NULL, heading TEXT NOT NULL, field TEXT NOT NULL,
    PRIMARY KEY (kind, heading)) STRICT, WITHOUT ROWID"""


def meanings(db: Database, kind: str, columns: Mapping[str, object]) -> dict[str, str]:
    """Heading, as it is compared -> which of a list's ``columns`` it is."""
    db.conn.execute(_TABLE)
    rows = db.conn.execute("SELECT heading, field FROM import_heading WHERE kind = ?", (kind,)).fetchall()
    return {heading: field for heading, field in rows if field in (FULL_NAME, LEFT_OUT, *columns)}


def remember(
    db: Database,
    kind: str,
    header: Sequence[str],
    headings: Mapping[str, Sequence[str]],
    fields: Sequence[str | None],
) -> None:
    """Keep what someone said of the headings of a file: those that would not mean it by themselves."""
    alone = matched(header, headings)
    if not any(alone):
        return
    db.conn.execute(_TABLE)
    for name, field, own in zip(header, fields, alone, strict=True):
        heading = plain(name)
        if field is None or not heading or len(heading) > LONGEST or header.count(name) > 1:
            continue
        if field == own:
            db.conn.execute("DELETE FROM import_heading WHERE kind = ? AND heading = ?", (kind, heading))
        else:
            sql = (
                "INSERT INTO import_heading VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET field = excluded.field"
            )
            db.conn.execute(sql, (kind, heading, field))
