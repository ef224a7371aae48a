"""In CI a skipped test is a failure, unless it needs the real data and those aren't there.

Or unless it needs root: what only root does, others need not fear.
"""

import os

import pytest

EXCUSES = ("real data are not here", "only root")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in _unexcused(terminalreporter):
        terminalreporter.write_line(f"SKIPPED COUNTS AS FAILED IN CI {report.nodeid}", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus == 0 and reporter is not None and _unexcused(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unexcused(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    if os.environ.get("CI", "").lower() not in ("1", "true"):
        return []
    skipped = reporter.stats.get("skipped", [])
    return [
        report
        for report in skipped
        if not any(excuse in str(report.longrepr) for excuse in EXCUSES)
    ]
