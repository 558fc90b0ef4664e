"""The journal: the state of each fax under way, which survives the death of any process and of the machine.

It has one file per call attempt, an *entry*, in ``<spool>/gofax/journal``: ``42-000000017`` for job 42 under commid
000000017, and ``c000000018`` for an incoming call.  A file is only appended to: each :class:`Step` is one line of JSON, a
*mark*, written with one write(2) and then synced.  So a crash leaves at worst one incomplete last line, which readers
skip.  The entry's name is made durable by an fsync of the directory when the entry is created.  An entry is removed when
everything it was for has reached HylaFAX's own files; an entry that is still there is unfinished.

The process that works on an entry holds ``flock`` on it: gofaxsend, the handler of an incoming call, the runner of
faxrcvd, or the recovery.  The lock belongs to the open file description: a child process can inherit it, and it ends with
the last process that has it, however that process dies.  Marks may also be added without the lock: lines are short, and
appended whole.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import struct
import time
from enum import StrEnum

from gofaxpy import jsontext
from gofaxpy.commids import JOURNAL
from gofaxpy.hylafax.spool import fsync_directory, open_regular, private_directory
from gofaxpy.values import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAX_ENTRY = 1 << 20         # octets that are read of an entry
_END_OF_TIME = 1 << 36      # seconds since the epoch; localtime(3) still knows the year
_UNNAMED = os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC     # open(2)
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode     # json.dumps would create an encoder for every mark


class Step(StrEnum):
    """The marks of an entry, in the order in which they are set."""

    # an attempt to send
    OPENED = "opened"            # gofaxsend: what is to be sent; nothing has been dialled
    LAUNCHED = "launched"        # gofaxsend: about to order a call; one mark for each gateway, with its UUID
    CONNECTED = "connected"      # outbound handler: the far end has answered, txfax begins
    WITHDRAWN = "withdrawn"      # gofaxsend: this call must not send any more; valid if it comes before CONNECTED
    FAX_OVER = "fax over"        # outbound handler or gofaxsend: SpanDSP's result, before the call is hung up
    # an incoming call
    ACCEPTED = "accepted"        # inbound handler: the call is accepted, nothing has been received
    RECEIVING = "receiving"      # rxfax begins to write this file
    RECEIVED = "received"        # SpanDSP's result, before the call is hung up
    TAGGED = "tagged"            # HylaFAX's TIFF tags are in the file
    RECORDED = "recorded"        # the RECV and CALL records are in xferfaxlog
    ANNOUNCING = "announcing"    # faxrcvd is about to run
    UNANNOUNCED = "unannounced"  # faxrcvd could not be started
    ANNOUNCED = "announced"      # faxrcvd has ended


_WHOLE = struct.Struct("@hhqqi4x")      # struct flock: type, whence, start, length (0: all of it), pid (0)


class JournalError(Exception):
    """The journal cannot be read or written; the text names the file and the reason."""


@frozen
class Mark:
    """One line of an entry."""

    step: Step
    at: float                   # when it was set, in seconds since the epoch
    facts: dict[str, Any]       # what was known then: names and JSON values


class Entry:
    """One open entry.  Use :meth:`Journal.create` or :meth:`Journal.open`; close it, or use it as a context manager."""

    def __init__(self, directory: str, name: str, fd: int) -> None:
        self._directory = directory
        self.name = name
        self._fd = fd
        self._read: list[Mark] = []     # an entry only grows, so each of its lines is read once
        self._read_to = 0               # octets of the file that are in _read

    @property
    def path(self) -> str:
        """The path of the entry's file."""
        return os.path.join(self._directory, self.name)

    def fileno(self) -> int:
        """The descriptor that has the lock; a child process that inherits it shares the lock."""
        return self._fd

    def lock(self, blocking: bool = False) -> bool:
        """Takes the entry's flock.  False if another process holds it and ``blocking`` is not set."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def mark(self, step: Step, **facts: Any) -> None:
        """Appends one mark and waits until it is on the disk.  Raises :class:`JournalError`."""
        self._append(step, facts, True)

    def note(self, step: Step, **facts: Any) -> None:
        """Appends one mark without waiting: for a step that does no harm when it is done twice.

        Survives a crash of the process; survives a power failure only after the next :meth:`mark` or :meth:`sync`.
        Raises :class:`JournalError`.
        """
        self._append(step, facts, False)

    def _append(self, step: Step, facts: dict[str, Any], sync: bool) -> None:
        line = _ENCODE({"step": step.value, "at": round(time.time(), 3), **facts})
        data = b"\n" + line.encode("ascii") + b"\n"  # the first newline ends a line left incomplete by an earlier crash
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if sync:
                os.fdatasync(self._fd)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot note `{step}`: {error.strerror}") from error

    def reserve(self, octets: int) -> None:
        """Reserves ``octets`` on the file system for later marks, so that they can be written even if the disk fills up.

        Does nothing on file systems that cannot reserve.  Raises :class:`JournalError` if there is no room.
        """
        error = _reserve(self._fd, octets)
        if error in (errno.ENOSPC, errno.EDQUOT):
            raise JournalError(f"{self.path}: no room for what is to be noted: {os.strerror(error)}")

    def sync(self) -> None:
        """Waits until all marks, and the entry's name, are on the disk.  Raises :class:`JournalError`."""
        try:
            os.fdatasync(self._fd)
            fsync_directory(self._directory)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be brought to the disk: {error.strerror}") from error

    def marks(self) -> list[Mark]:
        """All marks so far, of all processes.  Raises :class:`JournalError` if the file cannot be read."""
        try:
            data = os.pread(self._fd, MAX_ENTRY, self._read_to)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be read: {error.strerror}") from error
        whole, newline, rest = data.rpartition(b"\n")
        self._read += _marks(whole)
        self._read_to += len(whole) + len(newline)
        return self._read + _marks(rest)        # a line without its newline is read again: the newline may come

    def find(self, step: Step) -> Mark | None:
        """The first mark of this step, None without any.  If two processes noted the same step, the first one counts."""
        return next((mark for mark in self.marks() if mark.step is step), None)

    def hold(self) -> bool:
        """Holds the entry as long as this descriptor is open: so gofaxsend sees that the call's handler is at work.

        False if the file system has no such lock.  It is an open file description lock (fcntl(2), F_OFD_SETLK): unlike
        flock it can be tested without being taken, and it does not conflict with the flock of the process that works on
        the entry.  It ends with the handler, however the handler ends.
        """
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _WHOLE.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except OSError:
            return False
        return True

    def held(self) -> bool:
        """Whether another descriptor holds the entry (:meth:`hold`).  False if the file system cannot test that."""
        return bool(self._holding())

    def _holding(self) -> bool | None:
        """The same, but None if the file system cannot test that (fcntl(2), ENOLCK)."""
        try:
            answer = fcntl.fcntl(self._fd, fcntl.F_OFD_GETLK, _WHOLE.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except OSError:
            return None
        kind: int = _WHOLE.unpack(answer)[0]
        return kind != fcntl.F_UNLCK

    def in_work(self, uuid: str) -> bool | None:
        """Whether the handler of call ``uuid`` holds the entry, and so may still note its result; None if that is unknown.

        Raises :class:`JournalError`.
        """
        for mark in self.marks():
            if mark.step is Step.CONNECTED and mark.facts.get("uuid") == uuid:
                return self._holding() if mark.facts.get("held") else None
        return False

    def launches(self, uuid: str) -> bool:
        """Whether the entry has a ``LAUNCHED`` mark of call ``uuid``.  Raises :class:`JournalError`."""
        return any(mark.step is Step.LAUNCHED and mark.facts.get("uuid") == uuid for mark in self.marks())

    def withdrawn(self, uuid: str) -> bool:
        """Whether the call ``uuid`` was withdrawn before it was connected.

        gofaxsend and the handler each add their mark first and read the entry then.  So both see the same mark first, even
        if the call is withdrawn while it is answered.  Raises :class:`JournalError`.
        """
        for mark in self.marks():
            if mark.facts.get("uuid") == uuid and mark.step in (Step.WITHDRAWN, Step.CONNECTED):
                return mark.step is Step.WITHDRAWN
        return False

    def remove(self) -> None:
        """Removes the entry: everything it was for has been done.  A missing file is no error.

        Raises :class:`JournalError`.
        """
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be removed: {error.strerror}") from error

    def close(self) -> None:
        """Closes the descriptor.  The lock ends, unless a child process has inherited it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Entry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _marks(data: bytes) -> list[Mark]:
    return [mark for mark in map(_parsed, data.split(b"\n")) if mark is not None]


def _parsed(line: bytes) -> Mark | None:
    if not line:
        return None
    try:
        facts = jsontext.parse(line)
        at = float(facts.pop("at"))
        return Mark(Step(facts.pop("step")), at, facts) if 0 <= at < _END_OF_TIME else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


class Journal:
    """The directory of entries of one spool."""

    def __init__(self, spool_root: str) -> None:
        self._root = spool_root
        self.directory = os.path.join(spool_root, *JOURNAL)

    def create(self, name: str, step: Step, **facts: Any) -> Entry:
        """Creates a locked entry with its first mark, and waits until it is on the disk.  Raises :class:`JournalError`."""
        entry = self.begin(name, step, **facts)
        try:
            entry.sync()
        except JournalError:
            entry.close()
            raise
        return entry

    def begin(self, name: str, step: Step, **facts: Any) -> Entry:
        """Creates a locked entry with its first mark; :meth:`Entry.sync` makes it durable.  Raises :class:`JournalError`.

        The entry gets its name only after it is locked and marked.  Otherwise the recovery, which reads the journal at any
        time, could take it for one that was left behind.
        """
        if not _is_name(name):
            raise JournalError(f"{self.directory}: {name[:80]!r} cannot be the name of an entry")
        path = os.path.join(self.directory, name)
        try:
            private_directory(self._root, *JOURNAL)
            fd, source = self._unnamed(name)
        except OSError as error:
            raise JournalError(f"{path}: cannot be created: {error.strerror}") from error
        entry = Entry(self.directory, name, fd)
        try:
            entry.lock()
            entry.note(step, **facts)
            # src_dir_fd is not used, but has Python call linkat(2) and follow the link, as open(2) describes for O_TMPFILE
            os.link(source, path, src_dir_fd=fd, follow_symlinks=True)
        except OSError as error:
            entry.close()
            raise JournalError(f"{path}: cannot be created: {error.strerror}") from error
        except JournalError:
            entry.close()
            raise
        finally:
            if source.startswith(self.directory):
                os.unlink(source)
        return entry

    def _unnamed(self, name: str) -> tuple[int, str]:
        """Creates a file without a name, which vanishes if this process dies; the descriptor and the path to link it from.

        On file systems without such files (NFS) it is a file with a hidden name.
        """
        try:
            fd = os.open(self.directory, _UNNAMED, 0o600)
            return fd, f"/proc/self/fd/{fd}"
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
        hidden = os.path.join(self.directory, f".{name}.{os.urandom(4).hex()}")
        return os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600), hidden

    def open(self, name: str) -> Entry | None:
        """An existing entry, not locked, or None if there is none of that name.  Raises :class:`JournalError`."""
        if not _is_name(name):
            return None
        path = os.path.join(self.directory, name)
        try:
            return Entry(self.directory, name, open_regular(path, os.O_RDWR | os.O_APPEND))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened: {error.strerror}") from error

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of the entries that begin with ``prefix``, oldest commid first."""
        try:
            found = os.listdir(self.directory)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"{self.directory}: cannot be read: {error.strerror}") from error
        yield from sorted(name for name in found if name.startswith(prefix) and not name.startswith("."))


def _is_name(name: str) -> bool:
    return bool(name) and not name.startswith(".") and "/" not in name and "\0" not in name


_FALLOC_FL_KEEP_SIZE = 1


def _reserve(fd: int, octets: int) -> int:
    """Calls fallocate(2) behind the end of the file and returns its errno, or 0.

    The size of the file stays; os.posix_fallocate would change it.
    """
    import ctypes  # gofaxsend does not need it

    fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if fallocate(fd, _FALLOC_FL_KEEP_SIZE, os.fstat(fd).st_size, octets) == 0:
        return 0
    return ctypes.get_errno()
