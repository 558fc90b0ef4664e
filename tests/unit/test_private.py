"""What nobody else may look into, lead elsewhere or hold up: our own directories, entries and the locks we ask for."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from gofaxpy.config.file import load
from gofaxpy.config.keys import Config, HylaFax
from gofaxpy.hylafax.qfile import QFileHandle
from gofaxpy.hylafax.spool import open_own, private_directory
from gofaxpy.journal import Journal, JournalError, Step
from gofaxpy.modems import virtual
from gofaxpy.modems.getty import Getty, ModemState
from gofaxpy.outbound.joined import remove_directory
from gofaxpy.send import process
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.connection import Connection
from gofaxpy.setting import Setting, wrong_user
from gofaxpy.switch.client import never

NOBODY = 65534


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_our_directories_are_closed_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Journal(str(tmp_path)).create("1-000000001", Step.OPENED) as entry:
            assert stat.S_IMODE(os.fstat(entry.fileno()).st_mode) == 0o600
        private_directory(str(tmp_path), "gofax", "tmp", "1-000000001")
    finally:
        os.umask(before)
    for name in ("gofax", "gofax/journal", "gofax/tmp", "gofax/tmp/1-000000001"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700, name


def test_a_directory_that_stands_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "gofax").mkdir(mode=0o755)
    private_directory(str(tmp_path), "gofax", "journal")
    assert stat.S_IMODE((tmp_path / "gofax").stat().st_mode) == 0o700


def test_a_link_or_a_strangers_directory_is_not_used(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "gofax").symlink_to(elsewhere)
    with pytest.raises(JournalError, match="cannot be created"):
        Journal(str(tmp_path / "spool")).create("1-000000001", Step.OPENED)
    assert list(elsewhere.iterdir()) == []
    (tmp_path / "spool" / "gofax").unlink()
    (tmp_path / "spool" / "gofax").mkdir()
    if os.geteuid() == 0:
        os.chown(tmp_path / "spool" / "gofax", NOBODY, NOBODY)
        with pytest.raises(JournalError, match="belongs to another user"):
            Journal(str(tmp_path / "spool")).create("1-000000001", Step.OPENED)


@pytest.mark.parametrize("name", ["", "../x", "/x", "a/b", ".hidden", "a\0b"])
def test_an_entry_has_a_name_in_its_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(JournalError):
        Journal(str(tmp_path)).create(name, Step.OPENED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("jobid", ["../../x", "/x", "", "1/../2", "\u0664", "1\x00"])
def test_a_job_whose_number_is_none_makes_no_files(tmp_path: Path, jobid: str) -> None:
    for name in ("log", "sendq", "status"):
        (tmp_path / name).mkdir()
    qfile = tmp_path / "sendq" / "q1"
    qfile.write_bytes(b"jobid:" + jobid.encode() + b"\nexternal:1\nfax:0::docq/x\n")
    setting = Setting.of(Config(hylafax=HylaFax(spooldir=str(tmp_path))))
    with QFileHandle.open(str(qfile)) as handle, pytest.raises(Exception, match="is no job number"):
        Attempt(setting, handle, "000000001", "freeswitch0", Connection(setting.config.freeswitch, 0, never))
    assert [*(tmp_path / "log").iterdir(), *(tmp_path / "status").iterdir()] == []


def test_only_hylafaxs_user_may_work_in_its_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    for euid, user, problem in (
        (0, "root", "runs as root: run it as uucp"), (0, "uucp", "runs as root: run it as uucp"), (10, "uucp", ""),
        (12345, "uucp", "runs as the user with id 12345: run it as uucp"),
        (10, "no-such-user", "there is no user 'no-such-user'"),
    ):
        monkeypatch.setattr(os, "geteuid", lambda euid=euid: euid)
        assert problem in wrong_user(user) and bool(problem) == bool(wrong_user(user))


@pytest.mark.parametrize("kind", ["link", "directory", "loop"])
def test_a_lock_file_that_cannot_be_read_costs_its_modem_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Everybody may make files in /var/lock."""
    said: list[str] = []
    monkeypatch.setitem(sys.modules, "freeswitch", SimpleNamespace(consoleLog=lambda level, text: said.append(text)))
    for name in ("status", "lock", "gofax"):
        (tmp_path / name).mkdir()
    lock = tmp_path / "lock" / "LCK..freeswitch1"
    if kind == "directory":
        lock.mkdir()
    else:
        lock.symlink_to("/etc/passwd" if kind == "link" else lock)
    hylafax = f"hylafax: {{spooldir: {tmp_path}, lock_dir: {tmp_path}/lock, modems: 2}}\n"
    hylafax += "".join(f"{section}: {{}}\n" for section in ("freeswitch", "inbound", "outbound", "log"))
    (tmp_path / "gofax.yaml").write_text(hylafax)
    monkeypatch.setenv("GOFAX_CONFIG", str(tmp_path / "gofax.yaml"))
    setting = Setting.of(load(str(tmp_path / "gofax.yaml")))
    getty = Getty(setting, lambda uuid: None, lambda: 0.0)
    for now in range(1, 6):
        getty.poll_locks(float(now))
    assert {modem.device: modem.state for modem in getty.descriptors().values()} == {
        "freeswitch0": ModemState.IDLE, "freeswitch1": ModemState.LOCKED,
    }
    assert len([line for line in said if "LCK..freeswitch1" in line]) == 1
    line = virtual.take(setting)
    assert line is not None and line.device == "freeswitch0"
    line.release()
    virtual.release_dead(setting, "freeswitch1", 12345, 0)
    getty.close()


def test_a_file_with_a_second_name_is_left_alone_under_that_one(tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / "status"
    other.write_text("precious")
    os.link(other, path)
    with os.fdopen(open_own(str(path), os.O_RDWR, 0o644), "w") as file:
        file.write("Running and idle")
    assert (other.read_text(), path.read_text()) == ("precious", "Running and idle")
    with os.fdopen(open_own(str(path), os.O_RDWR, 0o644), "r+") as file:
        assert file.read() == "Running and idle", "a file with one name stays itself"


def test_only_regular_files_that_are_no_links_are_written(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    (tmp_path / "link").symlink_to(other)
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo"):
        with pytest.raises(OSError):
            open_own(str(tmp_path / name), os.O_RDWR, 0o644)
    assert other.read_text() == "precious"


@pytest.mark.parametrize("leads_to", ["directory", "file", "nowhere"])
def test_of_a_link_only_the_link_is_removed(tmp_path: Path, leads_to: str) -> None:
    (tmp_path / "directory").mkdir()
    for name in ("directory/precious", "file"):
        (tmp_path / name).write_text("precious")
    (tmp_path / "1-000000001").symlink_to(tmp_path / leads_to)
    remove_directory(str(tmp_path / "1-000000001"))
    assert not (tmp_path / "1-000000001").is_symlink()
    assert (tmp_path / "directory" / "precious").read_text() == (tmp_path / "file").read_text() == "precious"


ORPHAN = """
import os, sys, time
from gofaxpy.send.process import is_orphan
before = is_orphan()
os.kill(os.getppid(), 9)
while os.getppid() == int(sys.argv[2]):
    time.sleep(0.01)
with open(sys.argv[1] + ".new", "w") as file:
    print(before, is_orphan(), file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""


def test_a_sender_knows_that_its_faxq_is_gone(tmp_path: Path) -> None:
    """Another faxq dies of what it says about its job (tests/crash/test_daemons.py)."""
    library = str(Path(process.__file__).parents[2])
    command = f'"{sys.executable}" -c "$1" "$2" $$; exit 1'
    subprocess.run(
        ["/bin/sh", "-c", command, "sh", ORPHAN, str(tmp_path / "said")], env={"PYTHONPATH": library}, check=False,
    )
    deadline = time.monotonic() + 10
    while not (tmp_path / "said").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (tmp_path / "said").read_text() == "False True\n"


LATE = """
import os, sys, time
while os.getppid() == int(sys.argv[2]):
    time.sleep(0.01)
from gofaxpy.send.process import is_orphan
with open(sys.argv[1] + ".new", "w") as file:
    print(os.getppid(), is_orphan(), file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""


def test_a_sender_knows_also_of_a_faxq_that_was_gone_before_it_was_loaded(tmp_path: Path) -> None:
    library = str(Path(process.__file__).parents[2])
    command = f'"{sys.executable}" -c "$1" "$2" $$ & exit 1'
    subprocess.run(["/bin/sh", "-c", command, "sh", LATE, str(tmp_path / "said")], env={"PYTHONPATH": library}, check=False)
    deadline = time.monotonic() + 10
    while not (tmp_path / "said").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    parent, said = (tmp_path / "said").read_text().split()
    if parent != "1":
        pytest.skip("orphans are somebody else's than init's here")
    assert said == "True"
