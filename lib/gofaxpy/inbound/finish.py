"""The steps from a received fax to faxrcvd, after its call is over.  Each step is done once.

Each step is marked in the call's journal entry.  The call's handler does the steps right after the call.  After a crash
the recovery goes on from the last mark: a fax that has reached the disk is tagged, recorded and announced.

Only two marks wait for the disk: ``RECEIVED``, before the call is hung up, and ``ANNOUNCING``, which brings the marks
between them to the disk as well.  So after a power failure tagging may be done again, which changes nothing, and records
are searched for in xferfaxlog before they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from gofaxpy.calls.registry import PROCESS
from gofaxpy.hylafax import xferfaxlog
from gofaxpy.hylafax.errors import SpoolError
from gofaxpy.hylafax.recvtags import UNSPECIFIED
from gofaxpy.inbound import announce
from gofaxpy.inbound.calllog import CallLog
from gofaxpy.inbound.recvq import Sender, check_room, pages_saved, put_away, sender_of_file, tag
from gofaxpy.inbound.result import NOT_KEPT, reason_of, spoke_fax, transfer_params
from gofaxpy.journal import Entry, JournalError, Mark, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_ANNOUNCEMENTS = 3      # starts of faxrcvd for one fax
DIED_BEFORE_THE_ANSWER = "FreeSWITCH ended before the fax began"
DIED_IN_THE_FAX = "FreeSWITCH ended while the fax came in"
NO_RESULT = "The result of the fax could not be noted"


@dataclass(frozen=True, slots=True)
class Received:
    """What the journal and the file say about a call that is over."""

    facts: Mapping[str, Any]    # of the marks ACCEPTED, RECEIVING and RECEIVED
    fax: FaxResult | None       # None: no result was noted
    file: str                   # relative to the spool, "" for none
    pages: int                  # that can be read from the file
    sender: Sender
    reason: str                 # why the fax or the call failed, "" if it did not

    @classmethod
    def read(cls, setting: Setting, marks: Mapping[Step, Mark]) -> Received:
        """From the marks of the entry and from the file.  Raises OSError if the file cannot be read at the moment."""
        facts = {**marks[Step.ACCEPTED].facts}
        for step in (Step.RECEIVING, Step.RECEIVED):
            if step in marks:
                facts |= marks[step].facts
        fax = FaxResult.from_facts(facts.get("fax") or {})
        file = str(facts.get("file", ""))
        pages = pages_saved(setting.spool.inside(file)) if file else 0
        reason = str(facts.get("reason") or "")
        if Step.RECEIVED in marks:
            reason = reason or reason_of(fax)
        elif Step.RECEIVING not in marks:
            reason = DIED_BEFORE_THE_ANSWER
        else:
            reason = NO_RESULT if facts.get("process") == PROCESS else DIED_IN_THE_FAX
        if not reason and fax is not None and pages < fax.pages_transferred:
            reason = f"{NOT_KEPT}: {pages} of {fax.pages_transferred} are there"
        sender = Sender(fax.remote_station, transfer_params(fax)) if fax is not None else Sender()
        if fax is None and pages:
            sender = sender_of_file(setting.spool.inside(file))
        return cls(facts, fax, file, pages, sender, reason)

    @property
    def call_ids(self) -> list[str]:
        """CallID1… in GOfax.IP's order: number, name, recipient, gateway."""
        return [str(self.facts.get(name, "")) for name in ("caller_number", "caller_name", "recipient", "gateway")]

    @property
    def seconds(self) -> float:
        """The duration of the call."""
        return float(self.facts.get("seconds", 0))

    @property
    def page_seconds(self) -> list[float]:
        """The duration of each page; an even share of the fax for pages whose event did not come."""
        seen = [float(value) for value in self.facts.get("page_seconds", [])]
        share = float(self.facts.get("fax_seconds", 0)) / max(self.pages, 1)
        return seen + [share] * (self.pages - len(seen))


def finish(setting: Setting, entry: Entry, log: CallLog, again: bool = False) -> None:
    """Does the steps that are not marked in the entry.  The caller holds the entry's lock.

    ``again``: an earlier process has begun; it may have done the next step and died before it marked it.

    At the end the runner of faxrcvd holds the entry's lock.  It removes the entry when faxrcvd has ended.

    If faxrcvd was started but its end was not noted (the machine died), it is run again: the same fax twice in a mailbox
    is better than none.  It is started three times at most, so that a fax that crashes the machine does not go on doing
    so.  A start that failed does not count.

    Raises PostponedError if the disk is full: a fax that could not be recorded could not be mailed either.  Raises
    JournalError if a step cannot be marked, OSError if the file cannot be read; the recovery then goes on later.
    """
    history = entry.marks()
    marks = {mark.step: mark for mark in history}
    if Step.ACCEPTED not in marks or Step.ANNOUNCED in marks:
        entry.remove()      # the process died before the first mark was written, or after everything was done
        return
    received = Received.read(setting, marks)
    if again and Step.RECORDED not in marks:
        log.message("notice", f"RECV FAX: {received.reason or 'the fax is complete'}; what was left undone is done now")
    if Step.TAGGED not in marks or again:
        if received.pages:
            tag(setting.spool.inside(received.file), received.sender, received.call_ids, received.page_seconds, log)
        elif received.file:
            put_away(setting, setting.spool.inside(received.file), log)
        entry.note(Step.TAGGED, pages=received.pages)
    if Step.RECORDED not in marks:
        _record(setting, received, log, again)
        entry.note(Step.RECORDED)
    if spoke_fax(received.fax, received.pages):
        steps = [mark.step for mark in history]
        _announce(setting, entry, received, log, steps.count(Step.ANNOUNCING) - steps.count(Step.UNANNOUNCED))
    else:
        entry.remove()      # the far end was no fax machine: native HylaFAX runs no faxrcvd either
    if received.file and Step.ANNOUNCING not in marks:
        log.line("RECV FAX: end")
    if received.reason and Step.ANNOUNCING not in marks:
        log.line(received.reason)


def _announce(setting: Setting, entry: Entry, received: Received, log: CallLog, begun: int) -> None:
    if begun >= MOST_ANNOUNCEMENTS:
        log.message("err", f"RECV FAX: faxrcvd has been begun {begun} times without an end; {received.file} is given up")
        entry.remove()
        return
    try:
        entry.mark(Step.ANNOUNCING)
    except JournalError:
        with suppress(JournalError):
            entry.note(Step.UNANNOUNCED)    # ANNOUNCING may be in the file all the same, and no faxrcvd runs
        raise
    facts, fax = received.facts, received.fax
    environment = {
        "HANGUPCAUSE": str(facts.get("hangup_cause", "")), "TRANSFER_RATE": str(fax.rate if fax is not None else 0),
    }
    faxrcvd = str(facts.get("faxrcvd") or setting.config.inbound.faxrcvd)
    arguments = [received.file, str(facts["device"]), str(facts["commid"]), received.reason, *received.call_ids]
    log.message("info", f"RECV FAX: {faxrcvd} " + " ".join(f'"{argument}"' for argument in arguments))
    try:
        announce.start(setting, entry, faxrcvd, arguments, environment)
    except OSError as error:
        log.message("err", f"RECV FAX: {faxrcvd} could not be started: {error}; it is tried again")
        entry.note(Step.UNANNOUNCED)


def _record(setting: Setting, received: Received, log: CallLog, again: bool) -> None:
    """Writes the RECV record of the fax and the CALL record of its call, as faxgetty does (faxd/FaxAcctInfo.c++).

    ``again``: records that are in xferfaxlog already are left out.  Raises PostponedError if the disk is full.
    """
    path = setting.xferfaxlog
    if not path:
        return
    facts = received.facts
    number, name, *rest = received.call_ids
    call = xferfaxlog.Record(
        xferfaxlog.RecordType.CALL, float(facts["started"]), str(facts["commid"]), str(facts["device"]),
        dest=str(facts.get("fax_number", "")), reason=received.reason, cid_name=name, cid_number=number,
        cid_rest="::".join(rest), job_seconds=received.seconds, conn_seconds=received.seconds,
    )
    records = [call] if setting.config.inbound.log_calls else []
    if spoke_fax(received.fax, received.pages):
        seconds = float(facts.get("fax_seconds", 0))
        params = received.sender.params
        records.insert(0, replace(
            call, type=xferfaxlog.RecordType.RECV, start=float(facts.get("fax_started", facts["started"])),
            jobid=received.file, station=received.sender.station or UNSPECIFIED, params=params, pages=received.pages,
            job_seconds=seconds, conn_seconds=seconds, dcs=params.dcs(),
        ))
    if again:
        records = [record for record in records if not xferfaxlog.is_recorded(path, record)]
    try:
        xferfaxlog.append(path, *records, sync=True)
    except (SpoolError, OSError) as error:
        check_room(error)
        log.message("err", f"{' and '.join(record.type.value for record in records)} could not be recorded: {error}")
