"""The calls of this process that somebody watches: where the supervisor's events meet the handlers of the calls.

FreeSWITCH gives an EventConsumer every event of every call, so there is one in the process (the supervisor's) and it
hands each event to whoever watches that channel.  The registry is the one thing here that lives as long as the
process: handlers are separate scripts, loaded anew at every call, and this module is loaded once.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from gofaxpy.calls.wakeup import BELL

NEGOTIATE = ("spandsp::rxfaxnegociateresult", "spandsp::txfaxnegociateresult")
PAGE = ("spandsp::rxfaxpageresult", "spandsp::txfaxpageresult")
RESULT = ("spandsp::rxfaxresult", "spandsp::txfaxresult")

# By which this process knows what it has written itself: in a container the next one has the same number.
PROCESS = os.urandom(8).hex()

Listener = Callable[[str, Mapping[str, str]], None]


def _nobody(subclass: str, headers: Mapping[str, str]) -> None:
    """For a call that is only counted."""


@dataclass(slots=True)
class Seen:
    """What the events have told of one call so far.

    A second negotiation means that the modems had to train again; ``bad_rows`` are those of all pages, where the result
    of the fax tells those of its last page only.  Softmodem fallback goes by both.
    """

    uuid: str
    listener: Listener = _nobody
    limit: float = math.inf         # seconds that may pass without progress
    progress_at: float = field(default_factory=time.monotonic)
    negotiated: Mapping[str, str] = field(default_factory=dict)     # the headers of the last negotiation
    negotiations: int = 0
    pages: int = 0
    bad_rows: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def take(self, subclass: str, headers: Mapping[str, str]) -> None:
        self.progress_at = time.monotonic()
        if subclass in NEGOTIATE:
            self.negotiations += 1
            self.negotiated = headers
        elif subclass in PAGE:
            self.pages += 1
            rows = headers.get("fax-bad-rows", "")
            self.bad_rows += int(rows) if rows.isdecimal() and len(rows) < 10 else 0
        elif subclass in RESULT:
            self.over.set()
        self.listener(subclass, headers)


class Calls:
    """Channel UUID → what is known of it.  Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._modems: dict[tuple[str, str], str] = {}       # spool and modem → the incoming call that has it
        self._ended: dict[str, str] = {}        # call → why it is to end
        self.finished = 0           # incoming calls that are over
        self.attended = False       # somebody takes in events: the supervisor runs
        self.waiting = 0            # handlers that wait for events which must be there any moment

    @property
    def watched(self) -> bool:
        """Whether anybody is interested in events."""
        return bool(self._seen)

    def wait_over(self, seen: Seen, timeout: float) -> None:
        """Until the result event of a fax that is over has come, and with it every event before; if any are to come."""
        if not self.attended or seen.over.is_set():
            return
        with self._lock:
            self.waiting += 1
        BELL.ring()
        try:
            seen.over.wait(timeout)
        finally:
            with self._lock:
                self.waiting -= 1

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
    def incoming(self, uuid: str) -> Iterator[None]:
        """An incoming call, for the time of the block: why one of us has ended it is forgotten afterwards."""
        try:
            yield
        finally:
            with self._lock:
                self._ended.pop(uuid, None)

    @contextmanager
    def on_modem(self, spool: str, device: str, uuid: str) -> Iterator[None]:
        """An incoming call has a modem, of the spool with that root, for the time of the block: :meth:`on` finds it."""
        with self._lock:
            self._modems[spool, device] = uuid
        try:
            yield
        finally:
            with self._lock:
                if self._modems.get((spool, device)) == uuid:
                    del self._modems[spool, device]
                self.finished += 1

    def on(self, spool: str, device: str) -> str:
        """The incoming call that has the modem, ``""`` if none has."""
        with self._lock:
            return self._modems.get((spool, device), "")

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

    def under_way(self) -> list[Seen]:
        """All calls that are watched now."""
        with self._lock:
            return list(self._seen.values())

    def stuck(self, now: float) -> list[str]:
        """The calls that have shown no progress for as long as they may, each told once in that time.  ``now`` is of the
        monotonic clock."""
        with self._lock:
            found = [seen for seen in self._seen.values() if now - seen.progress_at > seen.limit]
            for seen in found:
                seen.progress_at = now
            return [seen.uuid for seen in found]


CALLS = Calls()
