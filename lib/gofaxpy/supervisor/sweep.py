"""Clears away what dead processes have left in the spool and nobody will ask for: only things that hold nothing.

The supervisor does this when it takes over a spool, that is when FreeSWITCH has just started, and then once a minute.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import age
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.journal import JournalError
from gofaxpy.outbound.joined import JOIN_TIMEOUT, remove_directory
from gofaxpy.outbound.lost import may_go_on, record_orphan
from gofaxpy.setting import Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str, str], None]   # level and text, for the log (gofaxpy.switch.boundary.log)

YOUNG = 60.0    # seconds during which what somebody has just made is left alone


def at_start(setting: Setting, tell: Tell) -> None:
    """Gives back modems whose lock is a dead process's.  HylaFAX itself would wait until such a lock is used and 30 s old
    (faxd/UUCPLock.c++); a switch that was killed and started again is back sooner."""
    for device in setting.config.hylafax.devices():
        lock = UUCPLock(setting.spool.lock_dir, device, stale_after=1e-9)
        try:
            if lock.named() and lock.held_by() is None and lock.acquire():
                lock.release()
                tell("notice", f"{device}: the lock of a dead process is removed")
        except SpoolError as error:
            tell("err", str(error))


def around(setting: Setting, now: float, tell: Tell, young: float = YOUNG) -> None:
    """Removes entries of attempts that nobody needs, files made for them, and received files in which there is nothing.

    ``now`` is in seconds since the epoch, ``young`` the age from which an empty received file is looked at (its lock is,
    too).
    """
    for name in list(setting.journal.names()):
        jobid = name.partition("-")[0]
        if jobid.isascii() and jobid.isdigit() and not os.path.exists(setting.spool.qfile(jobid)):
            _attempt(setting, name, now, tell)
    for directory, _ in _old(setting.spool.path("gofax", "tmp"), now, YOUNG + JOIN_TIMEOUT):    # it has its entry when joined
        if not os.path.exists(os.path.join(setting.journal.directory, os.path.basename(directory))):
            with _told(directory, tell):
                remove_directory(directory)
    for hidden, _ in _old(setting.journal.directory, now, YOUNG):
        if os.path.basename(hidden).startswith("."):
            with _told(hidden, tell):
                os.unlink(hidden)
    for file, size in _old(setting.spool.path("recvq"), now, young):
        # thousands of faxes may lie there: only what is empty is worth a look
        if size == 0 and os.path.basename(file).startswith("fax") and _is_dead_and_empty(file):
            with _told(file, tell):
                os.unlink(file)
                tell("notice", f"{file} is empty and nobody receives into it; removed")


def _attempt(setting: Setting, name: str, now: float, tell: Tell) -> None:
    """The entry of an attempt whose job is no longer in ``sendq``: kept for a next attempt, and there will be none.  One
    whose call may still go on (a job removed meanwhile leaves such an entry) stays for as long as a call may last."""
    try:
        entry = setting.journal.open(name)
        if entry is None:
            return
        with entry:
            old = age(os.fstat(entry.fileno()).st_mtime, now) > setting.config.outbound.call_timeout and not entry.held()
            if (old or not may_go_on(entry)) and entry.lock():
                record = record_orphan(entry, setting.xferfaxlog)
                if record is not None:
                    tell("notice", f"job {record.jobid} is gone, but it had a call: {record.pages} pages to {record.dest}"
                                   f" are noted in {setting.xferfaxlog}")
                remove_directory(setting.spool.path("gofax", "tmp", name))
                entry.remove()
    except (JournalError, SpoolError, OSError) as error:
        tell("err", f"journal entry {name} could not be cleared away: {error}")


def _is_dead_and_empty(path: str) -> bool:
    """Whether a file holds nothing and nobody has HylaFAX's lock on it, as whoever receives does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(fd).st_size == 0
    except OSError:
        return False
    finally:
        os.close(fd)


def _old(directory: str, now: float, young: float) -> Iterator[tuple[str, int]]:
    """What is in a directory and has not been touched for a while: its path, and its size in octets."""
    with suppress(FileNotFoundError):
        for item in os.scandir(directory):
            with suppress(OSError):
                status = item.stat(follow_symlinks=False)
                if age(status.st_mtime, now) >= young:
                    yield item.path, status.st_size


@contextmanager
def _told(path: str, tell: Tell) -> Iterator[None]:
    """Trouble with one thing goes to the log and keeps nothing else waiting."""
    try:
        yield
    except (SpoolError, OSError) as error:
        tell("err", f"{path} could not be cleared away: {error}")
