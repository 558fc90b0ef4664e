"""Records a conversation on the event socket, byte for byte, in the form of ``tests/data/transcripts``."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Mapping
from types import TracebackType

_LENGTH = re.compile(rb"Content-Length: (\d+)")


class Tape:
    """One connection; everything sent and received is kept as frames.  A context manager."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._began = time.monotonic()
        self._buffer = b""
        self.frames: list[tuple[float, str, bytes]] = []
        self.frame()

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def say(self, command: str) -> bytes:
        """Send a command and wait for its reply; events that come first are only recorded."""
        data = f"{command}\n\n".encode()
        self._note("c", data)
        self._socket.sendall(data)
        while True:
            frame = self.frame()
            if b"Content-Type: text/event-plain" not in frame.partition(b"\n\n")[0]:
                return frame

    def frame(self) -> bytes:
        """The next frame, ``b""`` at the end of the stream.  Raises TimeoutError after 20 s without a sign."""
        while True:
            head, found, rest = self._buffer.partition(b"\n\n")
            length = _LENGTH.search(head)
            wanted = len(head) + 2 + (int(length[1]) if length else 0)
            if found and len(head) + 2 + len(rest) >= wanted:
                data, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
                self._note("s", data)
                return data
            more = self._socket.recv(65536)
            if not more:
                self._note("s", b"")
                return b""
            self._buffer += more

    def until(self, label: str, seconds: float) -> bytes:
        """Read on up to the event of this name (or subclass).  Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._socket.settimeout(max(0.1, deadline - time.monotonic()))
            frame = self.frame()
            if f"\n{label}\n".encode() in frame.replace(b": ", b"\n"):
                return frame
        raise TimeoutError(f"no {label} in {seconds:g} s")

    def _note(self, direction: str, data: bytes) -> None:
        self.frames.append((round(time.monotonic() - self._began, 3), direction, data))

    def text(self, names: Mapping[str, str]) -> str:
        """The recording; ``names`` says what stands in it for each directory or address of this machine."""
        lines = []
        for at, direction, data in self.frames:
            text = data.decode("latin-1")
            for own, instead in names.items():
                text = text.replace(own, instead).replace(own.replace("/", "%2F"), instead.replace("/", "%2F"))
            lines.append(json.dumps({"t": at, "dir": direction, "data": _with_length(text)}))
        return "\n".join(lines) + "\n"


def _with_length(text: str) -> str:
    """The frame with the Content-Length of its changed body."""
    head, separator, body = text.partition("\n\n")
    return re.sub(r"Content-Length: \d+", f"Content-Length: {len(body)}", head) + separator + body if body else text
