"""How calls end."""

from __future__ import annotations

import pytest

from gofaxpy.switch.hangup import CallEnd, HangupCause


@pytest.mark.parametrize(("text", "cause"), [
    ("USER_BUSY", HangupCause.USER_BUSY),
    ("user_busy", HangupCause.USER_BUSY),
    (" NO_ANSWER\n", HangupCause.NO_ANSWER),
    ("17", HangupCause.USER_BUSY),
    ("808", HangupCause.INVALID_GATEWAY),
    ("", HangupCause.NONE),
    ("NOT_A_CAUSE", HangupCause.NONE),
    ("4", HangupCause.NONE),
    ("9" * 5000, HangupCause.NONE),
    ("²", HangupCause.NONE),
])
def test_causes_are_read_by_name_and_number(text: str, cause: HangupCause) -> None:
    assert HangupCause.parse(text) is cause


def test_the_far_ends_answer_is_told_with_the_cause() -> None:
    end = CallEnd.from_headers({
        "Hangup-Cause": "USER_BUSY", "variable_sip_invite_failure_status": "486",
        "variable_sip_invite_failure_phrase": "Busy Here", "variable_hangup_cause_q850": "17",
        "variable_sip_hangup_disposition": "recv_refuse",
    })
    assert end == CallEnd(HangupCause.USER_BUSY, 486, "Busy Here", 17, "recv_refuse")
    assert end.describe() == "USER_BUSY (486 Busy Here)"


def test_our_own_cancel_is_not_taken_for_an_answer() -> None:
    end = CallEnd.from_headers({
        "Hangup-Cause": "NO_ANSWER", "variable_sip_invite_failure_status": "487",
        "variable_sip_invite_failure_phrase": "CANCEL", "variable_hangup_cause_q850": "19",
        "variable_sip_hangup_disposition": "send_cancel",
    })
    assert (end.sip_status, end.describe()) == (0, "NO_ANSWER")


@pytest.mark.parametrize(("headers", "status"), [
    ({"variable_proto_specific_hangup_cause": "sip:404"}, 404),
    ({"variable_sip_term_status": "487"}, 487),
    ({"variable_proto_specific_hangup_cause": "sip:x", "variable_sip_term_status": "700"}, 0),
    ({"variable_sip_invite_failure_status": "-1"}, 0),
])
def test_the_status_is_taken_from_where_there_is_one(headers: dict[str, str], status: int) -> None:
    assert CallEnd.from_headers({"Hangup-Cause": "NONE", **headers}).sip_status == status


def test_a_phrase_cannot_break_a_line() -> None:
    end = CallEnd.from_headers({
        "Hangup-Cause": "CALL_REJECTED", "variable_sip_invite_failure_status": "603",
        "variable_sip_invite_failure_phrase": "No\nstate:7" + "x" * 500,
    })
    assert end.sip_phrase.startswith("No state:7xx") and len(end.sip_phrase) == 100


@pytest.mark.parametrize(("body", "cause", "described"), [
    ("-ERR USER_BUSY\n", HangupCause.USER_BUSY, "USER_BUSY"),
    ("-ERR INVALID_GATEWAY\n", HangupCause.INVALID_GATEWAY, "INVALID_GATEWAY"),
    ("-USAGE: <call url> ...\n", HangupCause.NONE, "-USAGE: <call url> ..."),
    ("-ERR originate Command not found!\n", HangupCause.NONE, "originate Command not found!"),
    ("", HangupCause.NONE, "no cause given"),
])
def test_the_reply_of_originate_is_a_cause_or_said_as_it_is(body: str, cause: HangupCause, described: str) -> None:
    end = CallEnd.from_reply(body)
    assert (end.cause, end.describe()) == (cause, described)


def test_q850_numbers_are_only_those_of_q850() -> None:
    assert CallEnd.from_reply("-ERR USER_BUSY").q850 == 17
    assert CallEnd.from_reply("-ERR INVALID_GATEWAY").q850 == 0


def test_an_end_that_nobody_saw_says_so() -> None:
    assert CallEnd.unknown().cause is HangupCause.NONE
    assert CallEnd.unknown().describe() == "no cause given"
