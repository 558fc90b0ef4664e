"""The canonical form of a number, by the rules that the operator has given faxq (dialrules(5)).

faxq looks for the info file of a destination under its canonical number (``900123`` may be ``+4930900123``), so gofaxsend must
write it under that number too.  The rules are a small language of their own, which HylaFAX's dialtest(8) interprets.
"""

from __future__ import annotations

import os

from gofaxpy.hylafax.confline import parse
from gofaxpy.hylafax.encoding import decode, encode
from gofaxpy.hylafax.program import answer_of
from gofaxpy.hylafax.spool import Spool, read_start

DIALTEST = "/usr/lib/hylafax/bin/dialtest"
SECONDS = 5
_MAX_CONFIG = 1 << 20
# dialtest's options and the tags of etc/config that faxq passes to the rules
_VARIABLES = {"-c": "countrycode", "-a": "areacode", "-l": "longdistanceprefix", "-i": "internationalprefix"}


def canonical(spool: Spool, number: str) -> str:
    """``number`` by faxq's ``DialStringRules`` (etc/config); unchanged where there are no rules or they cannot be used.

    Without rules faxq takes a number unchanged as well.
    """
    try:
        config = parse(decode(read_start(spool.path("etc", "config"), _MAX_CONFIG, follow=True)))
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
    """The value that dialtest prints after ``canonical =``, or ``""``."""
    try:
        answer = answer_of([encode(word) for word in command], encode(number) + b"\n", SECONDS)
    except (OSError, ValueError):
        return ""
    for line in decode(answer).splitlines():
        tag, _, value = line.partition("=")
        if tag.strip() == "canonical":
            return value.strip().strip('"')
    return ""
