"""Calls that keep the interpreter lock stop all Python of the switch and are reported; the others do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mocks.esl.event import Event
from mocks.host.bare import BareChannel, BareSwitch, started
from mocks.host.gil import GilWatch
from mocks.host.pyhost import ChannelLike, Quirks

SCRIPT = """
import freeswitch
def ping(session, stream, env, args):
    stream.write("pong")
def handler(session, args):
    eval(args)
"""

HOLDING = [
    ("session.answer()", "session.answer"),
    ("session.preAnswer()", "session.preAnswer"),
    ('freeswitch.Session("sofia/far/1000")', "freeswitch.Session(dialstring)"),
    ('freeswitch.API().execute("originate", "x")', "API.execute(originate)"),
    ('freeswitch.API().executeString("originate x")', "API.execute(originate)"),
    ('freeswitch.EventConsumer("SHUTDOWN").pop(1)', "EventConsumer.pop"),
    ('freeswitch.EventConsumer("SHUTDOWN").pop(1, 60000)', "EventConsumer.pop"),
]

RELEASING = [
    'session.execute("playback", "x")',
    "session.sleep(60000)",
    'session.streamFile("x")',
    'session.hangup("USER_BUSY")',
    'session.transfer("1")',
]


class Blocked:
    """A call whose every long operation blocks, also those of the switch around it, until `release`."""

    def __init__(self, switch: BareSwitch) -> None:
        self.channel = switch.add_channel(BareChannel())
        self.channel.blocking = {"answer", "pre_answer", "playback", "sleep", "transfer", "hangup"}
        self.switch = switch
        switch.commands["originate"] = lambda _args: str(self._block())
        switch.dial["sofia/far/1000"] = self._dial

    def _block(self) -> bool:
        self.channel.waiting.set()
        return self.channel.release.wait()

    def _dial(self) -> tuple[ChannelLike | None, str]:
        self._block()
        return None, "NO_ANSWER"

    def release(self) -> None:
        self.channel.release.set()
        self.switch.fire(Event("SHUTDOWN"))


def quoted(call: str) -> str:
    """`call` as an argument that survives the switch's splitter."""
    return "gil " + call.replace("'", "\\'").replace(" ", "\\s")


@pytest.mark.parametrize(("call", "name"), HOLDING)
def test_call_that_keeps_the_lock_stops_every_other_script(tmp_path: Path, call: str, name: str) -> None:
    with started(str(tmp_path), {"gil": SCRIPT}) as (switch, host):
        blocked = Blocked(switch)
        handler = threading.Thread(target=host.application, args=(blocked.channel, quoted(call)))
        handler.start()
        wait_until(lambda: host.gil.now() == [name])
        answers: list[str] = []
        ping = threading.Thread(target=lambda: answers.append(host.api("gil::ping")))
        ping.start()
        ping.join(0.3)
        assert answers == []
        blocked.release()
        handler.join()
        ping.join()
        assert answers == ["pong"]
        assert host.gil_counts()[name].count == 1
        assert name in host.gil_report()
        warnings = [text for level, text in switch.lines if level == 4]
        assert any(f"by {name} in gil::handler of call {blocked.channel.uuid}" in text for text in warnings)


def wait_until(condition: Callable[[], bool]) -> None:
    """Look every 5 ms until the condition holds; fails after 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("call", RELEASING)
def test_call_that_releases_the_lock_lets_other_scripts_run(tmp_path: Path, call: str) -> None:
    with started(str(tmp_path), {"gil": SCRIPT}) as (switch, host):
        blocked = Blocked(switch)
        handler = threading.Thread(target=host.application, args=(blocked.channel, quoted(call)))
        handler.start()
        assert blocked.channel.waiting.wait(20)
        assert host.api("gil::ping") == "pong"
        assert handler.is_alive()
        blocked.release()
        blocked.channel.hangup("NORMAL_CLEARING")
        handler.join()
        assert host.gil_counts() == {}


TICKING = """
import freeswitch, threading, time
def fsapi(session, stream, env, args):
    ticks, enough = [], threading.Event()
    def tick():
        while not enough.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)
    thread = threading.Thread(target=tick)
    thread.start()
    while len(ticks) < 3:
        time.sleep(0.001)
    freeswitch.msleep(200)
    seen = len(ticks)
    while len(ticks) < seen + 3:
        time.sleep(0.001)
    enough.set(); thread.join()
    stream.write(str(max(after - before for before, after in zip(ticks, ticks[1:])) >= 0.2))
"""


def test_msleep_stops_threads_of_scripts_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    with started(str(tmp_path), {"ticking": TICKING}) as (_switch, host):
        assert host.api("ticking") == "True"
        holds = host.gil_counts()["freeswitch.msleep"]
        assert (holds.count, holds.longest >= 0.2) == (1, True)


def test_builds_with_the_patched_wrapper_release_the_lock_in_pop(tmp_path: Path) -> None:
    with started(str(tmp_path), {"gil": SCRIPT}, Quirks(pop_holds_lock=False)) as (switch, host):
        blocked = Blocked(switch)
        call = quoted('freeswitch.EventConsumer("SHUTDOWN").pop(1)')
        handler = threading.Thread(target=host.application, args=(blocked.channel, call))
        handler.start()
        wait_until(lambda: switch.listeners() == 1)
        assert host.api("gil::ping") == "pong"
        blocked.release()
        handler.join()
        assert host.gil_counts() == {}


def test_only_holds_that_last_are_counted_and_one_that_does_not_end_is_reported_once() -> None:
    now = [100.0]
    lines: list[tuple[int, str]] = []
    watch = GilWatch(lambda level, text: lines.append((level, text)), clock=lambda: now[0])
    with watch.hold("API.execute(db)", "a::b"):
        now[0] += 0.019
    assert (lines, watch.counts(), watch.report()) == ([], {}, "")
    with watch.hold("freeswitch.msleep", "a::b"):
        now[0] += 4
        watch.check()
        assert lines == []
        now[0] += 3
        watch.check()
        watch.check()
        assert [(level, text.partition(":")[0]) for level, text in lines] == [
            (3, "GIL held for 7 s and still held by freeswitch.msleep in a")
        ]
    assert lines[1:] == [
        (4, "GIL held for 7.00 s by freeswitch.msleep in a::b: all Python of the switch stood still")
    ]
    assert watch.report() == "freeswitch.msleep: 1 times, 7.00 s in all, 7.00 s at most\n"


def test_python_called_through_the_api_of_a_script_never_returns(tmp_path: Path) -> None:
    script = """
import freeswitch
def fsapi(session, stream, env, args):
    stream.write(freeswitch.API().execute("python", "gil::ping"))
"""
    with started(str(tmp_path), {"gil": SCRIPT, "nested": script}) as (switch, host):
        asked = threading.Event()

        def python(args: str) -> str:
            asked.set()
            return host.api(args)

        switch.commands["python"] = python

        def call() -> None:
            with pytest.raises(ConnectionError):
                host.api("nested")

        thread = threading.Thread(target=call)
        thread.start()
        assert asked.wait(20)
        thread.join(0.3)
        assert thread.is_alive()
        host.stop(0, 0)
        thread.join()
