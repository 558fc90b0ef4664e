"""How much of the matrices is tried: a part in ``make test``, all of it with ``make crash`` (CRASH=all)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest

from crash.audit import Audit
from hylafax.conftest import document as paper
from hylafax.conftest import hylafax, make_server
from rig.accidents import PROPERTY
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
        self.figures = ""

    def note(self, accident: object, audit: Audit) -> None:
        """One accident and what came of it."""
        self.count += 1
        self.violations += [f"{accident}: {text}" for text in audit.violations]

    def must_be_none(self, least: int) -> None:
        """Fails with all violations; also if fewer than ``least`` accidents were tried."""
        assert self.count >= least, f"only {self.count} accidents were tried"
        assert not self.violations, "\n".join(self.violations)


@pytest.fixture
def tries(request: pytest.FixtureRequest) -> Iterator[Tries]:
    """Counts the accidents of this test for the table at the end (:mod:`rig.accidents`)."""
    made = Tries(request.node.name)
    yield made
    request.node.user_properties.append((PROPERTY, (made.name, made.count, len(made.violations), made.figures)))


def some(items: Sequence[T], step: int) -> Sequence[T]:
    """All of them with CRASH=all, else every ``step``-th, with another start in each run of a list of another length."""
    return items if ALL else items[len(items) % step :: step]
