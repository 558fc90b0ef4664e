"""A channel: one leg of a call with its variables, states and events.

Source: FreeSWITCH `src/switch_channel.c`. What a state makes the channel do is in `lifecycle`; SIP is in `sofia`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mocks.channel.events import ORIGINS, UNKNOWN, WITH_VARIABLES, basic_headers
from mocks.channel.signals import Signals
from mocks.channel.states import CallState, State
from mocks.channel.variables import Variables, mentions_variable
from mocks.esl.bus import Origin
from mocks.esl.event import Event
from mocks.sip.profile import CallerProfile, micros
from mocks.switchlog import CRIT, NOTICE

if TYPE_CHECKING:
    from mocks.sip.sofia import Endpoint
    from mocks.switch import Switch


class Channel:
    """One leg. Everything may be called from any thread; `lock` guards state, flags, variables and profile."""

    def __init__(self, switch: Switch, uuid: str, direction: str, session_id: int) -> None:
        self.switch = switch
        self.uuid = uuid
        self.direction = direction
        self.session_id = session_id
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.hungup = threading.Event()
        self.watchers: list[threading.Event] = []
        self.signals = Signals()
        self.current_state = State.NEW
        self.running_state = State.NONE
        self.callstate = CallState.DOWN
        self.cause = ""
        self.name = "N/A"
        self.profile: CallerProfile | None = None
        self.endpoint: Endpoint | None = None
        self.extension: list[tuple[str, str]] = []
        self.last_app: tuple[str, str] | None = None
        self.flag_answered = False
        self.flag_early_media = False
        self.flag_ring_ready = False
        self.flag_dialplan = direction == "inbound"
        self.waiting = False
        self.write_codec = ""
        self.read_codec = ""
        self.holds = 0
        self.thread: threading.Thread | None = None
        self.variables = Variables([("direction", direction)])
        if direction == "outbound":
            self.variables.set("is_outbound", "true")
        for name, value in (("uuid", uuid), ("call_uuid", uuid), ("session_id", str(session_id))):
            self.variables.set(name, value)

    # --- variables ---

    def get_variable(self, name: str) -> str | None:
        """A channel variable, or a field of the caller profile, or a global variable; None when there is none."""
        with self.lock:
            value = self.variables.get(name)
            if value is None and self.profile is not None:
                value = self.profile.field(name) or None
        return value if value is not None else self.switch.globals.get(name)

    def set_variable(self, name: str, value: str | None, check: bool = False) -> bool:
        """Set or (None, "") unset a variable. With `check` a value that holds `${` is refused; then False."""
        if value and check and mentions_variable(value):
            self.log(CRIT, f"Invalid data (${{{name}}} contains a variable)")
            return False
        with self.lock:
            self.variables.set(name, value)
        return True

    def set_variables(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Set several variables, unchecked."""
        with self.lock:
            for name, value in pairs:
                self.variables.set(name, value)

    # --- what the channel is doing ---

    def state(self) -> str:
        """The state as `CS_EXECUTE` and so on."""
        return f"CS_{self.current_state.name}"

    def up(self) -> bool:
        """True until the hang-up."""
        return self.current_state < State.HANGUP

    def ready(self) -> bool:
        """True while the channel can execute applications (`switch_channel_ready`).

        Asked by a script it looks at the next waiting SIP message first, at one only.
        """
        self.signals.glance()
        return not self.cause and State.ROUTING < self.current_state < State.RESET

    def answered(self) -> bool:
        """True once answered, even after the hang-up."""
        return self.flag_answered

    def media_ready(self) -> bool:
        """True while audio can flow: answered or early media, and not hung up."""
        return self.ready() and (self.flag_answered or self.flag_early_media)

    def hangup_cause(self) -> str:
        """The cause of the hang-up, "NONE" before."""
        return self.cause or "NONE"

    def execute(self, app: str, data: str) -> None:
        """Run a dialplan application on this channel and wait for its end."""
        self.switch.applications.execute(self, app, data)

    def log(self, level: int, text: str) -> None:
        """A log line about this call."""
        self.switch.log.write(level, text, self.uuid)

    def hold(self) -> None:
        """Keep the channel from being destroyed until `let_go`."""
        with self.changed:
            self.holds += 1

    def let_go(self) -> None:
        """Undo one `hold`."""
        with self.changed:
            self.holds -= 1
            self.notify()

    # --- states ---

    def set_state(self, state: State) -> None:
        """Let the channel's thread go to `state`; there is no way back from a hang-up."""
        with self.changed:
            if self.current_state >= State.HANGUP and state < self.current_state:
                return
            self.current_state = state
            self.notify()

    def set_running_state(self, state: State) -> None:
        """Called by the channel's thread when it enters `state`."""
        with self.lock:
            self.running_state = state
            if self.direction == "inbound" and state < State.HANGUP:
                if state is State.ROUTING:
                    self.set_callstate(CallState.RINGING)
                elif self.flag_answered:
                    self.set_callstate(CallState.ACTIVE)
                elif self.flag_early_media:
                    self.set_callstate(CallState.EARLY)
            self.fire("CHANNEL_STATE")

    def set_callstate(self, callstate: CallState) -> None:
        """Change the call state and say so, once."""
        with self.lock:
            before = self.callstate
            if before in (callstate, CallState.HANGUP):
                return
            self.callstate = callstate
            self.fire(
                "CHANNEL_CALLSTATE",
                lead=[
                    ("Original-Channel-Call-State", before.name),
                    ("Channel-Call-State-Number", str(int(callstate))),
                ],
            )

    def mark_ring_ready(self) -> None:
        """The call rings."""
        with self.changed:
            if self.flag_ring_ready or self.flag_answered or not self.up():
                return
            self.flag_ring_ready = True
            self.moment("progress")
            self.fire("CHANNEL_PROGRESS")
            self.set_callstate(CallState.RINGING)
            self.notify()
        self.switch.applications.execute_on(self, "execute_on_ring")

    def mark_pre_answered(self) -> None:
        """Audio flows before the answer."""
        with self.changed:
            if self.flag_early_media or self.flag_answered or not self.up():
                return
            self.flag_early_media = True
            self.variables.set("endpoint_disposition", "EARLY MEDIA")
            self.moment("progress_media")
            self.fire("CHANNEL_PROGRESS_MEDIA")
            self.set_callstate(CallState.EARLY)
            self.notify()
        self.switch.applications.execute_on(self, "execute_on_pre_answer")

    def mark_answered(self) -> None:
        """The call is answered."""
        with self.changed:
            if self.flag_answered or not self.up():
                return
            self.moment("answered")
            self.flag_answered = True
            self.fire("CHANNEL_ANSWER")
            self.variables.set("endpoint_disposition", "ANSWER")
            self.log(NOTICE, f"Channel [{self.name}] has been answered")
            self.set_callstate(CallState.ACTIVE)
            self.notify()
        self.switch.applications.execute_on(self, "execute_on_answer")

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """Hang up, once: later causes are ignored. The rest of the end is the channel's thread's business."""
        with self.changed:
            if not self.up():
                return
            before = self.current_state
            self.current_state = State.HANGUP
            self.cause = cause
            self.log(NOTICE, f"Hangup {self.name} [CS_{before.name}] [{cause}]")
            self.fire("CHANNEL_HANGUP")
            self.hungup.set()
            self.notify()
        if self.endpoint is not None:
            self.endpoint.stop_media()

    def wait(self, seconds: float) -> None:
        """Let line time pass in silence, until it is over or the channel is hung up."""
        self.set_waiting(True)
        endpoint = self.endpoint
        silent = self.media_ready() and endpoint is not None
        if silent and endpoint is not None:
            endpoint.call.attach(endpoint.end, None, seconds)
        try:
            self.switch.clock.sleep(seconds, until=self.hungup)
        finally:
            if silent and endpoint is not None:
                endpoint.call.detach(endpoint.end)
            self.set_waiting(False)

    def notify(self) -> None:
        """Wake whoever waits for a change of this channel. Needs `lock`."""
        self.changed.notify_all()
        for watcher in self.watchers:
            watcher.set()

    def set_waiting(self, waiting: bool) -> None:
        """Note that an application lets time pass, so that whoever rings us counts line time too."""
        with self.changed:
            self.waiting = waiting
            self.notify()
        if self.endpoint is not None:
            self.endpoint.pace_changed()

    # --- events ---

    def fire(
        self,
        name: str,
        subclass: str | None = None,
        lead: Iterable[tuple[str, str]] = (),
        tail: Iterable[tuple[str, str]] = (),
        origin: Origin | None = None,
    ) -> None:
        """Fire an event about this channel: `lead`, the channel's headers and variables, `tail`."""
        with self.lock:
            event = Event(name, subclass, [*lead, *self.headers(name), *((k, v) for k, v in tail if v)])
            self.switch.bus.fire(event, origin or ORIGINS.get(name, UNKNOWN))

    def headers(self, event_name: str) -> list[tuple[str, str]]:
        """The headers an event of that name carries for this channel."""
        with self.lock:
            found = basic_headers(self)
            if event_name in WITH_VARIABLES or self.switch.verbose_events:
                found += [(f"variable_{name}", value) for name, value in self.variables.items()]
        return found

    # --- small things the lifecycle needs ---

    def set_codec(self, read: str, write: str = "PCMA") -> None:
        """Note which codecs the audio has."""
        with self.lock:
            self.read_codec, self.write_codec = read, write

    def swap_read_codec(self, codec: str) -> None:
        """A fax reads linear samples: events and variables say so while it lasts."""
        with self.lock:
            self.read_codec = codec
            self.variables.set("read_codec", codec)
            self.variables.set("read_rate", "8000")

    def moment(self, name: str) -> None:
        """Note that something of `profile.Times` happens now."""
        if self.profile is not None:
            setattr(self.profile.times, name, micros())
