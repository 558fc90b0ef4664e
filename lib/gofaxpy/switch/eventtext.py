"""The text form of FreeSWITCH's events (``switch_event_serialize`` in its switch_event.c), on the event socket and inside the
switch: lines ``Name: value`` with percent-encoded values, an empty line, and perhaps a body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gofaxpy.switch.clean import incoming, one_line, raw_bytes
from gofaxpy.values import frozen

EMPTY_VALUE = "_undef_"         # what stands for a header without a value
MAX_HEADERS = 8192              # an event has some 150, and one for each header of the INVITE; further ones are left out


@frozen
class EventRecord:
    """An event, cleaned.  ``uuid`` is its channel's or ``""``."""

    name: str
    subclass: str
    headers: Mapping[str, str]
    uuid: str


class EventHeaders(Mapping[str, str]):
    """The headers of a serialised event, up to an empty line.  A value is decoded when it is read: an event has some 150 headers,
    and few are read.

    Lines are split before they are decoded, so ``%0A`` in a caller's name makes no header.  The decoded newline becomes a blank,
    as every control character does.  FreeSWITCH does not encode a ``%0A`` that stood in a value (``switch_url_encode``), so a
    newline can come from a far end although SIP allows none.  Of a repeated header the first counts, as in FreeSWITCH.
    ``clean`` is applied to every decoded value; its default leaves bytes that are not UTF-8 as surrogates.
    """

    __slots__ = ("_clean", "_raw")

    def __init__(self, data: bytes, clean: Callable[[str], str] = one_line) -> None:
        self._clean = clean
        self._raw: dict[bytes, bytes] = {}
        for line in data.split(b"\n", MAX_HEADERS)[:MAX_HEADERS]:
            if not line:
                break
            name, colon, value = line.partition(b": ")
            if colon:
                self._raw.setdefault(name, value)

    def __getitem__(self, name: str) -> str:
        text = self._clean(_unquoted(self._raw[name.encode("utf-8", "surrogateescape")]).decode("utf-8", "surrogateescape"))
        return text if text != EMPTY_VALUE else ""

    def __iter__(self) -> Iterator[str]:
        return (name.decode("utf-8", "surrogateescape") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        """The decoded headers, so that frames of the same octets have the same text."""
        return repr(dict(self))


def event_record(serialized: str) -> EventRecord | None:
    """An event from its text form, as mod_python3 gives it; None for an event without a name."""
    headers = EventHeaders(raw_bytes(serialized), incoming)
    name = headers.get("Event-Name", "")
    if not name:
        return None
    return EventRecord(name, headers.get("Event-Subclass", ""), headers, headers.get("Unique-ID", ""))


def _unquoted(value: bytes) -> bytes:
    """Percent-decoding; a ``%`` without two hexadecimal digits stays.  (urllib.parse takes longer to load than gofaxsend takes
    to run.)"""
    if b"%" not in value:
        return value
    first, *parts = value.split(b"%")
    decoded = bytearray(first)
    for part in parts:
        number = _HEX.get(part[:2])
        if number is None:
            decoded += b"%" + part
        else:
            decoded.append(number)
            decoded += part[2:]
    return bytes(decoded)


_HEX = {
    bytes((high, low)): int(chr(high) + chr(low), 16)
    for high in b"0123456789abcdefABCDEF" for low in b"0123456789abcdefABCDEF"
}
