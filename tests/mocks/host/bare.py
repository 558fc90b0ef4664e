"""A switch with nothing in it but what the interpreter needs: to try a script by hand, and for the interpreter's tests.

    python -m mocks.host.bare SCRIPT_DIR MODULE[::FUNCTION] [ARGUMENT]     (directory tests; the API command `python`)
    python -m mocks.host.bare --call SCRIPT_DIR MODULE [ARGUMENT]          (the dialplan application, on a made-up call)

Prints what the script wrote, and the log on standard error. Ends with status 70 when the real switch would have crashed.
"""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from mocks.esl.event import CUSTOM, Event
from mocks.host.pyhost import ChannelLike, PythonHost, Quirks
from mocks.host.wire import CRASH_STATUS


class BareChannel:
    """A call that is nothing but variables and a state; `executed` lists the applications it was asked for.

    Applications in `blocking` set `waiting` and then block until `release` is set or the call is hung up; `sleep` waits
    until its time is over or the call is hung up.
    """

    def __init__(self, name: str | None = None) -> None:
        self.uuid = name or str(uuid.uuid4())
        self.variables: dict[str, str] = {"uuid": self.uuid}
        self.executed: list[tuple[str, str]] = []
        self.blocking = {"wait"}
        self.waiting = threading.Event()
        self.release = threading.Event()
        self._hung_up = threading.Event()
        self._answered = False
        self.cause = "NONE"
        self.holds = 0

    def hold(self) -> None:
        self.holds += 1

    def let_go(self) -> None:
        self.holds -= 1

    def get_variable(self, name: str) -> str | None:
        return self.variables.get(name)

    def set_variable(self, name: str, value: str | None) -> bool:
        if value is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = value
        return True

    def execute(self, app: str, data: str) -> None:
        self.executed.append((app, data))
        self._block(app)
        if app == "answer":
            self._answered = True
        elif app == "sleep":
            self._hung_up.wait(int(data) / 1000)

    def _block(self, app: str) -> None:
        if app in self.blocking:
            self.waiting.set()
            self.release.wait()

    def ready(self) -> bool:
        return not self._hung_up.is_set()

    def answered(self) -> bool:
        return self._answered

    def media_ready(self) -> bool:
        return self._answered and self.ready()

    def hangup(self, cause: str) -> None:
        self._block("hangup")
        if not self._hung_up.is_set():
            self.cause = cause
            self._hung_up.set()
            self.release.set()

    def hangup_cause(self) -> str:
        return self.cause

    def state(self) -> str:
        return "CS_HANGUP" if self._hung_up.is_set() else "CS_EXECUTE"


class BareSwitch:
    """Services for a `PythonHost`: commands and dial strings are tables to fill, events go to who asked for them."""

    def __init__(self) -> None:
        self.commands: dict[str, Callable[[str], str]] = {
            "global_setvar": self._set_global,
            "global_getvar": lambda name: self.globals.get(name, ""),
        }
        self.globals: dict[str, str] = {}
        self.channels: dict[str, BareChannel] = {}
        self.dial: dict[str, Callable[[], tuple[ChannelLike | None, str]]] = {}
        self.lines: list[tuple[int, str]] = []
        self.fired: list[Event] = []
        self._sinks: list[tuple[str, str | None, Callable[[Event], None]]] = []

    def add_channel(self, channel: BareChannel) -> BareChannel:
        """Make a call findable by its uuid."""
        self.channels[channel.uuid] = channel
        return channel

    def api(self, command: str, args: str) -> str:
        handler = self.commands.get(command)
        return "INVALID COMMAND!\n" if handler is None else handler(args)

    def channel(self, uuid: str) -> ChannelLike | None:
        return self.channels.get(uuid)

    def originate_for_session(self, dialstring: str) -> tuple[ChannelLike | None, str]:
        handler = self.dial.get(dialstring)
        return (None, "CHAN_NOT_IMPLEMENTED") if handler is None else handler()

    def log(self, level: int, text: str) -> None:
        self.lines.append((level, text))

    def subscribe(self, event_name: str, subclass: str | None, sink: Callable[[Event], None]) -> Callable[[], None]:
        entry = (event_name, subclass, sink)
        self._sinks.append(entry)
        return lambda: self._sinks.remove(entry)

    def fire(self, event: Event) -> None:
        self.fired.append(event)
        for name, subclass, sink in list(self._sinks):
            if name in ("ALL", event.name) and (event.name != CUSTOM or subclass in (None, event.subclass)):
                sink(event)

    def listeners(self) -> int:
        """How many bindings there are."""
        return len(self._sinks)

    def _set_global(self, text: str) -> str:
        name, _sign, value = text.partition("=")
        self.globals[name] = value
        return "+OK"


@contextmanager
def started(
    directory: str, scripts: Mapping[str, str], quirks: Quirks | None = None, python_path: Sequence[str] = ()
) -> Iterator[tuple[BareSwitch, PythonHost]]:
    """A bare switch with its interpreter, the `scripts` (text by module name) written to `directory` first."""
    for name, text in scripts.items():
        with open(os.path.join(directory, f"{name}.py"), "w", encoding="utf-8") as file:
            file.write(text)
    switch = BareSwitch()
    host = PythonHost(switch, script_dir=directory, python_path=python_path, run_dir=directory, quirks=quirks)
    host.start()
    try:
        yield switch, host
    finally:
        host.stop(0, 0)


def main(arguments: list[str]) -> int:
    """The program; returns the exit status."""
    in_call = arguments[:1] == ["--call"]
    script_dir, text = arguments[in_call], " ".join(arguments[in_call + 1 :])
    switch = BareSwitch()
    host = PythonHost(
        switch,
        script_dir=os.path.abspath(script_dir),
        run_dir=os.getcwd(),
        on_crash=lambda _reason: os._exit(CRASH_STATUS),
    )
    host.start()
    if in_call:
        channel = switch.add_channel(BareChannel())
        # An identification as a fax machine of any make may send it: Latin-1, which is not UTF-8.
        channel.variables["fax_remote_station_id"] = "M\udcfcller"
        host.application(channel, text)
    else:
        print(host.api(text))
    for level, line in switch.lines:
        print(f"[{level}] {line}", file=sys.stderr)
    host.stop(0, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
