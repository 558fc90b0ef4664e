"""Wakes the supervisor at once.  Without this it wakes a few times a second only.

It is one eventfd(2) for the process.  Any thread can signal it; that costs one system call and never waits.
"""

from __future__ import annotations

import os
from contextlib import suppress


class Wakeup:
    """Signalled by a thread that has work for the supervisor."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._fd

    def wake(self) -> None:
        """Makes the descriptor readable.  Several signals before :meth:`clear` count as one."""
        with suppress(BlockingIOError):
            os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """The supervisor is awake: the descriptor is not readable any more, until the next :meth:`wake`."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)


WAKEUP = Wakeup()
