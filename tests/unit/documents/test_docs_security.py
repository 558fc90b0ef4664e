"""docs/security.md: each promise names the tests that hold it, and each test that it names exists."""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest

from rig.install import CHECKOUT
from rig.markdown import read

DOCUMENT = "docs/security.md"
BOUNDARIES = (
    "SIP peers and fax machines", "Users of HylaFAX", "Hook scripts", "Local users", "The user uucp", "The event socket",
    "Readers of reports, metrics, mails and logs",
)


def rows(chapter: str) -> list[list[str]]:
    """The cells of the rows of the chapter's table, without its head."""
    text = read(DOCUMENT).partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


PROMISES = [(chapter, row) for chapter in (*BOUNDARIES, "Links") for row in rows(chapter)]


@cache
def functions(path: str) -> frozenset[str]:
    """The tests in a file."""
    tree = ast.parse(Path(CHECKOUT, path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_each_boundary_has_its_promises() -> None:
    chapters = re.findall(r"^## (.+)$", read(DOCUMENT), re.M)
    assert chapters == [*BOUNDARIES, "Links", "What is not promised", "Hardening"]
    for chapter in (*BOUNDARIES, "Links"):
        assert len(rows(chapter)) >= 4, chapter


@pytest.mark.parametrize(("chapter", "row"), PROMISES, ids=[f"{at}-{chapter}" for at, (chapter, _) in enumerate(PROMISES)])
def test_each_promise_is_held_by_tests_that_there_are(chapter: str, row: list[str]) -> None:
    *said, held = row
    assert all(said) and len(said) == (3 if chapter == "Links" else 2)
    named = held.split(", ")
    for test in named:
        found = re.fullmatch(r"`(tests/[\w/]+/test_\w+\.py)::(test_\w+)`", test)
        assert found is not None, test
        assert os.path.exists(os.path.join(CHECKOUT, found[1])) and found[2] in functions(found[1]), test
