"""The disk fills up while a fax comes in: what is there is kept, and nothing else breaks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import announced, faxrcvd, receive
from rig.rundir import fax_ids


@pytest.fixture
def small_recvq() -> Iterator[Callable[[House, int], str]]:
    """Puts a file system of some KiB in the place of recvq."""
    mounted: list[str] = []

    def make(house: House, kibibytes: int) -> str:
        path = house.path("recvq")
        uid, gid = fax_ids()
        options = f"size={kibibytes}k,uid={uid},gid={gid},mode=755"
        subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", options, "recvq", path], check=True)
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["/usr/bin/umount", "--lazy", path], check=True)


def test_a_disk_that_fills_up_in_mid_fax_costs_neither_records_nor_the_next_call(
    make_house: HouseMaker, document: str, small_recvq: Callable[[House, int], str]
) -> None:
    house = make_house({"inbound": {"min_free": 1}}, speed=20)
    faxrcvd(house)
    recvq = small_recvq(house, 1100)
    house.switch.place_call("4711", document)
    house.wait("page 1", lambda: "page 1 in" in house.session_log("000000001"))
    room = os.statvfs(recvq)
    with open(os.path.join(recvq, "filler"), "wb") as file:
        file.write(b"x" * (room.f_bavail * room.f_frsize))
    house.switch.wait_calls_over()
    house.wait("the end of the journal entry", lambda: not house.journal())
    assert [record[1] for record in house.records()] == ["RECV", "CALL"]
    recv = house.records()[0]
    assert announced(house)[3] == recv[13] == "A page could not be written to the disk"
    assert "page 3 in" not in house.session_log("000000001"), "the sender is told before its last page"
    kept = [len(read_pages(fax)) for fax in house.received()]
    assert kept == ([int(recv[10])] if kept else []) and int(recv[10]) < 3
    assert kept or os.listdir(os.path.join(recvq, "bad")) == ["fax000000001.tif"]
    assert house.switch.place_call("4711", document).cause == "NORMAL_TEMPORARY_FAILURE"
    os.unlink(os.path.join(recvq, "filler"))
    receive(house, document)
    assert house.records()[-2][10] == "3" and house.records()[-2][13] == ""
