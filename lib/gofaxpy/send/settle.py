"""The end of an attempt: verdict, journal, accounting record, qfile, session log."""

from __future__ import annotations

import time

from gofaxpy.hylafax import modemstatus, xferfaxlog
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.params import NO_DCS
from gofaxpy.hylafax.returned import Returned
from gofaxpy.journal import JournalError, Step
from gofaxpy.outcome.judge import Ending, Verdict, judge
from gofaxpy.outcome.limits import conclude, counted_as, gets_record, next_try, without_strangers
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.learn import note_attempt
from gofaxpy.values import replace


def settle(attempt: Attempt, ending: Ending) -> Returned:
    """Writes down how the attempt ended and returns what faxq is to be answered."""
    outbound, qfile = attempt.setting.config.outbound, attempt.qfile
    first = judge(ending, outbound.failed_response)
    verdict = conclude(ending, first, qfile)
    verdict = without_strangers(verdict, note_attempt(attempt, ending, first), qfile, outbound)
    qfile.set("status", "" if verdict.returned is Returned.DONE else verdict.text)
    qfile.set("statuscode", int(verdict.code))
    qfile.set("signalrate", attempt.params.signalrate)
    qfile.set("dataformat", attempt.params.dataformat)
    seconds = next_try(verdict, qfile, outbound)
    if seconds:
        qfile.set("tts", int(time.time()) + seconds)
    qfile.set("returned", verdict.returned.value)
    _note(attempt, ending, first, verdict)
    # The record comes first: an attempt that dies between the two is answered by the next one, which finds the record; a
    # job that is done has no next one.
    if gets_record(ending) and not attempt.recorded:
        attempt.recorded = True
        _record(attempt, verdict, ending.connected_at)
    attempt.handle.rewrite(durable=True)
    if verdict.returned is not Returned.DONE:
        for said in (first, verdict) if verdict.text != first.text else (first,):   # both, as native
            attempt.announce(
                f"SEND FAILED: JOB {attempt.jobid} DEST {qfile.get('external')} ERR [{int(said.code)}] {said.text}"
            )
    attempt.log.end()
    attempt.modem(modemstatus.IDLE)
    return verdict.returned


def _note(attempt: Attempt, ending: Ending, judged: Verdict, verdict: Verdict) -> None:
    """Notes in the journal what the attempt counts as.  If this process dies before the entry is removed, the next attempt
    concludes from that, and not from what the calls look like from outside.

    Nothing is decided of a call that may still be running.  The note does not wait for the disk: after a power failure the next
    attempt concludes as if it had not been made.
    """
    if attempt.entry is None or ending.kept:
        return
    try:
        attempt.entry.note(
            Step.SETTLED, counts=counted_as(ending, judged).name, record=gets_record(ending), aborted=ending.aborted,
            reason="" if verdict.returned is Returned.DONE else verdict.text,
        )
    except JournalError as error:
        attempt.log.line(str(error))


def _record(attempt: Attempt, verdict: Verdict, connected_at: float) -> None:
    """The SEND record of the attempt."""
    now = time.monotonic()
    reached = bool(connected_at) and not verdict.dial_failed
    write_record(attempt, xferfaxlog.Record(
        type=xferfaxlog.RecordType.SEND, start=attempt.started, commid=attempt.commid, device=attempt.device,
        station=attempt.station, params=attempt.params, pages=attempt.confirmed, job_seconds=now - attempt.began,
        conn_seconds=max(now - connected_at, 1.0) if reached else 0.0,
        reason="" if verdict.returned is Returned.DONE else verdict.text,
        dcs=attempt.params.dcs() if reached else NO_DCS,
    ))


def write_record(attempt: Attempt, record: xferfaxlog.Record) -> None:
    """Adds ``record``, with what the qfile says of the job, to xferfaxlog.  A log that cannot be written changes nothing about
    the fax."""
    if not attempt.setting.xferfaxlog:
        return
    qfile = attempt.qfile
    record = replace(
        record, jobid=attempt.jobid, jobtag=qfile.get("jobtag"), sender=qfile.get("mailaddr"), dest=qfile.get("external"),
        owner=qfile.get("owner"),
    )
    try:
        xferfaxlog.append(attempt.setting.xferfaxlog, record)
    except (SpoolError, OSError) as error:
        attempt.log.line(f"The SEND record could not be written: {error}")
