"""The ladder of a destination: down after a failure of the line, up after a success, forgotten in time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gofaxpy.stations.ladder import DAY, REALM, RUNGS, is_failure_of_the_line, rung_of, step
from gofaxpy.switch.db import Db
from gofaxpy.switch.faxresult import FaxResult, ResultCode

NOW = 1_800_000_000.0
GONE = FaxResult(success=True, code=ResultCode.OK)
BROKEN = FaxResult(code=ResultCode.CANNOT_TRAIN)


class Store:
    """mod_db as far as it is needed."""

    def __init__(self, value: str = "") -> None:
        self.value = value

    def api(self, command: str, args: str) -> str:
        verb, _realm, _key, *value = args.split("/")
        if verb == "insert":
            self.value = value[0]
        elif verb == "delete":
            self.value = ""
        return self.value if verb == "select" else "+OK"


def test_each_failure_goes_down_and_each_success_up() -> None:
    store = Store()
    db = Db(store.api)
    rungs = []
    for fax in (BROKEN, BROKEN, BROKEN, BROKEN, GONE, GONE, GONE, GONE):
        step(db, "1", fax, "", NOW, 30)
        rungs.append(rung_of(db, "1", NOW, 30))
    assert rungs == [1, 2, 3, 3, 2, 1, 0, 0]
    assert store.value == "", "nothing is kept of a number that stands at the top"


def test_a_rung_is_forgotten_after_its_days() -> None:
    db = Db(Store(f"3 {int(NOW)}").api)
    assert rung_of(db, "1", NOW + 30 * DAY, 30) == 3
    assert rung_of(db, "1", NOW + 30 * DAY + 1, 30) == 0
    assert rung_of(db, "1", NOW - 30 * DAY - 1, 30) == 0, "the clock was set back, and it would never get old"


@pytest.mark.parametrize("value", ["", "x", "1", "1 x", "-1 5", "1 2 3", "9" * 5000 + " 5", "²", "1 ²"])
def test_what_is_no_rung_counts_as_the_top(value: str) -> None:
    assert rung_of(Db(Store(value).api), "1", 5.0, 30) == 0


def test_a_rung_beyond_the_last_is_the_last() -> None:
    assert rung_of(Db(Store("99 5").api), "1", 5.0, 30) == len(RUNGS) - 1
    assert REALM == "gofax-ladder"


@pytest.mark.parametrize(("code", "disposition", "failure"), [
    (ResultCode.T0_EXPIRED, "", False), (ResultCode.FILEERROR, "", False), (ResultCode.OK, "", True),
    (ResultCode.CALLDROPPED, "recv_bye", True), (ResultCode.CALLDROPPED, "send_bye", False), (ResultCode.TX_GOTDCN, "", True),
])
def test_only_failures_of_the_line_count(code: ResultCode, disposition: str, failure: bool) -> None:
    assert is_failure_of_the_line(FaxResult(code=code), disposition) is failure


def test_every_rung_keeps_what_the_one_above_has_given_up() -> None:
    for (_, above), (_, below) in pairwise(RUNGS):
        assert above.items() < below.items()
