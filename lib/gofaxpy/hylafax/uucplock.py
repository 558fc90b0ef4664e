"""The lock of a modem: a UUCP lock file (faxd/UUCPLock.c++), used by faxq, gofaxsend, FreeSWITCH and any other program.

``LCK..<modem>`` in faxq's UUCPLockDir holds the owner's pid in ASCII, ten places and a newline; its mode is 0444.  A lock is
valid as long as it is younger than 30 s or its owner lives.  An older lock of a dead owner is stale, and is removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.spool import age

STALE_AFTER = 30.0

# Device, inode and time of writing: the file system soon gives the inode to another lock file.
_Identity = tuple[int, int, int]


class UUCPLock:
    """The lock on one modem.  ``device`` is its name (``freeswitch0``; faxq reads each ``_`` as ``/``) or ``/dev/…``.

    ``pid`` is written as the owner, by default that of this process.  ``stale_after`` is faxq's UUCPLockTimeout in seconds (0: no
    lock is ever stale).  ``clock`` gives seconds since the epoch, as file times are.
    """

    def __init__(
        self, lock_dir: str, device: str, pid: int | None = None, stale_after: float = STALE_AFTER,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # faxApp::idToDev: modems in subdirectories of /dev have an underscore in their names
        name = (device if device.startswith("/") else device.replace("_", "/")).rpartition("/")[2]
        if not name or "\0" in name:
            raise SpoolError(f"{device!r} cannot be the name of a modem")
        self.path = os.path.join(lock_dir, "LCK.." + name)
        self._lock_dir = lock_dir
        self._pid = pid
        self._stale_after = stale_after
        self._clock = clock
        self._mine: _Identity | None = None

    def acquire(self) -> bool:
        """Takes the lock.  False if another process has it; True also if this object has it already.

        The file is complete before link(2) gives it its name, so that no process reads half a lock.  Raises :class:`SpoolError`
        if no lock file can be made.
        """
        if self.owned_by_me:
            return True
        return self._create() or (self._purge() and self._create())

    def release(self) -> None:
        """Gives the lock up.  A lock that this object has not made, or has lost, stays."""
        if self.owned_by_me:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise SpoolError(f"{self.path}: cannot remove the lock: {reason(error)}") from error
        self._mine = None

    def held_by(self) -> int | None:
        """The pid of the process that has the modem; 0 if a young lock file has no pid; None if the modem is free or the lock is
        stale."""
        found = self._look()
        if found is None or found[2]:
            return None
        return found[1]

    def named(self) -> int | None:
        """The pid in the lock file, also if the lock is stale; None if there is no file."""
        found = self._look()
        return None if found is None else found[1]

    @property
    def owned_by_me(self) -> bool:
        """Whether the lock file is the one that this object made."""
        if self._mine is None:
            return False
        try:
            status = os.lstat(self.path)
        except OSError:
            return False
        return _identity(status) == self._mine

    def _create(self) -> bool:
        temporary = os.path.join(self._lock_dir, f"TM.fax{os.urandom(6).hex()}")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
            try:
                os.fchmod(fd, 0o444)
                os.write(fd, b"%10d\n" % (os.getpid() if self._pid is None else self._pid))
                os.link(temporary, self.path)
                self._mine = _identity(os.fstat(fd))
                return True
            finally:
                os.close(fd)
                os.unlink(temporary)
        except FileExistsError:
            return False
        except OSError as error:
            raise SpoolError(
                f"{self._lock_dir}: cannot make lock files: {reason(error)}; HylaFAX's user must be allowed to"
            ) from error

    def _look(self) -> tuple[_Identity, int, bool] | None:
        """The lock file's identity, its owner (0 if unknown) and whether it is stale; None if there is none."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SpoolError(f"{self.path}: cannot read the lock: {reason(error)}") from error
        try:
            status = os.fstat(fd)
            digits = os.read(fd, 10).strip()
        except OSError as error:
            raise SpoolError(f"{self.path}: cannot read the lock: {reason(error)}") from error
        finally:
            os.close(fd)
        owner = int(digits) if digits.isdigit() else 0
        old = self._stale_after > 0 and age(status.st_mtime, self._clock()) >= self._stale_after
        return _identity(status), owner, old and not _alive(owner)

    def _purge(self) -> bool:
        """Removes a stale lock.  True if there is no lock file now."""
        found = self._look()
        if found is None:
            return True
        identity, _, stale = found
        if not stale:
            return False
        try:
            if _identity(os.lstat(self.path)) != identity:
                return False  # another process has removed the stale lock and made its own
            os.unlink(self.path)
        except FileNotFoundError:
            return True
        except OSError as error:
            raise SpoolError(f"{self.path}: cannot remove the stale lock: {reason(error)}; remove it by hand") from error
        return True


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _alive(pid: int) -> bool:
    """Whether the process lives, also one of another user.  A zombie (proc(5)) is dead: it uses no modem any more."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:
        return True
