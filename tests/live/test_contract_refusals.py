"""The contract: what an originate is answered by a FreeSWITCH that makes no calls, for a reason of its own.

Of such a call there is the answer and nothing else: no channel, and so no event (`switch_core_session_request_uuid`).  What a
far end refuses has a CHANNEL_HANGUP_COMPLETE, whatever the cause.
"""

from __future__ import annotations

import os
import time
import uuid

import pytest

from live.conftest import Row
from rig.driven import FREESWITCH
from rig.esl import EventSocket
from rig.house import House, HouseMaker

NO_ANSWER = {"number": "2001", "does": "no_answer"}
REFUSED = ("-ERR DESTINATION_OUT_OF_ORDER", 0)


def tried(house: House, number: str = "2001") -> tuple[str, int]:
    """The answer to an originate, and how many events there were of the call."""
    call, job = str(uuid.uuid4()), str(uuid.uuid4())
    with house.switch.connect() as events:
        events.command(f"filter Unique-ID {call}")
        events.command(f"filter Job-UUID {job}")
        events.command("event plain ALL")
        variables = f"{{origination_uuid={call},originate_timeout=3}}"
        events.command(f"bgapi originate {variables}sofia/gateway/default/{number} &park()\nJob-UUID: {job}")
        return answer(events, job)


def answer(events: EventSocket, job: str) -> tuple[str, int]:
    """Until a second after the answer: CHANNEL_HANGUP_COMPLETE may come before it or after it."""
    reply, seen, deadline = "", 0, time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            headers, body = events.event(0.5)
        except TimeoutError:
            continue
        if headers.get("Event-Name") == "BACKGROUND_JOB" and headers.get("Job-UUID") == job:
            reply, deadline = body.strip(), time.monotonic() + 1
        else:
            seen += headers.get("Event-Name", "").startswith("CHANNEL_")
    return reply, seen


@pytest.mark.parametrize(("trouble", "cure"), [
    ("fsctl pause", "fsctl resume"), ("fsctl pause outbound", "fsctl resume outbound"),
    ("fsctl sps 1", "fsctl sps 200"), ("fsctl min_idle_cpu 100", "fsctl min_idle_cpu 0"),
])
def test_a_switch_that_makes_no_calls(make_house: HouseMaker, row: Row, trouble: str, cure: str) -> None:
    house = make_house(far_ends=[NO_ANSWER])
    # how idle the processor is, is looked at every second
    house.wait("a first look at the processor", lambda: "min idle cpu 0.00/100.00" not in house.switch.api("status"))
    assert house.switch.api(trouble).startswith("+OK")
    if "sps" in trouble:
        time.sleep(2)       # what is left of the second that had another limit
    row(f"{trouble}: answer, events", tried(house), REFUSED)
    house.switch.api(cure)
    if "sps" in trouble:
        time.sleep(2)
    reply, seen = tried(house)
    row(f"{cure}: answer, any events", (reply, seen > 0), ("-ERR NO_ANSWER", True))


def test_a_pause_of_incoming_calls_only(make_house: HouseMaker, row: Row) -> None:
    """Calls go out then; the far end here is the same switch, which refuses them: that is no trouble of the caller's."""
    house = make_house(far_ends=[NO_ANSWER])
    house.switch.api("fsctl pause inbound")
    reply, seen = tried(house)
    row("fsctl pause inbound: a call that goes out has events", seen > 0, True)
    row("fsctl pause inbound: answer", reply, "-ERR NORMAL_TEMPORARY_FAILURE", "-ERR NO_ANSWER")


def test_a_switch_at_its_limit_of_sessions(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[{"number": "2004", "does": "voice"}, NO_ANSWER])
    assert house.switch.originate("sofia/gateway/default/2004", "park()").startswith("+OK")
    house.switch.api("fsctl max_sessions 1")
    row("fsctl max_sessions 1, in a call: answer, events", tried(house), REFUSED)


def test_a_switch_that_is_shutting_down(make_house: HouseMaker, row: Row) -> None:
    house = make_house(far_ends=[{"number": "2004", "does": "voice"}, NO_ANSWER])
    assert house.switch.originate("sofia/gateway/default/2004", "park()").startswith("+OK")
    with house.switch.connect() as other:
        other.command("bgapi fsctl shutdown asap")
        house.wait("the beginning of the end", lambda: "not ready" in house.switch.api("status"))
        row("fsctl shutdown asap, in a call: answer, events", tried(house), REFUSED)
        house.switch.api("hupall")


def test_a_switch_without_mod_sofia(make_house: HouseMaker, row: Row) -> None:
    without = {} if os.environ.get(FREESWITCH) else {"more": {"absent_modules": ["mod_sofia"]}}
    house = make_house(far_ends=[NO_ANSWER], **without)
    house.switch.api("unload mod_sofia")        # a real one; the stand-in was started without
    row("no mod_sofia: answer, events", tried(house), ("-ERR CHAN_NOT_IMPLEMENTED", 0))
