"""Events are lost, doubled, late and in another order: what comes of a fax is what came of it."""

from __future__ import annotations

import pytest

from crash.conftest import ALL, Tries, some
from crash.events import ON_THE_SOCKET, Silence, attempt, received
from crash.receiving import prepare
from crash.sending import cleared_up
from mocks.host.mishap import KINDS
from rig.house import HouseMaker

pytestmark = pytest.mark.standin("only there can an event be lost on purpose")
NUMBERS = {"1000": "a fax", "1001": "a fax that breaks off", "2000": "busy", "2002": "refused"}
LONGEST = 60        # seconds; a call whose end is not told is asked after


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", NUMBERS, ids=NUMBERS.get)
def test_gofaxsend_is_told_otherwise_than_it_happened(make_house: HouseMaker, tries: Tries, number: str) -> None:
    house = make_house()
    good = attempt(house, number)
    tries.note("no mishap", good.left)
    assert good.events >= 2, "the end of the call, and that of the order"
    points = [(nth, kind) for nth in range(good.events) for kind in ON_THE_SOCKET]
    for nth, kind in some(points, len(points) // 4):
        bad = attempt(house, number, ON_THE_SOCKET[kind](nth))
        tries.note(f"event {nth} {kind}", bad.like(good))
        tries.note(f"event {nth} {kind}", bad.in_time(LONGEST))
    tries.note("after all of them", cleared_up(house))
    tries.must_be_none(3)


@pytest.mark.skipif(not ALL, reason="half a minute each; CRASH=all has it")
@pytest.mark.timeout(3000)
def test_gofaxsend_is_told_of_nothing_any_more(make_house: HouseMaker, tries: Tries) -> None:
    """The connection stays, but no event comes: the journal has what became of the fax.  (Less of it, and sooner, in
    unit/test_send_follow.py.)"""
    house = make_house()
    good = attempt(house, "1000")
    for nth in range(good.events):
        bad = attempt(house, "1000", Silence(nth))
        tries.note(f"nothing from event {nth} on", bad.like(good))
        tries.note(f"nothing from event {nth} on", bad.in_time(50))
    tries.must_be_none(2)


@pytest.mark.timeout(3000)
def test_the_switch_is_told_otherwise_than_it_happened_while_it_sends(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house()
    house.switch.api("standin events lost 1000")
    good = attempt(house, "1000")
    count = int(house.switch.api("standin events"))
    assert count >= 5, "negotiation, three pages, result"
    for nth, kind in some([(nth, kind) for nth in range(count) for kind in KINDS], 7):
        bad = attempt(house, "1000", mishap=f"{kind} {nth}")
        tries.note(f"event {nth} {kind}", bad.like(good))
    tries.note("after all of them", cleared_up(house))
    tries.must_be_none(3)


@pytest.mark.timeout(3000)
def test_the_switch_is_told_otherwise_than_it_happened_while_it_receives(
    make_house: HouseMaker, document: str, tries: Tries
) -> None:
    house = make_house()
    prepare(house)
    audit, good = received(house, document, "lost 1000")
    tries.note("no mishap", audit)
    count = int(house.switch.api("standin events"))
    assert count >= 5, "negotiation, three pages, result"
    for nth, kind in some([(nth, kind) for nth in range(count) for kind in KINDS], 6):
        audit, made = received(house, document, f"{kind} {nth}")
        audit.must(made == good, f"records {made}, without the mishap {good}")
        tries.note(f"event {nth} {kind}", audit)
    tries.must_be_none(3)
