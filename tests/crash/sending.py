"""One job sent through an accident, and then to its end without one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections import Counter
from collections.abc import Sequence

from crash.audit import Audit, SentJob, at_rest, nothing_left, pages_of
from crash.strace import CHANGES, FAILS, Accident, calls_in, under
from rig.house import House
from rig.proxy import CutAt, Proxy, untouched

MOST_ATTEMPTS = 6
NUMBER = "1000"


def calls_of_a_job(house: House, pages: Sequence[int] = (2, 1), calls: Sequence[str] = CHANGES) -> dict[str, int]:
    """How often gofaxsend makes each of these system calls for a job that goes well."""
    log = log_of(house)
    job = house.job(NUMBER, pages)
    house.start_gofaxsend(job, under=under(log, None, calls)).communicate(timeout=60)
    assert house.qfile(job)["returned"] == "2"
    return calls_in(log)


def sent_over(house: House, cut: CutAt | None, pages: Sequence[int] = (2, 1), reset: bool = False) -> tuple[Audit, Proxy]:
    """A job over a line to the event socket that is cut once; then to its end."""
    with Proxy(house.switch.esl_port, cut or untouched, reset=reset) as proxy:
        config = house.config_through(proxy.port)
        before = set(house.far_received())
        jobid = house.job(NUMBER, pages)
        job = SentJob(house, jobid, pages_of(house.sent[jobid]))
        found = Audit()
        status = house.gofaxsend(jobid, "-C", config, timeout=90)
        found.must(house.qfile(jobid)["returned"] == str(status), f"exit status {status}, {house.qfile(jobid)['returned']=}")
        job.returned.append(str(status))
        to_the_end(house, job, ("-C", config))
        job.far = [file for file in house.far_received() if file not in before]
        found.violations += job.audit().violations
    done_with(house, job)
    return found, proxy


def sent_through(house: House, accident: Accident, pages: Sequence[int] = (2, 1), torn: bool = False) -> Audit:
    """A job whose first attempt meets ``accident``; it is then tried again as faxq would, until it is done."""
    before = set(house.far_received())
    jobid = house.job(NUMBER, pages)
    job = SentJob(house, jobid, pages_of(house.sent[jobid]), torn=torn)
    job.refused_for = "cannot open the document: Permission denied" if accident.error == errno.EACCES else ""
    process = house.start_gofaxsend(jobid, under=under(log_of(house), accident))
    output, _ = process.communicate(timeout=90)
    qfile = house.qfile(jobid)
    killed = process.returncode < 0
    found = Audit()
    found.must(killed or process.returncode in (0, 1, 2), f"exit status {process.returncode}: {output}")
    # a sender that was killed counts as what the qfile says; while that is still faxq's own 7, as failed
    answered = qfile["returned"] if qfile["returned"] != "7" else "0"
    found.must(killed or answered == str(process.returncode), f"exit status {process.returncode}, returned:{answered}")
    job.returned.append(answered)
    to_the_end(house, job)
    job.far = [file for file in house.far_received() if file not in before]
    found.violations += job.audit().violations
    done_with(house, job)
    return found


def faults(house: House, error: int, pages: Sequence[int] = (2, 1)) -> list[Accident]:
    """Every call of a job that may fail with ``error``, as far as it concerns our files: that the interpreter itself cannot
    be loaded is told by its exit status, which no program of ours can change."""
    log = log_of(house)
    job = house.job(NUMBER, pages)
    house.start_gofaxsend(job, under=under(log, None, FAILS[error])).communicate(timeout=60)
    found, counts = [], Counter[str]()
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            call = line.partition("(")[0]
            counts[call] += call in FAILS[error]
            # "-y" names the working directory as well, in <>
            if call in FAILS[error] and (re.search(f'[<"]{house.spool}/', line) or call == "socket"):
                found.append(Accident(call, counts[call], error))
    return found


def killed_at_a_moment(house: House, moment: float, pages: Sequence[int] = (2, 1)) -> Audit:
    """A job whose sender is killed so many seconds after its start."""
    before = set(house.far_received())
    jobid = house.job(NUMBER, pages)
    job = SentJob(house, jobid, pages_of(house.sent[jobid]))
    process = house.start_gofaxsend(jobid)
    time.sleep(moment)
    process.kill()
    process.communicate()
    job.returned.append(house.qfile(jobid)["returned"].replace("7", "0"))
    to_the_end(house, job)
    job.far = [file for file in house.far_received() if file not in before]
    found = job.audit()
    done_with(house, job)
    return found


def cleared_up(house: House) -> Audit:
    """After all the accidents: FreeSWITCH is started anew, and nothing is left of any of them."""
    found = Audit()
    age_documents(house)
    house.switch.stop()
    house.switch.start()
    with contextlib.suppress(AssertionError):
        house.wait("the sweep", lambda: not house.journal() and at_rest(house), timeout=10)
    nothing_left(house, found)
    return found


def age_documents(house: House) -> None:
    """What was made for calls looks as old as it is in a real switch's life: the sweep leaves young things alone."""
    for directory in (house.path("gofax", "tmp"), house.path("gofax", "journal")):
        for item in os.scandir(directory):
            os.utime(item.path, (0, 0), follow_symlinks=False)


def done_with(house: House, job: SentJob) -> None:
    """faxq takes a job that has an answer for good out of sendq."""
    if job.returned[-1] in ("1", "2"):
        os.rename(house.path("sendq", f"q{job.jobid}"), house.path("doneq", f"q{job.jobid}"))


def to_the_end(house: House, job: SentJob, more: Sequence[str] = ()) -> None:
    """As faxq does it: again, until there is an answer for good."""
    while job.returned[-1] == "0" and len(job.returned) < MOST_ATTEMPTS:
        _as_faxq(house, job.jobid)
        job.returned.append(str(house.gofaxsend(job.jobid, *more)))
    house.switch.wait_calls_over()


def _as_faxq(house: House, jobid: int) -> None:
    """faxq rewrites the qfile before it starts a sender: no result yet (faxd/faxQueueApp.c++).  What a torn rewrite has
    left behind goes through its parser, as here through the house's."""
    path = house.path("sendq", f"q{jobid}")
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = [line for line in file.read().split("\n") if ":" in line]
    fresh = {"returned": "7", "status": "", "statuscode": "0", "state": "6"}
    text = "\n".join(f"{tag}:{fresh[tag]}" if (tag := line.partition(":")[0]) in fresh else line for line in lines) + "\n"
    with open(path, "r+", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.truncate()


def log_of(house: House) -> str:
    directory = house.run_dir.sub("strace", owner="uucp")
    return os.path.join(directory, "gofaxsend")
