"""What scenarios about incoming faxes have in common."""

from __future__ import annotations

import os

from rig.house import House
from rig.switch import PlacedCall

FAXRCVD = """#!/bin/sh
{{ echo "$HANGUPCAUSE|$TRANSFER_RATE|$(ulimit -S -s)"; for word; do echo "[$word]"; done; }} > {file}.$$
mv {file}.$$ {file}.$3
{more}
"""


T38 = {"fax_enable_t38": "true", "fax_enable_t38_request": "true"}
"""For the calling leg: on a real switch T.38 costs a third of what audio costs, and does not mind a busy machine."""


def script(house: House, name: str, text: str) -> str:
    """An executable script in the spool; returns its path relative to it."""
    with open(house.path(name), "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(house.path(name), 0o755)
    return name


def faxrcvd(house: House, more: str = "", name: str = "bin/faxrcvd") -> None:
    """Puts a faxrcvd into the spool that writes down its arguments, then does ``more``."""
    script(house, name, FAXRCVD.format(file=house.path("log", "faxrcvd"), more=more))


def announced(house: House, commid: str = "000000001") -> list[str]:
    """The arguments of the faxrcvd run for a call; none if it has not run."""
    try:
        with open(house.path("log", f"faxrcvd.{commid}"), encoding="utf-8", errors="surrogateescape") as file:
            return [line[1:-1] for line in file.read().splitlines()[1:]]
    except FileNotFoundError:
        return []


def finished(house: House) -> None:
    """Waits until all calls are over and nothing is left to be done for them."""
    house.switch.wait_calls_over()
    house.wait("the end of the journal entries", lambda: not house.journal())


def receive(house: House, document: str, **options: object) -> PlacedCall:
    """A call that is answered, until all is over."""
    call = house.switch.place_call("4711", document, **options)  # type: ignore[arg-type]
    assert call.answered, call.reply
    finished(house)
    return call


def status(house: House, modem: str) -> str:
    """The line of faxstat for a modem."""
    with open(house.path("status", modem), encoding="utf-8") as file:
        return file.read().rstrip("\n")


def tell(house: House, modem: str, message: bytes) -> None:
    """Writes to a modem's FIFO, as hfaxd, faxq and HylaFAX's tools do."""
    fifo = os.open(house.path(f"FIFO.{modem}"), os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(fifo, message)
    finally:
        os.close(fifo)


def entry_lines(text: str) -> list[str]:
    """The marks of a journal entry, one JSON text each."""
    return [line for line in text.splitlines() if line]
