"""The recipient of an incoming fax: the number in a SIP To user, a request URI or a Diversion header.

A header may name several addresses (RFC 3261 §7.3.1).  The first one counts; the topmost Diversion is the latest one
(RFC 5806).  The number in ``"A, B" <sip:+4930123;npdi@host;user=phone>;reason=no-answer, <sip:…>`` is ``+4930123``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_LENGTH = 1000       # characters of a header that are read
_SCHEME = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_ESCAPE = re.compile(r"%([2-7][0-9A-Fa-f])")
_SEPARATORS = str.maketrans("", "", "-.() ")    # visual separators have no meaning (RFC 3966)
_NUMBER = re.compile(r"\+?[0-9A-Fa-f*#]+")
_TELEPHONE = re.compile(r"\+?[0-9*#]+")


def first_of(variable: str) -> str:
    """The first of several headers of one name, from FreeSWITCH's form ``ARRAY::first|:second`` (switch_event.c).

    A single header is in the variable as it is.
    """
    return variable.removeprefix("ARRAY::").partition("|:")[0] if variable.startswith("ARRAY::") else variable


def first_address(header: str) -> str:
    """The first of several addresses separated by commas.  Commas in quotes and in ``<…>`` do not separate."""
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
    """The user of the first address, ``""`` if it has none.

    Visual separators are removed from a telephone number only: a user may also be a name such as ``fax.sales``.
    """
    address = first_address(header[:MAX_LENGTH])
    start = _unquoted(address, "<")
    address = (address[start + 1:].partition(">")[0] if start >= 0 else address.partition(";")[0]).strip()
    scheme = _SCHEME.match(address)
    uri = address[scheme.end():] if scheme else address
    user, at, _ = uri.partition("@")
    if scheme and not at and not scheme[0].lower().startswith("tel"):
        return ""       # sip:host has no user
    user = user.partition(";")[0].partition(":")[0]
    user = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), user).strip()
    bare = user.translate(_SEPARATORS)
    return bare if _NUMBER.fullmatch(bare) else user


def caller_of(number: str) -> str:
    """A caller's number as it is compared, filed and shown: without visual separators, if it is a telephone number.

    So ``0-900`` and ``0900`` are one caller to DynamicConfig and to the list of stations without T.38.
    """
    bare = number.translate(_SEPARATORS).replace("/", "")
    return bare if _TELEPHONE.fullmatch(bare) else number


def _unquoted(text: str, wanted: str) -> int:
    """The index of ``wanted`` outside of quotes, -1 if it is not there."""
    return next((at for at, character in _outside_quotes(text) if character == wanted), -1)


def _outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside of double quotes, without the quotes themselves, each with its index."""
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
