"""The power fails after any fsync, before the next: what had been promised by then is on the disk."""

from __future__ import annotations

import os
import signal

import pytest

from crash.audit import Audit, SentJob, pages_of, which
from crash.conftest import Tries
from crash.powerloss import OPTIONS, Disk, copy_before, recorded, restore
from crash.receiving import IncomingFax, interpreter, prepare, runs
from crash.sending import NUMBER, to_the_end
from crash.strace import STRACE, Attached
from gofaxpy.journal import Step
from rig.house import House, HouseMaker
from rig.switch import StandIn

pytestmark = pytest.mark.standin("system calls of the stand-in are recorded")
SYNCS = ("fsync", "fdatasync")


def states(log: str, root: str, process_of: dict[int, int]) -> list[Disk]:
    """The disk as it is after each sync of a recorded run, and before the first."""
    found = []
    calls = list(recorded(log, process_of))
    ends = [0] + [number for number, call in enumerate(calls, 1) if call.name in SYNCS]
    for end in ends:
        disk = Disk(root, root)
        for call in calls[:end]:
            disk.replay(call)
        found.append(disk)
    return found


def noted(disk: Disk, step: Step) -> bool:
    """Whether the disk has that mark in a journal entry."""
    text = f'"step":"{step.value}"'.encode()
    return any(octets and text in octets for path, octets in disk.contents().items() if "/gofax/journal/" in path)


@pytest.mark.timeout(600)
def test_a_delivered_job_is_not_sent_again_and_no_job_is_lost(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house()
    jobid = house.job(NUMBER, (2, 1))
    sent = pages_of(house.sent[jobid])
    copy_before(house.spool)
    log = os.path.join(house.run_dir.sub("strace", owner="uucp"), "power")
    python = interpreter(house)     # its handler notes the result as well, and mostly does so first
    threads = {int(thread): python for thread in os.listdir(f"/proc/{python}/task")}
    process = house.start_gofaxsend(jobid, under=[STRACE, "-I1", "-f", "-qq", "-o", log, *OPTIONS, f"--attach={python}"])
    house.wait("the end of the job", lambda: house.qfile(jobid)["returned"] == "2")
    house.wait("the end of the journal entry", lambda: not house.journal())
    house.switch.wait_calls_over()
    process.send_signal(signal.SIGINT)      # strace goes on as long as one of the two lives
    process.communicate(timeout=60)
    assert house.qfile(jobid)["returned"] == "2"
    disks = states(log, house.spool, threads)
    assert any(noted(disk, Step.FAX_OVER) for disk in disks), "the result is brought to the disk"
    for number, disk in enumerate(disks):
        restore(disk)
        before = set(house.far_received())
        job = SentJob(house, jobid, sent, returned=["0"], numbered_anew=True)
        to_the_end(house, job)
        job.far = [file for file in house.far_received() if file not in before]
        found = Audit()
        if noted(disk, Step.FAX_OVER):
            found.must(not job.far, "the delivered job was sent again")
            found.must(job.returned[-1] == "2", f"returned {job.returned[-1]}")
        else:
            found.violations += job.audit().violations
        found.must(not house.journal(), f"journal entries are left: {house.journal()}")
        tries.note(f"power lost after sync {number}", found)
    tries.must_be_none(4)


@pytest.mark.timeout(600)
def test_pages_that_were_synced_are_kept_recorded_and_announced(
    make_house: HouseMaker, document: str, tries: Tries
) -> None:
    house = make_house()
    prepare(house)
    sent = pages_of([document])
    copy_before(house.spool)
    disks = _recorded_reception(house, document)
    whole = 0
    for number, disk in enumerate(disks):
        house.switch.kill()
        restore(disk)
        synced = sum(octets is not None for path, octets in disk.contents().items() if "/recvq/" in path)
        house.switch.start()
        house.wait("the end of the journal entry", lambda: not house.journal())
        found = Audit()
        files = house.received()
        pages = [which(sent, pages_of([file])) for file in files]
        kept = pages[0] if pages else []
        found.must(kept == list(range(1, len(kept) + 1)), f"the pages kept are {kept}")
        found.must(len(kept) >= whole, f"{len(kept)} pages, there were {whole} at an earlier failure")
        found.must(bool(files) or not synced or not whole, "the file's name was on the disk, and has got lost")
        whole = len(kept)
        types = [record[1] for record in house.records()]
        found.must(types.count("RECV") == len(files), f"{len(files)} files, records {types}")
        found.must(types.count("CALL") <= 1, f"records {types}")
        # what faxrcvd itself had written is lost here, but that it has ended is not
        found.must(len(runs(house)) >= len(files) or noted(disk, Step.ANNOUNCED), "faxrcvd was not run")
        tries.note(f"power lost after sync {number}", found)
    assert whole == len(sent), "after the last sync everything is there"
    tries.must_be_none(6)


def _recorded_reception(house: House, document: str) -> list[Disk]:
    """A fax comes in; the disk after each sync of the switch, modem and Python alike."""
    switch = house.switch
    assert isinstance(switch, StandIn)
    python = interpreter(house)
    log = os.path.join(house.run_dir.sub("strace", owner="uucp"), "power")
    fax = IncomingFax(house, document)
    with Attached(switch.pid, log, OPTIONS, also=[python]):
        threads = {int(thread): pid for pid in (switch.pid, python) for thread in os.listdir(f"/proc/{pid}/task")}
        fax.place()
        house.wait("the end of the journal entry", lambda: not house.journal())
    assert fax.confirmed == 3
    return states(log, house.spool, threads)
