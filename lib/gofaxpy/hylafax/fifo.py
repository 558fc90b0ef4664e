"""HylaFAX's FIFOs: ``FIFO``, which faxq reads, and ``FIFO.<modem>``, which we read (faxd/faxApp.c++).

A message ends in a NUL.  A reader takes the end of what one read gave for the end of a message too, because
faxstate and the like write without the NUL; one trailing newline (of ``echo``) does not belong to the message.
"""

from __future__ import annotations

import array
import fcntl
import os
import stat
import termios
import time
from _thread import allocate_lock

from gofaxpy.hylafax.encoding import decode, encode
from gofaxpy.hylafax.errors import FifoError, is_of_the_machine, reason

# faxq reads 2047 octets at a time; what is longer arrives as two messages.
MAX_MESSAGE = 2047
PATIENCE = 0.5  # seconds; faxq reads within milliseconds unless it waits for somebody's lock
_STEP = 0.002  # seconds between two looks at a FIFO that is not yet empty enough
_turn = allocate_lock()  # one writer of this process at a time, so that what was room stays room
_READ = 65536  # what a pipe holds, so that a message is never cut


def backlog(path: str) -> int | None:
    """How many octets wait in the FIFO ``path`` to be read; None where nobody reads it.

    Raises OSError where that cannot be found out at the moment (no descriptors left).
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        if is_of_the_machine(error):
            raise
        return None
    try:
        return _waiting(fd)
    except OSError:
        return None
    finally:
        os.close(fd)


def _waiting(fd: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, count)
    return count[0]


def send(path: str, message: str, patience: float = PATIENCE) -> bool:
    """Writes one message to the FIFO ``path``, when what waits there and the message can be read together.

    A reader takes :data:`MAX_MESSAGE` octets at once, and would cut the message in two.  Waits for ``patience`` seconds
    at most until the reader has taken enough.

    False if nobody reads the FIFO, there is none, it is full, or it may not be written to: a notification that is lost
    must not harm a fax.  Raises :class:`FifoError` for a message that cannot be one: it is longer than 2047 octets with
    its NUL, or has a NUL in it.
    """
    octets = encode(message)
    if b"\0" in octets or len(octets) >= MAX_MESSAGE:
        raise FifoError(f"{path}: no message of {len(octets)} octets goes through, {MAX_MESSAGE - 1} without NUL may")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if not stat.S_ISFIFO(os.fstat(fd).st_mode):
                return False
            deadline = time.monotonic() + patience
            while True:
                with _turn:
                    if _waiting(fd) + len(octets) + 1 <= MAX_MESSAGE:
                        # shorter than PIPE_BUF: all of it goes in or nothing (pipe(7))
                        return os.write(fd, octets + b"\0") == len(octets) + 1
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_STEP)
        finally:
            os.close(fd)
    except OSError:
        return False


def messages(chunk: bytes) -> list[str]:
    """The messages in what one read gave; empty ones are none."""
    found = []
    for octets in chunk.split(b"\0"):
        text = decode(octets[:-1] if octets.endswith(b"\n") else octets)
        if text:
            found.append(text)
    return found


class Reader:
    """The reading end of a FIFO.  It is opened for writing as well, so that it never comes to an end."""

    def __init__(self, path: str, mode: int = 0o600) -> None:
        """Opens ``path``, and makes the FIFO with ``mode`` if it is missing.  Raises :class:`FifoError`."""
        self.path = path
        try:
            if not os.path.lexists(path):
                os.mkfifo(path, mode)
            self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise FifoError(f"{path}: cannot open the FIFO: {reason(error)}; it must belong to HylaFAX's user") from error
        if not stat.S_ISFIFO(os.fstat(self._fd).st_mode):
            self.close()
            raise FifoError(f"{path}: is no FIFO; remove it, it is made anew")

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._fd

    def in_place(self) -> bool:
        """Whether the FIFO of that name is still the one that is open: reinstalling HylaFAX makes others."""
        try:
            named, opened = os.lstat(self.path), os.fstat(self._fd)
        except OSError:
            return False
        return (named.st_ino, named.st_dev) == (opened.st_ino, opened.st_dev)

    def read(self) -> list[str]:
        """The messages that are there now, none if there are none.  Never waits.  Raises :class:`FifoError`."""
        try:
            return messages(os.read(self._fd, _READ))
        except BlockingIOError:
            return []
        except OSError as error:
            raise FifoError(f"{self.path}: cannot read the FIFO: {reason(error)}") from error

    def close(self) -> None:
        """Closes the FIFO and leaves it in place; doing it twice does no harm."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
