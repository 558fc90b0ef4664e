"""SIP messages that wait for the thread of their channel.

Source: FreeSWITCH `switch_core_session_queue_signal_data` (`src/switch_core_session.c`) and `switch_channel_test_ready`
(`src/switch_channel.c`): what the other side sends is the business of the channel's own thread. While that runs a script
it waits; it is looked at when the script asks whether the channel is ready (one message each time), when it executes an
application, and when it has returned. So `ready` may still say yes although the caller has just given up.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Message = Callable[[], None]


class Signals:
    """The messages of one channel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._script_thread: int | None = None

    def arrive(self, *messages: Message) -> None:
        """Messages from the other side: looked at now, unless a script runs."""
        with self._lock:
            self._waiting.extend(messages)
            busy = self._script_thread is not None
        if not busy:
            self._take_all()

    def enter_script(self, inside: bool) -> bool:
        """The calling thread, which is the channel's, begins to run a script or leaves it; what it was before."""
        with self._lock:
            before = self._script_thread is not None
            self._script_thread = threading.get_ident() if inside else None
        if not inside:
            self._take_all()
        return before

    def glance(self) -> None:
        """A script asks for the state of its channel: look at the next message."""
        if self._script_thread == threading.get_ident():
            self._take_one()

    def _take_all(self) -> None:
        while self._take_one():
            pass

    def _take_one(self) -> bool:
        with self._lock:
            message = self._waiting.popleft() if self._waiting else None
        if message is None:
            return False
        message()
        return True
