"""The switch: everything it consists of, and what its parts and the scripts may ask of it.

It is a small FreeSWITCH: channels with a thread each, events, applications, API commands, mod_db, an event socket, an
embedded Python interpreter, and far ends that answer its calls.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid as uuid_module
from collections.abc import Callable
from typing import Protocol

from mocks.api.commands import Apis
from mocks.api.moddb import ModDb
from mocks.api.xml import write_fsxml
from mocks.channel import lifecycle
from mocks.channel.applications import Application, Applications
from mocks.channel.causes import cause_name
from mocks.channel.channel import Channel
from mocks.channel.faxapp import APPLICATIONS
from mocks.channel.states import State
from mocks.channel.variables import whole_number
from mocks.config import Config
from mocks.esl.bus import EventBus, Identity, Origin
from mocks.esl.event import Event
from mocks.host.mishap import Mishaps
from mocks.line import Clock
from mocks.scheduler import Scheduler
from mocks.sip.dialplan import Dialplan
from mocks.sip.originate import Outcome, originate
from mocks.switchlog import CRIT, ERR, SwitchLog

MAX_SESSIONS = 1000
SESSIONS_PER_SECOND = 1000


class Interpreter(Protocol):
    """The embedded Python, as the switch uses it."""

    def application(self, channel: Channel, data: str) -> None:
        """The application `python`."""

    def api(self, args: str, session_uuid: str | None = None) -> str:
        """The API command `python`."""

    def thread(self, args: str) -> None:
        """The API command `pyrun`."""

    def gil_report(self) -> str:
        """Who held the interpreter's lock."""

    @property
    def mishaps(self) -> Mishaps:
        """What befalls events on their way to scripts."""


class Switch:
    """One running switch, without its event socket and interpreter, which are attached from outside."""

    def __init__(self, config: Config) -> None:
        os.makedirs(config.run_dir, exist_ok=True)
        self.config = config
        self.log = SwitchLog(os.path.join(config.run_dir, "freeswitch.log"))
        hostname = config.globals.get("hostname", socket.gethostname())
        self.identity = Identity(str(uuid_module.uuid4()), hostname)
        self.globals = {"hostname": hostname, "core_uuid": self.identity.core_uuid, "local_ip_v4": "127.0.0.1"}
        self.globals |= {name: config.run_dir for name in ("conf_dir", "db_dir", "log_dir")}     # all in one here
        self.globals.update(config.globals)
        self.bus = EventBus(self.identity, lambda text: self.log.write(ERR, text))
        self.clock = Clock(config.speed)
        self.scheduler = Scheduler(self.clock, lambda text: self.log.write(ERR, text))
        self.db = ModDb(os.path.join(config.run_dir, "mod_db.sqlite"))
        self.gateways = dict(config.gateways)
        self.interpreter: Interpreter | None = None
        self.dialplan = Dialplan(config.dialplan, config.context)
        problem = self.dialplan.reload()
        if problem:
            self.log.write(ERR, problem)
        self.applications = Applications(self)
        for name, application in APPLICATIONS.items():
            if "mod_spandsp" not in config.absent_modules:
                self.applications.add(name, application)
        self.applications.add("python", Application(self._python))
        self.apis = Apis(self)
        write_fsxml(self)
        self.started = time.time()
        self.sessions_total = 0
        self.sessions_peak = 0
        self.paused: set[str] = set()       # directions in which no calls are made any more (`fsctl pause`, the end)
        self.max_sessions = MAX_SESSIONS
        self.sessions_per_second = SESSIONS_PER_SECOND
        self.min_idle_cpu = 0.0
        self.verbose_events = False
        self.shutdown_requested = threading.Event()
        self.exit_now = False
        self.crash_reason = ""
        self._channels: dict[str, Channel] = {}
        self._gateway_calls: dict[str, tuple[int, int]] = {}
        self._changed = threading.Condition()

    # --- channels ---

    def new_channel(self, direction: str, uuid: str | None = None) -> Channel | None:
        """A channel in the table, not yet running; None when the UUID is taken or no more sessions are allowed."""
        with self._changed:
            name = uuid or str(uuid_module.uuid4())
            if name in self._channels or self._no_more_sessions(direction):
                return None
            self.sessions_total += 1
            channel = Channel(self, name, direction, self.sessions_total)
            self._channels[name] = channel
            self.sessions_peak = max(self.sessions_peak, len(self._channels))
            return channel

    @property
    def no_new_sessions(self) -> bool:
        """Whether it is paused in both directions (`switch_core_ready`)."""
        return len(self.paused) == 2

    @no_new_sessions.setter
    def no_new_sessions(self, wanted: bool) -> None:
        self.paused = {"inbound", "outbound"} if wanted else set()

    def _no_more_sessions(self, direction: str) -> bool:
        """What `switch_core_session_request_uuid` refuses, in its order; the log says which."""
        if direction in self.paused:
            self.log.write(CRIT, f"The system cannot create any {direction} sessions at this time.")
        elif self.min_idle_cpu >= 100:      # all the processor idle at all times: there is no such machine
            pass                            # it says nothing there
        elif self.sessions_per_second <= 1:     # `--sps <= 0`: a limit of 1 lets nobody through
            self.log.write(CRIT, f"Throttle Error! {len(self._channels)}")
        elif len(self._channels) >= self.max_sessions:
            self.log.write(CRIT, f"Over Session Limit! {self.max_sessions}")
        else:
            return False
        return True

    def start(self, channel: Channel) -> None:
        """Let a new channel live, in a thread of its own."""
        channel.set_state(State.INIT)
        channel.thread = threading.Thread(
            target=lifecycle.run, args=(channel,), name=f"channel {channel.uuid}", daemon=True
        )
        channel.thread.start()

    def abandon(self, channel: Channel) -> None:
        """Destroy a channel that never started."""
        lifecycle.destroy(channel)

    def forget(self, channel: Channel) -> None:
        """Take a channel out of the table."""
        with self._changed:
            self._channels.pop(channel.uuid, None)
            self._changed.notify_all()

    def channels(self) -> list[Channel]:
        """All channels, also those that are hung up and whose handlers still run."""
        with self._changed:
            return list(self._channels.values())

    def channel(self, uuid: str) -> Channel | None:
        """A channel, hung up or not."""
        with self._changed:
            return self._channels.get(uuid)

    def locate(self, uuid: str) -> Channel | None:
        """A channel that is not hung up (`switch_core_session_locate`)."""
        channel = self.channel(uuid)
        return channel if channel is not None and channel.up() else None

    def wait_for_channels(self, seconds: float) -> bool:
        """Wait until all channels are gone; False after so many seconds of real time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._channels, seconds)

    def hangup_all(self, cause: str) -> None:
        """Hang up every channel."""
        for channel in self.channels():
            channel.hangup(cause)

    def schedule_hangup(self, uuid: str, when: str, cause: str = "ALLOTTED_TIMEOUT", *_: str) -> bool:
        """`sched_hangup`: `+SECONDS` (line time) or a Unix time; False when there is no such channel."""
        channel = self.locate(uuid)
        if channel is None:
            return False
        seconds = whole_number(when[1:]) if when.startswith("+") else whole_number(when) - time.time()
        name = cause_name(cause)
        if whole_number(when[1:]) == 0:
            channel.hangup(name)
        else:
            self.scheduler.after(seconds, lambda: channel.hangup(name))
        return True

    def originate(
        self, dialstring: str, timeout: int, caller_name: str | None = None, caller_number: str | None = None
    ) -> Outcome:
        """Dial; see `originate.originate`."""
        return originate(self, dialstring, timeout, caller_name, caller_number)

    def gateway_calls(self, name: str) -> tuple[int, int]:
        """How many calls went out through a gateway, and how many of them were never answered."""
        with self._changed:
            return self._gateway_calls.get(name, (0, 0))

    def count_gateway_call(self, name: str, answered: bool) -> None:
        """Note the end of a call through a gateway."""
        with self._changed:
            made, failed = self._gateway_calls.get(name, (0, 0))
            self._gateway_calls[name] = (made + 1, failed + (not answered))

    def crash(self, reason: str) -> None:
        """What would have ended the real switch without a word: the main program ends with status 70."""
        self.crash_reason = self.crash_reason or reason
        self.shutdown_requested.set()

    def _python(self, channel: Channel, data: str) -> None:
        if self.interpreter is None:
            channel.log(ERR, "mod_python3 is not loaded")
            return
        channel.signals.enter_script(True)
        try:
            self.interpreter.application(channel, data)
        finally:
            channel.signals.enter_script(False)

    # --- what scripts may ask ---

    def api(self, command: str, args: str, channel: Channel | None = None) -> str:
        """Run an API command; its output, `INVALID COMMAND!` for an unknown one."""
        reply = self.apis.execute(command, args, channel)
        return "INVALID COMMAND!\n" if reply is None else reply

    def originate_for_session(self, dialstring: str) -> tuple[Channel | None, str]:
        """`freeswitch.Session("dialstring")`: the answered channel and SUCCESS, or None and the cause."""
        outcome = self.originate(dialstring, 60)
        if outcome.channel is not None:
            outcome.channel.let_go()
        return outcome.channel, outcome.cause

    def write_log(self, level: int, text: str) -> None:
        """A log line of a script."""
        self.log.write(level, text)

    def subscribe(
        self, event_name: str, subclass: str | None, sink: Callable[[Event], None]
    ) -> Callable[[], None]:
        """Hand events to `sink`; returns what ends that."""
        return self.bus.subscribe(event_name, subclass, sink)

    def fire(self, event: Event) -> None:
        """Fire an event made by a script or a client."""
        self.bus.fire(event, Origin("switch_cpp.cpp", "fire", 394))

    def close(self) -> None:
        """Stop the threads and close the files. Calls that still run are left to themselves."""
        self.scheduler.close()
        self.bus.close()
        self.db.close()
        self.log.close()


class Services:
    """What the interpreter sees of the switch (`mocks.host.seam.SwitchServices`)."""

    def __init__(self, switch: Switch) -> None:
        self.api = switch.api
        self.channel = switch.channel
        self.originate_for_session = switch.originate_for_session
        self.log = switch.write_log
        self.subscribe = switch.subscribe
        self.fire = switch.fire
