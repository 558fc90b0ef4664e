"""What an earlier attempt at the same job has left behind, cleared up before anything is dialled.

A journal entry that is still there belongs to a gofaxsend that was killed, or that lost sight of its call.  Either
FreeSWITCH has noted the result since, or the call still goes on, or it is gone without a result.  Only in the last
case may the pages that are not confirmed be sent again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from gofaxpy.commids import commid_of
from gofaxpy.config.keys import Server
from gofaxpy.hylafax import xferfaxlog
from gofaxpy.hylafax.errors import SpoolError, is_of_the_machine
from gofaxpy.journal import Entry, JournalError, Mark, Step
from gofaxpy.outbound.joined import remove_directory
from gofaxpy.outbound.lost import Earlier, may_go_on, record_orphan
from gofaxpy.outcome import Stage
from gofaxpy.send.due import has_one_of, pages_sent, runs_of, same_fax
from gofaxpy.send.follow import SECONDS_FOR_THE_NOTE, CallIds, Follower, Progress, exists
from gofaxpy.send.launch import reconnect
from gofaxpy.send.lostcall import Fate, fate_of
from gofaxpy.send.report import JobReport
from gofaxpy.send.settle import count, write_record
from gofaxpy.setting import Setting
from gofaxpy.switch.client import EventSocketError
from gofaxpy.switch.faxresult import FaxResult
from gofaxpy.values import replace

STILL_AT_WORK = "An earlier call of this job is over, but its handler in FreeSWITCH has not noted the result yet"


def clear_up(setting: Setting, report: JobReport, aborted: Callable[[], bool]) -> str:
    """Brings the job up to date with its earlier attempts.  Returns why it cannot be dialled yet, or ``""``."""
    for name in list(setting.journal.names(f"{report.jobid}-")):
        entry = setting.journal.open(name)
        if entry is None:
            continue
        with entry:
            if not entry.lock():
                return f"An earlier attempt at this job ({name}) is still at work"
            if not _is_of_this_job(setting, report, entry):
                _count_other_number(report, entry)
                if not may_go_on(entry):        # else the sweep does this when this job is done
                    _close(setting, report, entry)
                continue
            held_up = _one(setting, report, entry, aborted)
            if held_up:
                return held_up
            entry.remove()
    _remove_documents(setting, report.jobid)
    return ""


def _is_of_this_job(setting: Setting, report: JobReport, entry: Entry) -> bool:
    """Not so of an entry of an earlier job that had the same number, or before the number to call was changed, or of one whose
    documents the job does not name.  An entry that holds nothing is anybody's."""
    opened = entry.find(Step.OPENED)
    if opened is None:
        return True
    qfile, runs = report.handle.qfile, runs_of(opened.facts)
    return opened.facts.get("same") == same_fax(qfile, setting.config.outbound.dial) and (not runs or has_one_of(qfile, runs))


def _count_other_number(report: JobReport, entry: Entry) -> None:
    """A call of this job to the number it had before is another fax, but one of the job's dials, as ``totdials`` counts them and
    ``maxdials`` limits them; it is counted once, as in :func:`account`."""
    marks, qfile = entry.marks(), report.handle.qfile
    opened = next((mark.facts for mark in marks if mark.step is Step.OPENED), {})
    runs = runs_of(opened)
    of_this_job = bool(runs) and has_one_of(qfile, runs or [])
    launched = any(mark.step is Step.LAUNCHED for mark in marks)
    if of_this_job and launched and qfile.number("totdials") <= int(opened.get("totdials", 0)):
        over = entry.find(Step.FAX_OVER)
        fax = FaxResult.from_facts(over.facts.get("fax", {})) if over is not None else None
        earlier = Earlier.of(marks, fax, fax.pages_transferred if fax is not None else 0, int(opened.get("pages", 0)))
        count(qfile, earlier.ending, earlier.verdict)
        report.handle.rewrite()


def _close(setting: Setting, report: JobReport, entry: Entry) -> None:
    """Records what another fax's attempt has sent, and removes its entry.  Where that cannot be recorded now, the entry stays
    for the next attempt or the sweep; it holds up nothing."""
    try:
        record_orphan(entry, setting.xferfaxlog)
    except SpoolError as error:
        report.log.line(f"An earlier fax of this number ({entry.name}) could not be recorded: {error}")
        return
    entry.remove()


def _remove_documents(setting: Setting, jobid: str) -> None:
    """What earlier attempts have made for their calls, also those that died before they had an entry."""
    directory = setting.spool.path("gofax", "tmp")
    with suppress(FileNotFoundError):
        for name in os.listdir(directory):
            if name.startswith(f"{jobid}-") and not os.path.exists(os.path.join(setting.journal.directory, name)):
                remove_directory(os.path.join(directory, name))


def _one(setting: Setting, report: JobReport, entry: Entry, aborted: Callable[[], bool]) -> str:
    marks = entry.marks()
    opened = next((mark for mark in marks if mark.step is Step.OPENED), None)
    if opened is None:
        return ""       # an empty entry
    launched = [mark for mark in marks if mark.step is Step.LAUNCHED]
    over = entry.find(Step.FAX_OVER)
    if over is None:
        for mark in launched:
            held_up = _wait_for(setting, report, entry, mark, aborted)
            if held_up:
                return held_up
        over = entry.find(Step.FAX_OVER)
    if launched:
        account(setting, report, entry.name, entry.marks(), over)
    return ""


def account(setting: Setting, report: JobReport, name: str, marks: list[Mark], over: Mark | None) -> None:
    """Brings qfile and xferfaxlog up to what the earlier call has delivered (``over``: its result, if there is one).

    The attempt may have died before it wrote anything, in between, or after it had settled everything but its entry.  What it
    has done is concluded from what stood in the qfile when it began, which its OPENED mark says, and not from what the
    documents are now, because a client may have changed them since.  Its pages leave the qfile once, it is counted once, and
    its pages stand in SEND records under its commid once.
    """
    opened = next(mark.facts for mark in marks if mark.step is Step.OPENED)
    qfile, due = report.handle.qfile, int(opened.get("pages", 0))
    fax = FaxResult.from_facts(over.facts.get("fax", {})) if over is not None else None
    before = max(pages_sent(qfile) - int(opened.get("sent", 0)), 0)     # what that attempt itself has written into the qfile
    delivered = max(fax.pages_transferred if fax is not None else 0, before)
    if over is None:
        report.log.line(f"The call of an earlier attempt ({name}) ended without a result; sending what is left")
    else:
        report.log.line(f"An earlier attempt ({name}) has delivered {delivered} of {due} pages")
    report.station = fax.remote_station if fax is not None else ""
    if over is not None:
        try:
            report.delivered_before(runs_of(opened) or [], delivered)
        except SpoolError as error:
            if is_of_the_machine(error):
                raise
            report.log.line(str(error))     # a document that is gone or broken: the job is refused for that
    report.station = ""     # it is not of this attempt
    commid, earlier = commid_of(name), Earlier.of(marks, fax, delivered, due)
    # settle and this function write the record first and count then; so an attempt that was counted has its record
    counted = qfile.number("totdials") > int(opened.get("totdials", 0))
    record = replace(earlier.record(marks, commid, report.device, report.params, delivered), jobid=report.jobid)
    recorded = counted or xferfaxlog.is_recorded(setting.xferfaxlog, record)
    if not recorded:
        write_record(setting, report, record)
    elif delivered > before:        # it has recorded itself, but did not know of these
        write_record(setting, report, replace(record, pages=delivered - before))
    if not counted:
        count(qfile, earlier.ending, earlier.verdict)
        report.handle.rewrite()


def _wait_for(
    setting: Setting, report: JobReport, entry: Entry, launched: Mark, aborted: Callable[[], bool]
) -> str:
    """Until the call of this mark is over, if it still goes on.  Returns why that cannot be told, or ``""``."""
    longest = setting.config.outbound.call_timeout
    server = _server(setting, launched.facts)
    ids = CallIds.from_facts(launched.facts)
    if server is None:
        where = f"{launched.facts.get('host')}:{launched.facts.get('port')}"
        return _without_switch(report, entry, ids.uuid, longest, (
            f"An earlier call of this job was placed through {where}, which freeswitch.servers names no more: name it again,"
            f" or, if that switch is gone, remove {entry.path}"
        ))
    again = partial(reconnect, server, setting.config.freeswitch.connect_timeout, ids)
    try:
        client = again()
        if not exists(client, ids.uuid):
            client.close()
            return _gone(entry, ids.uuid)
    except EventSocketError as error:
        problem = f"An earlier call of this job may still go on, and FreeSWITCH cannot be asked: {error}"
        return _without_switch(report, entry, ids.uuid, longest, problem)
    except OSError as error:
        problem = f"An earlier call of this job may still go on: {server.password_file}: {error.strerror}"
        return _without_switch(report, entry, ids.uuid, longest, problem)
    report.log.line(f"An earlier attempt ({entry.name}) still has a call; waiting for its end")
    follower = Follower(client, again, ids, setting.config.outbound, entry, _ignore, aborted)
    trace = follower.follow()
    if follower.client is not None:
        follower.client.close()
    if trace.stage is Stage.UNKNOWN and not trace.withdrawn:
        return trace.reason
    try:
        if trace.fax is not None and entry.find(Step.FAX_OVER) is None:
            entry.mark(Step.FAX_OVER, uuid=ids.uuid, fax=trace.fax.facts())
    except JournalError as error:
        return str(error)
    return ""


def _without_switch(report: JobReport, entry: Entry, uuid: str, longest: float, problem: str) -> str:
    """A call whose FreeSWITCH cannot be asked, because of ``problem``: another one may do the rest if that call is certain to
    send nothing more.  Returns ``problem`` where it is not."""
    try:
        fate = fate_of(entry, uuid, longest)
    except JournalError as error:
        return str(error)
    if fate is Fate.UNKNOWN:
        return problem
    report.log.line(f"The FreeSWITCH of an earlier attempt ({entry.name}) cannot be asked; its call is {fate.value}")
    return ""


def _gone(entry: Entry, uuid: str) -> str:
    """The switch knows no such call: it was never placed, is about to be, or is over.  Makes sure of which.

    A call that is not connected is withdrawn, so that it cannot send any more.  One that was connected has a handler,
    which may still be about to note the result: that is waited for as long as the handler holds the entry.  Returns why
    the job cannot be dialled yet, or ``""``.
    """
    try:
        if not any(mark.step is Step.CONNECTED and mark.facts.get("uuid") == uuid for mark in entry.marks()):
            entry.mark(Step.WITHDRAWN, uuid=uuid)
        if entry.withdrawn(uuid):
            return ""
        began = time.monotonic()
        while (work := entry.in_work(uuid)) is not False and entry.find(Step.FAX_OVER) is None:
            if time.monotonic() - began > SECONDS_FOR_THE_NOTE[work]:
                return STILL_AT_WORK if work else ""
            time.sleep(0.1)
    except JournalError as error:
        return str(error)
    return ""


def _server(setting: Setting, facts: Mapping[str, object]) -> Server | None:
    """The server on which the call was placed, if it is still configured: another one knows nothing of the call."""
    for server in setting.config.freeswitch.servers:
        if (server.host, server.port) == (facts.get("host"), facts.get("port")):
            return server
    return None


def _ignore(progress: Progress, headers: Mapping[str, str]) -> None:
    """The progress of an earlier attempt is not this one's; its pages are counted from the result."""
