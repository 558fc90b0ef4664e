"""Tells HylaFAX how a job goes, while it goes: qfile, session log, events for faxq's clients, the modem's status.

The qfile is rewritten in place at each step and says ``returned:0`` until every page is confirmed: whatever happens to
this process, faxq then tries again instead of taking the fax for sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from gofaxpy import __version__
from gofaxpy.hylafax import events, fifo, modemstatus
from gofaxpy.hylafax.errors import QFileError, SpoolError
from gofaxpy.hylafax.fmttime import duration
from gofaxpy.hylafax.pages import Page, advance, parse, release_document, remaining_pages
from gofaxpy.hylafax.params import BR_14400, EC_DISABLE, EC_ENABLE256, FaxParams
from gofaxpy.hylafax.qfile import QFile, QFileHandle
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import Spool
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.tiff import page_count
from gofaxpy.send.follow import Progress
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
        self.page_began = self.started
        self.document_began = self.started
        self.confirmed = 0                  # pages of this attempt that the far end has confirmed
        self.params = expected_params(handle.qfile)
        self.station = ""
        self.launched = False               # from here on there may be a call
        self.announced = announced          # faxq has been told that this job's call is placed
        self._pages_in: dict[str, int] = {}

    # -- the job as it stands

    @property
    def jobid(self) -> str:
        return self.handle.qfile.get("jobid")

    def remaining(self) -> list[Page]:
        """The pages that are still to be transmitted.  Raises TiffError, QFileError."""
        return [page for page in remaining_pages(self.handle.qfile, self._count) if not page.skipped]

    def _count(self, file: str) -> int:
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
        self.log.line(
            f"SEND FAX: JOB {self.jobid} DEST {qfile.get('external')} COMMID {self.commid} DEVICE '/dev/{self.device}'"
            f" FROM '{qfile.get('sender')} <{qfile.get('mailaddr')}>' USER {qfile.get('owner')}"
        )
        self.modem(modemstatus.sending_job(self.jobid))

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
            self.page_began = self.document_began = time.time()
            advance(self.handle.qfile, 0, self._count)     # pages that are left out at the front
            self.status("Connected")
            self.event(events.job_connected(self.jobid))
        elif progress is Progress.NEGOTIATED:
            self._negotiated(headers)
        elif progress is Progress.PAGE:
            self._page(headers)
        elif progress is Progress.ABORTED:
            self.log.line(f"ABORT: job abort requested: {StatusCode.SEND_ABORTED.text}")
        elif progress is Progress.OVER:
            self.log.line(f"SEND FAX: {headers.get('fax-result-text', '')} (code {headers.get('fax-result-code', '')})")

    def _negotiated(self, headers: Mapping[str, str]) -> None:
        self.station = headers.get("fax-remote-station-id", "") or self.station
        ecm = headers.get("fax-ecm-used", "") == "on"
        rate = headers.get("fax-transfer-rate", "")
        if rate.isdigit():
            negotiated = FaxParams.from_transfer(int(rate), ecm, "", "", 0)
            self.params = replace(self.params, br=negotiated.br, ec=negotiated.ec)
        self.log.line(f'REMOTE CSI "{self.station}"')
        self.log.line(f"USE {self.params.signalrate}")
        if ecm:
            self.log.line("USE error correction mode")
        self.log.line(f"USE T.38 {headers.get('fax-t38-status', 'off')}")
        qfile = self.handle.qfile
        qfile.set("csi", self.station or NO_CSI)
        qfile.set("signalrate", self.params.signalrate)
        qfile.set("dataformat", self.params.dataformat)
        self.status(f"Sending page {self._next_page()}")

    def _page(self, headers: Mapping[str, str]) -> None:
        """SpanDSP counts the pages that the far end has confirmed (MCF); that count is what we go by."""
        width = headers.get("fax-image-pixel-size", "").partition("x")[0]
        if headers.get("fax-encoding-name"):
            self.params = FaxParams.from_transfer(
                self.params.rate, bool(self.params.ec), headers.get("fax-image-resolution", ""),
                headers["fax-encoding-name"], int(width) if width.isdigit() else 1728,
            )
            self.handle.qfile.set("dataformat", self.params.dataformat)
        count = headers.get("fax-document-transferred-pages", "")
        if count.isdigit():
            self.confirm(int(count))

    def confirm(self, total: int) -> None:
        """``total`` pages of this attempt have arrived: the qfile forgets them, so nothing sends them again."""
        while self.confirmed < total:
            left = self.remaining()
            if not left:
                return
            self._confirm_one(left[0])
        if self.remaining():
            self.status(f"Sending page {self._next_page()}")

    def _confirm_one(self, page: Page) -> None:
        now = time.time()
        self.confirmed += 1
        qfile = self.handle.qfile
        finished = advance(qfile, 1, self._count)
        self.handle.rewrite()
        counts = ",".join(qfile.get(tag, "0") for tag in ("npages", "totpages", "nskip", "skippages"))
        self.log.line(
            f"SEND FAX ({self.commid}): FROM {qfile.get('mailaddr')} TO {qfile.get('external')}"
            f" (page {qfile.get('npages')} of {qfile.get('totpages')}[{counts}]  sent in {duration(now - self.page_began)})"
        )
        self.event(events.job_page_sent(self.jobid, self._info(page.file, now - self.page_began)))
        self.page_began = now
        for file in finished:
            self._release(file)
            self.log.line(
                f"SEND FAX ({self.commid}): FROM {qfile.get('mailaddr')} TO {qfile.get('external')}"
                f" ({file} sent in {duration(now - self.document_began)})"
            )
            self.event(events.job_document_sent(self.jobid, self._info(file, now - self.document_began)))
            self.document_began = now

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
        """Tells faxq and, through it, the clients that watch the job.  A faxq that is down misses it."""
        fifo.send(self.spool.fifo, message)


def expected_params(qfile: QFile) -> FaxParams:
    """What a call would use as far as the job says: native records this for calls that never got to a fax."""
    br = min(qfile.number("desiredbr", BR_14400), BR_14400)
    ec = EC_ENABLE256 if qfile.number("desiredec") > 0 else EC_DISABLE
    try:
        groups = parse(qfile.get("pagehandling"))
    except QFileError:
        groups = []
    return FaxParams.from_page_code(groups[0].params, br, ec) if groups else FaxParams(br=br, ec=ec)
