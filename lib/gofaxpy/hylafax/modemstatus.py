"""A modem's line in faxstat, the file status/<modem> (faxd/ModemServer.c++: stateStatus, setServerStatus)."""

from __future__ import annotations

import fcntl
import os
import time

from gofaxpy.hylafax.encoding import cut, encode, one_line
from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.spool import Spool, open_own

INITIALIZING_SERVER = "Initializing server"
INITIALIZING = "Initializing server and modem"
IDLE = "Running and idle"
WAITING_READY = "Waiting for modem to come ready"
WAITING_FREE = "Waiting for modem to come free"
SENDING = "Sending facsimile"
ANSWERING = "Answering the phone"
RECEIVING = "Receiving facsimile"
LISTENING = "Listening to rings from modem"

_TEXT_OCTETS = 200
_TRIES, _BETWEEN = 20, 0.005    # seconds between tries; a client that reads the status holds its lock for microseconds


def sending_job(jobid: str) -> str:
    """The status while a job is sent."""
    return f"Sending job {jobid}"


def receiving_from(tsi: str) -> str:
    """The status of a reception once the far end's identifier (TSI) is known."""
    return f'Receiving from "{tsi}"'


def write_status(spool: Spool, devid: str, text: str) -> None:
    """Writes ``text`` as the modem's status: one line of at most 200 octets, in place, under flock, mode 0644.

    hfaxd lists a modem only if it has this file, a configuration and a FIFO.  Raises :class:`SpoolError`.
    """
    path = spool.status(devid)
    octets = encode(cut(one_line(text), _TEXT_OCTETS)) + b"\n"
    try:
        fd = open_own(path, os.O_RDWR, 0o644)
        try:
            _lock(fd)
            if os.fstat(fd).st_mode & 0o777 != 0o644:
                os.fchmod(fd, 0o644)
            os.pwrite(fd, octets, 0)
            os.ftruncate(fd, len(octets))
        finally:
            os.close(fd)
    except OSError as error:
        raise SpoolError(f"{path}: cannot write the modem's status: {reason(error)}") from error


def _lock(fd: int) -> None:
    """Takes the lock that native takes.  If a client that was stopped holds it, this gives up after a tenth of a second, so that
    the client does not stop the modem."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(_BETWEEN)
