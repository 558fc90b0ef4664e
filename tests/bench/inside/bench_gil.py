"""A thread that wants the interpreter's lock again and again, and sees who has had it meanwhile.

Once in a millisecond it sleeps, and then has to wait for the lock.  Two things are noted of each round: how long it waited,
which may have been for several threads in turn and for other programs on the machine; and the most CPU time that any one
thread of the process used in the round.  No thread can have held the lock for longer than that, except while the machine
gave it no CPU, and some of it was used without the lock: it is an upper bound of the longest hold.
"""

import json
import os
import threading
import time

PAUSE = 0.001

_rounds = []
_over = threading.Event()
_threads = []


def start():
    """Begins; returns the kernel's number of the thread, so that it can be given priority from outside."""
    _over.clear()
    _rounds.clear()
    told = threading.Event()
    thread = threading.Thread(target=_probe, args=(told,), name="bench probe")
    _threads.append(thread)
    thread.start()
    told.wait()
    return thread.native_id


def stop():
    """Ends; returns a JSON object with the waits and the holds of all rounds, in milliseconds."""
    _over.set()
    while _threads:
        _threads.pop().join()
    waits, holds = zip(*_rounds, strict=True)
    return json.dumps({"waits": [round(one * 1e3, 2) for one in waits], "holds": [round(one * 1e3, 2) for one in holds]})


def _probe(told):
    told.set()
    own = str(threading.get_native_id())
    before, since = _used(own), time.monotonic()
    while not _over.is_set():
        at = time.monotonic()
        time.sleep(PAUSE)
        now = time.monotonic()
        used = _used(own)
        most = max((cpu - before.get(thread, 0.0) for thread, cpu in used.items()), default=0.0)
        _rounds.append((max(now - at - PAUSE, 0.0), min(most, now - since)))
        before, since = used, now


def _used(own):
    """CPU seconds of each thread of this process but one (the kernel's per-thread clocks: CPUCLOCK_PERTHREAD | _SCHED)."""
    found = {}
    for thread in os.listdir("/proc/self/task"):
        if thread != own:
            try:
                found[thread] = time.clock_gettime((~int(thread) << 3) | 6)
            except OSError:
                continue        # it has just ended
    return found
