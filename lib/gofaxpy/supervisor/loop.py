"""Looks after the virtual modems and the calls of this process, for as long as FreeSWITCH runs.

One loop in one thread: it is the one place where events of FreeSWITCH are taken in (calls that are watched get theirs
from here, :mod:`gofaxpy.calls.registry`), and it stands in for the faxgetty processes of the spool (:mod:`gofaxpy.modems.getty`).
Everything it waits for releases the GIL, and nothing it writes to can make it wait.

A spool has one supervisor that owns its modems.  That of another FreeSWITCH on the same spool takes in the events of its
own calls, and takes the modems over when the first one is gone.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import filelock

from gofaxpy import setting as settings
from gofaxpy.calls.registry import CALLS, NEGOTIATE, PAGE, RESULT
from gofaxpy.calls.wakeup import BELL
from gofaxpy.config.file import ConfigError
from gofaxpy.hylafax import events
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.spool import private_directory
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.inbound import recovery
from gofaxpy.metrics import textfile
from gofaxpy.modems import virtual
from gofaxpy.modems.departed import Departed
from gofaxpy.modems.faxq import OUTBOX
from gofaxpy.modems.getty import Getty
from gofaxpy.setting import Setting, wrong_user
from gofaxpy.supervisor import sweep
from gofaxpy.switch.boundary import log
from gofaxpy.switch.eventtext import EventRecord

NO_PROGRESS = "No page has come through for too long"
TICK = 0.5                    # seconds between rounds while nothing happens; messages and the bell end them at once
EVENT_TICK = 0.1              # while calls are watched: how late an event may be noticed
SHORT_TICK = 0.005            # while faxq has not yet been told everything, or a handler waits for its last events
LOOK_AROUND = 2.0             # seconds between looks at the configuration
CLAIM_AGAIN = 5.0             # seconds between tries to become the supervisor of the spool
SECONDS_TO_SAY_GOODBYE = 1.0
SWEEP = 15.0                  # seconds between looks for calls that nobody finishes
SECONDS_AFTER_TROUBLE = 1.0
POKE_AFTER = 3.0              # faxq 6.0.7 may sleep over a job submitted right after other news; a poke wakes it
OWN_EVENTS = (("SHUTDOWN", ""), *(("CUSTOM", subclass) for subclass in (*NEGOTIATE, *PAGE, *RESULT)))


class EventSource(Protocol):
    """Where events come from; never waits."""

    def next(self) -> EventRecord | None: ...


class SwitchApi(Protocol):
    """What is asked of the switch (:class:`gofaxpy.switch.boundary.Api`)."""

    def command(self, name: str, args: str = "") -> str: ...


def run(events_of: Callable[..., EventSource], api: SwitchApi) -> None:
    """The startup-script: runs until FreeSWITCH shuts down."""
    supervisor = Supervisor(events_of(OWN_EVENTS), api)
    # what calls need is loaded before the first of them comes, which would have to wait for it, and all others with it: a
    # shared object is loaded with the interpreter's lock held
    import ctypes
    import encodings.cp437
    import subprocess

    import gofaxpy.inbound.answer
    import gofaxpy.outbound.call  # noqa: F401

    del ctypes, encodings, subprocess
    supervisor.loop()


def _readable(descriptors: Iterable[int], seconds: float) -> list[int]:
    """Those of the descriptors that have something to be read, at the latest after so many seconds.

    poll(2): a descriptor of a busy switch may have a number over 1023, which select(2) does not take.
    """
    poll = select.poll()
    for fd in descriptors:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(seconds * 1000)]


def _lock_file(directory: str) -> str:
    """The file for filelock, which would make one as open as the umask lets it be."""
    path = os.path.join(directory, "supervisor.lock")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.fchmod(fd, 0o600)
    os.close(fd)
    return path


class Supervisor:
    """The loop and what it keeps.  ``clock`` is monotonic, in seconds."""

    def __init__(self, source: EventSource, api: SwitchApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._api = api
        self._clock = clock
        self._began = clock()
        self._getty: Getty | None = None
        self._departed = Departed()
        self._left = recovery.LeftSpools()
        self._lock: filelock.BaseFileLock | None = None
        self._setting: Setting | None = None
        self._complained = ""
        self._claim_at = 0.0
        self._poke_at = 0.0
        self._poke_again = False
        self._look_around_at = 0.0
        self._sweep_at = 0.0
        self._news = (0, 0)
        self._stopping = False

    def loop(self) -> None:
        """Until SHUTDOWN; then every modem is announced as down."""
        CALLS.attended = True
        BELL.ring()     # the first round waits for nothing
        try:
            while not self._stopping:
                try:
                    self.step()
                except Exception as error:  # all calls hang on this loop: what fails once must not end it
                    log("err", f"supervisor: {type(error).__name__}: {error}")
                    time.sleep(SECONDS_AFTER_TROUBLE)
        finally:
            CALLS.attended = False
        self._leave()
        self._departed.end()
        deadline = time.monotonic() + SECONDS_TO_SAY_GOODBYE
        OUTBOX.flush()
        while len(OUTBOX) and time.monotonic() < deadline:
            time.sleep(SHORT_TICK)
            OUTBOX.flush()

    def step(self) -> None:
        """One round: FIFOs, events, timers, and what there is to say."""
        by_fd = self._getty.descriptors() if self._getty is not None else {}
        readable = _readable([BELL.fileno(), *by_fd], self._tick())
        BELL.hear()
        for fd in readable:
            if fd in by_fd and self._getty is not None:
                self._getty.read(by_fd[fd])
        self._take_events()
        self._timers()
        OUTBOX.flush()

    def _tick(self) -> float:
        if len(OUTBOX) or CALLS.waiting:
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
        """Becomes the supervisor of the spool, if there is no other and the spool is there.  Whether somebody is it then."""
        try:
            setting = settings.current(lambda text: log("warning", text))
            problem = wrong_user(setting.config.hylafax.user)
            if problem:
                raise SpoolError(problem)
            if not os.path.isdir(setting.spool.path("recvq")):      # not mounted, perhaps: nothing must be made there
                raise SpoolError(f"{setting.spool.root} is no spool of HylaFAX: it has no recvq (hylafax.spooldir)")
            directory = private_directory(setting.spool.root, "gofax")
            lock = filelock.FileLock(_lock_file(directory), timeout=0)
            lock.acquire()
            try:
                recovery.recover(setting)
                sweep.at_start(setting, log)
                # what is older than this process is a dead one's; a younger file may be about to be locked
                sweep.around(setting, time.time(), log, young=self._clock() - self._began)
                self._getty = Getty(setting, self._abort, self._clock)
                self._part_with_others(setting)
            except BaseException:
                lock.release()
                raise
        except filelock.Timeout:
            self._complain(f"another supervisor already looks after {setting.spool.root}; this one takes over when it ends")
            return True
        except (ConfigError, SpoolError, OSError) as error:
            self._complain(f"no modems yet, tried again every {CLAIM_AGAIN:g} s: {error}")
            return False
        self._complained = ""
        self._setting, self._lock = setting, lock
        self._look_around_at = self._clock() + LOOK_AROUND
        self._sweep_at = self._clock() + SWEEP
        return True

    def _complain(self, problem: str) -> None:
        if problem != self._complained:
            log("warning", problem)
        self._complained = problem

    def _part_with_others(self, setting: Setting) -> None:
        """Modems that are looked after no more, those also which a FreeSWITCH had before that could not say so."""
        devices = setting.config.hylafax.devices()
        self._departed.back(setting.spool, devices)
        self._departed.add(setting.spool, [device for device in virtual.known(setting.spool) if device not in devices])

    def _leave(self) -> None:
        """FreeSWITCH ends."""
        if self._getty is not None:
            self._getty.leave()
        self._give_up()

    def _give_up(self) -> None:
        """From here on another supervisor may look after the spool."""
        if self._getty is not None:
            self._getty.close()
        if self._lock is not None:
            self._lock.release()
        self._getty = self._lock = None

    def _look_around(self, getty: Getty) -> None:
        """Whether gofax.yaml has changed.  Calls read it for themselves."""
        now = settings.current(lambda text: log("warning", text))
        if now.config.hylafax == getty.setting.config.hylafax:
            self._setting = now
            getty.look_after(now)
            return
        log("notice", "hylafax: has changed in the configuration; the modems are set up anew")
        old = getty.setting
        if now.spool.root != old.spool.root:
            self._left.add(old)
            # while it is still ours
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
        if now >= self._look_around_at:
            self._look_around_at = now + LOOK_AROUND
            self._look_around(getty)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP
            recovery.recover(setting, announced=False)
            sweep.around(setting, time.time(), log)
            for left in self._left.recover(setting):
                sweep.around(left, time.time(), log)
            textfile.after_fax(setting, lambda text: log("warning", text), patience=0)

    def _poke(self, now: float, getty: Getty) -> None:
        """faxq's scheduler gets a poke some seconds after each end of a call or a job and after modems were announced: a
        job that is submitted about then may be left lying (faxQueueApp.c++, SchedTimeout::start).  One that is due is not
        put off."""
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
            OUTBOX.put(getty.setting.spool.fifo, events.SCHEDULER_POKE)

    def _abort(self, uuid: str) -> None:
        self._end_call(uuid, StatusCode.RECEIVE_ABORTED.text, "NORMAL_CLEARING")

    def _end_call(self, uuid: str, reason: str, cause: str) -> None:
        log("warning", f"{uuid}: {reason}; the call is ended")
        CALLS.end(uuid, reason)
        self._api.command("uuid_kill", f"{uuid} {cause}")
