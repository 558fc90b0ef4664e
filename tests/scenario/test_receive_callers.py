"""Whatever a caller says of itself goes through every file and script, and what we say of ourselves reaches the caller."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from rig.guard import hylafax_program
from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import T38, announced, faxrcvd, finished, receive, script

FAXINFO = hylafax_program("faxinfo")
HOSTILE = {
    "empty": "", "anonymous": "anonymous", "long": "x" * 10000, "control": "a\x01\x1b[31m\x7fb", "quotes": "'\"\\\\\"",
    "newline": "line\nbreak\r\nX-Forged: 1", "format": "%s%n%d {0} {x}", "shell": "$(touch log/owned) `touch log/owned`;&|<>",
    "expansion": "a|b", "bidi": "Ünï \u202e ✓ \U0001f4e0", "latin": "M\udcfcller \udcff", "tab": "a\tb\t\"c\"",
}


def say(house: House) -> None:
    """A DynamicConfig that writes down what it is told."""
    words = 'for word; do printf "%s\\n" "[$word]"; done > log/dynamic'
    script(house, "etc/DynamicConfig", f'#!/bin/sh\n{words}\necho "LocalIdentifier: +1 2"\n')


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_number_and_identifier_go_safely_through_a_whole_call(
    make_house: HouseMaker, document: str, text: str
) -> None:
    house = make_house({"inbound": {"dynamic_config": "etc/DynamicConfig"}})
    if house.switch.live and text == HOSTILE["format"]:
        pytest.skip("mod_sofia decodes %d to a CR and sends it back in its answer, which the caller then cannot read")
    faxrcvd(house)
    say(house)
    number = "0301" if house.switch.live else text[:60] or "0"      # mod_sofia makes no address of all of these
    call = house.switch.place_call(
        "4711", document, caller_name=text, caller_number=number, ident=encoded(text),
        diversion=f'"{text[:80]}" <sip:99@pbx>', variables=T38,
    )
    assert call.answered, call.reply
    finished(house)
    assert house.switch.running
    recv, call_record = house.records()
    assert len(recv) == len(call_record) == 19 and recv[10] == "3" and recv[13] == ""
    arguments = announced(house)
    assert len(arguments) == 8 and arguments[0] == "recvq/fax000000001.tif"
    assert not os.path.exists(house.path("log", "owned"))
    with open(house.path("log", "dynamic"), encoding="utf-8", errors="surrogateescape") as file:
        told = file.read().splitlines()
    assert len(told) == 5 and [word[1:-1] for word in told[1:]] == arguments[4:], "the same for both scripts"
    lines = house.session_log("000000001").splitlines()
    assert all(": [" in line for line in lines), "no line was forged"
    info = subprocess.run([FAXINFO, house.received()[0]], capture_output=True, check=True).stdout
    assert info.count(b"CallID") == 4 and info.count(b"\n") == 14
    with open(house.path("status", "freeswitch1"), encoding="utf-8") as file:
        assert file.read() == "Running and idle\n"


def encoded(text: str) -> str:
    """fax_ident as mod_spandsp takes it; SpanDSP sends twenty octets as they are."""
    octets = text.encode("utf-8", "surrogateescape")[:20].replace(b"\0", b" ")
    return "".join(f"%{octet:02X}" for octet in octets)


def test_the_identifier_of_dynamic_config_is_seen_at_the_far_end(make_house: HouseMaker, document: str) -> None:
    house = make_house({"inbound": {"dynamic_config": "etc/DynamicConfig"}})
    faxrcvd(house)
    script(house, "etc/DynamicConfig", '#!/bin/sh\n[ "$2" = 0301 ] || exit 0\necho "LocalIdentifier: +1 234 567"\n')
    assert seen_by_caller(house, document, "0301") == "+1 234 567"
    assert seen_by_caller(house, document, "0302") == "+49 30 12340", "for that one call only"


def seen_by_caller(house: House, document: str, number: str) -> str:
    """What the calling fax machine saw as our identifier (CSI)."""
    found: list[str] = []
    with house.switch.connect() as socket:
        socket.command("event plain CUSTOM spandsp::txfaxresult")
        waiter = threading.Thread(target=lambda: found.append(socket.event(60)[0]["fax-remote-station-id"]))
        waiter.start()
        receive(house, document, caller_number=number, variables=T38)
        waiter.join()
    return found[0]


@pytest.mark.standin("noise on the line")
def test_bad_rows_are_told_and_the_fax_is_delivered(house: House, document: str) -> None:
    """How much noise it takes differs a little from call to call: more and more of it, until rows are bad."""
    faxrcvd(house)
    for number, noise in enumerate(("0.010", "0.011", "0.012", "0.013", "0.014", "0.015"), 1):
        commid, line = f"{number:09d}", {"fax_use_ecm": "false", "fax_disable_v17": "true", "standin_noise": noise}
        receive(house, document, variables=line)
        log = house.session_log(commid)
        assert "REMOTE wants no ECM" in log
        [recv] = [record for record in house.records() if record[1:3] == ["RECV", commid]]
        kept = [fax for fax in house.received() if fax.endswith(recv[4])]
        assert sum(len(read_pages(fax)) for fax in kept) == int(recv[10])
        assert announced(house, commid)[3] == recv[13]
        if "bad rows" in log and recv[10] == "3":
            return
    pytest.fail("no noise made rows bad and left a fax")
