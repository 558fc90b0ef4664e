"""The stand-in as a program: how it starts, how it ends, and what scripts in it see of their calls."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mocks.esl.probe import Probe, Received, parse_event
from rig.pages import NORMAL, make_tiff, read_pages

TESTS = Path(__file__).parents[1]
DIALPLAN = """<context name="fax">
<extension name="python"><condition field="destination_number" expression="^py-(\\w+)$">
  <action application="python" data="calls::$1"/></condition></extension>
</context>"""
#: The module is reloaded at every call. `calls::name` in the dialplan runs function `name`.
SCRIPT = '''
import time
import freeswitch


def refuse(session, args):
    session.execute("hangup", "CALL_REJECTED")
    time.sleep(0.5)


def busy(session, args):
    session.execute("ring_ready", "")
    freeswitch.API().execute("global_setvar", "busy=yes")
    said = []
    while freeswitch.API().execute("global_getvar", "gone") != "yes":
        time.sleep(0.02)
    unasked = session.getVariable("sip_hangup_disposition")
    while session.ready():
        said.append(str(session.getVariable("sip_hangup_disposition")))
        time.sleep(0.02)
    session.setVariable("said", "%s %s" % (unasked, " ".join(word for word in said if word != "None")))
    session.execute("answer", "")


def receive(session, args):
    session.execute("answer", "")
    session.setVariable("fax_ident", "SCRIPT")
    session.execute("rxfax", session.getVariable("target_file"))
    session.setVariable("cause_in_handler", str(session.getVariable("hangup_cause")))
    session.hangup("NORMAL_CLEARING")
    session.setVariable("alive", str(freeswitch.API().execute("uuid_exists", session.getVariable("uuid"))))


def linger(session, args):
    session.execute("answer", "")
    freeswitch.API().execute("global_setvar", "lingers=yes")
    time.sleep(60)
    freeswitch.API().execute("db", "insert/r/lingered/yes")


def runtime(args):
    consumer = freeswitch.EventConsumer("SHUTDOWN", "")
    freeswitch.API().execute("global_setvar", "watching=yes")
    while consumer.pop(0) is None:
        time.sleep(0.02)
    with open(args, "w") as stream:
        stream.write("stopped cleanly")


def crash(session, args):
    session.setVariable("name", "M\\udcfcller")


def fsapi(session, stream, env, args):
    stream.write("said " + args)
'''


@dataclass(slots=True)
class Program:
    """A running stand-in."""

    process: subprocess.Popen[str]
    port: int
    run_dir: Path

    def end(self, timeout: float = 20) -> int:
        """Wait for the end; the exit status."""
        return self.process.wait(timeout)


class Starter:
    """Starts programs, and kills what a test leaves behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def command(self, tree: dict[str, Any]) -> subprocess.Popen[str]:
        config = self._folder / "standin.yaml"
        config.write_text(yaml.safe_dump({"run_dir": str(self._folder / "run"), **tree}))
        with (self._folder / "err").open("w") as complaints:
            process = subprocess.Popen(
                [sys.executable, "-m", "mocks.standin", "--config", str(config)],
                cwd=TESTS,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        self._started.append(process)
        return process

    def start(self, tree: dict[str, Any]) -> Program:
        process = self.command(tree)
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:1] == ["ready"], (self._folder / "err").read_text()
        return Program(process, int(words[1]), self._folder / "run")

    def clean_up(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    found = Starter(tmp_path)
    yield found
    found.clean_up()


WORLD: dict[str, Any] = {"gateways": {"default": {}}, "far_ends": [{"number": "9..", "does": "fax"}]}


@pytest.fixture
def scripted(tmp_path: Path) -> dict[str, Any]:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "calls.py").write_text(SCRIPT)
    (tmp_path / "plan.xml").write_text(DIALPLAN)
    return {**WORLD, "script_dir": str(scripts), "dialplan": str(tmp_path / "plan.xml")}


def test_it_says_its_port_and_ends_in_order_at_sigterm(starter: Starter) -> None:
    program = starter.start(WORLD)
    assert (program.run_dir / "event_socket.port").read_text() == f"{program.port}\n"
    with Probe(program.port) as probe:
        program.process.send_signal(signal.SIGTERM)
        notice = probe.frame()
        assert notice is not None
        assert notice.body == "The system is being shut down.\n"
    assert program.end() == 0


def test_a_wrong_configuration_is_said_and_status_2(starter: Starter, tmp_path: Path) -> None:
    process = starter.command({"speed": "quick"})
    assert process.wait(20) == 2
    assert "speed: 'quick' is not a number" in (tmp_path / "err").read_text()


def test_a_shutdown_in_mid_call_has_the_events_of_the_real_switch(starter: Starter, tmp_path: Path) -> None:
    make_tiff(str(tmp_path / "three.tif"), 3, dpi=NORMAL)
    program = starter.start({**WORLD, "speed": 10})
    with Probe(program.port) as probe:
        probe.command("event plain CHANNEL_HANGUP CHANNEL_CALLSTATE CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY SHUTDOWN "
                      "CUSTOM spandsp::txfaxnegociateresult spandsp::txfaxresult")  # fmt: skip
        probe.command(f"bgapi originate {{origination_uuid=u}}sofia/gateway/default/902 '&txfax({tmp_path}/three.tif)'")
        probe.events_until(lambda event: event.label == "CUSTOM spandsp::txfaxnegociateresult")
        assert probe.api("fsctl shutdown") == "+OK\n"
        events = probe.events_until(lambda event: event.label == "CHANNEL_DESTROY")
        notice, end = probe.frame(), probe.frame()
    assert [event.label for event in events] == [
        "SHUTDOWN",
        "CHANNEL_HANGUP",
        "CUSTOM spandsp::txfaxresult",
        "CHANNEL_CALLSTATE",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_DESTROY",
    ]
    assert events[0].get("Event-Info") == "System Shutting Down"
    assert {event.get("Hangup-Cause") for event in events[1:]} == {"SYSTEM_SHUTDOWN"}
    assert events[3].get("variable_hangup_cause") == "SYSTEM_SHUTDOWN"
    assert notice is not None and notice.body == "The system is being shut down.\n"
    assert end is None
    assert program.end() == 0


def test_shutdown_now_gives_nobody_a_chance(starter: Starter) -> None:
    program = starter.start(WORLD)
    with Probe(program.port) as probe:
        probe.command("event plain SHUTDOWN")
        probe.send("api fsctl shutdown now\n\n")
        frames = []
        try:
            while (frame := probe.frame()) is not None:
                frames.append(frame.get("Content-Type"))
        except ConnectionResetError:
            frames.append("reset")
    assert "text/event-plain" not in frames
    assert program.end() == 0


def test_a_crash_ends_it_with_status_70(starter: Starter) -> None:
    program = starter.start(WORLD)
    with Probe(program.port) as probe:
        probe.send("api fsctl crash\n\n")
        assert program.end() == 70


def test_mod_db_outlives_the_program(starter: Starter) -> None:
    program = starter.start(WORLD)
    with Probe(program.port) as probe:
        assert probe.api("db insert/r/k/v") == "+OK"
        program.process.kill()
    program.end()
    with Probe(starter.start(WORLD).port) as probe:
        assert probe.api("db select/r/k") == "v"


def test_an_address_outside_the_list_is_sent_away_rudely(starter: Starter) -> None:
    program = starter.start({**WORLD, "event_socket": {"acl": ["192.0.2.1"]}})
    with Probe(program.port, password=None) as probe:
        frame = probe.greeting
    assert frame is not None
    assert (frame.get("Content-Type"), frame.body) == ("text/rude-rejection", "Access Denied, go away.\n")


def test_several_commands_in_one_packet_and_one_in_pieces_are_answered(starter: Starter) -> None:
    program = starter.start(WORLD)
    with socket.create_connection(("127.0.0.1", program.port), 10) as client:
        client.sendall(b"auth ClueCon\n\napi echo one\n\napi ec")
        time.sleep(0.05)
        client.sendall(b"ho two\r\n\r\nexit\n\n")
        text = b""
        while data := client.recv(4096):
            text += data
    assert text.count(b"Content-Type: api/response\nContent-Length: 3\n\n") == 2
    assert b"one" in text and b"two" in text and b"+OK bye" in text


def call(probe: Probe, number: str, variables: str = "", app: str = "&park") -> None:
    extra = f",{variables}" if variables else ""
    probe.command(f"bgapi originate {{origination_uuid=caller{extra}}}sofia/far/{number} '{app}'")


def until(probe: Probe, name: str) -> None:
    """Wait until a script has set that global variable."""
    while probe.api(f"global_getvar {name}") != "yes":
        time.sleep(0.02)


def of_inbound(probe: Probe, label: str) -> Received:
    return probe.events_until(lambda e: e.label == label and e.get("Call-Direction") == "inbound")[-1]


def test_a_refusal_reaches_the_caller_only_when_the_handler_has_returned(
    starter: Starter, scripted: dict[str, Any]
) -> None:
    with Probe(starter.start(scripted).port) as probe:
        probe.command("event plain CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY CHANNEL_EXECUTE_COMPLETE")
        call(probe, "py-refuse")
        events = probe.events_until(lambda e: e.label == "CHANNEL_HANGUP" and e.get("Unique-ID") == "caller")
    order = [(e.label, e.get("Call-Direction"), e.get("Application")) for e in events]
    hangup = ("CHANNEL_HANGUP", "inbound", "")
    returned = ("CHANNEL_EXECUTE_COMPLETE", "inbound", "python")
    refused = ("CHANNEL_HANGUP", "outbound", "")
    assert order.index(hangup) < order.index(returned) < order.index(refused)
    assert events[-1].get("Hangup-Cause") == "CALL_REJECTED"


def test_a_handler_that_is_busy_hears_of_a_cancel_one_message_at_a_time(
    starter: Starter, scripted: dict[str, Any]
) -> None:
    with Probe(starter.start(scripted).port) as probe:
        probe.command("event plain CHANNEL_DESTROY CHANNEL_HANGUP_COMPLETE")
        call(probe, "py-busy")
        until(probe, "busy")    # before, the application that rings would take the messages
        probe.api("uuid_kill caller")
        probe.events_until(lambda e: e.label == "CHANNEL_DESTROY" and e.get("Unique-ID") == "caller")
        probe.api("global_setvar gone=yes")
        end = of_inbound(probe, "CHANNEL_HANGUP_COMPLETE")
    assert end.get("variable_said") == "None recv_cancel", "ready says yes once more after the CANCEL"
    assert end.get("Hangup-Cause") == "ORIGINATOR_CANCEL"


def test_a_handler_receives_a_fax_and_cannot_read_the_cause_of_its_own_hang_up(
    starter: Starter, scripted: dict[str, Any], tmp_path: Path
) -> None:
    make_tiff(str(tmp_path / "two.tif"), 2, dpi=NORMAL)
    with Probe(starter.start(scripted).port) as probe:
        probe.command("event plain CHANNEL_CREATE CHANNEL_HANGUP_COMPLETE")
        probe.api(f"global_setvar target_file={tmp_path}/in.tif")
        call(probe, "py-receive", "fax_ident=SENDER", f"&txfax({tmp_path}/two.tif)")
        end = of_inbound(probe, "CHANNEL_HANGUP_COMPLETE")
    assert end.get("variable_fax_success") == "1"
    assert end.get("variable_fax_remote_station_id") == "SENDER"
    assert (end.get("variable_last_app"), end.get("variable_last_arg")) == ("rxfax", f"{tmp_path}/in.tif")
    assert end.get("variable_cause_in_handler") == "None"
    assert end.get("variable_alive") == "false"
    # the caller hangs up as well when its fax is over, and on a busy machine its BYE may come first
    assert end.get("variable_sip_hangup_disposition") in ("send_bye", "recv_bye")
    assert len(read_pages(str(tmp_path / "in.tif"))) == 2


def test_a_shutdown_waits_for_a_handler_only_so_long(starter: Starter, scripted: dict[str, Any]) -> None:
    program = starter.start({**scripted, "shutdown_wait": 0.5})
    with Probe(program.port) as probe:
        call(probe, "py-linger")
        until(probe, "lingers")
        probe.command("event plain CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE")
        assert probe.api("fsctl shutdown") == "+OK\n"
        ended = []
        while (frame := probe.frame()) is not None and frame.get("Content-Type") != "text/disconnect-notice":
            ended.append(parse_event(frame.body))
    inbound = [event.label for event in ended if event.get("Call-Direction") == "inbound"]
    assert inbound == ["CHANNEL_HANGUP"]
    assert program.end() == 0
    with Probe(starter.start(WORLD).port) as probe:
        assert probe.api("db exists/r/lingered") == "false"


def test_a_startup_script_hears_of_the_shutdown_in_time(
    starter: Starter, scripted: dict[str, Any], tmp_path: Path
) -> None:
    program = starter.start({**scripted, "startup_scripts": [f"calls {tmp_path}/note"]})
    with Probe(program.port) as probe:
        until(probe, "watching")
        probe.api("fsctl shutdown")
    assert program.end() == 0
    assert (tmp_path / "note").read_text() == "stopped cleanly"


def test_the_api_command_python_answers_what_the_script_wrote(starter: Starter, scripted: dict[str, Any]) -> None:
    with Probe(starter.start(scripted).port) as probe:
        assert probe.api("python calls it's 'quoted text' ok") == "said its quoted text' ok"
        assert probe.api("standin gil")


def test_what_would_crash_the_real_switch_ends_the_program_with_status_70(
    starter: Starter, scripted: dict[str, Any], tmp_path: Path
) -> None:
    program = starter.start(scripted)
    with Probe(program.port) as probe:
        call(probe, "py-crash")
        assert program.end() == 70
    assert "crash" in (tmp_path / "err").read_text().lower()
    assert os.path.exists(program.run_dir / "freeswitch.log")
