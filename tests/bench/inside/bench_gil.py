"""A thread that wants the interpreter's lock a thousand times a second and notes how long it had to wait for it.

What it notes is the lesser of two clocks: how late it was, which other programs on the machine make longer, and how much
CPU time this process used meanwhile, which only its own threads do.
"""

import json
import threading
import time

PAUSE = 0.001

_waits = []
_over = threading.Event()
_threads = []


def start():
    """Begins; returns the kernel's number of the thread, so that it can be given priority from outside."""
    _over.clear()
    _waits.clear()
    told = threading.Event()
    thread = threading.Thread(target=_probe, args=(told,), name="bench probe")
    _threads.append(thread)
    thread.start()
    told.wait()
    return thread.native_id


def stop():
    """Ends; returns a JSON list of the waits in seconds that were longer than half a millisecond, and how many there were."""
    _over.set()
    while _threads:
        _threads.pop().join()
    return json.dumps({"n": len(_waits), "long": [round(wait, 6) for wait in _waits if wait > 0.0005]})


def _probe(told):
    told.set()
    wall, cpu, sleep = time.monotonic, time.process_time, time.sleep
    while not _over.is_set():
        at, used = wall(), cpu()
        sleep(PAUSE)
        _waits.append(min(wall() - at - PAUSE, cpu() - used))
