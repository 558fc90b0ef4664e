"""Finishes what a FreeSWITCH that died has left in the journal of incoming calls."""

from __future__ import annotations

from gofaxpy import modems, reception
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.journal import Entry, JournalError, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import log


def recover(setting: Setting, announced: bool = True) -> None:
    """Finishes the calls in the journal that nobody works on: whoever works on one holds its lock.

    ``announced``: also those whose faxrcvd was started before, for the start of FreeSWITCH.  Without them, for calls
    whose handler could not go on (a full disk, say), it may be called at any time.
    """
    for name in list(setting.journal.names("c")):
        try:
            entry = setting.journal.open(name)
            if entry is None:
                continue
            with entry:
                if entry.lock() and (announced or entry.find(Step.ANNOUNCING) is None):
                    _free_modem(setting, entry)
                    reception.finish(setting, entry, SessionLog.reopen(setting.spool, name[1:]), again=True)
        except (JournalError, SpoolError, OSError) as error:
            log("err", f"journal entry {name} could not be finished: {error}")


def _free_modem(setting: Setting, entry: Entry) -> None:
    accepted = entry.find(Step.ACCEPTED)
    if accepted is not None:
        device, pid = str(accepted.facts.get("device", "")), int(accepted.facts.get("pid", 0))
        modems.release_dead(setting, device, pid, accepted.at)
