"""A plain client of the event socket, for tests of the stand-in and for looking at a switch by hand.

It keeps no state of calls; the project's own client is `gofaxpy.switch`, and is tested against this server.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mocks.config import from_tree
from mocks.esl.event import url_decode
from mocks.esl.server import EventSocket
from mocks.switch import Switch


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came: headers in order, and the body."""

    headers: tuple[tuple[str, str], ...]
    body: str

    def get(self, name: str) -> str:
        """The first header of that name, "" if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Received:
    """An event with decoded values."""

    headers: tuple[tuple[str, str], ...]
    body: str

    def get(self, name: str) -> str:
        """The first header of that name, "" if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def label(self) -> str:
        """Name, and subclass behind a blank."""
        return " ".join(filter(None, (self.get("Event-Name"), self.get("Event-Subclass"))))


class Probe:
    """One connection. Everything waits at most `timeout` seconds and then raises TimeoutError."""

    def __init__(self, port: int, password: str | None = "ClueCon", timeout: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._buffer = b""
        self._events: deque[Received] = deque()
        self.greeting = self.frame()
        if password is not None:
            self.command(f"auth {password}")

    def frame(self) -> Frame | None:
        """The next frame, None at the end of the stream."""
        while b"\n\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\n\n")
        lines = [line.partition(": ") for line in head.decode("utf-8", "surrogateescape").split("\n")]
        frame = Frame(tuple((name, value) for name, _, value in lines), "")
        length = int(frame.get("Content-Length") or 0)
        while len(self._buffer) < length and self._more():
            pass
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Frame(frame.headers, body.decode("utf-8", "surrogateescape"))

    def send(self, text: str) -> None:
        """Send text as it is."""
        self._socket.sendall(text.encode("utf-8", "surrogateescape"))

    def command(self, line: str) -> Frame:
        """Send a command (with its own header lines) and wait for its reply; events that come first are kept."""
        self.send(f"{line}\n\n")
        while True:
            frame = self.frame()
            if frame is None:
                raise ConnectionError(f"the switch closed the connection instead of answering {line!r}")
            if not frame.get("Content-Type").startswith("text/event"):
                return frame
            self._events.append(parse_event(frame.body))

    def api(self, command: str) -> str:
        """The output of an API command."""
        return self.command(f"api {command}").body

    def event(self) -> Received:
        """The next event."""
        while not self._events:
            frame = self.frame()
            if frame is None:
                raise ConnectionError("the switch closed the connection")
            if frame.get("Content-Type").startswith("text/event"):
                self._events.append(parse_event(frame.body))
        return self._events.popleft()

    def events_until(self, last: Callable[[Received], bool]) -> list[Received]:
        """The events up to and including the one for which `last` is true."""
        found = [self.event()]
        while not last(found[-1]):
            found.append(self.event())
        return found

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _more(self) -> bool:
        data = self._socket.recv(65536)
        self._buffer += data
        return bool(data)


def parse_event(text: str) -> Received:
    """The text of an `event plain` frame."""
    head, _, body = text.partition("\n\n")
    lines = [line.partition(": ") for line in head.split("\n")]
    return Received(tuple((name, url_decode(value)) for name, _, value in lines), body)


@contextmanager
def switch_in_process(tree: dict[str, Any], base: str) -> Iterator[tuple[Switch, EventSocket]]:
    """A switch without interpreter, in this process; `tree` as in the configuration file, run directory `base`."""
    switch = Switch(from_tree({"run_dir": base, "speed": "max", **tree}, base))
    server = EventSocket(switch)
    server.start()
    try:
        yield switch, server
    finally:
        switch.no_new_sessions = True
        switch.hangup_all("SYSTEM_SHUTDOWN")
        gone = switch.wait_for_channels(20)
        server.close()
        switch.close()
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("channel ")]
        if not gone:
            raise AssertionError(f"channels that did not end: {names}")
