"""Lines that are bad, far ends that misbehave, operators who intervene: every page is kept, and the reason is told."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import announced, faxrcvd, finished, receive, status, tell
from rig.rundir import FAX_USER, RunDir


def switch_log(house: House) -> str:
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        return file.read()


REAL_TIME = os.sched_param(1)
POLICY = "chrt -p $$ > log/policy-of-{}"


def may_have_real_time() -> bool:
    """Whether this machine lets its root give real-time priority (a container's may not)."""
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, REAL_TIME)
        os.sched_setscheduler(0, before, os.sched_param(0))
    except PermissionError:
        return False
    return True


DROPPED = "T.30 T2 timeout, expected signal not received"


@pytest.mark.parametrize(("after", "pages"), [({"standin_hangup_after": "22"}, 0), ({"standin_hangup_after_pages": "2"}, 2)])
def test_a_caller_who_hangs_up_in_page_one_or_three(
    house: House, document: str, after: dict[str, str], pages: int
) -> None:
    faxrcvd(house)
    receive(house, document, variables=after)
    recv, call = house.records()
    assert (recv[1], recv[10], recv[13]) == ("RECV", str(pages), DROPPED)
    assert (call[1], call[13]) == ("CALL", DROPPED)
    assert announced(house)[3] == DROPPED
    assert [len(read_pages(fax)) for fax in house.received()] == ([pages] if pages else [])
    assert not os.path.exists(house.path("recvq", "bad"))


def test_a_stalled_t38_call_is_down_soon_after_its_result(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    receive(house, document, variables={"standin_t38": "stall", "fax_enable_t38": "true", "fax_enable_t38_request": "true"})
    recv, call = house.records()
    assert (recv[10], recv[13], call[13]) == ("3", "", "")
    assert len(read_pages(house.received()[0])) == 3


def test_a_station_that_failed_after_a_second_negotiation_gets_no_t38_next_time(
    make_house: HouseMaker, document: str
) -> None:
    house = make_house({"freeswitch": {"softmodem_fallback": True}})
    faxrcvd(house)
    cuts = {"standin_cuts": "[[9, 0.5]]", "standin_hangup_after_pages": "1"}
    receive(house, document, caller_number="030555", variables=cuts)
    log = house.session_log("000000001")
    assert log.count("REMOTE TSI") >= 2, log
    assert house.switch.api("db exists/fallback/030555") == "true"
    receive(house, document, caller_number="030555")
    assert "T.38 is off for 030555" in house.session_log("000000002")
    receive(house, document, caller_number="030556")
    assert "T.38 is off" not in house.session_log("000000003")


def test_an_abort_by_fifo_ends_the_call_on_that_modem(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    tell(house, "freeswitch0", b"Z\0")
    tell(house, "freeswitch1", b"Z")
    finished(house)
    recv, call = house.records()
    assert recv[13] == call[13] == "Receive aborted due to operator intervention"
    assert 1 <= len(read_pages(house.received()[0])) < 3
    assert "no incoming call is on this modem" in switch_log(house)


def test_numbers_that_come_again_cost_no_call_and_no_log(house: House, document: str) -> None:
    """log/seqf is behind after a power failure: a log of that number is there, and a fax that is not finished yet."""
    faxrcvd(house)
    house.wait("the supervisor", lambda: os.path.isdir(house.path("gofax")))
    journal = house.run_dir.sub(house.path("gofax", "journal"), owner=FAX_USER, mode=0o700)
    with open(house.path("log", "c000000001"), "w", encoding="utf-8") as old, \
            open(os.path.join(journal, "c000000002"), "w", encoding="utf-8") as pending:
        old.write("before\n")
        fcntl.flock(pending, fcntl.LOCK_EX)
        assert house.switch.place_call("4711", document).answered
        house.switch.wait_calls_over()
        house.wait("faxrcvd", lambda: announced(house, "000000003"))
    assert house.session_log("000000001") == "before\n"
    assert "SESSION END" in house.session_log("000000003")


def test_a_call_without_progress_is_ended(make_house: HouseMaker) -> None:
    house = make_house({"inbound": {"page_timeout": 1}}, speed=1)
    faxrcvd(house)
    reply = house.switch.originate("sofia/far/4711", "playback(silence_stream://-1)")
    assert reply.startswith("+OK")
    house.wait("the CALL record", house.records)
    [record] = house.records()
    assert (record[1], record[13]) == ("CALL", "No page has come through for too long")
    house.switch.wait_calls_over(5)


def test_a_call_ends_at_its_time_limit(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"call_timeout": 2}}, speed=1)
    faxrcvd(house)
    receive(house, document)
    assert house.records()[-1][13] == "The call has reached its time limit"


def test_a_switched_modem_is_announced_as_the_operator_wants_after_a_call(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    os.mkfifo(house.path("FIFO"))
    os.chmod(house.path("FIFO"), 0o666)
    faxq = os.open(house.path("FIFO"), os.O_RDWR | os.O_NONBLOCK)
    house.switch.place_call("4711", document)
    house.wait("the start", lambda: "REMOTE" in house.session_log("000000001"))
    tell(house, "freeswitch1", b"SD\0SD\0")
    finished(house)
    house.wait("the status", lambda: status(house, "freeswitch1") == "Waiting for modem to come ready")
    time.sleep(0.3)     # for what would be wrong
    told: list[bytes] = []

    def down() -> bool:
        with contextlib.suppress(BlockingIOError):
            told.extend(text[:14] for text in os.read(faxq, 65536).split(b"\0"))
        return [text for text in told if text in (b"+freeswitch1:D", b"+freeswitch1:R")][-1:] == [b"+freeswitch1:D"]

    house.wait("the last word to faxq", down)
    tell(house, "freeswitch1", b"SR")
    house.wait("the status", lambda: status(house, "freeswitch1") == "Running and idle")
    os.close(faxq)


@pytest.mark.parametrize("link", [False, True])
def test_a_file_without_a_readable_page_is_set_aside(make_house: HouseMaker, document: str, link: bool) -> None:
    """But not behind a link, wherever it leads."""
    house = make_house(speed=20)
    faxrcvd(house)
    elsewhere = house.run_dir.sub("elsewhere", owner=FAX_USER)
    if link:
        os.symlink(elsewhere, house.path("recvq", "bad"))
    house.switch.place_call("4711", document)
    house.wait("the file", house.received)
    house.switch.kill()
    with open(house.received()[0], "wb") as file:
        file.write(b"II*\0 what a crash may leave")
    house.switch.start()
    house.wait("the end of the journal entry", lambda: not house.journal())
    log = house.session_log("000000001")
    if link:
        assert os.listdir(elsewhere) == [] and len(house.received()) == 1
        assert "holds no page and could not be set aside" in log
    else:
        assert house.received() == [] and os.listdir(house.path("recvq", "bad")) == ["fax000000001.tif"]
        assert "has been set aside" in log
    assert [record[1] for record in house.records()] == ["CALL"]


@pytest.mark.skipif(not may_have_real_time(), reason="this machine gives nobody real-time priority")
def test_scripts_do_not_have_the_real_time_priority_of_freeswitch(
    make_house: HouseMaker, document: str, run_dir: RunDir
) -> None:
    """conf/systemd/freeswitch.service gives it: what converts and mails must not hold up the calls of others."""
    house = make_house({"inbound": {"dynamic_config": "etc/DynamicConfig"}})
    house.script("DynamicConfig", POLICY.format("DynamicConfig"))
    faxrcvd(house, POLICY.format("faxrcvd"))
    processes = run_dir.processes()
    for tid in [int(tid) for pid in processes for tid in os.listdir(f"/proc/{pid}/task")]:
        with contextlib.suppress(ProcessLookupError):       # a thread may have ended
            os.sched_setscheduler(tid, os.SCHED_RR, REAL_TIME)
    receive(house, document)
    assert {os.sched_getscheduler(pid) for pid in processes} == {os.SCHED_RR}
    for name in ("DynamicConfig", "faxrcvd"):
        with open(house.path("log", f"policy-of-{name}"), encoding="ascii") as file:
            assert "policy: SCHED_OTHER" in file.read(), name


@pytest.mark.standin("the interpreter is a process of its own there")
def test_pages_that_cannot_be_counted_for_want_of_descriptors_do_not_end_the_fax(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    switch = house.switch.pid       # type: ignore[attr-defined]
    [interpreter] = [pid for pid in house.run_dir.processes() if _parent(pid) == switch]
    assert house.switch.place_call("4711", document).answered
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    _limit(interpreter, str(_lowest_free(interpreter)))
    house.wait("page 2", lambda: "page 2 in" in house.session_log("000000001"))
    _limit(interpreter, "1024")
    finished(house)
    assert announced(house)[3] == "", "the reason"
    assert [record[10] for record in house.records()] == ["3", "0"]
    assert [len(read_pages(fax)) for fax in house.received()] == [3]


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def _lowest_free(pid: int) -> int:
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(len(taken) + 1) if number not in taken)


def _limit(pid: int, descriptors: str) -> None:
    """By its own user: root without CAP_SYS_RESOURCE may not."""
    command = ["prlimit", f"--pid={pid}", f"--nofile={descriptors}:"]
    subprocess.run(command, check=True, user=FAX_USER, group=FAX_USER, extra_groups=())
