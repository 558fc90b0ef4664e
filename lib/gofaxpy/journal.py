"""What is known of each fax under way, kept so that it survives the death of every process and of the machine.

One file per call attempt in ``<spool>/gofax/journal``: ``42-000000017`` for job 42 under commid 000000017, and
``c000000018`` for an incoming call.  A file is only ever appended to: one line of JSON per :class:`Step`, written with
one write and then fsynced, so that a crash leaves at worst one torn last line, which readers pass over.  The name is
made durable by an fsync of the directory when the entry is created.  When everything the entry was for has reached
HylaFAX's own files, the entry is removed; an entry that is still there is something to be finished.

Who works on an entry holds ``flock`` on it (gofaxsend, the handler of an incoming call, the runner of faxrcvd, the
recovery).  The lock belongs to the open file description: it can be handed to a child process and ends with its last
holder, however that dies.  Marks may also be added without the lock: lines are short and appended whole.
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

MAX_ENTRY = 1 << 20
_END_OF_TIME = 1 << 36      # seconds since the epoch; localtime(3) still knows the year
_UNNAMED = os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC     # open(2)
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode     # json.dumps would make an encoder for every mark


class Step(StrEnum):
    """The marks of an entry, in the order in which they are set."""

    # an attempt to send
    OPENED = "opened"            # gofaxsend: what is to be sent; nothing has been dialled
    LAUNCHED = "launched"        # gofaxsend: about to ask for one call (a UUID per gateway), several of these are possible
    CONNECTED = "connected"      # outbound handler: the far end has answered, txfax begins
    WITHDRAWN = "withdrawn"      # gofaxsend: this call must not send any more; counts if it stands before CONNECTED
    FAX_OVER = "fax over"        # whoever sees it first: SpanDSP's result, before the call is hung up
    SETTLED = "settled"          # gofaxsend: what the attempt counts as; qfile and xferfaxlog are about to say so
    # an incoming call
    ACCEPTED = "accepted"        # inbound handler: the call is ours, nothing received yet
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
    """One line of an entry: the step, when it was set (seconds since the epoch), and what was known then."""

    step: Step
    at: float
    facts: dict[str, Any]


class Entry:
    """One open entry.  Use :meth:`Journal.create` or :meth:`Journal.open`; close it, or use it as a context manager."""

    def __init__(self, directory: str, name: str, fd: int) -> None:
        self._directory = directory
        self.name = name
        self._fd = fd
        self._read: list[Mark] = []     # an entry only grows, so what was read once is not read again
        self._read_to = 0

    @property
    def path(self) -> str:
        return os.path.join(self._directory, self.name)

    def fileno(self) -> int:
        """The descriptor that carries the lock; a child that inherits it shares the lock."""
        return self._fd

    def lock(self, blocking: bool = False) -> bool:
        """Takes the entry's flock.  False if another holds it and ``blocking`` is not set."""
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

        It survives the death of this process at once, that of the machine with the next :meth:`mark` or :meth:`sync`.
        Raises :class:`JournalError`.
        """
        self._append(step, facts, False)

    def _append(self, step: Step, facts: dict[str, Any], sync: bool) -> None:
        line = _ENCODE({"step": step.value, "at": round(time.time(), 3), **facts})
        data = b"\n" + line.encode("ascii") + b"\n"  # the first newline ends a line torn by an earlier crash
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if sync:
                os.fdatasync(self._fd)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot note `{step}`: {error.strerror}") from error

    def reserve(self, octets: int) -> None:
        """Has the file system keep room for the marks to come, so that a disk that fills up meanwhile takes none of them.

        File systems that cannot do that are left alone.  Raises :class:`JournalError` if there is no room.
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
        """All marks so far, whoever set them.  Raises :class:`JournalError` if the file cannot be read."""
        try:
            data = os.pread(self._fd, MAX_ENTRY, self._read_to)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be read: {error.strerror}") from error
        whole, newline, rest = data.rpartition(b"\n")
        self._read += _marks(whole)
        self._read_to += len(whole) + len(newline)
        return self._read + _marks(rest)        # a line without an end may still get one

    def find(self, step: Step) -> Mark | None:
        """The first mark of this step: where two observers noted the same thing, the first one counts."""
        return next((mark for mark in self.marks() if mark.step is step), None)

    def hold(self) -> bool:
        """Shows others, as long as this descriptor is open, that a call's handler is at work.  False where that cannot be.

        An open file description lock (fcntl(2), F_OFD_SETLK): unlike flock it may be asked for without being taken, and
        it stands beside the flock of whoever owns the entry.  It ends with the handler, however that ends.
        """
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _WHOLE.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except OSError:
            return False
        return True

    def held(self) -> bool:
        """Whether another descriptor holds the entry (:meth:`hold`), as far as that can be told."""
        return bool(self._holding())

    def _holding(self) -> bool | None:
        """The same, None where the file system does not tell (fcntl(2), ENOLCK)."""
        try:
            answer = fcntl.fcntl(self._fd, fcntl.F_OFD_GETLK, _WHOLE.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except OSError:
            return None
        kind: int = _WHOLE.unpack(answer)[0]
        return kind != fcntl.F_UNLCK

    def in_work(self, uuid: str) -> bool | None:
        """Whether the handler of call ``uuid`` may still note its result: it holds the entry; None where that cannot be told."""
        for mark in self.marks():
            if mark.step is Step.CONNECTED and mark.facts.get("uuid") == uuid:
                return self._holding() if mark.facts.get("held") else None
        return False

    def launches(self, uuid: str) -> bool:
        """Whether gofaxsend has noted here that it orders the call ``uuid``.  Raises :class:`JournalError`."""
        return any(mark.step is Step.LAUNCHED and mark.facts.get("uuid") == uuid for mark in self.marks())

    def withdrawn(self, uuid: str) -> bool:
        """Whether the call ``uuid`` was withdrawn before it was connected.

        Both sides add their mark first and look then: of a call that is withdrawn while it is answered, both see the
        same mark first.  Raises :class:`JournalError`.
        """
        for mark in self.marks():
            if mark.facts.get("uuid") == uuid and mark.step in (Step.WITHDRAWN, Step.CONNECTED):
                return mark.step is Step.WITHDRAWN
        return False

    def remove(self) -> None:
        """Ends the entry: everything it stood for has been done.  A missing file is fine."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be removed: {error.strerror}") from error

    def close(self) -> None:
        """Closes the descriptor; the lock goes with it unless a child has inherited it."""
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
        """A new, locked entry with its first mark, durable in the directory.  Raises :class:`JournalError`."""
        entry = self.begin(name, step, **facts)
        try:
            entry.sync()
        except JournalError:
            entry.close()
            raise
        return entry

    def begin(self, name: str, step: Step, **facts: Any) -> Entry:
        """A new, locked entry with its first mark; :meth:`Entry.sync` makes it durable.  Raises :class:`JournalError`.

        It gets its name only when it is locked and marked, so that nobody who looks through the journal meanwhile takes
        it for one that was left behind.
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
            # src_dir_fd is not used, but makes it linkat(2) that follows the link, as open(2) wants it
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
        """A file without a name, of which nothing is left if its maker dies, and the path to link it from; a hidden one
        on file systems that know of no such files (NFS)."""
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
    """fallocate(2) behind the end of the file, whose size stays (os.posix_fallocate would change it); the errno or 0."""
    import ctypes  # only those that receive need it

    fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if fallocate(fd, _FALLOC_FL_KEEP_SIZE, os.fstat(fd).st_size, octets) == 0:
        return 0
    return ctypes.get_errno()
