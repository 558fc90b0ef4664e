"""Things that happen later (in line time) or elsewhere (in a thread that holds no lock)."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from typing import Protocol


class ClockLike(Protocol):
    """Line time in seconds, and sleeping in it."""

    def now(self) -> float:
        """Seconds of line time since the switch started."""

    def sleep(self, seconds: float, until: threading.Event | None = None) -> bool:
        """Wait; True if `until` was set first."""


class Scheduler:
    """One thread that runs what is due. What it runs must be short: it serves all calls."""

    def __init__(self, clock: ClockLike, on_error: Callable[[str], None]) -> None:
        self._clock = clock
        self._on_error = on_error
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._numbers = count()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def defer(self, action: Callable[[], None]) -> None:
        """Run `action` as soon as possible."""
        self._put(-1.0, action)

    def after(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run `action` after so many seconds of line time; returns what cancels it."""
        number = self._put(self._clock.now() + max(0.0, seconds), action)

        def cancel() -> None:
            with self._lock:
                if any(entry[1] == number for entry in self._heap):
                    self._cancelled.add(number)

        return cancel

    def close(self) -> None:
        """Stop; what was still to come is dropped."""
        with self._lock:
            self._closed = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _put(self, when: float, action: Callable[[], None]) -> int:
        number = next(self._numbers)
        with self._lock:
            heapq.heappush(self._heap, (when, number, action))
        self._wake.set()
        return number

    def _run(self) -> None:
        while True:
            self._wake.clear()
            action: Callable[[], None] | None = None
            pause: float | None = None
            with self._lock:
                if self._closed:
                    return
                if self._heap:
                    pause = self._heap[0][0] - self._clock.now()
                    if pause <= 0:
                        _, number, action = heapq.heappop(self._heap)
                        if number in self._cancelled:
                            self._cancelled.discard(number)
                            continue
            if action is not None:
                self._perform(action)
            elif pause is None:
                self._wake.wait()
            else:
                self._clock.sleep(pause, until=self._wake)

    def _perform(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # one call's mishap must not stop the timers of the others
            self._on_error(f"scheduled action failed: {error!r}")
