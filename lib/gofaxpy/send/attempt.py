"""One attempt at one job: what gofaxsend holds, and what it knows, from the first look at the qfile to its answer.

The modules beside this one are functions on an :class:`Attempt`, in the order in which they come:
:mod:`~gofaxpy.send.recover` clears up after earlier attempts, :mod:`~gofaxpy.send.prepare` makes what is to be sent,
:mod:`~gofaxpy.send.gateways` calls, :mod:`~gofaxpy.send.progress` and :mod:`~gofaxpy.send.confirm` write down how it goes, and
:mod:`~gofaxpy.send.settle` how it ended.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from gofaxpy.commids import attempt_name
from gofaxpy.hylafax import fifo, modemstatus
from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.errors import QFileError, SpoolError
from gofaxpy.hylafax.pages import Page, parse, remaining_pages
from gofaxpy.hylafax.params import BR_14400, EC_DISABLE, EC_ENABLE256, FaxParams
from gofaxpy.hylafax.qfile import QFile, QFileHandle
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.tiff import page_count
from gofaxpy.journal import Entry
from gofaxpy.send import syslogged
from gofaxpy.send.connection import Connection
from gofaxpy.send.document import Document
from gofaxpy.send.process import is_orphan
from gofaxpy.setting import Setting


class Attempt:
    """The state of one attempt.  Holds the open, locked qfile for as long as the attempt lasts."""

    def __init__(self, setting: Setting, handle: QFileHandle, commid: str, device: str, connection: Connection) -> None:
        """Opens the session log.  Raises :class:`QFileError` for a job whose number is none."""
        jobid = handle.qfile.get("jobid")
        if not (jobid.isascii() and jobid.isdigit()):       # it becomes part of file names
            raise QFileError(f"{handle.path}: {jobid[:40]!r} is no job number")
        # what it works with
        self.setting = setting
        self.spool = setting.spool
        self.handle = handle
        self.commid = commid
        self.device = device                    # the modem that faxq has chosen
        self.connection = connection
        self.aborted = connection.aborted       # says whether the user wants the job ended
        self.log = SessionLog.create(setting.spool, commid, digits(handle.qfile.get("number")))
        # what is placed
        self.document: Document | None = None   # what was made for the call
        self.entry: Entry | None = None         # of the journal, from OPENED on
        self.launched = False                   # from here on there may be a call
        self.announced = False                  # faxq has been told that this job's call is placed
        # what is heard of the far end
        self.connected = False                  # clients have been told of a connection
        self.fax_seen = False                   # a fax machine has answered
        self.station = ""                       # its CSI
        self.params = expected_params(handle.qfile)     # what the call uses, as far as it is known
        # what is confirmed
        self.confirmed = 0                      # pages of this attempt that the far end has confirmed
        self.sending = ""                       # the document that is sent now
        self.recorded = False                   # the SEND record is in xferfaxlog
        # when; durations are the monotonic clock's, because the other clock may be set meanwhile
        self.started = time.time()
        self.began = self.page_began = self.document_began = time.monotonic()
        self._pages_in: dict[str, int] = {}
        if self.log.error:                      # the fax goes all the same
            syslogged.error(f"job {jobid}: {self.log.error}")

    # -- the job as it stands

    @property
    def qfile(self) -> QFile:
        return self.handle.qfile

    @property
    def jobid(self) -> str:
        return self.handle.qfile.get("jobid")

    @property
    def name(self) -> str:
        """The name of its journal entry, and of the directory of a joined document."""
        return attempt_name(self.jobid, self.commid)

    def remaining(self) -> Sequence[Page]:
        """The pages that are still to be transmitted.  Raises TiffError, QFileError."""
        return [page for page in remaining_pages(self.handle.qfile, self.page_count) if not page.skipped]

    def page_count(self, file: str) -> int:
        """How many pages a document has.  Read once, so that nothing fails because a document goes away meanwhile."""
        if file not in self._pages_in:
            self._pages_in[file] = page_count(self.spool.inside(file))
        return self._pages_in[file]

    # -- what HylaFAX is told

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
        """Tells faxq, and through it the clients that watch the job.  A faxq that is down misses the message, and so does one
        that was started since (:func:`~gofaxpy.send.process.is_orphan`)."""
        if not is_orphan():
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
