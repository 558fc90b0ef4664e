"""What the end of an attempt to send means for the job: one table from what the switch and SpanDSP say to HylaFAX.

Everything here is a function on values.  A :class:`Ending` says how the attempt went, :func:`judge` turns it into a
:class:`Verdict`: what to answer faxq (``returned``, HylaFAX's faxd/FaxSendStatus.h), which status text and number
(HylaFAX's faxd status codes) the user reads, and after which of HylaFAX's delays (hylafax-config(5), JobReq…) the job
is tried again.  A fax is *done* only when SpanDSP reports success **and** every page that was to go has gone.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import CallEnd, HangupCause
from gofaxpy.values import frozen


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

    NOT_DIALLED = "not dialled"    # something of ours was in the way; nobody was called
    DIALLED = "dialled"            # a call was placed and not answered
    CONNECTED = "connected"        # the far end answered
    UNKNOWN = "unknown"            # a call was placed and we lost sight of it


@frozen
class Ending:
    """How an attempt ended.  ``pages_due`` is what it was to transmit, ``reason`` a text of our own where we ended it.
    A ``rejected`` job is one that must not be tried again as it is; ``refusal`` is its code."""

    stage: Stage
    pages_due: int = 0
    pages_sent: int = 0
    call: CallEnd | None = None
    fax: FaxResult | None = None
    aborted: bool = False
    rejected: bool = False
    reason: str = ""
    refusal: StatusCode = StatusCode.REJECTED


@frozen
class Verdict:
    """What HylaFAX is told.  ``dial_failed`` says whether it counts as a dial (``ndials``) or as a try (``tottries``)."""

    returned: Returned
    code: StatusCode
    text: str
    delay: Delay = Delay.NONE
    dial_failed: bool = False


@frozen
class Row:
    """One row of a table below; an empty ``text`` stands for the code's own."""

    code: StatusCode
    delay: Delay
    returned: Returned = Returned.RETRY
    dial_failed: bool = False


# A call that was not answered, by hangup cause (Q.850 as FreeSWITCH names it).  Whether a cause is final is the
# operator's choice (outbound.failed_response); here stands only what it is called and when to try again.
NOT_ANSWERED: dict[HangupCause, Row] = {
    HangupCause.USER_BUSY: Row(StatusCode.BUSY, Delay.BUSY),
    HangupCause.NO_ANSWER: Row(StatusCode.NO_ANSWER, Delay.NO_ANSWER),
    HangupCause.NO_USER_RESPONSE: Row(StatusCode.NO_ANSWER, Delay.NO_ANSWER),
    HangupCause.ALLOTTED_TIMEOUT: Row(StatusCode.NO_ANSWER, Delay.NO_ANSWER),
    # the gateway itself is in trouble: for a caller that is what a dead line is to a modem
    HangupCause.INVALID_GATEWAY: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.GATEWAY_DOWN: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.NORMAL_TEMPORARY_FAILURE: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.NETWORK_OUT_OF_ORDER: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.RECOVERY_ON_TIMER_EXPIRE: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.PROGRESS_TIMEOUT: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.SERVICE_UNAVAILABLE: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.SWITCH_CONGESTION: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.NORMAL_CIRCUIT_CONGESTION: Row(StatusCode.NO_DIALTONE, Delay.OTHER),
    HangupCause.INVALID_NUMBER_FORMAT: Row(StatusCode.INVALID_DIAL, Delay.OTHER),
}
NOT_ANSWERED_OTHERWISE = Row(StatusCode.NO_CARRIER, Delay.NO_CARRIER)

# A call that was answered, by SpanDSP's completion code (T30_ERR_… of its t30.h).
CONNECTED: dict[ResultCode, Row] = {
    # answered, but nobody there speaks fax: native counts that as a dial that found no carrier
    ResultCode.T0_EXPIRED: Row(StatusCode.NO_CARRIER, Delay.NO_CARRIER, dial_failed=True),
    ResultCode.T1_EXPIRED: Row(StatusCode.NO_RECEIVER, Delay.PROTOCOL),
    ResultCode.CANNOT_TRAIN: Row(StatusCode.TRAINING_FAILED, Delay.PROTOCOL),
    ResultCode.INCOMPATIBLE: Row(StatusCode.NO_T4_RECEIVER, Delay.PROTOCOL),
    ResultCode.RX_INCAPABLE: Row(StatusCode.NO_T4_RECEIVER, Delay.PROTOCOL),
    ResultCode.TX_BADDCS: Row(StatusCode.RSPREC_INVALID, Delay.PROTOCOL),
    ResultCode.TX_BADPG: Row(StatusCode.COMREC_DCN, Delay.PROTOCOL),
    ResultCode.TX_GOTDCN: Row(StatusCode.RSPREC_DCN, Delay.PROTOCOL),
    ResultCode.TX_NODIS: Row(StatusCode.RSPREC_INVALID, Delay.PROTOCOL),
    ResultCode.TX_PHBDEAD: Row(StatusCode.NO_RECEIVER, Delay.PROTOCOL),
    ResultCode.TX_PHDDEAD: Row(StatusCode.NO_RESPONSE_EOP, Delay.PROTOCOL),
    ResultCode.TX_T5EXP: Row(StatusCode.FLOW_CONTROL, Delay.PROTOCOL),
    ResultCode.RETRYDCN: Row(StatusCode.COMREC_DCN, Delay.PROTOCOL),
    ResultCode.CALLDROPPED: Row(StatusCode.DISCONNECTED, Delay.PROTOCOL),
    # our own document: trying again sends the same file
    ResultCode.FILEERROR: Row(StatusCode.CANNOT_OPEN_DOCUMENT, Delay.OTHER),
    ResultCode.NOPAGE: Row(StatusCode.CANNOT_READ_DOCUMENT, Delay.NONE, Returned.FAILED),
    ResultCode.BADTIFF: Row(StatusCode.CANNOT_READ_DOCUMENT, Delay.NONE, Returned.FAILED),
    ResultCode.BADTIFFHDR: Row(StatusCode.CANNOT_READ_DOCUMENT, Delay.NONE, Returned.FAILED),
}
CONNECTED_OTHERWISE = Row(StatusCode.PHASE_C_ERROR, Delay.PROTOCOL)


def tries_next_gateway(ending: Ending, final_causes: Collection[str] = ()) -> bool:
    """Whether another gateway may have more luck: not once somebody has answered, is busy or has been rung in vain."""
    if ending.stage is not Stage.DIALLED or ending.aborted or ending.call is None:
        return False
    row = NOT_ANSWERED.get(ending.call.cause, NOT_ANSWERED_OTHERWISE)
    return ending.call.cause.name not in final_causes and row.delay not in (Delay.BUSY, Delay.NO_ANSWER)


def judge(ending: Ending, final_causes: Collection[str] = ()) -> Verdict:
    """The verdict on one attempt.  ``final_causes`` are the hangup causes after which trying again is pointless."""
    if ending.stage is Stage.CONNECTED and ending.fax is not None and ending.fax.success:
        if ending.pages_sent >= ending.pages_due:
            return Verdict(Returned.DONE, StatusCode.NONE, "")
        missing = f"{ending.pages_sent} of {ending.pages_due} pages sent"
        return _again(StatusCode.PHASE_C_ERROR, f"{StatusCode.PHASE_C_ERROR.text}: {missing}", Delay.PROTOCOL)
    if ending.aborted:
        code = StatusCode.ABORTED
        return Verdict(Returned.RETRY, code, code.text, Delay.NONE, ending.stage is Stage.DIALLED)
    if ending.rejected:
        return Verdict(Returned.FAILED, ending.refusal, ending.reason or ending.refusal.text)
    if ending.stage is Stage.NOT_DIALLED:
        return _again(StatusCode.MODEM_SETUP, ending.reason, Delay.OTHER)
    if ending.stage is Stage.UNKNOWN:
        return _again(StatusCode.DISCONNECTED, ending.reason, Delay.OTHER)
    if ending.stage is Stage.CONNECTED:
        if ending.fax is None:
            return _again(StatusCode.DISCONNECTED, ending.reason, Delay.PROTOCOL)
        return _connected(ending, ending.fax)
    return _not_answered(ending, final_causes)


def _again(code: StatusCode, text: str, delay: Delay) -> Verdict:
    return Verdict(Returned.RETRY, code, text or code.text, delay)


def _connected(ending: Ending, fax: FaxResult) -> Verdict:
    row = CONNECTED.get(fax.code, CONNECTED_OTHERWISE)
    text = ending.reason or row.code.text
    if row is CONNECTED_OTHERWISE and fax.text:
        text = f"{text}: {fax.text}"
    return Verdict(row.returned, row.code, text, row.delay, row.dial_failed and ending.pages_sent == 0)


def _not_answered(ending: Ending, final_causes: Collection[str]) -> Verdict:
    cause = ending.call.cause if ending.call is not None else HangupCause.NONE
    row = NOT_ANSWERED.get(cause, NOT_ANSWERED_OTHERWISE)
    text = row.code.text
    if row.code in (StatusCode.NO_CARRIER, StatusCode.NO_DIALTONE, StatusCode.INVALID_DIAL) and ending.call is not None:
        text = f"{text}: {ending.call.describe()}"
    if cause.name in final_causes:
        return Verdict(Returned.FAILED, row.code, text, Delay.NONE, True)
    return Verdict(row.returned, row.code, text, row.delay, True)
