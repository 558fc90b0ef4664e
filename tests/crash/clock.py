"""The wall clock is set while a fax is under way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crash.audit import Audit, SentJob, nothing_left, pages_of
from crash.receiving import IncomingFax
from crash.sending import done_with, to_the_end
from rig.clock import Clock
from rig.house import House

SLACK = 3           # seconds that starting a process, and rounding, may make of a difference
_DURATION = re.compile(r"\b(\d+):(\d\d):(\d\d)\b(?!\.)")


@contextmanager
def when(condition: Callable[[], object], do: Callable[[], None]) -> Iterator[None]:
    """Does something as soon as ``condition`` holds, while the block runs; that must come to pass."""
    over, done = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            if condition():
                do()
                done.set()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert done.is_set(), "the moment for setting the clock did not come"


def durations(found: Audit, records: list[list[str]], log: str, real: float) -> None:
    """No duration in records or session log is longer than the call really was, and none is negative."""
    for record in records:
        for text in record[11:13]:
            found.must(_seconds(text) <= real + SLACK, f"{text} in a record of {real:.0f} s")
    for line in log.splitlines():
        for taken in re.findall(r"in (\S+)(?:,|\)|$)", line):
            if _DURATION.fullmatch(taken):
                found.must(_seconds(taken) <= real + SLACK, f"{line!r} of {real:.0f} s")


def _seconds(text: str) -> float:
    """``H:MM:SS``; anything else (native's ``??:??:??`` is more than a year) is endless."""
    fields = _DURATION.fullmatch(text)
    return int(fields[1]) * 3600 + int(fields[2]) * 60 + int(fields[3]) if fields else float("inf")


def sent_while(house: House, clock: Clock, shift: int) -> Audit:
    """A fax whose clock is set once its first page is confirmed."""
    before, records = set(house.far_received()), len(house.records())
    jobid = house.job("1000", (2, 1))
    job = SentJob(house, jobid, pages_of(house.sent[jobid]))
    began = time.monotonic()
    with when(lambda: house.qfile(jobid)["npages"] == "1", lambda: clock.jump(shift)):
        job.returned.append(str(house.gofaxsend(jobid)))
    real = time.monotonic() - began
    found = Audit()
    found.must(job.returned == ["2"], f"returned {job.returned}: {house.qfile(jobid)['status']}")
    durations(found, house.records()[records:], house.session_log(house.qfile(jobid)["commid"]), real)
    to_the_end(house, job)
    job.far = [file for file in house.far_received() if file not in before]
    found.violations += job.audit().violations
    nothing_left(house, found)
    done_with(house, job)
    clock.jump(0)
    return found


def ended_by(house: House, clock: Clock, shift: int, number: str, least: float, most: float) -> Audit:
    """A call that a limit ends, between ``least`` and ``most`` seconds, though the clock is set meanwhile; and the time of
    the next try."""
    found = Audit()
    jobid = house.job(number)
    began = time.monotonic()
    with when(house.switch.calls, lambda: clock.jump(shift)):
        returned = house.gofaxsend(jobid)
    real = time.monotonic() - began
    found.must(returned == 0, f"returned {returned}")
    found.must(least <= real <= most, f"a limit of {least:g} s has ended the call after {real:.1f} s")
    due = int(house.qfile(jobid)["tts"]) - (time.time() + shift)
    found.must(0 < due < 7200, f"to be tried again in {due:.0f} s")
    house.switch.wait_calls_over(10)
    nothing_left(house, found)
    done_with(house, SentJob(house, jobid, [], returned=["1"]))
    clock.jump(0)
    return found


def received_while(house: House, document: str, clock: Clock, shift: int, *, dies: bool = False) -> Audit:
    """A fax whose clock is set once its first page is confirmed; if it ``dies`` the switch does so then, and starts again."""
    fax = IncomingFax(house, document)

    def jump() -> None:
        if dies:
            house.switch.kill()
        clock.jump(shift)

    began = time.monotonic()
    with when(lambda: fax.confirmed, jump):
        fax.place()
    if dies:
        house.switch.start()
    found = Audit()
    house.wait("the end of the journal entry", lambda: not house.journal(), timeout=30)
    real = time.monotonic() - began
    house.switch.wait_calls_over()
    found.violations += fax.audit(announced_before=False).violations
    records = house.records()[fax.before_records:]
    if not dies:
        found.must({record[10] for record in records if record[1] == "RECV"} == {"3"}, f"not all pages: {records}")
        found.must(not any(record[13] for record in records), f"a reason: {records}")
    durations(found, records, house.session_log(records[0][2]), real)
    clock.jump(0)
    return found
