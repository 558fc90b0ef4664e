"""An incoming fax: ``inbound_fax.handler`` runs :func:`answer_fax` in the thread of the call.

All that can be wrong is looked at before the call is answered, so that a fax we could not keep is refused and its
sender tries again.  From the answer on the journal knows of the call; what has been received is finished by
:mod:`gofaxpy.reception`, by the handler or, after a crash, by the recovery.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass

from gofaxpy import __version__, modems, reception
from gofaxpy import setting as settings
from gofaxpy.calls import CALLS
from gofaxpy.config import Config
from gofaxpy.hylafax import events, modemstatus
from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.sequence import commid as next_commid
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.journal import Entry, JournalError, Step, call_name
from gofaxpy.metrics import textfile
from gofaxpy.modems import Line
from gofaxpy.receiving import Reception
from gofaxpy.recipient import number_of
from gofaxpy.recvfile import create_recv_file, file_mode, spool_problem
from gofaxpy.screening import Screening, screen
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import Call, log
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.receiving import SwitchApi

NO_ROOM = "503 Fax Storage Unavailable"


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
        recipient = number_of(call.get(source[config.inbound.recipient_from]))
        return cls(
            call.uuid, call.get("caller_id_number"), call.get("caller_id_name"),
            recipient or number_of(call.get("destination_number")), call.get("sip_gateway") or call.get("sip_gateway_name"),
        )

    def facts(self) -> dict[str, str]:
        """As they stand in the journal."""
        return {
            "uuid": self.uuid, "caller_number": self.caller_number, "caller_name": self.caller_name,
            "recipient": self.recipient, "gateway": self.gateway,
        }


def answer_fax(call: Call, api: SwitchApi) -> None:
    """The whole of an incoming call, up to faxrcvd running on its own."""
    setting = settings.current(lambda text: log("warning", text))
    facts = IncomingCall.read(call, setting.config)
    problem = spool_problem(setting)
    if problem:
        _no_room(call, facts, problem)
        return
    line = modems.take(setting)
    if line is None:
        log("warning", f"{facts.uuid}: call from {facts.caller_number} refused: no modem is free")
        call.hangup(setting.config.inbound.no_modem_cause)
        return
    with ExitStack() as cleaning:
        cleaning.callback(line.release)
        if line.device != modems.ANONYMOUS:
            cleaning.enter_context(CALLS.on_modem(line.device, facts.uuid))
        try:
            answering = Answering(setting, call, api, facts, line)
            entry = answering.begin()
        except (SpoolError, JournalError, OSError) as error:
            _no_room(call, facts, str(error))
            return
        answering.run(entry)
    textfile.after_fax(setting, lambda text: log("warning", text))


def _no_room(call: Call, facts: IncomingCall, problem: str) -> None:
    log("err", f"{facts.uuid}: call from {facts.caller_number} refused: {problem}")
    call.execute("respond", NO_ROOM)


class Answering:
    """One incoming call that there is a place for: screened, answered, received, finished."""

    def __init__(self, setting: Setting, call: Call, api: SwitchApi, facts: IncomingCall, line: Line) -> None:
        self.setting = setting
        self.call = call
        self.api = api
        self.facts = facts
        self.line = line
        self.device = line.device
        self.started = time.time()
        self._recv_file = -1
        self.commid = next_commid(setting.spool)
        self.log = SessionLog.create(setting.spool, self.commid, digits(setting.config.freeswitch.ident))
        self.info = events.RecvInfo(
            commid=self.commid, callid=(facts.caller_number, facts.caller_name, facts.recipient, facts.gateway),
        )
        self.screening = Screening()

    def begin(self) -> Entry:
        """The journal knows of the call from here on.  Raises JournalError."""
        try:
            return self.setting.journal.create(
                call_name(self.commid), Step.ACCEPTED, commid=self.commid, device=self.device, pid=os.getpid(),
                started=self.started, fax_number=self.setting.config.freeswitch.ident, **self.facts.facts(),
            )
        except JournalError:
            self.log.close()
            raise

    def run(self, entry: Entry) -> None:
        """Shows the call, asks DynamicConfig, rings, answers, receives, and hands over to :mod:`gofaxpy.reception`."""
        facts = self.facts
        self.line.event(events.modem_busy(self.device))
        self.line.event(events.caller_id(self.device, [facts.caller_number, facts.caller_name, facts.recipient]))
        self.line.event(events.modem_commid(self.device, self.commid))
        self.line.status(modemstatus.ANSWERING)
        self.log.begin(f"gofaxpy {__version__}")
        self.log.line(f'CallID: "{facts.caller_number}" "{facts.caller_name}" "{facts.recipient}" "{facts.gateway}"')
        with entry:
            try:
                if self._screened(entry):
                    self._take(entry)
                reception.finish(self.setting, entry, self.log)
            finally:
                if self._recv_file >= 0:
                    os.close(self._recv_file)
                self.log.line("RECV FAX: end")
                self.log.end()
                if self.log.error:
                    log("err", f"{facts.uuid}: {self.log.error}")

    def _screened(self, entry: Entry) -> bool:
        """Asks DynamicConfig.  False if the call is rejected, which the caller's switch has then been told."""
        inbound = self.setting.config.inbound
        if not inbound.dynamic_config:
            return True
        quoted = " ".join(f'"{text}"' for text in (f"/dev/{self.device}", *self.info.callid))
        self.log.line(f"DynamicConfig: {inbound.dynamic_config} {quoted}")
        self.screening = screen(inbound, self.setting.spool.root, self.device, self.info.callid)
        if self.screening.problem:
            self.log.line(f"DynamicConfig: {self.screening.problem}")
            log("err", f"{self.facts.uuid}: DynamicConfig: {self.screening.problem}")
        if self.screening.rejected:
            self.log.line(StatusCode.CALL_REJECTED.text)
            self.call.execute("respond", str(inbound.reject_status))
            self._over(entry, StatusCode.CALL_REJECTED.text)
            return False
        return True

    def _take(self, entry: Entry) -> None:
        """The call itself.  Whatever ends it, the journal says afterwards how far it got."""
        problem = self._answer()
        if problem:
            self.log.line(f"ANSWER: {problem}")
            self._over(entry, CALLS.ended(self.facts.uuid) or problem)
            return
        self.log.line(f"ANSWER: FAX CONNECTION  DEVICE '/dev/{self.device}'")
        self.log.line("RECV FAX: begin")
        self.line.status(modemstatus.RECEIVING)
        self.line.event(events.recv_begin(self.device))
        try:
            mode = self.screening.recv_file_mode or self.setting.config.inbound.recv_file_mode
            file, fd = create_recv_file(self.setting, file_mode(mode))
        except (SpoolError, OSError) as error:
            self.call.hangup("NORMAL_TEMPORARY_FAILURE")
            self._over(entry, str(error))
            return
        self._recv_file = fd     # HylaFAX's lock on it stays until the fax is tagged and recorded
        try:
            entry.mark(Step.RECEIVING, file=file, faxrcvd=self.screening.faxrcvd)
            Reception(
                self.setting, self.call, self.api, self.line, self.log, replace(self.info, qfile=file), self.screening,
                self.started,
            ).receive(entry)
        finally:
            self.line.event(events.recv_end(self.device))

    def _over(self, entry: Entry, reason: str) -> None:
        """The call has ended before there was a file for its fax."""
        entry.mark(Step.RECEIVED, file="", reason=reason, seconds=time.time() - self.started)

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
