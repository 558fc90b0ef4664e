"""Pages leave the qfile as the far end confirms them, so that nothing sends them again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gofaxpy.hylafax import events
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.fmttime import duration
from gofaxpy.hylafax.pages import Page, advance, leave_out, name_document, release_document
from gofaxpy.send import syslogged
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.due import Run, delivered_among
from gofaxpy.values import replace


def confirm(attempt: Attempt, total: int) -> None:
    """``total`` pages of this attempt have arrived: the qfile forgets them."""
    while attempt.confirmed < total:
        left = attempt.remaining()
        if not left:
            return
        _confirm_one(attempt, left[0])
    if attempt.remaining():
        attempt.status(f"Sending page {next_page(attempt)}")


def delivered_before(attempt: Attempt, runs: Sequence[Run], delivered: int) -> None:
    """The first ``delivered`` pages of ``runs``, which an earlier attempt was to send, have arrived: nothing sends any more
    those that the job still names.  They are not counted as this attempt's."""
    qfile = attempt.qfile
    left = attempt.remaining()
    arrived = delivered_among(attempt, runs, delivered, left)
    front = 0
    while front < len(arrived) and left[front] == arrived[front]:       # both are in the order of the job
        front += 1
    confirm(attempt, front)
    attempt.confirmed = 0
    if front < len(arrived):    # the others stand behind pages that have not arrived: the job was imaged anew
        arrived = delivered_among(attempt, runs, delivered, attempt.remaining())    # by their places in the job as it is now
        leave_out(qfile, arrived, attempt.page_count)
        attempt.log.line(f"Leaving out {len(arrived)} pages which have arrived before")
        attempt.handle.rewrite()


def _confirm_one(attempt: Attempt, page: Page) -> None:
    now = time.monotonic()
    attempt.confirmed += 1
    qfile = attempt.qfile
    before, skipped = qfile.number("npages"), qfile.number("nskip")
    finished = _advance(attempt, 1)
    attempt.handle.rewrite()
    _page_done(attempt, page.file, before + 1, skipped, now - attempt.page_began)
    _pages_left_out(attempt, page.file, before + 1, skipped)
    attempt.page_began = now
    for file in finished:
        release(attempt, file)
        taken = now - attempt.document_began
        attempt.log.line(
            f"SEND FAX ({attempt.commid}): FROM {qfile.get('mailaddr')} TO {qfile.get('external')}"
            f" ({file} sent in {duration(taken)})"
        )
        syslogged.info(f"SEND FAX: JOB {attempt.jobid} SENT in {duration(taken)}")
        attempt.event(events.job_document_sent(attempt.jobid, _info(attempt, file, taken)))
        attempt.document_began = now
        name_next_document(attempt)


def name_next_document(attempt: Attempt) -> None:
    """Says in the session log which document is sent from here on."""
    left = attempt.remaining()
    if left and left[0].file != attempt.sending:
        attempt.sending = left[0].file
        attempt.log.line(f'SEND file "{attempt.sending}"')


def leave_out_first(attempt: Attempt) -> None:
    """Pages at the front that are not to be sent (page ranges) count as done once a fax machine has answered; so does a
    document of which no page is to be sent."""
    qfile = attempt.qfile
    left = attempt.remaining()
    before, skipped = qfile.number("npages"), qfile.number("nskip")
    finished = _advance(attempt, 0)
    if left:
        _pages_left_out(attempt, left[0].file, before, skipped)
    if finished:
        attempt.handle.rewrite()
    for file in finished:
        release(attempt, file)
        attempt.event(events.job_document_sent(attempt.jobid, _info(attempt, file, 0)))


def _pages_left_out(attempt: Attempt, file: str, before: int, skipped: int) -> None:
    for number in range(before + 1, attempt.qfile.number("npages") + 1):
        skipped += 1
        attempt.log.line(f"Skipping page {number}")
        _page_done(attempt, file, number, skipped, 0)


def _page_done(attempt: Attempt, file: str, number: int, skipped: int, seconds: float) -> None:
    """Native's words for page ``number`` of the job, of which ``skipped`` were left out up to here."""
    qfile = attempt.qfile
    counts = f"{number},{qfile.get('totpages', '0')},{skipped},{qfile.get('skippages', '0')}"
    attempt.log.line(
        f"SEND FAX ({attempt.commid}): FROM {qfile.get('mailaddr')} TO {qfile.get('external')}"
        f" (page {number} of {qfile.get('totpages')}[{counts}]  sent in {duration(seconds)})"
    )
    attempt.event(events.job_page_sent(attempt.jobid, replace(_info(attempt, file, seconds), npages=number)))


def _advance(attempt: Attempt, pages: int) -> list[str]:
    """So many more pages are confirmed; the qfile is still to be written.  Returns the documents that are through."""
    finished = advance(attempt.qfile, pages, attempt.page_count)
    for file in finished:
        name_document(attempt.spool, file, attempt.jobid)
    return finished


def release(attempt: Attempt, file: str) -> None:
    """Takes away the job's own name of a document that is through."""
    try:
        release_document(attempt.spool, file, attempt.jobid)
    except SpoolError as error:
        attempt.log.line(str(error))


def _info(attempt: Attempt, file: str, seconds: float) -> events.SendInfo:
    return events.SendInfo(seconds, attempt.qfile.number("npages"), attempt.params, attempt.commid, file)


def next_page(attempt: Attempt) -> int:
    """The number of the page that is sent now, among all pages of the job."""
    return attempt.qfile.number("npages") + 1
