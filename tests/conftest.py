"""What every test may use: the private PostgreSQL cluster, a hub, Hypothesis without deadlines.

In continuous integration nothing is skipped.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from shared import crypto
from tests.requirements import IN_CI

pytest_plugins = ["tests.postgres", "tests.district"]

# A slow machine fails no test.
settings.register_profile("mektep", deadline=None, derandomize=IN_CI)
settings.load_profile("mektep")

COSTS = {"PASSPHRASE_COST": crypto.PASSPHRASE_COST, "PASSWORD_COST": crypto.PASSWORD_COST}
CHEAP = crypto.Cost(2**4)


@pytest.fixture(scope="session", autouse=True)
def cheap_guesses() -> Iterator[None]:
    """In the processes of the tests a guess at a password costs next to nothing: they sign in thousands of times."""
    with pytest.MonkeyPatch.context() as patch:
        for name in COSTS:
            patch.setattr(crypto, name, CHEAP)
        patch.setattr(crypto, "DUMMY_HASH", crypto.hash_password("nobody"))
        yield


@pytest.fixture
def real_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """For one test, guesses cost what they do in schools."""
    for name, cost in COSTS.items():
        monkeypatch.setattr(crypto, name, cost)


def _left_out(config: pytest.Config) -> Counter[str]:
    """How many tests were skipped for each reason, over all workers."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    reports = terminal.stats.get("skipped", []) if terminal else []
    return Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)


LONGEST = ("properties", "faults", "browser")
"""The folders whose files take longest: they begin first, lest one worker be busy alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0]
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is here now stays to the end: the collector of garbage need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In continuous integration a skipped test fails the run: whatever it needs must be installed there."""
    if IN_CI and _left_out(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason, count in sorted(_left_out(config).items()):
        terminalreporter.write_line(f"Left out: {count} tests, because: {reason}", yellow=True)
    if IN_CI and _left_out(config):
        terminalreporter.write_line("In continuous integration no test may be left out.", red=True)
