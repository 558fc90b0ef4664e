"""Wakes the supervisor, which otherwise looks around a few times a second only, when there is something to do at once.

One eventfd(2) for the process: ringing it costs a system call, from any thread, and nobody ever waits.
"""

from __future__ import annotations

import os
from contextlib import suppress


class Bell:
    """Rung by whoever has work for the supervisor."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._fd

    def ring(self) -> None:
        """Once or often: it is heard once."""
        with suppress(BlockingIOError):
            os.eventfd_write(self._fd, 1)

    def hear(self) -> None:
        """Takes notice of it; it is silent then until it is rung again."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)


BELL = Bell()
