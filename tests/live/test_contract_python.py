"""The contract, mod_python3: limits, arguments, variables, and what stops all Python of the switch."""

from __future__ import annotations

import json
import threading
import time

import pytest

from live.conftest import Row, left_by_probe
from rig.house import House, HouseMaker

VOICE = {"number": "2004", "does": "voice"}
RINGS = "{originate_timeout=3}sofia/gateway/default/2001"


def called(house: House, what: str) -> dict[str, object]:
    """What the probe found in a call, running ``what``."""
    house.switch.originate("sofia/gateway/default/2004", f"python(probe {what})")
    return left_by_probe(house)


def test_surroundings_of_a_script(house: House, row: Row) -> None:
    for _ in range(2):
        found = json.loads(house.switch.api("python probe::surroundings"))
    row("recursion limit", found["recursion limit"], 240)
    row("soft stack limit of a child, KiB", found["soft stack limit of a child, KiB"], "240")
    row("session outside of a call", found["session outside of a call"], "na")
    row("calls that the module has seen at its second call", found["calls this module has seen"], 1)


@pytest.mark.parametrize(("text", "arrived"), [
    ("it's 'quoted text' ok", "its quoted text' ok"), (r"a\nb", "a\nb"), (r"a\sb", "a b"), (r"a\\b", r"a\b"),
    ("  two  spaces  ", "two  spaces"), ("ü,;|${uuid}%41", "ü,;|${uuid}%41"), ('"double"', '"double"'), ("''", ""),
])
def test_the_splitter(house: House, row: Row, text: str, arrived: str) -> None:
    row(f"python probe {text}", json.loads(house.switch.api(f"python probe {text}")), arrived)


def test_variables_in_a_call(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[VOICE])
    house.switch.api("global_setvar probe_secret=leaked")
    row("an unset variable, and the length of a UUID", called(house, "variables"), {"unset": None, "uuid": 36})
    row("setVariable with a reference", called(house, "expansions"), {
        "stored": "$ {global_getvar(probe_secret)}", "expanded again": "leaked",
    })
    found = called(house, "after_hangup")
    row("after session.hangup()", found, {"ready": False, "exists": "false", "goes on": True})


def test_a_document_that_does_not_exist(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[VOICE])
    row("txfax", called(house, "send /nowhere/x.tif"), {
        "fax_success": None, "fax_result_code": None, "fax_result_text": None,
        "current_application_response": "Cannot send non-existant fax file",
    })


def test_the_cause_cannot_be_read_in_the_handler(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[{"number": "2004", "does": "voice", "voice_seconds": 2}], speed=1)
    found = called(house, "cause")
    row("after a BYE", found, {
        "ready": False, "hangup_cause": None, "hangupCause()": "NONE", "sip_hangup_disposition": "recv_bye",
    })


@pytest.mark.parametrize(("action", "holds", "on_the_standin"), [
    ("time.sleep", False, False), (f"originate {RINGS} &park()", True, True), (f"bgapi {RINGS} &park()", False, False),
    (f"Session {RINGS}", True, True), ("pop", False, True), ("msleep", True, True), ("subprocess", False, False),
    ("db", False, False),
])
def test_what_stops_all_python(make_house: HouseMaker, row: Row, action: str, holds: bool, on_the_standin: bool) -> None:
    house = make_house(speed=1)
    house.switch.api("python probe::ping")
    over = threading.Event()

    def act() -> None:
        house.switch.api(f"python probe::run {action}")
        over.set()

    longest = 0.0
    thread = threading.Thread(target=act)
    thread.start()
    with house.switch.connect() as connection:
        while not over.is_set():
            began = time.monotonic()
            assert connection.api("python probe::ping") == "pong"
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.02)
    thread.join()
    row(f"{action.split(maxsplit=1)[0]} holds the interpreter's lock", longest > 1, holds, on_the_standin)
