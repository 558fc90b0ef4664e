"""Text in the spool is bytes to HylaFAX; here it is ``str``, decoded as UTF-8 with ``surrogateescape``.

Text that came over the line (station identifiers, caller names) may hold any byte.  :func:`one_line` removes the characters that
could end a line or a field, or steer an operator's terminal; all printable characters stay.
"""

from __future__ import annotations

# C0, DEL and C1 controls, and Unicode's two line separators.  A raw byte of 0x80 to 0x9f that is not UTF-8 is a
# surrogate here and stays: HylaFAX itself keeps it, and Latin-1 names would suffer.
_BLANKS = {number: " " for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


def decode(octets: bytes) -> str:
    """Bytes of a spool file as text.  Never fails; :func:`encode` gives the same bytes again."""
    return octets.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of a text for the spool.  A surrogate that stands for no byte (from JSON, for example) becomes ``?``."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def one_line(text: str) -> str:
    """``text`` with a blank for every control character, so that it is one line and one field."""
    if text.isprintable():      # nearly every text is; no character of _BLANKS is printable
        return text
    return text.translate(_BLANKS)


def cut(text: str, octets: int) -> str:
    """``text`` shortened to at most ``octets`` bytes of UTF-8, never in the middle of a character."""
    whole = encode(text)
    if len(whole) <= octets:
        return text
    end = octets
    while end > 0 and whole[end] & 0xC0 == 0x80:
        end -= 1
    return decode(whole[:end])
