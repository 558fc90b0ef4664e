"""Stands in for the faxgetty processes of a spool's virtual modems: their FIFOs, their status files, their messages to faxq.

Nothing here waits.  Messages to faxq go into :data:`~gofaxpy.modems.faxq.FAXQ`, and a modem's FIFO is read only when
poll(2) says that there is something in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from gofaxpy.calls.registry import CALLS
from gofaxpy.hylafax import events, fifo
from gofaxpy.hylafax.errors import FifoError, SpoolError
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.modems import virtual
from gofaxpy.modems.faxq import FAXQ
from gofaxpy.modems.virtual import Ready
from gofaxpy.operatorlog import Problems
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import log

POLL_LOCK = 1.0               # seconds between two checks of the UUCP lock of a modem that is in use


class ModemState(Enum):
    """What a virtual modem does, as far as HylaFAX is concerned."""

    IDLE = "idle"
    LOCKED = "locked"         # faxq has taken it for a job, or an incoming call has it, until its UUCP lock is free


@dataclass(slots=True)
class Modem:
    """One virtual modem."""

    device: str
    reader: fifo.Reader
    state: ModemState = ModemState.IDLE
    poll_at: float = 0.0      # when its lock is checked next (the Getty's clock), while it is LOCKED


class Getty:
    """All virtual modems of a spool.  ``abort`` ends a call, given its UUID; ``clock`` is monotonic, in seconds."""

    def __init__(self, setting: Setting, abort: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Opens the FIFOs and announces the modems.  Raises FifoError, SpoolError; nothing is left open then."""
        self.setting = setting
        self._abort_call = abort
        self._clock = clock
        self._handlers: Mapping[str, Callable[[Modem, str], None]] = {
            "H": self._hello, "L": self._locked, "S": self._switch, "A": self._no_answering, "Z": self._abort,
            "Q": self._quit, "C": self._no_config,
        }
        self._problems = Problems()     # of FIFOs and of lock files, by path
        self._modems: list[Modem] = []
        self.announcements = 0      # of idle modems, so far
        try:
            for device in setting.config.hylafax.devices():
                self._modems.append(Modem(device, fifo.Reader(setting.spool.device_fifo(device))))
        except SpoolError:
            self.close()
            raise
        for modem in self._modems:
            virtual.set_supervised(setting.spool, modem.device, supervised=True)
            self._announce(modem, number=True)

    def descriptors(self) -> dict[int, Modem]:
        """The descriptors of the FIFOs, for poll(2), and the modem of each."""
        return {modem.reader.fileno(): modem for modem in self._modems}

    def read(self, modem: Modem) -> None:
        """Handles the messages in the modem's FIFO (faxd/faxGettyApp.c++)."""
        for message in modem.reader.read():
            handler = self._handlers.get(message[:1])
            if handler is None:
                log("warning", f"{modem.device}: message {message[:80]!r} on its FIFO is not known")
            else:
                handler(modem, message)

    def poll_locks(self, now: float) -> None:
        """Announces modems whose UUCP lock has become free.  ``now`` is the Getty's clock's."""
        for modem in self._modems:
            if modem.state is ModemState.LOCKED and now >= modem.poll_at:
                modem.poll_at = now + POLL_LOCK
                if not self._is_locked(modem):
                    modem.state = ModemState.IDLE
                    self._announce(modem)

    def refresh(self, setting: Setting) -> None:
        """Takes over a configuration that names the same modems, and opens FIFOs anew that have been replaced."""
        number, self.setting = self.setting.config.freeswitch.ident, setting
        for modem in self._modems:
            virtual.keep_again(setting.spool, modem.device)
            path = modem.reader.path
            if not modem.reader.in_place():
                try:
                    reader = fifo.Reader(path)
                except FifoError as error:
                    if self._problems.is_new(path, str(error)):
                        log("err", str(error))
                    continue
                self._problems.passed(path)
                log("notice", f"{modem.device}: its FIFO has been replaced and is opened anew")
                modem.reader.close()
                modem.reader = reader
                self._announce(modem, number=True)
            elif setting.config.freeswitch.ident != number:
                self._announce(modem, number=True)

    def leave(self) -> None:
        """FreeSWITCH ends: all modems are announced as down, also those in use."""
        for modem in self._modems:
            virtual.set_supervised(self.setting.spool, modem.device, supervised=False)
            self._announce_idle(modem)
        self.close()

    def close(self) -> None:
        """Closes the FIFOs."""
        for modem in self._modems:
            modem.reader.close()

    # -- messages

    def _hello(self, modem: Modem, message: str) -> None:
        """faxq has just started and knows no modem yet."""
        self._announce(modem, number=True)

    def _locked(self, modem: Modem, message: str) -> None:
        """faxq has taken the modem for a job.  faxq sends no message when the modem is free again, so its lock is checked."""
        modem.state = ModemState.LOCKED
        modem.poll_at = self._clock() + POLL_LOCK

    def _switch(self, modem: Modem, message: str) -> None:
        """faxstate: the state that the modem is announced with when it is idle."""
        if message[1:2] not in ("R", "B", "D"):
            log("warning", f"{modem.device}: {message[:80]!r} is no state; SR, SB and SD are")
            return
        virtual.switch(self.setting.spool, modem.device, Ready(message[1]))
        self._announce(modem)

    def _no_answering(self, modem: Modem, message: str) -> None:
        log("notice", f"{modem.device}: {message[:80]!r} ignored: FreeSWITCH answers its calls by itself")

    def _abort(self, modem: Modem, message: str) -> None:
        """faxabort: ends the incoming call on this modem.  An outgoing job is ended by faxrm, through faxq."""
        uuid = CALLS.on(self.setting.spool.root, modem.device)
        if uuid:
            self._abort_call(uuid)
        else:
            log("notice", f"{modem.device}: {message[:80]!r} ignored: no incoming call is on this modem")

    def _quit(self, modem: Modem, message: str) -> None:
        """The modem is down, as when faxgetty quits.  It comes back by ``faxstate -s ready`` or a restart of FreeSWITCH."""
        virtual.switch(self.setting.spool, modem.device, Ready.DOWN)
        self._announce(modem)

    def _no_config(self, modem: Modem, message: str) -> None:
        log("notice", f"{modem.device}: {message[:80]!r} ignored: virtual modems are configured in gofax.yaml")

    # -- announcements

    def _is_locked(self, modem: Modem) -> bool:
        lock = UUCPLock(self.setting.spool.lock_dir, modem.device)
        try:
            locked = lock.held_by() is not None
        except SpoolError as error:
            if self._problems.is_new(lock.path, str(error)):
                log("warning", f"{error}; the modem is taken for one in use")
            return True
        self._problems.passed(lock.path)
        return locked

    def _announce(self, modem: Modem, number: bool = False) -> None:
        """Announces the modem, if it is idle; ``number``: with its telephone number.

        The state of a modem in use is not announced: faxq would take the modem for free.
        """
        if number:
            ident = self.setting.config.freeswitch.ident
            FAXQ.put(self.setting.spool.fifo, events.modem_number(modem.device, ident))
        if self._is_locked(modem):
            modem.state = ModemState.LOCKED
            modem.poll_at = self._clock() + POLL_LOCK
            return
        self._announce_idle(modem)

    def _announce_idle(self, modem: Modem) -> None:
        self.announcements += 1
        virtual.announce_idle(self.setting.spool, modem.device)
