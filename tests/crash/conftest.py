"""How much of the matrices is tried: a part in ``make test``, all of it with ``make crash`` (CRASH=all)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

from crash.audit import Audit
from hylafax.conftest import document as paper
from hylafax.conftest import hylafax, make_server
from scenario.conftest import document, make_house

T = TypeVar("T")
ALL = os.environ.get("CRASH") == "all"
__all__ = ["document", "hylafax", "make_house", "make_server", "paper"]


class Tries:
    """The accidents of one test: each is tried, and what the auditor finds is collected under its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.violations: list[str] = []

    def note(self, accident: object, audit: Audit) -> None:
        """One accident and what came of it."""
        self.count += 1
        self.violations += [f"{accident}: {text}" for text in audit.violations]

    def must_be_none(self, least: int) -> None:
        """Fails with all violations; also if fewer than ``least`` accidents were tried."""
        assert self.count >= least, f"only {self.count} accidents were tried"
        assert not self.violations, "\n".join(self.violations)


_all: list[Tries] = []


@pytest.fixture
def tries(request: pytest.FixtureRequest) -> Tries:
    """Counts the accidents of this test for the table at the end."""
    _all.append(Tries(request.node.name))
    return _all[-1]


def some(items: Sequence[T], step: int) -> Sequence[T]:
    """All of them with CRASH=all, else every ``step``-th, with another start in each run of a list of another length."""
    return items if ALL else items[len(items) % step :: step]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table: what was tried, how often, and how many promises were broken."""
    if not _all:
        return
    terminalreporter.section("accidents")
    width = max(len(made.name) for made in _all)
    for made in _all:
        terminalreporter.line(f"{made.name:{width}}  {made.count:5} tried  {len(made.violations):3} violations")
    tried, violations = sum(made.count for made in _all), sum(len(made.violations) for made in _all)
    terminalreporter.line(f"{'in all':{width}}  {tried:5} tried  {violations:3} violations")
