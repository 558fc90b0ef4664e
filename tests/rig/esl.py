"""A plain event socket client for tests: one connection, one request at a time.

It shares no code with the project's own client, so that it can serve to check it (FreeSWITCH:
mod_event_socket).
"""

from __future__ import annotations

import socket
import time
import uuid
from types import TracebackType
from urllib.parse import unquote

from rig.rundir import RigError

Headers = dict[str, str]


class EventSocket:
    """An authenticated connection.  A context manager.  All time-outs are in seconds."""

    def __init__(self, port: int, password: str = "ClueCon", timeout: float = 20) -> None:
        self._buffer = b""
        self._events: list[tuple[Headers, str]] = []
        self._socket = self._greeted(port, timeout)
        try:
            reply = self.command(f"auth {password}")
            if not reply.startswith("+OK"):
                raise RigError(f"the event socket on port {port} refused the password: {reply}")
        except BaseException:
            self._socket.close()
            raise

    def _greeted(self, port: int, timeout: float) -> socket.socket:
        """A connection that has been greeted.  FreeSWITCH's backlog is short: in a burst some never are."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
            except OSError as error:
                raise RigError(f"no event socket on port {port}: {error.strerror or error}") from None
            try:
                self._read_frame(min(5.0, timeout))  # auth/request
            except BaseException as error:
                self._socket.close()
                if not isinstance(error, TimeoutError) or time.monotonic() > deadline:
                    raise
                self._buffer = b""
            else:
                return self._socket

    def __enter__(self) -> EventSocket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def command(self, line: str, timeout: float = 20) -> str:
        """Send a command and return the Reply-Text."""
        return self._request(line, "command/reply", timeout)[0].get("Reply-Text", "")

    def api(self, line: str, timeout: float = 60) -> str:
        """Run an API command and return its whole reply."""
        return self._request(f"api {line}", "api/response", timeout)[1]

    def bgapi(self, line: str, timeout: float = 120) -> str:
        """Run an API command in the background and return the body of its BACKGROUND_JOB event."""
        job = str(uuid.uuid4())
        self.command("event plain BACKGROUND_JOB")
        self._request(f"bgapi {line}\nJob-UUID: {job}", "command/reply", timeout)
        deadline = time.monotonic() + timeout
        while True:
            headers, body = self.event(deadline - time.monotonic())
            if headers.get("Event-Name") == "BACKGROUND_JOB" and headers.get("Job-UUID") == job:
                return body

    def event(self, timeout: float = 20) -> tuple[Headers, str]:
        """The next event: its headers and its body.  Raises TimeoutError."""
        if self._events:
            return self._events.pop(0)
        while True:
            headers, body = self._read_frame(timeout)
            if headers.get("Content-Type") == "text/event-plain":
                return _split_event(body)

    def _request(self, text: str, content_type: str, timeout: float) -> tuple[Headers, str]:
        self._socket.sendall(text.encode("utf-8", "surrogateescape") + b"\n\n")
        while True:
            headers, body = self._read_frame(timeout)
            if headers.get("Content-Type") == "text/event-plain":
                self._events.append(_split_event(body))
            elif headers.get("Content-Type") == content_type:
                return headers, body.decode("utf-8", "surrogateescape")
            else:
                raise RigError(f"unexpected answer to {text.splitlines()[0]!r}: {headers}")

    def _read_frame(self, timeout: float) -> tuple[Headers, bytes]:
        """One frame.  After a TimeoutError nothing is lost: what has come stays in the buffer."""
        deadline = time.monotonic() + timeout
        while b"\n\n" not in self._buffer:
            self._receive(deadline)
        start = self._buffer.index(b"\n\n") + 2
        headers = _headers(self._buffer[:start])
        end = start + int(headers.get("Content-Length", "0"))
        while len(self._buffer) < end:
            self._receive(deadline)
        body, self._buffer = self._buffer[start:end], self._buffer[end:]
        return headers, body

    def _receive(self, deadline: float) -> None:
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self._socket.recv(65536)
        except ConnectionError as error:
            raise RigError(f"the switch closed the event socket: {error.strerror}") from None
        if not data:
            raise RigError("the switch closed the event socket")
        self._buffer += data


def _headers(head: bytes, *, quoted: bool = False) -> Headers:
    found: Headers = {}
    for line in head.decode("utf-8", "surrogateescape").split("\n"):
        name, _, value = line.partition(": ")
        if name:
            found[name] = unquote(value, errors="surrogateescape") if quoted else value
    return found


def _split_event(data: bytes) -> tuple[Headers, str]:
    head, _, body = data.partition(b"\n\n")
    return _headers(head, quoted=True), body.decode("utf-8", "surrogateescape")
