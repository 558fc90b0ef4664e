"""A number as HylaFAX files it: in canonical form, by the rules the operator has given faxq (dialrules(5)).

faxq looks a destination up under its canonical number (``900123`` may be ``+4930900123``), so whatever is meant for it
must be filed under the same.  The rules are a small language of their own; HylaFAX's dialtest(8) speaks it.
"""

from __future__ import annotations

import os

from gofaxpy.hylafax.confline import parse
from gofaxpy.hylafax.encoding import decode, encode
from gofaxpy.hylafax.program import answer_of
from gofaxpy.hylafax.spool import Spool

DIALTEST = "/usr/lib/hylafax/bin/dialtest"
SECONDS = 5
_MOST = 1 << 20         # octets of a configuration that are read
# dialtest's options and the tags of etc/config that faxq passes to the rules
_VARIABLES = {"-c": "countrycode", "-a": "areacode", "-l": "longdistanceprefix", "-i": "internationalprefix"}


def canonical(spool: Spool, number: str) -> str:
    """``number`` by faxq's ``DialStringRules`` (etc/config); as it is where there are none, or where they cannot be used.

    Without rules faxq takes a number as it is, too.
    """
    try:
        with open(spool.path("etc", "config"), "rb") as file:
            config = parse(decode(file.read(_MOST)))
    except OSError:
        return number
    rules = config.get("dialstringrules", "")
    if not rules or not os.access(DIALTEST, os.X_OK) or not number.isprintable():
        return number
    plain = "".join(character for character in number if character not in '()"')   # dialtest reads these as its own syntax
    path = rules if rules.startswith("/") else spool.path(rules)
    options = [word for option, tag in _VARIABLES.items() if config.get(tag) for word in (option, config[tag])]
    return _asked([DIALTEST, "-q", *options, path], plain) or number


def _asked(command: list[str], number: str) -> str:
    """What dialtest prints behind ``canonical =``, or ``""``."""
    try:
        answer = answer_of([encode(word) for word in command], encode(number) + b"\n", SECONDS)
    except (OSError, ValueError):
        return ""
    for line in decode(answer).splitlines():
        tag, _, value = line.partition("=")
        if tag.strip() == "canonical":
            return value.strip().strip('"')
    return ""
