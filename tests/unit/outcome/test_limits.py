"""How often a job is tried, and when again."""

from __future__ import annotations

import pytest

from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import Counts, Delay, Stage, row_of_cause
from gofaxpy.outcome.judge import Ending, Verdict, judge
from gofaxpy.outcome.limits import conclude, counted_as, gets_record, next_try, used_up, without_strangers
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import CallEnd, HangupCause

SILENCE = Ending(Stage.CONNECTED, 1, fax=FaxResult(code=ResultCode.T0_EXPIRED))
BROKEN = Ending(Stage.CONNECTED, 1, fax=FaxResult(code=ResultCode.CALLDROPPED))
BUSY = Ending(Stage.DIALLED, 1, call=CallEnd(HangupCause.USER_BUSY))


def job(**numbers: int) -> QFile:
    return QFile.parse("jobid:1\n" + "".join(f"{tag}:{number}\n" for tag, number in numbers.items()))


@pytest.mark.parametrize(("ending", "before", "code", "text"), [
    (BUSY, {"maxdials": 2, "totdials": 1}, StatusCode.TOO_MANY_DIALS, "Busy signal detected; too many attempts to dial"),
    (BROKEN, {"maxtries": 1}, StatusCode.TOO_MANY_TRIES, "; too many attempts to send"),
    (BROKEN, {"ntries": 2}, StatusCode.UNCODED, "; Giving up after 3 attempts to send same page"),
])
def test_the_last_try_fails_the_job_and_says_why(ending: Ending, before: dict[str, int], code: StatusCode, text: str) -> None:
    verdict = conclude(ending, judge(ending), job(**before))
    assert (verdict.returned, verdict.code, verdict.delay) == (Returned.FAILED, code, Delay.NONE)
    assert verdict.text.endswith(text)


def test_a_kept_call_is_neither_counted_nor_the_last() -> None:
    qfile = job(maxdials=1, totdials=0)
    ending = Ending(Stage.UNKNOWN, 1, kept=True)
    assert conclude(ending, judge(ending), qfile).returned is Returned.RETRY
    assert qfile.number("totdials") == 0 and not gets_record(ending)


def test_an_abort_is_never_the_last_try() -> None:
    ending = Ending(Stage.CONNECTED, 1, aborted=True)
    verdict = conclude(ending, judge(ending), job(maxtries=1))
    assert (verdict.returned, verdict.code) == (Returned.RETRY, StatusCode.ABORTED)


def test_zero_is_no_limit() -> None:
    assert used_up(job(maxdials=0, totdials=50, maxtries=0, tottries=50)) is None


@pytest.mark.parametrize(("reached", "ndials", "returned"), [
    (False, 1, Returned.RETRY), (False, 2, Returned.FAILED), (True, 5, Returned.RETRY),
])
def test_a_number_where_no_fax_machine_was_ever_reached_is_not_called_again_and_again(
    reached: bool, ndials: int, returned: Returned
) -> None:
    verdict = without_strangers(judge(SILENCE), reached, job(ndials=ndials), Outbound(no_carrier_retries=1))
    assert (verdict.returned, verdict.delay) == (returned, Delay.NO_CARRIER if returned is Returned.RETRY else Delay.NONE)


def test_another_trouble_says_nothing_of_who_answers() -> None:
    assert without_strangers(judge(BUSY), False, job(ndials=9), Outbound(no_carrier_retries=1)).returned is Returned.RETRY


def test_the_job_s_own_retry_time_goes_before_the_operator_s() -> None:
    assert next_try(judge(BUSY), job(), Outbound(retry_busy=77)) == 77
    assert next_try(judge(BUSY), job(retrytime=5), Outbound(retry_busy=77)) == 5
    assert next_try(Verdict(Returned.FAILED, StatusCode.BUSY, "", Delay.BUSY), job(retrytime=5), Outbound()) == 0
    assert next_try(Verdict(Returned.RETRY, StatusCode.ABORTED, ""), job(retrytime=5), Outbound()) == 0


@pytest.mark.parametrize(("stage", "counts"), [
    (Stage.NOT_DIALLED, Counts.NOTHING), (Stage.DIALLED, Counts.NOTHING), (Stage.CONNECTED, Counts.TRY),
    (Stage.UNKNOWN, Counts.CALL),
])
def test_an_abort_counts_as_far_as_the_call_got(stage: Stage, counts: Counts) -> None:
    ending = Ending(stage, 1, aborted=True)
    assert counted_as(ending, judge(ending)) is counts


def test_a_job_with_nothing_left_counts_nothing_and_has_no_record() -> None:
    ending = Ending(Stage.CONNECTED, fax=FaxResult.nothing_left())
    assert counted_as(ending, judge(ending)) is Counts.NOTHING and not gets_record(ending)


def test_the_operator_s_final_causes_change_the_row_itself() -> None:
    row = row_of_cause(HangupCause.NO_ROUTE_DESTINATION, ("NO_ROUTE_DESTINATION",))
    assert (row.returned, row.delay, row.next_gateway) == (Returned.FAILED, Delay.NONE, False)
    assert row_of_cause(HangupCause.NO_ROUTE_DESTINATION).next_gateway
