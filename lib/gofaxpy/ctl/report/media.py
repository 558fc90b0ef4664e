"""T.38 or audio: the accounting does not tell, the session log of the call does, as long as it is kept."""

from __future__ import annotations

from gofaxpy.hylafax.spool import Spool, read_start
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
            octets = read_start(self._spool.session_log(record.commid), _MOST)
        except OSError:
            return ""
        _, found, rest = octets.rpartition(_LINE)       # the last negotiation is the one that counted
        if not found:
            return ""
        return T38 if rest.split(b"\n", 1)[0].strip() == NEGOTIATED.encode() else AUDIO
