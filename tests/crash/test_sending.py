"""A job through every accident that gofaxsend can have: sent once, or told that it was not."""

from __future__ import annotations

import errno
import itertools
import random
import time

import pytest

from crash.conftest import ALL, Tries, some
from crash.sending import calls_of_a_job, cleared_up, faults, killed_at_a_moment, sent_over, sent_through
from crash.strace import FAILS, Accident
from rig.house import House, HouseMaker
from rig.proxy import CutAt, Direction

PARTS = 6       # of the cuts: one takes a second
pytestmark = pytest.mark.standin("strace counts the system calls of a call that takes no time")


@pytest.fixture
def house(make_house: HouseMaker) -> House:
    return make_house()


@pytest.mark.timeout(1500)
def test_gofaxsend_killed_before_any_change_it_makes(house: House, tries: Tries) -> None:
    points = [Accident(call, nth) for call, times in calls_of_a_job(house).items() for nth in range(1, times + 1)]
    for accident in some(points, 4):
        tries.note(accident, sent_through(house, accident))
    tries.note("after all of them", cleared_up(house))
    tries.must_be_none(20)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("error", FAILS, ids=errno.errorcode.get)
def test_any_system_call_of_gofaxsend_fails(house: House, tries: Tries, error: int) -> None:
    points = faults(house, error)
    for accident in some(points, 6):
        tries.note(accident, sent_through(house, accident))
    tries.note("after all of them", cleared_up(house))
    tries.must_be_none(2)


@pytest.mark.timeout(3000)
def test_gofaxsend_killed_at_random_moments(make_house: HouseMaker, tries: Tries) -> None:
    house = make_house(speed=40)
    chance = random.Random(42 if not ALL else time.time_ns())
    for _ in range(200 if ALL else 6):
        moment = chance.uniform(0, 3)
        tries.note(f"kill -9 after {moment:.3f} s", killed_at_a_moment(house, moment))
    tries.note("after all of them", cleared_up(house))
    tries.must_be_none(6)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS if ALL else 1))
def test_the_event_socket_cut_at_any_octet(house: House, tries: Tries, part: int) -> None:
    """A cut between two borders leaves a torn frame; what a cut at a border leaves is tested in scenario/test_send_cut.py."""
    audit, proxy = sent_over(house, None)
    tries.note("not cut", audit)
    sizes = {way: [len(part.data) for part in proxy.parts if part.direction is way] for way in Direction}
    chance = random.Random(7 if not ALL else time.time_ns())
    cuts = [CutAt(Direction.UP, octets) for octets in range(1, sum(sizes[Direction.UP]) + 1)]
    ends = [0, *itertools.accumulate(sizes[Direction.DOWN])]
    cuts += [
        CutAt(Direction.DOWN, chance.randint(first + 1, last)) for first, last in itertools.pairwise(ends) for _ in range(10)
    ]
    for number, cut in enumerate(cuts[part::PARTS] if ALL else chance.sample(cuts, 12)):
        tries.note(cut, sent_over(house, cut, reset=number % 2 == 0)[0])
    tries.note("after all of them", cleared_up(house))
    tries.must_be_none(13)
