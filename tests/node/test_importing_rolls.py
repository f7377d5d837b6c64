"""What a list says of a roll: one class on one day, the lists of a class that is split, whom a consent names."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from node import roster
from node.importing.finding import called
from node.importing.placing import Placed
from shared.dates import parse_day
from shared.problems import ImportRefused
from sync.undo import marked_act, undo
from sync.writer import writing
from tests.node.test_importing import LINES, errors_of, pupils_file, run_import
from tests.node.test_importing import db as db

DAY = parse_day("2025-09-01")
ON_A_LIST = 'SELECT count(*) FROM subject_group_pupil WHERE retired_at IS NULL AND "end" IS NULL'


def one(db: Database, sql: str, *values: object) -> int:
    return int(db.execute(sql, values).fetchone()[0])


def test_a_line_of_another_class_is_an_error_that_names_both(db: Database, tmp_path: Path) -> None:
    run_import(db, pupils_file(tmp_path, *LINES), "pupils", actor=7)
    with pytest.raises(ImportRefused) as refused:
        moved = LINES[0].replace("5-А", "5-Б").replace("01.09.2025", "10.11.2025")
        run_import(db, pupils_file(tmp_path, moved, *LINES[1:]), "pupils", actor=7)
    told = "The pupil is in 5-А, the line says 5-Б: a change of class is written in the movement book."
    assert errors_of(refused) == [(2, "Класс", told)]
    with pytest.raises(ImportRefused) as refused:
        run_import(db, pupils_file(tmp_path, LINES[0], LINES[0].replace("5-А", "6-А")), "pupils", actor=7)
    assert [error[:2] for error in errors_of(refused)] == [(3, "Класс")]
    assert one(db, "SELECT count(*) FROM enrolment") == 3


def test_another_day_of_the_same_class_enrols_nobody_twice(db: Database, tmp_path: Path) -> None:
    run_import(db, pupils_file(tmp_path, *LINES), "pupils", actor=7)
    again = run_import(
        db, pupils_file(tmp_path, LINES[0].replace("01.09.2025", "02.09.2025")), "pupils", actor=7
    )
    assert again.changes_nothing
    assert [one.message for one in again.questions] == [
        "The pupil is in the class from 01.09.2025; that day stays."
    ]
    assert db.execute("SELECT DISTINCT start FROM enrolment").fetchall() == [(DAY,)]


def test_a_new_pupil_of_a_split_class_joins_its_parts_as_an_arrival_does(
    db: Database, tmp_path: Path
) -> None:
    run_import(db, pupils_file(tmp_path, LINES[0]), "pupils", actor=7)
    with writing(db, 7) as w:
        account = w.insert("account", login="secretary")
        group, subject = one(db, "SELECT id FROM class_group"), one(db, "SELECT id FROM subject LIMIT 1")
        parts = [w.insert("subject_group", class_group=group, subject=subject, name=name) for name in "AB"]
        whole = w.insert("subject_group", class_group=group, subject=one(db, "SELECT max(id) FROM subject"))
        pupil, other = one(db, "SELECT person FROM pupil"), w.insert("person", sex="m")
        w.put("pupil", person=other)
        roster.put_on_list(w, parts[0], pupil, DAY)
        roster.put_on_list(w, whole, pupil, DAY)
        roster.put_on_list(w, parts[1], other, DAY)
        roster.leave(w, other, group, DAY + 30)
    result = run_import(db, pupils_file(tmp_path, *LINES[:2]), "pupils", account, today=DAY + 60)
    assert result.inserted["subject_group_pupil"] == 2 and one(db, ON_A_LIST) == 4
    assert [(put.line, put.name, put.class_name, put.part) for put in result.placed] == [
        (3, "Жусупов Нурлан Бакирович", "5-А", "A")
    ], "where a subject has one list nothing was chosen"
    assert isinstance(result.placed[0], Placed) and result.placed[0].subject
    with writing(db, account) as w:
        assert undo(w, marked_act(db, result.act)).left_alone == ()
    assert one(db, ON_A_LIST) == 2, "an undo takes the lists back too"


def test_nobody_is_called_whose_consent_has_lapsed(db: Database, tmp_path: Path) -> None:
    run_import(db, pupils_file(tmp_path, *LINES), "pupils", actor=7)
    group = one(db, "SELECT id FROM class_group WHERE letter = 'А'")
    assert "асанова айпери" in called(db, group, DAY, DAY)
    with writing(db, 7) as w:
        pupil = one(db, "SELECT person FROM pupil WHERE personal_file = 'В/1'")
        w.update("consent", one(db, "SELECT id FROM consent WHERE person = ?", pupil), valid_to=DAY + 9)
    assert "асанова айпери" not in called(db, group, DAY, DAY + 10)
    assert "жусупов нурлан" in called(db, group, DAY, DAY + 10)
