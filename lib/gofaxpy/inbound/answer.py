"""An incoming fax: ``inbound_fax.handler`` runs :func:`answer_fax` in the thread of the call.

Everything is checked, and everything needed is created, before the call is answered.  A call whose fax could not be kept
is refused, and its sender tries again.  The call has a journal entry from then on.  What has been received is finished
by :mod:`gofaxpy.inbound.finish`, which the handler runs or, after a crash, the recovery.

A page is confirmed to its sender only after the page and the journal entry are on the disk.  Nothing waits for the disk
before the answer: the journal entry and the file are synced in the silence after it.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from gofaxpy import __version__, operatorlog
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
from gofaxpy.setting import Setting, current_setting
from gofaxpy.switch.boundary import Call
from gofaxpy.switch.faxapp import DOCUMENT
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gofaxpy.switch.api import SwitchApi

NO_ROOM = "503 Fax Storage Unavailable"
ROOM_FOR_MARKS = 32 << 10      # octets reserved for the journal entry, which holds the duration of each page
CALLER_GONE = "The caller has hung up before the answer"


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """The facts of a call, read once and cleaned.  They come from outside: they are text and may say anything."""

    uuid: str               # the channel's
    caller_number: str      # without visual separators
    caller_name: str
    recipient: str          # the number called, by ``inbound.recipient_from``
    gateway: str            # sofia's name of the gateway, "" for a call through none

    @classmethod
    def read(cls, call: Call, config: Config) -> IncomingCall:
        """From the channel's variables, which mod_sofia sets.

        If there are several Diversion headers, ``sip_h_Diversion`` is the last one, which is the oldest.  All of them are in
        ``sip_i_diversion`` if the profile has ``parse-all-invite-headers`` (sofia.c, sofia_parse_all_invite_headers).
        """
        source = {"to": "sip_to_user", "request": "sip_req_user", "diversion": "sip_h_Diversion"}[config.inbound.recipient_from]
        all_of_them = call.get("sip_i_diversion") if source == "sip_h_Diversion" else ""
        recipient = number_of(first_of(all_of_them) or call.get(source))
        return cls(
            call.uuid, caller_of(call.get("caller_id_number")), call.get("caller_id_name"),
            recipient or number_of(call.get("destination_number")), call.get("sip_gateway") or call.get("sip_gateway_name"),
        )

    def facts(self) -> dict[str, str]:
        """As the journal entry has them."""
        return {
            "uuid": self.uuid, "caller_number": self.caller_number, "caller_name": self.caller_name,
            "recipient": self.recipient, "gateway": self.gateway,
        }


def answer_fax(call: Call, api: SwitchApi) -> None:
    """Handles an incoming call from the INVITE until faxrcvd runs in its own process."""
    setting = current_setting()
    facts = IncomingCall.read(call, setting.config)
    problem = spool_problem(setting)
    if problem:
        _no_room(setting, call, facts, problem)
        return
    modem = virtual.take(setting)
    if modem is None:
        cause = setting.config.inbound.no_modem_cause
        operatorlog.write(setting.config.log, "warning", f"call from {facts.caller_number} refused ({cause}): no modem is free")
        call.hangup(cause)
        return
    with ExitStack() as cleaning:
        cleaning.callback(modem.release)
        cleaning.enter_context(CALLS.incoming(facts.uuid))
        if modem.device != virtual.ANONYMOUS:
            cleaning.enter_context(CALLS.on_modem(setting.spool.root, modem.device, facts.uuid))
        try:
            answering = Answering(setting, call, api, facts, modem)
            entry = answering.begin()
        except (SpoolError, JournalError, OSError) as error:
            _no_room(setting, call, facts, str(error))
            return
        answering.run(entry)
    textfile.after_fax(setting, lambda text: operatorlog.write(setting.config.log, "warning", text))


def _no_room(setting: Setting, call: Call, facts: IncomingCall, problem: str) -> None:
    operatorlog.write(setting.config.log, "err", f"call from {facts.caller_number} refused: {problem}")
    call.respond(NO_ROOM)


class Answering:
    """One incoming call that has a modem, or needs none: it is screened, answered, received and finished."""

    def __init__(self, setting: Setting, call: Call, api: SwitchApi, facts: IncomingCall, modem: CallModem) -> None:
        """Takes a communication identifier and opens the session log.  Raises SpoolError."""
        self.setting = setting
        self.call = call
        self.api = api
        self.facts = facts
        self.modem = modem
        self.device = modem.device
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
        """Creates the journal entry of the call, with room for all its marks.  Raises JournalError."""
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
        """Announces, screens, answers and receives the call, then runs :func:`gofaxpy.inbound.finish.finish`."""
        facts = self.facts
        self.modem.event(events.modem_busy(self.device))
        self.modem.event(events.caller_id(self.device, [facts.caller_number, facts.caller_name, facts.recipient]))
        self.modem.event(events.modem_commid(self.device, self.commid))
        self.modem.status(modemstatus.ANSWERING)
        self.log.begin(f"gofaxpy {__version__}")
        self.log.line("CallID: " + " ".join(f'"{text}"' for text in self.info.callid))
        with entry:
            try:
                if self._screened(entry):
                    self._take(entry)
                finish(self.setting, entry, self.log)
            except PostponedError as problem:
                self.log.message("err", f"{problem}; what is left to be done is tried again until it can be done")
            finally:
                if self._recv_file >= 0:
                    os.close(self._recv_file)
                self.log.end()

    def _log_caller(self) -> None:
        for number, text in enumerate(self.info.callid, 1):
            self.log.operator("info", f'ANSWER: Call ID {number} "{text}"')

    def _screened(self, entry: Entry) -> bool:
        """Runs DynamicConfig.  False if it rejects the call, which then has got its SIP status."""
        inbound = self.setting.config.inbound
        if not inbound.dynamic_config:
            return True
        self._log_caller()
        quoted = " ".join(f'"{text}"' for text in (f"/dev/{self.device}", *self.info.callid))
        self.log.message("info", f"DynamicConfig: {inbound.dynamic_config} {quoted}")
        self.screening = screen(inbound, self.setting.spool.root, self.device, self.info.callid)
        if self.screening.problem:
            self.log.message("err", f"DynamicConfig: {self.screening.problem}")
        if self.screening.rejected:
            self.log.message("info", StatusCode.CALL_REJECTED.text)
            self.call.respond(inbound.reject_status)
            self._over(entry, StatusCode.CALL_REJECTED.text)
            return False
        return True

    def _take(self, entry: Entry) -> None:
        """Answers and receives.  However the call ends, the journal entry then says how far it came."""
        try:
            file = self._make_file(entry)
        except (SpoolError, JournalError, OSError) as error:
            self.log.message("err", f"ANSWER: refused: {error}")
            self.call.respond(NO_ROOM)
            self._over(entry, str(error))
            return
        answered = self._answer(entry)
        if not self.setting.config.inbound.dynamic_config:
            self._log_caller()      # only now: before the answer the caller would wait for syslog
        if not answered:
            self._remove_file(file)
            reason = CALLS.end_reason(self.facts.uuid) or CALLER_GONE
            self.log.message("info", f"ANSWER: {reason}")
            self._over(entry, reason)
            return
        self.log.message("info", f"ANSWER: FAX CONNECTION  DEVICE '/dev/{self.device}'")
        self.log.line("RECV FAX: begin")
        self.modem.status(modemstatus.RECEIVING)
        self.modem.event(events.recv_begin(self.device))
        try:
            Receiving(
                self.setting, self.call, self.api, self.modem, self.log, replace(self.info, qfile=file), self.screening,
                self.came_in,
            ).receive(entry)
        finally:
            self.modem.event(events.recv_end(self.device))

    def _make_file(self, entry: Entry) -> str:
        """Creates the file in recvq and notes its name in the journal entry.  Raises SpoolError, JournalError, OSError."""
        mode = self.screening.recv_file_mode or self.setting.config.inbound.recv_file_mode
        file, self._recv_file = create_recv_file(self.setting, file_mode(mode))
        # the descriptor holds HylaFAX's lock on the file until the fax is tagged and recorded
        try:
            if not self.call.set(DOCUMENT, self.setting.spool.inside(file)):
                raise SpoolError(f"{self.setting.spool.root}: FreeSWITCH cannot be given this path (hylafax.spooldir)")
            entry.note(Step.RECEIVING, file=file, faxrcvd=self.screening.faxrcvd)
        except (SpoolError, JournalError):
            self._remove_file(file)
            raise
        return file

    def _remove_file(self, file: str) -> None:
        """Removes the file of a call on which no fax was received."""
        with suppress(OSError):
            os.unlink(self.setting.spool.inside(file))

    def _answer(self, entry: Entry) -> bool:
        """Rings and answers.  False if the caller has hung up."""
        call, inbound = self.call, self.setting.config.inbound
        if inbound.answer_after:
            call.execute("ring_ready")
            call.sleep(inbound.answer_after)
        call.execute("answer")      # does nothing if the caller has hung up
        try:
            entry.sync()
            fsync_directory(self.setting.spool.path("recvq"))
        except (JournalError, OSError) as error:    # the fax is received all the same; only a power failure could lose it
            self.log.message("err", str(error))
        if inbound.wait_time:
            call.sleep(inbound.wait_time)
        return call.ready()

    def _over(self, entry: Entry, reason: str) -> None:
        """Notes that the call has ended before a fax began, and why."""
        entry.mark(Step.RECEIVED, file="", reason=reason, seconds=time.monotonic() - self.came_in)
