"""What gofaxctl writes: clean on every terminal, JSON where it is wanted, colours where they are."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofaxpy.config.keys import Config
from gofaxpy.ctl.command import Command, Parser, UsageError
from gofaxpy.ctl.console import answer
from gofaxpy.ctl.main import COMMANDS, build_parser, run
from gofaxpy.ctl.output import Output, Switch, shown, wants_colour


class Page:
    """An output that keeps what is written to it."""

    def __init__(self, **options: bool) -> None:
        self.text = ""
        self.complaints = ""
        self.output = Output(self._write, self._complain, self._connect, **options)

    def _write(self, text: str) -> None:
        self.text += text

    def _complain(self, text: str) -> None:
        self.complaints += text

    def _connect(self, config: Config) -> Switch:
        raise AssertionError("nobody asks for the switch here")


_REORDERING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}     # UAX #9


@settings(deadline=None)
@given(st.text() | st.text("\x1b[]0;\x07\x9b\u061c\u202e\u2028\ud800\U000e0041\r\n\tA", max_size=30))
def test_nothing_that_steers_a_terminal_gets_through(text: str) -> None:
    clean = shown(text)
    clean.encode()
    assert all(char >= " " and not "\x7f" <= char <= "\x9f" for char in clean)
    assert not {char for char in clean if unicodedata.bidirectional(char) in _REORDERING or "\U000e0000" <= char <= "\U000e007f"}
    assert not set("\xad\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u2028\u2029") & set(clean)


def test_a_table_is_as_wide_as_it_must_be_and_clean() -> None:
    page = Page()
    page.output.table(("NUMBER", "PAGES"), [("030\x1b[2J1", 3), ("0", 12)], right=(1,))
    assert page.text == "NUMBER    PAGES\n030 [2J1      3\n0            12\n"


def test_json_is_all_there_is_where_it_is_wanted() -> None:
    page = Page(json=True, colour=True)
    page.output.line("not this")
    page.output.table(("NOR",), [("this",)])
    page.output.data({"station": "\x1b[2J\u202e"})
    assert json.loads(page.text) == {"station": "\x1b[2J\u202e"}
    assert page.text.isascii() and "\x1b" not in page.text


@pytest.mark.parametrize(
    ("choice", "terminal", "environment", "wanted"),
    [
        ("auto", True, {"TERM": "xterm"}, True), ("auto", False, {"TERM": "xterm"}, False), ("auto", True, {}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": "1"}, False), ("auto", True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        ("always", False, {"NO_COLOR": "1"}, True), ("never", True, {"TERM": "xterm"}, False),
    ],
)
def test_who_gets_colours(
    monkeypatch: pytest.MonkeyPatch, choice: str, terminal: bool, environment: dict[str, str], wanted: bool
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(choice, terminal) is wanted


def test_every_command_explains_itself_with_examples() -> None:
    for command in COMMANDS:
        page = Page()
        assert run([command.name, "--help"], page.output, build_parser(wanted=command.name)) == 0
        assert command.description.split("\n")[0] in page.text
        if not command.hidden:
            assert f"gofaxctl {command.name}" in command.examples and command.summary


def test_hidden_commands_are_in_no_list() -> None:
    page = Page()
    run([], page.output, build_parser())
    for command in COMMANDS:
        assert (f"    {command.name} " in page.text) is not command.hidden, command.name
    run(["nonsense"], page.output, build_parser())
    assert "inside" not in page.complaints


def test_options_may_stand_before_and_after_the_command() -> None:
    for words in (["-C", "/x", "--json", "outcomes"], ["outcomes", "--json", "-C", "/x"], ["--json", "outcomes", "-C", "/x"]):
        found = build_parser().parse_args(words)
        assert (found.json, found.config, found.command.name) == (True, "/x", "outcomes")


@settings(deadline=None)    # building the parser takes its time on a busy machine
@given(st.lists(st.text(max_size=8) | st.sampled_from(["status", "log", "overrides", "set", "--json", "-C", "--help", "=", "@"])))
def test_no_words_make_the_parser_print_or_exit(words: list[str]) -> None:
    """Inside FreeSWITCH SystemExit would end the switch, and what is printed there goes nowhere."""
    quiet = Command("log", "", "", lambda arguments, output: 0, lambda parser: parser.add_argument("which", nargs="?"), "")
    page = Page()
    assert run(words, page.output, build_parser([quiet])) in (0, 1, 2)


def test_the_console_never_raises_whatever_it_is_told() -> None:
    class Broken:
        def command(self, name: str, args: str = "") -> str:
            raise ValueError("arguments that FreeSWITCH cannot take")

    for words in ("overrides", "fallback clear 1", "overrides set 1 a b", "\udcff", "x" * 10000, "log last"):
        assert answer(Broken(), words).startswith(("-ERR", "usage"))


def test_a_parser_raises_what_argparse_would_print() -> None:
    parser = Parser(prog="x")
    parser.add_argument("number", type=int)
    with pytest.raises(UsageError, match="invalid int value"):
        parser.parse_args(["y"])
