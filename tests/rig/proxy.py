"""A proxy in front of an event socket, for everything that can happen to a conversation on its way.

It knows no more of the protocol than where a part of it ends: commands end at an empty line, frames after as many octets
of body as ``Content-Length`` says.  What becomes of a part is for a :data:`Meddler` to say.
"""

from __future__ import annotations

import contextlib
import math
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rig.ports import Port

_LENGTH = re.compile(rb"^Content-Length: *(\d+)$", re.MULTILINE)
_RESET_AT_CLOSE = struct.pack("@ii", 1, 0)      # struct linger (socket(7))


class Direction(Enum):
    """Which way a part goes."""

    UP = "to"           # the switch: a command
    DOWN = "from"       # the switch: a frame


@dataclass(frozen=True, slots=True)
class Part:
    """One command of the client or one frame of the switch, whole.  ``number`` counts the parts of all connections from 0,
    ``connection`` the connections from 1."""

    number: int
    connection: int
    direction: Direction
    data: bytes

    @property
    def is_event(self) -> bool:
        """A frame that nobody has asked for just now."""
        return self.direction is Direction.DOWN and b"Content-Type: text/event-" in self.data.partition(b"\n\n")[0]

    @property
    def is_reply(self) -> bool:
        """A frame that answers: the greeting, or what comes after a command."""
        return self.direction is Direction.DOWN and not self.is_event


class Cut(Enum):
    """The step that ends a connection, on both sides."""

    CUT = "cut"


CUT: Final = Cut.CUT
NEVER: Final = math.inf
"""The wait after which nothing more comes in this direction, while the connection stays."""

Step = bytes | float | Cut
"""Octets to pass on, seconds to wait (what comes later in the same direction waits, too, as on TCP), or the end."""

Meddler = Callable[[Part], Iterable[Step]]
"""What is done in place of passing a part on.  Called for one part at a time.

``[part.data]`` passes it on, ``[]`` drops it, ``[part.data, part.data]`` doubles it, ``[2.0, part.data]`` delays it,
``[part.data[:7], CUT]`` cuts the line within it; parts change places where the first is kept for the second's turn."""


def untouched(part: Part) -> Iterable[Step]:
    """The meddler that does nothing."""
    return [part.data]


class CutAt:
    """The meddler that cuts the line once, after so many octets of the first connection in one direction."""

    def __init__(self, direction: Direction, octets: int) -> None:
        self.direction = direction
        self.octets = octets
        self._passed = 0

    def __str__(self) -> str:
        return f"cut after octet {self.octets} {self.direction.value} the switch"

    def __call__(self, part: Part) -> Iterable[Step]:
        if part.connection > 1 or part.direction is not self.direction:
            return [part.data]
        room = self.octets - self._passed
        self._passed += len(part.data)
        return [part.data[:room], CUT] if room <= len(part.data) else [part.data]


class At:
    """The meddler that does something to the ``nth`` part (from 0) of those that are ``chosen``, and to no other."""

    def __init__(self, nth: int, chosen: Callable[[Part], bool], do: Meddler) -> None:
        self._left = nth
        self._chosen = chosen
        self._do = do

    def __call__(self, part: Part) -> Iterable[Step]:
        if not self._chosen(part):
            return [part.data]
        self._left -= 1
        return self._do(part) if self._left == -1 else [part.data]


class Swapped:
    """The meddler that has the ``nth`` of the chosen parts change places with the next one."""

    def __init__(self, nth: int, chosen: Callable[[Part], bool]) -> None:
        self._left = nth
        self._chosen = chosen
        self._kept = b""

    def __call__(self, part: Part) -> Iterable[Step]:
        if not self._chosen(part):
            return [part.data]
        self._left -= 1
        if self._left == -1:
            self._kept = part.data
            return []
        kept, self._kept = self._kept, b""
        return [part.data, kept]


class Proxy:
    """Passes on what comes, on a port of its own.  A context manager.  ``reset`` cuts with RST instead of FIN.

    ``meddler`` may be another one at any time.  ``parts`` are those that have come, in order, whatever became of them.
    """

    def __init__(self, target: int, meddler: Meddler = untouched, *, reset: bool = False) -> None:
        self._target = ("127.0.0.1", target)
        self.meddler = meddler
        self._reset = reset
        self._lock = threading.Lock()
        self._port = Port()
        self.port = self._port.number
        self.parts: list[Part] = []
        self._connections = 0
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._open: set[_Connection] = set()

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._serve, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in list(self._open):
            connection.end()
        self._port.release()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                self._connections += 1
                connection = _Connection(self._connections, client, server, self._reset)
                self._open.add(connection)
                for source, target, split, direction in (
                    (client, server, _commands, Direction.UP), (server, client, _frames, Direction.DOWN),
                ):
                    arguments = (connection, source, target, split, direction)
                    threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(
        self, connection: _Connection, source: socket.socket, target: socket.socket,
        split: Callable[[bytes], tuple[list[bytes], bytes]], direction: Direction,
    ) -> None:
        rest = b""
        try:
            while data := connection.receive(source):
                whole, rest = split(rest + data)
                for text in whole:
                    with self._lock:
                        part = Part(len(self.parts), connection.number, direction, text)
                        self.parts.append(part)
                        steps = self.meddler(part)
                    for step in steps:
                        if step is CUT:
                            return
                        if isinstance(step, bytes):
                            target.sendall(step)
                        elif connection.over.wait(None if step == NEVER else step):
                            return
            target.sendall(rest)
        except OSError:
            pass
        finally:
            connection.end()
            if connection.left():
                self._open.discard(connection)


class _Connection:
    """Both ends of one connection, and the two threads that serve it: the last one to leave closes them.  (A reset is sent
    by the close of a socket that no thread is waiting for.)"""

    def __init__(self, number: int, client: socket.socket, server: socket.socket, reset: bool) -> None:
        self.number = number
        self.over = threading.Event()
        self._client = client
        self._server = server
        self._reset = reset
        self._wake = socket.socketpair()
        self._lock = threading.Lock()
        self._threads = 2

    def receive(self, source: socket.socket) -> bytes:
        """What comes next, or nothing more."""
        ready, _, _ = select.select([source, self._wake[0]], [], [])
        return b"" if self._wake[0] in ready else source.recv(65536)

    def end(self) -> None:
        """Wakes both threads up."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._wake[1].shutdown(socket.SHUT_WR)

    def left(self) -> bool:
        """A thread leaves; whether it was the last one."""
        with self._lock:
            self._threads -= 1
            if self._threads:
                return False
        if self._reset:
            with contextlib.suppress(OSError):
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        else:
            # Linux closes a socket with RST where something that came was not read (RFC 1122, 4.2.2.13)
            with contextlib.suppress(OSError):
                self._client.setblocking(False)
                while self._client.recv(65536):
                    pass
        for end in (self._client, self._server, *self._wake):
            end.close()
        return True


def _commands(data: bytes) -> tuple[list[bytes], bytes]:
    *whole, rest = data.split(b"\n\n")
    return [command + b"\n\n" for command in whole], rest


def _frames(data: bytes) -> tuple[list[bytes], bytes]:
    whole = []
    while (end := data.find(b"\n\n")) >= 0:
        found = _LENGTH.search(data[:end])
        size = end + 2 + (int(found[1]) if found else 0)
        if len(data) < size:
            break
        whole.append(data[:size])
        data = data[size:]
    return whole, data
