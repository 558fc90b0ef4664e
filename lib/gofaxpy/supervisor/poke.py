"""When faxq's scheduler is woken: some seconds after a call or job has ended, or modems were announced.

faxq 6.0.7 may leave a job lying that is submitted right after such news (faxQueueApp.c++, SchedTimeout::start).
"""

from __future__ import annotations

POKE_AFTER = 3.0        # seconds


class Poke:
    """One poke for all news that comes within :data:`POKE_AFTER`, and another one if some of it came after the first."""

    def __init__(self) -> None:
        self._news = (0, 0)
        self._at = 0.0              # when the next poke is due; 0: there was no news
        self._again = False         # there was news since that time was set

    def is_due(self, now: float, announcements: int, finished: int) -> bool:
        """Whether faxq is to be poked now.  ``now`` is a monotonic clock's.

        News is a change of the numbers of announcements and of finished calls so far.  More news does not put off a poke.
        """
        news = announcements, finished
        if news != self._news:
            self._news = news
            if self._at:
                self._again = True
            else:
                self._at = now + POKE_AFTER
        if not self._at or now < self._at:
            return False
        self._at = now + POKE_AFTER if self._again else 0.0
        self._again = False
        return True
