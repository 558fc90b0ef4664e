"""Outgoing and incoming calls of the stand-in, row by row as measured on a FreeSWITCH 1.10.12."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mocks.esl.probe import Probe, Received, switch_in_process
from mocks.switch import Switch

DIALPLAN = """<context name="fax">
<extension name="respond"><condition field="destination_number" expression="^respond-(\\d+)(?:-(.*))?$">
  <action application="respond" data="$1 $2"/></condition></extension>
<extension name="hang up"><condition field="destination_number" expression="^hangup-(.*)$">
  <action application="hangup" data="$1"/></condition></extension>
<extension name="nothing"><condition field="destination_number" expression="^nothing$">
  <action application="set" data="a=b"/></condition></extension>
<extension name="unknown"><condition field="destination_number" expression="^unknown$">
  <action application="no_such_application"/></condition></extension>
<extension name="ring"><condition field="destination_number" expression="^ring$">
  <action application="ring_ready"/><action application="sleep" data="3600000"/><action application="answer"/>
  <action application="set" data="ran_on=yes"/></condition></extension>
<extension name="early"><condition field="destination_number" expression="^early$">
  <action application="playback" data="silence_stream://1000"/><action application="answer"/>
  <action application="park"/></condition></extension>
<extension name="park"><condition field="destination_number" expression="^park$">
  <action application="answer"/><action application="park"/></condition></extension>
</context>"""

WORLD = {
    "gateways": {
        "default": {},
        "dead": {"far_end": "dead"},
        "closed": {"far_end": "closed"},
        "down": {"up": False},
    },
    "far_ends": [
        {"number": "s([0-9]+)", "does": "reject"},
        {"number": "busy", "does": "busy"},
        {"number": "ring", "does": "no_answer", "ring": 36000},
        {"number": "voice", "does": "voice"},
        {"number": "early", "does": "voice", "early_media": True, "ring": 5},
        {"number": "back", "does": "loop"},
    ],
}


#: Line time runs fast here, and the machine may be slow.
PATIENT = "originate_timeout=36000"


@dataclass(frozen=True, slots=True)
class World:
    """A switch and a client that listens to everything."""

    switch: Switch
    probe: Probe

    def call(self, dial: str, variables: str = "", app: str = "&park") -> tuple[str, str]:
        """Start a call; UUID and job."""
        number, job = str(uuid.uuid4()), str(uuid.uuid4())
        extra = f",{variables}" if variables else ""
        self.probe.command(
            f"bgapi originate {{origination_uuid={number},ignore_early_media=true,{PATIENT}{extra}}}{dial} '{app}'\n"
            f"Job-UUID: {job}"
        )
        return number, job

    def outcome(self, dial: str, variables: str = "", app: str = "&park") -> tuple[str, list[Received]]:
        """The body of BACKGROUND_JOB, and the events up to it and to the end of the call if it failed."""
        number, job = self.call(dial, variables, app)
        open_ends = {job, number}

        def over(event: Received) -> bool:
            if event.label == "BACKGROUND_JOB" and event.get("Job-UUID") == job:
                open_ends.discard(job)
                if event.body.startswith("+OK"):
                    open_ends.clear()
            if event.label == "CHANNEL_DESTROY":
                open_ends.discard(event.get("Unique-ID"))
            return not open_ends

        events = self.probe.events_until(over)
        return next(event.body for event in events if event.get("Job-UUID") == job), events

    def of(self, events: list[Received], label: str, number: str = "") -> Received:
        """The event of that name (and call)."""
        return next(e for e in events if e.label == label and number in ("", e.get("Unique-ID")))

    def until(self, label: str, number: str = "") -> list[Received]:
        """Events up to that one."""
        return self.probe.events_until(lambda e: e.label == label and number in ("", e.get("Unique-ID")))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    plan = tmp_path / "plan.xml"
    plan.write_text(DIALPLAN, "utf-8")
    tree = {**WORLD, "dialplan": os.fspath(plan)}
    with switch_in_process(tree, os.fspath(tmp_path / "run")) as (switch, server), Probe(server.port) as probe:
        probe.command("event plain ALL")
        yield World(switch, probe)


SIP_ROWS = {
    "400 481 500 503": "NORMAL_TEMPORARY_FAILURE",
    "403 603": "CALL_REJECTED",
    "404": "UNALLOCATED_NUMBER",
    "408 504": "RECOVERY_ON_TIMER_EXPIRE",
    "410": "NUMBER_CHANGED",
    "415 501": "SERVICE_NOT_IMPLEMENTED",
    "480": "NO_USER_RESPONSE",
    "484": "INVALID_NUMBER_FORMAT",
    "486 600": "USER_BUSY",
    "488 606": "INCOMPATIBLE_DESTINATION",
    "502": "NETWORK_OUT_OF_ORDER",
    "604": "NO_ROUTE_DESTINATION",
}


def test_a_refusal_becomes_its_cause_and_its_status_is_told(world: World) -> None:
    for statuses, cause in SIP_ROWS.items():
        for status in statuses.split():
            body, events = world.outcome("sofia/gateway/default/s1", f"standin_status={status}")
            assert (status, body) == (status, f"-ERR {cause}\n")
            end = world.of(events, "CHANNEL_HANGUP_COMPLETE")
            assert end.get("variable_sip_invite_failure_status") == status
            assert end.get("variable_proto_specific_hangup_cause") == f"sip:{status}"
            assert end.get("variable_sip_hangup_disposition") == "recv_refuse"


def test_a_phrase_of_the_far_ends_own_is_told(world: World) -> None:
    _, events = world.outcome("sofia/gateway/default/s1", "standin_status=503,standin_phrase='Try Later'")
    assert world.of(events, "CHANNEL_HANGUP_COMPLETE").get("variable_sip_invite_failure_phrase") == "Try Later"


@pytest.mark.parametrize(
    ("dial", "variables", "cause"),
    [
        ("sofia/gateway/nosuch/1", "", "INVALID_GATEWAY"),
        ("sofia/gateway/down/1", "", "GATEWAY_DOWN"),
        ("sofia/gateway/closed/1", "", "NORMAL_TEMPORARY_FAILURE"),
        ("sofia/gateway/dead/1", "", "RECOVERY_ON_TIMER_EXPIRE"),
        ("sofia/gateway/dead/1", "originate_timeout=5", "NO_ANSWER"),
        ("sofia/gateway/dead/1", "progress_timeout=4", "PROGRESS_TIMEOUT"),
        ("sofia/gateway/dead/1", "leg_progress_timeout=4", "PROGRESS_TIMEOUT"),
        ("sofia/gateway/dead/1", "originate_progress_timeout=4", "RECOVERY_ON_TIMER_EXPIRE"),
        ("sofia/gateway/default/ring", "progress_timeout=4,originate_timeout=8", "PROGRESS_TIMEOUT"),
        ("sofia/gateway/default/ring", "leg_progress_timeout=4,originate_timeout=8", "NO_ANSWER"),
        ("sofia/gateway/default/nobody", "", "UNALLOCATED_NUMBER"),
        ("sofia/nosuch/1", "", "INVALID_PROFILE"),
        ("nosuch/1", "", "CHAN_NOT_IMPLEMENTED"),
    ],
)
def test_a_call_that_comes_to_nothing_says_why(world: World, dial: str, variables: str, cause: str) -> None:
    number, job = world.call(dial, variables)
    events = world.until("BACKGROUND_JOB")
    assert (events[-1].get("Job-UUID"), events[-1].body) == (job, f"-ERR {cause}\n")
    assert number


def test_failover_with_one_uuid_never_reaches_the_second_gateway(world: World) -> None:
    body, _ = world.outcome("sofia/gateway/closed/1|sofia/gateway/default/voice")
    assert body == "-ERR DESTINATION_OUT_OF_ORDER\n"


def test_failover_without_a_uuid_reaches_the_second_gateway(world: World) -> None:
    reply = world.probe.api("originate sofia/gateway/closed/1|sofia/gateway/default/voice &park")
    assert reply.startswith("+OK ")


def test_a_blank_in_the_number_lets_the_call_out_and_ends_it_without_a_route(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/voice 17")
    assert world.until("CHANNEL_HANGUP", number)[-1].get("Hangup-Cause") == "NO_ROUTE_DESTINATION"


def test_a_variable_that_would_expand_vanishes(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/ring", "a=$\\{b},c=d")
    created = world.until("CHANNEL_CREATE", number)[-1]
    assert (created.get("variable_a"), created.get("variable_c")) == ("", "d")


def test_a_kill_while_ringing_ends_originate_with_the_cause_of_the_kill(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/ring")
    world.until("CHANNEL_PROGRESS", number)
    assert world.probe.api(f"uuid_kill {number} USER_BUSY") == "+OK\n"
    assert world.until("BACKGROUND_JOB")[-1].body == "-ERR USER_BUSY\n"


def test_without_ignoring_it_early_media_is_an_answer_to_originate(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/early", "ignore_early_media=false,standin_ring=0")
    events = world.until("BACKGROUND_JOB")
    assert events[-1].body == f"+OK {number}\n"
    assert "CHANNEL_PROGRESS_MEDIA" in [event.label for event in events]


def test_legs_that_ring_together_the_first_answer_wins(world: World) -> None:
    job = "11111111-2222-3333-4444-555555555555"
    legs = "[origination_uuid=one]sofia/gateway/default/ring,[origination_uuid=two]sofia/gateway/default/voice"
    world.probe.command(f"bgapi originate {legs} &park\nJob-UUID: {job}")
    events = world.until("BACKGROUND_JOB")
    assert events[-1].body == "+OK two\n"
    assert world.of(events, "CHANNEL_HANGUP", "one").get("Hangup-Cause") == "LOSE_RACE"


REFUSALS = [
    ("respond-404", "UNALLOCATED_NUMBER", "404", "Not Found"),
    ("respond-486-Busy Here", "USER_BUSY", "486", "Busy Here"),
    ("respond-503-Try Later", "NORMAL_TEMPORARY_FAILURE", "503", "Try Later"),
    ("hangup-USER_BUSY", "USER_BUSY", "486", "Busy Here"),
    ("hangup-CALL_REJECTED", "CALL_REJECTED", "603", "Decline"),
    ("nothing", "NORMAL_CLEARING", "480", "Temporarily Unavailable"),
    ("unknown", "DESTINATION_OUT_OF_ORDER", "502", "Bad Gateway"),
    ("nobody", "NO_ROUTE_DESTINATION", "404", "Not Found"),
]


@pytest.mark.parametrize(("number", "cause", "status", "phrase"), REFUSALS)
def test_what_an_incoming_call_is_refused_with_reaches_the_caller(
    world: World, number: str, cause: str, status: str, phrase: str
) -> None:
    caller, _ = world.call("sofia/far/" + number.replace(" ", r"\s"))
    end = world.until("CHANNEL_HANGUP_COMPLETE", caller)[-1]
    assert end.get("Hangup-Cause") == cause
    assert end.get("variable_sip_invite_failure_status") == status
    assert end.get("variable_sip_invite_failure_phrase") == phrase


def test_an_incoming_call_has_the_variables_the_scripts_look_at(world: World) -> None:
    variables = (
        "origination_caller_id_name='ACME <x> é',origination_caller_id_number='030 12',sip_h_Diversion='<tel:+49>\\,x',"
        "sip_invite_to_uri='<sip:4711@pbx>',standin_sip_gateway=trunk"
    )
    caller, _ = world.call("sofia/far/park", variables)
    events = world.probe.events_until(lambda e: e.label == "CHANNEL_CREATE" and e.get("Unique-ID") != caller)
    created = events[-1]
    found = {name: created.get(f"variable_{name}") for name in ("sip_to_user", "sip_req_user", "sip_gateway")}
    assert found == {"sip_to_user": "4711", "sip_req_user": "park", "sip_gateway": "trunk"}
    assert created.get("variable_sip_h_Diversion") == "<tel:+49>,x"
    assert created.get("variable_sip_from_user") == "030 12"
    assert created.get("Caller-Caller-ID-Name") == "ACME <x> é"
    assert created.get("Call-Direction") == "inbound"
    assert world.probe.api(f"uuid_getvar {created.get('Unique-ID')} caller_id_name") == "ACME <x> é"
    assert world.probe.api(f"uuid_getvar {created.get('Unique-ID')} destination_number") == "park"


def test_a_call_to_our_own_number_comes_back_through_our_dialplan(world: World) -> None:
    caller, _ = world.call("sofia/gateway/default/back")
    end = world.until("CHANNEL_HANGUP", caller)[-1]
    assert end.get("Hangup-Cause") == "NO_ROUTE_DESTINATION"


def test_a_caller_who_gives_up_ends_the_ringing_and_nothing_is_answered_after_that(world: World) -> None:
    caller, _ = world.call("sofia/far/ring", "originate_timeout=5")
    events = world.probe.events_until(lambda e: e.label == "CHANNEL_DESTROY" and e.get("Unique-ID") != caller)
    end = world.of(events, "CHANNEL_HANGUP_COMPLETE", events[-1].get("Unique-ID"))
    assert end.get("Hangup-Cause") == "ORIGINATOR_CANCEL"
    assert end.get("variable_sip_hangup_disposition") == "recv_cancel"
    assert end.get("variable_sip_term_status") == "487"
    assert end.get("variable_endpoint_disposition") == "RECEIVED"
    assert end.get("variable_ran_on") == ""  # the dialplan does not go on after the hang-up
    assert "CHANNEL_ANSWER" not in [event.label for event in events]


def test_playing_before_the_answer_gives_early_media_first(world: World) -> None:
    caller, _ = world.call("sofia/far/early")
    labels = [e.label for e in world.until("BACKGROUND_JOB") if e.get("Unique-ID") == caller]
    assert labels.index("CHANNEL_PROGRESS_MEDIA") < labels.index("CHANNEL_ANSWER")


def test_hang_up_of_either_side_ends_the_other(world: World) -> None:
    for side in ("outbound", "inbound"):
        caller, _ = world.call("sofia/far/park")
        world.until("BACKGROUND_JOB")
        (callee,) = (c.uuid for c in world.switch.channels() if c.direction == "inbound" and c.up())
        ends, other = (caller, callee) if side == "outbound" else (callee, caller)
        world.probe.api(f"uuid_kill {ends}")
        seen: set[str] = set()

        def both(event: Received, seen: set[str] = seen, wanted: frozenset[str] = frozenset((caller, callee))) -> bool:
            if event.label == "CHANNEL_HANGUP_COMPLETE":
                seen.add(event.get("Unique-ID"))
            return seen == wanted

        events = world.probe.events_until(both)
        first = world.of(events, "CHANNEL_HANGUP_COMPLETE", ends)
        second = world.of(events, "CHANNEL_HANGUP_COMPLETE", other)
        assert first.get("variable_sip_hangup_disposition") == "send_bye"
        assert second.get("variable_sip_hangup_disposition") == "recv_bye"
        assert second.get("variable_sip_term_status") == "200"


def test_after_the_hang_up_the_call_is_gone_for_commands(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/voice")
    world.until("BACKGROUND_JOB")
    assert world.probe.api(f"uuid_exists {number}") == "true"
    world.probe.api(f"uuid_kill {number}")
    assert world.probe.api(f"uuid_exists {number}") == "false"
    assert world.probe.api(f"uuid_kill {number}") == "-ERR No such channel!\n"


def test_a_scheduled_hang_up_comes_after_its_time_with_its_cause(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/voice")
    world.until("BACKGROUND_JOB")
    assert world.probe.api(f"sched_hangup +20 {number}") == "+OK\n"
    assert world.until("CHANNEL_HANGUP", number)[-1].get("Hangup-Cause") == "ALLOTTED_TIMEOUT"


def test_variables_are_set_and_read_from_outside(world: World) -> None:
    number, _ = world.call("sofia/gateway/default/ring")
    world.until("CHANNEL_PROGRESS", number)
    assert world.probe.api(f"uuid_getvar {number} x") == "_undef_"
    assert world.probe.api(f"uuid_setvar {number} x 'a b'") == "+OK\n"
    assert world.probe.api(f"uuid_getvar {number} X") == "a b"
    assert "variable_x: a%20b\n" in world.probe.api(f"uuid_dump {number}")
    assert "variable_x: [a b]\n" in world.probe.api(f"uuid_dump {number} plain")
    assert json.loads(world.probe.api(f"uuid_dump {number} json"))["variable_x"] == "a b"


def test_channels_are_shown_counted_and_hung_up_together(world: World) -> None:
    numbers = [world.call("sofia/gateway/default/ring", f"group={n % 2}")[0] for n in range(4)]
    for _ in numbers:
        world.until("CHANNEL_PROGRESS")
    assert world.probe.api("show channels count") == "\n4 total.\n"
    assert set(numbers) <= {line.split(",")[0] for line in world.probe.api("show channels").splitlines()}
    reply = world.probe.api("hupall normal_clearing group 1")
    assert reply == "+OK hangup all channels matching [group]=[1] with cause: NORMAL_CLEARING\n"
    ended = {world.until("CHANNEL_DESTROY")[-1].get("Unique-ID") for _ in range(2)}
    assert ended == {numbers[1], numbers[3]}


def test_a_background_job_from_inside_has_the_id_it_was_given(world: World) -> None:
    assert world.switch.api("bgapi", "uuid:my-own-id status") == "+OK Job-UUID: my-own-id\n"
    event = world.until("BACKGROUND_JOB")[-1]
    assert event.get("Job-UUID") == "my-own-id"
    assert event.body.startswith("UP ")


def test_an_unknown_command_has_two_answers(world: World) -> None:
    assert world.switch.api("no_such_command", "") == "INVALID COMMAND!\n"
    assert world.probe.api("no_such_command") == "-ERR no_such_command Command not found!\n"


def test_two_hundred_calls_ring_at_once(world: World) -> None:
    world.probe.command("nixevent ALL")
    world.probe.command("event plain CHANNEL_PROGRESS CHANNEL_DESTROY")
    for _ in range(200):
        world.call("sofia/gateway/default/ring")
    ringing = {world.until("CHANNEL_PROGRESS")[-1].get("Unique-ID") for _ in range(200)}
    assert len(ringing) == 200
    world.probe.api("hupall")
    assert {world.until("CHANNEL_DESTROY")[-1].get("Unique-ID") for _ in range(200)} == ringing
