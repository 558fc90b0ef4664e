"""The auditor: compares what was sent, confirmed, recorded, announced and left over, and says what does not fit.

It believes nobody: not the qfile, but the images that far ends have received; not the journal, but the spool's folders.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gofaxpy.hylafax.uucplock import UUCPLock
from rig.house import House
from rig.pages import Page, compare, read_pages

DONE, FAILED, RETRY = "2", "1", "0"
IDLE = "Running and idle"


@dataclass(slots=True)
class Audit:
    """What was found against the promises; empty is good."""

    violations: list[str] = field(default_factory=list)

    def must(self, holds: object, text: str) -> None:
        """Notes ``text`` unless the promise ``holds``."""
        if not holds:
            self.violations.append(text)


def pages_of(files: Sequence[str]) -> list[Page]:
    """All pages of some TIFFs, in order."""
    return [page for file in files for page in read_pages(file)]


def which(sent: Sequence[Page], received: Sequence[Page]) -> list[int]:
    """Which page (from 1) each received one is; 0 for one that nobody has sent."""
    return [next((number for number, page in enumerate(sent, 1) if compare(page, one).identical), 0) for one in received]


@dataclass(slots=True)
class SentJob:
    """One job, its attempts, and the files its far ends have received."""

    house: House
    jobid: int
    sent: list[Page]
    returned: list[str] = field(default_factory=list)
    far: list[str] = field(default_factory=list)
    refused_for: str = ""
    """What a job may be failed for before anything is dialled; it then must say so."""
    numbered_anew: bool = False
    """Whether commids may have come again: ``log/seqf`` is not synced at each call, as HylaFAX does not do it either."""
    torn: bool = False
    """Whether the call itself may have been cut: the switch died, or lost its line.  Then one page may come twice: the far
    end has confirmed it and nobody was left to hear."""

    def audit(self) -> Audit:
        """(b) at most one answered call an attempt, (c) nothing delivered twice, (d) done means all pages."""
        found = Audit()
        arrived = Counter(number for file in self.far for number in which(self.sent, _whole_pages(file)))
        found.must(not arrived[0], f"{arrived[0]} pages arrived that are none of the job's")
        found.must(len(self.far) <= len(self.returned), f"{len(self.far)} answered calls in {len(self.returned)} attempts")
        twice = {number: times for number, times in arrived.items() if number and times > 1}
        allowed = {number: 2 for number in twice} if self.torn and len(twice) <= 1 else {}
        found.must(twice == allowed or not twice, f"pages arrived more than once: {twice}")
        last = self.returned[-1] if self.returned else ""
        missing = [number for number in range(1, len(self.sent) + 1) if not arrived[number]]
        if last == DONE:
            found.must(not missing, f"done, but pages {missing} did not arrive")
            found.must(self.house.qfile(self.jobid)["npages"] == str(len(self.sent)), "done, but npages is not all pages")
        status = self.house.qfile(self.jobid)["status"]
        refused = bool(self.refused_for) and last == FAILED and self.refused_for in status
        found.must(last == DONE or (refused and not arrived), f"not done in the end: returned {last}: {status}")
        self._records(found)
        return found

    def _records(self, found: Audit) -> None:
        records = [record for record in self.house.records() if record[1] == "SEND" and record[4] == str(self.jobid)]
        for record in records:
            found.must(len(record) == 19, f"a record of {len(record)} fields: {record}")
        commids = [record[2] for record in records]
        found.must(self.numbered_anew or len(set(commids)) == len(commids), f"two records of one attempt: {commids}")
        accounted = sum(int(record[10]) for record in records)
        found.must(accounted <= len(self.sent) + self.torn, f"{accounted} pages recorded of {len(self.sent)}")


def _whole_pages(file: str) -> list[Page]:
    """The pages of a file that a far end received; a call cut in its first page leaves none."""
    try:
        return read_pages(file)
    except OSError:
        return []


def nothing_left(house: House, found: Audit) -> None:
    """(e): no call, journal entry, temporary file or lock stays behind, and every modem is idle."""
    calls = house.switch.calls()
    found.must(not calls, f"calls are left: {calls}")
    found.must(not house.journal(), f"journal entries are left: {house.journal()}")
    left = _names(house.path("gofax", "tmp"))
    found.must(not left, f"gofax/tmp still holds {left}")
    empty = [name for name in house.received() if os.path.getsize(name) == 0]
    found.must(not empty, f"empty files in recvq: {empty}")
    found.must(not locks(house), f"modem locks are left: {locks(house)}")
    for name in _names(house.path("status")):
        with open(house.path("status", name), encoding="utf-8") as file:
            text = file.read().strip()
        found.must(text == IDLE or not name.startswith("freeswitch"), f"modem {name} says {text!r}")


def at_rest(house: House) -> bool:
    """Whether every modem is idle, for which the supervisor may take a second."""
    for name in _names(house.path("status")):
        with open(house.path("status", name), encoding="utf-8") as file:
            if name.startswith("freeswitch") and file.read().strip() != IDLE:
                return False
    return not locks(house)


def locks(house: House) -> list[str]:
    """The modems' locks, but for what HylaFAX itself calls stale: it removes the lock of a faxq that was killed when it
    next wants the modem, half a minute later at the earliest (faxd/UUCPLock.c++)."""
    names = [name for name in _names(house.lock_dir) if name.startswith("LCK..")]
    return [name for name in names if UUCPLock(house.lock_dir, name.removeprefix("LCK..")).held_by() is not None]


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
