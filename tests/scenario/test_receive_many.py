"""Many calls, many modems: faxq's FIFO is never overrun, no modem is used twice, a changed configuration is followed."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import faxrcvd, finished, status, tell

MODEMS = 60
MESSAGE = re.compile(rb"\+freeswitch\d+:(N[^\0]*|R[pP][0-9a-f]+|[BD]|I\d*|C\"[^\0]*\")|@freeswitch\d+:([BE]|[SPD][^\0]*\")|Z")


class Scheduler:
    """Reads the FIFO as faxq does: at most 2047 octets at once, and the end of a read ends a message."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        os.chmod(path, 0o666)
        self._fd = os.open(path, os.O_RDWR)
        self.messages: list[bytes] = []
        self.longest = 0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while (octets := os.read(self._fd, 2047)) != b"end\0":
            self.longest = max(self.longest, len(octets))
            self.messages += [message for message in octets.split(b"\0") if message]

    def close(self) -> None:
        os.write(self._fd, b"end\0")
        self._thread.join()
        os.close(self._fd)

    def last(self, device: str) -> str:
        """How the modem was announced last."""
        letters = [
            message.partition(b":")[2][:1] for message in self.messages if message.startswith(f"+{device}:".encode())
        ]
        return [letter for letter in letters if letter in (b"R", b"B", b"D")][-1].decode()


@pytest.fixture
def scheduler(make_house: HouseMaker) -> object:
    """Makes a house with 60 modems and something that reads as faxq does."""
    made: list[Scheduler] = []

    def make(**options: object) -> tuple[House, Scheduler]:
        house = make_house({"hylafax": {"modems": MODEMS}}, startup_scripts=[], **options)
        reader = Scheduler(house.path("FIFO"))
        made.append(reader)
        faxrcvd(house)
        house.switch.api("pyrun fax_supervisor")
        house.wait("the modems", lambda: os.path.exists(house.path("status", f"freeswitch{MODEMS - 1}")))
        return house, reader

    yield make
    for reader in made:
        reader.close()


Maker = Callable[..., tuple[House, Scheduler]]


def test_sixty_modems_announce_themselves_in_whole_messages(scheduler: Maker) -> None:
    house, faxq = scheduler()
    house.wait("all announcements", lambda: len(faxq.messages) >= 2 * MODEMS)
    for number in range(MODEMS):
        tell(house, f"freeswitch{number}", b"HELLO\0")
    house.wait("all announcements again", lambda: len(faxq.messages) >= 4 * MODEMS)
    assert [message for message in faxq.messages if not MESSAGE.fullmatch(message)] == []


def test_sixty_calls_at_once_are_all_received(scheduler: Maker, document: str) -> None:
    house, faxq = scheduler()

    def one(number: int) -> bool:
        return house.switch.place_call("4711", document, caller_number=f"030{number}", caller_name="x" * 120).answered

    with ThreadPoolExecutor(MODEMS) as pool:
        assert all(pool.map(one, range(MODEMS)))
    house.switch.wait_calls_over(120)
    house.wait("the end of the journal entries", lambda: not house.journal(), 120)
    recv = [record for record in house.records() if record[1] == "RECV"]
    assert len(recv) == MODEMS and {record[10] for record in recv} == {"3"} and {record[13] for record in recv} == {""}
    assert len({record[2] for record in recv}) == len({record[4] for record in recv}) == MODEMS
    assert [len(read_pages(fax)) for fax in house.received()] == [3] * MODEMS
    assert os.listdir(house.lock_dir) == []
    house.wait("the announcements", lambda: all(faxq.last(f"freeswitch{number}") == "R" for number in range(MODEMS)))
    assert [message for message in faxq.messages if not MESSAGE.fullmatch(message)] == []


def test_more_and_fewer_modems_after_a_change_of_the_configuration(make_house: HouseMaker) -> None:
    house = make_house()
    house.wait("two modems", lambda: os.path.exists(house.path("status", "freeswitch1")))
    with open(house.config, encoding="utf-8") as file:
        text = file.read()
    _replace(house, text.replace("modems: 2", "modems: 3"))
    house.wait("a third modem", lambda: os.path.exists(house.path("status", "freeswitch2")))
    house.wait("its status", lambda: status(house, "freeswitch2") == "Running and idle")
    _replace(house, text.replace("modems: 2", "modems: 1"))
    house.wait("its end", lambda: status(house, "freeswitch2") == "FreeSWITCH is not running")
    house.wait("the first", lambda: status(house, "freeswitch0") == "Running and idle")
    tell(house, "freeswitch0", b"Q")
    house.wait("the first to go down", lambda: status(house, "freeswitch0") == "Waiting for modem to come ready")
    _replace(house, text)
    house.wait("the second", lambda: status(house, "freeswitch1") == "Running and idle")
    assert status(house, "freeswitch0") == "Waiting for modem to come ready"


def test_a_broken_configuration_leaves_the_modems_alone(make_house: HouseMaker, document: str) -> None:
    house = make_house()
    faxrcvd(house)
    house.wait("the modems", lambda: os.path.exists(house.path("status", "freeswitch1")))
    _replace(house, "hylafax: {modems: many}\n")
    house.wait("the complaint", lambda: "stays in force" in _text(house.switch.log))
    assert house.switch.place_call("4711", document).answered
    finished(house)
    assert house.records()[0][1] == "RECV"


def _replace(house: House, text: str) -> None:
    with open(house.config + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(house.config + ".new", 0o644)
    os.rename(house.config + ".new", house.config)


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
