"""The contract, incoming calls: what a refusal becomes, a caller who gives up, names and headers."""

from __future__ import annotations

import time
import uuid

import pytest

from live.conftest import Row, left_by_probe
from rig.house import House, HouseMaker

PROBE_TAKES_CALLS = True


@pytest.mark.parametrize(("number", "what", "cause"), [
    ("4001", "respond 404", "UNALLOCATED_NUMBER"), ("4002", "respond 486 Busy Here", "USER_BUSY"),
    ("4003", "session.hangup USER_BUSY", "USER_BUSY"), ("4004", "hangup CALL_REJECTED", "CALL_REJECTED"),
    ("4005", "respond 503 Try Later", "NORMAL_TEMPORARY_FAILURE"), ("4006", "return unanswered", "NORMAL_CLEARING"),
])
def test_what_the_caller_gets(house: House, document: str, row: Row, number: str, what: str, cause: str) -> None:
    row(f"{what}: the caller's cause", house.switch.place_call(number, document).cause, cause)
    values = left_by_probe(house)
    row(f"{what}: ready() afterwards", values["ready"], number == "4006")


def test_names_and_headers_arrive_whole(house: House, document: str, row: Row) -> None:
    diversion = '"Sales, dept" <sip:+49-30-55@pbx>;reason=unconditional'
    house.switch.place_call(
        "4001", document, caller_name="ACME <x> é", caller_number="0301 23", diversion=diversion
    )
    values = left_by_probe(house)
    row("caller_id_name", values["caller_id_name"], "ACME <x> é")
    row("caller_id_number", values["caller_id_number"], "0301 23")
    row("sip_h_Diversion", values["sip_h_Diversion"], diversion)


def test_a_caller_who_gives_up_while_we_ring(make_house: HouseMaker, row: Row) -> None:
    house = make_house(speed=1)
    call = str(uuid.uuid4())
    with house.switch.connect() as events:
        events.command("event plain BACKGROUND_JOB")
        target = house.switch.outside("4007")
        events.command(f"bgapi originate {{origination_uuid={call},originate_timeout=60}}{target} &park()")
        house.wait("the call", lambda: len(house.switch.calls()) == 2)
        time.sleep(1)
        house.switch.api(f"uuid_kill {call}")
        values = left_by_probe(house)
    row("sleep returns at once", values["returned at once"], True)
    row("sip_hangup_disposition", values["disposition"], "recv_cancel")
    row("ready() after an answer that came too late", values["ready"], False)


def test_a_target_that_cannot_be_written(house: House, document: str, row: Row) -> None:
    assert house.switch.place_call("4008", document).answered, "it is noticed only after the answer"
    values = left_by_probe(house)
    row("rxfax", (values["fax_success"], values["fax_result_code"]), ("0", "41"))
