"""The form of messages between the switch and its interpreter: one JSON value per line on a stream socket.

A request is always followed by its answer before the next request goes out on the same socket, so a message is complete
when the last byte read is a newline. Text that is not UTF-8 travels as the escape of its lone surrogate.
"""

from __future__ import annotations

import json
import socket
from typing import Any

CHUNK = 65536

#: Messages on the control socket (one packet each). They may carry one file descriptor.
CONTROL_CALL_LINE = b"C"  # to the interpreter, with a socket: calls will come in here, one at a time
CONTROL_DRAIN = b"Q"  # to the interpreter: end as soon as no script runs any more
CONTROL_READY = b"R"  # from the interpreter: calls may come
CONTROL_THREAD_LINE = b"L"  # from the interpreter, with a socket: a thread that a script started wants to ask
CONTROL_CRASH = b"X"  # from the interpreter, JSON behind it: what would have crashed the real switch

#: Exit status of the interpreter, and of the stand-in as a whole, after something that crashes the real switch.
CRASH_STATUS = 70

#: Request that comes with a thread's first line: its name, for reports.
OP_HELLO = "hello"


def encode(message: object) -> bytes:
    """`message` as one line."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


class Wire:
    """One end of a conversation."""

    __slots__ = ("sock",)

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, message: object) -> None:
        """Send one message. Raises OSError when the other process is gone."""
        self.sock.sendall(encode(message))

    def receive(self) -> Any:
        """The next message; None when the other process is gone."""
        data = b""
        while not data.endswith(b"\n"):
            try:
                chunk = self.sock.recv(CHUNK)
            except OSError:
                return None
            if not chunk:
                return None
            data = data + chunk if data else chunk
        return json.loads(data)

    def close(self) -> None:
        """Close this end."""
        self.sock.close()
