"""What is wrong with a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoil:
    """Faults of one line.  Times are seconds of line time since the line began to carry sound.

    `noise`: amplitude of white noise on whatever is said, 1 is full scale (0.003 makes the modems train again).
    `cuts`: (start, length) of silences in both directions.  `hangup_after_pages`: the line is cut as soon as so many
    pages were confirmed; `hangup_after`: after so many seconds.  `stall`: the ends ("a" the caller, "b" the called)
    whose fax does not return although its result is there, until the call is hung up.
    """

    noise: float = 0.0
    cuts: tuple[tuple[float, float], ...] = ()
    hangup_after_pages: int | None = None
    hangup_after: float | None = None
    stall: str = ""


CLEAN = Spoil()
"""A line without faults."""
