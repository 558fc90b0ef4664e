"""The disk fills up while a fax comes in: what is there is kept, what is left to be done is done when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import announced, faxrcvd, finished, receive
from rig.rundir import fax_ids

Mount = Callable[[House, str, int], str]


@pytest.fixture
def small() -> Iterator[Mount]:
    """Puts a file system of some KiB in the place of a directory of the spool."""
    mounted: list[str] = []

    def make(house: House, name: str, kibibytes: int) -> str:
        path = house.path(name)
        uid, gid = fax_ids()
        options = f"size={kibibytes}k,uid={uid},gid={gid},mode=755"
        subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", options, "small", path], check=True)
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["/usr/bin/umount", "--lazy", path], check=True)


def fill(path: str) -> str:
    """Leaves no block free; returns the file that takes them."""
    filler = os.path.join(path, "filler")
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filler


def test_a_disk_that_fills_up_in_mid_fax_costs_neither_records_nor_the_next_call(
    make_house: HouseMaker, document: str, small: Mount
) -> None:
    house = make_house({"inbound": {"min_free": 1}}, speed=20)
    faxrcvd(house)
    recvq = small(house, "recvq", 1100)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    filler = fill(recvq)
    house.switch.wait_calls_over()
    assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE"
    os.unlink(filler)
    house.wait("the end of the journal entry", lambda: not house.journal(), 60)
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]
    recv = house.records()[0]
    assert announced(house)[3] == recv[13] == "A page could not be written to the disk"
    assert "page 3 in" not in house.session_log("000000001"), "the sender is told before its last page"
    kept = [len(read_pages(fax)) for fax in house.received()]
    assert kept == ([int(recv[10])] if kept else []) and int(recv[10]) < 3
    assert kept or os.listdir(os.path.join(recvq, "bad")) == ["fax000000001.tif"]
    receive(house, document)
    assert house.records()[-2][10] == "3" and house.records()[-2][13] == ""


def test_the_journal_has_room_for_a_call_that_it_has_taken(make_house: HouseMaker, document: str, small: Mount) -> None:
    house = make_house(speed=20)
    faxrcvd(house)
    house.wait("the supervisor", lambda: os.path.isdir(house.path("gofax")))
    os.makedirs(house.path("gofax", "journal"), exist_ok=True)
    journal = small(house, "gofax/journal", 128)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    filler = fill(journal)
    assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE", "there is none for another"
    house.switch.wait_calls_over()
    house.wait("the end of the journal entry", lambda: os.listdir(journal) == ["filler"])
    assert [(record[1], record[10], record[13]) for record in house.records()] == [("RECV", "3", ""), ("CALL", "0", "")]
    assert announced(house)[3] == "" and len(read_pages(house.received()[0])) == 3
    assert house.received() == [house.path("recvq", "fax000000001.tif")]
    assert sorted(name for name in os.listdir(house.path("log")) if name.startswith("c")) == ["c000000001"]
    os.unlink(filler)


def test_a_fax_that_cannot_be_recorded_is_announced_when_it_can(
    make_house: HouseMaker, document: str, small: Mount
) -> None:
    house = make_house({"hylafax": {"xferfaxlog": "client/xferfaxlog"}}, speed=20)
    faxrcvd(house)
    filler = fill(small(house, "client", 64))
    house.switch.place_call("4711", document)
    house.switch.wait_calls_over()
    assert "No space left on device" in house.session_log("000000001")
    assert announced(house) == [] and house.journal() == ["c000000001"]
    os.unlink(filler)
    house.wait("the end of the journal entry", lambda: not house.journal(), 60)
    finished(house)
    with open(house.path("client", "xferfaxlog"), encoding="utf-8") as file:
        assert [line.split("\t")[1] for line in file] == ["RECV", "CALL"]
    assert announced(house)[3] == ""
