"""A hundred nodes push at once from several processes; the hub has one writer and refuses nobody."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hub import schools
from hub.log import HubLog
from hub.storage import open_hub
from tests.faults import judge, workers
from tests.faults.crowd import ROWS, fingerprint, push_together
from tests.faults.processes import start
from tests.world import a_hub

PROCESSES, NODES_EACH = 4, 25
WAIT_SECONDS = 120

pytestmark = pytest.mark.faults


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else None


def wait_for(*paths: Path) -> None:
    """Until all of them stand; AssertionError when one does not."""
    until = time.monotonic() + WAIT_SECONDS
    while not all(path.exists() for path in paths):
        assert time.monotonic() < until, [path.name for path in paths if not path.exists()]
        time.sleep(0.01)


def test_a_hundred_nodes_at_once_are_all_accepted_at_the_first_try(tmp_path, database):
    home, address, gate = tmp_path / "hub", tmp_path / "address", tmp_path / "gate"
    hub = a_hub(home, database)
    codes = [
        [
            schools.registration_code(hub, schools.add_school(hub, f"School {process}.{node}")).text
            for node in range(NODES_EACH)
        ]
        for process in range(PROCESSES)
    ]
    hub.close()
    served = start(workers.serve_hub, home, address, log=tmp_path / "hub.log")
    wait_for(address)
    ready = [tmp_path / f"ready{process}" for process in range(PROCESSES)]
    told = [tmp_path / f"told{process}" for process in range(PROCESSES)]
    crowd = [
        start(push_together, address.read_text(), *some, log=tmp_path / f"{some[2].name}.log")
        for some in zip(codes, [gate] * PROCESSES, ready, told, strict=True)
    ]
    wait_for(*ready)
    gate.touch()
    for worker in crowd:
        assert worker.wait().process.exitcode == 0
    served.kill()

    pushes = [line for path in told for line in judge.lines(path)]
    assert [push["outcome"] for push in pushes] == ["done"] * PROCESSES * NODES_EACH
    assert [push["tries"] for push in pushes] == [[""]] * PROCESSES * NODES_EACH
    # They met: every one had begun before the first was through with all its process' nodes.
    assert max(push["begun"] for push in pushes) < sorted(push["ended"] for push in pushes)[NODES_EACH]
    hub = open_hub(home)
    with hub.read() as connection:
        for push in pushes:
            there = list(HubLog(connection, push["school"], hub.signer).dump())
            assert len(there) == ROWS
            assert fingerprint(there) == push["dump"]
    hub.close()
