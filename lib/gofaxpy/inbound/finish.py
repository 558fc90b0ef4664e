"""What happens to a received fax once its call is over, step by step and each step only once.

Every step is marked in the call's journal entry.  The handler of the call goes through them right after the call, and
the recovery goes on from the last mark after a crash: a fax that reached the disk is tagged, recorded and announced.

Only two of the marks wait for the disk: ``RECEIVED``, before the far end is let go, and ``ANNOUNCING``, which takes the
others with it.  After a power failure tagging is done again, which changes nothing, and records are looked for before
they are written.
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
from gofaxpy.inbound.recvq import Told, check_room, pages_saved, put_away, tag, told_by
from gofaxpy.inbound.result import NOT_KEPT, reason_of, spoke_fax, transfer_params
from gofaxpy.journal import Entry, JournalError, Mark, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_ANNOUNCEMENTS = 3
DIED_BEFORE_THE_ANSWER = "FreeSWITCH ended before the fax began"
DIED_IN_THE_FAX = "FreeSWITCH ended while the fax came in"
NO_RESULT = "The result of the fax could not be noted"


@dataclass(frozen=True, slots=True)
class Received:
    """What the journal and the file say of a call that is over.  ``file`` is relative to the spool, ``""`` for none."""

    facts: Mapping[str, Any]
    fax: FaxResult | None
    file: str
    pages: int
    told: Told
    reason: str

    @classmethod
    def read(cls, setting: Setting, marks: Mapping[Step, Mark]) -> Received:
        """Raises OSError where the file cannot be looked into at the moment."""
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
        told = Told(fax.remote_station, transfer_params(fax)) if fax is not None else Told()
        if fax is None and pages:
            told = told_by(setting.spool.inside(file))
        return cls(facts, fax, file, pages, told, reason)

    @property
    def call_ids(self) -> list[str]:
        """CallID1… in GOfax.IP's order: number, name, recipient, gateway."""
        return [str(self.facts.get(name, "")) for name in ("caller_number", "caller_name", "recipient", "gateway")]

    @property
    def seconds(self) -> float:
        """How long the call lasted."""
        return float(self.facts.get("seconds", 0))

    @property
    def page_seconds(self) -> list[float]:
        """How long each page took; where nobody saw them come in, an even share of the fax."""
        seen = [float(value) for value in self.facts.get("page_seconds", [])]
        share = float(self.facts.get("fax_seconds", 0)) / max(self.pages, 1)
        return seen + [share] * (self.pages - len(seen))


def finish(setting: Setting, entry: Entry, log: CallLog, again: bool = False) -> None:
    """Goes through the steps that the entry does not have yet.  The entry must be locked.  ``again``: somebody else has
    begun, and may have done the next step without having lived to mark it.

    Ends with faxrcvd running on its own and holding the entry's lock; the entry goes when faxrcvd has ended.

    A faxrcvd that was begun, but whose end nobody noted (the machine died), is run again: the same fax twice in a
    mailbox is better than none.  It is begun three times at most, so that a fax that kills the machine does so no more;
    one that could not even be started does not count.

    Raises PostponedError where the disk is full: a fax that could not be recorded, or mailed, is not announced either.
    JournalError where a step cannot be noted, OSError where the file cannot be looked into: then the recovery goes on.
    """
    history = entry.marks()
    marks = {mark.step: mark for mark in history}
    if Step.ACCEPTED not in marks or Step.ANNOUNCED in marks:
        entry.remove()      # the crash came before anything was written into it, or after everything was done
        return
    received = Received.read(setting, marks)
    if again and Step.RECORDED not in marks:
        log.tell(f"RECV FAX: {received.reason or 'the fax is complete'}; what was left undone is done now", "notice")
    if Step.TAGGED not in marks or again:
        if received.pages:
            tag(setting.spool.inside(received.file), received.told, received.call_ids, received.page_seconds, log)
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
        entry.remove()      # nobody there spoke fax: native runs no faxrcvd either
    if received.file and Step.ANNOUNCING not in marks:
        log.line("RECV FAX: end")
    if received.reason and Step.ANNOUNCING not in marks:
        log.line(received.reason)


def _announce(setting: Setting, entry: Entry, received: Received, log: CallLog, begun: int) -> None:
    if begun >= MOST_ANNOUNCEMENTS:
        log.tell(f"RECV FAX: faxrcvd has been begun {begun} times without an end; {received.file} is given up", "err")
        entry.remove()
        return
    try:
        entry.mark(Step.ANNOUNCING)
    except JournalError:
        with suppress(JournalError):
            entry.note(Step.UNANNOUNCED)    # the mark may have got there all the same, and nothing runs
        raise
    facts, fax = received.facts, received.fax
    environment = {
        "HANGUPCAUSE": str(facts.get("hangup_cause", "")), "TRANSFER_RATE": str(fax.rate if fax is not None else 0),
    }
    faxrcvd = str(facts.get("faxrcvd") or setting.config.inbound.faxrcvd)
    arguments = [received.file, str(facts["device"]), str(facts["commid"]), received.reason, *received.call_ids]
    log.tell(f"RECV FAX: {faxrcvd} " + " ".join(f'"{argument}"' for argument in arguments))
    try:
        announce.start(setting, entry, faxrcvd, arguments, environment)
    except OSError as error:
        log.tell(f"RECV FAX: {faxrcvd} could not be started: {error}; it is tried again", "err")
        entry.note(Step.UNANNOUNCED)


def _record(setting: Setting, received: Received, log: CallLog, again: bool) -> None:
    """The RECV record of the fax and the CALL record of its call, as faxgetty writes them (faxd/FaxAcctInfo.c++)."""
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
        params = received.told.params
        records.insert(0, replace(
            call, type=xferfaxlog.RecordType.RECV, start=float(facts.get("fax_started", facts["started"])),
            jobid=received.file, station=received.told.station or UNSPECIFIED, params=params, pages=received.pages,
            job_seconds=seconds, conn_seconds=seconds, dcs=params.dcs(),
        ))
    if again:
        records = [record for record in records if not xferfaxlog.is_recorded(path, record)]
    try:
        xferfaxlog.append(path, *records, sync=True)
    except (SpoolError, OSError) as error:
        check_room(error)
        log.tell(f"{' and '.join(record.type.value for record in records)} could not be recorded: {error}", "err")
