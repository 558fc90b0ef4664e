"""The contract, outgoing calls: what a SIP answer becomes, gateways that are dead, dialstrings."""

from __future__ import annotations

import time
import uuid

from live.conftest import Row, left_by_probe
from rig.house import GATEWAYS, House, HouseMaker

CAUSES = {
    400: "NORMAL_TEMPORARY_FAILURE", 403: "CALL_REJECTED", 404: "UNALLOCATED_NUMBER", 408: "RECOVERY_ON_TIMER_EXPIRE",
    410: "NUMBER_CHANGED", 415: "SERVICE_NOT_IMPLEMENTED", 480: "NO_USER_RESPONSE", 481: "NORMAL_TEMPORARY_FAILURE",
    484: "INVALID_NUMBER_FORMAT", 486: "USER_BUSY", 487: "ORIGINATOR_CANCEL", 488: "INCOMPATIBLE_DESTINATION",
    500: "NORMAL_TEMPORARY_FAILURE", 501: "SERVICE_NOT_IMPLEMENTED", 502: "NETWORK_OUT_OF_ORDER",
    503: "NORMAL_TEMPORARY_FAILURE", 504: "RECOVERY_ON_TIMER_EXPIRE", 600: "USER_BUSY", 603: "CALL_REJECTED",
    604: "NO_ROUTE_DESTINATION", 606: "INCOMPATIBLE_DESTINATION",
}
VOICE = {"number": "2004", "does": "voice"}


def cause(reply: str) -> str:
    return reply.removeprefix("-ERR").strip()


def test_what_a_sip_status_becomes(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[{"number": f"9{status}", "does": "reject", "status": status} for status in CAUSES])
    for status, expected in CAUSES.items():
        call = str(uuid.uuid4())
        with house.switch.connect() as events:
            events.command(f"filter Unique-ID {call}")
            events.command("event plain CHANNEL_HANGUP_COMPLETE")
            reply = house.switch.originate(f"{{origination_uuid={call}}}sofia/gateway/default/9{status}", "park()")
            headers, _ = events.event(10)
        row(f"{status}: cause", cause(reply), expected)
        row(f"{status}: status of the hang-up", headers.get("variable_sip_invite_failure_status"), str(status))


def test_gateways_that_are_not_there(make_house: HouseMaker, row: Row) -> None:
    house = make_house(speed=1)

    def tried(variables: str, gateway: str) -> tuple[str, float]:
        began = time.monotonic()
        reply = house.switch.originate(f"{variables}sofia/gateway/{gateway}/1000", "park()")
        return cause(reply), time.monotonic() - began

    outcome, seconds = tried("", "nosuch")
    row("no such gateway", (outcome, seconds < 10), ("INVALID_GATEWAY", True))
    outcome, seconds = tried("", "closed")
    row("a closed port", (outcome, seconds < 10), ("NORMAL_TEMPORARY_FAILURE", True))
    outcome, seconds = tried("{progress_timeout=4}", "dead")
    row("swallows packets, progress_timeout=4", (outcome, 2.5 < seconds < 20), ("PROGRESS_TIMEOUT", True))
    outcome, seconds = tried("{originate_timeout=4}", "dead")
    row("swallows packets, originate_timeout=4", outcome, "NO_ANSWER")


def test_only_the_progress_timeout_of_the_leg_lets_it_ring(make_house: HouseMaker, row: Row) -> None:
    house = make_house(speed=1)
    for name, cause_of_ringing in (("progress_timeout", "PROGRESS_TIMEOUT"), ("leg_progress_timeout", "NO_ANSWER")):
        for gateway, expected in (("default", cause_of_ringing), ("dead", "PROGRESS_TIMEOUT")):
            reply = house.switch.originate(f"{{{name}=2,originate_timeout=6}}sofia/gateway/{gateway}/2001", "park()")
            row(f"{name}=2, gateway {gateway}", cause(reply), expected)


def test_the_next_gateway_under_the_same_uuid(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[VOICE], gateways=GATEWAYS)
    failed = 0
    for _ in range(5):
        call = str(uuid.uuid4())
        legs = "sofia/gateway/closed/2004|sofia/gateway/default/2004"
        failed += house.switch.originate(f"{{origination_uuid={call}}}{legs}", "park()").startswith("-ERR")
        house.switch.api("hupall")
        house.switch.wait_calls_over(5)
    row("a|b with origination_uuid reaches the second gateway always", failed > 0, True)


def test_variables_in_a_dialstring(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[VOICE])

    def value(dialstring: str, *names: str) -> list[str]:
        reply = house.switch.originate(f"{dialstring}sofia/gateway/default/2004", "park()")
        assert reply.startswith("+OK"), reply
        found = [house.switch.api(f"uuid_getvar {reply.split()[1]} {name}") for name in names]
        house.switch.api("hupall")
        house.switch.wait_calls_over(5)
        return found

    row("a comma splits inside of quotes", value("{pa='x,pb=y'}", "pa", "pb"), ["x", "y"])
    row("a backslash before the comma", value(r"{pa='x\,y',pb=z}", "pa", "pb"), ["x,y", "z"])
    row("an apostrophe", value(r"{pa='O\'Neil',pb=z}", "pa", "pb"), ["O'Neil", "z"])
    row("UTF-8", value("{pa='Müller',pb=z}", "pa", "pb"), ["Müller", "z"])
    row("a reference makes the variable vanish", value("{pa='x${hostname}',pb=z}", "pa", "pb"), ["_undef_", "z"])


def test_blanks(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[VOICE])
    reply = house.switch.originate("'sofia/gateway/default/20 04'", "park()")
    row("a blank in the number", cause(reply), "RECOVERY_ON_TIMER_EXPIRE", "NO_ROUTE_DESTINATION")
    for name, target, expected in (
        ("with quotes around the application", "'&python(probe read uuid)'", ["uuid"]),
        ("without: the rest is lost", "&python(probe read uuid)", ["args"]),
    ):
        house.switch.originate_to("sofia/gateway/default/2004", target)
        row(name, list(left_by_probe(house)), expected)
    house.switch.api("hupall")


def test_a_killed_call_while_it_rings(house: House, row: Row) -> None:
    call = str(uuid.uuid4())
    with house.switch.connect() as events:
        events.command("event plain BACKGROUND_JOB")
        events.command(f"bgapi originate {{origination_uuid={call}}}sofia/gateway/default/2001 &park()")
        house.wait("the call", lambda: house.switch.api(f"uuid_exists {call}") == "true")
        time.sleep(1)
        row("uuid_kill", house.switch.api(f"uuid_kill {call}").strip(), "+OK")
        row("the originate's end", cause(events.event(10)[1]), "NORMAL_CLEARING")
