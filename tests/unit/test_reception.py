"""What is done with a received fax, where the machine does not play along."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy import reception, recovery
from gofaxpy.calllog import CallLog
from gofaxpy.calls import PROCESS
from gofaxpy.config import Config, HylaFax
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.journal import JournalError, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.faxresult import FaxResult, ResultCode

COMMID = "000000003"
DONE = (Step.TAGGED, Step.RECORDED)


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: None))
    for name in ("recvq", "log", "lock"):
        (tmp_path / name).mkdir()
    return Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path / "lock"))))


def test_a_fax_whose_announcement_cannot_be_noted_is_announced_later(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark is written, and then does not get to the disk."""
    fax = FaxResult(code=ResultCode.CALLDROPPED, remote_station="+49 30 1")
    log = CallLog(setting, SessionLog.create(setting.spool, COMMID))
    with setting.journal.create(f"c{COMMID}", Step.ACCEPTED, commid=COMMID, device="freeswitch1", started=1.0) as entry:
        entry.note(Step.RECEIVED, file="", fax=fax.facts())
        for step in DONE:
            entry.note(step)

        def out_of_order(fd: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(os, "fdatasync", out_of_order)
        with pytest.raises(JournalError):
            reception.finish(setting, entry, log)
        assert [mark.step for mark in entry.marks()][-2:] == [Step.ANNOUNCING, Step.UNANNOUNCED]
    log.close()


@pytest.mark.parametrize(("process", "reason"), [
    (PROCESS, "The result of the fax could not be noted"), ("another", "FreeSWITCH ended while the fax came in"),
])
def test_a_switch_that_died_is_told_from_this_one_though_it_had_the_same_number(
    setting: Setting, process: str, reason: str
) -> None:
    with setting.journal.create(f"c{COMMID}", Step.ACCEPTED, pid=os.getpid(), process=process) as entry:
        entry.note(Step.RECEIVING, file="recvq/fax000000001.tif")
        marks = {mark.step: mark for mark in entry.marks()}
    assert reception.Received.read(setting, marks).reason == reason


def test_a_call_that_was_put_off_takes_no_modem_from_the_next_one_though_the_clock_was_set_back(setting: Setting) -> None:
    facts = {"commid": COMMID, "device": "freeswitch1", "pid": os.getpid(), "process": PROCESS, "started": 1.0}
    setting.journal.create(f"c{COMMID}", Step.ACCEPTED, **facts).close()
    lock = UUCPLock(setting.spool.lock_dir, "freeswitch1")
    assert lock.acquire()
    hour_ago = time.time() - 3600
    os.utime(lock.path, (hour_ago, hour_ago))
    recovery.recover(setting)
    assert not os.listdir(setting.journal.directory)
    assert os.path.exists(lock.path)
