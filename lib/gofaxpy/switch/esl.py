"""The event socket's protocol (FreeSWITCH's mod_event_socket) without any I/O: bytes in, frames out.

The rules, of which :data:`_NEXT` is the table:

* The switch speaks first: ``auth/request``, or ``text/rude-rejection`` to an address that its access list does not allow.
* Until it has answered ``auth`` with ``+OK`` it takes no other command and sends no events.  A wrong password gets
  ``-ERR invalid`` and a ``text/disconnect-notice``.
* From then on every command gets one ``command/reply``, or one ``api/response`` if it was ``api``, in the order of the
  commands; events may come in between at any time.
* No frame comes after ``text/disconnect-notice`` or the end of the stream.

A frame is lines of headers, an empty line, and a body of ``Content-Length`` bytes.  The body of ``text/event-plain`` consists
again of headers, with percent-encoded values, an empty line, and perhaps a body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from gofaxpy.switch.errors import LocalProtocolError, RemoteProtocolError
from gofaxpy.switch.eventtext import EventHeaders
from gofaxpy.values import frozen

MAX_HEAD = MAX_COMMAND = 64 << 10       # bytes; real ones have some hundred
MAX_BODY = 16 << 20     # an event with every variable of a call has some 10 kB, `show calls` may have megabytes


class State(Enum):
    """The state of the conversation."""

    AUTH = "auth"
    READY = "ready"
    CLOSED = "closed"


class NeedData(Enum):
    """The type of :data:`NEED_DATA`: no whole frame has come in yet."""

    NEED_DATA = "need data"


NEED_DATA = NeedData.NEED_DATA


@frozen
class AuthRequest:
    """The switch asks for the password."""


@frozen
class CommandReply:
    """The answer to any command but ``api``: ``+OK …`` or ``-ERR …``."""

    text: str
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether the switch has carried the command out."""
        return self.text.startswith("+OK")


@frozen
class ApiResponse:
    """The answer to ``api``, unchanged."""

    body: str


@frozen
class EventFrame:
    """An event.  ``headers`` are decoded and hold no control characters; ``body`` is unchanged."""

    name: str
    subclass: str
    headers: Mapping[str, str]
    body: str

    @property
    def uuid(self) -> str:
        """The channel the event is about, ``""`` for none."""
        return self.headers.get("Unique-ID", "")


@frozen
class Disconnect:
    """The end of the conversation.  ``text`` is the switch's notice, or ``""`` if the stream ended without one."""

    text: str


@frozen
class RudeRejection:
    """The access list of the event socket does not allow this address."""

    text: str


@frozen
class OtherFrame:
    """A frame of another type (``log/data`` …)."""

    content_type: str
    body: str


Frame = AuthRequest | CommandReply | ApiResponse | EventFrame | Disconnect | RudeRejection | OtherFrame

# The frames that may come in each state, and the state after them.  (After a reply in AUTH that is not +OK it stays AUTH.)
_NEXT: dict[State, dict[type[Frame], State]] = {
    State.AUTH: {
        AuthRequest: State.AUTH, CommandReply: State.READY, RudeRejection: State.CLOSED, Disconnect: State.CLOSED,
    },
    State.READY: {
        **dict.fromkeys((CommandReply, ApiResponse, EventFrame, OtherFrame), State.READY), Disconnect: State.CLOSED,
    },
    State.CLOSED: {},
}


class Connection:
    """One conversation.  Give :meth:`receive` the bytes, and call :meth:`next_frame` until it returns NEED_DATA."""

    def __init__(self) -> None:
        self.state = State.AUTH
        self._buffer = bytearray()
        self._looked = 0                # the first bytes of the buffer are known to hold no empty line
        self._body_at = self._length = 0    # the body of the frame being read; 0 while its head is not whole
        self._head: dict[str, str] = {}
        self._ended = False

    def receive(self, data: bytes) -> None:
        """Takes bytes from the switch, in pieces of any size; ``b""`` is the end of the stream."""
        if data:
            self._buffer += data
        else:
            self._ended = True

    def next_frame(self) -> Frame | NeedData:
        """The next frame, or NEED_DATA.  Raises RemoteProtocolError, which ends the conversation."""
        if self.state is State.CLOSED:
            raise LocalProtocolError("the conversation with the event socket is over")
        try:
            frame = self._read()
            if isinstance(frame, NeedData):
                return frame
            after = _NEXT[self.state].get(type(frame))
            if after is None:
                when = "before the password was taken" if self.state is State.AUTH else "in the midst of the conversation"
                raise RemoteProtocolError(f"{self._head.get('Content-Type', '')[:40]!r} came {when}")
        except RemoteProtocolError:
            self.state = State.CLOSED
            raise
        if not (self.state is State.AUTH and isinstance(frame, CommandReply) and not frame.ok):
            self.state = after
        return frame

    def _read(self) -> Frame | NeedData:
        if not self._body_at and not self._read_head():
            return self._at_end() if self._ended else NEED_DATA
        end = self._body_at + self._length
        if len(self._buffer) < end:
            return self._at_end() if self._ended else NEED_DATA
        body = bytes(self._buffer[self._body_at:end])
        del self._buffer[:end]
        self._body_at = self._looked = 0
        return _frame(self._head, body)

    def _read_head(self) -> bool:
        """Parses the head of the next frame, if it is complete.  Newlines before it are ignored."""
        while not self._looked and self._buffer.startswith(b"\n"):
            del self._buffer[:1]
        end = self._buffer.find(b"\n\n", max(self._looked - 1, 0))
        if (end if end >= 0 else len(self._buffer)) > MAX_HEAD:
            raise RemoteProtocolError(f"more than {MAX_HEAD} bytes without an empty line: that is no event socket")
        if end < 0:
            self._looked = len(self._buffer)
            return False
        self._head = _head(bytes(self._buffer[:end]))
        self._length = _content_length(self._head)
        self._body_at = end + 2
        return True

    def _at_end(self) -> Disconnect:
        if self._buffer.strip(b"\n"):
            raise RemoteProtocolError(f"the connection ended in the middle of a frame ({len(self._buffer)} bytes of it)")
        return Disconnect("")


def _head(data: bytes) -> dict[str, str]:
    """The headers of a frame.  Raises RemoteProtocolError for a line that is no header."""
    headers: dict[str, str] = {}
    for line in data.split(b"\n"):
        name, colon, value = line.partition(b":")
        if not colon or not name.strip():
            raise RemoteProtocolError(f"{line[:60]!r} is no header of an event socket")
        headers.setdefault(_text(name).strip(), _text(value).strip())
    return headers


def _content_length(headers: Mapping[str, str]) -> int:
    text = headers.get("Content-Length", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise RemoteProtocolError(f"Content-Length {text[:40]!r} is no number")
    if int(text) > MAX_BODY:
        raise RemoteProtocolError(f"a frame of {text} bytes; {MAX_BODY} are the most that is taken")
    return int(text)


def _frame(headers: dict[str, str], body: bytes) -> Frame:
    kind = headers.get("Content-Type", "")
    match kind:
        case "auth/request":
            return AuthRequest()
        case "command/reply":
            return CommandReply(headers.get("Reply-Text", ""), headers)
        case "api/response":
            return ApiResponse(_text(body))
        case "text/event-plain":
            return _event(body)
        case "text/disconnect-notice":
            return Disconnect(_text(body).strip())
        case "text/rude-rejection":
            return RudeRejection(_text(body).strip())
        case "":
            raise RemoteProtocolError(f"a frame without Content-Type: {', '.join(headers)[:100]!r}")
    return OtherFrame(kind, _text(body))


def _event(data: bytes) -> EventFrame:
    head, _, body = data.partition(b"\n\n")
    headers = EventHeaders(head)
    if not headers.get("Event-Name"):
        raise RemoteProtocolError("an event without a name")
    return EventFrame(headers["Event-Name"], headers.get("Event-Subclass", ""), headers, _text(body))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# Commands.  All raise LocalProtocolError for text that could end the line or is too long.


def auth(password: str) -> bytes:
    """The password, as event_socket.conf.xml has it."""
    return _command("auth", password, secret=True)


def api(command: str, args: str = "") -> bytes:
    """One API command; answered by an :class:`ApiResponse` when it is done."""
    return _command("api", _word(command), args)


def bgapi(command: str, args: str, job_uuid: str) -> bytes:
    """One API command in the background; its result is a BACKGROUND_JOB event with this Job-UUID."""
    return _command("bgapi", _word(command), args)[:-1] + _command("Job-UUID:", _word(job_uuid))


def filter(header: str, value: str) -> bytes:
    """Only events with this header and value; several filters are alternatives."""
    if header.lower() in ("add", "delete"):
        raise LocalProtocolError(f"'filter {header}' is another command")
    if not value:
        raise LocalProtocolError(f"no value for the filter on {header}")
    return _command("filter", _word(header), value)


def event_plain(names: Sequence[str], subclasses: Sequence[str] = ()) -> bytes:
    """Events by name, and CUSTOM events by subclass.  CUSTOM comes last: all words after it are subclasses."""
    words = [_word(name) for name in names if name != "CUSTOM"]
    if subclasses or "CUSTOM" in names:
        words += ["CUSTOM", *(_word(subclass) for subclass in subclasses)]
    if not words:
        raise LocalProtocolError("no event to subscribe to")
    return _command("event plain", *words)


def exit() -> bytes:
    """Ends the conversation."""
    return _command("exit")


def _word(text: str) -> str:
    if not text or any(char.isspace() for char in text):
        raise LocalProtocolError(f"{text[:60]!r} is not one word")
    return text


def _command(*words: str, secret: bool = False) -> bytes:
    text = " ".join(word for word in words if word)
    shown = "the password" if secret else repr(text[:60])
    if any(char in text for char in "\r\n\0"):
        raise LocalProtocolError(f"{shown} has a line end or NUL in it")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise LocalProtocolError(f"{shown} cannot be written as UTF-8") from None
    if len(data) > MAX_COMMAND:
        raise LocalProtocolError(f"{shown} is {len(data)} bytes long; {MAX_COMMAND} are the most")
    return data + b"\n\n"
