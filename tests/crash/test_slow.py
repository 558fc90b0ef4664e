"""The disk is slow, or a job description is locked: everything takes longer, and comes to the same end."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import threading
import time

import pytest

from crash.audit import Audit, SentJob, nothing_left, pages_of
from crash.conftest import ALL, Tries
from crash.receiving import IncomingFax, interpreter, prepare
from crash.sending import done_with, log_of, to_the_end
from crash.slow import all_loaded, beating, slowly
from crash.strace import Attached, traced
from rig.driven import burden
from rig.house import House, HouseMaker
from rig.syslog import SyslogSink

pytestmark = pytest.mark.standin("strace counts the system calls of a call that takes no time")
DELAYS = (0.5, 1.0, 2.0) if ALL else (0.3,)
SWITCH_DELAYS = (1.0, 2.0) if ALL else (1.0,)
BREATH = 0.8        # seconds, less than any delay there


def sent(house: House, *, under: list[str] | None = None, most: float) -> Audit:
    """One job that must be done at the first attempt, within so many seconds."""
    before = set(house.far_received())
    jobid = house.job("1000", (2, 1))
    job = SentJob(house, jobid, pages_of(house.sent[jobid]))
    began = time.monotonic()
    process = house.start_gofaxsend(jobid, under=under or ())
    output, _ = process.communicate(timeout=most * 3 * burden())
    seconds = time.monotonic() - began
    job.returned.append(str(process.returncode))
    found = Audit()
    found.must(job.returned == ["2"], f"returned {job.returned}: {house.qfile(jobid)['status']} {output}")
    found.must(seconds <= most * burden(), f"it took {seconds:.1f} s")
    to_the_end(house, job)
    job.far = [file for file in house.far_received() if file not in before]
    found.violations += job.audit().violations
    nothing_left(house, found)
    done_with(house, job)
    return found


@pytest.mark.timeout(1200)
def test_gofaxsend_on_a_slow_disk(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house({"outbound": {"page_timeout": 5}}, speed=40)
    for delay in DELAYS:
        slow = traced(log_of(house), slowly(delay, delay / 50))     # it opens some hundred files of Python's as well
        tries.note(f"{delay} s", sent(house, under=slow, most=30 + 40 * delay))
    tries.must_be_none(1)


def test_a_call_has_nothing_of_python_loaded(make_house: HouseMaker, document: str) -> None:
    """Reading a program takes the disk's time, too, and a shared object is read with the interpreter's lock held."""
    house = make_house()
    prepare(house)
    all_loaded(house)
    log = log_of(house)
    with Attached(interpreter(house), log, ["-e", "trace=openat"]):
        assert house.gofaxsend(house.job("1000")) == 2
        IncomingFax(house, document).place()
        house.wait("the end of the journal entry", lambda: not house.journal())
    with open(log, encoding="utf-8", errors="replace") as file:
        opened = [(thread, path) for line in file for thread, path in re.findall(r'^(\d+) .*openat\(\w+, "([^"]*)', line)]
    programs = {thread for thread, path in opened if path == "/etc/ld.so.cache"}     # faxrcvd's runner, and faxrcvd
    ours = [path for thread, path in opened if thread not in programs]
    assert any("/spool/" in path for path in ours) and programs
    assert not [path for path in ours if path.startswith("/usr/lib/") or path.endswith(".so")]


@pytest.mark.timeout(1200)
def test_a_fax_goes_out_of_a_switch_with_a_slow_disk(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house({"outbound": {"page_timeout": 20}})      # a line that waits for Python: its seconds are real ones
    all_loaded(house)
    for delay in SWITCH_DELAYS:
        with beating(house) as longest, Attached(interpreter(house), log_of(house), slowly(delay, delay / 10)):
            audit = sent(house, most=30 + 20 * delay)
        audit.must(longest[0] < BREATH, f"no Python ran for {longest[0]:.2f} s")
        tries.note(f"{delay} s", audit)
    tries.must_be_none(1)


@pytest.mark.timeout(1200)
def test_two_faxes_come_into_a_switch_with_a_slow_disk(make_house: HouseMaker, document: str, tries: Tries) -> None:
    house = make_house()
    prepare(house)
    all_loaded(house)
    for delay in DELAYS:
        fax = IncomingFax(house, document)
        with beating(house) as longest, Attached(interpreter(house), log_of(house), slowly(delay, delay / 10)):
            other = threading.Thread(target=house.switch.place_call, args=("4712", document))
            other.start()
            began = time.monotonic()
            fax.place(patience=60 + 40 * delay)
            seconds = time.monotonic() - began
            other.join()
            house.wait("the end of the journal entries", lambda: not house.journal(), timeout=30 + 30 * delay)
        audit = Audit()
        audit.must(longest[0] < BREATH, f"no Python ran for {longest[0]:.2f} s")
        audit.must(seconds < (30 + 30 * delay) * burden(), f"the call took {seconds:.1f} s")
        records = house.records()[fax.before_records:]
        audit.must([record[10] for record in records if record[1] == "RECV"] == ["3", "3"], f"not all pages: {records}")
        audit.must(not any(record[13] for record in records), f"a reason: {records}")
        nothing_left(house, audit)
        tries.note(f"{delay} s", audit)
    tries.must_be_none(1)


def test_a_job_that_is_locked_for_a_while_is_sent_afterwards(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house()
    jobid = house.job("1000", (2, 1))
    with open(house.path("sendq", f"q{jobid}"), "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        process = house.start_gofaxsend(jobid)
        time.sleep(2)
        assert process.poll() is None and house.qfile(jobid)["returned"] == "7", "nothing is done without the lock"
    process.communicate(timeout=30 * burden())
    job = SentJob(house, jobid, pages_of(house.sent[jobid]), [str(process.returncode)], house.far_received())
    tries.note("locked for 2 s", job.audit())
    tries.must_be_none(1)


def test_a_job_that_stays_locked_is_not_called_and_the_operator_is_told_by_whom(make_house: HouseMaker) -> None:
    """gofaxsend waits as native does: faxq would wait for the lock itself, and all jobs with it, as soon as we ended."""
    house = make_house()
    jobid = house.job("1000", (2, 1))
    sink = SyslogSink(house.run_dir.path)
    sink.start()    # a real syslog daemon may have /dev/log, or another run give it up; the words are in a test of the qfile, too
    try:
        with open(house.path("sendq", f"q{jobid}"), "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            process = house.start_gofaxsend(jobid)
            time.sleep(2)
            house.wait("a word to the operator", lambda: _of_the_lock(sink) or not sink.hears(), 20)
            process.send_signal(signal.SIGTERM)     # faxrm
            time.sleep(1)
            assert process.poll() is None and house.switch.calls() == []
        process.communicate(timeout=10 * burden())
        told, heard = _of_the_lock(sink), sink.hears()
    finally:
        sink.stop()
    wanted = rf"q{jobid}: has been locked by process {os.getpid()} \(.+\) for \d+ s; the job waits until"
    assert not heard or re.search(wanted, told[0]), told
    qfile = house.qfile(jobid)
    assert (process.returncode, qfile["returned"], qfile["status"]) == (0, "0", "Call aborted by user")
    assert house.far_received() == [] and house.journal() == []


def _of_the_lock(sink: SyslogSink) -> list[str]:
    return [line for line in sink.lines() if f"has been locked by process {os.getpid()} " in line]
