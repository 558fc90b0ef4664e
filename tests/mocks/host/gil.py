"""Who stopped all Python in the switch, how often and for how long.

A call of mod_python3 that waits without releasing the interpreter lock stops every other handler of the switch. The
interpreter of the stand-in really stands still during such calls; this is where it is noticed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Seconds from which on a hold is reported and counted: less than that nobody notices.
REPORT_AFTER = 0.02
#: Seconds after which a hold that still lasts is reported for the first time: it may be a deadlock.
STILL_AFTER = 5.0

LOG_WARNING = 4
LOG_ERROR = 3


@dataclass(slots=True)
class Holds:
    """What one kind of call did: how many holds worth reporting, their sum and the longest (seconds)."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0


@dataclass(eq=False, slots=True)
class _Hold:
    what: str
    where: str
    since: float
    reported: bool = False


class GilWatch:
    """Measures holds of the interpreter lock; `log(level, text)` gets a line for each that lasted."""

    def __init__(self, log: Callable[[int, str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._now: set[_Hold] = set()
        self._holds: dict[str, Holds] = {}

    @contextmanager
    def hold(self, what: str, where: str) -> Iterator[None]:
        """Around the work for a call that keeps the lock: `what` is the call, `where` the script and thread."""
        hold = _Hold(what, where, self._clock())
        with self._lock:
            self._now.add(hold)
        try:
            yield
        finally:
            took = self._clock() - hold.since
            with self._lock:
                self._now.discard(hold)
            if took >= REPORT_AFTER:
                self._count(hold, took)

    def _count(self, hold: _Hold, took: float) -> None:
        with self._lock:
            holds = self._holds.setdefault(hold.what, Holds())
            holds.count += 1
            holds.total += took
            holds.longest = max(holds.longest, took)
        self._log(
            LOG_WARNING,
            f"GIL held for {took:.2f} s by {hold.what} in {hold.where}: all Python of the switch stood still",
        )

    def check(self) -> None:
        """Report holds that have lasted for `STILL_AFTER` seconds and go on (called about once a second)."""
        now = self._clock()
        with self._lock:
            stuck = [hold for hold in self._now if not hold.reported and now - hold.since >= STILL_AFTER]
            for hold in stuck:
                hold.reported = True
        for hold in stuck:
            self._log(
                LOG_ERROR,
                f"GIL held for {now - hold.since:.0f} s and still held by {hold.what} in {hold.where}: "
                "no script of the switch runs until that call returns",
            )

    def now(self) -> list[str]:
        """The calls that hold the lock in this moment (there is one at most, or the interpreter has just changed)."""
        with self._lock:
            return [hold.what for hold in self._now]

    def counts(self) -> dict[str, Holds]:
        """A copy of what was counted, by name of the call."""
        with self._lock:
            return {what: Holds(holds.count, holds.total, holds.longest) for what, holds in self._holds.items()}

    def report(self) -> str:
        """What was counted as text: one line per kind of call, longest sum first; empty if nothing was held."""
        rows = sorted(self.counts().items(), key=lambda row: -row[1].total)
        return "".join(
            f"{what}: {holds.count} times, {holds.total:.2f} s in all, {holds.longest:.2f} s at most\n"
            for what, holds in rows
        )
