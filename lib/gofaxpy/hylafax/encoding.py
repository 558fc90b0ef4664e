"""Text in the spool is bytes to HylaFAX; here it is ``str``, decoded as UTF-8 with ``surrogateescape``.

Whatever came over the line (station identifiers, caller names) may hold any byte.  :func:`one_line` takes away what
could end a line, a field or an operator's terminal session; everything printable stays as it is.
"""

from __future__ import annotations

# C0, DEL and C1 controls, and Unicode's two line separators.  A raw byte of 0x80 to 0x9f that is not UTF-8 is a
# surrogate here and stays: HylaFAX itself keeps it, and Latin-1 names would suffer.
_BLANKS = {number: " " for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


def decode(octets: bytes) -> str:
    """Bytes of a spool file as text; never fails, :func:`encode` gives back the same bytes."""
    return octets.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Text as it is written to the spool.  A surrogate that stands for no byte (from JSON, say) becomes ``?``."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def one_line(text: str) -> str:
    """``text`` with a blank for every control character, so that it is one line and one field."""
    if text.isprintable():      # nearly always, and faster; none of _BLANKS is
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
