"""`freeswitch.EventConsumer` and `freeswitch.Event`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mocks.esl.event import Event
from mocks.host import mishap
from mocks.host.bare import BareSwitch, started
from mocks.host.consumers import EventQueue
from mocks.host.pyhost import PythonHost


def event(name: str, subclass: str | None = None, **headers: str) -> Event:
    return Event(name, subclass, [("Event-Name", name), *((key.replace("_", "-"), value) for key, value in headers.items())])


CONSUMER = """
import freeswitch, sys
def bind(session, stream, env, args):
    sys.consumer = freeswitch.EventConsumer("CUSTOM", "spandsp::rxfaxresult", 3)
    stream.write(repr([sys.consumer.bind("channel_hangup"), sys.consumer.bind("NO_SUCH_EVENT")]))
def drain(session, stream, env, args):
    found = []
    while (event := sys.consumer.pop(0)) is not None:
        found.append((event.getType(), event.getHeader("unique-id"), event.getBody()))
    stream.write(repr(found))
def close(session, stream, env, args):
    sys.consumer.cleanup()
    stream.write(repr([sys.consumer.pop(0), sys.consumer.pop(1), sys.consumer.bind("HEARTBEAT")]))
def forget(session, stream, env, args):
    del sys.consumer
"""


def drained(host: PythonHost) -> object:
    return eval(host.api("consumer::drain"))


def test_consumer_gets_matching_events_of_every_call_in_order(tmp_path: Path) -> None:
    with started(str(tmp_path), {"consumer": CONSUMER}) as (switch, host):
        assert host.api("consumer::bind") == "[1, 0]"
        assert (4, "Can't bind to NO_SUCH_EVENT, event not found") in switch.lines
        switch.fire(event("CUSTOM", "spandsp::rxfaxresult", Unique_ID="1"))
        switch.fire(event("CUSTOM", "spandsp::txfaxresult", Unique_ID="2"))
        switch.fire(event("CHANNEL_HANGUP", Unique_ID="3"))
        switch.fire(event("CHANNEL_ANSWER", Unique_ID="4"))
        assert drained(host) == [("CUSTOM", "1", None), ("CHANNEL_HANGUP", "3", None)]
        assert drained(host) == []


def test_full_queue_drops_what_comes_and_says_so(tmp_path: Path) -> None:
    with started(str(tmp_path), {"consumer": CONSUMER}) as (switch, host):
        host.api("consumer::bind")
        for number in range(5):
            switch.fire(event("CHANNEL_HANGUP", Unique_ID=str(number)))
        assert [row[1] for row in drained(host)] == ["0", "1", "2"]  # type: ignore[attr-defined]
        assert switch.lines.count((3, "Cannot queue any more events.....")) == 2
        switch.fire(event("CHANNEL_HANGUP", Unique_ID="5"))
        assert drained(host) == [("CHANNEL_HANGUP", "5", None)]


def test_queued_event_is_a_copy(tmp_path: Path) -> None:
    with started(str(tmp_path), {"consumer": CONSUMER}) as (switch, host):
        host.api("consumer::bind")
        fired = event("CHANNEL_HANGUP", Unique_ID="1")
        switch.fire(fired)
        fired.headers.clear()
        assert drained(host) == [("CHANNEL_HANGUP", "1", None)]


def test_consumer_ends_with_cleanup_or_with_its_last_reference(tmp_path: Path) -> None:
    with started(str(tmp_path), {"consumer": CONSUMER}) as (switch, host):
        host.api("consumer::bind")
        assert switch.listeners() == 2
        assert host.api("consumer::close") == "[None, None, 0]"
        assert switch.listeners() == 0
        host.api("consumer::bind")
        host.api("consumer::forget")
        assert switch.listeners() == 0


def test_shutdown_event_reaches_the_consumer_of_a_startup_script_in_time_to_end_cleanly(tmp_path: Path) -> None:
    script = f"""
import freeswitch, time
def runtime(args):
    consumer = freeswitch.EventConsumer("SHUTDOWN")
    freeswitch.Event("CUSTOM", "test::started").fire()
    while (event := consumer.pop(0)) is None:
        time.sleep(0.01)
    consumer.cleanup()
    time.sleep(0.1)
    with open({str(tmp_path / "ended")!r}, "w") as file:
        file.write(event.getHeader("Event-Info"))
"""
    with started(str(tmp_path), {"supervisor": script}) as (switch, host):
        up = threading.Event()
        switch.subscribe("CUSTOM", "test::started", lambda _event: up.set())
        host.thread("supervisor")
        assert up.wait(20)
        switch.fire(event("SHUTDOWN", Event_Info="System Shutting Down"))
        host.stop()
        assert (tmp_path / "ended").read_text() == "System Shutting Down"
        assert not host.crashed.is_set()


def test_event_made_by_a_script_is_fired_with_headers_and_body(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    event = freeswitch.Event("CUSTOM", "gofax::page")
    event.addHeader("A", "1 2"); event.addHeader("a-b", "ü%\\n"); event.addHeader("A", "second"); event.addBody("body")
    stream.write(repr((event.getType(), event.getHeader("a"), event.getHeader("none"), event.getHeader(""), event.getBody(),
        event.fire(), event.delHeader("A"), event.delHeader("A"), event.addHeader("n", None), env.fire())))
"""
    with started(str(tmp_path), {"making": script}) as (switch, host):
        assert eval(host.api("making")) == (
            "CUSTOM", "1 2", None, None, "body", True, True, False, False, False
        )  # fmt: skip
        [fired] = switch.fired
        assert (fired.name, fired.subclass, fired.body) == ("CUSTOM", "gofax::page", "body")
        assert fired.all("A") == ["1 2", "second"]
        assert fired.get("Event-Subclass") == "gofax::page"
        assert (3, "Not My event!") in switch.lines


def test_event_names_that_are_none_become_message_and_a_subclass_makes_it_custom(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    try:
        freeswitch.Event()
    except NotImplementedError as error:
        stream.write(str(error).split("'")[1] + " ")
    stream.write(" ".join(e.getType() for e in (freeswitch.Event("NOSUCH"), freeswitch.Event("heartbeat", "a::b"))))
"""
    with started(str(tmp_path), {"naming": script}) as (_switch, host):
        assert host.api("naming") == "new_Event MESSAGE CUSTOM"


def test_event_is_written_as_plain_json_and_xml(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    event = freeswitch.Event("CUSTOM", "x::y")
    event.addHeader("a-b", "ü%\\n<"); event.addBody("body & soul")
    stream.write(repr([event.serialize(args), event.serialize()]))
"""
    with started(str(tmp_path), {"writing": script}) as (_switch, host):
        head = "Event-Name: CUSTOM\nEvent-Subclass: x%3A%3Ay\na-b: %C3%BC%25%0A%3C\nContent-Length: 11\n\nbody & soul"
        assert eval(host.api("writing plain")) == [head, head]
        assert json.loads(eval(host.api("writing json"))[0]) == {
            "Event-Name": "CUSTOM", "Event-Subclass": "x::y", "a-b": "ü%\n<", "Content-Length": "11", "_body": "body & soul",
        }  # fmt: skip
        assert "<body>body &amp; soul</body>" in eval(host.api("writing xml"))[0]


@pytest.mark.parametrize(("kind", "popped"), [
    ("", "abc"), ("lost", "ac"), ("twice", "abbc"), ("swapped", "acb"), ("late", "acb"),
])
def test_what_befalls_an_event_on_its_way(kind: str, popped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mishap, "LATE", 0.05)
    switch, mishaps = BareSwitch(), mishap.Mishaps()
    queue = EventQueue(switch, 10, mishaps)
    for name in "abc":
        queue.bind("CUSTOM", name)
    mishaps.arrange(kind, 1)
    for name in "abc":
        switch.fire(event("CUSTOM", name))
    assert "".join(((found := queue.pop(True, 5000)) and found.subclass) or "" for _ in popped) == popped
    assert queue.pop(False, 0) is None and mishaps.count == 3


def test_blocking_pop_ends_with_an_event_with_its_time_or_with_the_consumer() -> None:
    switch = BareSwitch()
    queue = EventQueue(switch, 10)
    queue.bind("HEARTBEAT", None)
    assert queue.pop(True, 1) is None
    popped: list[Event | None] = []
    ends: list[Callable[[], None]] = [lambda: switch.fire(event("HEARTBEAT")), queue.close]
    for end in ends:
        thread = threading.Thread(target=lambda: popped.append(queue.pop(True, 0)))
        thread.start()
        end()
        thread.join()
    assert [found and found.name for found in popped] == ["HEARTBEAT", None]
    assert queue.bind("HEARTBEAT", None) == 0
