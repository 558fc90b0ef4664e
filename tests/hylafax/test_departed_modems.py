"""Modems that the configuration names no more, while faxq has jobs on them: it gives them no other jobs."""

from __future__ import annotations

import os

import pytest

from rig import JobState, PrivateHylaFAX, RunDir, Switch
from rig.pages import NORMAL, make_tiff
from rig.server import ServerMaker, idle, wait
from rig.servers import set_keys

GONE = "FreeSWITCH is not running"
FAR_ENDS = [{"number": "10..", "does": "fax", "ident": "+49 30 FAR"}]
JOBS = 9


def device(hylafax: PrivateHylaFAX, job: int) -> str:
    """The modem on which the job went out."""
    [record] = [record for record in hylafax.xferfaxlog() if record[1] == "SEND" and record[4] == str(job)]
    return record[3].strip('"')


def states(hylafax: PrivateHylaFAX) -> dict[str, str]:
    """What faxstat shows of each modem."""
    lines = [line for line in hylafax.faxstat("-s").splitlines() if line.startswith("Modem ")]
    return {line.split()[1]: line.partition("): ")[2] for line in lines}


def begun(hylafax: PrivateHylaFAX, switch: Switch, run_dir: RunDir) -> list[int]:
    """Jobs to as many numbers, three of which have calls."""
    paper = os.path.join(run_dir.path, "paper.tif")
    make_tiff(paper, 3, dpi=NORMAL)
    jobs = [hylafax.sendfax([paper], f"10{number:02d}") for number in range(JOBS)]
    assert wait(lambda: len(switch.calls()) == 3, 60)
    return jobs


def last_of_the_old(hylafax: PrivateHylaFAX, switch: Switch, jobs: list[int]) -> set[int]:
    """The jobs that had begun by the time the supervisor has seen the change: may be on any modem."""
    def seen() -> bool:
        with open(switch.log, encoding="utf-8", errors="replace") as file:
            return "the modems are set up anew" in file.read()

    assert wait(seen)
    return {job for job in jobs if hylafax.job(job).state not in (JobState.PENDING, JobState.READY, JobState.SLEEPING)}


@pytest.mark.timeout(300)
@pytest.mark.standin("the calls of ten jobs take minutes on a real line")
@pytest.mark.parametrize(("keys", "stays", "goes"), [
    ({"modems": 1}, ["freeswitch0"], ["freeswitch1", "freeswitch2"]),
    ({"modem_prefix": "fax"}, ["fax0", "fax1", "fax2"], ["freeswitch0", "freeswitch1", "freeswitch2"]),
])
def test_faxq_gives_no_more_jobs_to_modems_that_are_named_no_more(
    make_server: ServerMaker, run_dir: RunDir, keys: dict[str, object], stays: list[str], goes: list[str]
) -> None:
    hylafax, switch = make_server(modems=3, speed=12, far_ends=FAR_ENDS)
    jobs = begun(hylafax, switch, run_dir)
    set_keys(os.path.join(run_dir.path, "gofax.yaml"), "hylafax", **keys)
    old = last_of_the_old(hylafax, switch, jobs)
    assert len(old) < JOBS - 1, "too slow to see anything"
    for job in jobs:
        assert hylafax.wait_job(job, timeout=120).state is JobState.DONE
    later = {job: device(hylafax, job) for job in jobs if job not in old}
    assert set(later.values()) <= set(stays), later
    assert wait(lambda: all(states(hylafax)[modem] == GONE for modem in goes)), states(hylafax)
    assert os.listdir(hylafax.lock_dir) == []
    # and back again
    set_keys(os.path.join(run_dir.path, "gofax.yaml"), "hylafax", modems=3, modem_prefix="freeswitch")
    assert wait(lambda: all(states(hylafax)[f"freeswitch{number}"] == "Running and idle" for number in range(3)))
    jobs = begun(hylafax, switch, run_dir)
    for job in jobs:
        assert hylafax.wait_job(job, timeout=120).state is JobState.DONE
    assert {device(hylafax, job) for job in jobs} == {"freeswitch0", "freeswitch1", "freeswitch2"}


@pytest.mark.timeout(300)
@pytest.mark.standin("the calls of ten jobs take minutes on a real line")
def test_a_freeswitch_that_is_started_with_fewer_modems_parts_with_those_of_the_one_before(
    make_server: ServerMaker, run_dir: RunDir
) -> None:
    """It was killed, and could not say that they are down."""
    hylafax, switch = make_server(modems=3, far_ends=FAR_ENDS)
    switch.kill()
    set_keys(os.path.join(run_dir.path, "gofax.yaml"), "hylafax", modems=1)
    switch.start()
    assert wait(lambda: [states(hylafax)[f"freeswitch{number}"] for number in (1, 2)] == [GONE, GONE]), states(hylafax)
    assert idle(hylafax) == 1
    paper = os.path.join(run_dir.path, "paper.tif")
    make_tiff(paper, 1, dpi=NORMAL)
    jobs = [hylafax.sendfax([paper], f"10{number:02d}") for number in range(4)]
    for job in jobs:
        assert hylafax.wait_job(job, timeout=60).state is JobState.DONE
    assert {device(hylafax, job) for job in jobs} == {"freeswitch0"}
