"""What is done with a received fax, where the machine does not play along."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy import reception
from gofaxpy.calllog import CallLog
from gofaxpy.config import Config, HylaFax
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.journal import JournalError, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.faxresult import FaxResult, ResultCode

COMMID = "000000003"
DONE = (Step.TAGGED, Step.RECORDED)


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: None))
    for name in ("recvq", "log"):
        (tmp_path / name).mkdir()
    return Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path))))


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
