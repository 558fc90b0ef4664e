"""A proxy in front of an event socket that cuts connections at a border of the conversation.

It knows no more of the protocol than where a command or a frame ends: commands end at an empty line, frames after as
many octets of body as ``Content-Length`` says.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable

from rig.ports import Port

_LENGTH = re.compile(rb"^Content-Length: *(\d+)$", re.MULTILINE)


class CuttingProxy:
    """Passes on what comes, on a port of its own.  A context manager.

    ``cut`` is asked at each border, as ``cut(number, sent)``: the number counts the borders of all connections from 0,
    ``sent`` is the command of the client, or the frame of the server, that is about to be passed on.  Where it says True
    that is not passed on, and both sides of that connection are closed.
    """

    def __init__(self, port: int, cut: Callable[[int, bytes], bool]) -> None:
        self._target = ("127.0.0.1", port)
        self._cut = cut
        self._lock = threading.Lock()
        self._port = Port()
        self.port = self._port.number
        self.borders: list[bytes] = []
        """What was passed on, or was to be, in order."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._open: set[socket.socket] = set()

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._serve, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._hang_up(*self._open)
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
                self._open |= {client, server}
                for source, target, split in ((client, server, _commands), (server, client, _frames)):
                    threading.Thread(target=self._pass_on, args=(source, target, split), daemon=True).start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, split: Callable[[bytes], tuple[list[bytes], bytes]]
    ) -> None:
        rest = b""
        try:
            while data := source.recv(65536):
                whole, rest = split(rest + data)
                for part in whole:
                    with self._lock:
                        cut = self._cut(len(self.borders), part)
                        self.borders.append(part)
                    if cut:
                        return
                    target.sendall(part)
        except OSError:
            pass
        finally:
            self._hang_up(source, target)

    def _hang_up(self, *connections: socket.socket) -> None:
        """Closes connections; the other thread of theirs wakes up and ends."""
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._open.discard(connection)


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
