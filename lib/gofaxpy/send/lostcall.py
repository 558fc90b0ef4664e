"""What is certain of a call whose FreeSWITCH cannot be asked, because it is dead, hangs, or is configured no more.

The journal tells.  A call that is not answered can be withdrawn, and sends nothing from then on.  One that was answered has
a handler, which holds the entry until the result is noted: if that lock is gone, the handler is gone, and the fax with it.
Among processes of one kernel the lock tells that for certain.  Of a handler on another machine, or where the file system
keeps no locks, only time tells: a second call never sends pages that may still be on their way.
"""

from __future__ import annotations

import time
from enum import Enum

from gofaxpy.hylafax.spool import age
from gofaxpy.journal import Entry, Mark, Step
from gofaxpy.local import began, boot_id, is_here


class Fate(Enum):
    """What becomes of such a call."""

    WITHDRAWN = "withdrawn"     # it was not answered, and will send nothing
    OVER = "over"               # its result is noted, or its handler is gone without one
    UNKNOWN = "unknown"         # it may still send


def fate_of(entry: Entry, uuid: str, longest: float) -> Fate:
    """Withdraws the call where that is possible.  ``longest`` is how many seconds a call may last (outbound.call_timeout).

    Raises JournalError.
    """
    if _mark_of(entry, Step.CONNECTED, uuid) is None:
        entry.mark(Step.WITHDRAWN, uuid=uuid)
    if entry.withdrawn(uuid):
        return Fate.WITHDRAWN
    return Fate.OVER if handler_is_gone(entry, uuid, longest) else Fate.UNKNOWN


def handler_is_gone(entry: Entry, uuid: str, longest: float) -> bool:
    """Whether a call that was answered is certain to have no handler any more.  Its result, if there is one, is noted by then.
    Raises JournalError."""
    connected = _mark_of(entry, Step.CONNECTED, uuid)
    if connected is None or entry.in_work(uuid) is not False:
        return False
    return _locks_tell(entry, connected, uuid) or age(connected.at, time.time()) > longest


def _locks_tell(entry: Entry, connected: Mark, uuid: str) -> bool:
    """Whether the handler's lock can be seen from here: it ran under this kernel, or on this machine before it was started
    anew."""
    kernel, theirs = boot_id(), connected.facts.get("boot")
    if kernel and theirs == kernel:
        return True
    if kernel and theirs and connected.at > began():
        return False        # set since this kernel runs: by another one that shares address and spool (a virtual machine)
    launched = _mark_of(entry, Step.LAUNCHED, uuid)
    return launched is not None and is_here(str(launched.facts.get("host", "")))


def _mark_of(entry: Entry, step: Step, uuid: str) -> Mark | None:
    return next((mark for mark in entry.marks() if mark.step is step and mark.facts.get("uuid") == uuid), None)
