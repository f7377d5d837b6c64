"""Runs an import: one transaction, all or nothing, every error found in one pass.

A dry run does everything an import does, but in a rehearsal, so what it announces is what would happen and nobody's
write waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from node.importing.fullnames import parted
from node.importing.headings import known, matched
from node.importing.mapping import Mapping, load_mapping
from node.importing.readings import Readings
from node.importing.running import EVERY_LINE, ImportResult, Mode, Progress, Run, Text, Wish
from node.importing.serials import dated
from node.importing.sheets import Sheet, read_sheet
from node.importing.signing import receiver
from node.unnamed import Names, last_change
from shared.dates import day_at
from shared.problems import ImportRefused
from sync import clock
from sync.rehearsal import rehearsing
from sync.undo import note_act
from sync.writer import SYSTEM, writing

__all__ = ["ImportResult", "Mode", "Wish", "plan", "run_import"]


class Connects(Protocol):
    """A node, as far as an import needs one."""

    def connect(self) -> Database: ...


def plan(
    db: Connects | Database,
    path: Path,
    mapping: Mapping | Path | str,
    text: Text = str,
    wish: Wish = EVERY_LINE,
) -> ImportResult:
    """What an import would do; nothing is written. Raises what `run_import` would."""
    return run_import(db, path, mapping, SYSTEM, dry_run=True, text=text, wish=wish)


def run_import(
    db: Connects | Database,
    path: Path,
    mapping: Mapping | Path | str,
    actor: int,
    dry_run: bool = False,
    *,
    text: Text = str,
    progress: Progress | None = None,
    wish: Wish = EVERY_LINE,
    sheet: Sheet | None = None,
    fields: Sequence[str | None] | None = None,
    today: int | None = None,
) -> ImportResult:
    """Import a file (or a ``sheet`` read from it before) as `actor`.

    `text` translates the errors, `progress` is told lines done and in all. ``fields``: which column of the list each of
    the file is; by its headings when not given. ``today``: on which day a consent must hold
    for a name to stand in a text; by the machine's clock when not given.

    ImportRefused: the errors, by line and field; nothing was written. FlawedMapping, DamagedFile, TooLarge:
    the mapping or the file cannot be used at all.
    """
    database = db if isinstance(db, Database) else db.connect()
    chosen = mapping if isinstance(mapping, Mapping) else load_mapping(mapping)
    sheet = sheet or read_sheet(
        path, delimiter=chosen.delimiter, sheet=chosen.sheet, headings=frozenset(known(chosen.headings))
    )
    sheet, fields = parted(sheet, fields or matched(sheet.header, chosen.headings), chosen)
    sheet = dated(sheet, fields, chosen)
    readings = Readings(chosen, sheet, fields)
    readings.ahead()
    with rehearsing(database) if dry_run else writing(database, actor) as w:
        day = day_at(clock.now_ms()) if today is None else today
        names = Names(database, day, last_change(database))
        run = Run(w, path.name, readings, text, wish, names, day, receiver(database, actor))
        result = run.all_lines(progress)
        if run.errors:
            raise ImportRefused(sorted(run.errors, key=lambda e: e.line))
        if not dry_run and not result.changes_nothing:
            result = replace(result, act=note_act(w, "import", path.name, result.lines))
    return result
