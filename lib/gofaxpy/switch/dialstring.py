"""What is written into FreeSWITCH's dialstrings: the one place that escapes for them.

``originate {name='value',…}sofia/gateway/GW/NUMBER '&python(SCRIPT REF)'`` is taken apart three times: at blanks into
arguments (``originate_function``), the braces at commas into variables (``switch_event_create_brackets``), and each of
those at ``=``.  Every time ``switch_separate_string`` also removes quotes and undoes backslashes, so quotes protect a
comma from nothing and a value must be escaped three times over.  Braces are counted without regard to any escape, and
a value with ``${`` is dropped when the channel is made.  (FreeSWITCH 1.10: switch_utils.c, switch_event.c,
switch_ivr_originate.c, mod_commands.c.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

IDENT_LENGTH = 20               # SpanDSP takes no longer one (T30_MAX_IDENT_LEN; ITU-T T.30, 5.3.6.2.4)
HEADER_LENGTH = 50              # nor a longer page header (T30_MAX_PAGE_HEADER_INFO)
# SpanDSP refuses a header of more than 50 octets and then has none (t30_api.c, t30_set_tx_page_header_info).
NO_HEADER = "no-header-" * 6
MAX_VALUE = 1024                # characters of one variable
MAX_CALLER_NAME = 80            # characters; telephones show some 20
MAX_NUMBER = 64                 # digits; E.164 has 15 at most, prefixes and extensions come on top

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_GATEWAY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HANDLER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?:::[A-Za-z_][A-Za-z0-9_]{0,63})?")
_REF = re.compile(r"[A-Za-z0-9_.-]{1,128}")

_SEPARATORS = frozenset(" -./()")
_DIALLED = frozenset("0123456789*#+")
_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CALLING = frozenset(_ALPHANUMERIC + "*#+._-")
_UNRESERVED = frozenset(_ALPHANUMERIC.encode())

# Texts that no escape gets through the dialstring, and why.
_IMPOSSIBLE: dict[str, str] = {
    "{": "braces are counted even if they are escaped",
    "}": "braces are counted even if they are escaped",
    ":_:": "it separates the calls of an enterprise originate wherever it stands",
}


# Characters that a caller's name cannot have, and what is shown instead.
_IN_NAME = {'"': "'", "\\": "-", "/": "-", ":": " ", "@": " ", "{": "(", "}": ")", "%": "\uff05"}


class DialstringError(ValueError):
    """A text that cannot be dialled, or cannot be passed to FreeSWITCH.  Says which, and what in it is wrong."""


def variables(values: Mapping[str, str]) -> str:
    """``{a='…',b='…'}``: channel variables for the new call.  One without a value is left out: FreeSWITCH has no empty
    variables.  ``""`` if there are none.

    Raises DialstringError for a name that is none, and for a value that cannot be passed: with a brace, ``:_:``, a
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
    # Blanks at the ends are taken away at every cut; \s is one that is not.
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

    The bytes are those of code page 437, which SpanDSP's font for the page header has; a character that is not in it
    becomes ``?``.  Control characters become blanks.  Cut to ``length`` bytes: SpanDSP takes no header of more than
    50, and silently none at all then.
    """
    plain = "".join(char if _is_text(char) else " " if ord(char) < 0xD800 else "?" for char in text)
    return _percent(plain.encode("cp437", "replace")[:length])


def fax_header(text: str) -> str:
    """The page header (fax_header) as mod_spandsp takes it: see :func:`fax_text`.  For no header :data:`NO_HEADER`:
    without the variable, or with an empty one, mod_spandsp takes the header of its spandsp.conf."""
    return fax_text(text, HEADER_LENGTH) if text.strip() else NO_HEADER


def fax_ident(text: str) -> str:
    """A station identifier (fax_ident) as mod_spandsp takes it, percent-encoded.

    At most 20 characters, for SpanDSP drops a longer one altogether.  T.30 has digits, blank and ``+`` there; as
    HylaFAX does (faxd/Class1.c++, encodeTSI) all printable ASCII is let through and the rest left out.
    """
    return _percent("".join(char for char in text if " " <= char <= "~")[:IDENT_LENGTH].encode())


def _percent(data: bytes) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in data)


def caller_name(text: str) -> str:
    """``text`` as a name to show to the far end (origination_caller_id_name): always passable, perhaps ``""``.

    mod_sofia shows what follows the last ``/`` or ``:`` and precedes an ``@`` (``switch_sanitize_number``), and writes
    it between quotes into the From header without any escape, where a quote or backslash ends more than the name
    (sofia_glue.c).  A FreeSWITCH that is called so decodes a percent sign with a hexadecimal digit or two behind it
    (``switch_url_decode``), and answers with what came out: after ``%0A`` or ``%d`` nobody can read its answer, and the
    call fails.  Such characters are replaced, as are braces and control characters; blanks are single; cut to 80
    characters.
    """
    shown = "".join(_IN_NAME.get(char, char) if _is_text(char) else " " for char in text)
    return " ".join(shown.split())[:MAX_CALLER_NAME].strip()


def caller_number(text: str) -> str:
    """``text`` as a number to show to the far end (origination_caller_id_number), the user of the From header's SIP
    URI: letters and digits of ASCII and ``* # + . _ -``; everything else is left out."""
    return "".join(char for char in text if char in _CALLING)[:MAX_NUMBER]


def dialable(number: str) -> str:
    """``number`` without blanks and ``- . / ( )``: what is dialled.

    Allowed are digits (of ASCII), ``*``, ``#`` and ``+``: E.164, RFC 3966 and the keys of a telephone.  Letters are
    not: in HylaFAX's dialstrings ``W``, ``T``, ``P`` and a comma are orders to a modem that a gateway has no use for,
    and a letter that is dialled as it is, or left out, is a fax to somebody else.

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
    """A destination's number in the one form in which it is compared, filed and dialled: as :func:`dialable`, with a ``+``
    in front or nowhere (E.164).  A gateway may leave out one that stands elsewhere, and would dial what nobody has compared.

    Raises DialstringError.
    """
    plain = dialable(number)
    if "+" in plain[1:]:
        raise DialstringError(f"{number[:60]!r} cannot be dialled: '+' can only be in front of the whole number")
    return plain


def call_prefix(text: str) -> str:
    """``text`` as it is dialled before a number, perhaps ``""``.  Raises DialstringError as :func:`dialable`."""
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

    Without the apostrophes around the application everything after its first blank is lost.  Raises DialstringError.
    """
    if not _HANDLER.fullmatch(handler):
        raise DialstringError(f"{handler[:60]!r} is no script for mod_python3")
    if not _REF.fullmatch(ref):
        raise DialstringError(f"{ref[:60]!r} cannot be the argument of {handler}: letters, digits, '_', '.' and '-' only")
    return (
        f"originate {variables(values)}sofia/gateway/{gateway_name(gateway)}/{dialable(number)}"
        f" '&python({handler} {ref})'"
    )
