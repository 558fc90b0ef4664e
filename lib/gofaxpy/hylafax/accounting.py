"""Reads HylaFAX's accounting back: log/xferfaxlog (xferfaxlog(5); :mod:`gofaxpy.hylafax.xferfaxlog`).

One file may hold records of several programs, for operators keep their log when they change the program:

- native HylaFAX and gofaxpy write 19 fields.  Older releases end after the reason (14) or leave later fields out, have the owner
  as the 17th of 17 (4.2), and write times without hours, ``1:02``, which xferfaxstats still reads;
- GOfax.IP writes hours of two digits, ``OK`` as the reason of a success, parameters without the version bit, the caller's name
  and number in two pairs of quotes, the name of an encoding where the DCS belongs, and the year 1 for a call that was never
  answered (its gofaxlib/xferfaxlog.go);
- a crash leaves halves of records, a power failure blocks of NULs, and a caller's name may bring TABs and newlines.

A line that cannot be read is a :class:`Malformed`, never an error.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from functools import lru_cache

from gofaxpy.hylafax.encoding import decode
from gofaxpy.hylafax.errors import SpoolError, reason
from gofaxpy.hylafax.params import BR_14400, NO_DCS, FaxParams
from gofaxpy.hylafax.spool import open_regular
from gofaxpy.hylafax.unpacking import unpacked
from gofaxpy.hylafax.xferfaxlog import Record, RecordType
from gofaxpy.values import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO

LEAST_FIELDS = 14           # up to the reason: old releases write no more
OLD_FIELDS = 17             # HylaFAX 4.2 has the owner as the last field and no third caller id (its xferfaxlog(5))
FIELDS = 19
LONGEST_LINE = 64 << 10     # octets; records are far shorter, a hole left by a power failure may be longer
MAX_LOG = 4 << 30           # octets of one log, uncompressed: some 20 million records
UNDATED = 0.0
_VERSION = 1 << 21
_KINDS = {kind.value: kind for kind in RecordType}
_DURATION = re.compile(r"(?:(\d{1,7}):(?=\d\d:))?(\d{1,3}):(\d\d)")
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d)")
_DCS = re.compile(r"[0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2})*")
_ENCODINGS = ("T.4 1-D", "T.4 2-D", "T.6", "T.85")


class BadRecord(ValueError):
    """The line is no accounting record; the text says why."""


@frozen
class Malformed:
    """A line that was left out: its file, its number from 1, what is wrong with it, and its first 80 characters."""

    path: str
    line: int
    why: str
    text: str


def parse(line: str) -> Record:
    """One record from its line, with or without the newline.  Raises :class:`BadRecord`.

    ``reason`` is empty on success, also in a record of GOfax.IP.  ``start`` is :data:`UNDATED` where the record has no date;
    the times are then 0.  ``params`` is None where nothing was negotiated.
    """
    fields = _fields(line.rstrip("\r\n"))
    kind = _KINDS.get(fields[1])
    if kind is None:
        raise BadRecord(f"{fields[1][:20]!r} is no type of record; {', '.join(_KINDS)} are")
    start = _start(fields[0])
    job, conn = _seconds(fields[11]), _seconds(fields[12])
    params, pages = _number(fields[9], "the parameters"), _number(fields[10], "the pages")
    name, number, rest, owner, dcs = (_unquoted(field) for field in fields[14:FIELDS])
    gofaxip = start == UNDATED or _is_gofaxip(fields[11], _unquoted(fields[13]), dcs)
    record = Record(
        kind, start, fields[2], fields[3], fields[4], _unquoted(fields[5]).replace('\\"', '"'), fields[6],
        _unquoted(fields[7]), _unquoted(fields[8]), _params(params, dcs, bool(conn or pages)), pages, job, conn,
        _unquoted(fields[13]), name, number, rest, owner, dcs,
    )
    return _from_gofaxip(record, params) if gofaxip else record


def _fields(line: str) -> list[str]:
    """The line cut at its TABs, but not at a TAB between quotes, which came with a name.  Missing fields are added as empty
    ones, up to 19."""
    fields: list[str] = []
    whole = True
    for piece in line.split("\t"):
        if whole:
            fields.append(piece)
        else:
            fields[-1] += " " + piece
        last = fields[-1]
        whole = not last.startswith('"') or (len(last) > 1 and last.endswith('"'))
    if not whole:
        raise BadRecord("a quote is not closed")
    if len(fields) < LEAST_FIELDS:
        raise BadRecord(f"{len(fields)} fields instead of {FIELDS}")
    if len(fields) == OLD_FIELDS:
        fields.insert(OLD_FIELDS - 1, '""')
    return fields + ['""'] * (FIELDS - len(fields))


def _unquoted(field: str) -> str:
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1]
    return field


@lru_cache(maxsize=4096)
def _start(text: str) -> float:
    found = _DATE.fullmatch(text)
    if found is None:
        raise BadRecord(f"{text[:20]!r} is no date such as 11/23/26 22:49")
    month, day, year, hour, minute = map(int, found.groups())
    if (month, day, year) == (1, 1, 1):
        return UNDATED      # Go's year 1: the call was never answered
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60):
        raise BadRecord(f"{text!r} is no date")
    try:
        return time.mktime((year + (2000 if year < 69 else 1900), month, day, hour, minute, 0, 0, 0, -1))
    except (ValueError, OverflowError):
        raise BadRecord(f"{text!r} is no date") from None


def _seconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is not None:
        return int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3])
    if text.startswith("?"):        # libhylafax/FmtTime.c++: more than a year
        return 0
    raise BadRecord(f"{text[:20]!r} is no time such as 0:01:02")


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadRecord(f"{text[:20]!r} is no number for {what}")
    return int(text)


def _params(value: int, dcs: str, connected: bool) -> FaxParams | None:
    """What was negotiated, as xferfaxstats reads it.  Only the DCS can say JBIG; only the number can say V.34's rates."""
    if not connected or dcs in ("", NO_DCS) or not _DCS.fullmatch(dcs):
        return None
    params, frame = FaxParams.decode(value), FaxParams.from_dcs(dcs)
    return replace(frame, br=params.br) if params.br > BR_14400 else frame


def _is_gofaxip(duration: str, reason: str, dcs: str) -> bool:
    return (duration[0] == "0" and duration[1] != ":") or reason == "OK" or dcs.startswith(_ENCODINGS)


def _from_gofaxip(record: Record, value: int) -> Record:
    params = None
    if value:
        encoding = FaxParams.from_transfer(0, False, "", record.dcs, 0)
        params = replace(FaxParams.decode(value | _VERSION), df=encoding.df)
    unknown = record.start == UNDATED
    return replace(
        record, params=params, dcs="", reason="" if record.reason == "OK" else record.reason,
        job_seconds=0 if unknown else record.job_seconds, conn_seconds=0 if unknown else record.conn_seconds,
        cid_name=_unquoted(record.cid_name), cid_number=_unquoted(record.cid_number),
    )


def read(
    path: str, malformed: Callable[[Malformed], object], since: float = 0.0, opener: Callable[[str], int] = open_regular
) -> Iterator[Record]:
    """The records of one log, compressed or not, in their order.  ``malformed`` is called with each line that is no record.

    Records that begin before ``since`` (seconds since the epoch) are left out without being parsed.  A record without a date
    gets the date of the record before it.  ``opener`` gives a descriptor of the file, as :func:`open_regular` does.  Raises
    :class:`SpoolError` if the file cannot be read, is damaged, or holds more than :data:`MAX_LOG` octets.
    """
    before = UNDATED
    number = 0
    try:
        with os.fdopen(opener(path), "rb") as packed, unpacked(path, packed, MAX_LOG) as file:
            if os.fstat(packed.fileno()).st_mtime < since:
                return
            for octets in _lines(file):
                number += 1
                line = octets.strip(b"\r\n\0")
                if not line:
                    continue
                text = decode(line)
                try:
                    start = _start(text.partition("\t")[0]) or before
                    before = start
                    if start < since:
                        continue
                    yield replace(parse(text), start=start)
                except BadRecord as error:
                    malformed(Malformed(path, number, str(error), text[:80]))
    except (OSError, EOFError) as error:
        why = reason(error) if isinstance(error, OSError) else "the compressed file is cut off"
        raise SpoolError(f"{path}: cannot be read: {why}") from error


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines; only the beginning of a line longer than :data:`LONGEST_LINE`.  Raises OSError after :data:`MAX_LOG` octets."""
    room = MAX_LOG
    while octets := file.readline(LONGEST_LINE):
        yield octets
        room -= len(octets)
        while len(octets) == LONGEST_LINE and not octets.endswith(b"\n") and room > 0:
            octets = file.readline(LONGEST_LINE)
            room -= len(octets)
        if room < 0:
            raise OSError(errno.EFBIG, f"holds more than {MAX_LOG >> 30} GiB")


def with_rotated(path: str) -> list[str]:
    """``path`` and its predecessors by logrotate(8) and savelog(8) (``.1``, ``.2.gz``, ``-20261101``), oldest first."""
    import glob  # only here: this module is loaded at the end of every fax (gofaxpy.metrics)

    escaped = glob.escape(path)
    found = {name for pattern in (".[0-9]*", "-[0-9]*") for name in glob.glob(escaped + pattern)}
    dated = []
    for name in (*found, path):
        try:
            status = os.lstat(name)
        except FileNotFoundError:
            continue        # it was rotated meanwhile, or there is no log yet
        if name == path or stat.S_ISREG(status.st_mode):
            dated.append((status.st_mtime, name))
    return [name for _, name in sorted(dated)]


def read_all(
    paths: Iterable[str], malformed: Callable[[Malformed], object], since: float = 0.0,
    opener: Callable[[str], int] = open_regular,
) -> Iterator[Record]:
    """The records of several logs, one after the other (:func:`read`).  A file last changed before ``since`` is not read."""
    for path in paths:
        yield from read(path, malformed, since, opener)
