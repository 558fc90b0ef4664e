"""Which stations may send to us: HylaFAX's QualifyTSI, a file of regular expressions (faxd/FaxRecv.c++, hylafax-config(5)).

Each line is one expression.  The first one that matches in the sender's TSI decides; ``!`` before it means *refuse*.  If
no expression matches, the file is empty or the file cannot be read, the sender is refused (ServerConfig::checkACL: reject
if there are no patterns).  Empty lines and lines that start with ``#`` are ignored.

HylaFAX uses regcomp(3)'s extended expressions.  Python's differ from them in one thing that such files have: classes of
characters, ``[[:digit:]]``.
"""

from __future__ import annotations

import re

from gofaxpy.hylafax.encoding import decode
from gofaxpy.hylafax.spool import read_start
from gofaxpy.switch.clean import incoming

MAX_FILE = 1 << 20      # octets
MAX_LINE = 512          # characters
# regex(7): the classes of the C locale, as Python writes sets of characters
_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "graph": "!-~",
    "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r" \t-\r", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}
# An escape and the character after it, or a set with its classes and escapes.
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\[:[a-z]+:\]|\\.|[^]\\])*\]", re.DOTALL)
_CLASS = re.compile(r"\[(?::([a-z]+):\])?")


def accepts(path: str, tsi: str, problems: list[str]) -> bool:
    """Whether the station may send.  Appends to ``problems`` what is wrong with the file, one text for each line."""
    try:
        text = decode(read_start(path, MAX_FILE, follow=True))
    except OSError as error:
        problems.append(f"{path}: QualifyTSI cannot be read, so every sender is refused: {error.strerror}")
        return False
    station = incoming(tsi)
    for number, raw in enumerate(text.splitlines(), 1):
        line = incoming(raw.strip(), MAX_LINE)      # cleaned as the sender's TSI was, so that the two can match
        if not line or line.startswith("#"):
            continue
        refuse = line.startswith("!")
        try:
            found = re.search(_python(line[refuse:]), station)
        except (re.error, RecursionError, OverflowError) as error:
            problems.append(f"{path}:{number}: not a regular expression, left out: {error}")
            continue
        if found:
            return not refuse
    return False


def _python(expression: str) -> str:
    """The expression in Python's syntax.  Raises re.error for a class that does not exist."""
    return _PIECE.sub(lambda piece: _set(piece[0]) if piece[0].startswith("[") else piece[0], expression)


def _set(text: str) -> str:
    """A set of characters with its classes written out."""
    return "[" + _CLASS.sub(lambda found: _members(found[1]) if found[1] else r"\[", text[1:])


def _members(name: str) -> str:
    if name not in _CLASSES:
        raise re.error(f"[:{name}:] is no class of characters")
    return _CLASSES[name]
