"""The switch is killed with -9 at each step of the journal, just before and just after it is noted.

A ``sitecustomize`` in the embedded interpreter looks at what is written to the journal; it is on the path of these
switches only.  What is in the file system at that moment is what a real death leaves.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

import pytest

from gofaxpy.journal import Step
from rig import Installed
from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import T38, announced, faxrcvd, status
from rig.rundir import FAX_USER, RigError, RunDir, fax_ids

DYING = '''\
"""Ends the process at a step of the journal, once: the file says which step, and before or after it is written."""
import os
import signal

_ORDER = os.environ["DIE_AT"]
_write = os.write


def _watched(fd, data):
    if not bytes(data[:9]) == b'\\n{"step":' or not os.path.exists(_ORDER):
        return _write(fd, data)
    with open(_ORDER) as file:
        step, when = file.read().split("/")
    if f'"step":"{step}"'.encode() not in data:
        return _write(fd, data)
    os.unlink(_ORDER)
    if when == "after":
        _write(fd, data)
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit


os.write = _watched
'''
DIED_BEFORE = "FreeSWITCH ended before the fax began"
DIED_IN = "FreeSWITCH ended while the fax came in"


@dataclass(frozen=True)
class Left:
    """What a death leaves to be found after the next start: the records' types, their reason, the pages kept."""

    records: tuple[str, ...]
    reason: str = ""
    pages: int = 0


GOOD = Left(("RECV", "CALL"), "", 3)
LEFT = {
    # nobody knows of the call, and the caller was not answered: the entry gets its name when it is written
    (Step.ACCEPTED, "before"): Left(()), (Step.ACCEPTED, "after"): Left(()),
    (Step.RECEIVING, "before"): Left(("CALL",), DIED_BEFORE),
    (Step.RECEIVING, "after"): Left(("CALL",), DIED_IN),
    (Step.RECEIVED, "before"): Left(("RECV", "CALL"), DIED_IN, 3),
    (Step.RECEIVED, "after"): GOOD,
    (Step.TAGGED, "before"): GOOD, (Step.TAGGED, "after"): GOOD,
    (Step.RECORDED, "before"): GOOD, (Step.RECORDED, "after"): GOOD,
    (Step.ANNOUNCING, "before"): GOOD, (Step.ANNOUNCING, "after"): GOOD,
}


def test_every_step_of_a_call_is_walked() -> None:
    steps = list(Step)
    of_calls = set(steps[steps.index(Step.ACCEPTED):]) - {Step.UNANNOUNCED, Step.ANNOUNCED}      # another process has these
    assert {step for step, _ in LEFT} == of_calls
    assert {when for _, when in LEFT} == {"before", "after"} and len(LEFT) == 2 * len(of_calls)


def mortal(make_house: HouseMaker, run_dir: RunDir, installed: Installed, step: Step, when: str) -> House:
    directory = run_dir.sub("dying")
    order = os.path.join(run_dir.sub("order", owner=FAX_USER), "step")
    with open(os.path.join(directory, "sitecustomize.py"), "w", encoding="utf-8") as file:
        file.write(DYING)
    house = make_house(env={"PYTHONPATH": f"{directory}:{installed.lib}", "DIE_AT": order})
    faxrcvd(house)
    with open(order, "w", encoding="utf-8") as file:
        file.write(f"{step}/{when}")
    os.chown(order, *fax_ids())
    return house


@pytest.mark.parametrize(("step", "when"), LEFT, ids=lambda value: str(value).replace(" ", "-"))
def test_what_a_death_at_a_step_has_left_undone_is_done_once(
    make_house: HouseMaker, run_dir: RunDir, installed: Installed, document: str, step: Step, when: str
) -> None:
    house = mortal(make_house, run_dir, installed, step, when)
    expected = LEFT[step, when]
    with contextlib.suppress(RigError, OSError):    # the event socket goes with the switch
        house.switch.place_call("4711", document, variables=T38)
    house.wait("its death", lambda: not house.switch.running)
    house.switch.kill()
    assert announced(house) == []
    house.switch.start()
    house.wait("the end of the journal entry", lambda: not house.journal())
    records = house.records()
    assert tuple(record[1] for record in records) == expected.records
    assert {record[13] for record in records} <= {expected.reason}
    assert [len(read_pages(fax)) for fax in house.received() if os.path.getsize(fax)] == [expected.pages] * bool(expected.pages)
    if expected.pages:
        assert records[0][8:9] + records[0][10:11] == ["+49 30 FAR", "3"]
        assert announced(house)[:4] == ["recvq/fax000000001.tif", "freeswitch1", "000000001", expected.reason]
    else:
        assert announced(house) == []
    assert all(os.path.getsize(fax) for fax in house.received()) or (step, when) == (Step.RECEIVING, "before")
    if step is not Step.ACCEPTED:       # nobody knows of that call: its lock is stale after 30 s, as any
        assert os.listdir(house.lock_dir) == []
        house.wait("the modem", lambda: status(house, "freeswitch1") == "Running and idle")
    if expected.pages:
        os.unlink(house.path("log", "faxrcvd.000000001"))
    house.switch.stop()
    house.switch.start()
    assert len(house.records()) == len(records) and announced(house) == [], "nothing is done twice"
