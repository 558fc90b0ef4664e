"""Incoming calls: how soon they are answered, and how soon a received fax is announced."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bench.calls import Caller, Ends, answered, document_for, wait_over
from bench.figure import Reading
from bench.measure import fsync_milliseconds, median, percentile
from bench.site import BARE_NUMBER, Site
from rig.house import OWN_NUMBER, House
from rig.pages import make_tiff
from rig.receiving import script
from rig.rundir import FAX_USER

PACE = 30.0
"""Calls a second."""
TURN = 5
"""So many calls of ours, then one to the handler that only answers."""
AGAINST_BARE = "handler that only answers, in between"

# bash knows the time without starting anything
_FAXRCVD = """#!/bin/bash
echo "$EPOCHREALTIME" >> {}
"""


def answer(site: Site, n: int) -> Iterator[Reading]:
    """Handler entry → answer executed, at 30 calls a second; in between come calls to a handler that only answers.

    Without DynamicConfig and without a wait before the answer.  The callers hang up once they are answered.
    """
    with site.house() as house:
        caller = Caller(house)
        caller.place([OWN_NUMBER, BARE_NUMBER] * 3, 5)     # what is loaded and read once
        wait_over(house)
        before = len(answered(house))
        caller.place(([OWN_NUMBER] * TURN + [BARE_NUMBER]) * max(n // TURN, 1), PACE * (TURN + 1) / TURN)
        wait_over(house)
        calls = answered(house)[before:]
    ours = [call.seconds * 1e3 for call in calls if call.script == "inbound_fax"]
    bare = [call.seconds * 1e3 for call in calls if call.script == "bench_bare"]
    yield Reading("answer_median", median(ours), "ms", len(ours), median(bare), AGAINST_BARE)
    yield Reading("answer_p99", percentile(ours, 0.99), "ms", len(ours), percentile(bare, 0.99), AGAINST_BARE)


def announcement(site: Site, n: int) -> Iterator[Reading]:
    """rxfax returned → faxrcvd started, one fax after the other; between them the disk is asked what an fsync takes."""
    with site.house() as house:
        document = os.path.join(house.run_dir.path, "page.tif")
        make_tiff(document, 1)
        caller = Caller(house, f"txfax({document_for(house, document)})")
        started = _faxrcvd(house)
        ends = Ends(house, "rxfax")
        disk: list[float] = []
        for _ in range(n + 1):
            caller.place([OWN_NUMBER], 0)
            house.wait("the call", house.switch.calls)
            wait_over(house)
            disk += fsync_milliseconds(house.spool)
        house.wait("the events", lambda: len(ends.at) > n)
        ends.close()
        with open(started, encoding="ascii") as file:
            begun = [float(line) for line in file]
    seconds = [later - earlier for earlier, later in zip(ends.at, begun, strict=True)][1:]
    yield Reading("faxrcvd_start_median", median(seconds) * 1e3, "ms", n, median(disk), "one fsync")


def _faxrcvd(house: House) -> str:
    """Puts a faxrcvd into the spool that notes when it was started; returns where."""
    directory = house.run_dir.sub("faxrcvd", owner=FAX_USER)
    path = os.path.join(directory, "started")
    script(house, "bin/faxrcvd", _FAXRCVD.format(path))
    return path
