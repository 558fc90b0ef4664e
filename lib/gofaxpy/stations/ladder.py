"""The ladder: after a failure a destination is called in a simpler way next time, after a success in a better one.

The rungs go from the configured way down to one that nearly every machine and line supports.  The rung of a destination
is kept in FreeSWITCH's mod_db, ``gofax-ladder / NUMBER -> RUNG TIME`` (seconds since the epoch).  It is forgotten after
``outbound.ladder_days``.  The ladder is off unless ``outbound.ladder`` is on.
"""

from __future__ import annotations

from gofaxpy.hylafax.spool import age
from gofaxpy.stations.fallback import AUDIO
from gofaxpy.switch.db import Db
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import HUNG_UP_BY_THEM

REALM = "gofax-ladder"
DAY = 86400         # seconds
LONGEST = 32        # characters of a value; int() refuses numbers of thousands of digits
_NO_ECM = {"fax_use_ecm": "false"}
_NO_V17 = {"fax_disable_v17": "true"}     # V.29 is then the fastest: 9600 bit/s
RUNGS: tuple[tuple[str, dict[str, str]], ...] = (
    ("as configured", {}),
    ("audio instead of T.38", AUDIO),
    ("audio, no error correction", AUDIO | _NO_ECM),
    ("audio, no error correction, 9600 bit/s", AUDIO | _NO_ECM | _NO_V17),
)
# Results that say nothing about the line between two fax machines: no machine answered, or the document is at fault.
_ELSEWHERE = frozenset((
    ResultCode.T0_EXPIRED, ResultCode.FILEERROR, ResultCode.NOPAGE, ResultCode.BADTIFF, ResultCode.BADPAGE, ResultCode.BADTAG,
    ResultCode.BADTIFFHDR, ResultCode.NOMEM,
))


def rung_of(db: Db, number: str, now: float, days: int) -> int:
    """The rung of ``number``; 0 if mod_db has none, or one that is too old.  ``now`` is in seconds since the epoch.

    Raises DbError.
    """
    value = db.select(REALM, number)
    rung, _, at = value.partition(" ")
    if not (value.isascii() and rung.isdigit() and at.isdigit() and len(value) < LONGEST) or age(int(at), now) > days * DAY:
        return 0
    return min(int(rung), len(RUNGS) - 1)


def step(db: Db, number: str, fax: FaxResult, disposition: str, now: float, days: int) -> int | None:
    """Sets the rung for the next fax from the result of this one.  The new rung, or None if it stays.  Raises DbError.

    A dropped call counts as a failure only if the far end hung up (``disposition``, sofia's ``sip_hangup_disposition``):
    otherwise the user may have ended it.
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
    """Whether the fax failed in a way that a simpler way of sending might have prevented."""
    if fax.success or fax.code in _ELSEWHERE:
        return False
    return fax.code is not ResultCode.CALLDROPPED or disposition == HUNG_UP_BY_THEM
