"""How the text behind `python` is taken apart. The rows were measured on FreeSWITCH 1.10.12 with `api python …`."""

from __future__ import annotations

import pytest

from mocks.host.splitter import ScriptCall, split_call

ARGUMENTS = [
    ("it's 'quoted text' ok", "its quoted text' ok"),
    (r"a\nb", "a\nb"),
    (r"a\sb", "a b"),
    (r"a\tb\rc", "a\tb\rc"),
    (r"a\\b", r"a\b"),
    (r"a\'b", "a'b"),
    (r"a\"b", 'a"b'),
    (r"a\xb", r"a\xb"),
    ("a\\", "a\\"),
    ("  two  spaces  in  between  ", "two  spaces  in  between"),
    ("'whole quoted'", "whole quoted"),
    ("'unbalanced", "'unbalanced"),
    ('double "quotes" stay', 'double "quotes" stay'),
    ("''", ""),
    ("' '", " "),
    ("a''b", "ab"),
    ("x 'a  b' y", "x a  b y"),
    (r"it\'s 'x", "it's 'x"),
    (r"'it\'s'", "it's"),
    ("ü,;|${uuid}%41", "ü,;|${uuid}%41"),
    ("a'b c'd'e", "ab cd'e"),
    (r"\s", " "),
    (r"\s\s", "  "),
    ("^^:a:b", "^^:a:b"),
    (r"'a\nb'", "a\nb"),
    ("'a' 'b'", "a b"),
    ("a\tb", "a\tb"),
    ("  'x'  ", "x"),
    ("'x '", "x "),
    ("\\\\", "\\"),
    (r"\'", "'"),
    (r"\\'a'", r"\a"),
    ("eyJhIjogMX0_-=", "eyJhIjogMX0_-="),
]


@pytest.mark.parametrize(("text", "argument"), ARGUMENTS)
def test_argument_loses_apostrophes_and_backslashes_as_in_the_switch(text: str, argument: str) -> None:
    assert split_call(f"probe {text}", "fsapi") == ScriptCall("probe", "fsapi", argument)


CALLS = [
    ("probe", ScriptCall("probe", "fsapi", "")),
    (" probe x", ScriptCall("probe", "fsapi", "x")),
    ("'probe' x", ScriptCall("probe", "fsapi", "x")),
    (r"p\r x", ScriptCall("p\r", "fsapi", "x")),
    ("^^:probe:a b:c", ScriptCall("probe", "fsapi", "a b:c")),
    ("^^:probe", ScriptCall("probe", "fsapi", "")),
    ("^^", ScriptCall("^^", "fsapi", "")),
    ("probe::launch x", ScriptCall("probe", "launch", "x")),
    ("'probe::launch x' y", ScriptCall("probe", "launch x", "y")),
    ("probe::", ScriptCall("probe", "", "")),
    ("a.b::c::d x", ScriptCall("a.b", "c::d", "x")),
]


@pytest.mark.parametrize(("text", "call"), CALLS)
def test_first_part_names_module_and_function(text: str, call: ScriptCall) -> None:
    assert split_call(text, "fsapi") == call


def test_no_text_means_no_module() -> None:
    assert split_call("", "fsapi") is None
