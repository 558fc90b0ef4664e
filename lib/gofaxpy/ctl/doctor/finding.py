"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"           # could not be looked at, or was not asked for
    WARNING = "warning"     # works, but not for long, not for everybody, or not safely
    PROBLEM = "problem"     # faxes fail


@dataclass(frozen=True, slots=True)
class Finding:
    """``check`` names what was looked at, ``text`` says what was found, ``remedy`` what to do, in one line."""

    check: str
    level: Level
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """All well."""
    return Finding(check, Level.OK, text)


def note(check: str, text: str, remedy: str = "") -> Finding:
    """Not looked at."""
    return Finding(check, Level.NOTE, text, remedy)


def warning(check: str, text: str, remedy: str) -> Finding:
    """Not good."""
    return Finding(check, Level.WARNING, text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    """Wrong."""
    return Finding(check, Level.PROBLEM, text, remedy)
