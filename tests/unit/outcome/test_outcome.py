"""The table from the end of a call to HylaFAX's answer: a case for each row, and the rules around it."""

from __future__ import annotations

from typing import Any

import pytest

from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import CONNECTED, NOT_ANSWERED, Delay, Rule, Stage
from gofaxpy.outcome.judge import Ending, judge, tries_next_gateway
from gofaxpy.outcome.limits import count, delay_of
from gofaxpy.outcome.policy import OTHER, Policy, rows
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import CallEnd, HangupCause
from gofaxpy.values import replace

FINAL = ("UNALLOCATED_NUMBER", "CALL_REJECTED")


def ended(cause: HangupCause) -> Ending:
    return Ending(Stage.DIALLED, 3, call=CallEnd(cause))


def faxed(code: ResultCode, sent: int = 0, due: int = 3) -> Ending:
    fax = FaxResult(success=code is ResultCode.OK, code=code, pages_transferred=sent, pages_total=due)
    return Ending(Stage.CONNECTED, due, sent, fax=fax)


HUNG_UP = Ending(
    Stage.CONNECTED, 3, call=CallEnd(HangupCause.NORMAL_CLEARING, disposition="recv_bye"), fax=faxed(ResultCode.CALLDROPPED).fax,
    fax_seen=False,
)


@pytest.mark.parametrize("known", [
    {"fax_seen": True}, {"reason": "The call has reached its limit of 60 s"}, {"call": None},
    {"call": CallEnd(HangupCause.NORMAL_CLEARING, disposition="send_bye")}, {"fax": faxed(ResultCode.CANNOT_TRAIN).fax},
])
def test_only_who_hangs_up_before_a_fax_machine_has_spoken_is_taken_for_a_person(known: dict[str, Any]) -> None:
    assert judge(HUNG_UP).dial_failed and judge(HUNG_UP).code is StatusCode.NO_CARRIER
    assert not judge(replace(HUNG_UP, **known)).dial_failed


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
    assert (verdict.returned, verdict.code, verdict.delay) == (Returned.RETRY, StatusCode.NO_CARRIER, Delay.OTHER)
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


# Every line of the policy: stage, end, answer to faxq, status code, delay, counter, next gateway.  Written down a second
# time on purpose: who changes or adds a row says here what it is meant to do.
POLICY = """
connected   | every page confirmed        | done   |   0 | none       | try  | no
connected   | success, but not every page | retry  | 149 | protocol   | try  | no
connected   | aborted by the user         | retry  | 345 | none       |      | no
not dialled | rejected before dialling    | failed | 348 | none       |      | no
not dialled | trouble of our own          | retry  | 422 | other      |      | no
unknown     | call lost from sight        | retry  | 128 | other      | dial | no
connected   | answered, no result         | retry  | 128 | protocol   | try  | no
connected   | hung up, no fax machine     | retry  |   2 | no carrier | dial | no
dialled     | USER_BUSY                   | retry  |   1 | busy       | dial | no
dialled     | NO_ANSWER                   | retry  |   3 | no answer  | dial | no
dialled     | NO_USER_RESPONSE            | retry  |   3 | no answer  | dial | no
dialled     | ALLOTTED_TIMEOUT            | retry  |   3 | no answer  | dial | no
dialled     | INVALID_GATEWAY             | retry  |   4 | other      | dial | yes
dialled     | GATEWAY_DOWN                | retry  |   4 | other      | dial | yes
dialled     | NORMAL_TEMPORARY_FAILURE    | retry  |   4 | other      | dial | yes
dialled     | NETWORK_OUT_OF_ORDER        | retry  |   4 | other      | dial | yes
dialled     | RECOVERY_ON_TIMER_EXPIRE    | retry  |   4 | other      | dial | yes
dialled     | PROGRESS_TIMEOUT            | retry  |   4 | other      | dial | yes
dialled     | SERVICE_UNAVAILABLE         | retry  |   4 | other      | dial | yes
dialled     | SWITCH_CONGESTION           | retry  |   4 | other      | dial | yes
dialled     | NORMAL_CIRCUIT_CONGESTION   | retry  |   4 | other      | dial | yes
dialled     | INVALID_NUMBER_FORMAT       | retry  |   5 | other      | dial | yes
dialled     | NORMAL_CLEARING             | retry  |   6 | other      | dial | no
dialled     | ORIGINATOR_CANCEL           | retry  |   6 | other      | dial | no
dialled     | MANAGER_REQUEST             | retry  |   6 | other      | dial | no
dialled     | SYSTEM_SHUTDOWN             | retry  |   6 | other      | dial | no
dialled     | UNALLOCATED_NUMBER          | failed |   2 | none       | dial | no
dialled     | CALL_REJECTED               | failed |   2 | none       | dial | no
dialled     | other                       | retry  |   2 | other      | dial | yes
connected   | T0_EXPIRED                  | retry  |   2 | no carrier | dial | no
connected   | T1_EXPIRED                  | retry  | 126 | protocol   | try  | no
connected   | CANNOT_TRAIN                | retry  | 137 | protocol   | try  | no
connected   | INCOMPATIBLE                | retry  | 122 | protocol   | try  | no
connected   | RX_INCAPABLE                | retry  | 122 | protocol   | try  | no
connected   | TX_BADDCS                   | retry  | 104 | protocol   | try  | no
connected   | TX_BADPG                    | retry  | 124 | protocol   | try  | no
connected   | TX_GOTDCN                   | retry  | 103 | protocol   | try  | no
connected   | TX_NODIS                    | retry  | 104 | protocol   | try  | no
connected   | TX_PHBDEAD                  | retry  | 126 | protocol   | try  | no
connected   | TX_PHDDEAD                  | retry  | 151 | protocol   | try  | no
connected   | TX_T5EXP                    | retry  | 138 | protocol   | try  | no
connected   | RETRYDCN                    | retry  | 124 | protocol   | try  | no
connected   | CALLDROPPED                 | retry  | 128 | protocol   | try  | no
connected   | FILEERROR                   | retry  | 904 | other      | try  | no
connected   | NOPAGE                      | failed | 903 | none       | try  | no
connected   | BADTIFF                     | failed | 903 | none       | try  | no
connected   | BADTIFFHDR                  | failed | 903 | none       | try  | no
connected   | other                       | retry  | 149 | protocol   | try  | no
"""


def written(policy: Policy) -> tuple[str, ...]:
    return (
        policy.stage.value, policy.end, policy.returned.name.lower(), str(int(policy.code)), policy.delay.value, policy.counts,
        "yes" if policy.next_gateway else "no",
    )


def test_the_policy_is_the_one_written_down_here_row_by_row() -> None:
    wanted = [tuple(cell.strip() for cell in line.split("|")) for line in POLICY.strip().splitlines()]
    assert [written(policy) for policy in rows(FINAL)] == wanted
    assert all(policy.why for policy in rows(FINAL))


RULE_ENDINGS = {
    Rule.DELIVERED: faxed(ResultCode.OK, 3), Rule.PAGES_MISSING: faxed(ResultCode.OK, 2),
    Rule.ABORTED: Ending(Stage.CONNECTED, 3, 1, fax=faxed(ResultCode.CALLDROPPED, 1).fax, aborted=True),
    Rule.REJECTED: Ending(Stage.NOT_DIALLED, 3, rejected=True), Rule.NOT_DIALLED: Ending(Stage.NOT_DIALLED, 3),
    Rule.LOST: Ending(Stage.UNKNOWN, 3), Rule.NO_RESULT: Ending(Stage.CONNECTED, 3), Rule.NO_FAX: HUNG_UP,
}


def ending_of(policy: Policy) -> Ending:
    """An attempt that ends as this line of the policy says."""
    if policy.end in [rule.value for rule in Rule]:
        return RULE_ENDINGS[Rule(policy.end)]
    if policy.stage is Stage.DIALLED:
        return ended(HangupCause.NO_ROUTE_DESTINATION if policy.end == OTHER else HangupCause[policy.end])
    return faxed(ResultCode.NORESSUPPORT if policy.end == OTHER else ResultCode[policy.end])


@pytest.mark.parametrize("policy", list(rows(FINAL)), ids=lambda policy: f"{policy.stage.value}-{policy.end}")
def test_an_attempt_is_judged_and_counted_as_its_row_says(policy: Policy) -> None:
    ending = ending_of(policy)
    verdict = judge(ending, FINAL)
    assert (verdict.returned, verdict.code, verdict.delay) == (policy.returned, policy.code, policy.delay)
    assert tries_next_gateway(ending, FINAL) is policy.next_gateway
    qfile = QFile.parse("ndials:1\ntotdials:5\ntottries:3\nntries:0\n")
    count(qfile, ending, verdict)
    counted = "".join(
        name for name, tag, before in (("dial", "ndials", 1), ("try", "tottries", 3)) if qfile.number(tag) == before + 1
    )
    if ending.stage is Stage.UNKNOWN:       # whether it was a dial or a try nobody can say
        assert (policy.counts, qfile.get("totdials")) == ("dial", "6")
    elif policy.end != Rule.ABORTED.value:
        assert counted == policy.counts
