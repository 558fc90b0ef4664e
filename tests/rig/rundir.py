"""A run's own directory, and the certainty that nothing of the run outlives it.

Every process that the rig starts carries ``GOFAXPY_RIG=<directory>`` in its environment and hands
it down to its children, even to those that start a session of their own.  So whatever is left of a
run can be told from all other processes of the machine, and be ended by process id.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from types import TracebackType

MARK = "GOFAXPY_RIG"
_KERNEL_THREAD = 0x200000       # PF_KTHREAD in Linux' sched.h
FAX_USER = "uucp"

# Waits for the end of standard input.  The word "over" before it means an orderly end; without it
# the run has died (kill -9, out of memory), and its processes and directory are swept away.
_GUARD = r"""
read -r word && [ "$word" = over ] && exit 0
for sig in TERM KILL; do
    for environ in /proc/[0-9]*/environ; do
        if grep -zqxF "$1" "$environ"; then
            pid=${environ#/proc/}
            kill -$sig "${pid%/environ}"
        fi
    done
    sleep 2
done
if [ "$(readlink /dev/log)" = "$2/dev-log" ]; then rm -f /dev/log; fi
rm -rf -- "$2"
"""


class RigError(Exception):
    """What keeps the rig from working, and what to do about it."""


def system_environment() -> dict[str, str]:
    """The plain environment a daemon gets from its init script: nothing of the caller's shell."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    if "TZ" in os.environ:
        environment["TZ"] = os.environ["TZ"]
    return environment


def fax_ids() -> tuple[int, int]:
    """User and group id of HylaFAX's user ``uucp``."""
    try:
        entry = pwd.getpwnam(FAX_USER)
    except KeyError:
        raise RigError(f"there is no user {FAX_USER} on this machine: install hylafax-server (make deps)") from None
    return entry.pw_uid, entry.pw_gid


class RunDir:
    """A new directory that ``uucp`` can reach, removed at the end with all processes of the run.

    ``parent`` defaults to the system's temporary directory.  Raises RigError where ``uucp`` could
    not get into it: daemons and hook scripts run as that user.
    """

    def __init__(self, parent: str | None = None) -> None:
        self.more_environ: dict[str, str] = {}
        parent = os.path.abspath(parent or tempfile.gettempdir())
        _reachable(parent)
        self.path = tempfile.mkdtemp(prefix="gofaxpy-", dir=parent)
        os.chmod(self.path, 0o755)
        _living.add(os.path.realpath(self.path))
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", f"{MARK}={self.path}", self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=system_environment(),
            cwd="/",
            start_new_session=True,
        )

    def __enter__(self) -> RunDir:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def environ(self) -> dict[str, str]:
        """Environment for a process of this run: a plain system one, the mark, the run's configuration, and ``more_environ``."""
        config = os.path.join(self.path, "gofax.yaml")      # never the machine's own, whatever a test forgets
        return {**system_environment(), MARK: self.path, "HOME": self.path, "GOFAX_CONFIG": config, **self.more_environ}

    def sub(self, name: str, *, owner: str = "root", mode: int = 0o755) -> str:
        """Path of the subdirectory ``name``, made if need be; ``owner`` is ``root`` or ``uucp``."""
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if owner == FAX_USER and os.geteuid() == 0:
            os.chown(path, *fax_ids())
        return path

    def processes(self) -> list[int]:
        """Ids of all living processes of this run but the caller's own."""
        return [pid for pid in _marked(f"{MARK}={self.path}") if pid != os.getpid()]

    def end_processes(self, grace: float = 3.0) -> list[int]:
        """End what is left of the run: SIGTERM, after ``grace`` seconds SIGKILL.  Returns who was there."""
        found = self.processes()
        left = found
        for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            deadline = time.monotonic() + seconds
            while (left := self.processes()) and time.monotonic() < deadline:
                time.sleep(0.05)
            if not left:
                break
        return found

    def close(self, *, keep: bool = False) -> None:
        """End the run's processes and, unless ``keep``, remove the directory.  May be called twice."""
        if self._guard.stdin is None or self._guard.stdin.closed:
            return
        self.end_processes()
        _living.discard(os.path.realpath(self.path))
        if not keep:
            shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(b"over\n")
            self._guard.stdin.flush()
        self._guard.stdin.close()
        self._guard.wait()


_living: set[str] = set()


def living() -> frozenset[str]:
    """The directories of this process's runs that go on, without links."""
    return frozenset(_living)


def lives(pid: int) -> bool:
    """Whether there is such a process that is not dead already.

    A dead orphan may stay a zombie: in a container nobody need ask for its status.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def wait_ended(pid: int, seconds: float = 60) -> bool:
    """Waits until a process that need be no child of ours has ended, ``seconds`` at most; whether it has."""
    deadline = time.monotonic() + seconds
    while lives(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _reachable(path: str) -> None:
    """Raise RigError if ``uucp`` cannot pass through ``path`` or a directory above it."""
    if os.geteuid() != 0:
        return
    probe = subprocess.run(
        ["/usr/bin/test", "-d", f"{path}/.", "-a", "-x", path],
        user=FAX_USER,
        group=FAX_USER,
        extra_groups=(),
        check=False,
    )
    if probe.returncode != 0:
        raise RigError(
            f"user {FAX_USER} cannot get into {path}, and HylaFAX's daemons run as that user: "
            "set TMPDIR to a directory that everybody can pass through, such as /tmp"
        )


def _marked(mark: str) -> Iterator[int]:
    wanted = mark.encode()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        # A process may end, or belong to somebody else, between listing and reading.
        with contextlib.suppress(OSError):
            if wanted in _environment(name).split(b"\0"):
                yield int(name)


def _environment(pid: str) -> bytes:
    """The environment of a process; of one that is just being executed, for a moment without any, the new one."""
    final = False
    for _ in range(100):
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read()
        if environment or final:
            return environment
        with open(f"/proc/{pid}/stat", "rb") as file:       # see proc(5)
            fields = file.read().rpartition(b")")[2].split()
        state, flags, env_end = fields[0], int(fields[6]), int(fields[48])
        if env_end or state in b"ZX" or flags & _KERNEL_THREAD:
            final = True        # it may have come between the two looks: once more, and that is it
        else:
            time.sleep(0.01)
    return b""
