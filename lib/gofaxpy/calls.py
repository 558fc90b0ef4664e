"""The calls of this process that somebody watches: where the supervisor's events meet the handlers of the calls.

FreeSWITCH gives an EventConsumer every event of every call, so there is one in the process (the supervisor's) and it
hands each event to whoever watches that channel.  The registry is the one thing here that lives as long as the
process: handlers are separate scripts, loaded anew at every call, and this module is loaded once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

NEGOTIATE = ("spandsp::rxfaxnegociateresult", "spandsp::txfaxnegociateresult")
PAGE = ("spandsp::rxfaxpageresult", "spandsp::txfaxpageresult")
RESULT = ("spandsp::rxfaxresult", "spandsp::txfaxresult")

Listener = Callable[[str, Mapping[str, str]], None]


def _nobody(subclass: str, headers: Mapping[str, str]) -> None:
    """For a call that is only counted."""


@dataclass(slots=True)
class Seen:
    """What the events have told of one call so far.

    A second negotiation means that the modems had to train again (softmodem fallback goes by this).
    """

    uuid: str
    listener: Listener = _nobody
    limit: float = math.inf         # seconds that may pass without progress
    progress_at: float = field(default_factory=time.monotonic)
    negotiated: Mapping[str, str] = field(default_factory=dict)     # the headers of the last negotiation
    negotiations: int = 0
    pages: list[Mapping[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def take(self, subclass: str, headers: Mapping[str, str]) -> None:
        self.progress_at = time.monotonic()
        if subclass in NEGOTIATE:
            self.negotiations += 1
            self.negotiated = headers
        elif subclass in PAGE:
            self.pages.append(headers)
        elif subclass in RESULT:
            self.over.set()
        self.listener(subclass, headers)


class Calls:
    """Channel UUID → what is known of it.  Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._modems: dict[str, str] = {}       # modem → the incoming call that has it
        self._ended: dict[str, str] = {}        # call → why it is to end
        self.finished = 0           # incoming calls that are over
        self.attended = False       # somebody takes in events: the supervisor runs

    def wait_over(self, seen: Seen, timeout: float) -> None:
        """Until the result event of a fax that is over has come, and with it every event before; if any are to come."""
        if self.attended:
            seen.over.wait(timeout)

    @contextmanager
    def watch(self, uuid: str, listener: Listener = _nobody, limit: float = math.inf) -> Iterator[Seen]:
        """Collects the fax events of one channel for the time of the block.

        A call that shows no progress for ``limit`` seconds is ended by the supervisor.
        """
        seen = Seen(uuid, listener, limit)
        with self._lock:
            self._seen[uuid] = seen
        try:
            yield seen
        finally:
            with self._lock:
                self._seen.pop(uuid, None)

    @contextmanager
    def on_modem(self, device: str, uuid: str) -> Iterator[None]:
        """An incoming call has a modem for the time of the block: :meth:`on` and :meth:`end` find it."""
        with self._lock:
            self._modems[device] = uuid
        try:
            yield
        finally:
            with self._lock:
                if self._modems.get(device) == uuid:
                    del self._modems[device]
                self._ended.pop(uuid, None)
                self.finished += 1

    def on(self, device: str) -> str:
        """The incoming call that has the modem, ``""`` if none has."""
        with self._lock:
            return self._modems.get(device, "")

    def end(self, uuid: str, reason: str) -> None:
        """Notes why a call is about to be ended by one of us."""
        with self._lock:
            self._ended.setdefault(uuid, reason)

    def ended(self, uuid: str) -> str:
        """Why one of us has ended the call, ``""`` if nobody has."""
        with self._lock:
            return self._ended.get(uuid, "")

    def take(self, uuid: str, subclass: str, headers: Mapping[str, str]) -> None:
        """An event of ``uuid`` has come in; nobody may be interested."""
        with self._lock:
            seen = self._seen.get(uuid)
        if seen is not None:
            seen.take(subclass, headers)

    def watched(self) -> list[Seen]:
        """All calls that are watched now."""
        with self._lock:
            return list(self._seen.values())

    def stuck(self, now: float) -> list[str]:
        """The calls that have shown no progress for as long as they may.  ``now`` is of the monotonic clock."""
        with self._lock:
            return [uuid for uuid, seen in self._seen.items() if now - seen.progress_at > seen.limit]


CALLS = Calls()
