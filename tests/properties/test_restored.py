"""A hub put back from an old backup, at any moment: its schools complete it, nothing is lost, all end alike."""

import pytest

from tests.properties.restored import history

HISTORIES, IN_A_BATCH = 60, 20


@pytest.mark.parametrize("first", range(0, HISTORIES, IN_A_BATCH))
def test_schools_complete_a_hub_put_back(first):
    for seed in range(first, first + IN_A_BATCH):
        try:
            history(seed)
        except Exception as error:
            raise AssertionError(f"history {seed}: {error!r}") from error
