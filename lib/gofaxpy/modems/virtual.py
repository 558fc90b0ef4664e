"""The virtual modems as HylaFAX knows them: taken for a call, and given back however the call ends.

A modem belongs to the process that holds its UUCP lock file: faxq for an outgoing job, FreeSWITCH for an incoming call.
faxq's own state READY or BUSY is only a hint.  So the lock is taken first, and the announcements follow.
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
from gofaxpy.modems.faxq import FAXQ
from gofaxpy.setting import Setting
from gofaxpy.switch.api import NOT_RUNNING
from gofaxpy.switch.boundary import log


class Ready(Enum):
    """How an idle modem is announced to HylaFAX.

    faxstate sets the first three.  They concern outgoing jobs only (faxstate(8)) and hold as long as the process.
    """

    READY = "R"
    BUSY = "B"
    DOWN = "D"
    GONE = ""       # no supervisor serves the modem at present; faxstate's state is kept for the next one


# All by FIFO of the spool and device.  Handlers of incoming calls and the supervisor both announce modems.  A process that is
# not the modem's supervisor reads the state from a file: otherwise a second FreeSWITCH on the spool would make a modem ready
# that faxstate has taken down at the first.
_ready: dict[tuple[str, str], Ready] = {}       # what faxstate has set
_gone: set[tuple[str, str]] = set()             # modems that this process does not supervise any more
_ours: set[tuple[str, str]] = set()             # modems that this process supervises
_unkept: set[tuple[str, str]] = set()           # modems whose file could not be written: the disk was full, for example
STATES = ("gofax", "modems")        # a directory in the spool, with a file for each modem that had a supervisor
_ANNOUNCEMENT = {
    Ready.READY: events.modem_ready, Ready.BUSY: events.modem_busy, Ready.DOWN: events.modem_down, Ready.GONE: events.modem_down,
}
_IDLE = {
    Ready.READY: modemstatus.IDLE, Ready.BUSY: modemstatus.WAITING_FREE, Ready.DOWN: modemstatus.WAITING_READY,
    Ready.GONE: NOT_RUNNING,
}

ANONYMOUS = "freeswitch"    # the device of a call without a virtual modem, as GOfax.IP names it


def switch(spool: Spool, device: str, ready: Ready) -> None:
    """Sets the state that the modem is announced with when it is idle."""
    _ready[spool.fifo, device] = ready
    _keep(spool, device)


def set_supervised(spool: Spool, device: str, supervised: bool) -> None:
    """Notes that this process becomes the modem's supervisor, or is so no more."""
    (_gone.discard if supervised else _gone.add)((spool.fifo, device))
    _ours.add((spool.fifo, device))
    _keep(spool, device)
    if not supervised:      # another process may become its supervisor, so its state is read from the file
        _ours.discard((spool.fifo, device))


def keep_again(spool: Spool, device: str) -> None:
    """Writes the modem's file, if that failed before."""
    if (spool.fifo, device) in _unkept:
        _keep(spool, device)


def known(spool: Spool) -> list[str]:
    """The modems of the spool that have had a supervisor, in this process or in an earlier one."""
    with suppress(OSError):
        return sorted(os.listdir(spool.path(*STATES)))
    return []


def announce_idle(spool: Spool, device: str) -> None:
    """Announces the modem's idle state to faxq and writes it into the status file that faxstat shows."""
    FAXQ.put(spool.fifo, idle_announcement(spool, device))
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
    """Writes the state into the file where other processes read it."""
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
        if (spool.fifo, device) not in _unkept:     # tried again every two seconds, and logged once
            log("warning", f"{device}: its state cannot be kept for other processes: {error}")
        _unkept.add((spool.fifo, device))


def idle_announcement(spool: Spool, device: str) -> str:
    """The message to faxq for the modem when no call is on it."""
    return _ANNOUNCEMENT[_state(spool, device)](device)


def idle_status(spool: Spool, device: str) -> str:
    """The line faxstat shows for the modem when no call is on it."""
    return _IDLE[_state(spool, device)]


class CallModem:
    """The modem of an incoming call, as far as HylaFAX sees it.  This one stands for none, and shows nothing."""

    device = ANONYMOUS

    def event(self, message: str) -> None:
        """A message for faxq and the clients behind it."""

    def status(self, text: str) -> None:
        """The line faxstat shows for the modem."""

    def release(self) -> None:
        """Gives the modem back."""


class TakenModem(CallModem):
    """A virtual modem whose UUCP lock the call holds."""

    def __init__(self, spool: Spool, device: str, lock: UUCPLock) -> None:
        self.device = device
        self._spool = spool
        self._lock = lock

    def event(self, message: str) -> None:
        if CALLS.attended:
            FAXQ.put(self._spool.fifo, message)
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
    """Removes the lock on a modem that a dead FreeSWITCH, process ``pid``, made ``before`` that time (seconds since the epoch).

    HylaFAX would wait until the lock is 30 s old.  It would wait for good if the dead process is a zombie, or if this
    FreeSWITCH has the same pid, as it has in a container.
    """
    if device == ANONYMOUS or pid <= 0:
        return
    lock = UUCPLock(setting.spool.lock_dir, device)
    with suppress(SpoolError, FileNotFoundError):
        if lock.named() != pid:     # named(), not held_by(): the pid decides, however old the lock is
            return
        if os.stat(lock.path).st_mtime <= before:       # a younger one is another call's
            os.unlink(lock.path)


def take(setting: Setting) -> CallModem | None:
    """A free modem for an incoming call, one that stands for none, or None if the call must not be taken without a modem.

    Tries the modems from the last one down.  faxq takes them from the first one up, so the two rarely meet.
    """
    wish = setting.config.inbound.allocate_modems
    if wish == "off":
        return CallModem()
    trouble = ""
    for device in reversed(setting.config.hylafax.devices()):
        if CALLS.on(setting.spool.root, device):
            continue    # a call of this process has it; this saves a look at the lock file
        lock = UUCPLock(setting.spool.lock_dir, device)
        try:
            if lock.acquire():
                return TakenModem(setting.spool, device, lock)
        except SpoolError as error:
            trouble = str(error)
    if trouble:     # the reason why calls come in without a modem, or are refused
        operatorlog.write(setting.config.log, "warning", f"{trouble}; it keeps modems from incoming calls")
    return None if wish == "require" else CallModem()
