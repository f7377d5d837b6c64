"""What every test may use: the private PostgreSQL cluster, Hypothesis without deadlines.

In continuous integration nothing is skipped.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings

from tests.requirements import IN_CI

pytest_plugins = ["tests.postgres"]

# A slow machine fails no test.
settings.register_profile("mektep", deadline=None, derandomize=IN_CI)
settings.load_profile("mektep")


def _left_out(config: pytest.Config) -> Counter[str]:
    """How many tests were skipped for each reason, over all workers."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    reports = terminal.stats.get("skipped", []) if terminal else []
    return Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)


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
