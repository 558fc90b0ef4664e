"""Calls that come in at a set pace, and what the switch's log says of when they were taken and answered."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rig.esl import EventSocket
from rig.house import House
from rig.switch import dial_variables

_STAMP = r"(?P<uuid>[0-9a-f-]{36}) (?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})"
_EXECUTE = re.compile(_STAMP + r" .*EXECUTE \[depth=0\] \S+ python\((?P<script>\w+)")
_ANSWERED = re.compile(_STAMP + r" .*has been answered")
_IN_GOOD_TIME = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An incoming call: its script, and the seconds from the moment the script was begun to the answer."""

    script: str
    seconds: float


@dataclass(slots=True)
class Caller:
    """Places calls from outside over one connection.  ``application`` is what the caller does once it is answered."""

    house: House
    application: str = "hangup()"

    def place(self, numbers: Sequence[str], pace: float) -> None:
        """One call to each number, ``pace`` a second (0: all at once), whether or not those before are over."""
        with self.house.switch.connect() as socket:
            socket.command("event plain HEARTBEAT")
            began = time.monotonic()
            for place, number in enumerate(numbers):
                if pace:
                    time.sleep(max(began + place / pace - time.monotonic(), 0))
                self.originate(socket, number)

    def originate(self, socket: EventSocket, number: str) -> str:
        """One call; returns its UUID, that of the calling side."""
        call = str(uuid.uuid4())
        variables = dial_variables({
            "origination_uuid": call, "origination_caller_id_number": "030123456", "origination_caller_id_name": "ACME Corp",
            "fax_ident": "+49 30 FAR",
        })
        reply = socket.command(f"bgapi originate {variables}sofia/far/{number} '&{self.application}'")
        assert reply.startswith("+OK"), reply
        return call


def document_for(house: House, path: str) -> str:
    """A copy of the TIFF where the switch's user can read it."""
    target = os.path.join(house.switch.directory, os.path.basename(path))
    shutil.copyfile(path, target)
    os.chmod(target, 0o644)
    return target


def wait_over(house: House) -> None:
    """Until no call exists and nothing is left to be done for any."""
    house.switch.wait_calls_over(_IN_GOOD_TIME * 5)
    house.wait("the end of the journal entries", lambda: not house.journal(), _IN_GOOD_TIME)


def answered(house: House) -> list[Answered]:
    """The incoming calls that the log tells of, in the order of their answers."""
    begun: dict[str, tuple[str, float]] = {}
    found = []
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if (match := _EXECUTE.match(line)) is not None:
                begun[match["uuid"]] = (match["script"], _seconds(match["at"]))
            elif (match := _ANSWERED.match(line)) is not None and match["uuid"] in begun:
                script, since = begun.pop(match["uuid"])
                found.append(Answered(script, _seconds(match["at"]) - since))
    return found


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


class Ends:
    """The moments at which one application has ended, of every call: taken from the switch's events."""

    def __init__(self, house: House, application: str) -> None:
        self._application = application
        self._socket = house.switch.connect()
        self._socket.command("event plain CHANNEL_EXECUTE_COMPLETE")
        self._over = threading.Event()
        self.at: list[float] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                headers, _ = self._socket.event(0.2)
            except TimeoutError:
                continue
            if headers.get("Application") == self._application:
                self.at.append(int(headers["Event-Date-Timestamp"]) / 1e6)

    def close(self) -> None:
        """Ends the listening."""
        self._over.set()
        self._thread.join()
        self._socket.close()
