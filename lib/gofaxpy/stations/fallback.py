"""The list of stations that do better without T.38, in mod_db as GOfax.IP keeps it: ``fallback/<number>/<time>``.

A station gets onto the list when a fax with it failed in a way that points to a T.38 gateway: the two ends had to
negotiate more than once, or pages came through with bad rows.  From then on its calls use audio.  Nothing takes it off
again but the operator (``fs_cli -x 'db delete/fallback/NUMBER'``).

A database that cannot be asked must never cost a fax: then T.38 stays as configured.
"""

from __future__ import annotations

from collections.abc import Callable

from gofaxpy.switch.db import Db, DbError
from gofaxpy.switch.faxresult import FaxResult

REALM = "fallback"

Api = Callable[[str, str], str]
"""Gives one API command with its arguments and returns the reply (see :class:`gofaxpy.switch.db.Db`)."""


def disabled(api: Api, number: str) -> bool:
    """Whether T.38 is not to be used with ``number``, which is the station's number as the call gives it."""
    try:
        return Db(api).exists(REALM, number)
    except DbError:
        return False    # also for a number that cannot be a key, such as that of an anonymous caller


def enter(db: Db, number: str, now: float) -> None:
    """Puts ``number`` onto the list with the time (seconds since the epoch).  Raises DbError."""
    db.insert(REALM, number, str(int(now)))


def remember(api: Api, number: str, clock: Callable[[], float]) -> bool:
    """As :func:`enter`, for those who have no use for the reason: False if that could not be done."""
    try:
        enter(Db(api), number, clock())
    except DbError:
        return False
    return True


def points_to_t38(fax: FaxResult | None) -> bool:
    """Whether a fax failed in the way that puts its station onto the list."""
    return fax is not None and not fax.success and (fax.negotiations > 1 or fax.bad_rows > 0)
