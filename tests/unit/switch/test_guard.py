"""What happens to an exception in a script inside FreeSWITCH."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from gofaxpy.switch.guard import guarded, report


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is written to FreeSWITCH's log."""
    written: list[tuple[str, str]] = []
    module = SimpleNamespace(consoleLog=lambda level, text: written.append((level, text)))
    monkeypatch.setitem(sys.modules, "freeswitch", module)
    return written


def test_a_handler_that_ends_well_logs_nothing(lines: list[tuple[str, str]]) -> None:
    seen = []

    @guarded("script")
    def handler(session: object, args: str) -> None:
        seen.append((session, args))

    handler("session", "args")
    assert seen == [("session", "args")] and lines == []
    assert handler.__name__ == "handler"


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(3), KeyboardInterrupt(), RecursionError("deep")])
def test_no_exception_leaves_a_handler(error: BaseException, lines: list[tuple[str, str]]) -> None:
    @guarded("script")
    def handler() -> None:
        raise error

    handler()
    assert lines[0] == ("err", f"gofax: script: {type(error).__name__}: {error}".rstrip() + "\n")
    assert any("in handler, " in text and "test_guard.py line" in text for _, text in lines)


def test_a_huge_message_and_a_deep_stack_make_two_kilobytes_at_most(lines: list[tuple[str, str]]) -> None:
    @guarded("script")
    def handler(depth: int) -> None:
        def deeper(left: int) -> None:
            if left == 0:
                raise ValueError("ü\udcff\n" * 40_000)
            deeper(left - 1)

        deeper(depth)

    handler(100)
    assert 0 < sum(len(text.encode()) for _, text in lines) <= 2400
    assert all(text.count("\n") == 1 and text.endswith("\n") for _, text in lines)
    assert "in deeper" in lines[1][1]


def test_an_exception_without_a_text_of_its_own_is_reported_too() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    assert report("script", Odd()) == ["script: Odd: (its text raised ValueError)"]


def test_a_log_that_does_not_work_lets_nothing_out_either(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def refuse(level: str, text: str) -> None:
        calls.append(text)
        raise OSError("no log")

    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=refuse))

    @guarded("script")
    def handler() -> None:
        raise RuntimeError("broken")

    handler()
    assert len(calls) == 1
