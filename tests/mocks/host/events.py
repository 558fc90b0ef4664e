"""`freeswitch.Event`, `EventConsumer` and `Stream`, and the log.

Sources: FreeSWITCH `src/switch_cpp.cpp`, `src/switch_event.c`, `src/switch_log.c` (level names).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from mocks.esl.event import CUSTOM, EVENT_NAMES, url_encode
from mocks.esl.event import Event as SwitchEvent
from mocks.host.link import ask, ask_holding, crash, drop
from mocks.host.swig import CONST_CHAR, char_ptr, integer, no_such_constructor

LOG_ERROR = 3
LOG_WARNING = 4
LOG_DEBUG = 7

_LEVELS = {
    name: number
    for number, name in enumerate(("console", "alert", "crit", "err", "warning", "notice", "info", "debug"))
}


def log(level: int | str | None, text: str) -> None:
    """One entry of the switch's log. A level that is no name of one (`error`, `warn`) means DEBUG, as in the switch."""
    if not isinstance(level, int):
        name = (level or "").lower()
        level = min(int(name), LOG_DEBUG) if name.isdecimal() else _LEVELS.get(name, LOG_DEBUG)
    ask("log", level, text)


class Event:
    """An event: made by a script, taken from an EventConsumer, or the `env` of an API call."""

    def __init__(self, *args: object) -> None:
        if not 1 <= len(args) <= 2 or not isinstance(args[0], str):
            raise no_such_constructor(
                "Event", ("Event::Event(char const *,char const *)", "Event::Event(switch_event_t *,int)")
            )
        kind = char_ptr(args[0], "new_Event", 1, CONST_CHAR) or ""
        subclass = char_ptr(args[1], "new_Event", 2, CONST_CHAR) if len(args) > 1 else None
        name = kind.upper() if kind.upper() in EVENT_NAMES else "MESSAGE"
        if subclass and name != CUSTOM:
            log(LOG_WARNING, "Changing event type to custom because you specified a subclass name!")
            name = CUSTOM
        self._event = SwitchEvent(name, subclass or None, [("Event-Name", name)])
        if subclass:
            self._event.add("Event-Subclass", subclass)
        self.mine = 1

    @classmethod
    def _wrap(cls, event: SwitchEvent, mine: int) -> Event:
        wrapped = cls.__new__(cls)
        wrapped._event, wrapped.mine = event, mine
        return wrapped

    @classmethod
    def of_call(cls, headers: Iterable[list[str]]) -> Event:
        """The `env` of an API call: the switch's own event, which a script cannot fire."""
        return cls._wrap(SwitchEvent("API", None, ((name, value) for name, value in headers)), 0)

    @classmethod
    def popped(cls, parts: list[Any]) -> Event:
        """An event out of a consumer's queue: the script's own copy."""
        name, subclass, headers, body = parts
        return cls._wrap(SwitchEvent(name, subclass, ((key, value) for key, value in headers), body), 1)

    def getType(self) -> str:
        """The event's name."""
        return self._event.name

    def getHeader(self, header_name: str | None) -> str | None:
        """The first value of a header (in any case), None if there is none."""
        name = char_ptr(header_name, "Event_getHeader", 2, CONST_CHAR)
        if not name:
            log(LOG_ERROR, "Trying to getHeader an invalid header!")
            return None
        return self._event.get(name)

    def addHeader(self, header_name: str | None, value: str | None) -> bool:
        """Append a header; False for the value None."""
        name = char_ptr(header_name, "Event_addHeader", 2, CONST_CHAR)
        text = char_ptr(value, "Event_addHeader", 3, CONST_CHAR)
        if text is None:
            return False
        if name is None:
            crash("event.addHeader", "the name of the header is None: the real switch segfaults on the NULL")
        self._event.add(name, text)
        return True

    def delHeader(self, header_name: str | None) -> bool:
        """Remove every header of that name; True if there was one."""
        name = char_ptr(header_name, "Event_delHeader", 2, CONST_CHAR)
        if not name:
            log(LOG_ERROR, "Trying to delHeader an invalid header!")
            return False
        return self._event.delete(name)

    def addBody(self, value: str | None) -> bool:
        """Set the body; None becomes `(null)`."""
        text = char_ptr(value, "Event_addBody", 2, CONST_CHAR)
        self._event.body = "(null)" if text is None else text
        return True

    def getBody(self) -> str | None:
        """The body, None if there is none."""
        return self._event.body or None

    def setPriority(self, priority: int = 0) -> bool:
        """Accepted and without effect: events of the stand-in are delivered in order."""
        integer(priority, "Event_setPriority", 2)
        return True

    def merge(self, to_merge: Event) -> bool:
        """Append the headers of another event."""
        for name, value in to_merge._event.headers:
            self._event.add(name, value)
        return True

    def serialize(self, format: str | None = None) -> str:
        """The event as text: `plain` (percent-encoded headers, as on the event socket), `json` or `xml`."""
        wanted = (char_ptr(format, "Event_serialize", 2, CONST_CHAR) or "plain").lower()
        if wanted == "json":
            return self._json()
        if wanted == "xml":
            return self._xml()
        return self._event.plain().decode("utf-8", "surrogateescape")

    def _json(self) -> str:
        fields = dict(reversed(self._event.headers))
        if self._event.body:
            fields["Content-Length"] = str(len(self._event.body.encode("utf-8", "surrogateescape")))
            fields["_body"] = self._event.body
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    def _xml(self) -> str:
        lines = ["<event>", "  <headers>"]
        lines += [f"    <{name}>{escape(url_encode(value))}</{name}>" for name, value in self._event.headers]
        lines.append("  </headers>")
        if self._event.body:
            length = len(self._event.body.encode("utf-8", "surrogateescape"))
            lines += [f"  <Content-Length>{length}</Content-Length>", f"  <body>{escape(self._event.body)}</body>"]
        return "\n".join([*lines, "</event>", ""])

    def fire(self) -> bool:
        """Send a copy to everybody who listens; False for an event that is the switch's own."""
        if not self.mine:
            log(LOG_ERROR, "Not My event!")
            return False
        event = self._event
        ask("fire", event.name, event.subclass, event.headers, event.body)
        return True


class EventConsumer:
    """A queue of events: every event of every call that matches one of its bindings, until it is full."""

    #: Does a blocking `pop` keep the interpreter lock? (`mocks.host.seam.Quirks`)
    pop_holds_lock = True

    def __init__(self, event_name: str | None = None, subclass_name: str | None = "", len: int = 5000) -> None:
        name = char_ptr(event_name, "new_EventConsumer", 1, CONST_CHAR)
        subclass = char_ptr(subclass_name, "new_EventConsumer", 2, CONST_CHAR)
        length = integer(len, "new_EventConsumer", 3)
        self._number: int = ask("consumer", length)
        if name:
            ask("bind", self._number, name, subclass)

    def bind(self, event_name: str | None, subclass_name: str | None = "") -> int:
        """Queue these events too; 1, or 0 for a name that is none."""
        name = char_ptr(event_name, "EventConsumer_bind", 2, CONST_CHAR)
        subclass = char_ptr(subclass_name, "EventConsumer_bind", 3, CONST_CHAR)
        return int(ask("bind", self._number, name, subclass)) if self._number else 0

    def pop(self, block: int = 0, timeout: int = 0) -> Event | None:
        """The oldest event or None. With `block` it waits for one, `timeout` milliseconds at most (0: for ever)."""
        wait = integer(block, "EventConsumer_pop", 2)
        milliseconds = integer(timeout, "EventConsumer_pop", 3)
        if not self._number:
            return None
        if wait and self.pop_holds_lock:
            parts = ask_holding("EventConsumer.pop", "pop", self._number, True, milliseconds)
        else:
            parts = ask("pop", self._number, bool(wait), milliseconds)
        return None if parts is None else Event.popped(parts)

    def cleanup(self) -> None:
        """Unbind everything and forget what is queued; nothing comes after that."""
        if self.__dict__.get("_number"):
            number, self._number = self._number, 0
            drop("consumer", number)

    def __del__(self) -> None:
        self.cleanup()


class Stream:
    """Where an API script writes its reply."""

    def __init__(self) -> None:
        self._text: list[str] = []

    @classmethod
    def of_call(cls) -> Stream:
        """The stream of the call that runs."""
        return cls()

    def write(self, data: str | None) -> None:
        """Append text; None appends nothing."""
        self._text.append(char_ptr(data, "Stream_write", 2, CONST_CHAR) or "")

    def raw_write(self, data: str | None, len: int) -> None:
        """Append the first `len` bytes of the text's UTF-8 form."""
        text = char_ptr(data, "Stream_raw_write", 2, CONST_CHAR) or ""
        length = integer(len, "Stream_raw_write", 3)
        self._text.append(text.encode("utf-8")[:length].decode("utf-8", "surrogateescape"))

    def get_data(self) -> str:
        """Everything written so far."""
        return "".join(self._text)
