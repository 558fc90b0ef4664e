"""The end of an attempt: verdict, qfile, accounting record, session log, and only then the journal entry goes."""

from __future__ import annotations

import time

from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax import modemstatus, xferfaxlog
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.params import NO_DCS
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome import Delay, Ending, Stage, Verdict, judge
from gofaxpy.send.machine import note_attempt
from gofaxpy.send.report import JobReport
from gofaxpy.setting import Setting
from gofaxpy.values import replace

TRIES_PER_PAGE = 3   # faxd/FaxSend.c++: the same page is tried three times


def settle(setting: Setting, report: JobReport, ending: Ending, connected_at: float = 0.0) -> Returned:
    """Writes down how the attempt ended and returns what faxq is to be answered.  ``connected_at`` is the monotonic clock's, 0
    for a call that was not answered."""
    first = verdict = judge(ending, setting.config.outbound.failed_response)
    qfile = report.handle.qfile
    # What may have arrived is counted and recorded by the next attempt, which finds out.  Counted now, the last dial that
    # the job has would keep faxq from starting that one: it would fail a fax that has arrived (faxq, isJobSendOK).
    if not ending.kept:
        verdict = with_limits(verdict, count(qfile, ending, verdict), qfile)
    reached_before = note_attempt(report, ending, first)
    if not reached_before and fails_as_stranger(verdict, qfile.number("ndials"), setting.config.outbound):
        verdict = replace(verdict, returned=Returned.FAILED, delay=Delay.NONE)
    qfile.set("status", "" if verdict.returned is Returned.DONE else verdict.text)
    qfile.set("statuscode", int(verdict.code))
    qfile.set("signalrate", report.params.signalrate)
    qfile.set("dataformat", report.params.dataformat)
    if verdict.returned is Returned.RETRY and verdict.delay is not Delay.NONE:
        qfile.set("tts", int(time.time()) + (qfile.number("retrytime") or delay_of(setting.config.outbound, verdict.delay)))
    qfile.set("returned", verdict.returned.value)
    # The record comes first: an attempt that dies between the two is answered by the next one, which finds the record; a
    # job that is done has no next one.  A job with nothing left has made no call, nor has one that no FreeSWITCH has called for.
    called = (ending.pages_due or ending.stage is not Stage.CONNECTED) and not ending.refused
    if called and not (report.recorded or ending.kept):
        report.recorded = True
        _record(setting, report, verdict, connected_at)
    report.handle.rewrite(durable=True)
    if verdict.returned is not Returned.DONE:
        for said in (first, verdict) if verdict.text != first.text else (first,):   # both, as native
            report.announce(
                f"SEND FAILED: JOB {report.jobid} DEST {qfile.get('external')} ERR [{int(said.code)}] {said.text}"
            )
    report.log.end()
    report.modem(modemstatus.IDLE)
    return verdict.returned


def delay_of(settings: Outbound, delay: Delay) -> int:
    """Seconds until the next try."""
    return {
        Delay.NONE: 0, Delay.BUSY: settings.retry_busy, Delay.NO_ANSWER: settings.retry_no_answer,
        Delay.NO_CARRIER: settings.retry_no_carrier, Delay.PROTOCOL: settings.retry_protocol,
        Delay.OTHER: settings.retry_other,
    }[delay]


def fails_as_stranger(verdict: Verdict, ndials: int, settings: Outbound) -> bool:
    """Whether a number where no fax machine was ever reached has been called often enough: probably a person answers
    (faxd/FaxSend.c++, JobRetryNoCarrier)."""
    if verdict.returned is not Returned.RETRY or verdict.delay is not Delay.NO_CARRIER:
        return False
    return ndials > settings.no_carrier_retries


def count(qfile: QFile, ending: Ending, verdict: Verdict) -> bool:
    """Keeps HylaFAX's counters (faxd/FaxSend.c++).  True if the same page has now been tried often enough.

    ``ndials`` counts calls in a row that reached no fax, ``tottries`` those that did, ``totdials`` both, ``ntries``
    how often the page that is due has failed.
    """
    if ending.stage is Stage.NOT_DIALLED or ending.rejected or ending.pages_due == 0:
        return False
    if ending.aborted and ending.stage is Stage.DIALLED:
        return False
    qfile.set("totdials", qfile.number("totdials") + 1)
    if ending.stage is Stage.UNKNOWN:
        return False
    if ending.stage is Stage.DIALLED or verdict.dial_failed:
        qfile.set("ndials", qfile.number("ndials") + 1)
        return False
    qfile.set("ndials", 0)
    qfile.set("tottries", qfile.number("tottries") + 1)
    if verdict.returned is Returned.DONE or ending.pages_sent > 0:
        qfile.set("ntries", 0)
        return False
    if ending.aborted:
        return False
    qfile.set("ntries", qfile.number("ntries") + 1)
    return qfile.number("ntries") >= TRIES_PER_PAGE


def with_limits(verdict: Verdict, same_page: bool, qfile: QFile) -> Verdict:
    """A retry that is not to be: said now, with its reason, because faxq would only say ``Too many attempts`` later."""
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
    return Verdict(Returned.FAILED, code, f"{verdict.text}; {why}", Delay.NONE, verdict.dial_failed)


def _record(setting: Setting, report: JobReport, verdict: Verdict, connected_at: float) -> None:
    """The SEND record of the attempt.  A log that cannot be written changes nothing about the fax."""
    now = time.monotonic()
    reached = bool(connected_at) and not verdict.dial_failed
    write_record(setting, report, xferfaxlog.Record(
        type=xferfaxlog.RecordType.SEND, start=report.started, commid=report.commid, device=report.device,
        station=report.station, params=report.params, pages=report.confirmed, job_seconds=now - report.began,
        conn_seconds=max(now - connected_at, 1.0) if reached else 0.0,
        reason="" if verdict.returned is Returned.DONE else verdict.text,
        dcs=report.params.dcs() if reached else NO_DCS,
    ))


def write_record(setting: Setting, report: JobReport, record: xferfaxlog.Record) -> None:
    """Adds ``record``, with what the qfile says of the job, to xferfaxlog."""
    if not setting.xferfaxlog:
        return
    qfile = report.handle.qfile
    record = replace(
        record, jobid=report.jobid, jobtag=qfile.get("jobtag"), sender=qfile.get("mailaddr"), dest=qfile.get("external"),
        owner=qfile.get("owner"),
    )
    try:
        xferfaxlog.append(setting.xferfaxlog, record)
    except (SpoolError, OSError) as error:
        report.log.line(f"The SEND record could not be written: {error}")
