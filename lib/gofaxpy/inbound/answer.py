"""An incoming fax: ``inbound_fax.handler`` runs :func:`answer_fax` in the thread of the call.

All that can be wrong is looked at, and all that is needed is made, before the call is answered: a fax we could not keep
is refused and its sender tries again.  The journal knows of the call from then on; what has been received is finished
by :mod:`gofaxpy.inbound.finish`, by the handler or, after a crash, by the recovery.

A sender hears of a confirmed page only after what is said of it here is on the disk.  Before the answer nothing is
waited for: the journal entry and the file are brought to the disk in the silence after it.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from gofaxpy import __version__, operatorlog
from gofaxpy import setting as settings
from gofaxpy.calls.registry import CALLS, PROCESS
from gofaxpy.commids import call_name, new_commid
from gofaxpy.config.keys import Config
from gofaxpy.hylafax import events, modemstatus
from gofaxpy.hylafax.canonical import digits
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.spool import fsync_directory
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.finish import finish
from gofaxpy.inbound.receive import Receiving
from gofaxpy.inbound.recipient import caller_of, first_of, number_of
from gofaxpy.inbound.recvq import PostponedError, create_recv_file, file_mode, spool_problem
from gofaxpy.inbound.screening import Screening, screen
from gofaxpy.journal import Entry, JournalError, Step
from gofaxpy.metrics import textfile
from gofaxpy.modems import virtual
from gofaxpy.modems.virtual import CallModem
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import Call, log
from gofaxpy.switch.faxapp import DOCUMENT
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.inbound.receive import SwitchApi

NO_ROOM = "503 Fax Storage Unavailable"
ROOM_FOR_MARKS = 32 << 10      # octets of the journal entry: the pages' times are in it
CALLER_GONE = "The caller has hung up before the answer"


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
        """From the channel's variables (mod_sofia sets them).

        Of several Diversion headers ``sip_h_Diversion`` is the last one, which is the oldest; all of them are in
        ``sip_i_diversion`` where the profile has ``parse-all-invite-headers`` (sofia.c, sofia_parse_all_invite_headers).
        """
        source = {"to": "sip_to_user", "request": "sip_req_user", "diversion": "sip_h_Diversion"}[config.inbound.recipient_from]
        all_of_them = call.get("sip_i_diversion") if source == "sip_h_Diversion" else ""
        recipient = number_of(first_of(all_of_them) or call.get(source))
        return cls(
            call.uuid, caller_of(call.get("caller_id_number")), call.get("caller_id_name"),
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
        _no_room(setting, call, facts, problem)
        return
    line = virtual.take(setting)
    if line is None:
        cause = setting.config.inbound.no_modem_cause
        operatorlog.tell(setting.config.log, "warning", f"call from {facts.caller_number} refused ({cause}): no modem is free")
        call.hangup(cause)
        return
    with ExitStack() as cleaning:
        cleaning.callback(line.release)
        cleaning.enter_context(CALLS.incoming(facts.uuid))
        if line.device != virtual.ANONYMOUS:
            cleaning.enter_context(CALLS.on_modem(setting.spool.root, line.device, facts.uuid))
        try:
            answering = Answering(setting, call, api, facts, line)
            entry = answering.begin()
        except (SpoolError, JournalError, OSError) as error:
            _no_room(setting, call, facts, str(error))
            return
        answering.run(entry)
    textfile.after_fax(setting, lambda text: operatorlog.tell(setting.config.log, "warning", text))


def _no_room(setting: Setting, call: Call, facts: IncomingCall, problem: str) -> None:
    operatorlog.tell(setting.config.log, "err", f"call from {facts.caller_number} refused: {problem}")
    call.respond(NO_ROOM)


class Answering:
    """One incoming call that there is a place for: screened, answered, received, finished."""

    def __init__(self, setting: Setting, call: Call, api: SwitchApi, facts: IncomingCall, line: CallModem) -> None:
        """Takes a communication identifier and opens the session log.  Raises SpoolError."""
        self.setting = setting
        self.call = call
        self.api = api
        self.facts = facts
        self.line = line
        self.device = line.device
        self.started, self.came_in = time.time(), time.monotonic()
        self._recv_file = -1
        self.commid = new_commid(setting.spool)
        session = SessionLog.create(setting.spool, self.commid, digits(setting.config.freeswitch.ident))
        self.log = CallLog(setting, session)
        self.info = events.RecvInfo(
            commid=self.commid, callid=(facts.caller_number, facts.caller_name, facts.recipient, facts.gateway),
        )
        self.screening = Screening()

    def begin(self) -> Entry:
        """The journal knows of the call from here on, and has room for all that it is to be told.  Raises JournalError."""
        try:
            entry = self.setting.journal.begin(
                call_name(self.commid), Step.ACCEPTED, commid=self.commid, device=self.device, pid=os.getpid(), process=PROCESS,
                started=self.started, fax_number=self.setting.config.freeswitch.ident, **self.facts.facts(),
            )
            try:
                entry.reserve(ROOM_FOR_MARKS)
            except JournalError:
                entry.remove()
                entry.close()
                raise
        except JournalError:
            self.log.discard()
            raise
        return entry

    def run(self, entry: Entry) -> None:
        """Shows the call, asks DynamicConfig, rings, answers, receives, and hands over to :mod:`gofaxpy.inbound.finish`."""
        facts = self.facts
        self.line.event(events.modem_busy(self.device))
        self.line.event(events.caller_id(self.device, [facts.caller_number, facts.caller_name, facts.recipient]))
        self.line.event(events.modem_commid(self.device, self.commid))
        self.line.status(modemstatus.ANSWERING)
        self.log.begin(f"gofaxpy {__version__}")
        self.log.line("CallID: " + " ".join(f'"{text}"' for text in self.info.callid))
        with entry:
            try:
                if self._screened(entry):
                    self._take(entry)
                finish(self.setting, entry, self.log)
            except PostponedError as problem:
                self.log.tell(f"{problem}; what is left to be done is tried again until it can be done", "err")
            finally:
                if self._recv_file >= 0:
                    os.close(self._recv_file)
                self.log.end()

    def _tell_caller(self) -> None:
        for number, text in enumerate(self.info.callid, 1):
            self.log.operator("info", f'ANSWER: Call ID {number} "{text}"')

    def _screened(self, entry: Entry) -> bool:
        """Asks DynamicConfig.  False if the call is rejected, which the caller's switch has then been told."""
        inbound = self.setting.config.inbound
        if not inbound.dynamic_config:
            return True
        self._tell_caller()
        quoted = " ".join(f'"{text}"' for text in (f"/dev/{self.device}", *self.info.callid))
        self.log.tell(f"DynamicConfig: {inbound.dynamic_config} {quoted}")
        self.screening = screen(inbound, self.setting.spool.root, self.device, self.info.callid)
        if self.screening.problem:
            self.log.tell(f"DynamicConfig: {self.screening.problem}", "err")
        if self.screening.rejected:
            self.log.tell(StatusCode.CALL_REJECTED.text)
            self.call.respond(inbound.reject_status)
            self._over(entry, StatusCode.CALL_REJECTED.text)
            return False
        return True

    def _take(self, entry: Entry) -> None:
        """The call itself.  Whatever ends it, the journal says afterwards how far it got."""
        try:
            file = self._make_file(entry)
        except (SpoolError, JournalError, OSError) as error:
            self.log.tell(f"ANSWER: refused: {error}", "err")
            self.call.respond(NO_ROOM)
            self._over(entry, str(error))
            return
        answered = self._answer(entry)
        if not self.setting.config.inbound.dynamic_config:
            self._tell_caller()     # only now: nobody waits any more
        if not answered:
            self._remove_file(file)
            reason = CALLS.ended(self.facts.uuid) or CALLER_GONE
            self.log.tell(f"ANSWER: {reason}")
            self._over(entry, reason)
            return
        self.log.tell(f"ANSWER: FAX CONNECTION  DEVICE '/dev/{self.device}'")
        self.log.line("RECV FAX: begin")
        self.line.status(modemstatus.RECEIVING)
        self.line.event(events.recv_begin(self.device))
        try:
            Receiving(
                self.setting, self.call, self.api, self.line, self.log, replace(self.info, qfile=file), self.screening,
                self.came_in,
            ).receive(entry)
        finally:
            self.line.event(events.recv_end(self.device))

    def _make_file(self, entry: Entry) -> str:
        """The file in recvq, named in the journal.  Raises SpoolError, JournalError, OSError."""
        mode = self.screening.recv_file_mode or self.setting.config.inbound.recv_file_mode
        file, self._recv_file = create_recv_file(self.setting, file_mode(mode))
        # HylaFAX's lock on it stays until the fax is tagged and recorded
        try:
            if not self.call.set(DOCUMENT, self.setting.spool.inside(file)):
                raise SpoolError(f"{self.setting.spool.root}: FreeSWITCH cannot be given this path (hylafax.spooldir)")
            entry.note(Step.RECEIVING, file=file, faxrcvd=self.screening.faxrcvd)
        except (SpoolError, JournalError):
            self._remove_file(file)
            raise
        return file

    def _remove_file(self, file: str) -> None:
        """Nothing has been received: a file that never was."""
        with suppress(OSError):
            os.unlink(self.setting.spool.inside(file))

    def _answer(self, entry: Entry) -> bool:
        """Rings and answers.  False if there is nobody to receive a fax from."""
        call, inbound = self.call, self.setting.config.inbound
        if inbound.answer_after:
            call.execute("ring_ready")
            call.sleep(inbound.answer_after)
        call.execute("answer")      # does nothing where the caller has gone
        try:
            entry.sync()
            fsync_directory(self.setting.spool.path("recvq"))
        except (JournalError, OSError) as error:    # what it says is kept all the same, unless the power fails now
            self.log.tell(str(error), "err")
        if inbound.wait_time:
            call.sleep(inbound.wait_time)
        return call.ready()

    def _over(self, entry: Entry, reason: str) -> None:
        """The call has ended before there was a fax."""
        entry.mark(Step.RECEIVED, file="", reason=reason, seconds=time.monotonic() - self.came_in)
