"""Finishes what a FreeSWITCH that died has left in the journal of incoming calls."""

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

SECONDS_OF_SILENCE = 10.0       # after which a call that nobody works on is taken for one that was given up
_told: dict[str, str] = {}      # what the operator has been told of an entry; a quarter of a minute later it is the same


def recover(setting: Setting, announced: bool = True) -> None:
    """Finishes the calls in the journal that nobody works on: whoever works on one holds its lock.

    ``announced``: all of them at once, for the start of FreeSWITCH.  Without that only those to which nothing has happened
    for a while: whose handler could not go on (a full disk, say), whose faxrcvd could not be started, or died together with
    the process that should note its end.
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
                    _told.pop(entry.path, None)
        except PostponedError as problem:
            _tell(setting, name, f"journal entry {name}: {problem}")
        except Exception as error:
            # one entry that cannot be understood must not keep the others, and all modems, waiting
            _tell(setting, name, f"journal entry {name} could not be finished: {type(error).__name__}: {error}")


class LeftSpools:
    """Spools that the configuration named before: what is still to be done in them is done all the same.

    Calls that were under way when ``hylafax.spooldir`` was changed end there, and what they leave (a full disk, a faxrcvd that
    cannot be started) is tried again until all of it is done.  This process knows them; the next one does not.
    """

    def __init__(self) -> None:
        self._hylafax: dict[str, HylaFax] = {}

    def add(self, setting: Setting) -> None:
        """This one is named no more."""
        self._hylafax[setting.spool.root] = setting.config.hylafax

    def recover(self, setting: Setting) -> Iterator[Setting]:
        """Finishes what nobody works on, as ``setting``, the one in force, has it but for the spool.  Yields the setting of each
        spool in which there is something, for those who look after other things there."""
        self._hylafax.pop(setting.spool.root, None)
        for root, hylafax in list(self._hylafax.items()):
            old = Setting.of(replace(setting.config, hylafax=hylafax))
            if not os.path.isdir(old.spool.path("recvq")):      # not mounted any more, perhaps: it may come back
                continue
            try:
                left = list(old.journal.names())
                recover(old, announced=False)
            except JournalError as error:
                operatorlog.tell(setting.config.log, "warning", str(error))
                continue
            if not left:
                del self._hylafax[root]
                continue
            yield old


def _tell(setting: Setting, name: str, text: str) -> None:
    path = os.path.join(setting.journal.directory, name)
    if _told.get(path) != text:
        operatorlog.tell(setting.config.log, "err", text)
    _told[path] = text


def _finish(setting: Setting, entry: Entry) -> None:
    """Finishes one call, and its session log, if the call had not come to the end of that."""
    session = SessionLog.reopen(setting.spool, commid_of(entry.name))
    log = CallLog(setting, session)
    open_yet = entry.find(Step.RECORDED) is None
    try:
        finish(setting, entry, log, again=True)
    finally:
        if open_yet:
            log.end()
        else:
            log.close()


def _abandoned(entry: Entry) -> bool:
    """Whether nothing has happened for a while to a call that still is to be announced.

    Of one whose faxrcvd was begun only the lock tells: whoever runs it holds that, and who can take it finds nobody.
    """
    silence = age(os.fstat(entry.fileno()).st_mtime, time.time())
    if silence <= SECONDS_OF_SILENCE:
        return False
    steps = [mark.step for mark in entry.marks()]
    return Step.ANNOUNCING not in steps or (steps[-1] in (Step.ANNOUNCING, Step.UNANNOUNCED) and silence > AGAIN)


def _free_modem(setting: Setting, entry: Entry) -> None:
    """The modem of a call whose process is dead.  The handlers of this one give theirs back themselves, whatever happens."""
    accepted = entry.find(Step.ACCEPTED)
    if accepted is not None and accepted.facts.get("process") != PROCESS:
        device, pid = str(accepted.facts.get("device", "")), int(accepted.facts.get("pid", 0))
        virtual.release_dead(setting, device, pid, accepted.at)
