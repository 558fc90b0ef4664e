"""The supervisor: one to a spool, down with FreeSWITCH, back when the spool is; FIFOs that go and come; the poke."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from rig import RunDir, StandIn, gofaxyaml
from rig.house import FAR_ENDS, House, HouseMaker
from rig.pages import read_pages
from rig.ports import Port
from rig.receiving import T38, announced, faxrcvd, finished, receive, status, tell
from rig.rundir import FAX_USER
from rig.servers import another_switch
from rig.spool import make_spool

GONE = "FreeSWITCH is not running"
IDLE = "Running and idle"


class Faxq:
    """Holds a spool's FIFO open as faxq does, and keeps what comes."""

    def __init__(self, spool: str) -> None:
        path = os.path.join(spool, "FIFO")
        os.mkfifo(path)
        os.chmod(path, 0o666)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._messages: list[bytes] = []

    def messages(self) -> list[bytes]:
        """All so far."""
        try:
            while octets := os.read(self._fd, 2047):
                self._messages += [message for message in octets.split(b"\0") if message]
        except BlockingIOError:
            pass
        return self._messages

    def of(self, modem: str) -> list[str]:
        """What was said of one modem, the letters."""
        start = f"+{modem}:".encode()
        return [message.removeprefix(start)[:1].decode() for message in self.messages() if message.startswith(start)]


def log(house: House) -> str:
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        return file.read()


def test_modems_are_down_when_freeswitch_shuts_down_even_those_in_a_call(make_house: HouseMaker, document: str) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    faxq = Faxq(house.spool)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    house.switch.stop()
    assert {status(house, modem) for modem in ("freeswitch0", "freeswitch1")} == {GONE}
    assert faxq.of("freeswitch0")[-1] == faxq.of("freeswitch1")[-1] == "D"
    assert house.records()[0][10] == str(len(read_pages(house.received()[0])))
    house.wait("faxrcvd", lambda: announced(house) and not house.journal())
    assert os.listdir(house.lock_dir) == []


@pytest.mark.standin("a second FreeSWITCH on the same spool, with another configuration")
def test_a_second_switch_on_the_spool_receives_and_takes_the_modems_over_when_the_first_ends(
    house: House, document: str, run_dir: RunDir
) -> None:
    faxrcvd(house)
    faxq = Faxq(house.spool)
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch1")))
    port = Port()
    with RunDir() as other:
        second = StandIn(other, house.installed, gofaxyaml=house.config, far_ends=FAR_ENDS, port=port)
        try:
            second.start()
            both = House(run_dir, house.installed, house.spool, house.lock_dir, house.config, second)
            both.wait("its word", lambda: "another supervisor already looks after" in log(both))
            before = len(faxq.messages())
            call = receive(both, document)
            assert call.answered and house.records()[0][10] == "3"
            assert "page 3 in" in house.session_log("000000001"), "its own events are taken in"
            assert len(faxq.messages()) > before
            house.switch.stop()
            both.wait("the modems", lambda: faxq.of("freeswitch0")[-1] == "R", 20)
            assert status(house, "freeswitch0") == IDLE
            tell(house, "freeswitch0", b"HELLO\0")
            count = len(faxq.of("freeswitch0"))
            both.wait("an answer", lambda: len(faxq.of("freeswitch0")) == count + 2)
        finally:
            second.stop()
    assert status(house, "freeswitch0") == GONE


@pytest.mark.standin("a second FreeSWITCH on the same spool")
@pytest.mark.parametrize(("said", "announced_as", "shown"), [
    (b"SD\0", "D", "Waiting for modem to come ready"), (b"SB\0", "B", "Waiting for modem to come free"), (b"SR\0", "R", IDLE),
])
def test_a_call_through_the_second_switch_leaves_a_modem_as_faxstate_has_it_at_the_first(
    house: House, document: str, said: bytes, announced_as: str, shown: str
) -> None:
    faxrcvd(house)
    faxq = Faxq(house.spool)
    with another_switch(house) as second:
        both = House(house.run_dir, house.installed, house.spool, house.lock_dir, house.config, second)
        both.wait("its word", lambda: "another supervisor already looks after" in log(both))
        house.wait("the modems", lambda: house.spool_has("status", "freeswitch1") and status(house, "freeswitch1") == IDLE)
        tell(house, "freeswitch1", said)
        house.wait("the switch", lambda: faxq.of("freeswitch1")[-1:] == [announced_as] and status(house, "freeswitch1") == shown)
        before = len(faxq.of("freeswitch1"))
        assert receive(both, document).answered
        house.wait("the end of the call", lambda: os.listdir(house.lock_dir) == [] and len(faxq.of("freeswitch1")) > before + 1)
        assert faxq.of("freeswitch1")[-1] == announced_as
        assert status(house, "freeswitch1") == shown
        house.switch.stop()
        both.wait("its modems", lambda: faxq.of("freeswitch1")[-1] == "R")
        assert status(house, "freeswitch1") == IDLE, "the switch holds as long as the process"


def test_a_spool_that_is_not_there_yet_is_waited_for(make_house: HouseMaker, document: str) -> None:
    house = make_house(startup_scripts=[])
    os.rename(house.spool, house.spool + ".away")
    house.switch.api("pyrun fax_supervisor")
    house.wait("the complaint", lambda: "no modems yet" in log(house))
    assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE"
    if os.path.isdir(house.spool):
        shutil.rmtree(house.spool)
    for name, seconds in (("fax000000098.tif", 3600), ("fax000000099.tif", 0)):
        empty = os.path.join(house.spool + ".away", "recvq", name)
        with open(empty, "xb"):
            os.utime(empty, (time.time() - seconds, time.time() - seconds))
    os.rename(house.spool + ".away", house.spool)
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch1")), 20)
    assert log(house).count("no modems yet") == 1
    left = [name for name in os.listdir(house.path("recvq")) if name.startswith("fax")]
    assert left == ["fax000000099.tif"], "what was made meanwhile may be about to be received into"
    faxrcvd(house)
    receive(house, document)


def test_a_fifo_that_was_replaced_is_opened_anew(house: House) -> None:
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch1")))
    os.unlink(house.path("FIFO.freeswitch0"))
    house.wait("another one", lambda: os.path.exists(house.path("FIFO.freeswitch0")))
    house.wait("the word", lambda: "has been replaced" in log(house))
    tell(house, "freeswitch0", b"SD")
    house.wait("the status", lambda: status(house, "freeswitch0") == "Waiting for modem to come ready")


def test_another_spooldir_is_followed_and_a_call_of_the_old_one_stays_there(
    make_house: HouseMaker, document: str, run_dir: RunDir
) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    old = Faxq(house.spool)
    house.switch.place_call("4711", document, variables=T38)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    spool = os.path.join(run_dir.path, "spool2")
    make_spool(spool, house.lock_dir + "2", sendfaxcmd=house.installed.gofaxsend, sendmail="/bin/true", modems=[])
    new = Faxq(spool)
    moved = House(run_dir, house.installed, spool, house.lock_dir + "2", house.config, house.switch)
    faxrcvd(moved)
    gofaxyaml(
        house.config + ".new", spool=spool, lock_dir=moved.lock_dir, esl_port=house.switch.esl_port,
    )
    os.rename(house.config + ".new", house.config)
    moved.wait("the modems", lambda: os.path.exists(moved.path("status", "freeswitch1")))
    moved.wait("their status", lambda: status(moved, "freeswitch1") == IDLE)
    assert status(house, "freeswitch0") == GONE
    finished(house)
    assert [record[1] for record in house.records()] == ["RECV", "CALL"] and announced(house)[3] == ""
    assert status(house, "freeswitch1") == GONE and old.of("freeswitch1")[-1] == "D"
    assert set(new.of("freeswitch1")) == {"N", "R"}, "the old spool's call is nothing to the new one's faxq"
    receive(moved, document, variables=T38)
    assert [record[1] for record in moved.records()] == ["RECV", "CALL"]
    assert len(house.records()) == 2


@pytest.mark.standin("calls that end one after the other")
def test_faxqs_scheduler_is_poked_after_a_call_and_not_put_off_by_others(make_house: HouseMaker, document: str) -> None:
    house = make_house()
    faxrcvd(house)
    faxq = Faxq(house.spool)
    end = time.monotonic() + 60
    while b"Z" not in faxq.messages() and time.monotonic() < end:
        house.switch.place_call("4711", document)
        house.switch.wait_calls_over()
    assert b"Z" in faxq.messages(), "calls end all the time"
    finished(house)
    count = faxq.messages().count(b"Z")
    house.wait("the last one", lambda: faxq.messages().count(b"Z") > count, 10)


def test_faxqs_scheduler_is_poked_after_the_modems_were_announced(make_house: HouseMaker) -> None:
    house = make_house(startup_scripts=[])
    faxq = Faxq(house.spool)
    house.switch.api("pyrun fax_supervisor")
    house.wait("the poke", lambda: faxq.messages()[-1:] == [b"Z"])
    tell(house, "freeswitch1", b"HELLO\0")
    house.wait("another one", lambda: faxq.messages().count(b"Z") == 2)


def test_a_modem_that_faxq_took_and_gave_back_without_a_word_is_announced_again(house: House) -> None:
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch0")))
    faxq = Faxq(house.spool)
    tell(house, "freeswitch0", b"HELLO\0")
    house.wait("the announcement", lambda: faxq.of("freeswitch0")[-1:] == ["R"])
    time.sleep(0.5)     # of the start, perhaps
    before = len(faxq.of("freeswitch0"))
    lock = os.path.join(house.lock_dir, "LCK..freeswitch0")
    with open(lock, "w", encoding="ascii") as file:
        file.write(f"{os.getpid():10d}\n")
    shutil.chown(lock, FAX_USER)
    tell(house, "freeswitch0", b"L\0L\0")
    for count in (1, 2):        # what would follow the first answer is there before the second
        tell(house, "freeswitch0", b"HELLO\0")
        house.wait("the answer", lambda count=count: len(faxq.of("freeswitch0")[before:]) >= count)
    assert faxq.of("freeswitch0")[before:] == ["N", "N"], "faxq would take it for free"
    os.unlink(lock)
    house.wait("the announcement", lambda: faxq.of("freeswitch0")[-1:] == ["R"])
    pokes = faxq.messages().count(b"Z")
    house.wait("the poke", lambda: faxq.messages().count(b"Z") > pokes, 10)
    assert status(house, "freeswitch0") == IDLE


def test_a_faxq_that_does_not_read_makes_nobody_wait(make_house: HouseMaker, document: str) -> None:
    house = make_house()
    faxrcvd(house)
    faxq = Faxq(house.spool)
    filled = os.open(house.path("FIFO"), os.O_WRONLY | os.O_NONBLOCK)
    os.write(filled, b"x" * 2047)
    os.close(filled)
    begin = time.monotonic()
    receive(house, document, variables=T38)
    assert house.records()[0][10] == "3"
    assert time.monotonic() - begin < 20 * house.switch.patience
    house.wait("what was kept for it", lambda: faxq.of("freeswitch1")[-1:] == ["R"])


def test_messages_that_nobody_knows_are_told_of_and_harm_nothing(house: House) -> None:
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch1")))
    for message in (b"Afax\0Aany\0", b"CSessionTracing: 1\0", b"\xff\xfe\0", b"S\0SX\0", b"x" * 60000, b"\0\0\0"):
        tell(house, "freeswitch0", message)
    tell(house, "freeswitch0", b"SD\0SB\0")
    house.wait("the last state", lambda: status(house, "freeswitch0") == "Waiting for modem to come free")
    text = log(house)
    for word in ("'Afax' ignored", "'CSessionTracing: 1' ignored", "'SX' is no state", "is not known"):
        assert word in text
    assert house.switch.running
