"""Stands in for the faxgetty processes of all virtual modems, for as long as FreeSWITCH runs.

One loop in one thread: it reads the modems' FIFOs, tells faxq how they are, keeps their status files, and is the one
place where events of FreeSWITCH are taken in; calls that are watched get theirs from here (:mod:`gofaxpy.calls`).
Everything it waits for releases the GIL, and nothing it writes to can make it wait.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import filelock

from gofaxpy import modems, recovery
from gofaxpy import setting as settings
from gofaxpy.calls import CALLS, NEGOTIATE, PAGE, RESULT
from gofaxpy.hylafax import events, fifo, modemstatus
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.metrics import textfile
from gofaxpy.outbox import OUTBOX
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import log
from gofaxpy.switch.eventtext import EventRecord

NO_PROGRESS = "No page has come through for too long"
NOT_RUNNING = "FreeSWITCH is not running"
TICK = 0.1                    # seconds; how late an event may be noticed
SHORT_TICK = 0.01             # while faxq has not yet been told everything
LOOK_AROUND = 2.0             # seconds between looks at the configuration
SECONDS_TO_SAY_GOODBYE = 1.0
SWEEP = 60.0                  # seconds between looks for calls that nobody finishes
SECONDS_AFTER_TROUBLE = 1.0
POLL_LOCK = 1.0               # seconds between looks at the lock of a modem that faxq has taken
POKE_AFTER = 3.0              # faxq 6.0.7 may sleep over a job submitted right after another's end; a poke wakes it
OWN_EVENTS = (("SHUTDOWN", ""), *(("CUSTOM", subclass) for subclass in (*NEGOTIATE, *PAGE, *RESULT)))


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


class EventSource(Protocol):
    """Where events come from; never waits."""

    def next(self) -> EventRecord | None: ...


class SwitchApi(Protocol):
    """What is asked of the switch (:class:`gofaxpy.switch.boundary.Api`)."""

    def command(self, name: str, args: str = "") -> str: ...


def run(events_of: Callable[..., EventSource], api: SwitchApi) -> None:
    """The startup-script: runs until FreeSWITCH shuts down.  A second supervisor of the same spool ends at once."""
    source: EventSource | None = None
    again = True
    while again:
        setting = settings.current(lambda text: log("warning", text))
        directory = setting.spool.path("gofax")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        try:
            with filelock.FileLock(os.path.join(directory, "supervisor.lock"), timeout=0):
                source = source or events_of(OWN_EVENTS)
                recovery.recover(setting)
                recovery.forget_attempts(setting, time.time())
                again = Supervisor(setting, source, api).loop()
        except filelock.Timeout:
            log("warning", f"another supervisor already looks after {setting.spool.root}; this one ends")
            return


class Supervisor:
    """The loop and what it keeps."""

    def __init__(
        self, setting: Setting, source: EventSource, api: SwitchApi, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.setting = setting
        self._source = source
        self._api = api
        self._clock = clock
        self._poke_at = 0.0
        self._look_around_at = clock() + LOOK_AROUND
        self._sweep_at = clock() + SWEEP
        self._calls_finished = CALLS.finished
        self._stopping = False
        self._moved = False
        self._handlers: dict[str, Callable[[Modem, str], None]] = {
            "H": self._hello, "L": self._locked, "S": self._switch, "A": self._no_answering, "Z": self._abort,
            "Q": self._quit, "C": self._no_config,
        }
        self.modems = [self._open(device) for device in setting.config.hylafax.devices()]

    def _open(self, device: str) -> Modem:
        modem = Modem(device, fifo.Reader(self.setting.spool.device_fifo(device)))
        self._announce(modem, number=True)
        return modem

    def loop(self) -> bool:
        """Until SHUTDOWN; then every modem is announced as down.  True if the modems have to be set up anew instead,
        because the configuration says where they are and how many, and has changed."""
        CALLS.attended = True
        try:
            while not self._stopping and not self._moved:
                try:
                    self.step()
                except Exception as error:  # all modems hang on this loop: what fails once must not end it
                    log("err", f"supervisor: {type(error).__name__}: {error}")
                    time.sleep(SECONDS_AFTER_TROUBLE)
        finally:
            CALLS.attended = self._moved and not self._stopping
        for modem in self.modems:
            if self._moved and self._is_locked(modem):
                modem.reader.close()    # a call or a job goes on; what comes after it, the next supervisor says
                continue
            OUTBOX.put(events.modem_down(modem.device))
            self._status(modem, NOT_RUNNING)
            modem.reader.close()
        deadline = time.monotonic() + SECONDS_TO_SAY_GOODBYE
        OUTBOX.flush(self.setting.spool.fifo)
        while len(OUTBOX) and time.monotonic() < deadline:
            time.sleep(SHORT_TICK)
            OUTBOX.flush(self.setting.spool.fifo)
        return not self._stopping

    def step(self) -> None:
        """One round: FIFOs, events, timers, and what there is to say."""
        by_fd = {modem.reader.fileno(): modem for modem in self.modems}
        readable, _, _ = select.select(list(by_fd), [], [], SHORT_TICK if len(OUTBOX) else TICK)
        for fd in readable:
            modem = by_fd[fd]
            for message in modem.reader.read():
                self._message(modem, message)
        self._take_events()
        self._timers()
        OUTBOX.flush(self.setting.spool.fifo)

    # -- FreeSWITCH's events

    def _take_events(self) -> None:
        while (event := self._source.next()) is not None:
            if event.name == "SHUTDOWN":
                self._stopping = True
            elif event.subclass:
                try:
                    CALLS.take(event.uuid, event.subclass, event.headers)
                except (SpoolError, OSError) as error:
                    log("err", f"{event.uuid}: {event.subclass} could not be noted: {error}")

    # -- messages on a modem's FIFO (faxd/faxGettyApp.c++)

    def _message(self, modem: Modem, message: str) -> None:
        handler = self._handlers.get(message[:1])
        if handler is None:
            log("warning", f"{modem.device}: message {message[:80]!r} on its FIFO is not known")
            return
        handler(modem, message)

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
        modems.READY[modem.device] = message[1]
        self._announce(modem)

    def _no_answering(self, modem: Modem, message: str) -> None:
        log("notice", f"{modem.device}: {message[:80]!r} ignored: FreeSWITCH answers its calls by itself")

    def _abort(self, modem: Modem, message: str) -> None:
        """faxabort: the incoming call on this modem ends.  An outgoing job is faxq's, and faxrm's business."""
        uuid = CALLS.on(modem.device)
        if not uuid:
            log("notice", f"{modem.device}: {message[:80]!r} ignored: no incoming call is on this modem")
            return
        self._end_call(uuid, StatusCode.RECEIVE_ABORTED.text, "NORMAL_CLEARING")

    def _quit(self, modem: Modem, message: str) -> None:
        """As faxgetty at its end, the modem is down; it comes back with ``faxstate -s ready`` or with FreeSWITCH."""
        modems.READY[modem.device] = "D"
        self._announce(modem)

    def _no_config(self, modem: Modem, message: str) -> None:
        log("notice", f"{modem.device}: {message[:80]!r} ignored: virtual modems are configured in gofax.yaml")

    # -- timers

    def _timers(self) -> None:
        now = self._clock()
        for modem in self.modems:
            if modem.state is ModemState.LOCKED and now >= modem.look_at:
                modem.look_at = now + POLL_LOCK
                if not self._is_locked(modem):
                    modem.state = ModemState.IDLE
                    self._announce(modem)
                    self._poke_at = now + POKE_AFTER
        if CALLS.finished != self._calls_finished:
            self._calls_finished = CALLS.finished
            self._poke_at = now + POKE_AFTER
        for uuid in CALLS.stuck(time.monotonic()):
            self._end_call(uuid, NO_PROGRESS, "MEDIA_TIMEOUT")
        if self._poke_at and now >= self._poke_at:
            self._poke_at = 0.0
            OUTBOX.put(events.SCHEDULER_POKE)
        if now >= self._look_around_at:
            self._look_around_at = now + LOOK_AROUND
            self._look_around()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP
            recovery.recover(self.setting, announced=False)
            textfile.after_fax(self.setting, lambda text: log("warning", text), patience=0)

    def _end_call(self, uuid: str, reason: str, cause: str) -> None:
        log("warning", f"{uuid}: {reason}; the call is ended")
        CALLS.end(uuid, reason)
        self._api.command("uuid_kill", f"{uuid} {cause}")

    def _look_around(self) -> None:
        """Whether gofax.yaml has changed.  Calls read it for themselves."""
        now = settings.current(lambda text: log("warning", text))
        before, self.setting = self.setting, now
        if now.config.hylafax != before.config.hylafax:
            log("notice", "hylafax: has changed in the configuration; the modems are set up anew")
            self.setting = before       # the old ones are taken leave of where they are
            self._moved = True
        elif now.config.freeswitch.ident != before.config.freeswitch.ident:
            for modem in self.modems:
                self._announce(modem, number=True)

    def _is_locked(self, modem: Modem) -> bool:
        return UUCPLock(self.setting.spool.lock_dir, modem.device).held_by() is not None

    # -- telling HylaFAX

    def _announce(self, modem: Modem, number: bool = False) -> None:
        """Says how an idle modem is.  A modem in use says nothing: faxq would take it for free."""
        if number:
            OUTBOX.put(events.modem_number(modem.device, self.setting.config.freeswitch.ident))
        if self._is_locked(modem):
            modem.state = ModemState.LOCKED
            modem.look_at = self._clock() + POLL_LOCK
            return
        OUTBOX.put(modems.idle_announcement(modem.device))
        self._status(modem, modems.idle_status(modem.device))

    def _status(self, modem: Modem, text: str) -> None:
        try:
            modemstatus.write_status(self.setting.spool, modem.device, text)
        except SpoolError as error:
            log("warning", str(error))
