"""Waits for a job description that another process has locked, and tells the operator which one.

gofaxsend loads this module only if it has to wait.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

SHORTEST, LONGEST = 0.001, 0.25     # seconds between two tries
TOLD_AFTER = 10.0                   # seconds until the operator is told; the next message comes after ten times as many


def wait_for_lock(fd: int, path: str, tell: Callable[[str], None]) -> None:
    """Takes flock LOCK_EX on ``fd``, and waits for it without a limit, as faxd/faxSendApp.c++ does.  Raises OSError.

    To give up would do more harm: as soon as gofaxsend has ended, faxq itself waits for this lock, and then no job goes on.
    """
    began, next_message, pause = time.monotonic(), TOLD_AFTER, SHORTEST
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        waited = time.monotonic() - began
        if waited >= next_message:
            tell(f"{path}: has been locked by {holder(fd)} for {waited:.0f} s; the job waits until that lets it go or is ended")
            next_message *= 10
        time.sleep(pause)
        pause = min(pause * 2, LONGEST)


def holder(fd: int) -> str:
    """The process that holds a flock on the file of ``fd``, in words: ``process 1234 (faxq)``.

    It is found in /proc/locks (proc_locks(5)); ``another process`` where that does not show it.
    """
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
