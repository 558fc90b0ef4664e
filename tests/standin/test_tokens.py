"""The switch's own splitter (switch_separate_string)."""

from __future__ import annotations

import pytest

from mocks.sip.tokens import separate


@pytest.mark.parametrize(
    ("text", "delimiter", "limit", "parts"),
    [
        ("a b  c", " ", 10, ["a", "b", "c"]),
        ("  a b ", " ", 10, ["a", "b"]),
        ("a 'b c' d", " ", 10, ["a", "b c", "d"]),
        ("a,b,,c,", ",", 10, ["a", "b", "", "c"]),
        (r"a\,b,c", ",", 10, ["a,b", "c"]),
        (r"a\'b", " ", 10, ["a'b"]),
        (r"a\nb\tc\sd\re", " ", 10, ["a\nb\tc d\re"]),
        (r"a\xb", " ", 10, [r"a\xb"]),
        (r"a\\b", " ", 10, [r"a\b"]),
        ("mod it's 'quoted text' ok", " ", 2, ["mod", "its quoted text' ok"]),
        ("select/realm/key/with/slashes", "/", 4, ["select", "realm", "key", "with/slashes"]),
        ("one two three four", " ", 2, ["one", "two three four"]),
        ("^^;a;b", ",", 10, ["a", "b"]),
        ("", " ", 10, []),
        ("x=''", "=", 2, ["x", ""]),
    ],
)
def test_text_is_split_with_the_quotes_and_backslashes_of_the_switch(
    text: str, delimiter: str, limit: int, parts: list[str]
) -> None:
    assert separate(text, delimiter, limit) == parts
