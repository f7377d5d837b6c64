"""A rehearsal tells what a write would do, keeps nobody waiting and leaves nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from shared.db import open_database
from shared.problems import ConsentMissing, OutsideScale
from shared.schema import BY_NAME
from sync.rehearsal import LONG, rehearsing
from sync.writer import writing
from tests.stores import ACTOR, KEY, a_store

MARK = BY_NAME["mark"]


def test_nobody_waits_for_a_rehearsal_and_nothing_stays_of_it(tmp_path: Path) -> None:
    file = tmp_path / "node.db"
    with closing(a_store(file)) as db, closing(open_database(file, KEY)) as other:
        with writing(db, ACTOR) as w:
            there = w.insert("person", sex="f")
            w.insert("consent", person=there, purpose="core")
            w.insert("consent", person=there, purpose="photo")
            w.update("person", there, photo=b"p" * (LONG + 1))
        with rehearsing(db) as w:
            with pytest.raises(ConsentMissing):
                w.put("pupil", person=there, categories="large_family")
            w.insert("consent", person=there, purpose="social")
            assert w.put("pupil", person=there, categories="large_family")
            assert not w.put("pupil", person=there, categories="large_family"), (
                "nothing changes by the same again"
            )
            assert w.update("person", there, surname="Асанова")
            person = w.insert("person", sex="m")
            with writing(other, ACTOR) as meanwhile:
                assert meanwhile.insert("person", sex="m") == person
            assert w.retire("person", person)
            assert db.execute("SELECT count(*) FROM person WHERE retired_at IS NULL").fetchone() == (1,)
        shown = "SELECT id, sex, surname, length(photo), retired_at FROM person ORDER BY id"
        assert db.execute(shown).fetchall() == [
            (there, "f", None, LONG + 1, None),
            (person, "m", None, None, None),
        ]
        assert db.execute("SELECT count(*) FROM sqlite_temp_master").fetchone() == (0,)
        with writing(db, ACTOR) as w:
            assert w.insert("person", sex="f") == person + 1


def test_of_marks_only_the_groups_foreseen_are_copied() -> None:
    db = a_store()
    with writing(db, ACTOR) as w:
        scale = w.insert("grading_scale", code="three", minimum=1, maximum=3)
        year = w.insert("academic_year", start=20_000, end=20_300)
        subject = w.insert("subject", code="x")
        of = w.insert("class_group", year=year, grade=5)
        groups = [w.insert("subject_group", class_group=of, subject=subject, scale=scale) for _ in "ab"]
        pupil = w.insert("person", sex="f")
        w.put("pupil", person=pupil)
        for group in groups:
            w.put("mark", subject_group=group, day=20_001, period=1, pupil=pupil, slot=0, value=2)
    with rehearsing(db) as w:
        for group in groups:
            key = {"subject_group": group, "day": 20_001, "period": 1, "pupil": pupil, "slot": 0}
            with pytest.raises(OutsideScale):
                w.put("mark", **key, value=4)
            assert w.put("mark", **key | {"period": 2}, value=3)
            assert not w.put("mark", **key, value=2), "it was there already"
            w.foresee(MARK, tuple(key.values()))
            marks = "SELECT period, value FROM mark WHERE subject_group = ? ORDER BY period"
            assert db.execute(marks, (group,)).fetchall() == [(1, 2), (2, 3)]
    assert db.execute("SELECT count(*) FROM mark").fetchone() == (2,)
