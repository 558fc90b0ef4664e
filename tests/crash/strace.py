"""Accidents at chosen system calls, by strace(1): the process dies at one, or one of them fails.

The kernel's border is where a crash shows: between two system calls nothing of what a process does can be seen from
outside.  So "killed before each system call that changes something" is every crash there is, and needs no hook in the
program.  strace counts each system call for itself, and for each thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rig.driven import burden

STRACE = "/usr/bin/strace"
CHANGES = (
    "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "link", "linkat", "unlink", "unlinkat", "rename", "symlink",
    "symlinkat", "mkdir", "mkdirat", "rmdir", "sendto", "connect", "fchmod", "chmod", "fchown", "flock",
)
"""System calls after which the world is another one."""
FAILS = {
    errno.ENOSPC: ("write", "pwrite64", "ftruncate", "mkdir", "link", "symlink", "rename"),
    errno.EIO: ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "rename"),
    errno.EACCES: ("openat", "mkdir", "link", "unlink", "rename", "symlink"),
    errno.EMFILE: ("openat", "socket", "pipe2"),
    errno.EINTR: ("flock",),     # Python itself repeats the others (PEP 475)
}
"""What the issue of faults asks for: which error where."""


@dataclass(frozen=True, slots=True)
class Accident:
    """At the ``nth`` system call of that name (from 1) the process is killed before it, or it fails with ``error`` (errno)."""

    call: str
    nth: int
    error: int = 0

    def __str__(self) -> str:
        what = errno.errorcode[self.error] if self.error else "kill -9"
        return f"{what} at {self.call} {self.nth}"

    def arguments(self) -> list[str]:
        """strace's options for it."""
        action = f"error={errno.errorcode[self.error]}" if self.error else "signal=SIGKILL"
        return ["-e", f"trace={self.call}", "-e", f"inject={self.call}:{action}:when={self.nth}"]


def under(log: str, accident: Accident | None, calls: Sequence[str] = CHANGES) -> list[str]:
    """The command's beginning: runs a program under strace, with an accident or only to write down its ``calls``."""
    return traced(log, accident.arguments() if accident else ["-e", f"trace={','.join(calls)}"])


def traced(log: str, options: Sequence[str]) -> list[str]:
    """The command's beginning for other ``options``."""
    return [STRACE, "-qq", "-y", "-o", log, *options]


def calls_in(log: str) -> dict[str, int]:
    """How often each system call is in a log of strace; with ``-f`` the most that one thread has made."""
    counts: Counter[tuple[str, str]] = Counter()
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if found := _CALL.match(line):
                counts[found[1] or "", found[2]] += 1
    most: dict[str, int] = {}
    for (_, call), count in counts.items():
        most[call] = max(most.get(call, 0), count)
    return most


_CALL = re.compile(r"(?:(\d+) +)?([a-z0-9_]+)\(")


class Attached:
    """strace on processes that run, all of their threads.  A context manager."""

    def __init__(self, pid: int, log: str, options: Sequence[str], also: Sequence[int] = ()) -> None:
        self._pids = (pid, *also)
        self._command = [STRACE, "-f", "-qq", "-o", log, *options, *(f"--attach={one}" for one in self._pids)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Attached:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        began = time.monotonic()
        while not self._all_traced():
            if time.monotonic() - began > 10 * burden() or self._process.poll() is not None:
                raise RuntimeError(f"strace has not attached to {self._pids}: may this machine trace processes?")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _all_traced(self) -> bool:
        """Whether every thread has its tracer."""
        try:
            tasks = [f"/proc/{pid}/task" for pid in self._pids]
            for status in [f"{task}/{thread}/status" for task in tasks for thread in os.listdir(task)]:
                with open(status, encoding="ascii") as file:
                    if not re.search(r"^TracerPid:\s*[1-9]", file.read(), re.M):
                        return False
        except OSError:
            return False
        return True
