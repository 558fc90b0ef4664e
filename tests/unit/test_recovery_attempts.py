"""Journal entries of jobs that are gone are cleared away, and no others."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gofaxpy.config import Config, HylaFax
from gofaxpy.journal import Step
from gofaxpy.recovery import forget_attempts
from gofaxpy.setting import Setting

LATER = 7200 + 60.0


def test_only_old_entries_of_jobs_that_are_gone_and_nobody_works_on_are_removed(tmp_path: Path) -> None:
    (tmp_path / "sendq").mkdir()
    (tmp_path / "sendq" / "q2").write_text("jobid:2")
    leftover = tmp_path / "gofax" / "tmp" / "1-000000001"
    leftover.mkdir(parents=True)
    (leftover / "joined.tif").write_bytes(b"")
    setting = Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path))))
    for name in ("1-000000001", "2-000000002", "c000000003"):
        setting.journal.create(name, Step.OPENED).close()
    held = setting.journal.create("4-000000004", Step.OPENED)
    forget_attempts(setting, time.time())
    assert len(os.listdir(setting.journal.directory)) == 4, "a call may still go on"
    with held:
        forget_attempts(setting, time.time() + LATER)
        assert sorted(os.listdir(setting.journal.directory)) == ["2-000000002", "4-000000004", "c000000003"]
    assert not leftover.exists()
