"""An event of the switch: a name, headers in order, a body, and its text form on the event socket.

Source of the rules: FreeSWITCH `src/switch_event.c` (names, `switch_event_serialize`) and `src/switch_utils.c`
(`switch_url_encode`). Text is `str`; bytes that are not UTF-8 are carried as lone surrogates (`surrogateescape`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

CUSTOM = "CUSTOM"

#: Every event name FreeSWITCH 1.10.12 knows (`src/switch_event.c`, EVENT_NAMES). `ALL` subscribes to everything.
EVENT_NAMES = frozenset(
    """
    CUSTOM CLONE CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_STATE CHANNEL_CALLSTATE CHANNEL_ANSWER CHANNEL_HANGUP
    CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE
    CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK
    CHANNEL_APPLICATION CHANNEL_ORIGINATE CHANNEL_UUID API LOG INBOUND_CHAN OUTBOUND_CHAN STARTUP SHUTDOWN PUBLISH
    UNPUBLISH TALK NOTALK SESSION_CRASH MODULE_LOAD MODULE_UNLOAD DTMF MESSAGE PRESENCE_IN NOTIFY_IN PRESENCE_OUT
    PRESENCE_PROBE MESSAGE_WAITING MESSAGE_QUERY ROSTER CODEC BACKGROUND_JOB DETECTED_SPEECH DETECTED_TONE
    PRIVATE_COMMAND HEARTBEAT TRAP ADD_SCHEDULE DEL_SCHEDULE EXE_SCHEDULE RE_SCHEDULE RELOADXML NOTIFY PHONE_FEATURE
    PHONE_FEATURE_SUBSCRIBE SEND_MESSAGE RECV_MESSAGE REQUEST_PARAMS CHANNEL_DATA GENERAL COMMAND SESSION_HEARTBEAT
    CLIENT_DISCONNECTED SERVER_DISCONNECTED SEND_INFO RECV_INFO RECV_RTCP_MESSAGE SEND_RTCP_MESSAGE CALL_SECURE NAT
    RECORD_START RECORD_STOP PLAYBACK_START PLAYBACK_STOP CALL_UPDATE FAILURE SOCKET_DATA MEDIA_BUG_START
    MEDIA_BUG_STOP CONFERENCE_DATA_QUERY CONFERENCE_DATA CALL_SETUP_REQ CALL_SETUP_RESULT CALL_DETAIL DEVICE_STATE
    TEXT SHUTDOWN_REQUESTED ALL
    """.split()
)

_UNSAFE = re.compile(r"""%(?![0-9A-F]{2})|[^!-~]|[#&+:;<=>?@\[\\\]^`{|}"]""")


def url_encode(value: str) -> str:
    """Percent-encode as `switch_url_encode` does: a `%` that already begins an escape (upper-case hex) is left alone.

    So the header of a variable that holds ``%2B49 1`` reads ``%2B49%201`` and comes out of a decoder as ``+49 1``.
    """
    if not _UNSAFE.search(value):
        return value
    raw = value.encode("utf-8", "surrogateescape").decode("latin-1")
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", raw)


def url_decode(value: str) -> str:
    """Undo percent-encoding; bytes that are not UTF-8 become lone surrogates."""
    if "%" not in value:
        return value
    raw = value.encode("utf-8", "surrogateescape")
    return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")


class Event:
    """One event. Header names are compared without regard to case; a name may occur more than once.

    An empty value removes the header, as in FreeSWITCH: there are no headers without a value.
    """

    __slots__ = ("body", "headers", "name", "subclass")

    def __init__(
        self, name: str, subclass: str | None = None, headers: Iterable[tuple[str, str]] = (), body: str = ""
    ) -> None:
        self.name = name
        self.subclass = subclass
        self.headers: list[tuple[str, str]] = list(headers)
        self.body = body

    def __repr__(self) -> str:
        return f"Event({self.name}{' ' + self.subclass if self.subclass else ''}, {len(self.headers)} headers)"

    def get(self, name: str) -> str | None:
        """The first value of the header `name`, or None."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """Every value of the header `name`."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def add(self, name: str, value: str) -> None:
        """Append a header; an empty value removes all headers of that name instead."""
        if value == "":
            self.delete(name)
        else:
            self.headers.append((name, value))

    def delete(self, name: str) -> bool:
        """Remove every header of that name; True if there was one."""
        wanted = name.lower()
        kept = [pair for pair in self.headers if pair[0].lower() != wanted]
        found = len(kept) != len(self.headers)
        self.headers = kept
        return found

    def copy(self) -> Event:
        """A copy with a header list of its own."""
        return Event(self.name, self.subclass, self.headers, self.body)

    def plain(self) -> bytes:
        """The form of `event plain`: percent-encoded headers, blank line, and the raw body under its own length."""
        lines = [f"{name}: {url_encode(value)}\n" for name, value in self.headers]
        head = "".join(lines).encode("utf-8", "surrogateescape")
        if not self.body:
            return head + b"\n"
        body = self.body.encode("utf-8", "surrogateescape")
        return head + b"Content-Length: %d\n\n" % len(body) + body
