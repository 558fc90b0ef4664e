"""The tables: what each end of an attempt to send means in HylaFAX's terms.  Every row says why.

An attempt ends by a :class:`Rule`, by the hangup cause of a call that was not answered, or by SpanDSP's result of one that
was.  :mod:`gofaxpy.outcome.judge` finds the row, :mod:`gofaxpy.outcome.limits` counts, and ``gofaxctl outcomes`` prints
these same rows.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.switch.faxresult import ResultCode
from gofaxpy.switch.hangup import HangupCause
from gofaxpy.values import frozen, replace


class Delay(Enum):
    """Which of HylaFAX's retry delays applies (hylafax-config(5): JobReqBusy, JobReqNoCarrier …)."""

    NONE = "none"
    BUSY = "busy"
    NO_CARRIER = "no carrier"
    NO_ANSWER = "no answer"
    PROTOCOL = "protocol"
    OTHER = "other"


class Stage(Enum):
    """How far the attempt got."""

    NOT_DIALLED = "not dialled"    # something of ours was in the way; no call was placed
    DIALLED = "dialled"            # a call was placed and not answered
    CONNECTED = "connected"        # the far end answered
    UNKNOWN = "unknown"            # a call was placed and we lost sight of it


class Counts(Enum):
    """Which of HylaFAX's counters an attempt adds to (faxd/FaxSend.c++); the value is their tags in the qfile.

    ``totdials`` counts all calls, ``ndials`` calls in a row that reached no fax machine, ``tottries`` calls that did.
    """

    NOTHING = ""
    CALL = "totdials"               # a call was placed, and what became of it is not known
    DIAL = "totdials ndials"
    TRY = "totdials tottries"

    @property
    def tags(self) -> list[str]:
        """The counters that go up."""
        return self.value.split()

    @property
    def column(self) -> str:
        """As ``gofaxctl outcomes`` shows it: ``dial``, ``try`` or nothing."""
        if self is Counts.TRY:
            return "try"
        return "" if self is Counts.NOTHING else "dial"


@frozen
class Row:
    """One row of a table below."""

    code: StatusCode
    delay: Delay
    why: str                                # for the operator who reads the table
    returned: Returned = Returned.RETRY
    counts: Counts = Counts.TRY
    stage: Stage = Stage.CONNECTED
    next_gateway: bool = False              # another gateway is tried before the job is put off
    far: bool = True                        # the destination, or the way there, has ended the call


class Rule(Enum):
    """What is looked at before any cause or result: the first that holds, in this order."""

    DELIVERED = "every page confirmed"
    PAGES_MISSING = "success, but not every page"
    ABORTED = "aborted by the user"
    REJECTED = "rejected before dialling"
    NOT_DIALLED = "trouble of our own"
    LOST = "call lost from sight"
    NO_RESULT = "answered, no result"
    NO_FAX = "hung up, no fax machine"


RULES: dict[Rule, Row] = {
    Rule.DELIVERED: Row(
        StatusCode.NONE, Delay.NONE, "SpanDSP reports success and counts every page that was to go", Returned.DONE),
    Rule.PAGES_MISSING: Row(
        StatusCode.PHASE_C_ERROR, Delay.PROTOCOL, "a job is never done while a page is not confirmed; the rest goes next time"),
    Rule.ABORTED: Row(      # counts as far as the call got (judge.py)
        StatusCode.ABORTED, Delay.NONE, "faxrm, faxalter; faxq puts its own end in place of the retry", counts=Counts.NOTHING),
    Rule.REJECTED: Row(
        StatusCode.REJECTED, Delay.NONE, "DynamicConfigOutgoing, or a job that cannot be sent as it is: number, documents",
        Returned.FAILED, Counts.NOTHING, Stage.NOT_DIALLED),
    Rule.NOT_DIALLED: Row(
        StatusCode.MODEM_SETUP, Delay.OTHER, "FreeSWITCH, the spool or a hook script; the job is not to blame, no dial counts",
        counts=Counts.NOTHING, stage=Stage.NOT_DIALLED),
    Rule.LOST: Row(
        StatusCode.DISCONNECTED, Delay.OTHER, "the journal stays: the next attempt finds out what became of the call first",
        counts=Counts.CALL, stage=Stage.UNKNOWN),
    Rule.NO_RESULT: Row(
        StatusCode.DISCONNECTED, Delay.PROTOCOL, "the switch ended the call or was stopped, or a limit of ours was reached"),
    Rule.NO_FAX: Row(
        StatusCode.NO_CARRIER, Delay.NO_CARRIER, "the far end hung up, and no fax machine had spoken: as T0_EXPIRED, but sooner",
        counts=Counts.DIAL),
}

_OURS = "our own document; the same file would fail again"


def _unanswered(code: StatusCode, delay: Delay, why: str, next_gateway: bool = False, far: bool = True) -> Row:
    """A call that was not answered is a dial."""
    return Row(code, delay, why, Returned.RETRY, Counts.DIAL, Stage.DIALLED, next_gateway, far)


def _gateway(why: str) -> Row:
    """Trouble of a gateway is to a caller what a dead line is to a modem; another gateway may have none."""
    return _unanswered(StatusCode.NO_DIALTONE, Delay.OTHER, f"the gateway, not the destination: {why}", next_gateway=True)


def _here(what: str = "") -> Row:
    """This side has ended the call, not the destination."""
    return _unanswered(
        StatusCode.UNKNOWN_PROBLEM, Delay.OTHER, f"ended on this side, not by gateway or destination{what}", far=False,
    )


# A call that was not answered, by hangup cause (Q.850 as FreeSWITCH names it) with the SIP statuses that become it.  Whether
# a cause is final is the operator's choice (outbound.failed_response); here stands only what it is called and when to
# try again.
NOT_ANSWERED: dict[HangupCause, Row] = {
    HangupCause.USER_BUSY: _unanswered(StatusCode.BUSY, Delay.BUSY, "486, 600; busy through any gateway"),
    HangupCause.NO_ANSWER: _unanswered(StatusCode.NO_ANSWER, Delay.NO_ANSWER, "rang until outbound.ring_timeout"),
    HangupCause.NO_USER_RESPONSE: _unanswered(StatusCode.NO_ANSWER, Delay.NO_ANSWER, "480; nobody there now"),
    HangupCause.ALLOTTED_TIMEOUT: _unanswered(StatusCode.NO_ANSWER, Delay.NO_ANSWER, "rang until a limit of FreeSWITCH's"),
    HangupCause.INVALID_GATEWAY: _gateway("FreeSWITCH has none of that name (fs_cli -x 'sofia status')"),
    HangupCause.GATEWAY_DOWN: _gateway("it is down"),
    HangupCause.NORMAL_TEMPORARY_FAILURE: _gateway("400, 500, 503, or nothing listens there"),
    HangupCause.NETWORK_OUT_OF_ORDER: _gateway("502"),
    HangupCause.RECOVERY_ON_TIMER_EXPIRE: _gateway("408, 504, or no answer of any kind"),
    HangupCause.PROGRESS_TIMEOUT: _gateway("no ringing within outbound.progress_timeout"),
    HangupCause.SERVICE_UNAVAILABLE: _gateway("it cannot do that now"),
    HangupCause.SWITCH_CONGESTION: _gateway("congestion"),
    HangupCause.NORMAL_CIRCUIT_CONGESTION: _gateway("all its lines are in use"),
    HangupCause.INVALID_NUMBER_FORMAT: _unanswered(
        StatusCode.INVALID_DIAL, Delay.OTHER, "484; this gateway cannot use the number as it is", next_gateway=True),
    HangupCause.NORMAL_CLEARING: _here(),
    HangupCause.ORIGINATOR_CANCEL: _here(),
    HangupCause.MANAGER_REQUEST: _here(" (hupall)"),
    HangupCause.SYSTEM_SHUTDOWN: _here(": FreeSWITCH was stopped"),
}
NOT_ANSWERED_OTHERWISE = _unanswered(
    StatusCode.NO_CARRIER, Delay.OTHER, "any other cause; the status names it and the SIP status", next_gateway=True)

# A call that was answered, by SpanDSP's completion code (T30_ERR_… of its t30.h).
CONNECTED: dict[ResultCode, Row] = {
    ResultCode.T0_EXPIRED: Row(
        StatusCode.NO_CARRIER, Delay.NO_CARRIER, "answered, but nobody speaks fax: native counts a dial without a carrier",
        counts=Counts.DIAL),
    ResultCode.T1_EXPIRED: Row(StatusCode.NO_RECEIVER, Delay.PROTOCOL, "fax tones, but no answer to ours"),
    ResultCode.CANNOT_TRAIN: Row(StatusCode.TRAINING_FAILED, Delay.PROTOCOL, "the line carries no rate that both have"),
    ResultCode.INCOMPATIBLE: Row(StatusCode.NO_T4_RECEIVER, Delay.PROTOCOL, "the two machines have nothing in common"),
    ResultCode.RX_INCAPABLE: Row(StatusCode.NO_T4_RECEIVER, Delay.PROTOCOL, "the other one is no receiver now: out of paper"),
    ResultCode.TX_BADDCS: Row(StatusCode.RSPREC_INVALID, Delay.PROTOCOL, "a strange answer to DCS"),
    ResultCode.TX_BADPG: Row(StatusCode.COMREC_DCN, Delay.PROTOCOL, "hung up (DCN) after the page"),
    ResultCode.TX_GOTDCN: Row(StatusCode.RSPREC_DCN, Delay.PROTOCOL, "hung up (DCN) after DCS"),
    ResultCode.TX_NODIS: Row(StatusCode.RSPREC_INVALID, Delay.PROTOCOL, "no DIS while waiting for it"),
    ResultCode.TX_PHBDEAD: Row(StatusCode.NO_RECEIVER, Delay.PROTOCOL, "no answer to DCS three times"),
    ResultCode.TX_PHDDEAD: Row(StatusCode.NO_RESPONSE_EOP, Delay.PROTOCOL, "no answer after the page, which is sent again"),
    ResultCode.TX_T5EXP: Row(StatusCode.FLOW_CONTROL, Delay.PROTOCOL, "the other one was not ready for more for too long"),
    ResultCode.RETRYDCN: Row(StatusCode.COMREC_DCN, Delay.PROTOCOL, "hung up (DCN) instead of going on"),
    ResultCode.CALLDROPPED: Row(StatusCode.DISCONNECTED, Delay.PROTOCOL, "the call ended in the middle"),
    ResultCode.FILEERROR: Row(StatusCode.CANNOT_OPEN_DOCUMENT, Delay.OTHER, "our own document; it may be a matter of rights"),
    ResultCode.NOPAGE: Row(StatusCode.CANNOT_READ_DOCUMENT, Delay.NONE, _OURS, Returned.FAILED),
    ResultCode.BADTIFF: Row(StatusCode.CANNOT_READ_DOCUMENT, Delay.NONE, _OURS, Returned.FAILED),
    ResultCode.BADTIFFHDR: Row(StatusCode.CANNOT_READ_DOCUMENT, Delay.NONE, _OURS, Returned.FAILED),
}
CONNECTED_OTHERWISE = Row(StatusCode.PHASE_C_ERROR, Delay.PROTOCOL, "any other result: the status has SpanDSP's words for it")


def row_of_cause(cause: HangupCause, final_causes: Collection[str] = ()) -> Row:
    """The row of a call that was not answered.  ``final_causes`` is ``outbound.failed_response``: trying again is pointless."""
    row = NOT_ANSWERED.get(cause, NOT_ANSWERED_OTHERWISE)
    if cause.name not in final_causes:
        return row
    return replace(
        row, returned=Returned.FAILED, delay=Delay.NONE, next_gateway=False, why="final by outbound.failed_response",
    )
