"""DynamicConfig's output, read as HylaFAX reads configuration lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.hylafax.confline import boolean, number, parse


@pytest.mark.parametrize(("line", "value"), [
    ("RejectCall: true", "true"), ("  REJECTCALL:true", "true"), ("rejectcall:\t true  # yes", "true"), ("RejectCall:", ""),
    ("RejectCall: yes\r", "yes"), ("RejectCall : true", "true"), ('RejectCall: "a b"', "a b"), ('RejectCall: "a b" c', "a b"),
    (r'RejectCall: "say \"hi\" \\ \q"', 'say "hi" \\ q'), (r'RejectCall: "a\tb\nc"', "a\tb\nc"),
    (r'RejectCall: "\101\7x\0509"', "A\x07x(9"),
    (r'RejectCall: "\303\274"', "ü"), (r'RejectCall: "\374"', "\udcfc"), ("RejectCall: a:b", "a:b"),
    ('RejectCall: "a\\000b"', "a"),
    ("RejectCall: a\0b", "a"), ('RejectCall: a"b c"', 'a"b'), ('RejectCall: "#"', "#"), ('RejectCall: ""', ""),
])
def test_a_value_is_read_as_hylafax_reads_it(line: str, value: str) -> None:
    assert parse(line) == {"rejectcall": value}


def test_lines_tags_and_comments() -> None:
    text = '# comment\n\nLocalIdentifier: "+49 30 1"\n  #x: y\nGateway: one\ngateway: two\nTagLine: last'
    assert parse(text) == {"localidentifier": "+49 30 1", "gateway": "two", "tagline": "last"}


@pytest.mark.parametrize(("line", "value"), [
    ("TagLine: ACME Corp", "ACME Corp"), ("tagline:  a # b \r", "a # b"), ('TagLine: "a b" c', "a b"), ("TagLine:", ""),
])
def test_an_unquoted_value_may_reach_to_the_end_of_its_line(line: str, value: str) -> None:
    assert parse(f"{line}\nOther: one two", None, {"tagline"}) == {"tagline": value, "other": "one"}


@pytest.mark.parametrize(("line", "value"), [
    ("LocalIdentifier: +1 234 567", "+1 234 567"), ('LocalIdentifier: "+1 234" 567', "+1 234"), ("LocalIdentifier:  a \r", "a"),
    ("LocalIdentifier:", ""),
])
def test_a_text_without_quotes_goes_on_to_the_end_of_the_line(line: str, value: str) -> None:
    assert parse(line, texts=["localidentifier"]) == {"localidentifier": value}


def test_what_cannot_be_understood_is_left_out_and_told() -> None:
    problems: list[str] = []
    assert parse('hello world\nA: "open\nB: "open\\\nInclude: /etc/passwd\nC: 1\n', problems) == {"c": "1"}
    assert problems == [
        "line 1: no ':' after the name: hello world",
        'line 2: the closing quote is missing: A: "open',
        'line 3: the closing quote is missing: B: "open\\',
        "line 4: include is not allowed here: Include: /etc/passwd",
    ]


@pytest.mark.parametrize(("value", "result"), [
    ("on", True), ("YES", True), ("True", True), ("1", False), ("off", False), ("", False), ("truely", False),
])
def test_booleans_are_hylafaxs(value: str, result: bool) -> None:
    assert boolean(value) is result


@pytest.mark.parametrize(("value", "result"), [
    ("0600", 0o600), ("10", 10), ("0x1F", 31), (" 7 pages", 7), ("-3", -3),
    ("+4", 4), ("08", 0), ("", 0), ("none", 0), ("0x", 0), ("0", 0),
])
def test_numbers_are_cs(value: str, result: int) -> None:
    assert number(value) == result


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=200))
def test_anything_a_script_prints_can_be_read(text: str) -> None:
    for tag, value in parse(text).items():
        assert ":" not in tag and "\n" not in tag
        assert "\0" not in value


@given(st.text(alphabet=st.characters(exclude_characters="\0\n", codec="utf-8"), max_size=60))
def test_a_quoted_value_is_read_back(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'Tag: "{quoted}"') == {"tag": value}


def test_a_number_of_any_length_is_one() -> None:
    """What a script prints for MaxRecvPages must not cost the call: Python itself converts no more than 4300 digits."""
    assert number("9" * 60000) == number("0x" + "f" * 60000) == (1 << 63) - 1
    assert (number("-" + "9" * 5000), number("0" * 5000 + "17"), number("0" * 5000)) == (1 - (1 << 63), 15, 0)
