"""Who gofaxctl becomes, and who it is afterwards.  In children: ids belong to a process as a whole."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gofaxpy.config.keys import HylaFax
from gofaxpy.ctl.lesser import Lesser, exchangeable_by, user_of
from rig.install import CHECKOUT
from rig.rundir import FAX_USER, RunDir

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be put aside")
UUCP = pwd.getpwnam(FAX_USER)
NOBODY = 65534
_EXCHANGING = "import os, sys\nwhile True: os.symlink(*sys.argv[1:]); os.unlink(sys.argv[2])"


def child(body: Callable[[], None]) -> None:
    """Runs it in a process of its own; fails if it does."""
    pid = os.fork()
    if pid == 0:
        try:
            body()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def test_root_is_put_aside_and_taken_up_again() -> None:
    def body() -> None:
        groups = os.getgroups()
        lesser = Lesser()
        lesser.become(UUCP.pw_uid)
        assert os.getresuid() == (0, UUCP.pw_uid, 0) and os.getegid() == UUCP.pw_gid and 0 not in os.getgroups()
        with pytest.raises(PermissionError):
            open("/etc/shadow", "rb").close()
        with lesser.root():
            assert os.geteuid() == os.getegid() == 0
            open("/etc/shadow", "rb").close()
        assert (os.geteuid(), os.getegid()) == (UUCP.pw_uid, UUCP.pw_gid) and 0 not in os.getgroups()
        lesser.regain()
        assert os.getresuid() == os.getresgid() == (0, 0, 0) and os.getgroups() == groups

    child(body)


def test_its_memory_is_closed_to_whom_it_has_become() -> None:
    """proc(5): whoever may trace a process may read this; the terminal of root would be his."""
    def body() -> None:
        Lesser().become(UUCP.pw_uid)
        pid = os.getpid()
        tracer = os.fork()
        if tracer == 0:
            status = 0
            try:
                os.setresgid(UUCP.pw_gid, UUCP.pw_gid, UUCP.pw_gid)
                os.setresuid(UUCP.pw_uid, UUCP.pw_uid, UUCP.pw_uid)
                os.listdir(f"/proc/{pid}/fd")
                status = 1
            except PermissionError:
                with pytest.raises(PermissionError):
                    os.kill(pid, 0)
            finally:
                os._exit(status)
        assert os.waitpid(tracer, 0)[1] == 0

    child(body)


@pytest.mark.parametrize("uid", [0, NOBODY, 54321])
def test_others_stay_what_they_are(uid: int) -> None:
    def body() -> None:
        os.setresuid(uid, uid, uid)
        lesser = Lesser()
        lesser.become(0 if uid == 0 else UUCP.pw_uid)
        with lesser.root(), lesser.owner_of("/proc"):
            assert os.getresuid() == (uid, uid, uid)
        lesser.regain()
        assert os.getresuid() == (uid, uid, uid)

    child(body)


def test_a_root_that_may_become_nobody_is_told_so() -> None:
    """As in a container without CAP_SETUID."""
    code = "from gofaxpy.ctl.lesser import Lesser; Lesser().become(10)"
    done = subprocess.run(
        ["setpriv", "--bounding-set", "-setuid,-setgid", sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.path.join(CHECKOUT, "lib")},
    )
    assert "Trouble: root may not become the user with id 10 here" in done.stderr


def test_a_user_without_a_name_has_no_groups() -> None:
    def body() -> None:
        Lesser().become(54321)
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (54321, NOBODY, [])

    child(body)


def test_the_spools_user_is_that_of_the_configuration_or_else_its_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    for user, uid in ((FAX_USER, UUCP.pw_uid), ("nosuchuser", NOBODY), ("root", NOBODY)):
        assert user_of(HylaFax(spooldir=str(tmp_path), user=user)) == uid
    assert user_of(HylaFax(spooldir=str(tmp_path / "none"), user="nosuchuser")) == 0


def test_a_path_belongs_to_the_first_who_could_exchange_a_part_of_it() -> None:
    with RunDir() as run_dir:
        top = run_dir.sub("top")
        spool = run_dir.sub("top/spool", owner=FAX_USER)
        run_dir.sub("top/spool/root")
        Path(top, "file").touch()
        Path(spool, "root", "file").touch()
        os.symlink("../top/./file", os.path.join(top, "link"))
        os.symlink(os.path.join(spool, "root"), os.path.join(top, "into"))
        os.symlink("/etc/shadow", os.path.join(top, "theirs"))
        os.lchown(os.path.join(top, "theirs"), NOBODY, NOBODY)
        os.symlink("loop", os.path.join(top, "loop"))
        for path, uid in {
            "/etc/shadow": 0, f"{top}/file": 0, f"{top}/link": 0, f"{spool}/log/xferfaxlog": UUCP.pw_uid, f"{top}/loop": 0,
            f"{spool}/root/file": UUCP.pw_uid, f"{top}/into/file": UUCP.pw_uid, f"{top}/theirs": NOBODY,
            f"{top}/spool/../file": UUCP.pw_uid, f"{top}/../top/./file": 0, ".": 0,
        }.items():
            assert exchangeable_by(path) == uid, path


def test_what_is_not_there_is_nobodys() -> None:
    """In a sticky directory of root's, as our unit makes the spool, others can set a link there in the next moment."""
    with RunDir() as run_dir:
        top = run_dir.sub("top")
        os.chmod(top, 0o1777)
        os.symlink("none", os.path.join(top, "link"))
        for path in (f"{top}/none", f"{top}/none/file", f"{top}/link", f"{top}/link/file"):
            with pytest.raises(FileNotFoundError):
                exchangeable_by(path)


def test_a_link_that_comes_between_the_look_and_the_use_leads_root_nowhere() -> None:
    """HylaFAX's user sets a link in the spool and takes it away, again and again, while root writes behind it."""
    with RunDir() as run_dir:
        spool, roots = run_dir.sub("spool"), run_dir.sub("roots")
        os.chown(spool, 0, UUCP.pw_gid)
        os.chmod(spool, 0o1775)
        link = os.path.join(spool, "out")
        exchanging = subprocess.Popen(
            [sys.executable, "-I", "-c", _EXCHANGING, roots, link],
            user=UUCP.pw_uid, group=UUCP.pw_gid, extra_groups=(),
        )
        try:
            lesser = Lesser()
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline and not os.listdir(roots):
                with suppress(OSError), lesser.owner_of(link):
                    Path(link, "made").touch()
            assert exchanging.poll() is None and not os.listdir(roots)
        finally:
            exchanging.kill()
            exchanging.wait()
