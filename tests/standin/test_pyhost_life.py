"""How the interpreter begins and ends: with the switch, by an orderly shutdown, by kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import mocks
from mocks.host.bare import BareChannel, BareSwitch, started
from mocks.host.pyhost import HostGone, PythonHost
from rig.rundir import lives, wait_ended

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(mocks.__file__)))

WAITING = """
import freeswitch
def handler(session, args):
    session.execute("wait")
    with open(args, "w") as file:
        file.write("the handler's last line")
def runtime(args):
    freeswitch.Event("CUSTOM", "test::started").fire()
    import time
    while True:
        time.sleep(0.05)
"""


def test_orderly_shutdown_waits_for_a_handler(tmp_path: Path) -> None:
    with started(str(tmp_path), {"waiting": WAITING}) as (_switch, host):
        channel = BareChannel()
        handler = threading.Thread(target=host.application, args=(channel, f"waiting {tmp_path}/end"))
        handler.start()
        assert channel.waiting.wait(20)
        stop = threading.Thread(target=host.stop)
        stop.start()
        channel.hangup("MANAGER_REQUEST")
        stop.join()
        handler.join()
        assert (tmp_path / "end").read_text() == "the handler's last line"
        assert not host.crashed.is_set()


def test_handler_that_outlasts_the_grace_never_reaches_its_last_line(tmp_path: Path) -> None:
    with started(str(tmp_path), {"waiting": WAITING}) as (_switch, host):
        channel = BareChannel()
        ended: list[BaseException] = []

        def carry() -> None:
            try:
                host.application(channel, f"waiting {tmp_path}/end")
            except HostGone as error:
                ended.append(error)

        handler = threading.Thread(target=carry)
        handler.start()
        assert channel.waiting.wait(20)
        host.stop(grace=0.1, thread_grace=0.1)
        channel.release.set()
        handler.join()
        assert len(ended) == 1
        assert not (tmp_path / "end").exists()
        assert not host.crashed.is_set()


def test_script_outside_calls_is_killed_at_the_end_and_that_is_no_crash(tmp_path: Path) -> None:
    with started(str(tmp_path), {"waiting": WAITING}) as (switch, host):
        up = threading.Event()
        switch.subscribe("CUSTOM", "test::started", lambda _event: up.set())
        host.thread("waiting")
        assert up.wait(20)
        host.stop(grace=0.1, thread_grace=0.1)
        assert not os.path.exists(f"/proc/{host.pid}")
        assert not host.crashed.is_set()
        with pytest.raises(HostGone):
            host.api("waiting")


PARENT = """
import os, sys, threading
from mocks.host.bare import BareSwitch, PythonHost
host = PythonHost(BareSwitch(), script_dir=os.getcwd(), run_dir=os.getcwd())
starter = threading.Thread(target=host.start)
starter.start()
starter.join()
threading.Thread(target=host.api, args=("holding",), daemon=True).start()
while not host.gil.now():
    pass
print(host.pid, flush=True)
sys.stdin.read()
"""


def test_kill_of_the_switch_takes_the_interpreter_along_even_while_it_stands_still(tmp_path: Path) -> None:
    script = "import freeswitch\ndef fsapi(session, stream, env, args):\n    freeswitch.msleep(100000)\n"
    (tmp_path / "holding.py").write_text(script)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": TESTS},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert lives(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert wait_ended(pid, 20), "the interpreter survived the switch"


def test_interrupt_from_the_terminal_is_the_switchs_business(tmp_path: Path) -> None:
    script = "def fsapi(session, stream, env, args):\n    stream.write('alive')\n"
    with started(str(tmp_path), {"alive": script}) as (_switch, host):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(host.pid, number)
        assert host.api("alive") == "alive"
        assert not host.crashed.is_set()


@pytest.mark.parametrize(("python", "reason"), [("/no/such/python", "No such file"), ("/bin/false", "status 1")])
def test_interpreter_that_cannot_start_is_an_error_of_start(tmp_path: Path, python: str, reason: str) -> None:
    host = PythonHost(BareSwitch(), script_dir=str(tmp_path), run_dir=str(tmp_path), python=python)
    with pytest.raises(RuntimeError, match=reason):
        host.start()
    assert not host.crashed.is_set()
    host.stop(0, 0)


def test_scripts_cannot_be_run_before_the_start(tmp_path: Path) -> None:
    host = PythonHost(BareSwitch(), script_dir=str(tmp_path), run_dir=str(tmp_path))
    with pytest.raises(HostGone, match="not started"):
        host.api("x")
