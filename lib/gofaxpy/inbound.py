"""An incoming fax: ``inbound_fax.handler`` runs :func:`answer_fax` in the thread of the call.

All that can be wrong is looked at before the call is answered, so that a fax we could not keep is refused and its
sender tries again.  From the answer on the journal knows of the call; what has been received is finished by
:mod:`gofaxpy.reception`, by the handler or, after a crash, by the recovery.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gofaxpy import __version__, modems, reception
from gofaxpy import setting as settings
from gofaxpy.calls import CALLS, PAGE, RESULT, Seen
from gofaxpy.config import Config
from gofaxpy.hylafax import events, modemstatus
from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.fmttime import duration
from gofaxpy.hylafax.recvtags import UNSPECIFIED
from gofaxpy.hylafax.sequence import commid as next_commid
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.journal import Entry, Step, call_name
from gofaxpy.modems import Line
from gofaxpy.outbound import DOCUMENT, HANG_UP_AFTER_RESULT, SECONDS_FOR_EVENTS, flag
from gofaxpy.recvfile import create_recv_file, flush, spool_problem
from gofaxpy.screening import screen
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import Call, log
from gofaxpy.switch.dialstring import fax_ident
from gofaxpy.switch.faxresult import FaxResult

NO_ROOM = "503 Fax Storage Unavailable"
NO_MODEM = "USER_BUSY"


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """The facts of a call, read once and cleaned.  Nothing here may be trusted to be more than text."""

    uuid: str
    caller_number: str
    caller_name: str
    recipient: str
    gateway: str

    @classmethod
    def read(cls, call: Call, config: Config) -> IncomingCall:
        """From the channel's variables (mod_sofia sets them)."""
        source = {"to": "sip_to_user", "request": "sip_req_user", "diversion": "sip_h_Diversion"}
        recipient = call.get(source[config.inbound.recipient_from])
        return cls(
            call.uuid, call.get("caller_id_number"), call.get("caller_id_name"),
            recipient or call.get("destination_number"), call.get("sip_gateway") or call.get("sip_gateway_name"),
        )

    def facts(self) -> dict[str, str]:
        """As they stand in the journal."""
        return {
            "uuid": self.uuid, "caller_number": self.caller_number, "caller_name": self.caller_name,
            "recipient": self.recipient, "gateway": self.gateway,
        }


def answer_fax(call: Call) -> None:
    """The whole of an incoming call, up to faxrcvd running on its own."""
    setting = settings.current(lambda text: log("warning", text))
    facts = IncomingCall.read(call, setting.config)
    problem = spool_problem(setting)
    if problem:
        log("err", f"{facts.uuid}: call from {facts.caller_number} refused: {problem}")
        call.execute("respond", NO_ROOM)
        return
    line = modems.take(setting)
    if line is None:
        log("warning", f"{facts.uuid}: call from {facts.caller_number} refused: no modem is free")
        call.hangup(NO_MODEM)
        return
    try:
        Reception(setting, call, facts, line).run()
    finally:
        line.release()


class Reception:
    """One incoming call that is taken."""

    def __init__(self, setting: Setting, call: Call, facts: IncomingCall, line: Line) -> None:
        self.setting = setting
        self.call = call
        self.facts = facts
        self.line = line
        self.device = line.device
        self.ident = setting.config.freeswitch.ident
        self.started = time.time()
        self.commid = next_commid(setting.spool)
        self.log = SessionLog.create(setting.spool, self.commid, digits(setting.config.freeswitch.ident))
        self.info = events.RecvInfo(
            commid=self.commid, callid=(facts.caller_number, facts.caller_name, facts.recipient, facts.gateway),
        )

    def run(self) -> None:
        """Rings, answers, receives, and hands over to :mod:`gofaxpy.reception`."""
        facts = self.facts
        self.line.event(events.modem_busy(self.device))
        self.line.event(events.caller_id(self.device, [facts.caller_number, facts.caller_name, facts.recipient]))
        self.line.event(events.modem_commid(self.device, self.commid))
        self.line.status(modemstatus.ANSWERING)
        self.log.begin(f"gofaxpy {__version__}")
        self.log.line(f'CallID: "{facts.caller_number}" "{facts.caller_name}" "{facts.recipient}" "{facts.gateway}"')
        entry = self.setting.journal.create(
            call_name(self.commid), Step.ACCEPTED, commid=self.commid, device=self.device, pid=os.getpid(),
            started=self.started,
            fax_number=self.setting.config.freeswitch.ident, **facts.facts(),
        )
        with entry:
            try:
                if self._screened(entry):
                    self._take(entry)
                reception.finish(self.setting, entry, self.log)
            finally:
                self.log.line("RECV FAX: end")
                self.log.end()

    def _screened(self, entry: Entry) -> bool:
        """Asks DynamicConfig.  False if the call is rejected, which the caller's switch has then been told."""
        config = self.setting.config
        if not config.inbound.dynamic_config:
            return True
        quoted = " ".join(f'"{text}"' for text in (f"/dev/{self.device}", *self.info.callid))
        self.log.line(f"DynamicConfig: {config.inbound.dynamic_config} {quoted}")
        screening = screen(config.inbound, self.setting.spool.root, self.device, self.info.callid)
        if screening.problem:
            self.log.line(f"DynamicConfig: {screening.problem}")
            log("err", f"{self.facts.uuid}: DynamicConfig: {screening.problem}")
        if screening.rejected:
            self.log.line(StatusCode.CALL_REJECTED.text)
            self.call.execute("respond", str(config.inbound.reject_status))
            entry.mark(Step.RECEIVED, file="", reason=StatusCode.CALL_REJECTED.text, seconds=time.time() - self.started)
            return False
        self.ident = screening.ident or self.ident
        return True

    def _take(self, entry: Entry) -> None:
        """The call itself.  Whatever ends it, the journal says afterwards how far it got."""
        problem = self._answer()
        if problem:
            self.log.line(f"ANSWER: {problem}")
            entry.mark(Step.RECEIVED, file="", reason=problem, seconds=time.time() - self.started)
            return
        self.log.line(f"ANSWER: FAX CONNECTION  DEVICE '/dev/{self.device}'")
        self.log.line("RECV FAX: begin")
        self.line.status(modemstatus.RECEIVING)
        self.line.event(events.recv_begin(self.device))
        try:
            file, fd = create_recv_file(self.setting)
        except (SpoolError, OSError) as error:
            self.call.hangup("NORMAL_TEMPORARY_FAILURE")
            entry.mark(Step.RECEIVED, file="", reason=str(error), seconds=time.time() - self.started)
            return
        try:
            self._receive(entry, file)
        finally:
            self.line.event(events.recv_end(self.device))
            os.close(fd)

    def _answer(self) -> str:
        """Rings and answers.  Returns why there is nobody to receive a fax from, or ``""``."""
        inbound = self.setting.config.inbound
        if inbound.answer_after:
            self.call.execute("ring_ready")
            self.call.sleep(inbound.answer_after)
        if self.call.ready():
            self.call.answer()
        if self.call.ready() and inbound.wait_time:
            self.call.sleep(inbound.wait_time)
        return "" if self.call.ready() else "The caller has hung up before the answer"

    def _receive(self, entry: Entry, file: str) -> None:
        config = self.setting.config
        entry.mark(Step.RECEIVING, file=file)
        call = self.call
        call.set(DOCUMENT, self.setting.spool.inside(file))
        call.set("fax_ident", fax_ident(self.ident))
        t38 = config.inbound.enable_t38
        call.set("fax_enable_t38", flag(t38))
        call.set("fax_enable_t38_request", flag(t38 and config.inbound.request_t38))
        call.set("fax_verbose", flag(config.freeswitch.verbose))
        call.set("execute_on_fax_result", HANG_UP_AFTER_RESULT)
        call.execute("sched_hangup", f"+{config.inbound.call_timeout} ALLOTTED_TIMEOUT")
        began = time.time()
        self.info = replace(self.info, qfile=file)
        with CALLS.watch(call.uuid, limit=config.inbound.page_timeout) as seen:
            watcher = PageWatcher(self, seen, began)
            seen.listener = watcher.take
            call.execute("rxfax", f"${{{DOCUMENT}}}")
            fax = FaxResult.from_variables(call.get)
            if fax is not None:
                CALLS.wait_over(seen, SECONDS_FOR_EVENTS)
        now = time.time()
        if fax is not None:
            fax = fax.with_negotiations(seen.negotiations)
        entry.mark(
            Step.RECEIVED, file=file, fax=fax.facts() if fax is not None else None, fax_started=began,
            fax_seconds=now - began, seconds=now - self.started, page_seconds=watcher.page_seconds,
            hangup_cause=call.get("sip_hangup_disposition"),
        )
        call.hangup()
        self._log_result(file, fax, now - began)

    def _log_result(self, file: str, fax: FaxResult | None, seconds: float) -> None:
        tsi = (fax.remote_station if fax is not None else "") or UNSPECIFIED
        pages = fax.pages_transferred if fax is not None else 0
        if pages:
            self.log.line(f"RECV FAX ({self.commid}): {file} from {tsi}, route to <unspecified>, {pages} pages in"
                          f" {duration(seconds)}")
            self.line.event(events.recv_document(self.device, replace(
                self.info, time=seconds, npages=pages, params=reception.transfer_params(fax), sender=tsi,
            )))
        reason = reception.reason_of(fax)
        if reason:
            self.log.line(f"RECV FAX ({self.commid}): session with {tsi} terminated abnormally: {reason}")


class PageWatcher:
    """Shows each page as it comes in.  Runs in the supervisor's thread, while the handler sits in rxfax."""

    def __init__(self, reception_: Reception, seen: Seen, began: float) -> None:
        self._reception = reception_
        self._seen = seen
        self._page_began = began
        self._station = ""
        self._params = reception.transfer_params(None)
        self.page_seconds: list[int] = []

    def take(self, subclass: str, headers: Mapping[str, str]) -> None:
        """An event of this call (see :meth:`gofaxpy.calls.Calls.watch`)."""
        owner = self._reception
        fax = FaxResult.from_event(headers)
        if subclass in PAGE:
            self._page(fax)
        elif subclass not in RESULT:
            self._station = headers.get("fax-remote-station-id", "")
            self._params = reception.transfer_params(fax)
            owner.log.line(f'REMOTE TSI "{self._station}"')
            owner.log.line(f"REMOTE wants {self._params.signalrate}")
            owner.line.status(modemstatus.receiving_from(self._station or UNSPECIFIED))
            owner.line.event(events.recv_start(owner.device, replace(
                owner.info, sender=self._station, params=self._params,
            )))

    def _page(self, fax: FaxResult | None) -> None:
        owner = self._reception
        now = time.time()
        seconds = int(now - self._page_began)
        self._page_began = now
        self.page_seconds.append(seconds)
        number = len(self.page_seconds)
        if fax is not None:
            page = reception.transfer_params(fax)   # the page result says nothing of rate and ECM
            self._params = replace(page, br=self._params.br, ec=self._params.ec)
        flush(owner.setting.spool.inside(owner.info.qfile))
        owner.log.line(
            f"RECV FAX ({owner.commid}): from {self._station or UNSPECIFIED}, page {number} in"
            f" {duration(seconds)}, {self._params.describe()}"
        )
        owner.line.event(events.recv_page(owner.device, replace(
            owner.info, time=seconds, npages=number, params=self._params, sender=self._station,
        )))
