"""Far ends that end a call after so many pages: by events, because FreeSWITCH's own hooks come too early.

``execute_on_fax_phase_d=hangup`` ends the call before the page is confirmed.  Here the call ends in the page after.
"""

from __future__ import annotations

import contextlib
import threading

from rig.esl import EventSocket
from rig.live.farends import HANGUP_AFTER_PAGES
from rig.rundir import RigError

_INTO_THE_NEXT_PAGE = 4
"""Seconds from a page's end until the next is under way."""


class Watcher:
    """Watches the pages of all calls in a thread of its own, as long as the event socket is there."""

    def __init__(self, port: int, password: str) -> None:
        self._events = EventSocket(port, password)
        self._commands = EventSocket(port, password)
        self._pages: dict[str, int] = {}
        self._closing = threading.Event()
        self._events.command("event plain CUSTOM spandsp::rxfaxpageresult spandsp::txfaxpageresult")
        self._thread = threading.Thread(target=self._watch, name="far ends", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and the connections, whether or not the switch is still there."""
        self._closing.set()
        self._thread.join(10)
        self._events.close()
        self._commands.close()

    def _watch(self) -> None:
        with contextlib.suppress(RigError, OSError):
            while not self._closing.is_set():
                try:
                    headers, _ = self._events.event(0.3)
                except TimeoutError:
                    continue
                self._page(headers.get("Unique-ID", ""))

    def _page(self, call: str) -> None:
        wanted = self._commands.api(f"uuid_getvar {call} {HANGUP_AFTER_PAGES}").strip()
        self._pages[call] = self._pages.get(call, 0) + 1
        if wanted.isdigit() and self._pages[call] == int(wanted):
            self._commands.api(f"sched_api +{_INTO_THE_NEXT_PAGE} none uuid_kill {call}")
