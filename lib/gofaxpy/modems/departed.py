"""Modems that the configuration names no more, and that are in use: faxq is told when they are free.

faxq knows a modem until it is told that it is down, and gives it jobs: those of ``modems: 3`` that has become 1, those of another
``modem_prefix``, those of a spool that was left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gofaxpy.hylafax import events
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.modems import virtual
from gofaxpy.modems.faxq import OUTBOX

POLL = 1.0      # seconds between looks at their locks


@dataclass(frozen=True, slots=True)
class _Modem:
    """One of them, in its spool."""

    spool: Spool
    device: str


class Departed:
    """Those of all spools that this process has looked after, or that an earlier one has left."""

    def __init__(self) -> None:
        self._modems: list[_Modem] = []
        self._look_at = 0.0

    def add(self, spool: Spool, devices: Iterable[str]) -> None:
        """Nobody looks after these from now on.  Those in use get no more jobs, the others are down at once."""
        for device in devices:
            modem = _Modem(spool, device)
            virtual.look_after(spool, device, somebody=False)
            if not _is_locked(modem):
                virtual.say_idle(spool, device)
                continue
            OUTBOX.put(spool.fifo, events.modem_leaving(device))
            if modem not in self._modems:
                self._modems.append(modem)

    def back(self, spool: Spool, devices: Iterable[str]) -> None:
        """These are looked after again, by a Getty."""
        names = set(devices)
        self._modems = [modem for modem in self._modems if modem.spool.root != spool.root or modem.device not in names]

    def poll(self, now: float) -> None:
        """Those that are free now are down.  ``now`` is the monotonic clock's."""
        if not self._modems or now < self._look_at:
            return
        self._look_at = now + POLL
        for modem in [modem for modem in self._modems if not _is_locked(modem)]:
            virtual.say_idle(modem.spool, modem.device)
            self._modems.remove(modem)

    def end(self) -> None:
        """FreeSWITCH ends: all are down, as those that it has looked after till now."""
        for modem in self._modems:
            virtual.say_idle(modem.spool, modem.device)
        self._modems.clear()


def _is_locked(modem: _Modem) -> bool:
    try:
        return UUCPLock(modem.spool.lock_dir, modem.device).held_by() is not None
    except SpoolError:
        return True
