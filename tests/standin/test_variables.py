"""Channel variables, expansion, causes and far-end choice: the small rules."""

from __future__ import annotations

import pytest

from mocks.channel.causes import cause_name, cause_of_status, q850, reason_header, status_of_cause
from mocks.channel.expand import expand
from mocks.channel.variables import Variables, is_true, mentions_variable, whole_number
from mocks.config import FarEnd, Gateway
from mocks.sip.routing import NOBODY, choose


def test_names_are_compared_without_case_and_a_new_value_moves_to_the_end() -> None:
    variables = Variables([("Fax_Ident", "1"), ("b", "2")])
    variables.set("fax_ident", "3")
    assert variables.get("FAX_IDENT") == "3"
    assert variables.items() == [("b", "2"), ("fax_ident", "3")]


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_value_unsets(value: str | None) -> None:
    variables = Variables([("a", "1")])
    variables.set("A", value)
    assert variables.get("a") is None


@pytest.mark.parametrize(
    ("value", "found"), [("${x}", True), ("a $\\{b}", True), ("$x {y}", False), ("$", False), ("$${x}", True)]
)
def test_values_that_would_expand_are_recognised(value: str, found: bool) -> None:
    assert mentions_variable(value) is found


@pytest.mark.parametrize(
    ("text", "truth"), [("true", True), ("YES", True), ("on", True), ("1", True), ("0", False), ("no", False), (None, False)]
)
def test_truth_is_what_the_switch_calls_true(text: str | None, truth: bool) -> None:
    assert is_true(text) is truth


@pytest.mark.parametrize(("text", "number"), [("12ab", 12), (" -3", -3), ("", 0), ("x", 0), (None, 0)])
def test_numbers_are_read_as_atoi_reads_them(text: str | None, number: int) -> None:
    assert whole_number(text) == number


VALUES = {"a": "1", "b": "${a}2", "cmd": "${db(select/x/y)}", "who": "a"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("x${a}y", "x1y"),
        ("${b}", "12"),
        ("${nothing}!", "!"),
        ("${db(insert/r/k/v)}", "<db|insert/r/k/v>"),
        ("${db insert/r/k/v}", "<db|insert/r/k/v>"),
        ("${f(a(b)c)}", "<f|a(b)c>"),
        ("${f(${a})}", "<f|1>"),
        ("${${who}}", "1"),
        (r"\${a}", "${a}"),
        ("no variables ' here", "no variables ' here"),
        ("${cmd}", "<db|select/x/y>"),
        ("${b:1}", "2"),
    ],
)
def test_variables_and_commands_are_expanded_even_when_they_come_out_of_a_variable(text: str, result: str) -> None:
    assert expand(text, VALUES.get, lambda name, args: f"<{name}|{args}>") == result


@pytest.mark.parametrize(
    ("statuses", "cause"),
    [
        ("400 481 500 503", "NORMAL_TEMPORARY_FAILURE"),
        ("408 504", "RECOVERY_ON_TIMER_EXPIRE"),
        ("403 603", "CALL_REJECTED"),
        ("404", "UNALLOCATED_NUMBER"),
        ("410", "NUMBER_CHANGED"),
        ("415 501", "SERVICE_NOT_IMPLEMENTED"),
        ("480", "NO_USER_RESPONSE"),
        ("484", "INVALID_NUMBER_FORMAT"),
        ("486 600", "USER_BUSY"),
        ("487", "ORIGINATOR_CANCEL"),
        ("488 606", "INCOMPATIBLE_DESTINATION"),
        ("502", "NETWORK_OUT_OF_ORDER"),
        ("604", "NO_ROUTE_DESTINATION"),
    ],
)
def test_a_sip_status_becomes_the_cause_the_real_switch_gives(statuses: str, cause: str) -> None:
    assert {cause_of_status(int(status)) for status in statuses.split()} == {cause}


@pytest.mark.parametrize(
    ("cause", "status"), [("USER_BUSY", 486), ("CALL_REJECTED", 603), ("NORMAL_CLEARING", 480), ("UNALLOCATED_NUMBER", 404)]
)
def test_an_unanswered_call_is_refused_with_the_status_of_its_cause(cause: str, status: int) -> None:
    assert status_of_cause(cause) == status


def test_causes_are_read_from_names_and_numbers() -> None:
    assert cause_name("user_busy") == "USER_BUSY"
    assert cause_name("17") == "USER_BUSY"
    assert cause_name("no such cause") == "NORMAL_CLEARING"


def test_causes_of_the_switch_itself_have_no_q850_number_of_their_own() -> None:
    assert (q850("USER_BUSY"), q850("SYSTEM_SHUTDOWN")) == (17, 16)
    assert reason_header("NORMAL_CLEARING") == 'Q.850;cause=16;text="NORMAL_CLEARING"'
    assert reason_header("ALLOTTED_TIMEOUT") == 'SIP;cause=802;text="ALLOTTED_TIMEOUT"'


FAR_ENDS = (FarEnd("10..", "fax"), FarEnd("1.*", "busy"))


def test_the_first_far_end_that_matches_the_whole_number_is_met() -> None:
    assert choose("1001", None, FAR_ENDS, ()).does == "fax"
    assert choose("10011", None, FAR_ENDS, ()).does == "busy"
    assert choose("2", None, FAR_ENDS, ()) is NOBODY


def test_a_gateway_with_a_far_end_of_its_own_leads_everything_there() -> None:
    assert choose("1001", Gateway("g", FarEnd(does="dead")), FAR_ENDS, ()).does == "dead"


def test_a_call_may_change_its_far_end_and_nonsense_is_left_out() -> None:
    overrides = [("standin_hangup_after_pages", "1"), ("standin_t38", "sometimes"), ("fax_ident", "x")]
    chosen = choose("1001", None, FAR_ENDS, overrides)
    assert (chosen.hangup_after_pages, chosen.t38) == (1, "none")
