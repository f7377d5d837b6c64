"""Every test of the hub runs on a SQLCipher file and on real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from hub import create_app, tables
from hub.directory.actions import School as Entry
from hub.directory.actions import save_school
from hub.schools import find_or_add_district
from hub.storage import Hub
from sync.writer import Writer, writing
from tests.serving import Visit
from tests.world import School, a_hub, a_school


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hub]:
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    hub = a_hub(tmp_path / "hub", database)
    yield hub
    hub.close()


@pytest.fixture
def app(hub: Hub) -> Flask:
    return create_app(hub)


@pytest.fixture
def administrator(app: Flask) -> Visit:
    return Visit(app, "district")


@pytest.fixture
def officer(app: Flask, hub: Hub) -> Visit:
    """An officer who chose a password long ago."""
    with hub.write() as connection:
        stored = connection.exec_driver_sql("SELECT password FROM hub_account WHERE id = 1").scalar_one()
        values = {
            "login": "officer",
            "name": "Айгүл",
            "duty": "officer",
            "language": "en",
            "password": stored,
        }
        connection.execute(tables.hub_account.insert().values(**values))
    return Visit(app, "officer")


GIRLS, BOYS = 12, 9
"""Pupils of class 7-А; 7-Б has two girls and seven boys."""


@pytest.fixture
def school(tmp_path: Path, hub: Hub) -> School:
    """School 8 of the district Сузак, synced: two classes of a year, their results in mathematics."""
    school = a_school(tmp_path / "school", hub, "School 8")
    names = {"name_ky": "№ 8 мектеп", "name_ru": "Школа № 8", "name_en": "School 8"}
    save_school(hub, Entry(names, 8, "secondary", find_or_add_district(hub, "Сузак")), school.id)
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        two_classes(w)
    assert school.sync().outcome == "done"
    return school


def two_classes(w: Writer) -> None:
    """The classes 7-А and 7-Б in the latest school year, with their results."""
    one = lambda sql: w.db.execute(sql).fetchone()  # noqa: E731
    year, start = one("SELECT id, start FROM academic_year ORDER BY start DESC LIMIT 1")
    (term,) = one(f"SELECT id FROM term WHERE year = {year} AND kind = 'year'")
    (subject,) = one("SELECT id FROM subject WHERE code = 'mat'")
    (scale,) = one("SELECT id FROM grading_scale WHERE code = 'five'")
    for letter, girls, boys in (("А", GIRLS, BOYS), ("Б", 2, 7)):
        group = w.insert("class_group", year=year, grade=7, letter=letter, language="ky")
        taught = w.insert("subject_group", class_group=group, subject=subject, scale=scale)
        for place in range(girls + boys):
            pupil = w.insert("person", sex="f" if place < girls else "m", birth_year=2012)
            w.put("pupil", person=pupil, language="ky")
            w.insert("enrolment", pupil=pupil, class_group=group, start=start)
            mark = 5 if place % 2 else 3
            w.put(
                "term_result",
                subject_group=taught,
                pupil=pupil,
                term=term,
                value=mark,
                band=mark,
                status="assessed",
            )
