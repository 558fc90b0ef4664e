"""The table of deadlines, row by row and as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from gofaxpy.config.keys import Outbound
from gofaxpy.journal import Entry, Journal, Step
from gofaxpy.local import boot_id
from gofaxpy.outcome.causes import Stage
from gofaxpy.send.call import PlacedCall, Progress, Trace
from gofaxpy.send.deadlines import WITH_CONNECTION, WITHOUT_CONNECTION, Moment, State, Then, Wait, deadlines
from gofaxpy.send.follow import Follower
from gofaxpy.send.launch import CallIds
from gofaxpy.switch.client import Client, EventSocketError
from gofaxpy.switch.esl import EventFrame
from gofaxpy.switch.hangup import HangupCause
from gofaxpy.values import replace

IDS = CallIds("uuid", "job", "default")
TABLE = deadlines(Outbound(page_timeout=11, call_timeout=22, ring_timeout=33))
NEVER = dict.fromkeys(Wait, 3600.0)


def test_a_follower_gives_up_only_on_a_call_that_freeswitch_does_not_tell_of() -> None:
    for wait, row in TABLE.items():
        assert not (row.then is Then.GIVE_UP and row.states & WITH_CONNECTION), wait
        asks = row.then in (Then.HANG_UP, Then.HANG_UP_UNANSWERED, Then.FIND_AGAIN)
        assert not (asks and row.states & WITHOUT_CONNECTION), wait


@pytest.mark.parametrize("state", list(State))
def test_no_state_lasts_for_ever(state: State) -> None:
    """A row holds in it whose moment has come to pass when the state begins."""
    ends = {Then.GIVE_UP, Then.HANG_UP, Then.HANG_UP_UNANSWERED}
    from_the_start = {Moment.BEGUN, Moment.PROGRESS, Moment.LOST}
    assert any(state in row.states and row.then in ends and row.since in from_the_start for row in TABLE.values())


@pytest.mark.parametrize("moment", list(Moment))
def test_every_moment_is_counted_from(moment: Moment) -> None:
    assert any(row.since is moment for row in TABLE.values())


def test_every_wait_has_a_row_and_every_row_its_limit() -> None:
    assert set(TABLE) == set(Wait)
    assert {wait: TABLE[wait].seconds for wait in (Wait.PAGE, Wait.END, Wait.ANSWER)} == {
        Wait.PAGE: 11, Wait.END: 22, Wait.ANSWER: 33 + 15,
    }
    assert TABLE[Wait.PAGE].reason.format(TABLE[Wait.PAGE].seconds) == "No page has got through for 11 s"
    assert all(row.seconds >= 0 for row in TABLE.values())


class Switch:
    """An event socket that gives the ``events`` it is made of, one at a time, and then none.  ``exists`` and ``kill`` are the
    answers to uuid_exists and uuid_kill; a switch that is ``dead`` cannot be asked."""

    def __init__(self, *events: EventFrame, exists: str = "true", kill: str = "+OK", dead: bool = False) -> None:
        self._events = list(events)
        self._exists, self._kill, self._dead = exists, kill, dead
        self.asked: list[str] = []

    def events(self, deadline: float, wake: int) -> EventFrame | None:
        if self._dead:
            raise EventSocketError("dead")
        if self._events:
            return self._events.pop(0)
        if "uuid_kill" in self.asked and self._kill == "+OK":
            return EventFrame("CHANNEL_HANGUP_COMPLETE", "", {"Unique-ID": "uuid", "Hangup-Cause": "NORMAL_CLEARING"}, "")
        time.sleep(max(min(deadline - time.monotonic(), 0.02), 0))
        return None

    def api(self, command: str, args: str) -> str:
        self.asked.append(command)
        return self._exists if command == "uuid_exists" else self._kill

    def connect(self) -> Client:
        if self._dead:
            raise EventSocketError("dead")
        return cast(Client, self)

    def close(self) -> None:
        pass


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    with Journal(str(tmp_path)).create("1-000000001", Step.OPENED) as made:
        made.mark(Step.LAUNCHED, uuid="uuid", host="127.0.0.1", port=8021)
        yield made


def followed(switch: Switch, entry: Entry, seconds: Mapping[Wait, float], aborted: bool = False) -> tuple[Trace, list[Progress]]:
    """The end of a call of which nothing is due but what ``seconds`` says."""
    told: list[Progress] = []
    table = {wait: replace(row, seconds={**NEVER, **seconds}[wait]) for wait, row in TABLE.items()}
    call = PlacedCall(IDS, entry, switch.connect)
    follower = Follower(call, cast(Client, switch), table, lambda progress, headers: told.append(progress), lambda: aborted)
    return follower.follow(), told


def event(name: str, subclass: str = "", **headers: str) -> EventFrame:
    return EventFrame(name, subclass, {"Unique-ID": "uuid", **headers}, "")


ANSWER = event("CHANNEL_ANSWER")
RESULT = event("CUSTOM", "spandsp::txfaxresult", **{"fax-success": "1", "fax-result-code": "0"})
FAILED = EventFrame("BACKGROUND_JOB", "", {"Job-UUID": "job"}, "-ERR USER_BUSY")


@pytest.mark.parametrize(("events", "wait", "stage", "reason"), [
    ((), Wait.ANSWER, Stage.DIALLED, "The switch has not given up ringing in time"),
    ((ANSWER,), Wait.PAGE, Stage.CONNECTED, "No page has got through for 0.1 s"),
    ((ANSWER,), Wait.END, Stage.CONNECTED, "The call has reached its limit of 0.1 s"),
    ((ANSWER, RESULT), Wait.FAX_END, Stage.CONNECTED, ""),
])
def test_a_call_that_takes_too_long_is_ended(
    entry: Entry, events: tuple[EventFrame, ...], wait: Wait, stage: Stage, reason: str
) -> None:
    switch = Switch(*events)
    trace, _ = followed(switch, entry, {wait: 0.1})
    assert (trace.stage, trace.reason, "uuid_kill" in switch.asked) == (stage, reason, True)
    assert trace.end is not None and not trace.kept


def test_the_reply_to_the_originate_is_the_end_where_no_event_tells_of_it(entry: Entry) -> None:
    switch = Switch(FAILED)
    trace, _ = followed(switch, entry, {Wait.REPLIED_END: 0.1})
    assert (trace.stage, trace.end and trace.end.cause, switch.asked) == (Stage.DIALLED, HangupCause.USER_BUSY, [])


def test_an_end_is_not_waited_for_where_the_event_has_told_of_it(entry: Entry) -> None:
    switch = Switch(FAILED, event("CHANNEL_HANGUP_COMPLETE", **{"Hangup-Cause": "USER_BUSY"}))
    trace, _ = followed(switch, entry, {})
    assert trace.end is not None and not trace.end.reply_only


def test_a_silent_event_socket_has_the_journal_asked(entry: Entry) -> None:
    switch = Switch(ANSWER)
    entry.mark(Step.FAX_OVER, uuid="another", fax={"success": True})
    trace, _ = followed(switch, entry, {Wait.EVENT: 0.1, Wait.END: 0.1})
    assert trace.reason.startswith("The call has reached its limit"), "the result of another call is none"


def test_the_user_s_abort_is_told_once_and_ends_the_call(entry: Entry) -> None:
    switch = Switch(ANSWER, kill="-ERR No such channel!", exists="false")
    seconds = {Wait.ABORTED_END: 0.0, Wait.END_OF_UNKNOWN: 0.1, Wait.NOTE_UNSEEN: 0.1, Wait.NOTE_FREE: 0.1, Wait.NOTE_HELD: 0.1}
    trace, told = followed(switch, entry, {**seconds, Wait.APPEAR: 0.1}, aborted=True)
    assert told == [Progress.CONNECTED, Progress.ABORTED] and trace.aborted
    assert switch.asked.count("uuid_kill") >= 1 and "uuid_exists" in switch.asked


def test_a_call_that_is_not_answered_and_not_known_is_withdrawn(entry: Entry) -> None:
    class Broken(Switch):
        def events(self, deadline: float, wake: int) -> EventFrame | None:
            raise EventSocketError("broken")

    trace, _ = followed(Broken(exists="false"), entry, {Wait.APPEAR: 0.1})
    assert (trace.stage, trace.withdrawn, trace.kept) == (Stage.UNKNOWN, True, False)
    assert trace.reason.startswith("FreeSWITCH knows the call no more") and entry.withdrawn("uuid")


def test_a_switch_that_stays_away_before_the_answer_is_given_up(entry: Entry) -> None:
    trace, _ = followed(Switch(dead=True), entry, {Wait.FIND_CALLING: 0.1})
    assert (trace.stage, trace.withdrawn) == (Stage.UNKNOWN, True)
    assert trace.reason == "FreeSWITCH cannot be reached any more, so it is not known what became of the call: dead"


def test_a_fax_whose_handler_is_gone_with_its_switch_is_over_at_once(entry: Entry) -> None:
    entry.mark(Step.CONNECTED, uuid="uuid", held=True, boot=boot_id())
    trace, _ = followed(Switch(dead=True), entry, {Wait.NOTE_FREE: 0.0})
    assert (trace.stage, trace.kept, trace.end is not None) == (Stage.CONNECTED, False, True)


def test_a_fax_under_way_elsewhere_is_kept_for_the_next_attempt(entry: Entry) -> None:
    entry.mark(Step.CONNECTED, uuid="uuid", held=False)     # its lock cannot be seen
    trace, _ = followed(Switch(dead=True), entry, {Wait.FIND_SENDING: 0.1})
    assert (trace.stage, trace.kept) == (Stage.UNKNOWN, True)


def test_a_trace_becomes_an_ending_in_one_place() -> None:
    ending = Trace(Stage.UNKNOWN, 5.0, aborted=True, reason="why").ending(3, 1, fax_seen=False)
    assert (ending.stage, ending.pages_due, ending.pages_sent, ending.kept, ending.fax_seen) == (Stage.UNKNOWN, 3, 1, True, False)
    assert (ending.connected_at, ending.aborted, ending.reason) == (5.0, True, "why")
    assert not Trace(Stage.UNKNOWN, withdrawn=True).ending().kept
