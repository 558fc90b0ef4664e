"""A proxy between gofaxsend and the event socket that cuts the line at a chosen octet, once."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """After so many octets from the switch (``down``) or from the client (``up``) the line is cut; those still pass."""

    direction: str
    octets: int

    def __str__(self) -> str:
        return f"cut after octet {self.octets} {'from' if self.direction == 'down' else 'to'} the switch"


class Proxy:
    """Listens on a loopback port and forwards to ``target``; a context manager.

    ``cut`` holds for the first connection; ``reset`` cuts with RST instead of FIN.  ``down`` and ``up`` collect what has
    passed on the first connection, so that a run without a cut says where there is something to cut.
    """

    def __init__(self, target: int, cut: Cut | None = None, reset: bool = False) -> None:
        self._target = target
        self._cut = cut
        self._reset = reset
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = {"down": bytearray(), "up": bytearray()}
        self.connections = 0
        self._ends: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            _close(end, self._reset)
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [client, server]
                first = self.connections == 1
                threading.Thread(target=self._forward, args=(client, server, first), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, first: bool) -> None:
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError, ValueError):
            selector.register(client, selectors.EVENT_READ, ("up", server))
            selector.register(server, selectors.EVENT_READ, ("down", client))
            while True:
                for key, _ in selector.select():
                    direction, other = key.data
                    assert isinstance(key.fileobj, socket.socket)
                    data = key.fileobj.recv(65536)
                    if not data:
                        raise OSError
                    if first and self._cut is not None and self._cut.direction == direction:
                        room = self._cut.octets - len(self.passed[direction])
                        if len(data) >= room:
                            other.sendall(data[:room])
                            self.passed[direction] += data[:room]
                            raise OSError
                    if first:
                        self.passed[direction] += data
                    other.sendall(data)
        _close(client, self._reset)
        _close(server, False)


def borders(stream: bytes) -> list[int]:
    """The octets behind which a message of the event socket ends (headers, empty line, Content-Length octets of body)."""
    found, at = [], 0
    while (end := stream.find(b"\n\n", at)) >= 0:
        length = 0
        for line in stream[at:end].split(b"\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        at = end + 2 + length
        found.append(min(at, len(stream)))
    return found


def _close(end: socket.socket, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            end.shutdown(socket.SHUT_RDWR)
    end.close()
