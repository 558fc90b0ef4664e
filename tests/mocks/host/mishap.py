"""What may befall one event on its way to the scripts, for tests: it is lost, comes twice, changes places, or comes late.

FreeSWITCH loses events where a queue is full, and one thread that delivers may overtake another (`switch_event.c`,
`switch_event_dispatch_thread`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from mocks.esl.event import Event

KINDS = ("lost", "twice", "swapped", "late")
LATE = 1.5
"""Seconds; longer than a handler waits for its last events."""

Put = Callable[[Event], None]


class Mishaps:
    """One mishap at a time, arranged for the nth event (from 0) that is queued from then on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kind = ""
        self._nth = 0
        self._kept: tuple[Event, Put] | None = None
        self.count = 0

    def arrange(self, kind: str, nth: int) -> None:
        """`kind` is one of KINDS, or "" for none; events are counted anew."""
        with self._lock:
            self._kind, self._nth, self.count, self._kept = kind, nth, 0, None

    def deliver(self, event: Event, put: Put) -> None:
        """Hand `event` to `put`, or do to it what is arranged."""
        with self._lock:
            hit = self._kind if self.count == self._nth else ""
            self.count += 1
            kept, self._kept = self._kept, (event, put) if hit == "swapped" else None
        match hit:
            case "lost" | "swapped":
                pass
            case "late":
                timer = threading.Timer(LATE, put, [event])
                timer.daemon = True
                timer.start()
            case "twice":
                put(event)
                put(event)
            case _:
                put(event)
        if kept is not None:
            kept[1](kept[0])
