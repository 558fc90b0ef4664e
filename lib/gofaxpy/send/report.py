"""Tells HylaFAX how a job goes, while it goes: qfile, session log, events for faxq's clients, the modem's status.

The qfile is rewritten in place at each step and says ``returned:0`` until every page is confirmed: whatever happens to
this process, faxq then tries again instead of taking the fax for sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from gofaxpy import __version__
from gofaxpy.hylafax import events, fifo, modemstatus
from gofaxpy.hylafax.errors import QFileError, SpoolError
from gofaxpy.hylafax.fmttime import duration
from gofaxpy.hylafax.pages import Page, advance, leave_out, name_document, parse, release_document, remaining_pages
from gofaxpy.hylafax.params import BR_14400, EC_DISABLE, EC_ENABLE256, FaxParams
from gofaxpy.hylafax.qfile import QFile, QFileHandle
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.tiff import page_count
from gofaxpy.send import syslogged
from gofaxpy.send.due import Run, delivered_among
from gofaxpy.send.follow import Progress
from gofaxpy.send.process import is_orphan
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.transfer import params_of
from gofaxpy.values import replace

NO_CSI = "<UNSPECIFIED>"


class JobReport:
    """The reporting side of one attempt.  Holds the open, locked qfile for as long as the attempt lasts."""

    def __init__(
        self, spool: Spool, device: str, handle: QFileHandle, log: SessionLog, commid: str, announced: bool = False
    ) -> None:
        self.spool = spool
        self.device = device
        self.handle = handle
        self.log = log
        self.commid = commid
        self.started = time.time()
        # durations are the monotonic clock's: the other one may be set meanwhile
        self.began = self.page_began = self.document_began = time.monotonic()
        self.confirmed = 0                  # pages of this attempt that the far end has confirmed
        self.params = expected_params(handle.qfile)
        self.station = ""
        self.recorded = False               # the SEND record is in xferfaxlog
        self.launched = False               # from here on there may be a call
        self.announced = announced          # faxq has been told that this job's call is placed
        self._document = ""                 # the one that is sent now
        self.fax_seen = False               # a fax machine has answered
        self._connected = False             # clients have been told of a connection
        self._pages_in: dict[str, int] = {}

    # -- the job as it stands

    @property
    def jobid(self) -> str:
        return self.handle.qfile.get("jobid")

    def remaining(self) -> list[Page]:
        """The pages that are still to be transmitted.  Raises TiffError, QFileError."""
        return [page for page in remaining_pages(self.handle.qfile, self.page_count) if not page.skipped]

    def page_count(self, file: str) -> int:
        """Read once: what is told of the job must not fail because a document goes away meanwhile."""
        if file not in self._pages_in:
            self._pages_in[file] = page_count(self.spool.inside(file))
        return self._pages_in[file]

    # -- moments of an attempt

    def begin(self) -> None:
        """faxq's ``returned:7`` goes at once: a sender killed with it still there counts as failed for good."""
        qfile = self.handle.qfile
        qfile.set("returned", Returned.RETRY.value)
        qfile.set("commid", self.commid)
        self.status("Preparing")
        self.log.begin(f"gofaxpy {__version__}")
        self.announce(
            f"SEND FAX: JOB {self.jobid} DEST {qfile.get('external')} COMMID {self.commid} DEVICE '/dev/{self.device}'"
            f" FROM '{qfile.get('sender')} <{qfile.get('mailaddr')}>' USER {qfile.get('owner')}"
        )
        self.modem(modemstatus.sending_job(self.jobid))
        for item in qfile.items:    # of documents that are through: an attempt may have died before it took their own names away
            if item.op.startswith("!") and not item.file.endswith((f".{self.jobid}", ".cover")):
                self._release(f"{item.file};")

    def dialling(self, number: str, gateway: str) -> None:
        """A call is about to be placed."""
        self.log.line(f"DIAL {number} (gateway {gateway})")
        self.status(f"Dialing {number}")

    def tell(self, progress: Progress, headers: Mapping[str, str]) -> None:
        """The listener of :class:`gofaxpy.send.follow.Follower`.  A spool in trouble must not leave the call alone."""
        try:
            self._tell(progress, headers)
        except SpoolError as error:
            self.log.line(str(error))

    def _tell(self, progress: Progress, headers: Mapping[str, str]) -> None:
        if progress is Progress.CONNECTED:
            self.page_began = self.document_began = time.monotonic()
            self.status("Connected")
        elif progress is Progress.NEGOTIATED:
            self._negotiated(headers)
        elif progress is Progress.PAGE:
            self._page(headers)
        elif progress is Progress.ABORTED:
            self.announce(f"ABORT: job abort requested: {StatusCode.SEND_ABORTED.text}")
        elif progress is Progress.OVER:
            self.log.line(f"RESULT: {headers.get('fax-result-text', '')} (code {headers.get('fax-result-code', '')})")

    def _negotiated(self, headers: Mapping[str, str]) -> None:
        self.fax_seen = True
        self.station = headers.get("fax-remote-station-id", "") or self.station
        ecm = headers.get("fax-ecm-used", "") == "on"
        rate = headers.get("fax-transfer-rate", "")
        if rate.isascii() and rate.isdigit():
            negotiated = FaxParams.from_transfer(int(rate), ecm, "", "", 0)
            self.params = replace(self.params, br=negotiated.br, ec=negotiated.ec)
        if not self._connected:         # as native: once a fax machine has answered, not just anybody
            self._connected = True
            self.event(events.job_connected(self.jobid))
        self.log.line(f'REMOTE CSI "{self.station}"')
        self.log.line(f"USE {self.params.signalrate}")
        if ecm:
            self.log.line("USE error correction mode")
        self.log.line(f"USE T.38 {headers.get('fax-t38-status', 'off')}")
        qfile = self.handle.qfile
        qfile.set("csi", self.station or NO_CSI)
        qfile.set("nsf", equipment(headers.get("fax-remote-vendor", ""), headers.get("fax-remote-model", "")))
        qfile.set("signalrate", self.params.signalrate)
        qfile.set("dataformat", self.params.dataformat)
        self._next_document()
        self._leave_out()
        self.status(f"Sending page {self._next_page()}")

    def _next_document(self) -> None:
        left = self.remaining()
        if left and left[0].file != self._document:
            self._document = left[0].file
            self.log.line(f'SEND file "{self._document}"')

    def _page(self, headers: Mapping[str, str]) -> None:
        """SpanDSP counts the pages that the far end has confirmed (MCF); that count is what we go by."""
        width = headers.get("fax-image-pixel-size", "").partition("x")[0]
        if headers.get("fax-encoding-name"):
            self.params = FaxParams.from_transfer(
                self.params.rate, bool(self.params.ec), headers.get("fax-image-resolution", ""),
                headers["fax-encoding-name"], int(width) if width.isascii() and width.isdigit() else 0,
            )
            self.handle.qfile.set("dataformat", self.params.dataformat)
        count = headers.get("fax-document-transferred-pages", "")
        if count.isascii() and count.isdigit():
            self.confirm(int(count))

    def result(self, fax: FaxResult) -> None:
        """What the result of the fax says, where an event that said it was missed.  A rate alone says nothing: SpanDSP gives
        one for a call that nobody answered as a fax machine, too."""
        if fax.negotiations or fax.remote_station or fax.pages_transferred:
            self.fax_seen = True
        if not self._connected and fax.rate and (fax.remote_station or fax.pages_transferred):
            self.station = fax.remote_station
            self.handle.qfile.set("csi", self.station or NO_CSI)
            self.params = params_of(fax)
        self.confirm(fax.pages_transferred)

    def confirm(self, total: int) -> None:
        """``total`` pages of this attempt have arrived: the qfile forgets them, so nothing sends them again."""
        while self.confirmed < total:
            left = self.remaining()
            if not left:
                return
            self._confirm_one(left[0])
        if self.remaining():
            self.status(f"Sending page {self._next_page()}")

    def delivered_before(self, runs: Sequence[Run], delivered: int) -> None:
        """The first ``delivered`` pages of ``runs``, which an earlier attempt was to send, have arrived: those that the job
        still names are sent by nothing any more.  They are not counted as this attempt's."""
        qfile = self.handle.qfile
        left = self.remaining()
        arrived = delivered_among(self.spool, qfile, runs, delivered, left, self.page_count)
        front = 0
        while front < len(left) and left[front] in arrived:
            front += 1
        self.confirm(front)
        self.confirmed = 0
        arrived = delivered_among(self.spool, qfile, runs, delivered, self.remaining(), self.page_count)
        if arrived:     # behind pages that have not: the job was imaged anew
            leave_out(qfile, arrived, self.page_count)
            self.log.line(f"Leaving out {len(arrived)} pages which have arrived before")
            self.handle.rewrite()

    def _confirm_one(self, page: Page) -> None:
        now = time.monotonic()
        self.confirmed += 1
        qfile = self.handle.qfile
        before, skipped = qfile.number("npages"), qfile.number("nskip")
        finished = self._advance(1)
        self.handle.rewrite()
        self._page_done(page.file, before + 1, skipped, now - self.page_began)
        self._pages_left_out(page.file, before + 1, skipped)
        self.page_began = now
        for file in finished:
            self._release(file)
            self.log.line(
                f"SEND FAX ({self.commid}): FROM {qfile.get('mailaddr')} TO {qfile.get('external')}"
                f" ({file} sent in {duration(now - self.document_began)})"
            )
            syslogged.info(f"SEND FAX: JOB {self.jobid} SENT in {duration(now - self.document_began)}")
            self.event(events.job_document_sent(self.jobid, self._info(file, now - self.document_began)))
            self.document_began = now
            self._next_document()

    def _leave_out(self) -> None:
        """Pages at the front that are not to be sent (page ranges), which count as done once somebody is connected; a document
        of which there is none to be sent as well."""
        qfile = self.handle.qfile
        left = self.remaining()
        before, skipped = qfile.number("npages"), qfile.number("nskip")
        finished = self._advance(0)
        if left:
            self._pages_left_out(left[0].file, before, skipped)
        if finished:
            self.handle.rewrite()
        for file in finished:
            self._release(file)
            self.event(events.job_document_sent(self.jobid, self._info(file, 0)))

    def _pages_left_out(self, file: str, before: int, skipped: int) -> None:
        for number in range(before + 1, self.handle.qfile.number("npages") + 1):
            skipped += 1
            self.log.line(f"Skipping page {number}")
            self._page_done(file, number, skipped, 0)

    def _page_done(self, file: str, number: int, skipped: int, seconds: float) -> None:
        """Native's words for page ``number`` of the job, of which ``skipped`` were left out up to here."""
        qfile = self.handle.qfile
        counts = f"{number},{qfile.get('totpages', '0')},{skipped},{qfile.get('skippages', '0')}"
        self.log.line(
            f"SEND FAX ({self.commid}): FROM {qfile.get('mailaddr')} TO {qfile.get('external')}"
            f" (page {number} of {qfile.get('totpages')}[{counts}]  sent in {duration(seconds)})"
        )
        self.event(events.job_page_sent(self.jobid, replace(self._info(file, seconds), npages=number)))

    def _advance(self, pages: int) -> list[str]:
        """So many more pages are confirmed; the qfile is still to be written.  Returns the documents that are through."""
        finished = advance(self.handle.qfile, pages, self.page_count)
        for file in finished:
            name_document(self.spool, file, self.jobid)
        return finished

    def _release(self, file: str) -> None:
        try:
            release_document(self.spool, file, self.jobid)
        except SpoolError as error:
            self.log.line(str(error))

    def _info(self, file: str, seconds: float) -> events.SendInfo:
        return events.SendInfo(seconds, self.handle.qfile.number("npages"), self.params, self.commid, file)

    def _next_page(self) -> int:
        return self.handle.qfile.number("npages") + 1

    # -- the ways out of here

    def announce(self, text: str) -> None:
        """A line of the session log that the operator reads in syslog as well."""
        self.log.line(text)
        syslogged.info(text)

    def status(self, text: str) -> None:
        """What users see as the job's status while it is active."""
        self.handle.qfile.set("status", text)
        try:
            self.handle.rewrite()
        except QFileError as error:
            self.log.line(str(error))

    def modem(self, text: str) -> None:
        """What faxstat shows of the modem; without a status file there is just no such line."""
        try:
            modemstatus.write_status(self.spool, self.device, text)
        except SpoolError as error:
            self.log.line(str(error))

    def event(self, message: str) -> None:
        """Tells faxq and, through it, the clients that watch the job.  A faxq that is down misses it, and so does one that
        was started since."""
        if not is_orphan():
            fifo.send(self.spool.fifo, message)


def equipment(vendor: str, model: str) -> str:
    """``nsf`` as native writes it (faxd/NSF.c++): what SpanDSP makes of the far end's NSF frame.  bin/notify cuts it at its
    colons."""
    names = [name.strip().replace(":", " ") for name in (vendor, model)]
    return f"Equipment:{names[0] or 'unknown'} {names[1]}:Station:"


def expected_params(qfile: QFile) -> FaxParams:
    """What a call would use as far as the job says: native records this for calls that never got to a fax."""
    br = min(qfile.number("desiredbr", BR_14400), BR_14400)
    ec = EC_ENABLE256 if qfile.number("desiredec") > 0 else EC_DISABLE
    try:
        groups = parse(qfile.get("pagehandling"))
    except QFileError:
        groups = []
    return FaxParams.from_page_code(groups[0].params, br, ec) if groups else FaxParams(br=br, ec=ec)
