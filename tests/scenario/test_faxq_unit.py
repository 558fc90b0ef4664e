"""How conf/systemd/faxq.service.d/gofax.conf ends faxq: the unit's own line, run by root, in a spool that uucp can change."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from rig import RunDir
from rig.install import unit_settings
from rig.rundir import FAX_USER, fax_ids
from rig.spool import make_spool

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="systemd runs it as root")
SPOOL = "/var/spool/hylafax"
OPENING = "import os, sys\nprint(flush=True)\nwhile True: os.chmod(sys.argv[1], 0o777)"
Replace = Callable[["Stop"], None]


def stop_command(setting: str = "ExecStop") -> list[str]:
    """The line as systemd takes it apart: it reads escapes within quotes as well (systemd.syntax(7))."""
    line = dict(unit_settings("faxq.service.d/gofax.conf"))[setting].removeprefix("-")
    return [word.replace("\\\\", "\\") for word in shlex.split(line)]


class Stop:
    """A spool, and a process in faxq's place that ends when it is told to."""

    def __init__(self, run_dir: RunDir) -> None:
        self.spool = os.path.join(run_dir.path, "spool")
        make_spool(self.spool, os.path.join(run_dir.path, "lock"), sendfaxcmd="/bin/true", sendmail="/bin/true", modems=[])
        self.fifo = os.path.join(self.spool, "FIFO")
        self.victim = os.path.join(run_dir.path, "victim")
        with open(self.victim, "w", encoding="ascii") as file:
            file.write("precious")
        os.chmod(self.victim, 0o600)
        self.environ = run_dir.environ
        self.faxq = subprocess.Popen(["/bin/sleep", "1000"], env=self.environ)
        self.waiting = threading.Thread(target=self.faxq.wait)     # or it would live on as a zombie, for kill(2)
        self.waiting.start()

    def make_fifo(self) -> None:
        os.mkfifo(self.fifo, 0o600)
        os.chown(self.fifo, *fax_ids())

    def begin(self) -> subprocess.Popen[bytes]:
        command = [word.replace(SPOOL, self.spool) for word in stop_command()]
        return subprocess.Popen(command, env={**self.environ, "MAINPID": str(self.faxq.pid)}, stdin=subprocess.DEVNULL)


@pytest.fixture
def stop(run_dir: RunDir) -> Iterator[Stop]:
    made = Stop(run_dir)
    yield made
    made.faxq.kill()
    made.waiting.join()


def test_faxq_is_told_and_waited_for(stop: Stop) -> None:
    stop.make_fifo()
    fd = os.open(stop.fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ending = stop.begin()
        deadline = time.monotonic() + 20
        message = b""
        while not message and time.monotonic() < deadline:
            time.sleep(0.02)
            with suppress(BlockingIOError):     # opened by its writer, who has written nothing yet
                message = os.read(fd, 100)
        assert message == b"Q\0"
        assert ending.poll() is None, "it has not waited for faxq"
        stop.faxq.send_signal(signal.SIGTERM)
        assert ending.wait(20) == 0
    finally:
        os.close(fd)


def test_without_a_process_there_is_nothing_to_do(stop: Stop) -> None:
    command = [word.replace(SPOOL, stop.spool) for word in stop_command()]
    assert subprocess.run(command, env=stop.environ, check=False, timeout=20).returncode == 0


def _link(stop: Stop) -> None:
    os.symlink(stop.victim, stop.fifo)


def _file(stop: Stop) -> None:
    with open(stop.fifo, "w", encoding="ascii") as file:
        file.write("uucp's")
    os.chown(stop.fifo, *fax_ids())


def _missing(stop: Stop) -> None:
    pass


def _directory(stop: Stop) -> None:
    os.mkdir(stop.fifo)


@pytest.mark.parametrize("replace", [_link, _file, _missing, _directory, Stop.make_fifo], ids=lambda f: f.__name__.strip("_"))
def test_what_stands_in_the_place_of_the_fifo_is_left_alone_and_not_waited_for(stop: Stop, replace: Replace) -> None:
    replace(stop)
    before = os.lstat(stop.fifo) if os.path.lexists(stop.fifo) else None
    began = time.monotonic()
    assert stop.begin().wait(30) == 0
    assert time.monotonic() - began < 15
    with open(stop.victim, encoding="ascii") as file:
        assert file.read() == "precious"
    if before is None:
        assert not os.path.lexists(stop.fifo), "a file in its place would keep faxq from starting"
    else:
        now = os.lstat(stop.fifo)
        assert (now.st_mode, now.st_ino, now.st_size, now.st_mtime) == (
            before.st_mode, before.st_ino, before.st_size, before.st_mtime
        )
        assert not stat.S_ISREG(now.st_mode) or now.st_size == len("uucp's")


def test_it_names_the_user_of_the_spool() -> None:
    assert f"--reuid={FAX_USER} --regid={FAX_USER} --clear-groups" in stop_command()[-1]


def test_before_it_starts_the_spool_becomes_one_whose_etc_and_bin_cannot_be_exchanged(stop: Stop) -> None:
    command = [word.replace(SPOOL, stop.spool) for word in stop_command("ExecStartPre")]
    subprocess.run(command, env=stop.environ, check=True, timeout=20)
    found = os.stat(stop.spool)
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, fax_ids()[1], 0o1775)
    for name in ("bin", "etc"):
        os.chown(os.path.join(stop.spool, name), 0, 0)      # as Debian has them
        moved = subprocess.run(
            ["mv", os.path.join(stop.spool, name), os.path.join(stop.spool, "o")], user=FAX_USER, group=FAX_USER, extra_groups=(),
            check=False, capture_output=True,
        )
        assert moved.returncode != 0


def test_uucp_cannot_change_the_mode_back_meanwhile(stop: Stop) -> None:
    command = [word.replace(SPOOL, stop.spool) for word in stop_command("ExecStartPre")]
    for _ in range(5):
        os.chown(stop.spool, *fax_ids())
        opening = subprocess.Popen(
            [sys.executable, "-I", "-c", OPENING, stop.spool],
            user=FAX_USER, group=FAX_USER, extra_groups=(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        assert opening.stdout is not None
        try:
            assert opening.stdout.readline() == b"\n"
            subprocess.run(command, env=stop.environ, check=True, timeout=20)
            assert opening.wait(20) == 1, "the spool is his still"
        finally:
            opening.kill()
            opening.wait()
            opening.stdout.close()
        assert os.stat(stop.spool).st_mode & 0o7777 == 0o1775
