"""The messages to faxq about a modem or a job (faxd/faxQueueApp.c++, FIFOModemMessage, FIFORecvMessage, FIFOJobMessage), for
:func:`gofaxpy.hylafax.fifo.send`.

faxq keeps the state of the modem (``+modem:…``) and passes the rest (``@modem:…``, ``*job:…``) on to clients that watch.  Values
stand in double quotes without any escaping.  So quotes in a value become apostrophes, control characters blanks, and long values
are cut: then a message has no other meaning than the one intended, and always fits into the FIFO.
"""

from __future__ import annotations

from collections.abc import Sequence

from gofaxpy.hylafax.encoding import cut, encode, one_line
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.values import frozen

# No polling; all widths and lengths; fine resolution; MH, MR, MMR (Class2Params::encodeCaps).
CAPABILITIES = "pcbffff01"
NO_WIDTH = "pcbfe3f01"      # the same without a page width (Class2Params::encodeCaps): capable of no job that has one
# faxq's debug dump, which also wakes its scheduler.
SCHEDULER_POKE = "Z"

_VALUE_OCTETS = 128
_MESSAGE_OCTETS = 1900  # octets of all values; the modem's name is added to them


@frozen
class RecvInfo:
    """A document being received (libhylafax/FaxRecvInfo.c++).

    ``time`` is in seconds: the page's in a message about a page, the document's in one about a document.  ``npages`` counts the
    pages so far.  ``qfile`` is the document's file relative to the spool.  ``callid`` are caller's number, name and further ids.
    """

    time: float = 0
    npages: int = 0
    params: FaxParams | None = None
    qfile: str = ""
    commid: str = ""
    sender: str = ""
    passwd: str = ""
    subaddr: str = ""
    reason: str = ""
    callid: Sequence[str] = ()

    def encode(self) -> str:
        """As it stands in a message; caller ids that do not fit are left out."""
        quoted = [_quoted(text) for text in (self.sender, self.passwd, self.subaddr, self.reason)]
        callid = [_quoted(text) for text in self.callid] or ['""']
        start = f"{_numbers(self.time, self.npages, self.params)},{_bare(self.qfile)},{_bare(self.commid)}"
        while len(callid) > 1 and len(encode(",".join((start, *quoted, *callid)))) > _MESSAGE_OCTETS:
            callid.pop()
        return ",".join((start, *quoted, *callid))


@frozen
class SendInfo:
    """A document being sent (libhylafax/FaxSendInfo.c++).

    ``time`` is in seconds: the page's in a message about a page, the document's in one about a document.  ``npages`` counts the
    job's pages over all attempts.  ``qfile`` is the imaged document relative to the spool, ``docq/doc4.tif;c0``.
    """

    time: float = 0
    npages: int = 0
    params: FaxParams | None = None
    commid: str = ""
    qfile: str = ""

    def encode(self) -> str:
        """As it stands in a message.  The file is never cut: faxq looks it up when the document has been sent."""
        file = one_line(self.qfile).replace('"', "'")
        return f'{_numbers(self.time, self.npages, self.params)},{_bare(self.commid)},"{file}"'


def modem_number(devid: str, number: str) -> str:
    """The modem's telephone number, for display."""
    return _modem(devid, "N" + _cut(number))


def modem_ready(devid: str, caps: str = CAPABILITIES) -> str:
    """The modem is free and has the capabilities ``caps``.  Wakes the scheduler."""
    return _modem(devid, "R" + _bare(caps))


def modem_leaving(devid: str) -> str:
    """The modem has a job, and is to get no other one after it.

    ``D`` would not do: faxq makes a modem ready again when the job on it is over, and may give it the next job at once
    (faxd/Modem.c++, release).  But faxq keeps the modem's capabilities, and tests them before it chooses a modem (isCapable).
    The preparation of the other jobs of a batch under way does not depend on the page width.
    """
    return modem_ready(devid, NO_WIDTH)


def modem_busy(devid: str) -> str:
    """The modem is busy, for example with an incoming call."""
    return _modem(devid, "B")


def modem_down(devid: str) -> str:
    """The modem takes no jobs until :func:`modem_ready` announces it again."""
    return _modem(devid, "D")


def modem_commid(devid: str, commid: str = "") -> str:
    """The commid of the call on the modem; ``""`` for no call."""
    return _modem(devid, "I" + _bare(commid))


def caller_id(devid: str, callid: Sequence[str]) -> str:
    """The caller ids of the call: number, name, and further ones."""
    quoted = [_quoted(text) for text in callid]
    while quoted and len(encode(",".join(quoted))) > _MESSAGE_OCTETS:
        quoted.pop()
    return _modem(devid, "C" + ",".join(quoted))


def recv_begin(devid: str) -> str:
    """An incoming call was answered."""
    return f"@{_id(devid)}:B"


def recv_start(devid: str, info: RecvInfo) -> str:
    """The far end is a fax machine, its parameters are known."""
    return f"@{_id(devid)}:S{info.encode()}"


def recv_page(devid: str, info: RecvInfo) -> str:
    """A page was received."""
    return f"@{_id(devid)}:P{info.encode()}"


def recv_document(devid: str, info: RecvInfo) -> str:
    """A document was received."""
    return f"@{_id(devid)}:D{info.encode()}"


def recv_end(devid: str) -> str:
    """The incoming call is over."""
    return f"@{_id(devid)}:E"


def job_call_placed(jobid: str) -> str:
    """A job is being dialled.  In a batch this message also ends the job before it, so unlock the qfile of that job first.

    Never send it for a job that is not running: faxq's own state is damaged by that.
    """
    return f"*{_id(jobid)}:c"


def job_connected(jobid: str) -> str:
    """The far end answered."""
    return f"*{_id(jobid)}:C"


def job_page_sent(jobid: str, info: SendInfo) -> str:
    """A page was confirmed; ``npages`` counts it, as native does."""
    return f"*{_id(jobid)}:d{info.encode()}"


def job_document_sent(jobid: str, info: SendInfo) -> str:
    """All pages of a document were sent: faxq drops its reference to the imaged file.  Rewrite the qfile and rename the
    original before this message."""
    return f"*{_id(jobid)}:D{info.encode()}"


def _modem(devid: str, rest: str) -> str:
    return f"+{_id(devid)}:{rest}"


def _id(name: str) -> str:
    """A modem's or job's name for a message, in which it ends at the first colon."""
    return _bare(name).replace(":", "_")


def _cut(text: str) -> str:
    return cut(one_line(text), _VALUE_OCTETS)


def _bare(text: str) -> str:
    """A value that stands without quotes and ends at a comma."""
    return _cut(text).replace('"', "'").replace(",", ";")


def _quoted(text: str) -> str:
    return '"' + _cut(text).replace('"', "'") + '"'


def _numbers(seconds: float, npages: int, params: FaxParams | None) -> str:
    encoded = params.encode() if params is not None else 0
    return f"{max(int(seconds), 0):x},{npages:x},{encoded:x}"
