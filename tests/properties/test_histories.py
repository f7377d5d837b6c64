"""Whatever happens between the nodes of a school and the hub, in the end all hold the same and nothing is lost."""

import os

import pytest

from tests.properties.histories import judge, new_world, play, settle
from tests.world import a_hub

FULL = os.environ.get("MEKTEP_FAULTS") == "full"
BATCHES = 500 if FULL else 12
IN_A_BATCH = 20


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = a_hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.close()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_histories_end_alike(hub, batch):
    for seed in range(batch * IN_A_BATCH, (batch + 1) * IN_A_BATCH):
        world = new_world(hub, seed, forks=seed % 3 != 0)
        try:
            play(world, 12 + seed % 30)
            settle(world)
            judge(world)
        except Exception as error:
            raise AssertionError(f"history {seed}: {error}") from error
