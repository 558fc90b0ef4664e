"""What the end of an attempt to send means for the job: from what the switch and SpanDSP say to HylaFAX's answer.

Everything here is a function on values.  An :class:`Ending` says how the attempt went, :func:`judge` turns it into a
:class:`Verdict`.  A fax is *done* only when SpanDSP reports success **and** every page that was to go has gone.
"""

from __future__ import annotations

from collections.abc import Collection

from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import CONNECTED, CONNECTED_OTHERWISE, RULES, Counts, Delay, Row, Rule, Stage, row_of_cause
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.switch.hangup import HUNG_UP_BY_THEM, CallEnd, HangupCause
from gofaxpy.values import frozen


@frozen
class Ending:
    """How an attempt ended."""

    stage: Stage
    pages_due: int = 0              # pages that it was to transmit
    pages_sent: int = 0             # pages of these that the far end has confirmed
    call: CallEnd | None = None
    fax: FaxResult | None = None
    aborted: bool = False           # the user wanted the job ended
    rejected: bool = False          # the job must not be tried again as it is
    reason: str = ""                # a text of our own, where this side ended the attempt
    refusal: StatusCode = StatusCode.REJECTED   # the status code of a rejected job
    kept: bool = False              # the call may still be running; the journal entry stays, and the next attempt resolves it
    fax_seen: bool = True           # a fax machine has spoken (its DIS)
    refused: bool = False           # no FreeSWITCH made the call
    connected_at: float = 0.0       # when the call was answered, by the monotonic clock; 0 if it was not


@frozen
class Verdict:
    """What HylaFAX is told."""

    returned: Returned              # the answer to faxq (faxd/FaxSendStatus.h)
    code: StatusCode                # HylaFAX's status code, and ``text``, which the user reads
    text: str
    delay: Delay = Delay.NONE       # how long until the job is tried again
    counts: Counts = Counts.TRY

    @property
    def dial_failed(self) -> bool:
        """Whether the call reached no fax machine."""
        return self.counts is Counts.DIAL


def tries_next_gateway(ending: Ending, final_causes: Collection[str] = ()) -> bool:
    """Whether another gateway may have more luck: not once the destination has answered, is busy or has been rung in vain."""
    if ending.stage is not Stage.DIALLED or ending.aborted or ending.call is None:
        return False
    return row_of_cause(ending.call.cause, final_causes).next_gateway


def is_of_the_destination(call: CallEnd | None) -> bool:
    """Whether the end of a call that was not answered says something about the destination.  It does not if this side, or a
    stop of FreeSWITCH, has ended the call.  A call that the destination cancelled (487) has its SIP status."""
    return call is not None and (row_of_cause(call.cause).far or call.sip_status > 0)


def judge(ending: Ending, final_causes: Collection[str] = ()) -> Verdict:
    """The verdict on one attempt.  ``final_causes`` are the hangup causes after which trying again is pointless
    (``outbound.failed_response``)."""
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
    """Whether the far end answered and hung up again before any fax signal: probably a person who heard our calling tone.  A
    call that this side ended says nothing."""
    dropped = ending.fax is not None and ending.fax.code is ResultCode.CALLDROPPED
    by_them = ending.call is not None and ending.call.disposition == HUNG_UP_BY_THEM
    return dropped and by_them and not ending.fax_seen and not ending.reason


def _by_rule(rule: Rule, ending: Ending) -> Verdict:
    row = RULES[rule]
    code, text, counts = row.code, ending.reason or row.code.text, row.counts
    if rule is Rule.DELIVERED:
        text = ""
    elif rule is Rule.ABORTED:
        text, counts = code.text, _COUNTS_ABORTED[ending.stage]
    elif rule is Rule.REJECTED:
        code = ending.refusal
        text = ending.reason or code.text
    elif rule is Rule.PAGES_MISSING:
        text = f"{code.text}: {ending.pages_sent} of {ending.pages_due} pages sent"
    return Verdict(row.returned, code, text, row.delay, counts)


# A call that the user ended before it was answered is no dial.
_COUNTS_ABORTED = {
    Stage.NOT_DIALLED: Counts.NOTHING, Stage.DIALLED: Counts.NOTHING, Stage.CONNECTED: Counts.TRY, Stage.UNKNOWN: Counts.CALL,
}


def _connected(ending: Ending, fax: FaxResult) -> Verdict:
    row = CONNECTED.get(fax.code, CONNECTED_OTHERWISE)
    text = ending.reason or row.code.text
    if row is CONNECTED_OTHERWISE and fax.text:
        text = f"{text}: {fax.text}"
    return _verdict(row, text, Counts.TRY if ending.pages_sent else row.counts)


def _not_answered(ending: Ending, final_causes: Collection[str]) -> Verdict:
    row = row_of_cause(ending.call.cause if ending.call is not None else HangupCause.NONE, final_causes)
    text = row.code.text
    if row.code not in (StatusCode.BUSY, StatusCode.NO_ANSWER) and ending.call is not None:
        text = f"{text}: {ending.call.describe()}"
    return _verdict(row, text, row.counts)


def _verdict(row: Row, text: str, counts: Counts) -> Verdict:
    return Verdict(row.returned, row.code, text, row.delay, counts)
