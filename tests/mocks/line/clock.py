"""Line time: how fast the stand-in's seconds go by."""

from __future__ import annotations

import threading
import time

FAST = 50.0
"""How many times faster plain waits (ringing, ``sleep``) are where T.30 runs as fast as the CPU goes."""


class Clock:
    """Line time that runs ``speed`` times as fast as the wall clock.

    ``speed`` 1 is real time.  None lets T.30 exchanges run as fast as the CPU goes; everything else that waits in
    line time then waits at 50 times real time.  Raises ValueError if ``speed`` is not more than 0.
    """

    def __init__(self, speed: float | None) -> None:
        if speed is not None and not speed > 0:
            raise ValueError(f"speed is {speed}: it must be more than 0, or None for as fast as the CPU goes")
        self.speed = speed
        self._factor = FAST if speed is None else speed
        self._began = time.monotonic()

    def now(self) -> float:
        """Seconds of line time since the clock was made."""
        return (time.monotonic() - self._began) * self._factor

    def sleep(self, seconds: float, until: threading.Event | None = None) -> bool:
        """Wait for ``seconds`` of line time, but no longer than until the event is set; True if it is."""
        wall = max(seconds, 0.0) / self._factor
        if until is not None:
            return until.wait(wall)
        time.sleep(wall)
        return False
