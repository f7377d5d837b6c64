"""The private PostgreSQL cluster keeps tests apart and sorts as SQLite does."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("time", ["first", "again"])
def test_every_database_is_new(postgres_url: str, time: str) -> None:
    with create_engine(postgres_url).begin() as connection:
        connection.execute(text("CREATE TABLE school (name TEXT)"))
        connection.execute(text("INSERT INTO school VALUES (:name)"), {"name": time})
        assert connection.execute(text("SELECT name FROM school")).all() == [(time,)]


def test_text_sorts_by_code_point(postgres_url: str) -> None:
    words = ["Z", "a", "Ө", "б", "ү"]
    with create_engine(postgres_url).connect() as connection:
        statement = text("SELECT word FROM unnest(CAST(:words AS TEXT[])) AS w(word) ORDER BY word")
        assert list(connection.execute(statement, {"words": words}).scalars()) == sorted(words)


def test_the_server_has_no_address(postgres_url: str) -> None:
    with create_engine(postgres_url).connect() as connection:
        assert connection.execute(text("SHOW listen_addresses")).scalar() == ""
