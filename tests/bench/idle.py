"""The supervisor when nothing happens: it runs as long as FreeSWITCH does, on every fax server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.figure import Reading
from bench.measure import cpu_seconds, median
from bench.site import MODEMS, Site
from rig.house import House
from rig.install import SYSTEM_PYTHON
from rig.rundir import FAX_USER

SECONDS = 10.0
SETTLED = 2.0


def supervisor(site: Site, n: int) -> Iterator[Reading]:
    """CPU of an idle supervisor with 60 modems, in percent of a core; next to it, a loop that only waits on as many FIFOs."""
    seconds = 1.0 if site.quick else SECONDS
    ours, bare = [], []
    with site.house(modems=MODEMS, startup_scripts=()) as house, ExitStack() as stack:
        first = stack.enter_context(_running(site, house, house.installed.lib, "ours"))
        house.wait("the modems", lambda: house.spool_has("status", f"freeswitch{MODEMS - 1}"))
        second = stack.enter_context(_running(site, house, house.spool, "bare"))
        time.sleep(SETTLED)
        for _ in range(n):
            before = cpu_seconds(first.pid), cpu_seconds(second.pid)
            began = time.monotonic()
            time.sleep(seconds)
            took = time.monotonic() - began
            ours.append((cpu_seconds(first.pid) - before[0]) / took * 100)
            bare.append((cpu_seconds(second.pid) - before[1]) / took * 100)
    yield Reading("supervisor_idle", median(ours), "% of a core", n, median(bare), "loop that only waits")


@contextmanager
def _running(site: Site, house: House, argument: str, which: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [SYSTEM_PYTHON, site.inside("idle.py"), argument, which],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=house.spool,
        env={**house.run_dir.environ, "GOFAX_CONFIG": house.config}, user=FAX_USER, group=FAX_USER, extra_groups=(),
    )
    try:
        yield process
    finally:
        process.communicate()
