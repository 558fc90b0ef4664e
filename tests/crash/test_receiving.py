"""A fax comes in through every accident that the switch can have: what was confirmed is kept, recorded and announced."""

from __future__ import annotations

import errno

import pytest

from crash.conftest import Tries, some
from crash.receiving import calls_of_a_call, failed_calls, prepare, received_through
from crash.strace import FAILS, Accident
from gofaxpy.journal import Step
from rig.house import House, HouseMaker

pytestmark = pytest.mark.standin("strace counts the system calls of a call that takes no time")
INBOUND = (Step.ACCEPTED, Step.RECEIVING, Step.RECEIVED, Step.TAGGED, Step.RECORDED, Step.ANNOUNCING)


@pytest.fixture
def house(make_house: HouseMaker) -> House:
    made = make_house()
    prepare(made)
    return made


@pytest.mark.timeout(1500)
def test_the_switch_killed_before_any_change_it_makes(house: House, document: str, tries: Tries) -> None:
    counts = calls_of_a_call(house, document)
    assert counts["write"] >= len(INBOUND), "each mark is a write"
    points = [Accident(call, nth) for call, times in counts.items() for nth in range(1, times + 1)]
    for accident in some(points, 5):
        tries.note(accident, received_through(house, document, accident))
    tries.must_be_none(15)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_any_system_call_of_the_switch_fails(house: House, document: str, tries: Tries, error: int) -> None:
    counts = calls_of_a_call(house, document, FAILS[error])
    points = [Accident(call, nth, error) for call, times in counts.items() for nth in range(1, times + 1)]
    for accident in some(points, 6):
        tries.note(accident, failed_calls(house, document, accident))
    tries.must_be_none(3)
