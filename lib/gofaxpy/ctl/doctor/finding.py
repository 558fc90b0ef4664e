"""The findings of the checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"           # not examined: not possible, or not asked for
    WARNING = "warning"     # faxes go, but not for long, not for every user, or not safely
    PROBLEM = "problem"     # faxes fail


@dataclass(frozen=True, slots=True)
class Finding:
    """``check`` names what was examined, ``text`` says what was found, ``remedy`` what to do.  Each is one line."""

    check: str
    level: Level
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """A finding that all is well."""
    return Finding(check, Level.OK, text)


def note(check: str, text: str, remedy: str = "") -> Finding:
    """A finding that something was not examined."""
    return Finding(check, Level.NOTE, text, remedy)


def warning(check: str, text: str, remedy: str) -> Finding:
    """A finding that faxes go, but something should be changed."""
    return Finding(check, Level.WARNING, text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    """A finding that faxes fail."""
    return Finding(check, Level.PROBLEM, text, remedy)
