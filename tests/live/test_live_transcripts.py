"""Conversations on the event socket of a real FreeSWITCH: still the recorded ones, and recorded anew where wanted.

With the environment variable LIVE_TRANSCRIPTS they are written to the directory it names, to be put into
``tests/data/transcripts``.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import uuid
from pathlib import Path

import pytest

from rig.house import House, HouseMaker
from rig.live.switch import Live
from rig.live.tape import Tape

pytestmark = pytest.mark.live
PROBE_TAKES_CALLS = True

DATA = Path(__file__).parent.parent / "data" / "transcripts"
EVENTS = (
    "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_CALLSTATE CHANNEL_HANGUP "
    "CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY BACKGROUND_JOB CUSTOM spandsp::txfaxnegociateresult spandsp::txfaxpageresult "
    "spandsp::txfaxresult spandsp::rxfaxnegociateresult spandsp::rxfaxpageresult spandsp::rxfaxresult"
)


def labels(text: str) -> list[str]:
    """Name or subclass of each event of a recording, without the states in between, whose order varies."""
    found = []
    for line in text.splitlines():
        frame = json.loads(line)["data"]
        name = re.search(r"Event-Name: (\S+)", frame)
        subclass = re.search(r"Event-Subclass: (\S+)", frame)
        if name and name[1] != "CHANNEL_CALLSTATE":
            found.append(subclass[1] if subclass else name[1])
    return found


def keep(house: House, tape: Tape, name: str) -> None:
    """The recording is the known one, and is written where that is wanted."""
    assert isinstance(house.switch, Live)
    tape.say("exit")
    text = tape.text({
        house.switch.directory: "/var/lib/freeswitch", house.spool: "/var/spool/hylafax",
        house.installed.scripts: "/usr/share/freeswitch/scripts", house.run_dir.path: "/srv/fax",
        house.switch.at.address: "192.0.2.1", socket.gethostname(): "fax1",
    })
    if directory := os.environ.get("LIVE_TRANSCRIPTS"):
        Path(directory, f"{name}.jsonl").write_text(text, "utf-8")
    if (DATA / f"{name}.jsonl").exists():
        assert labels(text) == labels((DATA / f"{name}.jsonl").read_text("utf-8"))


def watching(tape: Tape) -> None:
    tape.say("auth ClueCon")
    tape.say("filter Call-Direction inbound")
    tape.say(f"event plain {EVENTS}")


@pytest.mark.parametrize(("number", "name"), [
    ("4001", "in-respond-404"), ("4003", "in-hangup-busy"), ("4005", "in-respond-503"), ("4006", "in-returned-unanswered"),
])
def test_a_refused_call(house: House, document: str, number: str, name: str) -> None:
    with Tape(house.switch.esl_port) as tape:
        watching(tape)
        assert not house.switch.place_call(number, document).answered
        tape.until("CHANNEL_DESTROY", 30)
        keep(house, tape, name)


def test_a_call_that_is_cancelled_while_it_rings(house: House) -> None:
    call = str(uuid.uuid4())
    with Tape(house.switch.esl_port) as tape, house.switch.connect() as caller:
        watching(tape)
        caller.command(f"bgapi originate {{origination_uuid={call},originate_timeout=60}}{house.switch.outside('4007')} &park()")
        tape.until("CHANNEL_PROGRESS", 30)
        assert caller.api(f"uuid_kill {call}").startswith("+OK")
        tape.until("CHANNEL_DESTROY", 30)
        keep(house, tape, "in-cancelled-while-ringing")


def test_a_reception_that_is_killed(house: House, document: str) -> None:
    with Tape(house.switch.esl_port) as tape:
        watching(tape)
        assert house.switch.place_call("4010", document, variables={"fax_enable_t38": "true"}).answered
        frame = tape.until("spandsp%3A%3Arxfaxnegociateresult", 60)
        found = re.search(rb"Unique-ID: (\S+)", frame)
        assert found is not None
        tape.say(f"api uuid_kill {found[1].decode()}")
        tape.until("CHANNEL_DESTROY", 30)
        keep(house, tape, "in-killed")


def test_a_second_negotiation(make_house: HouseMaker, document: str) -> None:
    house = make_house()
    with Tape(house.switch.esl_port) as tape:
        watching(tape)
        placed = threading.Thread(
            target=house.switch.place_call, args=("4010", document), kwargs={"variables": {"standin_cuts": "[[9, 0.5]]"}}
        )
        placed.start()
        tape.until("CHANNEL_DESTROY", 300)
        placed.join()
        negotiations = sum(b"Arxfaxnegociateresult" in data for _, _, data in tape.frames)
        assert negotiations >= 2, "the line was not cut in the training check"
        keep(house, tape, "in-second-negotiation")
