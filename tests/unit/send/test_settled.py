"""What an attempt notes of its end, and what the next one concludes from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gofaxpy.journal import Entry, Step
from gofaxpy.outbound.lost import Earlier, may_go_on, record_orphan
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending
from gofaxpy.send.prepare import Prepared, facts_of, prepare
from gofaxpy.send.settle import settle
from gofaxpy.send.takeover import count_other_number, is_of_this_fax, take_over
from gofaxpy.switch.hangup import CallEnd, HangupCause

if TYPE_CHECKING:
    from conftest import Make
    from gofaxpy.send.attempt import Attempt

REFUSED = Ending(Stage.NOT_DIALLED, 2, reason="FreeSWITCH makes no new calls", refused=True)
ABORTED = Ending(Stage.DIALLED, 2, aborted=True, call=CallEnd(HangupCause.ORIGINATOR_CANCEL))
BUSY = Ending(Stage.DIALLED, 2, call=CallEnd(HangupCause.USER_BUSY))
DROPPED = Ending(Stage.CONNECTED, 2, reason="No page has got through for 300 s")
COUNTERS = ("totdials", "ndials", "tottries", "ntries")


def launched(attempt: Attempt) -> Entry:
    """The entry of the attempt, with one call."""
    made = prepare(attempt)
    assert isinstance(made, Prepared)
    attempt.entry = attempt.setting.journal.create(attempt.name, Step.OPENED, **facts_of(attempt, made))
    attempt.entry.mark(Step.LAUNCHED, uuid="uuid", host="127.0.0.1", port=8021)
    return attempt.entry


def earlier_of(entry: Entry) -> Earlier:
    found = Earlier.of(entry)
    assert found is not None
    return found


def counters(attempt: Attempt) -> tuple[int, ...]:
    return tuple(attempt.qfile.number(tag) for tag in COUNTERS)


def records(attempt: Attempt) -> list[str]:
    path = Path(attempt.setting.xferfaxlog)
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(("ending", "wanted", "written"), [
    (REFUSED, (0, 0, 0, 0), 0), (ABORTED, (0, 0, 0, 0), 1), (BUSY, (1, 1, 0, 0), 1), (DROPPED, (1, 0, 1, 1), 1),
])
@pytest.mark.parametrize("died", ["before xferfaxlog", "before the qfile", "before the entry was removed"])
def test_the_next_attempt_counts_and_records_what_this_one_has_decided(
    make: Make, ending: Ending, wanted: tuple[int, ...], written: int, died: str
) -> None:
    first = make()
    with launched(first) as entry:
        settle(first, ending)
        decided = first.qfile.get("status")
        assert (counters(first), len(records(first))) == (wanted, written)
        assert not may_go_on(entry)
        if died == "before xferfaxlog" and written:
            Path(first.setting.xferfaxlog).unlink()
        first.handle.close()
        second = first if died == "before the entry was removed" else make()    # or with the qfile as it was
        if died == "before the entry was removed":
            second = make(**dict(zip(COUNTERS, map(str, wanted), strict=True)))
            second.qfile.set("totdials", wanted[0])
            Path(second.setting.xferfaxlog).touch()
        take_over(second, earlier_of(entry))
        if died == "before xferfaxlog" or ending is not REFUSED:
            assert len(records(second)) == written
        assert counters(second) == wanted
        assert all(decided in record for record in records(second))


def test_of_a_call_that_may_still_be_running_nothing_is_decided(make: Make) -> None:
    attempt = make()
    with launched(attempt) as entry:
        settle(attempt, Ending(Stage.UNKNOWN, 2, kept=True))
        assert entry.find(Step.SETTLED) is None and may_go_on(entry)
        assert counters(attempt) == (0, 0, 0, 0)


def test_an_attempt_that_decided_nothing_is_judged_by_its_calls(make: Make) -> None:
    first = make()
    with launched(first) as entry:
        first.handle.close()
        second = make()
        take_over(second, earlier_of(entry))
        assert counters(second) == (1, 0, 0, 0), "whether it was a dial or a try nobody can say"
        assert len(records(second)) == 1
        take_over(second, earlier_of(entry))
        assert (counters(second), len(records(second))) == ((1, 0, 0, 0), 1), "once"


def test_a_call_to_the_number_that_the_job_had_before_is_counted_once(make: Make) -> None:
    first = make()
    with launched(first) as entry:
        settle(first, BUSY)
        first.handle.close()
        second = make(external="2000")
        assert not is_of_this_fax(second, earlier_of(entry))
        for _ in range(2):
            count_other_number(second, earlier_of(entry))
        assert counters(second) == (1, 1, 0, 0)


@pytest.mark.parametrize(("ending", "written"), [(REFUSED, False), (BUSY, True)])
def test_an_attempt_whose_job_is_gone_is_recorded_if_it_has_decided_so(make: Make, ending: Ending, written: bool) -> None:
    attempt = make()
    with launched(attempt) as entry:
        settle(attempt, ending)
        log = attempt.setting.xferfaxlog
        Path(log).unlink(missing_ok=True)
        assert (record_orphan(entry, log) is not None) is written
        assert record_orphan(entry, log) is None, "once"


@pytest.mark.parametrize("facts", [{}, {"counts": "everything", "record": 7, "reason": 8}, {"counts": []}])
def test_a_note_that_cannot_be_understood_decides_nothing(make: Make, facts: dict[str, object]) -> None:
    attempt = make()
    with launched(attempt) as entry:
        entry.mark(Step.SETTLED, **facts)
        earlier = earlier_of(entry)
        ending, verdict = earlier.judged(0)
        assert earlier.has_record and (ending.stage, verdict.counts.column) == (Stage.UNKNOWN, "dial")
