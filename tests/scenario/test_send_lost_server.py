"""One of several FreeSWITCH servers goes away with a call on it: the job goes through another one, and sends only the rest."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from gofaxpy.journal import Step
from rig.driven import Switch
from rig.house import FAR_ENDS, House, HouseMaker
from rig.pages import read_pages
from rig.servers import another_switch, far_files, name_servers, set_keys

RETRY, DONE = 0, 2
NUMBER = "3000"
each_moment = pytest.mark.parametrize("moment", ["ringing", "page 2"])
still_named = pytest.mark.parametrize("named", [True, False])
Two = tuple[House, Switch]


@pytest.fixture
def two(make_house: HouseMaker, moment: str) -> Iterator[Two]:
    """A house with two servers.  Behind the first one nobody picks up, or a fax takes some seconds; with the second all is
    well."""
    does = "no_answer" if moment == "ringing" else "fax"
    house = make_house(speed=20, far_ends=[{"number": NUMBER, "does": does}, *FAR_ENDS])
    with another_switch(house, far_ends=[{"number": NUMBER, "does": "fax"}]) as other:
        yield house, other


def begun(house: House, moment: str) -> tuple[int, subprocess.Popen[str], int]:
    """A job of three pages whose call has got so far, its gofaxsend, and the pages that are confirmed."""
    job = house.job(NUMBER)
    process = house.start_gofaxsend(job)
    if moment == "ringing":
        house.wait("the ringing", house.switch.sessions)
    else:
        house.wait("page 1", lambda: house.qfile(job)["npages"] == "1")
    return job, process, 0 if moment == "ringing" else 1


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def assert_each_page_once(house: House, other: Switch, job: int, confirmed: int) -> None:
    """Of the files at the first server's far end the pages count that were confirmed."""
    assert [len(read_pages(path)) for path in far_files(other)] == [3 - confirmed]
    assert (house.qfile(job)["npages"], house.qfile(job)["returned"]) == ("3", "2")
    assert sum(int(record[10]) for record in house.records()) == 3
    assert house.journal() == []


@each_moment
@still_named
def test_both_die(two: Two, moment: str, named: bool) -> None:
    """gofaxsend and the server."""
    house, other = two
    job, process, confirmed = begun(house, moment)
    killed(process)
    house.switch.kill()
    if not named:
        name_servers(house, other)
    assert house.gofaxsend(job) == DONE, house.qfile(job)["status"]
    confirmed = int(house.records()[0][10]) if moment != "ringing" else 0
    assert_each_page_once(house, other, job, confirmed)
    assert [record[10] for record in house.records()] == [str(confirmed), str(3 - confirmed)]
    assert house.qfile(job)["totdials"] == "2"


@each_moment
@still_named
def test_the_server_dies(two: Two, moment: str, named: bool) -> None:
    """While it rings, the attempt goes on through the other server; a fax that was begun is gone on with by the next attempt,
    which need not wait for a server that is dead."""
    house, other = two
    job, process, _ = begun(house, moment)
    if not named:
        name_servers(house, other)
    house.switch.kill()
    output, _ = process.communicate(timeout=30 if moment == "ringing" else 20)
    assert output == ""
    confirmed = 0
    if moment == "ringing":
        assert process.returncode == DONE, house.qfile(job)["status"]
        assert house.qfile(job)["totdials"] == "1"
    else:
        assert process.returncode == RETRY and house.journal() == []
        confirmed = int(house.qfile(job)["npages"])
        assert house.gofaxsend(job) == DONE, house.qfile(job)["status"]
    assert_each_page_once(house, other, job, confirmed)


@pytest.mark.parametrize("moment", ["page 2"])
@still_named
def test_a_server_that_hangs_is_waited_for_once_the_far_end_has_answered(two: Two, moment: str, named: bool) -> None:
    """It may have sent all, and only not be able to say so."""
    house, other = two
    job, process, _ = begun(house, moment)
    killed(process)
    os.killpg(house.switch.pid, signal.SIGSTOP)     # type: ignore[attr-defined]
    try:
        if not named:
            name_servers(house, other)
        assert house.gofaxsend(job) == RETRY
        qfile = house.qfile(job)
        assert qfile["status"].startswith("An earlier call of this job") and qfile["totdials"] == "0"
        assert len(house.journal()) == 1 and far_files(other) == []
    finally:
        os.killpg(house.switch.pid, signal.SIGCONT)     # type: ignore[attr-defined]
    house.switch.wait_calls_over()
    assert house.gofaxsend(job) == DONE
    assert [len(read_pages(path)) for path in far_files(house.switch)] == [3] and far_files(other) == []
    assert (house.qfile(job)["npages"], house.journal()) == ("3", [])


@pytest.mark.parametrize("moment", ["ringing"])
@still_named
def test_a_server_that_hangs_while_it_rings_sends_nothing_when_it_goes_on(two: Two, moment: str, named: bool) -> None:
    house, other = two
    job, process, _ = begun(house, moment)
    killed(process)
    os.killpg(house.switch.pid, signal.SIGSTOP)     # type: ignore[attr-defined]
    try:
        if not named:
            name_servers(house, other)
        assert house.gofaxsend(job) == DONE, house.qfile(job)["status"]
    finally:
        os.killpg(house.switch.pid, signal.SIGCONT)     # type: ignore[attr-defined]
    assert_each_page_once(house, other, job, 0)
    assert far_files(house.switch) == []


@pytest.mark.parametrize("moment", ["page 2"])
@pytest.mark.parametrize("step", ["before the launch", "connected", "page 1", "page 2", "after the result"])
@pytest.mark.parametrize("what", ["killed", "paused", "renamed", "removed"])
def test_whatever_becomes_of_the_server_at_any_step(two: Two, moment: str, step: str, what: str) -> None:
    """Each page is confirmed once, and the job is done at the second attempt at the latest."""
    house, other = two
    job = house.job(NUMBER)
    if step == "before the launch":
        befalls(house, other, what)
    process = house.start_gofaxsend(job)
    if step == "connected":
        house.wait(step, lambda: f'"{Step.CONNECTED}"' in journal_of(house))
    elif step.startswith("page"):
        house.wait(step, lambda: house.qfile(job)["npages"] >= step[-1])
    elif step == "after the result":
        house.wait(step, lambda: f'"{Step.FAX_OVER}"' in journal_of(house) or process.poll() is not None)
    if step != "before the launch":
        befalls(house, other, what)
    output, _ = process.communicate(timeout=60)
    assert output == "" and process.returncode in (RETRY, DONE)
    confirmed = int(house.qfile(job)["npages"])
    if process.returncode == RETRY:
        assert house.gofaxsend(job) == DONE, house.qfile(job)["status"]
        assert [len(read_pages(path)) for path in far_files(other)] == [3 - confirmed] * (confirmed < 3)
    elif step == "before the launch" and what in ("killed", "paused", "removed"):
        assert [len(read_pages(path)) for path in far_files(other)] == [3]
    else:
        assert [len(read_pages(path)) for path in far_files(house.switch)] == [3] and far_files(other) == []
    assert what == "killed" or process.returncode == DONE
    assert (house.qfile(job)["npages"], house.qfile(job)["returned"], house.journal()) == ("3", "2", [])
    assert sum(int(record[10]) for record in house.records()) == 3


def befalls(house: House, other: Switch, what: str) -> None:
    """Something happens to the first server."""
    if what == "killed":
        house.switch.kill()
    elif what == "paused":
        house.switch.api("fsctl pause")
    elif what == "removed":
        name_servers(house, other)
    else:
        own = {"port": house.switch.esl_port, "password": house.switch.password}
        second = {"host": "127.0.0.1", "port": other.esl_port, "password": other.password}
        set_keys(house.config, "freeswitch", servers=[own | {"host": "localhost"}, second])


def journal_of(house: House) -> str:
    """What stands in the journal now."""
    return "".join(text_of(house.path("gofax", "journal", name)) for name in house.journal())


def text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
