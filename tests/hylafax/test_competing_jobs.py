"""Many jobs of several users for one number at once: each arrives once, one that is removed does no harm to the others."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from rig import JobState, PrivateHylaFAX, RunDir, Switch
from rig.pages import NORMAL, Page, compare, make_tiff, read_pages
from rig.rundir import FAX_USER
from rig.server import ServerMaker, idle, wait
from rig.watching import Watching

USERS = ("anna", "bert", "carla")
PAGES = 2
REMOVED, LONG = 5, 25     # which one of them is removed; its pages, if it is to be removed while it is sent
NUMBER = "1000"


@dataclass(frozen=True)
class Crowd:
    """How HylaFAX is told to deal with them, and which job is removed."""

    name: str
    concurrent: int
    batch: int
    modems: int
    removed_while_sent: bool


CROWDS = (
    Crowd("one at a time", concurrent=1, batch=1, modems=3, removed_while_sent=False),
    Crowd("three at a time", concurrent=3, batch=1, modems=3, removed_while_sent=True),
    Crowd("in batches", concurrent=1, batch=5, modems=2, removed_while_sent=True),
    Crowd("in batches at once", concurrent=2, batch=4, modems=2, removed_while_sent=True),
)
ALL = os.environ.get("CRASH") == "all"      # make crash
JOBS = 15 if ALL else 8


class Counting(Watching):
    """The most calls that there were at once.  A context manager."""

    def __init__(self, switch: Switch) -> None:
        super().__init__()
        self.most = 0
        self._switch = switch

    def watch(self) -> None:
        while not self.over.wait(0.1):
            self.most = max(self.most, len(self._switch.calls()))


@pytest.mark.timeout(300)
@pytest.mark.standin("the calls of ten jobs take minutes on a real line")
@pytest.mark.parametrize("crowd", CROWDS if ALL else CROWDS[1:3], ids=lambda crowd: crowd.name.replace(" ", "-"))
def test_jobs_for_one_number_all_arrive_once(make_server: ServerMaker, run_dir: RunDir, crowd: Crowd) -> None:
    extra = f"MaxBatchJobs: {crowd.batch}\nMaxConcurrentCalls: {crowd.concurrent}\n"
    hylafax, switch = make_server(modems=crowd.modems, config_extra=extra, speed=60)
    papers = [os.path.join(run_dir.path, f"paper{number}.tif") for number in range(JOBS)]
    for number, paper in enumerate(papers):
        long = number == REMOVED and crowd.removed_while_sent
        make_tiff(paper, LONG if long else PAGES, title=f"fax {number} of {JOBS}", dpi=NORMAL)
    _begin_numbers(hylafax)
    with Counting(switch) as calls:
        with ThreadPoolExecutor(JOBS) as users:
            jobs = list(users.map(
                lambda number: hylafax.sendfax([papers[number]], NUMBER, user=USERS[number % len(USERS)]), range(JOBS)
            ))
        _remove(hylafax, jobs, crowd.removed_while_sent)
        qfiles = {job: hylafax.wait_job(job, timeout=120) for job in jobs}
    assert calls.most <= crowd.concurrent, "MaxConcurrentCalls was passed"
    arrived, sent = Counter[int](), [read_pages(paper) for paper in papers]
    for far in _far(switch):
        arrived.update(_whose(read_pages(far), sent))
    for number, job in enumerate(jobs):
        record = [entry for entry in hylafax.xferfaxlog() if entry[1] == "SEND" and entry[4] == str(job)]
        if number == REMOVED:
            told = sum(int(entry[10]) for entry in record)
            assert told <= arrived[number] <= told + 1, "but for one that is not confirmed, the pages that have arrived are told"
            assert (qfiles[job].state, qfiles[job]["npages"]) == (JobState.FAILED, str(told))
            assert qfiles[job]["statuscode"] == "345" and (told > 0) == crowd.removed_while_sent, qfiles[job]["status"]
            continue
        qfile = qfiles[job]
        assert (qfile.state, qfile["npages"], qfile["status"]) == (JobState.DONE, str(PAGES), ""), qfile
        assert qfile["owner"] == USERS[number % len(USERS)]
        assert (arrived[number], len(record), record[0][13]) == (PAGES, 1, '""'), record
    assert wait(lambda: idle(hylafax) == crowd.modems), hylafax.faxstat("-s")
    assert switch.calls() == [] and os.listdir(hylafax.lock_dir) == []
    assert os.listdir(hylafax.path("gofax", "journal")) == []


def _begin_numbers(hylafax: PrivateHylaFAX) -> None:
    """A spool that is not quite new: of two users who are its first at the same moment hfaxd refuses one, because each of
    its processes wants to make the file of numbers (libhylafax/Sequence.c++, O_EXCL)."""
    for queue in ("docq", "sendq"):
        path = hylafax.path(queue, "seqf")
        with open(path, "x", encoding="ascii") as file:
            file.write("1")
        os.chmod(path, 0o600)
        shutil.chown(path, FAX_USER, FAX_USER)


def _remove(hylafax: PrivateHylaFAX, jobs: list[int], while_sent: bool) -> None:
    """Its owner removes the job: while it is sent, or while it waits and others are done."""
    job = jobs[REMOVED]

    def in_the_midst() -> bool:
        if while_sent:
            return hylafax.job(job).number("npages") > 0
        return any(hylafax.job(other).state is JobState.DONE for other in jobs)

    assert wait(in_the_midst, 60)
    hylafax.faxrm(job, user=hylafax.job(job)["owner"])


def _far(switch: Switch) -> list[str]:
    return [os.path.join(switch.far, name) for name in sorted(os.listdir(switch.far)) if name.endswith(".tif")]


def _whose(pages: list[Page], papers: list[list[Page]]) -> list[int]:
    """Which paper each page that has arrived is of."""
    found = []
    for page in pages:
        [whose] = [number for number, sent in enumerate(papers) if any(compare(one, page).identical for one in sent)]
        found.append(whose)
    return found
