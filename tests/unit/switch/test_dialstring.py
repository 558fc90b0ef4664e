"""Dialstrings, read back by a model of FreeSWITCH's parsers.

The model is the stand-in's splitter (mocks/tokens.py) and, written for these tests, what follows switch_event_create_brackets
and switch_find_end_paren (switch_event.c, switch_utils.c) and originate_function (mod_commands.c), with all their oddities.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.switch.dialstring import (
    NO_HEADER,
    DialstringError,
    caller_name,
    caller_number,
    destination,
    dialable,
    fax_header,
    fax_ident,
    fax_text,
    gateway_name,
    originate,
    variables,
)
from mocks.tokens import separate


def in_braces(dial: str) -> tuple[str, str]:
    """What stands between the braces ``dial`` begins with, and the rest.  Escapes mean nothing here."""
    depth = 0
    for place, char in enumerate(dial):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return dial[1:place], dial[place + 1:]
    raise AssertionError("no closing brace")


def read(command: str) -> tuple[dict[str, str], str, str]:
    """Variables, dialled endpoint and application of an ``originate`` command."""
    verb, _, arguments = command.partition(" ")
    assert verb == "originate"
    fields = separate(arguments, " ", 10)
    assert len(fields) == 2, fields
    dial, extension = fields
    assert ":_:" not in dial, "an enterprise originate"
    found: dict[str, str] = {}
    if dial.startswith("{"):
        inner, dial = in_braces(dial)
        assert not inner.startswith("^^")
        for item in separate(inner, ",", 1024):
            pair = separate(item, "=", 2)
            if len(pair) == 2 and not re.search(r"\$\\*\{", pair[1]):
                found[pair[0]] = pair[1]
    return found, dial, extension


def passed(values: dict[str, str]) -> dict[str, str]:
    """What of ``values`` reaches the channel."""
    found, dial, extension = read(originate(values, "default", "4711", "outbound_fax", "42-1"))
    assert dial == "sofia/gateway/default/4711"
    assert extension == "&python(outbound_fax 42-1)"
    return found


NASTY = [
    "plain", "a,b", "O'Brien", "it's 'q' x", "'", "''", "\\", "\\\\", "\\n", "a\\", "\\'", "'\\", " lead", "trail ",
    "  both  ", " ", "a=b=c", "=", "a|b", "[x]", "a[b=c]", "^^;a;b", "<a>", "é ü €", "\U0001d11e", '"q"', '"',
    "',x='", "a',b='c", "&park()", "(a)", "$1", "$", "#", ";", "%41%0A", "undef", "null", "tail\\ ", ",", ",,",
    "x'}sofia/gateway/other/1 '&system(x)'".replace("}", ")"), "origination_nested_vars=true",
]


@pytest.mark.parametrize("value", NASTY)
def test_a_value_arrives_as_it_is_and_its_neighbours_too(value: str) -> None:
    values = {"first": "1", "nasty": value, "last": "end"}
    assert passed(values) == values


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="{}\u2028\u2029"), min_size=1, max_size=40)
TRICKY = st.text("ab,'\\\" =|[]<>^&$%:;é~()nrst#", min_size=1, max_size=14)


@settings(max_examples=300, deadline=None)
@given(st.lists((TEXT | TRICKY).filter(lambda text: ":_:" not in text), min_size=1, max_size=4))
def test_every_value_that_can_be_passed_arrives_as_it_is(texts: list[str]) -> None:
    values = {f"v{number}": text for number, text in enumerate(texts)}
    assert passed(values) == values


@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_any_text_arrives_whole_or_is_refused(text: str) -> None:
    try:
        found = passed({"a": text, "z": "end"})
    except DialstringError:
        assert re.search(r"[{}\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|:_:", text)
    else:
        assert found == ({"a": text, "z": "end"} if text else {"z": "end"})


@pytest.mark.parametrize("value", [
    "${uuid}", "{", "}", "a{b}c", "x:_:y", "a\nb", "a\r", "\t", "\0", "\x7f", "\x85", "\u2028", "\ud800", "M\udcfcller",
    "x" * 1025,
])
def test_a_value_that_cannot_be_passed_is_refused_with_its_name(value: str) -> None:
    with pytest.raises(DialstringError, match=r"^origination_caller_id_name "):
        variables({"origination_caller_id_name": value})


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a,b", "1a", "^^a", "a'b", "ä", "a}", "x" * 200, "a\n"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(DialstringError, match="no name of a channel variable"):
        variables({name: "x"})


def test_variables_without_a_value_are_left_out() -> None:
    assert variables({}) == variables({"a": ""}) == ""
    assert variables({"a": "1", "b": "", "c": "x y"}) == "{a='1',c='x y'}"


def test_a_command_looks_as_freeswitch_wants_it() -> None:
    assert originate({"origination_uuid": "u-1", "sip_h_X-Job": "7"}, "gw-1.example", "+49 (30) 1", "outbound_fax", "7-1") == (
        "originate {origination_uuid='u-1',sip_h_X-Job='7'}sofia/gateway/gw-1.example/+49301 '&python(outbound_fax 7-1)'"
    )
    assert originate({}, "gw", "1", "outbound_fax::handler", "x").startswith("originate sofia/gateway/gw/1 '&python(")


@pytest.mark.parametrize(("gateway", "handler", "ref"), [
    ("a/b", "outbound_fax", "x"), ("a b", "outbound_fax", "x"), ("", "outbound_fax", "x"), ("a,b", "outbound_fax", "x"),
    ("gw", "out bound", "x"), ("gw", "a:b", "x"), ("gw", "", "x"), ("gw", "../x", "x"),
    ("gw", "outbound_fax", ""), ("gw", "outbound_fax", "a b"), ("gw", "outbound_fax", "x)"), ("gw", "outbound_fax", "x'"),
    ("gw", "outbound_fax", "x\n"),
])
def test_gateway_script_and_argument_are_checked(gateway: str, handler: str, ref: str) -> None:
    with pytest.raises(DialstringError):
        originate({}, gateway, "1", handler, ref)


@pytest.mark.parametrize(("number", "dialled"), [
    ("4711", "4711"), ("+49 (30) 55-62002", "+49305562002"), ("030/123.456", "030123456"), ("*31*+4930", "*31*+4930"),
    ("#31#9", "#31#9"), ("  1  ", "1"),
])
def test_a_number_is_dialled_without_what_makes_it_readable(number: str, dialled: str) -> None:
    assert dialable(number) == dialled


@pytest.mark.parametrize(("number", "named"), [
    ("12a3", r"'a' \(U\+0061\) at place 3"), ("9W123", r"'W' \(U\+0057\) at place 2"), ("1,2", r"',' \(U\+002C\)"),
    ("1@evil", r"'@' \(U\+0040\)"), ("1;x=y", r"';'"), ("1|2", r"'\|'"), ("1'2", r'"\'" \(U\+0027\)'),
    ("1\n2", r"the character U\+000A at place 2"), ("1\udcff", r"the character U\+DCFF"), ("1\u00a02", r"U\+00A0"),
    ("\uff11\uff12", r"U\+FF11"), ("1²", r"U\+00B2"), ("", "no digit"), (" - ", "no digit"), ("+", "no digit"),
    ("1" * 65, "65 digits"), ("${x}", r"'\$'"), ("1{", r"'\{'"),
])
def test_a_number_that_cannot_be_dialled_is_refused_and_the_character_named(number: str, named: str) -> None:
    with pytest.raises(DialstringError, match=named):
        dialable(number)


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_what_is_dialled_is_only_digits_and_keys(text: str) -> None:
    try:
        assert re.fullmatch(r"[0-9*#+]+", dialable(text))
    except DialstringError:
        assert not re.fullmatch(r"[-0-9*#+ ./()]*[0-9][-0-9*#+ ./()]*", text)


@pytest.mark.parametrize(("number", "plain"), [
    ("+49 (30) 55-6", "+4930556"), ("0-900/1.2", "090012"), ("*31#0900", "*31#0900"), (" (+)49", "+49"),
])
def test_a_destination_has_one_form(number: str, plain: str) -> None:
    assert destination(number) == plain == destination(plain)


@pytest.mark.parametrize("number", ["0+900", "09+00", "++49", "*31#+49900", "0900+", "w0900", ""])
def test_a_destination_has_a_plus_in_front_or_nowhere(number: str) -> None:
    with pytest.raises(DialstringError, match="cannot be dialled"):
        destination(number)


def test_gateways_are_named_as_they_are() -> None:
    assert gateway_name("sip.example-1.com_x") == "sip.example-1.com_x"
    with pytest.raises(DialstringError, match=r"freeswitch\.gateways"):
        gateway_name("gw/4711")


def url_decoded(text: str) -> bytes:
    """What mod_spandsp makes of it (switch_url_decode)."""
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode("ascii"))


def test_a_station_identifier_is_twenty_characters_of_ascii() -> None:
    assert fax_ident("+1 337,5") == "%2B1%20337%2C5"
    assert url_decoded(fax_ident("+49 30 1234567890123456789")) == b"+49 30 1234567890123"
    assert url_decoded(fax_ident("M\u00fcller\n\udcff")) == b"Mller"


def test_a_page_header_is_in_the_code_page_of_spandsps_font() -> None:
    assert url_decoded(fax_header("Müller & Söhne")) == b"M\x81ller & S\x94hne"
    assert url_decoded(fax_header("a\nb\0c €\udcff")) == b"a b c ??"
    assert url_decoded(fax_header("x" * 60)) == b"x" * 50
    assert url_decoded(fax_text("x" * 60, 20)) == b"x" * 20


@given(st.text(st.characters(exclude_categories=()), max_size=70))
def test_fax_texts_need_no_escape_and_are_short_enough(text: str) -> None:
    for encoded, most in ((fax_ident(text), 20), (fax_header(text), 50)):
        if encoded == NO_HEADER:
            assert not text.strip() and len(encoded) > 50, "SpanDSP has no header then"
            continue
        assert re.fullmatch(r"(?:[A-Za-z0-9]|%[0-9A-F]{2})*", encoded)
        decoded = url_decoded(encoded)
        assert len(decoded) <= most and not re.search(rb"[\x00-\x1f\x7f]", decoded)


@pytest.mark.parametrize(("text", "shown"), [
    ("ACME <x> é", "ACME <x> é"), ("O'Brien, Inc.", "O'Brien, Inc."), ('a"b\\c', "a'b-c"), ("A/S x: y@z", "A-S x y z"),
    ("{a} ${b}", "(a) $(b)"), ("a\r\nX: y\0", "a X y"), ("x:_:y", "x _ y"), ("  a   b ", "a b"), ("\n", ""),
    ("M\udcfcller", "M ller"), ("100 %ab %0A %", "100 \uff05ab \uff050A \uff05"), ("x" * 100, "x" * 80),
])
def test_a_callers_name_is_made_showable(text: str, shown: str) -> None:
    assert caller_name(text) == shown


@given(st.text(st.characters(exclude_categories=()), max_size=100))
def test_a_callers_name_can_always_be_passed(text: str) -> None:
    shown = caller_name(text)
    assert passed({"origination_caller_id_name": shown}) == ({"origination_caller_id_name": shown} if shown else {})
    assert not set(shown) & set('"\\/:@{}%')


@pytest.mark.parametrize(("text", "shown"), [
    ("+49 (30) 1-2", "+49301-2"), ("fax@example.com;x=1", "faxexample.comx1"), ("a\"'<>\n", "a"), ("", ""),
])
def test_a_callers_number_is_only_what_a_sip_user_may_be(text: str, shown: str) -> None:
    assert caller_number(text) == shown
