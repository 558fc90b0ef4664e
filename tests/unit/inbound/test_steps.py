"""What is done with a received fax, where the machine does not play along."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.calls.registry import PROCESS
from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.uucplock import UUCPLock
from gofaxpy.inbound import announce, finish, recovery
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.recvq import create_recv_file, pages_on_disk, pages_saved, put_away, sender_of_file
from gofaxpy.journal import JournalError, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from rig.pages import make_tiff

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
            finish.finish(setting, entry, log)
        assert [mark.step for mark in entry.marks()][-2:] == [Step.ANNOUNCING, Step.UNANNOUNCED]
    log.close()


@pytest.mark.parametrize(("process", "reason"), [
    (PROCESS, "The result of the fax could not be noted"), ("another", "FreeSWITCH ended while the fax came in"),
], ids=["this one", "one that died"])
def test_a_switch_that_died_is_told_from_this_one_though_it_had_the_same_number(
    setting: Setting, process: str, reason: str
) -> None:
    with setting.journal.create(f"c{COMMID}", Step.ACCEPTED, pid=os.getpid(), process=process) as entry:
        entry.note(Step.RECEIVING, file="recvq/fax000000001.tif")
        marks = {mark.step: mark for mark in entry.marks()}
    assert finish.Received.read(setting, marks).reason == reason


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


def test_a_file_system_without_locks_costs_neither_descriptors_nor_files(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_recv_file(setting)
    before = os.listdir("/proc/self/fd")

    def without_locks(fd: int, operation: int, real: Callable[[int, int], None] = fcntl.flock) -> None:
        if os.readlink(f"/proc/self/fd/{fd}").endswith(".tif"):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", without_locks)
    with pytest.raises(OSError, match="No locks available"):
        create_recv_file(setting)
    assert os.listdir("/proc/self/fd") == before
    assert sorted(os.listdir(setting.spool.path("recvq"))) == ["fax000000001.tif", "seqf"]


def test_what_was_set_aside_before_under_the_same_number_stays(setting: Setting) -> None:
    path = setting.spool.path("recvq", "fax000000001.tif")
    log = CallLog(setting, SessionLog.create(setting.spool, COMMID))
    for text in ("the first one", "the second one"):
        Path(path).write_text(text)
        put_away(setting, path, log)
    log.close()
    bad = Path(setting.spool.path("recvq", "bad"))
    assert sorted(file.read_text() for file in bad.iterdir()) == ["the first one", "the second one"]


@pytest.mark.parametrize("missing", ["pidfd_open", "sched_setscheduler"])
def test_faxrcvd_runs_once_on_a_kernel_that_lacks_something(setting: Setting, missing: str) -> None:
    """Linux before 5.3 under a container, or a filter of system calls (seccomp(2))."""
    ran = setting.spool.path("log", "ran")
    with setting.journal.create(f"c{COMMID}", Step.ACCEPTED, commid=COMMID) as entry:
        entry.note(Step.ANNOUNCING)
        words = ("10", "daemon", "err", "/bin/sh", "-c", f"echo once >> {ran}; sleep 0.3; exit 3")
        strace = ("strace", "-qq", "-o", "/dev/null", "-e", f"trace={missing}", "-e", f"inject={missing}:error=ENOSYS")
        command = [*strace, *announce.PYTHON, announce.PROGRAM, setting.spool.root, entry.name, str(entry.fileno()), *words]
        done = subprocess.run(command, pass_fds=(entry.fileno(),), capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        last = entry.marks()[-1]
    assert (last.step, last.facts["status"]) == (Step.ANNOUNCED, 3)
    assert not os.listdir(setting.journal.directory)
    assert Path(ran).read_text() == "once\n"


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Nothing can be opened any more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_file_that_cannot_be_looked_into_is_not_one_without_pages(tmp_path: Path) -> None:
    path = str(tmp_path / "fax.tif")
    make_tiff(path, 3)
    assert (pages_on_disk(path), pages_saved(path)) == (3, 3)
    with no_descriptors():
        assert pages_on_disk(path) is None
        for looks in (pages_saved, sender_of_file):
            with pytest.raises(OSError, match="Too many open files"):
                looks(path)
    assert pages_on_disk(str(tmp_path / "nothing.tif")) == 0
    (tmp_path / "fax.tif").write_bytes(b"no TIFF at all")
    assert (pages_on_disk(path), pages_saved(path)) == (0, 0)


_EIO = """
import os, sys
from gofaxpy.inbound import recvq
real, os.pread = os.pread, lambda *args: (_ for _ in ()).throw(OSError(5, "Input/output error"))
print(recvq.pages_on_disk(sys.argv[1]))
for looks in (recvq.pages_saved, recvq.sender_of_file):
    try:
        print(looks(sys.argv[1]))
    except OSError as error:
        print(error.strerror)
"""


def test_nor_is_one_on_a_disk_that_does_not_answer(tmp_path: Path) -> None:
    path = str(tmp_path / "fax.tif")
    make_tiff(path, 3)
    library = str(Path(finish.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", _EIO, path], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": os.pathsep.join([library, *sys.path])})
    assert done.stdout.splitlines() == ["None", "Input/output error", "Input/output error"], done.stderr
