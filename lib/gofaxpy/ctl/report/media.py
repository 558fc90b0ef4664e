"""T.38 or audio: the accounting does not say; the session log of the call does, until faxcron(8) removes it."""

from __future__ import annotations

from gofaxpy.hylafax.spool import Spool, read_start
from gofaxpy.hylafax.xferfaxlog import Record

T38, AUDIO = "T.38", "audio"
NEGOTIATED = "negotiated"       # mod_spandsp's word in fax-t38-status; off, requested and refused end as audio
_LINE = b": USE T.38 "
_MOST = 256 << 10               # octets of a session log that are read; the line stands before the first page


class Media:
    """Reads ``log/c<commid>``.  Called with a record it gives ``T.38``, ``audio``, or ``""`` if there is no such log or line."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def __call__(self, record: Record) -> str:
        if not record.commid.isdigit():
            return ""
        try:
            octets = read_start(self._spool.session_log(record.commid), _MOST)
        except OSError:
            return ""
        _, found, rest = octets.rpartition(_LINE)       # the last negotiation decides
        if not found:
            return ""
        return T38 if rest.split(b"\n", 1)[0].strip() == NEGOTIATED.encode() else AUDIO
