"""Locks that a dead FreeSWITCH has left on modems."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gofaxpy.modems import release_dead
from gofaxpy.setting import Setting


def dead_process() -> int:
    """The number of a process that has just ended."""
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize("age", [1, 60])
def test_the_lock_of_a_dead_switch_goes_however_old_it_is(tmp_path: Path, age: int) -> None:
    pid, now = dead_process(), time.time()
    lock = tmp_path / "LCK..freeswitch0"
    lock.write_text(f"{pid:10d}\n")
    os.utime(lock, (now - age, now - age))
    setting = cast(Setting, SimpleNamespace(spool=SimpleNamespace(lock_dir=str(tmp_path))))
    release_dead(setting, "freeswitch0", pid + 1, now)
    release_dead(setting, "freeswitch0", pid, now - age - 1)
    assert lock.exists(), "another owner's, or made after the one that is meant"
    release_dead(setting, "freeswitch0", pid, now)
    assert not lock.exists()
