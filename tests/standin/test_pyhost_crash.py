"""What crashes the real switch ends the stand-in: status 70, a loud message with the call, the reason and the line.

The program is `mocks.host.bare`, a switch with nothing in it; its call has a station identification in Latin-1.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mocks
from mocks.host.bare import BareChannel, started
from mocks.host.pyhost import HostGone

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(mocks.__file__)))

SCRIPT = """
import freeswitch
def handler(session, args):
    name = session.getVariable("fax_remote_station_id")
    {line}
    freeswitch.consoleLog("notice", "STILL ALIVE")
def fsapi(session, stream, env, args):
    name = "M" + chr(0xDCFC) + "ller"
    {line}
    freeswitch.consoleLog("notice", "STILL ALIVE")
"""


def run(directory: Path, line: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the program with a script that does `line`."""
    (directory / "probe.py").write_text(SCRIPT.replace("{line}", line))
    return subprocess.run(
        [sys.executable, "-m", "mocks.host.bare", *options, str(directory), "probe"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": TESTS},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


IN_CALLS = [
    ("session.setVariable('gofax_csi', name)", "session.setVariable: argument 3"),
    ("session.setVariable(name, 'x')", "session.setVariable: argument 2"),
    ("session.getVariable(name)", "session.getVariable: argument 2"),
    ("session.execute('set', 'csi=' + name)", "session.execute: argument 3"),
    ("session.consoleLog('notice', name)", "session.consoleLog: argument 3"),
    ("session.hangup(name)", "session.hangup: argument 2"),
    ("freeswitch.consoleLog('notice', name)", "consoleLog: argument 2"),
    ("freeswitch.API().execute('db', 'insert/a/b/' + name)", "API.execute: argument 3"),
    ("freeswitch.API().executeString('echo ' + name)", "API.executeString: argument 2"),
    ("freeswitch.Event('CUSTOM', name)", "new.Event: argument 2"),
    ("freeswitch.Event('CUSTOM', 'a::b').addHeader('name', name)", "event.addHeader: argument 3"),
    ("freeswitch.Event('CUSTOM', 'a::b').addBody(name)", "event.addBody: argument 2"),
    ("freeswitch.EventConsumer('CUSTOM', name)", "new.EventConsumer: argument 2"),
    ("freeswitch.setGlobalVariable('csi', name)", "setGlobalVariable: argument 2"),
    ("freeswitch.Session(name)", "new.Session: argument 1"),
    ("raise ValueError(name)", "escaping exception: the message of ValueError is not UTF-8"),
    ("raise ValueError('x' * 40000)", "escaping exception: ValueError with"),
    ("session.setHangupHook(lambda session, what: None)", "session.setHangupHook: "),
    ("freeswitch.Event('CUSTOM', 'a::b').addHeader(None, 'x')", "event.addHeader: the name of the header is None"),
]


@pytest.mark.parametrize(("line", "message"), IN_CALLS)
def test_what_segfaults_the_real_switch_ends_the_program_with_70(tmp_path: Path, line: str, message: str) -> None:
    done = run(tmp_path, line, "--call")
    assert done.returncode == 70, done.stderr
    assert "*** CRASH: the real switch would be gone now ***" in done.stderr
    assert message in done.stderr
    assert "STILL ALIVE" not in done.stderr
    if not line.startswith("raise"):
        assert f"at {tmp_path}/probe.py:5 in handler" in done.stderr


def test_stream_of_an_api_command_takes_no_surrogates_either(tmp_path: Path) -> None:
    done = run(tmp_path, "stream.write(name)")
    assert done.returncode == 70
    assert "stream.write: argument 2" in done.stderr
    assert f"at {tmp_path}/probe.py:9 in fsapi" in done.stderr


def test_text_that_is_utf8_harms_nobody(tmp_path: Path) -> None:
    done = run(tmp_path, "session.setVariable('csi', 'Müller 🖷' + ascii(name))", "--call")
    assert (done.returncode, "STILL ALIVE" in done.stderr) == (0, True)


def test_crash_from_a_thread_of_a_script_counts_too(tmp_path: Path) -> None:
    line = "import threading; t = threading.Thread(target=freeswitch.consoleLog, args=('info', name)); t.start(); t.join()"
    done = run(tmp_path, line, "--call")
    assert done.returncode == 70
    assert "consoleLog: argument 2" in done.stderr


def test_waiting_callers_hear_of_the_crash_after_the_switch_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = "def handler(session, args):\n    session.setHangupHook(print)\n"
    with started(str(tmp_path), {"hook": script}) as (switch, host):
        with pytest.raises(HostGone, match="setHangupHook"):
            host.application(BareChannel(), "hook")
        assert host.crashed.is_set()
        assert "issue 2267" in host.crash_reason
        assert any(level == 1 and "setHangupHook" in text for level, text in switch.lines)
        with pytest.raises(HostGone):
            host.api("hook")
    assert "*** CRASH" in capsys.readouterr().err
