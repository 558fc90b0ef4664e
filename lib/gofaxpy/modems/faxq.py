"""What this process has to tell faxq, in order, and never more at once than faxq can take.

faxq reads 2047 octets at a time and takes the end of them for the end of a message (faxd/faxApp.c++), so that a burst,
of sixty modems that announce themselves or of sixty calls that come in, would have messages cut in two.  All of the
process therefore tells the supervisor, and the supervisor tells faxq when there is room.  Nobody waits for anything.
"""

from __future__ import annotations

import threading
from collections import deque

from gofaxpy.calls.wakeup import BELL
from gofaxpy.hylafax import fifo
from gofaxpy.hylafax.errors import FifoError

MOST = 4096     # messages kept for a faxq that is there but does not read; then the oldest ones go


class Outbox:
    """Messages by the FIFO they are for; safe to use from any thread.

    There is one FIFO to a spool.  Of two spools only after the configuration has named another one, while calls of the
    old one go on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: dict[str, deque[str]] = {}

    def put(self, path: str, message: str) -> None:
        """Adds a message for the FIFO ``path``; the next :meth:`flush` that finds room sends it."""
        with self._lock:
            self._messages.setdefault(path, deque(maxlen=MOST)).append(message)
        BELL.ring()

    def __len__(self) -> int:
        return sum(map(len, list(self._messages.values())))

    def flush(self) -> None:
        """Sends what faxq can take now.  Without a faxq all is dropped: it asks with HELLO when it starts."""
        with self._lock:
            for path, messages in self._messages.items():
                self._send(path, messages)
            self._messages = {path: messages for path, messages in self._messages.items() if messages}

    def _send(self, path: str, messages: deque[str]) -> None:
        while messages:
            try:
                nobody = fifo.backlog(path) is None
            except OSError:
                return      # no descriptors left: a modem whose message was lost would be busy for good
            if nobody:
                messages.clear()
                return
            try:
                if not fifo.send(path, messages[0], patience=0):
                    return
            except FifoError:
                pass    # what can never be sent must not keep the others waiting
            messages.popleft()


OUTBOX = Outbox()
