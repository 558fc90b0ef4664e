"""HylaFAX's FIFOs: ``FIFO``, which faxq reads, and ``FIFO.<modem>``, which the supervisor reads (faxd/faxApp.c++).

A message ends in a NUL.  To a reader the end of the octets of one read(2) is the end of a message as well, because faxstate and
other programs write without the NUL.  One trailing newline (of ``echo``) does not belong to the message.
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

# faxq reads 2047 octets at a time; a longer message would arrive as two.
MAX_MESSAGE = 2047
PATIENCE = 0.5  # seconds; faxq reads within milliseconds, unless it waits for the lock of a qfile
_STEP = 0.002  # seconds between two tests whether a FIFO has room
_turn = allocate_lock()  # held from the test for room to the write, so that no other thread takes the room
_READ = 65536  # octets, the capacity of a pipe (pipe(7)): one read takes all messages whole


def backlog(path: str) -> int | None:
    """How many octets wait in the FIFO ``path``; None where no process has it open for reading.

    Raises OSError where this cannot be found out at the moment (no descriptors left).
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
    """Writes one message to the FIFO ``path``, as soon as one read can take it together with the octets that wait there.

    A reader takes :data:`MAX_MESSAGE` octets at a time, and would otherwise cut the message in two.  This waits for at most
    ``patience`` seconds until the reader has taken enough.

    False if no process reads the FIFO, there is none, it is full, or it may not be written to: a lost notification must not
    harm a fax.  Raises :class:`FifoError` for a message of more than 2047 octets with its NUL, or with a NUL in it.
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
                        # the message is shorter than PIPE_BUF, so write(2) takes all of it or nothing (pipe(7))
                        return os.write(fd, octets + b"\0") == len(octets) + 1
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_STEP)
        finally:
            os.close(fd)
    except OSError:
        return False


def messages(chunk: bytes) -> list[str]:
    """The messages in the octets of one read.  Empty ones are left out."""
    found = []
    for octets in chunk.split(b"\0"):
        text = decode(octets[:-1] if octets.endswith(b"\n") else octets)
        if text:
            found.append(text)
    return found


class Reader:
    """The reading end of a FIFO.  It is opened for writing as well, so that a read never gives end of file."""

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
        """Whether ``path`` still names the open FIFO: a reinstallation of HylaFAX replaces it."""
        try:
            named, opened = os.lstat(self.path), os.fstat(self._fd)
        except OSError:
            return False
        return (named.st_ino, named.st_dev) == (opened.st_ino, opened.st_dev)

    def read(self) -> list[str]:
        """The messages that wait in the FIFO, perhaps none.  Never waits itself.  Raises :class:`FifoError`."""
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
