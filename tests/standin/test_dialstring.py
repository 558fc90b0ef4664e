"""Dialstrings as switch_ivr_originate.c and mod_commands.c read them."""

from __future__ import annotations

import pytest

from mocks.sip.dialstring import DialstringError, Leg, parse_application, parse_dialstring, parse_originate


def variables(arguments: str) -> dict[str, str]:
    command = parse_originate(arguments)
    assert command is not None
    return dict(parse_dialstring(command.dialstring).variables)


def test_a_comma_inside_quotes_still_splits_so_text_can_become_variables() -> None:
    assert variables("{a='x,y=z'}sofia/gateway/g/1 &park") == {"a": "x", "y": "z"}


def test_an_escaped_comma_stays_in_the_value() -> None:
    assert variables(r"{a='x\,y=z'}sofia/gateway/g/1 &park") == {"a": "x,y=z"}


def test_names_with_apostrophes_backslashes_and_umlauts_arrive_whole() -> None:
    found = variables(r"{origination_caller_id_name='O\'Brien\, \\x é'}sofia/gateway/g/1 &park")
    assert found == {"origination_caller_id_name": r"O'Brien, \x é"}


def test_percent_encoding_in_a_value_is_left_alone() -> None:
    assert variables("{fax_ident='%2B1%20337%2C5'}sofia/gateway/g/1 &park") == {"fax_ident": "%2B1%20337%2C5"}


def test_several_braces_and_leg_variables_are_read() -> None:
    parsed = parse_dialstring("{a=1}{b=2}[c=3,d=4]sofia/gateway/g/1|sofia/gateway/h/2")
    assert parsed.variables == (("a", "1"), ("b", "2"))
    assert parsed.alternatives == (
        (Leg("sofia", "gateway/g/1", (("c", "3"), ("d", "4"))),),
        (Leg("sofia", "gateway/h/2"),),
    )


def test_legs_of_one_alternative_are_separated_by_commas() -> None:
    parsed = parse_dialstring("sofia/gateway/g/1,sofia/gateway/h/2")
    assert [leg.target for leg in parsed.alternatives[0]] == ["gateway/g/1", "gateway/h/2"]


@pytest.mark.parametrize("text", ["", "{a=1}", "{a=1 sofia/gateway/g/1"])
def test_a_dialstring_without_endpoint_or_closing_brace_is_an_error(text: str) -> None:
    with pytest.raises(DialstringError):
        parse_dialstring(text)


def test_without_quotes_everything_behind_the_first_blank_of_the_application_is_lost() -> None:
    command = parse_originate("sofia/gateway/g/1 &python(outbound_fax REF)")
    assert command is not None
    assert parse_application(command.extension) == ("python", "outbound_fax")


def test_with_quotes_the_application_keeps_its_arguments() -> None:
    command = parse_originate("sofia/gateway/g/1 '&python(outbound_fax REF)'")
    assert command is not None
    assert parse_application(command.extension) == ("python", "outbound_fax REF")


def test_a_blank_in_the_number_makes_its_rest_the_extension() -> None:
    command = parse_originate("sofia/gateway/g/12 34 '&txfax(/x.tif)'")
    assert command is not None
    assert (command.dialstring, command.extension) == ("sofia/gateway/g/12", "34")
    assert parse_application(command.extension) is None


def test_caller_id_and_timeout_come_by_position_and_undef_skips_one() -> None:
    command = parse_originate("sofia/gateway/g/1 &park XML default undef 4711 20")
    assert command is not None
    assert (command.caller_id_name, command.caller_id_number, command.timeout) == (None, "4711", 20)


@pytest.mark.parametrize("arguments", ["sofia/gateway/g/1", "a b c d e f g h"])
def test_too_few_or_too_many_arguments_are_refused(arguments: str) -> None:
    assert parse_originate(arguments) is None
