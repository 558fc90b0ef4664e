"""Hook scripts: what they are given, what they may say, and that none of them can hold up a call."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gofaxpy.hooks import MAX_OUTPUT, run


def command_lines() -> Iterator[bytes]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):      # it may have ended meanwhile
                yield Path("/proc", name, "cmdline").read_bytes()


@pytest.fixture
def script(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(text: str) -> str:
        path = tmp_path / "hook"
        path.write_text(text)
        path.chmod(0o755)
        return "hook"

    return write


def test_arguments_arrive_as_they_are(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    nasty = ["a b", "'; id", "$(id)", '"', "M\udcfcller", "new\nline", ""]
    result = run(script('#!/bin/sh\nfor word; do printf "[%s]" "$word"; done\n'), nasty, str(tmp_path), 5)
    assert result.problem == ""
    assert result.output == "".join(f"[{word}]" for word in nasty)


def test_a_status_other_than_zero_is_a_problem_and_the_output_is_kept(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    result = run(script("#!/bin/sh\necho RejectCall: true\nexit 3\n"), [], str(tmp_path), 5)
    assert (result.status, result.output) == (3, "RejectCall: true\n")
    assert "status 3" in result.problem


def test_a_script_that_hangs_is_killed_with_all_it_started(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    seconds = str(90000 + os.getpid())      # not to be taken for a script of another run on this machine
    result = run(script(f"#!/bin/sh\nsleep {seconds} &\nsleep {seconds}\n"), [], str(tmp_path), 0.3)
    assert "not ended in time" in result.problem
    deadline = time.monotonic() + 10        # the signal is sent, but a busy machine takes its time over it
    while f"sleep\0{seconds}\0".encode() in set(command_lines()):
        assert time.monotonic() < deadline, "the script's children live on"
        time.sleep(0.05)


def test_endless_output_is_cut(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    result = run(script("#!/bin/sh\nexec yes\n"), [], str(tmp_path), 20)
    assert len(result.output) == MAX_OUTPUT and "prints more" in result.problem


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in run("none", [], str(tmp_path), 1).problem


def test_the_stack_limit_is_the_usual_one(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    assert run(script("#!/bin/sh\nulimit -S -s\n"), [], str(tmp_path), 5).output == "8192\n"


def test_the_environment_is_small(tmp_path: Path, script, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("GOFAX_CONFIG", "/secret")
    output = run(script("#!/usr/bin/env sh\nenv\n"), [], str(tmp_path), 5).output
    assert "GOFAX" not in output and "PATH=" in output and os.environ["GOFAX_CONFIG"]


def test_what_a_script_writes_is_for_its_user_only(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    before = os.umask(0)
    try:
        assert run(script("#!/bin/sh\n> written\n"), [], str(tmp_path), 5).problem == ""
    finally:
        os.umask(before)
    assert os.stat(tmp_path / "written").st_mode & 0o777 == 0o600


def test_no_text_is_too_odd_to_be_an_argument(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    assert run(script('#!/bin/sh\nprintf "[%s]" "$@"\n'), ["\ud800", "\0", "-n"], str(tmp_path), 5).output == "[?][][-n]"
    assert "cannot be executed" in run("\ud800", [], str(tmp_path), 5).problem


def test_a_process_with_more_than_a_thousand_descriptors_asks_as_well(tmp_path: Path, script) -> None:  # type: ignore[no-untyped-def]
    name = script("#!/bin/sh\necho RejectCall: true\n")
    with contextlib.ExitStack() as many:
        for _ in range(1030):
            many.enter_context(open(os.devnull, "rb"))
        result = run(name, [], str(tmp_path), 5)
    assert (result.output, result.problem) == ("RejectCall: true\n", "")
