"""The wall clock is set forward or back while a fax is under way: no limit knows of it, and nobody is taken for dead."""

from __future__ import annotations

import pytest

from crash.clock import ended_by, received_while, sent_while
from crash.conftest import ALL, Tries
from crash.receiving import prepare
from rig.clock import HOUR, YEAR, Clock
from rig.house import HouseMaker
from rig.rundir import RunDir

pytestmark = pytest.mark.standin("FreeSWITCH itself goes by the monotonic clock (switch_time.c)")
JUMPS = (HOUR, -HOUR, YEAR, -YEAR)


@pytest.fixture
def clock(run_dir: RunDir) -> Clock:
    return Clock(run_dir)


@pytest.mark.timeout(1200)
def test_the_clock_is_set_while_a_fax_goes_out(clock: Clock, make_house: HouseMaker, tries: Tries) -> None:
    house = make_house(speed=20)
    for shift in JUMPS if ALL else (HOUR,):
        tries.note(f"{shift:+d} s", sent_while(house, clock, shift))
    tries.must_be_none(1)


@pytest.mark.timeout(1200)
def test_the_clock_is_set_while_a_limit_runs(clock: Clock, make_house: HouseMaker, tries: Tries) -> None:
    house = make_house({"outbound": {"page_timeout": 2, "ring_timeout": 2}}, speed=1)
    for shift in JUMPS if ALL else (YEAR,):
        tries.note(f"{shift:+d} s in a call without a fax", ended_by(house, clock, shift, "2004", 2, 12))
    for shift in JUMPS if ALL else (-HOUR,):
        tries.note(f"{shift:+d} s while it rings", ended_by(house, clock, shift, "2001", 2, 10))
    tries.must_be_none(2)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dies", [False, True], ids=["goes on", "the switch dies"])
def test_the_clock_is_set_while_a_fax_comes_in(
    clock: Clock, make_house: HouseMaker, document: str, tries: Tries, dies: bool
) -> None:
    # in all of the matrix slow enough for the supervisor to look for what nobody finishes, every 15 s
    house = make_house(speed=2 if ALL and not dies else 20)
    prepare(house)
    for shift in JUMPS if ALL else (-HOUR if dies else YEAR,):
        tries.note(f"{shift:+d} s", received_while(house, document, clock, shift, dies=dies))
    tries.must_be_none(1)
