"""Whom an incoming fax is for: the number in a SIP To user, a request URI or a Diversion header.

A header may name several addresses (RFC 3261 §7.3.1, RFC 5806: the topmost Diversion is the latest one); the first
counts.  What is taken from ``"A, B" <sip:+4930123;npdi@host;user=phone>;reason=no-answer, <sip:…>`` is ``+4930123``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_LENGTH = 1000
_SCHEME = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_ESCAPE = re.compile(r"%([2-7][0-9A-Fa-f])")
_SEPARATORS = str.maketrans("", "", "-.() ")    # RFC 3966: visual separators say nothing
_NUMBER = re.compile(r"\+?[0-9A-Fa-f*#]+")
_TELEPHONE = re.compile(r"\+?[0-9*#]+")


def first_of(variable: str) -> str:
    """The first of several headers of one name in FreeSWITCH's form for them, ``ARRAY::first|:second`` (switch_event.c); a
    single one stands there as it is."""
    return variable.removeprefix("ARRAY::").partition("|:")[0] if variable.startswith("ARRAY::") else variable


def first_address(header: str) -> str:
    """The first of several addresses separated by commas, where commas in quotes and in ``<…>`` do not separate."""
    bracketed = False
    begin = 0
    for at, character in _outside_quotes(header):
        if character in "<>":
            bracketed = character == "<"
        elif character == "," and not bracketed:
            if header[begin:at].strip():
                return header[begin:at].strip()
            begin = at + 1
    return header[begin:].strip()


def number_of(header: str) -> str:
    """The user of the first address, ``""`` where there is none.  Separators go from what is a telephone number only:
    a user may also be a name such as ``fax.sales``."""
    address = first_address(header[:MAX_LENGTH])
    start = _unquoted(address, "<")
    address = (address[start + 1:].partition(">")[0] if start >= 0 else address.partition(";")[0]).strip()
    scheme = _SCHEME.match(address)
    uri = address[scheme.end():] if scheme else address
    user, at, _ = uri.partition("@")
    if scheme and not at and not scheme[0].lower().startswith("tel"):
        return ""       # sip:host names nobody
    user = user.partition(";")[0].partition(":")[0]
    user = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), user).strip()
    bare = user.translate(_SEPARATORS)
    return bare if _NUMBER.fullmatch(bare) else user


def caller_of(number: str) -> str:
    """A caller's number as it is compared, filed and shown: without visual separators, so that ``0-900`` and ``0900`` are one
    caller to DynamicConfig and to the list of stations without T.38.  What is no telephone number stays as it is."""
    bare = number.translate(_SEPARATORS).replace("/", "")
    return bare if _TELEPHONE.fullmatch(bare) else number


def _unquoted(text: str, wanted: str) -> int:
    """Where ``wanted`` stands outside of quotes, -1 if nowhere."""
    return next((at for at, character in _outside_quotes(text) if character == wanted), -1)


def _outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    """The characters that are neither in double quotes nor quotes themselves, each with its place."""
    quoted = escaped = False
    for at, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        else:
            yield at, character
