"""A spool on a disk that is slow, as one over the network can be: every change, and every wait for the disk, takes its time."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from crash.audit import IDLE
from rig.house import House

CHANGES = (
    "fsync", "fdatasync", "rename", "link", "linkat", "unlink", "unlinkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir",
    "ftruncate",
)
_BEAT = '''
"""Notes how long the interpreter's lock kept a thread from running that wants to every hundredth of a second."""
import sys, threading, time

def runtime(args):
    sys.beat_longest, sys.beat_goes_on = 0.0, True
    while sys.beat_goes_on:
        at = time.monotonic()
        time.sleep(0.01)
        sys.beat_longest = max(sys.beat_longest, time.monotonic() - at - 0.01)

def fsapi(session, stream, env, args):
    sys.beat_goes_on = False
    stream.write(f"{sys.beat_longest:.3f}")
'''
# The same in a process that shares its interpreter with nobody: what it waits for is a processor.
_CONTROL = """
import select, sys, time
longest = 0.0
while not select.select([sys.stdin], [], [], 0)[0]:
    at = time.monotonic()
    time.sleep(0.01)
    longest = max(longest, time.monotonic() - at - 0.01)
print(longest)
"""
_HANDS = 4
"""How many threads may have to get a processor, one after the other, before a thread has the interpreter's lock."""


def slowly(seconds: float, opens: float = 0.0) -> list[str]:
    """strace's options: each change of the file system takes so many seconds, and each file ``opens`` seconds to open, be it
    one of the spool's or of Python's own."""
    options = ["-e", f"trace={','.join(CHANGES)}" + (",openat" if opens else "")]
    options += ["-e", f"inject={','.join(CHANGES)}:delay_exit={int(seconds * 1e6)}"]
    return options + (["-e", f"inject=openat:delay_exit={int(opens * 1e6)}"] if opens else [])


def all_loaded(house: House) -> None:
    """Waits for the supervisor, which loads all that calls need: shared objects are loaded with the interpreter's lock held."""

    def idle() -> bool:
        with contextlib.suppress(OSError), open(house.path("status", "freeswitch0"), encoding="utf-8") as file:
            return file.read().strip() == IDLE
        return False

    house.wait("the supervisor", idle)


@contextmanager
def beating(house: House) -> Iterator[list[float]]:
    """Runs a thread in the switch's interpreter; the list has in the end the longest time for which it could not run, without
    what it would have waited for a processor: a program beside it that wants the same tells how long that can be."""
    path = os.path.join(house.installed.scripts, "beat.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_BEAT)
    longest: list[float] = []
    control = subprocess.Popen([sys.executable, "-IS", "-c", _CONTROL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert house.switch.api("pyrun beat").startswith("+OK")
        time.sleep(0.2)
        yield longest
        ours = float(house.switch.api("python beat"))
        longest.append(ours - _HANDS * float(control.communicate("over")[0]))
    finally:
        control.kill()
        control.communicate()
        os.unlink(path)
        shutil.rmtree(os.path.join(house.installed.scripts, "__pycache__"), ignore_errors=True)
