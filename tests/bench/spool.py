"""The work a fax makes in the spool: numbers, logs, records, the journal, the qfile again and again.

What it must cost is what its system calls cost, most of all those that wait for the disk; what it costs beyond is ours.
The figure is the least CPU time, and for each call that waits for the disk, on both sides alike, what it takes at best:
so other programs on the machine do not show in it, and a slow disk does not hide anything.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import TypedDict

from bench.figure import Reading
from bench.measure import fsync_milliseconds, median
from bench.site import Site
from rig.house import House
from rig.install import SYSTEM_PYTHON
from rig.pages import make_tiff
from rig.rundir import FAX_USER, RigError

AGAINST = "its system calls alone"


def sent(site: Site, n: int) -> Iterator[Reading]:
    """An outgoing fax of one page."""
    yield from _readings(site, "sent", n)


def received(site: Site, n: int) -> Iterator[Reading]:
    """An incoming fax of one page, as far as faxrcvd."""
    yield from _readings(site, "received", n)


def _readings(site: Site, kind: str, n: int) -> Iterator[Reading]:
    with site.house(modems=2, startup_scripts=()) as house:
        document = os.path.join(house.run_dir.path, "page.tif")
        make_tiff(document, 1)
        os.chmod(document, 0o644)
        _without_dial_rules(house)
        found = _run(site, house, kind, n, document)
        disk = fsync_milliseconds(house.spool)
    waits = found["durable"] * min(disk)
    wall, bare_wall = (median([run[0] for run in runs]) * 1e3 for runs in (found["ours"], found["bare"]))
    cpu, bare_cpu = (min(run[1] for run in runs) * 1e3 for runs in (found["ours"], found["bare"]))
    yield Reading(f"spool_work_{kind}", cpu + waits, "ms", n, bare_cpu + waits, AGAINST)
    yield Reading(f"spool_wall_{kind}", wall, "ms", n, bare_wall, AGAINST)
    yield Reading(f"spool_calls_{kind}", found["calls"], "system calls", n)
    yield Reading(f"spool_fsyncs_{kind}", found["durable"], "fsyncs", n, None, f"one takes {min(disk):.3f} ms at best")


class _Found(TypedDict):
    """What ``inside/spoolwork.py`` prints."""

    ours: list[tuple[float, float]]
    bare: list[tuple[float, float]]
    calls: int
    durable: int


def _run(site: Site, house: House, kind: str, n: int, document: str) -> _Found:
    twin = os.path.join(house.run_dir.sub("twin", owner=FAX_USER), "spool")
    plan = {
        "library": house.installed.lib, "spool": house.spool, "twin": twin, "kind": kind, "n": n, "document": document,
        "qfile": _qfile(house),
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, site.inside("spoolwork.py"), json.dumps(plan)], stdout=subprocess.PIPE, text=True, check=False,
        env={**house.run_dir.environ, "GOFAX_CONFIG": house.config}, user=FAX_USER, group=FAX_USER, extra_groups=(),
    )
    if done.returncode != 0:
        raise RigError(f"the work on the spool could not be done (status {done.returncode}); its messages stand above")
    result: _Found = json.loads(done.stdout)
    return result


def _without_dial_rules(house: House) -> None:
    """HylaFAX's dialtest, which applies them, is a program of its own and no work on the spool (its CPU is in gofaxsend's)."""
    path = house.path("etc", "config")
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("DialStringRules")]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines)


def _qfile(house: House) -> str:
    """A job of one page, with ``@`` in place of its number."""
    job = house.job("1000", (1,))
    with open(house.path("sendq", f"q{job}"), encoding="utf-8") as file:
        text = file.read()
    for own, common in ((f"doc{job}0.tif.{job}", "doc@0.tif.@"), (f"doc{job}0", "doc@0"), (f"jobid:{job}\n", "jobid:@\n")):
        text = text.replace(own, common)
    return text
