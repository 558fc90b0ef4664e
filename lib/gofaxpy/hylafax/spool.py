"""The paths of a HylaFAX spool (hylafax-server(5) and the constants of HylaFAX's config.h), and how its files are opened."""

from __future__ import annotations

import errno
import os
import stat

from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.values import frozen


@frozen
class Spool:
    """A spool by its root directory.  ``lock_dir`` is faxq's ``UUCPLockDir``.  All paths are absolute if ``root`` is."""

    root: str
    lock_dir: str = "/var/lock"

    def path(self, *parts: str) -> str:
        """``parts`` below the root.  Raises :class:`SpoolError` if one of them is absolute, which would leave the spool."""
        for part in parts:
            if part.startswith("/") or "\0" in part:
                raise SpoolError(f"{part!r} is no path inside the spool {self.root}")
        return os.path.join(self.root, *parts)

    def qfile(self, jobid: str) -> str:
        """The qfile of a job that is still to be done."""
        return self.path("sendq", "q" + _name(jobid, "job number"))

    @property
    def fifo(self) -> str:
        """The FIFO faxq reads."""
        return self.path("FIFO")

    def device_fifo(self, devid: str) -> str:
        """The FIFO of a modem, which receives messages from faxq and commands of clients."""
        return self.path("FIFO." + _name(devid, "modem"))

    def status(self, devid: str) -> str:
        """The line of text that faxstat shows for a modem."""
        return self.path("status", _name(devid, "modem"))

    def config(self, devid: str) -> str:
        """A modem's configuration.  faxq greets only modems that have one (faxQueueApp::scanForModems)."""
        return self.path("etc", "config." + _name(devid, "modem"))

    def session_log(self, commid: str) -> str:
        """The log of one call."""
        return self.path("log", "c" + _name(commid, "communication identifier"))

    def inside(self, relative: str) -> str:
        """The path of a document that a job or a record names relative to the spool.

        Raises :class:`SpoolError` for an absolute path and for a component that starts with a dot, as faxd/FaxRequest.c++
        (checkDocument) refuses them; also for an empty path, and for one with a NUL.
        """
        if not relative or relative.startswith("/") or "\0" in relative:
            raise SpoolError(f"{relative!r} is no path inside the spool {self.root}")
        if any(component.startswith(".") for component in relative.split("/")):
            raise SpoolError(f"{relative!r} is refused: no part of a path in the spool {self.root} may start with a dot")
        return os.path.join(self.root, relative)


def private_directory(root: str, *parts: str) -> str:
    """The path of the directory ``parts`` below ``root``.  Missing directories are made, with mode 0700.

    The mode does not depend on the umask, which inside FreeSWITCH belongs to the whole switch.  A directory that exists must
    belong to this process's user and be no link; it is closed to other users if it is not yet.  Raises OSError.
    """
    path = root
    for part in parts:
        path = os.path.join(path, part)
        try:  # noqa: SIM105 - contextlib is not loaded for this
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if status.st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "belongs to another user", path)
            if status.st_mode & 0o077:
                os.fchmod(fd, 0o700)
        finally:
            os.close(fd)
    return path


def _name(name: str, what: str) -> str:
    """``name`` if it can be (part of) one file name."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise SpoolError(f"{name!r} cannot be a {what}")
    return name


def age(written: float, now: float) -> float:
    """Seconds since ``written`` (both since the epoch).  A time in the future is from before the clock was set back, so the
    difference counts as positive."""
    return abs(now - written)


def open_own(path: str, flags: int, mode: int) -> int:
    """Opens a file that is rewritten as a whole each time, or makes it.  Links are not followed.  Raises OSError.

    If the file has a second name (a hard link), it is unlinked here and a new one is made: the file of the other name may belong
    to another user, or be a backup.
    """
    flags |= os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, flags, mode)
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return fd
    os.close(fd)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is no regular file", path)
    os.unlink(path)
    return os.open(path, flags | os.O_EXCL, mode)


def open_regular(path: str, flags: int = os.O_RDONLY, dir_fd: int | None = None, follow: bool = False) -> int:
    """Opens an existing regular file, and refuses anything else in its place.

    A program that runs as HylaFAX's user can exchange any file of the spool: for a link to another user's file, for a FIFO at
    which open(2) waits (fifo(7)), for a directory or a terminal.  ``dir_fd`` as with open(2).  ``follow`` follows a link, where
    an operator may keep the file elsewhere.  Raises OSError; its text says what was found instead.
    """
    flags |= os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        fd = os.open(path, flags, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "is a symbolic link, and not followed", path) from None
        raise
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "is no regular file", path)


def read_start(path: str, most: int, dir_fd: int | None = None, follow: bool = False) -> bytes:
    """The first ``most`` octets of a file, opened by :func:`open_regular`.  Raises OSError."""
    fd = open_regular(path, os.O_RDONLY, dir_fd, follow)
    try:
        return os.pread(fd, most, 0)
    finally:
        os.close(fd)


def fsync_directory(path: str) -> None:
    """Waits until the names in a directory are on the disk.  Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
