"""Who has a modem, and how it is announced, at the edges: dead calls, lock files that cannot be made, faxstate's switch."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.config.keys import Config, HylaFax, Inbound
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.modems import virtual
from gofaxpy.modems.getty import Getty
from gofaxpy.modems.virtual import Ready
from gofaxpy.setting import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    for name in ("lock", "status"):
        (tmp_path / name).mkdir()
    hylafax = HylaFax(spooldir=str(tmp_path), lock_dir=str(tmp_path / "lock"), modems=1)
    return Setting.of(Config(hylafax=hylafax, inbound=Inbound(allocate_modems="require")))


@pytest.mark.parametrize(("made", "left"), [(-60, []), (60, ["LCK..freeswitch0"])])
def test_the_lock_of_a_dead_call_goes_though_its_process_had_our_number(setting: Setting, made: int, left: list[str]) -> None:
    lock = UUCPLock(setting.spool.lock_dir, "freeswitch0")
    assert lock.acquire()
    accepted = time.time()
    os.utime(lock.path, (accepted + made, accepted + made))
    virtual.release_dead(setting, "freeswitch0", os.getpid(), accepted)
    assert os.listdir(setting.spool.lock_dir) == left


def test_lock_files_that_cannot_be_made_are_told_of(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: told.append(text)))
    os.rmdir(setting.spool.lock_dir)
    assert virtual.take(setting) is None
    [text] = told
    assert f"{setting.spool.lock_dir}: cannot make lock files" in text and "keeps modems from incoming calls" in text


def test_what_faxstate_has_said_holds_while_nobody_looks_after_the_modem(setting: Setting) -> None:
    virtual.switch(setting.spool, "freeswitch0", Ready.BUSY)
    virtual.set_supervised(setting.spool, "freeswitch0", supervised=False)
    assert virtual.idle_announcement(setting.spool, "freeswitch0") == "+freeswitch0:D"
    assert virtual.idle_status(setting.spool, "freeswitch0") == "FreeSWITCH is not running"
    virtual.set_supervised(setting.spool, "freeswitch0", supervised=True)
    assert virtual.idle_announcement(setting.spool, "freeswitch0") == "+freeswitch0:B"


ANOTHER = """
import sys
from gofaxpy.hylafax.spool import Spool
from gofaxpy.modems import virtual
print(virtual.idle_status(Spool(sys.argv[1], sys.argv[2]), "freeswitch0"))
"""


def test_what_other_processes_could_not_be_told_on_a_full_disk_they_are_told_when_there_is_room(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a call through a second FreeSWITCH on the spool takes a modem down that is up, for good."""
    told: list[str] = []
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: told.append(text)))
    virtual.set_supervised(setting.spool, "freeswitch0", supervised=False)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        getty = Getty(setting, lambda uuid: None, time.monotonic)
        getty.refresh(setting)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sum("cannot be kept for other processes" in text for text in told) == 1
    getty.refresh(setting)
    getty.close()
    command = [sys.executable, "-c", ANOTHER, setting.spool.root, setting.spool.lock_dir]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    shown = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert shown.stdout == "Running and idle\n"


def dead_process() -> int:
    """The number of a process that has just ended."""
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize("age", [1, 60])
def test_the_lock_of_a_dead_switch_goes_however_old_it_is(setting: Setting, age: int) -> None:
    pid, now = dead_process(), time.time()
    lock = Path(setting.spool.lock_dir) / "LCK..freeswitch0"
    lock.write_text(f"{pid:10d}\n")
    os.utime(lock, (now - age, now - age))
    virtual.release_dead(setting, "freeswitch0", pid + 1, now)
    virtual.release_dead(setting, "freeswitch0", pid, now - age - 1)
    assert lock.exists(), "another owner's, or made after the one that is meant"
    virtual.release_dead(setting, "freeswitch0", pid, now)
    assert not lock.exists()
