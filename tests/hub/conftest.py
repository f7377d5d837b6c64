"""Every test of the hub runs on a SQLCipher file and on real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.storage import Hub
from tests.world import a_hub


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hub]:
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    hub = a_hub(tmp_path / "hub", database)
    yield hub
    hub.close()
