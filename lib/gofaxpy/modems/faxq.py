"""The messages of this process for faxq, kept in order until faxq can take them.

faxq reads 2047 octets at a time and takes the end of them for the end of a message (faxd/faxApp.c++).  A burst would
therefore have messages cut in two: sixty modems that announce themselves, or sixty calls that come in.  So every thread
puts its messages here, and the supervisor sends them when there is room in faxq's FIFO.  No thread waits.
"""

from __future__ import annotations

import threading
from collections import deque

from gofaxpy.calls.wakeup import WAKEUP
from gofaxpy.hylafax import fifo
from gofaxpy.hylafax.errors import FifoError

MOST = 4096     # messages kept for a faxq that runs but does not read; the oldest ones are dropped for more


class FaxqMessages:
    """Messages by the path of faxq's FIFO.  Safe to use from any thread.

    A spool has one such FIFO.  There are messages for two spools only if ``hylafax.spooldir`` was changed while calls
    of the old one were under way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: dict[str, deque[str]] = {}

    def put(self, path: str, message: str) -> None:
        """Adds a message for the FIFO ``path``; the next :meth:`flush` that finds room sends it."""
        with self._lock:
            self._messages.setdefault(path, deque(maxlen=MOST)).append(message)
        WAKEUP.wake()

    def __len__(self) -> int:
        return sum(map(len, list(self._messages.values())))

    def flush(self) -> None:
        """Sends what faxq can take now.  If no faxq runs, all is dropped: faxq asks with HELLO when it starts."""
        with self._lock:
            for path, messages in self._messages.items():
                self._send(path, messages)
            self._messages = {path: messages for path, messages in self._messages.items() if messages}

    def _send(self, path: str, messages: deque[str]) -> None:
        while messages:
            try:
                no_faxq = fifo.backlog(path) is None
            except OSError:
                return      # out of descriptors: if the message were dropped, faxq would take the modem for busy for good
            if no_faxq:
                messages.clear()
                return
            try:
                if not fifo.send(path, messages[0], patience=0):
                    return
            except FifoError:
                pass    # this message can never be sent: it must not block the others
            messages.popleft()


FAXQ = FaxqMessages()
