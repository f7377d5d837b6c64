"""Node and hub are killed at any moment; what was acknowledged stays, and a sync never says 'done' when it is not."""

import os

import pytest

from tests.faults.histories import History

FULL = os.environ.get("MEKTEP_FAULTS") == "full"
ON_SQLCIPHER, ON_POSTGRESQL = (150, 50) if FULL else (14, 6)

pytestmark = pytest.mark.faults


def run(history: History) -> None:
    try:
        history.run()
    except BaseException:
        print(f"seed {history.seed}; everything lies in {history.home}")
        raise
    assert history.kills > 0


@pytest.mark.parametrize("seed", range(ON_SQLCIPHER))
def test_history(tmp_path, seed):
    run(History(tmp_path, seed))


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(1000, 1000 + ON_POSTGRESQL))
def test_history_on_postgresql(tmp_path, postgres_url, seed):
    run(History(tmp_path, seed, postgres_url))
