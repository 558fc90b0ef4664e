"""The file a fax is received into: whether there is room for one, its making, and each page's way to the disk."""

from __future__ import annotations

import fcntl
import os

from gofaxpy.hylafax.sequence import recv_name
from gofaxpy.hylafax.spool import open_regular
from gofaxpy.setting import Setting, wrong_user
from gofaxpy.switch.boundary import log


def spool_problem(setting: Setting) -> str:
    """Why no fax could be kept at the moment, or ``""``.  SpanDSP would notice only after the call is answered."""
    problem = wrong_user(setting.config.hylafax.user)
    if problem:
        return problem
    recvq = setting.spool.path("recvq")
    user = setting.config.hylafax.user
    if not os.access(recvq, os.W_OK | os.X_OK):
        return f"{recvq} is not writable for the user FreeSWITCH runs as: run it as {user}"
    try:
        room = os.statvfs(recvq)
    except OSError as error:
        return f"{recvq}: {error.strerror}"
    least = setting.config.inbound.min_free
    if room.f_bavail * room.f_frsize < least << 20:
        return f"{recvq}: less than {least} MiB (inbound.min_free) are free on its file system"
    return ""


def file_mode(octal: str) -> int:
    """RecvFileMode: octal digits; 0600, HylaFAX's default, for anything else.

    The owner may read and write, whatever they say: SpanDSP opens the file by its name, and the tags are added by name.
    """
    try:
        return int(octal, 8) & 0o777 | 0o600
    except ValueError:
        return 0o600


def create_recv_file(setting: Setting, mode: int = 0o600) -> tuple[str, int]:
    """A new file in recvq, named relative to the spool, and the descriptor that holds HylaFAX's lock on it.

    rxfax then writes into this very file.  It has its mode from the start, as with faxgetty: clients that may see the
    fax see it coming in, marked ``*``.  Raises SpoolError, OSError.
    """
    while True:
        file = recv_name(setting.spool)
        try:
            fd = os.open(setting.spool.inside(file), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue    # seqf was set back, or another program numbers on its own
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(fd, mode)     # whatever the umask, which belongs to the whole process
        except OSError:     # a file server without locks (ENOLCK), say
            os.close(fd)
            os.unlink(setting.spool.inside(file))
            raise
        return file, fd


def flush(path: str) -> None:
    """A page that is about to be confirmed to its sender goes to the disk: SpanDSP itself never asks for that."""
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return
    except OSError as error:
        log("err", f"{path}: cannot be opened for fsync ({error.strerror}); the page may not survive a power failure")
        return
    try:
        os.fsync(fd)
    except OSError:
        log("err", f"{path}: fsync failed; the page may not survive a power failure")
    finally:
        os.close(fd)
