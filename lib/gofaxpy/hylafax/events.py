"""The messages a modem's and a job's program send to faxq (faxd/faxQueueApp.c++, FIFOModemMessage, FIFORecvMessage,
FIFOJobMessage), ready for :func:`gofaxpy.hylafax.fifo.send`.

faxq keeps the state of the modem (``+modem:…``) and hands the rest (``@modem:…``, ``*job:…``) to clients that watch.  Values
stand in double quotes without any escaping: quotes in them become apostrophes, control characters blanks, and what is
too long is cut, so that a message never says more than one thing and always fits into the FIFO.
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
_MESSAGE_OCTETS = 1900  # of values; the modem's name comes on top


@frozen
class RecvInfo:
    """What is known of a document being received (libhylafax/FaxRecvInfo.c++).

    ``time`` in seconds: of the page for a page, of the document for a document.  ``npages`` so far.  ``qfile`` is the
    document's file relative to the spool.  ``callid`` are number, name and the rest.
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
    """What is known of a document being sent (libhylafax/FaxSendInfo.c++).

    ``time`` in seconds: of the page for a page, of the document for a document.  ``npages`` counts the job's pages over all
    attempts.  ``qfile`` is the imaged document relative to the spool, ``docq/doc4.tif;c0``.
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
    """The modem waits for work and can do ``caps``.  Wakes the scheduler."""
    return _modem(devid, "R" + _bare(caps))


def modem_leaving(devid: str) -> str:
    """The modem, on which a job is, is to get no other one.

    ``D`` would not do: faxq makes a modem ready again when the job on it is over, and may give it the next one at once
    (faxd/Modem.c++, release).  What the modem can do it keeps, and looks at before it chooses one (isCapable); how the jobs
    of a batch that is under way are prepared does not depend on the width.
    """
    return modem_ready(devid, NO_WIDTH)


def modem_busy(devid: str) -> str:
    """The modem is busy, with a call that came in, say."""
    return _modem(devid, "B")


def modem_down(devid: str) -> str:
    """The modem takes no jobs until it is announced again."""
    return _modem(devid, "D")


def modem_commid(devid: str, commid: str = "") -> str:
    """The call the modem has; none with an empty ``commid``."""
    return _modem(devid, "I" + _bare(commid))


def caller_id(devid: str, callid: Sequence[str]) -> str:
    """The caller's number, name and whatever else is known."""
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
    """A job is being dialled.  In a batch it also ends the job before: unlock that one's qfile first; and never send it for
    a job that is not running, which faxq does not survive unharmed."""
    return f"*{_id(jobid)}:c"


def job_connected(jobid: str) -> str:
    """The far end answered."""
    return f"*{_id(jobid)}:C"


def job_page_sent(jobid: str, info: SendInfo) -> str:
    """A page was confirmed; native's ``npages`` counts it."""
    return f"*{_id(jobid)}:d{info.encode()}"


def job_document_sent(jobid: str, info: SendInfo) -> str:
    """A document is through: faxq drops its reference to the imaged file.  Rewrite the qfile and rename the original before."""
    return f"*{_id(jobid)}:D{info.encode()}"


def _modem(devid: str, rest: str) -> str:
    return f"+{_id(devid)}:{rest}"


def _id(name: str) -> str:
    """A modem's or job's name, which ends at the first colon."""
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
