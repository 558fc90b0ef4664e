"""Many calls at once: what a call costs, what memory it takes, and for how long Python keeps others from running.

The interpreter of the stand-in is a process of its own, so its CPU time and memory are those of the scripts, of the
library, and of the stand-in's module ``freeswitch``; a handler that does nothing of its own says how much the last is.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from bench.calls import Caller, document_for, wait_over
from bench.figure import Reading
from bench.measure import children_cpu_seconds, cpu_seconds, median, percentile, resident_kilobytes
from bench.site import BARE_NUMBER, Site
from rig.house import OWN_NUMBER, House
from rig.pages import make_tiff
from rig.receiving import script

SIZES = (1, 10, 60, 200)
COMPARED = 10
AT_LEAST = 60
"""Calls of each size in a round, so that small crowds are measured as well as large ones."""
HELD = 200
DURING = 60
AGAINST_BARE = "calls to a bare handler"
_HOLDS = re.compile(r"^(?P<what>.+): \d+ times, .* (?P<longest>[0-9.]+) s at most$", re.MULTILINE)


def cost(site: Site, n: int) -> Iterator[Reading]:
    """CPU per call of one page as more come in at the same moment.  n rounds of all sizes; the least of each size."""
    sizes = SIZES[:2] if site.quick else SIZES
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    bare: list[float] = []
    with site.house(modems=max(sizes)) as house:
        pid = interpreter(house)
        caller = _sender(house)
        _wave(house, caller, OWN_NUMBER, COMPARED)
        _wave(house, caller, BARE_NUMBER, COMPARED)
        idle = _idle_share(pid)
        children, calls = children_cpu_seconds(pid), 0
        for _ in range(n):
            for size in sizes:
                times = 1 if site.quick else max(AT_LEAST // size, 1)
                taken[size].append(_per_call(house, caller, OWN_NUMBER, size, times, pid, idle))
                calls += size * times
            bare.append(_per_call(house, caller, BARE_NUMBER, COMPARED, 1, pid, idle))
        runner = (children_cpu_seconds(pid) - children) / calls
    least = {size: min(values) * 1e3 for size, values in taken.items()}
    for size, milliseconds in least.items():
        yield Reading(f"call_cpu_{size}_at_once", milliseconds, "ms", n, least[COMPARED], f"{COMPARED} at once")
    yield Reading("call_cpu_of_children", runner * 1e3, "ms", calls, least[COMPARED], f"the handler's own, {COMPARED} at once")
    yield Reading("call_cpu_bare_handler", min(bare) * 1e3, "ms", n, least[COMPARED], f"ours, {COMPARED} at once")


def memory(site: Site, n: int) -> Iterator[Reading]:
    """Memory per call while all of them sit in rxfax, beyond what the bare handler's calls take."""
    size = COMPARED if site.quick else HELD
    ours = [_growth(site, OWN_NUMBER, size) for _ in range(n)]
    bare = [_growth(site, BARE_NUMBER, size) for _ in range(n)]
    yield Reading("call_memory", median(ours) - median(bare), "kB", n * size, median(bare), "bare handler's call")


def gil(site: Site, n: int) -> Iterator[Reading]:
    """How long one thread holds the interpreter, and how long one that wants it has to wait, during n times 60 calls."""
    size = COMPARED if site.quick else DURING
    with site.house(speed="max" if site.quick else 10) as house:
        caller = _sender(house)
        _wave(house, caller, OWN_NUMBER, 3)
        ours = [_probed(house, caller, OWN_NUMBER, size) for _ in range(n)]
        bare = [_probed(house, caller, BARE_NUMBER, size) for _ in range(n)]
        api = [float(found["longest"]) * 1e3 for found in _HOLDS.finditer(house.switch.api("standin gil"))]
    holds, bare_holds = [one for run in ours for one in run.holds], [one for run in bare for one in run.holds]
    waits, bare_waits = [one for run in ours for one in run.waits], [one for run in bare for one in run.waits]
    yield Reading("gil_longest_hold", max([*holds, *api]), "ms", n * size, max(bare_holds), AGAINST_BARE)
    yield Reading("gil_longest_api_hold", max(api, default=0.0), "ms", n * size)
    yield Reading("gil_longest_wait", max(waits), "ms", n * size, max(bare_waits), AGAINST_BARE)
    yield Reading("gil_wait_p99", percentile(waits, 0.99), "ms", n * size, percentile(bare_waits, 0.99), AGAINST_BARE)


def interpreter(house: House) -> int:
    """The process id of the interpreter in which all calls' scripts run."""
    return int(house.switch.api("python bench_probe pid"))


# -- below


def _sender(house: House) -> Caller:
    document = os.path.join(house.run_dir.path, "page.tif")
    make_tiff(document, 1)
    script(house, "bin/faxrcvd", "#!/bin/sh\n")
    return Caller(house, f"txfax({document_for(house, document)})")


def _wave(house: House, caller: Caller, number: str, size: int) -> None:
    caller.place([number] * size, 0)
    house.wait("the calls", house.switch.calls)
    wait_over(house)


def _per_call(house: House, caller: Caller, number: str, size: int, times: int, pid: int, idle: float) -> float:
    """CPU seconds of the interpreter for one of ``size`` calls that come at once, less what it takes when idle."""
    began, used = time.monotonic(), cpu_seconds(pid)
    for _ in range(times):
        _wave(house, caller, number, size)
    return (cpu_seconds(pid) - used - idle * (time.monotonic() - began)) / (size * times)


def _idle_share(pid: int, seconds: float = 2.0) -> float:
    """CPU seconds a second that the interpreter takes for nothing."""
    time.sleep(0.5)
    used = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - used) / seconds


def _growth(site: Site, number: str, size: int) -> float:
    """kB per call by which the interpreter is larger while ``size`` calls sit in rxfax; in a house of its own, because memory
    that was used once stays."""
    with site.house(modems=size, speed=1) as house:
        caller = Caller(house, "playback(silence_stream://-1)")
        pid = interpreter(house)
        _hold(house, caller, number, 3)
        before = resident_kilobytes(pid)
        _hold(house, caller, number, size, looking := _Look(pid))
        return (looking.kilobytes - before) / size


class _Look:
    """How large the interpreter is at the moment."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.kilobytes = 0

    def __call__(self) -> None:
        time.sleep(0.5)
        self.kilobytes = resident_kilobytes(self._pid)


def _hold(house: House, caller: Caller, number: str, size: int, look: _Look | None = None) -> None:
    """``size`` calls that come at once and are hung up when all of them sit in rxfax."""
    begun = _in_rxfax(house)
    caller.place([number] * size, 0)
    house.wait("all calls in rxfax", lambda: _in_rxfax(house) - begun == size, 120)
    if look is not None:
        look()
    house.switch.api("hupall")
    wait_over(house)


def _in_rxfax(house: House) -> int:
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        return sum(" rxfax(" in line and "EXECUTE" in line for line in file)


@dataclass(frozen=True, slots=True)
class _Probed:
    """What the probe inside the interpreter saw (``inside/bench_gil.py``), in milliseconds."""

    waits: list[float]
    holds: list[float]


def _probed(house: House, caller: Caller, number: str, size: int) -> _Probed:
    """A probe during ``size`` calls, 30 of them a second."""
    thread = int(house.switch.api("python bench_probe start"))
    with suppress(PermissionError):     # without priority over the machine's other work that shows in what the probe sees
        os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
    caller.place([number] * size, 30)
    wait_over(house)
    return _Probed(**json.loads(house.switch.api("python bench_probe stop")))
