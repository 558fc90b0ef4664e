"""Which events one connection of the event socket wants: names, custom subclasses, filters.

Source: FreeSWITCH `mod_event_socket.c` (`event_handler`, and `event`, `nixevent`, `noevents`, `filter` in
`parse_command`). Without a filter every event that was asked for is sent; with filters one that matches any of them.
"""

from __future__ import annotations

import re
import threading

from mocks.esl.event import CUSTOM, EVENT_NAMES, Event

ALL = "ALL"
FORMATS = ("plain", "json", "xml")


class Subscription:
    """Asked from the thread that delivers events, changed by the thread of the connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listening = False
        self._names: set[str] = set()
        self._subclasses: set[str] = set()
        self._filters: list[tuple[str, str]] = []
        self._only_call = ""
        self.format = "plain"

    def wants(self, event: Event) -> bool:
        """True if this event goes to the connection."""
        with self._lock:
            if not self._listening:
                return False
            named = event.name in self._names
            if named and event.name == CUSTOM and event.subclass:
                named = event.subclass in self._subclasses
            if not (named or ALL in self._names) or not _passes(event, self._filters):
                return False
            return not self._only_call or event.get("Unique-ID") == self._only_call

    def event(self, words: list[str]) -> str:
        """`event [plain|json] NAME… CUSTOM SUBCLASS…`: everything behind CUSTOM is a subclass. The reply."""
        if words and words[0].lower() in FORMATS:
            self.format = words[0].lower()
            words = words[1:]
        names, subclasses = _parse(words)
        if not names:
            return "-ERR no keywords supplied"
        with self._lock:
            self._names |= names
            self._subclasses |= subclasses
            self._listening = True
        return f"+OK event listener enabled {self.format}"

    def nixevent(self, words: list[str]) -> str:
        """`nixevent NAME… CUSTOM SUBCLASS…`: no longer these. The reply."""
        names, subclasses = _parse(words)
        if not names:
            return "-ERR no keywords supplied"
        with self._lock:
            if ALL in names:
                self._names.clear()
            elif ALL in self._names and names != {CUSTOM}:
                self._names = set(EVENT_NAMES) - {ALL}
            self._names -= names - {CUSTOM}
            self._subclasses -= subclasses
            self._listening = True
        return "+OK events nixed"

    def noevents(self) -> str:
        """No events any more. The reply."""
        with self._lock:
            if not self._listening:
                return "-ERR not listening for events"
            self._listening = False
            self._names.clear()
            self._subclasses.clear()
        return "+OK no longer listening for events"

    def filter(self, text: str) -> str:
        """`filter [add] HEADER VALUE`, `filter delete HEADER [VALUE]`, `filter delete all`. The reply."""
        name, blank, value = text.lstrip(" ").partition(" ")
        if not blank:
            return "-ERR invalid syntax"
        if name.lower() == "delete":
            name, _, value = value.partition(" ")
            with self._lock:
                self._filters = [
                    (header, wanted)
                    for header, wanted in self._filters
                    if not (name.lower() == "all" or (header.lower() == name.lower() and value in ("", wanted)))
                ]
            return f"+OK filter deleted. [{name}][{value}]"
        if name.lower() == "add":
            name, _, value = value.partition(" ")
        with self._lock:
            self._filters.append((name, value))
        return f"+OK filter added. [{name}]=[{value}]"

    def only(self, uuid: str) -> str:
        """`myevents UUID`: the events of one call. The reply."""
        with self._lock:
            self._only_call = uuid
            self._names |= {name for name in EVENT_NAMES if name.startswith("CHANNEL_")}
            self._listening = True
        return "+OK Events Enabled"


def _parse(words: list[str]) -> tuple[set[str], set[str]]:
    names: set[str] = set()
    subclasses: set[str] = set()
    for word in words:
        if CUSTOM in names:
            subclasses.add(word)
        elif word.upper() in EVENT_NAMES:
            names.add(word.upper())
    return names, subclasses


def _passes(event: Event, filters: list[tuple[str, str]]) -> bool:
    """Any filter that matches lets the event through; one that begins with `-` and matches keeps it back."""
    if not filters:
        return True
    send = False
    for name, wanted in filters:
        value = event.get(name)
        if value is None:
            continue
        positive, compare = True, wanted
        while compare[:1] in ("+", "-", " ") and compare:
            positive = {"+": True, "-": False}.get(compare[0], positive)
            compare = compare[1:]
        if send and positive:
            continue
        matches = _matches(compare, value) if wanted.startswith("/") else value.lower() == compare.lower()
        if matches and not positive:
            return False
        send = send or matches
    return send


def _matches(expression: str, value: str) -> bool:
    try:
        return re.search(expression.strip("/"), value) is not None
    except re.error:
        return False
