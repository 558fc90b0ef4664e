"""One job: from the qfile that faxq hands over to the answer it wants back.

The order is what keeps a fax from being sent twice or lost: an earlier attempt is cleared up first, the journal knows
of a call before it is placed, pages leave the qfile as they are confirmed, and the journal forgets the attempt only
after the qfile says how it ended.
"""

from __future__ import annotations

from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.returned import Returned
from gofaxpy.journal import JournalError, Step
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending
from gofaxpy.send import syslogged
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.gateways import call_through_gateways
from gofaxpy.send.prepare import Prepared, facts_of, prepare
from gofaxpy.send.progress import begin, result
from gofaxpy.send.recover import clear_up
from gofaxpy.send.settle import settle


def send_job(attempt: Attempt) -> Returned:
    """Sends what is left of the job.  The answer is in the qfile as well.

    Trouble of our own goes to syslog and ends as a retry; where a call may be under way by then, the journal keeps the
    attempt.
    """
    begin(attempt)
    try:
        try:
            return _conclude(attempt, _attempt(attempt))
        except Exception as error:  # faxq, the user and the accounting are to hear of it in the usual way
            syslogged.trouble(error)
            return _conclude(attempt, _accident(attempt, error))
    finally:
        if attempt.entry is not None:
            attempt.entry.close()


def _attempt(attempt: Attempt) -> Ending:
    """The attempt itself: how it ended."""
    held_up = clear_up(attempt)
    if held_up:
        return Ending(Stage.NOT_DIALLED, aborted=attempt.aborted(), reason=held_up)
    prepared = prepare(attempt)
    return prepared if isinstance(prepared, Ending) else _call(attempt, prepared)


def _call(attempt: Attempt, prepared: Prepared) -> Ending:
    """Calls the destination and sends what was prepared."""
    attempt.document = prepared.document
    # made durable by LAUNCHED, before the order to call; a power failure until then leaves a job that was not tried
    attempt.entry = attempt.setting.journal.begin(attempt.name, Step.OPENED, **facts_of(attempt, prepared))
    trace = call_through_gateways(attempt, prepared.terms.gateways, prepared.number)
    if trace.fax is not None:
        result(attempt, trace.fax)
    return trace.ending(prepared.document.pages, attempt.confirmed, attempt.fax_seen)


def _accident(attempt: Attempt, error: Exception) -> Ending:
    """The ending where something went wrong on the way.  A call that may have been ordered is left to the next attempt."""
    stage = Stage.UNKNOWN if attempt.launched else Stage.NOT_DIALLED
    return Ending(stage, reason=f"gofaxsend: {error or type(error).__name__}", kept=attempt.launched)


def _conclude(attempt: Attempt, ending: Ending) -> Returned:
    """Settles the attempt and removes what it has left.  A call that may still be running needs both, entry and document: the
    next attempt clears up.  Trouble with the removal changes nothing about the answer."""
    returned = settle(attempt, ending)
    if not ending.kept:
        try:
            if attempt.document is not None:
                attempt.document.remove()
            if attempt.entry is not None:
                attempt.entry.remove()
        except (SpoolError, JournalError) as error:
            syslogged.trouble(error)
    return returned
