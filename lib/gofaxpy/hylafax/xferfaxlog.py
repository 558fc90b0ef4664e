"""HylaFAX's accounting, log/xferfaxlog: a line of 19 fields for every transfer (faxd/FaxAcctInfo.c++, xferfaxlog(5)).

Fields are separated by TABs; most of them stand in double quotes.  Native writes values unchanged, so that a caller whose name
holds a quote, a TAB or a newline can write fields and records.  Here

- control characters, TAB and newline among them, become blanks;
- a double quote becomes an apostrophe, a backslash at the end of a field a slash.  So every reader finds the same fields: one
  that splits at TABs as xferfaxstats does, one that honours quotes, and one that honours backslashes;
- only the job tag keeps its quotes as ``\\"``, for that is native's own rule for it (and its cut at 78 octets).
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from enum import Enum

from gofaxpy.hylafax.encoding import cut, encode, one_line
from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.fmttime import duration
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.spool import fsync_directory, open_regular
from gofaxpy.values import frozen

_JOBTAG_OCTETS = 78
_FIELD_OCTETS = 1024     # callers and users choose the texts, and must not make records of any length
_RECENT = 256 << 10
_BACKSLASHES_BEFORE_A_BOUNDARY = re.compile(r'\\+(?="|$)')


class RecordType(Enum):
    """The subject of a record."""

    SEND = "SEND"    # one attempt of one job
    RECV = "RECV"    # one received document
    CALL = "CALL"    # one incoming call, whatever became of it
    POLL = "POLL"    # one document fetched by a job
    PAGE = "PAGE"    # one attempt of a pager job


@frozen
class Record:
    """The fields in their order.  Fields that do not apply stay empty.

    ``start`` is seconds since the epoch: the start of the attempt (SEND), of the document (RECV: now less its time) or of
    the call (CALL).  ``jobid`` is the job's number, or the file relative to the spool for RECV.  ``sender`` is the job's
    mailaddr; RECV and CALL have ``fax``, also where it is left empty.  ``dest`` is the job's external number, or the
    modem's own.  ``station`` is the far end's CSI or TSI.  ``params`` None (CALL) is written as 0.  ``pages`` are those of
    this attempt, without skipped ones.  ``conn_seconds`` is 0 without a connection and at least 1 with one.
    ``reason`` must be **empty on success**: statistics count everything else as an error.  ``cid_rest`` is CallID3 and
    following joined with ``::``; ``dcs`` as :meth:`FaxParams.dcs`, or :data:`~gofaxpy.hylafax.params.NO_DCS` if there
    never was one.
    """

    type: RecordType
    start: float
    commid: str
    device: str
    jobid: str = ""
    jobtag: str = ""
    sender: str = ""
    dest: str = ""
    station: str = ""
    params: FaxParams | None = None
    pages: int = 0
    job_seconds: float = 0
    conn_seconds: float = 0
    reason: str = ""
    cid_name: str = ""
    cid_number: str = ""
    cid_rest: str = ""
    owner: str = ""
    dcs: str = ""


def format(record: Record) -> str:
    """The record as a line with its newline."""
    local = time.localtime(record.start)
    sender = record.sender
    if not sender and record.type in (RecordType.RECV, RecordType.CALL):
        sender = "fax"
    fields = (
        f"{local.tm_mon:02d}/{local.tm_mday:02d}/{local.tm_year % 100:02d} {local.tm_hour:02d}:{local.tm_min:02d}",
        record.type.value,
        _plain(record.commid),
        _plain(record.device),
        _plain(record.jobid),
        _jobtag(record.jobtag),
        _plain(sender),
        _quoted(record.dest),
        _quoted(record.station),
        str(record.params.encode() if record.params is not None else 0),
        str(record.pages),
        duration(record.job_seconds),
        duration(record.conn_seconds),
        _quoted(record.reason),
        _quoted(record.cid_name),
        _quoted(record.cid_number),
        _quoted(record.cid_rest),
        _quoted(record.owner),
        _quoted(record.dcs),
    )
    return "\t".join(fields) + "\n"


def append(path: str, *records: Record, sync: bool = False) -> None:
    """Adds the records to the log ``path``: under flock, with one write, creating the file with mode 0644.

    If the disk has no room for all of them, none is kept.  After the half record of another program they start on a new line.
    ``sync`` waits until they are on the disk.  Raises :class:`SpoolError`.
    """
    if not records:
        return
    octets = b"".join(encode(format(record)) for record in records)
    what = " and ".join(record.type.value for record in records)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            size = os.fstat(fd).st_size
            if not size:
                os.fchmod(fd, 0o644)    # every user may read statistics; the umask of the first writer must not close it
            if size and os.pread(fd, 1, size - 1) != b"\n":
                octets = b"\n" + octets
            written = os.write(fd, octets)
            if written != len(octets):
                os.ftruncate(fd, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fcntl.flock(fd, fcntl.LOCK_UN)
            if sync:
                os.fdatasync(fd)
                if not size:
                    fsync_directory(os.path.dirname(path))      # the log is new, perhaps after a rotation
        finally:
            os.close(fd)
    except OSError as error:
        raise SpoolError(f"{path}: cannot add a {what} record: {reason(error)}") from error


def is_recorded(path: str, record: Record) -> bool:
    """Whether the last 256 KiB of the log have a record of the same transfer.

    Records are compared by type, ``commid`` and ``jobid``; CALL records, which have no ``jobid``, also by their minute.  A commid
    alone does not identify a transfer: commids start again after 999999998, and when ``log/seqf`` was set back.
    """
    try:
        fd = open_regular(path)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)
            octets = os.pread(fd, _RECENT, max(os.fstat(fd).st_size - _RECENT, 0))
        finally:
            os.close(fd)
    except OSError:
        return False
    wanted = encode(format(record)).split(b"\t")[:5]
    first = 0 if record.type is RecordType.CALL else 1
    del wanted[3]       # the device
    for line in octets.split(b"\n"):
        fields = line.split(b"\t", 5)[:5]
        if len(fields) == 5 and [*fields[first:3], fields[4]] == wanted[first:]:
            return True
    return False


def _plain(text: str) -> str:
    return _BACKSLASHES_BEFORE_A_BOUNDARY.sub(_slashes, one_line(cut(text, _FIELD_OCTETS)).replace('"', "'"))


def _quoted(text: str) -> str:
    return f'"{_plain(text)}"'


def _slashes(found: re.Match[str]) -> str:
    return "/" * len(found[0])


def _jobtag(text: str) -> str:
    """The job tag with its quotes escaped.  It is cut where native's buffer ends, but not between a backslash and its quote."""
    escaped = _BACKSLASHES_BEFORE_A_BOUNDARY.sub(_slashes, one_line(text)).replace('"', '\\"')
    return '"' + cut(escaped, _JOBTAG_OCTETS).rstrip("\\") + '"'
