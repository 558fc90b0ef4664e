"""Every part of a fax server with HylaFAX's own faxq and hfaxd killed with -9 while faxes are sent and received."""

from __future__ import annotations

import random
import time

import pytest

from crash.audit import Audit
from crash.conftest import ALL, Tries
from crash.daemons import (
    FaxServer,
    Victim,
    cases,
    killed_at,
    killed_at_a_moment,
    killed_while_a_sender_is_loaded,
    make_fax_server,
)
from rig import Installed, RunDir
from rig.server import ServerMaker

pytestmark = pytest.mark.standin("a part of the switch's interpreter is held at a step")
MOMENTS = 200


@pytest.mark.timeout(3000)
def test_everybody_killed_at_each_step_of_the_journals(
    make_server: ServerMaker, run_dir: RunDir, installed: Installed, paper: str, tries: Tries
) -> None:
    server = make_fax_server(make_server, run_dir, installed, paper)
    for step, when, victim in cases() if ALL else cases()[1::14]:      # the first of these once killed faxq for good
        tries.note(f"{victim} killed {when} `{step}`", killed_at(server, step, when, victim))
    tries.note("after all of them", _in_order(server))
    tries.must_be_none(9)


def test_faxq_killed_while_its_sender_is_being_loaded(
    make_server: ServerMaker, run_dir: RunDir, installed: Installed, paper: str, tries: Tries
) -> None:
    server = make_fax_server(make_server, run_dir, installed, paper)
    for victim in (Victim.FAXQ, Victim.FAXQ_AT_ONCE):
        tries.note(victim, killed_while_a_sender_is_loaded(server, victim))
    tries.note("after all of them", _in_order(server))
    tries.must_be_none(3)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("victim", Victim if ALL else (Victim.FAXQ, Victim.SWITCH))
def test_killed_at_random_moments(
    make_server: ServerMaker, run_dir: RunDir, installed: Installed, paper: str, tries: Tries, victim: Victim
) -> None:
    server = make_fax_server(make_server, run_dir, installed, paper, speed=40)
    chance = random.Random(11 if not ALL else time.time_ns())
    for _ in range(MOMENTS // len(Victim) if ALL else 1):
        moment = chance.uniform(0, 2.5)
        tries.note(f"{victim} killed after {moment:.3f} s", killed_at_a_moment(server, victim, moment))
    if ALL:
        tries.note("after all of them", _in_order(server))
    tries.must_be_none(1)


def _in_order(server: FaxServer) -> Audit:
    """Both modems are of use: jobs get the first one, calls that come in the last one."""
    found = server.submit().audit()
    found.violations += server.called().audit().violations
    found.violations += server.drain().violations
    return found
