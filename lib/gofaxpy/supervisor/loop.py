"""The supervisor serves the virtual modems and the calls of this process, for as long as FreeSWITCH runs.

It is one loop in one thread.  It takes in FreeSWITCH's events and hands them to the handlers of watched calls
(:mod:`gofaxpy.calls.registry`).  It stands in for the faxgetty processes of the spool (:mod:`gofaxpy.modems.getty`).
Whatever it waits for releases the GIL, and it never waits when it writes.

One supervisor owns the modems of a spool.  The supervisor of a second FreeSWITCH on the same spool takes in the events of
its own calls, and takes over the modems when the first supervisor is gone.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable

import filelock

from gofaxpy.calls.registry import CALLS, NEGOTIATE, PAGE, RESULT
from gofaxpy.calls.wakeup import WAKEUP
from gofaxpy.config.file import ConfigError
from gofaxpy.hylafax import events
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import private_directory
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.inbound import recovery
from gofaxpy.journal import JournalError
from gofaxpy.metrics import textfile
from gofaxpy.modems import virtual
from gofaxpy.modems.departed import Departed
from gofaxpy.modems.faxq import FAXQ
from gofaxpy.modems.getty import Getty
from gofaxpy.operatorlog import Problems
from gofaxpy.setting import Setting, current_setting, wrong_user
from gofaxpy.supervisor import sweep
from gofaxpy.switch.boundary import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.switch.api import EventSource, SwitchApi

NO_PROGRESS = "No page has come through for too long"
# All in seconds.
TICK = 0.5                    # between rounds while nothing happens; a message in a FIFO and the wakeup end the wait at once
EVENT_TICK = 0.1              # between rounds while calls are watched: an event is noticed that late at most
SHORT_TICK = 0.005            # between rounds while messages for faxq are left, or a handler waits for its last events
REFRESH = 2.0                 # between checks whether the configuration or a FIFO has changed
CLAIM_AGAIN = 5.0             # between attempts to become the supervisor of the spool
LAST_MESSAGES = 1.0           # for faxq to take the last messages, when FreeSWITCH ends
SWEEP = 15.0                  # between two sweeps of the spool and checks for calls that are left unfinished
AFTER_TROUBLE = 1.0           # pause after an exception in a round
POKE_AFTER = 3.0              # faxq 6.0.7 may leave a job lying that is submitted right after other news; a poke wakes it
CLAIM, SPOOL, METRICS = "claim", "spool", "metrics"     # subjects of problems that are logged once
OWN_EVENTS = (("SHUTDOWN", ""), *(("CUSTOM", subclass) for subclass in (*NEGOTIATE, *PAGE, *RESULT)))


def run(events_of: Callable[..., EventSource], api: SwitchApi) -> None:
    """The startup-script: runs until FreeSWITCH shuts down.

    ``events_of`` makes the source of events for names and subclasses (:class:`gofaxpy.switch.boundary.Events`).
    """
    supervisor = Supervisor(events_of(OWN_EVENTS), api)
    # Modules that calls need are loaded before the first call.  Otherwise that call would wait for them, and all others with
    # it: Python holds the GIL while it loads a shared object.
    import ctypes
    import encodings.cp437
    import subprocess

    import gofaxpy.inbound.answer
    import gofaxpy.outbound.call  # noqa: F401

    del ctypes, encodings, subprocess
    supervisor.loop()


def _readable(descriptors: Iterable[int], seconds: float) -> list[int]:
    """The descriptors that can be read.  Waits for the first one at most ``seconds``.

    Uses poll(2): in a busy FreeSWITCH a descriptor may have a number over 1023, which select(2) does not take.
    """
    poll = select.poll()
    for fd in descriptors:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(seconds * 1000)]


def _lock_file(directory: str) -> str:
    """Makes the lock file, with mode 0600: filelock would make it with the mode that the umask allows."""
    path = os.path.join(directory, "supervisor.lock")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.fchmod(fd, 0o600)
    os.close(fd)
    return path


class Supervisor:
    """The loop and its state.  ``clock`` is monotonic, in seconds."""

    def __init__(self, source: EventSource, api: SwitchApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._api = api
        self._clock = clock
        self._began = clock()
        self._getty: Getty | None = None            # None: this process does not own the modems of the spool
        self._lock: filelock.BaseFileLock | None = None     # held while there is a Getty
        self._setting: Setting | None = None        # in force when the configuration was last checked
        self._departed = Departed()
        self._left = recovery.LeftSpools()
        self._problems = Problems()
        self._claim_at = 0.0                        # these three by the clock
        self._refresh_at = 0.0
        self._sweep_at = 0.0
        self._poke_at = 0.0                         # by the clock; 0: no poke is due
        self._poke_again = False                    # there was news since the poke was set
        self._news = (0, 0)                         # announcements of idle modems and finished calls, as last seen
        self._stopping = False                      # FreeSWITCH shuts down

    def loop(self) -> None:
        """Runs until SHUTDOWN, and then announces every modem as down."""
        CALLS.attended = True
        WAKEUP.wake()     # the first round does not wait
        try:
            while not self._stopping:
                try:
                    self.step()
                except Exception as error:  # all calls need this loop: an exception in one round must not end it
                    log("err", f"supervisor: {type(error).__name__}: {error}")
                    time.sleep(AFTER_TROUBLE)
        finally:
            CALLS.attended = False
        self._leave()
        self._departed.end()
        deadline = time.monotonic() + LAST_MESSAGES
        FAXQ.flush()
        while len(FAXQ) and time.monotonic() < deadline:
            time.sleep(SHORT_TICK)
            FAXQ.flush()

    def step(self) -> None:
        """One round: reads the FIFOs, takes in events, runs what is due, and sends messages to faxq."""
        by_fd = self._getty.descriptors() if self._getty is not None else {}
        readable = _readable([WAKEUP.fileno(), *by_fd], self._tick())
        WAKEUP.clear()
        for fd in readable:
            if fd in by_fd and self._getty is not None:
                self._getty.read(by_fd[fd])
        self._take_events()
        self._timers()
        FAXQ.flush()

    def _tick(self) -> float:
        if len(FAXQ) or CALLS.waiting:
            return SHORT_TICK
        return EVENT_TICK if CALLS.watched else TICK

    def _take_events(self) -> None:
        while (event := self._source.next()) is not None:
            if event.name == "SHUTDOWN":
                self._stopping = True
            elif event.subclass:
                try:
                    CALLS.take(event.uuid, event.subclass, event.headers)
                except (SpoolError, OSError) as error:
                    log("err", f"{event.uuid}: {event.subclass} could not be noted: {error}")

    # -- the spool

    def _claim(self) -> bool:
        """Becomes the supervisor of the spool, if the spool is there and has none.  Whether it has one now."""
        try:
            setting = current_setting()
            problem = wrong_user(setting.config.hylafax.user)
            if problem:
                raise SpoolError(problem)
            if not os.path.isdir(setting.spool.path("recvq")):      # perhaps it is not mounted: no file must be made there
                raise SpoolError(f"{setting.spool.root} is no spool of HylaFAX: it has no recvq (hylafax.spooldir)")
            directory = private_directory(setting.spool.root, "gofax")
            lock = filelock.FileLock(_lock_file(directory), timeout=0)
            lock.acquire()
            try:
                recovery.recover(setting)
                sweep.at_start(setting, log)
                # An empty file older than this process was left by a dead one; a younger one may be about to be locked.
                sweep.around(setting, time.time(), log, young=self._clock() - self._began)
                self._getty = Getty(setting, self._abort, self._clock)
                self._dismiss_others(setting)
            except BaseException:
                lock.release()
                raise
        except filelock.Timeout:
            self._warn(CLAIM, f"another supervisor already looks after {setting.spool.root}; this one takes over when it ends")
            return True
        except (ConfigError, SpoolError, OSError) as error:
            self._warn(CLAIM, f"no modems yet, tried again every {CLAIM_AGAIN:g} s: {error}")
            return False
        self._problems.passed(CLAIM)
        self._setting, self._lock = setting, lock
        self._refresh_at = self._clock() + REFRESH
        self._sweep_at = self._clock() + SWEEP
        return True

    def _warn(self, subject: str, problem: str) -> None:
        if self._problems.is_new(subject, problem):
            log("warning", problem)

    def _dismiss_others(self, setting: Setting) -> None:
        """Modems of the spool that the configuration does not name, also those of an earlier FreeSWITCH that was killed."""
        devices = setting.config.hylafax.devices()
        self._departed.back(setting.spool, devices)
        self._departed.add(setting.spool, [device for device in virtual.known(setting.spool) if device not in devices])

    def _leave(self) -> None:
        """FreeSWITCH ends: the modems are announced as down."""
        if self._getty is not None:
            self._getty.leave()
        self._give_up()

    def _give_up(self) -> None:
        """Gives up the modems; from here on another supervisor may own them."""
        if self._getty is not None:
            self._getty.close()
        if self._lock is not None:
            self._lock.release()
        self._getty = self._lock = None

    def _refresh(self, getty: Getty) -> None:
        """Follows changes of gofax.yaml.  Handlers of calls read it themselves."""
        now = current_setting()
        if now.config.hylafax == getty.setting.config.hylafax:
            self._setting = now
            getty.refresh(now)
            return
        log("notice", "hylafax: has changed in the configuration; the modems are set up anew")
        old = getty.setting
        if now.spool.root != old.spool.root:
            self._left.add(old)
            # before another supervisor can own the old spool
            self._departed.add(old.spool, old.config.hylafax.devices())
        self._give_up()
        if not self._claim() and now.spool.root == old.spool.root:
            self._departed.add(old.spool, old.config.hylafax.devices())

    # -- timers

    def _timers(self) -> None:
        now = self._clock()
        if self._getty is None and now >= self._claim_at:
            self._claim_at = now + CLAIM_AGAIN
            self._claim()
        for uuid in CALLS.stuck(time.monotonic()):
            self._end_call(uuid, NO_PROGRESS, "MEDIA_TIMEOUT")
        self._departed.poll(now)
        getty, setting = self._getty, self._setting
        if getty is None or setting is None:
            return
        self._poke(now, getty)
        if now >= self._refresh_at:
            self._refresh_at = now + REFRESH
            self._refresh(getty)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP
            self._sweep(setting)

    def _sweep(self, setting: Setting) -> None:
        """Finishes calls and clears away what is left, in this spool and in those named before; writes the metrics."""
        try:
            recovery.recover(setting, announced=False)
            sweep.around(setting, time.time(), log)
            for left in self._left.recover(setting):
                sweep.around(left, time.time(), log)
        except (JournalError, OSError) as error:
            self._warn(SPOOL, f"the spool cannot be swept, tried again every {SWEEP:g} s: {error}")
        else:
            self._problems.passed(SPOOL)
        problems: list[str] = []
        textfile.after_fax(setting, problems.append, patience=0)
        for problem in problems:
            if self._problems.is_new(METRICS, ""):      # the text names a temporary file, another one each time
                log("warning", problem)
        if not problems:
            self._problems.passed(METRICS)

    def _poke(self, now: float, getty: Getty) -> None:
        """Wakes faxq's scheduler some seconds after a call or job has ended or modems were announced.

        A job that is submitted about then may be left lying (faxQueueApp.c++, SchedTimeout::start).  News does not put off
        a poke that is already due.
        """
        getty.poll_locks(now)
        news = (getty.announcements, CALLS.finished)
        if news != self._news:
            self._news = news
            if self._poke_at:
                self._poke_again = True
            else:
                self._poke_at = now + POKE_AFTER
        if self._poke_at and now >= self._poke_at:
            self._poke_at = now + POKE_AFTER if self._poke_again else 0.0
            self._poke_again = False
            FAXQ.put(getty.setting.spool.fifo, events.SCHEDULER_POKE)

    def _abort(self, uuid: str) -> None:
        self._end_call(uuid, StatusCode.RECEIVE_ABORTED.text, "NORMAL_CLEARING")

    def _end_call(self, uuid: str, reason: str, cause: str) -> None:
        log("warning", f"{uuid}: {reason}; the call is ended")
        CALLS.note_end(uuid, reason)
        self._api.command("uuid_kill", f"{uuid} {cause}")
