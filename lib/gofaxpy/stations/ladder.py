"""The ladder: a destination that failed is called in a simpler way next time, and in a better one after a success.

The rungs go from what is configured down to what nearly every machine and line can do.  The rung of a destination
stands in FreeSWITCH's mod_db, ``gofax-ladder / NUMBER -> RUNG TIME`` (seconds since the epoch), and is forgotten after
``outbound.ladder_days``.  The ladder is off unless ``outbound.ladder`` is on.
"""

from __future__ import annotations

from gofaxpy.hylafax.spool import age
from gofaxpy.switch.db import Db
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import HUNG_UP_BY_THEM

REALM = "gofax-ladder"
DAY = 86400
LONGEST = 32        # no text for int() to choke on
_AUDIO = {"fax_enable_t38": "false", "fax_enable_t38_request": "false"}
_NO_ECM = {"fax_use_ecm": "false"}
_NO_V17 = {"fax_disable_v17": "true"}     # V.29 is then the fastest: 9600 bit/s
RUNGS: tuple[tuple[str, dict[str, str]], ...] = (
    ("as configured", {}),
    ("audio instead of T.38", _AUDIO),
    ("audio, no error correction", _AUDIO | _NO_ECM),
    ("audio, no error correction, 9600 bit/s", _AUDIO | _NO_ECM | _NO_V17),
)
# Ends that say nothing about the line between two fax machines: no machine, or our own document.
_ELSEWHERE = frozenset((
    ResultCode.T0_EXPIRED, ResultCode.FILEERROR, ResultCode.NOPAGE, ResultCode.BADTIFF, ResultCode.BADPAGE, ResultCode.BADTAG,
    ResultCode.BADTIFFHDR, ResultCode.NOMEM,
))


def rung_of(db: Db, number: str, now: float, days: int) -> int:
    """The rung on which ``number`` stands; 0 where nothing is noted, or what is noted is too old.  Raises DbError."""
    value = db.select(REALM, number)
    rung, _, at = value.partition(" ")
    if not (value.isascii() and rung.isdigit() and at.isdigit() and len(value) < LONGEST) or age(int(at), now) > days * DAY:
        return 0
    return min(int(rung), len(RUNGS) - 1)


def step(db: Db, number: str, fax: FaxResult, disposition: str, now: float, days: int) -> int | None:
    """Notes what this end of a fax means for the next; the new rung, or None if it stays.  Raises DbError.

    A call that was dropped counts only if the far end hung up (``disposition``): the user may have ended it.
    """
    before = rung_of(db, number, now, days)
    rung = before
    if fax.success:
        rung = max(before - 1, 0)
    elif is_failure_of_the_line(fax, disposition):
        rung = min(before + 1, len(RUNGS) - 1)
    if rung != before and rung == 0:
        db.delete(REALM, number)
    elif rung != before or rung > 0:
        db.insert(REALM, number, f"{rung} {int(now)}")
    return rung if rung != before else None


def is_failure_of_the_line(fax: FaxResult, disposition: str) -> bool:
    """Whether a simpler way of sending might have helped."""
    if fax.success or fax.code in _ELSEWHERE:
        return False
    return fax.code is not ResultCode.CALLDROPPED or disposition == HUNG_UP_BY_THEM
