"""What happens to a received fax once its call is over, step by step and each step only once.

Every step is marked in the call's journal entry.  The handler of the call goes through them right after the call, and
the recovery goes on from the last mark after a crash: a fax that reached the disk is tagged, recorded and announced.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from gofaxpy import announce
from gofaxpy.hylafax import xferfaxlog
from gofaxpy.hylafax.errors import SpoolError, TiffError
from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.recvtags import UNSPECIFIED, PageTags, description, tiff_date, write_receive_tags
from gofaxpy.hylafax.sessionlog import SessionLog
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.tiff import DATE_TIME, FAX_DCS, directories, page_count
from gofaxpy.hylafax.tiffrepair import cut_damage
from gofaxpy.journal import Entry, Mark, Step
from gofaxpy.setting import Setting
from gofaxpy.switch.boundary import log as switch_log
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


BAD = "bad"                     # in recvq: hfaxd shows no directories
MOST_ANNOUNCEMENTS = 3
TIFF_HEADER = 8     # octets; a file of no more holds nothing
NOT_KEPT = "A page could not be written to the disk"
DIED_BEFORE_THE_ANSWER = "FreeSWITCH ended before the fax began"

# What native HylaFAX calls the ends of a reception that SpanDSP names otherwise.
REASONS: dict[ResultCode, StatusCode] = {
    ResultCode.T1_EXPIRED: StatusCode.NO_SENDER,
    ResultCode.T0_EXPIRED: StatusCode.NO_SENDER,
    ResultCode.CALLDROPPED: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXP: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPD: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPDCN: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPFAX: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPMPS: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPRR: StatusCode.T2_TIMEOUT,
    ResultCode.RX_GOTDCS: StatusCode.SENDER_ABORT,
    ResultCode.CANNOT_TRAIN: StatusCode.RECEIVE_TRAINING_FAILED,
    ResultCode.FILEERROR: StatusCode.CANNOT_OPEN_RECEIVE_FILE,
}


def reason_of(fax: FaxResult | None) -> str:
    """Why a reception failed, in native's words where it has some; ``""`` for a good one."""
    if fax is None:
        return StatusCode.T2_TIMEOUT.text
    if fax.success:
        return ""
    code = REASONS.get(fax.code)
    return code.text if code is not None else fax.text or StatusCode.T2_TIMEOUT.text


def transfer_params(fax: FaxResult | None) -> FaxParams:
    """The transfer parameters as HylaFAX encodes them, from what SpanDSP reports."""
    if fax is None:
        return FaxParams()
    return FaxParams.from_transfer(fax.rate, fax.ecm, fax.resolution, fax.encoding_name, fax.pixel_width or 1728)


def finish(setting: Setting, entry: Entry, log: SessionLog, again: bool = False) -> None:
    """Goes through the steps that the entry does not have yet.  The entry must be locked.  ``again``: somebody else has
    begun, and may have done the next step without having lived to mark it.

    Ends with faxrcvd running on its own and holding the entry's lock; the entry goes when faxrcvd has ended.

    A faxrcvd that was begun, but whose end nobody noted (the machine died), is run again: the same fax twice in a
    mailbox is better than none.  It is begun three times at most, so that a fax that kills the machine does so no more.
    """
    marks = {mark.step: mark for mark in entry.marks()}
    if Step.ACCEPTED not in marks or Step.ANNOUNCED in marks:
        entry.remove()      # the crash came before anything was written into it, or after everything was done
        return
    received = marks.get(Step.RECEIVED) or marks.get(Step.RECEIVING)
    if received is None:
        entry.mark(Step.RECEIVED, file="", reason=DIED_BEFORE_THE_ANSWER)
        received = entry.marks()[-1]
    facts = {**marks[Step.ACCEPTED].facts, **_receiving(marks), **received.facts}
    fax = FaxResult.from_facts(facts.get("fax") or {})
    file = str(facts.get("file", ""))
    path = setting.spool.inside(file) if file else ""
    pages = _pages_saved(path) if path else 0
    facts["reason"] = str(facts.get("reason") or reason_of(fax))
    if not facts["reason"] and fax is not None and pages < fax.pages_transferred:
        facts["reason"] = f"{NOT_KEPT}: {pages} of {fax.pages_transferred} are there"
        switch_log("err", f"{file}: {facts['reason']}")
    if Step.TAGGED not in marks:
        if pages:
            _tag(path, facts, fax, pages, log)
        elif path:
            _put_away(setting, path, log)
        entry.mark(Step.TAGGED, pages=pages)
    if Step.RECORDED not in marks:
        _record(setting, facts, fax, pages, log, again)
        entry.mark(Step.RECORDED)
    if not spoke_fax(fax, pages):
        entry.remove()      # nobody there spoke fax: native runs no faxrcvd either
        return
    begun = sum(mark.step is Step.ANNOUNCING for mark in entry.marks())
    if begun >= MOST_ANNOUNCEMENTS:
        log.line(f"RECV FAX: faxrcvd has been begun {begun} times without an end; {file} is not announced any more")
        switch_log("err", f"{file}: faxrcvd has been begun {begun} times without an end and is given up")
        entry.remove()
        return
    entry.mark(Step.ANNOUNCING)
    environment = {
        "HANGUPCAUSE": str(facts.get("hangup_cause", "")), "TRANSFER_RATE": str(fax.rate if fax is not None else 0),
    }
    faxrcvd = str(facts.get("faxrcvd") or setting.config.inbound.faxrcvd)
    try:
        announce.start(setting, entry, faxrcvd, _faxrcvd_arguments(facts), environment, log)
    except OSError as error:
        log.line(f"RECV FAX: {faxrcvd} could not be started: {error}; it is tried again when FreeSWITCH starts")
        switch_log("err", f"{file}: {faxrcvd} could not be started: {error}")


def spoke_fax(fax: FaxResult | None, pages: int) -> bool:
    """Whether there was a fax machine at the other end, as far as can be told: only then is there a fax to speak of."""
    return bool(pages or (fax is not None and (fax.remote_station or fax.negotiations)))


def _receiving(marks: Mapping[Step, Mark]) -> dict[str, Any]:
    mark = marks.get(Step.RECEIVING)
    return mark.facts if mark is not None else {}


def _pages_saved(path: str) -> int:
    """The pages of a fax that is over.  Where a crash has broken off the end of the file, the whole ones are saved.

    Raises OSError where the file cannot be looked into at the moment (no descriptors left, an I/O error): that is no
    reason to take it for empty.
    """
    try:
        if os.stat(path).st_size <= TIFF_HEADER:
            return 0
    except FileNotFoundError:
        return 0
    try:
        return page_count(path)
    except TiffError:
        try:
            return cut_damage(path)
        except TiffError:
            return 0


def pages_on_disk(path: str) -> int:
    """How many pages can be read from the file, 0 where it is none."""
    try:
        return page_count(path)
    except (TiffError, OSError):
        return 0


def _tag(path: str, facts: Mapping[str, Any], fax: FaxResult | None, pages: int, log: SessionLog) -> None:
    """HylaFAX's tags on every page.  A file that cannot be tagged is still a fax: faxinfo just knows less of it."""
    params = transfer_params(fax)
    text = description(fax.remote_station if fax is not None else "", _call_ids(facts))
    seconds = [int(value) for value in facts.get("page_seconds", [])]
    try:
        found = directories(path)
        tags = [
            PageTags(
                params.encode(), seconds[number] if number < len(seconds) else _even_share(facts, pages),
                page.ascii(FAX_DCS) or params.dcs(), text,
                tiff_date(page.ascii(DATE_TIME)),
            )
            for number, page in enumerate(found)
        ]
        write_receive_tags(path, tags)
    except (SpoolError, OSError) as error:
        log.line(f"RECV FAX: the fax is complete, but its tags could not be written: {error}")


def _put_away(setting: Setting, path: str, log: SessionLog) -> None:
    """A file without a readable page: an empty one goes, anything else is set aside for the operator to look at."""
    try:
        if os.path.getsize(path) == 0:
            os.unlink(path)
            return
        directory = setting.spool.path("recvq", BAD)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        kept = os.path.join(directory, os.path.basename(path))
        os.rename(path, kept)
    except FileNotFoundError:
        return      # SpanDSP removes what has no page by itself
    except OSError as error:
        log.line(f"RECV FAX: {path} holds no page and could not be set aside: {error.strerror}")
        return
    log.line(f"RECV FAX: no page can be read; what there is has been set aside as {kept}")


def _even_share(facts: Mapping[str, Any], pages: int) -> int:
    return int(float(facts.get("seconds", 0)) / max(pages, 1))


def _call_ids(facts: Mapping[str, Any]) -> list[str]:
    """CallID1… in GOfax.IP's order: number, name, recipient, gateway."""
    return [str(facts.get(name, "")) for name in ("caller_number", "caller_name", "recipient", "gateway")]


def _faxrcvd_arguments(facts: Mapping[str, Any]) -> list[str]:
    return [str(facts[name]) for name in ("file", "device", "commid", "reason")] + _call_ids(facts)


def _record(
    setting: Setting, facts: Mapping[str, Any], fax: FaxResult | None, pages: int, log: SessionLog, again: bool
) -> None:
    """The RECV record of the fax and the CALL record of its call, as faxgetty writes them (faxd/FaxAcctInfo.c++)."""
    path = setting.config.hylafax.xferfaxlog
    if not path:
        return
    reason = str(facts["reason"])
    params = transfer_params(fax)
    number, name, *rest = _call_ids(facts)
    call = xferfaxlog.Record(
        xferfaxlog.RecordType.CALL, float(facts["started"]), str(facts["commid"]), str(facts["device"]),
        dest=str(facts.get("fax_number", "")), reason=reason, cid_name=name, cid_number=number, cid_rest="::".join(rest),
        job_seconds=float(facts.get("seconds", 0)), conn_seconds=float(facts.get("seconds", 0)),
    )
    records = [call] if setting.config.inbound.log_calls else []
    if spoke_fax(fax, pages):
        seconds = float(facts.get("fax_seconds", 0))
        records.insert(0, replace(
            call, type=xferfaxlog.RecordType.RECV, start=float(facts.get("fax_started", facts["started"])),
            jobid=str(facts["file"]), station=(fax.remote_station if fax is not None else "") or UNSPECIFIED,
            params=params, pages=pages, job_seconds=seconds, conn_seconds=seconds, dcs=params.dcs(),
        ))
    there = xferfaxlog.recent(setting.spool.path(path), str(facts["commid"])) if again else frozenset()
    for record in records:
        if record.type in there:
            continue
        try:
            xferfaxlog.append(setting.spool.path(path), record)
        except (SpoolError, OSError) as error:
            log.line(f"The {record.type.value} record could not be written: {error}")
            switch_log("err", f"the {record.type.value} record of {record.commid} could not be written: {error}")
