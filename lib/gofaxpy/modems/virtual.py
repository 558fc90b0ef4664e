"""The virtual modems as HylaFAX knows them: taken for a call, given back whatever happens.

A modem belongs to whoever holds its UUCP lock file, faxq for an outgoing job or we for an incoming call; faxq's own
idea of READY and BUSY is only a hint.  So the lock comes first and the announcements after it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from enum import Enum

from gofaxpy import operatorlog
from gofaxpy.calls.registry import CALLS
from gofaxpy.hylafax import events, fifo, modemstatus
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import Spool, open_own, private_directory
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.modems.faxq import OUTBOX
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import log


class Ready(Enum):
    """How an idle modem is announced: faxstate's switch, which is about outgoing jobs only (faxstate(8)) and holds as long as
    the process; or, whatever that says, that nobody looks after the modem at present."""

    READY = "R"
    BUSY = "B"
    DOWN = "D"
    GONE = ""


# By FIFO of the spool and modem: incoming calls and the supervisor both announce.  A process that is not the modem's supervisor
# reads it from a file: a second FreeSWITCH on the spool must not make a modem ready that faxstate has taken down at the first.
_ready: dict[tuple[str, str], Ready] = {}
_gone: set[tuple[str, str]] = set()
_ours: set[tuple[str, str]] = set()
_unkept: set[tuple[str, str]] = set()       # whose file does not say what is the case: the disk was full, say
STATES = ("gofax", "modems")        # a directory in the spool, with a file for each modem that a supervisor has looked after
_ANNOUNCEMENT = {
    Ready.READY: events.modem_ready, Ready.BUSY: events.modem_busy, Ready.DOWN: events.modem_down, Ready.GONE: events.modem_down,
}
_IDLE = {
    Ready.READY: modemstatus.IDLE, Ready.BUSY: modemstatus.WAITING_FREE, Ready.DOWN: modemstatus.WAITING_READY,
    Ready.GONE: "FreeSWITCH is not running",
}

ANONYMOUS = "freeswitch"    # the device of calls that no virtual modem is taken for, as GOfax.IP names it


def switch(spool: Spool, device: str, ready: Ready) -> None:
    """From now on the modem is announced like that when it is idle."""
    _ready[spool.fifo, device] = ready
    _keep(spool, device)


def look_after(spool: Spool, device: str, somebody: bool) -> None:
    """Whether this process looks after the modem from now on, as its supervisor."""
    (_gone.discard if somebody else _gone.add)((spool.fifo, device))
    _ours.add((spool.fifo, device))
    _keep(spool, device)
    if not somebody:        # another supervisor may do so
        _ours.discard((spool.fifo, device))


def keep_again(spool: Spool, device: str) -> None:
    """Writes the file of a modem that could not be written when there was something to be said."""
    if (spool.fifo, device) in _unkept:
        _keep(spool, device)


def known(spool: Spool) -> list[str]:
    """The modems that a supervisor of the spool has looked after, this one or an earlier one."""
    with suppress(OSError):
        return sorted(os.listdir(spool.path(*STATES)))
    return []


def say_idle(spool: Spool, device: str) -> None:
    """Tells HylaFAX how the modem is when nothing is going on there."""
    OUTBOX.put(spool.fifo, idle_announcement(spool, device))
    try:
        modemstatus.write_status(spool, device, idle_status(spool, device))
    except SpoolError as error:
        log("warning", str(error))


def _state(spool: Spool, device: str) -> Ready:
    key = spool.fifo, device
    if key in _ours:
        return Ready.GONE if key in _gone else _ready.get(key, Ready.READY)
    with suppress(OSError, ValueError):
        fd = os.open(spool.path(*STATES, device), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return Ready(os.read(fd, 1).decode("ascii"))
        finally:
            os.close(fd)
    return Ready.GONE if key in _gone else Ready.READY


def _keep(spool: Spool, device: str) -> None:
    """Leaves the state where other processes find it."""
    try:
        directory = private_directory(spool.root, *STATES)
        fd = open_own(os.path.join(directory, device), os.O_WRONLY, 0o600)
        try:
            octets = _state(spool, device).value.encode("ascii")
            os.pwrite(fd, octets, 0)
            os.ftruncate(fd, len(octets))
        finally:
            os.close(fd)
        _unkept.discard((spool.fifo, device))
    except OSError as error:
        if (spool.fifo, device) not in _unkept:     # tried again soon, and told once
            log("warning", f"{device}: its state cannot be kept for other processes: {error}")
        _unkept.add((spool.fifo, device))


def idle_announcement(spool: Spool, device: str) -> str:
    """What faxq is told of the modem when nothing is going on there."""
    return _ANNOUNCEMENT[_state(spool, device)](device)


def idle_status(spool: Spool, device: str) -> str:
    """What faxstat shows of the modem when nothing is going on there."""
    return _IDLE[_state(spool, device)]


class CallModem:
    """What an incoming call shows HylaFAX of itself.  Without a modem everything here is silent."""

    device = ANONYMOUS

    def event(self, message: str) -> None:
        """A message for faxq and the clients behind it."""

    def status(self, text: str) -> None:
        """The line faxstat shows for the modem."""

    def release(self) -> None:
        """Gives the modem back."""


class ModemLine(CallModem):
    """A call on a virtual modem whose UUCP lock we hold."""

    def __init__(self, spool: Spool, device: str, lock: UUCPLock) -> None:
        self.device = device
        self._spool = spool
        self._lock = lock

    def event(self, message: str) -> None:
        if CALLS.attended:
            OUTBOX.put(self._spool.fifo, message)
        else:
            fifo.send(self._spool.fifo, message)

    def status(self, text: str) -> None:
        with suppress(SpoolError):
            modemstatus.write_status(self._spool, self.device, text)

    def release(self) -> None:
        self.event(events.modem_commid(self.device, ""))
        self.status(idle_status(self._spool, self.device))
        with suppress(SpoolError):
            self._lock.release()
        self.event(idle_announcement(self._spool, self.device))


def release_dead(setting: Setting, device: str, pid: int, before: float) -> None:
    """Removes the lock that a dead process of ours, ``pid``, made on a modem ``before`` that time (since the epoch).

    HylaFAX would wait until the lock is 30 s old, and then for good where the dead process is kept as a zombie, or where
    this one has got its number: in a container that is the rule.
    """
    if device == ANONYMOUS or pid <= 0:
        return
    lock = UUCPLock(setting.spool.lock_dir, device)
    with suppress(SpoolError, FileNotFoundError):
        if lock.named() != pid:     # also one that is stale by now: nobody need find that out
            return
        if os.stat(lock.path).st_mtime <= before:       # a younger one is another call's
            os.unlink(lock.path)


def take(setting: Setting) -> CallModem | None:
    """A free modem for an incoming call, or a line without one, or None if the call must not be taken without a modem.

    Looked for from the last one down: faxq takes modems from the first one up, so the two rarely meet.
    """
    wish = setting.config.inbound.allocate_modems
    if wish == "off":
        return CallModem()
    trouble = ""
    for device in reversed(setting.config.hylafax.devices()):
        if CALLS.on(setting.spool.root, device):
            continue    # one of our own calls has it; no need to ask the file system
        lock = UUCPLock(setting.spool.lock_dir, device)
        try:
            if lock.acquire():
                return ModemLine(setting.spool, device, lock)
        except SpoolError as error:
            trouble = str(error)
    if trouble:     # without it nobody would know why calls are no modem's, or refused
        operatorlog.tell(setting.config.log, "warning", f"{trouble}; it keeps modems from incoming calls")
    return None if wish == "require" else CallModem()
