"""The event socket server: one thread per connection that reads commands and sends replies and events.

Source: FreeSWITCH `src/mod/event_handlers/mod_event_socket/mod_event_socket.c`. As there, events wait while a command of
the same connection is carried out, and a connection has 25 seconds for its `auth`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from mocks.esl.commands import Interpretation, Session
from mocks.esl.event import Event
from mocks.esl.subscription import Subscription
from mocks.switchlog import ERR, NOTICE, WARNING

if TYPE_CHECKING:
    from mocks.switch import Switch

AUTH_TIMEOUT = 25.0
#: Events that wait for one connection at most (MAX_QUEUE_LEN); what does not fit is lost.
QUEUE_LIMIT = 100_000
GOODBYE = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
SHUTTING_DOWN = "The system is being shut down.\n"
RUDE = "Access Denied, go away.\n"
_CHUNK = 65536


class EventSocket:
    """The listening socket and its connections."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._socket = socket.create_server((switch.config.host, switch.config.port), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._closing = False

    def start(self) -> None:
        """Accept connections, and write the port into the run directory."""
        path = os.path.join(self._switch.config.run_dir, "event_socket.port")
        with open(path + ".new", "w", encoding="ascii") as stream:
            stream.write(f"{self.port}\n")
        os.replace(path + ".new", path)
        threading.Thread(target=self._accept, name="event socket", daemon=True).start()

    def close(self) -> None:
        """Tell every connection that the system is being shut down, and close it."""
        self._closing = True
        with contextlib.suppress(OSError):  # nobody ever connected
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.shut_down()
        for connection in connections:
            connection.thread.join(5)

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, address = self._socket.accept()
            except OSError:
                return
            if self._switch.config.acl and address[0] not in self._switch.config.acl:
                self._switch.log.write(WARNING, f"IP {address[0]} Rejected by acl")
                _send(sock, _frame("text/rude-rejection", RUDE))
                sock.close()
                continue
            connection = _Connection(self._switch, sock, self._forget)
            with self._lock:
                self._connections.add(connection)
            connection.thread.start()

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)


class _Connection:
    def __init__(self, switch: Switch, sock: socket.socket, on_end: Callable[[_Connection], None]) -> None:
        self._switch = switch
        self._sock = sock
        self._on_end = on_end
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_write.setblocking(False)
        self._events: deque[Event | tuple[int, str]] = deque()
        self._buffer = b""
        self._stop = False
        self._notice = GOODBYE
        self._subscription = Subscription()
        self._session = Session(switch, self._subscription, self._put)
        self.thread = threading.Thread(target=self._run, name="event socket connection", daemon=True)

    def shut_down(self) -> None:
        """End the connection because the switch ends; what is queued is still sent."""
        self._notice = SHUTTING_DOWN
        self._stop = True
        self._poke()

    def _put(self, item: Event | tuple[int, str]) -> None:
        """Queue an event, or a log line as (level, text). Called from the thread that delivers events."""
        if len(self._events) >= QUEUE_LIMIT:
            self._switch.log.write(ERR, "Event enqueue ERROR: Max queue size reached")
            return
        self._events.append(item)
        self._poke()

    def _poke(self) -> None:
        with contextlib.suppress(OSError):  # awake already, or gone
            self._wake_write.send(b"x")

    def _run(self) -> None:
        unsubscribe = self._switch.bus.subscribe("ALL", None, self._offer)
        try:
            self._talk()
        except OSError as error:
            self._switch.log.write(NOTICE, f"event socket connection lost: {error}")
        finally:
            unsubscribe()
            self._session.close()
            self._say_goodbye()
            for sock in (self._sock, self._wake_read, self._wake_write):
                sock.close()
            self._on_end(self)

    def _offer(self, event: Event) -> None:
        if self._subscription.wants(event):
            self._put(event)

    def _talk(self) -> None:
        self._sock.sendall(b"Content-Type: auth/request\n\n")
        while not self._stop:
            packet = self._packet()
            if packet is not None:
                self._answer(self._session.command(*packet))
                continue
            if not self._buffer:
                self._send_events()
            waiting = None if self._session.authenticated else AUTH_TIMEOUT
            ready, _, _ = select.select([self._sock, self._wake_read], [], [], waiting)
            if not ready and waiting:
                return
            if self._wake_read in ready:
                self._wake_read.recv(_CHUNK)
            if self._sock in ready:
                data = self._sock.recv(_CHUNK)
                if not data:
                    return
                self._buffer += data
        self._send_events()

    def _packet(self) -> tuple[str, dict[str, str], str] | None:
        """The next command with its headers (names in lower case) and body, None while it is incomplete."""
        self._buffer = self._buffer.lstrip(b"\r\n")
        text = self._buffer.replace(b"\r\n", b"\n")
        head, blank, rest = text.partition(b"\n\n")
        if not blank:
            return None
        lines = head.decode("utf-8", "surrogateescape").split("\n")
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.lstrip(" ") for name, _, value in pairs if name.strip()}
        length = int(headers["content-length"]) if headers.get("content-length", "").isdigit() else 0
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return lines[0], headers, rest[:length].decode("utf-8", "surrogateescape")

    def _answer(self, reply: Interpretation) -> None:
        if reply.output is not None:
            self._sock.sendall(_frame("api/response", reply.output or "-ERR no reply\n"))
        else:
            extra = "".join(f"{name}: {value}\n" for name, value in reply.headers)
            text = f"Content-Type: command/reply\nReply-Text: {reply.text}\n{extra}\n"
            self._sock.sendall(text.encode("utf-8", "surrogateescape"))
        self._stop = self._stop or reply.ends

    def _send_events(self) -> None:
        while self._events:
            item = self._events.popleft()
            if not isinstance(item, Event):
                level, line = item
                extra = f"Log-Level: {level}\nText-Channel: 0\nLog-File: stand-in\nLog-Func: log\nLog-Line: 0\n"
                self._sock.sendall(_frame("log/data", line + "\n", extra + "User-Data: \n"))
                continue
            kind = self._subscription.format
            body = item.plain() if kind == "plain" else json.dumps(_as_json(item)).encode("ascii")
            head = f"Content-Length: {len(body)}\nContent-Type: text/event-{kind}\n\n".encode("ascii")
            self._sock.sendall(head + body)

    def _say_goodbye(self) -> None:
        _send(self._sock, _frame("text/disconnect-notice", self._notice))
        with contextlib.suppress(OSError):  # the other side was faster
            self._sock.shutdown(socket.SHUT_RDWR)


def _frame(content_type: str, body: str, extra: str = "") -> bytes:
    raw = body.encode("utf-8", "surrogateescape")
    return f"Content-Type: {content_type}\nContent-Length: {len(raw)}\n{extra}\n".encode("ascii") + raw


def _send(sock: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody there to read a last word
        sock.sendall(data)


def _as_json(event: Event) -> dict[str, str]:
    tree = dict(event.headers)
    if event.body:
        tree["Content-Length"] = str(len(event.body.encode("utf-8", "surrogateescape")))
        tree["_body"] = event.body
    return tree
