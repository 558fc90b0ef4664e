"""One job: from the qfile that faxq hands over to the answer it wants back.

The order is what keeps a fax from being sent twice or lost: an earlier attempt is cleared up first, the journal knows
of a call before it is placed, pages leave the qfile as they are confirmed, and the journal forgets the attempt only
after the qfile says how it ended.
"""

from __future__ import annotations

from collections.abc import Callable

from gofaxpy.commids import attempt_name
from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.errors import QFileError, SpoolError, is_of_the_machine
from gofaxpy.hylafax.params import BR_9600, BR_14400
from gofaxpy.hylafax.qfile import QFile, QFileHandle
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.journal import Entry, JournalError, Step
from gofaxpy.outcome import Ending, Stage, Verdict
from gofaxpy.send import syslogged
from gofaxpy.send.connection import Connection
from gofaxpy.send.document import Document, DocumentError, compose
from gofaxpy.send.due import noted, pages_sent, same_fax
from gofaxpy.send.gateways import call_through_gateways
from gofaxpy.send.recover import clear_up
from gofaxpy.send.report import JobReport
from gofaxpy.send.settle import settle, with_limits
from gofaxpy.send.terms import Terms, settle_terms
from gofaxpy.setting import Setting
from gofaxpy.switch.dialstring import DialstringError, destination, dialable
from gofaxpy.switch.faxresult import FaxResult

NOT_PREPARED = "{} was not made into a fax, being `{}` to HylaFAX: submit it as PostScript, PDF or TIFF"
NO_DOCUMENT = "The job has no document left, though none of its pages was sent: submit it again"
NO_PAGE = "None of the job's pages is among those that it says are to be sent"
NOT_SAID = "The job's subaddress and password (SUB, PWD of T.30) are not sent: mod_spandsp has no way to say them"
LOST = "An earlier call of this job, which was lost from sight, has not delivered all of it"
Complain = Callable[[BaseException], None]


def send_job(
    setting: Setting, line: Connection, commid: str, device: str, handle: QFileHandle, aborted: Callable[[], bool],
    complain: Complain, announced: bool = False,
) -> Returned:
    """Sends what is left of the job whose qfile ``handle`` holds locked, over ``line`` and under ``commid``.  The answer is
    in the qfile as well.

    Trouble of our own goes to ``complain`` and ends as a retry; where a call may be under way by then, the journal
    keeps the attempt.  ``announced``: faxq has been told already that this job's call is placed (batches).
    """
    jobid = handle.qfile.get("jobid")
    if not (jobid.isascii() and jobid.isdigit()):     # it becomes part of file names
        raise QFileError(f"{handle.path}: {jobid[:40]!r} is no job number")
    log = SessionLog.create(setting.spool, commid, digits(handle.qfile.get("number")))
    if log.error:       # the fax goes all the same
        syslogged.error(f"job {jobid}: {log.error}")
    report = JobReport(setting.spool, device, handle, log, commid, announced)
    report.begin()
    try:
        return _send(setting, line, report, aborted, complain)
    except Exception as error:  # faxq, the user and the accounting are to hear of it in the usual way
        complain(error)
        stage = Stage.UNKNOWN if report.launched else Stage.NOT_DIALLED
        reason = f"gofaxsend: {error or type(error).__name__}"
        return settle(setting, report, Ending(stage, reason=reason, kept=report.launched))


def _send(
    setting: Setting, line: Connection, report: JobReport, aborted: Callable[[], bool], complain: Complain
) -> Returned:
    held_up = clear_up(setting, report, aborted)
    if held_up:
        return settle(setting, report, Ending(Stage.NOT_DIALLED, aborted=aborted(), reason=held_up))
    if any(item.op == "poll" for item in report.handle.qfile.items):
        # SpanDSP could, mod_spandsp cannot; documents that the job has besides are not sent half-way
        return settle(setting, report, Ending(Stage.NOT_DIALLED, rejected=True, refusal=StatusCode.NO_POLLING))
    unprepared = [item for item in report.handle.qfile.items if item.op != "fax" and not item.op.startswith("!")]
    if unprepared:
        # faxq leaves them so: whatever a client uploads that hfaxd takes for none of its formats is `data`
        return settle(setting, report, Ending(
            Stage.NOT_DIALLED, rejected=True, reason=NOT_PREPARED.format(unprepared[0].file, unprepared[0].op),
        ))
    try:
        pages = report.remaining()
    except SpoolError as error:     # a document that cannot be read, or that is not in the spool
        return settle(setting, report, Ending(Stage.NOT_DIALLED, rejected=not is_of_the_machine(error), reason=str(error)))
    if not pages:
        if not report.handle.qfile.number("npages"):    # its documents have got lost, and it must not pass for done
            reason = NO_PAGE if any(item.op == "fax" for item in report.handle.qfile.items) else NO_DOCUMENT
            return settle(setting, report, Ending(Stage.NOT_DIALLED, rejected=True, reason=reason))
        report.log.line("Every page of this job has been sent before; nothing is dialled")
        return settle(setting, report, Ending(Stage.CONNECTED, fax=FaxResult.nothing_left()))
    spent = with_limits(Verdict(Returned.RETRY, StatusCode.DISCONNECTED, LOST), False, report.handle.qfile)
    if spent.returned is Returned.FAILED:       # an earlier attempt could not count itself, and faxq has not known
        return settle(setting, report, Ending(Stage.NOT_DIALLED, rejected=True, refusal=spent.code, reason=spent.text))
    if report.handle.qfile.get("subaddr") or report.handle.qfile.get("passwd"):
        report.announce(NOT_SAID)
    try:    # first of all: scripts compare the number that is dialled
        called = destination(report.handle.qfile.get(setting.config.outbound.dial))
    except DialstringError as error:
        return settle(setting, report, Ending(Stage.NOT_DIALLED, rejected=True, reason=str(error)))
    answer = settle_terms(setting.config, report.handle.qfile, called, report.device, setting.spool.root, aborted)
    report.log.lines("\n".join(answer.notes))
    if answer.refusal or answer.trouble or aborted():
        return settle(setting, report, Ending(
            Stage.NOT_DIALLED, aborted=aborted(), rejected=bool(answer.refusal), reason=answer.refusal or answer.trouble,
        ))
    try:
        number = dialable(answer.terms.prefix + called)
        document = compose(setting.spool, pages, attempt_name(report.jobid, report.commid))
    except (DialstringError, DocumentError) as error:
        final = not (isinstance(error, DocumentError) and error.again)
        return settle(setting, report, Ending(Stage.NOT_DIALLED, rejected=final, reason=str(error)))
    due = noted(setting.spool, report.handle.qfile, pages, report.page_count)
    return _attempt(setting, line, report, answer.terms, called, number, document, due, aborted, complain)


def _attempt(
    setting: Setting, line: Connection, report: JobReport, terms: Terms, called: str, number: str, document: Document,
    due: list[list[object]], aborted: Callable[[], bool], complain: Complain,
) -> Returned:
    facts = attempt_facts(setting, report.handle.qfile, terms, called, number, document)
    qfile = report.handle.qfile
    facts |= {      # by what a later attempt knows what this one was, whatever becomes of the qfile
        "device": report.device, "same": same_fax(qfile, setting.config.outbound.dial), "due": due, "sent": pages_sent(qfile),
        "totdials": qfile.number("totdials"),
    }
    # made durable by LAUNCHED, before the order to call; a power failure until then leaves a job that was not tried
    with setting.journal.begin(attempt_name(report.jobid, report.commid), Step.OPENED, **facts) as entry:
        trace = call_through_gateways(setting, report, entry, line, terms.gateways, number, aborted)
        if trace.fax is not None:
            report.result(trace.fax)
        kept = trace.stage is Stage.UNKNOWN and not trace.withdrawn
        ending = Ending(
            trace.stage, document.pages, report.confirmed, trace.end, trace.fax, trace.aborted, reason=trace.reason, kept=kept,
            fax_seen=report.fax_seen, refused=trace.refused,
        )
        returned = settle(setting, report, ending, trace.connected_at)
        if not kept:        # else the next attempt clears up: a call that may go on needs both
            _forget(entry, document, complain)
        return returned


def _forget(entry: Entry, document: Document, complain: Complain) -> None:
    """What is left of an attempt that has been answered.  Trouble with it changes nothing about the answer."""
    try:
        document.remove()
        entry.remove()
    except (SpoolError, JournalError) as error:
        complain(error)


def attempt_facts(
    setting: Setting, qfile: QFile, terms: Terms, called: str, number: str, document: Document
) -> dict[str, object]:
    """What the scripts inside FreeSWITCH need to know, as it stands in the journal.  ``number`` is ``called`` with its
    prefix."""
    config = setting.config
    tries = qfile.number("tottries")
    without_v17, without_ecm = config.outbound.disable_v17_after_retry, config.outbound.disable_ecm_after_retry
    return {
        "job": qfile.get("jobid"), "owner": qfile.get("owner"),
        "jobtag": qfile.get("jobtag"), "mailaddr": qfile.get("mailaddr"),   # for the record, should the job be gone by then
        "number": number, "destination": called,
        "document": document.path, "first": document.first, "last": document.last, "pages": document.pages,
        "ident": terms.ident, "header": terms.header,
        "cid_number": terms.fax_number, "cid_name": caller_name(qfile, config.outbound, number, terms.fax_number),
        "ecm": qfile.number("desiredec", 2) > 0 and not 0 < without_ecm <= tries,
        # 9600 bit/s is what the next slower modem has (V.29); there is no other way to slow mod_spandsp down
        "v17": qfile.number("desiredbr", BR_14400) > BR_9600 and not 0 < without_v17 <= tries,
    }


def caller_name(qfile: QFile, settings: Outbound, number: str, own: str) -> str:
    """The caller's name shown to the far end: ``outbound.cid_name`` is sender, number (the one called), cidnum (our
    ``own``) or any other text."""
    known = {"sender": qfile.get("sender"), "number": number, "cidnum": own}
    return known.get(settings.cid_name, settings.cid_name)
