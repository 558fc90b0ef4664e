"""The stand-in says what a real FreeSWITCH 1.10.12 said: recorded conversations, played again.

Each recording in tests/data/transcripts is a whole conversation. The client's part is sent again (file names apart),
and what comes back is held against what came then: replies word by word, events by order, states and header names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mocks.esl.probe import Frame, Probe, Received, parse_event, switch_in_process
from rig.pages import NORMAL, compare_documents, make_tiff, read_pages

DATA = Path(__file__).parent.parent / "data"
RECORDINGS = DATA / "transcripts"
DOCUMENT = "/var/spool/hylafax/docq/three.tif"

WORLD: dict[str, Any] = {
    "gateways": {"default": {}, "hole": {"far_end": "dead"}, "dead": {"far_end": "closed"}},
    "far_ends": [
        {"number": "486", "does": "busy"},
        {"number": "480", "does": "no_answer"},
        {"number": "404", "does": {"does": "reject", "status": 404}},
        {"number": "7503", "does": {"does": "reject", "status": 503}},
        {"number": "3801", "does": "fax", "t38": "offer", "ident": "PEER"},
        {"number": "8001", "does": "fax", "ident": "RIG", "hangup_after": 11.5},
        {"number": "90[0-2]", "does": "fax", "ident": "PEER"},
    ],
}

#: Headers of the real switch that the stand-in leaves out: what RTP, SDP and SIP dialogs measured or negotiated there.
LEFT_OUT = {
    "variable_dlg_req_swap_direction",
    "variable_sip_to_display",
    "variable_sip_from_port",
    # In which header the caller's number comes is the caller's affair; the stand-in's callers send Remote-Party-ID.
    "variable_sip_P-Asserted-Identity",
    "variable_sip_Privacy",
}
#: Events that may come in either order: each is fired by another thread, in the real switch too.
EITHER_ORDER = ({"CHANNEL_HANGUP", "CUSTOM spandsp::txfaxresult"},)


@dataclass(frozen=True, slots=True)
class Recording:
    """One conversation: what the client sent, what came back, and the events among it."""

    sent: tuple[str, ...]
    replies: tuple[str, ...]
    events: tuple[Received, ...]


def read(name: str) -> Recording:
    sent, replies, events = [], [], []
    for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines():
        frame = json.loads(line)
        data = frame["data"].encode("latin-1").decode("utf-8", "surrogateescape")
        if frame["dir"] == "c":
            sent.append(data.removesuffix("\n\n"))
        elif "Content-Type: text/event-plain" in data.partition("\n\n")[0]:
            events.append(parse_event(data.partition("\n\n")[2]))
        elif data:
            replies.append(data)
    return Recording(tuple(sent), tuple(replies), tuple(events))


def label_and_states(event: Received) -> tuple[str, ...]:
    """What has to be the same: name, subclass, states and cause."""
    names = ("Channel-State", "Channel-State-Number", "Channel-Call-State", "Answer-State", "Hangup-Cause")
    return (event.label, *(event.get(name) for name in names))


def in_order(events: Iterable[Received]) -> list[tuple[str, ...]]:
    """Labels and states of the events of the call; neighbours that may come in either order are sorted."""
    found = [label_and_states(event) for event in events if event.label != "BACKGROUND_JOB"]
    for index in range(len(found) - 1):
        first, second = found[index : index + 2]
        if {first[0], second[0]} in EITHER_ORDER:
            found[index : index + 2] = sorted((first, second))
            # what the result says of the channel depends on which of the two came first
            found[index : index + 2] = [(entry[0], "", "", "", "", "") for entry in found[index : index + 2]]
    return found


def missing_headers(recorded: Received, ours: Received) -> set[str]:
    have = {name for name, _ in ours.headers}
    return {name for name, _ in recorded.headers if name not in have and name not in LEFT_OUT}


def compare(recorded: Recording, ours: list[Received]) -> None:
    assert in_order(ours) == in_order(recorded.events)
    left = list(ours)
    for then in recorded.events:
        now = next(event for event in left if event.label == then.label)
        left.remove(now)
        assert (now.label, missing_headers(then, now)) == (then.label, set())


def subscribe(recorded: Recording, probe: Probe) -> None:
    """Send the client's commands between `auth` and the call."""
    for line in recorded.sent[1:]:
        if line.startswith(("bgapi", "exit")):
            return
        assert probe.command(line).get("Reply-Text") in "".join(recorded.replies)


def play(recorded: Recording, probe: Probe, document: str) -> list[Received]:
    """Send the client's commands up to `bgapi`, then collect the events of that call.

    The `api` command that some clients send in mid-call is sent when as many events are there as came before it then.
    """
    subscribe(recorded, probe)
    (call,) = (line for line in recorded.sent if line.startswith("bgapi"))
    probe.command(call.replace(DOCUMENT, document))
    kill = next((line for line in recorded.sent if line.startswith("api uuid_kill")), "")
    events: list[Received] = []
    if kill:
        before = [event.label for event in recorded.events].index("CHANNEL_HANGUP")
        events = [probe.event() for _ in range(before)]
        assert probe.command(kill).body == "+OK\n"
    seen = {event.label for event in events}

    def over(event: Received) -> bool:
        seen.add(event.label)
        return {"CHANNEL_DESTROY", "BACKGROUND_JOB"} <= seen

    return events + probe.events_until(over)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = os.fspath(tmp_path_factory.mktemp("document") / "three.tif")
    make_tiff(path, 3, dpi=NORMAL)
    return path


INCOMING = """<context name="fax"><extension name="all"><condition field="destination_number" expression="^(.*)$">
  {settings}
  <action application="answer"/>
  <action application="set" data="fax_ident=RIG"/>
  <action application="rxfax" data="{received}"/>
</condition></extension></context>"""
T38 = '<action application="multiset" data="fax_enable_t38=true fax_enable_t38_request=true"/>'


@pytest.mark.parametrize(
    "name",
    [
        "out-audio-3-pages",
        "out-t38-3-pages",
        "out-busy",
        "out-404",
        "out-503",
        "out-port-closed",
        "out-no-answer",
        "out-progress-timeout",
        "out-invalid-gateway",
        "out-dropped-by-far-end",
        "out-killed-ringing",
    ],
)
def test_an_outgoing_call_has_the_events_of_the_real_switch(name: str, tmp_path: Path, document: str) -> None:
    recorded = read(name)
    with switch_in_process(WORLD, os.fspath(tmp_path / "run")) as (_, server), Probe(server.port) as probe:
        ours = play(recorded, probe, document)
    compare(recorded, ours)


def test_a_call_that_is_killed_in_page_2_has_the_events_of_the_real_switch(tmp_path: Path, document: str) -> None:
    recorded = read("out-killed-page-2")
    world = {**WORLD, "speed": 10}  # page 2 has to last until the command is there
    with switch_in_process(world, os.fspath(tmp_path / "run")) as (_, server), Probe(server.port) as probe:
        ours = play(recorded, probe, document)
    compare(recorded, ours)


@pytest.mark.parametrize(("name", "settings"), [("in-audio-3-pages", ""), ("in-t38-3-pages", T38)])
def test_an_incoming_fax_has_the_events_of_the_real_switch(
    name: str, settings: str, tmp_path: Path, document: str
) -> None:
    recorded = read(name)
    received = tmp_path / "received.tif"
    plan = tmp_path / "plan.xml"
    plan.write_text(INCOMING.format(settings=settings, received=received), "utf-8")
    diversion = "<sip:+4930123@pbx.example;user=phone>;reason=unconditional"
    caller = (
        "origination_caller_id_name='Sender <x>',origination_caller_id_number=030555,fax_ident='FAR END',"
        f"sip_h_Diversion='{diversion}',fax_enable_t38=true"
    )
    world = {**WORLD, "dialplan": os.fspath(plan)}
    with (
        switch_in_process(world, os.fspath(tmp_path / "run")) as (_, server),
        Probe(server.port) as probe,
        Probe(server.port) as sender,
    ):
        subscribe(recorded, probe)
        sender.command(f"bgapi originate {{{caller}}}sofia/far/6300 '&txfax({document})'")
        ours = probe.events_until(lambda event: event.label == "CHANNEL_DESTROY")
    compare(recorded, ours)
    values = [(event.label, event.get("variable_sip_h_Diversion")) for event in ours if event.label == "CHANNEL_CREATE"]
    assert values == [("CHANNEL_CREATE", diversion)]
    assert [event.get("Caller-Caller-ID-Name") for event in ours] == ["Sender <x>"] * len(ours)
    sent, got = read_pages(document), read_pages(os.fspath(received))
    assert [page.identical for page in compare_documents(sent, got)] == [True, True, True]


REFUSING = """<context name="fax"><extension name="all"><condition field="destination_number" expression="^(.*)$">
  {actions}
</condition></extension></context>"""
RING = '<action application="ring_ready"/><action application="sleep" data="20000"/>'


@pytest.mark.parametrize(("name", "actions"), [
    ("in-respond-404", '<action application="respond" data="404"/>'),
    ("in-respond-503", '<action application="respond" data="503 Try Later"/>'),
    ("in-hangup-busy", '<action application="hangup" data="USER_BUSY"/>'),
    ("in-returned-unanswered", '<action application="set" data="x=y"/>'),
    ("in-cancelled-while-ringing", RING),
], ids=lambda value: value if value.startswith("in-") else "")
def test_a_refused_or_cancelled_call_has_the_events_of_the_real_switch(name: str, actions: str, tmp_path: Path) -> None:
    recorded = read(name)
    plan = tmp_path / "plan.xml"
    plan.write_text(REFUSING.format(actions=actions), "utf-8")
    world = {**WORLD, "dialplan": os.fspath(plan), "speed": 1}
    call = "0e9a1b52-3c1e-4f0e-9d39-3f2d7f1b8a55"
    with (
        switch_in_process(world, os.fspath(tmp_path / "run")) as (_, server),
        Probe(server.port) as probe,
        Probe(server.port) as sender,
    ):
        subscribe(recorded, probe)
        caller = f"origination_uuid={call},origination_caller_id_name='ACME Corp',origination_caller_id_number=030123456"
        sender.command(f"bgapi originate {{{caller}}}sofia/far/4001 &park()")
        ours: list[Received] = []
        if actions == RING:
            ours = probe.events_until(lambda event: event.label == "CHANNEL_PROGRESS")
            assert sender.api(f"uuid_kill {call}") == "+OK\n"
        ours += probe.events_until(lambda event: event.label == "CHANNEL_DESTROY")
    compare(recorded, ours)
    values = ("variable_sip_hangup_disposition", "variable_sip_term_status", "variable_endpoint_disposition")
    then, now = (next(e for e in events if e.label == "CHANNEL_HANGUP_COMPLETE") for events in (recorded.events, ours))
    assert [now.get(name) for name in values] == [then.get(name) for name in values]


#: Replies that tell of the switch itself: how long it runs, what its gateway is called, where it is.
OWN_WORDS = ("api status", "api sofia status gateway", "api global_getvar hostname")


@pytest.mark.parametrize("name", ["commands", "commands-2"])
def test_commands_are_answered_word_by_word_as_the_real_switch_answers(name: str, tmp_path: Path) -> None:
    recorded = read(name)
    frames = [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    with (
        switch_in_process(WORLD, os.fspath(tmp_path / "run")) as (_, server),
        Probe(server.port, password=None) as probe,
    ):
        assert probe.greeting is not None and probe.greeting.headers == (("Content-Type", "auth/request"),)
        expected = iter([frame["data"] for frame in frames if frame["dir"] == "s" and frame["data"]][1:])
        for line in recorded.sent:
            reply = probe.command(line)
            then = next(expected)
            if line.startswith(OWN_WORDS):
                assert [word.split("\t")[0] for word in reply.body.splitlines() if "\t" in word] == [
                    word.split("\t")[0] for word in then.splitlines() if "\t" in word
                ]
            else:
                assert as_text(reply) == then
        notice, end = probe.frame(), probe.frame()
        assert notice is not None and as_text(notice) == next(expected)
        assert end is None


def as_text(frame: Frame) -> str:
    return "".join(f"{name}: {value}\n" for name, value in frame.headers) + "\n" + frame.body
