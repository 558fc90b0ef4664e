"""The counters between processes: ``<spool>/gofax/metrics.json``, with the place up to which the accounting was counted.

So the accounting is not read from its beginning for every fax.  The state has the file's device and inode, the place up to which
it was counted, and the octets before that place.  By these octets a file that has only grown is distinguished from one that was
cut short or replaced.  After a rotation the rest of the old file is read under its new name.  Counters never go back, unless the
state is lost: then they start with the records in the log.

A process that updates the state holds ``metrics.lock`` (flock), and replaces the state as a whole.  The directory is opened once,
and its files are opened relative to it, for a program of HylaFAX's user may exchange the directory meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager

from gofaxpy import jsontext
from gofaxpy.hylafax.accounting import LONGEST_LINE, MAX_LOG, BadRecord, parse, with_rotated
from gofaxpy.hylafax.encoding import decode
from gofaxpy.hylafax.spool import open_regular, read_start
from gofaxpy.metrics.counters import Counters
from gofaxpy.values import define

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NAME, LOCK = "metrics.json", "metrics.lock"
VERSION = 1
AT_ONCE = 256 << 10     # octets of accounting that are read at the end of one fax; some 1500 records
EVERYTHING = MAX_LOG    # of a longer log, the beginning is left out
_TAIL = 256             # octets by which a place in a file is recognised: they hold a whole record with its commid
_WAIT = 0.02            # seconds between tries to get the lock
_MOST_STATE = 4 << 20


@define
class State:
    """The counters, and the place up to which the accounting is counted in them."""

    counters: Counters
    device: int = 0
    inode: int = 0
    offset: int = 0
    tail: bytes = b""


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor of the directory of the state, ``<spool>/gofax``.  A link is not followed.  Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def locked(directory: int, patience: float) -> Iterator[bool]:
    """Tries for ``patience`` seconds to take the lock.  The value is true if the block holds it.  Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(LOCK, flags, 0o600, dir_fd=directory)
    try:
        give_to_owner(fd, directory)
        yield _lock(fd, patience)
    finally:
        os.close(fd)


def _lock(fd: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_WAIT)


def load(directory: int) -> State | None:
    """The state; None if there is none, or none that this version understands.  Raises OSError if it cannot be read."""
    try:
        octets = read_start(NAME, _MOST_STATE, dir_fd=directory)
    except FileNotFoundError:
        return None
    try:
        data: dict[str, Any] = jsontext.parse(octets)
        if data["version"] != VERSION:
            return None
        offset, tail = int(data["offset"]), bytes.fromhex(data["tail"])
        if not len(tail) <= offset < 1 << 62:
            return None
        return State(Counters.from_json(data["counters"]), int(data["device"]), int(data["inode"]), offset, tail)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def save(directory: int, state: State) -> None:
    """Replaces the state.  Raises OSError."""
    text = json.dumps({
        "version": VERSION, "device": state.device, "inode": state.inode, "offset": state.offset, "tail": state.tail.hex(),
        "counters": state.counters.to_json(),
    }, separators=(",", ":"))
    replace_file(NAME, text.encode("ascii"), 0o600, directory)


def replace_file(path: str, octets: bytes, mode: int, directory: int | None = None) -> None:
    """Replaces the file as a whole, so that no process reads half of it.  Raises OSError.

    ``directory`` is a descriptor; the file then gets the owner of that directory.
    """
    temporary = f"{path}.{os.urandom(6).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(temporary, flags, mode, dir_fd=directory)
    try:
        try:
            os.fchmod(fd, mode)
            if directory is not None:
                give_to_owner(fd, directory)
            if os.write(fd, octets) != len(octets):
                raise OSError(28, os.strerror(28))
        finally:
            os.close(fd)
        os.replace(temporary, path, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(temporary, dir_fd=directory)
        raise


def give_to_owner(fd: int, directory: int) -> None:
    """Gives a file that root has made to the owner of its directory, who must be able to use it."""
    if os.geteuid() == 0:
        owner = os.fstat(directory)
        os.fchown(fd, owner.st_uid, owner.st_gid)


def catch_up(state: State | None, path: str, at_most: int = EVERYTHING) -> State:
    """The state with the records added that have come to the accounting ``path`` since.  At most ``at_most`` octets are read.

    Without a state, counting starts at the beginning of the log, or ``at_most`` octets before its end.  Raises OSError if the log
    exists and cannot be read.
    """
    first = state is None
    state = state if state is not None else State(Counters())
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return state        # there was no fax yet, or the log is just being rotated
    try:
        status = os.fstat(fd)
        if not _is_known(state, fd, status):
            budget = at_most
            if state.inode:
                budget -= _rest_of_rotated(state, path, at_most)
            state.device, state.inode, state.offset, state.tail = status.st_dev, status.st_ino, 0, b""
            if first and status.st_size > budget:
                state.offset = _next_line(fd, status.st_size - budget)
            at_most = max(budget, 0)
        _read(state, fd, at_most)
    finally:
        os.close(fd)
    return state


def _is_known(state: State, fd: int, status: os.stat_result) -> bool:
    """Whether the open file is the one that was counted before, and has only grown."""
    if (status.st_dev, status.st_ino) != (state.device, state.inode) or status.st_size < state.offset:
        return False
    return os.pread(fd, len(state.tail), state.offset - len(state.tail)) == state.tail


def _rest_of_rotated(state: State, path: str, at_most: int) -> int:
    """Counts the records that came to the old log after it was last read; returns how many octets they have."""
    for name in with_rotated(path):
        try:
            fd = open_regular(name)
        except OSError:
            continue
        try:
            if _is_known(state, fd, os.fstat(fd)):
                before = state.offset
                _read(state, fd, at_most)
                return state.offset - before
        finally:
            os.close(fd)
    return 0


def _next_line(fd: int, offset: int) -> int:
    octets = os.pread(fd, LONGEST_LINE, offset)
    return offset + octets.find(b"\n") + 1


def _read(state: State, fd: int, at_most: int) -> None:
    """Counts whole lines from the state's place on.  A half line waits until it is whole, unless it is too long for a record."""
    while at_most > 0:
        octets = os.pread(fd, min(AT_ONCE, max(at_most, LONGEST_LINE)), state.offset)
        end = octets.rfind(b"\n") + 1
        hole = 0
        if not end:
            if len(octets) < LONGEST_LINE:
                break
            end = len(octets)
            if not octets.strip(b"\0"):
                hole = max(_behind_hole(fd, state.offset + end) - state.offset - end, 0)
        for line in octets[:end].split(b"\n"):
            record = line.strip(b"\r\0")
            if record:
                _count(state, decode(record))
        state.offset += end + hole
        at_most -= end
        state.tail = os.pread(fd, min(_TAIL, state.offset), max(state.offset - _TAIL, 0))


def _behind_hole(fd: int, offset: int) -> int:
    """The offset of the first data after a hole (lseek(2)).  A power failure may leave a hole larger than any log."""
    try:
        return os.lseek(fd, offset, os.SEEK_DATA)
    except OSError:     # ENXIO: the hole reaches to the end of the file
        return os.fstat(fd).st_size


def _count(state: State, text: str) -> None:
    try:
        record = parse(text[:LONGEST_LINE])
    except BadRecord:
        state.counters.malformed.add(1)
    else:
        state.counters.add(record)
