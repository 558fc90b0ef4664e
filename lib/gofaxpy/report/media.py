"""T.38 or audio: the accounting does not tell, the session log of the call does, as long as it is kept."""

from __future__ import annotations

import os

from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.xferfaxlog import Record

T38, AUDIO = "T.38", "audio"
NEGOTIATED = "negotiated"       # mod_spandsp's word in fax-t38-status; off, requested and refused end as audio
_LINE = b": USE T.38 "
_MOST = 256 << 10               # octets of a session log; what is sought stands before the first page


class Media:
    """Looks into ``log/c<commid>``.  Call it with a record: ``T.38``, ``audio``, or ``""`` where nobody knows (any more)."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def __call__(self, record: Record) -> str:
        if not record.commid.isdigit():
            return ""
        try:
            path = self._spool.session_log(record.commid)
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return ""
        try:
            octets = os.pread(fd, _MOST, 0)
        except OSError:
            return ""
        finally:
            os.close(fd)
        _, found, rest = octets.rpartition(_LINE)       # the last negotiation is the one that counted
        if not found:
            return ""
        return T38 if rest.split(b"\n", 1)[0].strip() == NEGOTIATED.encode() else AUDIO
