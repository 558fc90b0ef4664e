"""What the end of an attempt to send means for the job: one table from what the switch and SpanDSP say to HylaFAX.

Everything here is a function on values.  A :class:`Ending` says how the attempt went, :func:`judge` turns it into a
:class:`Verdict`: what to answer faxq (``returned``, HylaFAX's faxd/FaxSendStatus.h), which status text and number
(HylaFAX's faxd status codes) the user reads, and after which of HylaFAX's delays (hylafax-config(5), JobReq…) the job
is tried again.  A fax is *done* only when SpanDSP reports success **and** every page that was to go has gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum

from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import HUNG_UP_BY_THEM, CallEnd, HangupCause
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
    A ``rejected`` job is one that must not be tried again as it is; ``refusal`` is its code.  ``kept``: a call may go on, and
    the journal keeps the attempt for the next one, which finds out.  ``fax_seen``: a fax machine has spoken (its DIS).
    ``refused``: no FreeSWITCH made the call."""

    stage: Stage
    pages_due: int = 0
    pages_sent: int = 0
    call: CallEnd | None = None
    fax: FaxResult | None = None
    aborted: bool = False
    rejected: bool = False
    reason: str = ""
    refusal: StatusCode = StatusCode.REJECTED
    kept: bool = False
    fax_seen: bool = True
    refused: bool = False


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
    """One row of a table below.  ``why`` is for the operator who reads the table; ``next_gateway`` counts for calls that
    were not answered, ``dial_failed`` for those that were.  ``far``: the destination, or the way there, has ended the call."""

    code: StatusCode
    delay: Delay
    why: str
    returned: Returned = Returned.RETRY
    dial_failed: bool = False
    next_gateway: bool = False
    far: bool = True


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
    Rule.ABORTED: Row(StatusCode.ABORTED, Delay.NONE, "faxrm, faxalter; faxq puts its own end in place of the retry"),
    Rule.REJECTED: Row(
        StatusCode.REJECTED, Delay.NONE, "DynamicConfigOutgoing, or a job that cannot be sent as it is: number, documents",
        Returned.FAILED),
    Rule.NOT_DIALLED: Row(
        StatusCode.MODEM_SETUP, Delay.OTHER, "FreeSWITCH, the spool or a hook script; the job is not to blame, no dial counts"),
    Rule.LOST: Row(
        StatusCode.DISCONNECTED, Delay.OTHER, "the journal stays: the next attempt finds out what became of the call first"),
    Rule.NO_RESULT: Row(
        StatusCode.DISCONNECTED, Delay.PROTOCOL, "the switch ended the call or was stopped, or a limit of ours was reached"),
    Rule.NO_FAX: Row(
        StatusCode.NO_CARRIER, Delay.NO_CARRIER, "the far end hung up, and no fax machine had spoken: as T0_EXPIRED, but sooner",
        dial_failed=True),
}

_OURS = "our own document; the same file would fail again"


def _gateway(why: str) -> Row:
    """Trouble of a gateway is to a caller what a dead line is to a modem; another gateway may have none."""
    return Row(StatusCode.NO_DIALTONE, Delay.OTHER, f"the gateway, not the destination: {why}", next_gateway=True)


def _here(what: str = "") -> Row:
    """Nobody there has ended the call."""
    return Row(StatusCode.UNKNOWN_PROBLEM, Delay.OTHER, f"ended on this side, not by gateway or destination{what}", far=False)


# A call that was not answered, by hangup cause (Q.850 as FreeSWITCH names it) with the SIP statuses that become it.  Whether
# a cause is final is the operator's choice (outbound.failed_response); here stands only what it is called and when to
# try again.
NOT_ANSWERED: dict[HangupCause, Row] = {
    HangupCause.USER_BUSY: Row(StatusCode.BUSY, Delay.BUSY, "486, 600; busy through any gateway"),
    HangupCause.NO_ANSWER: Row(StatusCode.NO_ANSWER, Delay.NO_ANSWER, "rang until outbound.ring_timeout"),
    HangupCause.NO_USER_RESPONSE: Row(StatusCode.NO_ANSWER, Delay.NO_ANSWER, "480; nobody there now"),
    HangupCause.ALLOTTED_TIMEOUT: Row(StatusCode.NO_ANSWER, Delay.NO_ANSWER, "rang until a limit of FreeSWITCH's"),
    HangupCause.INVALID_GATEWAY: _gateway("FreeSWITCH has none of that name (fs_cli -x 'sofia status')"),
    HangupCause.GATEWAY_DOWN: _gateway("it is down"),
    HangupCause.NORMAL_TEMPORARY_FAILURE: _gateway("400, 500, 503, or nothing listens there"),
    HangupCause.NETWORK_OUT_OF_ORDER: _gateway("502"),
    HangupCause.RECOVERY_ON_TIMER_EXPIRE: _gateway("408, 504, or no answer of any kind"),
    HangupCause.PROGRESS_TIMEOUT: _gateway("no ringing within outbound.progress_timeout"),
    HangupCause.SERVICE_UNAVAILABLE: _gateway("it cannot do that now"),
    HangupCause.SWITCH_CONGESTION: _gateway("congestion"),
    HangupCause.NORMAL_CIRCUIT_CONGESTION: _gateway("all its lines are in use"),
    HangupCause.INVALID_NUMBER_FORMAT: Row(
        StatusCode.INVALID_DIAL, Delay.OTHER, "484; this gateway cannot use the number as it is", next_gateway=True),
    HangupCause.NORMAL_CLEARING: _here(),
    HangupCause.ORIGINATOR_CANCEL: _here(),
    HangupCause.MANAGER_REQUEST: _here(" (hupall)"),
    HangupCause.SYSTEM_SHUTDOWN: _here(": FreeSWITCH was stopped"),
}
NOT_ANSWERED_OTHERWISE = Row(
    StatusCode.NO_CARRIER, Delay.OTHER, "any other cause; the status names it and the SIP status", next_gateway=True)

# A call that was answered, by SpanDSP's completion code (T30_ERR_… of its t30.h).
CONNECTED: dict[ResultCode, Row] = {
    ResultCode.T0_EXPIRED: Row(
        StatusCode.NO_CARRIER, Delay.NO_CARRIER, "answered, but nobody speaks fax: native counts a dial without a carrier",
        dial_failed=True),
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


def tries_next_gateway(ending: Ending, final_causes: Collection[str] = ()) -> bool:
    """Whether another gateway may have more luck: not once somebody has answered, is busy or has been rung in vain."""
    if ending.stage is not Stage.DIALLED or ending.aborted or ending.call is None:
        return False
    row = NOT_ANSWERED.get(ending.call.cause, NOT_ANSWERED_OTHERWISE)
    return row.next_gateway and ending.call.cause.name not in final_causes


def is_of_the_destination(call: CallEnd | None) -> bool:
    """Whether the end of a call that was not answered says something about who was called: not where nobody but we, or whoever
    stopped FreeSWITCH, has ended it.  A cancelling that came from there (487) has its SIP status."""
    return call is not None and (NOT_ANSWERED.get(call.cause, NOT_ANSWERED_OTHERWISE).far or call.sip_status > 0)


def judge(ending: Ending, final_causes: Collection[str] = ()) -> Verdict:
    """The verdict on one attempt.  ``final_causes`` are the hangup causes after which trying again is pointless."""
    rule = _rule(ending)
    if rule is not None:
        return _by_rule(rule, ending)
    if ending.stage is Stage.CONNECTED:
        assert ending.fax is not None, "NO_RESULT otherwise"
        return _connected(ending, ending.fax)
    return _not_answered(ending, final_causes)


def _rule(ending: Ending) -> Rule | None:
    """Which rule holds; None where cause or result decide."""
    if ending.stage is Stage.CONNECTED and ending.fax is not None and ending.fax.success:
        return Rule.DELIVERED if ending.pages_sent >= ending.pages_due else Rule.PAGES_MISSING
    if ending.aborted:
        return Rule.ABORTED
    if ending.rejected:
        return Rule.REJECTED
    if ending.stage is Stage.NOT_DIALLED:
        return Rule.NOT_DIALLED
    if ending.stage is Stage.UNKNOWN:
        return Rule.LOST
    if ending.stage is Stage.CONNECTED and ending.fax is None:
        return Rule.NO_RESULT
    return Rule.NO_FAX if _is_a_person(ending) else None


def _is_a_person(ending: Ending) -> bool:
    """Somebody answered and hung up again, probably at our calling tone.  What we have ended ourselves says nothing."""
    dropped = ending.fax is not None and ending.fax.code is ResultCode.CALLDROPPED
    by_them = ending.call is not None and ending.call.disposition == HUNG_UP_BY_THEM
    return dropped and by_them and not ending.fax_seen and not ending.reason


def _by_rule(rule: Rule, ending: Ending) -> Verdict:
    row = RULES[rule]
    code = ending.refusal if rule is Rule.REJECTED else row.code
    text = ending.reason or code.text
    if rule is Rule.DELIVERED:
        text = ""
    elif rule is Rule.ABORTED:
        text = code.text
    elif rule is Rule.PAGES_MISSING:
        text = f"{code.text}: {ending.pages_sent} of {ending.pages_due} pages sent"
    dial_failed = row.dial_failed or (rule is Rule.ABORTED and ending.stage is Stage.DIALLED)
    return Verdict(row.returned, code, text, row.delay, dial_failed)


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
    if row.code not in (StatusCode.BUSY, StatusCode.NO_ANSWER) and ending.call is not None:
        text = f"{text}: {ending.call.describe()}"
    if cause.name in final_causes:
        return Verdict(Returned.FAILED, row.code, text, Delay.NONE, True)
    return Verdict(row.returned, row.code, text, row.delay, True)


@frozen
class Policy:
    """One line of the policy as an operator reads it.

    ``end`` names the rule, the hangup cause or SpanDSP's result (``other`` for all without a line of their own);
    ``counts`` is the counter that goes up: ``dial`` (ndials), ``try`` (tottries) or ``""``; ``next_gateway`` whether
    the next gateway is tried first.
    """

    stage: Stage
    end: str
    returned: Returned
    code: StatusCode
    delay: Delay
    counts: str
    next_gateway: bool
    why: str


OTHER = "other"
_COUNTS = {Rule.DELIVERED: "try", Rule.PAGES_MISSING: "try", Rule.NO_RESULT: "try", Rule.LOST: "dial", Rule.NO_FAX: "dial"}
_STAGES = {
    Rule.ABORTED: Stage.CONNECTED, Rule.REJECTED: Stage.NOT_DIALLED, Rule.NOT_DIALLED: Stage.NOT_DIALLED,
    Rule.LOST: Stage.UNKNOWN,
}


def rows(final_causes: Collection[str] = ()) -> Iterator[Policy]:
    """The whole policy, line by line, as it holds with the operator's ``outbound.failed_response``."""
    for rule, row in RULES.items():
        stage = _STAGES.get(rule, Stage.CONNECTED)
        yield Policy(stage, rule.value, row.returned, row.code, row.delay, _COUNTS.get(rule, ""), False, row.why)
    causes = dict.fromkeys([*NOT_ANSWERED, *(HangupCause.parse(name) for name in final_causes)])
    for cause in causes:
        if cause is not HangupCause.NONE:
            yield _dialled(cause.name, CallEnd(cause), NOT_ANSWERED.get(cause, NOT_ANSWERED_OTHERWISE), final_causes)
    yield _dialled(OTHER, CallEnd(HangupCause.NONE), NOT_ANSWERED_OTHERWISE, final_causes)
    for code, row in [*CONNECTED.items(), (None, CONNECTED_OTHERWISE)]:
        counts = "dial" if row.dial_failed else "try"
        name = OTHER if code is None else code.name
        yield Policy(Stage.CONNECTED, name, row.returned, row.code, row.delay, counts, False, row.why)


def _dialled(name: str, end: CallEnd, row: Row, final_causes: Collection[str]) -> Policy:
    ending = Ending(Stage.DIALLED, call=end)
    verdict = judge(ending, final_causes)
    why = row.why if verdict.returned is not Returned.FAILED else "final by outbound.failed_response"
    return Policy(
        Stage.DIALLED, name, verdict.returned, row.code, verdict.delay, "dial", tries_next_gateway(ending, final_causes), why)
