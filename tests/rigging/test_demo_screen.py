"""What the demo prints, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from demo.screen import Screen


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_without_a_terminal_there_are_only_whole_plain_lines() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    screen.step("Send it")
    screen.bar("page 1 of 2", 0.5, "50 %")
    screen.bar("page 1 of 2", 1, "100 %", done=True)
    screen.last("demo: OK")
    lines = stream.getvalue().split("\n")
    assert lines[2] == f"   page 1 of 2 [{'#' * 30}] 100 %"
    assert lines[-2] == "demo: OK"
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()
    assert "50 %" not in stream.getvalue()


def test_on_a_terminal_a_bar_is_drawn_over_the_last_one(terminal: Terminal) -> None:
    screen = Screen(terminal)
    screen.bar("page 1", 0.5, "50 %")
    screen.bar("page 1", 1, "100 %", done=True)
    first, second = terminal.getvalue().split("\r")[1:]
    assert f"[{'#' * 15}{'.' * 15}] 50 %" in first
    assert "\n" not in first
    assert second.endswith(f"[{'#' * 30}] 100 %\n")


def test_a_line_after_an_unfinished_bar_begins_on_its_own(terminal: Terminal) -> None:
    screen = Screen(terminal)
    screen.bar("page 1", 0.5, "50 %")
    screen.say("the line dropped")
    assert "50 %\n   the line dropped\n" in terminal.getvalue()


def test_a_bar_is_not_full_before_it_is_done(terminal: Terminal) -> None:
    Screen(terminal).bar("page 1", 1.0, "")
    assert f"[{'#' * 29}.]" in terminal.getvalue()


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert not Screen(Terminal()).moving


def test_shown_text_is_set_apart_line_by_line() -> None:
    stream = io.StringIO()
    Screen(stream).show("a\n\nb\n")
    assert stream.getvalue() == "   | a\n   |\n   | b\n"
