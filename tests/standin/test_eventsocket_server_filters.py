"""Which events a connection of the event socket gets."""

from __future__ import annotations

import pytest

from mocks.esl.event import Event
from mocks.esl.subscription import Subscription


def event(name: str, subclass: str | None = None, **headers: str) -> Event:
    return Event(name, subclass, [(key.replace("_", "-"), value) for key, value in headers.items()])


def test_nothing_is_sent_before_something_was_asked_for() -> None:
    assert not Subscription().wants(event("CHANNEL_HANGUP"))


def test_named_events_are_sent_and_others_not() -> None:
    subscription = Subscription()
    assert subscription.event(["plain", "CHANNEL_HANGUP", "channel_create"]) == "+OK event listener enabled plain"
    assert subscription.wants(event("CHANNEL_HANGUP"))
    assert subscription.wants(event("CHANNEL_CREATE"))
    assert not subscription.wants(event("CHANNEL_ANSWER"))


def test_custom_events_need_their_subclass_and_every_word_behind_custom_is_one() -> None:
    subscription = Subscription()
    subscription.event(["plain", "CUSTOM", "spandsp::rxfaxresult", "CHANNEL_HANGUP"])
    assert subscription.wants(event("CUSTOM", "spandsp::rxfaxresult"))
    assert not subscription.wants(event("CUSTOM", "spandsp::txfaxresult"))
    assert not subscription.wants(event("CHANNEL_HANGUP"))


def test_all_is_everything() -> None:
    subscription = Subscription()
    subscription.event(["plain", "ALL"])
    assert subscription.wants(event("CUSTOM", "x"))
    assert subscription.wants(event("HEARTBEAT"))


@pytest.mark.parametrize("words", [[], ["plain"], ["plain", "NO_SUCH_EVENT"]])
def test_an_unknown_event_is_refused(words: list[str]) -> None:
    assert Subscription().event(words) == "-ERR no keywords supplied"


def test_nixevent_takes_back_single_events_even_out_of_all() -> None:
    subscription = Subscription()
    subscription.event(["plain", "ALL"])
    assert subscription.nixevent(["HEARTBEAT"]) == "+OK events nixed"
    assert not subscription.wants(event("HEARTBEAT"))
    assert subscription.wants(event("CHANNEL_HANGUP"))


def test_noevents_ends_everything_once() -> None:
    subscription = Subscription()
    subscription.event(["plain", "ALL"])
    assert subscription.noevents() == "+OK no longer listening for events"
    assert not subscription.wants(event("CHANNEL_HANGUP"))
    assert subscription.noevents() == "-ERR not listening for events"


@pytest.fixture
def filtered() -> Subscription:
    subscription = Subscription()
    subscription.event(["plain", "ALL"])
    subscription.filter("Unique-ID 1")
    subscription.filter("add Job-UUID J")
    return subscription


def test_filters_are_or_ed(filtered: Subscription) -> None:
    assert filtered.wants(event("CHANNEL_HANGUP", Unique_ID="1"))
    assert filtered.wants(event("BACKGROUND_JOB", Job_UUID="j"))
    assert not filtered.wants(event("CHANNEL_HANGUP", Unique_ID="2"))
    assert not filtered.wants(event("HEARTBEAT"))


def test_a_deleted_filter_no_longer_lets_through(filtered: Subscription) -> None:
    assert filtered.filter("delete Unique-ID 1") == "+OK filter deleted. [Unique-ID][1]"
    assert not filtered.wants(event("CHANNEL_HANGUP", Unique_ID="1"))
    filtered.filter("delete all")
    assert filtered.wants(event("HEARTBEAT"))


def test_a_negative_filter_keeps_an_event_back(filtered: Subscription) -> None:
    filtered.filter("Hangup-Cause -USER_BUSY")
    assert not filtered.wants(event("CHANNEL_HANGUP", Unique_ID="1", Hangup_Cause="USER_BUSY"))
    assert filtered.wants(event("CHANNEL_HANGUP", Unique_ID="1", Hangup_Cause="NO_ANSWER"))


def test_a_filter_between_slashes_is_an_expression() -> None:
    subscription = Subscription()
    subscription.event(["plain", "ALL"])
    subscription.filter("Caller-Destination-Number /^49[0-9]+$/")
    assert subscription.wants(event("CHANNEL_HANGUP", Caller_Destination_Number="4930"))
    assert not subscription.wants(event("CHANNEL_HANGUP", Caller_Destination_Number="0049"))


def test_a_filter_without_a_value_is_refused() -> None:
    assert Subscription().filter("Unique-ID") == "-ERR invalid syntax"


def test_myevents_is_one_call_only() -> None:
    subscription = Subscription()
    assert subscription.only("1") == "+OK Events Enabled"
    assert subscription.wants(event("CHANNEL_HANGUP", Unique_ID="1"))
    assert not subscription.wants(event("CHANNEL_HANGUP", Unique_ID="2"))
