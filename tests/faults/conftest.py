"""The helpers' assertions explain themselves as those of the tests do."""

import pytest

pytest.register_assert_rewrite(
    "tests.faults.histories", "tests.faults.processes", "tests.faults.town", "tests.faults.workers"
)
