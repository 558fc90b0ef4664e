"""Stands in for the faxgetty processes of a spool's virtual modems: their FIFOs, their status, and what faxq is told.

Nothing here waits: what there is to say goes into the outbox, and what comes is read when there is something to read.
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
from gofaxpy.modems.faxq import OUTBOX
from gofaxpy.modems.virtual import Ready
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import log

POLL_LOCK = 1.0               # seconds between looks at the lock of a modem that faxq has taken


class ModemState(Enum):
    """What a virtual modem does, as far as HylaFAX is concerned."""

    IDLE = "idle"
    LOCKED = "locked"         # faxq has taken it for a job, or a call of ours has it: the UUCP lock says when it ends


@dataclass(slots=True)
class Modem:
    """One virtual modem."""

    device: str
    reader: fifo.Reader
    state: ModemState = ModemState.IDLE
    look_at: float = 0.0
    said: str = ""            # of a FIFO that cannot be opened


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
        self._said_of_locks = ""
        self._modems: list[Modem] = []
        self.announcements = 0      # of idle modems, so far
        try:
            for device in setting.config.hylafax.devices():
                self._modems.append(Modem(device, fifo.Reader(setting.spool.device_fifo(device))))
        except SpoolError:
            self.close()
            raise
        for modem in self._modems:
            virtual.look_after(setting.spool, modem.device, somebody=True)
            self._announce(modem, number=True)

    def descriptors(self) -> dict[int, Modem]:
        """What to poll for messages, and whose it is."""
        return {modem.reader.fileno(): modem for modem in self._modems}

    def read(self, modem: Modem) -> None:
        """Takes the messages that have come for the modem (faxd/faxGettyApp.c++)."""
        for message in modem.reader.read():
            handler = self._handlers.get(message[:1])
            if handler is None:
                log("warning", f"{modem.device}: message {message[:80]!r} on its FIFO is not known")
            else:
                handler(modem, message)

    def poll_locks(self, now: float) -> None:
        """Announces modems that faxq has given back since the last look."""
        for modem in self._modems:
            if modem.state is ModemState.LOCKED and now >= modem.look_at:
                modem.look_at = now + POLL_LOCK
                if not self._is_locked(modem):
                    modem.state = ModemState.IDLE
                    self._announce(modem)

    def look_after(self, setting: Setting) -> None:
        """A new configuration for the same modems, perhaps; and FIFOs that somebody has replaced."""
        number, self.setting = self.setting.config.freeswitch.ident, setting
        for modem in self._modems:
            virtual.keep_again(setting.spool, modem.device)
            if not modem.reader.in_place():
                try:
                    reader = fifo.Reader(modem.reader.path)
                except FifoError as error:
                    if str(error) != modem.said:        # two seconds later it will be the same
                        modem.said = str(error)
                        log("err", modem.said)
                    continue
                modem.said = ""
                log("notice", f"{modem.device}: its FIFO has been replaced and is opened anew")
                modem.reader.close()
                modem.reader = reader
                self._announce(modem, number=True)
            elif setting.config.freeswitch.ident != number:
                self._announce(modem, number=True)

    def leave(self) -> None:
        """Nobody looks after the modems any more, for FreeSWITCH ends: they are down, also those in use."""
        for modem in self._modems:
            virtual.look_after(self.setting.spool, modem.device, somebody=False)
            self._say(modem)
        self.close()

    def close(self) -> None:
        """Closes the FIFOs."""
        for modem in self._modems:
            modem.reader.close()

    # -- messages

    def _hello(self, modem: Modem, message: str) -> None:
        """faxq has been started and knows no modem yet."""
        self._announce(modem, number=True)

    def _locked(self, modem: Modem, message: str) -> None:
        """faxq has taken the modem for a job.  No message tells when it is free again; its lock file does."""
        modem.state = ModemState.LOCKED
        modem.look_at = self._clock() + POLL_LOCK

    def _switch(self, modem: Modem, message: str) -> None:
        """faxstate: what the modem is announced as from now on, when it is idle."""
        if message[1:2] not in ("R", "B", "D"):
            log("warning", f"{modem.device}: {message[:80]!r} is no state; SR, SB and SD are")
            return
        virtual.switch(self.setting.spool, modem.device, Ready(message[1]))
        self._announce(modem)

    def _no_answering(self, modem: Modem, message: str) -> None:
        log("notice", f"{modem.device}: {message[:80]!r} ignored: FreeSWITCH answers its calls by itself")

    def _abort(self, modem: Modem, message: str) -> None:
        """faxabort: the incoming call on this modem ends.  An outgoing job is faxq's, and faxrm's business."""
        uuid = CALLS.on(self.setting.spool.root, modem.device)
        if uuid:
            self._abort_call(uuid)
        else:
            log("notice", f"{modem.device}: {message[:80]!r} ignored: no incoming call is on this modem")

    def _quit(self, modem: Modem, message: str) -> None:
        """As faxgetty at its end, the modem is down; it comes back with ``faxstate -s ready`` or with FreeSWITCH."""
        virtual.switch(self.setting.spool, modem.device, Ready.DOWN)
        self._announce(modem)

    def _no_config(self, modem: Modem, message: str) -> None:
        log("notice", f"{modem.device}: {message[:80]!r} ignored: virtual modems are configured in gofax.yaml")

    # -- telling HylaFAX

    def _is_locked(self, modem: Modem) -> bool:
        try:
            return UUCPLock(self.setting.spool.lock_dir, modem.device).held_by() is not None
        except SpoolError as error:
            if str(error) != self._said_of_locks:     # a second later it will be the same
                self._said_of_locks = str(error)
                log("warning", f"{error}; the modem is taken for one in use")
            return True

    def _announce(self, modem: Modem, number: bool = False) -> None:
        """Says how an idle modem is.  A modem in use says nothing: faxq would take it for free."""
        if number:
            ident = self.setting.config.freeswitch.ident
            OUTBOX.put(self.setting.spool.fifo, events.modem_number(modem.device, ident))
        if self._is_locked(modem):
            modem.state = ModemState.LOCKED
            modem.look_at = self._clock() + POLL_LOCK
            return
        self._say(modem)

    def _say(self, modem: Modem) -> None:
        self.announcements += 1
        virtual.say_idle(self.setting.spool, modem.device)
