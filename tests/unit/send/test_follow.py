"""The follower of a call comes to an end, whatever FreeSWITCH leaves unsaid."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from gofaxpy.config.keys import Outbound
from gofaxpy.journal import Entry, Journal, Step
from gofaxpy.outcome.causes import Stage
from gofaxpy.send.abort import AbortFlag
from gofaxpy.send.call import PlacedCall, Trace
from gofaxpy.send.deadlines import Deadlines, Wait, deadlines
from gofaxpy.send.follow import Follower
from gofaxpy.send.launch import CallIds
from gofaxpy.switch.client import Client, EventSocketError
from gofaxpy.switch.esl import EventFrame
from gofaxpy.values import replace

IDS = CallIds("uuid", "job", "default")


class SilentSwitch:
    """A connection that stays and tells of nothing; ``kills`` are its answers to uuid_kill, the last one from then on."""

    def __init__(self, *kills: str) -> None:
        self._kills = list(kills)
        self.asked: list[str] = []

    def events(self, deadline: float, wake: int) -> None:
        time.sleep(max(min(deadline - time.monotonic(), 0.01), 0))

    def api(self, command: str, args: str) -> str:
        self.asked.append(command)
        if command == "uuid_exists":
            return "false"
        return self._kills.pop(0) if len(self._kills) > 1 else self._kills[0]

    def close(self) -> None:
        pass


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    with Journal(str(tmp_path)).create("1-000000001", Step.OPENED) as made:
        yield made


QUICK = dict.fromkeys((Wait.END_OF_UNKNOWN, Wait.APPEAR, Wait.NOTE_HELD, Wait.NOTE_UNSEEN, Wait.NOTE_FREE), 0.2)


def table(limits: Outbound, seconds: Mapping[Wait, float]) -> Deadlines:
    """The deadlines, for tests that do not have minutes."""
    return {wait: replace(row, seconds={**QUICK, **seconds}.get(wait, row.seconds)) for wait, row in deadlines(limits).items()}


def followed(
    switch: SilentSwitch, entry: Entry, limits: Outbound, aborted: bool, seconds: Mapping[Wait, float] | None = None,
) -> Trace:
    client = cast(Client, switch)
    call = PlacedCall(IDS, entry, lambda: client)
    follower = Follower(call, client, table(limits, seconds or {}), lambda progress, headers: None, lambda: aborted)
    began = time.monotonic()
    trace = follower.follow()
    assert time.monotonic() - began < 10
    return trace


@pytest.mark.parametrize("connected", [False, True])
def test_a_call_that_nobody_knows_any_more_is_not_ended_for_ever(entry: Entry, connected: bool) -> None:
    if connected:
        entry.mark(Step.CONNECTED, uuid=IDS.uuid)
    switch = SilentSwitch("+OK", "-ERR No such channel!\n")
    trace = followed(switch, entry, Outbound(), aborted=True)
    assert (trace.stage, trace.aborted, trace.withdrawn) == (Stage.UNKNOWN, True, not connected)
    assert "uuid_exists" in switch.asked


def test_its_end_is_taken_from_the_journal_where_the_handler_has_noted_it(entry: Entry) -> None:
    limits: dict[str, Any] = {"page_timeout": 1}
    entry.mark(Step.CONNECTED, uuid=IDS.uuid)
    switch = SilentSwitch("-ERR No such channel!\n")
    noted = {"success": True, "code": 0, "pages_transferred": 3}

    class Late(SilentSwitch):
        def api(self, command: str, args: str) -> str:
            if command == "uuid_exists":
                entry.mark(Step.FAX_OVER, uuid=IDS.uuid, fax=noted)
            return switch.api(command, args)

    trace = followed(Late(), entry, Outbound(**limits), aborted=False)
    assert trace.stage is Stage.CONNECTED
    assert trace.fax is not None and (trace.fax.success, trace.fax.pages_transferred) == (True, 3)


def test_events_that_never_cease_keep_no_limit_and_no_abort_waiting(entry: Entry) -> None:
    class Talking(SilentSwitch):
        def events(self, deadline: float, wake: int) -> EventFrame:     # type: ignore[override]
            time.sleep(0.01)
            return EventFrame("CHANNEL_PROGRESS", "", {"Unique-ID": IDS.uuid}, "")

    trace = followed(Talking("-ERR No such channel!\n"), entry, Outbound(), aborted=True)
    assert (trace.stage, trace.aborted) == (Stage.UNKNOWN, True)


@pytest.mark.parametrize(("limits", "aborted"), [({"call_timeout": 1}, False), ({}, True)])
def test_connections_that_break_again_and_again_keep_no_limit_and_no_abort_waiting(
    entry: Entry, limits: dict[str, Any], aborted: bool
) -> None:
    entry.mark(Step.CONNECTED, uuid=IDS.uuid)
    began = time.monotonic()

    class Breaking(SilentSwitch):
        def events(self, deadline: float, wake: int) -> None:
            assert time.monotonic() - began < 8, "the call is not ended"
            raise EventSocketError("broken")

        def api(self, command: str, args: str) -> str:
            self.asked.append(command)
            if command == "uuid_exists":
                return "false" if "uuid_kill" in self.asked else "true"
            return "+OK"

    assert followed(Breaking(), entry, Outbound(**limits), aborted).stage is Stage.UNKNOWN


def test_a_signal_wakes_the_follower_out_of_a_wait_for_minutes(entry: Entry) -> None:
    """Without a look at the flag every so often, which would cost CPU all through a fax."""
    entry.mark(Step.CONNECTED, uuid=IDS.uuid)
    waits: list[float] = []

    class Patient(SilentSwitch):
        def events(self, deadline: float, wake: int) -> None:
            waits.append(deadline - time.monotonic())
            if wake >= 0:
                select.select([wake], [], [], min(waits[-1], 20))

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    flag = AbortFlag()
    try:
        flag.open()
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        client = cast(Client, Patient("-ERR No such channel!\n"))
        began = time.monotonic()
        call = PlacedCall(IDS, entry, lambda: client)
        follower = Follower(call, client, table(Outbound(), {}), lambda progress, headers: None, flag)
        trace = follower.follow()
    finally:
        os.close(signal.set_wakeup_fd(-1))
        os.close(flag.wake)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert trace.aborted
    assert time.monotonic() - began < 10
    assert waits[0] > 30, waits


def test_a_call_whose_answer_was_not_told_is_not_ended_as_one_that_rings_too_long(entry: Entry) -> None:
    noted = {"success": True, "code": 0, "pages_transferred": 3}
    switch = SilentSwitch("+OK")
    threading.Timer(0.5, lambda: entry.mark(Step.CONNECTED, uuid=IDS.uuid)).start()
    threading.Timer(1.8, lambda: entry.mark(Step.FAX_OVER, uuid=IDS.uuid, fax=noted)).start()
    trace = followed(switch, entry, Outbound(), aborted=False, seconds={Wait.ANSWER: 1.0, Wait.EVENT: 2.0})
    assert trace.fax is not None and trace.fax.success
    assert "uuid_kill" not in switch.asked


def test_an_event_socket_that_stays_silent_has_the_journal_asked(entry: Entry) -> None:
    """The connection stays and no event comes any more (FreeSWITCH drops some where a queue is full)."""
    noted = {"success": True, "code": 0, "pages_transferred": 3}
    switch = SilentSwitch("+OK")
    began = time.monotonic()

    def handler() -> None:
        entry.mark(Step.CONNECTED, uuid=IDS.uuid)
        entry.mark(Step.FAX_OVER, uuid=IDS.uuid, fax=noted)

    threading.Timer(0.5, handler).start()
    trace = followed(switch, entry, Outbound(), aborted=False, seconds={Wait.EVENT: 0.3})
    assert 0.3 < time.monotonic() - began < 5 and switch.asked == []
    assert (trace.stage, trace.fax and trace.fax.pages_transferred) == (Stage.CONNECTED, 3)
    assert began <= trace.connected_at <= time.monotonic()


@pytest.mark.parametrize("shift", [-365 * 86400.0, -3600.0, 3600.0, 365 * 86400.0])
def test_when_a_call_was_answered_does_not_depend_on_how_the_clock_was_set_since(
    entry: Entry, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    now = time.time()
    clock = [now + shift]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    began = time.monotonic()

    def handler() -> None:
        clock[0] = now
        entry.mark(Step.CONNECTED, uuid=IDS.uuid)
        entry.mark(Step.FAX_OVER, uuid=IDS.uuid, fax={"success": True, "code": 0, "pages_transferred": 1})
        clock[0] = now + shift

    threading.Timer(0.3, handler).start()
    trace = followed(SilentSwitch("+OK"), entry, Outbound(), aborted=False, seconds={Wait.EVENT: 0.1})
    assert began <= trace.connected_at <= time.monotonic()
