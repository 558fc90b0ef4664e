"""SIGTERM and SIGINT: faxq's way to say that the user wants the job ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from gofaxpy.send import syslogged

NO_WAKE = -1


class AbortFlag:
    """Set by the first of these signals, and from then on.

    ``wake`` is a descriptor that is readable from then on, so that a function that waits for something else need not look at
    the flag again and again (signal.set_wakeup_fd of Python's library).  There is one such flag in a process.
    """

    def __init__(self) -> None:
        self.set = False
        self.wake = NO_WAKE
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def open(self) -> None:
        """Makes the descriptor.  Only when 0, 1 and 2 are there: it must not become one of them.  Raises OSError."""
        self.wake, end = os.pipe()
        os.set_blocking(end, False)
        signal.set_wakeup_fd(end, warn_on_full_buffer=False)
        if self.set:
            os.write(end, b"\0")

    def _on_signal(self, number: int, frame: object) -> None:
        self.set = True
        syslogged.error(f"CAUGHT SIGNAL {number}")

    def __call__(self) -> bool:
        return self.set


def wake_of(aborted: Callable[[], bool]) -> int:
    """What to wait for besides; NO_WAKE where ``aborted`` has nothing of the kind and has to be asked again and again."""
    return aborted.wake if isinstance(aborted, AbortFlag) else NO_WAKE
