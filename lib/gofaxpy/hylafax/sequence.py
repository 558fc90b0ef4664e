"""The numbers that name jobs, received faxes and session logs (libhylafax/Sequence.c++).

A ``seqf`` file holds, in ASCII without a newline, the number that is to be used **next**.
"""

from __future__ import annotations

import fcntl
import os
import stat

from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.spool import Spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container

MAX_NUMBER = 999999999
MOST_TAKEN = 100_000        # numbers in a row that are skipped; to test one takes some 2 microseconds
_ATTEMPTS = 10


def _none(number: int) -> bool:
    """The default of ``taken``: every number is free."""
    return False


def next_number(path: str, taken: Callable[[int], bool] = _none) -> int:
    """Takes the next number from the sequence file ``path``: 1 where there is no file yet or it has no number.

    Numbers for which ``taken`` is true are skipped, at most :data:`MOST_TAKEN`: after a power failure, a restore or the loss of
    the file, its number may have been used before.

    The file is locked (flock) while it is read and rewritten in place.  It is created with mode 0600, and must be a regular
    file.  After 999999998 the numbers start again at 1.  Raises :class:`SpoolError`.
    """
    try:
        for _ in range(_ATTEMPTS):
            fd = _open(path)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                named, opened = os.lstat(path), os.fstat(fd)
                if not stat.S_ISREG(opened.st_mode):
                    raise SpoolError(f"{path}: must be a regular file; remove it")
                if (named.st_ino, named.st_dev) == (opened.st_ino, opened.st_dev):
                    return _take(fd, path, taken)
            except FileNotFoundError:
                pass
            finally:
                os.close(fd)
    except OSError as error:
        raise SpoolError(f"{path}: cannot take a number: {reason(error)}; it must belong to HylaFAX's user") from error
    raise SpoolError(f"{path}: is replaced by another file again and again")


def _open(path: str) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o600)


def _take(fd: int, path: str, taken: Callable[[int], bool]) -> int:
    words = os.pread(fd, 1024, 0).split()
    number = int(words[0]) if words and len(words[0]) <= 10 and words[0].isdigit() else 1
    for _ in range(MOST_TAKEN):
        if not 1 <= number < MAX_NUMBER:
            number = 1
        if not taken(number):
            break
        number += 1
    else:
        raise SpoolError(f"{path}: this number and the {MOST_TAKEN} after it are in use; write a free one into this file")
    following = b"%d" % ((number + 1) % MAX_NUMBER)
    os.pwrite(fd, following, 0)
    os.ftruncate(fd, len(following))
    return number


def commid(spool: Spool, taken: Container[str] = ()) -> str:
    """A new communication identifier of nine digits, for which there is no session log and which is not in ``taken``.

    The session log is named after it, and bin/notify mails that log to the user.  Raises :class:`SpoolError`.
    """
    def is_taken(number: int) -> bool:
        name = f"{number:09d}"
        return name in taken or os.path.lexists(spool.session_log(name))

    return f"{next_number(spool.path('log', 'seqf'), is_taken):09d}"


def recv_name(spool: Spool) -> str:
    """A new name for a received fax, relative to the spool: ``recvq/fax000000007.tif``.

    The file is not created.  After a power failure seqf may be behind: so create the file with O_EXCL, and take another name if
    it exists.
    """
    return f"recvq/fax{next_number(spool.path('recvq', 'seqf')):09d}.tif"
