"""The event socket answers late, wrongly or never: a job is sent once, or it is told what to do about FreeSWITCH."""

from __future__ import annotations

import pytest

from crash.answers import CONVERSATIONS, FAULTS, Conversation, ended, send
from crash.conftest import ALL, Tries, some
from rig.house import HouseMaker
from rig.proxy import untouched

pytestmark = pytest.mark.standin("the switch of the real one's conversations is tested in tests/live")
LONGEST = 90        # seconds of an attempt: twice a reply waited for, and a minute for a switch that stays away
SLOW = (
    "too late", "never, and nothing more", "left out", "of an unknown kind", "Content-Length too long",
    "half of it, then silence",
)
"""Faults that cost gofaxsend its patience with one command, 15 s: not every one is tried at every command."""


def slow_points(conversation: Conversation, count: int, stays: bool) -> list[tuple[int, str]]:
    """Where the slow faults are tried: at each command once, all of them at the greeting, the password and the last one."""
    if stays or not ALL:
        return [(count - 1, "too late")] if ALL or (conversation is CONVERSATIONS[0] and not stays) else []
    return [(nth, name) for nth in range(count) for name in SLOW if nth in (0, 1, count - 1) or name == "too late"]


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("stays", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation.name)
def test_a_wrong_answer(make_house: HouseMaker, tries: Tries, conversation: Conversation, stays: bool) -> None:
    house = make_house({"freeswitch": {"connect_timeout": 1}}, speed=conversation.speed)
    good = send(house, conversation, conversation.wrong(-1, untouched))
    tries.note("no fault", good.audit)
    count = conversation.replies(good.parts)
    assert count >= 6, "greeting, password, two filters, a subscription, a command"
    points = [(nth, name) for nth in range(count) for name in FAULTS if name not in SLOW]
    for nth, name in [*some(points, 24), *slow_points(conversation, count, stays)]:
        fault = FAULTS[name]
        sent = send(house, conversation, conversation.always_wrong(nth, fault) if stays else conversation.wrong(nth, fault))
        sent.audit.must(sent.seconds < LONGEST, f"the attempt took {sent.seconds:.0f} s")
        tries.note(f"reply {nth}: {name}", sent.audit)
    tries.must_be_none(7)


@pytest.mark.timeout(3000)
def test_a_wrong_answer_to_the_order_to_end_a_call(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house({"outbound": {"page_timeout": 1}}, speed=1)
    audit, parts = ended(house, untouched)
    tries.note("no fault", audit)
    [kill] = [number for number, part in enumerate(parts) if part.data.startswith(b"api uuid_kill")]
    nth = sum(part.is_reply for part in parts[:kill])
    for name in some([name for name in FAULTS if ALL or name not in SLOW], 6):
        tries.note(name, ended(house, CONVERSATIONS[0].wrong(nth, FAULTS[name]))[0])
    tries.must_be_none(5)
