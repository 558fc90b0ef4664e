"""The table from the end of a call to HylaFAX's answer: a case for each row, and the rules around it."""

from __future__ import annotations

import pytest

from gofaxpy.config import Outbound
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome import CONNECTED, NOT_ANSWERED, Delay, Ending, Stage, judge, tries_next_gateway
from gofaxpy.send.settle import delay_of
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import CallEnd, HangupCause

FINAL = ("UNALLOCATED_NUMBER", "CALL_REJECTED")


def ended(cause: HangupCause) -> Ending:
    return Ending(Stage.DIALLED, 3, call=CallEnd(cause))


def faxed(code: ResultCode, sent: int = 0, due: int = 3) -> Ending:
    fax = FaxResult(success=code is ResultCode.OK, code=code, pages_transferred=sent, pages_total=due)
    return Ending(Stage.CONNECTED, due, sent, fax=fax)


def test_done_takes_success_and_every_page() -> None:
    assert judge(faxed(ResultCode.OK, 3)).returned is Returned.DONE
    assert judge(faxed(ResultCode.OK, 2)).returned is Returned.RETRY
    assert judge(faxed(ResultCode.CALLDROPPED, 3)).returned is Returned.RETRY


@pytest.mark.parametrize("cause", list(NOT_ANSWERED))
def test_a_call_that_was_not_answered_is_tried_again(cause: HangupCause) -> None:
    verdict = judge(ended(cause), FINAL)
    assert verdict.returned is Returned.RETRY
    assert verdict.code is NOT_ANSWERED[cause].code
    assert verdict.text.startswith(verdict.code.text)
    assert verdict.delay is NOT_ANSWERED[cause].delay
    assert verdict.dial_failed


@pytest.mark.parametrize("code", list(CONNECTED))
def test_a_fax_that_failed_is_answered_by_its_row(code: ResultCode) -> None:
    verdict = judge(faxed(code), FINAL)
    row = CONNECTED[code]
    assert (verdict.returned, verdict.code, verdict.delay) == (row.returned, row.code, row.delay)
    assert verdict.text == row.code.text


def test_every_result_code_of_spandsp_has_a_verdict_that_is_not_done() -> None:
    for code in ResultCode:
        if code is not ResultCode.OK:
            assert judge(faxed(code)).returned is not Returned.DONE, code


@pytest.mark.parametrize("name", FINAL)
def test_a_final_cause_fails_the_job(name: str) -> None:
    verdict = judge(ended(HangupCause[name]), FINAL)
    assert verdict.returned is Returned.FAILED
    assert name in verdict.text
    assert judge(ended(HangupCause[name]), ()).returned is Returned.RETRY


def test_busy_and_no_answer_read_as_native() -> None:
    assert judge(ended(HangupCause.USER_BUSY)).text == "Busy signal detected"
    assert judge(ended(HangupCause.NO_ANSWER)).text == "No answer from remote"


def test_an_answered_call_without_a_fax_counts_as_a_dial_that_found_no_carrier() -> None:
    verdict = judge(faxed(ResultCode.T0_EXPIRED))
    assert verdict.code is StatusCode.NO_CARRIER and verdict.dial_failed


def test_an_abort_is_answered_as_such_unless_the_fax_had_gone() -> None:
    aborted = Ending(Stage.CONNECTED, 3, 1, fax=faxed(ResultCode.CALLDROPPED, 1).fax, aborted=True)
    verdict = judge(aborted)
    assert (verdict.returned, verdict.code, verdict.text) == (Returned.RETRY, StatusCode.ABORTED, "Call aborted by user")
    gone = Ending(Stage.CONNECTED, 3, 3, fax=faxed(ResultCode.OK, 3).fax, aborted=True)
    assert judge(gone).returned is Returned.DONE


def test_our_own_trouble_is_told_and_tried_again() -> None:
    verdict = judge(Ending(Stage.NOT_DIALLED, 3, reason="FreeSWITCH cannot be asked to call: refused"))
    assert verdict.returned is Returned.RETRY and "refused" in verdict.text and not verdict.dial_failed
    assert judge(Ending(Stage.UNKNOWN, 3)).returned is Returned.RETRY
    assert judge(Ending(Stage.NOT_DIALLED, 3, rejected=True, reason="no")).returned is Returned.FAILED


def test_another_gateway_is_tried_only_where_it_may_help() -> None:
    for cause in (HangupCause.INVALID_GATEWAY, HangupCause.PROGRESS_TIMEOUT, HangupCause.NORMAL_TEMPORARY_FAILURE):
        assert tries_next_gateway(ended(cause), FINAL), cause
    for cause in (HangupCause.USER_BUSY, HangupCause.NO_ANSWER, HangupCause.UNALLOCATED_NUMBER):
        assert not tries_next_gateway(ended(cause), FINAL), cause
    assert not tries_next_gateway(faxed(ResultCode.CALLDROPPED), FINAL)


@pytest.mark.parametrize("cause", [cause for cause in HangupCause if cause not in NOT_ANSWERED])
def test_a_cause_without_a_row_of_its_own_is_no_carrier(cause: HangupCause) -> None:
    verdict = judge(ended(cause), ())
    assert (verdict.returned, verdict.code, verdict.delay) == (Returned.RETRY, StatusCode.NO_CARRIER, Delay.NO_CARRIER)
    assert verdict.dial_failed and verdict.text.endswith(CallEnd(cause).describe())


@pytest.mark.parametrize("code", [code for code in ResultCode if code not in CONNECTED and code is not ResultCode.OK])
def test_a_result_without_a_row_of_its_own_is_an_unspecified_error_with_spandsps_text(code: ResultCode) -> None:
    verdict = judge(Ending(Stage.CONNECTED, 3, fax=FaxResult(code=code, text="what SpanDSP says")))
    assert (verdict.returned, verdict.code, verdict.delay) == (Returned.RETRY, StatusCode.PHASE_C_ERROR, Delay.PROTOCOL)
    assert verdict.text.endswith("what SpanDSP says")


def test_a_connection_that_ended_without_a_result_is_tried_again() -> None:
    verdict = judge(Ending(Stage.CONNECTED, 3, reason="No page has got through for 300 s"))
    assert (verdict.returned, verdict.code) == (Returned.RETRY, StatusCode.DISCONNECTED)
    assert verdict.text == "No page has got through for 300 s"


def test_a_refusal_has_its_own_code_and_text() -> None:
    verdict = judge(Ending(Stage.NOT_DIALLED, rejected=True, refusal=StatusCode.NO_POLLING))
    assert (verdict.returned, verdict.code, verdict.text) == (
        Returned.FAILED, StatusCode.NO_POLLING, "Modem does not support polling"
    )


def test_every_delay_has_its_seconds() -> None:
    delays = {delay: delay_of(Outbound(), delay) for delay in Delay}
    assert delays == {
        Delay.NONE: 0, Delay.BUSY: 180, Delay.NO_ANSWER: 300, Delay.NO_CARRIER: 300, Delay.PROTOCOL: 60, Delay.OTHER: 300,
    }
