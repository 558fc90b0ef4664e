"""Events on their way from the core to whoever asked for them.

As in FreeSWITCH (`src/switch_event.c`) an event gets its sequence number and date when it is fired, and is delivered
by a thread of its own, so that no listener can hold up a call. Delivery is in the order of the sequence numbers.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mocks.esl.event import CUSTOM, Event

Sink = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Identity:
    """What every event says of the switch it comes from."""

    core_uuid: str
    hostname: str
    ipv4: str = "127.0.0.1"
    ipv6: str = "::1"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in FreeSWITCH's source an event is fired: its Event-Calling-* headers."""

    file: str
    function: str
    line: int


class EventBus:
    """Stamps events, queues them, and delivers them to sinks. A sink must not change the event it gets."""

    def __init__(self, identity: Identity, on_error: Callable[[str], None]) -> None:
        self.identity = identity
        self._on_error = on_error
        self._sequence = 0
        self._queue: deque[Event | None] = deque()
        self._wake = threading.Condition()
        self._idle = True
        self._sinks: list[tuple[str, str | None, Sink]] = []
        self._thread = threading.Thread(target=self._deliver, name="event dispatch", daemon=True)
        self._thread.start()

    def fire(self, event: Event, origin: Origin = Origin("stand-in", "fire", 0)) -> None:
        """Stamp and queue an event. Its own headers follow those of the switch."""
        with self._wake:
            self._sequence += 1
            stamp = self._stamp(event, origin)
            own = {name for name, _ in stamp}
            event.headers = stamp + [pair for pair in event.headers if pair[0] not in own]
            self._queue.append(event)
            self._wake.notify_all()

    def subscribe(self, name: str, subclass: str | None, sink: Sink) -> Callable[[], None]:
        """Hand events called `name` (`ALL`: every event) to `sink`; returns what ends the subscription.

        For CUSTOM events `subclass` None or "" means every subclass.
        """
        entry = (name.upper(), subclass or None, sink)
        with self._wake:
            self._sinks = [*self._sinks, entry]

        def unsubscribe() -> None:
            with self._wake:
                self._sinks = [other for other in self._sinks if other is not entry]

        return unsubscribe

    def drain(self, timeout: float) -> bool:
        """Wait until everything fired so far has been delivered; False when that took longer than `timeout` s."""
        with self._wake:
            return self._wake.wait_for(lambda: self._idle and not self._queue, timeout)

    def close(self) -> None:
        """Deliver what is queued, then end the dispatch thread."""
        with self._wake:
            self._queue.append(None)
            self._wake.notify_all()
        self._thread.join(5)

    def _stamp(self, event: Event, origin: Origin) -> list[tuple[str, str]]:
        now = time.time()
        stamp = [
            ("Event-Name", event.name),
            ("Core-UUID", self.identity.core_uuid),
            ("FreeSWITCH-Hostname", self.identity.hostname),
            ("FreeSWITCH-Switchname", self.identity.hostname),
            ("FreeSWITCH-IPv4", self.identity.ipv4),
            ("FreeSWITCH-IPv6", self.identity.ipv6),
            ("Event-Date-Local", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))),
            ("Event-Date-GMT", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))),
            ("Event-Date-Timestamp", str(int(now * 1e6))),
            ("Event-Calling-File", origin.file),
            ("Event-Calling-Function", origin.function),
            ("Event-Calling-Line-Number", str(origin.line)),
            ("Event-Sequence", str(self._sequence)),
        ]
        if event.name == CUSTOM and event.subclass:
            stamp.insert(0, ("Event-Subclass", event.subclass))
        return stamp

    def _deliver(self) -> None:
        while True:
            with self._wake:
                self._idle = True
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._queue)
                event = self._queue.popleft()
                self._idle = False
                sinks = self._sinks
            if event is None:
                return
            for name, subclass, sink in sinks:
                if name in ("ALL", event.name) and (subclass is None or subclass == event.subclass):
                    self._hand_over(event, sink)

    def _hand_over(self, event: Event, sink: Sink) -> None:
        try:
            sink(event)
        except Exception as error:  # one listener's mishap must not stop the events of the others
            self._on_error(f"a listener failed on {event!r}: {error!r}")
