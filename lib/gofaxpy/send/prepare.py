"""What is to be sent, made of a job: the pages that are left, the number, the terms, and one document for the call.

:func:`prepare` gives either that or an ending: why nothing can be sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from gofaxpy.config.keys import Outbound
from gofaxpy.hylafax.errors import SpoolError, is_of_the_machine
from gofaxpy.hylafax.pages import Page
from gofaxpy.hylafax.params import BR_9600, BR_14400
from gofaxpy.hylafax.qfile import QFile
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.outcome.causes import Stage
from gofaxpy.outcome.judge import Ending
from gofaxpy.outcome.limits import used_up
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.document import Document, DocumentError, compose
from gofaxpy.send.due import noted, pages_sent, same_fax
from gofaxpy.send.terms import Terms, settle_terms
from gofaxpy.switch.dialstring import DialstringError, destination, dialable
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.values import frozen

NOT_PREPARED = "{} was not made into a fax, being `{}` to HylaFAX: submit it as PostScript, PDF or TIFF"
NO_DOCUMENT = "The job has no document left, though none of its pages was sent: submit it again"
NO_PAGE = "None of the job's pages is among those that it says are to be sent"
NOT_SAID = "The job's subaddress and password (SUB, PWD of T.30) are not sent: mod_spandsp has no way to say them"


@frozen
class Prepared:
    """What is to be sent."""

    terms: Terms
    called: str             # the number of the destination
    number: str             # the same with its prefix, as it is dialled
    pages: Sequence[Page]
    document: Document


def rejected(reason: str, final: bool = True, refusal: StatusCode = StatusCode.REJECTED) -> Ending:
    """The ending of a job that cannot be sent as it is; one that is not ``final`` may be sent later."""
    return Ending(Stage.NOT_DIALLED, rejected=final, reason=reason, refusal=refusal)


def prepare(attempt: Attempt) -> Prepared | Ending:
    """What is to be sent for the job, or why nothing is.  Raises SpoolError."""
    pages = pages_of(attempt)
    if isinstance(pages, Ending):
        return pages
    spent = used_up(attempt.qfile)
    if spent is not None:
        return rejected(spent.text, refusal=spent.code)
    if attempt.qfile.get("subaddr") or attempt.qfile.get("passwd"):
        attempt.announce(NOT_SAID)
    try:    # first of all: scripts compare the number that is dialled
        called = destination(attempt.qfile.get(attempt.setting.config.outbound.dial))
    except DialstringError as error:
        return rejected(str(error))
    terms = _terms(attempt, called)
    if isinstance(terms, Ending):
        return terms
    try:
        number = dialable(terms.prefix + called)
        document = compose(attempt.spool, pages, attempt.name)
    except DialstringError as error:
        return rejected(str(error))
    except DocumentError as error:
        return rejected(str(error), final=not error.again)
    return Prepared(terms, called, number, pages, document)


def pages_of(attempt: Attempt) -> Sequence[Page] | Ending:
    """The pages that are still to be sent, at least one."""
    items = attempt.qfile.items
    if any(item.op == "poll" for item in items):
        # SpanDSP could, mod_spandsp cannot; documents that the job has besides are not sent half-way
        return rejected("", refusal=StatusCode.NO_POLLING)
    unprepared = [item for item in items if item.op != "fax" and not item.op.startswith("!")]
    if unprepared:      # faxq leaves them so: whatever a client uploads that hfaxd takes for none of its formats is `data`
        return rejected(NOT_PREPARED.format(unprepared[0].file, unprepared[0].op))
    try:
        pages = attempt.remaining()
    except SpoolError as error:     # a document that cannot be read, or that is not in the spool
        return rejected(str(error), final=not is_of_the_machine(error))
    if pages:
        return pages
    if not attempt.qfile.number("npages"):      # its documents have got lost, and it must not pass for done
        return rejected(NO_PAGE if any(item.op == "fax" for item in items) else NO_DOCUMENT)
    attempt.log.line("Every page of this job has been sent before; nothing is dialled")
    return Ending(Stage.CONNECTED, fax=FaxResult.nothing_left())


def _terms(attempt: Attempt, called: str) -> Terms | Ending:
    """What DynamicConfigOutgoing, the job and the configuration say; an ending also where the user wants none any more."""
    answer = settle_terms(attempt.setting, attempt.qfile, called, attempt.device, attempt.aborted)
    attempt.log.lines("\n".join(answer.notes))
    if not answer.refusal and not answer.trouble and not attempt.aborted():
        return answer.terms
    return Ending(
        Stage.NOT_DIALLED, aborted=attempt.aborted(), rejected=bool(answer.refusal), reason=answer.refusal or answer.trouble,
    )


def facts_of(attempt: Attempt, prepared: Prepared) -> dict[str, object]:
    """What stands in the journal at OPENED: what the scripts inside FreeSWITCH need to know, and by what a later attempt
    knows what this one was, whatever becomes of the qfile.  Raises TiffError."""
    qfile, outbound = attempt.qfile, attempt.setting.config.outbound
    terms, document = prepared.terms, prepared.document
    tries = qfile.number("tottries")
    without_v17, without_ecm = outbound.disable_v17_after_retry, outbound.disable_ecm_after_retry
    return {
        "job": qfile.get("jobid"), "owner": qfile.get("owner"),
        "jobtag": qfile.get("jobtag"), "mailaddr": qfile.get("mailaddr"),   # for the record, should the job be gone by then
        "number": prepared.number, "destination": prepared.called,
        "document": document.path, "first": document.first, "last": document.last, "pages": document.pages,
        "ident": terms.ident, "header": terms.header,
        "cid_number": terms.fax_number, "cid_name": caller_name(qfile, outbound, prepared.number, terms.fax_number),
        "ecm": qfile.number("desiredec", 2) > 0 and not 0 < without_ecm <= tries,
        # 9600 bit/s is what the next slower modem has (V.29); there is no other way to slow mod_spandsp down
        "v17": qfile.number("desiredbr", BR_14400) > BR_9600 and not 0 < without_v17 <= tries,
        "device": attempt.device, "same": same_fax(qfile, outbound.dial), "due": noted(attempt, prepared.pages),
        "sent": pages_sent(qfile), "totdials": qfile.number("totdials"),
    }


def caller_name(qfile: QFile, settings: Outbound, number: str, own: str) -> str:
    """The caller's name shown to the far end: ``outbound.cid_name`` is sender, number (the one called), cidnum (our
    ``own``) or any other text."""
    known = {"sender": qfile.get("sender"), "number": number, "cidnum": own}
    return known.get(settings.cid_name, settings.cid_name)
