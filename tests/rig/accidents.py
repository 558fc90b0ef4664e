"""The table at the end of a run: which accidents were tried, how often, and how many promises they broke.

A test leaves its figures among its properties, with which they also come from the processes of pytest-xdist.
"""

from __future__ import annotations

import pytest

PROPERTY = "accidents"


class AccidentTable:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, int, int, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes the figures of a test that is over: its name, what was tried, what was broken, and what else is to be seen."""
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name == PROPERTY and isinstance(value, list | tuple):
                    self._rows.append((str(value[0]), int(value[1]), int(value[2]), str(value[3])))

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the table, if there is something to be told."""
        if not self._rows:
            return
        terminalreporter.section(PROPERTY)
        rows = sorted(self._rows)
        rows.append(("in all", sum(row[1] for row in rows), sum(row[2] for row in rows), ""))
        width = max(len(row[0]) for row in rows)
        for name, tried, violations, figures in rows:
            terminalreporter.line(f"{name:{width}}  {tried:5} tried  {violations:3} violations  {figures}".rstrip())
