"""Finishes the incoming calls that a dead FreeSWITCH, or a handler that could not go on, has left in the journal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from gofaxpy import operatorlog
from gofaxpy.calls.registry import PROCESS
from gofaxpy.commids import commid_of
from gofaxpy.config.keys import HylaFax
from gofaxpy.faxrcvd import AGAIN
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import age
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.finish import finish
from gofaxpy.inbound.recvq import PostponedError
from gofaxpy.journal import Entry, JournalError, Step
from gofaxpy.modems import virtual
from gofaxpy.setting import Setting
from gofaxpy.values import replace

SECONDS_OF_SILENCE = 10.0       # without a mark, after which an unlocked call is taken for abandoned
_problems = operatorlog.Problems()      # by the path of an entry or a journal: they are tried every 15 s, and logged once


def recover(setting: Setting, announced: bool = True) -> None:
    """Finishes the calls in the journal that no process works on: a process that does holds the entry's lock.

    ``announced``: finishes all of them at once, for the start of FreeSWITCH.  Otherwise only abandoned ones, without a mark
    for a while: the handler could not go on (a full disk, say), faxrcvd could not be started, or faxrcvd died together with
    its runner.  Raises JournalError if the journal cannot be read.
    """
    for name in list(setting.journal.names("c")):
        try:
            entry = setting.journal.open(name)
            if entry is None:
                continue
            with entry:
                if (announced or _abandoned(entry)) and entry.lock():
                    _free_modem(setting, entry)
                    _finish(setting, entry)
                    _problems.passed(entry.path)
        except PostponedError as problem:
            _log_problem(setting, name, f"journal entry {name}: {problem}")
        except Exception as error:
            # an entry that cannot be understood must not block the others, nor the supervisor and with it all modems
            _log_problem(setting, name, f"journal entry {name} could not be finished: {type(error).__name__}: {error}")


class LeftSpools:
    """Spools that the configuration named before, and in which something is left to be done.

    Calls that were under way when ``hylafax.spooldir`` was changed end in the old spool.  What they leave there (a full
    disk, a faxrcvd that cannot be started) is tried again until all of it is done, by this process only.
    """

    def __init__(self) -> None:
        self._hylafax: dict[str, HylaFax] = {}      # the old sections of the configuration, by the root of their spool

    def add(self, setting: Setting) -> None:
        """The configuration does not name this spool any more."""
        self._hylafax[setting.spool.root] = setting.config.hylafax

    def recover(self, setting: Setting) -> Iterator[Setting]:
        """Finishes the abandoned calls of these spools.  Yields the setting of each spool in which entries are left.

        Except for its ``hylafax`` section such a setting is the one in force, ``setting``.
        """
        self._hylafax.pop(setting.spool.root, None)
        for root, hylafax in list(self._hylafax.items()):
            old = Setting.of(replace(setting.config, hylafax=hylafax))
            if not os.path.isdir(old.spool.path("recvq")):      # perhaps it is not mounted at the moment, so it stays known
                continue
            directory = old.journal.directory
            try:
                left = list(old.journal.names())
                recover(old, announced=False)
            except JournalError as error:
                if _problems.is_new(directory, str(error)):
                    operatorlog.write(setting.config.log, "warning", str(error))
                continue
            _problems.passed(directory)
            if not left:
                del self._hylafax[root]
                continue
            yield old


def _log_problem(setting: Setting, name: str, text: str) -> None:
    if _problems.is_new(os.path.join(setting.journal.directory, name), text):
        operatorlog.write(setting.config.log, "err", text)


def _finish(setting: Setting, entry: Entry) -> None:
    """Finishes one call, and its session log if that is not complete yet."""
    session = SessionLog.reopen(setting.spool, commid_of(entry.name))
    log = CallLog(setting, session)
    incomplete = entry.find(Step.RECORDED) is None
    try:
        finish(setting, entry, log, again=True)
    finally:
        if incomplete:
            log.end()
        else:
            log.close()


def _abandoned(entry: Entry) -> bool:
    """Whether a call that is still to be announced has had no mark for a while.

    Once faxrcvd was started, its runner holds the lock.  If we can take the lock, no runner is alive.
    """
    silence = age(os.fstat(entry.fileno()).st_mtime, time.time())
    if silence <= SECONDS_OF_SILENCE:
        return False
    steps = [mark.step for mark in entry.marks()]
    return Step.ANNOUNCING not in steps or (steps[-1] in (Step.ANNOUNCING, Step.UNANNOUNCED) and silence > AGAIN)


def _free_modem(setting: Setting, entry: Entry) -> None:
    """Frees the modem of a call whose FreeSWITCH is dead.  The handlers of this process always free theirs themselves."""
    accepted = entry.find(Step.ACCEPTED)
    if accepted is not None and accepted.facts.get("process") != PROCESS:
        device, pid = str(accepted.facts.get("device", "")), int(accepted.facts.get("pid", 0))
        virtual.release_dead(setting, device, pid, accepted.at)
