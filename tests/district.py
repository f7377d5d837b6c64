"""A hub of a test's own, and the address at which it is served; loaded by `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.storage import Hub
from tests.serving import Gate, serving
from tests.world import a_hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = a_hub(tmp_path / "hub")
    yield hub
    hub.close()


@pytest.fixture
def gate(hub: Hub) -> Gate:
    return Gate(hub)


@pytest.fixture
def hub_address(gate: Gate) -> Iterator[str]:
    with serving(gate) as address:
        yield address
        gate.open()
