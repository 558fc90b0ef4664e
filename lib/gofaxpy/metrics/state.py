"""The counters between processes: ``<spool>/gofax/metrics.json``, with how far the accounting has been read.

The accounting is not read anew for every fax: the state names the file (device and inode), the place up to which it has
been counted, and the octets before that place, by which a file that was cut short or replaced is told from one that
has grown.  After a rotation the rest of the old file is looked for under its new name.  Counters never go back, unless the
state is lost: then they begin with what the log holds.

Who updates the state holds ``metrics.lock`` (flock); the state itself is replaced as a whole.  The directory is opened once,
and everything in it is reached from there: it may be exchanged meanwhile by whoever is HylaFAX's user.
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
AT_ONCE = 256 << 10     # octets of accounting that the end of one fax reads; some 1500 records
EVERYTHING = MAX_LOG    # of what is more, the beginning is left out
_TAIL = 256             # octets by which a place in a file is known again: they hold a whole record with its commid
_WAIT = 0.02            # seconds between tries to get the lock
_MOST_STATE = 4 << 20


@define
class State:
    """The counters, and the place up to which the accounting is in them."""

    counters: Counters
    device: int = 0
    inode: int = 0
    offset: int = 0
    tail: bytes = b""


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor of the directory that all this is in, ``<spool>/gofax``; no link is followed.  Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def locked(directory: int, patience: float) -> Iterator[bool]:
    """Holds the lock, if it can be had within ``patience`` seconds: the value says whether.  Raises OSError."""
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
    """The state, or None where there is none that can be understood.  Raises OSError, but not if there is none."""
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
    """Writes the file as a whole: nobody ever reads half of it.  In ``directory``, a descriptor, it is its owner's.

    Raises OSError.
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
    """What root makes in somebody's directory must be of use to him."""
    if os.geteuid() == 0:
        owner = os.fstat(directory)
        os.fchown(fd, owner.st_uid, owner.st_gid)


def catch_up(state: State | None, path: str, at_most: int = EVERYTHING) -> State:
    """The state with what has come to the accounting ``path`` since; at most ``at_most`` octets are read.

    Without a state it begins at the beginning of the log, or ``at_most`` octets before its end.  Raises OSError where there
    is a log that cannot be read.
    """
    first = state is None
    state = state if state is not None else State(Counters())
    try:
        fd = open_regular(path)
    except FileNotFoundError:
        return state        # no fax yet, or rotated away this moment
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
    """Whether the open file is the one that was read before, and has only grown."""
    if (status.st_dev, status.st_ino) != (state.device, state.inode) or status.st_size < state.offset:
        return False
    return os.pread(fd, len(state.tail), state.offset - len(state.tail)) == state.tail


def _rest_of_rotated(state: State, path: str, at_most: int) -> int:
    """Counts what came to the old log after it was last read; returns how many octets that were."""
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
    """Counts whole lines from the state's place on; a half one waits until it is whole, unless it is no record's length."""
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
    """Where a file goes on behind a hole (lseek(2)): a power failure may leave one, and it may be larger than any log."""
    try:
        return os.lseek(fd, offset, os.SEEK_DATA)
    except OSError:     # ENXIO: nothing but the hole
        return os.fstat(fd).st_size


def _count(state: State, text: str) -> None:
    try:
        record = parse(text[:LONGEST_LINE])
    except BadRecord:
        state.counters.malformed.add(1)
    else:
        state.counters.add(record)
