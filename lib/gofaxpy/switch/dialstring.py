"""FreeSWITCH's dialstrings, and the forms of the texts in them.  This is the one place that escapes for dialstrings.

FreeSWITCH splits ``originate {name='value',…}sofia/gateway/GW/NUMBER '&python(SCRIPT REF)'`` three times: at blanks into
arguments (``originate_function``), the braces at commas into variables (``switch_event_create_brackets``), and each variable
at ``=``.  Each time ``switch_separate_string`` also removes quotes and backslashes.  So quotes do not protect a comma, and a
value must be escaped three times.  FreeSWITCH counts braces without regard to escapes, and drops a value with ``${`` when it
makes the channel.  (FreeSWITCH 1.10: switch_utils.c, switch_event.c, switch_ivr_originate.c, mod_commands.c.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

IDENT_LENGTH = 20               # characters of a station identifier (SpanDSP's T30_MAX_IDENT_LEN; ITU-T T.30, 5.3.6.2.4)
HEADER_LENGTH = 50              # octets of a page header (SpanDSP's T30_MAX_PAGE_HEADER_INFO)
# SpanDSP refuses a header of more than 50 octets and then has none (t30_api.c, t30_set_tx_page_header_info).
NO_HEADER = "no-header-" * 6
MAX_VALUE = 1024                # characters of one variable
MAX_CALLER_NAME = 80            # characters; telephones show some 20
MAX_NUMBER = 64                 # digits; E.164 has at most 15, to which prefixes and extensions are added

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_GATEWAY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HANDLER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?:::[A-Za-z_][A-Za-z0-9_]{0,63})?")
_REF = re.compile(r"[A-Za-z0-9_.-]{1,128}")

_SEPARATORS = frozenset(" -./()")
_DIALLED = frozenset("0123456789*#+")
_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CALLING = frozenset(_ALPHANUMERIC + "*#+._-")
_UNRESERVED = frozenset(_ALPHANUMERIC.encode())

# Texts that cannot be passed in a dialstring by any escape, and why.
_IMPOSSIBLE: dict[str, str] = {
    "{": "braces are counted even if they are escaped",
    "}": "braces are counted even if they are escaped",
    ":_:": "it separates the calls of an enterprise originate wherever it stands",
}


# Characters that a caller's name cannot have, and their replacements.
_IN_NAME = {'"': "'", "\\": "-", "/": "-", ":": " ", "@": " ", "{": "(", "}": ")", "%": "\uff05"}


class DialstringError(ValueError):
    """A text cannot be dialled, or cannot be passed to FreeSWITCH.  The message names it and what is wrong in it."""


def variables(values: Mapping[str, str]) -> str:
    """``{a='…',b='…'}``: channel variables for the new call; ``""`` if there are none.  A variable without a value is left out,
    for FreeSWITCH has no empty variables.

    Raises DialstringError for a name that cannot be one, and for a value that cannot be passed: with a brace, ``:_:``, a
    control character, a surrogate, or of more than 1024 characters.
    """
    parts = [f"{_name(name)}={_quoted(name, value)}" for name, value in values.items() if value]
    return "{" + ",".join(parts) + "}" if parts else ""


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise DialstringError(f"{name[:60]!r} is no name of a channel variable")
    return name


def _quoted(name: str, value: str) -> str:
    for text, reason in _IMPOSSIBLE.items():
        if text in value:
            raise DialstringError(f"{name} cannot be {value[:60]!r}: {text!r} cannot be passed to FreeSWITCH ({reason})")
    bad = next((char for char in value if not _is_text(char)), "")
    if bad:
        raise DialstringError(f"{name} cannot be {value[:60]!r}: it holds {_named(bad)}")
    if len(value) > MAX_VALUE:
        raise DialstringError(f"{name} is {len(value)} characters long; {MAX_VALUE} can be passed")
    inner = value.lstrip(" ")
    leading = len(value) - len(inner)
    kept = inner.rstrip(" ")
    trailing = len(inner) - len(kept)
    # Every split strips blanks at the ends, but not \s.
    at_equals = r"\s" * leading + _escaped(kept) + r"\s" * trailing
    at_comma = _escaped(at_equals).replace(",", r"\,")
    return "'" + _escaped(at_comma) + "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _is_text(char: str) -> bool:
    return " " <= char <= "~" or (char > "\x9f" and not "\ud800" <= char <= "\udfff" and char not in "\u2028\u2029")


def _named(char: str) -> str:
    return f"{char!r} (U+{ord(char):04X})" if char.isprintable() else f"the character U+{ord(char):04X}"


def fax_text(text: str, length: int = HEADER_LENGTH) -> str:
    """``text`` for a variable that mod_spandsp decodes (fax_ident, fax_header, fax_timezone), percent-encoded.

    The bytes are those of code page 437, as in SpanDSP's font for the page header; a character that is not in it becomes ``?``.
    Control characters become blanks.  The text is cut to ``length`` bytes: SpanDSP ignores a header of more than 50 without an
    error.
    """
    plain = "".join(char if _is_text(char) else " " if ord(char) < 0xD800 else "?" for char in text)
    return _percent(plain.encode("cp437", "replace")[:length])


def fax_header(text: str) -> str:
    """The page header (fax_header) for mod_spandsp, as :func:`fax_text`.  :data:`NO_HEADER` for an empty text: without the
    variable, or with an empty one, mod_spandsp uses the header of its spandsp.conf."""
    return fax_text(text, HEADER_LENGTH) if text.strip() else NO_HEADER


def fax_ident(text: str) -> str:
    """A station identifier (fax_ident) for mod_spandsp, percent-encoded.

    It has at most 20 characters: SpanDSP ignores a longer one.  T.30 allows digits, blank and ``+``; as in HylaFAX
    (faxd/Class1.c++, encodeTSI) all printable ASCII stays, and the rest is left out.
    """
    return _percent("".join(char for char in text if " " <= char <= "~")[:IDENT_LENGTH].encode())


def _percent(data: bytes) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in data)


def caller_name(text: str) -> str:
    """``text`` as a name to show to the far end (origination_caller_id_name).  It can always be passed, and may be ``""``.

    mod_sofia uses the part after the last ``/`` or ``:`` and before an ``@`` (``switch_sanitize_number``).  It writes that
    between quotes into the From header without any escape, so a quote or backslash would end more than the name (sofia_glue.c).
    A FreeSWITCH at the far end decodes a percent sign with one or two hexadecimal digits (``switch_url_decode``) and answers
    with the result: after ``%0A`` or ``%d`` its answer is no SIP, and the call fails.  All these characters are replaced, and so
    are braces and control characters.  Several blanks become one; the name is cut at 80 characters.
    """
    shown = "".join(_IN_NAME.get(char, char) if _is_text(char) else " " for char in text)
    return " ".join(shown.split())[:MAX_CALLER_NAME].strip()


def caller_number(text: str) -> str:
    """``text`` as a number to show to the far end (origination_caller_id_number), the user part of the From header's SIP URI.
    ASCII letters and digits and ``* # + . _ -`` stay; all others are left out."""
    return "".join(char for char in text if char in _CALLING)[:MAX_NUMBER]


def dialable(number: str) -> str:
    """``number`` without blanks and ``- . / ( )``, as it is dialled.

    ASCII digits, ``*``, ``#`` and ``+`` are allowed (E.164, RFC 3966, and the keys of a telephone).  Letters are not: in
    HylaFAX's dialstrings ``W``, ``T``, ``P`` and a comma are commands to a modem, which mean nothing to a gateway.  If a letter
    were dialled or left out, the fax would go to another number.

    Raises DialstringError, which names the first other character and its place.
    """
    digits = "".join(char for char in number if char not in _SEPARATORS)
    for place, char in enumerate(number, 1):
        if char not in _SEPARATORS and char not in _DIALLED:
            raise DialstringError(
                f"{number[:60]!r} cannot be dialled: {_named(char)} at place {place}; digits, '*', '#' and '+' can,"
                " and blanks and '-./()' are left out"
            )
    if not any(char.isdigit() for char in digits):
        raise DialstringError(f"{number[:60]!r} cannot be dialled: it has no digit")
    if len(digits) > MAX_NUMBER:
        raise DialstringError(f"{number[:60]!r} cannot be dialled: it has {len(digits)} digits; {MAX_NUMBER} are the most")
    return digits


def destination(number: str) -> str:
    """A destination's number in the one form in which it is compared, stored and dialled: as :func:`dialable`, with no ``+``
    except in front (E.164).  A gateway may leave out a ``+`` elsewhere, and dial a number that no rule was compared with.

    Raises DialstringError.
    """
    plain = dialable(number)
    if "+" in plain[1:]:
        raise DialstringError(f"{number[:60]!r} cannot be dialled: '+' can only be in front of the whole number")
    return plain


def call_prefix(text: str) -> str:
    """``text`` as it is dialled before a number; it may be ``""``.  Raises DialstringError as :func:`dialable`."""
    try:
        return dialable(text + "0")[:-1]
    except DialstringError:
        raise DialstringError(f"{text[:60]!r} cannot be dialled before a number: digits, '*', '#' and '+' can") from None


def gateway_name(text: str) -> str:
    """``text`` if it is the name of a gateway of mod_sofia: letters, digits, ``_ . -``.  Raises DialstringError."""
    if not _GATEWAY.fullmatch(text):
        raise DialstringError(
            f"{text[:60]!r} is no name of a gateway: letters, digits, '_', '.' and '-' only (freeswitch.gateways)"
        )
    return text


def originate(values: Mapping[str, str], gateway: str, number: str, handler: str, ref: str) -> str:
    """The whole command: calls ``number`` through ``gateway`` with channel variables ``values``; the answered call goes
    to ``handler`` (a script for mod_python3, ``module`` or ``module::function``) with argument ``ref``.

    FreeSWITCH drops everything after the first blank of an application without apostrophes.  Raises DialstringError.
    """
    if not _HANDLER.fullmatch(handler):
        raise DialstringError(f"{handler[:60]!r} is no script for mod_python3")
    if not _REF.fullmatch(ref):
        raise DialstringError(f"{ref[:60]!r} cannot be the argument of {handler}: letters, digits, '_', '.' and '-' only")
    return (
        f"originate {variables(values)}sofia/gateway/{gateway_name(gateway)}/{dialable(number)}"
        f" '&python({handler} {ref})'"
    )
