"""What this process has to tell faxq, in order, and never more at once than faxq can take.

faxq reads 2047 octets at a time and takes the end of them for the end of a message (faxd/faxApp.c++), so that a burst,
of sixty modems that announce themselves or of sixty calls that come in, would have messages cut in two.  All of the
process therefore tells the supervisor, and the supervisor tells faxq when there is room.  Nobody waits for anything.
"""

from __future__ import annotations

import threading
from collections import deque

from gofaxpy.hylafax import fifo

MOST = 4096     # messages kept for a faxq that is there but does not read; then the oldest ones go


class Outbox:
    """Messages for one process; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: deque[str] = deque(maxlen=MOST)

    def put(self, message: str) -> None:
        """Adds a message; it is sent by the next :meth:`flush` that finds room."""
        with self._lock:
            self._messages.append(message)

    def __len__(self) -> int:
        return len(self._messages)

    def flush(self, path: str) -> None:
        """Sends what faxq can take now.  Without a faxq all is dropped: it asks with HELLO when it starts."""
        with self._lock:
            while self._messages:
                if fifo.backlog(path) is None:
                    self._messages.clear()
                    return
                if not fifo.send(path, self._messages[0], patience=0):
                    return
                self._messages.popleft()


OUTBOX = Outbox()
