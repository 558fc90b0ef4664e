"""The list of stations that do better without T.38, in mod_db as GOfax.IP keeps it: ``fallback/<number>/<time>``.

A station gets onto the list if a fax with it failed in a way that points to a T.38 gateway: the two ends negotiated more
than once, or pages came through with bad rows.  From then on its calls use audio.  Only the operator takes a station off
the list (``gofaxctl fallback clear NUMBER``, ``fs_cli -x 'db delete/fallback/NUMBER'``).

A failing database must never cost a fax: T.38 then stays as configured.
"""

from __future__ import annotations

from gofaxpy.switch.db import Db, DbError
from gofaxpy.switch.faxresult import FaxResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gofaxpy.switch.api import Command

REALM = "fallback"
AUDIO = {"fax_enable_t38": "false", "fax_enable_t38_request": "false"}      # channel variables of a call without T.38


def disabled(api: Command, number: str) -> bool:
    """Whether T.38 must not be used with ``number``, the station's number as the call gives it."""
    try:
        return Db(api).exists(REALM, number)
    except DbError:
        return False    # also for a number that cannot be a key, such as that of an anonymous caller


def enter(db: Db, number: str, now: float) -> None:
    """Puts ``number`` onto the list with the time (seconds since the epoch).  Raises DbError."""
    db.insert(REALM, number, str(int(now)))


def remember(api: Command, number: str, clock: Callable[[], float]) -> bool:
    """As :func:`enter`, but returns False instead of raising DbError.  ``clock`` gives seconds since the epoch."""
    try:
        enter(Db(api), number, clock())
    except DbError:
        return False
    return True


def points_to_t38(fax: FaxResult | None) -> bool:
    """Whether the fax failed in a way that puts its station onto the list."""
    return fax is not None and not fax.success and (fax.negotiations > 1 or fax.bad_rows > 0)
