"""Makes text safe on its way from and to FreeSWITCH.

mod_python3 decodes text for Python as UTF-8 with ``surrogateescape``.  A caller's name or a station identifier (20 bytes that
SpanDSP copies from the line) may hold any byte, so such text may hold lone surrogates.  SWIG turns a text that cannot be encoded
into a null pointer.  FreeSWITCH 1.10 dereferences it, and the whole switch dies.  So text is made encodable when it comes in, and
again before it goes out.
"""

from __future__ import annotations

DEFAULT_LIMIT = 1024            # characters; the SIP headers and fax variables that are used are shorter
OUTGOING_LIMIT = 4096
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# C0, DEL and C1 controls and Unicode's own line and paragraph separators: they end lines in logs, in HylaFAX's files
# and in SIP headers, and steer terminals.
_BLANKS = {number: " " for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
_BLANKS_BUT_NEWLINE = {number: blank for number, blank in _BLANKS.items() if number != 0x0A}


def incoming(value: object, limit: int = DEFAULT_LIMIT, multiline: bool = False) -> str:
    """Text from FreeSWITCH, made safe for files, logs, and the way back to FreeSWITCH.

    None (an unset variable) is ``""``; bytes that are not UTF-8 become U+FFFD; control characters become blanks, with
    ``multiline`` all but the newline; the text is cut at ``limit`` characters.
    """
    if value is None:
        return ""
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
    return _encodable(text[:limit]).translate(_BLANKS_BUT_NEWLINE if multiline else _BLANKS)


def outgoing(text: str, limit: int = OUTGOING_LIMIT) -> str:
    """``text`` as FreeSWITCH can take it: encodable as UTF-8, without NUL (which ends a C string), at most ``limit``
    characters.  Newlines stay."""
    return _encodable(text[:limit]).replace("\0", " ")


def one_line(text: str) -> str:
    """``text`` with a blank for every control character.  Lone surrogates stay: use this for text that stays in Python."""
    return text.translate(_BLANKS)


def raw_bytes(value: object) -> bytes:
    """The bytes that FreeSWITCH had: undoes ``surrogateescape``.  None is ``b""``; a surrogate that stands for no
    byte becomes ``?``."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    text = str(value)
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(REPLACEMENT if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
