"""Arguments for a script inside FreeSWITCH, in a form that FreeSWITCH's command splitter does not change.

FreeSWITCH splits the text after ``python MODULE``, and removes quotes and backslashes from it (``it's`` arrives as ``its``,
``\\n`` as a newline; ``switch_separate_string`` in its switch_utils.c).  URL-safe base64 (RFC 4648, section 5) without padding
has no character that means anything to it.
"""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_LENGTH = 8192               # characters of base64; an order to call needs some 250
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def encode_args(mapping: Mapping[str, object]) -> str:
    """``mapping``, of values that JSON can hold, as one word.  Raises ValueError for a word longer than :data:`MAX_LENGTH`."""
    import binascii
    import json

    data = json.dumps(dict(mapping), separators=(",", ":")).encode()
    text = binascii.b2a_base64(data, newline=False).decode().translate({43: "-", 47: "_", 61: None})
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the arguments are {len(text)} characters long; {MAX_LENGTH} fit")
    return text


def decode_args(text: str | None) -> dict[str, Any]:
    """The mapping that :func:`encode_args` has made ``text`` of.  Raises ValueError; its text says what is wrong."""
    import binascii

    from gofaxpy import jsontext

    word = (text or "").strip().rstrip("=")
    if not word:
        raise ValueError("no arguments were given")
    if len(word) > MAX_LENGTH:
        raise ValueError(f"the arguments are {len(word)} characters long; {MAX_LENGTH} fit")
    strange = next((char for char in word if char not in _ALPHABET), "")
    if strange:
        raise ValueError(f"the arguments are no URL-safe base64: it has no {strange!a}")
    try:
        data = binascii.a2b_base64(word.translate({45: "+", 95: "/"}) + "=" * (-len(word) % 4))
        value = jsontext.parse(data)
    except ValueError as error:
        raise ValueError(f"the arguments are not what encode_args makes: {str(error)[:100]}") from None
    if not isinstance(value, dict):
        raise ValueError(f"the arguments are a {type(value).__name__}, not names and values")
    return value
