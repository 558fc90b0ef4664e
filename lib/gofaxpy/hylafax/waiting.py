"""A job description that somebody else has locked: waited for, and the operator is told who has it.  Seldom loaded."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

SHORTEST, LONGEST = 0.001, 0.25     # seconds between two looks
TOLD_AFTER = 10.0                   # seconds until the operator is told, then after ten times as many


def wait_for_lock(fd: int, path: str, tell: Callable[[str], None]) -> None:
    """Takes flock LOCK_EX on ``fd``, however long that takes, as faxd/faxSendApp.c++ does.

    Who gave up would do more harm: faxq takes the same lock, waiting, as soon as its sender has ended, and while it waits
    no job goes on.  Raises OSError.
    """
    began, told, pause = time.monotonic(), TOLD_AFTER, SHORTEST
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        waited = time.monotonic() - began
        if waited >= told:
            tell(f"{path}: has been locked by {holder(fd)} for {waited:.0f} s; the job waits until that lets it go or is ended")
            told *= 10
        time.sleep(pause)
        pause = min(pause * 2, LONGEST)


def holder(fd: int) -> str:
    """Who has a flock on the file of ``fd``, in words: ``process 1234 (faxq)``, as far as /proc/locks (proc(5)) tells."""
    inode = f":{os.fstat(fd).st_ino}"
    try:
        with open("/proc/locks", encoding="ascii", errors="replace") as file:
            for words in map(str.split, file):
                if words[1:2] == ["FLOCK"] and words[5].endswith(inode):
                    with open(f"/proc/{words[4]}/comm", encoding="ascii", errors="replace") as name:
                        return f"process {words[4]} ({name.read().strip()})"
    except (OSError, IndexError):
        pass
    return "another process"
