"""The queues behind `freeswitch.EventConsumer`. They are the switch's: it fills them whether or not a script looks.

Source: `EventConsumer` in FreeSWITCH `src/switch_cpp.cpp`. There is no filter but name and subclass: every event of
every call that matches is queued, each as a copy of its own; what does not fit into a full queue is dropped and logged.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from mocks.esl.event import EVENT_NAMES, Event
from mocks.host.mishap import Mishaps

LOG_WARNING = 4
LOG_ERROR = 3


class EventSource(Protocol):
    """The part of the switch that a queue needs."""

    def subscribe(
        self, event_name: str, subclass: str | None, sink: Callable[[Event], None]
    ) -> Callable[[], None]: ...
    def log(self, level: int, text: str) -> None: ...


class EventQueue:
    """One consumer: at most `length` events wait in it."""

    def __init__(self, source: EventSource, length: int, mishaps: Mishaps | None = None) -> None:
        self._source = source
        self._mishaps = mishaps or Mishaps()
        self._length = length
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._unsubscribe: list[Callable[[], None]] = []
        self._open = True

    def bind(self, name: str | None, subclass: str | None) -> int:
        """Receive events called `name` (in any case) with that subclass (None: any); 1, or 0 for an unknown name."""
        if not self._open:
            return 0
        if name is None or name.upper() not in EVENT_NAMES:
            self._source.log(LOG_WARNING, f"Can't bind to {name}, event not found")
            return 0
        self._unsubscribe.append(self._source.subscribe(name.upper(), subclass or None, self._arrive))
        return 1

    def _arrive(self, event: Event) -> None:
        self._mishaps.deliver(event, self._push)

    def _push(self, event: Event) -> None:
        with self._changed:
            full = len(self._events) >= self._length
            if self._open and not full:
                self._events.append(event.copy())
                self._changed.notify()
        if full:
            self._source.log(LOG_ERROR, "Cannot queue any more events.....")

    def pop(self, block: bool, timeout_ms: int) -> Event | None:
        """The oldest event; without `block` None if there is none now, with it after `timeout_ms` (0: never)."""
        with self._changed:
            if block:
                seconds = timeout_ms / 1000 if timeout_ms > 0 else None
                self._changed.wait_for(lambda: self._events or not self._open, seconds)
            return self._events.popleft() if self._events and self._open else None

    def close(self) -> None:
        """No more events: unbind everything, forget what waits, wake who waits."""
        with self._changed:
            self._open = False
            unsubscribe, self._unsubscribe = self._unsubscribe, []
            self._events.clear()
            self._changed.notify_all()
        for undo in unsubscribe:
            undo()


class Consumers:
    """All queues of one interpreter, by the number a script's object knows them by."""

    def __init__(self, source: EventSource, mishaps: Mishaps | None = None) -> None:
        self._source = source
        self._mishaps = mishaps
        self._numbers = itertools.count(1)
        self._queues: dict[int, EventQueue] = {}

    def open(self, length: int) -> int:
        """A new queue; its number."""
        number = next(self._numbers)
        self._queues[number] = EventQueue(self._source, length, self._mishaps)
        return number

    def get(self, number: int) -> EventQueue | None:
        """The queue with that number, None once it is closed."""
        return self._queues.get(number)

    def close(self, number: int) -> None:
        """Close one queue; nothing happens if it is closed already."""
        queue = self._queues.pop(number, None)
        if queue is not None:
            queue.close()

    def close_all(self) -> None:
        """The interpreter is gone: close what it left."""
        for number in list(self._queues):
            self.close(number)
