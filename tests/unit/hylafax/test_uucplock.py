"""UUCP lock files: one owner at a time, stale locks go, others' locks stay."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.uucplock import UUCPLock


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is no more."""
    return int(subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True).stdout)


def later(seconds: float) -> Callable[[], float]:
    return lambda: time.time() + seconds


def test_a_lock_is_written_as_faxq_writes_it(tmp_path: Path) -> None:
    lock = UUCPLock(str(tmp_path), "freeswitch0")
    assert lock.acquire()
    assert os.listdir(tmp_path) == ["LCK..freeswitch0"]
    assert (tmp_path / "LCK..freeswitch0").read_bytes() == b"%10d\n" % os.getpid()
    assert os.stat(tmp_path / "LCK..freeswitch0").st_mode & 0o777 == 0o444
    assert lock.owned_by_me
    lock.release()
    assert os.listdir(tmp_path) == []
    assert not lock.owned_by_me


@pytest.mark.parametrize(("device", "name"), [
    ("freeswitch0", "LCK..freeswitch0"), ("/dev/freeswitch0", "LCK..freeswitch0"), ("term_a", "LCK..a"),
    ("/dev/term_a", "LCK..term_a"),
])
def test_the_file_is_named_as_faxq_names_it(tmp_path: Path, device: str, name: str) -> None:
    assert os.path.basename(UUCPLock(str(tmp_path), device).path) == name


def test_a_second_taker_gets_nothing_while_the_first_lives(tmp_path: Path) -> None:
    first, second = (UUCPLock(str(tmp_path), "freeswitch0", clock=later(3600)) for _ in range(2))
    assert first.acquire() and not second.acquire()
    assert (second.held_by(), second.owned_by_me) == (os.getpid(), False)
    second.release()
    assert first.owned_by_me
    assert first.acquire()
    first.release()
    assert second.acquire()


def test_the_owner_can_be_somebody_else(tmp_path: Path) -> None:
    assert UUCPLock(str(tmp_path), "freeswitch0", pid=1).acquire()
    assert UUCPLock(str(tmp_path), "freeswitch0", clock=later(3600)).held_by() == 1


def test_a_young_lock_of_a_dead_owner_holds(tmp_path: Path, dead: int) -> None:
    assert UUCPLock(str(tmp_path), "freeswitch0", pid=dead).acquire()
    lock = UUCPLock(str(tmp_path), "freeswitch0", clock=later(20))
    assert lock.held_by() == dead
    assert not lock.acquire()


def test_an_old_lock_of_a_dead_owner_is_stale(tmp_path: Path, dead: int) -> None:
    former = UUCPLock(str(tmp_path), "freeswitch0", pid=dead)
    assert former.acquire()
    lock = UUCPLock(str(tmp_path), "freeswitch0", clock=later(31))
    assert lock.held_by() is None
    assert lock.acquire()
    assert (lock.held_by(), former.owned_by_me) == (os.getpid(), False)
    former.release()
    assert lock.owned_by_me


def test_without_a_time_limit_no_lock_is_stale(tmp_path: Path, dead: int) -> None:
    assert UUCPLock(str(tmp_path), "freeswitch0", pid=dead).acquire()
    lock = UUCPLock(str(tmp_path), "freeswitch0", stale_after=0, clock=later(1e6))
    assert lock.held_by() == dead
    assert not lock.acquire()


@pytest.mark.parametrize("contents", [b"", b"garbage", b"         0\n", b"        -1\n", b"9999999999\n", b"\xff" * 10])
def test_a_lock_that_names_nobody_holds_until_it_is_old(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "LCK..freeswitch0").write_bytes(contents)
    assert UUCPLock(str(tmp_path), "freeswitch0").held_by() is not None
    assert not UUCPLock(str(tmp_path), "freeswitch0").acquire()
    assert UUCPLock(str(tmp_path), "freeswitch0", clock=later(31)).acquire()


def test_a_free_modem_is_held_by_nobody(tmp_path: Path) -> None:
    assert UUCPLock(str(tmp_path), "freeswitch0").held_by() is None


def test_of_many_takers_exactly_one_gets_the_lock(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from gofaxpy.hylafax.uucplock import UUCPLock\n"
        "sys.stdin.readline(); print(UUCPLock(sys.argv[2], 'freeswitch0').acquire(), flush=True); sys.stdin.readline()\n"
    )
    library = os.path.join(os.path.dirname(__file__), "..", "..", "..", "lib")
    command = [sys.executable, "-c", script, library, str(tmp_path)]
    takers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write("\n")
        taker.stdin.flush()
    answers = [taker.stdout.readline().strip() for taker in takers if taker.stdout is not None]
    for taker in takers:
        taker.communicate("\n")
    assert sorted(answers) == ["False", "False", "False", "True"]
    assert os.listdir(tmp_path) == ["LCK..freeswitch0"]


def test_a_lock_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="missing: cannot make lock files: No such file"):
        UUCPLock(str(tmp_path / "missing"), "freeswitch0").acquire()


@pytest.mark.parametrize("device", ["", "/dev/", "a\0b"])
def test_what_cannot_be_a_modem_is_refused(tmp_path: Path, device: str) -> None:
    with pytest.raises(SpoolError, match="cannot be the name of a modem"):
        UUCPLock(str(tmp_path), device)


def test_a_lock_of_a_dead_process_that_nobody_has_waited_for_is_stale(tmp_path: Path) -> None:
    process = subprocess.Popen(["/bin/true"])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)      # it has ended, and stays a zombie
        assert UUCPLock(str(tmp_path), "modem", pid=process.pid).acquire()
        os.utime(tmp_path / "LCK..modem", (0, 0))
        assert UUCPLock(str(tmp_path), "modem").held_by() is None
    finally:
        process.wait()
