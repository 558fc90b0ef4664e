"""What HylaFAX is told while an attempt goes on: at its begin, at the call, and at each of the call's events.

The qfile is rewritten in place at each step and says ``returned:0`` until every page is confirmed: whatever happens to
this process, faxq then tries again instead of taking the fax for sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from gofaxpy import __version__
from gofaxpy.hylafax import events, modemstatus
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.returned import Returned
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.send.attempt import Attempt
from gofaxpy.send.call import Progress
from gofaxpy.send.confirm import confirm, leave_out_first, name_next_document, next_page, release
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.transfer import params_of
from gofaxpy.values import replace

NO_CSI = "<UNSPECIFIED>"


def begin(attempt: Attempt) -> None:
    """The attempt begins.  faxq's ``returned:7`` goes at once: a sender killed with it still there counts as failed for good."""
    qfile = attempt.qfile
    qfile.set("returned", Returned.RETRY.value)
    qfile.set("commid", attempt.commid)
    attempt.status("Preparing")
    attempt.log.begin(f"gofaxpy {__version__}")
    attempt.announce(
        f"SEND FAX: JOB {attempt.jobid} DEST {qfile.get('external')} COMMID {attempt.commid} DEVICE '/dev/{attempt.device}'"
        f" FROM '{qfile.get('sender')} <{qfile.get('mailaddr')}>' USER {qfile.get('owner')}"
    )
    attempt.modem(modemstatus.sending_job(attempt.jobid))
    for item in qfile.items:    # of documents that are through: an attempt may have died before it took their own names away
        if item.op.startswith("!") and not item.file.endswith((f".{attempt.jobid}", ".cover")):
            release(attempt, f"{item.file};")


def dialling(attempt: Attempt, number: str, gateway: str) -> None:
    """A call is about to be placed."""
    attempt.log.line(f"DIAL {number} (gateway {gateway})")
    attempt.status(f"Dialing {number}")


def listener(attempt: Attempt) -> Callable[[Progress, Mapping[str, str]], None]:
    """What :class:`gofaxpy.send.follow.Follower` tells of the call."""
    return partial(on_progress, attempt)


def on_progress(attempt: Attempt, progress: Progress, headers: Mapping[str, str]) -> None:
    """``progress`` of the call, with the headers of its event.  A spool in trouble does not end the call."""
    try:
        if progress is Progress.CONNECTED:
            attempt.page_began = attempt.document_began = time.monotonic()
            attempt.status("Connected")
        elif progress is Progress.NEGOTIATED:
            _negotiated(attempt, headers)
        elif progress is Progress.PAGE:
            _page(attempt, headers)
        elif progress is Progress.ABORTED:
            attempt.announce(f"ABORT: job abort requested: {StatusCode.SEND_ABORTED.text}")
        elif progress is Progress.OVER:
            attempt.log.line(f"RESULT: {headers.get('fax-result-text', '')} (code {headers.get('fax-result-code', '')})")
    except SpoolError as error:
        attempt.log.line(str(error))


def _negotiated(attempt: Attempt, headers: Mapping[str, str]) -> None:
    attempt.fax_seen = True
    attempt.station = headers.get("fax-remote-station-id", "") or attempt.station
    ecm = headers.get("fax-ecm-used", "") == "on"
    rate = headers.get("fax-transfer-rate", "")
    if rate.isascii() and rate.isdigit():
        negotiated = FaxParams.from_transfer(int(rate), ecm, "", "", 0)
        attempt.params = replace(attempt.params, br=negotiated.br, ec=negotiated.ec)
    if not attempt.connected:       # as native: once a fax machine has answered, not a person
        attempt.connected = True
        attempt.event(events.job_connected(attempt.jobid))
    attempt.log.line(f'REMOTE CSI "{attempt.station}"')
    attempt.log.line(f"USE {attempt.params.signalrate}")
    if ecm:
        attempt.log.line("USE error correction mode")
    attempt.log.line(f"USE T.38 {headers.get('fax-t38-status', 'off')}")
    qfile = attempt.qfile
    qfile.set("csi", attempt.station or NO_CSI)
    qfile.set("nsf", equipment(headers.get("fax-remote-vendor", ""), headers.get("fax-remote-model", "")))
    qfile.set("signalrate", attempt.params.signalrate)
    qfile.set("dataformat", attempt.params.dataformat)
    name_next_document(attempt)
    leave_out_first(attempt)
    attempt.status(f"Sending page {next_page(attempt)}")


def _page(attempt: Attempt, headers: Mapping[str, str]) -> None:
    """SpanDSP counts the pages that the far end has confirmed (MCF); that count holds."""
    width = headers.get("fax-image-pixel-size", "").partition("x")[0]
    if headers.get("fax-encoding-name"):
        attempt.params = FaxParams.from_transfer(
            attempt.params.rate, bool(attempt.params.ec), headers.get("fax-image-resolution", ""),
            headers["fax-encoding-name"], int(width) if width.isascii() and width.isdigit() else 0,
        )
        attempt.qfile.set("dataformat", attempt.params.dataformat)
    count = headers.get("fax-document-transferred-pages", "")
    if count.isascii() and count.isdigit():
        confirm(attempt, int(count))


def result(attempt: Attempt, fax: FaxResult) -> None:
    """What the result of the fax says, where an event that said it was missed.  A rate alone says nothing: SpanDSP gives one
    also for a call that no fax machine answered."""
    if fax.negotiations or fax.remote_station or fax.pages_transferred:
        attempt.fax_seen = True
    if not attempt.connected and fax.rate and (fax.remote_station or fax.pages_transferred):
        attempt.station = fax.remote_station
        attempt.qfile.set("csi", attempt.station or NO_CSI)
        attempt.params = params_of(fax)
    confirm(attempt, fax.pages_transferred)


def equipment(vendor: str, model: str) -> str:
    """``nsf`` as native writes it (faxd/NSF.c++): what SpanDSP makes of the far end's NSF frame.  bin/notify cuts it at its
    colons."""
    names = [name.strip().replace(":", " ") for name in (vendor, model)]
    return f"Equipment:{names[0] or 'unknown'} {names[1]}:Station:"
