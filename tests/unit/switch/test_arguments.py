"""Arguments for scripts inside FreeSWITCH."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofaxpy.switch.arguments import decode_args, encode_args

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_what_was_encoded_comes_out(mapping: dict[str, object]) -> None:
    text = encode_args(mapping)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert decode_args(text) == mapping


def test_padding_and_blanks_around_do_no_harm() -> None:
    for data in (b'{"a":"b"}', b'{"a":"bc"}', b'{"a":"bcd"}'):
        text = base64.urlsafe_b64encode(data).decode()
        assert decode_args(f" {text}\n") == json.loads(data)


@pytest.mark.parametrize(("text", "says"), [
    ("", "no arguments"),
    (None, "no arguments"),
    ("it's", "no URL-safe base64: it has no \"'\""),
    ("a+b", "'\\+'"),
    ("a\u00e9", "'\\\\xe9'"),
    ("A", "not what encode_args makes"),
    (base64.urlsafe_b64encode(b"{}}").decode(), "not what encode_args makes"),
    (base64.urlsafe_b64encode(b"\xff\xfe{").decode(), "not what encode_args makes"),
    (base64.urlsafe_b64encode(b"[1]").decode(), "are a list"),
    (base64.urlsafe_b64encode(b"[" * 6000).decode(), "not what encode_args makes"),
    ("A" * 8193, "8193 characters"),
])
def test_a_text_that_is_none_is_refused_with_the_reason(text: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decode_args(text)


def test_too_much_is_refused_on_the_way_out_as_well() -> None:
    with pytest.raises(ValueError, match="8192 fit"):
        encode_args({"a": "x" * 8000})
