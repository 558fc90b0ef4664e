"""HylaFAX's configuration lines (libhylafax/FaxConfig.c++, hylafax-config(5)), as DynamicConfig scripts print them.

Each line is ``Tag: value``.  The case of tags does not count.  A value in double quotes may hold anything, with
``\\n \\t \\r \\b \\f \\v``, octal ``\\nnn`` and ``\\<character>``; without quotes it ends at the first blank.  Empty lines and
lines that start with ``#`` are ignored.  The caller may name tags that are texts: their unquoted values end at the end of the
line, as GOfax.IP's scripts write them (``LocalIdentifier: +1 234 567``).  Other than native, this parser keeps the last
character of a last line without a newline, allows blanks before the colon, and never follows ``include``.
"""

from __future__ import annotations

from collections.abc import Collection

from gofaxpy.hylafax.encoding import decode, encode

_BLANKS = b" \t\n\v\f\r"
_ESCAPES = {ord("n"): 10, ord("t"): 9, ord("r"): 13, ord("b"): 8, ord("f"): 12, ord("v"): 11}
_DIGITS = b"0123456789"
_LONG_MAX = (1 << 63) - 1
_MOST_DIGITS = 64               # more do not fit into a long in any base


def parse(text: str, problems: list[str] | None = None, texts: Collection[str] = ()) -> dict[str, str]:
    """The values by lower-cased tag; of a repeated tag the last one counts.  ``texts`` are the lower-cased tags whose
    unquoted values go on to the end of the line, as GOfax.IP reads and documents them.

    A line that cannot be understood is left out, as native does.  If the caller gives a list of ``problems``, what is wrong with
    the line is appended to it.
    """
    found: dict[str, str] = {}
    for number, raw in enumerate(encode(text).split(b"\n"), 1):
        line = raw.strip(_BLANKS)
        if not line or line.startswith(b"#"):
            continue
        tag, colon, rest = line.partition(b":")
        name = decode(tag.rstrip(_BLANKS)).lower()
        value = _value(rest.lstrip(_BLANKS), name in texts) if colon else None
        trouble = ""
        if not colon:
            trouble = "no ':' after the name"
        elif value is None:
            trouble = "the closing quote is missing"
        elif name == "include":
            trouble = "include is not allowed here"
        else:
            found[name] = decode(value.partition(b"\0")[0])
        if trouble and problems is not None:
            problems.append(f"line {number}: {trouble}: {decode(line[:80])}")
    return found


def _value(rest: bytes, to_the_end: bool = False) -> bytes | None:
    """The value at the start of ``rest``; None if its quotes are not closed."""
    if not rest.startswith(b'"'):
        if to_the_end:
            return rest.rstrip(_BLANKS)
        words = rest.split(None, 1)
        return words[0] if words else b""
    value = bytearray()
    at = 1
    while at < len(rest):
        character = rest[at]
        at += 1
        if character == ord('"'):
            return bytes(value)
        if character == ord("\\") and at < len(rest):
            character = rest[at]
            at += 1
            if character in _DIGITS:
                character -= ord("0")
                for _ in range(2):
                    if at < len(rest) and rest[at] in _DIGITS:
                        character = (character << 3) + rest[at] - ord("0")
                        at += 1
                character &= 0xFF
            else:
                character = _ESCAPES.get(character, character)
        value.append(character)
    return None


def boolean(value: str) -> bool:
    """True for ``on``, ``yes`` and ``true`` in any case, and for nothing else: ``1`` is false, as it is to HylaFAX."""
    return value.lower() in ("on", "yes", "true")


def number(value: str) -> int:
    """An integer as C's ``strtol(…, 0)`` reads it: ``0600`` is octal, ``0x1f`` hexadecimal, the rest of the text is ignored.

    As native: 0 where there is no number, and the largest ``long`` where the number does not fit.
    """
    text = value.strip()
    sign = -1 if text.startswith("-") else 1
    text = text[1:] if text[:1] in ("+", "-") else text
    base, allowed = 10, "0123456789"
    if text[:2] in ("0x", "0X"):
        base, allowed, text = 16, "0123456789abcdefABCDEF", text[2:]
    elif text.startswith("0"):
        base, allowed = 8, "01234567"
    length = 0
    while length < len(text) and text[length] in allowed:
        length += 1
    digits = text[:length].lstrip("0")[:_MOST_DIGITS]     # Python refuses to convert more than 4300
    return sign * min(int(digits, base), _LONG_MAX) if digits else 0
