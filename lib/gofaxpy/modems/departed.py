"""Modems in use that the configuration does not name any more: faxq is told that they are down once they are free.

faxq knows a modem until it is told that the modem is down, and gives it jobs until then.  Modems depart if ``modems: 3``
becomes ``modems: 1``, if ``modem_prefix`` changes, or if ``spooldir`` names another spool.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gofaxpy.hylafax import events
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.modems import virtual
from gofaxpy.modems.faxq import FAXQ

POLL = 1.0      # seconds between two checks of their UUCP locks


@dataclass(frozen=True, slots=True)
class _Modem:
    """A departed modem and its spool."""

    spool: Spool
    device: str


class Departed:
    """The departed modems that are in use, of all spools that this process has served."""

    def __init__(self) -> None:
        self._modems: list[_Modem] = []
        self._poll_at = 0.0

    def add(self, spool: Spool, devices: Iterable[str]) -> None:
        """These modems have no supervisor from now on.  Those in use get no more jobs, the others are down at once."""
        for device in devices:
            modem = _Modem(spool, device)
            virtual.set_supervised(spool, device, supervised=False)
            if not _is_locked(modem):
                virtual.announce_idle(spool, device)
                continue
            FAXQ.put(spool.fifo, events.modem_leaving(device))
            if modem not in self._modems:
                self._modems.append(modem)

    def back(self, spool: Spool, devices: Iterable[str]) -> None:
        """A Getty serves these modems again."""
        names = set(devices)
        self._modems = [modem for modem in self._modems if modem.spool.root != spool.root or modem.device not in names]

    def poll(self, now: float) -> None:
        """Announces those that have become free as down.  ``now`` is the monotonic clock's."""
        if not self._modems or now < self._poll_at:
            return
        self._poll_at = now + POLL
        for modem in [modem for modem in self._modems if not _is_locked(modem)]:
            virtual.announce_idle(modem.spool, modem.device)
            self._modems.remove(modem)

    def end(self) -> None:
        """FreeSWITCH ends: all are announced as down, in use or not."""
        for modem in self._modems:
            virtual.announce_idle(modem.spool, modem.device)
        self._modems.clear()


def _is_locked(modem: _Modem) -> bool:
    try:
        return UUCPLock(modem.spool.lock_dir, modem.device).held_by() is not None
    except SpoolError:
        return True
