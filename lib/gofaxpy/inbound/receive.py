"""The reception itself: rxfax in the thread of the call, and what HylaFAX's clients see of it meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from gofaxpy.calls.registry import CALLS, PAGE, RESULT, WatchedCall
from gofaxpy.hylafax import events, modemstatus
from gofaxpy.hylafax.fmttime import duration
from gofaxpy.hylafax.recvtags import UNSPECIFIED
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.inbound import qualify, recvq, result
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.screening import Screening
from gofaxpy.journal import Entry, Step
from gofaxpy.modems.virtual import CallModem
from gofaxpy.setting import Setting
from gofaxpy.stations import fallback
from gofaxpy.switch.boundary import Call
from gofaxpy.switch.dialstring import fax_ident
from gofaxpy.switch.faxapp import DOCUMENT, HANG_UP_AFTER_RESULT, SECONDS_FOR_EVENTS, flag
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.switch.hangup import HangupCause
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.switch.api import SwitchApi

TIME_IS_UP = "The call has reached its time limit"


@dataclass(slots=True)
class Receiving:
    """One answered call."""

    setting: Setting
    call: Call
    api: SwitchApi
    modem: CallModem
    log: CallLog
    info: events.RecvInfo       # what clients see of the fax; qfile is its file in recvq
    screening: Screening
    came_in: float              # when the call came in, by the monotonic clock: the time of day may be set meanwhile

    def end(self, reason: str) -> None:
        """Ends the call from another thread than its own."""
        self.log.message("notice", f"RECV FAX: {reason}")
        CALLS.note_end(self.call.uuid, reason)
        self.api.command("uuid_kill", f"{self.call.uuid} NORMAL_CLEARING")

    def receive(self, entry: Entry) -> None:
        """Runs rxfax and notes its result before the call is hung up.  Raises JournalError if that cannot be noted."""
        call, inbound = self.call, self.setting.config.inbound
        self._prepare()
        fax_started, began = time.time(), time.monotonic()
        with CALLS.watch(call.uuid, limit=inbound.page_timeout) as watched:
            watcher = PageWatcher(self, watched, began)
            watched.listener = watcher.take
            call.execute("rxfax", f"${{{DOCUMENT}}}")
            fax = FaxResult.from_variables(call.get)
            if fax is not None:
                CALLS.wait_over(watched, SECONDS_FOR_EVENTS)
        now = time.monotonic()
        if fax is not None:
            fax = replace(fax, negotiations=watched.negotiations, bad_rows=max(fax.bad_rows, watched.bad_rows))
        reason = "" if fax is not None and fax.success else CALLS.end_reason(call.uuid)
        if fax is not None and result.spoke_fax(fax, fax.pages_transferred) and watcher.refuses(fax.remote_station):
            reason = StatusCode.TSI_DENIED.text     # also if the negotiation's event came too late to end the call
        # sched_hangup counts whole seconds of the clock, so it may come up to one second early (switch_scheduler.c)
        if not reason and (fax is None or not fax.success) and now - began >= inbound.call_timeout - 1:
            reason = TIME_IS_UP
        try:
            entry.mark(
                Step.RECEIVED, file=self.info.qfile, fax=fax.facts() if fax is not None else None, fax_started=fax_started,
                fax_seconds=now - began, seconds=now - self.came_in, page_seconds=watcher.page_seconds, reason=reason,
                hangup_cause=hangup_cause(call),
            )
        finally:
            call.hangup()
        self._fallback(fax)
        self._log_result(fax, reason or result.reason_of(fax), now - began)

    def _prepare(self) -> None:
        """Sets the channel variables for rxfax, and the time limit of the call."""
        config, call = self.setting.config, self.call
        t38 = config.inbound.enable_t38
        if t38 and config.freeswitch.softmodem_fallback and fallback.disabled(self.api.command, self.info.callid[0]):
            self.log.line(f"T.38 is off for {self.info.callid[0]}: mod_db has it in realm {fallback.REALM}")
            t38 = False
        call.set("fax_ident", fax_ident(self.screening.ident or config.freeswitch.ident))
        call.set("fax_enable_t38", flag(t38))
        call.set("fax_enable_t38_request", flag(t38 and config.inbound.request_t38))
        call.set("fax_verbose", flag(config.freeswitch.verbose))
        call.set("execute_on_fax_result", HANG_UP_AFTER_RESULT)
        call.execute("sched_hangup", f"+{config.inbound.call_timeout} ALLOTTED_TIMEOUT")

    def _fallback(self, fax: FaxResult | None) -> None:
        """Puts the station onto the list of those without T.38, by GOfax.IP's rule."""
        number = self.info.callid[0]
        if not self.setting.config.freeswitch.softmodem_fallback or not fallback.points_to_t38(fax):
            return
        if fallback.remember(self.api.command, number, time.time):
            self.log.line(f"T.38 will be off for {number} from now on")
        else:
            self.log.operator("notice", f"{number[:60]!r} could not be noted for calls without T.38")

    def _log_result(self, fax: FaxResult | None, reason: str, seconds: float) -> None:
        """Logs the result in the words and the order of native HylaFAX (faxd/FaxRecv.c++)."""
        tsi = (fax.remote_station if fax is not None else "") or UNSPECIFIED
        pages = fax.pages_transferred if fax is not None else 0
        if fax is not None and result.spoke_fax(fax, pages):
            self.log.message("info", f"RECV FAX ({self.info.commid}): {self.info.qfile} from {tsi}, route to <unspecified>,"
                                     f" {pages} pages in {duration(seconds)}")
            self.modem.event(events.recv_document(self.modem.device, replace(
                self.info, time=seconds, npages=pages, params=result.transfer_params(fax), sender=tsi, reason=reason,
            )))
        if reason:
            self.log.line(f"RECV FAX: {reason}")
        if reason and result.spoke_fax(fax, pages):
            self.log.message("info", f"RECV FAX ({self.info.commid}): session with {tsi} terminated abnormally: {reason}")


class PageWatcher:
    """Flushes and shows each page as it comes in.  Runs in the supervisor's thread, while the handler waits in rxfax."""

    def __init__(self, owner: Receiving, watched: WatchedCall, began: float) -> None:
        """``began``: when rxfax was started, by the monotonic clock."""
        self._owner = owner
        self._watched = watched
        self._page_began = began
        self._station = ""
        self._params = result.transfer_params(None)
        self._refused: bool | None = None       # the verdict of QualifyTSI; None: not looked up yet
        self.page_seconds: list[int] = []       # the duration of each page

    def take(self, subclass: str, headers: Mapping[str, str]) -> None:
        """Handles an event of this call (:data:`gofaxpy.calls.registry.Listener`)."""
        fax = FaxResult.from_event(headers)
        if subclass in PAGE:
            self._page(fax)
        elif subclass not in RESULT:
            self._negotiated(fax, headers.get("fax-remote-station-id", ""))
            self._owner.log.line(f"USE T.38 {headers.get('fax-t38-status', 'off')}")

    def _negotiated(self, fax: FaxResult | None, station: str) -> None:
        owner = self._owner
        self._station = station
        self._params = result.transfer_params(fax)
        owner.log.line(f'REMOTE TSI "{station or UNSPECIFIED}"')
        owner.log.line(f"REMOTE wants {self._params.signalrate}")
        owner.log.line(f"REMOTE wants {self._params.ecm}")
        if self._watched.negotiations > 1:
            owner.log.line(f"TRAINING: number {self._watched.negotiations} of this call")
        owner.modem.status(modemstatus.receiving_from(station or UNSPECIFIED))
        owner.modem.event(events.recv_start(owner.modem.device, replace(
            owner.info, sender=station, params=self._params,
        )))
        # Native HylaFAX checks the TSI here, too: after the sender has sent it, and before the first page.
        if self._watched.negotiations == 1 and self.refuses(station):
            owner.end(StatusCode.TSI_DENIED.text)

    def refuses(self, station: str) -> bool:
        """Whether QualifyTSI refuses the sender.  Its file is read once in a call."""
        owner = self._owner
        if self._refused is None and owner.screening.qualify_tsi:
            problems: list[str] = []
            path = os.path.join(owner.setting.spool.root, owner.screening.qualify_tsi)
            self._refused = not qualify.accepts(path, station or UNSPECIFIED, problems)
            for problem in problems:
                owner.log.message("warning", problem)
        return bool(self._refused)

    def _page(self, fax: FaxResult | None) -> None:
        owner = self._owner
        now = time.monotonic()
        seconds = int(now - self._page_began)
        self._page_began = now
        self.page_seconds.append(seconds)
        number = len(self.page_seconds)
        if fax is not None:
            page = result.transfer_params(fax)   # the page event has neither rate nor ECM
            self._params = replace(page, br=self._params.br, ec=self._params.ec)
        path = owner.setting.spool.inside(owner.info.qfile)
        recvq.flush(path)
        owner.log.message(
            "info", f"RECV FAX ({owner.info.commid}): from {self._station or UNSPECIFIED}, page {number} in"
                    f" {duration(seconds)}, {self._params.describe()}"
        )
        if fax is not None and fax.bad_rows:
            owner.log.line(f"RECV: page {number} has {fax.bad_rows} bad rows, {fax.longest_bad_row_run} of them together")
        owner.modem.event(events.recv_page(owner.modem.device, replace(
            owner.info, time=seconds, npages=number, params=self._params, sender=self._station,
        )))
        on_disk = recvq.pages_on_disk(path) if fax is not None else None
        if fax is not None and on_disk is not None and on_disk < fax.pages_transferred:
            # SpanDSP confirms pages that it could not write (a full disk): the call is ended, so that the sender sees a failure
            owner.end(result.NOT_KEPT)
        elif 0 < owner.screening.max_pages < number:
            # SpanDSP reports a page when it has come, but not that another one will: the limit is known to be exceeded now
            owner.end(StatusCode.MAX_PAGES_RECEIVED.text)


def hangup_cause(call: Call) -> str:
    """The hangup cause by its name, for faxrcvd's HANGUPCAUSE, as GOfax.IP gives it.

    FreeSWITCH sets its own variable only after the handler has returned.  If the caller has hung up, mod_sofia has set
    ``sip_term_cause`` (the Q.850 number).  If the call is still up, the handler ends it: NORMAL_CLEARING.
    """
    cause = HangupCause.parse(call.get("sip_term_cause"))
    return (cause if cause is not HangupCause.NONE else HangupCause.NORMAL_CLEARING).name
