"""Line time: how fast the stand-in's seconds go by."""

from __future__ import annotations

import threading
import time

FAST = 50.0
"""How many times faster plain waits are (ringing, `sleep`) where the fax itself runs as fast as the CPU goes."""


class Clock:
    """`speed` 1 is real time, 20 twenty times that; None is as fast as the CPU goes."""

    def __init__(self, speed: float | None) -> None:
        if speed is not None and speed <= 0:
            raise ValueError("the speed of the line must be more than 0")
        self.speed = speed
        self._factor = FAST if speed is None else speed
        self._began = time.monotonic()

    def now(self) -> float:
        """Seconds of line time since the start."""
        return (time.monotonic() - self._began) * self._factor

    def sleep(self, seconds: float, until: threading.Event | None = None) -> bool:
        """Waits for `seconds` of line time, or until the event is set; True if it was."""
        wall = max(seconds, 0.0) / self._factor
        if until is None:
            time.sleep(wall)
            return False
        return until.wait(wall)
