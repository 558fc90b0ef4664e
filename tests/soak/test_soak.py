"""Many faxes at once and in a row: none is lost, no status is wrong, and the switch's Python does not grow.

``make soak`` takes 5,000 in a row and 200 at once in either direction (FAXES, CALLS), ``make test`` a few.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from crash.audit import Audit, nothing_left, pages_of, which
from crash.conftest import Tries, tries
from crash.receiving import interpreter, prepare, runs
from rig.house import OWN_NUMBER, House, HouseMaker
from scenario.conftest import document, make_house

FAXES = int(os.environ.get("FAXES", "24"))
CALLS = int(os.environ.get("CALLS", "12"))
AT_A_TIME = 24      # gofaxsend processes that start together; faxq starts one after the other
pytestmark = pytest.mark.standin("line time runs as fast as it can")
__all__ = ["document", "make_house", "tries"]


@dataclass(frozen=True, slots=True)
class Size:
    """What the interpreter takes: resident KiB, descriptors, threads."""

    resident: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Size:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return cls(int(lines["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(lines["Threads"]))


def quarters(sizes: Sequence[Size], what: str) -> tuple[int, int]:
    """The least in the second and in the last quarter: what is left behind raises that, too, and what is under way does not.

    The first quarter is for what is loaded once.
    """
    values = [getattr(size, what) for size in sizes]
    quarter = len(values) // 4
    return min(values[quarter : 2 * quarter]), min(values[-quarter:])


def idle(house: House) -> bool:
    return not house.journal() and not house.switch.calls()


def accounts(house: House, found: Audit, sent: int, received: int, paper: str) -> None:
    """Every fax is there, once, whole, recorded and announced."""
    records = Counter((record[1], record[13]) for record in house.records())
    found.must(records == {("SEND", ""): sent, ("RECV", ""): received, ("CALL", ""): received}, f"records {dict(records)}")
    found.must(len(house.far_received()) == sent, f"{len(house.far_received())} of {sent} faxes arrived at far ends")
    found.must(len(house.received()) == received, f"{len(house.received())} of {received} faxes were received")
    found.must(sorted(Counter(runs(house)).values()) == [1] * received, "faxrcvd was not run once for each fax")
    pages = pages_of([paper])
    for file in house.received():
        found.must(which(pages, pages_of([file])) == [1, 2, 3], f"{file} is not what was sent")


def told(tries: Tries, faxes: int, found: Audit) -> None:
    """For the table at the end: so many faxes, and what is wrong with them."""
    tries.count, tries.violations = faxes, found.violations
    tries.must_be_none(faxes)


@pytest.mark.timeout(36000)
def test_faxes_in_a_row_leave_nothing_behind(make_house: HouseMaker, document: str, tries: Tries) -> None:
    house = make_house()
    prepare(house)
    pid = interpreter(house)
    sizes: list[Size] = []
    for number in range(FAXES):
        if number % 2:
            assert house.switch.place_call(OWN_NUMBER, document).answered
        else:
            assert house.gofaxsend(house.job("1000")) == 2
        house.wait("the end of the fax", lambda: idle(house))
        sizes.append(Size.of(pid))
    found = Audit()
    accounts(house, found, (FAXES + 1) // 2, FAXES // 2, document)
    nothing_left(house, found)
    figures = []
    for what, most in (("resident", 1024.0), ("descriptors", 2.0), ("threads", 2.0)):
        before, after = quarters(sizes, what)       # a thread more or less with its connection is the stand-in's way
        figures.append(f"{what} {before} -> {after}")
        found.must(after <= before * 1.02 + most, f"{what}: {before} in the second quarter, {after} in the last")
    tries.figures = ", ".join(figures)
    told(tries, FAXES, found)


@pytest.mark.timeout(3600)
def test_calls_at_once_in_both_directions(make_house: HouseMaker, document: str, tries: Tries) -> None:
    house = make_house()
    prepare(house)
    jobs = [house.job("1000") for _ in range(CALLS)]
    with ThreadPoolExecutor(CALLS) as callers, ThreadPoolExecutor(AT_A_TIME) as senders:
        calls = [callers.submit(house.switch.place_call, OWN_NUMBER, document, timeout=600) for _ in range(CALLS)]
        sent = [senders.submit(house.gofaxsend, job, timeout=600) for job in jobs]
        assert all(call.result().answered for call in calls)
        assert [job.result() for job in sent] == [2] * CALLS
    house.wait("the end of all", lambda: idle(house), timeout=300)
    found = Audit()
    accounts(house, found, CALLS, CALLS, document)
    nothing_left(house, found)
    for job in jobs:
        qfile = house.qfile(job)
        found.must((qfile["npages"], qfile["status"]) == ("3", ""), f"job {job}: {qfile['npages']} pages, {qfile['status']}")
    told(tries, 2 * CALLS, found)
