"""What every test may use: the private PostgreSQL cluster. In continuous integration nothing is skipped."""

from __future__ import annotations

import pytest

from tests.requirements import IN_CI

pytest_plugins = ["tests.postgres"]


def _skipped_in_ci(config: pytest.Config) -> bool:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    return IN_CI and terminal is not None and bool(terminal.stats.get("skipped"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In continuous integration a skipped test fails the run: whatever it needs must be installed there."""
    if _skipped_in_ci(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _skipped_in_ci(config):
        terminalreporter.write_line(
            "Tests were skipped; in continuous integration that is a failure.", red=True
        )
