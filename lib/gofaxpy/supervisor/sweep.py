"""Clears away what dead processes have left in the spool: locks, entries, documents and empty files that no process needs.

The supervisor does this when it takes over a spool, that is mostly when FreeSWITCH has just started, and then every 15 s
(:data:`gofaxpy.supervisor.loop.SWEEP`).
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
from gofaxpy.operatorlog import Problems
from gofaxpy.outbound.joined import JOIN_TIMEOUT, remove_directory
from gofaxpy.outbound.lost import may_go_on, record_orphan
from gofaxpy.setting import Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Log = Callable[[str, str], None]    # takes level and text (gofaxpy.switch.boundary.log)

YOUNG = 60.0    # seconds: a younger file may still be in use by the process that makes it
_problems = Problems()      # by path: what cannot be cleared away now cannot be 15 s later, and is logged once


def at_start(setting: Setting, log: Log) -> None:
    """Frees modems whose UUCP lock belongs to a dead process.

    HylaFAX itself would wait until it wants the modem and the lock is 30 s old (faxd/UUCPLock.c++).  A FreeSWITCH that was
    killed and started again is back sooner.
    """
    for device in setting.config.hylafax.devices():
        lock = UUCPLock(setting.spool.lock_dir, device, stale_after=1e-9)
        try:
            if lock.named() and lock.held_by() is None and lock.acquire():
                lock.release()
                log("notice", f"{device}: the lock of a dead process is removed")
        except SpoolError as error:
            log("err", str(error))


def around(setting: Setting, now: float, log: Log, young: float = YOUNG) -> None:
    """Removes journal entries of jobs that are gone, the documents joined for them, and empty received files.

    ``now`` is in seconds since the epoch.  ``young`` is the age in seconds from which an empty received file is removed, if
    no process holds its lock.  Raises JournalError, OSError if a directory cannot be read.
    """
    for name in list(setting.journal.names()):
        jobid = name.partition("-")[0]
        if jobid.isascii() and jobid.isdigit() and not os.path.exists(setting.spool.qfile(jobid)):
            _attempt(setting, name, now, log)
    # A document is joined before its attempt has an entry, which takes tiffcp up to JOIN_TIMEOUT.
    for directory, _ in _old(setting.spool.path("gofax", "tmp"), now, YOUNG + JOIN_TIMEOUT):
        if not os.path.exists(os.path.join(setting.journal.directory, os.path.basename(directory))):
            with _logged(directory, log):
                remove_directory(directory)
    for hidden, _ in _old(setting.journal.directory, now, YOUNG):
        if os.path.basename(hidden).startswith("."):
            with _logged(hidden, log):
                os.unlink(hidden)
    for file, size in _old(setting.spool.path("recvq"), now, young):
        # recvq may hold thousands of faxes: only empty files are opened
        if size == 0 and os.path.basename(file).startswith("fax") and _is_dead_and_empty(file):
            with _logged(file, log):
                os.unlink(file)
                log("notice", f"{file} is empty and nobody receives into it; removed")


def _attempt(setting: Setting, name: str, now: float, log: Log) -> None:
    """Removes the journal entry of an attempt whose job is no longer in ``sendq``.

    The entry was kept for the job's next attempt, and there will be none.  An entry whose call may still be running (its
    job was removed meanwhile) stays for as long as a call may last.
    """
    path = os.path.join(setting.journal.directory, name)
    try:
        entry = setting.journal.open(name)
        if entry is None:
            return
        with entry:
            old = age(os.fstat(entry.fileno()).st_mtime, now) > setting.config.outbound.call_timeout and not entry.held()
            if (old or not may_go_on(entry)) and entry.lock():
                record = record_orphan(entry, setting.xferfaxlog)
                if record is not None:
                    log("notice", f"job {record.jobid} is gone, but it had a call: {record.pages} pages to {record.dest}"
                                  f" are noted in {setting.xferfaxlog}")
                remove_directory(setting.spool.path("gofax", "tmp", name))
                entry.remove()
    except (JournalError, SpoolError, OSError) as error:
        problem = f"journal entry {name} could not be cleared away: {error}"
        if _problems.is_new(path, problem):
            log("err", problem)
    else:
        _problems.passed(path)


def _is_dead_and_empty(path: str) -> bool:
    """Whether a file is empty and no process holds HylaFAX's lock on it, as the process that receives into it does."""
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
    """Path and size in octets of each item in a directory that was last modified at least ``young`` seconds ago."""
    with suppress(FileNotFoundError):
        for item in os.scandir(directory):
            with suppress(OSError):
                status = item.stat(follow_symlinks=False)
                if age(status.st_mtime, now) >= young:
                    yield item.path, status.st_size


@contextmanager
def _logged(path: str, log: Log) -> Iterator[None]:
    """A problem with one item is logged, and does not stop the sweep."""
    try:
        yield
    except (SpoolError, OSError) as error:
        problem = f"{path} could not be cleared away: {error}"
        if _problems.is_new(path, problem):
            log("err", problem)
    else:
        _problems.passed(path)
