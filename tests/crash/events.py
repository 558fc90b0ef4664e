"""Events that are lost, come twice, late or in another order, on their way to gofaxsend and to the scripts in the switch.

An event says what has happened; it does not make it happen.  So whatever befalls one, the job, the fax and their records
have to come out as without the mishap.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crash.audit import Audit, pages_of, which
from crash.receiving import IncomingFax
from rig.house import House
from rig.proxy import At, Meddler, Part, Proxy, Swapped, untouched

ENDS = (
    "returned", "status", "statuscode", "npages", "totdials", "ndials", "tottries", "ntries", "csi", "signalrate", "dataformat",
)
"""What the qfile says of an attempt that is over."""
SENT, RECEIVED = (1, 8, 9, 10, 13, 18), (1, 3, 6, 7, 8, 9, 10, 13, 18)
"""What of the accounting records (xferfaxlog(5)) is the same each time: not times, numbers and names of files."""
LATE = 2.0


def _is_event(part: Part) -> bool:
    return part.is_event


class Silence:
    """The meddler that lets no event pass any more from the nth on, but replies."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def __call__(self, part: Part) -> Sequence[bytes]:
        self._left -= part.is_event
        return [] if part.is_event and self._left < 0 else [part.data]


ON_THE_SOCKET: dict[str, Callable[[int], Meddler]] = {
    "lost": lambda nth: At(nth, _is_event, lambda part: []),
    "twice": lambda nth: At(nth, _is_event, lambda part: [part.data, part.data]),
    "swapped": lambda nth: Swapped(nth, _is_event),
    "late": lambda nth: At(nth, _is_event, lambda part: [LATE, part.data]),
}


@dataclass(slots=True)
class Attempt:
    """One attempt to send: what the qfile, the records and the far end have of it."""

    fields: dict[str, str]
    records: list[list[str]]
    arrived: list[int]
    seconds: float
    events: int
    left: Audit

    def like(self, other: Attempt) -> Audit:
        """Whether it came out as another one that met with no mishap.  Only one event tells the SIP status of a call that was
        refused; it may be missing from the reason."""
        found = Audit(list(self.left.violations))
        for name, value in self.fields.items():
            found.must(_alike(value, other.fields[name]), f"{name}:{value}, without the mishap {other.fields[name]}")
        mine, its = ([field for record in records for field in record] for records in (self.records, other.records))
        same = len(mine) == len(its) and all(map(_alike, mine, its))
        found.must(same, f"records {self.records}, without the mishap {other.records}")
        found.must(self.arrived == other.arrived, f"pages {self.arrived} arrived, without the mishap {other.arrived}")
        return found

    def in_time(self, most: float) -> Audit:
        """Whether it took at most so many seconds."""
        found = Audit()
        found.must(self.seconds <= most, f"the attempt took {self.seconds:.0f} s")
        return found


def _alike(text: str, wanted: str) -> bool:
    return text == wanted or text == re.sub(r" \(\d{3} .*\)$", "", wanted)


def attempt(house: House, number: str, meddler: Meddler = untouched, mishap: str = "") -> Attempt:
    """One attempt with a meddler on gofaxsend's line, or a ``mishap`` (``KIND N``) on the scripts'."""
    before, records = set(house.far_received()), len(house.records())
    if mishap:
        assert house.switch.api(f"standin events {mishap}") == "+OK\n"
    with Proxy(house.switch.esl_port, meddler) as proxy:
        jobid = house.job(number, (2, 1))
        began = time.monotonic()
        house.gofaxsend(jobid, "-C", house.config_through(proxy.port), timeout=90)
        seconds = time.monotonic() - began
        events = sum(part.is_event for part in proxy.parts)
    house.switch.wait_calls_over()
    far = [file for file in house.far_received() if file not in before]
    left = Audit()
    left.must(not house.journal(), f"journal entries are left: {house.journal()}")
    qfile = house.qfile(jobid)
    made = [[record[place] for place in SENT] for record in house.records()[records:]]
    os.rename(house.path("sendq", f"q{jobid}"), house.path("doneq", f"q{jobid}"))
    return Attempt(
        {name: qfile[name] for name in ENDS}, made, which(pages_of(house.sent[jobid]), pages_of(far)), seconds, events, left)


def received(house: House, document: str, mishap: str = "") -> tuple[Audit, list[list[str]]]:
    """A fax that comes in with a mishap on the scripts' events; what is wrong with it, and its records but for the times."""
    if mishap:
        assert house.switch.api(f"standin events {mishap}") == "+OK\n"
    fax = IncomingFax(house, document)
    fax.place()
    house.wait("the end of the journal entry", lambda: not house.journal(), timeout=20)
    house.switch.wait_calls_over()
    found = fax.audit(announced_before=False)
    made = [[record[place] for place in RECEIVED] for record in house.records()[fax.before_records:]]
    return found, made
