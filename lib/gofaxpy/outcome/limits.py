"""How often a job is tried, and when again: HylaFAX's counters in the qfile, and the limits on them.

The counters and limits are those of faxd/FaxSend.c++; ``maxdials`` and ``maxtries`` are the job's own (sendq(5)), the delays
and ``no_carrier_retries`` the operator's (``outbound.retry_…``; hylafax-config(5), JobReq…).
"""

from __future__ import annotations

from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import Counts, Delay, Stage
from gofaxpy.outcome.judge import Ending, Verdict
from gofaxpy.values import replace

TRIES_PER_PAGE = 3      # faxd/FaxSend.c++: the same page is tried three times
_LOST = "An earlier call of this job, which was lost from sight, has not delivered all of it"
# The key below `outbound` that says how many seconds a delay lasts.
_KEYS = {
    Delay.BUSY: "retry_busy", Delay.NO_ANSWER: "retry_no_answer", Delay.NO_CARRIER: "retry_no_carrier",
    Delay.PROTOCOL: "retry_protocol", Delay.OTHER: "retry_other",
}


def delay_of(settings: Outbound, delay: Delay) -> int:
    """Seconds until the next try."""
    return int(getattr(settings, _KEYS[delay])) if delay in _KEYS else 0


def counted_as(ending: Ending, verdict: Verdict) -> Counts:
    """What the attempt counts as.  An attempt that had no page to send has made no call."""
    return verdict.counts if ending.pages_due else Counts.NOTHING


def count(qfile: QFile, ending: Ending, verdict: Verdict) -> bool:
    """Keeps HylaFAX's counters.  True if the same page has now been tried often enough.

    ``ntries`` counts how often the page that is due has failed; the other counters are those of :class:`Counts`.
    """
    counts = counted_as(ending, verdict)
    for tag in counts.tags:
        qfile.set(tag, qfile.number(tag) + 1)
    if counts is not Counts.TRY:
        return False
    qfile.set("ndials", 0)
    if verdict.returned is Returned.DONE or ending.pages_sent > 0:
        qfile.set("ntries", 0)
        return False
    if ending.aborted:
        return False
    qfile.set("ntries", qfile.number("ntries") + 1)
    return qfile.number("ntries") >= TRIES_PER_PAGE


def conclude(ending: Ending, verdict: Verdict, qfile: QFile) -> Verdict:
    """Counts the attempt, and says what is answered for it: ``verdict``, or that the job has been tried often enough.

    A call that may still be running (``kept``) is counted by the next attempt, which resolves it.  If it were counted now and
    were the job's last dial, faxq would fail the job (isJobSendOK) and never start that attempt, though the fax may arrive.
    """
    return verdict if ending.kept else _limited(verdict, count(qfile, ending, verdict), qfile)


def used_up(qfile: QFile) -> Verdict | None:
    """The verdict on a job whose dials or tries were used up by an attempt that was counted only later, when faxq had already
    started the next one; None if it may be dialled."""
    spent = _limited(Verdict(Returned.RETRY, StatusCode.DISCONNECTED, _LOST), False, qfile)
    return spent if spent.returned is Returned.FAILED else None


def without_strangers(verdict: Verdict, reached_before: bool, qfile: QFile, settings: Outbound) -> Verdict:
    """``verdict``, made final for a number where no fax machine was ever reached and that has been called often enough: there
    probably a person answers (faxd/FaxSend.c++, JobRetryNoCarrier)."""
    if reached_before or verdict.returned is not Returned.RETRY or verdict.delay is not Delay.NO_CARRIER:
        return verdict
    if qfile.number("ndials") <= settings.no_carrier_retries:
        return verdict
    return replace(verdict, returned=Returned.FAILED, delay=Delay.NONE)


def next_try(verdict: Verdict, qfile: QFile, settings: Outbound) -> int:
    """Seconds until faxq is to try again, 0 where it decides.  The job's own ``retrytime`` goes before the operator's delay."""
    if verdict.returned is not Returned.RETRY or verdict.delay is Delay.NONE:
        return 0
    return qfile.number("retrytime") or delay_of(settings, verdict.delay)


def gets_record(ending: Ending) -> bool:
    """Whether the attempt gets a SEND record now.  A job with nothing left to send has made no call, nor has an attempt for
    which no FreeSWITCH made one; the call of a kept attempt is recorded by the next."""
    return (ending.pages_due > 0 or ending.stage is not Stage.CONNECTED) and not ending.refused and not ending.kept


def _limited(verdict: Verdict, same_page: bool, qfile: QFile) -> Verdict:
    """A retry that is not to be is refused here, with its reason; faxq would only say ``Too many attempts`` later."""
    if verdict.returned is not Returned.RETRY or verdict.code is StatusCode.ABORTED:
        return verdict
    if same_page:
        return _given_up(verdict, StatusCode.UNCODED, f"Giving up after {TRIES_PER_PAGE} attempts to send same page")
    if 0 < qfile.number("maxdials") <= qfile.number("totdials"):
        return _given_up(verdict, StatusCode.TOO_MANY_DIALS, "too many attempts to dial")
    if 0 < qfile.number("maxtries") <= qfile.number("tottries"):
        return _given_up(verdict, StatusCode.TOO_MANY_TRIES, "too many attempts to send")
    return verdict


def _given_up(verdict: Verdict, code: StatusCode, why: str) -> Verdict:
    return replace(verdict, returned=Returned.FAILED, code=code, text=f"{verdict.text}; {why}", delay=Delay.NONE)
