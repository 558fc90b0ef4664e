"""What joins calls, supervisor and operator: messages for faxq, the wakeup, calls without progress, messages for syslog."""

from __future__ import annotations

import os
import resource
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gofaxpy import operatorlog
from gofaxpy.calls.registry import NEGOTIATE, PAGE, RESULT, Calls
from gofaxpy.calls.wakeup import Wakeup
from gofaxpy.config.keys import Log
from gofaxpy.modems.faxq import MOST, FaxqMessages

LIBRARY = str(Path(__file__).parents[3] / "lib")
LATE = """
import os, sys
from types import SimpleNamespace
sys.modules["freeswitch"] = SimpleNamespace(consoleLog=lambda level, text: None)
others = [os.open(os.devnull, os.O_RDONLY) for _ in range(1030)]
from gofaxpy.calls.wakeup import WAKEUP
from gofaxpy.supervisor.loop import Supervisor
assert WAKEUP.fileno() > 1023
supervisor = Supervisor(SimpleNamespace(next=lambda: None), None)
WAKEUP.wake()
supervisor.step()
"""


@pytest.fixture
def fifo(tmp_path: Path) -> tuple[str, int]:
    path = str(tmp_path / "FIFO")
    os.mkfifo(path)
    return path, os.open(path, os.O_RDWR | os.O_NONBLOCK)


def test_messages_for_faxq_never_leave_more_than_one_read_of_faxqs_in_the_fifo(fifo: tuple[str, int]) -> None:
    path, reader = fifo
    messages = FaxqMessages()
    sent = [f"+freeswitch{number}:N{'9' * 100}" for number in range(60)]
    for message in sent:
        messages.put(path, message)
    seen: list[str] = []
    while len(messages):
        messages.flush()
        octets = os.read(reader, 65536)
        assert len(octets) <= 2047 and octets.endswith(b"\0")
        seen += octets.decode().split("\0")[:-1]
    assert seen == sent


def test_messages_are_kept_apart_by_spool_and_one_that_cannot_be_sent_is_dropped(fifo: tuple[str, int], tmp_path: Path) -> None:
    path, reader = fifo
    messages = FaxqMessages()
    messages.put(str(tmp_path / "nobody"), "lost")
    messages.put(path, "x" * 3000)
    messages.put(path, "kept")
    messages.flush()
    assert os.read(reader, 100) == b"kept\0" and len(messages) == 0


def test_the_oldest_messages_go_for_a_faxq_that_does_not_read(fifo: tuple[str, int]) -> None:
    path, reader = fifo
    os.write(reader, b"x" * 2047)
    messages = FaxqMessages()
    for number in range(MOST + 10):
        messages.put(path, str(number))
    messages.flush()
    assert len(messages) == MOST
    os.read(reader, 4096)
    messages.flush()
    assert os.read(reader, 4096).startswith(b"10\0")


def test_messages_are_kept_while_there_are_no_descriptors(fifo: tuple[str, int]) -> None:
    path, reader = fifo
    messages = FaxqMessages()
    messages.put(path, "+freeswitch0:R")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(reader)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        messages.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    messages.flush()
    assert os.read(reader, 100) == b"+freeswitch0:R\0"


def test_descriptors_of_a_busy_switch_may_have_high_numbers(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": LIBRARY, "GOFAX_CONFIG": str(tmp_path / "none.yaml")}
    done = subprocess.run([sys.executable, "-c", LATE], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bell_that_rang_often_is_heard_once() -> None:
    wakeup = Wakeup()
    assert select.select([wakeup.fileno()], [], [], 0)[0] == []
    wakeup.wake()
    wakeup.wake()
    assert select.select([wakeup.fileno()], [], [], 0)[0] == [wakeup.fileno()]
    wakeup.clear()
    wakeup.clear()
    assert select.select([wakeup.fileno()], [], [], 0)[0] == []


def test_a_call_without_progress_is_told_of_once_in_its_limit_and_events_are_progress() -> None:
    calls = Calls()
    with calls.watch("a", limit=10) as seen, calls.watch("b"):
        now = seen.progress_at
        assert calls.stuck(now + 10) == [] and calls.stuck(now + 11) == ["a"]
        assert calls.stuck(now + 12) == [] and calls.stuck(now + 22) == ["a"]
        calls.take("a", NEGOTIATE[0], {})
        calls.take("a", PAGE[0], {"fax-bad-rows": "3"})
        calls.take("a", PAGE[0], {"fax-bad-rows": "many"})
        calls.take("a", PAGE[0], {"fax-bad-rows": "4"})
        assert (seen.negotiations, seen.bad_rows, seen.over.is_set()) == (1, 7, False)
        calls.take("a", RESULT[0], {})
        assert seen.over.is_set() and calls.stuck(now + 5) == []
    assert not calls.watched


def test_modems_of_two_spools_are_two_modems() -> None:
    calls = Calls()
    with calls.on_modem("/a", "freeswitch0", "one"), calls.on_modem("/b", "freeswitch0", "two"):
        assert (calls.on("/a", "freeswitch0"), calls.on("/b", "freeswitch0")) == ("one", "two")
    assert calls.on("/a", "freeswitch0") == "" and calls.finished == 2


@pytest.mark.parametrize(("level", "text", "wanted"), [
    ("info", "RECV FAX: end", b"<30>Nov 23 22:40:00 gofax[7]: RECV FAX: end"),
    ("err", "two\nlines\x1b[31m", b"<27>Nov 23 22:40:00 gofax[7]: two lines [31m"),
    ("debug", "x", b""), ("nonsense", "ü", "<30>Nov 23 22:40:00 gofax[7]: ü".encode()),
    ("notice", "\udcff", b"<29>Nov 23 22:40:00 gofax[7]:  "),
])
def test_a_message_for_syslog(monkeypatch: pytest.MonkeyPatch, level: str, text: str, wanted: bytes) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert operatorlog.datagram(Log(), level, text, 1795473600, 7) == wanted


def test_long_messages_are_cut_and_facility_and_level_are_configured() -> None:
    data = operatorlog.datagram(Log(syslog_facility="local3", level="debug"), "debug", "x" * 9000, 0, 1)
    assert len(data) == operatorlog.MAX_OCTETS and data.startswith(b"<159>")


def test_a_syslog_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(path)
        for _ in range(2000):
            operatorlog.send(Log(), "err", "x" * 1000, path)
    operatorlog.send(Log(), "err", "nobody", path + ".gone")
