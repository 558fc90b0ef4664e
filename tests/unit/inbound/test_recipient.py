"""Whom a fax is for, from the headers of its call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.inbound.recipient import caller_of, first_address, first_of, number_of


@pytest.mark.parametrize(("header", "number"), [
    ("4711", "4711"), ("+4930123", "+4930123"), ("", ""), ("fax.sales", "fax.sales"),
    ("sip:+4930123@host", "+4930123"), ("SIPS:4711@host:5061;transport=tls", "4711"), ("<sip:4711@host>", "4711"),
    ("tel:+49-30-12.34", "+49301234"), ("<tel:+49(30)123;phone-context=x>;reason=unknown", "+4930123"),
    ('"Smith, J <boss>" <sip:4711@host>;reason=no-answer', "4711"), ("<sip:4711@a>,<sip:4712@b>", "4711"),
    ("sip:4711@a, sip:4712@b", "4711"), ('"A \\" , <x" <sip:4711@a>', "4711"), ("<sip:4711;npdi@host;user=phone>", "4711"),
    ("<sip:4711:secret@host>", "4711"), ("%2B4930123", "+4930123"), ("<sip:%2b4930@h>", "+4930"), ("sip:host", ""),
    ("<sip:anna.b@host>", "anna.b"), (" , <sip:4711@a>", "4711"), ("<sip:4711@h", "4711"), ("4711;ext=5", "4711"),
])
def test_the_first_user_counts(header: str, number: str) -> None:
    assert number_of(header) == number


@given(st.text(alphabet='"<>\\,;:@%+sip4 ', max_size=60))
def test_whatever_comes_over_the_network_is_some_text(header: str) -> None:
    assert number_of(header) in ("", number_of(header).strip())
    assert len(first_address(header)) <= len(header)


def test_a_header_of_any_length_is_read_in_bounded_depth() -> None:
    assert number_of("," * 900 + "4711") == "4711"
    assert number_of("x" * 10000) == "x" * 1000


@pytest.mark.parametrize(("variable", "first"), [
    ("", ""), ("<sip:1@x>", "<sip:1@x>"), ("<sip:1@x>|:", "<sip:1@x>|:"), ("ARRAY::<sip:1@x>|:<sip:2@x>", "<sip:1@x>"),
    ("ARRAY::<sip:1@x>", "<sip:1@x>"),
])
def test_the_first_of_several_headers(variable: str, first: str) -> None:
    assert first_of(variable) == first


@pytest.mark.parametrize(("number", "caller"), [
    ("0-900.1 2", "090012"), ("+49 (30) 1/2", "+493012"), ("0301", "0301"), ("", ""), ("anonymous", "anonymous"),
    ("fax.sales", "fax.sales"), ("dead-beef", "dead-beef"), ("0301;x=1", "0301;x=1"), ("\uff10-9", "\uff10-9"), ("-", "-"),
])
def test_a_callers_number_has_one_form_and_a_name_stays(number: str, caller: str) -> None:
    assert caller_of(number) == caller
