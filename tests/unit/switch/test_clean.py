"""Text on its way from and to FreeSWITCH."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.switch.clean import incoming, one_line, outgoing, raw_bytes

ANY_TEXT = st.text(st.characters(exclude_categories=()))       # with lone surrogates


def test_an_unset_variable_is_empty_text() -> None:
    assert incoming(None) == ""
    assert raw_bytes(None) == b""


def test_bytes_that_are_not_utf8_are_replaced_and_the_rest_stays() -> None:
    name = b"M\xfcller \xc3\xa9".decode("utf-8", "surrogateescape")
    assert incoming(name) == "M\ufffdller é"
    assert incoming(b"M\xfcller") == "M\ufffdller"


@pytest.mark.parametrize("char", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"])
def test_control_characters_become_blanks(char: str) -> None:
    assert incoming(f"a{char}b") == "a b"
    assert one_line(f"a{char}b") == "a b"


def test_only_newlines_are_kept_in_replies_of_several_lines() -> None:
    assert incoming("a\nb\0c\rd", multiline=True) == "a\nb c d"


def test_length_is_bounded_in_both_directions() -> None:
    assert len(incoming("x" * 5000)) == 1024
    assert incoming("abcdef", limit=3) == "abc"
    assert outgoing("abcdef", limit=3) == "abc"


def test_newlines_may_go_out_but_not_what_ends_a_c_string() -> None:
    assert outgoing("+OK\nx\0y") == "+OK\nx y"


def test_other_values_are_written_out() -> None:
    assert incoming(42) == "42"


def test_raw_bytes_are_what_came_over_the_line() -> None:
    assert raw_bytes(b"M\xfcller".decode("utf-8", "surrogateescape")) == b"M\xfcller"
    assert raw_bytes("é") == b"\xc3\xa9"
    assert raw_bytes("\ud800") == b"?"


@given(ANY_TEXT)
def test_whatever_comes_in_can_be_handed_back_as_it_is(text: str) -> None:
    clean = incoming(text)
    clean.encode()
    assert outgoing(clean) == clean
    assert incoming(clean) == clean


@given(ANY_TEXT)
def test_whatever_goes_out_is_utf8_without_nul(text: str) -> None:
    assert b"\0" not in outgoing(text).encode()
