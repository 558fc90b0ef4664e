"""Events and their text form, held against FreeSWITCH's switch_event.c and switch_utils.c."""

from __future__ import annotations

import pytest

from mocks.esl.event import Event, url_decode, url_encode


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("plain", "plain"),
        ("a b", "a%20b"),
        ("INVITE, ACK", "INVITE,%20ACK"),
        ("sip:1@127.0.0.1:5070", "sip%3A1%40127.0.0.1%3A5070"),
        ('"Clinic" <4930>', "%22Clinic%22%20%3C4930%3E"),
        ("Müller", "M%C3%BCller"),
        ("M\udcfcller", "M%FCller"),
        ("two\nlines\r", "two%0Alines%0D"),
        ("it's (a/b)~c_d-e.f*g!h$i", "it's%20(a/b)~c_d-e.f*g!h$i"),
        ("100%", "100%25"),
        ("%zz %2b", "%25zz%20%252b"),
    ],
)
def test_values_are_percent_encoded_as_the_switch_does(value: str, encoded: str) -> None:
    assert url_encode(value) == encoded


def test_an_escape_in_a_value_is_not_escaped_again() -> None:
    assert url_encode("%2B49 30 1") == "%2B49%2030%201"
    assert url_decode(url_encode("%2B49 30 1")) == "+49 30 1"


def test_bytes_that_are_not_utf8_come_back_as_lone_surrogates() -> None:
    assert url_decode("M%FCller") == "M\udcfcller"


def test_headers_are_found_in_any_case_and_the_first_wins() -> None:
    event = Event("X", headers=[("Hangup-Cause", "A"), ("hangup-cause", "B")])
    assert event.get("HANGUP-CAUSE") == "A"
    assert event.all("Hangup-Cause") == ["A", "B"]
    assert event.get("nothing") is None


def test_an_empty_value_removes_the_header() -> None:
    event = Event("X")
    event.add("a", "1")
    event.add("A", "")
    assert event.headers == []


def test_a_body_stands_raw_under_its_own_length() -> None:
    event = Event("BACKGROUND_JOB", headers=[("Job-UUID", "1"), ("x", "a\nb")], body="+OK é\n")
    assert event.plain() == b"Job-UUID: 1\nx: a%0Ab\nContent-Length: 7\n\n+OK \xc3\xa9\n"


def test_without_a_body_a_blank_line_ends_the_event() -> None:
    assert Event("X", headers=[("a", "b")]).plain() == b"a: b\n\n"


def test_a_copy_has_headers_of_its_own() -> None:
    event = Event("X", "y", [("a", "b")], "z")
    event.copy().add("c", "d")
    assert event.headers == [("a", "b")]
