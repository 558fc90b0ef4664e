"""The calls of this process that are watched: the supervisor hands FreeSWITCH's events to the handlers of the calls here.

A FreeSWITCH EventConsumer gets every event of every call.  So the process has one, the supervisor's, and the supervisor
hands each event to the handler that watches that channel.  Handlers are scripts that FreeSWITCH executes anew at every
call.  This module is loaded once, so the registry lives as long as the process.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from gofaxpy.calls.wakeup import WAKEUP

# Subclasses of FreeSWITCH's CUSTOM events (mod_spandsp_fax.c).
NEGOTIATE = ("spandsp::rxfaxnegociateresult", "spandsp::txfaxnegociateresult")
PAGE = ("spandsp::rxfaxpageresult", "spandsp::txfaxpageresult")
RESULT = ("spandsp::rxfaxresult", "spandsp::txfaxresult")

# Identifies this process in journal entries.  A pid would not do: in a container the next process has the same one.
PROCESS = os.urandom(8).hex()

Listener = Callable[[str, Mapping[str, str]], None]
"""Takes the subclass of an event and its headers."""


def _no_listener(subclass: str, headers: Mapping[str, str]) -> None:
    """For a call whose events are only counted."""


@dataclass(slots=True)
class WatchedCall:
    """A call that a handler watches, and what FreeSWITCH's events have said about it so far."""

    uuid: str
    listener: Listener = _no_listener
    limit: float = math.inf         # seconds that may pass without progress
    progress_at: float = field(default_factory=time.monotonic)      # when the last event came (monotonic clock)
    negotiated: Mapping[str, str] = field(default_factory=dict)     # the headers of the last negotiation
    negotiations: int = 0           # more than one: the modems had to train again.  Softmodem fallback needs this number
    pages: int = 0
    bad_rows: int = 0               # of all pages, for softmodem fallback.  SpanDSP's result has those of the last page only
    over: threading.Event = field(default_factory=threading.Event)  # set by the result event, which is the last one

    def take(self, subclass: str, headers: Mapping[str, str]) -> None:
        """Counts an event and hands it to the listener."""
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
    """The watched calls by channel UUID, and the incoming calls by modem.  Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[str, WatchedCall] = {}
        self._modems: dict[tuple[str, str], str] = {}   # root of the spool and device → UUID of the incoming call on it
        self._end_reasons: dict[str, str] = {}          # UUID → why this process ends the call
        self.finished = 0           # incoming calls on a modem that are over
        self.attended = False       # the supervisor runs and takes in events
        self.waiting = 0            # handlers that wait for the last events of their fax; those come within moments

    @property
    def watched(self) -> bool:
        """Whether any call is watched."""
        return bool(self._watched)

    def wait_over(self, watched: WatchedCall, timeout: float) -> None:
        """Waits until the result event of a finished fax has come, and with it every event before it.

        Waits at most ``timeout`` seconds, and not at all if no supervisor takes in events.
        """
        if not self.attended or watched.over.is_set():
            return
        with self._lock:
            self.waiting += 1
        WAKEUP.wake()
        try:
            watched.over.wait(timeout)
        finally:
            with self._lock:
                self.waiting -= 1

    @contextmanager
    def watch(self, uuid: str, listener: Listener = _no_listener, limit: float = math.inf) -> Iterator[WatchedCall]:
        """Collects the fax events of one channel for the time of the block.

        The supervisor ends a call that shows no progress for ``limit`` seconds.
        """
        watched = WatchedCall(uuid, listener, limit)
        with self._lock:
            self._watched[uuid] = watched
        try:
            yield watched
        finally:
            with self._lock:
                self._watched.pop(uuid, None)

    @contextmanager
    def incoming(self, uuid: str) -> Iterator[None]:
        """An incoming call, for the time of the block.  The reason of its end (:meth:`note_end`) is forgotten afterwards."""
        try:
            yield
        finally:
            with self._lock:
                self._end_reasons.pop(uuid, None)

    @contextmanager
    def on_modem(self, spool: str, device: str, uuid: str) -> Iterator[None]:
        """An incoming call has modem ``device`` of the spool with this root, for the time of the block: :meth:`on` finds it."""
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
        """The UUID of the incoming call that has the modem, ``""`` for none."""
        with self._lock:
            return self._modems.get((spool, device), "")

    def note_end(self, uuid: str, reason: str) -> None:
        """Notes why this process is about to end the call.  The first reason counts."""
        with self._lock:
            self._end_reasons.setdefault(uuid, reason)

    def end_reason(self, uuid: str) -> str:
        """Why this process has ended the call, ``""`` if it has not."""
        with self._lock:
            return self._end_reasons.get(uuid, "")

    def take(self, uuid: str, subclass: str, headers: Mapping[str, str]) -> None:
        """Hands an event of call ``uuid`` to its handler.  Events of calls that are not watched are dropped."""
        with self._lock:
            watched = self._watched.get(uuid)
        if watched is not None:
            watched.take(subclass, headers)

    def under_way(self) -> list[WatchedCall]:
        """All calls that are watched now."""
        with self._lock:
            return list(self._watched.values())

    def stuck(self, now: float) -> list[str]:
        """The UUIDs of calls that have shown no progress for their limit.  ``now`` is the monotonic clock's.

        A call that is named here is not named again before its limit has passed once more.
        """
        with self._lock:
            found = [watched for watched in self._watched.values() if now - watched.progress_at > watched.limit]
            for watched in found:
                watched.progress_at = now
            return [watched.uuid for watched in found]


CALLS = Calls()
