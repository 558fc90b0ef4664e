"""A client of FreeSWITCH's event socket: the protocol of :mod:`gofaxpy.switch.esl` on a TCP connection.

Every failure is an :class:`EventSocketError` whose text says what to check.  A call goes on when the connection is lost.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence

from gofaxpy.switch import esl, peer
from gofaxpy.switch.errors import (
    AuthenticationFailed,
    CommandRefused,
    ConnectionLost,
    EventSocketError,
    Rejected,
    RemoteProtocolError,
    StrangerListens,
    SwitchUnreachable,
)

__all__ = [
    "AuthenticationFailed", "Client", "CommandRefused", "ConnectionLost", "EventSocketError", "Rejected",
    "StrangerListens", "SwitchUnreachable",
]

API_TIMEOUT = 15.0              # seconds; the commands used here return within milliseconds, on a busy switch they take longer
FIRST_PATIENCE = 0.3            # seconds until the greeting, see Client.connect
MOST_PATIENCE = 1.0
NO_REPLY = "-ERR no reply"      # how the event socket passes on an empty reply


def never() -> bool:
    """The default of ``aborted``: never."""
    return False


class Client:
    """An authenticated connection.  May be used by one thread at a time.  A context manager."""

    def __init__(self, connected: socket.socket, where: str) -> None:
        """For :meth:`connect`; ``where`` names the switch in error texts."""
        self._socket = connected
        self._where = where
        self._protocol = esl.Connection()
        self._events: deque[esl.EventFrame] = deque()
        self._lost = ""

    @classmethod
    def connect(
        cls, host: str, port: int, password: str, timeout: float = 5.0, aborted: Callable[[], bool] = never, user: str = ""
    ) -> Client:
        """Connects and authenticates within ``timeout`` seconds; gives up earlier if ``aborted()`` is true, which is called at
        least once a second.

        FreeSWITCH listens with a backlog of 5.  In a burst of connections one may look established on this side and not exist
        on FreeSWITCH's, or wait a second until TCP tries again.  So a connection that is not greeted soon is given up for
        another one, with more patience each time.  (Of 60 clients at once 20 got through with one try of 5 s each; all got
        through with several tries.)

        If the other end is on this machine, the password is sent only to a process of ``user`` (FreeSWITCH's), of root, or of
        this process's own user: while FreeSWITCH is down, any user may listen on its port.

        Raises SwitchUnreachable (StrangerListens), Rejected, AuthenticationFailed.
        """
        where = f"FreeSWITCH's event socket at {host}:{port}"
        deadline = time.monotonic() + timeout
        patience = FIRST_PATIENCE
        while (now := time.monotonic()) < deadline and not aborted():
            client = cls._attempt(host, port, where, min(now + patience, deadline))
            if client is not None:
                try:
                    client._recognise(user)
                    client._authenticate(password, deadline)
                except BaseException:
                    client.close()
                    raise
                return client
            patience = min(patience * 2, MOST_PATIENCE)
        raise SwitchUnreachable(
            f"{where} said nothing for {timeout:g} s: is that FreeSWITCH's port (listen-port in"
            " event_socket.conf.xml), and does fs_cli get an answer there?"
        )

    @classmethod
    def _attempt(cls, host: str, port: int, where: str, deadline: float) -> Client | None:
        """A connection that FreeSWITCH has greeted, or None if it has not by ``deadline``."""
        connected = _open(host, port, where, deadline)
        if connected is None:
            return None
        client = cls(connected, where)
        try:
            if client._greeted(deadline):
                return client
        except ConnectionLost as error:
            client.close()
            raise SwitchUnreachable(str(error)) from None
        except BaseException:
            client.close()
            raise
        client.close()
        return None

    def _greeted(self, deadline: float) -> bool:
        match self._frame(deadline):
            case None:
                return False
            case esl.RudeRejection():
                raise Rejected(
                    f"{self._where} lets nobody in from here: see apply-inbound-acl in its event_socket.conf.xml"
                )
            case esl.AuthRequest():
                return True
            case esl.Disconnect():
                raise ConnectionLost(f"{self._where} hung up at once: is FreeSWITCH just starting or shutting down?")
        raise ConnectionLost(f"{self._where} does not speak as one does; is that its port?")

    def _recognise(self, user: str) -> None:
        """Raises StrangerListens if a process of another user of this machine is at the other end."""
        try:
            uid = peer.owner(self._socket)
        except peer.NotConnected:
            raise SwitchUnreachable(f"{self._where} hung up before it was told the password") from None
        if uid is None or uid in (0, os.geteuid()):
            return
        import pwd  # only here: rarely FreeSWITCH runs as another user than this process

        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = "a user without a name"
        if name != user:
            meant = user or pwd.getpwuid(os.geteuid()).pw_name
            raise StrangerListens(
                f"{self._where} is held by {name} (uid {uid}), not by {meant} (hylafax.user) or root, and has not been told the"
                f" password: `ss -ltnp 'sport = :{self._socket.getpeername()[1]}'` as root shows the program; end it, then"
                " start FreeSWITCH, and as that user"
            )

    def _authenticate(self, password: str, deadline: float) -> None:
        try:
            self._send(esl.auth(password), deadline)
            frame = self._frame(deadline)
        except ConnectionLost as error:
            raise SwitchUnreachable(str(error)) from None
        match frame:
            case esl.CommandReply(ok=True):
                return
            case esl.CommandReply(text=text) if text.startswith("-ERR"):
                raise AuthenticationFailed(
                    f"{self._where} refuses the password: it must be the same as in its event_socket.conf.xml"
                )
            case None:
                raise SwitchUnreachable(f"{self._where} did not answer to the password in time: does FreeSWITCH hang?")
            case esl.Disconnect():
                raise SwitchUnreachable(f"{self._where} hung up at the password: is FreeSWITCH shutting down?")
        raise SwitchUnreachable(f"{self._where} does not speak as one does; is that its port?")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection.  May be called more than once."""
        self._lost = self._lost or f"the connection to {self._where} has been closed"
        self._socket.close()

    def alive(self) -> bool:
        """Whether the connection is open, as far as is known without a command to the switch."""
        try:
            while (frame := self._frame(0.0)) is not None:
                self._other(frame)
        except ConnectionLost:
            return False
        return True

    def fileno(self) -> int:
        """The descriptor, for select.  :meth:`events` may have an event although the descriptor is not readable."""
        return self._socket.fileno()

    # -- commands

    def api(self, command: str, args: str = "", timeout: float = API_TIMEOUT) -> str:
        """Runs one API command and returns its reply unchanged; ``""`` for the event socket's ``-ERR no reply``.

        Raises ConnectionLost, also when there is no reply within ``timeout`` seconds; CommandRefused.
        """
        deadline = time.monotonic() + timeout
        self._send(esl.api(command, args), deadline)
        frame = self._reply(f"api {command}", deadline)
        if isinstance(frame, esl.CommandReply):
            if frame.ok:        # the reply to no command: the conversation is out of step
                raise self._lose(f"{self._where} answered `api {command}` with something else: is that FreeSWITCH's port?")
            raise CommandRefused(f"{self._where} refuses `api {command}`: {frame.text}")
        return "" if frame.body.strip() == NO_REPLY else frame.body

    def bgapi(self, command: str, args: str, job_uuid: str) -> None:
        """Runs one API command in the background; the result is a BACKGROUND_JOB event.  Raises as :meth:`filter`."""
        self._command(esl.bgapi(command, args, job_uuid), f"bgapi {command}")

    def filter(self, header: str, value: str) -> None:
        """Limits the events to those with this header and value, or those of other filters.

        Raises ConnectionLost, CommandRefused.
        """
        self._command(esl.filter(header, value), f"filter {header}")

    def subscribe(self, names: Sequence[str], subclasses: Sequence[str] = ()) -> None:
        """Subscribes to events by name, and to CUSTOM events by subclass.  Raises as :meth:`filter`."""
        self._command(esl.event_plain(names, subclasses), "event plain")

    # -- events

    def events(self, deadline: float, wake: int = -1) -> esl.EventFrame | None:
        """The next event; None if none has come by ``deadline``, or when the descriptor ``wake`` becomes readable.

        ``deadline`` is a time of :func:`time.monotonic`; with one in the past only events that have come are returned.  Raises
        ConnectionLost after all events that came before the loss.
        """
        while not self._events:
            frame = self._frame(deadline, wake)
            if frame is None:
                return None
            self._other(frame)
        return self._events.popleft()

    # -- below

    def _command(self, data: bytes, name: str) -> None:
        deadline = time.monotonic() + API_TIMEOUT
        self._send(data, deadline)
        frame = self._reply(name, deadline)
        if not isinstance(frame, esl.CommandReply):
            raise self._lose(f"{self._where} answered `{name}` with something else: is that FreeSWITCH's port?")
        if not frame.ok:
            raise CommandRefused(f"{self._where} refuses `{name}`: {frame.text}")

    def _reply(self, name: str, deadline: float) -> esl.CommandReply | esl.ApiResponse:
        """The reply to the command that was sent.  Events that come before it are kept for :meth:`events`."""
        while True:
            frame = self._frame(deadline)
            if frame is None:
                # the reply may still come, and would be taken for that of the next command
                raise self._lose(f"{self._where} did not answer to `{name}` in time: does FreeSWITCH hang?")
            if isinstance(frame, esl.CommandReply | esl.ApiResponse):
                return frame
            self._other(frame)

    def _other(self, frame: esl.Frame) -> None:
        if isinstance(frame, esl.EventFrame):
            self._events.append(frame)
        elif isinstance(frame, esl.Disconnect):
            text = f" ({' '.join(frame.text.split())[:100]})" if frame.text else ""
            raise self._lose(f"{self._where} has closed the connection{text}: is FreeSWITCH shutting down?")

    def _frame(self, deadline: float, wake: int = -1) -> esl.Frame | None:
        """The next frame, or None if it has not come by ``deadline``, or when ``wake`` is readable."""
        if self._lost:
            raise ConnectionLost(self._lost)
        last = False
        while True:
            try:
                frame = self._protocol.next_frame()
                if not isinstance(frame, esl.NeedData):
                    return frame
                left = max(deadline - time.monotonic(), 0.0)
                if last or not self._readable(left, wake):
                    return None
                last = not left     # after the deadline one more read: a peer that never stops sending must not hold this loop
                self._protocol.receive(self._socket.recv(65536))
            except RemoteProtocolError as error:
                raise self._lose(f"{self._where} is not to be understood ({error}): is that FreeSWITCH's port?") from None
            except OSError as error:
                raise self._lose(f"the connection to {self._where} broke: {_reason(error)}") from None

    def _readable(self, timeout: float, wake: int) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if wake >= 0:
            poll.register(wake, select.POLLIN)
        return any(fd != wake for fd, _ in poll.poll(timeout * 1000))

    def _send(self, data: bytes, deadline: float) -> None:
        if self._lost:
            raise ConnectionLost(self._lost)
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.1))
            self._socket.sendall(data)
        except OSError as error:
            raise self._lose(f"the connection to {self._where} broke: {_reason(error)}") from None

    def _lose(self, reason: str) -> ConnectionLost:
        self._lost = reason
        self._socket.close()
        return ConnectionLost(reason)


def _open(host: str, port: int, where: str, deadline: float) -> socket.socket | None:
    try:
        # as bytes: a name in ASCII needs no IDNA (RFC 3490), whose tables take longer to load than to connect
        address = (host.encode("ascii") if host.isascii() else host, port)
        connected = socket.create_connection(address, max(deadline - time.monotonic(), 0.05))  # type: ignore[arg-type]
    except TimeoutError:
        return None
    except (OSError, UnicodeError) as error:
        raise SwitchUnreachable(
            f"{where} cannot be reached ({_reason(error)}): does FreeSWITCH run, with mod_event_socket loaded and"
            " listening there (event_socket.conf.xml)?"
        ) from None
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)     # a call may last for an hour without events
    return connected


def _reason(error: OSError | UnicodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
