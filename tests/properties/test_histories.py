"""Whatever happens between the nodes of schools and a hub, in the end all hold the same and nothing is lost."""

import pytest

from tests.properties.histories import history
from tests.properties.model import Impossible
from tests.properties.rules import RULES

HISTORIES = 200
IN_A_BATCH = 20
ENOUGH = 100
"""Histories within which the lack of any rule shows."""
FIRST = {"cut before apply": 60}
"""Where the search begins, if not with the first history: what this rule guards against is rare."""


@pytest.mark.parametrize("first", range(0, HISTORIES, IN_A_BATCH))
def test_engine_and_model_agree_and_all_end_alike(first):
    """`python -m tests.properties` plays ten thousand."""
    for seed in range(first, first + IN_A_BATCH):
        try:
            history(seed)
        except Exception as error:
            raise AssertionError(f"history {seed}: {error!r}") from error


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_model_that_lacks_a_rule_is_found_out(rule):
    with pytest.raises((AssertionError, Impossible)):
        for seed in range(FIRST.get(rule, 0), ENOUGH):
            history(seed, RULES - {rule})
